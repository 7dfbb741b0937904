"""Keeps the connection to the agent apart from everything that checks read and print.

The process is born with the connection as file descriptor 0, a pipe that breaks when the agent dies as 1, and a pipe
for output as 2. Afterwards 0 is empty, and 1 and 2 both lead into the pipe for output, for libraries and child
processes that write there; print() goes by way of messages, which know the check.
"""

from __future__ import annotations

import fcntl
import io
import os
import socket
import sys
import threading
from typing import Any, Callable, List

#: Longest piece of output without an end of line that is kept.
MAX_PARTIAL_CHARS = 8192

#: Takes a level in Python's numbering and a line.
Emit = Callable[[int, str], None]


def take_over() -> socket.socket:
    """Rearranges the file descriptors and returns the connection."""
    connection = socket.socket(fileno=os.dup(0))
    connection.setblocking(True)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    _die_with(os.dup(1))
    os.dup2(2, 1)
    return connection


def _die_with(pipe: int) -> None:
    """Ends this process when the other end of the pipe is closed, even while a check holds the interpreter's lock.

    The kernel sends SIGIO then, which ends a process that has no handler for it.
    """
    try:
        fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)
    except (AttributeError, OSError):
        # Where the system cannot do it, the end of the connection is noticed by the main thread.
        pass


class Printed(io.TextIOBase):
    """A stream for print() that emits whole lines. Each thread has a line of its own."""

    def __init__(self, emit: Emit, level: int, descriptor: int) -> None:
        super().__init__()
        self._emit = emit
        self._level = level
        self._descriptor = descriptor
        self._local = threading.local()
        self.buffer = _Bytes(self)

    encoding = "utf-8"
    errors = "replace"

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def reconfigure(self, **_: Any) -> None:
        """Scripts change the encoding of their output; there is only one here."""

    def fileno(self) -> int:
        return self._descriptor

    def write(self, text: Any) -> int:
        if not isinstance(text, str):
            raise TypeError("write() argument must be str, not %s" % type(text).__name__)
        lines: List[str] = (getattr(self._local, "partial", "") + text).split("\n")
        partial = lines.pop()
        if len(partial) > MAX_PARTIAL_CHARS:
            lines.append(partial)
            partial = ""
        self._local.partial = partial
        for line in lines:
            self._emit_line(line)
        return len(text)

    def flush(self) -> None:
        partial = getattr(self._local, "partial", "")
        self._local.partial = ""
        self._emit_line(partial)

    def _emit_line(self, line: str) -> None:
        if line.strip():
            self._emit(self._level, line.rstrip())


class _Bytes(io.RawIOBase):
    """What ``sys.stdout.buffer`` is."""

    def __init__(self, text: Printed) -> None:
        super().__init__()
        self._text = text

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        raw = bytes(data)
        self._text.write(raw.decode("utf-8", "replace"))
        return len(raw)

    def flush(self) -> None:
        self._text.flush()


def capture(emit: Emit) -> None:
    """Lets print() and sys.stderr emit lines."""
    sys.stdout = Printed(emit, 20, 1)
    sys.stderr = Printed(emit, 30, 2)
    sys.stdin = open(os.devnull)
