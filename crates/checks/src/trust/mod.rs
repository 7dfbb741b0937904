//! TLS from the client's side, for every check that connects somewhere: which authorities are trusted, what of a
//! server's certificate is verified, and the own certificate that is shown.
//!
//! The `tls_*` options are those of Datadog's checks. A certificate that is itself in `tls_ca_cert` is trusted even
//! when it is no authority: that is how a self-signed server is usually configured.

mod certificate;
pub mod expiry;
pub mod probe;
mod verify;

#[cfg(test)]
pub(crate) mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use galgo_agent::check::{InstanceError, is_affirmative};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

use crate::options::Options;

pub use certificate::{Certificate, CertificateError};
pub use verify::Verifier;

/// Largest file of certificates or keys that is read, in bytes.
const MAX_PEM_BYTES: u64 = 16 * 1024 * 1024;

/// Why no connection can be secured as configured.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A file that cannot be read or holds something else.
    #[error("{key} {}: {reason}", path.display())]
    File {
        /// The option.
        key: &'static str,
        /// Its path.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The parts do not fit together.
    #[error("tls options: {0}")]
    Config(#[from] rustls::Error),
    /// Nothing can be verified.
    #[error("no certificate authority is trusted: none found in {0}")]
    NoAuthority(String),
}

/// The TLS options of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustOptions {
    /// Whether the server's certificate is verified (`tls_verify`).
    pub verify: bool,
    /// Whether the certificate must be for the name that was asked (`tls_validate_hostname`).
    pub validate_hostname: bool,
    /// Authorities to trust instead of the system's: a file or a folder (`tls_ca_cert`).
    pub ca: Option<PathBuf>,
    /// Own certificate with its chain (`tls_cert`).
    pub cert: Option<PathBuf>,
    /// Key of the own certificate, when it is not in the same file (`tls_private_key`).
    pub key: Option<PathBuf>,
}

impl Default for TrustOptions {
    fn default() -> Self {
        Self { verify: true, validate_hostname: true, ca: None, cert: None, key: None }
    }
}

impl TrustOptions {
    /// Reads `tls_verify`, `tls_validate_hostname`, `tls_ca_cert`, `tls_cert` and `tls_private_key`, or the older names
    /// of `http_check`, `tls` and the first OpenMetrics check.
    pub fn read(options: &Options<'_>, verify_by_default: bool) -> Result<Self, InstanceError> {
        let path = |names: [&'static str; 4]| -> Result<Option<PathBuf>, InstanceError> {
            let key = names.into_iter().find(|name| options.get(name).is_some_and(|value| *value != false));
            let text = key.map(|key| options.text(key)).transpose()?.flatten();
            Ok(text.filter(|text| !text.is_empty()).map(|text| expand_home(&text)))
        };
        let ca = path(["tls_ca_cert", "ca_certs", "ssl_ca_cert", "ca_cert"])?;
        let verify = ["tls_verify", "validate_cert", "ssl_verify"].iter().find_map(|key| options.get(key));
        let disabled = options.get("disable_ssl_validation");
        let verify = match (verify, disabled) {
            (Some(value), _) => is_affirmative(value),
            (None, Some(value)) => !is_affirmative(value),
            // The legacy check switches verification off by `ssl_ca_cert: false`; naming an authority asks for it.
            (None, None) => {
                options.get("ssl_ca_cert") != Some(&Value::Bool(false)) && (verify_by_default || ca.is_some())
            }
        };
        let hostname = ["tls_validate_hostname", "check_hostname", "validate_hostname"];
        Ok(Self {
            verify,
            validate_hostname: hostname.iter().find_map(|key| options.get(key)).is_none_or(is_affirmative),
            ca,
            cert: path(["tls_cert", "client_cert", "ssl_cert", "cert"])?,
            key: path(["tls_private_key", "client_key", "ssl_private_key", "private_key"])?,
        })
    }

    /// The rustls configuration of a connection, and what verifies certificates for it.
    pub fn client_config(&self) -> Result<(ClientConfig, Arc<Verifier>), TrustError> {
        let provider = provider();
        let verifier = Arc::new(Verifier::new(self, Arc::clone(&provider))?);
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&verifier) as _);
        let config = match self.identity()? {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key)?,
            None => builder.with_no_client_auth(),
        };
        Ok((config, verifier))
    }

    /// Own certificate chain and key.
    pub fn identity(&self) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>, TrustError> {
        let Some(cert) = &self.cert else { return Ok(None) };
        let chain = certificates_of("tls_cert", cert)?;
        let (key, path) = match &self.key {
            Some(path) => ("tls_private_key", path),
            None => ("tls_cert", cert),
        };
        let pem = read_bounded(key, path)?;
        let private = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| TrustError::File {
            key,
            path: path.clone(),
            reason: "holds no unencrypted private key".into(),
        })?;
        Ok(Some((chain, private)))
    }

    /// Certificates of `tls_ca_cert`.
    fn own_authorities(&self) -> Result<Option<Vec<CertificateDer<'static>>>, TrustError> {
        let Some(path) = &self.ca else { return Ok(None) };
        if !path.is_dir() {
            return certificates_of("tls_ca_cert", path).map(Some);
        }
        let fail = |error: std::io::Error| TrustError::File {
            key: "tls_ca_cert",
            path: path.clone(),
            reason: error.to_string(),
        };
        let mut found = Vec::new();
        for entry in std::fs::read_dir(path).map_err(fail)? {
            let file = entry.map_err(fail)?.path();
            if file.is_file() {
                // A folder of authorities may hold other files; only certificates count.
                found.extend(certificates_of("tls_ca_cert", &file).unwrap_or_default());
            }
        }
        Ok(Some(found))
    }
}

/// The provider of cryptography that the process has installed, ring otherwise.
pub fn provider() -> Arc<CryptoProvider> {
    if CryptoProvider::get_default().is_none() {
        // Losing a race against another installer is fine: one is installed then.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    CryptoProvider::get_default().map_or_else(|| Arc::new(rustls::crypto::ring::default_provider()), Arc::clone)
}

/// The system's authorities, read once for the whole process.
fn system_authorities() -> Arc<RootCertStore> {
    static STORE: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let read = || {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(%error, "a certificate authority of the system cannot be read");
        }
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(found.certs);
        Arc::new(store)
    };
    Arc::clone(STORE.get_or_init(read))
}

/// All certificates of a PEM file, or the one of a DER file.
pub fn certificates_of(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let bytes = read_bounded(key, path)?;
    let fail = |reason: &str| TrustError::File { key, path: path.to_owned(), reason: reason.to_owned() };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let found = found.map_err(|_| fail("holds a damaged certificate"))?;
    if !found.is_empty() {
        return Ok(found);
    }
    if Certificate::parse(&bytes).is_ok() {
        return Ok(vec![CertificateDer::from(bytes)]);
    }
    Err(fail("holds no certificate, neither as PEM nor as DER"))
}

fn read_bounded(key: &'static str, path: &Path) -> Result<Vec<u8>, TrustError> {
    let fail = |reason: String| TrustError::File { key, path: path.to_owned(), reason };
    let size = std::fs::metadata(path).map_err(|error| fail(error.to_string()))?.len();
    if size > MAX_PEM_BYTES {
        return Err(fail(format!("larger than {MAX_PEM_BYTES} bytes: {size}")));
    }
    std::fs::read(path).map_err(|error| fail(error.to_string()))
}

/// A path whose `~/` stands for the home folder.
pub fn expand_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}
