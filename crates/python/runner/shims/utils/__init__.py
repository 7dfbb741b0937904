"""Old name of ``datadog_checks.utils``; its modules are found by name."""
