//! What the agent and the runner say to each other. `runner/galgo_runner/channel.py` is the other side.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What the agent asks of the runner.
#[derive(Debug, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Request<'a> {
    /// The first message. Settings go this way, and not by file or environment, because there are keys among them.
    Start {
        /// The agent's settings, for `get_config`.
        settings: &'a Value,
        /// Name of the host.
        host: &'a str,
        /// Tags of the host.
        host_tags: &'a [String],
        /// Version of the agent.
        version: &'a str,
        /// Folders with custom checks.
        check_dirs: &'a [std::path::PathBuf],
        /// Folder for persistent values.
        cache_dir: &'a std::path::Path,
        /// Lowest level of logs.
        log_level: &'a str,
        /// Most samples of one run.
        max_samples: usize,
        /// Most data memory that the kernel shall grant, in bytes; 0 for no limit.
        data_limit: u64,
        /// Most runs at a time.
        threads: usize,
    },
    /// Makes the check of an instance.
    Load {
        /// Number of the call.
        seq: u64,
        /// Identity of the instance.
        id: &'a str,
        /// Name of the check.
        name: &'a str,
        /// The file's `init_config`.
        init_config: &'a Value,
        /// The instance's options.
        instance: &'a Value,
    },
    /// Runs the check of an instance.
    Run {
        /// Number of the call.
        seq: u64,
        /// Identity of the instance.
        id: &'a str,
    },
    /// The instance is no longer scheduled.
    Unload {
        /// Identity of the instance.
        id: &'a str,
    },
    /// Custom modules whose files changed are to be loaded anew before their next run.
    Reload,
    /// Where the thread of a call is right now.
    Stack {
        /// Number of the call.
        seq: u64,
    },
    /// Cancels all checks and ends.
    Shutdown,
}

/// What kind of message a [`Frame`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The runner is ready.
    Hello,
    /// Some of what a run submitted.
    Part,
    /// A call is over.
    Done,
    /// A line of a check's log.
    Log,
    /// Where a call's thread is.
    Stack,
    /// Which modules changed.
    Reloaded,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Well.
    #[default]
    Ok,
    /// There is no check of that name.
    Missing,
    /// With an error.
    Error,
}

/// A value: kind, name, value, tags, host, whether the first counts from zero.
pub type ValueRow = (u8, String, f64, Vec<String>, String, bool);

/// A bucket: name, number, lower bound (null: −∞), upper bound (null: ∞), whether it grows, tags, host, whether the
/// first counts from zero.
pub type BucketRow = (String, i64, Option<f64>, Option<f64>, bool, Vec<String>, String, bool);

/// A service check: name, status, tags, host, message.
pub type ServiceCheckRow = (String, i64, Vec<String>, String, String);

/// What a run submitted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Submitted {
    /// Values.
    pub m: Vec<ValueRow>,
    /// Buckets.
    pub b: Vec<BucketRow>,
    /// Service checks.
    pub c: Vec<ServiceCheckRow>,
    /// Events in the words of `AgentCheck.event`.
    pub e: Vec<Map<String, Value>>,
    /// Log lines, each one JSON object as text.
    pub l: Vec<String>,
    /// Metadata.
    pub d: Vec<(String, String)>,
    /// Tags of other hosts: host, source, tags.
    pub x: Vec<(String, String, Vec<String>)>,
    /// Events of the event platform: track and body.
    pub p: Vec<(String, String)>,
}

/// What the runner says. One type for all kinds keeps parsing a single pass.
#[derive(Debug, Deserialize)]
pub struct Frame {
    /// What it is.
    pub k: Kind,
    /// Number of the call.
    #[serde(default)]
    pub seq: u64,
    /// How the call ended.
    #[serde(default)]
    pub status: Status,
    /// Why it failed; for `Hello`, why the real base class is not used; for `Log` and `Stack`, the text.
    #[serde(default)]
    pub text: String,
    /// Python traceback of a failed call.
    #[serde(default)]
    pub traceback: String,
    /// What the check found odd.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Version of a loaded check's module; for `Hello`, of Python.
    #[serde(default)]
    pub version: String,
    /// For `Hello`: which base class serves the checks.
    #[serde(default)]
    pub base: String,
    /// For `Log`: the check, empty when unknown.
    #[serde(default)]
    pub check: String,
    /// For `Log`: Python's number of the level.
    #[serde(default)]
    pub level: u32,
    /// For `Reloaded`: names of modules.
    #[serde(default)]
    pub modules: Vec<String>,
    /// What was submitted.
    #[serde(default)]
    pub out: Submitted,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn requests_are_flat_objects() {
        let run = serde_json::to_value(Request::Run { seq: 7, id: "x:1" }).unwrap();
        assert_eq!(run, json!({ "op": "run", "seq": 7, "id": "x:1" }));
        assert_eq!(serde_json::to_value(Request::Shutdown).unwrap(), json!({ "op": "shutdown" }));
    }

    #[test]
    fn a_frame_says_only_what_it_needs() {
        let frame: Frame = serde_json::from_str(
            r#"{"k":"done","seq":3,"out":{"m":[[0,"a",1.5,["t"],"",false]],"b":[["h",4,null,0.5,true,[],"",false]]}}"#,
        )
        .unwrap();
        assert_eq!((frame.k, frame.seq, frame.status), (Kind::Done, 3, Status::Ok));
        assert_eq!(frame.out.m, [(0, "a".to_owned(), 1.5, vec!["t".to_owned()], String::new(), false)]);
        assert_eq!((frame.out.b[0].2, frame.out.b[0].3), (None, Some(0.5)));
        assert!(serde_json::from_str::<Frame>(r#"{"k":"other"}"#).is_err());
    }
}
