//! Which files, classes and constructors become checks.

use std::path::Path;

use galgo_agent::check::Loader;
use serde_json::json;

use crate::rig::{Rig, instance, run, values};

/// The evaluator's own file, unchanged.
#[tokio::test]
async fn the_exercise_runs_as_it_is() {
    let rig = Rig::new();
    rig.module(
        "my_metric",
        "from checks import AgentCheck\nimport random\n\nclass my_check(AgentCheck):\n    def check(self, \
         instance):\n        self.gauge('my_metric',random.randint(0,1000))\n",
    );
    let samples = rig.run_ok("my_metric", json!({ "min_collection_interval": 45 })).await;
    assert_eq!(samples.values.len(), 1);
    let value = samples.values[0].value;
    assert!(samples.values[0].metric == "my_metric" && (0.0..=1000.0).contains(&value));
}

#[tokio::test]
async fn what_is_no_check_is_left_to_others() {
    let rig = Rig::new();
    for name in ["nothing_of_that_name", "statistics", "os", "json"] {
        assert!(rig.loader.load(&instance(name, json!({}))).await.is_none(), "{name}");
    }
}

#[tokio::test]
async fn without_an_interpreter_only_those_who_wrote_a_check_are_bothered() {
    let rig = Rig::with(|config| config.interpreter = Some("/nonexistent/python3".into()));
    rig.body("mine", "pass");
    assert!(rig.loader.load(&instance("other", json!({}))).await.is_none());
    let error = rig.load("mine", json!({})).await.err().unwrap();
    assert_eq!(error.message, "no Python interpreter: /nonexistent/python3 is not an executable file");
    assert_eq!(rig.loader.state().interpreter, None);
}

#[tokio::test]
async fn an_interpreter_that_is_none_is_tried_again_later() {
    let rig = Rig::with(|config| config.interpreter = Some("/bin/false".into()));
    rig.body("mine", "pass");
    for _ in 0..2 {
        let error = rig.load("mine", json!({})).await.err().unwrap().message;
        assert!(error.starts_with("/bin/false is no Python that can run checks: "), "{error}");
    }
    let error = rig.load("mine", json!({})).await.err().unwrap().message;
    assert!(error.starts_with("Python is started again in "), "{error}");
}

#[tokio::test]
async fn every_constructor_of_all_times_works() {
    let rig = Rig::new();
    for (at, constructor) in [
        "def __init__(self, name, init_config, instances): super().__init__(name, init_config, instances)",
        "def __init__(self, name, init_config, agentConfig, instances=None):
        AgentCheck.__init__(self, name, init_config, agentConfig, instances)
        assert agentConfig['api_key'], agentConfig",
        "def __init__(self, name, init_config, agentConfig=None, instances=None):
        super().__init__(name, init_config, agentConfig, instances)",
        "def __init__(self, *args, **kwargs): super().__init__(*args, **kwargs)",
        "def __init__(self, check_name, settings, all_instances):
        super().__init__(check_name, settings, all_instances)",
        "def __init__(self, a, b, c, d): super().__init__(a, b, c, d)",
    ]
    .iter()
    .enumerate()
    {
        let name = format!("made{at}");
        rig.module(
            &name,
            &format!(
                "from datadog_checks.base import AgentCheck\nclass C(AgentCheck):\n    {constructor}\n    def check(self, \
                 instance):\n        assert self.name == '{name}' and self.check_id.startswith('{name}:')\n        \
                 assert self.provider == 'file' and self.instances == [instance]\n        self.gauge('m', \
                 instance['x'])\n"
            ),
        );
        assert_eq!(values(&rig.run_ok(&name, json!({ "x": at })).await), [("m", at as f64)]);
    }
    rig.module("odd", "from checks import AgentCheck\nclass Odd(AgentCheck):\n    def __init__(self): pass\n");
    let error = rig.load("odd", json!({})).await.err().unwrap().message;
    assert_eq!(error, "Odd cannot be made: its constructor takes (), expected (name, init_config, instances)");
}

#[tokio::test]
async fn the_class_is_the_one_nothing_derives_from() {
    let rig = Rig::new();
    rig.module(
        "base_of_ours",
        "from datadog_checks.base import AgentCheck, OpenMetricsBaseCheck\n__version__ = '1.2'\nclass \
         Ours(AgentCheck):\n    def check(self, instance): self.gauge('ours', 1)\n",
    );
    rig.module(
        "derived",
        "from datadog_checks.base import AgentCheck, OpenMetricsBaseCheck\nfrom base_of_ours import Ours\nclass \
         Abstract(Ours): pass\nclass Real(Abstract):\n    def check(self, instance): self.gauge('derived', 1)\n",
    );
    assert_eq!(values(&rig.run_ok("derived", json!({})).await), [("derived", 1.0)]);
    assert_eq!(values(&rig.run_ok("base_of_ours", json!({})).await), [("ours", 1.0)]);
    assert_eq!(rig.load("base_of_ours", json!({})).await.unwrap().version(), "1.2");
    assert_eq!(rig.load("derived", json!({})).await.unwrap().version(), "unversioned");
    rig.module("empty", "x = 1\n");
    let error = rig.load("empty", json!({})).await.err().unwrap().message;
    assert!(error.ends_with("checks.d/empty.py derives from AgentCheck") && error.starts_with("no class in "));
}

#[tokio::test]
async fn a_module_that_does_not_compile_says_where() {
    let rig = Rig::new();
    rig.module("broken", "from checks import AgentCheck\nprint 'old'\n");
    let error = rig.load("broken", json!({})).await.err().unwrap();
    assert!(error.message.starts_with("SyntaxError: "), "{error}");
    assert!(error.traceback.contains("broken.py\", line 2"), "{}", error.traceback);
    rig.body("broken", "self.gauge('m', 1)");
    assert_eq!(values(&rig.run_ok("broken", json!({})).await), [("m", 1.0)]);
}

#[tokio::test]
async fn a_check_may_have_the_name_of_a_library() {
    let rig = Rig::new();
    rig.body("statistics", "import statistics\nself.gauge('mean', statistics.mean([1, 3]))");
    assert_eq!(values(&rig.run_ok("statistics", json!({})).await), [("mean", 2.0)]);
}

#[tokio::test]
async fn old_names_of_packages_are_known() {
    let rig = Rig::new();
    rig.module(
        "old",
        r#"
import logging
from checks import AgentCheck, CheckException
from checks.network_checks import NetworkCheck, Status, EventType
from config import _is_affirmative
from utils.subprocess_output import get_subprocess_output
from datadog_checks.checks import AgentCheck as Same
from datadog_checks.config import is_affirmative
from datadog_checks.errors import CheckException as Error

class Old(AgentCheck):
    def check(self, instance):
        assert Same is AgentCheck and issubclass(Error, Exception) and Status.DOWN
        out, err, code = get_subprocess_output(["echo", "hello"], self.log)
        assert (out, err, code) == ("hello\n", "", 0)
        self.gauge("old", _is_affirmative("yes"))
"#,
    );
    assert_eq!(values(&rig.run_ok("old", json!({})).await), [("old", 1.0)]);
}

#[tokio::test]
async fn changed_files_are_loaded_anew_on_reload_and_only_then() {
    let rig = Rig::new();
    rig.module("helper", "VALUE = 1\n");
    rig.body("changing", "import helper\nself.gauge('m', helper.VALUE)");
    rig.body("other", "self.runs = getattr(self, 'runs', 0) + 1\nself.gauge('runs', self.runs)");
    let mut check = rig.load("changing", json!({})).await.unwrap();
    assert_eq!(values(&run(&mut *check).await.0), [("m", 1.0)]);
    // The same size within the same second: a cache of compiled files would not see it.
    rig.module("helper", "VALUE = 2\n");
    assert_eq!(values(&run(&mut *check).await.0), [("m", 1.0)]);
    rig.loader.reload().await;
    assert_eq!(values(&run(&mut *check).await.0), [("m", 2.0)]);
    rig.loader.reload().await;
    rig.body("changing", "self.gauge('n', 3)");
    rig.loader.reload().await;
    assert_eq!(values(&run(&mut *check).await.0), [("n", 3.0)]);
    let mut other = rig.load("other", json!({})).await.unwrap();
    run(&mut *other).await.1.unwrap();
    rig.loader.reload().await;
    assert_eq!(values(&run(&mut *other).await.0), [("runs", 2.0)], "nothing changed, so the check is the same object");
    assert!(!Path::new(&rig.folder.path().join("checks.d/__pycache__")).exists());
}

#[tokio::test]
async fn several_instances_are_several_objects() {
    let rig = Rig::new();
    rig.body("many", "self.n = getattr(self, 'n', 0) + 1\nself.gauge('n', self.n, tags=['i:%s' % instance['i']])");
    let mut first = rig.load("many", json!({ "i": 1 })).await.unwrap();
    let mut second = rig.load("many", json!({ "i": 2 })).await.unwrap();
    run(&mut *first).await.1.unwrap();
    assert_eq!(values(&run(&mut *first).await.0), [("n", 2.0)]);
    let (samples, _) = run(&mut *second).await;
    assert_eq!((samples.values[0].value, samples.values[0].tags.as_slice()), (1.0, ["i:2".to_owned()].as_slice()));
}
