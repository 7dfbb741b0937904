//! In which unit the values of an answer are.

use galgo_core::units::{Unit, lookup};
use galgo_query::request::UnitSource;

use crate::app::App;

/// A unit and per which other, as Datadog's answers carry them.
pub type UnitPair = [Option<&'static Unit>; 2];

/// The unit of values of a metric: what users set or what is known of the metric, else what its sender named.
pub fn unit_of(app: &App, source: Option<&UnitSource>) -> Option<UnitPair> {
    let source = source?;
    let metadata = app.catalog.metric_metadata(&source.metric);
    let unit = lookup(&metadata.unit).or_else(|| lookup(&app.engine.sent_unit(&source.metric)?))?;
    let per_unit = if source.per_second { lookup("second") } else { lookup(&metadata.per_unit) };
    Some([Some(unit), per_unit])
}
