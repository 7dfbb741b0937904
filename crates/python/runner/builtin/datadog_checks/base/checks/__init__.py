"""The base classes of checks."""

from .base import AgentCheck
from .network import NetworkCheck
from .openmetrics import OpenMetricsBaseCheck, OpenMetricsBaseCheckV2

__all__ = ["AgentCheck", "NetworkCheck", "OpenMetricsBaseCheck", "OpenMetricsBaseCheckV2"]
