//! Units of the metrics that collectors emit, so that a graph's axis is labelled from the first point on.

/// Unit of a metric in Datadog's words, empty when it has none or is not a metric of these checks.
pub fn unit_of(metric: &str) -> &'static str {
    if !metric.starts_with("system.") {
        return if metric == "ntp.offset" { "second" } else { "" };
    }
    match metric {
        "system.cpu.num_cores" => "core",
        "system.cpu.context_switches" => "",
        "system.core.count" => "core",
        "system.core.frequency" => "megahertz",
        "system.mem.pgscan_direct" | "system.mem.pgsteal_direct" => "page",
        "system.mem.pgscan_kswapd" | "system.mem.pgsteal_kswapd" => "page",
        "system.mem.allocstall" => "",
        "system.net.tcp.current_established" => "connection",
        "system.net.udp4.connections" | "system.net.udp6.connections" => "connection",
        "system.processes.number" => "process",
        "system.processes.threads" => "thread",
        "system.processes.cpu.pct" | "system.processes.cpu.normalized_pct" => "percent",
        "system.processes.mem.pct" => "percent",
        "system.processes.mem.rss" | "system.processes.mem.vms" | "system.processes.mem.real" => "byte",
        "system.processes.ioread_bytes" | "system.processes.iowrite_bytes" => "byte",
        "system.processes.ioread_bytes_count" | "system.processes.iowrite_bytes_count" => "byte",
        "system.processes.ioread_count" => "read",
        "system.processes.iowrite_count" => "write",
        "system.processes.voluntary_ctx_switches" | "system.processes.involuntary_ctx_switches" => "event",
        "system.uptime" => "second",
        "system.mem.pct_usable" | "system.swap.pct_free" => "fraction",
        "system.disk.in_use" | "system.fs.inodes.in_use" | "system.fs.file_handles.in_use" => "fraction",
        "system.disk.utilized" | "system.fs.inodes.utilized" | "system.io.util" => "percent",
        "system.disk.total" | "system.disk.used" | "system.disk.free" => "kibibyte",
        "system.disk.read_time" | "system.disk.write_time" => "millisecond",
        "system.io.rkb_s" | "system.io.wkb_s" | "system.io.block_in" | "system.io.block_out" => "kibibyte",
        "system.io.await" | "system.io.r_await" | "system.io.w_await" | "system.io.svctm" => "millisecond",
        "system.io.r_s" | "system.io.w_s" | "system.io.rrqm_s" | "system.io.wrqm_s" => "request",
        "system.net.bytes_rcvd" | "system.net.bytes_sent" | "system.net.iface.mtu" => "byte",
        _ => unit_of_family(metric),
    }
}

fn unit_of_family(metric: &str) -> &'static str {
    if metric.starts_with("system.cpu.") && metric.ends_with(".total") {
        return "second";
    }
    const FAMILIES: [(&str, &str); 12] = [
        ("system.cpu.", "percent"),
        ("system.core.", "percent"),
        ("system.mem.", "mebibyte"),
        ("system.swap.", "mebibyte"),
        ("system.fs.inodes.", "inode"),
        ("system.fs.file_handles.", "file"),
        ("system.net.packets_", "packet"),
        ("system.net.tcp4.", "connection"),
        ("system.net.tcp6.", "connection"),
        ("system.net.conntrack.", ""),
        ("system.processes.run_time.", "second"),
        ("system.processes.mem.page_faults.", "occurrence"),
    ];
    FAMILIES.iter().find(|(prefix, _)| metric.starts_with(prefix)).map_or("", |(_, unit)| unit)
}
