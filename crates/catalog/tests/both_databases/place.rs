//! Where a test keeps its catalogue: opened as often as the test likes, with a clock that it moves.

use std::sync::Arc;

use galgo_catalog::{Actor, Catalog, Config, FirstStart};
use galgo_core::ManualClock;

use crate::postgres::Server;

/// The moment at which every test starts, in seconds.
pub const START: i64 = 1_700_000_000;

/// An empty database.
pub struct Place {
    pub url: String,
    pub clock: Arc<ManualClock>,
}

impl Place {
    fn new(url: String) -> Self {
        Self { url, clock: Arc::new(ManualClock::at_ms(START * 1000)) }
    }

    pub fn config(&self) -> Config {
        Config { database_url: self.url.clone(), ..Config::default() }
    }

    /// Opens the catalogue (anew).
    pub async fn open(&self) -> Catalog {
        self.open_with(&self.config()).await.0
    }

    pub async fn open_with(&self, config: &Config) -> (Catalog, Option<FirstStart>) {
        Catalog::open(config, self.clock.clone()).await.unwrap()
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(std::time::Duration::from_secs(seconds));
    }

    pub fn is_postgres(&self) -> bool {
        self.url.starts_with("postgres")
    }
}

/// Runs a test on both databases.
pub async fn on_both(test: impl AsyncFn(Place)) {
    let folder = tempfile::tempdir().unwrap();
    test(Place::new(format!("sqlite:{}", folder.path().join("catalogue.db").display()))).await;
    if let Some(server) = Server::shared() {
        test(Place::new(server.new_database())).await;
    }
}

/// Someone who changes things.
pub fn somebody() -> Actor {
    Actor { user_id: "u1".into(), handle: "ann".into(), via: "session".into(), address: "127.0.0.1".into() }
}

pub fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}
