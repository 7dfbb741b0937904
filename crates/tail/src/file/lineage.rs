//! What one path names over time: the file that it names now, and before it those that were rotated away and are still
//! read to their end.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use super::opener::Opener;
use super::reader::{Progress, Reader, Round};
use crate::head::FileId;

/// Bytes of one path in a round, so that a large file does not keep the others of its source waiting.
const TURN_BYTES: usize = 128 << 10;

/// The files of one path, the oldest content first.
#[derive(Debug)]
pub(crate) struct Lineage {
    pub path: PathBuf,
    pub readers: Vec<Reader>,
}

impl Lineage {
    /// Takes notice of what the path names now; returns whether that has yet to be opened.
    pub fn observe(&mut self, named: Option<FileId>, now: Instant) -> bool {
        if let Some(current) = self.readers.iter_mut().rev().find(|reader| reader.rotated_at.is_none()) {
            if Some(current.id()) == named {
                return false;
            }
            current.rotated_at = Some(now);
        }
        let Some(named) = named else { return false };
        // A file that was renamed and got its name back.
        if let Some(index) = self.readers.iter().position(|reader| reader.id() == named) {
            let mut reader = self.readers.remove(index);
            reader.rotated_at = None;
            self.readers.push(reader);
            return false;
        }
        true
    }

    /// Reads on; returns whether there is more.
    pub fn poll(&mut self, round: &mut Round, opener: &Opener, close_timeout: Duration) -> io::Result<bool> {
        let floor = round.room.saturating_sub(TURN_BYTES);
        let mut index = 0;
        while index < self.readers.len() {
            if round.room <= floor {
                return Ok(true);
            }
            match self.readers[index].read(round, &opener.registry)? {
                // Older lines first.
                Progress::More => {}
                Progress::Unclear(since) => {
                    let before = opener.open_unseen(&self.path, &self.readers[index], since, round);
                    self.readers.splice(index..index, before);
                }
                Progress::Replaced(unsure) => {
                    let old = self.readers.remove(index);
                    let new = opener.open_replaced(&self.path, old, &unsure, round)?;
                    self.readers.splice(index..index, new);
                }
                Progress::AtEnd if self.is_over(index, round.now, close_timeout) => {
                    let mut reader = self.readers.remove(index);
                    reader.finish(round);
                    reader.mark().close();
                    opener.registry.touch();
                }
                Progress::AtEnd => index += 1,
            }
        }
        Ok(false)
    }

    /// Hands over complete lines that wait for more.
    pub fn flush(&mut self, round: &mut Round) {
        self.readers.iter_mut().for_each(|reader| reader.flush(round));
    }

    /// When the newest of its files was changed, if all of them are read and nothing waits.
    pub fn resting_since(&self) -> Option<i64> {
        let rests = self.readers.iter().all(|reader| reader.is_at_rest() && reader.rotated_at.is_none());
        rests.then(|| self.readers.iter().map(Reader::modified_ns).max().unwrap_or(0))
    }

    fn is_over(&self, index: usize, now: Instant, close_timeout: Duration) -> bool {
        self.readers[index].rotated_at.is_some_and(|since| now.duration_since(since) >= close_timeout)
    }
}
