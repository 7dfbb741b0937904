"""Hours of `my_metric` before the afternoon, and their sums: `rollup(sum, 3600)`, as the dashboard script asks."""

import pathlib
import random
import time

from datadog import api

from . import row_01_host

NUMBER = 5
TITLE = "hourly sums of my_metric"
INGREDIENT = pathlib.Path(__file__).parent.parent / "ingredients" / "my_metric.yaml"
HOURS = 5
QUERY = "avg:my_metric{host:ubuntu}.rollup(sum, 3600)"

dice = random.Random(5)
# Time and value of everything sent.
sent = []


def interval():
    """How often the check runs, from its file."""
    (line,) = [line for line in INGREDIENT.read_text().splitlines() if "min_collection_interval:" in line]
    return int(line.split(":")[1])


def report(times):
    points = [(at, dice.randint(0, 1000)) for at in times]
    answer = api.Metric.send(metric="my_metric", points=points, host=row_01_host.HOST, type="gauge")
    assert answer == {"status": "ok"}, answer
    sent.extend(points)


def first_hour():
    now = int(time.time())
    return now - now % 3600 - HOURS * 3600


def prepare(server):
    report(range(first_hour(), int(time.time()) - interval(), interval()))


def keep_on(server):
    """The agent's own check goes on."""


def statements(server):
    def sums():
        expected = {}
        for at, value in sent:
            hour = at - at % 3600
            expected[hour * 1000] = expected.get(hour * 1000, 0) + value
        start = min(at for at, _ in sent)
        answer = api.Metric.query(start=start - start % 3600, end=int(time.time()) + 1, query=QUERY)
        (series,) = answer["series"]
        # The last hour has the points of the agent's check too.
        closed = {hour: value for hour, value in series["pointlist"] if hour < max(expected)}
        assert closed == {hour: value for hour, value in expected.items() if hour < max(expected)}, (closed, expected)

    def every_45_s():
        (series,) = server.query(f"max:my_metric{{host:ubuntu}}.rollup(max, {interval()})", sent[0][0], sent[0][0] + 3600)
        times = [at for at, value in series["pointlist"] if value is not None]
        gaps = {after - before for before, after in zip(times, times[1:])}
        assert gaps == {interval() * 1000}, gaps

    yield f"{QUERY} is the sum of each hour", sums
    yield f"my_metric has a point every {interval()} s", every_45_s


def links(server):
    yield "the hourly sums", server.page("/metrics/explorer", a=QUERY, kind="bars", **{"from": "-6h", "live": "true"})
    yield "my_metric itself", server.page("/metrics/explorer", a="avg:my_metric{host:ubuntu}", **{"from": "-4h", "live": "true"})
