//! Datadog's metric query language: text → tree → plan → matrix.
#![forbid(unsafe_code)]

pub mod ast;
pub mod error;
pub mod kernel;
pub mod parse;
pub mod print;
pub mod source;
