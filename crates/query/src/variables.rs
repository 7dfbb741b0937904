//! Template variables of dashboards, and conditions of trees turned into conditions on tags.

use galgo_core::tags::{MAX_TAG_CHARS, normalise_tag};

use crate::ast::{Expr, ExprKind, Filter, MetricQuery};
use crate::parse::MAX_TERMS;
use crate::source::Scope;

/// One template variable with the values chosen for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Variable {
    /// Name without `$`.
    pub name: String,
    /// Tag key, `None` when values are whole tags.
    pub prefix: Option<String>,
    /// Chosen values; none or `*` for everything.
    pub values: Vec<String>,
}

/// The template variables that a query may name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Variables {
    /// Longest names first, so that `$env-name` is not read as `$env`.
    by_length: Vec<Variable>,
}

/// How a variable is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Tag,
    Value,
    Key,
}

impl Variables {
    /// A set of variables.
    pub fn new(variables: impl IntoIterator<Item = Variable>) -> Self {
        let mut by_length: Vec<Variable> = variables.into_iter().collect();
        by_length.sort_by_key(|variable| std::cmp::Reverse(variable.name.len()));
        Self { by_length }
    }

    /// Replaces the variables in every query of an expression.
    pub fn expand(&self, expr: &mut Expr) {
        match &mut expr.kind {
            ExprKind::Number(_) | ExprKind::Name(_) => {}
            ExprKind::Query(query) => self.expand_query(query),
            ExprKind::Negate(inner) | ExprKind::Modified { inner, .. } => self.expand(inner),
            ExprKind::Binary { left, right, .. } => {
                self.expand(left);
                self.expand(right);
            }
            ExprKind::Call(call) => {
                for arg in &mut call.args {
                    if let crate::ast::ArgValue::Expr(inner) = &mut arg.value {
                        self.expand(inner);
                    }
                }
            }
        }
    }

    fn expand_query(&self, query: &mut MetricQuery) {
        let filter = std::mem::replace(&mut query.filter, Filter::All);
        query.filter = self.expand_filter(filter);
        if query.group_by.iter().any(|key| key.contains('$')) {
            let keys: Vec<String> = query.group_by.iter().flat_map(|key| self.expand_key(key)).collect();
            query.group_by.clear();
            for key in keys {
                if !query.group_by.contains(&key) {
                    query.group_by.push(key);
                }
            }
        }
    }

    fn expand_key(&self, key: &str) -> Vec<String> {
        if !key.contains('$') {
            return vec![key.to_owned()];
        }
        // `$var` stands for the chosen keys, `$var.key` for the variable's own key.
        self.expand_text(key, Use::Value).unwrap_or_default()
    }

    /// Replaces the variables of a filter; a condition on an unset variable is no condition.
    pub fn expand_filter(&self, filter: Filter) -> Filter {
        self.expand_condition(filter).unwrap_or(Filter::All)
    }

    /// `None` when nothing is left of the condition.
    fn expand_condition(&self, filter: Filter) -> Option<Filter> {
        match filter {
            Filter::All => Some(Filter::All),
            Filter::Term(term) if !term.contains('$') => Some(Filter::Term(term)),
            Filter::Term(term) => {
                // After `key:` a variable can only stand for its value.
                let first = term.find('$').unwrap_or(0);
                let usage = if term[..first].contains(':') { Use::Value } else { Use::Tag };
                let mut terms: Vec<Filter> = self.expand_text(&term, usage)?.into_iter().map(Filter::Term).collect();
                if terms.len() > 1 { Some(Filter::Or(terms)) } else { terms.pop() }
            }
            Filter::And(parts) => {
                let kept: Vec<Filter> = parts.into_iter().filter_map(|part| self.expand_condition(part)).collect();
                (!kept.is_empty()).then(|| crate::parse::all_of(kept))
            }
            Filter::Or(parts) => {
                // One part without a condition makes the whole true.
                let all: Option<Vec<Filter>> = parts.into_iter().map(|part| self.expand_condition(part)).collect();
                all.map(Filter::Or)
            }
            Filter::Not(inner) => self.expand_condition(*inner).map(|inner| Filter::Not(Box::new(inner))),
            Filter::In { key, values } => {
                let key = self.expand_text(&key, Use::Key)?.into_iter().next()?;
                let mut expanded = Vec::new();
                for value in values {
                    expanded.extend(self.expand_text(&value, Use::Value)?);
                }
                Some(Filter::In { key, values: expanded })
            }
        }
    }

    /// The texts that a text with variables stands for; `None` when a variable in it is unset.
    fn expand_text(&self, text: &str, usage: Use) -> Option<Vec<String>> {
        let mut results = vec![String::new()];
        let mut rest = text;
        while let Some(dollar) = rest.find('$') {
            results.iter_mut().for_each(|result| result.push_str(&rest[..dollar]));
            let (values, after) = self.variable(&rest[dollar + 1..], usage)?;
            if results.len() * values.len() > MAX_TERMS {
                return Some(results);
            }
            results =
                results.iter().flat_map(|head| values.iter().map(move |value| format!("{head}{value}"))).collect();
            rest = after;
        }
        results.iter_mut().for_each(|result| result.push_str(rest));
        Some(results)
    }

    /// What the variable at the start of `text` stands for, and the text after it.
    fn variable<'a>(&self, text: &'a str, usage: Use) -> Option<(Vec<String>, &'a str)> {
        let variable = self.by_length.iter().find(|variable| text.starts_with(&variable.name))?;
        let after = &text[variable.name.len()..];
        let (usage, after) = if let Some(after) = after.strip_prefix(".value") {
            (Use::Value, after)
        } else if let Some(after) = after.strip_prefix(".key") {
            (Use::Key, after)
        } else {
            (usage, after)
        };
        if usage == Use::Key
            && let Some(prefix) = &variable.prefix
        {
            return Some((vec![prefix.clone()], after));
        }
        let set = !variable.values.is_empty() && variable.values.iter().all(|value| value != "*" && !value.is_empty());
        if !set {
            return None;
        }
        Some((variable.values.iter().map(|value| variable.text(value, usage)).collect(), after))
    }
}

impl Variable {
    fn text(&self, value: &str, usage: Use) -> String {
        match (&self.prefix, usage) {
            (Some(prefix), Use::Tag) => {
                let whole = value.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(':'));
                if whole { value.to_owned() } else { format!("{prefix}:{value}") }
            }
            (Some(prefix), _) => {
                let bare = value.strip_prefix(prefix).and_then(|rest| rest.strip_prefix(':'));
                bare.unwrap_or(value).to_owned()
            }
            (None, Use::Tag) => value.to_owned(),
            (None, Use::Value) => value.split_once(':').map_or(value, |(_, value)| value).to_owned(),
            (None, Use::Key) => value.split(':').next().unwrap_or(value).to_owned(),
        }
    }
}

/// A filter as a condition on normalised tags. Variables that are still in it are unset.
pub fn scope_of(filter: &Filter) -> Scope {
    match Variables::default().expand_filter(filter.clone()) {
        Filter::All => Scope::All,
        expanded => condition(&expanded),
    }
}

fn condition(filter: &Filter) -> Scope {
    match filter {
        Filter::All => Scope::All,
        Filter::Term(term) => tag_condition(term),
        Filter::And(parts) => all(parts.iter().map(condition).collect()),
        Filter::Or(parts) => any(parts.iter().map(condition).collect()),
        Filter::Not(inner) => Scope::Not(Box::new(condition(inner))),
        Filter::In { key, values } => {
            any(values.iter().map(|value| tag_condition(&format!("{key}:{value}"))).collect())
        }
    }
}

fn all(parts: Vec<Scope>) -> Scope {
    let mut kept: Vec<Scope> = parts.into_iter().filter(|part| *part != Scope::All).collect();
    if kept.len() > 1 { Scope::And(kept) } else { kept.pop().unwrap_or(Scope::All) }
}

fn any(mut parts: Vec<Scope>) -> Scope {
    if parts.contains(&Scope::All) {
        return Scope::All;
    }
    if parts.len() > 1 { Scope::Or(parts) } else { parts.pop().unwrap_or(Scope::All) }
}

fn tag_condition(term: &str) -> Scope {
    if !term.contains('*') {
        return Scope::Tag(normalise_tag(term).into_owned());
    }
    let mut pattern = String::new();
    for (index, part) in term.split('*').enumerate() {
        if index > 0 && !pattern.ends_with('*') {
            pattern.push('*');
        }
        pattern.push_str(&normalise_part(part));
    }
    if pattern == "*" { Scope::All } else { Scope::Like(pattern) }
}

/// Normalises a piece between stars: like a tag, but its ends are no ends of a tag, so nothing is trimmed there.
fn normalise_part(part: &str) -> String {
    let kept: String = part.chars().take(MAX_TAG_CHARS - 2).collect();
    let framed = format!("x{kept}x");
    let normalised = normalise_tag(&framed);
    normalised.strip_prefix('x').and_then(|rest| rest.strip_suffix('x')).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{parse_expression, parse_scope};
    use crate::print::{print, print_filter};

    fn variables() -> Variables {
        let variable = |name: &str, prefix: Option<&str>, values: &[&str]| Variable {
            name: name.into(),
            prefix: prefix.map(Into::into),
            values: values.iter().map(|value| value.to_string()).collect(),
        };
        Variables::new([
            variable("env", Some("environment"), &["dev"]),
            variable("env-name", Some("env_name"), &["x"]),
            variable("sys.name", Some("sys"), &["s1"]),
            variable("many", Some("host"), &["a", "b-*"]),
            variable("all", Some("region"), &["*"]),
            variable("none", Some("zone"), &[]),
            variable("tag", None, &["k:v"]),
            variable("by", Some("by"), &["host", "env"]),
        ])
    }

    #[test]
    fn variables_become_conditions() {
        for (text, expected) in [
            ("$env", "environment:dev"),
            ("!$env,a", "NOT environment:dev AND a"),
            ("x:$env.value", "x:dev"),
            ("x:$env", "x:dev"),
            ("$env.key:y", "environment:y"),
            ("$env-name", "env_name:x"),
            ("$sys.name.value", "s1"),
            ("$sys.name", "sys:s1"),
            ("$many", "host:a OR host:b-*"),
            ("$many,$env", "(host:a OR host:b-*) AND environment:dev"),
            ("NOT $many", "NOT (host:a OR host:b-*)"),
            ("h IN ($many.value,c)", "h IN (a,b-*,c)"),
            ("$all", "*"),
            ("$none,$all,*", "*"),
            ("!$all", "*"),
            ("!$all,a", "a"),
            ("a OR $all", "*"),
            ("k IN ($all.value)", "*"),
            ("x:$all.value", "*"),
            ("$undeclared,a", "a"),
            ("$tag", "k:v"),
            ("z:$tag.value", "z:v"),
            ("$env.key:$env.value-$many.value", "environment:dev-a OR environment:dev-b-*"),
        ] {
            let expanded = variables().expand_filter(parse_scope(text).unwrap());
            assert_eq!(print_filter(&expanded), expected, "{text}");
        }
    }

    #[test]
    fn variables_become_group_keys() {
        let mut tree = parse_expression("avg:m{*} by {$by,$env.key,service,$none}").unwrap();
        variables().expand(&mut tree);
        assert_eq!(print(&tree), "avg:m{*} by {host,env,environment,service}");
    }

    #[test]
    fn conditions_are_on_normalised_tags() {
        let tag = |text: &str| Scope::Tag(text.into());
        let like = |text: &str| Scope::Like(text.into());
        for (text, expected) in [
            ("*", Scope::All),
            ("Env:PROD", tag("env:prod")),
            ("HOST:Web_*", like("host:web_*")),
            ("*_x**y", like("*_x*y")),
            ("k:*", like("k:*")),
            ("k IN (A,b*)", Scope::Or(vec![tag("k:a"), like("k:b*")])),
            ("NOT a", Scope::Not(Box::new(tag("a")))),
            ("NOT *", Scope::Not(Box::new(Scope::All))),
            ("a OR *", Scope::All),
            ("$unset", Scope::All),
        ] {
            assert_eq!(scope_of(&parse_scope(text).unwrap()), expected, "{text}");
        }
    }
}
