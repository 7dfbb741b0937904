//! Native integrations: MySQL, PostgreSQL, Redis, OpenMetrics, HTTP, TCP, TLS and directory checks.
#![forbid(unsafe_code)]
