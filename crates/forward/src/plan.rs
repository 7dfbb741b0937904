//! From a configuration to its endpoints: addresses, keys, folders of the disk queue.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;

use crate::config::{DiskConfig, ForwarderConfig};
use crate::disk::{Claim, Folders};
use crate::endpoint::Role;
use crate::error::ForwarderError;
use crate::payload::Route;

/// An endpoint to be: what is known before its queue is made.
pub(crate) struct Plan {
    pub(crate) url: Url,
    pub(crate) shown: String,
    pub(crate) key: String,
    pub(crate) role: Role,
    pub(crate) timeout: Duration,
}

/// Every endpoint of a configuration.
pub(crate) fn plan(config: &ForwarderConfig) -> Result<Vec<Plan>, ForwarderError> {
    let mut plans: Vec<Plan> = Vec::new();
    let mut add = |url: Url, key: &str, role: Role, timeout: Duration| {
        let (shown, key) = (shown(&url), key.trim().to_owned());
        // Twice the same would be everything twice.
        if !plans.iter().any(|plan| plan.url == url && plan.key == key && plan.role.name() == role.name()) {
            plans.push(Plan { url, shown, key, role, timeout });
        }
    };
    for endpoint in &config.endpoints {
        let url = parse_url(&endpoint.url)?;
        let keys: Vec<&String> = endpoint.api_keys.iter().filter(|key| !key.trim().is_empty()).collect();
        if keys.is_empty() {
            return Err(ForwarderError::NoKey(shown(&url)));
        }
        keys.iter().for_each(|key| add(url.clone(), key, Role::Metrics, config.timeout));
    }
    for endpoint in &config.log_endpoints {
        let mut url = parse_url(&endpoint.url)?;
        url.set_path("");
        if endpoint.api_key.trim().is_empty() {
            return Err(ForwarderError::NoKey(shown(&url)));
        }
        let route = if endpoint.use_v2_api { Route::Logs } else { Route::LogsV1 };
        add(url, &endpoint.api_key, Role::Logs { is_reliable: endpoint.is_reliable, route }, config.log_timeout);
    }
    Ok(plans)
}

pub(crate) fn parse_url(text: &str) -> Result<Url, ForwarderError> {
    let refuse = |url: &str, reason: &str| ForwarderError::Url { url: url.to_owned(), reason: reason.to_owned() };
    let mut url = Url::parse(text.trim()).map_err(|error| {
        // What cannot be parsed may hold a password in front of an @.
        let harmless = text.rsplit_once('@').map_or(text, |(_, host)| host);
        refuse(harmless, &error.to_string())
    })?;
    url.set_query(None);
    url.set_fragment(None);
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse(&shown(&url), "it must start with http:// or https://"));
    }
    Ok(url)
}

/// An address without credentials.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Neither fails for an address with a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.as_str().trim_end_matches('/').to_owned()
}

/// The folders of the disk queue, none when there is no disk queue or another process has it.
pub(crate) fn claim_folders(disk: Option<&DiskConfig>, plans: &[Plan]) -> (Option<Folders>, Vec<PathBuf>) {
    let Some(disk) = disk.filter(|disk| disk.max_bytes > 0) else { return (None, Vec::new()) };
    let claims: Vec<Claim<'_>> =
        plans.iter().map(|plan| Claim { url: &plan.shown, role: plan.role.name(), key: &plan.key }).collect();
    let claimed = Folders::claim(&disk.path).and_then(|folders| {
        let paths = folders.assign(&claims)?;
        folders.remove_abandoned(&paths, disk.outdated_after)?;
        Ok((folders, paths))
    });
    match claimed {
        Ok((folders, paths)) => (Some(folders), paths),
        Err(error) => {
            let path = disk.path.display();
            tracing::error!(%path, %error, "disk queue cannot be used; payloads wait in memory only");
            (None, Vec::new())
        }
    }
}
