"""What checks of old import from ``config``."""

from datadog_checks.config import _is_affirmative, is_affirmative  # noqa: F401


def get_version():
    """Version of the agent."""
    import datadog_agent

    return datadog_agent.get_version()
