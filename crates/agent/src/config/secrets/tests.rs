//! The secret backend: what it is asked, what its answers become, and its faults.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use expect_test::expect;

use crate::config::{Settings, discover};

/// A folder with a backend (a shell script) and the files of an agent that uses it.
struct Agent(tempfile::TempDir);

impl Agent {
    fn with(script: &str, settings: &str) -> Self {
        let agent = Self(tempfile::tempdir().unwrap());
        agent.write("script", &format!("#!/bin/sh\n{script}\n"));
        // Written by another process: a program that this one still has open for writing cannot be started.
        let copied = std::process::Command::new("cp").args([agent.path("script"), agent.path("backend")]).status();
        assert!(copied.unwrap().success());
        agent.set_mode(0o700);
        agent.write("datadog.yaml", &format!("secret_backend_command: {}/backend\n{settings}", agent.dir()));
        agent
    }

    fn dir(&self) -> String {
        self.0.path().display().to_string()
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::create_dir_all(self.path(name).parent().unwrap_or(Path::new("/"))).unwrap();
        std::fs::write(self.path(name), text).unwrap();
    }

    fn set_mode(&self, mode: u32) {
        std::fs::set_permissions(self.path("backend"), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn load(&self, variables: &[(&str, &str)]) -> Result<Settings, String> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::load(self.0.path(), variables).map_err(|error| error.to_string().replace(&self.dir(), "DIR"))
    }

    fn error(&self) -> String {
        self.load(&[]).unwrap_err()
    }
}

const KEY: &str = "0123456789abcdef0123456789abcdef";
const ANSWER: &str = r#"cat >> "$0.asked"; echo "$@" >> "$0.asked"
echo '{"key":{"value":"0123456789abcdef0123456789abcdef","error":null},"pw":{"value":"p: w"},"n":{"value":5}}'"#;

#[test]
fn one_call_resolves_file_environment_and_checks() {
    let agent = Agent::with(
        ANSWER,
        "secret_backend_arguments: [--from, vault]\napi_key: ENC[key]\nother: {list: [a, ' ENC[ pw ] ']}\n",
    );
    agent.write("conf.d/a.yaml", "init_config:\n  x: ENC[n]\ninstances:\n- pass: ENC[pw]\n- pass: ENC[key]\n");
    let settings = agent.load(&[("DD_APP_KEY", "ENC[pw]")]).unwrap();
    assert_eq!((settings.api_key.as_str(), settings.app_key.as_str()), (KEY, "p: w"));
    assert_eq!(settings.setting("other.list"), Some(&serde_json::json!(["a", "p: w"])));
    let found = discover(&settings, &[]);
    assert_eq!(found.problems, []);
    assert_eq!(found.instances[0].options, serde_json::json!({ "pass": "p: w" }));
    assert_eq!(found.instances[1].init_config, serde_json::json!({ "x": "5" }));
    let asked = std::fs::read_to_string(agent.path("backend.asked")).unwrap();
    expect![[r#"
        {"version":"1.0","secrets":["key","pw"]}--from vault
        {"version":"1.0","secrets":["n"]}--from vault
    "#]]
    .assert_eq(&asked);
}

#[test]
fn faults_of_the_backend_name_the_key_and_no_value() {
    let settings = "# c\napi_key: ENC[key]\nadditional_endpoints:\n  https://a.example:\n  - ENC[b]\n";
    let errors = [
        (
            "cat > /dev/null; echo '{\"key\":{\"value\":\"v\"},\"b\":{\"value\":null,\"error\":\"no such secret\"}}'",
            0o700,
        ),
        ("cat > /dev/null; echo '{\"key\":{\"value\":\"\"}}'", 0o700),
        ("echo 'secret value'", 0o700),
        ("exit 3", 0o700),
        ("kill -9 $$", 0o700),
        ("head -c 2000000 /dev/zero", 0o700),
        ("echo '{}'", 0o600),
        ("echo '{}'", 0o720),
        ("echo '{}'", 0o702),
    ]
    .map(|(script, mode)| {
        let agent = Agent::with(script, settings);
        agent.set_mode(mode);
        agent.error()
    });
    expect![[r#"
        DIR/datadog.yaml:6: additional_endpoints.https://a.example[0] is a secret that cannot be resolved: the secret backend says: no such secret

        DIR/datadog.yaml:3: api_key is a secret that cannot be resolved: the secret backend gave an empty value
        DIR/datadog.yaml:6: additional_endpoints.https://a.example[0] is a secret that cannot be resolved: the secret backend gave no value

        DIR/datadog.yaml:3: api_key is a secret that cannot be resolved: secret_backend_command DIR/backend: its answer is not the expected JSON (line 1, column 1)
        DIR/datadog.yaml:6: additional_endpoints.https://a.example[0] is a secret that cannot be resolved: secret_backend_command DIR/backend: its answer is not the expected JSON (line 1, column 1)

        DIR/datadog.yaml:3: api_key is a secret that cannot be resolved: secret_backend_command DIR/backend: failed: exit status: 3
        DIR/datadog.yaml:6: additional_endpoints.https://a.example[0] is a secret that cannot be resolved: secret_backend_command DIR/backend: failed: exit status: 3

        DIR/datadog.yaml:3: api_key is a secret that cannot be resolved: secret_backend_command DIR/backend: failed: signal: 9 (SIGKILL)
        DIR/datadog.yaml:6: additional_endpoints.https://a.example[0] is a secret that cannot be resolved: secret_backend_command DIR/backend: failed: signal: 9 (SIGKILL)

        DIR/datadog.yaml:3: api_key is a secret that cannot be resolved: secret_backend_command DIR/backend: its output is longer than 1048576 bytes
        DIR/datadog.yaml:6: additional_endpoints.https://a.example[0] is a secret that cannot be resolved: secret_backend_command DIR/backend: its output is longer than 1048576 bytes

        DIR/datadog.yaml:3: api_key is a secret that cannot be resolved: secret_backend_command DIR/backend: must be executable (mode 0600)
        DIR/datadog.yaml:6: additional_endpoints.https://a.example[0] is a secret that cannot be resolved: secret_backend_command DIR/backend: must be executable (mode 0600)

        DIR/datadog.yaml:3: api_key is a secret that cannot be resolved: secret_backend_command DIR/backend: must not be writable by group or others (mode 0720)
        DIR/datadog.yaml:6: additional_endpoints.https://a.example[0] is a secret that cannot be resolved: secret_backend_command DIR/backend: must not be writable by group or others (mode 0720)

        DIR/datadog.yaml:3: api_key is a secret that cannot be resolved: secret_backend_command DIR/backend: must not be writable by group or others (mode 0702)
        DIR/datadog.yaml:6: additional_endpoints.https://a.example[0] is a secret that cannot be resolved: secret_backend_command DIR/backend: must not be writable by group or others (mode 0702)"#]].assert_eq(&errors.join("\n\n"));
    let agent = Agent::with("", settings);
    std::fs::remove_file(agent.path("backend")).unwrap();
    expect![[r#"
        DIR/datadog.yaml:3: api_key is a secret that cannot be resolved: secret_backend_command DIR/backend: No such file or directory (os error 2)
        DIR/datadog.yaml:6: additional_endpoints.https://a.example[0] is a secret that cannot be resolved: secret_backend_command DIR/backend: No such file or directory (os error 2)"#]].assert_eq(&agent.error());
    agent.write("datadog.yaml", "api_key: ENC[key]\n");
    expect!["DIR/datadog.yaml:1: api_key is a secret that cannot be resolved: secret_backend_command is not set"]
        .assert_eq(&agent.error());
    let environment = agent.load(&[("DD_API_KEY", "ENC[env:NOTHING]")]).unwrap_err();
    expect!["DD_API_KEY is a secret that cannot be resolved: the environment variable NOTHING is not set"]
        .assert_eq(&environment);
}

#[test]
fn a_backend_that_hangs_is_ended() {
    let agent = Agent::with("sleep 60 & sleep 60", "secret_backend_timeout: 0.2\napi_key: ENC[key]\n");
    expect!["DIR/datadog.yaml:3: api_key is a secret that cannot be resolved: secret_backend_command DIR/backend: did not answer within 0.2 s"].assert_eq(&agent.error());
    // It need not read what it is asked.
    let agent = Agent::with("exec <&-; echo '{\"key\":{\"value\":\"x\"}}'", "api_key: ENC[key]\n");
    assert_eq!(agent.load(&[]).unwrap().api_key, "x");
}

#[test]
fn a_backend_is_only_asked_when_needed() {
    let agent = Agent::with("exit 1", &format!("api_key: {KEY}\nenv: ENC[env:STAGE]\n"));
    assert_eq!(agent.load(&[("STAGE", "prod")]).unwrap().env, "prod");
}
