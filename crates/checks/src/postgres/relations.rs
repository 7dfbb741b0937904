//! Which tables are looked at (`relations`), and what is measured of them in the database that the check connects to.

use galgo_agent::check::SampleKind::{Gauge, MonotonicCount, Rate};
use serde_json::Value;

use super::config::literal;
use super::queries::Column::{Metric, Tag};
use super::queries::{Column, Run};

/// Tables that are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Relations(Vec<Relation>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Relation {
    name: Name,
    schemas: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    Exact(String),
    Pattern(String),
}

impl Relations {
    /// Reads a list of names and of maps with `relation_name` or `relation_regex`, and `schemas`. The error says what
    /// an entry must be.
    pub(super) fn of(option: Option<&Value>) -> Result<Self, String> {
        let list = match option {
            None => return Ok(Self::default()),
            Some(Value::Array(list)) => list,
            Some(other) => return Err(format!("relations must be a list, not {other}")),
        };
        list.iter().map(Relation::of).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there is nothing to look at.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Condition on two columns with a schema's and a table's name.
    pub(super) fn condition(&self, schema: &str, table: &str) -> String {
        let one = |relation: &Relation| {
            let name = match &relation.name {
                Name::Exact(name) => format!("{table} = {}", literal(name)),
                Name::Pattern(pattern) => format!("{table} ~ {}", literal(pattern)),
            };
            if relation.schemas.is_empty() {
                return format!("({name})");
            }
            let schemas: Vec<String> = relation.schemas.iter().map(|schema| literal(schema)).collect();
            format!("({name} AND {schema} IN ({}))", schemas.join(", "))
        };
        let parts: Vec<String> = self.0.iter().map(one).collect();
        format!("({})", parts.join(" OR "))
    }
}

impl Relation {
    fn of(entry: &Value) -> Result<Self, String> {
        let expected =
            || format!("relations: an entry must be a name or a map with relation_name or relation_regex, not {entry}");
        if let Value::String(name) = entry {
            return Ok(Self { name: Name::Exact(name.clone()), schemas: Vec::new() });
        }
        let text = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
        let name = match (text("relation_name"), text("relation_regex")) {
            (Some(name), _) => Name::Exact(name),
            (None, Some(pattern)) => Name::Pattern(pattern),
            (None, None) => return Err(expected()),
        };
        let schemas = match entry.get("schemas") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(other) => return Err(format!("relations: schemas must be a list, not {other}")),
        };
        // Some configurations say that all schemas are meant by naming none.
        Ok(Self { name, schemas: schemas.into_iter().filter(|schema| !schema.is_empty()).collect() })
    }
}

const TABLES: &[Column] = &[
    Tag("schema"),
    Tag("table"),
    Metric(Rate, "seq_scans"),
    Metric(Rate, "seq_rows_read"),
    Metric(Rate, "index_rel_scans"),
    Metric(Rate, "index_rel_rows_fetched"),
    Metric(Rate, "rows_inserted"),
    Metric(Rate, "rows_updated"),
    Metric(Rate, "rows_deleted"),
    Metric(Rate, "rows_hot_updated"),
    Metric(Gauge, "live_rows"),
    Metric(Gauge, "dead_rows"),
    Metric(MonotonicCount, "vacuumed"),
    Metric(MonotonicCount, "autovacuumed"),
    Metric(MonotonicCount, "analyzed"),
    Metric(MonotonicCount, "autoanalyzed"),
    Metric(Gauge, "table_size"),
    Metric(Gauge, "index_size"),
    Metric(Gauge, "total_size"),
];

const TABLES_SQL: &str = "SELECT schemaname, relname, seq_scan, seq_tup_read, idx_scan, idx_tup_fetch, n_tup_ins, n_tup_upd, \
    n_tup_del, n_tup_hot_upd, n_live_tup, n_dead_tup, vacuum_count, autovacuum_count, analyze_count, autoanalyze_count, \
    pg_table_size(relid), pg_indexes_size(relid), pg_total_relation_size(relid) FROM pg_stat_user_tables";

const BLOCKS: &[Column] = &[
    Tag("schema"),
    Tag("table"),
    Metric(Rate, "heap_blocks_read"),
    Metric(Rate, "heap_blocks_hit"),
    Metric(Rate, "index_blocks_read"),
    Metric(Rate, "index_blocks_hit"),
    Metric(Rate, "toast_blocks_read"),
    Metric(Rate, "toast_blocks_hit"),
    Metric(Rate, "toast_index_blocks_read"),
    Metric(Rate, "toast_index_blocks_hit"),
];

const BLOCKS_SQL: &str = "SELECT schemaname, relname, heap_blks_read, heap_blks_hit, idx_blks_read, idx_blks_hit, \
    toast_blks_read, toast_blks_hit, tidx_blks_read, tidx_blks_hit FROM pg_statio_user_tables";

const INDEXES: &[Column] = &[
    Tag("schema"),
    Tag("table"),
    Tag("index"),
    Metric(Rate, "index_scans"),
    Metric(Rate, "index_rows_read"),
    Metric(Rate, "index_rows_fetched"),
    Metric(Gauge, "individual_index_size"),
];

const INDEXES_SQL: &str = "SELECT schemaname, relname, indexrelname, idx_scan, idx_tup_read, idx_tup_fetch, \
    pg_relation_size(indexrelid) FROM pg_stat_user_indexes";

const LOCKS: &[Column] = &[
    Tag("lock_mode"),
    Tag("lock_type"),
    Tag("db"),
    Tag("granted"),
    Tag("fastpath"),
    Tag("schema"),
    Tag("table"),
    Metric(Gauge, "locks"),
];

/// Submits what is measured of the wanted tables, if there are any, and the locks.
pub(super) async fn collect(run: &mut Run<'_>) {
    let relations = run.config.relations.clone();
    if !relations.is_empty() {
        let condition = relations.condition("schemaname", "relname");
        let most = run.config.max_relations;
        for (what, sql, columns) in [
            ("tables", TABLES_SQL, TABLES),
            ("blocks of tables", BLOCKS_SQL, BLOCKS),
            ("indexes", INDEXES_SQL, INDEXES),
        ] {
            let sql = format!("{sql} WHERE {condition} ORDER BY schemaname, relname LIMIT {most}");
            run.submit(what, &sql, columns, true).await;
        }
    }
    locks(run, &relations).await;
}

/// Locks by kind; with `relations` also by table, as only tables of this database have names here.
async fn locks(run: &mut Run<'_>, relations: &Relations) {
    let databases = run.config.database_condition("d.datname");
    let sql = if relations.is_empty() {
        format!(
            "SELECT l.mode, l.locktype, d.datname, l.granted, l.fastpath, NULL, NULL, count(*) FROM pg_locks l \
             JOIN pg_database d ON l.database = d.oid WHERE l.mode IS NOT NULL AND {databases} GROUP BY 1, 2, 3, 4, 5"
        )
    } else {
        format!(
            "SELECT l.mode, l.locktype, d.datname, l.granted, l.fastpath, n.nspname, c.relname, count(*) \
             FROM pg_locks l JOIN pg_database d ON l.database = d.oid JOIN pg_class c ON l.relation = c.oid \
             JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE l.mode IS NOT NULL AND d.datname = current_database() AND {} GROUP BY 1, 2, 3, 4, 5, 6, 7",
            relations.condition("n.nspname", "c.relname")
        )
    };
    run.submit("locks", &sql, LOCKS, false).await;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn relations_become_a_condition() {
        let list =
            json!(["orders", { "relation_name": "it's", "schemas": ["a", "b"] }, { "relation_regex": "^p\\d+" }]);
        let relations = Relations::of(Some(&list)).unwrap();
        assert_eq!(
            relations.condition("s", "t"),
            r"((t = E'orders') OR (t = E'it''s' AND s IN (E'a', E'b')) OR (t ~ E'^p\\d+'))"
        );
        assert!(Relations::of(None).unwrap().is_empty());
        let mistake = Relations::of(Some(&json!([{ "name": "x" }]))).unwrap_err();
        assert!(mistake.ends_with(r#"or relation_regex, not {"name":"x"}"#), "{mistake}");
    }
}
