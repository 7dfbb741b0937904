//! The text formats in which programs expose their metrics: Prometheus 0.0.4 and OpenMetrics 1.0.
//!
//! [`Parser`] takes one line at a time and hands out a [`Family`] as soon as it is complete, so that a body of any
//! length costs the memory of its longest family. It is as lax as Prometheus' own clients are: unknown comments are
//! skipped, types may be missing, families may come in pieces. A sample line that cannot be read is an error with its
//! number, for half a truth would look like a counter that stands still.

mod sample;

#[cfg(test)]
mod tests;

use std::mem;

pub use sample::{Exemplar, SampleError};

/// Most samples of one family; what has more is not metrics.
pub const MAX_FAMILY_SAMPLES: usize = 100_000;

/// Which of the two formats a text is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text format 0.0.4.
    Prometheus,
    /// OpenMetrics 1.0, which ends in `# EOF`.
    OpenMetrics,
}

impl Format {
    /// The format that a `Content-Type` names; Prometheus text unless it says OpenMetrics.
    pub fn of_content_type(content_type: &str) -> Self {
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case("application/openmetrics-text") {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }
}

/// Type of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// No type was given, or one that is unknown here.
    Unknown,
    /// Grows from zero.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Cumulative buckets, their sum and count.
    Histogram,
    /// Quantiles, their sum and count.
    Summary,
    /// Buckets of current values.
    GaugeHistogram,
    /// Facts as labels.
    Info,
    /// One sample for each state.
    StateSet,
}

impl Kind {
    fn parse(word: &str) -> Self {
        match word {
            "counter" => Self::Counter,
            "gauge" => Self::Gauge,
            "histogram" => Self::Histogram,
            "summary" => Self::Summary,
            "gaugehistogram" => Self::GaugeHistogram,
            "info" => Self::Info,
            "stateset" => Self::StateSet,
            _ => Self::Unknown,
        }
    }

    /// The suffixes of a family's samples and what they are.
    fn suffixes(self) -> &'static [(&'static str, Role)] {
        match self {
            Self::Counter => &[("_total", Role::Total), ("_created", Role::Created)],
            Self::Histogram => {
                &[("_bucket", Role::Bucket), ("_count", Role::Count), ("_sum", Role::Sum), ("_created", Role::Created)]
            }
            Self::Summary => &[("_count", Role::Count), ("_sum", Role::Sum), ("_created", Role::Created)],
            Self::GaugeHistogram => {
                &[("_bucket", Role::Bucket), ("_gcount", Role::GaugeCount), ("_gsum", Role::GaugeSum)]
            }
            Self::Info => &[("_info", Role::Info)],
            Self::Unknown | Self::Gauge | Self::StateSet => &[],
        }
    }
}

/// What a sample is within its family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The value itself: a gauge, a quantile, a state, a sample without type.
    Plain,
    /// Value of a counter.
    Total,
    /// Number of observations.
    Count,
    /// Sum of observations.
    Sum,
    /// One cumulative bucket.
    Bucket,
    /// When the counter began, seconds since the UNIX epoch.
    Created,
    /// Number of current values.
    GaugeCount,
    /// Sum of current values.
    GaugeSum,
    /// Facts.
    Info,
}

/// One sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// What it is within its family.
    pub role: Role,
    /// Labels in the order given.
    pub labels: Vec<(String, String)>,
    /// Value, may be infinite or not a number.
    pub value: f64,
    /// Seconds since the UNIX epoch, if given.
    pub timestamp: Option<f64>,
    /// Exemplar, if given.
    pub exemplar: Option<Exemplar>,
}

impl Sample {
    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Samples of one name.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// Name without the suffix of its samples; a counter's has no `_total`.
    pub name: String,
    /// Whether a counter's name ended in `_total` where its type was given.
    pub total_in_name: bool,
    /// Type.
    pub kind: Kind,
    /// Unit, empty when not given.
    pub unit: String,
    /// Description, empty when not given.
    pub help: String,
    /// Samples in the order given.
    pub samples: Vec<Sample>,
}

impl Family {
    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            total_in_name: false,
            kind: Kind::Unknown,
            unit: String::new(),
            help: String::new(),
            samples: Vec::new(),
        }
    }

    fn set_kind(&mut self, kind: Kind) {
        self.kind = kind;
        if kind == Kind::Counter && self.name.ends_with("_total") {
            self.name.truncate(self.name.len() - "_total".len());
            self.total_in_name = true;
        }
    }

    /// Whether a comment about `name` is about this family.
    fn is_named(&self, name: &str) -> bool {
        if self.total_in_name { name.strip_suffix("_total") == Some(&self.name) } else { self.name == name }
    }

    /// What a sample of that name is here, if it belongs to this family.
    fn role_of(&self, sample_name: &str) -> Option<Role> {
        let suffix = sample_name.strip_prefix(&self.name)?;
        if suffix.is_empty() {
            return match self.kind {
                Kind::Histogram | Kind::GaugeHistogram | Kind::Info => None,
                Kind::Counter => (!self.total_in_name).then_some(Role::Total),
                _ => Some(Role::Plain),
            };
        }
        self.kind.suffixes().iter().find(|(known, _)| *known == suffix).map(|(_, role)| *role)
    }

    fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }
}

/// Why a text is no exposition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// A line that is neither a sample nor a comment.
    #[error("line {line}: {error}: {excerpt}")]
    Sample {
        /// Number from 1.
        line: usize,
        /// What is wrong.
        error: SampleError,
        /// The beginning of the line.
        excerpt: String,
    },
    /// An OpenMetrics text without its end.
    #[error("no # EOF after {lines} lines: the text was cut off")]
    CutOff {
        /// Lines that came.
        lines: usize,
    },
    /// Something after the end of an OpenMetrics text.
    #[error("line {line}: text after # EOF")]
    AfterEnd {
        /// Number from 1.
        line: usize,
    },
    /// A family that is no reasonable one.
    #[error("more than {MAX_FAMILY_SAMPLES} samples of {family}")]
    TooManySamples {
        /// Its name.
        family: String,
    },
}

/// Reads an exposition line by line.
#[derive(Debug)]
pub struct Parser {
    format: Format,
    current: Option<Family>,
    line: usize,
    ended: bool,
}

/// Letters of a bad line that an error repeats.
const EXCERPT: usize = 80;

impl Parser {
    /// A parser at the beginning of a text.
    pub fn new(format: Format) -> Self {
        Self { format, current: None, line: 0, ended: false }
    }

    /// Takes the next line, without its end; returns the family that it completes, if any.
    pub fn line(&mut self, line: &str) -> Result<Option<Family>, ParseError> {
        self.line += 1;
        let text = line.trim_matches([' ', '\t', '\r']);
        if self.ended {
            return if text.is_empty() { Ok(None) } else { Err(ParseError::AfterEnd { line: self.line }) };
        }
        match text.strip_prefix('#') {
            Some(comment) => Ok(self.comment(comment)),
            None if text.is_empty() => Ok(None),
            None => self.sample(text),
        }
    }

    /// Takes the end of the text; returns the last family, if any.
    pub fn finish(mut self) -> Result<Option<Family>, ParseError> {
        if self.format == Format::OpenMetrics && !self.ended {
            return Err(ParseError::CutOff { lines: self.line });
        }
        Ok(self.complete())
    }

    fn complete(&mut self) -> Option<Family> {
        self.current.take().filter(|family| !family.is_empty())
    }

    fn comment(&mut self, comment: &str) -> Option<Family> {
        let comment = comment.trim_start();
        if self.format == Format::OpenMetrics && comment == "EOF" {
            self.ended = true;
            return self.complete();
        }
        let (word, rest) = split_word(comment);
        if !matches!(word, "HELP" | "TYPE" | "UNIT") {
            return None;
        }
        let (name, rest) = sample::leading_name(rest)?;
        // A type that comes after samples of the same name begins a family of its own.
        let goes_on = self.current.as_ref().is_some_and(|family| family.is_named(&name) && family.is_empty());
        let done = if goes_on { None } else { self.complete() };
        let family = match &mut self.current {
            Some(family) if goes_on => family,
            current => current.insert(Family::named(&name)),
        };
        match word {
            "TYPE" => family.set_kind(Kind::parse(split_word(rest).0)),
            "UNIT" => family.unit = split_word(rest).0.to_owned(),
            _ => family.help = sample::unescape(rest),
        }
        done
    }

    fn sample(&mut self, text: &str) -> Result<Option<Family>, ParseError> {
        let fail = |error| ParseError::Sample { line: self.line, error, excerpt: text.chars().take(EXCERPT).collect() };
        let parsed = sample::parse(text, self.format).map_err(fail)?;
        let known = self.current.as_ref().and_then(|family| family.role_of(&parsed.name));
        let (role, done) = match known {
            Some(role) => (role, None),
            None => (Role::Plain, self.complete()),
        };
        let family = match &mut self.current {
            Some(family) if known.is_some() => family,
            current => current.insert(Family::named(&parsed.name)),
        };
        if family.samples.len() >= MAX_FAMILY_SAMPLES {
            return Err(ParseError::TooManySamples { family: mem::take(&mut family.name) });
        }
        let sample::Parsed { labels, value, timestamp, exemplar, .. } = parsed;
        family.samples.push(Sample { role, labels, value, timestamp, exemplar });
        Ok(done)
    }
}

/// The first word and what follows it.
fn split_word(text: &str) -> (&str, &str) {
    match text.split_once([' ', '\t']) {
        Some((word, rest)) => (word, rest.trim_start_matches([' ', '\t'])),
        None => (text, ""),
    }
}
