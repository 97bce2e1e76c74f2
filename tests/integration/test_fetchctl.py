#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fetchctl against a scripted daemon on a Unix socket: what it sends, prints and exits with.

    test_fetchctl.py FETCHCTL

Prints TAP. Nothing here sleeps: the daemon's side of a test says when the next step is due.
"""
import contextlib
import csv
import fcntl
import io
import json
import os
import pty
import re
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import traceback
from xml.etree import ElementTree

FETCHCTL = os.path.abspath(sys.argv[1])
WAIT = 60  # seconds; only a broken fetchctl takes that long

TESTS = []


def test(function):
    TESTS.append(function)
    return function


# ---- the daemon ----

class Request:
    def __init__(self, method, target, fields, body):
        self.method, self.target, self.fields, self.body = method, target, fields, body

    def lines(self):
        return [line for line in self.body.decode().split('\n')[:-1]]


class Connection:
    """One accepted connection: reads the request, writes the answer's pieces."""

    def __init__(self, sock):
        self.sock = sock
        self.file = sock.makefile('rb')

    def read_request(self, with_body=True):
        method, target, _ = self.file.readline().decode().split(' ')
        fields = {}
        for line in iter(self.file.readline, b'\r\n'):
            name, value = line.decode().strip().split(': ', 1)
            fields[name.lower()] = value
        body = b''
        if with_body and fields.get('transfer-encoding') == 'chunked':
            body = b''.join(self.read_chunks())
        return Request(method, target, fields, body)

    def read_chunks(self):
        while True:
            size = int(self.file.readline(), 16)
            data = self.file.read(size)
            assert self.file.readline() == b'\r\n'
            if size == 0:
                return
            yield data

    def send(self, data):
        self.sock.sendall(data)

    def answer(self, status, content_type, body, *fields):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = [f'HTTP/1.1 {status} Whatever', f'Content-Type: {content_type}', f'Content-Length: {len(body)}', *fields]
        self.send('\r\n'.join(head).encode() + b'\r\n\r\n' + body)

    def problem(self, status, code, title='A title', *fields, **members):
        body = {'type': 'urn:fetchd:problem:' + code, 'title': title, 'status': status, 'code': code, **members}
        self.answer(status, 'application/problem+json', body, *fields)

    def begin_stream(self):
        self.send(b'HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n')

    def line(self, line, cut=None):
        """One line as one chunk, or as chunks of @cut bytes."""
        data = json.dumps(line).encode() + b'\n'
        for i in range(0, len(data), cut or len(data)):
            piece = data[i:i + (cut or len(data))]
            self.send(b'%x\r\n%s\r\n' % (len(piece), piece))

    def end_stream(self):
        self.send(b'0\r\n\r\n')

    def wait_hangup(self):
        assert select.select([self.sock], [], [], WAIT)[0], 'the client does not hang up'
        assert self.sock.recv(1) == b''

    def close(self):
        self.file.close()
        self.sock.close()


class Daemon:
    """Runs @script(daemon) on a thread; daemon.accept() gives the next connection."""

    def __init__(self, script):
        self.folder = tempfile.TemporaryDirectory()
        self.path = self.folder.name + '/api.sock'
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.path)
        self.listener.listen()
        self.listener.settimeout(WAIT)
        self.error = None
        self.requests = []
        self.connections = []
        self.thread = threading.Thread(target=self.run, args=(script,), daemon=True)

    def run(self, script):
        try:
            script(self)
        except BaseException:
            self.error = traceback.format_exc()
        finally:
            for connection in self.connections:
                connection.close()

    def accept(self, read=True):
        sock, _ = self.listener.accept()
        sock.settimeout(WAIT)
        connection = Connection(sock)
        self.connections.append(connection)
        if read:
            self.requests.append(connection.read_request())
        return connection

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.thread.join(WAIT)
            assert not self.thread.is_alive(), 'the daemon still waits'
            assert not self.error, self.error
        self.listener.close()
        self.folder.cleanup()


def environment(**changes):
    env = {k: v for k, v in os.environ.items() if k not in ('FETCHD_SOCKET', 'NO_COLOR', 'COLUMNS')}
    env.update({'LC_ALL': 'C.UTF-8', 'TERM': 'xterm'})
    env.update(changes)
    return env


def fetchctl(*args, input=b'', **env):
    return subprocess.run([FETCHCTL, *args], input=input, capture_output=True, timeout=WAIT, env=environment(**env))


def run(script, *args, input=b'', **env):
    """fetchctl with a daemon beside it: (exit code, stdout, stderr, requests)"""
    with Daemon(script) as daemon:
        done = fetchctl(args[0], '--socket', daemon.path, *args[1:], input=input, **env)
    return done.returncode, done.stdout.decode(), done.stderr.decode(), daemon.requests


def equal(a, b):
    assert a == b, f'\n  {a!r}\nis not\n  {b!r}'


def contains(text, *parts):
    for part in parts:
        assert part in text, f'{part!r} is not in\n{text}'


# ---- a batch as the daemon tells it ----

ID = '01JD0000000000000000000001'


def summary(n, **counts):
    return {'id': ID, 'policy': 'fail_fast', 'started': '2026-11-22T21:30:00.000Z', 'urls': n,
            'counts': {'ok': 0, 'failed': 0, 'timeout': 0, 'cancelled': 0, **counts}}


def begin(n):
    return {'type': 'batch', **summary(n, pending=n), 'state': 'running'}


def end(n, outcome, **counts):
    return {'type': 'end', **summary(n, **counts), 'outcome': outcome, 'elapsed_ms': 53.125}


def ok(index, seq, url=None, **more):
    return {'type': 'result', 'seq': seq, 'index': index, 'url': url or f'http://site.example/{index}', 'outcome': 'ok',
            'status': 200, 'attempts': 1, 'redirects': 0, 'final_url': f'http://site.example/{index}', 'bytes': 5120,
            'http_version': '1.1', 'remote': '192.0.2.7:80', 'reused': False,
            'timing_ms': {'queue': 0.125, 'dns': 1.25, 'connect': 3.0, 'tls': None, 'first_byte': 20.5, 'total': 25.0}, **more}


FAILED = {'type': 'result', 'seq': 2, 'index': 1, 'url': 'http://site.example/a,"b"', 'outcome': 'failed', 'status': 503,
          'attempts': 1, 'redirects': 0, 'final_url': 'http://site.example/a,"b"', 'bytes': 0, 'http_version': '1.1',
          'remote': '192.0.2.7:80', 'reused': True, 'error': {'code': 'status', 'detail': '503 is not in 200-399'},
          'timing_ms': {'queue': 0.1, 'dns': None, 'connect': None, 'tls': None, 'first_byte': 40, 'total': 53.1}}
CANCELLED = {'type': 'result', 'seq': 3, 'index': 2, 'url': 'http://site.example/2', 'outcome': 'cancelled', 'attempts': 0,
             'cancel': {'reason': 'sibling_failed', 'cause': 1}}


def failing_batch(daemon):
    connection = daemon.accept()
    connection.begin_stream()
    connection.line(begin(3))
    connection.line(FAILED)
    connection.line({'type': 'heartbeat'})
    connection.line({'type': 'something_new'})
    connection.line(CANCELLED, cut=7)
    connection.line(ok(0, 1))
    connection.line(end(3, 'failed', ok=1, failed=1, cancelled=1))
    connection.end_stream()


def batch_that_ends(outcome):
    def script(daemon):
        connection = daemon.accept()
        connection.begin_stream()
        connection.line(begin(1))
        connection.line(ok(0, 1))
        connection.line(end(1, outcome, ok=1))
        connection.end_stream()
    return script


def answer(status, code, *fields, **members):
    def script(daemon):
        daemon.accept().problem(status, code, 'A title', *fields, **members)
    return script


def reply(body, content_type='application/json', status=200):
    def script(daemon):
        daemon.accept().answer(status, content_type, body)
    return script


# ---- what it sends ----

@test
def options_become_the_first_line_and_urls_the_others():
    code, _, _, requests = run(
        batch_that_ends('ok'), 'submit', 'http://a.example/', '--name', 'gate "1"', '--policy', 'collect', '--deadline', '5s',
        '--timeout=2s', '-c', '7', '--per-origin', '3', '--max-failures', '1', '-H', 'Accept: text/html', '-HX-A:b:c',
        '--expect', '2xx,404', '--expect', '500-599', '--max-body', '1MiB', 'http://b.example/', '--detach',
        '--idempotency-key', 'k-1')
    equal(code, 0)
    request, = requests
    equal((request.method, request.target), ('POST', '/v1/batches'))
    equal(request.fields['content-type'], 'application/x-ndjson')
    contains(request.fields['accept'], 'application/x-ndjson')
    equal(request.fields['prefer'], 'respond-async')
    equal(request.fields['idempotency-key'], 'k-1')
    equal([json.loads(line) for line in request.lines()], [
        {'name': 'gate "1"', 'policy': 'collect', 'max_failures': 1, 'deadline': '5s', 'concurrency': 7, 'per_origin': 3,
         'timeout': '2s', 'headers': {'Accept': 'text/html', 'X-A': 'b:c'}, 'expect': ['2xx', 404, '500-599'],
         'max_body': '1MiB'},
        'http://a.example/', 'http://b.example/'])


@test
def files_and_standard_input_are_read_line_by_line():
    with tempfile.NamedTemporaryFile() as file:
        file.write(b'\xef\xbb\xbfhttp://a.example/\r\n\n  # a comment\n{"url": "http://b.example/", "timeout": "1s"}\nhttp://c.example/')
        file.flush()
        code, _, _, requests = run(batch_that_ends('ok'), 'submit', '-f', file.name, '-', input=b'http://d.example/\n')
    equal(code, 0)
    equal(requests[0].lines(), [
        '{}', '"http://d.example/"', '"http://a.example/"', '', '', '{"url": "http://b.example/", "timeout": "1s"}',
        '"http://c.example/"'])


@test
def a_long_list_is_sent_in_chunks_and_needs_little_memory():
    n = 100000
    urls = b''.join(b'http://site.example/%d\n' % i for i in range(n))

    def script(daemon):
        connection = daemon.accept()
        connection.begin_stream()
        connection.line(begin(n))
        for first in range(0, n, 500):
            data = b''.join(json.dumps(ok(i, i + 1)).encode() + b'\n' for i in range(first, first + 500))
            connection.send(b'%x\r\n%s\r\n' % (len(data), data))
        connection.line(end(n, 'ok', ok=n))
        connection.end_stream()

    def limit_memory():  # the results alone are 40 MB, the URLs 3 MB
        if not os.environ.get('INSTRUMENTED'):
            resource.setrlimit(resource.RLIMIT_DATA, (8 << 20, 8 << 20))

    with Daemon(script) as daemon, tempfile.TemporaryFile() as out:
        done = subprocess.run([FETCHCTL, 'submit', '--socket', daemon.path, '-o', 'json', '-'], input=urls, stdout=out,
                              stderr=subprocess.PIPE, env=environment(), timeout=WAIT, preexec_fn=limit_memory)
        equal((done.returncode, done.stderr), (0, b''))
        out.seek(0)
        answer = json.load(out)
    equal(len(daemon.requests[0].lines()), n + 1)
    equal([result['index'] for result in answer['results']], list(range(n)))


@test
def an_answer_that_comes_early_ends_the_sending():
    def script(daemon):
        connection = daemon.accept(read=False)
        connection.read_request(with_body=False)
        connection.problem(413, 'too_large', detail='at most 64MiB')
        connection.close()

    code, out, err, _ = run(script, 'submit', '-', input=b'http://a.example/\n' * 500000)
    equal((code, out), (2, ''))
    contains(err, 'A title', 'at most 64MiB')


# ---- what it prints ----

@test
def lines_come_as_results_come():
    code, out, err, _ = run(failing_batch, 'submit', 'http://x.example/')
    equal(code, 1)
    equal(out, 'failed    503  53.1ms http://site.example/a,"b"  (503 is not in 200-399)\n'
               'cancelled   -       - http://site.example/2  (#1 failed)\n'
               'ok        200  25.0ms http://site.example/0\n')
    equal(err, f'failed: 1 ok, 1 failed, 1 cancelled of 3 in 53.1ms, batch {ID}\n')


@test
def json_is_the_collected_answer():
    code, out, err, _ = run(failing_batch, 'submit', 'http://x.example/', '-o', 'json')
    equal((code, err), (1, ''))
    answer = json.loads(out)
    equal({k: v for k, v in answer.items() if k != 'results'}, {
        'id': ID, 'policy': 'fail_fast', 'started': '2026-11-22T21:30:00.000Z', 'outcome': 'failed', 'elapsed_ms': 53.125,
        'counts': {'ok': 1, 'failed': 1, 'timeout': 0, 'cancelled': 1}})
    equal(answer['results'], [{k: v for k, v in result.items() if k not in ('type', 'seq')}
                              for result in (ok(0, 1), FAILED, CANCELLED)])


@test
def ndjson_is_the_stream_as_it_came():
    code, out, err, _ = run(failing_batch, 'submit', 'http://x.example/', '-o', 'ndjson')
    equal((code, err), (1, ''))
    equal([json.loads(line)['type'] for line in out.splitlines()],
          ['batch', 'result', 'heartbeat', 'something_new', 'result', 'result', 'end'])


@test
def csv_is_quoted_as_the_standard_says():
    code, out, _, _ = run(failing_batch, 'submit', 'http://x.example/', '-o', 'csv')
    equal(code, 1)
    contains(out, '"http://site.example/a,""b"""')
    failed, cancelled, fine = csv.DictReader(io.StringIO(out, newline=''))
    equal((failed['url'], failed['outcome'], failed['status'], failed['error'], failed['detail'], failed['reused']),
          ('http://site.example/a,"b"', 'failed', '503', 'status', '503 is not in 200-399', 'true'))
    equal((cancelled['cancel_reason'], cancelled['cancel_cause'], cancelled['status'], cancelled['total_ms']),
          ('sibling_failed', '1', '', ''))
    equal((fine['index'], fine['dns_ms'], fine['tls_ms'], fine['total_ms'], fine['bytes'], fine['detail']),
          ('0', '1.250', '', '25.000', '5120', ''))


@test
def csv_says_whose_result_it_is_and_what_a_certificate_says():
    report = {'issuer': 'CN = one, or "two"', 'expires': '2049-12-31T23:59:59.000Z'}

    def script(daemon):
        connection = daemon.accept()
        connection.begin_stream()
        connection.line(begin(2))
        connection.line(ok(0, 1, tls=report))
        connection.line(ok(1, 2, same_as=0))
        connection.line(end(2, 'ok', ok=2))
        connection.end_stream()

    code, out, _, _ = run(script, 'submit', 'http://x.example/', '-o', 'csv')
    equal(code, 0)
    first, twin = csv.DictReader(io.StringIO(out, newline=''))
    equal((first['same_as'], first['tls_issuer'], first['tls_expires']), ('', report['issuer'], report['expires']))
    equal((twin['same_as'], twin['tls_issuer'], twin['tls_expires']), ('0', '', ''))


@test
def a_table_can_be_asked_for_anywhere():
    code, out, _, _ = run(failing_batch, 'submit', 'http://x.example/', '-o', 'table', COLUMNS='120')
    equal(code, 1)
    head, *rows, legend = out.splitlines()
    equal(head.split(), ['#', 'OUTCOME', 'STATUS', 'TIME', 'TIMING', 'URL', 'WHY'])
    equal([row.split()[:3] for row in rows], [['0', 'ok', '200'], ['1', 'failed', '503'], ['2', 'cancelled', '-']])
    contains(rows[1], '503 is not in 200-399')
    contains(legend, 'a whole bar is 53.1ms')
    assert '\033' not in out, 'colours in a file'
    assert all(len(line) <= 120 for line in out.splitlines()), out


@test
def a_waterfall_shows_who_cancelled_whom():
    for args in ['--waterfall'], ['-o', 'waterfall']:
        code, out, err, _ = run(failing_batch, 'submit', 'http://x.example/', *args, COLUMNS='100')
        equal(code, 1)
        head, fine, failed, cancelled, legend = out.splitlines()
        contains(head, 'URL', '|0', '|20ms')
        contains(fine, 'http://site.example/0', '━', ' 200')
        assert failed.endswith('█ 503 is not in 200-399') and cancelled.endswith(' #1 failed'), out
        contains(legend, 'a whole bar is 53.1ms')
        contains(err, 'failed: 1 ok')
        assert all(len(line) <= 100 for line in out.splitlines()), out


@test
def a_report_is_a_page_or_a_picture():
    with tempfile.TemporaryDirectory() as folder:
        for name, start in ('a.html', '<!doctype html>'), ('a.svg', '<svg '):
            code, out, _, _ = run(failing_batch, 'submit', 'http://x.example/', '--report', f'{folder}/{name}')
            equal((code, len(out.splitlines())), (1, 3))  # what is printed is the same
            text = open(f'{folder}/{name}').read()
            assert text.startswith(start), text
            contains(text, '#1 failed', '503 is not in 200-399', 'a,&quot;b&quot;')
            ElementTree.fromstring(text[text.index('<svg'):text.index('</svg>') + 6])
        code, _, err, _ = run(failing_batch, 'submit', 'http://x.example/', '--report', f'{folder}/none/a.svg')
        equal(code, 70)
        contains(err, 'cannot write')
    done = fetchctl('submit', '--report', 'a.pdf', 'x')
    equal(done.returncode, 2)
    contains(done.stderr.decode(), '.html or .svg')


@test
def what_servers_say_cannot_steer_the_terminal():
    evil = {**FAILED, 'index': 0, 'error': {'code': 'protocol', 'detail': 'a\033]0;x\007b\u202ec\x9b31m\nd'}}

    def script(daemon):
        connection = daemon.accept()
        connection.begin_stream()
        connection.line(begin(1))
        connection.line(evil)
        connection.line(end(1, 'failed', failed=1))
        connection.end_stream()

    for form in 'lines', 'table':
        _, out, _, _ = run(script, 'submit', 'http://x.example/', '-o', form, COLUMNS='160')
        contains(out, 'a?]0;x?b?c?31m?d')


@test
def ascii_is_enough_where_the_locale_has_no_more():
    code, out, err, _ = run(failing_batch, 'submit', 'http://x.example/', '-o', 'table', LC_ALL='C')
    equal(code, 1)
    assert out.isascii() and err.isascii(), out
    contains(out, 'wwww')


# ---- exit codes ----

@test
def the_outcome_decides_the_exit_code():
    for outcome, expected in ('ok', 0), ('failed', 1), ('deadline', 3), ('cancelled', 3):
        code, _, err, _ = run(batch_that_ends(outcome), 'submit', 'http://x.example/')
        equal((outcome, code), (outcome, expected))
        contains(err, outcome + ': 1 ok')


@test
def a_refusal_decides_the_exit_code():
    for status, expected in ((400, 2), (403, 5), (404, 4), (408, 7), (409, 7), (413, 2), (415, 2), (422, 2), (429, 7),
                             (431, 2), (500, 70), (501, 2), (503, 7)):
        code, out, err, _ = run(answer(status, 'a_code', detail='Some detail'), 'submit', 'http://x.example/')
        equal((status, code, out), (status, expected, ''))
        contains(err, 'A title', f'status {status}', 'Some detail')


@test
def mistakes_on_the_command_line_are_usage_errors():
    for args, message in (
            ([], 'which command?'), (['submti'], 'did you mean submit?'), (['submit'], 'nothing to fetch'),
            (['submit', '--deadlin', '3s', 'x'], 'did you mean --deadline?'),
            (['submit', '--deadline', '3', 'x'], 'needs a unit'), (['submit', '--deadline'], 'needs a value'),
            (['submit', '-c', 'many', 'x'], 'whole number'), (['submit', '-c', '-1', 'x'], 'whole number'),
            (['submit', '-H', 'nothing', 'x'], 'a header looks like'),
            (['submit', '-H', 'a:1', '-H', 'A:2', 'x'], 'given twice'), (['submit', '-o', 'xml', 'x'], 'is none of'),
            (['submit', '--detach=yes', 'x'], 'takes no value'), (['submit', '-f', '/nonexistent', 'x'], 'cannot read /nonexistent'),
            (['submit', '--idempotency-key', 'a\r\nb', 'x'], 'visible ASCII'), (['submit', '-c', '1', '-c', '2', 'x'], 'twice'),
            (['jobs', 'lits'], 'did you mean jobs list?'), (['jobs', 'show'], 'needs NAME'),
            (['submit', '-p', 'collec', 'x'], 'did you mean collect?'), (['completion', 'tcsh'], 'none of bash, zsh, fish'),
            (['show'], 'needs ID'), (['show', 'a', 'b'], 'too many'), (['list', '-o', 'csv'], 'is none of'),
            (['tree', '--watch', '-o', 'json'], 'has no json')):
        done = fetchctl(*args)
        equal((args, done.returncode, done.stdout), (args, 2, b''))
        contains(done.stderr.decode(), message)


@test
def the_socket_may_be_named_first():
    with tempfile.TemporaryDirectory() as folder:
        for words in ['--socket', folder + '/none'], ['--socket=' + folder + '/none']:
            done = fetchctl(*words, 'list')
            equal(done.returncode, 6)
            contains(done.stderr.decode(), folder + '/none')
        contains(fetchctl('--socket', folder + '/none', 'list', '--socket', folder + '/other').stderr.decode(),
                 folder + '/other')


@test
def a_missing_daemon_is_told_with_the_next_command():
    with tempfile.TemporaryDirectory() as folder:
        done = fetchctl('list', '--socket', folder + '/none')
        equal(done.returncode, 6)
        contains(done.stderr.decode(), folder + '/none', 'systemctl start fetchd.socket', 'fetchd --socket')

        path = folder + '/dead'
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
            dead.bind(path)
        done = fetchctl('list', FETCHD_SOCKET=path)
        equal(done.returncode, 6)
        contains(done.stderr.decode(), path, 'nobody listens')

        done = fetchctl('list', '--socket', folder + '/' + 'x' * 200)
        equal(done.returncode, 2)
        contains(done.stderr.decode(), '107 bytes')


@test
def a_socket_without_permission_names_the_group():
    nobody = {'user': 65534} if os.getuid() == 0 else {}
    with Daemon(lambda daemon: None) as daemon:
        os.chmod(daemon.path, 0)
        try:
            done = subprocess.run([FETCHCTL, 'list', '--socket', daemon.path], capture_output=True, timeout=WAIT,
                                  env=environment(), **nobody)
        except PermissionError:
            return 'SKIP others than root cannot reach the program'
    equal(done.returncode, 5)
    contains(done.stderr.decode(), 'usermod -aG fetchd')


# ---- problems ----

@test
def faults_are_shown_at_their_places_in_the_sources():
    errors = [
        {'pointer': '/deadlin', 'line': 1, 'column': 2, 'detail': 'there is no such field', 'suggestion': 'deadline'},
        {'pointer': '/policy', 'line': 1, 'column': 9, 'detail': 'no policy', 'suggestion': 'collect'},
        {'pointer': '/headers/A', 'line': 1, 'column': 9, 'detail': 'too long'},
        {'pointer': '/urls/0', 'line': 2, 'column': 1, 'detail': 'no URL'},
        {'pointer': '/urls/1', 'line': 5, 'column': 1, 'detail': 'no scheme'},
    ]
    with tempfile.NamedTemporaryFile(suffix='.txt') as file:
        file.write(b'# nothing\n\nhtp:/x\n')
        file.flush()
        code, _, err, requests = run(
            answer(422, 'invalid_batch', errors=errors, errors_omitted=3, request_id='r1'), 'submit', 'first', '-f', file.name)
        name = file.name
    equal(code, 2)
    equal(requests[0].lines(), ['{}', '"first"', '', '', '"htp:/x"'])
    equal(err.splitlines(), [
        'fetchctl: A title (status 422)',
        '  /deadlin: there is no such field (did you mean "deadline"?)',
        '  --policy: no policy (did you mean "collect"?)',
        '  --header: too long',
        '  first: no URL',
        f'  {name}:3: no scheme',
        '  ... and 3 more'])


@test
def a_refusal_says_what_to_do_next():
    for script, hint in ((answer(503, 'draining', 'Retry-After: 12'), 'try again in 12 s'),
                         (answer(429, 'quota'), 'try again later'), (answer(429, 'quota'), 'fetchctl list --state running'),
                         (answer(403, 'forbidden', detail='the rule 2'), 'sudo fetchctl'), (answer(403, 'forbidden', detail='the rule 2'), 'the rule 2'),
                         (answer(501, 'no_store'), 'leave --detach'),
                         (answer(500, 'internal', request_id='r-77'), 'journalctl -u fetchd --grep r-77')):
        _, _, err, _ = run(script, 'submit', 'http://x.example/')
        contains(err, hint)


@test
def something_that_is_no_fetchd_is_noticed():
    def garbage(daemon):
        daemon.accept().send(b'SSH-2.0-OpenSSH_9.2\r\n')

    code, out, err, _ = run(garbage, 'submit', 'http://x.example/')
    equal((code, out), (70, ''))
    contains(err, 'does not answer as fetchd does')
    for command in ['list'], ['show', 'x'], ['version'], ['cancel', 'x']:
        code, _, err, _ = run(reply(b'<html>'), *command)
        equal((command, code), (command, 70))
        contains(err, 'no JSON')


# ---- cut answers ----

@test
def a_stream_without_its_end_is_an_error():
    def closes_early(daemon):
        connection = daemon.accept()
        connection.begin_stream()
        connection.line(begin(3))
        connection.line(FAILED)

    def ends_without_end(daemon):
        connection = daemon.accept()
        connection.begin_stream()
        connection.line(begin(3))
        connection.line(FAILED)
        connection.end_stream()

    for script in closes_early, ends_without_end:
        for form in 'lines', 'table', 'csv', 'ndjson', 'json':
            code, out, err, _ = run(script, 'submit', 'http://x.example/', '-o', form)
            equal((form, code), (form, 6))
            contains(err, 'the answer was cut', '1 of 3 results')
            equal((form, 'site.example' in out), (form, form != 'json'))


@test
def an_answer_that_never_begins_is_an_error():
    code, out, err, _ = run(lambda daemon: daemon.accept(), 'submit', 'http://x.example/')
    equal((code, out), (6, ''))
    contains(err, 'before the batch began')
    code, _, err, _ = run(lambda daemon: daemon.accept(), 'list')
    equal(code, 6)
    contains(err, 'the answer was cut')


@test
def a_line_that_is_no_result_is_an_error():
    for line in [], {'type': 'result', 'index': 0}, {'type': 'end'}, begin(1):
        def script(daemon):
            connection = daemon.accept()
            connection.begin_stream()
            connection.line(begin(1))
            connection.line(line)
            connection.wait_hangup()

        code, _, err, _ = run(script, 'submit', 'http://x.example/')
        equal((line, code), (line, 70))
        contains(err, 'does not answer as fetchd does')


@test
def what_cannot_be_printed_goes_nowhere_else():
    def script(daemon):
        connection = daemon.accept()
        connection.begin_stream()
        connection.line(begin(1))
        connection.wait_hangup()  # and has sent nothing

    with Daemon(script) as daemon:
        done = subprocess.run(['/bin/sh', '-c', 'exec "$@" >&-', 'sh', FETCHCTL, 'submit', '--socket', daemon.path, '-o', 'ndjson',
                               'http://x.example/'], capture_output=True, timeout=WAIT, env=environment())
    equal(done.returncode, 70)
    contains(done.stderr.decode(), 'cannot write the output: Bad file descriptor')


# ---- detached batches ----

@test
def a_detached_batch_prints_its_id():
    batch = {**summary(2, pending=2), 'state': 'running'}
    code, out, err, _ = run(reply(batch, status=202), 'submit', '--detach', 'http://x.example/')
    equal((code, out), (0, ID + '\n'))
    contains(err, f'fetchctl results {ID} --follow')
    code, out, err, _ = run(reply(batch, status=202), 'submit', '--detach', '-o', 'json', 'http://x.example/')
    equal((code, json.loads(out), err), (0, batch, ''))
    equal(run(reply(b'<html>', status=202), 'submit', '--detach', 'x')[0], 70)
    equal(run(reply({}, status=202), 'submit', '--detach', 'x')[0], 70)
    for status, code_, expected in (409, 'conflict', 7), (422, 'idempotency_key_reused', 2), (503, 'store_full', 7):
        equal(run(answer(status, code_), 'submit', '--detach', '--idempotency-key', 'k', 'x')[0], expected)


def results_that_end(outcome):
    def script(daemon):
        connection = daemon.accept()
        connection.begin_stream()
        connection.line(FAILED)
        connection.line({'type': 'heartbeat'})
        connection.line(ok(0, 2))
        connection.line(end(2, outcome, ok=1, failed=1))
        connection.end_stream()
    return script


@test
def results_are_followed_to_the_end():
    for outcome, expected in ('ok', 0), ('failed', 1), ('deadline', 3), ('cancelled', 3):
        code, out, err, requests = run(results_that_end(outcome), 'results', ID, '--follow')
        equal((code, len(out.splitlines()), err), (expected, 2, f'{outcome}: 1 ok, 1 failed of 2 in 53.1ms, batch {ID}\n'))
        equal((requests[0].method, requests[0].target), ('GET', f'/v1/batches/{ID}/results'))
    _, out, _, _ = run(results_that_end('ok'), 'results', ID, '-f', '-o', 'ndjson')
    equal([json.loads(line)['type'] for line in out.splitlines()], ['result', 'heartbeat', 'result', 'end'])
    _, out, _, _ = run(results_that_end('ok'), 'results', ID, '-f', '-o', 'json')
    equal(len(json.loads(out)['results']), 2)


@test
def results_without_following_are_those_so_far():
    batch = {**summary(2, ok=1, pending=1), 'state': 'running', 'elapsed_ms': 53.1,
             'results': [{k: v for k, v in ok(0, 1).items() if k not in ('type', 'seq')}]}
    code, out, _, requests = run(reply(batch), 'results', ID)
    equal((code, requests[0].target), (0, f'/v1/batches/{ID}'))
    contains(out, 'ok        200', 'running: 1 ok, 1 pending of 2')
    equal(fetchctl('results', ID, '-o', 'ndjson').returncode, 2)


@test
def wait_prints_the_end_alone():
    for outcome, expected in ('ok', 0), ('failed', 1), ('deadline', 3), ('cancelled', 3):
        code, out, err, _ = run(results_that_end(outcome), 'wait', ID)
        equal((code, out, err), (expected, '', f'{outcome}: 1 ok, 1 failed of 2 in 53.1ms, batch {ID}\n'))
    for command in ['wait', 'x'], ['results', 'x', '--follow']:
        code, _, err, _ = run(answer(404, 'not_found'), *command)
        equal(code, 4)
        contains(err, 'see: fetchctl list')
        equal(run(answer(403, 'forbidden'), *command)[0], 5)

    def is_cut(daemon):
        connection = daemon.accept()
        connection.begin_stream()
        connection.line(FAILED)

    code, _, err, _ = run(is_cut, 'wait', ID)
    equal(code, 6)
    contains(err, 'the answer was cut')


@test
def a_run_of_a_job_can_be_waited_for():
    def script(daemon):
        daemon.accept().answer(202, 'application/json', {'job': 'a', 'batch': ID})
        results_that_end('failed')(daemon)

    code, out, err, requests = run2(script, 'jobs', 'run', 'a', '--wait', '-o', 'csv')
    equal((code, len(list(csv.DictReader(io.StringIO(out))))), (1, 2))
    contains(err, f'batch {ID}')
    equal([request.target for request in requests], ['/v1/jobs/a/run', f'/v1/batches/{ID}/results'])


@test
def ctrl_c_leaves_a_followed_batch_alone():
    def script_of(wait_shown):
        def script(daemon):
            connection = daemon.accept()
            connection.begin_stream()
            connection.line(ok(0, 1))
            connection.wait_hangup()
        return script

    def press(wait_shown, master, child):
        wait_shown(b'http://site.example/0')
        child.send_signal(signal.SIGINT)

    code, shown = on_terminal(script_of, command=('results', ID, '-f', '-o', 'lines'), press=press)
    equal(code, 3)
    contains(shown, 'hung up: the batch goes on')
    assert 'cancelling' not in shown


# ---- Ctrl-C ----

def interrupt(script_of, *args):
    """Starts fetchctl; the script calls press() for a Ctrl-C: at once, or when fetchctl has printed a result."""
    child_is_there = threading.Event()
    has_printed = threading.Event()
    child = None
    out = []

    def press(after_result=True):
        assert child_is_there.wait(WAIT)
        assert not after_result or has_printed.wait(WAIT)
        os.kill(child.pid, signal.SIGINT)

    def read():
        for line in child.stdout:
            out.append(line)
            has_printed.set()

    with Daemon(script_of(press)) as daemon, tempfile.TemporaryFile() as err:
        child = subprocess.Popen([FETCHCTL, 'submit', '--socket', daemon.path, 'http://x.example/', *args],
                                 stdout=subprocess.PIPE, stderr=err, stdin=subprocess.DEVNULL, env=environment())
        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        child_is_there.set()
        child.wait(WAIT)
        reader.join(WAIT)
        child.stdout.close()
        err.seek(0)
        said = err.read().decode()
    return child.returncode, b''.join(out).decode(), said, daemon.requests


@test
def ctrl_c_cancels_by_the_api_and_prints_the_cancelled_result():
    def script_of(press):
        def script(daemon):
            stream = daemon.accept()
            stream.begin_stream()
            stream.line(begin(2))
            stream.line(ok(0, 1))
            press()
            daemon.accept()  # the end of the stream is answer enough
            stream.line({**CANCELLED, 'index': 1, 'cancel': {'reason': 'cancel_request'}})
            stream.line(end(2, 'cancelled', ok=1, cancelled=1))
            stream.end_stream()
        return script

    code, out, err, requests = interrupt(script_of)
    equal(code, 3)
    equal((requests[1].method, requests[1].target), ('POST', f'/v1/batches/{ID}/cancel'))
    contains(out, 'ok        200', 'cancelled   -       - http://site.example/2  (on request)')
    contains(err, f'cancelling batch {ID}', 'cancelled: 1 ok, 1 cancelled of 2')


@test
def a_second_ctrl_c_hangs_up():
    def script_of(press):
        def script(daemon):
            stream = daemon.accept()
            stream.begin_stream()
            stream.line(begin(2))
            stream.line(ok(0, 1))
            press()
            daemon.accept()
            press()
            stream.wait_hangup()
        return script

    code, out, err, _ = interrupt(script_of)
    equal((code, len(out.splitlines())), (3, 1))
    contains(err, 'cancelling batch', 'hung up')


@test
def ctrl_c_before_the_batch_began_hangs_up():
    def script_of(press):
        def script(daemon):
            stream = daemon.accept()
            press(after_result=False)
            stream.wait_hangup()
        return script

    code, _, err, _ = interrupt(script_of)
    equal(code, 3)
    contains(err, 'before the batch began')


@test
def a_cancel_that_is_refused_is_told_and_the_batch_goes_on():
    def script_of(press):
        def script(daemon):
            stream = daemon.accept()
            stream.begin_stream()
            stream.line(begin(2))
            stream.line(ok(0, 1))
            press()
            cancel = daemon.accept()
            cancel.problem(403, 'forbidden')
            cancel.wait_hangup()
            stream.line(ok(1, 2))
            stream.line(end(2, 'ok', ok=2))
            stream.end_stream()
        return script

    code, _, err, _ = interrupt(script_of)
    equal(code, 0)
    contains(err, 'status 403', 'ok: 2 ok')


# ---- a terminal ----

def on_terminal(script_of, *args, width=100, command=('submit', 'http://x.example/'), press=None, **env):
    """fetchctl with all of its descriptors on a pseudo terminal: (exit code, what was shown); @press(wait_shown, master, child)"""
    shown = []
    has_shown = threading.Condition()

    def wait_shown(text):
        with has_shown:
            assert has_shown.wait_for(lambda: text in b''.join(shown), WAIT), (text, b''.join(shown))

    def read(master):
        while True:
            try:
                data = os.read(master, 65536)
            except OSError:
                data = b''
            if not data:
                return
            with has_shown:
                shown.append(data)
                has_shown.notify_all()

    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 40, width, 0, 0))
    with Daemon(script_of(wait_shown)) as daemon:
        reader = threading.Thread(target=read, args=(master,), daemon=True)
        reader.start()
        before = termios.tcgetattr(slave)
        child = subprocess.Popen([FETCHCTL, command[0], '--socket', daemon.path, *command[1:], *args], stdin=slave,
                                 stdout=slave, stderr=slave, env=environment(**env))
        if press:
            press(wait_shown, master, child)
        code = child.wait(WAIT)
        equal(termios.tcgetattr(slave), before)
        os.close(slave)
        reader.join(WAIT)
    os.close(master)
    return code, b''.join(shown).decode()


def watched_batch(progress):
    def script_of(wait_shown):
        def script(daemon):
            stream = daemon.accept()
            stream.begin_stream()
            stream.line({**begin(3), 'deadline_ms': 90000})
            stream.line(FAILED)
            if progress:
                wait_shown(progress)
            stream.line(CANCELLED)
            stream.line(ok(0, 1))
            stream.line(end(3, 'failed', ok=1, failed=1, cancelled=1))
            stream.end_stream()
        return script
    return script_of


@test
def a_terminal_shows_progress_and_then_a_table():
    code, shown = on_terminal(watched_batch(b'1/3 done, 1 failed'))
    equal(code, 1)
    contains(shown, '1m', 's left', '\r\033[K', '\033[31mfailed   \033[0m', 'TIMING', '█', 'a whole bar is', 'failed: 1 ok')
    table = shown[shown.rindex('\033[K') + 3:]
    assert table.startswith('\033[1m  #  OUTCOME'), table


@test
def no_color_takes_the_colours_and_leaves_the_rest():
    _, shown = on_terminal(watched_batch(b'1/3 done'), NO_COLOR='1')
    assert '\033[3' not in shown and '\033[1m' not in shown, shown
    contains(shown, 'TIMING', '\033[K')


@test
def a_dumb_terminal_gets_no_escape_sequences():
    code, shown = on_terminal(watched_batch(None), TERM='dumb')
    equal(code, 1)
    assert '\033' not in shown, shown
    contains(shown, 'TIMING')


@test
def a_narrow_terminal_is_not_overrun():
    _, shown = on_terminal(watched_batch(b'1/3 done'), width=48, NO_COLOR='1')
    table = shown[shown.rindex('\033[K') + 3:].splitlines()
    assert all(len(line) <= 48 for line in table[:4]), table
    assert 'TIMING' not in table[0], table


METRICS = (b'fetchd_build_info{version="0.1.0"} 1\nfetchd_start_time_seconds 1\nfetchd_in_flight_requests %d\n'
           b'fetchd_in_flight_limit 16384\nfetchd_batches{state="running"} 2\nfetchd_batches{state="done"} 5\n')
ENTER, LEAVE = '\033[?1049h\033[?25l\033[?7l', '\033[?7h\033[?25h\033[?1049l'


def watched_stats(*numbers, last=None):
    def script_of(wait_shown):
        def script(daemon):
            for number in numbers:
                daemon.accept().answer(200, 'text/plain', METRICS % number)
                wait_shown(b'%d of 16384' % number)
            if last:
                last(daemon)
        return script
    return script_of


@test
def stats_are_printed_once():
    code, out, _, requests = run(reply(METRICS % 7, 'text/plain'), 'stats')
    equal((code, requests[0].target, requests[0].fields['accept']), (0, '/metrics', 'text/plain'))
    contains(out, 'in flight     7 of 16384\n', 'batches       2 running, 5 done\n', 'fetchd        0.1.0, up ')
    assert '\033' not in out and '/s' not in out, out
    code, _, err, _ = run(reply(b'<html>', 'text/plain'), 'stats')
    equal(code, 70)
    equal(run(answer(403, 'forbidden'), 'stats')[0], 5)


@test
def a_screen_is_for_terminals_that_can_rewrite():
    for command, body in ('stats', METRICS % 7), ('tree', b'run\n  main\n'):
        code, out, _, _ = run(reply(body, 'text/plain'), command, '--watch')
        equal(code, 0)
        assert '\033' not in out, out
        code, shown = on_terminal(lambda wait_shown: reply(body, 'text/plain'), command=(command, '--watch'), TERM='dumb')
        equal(code, 0)
        assert '\033' not in shown, shown


@test
def a_watched_screen_is_drawn_again_until_ctrl_c():
    def press(wait_shown, master, child):
        wait_shown(b'2 of 16384')
        child.send_signal(signal.SIGINT)

    code, shown = on_terminal(watched_stats(1, 2), command=('stats', '--watch'), press=press)
    equal(code, 0)
    assert shown.startswith(ENTER) and shown.endswith(LEAVE), shown
    contains(shown, '1 of 16384', '2 of 16384', '\033[1mqueue', '0.0/s')


@test
def a_watched_screen_has_no_colour_when_told():
    def press(wait_shown, master, child):
        wait_shown(b'1 of 16384')
        child.send_signal(signal.SIGTERM)

    code, shown = on_terminal(watched_stats(1), command=('stats', '--watch'), press=press, NO_COLOR='1')
    equal(code, 0)
    assert '\033[1m' not in shown and shown.endswith(LEAVE), shown


@test
def a_resized_window_is_drawn_anew_and_not_overrun():
    tree = b''.join(b'task %d\n' % i for i in range(60))

    def script_of(wait_shown):
        def script(daemon):
            daemon.accept().answer(200, 'text/plain', tree)
            wait_shown(b'task 39\033[K\033[J')  # of 40 rows
            daemon.accept().answer(200, 'text/plain', tree)
            wait_shown(b'task 9\033[K\033[J')
        return script

    def press(wait_shown, master, child):
        wait_shown(b'task 39')
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack('HHHH', 10, 40, 0, 0))
        child.send_signal(signal.SIGWINCH)
        wait_shown(b'task 9\033[K\033[J')
        child.send_signal(signal.SIGINT)

    code, shown = on_terminal(script_of, command=('tree', '--watch'), press=press)
    equal(code, 0)
    assert 'task 40' not in shown


@test
def what_ends_a_watched_screen_is_said_behind_it():
    code, shown = on_terminal(watched_stats(1, last=answer(503, 'draining')), command=('stats', '--watch'))
    equal(code, 7)
    contains(shown[shown.index(LEAVE):], 'A title (status 503)')


# ---- the other commands ----

@test
def list_prints_a_row_per_batch():
    batches = {'batches': [{**summary(3, ok=1, failed=1, timeout=1), 'outcome': 'failed', 'elapsed_ms': 1500, 'name': 'gate'},
                           {**summary(9, ok=2, pending=7), 'state': 'running', 'elapsed_ms': 10}]}
    code, out, _, requests = run(reply(batches), 'list', '--state', 'done', '--limit', '2')
    equal((code, requests[0].target), (0, '/v1/batches?state=done&limit=2'))
    _, done, running = out.splitlines()
    equal(done.split(), [ID, 'failed', 'fail_fast', '3', '1', '2', '0', '1.50s', 'gate'])
    equal(running.split(), [ID, 'running', 'fail_fast', '2', '2', '0', '0', '10.0ms'])

    code, out, _, _ = run(reply(batches), 'list', '-o', 'json')
    equal((code, json.loads(out)), (0, batches))
    code, out, err, _ = run(reply({'batches': []}), 'list')
    equal((code, out, err), (0, '', 'no batches\n'))


@test
def show_prints_a_batch_with_its_results():
    batch = {**summary(3, ok=1, failed=1, cancelled=1), 'outcome': 'failed', 'elapsed_ms': 53.1,
             'results': [{k: v for k, v in result.items() if k not in ('type', 'seq')} for result in (ok(0, 1), FAILED, CANCELLED)]}
    code, out, _, requests = run(reply(batch), 'show', 'a/../b')
    equal((code, requests[0].target), (0, '/v1/batches/a%2F..%2Fb'))
    contains(out, 'ok        200', 'failed    503', f'failed: 1 ok, 1 failed, 1 cancelled of 3 in 53.1ms, batch {ID}')
    code, out, _, _ = run(reply(batch), 'show', ID, '-o', 'json')
    equal((code, json.loads(out)), (0, batch))
    code, out, err, _ = run(reply(batch), 'show', ID, '-o', 'csv')
    equal((code, len(list(csv.DictReader(io.StringIO(out))))), (0, 3))
    code, _, err, _ = run(answer(404, 'not_found', detail='there is no batch x'), 'show', 'x')
    equal(code, 4)
    contains(err, 'there is no batch x')


@test
def cancel_tells_what_became_of_the_batch():
    code, out, _, requests = run(reply({**summary(2, ok=1, cancelled=1), 'outcome': 'cancelled', 'elapsed_ms': 12}), 'cancel', ID)
    equal((code, requests[0].method, requests[0].target), (0, 'POST', f'/v1/batches/{ID}/cancel'))
    equal(out, f'cancelled: 1 ok, 1 cancelled of 2 in 12.0ms, batch {ID}\n')


@test
def tree_prints_what_the_daemon_draws():
    code, out, _, requests = run(reply(b'run\n  server\n', 'text/plain'), 'tree')
    equal((code, out, requests[0].target, requests[0].fields['accept']), (0, 'run\n  server\n', '/v1/tree', 'text/plain'))


@test
def health_tells_alive_from_ready():
    def script(second):
        def both(daemon):
            daemon.accept().answer(200, 'application/json', {})
            second(daemon)
        return both

    code, out, _, requests = run(script(reply({})), 'health')
    equal((code, out), (0, 'live: yes\nready: yes\n'))
    equal([request.target for request in requests], ['/v1/health/live', '/v1/health/ready'])
    code, out, _, _ = run(script(reply({'status': 'degraded', 'store': 'disk is\033 full'})), 'health')
    equal((code, out), (0, 'live: yes\nready: yes\nstore: failed: disk is? full; '
                           'detached batches are refused until fetchd is restarted\n'))
    code, out, err, _ = run(script(answer(503, 'draining')), 'health')
    equal((code, out), (7, 'live: yes\nready: no\n'))
    contains(err, 'status 503')


@test
def version_asks_the_daemon_too():
    code, out, _, _ = run(reply({'version': '9.9'}), 'version')
    equal(code, 0)
    contains(out, 'fetchctl ', 'fetchd 9.9')
    done = fetchctl('--version')
    equal((done.returncode, done.stdout.split()[0]), (0, b'fetchctl'))


@test
def every_command_has_help():
    overview = fetchctl('--help')
    equal(overview.returncode, 0)
    for name in ('submit', 'list', 'show', 'results', 'wait', 'cancel', 'jobs list', 'jobs show', 'jobs run', 'jobs pause', 'jobs resume', 'tree',
                 'stats', 'health', 'config check', 'config show', 'config schema', 'reload', 'completion', 'version'):
        contains(overview.stdout.decode(), '  ' + name)
        done = fetchctl(*name.split(), '--help')
        equal(done.returncode, 0)
        contains(done.stdout.decode(), f'usage: fetchctl {name}', '--socket PATH')


@test
def a_group_of_commands_has_an_overview_and_a_default():
    done = fetchctl('jobs', '--help')
    equal(done.returncode, 0)
    contains(done.stdout.decode(), 'usage: fetchctl jobs', 'jobs list', '(the default)', 'jobs run NAME')
    assert 'submit' not in done.stdout.decode()
    for name, target in ('jobs', '/v1/jobs'), ('config', '/v1/config'):
        code, _, _, requests = run(reply({'jobs': [], 'settings': []}), name, '-o', 'json')
        equal((code, requests[0].target), (0, target))


# ---- jobs ----

def job(name, **more):
    return {'name': name, 'state': 'waiting', 'paused': False, 'every': '30s', 'jitter': '3s', 'next': '2100-01-01T00:00:00.000Z',
            'running': None, 'last': None, **more}


RUN = {'batch': ID, 'outcome': 'failed', 'started': '2026-11-22T21:30:00.000Z', 'elapsed_ms': 53.125,
       'counts': {'ok': 1, 'failed': 1, 'timeout': 1, 'cancelled': 0}}


@test
def jobs_are_listed_a_row_each():
    jobs = {'jobs': [job('api-health', last=RUN), {**job('nightly', state='paused', paused=True, next=None, jitter=None),
                                                  'every': None, 'calendar': 'Mon..Fri 02:30 Europe/Berlin'},
                     job('now', state='running', running=ID)]}
    code, out, err, requests = run(reply(jobs), 'jobs', TZ='UTC')
    equal((code, err, requests[0].target), (0, '', '/v1/jobs'))
    head, health, nightly, now = [line.split() for line in out.splitlines()]
    equal(head, ['NAME', 'STATE', 'NEXT', 'LEFT', 'LAST', 'ELAPSED', 'SCHEDULE'])
    equal(health[:5], ['api-health', 'waiting', 'Fri', '2100-01-01', '00:00:00'])
    equal(health[6:], ['failed', '53.1ms', 'every', '30s,', 'jitter', '3s'])
    equal(nightly, ['nightly', 'paused', '-', '-', '-', '-', 'Mon..Fri', '02:30', 'Europe/Berlin'])
    equal(now[:2], ['now', 'running'])
    code, out, _, _ = run(reply(jobs), 'jobs', '-o', 'json')
    equal((code, json.loads(out)), (0, jobs))
    code, out, _, _ = run(reply(jobs), 'jobs', '-o', 'names')
    equal((code, out), (0, 'api-health\nnightly\nnow\n'))
    equal(run(reply({'jobs': []}), 'jobs')[:3], (0, '', 'the configuration has no jobs\n'))


def run2(script, *args, **env):
    """run() for a command of two words"""
    with Daemon(script) as daemon:
        done = fetchctl(*args, '--socket', daemon.path, **env)
    return done.returncode, done.stdout.decode(), done.stderr.decode(), daemon.requests


@test
def a_job_is_shown_with_its_last_runs():
    answer_ = job('api-health', running=ID, runs=[RUN, {**RUN, 'outcome': 'ok', 'counts': {'ok': 3}}])
    code, out, _, requests = run2(reply(answer_), 'jobs', 'show', 'api health', TZ='UTC')
    equal((code, requests[0].method, requests[0].target), (0, 'GET', '/v1/jobs/api%20health'))
    state, schedule, _, _, failed, fine = out.splitlines()
    contains(state, f'api-health: waiting, batch {ID}, next Fri 2100-01-01 00:00:00 (in ')
    equal(schedule, 'schedule: every 30s, jitter 3s')
    equal(failed.split(), ['Sun', '2026-11-22', '21:30:00', 'failed', '53.1ms', '1', '2', '0', ID])
    equal(fine.split()[3:5], ['ok', '53.1ms'])
    contains(run2(reply(job('x', runs=[])), 'jobs', 'show', 'x')[1], 'no runs yet')
    code, out, _, _ = run2(reply(answer_), 'jobs', 'show', 'x', '-o', 'json')
    equal((code, json.loads(out)), (0, answer_))
    code, _, err, _ = run2(answer(404, 'not_found', detail='no such job'), 'jobs', 'show', 'x')
    equal(code, 4)
    contains(err, 'no such job', 'see: fetchctl jobs list')
    code, _, err, _ = run2(reply({'nothing': 1}), 'jobs', 'show', 'x')
    equal(code, 70)


@test
def a_job_is_run_paused_and_resumed():
    code, out, _, requests = run2(reply({'job': 'a', 'batch': ID}, status=202), 'jobs', 'run', 'a')
    equal((code, out, requests[0].method, requests[0].target), (0, f'a: batch {ID}\n', 'POST', '/v1/jobs/a/run'))
    code, out, _, _ = run2(reply({'job': 'a', 'batch': None}, status=202), 'jobs', 'run', 'a')
    equal((code, out), (0, 'a: queued behind the run that is going\n'))
    code, out, _, requests = run2(reply(job('a', state='paused', next=None)), 'jobs', 'pause', 'a')
    equal((code, out, requests[0].method, requests[0].target), (0, 'a: paused\n', 'POST', '/v1/jobs/a/pause'))
    code, out, _, requests = run2(reply(job('a')), 'jobs', 'resume', 'a', TZ='UTC')
    equal((code, requests[0].target), (0, '/v1/jobs/a/resume'))
    contains(out, 'a: waiting, next Fri 2100-01-01 00:00:00 (in ')
    contains(run2(answer(409, 'conflict'), 'jobs', 'run', 'a')[2], 'see: fetchctl jobs list', 'try again later')
    for status, expected in (403, 5), (404, 4), (409, 7), (429, 7), (503, 7):
        for verb in 'run', 'pause', 'resume':
            equal(run2(answer(status, 'a_code'), 'jobs', verb, 'a')[0], expected)


@test
def a_run_that_has_to_wait_is_waited_for():
    later = ID[:-1] + '2'

    def script(*answers):
        def play(daemon):
            daemon.accept().answer(202, 'application/json', {'job': 'a', 'batch': None, 'running': ID})
            for answer_ in answers:
                daemon.accept().answer(200, 'application/json', answer_)
            if answers[-1]['running']:
                results_that_end('failed')(daemon)
        return play

    waiting = job('a', state='running', running=ID, queued=True, runs=[])
    begins = job('a', queued=True, runs=[RUN])
    code, out, err, requests = run2(script(waiting, begins, job('a', state='running', running=later, queued=False, runs=[RUN])),
                                    'jobs', 'run', 'a', '--wait', '-o', 'lines')
    equal((code, [request.target for request in requests]),
          (1, ['/v1/jobs/a/run', '/v1/jobs/a', '/v1/jobs/a', '/v1/jobs/a', f'/v1/batches/{later}/results']))
    contains(err, f'waiting for the end of the run that is going, batch {ID}')
    contains(out, 'http://site.example/0')
    code, out, err, _ = run2(script(waiting, job('a', queued=False, runs=[RUN])), 'jobs', 'run', 'a', '--wait')
    equal((code, out), (7, ''))
    contains(err, 'there was no run')
    equal(run2(reply({'job': 'a', 'batch': None}, status=202), 'jobs', 'run', 'a', '--wait')[0], 70)
    code, out, _, _ = run2(reply({'job': 'a', 'batch': ID}, status=202), 'jobs', 'run', 'a', '-o', 'json')
    equal((code, json.loads(out)), (0, {'job': 'a', 'batch': ID}))


@test
def a_paused_job_says_so_while_a_run_is_going():
    busy = job('a', state='running', running=ID, paused=True, next=None, runs=[])
    equal(run2(reply(busy), 'jobs', 'pause', 'a')[1], f'a: running, batch {ID}, paused\n')
    contains(run(reply({'jobs': [busy]}), 'jobs')[1], 'a     running  paused ')


# ---- the configuration ----

@test
def reload_tells_the_verdict():
    code, out, err, requests = run(reply({'generation': 3, 'needs_restart': []}), 'reload')
    equal((code, out, err), (0, 'reloaded: generation 3\n', ''))
    equal((requests[0].method, requests[0].target), ('POST', '/v1/reload'))
    code, out, err, _ = run(reply({'generation': 3, 'needs_restart': ['workers', 'store.path']}), 'reload')
    equal((code, out), (0, 'reloaded: generation 3\nneeds a restart: workers\nneeds a restart: store.path\n'))
    contains(err, 'systemctl restart fetchd')
    warning = {'source': '/etc/fetchd/fetchd.yaml', 'pointer': '/defaults/timeout', 'line': 8, 'column': 22, 'detail': 'is more',
               'code': 'timeout-over-deadline'}
    code, out, err, _ = run(reply({'generation': 3, 'needs_restart': [], 'warnings': [warning]}), 'reload')
    equal((code, out), (0, 'reloaded: generation 3\n'))
    equal(err, 'fetchctl: legal, but perhaps not meant:\n'
               '  /etc/fetchd/fetchd.yaml:8:22: /defaults/timeout: is more [timeout-over-deadline]\n')


@test
def a_reload_of_an_invalid_configuration_names_every_place():
    errors = [{'source': '/etc/fetchd/fetchd.yaml', 'pointer': '/defaults/timeot', 'line': 7, 'column': 3, 'detail': 'unknown field',
               'suggestion': 'timeout'},
              {'source': '/etc/fetchd/conf.d/a.yaml', 'pointer': '', 'detail': 'is empty'}]
    code, out, err, _ = run(answer(422, 'invalid_config', errors=errors), 'reload')
    equal((code, out), (8, ''))
    contains(err, 'see: fetchctl config check')
    equal(err.splitlines()[1:3], ['  /etc/fetchd/fetchd.yaml:7:3: /defaults/timeot: unknown field (did you mean "timeout"?)',
                                 '  /etc/fetchd/conf.d/a.yaml: is empty'])
    equal(run(answer(503, 'draining'), 'reload')[0], 7)
    equal(run(answer(403, 'forbidden'), 'reload')[0], 5)


@test
def the_configuration_is_shown_with_its_origins():
    config = {'generation': 1, 'settings': [
        {'key': 'workers', 'value': '1'},
        {'key': 'defaults.timeout', 'value': '5s', 'source': '/etc/fetchd/fetchd.yaml', 'line': 7}]}
    code, out, _, requests = run(reply(config), 'config')
    equal((code, requests[0].target), (0, '/v1/config'))
    equal(out, 'workers           1\ndefaults.timeout  5s\n')
    code, out, _, _ = run2(reply(config), 'config', 'show', '--origin')
    equal((code, out), (0, 'workers           1  # default\ndefaults.timeout  5s  # /etc/fetchd/fetchd.yaml:7\n'))
    code, out, _, _ = run2(reply(config), 'config', 'show', '-o', 'json')
    equal((code, json.loads(out)), (0, config))
    code, out, err, _ = run2(reply({**config, 'needs_restart': ['workers', 'store.path']}), 'config', 'show')
    equal((code, out, err), (0, 'workers           1\ndefaults.timeout  5s\n',
                             'fetchctl: these count only after a restart: workers, store.path\n'))
    equal(run2(reply([]), 'config', 'show')[0], 70)


def with_fetchd(place, script, *args):
    """A copy of fetchctl in bin, and a fetchd of ours at @place beside it: (exit code, stdout, stderr)"""
    with tempfile.TemporaryDirectory() as prefix:
        os.mkdir(prefix + '/bin')
        shutil.copy(FETCHCTL, prefix + '/bin/fetchctl')
        path = f'{prefix}/{place}/fetchd'
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w') as file:
            file.write('#!/bin/sh\n' + script)
        os.chmod(path, 0o755)
        done = subprocess.run([prefix + '/bin/fetchctl', *args], capture_output=True, timeout=WAIT,
                              env=environment(PATH=f'{prefix}/path:/usr/bin:/bin'))
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@test
def a_configuration_is_checked_by_the_fetchd_of_the_same_installation():
    for place in 'bin', 'sbin', 'path':
        equal(with_fetchd(place, 'echo "$@"', 'config', 'check', 'a b.yaml'), (0, '--check --config a b.yaml\n', 'a b.yaml is valid\n'))
    equal(with_fetchd('sbin', 'echo "$@"', 'config', 'check'), (0, '--check\n', 'the configuration is valid\n'))
    equal(with_fetchd('sbin', 'echo bad >&2; exit 78', 'config', 'check', 'x'), (8, '', 'bad\n'))
    equal(with_fetchd('sbin', 'echo "$@"; exit 9', 'config', 'check', '--strict', 'x'),
          (9, '--check --strict --config x\n', ''))
    equal(with_fetchd('sbin', 'echo "$@"', 'config', 'schema'), (0, '--schema\n', ''))
    equal(with_fetchd('sbin', 'exit 1', 'config', 'schema')[0], 70)
    code, _, err = with_fetchd('sbin', 'kill -9 $$', 'config', 'check')
    equal(code, 70)
    contains(err, 'cannot run fetchd')


# ---- completion ----

class Shell:
    """An interactive shell on a pseudo terminal."""

    def __init__(self, command, **env):
        self.folder = tempfile.TemporaryDirectory()
        os.symlink(FETCHCTL, self.folder.name + '/fetchctl')
        env = environment(PATH=self.folder.name + ':' + os.environ['PATH'], HOME=self.folder.name, PS1='> ', **env)
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 40, 200, 0, 0))
        self.child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=env, cwd=self.folder.name,
                                      start_new_session=True)
        os.close(slave)
        self.shown = b''

    def expect(self, text):
        """Reads until @text was shown, escape sequences aside, and forgets what was."""
        while text not in self.plain():
            assert select.select([self.master], [], [], WAIT)[0], f'{text!r} does not come:\n{self.plain()}'
            self.shown += os.read(self.master, 65536)
        self.shown = b''

    def plain(self):
        text = re.sub(r'\x1b(\[[0-9;?]*[a-zA-Z]|[=>])', '', self.shown.decode(errors='replace'))
        while '\b' in text.lstrip('\b'):
            text = re.sub('[^\b]\b', '', text.lstrip('\b'))
        return text

    def type(self, text):
        os.write(self.master, text.encode())

    def complete(self, typed, expected):
        self.type(typed + '\t')
        self.expect(expected)
        self.type('\x15')  # Ctrl-U: forget the line

    def close(self):
        self.child.kill()
        self.child.wait()
        os.close(self.master)
        self.folder.cleanup()


COMPLETIONS = (
    ('fetchctl su', 'fetchctl submit '), ('fetchctl submit --pol', '--policy'), ('fetchctl submit --policy first', 'first_success'),
    ('fetchctl submit -p col', 'collect'), ('fetchctl jobs pa', 'jobs pause'), ('fetchctl jobs --ou', '--output'),
    ('fetchctl jobs -o na', 'names'), ('fetchctl jobs list --out', '--output'), ('fetchctl config check a-fi', 'a-file.yaml'),
    ('fetchctl submit -f a-fi', 'a-file.yaml'), ('fetchctl completion fi', 'completion fish'), ('fetchctl list --state susp', 'suspended'))


def complete_in(name, command, prepare):
    if not shutil.which(name):
        return f'SKIP no {name}'
    with Daemon(reply({'jobs': [job('api-health'), job('nightly')]})) as daemon:
        shell = Shell(command, FETCHD_SOCKET=daemon.path)
        try:
            open(shell.folder.name + '/a-file.yaml', 'w').close()
            shell.type(prepare)
            shell.expect('ready')
            for typed, expected in COMPLETIONS:
                shell.complete(typed, expected)
            shell.complete('fetchctl jobs show api', 'api-health')
        finally:
            shell.close()


@test
def bash_completes():
    return complete_in('bash', ['bash', '--norc', '--noprofile', '-i'],
                       'source <(fetchctl completion bash); echo rea"d"y\n')


@test
def zsh_completes():
    return complete_in('zsh', ['zsh', '-f', '-i'], 'autoload -Uz compinit; compinit -u -D; bindkey -e; '
                       'source <(fetchctl completion zsh); echo rea"d"y\n')


@test
def fish_completes():
    if not shutil.which('fish'):
        return 'SKIP no fish'
    with tempfile.TemporaryDirectory() as folder, Daemon(reply({'jobs': [job('api-health'), job('nightly')]})) as daemon:
        os.symlink(FETCHCTL, folder + '/fetchctl')
        open(folder + '/a-file.yaml', 'w').close()
        env = environment(PATH=folder + ':' + os.environ['PATH'], HOME=folder, FETCHD_SOCKET=daemon.path)
        for typed, expected in *COMPLETIONS, ('fetchctl jobs show api', 'api-health'):
            done = subprocess.run(['fish', '-N', '-c', f'fetchctl completion fish | source; complete -C "{typed}"'],
                                  capture_output=True, timeout=WAIT, env=env, cwd=folder)
            equal(done.stderr, b'')
            equal((typed, done.stdout.decode().split('\t')[0].split('\n')[0]), (typed, expected.split()[-1]))


def batch_of_nobody(daemon):
    """The caller ends when it cannot write, maybe before it has read all."""
    with contextlib.suppress(BrokenPipeError):
        batch_that_ends('ok')(daemon)


@test
def an_output_that_is_full_is_an_error():
    for args in ['version'], ['submit', 'http://x.example/']:
        with Daemon(batch_of_nobody if args[0] == 'submit' else lambda daemon: None) as daemon:
            with open('/dev/full', 'w') as full:
                done = subprocess.run([FETCHCTL, *args, '--socket', daemon.path], stdout=full, stderr=subprocess.PIPE,
                                      timeout=WAIT, env=environment())
        equal((args, done.returncode), (args, 70))
        contains(done.stderr.decode(), 'cannot write the output')


def main():
    print(f'1..{len(TESTS)}')
    n_failed = 0
    for number, function in enumerate(TESTS, 1):
        try:
            skipped = function()
            print(f'ok {number} {function.__name__}' + (f' # {skipped}' if skipped else ''), flush=True)
        except Exception:
            n_failed += 1
            print(f'not ok {number} {function.__name__}', flush=True)
            print('# ' + traceback.format_exc().replace('\n', '\n# '), flush=True)
    return 1 if n_failed else 0


sys.exit(main())
