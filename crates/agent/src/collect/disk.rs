//! How full file systems are and how long block devices were busy (check `disk`, inodes included).

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::diskstats::DeviceCounters;
use super::kernel::{CollectError, Roots, VolumeUsage};
use super::{Collector, Readings};

/// File systems that are no place to store anything.
const EXCLUDED_TYPES: [&str; 2] = ["iso9660", "tracefs"];
/// Reading its usage triggers an automount.
const EXCLUDED_MOUNT: &str = "/proc/sys/fs/binfmt_misc";

/// One line of `/proc/self/mounts`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Device path, or a name such as `tmpfs`.
    pub(crate) device: String,
    /// Where it is mounted.
    pub(crate) point: PathBuf,
    fs_type: String,
}

/// The collector.
#[derive(Debug, Default)]
pub struct Disk {
    /// Mount points that failed in the last run, to report each failure once.
    failing: HashSet<PathBuf>,
}

impl Collector for Disk {
    fn name(&self) -> &'static str {
        "disk"
    }

    fn collect(&mut self, roots: &Roots, out: &mut Readings<'_>) -> Result<(), CollectError> {
        let labels = labels_by_device(roots);
        let mut failing = HashSet::new();
        for mount in distinct_mounts(roots)? {
            let usage = match roots.volumes.usage(&mount.point) {
                Ok(usage) => usage,
                Err(error) => {
                    if !self.failing.contains(&mount.point) {
                        tracing::warn!(%error, mount_point = %mount.point.display(), "file system gives no usage");
                    }
                    failing.insert(mount.point);
                    continue;
                }
            };
            if usage.total > 0 {
                let tags = device_tags(&mount.device, &labels);
                emit_space(&usage, &tags, out);
                emit_inodes(&usage, &tags, out);
            }
        }
        self.failing = failing;
        emit_busy_times(roots, &labels, out);
        Ok(())
    }
}

/// Mounted file systems, one for each device: a second (bind) mount of a device says the same under the same tags.
pub(crate) fn distinct_mounts(roots: &Roots) -> Result<Vec<Mount>, CollectError> {
    let mounts = roots.read_proc("self/mounts")?;
    let mut seen = HashSet::new();
    let wanted = |mount: &Mount| {
        let excluded = EXCLUDED_TYPES.contains(&mount.fs_type.as_str()) || mount.point == Path::new(EXCLUDED_MOUNT);
        !excluded && !mount.device.is_empty() && mount.device != "none"
    };
    Ok(mounts
        .text
        .lines()
        .filter_map(parse_mount)
        .filter(wanted)
        .filter(|mount| seen.insert(mount.device.clone()))
        .collect())
}

fn parse_mount(line: &str) -> Option<Mount> {
    let mut fields = line.split_ascii_whitespace();
    let (device, point, fs_type) = (fields.next()?, fields.next()?, fields.next()?);
    Some(Mount { device: unescape(device), point: unescape(point).into(), fs_type: fs_type.to_owned() })
}

/// Undoes the octal escapes (`\040` for a space) of the mount table.
fn unescape(field: &str) -> String {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let octal = (first == b'\\').then(|| tail.get(..3)).flatten();
        let code = octal.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                rest = &tail[3..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Base name of a device path; what is no path stays.
pub(super) fn device_name(device: &str) -> &str {
    device.rsplit('/').find(|part| !part.is_empty()).unwrap_or(device)
}

fn device_tags(device: &str, labels: &HashMap<String, String>) -> Vec<String> {
    let name = device_name(device);
    let mut tags = vec![format!("device:{device}"), format!("device_name:{name}")];
    if let Some(label) = labels.get(name) {
        tags.extend([format!("label:{label}"), format!("device_label:{label}")]);
    }
    tags
}

/// Labels of block devices by base name, from udev's links `/dev/disk/by-label/LABEL -> ../../sda1`.
pub(super) fn labels_by_device(roots: &Roots) -> HashMap<String, String> {
    let Ok(entries) = std::fs::read_dir(roots.dev.join("disk/by-label")) else { return HashMap::new() };
    let label = |entry: std::fs::DirEntry| {
        let target = std::fs::read_link(entry.path()).ok()?;
        Some((target.file_name()?.to_str()?.to_owned(), unescape_udev(entry.file_name().to_str()?)))
    };
    entries.flatten().filter_map(label).collect()
}

/// Udev writes a space in a label as `\x20`.
fn unescape_udev(label: &str) -> String {
    let mut parts = label.split("\\x");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(u8::is_ascii) {
            Some(code) => {
                text.push(char::from(code));
                text.push_str(&part[2..]);
            }
            None => {
                text.push_str("\\x");
                text.push_str(part);
            }
        }
    }
    text
}

fn emit_space(usage: &VolumeUsage, tags: &[String], out: &mut Readings<'_>) {
    let kib = |bytes: u64| bytes as f64 / 1024.0;
    let used = usage.total.saturating_sub(usage.free);
    out.gauge("system.disk.total", kib(usage.total), tags);
    out.gauge("system.disk.used", kib(used), tags);
    out.gauge("system.disk.free", kib(usage.available), tags);
    // As `df` does: what is reserved for root is neither used nor free.
    let reachable = used.saturating_add(usage.available);
    let in_use = if reachable > 0 { used as f64 / reachable as f64 } else { 0.0 };
    out.gauge("system.disk.in_use", in_use, tags);
    out.gauge("system.disk.utilized", in_use * 100.0, tags);
}

fn emit_inodes(usage: &VolumeUsage, tags: &[String], out: &mut Readings<'_>) {
    if usage.inodes == 0 {
        return;
    }
    let used = usage.inodes.saturating_sub(usage.inodes_free);
    out.gauge("system.fs.inodes.total", usage.inodes as f64, tags);
    out.gauge("system.fs.inodes.used", used as f64, tags);
    out.gauge("system.fs.inodes.free", usage.inodes_free as f64, tags);
    let in_use = used as f64 / usage.inodes as f64;
    out.gauge("system.fs.inodes.in_use", in_use, tags);
    out.gauge("system.fs.inodes.utilized", in_use * 100.0, tags);
}

fn emit_busy_times(roots: &Roots, labels: &HashMap<String, String>, out: &mut Readings<'_>) {
    // Machines without block devices (some containers) have no such file.
    let Ok(diskstats) = roots.read_proc("diskstats") else { return };
    for device in DeviceCounters::parse_all(&diskstats.text) {
        let tags = device_tags(device.name, labels);
        out.monotonic_count("system.disk.read_time", device.read_ms as f64, &tags);
        out.monotonic_count("system.disk.write_time", device.write_ms as f64, &tags);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_the_mount_table_are_undone() {
        for (field, expected) in
            [("/a\\040b", "/a b"), ("/a\\134b", "/a\\b"), ("/a\\0", "/a\\0"), ("/a\\999", "/a\\999")]
        {
            assert_eq!(unescape(field), expected);
        }
    }

    #[test]
    fn udev_escapes_are_undone() {
        for (label, expected) in
            [("my\\x20disk", "my disk"), ("plain", "plain"), ("a\\xzz", "a\\xzz"), ("a\\x", "a\\x")]
        {
            assert_eq!(unescape_udev(label), expected);
        }
    }

    #[test]
    fn device_names_are_base_names() {
        assert_eq!(device_name("/dev/sda1"), "sda1");
        assert_eq!(device_name("nas:/export/"), "export");
        assert_eq!(device_name("tmpfs"), "tmpfs");
    }
}
