"""The loop: takes calls from the agent and gives them to threads."""

from __future__ import annotations

import faulthandler
import logging
import os
import platform
import signal
import sys
import time
from typing import Any, Dict

from . import base_class, modules, streams
from .cache import PersistentCache
from .channel import Channel
from .instances import Instance, Registry, cancel, make_threads
from .loading import CustomModules
from .native import link
from .settings import Settings

#: Longest line of a log in characters.
MAX_LOG_CHARS = 16_000

#: How long checks may take to be cancelled when the process is told to end, in seconds.
CANCEL_SECONDS = 2.0

#: Python's numbers of the agent's levels.
LEVELS = {
    "trace": 7,
    "debug": 10,
    "info": 20,
    "warn": 30,
    "warning": 30,
    "error": 40,
    "err": 40,
    "critical": 50,
    "crit": 50,
    "off": 100,
}

Message = Dict[str, Any]


class Server:
    """The runner as a whole."""

    def __init__(self, channel: Channel, start: Message) -> None:
        self._channel = channel
        self._max_samples: int = start["max_samples"]
        self._level = LEVELS.get(str(start["log_level"]).lower(), logging.INFO)
        self._registry: Registry = None  # type: ignore[assignment]
        # A few more than runs at a time, for checks that are cancelled meanwhile.
        self._threads = make_threads(start["threads"] + 4)
        settings = Settings(start["settings"] or {})
        settings.setdefault("log_level", start["log_level"])
        link.settings = settings
        link.cache = PersistentCache(start["cache_dir"])
        link.host, link.host_tags, link.version = start["host"], start["host_tags"], start["version"]
        link.batch_of = lambda check_id: self._registry.batch_of(check_id) if self._registry else None
        link.log = self._log
        _limit_data(start["data_limit"])
        streams.capture(self._log)
        root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        modules.install_native()
        modules.install_shims(root)
        base = base_class.choose(root)
        custom = CustomModules([str(folder) for folder in start["check_dirs"]])
        self._registry = Registry(channel, base, custom, settings)
        channel.send({"k": "hello", "version": platform.python_version(), "base": base.name, "text": base.note})

    def _log(self, level: int, text: str) -> None:
        if level < self._level:
            return
        instance = self._registry.current() if self._registry else None
        name = instance.name if instance is not None else _check_in(text)
        self._channel.send({"k": "log", "level": level, "check": name, "text": text[:MAX_LOG_CHARS]})

    def serve(self) -> None:
        """Takes calls until the agent is gone or says that it is over."""
        while True:
            message = self._channel.receive()
            if message is None:
                return
            if message["op"] == "shutdown":
                self._cancel_all()
                return
            self._take(message)

    def _take(self, message: Message) -> None:
        operation = message["op"]
        if operation == "load":
            instance = self._registry.add(message, self._max_samples)
            self._threads.submit(self._registry.load, message["seq"], instance)
        elif operation == "run":
            self._run(message)
        elif operation == "unload":
            removed = self._registry.remove(message["id"])
            if removed is not None:
                self._threads.submit(self._cancel, removed)
        elif operation == "reload":
            self._registry.request_reload()
            self._threads.submit(self._registry.reload_if_requested)
        elif operation == "stack":
            where = self._registry.where(message["seq"])
            self._channel.send({"k": "stack", "seq": message["seq"], "text": where})

    def _run(self, message: Message) -> None:
        instance = self._registry.get(message["id"])
        if instance is None:
            self._channel.send({"k": "done", "seq": message["seq"], "status": "missing"})
            return
        self._threads.submit(self._registry.run, message["seq"], instance)

    @staticmethod
    def _cancel(instance: Instance) -> None:
        # A run that is under way ends first.
        with instance.running:
            cancel(instance)

    def _cancel_all(self) -> None:
        pending = [self._threads.submit(self._cancel, instance) for instance in self._registry.all()]
        deadline = time.monotonic() + CANCEL_SECONDS
        while time.monotonic() < deadline and not all(job.done() for job in pending):
            time.sleep(0.02)


def _check_in(text: str) -> str:
    """The check that a line of the base class's log names, if it does: it starts with ``NAME:HASH | ``."""
    head, bar, _ = text.partition(" | ")
    name, colon, _ = head.partition(":")
    return name if bar and colon and " " not in name else ""


def _limit_data(limit: int) -> None:
    if limit <= 0:
        return
    try:
        import resource

        link.born_data_limit = resource.getrlimit(resource.RLIMIT_DATA)
        hard = link.born_data_limit[1]
        wanted = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))
    except (ImportError, OSError, ValueError):
        # The agent watches the memory as well; this limit only makes it sooner.
        pass


def main() -> None:
    """Serves the agent and ends the process."""
    connection = streams.take_over()
    faulthandler.enable(file=2, all_threads=True)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel = Channel(connection)
    start = channel.receive()
    if start is not None:
        Server(channel, start).serve()
    if sys.__stderr__ is not None:
        sys.__stderr__.flush()
    # Threads of checks may never end; nobody waits for them.
    os._exit(0)
