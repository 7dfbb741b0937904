//! Start, stop and what the status says.

use std::time::Duration;

use galgo_agent::check::Loader;
use galgo_python::Verdict;
use serde_json::json;

use crate::rig::{API_KEY, Rig, instance, run};

fn alive(pid: u32) -> bool {
    // A process that has ended and was not waited for is a zombie.
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !status.is_empty() && !status.contains(") Z ")
}

async fn gone(pid: u32) -> bool {
    for _ in 0..50 {
        if !alive(pid) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}

#[tokio::test]
async fn nothing_is_started_before_it_is_needed() {
    let rig = Rig::new();
    let state = rig.loader.state();
    assert!(state.processes.is_empty() && state.version.is_empty() && state.last_error.is_empty());
    assert_eq!(state.stats, Default::default());
    assert!(!rig.folder.path().join("run").exists());
}

#[tokio::test]
async fn the_state_tells_what_runs() {
    let rig = Rig::new();
    rig.body("one", "self.gauge('m', 1)");
    let mut check = rig.load("one", json!({ "password": "p4ss" })).await.unwrap();
    run(&mut *check).await.1.unwrap();
    let state = rig.loader.state();
    assert!(state.version.starts_with("3.") && state.base.len() > 5);
    let process = &state.processes[0];
    assert!(process.name == "shared" && process.memory_bytes > 5 << 20 && process.instances == 1);
    assert_eq!((state.stats.runs, state.stats.samples, state.stats.starts), (1, 1, 1));
    let told = serde_json::to_string(&state).unwrap() + &format!("{check:?}", check = rig.loader.stats());
    assert!(!told.contains(API_KEY) && !told.contains("p4ss"));
}

#[tokio::test]
async fn cancelled_checks_are_told_and_dropped_ones_as_well() {
    let rig = Rig::new();
    let marker = rig.folder.path().join("cancelled");
    rig.module(
        "marks",
        "from checks import AgentCheck\nclass M(AgentCheck):\n    def check(self, instance): pass\n    def \
         cancel(self):\n        open(self.instance['marker'], 'a').write('x')\n",
    );
    let options = json!({ "marker": marker.to_str().unwrap() });
    let count = || std::fs::read_to_string(&marker).unwrap_or_default().len();
    let mut check = rig.load("marks", options.clone()).await.unwrap();
    run(&mut *check).await.1.unwrap();
    check.cancel().await;
    drop(check);
    drop(rig.load("marks", options.clone()).await.unwrap());
    let third = rig.load("marks", options).await.unwrap();
    rig.loader.shutdown().await;
    assert_eq!(count(), 3);
    drop(third);
}

#[tokio::test]
async fn shutdown_ends_the_process_even_while_it_is_busy() {
    let rig = Rig::new();
    rig.body("busy", "while True: pass");
    let mut busy = rig.load("busy", json!({})).await.unwrap();
    let pid = rig.loader.state().processes[0].pid.unwrap();
    let loader = rig.loader.clone();
    let (outcome, ()) = tokio::join!(run(&mut *busy), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        loader.shutdown().await;
    });
    assert_eq!(outcome.1.unwrap_err().message, "the Python process was stopped");
    assert!(gone(pid).await);
    assert_eq!(run(&mut *busy).await.1.unwrap_err().message, "the agent is stopping");
}

/// What happens when the agent is killed: both ends of its pipes are closed, and nobody says good-bye.
#[test]
fn the_process_dies_with_the_agent() {
    for body in ["time.sleep(60)", "import re\nre.match(r'(a+)+$', 'a' * 64 + 'b')"] {
        let rig = Rig::new();
        rig.body("busy", body);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let pid = runtime.block_on(async {
            let mut busy = rig.load("busy", json!({})).await.unwrap();
            let pid = rig.loader.state().processes[0].pid.unwrap();
            let _ = tokio::time::timeout(Duration::from_millis(300), run(&mut *busy)).await;
            pid
        });
        assert!(alive(pid));
        drop(runtime);
        let waiting = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        assert!(waiting.block_on(gone(pid)), "{body}");
    }
}

#[tokio::test]
async fn what_a_check_has_started_ends_with_its_process() {
    let rig = Rig::with(|config| config.run_timeout = Duration::from_secs(1));
    let file = rig.folder.path().join("pid");
    rig.body(
        "parent",
        "import subprocess\nchild = subprocess.Popen(['sleep', '60'])\nopen(instance['file'], \
         'w').write(str(child.pid))\nchild.wait()",
    );
    rig.run("parent", json!({ "file": file.to_str().unwrap() })).await.1.unwrap_err();
    let child: u32 = std::fs::read_to_string(&file).unwrap().parse().unwrap();
    assert!(gone(child).await);
}

#[tokio::test]
async fn diagnose_tries_everything_and_leaves_nothing_behind() {
    let rig = Rig::new();
    rig.body("mine", "pass");
    let findings = rig.loader.diagnose().await;
    assert!(findings.iter().all(|finding| finding.verdict == Verdict::Ok), "{findings:?}");
    assert!(findings.iter().any(|finding| finding.detail == "mine"));
    assert!(rig.loader.state().processes.is_empty());
    let broken = Rig::with(|config| config.interpreter = Some("/bin/false".into()));
    let findings = broken.loader.diagnose().await;
    assert_eq!(findings.iter().filter(|finding| finding.verdict == Verdict::Fail).count(), 1, "{findings:?}");
}

#[tokio::test]
async fn instances_are_spread_over_several_processes() {
    let rig = Rig::with(|config| config.processes = 2);
    rig.body("one", "self.gauge('pid', os.getpid())");
    for at in 0..8 {
        rig.run_ok("one", json!({ "at": at })).await;
    }
    let names: Vec<String> = rig.loader.state().processes.into_iter().map(|process| process.name).collect();
    assert_eq!(names, ["shared 1", "shared 2"]);
    assert!(rig.loader.load(&instance("none", json!({}))).await.is_none());
}
