"""A database server whose integration is switched on with the evaluator's own file and user."""

import time

from host import DATABASE_PASSWORD, Database
from waiting import eventually

from . import row_01_host

NUMBER = 2
TITLE = "MySQL"
WAIT_SECONDS = 75
# One metric of each group that the file switches on. Rates have a value from the second run on.
METRICS = [
    "mysql.net.max_connections_available",
    "mysql.performance.questions",
    "mysql.performance.threads_connected",
    "mysql.performance.cpu_time",
    "mysql.performance.handler_read_key",
    "mysql.innodb.buffer_pool_total",
    "mysql.innodb.buffer_pool_pages_data",
    "mysql.innodb.os_file_reads",
    "mysql.performance.query_run_time.avg",
]


def prepare(server):
    if not Database.available():
        print("MariaDB is not installed: row 2 cannot be shown (apt-get install mariadb-server)")
        return
    server.database = Database(server)
    server.at_stop(server.database.stop)
    places = {"XXXXXXXX": DATABASE_PASSWORD, "3306 ": f"{server.database.port} "}
    server.agent.put("mysql.conf.yaml", "conf.d/mysql.d/conf.yaml", **places)
    server.agent.restart()
    work(server)


def work(server):
    """A little work for the database, so that there is something to see."""
    server.database.execute("CREATE DATABASE IF NOT EXISTS shop; USE shop; CREATE TABLE IF NOT EXISTS orders (id INT PRIMARY KEY AUTO_INCREMENT, price INT);")
    server.database.execute("USE shop; INSERT INTO orders (price) VALUES (1), (2), (3); SELECT SUM(price) FROM orders;")


def keep_on(server):
    if server.database:
        work(server)


def statements(server):
    if not server.database:
        return

    def arrives(metric):
        now = int(time.time())
        assert server.query(f"avg:{metric}{{host:ubuntu}}", now - 3600, now + 60), f"{metric} has no points"

    def reachable():
        state = server.agent.command("status", "--json").stdout
        assert '"mysql"' in state, state
        now = int(time.time())
        found = server.query("avg:mysql.net.connections{host:ubuntu} by {port}", now - 3600, now + 60)
        assert found, "mysql.net.connections has no points"

    def checked():
        done = server.agent.command("check", "mysql", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        assert '"mysql.can_connect"' in done.stdout, done.stdout

    for metric in METRICS:
        yield f"{metric} arrives", lambda metric=metric: eventually(lambda: arrives(metric), WAIT_SECONDS)
    yield "the status knows the check", reachable
    yield "the check of its reachability is OK", checked


def links(server):
    yield "what the integration brings", server.page("/integrations/mysql")
    yield "its processor time", server.page("/metrics/explorer", a="avg:mysql.performance.cpu_time{host:ubuntu}")
    yield "the host that runs it", server.page("/infrastructure", host=row_01_host.HOST)
