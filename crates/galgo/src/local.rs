//! The built-in agent's way into the engine: what DogStatsD and the host collector report goes through the same batch,
//! commit and catalogue calls as a request over HTTP, without HTTP.

use std::sync::Arc;

use async_trait::async_trait;
use galgo_agent::{Output, OutputError, Report};
use galgo_api::App;
use galgo_api::intake::sightings::Sightings;
use galgo_api::not_kept::EVENTS_IN_INTAKE;

/// Who is named as the sender of what is counted and not kept.
const SENDER: &str = concat!("galgo/", env!("CARGO_PKG_VERSION"));

/// Hands reports to the engine of this process.
#[derive(Debug)]
pub struct LocalOutput(pub Arc<App>);

#[async_trait]
impl Output for LocalOutput {
    async fn deliver(&self, report: Report) -> Result<(), OutputError> {
        let app = &self.0;
        let mut batch = app.engine.batch();
        let mut sink = Sightings::new(&mut batch);
        for (metric, rejection) in report.feed(&mut sink) {
            app.stats.dropped(1, 0);
            app.catalog.count_dropped("series refused", 1, &format!("{metric}: {rejection}"));
        }
        let (hosts, _) = sink.finish();
        app.engine.commit(batch).await.map_err(|error| OutputError(error.to_string()))?;
        let series = report.series.len() + report.sketches.len();
        app.stats.accepted(series as u64, report.points() as u64);
        hosts.iter().for_each(|host| app.catalog.host_seen(host));
        app.catalog.record_checks(&report.checks);
        if !report.events.is_empty() {
            let bytes: usize = report.events.iter().map(|event| event.title.len() + event.text.len()).sum();
            app.catalog.count_unkept(EVENTS_IN_INTAKE.path, bytes as u64, SENDER);
        }
        Ok(())
    }
}
