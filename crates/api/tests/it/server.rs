//! A server without a socket: requests go straight into the router.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use galgo_api::{ApiConfig, App, router};
use galgo_catalog::Catalog;
use galgo_core::{Clock, ManualClock};
use galgo_metrics::{Engine, Parts};
use galgo_store::SegmentStore;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

pub const API_KEY: &str = "0123456789abcdef0123456789abcdef";
pub const APP_KEY: &str = "0123456789abcdef0123456789abcdef01234567";
pub const PASSWORD: &str = "a-password-for-tests";

/// Seconds at which the clock of every test stands.
pub const NOW: i64 = 1_700_000_000;

pub struct Server {
    pub app: Arc<App>,
    router: Router,
    _folder: TempDir,
}

/// An answer, read whole.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The first of `errors`.
    pub fn error(&self) -> String {
        self.json()["errors"][0].as_str().unwrap_or_default().to_owned()
    }
}

impl Server {
    pub async fn start() -> Self {
        Self::start_with(ApiConfig::default(), galgo_metrics::Config::default()).await
    }

    pub async fn start_with(config: ApiConfig, engine: galgo_metrics::Config) -> Self {
        let folder = TempDir::new().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at_ms(NOW * 1000));
        let catalog = galgo_catalog::Config {
            database_url: format!("sqlite:{}", folder.path().join("galgo.db").display()),
            api_key: Some(API_KEY.into()),
            app_key: Some(APP_KEY.into()),
            admin_password: Some(PASSWORD.into()),
        };
        let (catalog, _) = Catalog::open(&catalog, clock.clone()).await.unwrap();
        let parts = Parts {
            wal_dir: folder.path().join("wal"),
            store: SegmentStore::local(&folder.path().join("segments"), clock.clone()).unwrap(),
            manifest: catalog.manifest(),
            hosts: catalog.host_tags_cell(),
            clock: clock.clone(),
        };
        let engine = Engine::open(galgo_metrics::Config { background: false, ..engine }, parts).await.unwrap();
        let app = App::new(engine, catalog, clock, config);
        Self { router: router(app.clone()), app, _folder: folder }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec();
        Answer { status, headers, bytes }
    }

    /// A request with both keys.
    pub async fn call(&self, method: Method, path: &str, body: impl Into<Body>) -> Answer {
        self.send(with_keys(method, path).header(CONTENT_TYPE, "application/json").body(body.into()).unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, Body::empty()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, body.to_string()).await
    }

    /// Stores one gauge point.
    pub async fn gauge(&self, metric: &str, host: &str, tags: &[&str], at: i64, value: f64) {
        let series = serde_json::json!({
            "series": [{ "metric": metric, "type": "gauge", "host": host, "tags": tags, "points": [[at, value]] }],
        });
        let answer = self.post("/api/v1/series", series).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    }
}

/// A request with both keys, to be finished.
pub fn with_keys(method: Method, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path).header("DD-API-KEY", API_KEY).header("DD-APPLICATION-KEY", APP_KEY)
}
