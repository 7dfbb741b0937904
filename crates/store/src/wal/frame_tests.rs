//! What the frame codec promises.

use proptest::prelude::*;

use super::*;

const HEADER: FileHeader =
    FileHeader { generation: Generation(7), part: 2, first_record: 1000, salt: 0xfeed << 64 | 5 };

fn encode(header: &FileHeader, payloads: &[&[u8]]) -> Vec<u8> {
    let mut bytes = header.encode().to_vec();
    for payload in payloads {
        let frame = frame_header(header.seed(), bytes.len() as u64, payload);
        bytes.extend_from_slice(&frame);
        bytes.extend_from_slice(payload);
    }
    bytes
}

/// The records of a file, and whether everything else went without a complaint.
fn records(bytes: &[u8]) -> (Vec<Vec<u8>>, Vec<Piece<'_>>) {
    let mut records = Vec::new();
    let mut complaints = Vec::new();
    let seed = FileHeader::decode(bytes).map_or_else(|_| HEADER.seed(), |(header, _)| header.seed());
    for piece in Scanner::new(bytes, seed) {
        match piece {
            Piece::Record { payload, .. } => records.push(payload.to_vec()),
            complaint => complaints.push(complaint),
        }
    }
    (records, complaints)
}

fn hex(bytes: &[u8]) -> String {
    let lines = bytes.chunks(16).map(|line| line.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    lines.collect::<Vec<_>>().join("\n")
}

/// Files of version 1 must be readable for ever: these bytes may not change.
#[test]
fn golden_file_of_version_1() {
    let bytes = encode(&HEADER, &[b"first", b"", b"third record"]);
    expect_test::expect![[r#"
        47414c474f57414c0100000002000000
        0700000000000000e803000000000000
        0500000000000000edfe000000000000
        00000000000000000000000038e26159
        47414c474f57414c0100000002000000
        0700000000000000e803000000000000
        0500000000000000edfe000000000000
        00000000000000000000000038e26159
        a667771f0500000082eb5ba35f71ecfb
        6669727374a667771f0000000063f912
        2763f91227a667771f0c000000b7d21e
        9035dc56d37468697264207265636f72
        64"#]]
    .assert_eq(&hex(&bytes));
    let (found, complaints) = records(&bytes);
    assert_eq!(found, [&b"first"[..], b"", b"third record"]);
    assert_eq!(complaints, []);
}

#[test]
fn headers_read_back_from_either_copy() {
    let good = HEADER.encode();
    assert_eq!(FileHeader::decode(&good), Ok((HEADER, true)));
    for index in 0..HEADER_LEN {
        let mut bytes = good;
        bytes[index] ^= 0x10;
        assert_eq!(FileHeader::decode(&bytes), Ok((HEADER, false)), "byte {index}");
        assert_eq!(FileHeader::decode(&good[..index]), Err(HeaderError::Short));
        bytes[(index + HEADER_COPY_LEN) % HEADER_LEN] ^= 0x10;
        assert_eq!(FileHeader::decode(&bytes), Err(HeaderError::Damaged), "byte {index} of both");
    }
}

#[test]
fn a_later_version_is_named_not_guessed() {
    let mut copy = HEADER.encode_copy();
    copy[8..10].copy_from_slice(&9_u16.to_le_bytes());
    let checksum = crc32c::crc32c(&copy[..60]);
    copy[60..].copy_from_slice(&checksum.to_le_bytes());
    assert_eq!(FileHeader::decode(&[copy, copy].concat()), Err(HeaderError::Version(9)));
}

#[test]
fn a_flipped_bit_costs_its_record_and_no_other() {
    let payloads: [&[u8]; 5] = [b"alpha", b"", b"gamma gamma", b"d", b"epsilon"];
    let good = encode(&HEADER, &payloads);
    let mut end = HEADER_LEN;
    for (lost, payload) in payloads.iter().enumerate() {
        let start = end;
        end += FRAME_HEADER_LEN + payload.len();
        for index in start..end {
            for bit in 0..8 {
                let mut bytes = good.clone();
                bytes[index] ^= 1 << bit;
                let (found, complaints) = records(&bytes);
                let mut expected = payloads.to_vec();
                expected.remove(lost);
                assert_eq!(found, expected, "byte {index} bit {bit}");
                let [Piece::Damage(span)] = &complaints[..] else { panic!("byte {index}: {complaints:?}") };
                assert_eq!((span.offset, span.bytes), (start, end - start), "byte {index} bit {bit}");
            }
        }
    }
}

#[test]
fn a_cut_at_any_offset_leaves_the_records_before_it() {
    let payloads: [&[u8]; 3] = [b"alpha", b"", b"gamma gamma"];
    let good = encode(&HEADER, &payloads);
    let ends: Vec<usize> = payloads
        .iter()
        .scan(HEADER_LEN, |end, payload| {
            *end += FRAME_HEADER_LEN + payload.len();
            Some(*end)
        })
        .collect();
    for cut in HEADER_LEN..good.len() {
        let (found, complaints) = records(&good[..cut]);
        let whole = ends.iter().filter(|&&end| end <= cut).count();
        assert_eq!(found, payloads[..whole], "cut at {cut}");
        let at_boundary = cut == HEADER_LEN || ends.contains(&cut);
        match &complaints[..] {
            [] => assert!(at_boundary, "cut at {cut}"),
            [Piece::Torn(span)] => assert_eq!(span.offset + span.bytes, cut),
            other => panic!("cut at {cut}: {other:?}"),
        }
    }
}

#[test]
fn zeros_at_the_end_are_an_unfinished_write() {
    let mut bytes = encode(&HEADER, &[b"alpha"]);
    let end = bytes.len();
    bytes.resize(end + 5000, 0);
    let (found, complaints) = records(&bytes);
    assert_eq!(found, [b"alpha"]);
    assert!(matches!(&complaints[..], [Piece::Torn(span)] if span.offset == end && span.bytes == 5000));
}

#[test]
fn bytes_inside_a_record_never_pass_for_a_frame() {
    // A sender who knows the format but not the salt puts a frame into its record; a copy of a real frame of the same
    // file, at another offset, does not pass either.
    let inner = FileHeader { salt: 6, ..HEADER };
    let forged = encode(&inner, &[b"forged"]);
    let copied = encode(&HEADER, &[b"copied"])[HEADER_LEN..].to_vec();
    let mut bytes = encode(&HEADER, &[b"alpha", &forged[HEADER_LEN..], &copied, b"omega"]);
    let second = HEADER_LEN + FRAME_HEADER_LEN + 5;
    bytes[second] ^= 1; // the scan now has to look for the next frame, through the forged one
    let third = second + FRAME_HEADER_LEN + forged.len() - HEADER_LEN;
    bytes[third] ^= 1;
    let (found, _) = records(&bytes);
    assert_eq!(found, [b"alpha", b"omega"]);
}

#[test]
fn a_file_full_of_magic_numbers_is_scanned_in_linear_time() {
    let mut bytes = HEADER.encode().to_vec();
    while bytes.len() < 8 << 20 {
        bytes.extend_from_slice(&FRAME_MAGIC);
        bytes.extend_from_slice(&(1_u32 << 20).to_le_bytes());
    }
    let (found, complaints) = records(&bytes);
    assert!(found.is_empty());
    assert_eq!(complaints.len(), 1);
}

/// Something that happens to the bytes of a file.
#[derive(Debug, Clone)]
enum Harm {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index, usize),
    Overwrite(prop::sample::Index, Vec<u8>),
}

fn harm() -> impl Strategy<Value = Harm> {
    let index = any::<prop::sample::Index>;
    let bytes = || prop::collection::vec(any::<u8>(), 1..40);
    prop_oneof![
        4 => (index(), 1_u8..).prop_map(|(at, mask)| Harm::Flip(at, mask)),
        1 => index().prop_map(Harm::Cut),
        1 => (index(), bytes()).prop_map(|(at, bytes)| Harm::Insert(at, bytes)),
        1 => (index(), 1_usize..40).prop_map(|(at, length)| Harm::Remove(at, length)),
        2 => (index(), bytes()).prop_map(|(at, bytes)| Harm::Overwrite(at, bytes)),
    ]
}

fn inflict(bytes: &mut Vec<u8>, harm: &Harm) {
    let length = bytes.len();
    match harm {
        Harm::Flip(at, mask) => bytes[at.index(length)] ^= mask,
        Harm::Cut(at) => bytes.truncate(at.index(length)),
        Harm::Insert(at, new) => {
            let at = at.index(length);
            bytes.splice(at..at, new.iter().copied());
        }
        Harm::Remove(at, count) => {
            let at = at.index(length);
            bytes.drain(at..length.min(at + count));
        }
        Harm::Overwrite(at, new) => {
            let at = at.index(length);
            let end = length.min(at + new.len());
            bytes[at..end].copy_from_slice(&new[..end - at]);
        }
    }
}

proptest! {
    #[test]
    fn records_read_back(payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20)) {
        let slices: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
        let bytes = encode(&HEADER, &slices);
        let (found, complaints) = records(&bytes);
        prop_assert_eq!(found, payloads);
        prop_assert_eq!(complaints, vec![]);
    }

    #[test]
    fn harm_never_panics_invents_or_reorders(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..12),
        harms in prop::collection::vec(harm(), 1..4),
    ) {
        let slices: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
        let mut bytes = encode(&HEADER, &slices);
        for harm in &harms {
            if !bytes.is_empty() {
                inflict(&mut bytes, harm);
            }
        }
        let (found, _) = records(&bytes);
        // What is found is a subsequence of what was written.
        let mut rest = payloads.iter();
        for record in &found {
            prop_assert!(rest.any(|payload| payload == record), "{:?} was not written, or not here", record);
        }
    }

    #[test]
    fn arbitrary_bytes_hold_no_record(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let (found, _) = records(&bytes);
        prop_assert!(found.is_empty());
    }
}
