//! The part of a `my.cnf` that a client reads: its `[client]` section and the files that it includes.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::config::{Endpoint, Tls};

/// Largest file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Deepest chain of files that include each other.
const MAX_DEPTH: usize = 8;

/// What the `[client]` section says.
#[derive(Clone, PartialEq, Default)]
pub(super) struct Client {
    host: Option<String>,
    port: Option<u16>,
    socket: Option<String>,
    user: Option<String>,
    password: Option<String>,
    ca: Option<String>,
    cert: Option<String>,
    key: Option<String>,
}

impl Client {
    /// Reads a file and what it includes; a later line wins. The error names the file, never a value of a password.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let mut client = Self::default();
        client.include(path, 0)?;
        Ok(client)
    }

    /// The endpoint with what the file says in the place of what the instance says.
    pub(super) fn over(self, mut endpoint: Endpoint) -> Endpoint {
        if self.host.is_some() && self.socket.is_none() {
            endpoint.socket = None;
        }
        endpoint.host = self.host.unwrap_or(endpoint.host);
        endpoint.port = self.port.or(endpoint.port);
        endpoint.socket = self.socket.or(endpoint.socket);
        endpoint.user = self.user.unwrap_or(endpoint.user);
        endpoint.password = self.password.unwrap_or(endpoint.password);
        if self.ca.is_some() || self.cert.is_some() {
            let mut tls = endpoint.tls.take().unwrap_or_else(|| Tls { check_hostname: true, ..Tls::default() });
            let path = |text: Option<String>, old: Option<PathBuf>| text.map(PathBuf::from).or(old);
            tls.ca = path(self.ca, tls.ca);
            tls.cert = path(self.cert, tls.cert);
            tls.key = path(self.key, tls.key);
            endpoint.tls = Some(tls);
        }
        if endpoint.host.is_empty() && endpoint.socket.is_none() {
            endpoint.host = "localhost".to_owned();
        }
        endpoint
    }

    fn include(&mut self, path: &Path, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("defaults_file: more than {MAX_DEPTH} files include each other at {}", path.display()));
        }
        let file = std::fs::File::open(path);
        let file = file.map_err(|error| format!("cannot read defaults_file {}: {error}", path.display()))?;
        let mut text = String::new();
        let read = file.take(MAX_FILE).read_to_string(&mut text);
        read.map_err(|error| format!("cannot read defaults_file {}: {error}", path.display()))?;
        let mut in_client = false;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if let Some(section) = line.strip_prefix('[') {
                in_client = section.trim_end_matches(']').trim() == "client";
            } else if let Some(included) = line.strip_prefix("!includedir") {
                self.include_folder(Path::new(included.trim()), depth + 1)?;
            } else if let Some(included) = line.strip_prefix("!include") {
                self.include(Path::new(included.trim()), depth + 1)?;
            } else if in_client && !line.starts_with(['#', ';']) && !line.is_empty() {
                self.set(line).map_err(|reason| format!("{} line {}: {reason}", path.display(), number + 1))?;
            }
        }
        Ok(())
    }

    /// A folder that cannot be read is no error: servers ship lines that name folders which need not exist.
    fn include_folder(&mut self, folder: &Path, depth: usize) -> Result<(), String> {
        let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let mut files: Vec<PathBuf> =
            paths.filter(|path| path.extension().is_some_and(|extension| extension == "cnf")).collect();
        files.sort();
        files.iter().try_for_each(|file| self.include(file, depth))
    }

    fn set(&mut self, line: &str) -> Result<(), String> {
        let (key, value) = line.split_once('=').map_or((line, ""), |(key, value)| (key.trim(), value.trim()));
        let value = unquoted(value);
        match key.replace('_', "-").as_str() {
            "host" => self.host = Some(value),
            "port" => {
                let expected = || format!("port must be a number from 1 to 65535, not `{value}`");
                self.port = Some(value.parse().map_err(|_| expected())?);
            }
            "socket" => self.socket = Some(value),
            "user" => self.user = Some(value),
            "password" => self.password = Some(value),
            "ssl-ca" => self.ca = Some(value),
            "ssl-cert" => self.cert = Some(value),
            "ssl-key" => self.key = Some(value),
            _ => {}
        }
        Ok(())
    }
}

/// A value without its quotes, or without the comment behind it.
fn unquoted(value: &str) -> String {
    for quote in ['"', '\''] {
        if let Some((inner, _)) = value.strip_prefix(quote).and_then(|rest| rest.rsplit_once(quote)) {
            return inner.to_owned();
        }
    }
    value.split_once(" #").map_or(value, |(before, _)| before.trim_end()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_section_and_included_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("conf.d");
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(inner.join("b.cnf"), "[client]\nport = 3399 # moved\nsocket=\"/run/a b.sock\"\n").unwrap();
        std::fs::write(inner.join("c.txt"), "[client]\nport = 1\n").unwrap();
        let main = folder.path().join("my.cnf");
        let text = format!(
            "!includedir {}\n!includedir /nowhere\n[mysqld]\nuser=mysql\nport=1\n[client]\n# no\nuser = dd\n\
             password = 'a#b'\nssl_ca=/ca.pem\nskip-something\n",
            inner.display()
        );
        std::fs::write(&main, text).unwrap();
        let endpoint = Client::read(&main).unwrap().over(Endpoint { host: "old".into(), ..Endpoint::default() });
        assert_eq!((endpoint.user.as_str(), endpoint.password.as_str()), ("dd", "a#b"));
        assert_eq!((endpoint.port, endpoint.socket.as_deref()), (Some(3399), Some("/run/a b.sock")));
        assert_eq!(endpoint.tls.unwrap().ca.unwrap(), Path::new("/ca.pem"));
    }

    #[test]
    fn faults_name_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("my.cnf");
        let error = Client::read(&file).map(|_| ()).unwrap_err();
        assert!(error.starts_with("cannot read defaults_file ") && error.contains("No such file"), "{error}");
        std::fs::write(&file, format!("!include {}\n", file.display())).unwrap();
        assert!(Client::read(&file).map(|_| ()).unwrap_err().contains("include each other"));
        std::fs::write(&file, "[client]\nport=x\n").unwrap();
        assert!(
            Client::read(&file)
                .map(|_| ())
                .unwrap_err()
                .ends_with("line 2: port must be a number from 1 to 65535, not `x`")
        );
    }
}
