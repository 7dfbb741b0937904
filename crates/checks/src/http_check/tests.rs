//! The check against small servers, with and without TLS.

use std::net::SocketAddr;

use serde_json::json;
use tokio::net::TcpListener;

use super::*;
use crate::http::tests::{answer, closed_port, context, described, instance, run, serve};
use crate::trust::tests::{Authority, EXPIRED, LONG, self_signed, serve_tls};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

async fn checked(mut options: Value) -> Samples {
    options["name"] = json!("My page");
    let mut check = factory(&instance("http_check", options), &context(json!({}))).unwrap();
    let (samples, outcome) = run(&mut *check).await;
    outcome.unwrap();
    samples
}

fn outcome(samples: &Samples, check: &str) -> (CheckStatus, String) {
    let found = samples.checks.iter().find(|run| run.check == check).unwrap();
    (found.status, found.message.clone())
}

fn value(samples: &Samples, metric: &str) -> Option<f64> {
    samples.values.iter().find(|sample| sample.metric == metric).map(|sample| sample.value)
}

#[tokio::test]
async fn a_page_that_answers_is_up() {
    let address = serve(|_| answer("200 OK", "text/html", "all in stock")).await;
    let url = format!("http://{address}/");
    let samples = checked(json!({ "url": url, "tags": ["a:b"], "content_match": "in (stock|store)" })).await;
    let tags = format!("a:b instance:My_page url:{url}");
    let wanted = format!(
        "Gauge network.http.can_connect 1 [{tags}]\nGauge network.http.cant_connect 0 [{tags}]\n\
         Gauge network.http.response_time 0 [{tags}]\ncheck http.can_connect Ok [{tags}] \n"
    );
    assert_eq!(described(&samples), wanted);
}

#[tokio::test]
async fn status_and_content_are_compared_with_what_is_expected() {
    let address = serve(|_| answer("404 Not Found", "text/html", "no such page")).await;
    let url = format!("http://{address}/");
    let cases = [
        (json!({}), format!("{url}: status 404, expected 1xx or 2xx or 3xx")),
        (json!({ "http_response_status_code": 404 }), String::new()),
        (json!({ "http_response_status_code": "4\\d\\d", "content_match": "such" }), String::new()),
        (
            json!({ "http_response_status_code": "404", "content_match": "such", "reverse_content_match": true }),
            "such occurs in the body, and must not".into(),
        ),
        (
            json!({ "http_response_status_code": "404", "content_match": "other", "include_content": true }),
            "other does not occur in the body\nbody: no such page".into(),
        ),
        (
            json!({ "include_content": true }),
            format!("{url}: status 404, expected 1xx or 2xx or 3xx\nbody: no such page"),
        ),
    ];
    for (mut options, wanted) in cases {
        options["url"] = json!(url);
        let samples = checked(options).await;
        let status = if wanted.is_empty() { CheckStatus::Ok } else { CheckStatus::Critical };
        assert_eq!(outcome(&samples, "http.can_connect"), (status, wanted));
    }
}

#[tokio::test]
async fn data_is_sent_with_its_type() {
    let address = serve(|request| answer("200 OK", "text/plain", &request.to_lowercase())).await;
    let url = format!("http://{address}/");
    let cases = [
        (json!({ "method": "post", "data": { "a": 1 } }), "content-type: application/json(.|\\s)*\\{\"a\":1\\}$"),
        (json!({ "method": "put", "data": "<x/>" }), "^put (.|\\s)*x-www-form-urlencoded(.|\\s)*<x/>$"),
        (json!({ "data": "ignored" }), "^get (.|\\s)*\\r\\n\\r\\n$"),
    ];
    for (mut options, pattern) in cases {
        options["url"] = json!(url);
        options["content_match"] = json!(pattern);
        assert_eq!(outcome(&checked(options).await, "http.can_connect"), (CheckStatus::Ok, String::new()));
    }
}

#[tokio::test]
async fn a_page_that_does_not_answer_is_down_and_says_why() {
    let closed = closed_port().await;
    let samples = checked(json!({ "url": format!("http://{closed}/") })).await;
    let wanted = format!("http://{closed}/: Connection refused (os error 111) (after 0 ms)");
    assert_eq!(outcome(&samples, "http.can_connect"), (CheckStatus::Critical, wanted));
    assert_eq!(value(&samples, "network.http.cant_connect"), Some(1.0));
    assert_eq!(value(&samples, "network.http.response_time"), None);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let samples = checked(json!({ "url": url, "timeout": 0.05 })).await;
    assert!(outcome(&samples, "http.can_connect").1.contains("no answer within the time limit"));
}

#[tokio::test]
async fn an_endless_body_does_not_matter_unless_it_is_read() {
    let address = serve(|_| "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\nx".to_owned()).await;
    let url = format!("http://{address}/");
    assert_eq!(outcome(&checked(json!({ "url": url })).await, "http.can_connect").0, CheckStatus::Ok);
    let read = checked(json!({ "url": url, "content_match": "y" })).await;
    assert_eq!(outcome(&read, "http.can_connect").0, CheckStatus::Critical);
}

fn url_of(address: SocketAddr, host: &str) -> String {
    format!("https://{host}:{}/", address.port())
}

#[tokio::test]
async fn the_end_of_a_certificate_is_watched() {
    let authority = Authority::new();
    let ca = authority.path();
    let address = serve_tls(authority.issue(&["localhost"], LONG), OK).await;
    let url = url_of(address, "localhost");
    let samples = checked(json!({ "url": url, "tls_ca_cert": ca })).await;
    assert_eq!(outcome(&samples, "http.can_connect").0, CheckStatus::Ok);
    assert_eq!(outcome(&samples, "http.ssl_cert"), (CheckStatus::Ok, String::new()));
    let left = value(&samples, "http.ssl.seconds_left").unwrap();
    assert_eq!(value(&samples, "http.ssl.days_left"), Some((left / 86_400.0).floor()));
    let days = (left / 86_400.0).ceil();
    let samples = checked(json!({ "url": url, "tls_ca_cert": ca, "days_warning": days })).await;
    assert_eq!(outcome(&samples, "http.ssl_cert").0, CheckStatus::Warning);
    let samples = checked(json!({ "url": url, "tls_ca_cert": ca, "seconds_critical": left + 10.0 })).await;
    assert_eq!(outcome(&samples, "http.ssl_cert").0, CheckStatus::Critical);
    let samples = checked(json!({ "url": url, "tls_ca_cert": ca, "check_certificate_expiration": false })).await;
    assert_eq!(samples.checks.len(), 1);
}

#[tokio::test]
async fn a_certificate_that_is_not_valid_is_told() {
    let authority = Authority::new();
    let ca = authority.path();
    let expired = serve_tls(authority.issue(&["localhost"], EXPIRED), OK).await;
    let samples = checked(json!({ "url": url_of(expired, "localhost"), "tls_ca_cert": ca })).await;
    assert_eq!(outcome(&samples, "http.can_connect").0, CheckStatus::Critical);
    assert_eq!(outcome(&samples, "http.ssl_cert").0, CheckStatus::Critical);
    assert_eq!(value(&samples, "http.ssl.days_left"), Some(0.0));
    // Without verification the request goes through, as it does by default, and the look of its own still verifies.
    let stranger = serve_tls(self_signed(&["localhost"], LONG), OK).await;
    let samples = checked(json!({ "url": url_of(stranger, "localhost") })).await;
    assert_eq!(outcome(&samples, "http.can_connect").0, CheckStatus::Ok);
    assert_eq!(outcome(&samples, "http.ssl_cert").0, CheckStatus::Unknown);
    let lax = json!({ "url": url_of(expired, "localhost"), "tls_verify": false, "use_cert_from_response": true });
    let samples = checked(lax).await;
    assert_eq!(outcome(&samples, "http.ssl_cert").0, CheckStatus::Critical);
    assert!(value(&samples, "http.ssl.days_left").unwrap() < -8000.0);
    let unseen = json!({ "url": url_of(expired, "localhost"), "tls_verify": false });
    assert_eq!(outcome(&checked(unseen).await, "http.ssl_cert").0, CheckStatus::Unknown);
    let wrong_name = serve_tls(authority.issue(&["other.test"], LONG), OK).await;
    let samples = checked(json!({ "url": url_of(wrong_name, "localhost"), "tls_ca_cert": ca })).await;
    assert_eq!(outcome(&samples, "http.can_connect").0, CheckStatus::Critical);
    assert!(outcome(&samples, "http.ssl_cert").1.contains("not valid for name"));
    let renamed = json!({ "url": url_of(wrong_name, "localhost"), "tls_ca_cert": ca, "ssl_server_name": "other.test" });
    assert_eq!(outcome(&checked(renamed).await, "http.ssl_cert").0, CheckStatus::Ok);
}

#[test]
fn wrong_options_are_named() {
    let refused = |options: Value| {
        let made = factory(&instance("http_check", options), &context(json!({})));
        made.map(drop).unwrap_err().message
    };
    assert_eq!(refused(json!({ "url": "http://a" })), "http_check (built in): name is required");
    let wanted = "http_check (built in): url must be an address that begins with http:// or https://, not \"a.test\"";
    assert_eq!(refused(json!({ "name": "x", "url": "a.test" })), wanted);
    let wanted = "http_check (built in): content_match must be a regular expression, not \"(\"";
    assert_eq!(refused(json!({ "name": "x", "url": "http://a", "content_match": "(" })), wanted);
}
