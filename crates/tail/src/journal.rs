//! Sources of type `journald`: reads the journal of systemd through `journalctl`, whose output is stable and which
//! knows every version of the journal's files.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use galgo_agent::Stop;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::encoding::Encoding;
use crate::framer::{Frame, Framer};
use crate::pipeline::{Item, Origin, Position};
use crate::severity;
use crate::shared::SourceContext;
use crate::source::{JournalSource, StartPosition};
use crate::status::{Counters, SourceState};

/// Longest entry in bytes, as JSON.
const ENTRY_BYTES: usize = 4 << 20;
/// Bytes that are read from the program at a time.
const READ_BYTES: usize = 64 << 10;
/// Pauses before the program is started again: the first, and the longest.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// Longest time for one answer of the program.
const ANSWER: Duration = Duration::from_secs(10);
/// Fields one of which names the application, in this order.
const APPLICATION: [&str; 4] = ["SYSLOG_IDENTIFIER", "_SYSTEMD_USER_UNIT", "_SYSTEMD_UNIT", "_COMM"];

/// Reads the journal until told to stop.
pub(crate) async fn run(context: SourceContext, journal: JournalSource, program: PathBuf, mut stop: Stop) {
    let reader = JournalReader { name: Arc::from(context.source.name()), context, journal, program };
    let mut fresh = true;
    let mut pause = RETRY.0;
    loop {
        let ended = reader.follow(&mut stop, fresh).await;
        fresh = false;
        match ended {
            Ok(None) => return,
            Ok(Some(read)) if read > 0 => pause = RETRY.0,
            Ok(Some(_)) => {}
            Err(error) => reader.context.complain(error),
        }
        tokio::select! {
            biased;
            () = stop.raised() => return,
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(RETRY.1),
        }
    }
}

struct JournalReader {
    context: SourceContext,
    journal: JournalSource,
    program: PathBuf,
    name: Arc<str>,
}

impl JournalReader {
    /// Runs the program until it ends (the number of entries that came), or the source is to stop (`None`).
    async fn follow(&self, stop: &mut Stop, fresh: bool) -> Result<Option<u64>, String> {
        let place = self.place(fresh).await?;
        let mut arguments = vec!["--follow".to_owned(), "--no-tail".to_owned()];
        if let Some(cursor) = &place {
            arguments.push(format!("--after-cursor={cursor}"));
        }
        arguments.extend(self.filter());
        let mut child = self.start(&arguments)?;
        let complaint = last_words(&mut child);
        let Some(output) = child.stdout.take() else { return Err("journalctl has no output".to_owned()) };
        self.context.counters.set_state(SourceState::Ok);
        let mut output = BufReader::with_capacity(READ_BYTES, output);
        let mut framer = Framer::new(Encoding::Utf8, ENTRY_BYTES, 0);
        let mut buffer = vec![0; READ_BYTES];
        let mut read = 0;
        loop {
            let length = tokio::select! {
                biased;
                () = stop.raised() => return Ok(None),
                length = output.read(&mut buffer) => length.map_err(|error| format!("journalctl: {error}"))?,
            };
            if length == 0 {
                break;
            }
            let mut frames = Vec::new();
            framer.push(&buffer[..length], &mut frames);
            read += frames.len() as u64;
            Counters::add(&self.context.counters.bytes_read, length as u64);
            Counters::add(&self.context.counters.lines_read, frames.len() as u64);
            let items = frames.into_iter().filter_map(|frame| self.item(frame)).collect();
            if !self.context.send(items, stop).await {
                return Ok(None);
            }
        }
        let status = child.wait().await.map_err(|error| format!("journalctl: {error}"))?;
        let complaint = complaint.lock().clone();
        if place.is_some() && read == 0 && complaint.contains("cursor") {
            // The place is of another journal: without it everything is read.
            self.context.shared.registry.set_cursor(&self.name, None);
        }
        if status.success() {
            return Ok(Some(read));
        }
        Err(format!("journalctl ended with {status}: {complaint}"))
    }

    /// The cursor after which reading begins; `None` for the beginning of the journal.
    async fn place(&self, fresh: bool) -> Result<Option<String>, String> {
        let registry = &self.context.shared.registry;
        let force = matches!(self.journal.start_position, StartPosition::ForceEnd | StartPosition::ForceBeginning);
        let saved = registry.source(&self.name).filter(|_| !(force && fresh));
        if let Some(cursor) = saved {
            return Ok(cursor);
        }
        let from_end = matches!(self.journal.start_position, StartPosition::End | StartPosition::ForceEnd);
        let cursor = if from_end { self.last_cursor().await? } else { None };
        // Saved before anything is read, so that a crash passes over nothing that is written after this moment.
        registry.set_cursor(&self.name, cursor.clone());
        Ok(cursor)
    }

    /// The cursor of the newest entry.
    async fn last_cursor(&self) -> Result<Option<String>, String> {
        let child = self.start(&["--lines=1".to_owned()])?;
        let answer = tokio::time::timeout(ANSWER, child.wait_with_output()).await;
        let output = answer.map_err(|_| format!("journalctl did not answer within {} s", ANSWER.as_secs()))?;
        let output = output.map_err(|error| format!("journalctl: {error}"))?;
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            return Err(format!("journalctl ended with {}: {}", output.status, complaint.trim()));
        }
        let entry: Option<Value> = serde_json::from_slice(output.stdout.trim_ascii()).ok();
        Ok(entry.as_ref().and_then(|entry| entry.get("__CURSOR")?.as_str()).map(str::to_owned))
    }

    fn start(&self, arguments: &[String]) -> Result<Child, String> {
        let mut command = Command::new(&self.program);
        command.args(["--output=json", "--all", "--no-pager", "--quiet"]);
        if !self.journal.path.is_empty() {
            let kind = if Path::new(&self.journal.path).is_file() { "--file" } else { "--directory" };
            command.arg(format!("{kind}={}", self.journal.path));
        }
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => "journalctl is not installed: the journal cannot be read".to_owned(),
            _ => format!("cannot start {}: {error}", self.program.display()),
        })
    }

    /// Matches one of which must hold.
    fn filter(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        for wanted in &self.journal.include {
            if !arguments.is_empty() {
                arguments.push("+".to_owned());
            }
            arguments.push(wanted.clone());
        }
        arguments
    }

    fn item(&self, frame: Frame) -> Option<Item> {
        let Ok(Value::Object(mut fields)) = serde_json::from_str::<Value>(&frame.text) else {
            self.context.counters.note_error("journalctl gave an entry that is not understood".to_owned());
            return None;
        };
        let cursor = text(&fields, "__CURSOR");
        let micros = text(&fields, "__REALTIME_TIMESTAMP").parse::<i64>();
        let time_ms = micros.map_or_else(|_| self.context.shared.clock.now_ms(), |micros| micros / 1000);
        let status = text(&fields, "PRIORITY").parse().map_or(severity::INFO, severity::of_severity);
        let application = APPLICATION.iter().map(|field| text(&fields, field)).find(|name| !name.is_empty());
        let excluded = self.is_excluded(&fields);
        let message = text(&fields, "MESSAGE");
        fields.shift_remove("MESSAGE");
        fields.retain(|field, _| !field.starts_with("__"));
        let processed = if excluded { None } else { self.process(message, fields) };
        if processed.is_none() {
            Counters::add(&self.context.counters.lines_dropped, 1);
        }
        Some(Item {
            text: processed,
            status,
            time_ms,
            origin: Arc::new(self.origin(application.unwrap_or_default())),
            position: Position::Journal(Arc::clone(&self.name), cursor),
        })
    }

    fn process(&self, message: String, fields: Map<String, Value>) -> Option<String> {
        let rules = &self.context.reading.rules;
        if self.journal.process_raw_message {
            return rules.apply(json!({ "message": message, "journald": fields }).to_string());
        }
        let message = rules.apply(message)?;
        Some(json!({ "message": message, "journald": fields }).to_string())
    }

    fn is_excluded(&self, fields: &Map<String, Value>) -> bool {
        self.journal
            .exclude
            .iter()
            .any(|unwanted| unwanted.split_once('=').is_some_and(|(field, value)| text(fields, field) == value))
    }

    fn origin(&self, application: String) -> Origin {
        let source = &self.context.source;
        let or_application = |given: &String| if given.is_empty() { application.clone() } else { given.clone() };
        Origin {
            check: source.check.clone(),
            place: self.name.to_string(),
            service: or_application(&source.service),
            source: or_application(&source.source),
            tags: source.tags.clone(),
            counters: Arc::clone(&self.context.counters),
        }
    }
}

/// A field as text. A field with bytes that are not text is a list of numbers; one that occurs twice is a list of both.
fn text(fields: &Map<String, Value>, field: &str) -> String {
    match fields.get(field) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) if items.iter().all(Value::is_u64) => {
            let bytes: Vec<u8> = items.iter().filter_map(|item| u8::try_from(item.as_u64()?).ok()).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        Some(Value::Array(items)) => items.first().and_then(Value::as_str).unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}

/// Keeps the last line that the program writes to its error output.
fn last_words(child: &mut Child) -> Arc<Mutex<String>> {
    let words = Arc::new(Mutex::new(String::new()));
    if let Some(mut errors) = child.stderr.take() {
        let kept = Arc::clone(&words);
        tokio::spawn(async move {
            let mut buffer = vec![0; 1024];
            while let Ok(length @ 1..) = errors.read(&mut buffer).await {
                let text = String::from_utf8_lossy(&buffer[..length]);
                if let Some(line) = text.trim().lines().last() {
                    line.clone_into(&mut kept.lock());
                }
            }
        });
    }
    words
}
