//! Protocols that begin in the clear and switch to TLS: what is said before the handshake (`start_tls`).

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Largest greeting of a MySQL server, in bytes.
const MAX_GREETING: usize = 64 * 1024;

/// Flag in a MySQL server's greeting: it can speak TLS.
const MYSQL_CAN_TLS: u16 = 1 << 11;

/// Why a server did not switch.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The connection broke.
    #[error("start_tls: {0}")]
    Broken(#[from] io::Error),
    /// It says no.
    #[error("start_tls: the server does not offer TLS")]
    Refused,
    /// It says something else.
    #[error("start_tls: the server does not speak that protocol")]
    Strange,
    /// It says nothing.
    #[error("start_tls: no answer within {0:?}")]
    TimedOut(Duration),
}

/// A protocol that switches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartTls {
    /// PostgreSQL's `SSLRequest`.
    Postgres,
    /// MySQL's `SSLRequest` after its greeting.
    MySql,
}

impl StartTls {
    /// The protocol of that name.
    pub fn named(name: &str) -> Option<Self> {
        match name.to_lowercase().as_str() {
            "postgres" => Some(Self::Postgres),
            "mysql" => Some(Self::MySql),
            _ => None,
        }
    }

    /// Says what makes the server expect a handshake next.
    pub async fn switch(self, stream: &mut TcpStream, limit: Duration) -> Result<(), StartError> {
        let talk = async {
            match self {
                Self::Postgres => postgres(stream).await,
                Self::MySql => mysql(stream).await,
            }
        };
        timeout(limit, talk).await.unwrap_or(Err(StartError::TimedOut(limit)))
    }
}

async fn postgres(stream: &mut TcpStream) -> Result<(), StartError> {
    // Length 8, then the code 1234.5679.
    stream.write_all(&[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]).await?;
    match stream.read_u8().await? {
        b'S' => Ok(()),
        b'N' | b'E' => Err(StartError::Refused),
        _ => Err(StartError::Strange),
    }
}

async fn mysql(stream: &mut TcpStream) -> Result<(), StartError> {
    let mut header = [0; 4];
    stream.read_exact(&mut header).await?;
    let length = usize::from(header[0]) | usize::from(header[1]) << 8 | usize::from(header[2]) << 16;
    if length == 0 || length > MAX_GREETING {
        return Err(StartError::Strange);
    }
    let mut greeting = vec![0; length];
    stream.read_exact(&mut greeting).await?;
    // Protocol 10, version text, connection id (4), salt (8), filler (1), then the lower capabilities.
    let version_end = greeting.iter().position(|&byte| byte == 0).ok_or(StartError::Strange)?;
    let flags = greeting.get(version_end + 14..version_end + 16).ok_or(StartError::Strange)?;
    if greeting[0] != 10 {
        return Err(StartError::Strange);
    }
    if u16::from_le_bytes([flags[0], flags[1]]) & MYSQL_CAN_TLS == 0 {
        return Err(StartError::Refused);
    }
    // SSLRequest: capabilities (protocol 4.1, TLS, secure connection), largest packet, character set, 23 zeros.
    let mut request = vec![32, 0, 0, 1];
    request.extend_from_slice(&(1_u32 << 9 | u32::from(MYSQL_CAN_TLS) | 1 << 15).to_le_bytes());
    request.extend_from_slice(&0x00ff_ffff_u32.to_le_bytes());
    request.push(45);
    request.extend_from_slice(&[0; 23]);
    stream.write_all(&request).await?;
    Ok(())
}
