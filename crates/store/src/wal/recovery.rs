//! Reads back what a log holds. Nothing that can be read is given up for something that cannot.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::files::{Files, parse_name};
use super::frame::{FRAME_HEADER_LEN, FileHeader, HEADER_LEN, HeaderError, Piece, Scanner, Span, VERSION};
use super::quarantine::Quarantine;
use super::{Damage, Generation, Recovery, WalError};
use crate::disk::FileSystem;

/// The longest file that is read back; it is read whole. Files are far shorter (see
/// [`WalConfig::max_file_bytes`](super::WalConfig)), unless somebody put something else in their place.
const MAX_FILE_BYTES: u64 = 2 << 30;

/// A file as its name and header describe it.
struct Found {
    path: PathBuf,
    generation: Generation,
    bytes: u64,
    header: Result<(FileHeader, bool), Unreadable>,
}

enum Unreadable {
    Short,
    Other(String),
}

/// What a log goes on from.
pub struct Recovered {
    pub recovery: Recovery,
    pub next_record: u64,
}

/// The parts of one recovery.
pub struct Recoverer<'a, F> {
    pub fs: &'a dyn FileSystem,
    pub dir: &'a Path,
    pub files: &'a Files,
    pub replay: F,
}

/// How a file stands in the log.
struct Place {
    is_last: bool,
    /// How many acknowledged records it must hold, by the header of the next one.
    due: Option<u64>,
}

/// What the frames of one file came to.
#[derive(Default)]
struct Outcome {
    records: u64,
    damage: Vec<Span>,
    torn: Option<Span>,
}

impl<F: FnMut(&[u8]) -> Result<(), String>> Recoverer<'_, F> {
    /// Removes what is flushed, replays the rest in log order.
    pub fn run(mut self, flushed: Generation) -> Result<Recovered, WalError> {
        let mut recovery = Recovery::default();
        let (found, last_generation) = self.find(flushed)?;
        recovery.generation = last_generation.max(flushed).next();
        let mut quarantine = Quarantine::open(self.fs, self.dir);
        let mut next_record = 0;
        for (index, file) in found.iter().enumerate() {
            let following = found.get(index + 1);
            let next = self.read_file(file, following, &mut quarantine, &mut recovery);
            next_record = next.unwrap_or(next_record);
        }
        for damage in recovery.torn.iter().chain(&recovery.damage) {
            let (file, offset, bytes) = (damage.file.display(), damage.offset, damage.bytes);
            tracing::warn!(%file, offset, bytes, what = damage.what, "part of the log is unreadable");
        }
        Ok(Recovered { recovery, next_record })
    }

    /// The files to read, in log order, and the highest generation that has a file.
    fn find(&self, flushed: Generation) -> Result<(Vec<Found>, Generation), WalError> {
        let mut found = Vec::new();
        let mut last = Generation::default();
        for entry in self.fs.list(self.dir).map_err(|error| WalError::io(self.dir, error))? {
            let Some((generation, part)) = parse_name(&entry.path).filter(|_| !entry.is_dir) else { continue };
            last = last.max(generation);
            if generation <= flushed {
                if let Err(error) = self.fs.remove(&entry.path) {
                    tracing::warn!(%error, path = %entry.path.display(), "flushed log file could not be removed");
                    self.files.add(entry.path, generation, entry.bytes);
                }
                continue;
            }
            let header = self.read_header(&entry.path, generation, part)?;
            found.push(Found { path: entry.path, generation, bytes: entry.bytes, header });
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok((found, last))
    }

    fn read_header(
        &self,
        path: &Path,
        generation: Generation,
        part: u32,
    ) -> Result<Result<(FileHeader, bool), Unreadable>, WalError> {
        let bytes = match self.read(path, HEADER_LEN as u64) {
            Ok(bytes) => bytes,
            Err(error) => return Ok(Err(Unreadable::Other(error.to_string()))),
        };
        let other = |what: &str| Ok(Err(Unreadable::Other(what.to_owned())));
        match FileHeader::decode(&bytes) {
            Ok((header, _)) if (header.generation, header.part) != (generation, part) => {
                other("header belongs to a file of another name")
            }
            Ok(header) => Ok(Ok(header)),
            Err(HeaderError::Short) => Ok(Err(Unreadable::Short)),
            Err(HeaderError::Damaged) => other("both copies of the header are damaged"),
            Err(HeaderError::Version(version)) => {
                Err(WalError::Version { file: path.to_owned(), version, supported: VERSION })
            }
        }
    }

    /// Up to `most` bytes from the start of a file.
    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        let file = self.fs.open(path)?;
        let length = file.length()?;
        if length > MAX_FILE_BYTES {
            return Err(io::Error::other(format!("file of {length} bytes, limit {MAX_FILE_BYTES}")));
        }
        let length = length.min(most);
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        file.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }

    /// Replays one file; answers the number of the record behind it, when that is known.
    fn read_file(
        &mut self,
        file: &Found,
        following: Option<&Found>,
        quarantine: &mut Quarantine<'_>,
        recovery: &mut Recovery,
    ) -> Option<u64> {
        let (header, both_copies) = match &file.header {
            Ok(header) => *header,
            Err(Unreadable::Short) if following.is_none() => {
                self.drop_unbegun(file, recovery);
                return None;
            }
            Err(Unreadable::Short) => {
                self.give_up(file, "file ends within its header", quarantine, recovery);
                return None;
            }
            Err(Unreadable::Other(what)) => {
                self.give_up(file, what, quarantine, recovery);
                return None;
            }
        };
        let bytes = match self.read(&file.path, MAX_FILE_BYTES) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.give_up(file, &error.to_string(), quarantine, recovery);
                return None;
            }
        };
        let next = following.and_then(|next| next.header.as_ref().ok());
        let place = Place {
            is_last: following.is_none(),
            due: next.and_then(|(next, _)| next.first_record.checked_sub(header.first_record)),
        };
        let mut outcome = self.replay_frames(&bytes, header.seed(), place.due, recovery);
        if bytes.len() == HEADER_LEN && place.due.unwrap_or_default() == 0 {
            self.remove(file);
            return Some(header.first_record);
        }
        let length = self.settle_end(file, bytes.len() as u64, &place, &mut outcome, recovery);
        if !both_copies {
            let what = "one copy of the header is damaged".to_owned();
            outcome.damage.insert(0, Span { offset: 0, bytes: HEADER_LEN, what });
        }
        if !outcome.damage.is_empty() {
            let copy = quarantine.copy(&file.path, &bytes);
            recovery.damage.extend(outcome.damage.into_iter().map(|span| damage(file, span, copy.clone())));
        }
        self.files.add(file.path.clone(), file.generation, length);
        recovery.files += 1;
        Some(header.first_record + place.due.unwrap_or(outcome.records))
    }

    /// Hands over records, at most as many as are `due`: later ones were never acknowledged, their write was reported
    /// as failed. Behind damage they cannot be counted, so then all are handed over.
    fn replay_frames(&mut self, bytes: &[u8], seed: u32, due: Option<u64>, recovery: &mut Recovery) -> Outcome {
        let mut outcome = Outcome::default();
        for piece in Scanner::new(bytes, seed) {
            if outcome.damage.is_empty() && due == Some(outcome.records) {
                let offset = piece.offset();
                let what = "frames of a write that failed".to_owned();
                outcome.torn = Some(Span { offset, bytes: bytes.len() - offset, what });
                break;
            }
            match piece {
                Piece::Damage(span) => outcome.damage.push(span),
                Piece::Torn(span) => outcome.torn = Some(span),
                Piece::Record { offset, payload } => {
                    outcome.records += 1;
                    if let Err(reason) = self.replay_one(payload) {
                        let what = format!("record was refused: {reason}");
                        outcome.damage.push(Span { offset, bytes: FRAME_HEADER_LEN + payload.len(), what });
                        continue;
                    }
                    recovery.records += 1;
                    recovery.bytes += payload.len() as u64;
                }
            }
        }
        outcome
    }

    fn replay_one(&mut self, payload: &[u8]) -> Result<(), String> {
        let replay = &mut self.replay;
        catch_unwind(AssertUnwindSafe(|| replay(payload))).unwrap_or_else(|_| Err("replay panicked".to_owned()))
    }

    /// Decides whether an unfinished end was ever acknowledged, and cuts it off when not. Answers the length that the
    /// file has then.
    fn settle_end(
        &self,
        file: &Found,
        length: u64,
        place: &Place,
        outcome: &mut Outcome,
        recovery: &mut Recovery,
    ) -> u64 {
        let complete = place.due.map(|due| outcome.records >= due);
        let harmless = place.is_last || (complete == Some(true) && outcome.damage.is_empty());
        match outcome.torn.take() {
            Some(span) if harmless => {
                let good = span.offset as u64;
                recovery.torn.push(damage(file, span, None));
                match self.cut(&file.path, good) {
                    Ok(()) => return good,
                    Err(error) => tracing::warn!(%error, path = %file.path.display(), "torn end could not be cut off"),
                }
            }
            Some(span) => outcome.damage.push(span),
            None => {}
        }
        if complete == Some(false) && outcome.damage.is_empty() {
            let missing = place.due.unwrap_or_default() - outcome.records;
            let what = format!("{missing} records are missing between this file and the next");
            outcome.damage.push(Span { offset: length as usize, bytes: 0, what });
        }
        length
    }

    fn cut(&self, path: &Path, length: u64) -> io::Result<()> {
        let file = self.fs.open_to_cut(path)?;
        file.set_len(length)?;
        file.sync_data()
    }

    /// The program ended while it began this file, which held no record yet.
    fn drop_unbegun(&self, file: &Found, recovery: &mut Recovery) {
        if file.bytes > 0 {
            let what = "file ends within its header".to_owned();
            recovery.torn.push(damage(file, Span { offset: 0, bytes: file.bytes as usize, what }, None));
        }
        self.remove(file);
    }

    /// Removes a file that holds nothing.
    fn remove(&self, file: &Found) {
        if let Err(error) = self.fs.remove(&file.path) {
            tracing::warn!(%error, path = %file.path.display(), "empty log file could not be removed");
            self.files.add(file.path.clone(), file.generation, file.bytes);
        }
    }

    /// Puts aside a file of which nothing can be read.
    fn give_up(&self, file: &Found, what: &str, quarantine: &mut Quarantine<'_>, recovery: &mut Recovery) {
        let moved = quarantine.take(&file.path);
        if moved.is_none() {
            self.files.add(file.path.clone(), file.generation, file.bytes);
        }
        let span = Span { offset: 0, bytes: file.bytes as usize, what: what.to_owned() };
        recovery.damage.push(damage(file, span, moved));
    }
}

fn damage(file: &Found, span: Span, quarantined: Option<PathBuf>) -> Damage {
    let Span { offset, bytes, what } = span;
    Damage { file: file.path.clone(), offset: offset as u64, bytes: bytes as u64, what, quarantined }
}
