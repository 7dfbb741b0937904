//! Whole payloads through the public decoders: what a sender means is what the sink gets.
#![allow(clippy::unwrap_used)] // a test fails by panicking, its helpers as well

mod encode;
mod fixtures;
mod hostile;
mod roundtrip;
mod series;
mod sink;
