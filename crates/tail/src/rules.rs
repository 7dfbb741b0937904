//! Processing rules: which lines are kept, what is hidden in them and where a log of several lines begins
//! (reference: agent-config.md §6; the keys are those of `log_processing_rules`).

use std::borrow::Cow;
use std::sync::Arc;

use regex::Regex;
use serde_json::Value;

use crate::pattern;

/// The mark of a line that was cut because it is too long, at its end and at the beginning of its remainder.
pub const TRUNCATED: &str = "...TRUNCATED...";

/// A rule that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RuleError(pub String);

#[derive(Debug, Clone)]
enum Action {
    Exclude(Regex),
    Include(Regex),
    Mask(Regex, String),
    ExcludeTruncated,
}

/// Compiled rules in the order in which they are applied.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    actions: Vec<Action>,
    starts: Vec<Regex>,
}

impl RuleSet {
    /// Compiles a list of rules. `key` is its place in the configuration, for errors.
    pub fn parse(value: Option<&Value>, key: &str) -> Result<Self, RuleError> {
        let mut rules = Self::default();
        let list = match value {
            None | Some(Value::Null) => return Ok(rules),
            Some(Value::Array(list)) => list,
            Some(other) => return Err(RuleError(format!("{key} must be a list of rules, not {}", kind_of(other)))),
        };
        for (index, rule) in list.iter().enumerate() {
            rules.add(rule, &format!("{key}[{index}]"))?;
        }
        Ok(rules)
    }

    fn add(&mut self, rule: &Value, place: &str) -> Result<(), RuleError> {
        if !rule.is_object() {
            return Err(RuleError(format!("{place} must be a map with type, name and pattern, not {}", kind_of(rule))));
        }
        let text = |key: &str| match rule.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(Value::Number(number)) => {
                Err(RuleError(format!("{place}: {key} must be a text, put {number} in quotes")))
            }
            Some(other) => Err(RuleError(format!("{place}: {key} must be a text, not {}", kind_of(other)))),
        };
        let name = text("name")?
            .filter(|name| !name.is_empty())
            .ok_or_else(|| RuleError(format!("{place}: name is missing")))?;
        let kind = text("type")?.unwrap_or_default();
        if kind == "exclude_truncated" {
            self.actions.push(Action::ExcludeTruncated);
            return Ok(());
        }
        if !["exclude_at_match", "include_at_match", "mask_sequences", "multi_line"].contains(&kind) {
            return Err(RuleError(format!(
                "{place} (rule {name}): type must be exclude_at_match, include_at_match, mask_sequences, multi_line or \
                 exclude_truncated, not {kind:?}"
            )));
        }
        let pattern = text("pattern")?
            .filter(|pattern| !pattern.is_empty())
            .ok_or_else(|| RuleError(format!("{place} (rule {name}): pattern is missing")))?;
        let refuse = |why: String| RuleError(format!("{place} (rule {name}): pattern {pattern:?}: {why}"));
        match kind {
            "exclude_at_match" => self.actions.push(Action::Exclude(pattern::compile(pattern).map_err(refuse)?)),
            "include_at_match" => self.actions.push(Action::Include(pattern::compile(pattern).map_err(refuse)?)),
            "mask_sequences" => {
                let placeholder = pattern::replacement(text("replace_placeholder")?.unwrap_or_default());
                self.actions.push(Action::Mask(pattern::compile(pattern).map_err(refuse)?, placeholder));
            }
            _ => self.starts.push(pattern::compile_at_start(pattern).map_err(refuse)?),
        }
        Ok(())
    }

    /// These rules after those that hold for every source. A `multi_line` rule of a source replaces the global ones.
    pub fn after(&self, global: &Self) -> Self {
        let actions = global.actions.iter().chain(&self.actions).cloned().collect();
        let starts = if self.starts.is_empty() { global.starts.clone() } else { self.starts.clone() };
        Self { actions, starts }
    }

    /// Patterns one of which begins a new log; empty when there is no `multi_line` rule.
    pub fn starts(&self) -> &[Regex] {
        &self.starts
    }

    /// What is left of a line, or `None` when a rule drops it.
    pub fn apply(&self, line: String) -> Option<String> {
        let mut line = line;
        for action in &self.actions {
            match action {
                Action::Exclude(pattern) if pattern.is_match(&line) => return None,
                Action::Include(pattern) if !pattern.is_match(&line) => return None,
                Action::Mask(pattern, placeholder) => {
                    if let Cow::Owned(masked) = pattern.replace_all(&line, placeholder.as_str()) {
                        line = masked;
                    }
                }
                Action::ExcludeTruncated if line.starts_with(TRUNCATED) || line.ends_with(TRUNCATED) => return None,
                _ => {}
            }
        }
        Some(line)
    }
}

/// Rules that many lines share.
pub type SharedRules = Arc<RuleSet>;

/// A value's kind in the words of a configuration file.
pub(crate) fn kind_of(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => format!("the text {text:?}"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use serde_json::json;

    fn apply(rules: Value, lines: &[&str]) -> String {
        let rules = RuleSet::parse(Some(&rules), "log_processing_rules").unwrap();
        let kept = lines.iter().map(|line| rules.apply((*line).to_owned()).unwrap_or_else(|| "(dropped)".to_owned()));
        kept.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn exclude_drops_what_matches() {
        let rules = json!([{ "type": "exclude_at_match", "name": "no_debug", "pattern": "DEBUG|health" }]);
        expect![[r#"
            INFO started
            (dropped)
            (dropped)"#]]
        .assert_eq(&apply(rules, &["INFO started", "DEBUG x", "GET /health"]));
    }

    #[test]
    fn include_keeps_only_what_matches_every_rule() {
        let rules = json!([
            { "type": "include_at_match", "name": "shop", "pattern": r"^\w+@shop" },
            { "type": "include_at_match", "name": "com", "pattern": r"\.com" },
        ]);
        expect![[r#"
            a@shop.com
            (dropped)
            (dropped)"#]]
        .assert_eq(&apply(rules, &["a@shop.com", "a@shop.org", "b.com"]));
    }

    #[test]
    fn mask_replaces_with_groups() {
        let rules = json!([
            { "type": "mask_sequences", "name": "card", "replace_placeholder": "[card]",
              "pattern": r"(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14})" },
            { "type": "mask_sequences", "name": "user", "replace_placeholder": "${1}[user]", "pattern": r"(user=)\w+" },
            { "type": "mask_sequences", "name": "pass", "replace_placeholder": r"\1***", "pattern": r"(pass=)\S+" },
        ]);
        expect![[r#"
            paid with [card] user=[user] pass=*** and pass=***
            nothing"#]]
        .assert_eq(&apply(rules, &["paid with 4111111111111111 user=bob pass=x and pass=y", "nothing"]));
    }

    #[test]
    fn truncated_lines_can_be_dropped() {
        let rules = json!([{ "type": "exclude_truncated", "name": "whole" }]);
        expect![[r#"
            (dropped)
            (dropped)
            a"#]]
        .assert_eq(&apply(rules, &["a...TRUNCATED...", "...TRUNCATED...b", "a"]));
    }

    #[test]
    fn rules_apply_in_their_order_global_ones_first() {
        let global =
            json!([{ "type": "mask_sequences", "name": "m", "pattern": "secret", "replace_placeholder": "x" }]);
        let own = json!([{ "type": "exclude_at_match", "name": "e", "pattern": "secret" }]);
        let parse = |rules| RuleSet::parse(Some(&rules), "r").unwrap();
        let rules = parse(own).after(&parse(global));
        assert_eq!(rules.apply("a secret".into()).as_deref(), Some("a x"));
    }

    #[test]
    fn errors_name_the_rule_and_what_is_expected() {
        let error = |rules| RuleSet::parse(Some(&rules), "log_processing_rules").unwrap_err().to_string();
        expect![[r#"
            log_processing_rules must be a list of rules, not a map
            log_processing_rules[0] must be a map with type, name and pattern, not the text "x"
            log_processing_rules[0]: name is missing
            log_processing_rules[0] (rule a): type must be exclude_at_match, include_at_match, mask_sequences, multi_line or exclude_truncated, not "exclude"
            log_processing_rules[0] (rule a): pattern is missing
            log_processing_rules[0] (rule a): pattern "(": unclosed group
            log_processing_rules[0]: pattern must be a text, put 20 in quotes"#]]
        .assert_eq(
            &[
                error(json!({})),
                error(json!(["x"])),
                error(json!([{ "type": "multi_line", "pattern": "a" }])),
                error(json!([{ "type": "exclude", "name": "a", "pattern": "a" }])),
                error(json!([{ "type": "multi_line", "name": "a" }])),
                error(json!([{ "type": "multi_line", "name": "a", "pattern": "(" }])),
                error(json!([{ "type": "multi_line", "name": "a", "pattern": 20 }])),
            ]
            .join("\n"),
        );
    }
}
