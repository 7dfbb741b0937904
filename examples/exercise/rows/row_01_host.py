"""A host agent reports a machine with tags from its configuration; one of them is `host:ubuntu`, which is not its name."""

import json
import pathlib
import random
import time
import zlib

NUMBER = 1
TITLE = "a host with tags"
HOST = "reception-pc"
INGREDIENT = pathlib.Path(__file__).parent.parent / "ingredients" / "datadog.yaml"
INTERVAL = 15
# Name, smallest and largest value.
METRICS = [
    ("system.load.1", 0.1, 1.5),
    ("system.cpu.user", 2, 40),
    ("system.cpu.idle", 50, 95),
    ("system.mem.used", 2000, 3000),
    ("system.disk.in_use", 0.4, 0.41),
    ("system.net.bytes_rcvd", 1e3, 1e6),
]
AGENT = {"User-Agent": "datadog-agent/7.71.0", "Content-Type": "application/json", "Content-Encoding": "deflate"}


def tags():
    """The tags in the agent's file."""
    lines = INGREDIENT.read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("tags:")]
    return [tag.strip() for tag in line.removeprefix("tags:").split(",")]


def describe(server):
    """What an agent tells of its host at the start and each half hour."""
    payload = {
        "apiKey": "",
        "agentVersion": "7.71.0",
        "uuid": "6b0f0e4c-5f0f-5c0c-9c59-7f6f1b6f2f10",
        "internalHostname": HOST,
        "os": "linux",
        "agent-flavor": "agent",
        "python": "3.12.9",
        "systemStats": {"cpuCores": 2, "machine": "x86_64", "platform": "linux", "processor": "a small one", "nixV": ["ubuntu", "22.04", ""]},
        "meta": {"socket-hostname": HOST, "hostname": HOST, "timezones": ["CET"], "socket-fqdn": f"{HOST}.lan"},
        "host-tags": {"system": tags()},
        "gohai": json.dumps({"cpu": {"cpu_cores": "2", "model_name": "a small one"}, "memory": {"total": "4046848kB"}, "platform": {"hostname": HOST}}),
    }
    server.post("/intake/", zlib.compress(json.dumps(payload).encode()), AGENT)


def measure(server, times):
    """Points of every metric at these times."""
    dice = random.Random(1)
    series = [
        {
            "metric": metric,
            "type": 3,
            "interval": INTERVAL,
            "resources": [{"type": "host", "name": HOST}],
            "points": [{"timestamp": at, "value": dice.uniform(low, high)} for at in times],
        }
        for metric, low, high in METRICS
    ]
    server.post("/api/v2/series", zlib.compress(json.dumps({"series": series}).encode()), AGENT)


def prepare(server):
    now = int(time.time())
    describe(server)
    measure(server, range(now - 900, now + 1, INTERVAL))


def keep_on(server):
    measure(server, [int(time.time())])


def statements(server):
    def listed():
        (host,) = server.get("/api/v1/hosts", filter=HOST)["host_list"]
        own = [tag for source in host["tags_by_source"].values() for tag in source]
        assert set(tags()) <= set(own), own

    def answers(tag):
        now = int(time.time())
        for metric, *_ in METRICS:
            found = server.query(f"avg:{metric}{{{tag}}}", now - 3600, now + 60)
            by_name = server.query(f"avg:{metric}{{host:{HOST}}}", now - 3600, now + 60)
            assert found and found[0]["pointlist"] == by_name[0]["pointlist"], f"{metric}{{{tag}}}"

    def grouped():
        now = int(time.time())
        found = server.query("avg:system.load.1{host:ubuntu} by {region,env}", now - 3600, now + 60)
        assert [set(series["tag_set"]) for series in found] == [{"region:france", "env:test"}], found

    yield f"{HOST} is listed with the tags of its agent's file", listed
    for tag in tags():
        yield f"every metric of {HOST} answers to {tag}", lambda tag=tag: answers(tag)
    yield "a query can group by these tags", grouped


def links(server):
    yield "the host on the map, among all", server.page("/infrastructure/map")
    yield "the host with its tags", server.page("/infrastructure", host=HOST)
    query = "avg:system.load.1{host:ubuntu} by {region}"
    yield "its load by {host:ubuntu}", server.page("/metrics/explorer", a=query)
