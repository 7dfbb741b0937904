//! HTTP: Datadog's API, the page's own calls, authentication, the static page.
//!
//! Handlers are thin: they parse, call the engine, the query language or the catalogue, and shape the answer. No SQL, no
//! rule about metrics lives here. Read it in this order:
//!
//! - [`app`]: the state that all handlers share. [`router`]: every route and what surrounds it.
//! - [`credentials`], [`auth`]: keys and sessions. [`error`]: errors, statuses, bodies, in one place.
//! - [`body`], [`params`]: requests within bounds.
//! - [`intake`]: what agents and clients send. [`not_kept`]: the table of what is only acknowledged.
//! - [`query`]: metric queries, v1 and v2. [`metrics`]: lists, metadata, tags. [`hosts`], [`account`].
//! - [`page`]: the page's own calls. [`assets`]: its files. [`health`]: `/health`, `/ready`, `/metrics`.
//! - [`server`] drives connections, [`drain`] reads what handlers left unread.
#![forbid(unsafe_code)]

pub mod account;
pub mod app;
pub mod assets;
pub mod auth;
pub mod body;
pub mod credentials;
pub mod drain;
pub mod error;
pub mod health;
pub mod hosts;
pub mod intake;
pub mod metrics;
pub mod not_kept;
pub mod page;
pub mod params;
pub mod query;
pub mod router;
pub mod server;
pub mod stats;
pub mod times;

pub use app::{ApiConfig, App};
pub use error::{ApiError, ApiResult};
pub use query::pool::QueryLimits;
pub use router::router;
pub use server::{ServerConfig, serve};
