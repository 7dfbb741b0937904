//! POST /api/v1/check_run (JSON; reference: intake-agent.md §7.2): an array of service checks, or one.

use galgo_core::check::{CheckRun, CheckStatus};
use serde_json::{Map, Value};

use crate::loose;
use crate::proto::is_probe;
use crate::report::{Context, DecodeError, Report};

/// Longest message that is kept, in bytes (the API's limit); longer ones are cut.
pub const MAX_MESSAGE_BYTES: usize = 10_240;

/// The checks of a payload; `report.accepted_series` counts them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CheckRuns {
    /// In the order of the payload.
    pub runs: Vec<CheckRun>,
    /// What was taken and dropped.
    pub report: Report,
}

/// Decodes the JSON body of `/api/v1/check_run`.
pub fn decode(body: &[u8], ctx: &Context) -> Result<CheckRuns, DecodeError> {
    let mut checks = CheckRuns::default();
    if is_probe(body) {
        return Ok(checks);
    }
    match loose::parse(body)? {
        Value::Array(items) => {
            for item in &items {
                let Value::Object(run) = item else { return Err(not_a_check(item)) };
                checks.take(run, ctx);
            }
        }
        Value::Object(run) => checks.take(&run, ctx),
        other => return Err(not_a_check(&other)),
    }
    Ok(checks)
}

fn not_a_check(value: &Value) -> DecodeError {
    DecodeError::Invalid(format!("expected a service check as an object, not {}", loose::kind_of(value)))
}

impl CheckRuns {
    pub(crate) fn take(&mut self, run: &Map<String, Value>, ctx: &Context) {
        let check = loose::text(run.get("check"));
        if check.is_empty() {
            return self.report.drop_series("", "service check has no name");
        }
        let Some(status) = status_of(run.get("status")) else {
            let given = loose::text(run.get("status"));
            let shown: String = given.chars().take(40).collect();
            return self.report.drop_series(&check, format!("service check status must be 0 to 3: {shown:?}"));
        };
        let host = ["host_name", "hostname", "host"].iter().map(|key| loose::text(run.get(*key)));
        let mut message = loose::text(run.get("message"));
        message.truncate(message.floor_char_boundary(MAX_MESSAGE_BYTES));
        self.report.accepted_series += 1;
        self.runs.push(CheckRun {
            check,
            host: host.into_iter().find(|host| !host.is_empty()).unwrap_or_default(),
            time: loose::time(run.get("timestamp"), ctx.now_s),
            status,
            message,
            tags: loose::tags(run.get("tags")),
        });
    }
}

fn status_of(value: Option<&Value>) -> Option<CheckStatus> {
    let code = loose::number(value)?;
    let whole = code.fract() == 0.0 && (0.0..=255.0).contains(&code);
    CheckStatus::try_from(code as u8).ok().filter(|_| whole)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    const CTX: Context = Context { now_s: 1_700_000_000, from_agent: false };

    #[test]
    fn an_agents_payload() {
        let body = br#"[{"check":"datadog.agent.up","host_name":"web-1","timestamp":1656581400,"status":0,"message":"","tags":null},
            {"check":"mysql.can_connect","host_name":"web-1","timestamp":1656581401.5,"status":2,"message":"timed out","tags":["port:3306","env:dev"]},
            {"check":"","status":1},{"check":"odd","status":7},{"check":"none"},{"check":"half","status":1.5}]"#;
        let checks = decode(body, &CTX).unwrap();
        expect![[r#"
            [
                CheckRun {
                    check: "datadog.agent.up",
                    host: "web-1",
                    time: 1656581400,
                    status: Ok,
                    message: "",
                    tags: [],
                },
                CheckRun {
                    check: "mysql.can_connect",
                    host: "web-1",
                    time: 1656581401,
                    status: Critical,
                    message: "timed out",
                    tags: [
                        "port:3306",
                        "env:dev",
                    ],
                },
            ]
        "#]]
        .assert_debug_eq(&checks.runs);
        assert_eq!((checks.report.accepted_series, checks.report.dropped_series), (2, 4));
        let reasons: Vec<_> = checks.report.dropped.iter().map(|dropped| dropped.reason.as_str()).collect();
        assert_eq!(reasons[..2], ["service check has no name", "service check status must be 0 to 3: \"7\""]);
    }

    #[test]
    fn one_object_and_the_probe_of_an_agent() {
        let checks = decode(br#"{"check": "test", "status": "1", "tags": "a:b, c"}"#, &CTX).unwrap();
        assert_eq!(checks.runs[0].status, CheckStatus::Warning);
        assert_eq!(
            (checks.runs[0].time, checks.runs[0].tags.as_slice()),
            (1_700_000_000, &["a:b".into(), "c".into()][..])
        );
        assert_eq!(decode(b"", &CTX), Ok(CheckRuns::default()));
    }

    #[test]
    fn other_shapes_are_refused() {
        for (body, error) in [
            (&b"[1]"[..], "expected a service check as an object, not a number"),
            (b"\"a\"", "expected a service check as an object, not a string"),
            (b"[{\"check\":\n x}]", "malformed json at byte 12: expected value"),
            (b"[", "malformed json at byte 0: EOF while parsing a list"),
        ] {
            assert_eq!(decode(body, &CTX).unwrap_err().to_string(), error);
        }
    }
}
