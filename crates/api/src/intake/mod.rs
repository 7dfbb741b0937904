//! What agents and API clients send: one handler per kind of payload, thin around the decoders of `galgo-intake`.
//!
//! - [`points`]: series, sketches, distribution points. The hot path: bytes → decoder → engine, no string built.
//! - [`reports`]: host metadata, inventories, service checks.
//! - [`agent_report`]: what an agent says of its checks and logs.
//! - [`acknowledged`]: what is counted and not kept.

pub mod acknowledged;
pub mod agent_report;
pub mod points;
pub mod reports;
pub mod sightings;

use std::sync::Arc;

use axum::Router;
use axum::routing::post;
use galgo_intake::Report;
use http::HeaderMap;
use http::header::USER_AGENT;

use crate::app::App;

/// The routes of this module.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .merge(points::routes())
        .route("/api/v1/check_run", post(reports::check_run))
        .route("/intake", post(reports::intake))
        .route("/intake/", post(reports::intake))
        .route("/api/v1/metadata", post(reports::metadata))
        .merge(acknowledged::routes())
}

fn user_agent(headers: &HeaderMap) -> Option<&str> {
    headers.get(USER_AGENT).and_then(|value| value.to_str().ok())
}

/// Counts what a payload brought, and what of it was dropped and why.
fn account(app: &App, report: &Report) {
    app.stats.accepted(report.accepted_series, report.accepted_points);
    app.stats.dropped(report.dropped_series, report.dropped_points);
    for dropped in &report.dropped {
        let example = format!("{}: {}", dropped.example, dropped.reason);
        app.catalog.count_dropped(&rule_of(&dropped.reason), dropped.count, &example);
    }
}

/// The rule that a reason speaks of, the same for all values: what stands after a colon goes, numbers become `N`.
fn rule_of(reason: &str) -> String {
    let (rule, _) = reason.split_once(": ").unwrap_or((reason, ""));
    let mut shown = String::with_capacity(rule.len());
    for letter in rule.chars() {
        match letter {
            digit if digit.is_ascii_digit() => {
                if !shown.ends_with('N') {
                    shown.push('N');
                }
            }
            other => shown.push(other),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_hold_no_values() {
        for (reason, rule) in [
            ("timestamp 12 is outside of 34 to 56", "timestamp N is outside of N to N"),
            ("metric name longer than 350 bytes: abc", "metric name longer than N bytes"),
            ("plain", "plain"),
        ] {
            assert_eq!(rule_of(reason), rule);
        }
    }
}
