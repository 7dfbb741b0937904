"""Reads options of configurations."""


def is_affirmative(value):
    """Whether an option is switched on, in any of the usual spellings."""
    if value is None:
        return False
    if isinstance(value, str):
        return value.lower() in ("yes", "true", "1", "y", "on")
    return bool(value)


_is_affirmative = is_affirmative
