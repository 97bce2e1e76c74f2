# SPDX-License-Identifier: MIT
"""One batch of 20,000 URLs at one server that keeps its connections."""
import re
import shutil
import time

from clients import bare_loop, libraries, run_library, tools
from common import Failed, run_child
from servers import Connection, expect_counts

SLOW = {"httpx on Trio"}  # a fifth of the URLs, three rounds

BARS = [("bare loop", 1.10, 1.05), ("wget2", 1.10, 0.9), ("Go net/http", 0.6, 0.5), ("curl -Z", 0.5, 0.43)]


def through_fetchd(fetchd, base, n, window, stream):
    urls = [f"{base}/ok/{i}" for i in range(n)]
    connection = Connection(fetchd)
    cpu, own, start = fetchd.cpu_ns(), time.process_time_ns(), time.monotonic_ns()
    connection.post(urls, stream, concurrency=window, per_origin=window)
    answer = connection.answer()
    wall, own, cpu = time.monotonic_ns() - start, time.process_time_ns() - own, fetchd.cpu_ns() - cpu
    connection.close()
    expect_counts(answer, ok=n)
    return wall / 1e9, cpu / 1e3 / n, own / 1e3 / n


def library(command, base, n, window):
    result = run_library(command, f"{base}/ok", n, window)
    return result["wall_ns"] / 1e9, result["cpu_ns"] / 1e3 / n, None


def slow_library(command, base, n, window):
    """A fifth of it; the wall time would say nothing."""
    return None, library(command, base, n // 5, window)[1], None


def tool(command, n):
    wall, cpu, _ = run_child(command)
    return wall, cpu * 1e6 / n, None


def h2load(base, n, window):
    wall, cpu, output = run_child(["h2load", "-n", str(n), "-c", str(window), "-t", "1", "--h1", f"{base}/ok/1"])
    if f"{n} succeeded" not in output:
        raise Failed("not all fetched")
    return wall, cpu * 1e6 / n, None


def wrk(base, window):
    """As many as it can in a second: it cannot be told how many."""
    _, cpu, output = run_child(["wrk", "-t1", f"-c{window}", "-d1", f"{base}/ok/1"])
    n = int(re.search(r"(\d+) requests in", output)[1])
    return None, cpu * 1e6 / n, None


def floors(base, n, window):
    """What sends one URL again and again, and reads as little as can be of the answers."""
    found = {"wrk, 1 s of one URL": lambda: wrk(base, window), "h2load, one URL": lambda: h2load(base, n, window)}
    return {name: case for name, case in found.items() if shutil.which(name.split(",", maxsplit=1)[0])}


def find_cases(bench, base, n, window):
    fetchd = bench.fetchd()
    cases = {
        "bare loop": lambda: library(bare_loop(bench), base, n, window),
        "fetchd, collected answer": lambda: through_fetchd(fetchd, base, n, window, False),
        "fetchd, streamed answer": lambda: through_fetchd(fetchd, base, n, window, True),
    }
    for name, command in tools(bench, f"{base}/ok", n, window).items():
        cases[name] = lambda command=command: tool(command, n)
    for name, command in libraries(bench).items():
        measure = slow_library if name in SLOW else library
        cases[name] = lambda command=command, measure=measure: measure(command, base, n, window)
    return {**floors(base, n, window), **cases}


def keep_alive(bench):
    n, window = bench.size(20000), 64
    base = bench.nginx().base
    rows = bench.in_turn(find_cases(bench, base, n, window), at_most={name: 3 for name in SLOW})
    table = bench.table(f"W1: {n} keep-alive URLs, {window} in flight, medians of {bench.runs}",
                        "client", "wall s", "CPU µs/URL", "client's CPU µs/URL", "wall ratio", "CPU ratio")
    for name, (wall, cpu, own) in rows.items():
        table.add(name, wall, cpu, own, rows.ratio(name, "bare loop", 0), rows.ratio(name, "bare loop", 1))
    for name, bar, very_good in BARS:
        if name in rows:
            bench.bar(f"CPU per URL against {name}", rows.ratio("fetchd, collected answer", name, 1), bar, very_good)
    bench.chart("w1", title=f"CPU time per URL, {n:,} keep-alive URLs, {window} in flight", unit="microseconds",
                kind="ranking", columns=["CPU time"], rows=[(name, [cpu]) for name, (_, cpu, _) in rows.items()])
