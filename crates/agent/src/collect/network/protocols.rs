//! Counters of the IP, TCP and UDP stacks (`/proc/net/snmp` and `/proc/net/netstat`).

use std::collections::HashMap;

use crate::check::{CheckError, Samples};
use crate::collect::kernel::Roots;
use crate::collect::options::Options;

/// Section, name and metric. The metric is a rate; with `.count` behind it, a count.
const COUNTERS: [(&str, &str, &str); 56] = [
    ("Ip", "InReceives", "system.net.ip.in_receives"),
    ("Ip", "InHdrErrors", "system.net.ip.in_header_errors"),
    ("Ip", "InAddrErrors", "system.net.ip.in_addr_errors"),
    ("Ip", "InUnknownProtos", "system.net.ip.in_unknown_protos"),
    ("Ip", "InDiscards", "system.net.ip.in_discards"),
    ("Ip", "InDelivers", "system.net.ip.in_delivers"),
    ("Ip", "OutRequests", "system.net.ip.out_requests"),
    ("Ip", "OutDiscards", "system.net.ip.out_discards"),
    ("Ip", "OutNoRoutes", "system.net.ip.out_no_routes"),
    ("Ip", "ForwDatagrams", "system.net.ip.forwarded_datagrams"),
    ("Ip", "ReasmTimeout", "system.net.ip.reassembly_timeouts"),
    ("Ip", "ReasmReqds", "system.net.ip.reassembly_requests"),
    ("Ip", "ReasmOKs", "system.net.ip.reassembly_oks"),
    ("Ip", "ReasmFails", "system.net.ip.reassembly_fails"),
    ("Ip", "FragOKs", "system.net.ip.fragmentation_oks"),
    ("Ip", "FragFails", "system.net.ip.fragmentation_fails"),
    ("Ip", "FragCreates", "system.net.ip.fragmentation_creates"),
    ("IpExt", "InNoRoutes", "system.net.ip.in_no_routes"),
    ("IpExt", "InTruncatedPkts", "system.net.ip.in_truncated_pkts"),
    ("IpExt", "InCsumErrors", "system.net.ip.in_csum_errors"),
    ("IpExt", "ReasmOverlaps", "system.net.ip.reassembly_overlaps"),
    ("Tcp", "RetransSegs", "system.net.tcp.retrans_segs"),
    ("Tcp", "InSegs", "system.net.tcp.in_segs"),
    ("Tcp", "OutSegs", "system.net.tcp.out_segs"),
    ("Tcp", "ActiveOpens", "system.net.tcp.active_opens"),
    ("Tcp", "PassiveOpens", "system.net.tcp.passive_opens"),
    ("Tcp", "AttemptFails", "system.net.tcp.attempt_fails"),
    ("Tcp", "EstabResets", "system.net.tcp.established_resets"),
    ("Tcp", "InErrs", "system.net.tcp.in_errors"),
    ("Tcp", "OutRsts", "system.net.tcp.out_resets"),
    ("Tcp", "InCsumErrors", "system.net.tcp.in_csum_errors"),
    ("TcpExt", "ListenOverflows", "system.net.tcp.listen_overflows"),
    ("TcpExt", "ListenDrops", "system.net.tcp.listen_drops"),
    ("TcpExt", "TCPBacklogDrop", "system.net.tcp.backlog_drops"),
    ("TcpExt", "TCPRetransFail", "system.net.tcp.failed_retransmits"),
    ("TcpExt", "IPReversePathFilter", "system.net.ip.reverse_path_filter"),
    ("TcpExt", "PruneCalled", "system.net.tcp.prune_called"),
    ("TcpExt", "RcvPruned", "system.net.tcp.prune_rcv_drops"),
    ("TcpExt", "OfoPruned", "system.net.tcp.prune_ofo_called"),
    ("TcpExt", "PAWSActive", "system.net.tcp.paws_connection_drops"),
    ("TcpExt", "PAWSEstab", "system.net.tcp.paws_established_drops"),
    ("TcpExt", "SyncookiesSent", "system.net.tcp.syn_cookies_sent"),
    ("TcpExt", "SyncookiesRecv", "system.net.tcp.syn_cookies_recv"),
    ("TcpExt", "SyncookiesFailed", "system.net.tcp.syn_cookies_failed"),
    ("TcpExt", "TCPAbortOnTimeout", "system.net.tcp.abort_on_timeout"),
    ("TcpExt", "TCPSynRetrans", "system.net.tcp.syn_retrans"),
    ("TcpExt", "TCPFromZeroWindowAdv", "system.net.tcp.from_zero_window"),
    ("TcpExt", "TCPToZeroWindowAdv", "system.net.tcp.to_zero_window"),
    ("TcpExt", "TWRecycled", "system.net.tcp.tw_reused"),
    ("Udp", "InDatagrams", "system.net.udp.in_datagrams"),
    ("Udp", "NoPorts", "system.net.udp.no_ports"),
    ("Udp", "InErrors", "system.net.udp.in_errors"),
    ("Udp", "OutDatagrams", "system.net.udp.out_datagrams"),
    ("Udp", "RcvbufErrors", "system.net.udp.rcv_buf_errors"),
    ("Udp", "SndbufErrors", "system.net.udp.snd_buf_errors"),
    ("Udp", "InCsumErrors", "system.net.udp.in_csum_errors"),
];

/// What is counted unless the configuration says something: the counters whose counts are documented.
const COUNTED: [&str; 14] = [
    "system.net.tcp.retrans_segs",
    "system.net.tcp.in_segs",
    "system.net.tcp.out_segs",
    "system.net.tcp.listen_overflows",
    "system.net.tcp.listen_drops",
    "system.net.tcp.backlog_drops",
    "system.net.tcp.failed_retransmits",
    "system.net.udp.in_datagrams",
    "system.net.udp.no_ports",
    "system.net.udp.in_errors",
    "system.net.udp.out_datagrams",
    "system.net.udp.rcv_buf_errors",
    "system.net.udp.snd_buf_errors",
    "system.net.udp.in_csum_errors",
];

/// Which counters come as counts too (`collect_count_metrics`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counts {
    None,
    Documented,
    All,
}

impl Counts {
    pub(super) fn new(options: &Options<'_>) -> Result<Self, CheckError> {
        const KEY: &str = "collect_count_metrics";
        Ok(match options.get(KEY) {
            None => Self::Documented,
            Some(_) if options.flag(KEY, false)? => Self::All,
            Some(_) => Self::None,
        })
    }

    fn include(self, metric: &str) -> bool {
        match self {
            Self::None => false,
            Self::Documented => COUNTED.contains(&metric),
            Self::All => true,
        }
    }
}

pub(super) fn submit(roots: &Roots, rates: bool, counts: Counts, out: &mut Samples) {
    for file in ["net/snmp", "net/netstat"] {
        // Each stands for itself: a kernel without one of them still has the other.
        if let Ok(file) = roots.read_host_proc(file) {
            submit_file(&file.numbers_by_header(), rates, counts, out);
        }
    }
}

fn submit_file(numbers: &HashMap<(&str, &str), f64>, rates: bool, counts: Counts, out: &mut Samples) {
    for (section, name, metric) in COUNTERS {
        let Some(&value) = numbers.get(&(section, name)) else { continue };
        if rates {
            out.rate(metric, value, &[]);
        }
        if counts.include(metric) {
            out.monotonic_count(format!("{metric}.count"), value, &[]);
        }
    }
    if let Some(&established) = numbers.get(&("Tcp", "CurrEstab")) {
        out.gauge("system.net.tcp.current_established", established, &[]);
    }
}
