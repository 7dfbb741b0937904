//! Who misbehaved, and what follows from it: after its first offence an instance gets a process of its own, after
//! further ones it waits longer and longer; when it has behaved for a while it returns to the shared process.
//!
//! The ledger is pure: it knows no process, and time comes in with every call.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::state::IsolatedCheck;

/// First wait after an offence in a process of its own; doubles with every further one.
const FIRST_WAIT: Duration = Duration::from_secs(60);

/// Longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// Good runs after which a mere suspect returns to the shared process.
const GOOD_RUNS_OF_SUSPECT: u32 = 10;

/// Good runs after which an offender returns, per offence.
const GOOD_RUNS_PER_OFFENCE: u32 = 100;

/// Deaths of a process shortly after an instance's run that make the instance a suspect.
const STRIKES: u32 = 2;

/// Where an instance may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placement {
    /// With the others.
    Shared,
    /// In a process of its own.
    Own,
    /// Nowhere yet.
    Wait {
        /// How long.
        left: Duration,
        /// What it did.
        why: String,
    },
}

#[derive(Debug, Default)]
struct Record {
    isolated: bool,
    offences: u32,
    strikes: u32,
    good_runs: u32,
    not_before: Option<Instant>,
    why: String,
}

/// The records of all instances that ever misbehaved.
#[derive(Debug, Default)]
pub struct Ledger {
    records: Mutex<HashMap<String, Record>>,
}

impl Ledger {
    /// Where an instance may run now.
    pub fn placement(&self, id: &str, now: Instant) -> Placement {
        let records = self.records.lock();
        let Some(record) = records.get(id).filter(|record| record.isolated) else { return Placement::Shared };
        match record.not_before.filter(|&not_before| not_before > now) {
            Some(not_before) => Placement::Wait { left: not_before - now, why: record.why.clone() },
            None => Placement::Own,
        }
    }

    /// An instance surely ended, blocked or filled its process.
    pub fn offence(&self, id: &str, why: &str, now: Instant) {
        let mut records = self.records.lock();
        let record = records.entry(id.to_owned()).or_default();
        let was_isolated = std::mem::replace(&mut record.isolated, true);
        record.offences += 1;
        record.good_runs = 0;
        record.why = why.to_owned();
        if was_isolated && record.offences > 1 {
            let doublings = (record.offences - 2).min(16);
            record.not_before = Some(now + FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT));
        }
    }

    /// An instance may have been the one; it shall prove itself apart from the others.
    pub fn suspect(&self, id: &str, why: &str) {
        let mut records = self.records.lock();
        let record = records.entry(id.to_owned()).or_default();
        record.isolated = true;
        record.good_runs = 0;
        record.why = why.to_owned();
    }

    /// A process ended while none of its checks ran; this instance was the last one that did.
    pub fn strike(&self, id: &str, why: &str) {
        let strikes = {
            let mut records = self.records.lock();
            let record = records.entry(id.to_owned()).or_default();
            record.strikes += 1;
            record.strikes
        };
        if strikes >= STRIKES {
            self.suspect(id, why);
        }
    }

    /// A run ended well. Returns whether the instance goes back to the shared process.
    pub fn good(&self, id: &str) -> bool {
        let mut records = self.records.lock();
        let Some(record) = records.get_mut(id).filter(|record| record.isolated) else { return false };
        record.good_runs += 1;
        record.not_before = None;
        let needed = GOOD_RUNS_OF_SUSPECT.max(record.offences.saturating_mul(GOOD_RUNS_PER_OFFENCE));
        let returns = record.good_runs >= needed;
        if returns {
            records.remove(id);
        }
        returns
    }

    /// Nobody waits any longer: whoever asks for the configuration to be read again may have repaired the check.
    pub fn end_waits(&self) {
        self.records.lock().values_mut().for_each(|record| record.not_before = None);
    }

    /// The instance is no longer configured.
    pub fn forget(&self, id: &str) {
        self.records.lock().remove(id);
    }

    /// The instances that run apart, for the status.
    pub fn isolated(&self, now: Instant) -> Vec<IsolatedCheck> {
        let records = self.records.lock();
        let mut isolated: Vec<IsolatedCheck> = records
            .iter()
            .filter(|(_, record)| record.isolated)
            .map(|(id, record)| IsolatedCheck {
                instance: id.clone(),
                reason: record.why.clone(),
                offences: record.offences,
                waits_s: record.not_before.map_or(0, |not_before| (not_before - now).as_secs()),
            })
            .collect();
        isolated.sort_by(|a, b| a.instance.cmp(&b.instance));
        isolated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_offender_is_isolated_and_then_waits_longer_each_time() {
        let ledger = Ledger::default();
        let now = Instant::now();
        assert_eq!(ledger.placement("x", now), Placement::Shared);
        ledger.offence("x", "hung", now);
        assert_eq!(ledger.placement("x", now), Placement::Own);
        for minutes in [1, 2, 4, 8, 15, 15] {
            ledger.offence("x", "hung", now);
            let left = Duration::from_secs(minutes * 60);
            assert_eq!(ledger.placement("x", now), Placement::Wait { left, why: "hung".into() });
            assert_eq!(ledger.placement("x", now + left), Placement::Own);
        }
        assert_eq!(ledger.isolated(now)[0].waits_s, 900);
        ledger.end_waits();
        assert_eq!(ledger.placement("x", now), Placement::Own);
        assert_eq!(ledger.placement("y", now), Placement::Shared);
    }

    #[tokio::test(start_paused = true)]
    async fn good_behaviour_brings_it_back() {
        let ledger = Ledger::default();
        ledger.suspect("s", "was running");
        assert!((1..10).all(|_| !ledger.good("s")) && ledger.good("s"));
        assert_eq!(ledger.placement("s", Instant::now()), Placement::Shared);
        ledger.offence("o", "hung", Instant::now());
        assert!((1..100).all(|_| !ledger.good("o")) && ledger.good("o"));
        assert!(!ledger.good("never seen"));
    }

    #[tokio::test(start_paused = true)]
    async fn one_death_between_runs_proves_nothing() {
        let ledger = Ledger::default();
        ledger.strike("x", "died");
        assert_eq!(ledger.placement("x", Instant::now()), Placement::Shared);
        ledger.strike("x", "died");
        assert_eq!(ledger.placement("x", Instant::now()), Placement::Own);
    }
}
