//! What is found in folders of check configurations.

use expect_test::{Expect, expect};
use serde_json::json;

use super::*;

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// An agent's folder with these files, their paths relative to it.
struct Agent(tempfile::TempDir);

impl Agent {
    fn with(files: &[(&str, &str)]) -> Self {
        let agent = Self(tempfile::tempdir().unwrap());
        agent.write("datadog.yaml", &format!("api_key: {KEY}\nhostname: web-1\nlogs_enabled: true\n"));
        std::fs::create_dir_all(agent.0.path().join("conf.d")).unwrap();
        files.iter().for_each(|(path, text)| agent.write(&format!("conf.d/{path}"), text));
        agent
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn settings(&self) -> Settings {
        let variables = [("DB_PORT", "3306"), ("DB_PASS", "0007"), ("EMPTY", "")];
        Settings::load(self.0.path(), variables.map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap()
    }

    fn discover(&self, defaults: &[&str]) -> Discovery {
        discover(&self.settings(), defaults)
    }

    /// One line for everything that was found.
    fn digest(&self, defaults: &[&str]) -> String {
        let found = self.discover(defaults);
        let mut lines = Vec::new();
        for instance in &found.instances {
            lines.push(format!(
                "{} <{}> {} {}",
                instance.check, instance.source, instance.options, instance.init_config
            ));
        }
        for log in &found.logs {
            lines.push(format!("log of {} <{}> {}", log.check, log.source, log.config));
        }
        for problem in &found.problems {
            lines.push(format!("{:?} {problem}", problem.severity));
        }
        lines.join("\n").replace(&format!("{}/conf.d/", self.0.path().display()), "")
    }
}

fn check(files: &[(&str, &str)], defaults: &[&str], expected: Expect) {
    expected.assert_eq(&Agent::with(files).digest(defaults));
}

#[test]
fn files_and_folders_belong_to_a_check_by_their_name() {
    check(
        &[
            ("one.yaml", "instances: [{a: 1}]"),
            ("two.yml", "instances: [{a: 1}]"),
            ("three.d/conf.yaml", "instances: [{a: 1}]"),
            ("three.d/more.yml", "init_config: {x: 1}\ninstances: [{a: 1}, {a: 2}]"),
            ("three.d/metrics.yaml", "jmx_metrics: []"),
            ("three.d/auto_conf.yaml", "ad_identifiers: [three]\ninstances: [{}]"),
            ("three.d/conf.yaml.example", "instances: [{a: 3}]"),
            ("three.d/deeper.d/conf.yaml", "instances: [{a: 4}]"),
            ("four.yaml.example", "instances: [{}]"),
            ("five/conf.yaml", "instances: [{}]"),
            ("six.yaml.bak", "instances: [{}]"),
            (".hidden.yaml", "instances: [{}]"),
            ("notes.txt", "instances: [{}]"),
            ("seven.yaml", "# nothing but a comment\n"),
        ],
        &[],
        expect![[r#"
            one <one.yaml, instance 1> {"a":1} {}
            three <three.d/conf.yaml, instance 1> {"a":1} {}
            three <three.d/more.yml, instance 1> {"a":1} {"x":1}
            three <three.d/more.yml, instance 2> {"a":2} {"x":1}
            two <two.yml, instance 1> {"a":1} {}"#]],
    );
}

#[test]
fn default_files_and_default_checks_give_way() {
    check(
        &[
            ("cpu.d/conf.yaml.default", "instances: [{}]"),
            ("disk.d/conf.yaml.default", "instances: [{use_mount: false}]"),
            ("disk.d/conf.yaml", "instances: [{use_mount: true}]"),
            ("load.d/conf.yaml", "logs: [{type: file, path: /x}]"),
            ("load.d/conf.yaml.default", "instances: [{from: default}]"),
            ("ntp.yaml", "instances: []"),
            ("memory.yaml", "instances: [{\n"),
        ],
        &["cpu", "disk", "load", "memory", "ntp", "uptime"],
        expect![[r#"
            cpu <cpu.d/conf.yaml.default, instance 1> {} {}
            disk <disk.d/conf.yaml, instance 1> {"use_mount":true} {}
            load <load.d/conf.yaml.default, instance 1> {"from":"default"} {}
            memory <built in> {} {}
            uptime <built in> {} {}
            log of load <load.d/conf.yaml, instance 1> {"type":"file","path":"/x"}
            Error memory.yaml:1: not valid YAML: a value was expected here (is a [ or { before it not closed?)"#]],
    );
}

#[test]
fn the_exercise_files_work() {
    let mysql = "init_config:\n\ninstances:\n  - server: 127.0.0.1\n    user: datadog\n    pass: XXXXXXXX\n    port: 3306   # Optional\n\
                 \x20   options:               # Optional\n      replication: 0\n      galera_cluster: 1\n      extra_status_metrics: true\n\n\
                 logs:\n  - type: file\n    path: /var/log/mysql/mysql_error.log\n    source: mysql\n    sourcecategory: database\n    service: myapplication\n";
    check(
        &[
            ("mysql.d/conf.yaml", mysql),
            ("my_metric.yaml", "init_config:\n\ninstances:\n - min_collection_interval: 45\n"),
            ("first.yaml", "init_config:\ninstances:\n    [{}]\n"),
            ("null.yaml", "init_config:\ninstances:\n  -\n  - ~\n"),
        ],
        &[],
        expect![[r#"
            first <first.yaml, instance 1> {} {}
            my_metric <my_metric.yaml, instance 1> {"min_collection_interval":45} {}
            mysql <mysql.d/conf.yaml, instance 1> {"server":"127.0.0.1","user":"datadog","pass":"XXXXXXXX","port":3306,"options":{"replication":0,"galera_cluster":1,"extra_status_metrics":true}} {}
            null <null.yaml, instance 1> {} {}
            log of mysql <mysql.d/conf.yaml, instance 1> {"type":"file","path":"/var/log/mysql/mysql_error.log","source":"mysql","sourcecategory":"database","service":"myapplication"}
            Note null.yaml:4: instance 2 is the same as that of null.yaml, instance 1, left out"#]],
    );
}

#[test]
fn a_broken_file_stops_no_other_one() {
    check(
        &[
            ("a.yaml", "init_config:\ninstances:\n  - host: x\n   port: 1\n"),
            ("b.yaml", "init_config: [1]\ninstances: [{}]\n"),
            ("c.yaml", "instances: {host: x}\n"),
            ("d.yaml", "instances:\n- {}\n- http://me:secret@host/x\n- [1]\n"),
            ("e.yaml", "instances:\n- tags: []\n  min_collection_interval: often\n"),
            ("f.yaml", "init_config:\n  min_collection_interval: -1\ninstances: [{}]\n"),
            ("g.yaml", "init_config:\n"),
            ("h.yaml", "- host: x\n"),
            ("i.yaml", "instances:\n"),
            ("j.yaml", "logs: {type: file}\n"),
            ("k.yaml", "logs:\n- type: file\n  path: /x\n- just text\n"),
            ("l.yaml", "instances:\n- a: 1\n  a: 2\n- a: 2\n"),
            ("m.yaml", "ad_identifiers:\n- redis\ninstances: [{host: '%%host%%'}]\n"),
            ("n.yaml", "instances:\n- host: %%host%%\n"),
            ("z.yaml", "instances: [{fine: true}]\n"),
        ],
        &[],
        expect![[r#"
            d <d.yaml, instance 1> {} {}
            l <l.yaml, instance 1> {"a":2} {}
            z <z.yaml, instance 1> {"fine":true} {}
            log of k <k.yaml, instance 1> {"type":"file","path":"/x"}
            Error a.yaml:4: not valid YAML: expected another item of the list (- …), check the indentation
            Error b.yaml:1: init_config must be a map, not a list
            Error c.yaml:1: instances must be a list of maps, not a map
            Error d.yaml:3: instance 2 must be a map of options, not "http://me:********@host/x"
            Error d.yaml:4: instance 3 must be a map of options, not a list
            Error e.yaml:3: instance 1: min_collection_interval must be a number of seconds above 0, not "often"
            Error f.yaml:2: instance 1: min_collection_interval must be a number of seconds above 0, not -1
            Error g.yaml: has neither instances nor logs
            Error h.yaml:1: must be a map with init_config and instances, not a list
            Error i.yaml:1: instances is empty: expected a list with a map for each instance, such as [{}]
            Error j.yaml:1: logs must be a list of maps, not a map
            Error k.yaml:4: entry 2 of logs must be a map with type and path or port, not "just text"
            Note l.yaml:3: a stands twice, this value counts
            Note l.yaml:4: instance 2 is the same as that of l.yaml, instance 1, left out
            Note m.yaml:1: is a template for containers (ad_identifiers), left out
            Error n.yaml:2: not valid YAML: a value that starts with % must be quoted"#]],
    );
}

#[test]
fn a_service_of_the_check_holds_for_its_logs() {
    check(
        &[("a.yaml", "init_config: {service: shop}\nlogs: [{path: /a}, {path: /b, service: own}]\ninstances:\n")],
        &[],
        expect![[r#"
            log of a <a.yaml, instance 1> {"path":"/a","service":"shop"}
            log of a <a.yaml, instance 2> {"path":"/b","service":"own"}"#]],
    );
    let agent = Agent::with(&[("a.yaml", "logs: [{path: /a}]\n")]);
    agent.write("datadog.yaml", &format!("api_key: {KEY}\n"));
    expect![[r#"
        log of a <a.yaml, instance 1> {"path":"/a"}
        Note a.yaml: has logs, but logs_enabled is not true in datadog.yaml: none are collected"#]]
    .assert_eq(&agent.digest(&[]));
}

#[test]
fn variables_are_filled_in() {
    check(
        &[
            (
                "a.yaml",
                "init_config: {pass: '%%env_DB_PASS%%', date: '%%Y%%', load: 5%%}\ninstances:\n\
                 - host: '%%host%%'\n  port: '%%env_DB_PORT%%'\n  url: http://%%hostname%%:%%env_DB_PORT%%/\n  pass: ENC[env:DB_PASS]\n",
            ),
            ("b.yaml", "instances:\n- host: a\n  port: '%%port%%'\n"),
            (
                "c.yaml",
                "instances:\n- url: x\n  pass: '%%env_NOT_SET%%'\n- pass: ENC[env:NOT_SET]\n- pass: ENC[handle]\n- fine: 1\nlogs:\n- path: ENC[x]\n- path: /y\n",
            ),
            ("d.yaml", "init_config:\n  pass: ENC[handle]\ninstances: [{}]\n"),
        ],
        &[],
        expect![[r#"
            a <a.yaml, instance 1> {"host":"127.0.0.1","port":3306,"url":"http://web-1:3306/","pass":"0007"} {"pass":"0007","date":"%%Y%%","load":"5%%"}
            c <c.yaml, instance 4> {"fine":1} {}
            log of c <c.yaml, instance 2> {"path":"/y"}
            Error b.yaml:3: instances[0].port: %%port%% is only known for containers, here are %%env_NAME%%, %%host%% and %%hostname%%
            Error c.yaml:3: instances[0].pass: %%env_NOT_SET%%: the environment variable NOT_SET is not set
            Error c.yaml:4: instances[1].pass is a secret that cannot be resolved: the environment variable NOT_SET is not set
            Error c.yaml:5: instances[2].pass is a secret that cannot be resolved: secret_backend_command is not set
            Error c.yaml:8: logs[0].path is a secret that cannot be resolved: secret_backend_command is not set
            Error d.yaml:2: init_config.pass is a secret that cannot be resolved: secret_backend_command is not set"#]],
    );
}

#[test]
fn several_folders_are_searched_in_order() {
    let agent = Agent::with(&[("a.yaml", "instances: [{x: 1}]")]);
    agent.write("more/a.yaml", "instances: [{x: 2}, {x: 1}]");
    let dir = agent.0.path().display().to_string();
    agent.write("datadog.yaml", &format!("api_key: {KEY}\nconfd_path: [conf.d, '{dir}/more', missing]\n"));
    let found = agent.discover(&[]);
    let options: Vec<_> = found.instances.iter().map(|instance| instance.options.clone()).collect();
    assert_eq!(options, [json!({ "x": 1 }), json!({ "x": 2 })]);
    assert_eq!(found.problems.len(), 1);
}
