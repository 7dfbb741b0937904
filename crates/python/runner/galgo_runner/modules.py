"""Puts the native modules and the old top-level packages into place."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import os
import sys
import types
from typing import Any, Optional, Sequence

from .native import aggregator, containers, datadog_agent, headers, kubeutil, subprocesses, tagger

#: Old top-level packages and what their submodules are today.
ALIASES = {"checks": "datadog_checks.checks", "utils": "datadog_checks.utils"}


def install_native() -> None:
    """Makes the native modules importable. Must come before the base class is imported: it looks for them once."""
    util = types.ModuleType("util", "HTTP headers, under its old name.")
    util.headers = headers  # type: ignore[attr-defined]
    sys.modules.update(
        {
            "aggregator": aggregator,
            "datadog_agent": datadog_agent,
            "tagger": tagger,
            "kubeutil": kubeutil,
            "containers": containers,
            "_util": subprocesses,
            "util": util,
        }
    )


def install_shims(root: str) -> None:
    """Makes ``checks``, ``utils`` and ``config`` importable, after everything that is already there."""
    sys.path.append(os.path.join(root, "shims"))
    sys.meta_path.append(_Aliases(os.path.join(root, "shims")))


class _Aliases(importlib.abc.MetaPathFinder):
    """Finds ``checks.x`` and ``utils.x`` as ``datadog_checks.checks.x`` and ``datadog_checks.utils.x``."""

    def __init__(self, shims: str) -> None:
        self._shims = shims

    def find_spec(
        self, fullname: str, path: Optional[Sequence[Any]], target: Any = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        old, _, rest = fullname.partition(".")
        if not rest or old not in ALIASES:
            return None
        # Somebody else's package of that name is not ours to extend.
        package_file = getattr(sys.modules.get(old), "__file__", None) or ""
        if not package_file.startswith(self._shims):
            return None
        loader = _AliasLoader("%s.%s" % (ALIASES[old], rest))
        return importlib.machinery.ModuleSpec(fullname, loader, is_package=True)


class _AliasLoader(importlib.abc.Loader):
    """Lets a name stand for another module."""

    def __init__(self, target: str) -> None:
        self._target = target

    def exec_module(self, module: types.ModuleType) -> None:
        sys.modules[module.__name__] = importlib.import_module(self._target)
