//! Under which name this host reports: what the configuration says, else a file named by it, else the kernel's name.

use std::path::{Path, PathBuf};

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
    /// The kernel's name with its domain (`hostname_fqdn`).
    Fqdn,
    /// The kernel.
    Os,
    /// `/etc/hostname`.
    EtcHostname,
    /// Derived from `/etc/machine-id`, because everything else is a name that many machines share.
    MachineId,
    /// Nothing was found.
    Fallback,
}

impl HostNameSource {
    /// The word for it in the descriptions that an agent sends.
    pub fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::File => "file",
            Self::Fqdn => "fqdn",
            Self::Os => "os",
            Self::EtcHostname => "etc-hostname",
            Self::MachineId => "machine-id",
            Self::Fallback => "fallback",
        }
    }
}

/// What the configuration says of the name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostNameRules {
    /// `hostname`.
    pub configured: Option<String>,
    /// `hostname_file`: a file that holds the name.
    pub file: Option<PathBuf>,
    /// `hostname_fqdn`: whether the kernel's name is completed with its domain.
    pub fqdn: bool,
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
    let configured = configured.map(str::to_owned);
    detect_by(&HostNameRules { configured, file: file.map(Path::to_owned), fqdn: false }, roots)
}

/// Finds the name of this host by the configuration's rules. Providers of clouds and containers are not asked.
pub fn detect_by(rules: &HostNameRules, roots: &Roots) -> HostName {
    let kernel_name = read_line(&roots.proc.join("sys/kernel/hostname"));
    let full_name = kernel_name.as_deref().filter(|_| rules.fqdn).and_then(|name| qualified(name, roots));
    let candidates: [(HostNameSource, Option<String>); 6] = [
        (HostNameSource::Configuration, rules.configured.as_ref().map(|name| name.trim().to_owned())),
        (HostNameSource::File, rules.file.as_deref().and_then(read_line)),
        (HostNameSource::Fqdn, full_name),
        (HostNameSource::Os, kernel_name),
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

/// The kernel's name with its domain: what `/etc/hosts` calls the host first, else the domain that the kernel knows.
fn qualified(name: &str, roots: &Roots) -> Option<String> {
    if name.contains('.') {
        return Some(name.to_owned());
    }
    let hosts = crate::collect::kernel::KernelFile::read(roots.etc.join("hosts")).map(|file| file.text);
    for line in hosts.unwrap_or_default().lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_ascii_whitespace().skip(1);
        let Some(canonical) = words.next() else { continue };
        let short = canonical.split('.').next().unwrap_or_default();
        if canonical.contains('.') && (short == name || words.any(|alias| alias == name)) && is_valid(canonical) {
            return Some(canonical.to_owned());
        }
    }
    let domain = read_line(&roots.proc.join("sys/kernel/domainname"))?;
    (!domain.is_empty() && domain != "(none)").then(|| format!("{name}.{domain}"))
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
