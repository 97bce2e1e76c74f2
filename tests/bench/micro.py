# SPDX-License-Identifier: MIT
"""The section micro: what libnursery costs without any I/O, beside its peers where they are installed.

A program prints "what TAB value TAB unit" lines. Those of the peers say the same of what they have.
"""
import os
import shutil
import subprocess

from clients import PEERS, PYTHON, build_go, can_python
from common import median
from servers import CLIENT_CPU, pinned

# What the chart shows of the table.
DRAWN = ["spawn and join, batches of 20", "spawn and join, batches of 1000", "checkpoint, 1000 tasks in turn",
         "message through a channel of 64", "timer cancelled and added, among 100000"]

BARS = [("spawn and join, batches of 1000", "ns", 40, 25), ("context switch", "ns", 6, 5.2),
        ("resident memory of a parked task", "KiB", 4.5, 4.1)]


def find_peers(bench):
    """Name and command of each peer, None for those that are not installed."""
    pthreads = f"{bench.build}/tests/bench/bench_pthreads"
    return {
        "Go": build_go(bench, "bench_go") if shutil.which("go") else None,
        "Trio": [PYTHON, f"{PEERS}/bench_trio.py"] if can_python("trio") else None,
        "asyncio": ([PYTHON, f"{PEERS}/bench_asyncio.py"]
                    if can_python("asyncio.taskgroups") else None),
        "pthreads": [pthreads] if os.path.exists(pthreads) else None,
        "node": ["node", f"{PEERS}/bench_node.js"] if shutil.which("node") else None,
    }


def figures(command):
    output = subprocess.run(pinned(CLIENT_CPU, *command), stdout=subprocess.PIPE, check=True, text=True)
    for line in output.stdout.splitlines():
        what, value, unit = line.split("\t")
        yield (what, unit), float(value)


def measure(programs, runs):
    """Values by program and figure, each program in turn; the first round is thrown away."""
    values = {name: {} for name in programs}
    for run in range(-1, runs):
        for name, commands in programs.items():
            for command in commands:
                for figure, value in figures(command):
                    if run >= 0:
                        values[name].setdefault(figure, []).append(value)
    return {name: {figure: median(row) for figure, row in rows.items()} for name, rows in values.items()}


def rounded(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}"


def cell(value, ours):
    if value is None:
        return "–"
    return f"{rounded(value)} (×{rounded(value / ours)})" if ours > 0 else rounded(value)


def micro(bench):
    own = [[f"{bench.build}/tests/bench/{name}"] for name in ("bench_nursery", "bench_memory")]
    if not os.path.exists(own[0][0]):
        bench.note("micro: not built")
        return
    peers = find_peers(bench)
    for name in [name for name, command in peers.items() if not command]:
        bench.note(f"micro: {name} is not installed")
        del peers[name]
    medians = measure({"libnursery": own, **{name: [command] for name, command in peers.items()}}, bench.runs)
    table = bench.table(f"libnursery and its peers, medians of {bench.runs}", "what", "unit", "libnursery", *peers)
    for figure, ours in medians["libnursery"].items():
        table.add(*figure, rounded(ours), *(cell(medians[name].get(figure), ours) for name in peers))
    for what, unit, bar, very_good in BARS:
        bench.bar(what, medians["libnursery"][what, unit], bar, very_good, unit)
    bench.chart("micro", title="What a task costs", unit="nanoseconds", columns=list(medians),
                rows=[(what, [rows.get((what, "ns")) for rows in medians.values()]) for what in DRAWN])
