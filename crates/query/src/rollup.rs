//! The arguments of `.rollup()` and `.fill()`, wherever they stand.

use jiff::tz::TimeZone;

use crate::ast::{Arg, ArgValue, Call, Expr, ExprKind, Operator};
use crate::calendar::{self, Calendar, Unit};
use crate::error::QueryError;
use crate::reduce::Statistic;
use crate::source::{Fill, TimeAgg};
use crate::window::MAX_TIME;

/// Longest reach of `.fill()` in seconds. The reference has 600 s, yet larger ones are in use.
pub const MAX_FILL_LIMIT: i64 = 86_400;
/// Reach of `.fill()` without a limit, in seconds.
pub const DEFAULT_FILL_LIMIT: i64 = crate::kernel::DEFAULT_FILL_LIMIT;

/// What `.rollup()` asks for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rollup {
    /// How values are combined, if said.
    pub statistic: Option<Statistic>,
    /// Into which buckets, if said.
    pub every: Option<Every>,
}

/// Buckets of a rollup.
#[derive(Debug, Clone, PartialEq)]
pub enum Every {
    /// So many seconds, aligned to UNIX time.
    Seconds(i64),
    /// Calendar units.
    Calendar(Calendar),
}

impl Every {
    /// Usual length in seconds.
    pub fn seconds(&self) -> i64 {
        match self {
            Self::Seconds(seconds) => *seconds,
            Self::Calendar(calendar) => calendar.unit.seconds(),
        }
    }
}

impl Rollup {
    /// Reads the arguments: `(agg)`, `(seconds)`, `(agg, seconds)`, `(agg, unit[, start][, zone])`.
    pub fn of(call: &Call) -> Result<Self, QueryError> {
        Self::of_args(&call.args, call)
    }

    /// The same for arguments that follow others.
    pub fn of_args(args: &[Arg], call: &Call) -> Result<Self, QueryError> {
        let mut rollup = Self::default();
        let mut rest = args;
        if let Some((first, after)) = rest.split_first()
            && let Some(statistic) = word(first).and_then(Statistic::parse)
        {
            rollup.statistic = Some(statistic);
            rest = after;
        }
        let Some((first, after)) = rest.split_first() else {
            if args.is_empty() {
                return Err(QueryError::at(call.span, "rollup needs an aggregator or a number of seconds"));
            }
            return Ok(rollup);
        };
        if let Some(seconds) = number(first) {
            if !(1.0..MAX_TIME as f64).contains(&seconds) {
                return Err(QueryError::at(
                    first.span,
                    format!("rollup interval must be at least 1 second: {seconds}"),
                ));
            }
            rollup.every = Some(Every::Seconds(seconds as i64));
            return match after.first() {
                Some(extra) => Err(QueryError::at(extra.span, "nothing may follow the seconds of a rollup")),
                None => Ok(rollup),
            };
        }
        let Some(unit) = word(first).and_then(Unit::parse) else {
            let known = "avg, sum, min, max, count, last, seconds, or daily, weekly, monthly, yearly";
            return Err(QueryError::at(first.span, format!("no rollup: {} ({known})", shown(first))));
        };
        rollup.every = Some(Every::Calendar(calendar_of(unit, after)?));
        Ok(rollup)
    }

    /// The aggregator of a first time layer, `Err` with its name when only later layers can compute it.
    pub fn time(&self) -> Result<Option<TimeAgg>, ()> {
        Ok(Some(match self.statistic {
            None => return Ok(None),
            Some(Statistic::Avg) => TimeAgg::Avg,
            Some(Statistic::Sum) => TimeAgg::Sum,
            Some(Statistic::Min) => TimeAgg::Min,
            Some(Statistic::Max) => TimeAgg::Max,
            Some(Statistic::Count) => TimeAgg::Count,
            Some(Statistic::Last) => TimeAgg::Last,
            Some(Statistic::Median | Statistic::Stddev | Statistic::Percentile(_)) => return Err(()),
        }))
    }
}

fn calendar_of(mut unit: Unit, args: &[Arg]) -> Result<Calendar, QueryError> {
    let mut zone = TimeZone::UTC;
    for (index, arg) in args.iter().enumerate() {
        let text = number(arg).map(|value| value.to_string()).or_else(|| word(arg).map(str::to_owned));
        let text = text.ok_or_else(|| QueryError::at(arg.span, "expected a start or a time zone"))?;
        match unit.starting(&text) {
            Some(started) if index == 0 => unit = started,
            _ => zone = calendar::zone(&text).map_err(|message| QueryError::at(arg.span, message))?,
        }
        if index > 1 {
            return Err(QueryError::at(arg.span, "a calendar rollup takes a start and a time zone, no more"));
        }
    }
    Ok(Calendar { unit, zone })
}

/// Reads `.fill(method[, limit])`.
pub fn fill_of(args: &[Arg], call: &Call) -> Result<Fill, QueryError> {
    let Some((method, rest)) = args.split_first() else {
        return Err(QueryError::at(call.span, "fill needs a method: linear, last, zero or null"));
    };
    let limit = match rest {
        [] => DEFAULT_FILL_LIMIT,
        [limit] => match number(limit) {
            Some(seconds) if (0.0..=MAX_FILL_LIMIT as f64).contains(&seconds) => seconds as i64,
            _ => {
                let message = format!("fill limit must be 0 to {MAX_FILL_LIMIT} seconds: {}", shown(limit));
                return Err(QueryError::at(limit.span, message));
            }
        },
        [_, extra, ..] => return Err(QueryError::at(extra.span, "fill takes a method and a limit, no more")),
    };
    Ok(match word(method) {
        Some("linear") => Fill::Linear { limit },
        Some("last") => Fill::Last { limit },
        Some("zero") => Fill::Zero { limit },
        Some("null") => Fill::Null,
        _ => {
            let message = format!("no fill method: {} (linear, last, zero, null)", shown(method));
            return Err(QueryError::at(method.span, message));
        }
    })
}

/// A word, in quotes or not.
pub fn word(arg: &Arg) -> Option<&str> {
    match &arg.value {
        ArgValue::Text(text) | ArgValue::Word(text) => Some(text),
        ArgValue::Expr(Expr { kind: ExprKind::Name(name), .. }) => Some(name),
        ArgValue::Expr(_) | ArgValue::Keys(_) => None,
    }
}

/// A number, also computed from numbers or in quotes.
pub fn number(arg: &Arg) -> Option<f64> {
    match &arg.value {
        ArgValue::Expr(expr) => constant(expr),
        ArgValue::Text(text) => text.trim().parse().ok().filter(|value: &f64| value.is_finite()),
        ArgValue::Word(_) | ArgValue::Keys(_) => None,
    }
}

fn constant(expr: &Expr) -> Option<f64> {
    match &expr.kind {
        ExprKind::Number(value) => Some(*value),
        ExprKind::Negate(inner) => constant(inner).map(|value| -value),
        ExprKind::Binary { operator, left, right } => {
            let (left, right) = (constant(left)?, constant(right)?);
            let value = match operator {
                Operator::Add => left + right,
                Operator::Subtract => left - right,
                Operator::Multiply => left * right,
                Operator::Divide => left / right,
            };
            value.is_finite().then_some(value)
        }
        ExprKind::Query(_) | ExprKind::Name(_) | ExprKind::Call(_) | ExprKind::Modified { .. } => None,
    }
}

/// An argument for a message.
pub fn shown(arg: &Arg) -> String {
    match &arg.value {
        ArgValue::Text(text) | ArgValue::Word(text) => text.clone(),
        ArgValue::Expr(expr) => crate::print::print(expr),
        ArgValue::Keys(keys) => format!("{{{}}}", keys.join(",")),
    }
}
