//! The version of what a check watches, as facts for the status: the raw text and, where it has them, its numbers.

use galgo_agent::check::Samples;

/// Notes `version.raw`, and `version.major`, `.minor` and `.patch` of a semantic version.
pub fn note(out: &mut Samples, raw: &str) {
    let mut fact = |name: &str, value: &str| out.metadata.push((format!("version.{name}"), value.to_owned()));
    fact("raw", raw);
    let core = raw.trim_start_matches('v').split(['-', '+', ' ']).next().unwrap_or_default();
    let parts: Vec<&str> = core.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.len() >= 3 && parts.iter().take(3).all(is_number) {
        fact("scheme", "semver");
        for (name, part) in ["major", "minor", "patch"].into_iter().zip(parts) {
            fact(name, part);
        }
    }
}
