//! Whatever happens to the files and to the agent, every line comes at least once.

use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::json;

use crate::harness::{Bench, settle};

#[derive(Debug, Clone)]
enum Step {
    /// Writes lines; the last one may be finished by the next write only.
    Append { lines: usize, unfinished: bool },
    /// Renames the file; a line may still go to the old one before the new one is made.
    Rename { late: bool },
    /// Copies the file and cuts it off.
    CopyTruncate,
    /// Cuts the file off once everything is read.
    Truncate,
    /// Ends the agent without warning, or starts it again.
    KillOrStart,
    /// Ends the agent in good order, or starts it again.
    StopOrStart,
    /// The server answers no more, or again.
    Outage,
    /// Time passes.
    Wait { tenths: u32 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1_usize..6, any::<bool>()).prop_map(|(lines, unfinished)| Step::Append { lines, unfinished }),
        2 => any::<bool>().prop_map(|late| Step::Rename { late }),
        2 => Just(Step::CopyTruncate),
        1 => Just(Step::Truncate),
        2 => Just(Step::KillOrStart),
        1 => Just(Step::StopOrStart),
        1 => Just(Step::Outage),
        4 => (0_u32..40).prop_map(|tenths| Step::Wait { tenths }),
    ]
}

struct Story {
    bench: Bench,
    written: usize,
    unfinished: bool,
    outage: bool,
    multi_line: bool,
}

impl Story {
    fn line(&mut self) -> String {
        self.written += 1;
        // Some lines are alike, some long: heads of files are short and long, alike and different.
        let padding = "x".repeat(if self.written.is_multiple_of(7) { 700 } else { self.written % 5 });
        if self.multi_line {
            format!("# entry {}.\n  {padding}.\n", self.written)
        } else {
            format!("entry {}. {padding}\n", self.written)
        }
    }

    fn finish_line(&mut self) {
        if std::mem::take(&mut self.unfinished) {
            self.bench.append("app.log", " end\n");
        }
    }

    fn shift(&self) {
        let exists = |n: usize| self.bench.path(&format!("app.log.{n}")).exists();
        let last = (1..100).take_while(|n| exists(*n)).last().unwrap_or(0);
        for n in (1..=last).rev() {
            self.bench.rename(&format!("app.log.{n}"), &format!("app.log.{}", n + 1));
        }
    }

    async fn take(&mut self, step: &Step) {
        match step {
            Step::Append { lines, unfinished } => {
                self.finish_line();
                let mut text: String = (0..*lines).map(|_| self.line()).collect();
                if *unfinished {
                    text.pop();
                    self.unfinished = true;
                }
                self.bench.append("app.log", text);
            }
            Step::Rename { late } => {
                self.finish_line();
                self.shift();
                self.bench.rename("app.log", "app.log.1");
                if *late {
                    let line = self.line();
                    self.bench.append("app.log.1", line);
                }
                self.bench.write("app.log", "");
            }
            Step::CopyTruncate => {
                self.finish_line();
                self.shift();
                self.bench.copy_and_truncate("app.log", "app.log.1");
            }
            Step::Truncate => {
                self.finish_line();
                if self.bench.is_running() && !self.outage {
                    settle(5.0).await;
                    self.bench.write("app.log", "");
                }
            }
            Step::KillOrStart if self.bench.is_running() => self.bench.kill().await,
            Step::StopOrStart if self.bench.is_running() => self.bench.shutdown().await,
            Step::KillOrStart | Step::StopOrStart => self.bench.start().await,
            Step::Outage => {
                self.outage = !self.outage;
                self.bench.let_through(!self.outage);
            }
            Step::Wait { tenths } => settle(f64::from(*tenths) / 10.0).await,
        }
    }
}

/// How often each line came.
fn counts(texts: &[String]) -> HashMap<usize, usize> {
    let mut counts = HashMap::new();
    for text in texts {
        for (at, _) in text.match_indices("entry ") {
            let number = text[at + 6..].split('.').next().unwrap();
            *counts.entry(number.parse().unwrap_or(0)).or_insert(0) += 1;
        }
    }
    counts
}

async fn tell(steps: &[Step], wild: bool, multi_line: bool) -> (usize, Vec<String>) {
    let mut bench = Bench::new();
    bench.write("app.log", "");
    let path = if wild { "app.log*" } else { "app.log" };
    let rules = json!([{ "type": "multi_line", "name": "entry", "pattern": "#" }]);
    let rules = if multi_line { rules } else { json!([]) };
    bench.apply(&[bench.file(path, json!({ "log_processing_rules": rules }))]).await;
    settle(2.0).await;
    let mut story = Story { bench, written: 0, unfinished: false, outage: false, multi_line };
    for step in steps {
        story.take(step).await;
    }
    story.finish_line();
    story.bench.let_through(true);
    story.bench.start().await;
    settle(10.0).await;
    (story.written, story.bench.texts())
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(future)
}

/// Stories of each kind; more by `PROPTEST_CASES`.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(96)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_line_is_missing(
        steps in prop::collection::vec(step(), 1..30), wild in any::<bool>(), multi_line in any::<bool>(),
    ) {
        let (written, texts) = run(tell(&steps, wild, multi_line));
        let counts = counts(&texts);
        let missing: Vec<usize> = (1..=written).filter(|number| !counts.contains_key(number)).collect();
        prop_assert!(missing.is_empty(), "missing {:?} of {}", missing, written);
    }

    #[test]
    fn without_crashes_every_line_comes_once(steps in prop::collection::vec(step(), 1..30), wild in any::<bool>()) {
        let orderly = |step: &Step| !matches!(step, Step::KillOrStart | Step::Outage);
        let steps: Vec<Step> = steps.into_iter().filter(orderly).collect();
        let (written, texts) = run(tell(&steps, wild, false));
        let counts = counts(&texts);
        for number in 1..=written {
            prop_assert_eq!(counts.get(&number), Some(&1), "line {}", number);
        }
    }
}
