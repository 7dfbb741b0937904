//! One suite for both databases: every test runs on a SQLite file and on a PostgreSQL server that it starts itself
//! (when the server is installed).
#![allow(clippy::unwrap_used)] // test support, which clippy does not take for tests

mod access;
mod agents;
mod checks;
mod hosts;
mod metrics;
mod place;
mod postgres;
mod upkeep;
