use bytes::Bytes;

use super::*;
use crate::payload::{Encoding, Route};

const NOW: i64 = 1_700_000_000_000;
const DAY_MS: i64 = 86_400_000;

fn payload(name: &str, created_ms: i64) -> Payload {
    Payload {
        route: Route::Series,
        encoding: Encoding::Identity,
        body: Bytes::copy_from_slice(name.as_bytes()),
        points: 10,
        created_ms,
        halvings: 0,
        doubtful_answers: 0,
        receipt: None,
    }
}

fn roomy(_: &Path) -> io::Result<Space> {
    Ok(Space { total: 1 << 40, free: 1 << 40 })
}

fn limits() -> Limits {
    Limits { max_bytes: 1 << 20, max_disk_ratio: 0.8, outdated_after: Duration::from_secs(10 * 86_400), space: roomy }
}

fn open(folder: &Path, limits: Limits) -> (DiskQueue, Vec<Loss>) {
    DiskQueue::open(folder, limits, NOW).unwrap()
}

/// Takes out everything that is left, and the losses on the way.
fn drain(queue: &mut DiskQueue) -> (Vec<String>, Vec<Loss>) {
    let (mut bodies, mut all_losses) = (Vec::new(), Vec::new());
    while let Some((segment, losses)) = queue.oldest().unwrap() {
        bodies.extend(segment.payloads.iter().map(|payload| String::from_utf8_lossy(&payload.body).into_owned()));
        all_losses.extend(losses);
        queue.done(segment.number);
    }
    (bodies, all_losses)
}

#[test]
fn what_is_stored_comes_back_in_order_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (mut queue, _) = open(folder.path(), limits());
    queue.store(&[payload("a", NOW), payload("b", NOW)]).unwrap();
    queue.store(&[payload("c", NOW)]).unwrap();
    // A file is only gone when all of it was sent.
    let (segment, _) = queue.oldest().unwrap().unwrap();
    assert_eq!(segment.payloads.len(), 2);
    drop(queue);
    std::fs::write(folder.path().join("0000000000000009.draft"), "half").unwrap();
    let (mut queue, losses) = open(folder.path(), limits());
    assert_eq!((losses, queue.payloads(), queue.bytes()), (vec![], 3, 2 * BLOCK_BYTES));
    queue.store(&[payload("d", NOW)]).unwrap();
    assert_eq!(drain(&mut queue), (["a", "b", "c", "d"].map(str::to_owned).to_vec(), vec![]));
    assert_eq!((queue.payloads(), queue.bytes(), queue.oldest_ms()), (0, 0, None));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn over_the_bound_the_oldest_go() {
    let folder = tempfile::tempdir().unwrap();
    let (mut queue, _) = open(folder.path(), Limits { max_bytes: 3 * BLOCK_BYTES, ..limits() });
    for name in ["a", "b", "c"] {
        assert_eq!(queue.store(&[payload(name, NOW)]).unwrap(), []);
    }
    let lost = Loss { reason: DropReason::Overflow, payloads: 1, points: 10 };
    assert_eq!(queue.store(&[payload("d", NOW)]).unwrap(), [lost]);
    drop(queue);
    let (mut queue, losses) = open(folder.path(), Limits { max_bytes: 2 * BLOCK_BYTES, ..limits() });
    assert_eq!(losses, [lost]);
    assert_eq!(drain(&mut queue).0, ["c", "d"]);
    let error = queue.store(&[payload(&"x".repeat(10_000), NOW)]).unwrap_err();
    assert!(error.to_string().starts_with("no space below the limits is left for 10056 bytes in /"), "{error}");
}

#[test]
fn a_full_file_system_is_left_its_share() {
    let folder = tempfile::tempdir().unwrap();
    let full: fn(&Path) -> io::Result<Space> = |_| Ok(Space { total: 1000 << 20, free: 200 << 20 });
    let (mut queue, _) = open(folder.path(), Limits { space: full, ..limits() });
    assert!(matches!(queue.store(&[payload("a", NOW)]), Err(DiskError::Full { .. })));
    let (mut queue, _) = open(folder.path(), Limits { space: full, max_disk_ratio: 0.81, ..limits() });
    queue.store(&[payload("a", NOW)]).unwrap();
}

#[test]
fn blocks_for_the_superuser_do_not_count_as_used() {
    let (mostly_reserved, full) = (Space::from_blocks(100, 80, 13, 4096), Space::from_blocks(100, 5, 0, 4096));
    assert_eq!(mostly_reserved, Space { total: 33 * 4096, free: 13 * 4096 });
    assert_eq!(full, Space { total: 95 * 4096, free: 0 });
    assert!(Space::of(Path::new("/")).unwrap().total > 0);
}

#[test]
fn old_files_are_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let (mut queue, _) = open(folder.path(), limits());
    queue.store(&[payload("old", NOW - 11 * DAY_MS)]).unwrap();
    queue.store(&[payload("new", NOW)]).unwrap();
    assert_eq!(queue.expire(NOW), [Loss { reason: DropReason::Outdated, payloads: 1, points: 10 }]);
    assert_eq!(drain(&mut queue).0, ["new"]);
}

#[test]
fn a_torn_file_gives_what_is_intact_and_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let (mut queue, _) = open(folder.path(), limits());
    queue.store(&[payload("a", NOW), payload("torn away", NOW)]).unwrap();
    queue.store(&[payload("no header", NOW)]).unwrap();
    queue.store(&[payload("b", NOW)]).unwrap();
    let path = |number: u64, ending: &str| folder.path().join(format!("{number:016x}.{ending}"));
    let bytes = std::fs::read(path(0, FILE_ENDING)).unwrap();
    std::fs::write(path(0, FILE_ENDING), &bytes[..bytes.len() - 3]).unwrap();
    std::fs::write(path(1, FILE_ENDING), "rubbish").unwrap();
    drop(queue);
    let (mut queue, losses) = open(folder.path(), limits());
    assert_eq!(losses, [Loss { reason: DropReason::Torn, payloads: 1, points: 0 }]);
    let (bodies, losses) = drain(&mut queue);
    assert_eq!(
        (bodies, losses),
        (vec!["a".into(), "b".into()], vec![Loss { reason: DropReason::Torn, payloads: 1, points: 10 }])
    );
    assert!(path(0, TORN_ENDING).exists() && path(1, TORN_ENDING).exists() && !path(0, FILE_ENDING).exists());
    assert_eq!(queue.bytes(), 0);
}

#[test]
fn a_file_that_somebody_removed_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let (mut queue, _) = open(folder.path(), limits());
    queue.store(&[payload("a", NOW)]).unwrap();
    queue.store(&[payload("b", NOW)]).unwrap();
    std::fs::remove_file(folder.path().join(format!("{:016x}.{FILE_ENDING}", 0))).unwrap();
    assert_eq!(drain(&mut queue).0, ["b"]);
}
