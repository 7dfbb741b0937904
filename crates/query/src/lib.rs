//! Datadog's metric query language: text → tree → plan → matrix. This crate knows traits of stores, not stores.
//!
//! Read it in the order in which a query meets it:
//!
//! 1. [`parse`] makes a tree ([`ast`]) of a text, [`print`] writes it back; [`error`] says what is wrong and where.
//! 2. [`variables`] puts the values of template variables into the tree and turns scopes into conditions on tags.
//! 3. [`window`] and [`calendar`] decide which buckets a query has; `plan` turns a metric query into a [`source::Leaf`].
//! 4. A [`source::MetricSource`] answers leaves. The aggregation itself is the [`kernel`], which a store drives while it
//!    scans, so that its rules are written once.
//! 5. [`evaluate`] computes arithmetic and [`functions`] over the answers ([`frame`]) and gives series or scalars
//!    ([`request`]).
//! 6. [`algorithms`] is the mathematics of `anomalies`, `outliers` and `forecast`, and what monitors ask of their answers.
//!
//! ```
//! # use galgo_query::source::*;
//! # struct Nothing;
//! # impl MetricSource for Nothing {
//! #     fn describe(&self, _: &str) -> Option<MetricInfo> { None }
//! #     fn leaf(&self, _: &Leaf, _: &Budget) -> Result<Matrix, SourceError> { Ok(Matrix::default()) }
//! # }
//! # let (store, budget) = (Nothing, Budget { max_series: 1, max_points: 1, max_cells: 10_000, deadline: std::time::Duration::MAX });
//! use galgo_query::{evaluate_text, request::TextRequest, variables::Variables};
//!
//! let variables = Variables::default();
//! let request = TextRequest::new("default_zero(sum:page.views{env:prod}.as_count())", 0, 60, &variables);
//! let answer = evaluate_text(&store, &request, &budget).unwrap();
//! assert!(answer.series[0].values.iter().all(|value| *value == 0.0));
//! ```
//!
//! What the language means is written down in docs/query-language.md; tests/scripts says it by example, and tests/oracle
//! computes it a second time without sharing code.
#![forbid(unsafe_code)]

pub mod algorithms;
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
