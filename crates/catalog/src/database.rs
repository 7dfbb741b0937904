//! The two databases behind one connection pool: a SQLite file (write-ahead log, every commit synced) and PostgreSQL.
//!
//! Every statement of this crate is written once, in the SQL that both understand, with `$1` placeholders; only the
//! migrations come in two versions. Columns are TEXT and BIGINT alone, since sqlx's `Any` driver maps those the same
//! way on both.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::migrate::Migrator;
use sqlx::{Any, AnyConnection, AnyPool, Connection, Executor, Transaction};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::{CatalogError, Result};

/// Connections to SQLite: one writes at a time, the others read beside it.
const SQLITE_CONNECTIONS: u32 = 4;
/// Connections to PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 8;
/// How long to wait for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(15);
/// Settings of each SQLite connection. `FULL` syncs the log at each commit: what was answered survives a power cut.
const SQLITE_PRAGMAS: &str = "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
     PRAGMA foreign_keys = ON; PRAGMA cache_size = -4096;";

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// A pool of connections to one database.
#[derive(Debug)]
pub(crate) struct Database {
    pool: AnyPool,
    dialect: Dialect,
    /// SQLite has one writer; waiting here is fair, polling a locked file is not.
    writer: Arc<Mutex<()>>,
}

/// A transaction that may write. Dropped without [`WriteTransaction::commit`] it changes nothing.
pub(crate) struct WriteTransaction {
    transaction: Transaction<'static, Any>,
    _writer: Option<OwnedMutexGuard<()>>,
}

impl WriteTransaction {
    pub(crate) fn connection(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }

    pub(crate) async fn commit(self) -> Result<()> {
        Ok(self.transaction.commit().await?)
    }
}

impl Database {
    /// Connects and migrates.
    pub(crate) async fn open(url: &str) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let (dialect, url, in_memory) = resolve(url)?;
        let connections = match dialect {
            Dialect::Sqlite if in_memory => 1,
            Dialect::Sqlite => SQLITE_CONNECTIONS,
            Dialect::Postgres => POSTGRES_CONNECTIONS,
        };
        let mut options = AnyPoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE_TIMEOUT);
        if dialect == Dialect::Sqlite {
            // A closed connection would forget a database in memory, and a file's page cache.
            options = options.min_connections(1).idle_timeout(None).max_lifetime(None);
            options = options.after_connect(|connection, _| {
                Box::pin(async move { connection.execute(SQLITE_PRAGMAS).await.map(|_| ()) })
            });
        }
        // The url of a PostgreSQL server may hold a password, the path of a file helps.
        let name = if dialect == Dialect::Sqlite { url.as_str() } else { "postgres" };
        let unusable = |error: sqlx::Error| CatalogError::Database(format!("{name}: {error}"));
        probe(&url, dialect).await.map_err(unusable)?;
        let pool = options.connect(&url).await.map_err(unusable)?;
        let database = Self { pool, dialect, writer: Arc::default() };
        database.migrate().await?;
        Ok(database)
    }

    async fn migrate(&self) -> Result<()> {
        let migrations = match self.dialect {
            Dialect::Sqlite => &SQLITE_MIGRATIONS,
            Dialect::Postgres => &POSTGRES_MIGRATIONS,
        };
        migrations.run(&self.pool).await.map_err(|error| CatalogError::Database(format!("migration failed: {error}")))
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// For statements that only read.
    pub(crate) fn reader(&self) -> &AnyPool {
        &self.pool
    }

    /// Begins a transaction that may write.
    pub(crate) async fn write(&self) -> Result<WriteTransaction> {
        // A deferred SQLite transaction that turns from reading to writing fails at once when another one wrote.
        let (begin, writer) = match self.dialect {
            Dialect::Sqlite => ("BEGIN IMMEDIATE", Some(Arc::clone(&self.writer).lock_owned().await)),
            Dialect::Postgres => ("BEGIN", None),
        };
        let transaction = self.pool.begin_with(begin).await?;
        Ok(WriteTransaction { transaction, _writer: writer })
    }

    pub(crate) async fn ping(&self) -> Result<()> {
        self.pool.execute("SELECT 1").await?;
        Ok(())
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// One connection outside the pool, which would try again until its time is up and then hide why.
async fn probe(url: &str, dialect: Dialect) -> Result<(), sqlx::Error> {
    let mut connection = AnyConnection::connect(url).await?;
    let statement = if dialect == Dialect::Sqlite { SQLITE_PRAGMAS } else { "SELECT 1" };
    connection.execute(statement).await?;
    connection.close().await
}

impl From<sqlx::Error> for CatalogError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.to_string())
    }
}

/// Whether a statement failed because a row with that key is there already.
pub(crate) fn is_duplicate(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|inner| inner.is_unique_violation())
}

/// Text as both databases can store it: PostgreSQL refuses the character NUL.
pub(crate) fn storable(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "").into() } else { text.into() }
}

fn resolve(url: &str) -> Result<(Dialect, String, bool)> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok((Dialect::Postgres, url.to_owned(), false));
    }
    let Some(path) = url.strip_prefix("sqlite:") else {
        let scheme = url.split(':').next().unwrap_or_default();
        return Err(CatalogError::Invalid(format!("database url must begin with sqlite: or postgres://: {scheme:?}")));
    };
    if path == ":memory:" {
        return Ok((Dialect::Sqlite, "sqlite::memory:".to_owned(), true));
    }
    let path = path.strip_prefix("//").unwrap_or(path);
    let path = path.split('?').next().unwrap_or(path);
    if path.is_empty() {
        return Err(CatalogError::Invalid("database url names no file: sqlite:".to_owned()));
    }
    let path = std::path::absolute(path).map_err(|error| CatalogError::Invalid(format!("{path}: {error}")))?;
    prepare_file(&path)?;
    Ok((Dialect::Sqlite, format!("sqlite://{}?mode=rwc", encode(&path)?), false))
}

/// Makes the folder and an empty file that only its owner can read: it will hold hashes of secrets.
fn prepare_file(path: &PathBuf) -> Result<()> {
    let failed = |error: std::io::Error| CatalogError::Database(format!("{}: {error}", path.display()));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(failed)?;
    Ok(())
}

/// Percent-encodes what a URL would not carry in a path.
fn encode(path: &Path) -> Result<String> {
    let Some(text) = path.to_str() else {
        return Err(CatalogError::Invalid(format!("database path is no UTF-8: {}", path.display())));
    };
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_resolved() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a b%?/c.db");
        let (dialect, url, in_memory) = resolve(&format!("sqlite:{}", folder.path().join("x.db").display())).unwrap();
        assert_eq!((dialect, in_memory), (Dialect::Sqlite, false));
        assert!(url.starts_with("sqlite:///") && url.ends_with("/x.db?mode=rwc"), "{url}");
        assert!(encode(&file).unwrap().ends_with("/a%20b%25%3F/c.db"));
        assert_eq!(resolve("postgres://u@h/d").unwrap().0, Dialect::Postgres);
        assert!(resolve("mysql://u@h/d").unwrap_err().to_string().contains("mysql"));
        assert!(resolve("sqlite:").is_err());
    }

    #[tokio::test]
    async fn sqlite_waits_syncs_and_checks_references() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&format!("sqlite:{}", folder.path().join("c.db").display())).await.unwrap();
        for (pragma, expected) in
            [("PRAGMA synchronous", 2), ("PRAGMA foreign_keys", 1), ("PRAGMA busy_timeout", 10_000)]
        {
            let value: i64 = sqlx::query_scalar(pragma).fetch_one(database.reader()).await.unwrap();
            assert_eq!(value, expected, "{pragma}");
        }
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(database.reader()).await.unwrap();
        assert_eq!(mode, "wal");
    }
}
