"""The evaluator's own idea: free places in a gym's courses, sent as a gauge; some through DogStatsD, some through the API."""

import json
import pathlib
import time

from datadog import api, statsd

from . import row_01_host

NUMBER = 12
TITLE = "free places in a gym's courses"
INGREDIENT = pathlib.Path(__file__).parent.parent / "ingredients" / "gym.json"
METRIC = "gym.places.free"
# Buckets of DogStatsD take 10 s and are stored at their end.
PATIENCE_SECONDS = 40

COURSES = json.loads(INGREDIENT.read_text())


def colour(free):
    """The evaluator's rule for the board."""
    return "red" if free == 0 else "orange" if free < 5 else "green"


def prepare(server):
    for course in COURSES:
        tags = [f"course:{course['course']}", "gym:riverside"]
        if course["sent_by"] == "dogstatsd":
            statsd.gauge(METRIC, course["free"], tags=tags)
        else:
            answer = api.Metric.send(metric=METRIC, points=course["free"], tags=tags, host=row_01_host.HOST, type="gauge")
            assert answer == {"status": "ok"}, answer
    statsd.flush()


def keep_on(server):
    prepare(server)


def statements(server):
    def free_places():
        now = int(time.time())
        found = server.query(f"min:{METRIC}{{gym:riverside}} by {{course}}", now - 600, now + 60)
        values = {series["tag_set"][0].removeprefix("course:"): series["pointlist"] for series in found}
        return {course: [value for _, value in points if value is not None][-1] for course, points in values.items()}

    def all_are_there():
        expected = {course["course"]: course["free"] for course in COURSES}
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := free_places()) != expected and time.monotonic() < deadline:
            time.sleep(0.5)
        assert found == expected, (found, expected)

    def colours():
        found = {course: colour(free) for course, free in free_places().items()}
        assert found == {"yoga": "green", "spinning": "orange", "boxing": "red", "pilates": "green", "climbing": "orange"}, found

    def fewest():
        now = int(time.time())
        found = server.query(f"top(min:{METRIC}{{*}} by {{course}}, 1, 'last', 'asc')", now - 600, now + 60)
        assert [series["tag_set"] for series in found] == [["course:boxing"]], found

    yield "free places of every course arrive, both ways", all_are_there
    yield "full courses are red, nearly full ones orange, others green", colours
    yield "the fullest course is found by top()", fewest


def links(server):
    query = f"min:{METRIC}{{*}} by {{course}}"
    yield "free places by course", server.page("/metrics/explorer", a=query, **{"from": "-15m", "live": "true"})
