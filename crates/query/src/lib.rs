//! Datadog's metric query language: text → tree → plan → matrix.
#![forbid(unsafe_code)]

pub mod ast;
pub mod calendar;
pub mod error;
pub mod evaluate;
pub mod frame;
pub mod functions;
pub mod kernel;
pub mod parse;
mod plan;
pub mod print;
pub mod reduce;
pub mod request;
mod rollup;
pub mod source;
pub mod variables;
pub mod window;

pub use error::{Fault, QueryError};
pub use evaluate::{evaluate_scalar, evaluate_series, evaluate_text};
