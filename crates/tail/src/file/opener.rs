//! Opens files at the right place: where a mark says, at the beginning of what appeared later, at the end of what was
//! there before. It also looks for what was rotated away since a mark was made.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::time::Instant;

use super::claims::{Claim, OpenFiles, Unclaimed};
use super::reader::{Reader, Reading, Round};
use crate::head::{FileId, HEAD_BYTES, Head, modified_ns};
use crate::pipeline::Origin;
use crate::registry::{Mark, MarkInfo, Registry};
use crate::siblings::{Sibling, is_rotation_of, rotations_of};
use crate::source::{StartPosition, TailSource};
use crate::status::Counters;

/// Offset of a file whose content is read elsewhere: further than any file goes.
const NEVER: u64 = u64::MAX >> 1;

/// What came of opening a path.
#[derive(Debug)]
pub(crate) enum Opened {
    /// Files to read, the oldest content first.
    Readers(Vec<Reader>),
    /// There is nothing to read in it until it grows beyond a size.
    Settled(u64),
    /// It is read under another path or by another source.
    Taken(Unclaimed),
}

/// Opens the files of one source.
#[derive(Debug)]
pub(crate) struct Opener {
    pub owner: u64,
    pub open: Arc<OpenFiles>,
    pub registry: Arc<Registry>,
    pub reading: Reading,
    pub source: TailSource,
    pub start: StartPosition,
    /// Whether the path has wildcards.
    pub wild: bool,
    /// Whether the source was read before, by this process or one that kept its places.
    pub known: bool,
    pub counters: Arc<Counters>,
}

impl Opener {
    /// Opens what a path names now, and before it what was rotated away and not read to its end. `first` holds for
    /// files that were there when the source began.
    pub fn open(&self, path: &Path, first: bool, round: &Round) -> io::Result<Opened> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        let (id, size, modified_ns) = (FileId::of(&metadata), metadata.len(), modified_ns(&metadata));
        let mut at_path = self.registry.find(|info| info.path == path);
        let mut same = self.content_mark(id, &file, size);
        if first && self.is_forced(same.as_ref()) {
            at_path.drain(..).for_each(|mark| mark.close());
            same.take().inspect(|mark| self.registry.remove(mark));
        }
        if let Some(mark) = &same
            && mark.is_closed()
            && mark.handed() >= size
        {
            return Ok(Opened::Settled(mark.handed()));
        }
        let mut readers = self.predecessors(path, &at_path, same.as_ref(), Some(id), round);
        let mark = match same {
            Some(mark) => {
                if mark.info().head.len == 0 && mark.info().modified_ns != modified_ns {
                    readers.extend(self.unseen(path, &at_path, last_change(&at_path), id, round));
                }
                mark
            }
            None => {
                if self.is_copy(path, &file, size) {
                    self.registry.add(self.info(path, &file, id, modified_ns, round)?, NEVER).close();
                    return Ok(Opened::Settled(NEVER));
                }
                readers.extend(self.unseen(path, &at_path, last_change(&at_path), id, round));
                let offset = if at_path.is_empty() { self.first_offset(first, size) } else { 0 };
                self.registry.add(self.info(path, &file, id, modified_ns, round)?, offset)
            }
        };
        match self.open.claim(id, self.owner, !self.wild) {
            Ok(claim) => readers.push(self.reader(path, file, claim, &mark, round.now)),
            Err(unclaimed) if readers.is_empty() => return Ok(Opened::Taken(unclaimed)),
            Err(_) => {}
        }
        Ok(Opened::Readers(readers))
    }

    /// What was rotated away from a path that names no file any more.
    pub fn open_predecessors(&self, path: &Path, round: &Round) -> Vec<Reader> {
        let at_path = self.registry.find(|info| info.path == path);
        self.predecessors(path, &at_path, None, None, round)
    }

    /// Rotated files of which a file that was empty shows no trace.
    /// `since` is when it was changed for the last time before.
    pub fn open_unseen(&self, path: &Path, empty: &Reader, since: i64, round: &Round) -> Vec<Reader> {
        let at_path = self.registry.find(|info| info.path == path);
        self.unseen(path, &at_path, Some(since), empty.id(), round)
    }

    /// A file that is no longer the same content: the rest of the old content where it was copied to, and the new
    /// content from its beginning. `unsure` was read while that happened.
    pub fn open_replaced(&self, path: &Path, old: Reader, unsure: &[u8], round: &mut Round) -> io::Result<Vec<Reader>> {
        let file = old.reopen()?;
        let metadata = file.metadata()?;
        let (id, modified_ns, rotated_at) = (FileId::of(&metadata), old.modified_ns(), old.rotated_at);
        tracing::debug!(path = %path.display(), offset = old.offset(), size = metadata.len(), "a log file was cut off");
        let at_path = self.registry.find(|info| info.path == path);
        let mut readers = Vec::new();
        match self.copy_of(path, old, unsure, round) {
            Some(reader) => readers.push(reader),
            None => self.registry.touch(),
        }
        readers.extend(self.unseen(path, &at_path, Some(modified_ns), id, round));
        let mark = self.registry.add(self.info(path, &file, id, modified_ns, round)?, 0);
        if let Ok(claim) = self.open.claim(id, self.owner, true) {
            let mut reader = self.reader(path, file, claim, &mark, round.now);
            reader.rotated_at = rotated_at;
            readers.push(reader);
        }
        Ok(readers)
    }

    /// The reader moved to the copy of its content; without one it is finished.
    fn copy_of(&self, path: &Path, mut old: Reader, unsure: &[u8], round: &mut Round) -> Option<Reader> {
        let fits =
            |sibling: &Sibling| sibling.id != old.id() && sibling.size >= old.offset() && old.goes_on_in(&sibling.file);
        let copies = rotations_of(path).into_iter().rev().filter(fits);
        let claimed = copies.filter_map(|copy| Some((self.open.claim(copy.id, self.owner, true).ok()?, copy))).next();
        if let Some((claim, copy)) = claimed {
            self.registry.find(|info| info.id == copy.id).iter().for_each(|mark| self.registry.remove(mark));
            old.go_on_in(copy.file, claim, &self.registry);
            old.rotated_at = Some(round.now);
            return Some(old);
        }
        old.take(unsure, round);
        old.finish(round);
        old.mark().close();
        None
    }

    /// The mark of a file's present content.
    fn content_mark(&self, id: FileId, file: &File, size: u64) -> Option<Arc<Mark>> {
        let marks = self.registry.find(|info| info.id == id);
        let fits = |mark: &&Arc<Mark>| {
            let handed = mark.handed();
            (handed <= size || handed == NEVER) && mark.info().head.fits(file)
        };
        marks.iter().rev().find(fits).cloned()
    }

    /// Whether the saved place of a file is to be left aside.
    fn is_forced(&self, same: Option<&Arc<Mark>>) -> bool {
        matches!(self.start, StartPosition::ForceEnd | StartPosition::ForceBeginning)
            && same.is_none_or(|mark| !mark.is_used())
    }

    fn first_offset(&self, first: bool, size: u64) -> u64 {
        match self.start {
            StartPosition::Beginning | StartPosition::ForceBeginning => 0,
            StartPosition::ForceEnd if first => size,
            // A source that was read before knows every file that was there then: this one is new.
            StartPosition::End if first && !self.known => size,
            StartPosition::End | StartPosition::ForceEnd => 0,
        }
    }

    /// Rotated files of a path that are not read to their end, the oldest first. `named` is what the path names now.
    fn predecessors(
        &self,
        path: &Path,
        at_path: &[Arc<Mark>],
        same: Option<&Arc<Mark>>,
        named: Option<FileId>,
        round: &Round,
    ) -> Vec<Reader> {
        let is_open = |mark: &&Arc<Mark>| {
            let id = mark.info().id;
            !mark.is_closed()
                && same.is_none_or(|same| !Arc::ptr_eq(same, mark))
                && (Some(id) == named || !self.open.is_claimed(id))
        };
        let mut wanted: Vec<&Arc<Mark>> = at_path.iter().filter(is_open).collect();
        let mut readers = Vec::new();
        if wanted.is_empty() {
            return readers;
        }
        for sibling in rotations_of(path) {
            let position = |by_content: bool| {
                wanted.iter().position(|mark| {
                    let info = mark.info();
                    let named = if by_content { info.head.len > 0 } else { info.id == sibling.id };
                    named && sibling.size >= mark.handed() && info.head.fits(&sibling.file)
                })
            };
            let Some(index) = position(false).or_else(|| position(true)) else { continue };
            let Ok(claim) = self.open.claim(sibling.id, self.owner, true) else { continue };
            let mark = wanted.remove(index);
            mark.update(|info| info.id = sibling.id);
            let mut reader = self.reader(path, sibling.file, claim, mark, round.now);
            reader.rotated_at = Some(round.now);
            readers.push(reader);
        }
        for lost in wanted {
            lost.close();
            tracing::warn!(
                path = %path.display(), offset = lost.handed(),
                "what a log file was rotated to is not there any more or compressed: its lines after the offset are not read"
            );
        }
        readers
    }

    /// Rotated files that were made and rotated away while nobody looked.
    /// They were changed after the file that the path named before.
    fn unseen(
        &self,
        path: &Path,
        at_path: &[Arc<Mark>],
        since: Option<i64>,
        named: FileId,
        round: &Round,
    ) -> Vec<Reader> {
        let Some(since) = since else { return Vec::new() };
        let mut readers = Vec::new();
        for sibling in rotations_of(path) {
            let copied = at_path.iter().any(|mark| is_content(mark.info().head, &sibling.file, sibling.size));
            let known = || copied || self.content_mark(sibling.id, &sibling.file, sibling.size).is_some();
            if sibling.modified_ns < since || sibling.id == named || known() {
                continue;
            }
            let Ok(claim) = self.open.claim(sibling.id, self.owner, true) else { continue };
            let Ok(info) = self.info(path, &sibling.file, sibling.id, sibling.modified_ns, round) else { continue };
            let mark = self.registry.add(info, 0);
            tracing::debug!(path = %sibling.path.display(), "reading a log file that was rotated away unseen");
            let mut reader = self.reader(path, sibling.file, claim, &mark, round.now);
            reader.rotated_at = Some(round.now);
            readers.push(reader);
        }
        readers
    }

    /// Whether a file that has appeared is the copy of one that is read and about to be cut off.
    fn is_copy(&self, path: &Path, file: &File, size: u64) -> bool {
        let original = |info: &MarkInfo| is_rotation_of(&info.path, path) && is_content(info.head, file, size);
        !self.registry.find(original).is_empty()
    }

    fn info(&self, path: &Path, file: &File, id: FileId, modified_ns: i64, round: &Round) -> io::Result<MarkInfo> {
        Ok(MarkInfo {
            path: path.to_owned(),
            id,
            head: Head::read(file)?,
            modified_ns,
            seen_ms: round.now_ms,
            encoding: self.reading.encoding,
        })
    }

    fn reader(&self, path: &Path, file: File, claim: Claim, mark: &Arc<Mark>, now: Instant) -> Reader {
        let origin = Arc::new(self.origin(path));
        Reader::new(file, claim, Arc::clone(mark), mark.handed(), origin, &self.reading, now)
    }

    fn origin(&self, path: &Path) -> Origin {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let folder = path.parent().unwrap_or(Path::new("/")).to_string_lossy();
        let mut tags = vec![format!("filename:{name}"), format!("dirname:{folder}")];
        tags.extend(self.source.tags.iter().cloned());
        Origin {
            check: self.source.check.clone(),
            place: PathBuf::from(path).display().to_string(),
            service: self.source.service.clone(),
            source: self.source.source.clone(),
            tags,
            counters: Arc::clone(&self.counters),
        }
    }
}

/// When the file that a path named last was changed: its mark is the one that was made last.
fn last_change(at_path: &[Arc<Mark>]) -> Option<i64> {
    at_path.last().map(|mark| mark.info().modified_ns)
}

/// Whether a file holds the content that a head is from, and not merely one that begins with the same few bytes.
fn is_content(head: Head, file: &File, size: u64) -> bool {
    (head.len == HEAD_BYTES as u64 || (head.len > 0 && head.len == size)) && head.fits(file)
}
