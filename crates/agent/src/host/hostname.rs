//! Under which name this host reports: what the configuration says, else a file named by it, else the kernel's name.

use std::path::Path;

use crate::collect::Roots;
use crate::collect::kernel::read_line;

/// Longest host name, in bytes (RFC 1123).
const MAX_HOSTNAME_BYTES: usize = 255;

/// Names that many machines share: no identity.
const LOCAL_NAMES: [&str; 6] =
    ["localhost", "localhost.localdomain", "localhost6", "localhost6.localdomain6", "ip6-localhost", "(none)"];

/// Which of the ways gave the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostNameSource {
    /// `hostname` of the configuration.
    Configuration,
    /// The file that `hostname_file` of the configuration names.
    File,
    /// The kernel.
    Os,
    /// `/etc/hostname`.
    EtcHostname,
    /// Derived from `/etc/machine-id`, because everything else is a name that many machines share.
    MachineId,
    /// Nothing was found.
    Fallback,
}

/// The name of this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName {
    /// The name, never empty.
    pub name: String,
    /// Which of the ways gave it.
    pub source: HostNameSource,
}

/// Finds the name of this host: `configured`, the content of `file`, the kernel's name, `/etc/hostname`, the machine
/// id; the first that is a valid name and no alias of localhost.
pub fn detect(configured: Option<&str>, file: Option<&Path>, roots: &Roots) -> HostName {
    let candidates: [(HostNameSource, Option<String>); 5] = [
        (HostNameSource::Configuration, configured.map(|name| name.trim().to_owned())),
        (HostNameSource::File, file.and_then(read_line)),
        (HostNameSource::Os, read_line(&roots.proc.join("sys/kernel/hostname"))),
        (HostNameSource::EtcHostname, read_line(&roots.etc.join("hostname"))),
        (HostNameSource::MachineId, machine_name(roots)),
    ];
    for (source, name) in candidates {
        match name {
            Some(name) if is_valid(&name) => return HostName { name, source },
            Some(name) if source == HostNameSource::Configuration && !name.is_empty() => {
                tracing::warn!(hostname = name, "configured host name is not usable and is ignored");
            }
            _ => {}
        }
    }
    HostName { name: "localhost".into(), source: HostNameSource::Fallback }
}

fn machine_name(roots: &Roots) -> Option<String> {
    let id = read_line(&roots.etc.join("machine-id"))?;
    let start = id.get(..12).filter(|start| start.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    Some(format!("host-{start}"))
}

/// Whether a name follows RFC 1123 (underscores are let through: people use them) and identifies one machine.
fn is_valid(name: &str) -> bool {
    let label_is_valid = |label: &str| {
        let inner = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        inner && !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-')
    };
    name.len() <= MAX_HOSTNAME_BYTES
        && !LOCAL_NAMES.contains(&name.to_ascii_lowercase().as_str())
        && name.strip_suffix('.').unwrap_or(name).split('.').all(label_is_valid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for name in ["web-1", "i-0abc", "a.b.example", "web_1", "UPPER", "fqdn.example."] {
            assert!(is_valid(name), "{name:?}");
        }
        let long = "a".repeat(64);
        for name in ["", "localhost", "LocalHost", "a b", "-a", "a-", "a..b", "é", "(none)", long.as_str()] {
            assert!(!is_valid(name), "{name:?}");
        }
    }
}
