# SPDX-License-Identifier: GPL-3.0-or-later
"""page - a daemon with a page, runs that can be made to grow, and a reader of event streams."""

import contextlib
import gzip
import http.client
import json
import os
import pathlib
import random
import re
import socket
import subprocess
import sys
import urllib.parse
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import programs  # noqa: E402
from programs import CLI, until  # noqa: E402

LOCAL = "127.0.0.1"


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.raw = response.read()
        packed = self.headers.get("Content-Encoding") == "gzip"
        self.body = gzip.decompress(self.raw) if packed else self.raw

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json["error"]["code"]


class Page:
    """A running daemon with HTTP, in a folder."""

    def __init__(self, folder, endpoint, process):
        self.folder, self.endpoint, self.process = folder, endpoint, process
        self.port = port_of(folder)

    def connect(self, timeout=20):
        return http.client.HTTPConnection(LOCAL, self.port, timeout=timeout)

    def ask(self, path, method="GET", body=None, headers=()):
        connection = self.connect()
        try:
            connection.request(method, path, body=body, headers=dict(headers))
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def raw(self, text, timeout=20):
        """Bytes as they are; what comes back until the other side ends, or all is there.  It may
        end before it has all of them."""
        got = b""
        with socket.create_connection((LOCAL, self.port), timeout=timeout) as s:
            with contextlib.suppress(ConnectionError):
                s.sendall(text if isinstance(text, bytes) else text.encode())
            with contextlib.suppress(OSError):  # ENOTCONN
                s.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionError):
                while part := s.recv(65536):
                    got += part
        return got.decode(errors="replace")

    def run_program(self, *words, ok=True):
        return programs.ionwatch(*words, "--endpoint", self.endpoint, ok=ok)

    def json_of(self, *words):
        return json.loads(self.run_program(*words, "--json").stdout)

    def token(self, role):
        for line in (self.folder / "data" / "http_tokens").read_text().splitlines():
            if line.split()[0] == role:
                return line.split()[1]
        raise AssertionError(f"no token of the {role}")

    def log(self):
        return (self.folder / "daemon.log").read_text()


def port_of(folder):
    found = re.findall(r"http\.listen \S+ http://[^:]*:(\d+)/", (folder / "daemon.log").read_text())
    return int(found[-1]) if found else None


@contextlib.contextmanager
def page(*options, folder=None, http=f"{LOCAL}:0"):
    with contextlib.ExitStack() as stack:
        folder = folder or stack.enter_context(programs.workfolder())
        endpoint = f"ipc://{folder}/iw.sock"
        stack.callback(sound, folder)
        process = stack.enter_context(programs.daemon(
            folder, endpoint,
            options=("--http", http, "--publish-every-s", "0.1", *map(str, options))))
        yield Page(folder, endpoint, process)


def sound(folder):
    """A sanitizer, where the daemon was built with one, has nothing to say."""
    log = (folder / "daemon.log").read_text()
    assert "Sanitizer" not in log and "runtime error" not in log, log[-5000:]


def quoted(name):
    return urllib.parse.quote(name, safe="")


def header(role_token):
    return {"Authorization": f"Bearer {role_token}"}


OURS = {"X-Ionwatch": "1"}


class Run:
    """A run whose frames are written to a file that `ionwatch follow` streams."""

    def __init__(self, page, name, frames=120, temperature=600):
        self.page, self.name = page, name
        number = random.randrange(10**9)
        self.path = page.folder / f"{number}.extxyz"
        self.random = random.Random(number)
        self.x = [[self.random.uniform(0, 10) for _ in range(3)] for _ in range(12)]
        self.frames = 0
        self.grow(frames)
        environment = dict(os.environ, IONWATCH_SPOOL=str(page.folder))
        self.process = subprocess.Popen(
            [str(CLI), "follow", str(self.path), "--run", name, "--dt", "2", "--temperature",
             str(temperature), "--endpoint", page.endpoint],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)

    def grow(self, frames):
        with open(self.path, "a") as out:
            for _ in range(frames):
                out.write('12\nLattice="10 0 0 0 10 0 0 0 10" Properties=species:S:1:pos:R:3\n')
                for i, x in enumerate(self.x):
                    width = 0.1 if i < 6 else 0.0
                    x[:] = [c + self.random.gauss(0, width) for c in x]
                    out.write(f"{'Li' if i < 6 else 'S'} {x[0]:.6f} {x[1]:.6f} {x[2]:.6f}\n")
        self.frames += frames

    @property
    def path_of_record(self):
        return f"/api/v1/runs/{quoted(self.name)}"

    def wait(self, state=None):
        def there():
            answer = self.page.ask(self.path_of_record)
            if answer.status != 200:
                return None
            run = answer.json["run"]
            return answer.json if run["frames"] == self.frames and state in (None, run["state"]) else None
        return until(there, 20, f"{self.name!r} has {self.frames} frames, {state}")

    def end(self):
        self.process.terminate()
        self.process.wait(20)


@contextlib.contextmanager
def running(page, name, **more):
    run = Run(page, name, **more)
    try:
        run.wait()
        yield run
    finally:
        if run.process.poll() is None:
            run.process.kill()
            run.process.wait()


class Events:
    """An event stream: (name, data) one after another."""

    def __init__(self, page, run=None, headers=()):
        self.connection = page.connect()
        query = f"?run={quoted(run)}" if run is not None else ""
        self.connection.request("GET", f"/api/v1/stream{query}", headers=dict(headers))
        self.response = self.connection.getresponse()
        assert self.response.status == 200, (self.response.status, self.response.read())
        self.packed = self.response.headers.get("Content-Encoding") == "gzip"
        self.unpack = zlib.decompressobj(31).decompress if self.packed else bytes
        self.text = b""

    def line(self):
        while b"\n" not in self.text:
            part = self.response.read1(65536)
            if not part:
                raise EOFError
            self.text += self.unpack(part)
        line, self.text = self.text.split(b"\n", 1)
        return line.decode()

    def next(self):
        name, data = None, None
        while True:
            text = self.line()
            if text.startswith("event: "):
                name = text[7:]
            elif text.startswith("data: "):
                data = json.loads(text[6:])
            elif not text and name:
                return name, data

    def until(self, condition, what, most=400):
        for _ in range(most):
            name, data = self.next()
            if condition(name, data):
                return data
        raise AssertionError(f"not among {most} events: {what}")

    def close(self):
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
