//! The machine's inventory in the form that agents send as `gohai`: cpu, memory, file systems, network, platform.
//! Numbers are strings there, as in the original.

use serde_json::{Map, Value, json};

use super::network;
use crate::collect::Roots;
use crate::collect::distinct_mounts;
use crate::collect::kernel::read_line;

/// Keys of `/proc/cpuinfo` and their names in the inventory.
const CPU_KEYS: [(&str, &str); 7] = [
    ("vendor_id", "vendor_id"),
    ("model name", "model_name"),
    ("cpu family", "family"),
    ("model", "model"),
    ("stepping", "stepping"),
    ("cpu MHz", "mhz"),
    ("cache size", "cache_size"),
];

/// The inventory of the machine; what cannot be read is left out.
pub(super) fn inventory(roots: &Roots, hostname: &str) -> Value {
    json!({
        "cpu": cpu(roots),
        "filesystem": file_systems(roots),
        "memory": memory(roots),
        "network": network::describe(roots),
        "platform": platform(roots, hostname),
    })
}

/// Number of processors, at least 1.
pub(super) fn processors(roots: &Roots) -> usize {
    let cpuinfo = roots.read_proc("cpuinfo").map(|file| file.text).unwrap_or_default();
    cpuinfo.lines().filter(|line| key_of(line) == Some("processor")).count().max(1)
}

/// Model of the first processor, empty when the kernel does not tell.
pub(super) fn processor_model(roots: &Roots) -> String {
    let cpuinfo = roots.read_proc("cpuinfo").map(|file| file.text).unwrap_or_default();
    value_of(&cpuinfo, "model name").unwrap_or_default().to_owned()
}

fn cpu(roots: &Roots) -> Value {
    let cpuinfo = roots.read_proc("cpuinfo").map(|file| file.text).unwrap_or_default();
    let mut cpu = Map::new();
    for (key, name) in CPU_KEYS {
        if let Some(value) = value_of(&cpuinfo, key) {
            cpu.insert(name.into(), json!(value));
        }
    }
    let logical = processors(roots);
    cpu.insert("cpu_logical_processors".into(), json!(logical.to_string()));
    cpu.insert("cpu_cores".into(), json!(physical_cores(&cpuinfo).unwrap_or(logical).to_string()));
    Value::Object(cpu)
}

/// Distinct pairs of socket and core; `None` where the kernel does not tell (most ARM and virtual machines).
fn physical_cores(cpuinfo: &str) -> Option<usize> {
    let of_processor =
        |block: &str| Some((value_of(block, "physical id")?.to_owned(), value_of(block, "core id")?.to_owned()));
    let cores: std::collections::HashSet<_> = cpuinfo.split("\n\n").filter_map(of_processor).collect();
    (!cores.is_empty()).then_some(cores.len())
}

fn key_of(line: &str) -> Option<&str> {
    Some(line.split_once(':')?.0.trim())
}

fn value_of<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let value = |line: &'a str| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim())
    };
    text.lines().find_map(value)
}

fn memory(roots: &Roots) -> Value {
    let Ok(meminfo) = roots.read_proc("meminfo") else { return json!({}) };
    let numbers = meminfo.numbers_by_key();
    let kib = |key: &str| numbers.get(key).map(|kib| format!("{kib}kB"));
    json!({ "total": kib("MemTotal"), "swap_total": kib("SwapTotal") })
}

fn file_systems(roots: &Roots) -> Value {
    let mounts = distinct_mounts(roots).unwrap_or_default();
    let describe = |mount: &crate::collect::Mount| {
        let usage = roots.volumes.usage(&mount.point).ok().filter(|usage| usage.total > 0)?;
        let size = (usage.total / 1024).to_string();
        Some(json!({ "kb_size": size, "mounted_on": mount.point.to_string_lossy(), "name": mount.device }))
    };
    mounts.iter().filter_map(describe).collect()
}

fn platform(roots: &Roots, hostname: &str) -> Value {
    let uname = rustix::system::uname();
    let machine = uname.machine().to_string_lossy();
    let kernel = |file: &str| read_line(&roots.proc.join("sys/kernel").join(file));
    json!({
        "hostname": hostname,
        "kernel_name": kernel("ostype"),
        "kernel_release": kernel("osrelease"),
        "kernel_version": kernel("version"),
        "machine": machine,
        "processor": machine,
        "hardware_platform": machine,
        "os": "GNU/Linux",
        "GOOS": std::env::consts::OS,
        "GOOARCH": std::env::consts::ARCH,
    })
}

/// Name and version of the distribution, from `/etc/os-release`.
pub(super) fn distribution(roots: &Roots) -> (String, String) {
    let text = crate::collect::kernel::KernelFile::read(roots.etc.join("os-release"))
        .map(|file| file.text)
        .unwrap_or_default();
    let field = |name: &str| {
        let value = |line: &str| Some(line.strip_prefix(name)?.strip_prefix('=')?.trim().trim_matches('"').to_owned());
        text.lines().find_map(value).unwrap_or_default()
    };
    (field("ID"), field("VERSION_ID"))
}
