//! A store in a local directory.

use std::io::Write;

use super::*;
use crate::testing::{Fault, FaultyFileSystem, Operation};

struct Fixture {
    dir: tempfile::TempDir,
    fs: FaultyFileSystem,
    store: SegmentStore,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let fs = FaultyFileSystem::new();
        let store = SegmentStore::local_on(Arc::new(fs.clone()), dir.path(), Arc::new(SystemClock::new())).unwrap();
        Self { dir, fs, store }
    }

    /// The same directory as a later process finds it.
    fn reopened(&self) -> SegmentStore {
        SegmentStore::local(self.dir.path(), Arc::new(SystemClock::new())).unwrap()
    }
}

#[tokio::test]
async fn files_read_back() {
    let fixture = Fixture::new();
    let content: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let file = put(&fixture.store, 1, &content).await;
    assert_eq!((file.name.as_str(), file.bytes, file.crc32c), ("data", 400_000, crc32c::crc32c(&content)));
    let empty = put(&fixture.store, 2, b"").await;
    for store in [fixture.store.clone(), fixture.reopened()] {
        let open = store.open(&file).await.unwrap();
        assert_eq!(open.len(), 400_000);
        assert_eq!(open.read_at(0, 400_000).unwrap(), content);
        assert_eq!(open.read_at(399_990, 10).unwrap(), content[399_990..]);
        assert_eq!(open.read_at(400_000, 0).unwrap(), Bytes::new());
        assert_eq!(open.read_verified().unwrap(), content);
        open.verify().unwrap();
        assert!(store.open(&empty).await.unwrap().is_empty());
        let listed: Vec<_> = store.list("metrics/raw").await.unwrap();
        let expected = [(file.path.as_str(), 400_000), (&empty.path, 0)];
        assert_eq!(listed.iter().map(|file| (file.path.as_str(), file.bytes)).collect::<Vec<_>>(), expected);
        assert_eq!(store.list("").await.unwrap(), listed);
        assert_eq!(store.list("metrics/other").await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_file_appears_only_when_finished_and_durably() {
    let fixture = Fixture::new();
    let mut writer = fixture.store.create("data", &path_of(1)).unwrap();
    let mut content = Vec::new();
    for number in 0..100_000_u32 {
        let line = format!("line {number}\n");
        writer.write_all(line.as_bytes()).unwrap();
        content.extend_from_slice(line.as_bytes());
        if number == 70_000 {
            writer.write_all(&[b'x'; 700_000]).unwrap();
            content.extend_from_slice(&[b'x'; 700_000]);
        }
    }
    assert_eq!(writer.bytes(), content.len() as u64);
    assert_eq!(fixture.store.list("").await.unwrap(), []);
    let before = fixture.fs.history().len();
    let file = writer.finish().await.unwrap();
    assert_eq!(file.crc32c, crc32c::crc32c(&content));
    assert_eq!(fixture.store.open(&file).await.unwrap().read_verified().unwrap(), content);
    // Three new directories are synced above each other; then content, name, directory, in this order.
    let history: Vec<_> = fixture.fs.history()[before..].to_vec();
    let durable = [Operation::Append, Operation::Sync, Operation::SyncDir, Operation::SyncDir, Operation::SyncDir];
    assert_eq!(history[..5], durable);
    assert_eq!(history[5..7], [Operation::Rename, Operation::SyncDir]);

    drop(fixture.store.create("data", &path_of(2)).unwrap());
    assert_eq!(all_files(fixture.dir.path()).len(), 1, "an abandoned file leaves nothing");
}

#[tokio::test]
async fn every_fault_is_an_error_that_names_the_file_and_leaves_nothing() {
    for operation in [Operation::Create, Operation::Append, Operation::Sync, Operation::Rename, Operation::SyncDir] {
        for fault in [Fault::Io, Fault::Full] {
            let fixture = Fixture::new();
            put(&fixture.store, 9, b"makes the directories").await;
            fixture.fs.fail(operation, 0, fault);
            let failed = fixture.store.put("data", &path_of(1), Bytes::from_static(b"content")).await;
            let error = failed.unwrap_err();
            match fault {
                Fault::Full => assert!(matches!(error, StoreError::DiskFull { .. }), "{error:?}"),
                _ => assert!(matches!(error, StoreError::Io { .. }), "{error:?}"),
            }
            assert!(error.to_string().contains(&path_of(1)), "{error}");
            assert!(!error.is_damage());
            let left = all_files(fixture.dir.path()).len() - 1;
            let may_be_there = operation == Operation::SyncDir;
            assert!(left == 0 || may_be_there, "{operation:?}");
            let file = put(&fixture.store, 1, b"content").await;
            assert_eq!(fixture.store.open(&file).await.unwrap().read_verified().unwrap(), "content");
        }
    }
}

#[tokio::test]
async fn a_writer_that_failed_cannot_finish() {
    let fixture = Fixture::new();
    let mut writer = fixture.store.create("data", &path_of(1)).unwrap();
    writer.write_all(b"some").unwrap();
    fixture.fs.fail(Operation::Append, 0, Fault::Full);
    assert!(writer.flush().is_err());
    assert!(writer.finish().await.is_err());
    assert_eq!(all_files(fixture.dir.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn deleted_files_can_be_read_by_those_who_hold_them() {
    let fixture = Fixture::new();
    let file = put(&fixture.store, 1, b"content").await;
    let neighbour = put(&fixture.store, 2, b"other").await;
    let held = fixture.store.open(&file).await.unwrap();
    fixture.store.delete(&file).await.unwrap();
    fixture.store.delete(&file).await.unwrap();
    assert_eq!(held.read_verified().unwrap(), "content");
    let gone = fixture.store.open(&file).await;
    assert!(matches!(&gone, Err(error @ StoreError::Missing { .. }) if error.is_damage()), "{gone:?}");
    assert_eq!(fixture.store.open(&neighbour).await.unwrap().read_verified().unwrap(), "other");
    fixture.store.delete(&neighbour).await.unwrap();
    assert!(!fixture.dir.path().join("metrics/raw/7200").exists(), "empty partitions go");
    put(&fixture.store, 3, b"and may come back").await;
}

#[tokio::test]
async fn damage_is_named_and_no_neighbour_suffers() {
    let fixture = Fixture::new();
    let content = b"0123456789";
    let file = put(&fixture.store, 1, content).await;
    let neighbour = put(&fixture.store, 2, content).await;
    let on_disk = fixture.dir.path().join(&file.path);
    for offset in 0..content.len() {
        let mut flipped = content.to_vec();
        flipped[offset] ^= 4;
        std::fs::write(&on_disk, &flipped).unwrap();
        let open = fixture.reopened().open(&file).await.unwrap();
        let errors = [open.verify().unwrap_err(), open.read_verified().unwrap_err()];
        let found = crc32c::crc32c(&flipped);
        let expected = format!("segment file {}: crc32c {found:#010x}, expected {:#010x}", file.path, file.crc32c);
        for error in errors {
            assert!(error.is_damage());
            assert_eq!(error.to_string(), expected);
        }
    }
    for length in 0..content.len() {
        std::fs::write(&on_disk, &content[..length]).unwrap();
        let error = fixture.reopened().open(&file).await.unwrap_err();
        assert_eq!(error.to_string(), format!("segment file {}: {length} bytes, expected 10", file.path));
    }
    std::fs::write(&on_disk, b"0123456789 and more").unwrap();
    assert!(fixture.reopened().open(&file).await.unwrap_err().is_damage());
    std::fs::remove_file(&on_disk).unwrap();
    std::fs::create_dir(&on_disk).unwrap();
    assert!(fixture.reopened().open(&file).await.is_err());
    assert_eq!(fixture.store.open(&neighbour).await.unwrap().read_verified().unwrap(), &content[..]);
}

#[tokio::test]
async fn a_file_that_shrinks_while_open_is_damaged_not_short() {
    let fixture = Fixture::new();
    let file = put(&fixture.store, 1, b"0123456789").await;
    let open = fixture.store.open(&file).await.unwrap();
    std::fs::write(fixture.dir.path().join(&file.path), b"012").unwrap();
    let error = open.read_at(2, 5).unwrap_err();
    assert_eq!(error.to_string(), format!("segment file {}: ends before byte 7, expected 10 bytes", file.path));
    let error = open.read_at(8, 5).unwrap_err();
    assert!(error.is_damage(), "{error}");
    let error = open.read_at(u64::MAX, 5).unwrap_err();
    assert!(error.is_damage(), "{error}");
}

#[tokio::test]
async fn paths_stay_inside_the_store() {
    let fixture = Fixture::new();
    let long = "x".repeat(513);
    let wrong = ["", "/etc/passwd", "..", "a/../b", "a//b", "a/", ".unfinished/x", "a\0b", "a b", "ü", &long, "a#1"];
    for path in wrong {
        let refused = fixture.store.put("data", path, Bytes::new()).await;
        assert!(matches!(refused, Err(StoreError::Path { .. })), "{path:?}: {refused:?}");
        let file = SegmentFile { name: "data".into(), path: path.into(), bytes: 0, crc32c: 0 };
        assert!(matches!(fixture.store.open(&file).await, Err(StoreError::Path { .. })), "{path:?}");
        assert!(matches!(fixture.store.delete(&file).await, Err(StoreError::Path { .. })), "{path:?}");
    }
}

#[tokio::test]
async fn garbage_is_what_no_segment_names_and_nobody_is_writing() {
    let fixture = Fixture::new();
    let named = put(&fixture.store, 1, b"named").await;
    let orphan = put(&fixture.store, 2, b"orphan").await;
    let names = HashSet::from([named.path.clone()]);
    let other = fixture.store.put("data", "logs/raw/0/x.data", Bytes::from_static(b"other engine")).await.unwrap();
    let nothing = fixture.store.collect_garbage("metrics", &names, Duration::ZERO).await.unwrap();
    assert_eq!(nothing, Garbage::default(), "what this process wrote may be about to be published");

    std::fs::write(fixture.dir.path().join(".unfinished/left"), "from a crash").unwrap();
    let wrote_by_hand = fixture.dir.path().join("metrics/not ours");
    std::fs::write(&wrote_by_hand, "mine").unwrap();
    let later = fixture.reopened();
    let young = later.collect_garbage("metrics", &names, Duration::from_secs(3600)).await.unwrap();
    assert_eq!(young, Garbage::default(), "within the grace");
    let clock = Arc::new(ManualClock::at_ms(SystemClock::new().now_ms() + 3_700_000));
    let later = SegmentStore::local(fixture.dir.path(), clock).unwrap();
    let collected = later.collect_garbage("metrics", &names, Duration::from_secs(3600)).await.unwrap();
    assert_eq!(collected, Garbage { files: 2, bytes: 6 + 12 });
    assert!(later.open(&orphan).await.is_err());
    assert_eq!(later.open(&named).await.unwrap().read_verified().unwrap(), "named");
    assert_eq!(later.open(&other).await.unwrap().read_verified().unwrap(), "other engine");
    assert!(wrote_by_hand.exists());
}

#[tokio::test]
async fn no_more_files_stay_open_than_the_bound() {
    let fixture = Fixture::new();
    let mut files = Vec::new();
    for number in 0..300 {
        files.push(put(&fixture.store, number, &number.to_le_bytes()).await);
    }
    for file in files.iter().chain(&files) {
        fixture.store.open(file).await.unwrap().verify().unwrap();
    }
    let open_now = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let root = fixture.dir.path();
    let ours = open_now.filter(|fd| std::fs::read_link(fd.path()).is_ok_and(|to| to.starts_with(root))).count();
    assert_eq!(ours, 256);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_and_deleters_of_one_partition_do_not_disturb_each_other() {
    let fixture = Fixture::new();
    let tasks: Vec<_> = (0..4_u128)
        .map(|task| {
            let store = fixture.store.clone();
            tokio::spawn(async move {
                for round in 0..50 {
                    let file = put(&store, task * 1000 + round, b"content").await;
                    store.open(&file).await.unwrap().verify().unwrap();
                    store.delete(&file).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}
