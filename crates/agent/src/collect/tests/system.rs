//! Processors, memory, load and the like.

use super::*;
use expect_test::expect;

const STAT: [&str; 2] = [
    "cpu  100 10 50 800 20 5 5 10 0 0\ncpu0 50 5 25 400 10 5 5 10 0 0\ncpu1 50 5 25 400 10 0 0 0 0 0\nintr 5 0\n\
     ctxt 5000\n",
    "cpu  120 20 70 860 30 10 15 55 4 0\ncpu0 60 5 25 460 20 10 15 55 4 0\ncpu1 60 15 45 400 10 0 0 0 0 0\nintr 5 0\n\
     ctxt 5600\n",
];

#[tokio::test]
async fn cpu() {
    let fixture = Fixture::new("cpu")
        .file("proc/stat", STAT[0])
        .run(expect![[r#"
        system.cpu.num_cores gauge 2 core
    "#]])
        .await;
    let fixture = fixture
        .file("proc/stat", STAT[1])
        .run(expect![[r#"
        system.cpu.context_switches count 600 -
        system.cpu.guest gauge 2.222222 percent
        system.cpu.idle gauge 33.333333 percent
        system.cpu.interrupt gauge 8.333333 percent
        system.cpu.iowait gauge 5.555556 percent
        system.cpu.num_cores gauge 2 core
        system.cpu.stolen gauge 25 percent
        system.cpu.system gauge 19.444444 percent
        system.cpu.user gauge 16.666667 percent
    "#]])
        .await;
    fixture
        .file("proc/stat", "intr 5 0\n")
        .run(expect![[r#"
        cannot understand /proc/stat: no line `cpu` with four numbers
    "#]])
        .await;
}

#[tokio::test]
async fn cpu_by_processor_with_tags() {
    let options = json!({ "report_total_percpu": true, "tags": ["role:db"] });
    Fixture::with("cpu", options, json!({}))
        .file("proc/stat", STAT[0])
        .run(expect![[r#"
        system.cpu.guest.total gauge 0 second core:cpu0,role:db
        system.cpu.guest.total gauge 0 second core:cpu1,role:db
        system.cpu.guestnice.total gauge 0 second core:cpu0,role:db
        system.cpu.guestnice.total gauge 0 second core:cpu1,role:db
        system.cpu.idle.total gauge 4 second core:cpu0,role:db
        system.cpu.idle.total gauge 4 second core:cpu1,role:db
        system.cpu.iowait.total gauge 0.1 second core:cpu0,role:db
        system.cpu.iowait.total gauge 0.1 second core:cpu1,role:db
        system.cpu.irq.total gauge 0.05 second core:cpu0,role:db
        system.cpu.irq.total gauge 0 second core:cpu1,role:db
        system.cpu.nice.total gauge 0.05 second core:cpu0,role:db
        system.cpu.nice.total gauge 0.05 second core:cpu1,role:db
        system.cpu.num_cores gauge 2 core role:db
        system.cpu.softirq.total gauge 0.05 second core:cpu0,role:db
        system.cpu.softirq.total gauge 0 second core:cpu1,role:db
        system.cpu.steal.total gauge 0.1 second core:cpu0,role:db
        system.cpu.steal.total gauge 0 second core:cpu1,role:db
        system.cpu.system.total gauge 0.25 second core:cpu0,role:db
        system.cpu.system.total gauge 0.25 second core:cpu1,role:db
        system.cpu.user.total gauge 0.5 second core:cpu0,role:db
        system.cpu.user.total gauge 0.5 second core:cpu1,role:db
    "#]])
        .await;
}

#[tokio::test]
async fn system_core() {
    let fixture = Fixture::new("system_core").file("proc/stat", STAT[0]);
    let fixture = fixture.file("sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq", "2400000\n");
    let fixture = fixture
        .run(expect![[r#"
        system.core.count gauge 2 core
        system.core.frequency gauge 2400 megahertz core:1
    "#]])
        .await;
    fixture
        .file("proc/stat", STAT[1])
        .run(expect![[r#"
        system.core.count gauge 2 core
        system.core.frequency gauge 2400 megahertz core:1
        system.core.guest gauge 0.4 percent core:0
        system.core.guest gauge 0 percent core:1
        system.core.guest.total gauge 0.2 percent
        system.core.guest_nice gauge 0 percent core:0
        system.core.guest_nice gauge 0 percent core:1
        system.core.guest_nice.total gauge 0 percent
        system.core.idle gauge 6 percent core:0
        system.core.idle gauge 0 percent core:1
        system.core.idle.total gauge 3 percent
        system.core.iowait gauge 1 percent core:0
        system.core.iowait gauge 0 percent core:1
        system.core.iowait.total gauge 0.5 percent
        system.core.irq gauge 0.5 percent core:0
        system.core.irq gauge 0 percent core:1
        system.core.irq.total gauge 0.25 percent
        system.core.nice gauge 0 percent core:0
        system.core.nice gauge 1 percent core:1
        system.core.nice.total gauge 0.5 percent
        system.core.softirq gauge 1 percent core:0
        system.core.softirq gauge 0 percent core:1
        system.core.softirq.total gauge 0.5 percent
        system.core.steal gauge 4.5 percent core:0
        system.core.steal gauge 0 percent core:1
        system.core.steal.total gauge 2.25 percent
        system.core.system gauge 0 percent core:0
        system.core.system gauge 2 percent core:1
        system.core.system.total gauge 1 percent
        system.core.user gauge 1 percent core:0
        system.core.user gauge 1 percent core:1
        system.core.user.total gauge 1 percent
    "#]])
        .await;
}

#[tokio::test]
async fn load() {
    let stat = "cpu  1 1 1 1\ncpu0 1 1 1 1\ncpu1 1 1 1 1\ncpu2 1 1 1 1\ncpu3 1 1 1 1\n";
    let fixture = Fixture::new("load").file("proc/stat", stat).file("proc/loadavg", "2.00 1.00 0.50 3/200 12345\n");
    let fixture = fixture
        .run(expect![[r#"
        system.load.1 gauge 2 -
        system.load.15 gauge 0.5 -
        system.load.5 gauge 1 -
        system.load.norm.1 gauge 0.5 -
        system.load.norm.15 gauge 0.125 -
        system.load.norm.5 gauge 0.25 -
    "#]])
        .await;
    fixture
        .file("proc/loadavg", "2.00 1.00\n")
        .run(expect![[r#"
        system.load.1 gauge 2 -
        system.load.5 gauge 1 -
        system.load.norm.1 gauge 0.5 -
        system.load.norm.5 gauge 0.25 -
        cannot understand /proc/loadavg: fewer than three averages
    "#]])
        .await;
}

#[tokio::test]
async fn memory() {
    const MEMINFO: &str = "MemTotal: 4194304 kB\nMemFree: 1048576 kB\nMemAvailable: 2097152 kB\nBuffers: 102400 kB\n\
        Cached: 512000 kB\nSwapCached: 1024 kB\nSwapTotal: 2048000 kB\nSwapFree: 1536000 kB\nShmem: 10240 kB\n\
        Slab: 20480 kB\nSReclaimable: 15360 kB\nPageTables: 5120 kB\nCommitLimit: 4096000 kB\nCommitted_AS: 3072000 kB\n";
    let pages_of_10_mib = 10 * 1024 * 1024 / rustix::param::page_size();
    let fixture = Fixture::new("memory").file("proc/meminfo", MEMINFO).file("proc/vmstat", "pswpin 0\npswpout 1000\n");
    let fixture = fixture
        .run(expect![[r#"
        system.mem.buffered gauge 100 mebibyte
        system.mem.cached gauge 500 mebibyte
        system.mem.commit_limit gauge 4000 mebibyte
        system.mem.committed_as gauge 3000 mebibyte
        system.mem.free gauge 1024 mebibyte
        system.mem.page_tables gauge 5 mebibyte
        system.mem.pct_usable gauge 0.5 fraction
        system.mem.shared gauge 10 mebibyte
        system.mem.slab gauge 20 mebibyte
        system.mem.slab_reclaimable gauge 15 mebibyte
        system.mem.total gauge 4096 mebibyte
        system.mem.usable gauge 2048 mebibyte
        system.mem.used gauge 3072 mebibyte
        system.swap.cached gauge 1 mebibyte
        system.swap.free gauge 1500 mebibyte
        system.swap.pct_free gauge 0.75 fraction
        system.swap.total gauge 2000 mebibyte
        system.swap.used gauge 500 mebibyte
    "#]])
        .await;
    fixture
        .file("proc/meminfo", "MemTotal: 4096 kB\nMemFree: 1024 kB\nCached: 512 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n")
        .file("proc/vmstat", &format!("pswpin {pages_of_10_mib}\npswpout {}\n", 1000 + pages_of_10_mib))
        .run(expect![[r#"
            system.mem.cached gauge 0.5 mebibyte
            system.mem.free gauge 1 mebibyte
            system.mem.pct_usable gauge 0.375 fraction
            system.mem.total gauge 4 mebibyte
            system.mem.usable gauge 1.5 mebibyte
            system.mem.used gauge 3 mebibyte
            system.swap.free gauge 0 mebibyte
            system.swap.pct_free gauge 1 fraction
            system.swap.swap_in gauge 1 mebibyte
            system.swap.swap_out gauge 1 mebibyte
            system.swap.total gauge 0 mebibyte
            system.swap.used gauge 0 mebibyte
        "#]])
        .await;
}

#[tokio::test]
async fn memory_pressure() {
    let vmstat = |extra: u32| {
        format!(
            "allocstall_dma 0\nallocstall_normal {extra}\npgscan_direct {extra}\npgsteal_direct 1\npgscan_kswapd 5\n\
             pgsteal_kswapd 6\npgscan_direct_throttle 9\n"
        )
    };
    let fixture = Fixture::with("memory", json!({ "collect_memory_pressure": "yes" }), json!({}))
        .hide(&["system.mem.used", "system.mem.total", "system.mem.usable", "system.mem.pct"])
        .file("proc/meminfo", "MemTotal: 4096 kB\n")
        .file("proc/vmstat", &vmstat(3));
    let fixture = fixture.run(expect![""]).await;
    fixture
        .file("proc/vmstat", &vmstat(10))
        .run(expect![[r#"
        system.mem.allocstall count 0 - zone:dma
        system.mem.allocstall count 7 - zone:normal
        system.mem.pgscan_direct count 7 page
        system.mem.pgscan_kswapd count 0 page
        system.mem.pgsteal_direct count 0 page
        system.mem.pgsteal_kswapd count 0 page
    "#]])
        .await;
}

#[tokio::test]
async fn uptime_file_handles_and_the_agent() {
    Fixture::new("uptime")
        .file("proc/uptime", "3600.75 7000.00\n")
        .run(expect![[r#"
        system.uptime gauge 3600 second
    "#]])
        .await;
    let fixture = Fixture::new("file_handle").file("proc/sys/fs/file-nr", "1200\t200\t10000\n");
    fixture
        .run(expect![[r#"
        system.fs.file_handles.allocated gauge 1200 file
        system.fs.file_handles.allocated_unused gauge 200 file
        system.fs.file_handles.in_use gauge 0.1 fraction
        system.fs.file_handles.max gauge 10000 file
        system.fs.file_handles.used gauge 1000 file
    "#]])
        .await
        .file("proc/sys/fs/file-nr", "1200\n")
        .run(expect![[r#"
        cannot understand /proc/sys/fs/file-nr: not three numbers
    "#]])
        .await;
    let (report, _, _) = Fixture::new("agent").report().await;
    assert_eq!(report.series[0].metric, "datadog.agent.running");
    assert_eq!(report.series[0].tags, [format!("version:{}", crate::VERSION)]);
    assert_eq!(report.checks[0].check, "datadog.agent.up");
}

#[tokio::test]
async fn a_missing_file_is_named() {
    Fixture::new("uptime")
        .run(expect![[r#"
        cannot read /proc/uptime: No such file or directory (os error 2)
    "#]])
        .await;
}
