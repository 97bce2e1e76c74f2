# SPDX-License-Identifier: MIT
"""1,000 batches of 20, one after the other, over one connection."""
import json

from clients import bare_loop, libraries, run_library, tools
from common import percentile, run_child
from servers import batch_request

SLOW = {"httpx on Trio"}  # a fifth of the batches, three rounds
N_STARTS = 50


def through_fetchd(bench, fetchd, base, n, size):
    request = f"{bench.folder}/batch.http"
    with open(request, "wb") as file:
        file.write(batch_request([f"{base}/ok/{i}" for i in range(size)], concurrency=size, per_origin=size))
    cpu = fetchd.cpu_ns()
    with open(request, "rb") as file:
        _, _, output = run_child([f"{bench.build}/tests/bench/batch_client", fetchd.socket, str(n)], stdin=file)
    result = json.loads(output)
    return result["p50_ns"] / 1e6, result["p99_ns"] / 1e6, (fetchd.cpu_ns() - cpu) / 1e3 / n / size


def library(command, base, n, size):
    result = run_library(command, f"{base}/ok", n * size, size, size)
    return result["p50_ns"] / 1e6, result["p99_ns"] / 1e6, result["cpu_ns"] / 1e3 / n / size


def tool(command, n, size):
    """Started anew for each batch."""
    walls, cpus = zip(*(run_child(command)[:2] for _ in range(n)))
    return percentile(walls, 0.5) * 1e3, percentile(walls, 0.99) * 1e3, sum(cpus) * 1e6 / n / size


def find_cases(bench, base, n, size):
    fetchd = bench.fetchd()
    cases = {
        "bare loop": lambda: library(bare_loop(bench), base, n, size),
        "fetchd": lambda: through_fetchd(bench, fetchd, base, n, size),
    }
    for name, command in libraries(bench).items():
        n_own = max(n // 5, 1) if name in SLOW else n
        cases[name] = lambda command=command, n_own=n_own: library(command, base, n_own, size)
    for name, command in tools(bench, f"{base}/ok", size, size).items():
        cases[f"{name}, started {N_STARTS} times"] = lambda command=command: tool(command, N_STARTS, size)
    return cases


def batches(bench):
    n, size = bench.size(1000), 20
    rows = bench.in_turn(find_cases(bench, bench.nginx().base, n, size), at_most={name: 3 for name in SLOW})
    table = bench.table(f"W2: {n} batches of {size} in turn, medians of {bench.runs}",
                        "client", "p50 ms", "p99 ms", "CPU µs/URL", "p50 ratio", "CPU ratio")
    for name, (p50, p99, cpu) in rows.items():
        table.add(name, p50, p99, cpu, rows.ratio(name, "bare loop", 0), rows.ratio(name, "bare loop", 2))
    if "Go net/http" in rows:
        bench.bar("batches of 20: p50 against Go net/http in process", rows.ratio("fetchd", "Go net/http", 0), 0.95, 0.7)
        bench.bar("batches of 20: p99 against Go net/http in process", rows.ratio("fetchd", "Go net/http", 1), 0.5, 0.3)
    started = [rows.ratio("fetchd", name, 0) for name in rows if "started" in name]
    if started:
        bench.bar("batches of 20: p50 against the best tool started per batch", max(started), 0.0333, 0.0222)
    bench.chart("w2", title=f"Time for a batch of {size}", unit="milliseconds", columns=["p50", "p99"],
                rows=[(name, [p50, p99]) for name, (p50, p99, _) in rows.items()])
