//! The files of one endpoint, oldest first, within their bounds.
//!
//! A file gets its name only once its content is on disk, so one that has a name counts. When a bound would be broken
//! the oldest files go.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::file::{self, Header};
use crate::payload::Payload;
use crate::stats::DropReason;

/// Ending of a file that counts.
const FILE_ENDING: &str = "payloads";
/// Ending of a file in the making.
const DRAFT_ENDING: &str = "draft";
/// Ending of a damaged file, kept for whoever wants to look.
const TORN_ENDING: &str = "torn";
/// Most damaged files that are kept.
const MAX_TORN_FILES: usize = 8;
/// Space that even the smallest file takes.
const BLOCK_BYTES: u64 = 4096;

/// Bounds of a disk queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) max_bytes: u64,
    pub(crate) max_disk_ratio: f64,
    pub(crate) outdated_after: Duration,
    /// Size of a file system and what is free of it, in bytes.
    pub(crate) space: fn(&Path) -> io::Result<Space>,
}

/// Size of a file system and what is free of it, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Space {
    pub(crate) total: u64,
    pub(crate) free: u64,
}

impl Space {
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let stat = rustix::fs::statvfs(path)?;
        Ok(Self::from_blocks(stat.f_blocks, stat.f_bfree, stat.f_bavail, stat.f_frsize))
    }

    /// What is set aside for the superuser is neither used nor free, as `df` counts it: on some machines that is more
    /// than half of the file system.
    fn from_blocks(blocks: u64, free: u64, available: u64, block_bytes: u64) -> Self {
        let used = blocks.saturating_sub(free);
        let bytes = |count: u64| count.saturating_mul(block_bytes);
        Self { total: bytes(used.saturating_add(available)), free: bytes(available) }
    }
}

/// Payloads that were given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Loss {
    pub(crate) reason: DropReason,
    pub(crate) payloads: u64,
    pub(crate) points: u64,
}

/// Why payloads could not be stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DiskError {
    #[error("no space below the limits is left for {needed} bytes in {}", path.display())]
    Full { path: PathBuf, needed: u64 },
    #[error("{}: {reason}", path.display())]
    Io { path: PathBuf, reason: io::Error },
}

/// The payloads of one file, taken to be sent.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    pub(crate) payloads: Vec<Payload>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    number: u64,
    bytes: u64,
    payloads: u64,
    points: u64,
    oldest_ms: i64,
    is_torn: bool,
}

/// The queue.
#[derive(Debug)]
pub(crate) struct DiskQueue {
    folder: PathBuf,
    limits: Limits,
    files: VecDeque<Entry>,
    payloads: u64,
    bytes: u64,
    next: u64,
    /// The file whose payloads are being sent; it is not given up for newer ones.
    in_hand: Option<u64>,
}

impl DiskQueue {
    /// Takes up what a folder holds; makes it when it is missing.
    pub(crate) fn open(folder: &Path, limits: Limits, now_ms: i64) -> Result<(Self, Vec<Loss>), DiskError> {
        let failed = |reason| DiskError::Io { path: folder.to_path_buf(), reason };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let mut queue = Self {
            folder: folder.to_path_buf(),
            limits,
            files: VecDeque::new(),
            payloads: 0,
            bytes: 0,
            next: 0,
            in_hand: None,
        };
        let mut losses = Vec::new();
        let mut torn = Vec::new();
        let mut found = Vec::new();
        for item in fs::read_dir(folder).map_err(failed)? {
            let path = item.map_err(failed)?.path();
            match path.extension().and_then(|ending| ending.to_str()) {
                Some(DRAFT_ENDING) => discard(&path),
                Some(TORN_ENDING) => torn.push(path),
                Some(FILE_ENDING) => found.extend(number_of(&path)),
                _ => {}
            }
        }
        torn.sort();
        torn.iter().rev().skip(MAX_TORN_FILES).for_each(|path| discard(path));
        found.sort_unstable();
        for number in found {
            losses.extend(queue.take_up(number)?);
        }
        losses.extend(queue.expire(now_ms));
        losses.extend(queue.make_room(0));
        Ok((queue, losses))
    }

    /// Enters a file that is there already; one without a usable header is set aside.
    fn take_up(&mut self, number: u64) -> Result<Option<Loss>, DiskError> {
        let path = self.path(number);
        let failed = |reason| DiskError::Io { path: path.clone(), reason };
        let length = fs::metadata(&path).map_err(failed)?.len();
        self.next = self.next.max(number.saturating_add(1));
        let Some(header) = Header::read(&path).map_err(failed)? else {
            self.quarantine(number);
            return Ok(Some(Loss { reason: DropReason::Torn, payloads: 1, points: 0 }));
        };
        self.enter(number, length, header);
        Ok(None)
    }

    fn enter(&mut self, number: u64, length: u64, header: Header) {
        let bytes = length.max(BLOCK_BYTES);
        let payloads = u64::from(header.payloads);
        let (points, oldest_ms) = (header.points, header.oldest_ms);
        self.files.push_back(Entry { number, bytes, payloads, points, oldest_ms, is_torn: false });
        self.bytes += bytes;
        self.payloads += payloads;
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Payloads in all files.
    pub(crate) fn payloads(&self) -> u64 {
        self.payloads
    }

    /// Bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Creation of the oldest payload, in milliseconds.
    pub(crate) fn oldest_ms(&self) -> Option<i64> {
        self.files.front().map(|file| file.oldest_ms)
    }

    /// Stores payloads as the newest; they are on disk when it returns. Says what had to go for them.
    pub(crate) fn store(&mut self, payloads: &[Payload]) -> Result<Vec<Loss>, DiskError> {
        let bytes = file::encode(payloads);
        let needed = (bytes.len() as u64).max(BLOCK_BYTES);
        let mut losses = self.make_room(needed);
        if !self.has_room(needed) {
            return Err(DiskError::Full { path: self.folder.clone(), needed });
        }
        let number = self.next;
        let written = match self.write(number, &bytes) {
            // Somebody else was faster with what was free.
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                losses.extend(self.drop_oldest(DropReason::Overflow));
                self.write(number, &bytes)
            }
            written => written,
        };
        written.map_err(|reason| DiskError::Io { path: self.folder.clone(), reason })?;
        self.next += 1;
        self.enter(number, bytes.len() as u64, Header::of(payloads));
        Ok(losses)
    }

    fn write(&self, number: u64, bytes: &[u8]) -> io::Result<()> {
        let draft = self.path(number).with_extension(DRAFT_ENDING);
        let written = file::write(&draft, bytes).and_then(|()| fs::rename(&draft, self.path(number)));
        if written.is_err() {
            discard(&draft);
        }
        written?;
        // The name itself must be on disk too.
        fs::File::open(&self.folder)?.sync_all()
    }

    /// Reads the oldest file. It stays until [`Self::done`]; a crash before that sends it again.
    pub(crate) fn oldest(&mut self) -> Result<Option<(Segment, Vec<Loss>)>, DiskError> {
        let mut losses = Vec::new();
        while let Some(entry) = self.files.front().copied() {
            let path = self.path(entry.number);
            let (payloads, whole) = match file::read(&path) {
                Ok(read) => read,
                Err(reason) if reason.kind() == io::ErrorKind::NotFound => {
                    tracing::warn!(path = %path.display(), "file of the disk queue is gone");
                    losses.extend(self.drop_oldest(DropReason::Torn));
                    continue;
                }
                Err(reason) => return Err(DiskError::Io { path, reason }),
            };
            if !whole
                && let Some(first) = self.files.front_mut()
                && !first.is_torn
            {
                first.is_torn = true;
                let salvaged: u64 = payloads.iter().map(|payload| u64::from(payload.points)).sum();
                let lost = entry.points.saturating_sub(salvaged);
                let reason = DropReason::Torn;
                losses.push(Loss {
                    reason,
                    payloads: entry.payloads.saturating_sub(payloads.len() as u64).max(1),
                    points: lost,
                });
            }
            if payloads.is_empty() {
                self.done(entry.number);
                continue;
            }
            self.in_hand = Some(entry.number);
            return Ok(Some((Segment { number: entry.number, payloads }, losses)));
        }
        Ok(None)
    }

    /// All of a file was sent: it goes. A damaged one is set aside instead.
    pub(crate) fn done(&mut self, number: u64) {
        self.in_hand = None;
        let Some(at) = self.files.iter().position(|file| file.number == number) else { return };
        let Some(entry) = self.leave(at) else { return };
        if entry.is_torn {
            self.quarantine(number);
        } else {
            discard(&self.path(number));
        }
    }

    /// Gives up files that are too old.
    pub(crate) fn expire(&mut self, now_ms: i64) -> Vec<Loss> {
        let limit = i64::try_from(self.limits.outdated_after.as_millis()).unwrap_or(i64::MAX);
        let mut losses = Vec::new();
        while self.in_hand.is_none()
            && self.files.front().is_some_and(|oldest| now_ms.saturating_sub(oldest.oldest_ms) > limit)
        {
            losses.extend(self.drop_oldest(DropReason::Outdated));
        }
        losses
    }

    fn make_room(&mut self, needed: u64) -> Vec<Loss> {
        let mut losses = Vec::new();
        while !self.has_room(needed)
            && let Some(loss) = self.drop_oldest(DropReason::Overflow)
        {
            losses.push(loss);
        }
        losses
    }

    fn has_room(&self, needed: u64) -> bool {
        if self.bytes + needed > self.limits.max_bytes {
            return false;
        }
        match (self.limits.space)(&self.folder) {
            Ok(space) => {
                let used = space.total.saturating_sub(space.free).saturating_add(needed);
                used as f64 <= space.total as f64 * self.limits.max_disk_ratio
            }
            Err(error) => {
                tracing::debug!(%error, path = %self.folder.display(), "free space is not known");
                true
            }
        }
    }

    fn drop_oldest(&mut self, reason: DropReason) -> Option<Loss> {
        let at = usize::from(self.files.front().is_some_and(|first| self.in_hand == Some(first.number)));
        let entry = self.leave(at)?;
        discard(&self.path(entry.number));
        Some(Loss { reason, payloads: entry.payloads, points: entry.points })
    }

    fn leave(&mut self, at: usize) -> Option<Entry> {
        let entry = self.files.remove(at)?;
        self.bytes -= entry.bytes;
        self.payloads -= entry.payloads;
        Some(entry)
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:016x}.{FILE_ENDING}"))
    }

    fn quarantine(&self, number: u64) {
        let path = self.path(number);
        let aside = path.with_extension(TORN_ENDING);
        match fs::rename(&path, &aside) {
            Ok(()) => tracing::warn!(path = %aside.display(), "damaged file of the disk queue set aside"),
            Err(error) => tracing::warn!(%error, path = %path.display(), "damaged file of the disk queue stays"),
        }
    }
}

fn number_of(path: &Path) -> Option<u64> {
    u64::from_str_radix(path.file_stem()?.to_str()?, 16).ok()
}

fn discard(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(%error, path = %path.display(), "file of the disk queue could not be removed");
    }
}

#[cfg(test)]
mod tests;
