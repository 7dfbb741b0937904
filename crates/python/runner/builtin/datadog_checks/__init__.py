"""A small base class for custom checks, in the place of ``datadog-checks-base`` where that is not installed."""

__path__ = __import__("pkgutil").extend_path(__path__, __name__)
