//! Datadog's metric query language: text → tree → plan → matrix.
#![forbid(unsafe_code)]

pub mod kernel;
pub mod source;
