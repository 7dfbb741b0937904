"""The base class under the name that checks of old import it from."""

from datadog_checks.checks import *  # noqa: F401,F403
from datadog_checks.checks import AgentCheck  # noqa: F401
from datadog_checks.errors import CheckException  # noqa: F401
