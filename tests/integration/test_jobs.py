#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Jobs, beside a slow disk and over stops of the daemon.

    test_jobs.py FETCHD ORIGIN

Prints TAP. A disk is slow in the shape of a file that is locked: who writes a report waits for the lock.
"""
import fcntl
import json
import resource
import sys

from detached_kit import Fetchd, Origin, equal, run_tests

FETCHD, ORIGIN = sys.argv[1:3]
TESTS = []


def test(function):
    def run():
        with Origin(ORIGIN) as origin:
            function(origin)
    run.__name__ = function.__name__
    TESTS.append(run)
    return function


def run_job(daemon, name):
    """Runs it and waits for the end; the batch's id."""
    answer = daemon.call('POST', f'/v1/jobs/{name}/run', '')
    equal(answer.status, 202)
    batch = answer.json['batch']
    daemon.wait_end(batch)
    return batch


def reporting(daemon, origin):
    """A job that reports into a file, and this file, which is locked."""
    path = daemon.folder.name + '/report'
    report = open(path, 'w+')
    fcntl.flock(report, fcntl.LOCK_EX)
    daemon.configure(f'jobs: [{{name: j, every: 300d, urls: ["{origin.url("/ok")}"], report: {{file: {path}}}}}]\n')
    return report


# ---- reports ----

@test
def a_slow_disk_holds_nobody_up(origin):
    daemon = Fetchd(FETCHD)
    with reporting(daemon, origin) as report, daemon:
        batches = [run_job(daemon, 'j') for _ in range(3)]
        equal(daemon.get('/v1/health/live').status, 200)
        equal(report.read(), '')
        fcntl.flock(report, fcntl.LOCK_UN)
        text = ''
        while text.count('\n') < 3:
            daemon.get('/v1/health/live')
            text += report.read()
        equal([json.loads(line)['id'] for line in text.splitlines()], batches)


@test
def a_stop_waits_for_the_reports(origin):
    daemon = Fetchd(FETCHD)
    with reporting(daemon, origin) as report, daemon:
        batch = run_job(daemon, 'j')
        daemon.process.terminate()
        daemon.wait_notify('STOPPING=1')
        fcntl.flock(report, fcntl.LOCK_UN)
        daemon.wait()
        equal(json.loads(report.read())['id'], batch)


# ---- pauses ----

def pause(daemon, name, verb='pause'):
    answer = daemon.call('POST', f'/v1/jobs/{name}/{verb}', '')
    equal((answer.status, answer.json['paused']), (200, verb == 'pause'))


def paused(daemon):
    return [job['name'] for job in daemon.get('/v1/jobs').json['jobs'] if job['paused']]


def jobs_of(*names, store='store: {path: $STORE}\n'):
    return store + 'jobs:\n' + ''.join(
        f'- {{name: {name}, every: 300d, urls: ["http://127.0.0.1:1/"]}}\n' for name in names)


@test
def a_pause_outlives_the_daemon(origin):
    with Fetchd(FETCHD, jobs_of('a', 'b', 'c')) as daemon:
        pause(daemon, 'a')
        pause(daemon, 'c')
        daemon.kill()
        daemon.start()
        equal(paused(daemon), ['a', 'c'])
        equal(daemon.get('/v1/jobs/a').json['next'], None)
        pause(daemon, 'a', 'resume')
        daemon.stop()
        daemon.start()
        equal(paused(daemon), ['c'])
        assert daemon.get('/v1/jobs/a').json['next'], 'it has a next start'


@test
def a_job_that_was_gone_is_not_paused(origin):
    with Fetchd(FETCHD, jobs_of('a', 'b')) as daemon:
        pause(daemon, 'a')
        daemon.configure(jobs_of('b'))
        equal(daemon.call('POST', '/v1/reload', '').status, 200)
        daemon.stop()
        daemon.configure(jobs_of('a', 'b'))
        daemon.start()
        equal(paused(daemon), [])


@test
def without_a_store_a_pause_ends_with_the_daemon(origin):
    with Fetchd(FETCHD, jobs_of('a', store='')) as daemon:
        pause(daemon, 'a')
        equal(paused(daemon), ['a'])
        daemon.stop()
        daemon.start()
        equal(paused(daemon), [])


@test
def a_pause_that_cannot_be_written_holds_until_the_end(origin):
    with Fetchd(FETCHD, jobs_of('a')) as daemon:
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        pause(daemon, 'a')
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        equal(paused(daemon), ['a'])
        assert 'which jobs are paused is forgotten' in daemon.log(), daemon.log()


sys.exit(run_tests(TESTS))
