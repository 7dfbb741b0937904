"""Values that checks keep across restarts, one file each."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile

#: Longest part of a key that shows in the name of its file.
MAX_SHOWN_CHARS = 80


class PersistentCache:
    """Files below a folder, named after their keys."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def _path(self, key: str) -> str:
        shown = re.sub(r"[^A-Za-z0-9._-]", "_", key)[:MAX_SHOWN_CHARS].lstrip(".")
        # Keys that look alike once they are cut must not share a file.
        digest = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:16]
        return os.path.join(self._folder, "%s-%s" % (shown, digest))

    def read(self, key: str) -> str:
        """The value of a key, empty when it has none."""
        try:
            with open(self._path(key), encoding="utf-8", newline="") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def write(self, key: str, value: str) -> None:
        """Sets a value; a reader never sees half of it."""
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self._folder)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(value)
            os.replace(temporary, self._path(key))
        except BaseException:
            os.unlink(temporary)
            raise
