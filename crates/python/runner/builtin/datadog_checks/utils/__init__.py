"""Older name of ``datadog_checks.base.utils``."""
