//! Reads one open file from where it left off to its end, and notices when it is no longer the same content.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::claims::Claim;
use crate::assembler::{Assembler, Grouping, Log};
use crate::encoding::Encoding;
use crate::framer::Framer;
use crate::head::{FileId, Head, modified_ns, read_at};
use crate::pipeline::{Item, Origin, Position};
use crate::registry::{Mark, Registry};
use crate::rules::SharedRules;
use crate::status::{Counters, FileStatus};

/// Bytes that are read at a time.
const CHUNK_BYTES: usize = 64 << 10;
/// Bytes of one round of a source, so that its lines fit into memory before they go to a pipeline.
pub(crate) const ROUND_BYTES: usize = 512 << 10;
/// Bytes before the place in the file that must still be the same when reading goes on.
const OVERLAP_BYTES: usize = 64;
/// A log of several lines is complete when no line has followed for so long.
pub(crate) const GROUP_TIMEOUT: Duration = Duration::from_secs(1);

/// One round of reading: where its lines go and how much is left of it.
#[derive(Debug)]
pub(crate) struct Round {
    pub now: Instant,
    pub now_ms: i64,
    pub items: Vec<Item>,
    pub room: usize,
    buffer: Vec<u8>,
}

impl Round {
    /// A round that begins now.
    pub fn new(now: Instant, now_ms: i64) -> Self {
        Self { now, now_ms, items: Vec::new(), room: ROUND_BYTES, buffer: Vec::new() }
    }
}

/// How a file's lines are read.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub encoding: Encoding,
    pub grouping: Grouping,
    pub rules: SharedRules,
    pub max_line: usize,
}

/// What reading came to.
#[derive(Debug)]
pub(crate) enum Progress {
    /// Everything is read.
    AtEnd,
    /// There is more.
    More,
    /// A file that was empty when it was last looked at has changed since. It may have been written, copied away and
    /// cut off meanwhile, of which nothing is left to see in itself. The time of its last change before.
    Unclear(i64),
    /// The file was cut off or written anew. Bytes that were read while that happened may be of either content.
    Replaced(Vec<u8>),
}

/// One open file.
#[derive(Debug)]
pub(crate) struct Reader {
    file: File,
    claim: Claim,
    mark: Arc<Mark>,
    origin: Arc<Origin>,
    rules: SharedRules,
    framer: Framer,
    assembler: Assembler,
    head: Head,
    /// The last bytes that were read.
    before: Vec<u8>,
    offset: u64,
    size: u64,
    modified_ns: i64,
    grown_at: Instant,
    /// Since when its path names another file, or none.
    pub rotated_at: Option<Instant>,
}

impl Reader {
    /// Reads a file from an offset on.
    pub fn new(
        file: File,
        claim: Claim,
        mark: Arc<Mark>,
        offset: u64,
        origin: Arc<Origin>,
        reading: &Reading,
        now: Instant,
    ) -> Self {
        mark.take_up();
        Self {
            file,
            claim,
            head: mark.info().head,
            mark,
            origin,
            rules: Arc::clone(&reading.rules),
            framer: Framer::new(reading.encoding, reading.max_line, offset),
            assembler: Assembler::new(reading.grouping.clone(), reading.max_line),
            before: Vec::new(),
            offset,
            size: offset,
            modified_ns: 0,
            grown_at: now,
            rotated_at: None,
        }
    }

    /// Which file it is.
    pub fn id(&self) -> FileId {
        self.claim.id()
    }

    /// Its place.
    pub fn mark(&self) -> &Arc<Mark> {
        &self.mark
    }

    /// Position after what was read.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// When it was last changed, in nanoseconds since the UNIX epoch.
    pub fn modified_ns(&self) -> i64 {
        self.modified_ns
    }

    /// Whether everything that was read is handed over.
    pub fn is_at_rest(&self) -> bool {
        self.modified_ns != 0 && self.size <= self.offset && self.framer.is_empty() && !self.assembler.holds()
    }

    /// Reads on as far as the round allows.
    pub fn read(&mut self, round: &mut Round, registry: &Registry) -> io::Result<Progress> {
        let metadata = self.file.metadata()?;
        let modified_ns = modified_ns(&metadata);
        self.size = metadata.len();
        if self.size < self.offset {
            return Ok(Progress::Replaced(Vec::new()));
        }
        if self.size == self.offset && modified_ns == self.modified_ns {
            self.flush_complete(round);
            return Ok(Progress::AtEnd);
        }
        let before = self.modified_ns;
        let unclear = self.head.len == 0 && before != 0 && modified_ns != before;
        if !self.is_same()? {
            return Ok(Progress::Replaced(Vec::new()));
        }
        self.note(modified_ns, round.now_ms, registry);
        if unclear {
            return Ok(Progress::Unclear(before));
        }
        if self.size == self.offset {
            self.flush_complete(round);
            return Ok(Progress::AtEnd);
        }
        let mut chunk = std::mem::take(&mut round.buffer);
        let progress = self.read_chunk(&mut chunk, round);
        round.buffer = chunk;
        progress
    }

    fn read_chunk(&mut self, chunk: &mut Vec<u8>, round: &mut Round) -> io::Result<Progress> {
        chunk.resize(CHUNK_BYTES, 0);
        let length = read_at(&self.file, chunk, self.offset)?;
        let bytes = &chunk[..length];
        // Looked at again after reading: what was read in between could be of a new content.
        if !self.is_same()? {
            return Ok(Progress::Replaced(bytes.to_vec()));
        }
        self.take(bytes, round);
        Ok(if self.offset < self.size { Progress::More } else { Progress::AtEnd })
    }

    /// Takes bytes that follow those before.
    pub fn take(&mut self, bytes: &[u8], round: &mut Round) {
        self.offset += bytes.len() as u64;
        round.room = round.room.saturating_sub(bytes.len());
        self.grown_at = round.now;
        self.before.extend_from_slice(&bytes[bytes.len().saturating_sub(OVERLAP_BYTES)..]);
        self.before.drain(..self.before.len().saturating_sub(OVERLAP_BYTES));
        let (mut frames, mut logs) = (Vec::new(), Vec::new());
        self.framer.push(bytes, &mut frames);
        let counters = &self.origin.counters;
        Counters::add(&counters.bytes_read, bytes.len() as u64);
        Counters::add(&counters.lines_read, frames.len() as u64);
        frames.into_iter().for_each(|frame| self.assembler.push(frame, &mut logs));
        self.emit(logs, round);
    }

    /// Hands over a log of several lines to which none was added for a while, although everything is read.
    fn flush_complete(&mut self, round: &mut Round) {
        if self.assembler.holds() && round.now.duration_since(self.grown_at) >= GROUP_TIMEOUT {
            self.flush(round);
        }
    }

    /// Hands over complete lines that wait for more.
    pub fn flush(&mut self, round: &mut Round) {
        let mut logs = Vec::new();
        self.assembler.flush(&mut logs);
        self.emit(logs, round);
    }

    /// Hands over everything, also a last line without an end: no more will come.
    pub fn finish(&mut self, round: &mut Round) {
        let mut logs = Vec::new();
        if let Some(frame) = self.framer.finish() {
            Counters::add(&self.origin.counters.lines_read, 1);
            self.assembler.push(frame, &mut logs);
        }
        self.assembler.flush(&mut logs);
        self.emit(logs, round);
    }

    /// Goes on in a copy of the file: it was copied away and then cut off.
    pub fn go_on_in(&mut self, file: File, claim: Claim, registry: &Registry) {
        let id = claim.id();
        self.file = file;
        self.claim = claim;
        self.mark.update(|info| info.id = id);
        self.modified_ns = 0;
        registry.touch();
    }

    /// Whether a file goes on where this one left off.
    pub fn goes_on_in(&self, file: &File) -> bool {
        self.head.len > 0 && self.head.fits(file) && self.overlaps(file).unwrap_or(false)
    }

    /// Whether the file was cut off or written anew since it was read.
    pub fn is_replaced(&self) -> bool {
        let size = self.file.metadata().map_or(0, |metadata| metadata.len());
        size < self.offset || !self.head.fits(&self.file) || !self.overlaps(&self.file).unwrap_or(false)
    }

    /// The file, opened once more.
    pub fn reopen(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// For the status.
    pub fn status(&self, path: &Path) -> FileStatus {
        FileStatus {
            path: path.display().to_string(),
            read: self.offset,
            acknowledged: self.mark.committed(),
            size: self.size,
            rotated: self.rotated_at.is_some(),
        }
    }

    fn is_same(&mut self) -> io::Result<bool> {
        Ok(self.head.follow(&self.file)? && self.overlaps(&self.file)?)
    }

    fn overlaps(&self, file: &File) -> io::Result<bool> {
        let mut buffer = [0; OVERLAP_BYTES];
        let wanted = &mut buffer[..self.before.len()];
        let length = read_at(file, wanted, self.offset - self.before.len() as u64)?;
        Ok(length == self.before.len() && wanted == &self.before[..])
    }

    fn note(&mut self, modified_ns: i64, now_ms: i64, registry: &Registry) {
        self.modified_ns = modified_ns;
        let head = self.head;
        self.mark.update(|info| {
            info.head = head;
            info.modified_ns = modified_ns;
            info.seen_ms = now_ms;
        });
        registry.touch();
    }

    fn emit(&self, logs: Vec<Log>, round: &mut Round) {
        let mut skipped = None;
        for Log { text, end } in logs {
            if text.is_empty() {
                skipped = Some(end);
            } else if let Some(text) = self.rules.apply(text) {
                skipped = None;
                round.items.push(self.item(Some(text), end, round.now_ms));
            } else {
                skipped = Some(end);
                Counters::add(&self.origin.counters.lines_dropped, 1);
            }
        }
        if let Some(end) = skipped {
            round.items.push(self.item(None, end, round.now_ms));
        }
    }

    fn item(&self, text: Option<String>, end: u64, time_ms: i64) -> Item {
        Item {
            text,
            status: "info",
            time_ms,
            origin: Arc::clone(&self.origin),
            position: Position::File(Arc::clone(&self.mark), end),
        }
    }
}
