//! The whole API over a real engine and catalogue in a temporary folder, without sockets.
#![allow(clippy::unwrap_used)] // a helper of tests may panic like a test

mod account;
mod hosts;
mod intake;
mod integrations;
mod metrics;
mod page;
mod queries;
mod server;
mod surroundings;
