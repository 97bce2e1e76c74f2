# SPDX-License-Identifier: MIT
"""What tests in Python share: fetchd that is stopped, killed and started again over one store."""
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import traceback

WAIT = 60  # seconds; only a failure takes that long


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__('fetchd', timeout=WAIT)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(WAIT)
        self.sock.connect(self.path)


class Answer:
    def __init__(self, response):
        self.status, self.fields, self.body = response.status, response.headers, response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def lines(self):
        return [json.loads(line) for line in self.body.splitlines()]


class Fetchd:
    """One daemon after another, with one folder, one socket and one store."""

    def __init__(self, program, config='{}', env=None):
        self.program, self.env = program, env or {}
        self.folder = tempfile.TemporaryDirectory(prefix='fetchd-')
        self.socket, self.store = self.folder.name + '/api.sock', self.folder.name + '/store'
        self.log_path = self.folder.name + '/log'
        self.process = None
        self.configure(config)

    def configure(self, config):
        with open(self.folder.name + '/fetchd.yaml', 'w') as file:
            file.write(config.replace('$STORE', self.store))

    def spawn(self):
        with open(self.log_path, 'ab') as log:
            return subprocess.Popen([self.program, '--socket', self.socket, '--config', self.folder.name + '/fetchd.yaml'],
                                    stderr=log, stdout=log,
                                    env={**os.environ, 'NOTIFY_SOCKET': self.folder.name + '/notify', **self.env})

    def start(self):
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        if os.path.exists(self.folder.name + '/notify'):
            os.unlink(self.folder.name + '/notify')
        self.notify.bind(self.folder.name + '/notify')
        self.process = self.spawn()
        self.wait_notify('READY=1')
        return self

    def wait_notify(self, text):
        """Until it has told the service manager something with this text."""
        self.notify.settimeout(1)
        while True:
            try:
                if text in self.notify.recv(4096).decode():
                    return
            except TimeoutError:
                assert self.process.poll() is None, f'fetchd ended before {text}: {self.log()}'

    def log(self):
        with open(self.log_path) as file:
            return file.read()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.wait()

    def wait(self):
        status = self.process.wait(WAIT)
        self.notify.close()
        assert status == 0, f'exit status {status}: {self.log()}'

    def kill(self):
        self.process.kill()
        self.process.wait(WAIT)
        self.notify.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *error):
        if self.process.poll() is None:
            if error[0]:
                self.kill()
            else:
                self.stop()
        self.folder.cleanup()

    # ---- the API ----

    def call(self, method, target, body=None, **fields):
        connection = UnixConnection(self.socket)
        try:
            connection.request(method, target, json.dumps(body) if isinstance(body, (dict, list)) else body,
                               {name.replace('_', '-'): value for name, value in fields.items()})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, target):
        return self.call('GET', target)

    def detach(self, body, **fields):
        return self.call('POST', '/v1/batches', body, Prefer='respond-async', **fields)

    def accept(self, body, **fields):
        answer = self.detach(body, **fields)
        assert answer.status == 202, (answer.status, answer.body)
        return answer.json['id']

    def wait_end(self, batch):
        """Follows it to its end; its whole answer."""
        answer = self.get(f'/v1/batches/{batch}/results')
        assert answer.lines[-1]['type'] == 'end', answer.body
        return self.get(f'/v1/batches/{batch}').json

    def wait_results(self, batch, n):
        """Until so many are on disk."""
        connection = UnixConnection(self.socket)
        connection.request('GET', f'/v1/batches/{batch}/results')
        response = connection.getresponse()
        lines = [json.loads(response.readline()) for _ in range(n)]
        connection.close()
        return lines


class Origin:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ports = dict(word.split('=') for word in self.process.stdout.readline().split()[1:])

    def url(self, path):
        return f'http://127.0.0.1:{self.ports["http"]}{path}'

    def command(self, text):
        self.process.stdin.write(text + '\n')
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def release(self, name):
        return self.command('release ' + name)

    def wait(self, condition):
        answer = self.command(f'wait {condition} {WAIT * 1000}')
        assert answer.startswith('reached'), answer

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.stdin.close()
        self.process.wait(WAIT)


def equal(found, wanted):
    assert found == wanted, f'{found!r} and not {wanted!r}'


def run_tests(tests):
    """Prints TAP. Return: the exit status."""
    print(f'1..{len(tests)}')
    n_failed = 0
    for number, function in enumerate(tests, 1):
        try:
            note = function()
            print(f'ok {number} {function.__name__}' + (f' # {note}' if note else ''), flush=True)
        except Exception:
            n_failed += 1
            print(f'not ok {number} {function.__name__}', flush=True)
            print('# ' + traceback.format_exc().replace('\n', '\n# '), flush=True)
    return 1 if n_failed else 0
