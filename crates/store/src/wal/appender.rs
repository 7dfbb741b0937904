//! Appends groups of frames to the current file and keeps the promise of the log when the disk does not: after any
//! failure the file ends with its last good frame, or is left for a new one.

use std::io::IoSlice;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use galgo_core::Clock;
use uuid::Uuid;

use super::files::{Files, LogFile, file_path};
use super::frame::{self, FileHeader, HEADER_LEN};
use super::queue::Urgency;
use super::reserve::Reserve;
use super::{Generation, WalError};
use crate::disk::{DiskFile, FileSystem, append_all, is_full};

/// How often a log whose disk is full looks whether there is room again.
const PROBE_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct Current {
    file: Box<dyn DiskFile>,
    listed: Arc<LogFile>,
    seed: u32,
    /// Length up to the end of the last durable frame.
    good: u64,
    records: u64,
}

/// Writes frames.
#[derive(Debug)]
pub struct Appender {
    pub fs: Arc<dyn FileSystem>,
    pub clock: Arc<dyn Clock>,
    pub dir: PathBuf,
    pub files: Arc<Files>,
    pub max_file_bytes: u64,
    pub generation: Generation,
    /// Records acknowledged in the log before the next one.
    pub next_record: u64,
    reserve: Reserve,
    part: u32,
    current: Option<Current>,
    headers: Vec<[u8; frame::FRAME_HEADER_LEN]>,
    /// When room was last looked for, while the disk is full.
    full_since_probe: Option<Duration>,
}

/// What an appender starts from.
pub struct Start {
    pub fs: Arc<dyn FileSystem>,
    pub clock: Arc<dyn Clock>,
    pub dir: PathBuf,
    pub files: Arc<Files>,
    pub max_file_bytes: u64,
    pub reserve_bytes: u64,
    pub generation: Generation,
    pub next_record: u64,
}

impl Appender {
    /// Begins a generation. A full disk is no error here: the log must open to be read.
    pub fn start(start: Start) -> Result<Self, WalError> {
        let Start { fs, clock, dir, files, max_file_bytes, reserve_bytes, generation, next_record } = start;
        let reserve = Reserve::new(Arc::clone(&fs), &dir, reserve_bytes);
        files.set_current(generation);
        let mut appender = Self {
            fs,
            clock,
            dir,
            files,
            max_file_bytes,
            generation,
            next_record,
            reserve,
            part: 0,
            current: None,
            headers: Vec::new(),
            full_since_probe: None,
        };
        match appender.reserve.keep() {
            Err(error) if is_full(&error) => appender.enter_full(),
            Err(error) => return Err(WalError::io(appender.reserve.path(), error)),
            // A directory that cannot be written is better found now than by the first caller.
            Ok(()) => match appender.begin_file() {
                Ok(()) | Err(WalError::DiskFull { .. }) => {}
                Err(error) => return Err(error),
            },
        }
        Ok(appender)
    }

    /// Closes the generation; answers which. Its files are complete and durable already.
    pub fn rotate(&mut self) -> Generation {
        self.leave_file();
        let closed = self.generation;
        self.generation = closed.next();
        self.part = 0;
        self.files.set_current(self.generation);
        closed
    }

    /// Writes the records as one group: all are durable, or the log is as it was before.
    pub fn append<'a>(
        &mut self,
        records: impl Iterator<Item = &'a [u8]> + Clone,
        urgency: Urgency,
    ) -> Result<(), WalError> {
        if urgency == Urgency::Ordinary {
            self.wait_for_room()?;
            return self.write(records);
        }
        let reserve_was_there = self.reserve.is_wanted() && self.full_since_probe.is_none();
        match self.write(records.clone()) {
            Err(WalError::DiskFull { .. }) if reserve_was_there => self.write(records),
            written => written,
        }
    }

    fn write<'a>(&mut self, records: impl Iterator<Item = &'a [u8]> + Clone) -> Result<(), WalError> {
        let bytes: u64 = records.clone().map(|record| (frame::FRAME_HEADER_LEN + record.len()) as u64).sum();
        let passes = |current: &Current| current.records > 0 && current.good + bytes > self.max_file_bytes;
        if self.current.as_ref().is_some_and(passes) {
            self.leave_file();
        }
        if self.current.is_none() {
            self.begin_file()?;
        }
        let Some(current) = &mut self.current else { return Err(WalError::Closed) };

        self.headers.clear();
        let mut offset = current.good;
        for record in records.clone() {
            self.headers.push(frame::frame_header(current.seed, offset, record));
            offset += (frame::FRAME_HEADER_LEN + record.len()) as u64;
        }
        let pairs = self.headers.iter().zip(records);
        let mut slices: Vec<IoSlice<'_>> =
            pairs.flat_map(|(header, record)| [IoSlice::new(header), IoSlice::new(record)]).collect();
        if let Err(error) = append_all(current.file.as_mut(), &mut slices) {
            let reusable = is_full(&error) && current.file.set_len(current.good).is_ok();
            return Err(self.fail(error, reusable));
        }
        if let Err(error) = current.file.sync_data() {
            // What the kernel dropped it now calls clean, so a second fsync would lie. The file is done with.
            return Err(self.fail(error, false));
        }
        current.good = offset;
        current.records += self.headers.len() as u64;
        current.listed.bytes.store(offset, Ordering::Relaxed);
        self.next_record += self.headers.len() as u64;
        Ok(())
    }

    fn fail(&mut self, error: std::io::Error, reusable: bool) -> WalError {
        let path = self.current.as_ref().map_or_else(|| self.dir.clone(), |current| current.listed.path.clone());
        if !reusable && let Some(current) = &self.current {
            tracing::warn!(%error, path = %path.display(), "log file is abandoned");
            if let Err(error) = current.file.set_len(current.good) {
                // Recovery will not replay the rest: the next file's header says how many records count.
                tracing::warn!(%error, path = %path.display(), "unfinished frames could not be cut off");
            }
            self.leave_file();
        }
        if is_full(&error) {
            self.enter_full();
        }
        WalError::io(&path, error)
    }

    /// Ends the current file; one without records is removed.
    pub fn leave_file(&mut self) {
        let Some(current) = self.current.take() else { return };
        if current.records > 0 {
            return;
        }
        match self.fs.remove(&current.listed.path) {
            Ok(()) => self.files.forget(&current.listed.path),
            Err(error) => tracing::warn!(%error, path = %current.listed.path.display(), "empty log file stays"),
        }
    }

    fn begin_file(&mut self) -> Result<(), WalError> {
        let path = file_path(&self.dir, self.generation, self.part);
        let header = FileHeader {
            generation: self.generation,
            part: self.part,
            first_record: self.next_record,
            salt: Uuid::new_v4().as_u128(),
        };
        let file = match self.create_file(&path, &header) {
            Ok(file) => file,
            Err(error) => {
                let _ = self.fs.remove(&path);
                if is_full(&error) {
                    self.enter_full();
                }
                return Err(WalError::io(&path, error));
            }
        };
        self.part += 1;
        let good = HEADER_LEN as u64;
        let listed = self.files.add(path, self.generation, good);
        self.current = Some(Current { file, listed, seed: header.seed(), good, records: 0 });
        Ok(())
    }

    /// The header becomes durable with the first group, the name at once.
    fn create_file(&self, path: &std::path::Path, header: &FileHeader) -> std::io::Result<Box<dyn DiskFile>> {
        let mut file = self.fs.create_new(path)?;
        append_all(file.as_mut(), &mut [IoSlice::new(&header.encode())])?;
        self.fs.sync_dir(&self.dir)?;
        Ok(file)
    }

    fn enter_full(&mut self) {
        if !self.reserve.is_wanted() {
            return;
        }
        if self.full_since_probe.is_none() {
            tracing::warn!(dir = %self.dir.display(), "disk is full: appends are refused, the reserve is given up");
        }
        self.full_since_probe = Some(self.clock.monotonic());
        self.reserve.give_up();
    }

    fn wait_for_room(&mut self) -> Result<(), WalError> {
        let Some(probed) = self.full_since_probe else { return Ok(()) };
        let now = self.clock.monotonic();
        if now.saturating_sub(probed) < PROBE_EVERY {
            return Err(WalError::DiskFull { file: self.reserve.path().to_owned() });
        }
        if let Err(error) = self.reserve.keep_again() {
            self.full_since_probe = Some(now);
            return Err(WalError::io(self.reserve.path(), error));
        }
        self.full_since_probe = None;
        tracing::info!(dir = %self.dir.display(), "there is room again: appends are taken");
        Ok(())
    }
}
