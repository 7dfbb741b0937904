-- One row per area whose content nodes keep in memory; a change of the area raises the number.
CREATE TABLE revisions (
    area TEXT NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL
);
INSERT INTO revisions (area, number) VALUES ('access', 0), ('hosts', 0), ('metrics', 0);

CREATE TABLE organisations (
    id BIGINT NOT NULL PRIMARY KEY,
    public_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE roles (
    id TEXT NOT NULL PRIMARY KEY,
    org_id BIGINT NOT NULL REFERENCES organisations (id),
    name TEXT NOT NULL,
    access TEXT NOT NULL CHECK (access IN ('ro', 'st', 'adm')),
    UNIQUE (org_id, name)
);

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    org_id BIGINT NOT NULL REFERENCES organisations (id),
    handle TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    password_hash TEXT,
    disabled BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    last_login_at BIGINT,
    failed_logins BIGINT NOT NULL DEFAULT 0,
    last_failed_at BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE user_roles (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role_id TEXT NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    PRIMARY KEY (user_id, role_id)
);

CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    org_id BIGINT NOT NULL REFERENCES organisations (id),
    name TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    last4 TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    modified_at BIGINT NOT NULL
);

CREATE TABLE app_keys (
    id TEXT NOT NULL PRIMARY KEY,
    org_id BIGINT NOT NULL REFERENCES organisations (id),
    name TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    last4 TEXT NOT NULL,
    owner_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    modified_at BIGINT NOT NULL
);

CREATE TABLE sessions (
    hash TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    address TEXT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE hosts (
    name TEXT NOT NULL PRIMARY KEY,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    agent_version TEXT NOT NULL DEFAULT '',
    agent_flavor TEXT NOT NULL DEFAULT '',
    platform TEXT NOT NULL DEFAULT '',
    aliases TEXT NOT NULL DEFAULT '[]',
    apps TEXT NOT NULL DEFAULT '[]',
    sources TEXT NOT NULL DEFAULT '[]',
    muted BIGINT NOT NULL DEFAULT 0,
    mute_end BIGINT,
    mute_message TEXT NOT NULL DEFAULT ''
);

CREATE TABLE host_tags (
    host TEXT NOT NULL REFERENCES hosts (name) ON DELETE CASCADE,
    source TEXT NOT NULL,
    tags TEXT NOT NULL,
    PRIMARY KEY (host, source)
);

CREATE TABLE host_metadata (
    host TEXT NOT NULL REFERENCES hosts (name) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    document TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (host, kind)
);

CREATE TABLE metric_metadata (
    metric TEXT NOT NULL PRIMARY KEY,
    metric_type TEXT,
    unit TEXT,
    per_unit TEXT,
    description TEXT,
    short_name TEXT,
    statsd_interval BIGINT,
    integration TEXT,
    modified_at BIGINT NOT NULL
);

CREATE TABLE tag_configurations (
    metric TEXT NOT NULL PRIMARY KEY,
    metric_type TEXT NOT NULL,
    tags TEXT NOT NULL,
    include_percentiles BIGINT,
    exclude_tags_mode BIGINT NOT NULL,
    aggregations TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    modified_at BIGINT NOT NULL
);

CREATE TABLE check_states (
    key TEXT NOT NULL PRIMARY KEY,
    check_name TEXT NOT NULL,
    host TEXT NOT NULL,
    tags TEXT NOT NULL,
    status BIGINT NOT NULL,
    message TEXT NOT NULL,
    time BIGINT NOT NULL,
    since BIGINT NOT NULL
);

CREATE TABLE check_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    check_name TEXT NOT NULL,
    host TEXT NOT NULL,
    tags TEXT NOT NULL,
    from_status BIGINT,
    to_status BIGINT NOT NULL,
    message TEXT NOT NULL,
    time BIGINT NOT NULL
);
CREATE INDEX check_changes_by_check ON check_changes (check_name, time);
CREATE INDEX check_changes_by_host ON check_changes (host, time);
CREATE INDEX check_changes_by_time ON check_changes (time);

CREATE TABLE unkept_paths (
    path TEXT NOT NULL PRIMARY KEY,
    requests BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    user_agents TEXT NOT NULL
);

CREATE TABLE dropped_data (
    reason TEXT NOT NULL PRIMARY KEY,
    count BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    example TEXT NOT NULL
);

CREATE TABLE segments (
    id TEXT NOT NULL PRIMARY KEY,
    engine TEXT NOT NULL,
    kind TEXT NOT NULL,
    level BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    partition_start BIGINT NOT NULL,
    partition_end BIGINT NOT NULL,
    min_time BIGINT NOT NULL,
    max_time BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    point_count BIGINT NOT NULL,
    byte_count BIGINT NOT NULL,
    files TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    quarantine_reason TEXT
);
CREATE INDEX segments_by_time ON segments (engine, partition_start, sequence, id);

CREATE TABLE flushed_streams (
    stream TEXT NOT NULL PRIMARY KEY,
    generation BIGINT NOT NULL
);

CREATE TABLE segment_sequences (
    engine TEXT NOT NULL PRIMARY KEY,
    last BIGINT NOT NULL
);

CREATE TABLE audit_trail (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms BIGINT NOT NULL,
    user_id TEXT NOT NULL,
    handle TEXT NOT NULL,
    via TEXT NOT NULL,
    address TEXT NOT NULL,
    action TEXT NOT NULL,
    resource TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    details TEXT NOT NULL
);
CREATE INDEX audit_trail_by_time ON audit_trail (at_ms);
