# SPDX-License-Identifier: MIT
"""What the sections share: which CPU, medians, tables."""
import os
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

SERVER_CPU, CLIENT_CPU = 1, 0


def pinned(cpu, *command):
    return ["taskset", "-c", str(cpu), *command]


def median(values):
    return statistics.median(values) if values else float("nan")


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


class Table:
    """Rows of one section, printed as a markdown table at its end."""

    def __init__(self, title, *columns):
        self.title, self.columns, self.rows = title, columns, []

    def add(self, *cells):
        self.rows.append([f"{c:.2f}" if isinstance(c, float) else str(c) for c in cells])

    def print(self):
        print(f"\n### {self.title}\n")
        print("| " + " | ".join(self.columns) + " |")
        print("|" + " --- |" * len(self.columns))
        for row in self.rows:
            print("| " + " | ".join(row) + " |")
        sys.stdout.flush()
