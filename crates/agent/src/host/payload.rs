//! The description of this host as one `/intake/` payload: the same for the server's own host and for a remote agent.

use galgo_core::tags::normalise_tags;
use serde_json::{Value, json};

use super::gohai;
use crate::collect::Roots;
use crate::collect::kernel::read_line;

/// What the configuration says of this host.
#[derive(Debug, Clone, Default)]
pub struct HostDescription {
    /// The name under which it reports.
    pub hostname: String,
    /// Further names.
    pub aliases: Vec<String>,
    /// Host tags (`tags:` of the configuration).
    pub tags: Vec<String>,
    /// Environment (`env:`), becomes a host tag; empty for none.
    pub env: String,
}

/// The payload for `/intake/`. Reads the machine's files; a network file system that hangs makes it hang, so call it
/// off the async threads.
pub fn describe(host: &HostDescription, roots: &Roots) -> Value {
    let env = (!host.env.is_empty()).then(|| format!("env:{}", host.env));
    let tags = normalise_tags(host.tags.iter().map(String::as_str).chain(env.as_deref()));
    let kernel_name = read_line(&roots.proc.join("sys/kernel/hostname")).unwrap_or_default();
    let uname = rustix::system::uname();
    let (distribution, version) = gohai::distribution(roots);
    json!({
        "agentVersion": crate::VERSION,
        "agent-flavor": "galgo",
        "uuid": read_line(&roots.etc.join("machine-id")).unwrap_or_default(),
        "internalHostname": host.hostname,
        "os": std::env::consts::OS,
        "systemStats": {
            "cpuCores": gohai::processors(roots),
            "machine": uname.machine().to_string_lossy(),
            "platform": std::env::consts::OS,
            "processor": gohai::processor_model(roots),
            "nixV": [distribution, version, ""],
        },
        "meta": {
            "hostname": host.hostname,
            "socket-hostname": kernel_name,
            "socket-fqdn": kernel_name,
            "host_aliases": host.aliases,
            "timezones": [],
            "hostname-resolution-version": "1.0",
        },
        "host-tags": { "system": tags },
        "gohai": gohai::inventory(roots, &host.hostname).to_string(),
    })
}
