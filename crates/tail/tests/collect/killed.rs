//! A process of its own that is killed with SIGKILL again and again while files are written and rotated.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use galgo_agent::OutputError;
use galgo_agent::logs::{LogLine, LogOutput};
use galgo_core::SystemClock;
use galgo_tail::{Tail, TailConfig, TailSource};
use serde_json::json;

/// Set in the process that is killed: the folder that it works in.
const FOLDER: &str = "GALGO_TEST_COLLECT_FOLDER";

#[derive(Debug)]
struct Received(PathBuf);

#[async_trait]
impl LogOutput for Received {
    async fn deliver(&self, lines: Vec<LogLine>) -> Result<(), OutputError> {
        let text: String = lines.iter().map(|line| format!("{}\n", line.message)).collect();
        let mut file = OpenOptions::new().append(true).create(true).open(&self.0).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        Ok(())
    }
}

/// Not a test of its own: the process that is killed runs it.
#[tokio::test]
async fn collects_until_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let folder = Path::new(&folder);
    let mut config = TailConfig::new(folder.join("run"), "h");
    config.batch.wait = Duration::from_millis(50);
    let output = Arc::new(Received(folder.join("received")));
    let tail = Tail::start(config, Arc::new(SystemClock::new()), output);
    let source = json!({ "type": "file", "path": folder.join("app.log") });
    tail.apply(vec![TailSource::parse(&source, "x.yaml").unwrap()]).await;
    std::future::pending::<()>().await;
}

fn start(folder: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "killed::collects_until_killed", "--test-threads=1"]).env(FOLDER, folder);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

async fn wait(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

#[tokio::test]
async fn a_process_that_is_killed_passes_over_no_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("app.log"), "").unwrap();
    let mut child = start(folder.path());
    while !path("run/registry.json").exists() {
        wait(20).await;
    }
    let (mut written, mut rotated) = (0, 0);
    for round in 0..8_u64 {
        for _ in 0..4 {
            let text: String = (0..500).map(|n| format!("line {}\n", written + n)).collect();
            written += 500;
            OpenOptions::new().append(true).open(path("app.log")).unwrap().write_all(text.as_bytes()).unwrap();
            wait(round * 37 % 100).await;
        }
        if round % 3 != 0 {
            rotated += 1;
            std::fs::rename(path("app.log"), path(&format!("app.log.{rotated}"))).unwrap();
            std::fs::write(path("app.log"), "").unwrap();
        }
        wait(300 + round * 131 % 700).await;
        child.kill().unwrap();
        child.wait().unwrap();
        child = start(folder.path());
    }
    let mut missing = written;
    for _ in 0..100 {
        let received = std::fs::read_to_string(path("received")).unwrap_or_default();
        let received: HashSet<&str> = received.lines().collect();
        missing = (0..written).filter(|n| !received.contains(&*format!("line {n}"))).count();
        if missing == 0 {
            break;
        }
        wait(100).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(missing, 0, "lines of {written} are missing");
}
