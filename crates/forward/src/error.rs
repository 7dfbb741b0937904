//! Why a forwarder does not start, or does not do what it was asked.

/// Why a forwarder does not start, or does not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForwarderError {
    /// An address that cannot be sent to.
    #[error("not an address to send to: {url:?}: {reason}")]
    Url {
        /// The address, without credentials.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A server without a key.
    #[error("no API key for {0}")]
    NoKey(String),
    /// A proxy's address is none. It is not shown: it may hold a password.
    #[error("the proxy's address is not of the form http://[user:password@]host:port")]
    Proxy,
    /// The version cannot stand in a header.
    #[error("agent version cannot be sent: {0:?}")]
    Version(String),
    /// The HTTP client could not be made.
    #[error("HTTP client could not be made: {0}")]
    Client(String),
    /// Keys can only be replaced one for one while running.
    #[error("{url} has {known} keys, not {given}; restart to change their number")]
    KeyCount {
        /// The server.
        url: String,
        /// Keys that it has.
        known: usize,
        /// Keys that were given.
        given: usize,
    },
}
