//! Which source reads which file: a file is read by one source only, and all of them together keep a bounded number of
//! files open.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::head::FileId;

/// Files that are open.
#[derive(Debug)]
pub(crate) struct OpenFiles {
    limit: usize,
    owners: Mutex<HashMap<FileId, u64>>,
}

/// Why a file cannot be claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unclaimed {
    /// The same source reads it already.
    Own,
    /// Another source reads it.
    Other,
    /// Too many files are open.
    Full,
}

impl OpenFiles {
    /// At most `limit` files that were found by a wildcard.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, owners: Mutex::default() })
    }

    /// Claims a file for a source. Files that are named in full and old parts of rotated ones are opened even when
    /// there are many (`beyond_limit`).
    pub fn claim(self: &Arc<Self>, id: FileId, owner: u64, beyond_limit: bool) -> Result<Claim, Unclaimed> {
        let mut owners = self.owners.lock();
        match owners.get(&id) {
            Some(present) if *present == owner => Err(Unclaimed::Own),
            Some(_) => Err(Unclaimed::Other),
            None if owners.len() >= self.limit && !beyond_limit => Err(Unclaimed::Full),
            None => {
                owners.insert(id, owner);
                Ok(Claim { id, files: Arc::clone(self) })
            }
        }
    }

    /// Whether some source reads a file.
    pub fn is_claimed(&self, id: FileId) -> bool {
        self.owners.lock().contains_key(&id)
    }

    /// Whether no further file may be opened.
    pub fn is_full(&self) -> bool {
        self.owners.lock().len() >= self.limit
    }
}

/// The right to read a file; given back when dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    id: FileId,
    files: Arc<OpenFiles>,
}

impl Claim {
    /// Which file.
    pub fn id(&self) -> FileId {
        self.id
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.files.owners.lock().remove(&self.id);
    }
}
