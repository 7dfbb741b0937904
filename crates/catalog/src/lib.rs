//! Metadata in SQL, in a SQLite file or in PostgreSQL: who may do what, which hosts there are and their tags, what is
//! known of metrics, states of service checks, counters of what is not kept, the segment manifest, the audit trail.
//!
//! No SQL leaves this crate: whoever needs something calls a typed function of [`Catalog`]. Functions without `async`
//! read memory and never the database.
//!
//! - [`catalog`]: opening, first start, upkeep ([`Catalog`], [`Config`], [`FirstStart`]).
//! - [`access`]: organisation, users, roles, API and application keys, sessions.
//! - [`hosts`]: sightings, reports, tags by source, listing, muting.
//! - [`agents`]: the checks that agents run and the logs that they read.
//! - [`metrics`]: metadata and tag configurations. [`checks`]: service checks. [`counters`]: what is not kept.
//! - [`audit`]: the audit trail. [`Catalog::manifest`]: the list of live segments.
//!
//! How the tables look and what is kept where: docs/formats/catalogue.md.
#![forbid(unsafe_code)]

pub mod access;
pub mod agents;
pub mod audit;
pub mod catalog;
pub mod checks;
pub mod counters;
mod database;
mod error;
pub mod hosts;
mod manifest;
pub mod metrics;
mod revision;
mod secrets;

pub use access::keys::{ApiIdentity, AppIdentity, KeyInfo, NewKey};
pub use access::sessions::{LoginError, NewSession, Session};
pub use access::users::{Access, NewUser, Organisation, Role, User, UserChange};
pub use audit::{Actor, AuditEntry, AuditQuery};
pub use catalog::{Catalog, Config, FirstSecret, FirstStart};
pub use checks::{CheckChange, CheckQuery, CheckState};
pub use counters::{Dropped, UnkeptPath};
pub use error::{CatalogError, Result};
pub use hosts::Host;
pub use hosts::listing::{HostPage, HostQuery, HostSort, HostTotals};
pub use hosts::mute::Mute;
pub use hosts::report::HostReport;
pub use metrics::metadata::{MetricMetadata, MetricMetadataChange};
pub use metrics::tag_configuration::{TagConfiguration, TagConfigurationChange};
