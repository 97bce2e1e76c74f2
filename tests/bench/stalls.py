# SPDX-License-Identifier: MIT
"""How long fetchd's loop goes without a look at its descriptors, when much comes at once."""
import os
import struct

from servers import Connection, Fetchd, expect_counts

TURNS = struct.Struct("qqq")  # of loop_turns.c: longest, longest by CPU time, how many


class TimedFetchd:
    """A fresh fetchd, with loop_turns loaded; its start and its first request do not count."""

    def __init__(self, bench):
        self.path = f"{bench.folder}/turns"
        self.forget()
        os.environ.update(LD_PRELOAD=f"{bench.build}/tests/bench/loop_turns.so", BENCH_TURNS=self.path)
        try:
            self.fetchd = Fetchd(bench.build, bench.folder)
        finally:
            del os.environ["LD_PRELOAD"], os.environ["BENCH_TURNS"]

    def forget(self):
        """In place: fetchd has the file mapped."""
        with open(self.path, "r+b" if os.path.exists(self.path) else "wb") as file:
            file.write(TURNS.pack(0, 0, 0))

    def longest_ms(self):
        with open(self.path, "rb") as file:
            longest, longest_cpu, n = TURNS.unpack(file.read(TURNS.size))
        if n == 0:
            raise SystemExit("loop_turns was not loaded")
        return longest / 1e6, longest_cpu / 1e6


def fetch_all(fetchd, urls, stream, window):
    connection = Connection(fetchd)
    connection.post(urls, stream, concurrency=window, per_origin=window)
    expect_counts(connection.answer(), ok=len(urls))
    connection.close()


def once(bench, urls, stream, window):
    timed = TimedFetchd(bench)
    try:
        fetch_all(timed.fetchd, urls[:1], False, 1)
        timed.forget()
        fetch_all(timed.fetchd, urls, stream, window)
        return timed.longest_ms()
    finally:
        timed.fetchd.stop()


def stalls(bench):
    origin, base = bench.origin(), bench.nginx().base
    n_at_once, n_lines = bench.size(3000), bench.size(100000)
    at_once = [origin.url(f"/ok/{i}") for i in range(n_at_once)]
    lines = [f"{base}/ok/{i}" for i in range(n_lines)]
    rows = bench.in_turn({
        f"{n_at_once} URLs admitted at once": lambda: once(bench, at_once, False, n_at_once),
        f"{n_lines} URLs, line by line, answer streamed": lambda: once(bench, lines, True, 64),
        f"{n_lines} URLs, line by line, answer collected": lambda: once(bench, lines, False, 64),
    }, warm_up=False, at_most={f"{n_lines} URLs, line by line, answer streamed": 3,
                               f"{n_lines} URLs, line by line, answer collected": 3})
    table = bench.table(f"The longest turn of fetchd's loop, medians of {bench.runs}, of the long ones of 3",
                        "what comes", "ms, CPU time", "ms, by the clock")
    for name, (longest, longest_cpu) in rows.items():
        table.add(name, longest_cpu, longest)
        bench.bar(f"the loop's longest turn, CPU time: {name}", longest_cpu, 20, unit="ms")
