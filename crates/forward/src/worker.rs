//! Empties the queue of one endpoint: one task, whatever happens to the others.
//!
//! What it works on is its *hand*: the payloads of one file of the disk queue, or a few from memory. Everything on disk
//! is older than everything in memory, so files come first and the order is kept. A backlog that takes longer than
//! [`FRESH_AFTER`] does not starve what is new: from then on a hand from memory follows each file.
//!
//! Within a hand, payloads of different kinds may be under way together, two of one kind never.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use galgo_core::Clock;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::config::{BackoffConfig, Compression};
use crate::disk::{DiskError, DiskQueue, Limits, Loss};
use crate::encode::halve_payload;
use crate::endpoint::Endpoint;
use crate::hand::Hand;
use crate::pace::{OUTAGE, Pace};
use crate::payload::Payload;
use crate::receipt::Receipt;
use crate::stats::{DropReason, EndpointState};
use crate::transport::{Answer, TransportError};
use crate::verdict::{MAX_DOUBTFUL_ANSWERS, MAX_HALVINGS, Verdict};

/// After so much catching up, new payloads get their share.
const FRESH_AFTER: Duration = Duration::from_secs(180);
/// Most payloads of a hand from memory, and about as many bytes of any hand or file.
const HAND_PAYLOADS: usize = 16;
const HAND_BYTES: usize = 1024 * 1024;
/// During an outage, what is in memory goes to disk this often.
const SPILL_EVERY: Duration = Duration::from_secs(10);
/// After trouble with the disk it is left alone for this long.
const DISK_PAUSE: Duration = Duration::from_secs(60);
/// How often files are looked through for outdated ones.
const EXPIRE_EVERY: Duration = Duration::from_secs(3600);
/// Shortest sleep, so that no mistake about time makes a busy loop.
const MIN_SLEEP: Duration = Duration::from_millis(10);
/// A difference of clocks that is worth a warning, in seconds.
const MAX_SKEW_S: i64 = 60;
/// How often that warning is repeated.
const SKEW_WARNING_EVERY: Duration = Duration::from_secs(3600);

/// What a worker is told at the end: send what you can until then, keep the rest.
pub(crate) type Deadline = watch::Receiver<Option<Instant>>;

/// Settings of a worker.
#[derive(Debug)]
pub(crate) struct WorkerConfig {
    pub(crate) backoff: BackoffConfig,
    pub(crate) max_concurrent_requests: usize,
    /// For halves of payloads.
    pub(crate) compression: Compression,
    pub(crate) disk: Option<(PathBuf, Limits)>,
}

type Flight = BoxFuture<'static, (u64, Result<Answer, TransportError>)>;

/// Empties one queue.
pub(crate) struct Worker {
    endpoint: Arc<Endpoint>,
    clock: Arc<dyn Clock>,
    config: WorkerConfig,
    pace: Pace,
    disk: Option<Arc<Mutex<DiskQueue>>>,
    /// Until when the disk is left alone.
    disk_pause: Option<Instant>,
    hand: Hand,
    flights: FuturesUnordered<Flight>,
    spilled: Instant,
    expired: Instant,
    skew_warned: Option<Instant>,
}

impl Worker {
    pub(crate) fn new(endpoint: Arc<Endpoint>, clock: Arc<dyn Clock>, config: WorkerConfig) -> Self {
        let now = Instant::now();
        let pace = Pace::new(config.backoff);
        Self {
            endpoint,
            clock,
            config,
            pace,
            disk: None,
            disk_pause: None,
            hand: Hand::default(),
            flights: FuturesUnordered::new(),
            spilled: now,
            expired: now,
            skew_warned: None,
        }
    }

    /// Works until the deadline is set and reached, or nothing is left to send before it.
    pub(crate) async fn run(mut self, mut deadline: Deadline) {
        self.open_disk().await;
        loop {
            let ending = *deadline.borrow_and_update();
            if let Some(end) = ending
                && self.has_ended(end)
            {
                break;
            }
            self.housekeeping(ending.is_some()).await;
            self.send(ending.is_some()).await;
            self.publish();
            let wake = self.wake_at(ending);
            tokio::select! {
                biased;
                Some((ticket, answer)) = self.flights.next() => self.settle(ticket, answer).await,
                changed = deadline.changed() => if changed.is_err() { break },
                () = self.endpoint.wake.notified() => {}
                () = tokio::time::sleep_until(wake) => {}
            }
        }
        self.end().await;
    }

    /// Takes up what an earlier run left.
    async fn open_disk(&mut self) {
        let Some((folder, limits)) = self.config.disk.clone() else { return };
        let now_ms = self.clock.now_ms();
        let opened = tokio::task::spawn_blocking(move || DiskQueue::open(&folder, limits, now_ms)).await;
        match opened {
            Ok(Ok((queue, losses))) => {
                self.count(losses);
                if !queue.is_empty() {
                    let (payloads, bytes) = (queue.payloads(), queue.bytes());
                    tracing::info!(url = %self.endpoint.url, payloads, bytes, "payloads of an earlier run taken up");
                    self.pace.start_catching_up(Instant::now());
                }
                self.disk = Some(Arc::new(Mutex::new(queue)));
                self.endpoint.has_disk.store(true, Ordering::Release);
            }
            Ok(Err(error)) => self.tell_disk_trouble(&error.to_string()),
            Err(error) => self.tell_disk_trouble(&error.to_string()),
        }
    }

    fn tell_disk_trouble(&self, error: &str) {
        tracing::error!(url = %self.endpoint.url, error, "disk queue cannot be used; payloads wait in memory only");
    }

    /// Whether the work is over: nothing more can be sent before the end.
    fn has_ended(&self, end: Instant) -> bool {
        let nothing_left = self.flights.is_empty() && self.hand.cards.is_empty() && !self.endpoint.waiting().0;
        let hopeless = self.flights.is_empty() && self.pace.is_failing() && !self.pace.may_send(Instant::now());
        Instant::now() >= end || nothing_left || hopeless
    }

    /// When to look again, if nothing happens before.
    fn wake_at(&self, ending: Option<Instant>) -> Instant {
        let now = Instant::now();
        let mut wake = ending.unwrap_or(now + EXPIRE_EVERY);
        let waits = self.endpoint.waiting().0;
        if waits || !self.hand.cards.is_empty() || self.disk_has_files() {
            match self.pace.not_before().filter(|moment| *moment > now) {
                Some(moment) => wake = wake.min(moment),
                None if self.flights.is_empty() => wake = wake.min(now + OUTAGE),
                None => {}
            }
        }
        if self.disk.is_some() && ending.is_none() {
            let until = self.disk_pause.unwrap_or(self.expired + EXPIRE_EVERY);
            wake = wake.min(until);
            if waits && self.pace.is_failing() && self.disk_pause.is_none() {
                wake = wake.min(self.spilled + SPILL_EVERY);
            }
        }
        wake.max(now + MIN_SLEEP)
    }

    fn disk_has_files(&self) -> bool {
        self.disk.as_ref().is_some_and(|disk| !disk.lock().is_empty())
    }

    /// Moves payloads to disk when memory is full or the server is out, and gives up outdated files.
    async fn housekeeping(&mut self, ending: bool) {
        let now = Instant::now();
        if self.endpoint.try_now.swap(false, Ordering::AcqRel) {
            self.pace.try_now();
        }
        if self.disk_pause.is_some_and(|until| until <= now) {
            self.disk_pause = None;
            self.endpoint.has_disk.store(true, Ordering::Release);
        }
        if self.disk.is_none() || self.disk_pause.is_some() || ending {
            return;
        }
        if self.endpoint.waiting().1 > self.endpoint.memory_bytes {
            self.spill(self.endpoint.memory_bytes / 2).await;
        } else if self.pace.is_out(now)
            && self.flights.is_empty()
            && now.duration_since(self.spilled) >= SPILL_EVERY
            && (self.endpoint.has_storable() || (self.hand.file.is_none() && !self.hand.cards.is_empty()))
        {
            self.return_hand();
            self.spill(0).await;
        }
        if now.duration_since(self.expired) >= EXPIRE_EVERY {
            self.expired = now;
            let now_ms = self.clock.now_ms();
            let losses = self.on_disk(move |disk| disk.expire(now_ms)).await.unwrap_or_default();
            self.count(losses);
        }
    }

    /// Puts a hand from memory back. Only when nothing is under way.
    fn return_hand(&mut self) {
        if self.hand.file.is_none() {
            let cards = std::mem::take(&mut self.hand.cards);
            self.endpoint.put_back(cards.into_iter().map(|card| card.payload).collect());
        }
    }

    /// Moves the oldest payloads to disk until so many bytes are left in memory.
    async fn spill(&mut self, leave_bytes: usize) {
        self.spilled = Instant::now();
        loop {
            let payloads = self.endpoint.take_for_disk(leave_bytes, HAND_BYTES);
            if payloads.is_empty() {
                return;
            }
            if let Err(payloads) = self.store(payloads).await {
                self.endpoint.put_back(payloads);
                self.endpoint.shrink();
                return;
            }
        }
    }

    /// Stores payloads; gives them back when the disk does not take them.
    async fn store(&mut self, payloads: Vec<Payload>) -> Result<(), Vec<Payload>> {
        let copies: Vec<Payload> = payloads.iter().map(Payload::copy).collect();
        match self.on_disk(move |disk| disk.store(&copies)).await {
            Some(Ok(losses)) => {
                self.count(losses);
                Ok(())
            }
            Some(Err(error)) => {
                self.pause_disk(&error);
                Err(payloads)
            }
            None => Err(payloads),
        }
    }

    fn pause_disk(&mut self, error: &DiskError) {
        self.disk_pause = Some(Instant::now() + DISK_PAUSE);
        self.endpoint.has_disk.store(false, Ordering::Release);
        tracing::warn!(url = %self.endpoint.url, %error, "disk queue is of no use for now; payloads wait in memory only");
    }

    /// Does something with the disk queue away from the async threads.
    async fn on_disk<R: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut DiskQueue) -> R + Send + 'static,
    ) -> Option<R> {
        let disk = Arc::clone(self.disk.as_ref()?);
        match tokio::task::spawn_blocking(move || work(&mut disk.lock())).await {
            Ok(result) => Some(result),
            Err(error) => {
                tracing::error!(%error, "disk queue broke");
                None
            }
        }
    }

    fn count(&self, losses: Vec<Loss>) {
        losses.into_iter().for_each(|loss| self.endpoint.count_loss(loss));
    }

    /// Starts as many requests as may be under way now.
    async fn send(&mut self, ending: bool) {
        loop {
            if self.hand.cards.is_empty() && !self.refill(ending).await {
                return;
            }
            let now = Instant::now();
            let limit = if self.pace.is_failing() { 1 } else { self.config.max_concurrent_requests.max(1) };
            // At the end there is no time for a slow start; after a failure there is only patience.
            let may_send = self.pace.may_send(now) || (ending && !self.pace.is_failing());
            if self.flights.len() >= limit || !may_send {
                return;
            }
            let Some(card) = self.hand.next() else { return };
            card.in_flight = true;
            let (ticket, payload) = (card.ticket, card.payload.copy());
            let endpoint = Arc::clone(&self.endpoint);
            let flight = async move { (ticket, endpoint.transport.post(&payload, &endpoint.key()).await) };
            self.flights.push(flight.boxed());
            self.pace.sent(now, rand::random());
        }
    }

    /// Takes the next payloads into the empty hand. At the end those on disk stay there.
    async fn refill(&mut self, ending: bool) -> bool {
        let finished = self.hand.file.take();
        if let Some(number) = finished {
            self.on_disk(move |disk| disk.done(number)).await;
        }
        let (memory_waits, _) = self.endpoint.waiting();
        let is_late = self.pace.catching_up_for(Instant::now()).is_some_and(|long| long > FRESH_AFTER);
        let fresh_first = memory_waits && is_late && finished.is_some();
        if !ending && !fresh_first && self.disk_pause.is_none() && self.disk_has_files() {
            match self.on_disk(DiskQueue::oldest).await {
                Some(Ok(Some((segment, losses)))) => {
                    self.count(losses);
                    self.hand.take_up(segment.payloads, Some(segment.number));
                    return true;
                }
                Some(Ok(None)) | None => {}
                Some(Err(error)) => self.pause_disk(&error),
            }
        }
        let payloads = self.endpoint.take_oldest(HAND_PAYLOADS, HAND_BYTES);
        if payloads.is_empty() {
            if !self.disk_has_files() {
                self.pace.caught_up();
            }
            return false;
        }
        self.hand.take_up(payloads, None);
        true
    }

    /// Does what an answer says.
    async fn settle(&mut self, ticket: u64, answer: Result<Answer, TransportError>) {
        let Some(at) = self.hand.position(ticket) else { return };
        let now = Instant::now();
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                self.hand.cards[at].in_flight = false;
                self.pace.failed(now, None, false, rand::random());
                return self.note_failure(EndpointState::Failing, error.to_string());
            }
        };
        self.note_clock(&answer, now);
        let verdict = Verdict::of(answer.status);
        let error = || match answer.words.as_str() {
            "" => format!("HTTP {}", answer.status),
            words => format!("HTTP {}: {words}", answer.status),
        };
        self.hand.cards[at].in_flight = false;
        match verdict {
            Verdict::Taken => {
                self.pace.succeeded(now);
                let card = self.hand.cards.remove(at);
                card.into_iter().for_each(|card| self.note_success(card.payload));
            }
            Verdict::Refused => self.refuse(at, now, error()),
            Verdict::TooLarge => self.halve(at, now, error()),
            Verdict::KeyRefused => {
                self.pace.key_refused(now, rand::random());
                self.note_failure(EndpointState::KeyRefused, format!("the server refuses the API key ({})", error()));
            }
            Verdict::Doubtful => {
                let payload = &mut self.hand.cards[at].payload;
                payload.doubtful_answers += 1;
                // A description of the host comes again by itself and should not hold up measurements.
                let passes = matches!(payload.route, crate::Route::Metadata | crate::Route::Intake);
                if passes || payload.doubtful_answers > MAX_DOUBTFUL_ANSWERS {
                    self.refuse(at, now, error());
                } else {
                    self.pace.failed(now, answer.retry_after, false, rand::random());
                    self.note_failure(EndpointState::Failing, error());
                }
            }
            Verdict::Later | Verdict::TooFast => {
                let too_fast = verdict == Verdict::TooFast;
                self.pace.failed(now, answer.retry_after, too_fast, rand::random());
                self.note_failure(EndpointState::Failing, error());
            }
        }
    }

    /// Gives a payload up that the server will never take.
    fn refuse(&mut self, at: usize, now: Instant, error: String) {
        self.pace.succeeded(now);
        let Some(card) = self.hand.cards.remove(at) else { return };
        let path = card.payload.route.path();
        tracing::warn!(url = %self.endpoint.url, path, error, "server refuses a payload for good");
        self.endpoint.update(|stats| stats.last_error = format!("{path}: {error}"));
        self.endpoint.give_up(DropReason::Refused, vec![card.payload]);
    }

    /// Replaces a payload that is too large by its halves.
    fn halve(&mut self, at: usize, now: Instant, error: String) {
        let payload = &self.hand.cards[at].payload;
        let halves = (payload.halvings < MAX_HALVINGS).then(|| halve_payload(payload, self.config.compression));
        let Some((mut first, mut second)) = halves.flatten() else { return self.refuse(at, now, error) };
        self.pace.succeeded(now);
        let receipt = self.hand.cards.remove(at).and_then(|card| card.payload.receipt);
        first.receipt = receipt.as_ref().map(Receipt::split);
        second.receipt = receipt;
        self.hand.insert(at, second);
        self.hand.insert(at, first);
    }

    fn note_success(&mut self, payload: Payload) {
        let catching_up = self.pace.catching_up_for(Instant::now()).is_some();
        let state = if catching_up { EndpointState::CatchingUp } else { EndpointState::Ok };
        let now_s = self.clock.now_s();
        let mut was_failing = false;
        self.endpoint.update(|stats| {
            was_failing = stats.failing_since.take().is_some();
            stats.state = state;
            stats.last_error.clear();
            stats.last_success = Some(now_s);
            stats.sent_payloads += 1;
            stats.sent_points += u64::from(payload.points);
            stats.sent_bytes += payload.body.len() as u64;
        });
        if was_failing {
            tracing::info!(url = %self.endpoint.url, "server takes payloads again");
        }
        if let Some(receipt) = payload.receipt {
            receipt.settle(Ok(()));
        }
    }

    /// Notes a failure; logs it when the state changes, not each time.
    fn note_failure(&mut self, state: EndpointState, error: String) {
        let now_s = self.clock.now_s();
        let mut is_news = false;
        self.endpoint.update(|stats| {
            is_news = stats.state != state;
            stats.state = state;
            stats.failing_since.get_or_insert(now_s);
            stats.retries += 1;
            stats.last_error.clone_from(&error);
        });
        if !is_news {
            tracing::debug!(url = %self.endpoint.url, error, "payload not taken yet");
        } else if state == EndpointState::KeyRefused {
            let key = crate::config::key_hint(&self.endpoint.key());
            tracing::error!(url = %self.endpoint.url, key, error, "API key is refused; payloads wait until it is repaired");
        } else {
            tracing::warn!(url = %self.endpoint.url, error, "server does not take payloads; they wait");
        }
    }

    /// Compares the clocks.
    fn note_clock(&mut self, answer: &Answer, now: Instant) {
        let Some(server_time) = answer.server_time else { return };
        let skew = self.clock.now_s() - server_time;
        self.endpoint.update(|stats| stats.clock_skew_s = Some(skew));
        let is_due = self.skew_warned.is_none_or(|warned| now.duration_since(warned) >= SKEW_WARNING_EVERY);
        if skew.abs() > MAX_SKEW_S && is_due {
            self.skew_warned = Some(now);
            tracing::warn!(url = %self.endpoint.url, skew_s = skew, "this host's clock differs from the server's (ahead when above 0)");
        }
    }

    /// Shows what waits.
    fn publish(&self) {
        let (disk_payloads, disk_bytes, on_disk) = match &self.disk {
            Some(disk) => {
                let disk = disk.lock();
                (disk.payloads(), disk.bytes(), disk.oldest_ms())
            }
            None => (0, 0, None),
        };
        // What is in hand from a file counts as on disk.
        let from_memory = self.hand.file.is_none();
        let in_hand = self.hand.cards.iter().filter(|_| from_memory);
        let (payloads, bytes) =
            in_hand.fold((0, 0), |(payloads, bytes), card| (payloads + 1, bytes + card.payload.bytes() as u64));
        let hand_oldest = self.hand.cards.front().map(|card| card.payload.created_ms);
        self.endpoint.update(|stats| {
            stats.queued.memory_payloads = payloads;
            stats.queued.memory_bytes = bytes;
            stats.queued.disk_payloads = disk_payloads;
            stats.queued.disk_bytes = disk_bytes;
            stats.queued.oldest = on_disk.into_iter().chain(hand_oldest).min().map(|ms| ms.div_euclid(1000));
            if stats.state == EndpointState::CatchingUp && self.pace.catching_up_for(Instant::now()).is_none() {
                stats.state = EndpointState::Ok;
            }
        });
    }

    /// Keeps what was not sent: on disk, or not at all.
    async fn end(mut self) {
        self.flights.clear();
        if self.hand.file.take().is_none() {
            self.return_hand();
        }
        self.hand.cards.clear();
        self.disk_pause = None;
        loop {
            let payloads = self.endpoint.take_for_disk(0, HAND_BYTES);
            if payloads.is_empty() {
                break;
            }
            if let Err(payloads) = self.store(payloads).await {
                self.endpoint.give_up(DropReason::Shutdown, payloads);
            }
        }
        self.publish();
    }
}
