//! Units of the metrics that collectors emit, so that a graph's axis is labelled from the first point on.

/// Unit of a metric in Datadog's words, empty when it has none.
pub fn unit_of(metric: &str) -> &'static str {
    match metric {
        "system.cpu.num_cores" => "core",
        "system.cpu.context_switches" => "",
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
    const FAMILIES: [(&str, &str); 6] = [
        ("system.cpu.", "percent"),
        ("system.mem.", "mebibyte"),
        ("system.swap.", "mebibyte"),
        ("system.fs.inodes.", "inode"),
        ("system.fs.file_handles.", "file"),
        ("system.net.packets_", "packet"),
    ];
    FAMILIES.iter().find(|(prefix, _)| metric.starts_with(prefix)).map_or("", |(_, unit)| unit)
}
