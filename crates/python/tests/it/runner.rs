//! Tests of the runner's own parts that are easier in Python: each script raises when something is wrong.
