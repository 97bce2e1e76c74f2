# SPDX-License-Identifier: MIT
"""HTTPS with all authorities of the system, and without verification: CPU time of a new connection, memory of a request that waits."""
import subprocess
import time
import urllib.request

from common import Failed, end, run_child, started

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
WINDOW = 64
REACHED_S = 120
CONNECT, WAIT = "CPU time of a new connection with one request", "memory of a request that waits"
UNVERIFIED = "the same, and nothing is verified"
BARS = {CONNECT: (2, "ms"), WAIT: (110, "KiB")}


def whole_bundle(bench, nginx):
    """The system's authorities, and nginx's behind them."""
    path = f"{bench.folder}/authorities.pem"
    with open(path, "w", encoding="ascii") as file:
        for source in (BUNDLE, nginx.ca):
            with open(source, encoding="ascii") as part:
                file.write(part.read())
    return path


def command(bench, ca, nginx, *what):
    return [f"{bench.build}/tests/bench/bench_https", ca, f"{nginx.fresh_base}/ok", *what]


def value_of(line):
    return float(line.split("\t")[1])


def connect(bench, ca, nginx, n):
    output = run_child(command(bench, ca, nginx, "connect", f"{nginx.fresh_base}/ok", str(n), str(WINDOW)))[2]
    return [value_of(output)]


def n_being_answered(nginx):
    """Without the one that asks."""
    with urllib.request.urlopen(f"{nginx.base}/status") as response:
        words = response.read().split()
    return int(words[words.index(b"Writing:") + 1]) - 1


def wait(bench, ca, nginx, n):
    """nginx would answer after ten minutes, also those who left before; it tells when all have asked."""
    n_before = n_being_answered(nginx)
    held = command(bench, ca, nginx, "wait", f"{nginx.fresh_base}/slow/600", str(n))
    with started(held, stdin=subprocess.PIPE) as process:
        process.stdout.readline()
        until = time.monotonic() + REACHED_S
        while n_being_answered(nginx) < n_before + n:
            if time.monotonic() > until:
                raise Failed(f"{n_being_answered(nginx) - n_before} of {n} wait")
            time.sleep(0.05)
        process.stdin.write("\n")
        process.stdin.flush()
        value = value_of(process.stdout.read())
        end(process)
    return [value]


def https(bench):
    nginx, n = bench.nginx(), bench.size(1000)
    ca = whole_bundle(bench, nginx)
    rows = bench.in_turn({
        CONNECT: lambda: connect(bench, ca, nginx, n),
        UNVERIFIED: lambda: connect(bench, "-", nginx, n),
        WAIT: lambda: wait(bench, ca, nginx, n),
    }, warm_up=False)
    table = bench.table(f"HTTPS: {n} connections, verified against the system's whole CA bundle, medians of {bench.runs}",
                        "what", "measured", "unit")
    table.add(CONNECT, rows[CONNECT][0], "ms")
    table.add(UNVERIFIED, rows[UNVERIFIED][0], "ms")
    table.add(WAIT, rows[WAIT][0], "KiB")
    for name, (bar, unit) in BARS.items():
        bench.bar(f"HTTPS, whole CA bundle: {name}", rows[name][0], bar, unit=unit)
    bench.bar(f"HTTPS, whole CA bundle: {CONNECT}, against nothing verified", rows.ratio(CONNECT, UNVERIFIED, 0),
              1.15, 1.1)
