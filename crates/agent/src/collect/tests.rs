//! Golden tests: two runs on a fixture tree, 10 s apart, and everything that was emitted.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use expect_test::{Expect, expect};

use super::kernel::{Roots, VolumeUsage, Volumes};
use super::*;

/// Every file system has 1000 KiB, of which 400 are free and 350 available; `/bare` has no inodes, `/gone` hangs.
#[derive(Debug)]
struct FixedVolumes;

impl Volumes for FixedVolumes {
    fn usage(&self, mount_point: &Path) -> std::io::Result<VolumeUsage> {
        let inodes = if mount_point == Path::new("/bare") { 0 } else { 100 };
        match mount_point.to_str() {
            Some("/gone") => Err(std::io::Error::other("stale file handle")),
            Some("/empty") => Ok(VolumeUsage { total: 0, free: 0, available: 0, inodes: 0, inodes_free: 0 }),
            _ => Ok(VolumeUsage { total: 1_024_000, free: 409_600, available: 358_400, inodes, inodes_free: 75 }),
        }
    }
}

struct Fixture {
    folder: tempfile::TempDir,
    counters: Counters,
    collector: Box<dyn Collector>,
    second: u64,
}

impl Fixture {
    fn new(collector: impl Collector + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, counters: Counters::default(), collector: Box::new(collector), second: 0 }
    }

    fn file(self, path: &str, text: &str) -> Self {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    fn link(self, path: &str, target: &str) -> Self {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
        self
    }

    /// Runs the collector, compares what it emitted, and lets 10 s pass.
    fn run(mut self, expected: Expect) -> Self {
        let roots = Roots::below(self.folder.path(), Arc::new(FixedVolumes));
        let moment = Moment { wall: 1000 + self.second as i64, monotonic: Duration::from_secs(self.second) };
        let mut readings = Readings::new(&mut self.counters, moment, "web-1", 15);
        let outcome = self.collector.collect(&roots, &mut readings);
        let mut lines: Vec<String> = readings.finish().iter().map(line).collect();
        if let Err(error) = outcome {
            lines.push(error.to_string().replace(self.folder.path().to_str().unwrap(), ""));
        }
        expected.assert_eq(&lines.iter().map(|line| format!("{line}\n")).collect::<String>());
        self.second += 10;
        self
    }
}

fn line(series: &crate::Series) -> String {
    assert_eq!((series.host.as_str(), series.interval, series.points.len()), ("web-1", 15, 1));
    let (kind, value) = (series.kind.as_str(), series.points[0].value);
    format!("{} {kind} {value} {} {}", series.metric, series.unit, series.tags.join(",")).trim_end().to_owned()
}

#[test]
fn cpu() {
    Fixture::new(cpu::Cpu::default())
        .file("proc/stat", "cpu  100 10 50 800 20 5 5 10 0 0\ncpu0 1 1 1 1\ncpu1 1 1 1 1\nintr 5 0\nctxt 5000\n")
        .run(expect![[r#"
            system.cpu.num_cores gauge 2 core
        "#]])
        .file("proc/stat", "cpu  120 20 70 860 30 10 15 55 4 0\ncpu0 1 1 1 1\ncpu1 1 1 1 1\nintr 5 0\nctxt 5600\n")
        .run(expect![[r#"
            system.cpu.num_cores gauge 2 core
            system.cpu.context_switches count 600
            system.cpu.user gauge 16.666666666666664 percent
            system.cpu.system gauge 19.444444444444446 percent
            system.cpu.interrupt gauge 8.333333333333332 percent
            system.cpu.iowait gauge 5.555555555555555 percent
            system.cpu.idle gauge 33.33333333333333 percent
            system.cpu.stolen gauge 25 percent
            system.cpu.guest gauge 2.2222222222222223 percent
        "#]])
        .file("proc/stat", "intr 5 0\n")
        .run(expect![[r#"
            cannot understand /proc/stat: no line `cpu` with four numbers
        "#]]);
}

#[test]
fn load() {
    Fixture::new(load::Load)
        .file("proc/stat", "cpu  1 1 1 1\ncpu0 1 1 1 1\ncpu1 1 1 1 1\ncpu2 1 1 1 1\ncpu3 1 1 1 1\n")
        .file("proc/loadavg", "2.00 1.00 0.50 3/200 12345\n")
        .run(expect![[r#"
            system.load.1 gauge 2
            system.load.norm.1 gauge 0.5
            system.load.5 gauge 1
            system.load.norm.5 gauge 0.25
            system.load.15 gauge 0.5
            system.load.norm.15 gauge 0.125
        "#]]);
}

#[test]
fn memory() {
    const MEMINFO: &str = "MemTotal: 4194304 kB\nMemFree: 1048576 kB\nMemAvailable: 2097152 kB\nBuffers: 102400 kB\n\
        Cached: 512000 kB\nSwapCached: 1024 kB\nSwapTotal: 2048000 kB\nSwapFree: 1536000 kB\nShmem: 10240 kB\n\
        Slab: 20480 kB\nSReclaimable: 15360 kB\nPageTables: 5120 kB\nCommitLimit: 4096000 kB\nCommitted_AS: 3072000 kB\n";
    Fixture::new(memory::Memory::with_page_bytes(4096.0))
        .file("proc/meminfo", MEMINFO)
        .file("proc/vmstat", "pswpin 0\npswpout 1000\n")
        .run(expect![[r#"
            system.mem.total gauge 4096 mebibyte
            system.mem.free gauge 1024 mebibyte
            system.mem.cached gauge 500 mebibyte
            system.mem.buffered gauge 100 mebibyte
            system.mem.shared gauge 10 mebibyte
            system.mem.slab gauge 20 mebibyte
            system.mem.slab_reclaimable gauge 15 mebibyte
            system.mem.page_tables gauge 5 mebibyte
            system.mem.commit_limit gauge 4000 mebibyte
            system.mem.committed_as gauge 3000 mebibyte
            system.swap.total gauge 2000 mebibyte
            system.swap.free gauge 1500 mebibyte
            system.mem.used gauge 3072 mebibyte
            system.mem.usable gauge 2048 mebibyte
            system.mem.pct_usable gauge 0.5 fraction
            system.swap.used gauge 500 mebibyte
            system.swap.pct_free gauge 0.75 fraction
            system.swap.cached gauge 1 mebibyte
        "#]])
        .file("proc/meminfo", "MemTotal: 4096 kB\nMemFree: 1024 kB\nCached: 512 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n")
        .file("proc/vmstat", "pswpin 2560\npswpout 3560\n")
        .run(expect![[r#"
            system.mem.total gauge 4 mebibyte
            system.mem.free gauge 1 mebibyte
            system.mem.cached gauge 0.5 mebibyte
            system.swap.total gauge 0 mebibyte
            system.swap.free gauge 0 mebibyte
            system.mem.used gauge 3 mebibyte
            system.mem.usable gauge 1.5 mebibyte
            system.mem.pct_usable gauge 0.375 fraction
            system.swap.used gauge 0 mebibyte
            system.swap.pct_free gauge 1 fraction
            system.swap.swap_in gauge 1 mebibyte
            system.swap.swap_out gauge 1 mebibyte
        "#]]);
}

#[test]
fn uptime_and_file_handles() {
    Fixture::new(uptime::Uptime).file("proc/uptime", "3600.75 7000.00\n").run(expect![[r#"
        system.uptime gauge 3600 second
    "#]]);
    Fixture::new(file_handles::FileHandles).file("proc/sys/fs/file-nr", "1200\t200\t10000\n").run(expect![[r#"
        system.fs.file_handles.allocated gauge 1200 file
        system.fs.file_handles.allocated_unused gauge 200 file
        system.fs.file_handles.max gauge 10000 file
        system.fs.file_handles.used gauge 1000 file
        system.fs.file_handles.in_use gauge 0.1 fraction
    "#]]);
}

#[test]
fn disk() {
    const MOUNTS: &str = "proc /empty proc rw 0 0\n/dev/sda1 / ext4 rw 0 0\n/dev/sda1 /bind ext4 rw 0 0\n\
        tmpfs /bare tmpfs rw 0 0\nnas:/export /gone nfs rw 0 0\n/dev/sr0 /media iso9660 ro 0 0\n\
        binfmt_misc /proc/sys/fs/binfmt_misc binfmt_misc rw 0 0\nnone /x tmpfs rw 0 0\nbroken\n";
    Fixture::new(disk::Disk::default())
        .file("proc/self/mounts", MOUNTS)
        .file("proc/diskstats", "8 1 sda1 10 0 80 500 20 0 160 700 0 9 12\n")
        .link("dev/disk/by-label/my\\x20root", "../../sda1")
        .run(expect![[r#"
            system.disk.total gauge 1000 kibibyte device:/dev/sda1,device_label:my root,device_name:sda1,label:my root
            system.disk.used gauge 600 kibibyte device:/dev/sda1,device_label:my root,device_name:sda1,label:my root
            system.disk.free gauge 350 kibibyte device:/dev/sda1,device_label:my root,device_name:sda1,label:my root
            system.disk.in_use gauge 0.631578947368421 fraction device:/dev/sda1,device_label:my root,device_name:sda1,label:my root
            system.disk.utilized gauge 63.1578947368421 percent device:/dev/sda1,device_label:my root,device_name:sda1,label:my root
            system.fs.inodes.total gauge 100 inode device:/dev/sda1,device_label:my root,device_name:sda1,label:my root
            system.fs.inodes.used gauge 25 inode device:/dev/sda1,device_label:my root,device_name:sda1,label:my root
            system.fs.inodes.free gauge 75 inode device:/dev/sda1,device_label:my root,device_name:sda1,label:my root
            system.fs.inodes.in_use gauge 0.25 fraction device:/dev/sda1,device_label:my root,device_name:sda1,label:my root
            system.fs.inodes.utilized gauge 25 percent device:/dev/sda1,device_label:my root,device_name:sda1,label:my root
            system.disk.total gauge 1000 kibibyte device:tmpfs,device_name:tmpfs
            system.disk.used gauge 600 kibibyte device:tmpfs,device_name:tmpfs
            system.disk.free gauge 350 kibibyte device:tmpfs,device_name:tmpfs
            system.disk.in_use gauge 0.631578947368421 fraction device:tmpfs,device_name:tmpfs
            system.disk.utilized gauge 63.1578947368421 percent device:tmpfs,device_name:tmpfs
        "#]])
        .file("proc/self/mounts", "")
        .file("proc/diskstats", "8 1 sda1 10 0 80 530 20 0 160 700 0 9 12\n")
        .run(expect![[r#"
            system.disk.read_time count 30 millisecond device:sda1,device_label:my root,device_name:sda1,label:my root
            system.disk.write_time count 0 millisecond device:sda1,device_label:my root,device_name:sda1,label:my root
        "#]]);
}

#[test]
fn io() {
    Fixture::new(io::Io::default())
        .file(
            "proc/diskstats",
            "8 0 sda 100 10 800 50 200 20 4294967000 70 0 90 120\n7 0 loop0 0 0 0 0 0 0 0 0 0 0 0\n",
        )
        .file("proc/vmstat", "pgpgin 1000\npgpgout 2000\n")
        .run(expect![""])
        .file("proc/diskstats", "8 0 sda 130 15 1440 140 250 40 24 270 0 1090 1144\n")
        .file("proc/vmstat", "pgpgin 1320\npgpgout 2160\n")
        .run(expect![[r#"
            system.io.r_s gauge 3 request device:sda,device_name:sda
            system.io.w_s gauge 5 request device:sda,device_name:sda
            system.io.rrqm_s gauge 0.5 request device:sda,device_name:sda
            system.io.wrqm_s gauge 2 request device:sda,device_name:sda
            system.io.rkb_s gauge 32 kibibyte device:sda,device_name:sda
            system.io.wkb_s gauge 16 kibibyte device:sda,device_name:sda
            system.io.avg_rq_sz gauge 12  device:sda,device_name:sda
            system.io.avg_q_sz gauge 0.1  device:sda,device_name:sda
            system.io.await gauge 3.63 millisecond device:sda,device_name:sda
            system.io.r_await gauge 3 millisecond device:sda,device_name:sda
            system.io.w_await gauge 4 millisecond device:sda,device_name:sda
            system.io.svctm gauge 12.5 millisecond device:sda,device_name:sda
            system.io.util gauge 10 percent device:sda,device_name:sda
            system.io.block_in gauge 32 kibibyte
            system.io.block_out gauge 16 kibibyte
        "#]]);
}

#[test]
fn network() {
    const HEADER: &str = "Inter-| Receive | Transmit\n face |bytes packets errs drop|bytes packets errs drop\n";
    let dev = |bytes: u32| {
        format!("{HEADER}    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n  eth0:{bytes} 20 1 2 0 0 0 0 4000 40 3 4 0 0 0 0\n")
    };
    let snmp =
        |segments: u32| format!("Tcp: CurrEstab InSegs\nTcp: 7 {segments}\nUdp: InDatagrams InCsumErrors\nUdp: 5 6\n");
    Fixture::new(network::Network)
        .file("proc/net/dev", &dev(1000))
        .file("proc/net/snmp", &snmp(100))
        .file("proc/net/netstat", "TcpExt: ListenDrops TCPRetransFail\nTcpExt: 1 2\n")
        .file("sys/class/net/eth0/mtu", "1500\n")
        .file("sys/class/net/eth0/speed", "1000\n")
        .file("sys/class/net/eth0/tx_queue_len", "1000\n")
        .file("sys/class/net/eth0/operstate", "up\n")
        .file("sys/class/net/eth0/queues/tx-0/x", "")
        .file("sys/class/net/eth0/queues/rx-0/x", "")
        .file("sys/class/net/eth0/queues/rx-1/x", "")
        .run(expect![[r#"
            system.net.iface.mtu gauge 1500 byte iface:eth0
            system.net.iface.tx_queue_len gauge 1000  iface:eth0
            system.net.iface.up gauge 1  iface:eth0
            system.net.iface.num_tx_queues gauge 1  iface:eth0
            system.net.iface.num_rx_queues gauge 2  iface:eth0
            system.net.tcp.current_established gauge 7
        "#]])
        .file("proc/net/dev", &dev(3000))
        .file("proc/net/snmp", &snmp(150))
        .file("sys/class/net/eth0/speed", "-1\n")
        .file("sys/class/net/eth0/operstate", "down\n")
        .run(expect![[r#"
            system.net.iface.mtu gauge 1500 byte iface:eth0
            system.net.iface.tx_queue_len gauge 1000  iface:eth0
            system.net.iface.up gauge 0  iface:eth0
            system.net.iface.num_tx_queues gauge 1  iface:eth0
            system.net.iface.num_rx_queues gauge 2  iface:eth0
            system.net.tcp.in_segs gauge 5
            system.net.tcp.in_segs.count count 50
            system.net.udp.in_datagrams gauge 0
            system.net.udp.in_datagrams.count count 0
            system.net.udp.in_csum_errors.count count 0
            system.net.tcp.current_established gauge 7
            system.net.tcp.listen_drops gauge 0
            system.net.tcp.listen_drops.count count 0
            system.net.tcp.failed_retransmits.count count 0
        "#]]);
}

#[test]
fn every_collector_works_on_this_machine() {
    let roots = Roots::machine();
    for mut collector in all() {
        let mut counters = Counters::default();
        let moment = Moment { wall: 1000, monotonic: Duration::ZERO };
        let mut readings = Readings::new(&mut counters, moment, "h", 15);
        collector.collect(&roots, &mut readings).unwrap_or_else(|error| panic!("{}: {error}", collector.name()));
    }
}
