"""Older name of ``datadog_checks.base.utils.subprocess_output``."""

from ..base.utils.subprocess_output import SubprocessOutputEmptyError, get_subprocess_output

__all__ = ["SubprocessOutputEmptyError", "get_subprocess_output"]
