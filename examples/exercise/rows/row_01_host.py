"""The host agent with the evaluator's tags; one of them is `host:ubuntu`, which is not the machine's name."""

import time

from host import INGREDIENTS, Agent
from waiting import eventually

NUMBER = 1
TITLE = "a host with tags"
HOST = "reception-pc"
METRICS = ["system.load.1", "system.cpu.user", "system.cpu.idle", "system.mem.used", "system.disk.in_use", "system.net.bytes_rcvd"]
# The agent reports every 15 s and sends what it has every 5 s.
WAIT_SECONDS = 60


def tags():
    """The tags in the agent's file."""
    lines = (INGREDIENTS / "datadog.yaml").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("tags:")]
    return [tag.strip() for tag in line.removeprefix("tags:").split(",")]


def prepare(server):
    server.agent = Agent(server.binary, server, HOST)
    server.at_stop(server.agent.stop)


def keep_on(server):
    """The agent goes on by itself."""


def statements(server):
    def listed():
        hosts = server.get("/api/v1/hosts", filter=HOST)["host_list"]
        assert hosts, f"{HOST} is not listed"
        own = [tag for source in hosts[0]["tags_by_source"].values() for tag in source]
        assert set(tags()) <= set(own), own

    def points(metric, tag):
        now = int(time.time())
        found = server.query(f"avg:{metric}{{{tag}}}", now - 3600, now + 60)
        assert found, f"{metric}{{{tag}}} has no points"
        return found[0]["pointlist"]

    def answers(tag):
        for metric in METRICS:
            # The last point may arrive between the two questions.
            assert points(metric, tag)[:2] == points(metric, f"host:{HOST}")[:2], f"{metric}{{{tag}}}"

    def grouped():
        now = int(time.time())
        found = server.query("avg:system.load.1{host:ubuntu} by {region,env}", now - 3600, now + 60)
        assert [set(series["tag_set"]) for series in found] == [{"region:france", "env:test"}], found

    yield f"{HOST} is listed with the tags of its agent's file", lambda: eventually(listed, WAIT_SECONDS)
    for tag in tags():
        yield f"every metric of {HOST} answers to {tag}", lambda tag=tag: eventually(lambda: answers(tag), WAIT_SECONDS)
    yield "a query can group by these tags", grouped


def links(server):
    yield "the host on the map, among all", server.page("/infrastructure/map")
    yield "the host with its tags", server.page("/infrastructure", host=HOST)
    query = "avg:system.load.1{host:ubuntu} by {region}"
    yield "its load by {host:ubuntu}", server.page("/metrics/explorer", a=query)
