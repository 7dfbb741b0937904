//! Calls: arguments are bound to a function's definition, then its body runs.

use crate::ast::{Arg, ArgValue, Call, Expr, Span};
use crate::error::QueryError;
use crate::frame::Value;
use crate::functions::{self, ArgKind, Body, Definition};
use crate::request::Context;
use crate::rollup::{number, shown, word};
use crate::window::Window;

use super::Evaluator;

/// The arguments of a call, one place for each that the definition has.
#[derive(Debug)]
pub(crate) struct Bound<'c> {
    pub(crate) call: &'c Call,
    values: Vec<Option<(BoundArg<'c>, Span)>>,
}

/// One argument, read as its definition wants it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum BoundArg<'c> {
    Query(&'c Expr),
    Number(f64),
    Text(&'c str),
    Keys(&'c [String]),
}

impl<'c> Bound<'c> {
    /// The query at a place that the definition requires.
    pub(crate) fn query(&self, at: usize) -> Result<&'c Expr, QueryError> {
        match self.arg(at) {
            Some(BoundArg::Query(expr)) => Ok(expr),
            _ => Err(QueryError::at(self.call.span, format!("{} needs a query", self.call.name))),
        }
    }

    pub(crate) fn arg(&self, at: usize) -> Option<BoundArg<'c>> {
        self.values.get(at).and_then(|value| value.map(|(arg, _)| arg))
    }

    pub(crate) fn number(&self, at: usize) -> Option<f64> {
        if let Some(BoundArg::Number(value)) = self.arg(at) { Some(value) } else { None }
    }

    pub(crate) fn text(&self, at: usize) -> Option<&'c str> {
        if let Some(BoundArg::Text(text)) = self.arg(at) { Some(text) } else { None }
    }

    /// Where an argument stands; the call's name when it is left out.
    pub(crate) fn span(&self, at: usize) -> Span {
        self.values.get(at).and_then(|value| value.map(|(_, span)| span)).unwrap_or(self.call.span)
    }

    /// A fault of an argument.
    pub(crate) fn fault(&self, at: usize, message: impl Into<String>) -> QueryError {
        QueryError::at(self.span(at), message)
    }
}

impl Evaluator<'_> {
    pub(super) fn call(&mut self, call: &Call, window: &Window) -> Result<Value, QueryError> {
        let definition = functions::find(&call.name).ok_or_else(|| functions::unknown_function(call))?;
        if self.context() == Context::Monitor && !definition.in_monitors {
            return Err(QueryError::at(call.span, format!("{} is not allowed in monitors", call.name)));
        }
        let bound = bind(definition, call)?;
        match &definition.body {
            Body::Frame { margin, apply } => {
                let query = bound.query(0)?;
                let frame = self.with_margin(query, window, margin(&bound), |frame| apply(frame, &bound))?;
                Ok(Value::Frame(frame))
            }
            Body::Own(run) => run(self, &bound, window),
        }
    }
}

/// Gives each argument its place.
pub(crate) fn bind<'c>(definition: &Definition, call: &'c Call) -> Result<Bound<'c>, QueryError> {
    let mut values: Vec<Option<(BoundArg<'c>, Span)>> = vec![None; definition.args.len()];
    for (index, arg) in call.args.iter().enumerate() {
        let place = match &arg.name {
            None => index,
            Some(name) => definition.args.iter().position(|known| known.name == name).ok_or_else(|| {
                QueryError::at(arg.span, format!("{} has no argument {name}: {}", call.name, definition.usage()))
            })?,
        };
        let Some(known) = definition.args.get(place) else {
            return Err(QueryError::at(arg.span, format!("too many arguments: {}", definition.usage())));
        };
        if values[place].is_some() {
            return Err(QueryError::at(arg.span, format!("{} is given twice", known.name)));
        }
        let value = read(arg, known.kind).ok_or_else(|| {
            let message = format!("{} must be {}, not {}", known.name, known.kind.describe(), shown(arg));
            QueryError::at(arg.span, message)
        })?;
        values[place] = Some((value, arg.span));
    }
    if let Some(missing) = definition.args.iter().zip(&values).find(|(known, value)| known.required && value.is_none())
    {
        return Err(QueryError::at(call.span, format!("{} is missing: {}", missing.0.name, definition.usage())));
    }
    Ok(Bound { call, values })
}

fn read(arg: &Arg, kind: ArgKind) -> Option<BoundArg<'_>> {
    match kind {
        ArgKind::Query => match &arg.value {
            ArgValue::Expr(expr) => Some(BoundArg::Query(expr)),
            _ => None,
        },
        ArgKind::Number => number(arg).map(BoundArg::Number),
        ArgKind::Text => word(arg).map(BoundArg::Text),
        ArgKind::Choice(choices) => {
            let text = word(arg)?;
            choices.iter().find(|choice| choice.eq_ignore_ascii_case(text)).map(|choice| BoundArg::Text(choice))
        }
        ArgKind::Keys => match &arg.value {
            ArgValue::Keys(keys) => Some(BoundArg::Keys(keys)),
            _ => None,
        },
        ArgKind::QueryOrKeys => match &arg.value {
            ArgValue::Keys(keys) => Some(BoundArg::Keys(keys)),
            ArgValue::Expr(expr) => Some(BoundArg::Query(expr)),
            _ => None,
        },
        ArgKind::Any => match &arg.value {
            ArgValue::Keys(keys) => Some(BoundArg::Keys(keys)),
            _ => number(arg).map(BoundArg::Number).or_else(|| word(arg).map(BoundArg::Text)),
        },
    }
}
