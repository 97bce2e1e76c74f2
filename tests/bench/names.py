# SPDX-License-Identifier: MIT
"""200 names hang in the resolver and are cancelled: how long the loop stands still."""
import os

from common import median, run_child


def names(bench):
    program = f"{bench.build}/tests/bench/bench_names"
    if not os.path.exists(program):
        bench.note("names: not built")
        return
    rows = {}
    for _ in range(bench.runs):
        for line in run_child([program])[2].splitlines():
            what, value, _ = line.split("\t")
            rows.setdefault(what, []).append(float(value))
    table = bench.table(f"200 names hang and are cancelled: the longest time the loop stood still, of {bench.runs}",
                        "resolver", "ms, median", "ms, worst")
    for what, values in rows.items():
        table.add(what, median(values), max(values))
    bench.bar("the loop stands still for 200 names that hang", median(rows["builtin"]), 20, 5, "ms")
