# SPDX-License-Identifier: GPL-3.0-or-later
"""engine - the engine's side of IMD version 3, from the documented bytes, for tests.

An engine listens, serves one client at a time, and sends frames as fast as they are taken.  What
the client says is kept, so that a test can see that nothing was said that an engine suffers from.
"""
import socket
import struct
import threading
import time

import numpy as np

DISCONNECT, ENERGIES, COORDINATES, GO, HANDSHAKE, KILL = range(6)
PAUSE, RATE, SESSION, RESUME, TIME, BOX, VELOCITIES, FORCES, WAIT = 7, 8, 10, 11, 12, 13, 14, 15, 16
KINDS = ["time", "energies", "box", "coordinates", "velocities", "forces"]


def header(kind, count):
    return struct.pack(">ii", kind, count)


def handshake(order, version=3):
    return struct.pack(">i", HANDSHAKE) + struct.pack(order + "i", version)


def session(kinds, wrapped=True):
    flags = [kind in kinds for kind in KINDS]
    flags.insert(4, wrapped)
    return header(SESSION, 7) + bytes(flags)


def packets(order, step, dt, time_, box, x, v, energy=(-1.0, -2.0), temperature=300.0):
    """Every packet of a frame by its name; numbers as the engine counts."""
    def floats(values):
        return np.asarray(values, dtype=order + "f4").tobytes()
    n = len(x)
    return {
        "time": header(TIME, 1) + struct.pack(order + "ddq", dt, time_, step),
        "energies": header(ENERGIES, 1) + struct.pack(order + "i", step)
        + floats([temperature, *energy] + [0.0] * 6),
        "box": header(BOX, 1) + floats(box),
        "coordinates": header(COORDINATES, n) + floats(x),
        "velocities": header(VELOCITIES, n) + floats(v),
        "forces": header(FORCES, n) + floats(np.zeros((n, 3))),
    }


class Engine:
    """Serves a list of visits: functions that get (self, connection); the last one is repeated."""

    def __init__(self, *visits):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.visits = list(visits)
        self.heard = []  # (kind, count) of every packet of the client
        self.go_s = []  # from handshake to Go
        self.failures = []
        self.clients = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def close(self):
        self.ended.set()
        self.listener.close()
        self.thread.join(timeout=20)

    def serve(self):
        self.listener.settimeout(0.05)
        while not self.ended.is_set():
            try:
                connection, _ = self.listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            visit = self.visits[min(self.clients, len(self.visits) - 1)]
            self.clients += 1
            try:
                with connection:
                    connection.settimeout(20)
                    visit(self, connection)
            except Exception as failure:  # the test looks at it
                self.failures.append(repr(failure))

    # ---- what an engine does ----

    def greet(self, connection, order="<", kinds=KINDS, wrapped=True, version=3):
        """As LAMMPS: a client that does not say Go within a second ends the run."""
        connection.sendall(handshake(order, version)
                           + (session(kinds, wrapped) if version == 3 else b""))
        began = time.monotonic()
        connection.settimeout(1.0)
        self.hear(connection)
        self.go_s.append(time.monotonic() - began)
        if self.heard[-1] != (GO, 0):
            raise AssertionError(f"no Go but {self.heard[-1]}")
        connection.settimeout(20)

    def hear(self, connection):
        data = b""
        while len(data) < 8:
            piece = connection.recv(8 - len(data))
            if not piece:
                raise ConnectionError("the client closed without Disconnect")
            data += piece
        self.heard.append(struct.unpack(">ii", data))
        return self.heard[-1]

    def pending(self, connection):
        """What the client has said by now."""
        connection.setblocking(False)
        try:
            while True:
                connection.recv(1, socket.MSG_PEEK)
                connection.setblocking(True)
                said = self.hear(connection)
                connection.setblocking(False)
                if said[0] in (DISCONNECT, KILL):
                    return said[0]
        except BlockingIOError:
            return None
        finally:
            connection.settimeout(20)

    def until_left(self, connection):
        """Waits for Disconnect; a connection that just ends is a failure."""
        while self.hear(connection)[0] not in (DISCONNECT, KILL):
            pass


def trickle(connection, data, sizes):
    """The same bytes in pieces of these sizes, over and over."""
    at, i = 0, 0
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while at < len(data):
        size = sizes[i % len(sizes)]
        connection.sendall(data[at:at + size])
        at, i = at + size, i + 1
