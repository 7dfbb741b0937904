//! Work has begun.
