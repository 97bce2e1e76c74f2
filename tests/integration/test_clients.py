#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The programs of docs/clients.md, taken from the page and run: other languages' HTTP clients and fetchd.

    test_clients.py FETCHD ORIGIN PAGE

Prints TAP. A program whose interpreter is missing is skipped by its name.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from detached_kit import WAIT, Fetchd, Origin, equal, run_tests

FETCHD, ORIGIN, PAGE = sys.argv[1:]
BLOCK = re.compile(r'^```(sh|python|js)\n(.*?)^```$', re.M | re.S)
# What runs it, what else it needs, how its name ends.
LANGUAGES = {'sh': ('sh', 'curl', '.sh'), 'python': (sys.executable, sys.executable, '.py'), 'js': ('node', 'node', '.mjs')}


class Client:
    """One program of the page, beside a daemon."""

    def __init__(self, folder, language, text, daemon):
        interpreter, _, ending = LANGUAGES[language]
        path = pathlib.Path(folder) / ('fetch' + ending)
        path.write_text(text)
        self.command = [interpreter, path]
        self.env = {**os.environ, 'FETCHD_SOCKET': daemon.socket}
        self.daemon = daemon

    def start(self, command, *urls):
        return subprocess.Popen([*self.command, command, *urls], env=self.env, text=True, start_new_session=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, command, *urls):
        """The answers it printed."""
        with self.start(command, *urls) as process:
            out, err = process.communicate(timeout=WAIT)
        assert process.returncode == 0 and not err, (process.returncode, out, err)
        return [json.loads(line) for line in out.splitlines()]


def gets_an_answer(client, origin):
    batch, = client.run('attached', origin.url('/ok'), origin.url('/status/404'))
    equal((batch['outcome'], batch['policy']), ('failed', 'collect'))
    equal([result['status'] for result in batch['results']], [200, 404])
    equal(batch['results'][1]['error']['code'], 'status')


def gets_results_as_they_come(client, origin):
    with client.start('streamed', origin.url('/hold/a'), origin.url('/ok')) as process:
        lines = [json.loads(process.stdout.readline()) for _ in range(2)]
        equal([line['type'] for line in lines], ['batch', 'result'])
        equal((lines[1]['index'], lines[1]['outcome']), (1, 'ok'))
        origin.release('a')
        out, err = process.communicate(timeout=WAIT)
    lines = [json.loads(line) for line in out.splitlines()]
    equal((process.returncode, err), (0, ''))
    equal([line['type'] for line in lines if line['type'] != 'heartbeat'], ['result', 'end'])
    equal(lines[-1]['outcome'], 'ok')


def hands_over_and_waits(client, origin):
    *results, end = client.run('detached', *(origin.url(f'/ok/{i}') for i in range(3)))
    equal((end['type'], end['outcome'], end['counts']['ok']), ('end', 'ok', 3))
    equal(sorted(result['index'] for result in results), [0, 1, 2])


def cancels(client, origin):
    batch, = client.run('cancelled', origin.url('/never'), origin.url('/never'))
    equal((batch['outcome'], batch['counts']['cancelled']), ('cancelled', 2))


def cancels_by_hanging_up(client, origin):
    with client.start('streamed', origin.url('/never')) as process:
        batch = json.loads(process.stdout.readline())['id']
        os.killpg(process.pid, signal.SIGKILL)  # a shell and its curl
    batch = client.daemon.wait_end(batch)
    equal((batch['outcome'], batch['results'][0]['cancel']['reason']), ('cancelled', 'client_gone'))


def is_told_what_is_wrong(client, origin):
    with client.start('attached', 'http://', origin.url('/ok')) as process:
        out, err = process.communicate(timeout=WAIT)
    problem = json.loads(out)
    assert process.returncode != 0 and '422' in err, (process.returncode, out, err)
    equal((problem['status'], problem['code']), (422, 'invalid_batch'))
    equal(len(problem['errors']), 1)
    assert problem['errors'][0]['line'] == 1, problem


BEHAVIOURS = [gets_an_answer, gets_results_as_they_come, hands_over_and_waits, cancels, cancels_by_hanging_up,
              is_told_what_is_wrong]


def test(behaviour, language, text):
    def run():
        program = LANGUAGES[language][1]
        if not shutil.which(program):
            return f'SKIP no {program}'
        with (tempfile.TemporaryDirectory() as folder, Origin(ORIGIN) as origin,
              Fetchd(FETCHD, 'store: {path: $STORE}\n') as daemon):
            behaviour(Client(folder, language, text, daemon), origin)
    run.__name__ = f'{language}_{behaviour.__name__}'
    return run


def main():
    programs = BLOCK.findall(pathlib.Path(PAGE).read_text())
    equal([language for language, _ in programs], list(LANGUAGES))
    return run_tests([test(behaviour, *program) for program in programs for behaviour in BEHAVIOURS])


if __name__ == '__main__':
    sys.exit(main())
