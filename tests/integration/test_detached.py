#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Detached batches, as a caller sees them: accepted, followed, found again after a stop and after a crash.

    test_detached.py FETCHD ORIGIN

Prints TAP. Nothing here sleeps: what is waited for is a line of an answer, or a request at the origin.
"""
import http.client
import json
import os
import re
import resource
import sqlite3
import subprocess
import sys

from detached_kit import Fetchd, Origin, UnixConnection, equal, run_tests

FETCHD, ORIGIN = sys.argv[1:3]
CONFIG = 'store: {path: $STORE}\n'
SECRET = 'A-SECRET-THAT-IS-NOT-KEPT'

TESTS = []


def test(function):
    def run():
        with Origin(ORIGIN) as origin:
            return function(origin)
    run.__name__ = function.__name__
    TESTS.append(run)
    return function


def problem(answer, status, code):
    equal((answer.status, answer.json['code']), (status, code))


def outcomes(batch):
    return [result['outcome'] for result in batch['results']]


# ---- accepting ----

@test
def a_detached_batch_goes_on_by_itself(origin):
    with Fetchd(FETCHD, CONFIG) as daemon:
        answer = daemon.detach({'name': 'n', 'urls': [origin.url('/ok'), origin.url('/status/204')]})
        equal(answer.status, 202)
        equal(answer.fields['Location'], '/v1/batches/' + answer.json['id'])
        equal(answer.fields['Preference-Applied'], 'respond-async')
        equal((answer.json['state'], answer.json['name']), ('running', 'n'))
        batch = daemon.wait_end(answer.json['id'])
        equal((batch['outcome'], outcomes(batch)), ('ok', ['ok', 'ok']))
        equal(batch['results'][1]['status'], 204)


@test
def a_batch_may_come_line_by_line(origin):
    with Fetchd(FETCHD, CONFIG) as daemon:
        lines = '\n'.join(origin.url(f'/ok/{i}') for i in range(5000))
        answer = daemon.call('POST', '/v1/batches?policy=collect&name=a+b', lines, Prefer='respond-async',
                             Content_Type='text/plain')
        equal(answer.status, 202)
        batch = daemon.wait_end(answer.json['id'])
        equal((batch['name'], batch['policy'], batch['counts']['ok']), ('a b', 'collect', 5000))


@test
def nothing_of_a_bad_body_is_accepted(origin):
    with Fetchd(FETCHD, CONFIG) as daemon:
        problem(daemon.detach({'urls': []}), 422, 'invalid_batch')
        problem(daemon.detach('{"urls":'), 400, 'bad_body')
        equal(daemon.get('/v1/batches').json['batches'], [])


@test
def the_service_managers_folder_is_a_store(origin):
    with Fetchd(FETCHD) as daemon:
        daemon.stop()
        daemon.env['STATE_DIRECTORY'] = daemon.store + ':/elsewhere'
        daemon.start()
        equal(daemon.wait_end(daemon.accept({'urls': [origin.url('/ok')]}))['outcome'], 'ok')
        equal(os.stat(daemon.store + '/batches.db').st_mode & 0o777, 0o600)


@test
def one_store_belongs_to_one_daemon(origin):
    with Fetchd(FETCHD, CONFIG) as daemon:
        done = subprocess.run([FETCHD, '--socket', daemon.folder.name + '/second', '--config',
                               daemon.folder.name + '/fetchd.yaml'], capture_output=True, text=True, timeout=60)
        equal(done.returncode, 1)
        assert 'batches.db: another process has it' in done.stderr, done.stderr


# ---- keys ----

@test
def one_key_and_body_is_one_batch(origin):
    body = {'urls': [origin.url('/ok')]}
    with Fetchd(FETCHD, CONFIG) as daemon:
        first = daemon.accept(body, Idempotency_Key='k')
        equal(daemon.accept(body, Idempotency_Key='k'), first)
        assert daemon.accept(body, Idempotency_Key='l') != first
        assert daemon.accept(body) != first
        problem(daemon.detach({'urls': [origin.url('/ok/2')]}, Idempotency_Key='k'), 422, 'idempotency_mismatch')

        daemon.wait_end(first)
        daemon.stop()
        daemon.start()
        equal(daemon.accept(body, Idempotency_Key='k'), first)


@test
def a_key_belongs_to_a_detached_batch(origin):
    with Fetchd(FETCHD, CONFIG) as daemon:
        problem(daemon.call('POST', '/v1/batches', {'urls': [origin.url('/ok')]}, Idempotency_Key='k'),
                400, 'bad_parameter')
        problem(daemon.detach({'urls': [origin.url('/ok')]}, Idempotency_Key='k' * 256), 400, 'bad_parameter')


@test
def requests_with_one_key_at_once_make_one_batch(origin):
    body = json.dumps({'urls': [origin.url('/ok')]}).encode()
    with Fetchd(FETCHD, CONFIG) as daemon:
        connections = [UnixConnection(daemon.socket) for _ in range(16)]
        for connection in connections:
            connection.putrequest('POST', '/v1/batches')
            for name, value in ('Prefer', 'respond-async'), ('Idempotency-Key', 'k'), ('Content-Length', len(body)):
                connection.putheader(name, value)
            connection.endheaders(body[:-1])
        for connection in connections:
            connection.send(body[-1:])
        answers = [connection.getresponse() for connection in connections]
        ids = {json.loads(answer.read())['id'] for answer in answers if answer.status == 202}
        equal(len(ids), 1)
        assert all(answer.status in (202, 409) for answer in answers)
        equal(len(daemon.get('/v1/batches').json['batches']), 1)
        for connection in connections:
            connection.close()


# ---- looking ----

@test
def results_are_followed_from_a_number_on(origin):
    with Fetchd(FETCHD, CONFIG) as daemon:
        batch = daemon.accept({'urls': [origin.url('/hold/a'), origin.url('/ok')]})
        connection = UnixConnection(daemon.socket)
        connection.request('GET', f'/v1/batches/{batch}/results')
        response = connection.getresponse()
        first = json.loads(response.readline())
        equal((first['type'], first['seq'], first['index']), ('result', 1, 1))
        origin.release('a')
        rest = [json.loads(line) for line in response.read().splitlines()]
        equal([(line['type'], line.get('seq')) for line in rest], [('result', 2), ('end', None)])
        connection.close()

        def kinds(cursor):
            return [line['type'] for line in daemon.get(f'/v1/batches/{batch}/results?cursor={cursor}').lines]

        equal((kinds(0), kinds(1), kinds(2), kinds(99)), (['result', 'result', 'end'], ['result', 'end'], ['end'], ['end']))
        problem(daemon.get(f'/v1/batches/{batch}/results?cursor=x'), 400, 'bad_parameter')
        problem(daemon.get('/v1/batches/none/results'), 404, 'not_found')


@test
def results_come_in_parts(origin):
    with Fetchd(FETCHD, CONFIG) as daemon:
        batch = daemon.accept({'concurrency': 1, 'urls': [origin.url(f'/ok/{i}') for i in range(4)] + [origin.url('/hold/a')]})

        def part(query):
            lines = daemon.get(f'/v1/batches/{batch}/results?{query}').lines
            return [line.get('seq') for line in lines[:-1]], lines[-1]['type'], lines[-1].get('cursor')

        def check():
            equal(part('limit=3'), ([1, 2, 3], 'page', 3))
            equal(part('limit=1&cursor=3'), ([4], 'page', 4))

        check()  # of one that is running
        origin.release('a')
        daemon.wait_end(batch)
        check()  # in memory
        daemon.stop()
        daemon.start()
        check()  # in the store
        equal(part('limit=3&cursor=3'), ([4, 5], 'end', None))
        equal(part('limit=2&cursor=3'), ([4, 5], 'end', None))
        equal(part('limit=2&cursor=9'), ([], 'end', None))
        for limit in '0', 'x', '-1':
            problem(daemon.get(f'/v1/batches/{batch}/results?limit={limit}'), 400, 'bad_parameter')


def peak_of(daemon):
    with open(f'/proc/{daemon.process.pid}/status') as file:
        return int(re.search(r'VmHWM:\s*(\d+) kB', file.read())[1]) * 1024


def is_sanitized():
    """A sanitizer keeps memory of its own, for what was freed, too."""
    with open(FETCHD, 'rb') as file:
        program = file.read()
    return b'__asan_init' in program or b'__tsan_init' in program


@test
def a_large_stored_batch_needs_little_memory(origin):
    n, n_bytes = 100000, 300
    with Fetchd(FETCHD, CONFIG) as daemon:
        batch = daemon.accept({'urls': [origin.url('/ok')]})
        daemon.wait_end(batch)
        daemon.stop()
        with sqlite3.connect(daemon.store + '/batches.db') as db:
            db.execute('UPDATE batch SET n_urls = ?, n_ok = ?', (n, n))
            # The one that ended first is that of the last URL.
            db.execute('UPDATE result SET idx = ?1 - 1', (n,))
            db.execute('WITH RECURSIVE seqs (seq) AS (VALUES (2) UNION ALL SELECT seq + 1 FROM seqs WHERE seq < ?1)'
                       ' INSERT INTO result SELECT batch, seqs.seq, seqs.seq - 2, outcome,'
                       ' json_set(text, "$.index", seqs.seq - 2, "$.text", ?2) FROM result, seqs', (n, 'x' * n_bytes))
        db.close()
        daemon.start()
        peak = peak_of(daemon)

        connection = UnixConnection(daemon.socket)
        connection.request('GET', f'/v1/batches/{batch}/results')
        lines = [json.loads(line) for line in connection.getresponse()]
        equal([line['seq'] for line in lines[:-1]], list(range(1, n + 1)))
        equal((lines[-1]['type'], lines[-1]['counts']['ok']), ('end', n))
        connection.close()

        whole = daemon.get(f'/v1/batches/{batch}').json
        equal((whole['counts']['ok'], len(whole['results'])), (n, n))
        equal([result['index'] for result in whole['results'][:-1]], list(range(n - 1)))
        assert len(lines[1]['text']) == n_bytes
        grown = peak_of(daemon) - peak
        assert is_sanitized() or grown < n * n_bytes / 2, f'{grown} bytes for {n * n_bytes} of results'
        return f'{grown // 1024} KiB for {n * n_bytes // 1024} KiB of texts'


@test
def a_batch_that_expires_while_it_is_read_is_cut(origin):
    with Fetchd(FETCHD, CONFIG) as daemon:
        batch = daemon.accept({'urls': [origin.url('/ok')]})
        daemon.wait_end(batch)
        daemon.stop()
        with sqlite3.connect(daemon.store + '/batches.db') as db:
            db.execute('UPDATE batch SET n_ok = 2')  # as if the second had been deleted
        db.close()
        daemon.start()
        for target in f'/v1/batches/{batch}/results', f'/v1/batches/{batch}':
            try:
                assert False, daemon.get(target).body
            except (http.client.IncompleteRead, http.client.RemoteDisconnected):
                pass


@test
def the_list_goes_over_memory_and_store(origin):
    with Fetchd(FETCHD, CONFIG) as daemon:
        old = [daemon.accept({'urls': [origin.url('/ok')]}) for _ in range(5)]
        for batch in old:
            daemon.wait_end(batch)
        daemon.stop()
        daemon.start()
        ended = daemon.accept({'urls': [origin.url('/ok')]})
        daemon.wait_end(ended)
        running = daemon.accept({'urls': [origin.url('/hold/a')]})
        wanted = [running, ended, *reversed(old)]

        def listed(query):
            answer = daemon.get('/v1/batches' + query).json
            return [batch['id'] for batch in answer['batches']], answer['cursor']

        equal(listed(''), (wanted, None))
        equal(listed('?limit=3'), (wanted[:3], wanted[2]))
        equal(listed(f'?limit=3&cursor={wanted[2]}'), (wanted[3:6], wanted[5]))
        equal(listed(f'?limit=3&cursor={wanted[5]}'), (wanted[6:], None))
        equal(listed('?state=running'), ([running], None))
        equal(listed('?state=done'), (wanted[1:], None))
        equal(listed('?state=done&limit=2'), (wanted[1:3], wanted[2]))
        origin.release('a')


@test
def a_list_of_many_is_read_in_pages(origin):
    n = 10000
    with Fetchd(FETCHD, CONFIG) as daemon:
        daemon.wait_end(daemon.accept({'urls': [origin.url('/ok')]}))
        daemon.stop()
        with sqlite3.connect(daemon.store + '/batches.db') as db:
            db.execute('WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < ?)'
                       ' INSERT INTO batch (id, uid, key_hash, policy, accepted_ns, deadline_ns, n_urls, outcome, ended_ns)'
                       ' SELECT printf("%019x", n), n % 2, 0, 0, 0, 0, 0, 0, ended_ns FROM n, batch', (n,))
        db.close()
        daemon.start()
        cursor, found = '', []
        while cursor is not None:
            page = daemon.get('/v1/batches?limit=1000' + (f'&cursor={cursor}' if cursor else '')).json
            found += [batch['id'] for batch in page['batches']]
            cursor = page['cursor']
        equal(len(found), n + 1)
        equal(found, sorted(set(found), reverse=True))


@test
def a_detached_batch_is_cancelled(origin):
    with Fetchd(FETCHD, CONFIG) as daemon:
        batch = daemon.accept({'urls': [origin.url('/never'), origin.url('/ok')]})
        daemon.wait_results(batch, 1)
        answer = daemon.call('POST', f'/v1/batches/{batch}/cancel', '')
        equal((answer.status, answer.json['outcome']), (200, 'cancelled'))
        daemon.kill()
        daemon.start()
        batch = daemon.get(f'/v1/batches/{batch}').json
        equal((batch['outcome'], outcomes(batch)), ('cancelled', ['cancelled', 'ok']))
        equal(batch['results'][0]['cancel'], {'reason': 'cancel_request'})


@test
def what_was_sent_is_erased_and_user_info_never_shown(origin):
    url = origin.url('/ok').replace('http://', f'http://user:{SECRET}@')
    body = {'urls': [{'url': url, 'method': 'PUT', 'headers': {'X-Key': SECRET}, 'body': SECRET}]}
    with Fetchd(FETCHD, CONFIG) as daemon:
        batch = daemon.accept(body)
        shown = json.dumps(daemon.wait_end(batch)) + daemon.get('/v1/batches').body.decode()
        daemon.stop()
        daemon.start()
        shown += json.dumps(daemon.get(f'/v1/batches/{batch}').json) + daemon.log()
        assert SECRET not in shown, shown
        for name in os.listdir(daemon.store):
            with open(f'{daemon.store}/{name}', 'rb') as file:
                assert SECRET.encode() not in file.read(), name


# ---- the end, and the next start ----

@test
def a_stop_suspends_and_the_next_start_goes_on(origin):
    with Fetchd(FETCHD, CONFIG) as daemon:
        batch = daemon.accept({'name': 'n', 'urls': [origin.url('/hold/a'), origin.url('/ok')]})
        before = daemon.wait_results(batch, 1)
        origin.wait('held>=1')
        daemon.stop()
        daemon.start()
        shown = daemon.get(f'/v1/batches/{batch}').json
        equal((shown['state'], shown['counts']), ('running', {'ok': 1, 'failed': 0, 'timeout': 0, 'cancelled': 0, 'pending': 1}))
        equal(daemon.wait_results(batch, 1), before)
        origin.release('a')
        after = daemon.wait_end(batch)
        equal((after['outcome'], after['name'], outcomes(after)), ('ok', 'n', ['ok', 'ok']))
        equal(after['started'], shown['started'])


@test
def a_crash_is_no_different(origin):
    with Fetchd(FETCHD, CONFIG) as daemon:
        batch = daemon.accept({'urls': [origin.url('/hold/a'), origin.url('/ok')]})
        before = daemon.wait_results(batch, 1)
        origin.wait('held>=1')
        daemon.kill()
        daemon.start()
        equal(daemon.wait_results(batch, 1), before)
        origin.release('a')
        equal(outcomes(daemon.wait_end(batch)), ['ok', 'ok'])


@test
def a_request_that_may_have_been_sent_is_interrupted(origin):
    urls = [{'url': origin.url('/hold/a'), 'method': 'POST', 'body': 'x'}, origin.url('/hold/b')]
    with Fetchd(FETCHD, CONFIG) as daemon:
        batch = daemon.accept({'policy': 'collect', 'urls': urls})
        again = daemon.accept({'policy': 'collect', 'urls': urls, 'resume': True})
        origin.wait('held>=4')
        daemon.kill()
        origin.release('a')
        origin.release('b')
        daemon.start()
        first, second = daemon.wait_end(batch), daemon.wait_end(again)
        equal((first['outcome'], outcomes(first)), ('failed', ['failed', 'ok']))
        equal(first['results'][0]['error']['code'], 'interrupted')
        equal((second['outcome'], outcomes(second)), ('ok', ['ok', 'ok']))
        origin.wait('requests>=7')
        equal(origin.command('wait requests>=8 0'), 'timeout')


@test
def a_stop_lets_a_request_end_that_must_not_be_sent_twice(origin):
    urls = [{'url': origin.url('/hold/a'), 'method': 'POST'}, {'url': origin.url('/ok'), 'method': 'POST'}]
    with Fetchd(FETCHD, CONFIG) as daemon:
        batch = daemon.accept({'concurrency': 1, 'urls': urls})
        origin.wait('held>=1')
        daemon.process.terminate()
        daemon.wait_notify('STOPPING=1')
        equal(daemon.get(f'/v1/batches/{batch}').json['state'], 'running')
        origin.release('a')
        daemon.wait()
        origin.wait('requests<=1')
        daemon.start()
        equal(outcomes(daemon.wait_end(batch)), ['ok', 'ok'])
        origin.wait('requests>=2')
        equal(origin.command('wait requests>=3 0'), 'timeout')


@test
def a_stop_waits_for_it_no_longer_than_the_drain_limit(origin):
    with Fetchd(FETCHD, CONFIG + 'drain: {timeout: 0s}\n') as daemon:
        batch = daemon.accept({'urls': [{'url': origin.url('/never'), 'method': 'POST'}]})
        origin.wait('held>=1')
        daemon.stop()
        daemon.start()
        batch = daemon.wait_end(batch)
        equal(batch['results'][0]['error']['code'], 'interrupted')


@test
def the_deadline_is_a_time_of_day(origin):
    with Fetchd(FETCHD, CONFIG) as daemon:
        batch = daemon.accept({'deadline': '100ms', 'urls': [origin.url('/never'), origin.url('/never')]})
        daemon.kill()
        daemon.start()
        batch = daemon.wait_end(batch)
        equal((batch['outcome'], outcomes(batch)), ('deadline', ['cancelled', 'cancelled']))
        equal(batch['results'][1]['cancel'], {'reason': 'deadline'})


@test
def the_policy_counts_what_was_before(origin):
    urls = [origin.url('/status/500'), origin.url('/hold/a?500'), origin.url('/never')]
    with Fetchd(FETCHD, CONFIG) as daemon:
        batch = daemon.accept({'max_failures': 1, 'urls': urls})
        collected = daemon.accept({'policy': 'collect', 'urls': [origin.url('/status/500'), origin.url('/hold/b')]})
        daemon.wait_results(batch, 1)
        daemon.wait_results(collected, 1)
        daemon.kill()
        daemon.start()
        origin.wait('held>=3')
        origin.release('a')
        origin.release('b')
        batch = daemon.wait_end(batch)
        equal((batch['outcome'], outcomes(batch)), ('failed', ['failed', 'failed', 'cancelled']))
        equal(batch['results'][2]['cancel'], {'reason': 'sibling_failed', 'cause': 1})
        equal(daemon.wait_end(collected)['outcome'], 'failed')


@test
def other_defaults_do_not_change_what_was_accepted(origin):
    with Fetchd(FETCHD, CONFIG + 'defaults: {deadline: 50s, concurrency: 7}\n') as daemon:
        batch = daemon.accept({'urls': [origin.url('/hold/a')] * 3})
        daemon.kill()
        daemon.configure(CONFIG + 'defaults: {deadline: 1ms}\nlimits: {batch_urls: 1}\n')
        daemon.start()
        origin.release('a')
        batch = daemon.wait_end(batch)
        equal((batch['outcome'], batch['deadline_ms']), ('ok', 50000))


@test
def a_batch_goes_on_under_the_policy_of_its_callers_level(origin):
    body = {'policy': 'collect', 'concurrency': 1, 'urls': [origin.url('/hold/a'), origin.url('/ok')]}
    with Fetchd(FETCHD, CONFIG) as daemon:
        batches = [daemon.accept(body), daemon.accept(body)]
        origin.wait('held>=2')
        daemon.kill()
        with sqlite3.connect(daemon.store + '/batches.db') as db:
            equal(db.execute('SELECT level FROM request').fetchall(), [(3,), (3,)])  # the daemon's own user is an admin
            db.execute('UPDATE request SET level = 2 WHERE batch = (SELECT max(batch) FROM request)')
        db.close()

        daemon.configure(CONFIG + 'network: {admin: {deny: [127.0.0.0/8]}}\n')
        daemon.start()
        denied = daemon.wait_end(batches[0])
        equal([result['error']['code'] for result in denied['results']], ['denied', 'denied'])
        origin.release('a')
        equal(outcomes(daemon.wait_end(batches[1])), ['ok', 'ok'])


@test
def a_batch_of_a_level_that_is_not_known_stays(origin):
    with Fetchd(FETCHD, CONFIG) as daemon:
        batch = daemon.accept({'urls': [origin.url('/hold/a')]})
        origin.wait('held>=1')
        daemon.kill()
        with sqlite3.connect(daemon.store + '/batches.db') as db:
            db.execute('UPDATE request SET level = 9')
        db.close()
        daemon.start()
        problem(daemon.get(f'/v1/batches/{batch}'), 404, 'not_found')
        assert f'batch {batch} cannot be taken up' in daemon.log(), daemon.log()


@test
def followers_of_a_suspended_batch_are_cut(origin):
    with Fetchd(FETCHD, CONFIG) as daemon:
        batch = daemon.accept({'urls': [origin.url('/never'), origin.url('/ok')]})
        connection = UnixConnection(daemon.socket)
        connection.request('GET', f'/v1/batches/{batch}/results')
        response = connection.getresponse()
        equal(json.loads(response.readline())['type'], 'result')
        daemon.stop()
        try:
            raise AssertionError(f'the answer has an end: {response.read()!r}')
        except http.client.IncompleteRead:
            connection.close()
        daemon.start()
        equal(daemon.call('POST', f'/v1/batches/{batch}/cancel', '').status, 200)


@test
def what_cannot_be_read_again_stays_and_the_rest_goes_on(origin):
    with Fetchd(FETCHD, CONFIG) as daemon:
        broken, gone, whole = [daemon.accept({'urls': [origin.url('/hold/a')]}) for _ in range(3)]
        origin.wait('held>=3')
        daemon.stop()
        with sqlite3.connect(daemon.store + '/batches.db') as db:
            db.execute("UPDATE request SET body = CAST('{' AS BLOB) WHERE batch = (SELECT number FROM batch WHERE id = ?)", [broken])
            db.execute('DELETE FROM request WHERE batch = (SELECT number FROM batch WHERE id = ?)', [gone])
        db.close()
        daemon.start()
        origin.release('a')
        equal(outcomes(daemon.wait_end(whole)), ['ok'])
        for batch in broken, gone:
            problem(daemon.get(f'/v1/batches/{batch}'), 404, 'not_found')
            assert f'batch {batch} cannot be taken up and stays in the store' in daemon.log(), daemon.log()


@test
def a_store_of_a_later_version_is_left_alone(origin):
    with Fetchd(FETCHD, CONFIG) as daemon:
        daemon.stop()
        with sqlite3.connect(daemon.store + '/batches.db') as db:
            db.execute('PRAGMA user_version = 99')
        db.close()
        process = daemon.spawn()
        equal(process.wait(60), 1)
        assert 'made by a later fetchd' in daemon.log(), daemon.log()


# ---- room ----

@test
def batches_expire(origin):
    with Fetchd(FETCHD, CONFIG) as daemon:
        batch = daemon.accept({'urls': [origin.url('/ok')]}, Idempotency_Key='k')
        daemon.wait_end(batch)
        daemon.stop()
        daemon.configure(CONFIG.replace('}', ', retain: 0s}'))
        daemon.start()
        while daemon.get(f'/v1/batches/{batch}').status == 200:
            pass
        problem(daemon.get(f'/v1/batches/{batch}'), 404, 'not_found')
        assert daemon.accept({'urls': [origin.url('/ok')]}, Idempotency_Key='k') != batch


@test
def a_full_store_takes_no_more(origin):
    body = {'urls': [{'url': origin.url('/hold/a'), 'method': 'PUT', 'body': 'x' * 400000}]}
    with Fetchd(FETCHD, CONFIG.replace('}', ', max_size: 1MiB}')) as daemon:
        accepted = []
        answer = daemon.detach(body)
        while answer.status == 202:
            accepted.append(answer.json['id'])
            answer = daemon.detach(body)
        problem(answer, 503, 'store_full')
        equal(answer.fields['Retry-After'], '60')
        assert 1 < len(accepted) < 5
        equal(daemon.get('/v1/health/ready').json, {'status': 'ok'})

        origin.release('a')
        for batch in accepted:
            equal(daemon.wait_end(batch)['outcome'], 'ok')
        daemon.accept(body)


@test
def a_user_has_so_much_in_the_store(origin):
    body = {'urls': [{'url': origin.url('/hold/a'), 'method': 'PUT', 'body': 'x' * 3000}]}
    config = CONFIG + 'limits: {stored_per_user: 4KiB}\n'
    with Fetchd(FETCHD, config) as daemon:
        batch = daemon.accept(body, Idempotency_Key='k')
        answer = daemon.detach(body)
        problem(answer, 429, 'quota')
        equal(answer.fields['Retry-After'], '60')
        assert 'limits.stored_per_user is 4KiB' in answer.json['detail'], answer.json
        equal(daemon.accept(body, Idempotency_Key='k'), batch)

        origin.release('a')
        daemon.wait_end(batch)
        text = {'urls': [{'url': origin.url('/bytes/3500'), 'capture': 'base64'}]}
        batch = daemon.accept(text)
        daemon.wait_end(batch)
        daemon.stop()
        daemon.start()
        problem(daemon.detach(text), 429, 'quota')

        daemon.stop()
        daemon.configure(config.replace('}', ', retain: 0s}', 1))
        daemon.start()
        while daemon.get(f'/v1/batches/{batch}').status == 200:
            pass
        answer = daemon.detach(text)
        while answer.status == 429:
            answer = daemon.detach(text)
        equal(answer.status, 202)


def metrics(daemon):
    """The store's samples; a group's buckets and a commit's apart."""
    lines = daemon.get('/metrics').body.decode().splitlines()
    samples = dict(line.rsplit(' ', 1) for line in lines if not line.startswith('#'))
    return {name: float(value) for name, value in samples.items()
            if name.startswith(('fetchd_spool', 'fetchd_store', 'fetchd_journal')) and '_bucket' not in name}


@test
def the_store_has_metrics(origin):
    with Fetchd(FETCHD) as daemon:
        equal(metrics(daemon), {})
        daemon.stop()
        daemon.configure(CONFIG.replace('}', ', max_size: 2MiB}'))
        daemon.start()
        daemon.wait_end(daemon.accept({'urls': [origin.url('/ok')]}))
        daemon.accept({'urls': [origin.url('/hold/a')]})
        found = metrics(daemon)
        equal(found['fetchd_spool_limit_bytes'], 2 * 1024 * 1024)
        assert 4096 < found['fetchd_spool_bytes'] < 1024 * 1024, found
        equal((found['fetchd_store_batches{state="unfinished"}'], found['fetchd_store_batches{state="done"}']), (1, 1))
        equal(found['fetchd_store_commits_total{outcome="failed"}'], 0)
        commits = found['fetchd_store_commits_total{outcome="ok"}']
        assert commits >= 3, found
        equal((found['fetchd_store_group_size_count'], found['fetchd_journal_sync_duration_seconds_count']),
              (commits, commits))
        assert found['fetchd_store_group_size_sum'] >= commits and found['fetchd_journal_sync_duration_seconds_sum'] > 0
        origin.release('a')


@test
def a_batch_in_the_store_is_there_for_its_owner(origin):
    users = 64001, 64002
    if os.geteuid() != 0:
        return 'passed over: without root there is nobody else to be'
    rules = ', '.join(f'{{user: {user}, level: submit}}' for user in users)
    with Fetchd(FETCHD, CONFIG + f'listen: {{mode: "0666"}}\naccess: [{rules}]\n'
                                 'limits: {stored_per_user: 1KiB}\n') as daemon:
        os.chmod(daemon.folder.name, 0o755)

        def call(user, *request, **fields):
            os.seteuid(user)
            try:
                return daemon.call(*request, **fields)
            finally:
                os.seteuid(0)

        def submit(user):
            body = {'urls': [{'url': origin.url('/bytes/1000'), 'capture': 'base64'}]}
            return call(user, 'POST', '/v1/batches', body, Prefer='respond-async')

        batch = submit(users[0]).json['id']
        daemon.wait_end(batch)
        daemon.stop()
        daemon.start()
        os.chmod(daemon.folder.name, 0o755)
        for user, status in (users[0], 200), (users[1], 404), (0, 200):
            for target in '', '/results':
                equal(call(user, 'GET', f'/v1/batches/{batch}{target}').status, status)
            listed = [found['id'] for found in call(user, 'GET', '/v1/batches').json['batches']]
            equal(listed, [batch] if status == 200 else [])
        problem(submit(users[0]), 429, 'quota')
        equal(submit(users[1]).status, 202)


@test
def a_store_that_fails_is_not_written_to_again(origin):
    with Fetchd(FETCHD, CONFIG) as daemon:
        running = daemon.accept({'urls': [origin.url('/hold/a'), origin.url('/ok')]})
        marked = daemon.accept({'concurrency': 1, 'policy': 'collect', 'urls': [
            origin.url('/hold/b'), {'url': origin.url('/ok'), 'method': 'POST'}]})
        daemon.wait_results(running, 1)
        origin.wait('held>=2')
        # A page of the store does not fit, a line of the log does.
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        problem(daemon.detach({'urls': [origin.url('/ok')]}), 503, 'store_full')
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

        problem(daemon.detach({'urls': [origin.url('/ok')]}), 503, 'store_full')
        ready = daemon.get('/v1/health/ready')
        equal((ready.status, ready.json['status']), (200, 'degraded'))
        assert 'I/O' in ready.json['store'], ready.json
        equal(daemon.log().count('the store has failed'), 1)
        equal(metrics(daemon)['fetchd_store_commits_total{outcome="failed"}'], 1)
        daemon.wait_notify('the store has failed')
        equal(daemon.call('POST', '/v1/batches', {'urls': [origin.url('/ok')]}).status, 200)

        origin.release('a')
        origin.release('b')
        equal(outcomes(daemon.wait_end(running)), ['ok', 'ok'])
        batch = daemon.wait_end(marked)
        equal(outcomes(batch), ['ok', 'failed'])
        equal(batch['results'][1]['error']['code'], 'resources')

        daemon.stop()
        daemon.start()
        equal(outcomes(daemon.wait_end(running)), ['ok', 'ok'])
        equal(outcomes(daemon.wait_end(marked)), ['ok', 'ok'])
        equal(daemon.get('/v1/health/ready').json, {'status': 'ok'})


sys.exit(run_tests(TESTS))
