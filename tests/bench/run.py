#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Measures fetchd and libnursery beside their baselines and peers, in turn in one run, and prints ratios.

    tests/bench/run.py [--build FOLDER] [--runs N] [--missing] [--update-readme] [SECTION ...]

Without a name all sections run; "fetch" stands for those of fetchd. What each has found is in
BUILD/bench-results.json as soon as it ends: after a run that was broken off, --missing does the rest.
Servers are pinned to CPU 1, everything that is measured to CPU 0. README.md says what is compared with what.
"""
import argparse
import os
import resource
import shlex
import sys
import tempfile

import report
from batches import batches
from cancel import cancel
from clients import versions
from common import Bench
from fresh_tls import fresh_tls
from growth import growth
from http2 import http2
from https import https
from in_flight import in_flight
from keep_alive import keep_alive
from micro import micro
from names import names
from servers import CLIENT_CPU
from stalls import stalls
from workers import workers

# A section is a function of a Bench (common.py), in a file of its own.
FETCH = {
    "w1": keep_alive,
    "w2": batches,
    "w3": in_flight,
    "tls": fresh_tls,
    "http2": http2,
    "w5": cancel,
    "growth": growth,
    "names": names,
    "https": https,
    "stalls": stalls,
    "workers": workers,
}
SECTIONS = {**FETCH, "micro": micro}


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        cpu = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "?")
    return f"{os.cpu_count()} × {cpu}, Linux {os.uname().release}"


def measure(name, arguments):
    """What the section @name has found."""
    load = f"{os.getloadavg()[0]:.1f}"
    with tempfile.TemporaryDirectory(prefix="fetchd-bench-") as folder:
        bench = Bench(os.path.abspath(arguments.build), folder, arguments.runs, arguments.scale)
        try:
            SECTIONS[name](bench)
        finally:
            bench.end_section()
    return {"command": f"tests/bench/run.py {shlex.join(sys.argv[1:])}", "machine": machine(), "load": load,
            "versions": versions(bench), **bench.found}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build-bench", help="folder built with -Dbench=enabled")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="that part of the URLs, for a trial: 0.01")
    parser.add_argument("--missing", action="store_true", help="leave out what BUILD/bench-results.json has")
    parser.add_argument("--update-readme", action="store_true", help="write what BUILD/bench-results.json has into it")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help="fetch " + " ".join(SECTIONS))
    arguments = parser.parse_args()
    names_given = [name for word in arguments.sections for name in (FETCH if word == "fetch" else [word])]
    unknown = [name for name in names_given if name not in SECTIONS]
    if unknown:
        parser.error(f"no section {' '.join(unknown)}")
    if arguments.update_readme and arguments.scale != 1:
        parser.error("a trial is not for README.md")
    arguments.sections = names_given or list(SECTIONS)
    return arguments


def main():
    arguments = parse()
    path = f"{arguments.build}/bench-{'results' if arguments.scale == 1 else 'trial'}.json"
    results = report.load(path)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.sched_setaffinity(0, {CLIENT_CPU})
    failed = []
    for name in arguments.sections:
        if arguments.missing and name in results:
            continue
        try:
            results[name] = measure(name, arguments)
        except (Exception, SystemExit) as reason:  # whatever it is, the others are measured
            print(f"\n{name} failed: {reason!r}", file=sys.stderr, flush=True)
            failed.append(name)
            continue
        report.save(path, results)
        print(report.markdown(results[name]), flush=True)
    if arguments.update_readme:
        report.update_readme(results, SECTIONS)
    if failed:
        sys.exit(f"failed: {' '.join(failed)}")


if __name__ == "__main__":
    main()
