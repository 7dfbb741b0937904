//! The ordinary course of things: order, generations, bounds.

use super::*;

#[tokio::test]
async fn records_are_replayed_in_order_and_once() {
    let fixture = Fixture::new();
    let (wal, replayed, recovery) = fixture.open();
    assert!(replayed.is_empty());
    assert_eq!(recovery, Recovery { generation: Generation(1), ..Recovery::default() });
    append_all_of(&wal, &["a", "", "c"]).await;
    assert_eq!(fixture.notes.applied(), ["a", "", "c"]);
    wal.close().await;
    assert!(matches!(append(&wal, "late").await, Err(WalError::Closed)));
    assert!(matches!(wal.rotate().await, Err(WalError::Closed)));

    for _ in 0..3 {
        let (wal, replayed, recovery) = fixture.open();
        assert_eq!(replayed, ["a", "", "c"]);
        assert_eq!((recovery.files, recovery.bytes), (1, 2));
        assert_eq!(recovery.generation, Generation(2), "a generation without records leaves no trace");
        assert_eq!((recovery.torn, recovery.damage), (vec![], vec![]));
        drop(wal);
    }
}

#[tokio::test]
async fn a_second_process_is_kept_out() {
    let fixture = Fixture::new();
    let (wal, ..) = fixture.open();
    assert!(matches!(fixture.try_open().0, Err(WalError::Locked { .. })));
    drop(wal);
    fixture.open();
}

#[tokio::test]
async fn rotation_cuts_the_log_where_it_was_asked_for() {
    let mut fixture = Fixture::new();
    let (wal, ..) = fixture.open();
    let first = wal.enqueue("a", "a".to_owned()).unwrap();
    let closed = wal.rotate();
    let mut closed = Box::pin(closed);
    // Polled once, the rotation stands in the queue between the two records.
    let _ = std::future::poll_fn(|context| Poll::Ready(closed.as_mut().poll(context).is_ready())).await;
    assert_eq!(wal.generation(), Generation(2));
    let stale = wal.enqueue_in(Generation(1), "stale", "stale".to_owned());
    assert!(matches!(stale, Err(WalError::Rotated { expected: Generation(1), current: Generation(2) })));
    let second = wal.enqueue_in(Generation(2), "b", "b".to_owned()).unwrap();
    first.await.unwrap();
    second.await.unwrap();
    let seen = [Seen::Applied("a".into()), Seen::Rotated(1), Seen::Applied("b".into())];
    assert_eq!(fixture.notes.take(), seen);
    assert_eq!(fixture.files().len(), 2);

    let before = wal.bytes();
    wal.delete_through(Generation(1)).unwrap();
    assert!(wal.bytes() < before);
    wal.delete_through(Generation(99)).unwrap();
    assert_eq!(fixture.files().len(), 1, "the open generation stays");
    wal.close().await;
    fixture.flushed = Generation(1);
    let (_wal, replayed, recovery) = fixture.open();
    assert_eq!(replayed, ["b"]);
    assert_eq!(recovery.generation, Generation(3));
}

#[tokio::test]
async fn flushed_generations_are_removed_unread() {
    let mut fixture = Fixture::new();
    let (wal, ..) = fixture.open();
    append(&wal, "a").await.unwrap();
    assert_eq!(wal.rotate().await.unwrap(), Generation(1));
    append(&wal, "b").await.unwrap();
    assert_eq!(wal.rotate().await.unwrap(), Generation(2));
    assert_eq!(wal.rotate().await.unwrap(), Generation(3), "an empty generation may be closed");
    append(&wal, "d").await.unwrap();
    drop(wal);
    fixture.flushed = Generation(3);
    let (wal, replayed, recovery) = fixture.open();
    assert_eq!(replayed, ["d"]);
    assert_eq!(recovery.generation, Generation(5));
    drop(wal);
    fixture.flushed = Generation(70);
    let (_wal, replayed, recovery) = fixture.open();
    assert!(replayed.is_empty());
    assert_eq!(recovery.generation, Generation(71), "never at or below what is flushed");
}

#[tokio::test]
async fn long_generations_take_several_files() {
    let mut fixture = Fixture::new();
    fixture.config.max_file_bytes = 300;
    let (wal, ..) = fixture.open();
    let records: Vec<String> = (0..40).map(|number| format!("record {number}")).collect();
    for record in &records {
        append(&wal, record).await.unwrap();
    }
    append(&wal, &"x".repeat(1000)).await.unwrap();
    assert!(fixture.files().len() > 5);
    let on_disk: u64 = fixture.files().iter().map(|path| path.metadata().unwrap().len()).sum();
    assert_eq!(wal.bytes(), on_disk);
    drop(wal);
    let (wal, replayed, recovery) = fixture.open();
    assert_eq!(replayed[..40], records);
    assert_eq!(replayed.len(), 41);
    assert!(recovery.damage.is_empty());
    wal.delete_through(Generation(1)).unwrap();
    assert!(fixture.files().iter().all(|path| files::parse_name(path).unwrap().0 == Generation(2)));
}

#[tokio::test]
async fn a_record_that_is_too_long_is_refused() {
    let fixture = Fixture::new();
    let (wal, ..) = fixture.open();
    let record = vec![0; MAX_RECORD_BYTES + 1];
    let refused = wal.append(record, String::new()).await;
    assert!(matches!(refused, Err(WalError::TooLong { limit: MAX_RECORD_BYTES, .. })), "{refused:?}");
    append(&wal, "short").await.unwrap();
}

/// An engine that waits until it is let go, so that a test can fill the queue behind it.
struct Gate(std::sync::mpsc::Receiver<()>);

impl Apply for Gate {
    type Item = ();

    fn apply(&mut self, (): ()) {
        let _ = self.0.recv();
    }

    fn rotated(&mut self, _closed: Generation) {}
}

/// Enqueues a record as soon as there is room.
async fn enqueue_soon(wal: &Wal<Gate>, length: usize) -> Ack {
    loop {
        match wal.enqueue(vec![0; length], ()) {
            Ok(ack) => return ack,
            Err(WalError::Busy { .. }) => tokio::task::yield_now().await,
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_says_busy_and_what_waits_shares_one_fsync() {
    let fixture = Fixture::new();
    let (open, gate) = std::sync::mpsc::channel();
    let config = WalConfig { max_queue_bytes: 100_000, reserve_bytes: 0, ..WalConfig::default() };
    let clock = Arc::<ManualClock>::clone(&fixture.clock);
    let fs = Arc::new(fixture.fs.clone());
    let opened = Wal::open_on(fs, fixture.path(), config, Generation(0), clock, |_| Ok(()), Gate(gate));
    let wal = opened.unwrap().0;
    let open = open; // dropped before the log, which waits for its engine

    // Once a record is on disk its room is free, while the engine still holds the thread.
    let held = wal.enqueue("held", ()).unwrap();
    let long = enqueue_soon(&wal, 200_000).await;
    let busy = wal.enqueue("x", ());
    let waits = 200_000 + queue::PENDING_OVERHEAD_BYTES;
    assert!(matches!(busy, Err(WalError::Busy { waiting, limit: 100_000 }) if waiting == waits), "{busy:?}");
    open.send(()).unwrap();
    held.await.unwrap();
    let mut acks = vec![enqueue_soon(&wal, 1000).await];
    while let Ok(ack) = wal.enqueue(vec![1; 1000], ()) {
        acks.push(ack);
    }
    let each = 1000 + queue::PENDING_OVERHEAD_BYTES;
    assert_eq!(acks.len(), 100_000 / each);
    let syncs = fixture.fs.calls(crate::testing::Operation::Sync);
    open.send(()).unwrap();
    long.await.unwrap();
    drop(open);
    for ack in acks {
        ack.await.unwrap();
    }
    assert_eq!(fixture.fs.calls(crate::testing::Operation::Sync), syncs + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_keep_their_own_order_and_share_fsyncs() {
    const CALLERS: usize = 64;
    const EACH: usize = 50;
    let fixture = Fixture::new();
    let (wal, ..) = fixture.open();
    let wal = Arc::new(wal);
    let callers = (0..CALLERS).map(|caller| {
        let wal = Arc::clone(&wal);
        tokio::spawn(async move {
            for number in 0..EACH {
                append(&wal, &format!("{caller:02} {number:04}")).await.unwrap();
            }
        })
    });
    let callers: Vec<_> = callers.collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let syncs = fixture.fs.calls(crate::testing::Operation::Sync);
    assert!(syncs < CALLERS * EACH / 2, "{syncs} fsyncs for {} records", CALLERS * EACH);

    let applied = fixture.notes.applied();
    drop(wal);
    let (_wal, replayed, _) = fixture.open();
    assert_eq!(replayed, applied, "the log has the order in which the engine saw the records");
    let mut by_caller = replayed.clone();
    by_caller.sort_by_key(|record| record[..2].to_owned()); // stable
    let expected: Vec<String> =
        (0..CALLERS).flat_map(|caller| (0..EACH).map(move |number| format!("{caller:02} {number:04}"))).collect();
    assert_eq!(by_caller, expected);
}

#[tokio::test]
async fn a_dropped_caller_does_not_take_its_record_back() {
    let fixture = Fixture::new();
    let (wal, ..) = fixture.open();
    drop(wal.enqueue("a", "a".to_owned()).unwrap());
    wal.close().await;
    assert_eq!(fixture.notes.applied(), ["a"]);
}

#[tokio::test]
async fn closing_writes_what_waits() {
    let fixture = Fixture::new();
    let (wal, ..) = fixture.open();
    let acks: Vec<_> = (0..100).map(|number| wal.enqueue("r", number.to_string()).unwrap()).collect();
    wal.close().await;
    for ack in acks {
        ack.await.unwrap();
    }
    wal.close().await;
    assert_eq!(fixture.notes.applied().len(), 100);
}

#[tokio::test]
async fn a_panic_of_the_engine_fails_one_record_only() {
    let fixture = Fixture::new();
    let (wal, ..) = fixture.open();
    append(&wal, "a").await.unwrap();
    assert!(matches!(append(&wal, "poison").await, Err(WalError::Apply)));
    append(&wal, "b").await.unwrap();
    drop(wal);
    let (_wal, replayed, recovery) = fixture.open();
    assert_eq!(replayed, ["a", "b"]);
    assert_eq!(recovery.damage.len(), 1);
    assert_eq!(recovery.damage[0].what, "record was refused: replay panicked");
}
