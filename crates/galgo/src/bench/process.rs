//! CPU time and memory of a process, from `/proc`.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use anyhow::Context;

/// A process by its number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Process(pub(super) u32);

impl Process {
    /// This process.
    pub(super) fn current() -> Self {
        Self(std::process::id())
    }

    fn read(self, file: &str) -> anyhow::Result<String> {
        let path = format!("/proc/{}/{file}", self.0);
        fs::read_to_string(&path).with_context(|| format!("cannot read {path}; has the process ended?"))
    }

    /// CPU time of all its threads, ended ones too, in steps of a clock tick (10 ms).
    pub(super) fn cpu(self) -> anyhow::Result<Duration> {
        let stat = self.read("stat")?;
        // The name stands in parentheses and may hold blanks; user and system time are fields 14 and 15.
        let after_name = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
        let ticks: u64 =
            after_name.split_ascii_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
    }

    /// CPU time of its living threads to the nanosecond: for work that is shorter than a tick.
    pub(super) fn thread_times(self) -> anyhow::Result<ThreadTimes> {
        let folder = format!("/proc/{}/task", self.0);
        let mut times = HashMap::new();
        for task in fs::read_dir(&folder).with_context(|| format!("cannot read {folder}"))?.flatten() {
            // A thread that has just ended has no file any more.
            let Ok(text) = fs::read_to_string(task.path().join("schedstat")) else { continue };
            let nanoseconds = text.split_ascii_whitespace().next().and_then(|first| first.parse::<u64>().ok());
            times.insert(task.file_name(), nanoseconds.unwrap_or(0));
        }
        Ok(ThreadTimes(times))
    }

    /// Resident memory in bytes.
    pub(super) fn resident_bytes(self) -> anyhow::Result<u64> {
        let status = self.read("status")?;
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.trim().trim_end_matches(" kB").parse::<u64>().ok());
        Ok(kib.context("the process has no memory")? * 1024)
    }
}

/// CPU time of each thread in nanoseconds.
#[derive(Debug)]
pub(super) struct ThreadTimes(HashMap<std::ffi::OsString, u64>);

impl ThreadTimes {
    /// CPU time spent since `before`; that of threads which ended in between is missing.
    pub(super) fn since(&self, before: &Self) -> Duration {
        let spent =
            |(thread, now): (&std::ffi::OsString, &u64)| now.saturating_sub(before.0.get(thread).copied().unwrap_or(0));
        Duration::from_nanos(self.0.iter().map(spent).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_cpu_and_memory() {
        let process = Process::current();
        let before = process.thread_times().expect("readable");
        let mut sum = 0u64;
        for number in 0..20_000_000u64 {
            sum = std::hint::black_box(sum.wrapping_add(number));
        }
        let spent = process.thread_times().expect("readable").since(&before);
        assert!(spent > Duration::from_micros(100), "{spent:?} for {sum}");
        assert!(process.resident_bytes().expect("readable") > 100_000);
        process.cpu().expect("readable");
    }
}
