//! Sends what an agent gathered to its servers: queues in memory and on disk, retries, proxies.
#![forbid(unsafe_code)]
