//! Labels of file systems by their block device, without asking the devices themselves, which only root may.

use std::collections::HashMap;
use std::path::Path;

use super::kernel::{Roots, read_line};

/// Where `blkid` keeps what it found, below the root of the file system.
const BLKID_CACHE: &str = "../run/blkid/blkid.tab";

/// Base name of a device path; what is no path stays.
pub(super) fn device_name(device: &str) -> &str {
    device.rsplit('/').find(|part| !part.is_empty()).unwrap_or(device)
}

/// Labels of block devices by the kernel's name, such as `sda1` or `dm-0`.
#[derive(Debug, Default)]
pub(super) struct Labels(HashMap<String, String>);

impl Labels {
    /// What udev knows (its links `/dev/disk/by-label/LABEL -> ../../sda1`), or else what `blkid` noted.
    pub(super) fn read(roots: &Roots) -> Self {
        let Ok(entries) = std::fs::read_dir(roots.dev.join("disk/by-label")) else {
            return Self::from_cache(&roots.dev.join(BLKID_CACHE), roots);
        };
        let label = |entry: std::fs::DirEntry| {
            let target = std::fs::read_link(entry.path()).ok()?;
            Some((target.file_name()?.to_str()?.to_owned(), unescape(entry.file_name().to_str()?)))
        };
        Self(entries.flatten().filter_map(label).collect())
    }

    /// What `blkid` noted in a file of lines `<device … LABEL="x" …>/dev/sda1</device>`.
    pub(super) fn from_cache(path: &Path, roots: &Roots) -> Self {
        let text = read_line(path).unwrap_or_default();
        let device = |line: &str| {
            let (attributes, rest) = line.trim().strip_prefix("<device ")?.split_once('>')?;
            let device = rest.strip_suffix("</device>")?;
            let (_, label) = attributes.split_once(" LABEL=\"")?;
            Some((kernel_name(roots, device), label.split_once('"')?.0.to_owned()))
        };
        Self(text.lines().filter_map(device).collect())
    }

    /// The label of a device path or of a kernel's name.
    pub(super) fn of(&self, device: &str, roots: &Roots) -> Option<&str> {
        // Most machines have no labels at all.
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&kernel_name(roots, device)).map(String::as_str)
    }
}

/// The kernel's name of a device; `/dev/mapper/data` links to `../dm-0`.
fn kernel_name(roots: &Roots, device: &str) -> String {
    let mapped = device.strip_prefix("/dev/mapper/").and_then(|name| {
        let target = std::fs::read_link(roots.dev.join("mapper").join(name)).ok()?;
        Some(target.file_name()?.to_str()?.to_owned())
    });
    mapped.unwrap_or_else(|| device_name(device).to_owned())
}

/// Udev writes a space in a label as `\x20`.
fn unescape(label: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::MachineVolumes;
    use std::os::unix::fs::symlink;
    use std::sync::Arc;

    #[test]
    fn udev_escapes_are_undone() {
        for (label, expected) in
            [("my\\x20disk", "my disk"), ("plain", "plain"), ("a\\xzz", "a\\xzz"), ("a\\x", "a\\x")]
        {
            assert_eq!(unescape(label), expected);
        }
    }

    #[test]
    fn device_names_are_base_names() {
        assert_eq!(device_name("/dev/sda1"), "sda1");
        assert_eq!(device_name("nas:/export/"), "export");
        assert_eq!(device_name("tmpfs"), "tmpfs");
    }

    #[test]
    fn labels_come_from_udev_or_from_the_notes_of_blkid() {
        let folder = tempfile::tempdir().unwrap();
        let roots = Roots::below(folder.path(), Arc::new(MachineVolumes));
        std::fs::create_dir_all(roots.dev.join("mapper")).unwrap();
        symlink("../dm-0", roots.dev.join("mapper/data")).unwrap();
        std::fs::create_dir_all(folder.path().join("run/blkid")).unwrap();
        let noted = "<device DEVNO=\"0x0801\" LABEL=\"root\" TYPE=\"ext4\">/dev/sda1</device>\nbroken\n\
            <device TYPE=\"swap\">/dev/sda2</device>\n";
        std::fs::write(folder.path().join("run/blkid/blkid.tab"), noted).unwrap();
        let labels = Labels::read(&roots);
        assert_eq!((labels.of("/dev/sda1", &roots), labels.of("/dev/sda2", &roots)), (Some("root"), None));

        std::fs::create_dir_all(roots.dev.join("disk/by-label")).unwrap();
        symlink("../../dm-0", roots.dev.join("disk/by-label/big\\x20one")).unwrap();
        let labels = Labels::read(&roots);
        assert_eq!(labels.of("/dev/mapper/data", &roots), Some("big one"));
        assert_eq!((labels.of("dm-0", &roots), labels.of("sda1", &roots)), (Some("big one"), None));
    }
}
