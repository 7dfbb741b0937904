"""Module ``containers``: which containers the settings leave out."""

from __future__ import annotations

import re
from typing import Any, List

from . import link


def is_excluded(name: str, image: str, namespace: str = "") -> bool:
    """Whether a container is left out by ``container_exclude`` and not brought back by ``container_include``."""
    facts = {"name": name, "image": image, "kube_namespace": namespace}
    return not _any_matches("container_include", facts) and _any_matches("container_exclude", facts)


def _any_matches(key: str, facts: Any) -> bool:
    for rule in _rules(key):
        field, _, pattern = rule.partition(":")
        value = facts.get(field)
        if value and pattern and re.search(pattern, value):
            return True
    return False


def _rules(key: str) -> List[str]:
    value = link.settings.lookup(key) or []
    return value.split() if isinstance(value, str) else [str(rule) for rule in value]
