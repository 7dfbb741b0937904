"""Older name of ``datadog_checks.base.checks``."""

from ..base.checks import AgentCheck, NetworkCheck, OpenMetricsBaseCheck, OpenMetricsBaseCheckV2

__all__ = ["AgentCheck", "NetworkCheck", "OpenMetricsBaseCheck", "OpenMetricsBaseCheckV2"]
