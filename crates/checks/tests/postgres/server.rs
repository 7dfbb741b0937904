//! A PostgreSQL server of our own in a temporary folder, on a port that the kernel gave, stopped when it is dropped.

use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// A server, running or not.
pub struct Server {
    process: Option<Child>,
    folder: tempfile::TempDir,
    programs: PathBuf,
    user: Option<u32>,
    pub port: u16,
    arguments: Vec<String>,
}

impl Server {
    /// A new server with a user `datadog` whose password is `secret`; `None`, with a printed reason, when no server is
    /// installed.
    pub async fn start(arguments: &[&str]) -> Option<Self> {
        let mut server = Self::empty(arguments)?;
        let password = server.folder().join("password");
        std::fs::write(&password, "root").unwrap();
        std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o644)).unwrap();
        let made = server
            .command("initdb")
            .args(["-U", "postgres", "--auth-local=trust", "--auth-host=scram-sha-256", "-E", "UTF8", "--locale=C"])
            .args(["--no-sync", "--pwfile"])
            .arg(&password)
            .arg("-D")
            .arg(server.folder().join("data"))
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        server.up().await;
        server.sql("CREATE USER datadog WITH PASSWORD 'secret'");
        server.sql("GRANT pg_monitor TO datadog");
        Some(server)
    }

    /// A server that follows this one.
    pub async fn replica(&self) -> Self {
        let mut replica = Self::empty(&[]).unwrap();
        let copied = self
            .command("pg_basebackup")
            .args(["-R", "-X", "stream", "-c", "fast", "-U", "postgres", "-h"])
            .arg(self.folder())
            .args(["-p", &self.port.to_string(), "-D"])
            .arg(replica.folder().join("data"))
            .output()
            .unwrap();
        assert!(copied.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&copied.stderr));
        replica.up().await;
        replica
    }

    fn empty(arguments: &[&str]) -> Option<Self> {
        let Some(programs) = installed() else {
            eprintln!("SKIPPED: initdb found neither in PATH nor in /usr/lib/postgresql (apt-get install postgresql)");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        // The server refuses to run as root; the package makes a user for it.
        let user = (number(&["-u"]) == Some(0)).then(|| number(&["-u", "postgres"]).unwrap());
        chown(folder.path(), user, None).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Some(Self { process: None, folder, programs, user, port, arguments })
    }

    /// Starts the process and waits until it answers.
    pub async fn up(&mut self) {
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.folder().join("data")).arg("-k").arg(self.folder());
        command.args(["-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]);
        for argument in &self.arguments {
            command.args(["-c", argument]);
        }
        self.process = Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        for _ in 0..300 {
            if self.client("SELECT 1").status.success() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("postgres did not become ready within 30 s");
    }

    /// Stops the process, without waiting for clients.
    pub fn down(&mut self) {
        if let Some(mut process) = self.process.take() {
            // SIGQUIT is the server's immediate shutdown; it takes its children with it.
            let _ = Command::new("kill").args(["-QUIT", &process.id().to_string()]).status();
            let _ = process.wait();
        }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file that the server's user owns and nobody else reads.
    pub fn file(&self, name: &str, text: &str) {
        let path = self.folder().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        chown(&path, self.user, None).unwrap();
    }

    /// Runs statements as superuser and returns what they print.
    pub fn sql(&self, statements: &str) -> String {
        let output = self.client(statements);
        assert!(output.status.success(), "{statements}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Waits until what statements print is as wanted.
    pub async fn until(&self, statements: &str, wanted: &str) {
        for _ in 0..300 {
            if self.sql(statements).trim() == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("after 30 s still: {statements}: {}", self.sql(statements));
    }

    /// A session that runs statements and is left alone until it is dropped.
    pub fn session(&self, statements: &str) -> Session {
        let mut command = self.psql(statements);
        Session(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn client(&self, statements: &str) -> Output {
        self.psql(statements).output().unwrap()
    }

    fn psql(&self, statements: &str) -> Command {
        let mut command = self.command("psql");
        command.args(["-U", "postgres", "-p", &self.port.to_string(), "-A", "-t", "-q", "-h"]).arg(self.folder());
        command.args(["-c", statements]);
        command
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(self.folder());
        if let Some(user) = self.user {
            command.uid(user);
        }
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.down();
    }
}

/// A client that is killed when it is dropped.
pub struct Session(Child);

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn number(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

fn installed() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.filter_map(|version| Some(version.ok()?.path().join("bin"))));
    }
    let all = ["initdb", "postgres", "psql", "pg_basebackup"];
    folders.into_iter().find(|folder| all.iter().all(|program| folder.join(program).is_file()))
}
