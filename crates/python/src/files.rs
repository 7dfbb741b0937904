//! The runner's Python code: part of the binary, written below the agent's run folder before it is used.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use crate::config::PythonError;

macro_rules! runner_files {
    ($($path:literal),* $(,)?) => { &[$(($path, include_str!(concat!("../runner/", $path)))),*] };
}

/// Path below `runner/` and text of every file.
const FILES: &[(&str, &str)] = runner_files![
    "__main__.py",
    "builtin/datadog_checks/__init__.py",
    "builtin/datadog_checks/base/__init__.py",
    "builtin/datadog_checks/base/agent.py",
    "builtin/datadog_checks/base/checks/__init__.py",
    "builtin/datadog_checks/base/checks/base.py",
    "builtin/datadog_checks/base/checks/network.py",
    "builtin/datadog_checks/base/checks/openmetrics.py",
    "builtin/datadog_checks/base/config.py",
    "builtin/datadog_checks/base/constants.py",
    "builtin/datadog_checks/base/errors.py",
    "builtin/datadog_checks/base/http.py",
    "builtin/datadog_checks/base/log.py",
    "builtin/datadog_checks/base/names.py",
    "builtin/datadog_checks/base/utils/__init__.py",
    "builtin/datadog_checks/base/utils/common.py",
    "builtin/datadog_checks/base/utils/subprocess_output.py",
    "builtin/datadog_checks/checks/__init__.py",
    "builtin/datadog_checks/checks/network_checks.py",
    "builtin/datadog_checks/config.py",
    "builtin/datadog_checks/errors.py",
    "builtin/datadog_checks/utils/__init__.py",
    "builtin/datadog_checks/utils/common.py",
    "builtin/datadog_checks/utils/subprocess_output.py",
    "galgo_runner/__init__.py",
    "galgo_runner/base_class.py",
    "galgo_runner/batch.py",
    "galgo_runner/cache.py",
    "galgo_runner/channel.py",
    "galgo_runner/instances.py",
    "galgo_runner/loading.py",
    "galgo_runner/modules.py",
    "galgo_runner/native/__init__.py",
    "galgo_runner/native/aggregator.py",
    "galgo_runner/native/containers.py",
    "galgo_runner/native/datadog_agent.py",
    "galgo_runner/native/kubeutil.py",
    "galgo_runner/native/subprocesses.py",
    "galgo_runner/native/tagger.py",
    "galgo_runner/serve.py",
    "galgo_runner/settings.py",
    "galgo_runner/sql.py",
    "galgo_runner/streams.py",
    "shims/checks/__init__.py",
    "shims/config.py",
    "shims/utils/__init__.py",
];

/// Writes the files below `run_dir` unless they are there already, and returns their folder. Its name carries a hash
/// of the contents, so that two versions of the agent do not disturb each other.
pub fn write(run_dir: &Path) -> Result<PathBuf, PythonError> {
    let folder = run_dir.join(format!("python-runner-{:016x}", fingerprint()));
    for (path, text) in FILES {
        let path = folder.join(path);
        // Read first: whoever may not write here, such as a user who tries a check by hand, can still use the files.
        if std::fs::read(&path).is_ok_and(|present| present == text.as_bytes()) {
            continue;
        }
        write_one(&path, text).map_err(|source| PythonError::Files { path, source })?;
    }
    Ok(folder)
}

fn fingerprint() -> u64 {
    let mut hash = Xxh3::new();
    for (path, text) in FILES {
        hash.update(path.as_bytes());
        hash.update(text.as_bytes());
    }
    hash.digest()
}

/// By way of a second name, so that no process ever reads half a file.
fn write_one(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().ok_or(ErrorKind::InvalidInput)?;
    std::fs::create_dir_all(folder)?;
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = std::fs::File::create(&temporary)?;
    file.write_all(text.as_bytes())?;
    std::fs::rename(&temporary, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn written_files_are_repaired_when_somebody_changed_them() {
        let run_dir = tempfile::tempdir().unwrap();
        let folder = write(run_dir.path()).unwrap();
        let main = folder.join("__main__.py");
        std::fs::write(&main, "garbage").unwrap();
        assert_eq!(write(run_dir.path()).unwrap(), folder);
        assert_ne!(std::fs::read_to_string(&main).unwrap(), "garbage");
    }

    #[test]
    fn an_unwritable_folder_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refused = write(file.path()).unwrap_err().to_string();
        assert!(refused.starts_with(&format!("cannot write the Python runner to {}", file.path().display())));
    }

    /// A file that is forgotten in the table would be missing in the field only.
    #[test]
    fn the_table_holds_every_file() {
        fn collect(folder: &Path, root: &Path, found: &mut BTreeSet<String>) {
            for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if entry.is_dir() && !entry.ends_with("__pycache__") {
                    collect(&entry, root, found);
                } else if entry.extension().is_some_and(|extension| extension == "py") {
                    found.insert(entry.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("runner");
        let mut found = BTreeSet::new();
        collect(&root, &root, &mut found);
        assert_eq!(found, FILES.iter().map(|(path, _)| (*path).to_owned()).collect());
    }
}
