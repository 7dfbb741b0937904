"""What checks raise."""


class CheckException(Exception):
    """A check cannot do its work."""


class ConfigurationError(CheckException):
    """A configuration that a check cannot work with."""


class ConfigValueError(ConfigurationError):
    """An option with a value that a check cannot work with."""


class ConfigTypeError(ConfigurationError):
    """An option with a value of the wrong type."""


class ConfigMissingError(ConfigurationError):
    """An option that a check needs and does not have."""


class SkipInstanceError(CheckException):
    """An instance that is not to be checked."""
