//! The functions of the query language for completion, out of the table that the evaluator uses.

use galgo_query::functions::{self, ArgKind, Definition, Form};
use serde_json::{Value, json};

/// `[{name, family, form, args, summary}]`.
pub fn document() -> Value {
    functions::all().iter().map(definition).collect()
}

fn definition(definition: &Definition) -> Value {
    let args: Vec<Value> = definition
        .args
        .iter()
        .map(|arg| {
            let mut shown = json!({ "name": arg.name, "kind": kind(arg.kind), "required": arg.required });
            if let ArgKind::Choice(choices) = arg.kind {
                shown["choices"] = json!(choices);
            }
            shown
        })
        .collect();
    json!({
        "name": definition.name,
        "aliases": definition.aliases,
        "family": definition.family.as_str(),
        "form": match definition.form { Form::Function => "call", Form::Modifier => "method" },
        "args": args,
        "summary": definition.summary,
        "usage": definition.usage(),
        "in_monitors": definition.in_monitors,
    })
}

fn kind(kind: ArgKind) -> &'static str {
    match kind {
        ArgKind::Query => "query",
        ArgKind::Number => "number",
        ArgKind::Text => "text",
        ArgKind::Choice(_) => "choice",
        ArgKind::Keys => "keys",
        ArgKind::QueryOrKeys => "query-or-keys",
        ArgKind::Any => "any",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_described() {
        let document = document();
        let list = document.as_array().expect("a list");
        assert!(list.len() > 30);
        assert!(list.iter().all(|entry| entry["summary"].as_str().is_some_and(|text| !text.is_empty())));
    }
}
