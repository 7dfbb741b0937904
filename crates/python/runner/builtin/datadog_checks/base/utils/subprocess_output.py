"""Runs commands for checks."""

try:
    from _util import SubprocessOutputEmptyError, subprocess_output
except ImportError:  # in a process that a check has started
    from galgo_runner.native.subprocesses import SubprocessOutputEmptyError, subprocess_output

__all__ = ["SubprocessOutputEmptyError", "get_subprocess_output"]


def get_subprocess_output(command, log, raise_on_empty_output=True, log_debug=True, env=None):
    """Output, errors and exit status of a command, given as a list or as one text."""
    arguments = command.split() if isinstance(command, str) else list(command)
    if log_debug:
        log.debug("Running command: %s", arguments)
    return subprocess_output(arguments, raise_on_empty_output, env=env)
