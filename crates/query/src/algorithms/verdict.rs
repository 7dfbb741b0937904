//! What a monitor asks of an answer: how much of its window was unusual, which groups are outliers, when a forecast
//! reaches a threshold. The query is evaluated as any other ([`crate::evaluate_text`]); these read its series.

use std::collections::HashMap;

use crate::request::{Answer, Role, Series};

/// Keys and values of a group, as [`Series::tags`] has them.
pub type Tags = [(String, Option<String>)];

/// How much of a window was unusual in one group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unusual<'a> {
    /// The group.
    pub tags: &'a Tags,
    /// Buckets that could be judged: those with a value and a band.
    pub judged: usize,
    /// Those of them that lie outside of the band, on the side that the query's `direction` counts.
    pub outside: usize,
}

impl Unusual<'_> {
    /// The part of the judged buckets that lies outside, 0 to 1: what the threshold of an anomaly monitor is about. `None`
    /// when none could be judged, for want of values or of history.
    pub fn share(&self) -> Option<f64> {
        (self.judged > 0).then(|| self.outside as f64 / self.judged as f64)
    }
}

/// How much of the buckets that start in `from <= time < to` (seconds) lies outside of the band, for each group of an
/// `anomalies` query: the alert window of a monitor, or its recovery window.
pub fn unusual(answer: &Answer, from: i64, to: i64) -> Vec<Unusual<'_>> {
    let bands = lines(answer, Role::Upper);
    let of = |series: &'_ Series| {
        let band = bands.get(&group_of(series)).map_or(&[][..], |band| &band.values);
        let starts = &series.axis.starts;
        let is_judged = |bucket: &usize| {
            (from..to).contains(&starts[*bucket])
                && !series.values[*bucket].is_nan()
                && band.get(*bucket).is_some_and(|edge| !edge.is_nan())
        };
        let judged = (0..starts.len()).filter(is_judged).count();
        (judged, series.outside.iter().filter(|bucket| is_judged(bucket)).count())
    };
    values(answer)
        .map(|series| {
            let (judged, outside) = of(series);
            Unusual { tags: &series.tags, judged, outside }
        })
        .collect()
}

/// Whether each group of an `outliers` query is one.
pub fn outlying(answer: &Answer) -> Vec<(&Tags, bool)> {
    let is_outlier = |series: &Series| match series.role {
        Role::Outlier => Some(true),
        Role::Usual => Some(false),
        Role::Value | Role::Lower | Role::Upper | Role::Forecast => None,
    };
    answer.series.iter().filter_map(|series| Some((&series.tags[..], is_outlier(series)?))).collect()
}

/// Which way a forecast is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Edge {
    /// The upper edge of its band, for thresholds that a value rises to.
    Upper,
    /// The lower edge, for thresholds that a value falls to.
    Lower,
}

/// Where the band of one group's forecast goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reached<'a> {
    /// The group.
    pub tags: &'a Tags,
    /// The largest value of the upper edge, the smallest of the lower one.
    pub furthest: f64,
    /// Start of the first bucket in which the edge is at the threshold or beyond, in seconds.
    pub first: Option<i64>,
}

/// When the edge of the band reaches a threshold, for each group of a `forecast` query that has one.
pub fn reached(answer: &Answer, edge: Edge, threshold: f64) -> Vec<Reached<'_>> {
    let (role, sign) = match edge {
        Edge::Upper => (Role::Upper, 1.0),
        Edge::Lower => (Role::Lower, -1.0),
    };
    let of = |series: &'_ Series| {
        let furthest = sign * series.points().map(|(_, value)| sign * value).fold(f64::NEG_INFINITY, f64::max);
        let first = series.points().find(|(_, value)| sign * value >= sign * threshold).map(|(start, _)| start);
        (furthest, first)
    };
    answer
        .series
        .iter()
        .filter(|series| series.role == role)
        .map(|series| {
            let (furthest, first) = of(series);
            Reached { tags: &series.tags, furthest, first }
        })
        .collect()
}

fn group_of(series: &Series) -> (usize, &Tags) {
    (series.query_index, &series.tags)
}

fn lines(answer: &Answer, role: Role) -> HashMap<(usize, &Tags), &Series> {
    answer.series.iter().filter(|series| series.role == role).map(|series| (group_of(series), series)).collect()
}

fn values(answer: &Answer) -> impl Iterator<Item = &Series> {
    answer.series.iter().filter(|series| series.role == Role::Value)
}
