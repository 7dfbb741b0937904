"""Module ``_util``: runs commands for checks."""

from __future__ import annotations

import subprocess
from typing import Any, Dict, List, Optional, Tuple


class SubprocessOutputEmptyError(Exception):
    """A command printed nothing although something was expected."""


def subprocess_output(
    command: List[str], raise_on_empty: bool = True, env: Optional[Dict[str, str]] = None
) -> Tuple[str, str, int]:
    """Output, errors and exit status of a command."""
    if not isinstance(command, (list, tuple)) or not command:
        raise TypeError("command must be a list with at least one element")
    arguments: List[Any] = list(command)
    ended = subprocess.run(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    output = ended.stdout.decode("utf-8", "replace")
    if raise_on_empty and not output:
        raise SubprocessOutputEmptyError("%s: no output, exit status %d" % (arguments[0], ended.returncode))
    return output, ended.stderr.decode("utf-8", "replace"), ended.returncode


get_subprocess_output = subprocess_output
