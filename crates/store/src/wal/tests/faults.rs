//! What the log does when the disk fails.

use super::*;
use crate::testing::{Fault, Operation};

#[tokio::test]
async fn a_full_disk_fails_the_waiters_and_nothing_else() {
    let fixture = Fixture::new();
    let (wal, ..) = fixture.open();
    append(&wal, "a").await.unwrap();
    let length = fixture.files()[0].metadata().unwrap().len();
    for room in [0, 1, 15, 16, 17, 20] {
        fixture.fs.set_room(Some(room));
        let refused = append(&wal, "refused by the disk").await;
        assert!(matches!(refused, Err(WalError::DiskFull { .. })), "room {room}: {refused:?}");
        assert_eq!(fixture.files()[0].metadata().unwrap().len(), length, "room {room}: cut back");
    }
    fixture.fs.set_room(None);
    append(&wal, "b").await.unwrap();
    assert_eq!(fixture.notes.applied(), ["a", "b"]);
    assert_eq!(fixture.files().len(), 1);
    drop(wal);
    let (_wal, replayed, recovery) = fixture.open();
    assert_eq!(replayed, ["a", "b"]);
    assert_eq!((recovery.torn, recovery.damage), (vec![], vec![]));
}

#[tokio::test]
async fn short_writes_are_continued() {
    let fixture = Fixture::new();
    let (wal, ..) = fixture.open();
    fixture.fs.set_most_at_once(Some(7));
    append_all_of(&wal, &["a longer record than seven bytes", "", "another"]).await;
    fixture.fs.fail(Operation::Append, 0, Fault::Short(1));
    append(&wal, "last").await.unwrap();
    drop(wal);
    let (_wal, replayed, _) = fixture.open();
    assert_eq!(replayed, ["a longer record than seven bytes", "", "another", "last"]);
}

#[tokio::test]
async fn a_failed_fsync_abandons_the_file() {
    for fault in [Fault::Io, Fault::Full] {
        let fixture = Fixture::new();
        let (wal, ..) = fixture.open();
        append(&wal, "a").await.unwrap();
        fixture.fs.fail(Operation::Sync, 0, fault);
        let failed = append(&wal, "failed").await;
        assert!(matches!(failed, Err(WalError::Io { .. } | WalError::DiskFull { .. })), "{failed:?}");
        append(&wal, "b").await.unwrap();
        assert_eq!(fixture.files().len(), 2, "a new file was begun");
        assert_eq!(fixture.notes.applied(), ["a", "b"]);
        drop(wal);
        let (_wal, replayed, recovery) = fixture.open();
        assert_eq!(replayed, ["a", "b"]);
        assert_eq!((recovery.torn, recovery.damage), (vec![], vec![]));
    }
}

#[tokio::test]
async fn frames_that_could_not_be_cut_off_are_not_replayed() {
    for write_fault in [Fault::Io, Fault::AfterWrite, Fault::Short(9)] {
        let fixture = Fixture::new();
        let (wal, ..) = fixture.open();
        append(&wal, "a").await.unwrap();
        fixture.fs.fail(Operation::Append, 0, write_fault);
        // A short write is followed by another, which has to fail too.
        fixture.fs.fail(Operation::Append, 0, Fault::Io);
        fixture.fs.fail(Operation::SetLen, 0, Fault::Io);
        let failed = append(&wal, "failed").await;
        assert!(matches!(failed, Err(WalError::Io { .. })), "{failed:?}");
        fixture.fs.heal();
        append(&wal, "b").await.unwrap();
        drop(wal);
        let (wal, replayed, recovery) = fixture.open();
        assert_eq!(replayed, ["a", "b"], "{write_fault:?}");
        assert_eq!(recovery.damage, vec![]);
        drop(wal);
        let (_wal, replayed, recovery) = fixture.open();
        assert_eq!(replayed, ["a", "b"], "{write_fault:?}");
        assert_eq!((recovery.torn, recovery.damage), (vec![], vec![]), "cut off by the first recovery");
    }
}

/// Makes the n-th call of each kind fail, for every n that occurs, and checks that what was acknowledged survives.
#[tokio::test]
async fn any_single_fault_loses_nothing_acknowledged() {
    let operations = [Operation::Create, Operation::Append, Operation::Sync, Operation::SetLen, Operation::SyncDir];
    for operation in operations {
        for fault in [Fault::Io, Fault::Full] {
            for skip in 0..14 {
                let mut fixture = Fixture::new();
                fixture.config.max_file_bytes = 200;
                let (wal, ..) = fixture.open();
                fixture.fs.fail(operation, skip, fault);
                let mut acked = Vec::new();
                for number in 0..8 {
                    let record = format!("record number {number}");
                    if append(&wal, &record).await.is_ok() {
                        acked.push(record);
                    }
                    if number == 4 {
                        wal.rotate().await.unwrap();
                    }
                }
                assert!(acked.len() >= 7, "{operation:?} {fault:?} {skip}: one fault fails one record at most");
                assert_eq!(fixture.notes.applied(), acked);
                fixture.fs.heal();
                drop(wal);
                let (_wal, replayed, recovery) = fixture.open();
                assert_eq!(replayed, acked, "{operation:?} {fault:?} {skip}");
                assert_eq!(recovery.damage, vec![], "{operation:?} {fault:?} {skip}");
            }
        }
    }
}

#[tokio::test]
async fn the_reserve_makes_room_for_a_flush_and_appends_resume_by_themselves() {
    let mut fixture = Fixture::new();
    fixture.config.reserve_bytes = 100_000;
    let (wal, ..) = fixture.open();
    let reserve = fixture.path().join("reserve");
    assert_eq!(reserve.metadata().unwrap().len(), 100_000);
    fixture.fs.set_room(Some(20_000));
    let record = "x".repeat(9_000);
    append_all_of(&wal, &[&record, &record]).await;
    assert!(matches!(append(&wal, &record).await, Err(WalError::DiskFull { .. })));
    assert!(!reserve.exists(), "given up");
    assert!(matches!(append(&wal, "small").await, Err(WalError::DiskFull { .. })), "the room is for the flush");
    // The reserve alone would fit, but then nothing would be left for the flush.
    fixture.clock.advance(Duration::from_secs(2));
    assert!(matches!(append(&wal, "small").await, Err(WalError::DiskFull { .. })), "still not enough");
    assert!(!reserve.exists(), "nothing half is left");

    assert_eq!(wal.rotate().await.unwrap(), Generation(1));
    wal.delete_through(Generation(1)).unwrap();
    fixture.fs.set_room(Some(150_000));
    append(&wal, "too early").await.unwrap_err();
    fixture.clock.advance(Duration::from_secs(2));
    append(&wal, "small").await.unwrap();
    assert_eq!(reserve.metadata().unwrap().len(), 100_000, "kept again");
    drop(wal);
    fixture.flushed = Generation(1);
    let (_wal, replayed, _) = fixture.open();
    assert_eq!(replayed, ["small"]);
}

#[tokio::test]
async fn an_urgent_record_takes_its_room_from_the_reserve() {
    let mut fixture = Fixture::new();
    fixture.config.reserve_bytes = 100_000;
    let urgent =
        async |wal: &Wal<Notes>, record: &str| wal.append_urgent(record.as_bytes().to_vec(), record.to_owned()).await;
    let (wal, ..) = fixture.open();
    fixture.fs.set_room(Some(0));
    urgent(&wal, "first to notice").await.unwrap();
    assert!(!fixture.path().join("reserve").exists());
    assert!(matches!(append(&wal, "ordinary").await, Err(WalError::DiskFull { .. })));
    wal.rotate().await.unwrap();
    urgent(&wal, "definitions").await.unwrap();
    assert!(matches!(append(&wal, "ordinary").await, Err(WalError::DiskFull { .. })));
    fixture.fs.set_room(Some(10));
    assert!(matches!(urgent(&wal, "nothing is left").await, Err(WalError::DiskFull { .. })));
    drop(wal);
    let (_wal, replayed, _) = fixture.open();
    assert_eq!(replayed, ["first to notice", "definitions"]);
}

#[tokio::test]
async fn a_log_opens_on_a_full_disk_and_serves_what_it_has() {
    let mut fixture = Fixture::new();
    let (wal, ..) = fixture.open();
    append(&wal, "a").await.unwrap();
    drop(wal);
    fixture.config.reserve_bytes = 1000;
    fixture.fs.set_room(Some(0));
    let (wal, replayed, _) = fixture.open();
    assert_eq!(replayed, ["a"]);
    assert!(matches!(append(&wal, "b").await, Err(WalError::DiskFull { .. })));
    fixture.fs.set_room(None);
    fixture.clock.advance(Duration::from_secs(1));
    append(&wal, "b").await.unwrap();
}

#[tokio::test]
async fn an_unreadable_file_is_put_aside_and_named() {
    let fixture = Fixture::new();
    for record in ["a", "b", "c"] {
        let (wal, ..) = fixture.open();
        append(&wal, record).await.unwrap();
        drop(wal);
    }
    // Of each file first the header is read, then, in a second pass, all of it: the second file's content fails.
    fixture.fs.fail(Operation::Read, 4, Fault::Io);
    let (_wal, replayed, recovery) = fixture.open();
    assert_eq!(replayed, ["a", "c"]);
    assert_eq!(recovery.damage.len(), 1);
    let damage = &recovery.damage[0];
    assert_eq!(damage.what, "planned fault");
    assert!(damage.quarantined.as_ref().unwrap().exists());
    assert!(!damage.file.exists());
}
