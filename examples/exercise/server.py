"""A Galgo server for the exercise: its process, its addresses and keys, and a few short ways to talk to it."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

import requests
from datadog import initialize

API_KEY = "e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0"
APP_KEY = "a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0"
PASSWORD = "afternoon"
START_SECONDS = 60
STOP_SECONDS = 30


def port(wanted, kind=socket.SOCK_STREAM):
    """The wanted port when it is free, any free one otherwise; 0 wants any."""
    for candidate in (wanted, 0):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", candidate))
                return probe.getsockname()[1]
            except OSError:
                continue
    raise RuntimeError("no free port")


class Server:
    """One running server with data in a temporary folder."""

    def __init__(self, binary, usual_ports):
        self.binary = binary
        self.agent = None
        self.database = None
        self.stops = []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="galgo-exercise-"))
        self.http_port = port(8080 if usual_ports else 0)
        self.statsd_port = port(8125 if usual_ports else 0, socket.SOCK_DGRAM)
        self.url = f"http://127.0.0.1:{self.http_port}"
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("GALGO_", "DD_"))}
        environment.update(
            GALGO_DATA_DIR=str(self.folder / "data"),
            GALGO_HTTP_ADDR=f"127.0.0.1:{self.http_port}",
            GALGO_DOGSTATSD_ADDR=f"127.0.0.1:{self.statsd_port}",
            GALGO_API_KEY=API_KEY,
            GALGO_APP_KEY=APP_KEY,
            GALGO_ADMIN_PASSWORD=PASSWORD,
        )
        self.log = open(self.folder / "log", "ab")
        # In a group of its own, so that Ctrl C reaches it through stop() and not before.
        self.process = subprocess.Popen(
            [binary, "serve"], env=environment, stdout=self.log, stderr=self.log, start_new_session=True
        )
        self._wait_until_ready()
        initialize(
            api_key=API_KEY,
            app_key=APP_KEY,
            api_host=self.url,
            statsd_host="127.0.0.1",
            statsd_port=self.statsd_port,
            mute=False,
        )

    def _wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"galgo ended with {self.process.returncode}:\n{self.log_text()}")
            try:
                if requests.get(f"{self.url}/ready", timeout=2).status_code == 200:
                    return
            except requests.ConnectionError:
                pass
            time.sleep(0.1)
        raise RuntimeError(f"galgo was not ready within {START_SECONDS} s:\n{self.log_text()}")

    def log_text(self):
        return (self.folder / "log").read_text(errors="replace")

    def at_stop(self, stop):
        """Has something stopped before the server is, last come first."""
        self.stops.append(stop)

    def stop(self):
        """Stops the server politely and forgets its data; what went wrong while it ran is raised."""
        for stop in reversed(self.stops):
            stop()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.log.close()
        text = self.log_text()
        shutil.rmtree(self.folder, ignore_errors=True)
        if code != 0 or "panicked" in text:
            raise RuntimeError(f"galgo ended with {code}:\n{text}")

    def get(self, path, **parameters):
        """A call that reads, as JSON."""
        headers = {"DD-API-KEY": API_KEY, "DD-APPLICATION-KEY": APP_KEY}
        answer = requests.get(self.url + path, params=parameters, headers=headers, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def post(self, path, body, headers=None):
        """A payload as an agent sends it."""
        answer = requests.post(self.url + path, data=body, headers={"DD-API-KEY": API_KEY, **(headers or {})}, timeout=30)
        answer.raise_for_status()
        return answer

    def query(self, text, start, end):
        """The series of a metric query."""
        return self.get("/api/v1/query", **{"from": start, "to": end, "query": text})["series"]

    def page(self, path, **search):
        """The address of a page for people."""
        return self.url + path + ("?" + urllib.parse.urlencode(search, safe=":,*") if search else "")
