"""Module ``datadog_agent``: what checks ask of the agent around them."""

from __future__ import annotations

import json
from typing import Any, Iterable, Optional, Tuple

from .. import sql
from . import headers as headers  # part of this module's interface
from . import link, submit, tags_of, text


def get_version() -> str:
    """Version of the agent."""
    return link.version


def get_hostname() -> str:
    """Name of the host."""
    return link.host


def get_clustername() -> Optional[str]:
    """Name of the Kubernetes cluster, None outside of one."""
    name = link.settings.lookup("cluster_name")
    return text(name) if name else None


def get_config(key: str) -> Any:
    """A setting of the agent by its dotted key; None when it is not set."""
    return link.settings.lookup(text(key))


def get_host_tags() -> str:
    """Tags of the host as JSON."""
    return json.dumps({"system": link.host_tags})


def get_process_start_time() -> float:
    """When the agent started, in seconds since the UNIX epoch."""
    return link.started


def tracemalloc_enabled() -> bool:
    """Whether memory profiling is on."""
    return bool(link.settings.lookup("tracemalloc_debug"))


def log(message: str, log_level: int) -> None:
    """Writes into the agent's log; levels have Python's numbers."""
    link.log(int(log_level), text(message))


def send_log(log_line: str, check_id: str) -> None:
    """Sends a log line, which is a JSON object as text."""
    submit(check_id, "l", text(log_line))


def set_check_metadata(check_id: str, name: str, value: str) -> None:
    """Notes a fact about what is checked."""
    submit(check_id, "d", [text(name), text(value)])


def set_external_tags(tags: Iterable[Tuple[str, Any]]) -> None:
    """Sets tags of other hosts: (host, {source: [tags]})."""
    for host, by_source in tags:
        for source, values in by_source.items():
            submit("", "x", [text(host), text(source), tags_of(values)])


def read_persistent_cache(key: str) -> str:
    """A value that was kept across restarts, empty when there is none."""
    return link.cache.read(text(key))


def write_persistent_cache(key: str, value: str) -> None:
    """Keeps a value across restarts."""
    link.cache.write(text(key), text(value))


def obfuscate_sql(query: str, options: Optional[str] = None) -> str:
    """SQL without its literals; with metadata as JSON when the options ask for it."""
    return sql.obfuscate_with_options(text(query), options)


def obfuscate_sql_exec_plan(plan: str, normalize: bool = False) -> str:
    """A JSON execution plan without the literals in its conditions."""
    return sql.obfuscate_plan(text(plan), normalize)


def obfuscate_mongodb_string(command: str) -> str:
    """A JSON command of MongoDB without its values."""
    return sql.obfuscate_json_values(text(command))


def emit_agent_telemetry(check_name: str, metric_name: str, metric_value: float, metric_type: str) -> None:
    """Figures about the agent itself for Datadog; there is nobody here who wants them."""


def report_issue(check_name: str, issue: str) -> None:
    """Notes a problem in the agent's log."""
    link.log(30, "%s reports an issue: %s" % (text(check_name), text(issue)))


def resolve_issue(issue_id: str) -> None:
    """A problem is over."""
    link.log(20, "issue resolved: %s" % text(issue_id))
