# SPDX-License-Identifier: MIT
"""From 1,000 URLs to 1,000,000 in one batch: time is to grow with them, and memory with their results alone."""
import time

from clients import bare_loop, libraries, tools
from common import end, has_ended, started
from servers import Connection, Fetchd, expect_counts, resident_kib

WINDOW = 64
ROUNDS = {1000: 5, 10000: 5, 100000: 3, 1000000: 1}  # a million takes half a minute and more
OURS = "fetchd, streamed answer"


def read_stream(connection):
    """Only its end is kept: the whole is as long as the batch."""
    tail = b""
    while not tail.endswith(b"\r\n0\r\n\r\n"):
        tail = (tail + connection.more())[-4096:]
    return next(line for line in reversed(tail.split(b"\n")) if line.startswith(b'{"type":"end"'))


def one_batch(fetchd, base, n, stream):
    connection = Connection(fetchd)
    cpu, start = fetchd.cpu_ns(), time.monotonic()
    connection.post((f"{base}/ok/{i}" for i in range(n)), stream, concurrency=WINDOW, per_origin=WINDOW)
    answer = read_stream(connection) if stream else connection.answer()
    wall, cpu = time.monotonic() - start, fetchd.cpu_ns() - cpu
    connection.close()
    expect_counts(answer, ok=n)
    return wall, cpu / 1e3 / n, resident_kib(fetchd.pid, "VmHWM") / 1024


def through_fetchd(bench, base, n, stream):
    """The peak is that of a process which has done nothing else."""
    fetchd = Fetchd(bench.build, bench.folder)
    try:
        return one_batch(fetchd, base, n, stream)
    finally:
        fetchd.stop()


def process(command, n):
    """A whole process, its start included. The kernel's own peak of a child has the parent's memory in it."""
    start, peak = time.monotonic(), 0
    with started(command) as child:
        while not has_ended(child):
            peak = max(peak, resident_kib(child.pid, "VmHWM"))
            time.sleep(0.01)
        wall, cpu = time.monotonic() - start, end(child)
    return wall, cpu * 1e6 / n, peak / 1024


def find_cases(bench, base, n):
    cases = {
        OURS: lambda: through_fetchd(bench, base, n, True),
        "fetchd, collected answer": lambda: through_fetchd(bench, base, n, False),
    }
    found = {"bare loop": bare_loop(bench), "Go net/http": libraries(bench).get("Go net/http")}
    for name, command in found.items():
        if command:
            cases[name] = lambda command=command: process([*command, f"{base}/ok", str(n), str(WINDOW)], n)
    for name, command in tools(bench, f"{base}/ok", n, WINDOW).items():
        if name != "aria2c":  # needs minutes for a million, and a file for each
            cases[name] = lambda command=command: process(command, n)
    return cases


def table_of(bench, measured):
    table = bench.table("Growth: one batch, 64 in flight, whole processes, medians of "
                        f"{', '.join(str(min(bench.runs, runs)) for runs in ROUNDS.values())}",
                        "client", "URLs", "wall s", "CPU µs/URL", "peak memory MiB")
    for name in measured[0][1]:
        for n, rows in measured:
            if name in rows:
                table.add(name, n, *rows[name])


def growth(bench):
    base, measured = bench.nginx().base, []
    for n, runs in ROUNDS.items():
        cases = find_cases(bench, base, bench.size(n))
        measured.append((bench.size(n), bench.in_turn(cases, warm_up=False, at_most=dict.fromkeys(cases, runs))))
    table_of(bench, measured)
    clients = list(measured[0][1])
    (n_few, few), (n_many, many) = ((n, rows[OURS]) for n, rows in measured[1::2])
    bench.bar(f"CPU per URL of {n_many} URLs against {n_few}", many[1] / few[1], 1.1)
    bench.bar(f"memory for each further URL, from {n_few} to {n_many}",
              (many[2] - few[2]) * 1024 / (n_many - n_few), None, unit="KiB")
    for index, name, title, unit in ((0, "growth-time", "Time for one batch", "seconds"),
                                     (2, "growth-memory", "Peak memory for one batch", "MiB")):
        bench.chart(name, title=f"{title}, by its number of URLs", unit=unit, kind="lines", columns=clients,
                    rows=[(n, [rows[client][index] if client in rows else None for client in clients])
                          for n, rows in measured])
