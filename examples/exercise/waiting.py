"""Waiting for what takes a while."""

import time


def eventually(check, seconds):
    """Repeats a check until it holds or the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
