//! What is asked of every server of a release: statements, the releases that know them, and what their columns become.
//! A new group of metrics is one more entry of [`QUERIES`].

use galgo_agent::check::SampleKind::{Gauge, MonotonicCount, Rate};

use super::queries::Column::{self, Metric, Tag};
use super::queries::On::{self, Any, Standby};
use super::queries::Query;

const NEWEST: u32 = u32::MAX;

const fn query(
    what: &'static str,
    releases: (u32, u32),
    on: On,
    sql: &'static str,
    columns: &'static [Column],
) -> Query {
    Query { what, releases, on, sql, columns }
}

const CHECKPOINTS: [Column; 8] = [
    Metric(MonotonicCount, "bgwriter.checkpoints_timed"),
    Metric(MonotonicCount, "bgwriter.checkpoints_requested"),
    Metric(MonotonicCount, "bgwriter.buffers_checkpoint"),
    Metric(MonotonicCount, "bgwriter.buffers_clean"),
    Metric(MonotonicCount, "bgwriter.maxwritten_clean"),
    Metric(MonotonicCount, "bgwriter.buffers_alloc"),
    Metric(MonotonicCount, "bgwriter.write_time"),
    Metric(MonotonicCount, "bgwriter.sync_time"),
];

const CHECKPOINTS_AND_BACKENDS: [Column; 10] = {
    let [a, b, c, d, e, f, g, h] = CHECKPOINTS;
    let backends = Metric(MonotonicCount, "bgwriter.buffers_backend");
    [a, b, c, d, e, f, g, h, backends, Metric(MonotonicCount, "bgwriter.buffers_backend_fsync")]
};

const VACUUM: &[Column] = &[
    Tag("db"),
    Tag("table"),
    Tag("phase"),
    Metric(Gauge, "vacuum.heap_blks_total"),
    Metric(Gauge, "vacuum.heap_blks_scanned"),
    Metric(Gauge, "vacuum.heap_blks_vacuumed"),
    Metric(Gauge, "vacuum.index_vacuum_count"),
    Metric(Gauge, "vacuum.max_dead_tuples"),
    Metric(Gauge, "vacuum.num_dead_tuples"),
];

const WAL: [Column; 8] = [
    Metric(MonotonicCount, "wal.records"),
    Metric(MonotonicCount, "wal.full_page_images"),
    Metric(MonotonicCount, "wal.bytes"),
    Metric(MonotonicCount, "wal.buffers_full"),
    Metric(MonotonicCount, "wal.write"),
    Metric(MonotonicCount, "wal.sync"),
    Metric(MonotonicCount, "wal.write_time"),
    Metric(MonotonicCount, "wal.sync_time"),
];

/// Since release 18 the writes of files are counted elsewhere.
const WAL_WITHOUT_FILES: [Column; 4] = {
    let [records, images, bytes, full, ..] = WAL;
    [records, images, bytes, full]
};

const SNAPSHOT: &[Column] =
    &[Metric(Gauge, "snapshot.xmin"), Metric(Gauge, "snapshot.xmax"), Metric(Gauge, "snapshot.xip_count")];

/// Every query that does not depend on the configuration.
pub(super) const QUERIES: &[Query] = &[
    query(
        "uptime",
        (0, NEWEST),
        Any,
        "SELECT floor(extract(epoch FROM now() - pg_postmaster_start_time())), 1",
        &[Metric(Gauge, "uptime"), Metric(Gauge, "running")],
    ),
    query(
        "connections",
        (0, NEWEST),
        Any,
        "SELECT max(s.setting::float), sum(d.numbackends) / max(s.setting::float) FROM pg_stat_database d, \
         (SELECT setting FROM pg_settings WHERE name = 'max_connections') s",
        &[Metric(Gauge, "max_connections"), Metric(Gauge, "percent_usage_connections")],
    ),
    query(
        "background writer",
        (0, 16),
        Any,
        "SELECT checkpoints_timed, checkpoints_req, buffers_checkpoint, buffers_clean, maxwritten_clean, buffers_alloc, \
         checkpoint_write_time, checkpoint_sync_time, buffers_backend, buffers_backend_fsync FROM pg_stat_bgwriter",
        &CHECKPOINTS_AND_BACKENDS,
    ),
    query(
        "background writer",
        (17, NEWEST),
        Any,
        "SELECT c.num_timed, c.num_requested, c.buffers_written, b.buffers_clean, b.maxwritten_clean, b.buffers_alloc, \
         c.write_time, c.sync_time FROM pg_stat_bgwriter b, pg_stat_checkpointer c",
        &CHECKPOINTS,
    ),
    query(
        "archiver",
        (0, NEWEST),
        Any,
        "SELECT archived_count, failed_count FROM pg_stat_archiver",
        &[Metric(MonotonicCount, "archiver.archived_count"), Metric(MonotonicCount, "archiver.failed_count")],
    ),
    query(
        "replicas",
        (10, NEWEST),
        Any,
        "SELECT r.application_name, r.state, r.sync_state, r.client_addr, s.slot_name, s.slot_type, \
         greatest(0, age(r.backend_xmin)), greatest(0, extract(epoch FROM r.write_lag)), \
         greatest(0, extract(epoch FROM r.flush_lag)), greatest(0, extract(epoch FROM r.replay_lag)) \
         FROM pg_stat_replication r LEFT JOIN pg_replication_slots s ON r.pid = s.active_pid",
        &[
            Tag("wal_app_name"),
            Tag("wal_state"),
            Tag("wal_sync_state"),
            Tag("wal_client_addr"),
            Tag("slot_name"),
            Tag("slot_type"),
            Metric(Gauge, "replication.backend_xmin_age"),
            Metric(Gauge, "replication.wal_write_lag"),
            Metric(Gauge, "replication.wal_flush_lag"),
            Metric(Gauge, "replication.wal_replay_lag"),
        ],
    ),
    query(
        "replication delay",
        (10, NEWEST),
        Standby,
        "SELECT CASE WHEN EXISTS (SELECT 1 FROM pg_stat_wal_receiver) AND (pg_last_wal_receive_lsn() IS NULL OR \
         pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()) THEN 0 \
         ELSE greatest(0, extract(epoch FROM now() - pg_last_xact_replay_timestamp())) END, \
         abs(pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()))",
        &[Metric(Gauge, "replication_delay"), Metric(Gauge, "replication_delay_bytes")],
    ),
    query(
        "WAL receiver",
        (10, NEWEST),
        Standby,
        "SELECT coalesce(w.status, 'disconnected'), 1, w.received_tli, \
         extract(epoch FROM clock_timestamp() - w.last_msg_send_time), \
         extract(epoch FROM clock_timestamp() - w.last_msg_receipt_time), \
         extract(epoch FROM clock_timestamp() - w.latest_end_time) \
         FROM (SELECT 1) one LEFT JOIN pg_stat_wal_receiver w ON true",
        &[
            Tag("status"),
            Metric(Gauge, "wal_receiver.connected"),
            Metric(Gauge, "wal_receiver.received_timeline"),
            Metric(Gauge, "wal_receiver.last_msg_send_age"),
            Metric(Gauge, "wal_receiver.last_msg_receipt_age"),
            Metric(Gauge, "wal_receiver.latest_end_age"),
        ],
    ),
    query(
        "conflicts with recovery",
        (0, NEWEST),
        Standby,
        "SELECT datname, confl_tablespace, confl_lock, confl_snapshot, confl_bufferpin, confl_deadlock \
         FROM pg_stat_database_conflicts",
        &[
            Tag("db"),
            Metric(MonotonicCount, "conflicts.tablespace"),
            Metric(MonotonicCount, "conflicts.lock"),
            Metric(MonotonicCount, "conflicts.snapshot"),
            Metric(MonotonicCount, "conflicts.bufferpin"),
            Metric(MonotonicCount, "conflicts.deadlock"),
        ],
    ),
    query(
        "replication slots",
        (10, NEWEST),
        Any,
        "SELECT slot_name, slot_type, CASE WHEN temporary THEN 'temporary' ELSE 'permanent' END, \
         CASE WHEN active THEN 'active' ELSE 'inactive' END, age(xmin), age(catalog_xmin), \
         pg_wal_lsn_diff(here, restart_lsn), pg_wal_lsn_diff(here, confirmed_flush_lsn) FROM pg_replication_slots, \
         (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END AS here) l",
        &[
            Tag("slot_name"),
            Tag("slot_type"),
            Tag("slot_persistence"),
            Tag("slot_state"),
            Metric(Gauge, "replication_slot.xmin_age"),
            Metric(Gauge, "replication_slot.catalog_xmin_age"),
            Metric(Gauge, "replication_slot.restart_delay_bytes"),
            Metric(Gauge, "replication_slot.confirmed_flush_delay_bytes"),
        ],
    ),
    query(
        "checkpoint",
        (10, NEWEST),
        Any,
        "SELECT timeline_id, extract(epoch FROM now() - checkpoint_time), pg_wal_lsn_diff(here, checkpoint_lsn), \
         pg_wal_lsn_diff(here, redo_lsn) FROM pg_control_checkpoint(), \
         (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END AS here) l",
        &[
            Metric(Gauge, "control.timeline_id"),
            Metric(Gauge, "control.checkpoint_delay"),
            Metric(Gauge, "control.checkpoint_delay_bytes"),
            Metric(Gauge, "control.redo_delay_bytes"),
        ],
    ),
    query(
        "simple caches",
        (13, NEWEST),
        Any,
        "SELECT name, blks_zeroed, blks_hit, blks_read, blks_written, blks_exists, flushes, truncates FROM pg_stat_slru",
        &[
            Tag("slru_name"),
            Metric(MonotonicCount, "slru.blks_zeroed"),
            Metric(MonotonicCount, "slru.blks_hit"),
            Metric(MonotonicCount, "slru.blks_read"),
            Metric(MonotonicCount, "slru.blks_written"),
            Metric(MonotonicCount, "slru.blks_exists"),
            Metric(MonotonicCount, "slru.flushes"),
            Metric(MonotonicCount, "slru.truncates"),
        ],
    ),
    query(
        "write-ahead log",
        (14, 17),
        Any,
        "SELECT wal_records, wal_fpi, wal_bytes, wal_buffers_full, wal_write, wal_sync, wal_write_time, wal_sync_time \
         FROM pg_stat_wal",
        &WAL,
    ),
    query(
        "write-ahead log",
        (18, NEWEST),
        Any,
        "SELECT wal_records, wal_fpi, wal_bytes, wal_buffers_full FROM pg_stat_wal",
        &WAL_WITHOUT_FILES,
    ),
    query(
        "input and output",
        (16, NEWEST),
        Any,
        "SELECT backend_type, object, context, evictions, extend_time, extends, fsync_time, fsyncs, hits, read_time, \
         reads, write_time, writes FROM pg_stat_io LIMIT 200",
        &[
            Tag("backend_type"),
            Tag("object"),
            Tag("context"),
            Metric(MonotonicCount, "io.evictions"),
            Metric(MonotonicCount, "io.extend_time"),
            Metric(MonotonicCount, "io.extends"),
            Metric(MonotonicCount, "io.fsync_time"),
            Metric(MonotonicCount, "io.fsyncs"),
            Metric(MonotonicCount, "io.hits"),
            Metric(MonotonicCount, "io.read_time"),
            Metric(MonotonicCount, "io.reads"),
            Metric(MonotonicCount, "io.write_time"),
            Metric(MonotonicCount, "io.writes"),
        ],
    ),
    query(
        "snapshot",
        (13, NEWEST),
        Any,
        "SELECT pg_snapshot_xmin(s), pg_snapshot_xmax(s), (SELECT count(*) FROM pg_snapshot_xip(s)) \
         FROM pg_current_snapshot() s",
        SNAPSHOT,
    ),
    query(
        "snapshot",
        (0, 12),
        Any,
        "SELECT txid_snapshot_xmin(s), txid_snapshot_xmax(s), (SELECT count(*) FROM txid_snapshot_xip(s)) \
         FROM txid_current_snapshot() s",
        SNAPSHOT,
    ),
    query(
        "vacuums",
        (10, 16),
        Any,
        "SELECT v.datname, c.relname, v.phase, v.heap_blks_total, v.heap_blks_scanned, v.heap_blks_vacuumed, \
         v.index_vacuum_count, v.max_dead_tuples, v.num_dead_tuples FROM pg_stat_progress_vacuum v \
         LEFT JOIN pg_class c ON c.oid = v.relid",
        VACUUM,
    ),
    query(
        "vacuums",
        (17, NEWEST),
        Any,
        "SELECT v.datname, c.relname, v.phase, v.heap_blks_total, v.heap_blks_scanned, v.heap_blks_vacuumed, \
         v.index_vacuum_count, v.max_dead_tuple_bytes, v.num_dead_item_ids FROM pg_stat_progress_vacuum v \
         LEFT JOIN pg_class c ON c.oid = v.relid",
        VACUUM,
    ),
    query(
        "builds of indexes",
        (12, NEWEST),
        Any,
        "SELECT p.datname, c.relname, i.relname, p.command, p.phase, p.lockers_total, p.lockers_done, p.blocks_total, \
         p.blocks_done, p.tuples_total, p.tuples_done, p.partitions_total, p.partitions_done \
         FROM pg_stat_progress_create_index p LEFT JOIN pg_class c ON c.oid = p.relid \
         LEFT JOIN pg_class i ON i.oid = p.index_relid",
        &[
            Tag("db"),
            Tag("table"),
            Tag("index"),
            Tag("command"),
            Tag("phase"),
            Metric(Gauge, "create_index.lockers_total"),
            Metric(Gauge, "create_index.lockers_done"),
            Metric(Gauge, "create_index.blocks_total"),
            Metric(Gauge, "create_index.blocks_done"),
            Metric(Gauge, "create_index.tuples_total"),
            Metric(Gauge, "create_index.tuples_done"),
            Metric(Gauge, "create_index.partitions_total"),
            Metric(Gauge, "create_index.partitions_done"),
        ],
    ),
];

/// Columns of [`super::database`]'s query, in its order.
pub(super) const DATABASE: &[Column] = &[
    Tag("db"),
    Metric(Gauge, "connections"),
    Metric(Rate, "commits"),
    Metric(Rate, "rollbacks"),
    Metric(Rate, "disk_read"),
    Metric(Rate, "buffer_hit"),
    Metric(Rate, "rows_returned"),
    Metric(Rate, "rows_fetched"),
    Metric(Rate, "rows_inserted"),
    Metric(Rate, "rows_updated"),
    Metric(Rate, "rows_deleted"),
    Metric(Rate, "deadlocks"),
    Metric(MonotonicCount, "deadlocks.count"),
    Metric(Rate, "temp_bytes"),
    Metric(Rate, "temp_files"),
    Metric(MonotonicCount, "blk_read_time"),
    Metric(MonotonicCount, "blk_write_time"),
    Metric(Gauge, "before_xid_wraparound"),
];
