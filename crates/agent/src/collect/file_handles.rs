//! Open files of the whole machine (check `file_handle`).

use super::{CollectError, Collector, Readings, Roots};

/// The collector.
#[derive(Debug, Default)]
pub struct FileHandles;

impl Collector for FileHandles {
    fn name(&self) -> &'static str {
        "file_handle"
    }

    fn collect(&mut self, roots: &Roots, out: &mut Readings<'_>) -> Result<(), CollectError> {
        let file_nr = roots.read_proc("sys/fs/file-nr")?;
        let fields: Vec<f64> = file_nr.text.split_ascii_whitespace().filter_map(|field| field.parse().ok()).collect();
        let &[allocated, unused, max] = fields.as_slice() else {
            return Err(file_nr.broken("not three numbers"));
        };
        out.gauge("system.fs.file_handles.allocated", allocated, &[]);
        out.gauge("system.fs.file_handles.allocated_unused", unused, &[]);
        out.gauge("system.fs.file_handles.max", max, &[]);
        out.gauge("system.fs.file_handles.used", allocated - unused, &[]);
        if max > 0.0 {
            out.gauge("system.fs.file_handles.in_use", (allocated - unused) / max, &[]);
        }
        Ok(())
    }
}
