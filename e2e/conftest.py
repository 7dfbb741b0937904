"""Starts the real binary on free ports with a data folder of its own, and hands out real clients for it.

GALGO_BIN names the binary (default: target/debug/galgo of this repository).
"""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest
import requests

ROOT = pathlib.Path(__file__).resolve().parent.parent
API_KEY = "0123456789abcdef0123456789abcdef"
APP_KEY = "0123456789abcdef0123456789abcdef01234567"
PASSWORD = "a-password-for-tests"
START_SECONDS = 60
STOP_SECONDS = 30


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Galgo:
    """One running server."""

    def __init__(self, data_dir, **settings):
        self.data_dir = pathlib.Path(data_dir)
        self.api_key, self.app_key, self.password = API_KEY, APP_KEY, PASSWORD
        self.http_port = free_port()
        self.statsd_port = free_port(socket.SOCK_DGRAM)
        self.statsd_socket = str(self.data_dir / "dsd.sock")
        self.settings = settings
        self.log = None
        self.process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def headers(self):
        return {"DD-API-KEY": self.api_key, "DD-APPLICATION-KEY": self.app_key}

    def start(self):
        binary = os.environ.get("GALGO_BIN") or str(ROOT / "target" / "debug" / "galgo")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("GALGO_", "DD_"))}
        environment.update(
            GALGO_DATA_DIR=str(self.data_dir / "data"),
            GALGO_HTTP_ADDR=f"127.0.0.1:{self.http_port}",
            GALGO_DOGSTATSD_ADDR=f"127.0.0.1:{self.statsd_port}",
            GALGO_DOGSTATSD_SOCKET=self.statsd_socket,
            GALGO_COLLECT_HOST="false",
            GALGO_API_KEY=self.api_key,
            GALGO_APP_KEY=self.app_key,
            GALGO_ADMIN_PASSWORD=self.password,
        )
        environment.update({f"GALGO_{name.upper()}": str(value) for name, value in self.settings.items()})
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.log = open(self.data_dir / "log", "ab")
        self.process = subprocess.Popen([binary, "serve"], env=environment, stdout=self.log, stderr=self.log)
        self.wait_until_ready()
        return self

    def wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"galgo ended with {self.process.returncode}:\n{self.log_text()}")
            try:
                if requests.get(f"{self.url}/ready", timeout=2).status_code == 200:
                    return
            except requests.ConnectionError:
                pass
            time.sleep(0.05)
        raise RuntimeError(f"galgo was not ready within {START_SECONDS} s:\n{self.log_text()}")

    def stop(self):
        """The polite way: what is acknowledged is flushed."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(STOP_SECONDS)
        self.log.close()
        return code

    def kill(self):
        """The impolite way."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)
        self.log.close()

    def log_text(self):
        return (self.data_dir / "log").read_text(errors="replace")

    def get(self, path, **parameters):
        return requests.get(self.url + path, params=parameters, headers=self.headers, timeout=30)

    def send(self, metric, value, at=None, host="", tags=(), kind="gauge", interval=None):
        """One point over the v1 API."""
        series = {"metric": metric, "points": [[int(at or time.time()), value]], "tags": list(tags), "type": kind}
        if host:
            series["host"] = host
        if interval:
            series["interval"] = interval
        answer = requests.post(
            f"{self.url}/api/v1/series", json={"series": [series]}, headers=self.headers, timeout=30
        )
        assert answer.status_code == 202, answer.text
        return answer.json()

    def query(self, query, seconds=3600):
        now = int(time.time())
        answer = self.get("/api/v1/query", **{"from": now - seconds, "to": now + 60, "query": query})
        assert answer.status_code == 200, answer.text
        return answer.json()


def eventually(check, seconds=15):
    """Repeats a check until it holds; what travels by UDP takes a moment."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


@pytest.fixture(scope="session")
def galgo():
    # Not pytest's own folder: the path of a Unix socket may have 108 bytes only.
    folder = tempfile.mkdtemp(prefix="galgo-")
    server = Galgo(folder).start()
    yield server
    code = server.stop()
    log = server.log_text()
    shutil.rmtree(folder, ignore_errors=True)
    assert code == 0, log
    assert "panicked" not in log, log


@pytest.fixture
def own_galgo():
    """A server of one's own, to stop and start."""
    folder = tempfile.mkdtemp(prefix="galgo-")
    server = Galgo(folder)
    yield server
    if server.process is not None and server.process.poll() is None:
        server.kill()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def name(request):
    """A metric name that no other test uses."""
    plain = "".join(letter if letter.isalnum() else "_" for letter in request.node.name.removeprefix("test_"))
    return f"e2e.{plain}.{time.time_ns()}"
