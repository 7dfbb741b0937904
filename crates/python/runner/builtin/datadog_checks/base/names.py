"""Makes names of metrics and tags fit."""

import re

_FIRST_CAP = re.compile(r"(.)([A-Z][a-z]+)")
_ALL_CAP = re.compile(r"([a-z0-9])([A-Z])")
_BAD_IN_METRIC = re.compile(r"[^a-zA-Z0-9_.]+|_{2,}")
_BAD_IN_TAG = re.compile(r"[,+*\-/()\[\]{}\s]+")


def underscore_separated(name):
    """``CamelCase`` as ``camel_case``."""
    spread = _ALL_CAP.sub(r"\1_\2", _FIRST_CAP.sub(r"\1_\2", name)).lower()
    return re.sub(r"_*\._*", ".", re.sub(r"[^a-z0-9_.]+|_{2,}", "_", spread)).strip("_")


def normalize(metric, prefix=None, fix_case=False):
    """A metric's name with nothing but letters, digits, dots and underscores, below a prefix."""
    if fix_case:
        name = underscore_separated(metric)
        prefix = underscore_separated(prefix) if prefix is not None else None
    else:
        name = re.sub(r"_*\._*", ".", _BAD_IN_METRIC.sub("_", metric)).strip("_")
    return name if prefix is None else "%s.%s" % (prefix, name)


def normalize_tag(tag):
    """A tag without characters that separate tags."""
    return re.sub(r"_*\._*", ".", re.sub(r"_{2,}", "_", _BAD_IN_TAG.sub("_", tag))).strip("_")
