#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 at random points while detached batches are accepted and run.

    test_crash.py FETCHD [ROUNDS [SEED]]        without them $CRASH_ROUNDS, or 20, and a random seed

Each round starts fetchd over the same store, lets several callers submit batches, and kills it at a random moment. In
the end: every batch that was answered with 202 is there, each of its URLs has one result, no request that must not
be sent twice was, and repeating a request with its key gave no second batch. Prints TAP and the numbers.
"""
import asyncio
import collections
import http.client
import os
import random
import sys
import threading
import time

from detached_kit import Fetchd, run_tests

FETCHD = sys.argv[1]
ROUNDS = int(sys.argv[2] if len(sys.argv) > 2 else os.environ.get('CRASH_ROUNDS', 20))
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 32)
CALLERS = 4
MAX_LIFE = 0.12  # seconds from ready to the kill


class CountingOrigin:
    """Answers 200, now and then a little late, and counts the requests of each target."""

    def __init__(self):
        self.requests = collections.Counter()
        self.loop = asyncio.new_event_loop()
        self.server = self.loop.run_until_complete(asyncio.start_server(self.serve, '127.0.0.1', 0))
        self.port = self.server.sockets[0].getsockname()[1]
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    async def serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b'\r\n\r\n')).decode()
                method, target, _ = head.split(' ', 2)
                self.requests[method, target] += 1
                if target.endswith('7'):
                    await asyncio.sleep(0.02)
                writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


class Callers:
    """Submit until the daemon is gone; who got no answer repeats the request, with its key, in the next round."""

    def __init__(self, daemon, origin):
        self.daemon, self.origin = daemon, origin
        self.accepted = {}  # id: the body
        self.keys = {}      # key: ids that were answered
        self.unanswered = [[] for _ in range(CALLERS)]
        self.n_made = 0
        self.lock = threading.Lock()

    def make(self, rng):
        with self.lock:
            self.n_made += 1
            number = self.n_made
        url = f'http://127.0.0.1:{self.origin.port}/{number}'
        urls = [{'url': f'{url}/{i}', 'method': rng.choice(['GET', 'GET', 'POST'])} for i in range(rng.randint(1, 12))]
        return f'key-{number}', {'policy': 'collect', 'urls': urls, 'resume': rng.random() < 0.3, 'concurrency': 4}

    def submit(self, number, rng):
        queue = self.unanswered[number]
        while True:
            if not queue:
                queue.append(self.make(rng))
            key, body = queue[0]
            try:
                answer = self.daemon.detach(body, Idempotency_Key=key)
            except (OSError, http.client.HTTPException):
                return
            if answer.status == 409:  # the request that got no answer is being accepted
                continue
            assert answer.status == 202, (answer.status, answer.body)
            with self.lock:
                self.accepted[answer.json['id']] = body
                self.keys.setdefault(key, set()).add(answer.json['id'])
            queue.pop(0)
            if rng.random() < 0.1:
                queue.append((key, body))  # as somebody who did not hear the answer

    def run_round(self, rng):
        threads = [threading.Thread(target=self.submit, args=(n, random.Random(rng.random()))) for n in range(CALLERS)]
        for thread in threads:
            thread.start()
        time.sleep(rng.random() * MAX_LIFE)  # the random moment is what is tested
        self.daemon.kill()
        for thread in threads:
            thread.join()


def check(daemon, callers):
    lost, missing, n_urls, n_interrupted = [], [], 0, 0
    for batch, body in callers.accepted.items():
        if daemon.get(f'/v1/batches/{batch}').status != 200:
            lost.append(batch)
            continue
        lines = daemon.get(f'/v1/batches/{batch}/results').lines
        results = [line for line in lines if line['type'] == 'result']
        n_urls += len(body['urls'])
        if ([line['seq'] for line in results] != list(range(1, len(body['urls']) + 1))
                or sorted(line['index'] for line in results) != list(range(len(body['urls'])))
                or lines[-1]['type'] != 'end'):
            missing.append((batch, results))
        for line in results:
            code = line.get('error', {}).get('code')
            n_interrupted += code == 'interrupted'
            assert line['outcome'] == 'ok' or (code == 'interrupted' and not body['resume']
                                               and body['urls'][line['index']]['method'] == 'POST'), line
    return lost, missing, n_urls, n_interrupted


def sent_twice(callers):
    return [url for body in callers.accepted.values() if not body['resume'] for url in body['urls']
            if url['method'] == 'POST' and callers.origin.requests['POST', '/' + url['url'].split('/', 3)[3]] > 1]


def nothing_that_was_accepted_is_lost():
    rng = random.Random(SEED)
    origin = CountingOrigin()
    daemon = Fetchd(FETCHD, 'store: {path: $STORE}\nlimits: {batches: 100000}\n')
    callers = Callers(daemon, origin)
    for _ in range(ROUNDS):
        daemon.start()
        callers.run_round(rng)
    with daemon:
        lost, missing, n_urls, n_interrupted = check(daemon, callers)
        assert 'stays in the store' not in daemon.log(), daemon.log()
    print(f'# seed {SEED}: {ROUNDS} kills, {len(callers.accepted)} batches accepted, {len(lost)} lost; '
          f'{n_urls} URLs, {len(missing)} batches with results missing, {n_interrupted} interrupted', flush=True)
    assert not lost, lost
    assert not missing, missing[:3]
    assert not sent_twice(callers), sent_twice(callers)
    assert all(len(ids) == 1 for ids in callers.keys.values()), 'a key has two batches'
    assert callers.accepted, 'nothing was accepted'


sys.exit(run_tests([nothing_that_was_accepted_is_lost]))
