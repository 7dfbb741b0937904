//! The writer thread: takes what waits, makes it durable, applies it, tells the callers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::appender::Appender;
use super::queue::{Pending, Queue, Urgency, Work};
use super::{Apply, WalError};

/// State of the thread.
pub struct Writer<A: Apply> {
    pub queue: Arc<Queue<A::Item>>,
    pub appender: Appender,
    pub apply: A,
    pub max_group_bytes: usize,
    pub group_wait: Duration,
}

/// Whatever ends the thread, callers must not wait for ever.
struct AbortOnExit<T>(Arc<Queue<T>>);

impl<T> Drop for AbortOnExit<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<A: Apply> Writer<A> {
    /// Works until the queue is closed and drained.
    pub fn run(mut self) {
        let _abort = AbortOnExit(Arc::clone(&self.queue));
        let mut batch = Vec::new();
        // Callers come back after their ack, so as many as were served or came meanwhile are likely to come again.
        let mut company = 0;
        loop {
            match self.queue.take(&mut batch, self.max_group_bytes, company, self.group_wait) {
                Work::Group => {
                    let served = batch.len();
                    self.write(&mut batch);
                    company = served + self.queue.waiting();
                }
                Work::Rotate(ack) => {
                    let closed = self.appender.rotate();
                    let told = catch_unwind(AssertUnwindSafe(|| self.apply.rotated(closed)));
                    // Without the engine's consent to the rotation the next generation would not stand alone.
                    if told.is_err() {
                        tracing::error!(generation = closed.0, "engine panicked on a rotation: the log is closed");
                        return;
                    }
                    let _ = ack.send(closed);
                }
                Work::End => {
                    self.appender.leave_file();
                    return;
                }
            }
        }
    }

    fn write(&mut self, batch: &mut Vec<Pending<A::Item>>) {
        let records = batch.iter().map(|pending| &pending.record[..]);
        let urgency = batch.first().map_or(Urgency::Ordinary, |first| first.urgency);
        let written = self.appender.append(records, urgency);
        self.queue.release(batch);
        if let Err(error) = written {
            for pending in batch.drain(..) {
                let _ = pending.ack.send(Err(error.clone()));
            }
            return;
        }
        let mut acks = Vec::with_capacity(batch.len());
        for pending in batch.drain(..) {
            acks.push((self.apply(pending.item), pending.ack));
        }
        for (applied, ack) in acks {
            let _ = ack.send(applied);
        }
    }

    /// One record that the engine cannot take must not stop all the others.
    fn apply(&mut self, item: A::Item) -> Result<(), WalError> {
        catch_unwind(AssertUnwindSafe(|| self.apply.apply(item))).map_err(|_| {
            tracing::error!("engine panicked while it applied a record");
            WalError::Apply
        })
    }
}
