//! What can go wrong in the catalogue, cut by what a caller would do about it: the API maps each variant to one status.

/// Why the catalogue did not do what it was asked. Texts are shown to users: lower case, no full stop.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The input breaks a rule; the text names the value and the rule (400).
    #[error("{0}")]
    Invalid(String),
    /// There is no such thing (404).
    #[error("{what} not found: {id}")]
    NotFound {
        /// Kind of thing, such as `api key`.
        what: &'static str,
        /// What was asked for.
        id: String,
    },
    /// It exists already, or its state forbids the change (409).
    #[error("{0}")]
    Conflict(String),
    /// A bound of the catalogue is reached; the text names it (429).
    #[error("{0}")]
    Limit(String),
    /// The database answered with an error or not at all (503).
    #[error("catalogue database: {0}")]
    Database(String),
}

/// A result of the catalogue.
pub type Result<T, E = CatalogError> = std::result::Result<T, E>;
