//! Finds what became of a file that was rotated: `app.log` is renamed or copied to `app.log.1`, `app.log-20261124`,
//! `app-20261124.log` and so on in the same folder.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::head::{FileId, modified_ns};

/// Most siblings that are looked at.
const MAX_SIBLINGS: usize = 200;
/// Endings of compressed files: their text is not read.
const COMPRESSED: [&str; 6] = [".gz", ".bz2", ".xz", ".zst", ".lz4", ".Z"];

/// A file beside another one.
#[derive(Debug)]
pub(crate) struct Sibling {
    pub path: PathBuf,
    pub file: File,
    pub id: FileId,
    pub size: u64,
    pub modified_ns: i64,
}

/// Whether a path may be what another one was rotated to.
pub(crate) fn is_rotation_of(path: &Path, candidate: &Path) -> bool {
    if path.parent() != candidate.parent() || path == candidate {
        return false;
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let other = candidate.file_name().unwrap_or_default().to_string_lossy();
    if COMPRESSED.iter().any(|ending| other.ends_with(ending)) {
        return false;
    }
    let separated = |rest: &str| rest.starts_with(['.', '-', '_', '~']) && rest.len() > 1;
    if let Some(rest) = other.strip_prefix(&*name) {
        return separated(rest);
    }
    // `app.log` to `app-20261124.log` or `app.1.log`: only digits between, for `app-errors.log` is another log.
    let (stem, ending) = name.rsplit_once('.').unwrap_or((&name, ""));
    let middle = other.strip_prefix(stem).and_then(|rest| rest.strip_suffix(ending)).filter(|_| !ending.is_empty());
    let middle = middle.and_then(|rest| rest.strip_suffix('.'));
    middle.is_some_and(|rest| {
        separated(rest) && rest[1..].chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '_' | '.' | 'T' | ':'))
    })
}

/// Files to which a path may have been rotated, the oldest change first.
pub(crate) fn rotations_of(path: &Path) -> Vec<Sibling> {
    let Some(Ok(entries)) = path.parent().map(std::fs::read_dir) else { return Vec::new() };
    let candidates = entries.flatten().map(|entry| entry.path()).filter(|other| is_rotation_of(path, other));
    let mut found: Vec<Sibling> = candidates.filter_map(open).collect();
    found.sort_by_key(|sibling| sibling.modified_ns);
    if found.len() > MAX_SIBLINGS {
        found.drain(..found.len() - MAX_SIBLINGS);
    }
    found
}

fn open(path: PathBuf) -> Option<Sibling> {
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let file = File::open(&path).ok()?;
    let metadata = file.metadata().ok()?;
    let (id, size, modified_ns) = (FileId::of(&metadata), metadata.len(), modified_ns(&metadata));
    Some(Sibling { path, file, id, size, modified_ns })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_rotated_files_are_recognised() {
        for (name, other, is) in [
            ("app.log", "app.log.1", true),
            ("app.log", "app.log-20261124", true),
            ("app.log", "app.log.old", true),
            ("app.log", "app-20261124.log", true),
            ("app.log", "app.1.log", true),
            ("app.log", "app-2026-11-24T15:00.log", true),
            ("app.log", "app.log.1.gz", false),
            ("app.log", "app-errors.log", false),
            ("app.log", "app2.log", false),
            ("app.log", "app.log", false),
            ("app.log", "app.log2", false),
            ("syslog", "syslog.1", true),
        ] {
            let path = |name: &str| Path::new("/var/log").join(name);
            assert_eq!(is_rotation_of(&path(name), &path(other)), is, "{name} to {other}");
        }
        assert!(!is_rotation_of(Path::new("/a/x"), Path::new("/b/x.1")));
    }
}
