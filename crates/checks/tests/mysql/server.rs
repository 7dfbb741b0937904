//! A MariaDB server of our own in a temporary folder, on a port that the kernel gave, stopped when it is dropped.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A server, running or not.
pub struct Server {
    process: Option<Child>,
    folder: tempfile::TempDir,
    pub port: u16,
    arguments: Vec<String>,
}

/// The user of the exercise, with the password `secret`.
const USER: &str = "CREATE USER 'datadog'@'localhost' IDENTIFIED BY 'secret'; \
    GRANT REPLICATION CLIENT ON *.* TO 'datadog'@'localhost' WITH MAX_USER_CONNECTIONS 5; \
    GRANT PROCESS ON *.* TO 'datadog'@'localhost'; \
    GRANT SELECT ON performance_schema.* TO 'datadog'@'localhost';";

impl Server {
    /// A new server with some more options; `None`, with a printed reason, when none is installed.
    pub async fn start(arguments: &[&str]) -> Option<Self> {
        if program("mariadbd").is_none() || program("mariadb-install-db").is_none() {
            eprintln!("SKIPPED: no mariadbd and mariadb-install-db found (apt-get install mariadb-server)");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        // The server does not run as root and needs a folder of its own user.
        give_to_server(folder.path());
        let mut install = Command::new(program("mariadb-install-db").unwrap());
        install.arg("--no-defaults").arg("--auth-root-authentication-method=normal").arg("--skip-test-db");
        install.arg(format!("--datadir={}", folder.path().join("data").display()));
        // Servers that are made at the same time must not share temporary files.
        install.arg(format!("--tmpdir={}", folder.path().display()));
        if is_root() {
            install.arg("--user=mysql");
        }
        let made = install.output().unwrap();
        assert!(made.status.success(), "mariadb-install-db: {}", String::from_utf8_lossy(&made.stderr));
        let port = free_port();
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let mut server = Self { process: None, folder, port, arguments };
        server.up().await;
        server.sql(USER);
        Some(server)
    }

    /// Starts the process and waits until it answers.
    pub async fn up(&mut self) {
        let data = self.folder.path().join("data");
        let mut command = Command::new(program("mariadbd").unwrap());
        command.arg("--no-defaults").arg("--bind-address=127.0.0.1").arg("--innodb-buffer-pool-size=16M");
        command.arg(format!("--datadir={}", data.display())).arg(format!("--port={}", self.port));
        command.arg(format!("--tmpdir={}", self.folder().display()));
        command.arg(format!("--socket={}", self.socket().display()));
        command.arg(format!("--pid-file={}", data.join("m.pid").display()));
        if is_root() {
            command.arg("--user=mysql");
        }
        let process = command.args(&self.arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.process = Some(process);
        for _ in 0..300 {
            if self.client("SELECT 1").status.success() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("mariadbd did not become ready within 30 s");
    }

    /// Kills the process without a word to it.
    pub fn down(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Sends a signal to the process.
    pub fn signal(&self, signal: &str) {
        let pid = self.process.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("m.sock")
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs statements as root and returns what they print, without column names.
    pub fn sql(&self, statements: &str) -> String {
        let output = self.client(statements);
        assert!(output.status.success(), "{statements}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Waits until what statements print is as wanted.
    pub async fn until(&self, statements: &str, wanted: impl Fn(&str) -> bool) {
        for _ in 0..300 {
            if wanted(&self.sql(statements)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("after 30 s still: {statements}: {}", self.sql(statements));
    }

    /// A session that runs statements and is left alone until it is dropped.
    pub fn session(&self, statements: &str) -> Session {
        Session(self.command().arg("-e").arg(statements).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn client(&self, statements: &str) -> std::process::Output {
        self.command().arg("-e").arg(statements).output().unwrap()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(program("mariadb").unwrap());
        command.args(["--no-defaults", "-N", "-B", "-uroot"]).arg(format!("-S{}", self.socket().display()));
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

/// A port that nobody listens on just now.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Gives a file or folder to the server's user, where that is another one.
pub fn give_to_server(path: &Path) {
    if is_root() {
        assert!(Command::new("chown").arg("-R").arg("mysql").arg(path).status().unwrap().success());
        assert!(Command::new("chmod").arg("755").arg(path).status().unwrap().success());
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}

fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}
