//! Addresses of the network interfaces, from the kernel's files alone (no `ioctl`, so it works on fixture trees and
//! on the host's `/proc` seen from a container).

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::{Value, json};

use crate::collect::Roots;
use crate::collect::kernel::read_line;

/// Addresses of one interface.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Interface {
    mac: String,
    ipv4: Vec<Ipv4Addr>,
    ipv4_network: Option<String>,
    ipv6: Vec<Ipv6Addr>,
    ipv6_network: Option<String>,
}

/// A directly connected IPv4 network of the routing table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ConnectedNetwork<'a> {
    interface: &'a str,
    network: u32,
    mask: u32,
}

/// The `network` part of the host's description.
pub(super) fn describe(roots: &Roots) -> Value {
    let interfaces = interfaces(roots);
    let mut described = serde_json::Map::new();
    if let Some(first) = interfaces.values().find(|interface| !interface.ipv4.is_empty()) {
        described.insert("ipaddress".into(), json!(first.ipv4[0]));
        described.insert("macaddress".into(), json!(first.mac));
    }
    let global = |interface: &Interface| interface.ipv6.iter().copied().find(|address| !is_link_local(*address));
    if let Some(address) = interfaces.values().find_map(global) {
        described.insert("ipaddressv6".into(), json!(address));
    }
    let list: Vec<Value> = interfaces.iter().map(|(name, interface)| describe_interface(name, interface)).collect();
    described.insert("interfaces".into(), Value::Array(list));
    Value::Object(described)
}

fn describe_interface(name: &str, interface: &Interface) -> Value {
    json!({
        "name": name,
        "macaddress": interface.mac,
        "ipv4": interface.ipv4,
        "ipv4-network": interface.ipv4_network,
        "ipv6": interface.ipv6,
        "ipv6-network": interface.ipv6_network,
    })
}

fn is_link_local(address: Ipv6Addr) -> bool {
    address.segments()[0] & 0xffc0 == 0xfe80
}

/// Every interface but the loopback one that has an address.
fn interfaces(roots: &Roots) -> BTreeMap<String, Interface> {
    let mut interfaces: BTreeMap<String, Interface> = BTreeMap::new();
    let text = |file: &str| roots.read_proc(file).map(|file| file.text).unwrap_or_default();
    let (routes, trie, inet6) = (text("net/route"), text("net/fib_trie"), text("net/if_inet6"));
    let networks = connected_networks(&routes);
    for address in local_addresses(&trie) {
        let holds = |network: &&ConnectedNetwork<'_>| u32::from(address) & network.mask == network.network;
        if let Some(network) = networks.iter().filter(holds).max_by_key(|network| network.mask) {
            let interface = interfaces.entry(network.interface.to_owned()).or_default();
            interface.ipv4.push(address);
            let prefix = network.mask.count_ones();
            interface.ipv4_network.get_or_insert(format!("{}/{prefix}", Ipv4Addr::from(network.network)));
        }
    }
    for (name, address, prefix) in inet6.lines().filter_map(parse_inet6) {
        let interface = interfaces.entry(name.to_owned()).or_default();
        interface.ipv6.push(address);
        let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
        let network = Ipv6Addr::from(u128::from(address) & mask);
        interface.ipv6_network.get_or_insert(format!("{network}/{prefix}"));
    }
    interfaces.remove("lo");
    for (name, interface) in &mut interfaces {
        interface.mac = read_line(&roots.sys.join("class/net").join(name).join("address")).unwrap_or_default();
    }
    interfaces
}

/// Networks without a gateway, from `/proc/net/route` (little-endian hexadecimal numbers).
fn connected_networks(routes: &str) -> Vec<ConnectedNetwork<'_>> {
    let parse = |line| {
        let fields: Vec<&str> = str::split_ascii_whitespace(line).collect();
        let hex = |at: usize| u32::from_str_radix(fields.get(at)?, 16).ok().map(u32::swap_bytes);
        let (network, gateway, mask) = (hex(1)?, hex(2)?, hex(7)?);
        (gateway == 0 && mask != 0).then_some(ConnectedNetwork { interface: fields[0], network, mask })
    };
    routes.lines().filter_map(parse).collect()
}

/// Addresses of this host: the leaves of `/proc/net/fib_trie` that are marked `/32 host LOCAL`.
fn local_addresses(trie: &str) -> Vec<Ipv4Addr> {
    let mut addresses = Vec::new();
    let mut last = None;
    for line in trie.lines() {
        let line = line.trim();
        if let Some(leaf) = line.strip_prefix("|-- ") {
            last = leaf.parse::<Ipv4Addr>().ok();
        } else if line == "/32 host LOCAL" {
            addresses.extend(last.filter(|address| !address.is_loopback()));
        }
    }
    // The table is printed once for each routing table.
    addresses.sort();
    addresses.dedup();
    addresses
}

/// A line of `/proc/net/if_inet6`: address, index, prefix length, scope, flags, name.
fn parse_inet6(line: &str) -> Option<(&str, Ipv6Addr, u32)> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let address = u128::from_str_radix(fields.first()?, 16).ok()?;
    let prefix = u32::from_str_radix(fields.get(2)?, 16).ok().filter(|&prefix| prefix <= 128)?;
    Some((fields.get(5)?, Ipv6Addr::from(address), prefix))
}
