//! Interfaces, protocols, sockets and tracked connections.

use super::*;
use expect_test::expect;

fn dev(bytes: u32) -> String {
    format!(
        "Inter-| Receive | Transmit\n face |bytes packets errs drop|bytes packets errs drop\n\
         \x20   lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n  eth0:{bytes} 20 1 2 0 0 0 0 4000 40 3 4 0 0 0 0\n\
         \x20 veth1: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n"
    )
}

fn snmp(segments: u32) -> String {
    format!(
        "Ip: Forwarding InReceives\nIp: 1 {segments}\nTcp: CurrEstab InSegs\nTcp: 7 {segments}\n\
         Udp: InDatagrams InCsumErrors\nUdp: 5 6\n"
    )
}

fn fixture(options: Value) -> Fixture {
    Fixture::with("network", options, json!({})).file("proc/net/dev", &dev(1000)).file("proc/net/snmp", &snmp(100))
}

#[tokio::test]
async fn traffic_and_protocols() {
    let fixture = fixture(json!({}))
        .file("proc/net/netstat", "TcpExt: ListenDrops TCPRetransFail\nTcpExt: 1 2\n")
        .file("sys/class/net/eth0/mtu", "1500\n")
        .file("sys/class/net/eth0/speed", "1000\n")
        .file("sys/class/net/eth0/tx_queue_len", "1000\n")
        .file("sys/class/net/eth0/carrier", "1\n")
        .file("sys/class/net/eth0/queues/tx-0/x", "")
        .file("sys/class/net/eth0/queues/rx-0/x", "")
        .file("sys/class/net/eth0/queues/rx-1/x", "")
        .file("sys/class/net/lo/mtu", "65536\n")
        .file("sys/class/net/bonding_masters", "");
    let fixture = fixture
        .run(expect![[r#"
        system.net.iface.mtu gauge 1500 byte iface:eth0
        system.net.iface.mtu gauge 65536 byte iface:lo
        system.net.iface.num_rx_queues gauge 2 - iface:eth0
        system.net.iface.num_tx_queues gauge 1 - iface:eth0
        system.net.iface.tx_queue_len gauge 1000 - iface:eth0
        system.net.iface.up gauge 1 - iface:eth0
        system.net.iface.up gauge 0 - iface:lo
        system.net.tcp.current_established gauge 7 connection
    "#]])
        .await;
    let fixture = fixture
        .file("proc/net/dev", &dev(3000))
        .file("proc/net/snmp", &snmp(150))
        .file("sys/class/net/eth0/carrier", "0\n");
    // Another speed makes other series: their rates begin anew.
    let fixture = fixture
        .run(expect![[r#"
        system.net.bytes_rcvd gauge 200 byte device:eth0,device_name:eth0,mtu:1500,speed:1000
        system.net.bytes_rcvd gauge 0 byte device:veth1,device_name:veth1
        system.net.bytes_sent gauge 0 byte device:eth0,device_name:eth0,mtu:1500,speed:1000
        system.net.bytes_sent gauge 0 byte device:veth1,device_name:veth1
        system.net.iface.mtu gauge 1500 byte iface:eth0
        system.net.iface.mtu gauge 65536 byte iface:lo
        system.net.iface.num_rx_queues gauge 2 - iface:eth0
        system.net.iface.num_tx_queues gauge 1 - iface:eth0
        system.net.iface.tx_queue_len gauge 1000 - iface:eth0
        system.net.iface.up gauge 0 - iface:eth0
        system.net.iface.up gauge 0 - iface:lo
        system.net.ip.in_receives gauge 5 -
        system.net.packets_in.count gauge 0 packet device:eth0,device_name:eth0,mtu:1500,speed:1000
        system.net.packets_in.count gauge 0 packet device:veth1,device_name:veth1
        system.net.packets_in.drop gauge 0 packet device:eth0,device_name:eth0,mtu:1500,speed:1000
        system.net.packets_in.drop gauge 0 packet device:veth1,device_name:veth1
        system.net.packets_in.error gauge 0 packet device:eth0,device_name:eth0,mtu:1500,speed:1000
        system.net.packets_in.error gauge 0 packet device:veth1,device_name:veth1
        system.net.packets_out.count gauge 0 packet device:eth0,device_name:eth0,mtu:1500,speed:1000
        system.net.packets_out.count gauge 0 packet device:veth1,device_name:veth1
        system.net.packets_out.drop gauge 0 packet device:eth0,device_name:eth0,mtu:1500,speed:1000
        system.net.packets_out.drop gauge 0 packet device:veth1,device_name:veth1
        system.net.packets_out.error gauge 0 packet device:eth0,device_name:eth0,mtu:1500,speed:1000
        system.net.packets_out.error gauge 0 packet device:veth1,device_name:veth1
        system.net.tcp.current_established gauge 7 connection
        system.net.tcp.failed_retransmits gauge 0 -
        system.net.tcp.failed_retransmits.count count 0 -
        system.net.tcp.in_segs gauge 5 -
        system.net.tcp.in_segs.count count 50 -
        system.net.tcp.listen_drops gauge 0 -
        system.net.tcp.listen_drops.count count 0 -
        system.net.udp.in_csum_errors gauge 0 -
        system.net.udp.in_csum_errors.count count 0 -
        system.net.udp.in_datagrams gauge 0 -
        system.net.udp.in_datagrams.count count 0 -
    "#]])
        .await;
    let fixture = fixture.file("sys/class/net/eth0/speed", "-1\n").hide(&["system.net.tcp", "system.net.udp"]);
    fixture
        .run(expect![[r#"
        system.net.bytes_rcvd gauge 0 byte device:veth1,device_name:veth1
        system.net.bytes_sent gauge 0 byte device:veth1,device_name:veth1
        system.net.iface.mtu gauge 1500 byte iface:eth0
        system.net.iface.mtu gauge 65536 byte iface:lo
        system.net.iface.num_rx_queues gauge 2 - iface:eth0
        system.net.iface.num_tx_queues gauge 1 - iface:eth0
        system.net.iface.tx_queue_len gauge 1000 - iface:eth0
        system.net.iface.up gauge 0 - iface:eth0
        system.net.iface.up gauge 0 - iface:lo
        system.net.ip.in_receives gauge 0 -
        system.net.packets_in.count gauge 0 packet device:veth1,device_name:veth1
        system.net.packets_in.drop gauge 0 packet device:veth1,device_name:veth1
        system.net.packets_in.error gauge 0 packet device:veth1,device_name:veth1
        system.net.packets_out.count gauge 0 packet device:veth1,device_name:veth1
        system.net.packets_out.drop gauge 0 packet device:veth1,device_name:veth1
        system.net.packets_out.error gauge 0 packet device:veth1,device_name:veth1
    "#]])
        .await;
}

#[tokio::test]
async fn rates_counts_and_interfaces_are_chosen() {
    let cases = [
        json!({ "collect_count_metrics": true, "excluded_interfaces": [] }),
        json!({ "collect_count_metrics": false, "excluded_interfaces": ["lo"], "excluded_interface_re": "veth.*" }),
        json!({ "collect_rate_metrics": false, "collect_count_metrics": true, "excluded_interface_re": "(?!eth)" }),
    ];
    let mut chosen = String::new();
    for options in cases {
        let mut fixture = fixture(options.clone());
        fixture.report().await.2.unwrap();
        fixture.clock.advance(Duration::from_secs(10));
        let (report, _, _) = fixture.report().await;
        let shown = report.series.iter().filter_map(|series| match series.metric.as_str() {
            "system.net.bytes_rcvd" => Some(series.tags[0].as_str()),
            metric => metric.contains("_segs").then_some(metric).or(metric.contains("receives").then_some(metric)),
        });
        chosen.push_str(&format!("{options}\n  {}\n", shown.collect::<Vec<_>>().join(" ")));
    }
    expect![[r#"
        {"collect_count_metrics":true,"excluded_interfaces":[]}
          device:eth0 device:lo device:veth1 system.net.ip.in_receives system.net.ip.in_receives.count system.net.tcp.in_segs system.net.tcp.in_segs.count
        {"collect_count_metrics":false,"excluded_interfaces":["lo"],"excluded_interface_re":"veth.*"}
          device:eth0 system.net.ip.in_receives system.net.tcp.in_segs
        {"collect_rate_metrics":false,"collect_count_metrics":true,"excluded_interface_re":"(?!eth)"}
          device:eth0 system.net.ip.in_receives.count system.net.tcp.in_segs.count
    "#]].assert_eq(&chosen);
}

const TCP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
    0: 00000000:07E8 00000000:0000 0A 00000000:00000002 00:00000000 00000000 0 0 1 1\n\
    1: 0100007F:07E8 0100007F:0000 01 00000010:00000000 00:00000000 00000000 0 0 1 1\n\
    2: 0100007F:07E8 0100007F:0000 01 00000020:00000000 00:00000000 00000000 0 0 1 1\n\
    3: 0100007F:07E8 0100007F:0000 06 00000000:00000000 00:00000000 00000000 0 0 1 1\n\
    4: 0100007F:07E8 0100007F:0000 08 00000000:00000000 00:00000000 00000000 0 0 1 1\n\
    5: 0100007F:07E8 0100007F:0000 09 00000000:00000000 00:00000000 00000000 0 0 1 1\n";
const UDP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n\
    0: 00000000:07E8 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 1 1\n";

#[tokio::test]
async fn states_of_connections() {
    for (options, expected) in [
        (
            json!({ "collect_connection_state": true }),
            expect![[r#"
            system.net.tcp4.closing gauge 2 connection
            system.net.tcp4.established gauge 2 connection
            system.net.tcp4.listening gauge 1 connection
            system.net.tcp4.opening gauge 0 connection
            system.net.tcp4.time_wait gauge 1 connection
            system.net.tcp6.closing gauge 0 connection
            system.net.tcp6.established gauge 0 connection
            system.net.tcp6.listening gauge 0 connection
            system.net.tcp6.opening gauge 0 connection
            system.net.tcp6.time_wait gauge 0 connection
            system.net.udp4.connections gauge 1 connection
            system.net.udp6.connections gauge 0 connection
        "#]],
        ),
        (
            json!({ "collect_connection_state": true, "combine_connection_states": false }),
            expect![[r#"
            system.net.tcp4.close gauge 0 connection
            system.net.tcp4.close_wait gauge 1 connection
            system.net.tcp4.closing gauge 0 connection
            system.net.tcp4.estab gauge 2 connection
            system.net.tcp4.fin_wait_1 gauge 0 connection
            system.net.tcp4.fin_wait_2 gauge 0 connection
            system.net.tcp4.last_ack gauge 1 connection
            system.net.tcp4.listen gauge 1 connection
            system.net.tcp4.syn_recv gauge 0 connection
            system.net.tcp4.syn_sent gauge 0 connection
            system.net.tcp4.time_wait gauge 1 connection
            system.net.tcp6.close gauge 0 connection
            system.net.tcp6.close_wait gauge 0 connection
            system.net.tcp6.closing gauge 0 connection
            system.net.tcp6.estab gauge 0 connection
            system.net.tcp6.fin_wait_1 gauge 0 connection
            system.net.tcp6.fin_wait_2 gauge 0 connection
            system.net.tcp6.last_ack gauge 0 connection
            system.net.tcp6.listen gauge 0 connection
            system.net.tcp6.syn_recv gauge 0 connection
            system.net.tcp6.syn_sent gauge 0 connection
            system.net.tcp6.time_wait gauge 0 connection
            system.net.udp4.connections gauge 1 connection
            system.net.udp6.connections gauge 0 connection
        "#]],
        ),
    ] {
        let fixture = fixture(options).file("proc/net/tcp", TCP).file("proc/net/udp", UDP);
        fixture.hide(&["system.net.tcp.", "system.net.bytes", "system.net.packets"]).run(expected).await;
    }
}

#[tokio::test]
async fn queues_of_connections() {
    let options = json!({ "collect_connection_state": true, "collect_connection_queues": true });
    let mut fixture = fixture(options).file("proc/net/tcp", TCP);
    let mut check = fixture.make().unwrap();
    let mut samples = Samples::default();
    check.run(&mut samples).await.unwrap();
    fixture.check = Some(check);
    let queues = samples.values.iter().filter(|sample| sample.metric.ends_with("_q") && sample.value > 0.0);
    let lines: Vec<String> = queues
        .map(|sample| format!("{} {:?} {} {:?}", sample.metric, sample.kind, sample.value, sample.tags))
        .collect();
    expect![[r#"
        system.net.tcp.recv_q Histogram 2 ["state:listening"]
        system.net.tcp.send_q Histogram 16 ["state:established"]
        system.net.tcp.send_q Histogram 32 ["state:established"]"#]]
    .assert_eq(&lines.join("\n"));
}

#[tokio::test]
async fn tracked_connections() {
    let files = |options| {
        fixture(options)
            .hide(&["system.net.tcp", "system.net.udp", "system.net.ip.", "system.net.bytes", "system.net.packets"])
            .file("proc/sys/net/netfilter/nf_conntrack_count", "12\n")
            .file("proc/sys/net/netfilter/nf_conntrack_max", "262144\n")
            .file("proc/sys/net/netfilter/nf_conntrack_tcp_max_retrans", "3\n")
            .file("proc/sys/net/netfilter/nf_conntrack_buckets", "65536\n")
            .file("proc/sys/net/netfilter/nf_log", "x\n")
    };
    files(json!({}))
        .run(expect![[r#"
        system.net.conntrack.count gauge 12 -
        system.net.conntrack.max gauge 262144 -
    "#]])
        .await;
    files(json!({ "whitelist_conntrack_metrics": ["max", "buckets"], "blacklist_conntrack_metrics": ["tcp"] }))
        .run(expect![[r#"
            system.net.conntrack.buckets gauge 65536 -
            system.net.conntrack.max gauge 262144 -
        "#]])
        .await;
    let statistics =
        |found: &str| format!("entries  clashres found new\n0000000c  00000001 {found} 0\n0000000c  0 0000000a 0\n");
    let fixture = files(json!({ "conntrack_path": "/usr/sbin/conntrack" }));
    let fixture = fixture
        .file("proc/net/stat/nf_conntrack", &statistics("0000000f"))
        .run(expect![[r#"
        system.net.conntrack.count gauge 12 -
        system.net.conntrack.max gauge 262144 -
    "#]])
        .await;
    fixture
        .file("proc/net/stat/nf_conntrack", &statistics("0000001f"))
        .run(expect![[r#"
        system.net.conntrack.clash_resolve count 0 - cpu:0
        system.net.conntrack.clash_resolve count 0 - cpu:1
        system.net.conntrack.count gauge 12 -
        system.net.conntrack.found count 16 - cpu:0
        system.net.conntrack.found count 0 - cpu:1
        system.net.conntrack.max gauge 262144 -
    "#]])
        .await;
}

#[tokio::test]
async fn what_is_not_served_is_told() {
    let options = json!({ "collect_ethtool_metrics": true });
    fixture(options)
        .hide(&["system"])
        .run(expect![[r#"
        warning: collect_ethtool_metrics has no effect: this agent does not read the statistics of drivers
    "#]])
        .await;
}

#[tokio::test]
async fn in_a_container_the_first_process_of_the_host_counts() {
    let fixture = fixture(json!({})).hide(&["system.net.tcp", "system.net.udp", "system.net.ip"]);
    let fixture = fixture.file("proc/1/net/dev", "eth9: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n").run(expect![""]).await;
    fixture
        .hide(&["system.net.tcp", "system.net.udp", "system.net.ip", "system.net.packets"])
        .run(expect![[r#"
        system.net.bytes_rcvd gauge 0 byte device:eth9,device_name:eth9
        system.net.bytes_sent gauge 0 byte device:eth9,device_name:eth9
    "#]])
        .await;
}
