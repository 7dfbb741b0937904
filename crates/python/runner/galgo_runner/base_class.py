"""Which base class serves the checks: Datadog's own when it is installed, or the small built-in one."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from typing import Any, List, NamedTuple

#: The package that has both.
PACKAGE = "datadog_checks"


class Base(NamedTuple):
    """The base class in use."""

    agent_check: Any
    #: Such as ``datadog-checks-base 38.7.0`` or ``built in``.
    name: str
    #: Why the real one is not used although it is installed.
    note: str


def choose(root: str) -> Base:
    """Imports the base class. The native modules must be in place."""
    note = ""
    try:
        agent_check = _import()
        return Base(agent_check, "datadog-checks-base %s" % _version(), "")
    except ImportError as error:
        if _is_installed():
            note = "datadog-checks-base is installed but cannot be imported: %s" % error
    except Exception as error:  # a half-installed dependency may fail in any way
        note = "datadog-checks-base is installed but fails: %s: %s" % (type(error).__name__, error)
    _forget()
    sys.path.insert(0, os.path.join(root, "builtin"))
    importlib.invalidate_caches()
    return Base(_import(), "built in", note)


def _import() -> Any:
    return importlib.import_module(PACKAGE + ".checks").AgentCheck


def _version() -> str:
    return str(importlib.import_module(PACKAGE + ".base.__about__").__version__)


def _is_installed() -> bool:
    try:
        return importlib.util.find_spec(PACKAGE + ".base") is not None
    except (ImportError, AttributeError, ValueError):
        return False


def _forget() -> None:
    mine: List[str] = [name for name in sys.modules if name == PACKAGE or name.startswith(PACKAGE + ".")]
    for name in mine:
        del sys.modules[name]
