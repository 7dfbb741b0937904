"""The server as a process: durability, stop and start, the page's session, limits of connections, what it says of
itself."""

import json
import random
import socket
import subprocess
import threading
import time

import pytest
import requests
from conftest import Galgo, eventually

KILLS = 5
AGENT = {"User-Agent": "datadog-agent/7.60.1"}


def values(galgo, query):
    answer = galgo.query(query)
    return [value for series in answer["series"] for _, value in series["pointlist"]]


def test_a_polite_stop_keeps_everything(own_galgo):
    own_galgo.start()
    at = int(time.time()) - 120
    for step in range(20):
        own_galgo.send("stop.metric", float(step), at=at + step, tags=["a:b"])
    assert own_galgo.stop() == 0
    own_galgo.start()
    assert sum(values(own_galgo, "sum:stop.metric{a:b}.rollup(sum, 300)")) == sum(range(20))
    names = own_galgo.get("/api/v1/metrics", **{"from": at - 60}).json()["metrics"]
    assert names == ["stop.metric"]
    # The secrets of the first start are not shown again.
    assert own_galgo.log_text().count("first start") == 1


def test_acknowledged_points_survive_kill_9(own_galgo):
    own_galgo.start()
    at = int(time.time()) - 600
    acknowledged = 0
    for _ in range(KILLS):
        stopped = threading.Event()

        def send():
            nonlocal acknowledged
            while not stopped.is_set():
                series = {"metric": "kill.metric", "points": [[at + acknowledged % 500, 1]], "tags": [f"n:{acknowledged}"]}
                try:
                    answer = requests.post(
                        f"{own_galgo.url}/api/v1/series", json={"series": [series]}, headers=own_galgo.headers, timeout=5
                    )
                except requests.RequestException:
                    return
                if answer.status_code == 202:
                    acknowledged += 1

        sender = threading.Thread(target=send)
        sender.start()
        time.sleep(random.uniform(0.2, 1.0))
        own_galgo.kill()
        stopped.set()
        sender.join()
        own_galgo.start()
    assert acknowledged > 0
    # A point may have been stored without its answer getting through, but never the other way round.
    found = len(own_galgo.query("sum:kill.metric{*} by {n}.rollup(sum, 60)", seconds=3600)["series"])
    assert acknowledged <= found <= acknowledged + KILLS


def test_two_servers_do_not_share_a_data_folder(galgo):
    other = Galgo(galgo.data_dir)
    environment_error = None
    try:
        other.start()
    except RuntimeError as error:
        environment_error = str(error)
    assert environment_error and "another galgo" in environment_error


def test_the_page_logs_in_and_out(galgo):
    page = {"X-Galgo-Page": "1"}
    session = requests.Session()
    own = f"{galgo.url}/api/galgo/v1"
    assert session.get(f"{own}/session").status_code == 401
    wrong = session.post(f"{own}/login", json={"user": "admin", "password": "wrong"}, headers=page)
    assert (wrong.status_code, list(wrong.json())) == (401, ["errors"])
    time.sleep(2)  # a failed login makes the next one wait
    right = eventually(lambda: login(session, galgo, own))
    cookie = right.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert session.get(f"{own}/session").json()["user"]["handle"] == "admin"
    assert session.get(f"{galgo.url}/api/v1/hosts").status_code == 200
    assert session.post(f"{galgo.url}/api/v1/tags/hosts/page", json={"tags": ["a:b"]}).status_code == 403
    assert session.post(f"{galgo.url}/api/v1/tags/hosts/page", json={"tags": ["a:b"]}, headers=page).status_code == 201
    assert session.post(f"{own}/logout", headers=page).status_code == 204
    assert session.get(f"{own}/session").status_code == 401


def login(session, galgo, own):
    answer = session.post(
        f"{own}/login", json={"user": "admin", "password": galgo.password}, headers={"X-Galgo-Page": "1"}
    )
    assert answer.status_code == 204, answer.text
    return answer


def test_what_it_says_of_itself(galgo):
    assert requests.get(f"{galgo.url}/health").json() == {"status": "ok"}
    assert requests.get(f"{galgo.url}/ready").status_code == 200
    text = requests.get(f"{galgo.url}/metrics").text
    assert "# TYPE galgo_intake_points_total counter" in text
    assert "galgo_dogstatsd_packets_total" in text
    status = galgo.get("/api/galgo/v1/status").json()
    assert status["version"] and status["uptime"] >= 0


def test_agents_get_what_they_look_for(galgo):
    answer = requests.get(f"{galgo.url}/api/v1/validate", params={"api_key": galgo.api_key}, headers=AGENT)
    assert (answer.status_code, answer.json()) == (200, {"valid": True})
    assert "Date" in answer.headers
    answer = requests.post(f"{galgo.url}/api/v1/collector", data=b"\x03", headers={**galgo.headers, **AGENT})
    assert answer.content.hex() == "030017000000000000000000000000001a00"
    answer = requests.post(f"{galgo.url}/api/v9/unknown", data=b"x", headers=galgo.headers)
    assert (answer.status_code, answer.json()) == (404, {"errors": ["Not found"]})
    paths = {row["path"]: row for row in galgo.get("/api/galgo/v1/not-kept").json()["paths"]}
    assert paths["/api/v1/collector"]["senders"] == [AGENT["User-Agent"]]


def test_a_host_payload_makes_a_host(galgo):
    payload = {
        "apiKey": "", "agentVersion": "7.60.1", "uuid": "u", "internalHostname": "e2e.agent", "os": "linux",
        "agent-flavor": "agent", "meta": {"socket-hostname": "e2e.agent", "timezones": ["UTC"]},
        "systemStats": {"cpuCores": 2, "machine": "amd64", "platform": "linux", "processor": "x", "pythonV": "3.11"},
        "host-tags": {"system": ["env:e2e-agent", "host:ubuntu-e2e"]}, "gohai": json.dumps({"platform": {"os": "GNU/Linux"}}),
    }
    answer = requests.post(f"{galgo.url}/intake/", json=payload, headers={**galgo.headers, **AGENT})
    assert answer.status_code in (200, 202)
    galgo.send("e2e.agent.metric", 3.0, host="e2e.agent")
    for scope in ["env:e2e-agent", "host:ubuntu-e2e", "host:e2e.agent"]:
        assert values(galgo, f"avg:e2e.agent.metric{{{scope}}}") == [3.0], scope
    (host,) = galgo.get("/api/v1/hosts", filter="env:e2e-agent", include_hosts_metadata="true").json()["host_list"]
    assert (host["name"], host["meta"]["agent_version"], host["meta"]["cpuCores"]) == ("e2e.agent", "7.60.1", 2)


def test_keys_never_reach_the_log(own_galgo):
    own_galgo.settings["log_level"] = "debug"
    own_galgo.start()
    requests.post(f"{own_galgo.url}/v1/input/{own_galgo.api_key}", data="x")
    requests.get(f"{own_galgo.url}/api/v1/validate?api_key={own_galgo.api_key}&application_key={own_galgo.app_key}")
    requests.get(f"{own_galgo.url}/api/v1/validate", headers=own_galgo.headers)
    assert own_galgo.stop() == 0
    log = own_galgo.log_text()
    assert "answered" in log
    assert own_galgo.api_key not in log and own_galgo.app_key not in log and own_galgo.password not in log


def test_half_requests_and_nonsense_harm_nobody(galgo):
    for bytes_sent in [b"", b"GET", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"POST /api/v1/series HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"]:
        with socket.create_connection(("127.0.0.1", galgo.http_port), timeout=5) as connection:
            connection.sendall(bytes_sent)
    with socket.create_connection(("127.0.0.1", galgo.http_port), timeout=5) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"X-Long: " + b"a" * 200_000 + b"\r\n\r\n")
        answer = b""
        try:
            answer = connection.recv(100)
        except ConnectionError:
            pass
        assert answer == b"" or b" 431 " in answer
    assert requests.get(f"{galgo.url}/health").status_code == 200


def test_early_answers_reach_senders_and_keep_the_connection(galgo):
    session = requests.Session()
    for _ in range(20):
        for path, size, expected in [
            ("/api/v2/series", 600_000, 413),
            ("/api/v1/series", 3_300_000, 413),
            ("/api/v1/nothing", 100_000, 404),
            ("/api/v1/hosts", 100_000, 405),
        ]:
            answer = session.post(galgo.url + path, data=b"x" * size, headers=galgo.headers, timeout=10)
            assert answer.status_code == expected
        refused = session.post(galgo.url + "/api/v2/series", data=b"x" * 100_000, timeout=10)
        assert refused.status_code == 403


@pytest.mark.parametrize(
    "settings, expected",
    [
        ({"http_addr": "nowhere"}, "http_addr"),
        ({"retention_days": "0"}, "retention_days"),
        ({"database_url": "mysql://x"}, "catalogue"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, settings, expected):
    server = Galgo(tmp_path, **settings)
    with pytest.raises(RuntimeError, match=expected):
        server.start()


def test_an_unknown_key_in_the_file_is_refused(tmp_path):
    import os

    from conftest import ROOT

    (tmp_path / "galgo.yaml").write_text("http_adress: 127.0.0.1:0\n")
    binary = os.environ.get("GALGO_BIN") or str(ROOT / "target" / "debug" / "galgo")
    done = subprocess.run([binary, "serve"], cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert done.returncode != 0
    assert 'unknown setting "http_adress", did you mean "http_addr"?' in done.stderr
