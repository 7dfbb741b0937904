"""Module ``aggregator``: takes what checks submit."""

from __future__ import annotations

import math
from typing import Any, Dict

from . import submit, tags_of, text

GAUGE = 0
RATE = 1
COUNT = 2
MONOTONIC_COUNT = 3
COUNTER = 4
HISTOGRAM = 5
HISTORATE = 6

_MAX_COUNT = 2**63 - 1


def submit_metric(
    check: Any,
    check_id: str,
    mtype: int,
    name: str,
    value: float,
    tags: Any,
    hostname: str,
    flush_first_value: bool = False,
) -> None:
    """Submits a value."""
    number = float(value)
    row_tags = tags_of(tags)
    if math.isfinite(number):
        submit(check_id, "m", [int(mtype), text(name), number, row_tags, text(hostname), bool(flush_first_value)])


def submit_service_check(
    check: Any, check_id: str, name: str, status: int, tags: Any, hostname: str, message: str
) -> None:
    """Submits the outcome of a service check."""
    submit(check_id, "c", [text(name), int(status), tags_of(tags), text(hostname), text(message)])


def submit_event(check: Any, check_id: str, event: Dict[str, Any]) -> None:
    """Submits an event. Only what an event may hold is passed on, and never the key that old checks put in."""
    if not isinstance(event, dict):
        raise TypeError("event must be a dict")
    row: Dict[str, Any] = {}
    for key in _EVENT_TEXTS:
        if event.get(key) is not None:
            row[key] = text(event[key])
    try:
        row["timestamp"] = int(event.get("timestamp") or 0)
    except (TypeError, ValueError, OverflowError):
        row["timestamp"] = 0
    try:
        row["tags"] = tags_of(event.get("tags"))
    except TypeError:
        row["tags"] = []
    submit(check_id, "e", row)


_EVENT_TEXTS = (
    "msg_title",
    "msg_text",
    "priority",
    "host",
    "device_name",
    "alert_type",
    "aggregation_key",
    "source_type_name",
    "event_type",
)


def submit_histogram_bucket(
    check: Any,
    check_id: str,
    name: str,
    value: int,
    lower_bound: float,
    upper_bound: float,
    monotonic: int,
    hostname: str,
    tags: Any,
    flush_first_value: bool = False,
) -> None:
    """Submits one bucket of a histogram."""
    count = max(-_MAX_COUNT, min(_MAX_COUNT, int(value)))
    lower, upper = float(lower_bound), float(upper_bound)
    if math.isnan(lower) or math.isnan(upper):
        raise ValueError("bounds of a bucket must be numbers")
    submit(
        check_id,
        "b",
        [
            text(name),
            count,
            lower if math.isfinite(lower) else None,
            upper if math.isfinite(upper) else None,
            bool(monotonic),
            tags_of(tags),
            text(hostname),
            bool(flush_first_value),
        ],
    )


def submit_event_platform_event(check: Any, check_id: str, raw_event: str, event_type: str) -> None:
    """Submits a payload for one of the event platform's tracks."""
    submit(check_id, "p", [text(event_type), text(raw_event)])
