//! Every function of the language in one table: evaluator, error messages, completion and documentation read it. A new
//! function is a definition in the file of its family.

mod algorithms;
mod arithmetic;
mod count;
mod exclusion;
mod interpolation;
mod moving;
mod nested;
pub(crate) mod rank;
mod rate;
mod regression;
mod rollup;
mod smoothing;
mod suggest;
#[cfg(test)]
mod tests;
mod timeshift;

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::LazyLock;

use crate::ast::Call;
use crate::error::QueryError;
use crate::evaluate::{Bound, Evaluator};
use crate::frame::{Frame, Value};
use crate::window::Window;

pub(crate) use algorithms::own_interval;
pub(crate) use interpolation::fill_expression;
pub(crate) use nested::elementwise;
use suggest::nearest;

/// Families of functions, as Datadog groups them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// Values one by one, and running totals.
    Arithmetic,
    /// Values where there are none.
    Interpolation,
    /// Other times.
    Timeshift,
    /// Changes over time.
    Rate,
    /// Less noise.
    Smoothing,
    /// Other buckets, kinds of values.
    Rollup,
    /// The best groups.
    Rank,
    /// How many groups.
    Count,
    /// Lines through points.
    Regression,
    /// Models of what is usual.
    Algorithms,
    /// Values and groups left out.
    Exclusion,
    /// Further layers.
    Nested,
}

impl Family {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Arithmetic => "arithmetic",
            Self::Interpolation => "interpolation",
            Self::Timeshift => "timeshift",
            Self::Rate => "rate",
            Self::Smoothing => "smoothing",
            Self::Rollup => "rollup",
            Self::Rank => "rank",
            Self::Count => "count",
            Self::Regression => "regression",
            Self::Algorithms => "algorithms",
            Self::Exclusion => "exclusion",
            Self::Nested => "nested",
        }
    }

    /// Whether the family also works on logs, spans and events (reference: functions.md §13).
    pub fn in_events(self) -> bool {
        matches!(
            self,
            Self::Arithmetic
                | Self::Interpolation
                | Self::Timeshift
                | Self::Rate
                | Self::Smoothing
                | Self::Rollup
                | Self::Exclusion
        )
    }
}

/// How a function is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `f(query)`.
    Function,
    /// `query.f()`, and `f(query)` too.
    Modifier,
}

/// One argument of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArgDef {
    /// Its name, for `name=value` and messages.
    pub name: &'static str,
    /// What it takes.
    pub kind: ArgKind,
    /// Whether it may not be left out.
    pub required: bool,
}

/// What an argument takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgKind {
    /// An expression.
    Query,
    /// A number.
    Number,
    /// A word or a string.
    Text,
    /// One of some words.
    Choice(&'static [&'static str]),
    /// Tag keys in braces.
    Keys,
    /// Tag keys or another expression.
    QueryOrKeys,
    /// A number or a word.
    Any,
}

impl ArgKind {
    /// For messages.
    pub fn describe(self) -> String {
        match self {
            Self::Query => "a query".into(),
            Self::Number => "a number".into(),
            Self::Text => "a word".into(),
            Self::Choice(choices) => format!("one of {}", choices.join(", ")),
            Self::Keys => "tag keys such as {env}".into(),
            Self::QueryOrKeys => "a query or tag keys such as {env}".into(),
            Self::Any => "a number or a word".into(),
        }
    }
}

/// What a function does to the unit of its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitEffect {
    /// It stays.
    Keeps,
    /// It becomes the same per second.
    PerSecond,
    /// It is gone.
    Loses,
}

/// How far around a window a function looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Margin {
    /// Buckets before.
    pub back_buckets: i64,
    /// Seconds before.
    pub back_seconds: i64,
    /// Buckets after.
    pub ahead_buckets: i64,
}

impl Margin {
    /// No bucket but those of the window.
    pub const NONE: Self = Self { back_buckets: 0, back_seconds: 0, ahead_buckets: 0 };

    /// Whether nothing around the window matters.
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }
}

type MarginOf = Box<dyn Fn(&Bound<'_>) -> Margin + Send + Sync>;
type FrameChange = Box<dyn Fn(Frame, &Bound<'_>) -> Result<Frame, QueryError> + Send + Sync>;
type Run = fn(&mut Evaluator<'_>, &Bound<'_>, &Window) -> Result<Value, QueryError>;

/// What a function does.
pub(crate) enum Body {
    /// Changes the series of its first argument.
    Frame { margin: MarginOf, apply: FrameChange },
    /// Evaluates its arguments itself.
    Own(Run),
}

/// One function.
pub struct Definition {
    /// Its name.
    pub name: String,
    /// Other names of it.
    pub aliases: Vec<String>,
    /// Its family.
    pub family: Family,
    /// How it is written.
    pub form: Form,
    /// Its arguments.
    pub args: &'static [ArgDef],
    /// What it does, in a few words.
    pub summary: String,
    /// Whether monitors may use it.
    pub in_monitors: bool,
    /// Whether it looks at one bucket at a time.
    pub pointwise: bool,
    /// What becomes of units.
    pub unit: UnitEffect,
    pub(crate) body: Body,
}

impl std::fmt::Debug for Definition {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Definition")
            .field("name", &self.name)
            .field("family", &self.family)
            .finish_non_exhaustive()
    }
}

const fn query(name: &'static str) -> ArgDef {
    ArgDef { name, kind: ArgKind::Query, required: true }
}

const fn required(name: &'static str, kind: ArgKind) -> ArgDef {
    ArgDef { name, kind, required: true }
}

const fn optional(name: &'static str, kind: ArgKind) -> ArgDef {
    ArgDef { name, kind, required: false }
}

/// Arguments of a function that takes nothing but a query.
const QUERY: &[ArgDef] = &[query("query")];

impl Definition {
    fn new(
        name: impl Into<String>,
        family: Family,
        args: &'static [ArgDef],
        summary: impl Into<String>,
        body: Body,
    ) -> Self {
        Self {
            name: name.into(),
            aliases: Vec::new(),
            family,
            form: Form::Function,
            args,
            summary: summary.into(),
            in_monitors: true,
            pointwise: false,
            unit: UnitEffect::Keeps,
            body,
        }
    }

    fn alias(mut self, alias: impl Into<String>) -> Self {
        self.aliases.push(alias.into());
        self
    }

    fn modifier(self) -> Self {
        Self { form: Form::Modifier, ..self }
    }

    fn not_in_monitors(self) -> Self {
        Self { in_monitors: false, ..self }
    }

    fn pointwise(self) -> Self {
        Self { pointwise: true, ..self }
    }

    fn unit(self, unit: UnitEffect) -> Self {
        Self { unit, ..self }
    }

    /// How it is called, for messages and documentation.
    pub fn usage(&self) -> String {
        let mut args: Vec<String> = Vec::new();
        let skipped = usize::from(self.form == Form::Modifier);
        for arg in &self.args[skipped.min(self.args.len())..] {
            let name = match arg.kind {
                ArgKind::Keys => format!("{{{}}}", arg.name),
                _ => arg.name.to_owned(),
            };
            args.push(if arg.required { name } else { format!("[{name}]") });
        }
        let prefix = if self.form == Form::Modifier { "query." } else { "" };
        format!("{prefix}{}({})", self.name, args.join(", "))
    }
}

/// A body that changes the whole frame and looks at no bucket around the window.
fn frame(apply: impl Fn(Frame, &Bound<'_>) -> Result<Frame, QueryError> + Send + Sync + 'static) -> Body {
    Body::Frame { margin: Box::new(|_| Margin::NONE), apply: Box::new(apply) }
}

/// A body that changes each value by itself.
fn each_value(change: impl Fn(f64) -> f64 + Send + Sync + 'static) -> Body {
    frame(move |input, _| Ok(input.map(&change)))
}

/// A body that changes each series by itself and looks at some buckets around the window.
fn each_series(margin: Margin, change: impl Fn(&crate::frame::Axis, &mut [f64]) + Send + Sync + 'static) -> Body {
    Body::Frame {
        margin: Box::new(move |_| margin),
        apply: Box::new(move |input, _| {
            let mut output = input.map_rows(&change);
            output.missing = None;
            Ok(output)
        }),
    }
}

struct Table {
    definitions: Vec<Definition>,
    by_name: HashMap<String, usize>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let families: [fn() -> Vec<Definition>; 12] = [
        arithmetic::definitions,
        interpolation::definitions,
        timeshift::definitions,
        rate::definitions,
        smoothing::definitions,
        rollup::definitions,
        rank::definitions,
        count::definitions,
        regression::definitions,
        algorithms::definitions,
        exclusion::definitions,
        nested::definitions,
    ];
    let definitions: Vec<Definition> = families.into_iter().flat_map(|family| family()).collect();
    let mut by_name = HashMap::new();
    for (index, definition) in definitions.iter().enumerate() {
        for name in std::iter::once(&definition.name).chain(&definition.aliases) {
            let twice = by_name.insert(name.clone(), index).is_some();
            debug_assert!(!twice, "{name} is defined twice");
        }
    }
    Table { definitions, by_name }
});

/// Every function, family by family.
pub fn all() -> &'static [Definition] {
    &TABLE.definitions
}

/// The function with this name or alias.
pub fn find(name: &str) -> Option<&'static Definition> {
    TABLE.by_name.get(name).map(|&index| &TABLE.definitions[index])
}

/// The error for a function that does not exist.
pub(crate) fn unknown_function(call: &Call) -> QueryError {
    let mut message = format!("no function is named {}", call.name);
    if let Some(name) = nearest(&call.name, TABLE.by_name.keys()) {
        let _ = write!(message, ", did you mean {name}");
    }
    QueryError::at(call.span, message)
}

/// The error for a modifier that does not exist.
pub(crate) fn unknown_modifier(call: &Call) -> QueryError {
    if find(&call.name).is_some_and(|definition| definition.form == Form::Function) {
        return QueryError::at(call.span, format!("{0} is no modifier: write {0}(query) instead", call.name));
    }
    let mut message = format!("no modifier is named {}", call.name);
    let modifiers = TABLE.definitions.iter().filter(|definition| definition.form == Form::Modifier);
    if let Some(name) = nearest(&call.name, modifiers.map(|definition| &definition.name)) {
        let _ = write!(message, ", did you mean {name}");
    }
    QueryError::at(call.span, message)
}

/// The table of functions as Markdown, for docs/query-language.md.
pub fn markdown() -> String {
    let mut text = String::from("| Function | Family | What it does |\n|---|---|---|\n");
    // The short ranks differ in their numbers only: one row says it for all of them.
    let is_short_rank = |definition: &&Definition| definition.family == Family::Rank && definition.args == QUERY;
    text.push_str("| `topN(query)`, `topN_by(query)`, `bottomN(query)`, `bottomN_by(query)` | rank | ");
    text.push_str("the N (5, 10, 15, 20) groups that are largest or smallest by `mean`, `max`, `min`, `last`, `area`, `l2norm`. |\n");
    for definition in all().iter().filter(|definition| !is_short_rank(definition)) {
        let aliases = if definition.aliases.is_empty() {
            String::new()
        } else {
            format!(" (also `{}`)", definition.aliases.join("`, `"))
        };
        let monitors = if definition.in_monitors { "" } else { " Not in monitors." };
        let (usage, family, summary) = (definition.usage(), definition.family.as_str(), &definition.summary);
        let _ = writeln!(text, "| `{usage}`{aliases} | {family} | {summary}.{monitors} |");
    }
    text
}
