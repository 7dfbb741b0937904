//! Checks that raise, hang, leak and crash: each harms nobody but itself.

use std::time::Duration;

use galgo_agent::check::{Check, CheckError};
use serde_json::json;

use crate::rig::{Rig, run, values};

const GOOD: &str = "self.gauge('good', 1)";

async fn expect_error(check: &mut dyn Check) -> CheckError {
    run(check).await.1.expect_err("the check fails")
}

#[tokio::test]
async fn an_exception_is_the_checks_own_affair() {
    let rig = Rig::new();
    rig.body("raises", "self.gauge('before', 1)\nraise ValueError('no such table')").body("good", GOOD);
    rig.body("exits", "sys.exit(4)").body("silent", "raise KeyError()");
    let mut raises = rig.load("raises", json!({})).await.unwrap();
    let (samples, outcome) = run(&mut *raises).await;
    let error = outcome.unwrap_err();
    assert_eq!((values(&samples), error.message.as_str()), (vec![("before", 1.0)], "no such table"));
    assert!(error.traceback.contains("raises.py\", line 7") && error.traceback.contains("ValueError"));
    let pid = rig.loader.state().processes[0].pid;
    let (_, exits) = rig.run("exits", json!({})).await;
    assert_eq!(exits.unwrap_err().message, "the check called sys.exit(4)");
    assert_eq!(rig.run("silent", json!({})).await.1.unwrap_err().message, "KeyError");
    rig.run_ok("good", json!({})).await;
    assert_eq!(rig.loader.state().processes[0].pid, pid, "the same process throughout");
}

#[tokio::test]
async fn a_crash_is_told_and_the_offender_moves_out() {
    let rig = Rig::new();
    rig.body("crash", "os._exit(3)").body("good", GOOD);
    let mut good = rig.load("good", json!({})).await.unwrap();
    let mut crash = rig.load("crash", json!({})).await.unwrap();
    run(&mut *good).await.1.unwrap();
    let error = expect_error(&mut *crash).await;
    assert_eq!(error.message, "the Python process ended (exit status 3) while running crash");
    let (samples, outcome) = run(&mut *good).await;
    outcome.unwrap();
    assert_eq!(values(&samples), [("good", 1.0)]);
    let shared = rig.loader.state().processes[0].clone();
    assert_eq!((shared.restarts, shared.instances), (1, 1));
    let error = expect_error(&mut *crash).await;
    assert_eq!(error.message, "the Python process ended (exit status 3) while running crash");
    assert_eq!(rig.loader.state().processes[0].pid, shared.pid, "the second crash was in a process of its own");
    let error = expect_error(&mut *crash).await;
    assert!(error.message.contains("it is tried again in "), "{error}");
    assert_eq!(rig.loader.state().isolated[0].offences, 2);
    assert_eq!(rig.loader.stats().crashes, 2);
}

#[tokio::test]
async fn a_segmentation_fault_says_where() {
    let rig = Rig::new();
    rig.body("segv", "import ctypes\nctypes.string_at(0)");
    let error = rig.run("segv", json!({})).await.1.unwrap_err();
    assert_eq!(error.message, "the Python process ended (signal 11, segmentation fault) while running segv");
    assert!(error.traceback.contains("segv.py"), "{}", error.traceback);
}

#[tokio::test]
async fn a_module_that_ends_the_process_while_loading() {
    let rig = Rig::new();
    rig.module("bad", "import os\nos._exit(5)\n").body("good", GOOD);
    let mut good = rig.load("good", json!({})).await.unwrap();
    let error = rig.load("bad", json!({})).await.err().unwrap();
    assert_eq!(error.message, "the Python process ended (exit status 5) while loading bad");
    run(&mut *good).await.1.unwrap();
}

/// Nobody can tell which of two it was: both move out, and the innocent one does not even lose its run.
#[tokio::test]
async fn bystanders_of_a_crash_do_not_lose_their_run() {
    let rig = Rig::new();
    rig.body("slow", "time.sleep(0.7)\nself.gauge('slow', 1)").body("crash", "time.sleep(0.2)\nos._exit(3)");
    let mut slow = rig.load("slow", json!({})).await.unwrap();
    let mut crash = rig.load("crash", json!({})).await.unwrap();
    let (slow, crash) = tokio::join!(run(&mut *slow), expect_error(&mut *crash));
    slow.1.unwrap();
    assert_eq!(values(&slow.0), [("slow", 1.0)]);
    assert_eq!(crash.message, "the Python process ended (exit status 3) while running crash");
}

#[tokio::test]
async fn a_hang_ends_in_time_and_says_where() {
    let rig = Rig::with(|config| config.run_timeout = Duration::from_millis(1500));
    rig.body("hang", "threading.Event().wait()").body("good", "time.sleep(0.5)\nself.gauge('good', 1)");
    let mut good = rig.load("good", json!({})).await.unwrap();
    let mut hang = rig.load("hang", json!({})).await.unwrap();
    let late_good = async {
        tokio::time::sleep(Duration::from_millis(1100)).await;
        run(&mut *good).await
    };
    let (error, good_run) = tokio::join!(expect_error(&mut *hang), late_good);
    assert_eq!(error.message, "hang did not end within 1.5 s; its Python process was ended");
    assert!(error.traceback.contains("hang.py\", line 6, in check"), "{}", error.traceback);
    good_run.1.unwrap();
    let pid = rig.loader.state().processes[0].pid;
    expect_error(&mut *hang).await;
    run(&mut *good).await.1.unwrap();
    assert_eq!(rig.loader.state().processes[0].pid, pid, "the second hang was in a process of its own");
    assert!(expect_error(&mut *hang).await.message.contains("it is tried again in "));
    assert_eq!(rig.loader.stats().timeouts, 2);
}

/// A regular expression holds the interpreter's lock: nothing in the process can run any more.
#[tokio::test]
async fn a_hang_that_holds_the_lock_ends_as_well() {
    let rig = Rig::with(|config| config.run_timeout = Duration::from_millis(500));
    rig.body("regex", "import re\nre.match(r'(a+)+$', 'a' * 64 + 'b')").body("good", GOOD);
    let mut good = rig.load("good", json!({})).await.unwrap();
    let error = rig.run("regex", json!({})).await.1.unwrap_err();
    assert!(error.message.starts_with("regex did not end within 0.5 s"), "{error}");
    run(&mut *good).await.1.unwrap();
}

#[tokio::test]
async fn a_leak_during_a_run_is_stopped() {
    let rig = Rig::with(|config| config.memory_limit_bytes = 150 << 20);
    rig.body("leak", "self.kept = []\nwhile True:\n    self.kept.append(bytearray(4 << 20)); time.sleep(0.01)");
    rig.body("good", GOOD);
    let mut good = rig.load("good", json!({})).await.unwrap();
    let error = rig.run("leak", json!({})).await.1.unwrap_err();
    assert!(error.message.contains("the limit is 150 MiB, while running leak"), "{error}");
    run(&mut *good).await.1.unwrap();
    assert_eq!(rig.loader.stats().memory_kills, 1);
}

/// Faster than anybody can look: the kernel refuses, and only the check feels it.
#[tokio::test]
async fn an_enormous_allocation_is_refused() {
    let rig = Rig::with(|config| config.memory_limit_bytes = 150 << 20);
    rig.body("huge", "x = bytearray(4 << 30)").body("good", GOOD);
    let mut good = rig.load("good", json!({})).await.unwrap();
    let error = rig.run("huge", json!({})).await.1.unwrap_err();
    assert!(error.traceback.contains("MemoryError"), "{error} {}", error.traceback);
    run(&mut *good).await.1.unwrap();
    assert_eq!(rig.loader.stats().starts, 1);
}

#[tokio::test]
async fn a_leak_from_run_to_run_replaces_the_process_without_losing_a_run() {
    let rig = Rig::with(|config| config.memory_limit_bytes = 140 << 20);
    rig.module(
        "leak",
        "from checks import AgentCheck\nKEPT = []\nclass L(AgentCheck):\n    def check(self, instance):\n        \
         KEPT.append(b'x' * (30 << 20))\n        self.gauge('leak', len(KEPT))\n",
    );
    rig.body("good", GOOD);
    let mut good = rig.load("good", json!({})).await.unwrap();
    let mut leak = rig.load("leak", json!({})).await.unwrap();
    for _ in 0..8 {
        run(&mut *leak).await.1.unwrap();
        run(&mut *good).await.1.unwrap();
    }
    let state = rig.loader.state();
    assert_eq!(state.isolated.len(), 1);
    assert!(state.isolated[0].instance.starts_with("leak:"));
    assert_eq!(state.processes[0].restarts, 1, "only once is the shared process replaced: {state:?}");
}

#[tokio::test]
async fn a_slow_check_holds_nobody_up() {
    let rig = Rig::new();
    rig.body("slow", "time.sleep(3)").body("good", GOOD);
    let mut slow = rig.load("slow", json!({})).await.unwrap();
    let mut good = rig.load("good", json!({})).await.unwrap();
    tokio::select! {
        biased;
        _ = run(&mut *slow) => panic!("the slow one cannot be first"),
        (samples, _) = run(&mut *good) => assert_eq!(values(&samples), [("good", 1.0)]),
    }
}

/// The scheduler drops a run that it gives up; the next one must not meet it.
#[tokio::test]
async fn two_runs_of_an_instance_never_meet() {
    let rig = Rig::new();
    rig.body(
        "slow",
        "assert not getattr(self, 'inside', False)\nself.inside = True\ntime.sleep(1)\nself.inside = False",
    );
    let mut slow = rig.load("slow", json!({})).await.unwrap();
    let given_up = tokio::time::timeout(Duration::from_millis(300), run(&mut *slow)).await;
    assert!(given_up.is_err());
    let error = expect_error(&mut *slow).await;
    assert_eq!(error.message, "its run that began 0 s ago has not ended");
    for _ in 0..50 {
        match run(&mut *slow).await.1 {
            Ok(()) => return,
            Err(error) => assert!(error.message.ends_with("has not ended"), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the first run never ends");
}

#[tokio::test]
async fn garbage_on_the_outputs_does_not_break_the_connection() {
    let rig = Rig::new();
    rig.body(
        "noisy",
        "print('printed', end='')\nprint(' and more')\nsys.stdout.buffer.write(b'\\xff bytes\\n')\nos.write(1, b'raw \
         one\\n')\nos.write(2, b'raw two\\n')\nos.system('echo child; echo child >&2')\nsys.stderr.write('error\\n')\n\
         self.gauge('good', len(sys.stdin.read()))\nif os.fork() == 0:\n    self.gauge('child', 1); \
         self.log.error('from a child'); print('child'); os._exit(0)\nos.wait()",
    );
    let mut noisy = rig.load("noisy", json!({})).await.unwrap();
    for _ in 0..3 {
        let (samples, outcome) = run(&mut *noisy).await;
        outcome.unwrap();
        assert_eq!(values(&samples), [("good", 0.0)]);
    }
}

#[tokio::test]
async fn checks_may_use_processes_of_their_own() {
    let rig = Rig::new();
    rig.module(
        "parallel",
        "import multiprocessing\nfrom checks import AgentCheck\n\ndef double(n):\n    print('child', n)\n    return 2 * \
         n\n\nclass Parallel(AgentCheck):\n    def check(self, instance):\n        context = \
         multiprocessing.get_context(instance['method'])\n        with context.Pool(2) as pool:\n            \
         self.gauge('sum', sum(pool.map(double, [1, 2, 3])))\n",
    );
    for method in ["fork", "spawn", "forkserver"] {
        assert_eq!(values(&rig.run_ok("parallel", json!({ "method": method })).await), [("sum", 12.0)], "{method}");
    }
    assert_eq!(rig.loader.stats().starts, 1);
}
