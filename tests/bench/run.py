#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Measures fetchd against its baselines, in one interleaved run, and prints ratios.

    tests/bench/run.py [--build FOLDER] [--runs N] [--charts FOLDER] [SECTION ...]

Sections: w1 (20,000 keep-alive URLs), w2 (1,000 batches of 20), w3 (10,000 in flight), w5 (fail fast
and hang-up with 1,000 in flight), names (200 names hang and are cancelled),
micro (libnursery beside its peers). Without a name all of them run. Servers are
pinned to CPU 1, everything that is measured to CPU 0. README.md says what is compared with what.
"""
import argparse
import contextlib
import json
import os
import resource
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from common import CLIENT_CPU, HERE, SERVER_CPU, Table, median, percentile, pinned
from micro import micro

SUPPORT = os.path.join(HERE, "..", "support")
ANSWER_S = 120

CONFIG = """\
limits: {in_flight: 16384, per_origin: 16384}
defaults: {deadline: 110s, timeout: 100s}
"""


class Origin:
    """The scripted origin (tests/support/origin.h): commands in, replies out."""

    def __init__(self, build):
        self.process = subprocess.Popen(
            pinned(SERVER_CPU, f"{build}/tests/support/t_origin"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        ports = dict(word.split("=") for word in self.process.stdout.readline().split()[1:])
        self.port = int(ports["http"])
        self.n_urls = 0

    def url(self, path):
        """The addresses take turns: each may have its own pairs of ports in TIME_WAIT."""
        return f"http://{self.address()}:{self.port}{path}"

    def address(self):
        return f"127.0.0.{1 + self.n_urls % 8}"

    def next_address(self):
        self.n_urls += 1

    def command(self, line):
        self.process.stdin.write(line + "\n")
        return self.process.stdout.readline().strip()

    def counts(self):
        return {k: int(v) for k, v in (w.split("=") for w in self.command("counts").split()[1:])}

    def wait(self, condition, seconds=60):
        if self.command(f"wait {condition} {seconds * 1000}") != "reached":
            raise SystemExit(f"origin: {condition} not reached: {self.counts()}")

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


class Nginx:
    def __init__(self, folder):
        self.process = subprocess.Popen(
            pinned(SERVER_CPU, f"{SUPPORT}/nginx.sh", "hold", f"{folder}/nginx"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        words = self.process.stdout.readline().split()
        if not words:
            raise SystemExit("nginx does not start")
        self.base = f"http://127.0.0.1:{dict(w.split('=') for w in words)['NGINX_HTTP']}"

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


class Fetchd:
    """The daemon, ready when it says so. CPU and memory are what /proc says of it."""

    n_started = 0

    def __init__(self, build, folder):
        Fetchd.n_started += 1
        self.socket = f"{folder}/api{Fetchd.n_started}.sock"
        config, notify = f"{folder}/fetchd.yaml", f"{folder}/notify{Fetchd.n_started}"
        with open(config, "w", encoding="ascii") as file:
            file.write(CONFIG)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(notify)
            ready.settimeout(20)
            self.process = subprocess.Popen(
                pinned(CLIENT_CPU, f"{build}/daemon/fetchd", "--config", config, "--socket", self.socket),
                env=dict(os.environ, NOTIFY_SOCKET=notify), stderr=subprocess.DEVNULL)
            while b"READY=1" not in ready.recv(4096).split(b"\n"):
                pass
        self.pid = self.process.pid

    def cpu_ns(self):
        total = 0
        for thread in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{thread}/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[0])
        return total

    def rss_kib(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(timeout=60) != 0:
            raise SystemExit(f"fetchd ended with {self.process.returncode}")


class Connection:
    """One connection to fetchd, with as little of Python between as there can be."""

    def __init__(self, fetchd):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(ANSWER_S)
        self.socket.connect(fetchd.socket)
        self.rest = b""

    def post(self, urls, stream=False, **options):
        query = "&".join(f"{name}={value}" for name, value in options.items())
        body = "\n".join(urls).encode()
        accept = "application/x-ndjson" if stream else "application/json"
        head = (f"POST /v1/batches?{query} HTTP/1.1\r\nHost: fetchd\r\nContent-Type: text/plain\r\n"
                f"Accept: {accept}\r\nContent-Length: {len(body)}\r\n\r\n")
        self.socket.sendall(head.encode() + body)

    def _more(self):
        data = self.socket.recv(1 << 18)
        if not data:
            raise SystemExit("fetchd closed the connection")
        return data

    def answer(self):
        """The whole answer's body; parsed by nobody yet."""
        data = self.rest
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, data = data.split(b"\r\n\r\n", 1)
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        if b"content-length" in fields:
            return self._read_length(data, int(fields[b"content-length"]))
        return self._read_chunks(data)

    def _read_length(self, data, length):
        parts, n = [data], len(data)
        while n < length:
            parts.append(self._more())
            n += len(parts[-1])
        data = b"".join(parts)
        self.rest = data[length:]
        return data[:length]

    def _read_chunks(self, data):
        parts, tail = [data], data[-5:]
        while tail != b"0\r\n\r\n":  # no line of JSON can look like that
            parts.append(self._more())
            tail = (tail + parts[-1])[-5:]
        data, body, at = b"".join(parts), [], 0
        while True:
            end = data.index(b"\r\n", at)
            size = int(data[at:end], 16)
            if size == 0:
                self.rest = data[end + 4:]
                return b"".join(body)
            body.append(data[end + 2:end + 2 + size])
            at = end + 4 + size

    def close(self):
        self.socket.close()


def counts_of(answer):
    """The summary of a collected answer or of a stream's last line."""
    text = answer.decode()
    if '"type"' in text[:200]:
        text = text.rstrip("\n").rsplit("\n", 1)[-1]
    parsed = json.loads(text)
    if "counts" not in parsed:
        raise SystemExit(f"no batch: {text[:500]}")
    return parsed["counts"]


def expect_counts(answer, **expected):
    counts = counts_of(answer)
    for name, n in expected.items():
        if counts.get(name, 0) != n:
            raise SystemExit(f"expected {expected}, got {counts}")


def run_child(command):
    """Wall seconds and CPU seconds of a whole process, its start included."""
    start = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, process.returncode


def bare_loop(bench, *arguments):
    result = subprocess.run(
        pinned(CLIENT_CPU, f"{bench.build}/tests/bench/bare_loop", *map(str, arguments)),
        stdout=subprocess.PIPE, check=True)
    return json.loads(result.stdout)


class Bench:
    def __init__(self, build, folder, runs, charts):
        self.build, self.folder, self.runs, self.charts = build, folder, runs, charts
        self.stack = contextlib.ExitStack()

    def fetchd(self):
        return self._kept(Fetchd(self.build, self.folder))

    def origin(self):
        return self._kept(Origin(self.build))

    def nginx(self):
        return self._kept(Nginx(self.folder))

    def _kept(self, server):
        self.stack.callback(server.stop)
        return server

    def end_section(self):
        self.stack.close()


# W1: one batch of 20,000 URLs


def w1_peers(bench, base, n, window):
    """Other clients, where they are installed: name and command."""
    urls, config = f"{bench.folder}/urls", f"{bench.folder}/curl.conf"
    with open(urls, "w", encoding="ascii") as file:
        file.writelines(f"{base}/ok/{i}\n" for i in range(n))
    with open(config, "w", encoding="ascii") as file:
        file.writelines(f'url = "{base}/ok/{i}"\noutput = "/dev/null"\n' for i in range(n))
    peers = {
        "wget2": ["wget2", "-q", "--no-config", "--robots=off", f"--max-threads={window}", "-O",
                  "/dev/null", "-i", urls],
        "h2load": ["h2load", "-n", str(n), "-c", str(window), "-t", "1", "--h1", f"{base}/ok/1"],
        "curl": ["curl", "-Z", "--parallel-max", str(window), "-s", "-K", config],
    }
    return {name: command for name, command in peers.items() if shutil.which(name)}


def w1_fetchd(fetchd, base, n, window, stream):
    urls = [f"{base}/ok/{i}" for i in range(n)]
    connection = Connection(fetchd)
    cpu, own, start = fetchd.cpu_ns(), time.process_time_ns(), time.monotonic_ns()
    connection.post(urls, stream, concurrency=window, per_origin=window)
    answer = connection.answer()
    wall, own, cpu = time.monotonic_ns() - start, time.process_time_ns() - own, fetchd.cpu_ns() - cpu
    connection.close()
    expect_counts(answer, ok=n)
    return wall / 1e9, cpu / 1e3 / n, own / 1e3 / n


def w1(bench, n=20000, window=64):
    base, fetchd = bench.nginx().base, bench.fetchd()
    rows = {"bare loop": [], "fetchd, collected answer": [], "fetchd, streamed answer": []}
    peers = w1_peers(bench, base, n, window)
    rows.update({name: [] for name in peers})
    for run in range(-1, bench.runs):
        bare = bare_loop(bench, f"{base}/ok", n, window)
        measured = {
            "bare loop": (bare["wall_ns"] / 1e9, bare["cpu_ns"] / 1e3 / n, 0.0),
            "fetchd, collected answer": w1_fetchd(fetchd, base, n, window, False),
            "fetchd, streamed answer": w1_fetchd(fetchd, base, n, window, True),
        }
        for name, command in peers.items():
            wall, cpu, _ = run_child(pinned(CLIENT_CPU, *command))
            measured[name] = (wall, cpu * 1e6 / n, 0.0)
        if run >= 0:  # the first warms caches and connections
            for name, row in measured.items():
                rows[name].append(row)
    base_wall, base_cpu = (median([r[i] for r in rows["bare loop"]]) for i in (0, 1))
    table = Table(f"W1: {n} keep-alive URLs, {window} in flight, medians of {bench.runs}",
                  "client", "wall s", "CPU µs/URL", "client's CPU µs/URL", "wall ratio", "CPU ratio")
    for name, row in rows.items():
        wall, cpu, own = (median([r[i] for r in row]) for i in range(3))
        table.add(name, wall, cpu, own, wall / base_wall, cpu / base_cpu)
    table.print()


# W2: 1,000 batches of 20, one after the other


def w2_fetchd(fetchd, base, n, size):
    urls = [f"{base}/ok/{i}" for i in range(size)]
    connection, times = Connection(fetchd), []
    cpu = fetchd.cpu_ns()
    for _ in range(n):
        start = time.monotonic_ns()
        connection.post(urls, concurrency=size, per_origin=size)
        answer = connection.answer()
        times.append((time.monotonic_ns() - start) / 1e6)
        expect_counts(answer, ok=size)
    connection.close()
    return percentile(times, 0.5), percentile(times, 0.99), (fetchd.cpu_ns() - cpu) / 1e3 / n / size


def w2(bench, n=1000, size=20):
    base, fetchd = bench.nginx().base, bench.fetchd()
    rows = {"bare loop": [], "fetchd": []}
    for run in range(-1, bench.runs):
        bare = bare_loop(bench, f"{base}/ok", n * size, size, size)
        measured = {
            "bare loop": (bare["p50_ns"] / 1e6, bare["p99_ns"] / 1e6, bare["cpu_ns"] / 1e3 / n / size),
            "fetchd": w2_fetchd(fetchd, base, n, size),
        }
        if run >= 0:
            for name, row in measured.items():
                rows[name].append(row)
    table = Table(f"W2: {n} batches of {size} in turn, medians of {bench.runs}",
                  "client", "p50 ms", "p99 ms", "CPU µs/URL", "p50 ratio", "CPU ratio")
    base_p50, base_cpu = (median([r[i] for r in rows["bare loop"]]) for i in (0, 2))
    for name, row in rows.items():
        p50, p99, cpu = (median([r[i] for r in row]) for i in range(3))
        table.add(name, p50, p99, cpu, p50 / base_p50, cpu / base_cpu)
    table.print()


# W3: 10,000 in flight at once


def w3_once(fetchd, origin, n):
    origin.next_address()
    warm, connection = Connection(fetchd), Connection(fetchd)
    warm.post([origin.url("/ok")])
    warm.answer()
    warm.close()
    before, cpu, start = fetchd.rss_kib(), fetchd.cpu_ns(), time.monotonic()
    name = f"w3-{origin.n_urls}"
    connection.post([origin.url(f"/hold/{name}/{i}") for i in range(n)], concurrency=n, per_origin=n)
    origin.wait(f"held>={n}")
    in_flight_s, rss = time.monotonic() - start, fetchd.rss_kib()
    origin.command(f"release {name}")
    expect_counts(connection.answer(), ok=n)
    wall, cpu = time.monotonic() - start, fetchd.cpu_ns() - cpu
    connection.close()
    return (rss - before) / n, in_flight_s, wall, cpu / 1e3 / n


def w3(bench, n=10000):
    origin, rows = bench.origin(), []
    for _ in range(min(bench.runs, 5)):
        fetchd = Fetchd(bench.build, bench.folder)  # memory is measured from a fresh start
        try:
            rows.append(w3_once(fetchd, origin, n))
        finally:
            fetchd.stop()
        origin.wait("open<=0")
    table = Table(f"W3: {n} requests in flight at once in one batch, medians of {len(rows)}",
                  "KiB RSS per waiting fetch", "s until all in flight", "s until answered", "CPU µs/URL")
    table.add(*(median([row[i] for row in rows]) for i in range(4)))
    table.print()


# W5: fail fast and hang-up, 1,000 in flight


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


def w5(bench, n=1000):
    origin, fetchd = bench.origin(), bench.fetchd()
    cases = {
        "close() of as many sockets": lambda: close_floor(bench, origin, n),
        "first failure": lambda: fail_fast(origin, fetchd, n),
        "hang-up": lambda: hang_up(origin, fetchd, n),
        "hang-up, an earlier answer unread": lambda: hang_up(origin, fetchd, n, unread_answer),
        "hang-up behind junk": lambda: hang_up(origin, fetchd, n, junk=b"\x00junk" * 200),
    }
    rows = {name: [] for name in cases}
    for run in range(-1, bench.runs):
        for name, case in cases.items():
            row = case()
            if run >= 0:
                rows[name].append(row)
    floor_own, floor_seen = (median([r[i] for r in rows["close() of as many sockets"]]) for i in (0, 1))
    table = Table(f"W5: {n} in flight are cancelled, medians of {bench.runs}",
                  "what happens", "ms to the answer's end", "ms to the last socket's end (seen by the server)",
                  "answer / floor", "sockets / floor")
    for name, row in rows.items():
        own, seen = (median([r[i] for r in row]) for i in (0, 1))
        table.add(name, own or "–", seen, own / floor_own if own else "–", seen / floor_seen)
    table.print()


def names(bench):
    program = f"{bench.build}/tests/bench/bench_names"
    if not os.path.exists(program):
        print("\nnames: not built")
        return
    rows = {}
    for _ in range(bench.runs):
        output = subprocess.run(pinned(CLIENT_CPU, program), stdout=subprocess.PIPE, check=True, text=True)
        for line in output.stdout.splitlines():
            what, value, _ = line.split("\t")
            rows.setdefault(what, []).append(float(value))
    table = Table(f"200 names hang and are cancelled: the longest time the loop stood still, of {bench.runs}",
                  "resolver", "ms, median", "ms, worst")
    for what, values in rows.items():
        table.add(what, median(values), max(values))
    table.print()


SECTIONS = {"w1": w1, "w2": w2, "w3": w3, "w5": w5, "names": names, "micro": micro}


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        cpu = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "?")
    return f"{os.cpu_count()} × {cpu}, Linux {os.uname().release}, load {os.getloadavg()[0]:.1f} at the start"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build-bench", help="folder built with -Dbench=enabled")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--charts", metavar="FOLDER", help="draw what can be drawn, as SVG")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=" ".join(SECTIONS))
    arguments = parser.parse_args()
    unknown = [name for name in arguments.sections if name not in SECTIONS]
    if unknown:
        parser.error(f"no section {' '.join(unknown)}")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.sched_setaffinity(0, {CLIENT_CPU})
    print("    tests/bench/run.py " + shlex.join(sys.argv[1:]) + "\n")
    print(machine())
    with tempfile.TemporaryDirectory(prefix="fetchd-bench-") as folder:
        for name in arguments.sections or SECTIONS:
            bench = Bench(os.path.abspath(arguments.build), folder, arguments.runs, arguments.charts)
            try:
                SECTIONS[name](bench)
            finally:
                bench.end_section()


if __name__ == "__main__":
    main()
