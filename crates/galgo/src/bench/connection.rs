//! A keep-alive HTTP connection that only posts: so thin that the generator's own CPU hardly shows.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail};

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Characters kept free for the length of a body.
const LENGTH_WIDTH: usize = 10;

/// A connection and its buffers.
pub(super) struct Connection {
    stream: TcpStream,
    /// The request: head, then body.
    request: Vec<u8>,
    head_bytes: usize,
    answer: Vec<u8>,
}

impl Connection {
    /// Connects; every request will go to `path` with this content type and key.
    pub(super) fn open(addr: SocketAddr, path: &str, content_type: &str, api_key: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(addr).with_context(|| format!("cannot connect to {addr}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        let blanks = " ".repeat(LENGTH_WIDTH);
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {addr}\r\nUser-Agent: galgo-bench\r\nDD-API-KEY: {api_key}\r\nContent-Type: {content_type}\r\nContent-Length:{blanks}\r\n\r\n"
        );
        let request = head.into_bytes();
        Ok(Self { stream, head_bytes: request.len(), request, answer: Vec::new() })
    }

    /// Posts the body that `write` appends, and returns the status and the answer's body.
    pub(super) fn post(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> anyhow::Result<(u16, &[u8])> {
        self.request.truncate(self.head_bytes);
        write(&mut self.request);
        let length = format!("{:>LENGTH_WIDTH$}", self.request.len() - self.head_bytes);
        let end = self.head_bytes - 4;
        self.request[end - LENGTH_WIDTH..end].copy_from_slice(length.as_bytes());
        self.repeat()
    }

    /// Posts the same body again.
    pub(super) fn repeat(&mut self) -> anyhow::Result<(u16, &[u8])> {
        self.stream.write_all(&self.request).context("the server closed the connection")?;
        self.read_answer()
    }

    fn read_answer(&mut self) -> anyhow::Result<(u16, &[u8])> {
        self.answer.clear();
        let head_end = loop {
            if let Some(at) = self.answer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            self.read_more()?;
        };
        let head = String::from_utf8_lossy(&self.answer[..head_end]).to_ascii_lowercase();
        let status = head.split_ascii_whitespace().nth(1).and_then(|status| status.parse().ok());
        let status: u16 = status.context("the answer is no HTTP")?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
        let Some(length) = length else { bail!("the answer has no length: {head}") };
        while self.answer.len() < head_end + length {
            self.read_more()?;
        }
        Ok((status, &self.answer[head_end..]))
    }

    fn read_more(&mut self) -> anyhow::Result<()> {
        let mut chunk = [0; 4096];
        let read = self.stream.read(&mut chunk).context("no answer")?;
        if read == 0 {
            bail!("the server closed the connection");
        }
        self.answer.extend_from_slice(&chunk[..read]);
        Ok(())
    }
}
