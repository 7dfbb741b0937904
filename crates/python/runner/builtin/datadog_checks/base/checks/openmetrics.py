"""Base classes that need the real package, and say so."""

from ..errors import ConfigurationError
from .base import AgentCheck


class OpenMetricsBaseCheck(AgentCheck):
    """Cannot be used without ``datadog-checks-base``."""

    def __init__(self, *args, **kwargs):
        raise ConfigurationError(
            "%s derives from %s, which the built-in base does not have: install datadog-checks-base into this "
            "Python, or use the agent's own openmetrics check" % (type(self).__name__, type(self).__mro__[1].__name__)
        )


class OpenMetricsBaseCheckV2(OpenMetricsBaseCheck):
    """Cannot be used without ``datadog-checks-base``."""
