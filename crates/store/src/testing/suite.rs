//! The rules of [`Manifest`] as code. Every implementation calls [`manifest_suite`] from a test of its own.

use std::sync::Arc;

use crate::manifest::{Edit, Manifest, ManifestError};
use crate::segment::{SegmentFile, SegmentId, SegmentMeta};
use crate::wal::Generation;

/// A segment with every field set, different for each `number`.
pub fn example_segment(engine: &str, number: u128, partition_start: i64, sequence: u64) -> SegmentMeta {
    let id = SegmentId::from_u128(number);
    let file = |name: &str, bytes: u64, crc32c: u32| SegmentFile {
        name: name.to_owned(),
        path: SegmentMeta::path_of(engine, "raw", partition_start, id, name),
        bytes,
        crc32c,
    };
    SegmentMeta {
        id,
        engine: engine.to_owned(),
        kind: "raw".to_owned(),
        level: 3,
        sequence,
        partition_start,
        partition_end: partition_start + 7200,
        min_time: partition_start + 1,
        max_time: partition_start + 7199,
        rows: 12,
        points: 12_000,
        bytes: 5_000_000_030,
        files: vec![file("data.parquet", 5_000_000_000, u32::MAX), file("index", 30, 0)],
        created_ms: 1_700_000_000_123,
    }
}

/// Runs all rules. `open` opens one and the same backing store anew each time; the store must hold no segment of an
/// engine whose name starts with `suite-` when the suite begins.
///
/// # Panics
///
/// When a rule is broken.
pub async fn manifest_suite(open: impl AsyncFn() -> Arc<dyn Manifest>) {
    publishes_and_keeps_every_field(&open).await;
    answers_in_order_and_by_engine(&open).await;
    edits_whole_or_not_at_all(&open).await;
    flushed_never_goes_back(&open).await;
    sequences_never_repeat(&open).await;
    quarantines_and_discards(&open).await;
    lets_one_of_two_rivals_win(&open).await;
    takes_a_large_edit(&open).await;
}

fn add(segments: &[SegmentMeta]) -> Edit {
    Edit { add: segments.to_vec(), ..Edit::default() }
}

fn remove(ids: &[SegmentId]) -> Edit {
    Edit { remove: ids.to_vec(), ..Edit::default() }
}

async fn live(manifest: &Arc<dyn Manifest>, engine: &str) -> Vec<SegmentMeta> {
    manifest.live(engine).await.expect("live segments are listed")
}

async fn publishes_and_keeps_every_field(open: &impl AsyncFn() -> Arc<dyn Manifest>) {
    let engine = "suite-fields";
    let manifest = open().await;
    assert_eq!(live(&manifest, engine).await, []);
    manifest.publish(Edit::default()).await.expect("an empty edit is allowed");

    let mut extreme = example_segment(engine, u128::MAX, -7200, i64::MAX as u64);
    extreme.engine = engine.to_owned();
    extreme.kind = "rollup3600".to_owned();
    extreme.level = u8::MAX;
    extreme.files[0].name = "name with ' \" and ü".to_owned();
    let plain = example_segment(engine, 0x0001_0000, 0, 1);
    let bare = SegmentMeta { files: vec![], ..example_segment(engine, 0x0001_0001, 7200, 1) };
    let all = [extreme, plain, bare];
    manifest.publish(add(&all)).await.expect("new segments are taken");
    assert_eq!(live(&manifest, engine).await, all);
    assert_eq!(live(&open().await, engine).await, all, "after opening again");
}

async fn answers_in_order_and_by_engine(open: &impl AsyncFn() -> Arc<dyn Manifest>) {
    let (engine, other) = ("suite-order", "suite-order-other");
    let manifest = open().await;
    let segments = [
        example_segment(engine, 0x0002_0009, -7200, 9),
        example_segment(engine, 0x0002_0003, 0, 2),
        example_segment(engine, 0x0002_0004, 0, 2),
        example_segment(engine, 0x0002_0001, 0, 10),
        example_segment(engine, 0x0002_0002, 7200, 1),
    ];
    let stranger = example_segment(other, 0x0002_0005, 0, 3);
    for segment in segments.iter().rev().chain([&stranger]) {
        manifest.publish(add(std::slice::from_ref(segment))).await.expect("new segments are taken");
    }
    assert_eq!(live(&manifest, engine).await, segments);
    assert_eq!(live(&manifest, other).await, [stranger]);
    assert_eq!(live(&manifest, "suite-order-none").await, []);
}

async fn edits_whole_or_not_at_all(open: &impl AsyncFn() -> Arc<dyn Manifest>) {
    let (engine, stream) = ("suite-whole", "suite-whole-stream");
    let manifest = open().await;
    let [first, second, third] = [1, 2, 3].map(|n| example_segment(engine, 0x0003_0000 + n, 0, n as u64));
    let unknown = SegmentId::from_u128(0x0003_ffff);
    manifest.publish(add(std::slice::from_ref(&first))).await.expect("a new segment is taken");

    let flushed = Some((stream.to_owned(), Generation(7)));
    let edit = Edit { add: vec![second.clone()], remove: vec![first.id, unknown], flushed: flushed.clone() };
    let refused = manifest.publish(edit).await;
    assert!(matches!(refused, Err(ManifestError::NotThere { id, .. }) if id == unknown), "{refused:?}");
    let edit = Edit { add: vec![second.clone(), first.clone()], remove: vec![], flushed: flushed.clone() };
    let refused = manifest.publish(edit).await;
    assert!(matches!(refused, Err(ManifestError::Duplicate { id }) if id == first.id), "{refused:?}");
    let edit = Edit { add: vec![second.clone()], remove: vec![first.id, first.id], flushed: flushed.clone() };
    let refused = manifest.publish(edit).await;
    assert!(matches!(refused, Err(ManifestError::NotThere { .. })), "removed twice: {refused:?}");
    let edit = Edit { add: vec![second.clone(), second.clone()], remove: vec![], flushed: flushed.clone() };
    let refused = manifest.publish(edit).await;
    assert!(matches!(refused, Err(ManifestError::Duplicate { .. })), "added twice: {refused:?}");
    assert_eq!(live(&manifest, engine).await, std::slice::from_ref(&first), "refused edits change nothing");
    assert_eq!(manifest.flushed(stream).await.expect("answered"), Generation(0), "refused edits change nothing");

    let edit = Edit { add: vec![second.clone(), third.clone()], remove: vec![first.id], flushed };
    manifest.publish(edit).await.expect("a good edit is made");
    let manifest = open().await;
    assert_eq!(live(&manifest, engine).await, [second, third]);
    assert_eq!(manifest.flushed(stream).await.expect("answered"), Generation(7));
    let refused = manifest.publish(remove(&[first.id])).await;
    assert!(matches!(refused, Err(ManifestError::NotThere { .. })), "{refused:?}");
}

async fn flushed_never_goes_back(open: &impl AsyncFn() -> Arc<dyn Manifest>) {
    let manifest = open().await;
    let flush = async |manifest: &Arc<dyn Manifest>, stream: &str, generation: u64| {
        let flushed = Some((stream.to_owned(), Generation(generation)));
        manifest.publish(Edit { flushed, ..Edit::default() }).await
    };
    for stream in ["suite-flush-a", "suite-flush-b"] {
        assert_eq!(manifest.flushed(stream).await.expect("answered"), Generation(0));
    }
    for generation in [5, 5, 6, i64::MAX as u64] {
        flush(&manifest, "suite-flush-a", generation).await.expect("forward or the same");
        let stored = open().await.flushed("suite-flush-a").await.expect("answered");
        assert_eq!(stored, Generation(generation));
    }
    let refused = flush(&manifest, "suite-flush-a", 4).await;
    let backwards = matches!(refused, Err(ManifestError::Backwards { asked: Generation(4), .. }));
    assert!(backwards, "{refused:?}");
    assert_eq!(manifest.flushed("suite-flush-a").await.expect("answered"), Generation(i64::MAX as u64));
    assert_eq!(manifest.flushed("suite-flush-b").await.expect("answered"), Generation(0));
}

async fn sequences_never_repeat(open: &impl AsyncFn() -> Arc<dyn Manifest>) {
    let manifest = open().await;
    let next = async |manifest: &Arc<dyn Manifest>, engine: &str| {
        manifest.next_sequence(engine).await.expect("a sequence is given")
    };
    assert_eq!(next(&manifest, "suite-sequence").await, 1);
    let second = next(&manifest, "suite-sequence").await;
    assert!(second > 1);
    let third = next(&open().await, "suite-sequence").await;
    assert!(third > second, "{third} after {second}");
    assert_eq!(next(&manifest, "suite-sequence-other").await, 1);

    let rivals = (0..8).map(|_| {
        let manifest = Arc::clone(&manifest);
        tokio::spawn(async move { manifest.next_sequence("suite-sequence").await.expect("a sequence is given") })
    });
    let rivals: Vec<_> = rivals.collect();
    let mut given = vec![third];
    for rival in rivals {
        given.push(rival.await.expect("the task ended"));
    }
    let total = given.len();
    given.sort_unstable();
    given.dedup();
    assert_eq!(given.len(), total, "no number twice: {given:?}");
    assert_eq!(given[0], third, "no number goes back: {given:?}");
}

async fn quarantines_and_discards(open: &impl AsyncFn() -> Arc<dyn Manifest>) {
    let engine = "suite-quarantine";
    let manifest = open().await;
    let [good, bad] = [1, 2].map(|n| example_segment(engine, 0x0004_0000 + n, 0, n as u64));
    manifest.publish(add(&[good.clone(), bad.clone()])).await.expect("new segments are taken");
    assert_eq!(manifest.quarantined(engine).await.expect("listed"), []);

    manifest.quarantine(bad.id, "crc32c 0x1, expected 0x2").await.expect("a live segment is quarantined");
    let manifest = open().await;
    assert_eq!(live(&manifest, engine).await, std::slice::from_ref(&good));
    let quarantined = manifest.quarantined(engine).await.expect("listed");
    assert_eq!(quarantined.len(), 1);
    assert_eq!(quarantined[0].segment, bad);
    assert_eq!(quarantined[0].reason, "crc32c 0x1, expected 0x2");
    assert_eq!(manifest.quarantined("suite-quarantine-other").await.expect("listed"), []);

    let again = manifest.quarantine(bad.id, "again").await;
    assert!(matches!(again, Err(ManifestError::NotThere { .. })), "{again:?}");
    let removed = manifest.publish(remove(&[bad.id])).await;
    assert!(matches!(removed, Err(ManifestError::NotThere { .. })), "{removed:?}");
    let added = manifest.publish(add(std::slice::from_ref(&bad))).await;
    assert!(matches!(added, Err(ManifestError::Duplicate { .. })), "{added:?}");
    let discarded = manifest.discard(good.id).await;
    assert!(matches!(discarded, Err(ManifestError::NotThere { .. })), "a live one: {discarded:?}");

    manifest.discard(bad.id).await.expect("a quarantined segment is discarded");
    let again = manifest.discard(bad.id).await;
    assert!(matches!(again, Err(ManifestError::NotThere { .. })), "{again:?}");
    assert_eq!(manifest.quarantined(engine).await.expect("listed"), []);
    assert_eq!(live(&manifest, engine).await, [good]);
}

async fn lets_one_of_two_rivals_win(open: &impl AsyncFn() -> Arc<dyn Manifest>) {
    let engine = "suite-rivals";
    let manifest = open().await;
    for round in 0..8 {
        let base = 0x0005_0000 + round * 16;
        let source = example_segment(engine, base, 0, 1);
        manifest.publish(add(std::slice::from_ref(&source))).await.expect("a new segment is taken");
        let compacted = [1, 2, 3, 4].map(|n| example_segment(engine, base + n, 0, 1));
        let rivals = compacted.clone().map(|result| {
            let manifest = Arc::clone(&manifest);
            let edit = Edit { add: vec![result], remove: vec![source.id], flushed: None };
            tokio::spawn(async move { manifest.publish(edit).await })
        });
        let mut winners = Vec::new();
        for (rival, result) in rivals.into_iter().zip(&compacted) {
            match rival.await.expect("the task ended") {
                Ok(()) => winners.push(result.clone()),
                Err(ManifestError::NotThere { id, .. }) => assert_eq!(id, source.id),
                Err(other) => panic!("a loser learns that the segment is not live: {other}"),
            }
        }
        assert_eq!(winners.len(), 1, "one rival wins");
        assert_eq!(live(&manifest, engine).await, winners);
        manifest.publish(remove(&[winners[0].id])).await.expect("the winner is live");
    }
}

async fn takes_a_large_edit(open: &impl AsyncFn() -> Arc<dyn Manifest>) {
    let engine = "suite-large";
    let manifest = open().await;
    let many: Vec<_> = (0..1000).map(|n| example_segment(engine, 0x0006_0000 + n, 0, n as u64)).collect();
    manifest.publish(add(&many)).await.expect("many segments are taken");
    assert_eq!(live(&manifest, engine).await.len(), many.len());
    let ids: Vec<_> = many.iter().map(|segment| segment.id).collect();
    let last = example_segment(engine, 0x0006_ffff, 0, 1);
    let edit = Edit { add: vec![last.clone()], remove: ids, flushed: None };
    manifest.publish(edit).await.expect("many segments are removed");
    assert_eq!(live(&manifest, engine).await, [last]);
}
