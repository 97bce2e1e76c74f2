# SPDX-License-Identifier: MIT
"""10,000 requests in flight in one batch, held until all are there."""
import time

from servers import Connection, Fetchd, expect_counts


def through_fetchd(fetchd, origin, n):
    origin.next_address()
    warm, connection = Connection(fetchd), Connection(fetchd)
    warm.post([origin.url("/ok")])
    warm.answer()
    warm.close()
    before, cpu, start = fetchd.rss_kib(), fetchd.cpu_ns(), time.monotonic()
    name = f"all-{origin.n_urls}"
    connection.post([origin.url(f"/hold/{name}/{i}") for i in range(n)], concurrency=n, per_origin=n)
    origin.wait(f"held>={n}")
    in_flight_s, rss = time.monotonic() - start, fetchd.rss_kib()
    origin.command(f"release {name}")
    expect_counts(connection.answer(), ok=n)
    wall, cpu = time.monotonic() - start, fetchd.cpu_ns() - cpu
    connection.close()
    return (rss - before) / n, in_flight_s, wall, cpu / 1e3 / n


def from_the_start(bench, origin, n):
    """Memory is measured from a fresh start."""
    fetchd = Fetchd(bench.build, bench.folder)
    try:
        return through_fetchd(fetchd, origin, n)
    finally:
        fetchd.stop()
        origin.wait("open<=0")


def in_flight(bench):
    n, origin = bench.size(10000), bench.origin()
    row = bench.in_turn({"fetchd": lambda: from_the_start(bench, origin, n)}, warm_up=False)["fetchd"]
    table = bench.table(f"W3: {n} requests in flight at once in one batch, medians of {bench.runs}",
                        "KiB RSS per waiting fetch", "s until all in flight", "s until answered", "CPU µs/URL")
    table.add(*row)
    bench.bar("memory per waiting fetch", row[0], 18, 17.5, "KiB")
