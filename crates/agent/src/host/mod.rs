//! What this host is: its name, and the description that an agent sends to `/intake/` (reference: intake-agent.md §7.1).

mod gohai;
mod hostname;
mod network;
mod payload;

pub use hostname::{HostName, HostNameRules, HostNameSource, detect, detect_by};
pub use payload::{HostDescription, describe};

#[cfg(test)]
mod tests;
