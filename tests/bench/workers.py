# SPDX-License-Identifier: MIT
"""
One and two workers on two CPUs: keep-alive URLs, and fresh TLS connections, at several origins of one server. Its
certificate has none of their names: it is not verified.
"""
import os
import time

from servers import CLIENT_CPU, SERVER_CPU, Connection, expect_counts

N_HOSTS = 8  # names below localhost: as many origins


def fetch(fetchd, bases, n, **options):
    urls = [f"{bases[i % len(bases)]}/ok/{i}" for i in range(n)]
    connection = Connection(fetchd)
    cpu, start = fetchd.cpu_ns(), time.monotonic_ns()
    connection.post(urls, concurrency=64, per_origin=64, **options)
    answer = connection.answer()
    wall, cpu = time.monotonic_ns() - start, fetchd.cpu_ns() - cpu
    connection.close()
    expect_counts(answer, ok=n)
    return wall / 1e3 / n, cpu / 1e3 / n


def hosts_of(base):
    return [base.replace("127.0.0.1", f"w{i}.localhost") for i in range(N_HOSTS)]


def daemons(bench):
    """They may use both CPUs, as may the server: where it is the bottleneck there is nothing to gain."""
    found = {}
    for n in (1, 2):
        fetchd = bench.fetchd(f"workers: {n}\n")
        for thread in os.listdir(f"/proc/{fetchd.pid}/task"):
            os.sched_setaffinity(int(thread), {CLIENT_CPU, SERVER_CPU})
        found[f"{n} worker{'s' if n > 1 else ''}"] = fetchd
    return found


def measure(bench, title, n, bases, **options):
    cases = {name: lambda fetchd=fetchd: fetch(fetchd, bases, n, **options)
             for name, fetchd in daemons(bench).items()}
    rows = bench.in_turn(cases)
    base = next(iter(rows))
    table = bench.table(f"{title}: {n} URLs of {len(bases)} origins, 64 in flight, medians of {bench.runs}",
                        "fetchd", "wall µs/URL", "CPU µs/URL", "wall ratio", "CPU ratio")
    for name, (wall, cpu) in rows.items():
        table.add(name, wall, cpu, rows.ratio(name, base, 0), rows.ratio(name, base, 1))


def workers(bench):
    nginx = bench.nginx()
    measure(bench, "Workers, keep-alive", bench.size(20000), hosts_of(nginx.base))
    measure(bench, "Workers, fresh TLS connections", bench.size(2000), hosts_of(nginx.fresh_base),
            http_version="1.1", tls={"verify": False})
