# SPDX-License-Identifier: MIT
"""What is started to be measured, or to be fetched from: nginx, the scripted origin, fetchd."""
import json
import os
import re
import signal
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SUPPORT = os.path.join(HERE, "..", "support")

SERVER_CPU, CLIENT_CPU = 1, 0
ANSWER_S = 600

CONFIG = """\
limits: {in_flight: 16384, per_origin: 16384, batch_urls: 1000000}
defaults: {deadline: 590s, timeout: 500s}
"""


def pinned(cpu, *command):
    return ["taskset", "-c", str(cpu), *command]


def resident_kib(pid, which="VmRSS"):
    """0 when it has just ended."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next((int(line.split()[1]) for line in file if line.startswith(f"{which}:")), 0)


class Origin:
    """The scripted origin (tests/support/origin.h): commands in, replies out."""

    def __init__(self, build):
        self.process = subprocess.Popen(
            pinned(SERVER_CPU, f"{build}/tests/support/t_origin"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        ports = dict(word.split("=") for word in self.process.stdout.readline().split()[1:])
        self.port = int(ports["http"])
        self.n_urls = 0

    def url(self, path):
        """The addresses take turns: each may have its own pairs of ports in TIME_WAIT."""
        return f"http://{self.address()}:{self.port}{path}"

    def address(self):
        return f"127.0.0.{1 + self.n_urls % 8}"

    def next_address(self):
        self.n_urls += 1

    def command(self, line):
        self.process.stdin.write(line + "\n")
        return self.process.stdout.readline().strip()

    def counts(self):
        return {k: int(v) for k, v in (w.split("=") for w in self.command("counts").split()[1:])}

    def reaches(self, condition, seconds):
        return self.command(f"wait {condition} {seconds * 1000}") == "reached"

    def wait(self, condition, seconds=240):
        if not self.reaches(condition, seconds):
            raise SystemExit(f"origin: {condition} not reached: {self.counts()}")

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


class Nginx:
    def __init__(self, folder):
        self.process = subprocess.Popen(
            pinned(SERVER_CPU, f"{SUPPORT}/nginx.sh", "hold", f"{folder}/nginx"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        words = self.process.stdout.readline().split()
        if not words:
            raise SystemExit("nginx does not start")
        known = dict(word.split("=") for word in words)
        self.base = f"http://127.0.0.1:{known['NGINX_HTTP']}"
        self.tls_base = f"https://127.0.0.1:{known['NGINX_HTTPS']}"
        self.fresh_base = f"https://127.0.0.1:{known['NGINX_FRESH']}"
        self.ca = known["NGINX_CA"]

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


class Fetchd:
    """The daemon, ready when it says so. CPU and memory are what /proc says of it."""

    n_started = 0

    def __init__(self, build, folder, config=""):
        Fetchd.n_started += 1
        self.socket = f"{folder}/api{Fetchd.n_started}.sock"
        path, notify = f"{folder}/fetchd{Fetchd.n_started}.yaml", f"{folder}/notify{Fetchd.n_started}"
        with open(path, "w", encoding="ascii") as file:
            file.write(CONFIG + config)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(notify)
            ready.settimeout(20)
            self.process = subprocess.Popen(
                pinned(CLIENT_CPU, f"{build}/daemon/fetchd", "--config", path, "--socket", self.socket),
                env=dict(os.environ, NOTIFY_SOCKET=notify), stderr=subprocess.DEVNULL)
            while b"READY=1" not in ready.recv(4096).split(b"\n"):
                pass
        self.pid = self.process.pid

    def cpu_ns(self):
        total = 0
        for thread in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{thread}/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[0])
        return total

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(timeout=60) != 0:
            raise SystemExit(f"fetchd ended with {self.process.returncode}")


def batch_request(urls, stream=False, **options):
    """HTTP for one batch, a URL a line; as JSON where an option is more than a word."""
    query, kind = "&".join(f"{name}={value}" for name, value in options.items()), "text/plain"
    if any(isinstance(value, dict) for value in options.values()):
        urls, query, kind = [json.dumps(options), *map(json.dumps, urls)], "", "application/x-ndjson"
    body = "\n".join(urls).encode()
    accept = "application/x-ndjson" if stream else "application/json"
    head = (f"POST /v1/batches?{query} HTTP/1.1\r\nHost: fetchd\r\nContent-Type: {kind}\r\n"
            f"Accept: {accept}\r\nContent-Length: {len(body)}\r\n\r\n")
    return head.encode() + body


class Connection:
    """One connection to fetchd, with as little of Python between as there can be."""

    def __init__(self, fetchd):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(ANSWER_S)
        self.socket.connect(fetchd.socket)
        self.rest, self.read_ns = b"", 0
        self.buffer = memoryview(bytearray(1 << 18))

    def post(self, urls, stream=False, **options):
        self.socket.sendall(batch_request(urls, stream, **options))

    def more(self):
        n = self.socket.recv_into(self.buffer)
        self.read_ns = time.monotonic_ns()  # of the answer's end, when nothing more comes
        if not n:
            raise SystemExit("fetchd closed the connection")
        return bytes(self.buffer[:n])

    def answer(self):
        """The whole answer's body; parsed by nobody yet."""
        data = self.rest
        while b"\r\n\r\n" not in data:
            data += self.more()
        head, data = data.split(b"\r\n\r\n", 1)
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        if b"content-length" in fields:
            return self._read_length(data, int(fields[b"content-length"]))
        return self._read_chunks(data)

    def _read_length(self, data, length):
        parts, n = [data], len(data)
        while n < length:
            parts.append(self.more())
            n += len(parts[-1])
        data = b"".join(parts)
        self.rest = data[length:]
        return data[:length]

    def _read_chunks(self, data):
        parts, tail = [data], data[-5:]
        while tail != b"0\r\n\r\n":  # no line of JSON can look like that
            parts.append(self.more())
            tail = (tail + parts[-1])[-5:]
        data, body, at = b"".join(parts), [], 0
        while True:
            end = data.index(b"\r\n", at)
            size = int(data[at:end], 16)
            if size == 0:
                self.rest = data[end + 4:]
                return b"".join(body)
            body.append(data[end + 2:end + 2 + size])
            at = end + 4 + size

    def close(self):
        self.socket.close()


def counts_of(answer):
    """The summary: before the results of a collected answer, in a stream's last line."""
    text = answer[-1000:] if answer[:1000].startswith(b'{"type"') else answer[:1000]
    found = re.search(rb'"counts":(\{[^}]*\})', text)
    if not found:
        raise SystemExit(f"no batch: {answer[:500]}")
    return json.loads(found[1])


def expect_counts(answer, **expected):
    counts = counts_of(answer)
    for name, n in expected.items():
        if counts.get(name, 0) != n:
            raise SystemExit(f"expected {expected}, got {counts}")
