//! The whole API over a real engine and catalogue in a temporary folder, without sockets.

mod account;
mod hosts;
mod intake;
mod metrics;
mod page;
mod queries;
mod server;
mod surroundings;
