//! Native integrations: MySQL, PostgreSQL, Redis, OpenMetrics, HTTP, TCP, TLS and directory checks.
//!
//! Every integration is one module with a check of Datadog's name, options, metrics, tags and service checks, and one
//! line in [`factories`]. Nothing here knows how reports are sent or when checks run: a check gets an
//! [`Instance`](galgo_agent::check::Instance) and fills [`Samples`](galgo_agent::check::Samples).
#![forbid(unsafe_code)]

use galgo_agent::check::Factory;

/// Every native integration: the name of its check and what makes one from an instance.
pub fn factories() -> Vec<(&'static str, Factory)> {
    vec![]
}
