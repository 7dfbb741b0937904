//! A log file that does not grow without bound: at 10 MiB it becomes `NAME.1`, as that of Datadog's agent does.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tracing_subscriber::fmt::MakeWriter;

/// Size at which a file is put aside.
const MAX_BYTES: u64 = 10 * 1024 * 1024;

/// The file, shared by all threads.
#[derive(Debug, Clone)]
pub struct Rotating(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    path: PathBuf,
    file: File,
    bytes: u64,
    max_bytes: u64,
}

impl Rotating {
    /// Opens a file to go on at its end.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::with_limit(path, MAX_BYTES)
    }

    fn with_limit(path: &Path, max_bytes: u64) -> io::Result<Self> {
        let file = append(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self(Arc::new(Mutex::new(State { path: path.to_owned(), file, bytes, max_bytes }))))
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

impl State {
    fn rotate(&mut self) -> io::Result<()> {
        let mut aside = self.path.clone().into_os_string();
        aside.push(".1");
        std::fs::rename(&self.path, aside)?;
        self.file = append(&self.path)?;
        self.bytes = 0;
        Ok(())
    }
}

/// A line under way.
pub struct Line<'a>(MutexGuard<'a, State>);

impl Write for Line<'_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let state = &mut *self.0;
        if state.bytes > 0 && state.bytes + text.len() as u64 > state.max_bytes {
            state.rotate()?;
        }
        let written = state.file.write(text)?;
        state.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.file.flush()
    }
}

impl<'a> MakeWriter<'a> for Rotating {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self.0.lock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.log");
        let log = Rotating::with_limit(&path, 10).unwrap();
        for line in ["one\n", "two\n", "three\n"] {
            log.make_writer().write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "three\n");
        assert_eq!(std::fs::read_to_string(folder.path().join("agent.log.1")).unwrap(), "one\ntwo\n");
    }
}
