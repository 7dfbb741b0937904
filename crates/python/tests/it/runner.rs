//! Parts of the runner that are easier to test in Python: each script raises when something is wrong. `GALGO_PYTHONS`
//! may name further interpreters, separated by colons, that have to agree.

use std::path::{Path, PathBuf};
use std::process::Command;

fn interpreters() -> Vec<PathBuf> {
    let more = std::env::var("GALGO_PYTHONS").unwrap_or_default();
    let first = crate::rig::interpreter().unwrap_or_else(|| "python3".into());
    std::iter::once(first).chain(more.split(':').filter(|path| !path.is_empty()).map(PathBuf::from)).collect()
}

fn check(script: &str) {
    let runner = Path::new(env!("CARGO_MANIFEST_DIR")).join("runner");
    for interpreter in interpreters() {
        let mut system = Command::new(&interpreter);
        system.arg("-B").arg("-c").arg(script).env("PYTHONPATH", &runner);
        let ended = system.output().unwrap();
        let errors = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{}: {errors}", interpreter.display());
    }
}

#[test]
fn sql_loses_its_literals_and_keeps_its_shape() {
    check(
        r#"
from galgo_runner.sql import obfuscate, obfuscate_with_options, obfuscate_plan, obfuscate_json_values
import json
for query, dialect, expected in [
    ("SELECT * FROM t WHERE a = 'x''y' AND b=1.5e3", "", "SELECT * FROM t WHERE a = ? AND b=?"),
    ("select  a,\n b from t1 where id in (1,2 , 3);", "", "select a, b from t1 where id in ( ? )"),
    ("INSERT INTO t VALUES (1,'a'), (2, 'b')", "", "INSERT INTO t VALUES ( ? )"),
    ("SELECT \"x\" /* c */ FROM t -- end", "mysql", "SELECT ? FROM t"),
    ("SELECT \"x\" FROM \"T\"", "postgresql", 'SELECT "x" FROM "T"'),
    ("SELECT 1 # secret", "mysql", "SELECT ?"),
    ("SELECT $tag$it's$tag$, $1, $$x$$", "postgresql", "SELECT ?, ?, ?"),
    ("WHERE a IS NOT NULL AND b = NULL AND c = TRUE", "", "WHERE a IS NOT NULL AND b = ? AND c = ?"),
    ("SELECT 'never ends", "", "SELECT ?"),
    ("SELECT 0xFF, x'AB', .5", "", "SELECT ?, ?, ?"),
    ("SELECT `a 1` FROM [my table]", "", "SELECT `a 1` FROM [my table]"),
    ("", "", ""),
]:
    assert obfuscate(query, dialect).query == expected, (query, obfuscate(query, dialect).query)
options = json.dumps({"return_json_metadata": True, "table_names": True, "collect_commands": True,
                      "collect_comments": True, "replace_digits": True})
made = json.loads(obfuscate_with_options("/* x */ SELECT a FROM t1 JOIN u ON 1=1", options))
assert made["query"] == "SELECT a FROM t? JOIN u ON ?=?", made
assert made["metadata"]["tables_csv"] == "t?,u" and made["metadata"]["commands"] == ["SELECT", "JOIN"], made
assert made["metadata"]["comments"] == ["/* x */"] and made["metadata"]["size"] == 21, made
plan = obfuscate_plan('{"Plan": {"Filter": "(a = 5)", "Total Cost": 3, "Node Type": "Seq Scan"}}', True)
assert plan == '{"Plan":{"Filter":"(a = ?)","Node Type":"Seq Scan"}}', plan
assert obfuscate_json_values('{"find": "x", "filter": {"a": [1, "b"]}}') == '{"find":"?","filter":{"a":["?","?"]}}'
"#,
    );
}

#[test]
fn messages_survive_every_value() {
    check(
        r#"
import json, socket, threading
from galgo_runner.channel import Channel, encode, plain
assert json.loads(encode({"a": "\ud800x", "b": float("nan"), 3: {1, 1}, "c": b"\xff", "d": 2**80})) == {
    "a": "?x", "b": "nan", "3": [1], "c": "\ufffd", "d": 2**80}
a, b = socket.socketpair()
sender, receiver = Channel(a), Channel(b)
threads = [threading.Thread(target=lambda: [sender.send({"text": "x" * 5000}) for _ in range(50)]) for _ in range(4)]
for thread in threads: thread.start()
for _ in range(200): assert receiver.receive() == {"text": "x" * 5000}
assert sender.send({"text": "x" * (17 << 20)}) is False
a.close(); sender._reader.close()
assert receiver.receive() is None
"#,
    );
}

#[test]
fn print_makes_whole_lines() {
    check(
        r#"
from galgo_runner.streams import Printed
lines = []
out = Printed(lambda level, line: lines.append((level, line)), 20, 1)
print("a", end="", file=out); print("b\nc", file=out); print("   ", file=out)
out.buffer.write(b"raw \xff\n"); out.write("rest"); out.flush(); out.flush()
out.write("x" * 9000)
assert lines == [(20, "ab"), (20, "c"), (20, "raw \ufffd"), (20, "rest"), (20, "x" * 9000)], lines
assert out.fileno() == 1 and not out.isatty() and out.encoding == "utf-8"
try: out.write(b"bytes")
except TypeError: pass
else: raise AssertionError("bytes were taken")
"#,
    );
}

#[test]
fn settings_do_not_show_their_values() {
    check(
        r#"
import copy
from galgo_runner.settings import Settings
s = Settings({"api_key": "secret", "proxy": {"http": "h"}, "a.b": 1})
assert "secret" not in repr(s) and "secret" not in str(s) and "secret" not in "%s" % copy.deepcopy(s)
assert s.lookup("proxy.http") == "h" and s.lookup("a.b") == 1 and s.lookup("proxy.x.y") is None
s.lookup("proxy")["http"] = "changed"
assert s.lookup("proxy.http") == "h"
"#,
    );
}

#[test]
fn the_built_in_base_normalises_and_reads_options() {
    check(
        r#"
import os, sys, tempfile
import galgo_runner
from galgo_runner import modules
from galgo_runner.cache import PersistentCache
from galgo_runner.native import link
from galgo_runner.settings import Settings
link.settings, link.batch_of, link.log = Settings(), lambda check_id: None, lambda level, text: None
modules.install_native()
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(galgo_runner.__file__)), "builtin"))
from datadog_checks.base import AgentCheck, ConfigurationError, OpenMetricsBaseCheckV2, is_affirmative, ensure_unicode
from datadog_checks.base.utils.common import round_value
check = AgentCheck("n", {}, [{}])
for name, prefix, fix, expected in [
    ("metric-name.with spaces", None, False, "metric_name.with_spaces"), ("_a__b_.c", "p", False, "p.a_b.c"),
    ("CamelCaseName", "My.Prefix", True, "my.prefix.camel_case_name"), (b"bytes", None, False, "bytes"),
]:
    assert check.normalize(name, prefix, fix) == expected, (name, check.normalize(name, prefix, fix))
assert check.normalize_tag("a, b/c") == "a_b_c", check.normalize_tag("a, b/c")
assert [is_affirmative(x) for x in (True, "yes", "On", 1, None, "no", 0, "")] == [True] * 4 + [False] * 4
assert round_value(2.5) == 3.0 and ensure_unicode(b"x") == "x"
assert (AgentCheck.OK, AgentCheck.WARNING, AgentCheck.CRITICAL, AgentCheck.UNKNOWN) == (0, 1, 2, 3)
try: OpenMetricsBaseCheckV2("n", {}, [{}])
except ConfigurationError as error: assert "install datadog-checks-base" in str(error), error
else: raise AssertionError("made")
cache = PersistentCache(os.path.join(tempfile.mkdtemp(), "new"))
cache.write("a/../b", "line\r\n"); cache.write("a_.._b", "other")
assert (cache.read("a/../b"), cache.read("a_.._b"), cache.read("c")) == ("line\r\n", "other", "")
"#,
    );
}
