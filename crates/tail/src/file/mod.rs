//! A source of type `file`: finds its files, notices rotations and reads them in rounds.
//!
//! Everything that touches the disk happens in [`FileTask::round`], which runs on a thread for blocking work; only a few
//! sources do so at a time. A round reads a bounded number of bytes, and the next one begins when its lines have gone
//! into a pipeline.

pub(crate) mod claims;
mod lineage;
mod opener;
mod reader;
mod run;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

pub(crate) use claims::OpenFiles;
pub(crate) use reader::{GROUP_TIMEOUT, Reading, Round};
pub(crate) use run::run_file;

use crate::glob::{Glob, MAX_MATCHES};
use crate::head::{FileId, modified_ns};
use crate::registry::Registry;
use crate::siblings::is_rotation_of;
use crate::source::{FileSource, TailSource};
use crate::status::{Counters, SourceState};
use claims::Unclaimed;
use lineage::Lineage;
use opener::{Opened, Opener};
use reader::Reader;

/// How often files that are there are noted as such, so that their places are kept.
const SEEN_PERIOD: Duration = Duration::from_secs(60);

/// A file that was found.
#[derive(Debug)]
struct Found {
    path: PathBuf,
    id: FileId,
    size: u64,
    modified_ns: i64,
}

/// Times of reading.
#[derive(Debug, Clone)]
pub(crate) struct FileTimes {
    /// Between two searches for files.
    pub scan_period: Duration,
    /// How long a rotated file is watched after it was read to its end.
    pub close_timeout: Duration,
}

/// The state of one source.
#[derive(Debug)]
pub(crate) struct FileTask {
    name: String,
    glob: Glob,
    exclude: Vec<Glob>,
    times: FileTimes,
    opener: Opener,
    counters: Arc<Counters>,
    /// Sorted by path.
    lineages: Vec<Lineage>,
    /// Files with nothing to read until they grow beyond a size.
    settled: HashMap<FileId, u64>,
    next_scan: Option<Instant>,
    next_seen: Option<Instant>,
    /// Whose turn it is.
    turn: usize,
}

impl FileTask {
    /// A source that has not begun. `owner` tells sources apart.
    pub fn new(
        source: &TailSource,
        file: &FileSource,
        owner: u64,
        open: Arc<OpenFiles>,
        registry: Arc<Registry>,
        reading: Reading,
        times: FileTimes,
        counters: Arc<Counters>,
    ) -> Self {
        let glob = Glob::new(&file.path);
        let name = source.name();
        let opener = Opener {
            owner,
            open,
            known: registry.source(&name).is_some(),
            registry,
            reading,
            source: source.clone(),
            start: file.start_position,
            wild: glob.is_wild(),
            counters: Arc::clone(&counters),
        };
        Self {
            name,
            exclude: file.exclude_paths.iter().map(|pattern| Glob::new(pattern)).collect(),
            glob,
            times,
            opener,
            counters,
            lineages: Vec::new(),
            settled: HashMap::new(),
            next_scan: None,
            next_seen: None,
            turn: 0,
        }
    }

    /// Searches for files when it is time and reads on; returns whether there is more. Blocks on the disk.
    pub fn round(&mut self, round: &mut Round) -> bool {
        if self.next_scan.is_none_or(|due| due <= round.now) {
            self.scan(round);
            self.next_scan = Some(round.now + self.times.scan_period);
        }
        let mut more = false;
        let count = self.lineages.len();
        let start = self.turn.checked_rem(count).unwrap_or(0);
        for step in 0..count {
            let index = (start + step) % count;
            if round.room == 0 {
                self.turn = index;
                more = true;
                break;
            }
            let lineage = &mut self.lineages[index];
            match lineage.poll(round, &self.opener, self.times.close_timeout) {
                Ok(has_more) => more |= has_more,
                Err(error) => {
                    // Opened anew by the next search, at its last place.
                    lineage.readers.clear();
                    let text = format!("cannot read {}: {error}", lineage.path.display());
                    self.complain(text);
                }
            }
        }
        self.lineages.retain(|lineage| !lineage.readers.is_empty());
        let statuses =
            self.lineages.iter().flat_map(|lineage| lineage.readers.iter().map(|reader| reader.status(&lineage.path)));
        self.counters.set_files(statuses.collect());
        more
    }

    /// Hands over complete lines that wait for more, before the source ends.
    pub fn flush(&mut self, round: &mut Round) {
        self.lineages.iter_mut().for_each(|lineage| lineage.flush(round));
    }

    fn scan(&mut self, round: &mut Round) {
        let first = self.next_scan.is_none();
        let found = self.find();
        let mut failed = false;
        let named: HashMap<&Path, FileId> = found.iter().map(|file| (&*file.path, file.id)).collect();
        let mut reopen = Vec::new();
        for lineage in &mut self.lineages {
            let unopened = lineage.observe(named.get(&*lineage.path).copied(), round.now);
            // What became of the old content is found out first, by reading; the new one is opened by the next search.
            if unopened && !lineage.readers.iter().any(Reader::is_replaced) {
                reopen.push(lineage.path.clone());
            }
        }
        reopen.retain(|path| !self.may_be_copy(path));
        reopen.iter().for_each(|path| failed |= !self.open(path, false, round));
        for file in &found {
            if self.position(&file.path).is_ok() || self.settled.get(&file.id).is_some_and(|size| file.size <= *size) {
                continue;
            }
            if self.may_be_copy(&file.path) {
                continue;
            }
            let full = self.opener.wild && !first && self.opener.open.is_full();
            if !full || self.make_room(file.modified_ns) {
                failed |= !self.open(&file.path, first, round);
            }
        }
        if first {
            self.open_gone(&named, round);
        }
        self.keep_seen(&found, first, round);
        if found.is_empty()
            && let Some(obstacle) = self.glob.obstacle()
        {
            failed |= !self.complain(obstacle);
        }
        if !failed {
            let state = if found.is_empty() { SourceState::Waiting } else { SourceState::Ok };
            self.counters.set_state(state);
        }
    }

    /// Files that the path stands for, the newest first.
    fn find(&self) -> Vec<Found> {
        let mut found: Vec<Found> = Vec::new();
        for path in self.glob.expand() {
            if self.exclude.iter().any(|pattern| pattern.matches(&path)) {
                continue;
            }
            let Ok(metadata) = path.metadata() else { continue };
            if metadata.is_file() {
                let (id, size) = (FileId::of(&metadata), metadata.len());
                found.push(Found { path, id, size, modified_ns: modified_ns(&metadata) });
            }
        }
        if found.len() >= MAX_MATCHES {
            let text = format!("{} stands for more than {MAX_MATCHES} files: the rest is not read", self.name);
            self.counters.note_error(text);
        }
        found.sort_by_key(|file| std::cmp::Reverse(file.modified_ns));
        found
    }

    /// Whether a new file may be the copy of one that was cut off just now. Reading that one finds out.
    fn may_be_copy(&self, path: &Path) -> bool {
        let mut originals = self.lineages.iter().filter(|lineage| is_rotation_of(&lineage.path, path));
        originals.any(|lineage| lineage.readers.iter().any(Reader::is_replaced))
    }

    fn position(&self, path: &Path) -> Result<usize, usize> {
        self.lineages.binary_search_by(|lineage| lineage.path.as_path().cmp(path))
    }

    /// Opens a path; returns whether that went well.
    fn open(&mut self, path: &Path, first: bool, round: &mut Round) -> bool {
        match self.opener.open(path, first, round) {
            Ok(Opened::Readers(readers)) => self.add(path, readers),
            Ok(Opened::Settled(size)) => {
                if let Ok(metadata) = path.metadata() {
                    self.settled.insert(FileId::of(&metadata), size);
                }
            }
            Ok(Opened::Taken(Unclaimed::Other)) => {
                return self.complain(format!("{} is read by another source already", path.display()));
            }
            Ok(Opened::Taken(Unclaimed::Full)) => {
                let text =
                    format!("{} is not read: open_files_limit is reached, newer files come first", path.display());
                self.counters.note_error(text);
            }
            Ok(Opened::Taken(Unclaimed::Own)) => {}
            // It was there a moment ago and comes again, or does not.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                let hint = match error.kind() {
                    std::io::ErrorKind::PermissionDenied => " (the agent's user must be able to read it)",
                    _ => "",
                };
                return self.complain(format!("cannot open {}: {error}{hint}", path.display()));
            }
        }
        true
    }

    fn add(&mut self, path: &Path, readers: Vec<Reader>) {
        match self.position(path) {
            Ok(index) => self.lineages[index].readers.extend(readers),
            Err(_) if readers.is_empty() => {}
            Err(index) => self.lineages.insert(index, Lineage { path: path.to_owned(), readers }),
        }
    }

    /// Rotated files of paths that name nothing at the moment.
    fn open_gone(&mut self, named: &HashMap<&Path, FileId>, round: &mut Round) {
        let registry = Arc::clone(&self.opener.registry);
        let marks = registry.find(|info| !named.contains_key(&*info.path) && self.glob.matches(&info.path));
        let paths: HashSet<PathBuf> =
            marks.iter().filter(|mark| !mark.is_closed()).map(|mark| mark.info().path).collect();
        for path in paths {
            if !self.exclude.iter().any(|pattern| pattern.matches(&path)) {
                let readers = self.opener.open_predecessors(&path, round);
                self.add(&path, readers);
            }
        }
    }

    /// Gives up the file that has rested the longest for one that was changed after it.
    fn make_room(&mut self, modified_ns: i64) -> bool {
        let resting = self.lineages.iter().enumerate();
        let resting = resting.filter_map(|(index, lineage)| Some((lineage.resting_since()?, index)));
        match resting.min() {
            Some((since, index)) if since < modified_ns => {
                self.lineages.remove(index);
                true
            }
            _ => false,
        }
    }

    fn keep_seen(&mut self, found: &[Found], first: bool, round: &Round) {
        if self.next_seen.is_none_or(|due| due <= round.now) {
            self.next_seen = Some(round.now + SEEN_PERIOD);
            let ids: HashSet<FileId> = found.iter().map(|file| file.id).collect();
            self.settled.retain(|id, _| ids.contains(id));
            self.opener.registry.source_seen(&self.name);
            self.opener.registry.files_seen(&ids);
        }
        if first {
            // Before anything is read: a crash from now on must not pass over lines that are written after this moment.
            self.opener.registry.touch();
            self.opener.registry.save();
            self.opener.known = true;
        }
    }

    /// Shows an error in the status and logs it once; returns `false`.
    fn complain(&self, error: String) -> bool {
        if self.counters.fail(error.clone()) {
            tracing::warn!(source = %self.opener.source.where_from, error, "log source");
        }
        false
    }
}
