"""The base class of old checks that test services: they implement ``_check`` and get statuses reported."""

from collections import namedtuple

from .base import AgentCheck


class Status:
    """Outcomes of a test."""

    DOWN = "DOWN"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"
    UP = "UP"


class EventType:
    """Kinds of events that such checks once sent."""

    DOWN = "servicecheck.state_change.down"
    UP = "servicecheck.state_change.up"


Result = namedtuple("Result", "service_check status message")


class NetworkCheck(AgentCheck):
    """Calls ``_check(instance)``, which returns (service check, status, message) or a list of such."""

    STATUS_TO_SERVICE_CHECK = {
        Status.UP: AgentCheck.OK,
        Status.WARNING: AgentCheck.WARNING,
        Status.CRITICAL: AgentCheck.CRITICAL,
        Status.DOWN: AgentCheck.CRITICAL,
    }

    def check(self, instance):
        """Tests once."""
        found = self._check(instance)
        rows = found if isinstance(found, list) else [found]
        for service_check, status, message in (Result(*row) for row in rows):
            self.report_as_service_check(service_check, status, instance, message)

    def report_as_service_check(self, sc_name, status, instance, msg=None):
        """Submits an outcome; checks override it to choose tags."""
        code = self.STATUS_TO_SERVICE_CHECK.get(status, AgentCheck.UNKNOWN)
        tags = list(instance.get("tags") or []) + ["instance:%s" % instance.get("name", self.name)]
        self.service_check(sc_name, code, tags=tags, message=msg if code != AgentCheck.OK else None)

    def _check(self, instance):
        raise NotImplementedError
