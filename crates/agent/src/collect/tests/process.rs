//! Processes in a tree of `/proc/PID` folders.

use super::*;
use expect_test::expect;

/// A process with what the kernel says of it.
struct Program {
    pid: u32,
    parent: u32,
    name: &'static str,
    command: &'static str,
    user: u32,
    ticks: u32,
}

const NGINX: Program =
    Program { pid: 100, parent: 1, name: "nginx", command: "nginx: master\0-g\0daemon off;\0", user: 0, ticks: 500 };
const WORKER: Program =
    Program { pid: 101, parent: 100, name: "nginx", command: "nginx: worker\0", user: 33, ticks: 1500 };
const HELPER: Program =
    Program { pid: 102, parent: 101, name: "logger", command: "logger\0-t\0x\0", user: 33, ticks: 0 };
const JAVA: Program = Program {
    pid: 200,
    parent: 1,
    name: "a-name-that-is-",
    command: "/opt/a-name-that-is-too-long\0-jar\0shop.jar\0",
    user: 1000,
    ticks: 0,
};

impl Fixture {
    fn machine(self) -> Self {
        self.file("proc/stat", "cpu  1 1 1 1\ncpu0 1 1 1 1\ncpu1 1 1 1 1\nbtime 1699990000\n")
            .file("proc/meminfo", "MemTotal: 1048576 kB\n")
            .file("proc/uptime", "10000.00 1.00\n")
            .file("etc/passwd", "root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/false\n")
    }

    fn process(self, program: &Program) -> Self {
        let Program { pid, parent, name, command, user, ticks } = program;
        let start = 100_000 + pid;
        let page_kib = rustix::param::page_size() / 1024;
        let pages = |kib: usize| kib / page_kib;
        let stat = format!(
            "{pid} ({name}) S {parent} 1 1 0 -1 0 10 20 30 40 {ticks} 0 0 0 20 0 3 0 {start} 1 1 18446744073709551615\n"
        );
        self.file(&format!("proc/{pid}/stat"), &stat)
            .file(&format!("proc/{pid}/statm"), &format!("{} {} {} 1 0 1 0\n", pages(10_240), pages(2048), pages(1024)))
            .file(&format!("proc/{pid}/cmdline"), command)
            .file(
                &format!("proc/{pid}/status"),
                &format!("Uid:\t{user}\t0\t0\t0\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t3\n"),
            )
            .file(
                &format!("proc/{pid}/io"),
                "rchar: 1\nwchar: 1\nsyscr: 11\nsyscw: 12\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 0\n",
            )
            .file(&format!("proc/{pid}/fd/0"), "")
            .file(&format!("proc/{pid}/fd/1"), "")
    }

    async fn number(&mut self) -> f64 {
        let (report, _, outcome) = self.report().await;
        outcome.unwrap();
        let series = report.series.iter().find(|series| series.metric == "system.processes.number");
        series.unwrap().points[0].value
    }
}

fn tree(options: Value, init_config: Value) -> Fixture {
    let fixture = Fixture::with("process", options, init_config).machine();
    [NGINX, WORKER, HELPER, JAVA].iter().fold(fixture, Fixture::process)
}

#[tokio::test]
async fn all_figures_of_two_processes() {
    let options = json!({ "name": "web", "search_string": ["nginx"], "tags": ["role:front"] });
    let fixture = tree(options, json!({}))
        .run(expect![[r#"
        system.processes.involuntary_ctx_switches gauge 6 event process_name:web,role:front,web
        system.processes.ioread_bytes gauge 8192 byte process_name:web,role:front,web
        system.processes.ioread_count gauge 22 read process_name:web,role:front,web
        system.processes.iowrite_bytes gauge 16384 byte process_name:web,role:front,web
        system.processes.iowrite_count gauge 24 write process_name:web,role:front,web
        system.processes.mem.pct gauge 0.390625 percent process_name:web,role:front,web
        system.processes.mem.real gauge 2097152 byte process_name:web,role:front,web
        system.processes.mem.rss gauge 4194304 byte process_name:web,role:front,web
        system.processes.mem.vms gauge 20971520 byte process_name:web,role:front,web
        system.processes.number gauge 2 process process_name:web,role:front,web
        system.processes.open_file_descriptors gauge 4 - process_name:web,role:front,web
        system.processes.run_time.avg gauge 8998.995 second process_name:web,role:front,web
        system.processes.run_time.max gauge 8999 second process_name:web,role:front,web
        system.processes.run_time.min gauge 8998.99 second process_name:web,role:front,web
        system.processes.threads gauge 6 thread process_name:web,role:front,web
        system.processes.voluntary_ctx_switches gauge 14 event process_name:web,role:front,web
        process.up Ok process_name:web,web,process:web,role:front
    "#]])
        .await;
    let fixture = fixture.process(&Program { ticks: 1000, ..NGINX }).process(&Program { ticks: 1600, ..WORKER });
    fixture
        .hide(&["system.processes.mem.r", "system.processes.run_time"])
        .run(expect![[r#"
        system.processes.cpu.normalized_pct gauge 30 percent process_name:web,role:front,web
        system.processes.cpu.pct gauge 60 percent process_name:web,role:front,web
        system.processes.involuntary_ctx_switches gauge 6 event process_name:web,role:front,web
        system.processes.ioread_bytes gauge 8192 byte process_name:web,role:front,web
        system.processes.ioread_bytes_count count 0 byte process_name:web,role:front,web
        system.processes.ioread_count gauge 22 read process_name:web,role:front,web
        system.processes.iowrite_bytes gauge 16384 byte process_name:web,role:front,web
        system.processes.iowrite_bytes_count count 0 byte process_name:web,role:front,web
        system.processes.iowrite_count gauge 24 write process_name:web,role:front,web
        system.processes.mem.page_faults.children_major_faults gauge 0 occurrence process_name:web,role:front,web
        system.processes.mem.page_faults.children_minor_faults gauge 0 occurrence process_name:web,role:front,web
        system.processes.mem.page_faults.major_faults gauge 0 occurrence process_name:web,role:front,web
        system.processes.mem.page_faults.minor_faults gauge 0 occurrence process_name:web,role:front,web
        system.processes.mem.pct gauge 0.390625 percent process_name:web,role:front,web
        system.processes.mem.vms gauge 20971520 byte process_name:web,role:front,web
        system.processes.number gauge 2 process process_name:web,role:front,web
        system.processes.open_file_descriptors gauge 4 - process_name:web,role:front,web
        system.processes.threads gauge 6 thread process_name:web,role:front,web
        system.processes.voluntary_ctx_switches gauge 14 event process_name:web,role:front,web
        process.up Ok process_name:web,web,process:web,role:front
    "#]])
        .await;
}

#[tokio::test]
async fn how_processes_are_found() {
    let cases = [
        (json!({ "search_string": ["nginx", "logger"] }), 3.0),
        (json!({ "search_string": "ngin" }), 0.0),
        (json!({ "search_string": ["a-name-that-is-too-long"] }), 1.0),
        (json!({ "search_string": ["nginx: w.rker", "jar$"], "exact_match": false }), 2.0),
        (json!({ "search_string": ["-jar shop"], "exact_match": "no" }), 1.0),
        (json!({ "search_string": ["All"] }), 4.0),
        (json!({ "search_string": ["nginx"], "collect_children": true }), 3.0),
        (json!({ "search_string": ["nginx"], "user": "www-data" }), 1.0),
        (json!({ "search_string": ["All"], "user": 1000 }), 1.0),
        (json!({ "pid": 200 }), 1.0),
        (json!({ "pid": "201" }), 0.0),
        (json!({ "pid_file": "/nonexistent/nginx.pid" }), 0.0),
    ];
    for (mut options, expected) in cases {
        options["name"] = json!("x");
        assert_eq!(tree(options.clone(), json!({})).number().await, expected, "{options}");
    }
}

#[tokio::test]
async fn a_pid_file_names_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nginx.pid");
    std::fs::write(&path, "101\n").unwrap();
    let options = json!({ "name": "x", "pid_file": path });
    assert_eq!(tree(options.clone(), json!({})).number().await, 1.0);
    std::fs::write(&path, "soon").unwrap();
    let (report, _, outcome) = tree(options, json!({})).report().await;
    let message = outcome.unwrap_err().message;
    assert!(message.ends_with("a process number was expected, not \"soon\""), "{message}");
    assert!(report.series.is_empty());
}

#[tokio::test]
async fn what_was_found_is_kept_until_it_is_time_or_something_changed() {
    let options = json!({ "name": "x", "search_string": ["nginx"] });
    let mut fixture = tree(options, json!({ "pid_cache_duration": 60 }));
    assert_eq!(fixture.number().await, 2.0);
    fixture = fixture.process(&Program { pid: 103, ..WORKER });
    assert_eq!(fixture.number().await, 2.0, "a new process is seen with the next search");
    fixture.clock.advance(Duration::from_secs(60));
    assert_eq!(fixture.number().await, 3.0);
    fixture = fixture.without("proc/101");
    assert_eq!(fixture.number().await, 2.0, "a process that ended makes it search at once");
    fixture = fixture.without("proc/100").without("proc/103");
    assert_eq!(fixture.number().await, 0.0);
    fixture = fixture.process(&NGINX);
    assert_eq!(fixture.number().await, 1.0, "nothing is not kept");
}

#[tokio::test]
async fn whether_enough_processes_run() {
    let hidden: &[&str] = &["system"];
    for (options, expected) in [
        (
            json!({ "name": "web", "search_string": ["nginx"] }),
            expect![[r#"
            process.up Ok process_name:web,web,process:web
        "#]],
        ),
        (
            json!({ "name": "db", "search_string": ["mysqld"], "tags": ["a:b"] }),
            expect![[r#"
            process.up Critical process_name:db,db,process:db,a:b 0 processes found for db
        "#]],
        ),
        (
            json!({ "name": "web", "search_string": ["nginx"], "thresholds": { "warning": [3, 5], "critical": [1, null] } }),
            expect![[r#"
                process.up Warning process_name:web,web,process:web 2 processes found for web
            "#]],
        ),
    ] {
        tree(options, json!({})).hide(hidden).run(expected).await;
    }
}

#[test]
fn options_that_cannot_be_understood_are_refused() {
    let refusals = [
        json!({ "search_string": ["x"] }),
        json!({ "name": "x" }),
        json!({ "name": "x", "pid": "one" }),
        json!({ "name": "x", "search_string": ["("], "exact_match": false }),
        json!({ "name": "x", "search_string": ["x"], "thresholds": { "critical": [1] } }),
    ]
    .map(|options| Fixture::refusal("process", options));
    expect![[r#"
        process (conf.d/process.yaml, instance 1): name is missing
        process (conf.d/process.yaml, instance 1): one of search_string, pid and pid_file is missing
        process (conf.d/process.yaml, instance 1): pid must be the number of a process, not "one"
        process (conf.d/process.yaml, instance 1): search_string must be a regular expression, not "("
        process (conf.d/process.yaml, instance 1): thresholds must be a map of `warning` and `critical`, each a list of the least and the most processes, not {"critical":[1]}"#]].assert_eq(&refusals.join("\n"));
}
