# SPDX-License-Identifier: MIT
"""1,000 requests over TLS, each with a connection and a whole handshake of its own, verified."""
import time

from clients import bare_loop, libraries, run_library, tools
from common import run_child
from servers import Connection, expect_counts

SLOW = {"httpx on Trio": 3, "undici": 3}


def through_fetchd(fetchd, nginx, base, n, window, http_version):
    """A batch over TLS, verified against nginx's authority."""
    with open(nginx.ca, encoding="ascii") as file:
        ca = file.read()
    connection = Connection(fetchd)
    cpu, start = fetchd.cpu_ns(), time.monotonic_ns()
    connection.post([f"{base}/ok/{i}" for i in range(n)], concurrency=window, per_origin=window,
                    http_version=http_version, tls={"ca": ca})
    answer = connection.answer()
    wall, cpu = time.monotonic_ns() - start, fetchd.cpu_ns() - cpu
    connection.close()
    expect_counts(answer, ok=n)
    return wall / 1e9, cpu / 1e3 / n


def library(command, nginx, n, window):
    result = run_library(command, f"{nginx.fresh_base}/ok", n, window, ca=nginx.ca)
    return result["wall_ns"] / 1e9, result["cpu_ns"] / 1e3 / n


def tool(command, n):
    wall, cpu, _ = run_child(command)
    return wall, cpu * 1e6 / n


def find_cases(bench, nginx, n, window):
    fetchd = bench.fetchd()
    cases = {"fetchd": lambda: through_fetchd(fetchd, nginx, nginx.fresh_base, n, window, "1.1")}
    for name, command in {"bare loop": bare_loop(bench), **libraries(bench)}.items():
        cases[name] = lambda command=command: library(command, nginx, n, window)
    for name, command in tools(bench, f"{nginx.fresh_base}/ok", n, window, nginx.ca).items():
        cases[name] = lambda command=command: tool(command, n)
    return cases


def fresh_tls(bench):
    n, window = bench.size(1000), 64
    rows = bench.in_turn(find_cases(bench, bench.nginx(), n, window), at_most=SLOW)
    table = bench.table(f"TLS: {n} fresh connections, {window} in flight, medians of {bench.runs}",
                        "client", "wall s", "CPU µs/connection", "wall ratio", "CPU ratio")
    for name, (wall, cpu) in rows.items():
        table.add(name, wall, cpu, rows.ratio(name, "bare loop", 0), rows.ratio(name, "bare loop", 1))
    bench.chart("tls", title="CPU time of a fresh TLS connection with one request", unit="microseconds",
                kind="ranking", columns=["CPU time"], rows=[(name, [cpu]) for name, (_, cpu) in rows.items()])
