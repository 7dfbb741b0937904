"""Older name of ``datadog_checks.base.errors``."""

from .base.errors import *  # noqa: F401,F403
