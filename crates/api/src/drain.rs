//! Request bodies that a handler did not want to read to their end.
//!
//! An early answer (403, 404, 413…) leaves the rest of the body on the wire. Closing the connection then resets it, and
//! the client may never see the answer: an agent would not learn that its payload is too large, and send it again. So what
//! is left is read and thrown away, within bounds, while the answer goes out; the connection stays usable.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};

/// Most bytes that are read only to be thrown away; a longer body ends its connection.
const MAX_DRAINED_BYTES: usize = 16 << 20;

/// Longest time for it.
const MAX_DRAIN_TIME: Duration = Duration::from_secs(10);

/// A body that is drained when it is dropped early.
#[derive(Debug)]
pub struct Drained {
    inner: Option<Incoming>,
}

impl Drained {
    /// Wraps a body. Not for one whose sender waits for `100 Continue`: asking for it after the answer would garble the
    /// connection, and not being asked is what such a sender waits for.
    pub fn new(body: Incoming) -> Self {
        Self { inner: Some(body) }
    }
}

impl Body for Drained {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.inner {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for Drained {
    fn drop(&mut self) {
        let Some(body) = self.inner.take().filter(|body| !body.is_end_stream()) else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let mut rest = Limited::new(body, MAX_DRAINED_BYTES);
            let reading = async { while let Some(Ok(_)) = rest.frame().await {} };
            // Whatever is left then ends the connection, which is what dropping the body does.
            let _ = tokio::time::timeout(MAX_DRAIN_TIME, reading).await;
        });
    }
}
