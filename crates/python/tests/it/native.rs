//! What checks ask of the agent.

use serde_json::json;

use crate::rig::{Rig, values};

#[tokio::test]
async fn the_native_modules_answer_as_documented() {
    let rig = Rig::new();
    rig.module(
        "asks",
        r#"
import json, os
import aggregator, datadog_agent, tagger, kubeutil, containers, _util, util
from checks import AgentCheck

def raises(error, function, *arguments):
    try:
        function(*arguments)
    except error:
        return True
    return False

class Asks(AgentCheck):
    def check(self, instance):
        assert datadog_agent.get_config("api_key") == "0123456789abcdef0123456789abcdef"
        assert datadog_agent.get_config("proxy.http") == "" and datadog_agent.get_config("no.such.key") is None
        assert "0123" not in repr(self.agentConfig) and "0123" not in "%s" % self.agentConfig
        assert json.loads(datadog_agent.get_host_tags()) == {"system": ["env:test", "region:france"]}
        assert datadog_agent.get_hostname() == self.hostname == "test-host"
        assert datadog_agent.headers(http_host="h")["Host"] == "h" and "User-Agent" in util.headers(None)
        assert datadog_agent.get_clustername() is None and datadog_agent.tracemalloc_enabled() is False
        assert datadog_agent.get_process_start_time() > 1e9
        assert tagger.tag("container_id://x", tagger.LOW) == [] and raises(TypeError, tagger.tag, "x", 9)
        assert raises(TypeError, tagger.tag, None, 0) and tagger.get_tags("x", True) == []
        assert kubeutil.get_connection_info() == {}
        assert containers.is_excluded("n", "pause:3") and not containers.is_excluded("n", "redis", "ns")
        assert _util.subprocess_output(["sh", "-c", "echo out; echo err >&2; exit 3"], False) == ("out\n", "err\n", 3)
        assert raises(_util.SubprocessOutputEmptyError, _util.get_subprocess_output, ["true"], True)
        assert raises(TypeError, _util.subprocess_output, [], True)
        assert _util.subprocess_output(["printenv", "X"], True, {"X": "y", "PATH": os.environ["PATH"]})[0] == "y\n"
        assert raises(TypeError, aggregator.submit_metric, self, self.check_id, 0, "m", 1.0, "tag", "", False)
        aggregator.submit_metric(self, self.check_id, aggregator.GAUGE, "direct", 1.0, ["t", 7, None], "", False)
        plain = datadog_agent.obfuscate_sql("SELECT * FROM users WHERE id IN (1, 2) AND name = 'x' -- c")
        assert plain == "SELECT * FROM users WHERE id IN ( ? ) AND name = ?", plain
"#,
    );
    let samples = rig.run_ok("asks", json!({})).await;
    assert_eq!(values(&samples), [("direct", 1.0)]);
    assert_eq!(samples.values[0].tags, ["t"]);
}

#[tokio::test]
async fn what_was_kept_survives_a_new_process() {
    let rig = Rig::new();
    rig.body(
        "keeps",
        "kept = self.read_persistent_cache('n')\nself.gauge('n', int(kept or 0))\nself.write_persistent_cache('n', \
         '%d' % (int(kept or 0) + 1))\nself.write_persistent_cache('../../n', 'x')",
    );
    assert_eq!(values(&rig.run_ok("keeps", json!({})).await), [("n", 0.0)]);
    let again = Rig::with(|config| {
        config.check_dirs = vec![rig.folder.path().join("checks.d")];
        config.run_dir = rig.folder.path().join("run");
    });
    assert_eq!(values(&again.run_ok("keeps", json!({})).await), [("n", 1.0)]);
    let files = std::fs::read_dir(rig.folder.path().join("run/python-cache")).unwrap().count();
    assert_eq!(files, 2, "nothing outside of the folder");
}
