//! Datadog's unit table: the names a metric's unit may have, their families, and how many of the family's base unit
//! each of them is.
//!
//! Names, families and short forms are those of Datadog's documentation. Of the numbers, those of the units of bytes and
//! time, and of `percent`, `request`, `core`, `error`, `operation` and `nanocore`, were seen in recorded traffic; the
//! others are ours, since clients only carry them along.

use serde::{Serialize, Serializer};

/// A unit as Datadog's API shows it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Unit {
    /// Datadog's number of the unit.
    pub id: u32,
    /// Family, such as `bytes` or `time`.
    pub family: &'static str,
    /// Singular name, such as `byte`.
    pub name: &'static str,
    /// Plural name.
    pub plural: &'static str,
    /// Short form for axes, such as `B`; empty (in JSON `null`) when the unit has none.
    #[serde(serialize_with = "null_when_empty")]
    pub short_name: &'static str,
    /// How many of the family's base unit one of these is.
    pub scale_factor: f64,
}

fn null_when_empty<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    if text.is_empty() { serializer.serialize_none() } else { serializer.serialize_str(text) }
}

/// The unit of this name, singular or plural, in any case; surrounding blanks do not matter.
pub fn lookup(name: &str) -> Option<&'static Unit> {
    let wanted = name.trim();
    let is_wanted = |candidate: &str| candidate.eq_ignore_ascii_case(wanted);
    UNITS.iter().find(|unit| is_wanted(unit.name)).or_else(|| UNITS.iter().find(|unit| is_wanted(unit.plural)))
}

/// The unit of this number.
pub fn by_id(id: u32) -> Option<&'static Unit> {
    UNITS.iter().find(|unit| unit.id == id)
}

/// Every unit, in order of families.
pub fn all() -> &'static [Unit] {
    UNITS
}

const fn unit(
    id: u32,
    family: &'static str,
    name: &'static str,
    plural: &'static str,
    short_name: &'static str,
    scale_factor: f64,
) -> Unit {
    Unit { id, family, name, plural, short_name, scale_factor }
}

#[rustfmt::skip] // one unit a line
static UNITS: &[Unit] = &[
    unit(1, "bytes", "bit", "bits", "b", 0.125),
    unit(2, "bytes", "byte", "bytes", "B", 1.0),
    unit(3, "bytes", "kibibyte", "kibibytes", "KiB", 1024.0),
    unit(4, "bytes", "mebibyte", "mebibytes", "MiB", 1048576.0),
    unit(5, "bytes", "gibibyte", "gibibytes", "GiB", 1073741824.0),
    unit(6, "bytes", "tebibyte", "tebibytes", "TiB", 1099511627776.0),
    unit(7, "bytes", "pebibyte", "pebibytes", "PiB", 1125899906842624.0),
    unit(8, "bytes", "exbibyte", "exbibytes", "EiB", 1.152921504606847e18),
    unit(9, "time", "microsecond", "microseconds", "μs", 1e-6),
    unit(10, "time", "millisecond", "milliseconds", "ms", 0.001),
    unit(11, "time", "second", "seconds", "s", 1.0),
    unit(12, "time", "minute", "minutes", "min", 60.0),
    unit(13, "time", "hour", "hours", "hr", 3600.0),
    unit(14, "time", "day", "days", "day", 86400.0),
    unit(15, "time", "week", "weeks", "wk", 604800.0),
    unit(162, "time", "nanosecond", "nanoseconds", "ns", 1e-9),
    unit(16, "percentage", "fraction", "fractions", "", 100.0),
    unit(17, "percentage", "percent", "percent", "%", 1.0),
    unit(163, "percentage", "percent_nano", "percent_nanos", "n%", 1e-9),
    unit(164, "percentage", "apdex", "apdex", "", 1.0),
    unit(18, "network", "connection", "connections", "conn", 1.0),
    unit(19, "network", "request", "requests", "req", 1.0),
    unit(20, "network", "packet", "packets", "pkt", 1.0),
    unit(21, "network", "segment", "segments", "seg", 1.0),
    unit(22, "network", "response", "responses", "rsp", 1.0),
    unit(23, "network", "message", "messages", "msg", 1.0),
    unit(24, "network", "payload", "payloads", "", 1.0),
    unit(25, "network", "timeout", "timeouts", "", 1.0),
    unit(26, "network", "datagram", "datagrams", "", 1.0),
    unit(27, "network", "route", "routes", "", 1.0),
    unit(28, "network", "session", "sessions", "", 1.0),
    unit(29, "network", "hop", "hops", "", 1.0),
    unit(30, "system", "process", "processes", "proc", 1.0),
    unit(32, "system", "thread", "threads", "", 1.0),
    unit(33, "system", "host", "hosts", "", 1.0),
    unit(34, "system", "node", "nodes", "", 1.0),
    unit(35, "system", "fault", "faults", "", 1.0),
    unit(36, "system", "service", "services", "svc", 1.0),
    unit(37, "system", "instance", "instances", "", 1.0),
    unit(38, "system", "cpu", "cpus", "", 1.0),
    unit(39, "disk", "file", "files", "", 1.0),
    unit(40, "disk", "inode", "inodes", "", 1.0),
    unit(41, "disk", "sector", "sectors", "", 1.0),
    unit(42, "disk", "block", "blocks", "blk", 1.0),
    unit(43, "general", "buffer", "buffers", "", 1.0),
    unit(44, "general", "error", "errors", "err", 1.0),
    unit(45, "general", "read", "reads", "rd", 1.0),
    unit(46, "general", "write", "writes", "wr", 1.0),
    unit(47, "general", "occurrence", "occurrences", "", 1.0),
    unit(48, "general", "event", "events", "", 1.0),
    unit(49, "general", "time", "times", "", 1.0),
    unit(50, "general", "unit", "units", "", 1.0),
    unit(57, "general", "operation", "operations", "op", 1.0),
    unit(58, "general", "item", "items", "", 1.0),
    unit(59, "general", "task", "tasks", "", 1.0),
    unit(60, "general", "worker", "workers", "", 1.0),
    unit(61, "general", "resource", "resources", "res", 1.0),
    unit(62, "general", "garbage collection", "garbage collections", "gc", 1.0),
    unit(63, "general", "email", "emails", "", 1.0),
    unit(64, "general", "sample", "samples", "smpl", 1.0),
    unit(65, "general", "stage", "stages", "", 1.0),
    unit(66, "general", "monitor", "monitors", "", 1.0),
    unit(67, "general", "location", "locations", "", 1.0),
    unit(68, "general", "check", "checks", "", 1.0),
    unit(69, "general", "attempt", "attempts", "", 1.0),
    unit(70, "general", "device", "devices", "dev", 1.0),
    unit(71, "general", "update", "updates", "up", 1.0),
    unit(72, "general", "method", "methods", "mthd", 1.0),
    unit(73, "general", "job", "jobs", "", 1.0),
    unit(74, "general", "container", "containers", "", 1.0),
    unit(75, "general", "execution", "executions", "", 1.0),
    unit(76, "general", "throttle", "throttles", "", 1.0),
    unit(77, "general", "invocation", "invocations", "", 1.0),
    unit(78, "general", "user", "users", "", 1.0),
    unit(79, "general", "success", "successes", "", 1.0),
    unit(80, "general", "build", "builds", "", 1.0),
    unit(81, "general", "prediction", "predictions", "", 1.0),
    unit(82, "general", "exception", "exceptions", "", 1.0),
    unit(83, "db", "table", "tables", "tbl", 1.0),
    unit(84, "db", "index", "indices", "idx", 1.0),
    unit(85, "db", "lock", "locks", "", 1.0),
    unit(86, "db", "transaction", "transactions", "tx", 1.0),
    unit(87, "db", "query", "queries", "", 1.0),
    unit(88, "db", "row", "rows", "", 1.0),
    unit(89, "db", "key", "keys", "", 1.0),
    unit(90, "db", "command", "commands", "cmd", 1.0),
    unit(91, "db", "offset", "offsets", "", 1.0),
    unit(92, "db", "record", "records", "rec", 1.0),
    unit(93, "db", "object", "objects", "obj", 1.0),
    unit(94, "db", "cursor", "cursors", "", 1.0),
    unit(95, "db", "assertion", "assertions", "", 1.0),
    unit(96, "db", "scan", "scans", "", 1.0),
    unit(97, "db", "document", "documents", "doc", 1.0),
    unit(98, "db", "shard", "shards", "", 1.0),
    unit(99, "db", "flush", "flushes", "", 1.0),
    unit(100, "db", "merge", "merges", "", 1.0),
    unit(101, "db", "refresh", "refreshes", "", 1.0),
    unit(102, "db", "fetch", "fetches", "", 1.0),
    unit(103, "db", "column", "columns", "col", 1.0),
    unit(104, "db", "commit", "commits", "", 1.0),
    unit(105, "db", "wait", "waits", "", 1.0),
    unit(106, "db", "ticket", "tickets", "", 1.0),
    unit(107, "db", "question", "questions", "", 1.0),
    unit(130, "cache", "hit", "hits", "", 1.0),
    unit(131, "cache", "miss", "misses", "", 1.0),
    unit(132, "cache", "eviction", "evictions", "", 1.0),
    unit(133, "cache", "get", "gets", "", 1.0),
    unit(134, "cache", "set", "sets", "", 1.0),
    unit(135, "money", "dollar", "dollars", "$", 1.0),
    unit(136, "money", "cent", "cents", "¢", 0.01),
    unit(137, "money", "microdollar", "microdollars", "μ$", 1e-6),
    unit(138, "money", "euro", "euros", "€", 1.0),
    unit(139, "memory", "page", "pages", "pg", 1.0),
    unit(140, "memory", "split", "splits", "", 1.0),
    unit(141, "frequency", "hertz", "hertz", "Hz", 1.0),
    unit(142, "frequency", "kilohertz", "kilohertz", "kHz", 1000.0),
    unit(143, "frequency", "megahertz", "megahertz", "MHz", 1000000.0),
    unit(144, "frequency", "gigahertz", "gigahertz", "GHz", 1000000000.0),
    unit(145, "logging", "entry", "entries", "", 1.0),
    unit(146, "temperature", "degree celsius", "degrees celsius", "°C", 1.0),
    unit(147, "temperature", "decidegree celsius", "decidegrees celsius", "d°C", 0.1),
    unit(148, "temperature", "degree fahrenheit", "degrees fahrenheit", "°F", 1.0),
    unit(31, "cpu", "core", "cores", "", 1.0),
    unit(121, "cpu", "nanocore", "nanocores", "ncores", 1e-9),
    unit(122, "cpu", "microcore", "microcores", "µcores", 1e-6),
    unit(123, "cpu", "millicore", "millicores", "mcores", 0.001),
    unit(124, "cpu", "kilocore", "kilocores", "Kcores", 1000.0),
    unit(125, "cpu", "megacore", "megacores", "Mcores", 1000000.0),
    unit(126, "cpu", "gigacore", "gigacores", "Gcores", 1000000000.0),
    unit(127, "cpu", "teracore", "teracores", "Tcores", 1000000000000.0),
    unit(128, "cpu", "petacore", "petacores", "Pcores", 1000000000000000.0),
    unit(129, "cpu", "exacore", "exacores", "Ecores", 1e18),
    unit(149, "power", "nanowatt", "nanowatts", "nW", 1e-9),
    unit(150, "power", "microwatt", "microwatts", "μW", 1e-6),
    unit(151, "power", "milliwatt", "milliwatts", "mW", 0.001),
    unit(152, "power", "deciwatt", "deciwatts", "dW", 0.1),
    unit(153, "power", "watt", "watts", "W", 1.0),
    unit(154, "power", "kilowatt", "kilowatts", "kW", 1000.0),
    unit(155, "power", "megawatt", "megawatts", "MW", 1000000.0),
    unit(156, "power", "gigawatt", "gigawatts", "GW", 1000000000.0),
    unit(157, "power", "terrawatt", "terrawatts", "TW", 1000000000000.0),
    unit(158, "current", "milliampere", "milliamperes", "mA", 0.001),
    unit(159, "current", "ampere", "amperes", "A", 1.0),
    unit(160, "potential", "millivolt", "millivolts", "mV", 0.001),
    unit(161, "potential", "volt", "volts", "V", 1.0),
    unit(165, "apm", "span", "spans", "", 1.0),
    unit(166, "synthetics", "run", "runs", "", 1.0),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn units_are_found_by_name_plural_and_id() {
        assert_eq!(lookup("byte").map(|unit| (unit.id, unit.short_name)), Some((2, "B")));
        assert_eq!(lookup(" Milliseconds ").map(|unit| unit.id), Some(10));
        assert_eq!(lookup("second").map(|unit| unit.scale_factor), Some(1.0));
        assert_eq!(lookup("hertz").map(|unit| unit.family), Some("frequency"));
        assert_eq!(by_id(17).map(|unit| unit.name), Some("percent"));
        assert_eq!(lookup("furlong"), None);
        assert_eq!(lookup(""), None);
    }

    #[test]
    fn json_is_that_of_recorded_traffic() {
        let json = |name| serde_json::to_value(lookup(name).unwrap()).unwrap();
        let percent = serde_json::json!({
            "family": "percentage", "id": 17, "name": "percent", "plural": "percent", "scale_factor": 1.0, "short_name": "%"
        });
        assert_eq!(json("percent"), percent);
        assert!(json("core")["short_name"].is_null());
    }

    #[test]
    fn names_and_ids_are_unique() {
        let ids: HashSet<u32> = all().iter().map(|unit| unit.id).collect();
        let names: HashSet<&str> = all().iter().map(|unit| unit.name).collect();
        assert_eq!((ids.len(), names.len()), (all().len(), all().len()));
        assert!(all().iter().all(|unit| unit.scale_factor > 0.0));
    }
}
