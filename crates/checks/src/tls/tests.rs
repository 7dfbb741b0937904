//! The check against TLS servers with good and bad certificates.

use rcgen::CustomExtension;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::http::tests::{NOW, closed_port, context, described, instance, run, serve};
use crate::trust::tests::{Authority, EXPIRED, LONG, self_signed, serve_tls};

async fn checked(options: Value) -> Samples {
    let mut check = factory(&instance("tls", options), &context(json!({}))).unwrap();
    let (samples, outcome) = run(&mut *check).await;
    outcome.unwrap();
    samples
}

/// Status and message of each service check.
fn outcomes(samples: &Samples) -> Vec<String> {
    let one = |run: &galgo_core::check::CheckRun| format!("{} {:?} {}", run.check, run.status, run.message);
    samples.checks.iter().map(|run| one(run).trim_end().to_owned()).collect()
}

#[tokio::test]
async fn a_good_server_is_good_in_every_way() {
    let authority = Authority::new();
    let port = serve_tls(authority.issue(&["localhost"], LONG), b"").await.port();
    let options = json!({ "server": format!("https://localhost:{port}/x"), "tls_ca_cert": authority.path(), "name": "n",
        "tags": ["a:b"], "send_cert_duration": true });
    let samples = checked(options).await;
    let tags = format!("a:b name:n port:{port} server:localhost server_hostname:localhost");
    // 2000-01-01 to 2090-01-01.
    let (end, issued) = (3_786_912_000_i64, 2_840_227_200_i64);
    let left = end - NOW;
    let wanted = format!(
        "Count tls.issued_days {} [{tags}]\nCount tls.issued_seconds {issued} [{tags}]\n\
         Gauge tls.days_left {} [{tags}]\nGauge tls.seconds_left {left} [{tags}]\n\
         check tls.can_connect Ok [{tags}] \ncheck tls.cert_expiration Ok [{tags}] \n\
         check tls.cert_validation Ok [{tags}] \ncheck tls.version Ok [{tags}] \n",
        issued as f64 / 86_400.0,
        left as f64 / 86_400.0
    );
    assert_eq!(described(&samples), wanted);
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_told_and_the_rest_all_the_same() {
    let authority = Authority::new();
    let ca = authority.path();
    let server = |port: u16| json!({ "server": "localhost", "port": port, "tls_ca_cert": ca });
    let expired = serve_tls(authority.issue(&["localhost"], EXPIRED), b"").await.port();
    let samples = checked(server(expired)).await;
    let wanted = [
        "tls.can_connect Ok",
        "tls.version Ok",
        "tls.cert_validation Critical the certificate has expired",
        "tls.cert_expiration Critical the certificate has expired",
    ];
    assert_eq!(outcomes(&samples), wanted);
    let other = serve_tls(authority.issue(&["other.test"], LONG), b"").await.port();
    let samples = checked(server(other)).await;
    assert!(outcomes(&samples)[2].starts_with("tls.cert_validation Critical the certificate is for another host: "));
    assert_eq!(outcomes(&samples)[3], "tls.cert_expiration Ok");
    let mut lax = server(other);
    lax["tls_validate_hostname"] = json!(false);
    assert_eq!(outcomes(&checked(lax).await)[2], "tls.cert_validation Ok");
    let mut renamed = server(other);
    renamed["server_hostname"] = json!("other.test");
    assert_eq!(outcomes(&checked(renamed).await)[2], "tls.cert_validation Ok");
    let stranger = serve_tls(self_signed(&["localhost"], LONG), b"").await.port();
    let samples = checked(server(stranger)).await;
    assert_eq!(outcomes(&samples)[2], "tls.cert_validation Critical the certificate's issuer is not trusted");
    let unverified = json!({ "server": "localhost", "port": stranger, "tls_verify": false });
    assert_eq!(outcomes(&checked(unverified).await)[2], "tls.cert_validation Ok");
}

#[tokio::test]
async fn thresholds_and_versions_are_the_instances() {
    let authority = Authority::new();
    let port = serve_tls(authority.issue(&["localhost"], LONG), b"").await.port();
    let base = json!({ "server": "localhost", "port": port, "tls_ca_cert": authority.path() });
    let with = |extra: Value| {
        let mut options = base.clone();
        for (key, value) in extra.as_object().unwrap() {
            options[key] = value.clone();
        }
        options
    };
    let left = 3_786_912_000_i64 - NOW;
    let samples = checked(with(json!({ "seconds_warning": left + 1 }))).await;
    assert_eq!(outcomes(&samples)[3], "tls.cert_expiration Warning the certificate expires in 24154.1 days");
    let samples = checked(with(json!({ "days_critical": 30000 }))).await;
    assert!(outcomes(&samples)[3].starts_with("tls.cert_expiration Critical"));
    let samples = checked(with(json!({ "allowed_versions": ["1.2"] }))).await;
    assert_eq!(outcomes(&samples)[1], "tls.version Critical TLSv1.3 is not allowed, only TLSv1.2");
}

#[tokio::test]
async fn servers_that_are_away_or_speak_no_tls_are_told_apart() {
    let closed = closed_port().await;
    let samples = checked(json!({ "server": "127.0.0.1", "port": closed.port() })).await;
    assert_eq!(outcomes(&samples), [format!("tls.can_connect Critical {closed}: Connection refused (os error 111)")]);
    let samples = checked(json!({ "server": "no-such-host.invalid" })).await;
    assert!(outcomes(&samples)[0].starts_with("tls.can_connect Critical unable to resolve no-such-host.invalid"));
    let plain = serve(|_| "HTTP/1.1 400 Bad Request\r\n\r\n".into()).await;
    let samples = checked(json!({ "server": "localhost", "port": plain.port(), "timeout": 0.5 })).await;
    assert!(outcomes(&samples)[1].starts_with("tls.cert_validation Critical "), "{:?}", outcomes(&samples));
    // An alert that says: no version in common.
    let old = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = old.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = old.accept().await.unwrap();
        let mut hello = [0; 1024];
        let _ = stream.read(&mut hello).await;
        let _ = stream.write_all(&[21, 3, 1, 0, 2, 2, 70]).await;
    });
    let samples = checked(json!({ "server": "localhost", "port": port })).await;
    assert!(outcomes(&samples)[1].starts_with("tls.version Critical the server speaks neither"));
}

#[tokio::test]
async fn a_file_is_judged_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cert.pem");
    std::fs::write(&path, self_signed(&["db.test"], EXPIRED).pem).unwrap();
    let samples = checked(json!({ "local_cert_path": path, "server_hostname": "db.test" })).await;
    let wanted = ["tls.cert_validation Ok", "tls.cert_expiration Critical the certificate has expired"];
    assert_eq!(outcomes(&samples), wanted);
    assert_eq!(samples.checks[0].tags, ["server_hostname:db.test"]);
    std::fs::write(&path, &self_signed(&["db.test"], LONG).der).unwrap();
    let samples = checked(json!({ "local_cert_path": path, "server_hostname": "x.test" })).await;
    assert!(outcomes(&samples)[0].starts_with("tls.cert_validation Critical the certificate is for another host"));
    std::fs::write(&path, "nothing").unwrap();
    let samples = checked(json!({ "local_cert_path": path, "tls_validate_hostname": false })).await;
    assert!(outcomes(&samples)[0].contains("holds no certificate"));
}

#[tokio::test]
async fn databases_are_asked_to_switch() {
    let authority = Authority::new();
    let tls = serve_tls(authority.issue(&["localhost"], LONG), b"").await;
    let mut greeting = vec![10];
    greeting.extend_from_slice(b"8.0\0");
    greeting.extend_from_slice(&[0; 13]);
    greeting.extend_from_slice(&[0xff, 0xff, 45, 0, 0, 0, 0]);
    let mut packet = vec![greeting.len() as u8, 0, 0, 0];
    packet.extend_from_slice(&greeting);
    for (name, greeting, request, reply) in [("mysql", packet, 36, vec![]), ("postgres", vec![], 8, vec![b'S'])] {
        let front = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = front.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = front.accept().await.unwrap();
            stream.write_all(&greeting).await.unwrap();
            stream.read_exact(&mut vec![0; request]).await.unwrap();
            stream.write_all(&reply).await.unwrap();
            let mut behind = TcpStream::connect(tls).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut behind).await;
        });
        let options =
            json!({ "server": "localhost", "port": port, "tls_ca_cert": authority.path(), "start_tls": name });
        assert_eq!(outcomes(&checked(options).await)[2], "tls.cert_validation Ok", "{name}");
    }
}

/// The extension that says where the issuer's certificate is: a sequence of one access description of method
/// `caIssuers` (1.3.6.1.5.5.7.48.2) with a URI.
fn issuer_at(url: &str) -> CustomExtension {
    let mut description = vec![6, 8, 0x2b, 6, 1, 5, 5, 7, 0x30, 2, 0x86, url.len() as u8];
    description.extend_from_slice(url.as_bytes());
    let mut content = vec![0x30, description.len() as u8 + 2, 0x30, description.len() as u8];
    content.extend_from_slice(&description);
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], content)
}

#[tokio::test]
async fn an_issuer_that_the_server_leaves_out_is_fetched() {
    let root = Authority::new();
    let middle = root.delegate("middle");
    let pem = middle.pem();
    let files = serve(move |_| crate::http::tests::answer("200 OK", "application/pem-certificate-chain", &pem)).await;
    let leaf = middle.issue_with(&["localhost"], LONG, vec![issuer_at(&format!("http://{files}/ca.pem"))]);
    let port = serve_tls(leaf, b"").await.port();
    let mut options = json!({ "server": "localhost", "port": port, "tls_ca_cert": root.path() });
    let samples = checked(options.clone()).await;
    assert_eq!(outcomes(&samples)[2], "tls.cert_validation Critical the certificate's issuer is not trusted");
    options["fetch_intermediate_certs"] = json!(true);
    assert_eq!(outcomes(&checked(options).await)[2], "tls.cert_validation Ok");
}

#[test]
fn servers_have_many_spellings() {
    let cases = [
        ("Example.test", Some(("example.test", None))),
        ("example.test:8443", Some(("example.test", Some(8443)))),
        ("https://u@example.test:1/x", Some(("example.test", Some(1)))),
        ("[::1]:5", Some(("::1", Some(5)))),
        ("::1", Some(("::1", None))),
        ("a:b", None),
        ("", None),
    ];
    for (given, wanted) in cases {
        assert_eq!(split_server(given), wanted.map(|(host, port)| (host.to_owned(), port)), "{given}");
    }
    let made = |options| factory(&instance("tls", options), &context(json!({}))).map(drop).unwrap_err().message;
    assert_eq!(made(json!({})), "tls (built in): server is required");
    assert_eq!(
        made(json!({ "server": "a", "transport": "UDP" })),
        "tls (built in): transport must be tcp, not \"UDP\""
    );
}
