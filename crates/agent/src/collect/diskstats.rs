//! `/proc/diskstats`: what block devices did since boot (kernel documentation: admin-guide/iostats).

/// Counters of one block device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceCounters<'a> {
    /// Kernel's name, such as `sda1`.
    pub name: &'a str,
    /// Reads completed.
    pub reads: u64,
    /// Reads merged into another.
    pub reads_merged: u64,
    /// Sectors of 512 bytes read.
    pub sectors_read: u64,
    /// Milliseconds that reads took.
    pub read_ms: u64,
    /// Writes completed.
    pub writes: u64,
    /// Writes merged into another.
    pub writes_merged: u64,
    /// Sectors of 512 bytes written.
    pub sectors_written: u64,
    /// Milliseconds that writes took.
    pub write_ms: u64,
    /// Milliseconds with anything in flight.
    pub busy_ms: u64,
    /// Milliseconds weighted by the number of requests in flight.
    pub weighted_ms: u64,
}

impl<'a> DeviceCounters<'a> {
    /// The devices that ever did anything: the dozens of unused loop and RAM devices would only be noise.
    pub fn parse_all(text: &'a str) -> Vec<Self> {
        text.lines().filter_map(Self::parse).filter(|device| device.reads > 0 || device.writes > 0).collect()
    }

    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.split_ascii_whitespace().skip(2);
        let name = fields.next()?;
        let numbers: Vec<u64> = fields.map_while(|field| field.parse().ok()).collect();
        let [
            reads,
            reads_merged,
            sectors_read,
            read_ms,
            writes,
            writes_merged,
            sectors_written,
            write_ms,
            _,
            busy_ms,
            weighted_ms,
            ..,
        ] = numbers[..]
        else {
            return None;
        };
        Some(Self {
            name,
            reads,
            reads_merged,
            sectors_read,
            read_ms,
            writes,
            writes_merged,
            sectors_written,
            write_ms,
            busy_ms,
            weighted_ms,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_devices_and_broken_lines_are_left_out() {
        let text = "   7 0 loop0 0 0 0 0 0 0 0 0 0 0 0\n 8 0 sda 10 1 80 5 20 2 160 7 0 9 12 0 0 0 0\n 8 1 sda1 10 1\n";
        let devices = DeviceCounters::parse_all(text);
        assert_eq!(devices.len(), 1);
        assert_eq!(
            (devices[0].name, devices[0].writes, devices[0].busy_ms, devices[0].weighted_ms),
            ("sda", 20, 9, 12)
        );
    }
}
