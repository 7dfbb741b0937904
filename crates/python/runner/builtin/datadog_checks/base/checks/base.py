"""The base class of checks: submission, service checks, events, logs and what a check may ask of the agent."""

import copy
import json
import logging
import re
import time
import traceback
from collections import deque

from .. import names
from ..agent import aggregator, datadog_agent
from ..config import is_affirmative
from ..constants import ServiceCheck
from ..errors import ConfigurationError
from ..http import Http
from ..log import CheckLoggingAdapter, init_logging
from ..utils.common import ensure_unicode

init_logging()

#: Tags that clash with those of the host; with ``disable_generic_tags`` they get the check's name in front.
GENERIC_TAGS = {"cluster_name", "clustername", "cluster", "clusterid", "cluster_id", "env", "host_name", "hostname", "host", "service", "version"}  # fmt: skip # noqa: E501


class AgentCheck:
    """What every check derives from; it implements ``check(self, instance)``."""

    OK, WARNING, CRITICAL, UNKNOWN = ServiceCheck
    SERVICE_CHECK_NAME = ""

    #: Put in front of all names of metrics and service checks, with a dot.
    __NAMESPACE__ = ""

    #: Most contexts of metrics per run; 0 for no limit.
    DEFAULT_METRIC_LIMIT = 0

    HTTP_CONFIG_REMAPPER = None

    def __init__(self, *args, **kwargs):
        """Takes (name, init_config, instances), or the old (name, init_config, agentConfig, instances)."""
        named = ("name", "init_config", "instances")
        if len(args) > 3 or (len(args) == 3 and ("instances" in kwargs or not isinstance(args[2], (list, tuple)))):
            named = ("name", "init_config", "agentConfig", "instances")
        given = dict(zip(named, args))
        given.update(kwargs)
        self.name = given.get("name", "")
        self.init_config = given.get("init_config") or {}
        self.agentConfig = given.get("agentConfig") or {}
        self.instances = given.get("instances") or []
        self.instance = self.instances[0] if self.instances else None
        self.check_id = ""
        self.provider = ""
        self.warnings = []
        self.hostname = datadog_agent.get_hostname()
        self.log = CheckLoggingAdapter(logging.getLogger("datadog_checks.%s" % self.name), self)
        self.check_initializations = deque()
        self._http = None
        self._told = set()
        self._secrets = set()
        options = self.instance or {}
        self.disable_generic_tags = is_affirmative(options.get("disable_generic_tags", False))
        patterns = options.get("metric_patterns") or {}
        if not isinstance(patterns, dict):
            raise ConfigurationError("Setting `metric_patterns` must be a mapping")
        self.include_metrics_pattern = self._pattern(patterns, "include")
        self.exclude_metrics_pattern = self._pattern(patterns, "exclude")
        self._limit = int(options.get("max_returned_metrics", self.DEFAULT_METRIC_LIMIT) or 0)
        self._contexts = set()

    @staticmethod
    def _pattern(patterns, which):
        entries = patterns.get(which) or []
        if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
            raise ConfigurationError("Setting `%s` of `metric_patterns` must be an array of strings" % which)
        kept = [entry for entry in entries if entry]
        return re.compile("|".join(kept)) if kept else None

    # What the agent calls

    def check(self, instance):
        """Measures once."""
        raise NotImplementedError

    def run(self):
        """Runs the check; returns an empty text, or its error as JSON."""
        try:
            while self.check_initializations:
                self.check_initializations[0]()
                self.check_initializations.popleft()
            self._contexts.clear()
            self.check(copy.deepcopy(self.instance))
            return ""
        except Exception as error:
            message, trace = self.sanitize(str(error)), self.sanitize(traceback.format_exc())
            return json.dumps([{"message": message, "traceback": trace}])

    def cancel(self):
        """The instance is no longer scheduled; checks that hold something open override it."""

    def get_warnings(self):
        """What the last run found odd; starts anew."""
        warnings, self.warnings = self.warnings, []
        return warnings

    # Metrics

    def gauge(self, name, value, tags=None, hostname=None, device_name=None, raw=False):
        """Submits the value of this moment."""
        self._submit_metric(aggregator.GAUGE, name, value, tags, hostname, device_name, raw)

    def rate(self, name, value, tags=None, hostname=None, device_name=None, raw=False):
        """Submits a counter whose growth per second is wanted."""
        self._submit_metric(aggregator.RATE, name, value, tags, hostname, device_name, raw)

    def count(self, name, value, tags=None, hostname=None, device_name=None, raw=False):
        """Submits a number of things since the last run."""
        self._submit_metric(aggregator.COUNT, name, value, tags, hostname, device_name, raw)

    def monotonic_count(
        self, name, value, tags=None, hostname=None, device_name=None, raw=False, flush_first_value=False
    ):
        """Submits a counter whose growth since the last run is wanted."""
        self._submit_metric(
            aggregator.MONOTONIC_COUNT, name, value, tags, hostname, device_name, raw, flush_first_value
        )

    def histogram(self, name, value, tags=None, hostname=None, device_name=None, raw=False):
        """Submits one of many values."""
        self._submit_metric(aggregator.HISTOGRAM, name, value, tags, hostname, device_name, raw)

    def historate(self, name, value, tags=None, hostname=None, device_name=None, raw=False):
        """Submits one of many counters whose growth per second is wanted."""
        self._submit_metric(aggregator.HISTORATE, name, value, tags, hostname, device_name, raw)

    def increment(self, name, value=1, tags=None, hostname=None, device_name=None, raw=False):
        """Deprecated: counts up."""
        self._deprecated("increment", "`increment` and `decrement` are deprecated, use `count` or `gauge`")
        self._submit_metric(aggregator.COUNTER, name, value, tags, hostname, device_name, raw)

    def decrement(self, name, value=-1, tags=None, hostname=None, device_name=None, raw=False):
        """Deprecated: counts down."""
        self._deprecated("increment", "`increment` and `decrement` are deprecated, use `count` or `gauge`")
        self._submit_metric(aggregator.COUNTER, name, value, tags, hostname, device_name, raw)

    def submit_histogram_bucket(
        self, name, value, lower_bound, upper_bound, monotonic, hostname, tags, raw=False, flush_first_value=False, **_
    ):
        """Submits one bucket of a histogram that was counted elsewhere."""
        if value is None:
            return
        try:
            number = int(value)
        except (TypeError, ValueError):
            self.warning("Histogram bucket '%s' has a value that is no number: %r", name, value)
            return
        aggregator.submit_histogram_bucket(
            self,
            self.check_id,
            self._format_namespace(name, raw),
            number,
            lower_bound,
            upper_bound,
            monotonic,
            "" if hostname is None else ensure_unicode(hostname),
            self._normalize_tags_type(tags or [], metric_name=name),
            flush_first_value,
        )

    def _submit_metric(self, kind, name, value, tags, hostname, device_name, raw, flush_first_value=False):
        if value is None:
            return
        full_name = self._format_namespace(name, raw)
        if not self.should_send_metric(full_name):
            return
        kept_tags = self._normalize_tags_type(tags or [], device_name, name)
        try:
            number = float(value)
        except (TypeError, ValueError):
            self.warning("Metric '%s' has a value that is no number: %r; it is not submitted", full_name, value)
            return
        host = "" if hostname is None else ensure_unicode(hostname)
        if self._limit and not self._within_limit(kind, full_name, kept_tags, host):
            return
        aggregator.submit_metric(self, self.check_id, kind, full_name, number, kept_tags, host, flush_first_value)

    def _within_limit(self, *context):
        key = repr(context)
        if key in self._contexts:
            return True
        if len(self._contexts) >= self._limit:
            self._once_per_run("limit", "Check %s exceeded its limit of %d metric contexts", self.name, self._limit)
            return False
        self._contexts.add(key)
        return True

    def _once_per_run(self, key, message, *args):
        text = message % args
        if text not in self.warnings:
            self.warning(text)

    def should_send_metric(self, name):
        """Whether ``metric_patterns`` let a metric through."""
        excluded = self.exclude_metrics_pattern is not None and self.exclude_metrics_pattern.search(name)
        included = self.include_metrics_pattern is None or self.include_metrics_pattern.search(name)
        return bool(included) and not excluded

    # Service checks, events, logs

    def service_check(self, name, status, tags=None, hostname=None, message=None, raw=False):
        """Submits the outcome of a service check."""
        aggregator.submit_service_check(
            self,
            self.check_id,
            self._format_namespace(name, raw),
            status,
            self._normalize_tags_type(tags or []),
            "" if hostname is None else ensure_unicode(hostname),
            "" if message is None else ensure_unicode(message),
        )

    def event(self, event):
        """Submits an event: a dict with ``msg_title``, ``msg_text``, ``timestamp`` and so on."""
        sent = {key: ensure_unicode(value) for key, value in event.items() if value is not None}
        if event.get("tags"):
            sent["tags"] = self._normalize_tags_type(event["tags"])
        if event.get("timestamp"):
            sent["timestamp"] = int(event["timestamp"])
        if self.__NAMESPACE__:
            sent.setdefault("source_type_name", self.__NAMESPACE__)
        aggregator.submit_event(self, self.check_id, sent)

    def send_log(self, data, cursor=None, stream="default"):
        """Sends a log line: a dict, with ``timestamp`` in seconds. The cursor is kept for ``get_log_cursor``."""
        line = dict(data)
        tags = self._normalize_tags_type((self.instance or {}).get("tags") or [])
        if tags:
            line.setdefault("ddtags", ",".join(tags))
        line["timestamp"] = int(float(line.get("timestamp") or time.time()) * 1000)
        datadog_agent.send_log(json.dumps(line, default=str), self.check_id)
        if cursor is not None:
            self.write_persistent_cache("log_cursor_%s" % stream, json.dumps(cursor))

    def get_log_cursor(self, stream="default"):
        """Where the logs of a stream were last time."""
        kept = self.read_persistent_cache("log_cursor_%s" % stream)
        return json.loads(kept) if kept else None

    def event_platform_event(self, raw_event, event_track_type):
        """Submits a payload for one of the event platform's tracks."""
        if raw_event is not None:
            aggregator.submit_event_platform_event(self, self.check_id, ensure_unicode(raw_event), event_track_type)

    def database_monitoring_query_sample(self, raw_event):
        """Submits samples of queries."""
        self.event_platform_event(raw_event, "dbm-samples")

    def database_monitoring_query_metrics(self, raw_event):
        """Submits metrics of queries."""
        self.event_platform_event(raw_event, "dbm-metrics")

    def database_monitoring_query_activity(self, raw_event):
        """Submits what sessions do."""
        self.event_platform_event(raw_event, "dbm-activity")

    def database_monitoring_metadata(self, raw_event):
        """Submits facts about databases."""
        self.event_platform_event(raw_event, "dbm-metadata")

    # The rest

    def set_metadata(self, name, value, **_):
        """Notes a fact about what is checked; a version also in its parts."""
        text = ensure_unicode(value)
        parts = re.match(r"v?(\d+)\.(\d+)(?:\.(\d+))?", text) if name == "version" else None
        if name != "version":
            datadog_agent.set_check_metadata(self.check_id, name, text)
            return
        for part, number in zip(("major", "minor", "patch"), parts.groups() if parts else ()):
            if number is not None:
                datadog_agent.set_check_metadata(self.check_id, "version.%s" % part, number)
        datadog_agent.set_check_metadata(self.check_id, "version.raw", text)
        datadog_agent.set_check_metadata(self.check_id, "version.scheme", "semver")

    @staticmethod
    def is_metadata_collection_enabled():
        """Whether facts about what is checked are wanted."""
        return is_affirmative(datadog_agent.get_config("enable_metadata_collection"))

    def service_metadata(self, meta_name, value):
        """Deprecated and without effect."""

    def set_external_tags(self, external_tags):
        """Sets tags of other hosts: [(host, {source: [tags]})]."""
        kept = [
            (ensure_unicode(host), {source: self._normalize_tags_type(tags) for source, tags in by_source.items()})
            for host, by_source in external_tags
        ]
        datadog_agent.set_external_tags(kept)

    def read_persistent_cache(self, key):
        """A value that was kept across restarts, empty when there is none."""
        return datadog_agent.read_persistent_cache("%s_%s" % (self.check_id, key))

    def write_persistent_cache(self, key, value):
        """Keeps a value across restarts."""
        datadog_agent.write_persistent_cache("%s_%s" % (self.check_id, key), value)

    def warning(self, warning_message, *args, **kwargs):
        """Notes something odd, for the status and the log."""
        text = ensure_unicode(warning_message)
        self.warnings.append(text % args if args else text)
        self.log.warning(warning_message, *args, **kwargs)

    def _deprecated(self, key, message):
        if key not in self._told:
            self._told.add(key)
            self.warning("DEPRECATION NOTICE: " + message)

    @property
    def http(self):
        """An HTTP client with the options of the instance."""
        if self._http is None:
            self._http = Http(self.instance, self.init_config)
        return self._http

    @property
    def logs_enabled(self):
        """Whether the agent collects logs."""
        return bool(datadog_agent.get_config("logs_enabled"))

    def register_secret(self, secret):
        """Keeps a secret out of errors."""
        if secret:
            self._secrets.add(str(secret))

    def sanitize(self, text):
        """A text without registered secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "********")
        return text

    def _format_namespace(self, name, raw=False):
        text = ensure_unicode(name)
        return "%s.%s" % (self.__NAMESPACE__, text) if self.__NAMESPACE__ and not raw else text

    def normalize(self, metric, prefix=None, fix_case=False):
        """A metric's name with nothing but letters, digits, dots and underscores."""
        kept_prefix = ensure_unicode(prefix) if prefix is not None else None
        return names.normalize(ensure_unicode(metric), kept_prefix, fix_case)

    def normalize_tag(self, tag):
        """A tag without characters that separate tags."""
        return names.normalize_tag(ensure_unicode(tag))

    def convert_to_underscore_separated(self, name):
        """``CamelCase`` as ``camel_case``."""
        return names.underscore_separated(ensure_unicode(name))

    def degeneralise_tag(self, tag):
        """A tag that does not clash with those of the host."""
        name, colon, value = tag.partition(":")
        return "%s_%s%s%s" % (self.name, name, colon, value) if name in GENERIC_TAGS else tag

    def _normalize_tags_type(self, tags, device_name=None, metric_name=None):
        kept = []
        if device_name:
            self._deprecated("device_name", "`device_name` is deprecated, use a `device:` tag in the `tags` list")
            kept.append("device:%s" % ensure_unicode(device_name))
        for tag in tags:
            if tag is None:
                continue
            text = ensure_unicode(tag)
            # What is no text is left out further on, as with Datadog's own base.
            clashes = self.disable_generic_tags and isinstance(text, str)
            kept.append(self.degeneralise_tag(text) if clashes else text)
        return kept

    @staticmethod
    def load_config(yaml_text):
        """A value from YAML or JSON text."""
        try:
            import yaml
        except ImportError:
            return json.loads(yaml_text)
        return yaml.safe_load(yaml_text)
