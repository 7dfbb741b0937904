//! Native integrations: MySQL, PostgreSQL, Redis, OpenMetrics, HTTP, TCP, TLS and directory checks.
//!
//! Every integration is one module with a check of Datadog's name, options, metrics, tags and service checks, and one
//! line in [`factories`]. Nothing here knows how reports are sent or when checks run: a check gets an
//! [`Instance`](galgo_agent::check::Instance) and fills [`Samples`](galgo_agent::check::Samples).
//!
//! What several of them need: [`options`] reads configurations, [`pattern`] compiles their regular expressions,
//! [`trust`] secures connections and [`http`] asks web servers.
#![forbid(unsafe_code)]

mod custom_query;
pub mod directory;
pub mod http;
pub mod http_check;
pub mod mysql;
pub mod openmetrics;
pub mod options;
pub mod pattern;
pub mod postgres;
pub mod redis;
pub mod tcp_check;
pub mod tls;
pub mod trust;
mod version;

use galgo_agent::check::Factory;

/// Every native integration: the name of its check and what makes one from an instance.
pub fn factories() -> Vec<(&'static str, Factory)> {
    vec![
        ("directory", directory::factory),
        ("http_check", http_check::factory),
        ("mysql", mysql::factory),
        ("openmetrics", openmetrics::factory),
        ("postgres", postgres::factory),
        ("redisdb", redis::factory),
        ("tcp_check", tcp_check::factory),
        ("tls", tls::factory),
    ]
}
