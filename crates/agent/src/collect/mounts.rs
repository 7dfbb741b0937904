//! The table of mounted file systems.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::kernel::{CollectError, KernelFile, Roots};

/// File systems that are no place to store anything, for [`distinct_mounts`].
const EXCLUDED_TYPES: [&str; 2] = ["iso9660", "tracefs"];
/// Reading its usage triggers an automount.
const EXCLUDED_MOUNT: &str = "/proc/sys/fs/binfmt_misc";

/// One mounted file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Device path, or a name such as `tmpfs`.
    pub(crate) device: String,
    /// Where it is mounted.
    pub(crate) point: PathBuf,
    /// Type of the file system.
    pub(super) fs_type: String,
    /// Mount options, comma-separated.
    pub(super) options: String,
}

impl Mount {
    /// Whether a device stands behind it that could be named.
    pub(super) fn has_device(&self) -> bool {
        !self.device.is_empty() && self.device != "none"
    }
}

/// Every mounted file system, in the order of mounting.
pub(super) fn read_mounts(roots: &Roots) -> Result<Vec<Mount>, CollectError> {
    Ok(parse(&roots.read_host_proc("mounts")?.text))
}

/// The mounted file systems that another table names: one of the format of `mounts` or of `mountinfo`.
pub(super) fn read_mounts_from(table: &Path) -> Result<Vec<Mount>, CollectError> {
    Ok(parse(&KernelFile::read(table.to_owned())?.text))
}

/// Mounted file systems, one for each device: a second (bind) mount of a device says the same.
pub(crate) fn distinct_mounts(roots: &Roots) -> Result<Vec<Mount>, CollectError> {
    let mut seen = HashSet::new();
    let wanted = |mount: &Mount| {
        let excluded = EXCLUDED_TYPES.contains(&mount.fs_type.as_str()) || mount.point == Path::new(EXCLUDED_MOUNT);
        !excluded && mount.has_device()
    };
    let mounts = read_mounts(roots)?.into_iter().filter(wanted);
    Ok(mounts.filter(|mount| seen.insert(mount.device.clone())).collect())
}

fn parse(table: &str) -> Vec<Mount> {
    // Blanks in names are escaped: only `mountinfo` has a dash between blanks.
    let parse_line = |line: &str| match line.split_once(" - ") {
        Some((of_mount, of_file_system)) => parse_mountinfo(of_mount, of_file_system),
        None => parse_mounts(line),
    };
    table.lines().filter_map(parse_line).collect()
}

/// `DEVICE POINT TYPE OPTIONS 0 0`.
fn parse_mounts(line: &str) -> Option<Mount> {
    let mut fields = line.split_ascii_whitespace();
    let (device, point, fs_type) = (fields.next()?, fields.next()?, fields.next()?);
    Some(mount(device, point, fs_type, fields.next().unwrap_or_default()))
}

/// `36 35 98:0 ROOT POINT OPTIONS FIELDS… - TYPE DEVICE SUPER_OPTIONS`.
fn parse_mountinfo(of_mount: &str, of_file_system: &str) -> Option<Mount> {
    let mut fields = of_mount.split_ascii_whitespace().skip(4);
    let (point, options) = (fields.next()?, fields.next()?);
    let mut fields = of_file_system.split_ascii_whitespace();
    let (fs_type, device) = (fields.next()?, fields.next()?);
    Some(mount(device, point, fs_type, options))
}

fn mount(device: &str, point: &str, fs_type: &str, options: &str) -> Mount {
    Mount {
        device: unescape(device),
        point: unescape(point).into(),
        fs_type: fs_type.to_owned(),
        options: options.to_owned(),
    }
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
    fn both_formats_say_the_same() {
        let mounts = parse("/dev/sda1 /a\\040b ext4 rw,noatime 0 0\nbroken\n");
        let info = parse("36 35 98:0 / /a\\040b rw,noatime master:1 - ext4 /dev/sda1 rw\n36 35 98:0 / - ext4\n");
        assert_eq!(mounts, [mount("/dev/sda1", "/a b", "ext4", "rw,noatime")]);
        assert_eq!(info, mounts);
    }

    proptest::proptest! {
        #[test]
        fn any_table_is_read_without_a_panic(table: String) {
            parse(&table);
        }
    }
}
