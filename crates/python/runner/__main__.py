"""Runs checks for the agent that started this process; see galgo_runner/serve.py."""

import sys

if sys.version_info < (3, 8):
    sys.exit("checks need Python 3.8 or newer, this is %d.%d" % sys.version_info[:2])

from galgo_runner.serve import main  # noqa: E402

# Processes that a check starts with multiprocessing may import this file again.
if __name__ == "__main__":
    main()
