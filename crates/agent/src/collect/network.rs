//! Traffic of network interfaces and counters of the TCP and UDP stacks (check `network`).

use super::kernel::{CollectError, Roots, read_line};
use super::{Collector, Readings};

/// Interfaces that carry no traffic of the outside.
const EXCLUDED_INTERFACES: [&str; 2] = ["lo", "lo0"];

/// Columns of `/proc/net/dev`, by their position after the name.
const INTERFACE_METRICS: [(&str, usize); 8] = [
    ("system.net.bytes_rcvd", 0),
    ("system.net.packets_in.count", 1),
    ("system.net.packets_in.error", 2),
    ("system.net.packets_in.drop", 3),
    ("system.net.bytes_sent", 8),
    ("system.net.packets_out.count", 9),
    ("system.net.packets_out.error", 10),
    ("system.net.packets_out.drop", 11),
];

/// Counters of `/proc/net/snmp` and `/proc/net/netstat`: protocol, name, metric as a rate and as a count.
const PROTOCOL_METRICS: [(&str, &str, &str, &str); 12] = [
    ("Tcp", "RetransSegs", "system.net.tcp.retrans_segs", "system.net.tcp.retrans_segs.count"),
    ("Tcp", "InSegs", "system.net.tcp.in_segs", "system.net.tcp.in_segs.count"),
    ("Tcp", "OutSegs", "system.net.tcp.out_segs", "system.net.tcp.out_segs.count"),
    ("TcpExt", "ListenOverflows", "system.net.tcp.listen_overflows", "system.net.tcp.listen_overflows.count"),
    ("TcpExt", "ListenDrops", "system.net.tcp.listen_drops", "system.net.tcp.listen_drops.count"),
    ("TcpExt", "TCPBacklogDrop", "system.net.tcp.backlog_drops", "system.net.tcp.backlog_drops.count"),
    ("Udp", "InDatagrams", "system.net.udp.in_datagrams", "system.net.udp.in_datagrams.count"),
    ("Udp", "NoPorts", "system.net.udp.no_ports", "system.net.udp.no_ports.count"),
    ("Udp", "InErrors", "system.net.udp.in_errors", "system.net.udp.in_errors.count"),
    ("Udp", "OutDatagrams", "system.net.udp.out_datagrams", "system.net.udp.out_datagrams.count"),
    ("Udp", "RcvbufErrors", "system.net.udp.rcv_buf_errors", "system.net.udp.rcv_buf_errors.count"),
    ("Udp", "SndbufErrors", "system.net.udp.snd_buf_errors", "system.net.udp.snd_buf_errors.count"),
];

/// Counters that exist as counts only.
const COUNTS_ONLY: [(&str, &str, &str); 2] = [
    ("TcpExt", "TCPRetransFail", "system.net.tcp.failed_retransmits.count"),
    ("Udp", "InCsumErrors", "system.net.udp.in_csum_errors.count"),
];

/// The collector.
#[derive(Debug, Default)]
pub struct Network;

impl Collector for Network {
    fn name(&self) -> &'static str {
        "network"
    }

    fn collect(&mut self, roots: &Roots, out: &mut Readings<'_>) -> Result<(), CollectError> {
        let dev = roots.read_proc("net/dev")?;
        for line in dev.text.lines() {
            let Some((name, columns)) = line.split_once(':') else { continue };
            let name = name.trim();
            let columns: Vec<f64> = columns.split_ascii_whitespace().map_while(|column| column.parse().ok()).collect();
            if !EXCLUDED_INTERFACES.contains(&name) && columns.len() >= 12 {
                emit_traffic(name, &columns, roots, out);
                emit_interface(name, roots, out);
            }
        }
        emit_protocols(roots, out);
        Ok(())
    }
}

fn emit_traffic(name: &str, columns: &[f64], roots: &Roots, out: &mut Readings<'_>) {
    let mut tags = vec![format!("device:{name}"), format!("device_name:{name}")];
    for attribute in ["speed", "mtu"] {
        // A virtual or unplugged interface has a speed of -1 or none that can be read.
        let value = interface_number(roots, name, attribute).filter(|&value| value >= 0.0);
        tags.extend(value.map(|value| format!("{attribute}:{value}")));
    }
    for (metric, column) in INTERFACE_METRICS {
        out.rate(metric, columns[column], &tags);
    }
}

fn emit_interface(name: &str, roots: &Roots, out: &mut Readings<'_>) {
    let tags = [format!("iface:{name}")];
    for (metric, attribute) in [("system.net.iface.mtu", "mtu"), ("system.net.iface.tx_queue_len", "tx_queue_len")] {
        if let Some(value) = interface_number(roots, name, attribute) {
            out.gauge(metric, value, &tags);
        }
    }
    let folder = roots.sys.join("class/net").join(name);
    if let Some(state) = read_line(&folder.join("operstate")) {
        out.gauge("system.net.iface.up", f64::from(u8::from(state == "up")), &tags);
    }
    let Ok(queues) = std::fs::read_dir(folder.join("queues")) else { return };
    let names: Vec<_> = queues.flatten().map(|queue| queue.file_name().to_string_lossy().into_owned()).collect();
    let count = |prefix: &str| names.iter().filter(|name| name.starts_with(prefix)).count() as f64;
    out.gauge("system.net.iface.num_tx_queues", count("tx-"), &tags);
    out.gauge("system.net.iface.num_rx_queues", count("rx-"), &tags);
}

fn interface_number(roots: &Roots, name: &str, attribute: &str) -> Option<f64> {
    read_line(&roots.sys.join("class/net").join(name).join(attribute))?.parse().ok()
}

fn emit_protocols(roots: &Roots, out: &mut Readings<'_>) {
    for file in ["net/snmp", "net/netstat"] {
        // Each stands for itself: a kernel without one of them still has the other.
        let Ok(file) = roots.read_proc(file) else { continue };
        let numbers = file.numbers_by_header();
        for (protocol, name, rate, count) in PROTOCOL_METRICS {
            if let Some(&value) = numbers.get(&(protocol, name)) {
                out.rate(rate, value, &[]);
                out.monotonic_count(count, value, &[]);
            }
        }
        for (protocol, name, count) in COUNTS_ONLY {
            if let Some(&value) = numbers.get(&(protocol, name)) {
                out.monotonic_count(count, value, &[]);
            }
        }
        if let Some(&established) = numbers.get(&("Tcp", "CurrEstab")) {
            out.gauge("system.net.tcp.current_established", established, &[]);
        }
    }
}
