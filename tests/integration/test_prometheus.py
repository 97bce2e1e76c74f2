#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fetchd's metrics as their readers see them: promtool's checks, and a real Prometheus that scrapes them.

    test_prometheus.py FETCHD PROMETHEUS PROMTOOL

Prints TAP. Everything is on loopback and in a folder that goes away.
"""
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import traceback

FETCHD, PROMETHEUS, PROMTOOL = sys.argv[1:]
WAIT = 60  # seconds; only a failure takes that long


class Daemon:
    """fetchd with its metrics on a port that the kernel chose."""

    def __init__(self, folder):
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.settimeout(WAIT)
        notify.bind(f'{folder}/notify')
        with open(f'{folder}/fetchd.yaml', 'w') as file:
            file.write('listen: {metrics: "127.0.0.1:0"}\n'
                       f'store: {{path: {folder}/store}}\n'
                       'jobs: [{name: a-job, every: 1d, urls: ["http://127.0.0.1:1/"]}]\n')
        self.log = open(f'{folder}/log', 'w+')
        self.process = subprocess.Popen(
            [FETCHD, '--config', f'{folder}/fetchd.yaml', '--socket', f'{folder}/api.sock'], stderr=self.log,
            env={**os.environ, 'NOTIFY_SOCKET': f'{folder}/notify'})
        while b'READY=1' not in notify.recv(1024):
            pass
        notify.close()
        self.port = int(re.search(r'metrics on 127\.0\.0\.1:(\d+)', open(self.log.name).read())[1])

    def metrics(self, accept):
        return get(self.port, '/metrics', {'Accept': accept})

    def stop(self):
        self.process.terminate()
        code = self.process.wait(WAIT)
        self.log.close()
        return code


def get(port, target, fields={}):
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=WAIT)
    connection.request('GET', target, headers=fields)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert answer.status == 200, text
    return text


def free_port():
    with socket.socket() as sock:
        sock.bind(('127.0.0.1', 0))
        return sock.getsockname()[1]


def promtool_finds_nothing(daemon, folder):
    text = daemon.metrics('text/plain')
    result = subprocess.run([PROMTOOL, 'check', 'metrics'], input=text, text=True, capture_output=True)
    assert result.returncode == 0 and not result.stderr, result.stdout + result.stderr


def ask(port, query):
    """What Prometheus knows of a metric, or None while it does not answer."""
    try:
        return json.loads(get(port, '/api/v1/query?query=' + query))['data']['result']
    except (OSError, AssertionError):  # it is starting
        return None


def prometheus_scrapes_it(daemon, folder):
    port = free_port()
    with open(f'{folder}/prometheus.yml', 'w') as file:
        file.write('global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n'
                   'scrape_configs:\n'
                   '  - job_name: fetchd\n'
                   f'    static_configs: [{{targets: ["127.0.0.1:{daemon.port}"]}}]\n')
    log = open(f'{folder}/prometheus.log', 'w+')
    prometheus = subprocess.Popen(
        [PROMETHEUS, f'--config.file={folder}/prometheus.yml', f'--storage.tsdb.path={folder}/tsdb',
         f'--web.listen-address=127.0.0.1:{port}'], stdout=log, stderr=subprocess.STDOUT)
    try:
        end = time.monotonic() + WAIT
        samples = None
        while not samples:
            assert prometheus.poll() is None and time.monotonic() < end, open(log.name).read()
            time.sleep(0.05)  # between two questions
            samples = ask(port, 'fetchd_api_requests_total')  # there after the second scrape
        assert samples[0]['metric']['route'] == '/metrics', samples
        assert ask(port, 'up')[0]['value'][1] == '1'
        assert ask(port, 'fetchd_job_missed_runs_total')[0]['metric']['exported_job'] == 'a-job'
        assert ask(port, 'fetchd_event_loop_lag_seconds_count')
        kinds = json.loads(get(port, '/api/v1/metadata'))['data']
        assert kinds['fetchd_event_loop_lag_seconds'][0]['type'] == 'histogram', kinds
    finally:
        prometheus.terminate()
        prometheus.wait(WAIT)
        log.close()


def main():
    tests = [promtool_finds_nothing, prometheus_scrapes_it]
    n_failed = 0
    print(f'1..{len(tests)}')
    for number, test in enumerate(tests, 1):
        with tempfile.TemporaryDirectory() as folder:
            daemon = Daemon(folder)
            try:
                test(daemon, folder)
                assert daemon.stop() == 0
                print(f'ok {number} - {test.__name__}', flush=True)
            except BaseException:
                n_failed += 1
                print('# ' + traceback.format_exc().replace('\n', '\n# '))
                print(f'not ok {number} - {test.__name__}', flush=True)
                daemon.process.kill()
                daemon.process.wait()
    return 1 if n_failed else 0


if __name__ == '__main__':
    sys.exit(main())
