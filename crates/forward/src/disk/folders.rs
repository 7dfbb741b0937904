//! Which folder of the disk queue belongs to which endpoint and key. Names hold hashes, never the key: a key that was
//! replaced takes over the folder of the old one, an endpoint that is gone leaves a folder that is removed in time.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use xxhash_rust::xxh3::xxh3_64;

/// File by whose lock a process claims the folder.
const LOCK_FILE: &str = "lock";
/// Longest part of a folder's name that tells the server.
const MAX_NAME_CHARS: usize = 60;

/// An endpoint that wants a folder.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    /// The server's address.
    pub(crate) url: &'a str,
    /// `metrics` or `logs`.
    pub(crate) role: &'a str,
    pub(crate) key: &'a str,
}

/// The folder of all queues, claimed for this process.
#[derive(Debug)]
pub(crate) struct Folders {
    root: PathBuf,
    /// Held for its lock.
    _lock: File,
}

impl Folders {
    /// Claims a folder; fails when another process has it.
    pub(crate) fn claim(root: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(root)?;
        let lock = File::options().create(true).truncate(false).write(true).open(root.join(LOCK_FILE))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { root: root.to_path_buf(), _lock: lock }),
            Err(rustix::io::Errno::WOULDBLOCK) => {
                Err(io::Error::new(io::ErrorKind::ResourceBusy, "another agent uses the folder"))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The folder of each endpoint, in their order. Folders of replaced keys are taken over.
    pub(crate) fn assign(&self, claims: &[Claim<'_>]) -> io::Result<Vec<PathBuf>> {
        let names: Vec<(String, String)> = claims.iter().map(names).collect();
        for (place, name) in &names {
            let is_new = !self.root.join(name).exists();
            let other_new =
                names.iter().any(|(its_place, its)| its_place == place && its != name && !self.root.join(its).exists());
            if !is_new || other_new {
                continue;
            }
            let orphans: Vec<PathBuf> = self
                .list()?
                .into_iter()
                .filter(|path| {
                    let found = file_name(path);
                    found.strip_prefix(place.as_str()).is_some_and(|rest| rest.starts_with('-'))
                        && !names.iter().any(|(_, its)| its == found)
                })
                .collect();
            // With more than one it cannot be told whose data that is.
            if let [orphan] = &orphans[..] {
                fs::rename(orphan, self.root.join(name))?;
                tracing::info!(place, "queue of a replaced key taken over");
            }
        }
        Ok(names.iter().map(|(_, name)| self.root.join(name)).collect())
    }

    /// Removes folders that nobody claims and that nobody wrote to for so long.
    pub(crate) fn remove_abandoned(&self, claimed: &[PathBuf], after: Duration) -> io::Result<()> {
        for path in self.list()?.into_iter().filter(|path| !claimed.contains(path)) {
            let age = fs::metadata(&path)?.modified()?.elapsed().unwrap_or_default();
            if age > after {
                fs::remove_dir_all(&path)?;
                tracing::warn!(path = %path.display(), "queue of an endpoint that is no longer configured removed");
            } else {
                tracing::warn!(path = %path.display(), "queue belongs to no configured endpoint and waits for it");
            }
        }
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<PathBuf>> {
        let folders = fs::read_dir(&self.root)?.filter_map(Result::ok).filter(|item| {
            let is_folder = item.file_type().is_ok_and(|kind| kind.is_dir());
            // Other folders are somebody else's.
            is_folder && item.file_name().to_str().is_some_and(is_ours)
        });
        Ok(folders.map(|item| item.path()).collect())
    }
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or("")
}

/// What a folder's name starts with, and the whole of it.
fn names(claim: &Claim<'_>) -> (String, String) {
    let host = claim.url.split_once("://").map_or(claim.url, |(_, rest)| rest);
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' };
    let host: String = host.chars().take(MAX_NAME_CHARS).map(plain).collect();
    let place = format!("{host}-{}-{:016x}", claim.role, xxh3_64(claim.url.as_bytes()));
    let name = format!("{place}-{:016x}", xxh3_64(claim.key.as_bytes()));
    (place, name)
}

fn is_ours(name: &str) -> bool {
    let mut parts = name.rsplit('-');
    let is_hash = |part: Option<&str>| {
        part.is_some_and(|part| part.len() == 16 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    is_hash(parts.next()) && is_hash(parts.next()) && matches!(parts.next(), Some("metrics" | "logs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim<'a>(url: &'a str, key: &'a str) -> Claim<'a> {
        Claim { url, role: "metrics", key }
    }

    #[test]
    fn a_folder_is_the_same_every_time_and_hides_the_key() {
        let root = tempfile::tempdir().unwrap();
        let folders = Folders::claim(root.path()).unwrap();
        let claims = [claim("https://a:443", "secret-key-1"), claim("https://b", "secret-key-1")];
        let first = folders.assign(&claims).unwrap();
        assert_eq!(folders.assign(&claims).unwrap(), first);
        assert!(first[0] != first[1] && is_ours(file_name(&first[0])));
        assert!(file_name(&first[0]).starts_with("a_443-metrics-") && !file_name(&first[0]).contains("secret"));
    }

    #[test]
    fn a_new_key_takes_over_the_queue_of_the_old_one() {
        let root = tempfile::tempdir().unwrap();
        let folders = Folders::claim(root.path()).unwrap();
        let old = folders.assign(&[claim("https://a", "old")]).unwrap().remove(0);
        fs::create_dir(&old).unwrap();
        fs::write(old.join("x"), "data").unwrap();
        let new = folders.assign(&[claim("https://a", "new")]).unwrap().remove(0);
        assert_eq!(fs::read_to_string(new.join("x")).unwrap(), "data");
        assert!(!old.exists());
        // A second key does not take the folder of the first.
        let both = folders.assign(&[claim("https://a", "new"), claim("https://a", "more")]).unwrap();
        assert!(both[0].exists() && !both[1].exists());
        // Nor is anything taken over when two keys are new.
        let none = folders.assign(&[claim("https://a", "x"), claim("https://a", "y")]).unwrap();
        assert!(new.exists() && !none[0].exists() && !none[1].exists());
    }

    #[test]
    fn folders_of_endpoints_that_are_gone_are_removed_in_time() {
        let root = tempfile::tempdir().unwrap();
        let folders = Folders::claim(root.path()).unwrap();
        let gone = folders.assign(&[claim("https://a", "old")]).unwrap().remove(0);
        fs::create_dir(&gone).unwrap();
        fs::create_dir(root.path().join("precious")).unwrap();
        folders.remove_abandoned(&[], Duration::from_secs(3600)).unwrap();
        assert!(gone.exists());
        folders.remove_abandoned(&[], Duration::ZERO).unwrap();
        assert!(!gone.exists() && root.path().join("precious").exists());
    }

    #[test]
    fn a_second_process_is_kept_out() {
        let root = tempfile::tempdir().unwrap();
        let first = Folders::claim(root.path()).unwrap();
        let error = Folders::claim(root.path()).unwrap_err();
        assert_eq!(error.to_string(), "another agent uses the folder");
        drop(first);
        Folders::claim(root.path()).unwrap();
    }
}
