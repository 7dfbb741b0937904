//! Reads log files, sockets and the journal; keeps its place on disk.
#![forbid(unsafe_code)]
