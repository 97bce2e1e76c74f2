# SPDX-License-Identifier: MIT
"""What the sections share: rounds in turn, medians, and what a section has found."""
import contextlib
import os
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

from servers import CLIENT_CPU, Fetchd, Nginx, Origin, pinned

CHILD_S = 240


class Failed(Exception):
    """What was to be measured did not do what it was started for."""


def median(values):
    """None where there is nothing, or nothing comparable."""
    return statistics.median(values) if values and None not in values else None


class Rows(dict):
    """What cases measured: by name, the medians of each one's columns."""

    def __init__(self, rounds):
        super().__init__((name, [median(column) for column in zip(*rows)]) for name, rows in rounds.items())
        self.rounds = rounds

    def ratio(self, name, base, column):
        """The median of the turns' ratios: from one turn to the next the machine may change its pace."""
        turns = [(row[column], other[column]) for row, other in zip(self.rounds[name], self.rounds[base])]
        return None if None in sum(turns, ()) else median([value / other for value, other in turns])


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


@contextlib.contextmanager
def started(command, **options):
    """A process that is measured; it has ended afterwards, whatever happens."""
    with subprocess.Popen(pinned(CLIENT_CPU, *command), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, **options) as process:
        guard = threading.Timer(CHILD_S, process.kill)
        guard.start()
        try:
            yield process
        finally:
            guard.cancel()
            if process.returncode is None:
                process.kill()


def has_ended(process):
    """Asked so that end() can still be called."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def end(process):
    """The CPU seconds of a process that is about to end, and has to do so well."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Failed(f"ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def run_child(command, **options):
    """Wall seconds and CPU seconds of a whole process, its start included, and its output."""
    start = time.monotonic()
    with started(command, **options) as process:
        output = process.stdout.read()
        cpu = end(process)
    return time.monotonic() - start, cpu, output


class Table:
    """Rows of one section. A number is rounded when it is shown."""

    def __init__(self, title, columns):
        self.title, self.columns, self.rows = title, columns, []

    def add(self, *cells):
        self.rows.append(cells)


class Bench:
    """What a section is given: where things are, servers that end with it, and where its findings go."""

    def __init__(self, build, folder, runs, scale):
        self.build, self.folder, self.runs, self.scale = build, folder, runs, scale
        self.found = {"tables": [], "charts": [], "bars": [], "notes": []}
        self.stack = contextlib.ExitStack()
        self.n_numbers = 0

    def fetchd(self, config=""):
        return self._kept(Fetchd(self.build, self.folder, config))

    def origin(self):
        return self._kept(Origin(self.build))

    def nginx(self):
        return self._kept(Nginx(self.folder))

    def kept_folder(self, name):
        """A folder below the build, for what takes long to get and is used again."""
        folder = f"{self.build}/tests/bench/peers/{name}"
        os.makedirs(folder, exist_ok=True)
        return folder

    def memory_folder(self):
        """A folder in memory, for clients that have to write."""
        folder = tempfile.mkdtemp(prefix="fetchd-bench-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self.stack.callback(shutil.rmtree, folder)
        return folder

    def next_number(self):
        self.n_numbers += 1
        return self.n_numbers

    def _kept(self, server):
        self.stack.callback(server.stop)
        return server

    def end_section(self):
        self.stack.close()

    def size(self, n):
        """How many to do where @n are wanted: fewer in a trial."""
        return max(1, int(n * self.scale))

    def in_turn(self, cases, warm_up=True, at_most=None):
        """
        The Rows of each case in turn (A B C A B C …), after a round that is thrown away.
        @at_most has the number of rounds of those that are slow. What fails is left out, with a note.
        """
        rows, limits = {name: [] for name in cases}, at_most or {}
        for run in range(-1 if warm_up else 0, self.runs):
            for name in [name for name in rows if run < limits.get(name, self.runs)]:
                try:
                    row = cases[name]()
                except Failed as reason:
                    self.note(f"{name}: {reason}")
                    del rows[name]
                    continue
                if run >= 0:
                    rows[name].append(row)
        return Rows(rows)

    def table(self, title, *columns):
        table = Table(title, columns)
        self.found["tables"].append(table)
        return table

    def bar(self, figure, value, bar, very_good=None, unit=""):
        """@value is to be no more than @bar."""
        self.found["bars"].append({"figure": figure, "value": value, "bar": bar, "very_good": very_good, "unit": unit})

    def chart(self, name, **drawing):
        """charts/NAME.svg: @drawing is what charts.py takes."""
        self.found["charts"].append({"name": name, **drawing})

    def note(self, text):
        self.found["notes"].append(text)
