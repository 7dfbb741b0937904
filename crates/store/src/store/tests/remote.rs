//! A store in an object store, behind its cache.

use std::io::Write;

use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use object_store::path::Path as ObjectPath;

use super::*;

struct Fixture {
    cache: tempfile::TempDir,
    objects: Arc<InMemory>,
}

impl Fixture {
    fn new() -> Self {
        Self { cache: tempfile::tempdir().unwrap(), objects: Arc::new(InMemory::new()) }
    }

    fn open(&self, cache_bytes: u64) -> SegmentStore {
        let objects: Arc<dyn ObjectStore> = Arc::<InMemory>::clone(&self.objects);
        SegmentStore::remote(objects, self.cache.path(), cache_bytes, Arc::new(SystemClock::new())).unwrap()
    }

    async fn overwrite(&self, path: &str, content: &[u8]) {
        let content = Bytes::copy_from_slice(content);
        self.objects.put(&ObjectPath::from(path), content.into()).await.unwrap();
    }

    fn forget_cached(&self) {
        for file in all_files(self.cache.path()) {
            std::fs::remove_file(file).unwrap();
        }
    }
}

#[tokio::test]
async fn files_are_fetched_once_and_served_from_the_cache() {
    let fixture = Fixture::new();
    let content: Vec<u8> = (0..5_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let mut writer = fixture.open(0).create("data", &path_of(1)).unwrap();
    writer.write_all(&content).unwrap();
    let large = writer.finish().await.unwrap(); // in several parts
    let small = put(&fixture.open(0), 2, b"small").await;
    let in_objects = fixture.objects.get(&ObjectPath::from(large.path.as_str())).await.unwrap().bytes().await.unwrap();
    assert_eq!(in_objects, content);

    fixture.forget_cached();
    let store = fixture.open(1 << 30);
    assert!(store.open_local(&large).unwrap().is_none());
    assert_eq!(store.open(&large).await.unwrap().read_verified().unwrap(), content);
    assert!(store.open_local(&large).unwrap().is_some());
    store.open(&small).await.unwrap();
    fixture.objects.delete(&ObjectPath::from(large.path.as_str())).await.unwrap();
    let restarted = fixture.open(1 << 30);
    assert_eq!(restarted.open(&large).await.unwrap().len(), 20_000_000, "from the cache of the process before");
    let listed = restarted.list("metrics").await.unwrap();
    assert_eq!(listed.iter().map(|file| &file.path).collect::<Vec<_>>(), [&small.path]);
}

#[tokio::test]
async fn the_cache_keeps_to_its_bound_and_what_was_used_last() {
    let fixture = Fixture::new();
    let store = fixture.open(2500);
    let mut files = Vec::new();
    for number in 0..3_u8 {
        files.push(put(&store, number.into(), &[number; 1000]).await);
    }
    let cached = |store: &SegmentStore| -> Vec<bool> {
        files.iter().map(|file| store.open_local(file).unwrap().is_some()).collect()
    };
    assert_eq!(cached(&store), [false, true, true]);
    let held = store.open(&files[1]).await.unwrap();
    store.open(&files[2]).await.unwrap();
    store.open(&files[0]).await.unwrap();
    assert_eq!(cached(&store), [true, false, true]);
    assert_eq!(held.read_verified().unwrap(), vec![1; 1000], "evicted, and still read by who holds it");
    assert_eq!(all_files(fixture.cache.path()).len(), 2);
    fixture.open(1500);
    assert_eq!(all_files(fixture.cache.path()).len(), 1, "a smaller bound holds at once");
    assert_eq!(fixture.open(0).open(&files[0]).await.unwrap().len(), 1000, "larger than the whole cache");
}

#[tokio::test]
async fn a_damaged_cache_is_fetched_again_and_a_damaged_object_is_named() {
    let fixture = Fixture::new();
    let file = put(&fixture.open(1 << 20), 1, b"0123456789").await;
    for bad in [&b"0123456780"[..], b"01234", b""] {
        std::fs::write(fixture.cache.path().join(&file.path), bad).unwrap();
        let store = fixture.open(1 << 20);
        assert_eq!(store.open(&file).await.unwrap().read_verified().unwrap(), "0123456789");
    }
    for bad in [&b"0123456780"[..], b"01234", b"", b"0123456789 and more"] {
        fixture.overwrite(&file.path, bad).await;
        fixture.forget_cached();
        let store = fixture.open(1 << 20);
        let error = store.open(&file).await.unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{bad:?}: {error:?}");
        assert_eq!(all_files(fixture.cache.path()), Vec::<PathBuf>::new(), "nothing bad is cached");
    }
    let store = fixture.open(1 << 20);
    store.delete(&file).await.unwrap();
    store.delete(&file).await.unwrap();
    let error = store.open(&file).await.unwrap_err();
    assert!(matches!(error, StoreError::Missing { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_readers_fetch_a_file_once() {
    let fixture = Fixture::new();
    let file = put(&fixture.open(0), 1, &[7; 100_000]).await;
    fixture.forget_cached();
    let store = fixture.open(1 << 20);
    let readers: Vec<_> = (0..32)
        .map(|_| {
            let (store, file) = (store.clone(), file.clone());
            tokio::spawn(async move { store.open(&file).await.unwrap() })
        })
        .collect();
    let mut handles = Vec::new();
    for reader in readers {
        handles.push(reader.await.unwrap());
    }
    assert!(handles.iter().all(|handle| Arc::ptr_eq(handle, &handles[0])));
}

#[tokio::test]
async fn garbage_of_the_object_store_is_collected() {
    let fixture = Fixture::new();
    let named = put(&fixture.open(0), 1, b"named").await;
    let orphan = put(&fixture.open(0), 2, b"orphan").await;
    let names = HashSet::from([named.path.clone()]);
    let store = fixture.open(1 << 20);
    let collected = store.collect_garbage("metrics", &names, Duration::ZERO).await.unwrap();
    assert_eq!(collected, Garbage { files: 1, bytes: 6 });
    assert!(store.open(&orphan).await.is_err());
    store.open(&named).await.unwrap();
}
