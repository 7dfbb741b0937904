//! One suite for both databases: every test runs on a SQLite file and on a PostgreSQL server that it starts itself
//! (when the server is installed).

mod access;
mod checks;
mod hosts;
mod metrics;
mod place;
mod postgres;
mod upkeep;
