//! Finding and reading files.

use std::os::unix::fs::PermissionsExt;

use galgo_tail::SourceState;
use serde_json::json;

use crate::harness::{Bench, settle};

#[tokio::test(start_paused = true)]
async fn a_file_is_read_from_its_end_with_its_tags() {
    let mut bench = Bench::new();
    bench.write("app.log", "before\n");
    bench.apply(&[bench.file("app.log", json!({ "tags": "a:1", "sourcecategory": "web" }))]).await;
    settle(2.0).await;
    bench.append("app.log", "one\n\n  two \r\npart");
    settle(3.0).await;
    let lines = bench.lines();
    let texts: Vec<&str> = lines.iter().map(|line| line.message.as_str()).collect();
    assert_eq!(texts, ["one", "two"]);
    let folder = format!("dirname:{}", bench.folder.path().display());
    assert_eq!(lines[0].tags, ["filename:app.log", &folder, "a:1", "sourcecategory:web"]);
    let (status, host) = (&lines[0].status, &lines[0].host);
    assert_eq!((status.as_str(), host.as_str()), ("info", "web-1"));
    assert_eq!((lines[0].service.as_str(), lines[0].source.as_str()), ("shop", "app"));
    bench.append("app.log", "ial\n");
    settle(3.0).await;
    assert_eq!(bench.texts(), ["partial"]);
    let status = &bench.tail().status().sources[0];
    assert_eq!((status.state, status.lines_sent, status.lines_read), (SourceState::Ok, 3, 4));
    let file = &status.files[0];
    assert_eq!((file.read, file.acknowledged, file.size), (28, 28, 28));
}

#[tokio::test(start_paused = true)]
async fn the_start_position_is_chosen() {
    for (position, first, second) in [
        ("end", vec!["c"], vec!["d"]),
        ("beginning", vec!["a", "b", "c"], vec!["d"]),
        ("forceEnd", vec!["c"], vec![]),
        ("forceBeginning", vec!["a", "b", "c"], vec!["a", "b", "c", "d"]),
    ] {
        let mut bench = Bench::new();
        bench.write("app.log", "a\nb\n");
        bench.apply(&[bench.file("app.log", json!({ "start_position": position }))]).await;
        settle(2.0).await;
        bench.append("app.log", "c\n");
        settle(3.0).await;
        assert_eq!(bench.texts(), first, "{position}");
        bench.shutdown().await;
        bench.append("app.log", "d\n");
        bench.start().await;
        settle(3.0).await;
        assert_eq!(bench.texts(), second, "{position} after a restart");
    }
}

#[tokio::test(start_paused = true)]
async fn files_and_folders_that_appear_later_are_read_from_the_beginning() {
    let mut bench = Bench::new();
    bench.write("old/app.log", "old\n");
    let sources = [
        bench.file("later.log", json!({})),
        bench.file("*/app*.log", json!({ "exclude_paths": [bench.path("*/app-debug.log")] })),
    ];
    bench.apply(&sources).await;
    settle(2.0).await;
    assert_eq!(bench.tail().status().sources[0].state, SourceState::Waiting);
    bench.write("later.log", "later\n");
    bench.write("new/deep/app.log", "too deep\n");
    bench.write("new/app.log", "new\n");
    bench.write("new/app-debug.log", "excluded\n");
    settle(3.0).await;
    let mut texts = bench.texts();
    texts.sort();
    assert_eq!(texts, ["later", "new"]);
    std::fs::remove_file(bench.path("later.log")).unwrap();
    settle(70.0).await;
    assert!(bench.tail().status().sources[0].files.is_empty());
    bench.write("later.log", "again\n");
    settle(3.0).await;
    assert_eq!(bench.texts(), ["again"]);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_made_while_the_agent_was_down_is_read_whole() {
    let mut bench = Bench::new();
    bench.write("a.log", "old\n");
    bench.apply(&[bench.file("*.log", json!({}))]).await;
    settle(2.0).await;
    bench.kill().await;
    bench.append("a.log", "a\n");
    bench.write("b.log", "b\n");
    bench.start().await;
    settle(3.0).await;
    let mut texts = bench.texts();
    texts.sort();
    assert_eq!(texts, ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn other_encodings_are_read() {
    let mut bench = Bench::new();
    let utf16 = |text: &str, bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    bench.write("le.log", utf16("\u{feff}grün\r\nĊ\n", u16::to_le_bytes));
    bench.write("be.log", utf16("grün\n", u16::to_be_bytes));
    bench.write("jis.log", b"\x83\x8d\x83\x4f\n");
    bench.write("bad.log", b"a\xffb\n");
    let source = |name: &str, encoding: &str| {
        bench.file(name, json!({ "encoding": encoding, "start_position": "beginning", "service": encoding }))
    };
    let sources = [
        source("le.log", "utf-16-le"),
        source("be.log", "utf-16-be"),
        source("jis.log", "shift-jis"),
        source("bad.log", "utf-8"),
    ];
    bench.apply(&sources).await;
    settle(3.0).await;
    let mut lines: Vec<_> =
        bench.lines().into_iter().map(|line| format!("{} {}", line.service, line.message)).collect();
    lines.sort();
    assert_eq!(lines, ["shift-jis ログ", "utf-16-be grün", "utf-16-le grün", "utf-16-le Ċ", "utf-8 a\u{fffd}b"]);
}

#[tokio::test(start_paused = true)]
async fn long_lines_are_cut() {
    let mut bench = Bench::new();
    bench.config.max_message_bytes = 100_000;
    bench.write("app.log", format!("{}\nnext\n", "x".repeat(150_000)));
    bench.apply(&[bench.file("app.log", json!({ "start_position": "beginning" }))]).await;
    settle(3.0).await;
    let texts = bench.texts();
    assert_eq!(texts[0], format!("{}...TRUNCATED...", "x".repeat(100_000)));
    assert_eq!(texts[1], format!("...TRUNCATED...{}", "x".repeat(50_000)));
    assert_eq!(texts[2], "next");
}

#[tokio::test(start_paused = true)]
async fn the_newest_files_are_read_when_there_are_too_many() {
    let mut bench = Bench::new();
    bench.config.open_files_limit = 2;
    for name in ["a", "b", "c"] {
        bench.write(&format!("{name}.log"), "");
        // Files of the same tick of the kernel's clock have no order.
        std::fs::File::open(bench.path(&format!("{name}.log")))
            .unwrap()
            .set_modified(
                std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000 + u64::from(name.as_bytes()[0])),
            )
            .unwrap();
    }
    bench.apply(&[bench.file("*.log", json!({}))]).await;
    settle(2.0).await;
    let open = |bench: &Bench| -> Vec<String> {
        let status = bench.tail().status();
        status.sources[0].files.iter().map(|file| file.path.rsplit('/').next().unwrap().to_owned()).collect()
    };
    assert_eq!(open(&bench), ["b.log", "c.log"]);
    bench.append("a.log", "from a\n");
    settle(4.0).await;
    assert_eq!(bench.texts(), ["from a"]);
    assert_eq!(open(&bench), ["a.log", "c.log"]);
    bench.append("b.log", "from b\n");
    settle(4.0).await;
    assert_eq!(bench.texts(), ["from b"]);
}

#[tokio::test(start_paused = true)]
async fn a_file_is_read_by_one_source_only() {
    let mut bench = Bench::new();
    bench.write("app.log", "");
    bench.apply(&[bench.file("app.log", json!({}))]).await;
    settle(2.0).await;
    let sources = [bench.file("app.log", json!({})), bench.file("*.log", json!({}))];
    bench.apply(&sources).await;
    settle(2.0).await;
    bench.append("app.log", "once\n");
    settle(3.0).await;
    assert_eq!(bench.texts(), ["once"]);
    let error = bench.tail().status().sources[1].last_error.clone().unwrap();
    assert!(error.ends_with("app.log is read by another source already"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_opened_says_why() {
    let mut bench = Bench::new();
    bench.write("app.log", "secret\n");
    std::fs::set_permissions(bench.path("app.log"), std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::File::open(bench.path("app.log")).is_ok() {
        return; // run by root, whom nothing is forbidden
    }
    bench.apply(&[bench.file("app.log", json!({ "start_position": "beginning" }))]).await;
    settle(2.0).await;
    let status = bench.tail().status().sources[0].clone();
    assert_eq!(status.state, SourceState::Error);
    assert!(status.last_error.unwrap().contains("(the agent's user must be able to read it)"));
    std::fs::set_permissions(bench.path("app.log"), std::fs::Permissions::from_mode(0o644)).unwrap();
    settle(3.0).await;
    assert_eq!(bench.texts(), ["secret"]);
}
