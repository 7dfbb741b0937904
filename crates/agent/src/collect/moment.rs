//! When a run takes place.

use std::time::Duration;

use galgo_core::Clock;

/// One moment on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Seconds since the UNIX epoch: the time of the points.
    pub wall: i64,
    /// Monotonic time: what rates divide by, so that a corrected clock does not bend them.
    pub monotonic: Duration,
}

impl Moment {
    /// This moment.
    pub fn now(clock: &dyn Clock) -> Self {
        Self { wall: clock.now_s(), monotonic: clock.monotonic() }
    }
}
