"""Older name of ``datadog_checks.base.checks.network``."""

from ..base.checks.network import EventType, NetworkCheck, Status

__all__ = ["EventType", "NetworkCheck", "Status"]
