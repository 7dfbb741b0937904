//! How full file systems are and how long block devices were busy (check `disk`, inodes included).

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use galgo_core::check::CheckStatus;

use super::collector::tagged;
use super::disk_options::{DiskOptions, LabelSource};
use super::diskstats::DeviceCounters;
use super::kernel::{CollectError, Roots, VolumeUsage};
use super::labels::{Labels, device_name};
use super::mounts::{Mount, read_mounts, read_mounts_from};
use super::volumes::VolumeWatch;
use crate::check::{Check, CheckContext, CheckError, Instance, Samples};

#[derive(Debug)]
struct Disk {
    shared: Arc<Shared>,
    watch: VolumeWatch,
    /// Mount points that said nothing in the last run, to report each once.
    silent: HashSet<PathBuf>,
}

#[derive(Debug)]
struct Shared {
    options: DiskOptions,
    roots: Roots,
}

/// What the kernel's files say at one moment.
#[derive(Debug)]
struct Surroundings {
    mounts: Vec<Mount>,
    labels: Labels,
    /// `diskstats`; empty on machines without block devices (some containers).
    diskstats: String,
}

pub(super) fn make(instance: &Instance, context: &CheckContext) -> Result<Box<dyn Check>, CheckError> {
    let roots = context.roots.clone();
    let watch = VolumeWatch::new(Arc::clone(&roots.volumes));
    let shared = Arc::new(Shared { options: DiskOptions::new(instance)?, roots });
    Ok(tagged(instance, Disk { shared, watch, silent: HashSet::new() }))
}

#[async_trait]
impl Check for Disk {
    fn version(&self) -> String {
        crate::VERSION.to_owned()
    }

    async fn run(&mut self, out: &mut Samples) -> Result<(), CheckError> {
        let shared = Arc::clone(&self.shared);
        let read = tokio::task::spawn_blocking(move || shared.read()).await;
        let surroundings = read.map_err(|error| CheckError::new(format!("the measuring task broke: {error}")))??;
        self.submit_usages(&surroundings, out).await;
        self.shared.submit_busy_times(&surroundings, out);
        Ok(())
    }
}

impl Disk {
    async fn submit_usages(&mut self, surroundings: &Surroundings, out: &mut Samples) {
        let options = &self.shared.options;
        let mut seen = HashSet::new();
        let points = surroundings.mounts.iter().map(|mount| mount.point.clone());
        let points = points.filter(|point| seen.insert(point.clone())).collect();
        let usages = self.watch.usages(points, options.timeout).await;
        let mut silent = HashSet::new();
        for mount in &surroundings.mounts {
            match usages.get(&mount.point) {
                Some(Ok(usage)) if usage.total > 0 && usage.total as f64 >= options.min_bytes => {
                    self.shared.submit_mount(mount, usage, &surroundings.labels, out);
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    if silent.insert(mount.point.clone()) && !self.silent.contains(&mount.point) {
                        tracing::warn!(%error, mount_point = %mount.point.display(), "file system gives no usage");
                    }
                }
                // It hangs since an earlier run, which was told then.
                None => drop(silent.insert(mount.point.clone())),
            }
        }
        self.silent = silent;
    }
}

impl Shared {
    fn read(&self) -> Result<Surroundings, CollectError> {
        let mounts = match &self.options.mount_table {
            Some(table) => read_mounts_from(table)?,
            None => read_mounts(&self.roots)?,
        };
        let physical = if self.options.include_all_devices { None } else { Some(physical_types(&self.roots)?) };
        let wanted = |mount: &Mount| {
            physical.as_ref().is_none_or(|types| types.contains(&mount.fs_type)) && self.options.wants(mount)
        };
        let labels = match &self.options.labels {
            LabelSource::None => Labels::default(),
            LabelSource::Udev => Labels::read(&self.roots),
            LabelSource::Cache(path) => Labels::from_cache(path, &self.roots),
        };
        let diskstats = self.roots.read_proc("diskstats").map(|file| file.text).unwrap_or_default();
        Ok(Surroundings { mounts: mounts.into_iter().filter(wanted).collect(), labels, diskstats })
    }

    fn submit_mount(&self, mount: &Mount, usage: &VolumeUsage, labels: &Labels, out: &mut Samples) {
        let options = &self.options;
        let shown = if options.use_mount { mount.point.to_string_lossy() } else { mount.device.as_str().into() };
        let mut tags = self.device_tags(&shown, &mount.device, labels);
        if options.tag_by_filesystem {
            tags.extend([mount.fs_type.clone(), format!("filesystem:{}", mount.fs_type)]);
        }
        submit_space(usage, &tags, out);
        submit_inodes(usage, &tags, out);
        if options.service_check_rw {
            out.service_check("disk.read_write", writability(&mount.options), &tags, "");
        }
    }

    /// `shown` is what the tag `device` says: the device or the mount point.
    fn device_tags(&self, shown: &str, device: &str, labels: &Labels) -> Vec<String> {
        let lower = self.options.lowercase_device_tag.then(|| shown.to_lowercase());
        let mut tags = vec![
            format!("device:{}", lower.as_deref().unwrap_or(shown)),
            format!("device_name:{}", device_name(device)),
        ];
        for (pattern, extra) in &self.options.device_tags {
            if pattern.matches(shown) {
                tags.extend_from_slice(extra);
            }
        }
        if let Some(label) = labels.of(device, &self.roots) {
            tags.extend([format!("label:{label}"), format!("device_label:{label}")]);
        }
        tags
    }

    fn submit_busy_times(&self, surroundings: &Surroundings, out: &mut Samples) {
        for device in DeviceCounters::parse_all(&surroundings.diskstats) {
            let tags = self.device_tags(device.name, device.name, &surroundings.labels);
            let (read_ms, write_ms) = (device.read_ms as f64, device.write_ms as f64);
            out.monotonic_count("system.disk.read_time", read_ms, &tags);
            out.monotonic_count("system.disk.write_time", write_ms, &tags);
            // Not what the names say (several requests run at a time); dashboards are built on them.
            out.rate("system.disk.read_time_pct", read_ms * 100.0 / 1000.0, &tags);
            out.rate("system.disk.write_time_pct", write_ms * 100.0 / 1000.0, &tags);
        }
    }
}

/// Types of file systems that live on a device.
fn physical_types(roots: &Roots) -> Result<HashSet<String>, CollectError> {
    let known = roots.read_proc("filesystems")?;
    let on_device = known.text.lines().filter(|line| !line.starts_with("nodev")).map(|line| line.trim().to_owned());
    // ZFS manages its devices itself and is marked as if it had none.
    Ok(on_device.chain(["zfs".to_owned()]).collect())
}

fn writability(options: &str) -> CheckStatus {
    match options.split(',').find(|option| matches!(*option, "rw" | "ro")) {
        Some("rw") => CheckStatus::Ok,
        Some(_) => CheckStatus::Critical,
        None => CheckStatus::Unknown,
    }
}

fn submit_space(usage: &VolumeUsage, tags: &[String], out: &mut Samples) {
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

fn submit_inodes(usage: &VolumeUsage, tags: &[String], out: &mut Samples) {
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
