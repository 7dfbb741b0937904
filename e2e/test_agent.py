"""`galgo agent` as its user meets it: files, commands, checks, logs, outages."""

import json
import os
import signal
import sys
import textwrap
import time
import zipfile

import pytest
from agents import Agent, Intake, slow
from conftest import API_KEY, ROOT
from datadog import DogStatsd

EXERCISE = ROOT / "examples" / "exercise"
sys.path.insert(0, str(EXERCISE))


@pytest.fixture
def intake():
    intake = Intake()
    yield intake
    intake.close()


@pytest.fixture
def run(request):
    """Starts agents and stops them after the test; each must end well."""
    started = []

    def start(url, files=(), **settings):
        agent = Agent(url, **settings)
        for path, content in dict(files).items():
            agent.write(path, content)
        started.append(agent.start())
        return agent

    yield start
    for agent in started:
        if agent.process.poll() is None:
            assert agent.stop() == 0, agent.log_text()
        assert "panicked" not in agent.log_text(), agent.log_text()


CUSTOM = textwrap.dedent(
    """
    import os, time
    from checks import AgentCheck

    class Custom(AgentCheck):
        def check(self, instance):
            self.gauge("custom.gauge", instance.get("value", 1), tags=["kind:custom"] + instance.get("tags", []))
            self.service_check("custom.up", AgentCheck.OK)
            mode = instance.get("mode")
            if mode == "raise":
                raise ValueError("on purpose")
            if mode == "hang":
                time.sleep(3600)
            if mode == "exit":
                os._exit(3)
    """
)


def test_the_host_and_its_tags(galgo, run):
    agent = run(galgo.url, hostname="tagged", tags="env:test, host:ubuntu, name:xenial, region:france")

    def arrived():
        for tag in ["host:ubuntu", "env:test", "region:france", "host:tagged"]:
            for metric in ["system.load.1", "system.mem.total", "system.cpu.user", "system.net.bytes_rcvd", "system.disk.total"]:
                assert galgo.query(f"avg:{metric}{{{tag},host:tagged}}")["series"], f"{metric} {tag}"
        assert galgo.query("avg:datadog.agent.running{host:tagged}")["series"]

    slow(arrived, 90)
    assert agent.command("hostname").stdout.strip() == "tagged"


def test_a_custom_check_as_it_is(galgo, run):
    agent = run(
        galgo.url,
        {
            "checks.d/my_metric.py": (EXERCISE / "ingredients" / "my_metric.py").read_text(),
            "conf.d/my_metric.yaml": (EXERCISE / "ingredients" / "my_metric.first.yaml").read_text(),
        },
        hostname="custom-host",
    )
    slow(lambda: assert_points(galgo, "avg:my_metric{host:custom-host}", 1))
    shown = agent.command("check", "my_metric", "--json")
    assert shown.returncode == 0, shown.stderr
    (result,) = json.loads(shown.stdout)
    (series,) = result["aggregator"]["metrics"]
    assert series["metric"] == "my_metric" and 0 <= series["points"][0][1] <= 1000
    # Only the YAML changes.
    agent.write("conf.d/my_metric.yaml", (EXERCISE / "ingredients" / "my_metric.yaml").read_text())
    agent.reload()

    def slower():
        assert agent.check_state("my_metric")["interval_s"] == 45

    slow(slower)
    assert "my_metric" in agent.command("status").stdout


def assert_points(galgo, query, at_least, seconds=3600):
    series = galgo.query(query, seconds)["series"]
    assert series and sum(point[1] is not None for point in series[0]["pointlist"]) >= at_least


def test_checks_that_raise_hang_or_exit_harm_nothing_else(galgo, run):
    instances = {
        "good": {"value": 1, "min_collection_interval": 1, "tags": ["which:good"]},
        "raises": {"mode": "raise", "min_collection_interval": 1, "tags": ["which:raises"]},
        "exits": {"mode": "exit", "min_collection_interval": 1, "tags": ["which:exits"]},
        "hangs": {"mode": "hang", "min_collection_interval": 1, "tags": ["which:hangs"]},
    }
    agent = run(
        galgo.url,
        {"checks.d/custom.py": CUSTOM, "conf.d/custom.d/conf.yaml": {"init_config": None, "instances": list(instances.values())}},
        hostname="rough-host",
        python_check_timeout=5,
    )

    def settled():
        states = {
            name: next(c for c in agent.status()["checks"] if c["check"] == "custom" and c["source"].endswith(f"instance {number}"))
            for number, name in enumerate(instances, 1)
        }
        assert states["raises"]["error"] and "on purpose" in states["raises"]["traceback"] + states["raises"]["error"]
        assert states["exits"]["failed_runs"] >= 2 and states["hangs"]["failed_runs"] >= 1, states
        assert states["good"]["error"] == "" and states["good"]["runs"] >= 15, states["good"]

    slow(settled, 90)
    slow(lambda: assert_points(galgo, "avg:custom.gauge{which:good,host:rough-host}", 10, seconds=60))
    # System metrics went on.
    assert galgo.query("avg:system.load.1{host:rough-host}")["series"]


def test_the_real_base_class(galgo, run):
    """Every submission method through PyPI's datadog-checks-base."""
    check = textwrap.dedent(
        """
        from datadog_checks.base import AgentCheck, ConfigurationError

        class Everything(AgentCheck):
            __NAMESPACE__ = "everything"

            def check(self, instance):
                self.gauge("gauge", 1.5, tags=["a:b"])
                self.count("count", 2)
                self.rate("rate", self.step() * 10)
                self.monotonic_count("monotonic", self.step() * 5)
                for value in range(1, 101):
                    self.histogram("histogram", value)
                self.submit_histogram_bucket("bucket", 10, 0.0, 5.0, False, "", [])
                self.service_check("up", AgentCheck.WARNING, message="so so")
                self.event({"msg_title": "a title", "msg_text": "a text", "timestamp": 0, "event_type": "x"})
                self.set_metadata("version", "1.2.3")
                self.warning("take %s", "care")

            def step(self):
                self.steps = getattr(self, "steps", 0) + 1
                return self.steps
        """
    )
    agent = run(
        galgo.url,
        {"checks.d/everything.py": check, "conf.d/everything.yaml": {"instances": [{"min_collection_interval": 1}]}},
        hostname="base-host",
        python_interpreter=sys.executable,
    )

    def arrived():
        for metric in ["gauge", "count", "rate", "monotonic", "histogram.max", "histogram.95percentile", "histogram.count"]:
            assert galgo.query(f"avg:everything.{metric}{{host:base-host}}")["series"], metric
        state = agent.check_state("everything")
        assert state["metadata"]["version.raw"] == "1.2.3" and state["warnings"] == ["take care"], state
        assert state["last"]["outcome"] == "WARNING"

    slow(arrived)
    assert "datadog-checks-base" in json.dumps(agent.status()["python"]), agent.status()["python"]


def test_an_openmetrics_endpoint(galgo, run):
    """Galgo's own metrics through the native scraper."""
    instance = {
        "openmetrics_endpoint": f"{galgo.url}/metrics",
        "namespace": "scraped",
        "metrics": [".*"],
        "headers": {"DD-API-KEY": API_KEY},
        "min_collection_interval": 1,
    }
    agent = run(galgo.url, {"conf.d/openmetrics.d/conf.yaml": {"instances": [instance]}}, hostname="scraper")

    def scraped():
        state = agent.check_state("openmetrics")
        assert state["error"] == "" and state["metric_samples"] > 0, state

    slow(scraped)


def test_dogstatsd_through_the_agent(galgo, run):
    agent = run(galgo.url, hostname="statsd-host", dogstatsd_mapper_profiles=[{"name": "jobs", "prefix": "job.", "mappings": [{"match": "job.duration.*", "name": "job.duration", "tags": {"job": "$1"}}]}], dogstatsd_metrics_stats_enable=True)
    slow(lambda: agent.status()["dogstatsd"])
    by_udp = DogStatsd(host="127.0.0.1", port=agent.statsd_port, disable_telemetry=True)
    # The client drops what the kernel does not take at once, unless it may wait.
    by_socket = DogStatsd(socket_path=agent.statsd_socket, disable_telemetry=True, socket_timeout=5)
    for _ in range(100):
        by_udp.increment("agent.udp", tags=["by:udp"])
        by_socket.increment("agent.uds", tags=["by:uds"])
    by_udp.gauge("job.duration.nightly", 42)
    by_udp.distribution("agent.spread", 5)
    by_udp.flush()
    by_socket.flush()

    def arrived():
        for name in ["udp", "uds"]:
            series = galgo.query(f"sum:agent.{name}{{host:statsd-host}}.as_count()")["series"]
            assert series and sum(point[1] or 0 for point in series[0]["pointlist"]) == 100, series
        assert galgo.query("avg:job.duration{job:nightly}")["series"]
        assert galgo.query("p95:agent.spread{host:statsd-host}")["series"]

    slow(arrived)
    assert "agent.udp" in agent.command("dogstatsd-stats").stdout


def test_log_files_arrive_once_acknowledged(intake, run):
    agent = Agent(intake.url, hostname="logging", logs_enabled=True, logs_config={"logs_dd_url": intake.url, "batch_wait": 1})
    path = agent.folder / "app.log"
    path.write_text("before the start\n")
    agent.write(
        "conf.d/app.d/conf.yaml",
        {
            "logs": [
                {
                    "type": "file",
                    "path": str(agent.folder / "*.log"),
                    "service": "shop",
                    "source": "python",
                    "sourcecategory": "web",
                    "tags": ["team:a"],
                    "log_processing_rules": [
                        {"type": "exclude_at_match", "name": "noise", "pattern": "healthz"},
                        {"type": "mask_sequences", "name": "cards", "pattern": r"\d{16}", "replace_placeholder": "[card]"},
                        {"type": "multi_line", "name": "dates", "pattern": r"\d{4}-\d\d-\d\d"},
                    ],
                }
            ]
        },
    )
    agent.start()
    try:
        slow(lambda: opened(agent, path))
        with open(path, "a") as file:
            file.write("2026-01-01 one\n  more of one\n2026-01-01 healthz\n2026-01-01 paid with 1234567812345678\n")
        slow(lambda: assert_messages(intake, ["2026-01-01 one", "2026-01-01 paid with [card]"]))
        line = intake.logs()[0]
        assert (line["service"], line["ddsource"], line["hostname"]) == ("shop", "python", "logging")
        assert {"team:a", "sourcecategory:web", "filename:app.log"} <= set(line["ddtags"].split(",")), line
        # The server is away, the file is rotated, the agent is killed: nothing is missing afterwards.
        intake.status = 503
        with open(path, "a") as file:
            file.write("2026-01-02 before the rotation\n")
        time.sleep(2)
        agent.kill()
        path.rename(agent.folder / "app.log.1")
        path.write_text("2026-01-03 after the rotation\n")
        intake.status = 202
        agent.start()
        slow(lambda: assert_messages(intake, ["2026-01-02 before the rotation", "2026-01-03 after the rotation"]))
    finally:
        agent.stop()
    assert not any("before the start" in line["message"] for line in intake.logs())


def opened(agent, path):
    assert str(path) in json.dumps(agent.status()["logs"]), agent.status()["logs"]


def assert_messages(intake, wanted):
    messages = [line["message"] for line in intake.logs()]
    for start in wanted:
        assert any(message.startswith(start) for message in messages), messages


def test_an_outage_loses_nothing(run, own_galgo):
    """The server is away and the agent is killed meanwhile: every run's point is there afterwards."""
    galgo = own_galgo.start()
    files = {"checks.d/custom.py": CUSTOM, "conf.d/custom.yaml": {"instances": [{"min_collection_interval": 1}]}}
    agent = run(galgo.url, files, hostname="patient")
    slow(lambda: assert_points(galgo, "avg:custom.gauge{host:patient}", 1))
    galgo.stop()
    away = int(time.time())
    time.sleep(12)
    back = int(time.time())
    galgo.start()

    def complete():
        answer = galgo.get("/api/v1/query", **{"from": away - 5, "to": back, "query": "avg:custom.gauge{host:patient}.rollup(max, 1)"})
        series = answer.json()["series"]
        assert series
        seconds = {int(at / 1000) for at, value in series[0]["pointlist"] if value is not None}
        missing = set(range(away, back - 1)) - seconds
        # A run that starts a little late leaves one second out and falls into the next.
        assert len(missing) <= 2, missing

    slow(complete, 90)
    assert agent.process.poll() is None


def test_a_mistake_in_one_file_is_named_and_stops_nothing(galgo, run):
    agent = run(
        galgo.url,
        {"conf.d/broken.yaml": "instances:\n  - a: [1\n", "conf.d/custom.yaml": {"instances": [{}]}, "checks.d/custom.py": CUSTOM},
        hostname="careless",
    )
    slow(lambda: assert_points(galgo, "avg:custom.gauge{host:careless}", 1))
    shown = agent.command("configcheck")
    assert shown.returncode == 1 and "broken.yaml" in shown.stdout, shown.stdout
    assert "broken.yaml" in "".join(agent.status()["problems"])


def test_diagnose_says_what_is_wrong(galgo, run):
    agent = run(galgo.url)
    slow(lambda: agent.status())
    well = agent.command("diagnose", "--json")
    assert well.returncode == 0, well.stdout
    agent.write("datadog.yaml", json.dumps({**agent.settings, "api_key": "f" * 32}))
    wrong = agent.command("diagnose")
    assert wrong.returncode == 1 and "refuses the key" in wrong.stdout, wrong.stdout


def test_a_flare_has_no_secrets(galgo, run):
    agent = run(galgo.url, {"conf.d/mysql.d/conf.yaml": {"instances": [{"host": "127.0.0.1", "port": 1, "username": "u", "password": "very-secret-word"}]}})
    slow(lambda: agent.status())
    target = agent.folder / "flare.zip"
    done = agent.command("flare", str(target))
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(target) as archive:
        names = archive.namelist()
        text = "".join(archive.read(name).decode(errors="replace") for name in names)
    assert {"status.txt", "diagnose.txt", "configcheck.txt", "etc/datadog.yaml"} <= set(names), names
    assert "very-secret-word" not in text and API_KEY not in text


def test_a_database_that_stops_is_critical_and_recovers(galgo, run, tmp_path_factory):
    from host import DATABASE_PASSWORD, INGREDIENTS, Database

    if not Database.available():
        pytest.skip("MariaDB is not installed")
    import tempfile
    from pathlib import Path
    from types import SimpleNamespace

    # A socket's path may have 107 characters only.
    database = Database(SimpleNamespace(folder=Path(tempfile.mkdtemp(prefix="galgo-db-"))))
    try:
        text = (INGREDIENTS / "mysql.conf.yaml").read_text().replace("XXXXXXXX", DATABASE_PASSWORD).replace("3306 ", f"{database.port} ")
        text = text.replace("    options: ", "    min_collection_interval: 2\n    options: ")
        agent = run(galgo.url, {"conf.d/mysql.d/conf.yaml": text}, hostname="db-host", integration_check_status_enabled=True)

        def well():
            state = agent.check_state("mysql")
            assert state["error"] == "" and state["metric_samples"] > 100, state
            for metric in ["performance.queries", "innodb.row_lock_waits", "performance.cpu_time", "performance.handler_read_key"]:
                assert galgo.query(f"avg:mysql.{metric}{{host:db-host}}")["series"], metric

        slow(well)
        database.stop()

        def broken():
            state = agent.check_state("mysql")
            assert state["last"]["outcome"] == "ERROR" and state["error"], state
            assert DATABASE_PASSWORD not in json.dumps(state)

        slow(broken)
        database.start()

        def again():
            assert agent.check_state("mysql")["last"]["outcome"] != "ERROR", agent.check_state("mysql")

        slow(again)
    finally:
        database.stop()


def test_reload_starts_and_stops_checks(galgo, run):
    agent = run(galgo.url, {"checks.d/custom.py": CUSTOM}, hostname="changing")
    slow(lambda: agent.check_state("load"))
    target = agent.write("conf.d/custom.yaml", {"instances": [{"min_collection_interval": 1}]})
    agent.process.send_signal(signal.SIGHUP)
    slow(lambda: agent.check_state("custom"))
    os.unlink(target)
    assert agent.command("reload").returncode == 0

    def gone():
        assert all(check["check"] != "custom" for check in agent.status()["checks"])

    slow(gone)


def test_the_local_page_needs_its_key(galgo, run):
    import requests

    agent = run(galgo.url, hostname="paged")
    slow(lambda: agent.status())
    address = agent.command("status", "--page").stdout.strip()
    assert requests.get(address.split("?")[0], timeout=10).status_code == 401
    page = requests.Session().get(address, timeout=10)
    assert page.status_code == 200 and "Galgo agent on paged" in page.text
