//! The list of live segments as two tables and a counter. Every edit is one transaction whose statements name the
//! state that they need (`… AND quarantine_reason IS NULL`), so of two rivals one finds no row and rolls back.

use std::sync::Arc;

use async_trait::async_trait;
use galgo_store::{Edit, Generation, Manifest, ManifestError, Quarantined, SegmentId, SegmentMeta};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::CatalogError;
use crate::database::{Database, WriteTransaction, is_duplicate, storable};
use crate::hosts::registry::{from_json, to_json};

/// The manifest in the catalogue's database.
#[derive(Debug)]
pub(crate) struct SqlManifest {
    database: Arc<Database>,
}

impl SqlManifest {
    pub(crate) fn new(database: Arc<Database>) -> Self {
        Self { database }
    }

    async fn write(&self) -> Result<WriteTransaction, ManifestError> {
        self.database.write().await.map_err(ManifestError::backend)
    }

    async fn select(&self, sql: &'static str, engine: &str) -> Result<Vec<AnyRow>, ManifestError> {
        let rows = sqlx::query(sql).bind(engine).fetch_all(self.database.reader());
        rows.await.map_err(ManifestError::backend)
    }
}

#[async_trait]
impl Manifest for SqlManifest {
    async fn publish(&self, edit: Edit) -> Result<(), ManifestError> {
        let mut write = self.write().await?;
        let connection = write.connection();
        // In order of ids, so that two edits that overlap wait for each other and do not deadlock.
        let mut remove = edit.remove;
        remove.sort_unstable();
        for &id in &remove {
            remove_live(connection, id).await?;
        }
        for segment in &edit.add {
            if remove.binary_search(&segment.id).is_ok() {
                return Err(ManifestError::Duplicate { id: segment.id });
            }
            insert(connection, segment).await?;
        }
        if let Some((stream, generation)) = &edit.flushed {
            advance(connection, stream, *generation).await?;
        }
        write.commit().await.map_err(ManifestError::backend)
    }

    async fn live(&self, engine: &str) -> Result<Vec<SegmentMeta>, ManifestError> {
        let sql = "SELECT id, engine, kind, level, sequence, partition_start, partition_end, min_time, max_time, \
                   row_count, point_count, byte_count, files, created_ms FROM segments \
                   WHERE engine = $1 AND quarantine_reason IS NULL ORDER BY partition_start, sequence, id";
        let rows = self.select(sql, engine).await?;
        rows.iter().map(|row| segment(row).map_err(ManifestError::backend)).collect()
    }

    async fn flushed(&self, stream: &str) -> Result<Generation, ManifestError> {
        let rows = self.select("SELECT generation FROM flushed_streams WHERE stream = $1", stream).await?;
        let Some(row) = rows.first() else { return Ok(Generation::default()) };
        let generation: i64 = row.try_get(0).map_err(ManifestError::backend)?;
        Ok(Generation(generation as u64))
    }

    async fn next_sequence(&self, engine: &str) -> Result<u64, ManifestError> {
        let mut write = self.write().await?;
        let sql = "INSERT INTO segment_sequences (engine, last) VALUES ($1, 1) \
                   ON CONFLICT (engine) DO UPDATE SET last = segment_sequences.last + 1 RETURNING last";
        let next = sqlx::query_scalar(sql).bind(engine).fetch_one(write.connection()).await;
        let next: i64 = next.map_err(ManifestError::backend)?;
        write.commit().await.map_err(ManifestError::backend)?;
        Ok(next as u64)
    }

    async fn quarantine(&self, id: SegmentId, reason: &str) -> Result<(), ManifestError> {
        let mut write = self.write().await?;
        let sql = "UPDATE segments SET quarantine_reason = $2 WHERE id = $1 AND quarantine_reason IS NULL";
        let update = sqlx::query(sql).bind(id.to_string()).bind(storable(reason).into_owned());
        let updated = update.execute(write.connection()).await.map_err(ManifestError::backend)?;
        if updated.rows_affected() != 1 {
            return Err(ManifestError::NotThere { id, expected: "live" });
        }
        write.commit().await.map_err(ManifestError::backend)
    }

    async fn quarantined(&self, engine: &str) -> Result<Vec<Quarantined>, ManifestError> {
        let sql = "SELECT id, engine, kind, level, sequence, partition_start, partition_end, min_time, max_time, \
                   row_count, point_count, byte_count, files, created_ms, quarantine_reason FROM segments \
                   WHERE engine = $1 AND quarantine_reason IS NOT NULL ORDER BY partition_start, sequence, id";
        let rows = self.select(sql, engine).await?;
        let quarantined = |row: &AnyRow| {
            let reason = row.try_get(14).map_err(ManifestError::backend)?;
            Ok(Quarantined { segment: segment(row).map_err(ManifestError::backend)?, reason })
        };
        rows.iter().map(quarantined).collect()
    }

    async fn discard(&self, id: SegmentId) -> Result<(), ManifestError> {
        let mut write = self.write().await?;
        let delete = sqlx::query("DELETE FROM segments WHERE id = $1 AND quarantine_reason IS NOT NULL");
        let deleted = delete.bind(id.to_string()).execute(write.connection()).await.map_err(ManifestError::backend)?;
        if deleted.rows_affected() != 1 {
            return Err(ManifestError::NotThere { id, expected: "quarantined" });
        }
        write.commit().await.map_err(ManifestError::backend)
    }
}

async fn remove_live(connection: &mut AnyConnection, id: SegmentId) -> Result<(), ManifestError> {
    let delete = sqlx::query("DELETE FROM segments WHERE id = $1 AND quarantine_reason IS NULL");
    let deleted = delete.bind(id.to_string()).execute(connection).await.map_err(ManifestError::backend)?;
    if deleted.rows_affected() == 1 { Ok(()) } else { Err(ManifestError::NotThere { id, expected: "live" }) }
}

async fn insert(connection: &mut AnyConnection, segment: &SegmentMeta) -> Result<(), ManifestError> {
    let insert = sqlx::query(
        "INSERT INTO segments (id, engine, kind, level, sequence, partition_start, partition_end, min_time, max_time, \
         row_count, point_count, byte_count, files, created_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(segment.id.to_string())
    .bind(&segment.engine)
    .bind(&segment.kind)
    .bind(i64::from(segment.level))
    .bind(segment.sequence as i64)
    .bind(segment.partition_start)
    .bind(segment.partition_end)
    .bind(segment.min_time)
    .bind(segment.max_time)
    .bind(segment.rows as i64)
    .bind(segment.points as i64)
    .bind(segment.bytes as i64)
    .bind(to_json(&segment.files))
    .bind(segment.created_ms);
    match insert.execute(connection).await {
        Ok(_) => Ok(()),
        Err(error) if is_duplicate(&error) => Err(ManifestError::Duplicate { id: segment.id }),
        Err(error) => Err(ManifestError::backend(error)),
    }
}

async fn advance(connection: &mut AnyConnection, stream: &str, asked: Generation) -> Result<(), ManifestError> {
    let upsert = sqlx::query(
        "INSERT INTO flushed_streams (stream, generation) VALUES ($1, $2) ON CONFLICT (stream) DO UPDATE SET \
         generation = excluded.generation WHERE flushed_streams.generation <= excluded.generation",
    );
    let upsert = upsert.bind(stream).bind(asked.0 as i64).execute(&mut *connection);
    if upsert.await.map_err(ManifestError::backend)?.rows_affected() == 1 {
        return Ok(());
    }
    let flushed: i64 = sqlx::query_scalar("SELECT generation FROM flushed_streams WHERE stream = $1")
        .bind(stream)
        .fetch_one(connection)
        .await
        .map_err(ManifestError::backend)?;
    Err(ManifestError::Backwards { stream: stream.to_owned(), flushed: Generation(flushed as u64), asked })
}

fn segment(row: &AnyRow) -> Result<SegmentMeta, CatalogError> {
    let number = |index: usize| row.try_get::<i64, _>(index);
    let id: String = row.try_get(0)?;
    let level = number(3)?;
    Ok(SegmentMeta {
        id: id.parse().map_err(CatalogError::Database)?,
        engine: row.try_get(1)?,
        kind: row.try_get(2)?,
        level: u8::try_from(level)
            .map_err(|_| CatalogError::Database(format!("segment level out of range: {level}")))?,
        sequence: number(4)? as u64,
        partition_start: number(5)?,
        partition_end: number(6)?,
        min_time: number(7)?,
        max_time: number(8)?,
        rows: number(9)? as u64,
        points: number(10)? as u64,
        bytes: number(11)? as u64,
        files: from_json(&row.try_get::<String, _>(12)?)?,
        created_ms: number(13)?,
    })
}
