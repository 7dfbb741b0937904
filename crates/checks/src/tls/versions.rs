//! Which versions of TLS are allowed.

use galgo_agent::check::InstanceError;
use rustls::ProtocolVersion;

use crate::options::Options;

/// Allowed unless configured.
const DEFAULT: [&str; 2] = ["TLSv1.2", "TLSv1.3"];

/// Names of versions, written as OpenSSL does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedVersions(Vec<String>);

impl AllowedVersions {
    /// Reads `allowed_versions` of the instance or of `init_config`: `TLSv1.2`, `v1.2` or `1.2`.
    pub fn read(options: &Options<'_>) -> Result<Self, InstanceError> {
        let given = options.texts_or_init("allowed_versions")?;
        if given.is_empty() {
            return Ok(Self(DEFAULT.map(str::to_owned).to_vec()));
        }
        let named = |text: &String| {
            normalise(text).ok_or_else(|| {
                let value = serde_json::Value::from(text.as_str());
                options.refuse("allowed_versions", "a list of SSLv3, TLSv1, TLSv1.1, TLSv1.2 and TLSv1.3", &value)
            })
        };
        given.iter().map(named).collect::<Result<Vec<String>, InstanceError>>().map(Self)
    }

    /// What is wrong with the version that was agreed on, if anything.
    pub fn problem(&self, agreed: Option<ProtocolVersion>) -> Option<String> {
        let name = match agreed {
            Some(ProtocolVersion::TLSv1_2) => "TLSv1.2".to_owned(),
            Some(ProtocolVersion::TLSv1_3) => "TLSv1.3".to_owned(),
            other => format!("{other:?}"),
        };
        (!self.0.contains(&name)).then(|| format!("{name} is not allowed, only {}", self.0.join(", ")))
    }
}

fn normalise(text: &str) -> Option<String> {
    let lower = text.trim().to_lowercase();
    if lower == "sslv3" {
        return Some("SSLv3".into());
    }
    let number = lower.strip_prefix("tls").unwrap_or(&lower);
    match number.strip_prefix('v').unwrap_or(number) {
        "1" | "1.0" => Some("TLSv1".into()),
        known @ ("1.1" | "1.2" | "1.3") => Some(format!("TLSv{known}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_many_spellings() {
        let cases =
            [("TLSv1.2", "TLSv1.2"), ("v1.3", "TLSv1.3"), ("1.1", "TLSv1.1"), ("tlsv1.0", "TLSv1"), ("1", "TLSv1")];
        for (given, wanted) in cases {
            assert_eq!(normalise(given).as_deref(), Some(wanted));
        }
        assert_eq!(normalise("2"), None);
    }
}
