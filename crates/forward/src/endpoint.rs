//! One server and key, as its worker and everybody else share it: the key, the queue in memory, what is known of it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::config::key_hint;
use crate::disk::Loss;
use crate::payload::{Payload, Route};
use crate::stats::{DropReason, Dropped, EndpointState, EndpointStats, Queued};
use crate::transport::Transport;

/// By how much the queue may go over its bound while the worker moves its older part to disk.
const SPILL_SLACK: f64 = 1.25;

/// What a server is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Everything but logs.
    Metrics,
    /// Logs; whether its answer counts, and where they go.
    Logs { is_reliable: bool, route: Route },
}

impl Role {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Logs { .. } => "logs",
        }
    }
}

/// One server and key.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// The server, without credentials.
    pub(crate) url: String,
    pub(crate) role: Role,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) wake: Notify,
    /// Whether the next attempt may be made at once: what stood against it may be gone.
    pub(crate) try_now: AtomicBool,
    /// Whether payloads may go to disk when memory is full.
    pub(crate) has_disk: AtomicBool,
    pub(crate) memory_bytes: usize,
    key: Mutex<Arc<str>>,
    memory: Mutex<Memory>,
    stats: Mutex<EndpointStats>,
}

#[derive(Debug, Default)]
struct Memory {
    queue: VecDeque<Payload>,
    bytes: usize,
}

impl Memory {
    /// Takes the oldest for which nobody waits.
    fn drop_oldest(&mut self) -> Option<Payload> {
        let at = self.queue.iter().position(|payload| !payload.is_awaited())?;
        let payload = self.queue.remove(at)?;
        self.bytes -= payload.bytes();
        Some(payload)
    }
}

impl Endpoint {
    pub(crate) fn new(url: String, key: &str, role: Role, transport: Arc<dyn Transport>, memory_bytes: usize) -> Self {
        let stats = EndpointStats {
            url: url.clone(),
            key: key_hint(key),
            role: role.name(),
            state: EndpointState::Idle,
            last_error: String::new(),
            last_success: None,
            failing_since: None,
            key_valid: None,
            clock_skew_s: None,
            sent_payloads: 0,
            sent_points: 0,
            sent_bytes: 0,
            retries: 0,
            queued: Queued::default(),
            dropped: Dropped::default(),
        };
        Self {
            url,
            role,
            transport,
            wake: Notify::new(),
            try_now: AtomicBool::new(false),
            has_disk: AtomicBool::new(false),
            memory_bytes,
            key: Mutex::new(key.into()),
            memory: Mutex::default(),
            stats: Mutex::new(stats),
        }
    }

    pub(crate) fn key(&self) -> Arc<str> {
        Arc::clone(&self.key.lock())
    }

    /// Replaces the key; what waits is sent with the new one.
    pub(crate) fn set_key(&self, key: &str) {
        *self.key.lock() = key.into();
        self.update(|stats| {
            stats.key = key_hint(key);
            stats.key_valid = None;
        });
        self.attempt_now();
    }

    /// Lets the next attempt be made at once.
    pub(crate) fn attempt_now(&self) {
        self.try_now.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    /// Adds a payload as the newest. Over the bound the oldest go, unless the disk will take them.
    pub(crate) fn push(&self, payload: Payload) {
        let has_disk = self.has_disk.load(Ordering::Acquire);
        let bound = if has_disk { (self.memory_bytes as f64 * SPILL_SLACK) as usize } else { self.memory_bytes };
        let dropped = {
            let mut memory = self.memory.lock();
            memory.bytes += payload.bytes();
            memory.queue.push_back(payload);
            let mut dropped = Vec::new();
            while memory.bytes > bound
                && let Some(oldest) = memory.drop_oldest()
            {
                dropped.push(oldest);
            }
            dropped
        };
        self.give_up(DropReason::Overflow, dropped);
        self.wake.notify_one();
    }

    /// Puts payloads back as the oldest, in their order.
    pub(crate) fn put_back(&self, payloads: Vec<Payload>) {
        let mut memory = self.memory.lock();
        for payload in payloads.into_iter().rev() {
            memory.bytes += payload.bytes();
            memory.queue.push_front(payload);
        }
    }

    /// Takes the oldest, up to so many and so many bytes, but at least one.
    pub(crate) fn take_oldest(&self, max_payloads: usize, max_bytes: usize) -> Vec<Payload> {
        let mut memory = self.memory.lock();
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while let Some(next) = memory.queue.front() {
            bytes += next.bytes();
            if !taken.is_empty() && (taken.len() >= max_payloads || bytes > max_bytes) {
                break;
            }
            let Some(payload) = memory.queue.pop_front() else { break };
            memory.bytes -= payload.bytes();
            taken.push(payload);
        }
        taken
    }

    /// Takes the oldest for which nobody waits, until so many bytes are left or so many taken.
    pub(crate) fn take_for_disk(&self, leave_bytes: usize, max_bytes: usize) -> Vec<Payload> {
        let mut memory = self.memory.lock();
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while memory.bytes > leave_bytes && bytes < max_bytes {
            let Some(payload) = memory.drop_oldest() else { break };
            bytes += payload.bytes();
            taken.push(payload);
        }
        taken
    }

    /// Whether anything is in memory, and how many bytes.
    pub(crate) fn waiting(&self) -> (bool, usize) {
        let memory = self.memory.lock();
        (!memory.queue.is_empty(), memory.bytes)
    }

    /// Whether there is something in memory that may go to disk.
    pub(crate) fn has_storable(&self) -> bool {
        self.memory.lock().queue.iter().any(|payload| !payload.is_awaited())
    }

    /// Enforces the bound without a disk.
    pub(crate) fn shrink(&self) {
        let mut dropped = Vec::new();
        {
            let mut memory = self.memory.lock();
            while memory.bytes > self.memory_bytes
                && let Some(oldest) = memory.drop_oldest()
            {
                dropped.push(oldest);
            }
        }
        self.give_up(DropReason::Overflow, dropped);
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut EndpointStats)) {
        change(&mut self.stats.lock());
    }

    /// Counts payloads that are given up, tells who waits for them, and logs them.
    pub(crate) fn give_up(&self, reason: DropReason, payloads: Vec<Payload>) {
        if payloads.is_empty() {
            return;
        }
        let points = payloads.iter().map(|payload| u64::from(payload.points)).sum();
        self.count_loss(Loss { reason, payloads: payloads.len() as u64, points });
        for payload in payloads {
            // At the end nobody is told: who waits offers the lines again after the next start.
            if let Some(receipt) = payload.receipt
                && reason != DropReason::Shutdown
            {
                receipt.settle(Err(format!("{} gave the lines up", self.url)));
            }
        }
    }

    /// Counts and logs a loss.
    pub(crate) fn count_loss(&self, loss: Loss) {
        let Loss { reason, payloads, points } = loss;
        self.update(|stats| stats.dropped.add(reason, payloads, points));
        let reason = match reason {
            DropReason::Refused => "the server refused them for good",
            DropReason::Overflow => "the queue is full",
            DropReason::Outdated => "they waited too long",
            DropReason::Torn => "their file is damaged",
            DropReason::Shutdown => "the agent ends and could keep them nowhere",
        };
        tracing::warn!(url = %self.url, payloads, points, reason, "payloads dropped");
    }

    pub(crate) fn stats(&self) -> EndpointStats {
        let mut stats = self.stats.lock().clone();
        let memory = self.memory.lock();
        stats.queued.memory_payloads += memory.queue.len() as u64;
        stats.queued.memory_bytes += memory.bytes as u64;
        let in_memory = memory.queue.front().map(|payload| payload.created_ms.div_euclid(1000));
        stats.queued.oldest = stats.queued.oldest.into_iter().chain(in_memory).min();
        stats
    }
}
