//! Checks on Datadog's own base class, which must be installed.
