//! Whole payloads through the public decoders: what a sender means is what the sink gets.

mod encode;
mod fixtures;
mod hostile;
mod roundtrip;
mod series;
mod sink;
