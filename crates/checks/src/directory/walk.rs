//! Walks a folder. Everything is bounded: entries, time, depth, and the files that are remembered one by one.

use std::collections::HashSet;
use std::fs::{DirEntry, FileType, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use galgo_core::Clock;
use xxhash_rust::xxh3::xxh3_64;

use crate::pattern::Pattern;

/// Most entries of one walk.
const MAX_ENTRIES: u64 = 5_000_000;

/// Longest walk.
const MAX_TIME: Duration = Duration::from_secs(120);

/// Deepest folder below the first.
const MAX_DEPTH: usize = 200;

/// Most files whose size and age enter the histograms.
const MAX_HISTOGRAM_FILES: usize = 10_000;

/// Most problems that are told one by one.
const MAX_PROBLEMS: usize = 10;

/// Entries between two looks at the clock.
const CLOCK_EVERY: u64 = 1000;

/// What counts and how.
#[derive(Debug)]
pub struct Rules {
    /// Files whose full or relative path matches; all when not given.
    pub pattern: Option<Pattern>,
    /// Folders that are left out.
    pub exclude_dirs: Option<Pattern>,
    /// Whether `exclude_dirs` is about the full path.
    pub exclude_by_path: bool,
    /// Whether folders below are walked.
    pub recursive: bool,
    /// Whether a link to a folder is a folder.
    pub follow_dirs: bool,
    /// Whether a link to a file has the file's size and times.
    pub follow_files: bool,
    /// Whether sizes and times are wanted at all.
    pub stat: bool,
    /// Whether files are measured one by one.
    pub file_gauges: bool,
    /// How many of them at most.
    pub max_file_gauges: usize,
    /// Whether other files enter histograms.
    pub histograms: bool,
}

/// Size and times of one file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FileFacts {
    /// Size.
    pub bytes: u64,
    /// Last change of the content, seconds since the UNIX epoch.
    pub modified_s: f64,
    /// Last change of the inode, seconds since the UNIX epoch.
    pub changed_s: f64,
}

impl FileFacts {
    fn of(metadata: &Metadata) -> Self {
        let seconds = |whole: i64, nanos: i64| whole as f64 + nanos as f64 / 1e9;
        Self {
            bytes: metadata.len(),
            modified_s: seconds(metadata.mtime(), metadata.mtime_nsec()),
            changed_s: seconds(metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// What a walk found.
#[derive(Debug, Default)]
pub struct Tally {
    /// Matching files.
    pub files: u64,
    /// Folders below the first that are not left out.
    pub folders: u64,
    /// Size of the matching files, each counted once.
    pub bytes: u64,
    /// Files that are measured one by one.
    pub single: Vec<(PathBuf, FileFacts)>,
    /// Files that enter histograms.
    pub many: Vec<FileFacts>,
    /// What could not be read or was cut short.
    pub problems: Vec<String>,
}

struct Walk<'a> {
    root: &'a Path,
    rules: &'a Rules,
    clock: &'a dyn Clock,
    began: Duration,
    entries: u64,
    over: bool,
    gauges_left: usize,
    /// Hashes of the real paths that were counted.
    counted: HashSet<u64>,
    left_out_of_histograms: u64,
    tally: Tally,
}

/// Walks a folder that exists.
pub fn walk(root: &Path, rules: &Rules, clock: &dyn Clock) -> Tally {
    let mut walk = Walk {
        root,
        rules,
        clock,
        began: clock.monotonic(),
        entries: 0,
        over: false,
        gauges_left: rules.max_file_gauges,
        counted: HashSet::new(),
        left_out_of_histograms: 0,
        tally: Tally::default(),
    };
    walk.folder(root, &mut Vec::new());
    if walk.left_out_of_histograms > 0 {
        let problem = format!(
            "sizes and ages are those of {MAX_HISTOGRAM_FILES} files only, {} more were found",
            walk.left_out_of_histograms
        );
        walk.tally.problems.push(problem);
    }
    walk.tally
}

impl Walk<'_> {
    fn problem(&mut self, problem: String) {
        if self.tally.problems.len() < MAX_PROBLEMS {
            self.tally.problems.push(problem);
        }
    }

    /// Counts an entry; false when the walk has gone on for too long.
    fn goes_on(&mut self) -> bool {
        self.entries += 1;
        let too_long =
            self.entries.is_multiple_of(CLOCK_EVERY) && self.clock.monotonic().saturating_sub(self.began) > MAX_TIME;
        if !self.over && (self.entries > MAX_ENTRIES || too_long) {
            self.over = true;
            let limits = format!("{MAX_ENTRIES} entries or {} s", MAX_TIME.as_secs());
            self.problem(format!("{}: only a part was counted, for it holds more than {limits}", self.root.display()));
        }
        !self.over
    }

    /// `above` holds device and inode of the folders that lead here: a link to one of them is a circle.
    fn folder(&mut self, path: &Path, above: &mut Vec<(u64, u64)>) {
        let identity = match std::fs::metadata(path) {
            Ok(metadata) => (metadata.dev(), metadata.ino()),
            Err(error) => return self.problem(format!("{}: {error}", path.display())),
        };
        if above.contains(&identity) || above.len() > MAX_DEPTH {
            return;
        }
        let entries = match std::fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => return self.problem(format!("{}: {error}", path.display())),
        };
        let (mut folders, mut files) = (Vec::new(), Vec::new());
        for entry in entries {
            if !self.goes_on() {
                break;
            }
            match entry {
                Ok(entry) => self.sort_entry(&entry, &mut folders, &mut files),
                Err(error) => self.problem(format!("{}: {error}", path.display())),
            }
        }
        self.tally.folders += folders.len() as u64;
        self.tally.files += files.len() as u64;
        if self.rules.stat {
            self.measure(path, files);
        }
        if self.rules.recursive {
            above.push(identity);
            for folder in folders {
                if self.over {
                    break;
                }
                self.folder(&folder, above);
            }
            above.pop();
        }
    }

    fn sort_entry(&self, entry: &DirEntry, folders: &mut Vec<PathBuf>, files: &mut Vec<(PathBuf, FileType)>) {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { return };
        let is_folder = kind.is_dir() || (kind.is_symlink() && self.rules.follow_dirs && path.is_dir());
        if is_folder {
            if !self.is_excluded(&path) {
                folders.push(path);
            }
        } else if self.is_wanted(&path) {
            files.push((path, kind));
        }
    }

    fn is_excluded(&self, folder: &Path) -> bool {
        let Some(pattern) = &self.rules.exclude_dirs else { return false };
        let subject = if self.rules.exclude_by_path { Some(folder.as_os_str()) } else { folder.file_name() };
        subject.is_some_and(|subject| pattern.search(&subject.to_string_lossy()))
    }

    fn is_wanted(&self, file: &Path) -> bool {
        let Some(pattern) = &self.rules.pattern else { return true };
        let relative = file.strip_prefix(self.root).unwrap_or(file);
        pattern.search(&file.to_string_lossy()) || pattern.search(&relative.to_string_lossy())
    }

    fn measure(&mut self, folder: &Path, files: Vec<(PathBuf, FileType)>) {
        let one_by_one = self.rules.file_gauges && files.len() <= self.gauges_left;
        // The folder's own path may lead through links; a file in it has a real path below the folder's.
        let real_folder = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let number = files.len();
        for (path, kind) in files {
            let metadata =
                if self.rules.follow_files { std::fs::metadata(&path) } else { std::fs::symlink_metadata(&path) };
            // Files that vanish meanwhile and links that lead nowhere have no size.
            let Ok(metadata) = metadata else { continue };
            let facts = FileFacts::of(&metadata);
            if self.counts(&path, kind, &real_folder) {
                self.tally.bytes += facts.bytes;
            }
            if one_by_one {
                self.tally.single.push((path, facts));
            } else if self.rules.histograms {
                if self.tally.many.len() < MAX_HISTOGRAM_FILES {
                    self.tally.many.push(facts);
                } else {
                    self.left_out_of_histograms += 1;
                }
            }
        }
        if one_by_one {
            self.gauges_left -= number;
        }
    }

    /// Whether a file's size was not counted before, under its own name or through a link.
    fn counts(&mut self, path: &Path, kind: FileType, real_folder: &Path) -> bool {
        if !self.rules.follow_files {
            return true;
        }
        let real = match (kind.is_symlink(), path.file_name()) {
            (false, Some(name)) => real_folder.join(name),
            _ => std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()),
        };
        self.counted.insert(xxh3_64(real.as_os_str().as_bytes()))
    }
}
