"""Older name of ``datadog_checks.base.config``."""

from .base.config import _is_affirmative, is_affirmative

__all__ = ["_is_affirmative", "is_affirmative"]
