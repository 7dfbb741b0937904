//! The tree of a query text. It keeps names and arguments as written; what they mean is decided by the planner, so
//! that an editor can show a tree for a text that names an unknown function.

use crate::source::SpaceAgg;

/// A place in a text, in bytes. Two trees are equal wherever their parts stood, hence spans always compare equal.
#[derive(Debug, Clone, Copy, Default, Eq)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Number of bytes.
    pub len: usize,
}

impl PartialEq for Span {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Span {
    /// From `start` up to and without `end`.
    pub fn between(start: usize, end: usize) -> Self {
        Self { start, len: end.saturating_sub(start) }
    }
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stood.
    pub span: Span,
}

/// Kinds of expressions.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A number, never negative (see [`ExprKind::Negate`]).
    Number(f64),
    /// A metric query.
    Query(MetricQuery),
    /// A lone name: a named query of a formula, or a word such as `mean` among arguments.
    Name(String),
    /// `-x`.
    Negate(Box<Expr>),
    /// `x + y` and its like.
    Binary {
        /// The operator.
        operator: Operator,
        /// Left of it.
        left: Box<Expr>,
        /// Right of it.
        right: Box<Expr>,
    },
    /// `function(arguments)`.
    Call(Call),
    /// `(…).modifier()`: a modifier of anything but a metric query.
    Modified {
        /// What is modified.
        inner: Box<Expr>,
        /// The modifier.
        modifier: Call,
    },
}

/// Arithmetic operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
}

impl Operator {
    /// How it is written.
    pub fn symbol(self) -> char {
        match self {
            Self::Add => '+',
            Self::Subtract => '-',
            Self::Multiply => '*',
            Self::Divide => '/',
        }
    }

    /// Binds tighter the higher it is.
    pub fn precedence(self) -> u8 {
        match self {
            Self::Add | Self::Subtract => 1,
            Self::Multiply | Self::Divide => 2,
        }
    }
}

/// `name(arguments)`, a function or a modifier.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// As written.
    pub name: String,
    /// Arguments in order.
    pub args: Vec<Arg>,
    /// Where the name stood.
    pub span: Span,
}

/// One argument.
#[derive(Debug, Clone, PartialEq)]
pub struct Arg {
    /// For `name=value`.
    pub name: Option<String>,
    /// The value.
    pub value: ArgValue,
    /// Where the value stood.
    pub span: Span,
}

/// Kinds of arguments.
#[derive(Debug, Clone, PartialEq)]
pub enum ArgValue {
    /// An expression; lone words arrive as [`ExprKind::Name`].
    Expr(Expr),
    /// A string in quotes.
    Text(String),
    /// A word that starts with a digit: `12am`, `1st`.
    Word(String),
    /// Tag keys in braces; none for `{*}`.
    Keys(Vec<String>),
}

/// `space:metric{filter} by {keys}.modifiers()`.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricQuery {
    /// The space aggregator, if written.
    pub space: Option<SpaceAgg>,
    /// Metric name as written.
    pub metric: String,
    /// Which series.
    pub filter: Filter,
    /// Tag keys as written.
    pub group_by: Vec<String>,
    /// Modifiers in order.
    pub modifiers: Vec<Call>,
}

/// The condition between braces, template variables still in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Filter {
    /// `*`, also an unset template variable.
    All,
    /// A tag, perhaps with `*` or `$variables` in it.
    Term(String),
    /// All hold; at least two.
    And(Vec<Filter>),
    /// One holds; at least two.
    Or(Vec<Filter>),
    /// Does not hold.
    Not(Box<Filter>),
    /// `key IN (values)`.
    In {
        /// Tag key.
        key: String,
        /// Values, at least one.
        values: Vec<String>,
    },
}

impl Expr {
    /// An expression whose place does not matter.
    pub fn new(kind: ExprKind) -> Self {
        Self { kind, span: Span::default() }
    }

    /// Calls `visit` for every metric query in the expression, from left to right.
    pub fn for_each_query<'a>(&'a self, visit: &mut dyn FnMut(&'a MetricQuery)) {
        match &self.kind {
            ExprKind::Number(_) | ExprKind::Name(_) => {}
            ExprKind::Query(query) => visit(query),
            ExprKind::Negate(inner) => inner.for_each_query(visit),
            ExprKind::Binary { left, right, .. } => {
                left.for_each_query(visit);
                right.for_each_query(visit);
            }
            ExprKind::Call(call) => call.for_each_query(visit),
            ExprKind::Modified { inner, .. } => inner.for_each_query(visit),
        }
    }

    /// The names that stand where a query may stand, from left to right.
    pub fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.collect_names(&mut names);
        names
    }

    fn collect_names<'a>(&'a self, names: &mut Vec<&'a str>) {
        match &self.kind {
            ExprKind::Number(_) | ExprKind::Query(_) => {}
            ExprKind::Name(name) => names.push(name),
            ExprKind::Negate(inner) | ExprKind::Modified { inner, .. } => inner.collect_names(names),
            ExprKind::Binary { left, right, .. } => {
                left.collect_names(names);
                right.collect_names(names);
            }
            ExprKind::Call(call) => {
                for arg in &call.args {
                    if let ArgValue::Expr(expr) = &arg.value {
                        expr.collect_names(names);
                    }
                }
            }
        }
    }
}

impl Call {
    fn for_each_query<'a>(&'a self, visit: &mut dyn FnMut(&'a MetricQuery)) {
        for arg in &self.args {
            if let ArgValue::Expr(expr) = &arg.value {
                expr.for_each_query(visit);
            }
        }
    }
}
