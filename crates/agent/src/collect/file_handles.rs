//! Open files of the whole machine (check `file_handle`).

use super::collector::{Collector, collected};
use super::kernel::CollectError;
use crate::check::{Check, CheckContext, CheckError, Instance, Samples};

#[derive(Debug)]
struct FileHandles;

pub(super) fn make(instance: &Instance, context: &CheckContext) -> Result<Box<dyn Check>, CheckError> {
    Ok(collected(instance, context, FileHandles))
}

impl Collector for FileHandles {
    fn collect(&mut self, context: &CheckContext, out: &mut Samples) -> Result<(), CollectError> {
        let file_nr = context.roots.read_proc("sys/fs/file-nr")?;
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
