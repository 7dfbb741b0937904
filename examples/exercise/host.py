"""What the evaluator installs beside the server: the host agent with their own files, and a MariaDB."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

from server import API_KEY, port

INGREDIENTS = pathlib.Path(__file__).parent / "ingredients"
# The password that stands in the place of the evaluator's.
DATABASE_PASSWORD = "a-secret-of-the-afternoon"
START_SECONDS = 60
STOP_SECONDS = 30


class Agent:
    """`galgo agent` with a configuration folder that is filled as the afternoon goes on."""

    def __init__(self, binary, server, host):
        self.binary = binary
        self.folder = server.folder / "agent"
        self.config = self.folder / "etc"
        for folder in ("conf.d", "checks.d"):
            (self.config / folder).mkdir(parents=True)
        shutil.copy(INGREDIENTS / "datadog.yaml", self.config)
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(("GALGO_", "DD_"))}
        self.environment.update(
            DD_API_KEY=API_KEY,
            DD_URL=server.url,
            DD_HOSTNAME=host,
            DD_RUN_PATH=str(self.folder / "run"),
            DD_CMD_PORT=str(port(0)),
            DD_DOGSTATSD_PORT=str(port(0, socket.SOCK_DGRAM)),
            DD_DOGSTATSD_SOCKET="",
        )
        self.log = open(self.folder / "log", "ab")
        self.process = None
        self.start()

    def start(self):
        command = [self.binary, "agent", "run", "--config", str(self.config)]
        self.process = subprocess.Popen(command, env=self.environment, stdout=self.log, stderr=self.log, start_new_session=True)

    def put(self, ingredient, path, **replaced):
        """Copies a file of the evaluator into the configuration, with addresses and passwords in their places."""
        text = (INGREDIENTS / ingredient).read_text()
        for before, after in replaced.items():
            text = text.replace(before, str(after))
        target = self.config / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def restart(self):
        self.stop()
        self.start()

    def command(self, *arguments):
        """A command of the agent; returns what it prints."""
        command = [self.binary, "agent", *arguments, "--config", str(self.config)]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        if code != 0:
            raise RuntimeError(f"the agent ended with {code}:\n{self.log_text()}")

    def log_text(self):
        return (self.folder / "log").read_text(errors="replace")


class Database:
    """A MariaDB of its own with data in the server's folder and a user made by the evaluator's SQL."""

    def __init__(self, server):
        self.folder = server.folder / "mysql"
        self.data = self.folder / "data"
        self.socket = str(self.folder / "s")
        self.logs = self.folder / "log"
        self.data.mkdir(parents=True)
        self.logs.mkdir()
        self.port = port(0)
        self.user = ["--user=root"] if os.geteuid() == 0 else []
        install = [tool("mariadb-install-db"), "--no-defaults", f"--datadir={self.data}", "--auth-root-authentication-method=normal", *self.user]
        subprocess.run(install, check=True, capture_output=True, timeout=120)
        self.start()
        # The evaluator's server is MySQL, whose user comes from anywhere on the same machine.
        self.execute((INGREDIENTS / "mysql_user.sql").read_text().replace("XXXXXXXX", DATABASE_PASSWORD))

    @staticmethod
    def available():
        """Whether MariaDB is installed on this machine."""
        return tool("mariadbd") is not None and tool("mariadb-install-db") is not None

    def start(self):
        command = [
            tool("mariadbd"),
            "--no-defaults",
            f"--datadir={self.data}",
            f"--port={self.port}",
            f"--socket={self.socket}",
            "--bind-address=127.0.0.1",
            f"--pid-file={self.folder / 'pid'}",
            "--innodb-buffer-pool-size=16M",
            "--performance-schema=ON",
            f"--log-error={self.logs / 'mysql_error.log'}",
            "--slow-query-log=1",
            f"--slow-query-log-file={self.logs / 'mysql-slow.log'}",
            "--long-query-time=0.05",
            *self.user,
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"MariaDB did not start:\n{(self.logs / 'mysql_error.log').read_text()}")
            time.sleep(0.1)

    def _client(self):
        return [tool("mariadb"), "--no-defaults", f"--socket={self.socket}", "--user=root"]

    def _answers(self):
        return subprocess.run([*self._client(), "-e", "SELECT 1"], capture_output=True).returncode == 0

    def execute(self, statements):
        done = subprocess.run(self._client(), input=statements, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return done.stdout

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(STOP_SECONDS)


def tool(name):
    """Where a program of MariaDB is; Debian keeps servers in a folder that is not on everybody's path."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
