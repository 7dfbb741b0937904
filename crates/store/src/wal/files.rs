//! The files of a log: their names, and the list of those that exist, shared by the writer and by callers who delete.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::{Generation, WalError};
use crate::disk::FileSystem;

/// One file of the log.
#[derive(Debug)]
pub struct LogFile {
    pub path: PathBuf,
    pub generation: Generation,
    pub bytes: AtomicU64,
}

/// The path of a file: zero-padded so that names sort in log order.
pub fn file_path(dir: &Path, generation: Generation, part: u32) -> PathBuf {
    dir.join(format!("{:020}-{part:010}.wal", generation.0))
}

/// The generation and part in a file name; `None` for other files.
pub fn parse_name(path: &Path) -> Option<(Generation, u32)> {
    let stem = path.file_name()?.to_str()?.strip_suffix(".wal")?;
    let (generation, part) = stem.split_once('-')?;
    let digits = |text: &str, length: usize| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(generation, 20) || !digits(part, 10) {
        return None;
    }
    Some((Generation(generation.parse().ok()?), part.parse().ok()?))
}

/// The files that exist.
#[derive(Debug, Default)]
pub struct Files {
    list: Mutex<Vec<Arc<LogFile>>>,
    /// The generation that the writer is at; files of it are never deleted.
    current: AtomicU64,
}

impl Files {
    pub fn add(&self, path: PathBuf, generation: Generation, bytes: u64) -> Arc<LogFile> {
        let file = Arc::new(LogFile { path, generation, bytes: AtomicU64::new(bytes) });
        self.list.lock().push(Arc::clone(&file));
        file
    }

    pub fn forget(&self, path: &Path) {
        self.list.lock().retain(|file| file.path != path);
    }

    pub fn set_current(&self, generation: Generation) {
        self.current.store(generation.0, Ordering::Release);
    }

    pub fn bytes(&self) -> u64 {
        self.list.lock().iter().map(|file| file.bytes.load(Ordering::Relaxed)).sum()
    }

    /// Removes closed files through a generation. What could not be removed stays listed for the next call.
    pub fn delete_through(&self, fs: &dyn FileSystem, generation: Generation) -> Result<(), WalError> {
        let current = Generation(self.current.load(Ordering::Acquire));
        let mut list = self.list.lock();
        let (doomed, mut kept): (Vec<_>, Vec<_>) =
            list.drain(..).partition(|file| file.generation <= generation && file.generation < current);
        let mut first_error = None;
        for file in doomed {
            match fs.remove(&file.path) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    first_error.get_or_insert_with(|| WalError::io(&file.path, error));
                    kept.push(file);
                }
            }
        }
        *list = kept;
        first_error.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        let path = file_path(Path::new("log"), Generation(12), 3);
        assert_eq!(path, Path::new("log/00000000000000000012-0000000003.wal"));
        assert_eq!(parse_name(&path), Some((Generation(12), 3)));
        let last = file_path(Path::new("log"), Generation(u64::MAX), u32::MAX);
        assert_eq!(parse_name(&last), Some((Generation(u64::MAX), u32::MAX)));
        for other in
            ["lock", "1-2.wal", "00000000000000000012-0000000003.wal.tmp", "x", "99999999999999999999-0000000003.wal"]
        {
            assert_eq!(parse_name(Path::new(other)), None, "{other}");
        }
    }
}
