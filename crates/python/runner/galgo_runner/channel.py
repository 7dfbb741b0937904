"""Messages between this process and the agent: four bytes of length (big-endian), then JSON."""

from __future__ import annotations

import json
import math
import os
import socket
import threading
from typing import Any, Dict, Optional

#: Longest message in bytes; the agent gives up on a process that sends a longer one.
MAX_MESSAGE_BYTES = 16 << 20


def plain(value: Any) -> Any:
    """A copy of a value that JSON can carry: no NaN, no odd keys, no foreign objects."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return str(value)


def encode(message: Dict[str, Any]) -> bytes:
    """A message as JSON text; a lone surrogate becomes a question mark."""
    try:
        text = json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError):
        text = json.dumps(plain(message), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


class Channel:
    """The connection to the agent. Any thread may send; one thread receives."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._reader = connection.makefile("rb")
        self._lock = threading.Lock()
        self._owner = os.getpid()

    def send(self, message: Dict[str, Any]) -> bool:
        """Sends a message. Returns False for one that is too long and was not sent."""
        if os.getpid() != self._owner:
            # A child that a check has forked shares the connection, and would garble what others send.
            return False
        body = encode(message)
        if len(body) > MAX_MESSAGE_BYTES:
            return False
        with self._lock:
            self._connection.sendall(len(body).to_bytes(4, "big") + body)
        return True

    def receive(self) -> Optional[Dict[str, Any]]:
        """The next message, or None when the agent is gone."""
        length = self._reader.read(4)
        if len(length) < 4:
            return None
        size = int.from_bytes(length, "big")
        body = self._reader.read(size)
        if len(body) < size:
            return None
        message: Dict[str, Any] = json.loads(body)
        return message
