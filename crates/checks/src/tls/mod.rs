//! Check `tls`: whether a server speaks TLS in a version that is allowed, whether its certificate is valid, and when it
//! expires; or the same of a certificate in a file. The service checks are `tls.can_connect`, `tls.version`,
//! `tls.cert_validation` and `tls.cert_expiration`.
//!
//! The connection is made whatever the certificate, and the certificate judged afterwards, so that an expired one still
//! shows its dates and the server's version.

mod issuers;
mod start;
mod versions;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use galgo_agent::check::{Check, CheckContext, CheckError, Instance, InstanceError, Samples};
use galgo_core::Clock;
use galgo_core::check::CheckStatus;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, Error};
use serde_json::Value;
use tokio::net::TcpStream;

use crate::options::Options;
use crate::trust::expiry::{Thresholds, days};
use crate::trust::probe::{HandshakeError, Shown, connect, look};
use crate::trust::{Certificate, TrustOptions, Verifier, certificates_of, expand_home};

use issuers::IssuerFetcher;
use start::StartTls;
use versions::AllowedVersions;

/// Time to connect and to shake hands, each, unless configured.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Makes the check of an instance.
pub fn factory(instance: &Instance, context: &CheckContext) -> Result<Box<dyn Check>, CheckError> {
    let fail = |error: InstanceError| CheckError::new(error.to_string());
    let options = Options::of(instance);
    let trust = TrustOptions::read(&options, true).map_err(fail)?;
    let (config, verifier) = trust.client_config().map_err(|error| fail(instance.refuse(error.to_string())))?;
    let subject = Subject::read(instance).map_err(fail)?;
    let mut tags = instance.tags();
    if let Some(name) = options.text("name").map_err(fail)? {
        tags.push(format!("name:{name}"));
    }
    subject.add_tags(&mut tags, trust.validate_hostname);
    Ok(Box::new(TlsCheck {
        timeout: options.limit("timeout").map_err(fail)?.unwrap_or(DEFAULT_TIMEOUT),
        thresholds: Thresholds::read(&options).map_err(fail)?,
        allowed: AllowedVersions::read(&options).map_err(fail)?,
        send_duration: options.flag("send_cert_duration", false),
        issuers: IssuerFetcher::read(&options, context).map_err(fail)?,
        validate_hostname: trust.validate_hostname,
        clock: Arc::clone(&context.clock),
        subject,
        config,
        verifier,
        tags,
    }))
}

/// Whose certificate it is about.
#[derive(Debug)]
enum Subject {
    Server { host: String, port: u16, name: ServerName<'static>, shown_name: String, start: Option<StartTls> },
    File { path: PathBuf, name: Option<(ServerName<'static>, String)> },
}

impl Subject {
    fn read(instance: &Instance) -> Result<Self, InstanceError> {
        let options = Options::of(instance);
        let name_of = |text: String| {
            let refuse = |_| options.refuse("server_hostname", "a host name or an address", &Value::from(text.clone()));
            Ok((ServerName::try_from(text.clone()).map_err(refuse)?, text))
        };
        let given = options.text("server_hostname")?.filter(|text| !text.is_empty());
        if let Some(path) = options.text("local_cert_path")?.filter(|path| !path.is_empty()) {
            let validates = ["tls_validate_hostname", "validate_hostname"].iter().all(|key| options.flag(key, true));
            if validates && given.is_none() {
                return Err(instance.refuse("server_hostname is required, unless tls_validate_hostname is false"));
            }
            return Ok(Self::File { path: expand_home(&path), name: given.map(name_of).transpose()? });
        }
        let transport = options.text("transport")?.unwrap_or_else(|| "tcp".into());
        if !transport.eq_ignore_ascii_case("tcp") {
            return Err(options.refuse("transport", "tcp", &Value::from(transport)));
        }
        let server = options.required("server")?;
        let (host, in_server) = split_server(&server)
            .ok_or_else(|| options.refuse("server", "a host, with or without a port", &Value::from(server.clone())))?;
        let (name, shown_name) = name_of(given.unwrap_or_else(|| host.clone()))?;
        let start = options.text("start_tls")?.filter(|text| !text.is_empty());
        let start = start.map(|text| {
            StartTls::named(&text).ok_or_else(|| options.refuse("start_tls", "postgres or mysql", &Value::from(text)))
        });
        let port = options.port("port")?.or(in_server).unwrap_or(443);
        Ok(Self::Server { host, port, name, shown_name, start: start.transpose()? })
    }

    fn add_tags(&self, tags: &mut Vec<String>, validate_hostname: bool) {
        match self {
            Self::Server { host, port, shown_name, .. } => {
                tags.push(format!("server_hostname:{shown_name}"));
                tags.push(format!("server:{host}"));
                tags.push(format!("port:{port}"));
            }
            Self::File { name: Some((_, shown)), .. } if validate_hostname => {
                tags.push(format!("server_hostname:{shown}"));
            }
            Self::File { .. } => {}
        }
    }
}

/// Host and port of `host`, `host:port`, `[::1]:port`, a bare IPv6 address or a URL; the host in lower case.
fn split_server(server: &str) -> Option<(String, Option<u16>)> {
    let rest = server.split_once("://").map_or(server, |(_, rest)| rest);
    let rest = rest.split(['/', '?', '#']).next()?;
    let rest = rest.rsplit('@').next()?;
    let (host, port) = match rest.strip_prefix('[') {
        Some(inside) => {
            let (host, after) = inside.split_once(']')?;
            (host, after.strip_prefix(':'))
        }
        None if rest.matches(':').count() > 1 => (rest, None),
        None => rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
    };
    let port = match port {
        Some(text) => Some(text.parse().ok().filter(|port| *port != 0)?),
        None => None,
    };
    (!host.is_empty()).then(|| (host.to_lowercase(), port))
}

#[derive(Debug)]
struct TlsCheck {
    subject: Subject,
    config: ClientConfig,
    verifier: Arc<Verifier>,
    validate_hostname: bool,
    timeout: Duration,
    thresholds: Thresholds,
    allowed: AllowedVersions,
    send_duration: bool,
    issuers: Option<IssuerFetcher>,
    clock: Arc<dyn Clock>,
    tags: Vec<String>,
}

#[async_trait]
impl Check for TlsCheck {
    async fn run(&mut self, out: &mut Samples) -> Result<(), CheckError> {
        match &self.subject {
            Subject::Server { host, port, name, start, .. } => {
                let (host, port, name, start) = (host.clone(), *port, name.clone(), *start);
                self.check_server(&host, port, &name, start, out).await;
            }
            Subject::File { path, name } => self.check_file(&path.clone(), name.as_ref().map(|(name, _)| name), out),
        }
        Ok(())
    }
}

impl TlsCheck {
    fn tell(&self, check: &str, problem: Option<String>, out: &mut Samples) {
        let status = if problem.is_none() { CheckStatus::Ok } else { CheckStatus::Critical };
        out.service_check(check, status, &self.tags, problem.unwrap_or_default());
    }

    fn now(&self) -> UnixTime {
        let ms = u64::try_from(self.clock.now_ms()).unwrap_or(0);
        UnixTime::since_unix_epoch(Duration::from_millis(ms))
    }

    async fn reach(&self, host: &str, port: u16, start: Option<StartTls>) -> Result<TcpStream, String> {
        let mut stream = connect(host, port, self.timeout).await.map_err(|error| error.to_string())?;
        if let Some(start) = start {
            start.switch(&mut stream, self.timeout).await.map_err(|error| error.to_string())?;
        }
        Ok(stream)
    }

    async fn check_server(
        &mut self,
        host: &str,
        port: u16,
        name: &ServerName<'static>,
        start: Option<StartTls>,
        out: &mut Samples,
    ) {
        let stream = match self.reach(host, port, start).await {
            Ok(stream) => stream,
            Err(problem) => return self.tell("tls.can_connect", Some(problem), out),
        };
        self.tell("tls.can_connect", None, out);
        let mut shown = match look(stream, &self.config, &self.verifier, name, self.timeout).await {
            Ok(shown) => shown,
            Err(error) => return self.tell_no_handshake(&error, out),
        };
        self.tell("tls.version", self.allowed.problem(shown.version), out);
        if let Some(issuers) = &mut self.issuers {
            let found = issuers.fetch(&shown.chain, self.clock.monotonic()).await;
            shown.chain.extend(found);
        }
        self.tell("tls.cert_validation", self.problem_of_chain(&shown, name), out);
        match Certificate::parse(&shown.chain[0]) {
            Ok(certificate) => self.check_dates(&certificate, out),
            Err(error) => out.warn(error.to_string()),
        }
    }

    /// The two sides may have no version in common; any other reason is one of the certificate's side.
    fn tell_no_handshake(&self, error: &HandshakeError, out: &mut Samples) {
        if let HandshakeError::Tls(
            Error::AlertReceived(rustls::AlertDescription::ProtocolVersion) | Error::PeerIncompatible(_),
        ) = error
        {
            let problem = format!("the server speaks neither TLSv1.2 nor TLSv1.3: {error}");
            self.tell("tls.version", Some(problem), out);
        }
        self.tell("tls.cert_validation", Some(error.to_string()), out);
    }

    fn problem_of_chain(&self, shown: &Shown, name: &ServerName<'_>) -> Option<String> {
        let verdict = self.verifier.judge_if_asked(&shown.chain, name, self.now());
        verdict.err().map(|error| match &error {
            Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
                "the certificate has expired".to_owned()
            }
            Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ) => format!("the certificate is for another host: {error}"),
            Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
                "the certificate's issuer is not trusted".to_owned()
            }
            other => other.to_string(),
        })
    }

    fn check_file(&self, path: &std::path::Path, name: Option<&ServerName<'static>>, out: &mut Samples) {
        let parsed = certificates_of("local_cert_path", path).map_err(|error| error.to_string()).and_then(|chain| {
            let leaf = chain.into_iter().next().ok_or_else(|| "no certificate".to_owned())?;
            let certificate = Certificate::parse(&leaf).map_err(|error| error.to_string())?;
            Ok((leaf, certificate))
        });
        let (leaf, certificate) = match parsed {
            Ok(parsed) => parsed,
            Err(problem) => return self.tell("tls.cert_validation", Some(problem), out),
        };
        let problem = name.filter(|_| self.validate_hostname).and_then(|name| problem_of_name(&leaf, name));
        self.tell("tls.cert_validation", problem, out);
        self.check_dates(&certificate, out);
    }

    fn check_dates(&self, certificate: &Certificate, out: &mut Samples) {
        if self.send_duration {
            let issued = (certificate.not_after - certificate.not_before) as f64;
            out.count("tls.issued_days", days(issued), &self.tags);
            out.count("tls.issued_seconds", issued, &self.tags);
        }
        let seconds_left = certificate.seconds_left(self.clock.now_ms());
        let days_left = days(seconds_left);
        out.gauge("tls.days_left", days_left, &self.tags);
        out.gauge("tls.seconds_left", seconds_left, &self.tags);
        let status = self.thresholds.status(seconds_left);
        let message = match status {
            CheckStatus::Ok => String::new(),
            _ if seconds_left <= 0.0 => "the certificate has expired".to_owned(),
            _ => format!("the certificate expires in {days_left:.1} days"),
        };
        out.service_check("tls.cert_expiration", status, &self.tags, message);
    }
}

fn problem_of_name(leaf: &CertificateDer<'_>, name: &ServerName<'_>) -> Option<String> {
    let parsed = rustls::server::ParsedCertificate::try_from(leaf);
    let verdict = parsed.and_then(|parsed| rustls::client::verify_server_name(&parsed, name));
    verdict.err().map(|error| format!("the certificate is for another host: {error}"))
}
