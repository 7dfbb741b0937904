"""Sets the exercise up on a server of its own. With --check every row is asserted and the exit code says whether all hold."""

import argparse
import pathlib
import signal
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from rows import LATER, ROWS  # noqa: E402
from server import APP_KEY, API_KEY, PASSWORD, Server  # noqa: E402

KEEP_ON_SECONDS = 15


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--galgo", default="target/release/galgo", help="the binary [default: %(default)s]")
    parser.add_argument("--check", action="store_true", help="assert each row and stop")
    arguments = parser.parse_args()
    binary = pathlib.Path(arguments.galgo).resolve()
    if not binary.exists():
        parser.error(f"{binary} does not exist: make exercise builds it")
    # A polite kill ends the server too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    server = Server(str(binary), usual_ports=not arguments.check)
    try:
        for row in ROWS:
            row.prepare(server)
        failed = check(server) if arguments.check else show(server)
    finally:
        server.stop()
    return 1 if failed else 0


def check(server):
    """Asserts every statement and prints one line each; returns how many did not hold."""
    failed = 0
    for number, row in in_order():
        if isinstance(row, str):
            print(f"{number:>3}  {'later':<6}  {row}")
            continue
        for sentence, holds in row.statements(server):
            try:
                holds()
                verdict = "ok"
            except Exception as error:  # a row that breaks must not hide the others
                verdict = "FAILED"
                failed += 1
                cause = str(error) or traceback.format_exc(limit=1)
                sentence = f"{sentence}\n{'':>13}{cause}"
            print(f"{number:>3}  {verdict:<6}  {row.TITLE}: {sentence}", flush=True)
    print("\nevery row that works today holds" if failed == 0 else f"\n{failed} statements do not hold")
    return failed


def in_order():
    """Rows that work and sentences about those to come, by number."""
    return sorted([(row.NUMBER, row) for row in ROWS] + list(LATER.items()), key=lambda pair: pair[0])


def show(server):
    """Prints where to look, then lets data flow until somebody has seen enough."""
    print(f"\nGalgo runs at {server.url}   user admin, password {PASSWORD}")
    print(f"API key {API_KEY}, application key {APP_KEY}, DogStatsD on UDP port {server.statsd_port}\n")
    for number, row in in_order():
        if isinstance(row, str):
            continue
        print(f"{number:>3}  {row.TITLE}")
        for sentence, address in row.links(server):
            print(f"       {sentence}: {address}")
    print("\nData go on arriving. Ctrl C ends it and forgets everything.", flush=True)
    try:
        while True:
            time.sleep(KEEP_ON_SECONDS)
            for row in ROWS:
                row.keep_on(server)
    except KeyboardInterrupt:
        print("\nstopping")
    return 0


if __name__ == "__main__":
    sys.exit(main())
