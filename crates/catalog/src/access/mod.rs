//! Who may do what: the organisation, its users and roles, API and application keys, sessions of the page.
//!
//! Secrets are stored as hashes only. Validating a key reads an in-memory snapshot and no SQL, so that the ingest path
//! pays nanoseconds; creating and revoking replace the snapshot before they return.

pub mod keys;
pub mod sessions;
pub mod users;
