//! The description of a host on a fixture tree.

use std::path::Path;
use std::sync::Arc;

use expect_test::expect;
use serde_json::Value;

use super::*;
use crate::collect::{Roots, VolumeUsage, Volumes};

#[derive(Debug)]
struct OneSize;

impl Volumes for OneSize {
    fn usage(&self, _: &Path) -> std::io::Result<VolumeUsage> {
        Ok(VolumeUsage { total: 1_024_000, free: 0, available: 0, inodes: 0, inodes_free: 0 })
    }
}

fn fixture(files: &[(&str, &str)]) -> (tempfile::TempDir, Roots) {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let roots = Roots::below(folder.path(), Arc::new(OneSize));
    (folder, roots)
}

#[test]
fn the_name_is_the_first_usable_one() {
    let (folder, roots) = fixture(&[
        ("named", "from-file\n"),
        ("proc/sys/kernel/hostname", "localhost\n"),
        ("etc/hostname", "from-etc\n"),
        ("etc/machine-id", "0123456789abcdef0123456789abcdef\n"),
    ]);
    let file = folder.path().join("named");
    let name = |configured, file: Option<&Path>| {
        let found = detect(configured, file, &roots);
        (found.name, found.source)
    };
    assert_eq!(name(Some("web-1"), Some(&file)), ("web-1".into(), HostNameSource::Configuration));
    assert_eq!(name(Some("not valid"), Some(&file)), ("from-file".into(), HostNameSource::File));
    assert_eq!(name(None, None), ("from-etc".into(), HostNameSource::EtcHostname));
    std::fs::write(folder.path().join("proc/sys/kernel/hostname"), "kernel-name\n").unwrap();
    assert_eq!(name(None, None), ("kernel-name".into(), HostNameSource::Os));
    for gone in ["proc/sys/kernel/hostname", "etc/hostname"] {
        std::fs::remove_file(folder.path().join(gone)).unwrap();
    }
    assert_eq!(name(None, None), ("host-0123456789ab".into(), HostNameSource::MachineId));
    std::fs::remove_file(folder.path().join("etc/machine-id")).unwrap();
    assert_eq!(name(None, None), ("localhost".into(), HostNameSource::Fallback));
}

#[test]
fn the_full_name_is_taken_when_asked_for() {
    let (folder, roots) = fixture(&[
        ("proc/sys/kernel/hostname", "web-1\n"),
        ("proc/sys/kernel/domainname", "(none)\n"),
        (
            "etc/hosts",
            "127.0.0.1 localhost\n# 10.0.0.1 web-1.old web-1\n127.0.1.1 web-1.example.org web-1 # this host\n",
        ),
    ]);
    let name = |fqdn, configured: Option<&str>| {
        let rules = HostNameRules { configured: configured.map(str::to_owned), file: None, fqdn };
        let found = detect_by(&rules, &roots);
        (found.name, found.source.name())
    };
    assert_eq!(name(false, None), ("web-1".into(), "os"));
    assert_eq!(name(true, None), ("web-1.example.org".into(), "fqdn"));
    assert_eq!(name(true, Some("own")), ("own".into(), "configuration"));
    std::fs::write(folder.path().join("etc/hosts"), "127.0.0.1 localhost web-1\n").unwrap();
    assert_eq!(name(true, None), ("web-1".into(), "os"));
    std::fs::write(folder.path().join("proc/sys/kernel/domainname"), "example.net\n").unwrap();
    assert_eq!(name(true, None), ("web-1.example.net".into(), "fqdn"));
    std::fs::write(folder.path().join("proc/sys/kernel/hostname"), "a.example\n").unwrap();
    assert_eq!(name(true, None), ("a.example".into(), "fqdn"));
}

#[test]
fn a_host_is_described() {
    let (_folder, roots) = fixture(&[
        (
            "proc/cpuinfo",
            "processor : 0\nmodel name : Fast CPU\nphysical id : 0\ncore id : 0\n\nprocessor : 1\nphysical id : 0\ncore id : 0\n",
        ),
        ("proc/meminfo", "MemTotal: 2048 kB\nSwapTotal: 0 kB\n"),
        ("proc/mounts", "/dev/sda1 / ext4 rw 0 0\n"),
        (
            "proc/net/route",
            "Iface Destination Gateway Flags RefCnt Use Metric Mask\neth0 00000000 010200C0 3 0 0 0 00000000\neth0 000200C0 00000000 1 0 0 0 00FFFFFF\n",
        ),
        (
            "proc/net/fib_trie",
            "Main:\n |-- 127.0.0.1\n    /32 host LOCAL\n |-- 192.0.2.2\n    /32 host LOCAL\n |-- 192.0.2.255\n    /32 link BROADCAST\n",
        ),
        (
            "proc/net/if_inet6",
            "00000000000000000000000000000001 01 80 10 80 lo\nfe8000000000000000fc00fffe000001 04 40 20 80 eth0\nfd000000000000000000000000000002 04 40 00 82 eth0\n",
        ),
        ("sys/class/net/eth0/address", "00:00:5e:00:53:01\n"),
        ("proc/sys/kernel/ostype", "Linux\n"),
        ("proc/sys/kernel/osrelease", "6.1.0\n"),
        ("proc/sys/kernel/version", "#1 SMP\n"),
        ("proc/sys/kernel/hostname", "kernel-name\n"),
        ("etc/os-release", "NAME=\"Debian GNU/Linux\"\nID=debian\nVERSION_ID=\"13\"\n"),
    ]);
    let host = HostDescription {
        hostname: "web-1".into(),
        aliases: vec!["alias".into()],
        tags: vec!["Team:Core".into(), "a".into()],
        env: "prod".into(),
    };
    let mut payload = describe(&host, &roots);
    assert_eq!(payload["host-tags"]["system"], serde_json::json!(["a", "env:prod", "team:core"]));
    assert_eq!(payload["systemStats"]["cpuCores"], 2);
    assert_eq!(payload["systemStats"]["nixV"][0], "debian");
    assert_eq!(payload["meta"]["socket-hostname"], "kernel-name");
    let text = payload["gohai"].take();
    let mut gohai: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
    let platform = gohai["platform"].as_object_mut().unwrap();
    for of_the_testing_machine in ["machine", "processor", "hardware_platform", "GOOARCH", "GOOS"] {
        assert!(platform.remove(of_the_testing_machine).is_some());
    }
    expect![[r##"
        {
          "cpu": {
            "model_name": "Fast CPU",
            "cpu_logical_processors": "2",
            "cpu_cores": "1"
          },
          "filesystem": [
            {
              "kb_size": "1000",
              "mounted_on": "/",
              "name": "/dev/sda1"
            }
          ],
          "memory": {
            "total": "2048kB",
            "swap_total": "0kB"
          },
          "network": {
            "ipaddress": "192.0.2.2",
            "macaddress": "00:00:5e:00:53:01",
            "ipaddressv6": "fd00::2",
            "interfaces": [
              {
                "name": "eth0",
                "macaddress": "00:00:5e:00:53:01",
                "ipv4": [
                  "192.0.2.2"
                ],
                "ipv4-network": "192.0.2.0/24",
                "ipv6": [
                  "fe80::fc:ff:fe00:1",
                  "fd00::2"
                ],
                "ipv6-network": "fe80::/64"
              }
            ]
          },
          "platform": {
            "hostname": "web-1",
            "kernel_name": "Linux",
            "kernel_release": "6.1.0",
            "kernel_version": "#1 SMP",
            "os": "GNU/Linux"
          }
        }"##]]
    .assert_eq(&serde_json::to_string_pretty(&gohai).unwrap());
}
