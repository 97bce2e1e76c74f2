#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Jobs, beside a slow disk and over stops of the daemon.

    test_jobs.py FETCHD ORIGIN

Prints TAP. A disk is slow in the shape of a pipe that nobody reads yet: who opens it waits.
"""
import json
import os
import sys

from detached_kit import Fetchd, Origin, run_tests

FETCHD, ORIGIN = sys.argv[1:3]
TESTS = []


def test(function):
    def run():
        with Origin(ORIGIN) as origin:
            function(origin)
    run.__name__ = function.__name__
    TESTS.append(run)
    return function


def equal(found, wanted):
    assert found == wanted, f'{found!r} and not {wanted!r}'


def run_job(daemon, name):
    """Runs it and waits for the end; the batch's id."""
    answer = daemon.call('POST', f'/v1/jobs/{name}/run', '')
    equal(answer.status, 202)
    batch = answer.json['batch']
    daemon.wait_end(batch)
    return batch


def reporting(daemon, origin):
    """A job that reports into a pipe, whose path is returned."""
    path = daemon.folder.name + '/report'
    os.mkfifo(path)
    daemon.configure(f'jobs: [{{name: j, every: 300d, urls: ["{origin.url("/ok")}"], report: {{file: {path}}}}}]\n')
    return path


# ---- reports ----

@test
def a_slow_disk_holds_nobody_up(origin):
    daemon = Fetchd(FETCHD)
    path = reporting(daemon, origin)
    with daemon:
        batches = [run_job(daemon, 'j') for _ in range(3)]
        equal(daemon.get('/v1/health/live').status, 200)
        with open(path) as report:
            lines = [json.loads(report.readline())]
            while len(lines) < 3:
                line = report.readline()  # empty between two writers
                lines += [json.loads(line)] if line else []
        equal([line['id'] for line in lines], batches)


@test
def a_stop_waits_for_the_reports(origin):
    daemon = Fetchd(FETCHD)
    path = reporting(daemon, origin)
    with daemon:
        batch = run_job(daemon, 'j')
        daemon.process.terminate()
        daemon.wait_notify('STOPPING=1')
        with open(path) as report:
            equal(json.loads(report.readline())['id'], batch)
        daemon.wait()


sys.exit(run_tests(TESTS))
