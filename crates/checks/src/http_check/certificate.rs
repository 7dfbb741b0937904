//! When the certificate of a web server expires, and whether it is valid at all.

use std::sync::Arc;
use std::time::Duration;

use galgo_agent::check::InstanceError;
use galgo_core::check::CheckStatus;
use reqwest::Url;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, Error};
use serde_json::Value;

use crate::options::Options;
use crate::trust::expiry::{Thresholds, days};
use crate::trust::probe::{connect, look};
use crate::trust::{Certificate, TrustOptions, Verifier};

/// What was found out about a certificate.
#[derive(Debug, PartialEq)]
pub struct Judged {
    pub status: CheckStatus,
    pub message: String,
    /// Nothing when the certificate could not be seen.
    pub seconds_left: Option<f64>,
}

impl Judged {
    fn unknown(message: impl Into<String>) -> Self {
        Self { status: CheckStatus::Unknown, message: message.into(), seconds_left: None }
    }
}

/// Looks at the certificate of one server.
#[derive(Debug)]
pub struct CertificateWatch {
    host: String,
    port: u16,
    name: ServerName<'static>,
    config: ClientConfig,
    verifier: Arc<Verifier>,
    limit: Duration,
    thresholds: Thresholds,
    /// Whether the certificate of the request itself counts, without a look of its own.
    from_response: bool,
    /// Whether a certificate that is not verified is looked at.
    looks_unverified: bool,
}

impl CertificateWatch {
    /// Reads the options of an instance; nothing for addresses without TLS or when it is switched off.
    pub fn read(
        options: &Options<'_>,
        url: &str,
        trust: TrustOptions,
        limit: Duration,
    ) -> Result<Option<Self>, InstanceError> {
        let thresholds = Thresholds::read(options)?;
        if !options.flag("check_certificate_expiration", true) || !url.starts_with("https://") {
            return Ok(None);
        }
        let refuse = || options.refuse("url", "an address with a host", &Value::from(crate::http::shown_url(url)));
        let parsed = Url::parse(url).map_err(|_| refuse())?;
        let host = parsed.host_str().map(|host| host.trim_matches(['[', ']']).to_owned()).ok_or_else(refuse)?;
        let server_name = options.text("ssl_server_name")?.unwrap_or_else(|| host.clone());
        let name = ServerName::try_from(server_name.clone())
            .map_err(|_| options.refuse("ssl_server_name", "the name of a host", &Value::from(server_name)))?;
        // The look of its own verifies even where the request does not, unless verification is switched off by name.
        let asked = options.get("tls_verify").is_none_or(galgo_agent::check::is_affirmative);
        let trust = TrustOptions { verify: asked, ..trust };
        let (config, verifier) = trust
            .client_config()
            .map_err(|error| options.refuse("tls_ca_cert", "readable", &Value::from(error.to_string())))?;
        Ok(Some(Self {
            host,
            port: parsed.port().unwrap_or(443),
            name,
            config,
            verifier,
            limit,
            thresholds,
            from_response: options.flag("use_cert_from_response", false),
            looks_unverified: asked || options.flag("tls_retrieve_non_validated_cert", false),
        }))
    }

    /// Judges the certificate that a request saw, or goes to see one.
    pub async fn judge(&self, seen: Option<CertificateDer<'static>>, now_ms: i64) -> Judged {
        match seen {
            Some(certificate) if self.from_response => self.by_dates(&certificate, now_ms),
            _ => self.by_look(now_ms).await,
        }
    }

    async fn by_look(&self, now_ms: i64) -> Judged {
        if !self.looks_unverified {
            return Judged::unknown(
                "tls_verify is off: set tls_retrieve_non_validated_cert to look at the certificate all the same",
            );
        }
        let stream = match connect(&self.host, self.port, self.limit).await {
            Ok(stream) => stream,
            Err(error) => return Judged::unknown(error.to_string()),
        };
        let shown = match look(stream, &self.config, &self.verifier, &self.name, self.limit).await {
            Ok(shown) => shown,
            Err(error) => return Judged::unknown(error.to_string()),
        };
        let now = UnixTime::since_unix_epoch(Duration::from_millis(u64::try_from(now_ms).unwrap_or(0)));
        match self.verifier.judge_if_asked(&shown.chain, &self.name, now) {
            Err(Error::InvalidCertificate(
                reason @ (CertificateError::Expired | CertificateError::ExpiredContext { .. }),
            )) => {
                let message = Error::InvalidCertificate(reason).to_string();
                Judged { status: CheckStatus::Critical, message, seconds_left: Some(0.0) }
            }
            Err(error) => Judged::unknown(error.to_string()),
            Ok(()) => self.by_dates(&shown.chain[0], now_ms),
        }
    }

    fn by_dates(&self, certificate: &CertificateDer<'_>, now_ms: i64) -> Judged {
        let seconds_left = match Certificate::parse(certificate) {
            Ok(parsed) => parsed.seconds_left(now_ms),
            Err(error) => return Judged::unknown(error.to_string()),
        };
        let whole_days = days(seconds_left).floor();
        let status = self.thresholds.status(seconds_left);
        let message = match status {
            CheckStatus::Ok => String::new(),
            _ if seconds_left < 0.0 => format!("the certificate expired {} days ago", -whole_days),
            _ => format!("the certificate expires in {whole_days} days"),
        };
        Judged { status, message, seconds_left: Some(seconds_left) }
    }
}
