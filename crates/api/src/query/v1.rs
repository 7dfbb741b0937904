//! `GET /api/v1/query` (reference: rest-api.md §2).

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use galgo_query::evaluate_text;
use galgo_query::request::{Series, TextRequest};
use galgo_query::variables::Variables;
use serde::ser::{Serialize, Serializer};

use crate::app::App;
use crate::auth::Reader;
use crate::error::ApiResult;
use crate::params::Params;
use crate::query::finding::Finding;
use crate::query::unit::{UnitPair, unit_of};
use crate::query::{answer, written};

/// The whole answer.
#[derive(serde::Serialize)]
struct Document<'a> {
    status: &'static str,
    resp_version: u8,
    series: Vec<SeriesDocument<'a>>,
    from_date: i64,
    to_date: i64,
    query: &'a str,
    res_type: &'static str,
    group_by: Vec<&'a str>,
    message: &'static str,
    times: [i64; 0],
    values: [f64; 0],
}

#[derive(serde::Serialize)]
struct SeriesDocument<'a> {
    metric: &'a str,
    display_name: &'a str,
    attributes: Empty,
    aggr: Option<&'a str>,
    scope: &'a str,
    tag_set: Vec<String>,
    expression: &'a str,
    unit: Option<UnitPair>,
    interval: i64,
    start: i64,
    end: i64,
    length: usize,
    query_index: usize,
    pointlist: Points<'a>,
    #[serde(flatten)]
    finding: Finding,
}

/// `{}`
#[derive(serde::Serialize)]
struct Empty {}

/// `[[ms, value], …]`, written without a list in between.
struct Points<'a>(&'a Series);

impl Serialize for Points<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.points().map(|(time, value)| (time * 1000, value)))
    }
}

/// `GET /api/v1/query?from=&to=&query=`, times in seconds.
pub async fn query(State(app): State<Arc<App>>, _: Reader, params: Params) -> ApiResult<Response> {
    let (from, to) = (params.required_integer("from")?, params.required_integer("to")?);
    let text = params.required_text("query")?.to_owned();
    answer(&app, move |app, source, budget| {
        let variables = Variables::default();
        let found = evaluate_text(source, &TextRequest::new(&text, from, to, &variables), budget)?;
        let mut group_by: Vec<&str> = Vec::new();
        for (key, _) in found.series.iter().flat_map(|series| &series.tags) {
            if !group_by.contains(&key.as_str()) {
                group_by.push(key);
            }
        }
        written(&Document {
            status: "ok",
            resp_version: 1,
            series: found.series.iter().map(|series| document(app, series)).collect(),
            from_date: from * 1000,
            to_date: to * 1000,
            query: &text,
            res_type: "time_series",
            group_by,
            message: "",
            times: [],
            values: [],
        })
    })
    .await
}

fn document<'a>(app: &App, series: &'a Series) -> SeriesDocument<'a> {
    let about = &series.about;
    let interval = series.interval();
    let first = series.points().next().map_or(0, |(time, _)| time);
    let last = series.points().last().map_or(0, |(time, _)| time);
    SeriesDocument {
        metric: &about.metric,
        display_name: &about.metric,
        attributes: Empty {},
        aggr: about.aggr.as_deref(),
        scope: &about.scope,
        tag_set: series.tag_set(),
        expression: &about.expression,
        unit: unit_of(app, about.unit.as_ref()),
        interval,
        start: first * 1000,
        end: (last + interval - 1) * 1000,
        length: series.points().count(),
        query_index: series.query_index,
        pointlist: Points(series),
        finding: Finding::of(series),
    }
}
