"""The agent's settings as checks see them."""

from __future__ import annotations

import copy
from typing import Any, Dict


class Settings(Dict[str, Any]):
    """A dict of settings that does not show its values when it is printed: there are keys among them."""

    def __repr__(self) -> str:
        return "<settings: %s>" % ", ".join(sorted(self))

    __str__ = __repr__

    def __deepcopy__(self, memo: Dict[int, Any]) -> "Settings":
        return Settings(copy.deepcopy(dict(self), memo))

    def lookup(self, key: str) -> Any:
        """The value of a dotted key, a copy; None when it is not set."""
        if key in self:
            return copy.deepcopy(self[key])
        value: Any = self
        for part in key.split("."):
            if not isinstance(value, dict) or part not in value:
                return None
            value = value[part]
        return copy.deepcopy(value)
