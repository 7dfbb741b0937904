//! The language against two judges: scripts whose expectations were worked out by hand, and a naive evaluator that
//! computes the same from raw points without sharing any code with the real one.

// clippy.toml allows it in unit tests; this whole crate is one.
#![allow(clippy::unwrap_used)]

mod answers;
mod data;
mod naive;
mod naive_functions;
mod random;
mod script;
mod source;
