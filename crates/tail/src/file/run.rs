//! The loop around the rounds of a source of type `file`.

use std::time::Duration;

use galgo_agent::Stop;
use tokio::time::Instant;

use super::{FileTask, FileTimes, Round};
use crate::shared::SourceContext;
use crate::source::FileSource;

/// Time between two looks at files of which everything is read.
const IDLE: Duration = Duration::from_secs(1);
/// Pause after a fault in the reader itself, before it begins anew at its last places.
const AFTER_FAULT: Duration = Duration::from_secs(10);

/// Reads files until told to stop.
pub(crate) async fn run_file(context: SourceContext, file: FileSource, owner: u64, times: FileTimes, mut stop: Stop) {
    loop {
        let shared = &context.shared;
        let task = FileTask::new(
            &context.source,
            &file,
            owner,
            shared.open.clone(),
            shared.registry.clone(),
            context.reading.clone(),
            times.clone(),
            context.counters.clone(),
        );
        match read(&context, task, &mut stop).await {
            Ok(()) => return,
            Err(fault) => context.complain(format!("reading failed: {fault}")),
        }
        tokio::select! {
            biased;
            () = stop.raised() => return,
            () = tokio::time::sleep(AFTER_FAULT) => {}
        }
    }
}

async fn read(context: &SourceContext, mut task: FileTask, stop: &mut Stop) -> Result<(), tokio::task::JoinError> {
    let shared = &context.shared;
    loop {
        let began = Instant::now();
        let mut round = Round::new(began, shared.clock.now_ms());
        let Ok(permit) = shared.disk.acquire().await else { return Ok(()) };
        let more;
        (task, round, more) = tokio::task::spawn_blocking(move || {
            let more = task.round(&mut round);
            (task, round, more)
        })
        .await?;
        drop(permit);
        if !context.send(round.items, stop).await {
            // Lines that were not handed over are read again: their places have not moved.
            return Ok(());
        }
        let pause = if more { Duration::ZERO } else { IDLE };
        tokio::select! {
            biased;
            () = stop.raised() => break,
            () = tokio::time::sleep_until(began + pause) => {}
        }
    }
    let mut round = Round::new(Instant::now(), shared.clock.now_ms());
    task.flush(&mut round);
    context.send_last(round.items).await;
    Ok(())
}
