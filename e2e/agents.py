"""The host agent as a process, and an intake that remembers what it was sent."""

import gzip
import http.server
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import time
import zlib

import yaml
import zstandard
from conftest import API_KEY, ROOT, STOP_SECONDS, free_port


def binary():
    return os.environ.get("GALGO_BIN") or str(ROOT / "target" / "debug" / "galgo")


class Agent:
    """`galgo agent` with a configuration folder of its own."""

    def __init__(self, url, hostname="agent-host", **settings):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="galgo-agent-"))
        self.config = self.folder / "etc"
        self.statsd_port = free_port(socket.SOCK_DGRAM)
        self.statsd_socket = str(self.folder / "dsd.sock")
        self.settings = {
            "api_key": API_KEY,
            "dd_url": url,
            "hostname": hostname,
            "run_path": str(self.folder / "run"),
            "cmd_port": free_port(),
            "dogstatsd_port": self.statsd_port,
            "dogstatsd_socket": self.statsd_socket,
            **settings,
        }
        self.write("datadog.yaml", yaml.safe_dump(self.settings))
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(("GALGO_", "DD_"))}
        self.process = None
        self.log = open(self.folder / "log", "ab")

    def write(self, path, content):
        """A file of the configuration; anything but text is written as YAML."""
        target = self.config / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return target

    def start(self):
        command = [binary(), "agent", "run", "--config", str(self.config)]
        self.process = subprocess.Popen(command, env=self.environment, stdout=self.log, stderr=self.log)
        return self

    def command(self, *arguments, timeout=60):
        command = [binary(), "agent", *arguments, "--config", str(self.config)]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=timeout)

    def status(self):
        done = self.command("status", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def check_state(self, name):
        states = [check for check in self.status()["checks"] if check["check"] == name]
        assert states, f"{name} is not scheduled"
        return states[0]

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)

    def kill(self):
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def log_text(self):
        return (self.folder / "log").read_text(errors="replace")


class Intake:
    """Answers 202 to everything and keeps it; `status` makes it refuse."""

    def __init__(self):
        self.requests = []
        self.status = 202
        self.lock = threading.Lock()
        intake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status = intake.status
                with intake.lock:
                    if status < 300:
                        intake.requests.append((self.path, dict(self.headers), unpacked(body, self.headers)))
                self.answer(status)

            def do_GET(self):
                self.answer(200)

            def answer(self, status):
                body = b"{}"
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                """Silence."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def bodies(self, path):
        with self.lock:
            return [body for requested, _, body in self.requests if requested.split("?")[0] == path]

    def logs(self):
        return [line for body in self.bodies("/api/v2/logs") for line in as_list(json.loads(body)) if "message" in line]

    def close(self):
        self.server.shutdown()


def as_list(value):
    return value if isinstance(value, list) else [value]


def unpacked(body, headers):
    encoding = headers.get("Content-Encoding", "")
    if encoding == "gzip":
        return gzip.decompress(body)
    if encoding == "deflate":
        return zlib.decompress(body)
    if encoding == "zstd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(body)
    return body


def slow(check, seconds=60):
    """Waits for what an agent does in its own rhythm."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
