//! A disk that is really full. Needs a small file system of its own, so it is run by hand:
//!
//! ```text
//! mount -t tmpfs -o size=2m tmpfs DIRECTORY
//! GALGO_TEST_SMALL_DISK=DIRECTORY cargo test -p galgo-store --test full_disk -- --ignored
//! ```

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use galgo_core::ManualClock;
use galgo_store::{Apply, Generation, SegmentStore, StoreError, Wal, WalConfig, WalError};

struct Count(u64);

impl Apply for Count {
    type Item = ();

    fn apply(&mut self, (): ()) {
        self.0 += 1;
    }

    fn rotated(&mut self, _closed: Generation) {}
}

#[tokio::test]
#[ignore = "needs a small file system"]
async fn a_log_and_its_segments_get_along_on_a_full_disk() {
    let Ok(dir) = std::env::var("GALGO_TEST_SMALL_DISK") else { panic!("GALGO_TEST_SMALL_DISK is not set") };
    let dir = PathBuf::from(dir);
    let (log, clock) = (dir.join("log"), Arc::new(ManualClock::at_ms(0)));
    let config = WalConfig { reserve_bytes: 500_000, max_file_bytes: 400_000, ..WalConfig::default() };
    let open = |flushed: u64, records: &mut u64| {
        let replay = |_: &[u8]| {
            *records += 1;
            Ok(())
        };
        Wal::open(&log, config.clone(), Generation(flushed), Arc::<ManualClock>::clone(&clock), replay, Count(0))
    };
    let store = SegmentStore::local(&dir.join("segments"), Arc::<ManualClock>::clone(&clock)).unwrap();
    let (wal, _) = open(0, &mut 0).unwrap();

    let mut acked = 0;
    let error = loop {
        match wal.append(vec![7; 10_000], ()).await {
            Ok(()) => acked += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, WalError::DiskFull { .. }), "{error}");
    assert!(acked > 100, "{acked}");
    clock.advance(Duration::from_secs(2));
    assert!(matches!(wal.append(vec![7; 10], ()).await, Err(WalError::DiskFull { .. })), "the reserve does not fit");

    let too_large = store.put("data", "metrics/raw/0/large", Bytes::from(vec![1; 3_000_000])).await;
    assert!(matches!(too_large, Err(StoreError::DiskFull { .. })), "{too_large:?}");
    let file = store.put("data", "metrics/raw/0/small", Bytes::from(vec![1; 300_000])).await.unwrap();
    let closed = wal.rotate().await.unwrap();
    wal.append_urgent("definitions", ()).await.unwrap();
    drop(wal);

    let mut replayed = 0;
    let (wal, recovery) = open(0, &mut replayed).unwrap();
    assert_eq!((replayed, recovery.torn, recovery.damage), (acked + 1, vec![], vec![]));
    wal.delete_through(closed).unwrap();
    clock.advance(Duration::from_secs(2));
    wal.append(vec![7; 10_000], ()).await.unwrap();
    store.open(&file).await.unwrap().verify().unwrap();
}
