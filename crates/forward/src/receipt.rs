//! The way back from a queue to the caller who waits until a server has its log lines. A batch goes to several reliable
//! endpoints; the first that has all of it answers for all, and only when every one refused it the batch is refused.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// What became of a batch: taken, or the reason for which it was refused for good.
pub(crate) type Outcome = Result<(), String>;

/// Where one endpoint says what became of its copy of a batch. There is one for each piece of a copy that was split:
/// the copy is taken once all its pieces are.
#[derive(Debug)]
pub(crate) struct Receipt(Arc<Copy>);

#[derive(Debug)]
struct Copy {
    pieces: Mutex<Pieces>,
    batch: Arc<Batch>,
}

#[derive(Debug)]
struct Pieces {
    open: usize,
    refusal: Option<String>,
}

#[derive(Debug)]
struct Batch(Mutex<Waiting>);

#[derive(Debug)]
struct Waiting {
    caller: Option<oneshot::Sender<Outcome>>,
    endpoints: usize,
}

/// A receipt for each of `endpoints`, and where the outcome arrives. The outcome never arrives when all receipts are
/// dropped unsettled.
pub(crate) fn receipts(endpoints: usize) -> (Vec<Receipt>, oneshot::Receiver<Outcome>) {
    let (caller, outcome) = oneshot::channel();
    let batch = Arc::new(Batch(Mutex::new(Waiting { caller: Some(caller), endpoints })));
    let copy = || Copy { pieces: Mutex::new(Pieces { open: 1, refusal: None }), batch: Arc::clone(&batch) };
    ((0..endpoints).map(|_| Receipt(Arc::new(copy()))).collect(), outcome)
}

impl Receipt {
    /// Whether the caller still waits for any endpoint.
    pub(crate) fn is_awaited(&self) -> bool {
        self.0.batch.0.lock().caller.as_ref().is_some_and(|caller| !caller.is_closed())
    }

    /// A receipt for one piece more.
    pub(crate) fn split(&self) -> Self {
        self.0.pieces.lock().open += 1;
        Self(Arc::clone(&self.0))
    }

    /// This piece was taken, or refused.
    pub(crate) fn settle(self, outcome: Outcome) {
        let mut pieces = self.0.pieces.lock();
        pieces.open -= 1;
        if let Err(reason) = outcome {
            pieces.refusal = Some(reason);
        }
        if pieces.open == 0 {
            self.0.batch.endpoint_done(pieces.refusal.take().map_or(Ok(()), Err));
        }
    }
}

impl Batch {
    fn endpoint_done(&self, outcome: Outcome) {
        let mut waiting = self.0.lock();
        waiting.endpoints -= 1;
        if outcome.is_err() && waiting.endpoints > 0 {
            return;
        }
        if let Some(caller) = waiting.caller.take() {
            // A caller that went away no longer wants to know.
            let _ = caller.send(outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_endpoint_that_takes_a_batch_answers_for_all() {
        let (mut receipts, mut outcome) = receipts(2);
        receipts.remove(0).settle(Err("no".into()));
        assert!(outcome.try_recv().is_err());
        let last = receipts.remove(0);
        assert!(last.is_awaited());
        last.settle(Ok(()));
        assert_eq!(outcome.try_recv(), Ok(Ok(())));
    }

    #[test]
    fn a_batch_that_all_refuse_is_refused() {
        let (receipts, mut outcome) = receipts(2);
        for receipt in receipts {
            receipt.settle(Err("no".into()));
        }
        assert_eq!(outcome.try_recv(), Ok(Err("no".into())));
    }

    #[test]
    fn a_split_batch_is_taken_when_all_its_pieces_are() {
        let (mut receipts, mut outcome) = receipts(1);
        let first = receipts.remove(0);
        let second = first.split();
        first.settle(Ok(()));
        assert!(outcome.try_recv().is_err() && second.is_awaited());
        second.settle(Ok(()));
        assert_eq!(outcome.try_recv(), Ok(Ok(())));
    }

    #[test]
    fn nobody_waits_once_the_caller_is_gone() {
        let (receipts, outcome) = receipts(1);
        drop(outcome);
        assert!(!receipts[0].is_awaited());
    }
}
