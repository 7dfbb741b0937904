"""What custom checks import: ``from datadog_checks.base import AgentCheck``."""

from .checks import AgentCheck
from .checks.network import NetworkCheck
from .checks.openmetrics import OpenMetricsBaseCheck, OpenMetricsBaseCheckV2
from .config import is_affirmative
from .errors import CheckException, ConfigurationError
from .utils.common import ensure_bytes, ensure_unicode, to_native_string, to_string

__all__ = [
    "AgentCheck",
    "CheckException",
    "ConfigurationError",
    "NetworkCheck",
    "OpenMetricsBaseCheck",
    "OpenMetricsBaseCheckV2",
    "ensure_bytes",
    "ensure_unicode",
    "is_affirmative",
    "to_native_string",
    "to_string",
]
