-- What agents say of the checks that they run and of the logs that they read: the newest report of each host.
CREATE TABLE agent_reports (
    host TEXT NOT NULL PRIMARY KEY REFERENCES hosts (name) ON DELETE CASCADE,
    checks_at BIGINT,
    configurations_at BIGINT,
    logs_at BIGINT
);

CREATE TABLE agent_checks (
    host TEXT NOT NULL REFERENCES agent_reports (host) ON DELETE CASCADE,
    check_name TEXT NOT NULL,
    instance TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('OK', 'WARNING', 'ERROR', 'PENDING')),
    version TEXT NOT NULL,
    last_run BIGINT,
    details TEXT NOT NULL,
    PRIMARY KEY (host, check_name, instance)
);
CREATE INDEX agent_checks_by_name ON agent_checks (check_name, host);

CREATE TABLE check_configurations (
    host TEXT NOT NULL REFERENCES agent_reports (host) ON DELETE CASCADE,
    check_name TEXT NOT NULL,
    instance TEXT NOT NULL,
    version TEXT NOT NULL,
    details TEXT NOT NULL,
    PRIMARY KEY (host, check_name, instance)
);

CREATE TABLE agent_log_sources (
    host TEXT NOT NULL REFERENCES agent_reports (host) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    details TEXT NOT NULL,
    PRIMARY KEY (host, number)
);
CREATE INDEX agent_log_sources_by_kind ON agent_log_sources (kind, host);
