# SPDX-License-Identifier: MIT
"""1,000 in flight and one fails, or the caller hangs up in the middle."""
import select
import shutil
import subprocess
import time

from clients import libraries
from common import Failed, end, started
from servers import CLIENT_CPU, Connection, expect_counts, pinned

FLOOR, OURS = "close() of as many sockets", "fetchd, first failure"
HARDER = "fetchd, hang-up, an earlier answer unread", "fetchd, hang-up behind junk"


def close_floor(bench, origin, n):
    n_pooled = origin.counts()["open"]  # fetchd's idle connections
    origin.next_address()
    with subprocess.Popen(
            pinned(CLIENT_CPU, f"{bench.build}/tests/bench/close_floor", origin.address(),
                   str(origin.port), str(n)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout.readline() != "ready\n":
            raise SystemExit("close_floor is not ready")
        origin.wait(f"held>={n}")
        process.stdin.write("\n")
        process.stdin.flush()
        start, end = map(int, process.stdout.readline().split())
    origin.wait(f"open<={n_pooled}")
    return (end - start) / 1e6, (origin.counts()["last_close_ns"] - start) / 1e6


def in_flight(origin, fetchd, n, prepare=None, extra=()):
    """A batch with @n requests that wait, and what @prepare did to its connection before."""
    origin.next_address()
    connection = Connection(fetchd)
    if prepare:
        prepare(connection, origin)
    urls = [*extra, *(f"/never/{i}" for i in range(n))]
    connection.post([origin.url(path) for path in urls], concurrency=len(urls), per_origin=len(urls))
    return connection


def fail_fast(origin, fetchd, n):
    n_pooled = origin.counts()["open"]
    connection = in_flight(origin, fetchd, n, extra=[f"/crowd/{n + 1}?503"])
    answer = connection.answer()
    expect_counts(answer, failed=1, cancelled=n)
    connection.close()
    # the one that failed was answered in full: its connection may stay in the pool
    origin.wait(f"open<={n_pooled + 1}")
    counts = origin.counts()
    return (connection.read_ns - counts["failed_ns"]) / 1e6, (counts["last_close_ns"] - counts["failed_ns"]) / 1e6


def unread_answer(connection, origin):
    connection.post([origin.url("/ok")])
    if not select.select([connection.socket], [], [], 20)[0]:
        raise SystemExit("no first answer")


def hang_up(origin, fetchd, n, prepare=None, junk=b""):
    connection = in_flight(origin, fetchd, n, prepare)
    origin.wait(f"held>={n}")
    n_pooled = origin.counts()["open"] - n
    if junk:
        connection.socket.sendall(junk)
    start = time.monotonic_ns()
    connection.close()
    origin.wait(f"open<={n_pooled}")
    return None, (origin.counts()["last_close_ns"] - start) / 1e6


def by_library(command, origin, n):
    """The group of tasks of a peer that fails fast; its process ends right after it."""
    n_pooled = origin.counts()["open"]
    origin.next_address()
    failing = origin.url(f"/crowd/{n + 1}?503")
    with started([*command, origin.url("/never"), str(n), str(n), str(n), failing]) as process:
        if not process.stdout.readline():
            raise Failed("nothing said")
        returned = time.monotonic_ns()
        end(process)
    origin.wait(f"open<={n_pooled}")
    counts = origin.counts()
    return (returned - counts["failed_ns"]) / 1e6, (counts["last_close_ns"] - counts["failed_ns"]) / 1e6


def by_curl(bench, origin, n):
    """It ends as a whole; of its transfers 300 at most are in flight."""
    n_pooled = origin.counts()["open"]
    origin.next_address()
    urls = [origin.url(f"/crowd/{n}?503"), *(origin.url(f"/never/{i}") for i in range(n - 1))]
    with open(f"{bench.folder}/fail.curl", "w", encoding="ascii") as file:
        file.writelines(f'url = "{url}"\noutput = "/dev/null"\n' for url in urls)
    with started(["curl", "-q", "-Z", "-f", "--fail-early", "--parallel-immediate", "--parallel-max", str(n), "-s",
                  "-K", f"{bench.folder}/fail.curl"]) as process:
        process.wait()
        returned = time.monotonic_ns()
    origin.wait(f"open<={n_pooled}")
    counts = origin.counts()
    return (returned - counts["failed_ns"]) / 1e6, (counts["last_close_ns"] - counts["failed_ns"]) / 1e6


def find_cases(bench, origin, n):
    fetchd = bench.fetchd()
    cases = {
        FLOOR: lambda: close_floor(bench, origin, n),
        OURS: lambda: fail_fast(origin, fetchd, n),
        "fetchd, hang-up": lambda: hang_up(origin, fetchd, n),
        HARDER[0]: lambda: hang_up(origin, fetchd, n, unread_answer),
        HARDER[1]: lambda: hang_up(origin, fetchd, n, junk=b"\x00junk" * 200),
    }
    for name, command in libraries(bench).items():
        cases[f"{name}, first failure"] = lambda command=command: by_library(command, origin, n)
    if shutil.which("curl"):
        n_curl = min(n, 300)
        cases[f"curl -Z --fail-early, {n_curl} in flight"] = lambda: by_curl(bench, origin, n_curl)
    return cases


def cancel(bench):
    n, origin = bench.size(1000), bench.origin()
    rows = bench.in_turn(find_cases(bench, origin, n), at_most={"httpx on Trio, first failure": 3})
    table = bench.table(f"W5: {n} in flight are cancelled, medians of {bench.runs}",
                        "what happens", "ms to the answer's end",
                        "ms to the last socket's end (seen by the server)", "answer / floor", "sockets / floor")
    for name, (own, seen) in rows.items():
        table.add(name, own, seen, rows.ratio(name, FLOOR, 0), rows.ratio(name, FLOOR, 1))
    bench.bar("first failure to answer, against close()", rows.ratio(OURS, FLOOR, 0), 2.0, 1.7)
    bench.chart("w5", title=f"From the first failure, or the hang-up, of {n:,} in flight", unit="milliseconds",
                columns=["to the answer's end", "to the last socket's end"],
                rows=[(name, row) for name, row in rows.items() if name not in HARDER])
