//! `POST /api/v2/query/timeseries` and `/scalar` (reference: rest-api.md §3). Times are in milliseconds; `to` is no
//! longer part of the window.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use galgo_query::reduce::Aggregator;
use galgo_query::request::{Context, Formula, FormulaRequest, Limit, NOT_AVAILABLE, NamedQuery};
use galgo_query::variables::Variables;
use galgo_query::{evaluate_scalar, evaluate_series};
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::auth::Reader;
use crate::body;
use crate::error::{ApiError, ApiResult};
use crate::query::finding::Finding;
use crate::query::unit::{UnitPair, unit_of};
use crate::query::{answer, written};

/// The data source of metric queries.
const METRICS: &str = "metrics";

/// Data sources of products of which nothing is stored here yet. A query over them finds nothing, as in an organisation
/// that does not use the product; `errors` of the answer says why.
const EMPTY_SOURCES: [&str; 25] = [
    "apm_dependency_stats",
    "apm_metrics",
    "apm_resource_stats",
    "audit",
    "ci_pipelines",
    "ci_tests",
    "cloud_cost",
    "container",
    "dora",
    "events",
    "incident_analytics",
    "llm_observability",
    "logs",
    "network",
    "on_call_events",
    "process",
    "product_analytics",
    "product_analytics_extended",
    "profiles",
    "rum",
    "security_signals",
    "slo",
    "spans",
    "synthetics_batches",
    "error_tracking",
];

/// A metric query that finds nothing: no metric name may begin with an underscore, so nobody can have sent it.
const NOTHING: &str = "avg:_nothing{*}";

#[derive(Debug, Deserialize)]
struct Request {
    data: RequestData,
}

#[derive(Debug, Deserialize)]
struct RequestData {
    #[serde(rename = "type")]
    kind: String,
    attributes: Attributes,
}

#[derive(Debug, Deserialize)]
struct Attributes {
    from: i64,
    to: i64,
    interval: Option<i64>,
    #[serde(default)]
    queries: Vec<Query>,
    #[serde(default)]
    formulas: Option<Vec<FormulaEntry>>,
}

#[derive(Debug, Deserialize)]
struct Query {
    data_source: String,
    name: Option<String>,
    #[serde(default, deserialize_with = "text_or_nothing")]
    query: Option<String>,
    aggregator: Option<String>,
}

/// Other data sources have objects there.
fn text_or_nothing<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(serde_json::Value::deserialize(deserializer)?.as_str().map(str::to_owned))
}

#[derive(Debug, Deserialize)]
struct FormulaEntry {
    formula: String,
    limit: Option<LimitEntry>,
}

#[derive(Debug, Deserialize)]
struct LimitEntry {
    count: Option<i64>,
    order: Option<String>,
}

/// A request in the evaluator's terms.
struct Asked {
    /// Why some queries find nothing.
    note: Option<String>,
    queries: Vec<NamedQuery>,
    formulas: Vec<Formula>,
    from: i64,
    to: i64,
    interval: Option<i64>,
}

impl Asked {
    fn of(app: &App, request: Request, kind: &str) -> ApiResult<Self> {
        if request.data.kind != kind {
            return Err(ApiError::bad(format!("API input validation failed: Invalid type. Expected \"{kind}\".")));
        }
        let Attributes { from, to, interval, queries, formulas } = request.data.attributes;
        if to < (app.clock.now_s() - app.config.retention_s) * 1000 {
            return Err(ApiError::bad("Queries ending outside the retention date are invalid"));
        }
        let ceiling = |milliseconds: i64| milliseconds.div_euclid(1000) + i64::from(milliseconds.rem_euclid(1000) > 0);
        let empty = queries.iter().find(|query| EMPTY_SOURCES.contains(&query.data_source.as_str()));
        Ok(Self {
            note: empty.map(|query| format!("nothing is stored for data_source {}", query.data_source)),
            queries: queries.into_iter().enumerate().map(named).collect::<ApiResult<_>>()?,
            formulas: formulas.unwrap_or_default().into_iter().map(formula).collect::<ApiResult<_>>()?,
            from: from.div_euclid(1000),
            to: ceiling(to),
            interval: interval.filter(|interval| *interval > 0).map(ceiling),
        })
    }

    fn request<'a>(&'a self, variables: &'a Variables) -> FormulaRequest<'a> {
        FormulaRequest {
            queries: &self.queries,
            formulas: &self.formulas,
            from: self.from,
            to: self.to,
            interval: self.interval,
            variables,
            context: Context::Graph,
        }
    }
}

fn named((index, query): (usize, Query)) -> ApiResult<NamedQuery> {
    let text = match query.data_source.as_str() {
        METRICS => query.query.ok_or_else(|| ApiError::bad(format!("query {} has no text in `query`", index + 1)))?,
        empty if EMPTY_SOURCES.contains(&empty) => NOTHING.to_owned(),
        other => return Err(ApiError::bad(format!("unknown data_source: {other}"))),
    };
    let aggregator = match query.aggregator.as_deref() {
        None => Aggregator::default(),
        Some(name) => Aggregator::parse(name).ok_or_else(|| ApiError::bad(format!("unknown aggregator: {name}")))?,
    };
    Ok(NamedQuery { name: query.name.unwrap_or_else(|| format!("query{}", index + 1)), text, aggregator })
}

fn formula(entry: FormulaEntry) -> ApiResult<Formula> {
    let limit = entry.limit.map(|limit| {
        let descending = match limit.order.as_deref() {
            None | Some("desc") => true,
            Some("asc") => false,
            Some(other) => return Err(ApiError::bad(format!("order of a limit must be asc or desc: {other}"))),
        };
        let count = limit.count.map_or(Ok(usize::MAX), usize::try_from);
        let count = count.map_err(|_| ApiError::bad("count of a limit must not be negative"))?;
        Ok(Limit { count, descending })
    });
    Ok(Formula { text: entry.formula, limit: limit.transpose()? })
}

#[derive(Serialize)]
struct Document<'a, T> {
    data: Data<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<&'a str>,
}

#[derive(Serialize)]
struct Data<T> {
    id: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    attributes: T,
}

#[derive(Serialize)]
struct Timeseries {
    series: Vec<SeriesEntry>,
    times: Vec<i64>,
    values: Vec<Vec<Option<f64>>>,
}

#[derive(Serialize)]
struct SeriesEntry {
    group_tags: Vec<String>,
    query_index: usize,
    unit: Option<UnitPair>,
    #[serde(flatten)]
    finding: Finding,
}

/// `POST /api/v2/query/timeseries`.
pub async fn timeseries(State(app): State<Arc<App>>, _: Reader, headers: HeaderMap, body: Body) -> ApiResult<Response> {
    let request: Request = body::json(&app, &headers, body).await?;
    let asked = Asked::of(&app, request, "timeseries_request")?;
    answer(&app, move |app, source, budget| {
        let found = evaluate_series(source, &asked.request(&Variables::default()), budget)?;
        let (times, values) = found.table();
        let entry = |series: &galgo_query::request::Series| SeriesEntry {
            group_tags: series.tag_set(),
            query_index: series.query_index,
            unit: unit_of(app, series.about.unit.as_ref()),
            finding: Finding::of(series),
        };
        let attributes = Timeseries {
            series: found.series.iter().map(entry).collect(),
            times: times.into_iter().map(|time| time * 1000).collect(),
            values,
        };
        written(&Document {
            data: Data { id: "0", kind: "timeseries_response", attributes },
            errors: asked.note.as_deref(),
        })
    })
    .await
}

#[derive(Serialize)]
struct Scalars {
    columns: Vec<Column>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Column {
    Group { name: String, values: Vec<[String; 1]> },
    Number { name: String, values: Vec<Option<f64>>, meta: Meta },
}

#[derive(Serialize)]
struct Meta {
    unit: Option<UnitPair>,
}

/// `POST /api/v2/query/scalar`.
pub async fn scalar(State(app): State<Arc<App>>, _: Reader, headers: HeaderMap, body: Body) -> ApiResult<Response> {
    let request: Request = body::json(&app, &headers, body).await?;
    let asked = Asked::of(&app, request, "scalar_request")?;
    answer(&app, move |app, source, budget| {
        let found = evaluate_scalar(source, &asked.request(&Variables::default()), budget)?;
        let group = |(at, key): (usize, &String)| Column::Group {
            name: key.clone(),
            values: found
                .rows
                .iter()
                .map(|row| [row.tags[at].clone().unwrap_or_else(|| NOT_AVAILABLE.to_owned())])
                .collect(),
        };
        let number = |(at, column): (usize, &galgo_query::request::ScalarColumn)| Column::Number {
            name: column.name.clone(),
            values: found.rows.iter().map(|row| row.values[at]).collect(),
            meta: Meta { unit: unit_of(app, column.unit.as_ref()) },
        };
        let groups = found.keys.iter().enumerate().map(group);
        let columns = groups.chain(found.columns.iter().enumerate().map(number)).collect();
        let data = Data { id: "0", kind: "scalar_response", attributes: Scalars { columns } };
        written(&Document { data, errors: asked.note.as_deref() })
    })
    .await
}
