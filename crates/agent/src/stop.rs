//! The signal that ends the agent's loops.

use tokio::sync::watch;

/// Raises the stop signal; dropping it raises it too.
#[derive(Debug)]
pub struct StopHandle(watch::Sender<bool>);

impl StopHandle {
    /// Tells every loop to end.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// What a loop watches.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Returns once the signal is raised.
    pub async fn raised(&mut self) {
        // An error means that the handle is gone, which stops as well.
        let _ = self.0.wait_for(|&stopped| stopped).await;
    }

    /// Whether the signal is raised.
    pub fn is_raised(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}

/// A new signal: the handle that raises it and what loops watch.
pub fn stop_signal() -> (StopHandle, Stop) {
    let (sender, receiver) = watch::channel(false);
    (StopHandle(sender), Stop(receiver))
}
