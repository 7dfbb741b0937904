//! What the store promises.

mod local;
mod remote;

use std::path::PathBuf;

use galgo_core::{ManualClock, SystemClock};

use super::*;
use crate::segment::{SegmentId, SegmentMeta};

fn path_of(number: u128) -> String {
    SegmentMeta::path_of("metrics", "raw", 7200, SegmentId::from_u128(number), "data")
}

async fn put(store: &SegmentStore, number: u128, content: &[u8]) -> SegmentFile {
    store.put("data", &path_of(number), Bytes::copy_from_slice(content)).await.unwrap()
}

fn all_files(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut dirs = vec![root.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { dirs.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}
