"""A check of the evaluator's own in Python; then only its YAML file changes, and it reports every 45 s."""

import json
import time

from waiting import eventually

NUMBER = 4
TITLE = "a check in Python"
INTERVAL = 45
QUERY = "avg:my_metric{host:ubuntu}"


def prepare(server):
    server.agent.put("my_metric.py", "checks.d/my_metric.py")
    server.agent.put("my_metric.first.yaml", "conf.d/my_metric.yaml")
    first = server.agent.command("check", "my_metric", "--json")
    assert first.returncode == 0, first.stdout + first.stderr
    server.agent.put("my_metric.yaml", "conf.d/my_metric.yaml")
    server.agent.restart()


def keep_on(server):
    """The agent goes on by itself."""


def times(server):
    """When the agent's points were measured; those of the history before are older than the start."""
    (check,) = [check for check in json.loads(server.agent.command("status", "--json").stdout)["checks"] if check["check"] == "my_metric"]
    now = int(time.time())
    found = server.query(f"{QUERY}.rollup(max, 1)", now - 240, now + 1)
    points = [point for series in found for point in series["pointlist"] if point[1] is not None]
    return check, [int(at / 1000) for at, _ in points][-check["runs"] :]


def statements(server):
    def two_points():
        check, points = times(server)
        assert check["interval_s"] == INTERVAL, check
        assert len(points) >= 2, f"{len(points)} points"
        gaps = [after - before for before, after in zip(points, points[1:])]
        assert all(abs(gap - INTERVAL) <= 1 for gap in gaps), gaps

    def told():
        status = server.agent.command("status").stdout
        assert "my_metric" in status and "Loader: python" in status, status

    def run_by_hand():
        done = server.agent.command("check", "my_metric")
        assert done.returncode == 0 and "my_metric" in done.stdout, done.stdout + done.stderr

    yield f"one point each {INTERVAL} s, without touching the Python file", lambda: eventually(two_points, 2 * INTERVAL + 30)
    yield "the status says what the check did", told
    yield "the check runs by hand", run_by_hand


def links(server):
    yield "my_metric", server.page("/metrics/explorer", a=QUERY)
    yield "how the check fares", server.page("/integrations/my_metric")
