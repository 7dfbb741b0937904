"""Module ``_util``: runs commands for checks."""

from __future__ import annotations

import subprocess
from typing import Any, Dict, List, Optional, Tuple

from . import link


class SubprocessOutputEmptyError(Exception):
    """A command printed nothing although something was expected."""


def subprocess_output(
    command: List[str], raise_on_empty: bool = True, env: Optional[Dict[str, str]] = None
) -> Tuple[str, str, int]:
    """Output, errors and exit status of a command."""
    if not isinstance(command, (list, tuple)) or not command:
        raise TypeError("command must be a list with at least one element")
    arguments: List[Any] = list(command)
    pipe = subprocess.PIPE
    with subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=env) as child:
        _free(child.pid)
        output_bytes, error_bytes = child.communicate()
    output = output_bytes.decode("utf-8", "replace")
    if raise_on_empty and not output:
        raise SubprocessOutputEmptyError("%s: no output, exit status %d" % (arguments[0], child.returncode))
    return output, error_bytes.decode("utf-8", "replace"), child.returncode


def _free(pid: int) -> None:
    """The memory limit is for checks, not for the commands that they run."""
    if link.born_data_limit is None:
        return
    try:
        import resource

        resource.prlimit(pid, resource.RLIMIT_DATA, link.born_data_limit)
    except (ImportError, AttributeError, OSError, ValueError):
        # It may have ended already, or the system has no such call.
        pass


get_subprocess_output = subprocess_output
