//! Check `directory`: how many files a folder holds, how large and how old they are. The service check is
//! `system.disk.directory.exists`.

mod walk;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use galgo_agent::check::{Check, CheckContext, CheckError, Instance, InstanceError, Samples};
use galgo_core::Clock;
use galgo_core::check::CheckStatus;
use serde_json::Value;

use crate::options::Options;
use crate::pattern::Pattern;

use walk::{FileFacts, Rules, Tally, walk};

/// Files of one folder that are measured one by one with `filegauges`, unless `max_filegauge_count` says otherwise.
const DEFAULT_FILE_GAUGES: u64 = 20;

/// Makes the check of an instance.
pub fn factory(instance: &Instance, context: &CheckContext) -> Result<Box<dyn Check>, CheckError> {
    let made = Directory::read(instance, Arc::clone(&context.clock));
    Ok(Box::new(made.map_err(|error| CheckError::new(error.to_string()))?))
}

#[derive(Debug)]
struct Directory {
    path: PathBuf,
    rules: Arc<Rules>,
    count_only: bool,
    ignore_missing: bool,
    file_tag: String,
    tags: Vec<String>,
    check_tags: Vec<String>,
    clock: Arc<dyn Clock>,
}

impl Directory {
    fn read(instance: &Instance, clock: Arc<dyn Clock>) -> Result<Self, InstanceError> {
        let options = Options::of(instance);
        let directory = options.required("directory")?;
        let path = std::path::absolute(&directory)
            .map_err(|_| options.refuse("directory", "a path", &Value::from(directory.clone())))?;
        let name = options.text("name")?.unwrap_or_else(|| directory.clone());
        let refuse = |key: &str, text: &str, expected: &str| options.refuse(key, expected, &Value::from(text));
        let pattern = match options.text("pattern")? {
            Some(glob) => Some(Pattern::glob(&glob).map_err(|_| refuse("pattern", &glob, "a shell pattern"))?),
            None => None,
        };
        let excluded = options.texts("exclude_dirs")?;
        let exclude_dirs = Pattern::any_of(&excluded)
            .map_err(|error| refuse("exclude_dirs", &error.to_string(), "a list of regular expressions"))?;
        let mut tags = vec![format!("{}:{name}", options.text("dirtagname")?.unwrap_or_else(|| "name".into()))];
        tags.extend(instance.tags());
        let mut check_tags = vec![format!("dir_name:{name}")];
        check_tags.extend(instance.tags());
        let count_only = options.flag("countonly", false);
        Ok(Self {
            rules: Arc::new(Rules {
                pattern,
                exclude_dirs,
                exclude_by_path: options.flag("dirs_patterns_full", false),
                recursive: options.flag("recursive", false),
                follow_dirs: options.flag("follow_symlinks", true),
                follow_files: options.flag("stat_follow_symlinks", true),
                stat: !count_only,
                file_gauges: options.flag("filegauges", false),
                max_file_gauges: options.whole("max_filegauge_count")?.unwrap_or(DEFAULT_FILE_GAUGES) as usize,
                histograms: options.flag("submit_histograms", true),
            }),
            path,
            count_only,
            ignore_missing: options.flag("ignore_missing", false),
            file_tag: options.text("filetagname")?.unwrap_or_else(|| "filename".into()),
            tags,
            check_tags,
            clock,
        })
    }

    fn submit(&self, tally: Tally, out: &mut Samples) {
        let now_s = self.clock.now_ms() as f64 / 1000.0;
        for (path, facts) in &tally.single {
            let tags = [&[format!("{}:{}", self.file_tag, path.display())], self.tags.as_slice()].concat();
            out.gauge("system.disk.directory.file.bytes", facts.bytes as f64, &tags);
            out.gauge("system.disk.directory.file.modified_sec_ago", now_s - facts.modified_s, &tags);
            out.gauge("system.disk.directory.file.created_sec_ago", now_s - facts.changed_s, &tags);
        }
        for FileFacts { bytes, modified_s, changed_s } in &tally.many {
            out.histogram("system.disk.directory.file.bytes", *bytes as f64, &self.tags);
            out.histogram("system.disk.directory.file.modified_sec_ago", now_s - modified_s, &self.tags);
            out.histogram("system.disk.directory.file.created_sec_ago", now_s - changed_s, &self.tags);
        }
        out.gauge("system.disk.directory.files", tally.files as f64, &self.tags);
        out.gauge("system.disk.directory.folders", tally.folders as f64, &self.tags);
        if !self.count_only {
            out.gauge("system.disk.directory.bytes", tally.bytes as f64, &self.tags);
        }
        tally.problems.into_iter().for_each(|problem| out.warn(problem));
    }
}

#[async_trait]
impl Check for Directory {
    async fn run(&mut self, out: &mut Samples) -> Result<(), CheckError> {
        if let Err(error) = tokio::fs::metadata(&self.path).await {
            let message = format!("{}: {error}", self.path.display());
            out.service_check("system.disk.directory.exists", CheckStatus::Warning, &self.check_tags, message.clone());
            if self.ignore_missing {
                return Ok(());
            }
            return Err(CheckError::new(message));
        }
        out.service_check("system.disk.directory.exists", CheckStatus::Ok, &self.check_tags, "");
        let (path, rules, clock) = (self.path.clone(), Arc::clone(&self.rules), Arc::clone(&self.clock));
        let walked = tokio::task::spawn_blocking(move || walk(&path, &rules, &*clock)).await;
        let tally = walked.map_err(|error| CheckError::new(format!("{}: {error}", self.path.display())))?;
        self.submit(tally, out);
        Ok(())
    }
}
