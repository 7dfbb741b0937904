//! Files that are rotated while they are read, and while nobody reads them.

use serde_json::json;

use crate::harness::{Bench, settle};

async fn reading() -> Bench {
    let mut bench = Bench::new();
    bench.write("app.log", "");
    bench.apply(&[bench.file("app.log", json!({}))]).await;
    settle(2.0).await;
    bench
}

#[tokio::test(start_paused = true)]
async fn a_renamed_file_is_read_to_its_end() {
    let bench = reading().await;
    bench.append("app.log", "1\n");
    settle(2.0).await;
    bench.append("app.log", "2\n");
    bench.rename("app.log", "app.log.1");
    bench.write("app.log", "3\n");
    settle(3.0).await;
    bench.append("app.log.1", "late\nwithout an end");
    settle(3.0).await;
    assert_eq!(bench.texts(), ["1", "2", "3", "late"]);
    settle(60.0).await;
    assert_eq!(bench.texts(), ["without an end"]);
    bench.append("app.log.1", "too late\n");
    bench.append("app.log", "4\n");
    settle(3.0).await;
    assert_eq!(bench.texts(), ["4"]);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_cut_off_is_read_from_its_beginning() {
    let bench = reading().await;
    bench.append("app.log", "one\n");
    settle(3.0).await;
    bench.write("app.log", "2\n");
    settle(3.0).await;
    bench.write("app.log", "three, which is longer than all before\n");
    settle(3.0).await;
    assert_eq!(bench.texts(), ["one", "2", "three, which is longer than all before"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_content_with_the_same_head_is_noticed() {
    let bench = reading().await;
    let banner = format!("{}\n", "#".repeat(2000));
    bench.append("app.log", format!("{banner}one\n"));
    settle(3.0).await;
    bench.write("app.log", format!("{banner}two\nthree\n"));
    settle(3.0).await;
    let texts: Vec<String> = bench.texts().into_iter().filter(|text| !text.starts_with('#')).collect();
    assert_eq!(texts, ["one", "two", "three"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_written_just_before_a_copytruncate_is_read_from_the_copy() {
    let bench = reading().await;
    bench.append("app.log", "1\n");
    settle(2.0).await;
    bench.append("app.log", "2\n");
    bench.copy_and_truncate("app.log", "app.log.1");
    bench.append("app.log", "3\nlonger than before\n");
    settle(3.0).await;
    assert_eq!(bench.texts(), ["1", "2", "3", "longer than before"]);
}

#[tokio::test(start_paused = true)]
async fn several_rotations_between_two_looks_are_followed() {
    let bench = reading().await;
    bench.append("app.log", "1\n");
    bench.rename("app.log", "app.log.1");
    bench.write("app.log", "2\n");
    bench.rename("app.log.1", "app.log.2");
    bench.rename("app.log", "app.log.1");
    bench.write("app.log", "3\n");
    settle(3.0).await;
    assert_eq!(bench.texts(), ["1", "2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn rotations_while_the_agent_is_down_are_followed() {
    for in_order in [true, false] {
        let mut bench = reading().await;
        bench.append("app.log", "1\n");
        settle(3.0).await;
        if in_order {
            bench.shutdown().await;
        } else {
            bench.kill().await;
        }
        bench.append("app.log", "2\n");
        bench.rename("app.log", "app.log.1");
        bench.write("app.log", "3\n");
        bench.rename("app.log.1", "app.log-20261124");
        bench.rename("app.log", "app.log-20261125");
        bench.write("app.log", "4\n");
        bench.start().await;
        settle(3.0).await;
        assert_eq!(bench.texts(), ["1", "2", "3", "4"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_copytruncate_while_the_agent_is_down_is_followed() {
    let mut bench = reading().await;
    bench.append("app.log", "1\n");
    settle(3.0).await;
    bench.kill().await;
    bench.append("app.log", "2\n");
    bench.copy_and_truncate("app.log", "app.log.1");
    bench.append("app.log", "3, longer than what was there before\n");
    bench.start().await;
    settle(3.0).await;
    assert_eq!(bench.texts(), ["1", "2", "3, longer than what was there before"]);
}

#[tokio::test(start_paused = true)]
async fn a_rotated_file_without_a_successor_is_read_after_a_restart() {
    let mut bench = reading().await;
    bench.append("app.log", "1\n");
    settle(3.0).await;
    bench.kill().await;
    bench.append("app.log", "2\n");
    bench.rename("app.log", "app.log.1");
    bench.start().await;
    settle(3.0).await;
    bench.write("app.log", "3\n");
    settle(3.0).await;
    assert_eq!(bench.texts(), ["1", "2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn wildcards_that_match_rotated_files_read_nothing_twice() {
    let mut bench = Bench::new();
    bench.write("app.log", "");
    bench.apply(&[bench.file("app.log*", json!({}))]).await;
    settle(2.0).await;
    let body = |n: usize| format!("{n}\n{}\n", n.to_string().repeat(1200));
    let mut wanted = Vec::new();
    for n in 0..4 {
        bench.append("app.log", body(n));
        wanted.push(n.to_string());
        settle(if n % 2 == 0 { 3.0 } else { 0.0 }).await;
        for old in (1..4).rev().filter(|old| bench.path(&format!("app.log.{old}")).exists()) {
            bench.rename(&format!("app.log.{old}"), &format!("app.log.{}", old + 1));
        }
        if n < 2 {
            bench.rename("app.log", "app.log.1");
            bench.write("app.log", "");
        } else {
            bench.copy_and_truncate("app.log", "app.log.1");
        }
        settle(70.0).await;
    }
    let texts: Vec<String> = bench.texts().into_iter().filter(|text| text.len() < 1000).collect();
    assert_eq!(texts, wanted);
    bench.shutdown().await;
    bench.start().await;
    settle(3.0).await;
    assert_eq!(bench.texts(), Vec::<String>::new());
}
