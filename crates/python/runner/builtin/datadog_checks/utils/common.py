"""Older name of ``datadog_checks.base.utils.common``."""

from ..base.utils.common import ensure_bytes, ensure_unicode, round_value, to_native_string, to_string

__all__ = ["ensure_bytes", "ensure_unicode", "round_value", "to_native_string", "to_string"]
