# SPDX-License-Identifier: MIT
"""
The command line and the output of bare_loop.c for clients in Python, and one thing more:

    PROGRAM URL COUNT WINDOW [BATCH [FAILING]]

With FAILING, an URL, every batch has that one, too, and ends with the first failure.
"""
import json
import sys
import time


class Work:
    """What is asked for, and how much of it is done."""

    def __init__(self):
        self.prefix, self.n, self.window = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
        self.batch = int(sys.argv[4]) if len(sys.argv) > 4 else self.n
        self.failing = sys.argv[5] if len(sys.argv) > 5 else None
        self.n_ok, self.times, self.start, self.cpu = 0, [], 0, 0

    def batches(self):
        """An iterator over the URLs of each batch, which its workers share."""
        self.start, self.cpu = time.monotonic_ns(), time.process_time_ns()
        for first in range(0, self.n, self.batch):
            batch_start = time.monotonic_ns()
            yield iter([f"{self.prefix}/{i}" for i in range(first, first + self.batch)])
            self.times.append(time.monotonic_ns() - batch_start)

    def report(self):
        wall, cpu = time.monotonic_ns() - self.start, time.process_time_ns() - self.cpu
        self.times.sort()
        print(json.dumps({"n": self.n, "ok": self.n_ok, "wall_ns": wall, "cpu_ns": cpu,
                          "p50_ns": self.times[len(self.times) // 2],
                          "p99_ns": self.times[len(self.times) * 99 // 100]}), flush=True)
