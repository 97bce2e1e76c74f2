# SPDX-License-Identifier: MIT
"""1,000 in flight and one fails, or the caller hangs up in the middle."""
import select
import subprocess
import time

from servers import CLIENT_CPU, Connection, expect_counts, pinned


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
    end = time.monotonic_ns()
    expect_counts(answer, failed=1, cancelled=n)
    connection.close()
    # the one that failed was answered in full: its connection may stay in the pool
    origin.wait(f"open<={n_pooled + 1}")
    counts = origin.counts()
    return (end - counts["failed_ns"]) / 1e6, (counts["last_close_ns"] - counts["failed_ns"]) / 1e6


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
    return 0.0, (origin.counts()["last_close_ns"] - start) / 1e6


def cancel(bench):
    n, origin, fetchd = bench.size(1000), bench.origin(), bench.fetchd()
    rows = bench.in_turn({
        "close() of as many sockets": lambda: close_floor(bench, origin, n),
        "first failure": lambda: fail_fast(origin, fetchd, n),
        "hang-up": lambda: hang_up(origin, fetchd, n),
        "hang-up, an earlier answer unread": lambda: hang_up(origin, fetchd, n, unread_answer),
        "hang-up behind junk": lambda: hang_up(origin, fetchd, n, junk=b"\x00junk" * 200),
    })
    floor_own, floor_seen = rows["close() of as many sockets"]
    table = bench.table(f"W5: {n} in flight are cancelled, medians of {bench.runs}",
                        "what happens", "ms to the answer's end",
                        "ms to the last socket's end (seen by the server)", "answer / floor", "sockets / floor")
    for name, (own, seen) in rows.items():
        table.add(name, own or None, seen, own / floor_own if own else None, seen / floor_seen)
    bench.bar("first failure to answer, against close()", rows["first failure"][0] / floor_own, 2.0, 1.7)
