//! Options of the check `disk`, older names of them included.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::mounts::Mount;
use super::options::Options;
use super::pattern::{At, Filter, Pattern, patterns};
use crate::check::{CheckError, Instance};

const BYTES_PER_MIB: f64 = 1024.0 * 1024.0;

/// File systems that are no place to store anything, unless `file_system_global_exclude` says otherwise.
const NO_STORAGE: [&str; 2] = ["iso9660$", "tracefs$"];

/// Asking for its usage triggers an automount; `mount_point_global_exclude` may say otherwise.
const AUTOMOUNTED: [&str; 1] = ["(/host)?/proc/sys/fs/binfmt_misc$"];

/// Where labels of devices come from.
#[derive(Debug)]
pub(super) enum LabelSource {
    /// They are not wanted.
    None,
    /// From udev's links; also for `use_lsblk`, which reads the same.
    Udev,
    /// From a file of `blkid`.
    Cache(PathBuf),
}

/// What one instance asks for.
#[derive(Debug)]
pub(super) struct DiskOptions {
    /// Whether the tag `device` names the mount point.
    pub(super) use_mount: bool,
    /// Whether file systems without a device's name count too.
    all_partitions: bool,
    /// Whether file systems that live in memory count too.
    pub(super) include_all_devices: bool,
    pub(super) tag_by_filesystem: bool,
    pub(super) labels: LabelSource,
    /// Whether the service check `disk.read_write` is wanted.
    pub(super) service_check_rw: bool,
    pub(super) lowercase_device_tag: bool,
    /// Smaller file systems are left out.
    pub(super) min_bytes: f64,
    /// Longest that one file system is waited for.
    pub(super) timeout: Duration,
    /// Another table of mounts than the kernel's own.
    pub(super) mount_table: Option<PathBuf>,
    /// Tags of devices (or mount points) that match.
    pub(super) device_tags: Vec<(Pattern, Vec<String>)>,
    devices: Filter,
    file_systems: Filter,
    mount_points: Filter,
}

impl DiskOptions {
    /// The options of an instance.
    pub(super) fn new(instance: &Instance) -> Result<Self, CheckError> {
        let own = Options::of(instance);
        Ok(Self {
            use_mount: own.flag("use_mount", false)?,
            all_partitions: own.flag("all_partitions", false)?,
            include_all_devices: own.flag("include_all_devices", true)?,
            tag_by_filesystem: own.flag("tag_by_filesystem", false)?,
            labels: label_source(&own)?,
            service_check_rw: own.flag("service_check_rw", false)?,
            lowercase_device_tag: own.flag("lowercase_device_tag", false)?,
            min_bytes: own.number("min_disk_size", 0.0)? * BYTES_PER_MIB,
            timeout: own.seconds("timeout", 5.0)?,
            mount_table: own.text("proc_mountinfo_path")?.map(PathBuf::from),
            device_tags: device_tags(&own)?,
            devices: devices(instance)?,
            file_systems: file_systems(instance)?,
            mount_points: mount_points(instance)?,
        })
    }

    /// Whether a file system is to be measured, its type's device apart.
    pub(super) fn wants(&self, mount: &Mount) -> bool {
        let device = if mount.has_device() { self.devices.passes(&mount.device) } else { self.all_partitions };
        let point = mount.point.to_string_lossy();
        // The kernel appends this to mount points whose folder is gone.
        let point = point.strip_suffix(" (deleted)").unwrap_or(&point);
        device && self.file_systems.passes(&mount.fs_type) && self.mount_points.passes(point)
    }
}

fn label_source(own: &Options<'_>) -> Result<LabelSource, CheckError> {
    let cache = own.text("blkid_cache_file")?.map(PathBuf::from);
    if own.flag("use_lsblk", false)? && cache.is_some() {
        return Err(own.refuse("use_lsblk", "off when blkid_cache_file is given", &Value::Bool(true)));
    }
    Ok(match cache {
        _ if !own.flag("tag_by_label", true)? => LabelSource::None,
        Some(path) => LabelSource::Cache(path),
        None => LabelSource::Udev,
    })
}

fn devices(instance: &Instance) -> Result<Filter, CheckError> {
    let (own, init) = (Options::of(instance), Options::init(instance));
    let mut exclude = patterns(&own, &["device_exclude", "device_blacklist", "excluded_disk_re"], At::Start, false)?;
    exclude.extend(patterns(&own, &["excluded_disks"], At::Whole, false)?);
    exclude.extend(patterns(&init, &["device_global_exclude", "device_global_blacklist"], At::Start, false)?);
    Ok(Filter { include: patterns(&own, &["device_include", "device_whitelist"], At::Start, false)?, exclude })
}

fn file_systems(instance: &Instance) -> Result<Filter, CheckError> {
    let own = Options::of(instance);
    let mut exclude = patterns(&own, &["file_system_exclude", "file_system_blacklist"], At::Start, true)?;
    exclude.extend(patterns(&own, &["excluded_filesystems"], At::Whole, true)?);
    let keys = ["file_system_global_exclude", "file_system_global_blacklist"];
    exclude.extend(global(instance, keys, &NO_STORAGE, true)?);
    Ok(Filter { include: patterns(&own, &["file_system_include", "file_system_whitelist"], At::Start, true)?, exclude })
}

fn mount_points(instance: &Instance) -> Result<Filter, CheckError> {
    let own = Options::of(instance);
    let keys = ["mount_point_exclude", "mount_point_blacklist", "excluded_mountpoint_re"];
    let mut exclude = patterns(&own, &keys, At::Start, false)?;
    let keys = ["mount_point_global_exclude", "mount_point_global_blacklist"];
    exclude.extend(global(instance, keys, &AUTOMOUNTED, false)?);
    Ok(Filter {
        include: patterns(&own, &["mount_point_include", "mount_point_whitelist"], At::Start, false)?,
        exclude,
    })
}

/// Expressions of the whole file, or those that hold when the file names none.
fn global(instance: &Instance, keys: [&str; 2], defaults: &[&str], any_case: bool) -> Result<Vec<Pattern>, CheckError> {
    let init = Options::init(instance);
    if keys.iter().any(|key| init.get(key).is_some()) {
        return patterns(&init, &keys, At::Start, any_case);
    }
    defaults.iter().map(|text| Pattern::new(&init, keys[0], text, At::Start, any_case)).collect()
}

/// `device_tag_re`: a map from an expression to comma-separated tags.
fn device_tags(own: &Options<'_>) -> Result<Vec<(Pattern, Vec<String>)>, CheckError> {
    const KEY: &str = "device_tag_re";
    let Some(value) = own.get(KEY) else { return Ok(Vec::new()) };
    let expected = "a map from expressions to comma-separated tags";
    let map = value.as_object().ok_or_else(|| own.refuse(KEY, expected, value))?;
    let mut all = Vec::new();
    for (text, tags) in map {
        let tags = tags.as_str().ok_or_else(|| own.refuse(KEY, expected, value))?;
        let tags = tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
        all.push((Pattern::new(own, KEY, text, At::Start, false)?, tags));
    }
    Ok(all)
}
