//! The check on folders made for one test.

use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::http::tests::{context, described, instance, run};

/// `a.log` (3 bytes), `b.txt` (5), `sub/c.log` (7), `skip/d.log` (9).
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in [("a.log", 3), ("b.txt", 5), ("sub/c.log", 7), ("skip/d.log", 9)] {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x".repeat(bytes)).unwrap();
    }
    folder
}

async fn checked(path: &Path, mut options: Value) -> Samples {
    options["directory"] = json!(path);
    let mut check = factory(&instance("directory", options), &context(json!({}))).unwrap();
    let (samples, outcome) = run(&mut *check).await;
    outcome.unwrap();
    samples
}

/// Files, folders and bytes.
async fn totals(path: &Path, options: Value) -> [Option<f64>; 3] {
    let samples = checked(path, options).await;
    ["files", "folders", "bytes"].map(|name| {
        let found = samples.values.iter().find(|sample| sample.metric == format!("system.disk.directory.{name}"));
        found.map(|sample| sample.value)
    })
}

#[tokio::test]
async fn files_are_counted_by_the_rules() {
    let folder = folder();
    let path = folder.path();
    let cases = [
        (json!({}), [Some(2.0), Some(2.0), Some(8.0)]),
        (json!({ "recursive": true }), [Some(4.0), Some(2.0), Some(24.0)]),
        (json!({ "recursive": true, "pattern": "*.log" }), [Some(3.0), Some(2.0), Some(19.0)]),
        (json!({ "recursive": true, "pattern": "sub/*" }), [Some(1.0), Some(2.0), Some(7.0)]),
        (json!({ "recursive": true, "exclude_dirs": ["^skip$"] }), [Some(3.0), Some(1.0), Some(15.0)]),
        (json!({ "recursive": true, "exclude_dirs": ["/skip$"] }), [Some(4.0), Some(2.0), Some(24.0)]),
        (
            json!({ "recursive": true, "exclude_dirs": ["/skip$"], "dirs_patterns_full": true }),
            [Some(3.0), Some(1.0), Some(15.0)],
        ),
        (json!({ "countonly": true }), [Some(2.0), Some(2.0), None]),
    ];
    for (options, wanted) in cases {
        assert_eq!(totals(path, options.clone()).await, wanted, "{options}");
    }
}

#[tokio::test]
async fn links_are_followed_once_and_circles_end() {
    let folder = folder();
    let path = folder.path();
    symlink(path.join("a.log"), path.join("link")).unwrap();
    symlink(path, path.join("sub/up")).unwrap();
    symlink(path.join("nowhere"), path.join("broken")).unwrap();
    assert_eq!(totals(path, json!({ "recursive": true })).await, [Some(6.0), Some(3.0), Some(24.0)]);
    let [files, folders, _] = totals(path, json!({ "recursive": true, "follow_symlinks": false })).await;
    assert_eq!([files, folders], [Some(7.0), Some(2.0)]);
}

#[tokio::test]
async fn files_are_measured_one_by_one_or_together() {
    let folder = folder();
    let path = folder.path();
    let options = json!({ "name": "logs", "filegauges": true, "filetagname": "f", "dirtagname": "d", "tags": ["a:b"],
        "pattern": "*.log" });
    let samples = checked(path, options).await;
    let tags = format!("a:b d:logs f:{}", path.join("a.log").display());
    let text = described(&samples);
    assert!(text.contains(&format!("Gauge system.disk.directory.file.bytes 3 [{tags}]\n")), "{text}");
    assert!(text.contains("check system.disk.directory.exists Ok [a:b dir_name:logs] \n"), "{text}");
    let many = checked(path, json!({ "filegauges": true, "max_filegauge_count": 1 })).await;
    let text = described(&many);
    assert!(text.contains(&format!("Histogram system.disk.directory.file.bytes 5 [name:{}]\n", path.display())));
    let none = checked(path, json!({ "submit_histograms": false })).await;
    assert_eq!(none.values.len(), 3);
}

#[tokio::test]
async fn a_folder_that_is_missing_is_told() {
    let folder = folder();
    let path = folder.path().join("none");
    let made = |options| factory(&instance("directory", options), &context(json!({}))).unwrap();
    let (samples, outcome) = run(&mut *made(json!({ "directory": path }))).await;
    let message = format!("{}: No such file or directory (os error 2)", path.display());
    assert_eq!(outcome.unwrap_err().message, message);
    assert_eq!((samples.checks[0].status, &samples.checks[0].message), (CheckStatus::Warning, &message));
    let (samples, outcome) = run(&mut *made(json!({ "directory": path, "ignore_missing": "true" }))).await;
    assert_eq!((outcome, samples.values.len()), (Ok(()), 0));
}

#[test]
fn wrong_options_are_named() {
    let refused =
        |options| factory(&instance("directory", options), &context(json!({}))).map(drop).unwrap_err().message;
    assert_eq!(refused(json!({})), "directory (built in): directory is required");
    let wrong = refused(json!({ "directory": "/", "exclude_dirs": ["("] }));
    assert!(wrong.starts_with("directory (built in): exclude_dirs must be a list of regular expressions, not "));
}
