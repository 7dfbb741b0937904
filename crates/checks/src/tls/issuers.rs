//! Fetches issuers that a server left out of its chain from the addresses in its certificate (`fetch_intermediate_certs`).

use std::collections::HashMap;
use std::time::Duration;

use galgo_agent::check::{CheckContext, InstanceError, is_affirmative};
use reqwest::header::HeaderMap;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::http::{Defaults, HttpClient, HttpOptions, Request};
use crate::options::Options;
use crate::trust::{Certificate, TrustOptions};

/// Longest chain that is followed.
const MAX_DEPTH: usize = 5;

/// Largest certificate, in bytes.
const MAX_CERTIFICATE: usize = 64 * 1024;

/// Minutes for which a fetched issuer is used, unless configured.
const DEFAULT_REFRESH_MIN: f64 = 60.0;

/// Fetches issuers and remembers them.
#[derive(Debug)]
pub struct IssuerFetcher {
    http: HttpOptions,
    refresh: Duration,
    known: HashMap<String, (Vec<CertificateDer<'static>>, Duration)>,
}

impl IssuerFetcher {
    /// Reads the options of an instance; nothing when issuers are not to be fetched. The addresses are chosen by the
    /// server, so no credentials of the instance go there.
    pub fn read(options: &Options<'_>, context: &CheckContext) -> Result<Option<Self>, InstanceError> {
        if !options.get_or_init("fetch_intermediate_certs").is_some_and(is_affirmative) {
            return Ok(None);
        }
        let defaults = Defaults { accept: "*/*", verify: false };
        let read = HttpOptions::read(options, context, defaults)?;
        let trust = TrustOptions { verify: false, ..TrustOptions::default() };
        let http = HttpOptions { headers: HeaderMap::new(), basic: None, token: None, trust, ..read };
        let minutes = options.number("intermediate_cert_refresh_interval")?.unwrap_or(DEFAULT_REFRESH_MIN);
        let refresh = Duration::from_secs_f64((minutes * 60.0).clamp(0.0, 1e9));
        Ok(Some(Self { http, refresh, known: HashMap::new() }))
    }

    /// Issuers of a chain that it does not hold itself.
    pub async fn fetch(&mut self, chain: &[CertificateDer<'static>], now: Duration) -> Vec<CertificateDer<'static>> {
        let mut found: Vec<CertificateDer<'static>> = Vec::new();
        let mut last = chain.last().cloned();
        for _ in 0..MAX_DEPTH {
            let urls = last.as_ref().and_then(|last| Certificate::parse(last).ok()).map(|parsed| parsed.issuer_urls);
            let Some(url) = urls.into_iter().flatten().find(|url| url.starts_with("http")) else { break };
            let issuers = self.issuers_at(&url, now).await;
            let Some(issuer) = issuers.into_iter().find(|issuer| !found.contains(issuer) && !chain.contains(issuer))
            else {
                break;
            };
            last = Some(issuer.clone());
            found.push(issuer);
        }
        found
    }

    async fn issuers_at(&mut self, url: &str, now: Duration) -> Vec<CertificateDer<'static>> {
        if let Some((known, since)) = self.known.get(url)
            && now.saturating_sub(*since) < self.refresh
        {
            return known.clone();
        }
        let fetched = match self.download(url).await {
            Ok(fetched) => fetched,
            Err(reason) => {
                tracing::warn!(url, reason, "issuer of a certificate cannot be fetched");
                return Vec::new();
            }
        };
        self.known.retain(|_, (_, since)| now.saturating_sub(*since) < self.refresh);
        self.known.insert(url.to_owned(), (fetched.clone(), now));
        fetched
    }

    async fn download(&self, url: &str) -> Result<Vec<CertificateDer<'static>>, String> {
        let client = HttpClient::new(self.http.clone(), url).map_err(|error| error.to_string())?;
        let response = client.send(&Request::get(url)).await.and_then(crate::http::Response::checked);
        let bytes = match response {
            Ok(response) => response.bytes(MAX_CERTIFICATE).await.map_err(|error| error.to_string())?,
            Err(error) => return Err(error.to_string()),
        };
        let pem: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&bytes).flatten().collect();
        if !pem.is_empty() {
            return Ok(pem);
        }
        Certificate::parse(&bytes).map_err(|error| error.to_string())?;
        Ok(vec![CertificateDer::from(bytes)])
    }
}
