"""The agent's modules; in a process that a check has started, such that lead nowhere."""

try:
    import aggregator
    import datadog_agent
except ImportError:
    from galgo_runner.native import aggregator, datadog_agent

__all__ = ["aggregator", "datadog_agent"]
