//! How a host gets its agent from this server: the very binary that serves, and a script that installs it. No other
//! download site is needed, and agent and server are always of one version.

use std::io;

use axum::body::{Body, Bytes};
use axum::extract::Query;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use serde::Deserialize;
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use crate::auth::Sender;
use crate::error::{ApiError, ApiResult};

/// The script, as it also lies in the repository.
const INSTALL: &str = include_str!("../../../../packaging/agent/install.sh");

/// Bytes of the binary that are read at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// Which binary is wanted.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    /// Architecture as `uname -m` names it; empty for that of the server.
    #[serde(default)]
    arch: String,
}

/// `GET /api/galgo/v1/agent/install.sh`: the script, with this server's address in it.
pub async fn install(_: Sender, headers: HeaderMap) -> Response {
    let script = match own_url(&headers) {
        Some(url) => INSTALL.replacen("url=${GALGO_URL:-}", &format!("url=${{GALGO_URL:-{url}}}"), 1),
        None => INSTALL.to_owned(),
    };
    ([(header::CONTENT_TYPE, "text/x-shellscript; charset=utf-8")], script).into_response()
}

/// `GET /api/galgo/v1/agent/binary`: the executable of this server.
pub async fn binary(_: Sender, Query(wanted): Query<Wanted>) -> ApiResult<Response> {
    let own = std::env::consts::ARCH;
    if !wanted.arch.is_empty() && wanted.arch != own {
        let reason = format!("this server has the agent for {own} only, not for {}", wanted.arch);
        return Err(ApiError::not_found(reason));
    }
    let opened = async {
        let file = File::open(std::env::current_exe()?).await?;
        let length = file.metadata().await?.len();
        Ok::<_, io::Error>((file, length))
    };
    let (file, length) = opened.await.map_err(|error| {
        let text = format!("the server's own executable is not readable: {error}");
        ApiError::Unavailable { text, retry_after_s: 60 }
    })?;
    let headers =
        [(header::CONTENT_TYPE, "application/octet-stream".to_owned()), (header::CONTENT_LENGTH, length.to_string())];
    Ok((headers, body(file)).into_response())
}

fn body(file: File) -> Body {
    Body::from_stream(futures_util::stream::unfold(Some(file), |file| async move {
        let mut file = file?;
        let mut chunk = vec![0; CHUNK_BYTES];
        match file.read(&mut chunk).await {
            Ok(0) => None,
            Ok(read) => {
                chunk.truncate(read);
                Some((Ok(Bytes::from(chunk)), Some(file)))
            }
            Err(error) => Some((Err(error), None)),
        }
    }))
}

/// The address under which the caller reached this server. It goes into a shell script, so nothing but the characters
/// of a host and port is let through.
fn own_url(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text("host")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    let scheme = if text("x-forwarded-proto") == Some("https") { "https" } else { "http" };
    (!host.is_empty() && host.chars().all(plain)).then(|| format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_address_is_taken_from_the_request_and_nothing_else_gets_in() {
        let url = |host: &str| own_url(&HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]));
        assert_eq!(url("galgo.example:8080").as_deref(), Some("http://galgo.example:8080"));
        assert_eq!(url("[::1]:8080").as_deref(), Some("http://[::1]:8080"));
        assert_eq!(url("a$(reboot)"), None);
        assert_eq!(url("a}b"), None);
    }

    #[test]
    fn the_script_has_a_place_for_the_address() {
        assert_eq!(INSTALL.matches("url=${GALGO_URL:-}").count(), 1);
    }
}
