//! Notices keys that nobody knows but that look like a known one.

use super::error::Fault;
use super::keys::KEYS;
use super::layers::Layers;

/// Most differences between a key and the one that was probably meant.
const MAX_DISTANCE: usize = 2;
/// Shortest key that is compared: shorter ones resemble too many.
const MIN_LENGTH: usize = 4;

/// Keys of check configurations, which are sometimes put into the main file.
const OF_CHECKS: [&str; 3] = ["init_config", "instances", "logs"];

/// Warns of unknown keys of the file that are nearly known ones. All others are kept and ignored: an agent has
/// hundreds of keys that concern other parts of it.
pub fn near_misses(layers: &mut Layers) {
    let mut warnings = Vec::new();
    for entry in layers.root().entries() {
        let known = |name: &str| KEYS.iter().any(|key| key.name == name || starts_section(key.name, name));
        if known(&entry.key) {
            for inner in entry.value.entries() {
                let name = format!("{}.{}", entry.key, inner.key);
                if !known(&name) {
                    warnings.extend(hint(&name, inner.line));
                }
            }
        } else if OF_CHECKS.contains(&entry.key.as_str()) {
            let reason = format!("{} belongs in a file of conf.d, here it does nothing", entry.key);
            warnings.push((entry.line, reason));
        } else {
            warnings.extend(hint(&entry.key, entry.line));
        }
    }
    for (line, reason) in warnings {
        let warning = Fault::at(layers.path(), line, reason);
        layers.warnings.push(warning.to_string());
    }
}

fn starts_section(key: &str, section: &str) -> bool {
    key.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'))
}

fn hint(name: &str, line: usize) -> Option<(usize, String)> {
    if name.len() < MIN_LENGTH {
        return None;
    }
    let depth = name.matches('.').count();
    let candidates = KEYS.iter().filter_map(|key| section(key.name, depth));
    let nearest = candidates.map(|known| (distance(name, known), known)).min()?;
    let (distance, known) = nearest;
    (distance <= MAX_DISTANCE.min(name.len() / 4))
        .then(|| (line, format!("{name} is not known, did you mean {known}?")))
}

/// The first `depth + 1` parts of a key.
fn section(name: &str, depth: usize) -> Option<&str> {
    let mut dots = name.match_indices('.').map(|(at, _)| at);
    match dots.nth(depth) {
        Some(end) => Some(&name[..end]),
        None => (name.matches('.').count() == depth).then_some(name),
    }
}

/// Insertions, deletions, replacements and swaps of neighbours that make one text the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.to_lowercase().into_bytes(), b.to_lowercase().into_bytes());
    if a.len().abs_diff(b.len()) > MAX_DISTANCE {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}
