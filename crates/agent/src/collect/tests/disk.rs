//! File systems and block devices.

use super::*;
use expect_test::expect;

const MOUNTS: &str = "proc /empty proc rw 0 0\n/dev/sda1 / ext4 rw 0 0\n/dev/sda1 /bind ext4 rw 0 0\n\
    tmpfs /bare tmpfs rw 0 0\nnas:/export /gone nfs rw 0 0\n/dev/sr0 /media iso9660 ro 0 0\n\
    binfmt_misc /proc/sys/fs/binfmt_misc binfmt_misc rw 0 0\nnone /x tmpfs rw 0 0\nbroken\n";

/// The size of every file system stands for all figures of it.
const FIGURES: &[&str] =
    &["system.disk.used", "system.disk.free", "system.disk.in_use", "system.disk.utilized", "system.fs.inodes"];

fn sized(options: Value, init_config: Value) -> Fixture {
    Fixture::with("disk", options, init_config).hide(FIGURES).file("proc/mounts", MOUNTS)
}

#[tokio::test]
async fn disk() {
    let fixture = Fixture::new("disk")
        .file("proc/mounts", MOUNTS)
        .file("proc/diskstats", "8 1 sda1 10 0 80 500 20 0 160 700 0 9 12\n")
        .link("dev/disk/by-label/my\\x20root", "../../sda1");
    let fixture = fixture.run(expect![[r#"
        system.disk.free gauge 350 kibibyte device:/dev/sda1,device_label:my root,device_name:sda1,label:my root
        system.disk.free gauge 350 kibibyte device:tmpfs,device_name:tmpfs
        system.disk.in_use gauge 0.631579 fraction device:/dev/sda1,device_label:my root,device_name:sda1,label:my root
        system.disk.in_use gauge 0.631579 fraction device:tmpfs,device_name:tmpfs
        system.disk.total gauge 1000 kibibyte device:/dev/sda1,device_label:my root,device_name:sda1,label:my root
        system.disk.total gauge 1000 kibibyte device:tmpfs,device_name:tmpfs
        system.disk.used gauge 600 kibibyte device:/dev/sda1,device_label:my root,device_name:sda1,label:my root
        system.disk.used gauge 600 kibibyte device:tmpfs,device_name:tmpfs
        system.disk.utilized gauge 63.157895 percent device:/dev/sda1,device_label:my root,device_name:sda1,label:my root
        system.disk.utilized gauge 63.157895 percent device:tmpfs,device_name:tmpfs
        system.fs.inodes.free gauge 75 inode device:/dev/sda1,device_label:my root,device_name:sda1,label:my root
        system.fs.inodes.in_use gauge 0.25 fraction device:/dev/sda1,device_label:my root,device_name:sda1,label:my root
        system.fs.inodes.total gauge 100 inode device:/dev/sda1,device_label:my root,device_name:sda1,label:my root
        system.fs.inodes.used gauge 25 inode device:/dev/sda1,device_label:my root,device_name:sda1,label:my root
        system.fs.inodes.utilized gauge 25 percent device:/dev/sda1,device_label:my root,device_name:sda1,label:my root
    "#]]).await;
    fixture
        .file("proc/mounts", "")
        .file("proc/diskstats", "8 1 sda1 10 0 80 530 20 0 160 700 0 9 12\n")
        .run(expect![[r#"
            system.disk.read_time count 30 millisecond device:sda1,device_label:my root,device_name:sda1,label:my root
            system.disk.read_time_pct gauge 0.3 - device:sda1,device_label:my root,device_name:sda1,label:my root
            system.disk.write_time count 0 millisecond device:sda1,device_label:my root,device_name:sda1,label:my root
            system.disk.write_time_pct gauge 0 - device:sda1,device_label:my root,device_name:sda1,label:my root
        "#]])
        .await;
}

#[tokio::test]
async fn mount_points_as_devices() {
    let options = json!({
        "use_mount": true, "all_partitions": true, "tag_by_filesystem": true, "tag_by_label": false,
        "lowercase_device_tag": true, "device_tag_re": { "/b.*": "kind:odd, more", "/$": "kind:root" },
        "tags": ["role:db"],
    });
    let fixture = sized(options, json!({})).link("dev/disk/by-label/root", "../../sda1");
    fixture.file("proc/mounts", &format!("{MOUNTS}/dev/sdb /DATA xfs ro 0 0\n")).run(expect![[r#"
        system.disk.total gauge 1000 kibibyte device:/,device_name:sda1,ext4,filesystem:ext4,kind:root,role:db
        system.disk.total gauge 1000 kibibyte device:/bare,device_name:tmpfs,filesystem:tmpfs,kind:odd,more,role:db,tmpfs
        system.disk.total gauge 1000 kibibyte device:/bind,device_name:sda1,ext4,filesystem:ext4,kind:odd,more,role:db
        system.disk.total gauge 1000 kibibyte device:/data,device_name:sdb,filesystem:xfs,role:db,xfs
        system.disk.total gauge 1000 kibibyte device:/x,device_name:none,filesystem:tmpfs,role:db,tmpfs
    "#]]).await;
}

#[tokio::test]
async fn file_systems_devices_and_mount_points_are_chosen() {
    let cases = [
        (json!({ "file_system_include": ["EXT[34]$"] }), "ext4 only"),
        (json!({ "file_system_exclude": ["tmp"] }), "no tmpfs"),
        (json!({ "file_system_blacklist": "mpfs" }), "everything: it does not begin like that"),
        (json!({ "excluded_filesystems": ["tmp", "ext4"] }), "whole types only"),
        (json!({ "device_include": ["/dev/sda"] }), "by device"),
        (json!({ "device_exclude": ["/dev/sda[1-3]"] }), "not by device"),
        (json!({ "device_whitelist": ["/dev/"], "excluded_disks": ["/dev/sda1"] }), "nothing"),
        (json!({ "mount_point_exclude": ["/$"] }), "the other mount of the same device"),
        (json!({ "mount_point_include": ["/b"], "mount_point_blacklist": ["/bare"] }), "one mount"),
        (json!({ "include_all_devices": false }), "on devices only"),
        (json!({ "min_disk_size": 1 }), "none is so large"),
    ];
    let mut chosen = String::new();
    for (options, what) in cases {
        let mut fixture = sized(options, json!({})).file("proc/filesystems", "nodev\tproc\nnodev\ttmpfs\n\text4\n");
        let (report, _, outcome) = fixture.report().await;
        outcome.unwrap();
        let sizes = report.series.iter().filter(|series| series.metric == "system.disk.total");
        let devices: Vec<&str> = sizes.map(|series| series.tags[0].as_str()).collect();
        chosen.push_str(&format!("{what}: {}\n", devices.join(" ")));
    }
    expect![[r#"
        ext4 only: device:/dev/sda1
        no tmpfs: device:/dev/sda1
        everything: it does not begin like that: device:/dev/sda1 device:tmpfs
        whole types only: device:tmpfs
        by device: device:/dev/sda1
        not by device: device:tmpfs
        nothing: 
        the other mount of the same device: device:/dev/sda1 device:tmpfs
        one mount: device:/dev/sda1
        on devices only: device:/dev/sda1
        none is so large: 
    "#]]
    .assert_eq(&chosen);
}

#[tokio::test]
async fn a_files_own_exclusions_replace_the_usual_ones() {
    let init = json!({ "file_system_global_exclude": ["ext4"], "mount_point_global_exclude": ["/bare"] });
    sized(json!({}), init)
        .run(expect![[r#"
        system.disk.total gauge 1000 kibibyte device:/dev/sr0,device_name:sr0
        system.disk.total gauge 1000 kibibyte device:binfmt_misc,device_name:binfmt_misc
    "#]])
        .await;
}

#[tokio::test]
async fn whether_file_systems_can_be_written() {
    let mounts = "/dev/a / ext4 noatime,rw 0 0\n/dev/b /b ext4 ro,errors=remount-ro 0 0\n/dev/c /c ext4 noatime 0 0\n";
    let fixture = sized(json!({ "service_check_rw": true, "tags": "a:b" }), json!({})).file("proc/mounts", mounts);
    fixture
        .hide(&["system"])
        .run(expect![[r#"
        disk.read_write Ok device:/dev/a,device_name:a,a:b
        disk.read_write Critical device:/dev/b,device_name:b,a:b
        disk.read_write Unknown device:/dev/c,device_name:c,a:b
    "#]])
        .await;
}

#[tokio::test]
async fn another_table_of_mounts() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("mountinfo");
    std::fs::write(&table, "36 35 98:0 / /data rw,noatime master:1 - xfs /dev/sdc rw\n").unwrap();
    sized(json!({ "proc_mountinfo_path": table }), json!({}))
        .run(expect![[r#"
        system.disk.total gauge 1000 kibibyte device:/dev/sdc,device_name:sdc
    "#]])
        .await;
}

#[test]
fn options_that_cannot_be_understood_are_refused() {
    let refusals = [
        json!({ "device_exclude": ["("] }),
        json!({ "timeout": 0 }),
        json!({ "device_tag_re": ["a"] }),
        json!({ "use_lsblk": true, "blkid_cache_file": "/run/blkid/blkid.tab" }),
    ]
    .map(|options| Fixture::refusal("disk", options));
    expect![[r#"
        disk (conf.d/disk.yaml, instance 1): device_exclude must be a regular expression, not "("
        disk (conf.d/disk.yaml, instance 1): timeout must be a number of seconds above 0, not 0
        disk (conf.d/disk.yaml, instance 1): device_tag_re must be a map from expressions to comma-separated tags, not ["a"]
        disk (conf.d/disk.yaml, instance 1): use_lsblk must be off when blkid_cache_file is given, not true"#]].assert_eq(&refusals.join("\n"));
}

#[tokio::test]
async fn io() {
    const BEFORE: &str = "8 0 sda 100 10 800 50 200 20 4294967000 70 0 90 120\n7 0 loop0 0 0 0 0 0 0 0 0 0 0 0\n9 0 md0 1 0 0 0 0 0 0 0 0 0 0\n";
    let fixture = Fixture::with("io", json!({}), json!({ "device_exclude_re": "d0$" }))
        .file("proc/diskstats", BEFORE)
        .file("sys/block/sda/dm/name", "data\n")
        .file("proc/vmstat", "pgpgin 1000\npgpgout 2000\n");
    let fixture = fixture.run(expect![""]).await;
    fixture
        .file("proc/diskstats", "8 0 sda 130 15 1440 140 250 40 24 270 0 1090 1144\n")
        .file("proc/vmstat", "pgpgin 1320\npgpgout 2160\n")
        .run(expect![[r#"
            system.io.avg_q_sz gauge 0.1 - device:sda,device_label:data,device_name:sda
            system.io.avg_rq_sz gauge 12 - device:sda,device_label:data,device_name:sda
            system.io.await gauge 3.63 millisecond device:sda,device_label:data,device_name:sda
            system.io.block_in gauge 32 kibibyte
            system.io.block_out gauge 16 kibibyte
            system.io.r_await gauge 3 millisecond device:sda,device_label:data,device_name:sda
            system.io.r_s gauge 3 request device:sda,device_label:data,device_name:sda
            system.io.rkb_s gauge 32 kibibyte device:sda,device_label:data,device_name:sda
            system.io.rrqm_s gauge 0.5 request device:sda,device_label:data,device_name:sda
            system.io.svctm gauge 12.5 millisecond device:sda,device_label:data,device_name:sda
            system.io.util gauge 10 percent device:sda,device_label:data,device_name:sda
            system.io.w_await gauge 4 millisecond device:sda,device_label:data,device_name:sda
            system.io.w_s gauge 5 request device:sda,device_label:data,device_name:sda
            system.io.wkb_s gauge 16 kibibyte device:sda,device_label:data,device_name:sda
            system.io.wrqm_s gauge 2 request device:sda,device_label:data,device_name:sda
        "#]])
        .await;
}
