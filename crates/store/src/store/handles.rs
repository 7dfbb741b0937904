//! Open files, kept so that queries over the same segments need not open them again.

use std::collections::HashMap;
use std::sync::Arc;

use super::LocalFile;

/// Most files that are kept open while nobody reads them: well below the usual limit of 1024 a process.
const MAX_HANDLES: usize = 256;

/// The open files, by path.
#[derive(Debug, Default)]
pub struct Handles {
    open: HashMap<String, (Arc<LocalFile>, u64)>,
    uses: u64,
}

impl Handles {
    pub fn get(&mut self, path: &str) -> Option<Arc<LocalFile>> {
        self.uses += 1;
        let (file, used) = self.open.get_mut(path)?;
        *used = self.uses;
        Some(Arc::clone(file))
    }

    /// Keeps a file; when another caller was faster, answers that one's handle.
    pub fn put(&mut self, file: LocalFile) -> Arc<LocalFile> {
        if let Some(open) = self.get(file.path()) {
            return open;
        }
        if self.open.len() >= MAX_HANDLES
            && let Some(oldest) = self.open.iter().min_by_key(|(_, (_, used))| *used).map(|(path, _)| path.clone())
        {
            self.open.remove(&oldest);
        }
        let file = Arc::new(file);
        self.open.insert(file.path().to_owned(), (Arc::clone(&file), self.uses));
        file
    }

    pub fn forget(&mut self, path: &str) {
        self.open.remove(path);
    }
}
