"""Text and bytes."""


def ensure_unicode(value):
    """Text from bytes; anything else as it is."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def ensure_bytes(value):
    """Bytes from text; anything else as it is."""
    return value.encode("utf-8") if isinstance(value, str) else value


to_native_string = ensure_unicode


def to_string(value):
    """Text from bytes or text, and from anything else what str() makes of it."""
    return ensure_unicode(value) if isinstance(value, (str, bytes)) else str(value)


def round_value(value, precision=0):
    """A number rounded half up."""
    from decimal import ROUND_HALF_UP, Decimal

    step = "0.{}".format("0" * precision) if precision else "0"
    return float(Decimal(str(value)).quantize(Decimal(step), rounding=ROUND_HALF_UP))
