//! States and queues of TCP and UDP sockets (`/proc/net/tcp`, `tcp6`, `udp`, `udp6`).

use crate::check::{CheckError, Samples};
use crate::collect::kernel::{CollectError, Roots};
use crate::collect::options::Options;

/// States by the kernel's number from 1, each as it is called alone and together with its like.
const STATES: [(&str, &str); 12] = [
    ("estab", "established"),
    ("syn_sent", "opening"),
    ("syn_recv", "opening"),
    ("fin_wait_1", "closing"),
    ("fin_wait_2", "closing"),
    ("time_wait", "time_wait"),
    ("close", "closing"),
    ("close_wait", "closing"),
    ("last_ack", "closing"),
    ("listen", "listening"),
    ("closing", "closing"),
    // A connection request that has no socket of its own yet.
    ("syn_recv", "opening"),
];

/// Most sockets of one run whose queues are submitted one by one; each costs a few hundred bytes for a moment.
const MAX_QUEUES: usize = 10_000;

#[derive(Debug)]
pub(super) struct Sockets {
    /// Whether states that mean much the same are counted together (`combine_connection_states`).
    combine: bool,
    /// Whether the lengths of queues are wanted (`collect_connection_queues`).
    queues: bool,
}

/// The parts of a socket's line that matter.
#[derive(Debug, PartialEq, Eq)]
struct Socket {
    /// Index into [`STATES`].
    state: usize,
    send_queue: u32,
    receive_queue: u32,
}

impl Sockets {
    /// `None` unless `collect_connection_state` is on.
    pub(super) fn new(options: &Options<'_>) -> Result<Option<Self>, CheckError> {
        let sockets = Self {
            combine: options.flag("combine_connection_states", true)?,
            queues: options.flag("collect_connection_queues", false)?,
        };
        Ok(options.flag("collect_connection_state", false)?.then_some(sockets))
    }

    pub(super) fn submit(&self, roots: &Roots, out: &mut Samples) -> Result<(), CollectError> {
        let mut left = MAX_QUEUES;
        for (file, protocol) in [("net/tcp", "tcp4"), ("net/tcp6", "tcp6")] {
            self.submit_tcp(roots, file, protocol, &mut left, out)?;
        }
        if left == 0 {
            out.warn(format!("queues of the first {MAX_QUEUES} connections only"));
        }
        for (file, protocol) in [("net/udp", "udp4"), ("net/udp6", "udp6")] {
            let mut sockets = 0_u64;
            or_absent(roots.host_proc_lines(file, |line| sockets += u64::from(parse(line).is_some())))?;
            out.gauge(format!("system.net.{protocol}.connections"), sockets as f64, &[]);
        }
        Ok(())
    }

    fn submit_tcp(
        &self,
        roots: &Roots,
        file: &str,
        protocol: &str,
        left: &mut usize,
        out: &mut Samples,
    ) -> Result<(), CollectError> {
        let name = |state: usize| if self.combine { STATES[state].1 } else { STATES[state].0 };
        let mut counts = [0_u64; STATES.len()];
        or_absent(roots.host_proc_lines(file, |line| {
            let Some(socket) = parse(line) else { return };
            counts[socket.state] += 1;
            if self.queues && *left > 0 {
                *left -= 1;
                let tags = [format!("state:{}", name(socket.state))];
                out.histogram("system.net.tcp.recv_q", f64::from(socket.receive_queue), &tags);
                out.histogram("system.net.tcp.send_q", f64::from(socket.send_queue), &tags);
            }
        }))?;
        for state in 0..STATES.len() {
            if (0..state).any(|earlier| name(earlier) == name(state)) {
                continue;
            }
            let alike = (state..STATES.len()).filter(|&other| name(other) == name(state));
            let count: u64 = alike.map(|other| counts[other]).sum();
            out.gauge(format!("system.net.{protocol}.{}", name(state)), count as f64, &[]);
        }
        Ok(())
    }
}

/// A kernel without IPv6 lacks two of the files, and has no such sockets.
fn or_absent(read: Result<(), CollectError>) -> Result<(), CollectError> {
    match read {
        Err(CollectError::Read { reason, .. }) if reason.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// `SL: LOCAL REMOTE STATE SEND:RECEIVE …`, all in hexadecimal; nothing for the header.
fn parse(line: &str) -> Option<Socket> {
    let mut fields = line.split_ascii_whitespace().skip(3);
    let state = usize::from_str_radix(fields.next()?, 16).ok()?.checked_sub(1)?;
    let (send, receive) = fields.next()?.split_once(':')?;
    let queue = |text| u32::from_str_radix(text, 16).ok();
    (state < STATES.len()).then_some(())?;
    Some(Socket { state, send_queue: queue(send)?, receive_queue: queue(receive)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_sockets_are_read() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000003:0000001F 00:00000000 00000000     0        0 1";
        assert_eq!(parse(line), Some(Socket { state: 9, send_queue: 3, receive_queue: 31 }));
        for line in ["  sl  local_address rem_address   st tx_queue rx_queue tr", "", "0: a b 00 0:0", "0: a b 0D 0:0"]
        {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
