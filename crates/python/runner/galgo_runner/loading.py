"""From the name of a check to an object: module, class, constructor."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import os
import sys
import types
from typing import Any, Callable, Dict, List, Optional, Tuple

from .settings import Settings

#: Version of a check whose module has no ``__version__``.
UNVERSIONED = "unversioned"


class Missing(Exception):
    """There is no check of that name."""


class Unusable(Exception):
    """There is a module of that name, but no check in it that can be made."""


class _FreshLoader(importlib.machinery.SourceFileLoader):
    """Compiles a module from its text every time.

    A cached one may be stale: Python compares size and whole seconds, and an edit can fit into one second. It also
    writes nothing into the folder of custom checks.
    """

    def get_code(self, fullname: str) -> Any:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class CustomModules:
    """The modules in the folders for custom checks."""

    def __init__(self, folders: List[str]) -> None:
        self.folders = [os.path.abspath(folder) for folder in folders]
        self._stamps: Dict[str, Tuple[int, int]] = {}
        extensions = (importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES)
        hook = importlib.machinery.FileFinder.path_hook((_FreshLoader, importlib.machinery.SOURCE_SUFFIXES), extensions)

        def only_ours(path: str) -> Any:
            if not self._is_ours(path):
                raise ImportError("not a folder of custom checks", path=path)
            return hook(path)

        sys.path_hooks.insert(0, only_ours)
        # At the end, as Datadog's agent has it: a check named after the library it uses does not hide the library.
        sys.path.extend(self.folders)
        sys.path_importer_cache.clear()

    def _is_ours(self, path: str) -> bool:
        absolute = os.path.abspath(path)
        return any(absolute == folder or absolute.startswith(folder + os.sep) for folder in self.folders)

    def find(self, name: str) -> Optional[str]:
        """The file of a custom check."""
        for folder in self.folders:
            for candidate in (os.path.join(folder, name + ".py"), os.path.join(folder, name, "__init__.py")):
                if os.path.isfile(candidate):
                    return candidate
        return None

    def load(self, name: str, path: str) -> types.ModuleType:
        """The module in a file; it is loaded once."""
        present = sys.modules.get(name)
        if present is not None and getattr(present, "__file__", None) == path:
            return present
        # A check may have the name of a library that others import, such as ``statistics``.
        unique = name if present is None and _origin(name) in (None, path) else "galgo_custom_check_" + name
        present = sys.modules.get(unique)
        if present is not None:
            return present
        folder = [os.path.dirname(path)] if os.path.basename(path) == "__init__.py" else None
        loader = _FreshLoader(unique, path)
        spec = importlib.util.spec_from_file_location(unique, path, loader=loader, submodule_search_locations=folder)
        if spec is None:
            raise Unusable("%s cannot be loaded" % path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[unique] = module
        try:
            loader.exec_module(module)
        except BaseException:
            sys.modules.pop(unique, None)
            raise
        self.note_stamps()
        return module

    def note_stamps(self) -> None:
        """Remembers the files of the custom modules that were loaded since the last time."""
        for module, path in self._loaded():
            if module not in self._stamps:
                self._stamps[module] = _stamp(path)

    def forget_changed(self) -> List[str]:
        """When files changed, drops all custom modules, since they may import each other. Returns the changed ones."""
        self.note_stamps()
        loaded = self._loaded()
        changed = [module for module, path in loaded if self._stamps.get(module) != _stamp(path)]
        if changed:
            for module, _ in loaded:
                sys.modules.pop(module, None)
            self._stamps.clear()
            importlib.invalidate_caches()
        return sorted(changed)

    def _loaded(self) -> List[Tuple[str, str]]:
        found = []
        for name, module in list(sys.modules.items()):
            path = getattr(module, "__file__", None)
            if isinstance(path, str) and self._is_ours(path):
                found.append((name, path))
        return found


def _stamp(path: str) -> Tuple[int, int]:
    try:
        status = os.stat(path)
        return status.st_mtime_ns, status.st_size
    except OSError:
        return 0, -1


def find(name: str, custom: CustomModules, agent_check: Any) -> Tuple[types.ModuleType, Any]:
    """Module and class of a check: ``datadog_checks.NAME`` first, then plain ``NAME``.

    A module without a class counts only when it lies in a folder of custom checks: parts of the base package and
    libraries have names, too.
    """
    importlib.invalidate_caches()
    official = "datadog_checks." + name
    path = custom.find(name)
    if _exists(official):
        try:
            module = importlib.import_module(official)
            check_class = find_class(module, agent_check)
            if check_class is not None:
                return module, check_class
        except Exception:
            if path is None:
                raise
    if path is not None:
        module = custom.load(name, path)
        check_class = find_class(module, agent_check)
        if check_class is None:
            raise Unusable("no class in %s derives from AgentCheck" % path)
        return module, check_class
    if name not in getattr(sys, "stdlib_module_names", sys.builtin_module_names) and _exists(name):
        module = importlib.import_module(name)
        check_class = find_class(module, agent_check)
        if check_class is not None:
            return module, check_class
    raise Missing(name)


def _exists(module: str) -> bool:
    return _origin(module) is not None


def _origin(module: str) -> Optional[str]:
    """Where a module would be imported from; None when there is no such module."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, AttributeError, ValueError):
        return None
    return None if spec is None else spec.origin or "somewhere"


def find_class(module: types.ModuleType, agent_check: Any) -> Optional[Any]:
    """The check's class: derived from the base class, with nothing derived from it in the module.

    Classes that the module only imports count less than its own, those of the base package not at all.
    """
    candidates = []
    for name in dir(module):
        value = getattr(module, name, None)
        if isinstance(value, type) and value is not agent_check and issubclass(value, agent_check):
            if not (value.__module__ + ".").startswith("datadog_checks.base.") and value not in candidates:
                candidates.append(value)
    leaves = [one for one in candidates if not any(other is not one and issubclass(other, one) for other in candidates)]
    own = [one for one in leaves if (one.__module__ + ".").startswith(module.__name__ + ".")]
    return next(iter(own or leaves), None)


def construct(check_class: Any, name: str, init_config: Any, instance: Any, settings: Settings) -> Any:
    """Makes a check, whichever of the constructors of all times its class has."""
    instances = [instance]
    forms: List[Tuple[Tuple[Any, ...], Dict[str, Any]]] = [
        ((), {"name": name, "init_config": init_config, "instances": instances}),
        ((), {"name": name, "init_config": init_config, "agentConfig": settings, "instances": instances}),
        ((name, init_config, instances), {}),
        ((name, init_config, settings, instances), {}),
    ]
    try:
        signature: Optional[inspect.Signature] = inspect.signature(check_class)
    except (TypeError, ValueError):
        signature = None
    if signature is None:
        return check_class(name, init_config, instances)
    if "agentConfig" in signature.parameters:
        # It may be optional there and yet be needed.
        forms[0], forms[1] = forms[1], forms[0]
    for arguments, keywords in forms:
        try:
            signature.bind(*arguments, **keywords)
        except TypeError:
            continue
        return check_class(*arguments, **keywords)
    raise Unusable(
        "%s cannot be made: its constructor takes %s, expected (name, init_config, instances)"
        % (check_class.__name__, signature)
    )


def version_of(module: types.ModuleType) -> str:
    """Version of a check's module."""
    return str(getattr(module, "__version__", UNVERSIONED))


def make_check(
    name: str,
    check_id: str,
    init_config: Any,
    instance: Any,
    custom: CustomModules,
    agent_check: Any,
    settings: Settings,
    attribute: Callable[[Any], None],
) -> Tuple[Any, str]:
    """The check for an instance, and the version of its module. ``attribute`` is called with the module's file."""
    module, check_class = find(name, custom, agent_check)
    attribute(getattr(module, "__file__", None))
    check = construct(check_class, name, init_config, instance, settings)
    check.check_id = check_id
    # Options that name files are taken from those who may write the agent's files anyway.
    check.provider = "file"
    if not getattr(check, "agentConfig", None):
        check.agentConfig = settings
    return check, version_of(module)
