"""The modules that Datadog's base class and integrations expect of an agent.

There they are part of the agent's binary; here they are Python. ``modules.py`` puts them into place under their
names. What they need of the runner is in ``link``.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Tuple

from ..settings import Settings

if TYPE_CHECKING:
    from ..batch import Batch
    from ..cache import PersistentCache


class Link:
    """What the native modules need of the runner; set once before they are put into place.

    In processes that checks start with multiprocessing nobody sets it: what they submit goes nowhere.
    """

    settings: Settings = Settings()
    cache: "PersistentCache"
    host: str = ""
    host_tags: List[str] = []
    version: str = ""
    started: float = time.time()
    #: Limit of data memory that the process was born with, for the commands that it runs.
    born_data_limit: Optional[Tuple[int, int]] = None
    #: The batch of an instance; None when there is no such instance.
    batch_of: Callable[[str], "Optional[Batch]"] = staticmethod(lambda check_id: None)
    #: Logs a line at a level for the check that runs in this thread.
    log: Callable[[int, str], None] = staticmethod(lambda level, text: None)


link = Link()


def submit(check_id: Any, kind: str, row: Any) -> None:
    """Adds a row to what an instance submits."""
    batch = link.batch_of(text(check_id))
    if batch is not None:
        batch.add(kind, row)


def text(value: Any) -> str:
    """Text from str, bytes or None."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if type(value) is str else str(value)


def tags_of(tags: Any) -> List[str]:
    """Tags from a sequence; what is no text in it is left out. Raises TypeError for anything else."""
    if tags is None:
        return []
    if isinstance(tags, (str, bytes)) or not hasattr(tags, "__iter__") or isinstance(tags, dict):
        raise TypeError("tags must be a sequence")
    return [text(tag) for tag in tags if isinstance(tag, (str, bytes))]


def headers(agentConfig: Optional[Dict[str, Any]] = None, **kwargs: Any) -> Dict[str, str]:
    """HTTP headers that name this agent."""
    made = {
        "User-Agent": "Datadog Agent/%s" % link.version,
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "text/html, */*",
    }
    if "http_host" in kwargs:
        made["Host"] = kwargs["http_host"]
    return made
