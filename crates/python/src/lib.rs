//! Runs checks that are written in Python, in processes of their own.
#![forbid(unsafe_code)]
