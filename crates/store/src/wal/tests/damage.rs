//! What recovery makes of files that are not as they were written.

use super::*;

/// A log of one file of an earlier generation and one of the last.
async fn two_files() -> Fixture {
    let fixture = Fixture::new();
    for records in [["a1", "a2", "a3"], ["b1", "b2", "b3"]] {
        let (wal, ..) = fixture.open();
        append_all_of(&wal, &records).await;
        drop(wal);
    }
    assert_eq!(fixture.files().len(), 2);
    fixture
}

/// Opens a copy of the log in which the file was changed.
async fn reopened(original: &Fixture, change: impl FnOnce(&[PathBuf])) -> (Fixture, Vec<String>, Recovery) {
    let copy = Fixture::new();
    for path in original.files() {
        std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    change(&copy.files());
    let (wal, replayed, recovery) = copy.open();
    append(&wal, "new").await.unwrap();
    drop(wal);
    (copy, replayed, recovery)
}

const ALL: [&str; 6] = ["a1", "a2", "a3", "b1", "b2", "b3"];

/// Length of a frame in these logs: a header and two bytes.
const FRAME: usize = frame::FRAME_HEADER_LEN + 2;

#[tokio::test]
async fn a_flipped_byte_anywhere_costs_one_record_at_most() {
    let original = two_files().await;
    for file in 0..2 {
        let length = original.files()[file].metadata().unwrap().len() as usize;
        for offset in 0..length {
            let (copy, replayed, recovery) = reopened(&original, |files| {
                let mut bytes = std::fs::read(&files[file]).unwrap();
                bytes[offset] ^= 0x40;
                std::fs::write(&files[file], bytes).unwrap();
            })
            .await;
            let mut expected = ALL.to_vec();
            if let Some(in_frames) = offset.checked_sub(frame::HEADER_LEN) {
                expected.remove(3 * file + in_frames / FRAME);
            }
            assert_eq!(replayed, expected, "file {file} offset {offset}");
            assert_eq!(recovery.torn, vec![], "file {file} offset {offset}");
            assert_eq!(recovery.damage.len(), 1, "file {file} offset {offset}");
            let damage = &recovery.damage[0];
            assert_eq!(damage.file, copy.files()[file]);
            assert!(damage.offset <= offset as u64 && (offset as u64) < damage.offset + damage.bytes);
            assert_eq!(copy.quarantined(), [damage.quarantined.clone().unwrap()]);

            // Opened again, nothing more is lost and the copy is not made twice.
            let (_wal, replayed, _) = copy.open();
            expected.push("new");
            assert_eq!(replayed, expected, "file {file} offset {offset}, second time");
            assert_eq!(copy.quarantined().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_cut_of_the_last_file_is_torn_and_cut_clean() {
    let original = two_files().await;
    let length = original.files()[1].metadata().unwrap().len() as usize;
    for cut in 0..length {
        let (copy, replayed, recovery) = reopened(&original, |files| {
            let file = std::fs::OpenOptions::new().write(true).open(&files[1]).unwrap();
            file.set_len(cut as u64).unwrap();
        })
        .await;
        let in_frames = cut.saturating_sub(frame::HEADER_LEN);
        let mut expected = ALL[..3 + in_frames / FRAME].to_vec();
        assert_eq!(replayed, expected, "cut at {cut}");
        assert_eq!(recovery.damage, vec![], "cut at {cut}");
        let is_whole = cut == 0 || (cut >= frame::HEADER_LEN && in_frames % FRAME == 0);
        assert_eq!(recovery.torn.len(), usize::from(!is_whole), "cut at {cut}: {:?}", recovery.torn);

        let (_wal, replayed, recovery) = copy.open();
        expected.push("new");
        assert_eq!(replayed, expected, "cut at {cut}, second time");
        assert_eq!((recovery.torn, recovery.damage), (vec![], vec![]), "cut at {cut}, second time");
    }
}

#[tokio::test]
async fn a_cut_of_an_earlier_file_is_damage_wherever_it_is() {
    let original = two_files().await;
    let length = original.files()[0].metadata().unwrap().len() as usize;
    for cut in 0..length {
        let (_, replayed, recovery) = reopened(&original, |files| {
            let file = std::fs::OpenOptions::new().write(true).open(&files[0]).unwrap();
            file.set_len(cut as u64).unwrap();
        })
        .await;
        let whole = cut.saturating_sub(frame::HEADER_LEN) / FRAME;
        let expected: Vec<&str> = ALL[..whole].iter().chain(&ALL[3..]).copied().collect();
        assert_eq!(replayed, expected, "cut at {cut}");
        assert_eq!(recovery.damage.len(), 1, "cut at {cut}: {:?}", recovery.damage);
        assert_eq!(recovery.torn, vec![]);
    }
}

#[tokio::test]
async fn a_missing_file_is_noticed() {
    let mut fixture = Fixture::new();
    fixture.config.max_file_bytes = 1;
    let (wal, ..) = fixture.open();
    append_all_of(&wal, &["a", "b", "c"]).await;
    drop(wal);
    std::fs::remove_file(&fixture.files()[1]).unwrap();
    let (_wal, replayed, recovery) = fixture.open();
    assert_eq!(replayed, ["a", "c"]);
    let whats: Vec<_> = recovery.damage.iter().map(|damage| damage.what.as_str()).collect();
    assert_eq!(whats, ["1 records are missing between this file and the next"]);
}

#[tokio::test]
async fn garbage_in_the_directory_is_left_alone_and_never_panics() {
    let original = two_files().await;
    let name = original.files()[1].clone();
    let contents: [&[u8]; 4] = [b"", b"not a log", &[0; 4096], &[0xff; 4096]];
    for content in contents {
        let (copy, replayed, recovery) = reopened(&original, |files| {
            std::fs::write(&files[1], content).unwrap();
            std::fs::write(files[1].with_file_name("notes.txt"), "mine").unwrap();
            std::fs::write(files[1].with_file_name("1.wal"), "mine too").unwrap();
            std::fs::create_dir(files[1].with_file_name("00000000000000000009-0000000000.wal")).unwrap();
        })
        .await;
        assert_eq!(replayed, ALL[..3], "{:?}", name);
        let complaints = recovery.torn.len() + recovery.damage.len();
        assert_eq!(complaints, usize::from(!content.is_empty()));
        assert!(copy.path().join("notes.txt").exists() && copy.path().join("1.wal").exists());
    }
}

#[tokio::test]
async fn a_renamed_file_is_not_taken_for_another() {
    let original = two_files().await;
    let (_, replayed, recovery) = reopened(&original, |files| {
        std::fs::rename(&files[0], files[1].with_file_name("00000000000000000009-0000000000.wal")).unwrap();
    })
    .await;
    assert_eq!(replayed, ALL[3..]);
    assert_eq!(recovery.damage.len(), 1);
    assert_eq!(recovery.damage[0].what, "header belongs to a file of another name");
}

#[tokio::test]
async fn a_record_that_the_engine_refuses_is_named_and_the_rest_goes_on() {
    let fixture = Fixture::new();
    let (wal, ..) = fixture.open();
    append_all_of(&wal, &["a", "refused", "b"]).await;
    drop(wal);
    let (_wal, replayed, recovery) = fixture.open();
    assert_eq!(replayed, ["a", "b"]);
    assert_eq!(recovery.damage.len(), 1);
    assert_eq!(recovery.damage[0].what, "record was refused: not understood");
    assert_eq!(fixture.quarantined().len(), 1);
}

#[tokio::test]
async fn a_file_of_a_later_version_stops_the_start() {
    let original = two_files().await;
    let path = &original.files()[1];
    let mut bytes = std::fs::read(path).unwrap();
    for copy in [0, 64] {
        bytes[copy + 8] = 2;
        let checksum = crc32c::crc32c(&bytes[copy..copy + 60]);
        bytes[copy + 60..copy + 64].copy_from_slice(&checksum.to_le_bytes());
    }
    std::fs::write(path, bytes).unwrap();
    let (opened, replayed) = original.try_open();
    assert!(matches!(opened, Err(WalError::Version { version: 2, supported: 1, .. })), "{opened:?}");
    assert!(replayed.is_empty());
    assert_eq!(original.files().len(), 2, "nothing was touched");
}
