"""The rows of the exercise, in the order of the afternoon.

A row is a module with

- `NUMBER` and `TITLE`;
- `prepare(server)`: does what the evaluator does;
- `keep_on(server)`: what goes on happening while somebody looks, called every 15 s;
- `statements(server)`: pairs of a sentence and a function without arguments that raises AssertionError unless it is true;
- `links(server)`: pairs of a sentence and an address to look at.

Rows may build on those before them. What is not there yet stands in LATER.
"""

from . import row_01_host, row_02_mysql, row_04_my_metric, row_05_hourly_sums, row_12_gym

ROWS = [row_01_host, row_02_mysql, row_04_my_metric, row_05_hourly_sums, row_12_gym]

LATER = {
    3: "MySQL's logs, which the agent collects and the server does not keep yet",
    6: "a snapshot of a graph by e-mail",
    7: "an expected band and the points outside it",
    8: "a monitor that tells by e-mail",
    9: "recurring downtimes",
    10: "an instrumented Flask application",
    11: "one dashboard of system and application metrics",
}
