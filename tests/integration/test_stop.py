#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Who is lost at a stop: nobody. Whose request the socket took has an answer; whose it did not take knows by the
error of connect() or send() that nothing has happened. That holds at any moment of the stop, so no test depends on
how far the daemon has come; where it stands still (SIGSTOP) meanwhile, everything comes at once.

    test_stop.py FETCHD T_ORIGIN          TAP
"""
import os
import signal
import socket
import subprocess
import sys
import threading

from detached_kit import WAIT, Fetchd, Origin, equal, run_tests

FETCHD, T_ORIGIN = sys.argv[1:]
N_CALLERS = 200  # fewer than a user may have, and more than a turn of the loop accepts
LIVE = b'GET /v1/health/live HTTP/1.1\r\nHost: fetchd\r\n\r\n'

TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Caller:
    """A connection, of which is known what was sent and what came."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(WAIT)
        self.sock.connect(path)
        self.input = self.sock.makefile('rb')

    def send(self, data):
        """Return: whether it was taken."""
        try:
            self.sock.sendall(data)
            return True
        except BrokenPipeError:
            return False

    def read(self):
        """Return: the status of a whole answer and whether the connection goes on; None at the end of input."""
        line = self.input.readline()
        if not line:
            return None
        fields = dict(line.lower().rstrip().split(b': ', 1) for line in iter(self.input.readline, b'\r\n'))
        body = self.input.read(int(fields[b'content-length']))
        equal(len(body), int(fields[b'content-length']))
        return int(line.split()[1]), fields.get(b'connection') != b'close'

    def close(self):
        self.input.close()
        self.sock.close()


def hold(daemon):
    """The daemon stands still from now on."""
    daemon.process.send_signal(signal.SIGSTOP)
    os.waitpid(daemon.process.pid, os.WUNTRACED)


def stop_and_go_on(daemon):
    daemon.process.send_signal(signal.SIGTERM)
    daemon.process.send_signal(signal.SIGCONT)


@test
def whoever_has_asked_is_answered():
    with Fetchd(FETCHD) as daemon:
        hold(daemon)
        callers = [Caller(daemon.socket) for _ in range(N_CALLERS)]
        for caller in callers:
            assert caller.send(LIVE)
        stop_and_go_on(daemon)
        for caller in callers:
            equal(caller.read()[0], 200)
            equal(caller.read(), None)
        daemon.wait()
        assert not os.path.exists(daemon.socket)


@test
def so_is_who_asks_again():
    with Fetchd(FETCHD) as daemon:
        callers = [Caller(daemon.socket) for _ in range(N_CALLERS)]
        for caller in callers:
            assert caller.send(LIVE)
            equal(caller.read(), (200, True))
        hold(daemon)
        for caller in callers:
            assert caller.send(LIVE)
        stop_and_go_on(daemon)
        for caller in callers:
            equal(caller.read()[0], 200)
        daemon.wait()


@test
def whoever_asks_later_is_answered_or_refused():
    with Fetchd(FETCHD) as daemon:
        hold(daemon)
        callers = [Caller(daemon.socket) for _ in range(N_CALLERS)]
        stop_and_go_on(daemon)
        daemon.wait_notify('STOPPING=1')
        n_taken = 0
        for caller in callers:
            if caller.send(LIVE):
                n_taken += 1
                equal(caller.read()[0], 200)
            else:
                equal(caller.read(), None)
        daemon.wait()
        return f'{n_taken} of {N_CALLERS} were in time'


@test
def a_part_of_a_request_is_answered_too():
    with Fetchd(FETCHD) as daemon:
        used, fresh = Caller(daemon.socket), Caller(daemon.socket)
        assert used.send(LIVE)
        equal(used.read(), (200, True))
        hold(daemon)
        for caller in (used, fresh):
            assert caller.send(LIVE[:20])
        stop_and_go_on(daemon)
        for caller in (used, fresh):
            is_whole = caller.send(LIVE[20:])
            status, goes_on = caller.read()
            assert status == (200 if is_whole else 503), (status, is_whole)
            assert not goes_on
        daemon.wait()


@test
def silent_callers_hold_up_no_stop():
    with Fetchd(FETCHD) as daemon:
        callers = [Caller(daemon.socket) for _ in range(N_CALLERS)]
        daemon.get('/v1/health/live')
        daemon.stop()
        for caller in callers:
            equal(caller.read(), None)


@test
def a_second_signal_waits_for_nobody():
    with Fetchd(FETCHD) as daemon:
        caller = Caller(daemon.socket)
        assert caller.send(b'GET /v1/health')
        daemon.get('/v1/health/live')
        daemon.process.send_signal(signal.SIGTERM)
        daemon.wait_notify('STOPPING=1')
        daemon.process.send_signal(signal.SIGINT)
        daemon.wait()


class Load:
    """Callers that ask all the time until nobody lets them in: on one connection, on one each, or for a batch."""

    def __init__(self, daemon, batch):
        self.path, self.errors, self.n = daemon.socket, [], 0
        body = f'{{"urls":["{batch}"]}}'
        post = f'POST /v1/batches HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}'.encode()
        self.threads = [threading.Thread(target=self.run, args=args)
                        for args in ((LIVE, 1), (LIVE, 50), (post, 1), (post, 50))]
        self.ready = threading.Semaphore(0)
        for thread in self.threads:
            thread.start()

    def run(self, request, n_on_one):
        try:
            n = 0
            while self.visit(request, n_on_one):
                n += 1
                if n == 5:
                    self.ready.release()
                self.n += 1
        except Exception as error:  # pylint: disable=broad-except
            self.errors.append(repr(error))
            self.ready.release()

    def visit(self, request, n_on_one):
        try:
            caller = Caller(self.path)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        try:
            for _ in range(n_on_one):
                if not caller.send(request):
                    equal(caller.read(), None)  # what is refused has no answer either
                    break
                status, goes_on = caller.read() or ('no answer', False)
                assert status in (200, 503), status
                if not goes_on:
                    break
            return True
        finally:
            caller.close()

    def wait_ready(self):
        for _ in self.threads:
            assert self.ready.acquire(timeout=WAIT)

    def wait(self):
        for thread in self.threads:
            thread.join(WAIT)
        equal(self.errors, [])


@test
def nothing_is_lost_under_load():
    n = 0
    for _ in range(5):
        with Origin(T_ORIGIN) as origin, Fetchd(FETCHD) as daemon:
            load = Load(daemon, origin.url('/ok'))
            load.wait_ready()
            daemon.stop()
            load.wait()
            n += load.n
    return f'{n} visits'


class Activated(Fetchd):
    """The socket is the service manager's."""

    def __enter__(self):
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.socket)
        self.listener.listen(1024)
        return super().__enter__()

    def spawn(self):
        script = f'exec 3<&{self.listener.fileno()}; LISTEN_PID=$$ exec "$@"'
        with open(self.log_path, 'ab') as log:
            return subprocess.Popen(
                ['bash', '-c', script, 'bash', self.program, '--config', self.folder.name + '/fetchd.yaml'],
                stderr=log, stdout=log, pass_fds=[self.listener.fileno()],
                env={**os.environ, 'NOTIFY_SOCKET': self.folder.name + '/notify', 'LISTEN_FDS': '1', 'LISTEN_FDNAMES': 'api'})


@test
def whoever_waits_at_a_passed_socket_is_left_to_the_next():
    with Activated(FETCHD) as daemon:
        hold(daemon)
        callers = [Caller(daemon.socket) for _ in range(N_CALLERS)]
        for caller in callers:
            assert caller.send(LIVE)
        stop_and_go_on(daemon)
        daemon.wait()
        late = Caller(daemon.socket)
        assert late.send(LIVE)

        daemon.start()
        for caller in [*callers, late]:
            equal(caller.read()[0], 200)
            caller.close()


@test
def no_caller_of_a_passed_socket_notices_a_restart():
    with Origin(T_ORIGIN) as origin, Activated(FETCHD) as daemon:
        load = Load(daemon, origin.url('/ok'))
        load.wait_ready()
        for _ in range(5):
            daemon.stop()
            daemon.start()
        os.unlink(daemon.socket)
        load.wait()
        return f'{load.n} visits'


sys.exit(run_tests(TESTS))
