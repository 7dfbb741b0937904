"""Takes what checks log to the agent's log."""

import logging

from .agent import datadog_agent

TRACE_LEVEL = 7

_LEVELS = {
    "critical": 50,
    "error": 40,
    "warn": 30,
    "warning": 30,
    "info": 20,
    "debug": 10,
    "trace": TRACE_LEVEL,
}


class AgentLogHandler(logging.Handler):
    """Hands records to the agent."""

    def emit(self, record):
        """Hands one record over."""
        try:
            origin = getattr(record, "_check_id", "-")
            text = self.format(record)
            message = "%s | (%s:%s) | %s" % (origin, record.filename, record.lineno, text)
            datadog_agent.log(message, record.levelno)
        except Exception:  # logging never harms who logs
            self.handleError(record)


class CheckLoggingAdapter(logging.LoggerAdapter):
    """A check's logger: it knows the instance."""

    def __init__(self, logger, check):
        super().__init__(logger, {})
        self._check = check

    def process(self, msg, kwargs):
        """Adds the instance to a record."""
        kwargs.setdefault("extra", {})["_check_id"] = self._check.check_id or self._check.name
        return msg, kwargs

    def trace(self, msg, *args, **kwargs):
        """Logs below the level of debug."""
        self.log(TRACE_LEVEL, msg, *args, **kwargs)


def init_logging():
    """Lets all loggers end up in the agent's log."""
    logging.addLevelName(TRACE_LEVEL, "TRACE")
    logging.captureWarnings(True)
    root = logging.getLogger()
    root.addHandler(AgentLogHandler())
    root.setLevel(_LEVELS.get(str(datadog_agent.get_config("log_level")).lower(), logging.INFO))
    logging.getLogger("urllib3").setLevel(logging.WARNING)
