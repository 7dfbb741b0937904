//! Finds the Python interpreter.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::config::PythonError;

/// The interpreter of an installed Datadog agent, which has the official integrations.
const EMBEDDED: &str = "/opt/datadog-agent/embedded/bin/python3";

/// The interpreter to use: the configured one, or the first that exists.
pub fn find(configured: Option<&Path>) -> Result<PathBuf, PythonError> {
    find_in(configured, Path::new(EMBEDDED), std::env::var_os("PATH").as_deref())
}

fn find_in(configured: Option<&Path>, embedded: &Path, path: Option<&OsStr>) -> Result<PathBuf, PythonError> {
    if let Some(configured) = configured {
        if is_executable(configured) {
            return Ok(configured.to_owned());
        }
        return Err(PythonError::NoInterpreter(format!("{} is not an executable file", configured.display())));
    }
    if is_executable(embedded) {
        return Ok(embedded.to_owned());
    }
    let on_path = path.and_then(|path| {
        std::env::split_paths(path).map(|folder| folder.join("python3")).find(|candidate| is_executable(candidate))
    });
    on_path.ok_or_else(|| {
        PythonError::NoInterpreter(format!(
            "neither {} nor python3 on PATH; name one in the settings",
            embedded.display()
        ))
    })
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn executable(path: &Path) -> PathBuf {
        std::fs::write(path, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path.to_owned()
    }

    #[test]
    fn the_first_that_exists_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let on_path = executable(&folder.path().join("python3"));
        let path = folder.path().as_os_str();
        let absent = folder.path().join("absent");
        assert_eq!(find_in(None, &absent, Some(path)).unwrap(), on_path);
        let embedded = executable(&folder.path().join("embedded"));
        assert_eq!(find_in(None, &embedded, Some(path)).unwrap(), embedded);
        let configured = executable(&folder.path().join("mine"));
        assert_eq!(find_in(Some(&configured), &embedded, Some(path)).unwrap(), configured);
        let refused = find_in(Some(&absent), &embedded, Some(path)).unwrap_err().to_string();
        assert_eq!(refused, format!("no Python interpreter: {} is not an executable file", absent.display()));
        assert!(find_in(None, &absent, None).is_err());
    }
}
