//! What the reader makes of a text.

use expect_test::expect;
use serde_json::json;

use super::*;

fn value(text: &str) -> Value {
    parse(text).unwrap().root.to_value()
}

fn error(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn scalars_are_read_as_people_mean_them() {
    for (text, expected) in [
        ("yes", json!(true)),
        ("Off", json!(false)),
        ("'yes'", json!("yes")),
        ("!!str yes", json!("yes")),
        ("y", json!("y")),
        ("12", json!(12)),
        ("-3", json!(-3)),
        ("+3", json!(3)),
        ("1.50", json!(1.5)),
        (".5", json!(0.5)),
        ("1.5e3", json!(1500.0)),
        ("1e5", json!("1e5")),
        ("012345", json!("012345")),
        ("0", json!(0)),
        ("0.5", json!(0.5)),
        ("0x10", json!(16)),
        ("18446744073709551615", json!(18_446_744_073_709_551_615_u64)),
        ("12345678901234567890123456789012", json!("12345678901234567890123456789012")),
        ("nan", json!("nan")),
        (".inf", json!(".inf")),
        ("12:30", json!("12:30")),
        ("1.2.3", json!("1.2.3")),
        ("~", json!(null)),
        ("", json!(null)),
        ("''", json!("")),
    ] {
        assert_eq!(value(&format!("k: {text}\n"))["k"], expected, "{text}");
    }
}

#[test]
fn maps_lists_anchors_and_merges_are_read() {
    let text = "base: &base\n  a: 1\n  b: 2\nother:\n  <<: *base\n  b: 3\nlist: [*base, x]\n1: one\ntrue: t\n";
    assert_eq!(
        value(text),
        json!({ "base": { "a": 1, "b": 2 }, "other": { "b": 3, "a": 1 }, "list": [{ "a": 1, "b": 2 }, "x"], "1": "one", "true": "t" })
    );
    assert_eq!(value("a: 1\n---\nb: 2\n"), json!({ "a": 1 }));
    assert_eq!(value("\u{feff}a: 1\r\nb: 'c'\r\n"), json!({ "a": 1, "b": "c" }));
    assert_eq!(value("# nothing\n"), json!(null));
    assert_eq!(value("a: |\n  one\n  two\n"), json!({ "a": "one\ntwo\n" }));
}

#[test]
fn every_value_knows_its_line() {
    let document = parse("# top\na: 1\nb:\n  - x\n  - c: 2\n\n    d: 3\na: 4\n").unwrap();
    let line = |path: &str| document.root.at(path).map(|node| node.line);
    assert_eq!((line("a"), line("b"), line("b.c")), (Some(8), Some(4), None));
    let Kind::List(items) = &document.root.get("b").unwrap().kind else { panic!("b is a list") };
    assert_eq!((items[1].line, items[1].entry("d").unwrap().line), (5, 7));
    assert_eq!(document.duplicates, [("a".to_owned(), 8)]);
}

#[test]
fn errors_name_the_line() {
    let errors = [
        "a: [1, 2\nb: 3\n",
        "a: 1\n\tb: 2\n",
        "a: 'x\n",
        "a: *nothing\n",
        "? [1]\n: 2\n",
        "a: b: c\n",
        "server: %%host%%\n",
        "- a\nb: 1\n",
    ]
    .map(error)
    .join("\n");
    expect![[r#"
        line 2: not valid YAML: illegal placement of ':' indicator
        line 2: not valid YAML: tabs cannot indent, use blanks
        line 1: not valid YAML: a quotation mark is not closed
        line 1: not valid YAML: while parsing node, found unknown anchor
        line 1: a list or map cannot be a key
        line 1: not valid YAML: a key cannot stand here, check the indentation (a text with a colon and a blank must be quoted)
        line 1: not valid YAML: a value that starts with % must be quoted
        line 2: not valid YAML: expected another item of the list (- …), check the indentation"#]]
    .assert_eq(&errors);
}

#[test]
fn growth_without_bound_is_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let alias = format!("*a{}, ", level - 1).repeat(10);
        text += &format!("a{level}: &a{level} [{alias}]\n");
    }
    assert_eq!(error(&text), format!("line 6: more than {MAX_NODES} values"));
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    assert_eq!(error(&deep), "line 1: nested more than 64 levels deep");
}

#[test]
fn dotted_paths_find_and_set_values() {
    let mut root = parse("a:\n  b:\n    c: 1\nx.y: 2\nlogs_config.batch: {wait: 3}\n").unwrap().root;
    let found = |root: &Node, path: &str| root.at(path).map(Node::to_value);
    assert_eq!(found(&root, "a.b.c"), Some(json!(1)));
    assert_eq!(found(&root, "x.y"), Some(json!(2)));
    assert_eq!(found(&root, "logs_config.batch.wait"), Some(json!(3)));
    root.set("a.b.d", Node::plain("4", 0));
    root.set("new.key", Node::text("5"));
    assert_eq!(found(&root, "a.b"), Some(json!({ "c": 1, "d": 4 })));
    assert_eq!(found(&root, "new"), Some(json!({ "key": "5" })));
}

proptest::proptest! {
    #[test]
    fn no_text_breaks_the_reader(text in "[-a-z0-9:#'\"\\[\\]{}&*!|>%@\\n\\t ,.~<]{0,120}") {
        // An answer of either kind will do.
        if let Ok(document) = parse(&text) {
            document.root.to_value();
        }
    }

    #[test]
    fn quoted_text_is_kept(text in "[^\\x00-\\x1f\\x7f-\\u{9f}]{0,40}") {
        let quoted = format!("key: '{}'\n", text.replace('\'', "''"));
        proptest::prop_assert_eq!(&value(&quoted)["key"], &Value::String(text));
    }
}
