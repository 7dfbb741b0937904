"""What was acknowledged is there, once, after kill -9 at random moments, after a full disk and beside damaged files."""

import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import threading
import time

import pytest
import requests
from conftest import Galgo

# The full number takes some minutes: GALGO_KILL_ROUNDS=50.
ROUNDS = int(os.environ.get("GALGO_KILL_ROUNDS", "8"))
WRITERS = 4
SECONDS_PER_QUERY = 1200


class Writer:
    """Sends one point after the other, each at a second of its own, and remembers what was acknowledged."""

    def __init__(self, galgo, number, base):
        self.galgo, self.number, self.base = galgo, number, base
        self.sent, self.acked = {}, set()
        self.next = 0
        self.refused = 0

    def run(self, stop):
        session = requests.Session()
        while not stop.is_set():
            at, value = self.base + self.next, self.number * 1_000_000 + self.next
            self.next += 1
            self.sent[at] = value
            series = {"metric": "durable", "points": [[at, value]], "tags": [f"writer:{self.number}"], "type": "gauge"}
            try:
                answer = session.post(
                    f"{self.galgo.url}/api/v1/series", json={"series": [series]}, headers=self.galgo.headers, timeout=10
                )
            except requests.RequestException:
                return
            if answer.status_code == 202:
                self.acked.add(at)
            else:
                assert answer.status_code in (429, 503), answer.text
                assert answer.headers["Retry-After"].isdigit()
                assert answer.json()["errors"]
                self.refused += 1
                time.sleep(0.05)

    def check(self):
        seen = {}
        for start in range(self.base, self.base + self.next, SECONDS_PER_QUERY):
            answer = self.galgo.get(
                "/api/v1/query",
                **{
                    "from": start,
                    "to": start + SECONDS_PER_QUERY - 1,
                    "query": "sum:durable{writer:%d}.rollup(sum, 1)" % self.number,
                },
            )
            assert answer.status_code == 200, answer.text
            for series in answer.json()["series"]:
                seen.update({int(at / 1000): value for at, value in series["pointlist"]})
        lost = [at for at in self.acked if at not in seen]
        assert not lost, f"writer {self.number}: {len(lost)} of {len(self.acked)} acknowledged points are lost"
        # A point that was written twice would show twice its value.
        wrong = {at: value for at, value in seen.items() if value != self.sent.get(at)}
        assert not wrong, f"writer {self.number}: {len(wrong)} points are not what was sent: {list(wrong.items())[:3]}"
        return len(self.acked)


def write_for(writers, seconds, then):
    stop = threading.Event()
    threads = [threading.Thread(target=writer.run, args=(stop,)) for writer in writers]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    then()
    stop.set()
    for thread in threads:
        thread.join()


def test_kill_at_random_loses_nothing():
    folder = tempfile.mkdtemp(prefix="galgo-")
    # A tiny head, so that flushes and merges run all the time.
    galgo = Galgo(folder, head_points=300)
    # On a whole second of every bucket, far enough back that no point lies in the future.
    base = int(time.time()) - 20 * 3600
    writers = [Writer(galgo, number, base) for number in range(WRITERS)]
    try:
        galgo.start()
        for _ in range(ROUNDS):
            write_for(writers, random.uniform(0.1, 1.5), galgo.kill)
            galgo.start()
        assert sum(writer.check() for writer in writers) > ROUNDS * WRITERS
        assert galgo.stop() == 0
        galgo.start()
        for writer in writers:
            writer.check()
        assert "panicked" not in galgo.log_text()
    finally:
        if galgo.process.poll() is None:
            galgo.kill()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def small_disk():
    folder = tempfile.mkdtemp(prefix="galgo-")
    if os.geteuid() != 0 or subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", folder], capture_output=True, check=False
    ).returncode:
        os.rmdir(folder)
        pytest.skip("a small file system cannot be mounted here")
    yield pathlib.Path(folder)
    subprocess.run(["umount", "-l", folder], check=False)
    os.rmdir(folder)


def test_a_full_disk_refuses_loses_nothing_and_recovers(small_disk):
    galgo = Galgo(small_disk)
    base = int(time.time()) - 20 * 3600
    writers = [Writer(galgo, number, base) for number in range(WRITERS)]
    ballast = small_disk / "ballast"
    try:
        galgo.start()
        write_for(writers, 1.0, lambda: None)
        free = shutil.disk_usage(small_disk).free
        with open(ballast, "wb") as file:
            file.write(b"\0" * (free // 4096 * 4096))
        write_for(writers, 3.0, lambda: None)
        assert requests.get(f"{galgo.url}/health", timeout=5).status_code == 200
        refused = sum(writer.refused for writer in writers)
        assert refused > 0, "a full disk must refuse"
        ballast.unlink()
        deadline = time.monotonic() + 30
        before = sum(len(writer.acked) for writer in writers)
        while sum(len(writer.acked) for writer in writers) == before:
            assert time.monotonic() < deadline, "it does not recover by itself"
            write_for(writers, 0.5, lambda: None)
        for writer in writers:
            writer.check()
        galgo.kill()
        galgo.start()
        for writer in writers:
            writer.check()
    finally:
        if galgo.process.poll() is None:
            galgo.kill()


def send_until_taken(galgo, series, seconds=60):
    """As a client does that is asked to come back later."""
    deadline = time.monotonic() + seconds
    while True:
        answer = requests.post(f"{galgo.url}/api/v1/series", json={"series": series}, headers=galgo.headers, timeout=30)
        if answer.status_code == 202:
            return
        assert answer.status_code == 429 and time.monotonic() < deadline, answer.text
        time.sleep(int(answer.headers["Retry-After"]) / 4)


def test_damaged_files_are_named_and_the_rest_is_read(own_galgo):
    own_galgo.settings["head_points"] = 2000
    own_galgo.start()
    base = int(time.time()) - 20 * 3600
    names = [f"whole.{number}" for number in range(8)]
    for start in range(0, 3600, 600):
        series = [{"metric": name, "points": [[base + at, at % 97] for at in range(start, start + 600)]} for name in names]
        send_until_taken(own_galgo, series)
    assert own_galgo.stop() == 0
    data = own_galgo.data_dir / "data"
    files = [path for path in sorted((data / "segments").rglob("*")) if path.is_file()]
    assert len(files) >= 2, files
    chosen = random.Random(1)
    saved = own_galgo.data_dir / "saved"
    shutil.copytree(data, saved)
    for path in files:
        harm = chosen.choice(["flip", "cut", "remove"])
        content = bytearray(path.read_bytes())
        if harm == "flip":
            content[len(content) // 3] ^= 0x10
            path.write_bytes(content)
        elif harm == "cut":
            path.write_bytes(content[: len(content) // 2])
        else:
            path.unlink()
        own_galgo.start()
        readable = 0
        for name in names:
            answer = own_galgo.get(
                "/api/v1/query", **{"from": base, "to": base + 3600, "query": f"sum:{name}{{*}}.rollup(count, 3600)"}
            )
            assert answer.status_code == 200, (harm, path, answer.text)
            readable += sum(value for series in answer.json()["series"] for _, value in series["pointlist"])
        assert 0 <= readable <= len(names) * 3600
        # It goes on taking and answering.
        own_galgo.send("after.damage", 1.0)
        assert own_galgo.query("sum:after.damage{*}")["series"]
        log = own_galgo.log_text()
        assert "panicked" not in log
        if readable < len(names) * 3600:
            assert path.name.split(".")[0] in log, "damage must be named"
        own_galgo.kill()
        shutil.rmtree(data)
        shutil.copytree(saved, data)
