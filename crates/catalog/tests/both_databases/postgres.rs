//! A PostgreSQL server of our own in a temporary folder, reached through a Unix socket, stopped when the last test
//! that uses it is done.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

static SERVER: Mutex<Weak<Server>> = Mutex::new(Weak::new());
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A running server.
pub struct Server {
    process: Child,
    folder: tempfile::TempDir,
    programs: PathBuf,
    user: Option<u32>,
}

impl Server {
    /// The server shared by all tests that run now; `None`, with a printed reason, when none is installed.
    pub fn shared() -> Option<Arc<Self>> {
        let mut shared = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = shared.upgrade() {
            return Some(running);
        }
        let Some(programs) = installed() else {
            eprintln!(
                "SKIPPED on PostgreSQL: initdb found neither in PATH nor in /usr/lib/postgresql (apt-get install postgresql)"
            );
            return None;
        };
        let server = Arc::new(Self::start(programs));
        *shared = Arc::downgrade(&server);
        Some(server)
    }

    /// Makes an empty database and returns its url.
    pub fn new_database(&self) -> String {
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let made = self.command("createdb").arg("-h").arg(self.folder.path()).args(["-U", "postgres", &name]).output();
        let made = made.unwrap();
        assert!(made.status.success(), "createdb: {}", String::from_utf8_lossy(&made.stderr));
        format!("postgres:///{name}?host={}&user=postgres", self.folder.path().display())
    }

    fn start(programs: PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The server refuses to run as root; the package makes a user for it.
        let user = (number(&["-u"]) == Some(0)).then(|| number(&["-u", "postgres"]).unwrap());
        if let Some(user) = user {
            chown(folder.path(), Some(user), None).unwrap();
        }
        let data = folder.path().join("data");
        let made = as_user(&programs.join("initdb"), user, folder.path())
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let process = as_user(&programs.join("postgres"), user, folder.path())
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=300"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { process, folder, programs, user };
        server.wait_until_ready();
        server
    }

    fn wait_until_ready(&self) {
        for _ in 0..300 {
            let ready = self.command("pg_isready").arg("-h").arg(self.folder.path()).output().unwrap();
            if ready.status.success() {
                return;
            }
            #[allow(clippy::disallowed_methods)] // another process is waited for
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("postgres did not become ready within 30 s");
    }

    fn command(&self, program: &str) -> Command {
        as_user(&self.programs.join(program), self.user, self.folder.path())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGINT is the server's fast shutdown.
        let _ = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status();
        let _ = self.process.wait();
    }
}

fn as_user(program: &Path, user: Option<u32>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    if let Some(user) = user {
        command.uid(user);
    }
    command
}

fn number(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

fn installed() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    // What is found in PATH may be a link into the folder that holds the other programs.
    let homes =
        folders.into_iter().filter_map(|folder| Some(folder.join("initdb").canonicalize().ok()?.parent()?.to_owned()));
    let complete = |home: &PathBuf| {
        ["initdb", "postgres", "createdb", "pg_isready"].iter().all(|program| home.join(program).exists())
    };
    homes.into_iter().find(complete)
}
