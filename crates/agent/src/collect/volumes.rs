//! Asks mounted file systems how full they are without ever waiting for a dead one twice. A blocking task walks through
//! the file systems; when one does not answer in time, the task stays with it, the file system is left out until the
//! task returns, and another task goes on with the rest.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::kernel::{VolumeUsage, Volumes};

/// Most file systems that may hang at a time, as each holds a thread. Beyond, no file system is asked.
const MAX_HANGING: usize = 32;

/// Longest that one run asks file systems; those whose turn has not come are left to the next run.
const RUN_LIMIT: Duration = Duration::from_secs(60);

/// Why a file system says nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Silence {
    #[error("no answer within {} s; left out until it returns", .0.as_secs_f64())]
    Hangs(Duration),
    #[error("too many other file systems hang")]
    NotAsked,
    #[error(transparent)]
    Refused(#[from] std::io::Error),
}

/// Asks file systems and remembers those that hang.
#[derive(Debug)]
pub(super) struct VolumeWatch {
    volumes: Arc<dyn Volumes>,
    hanging: HashMap<PathBuf, JoinHandle<()>>,
}

impl VolumeWatch {
    pub(super) fn new(volumes: Arc<dyn Volumes>) -> Self {
        Self { volumes, hanging: HashMap::new() }
    }

    /// Usage of the file systems at these mount points, each within `limit`. Those that hang since an earlier run are
    /// not in the answer.
    pub(super) async fn usages(
        &mut self,
        points: Vec<PathBuf>,
        limit: Duration,
    ) -> HashMap<PathBuf, Result<VolumeUsage, Silence>> {
        let limit = limit.min(RUN_LIMIT);
        let deadline = Instant::now() + RUN_LIMIT;
        self.hanging.retain(|_, task| !task.is_finished());
        let mut rest: Vec<PathBuf> = points.into_iter().filter(|point| !self.hanging.contains_key(point)).collect();
        let mut answers = HashMap::new();
        while !rest.is_empty() && self.hanging.len() < MAX_HANGING && Instant::now() < deadline {
            rest = self.walk(rest, limit, &mut answers).await;
        }
        answers.extend(rest.into_iter().map(|point| (point, Err(Silence::NotAsked))));
        answers
    }

    /// Asks one after the other until one hangs, and returns those that were not asked.
    async fn walk(
        &mut self,
        points: Vec<PathBuf>,
        limit: Duration,
        answers: &mut HashMap<PathBuf, Result<VolumeUsage, Silence>>,
    ) -> Vec<PathBuf> {
        let (sender, mut receiver) = mpsc::channel(points.len());
        let (volumes, asked) = (Arc::clone(&self.volumes), points.clone());
        let task = tokio::task::spawn_blocking(move || {
            for point in asked {
                let usage = volumes.usage(&point);
                // Nobody listens any more when this one took too long.
                if sender.blocking_send(usage).is_err() {
                    return;
                }
            }
        });
        let mut points = points.into_iter();
        while let Some(point) = points.next() {
            match tokio::time::timeout(limit, receiver.recv()).await {
                Ok(Some(usage)) => drop(answers.insert(point, usage.map_err(Silence::Refused))),
                // The task broke, or the runtime ends.
                Ok(None) => drop(answers.insert(point, Err(Silence::NotAsked))),
                Err(_elapsed) => {
                    self.hanging.insert(point.clone(), task);
                    answers.insert(point, Err(Silence::Hangs(limit)));
                    return points.collect();
                }
            }
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    /// Mount points that begin with `/dead` hang while the gate is closed.
    #[derive(Debug, Default)]
    struct Gated {
        open: AtomicBool,
        asked: AtomicUsize,
    }

    impl Volumes for Gated {
        fn usage(&self, point: &Path) -> std::io::Result<VolumeUsage> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            while point.starts_with("/dead") && !self.open.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            Ok(VolumeUsage { total: 1, free: 1, available: 1, inodes: 0, inodes_free: 0 })
        }
    }

    #[tokio::test]
    async fn a_dead_file_system_is_asked_once_and_the_others_go_on() {
        let gated = Arc::new(Gated::default());
        let mut watch = VolumeWatch::new(Arc::clone(&gated) as Arc<dyn Volumes>);
        let points = || ["/a", "/dead", "/b"].map(PathBuf::from).to_vec();
        let outcome = |answers: &HashMap<PathBuf, Result<VolumeUsage, Silence>>| {
            let mut lines: Vec<String> = answers
                .iter()
                .map(|(point, answer)| match answer {
                    Ok(_) => format!("{} answers", point.display()),
                    Err(silence) => format!("{}: {silence}", point.display()),
                })
                .collect();
            lines.sort();
            lines
        };
        let limit = Duration::from_millis(200);
        let answers = watch.usages(points(), limit).await;
        let dead = "/dead: no answer within 0.2 s; left out until it returns";
        assert_eq!(outcome(&answers), ["/a answers", "/b answers", dead]);
        let answers = watch.usages(points(), limit).await;
        assert_eq!(outcome(&answers), ["/a answers", "/b answers"]);
        assert_eq!(gated.asked.load(Ordering::SeqCst), 5);

        gated.open.store(true, Ordering::SeqCst);
        while watch.hanging.values().any(|task| !task.is_finished()) {
            tokio::task::yield_now().await;
        }
        let answers = watch.usages(points(), limit).await;
        assert_eq!(outcome(&answers), ["/a answers", "/b answers", "/dead answers"]);
    }
}
