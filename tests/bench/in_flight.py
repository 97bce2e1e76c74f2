# SPDX-License-Identifier: MIT
"""10,000 requests in flight in one batch, held until all are there."""
import shutil
import time

from clients import bare_loop, libraries, tools
from common import CHILD_S, Failed, end, started
from servers import Connection, Fetchd, expect_counts, resident_kib

# Of those that need long.
ROUNDS = {"Go net/http": 3, "undici": 3, "aiohttp": 3, "wget2": 1, "aria2c": 1, "httpx on Trio": 1}


def through_fetchd(fetchd, origin, n):
    origin.next_address()
    warm, connection = Connection(fetchd), Connection(fetchd)
    warm.post([origin.url("/ok")])
    warm.answer()
    warm.close()
    before, cpu, start = resident_kib(fetchd.pid), fetchd.cpu_ns(), time.monotonic()
    name = f"all-{origin.n_urls}"
    connection.post([origin.url(f"/hold/{name}/{i}") for i in range(n)], concurrency=n, per_origin=n)
    origin.wait(f"held>={n}")
    in_flight_s, rss = time.monotonic() - start, resident_kib(fetchd.pid)
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


def hold(command_of, origin, n):
    """KiB with @n in flight, seconds until they were and until the process had ended, its CPU seconds."""
    origin.next_address()
    name = f"some-{origin.n_urls}"
    command, start = command_of(origin.url(f"/hold/{name}"), n), time.monotonic()
    with started(command) as process:
        if not origin.reaches(f"held>={n}", CHILD_S // 2):
            raise Failed(f"{origin.counts()['held']} of {n} in flight")
        in_flight_s, resident = time.monotonic() - start, resident_kib(process.pid)
        origin.command(f"release {name}")
        cpu = end(process)
    wall = time.monotonic() - start
    origin.wait("open<=0")
    return resident, in_flight_s, wall, cpu


def by_another(command_of, origin, n):
    """Against the same client with one in flight."""
    one = hold(command_of, origin, 1)[0]
    resident, in_flight_s, wall, cpu = hold(command_of, origin, n)
    return (resident - one) / n, in_flight_s, wall, cpu * 1e6 / n


def find_cases(bench, origin, n):
    commands = {"bare loop": bare_loop(bench), **libraries(bench)}
    found = {
        name: lambda url, n, command=command: [*command, url, str(n), str(n)] for name, command in commands.items()
    }
    for name in ("wget2", "aria2c"):
        if shutil.which(name):
            found[name] = lambda url, n, name=name: tools(bench, url, n, n)[name]
    cases = {"fetchd": lambda: from_the_start(bench, origin, n)}
    for name, command_of in found.items():
        cases[name] = lambda command_of=command_of: by_another(command_of, origin, n)
    return cases


def in_flight(bench):
    n, origin = bench.size(10000), bench.origin()
    rows = bench.in_turn(find_cases(bench, origin, n), warm_up=False, at_most=ROUNDS)
    table = bench.table(f"W3: {n} requests in flight at once in one batch, medians of {bench.runs}, of slow ones less",
                        "client", "KiB RSS per waiting fetch", "s until all in flight", "s until all ended",
                        "CPU µs/URL")
    for name, row in rows.items():
        table.add(name, *row)
    bench.note("`curl -Z` is left out: it has at most 300 in flight")
    bench.bar("memory per waiting fetch", rows["fetchd"][0], 18, 17.5, "KiB")
    bench.chart("w3", title=f"Resident memory per waiting fetch, {n:,} in flight", unit="KiB", kind="ranking",
                columns=["memory"], rows=[(name, [kib]) for name, (kib, *_) in rows.items()])
