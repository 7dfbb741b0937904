//! Who is to blame for the end of a process, and what everybody else learns.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use galgo_agent::check::CheckError;
use tokio::time::Instant;

use super::{Active, Watch};
use crate::process::{Answer, Role};
use crate::state::count;

impl Watch {
    pub(super) fn note_end(&self, why: &str) {
        tracing::warn!(process = self.name, "{why}");
        *self.shared.end.lock() = Some(why.to_owned());
    }

    pub(super) fn blame_hung(&mut self, culprit: u64, stack: String) {
        count(&self.counters.timeouts, 1);
        let limit = self.run_timeout.as_secs_f64();
        let Some(call) = self.active.remove(&culprit) else { return };
        let why = format!("{} did not end within {limit} s; its Python process was ended", call.instance.check);
        self.note_end(&why);
        self.ledger.offence(&call.instance.id, &why, Instant::now());
        let _ = call.reply.send(Answer::Ended(Role::Culprit, CheckError { message: why.clone(), traceback: stack }));
        let now = Instant::now();
        for call in std::mem::take(&mut self.active).into_values() {
            // Several checks that wait for the same dead server would otherwise cost one process each in turn.
            let role = if now - call.began > self.run_timeout / 2 { Role::Suspect } else { Role::Bystander };
            self.excuse(call, role, &why);
        }
    }

    pub(super) fn blame_for_memory(&mut self, memory: u64) {
        count(&self.counters.memory_kills, 1);
        let why = self.too_large(memory);
        self.note_end(&why);
        let offender = self.largest_growth(memory);
        if let Some(offender) = &offender {
            self.ledger.offence(offender, &why, Instant::now());
        }
        for call in std::mem::take(&mut self.active).into_values() {
            if offender.as_deref() == Some(&call.instance.id) {
                let message = format!("{why}, while running {}; it was ended", call.instance.check);
                let _ = call.reply.send(Answer::Ended(Role::Culprit, CheckError::new(message)));
            } else {
                self.excuse(call, Role::Bystander, &why);
            }
        }
    }

    pub(super) fn blame_for_exit(&mut self, why: String) {
        count(&self.counters.crashes, 1);
        self.note_end(&why);
        let mut active: Vec<Active> = std::mem::take(&mut self.active).into_values().collect();
        match (active.len(), &self.last_finished) {
            (0, Some(last)) => self.ledger.strike(&last.id, &why),
            (0, None) => {}
            (1, _) => {
                let call = active.remove(0);
                let doing = if call.load { "loading" } else { "running" };
                let message = format!("{why} while {doing} {}", call.instance.check);
                self.ledger.offence(&call.instance.id, &message, Instant::now());
                let error = CheckError { message, traceback: self.capture.last_lines() };
                let _ = call.reply.send(Answer::Ended(Role::Culprit, error));
            }
            _ => active.into_iter().for_each(|call| self.excuse(call, Role::Suspect, &why)),
        }
    }

    fn excuse(&self, call: Active, role: Role, why: &str) {
        if role == Role::Suspect {
            self.ledger.suspect(&call.instance.id, &format!("{why} while several checks ran"));
        }
        let _ = call.reply.send(Answer::Ended(role, CheckError::new(why)));
    }
}

/// How a process ended, in words.
pub(super) fn describe(status: Option<ExitStatus>) -> String {
    let Some(status) = status else { return "for an unknown reason".to_owned() };
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (_, Some(signal)) => match SIGNALS.iter().find(|(number, _)| *number == signal) {
            Some((_, name)) => format!("signal {signal}, {name}"),
            None => format!("signal {signal}"),
        },
        _ => status.to_string(),
    }
}

/// Signals that end processes, with what they mean.
const SIGNALS: [(i32, &str); 6] = [
    (4, "illegal instruction"),
    (6, "aborted"),
    (7, "bus error"),
    (9, "killed, for lack of memory or by a user"),
    (11, "segmentation fault"),
    (15, "terminated by a user"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_in_words() {
        assert_eq!(describe(Some(ExitStatus::from_raw(3 << 8))), "exit status 3");
        assert_eq!(describe(Some(ExitStatus::from_raw(11))), "signal 11, segmentation fault");
        assert_eq!(describe(Some(ExitStatus::from_raw(40))), "signal 40");
        assert_eq!(describe(None), "for an unknown reason");
    }
}
