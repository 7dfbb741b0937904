//! Whole forwarders over scripted servers.
