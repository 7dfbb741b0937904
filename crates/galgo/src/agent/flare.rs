//! `galgo agent flare`: packs what somebody needs who helps from afar. It stays on this machine, and secrets are removed
//! from every file in it.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use galgo_agent::config::{Settings, scrub};
use galgo_core::{Clock, SystemClock};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::client::Client;
use super::{configcheck, diagnose, load};

/// Most of a file that is packed: its end.
const MAX_FILE_BYTES: u64 = 2 * 1024 * 1024;

/// Most files of conf.d that are packed.
const MAX_FILES: usize = 500;

struct Archive(ZipWriter<File>);

impl Archive {
    fn add(&mut self, name: &str, text: &str) -> anyhow::Result<()> {
        self.0.start_file(name, SimpleFileOptions::default().unix_permissions(0o600))?;
        Ok(self.0.write_all(scrub(text).as_bytes())?)
    }
}

/// Runs the command and prints where the archive is.
pub fn main(folder: &Path, file: Option<&Path>) -> anyhow::Result<ExitCode> {
    let at = jiff::Timestamp::from_millisecond(SystemClock::new().now_ms()).unwrap_or_default();
    let named = || PathBuf::from(format!("galgo-agent-flare-{}.zip", at.strftime("%Y%m%d-%H%M%S")));
    let path = file.map_or_else(named, Path::to_path_buf);
    let target = File::create(&path).with_context(|| format!("{} is not writable", path.display()))?;
    let _ = target.set_permissions(fs::Permissions::from_mode(0o600));
    let mut archive = Archive(ZipWriter::new(target));
    archive.add("version.txt", &format!("Galgo agent {}\n", env!("CARGO_PKG_VERSION")))?;
    archive.add("diagnose.txt", &diagnose::report(folder))?;
    archive.add("environment.txt", &environment())?;
    match load(folder) {
        Ok(settings) => pack(&mut archive, &settings)?,
        Err(error) => archive.add("configuration-error.txt", &format!("{error:#}\n"))?,
    }
    files(&mut archive, folder, Path::new("etc"))?;
    archive.0.finish()?.sync_all()?;
    println!(
        "{} is ready; nothing was sent. Secrets are removed, yet look into it before you pass it on.",
        path.display()
    );
    Ok(ExitCode::SUCCESS)
}

fn pack(archive: &mut Archive, settings: &Settings) -> anyhow::Result<()> {
    archive.add("configcheck.txt", &configcheck::report(settings).0)?;
    let ask = |path: &str| Client::new(settings).and_then(|client| client.get(path));
    let or_error = |answer: anyhow::Result<String>| answer.unwrap_or_else(|error| format!("{error:#}\n"));
    archive.add("status.txt", &or_error(ask("/agent/status?format=text")))?;
    archive.add("status.json", &or_error(ask("/agent/status")))?;
    archive.add("dogstatsd-stats.json", &or_error(ask("/agent/dogstatsd-stats")))?;
    if let Ok(text) = end_of(&settings.run_path.join("registry.json")) {
        archive.add("registry.json", &text)?;
    }
    if let Some(text) = settings.log.file.as_deref().and_then(|file| end_of(file).ok()) {
        archive.add("logs/agent.log", &text)?;
    }
    Ok(())
}

/// Names of variables that bear on the agent; of values only whether they are set, since many are secrets.
fn environment() -> String {
    let ours = |name: &str| {
        ["DD_", "GALGO_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"].iter().any(|start| name.starts_with(start))
    };
    let mut names: Vec<String> = std::env::vars().map(|(name, _)| name).filter(|name| ours(name)).collect();
    names.sort();
    names.iter().map(|name| format!("{name} is set\n")).collect()
}

/// Packs the YAML files of a folder, and the names of the others.
fn files(archive: &mut Archive, folder: &Path, below: &Path) -> anyhow::Result<()> {
    let mut listing = String::new();
    let mut folders = vec![(folder.to_path_buf(), below.to_path_buf())];
    let mut packed = 0;
    while let Some((folder, below)) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        let mut entries: Vec<_> = entries.flatten().collect();
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let (path, name) = (entry.path(), below.join(entry.file_name()));
            let Ok(about) = entry.metadata() else { continue };
            listing.push_str(&format!("{:o} {:>10} {}\n", about.permissions().mode(), about.len(), name.display()));
            if about.is_dir() {
                folders.push((path, name));
            } else if is_yaml(&path) && packed < MAX_FILES {
                packed += 1;
                archive.add(&name.to_string_lossy(), &end_of(&path).unwrap_or_else(|error| error.to_string()))?;
            }
        }
    }
    archive.add("permissions.txt", &listing)
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml" || extension == "default")
}

fn end_of(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(MAX_FILE_BYTES)))?;
    let mut bytes = Vec::new();
    // Bounded by the `take`.
    #[allow(clippy::disallowed_methods)]
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
