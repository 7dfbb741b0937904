//! The protocol of Redis, version 2, as far as a check speaks it: commands out, replies in, every size bounded.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest single text, in bytes.
const MAX_BULK: usize = 16 * 1024 * 1024;

/// Longest list.
const MAX_ITEMS: usize = 100_000;

/// Longest line, in bytes: simple texts, errors and lengths.
const MAX_LINE: u64 = 64 * 1024;

/// Deepest list of lists.
const MAX_DEPTH: usize = 8;

/// A reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A text, of either kind.
    Text(Vec<u8>),
    /// A whole number.
    Number(i64),
    /// A list.
    List(Vec<Reply>),
    /// Nothing.
    Nil,
    /// The server says no.
    Error(String),
}

impl Reply {
    /// The text of a text or number.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Text(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            Self::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// The number of a number or of a text that is one.
    pub fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(bytes) => std::str::from_utf8(bytes).ok()?.trim().parse().ok(),
            _ => None,
        }
    }

    /// The items of a list.
    pub fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }
}

/// Sends a command.
pub async fn send(stream: &mut (impl AsyncWrite + Unpin), command: &[&[u8]]) -> io::Result<()> {
    let mut bytes = format!("*{}\r\n", command.len()).into_bytes();
    for part in command {
        bytes.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
        bytes.extend_from_slice(part);
        bytes.extend_from_slice(b"\r\n");
    }
    stream.write_all(&bytes).await?;
    stream.flush().await
}

fn strange(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not the protocol of Redis: {}", what.into()))
}

/// A list that is being filled.
struct Open {
    wanted: usize,
    items: Vec<Reply>,
}

/// Receives a reply.
pub async fn receive(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Reply> {
    let mut open: Vec<Open> = Vec::new();
    loop {
        let mut reply = match receive_one(stream).await? {
            Part::Whole(reply) => reply,
            Part::List(0) => Reply::List(Vec::new()),
            Part::List(wanted) => {
                if open.len() >= MAX_DEPTH {
                    return Err(strange(format!("lists deeper than {MAX_DEPTH}")));
                }
                open.push(Open { wanted, items: Vec::new() });
                continue;
            }
        };
        // A reply may complete the list that it stands in, and that list the next.
        loop {
            let Some(list) = open.last_mut() else { return Ok(reply) };
            list.items.push(reply);
            if list.items.len() < list.wanted {
                break;
            }
            reply = Reply::List(open.pop().map(|list| list.items).unwrap_or_default());
        }
    }
}

enum Part {
    Whole(Reply),
    List(usize),
}

async fn receive_one(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Part> {
    let line = receive_line(stream).await?;
    let (kind, rest) = line.split_first().ok_or_else(|| strange("an empty line"))?;
    let text = || String::from_utf8_lossy(rest).into_owned();
    let number = || text().parse::<i64>().map_err(|_| strange(format!("no number: {}", text())));
    Ok(match kind {
        b'+' => Part::Whole(Reply::Text(rest.to_vec())),
        b'-' => Part::Whole(Reply::Error(text())),
        b':' => Part::Whole(Reply::Number(number()?)),
        b'$' | b'*' => match (kind, number()?) {
            (_, -1) => Part::Whole(Reply::Nil),
            (b'$', length) => Part::Whole(Reply::Text(receive_bulk(stream, bounded(length, MAX_BULK)?).await?)),
            (_, length) => Part::List(bounded(length, MAX_ITEMS)?),
        },
        other => return Err(strange(format!("a reply of kind {:?}", char::from(*other)))),
    })
}

fn bounded(length: i64, limit: usize) -> io::Result<usize> {
    let length = usize::try_from(length).ok().filter(|length| *length <= limit);
    length.ok_or_else(|| strange(format!("a length that is not from 0 to {limit}")))
}

async fn receive_line(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    stream.take(MAX_LINE).read_until(b'\n', &mut line).await?;
    if line.is_empty() {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection"));
    }
    if !line.ends_with(b"\r\n") {
        return Err(strange("a line without end"));
    }
    line.truncate(line.len() - 2);
    Ok(line)
}

async fn receive_bulk(stream: &mut (impl AsyncBufRead + Unpin), length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let with_end = length as u64 + 2;
    // Grows as bytes come, so that an announced length alone costs nothing.
    while (bytes.len() as u64) < with_end {
        let room = with_end - bytes.len() as u64;
        if (&mut *stream).take(room).read_buf(&mut bytes).await? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection"));
        }
    }
    bytes.truncate(length);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    async fn read(bytes: &[u8]) -> Result<Reply, String> {
        let mut stream = bytes;
        receive(&mut stream).await.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn replies_of_every_kind_are_read() {
        let text = |text: &str| Reply::Text(text.into());
        assert_eq!(read(b"+OK\r\n").await, Ok(text("OK")));
        assert_eq!(read(b"-ERR no\r\n").await, Ok(Reply::Error("ERR no".into())));
        assert_eq!(read(b"$-1\r\n").await, Ok(Reply::Nil));
        let nested = read(b"*3\r\n:7\r\n*2\r\n$3\r\na\r\n\r\n*0\r\n+x\r\n").await;
        let inner = Reply::List(vec![text("a\r\n"), Reply::List(vec![])]);
        assert_eq!(nested, Ok(Reply::List(vec![Reply::Number(7), inner, text("x")])));
    }

    #[tokio::test]
    async fn what_is_not_the_protocol_is_refused() {
        let cases: [(&[u8], &str); 6] = [
            (b"HTTP/1.1 400\r\n", "not the protocol of Redis: a reply of kind 'H'"),
            (b"$999999999\r\n", "not the protocol of Redis: a length that is not from 0 to 16777216"),
            (b"*-2\r\n", "not the protocol of Redis: a length that is not from 0 to 100000"),
            (b":x\r\n", "not the protocol of Redis: no number: x"),
            (b"$5\r\nab", "the server closed the connection"),
            (b"", "the server closed the connection"),
        ];
        for (bytes, wanted) in cases {
            assert_eq!(read(bytes).await, Err(wanted.to_owned()));
        }
        assert!(read(&b"*1\r\n".repeat(20)).await.unwrap_err().contains("deeper"));
    }

    fn render(reply: &Reply, out: &mut Vec<u8>) {
        match reply {
            Reply::Text(bytes) => {
                out.extend(format!("${}\r\n", bytes.len()).bytes());
                out.extend(bytes);
                out.extend(b"\r\n");
            }
            Reply::Number(number) => out.extend(format!(":{number}\r\n").bytes()),
            Reply::Nil => out.extend(b"$-1\r\n"),
            Reply::Error(text) => out.extend(format!("-{text}\r\n").bytes()),
            Reply::List(items) => {
                out.extend(format!("*{}\r\n", items.len()).bytes());
                items.iter().for_each(|item| render(item, out));
            }
        }
    }

    fn any_reply() -> impl Strategy<Value = Reply> {
        let leaf = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..20).prop_map(Reply::Text),
            any::<i64>().prop_map(Reply::Number),
            Just(Reply::Nil),
            "[A-Z]{1,5} [a-z ]{0,10}".prop_map(Reply::Error),
        ];
        leaf.prop_recursive(4, 20, 5, |inner| prop::collection::vec(inner, 0..5).prop_map(Reply::List))
    }

    proptest! {
        #[test]
        fn what_is_rendered_is_read_again(reply in any_reply()) {
            let mut bytes = Vec::new();
            render(&reply, &mut bytes);
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            prop_assert_eq!(runtime.block_on(read(&bytes)), Ok(reply));
        }
    }
}
