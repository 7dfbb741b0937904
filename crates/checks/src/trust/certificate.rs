//! What checks want to know of a certificate: when it is valid, whom it is for, where its issuer can be fetched.

use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::oid_registry::{OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS, OID_PKIX_AUTHORITY_INFO_ACCESS};
use x509_parser::parse_x509_certificate;

/// Bytes that are no certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an X.509 certificate: {0}")]
pub struct CertificateError(String);

/// The facts of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// First second of validity, since the UNIX epoch.
    pub not_before: i64,
    /// Last second of validity, since the UNIX epoch.
    pub not_after: i64,
    /// Addresses from which the issuer's certificate can be fetched.
    pub issuer_urls: Vec<String>,
}

impl Certificate {
    /// Reads a certificate in DER.
    pub fn parse(der: &[u8]) -> Result<Self, CertificateError> {
        let (_, parsed) = parse_x509_certificate(der).map_err(|error| CertificateError(error.to_string()))?;
        let mut issuer_urls = Vec::new();
        for extension in parsed.extensions().iter().filter(|known| known.oid == OID_PKIX_AUTHORITY_INFO_ACCESS) {
            let ParsedExtension::AuthorityInfoAccess(access) = extension.parsed_extension() else { continue };
            for description in &access.accessdescs {
                if description.access_method == OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS
                    && let GeneralName::URI(url) = &description.access_location
                {
                    issuer_urls.push((*url).to_owned());
                }
            }
        }
        let validity = parsed.validity();
        Ok(Self { not_before: validity.not_before.timestamp(), not_after: validity.not_after.timestamp(), issuer_urls })
    }

    /// Seconds until the certificate expires, negative afterwards.
    pub fn seconds_left(&self, now_ms: i64) -> f64 {
        self.not_after as f64 - now_ms as f64 / 1000.0
    }
}
