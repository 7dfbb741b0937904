//! Why an exchange failed, in words that name the address and the innermost cause.

use std::error::Error;

use super::TokenError;

/// Why there is no answer, or one that does not count.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// An address that cannot be asked.
    #[error("{url}: {reason}")]
    Address {
        /// The address, without secrets.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No answer, or a broken one.
    #[error("{url}: {reason}")]
    Exchange {
        /// The address, without secrets.
        url: String,
        /// The innermost cause.
        reason: String,
        /// What TLS did not accept, if that was it.
        tls: Option<rustls::Error>,
        /// Whether a time limit passed.
        timed_out: bool,
    },
    /// An answer that says no.
    #[error("{url}: status {status}")]
    Status {
        /// The address, without secrets.
        url: String,
        /// Code and its name.
        status: String,
    },
    /// No token to authenticate with.
    #[error("auth_token: {source}")]
    Token {
        /// Why.
        source: TokenError,
    },
}

impl HttpError {
    pub(super) fn exchange(url: &str, error: reqwest::Error) -> Self {
        let timed_out = error.is_timeout();
        let error = error.without_url();
        let tls = tls_error(&error);
        let reason = match &tls {
            Some(tls) => tls.to_string(),
            None if timed_out && error.is_connect() => "no connection within the time limit".to_owned(),
            None if timed_out => "no answer within the time limit".to_owned(),
            None => innermost(&error),
        };
        Self::Exchange { url: url.to_owned(), reason, tls, timed_out }
    }

    /// What TLS did not accept.
    pub fn tls(&self) -> Option<&rustls::Error> {
        match self {
            Self::Exchange { tls, .. } => tls.as_ref(),
            _ => None,
        }
    }
}

fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

/// TLS errors travel inside I/O errors.
pub(crate) fn tls_error(error: &(dyn Error + 'static)) -> Option<rustls::Error> {
    causes(error).find_map(|cause| {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return Some(tls.clone());
        }
        let inner = cause.downcast_ref::<std::io::Error>()?.get_ref()?;
        tls_error(inner)
    })
}
