//! What goes through network interfaces and how they are set up.

use crate::check::Samples;
use crate::collect::kernel::{CollectError, Roots, read_line};

/// Columns of `/proc/net/dev`, by their position after the name.
const TRAFFIC: [(&str, usize); 8] = [
    ("system.net.bytes_rcvd", 0),
    ("system.net.packets_in.count", 1),
    ("system.net.packets_in.error", 2),
    ("system.net.packets_in.drop", 3),
    ("system.net.bytes_sent", 8),
    ("system.net.packets_out.count", 9),
    ("system.net.packets_out.error", 10),
    ("system.net.packets_out.drop", 11),
];

/// Number of columns that every kernel has.
const COLUMNS: usize = 12;

/// Traffic of the wanted interfaces.
pub(super) fn submit_traffic(
    roots: &Roots,
    wants: impl Fn(&str) -> bool,
    out: &mut Samples,
) -> Result<(), CollectError> {
    let dev = roots.read_host_proc("net/dev")?;
    for line in dev.text.lines() {
        let Some((name, columns)) = line.split_once(':') else { continue };
        let name = name.trim();
        if !wants(name) {
            continue;
        }
        let columns: Vec<f64> = columns.split_ascii_whitespace().map_while(|column| column.parse().ok()).collect();
        if columns.len() < COLUMNS {
            continue;
        }
        let mut tags = vec![format!("device:{name}"), format!("device_name:{name}")];
        for attribute in ["speed", "mtu"] {
            // A virtual or unplugged interface has a speed of -1 or none that can be read.
            let value = number(roots, name, attribute).filter(|&value| value >= 0.0);
            tags.extend(value.map(|value| format!("{attribute}:{value}")));
        }
        for (metric, column) in TRAFFIC {
            out.rate(metric, columns[column], &tags);
        }
    }
    Ok(())
}

/// How every interface is set up.
pub(super) fn submit_attributes(roots: &Roots, out: &mut Samples) {
    let Ok(interfaces) = std::fs::read_dir(roots.sys.join("class/net")) else { return };
    for interface in interfaces.flatten() {
        let folder = interface.path();
        // Files beside the interfaces (`bonding_masters`) are none.
        if folder.join("ifindex").exists() || folder.join("mtu").exists() {
            submit_interface(roots, &interface.file_name().to_string_lossy(), out);
        }
    }
}

fn submit_interface(roots: &Roots, name: &str, out: &mut Samples) {
    let tags = [format!("iface:{name}")];
    for (metric, attribute) in [("system.net.iface.mtu", "mtu"), ("system.net.iface.tx_queue_len", "tx_queue_len")] {
        if let Some(value) = number(roots, name, attribute) {
            out.gauge(metric, value, &tags);
        }
    }
    // An interface that is switched off has a carrier that cannot be read.
    out.gauge("system.net.iface.up", number(roots, name, "carrier").unwrap_or(0.0), &tags);
    let Ok(queues) = std::fs::read_dir(roots.sys.join("class/net").join(name).join("queues")) else { return };
    let names: Vec<_> = queues.flatten().map(|queue| queue.file_name().to_string_lossy().into_owned()).collect();
    let count = |prefix: &str| names.iter().filter(|name| name.starts_with(prefix)).count() as f64;
    out.gauge("system.net.iface.num_tx_queues", count("tx-"), &tags);
    out.gauge("system.net.iface.num_rx_queues", count("rx-"), &tags);
}

fn number(roots: &Roots, interface: &str, attribute: &str) -> Option<f64> {
    read_line(&roots.sys.join("class/net").join(interface).join(attribute))?.parse().ok()
}
