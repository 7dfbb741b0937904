"""Module ``tagger``: tags of containers. This agent watches none, so that every entity is unknown."""

from __future__ import annotations

from typing import List

LOW = 0
ORCHESTRATOR = 1
HIGH = 2


def tag(entity_id: str, cardinality: int) -> List[str]:
    """Tags of an entity."""
    if not isinstance(entity_id, str):
        raise TypeError("entity id must be a str, not %s" % type(entity_id).__name__)
    if cardinality not in (LOW, ORCHESTRATOR, HIGH):
        raise TypeError("Invalid cardinality")
    return []


def get_tags(entity_id: str, high_card: bool) -> List[str]:
    """Older form of ``tag``."""
    return tag(entity_id, HIGH if high_card else LOW)
