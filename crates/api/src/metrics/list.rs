//! `GET /api/v2/metrics`: metrics with or without a tag configuration, filtered and paged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::{OriginalUri, State};
use galgo_catalog::TagConfiguration;
use galgo_core::MetricKind;
use galgo_metrics::MetricSummary;
use http::Uri;
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::Reader;
use crate::error::{ApiError, ApiResult};
use crate::metrics::configuration::document;
use crate::metrics::names;
use crate::params::Params;
use crate::query::scope_of;

/// How far back metrics count as active when the caller does not say.
const DEFAULT_WINDOW_S: usize = 3600;

/// Longest such window.
const MAX_WINDOW_S: usize = 2_592_000;

/// Longest window for `filter[queried]`.
const MAX_QUERIED_WINDOW_S: usize = 15_552_000;

/// Most metrics of an answer or a page.
const MAX_PAGE: usize = 10_000;

/// `GET /api/v2/metrics`.
pub async fn list(
    State(app): State<Arc<App>>,
    _: Reader,
    OriginalUri(uri): OriginalUri,
    params: Params,
) -> ApiResult<Json<Value>> {
    let filter = Filter::parse(&app, &params)?;
    let window = params.bounded("window[seconds]", DEFAULT_WINDOW_S, 1, MAX_WINDOW_S)?;
    let from = app.clock.now_s() - window as i64;
    let summaries = match params.text("filter[tags]") {
        None => names::since(&app, from).await?,
        Some(tags) => Arc::new(names::select(&app, from, None, scope_of(tags)?).await?),
    };
    let entries = filter.entries(&summaries, app.catalog.tag_configurations(), params.text("filter[tags]").is_some());
    page(entries, &params, &uri).map(Json)
}

/// One metric of the answer.
struct Entry {
    name: String,
    configuration: Option<TagConfiguration>,
}

impl Entry {
    fn document(&self) -> Value {
        match &self.configuration {
            Some(configuration) => document(configuration),
            None => json!({ "type": "metrics", "id": self.name }),
        }
    }
}

struct Filter {
    configured: Option<bool>,
    tags_configured: Option<String>,
    distribution: Option<bool>,
    include_percentiles: Option<bool>,
    queried: Option<(bool, BTreeSet<String>)>,
}

impl Filter {
    fn parse(app: &App, params: &Params) -> ApiResult<Self> {
        let distribution = match params.text("filter[metric_type]") {
            None => None,
            Some("distribution") => Some(true),
            Some("non_distribution") => Some(false),
            Some(other) => {
                return Err(ApiError::bad(format!(
                    "filter[metric_type] must be distribution or non_distribution: {other}"
                )));
            }
        };
        let window = params.bounded("filter[queried][window][seconds]", DEFAULT_WINDOW_S, 1, MAX_QUERIED_WINDOW_S)?;
        let since = app.clock.now_s() - window as i64;
        let queried = params.flag("filter[queried]")?.map(|wanted| (wanted, app.queried.since(since)));
        Ok(Self {
            configured: params.flag("filter[configured]")?,
            tags_configured: params.text("filter[tags_configured]").map(str::to_owned),
            distribution,
            include_percentiles: params.flag("filter[include_percentiles]")?,
            queried,
        })
    }

    /// Active metrics and configured ones (active or not, unless a tag filter asks for data), in order of names.
    fn entries(&self, active: &[MetricSummary], configured: Vec<TagConfiguration>, only_active: bool) -> Vec<Entry> {
        let mut entries: BTreeMap<String, (Option<MetricKind>, Option<TagConfiguration>)> =
            active.iter().map(|summary| (summary.name.clone(), (Some(summary.kind), None))).collect();
        for configuration in configured {
            match entries.get_mut(&configuration.metric) {
                Some(entry) => entry.1 = Some(configuration),
                None if only_active => {}
                None => {
                    entries.insert(configuration.metric.clone(), (None, Some(configuration)));
                }
            }
        }
        let matching = entries.into_iter().filter(|(name, (kind, configuration))| {
            let is_distribution = *kind == Some(MetricKind::Distribution)
                || configuration.as_ref().is_some_and(|known| known.metric_type == "distribution");
            self.matches(name, is_distribution, configuration.as_ref())
        });
        matching.map(|(name, (_, configuration))| Entry { name, configuration }).collect()
    }

    fn matches(&self, name: &str, is_distribution: bool, configuration: Option<&TagConfiguration>) -> bool {
        let percentiles = configuration.and_then(|known| known.include_percentiles).unwrap_or(false);
        let has_tag = |tag: &String| configuration.is_some_and(|known| known.tags.contains(tag));
        self.configured.is_none_or(|wanted| wanted == configuration.is_some())
            && self
                .tags_configured
                .as_ref()
                .is_none_or(|tags| tags.split(',').all(|tag| has_tag(&tag.trim().to_owned())))
            && self.distribution.is_none_or(|wanted| wanted == is_distribution)
            && self.include_percentiles.is_none_or(|wanted| wanted == percentiles)
            && self.queried.as_ref().is_none_or(|(wanted, names)| *wanted == names.contains(name))
    }
}

/// Cuts a page when one is asked for. A cursor is the hexadecimal name of the last metric of the page before.
fn page(entries: Vec<Entry>, params: &Params, uri: &Uri) -> ApiResult<Value> {
    let cursor = params.text("page[cursor]");
    let paged = cursor.is_some() || params.text("page[size]").is_some();
    let size = params.bounded("page[size]", MAX_PAGE, 1, MAX_PAGE)?;
    let after =
        cursor.map(|text| from_hex(text).ok_or_else(|| ApiError::bad(format!("page[cursor] is not ours: {text}"))));
    let after = after.transpose()?;
    let rest: Vec<Entry> =
        entries.into_iter().filter(|entry| after.as_ref().is_none_or(|after| entry.name > *after)).collect();
    let shown = &rest[..rest.len().min(size)];
    let data: Vec<Value> = shown.iter().map(Entry::document).collect();
    if !paged {
        return Ok(json!({ "data": data }));
    }
    let next = if rest.len() > size { shown.last().map(|entry| to_hex(&entry.name)) } else { None };
    let pagination = json!({ "type": "cursor_limit", "limit": size, "cursor": cursor, "next_cursor": next });
    let links = json!({
        "self": uri.to_string(),
        "first": link(uri, None),
        "next": next.as_deref().map(|next| link(uri, Some(next))),
        "prev": null,
        "last": null,
    });
    Ok(json!({ "data": data, "links": links, "meta": { "pagination": pagination } }))
}

fn link(uri: &Uri, cursor: Option<&str>) -> String {
    let others = uri.query().unwrap_or_default().split('&').filter(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        !pair.is_empty() && crate::credentials::decode(name) != "page[cursor]"
    });
    let cursor = cursor.map(|cursor| format!("page%5Bcursor%5D={cursor}"));
    let pairs: Vec<&str> = others.chain(cursor.as_deref()).collect();
    format!("{}?{}", uri.path(), pairs.join("&"))
}

/// A text as hexadecimal digits.
pub fn to_hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// The text of hexadecimal digits.
pub fn from_hex(hex: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect();
    String::from_utf8(bytes?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(names: &[&str]) -> Vec<Entry> {
        names.iter().map(|name| Entry { name: (*name).into(), configuration: None }).collect()
    }

    fn ids(answer: &Value) -> Vec<&str> {
        answer["data"].as_array().expect("a list").iter().filter_map(|entry| entry["id"].as_str()).collect()
    }

    #[test]
    fn cursors_lead_through_all_pages() {
        let uri: Uri = "/api/v2/metrics?page%5Bsize%5D=2".parse().expect("valid");
        let first = page(entries(&["a", "b", "c"]), &Params::parse("page[size]=2"), &uri).expect("valid");
        assert_eq!(ids(&first), ["a", "b"]);
        let next = first["meta"]["pagination"]["next_cursor"].as_str().expect("there is more");
        let query = format!("page[size]=2&page[cursor]={next}");
        let second = page(entries(&["a", "b", "c"]), &Params::parse(&query), &uri).expect("valid");
        assert_eq!(ids(&second), ["c"]);
        assert!(second["meta"]["pagination"]["next_cursor"].is_null());
        let whole = page(entries(&["a"]), &Params::default(), &uri).expect("valid");
        assert_eq!(whole, json!({ "data": [{ "type": "metrics", "id": "a" }] }));
        assert!(page(entries(&[]), &Params::parse("page[cursor]=zz"), &uri).is_err());
    }

    #[test]
    fn links_keep_the_other_parameters() {
        let uri: Uri = "/api/v2/metrics?a=1&page%5Bcursor%5D=00".parse().expect("valid");
        assert_eq!(link(&uri, Some("61")), "/api/v2/metrics?a=1&page%5Bcursor%5D=61");
        assert_eq!(link(&uri, None), "/api/v2/metrics?a=1");
    }
}
