# SPDX-License-Identifier: MIT
"""One batch of 20,000 URLs at one server that keeps its connections."""
import os
import shutil
import time

from common import bare_loop, run_child
from servers import Connection, expect_counts


def find_peers(bench, base, n, window):
    """Other clients, where they are installed: name and command."""
    urls, config = f"{bench.folder}/urls", f"{bench.folder}/curl.conf"
    with open(urls, "w", encoding="ascii") as file:
        file.writelines(f"{base}/ok/{i}\n" for i in range(n))
    with open(config, "w", encoding="ascii") as file:
        file.writelines(f'url = "{base}/ok/{i}"\noutput = "/dev/null"\n' for i in range(n))
    peers = {
        "wget2": ["wget2", "-q", "--no-config", "--robots=off", f"--max-threads={window}", "-O",
                  "/dev/null", "-i", urls],
        "h2load": ["h2load", "-n", str(n), "-c", str(window), "-t", "1", "--h1", f"{base}/ok/1"],
        "curl": ["curl", "-Z", "--parallel-max", str(window), "-s", "-K", config],
    }
    return {name: command for name, command in peers.items() if shutil.which(name)}


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


def bare(bench, base, n, window):
    result = bare_loop(bench, f"{base}/ok", n, window)
    return result["wall_ns"] / 1e9, result["cpu_ns"] / 1e3 / n, 0.0


def peer(command, n):
    wall, cpu, _ = run_child(command)
    return wall, cpu * 1e6 / n, 0.0


def keep_alive(bench):
    n, window = bench.size(20000), 64
    base, fetchd = bench.nginx().base, bench.fetchd()
    cases = {
        "bare loop": lambda: bare(bench, base, n, window),
        "fetchd, collected answer": lambda: through_fetchd(fetchd, base, n, window, False),
        "fetchd, streamed answer": lambda: through_fetchd(fetchd, base, n, window, True),
    }
    for name, command in find_peers(bench, base, n, window).items():
        cases[name] = lambda command=command: peer(command, n)
    rows = bench.in_turn(cases)
    base_wall, base_cpu, _ = rows["bare loop"]
    table = bench.table(f"W1: {n} keep-alive URLs, {window} in flight, medians of {bench.runs}",
                        "client", "wall s", "CPU µs/URL", "client's CPU µs/URL", "wall ratio", "CPU ratio")
    for name, (wall, cpu, own) in rows.items():
        table.add(name, wall, cpu, own, wall / base_wall, cpu / base_cpu)
    bench.bar("CPU per URL against the bare loop", rows["fetchd, collected answer"][1] / base_cpu, 1.10, 1.05)
