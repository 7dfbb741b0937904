//! Texts and their canonical forms, faults and their places, and the property that printing loses nothing.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::ast::{Arg, ArgValue, Call, ExprKind, MetricQuery, Operator};
use crate::print::{print, print_filter};
use crate::source::SpaceAgg;

#[test]
fn queries_have_a_canonical_text() {
    for (text, canonical) in [
        ("system.load.1{*}", "system.load.1{*}"),
        ("avg:system.load.1{}", "avg:system.load.1{*}"),
        (
            "avg : m { a:b }  by { env , host } . as_count ( ) . rollup ( sum , 60 )",
            "avg:m{a:b} by {env,host}.as_count().rollup(sum, 60)",
        ),
        ("p99.9:m{*}", "p99.9:m{*}"),
        ("count(v: v<=0.5):m{*}", "count(v: v<=0.5):m{*}"),
        ("count(x:x > -1 && x<=5):m{*}", "count(v: v>-1 && v<=5):m{*}"),
        ("count(v: 1 < v <= 5):m{*}", "count(v: v>1 && v<=5):m{*}"),
        ("a{*}+b{*}*c{*}", "a{*} + b{*} * c{*}"),
        ("(a{*}+b{*})*c{*}", "(a{*} + b{*}) * c{*}"),
        ("a{*}-(b{*}-c{*})", "a{*} - (b{*} - c{*})"),
        ("((a{*}-b{*})-c{*})", "a{*} - b{*} - c{*}"),
        ("a{*}/(b{*}*c{*})", "a{*} / (b{*} * c{*})"),
        ("-a{*}*-2", "-a{*} * -2"),
        ("-(a{*}+1)", "-(a{*} + 1)"),
        ("1e3*.5", "1000 * 0.5"),
        ("top(a{*} by {x},10,'mean',\"desc\")", "top(a{*} by {x}, 10, 'mean', 'desc')"),
        ("query1.rollup('p95',1800).fill(last,60)", "query1.rollup('p95', 1800).fill(last, 60)"),
        ("sum(q,{ env })/sum(q,{ * })", "sum(q, {env}) / sum(q, {*})"),
        (
            "anomalies(avg:m{*}, 'basic', 2, direction='above', interval=60)",
            "anomalies(avg:m{*}, 'basic', 2, direction='above', interval=60)",
        ),
        ("sum:m{*}.rollup(sum, daily, 12am, 'Europe/Paris')", "sum:m{*}.rollup(sum, daily, 12am, 'Europe/Paris')"),
        ("(a{*}).fill(zero)", "(a{*}).fill(zero)"),
        ("min(a{*}, b{*})", "min(a{*}, b{*})"),
        ("count_not_null(a{*} by {x})", "count_not_null(a{*} by {x})"),
        ("count:m{*}", "count:m{*}"),
    ] {
        let tree = parse_expression(text).unwrap_or_else(|error| panic!("{text}\n{}", error.caret()));
        assert_eq!(print(&tree), canonical, "{text}");
        assert_eq!(parse_expression(canonical).as_ref(), Ok(&tree), "{text}");
    }
}

#[test]
fn scopes_have_a_canonical_text() {
    for (text, canonical) in [
        ("*", "*"),
        ("*,*,*", "*"),
        ("*,a:b,*", "a:b"),
        ("a:b,c:d", "a:b AND c:d"),
        ("a:b and c:d Or e:f", "a:b AND c:d OR e:f"),
        ("a OR b, c", "(a OR b) AND c"),
        ("a:b && !c:d || e", "a:b AND NOT c:d OR e"),
        ("NOT (a OR b)", "NOT (a OR b)"),
        ("!a:x,!a:y", "NOT a:x AND NOT a:y"),
        ("k IN (v1, v2),k not in(v3)", "k IN (v1,v2) AND k NOT IN (v3)"),
        ("NOT k IN (v1)", "k NOT IN (v1)"),
        ("host:web-*,*:redis,image:*re*dis*", "host:web-* AND *:redis AND image:*re*dis*"),
        ("$env,k:$a.value,!$b", "$env AND k:$a.value AND NOT $b"),
        ("url:\"/a b,c\"", "url:/a_b_c"),
        ("((a))", "a"),
        ("(a, b) OR c", "a AND b OR c"),
        ("a,", "a"),
        ("order:in,not:x", "order:in AND not:x"),
    ] {
        let tree = parse_scope(text).unwrap_or_else(|error| panic!("{text}\n{}", error.caret()));
        assert_eq!(print_filter(&tree), canonical, "{text}");
        assert_eq!(parse_scope(canonical).as_ref(), Ok(&tree), "{text}");
    }
}

#[test]
fn commas_separate_queries() {
    let queries = parse_request("avg:a{x,y} by {k,l}, max(b{*},1) , c{*}").unwrap();
    let texts: Vec<String> = queries.iter().map(print).collect();
    assert_eq!(texts, ["avg:a{x AND y} by {k,l}", "max(b{*}, 1)", "c{*}"]);
}

#[track_caller]
fn check_fault(text: &str, expected: Expect) {
    let fault = parse_request(text).expect_err("is at fault");
    assert!(fault.to_string().starts_with(&fault.message));
    expected.assert_eq(&fault.caret());
}

#[test]
fn faults_point_at_the_character() {
    check_fault(
        "avg:m{a b}",
        expect![[r#"
        avg:m{a b}
                ^ expected `,`, `AND`, `OR` or `}`"#]],
    );
    check_fault(
        "avg:m",
        expect![[r#"
        avg:m
             ^ expected a scope such as `{*}` after the metric"#]],
    );
    check_fault(
        "median:m{*}",
        expect![[r#"
        median:m{*}
        ^^^^^^ no space aggregator: median (avg, sum, min, max, count, stddev, p50 …)"#]],
    );
    check_fault(
        "avg:m{*} by {a b}",
        expect![[r#"
            avg:m{*} by {a b}
                           ^ expected `,` or `}` between tag keys"#]],
    );
    check_fault(
        "abs(avg:m{*}",
        expect![[r#"
        abs(avg:m{*}
                    ^ expected `,` or `)` after an argument"#]],
    );
    check_fault(
        "1 + ",
        expect![[r#"
        1 + 
            ^ expected a query, a number, a function or `(`"#]],
    );
    check_fault(
        "a{*} b{*}",
        expect![[r#"
        a{*} b{*}
             ^ expected an operator, `,` or the end"#]],
    );
    check_fault(
        "a{*}.rollup",
        expect![[r#"
        a{*}.rollup
                   ^ expected `(` after .rollup"#]],
    );
    check_fault(
        "top(a{*}, 'mean)",
        expect![[r#"
        top(a{*}, 'mean)
                  ^^^^^^ string without closing '"#]],
    );
    check_fault(
        "a{k IN ()}",
        expect![[r#"
        a{k IN ()}
                ^ expected a tag such as `env:prod`, or `*`"#]],
    );
    check_fault(
        "12abc",
        expect![[r#"
        12abc
        ^^^^^ not a number: 12abc"#]],
    );
    check_fault(
        "",
        expect![[r#"

        ^ expected a query, a number, a function or `(`"#]],
    );
    check_fault(
        "é{*}",
        expect![[r#"
        é{*}
        ^ expected a query, a number, a function or `(`"#]],
    );
}

#[test]
fn depth_and_size_are_bounded() {
    for text in [
        "(".repeat(100_000),
        "-".repeat(60_000),
        "abs(".repeat(10_000),
        format!("a{{{}x}}", "!".repeat(60_000)),
        format!("a{{{}x}}", "(".repeat(60_000)),
        format!("1{}", "+1".repeat(20_000)),
        format!("a{{{}}}", "x,".repeat(20_000)),
        format!("a{{*}}{}", ".f()".repeat(10_000)),
        "1,".repeat(1000),
        "x".repeat(100_000),
    ] {
        let fault = parse_request(&text).expect_err("is too large");
        assert!(fault.message.contains("than"), "{}", fault.message);
    }
}

fn words() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "system.load.1", "query_1", "my.count", "x9", "env", "rate"]).prop_map(str::to_owned)
}

fn terms() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["env:prod", "host:web-*", "*:x", "$v", "k:$v.value", "bare", "é:ü", "a:b:c/d"])
        .prop_map(str::to_owned)
}

fn filters() -> impl Strategy<Value = Filter> {
    let leaf = prop_oneof![
        Just(Filter::All),
        terms().prop_map(Filter::Term),
        (words(), prop::collection::vec(terms(), 1..3)).prop_map(|(key, values)| Filter::In { key, values }),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(scope::all_of),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| {
                // The parser never leaves an OR directly inside another one.
                let flat =
                    parts.into_iter().flat_map(|part| if let Filter::Or(inner) = part { inner } else { vec![part] });
                Filter::Or(flat.collect())
            }),
            inner.prop_map(|part| Filter::Not(Box::new(part))),
        ]
    })
}

fn calls(args: impl Strategy<Value = Expr> + 'static) -> impl Strategy<Value = Call> {
    let value = prop_oneof![
        args.prop_map(ArgValue::Expr),
        "[a-z0-9 ()',{}]{0,8}".prop_map(ArgValue::Text),
        Just(ArgValue::Word("12am".into())),
        prop::collection::btree_set(words(), 0..3).prop_map(|keys| ArgValue::Keys(keys.into_iter().collect())),
    ];
    let arg = (prop::option::of(Just("name".to_owned())), value).prop_map(|(name, value)| Arg {
        name,
        value,
        span: Default::default(),
    });
    let name = prop::sample::select(vec!["abs", "rollup", "top", "min"]);
    (name, prop::collection::vec(arg, 0..3)).prop_map(|(name, args)| Call {
        name: name.into(),
        args,
        span: Default::default(),
    })
}

fn queries() -> impl Strategy<Value = Expr> {
    let between = SpaceAgg::CountBetween { low: 1.5, low_inclusive: false, high: f64::INFINITY, high_inclusive: true };
    let space = prop::option::of(prop::sample::select(vec![
        SpaceAgg::Avg,
        SpaceAgg::Percentile(99.9),
        SpaceAgg::Count,
        between,
    ]));
    let modifiers =
        prop::collection::vec(calls((0..1000_u32).prop_map(|value| Expr::new(ExprKind::Number(value.into())))), 0..3);
    let keys = prop::collection::btree_set(words(), 0..3);
    (space, words(), filters(), keys, modifiers).prop_map(|(space, metric, filter, keys, modifiers)| {
        let group_by = keys.into_iter().collect();
        Expr::new(ExprKind::Query(MetricQuery { space, metric, filter, group_by, modifiers }))
    })
}

fn expressions() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        (0.0..1e12_f64).prop_map(|value| Expr::new(ExprKind::Number(value))),
        words().prop_map(|name| Expr::new(ExprKind::Name(name))),
        queries(),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let operator =
            prop::sample::select(vec![Operator::Add, Operator::Subtract, Operator::Multiply, Operator::Divide]);
        prop_oneof![
            inner.clone().prop_map(|inner| Expr::new(ExprKind::Negate(Box::new(inner)))),
            (operator, inner.clone(), inner.clone()).prop_map(|(operator, left, right)| {
                Expr::new(ExprKind::Binary { operator, left: Box::new(left), right: Box::new(right) })
            }),
            calls(inner.clone()).prop_map(|call| Expr::new(ExprKind::Call(call))),
            (inner.clone(), calls(inner))
                .prop_map(|(inner, modifier)| { Expr::new(ExprKind::Modified { inner: Box::new(inner), modifier }) }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn printing_loses_nothing(tree in expressions()) {
        let text = print(&tree);
        prop_assert_eq!(parse_expression(&text).map_err(|fault| fault.caret()), Ok(tree), "{}", text);
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in "[a-z0-9 .,:{}()*/+'\"$!&|<>=INORAT-]{0,60}") {
        if let Err(fault) = parse_request(&text) {
            let _ = (fault.caret(), fault.to_string());
        }
    }

    #[test]
    fn any_unicode_is_parsed_or_refused(text in any::<String>()) {
        if let Err(fault) = parse_request(&text) {
            let _ = (fault.caret(), fault.to_string());
        }
    }
}
