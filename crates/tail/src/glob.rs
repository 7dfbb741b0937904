//! Paths with wildcards: `*`, `?` and `[a-z]` within one part, `**` for any folders.

use std::path::{Path, PathBuf};

/// Most files of one pattern.
pub(crate) const MAX_MATCHES: usize = 10_000;
/// Deepest nesting below a `**`.
const MAX_DEPTH: usize = 16;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Plain(String),
    Wild(Vec<char>),
    Folders,
}

/// A path with or without wildcards.
#[derive(Debug, Clone)]
pub(crate) struct Glob {
    parts: Vec<Part>,
}

impl Glob {
    /// Reads an absolute pattern.
    pub fn new(pattern: &str) -> Self {
        let parts = pattern.split('/').filter(|part| !part.is_empty()).map(|part| match part {
            "**" => Part::Folders,
            _ if part.contains(['*', '?', '[', '\\']) => Part::Wild(part.chars().collect()),
            _ => Part::Plain(part.to_owned()),
        });
        Self { parts: parts.collect() }
    }

    /// Whether it stands for more than one path.
    pub fn is_wild(&self) -> bool {
        self.parts.iter().any(|part| !matches!(part, Part::Plain(_)))
    }

    /// Why nothing can be found although something may be there; `None` when it is merely absent.
    pub fn obstacle(&self) -> Option<String> {
        let plain = self.parts.iter().map_while(|part| match part {
            Part::Plain(name) => Some(name.as_str()),
            _ => None,
        });
        let base = plain.fold(PathBuf::from("/"), |base, name| base.join(name));
        let error = if self.is_wild() {
            std::fs::read_dir(&base).err()?
        } else {
            match base.metadata() {
                Ok(metadata) if metadata.is_file() => return None,
                Ok(_) => return Some(format!("{} is not a file", base.display())),
                Err(error) => error,
            }
        };
        let denied = error.kind() == std::io::ErrorKind::PermissionDenied;
        denied
            .then(|| format!("cannot look for {}: {error} (the agent's user must be able to read it)", base.display()))
    }

    /// What exists, folders and files alike, at most [`MAX_MATCHES`].
    pub fn expand(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        walk(Path::new("/"), &self.parts, MAX_DEPTH, &mut found);
        found
    }

    /// Whether a path is one of those that it stands for.
    pub fn matches(&self, path: &Path) -> bool {
        let text = path.to_string_lossy();
        let names: Vec<&str> = text.split('/').filter(|name| !name.is_empty()).collect();
        matches_parts(&self.parts, &names)
    }
}

fn matches_parts(parts: &[Part], names: &[&str]) -> bool {
    match (parts.split_first(), names.split_first()) {
        (None, None) => true,
        (Some((Part::Folders, rest)), _) => (0..=names.len()).any(|skipped| matches_parts(rest, &names[skipped..])),
        (Some((part, rest)), Some((name, others))) => matches_name(part, name) && matches_parts(rest, others),
        _ => false,
    }
}

fn matches_name(part: &Part, name: &str) -> bool {
    match part {
        Part::Plain(plain) => plain == name,
        Part::Wild(pattern) => wild_match(pattern, &name.chars().collect::<Vec<_>>()),
        Part::Folders => true,
    }
}

fn walk(base: &Path, parts: &[Part], depth: usize, found: &mut Vec<PathBuf>) {
    if found.len() >= MAX_MATCHES {
        return;
    }
    let Some((part, rest)) = parts.split_first() else {
        if base.symlink_metadata().is_ok() {
            found.push(base.to_owned());
        }
        return;
    };
    match part {
        Part::Plain(name) => walk(&base.join(name), rest, depth, found),
        Part::Wild(_) => {
            for entry in names(base) {
                if matches_name(part, &entry.file_name().to_string_lossy()) {
                    walk(&entry.path(), rest, depth, found);
                }
            }
        }
        Part::Folders => {
            walk(base, rest, depth, found);
            for entry in names(base) {
                // Links to folders are not followed here: they may lead in circles.
                if depth > 0 && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    walk(&entry.path(), parts, depth - 1, found);
                }
            }
        }
    }
}

fn names(folder: &Path) -> Vec<std::fs::DirEntry> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    entries
}

/// Matches one name; a star goes back to where it began to match more.
fn wild_match(pattern: &[char], name: &[char]) -> bool {
    let (mut at, mut done) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while done < name.len() {
        let step = match pattern.get(at) {
            Some('*') => {
                star = Some((at, done));
                at += 1;
                continue;
            }
            Some(_) => match_one(&pattern[at..], name[done]),
            None => None,
        };
        match (step, star) {
            (Some(length), _) => {
                at += length;
                done += 1;
            }
            (None, Some((star_at, from))) => {
                star = Some((star_at, from + 1));
                at = star_at + 1;
                done = from + 1;
            }
            (None, None) => return false,
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

/// Length of the pattern's first element when it matches a character.
fn match_one(pattern: &[char], c: char) -> Option<usize> {
    match pattern[0] {
        '?' => Some(1),
        '[' => match class_match(&pattern[1..], c) {
            Some((matches, length)) => matches.then_some(length + 1),
            // Without its closing bracket it is itself.
            None => (c == '[').then_some(1),
        },
        '\\' if pattern.len() > 1 => (pattern[1] == c).then_some(2),
        plain => (plain == c).then_some(1),
    }
}

fn class_match(class: &[char], c: char) -> Option<(bool, usize)> {
    let negated = matches!(class.first(), Some('^' | '!'));
    let mut at = usize::from(negated);
    let (mut matches, mut first) = (false, true);
    loop {
        match class.get(at)? {
            ']' if !first => return Some((matches != negated, at + 1)),
            from => {
                if class.get(at + 1) == Some(&'-') && class.get(at + 2).is_some_and(|to| *to != ']') {
                    matches |= (*from..=class[at + 2]).contains(&c);
                    at += 3;
                } else {
                    matches |= *from == c;
                    at += 1;
                }
            }
        }
        first = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_paths() {
        for (pattern, path, matches) in [
            ("/var/log/*.log", "/var/log/a.log", true),
            ("/var/log/*.log", "/var/log/a.log.1", false),
            ("/var/log/*.log", "/var/log/x/a.log", false),
            ("/var/log/*/a.log", "/var/log/x/a.log", true),
            ("/var/log/**/*.log", "/var/log/a.log", true),
            ("/var/log/**/*.log", "/var/log/x/y/a.log", true),
            ("/var/log/a?[0-9].log", "/var/log/ab7.log", true),
            ("/var/log/a?[^0-9].log", "/var/log/ab7.log", false),
            ("/var/log/*a*b*", "/var/log/xaybaz", true),
            ("/var/log/*a*b", "/var/log/xaybaz", false),
            (r"/var/log/a\*", "/var/log/a*", true),
            ("/var/log/a[", "/var/log/a[", true),
            ("/var/log/[]x]", "/var/log/]", true),
        ] {
            assert_eq!(Glob::new(pattern).matches(Path::new(path)), matches, "{pattern} on {path}");
        }
    }

    #[test]
    fn a_folder_is_not_a_file_and_what_is_absent_may_come() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display().to_string();
        assert_eq!(Glob::new(&path).obstacle(), Some(format!("{path} is not a file")));
        assert_eq!(Glob::new(&format!("{path}/a.log")).obstacle(), None);
        assert_eq!(Glob::new(&format!("{path}/none/*.log")).obstacle(), None);
    }

    #[test]
    fn patterns_are_expanded_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a/x.log", "b/x.log", "b/c/y.log", "b/c/y.txt"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let expand = |pattern: &str| -> Vec<String> {
            let found = Glob::new(&format!("{}/{pattern}", folder.path().display())).expand();
            let relative = found.iter().map(|path| path.strip_prefix(folder.path()).unwrap().display().to_string());
            relative.collect()
        };
        assert_eq!(expand("*/x.log"), ["a/x.log", "b/x.log"]);
        assert_eq!(expand("**/*.log"), ["a/x.log", "b/x.log", "b/c/y.log"]);
        assert_eq!(expand("b/c/y.txt"), ["b/c/y.txt"]);
        assert!(expand("nothing/*.log").is_empty());
    }
}
