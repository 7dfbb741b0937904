//! Authorities and certificates made for one test, and what the verifier says of them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, IsCa, KeyPair};
use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{CertificateError, Error, ServerConfig};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

/// An authority in a temporary folder.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

/// The years on whose first day a test certificate begins and ends.
#[derive(Clone, Copy)]
pub(crate) struct Validity {
    pub(crate) from_year: i32,
    pub(crate) to_year: i32,
}

/// Valid whenever a test may run.
pub(crate) const LONG: Validity = Validity { from_year: 2000, to_year: 2090 };
/// Over since 2001.
pub(crate) const EXPIRED: Validity = Validity { from_year: 2000, to_year: 2001 };

/// A server's certificate and key.
pub(crate) struct Issued {
    pub(crate) der: CertificateDer<'static>,
    pub(crate) key: PrivateKeyDer<'static>,
    pub(crate) pem: String,
    pub(crate) key_pem: String,
}

fn params(names: &[&str], validity: Validity) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = rcgen::date_time_ymd(validity.from_year, 1, 1);
    params.not_after = rcgen::date_time_ymd(validity.to_year, 1, 1);
    params
}

/// A certificate that signed itself.
pub(crate) fn self_signed(names: &[&str], validity: Validity) -> Issued {
    let key = KeyPair::generate().unwrap();
    let cert = params(names, validity).self_signed(&key).unwrap();
    issued(&cert, &key)
}

fn issued(cert: &rcgen::Certificate, key: &KeyPair) -> Issued {
    Issued {
        der: cert.der().clone(),
        key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        pem: cert.pem(),
        key_pem: key.serialize_pem(),
    }
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut authority = params(&[], LONG);
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, "test authority");
        let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    /// File of the authority's certificate.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// An authority below this one.
    pub(crate) fn delegate(&self, name: &str) -> Self {
        let mut authority = params(&[], LONG);
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, name);
        let issuer = CertifiedIssuer::signed_by(authority, KeyPair::generate().unwrap(), &self.issuer).unwrap();
        Self { issuer, folder: tempfile::tempdir().unwrap() }
    }

    /// The authority's certificate.
    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub(crate) fn issue(&self, names: &[&str], validity: Validity) -> Issued {
        self.issue_with(names, validity, Vec::new())
    }

    pub(crate) fn issue_with(&self, names: &[&str], validity: Validity, extensions: Vec<CustomExtension>) -> Issued {
        let key = KeyPair::generate().unwrap();
        let mut wanted = params(names, validity);
        wanted.custom_extensions = extensions;
        let cert = wanted.signed_by(&key, &self.issuer).unwrap();
        issued(&cert, &key)
    }
}

/// A TLS server on an ephemeral port that answers every connection with `reply` once something was read.
pub(crate) async fn serve_tls(issued: Issued, reply: &'static [u8]) -> SocketAddr {
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![issued.der], issued.key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut request = [0; 4096];
                if stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                    let _ = stream.write_all(reply).await;
                    let _ = stream.shutdown().await;
                }
            });
        }
    });
    address
}

fn judge(options: &TrustOptions, leaf: &Issued, name: &str) -> Result<(), Error> {
    let (_, verifier) = options.client_config().unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(1_700_000_000));
    verifier.judge(std::slice::from_ref(&leaf.der), &name, now)
}

#[test]
fn a_chain_a_name_and_dates_are_verified() {
    let authority = Authority::new();
    let strict = TrustOptions { ca: Some(authority.path()), ..TrustOptions::default() };
    let good = authority.issue(&["db.test"], LONG);
    assert_eq!(judge(&strict, &good, "db.test"), Ok(()));
    assert!(matches!(
        judge(&strict, &good, "other.test"),
        Err(Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. }))
    ));
    let any_name = TrustOptions { validate_hostname: false, ..strict.clone() };
    assert_eq!(judge(&any_name, &good, "other.test"), Ok(()));
    let expired = authority.issue(&["db.test"], EXPIRED);
    assert!(matches!(
        judge(&any_name, &expired, "db.test"),
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { .. }))
    ));
    let stranger = Authority::new().issue(&["db.test"], LONG);
    assert!(judge(&strict, &stranger, "db.test").is_err());
}

#[test]
fn a_certificate_that_is_configured_itself_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let own = self_signed(&["db.test"], LONG);
    let path = folder.path().join("own.pem");
    std::fs::write(&path, &own.pem).unwrap();
    let options = TrustOptions { ca: Some(path), ..TrustOptions::default() };
    assert_eq!(judge(&options, &own, "db.test"), Ok(()));
    assert!(judge(&options, &own, "other.test").is_err());
    let of_folder = TrustOptions { ca: Some(folder.path().to_owned()), ..TrustOptions::default() };
    assert_eq!(judge(&of_folder, &own, "db.test"), Ok(()));
    assert!(judge(&options, &self_signed(&["db.test"], LONG), "db.test").is_err());
}

#[test]
fn files_that_are_no_certificates_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.pem");
    std::fs::write(&path, "nothing").unwrap();
    let reason = |options: TrustOptions| options.client_config().map(drop).unwrap_err().to_string();
    let shown = path.display();
    let of_ca = reason(TrustOptions { ca: Some(path.clone()), ..TrustOptions::default() });
    assert_eq!(of_ca, format!("tls_ca_cert {shown}: holds no certificate, neither as PEM nor as DER"));
    let own = self_signed(&["a"], LONG);
    let cert = folder.path().join("own.pem");
    std::fs::write(&cert, &own.pem).unwrap();
    let keyless = reason(TrustOptions { cert: Some(cert.clone()), ..TrustOptions::default() });
    assert_eq!(keyless, format!("tls_cert {}: holds no unencrypted private key", cert.display()));
    std::fs::write(&cert, own.pem + &own.key_pem).unwrap();
    assert!(TrustOptions { verify: false, cert: Some(cert), ..TrustOptions::default() }.identity().unwrap().is_some());
}
