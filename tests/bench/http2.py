# SPDX-License-Identifier: MIT
"""One batch of 20,000 URLs over HTTP/2 and TLS, 64 streams at once on one connection."""
from common import Failed, run_child
from fresh_tls import through_fetchd

WINDOW, FLOOR = 64, "h2load, one URL"


def h2load(nginx, n):
    wall, cpu, output = run_child(["h2load", "-n", str(n), "-c", "1", "-m", str(WINDOW), "-t", "1", f"{nginx.tls_base}/ok/1"])
    if f"{n} succeeded" not in output:
        raise Failed("not all fetched")
    return wall, cpu * 1e6 / n


def http2(bench):
    nginx, fetchd, n = bench.nginx(), bench.fetchd(), bench.size(20000)
    rows = bench.in_turn({
        "fetchd": lambda: through_fetchd(fetchd, nginx, nginx.tls_base, n, WINDOW, "2"),
        FLOOR: lambda: h2load(nginx, n),
    })
    table = bench.table(f"HTTP/2: {n} URLs over TLS, {WINDOW} streams at once, medians of {bench.runs}",
                        "client", "wall s", "CPU µs/URL", "wall ratio", "CPU ratio")
    for name, (wall, cpu) in rows.items():
        table.add(name, wall, cpu, rows.ratio(name, FLOOR, 0), rows.ratio(name, FLOOR, 1))
    bench.bar("HTTP/2: CPU per URL against h2load", rows.ratio("fetchd", FLOOR, 1), 3.0, 2.9)
