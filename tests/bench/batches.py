# SPDX-License-Identifier: MIT
"""1,000 batches of 20, one after the other, over one connection."""
import time

from common import bare_loop, percentile
from servers import Connection, expect_counts


def through_fetchd(fetchd, base, n, size):
    urls = [f"{base}/ok/{i}" for i in range(size)]
    connection, times = Connection(fetchd), []
    cpu = fetchd.cpu_ns()
    for _ in range(n):
        start = time.monotonic_ns()
        connection.post(urls, concurrency=size, per_origin=size)
        answer = connection.answer()
        times.append((time.monotonic_ns() - start) / 1e6)
        expect_counts(answer, ok=size)
    connection.close()
    return percentile(times, 0.5), percentile(times, 0.99), (fetchd.cpu_ns() - cpu) / 1e3 / n / size


def bare(bench, base, n, size):
    result = bare_loop(bench, f"{base}/ok", n * size, size, size)
    return result["p50_ns"] / 1e6, result["p99_ns"] / 1e6, result["cpu_ns"] / 1e3 / n / size


def batches(bench):
    n, size = bench.size(1000), 20
    base, fetchd = bench.nginx().base, bench.fetchd()
    rows = bench.in_turn({
        "bare loop": lambda: bare(bench, base, n, size),
        "fetchd": lambda: through_fetchd(fetchd, base, n, size),
    })
    base_p50, _, base_cpu = rows["bare loop"]
    table = bench.table(f"W2: {n} batches of {size} in turn, medians of {bench.runs}",
                        "client", "p50 ms", "p99 ms", "CPU µs/URL", "p50 ratio", "CPU ratio")
    for name, (p50, p99, cpu) in rows.items():
        table.add(name, p50, p99, cpu, p50 / base_p50, cpu / base_cpu)
