"""The PyPI package `datadog` with nothing but host and keys set."""

import time

import pytest
from conftest import eventually
from datadog import api, initialize
from datadog.api.constants import CheckStatus
from datadog.dogstatsd import DogStatsd


@pytest.fixture(autouse=True)
def client(galgo):
    initialize(api_key=galgo.api_key, app_key=galgo.app_key, api_host=galgo.url, mute=False)


def now():
    return int(time.time())


def test_a_sent_point_comes_back(name):
    sent_at = now()
    assert api.Metric.send(metric=name, points=1, host="dd.host") == {"status": "ok"}
    answer = api.Metric.query(start=sent_at - 600, end=sent_at + 600, query=f"{name}{{host:dd.host}}")
    (series,) = answer["series"]
    assert series["metric"] == name
    assert series["scope"] == "host:dd.host"
    assert [value for _, value in series["pointlist"]] == [1]


def test_a_list_of_points_with_compression(name):
    sent_at = now()
    points = [(sent_at - 60, 1), (sent_at, 2)]
    assert api.Metric.send(metric=name, points=points, host="dd.host", compress_payload=True)["status"] == "ok"
    answer = api.Metric.query(start=sent_at - 600, end=sent_at + 600, query=f"{name}{{host:dd.host}}")
    assert [value for _, value in answer["series"][0]["pointlist"]] == [1, 2]


def test_several_metrics_types_and_tags(name):
    sent_at = now()
    api.Metric.send(
        [
            {"metric": f"{name}.a", "points": 15, "tags": ["env:e2e", "shard:1"], "type": "gauge"},
            {"metric": f"{name}.a", "points": 5, "tags": ["env:e2e", "shard:2"], "type": "gauge"},
            {"metric": f"{name}.b", "points": (sent_at, 3), "type": "count", "interval": 10},
        ]
    )
    answer = api.Metric.query(
        start=sent_at - 300, end=sent_at + 300, query=f"sum:{name}.a{{env:e2e}} by {{shard}}, sum:{name}.b{{*}}.as_count()"
    )
    found = {(series["metric"], series["scope"]): series["pointlist"][-1][1] for series in answer["series"]}
    assert found == {(f"{name}.a", "env:e2e,shard:1"): 15, (f"{name}.a", "env:e2e,shard:2"): 5, (f"{name}.b", "*"): 3}
    assert [series["query_index"] for series in answer["series"]] == [0, 0, 1]


def test_distributions_answer_percentiles(name):
    sent_at = now()
    values = [float(value) for value in range(1, 101)]
    answer = api.Distribution.send(distributions=[{"metric": name, "points": [(sent_at, values)], "host": "dd.host"}])
    assert answer["status"] == "ok"
    for query, expected in [
        (f"count:{name}{{*}}", 100),
        (f"max:{name}{{*}}", 100),
        (f"avg:{name}{{*}}", 50.5),
        (f"p50:{name}{{*}}", 50),
        (f"p95:{name}{{*}}", 95),
    ]:
        series = api.Metric.query(start=sent_at - 300, end=sent_at + 300, query=query)["series"]
        assert series[0]["pointlist"][-1][1] == pytest.approx(expected, rel=0.03), query


def test_active_metrics_and_search(name):
    api.Metric.send(metric=name, points=1, host="dd.search.host")
    assert name in api.Metric.list(now() - 3600)["metrics"]
    found = api.Infrastructure.search(q=f"metrics:{name}")["results"]
    assert found == {"metrics": [name]}
    everything = api.Infrastructure.search(q="")["results"]
    assert name in everything["metrics"] and "dd.search.host" in everything["hosts"]


def test_metadata_can_be_read_and_changed(name):
    api.Metric.send(metric=name, points=1)
    assert api.Metadata.get(metric_name=name)["type"] == "gauge"
    changed = api.Metadata.update(metric_name=name, unit="byte", per_unit="second", description="of a test")
    assert (changed["unit"], changed["per_unit"], changed["description"]) == ("byte", "second", "of a test")
    answer = api.Metric.query(start=now() - 300, end=now() + 300, query=f"avg:{name}{{*}}")
    unit, per_unit = answer["series"][0]["unit"]
    assert (unit["name"], per_unit["name"]) == ("byte", "second")


def test_host_tags(name):
    host = f"dd.tags.{time.time_ns()}"
    api.Metric.send(metric=name, points=7, host=host)
    assert api.Tag.get(host)["tags"] == []
    api.Tag.create(host, tags=["role:e2e", "zone:1"], source="chef")
    assert sorted(api.Tag.get(host)["tags"]) == ["role:e2e", "zone:1"]
    assert sorted(api.Tag.get(host, source="chef")["tags"]) == ["role:e2e", "zone:1"]
    assert host in api.Tag.get_all()["tags"]["role:e2e"]
    answer = api.Metric.query(start=now() - 300, end=now() + 300, query=f"avg:{name}{{role:e2e}} by {{zone}}")
    assert answer["series"][0]["tag_set"] == ["zone:1"]
    assert api.Tag.update(host, tags=["role:other"], source="chef")["tags"] == ["role:other"]
    assert api.Metric.query(start=now() - 300, end=now() + 300, query=f"avg:{name}{{role:e2e}}")["series"] == []
    assert api.Tag.delete(host, source="chef") is None
    assert api.Tag.get(host)["tags"] == []


def test_muting_a_host(name):
    host = f"dd.mute.{time.time_ns()}"
    api.Metric.send(metric=name, points=1, host=host)
    end = now() + 3600
    assert api.Host.mute(host, end=end, message="in a test") == {
        "action": "Muted",
        "hostname": host,
        "end": end,
        "message": "in a test",
    }
    listed = api.Hosts.search(filter=host, include_muted_hosts_data=True)["host_list"]
    assert [(entry["is_muted"], entry["mute_timeout"]) for entry in listed] == [(True, end)]
    with pytest.raises(Exception, match="already muted"):
        api.Host.mute(host, end=end + 60)
    assert api.Host.mute(host, end=end + 60, override=True)["end"] == end + 60
    assert api.Host.unmute(host) == {"action": "Unmuted", "hostname": host}


def test_hosts_are_listed_and_counted(name):
    for number in range(3):
        api.Metric.send(metric=name, points=1, host=f"dd.list.{number}")
    page = api.Hosts.search(filter="dd.list", sort_field="name", sort_dir="desc", count=2)
    assert [host["name"] for host in page["host_list"]] == ["dd.list.2", "dd.list.1"]
    assert (page["total_matching"], page["total_returned"]) == (3, 2)
    assert api.Hosts.totals()["total_up"] >= 3


def test_service_checks(galgo):
    answer = api.ServiceCheck.check(
        check="e2e.check", host_name="dd.checked", status=CheckStatus.WARNING, message="in a test", tags=["a:b"]
    )
    assert answer == {"status": "ok"}
    checks = galgo.get("/api/galgo/v1/hosts/dd.checked").json()["checks"]
    assert [(check["check"], check["status"], check["message"]) for check in checks] == [("e2e.check", 1, "in a test")]


@pytest.mark.parametrize("way", ["udp", "uds"])
def test_statsd(galgo, name, way):
    if way == "udp":
        statsd = DogStatsd(host="127.0.0.1", port=galgo.statsd_port, disable_telemetry=True)
    else:
        # One packet: the kernel's queue of a datagram socket may hold no more than ten, and the client drops the rest.
        statsd = DogStatsd(socket_path=galgo.statsd_socket, disable_telemetry=True, disable_buffering=False)
    sent_at = now()
    for _ in range(10):
        statsd.increment(f"{name}.count", tags=["way:" + way])
    statsd.gauge(f"{name}.gauge", 42.5, tags=["way:" + way])
    statsd.histogram(f"{name}.histogram", 3)
    statsd.distribution(f"{name}.distribution", 8)
    statsd.set(f"{name}.set", "somebody")
    statsd.service_check(f"{name}.check", 0, hostname="dd.statsd")
    statsd.event("title", "text")
    statsd.flush()

    def total(query):
        series = api.Metric.query(start=sent_at - 60, end=sent_at + 120, query=query)["series"]
        assert series, query
        return sum(value for _, value in series[0]["pointlist"])

    def arrived():
        assert total(f"sum:{name}.count{{way:{way}}}.as_count()") == 10
        assert total(f"max:{name}.gauge{{way:{way}}}") == 42.5
        assert total(f"max:{name}.histogram.max{{*}}") == 3
        assert total(f"max:{name}.distribution{{*}}") == 8
        assert total(f"max:{name}.set{{*}}") == 1

    eventually(arrived, seconds=40)


def test_bad_keys_are_refused(galgo):
    initialize(api_key="f" * 32, app_key=galgo.app_key, api_host=galgo.url, mute=False)
    with pytest.raises(Exception, match="Forbidden"):
        api.Metric.send(metric="e2e.never", points=1)
    initialize(api_key=galgo.api_key, app_key="f" * 40, api_host=galgo.url, mute=False)
    with pytest.raises(Exception, match="Forbidden"):
        api.Metric.query(start=now() - 60, end=now(), query="avg:e2e.never{*}")


def test_a_wrong_query_says_where():
    with pytest.raises(Exception, match="character 18"):
        api.Metric.query(start=now() - 60, end=now(), query="avg:system.load.{")
