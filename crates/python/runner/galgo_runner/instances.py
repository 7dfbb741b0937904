"""What belongs to one instance, how it runs, and the threads that do it."""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
import types
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict, List, Optional, Tuple

from . import loading
from .base_class import Base
from .batch import Batch
from .channel import Channel
from .settings import Settings

#: Most warnings of one run, and their longest text.
MAX_WARNINGS = 100
MAX_WARNING_CHARS = 4000

#: Longest error and traceback.
MAX_ERROR_CHARS = 20_000

Message = Dict[str, Any]


class Instance:
    """One instance of a check."""

    def __init__(self, call: Message, max_samples: int) -> None:
        self.id: str = call["id"]
        self.name: str = call["name"]
        self.init_config: Any = call["init_config"]
        self.options: Any = call["instance"]
        self.batch = Batch(max_samples)
        self.check: Any = None
        self.version = ""
        self.custom_file: Optional[str] = None
        #: The file changed: a new check is made before the next run.
        self.stale = False
        #: Holds while it runs: never two runs at once.
        self.running = threading.Lock()


class Failure(Exception):
    """A call that failed, in words."""

    def __init__(self, text: str, trace: str = "") -> None:
        super().__init__(text)
        self.text = text[:MAX_ERROR_CHARS]
        self.trace = trace[-MAX_ERROR_CHARS:]


def failure_of(error: BaseException) -> Failure:
    """An exception in words."""
    trace = "".join(traceback.format_exception(type(error), error, _outside(error.__traceback__)))
    said = str(error)
    if isinstance(error, SystemExit):
        return Failure("the check called sys.exit(%s)" % said, trace)
    return Failure(said if isinstance(error, loading.Unusable) else "%s: %s" % (type(error).__name__, said), trace)


def _outside(trace: Optional[types.TracebackType]) -> Optional[types.TracebackType]:
    """A traceback without its first frames, as far as they are the runner's own or those of the import system."""
    outer = trace
    while outer is not None:
        name = outer.tb_frame.f_globals.get("__name__", "")
        if not name.startswith(("galgo_runner.", "importlib.")) and name not in ("importlib", "_frozen_importlib"):
            return outer
        outer = outer.tb_next
    return trace


class Registry:
    """All instances of this process."""

    def __init__(self, channel: Channel, base: Base, custom: loading.CustomModules, settings: Settings) -> None:
        self._channel = channel
        self._base = base
        self._custom = custom
        self._settings = settings
        self._instances: Dict[str, Instance] = {}
        self._threads: Dict[int, int] = {}
        self._local = threading.local()
        # Modules are loaded one after the other: they may import each other.
        self._loading = threading.Lock()
        self._reloads_requested = 0
        self._reloads_done = 0

    def batch_of(self, check_id: str) -> Optional[Batch]:
        """The batch of an instance, or of the one that runs in this thread."""
        instance = self._instances.get(check_id) or self.current()
        return instance.batch if instance is not None else None

    def current(self) -> Optional[Instance]:
        """The instance that runs in this thread."""
        return getattr(self._local, "instance", None)

    def add(self, call: Message, max_samples: int) -> Instance:
        """A new instance, in the place of an older one with the same identity."""
        instance = Instance(call, max_samples)
        self._instances[instance.id] = instance
        return instance

    def get(self, check_id: str) -> Optional[Instance]:
        """An instance."""
        return self._instances.get(check_id)

    def remove(self, check_id: str) -> Optional[Instance]:
        """An instance, which is not one any more."""
        return self._instances.pop(check_id, None)

    def all(self) -> List[Instance]:
        """All instances."""
        return list(self._instances.values())

    def request_reload(self) -> None:
        """Has changed modules loaded anew before the next call, whichever thread comes first to it."""
        self._reloads_requested += 1

    def reload_if_requested(self) -> None:
        """Has custom checks made anew when files of custom modules changed, and tells the agent which."""
        if self._reloads_done == self._reloads_requested:
            return
        with self._loading:
            requested = self._reloads_requested
            if self._reloads_done == requested:
                return
            changed = self._custom.forget_changed()
            if changed:
                for instance in self.all():
                    instance.stale = instance.stale or instance.custom_file is not None
            self._reloads_done = requested
        self._channel.send({"k": "reloaded", "modules": changed})

    def load(self, seq: int, instance: Instance) -> None:
        """Answers a call that makes a check."""
        self._answer(seq, instance, lambda: self._make(instance))

    def run(self, seq: int, instance: Instance) -> None:
        """Answers a call that runs a check."""
        self._answer(seq, instance, lambda: self._run_once(instance))

    def _answer(self, seq: int, instance: Instance, work: Callable[[], None]) -> None:
        self._threads[seq] = threading.get_ident()
        self._local.instance = instance
        done: Message = {"k": "done", "seq": seq}
        instance.batch.begin(lambda rows: self._send_part(seq, rows))
        try:
            self.reload_if_requested()
            work()
        except loading.Missing:
            done["status"] = "missing"
        except Failure as failure:
            done.update(status="error", text=failure.text, traceback=failure.trace)
        except BaseException as error:  # whatever a check raises concerns the check alone
            told = failure_of(error)
            done.update(status="error", text=told.text, traceback=told.trace)
        finally:
            self._local.instance = None
            self._threads.pop(seq, None)
        done["version"] = instance.version
        done["out"] = instance.batch.end()
        done["warnings"] = self._warnings(instance) + instance.batch.complaints()
        if not self._channel.send(done):
            text = "what the check submitted is too large to be sent"
            self._channel.send({"k": "done", "seq": seq, "status": "error", "text": text})

    def _send_part(self, seq: int, rows: Message) -> None:
        self._channel.send({"k": "part", "seq": seq, "out": rows})

    def _make(self, instance: Instance) -> None:
        def attribute(path: Optional[str]) -> None:
            ours = path is not None and any(path.startswith(folder + os.sep) for folder in self._custom.folders)
            instance.custom_file = path if ours else None

        with self._loading:
            check, version = loading.make_check(
                instance.name,
                instance.id,
                instance.init_config,
                instance.options,
                self._custom,
                self._base.agent_check,
                self._settings,
                attribute,
            )
        instance.check, instance.version, instance.stale = check, version, False

    def _run_once(self, instance: Instance) -> None:
        if not instance.running.acquire(blocking=False):
            raise Failure("the last run has not ended")
        try:
            if instance.stale:
                cancel(instance)
                self._make(instance)
            report(instance.check.run())
            self._custom.note_stamps()
        finally:
            instance.running.release()

    @staticmethod
    def _warnings(instance: Instance) -> List[str]:
        try:
            warnings = instance.check.get_warnings() if instance.check is not None else []
            return [str(warning)[:MAX_WARNING_CHARS] for warning in warnings or []][:MAX_WARNINGS]
        except Exception as error:  # the method is the check's own
            return ["get_warnings() failed: %s" % error]

    def where(self, seq: int) -> str:
        """Where the thread of a call is."""
        frame = sys._current_frames().get(self._threads.get(seq, 0))
        return "".join(traceback.format_stack(frame)) if frame is not None else ""


def report(result: Any) -> None:
    """Raises what ``AgentCheck.run`` returned, if that is an error."""
    if not result:
        return
    text = result.decode("utf-8", "replace") if isinstance(result, bytes) else str(result)
    message, trace = _first_error(text)
    if not message.strip():
        message = trace.strip().rpartition("\n")[2] or "it failed without saying why"
    raise Failure(message, trace)


def _first_error(text: str) -> Tuple[str, str]:
    try:
        errors = json.loads(text)
        return str(errors[0].get("message", "")), str(errors[0].get("traceback", ""))
    except (ValueError, LookupError, TypeError, AttributeError):
        return text, ""


def cancel(instance: Instance) -> None:
    """Tells a check that it is no longer needed."""
    try:
        if instance.check is not None and hasattr(instance.check, "cancel"):
            instance.check.cancel()
    except Exception:  # the method is the check's own, and the check goes anyway
        traceback.print_exc()


def make_threads(number: int) -> ThreadPoolExecutor:
    """Threads for calls; they are started when they are needed."""
    return ThreadPoolExecutor(max_workers=number, thread_name_prefix="check")
