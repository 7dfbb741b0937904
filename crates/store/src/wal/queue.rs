//! The queue between callers and the writer thread, bounded in bytes. Its order is the order of the log.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::{Generation, WalError};

/// What a waiting record costs beside its bytes, roughly: entry, channel, task.
pub const PENDING_OVERHEAD_BYTES: usize = 256;

/// A record that waits.
#[derive(Debug)]
pub struct Pending<T> {
    pub record: Bytes,
    pub item: T,
    pub ack: oneshot::Sender<Result<(), WalError>>,
    pub urgency: Urgency,
}

/// Whether a record may use the room that the reserve gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// It waits for the reserve to be whole again.
    Ordinary,
    /// It may, because a flush needs it.
    Urgent,
}

enum Entry<T> {
    Record(Pending<T>),
    Rotate(oneshot::Sender<Generation>),
}

/// What the writer does next.
pub enum Work {
    /// The records in the batch share one write.
    Group,
    /// Close the generation and tell.
    Rotate(oneshot::Sender<Generation>),
    /// Closed and drained.
    End,
}

struct State<T> {
    entries: VecDeque<Entry<T>>,
    /// Bytes of records that wait or are being written, with their overhead.
    bytes: usize,
    /// Where a record that is enqueued now goes.
    generation: Generation,
    /// The writer wants to be woken when this many entries wait.
    wake_at: usize,
    /// Rotations that wait. A flush waits for them, so the writer must not wait for company.
    rotations: usize,
    closed: bool,
}

/// The queue.
pub struct Queue<T> {
    state: Mutex<State<T>>,
    arrived: Condvar,
    limit: usize,
}

impl<T> Queue<T> {
    pub fn new(generation: Generation, limit: usize) -> Self {
        let entries = VecDeque::new();
        let state = State { entries, bytes: 0, generation, wake_at: usize::MAX, rotations: 0, closed: false };
        Self { state: Mutex::new(state), arrived: Condvar::new(), limit }
    }

    fn cost(record: &Bytes) -> usize {
        record.len() + PENDING_OVERHEAD_BYTES
    }

    /// Puts a record at the end. One that is longer than the whole bound is taken when nothing else waits.
    pub fn push(
        &self,
        expected: Option<Generation>,
        urgency: Urgency,
        record: Bytes,
        item: T,
    ) -> Result<oneshot::Receiver<Result<(), WalError>>, WalError> {
        let (ack, done) = oneshot::channel();
        let mut state = self.state.lock();
        if state.closed {
            return Err(WalError::Closed);
        }
        if let Some(expected) = expected.filter(|&expected| expected != state.generation) {
            return Err(WalError::Rotated { expected, current: state.generation });
        }
        let after = state.bytes + Self::cost(&record);
        if state.bytes > 0 && after > self.limit && urgency == Urgency::Ordinary {
            return Err(WalError::Busy { waiting: state.bytes, limit: self.limit });
        }
        state.bytes = after;
        state.entries.push_back(Entry::Record(Pending { record, item, ack, urgency }));
        self.wake(state);
        Ok(done)
    }

    /// Puts a rotation at the end.
    pub fn push_rotate(&self) -> Result<oneshot::Receiver<Generation>, WalError> {
        let (ack, done) = oneshot::channel();
        let mut state = self.state.lock();
        if state.closed {
            return Err(WalError::Closed);
        }
        state.generation = state.generation.next();
        state.entries.push_back(Entry::Rotate(ack));
        state.rotations += 1;
        state.wake_at = state.wake_at.min(state.entries.len());
        self.wake(state);
        Ok(done)
    }

    fn wake(&self, mut state: parking_lot::MutexGuard<'_, State<T>>) {
        if state.entries.len() >= state.wake_at {
            state.wake_at = usize::MAX;
            drop(state);
            self.arrived.notify_one();
        }
    }

    /// Where a record that is enqueued now goes.
    pub fn generation(&self) -> Generation {
        self.state.lock().generation
    }

    /// How many entries wait.
    pub fn waiting(&self) -> usize {
        self.state.lock().entries.len()
    }

    /// Refuses everything from now on; what waits is still handed out.
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.arrived.notify_one();
    }

    /// Closes and forgets what waits; its callers learn that the log is closed.
    pub fn abort(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let entries = std::mem::take(&mut state.entries);
        state.bytes = 0;
        drop(state);
        drop(entries);
    }

    /// Waits for work. Records of one urgency go to `batch`, at most `max_bytes` of them but at least one. When something arrived
    /// and `company` callers are likely to come, waits up to `group_wait` for that many.
    pub fn take(&self, batch: &mut Vec<Pending<T>>, max_bytes: usize, company: usize, group_wait: Duration) -> Work {
        let mut state = self.state.lock();
        while state.entries.is_empty() {
            if state.closed {
                return Work::End;
            }
            state.wake_at = 1;
            self.arrived.wait(&mut state);
        }
        let in_a_hurry = state.closed || state.rotations > 0;
        if !group_wait.is_zero() && state.entries.len() < company && !in_a_hurry {
            state.wake_at = company;
            self.arrived.wait_for(&mut state, group_wait);
        }
        state.wake_at = usize::MAX;
        if let Some(Entry::Rotate(_)) = state.entries.front()
            && let Some(Entry::Rotate(ack)) = state.entries.pop_front()
        {
            state.rotations -= 1;
            return Work::Rotate(ack);
        }
        let mut bytes = 0;
        while let Some(Entry::Record(pending)) = state.entries.front() {
            bytes += pending.record.len();
            let fits = bytes <= max_bytes && batch.first().is_none_or(|first| first.urgency == pending.urgency);
            if !fits && !batch.is_empty() {
                break;
            }
            if let Some(Entry::Record(pending)) = state.entries.pop_front() {
                batch.push(pending);
            }
        }
        Work::Group
    }

    /// Gives back the room of records that are done.
    pub fn release(&self, batch: &[Pending<T>]) {
        let bytes: usize = batch.iter().map(|pending| Self::cost(&pending.record)).sum();
        let mut state = self.state.lock();
        state.bytes = state.bytes.saturating_sub(bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn push(queue: &Queue<u32>, item: u32, urgency: Urgency) {
        drop(queue.push(None, urgency, Bytes::from_static(b"0123456789"), item).unwrap());
    }

    fn taken(queue: &Queue<u32>, max_bytes: usize, company: usize, group_wait: Duration) -> Vec<u32> {
        let mut batch = Vec::new();
        assert!(matches!(queue.take(&mut batch, max_bytes, company, group_wait), Work::Group));
        batch.iter().map(|pending| pending.item).collect()
    }

    #[test]
    fn the_writer_waits_for_the_company_it_had() {
        let queue = Arc::new(Queue::new(Generation(1), 10_000));
        let callers = Arc::clone(&queue);
        let pushing = std::thread::spawn(move || (0..3).for_each(|item| push(&callers, item, Urgency::Ordinary)));
        assert_eq!(taken(&queue, 1000, 3, LONG), [0, 1, 2], "as soon as all are there, long before the time is up");
        pushing.join().unwrap();
        push(&queue, 3, Urgency::Ordinary);
        assert_eq!(taken(&queue, 1000, 3, Duration::from_millis(1)), [3], "nobody else came");
        push(&queue, 4, Urgency::Ordinary);
        assert_eq!(taken(&queue, 1000, 1, LONG), [4], "one who was alone does not wait");
    }

    #[test]
    fn a_rotation_and_a_close_end_the_wait_for_company() {
        let queue = Arc::new(Queue::new(Generation(1), 10_000));
        push(&queue, 0, Urgency::Ordinary);
        let callers = Arc::clone(&queue);
        let rotating = std::thread::spawn(move || drop(callers.push_rotate().unwrap()));
        assert_eq!(taken(&queue, 1000, 9, LONG), [0]);
        rotating.join().unwrap();
        assert!(matches!(queue.take(&mut Vec::new(), 1000, 9, Duration::ZERO), Work::Rotate(_)));
        push(&queue, 1, Urgency::Ordinary);
        let callers = Arc::clone(&queue);
        let closing = std::thread::spawn(move || callers.close());
        assert_eq!(taken(&queue, 1000, 9, LONG), [1]);
        closing.join().unwrap();
        assert!(matches!(queue.take(&mut Vec::new(), 1000, 9, LONG), Work::End));
    }

    #[test]
    fn a_group_keeps_to_its_bytes_and_to_one_urgency() {
        let queue = Queue::new(Generation(1), 10_000);
        for item in 0..4 {
            push(&queue, item, Urgency::Ordinary);
        }
        push(&queue, 4, Urgency::Urgent);
        push(&queue, 5, Urgency::Ordinary);
        assert_eq!(taken(&queue, 25, 0, LONG), [0, 1]);
        assert_eq!(taken(&queue, 5, 0, LONG), [2], "at least one");
        assert_eq!(taken(&queue, 1000, 0, LONG), [3]);
        assert_eq!(taken(&queue, 1000, 0, LONG), [4]);
        assert_eq!(taken(&queue, 1000, 0, LONG), [5]);
    }
}
