//! Log collection from outside: real files, sockets and programs, time simulated where nothing but files is involved.

#![allow(clippy::unwrap_used)] // also in functions that tests share

mod at_least_once;
mod checks;
mod delivery;
mod files;
mod harness;
mod journal;
mod killed;
mod listeners;
mod multi_line;
mod rotation;
