"""Collects what one instance submits until the agent takes it."""

from __future__ import annotations

import threading
from typing import Any, Callable, Dict, List, Optional

#: Rows that are sent to the agent at a time.
PART_ROWS = 1000

#: Characters that are sent at a time, more or less.
PART_CHARS = 256 << 10

#: Longest row in characters; a longer one is dropped.
MAX_ROW_CHARS = 2 << 20

#: Most service checks, events, log lines and the like of one run.
MAX_OTHERS = 20_000

#: Kinds of rows that are values or buckets.
SAMPLES = ("m", "b")

Rows = Dict[str, List[Any]]


def size_of(value: Any) -> int:
    """Characters of a row, more or less."""
    if isinstance(value, str):
        return len(value) + 4
    if isinstance(value, (list, tuple)):
        return sum(map(size_of, value)) + 2
    if isinstance(value, dict):
        return sum(size_of(key) + size_of(item) for key, item in value.items()) + 2
    return 12


class Batch:
    """Rows by kind. Threads of the check may add at any time; what comes between two runs belongs to the next one."""

    def __init__(self, max_samples: int) -> None:
        self._max_samples = max_samples
        self._lock = threading.Lock()
        self._send: Optional[Callable[[Rows], None]] = None
        self._reset()
        self._clear()

    def _reset(self) -> None:
        self._samples = 0
        self._others = 0
        self._dropped = 0
        self._too_long = 0

    def _clear(self) -> None:
        self._rows: Rows = {}
        self._pending = 0
        self._chars = 0

    def add(self, kind: str, row: Any) -> None:
        """Adds a row."""
        size = size_of(row)
        with self._lock:
            if not self._admit(kind, size):
                return
            self._rows.setdefault(kind, []).append(row)
            self._pending += 1
            self._chars += size
            if self._send is not None and (self._pending >= PART_ROWS or self._chars >= PART_CHARS):
                self._flush()

    def _admit(self, kind: str, size: int) -> bool:
        if size > MAX_ROW_CHARS:
            self._too_long += 1
            return False
        # Between two runs nobody takes the rows: they are bounded by their size as well.
        idle_and_full = self._send is None and self._chars >= 16 * PART_CHARS
        if kind in SAMPLES:
            full = self._samples >= self._max_samples
            self._samples += not full
        else:
            full = self._others >= MAX_OTHERS
            self._others += not full
        if full or idle_and_full:
            self._dropped += 1
            return False
        return True

    def _flush(self) -> None:
        rows = self._rows
        self._clear()
        if self._send is not None:
            self._send(rows)

    def begin(self, send: Callable[[Rows], None]) -> None:
        """A run begins: from now on full parts are sent."""
        with self._lock:
            self._send = send
            if self._pending >= PART_ROWS or self._chars >= PART_CHARS:
                self._flush()

    def end(self) -> Rows:
        """A run is over: the rows that were not sent yet."""
        with self._lock:
            rows = self._rows
            self._send = None
            self._clear()
            return rows

    def complaints(self) -> List[str]:
        """What was dropped since the last time; starts a new count."""
        with self._lock:
            dropped, too_long = self._dropped, self._too_long
            self._reset()
        complaints = []
        if dropped:
            complaints.append(
                "%d submissions dropped: a run may submit %d values and %d other things"
                % (dropped, self._max_samples, MAX_OTHERS)
            )
        if too_long:
            complaints.append("%d submissions dropped: longer than %d characters" % (too_long, MAX_ROW_CHARS))
        return complaints
