//! What of a server's certificate is verified.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::{Certificate, TrustError, TrustOptions, system_authorities};

/// Verifies certificates as an instance's options ask. In a handshake it may be told to let everything pass, so that a
/// check can look at a certificate that is not valid.
#[derive(Debug)]
pub struct Verifier {
    provider: Arc<CryptoProvider>,
    chain: Option<Arc<WebPkiServerVerifier>>,
    /// Certificates that are trusted as they are.
    pinned: Vec<CertificateDer<'static>>,
    validate_hostname: bool,
    verifies: bool,
    lets_pass: bool,
}

impl Verifier {
    pub(super) fn new(options: &TrustOptions, provider: Arc<CryptoProvider>) -> Result<Self, TrustError> {
        let mut made = Self {
            provider,
            chain: None,
            pinned: Vec::new(),
            validate_hostname: options.validate_hostname,
            verifies: options.verify,
            lets_pass: !options.verify,
        };
        if options.verify {
            let roots = match options.own_authorities()? {
                Some(own) => {
                    let mut store = RootCertStore::empty();
                    store.add_parsable_certificates(own.iter().cloned());
                    made.pinned = own;
                    Arc::new(store)
                }
                None => system_authorities(),
            };
            made.chain = made.chain_verifier(roots, options)?;
        }
        Ok(made)
    }

    fn chain_verifier(
        &self,
        roots: Arc<RootCertStore>,
        options: &TrustOptions,
    ) -> Result<Option<Arc<WebPkiServerVerifier>>, TrustError> {
        let place = || options.ca.as_ref().map_or("the system".to_owned(), |path| path.display().to_string());
        if roots.is_empty() {
            // Certificates that are no authorities can still be trusted one by one.
            return if self.pinned.is_empty() { Err(TrustError::NoAuthority(place())) } else { Ok(None) };
        }
        let built = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&self.provider)).build();
        built.map(Some).map_err(|error| TrustError::Config(Error::General(error.to_string())))
    }

    /// A copy that lets every certificate pass in the handshake; [`Verifier::judge`] still verifies.
    pub fn that_lets_pass(&self) -> Self {
        Self {
            provider: Arc::clone(&self.provider),
            chain: self.chain.clone(),
            pinned: self.pinned.clone(),
            validate_hostname: self.validate_hostname,
            verifies: self.verifies,
            lets_pass: true,
        }
    }

    /// As [`Verifier::judge`], unless the options ask for no verification: then only the name counts, if it does.
    pub fn judge_if_asked(
        &self,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        if self.verifies {
            return self.judge(chain, name, now);
        }
        let leaf = chain.first().ok_or(Error::NoCertificatesPresented)?;
        if self.validate_hostname { verify_server_name(&ParsedCertificate::try_from(leaf)?, name) } else { Ok(()) }
    }

    /// Whether a server's certificate, followed by those it sent along, is valid for a name at a time.
    pub fn judge(&self, chain: &[CertificateDer<'_>], name: &ServerName<'_>, now: UnixTime) -> Result<(), Error> {
        let (leaf, others) = chain.split_first().ok_or(Error::NoCertificatesPresented)?;
        let known = self.pinned.iter().any(|pinned| pinned == leaf);
        let verdict = match &self.chain {
            Some(verifier) => verifier.verify_server_cert(leaf, others, name, &[], now).map(drop),
            None => Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)),
        };
        match verdict {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.validate_hostname => Ok(()),
            // No chain leads to a certificate that signed itself; being configured is proof enough.
            Err(_) if known => self.judge_pinned(leaf, name, now),
            other => other,
        }
    }

    fn judge_pinned(&self, leaf: &CertificateDer<'_>, name: &ServerName<'_>, now: UnixTime) -> Result<(), Error> {
        let dates = Certificate::parse(leaf).map_err(|_| CertificateError::BadEncoding)?;
        let now_s = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if now_s > dates.not_after {
            return Err(CertificateError::Expired.into());
        }
        if now_s < dates.not_before {
            return Err(CertificateError::NotValidYet.into());
        }
        if self.validate_hostname { verify_server_name(&ParsedCertificate::try_from(leaf)?, name) } else { Ok(()) }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if !self.lets_pass {
            let chain: Vec<CertificateDer<'_>> = std::iter::once(end_entity).chain(intermediates).cloned().collect();
            self.judge(&chain, server_name, now)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
