#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""bench_imd.py [--smoke] [--atoms N] [--frames N] [--build FOLDER]

`ionwatch imd` beside an engine that sends as fast as it is read: frames and bytes a second until the
daemon has them on disk, the longest time that one write of the engine took, and how long after a
frame was sent a snapshot has it (a frame each 20 ms, snapshots each 50 ms at most).
"""
import argparse
import ctypes
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

try:
    import numpy as np
except ImportError:
    print("SKIPPED: no python3-numpy")
    sys.exit(77)

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system", "imd"))
import engine

SUB, SUBSCRIBE, DONTWAIT, EAGAIN = 2, 6, 1, 11


class Subscriber:
    """Live snapshots, through libzmq."""

    def __init__(self, endpoint):
        self.zmq = ctypes.CDLL("libzmq.so.5")
        for name in ("zmq_ctx_new", "zmq_socket"):
            getattr(self.zmq, name).restype = ctypes.c_void_p
        self.socket = ctypes.c_void_p(self.zmq.zmq_socket(ctypes.c_void_p(self.zmq.zmq_ctx_new()),
                                                          SUB))
        self.zmq.zmq_setsockopt(self.socket, SUBSCRIBE, b"", ctypes.c_size_t(0))
        if self.zmq.zmq_connect(self.socket, endpoint.encode()) != 0:
            raise OSError(f"cannot subscribe at {endpoint}")
        self.room = ctypes.create_string_buffer(1 << 22)

    def frames(self):
        """Of the next snapshot that is there; None without one."""
        size = self.zmq.zmq_recv(self.socket, self.room, ctypes.c_size_t(len(self.room)), DONTWAIT)
        data = self.room.raw[:max(size, 0)]
        try:
            return json.loads(data)["run"]["frames"]
        except (ValueError, KeyError, TypeError):
            return None if size < 0 else 0


class Bench:
    def __init__(self, build, atoms, frames):
        self.program, self.daemon_program = (os.path.join(build, name)
                                             for name in ("ionwatch", "ionwatchd"))
        self.atoms, self.frames = atoms, frames
        self.folder = tempfile.mkdtemp(prefix="iw-imd-")
        self.endpoint = f"ipc://{self.folder}/iw.sock"
        self.environment = dict(os.environ, IONWATCH_SPOOL=self.folder, HOME=self.folder)
        with open(os.path.join(self.folder, "atoms.xyz"), "w") as file:
            file.write(f"{atoms}\n\n" + "Li 0 0 0\n" * atoms)
        rng = np.random.default_rng(1)
        x, v = rng.uniform(0, 20, (atoms, 3)), rng.normal(0, 8, (atoms, 3))
        kinds = ["time", "box", "coordinates", "velocities"]
        self.kinds = kinds

        def frame(i):
            all_kinds = engine.packets("<", i, 0.002, 0.002 * i, 20 * np.eye(3), x + 0.001 * (i % 500),
                                       v)
            return b"".join(all_kinds[kind] for kind in engine.KINDS if kind in kinds)
        self.data = [frame(i) for i in range(frames)]

    def ask(self, *words):
        return subprocess.run([self.program, *words, "-e", self.endpoint], capture_output=True,
                              text=True, env=self.environment, check=False)

    def start_daemon(self):
        self.daemon = subprocess.Popen(
            [self.daemon_program, "--listen", self.endpoint, "--data", self.folder + "/data", "--db",
             f"sqlite:///{self.folder}/runs.db", "--publish-every-s", "0.05", "--http", "off"], env=self.environment,
            stderr=subprocess.DEVNULL)
        while self.ask("ls").returncode != 0:
            if self.daemon.poll() is not None:
                raise SystemExit("the daemon does not start")
            time.sleep(0.05)

    def stream(self, pause_s, watch):
        sent, longest = [], [0.0]

        def visit(served, connection):
            served.greet(connection, kinds=self.kinds)
            for data in self.data:
                began = time.monotonic()
                connection.sendall(data)
                sent.append(time.monotonic())
                longest[0] = max(longest[0], sent[-1] - began)
                time.sleep(pause_s)
            connection.shutdown(1)
            served.until_left(connection)
        served = engine.Engine(visit)
        name = f"run{pause_s}"
        subscriber = Subscriber(self.endpoint + ".pub") if watch else None
        child = subprocess.Popen(
            [self.program, "imd", served.address, "--topology", self.folder + "/atoms.xyz", "--once",
             "--run", name, "-e", self.endpoint, "--timeout", "600"], env=self.environment,
            stderr=subprocess.PIPE, text=True)
        delays, seen = [], 0
        while watch and child.poll() is None:
            frames = subscriber.frames()
            if frames and frames > seen:
                delays.append(time.monotonic() - sent[frames - 1])
                seen = frames
            elif frames is None:
                time.sleep(0.0002)
        _, said = child.communicate()
        ended = time.monotonic()
        served.close()
        if child.returncode or served.failures:
            raise SystemExit(f"{said}{served.failures}")
        return sent, ended, longest[0], delays

    def run(self):
        self.start_daemon()
        try:
            sent, ended, longest, _ = self.stream(0.0, False)
            size = sum(map(len, self.data))
            took = ended - sent[0]
            print(f"{self.atoms} atoms, {self.frames} frames of {len(self.data[0])} bytes: "
                  f"{self.frames / took:.0f} frames/s, {size / took / 1e6:.1f} MB/s to the disk of the "
                  f"daemon; the engine was rid of them in {sent[-1] - sent[0]:.2f} s, longest write "
                  f"{1e3 * longest:.1f} ms")
            self.data = self.data[:300]
            _, _, _, delays = self.stream(0.02, True)
            delays.sort()
            if len(delays) < 10:
                raise SystemExit(f"only {len(delays)} snapshots were seen")
            print(f"from sending a frame to a snapshot with it: median "
                  f"{1e3 * statistics.median(delays):.1f} ms, longest of {len(delays)} "
                  f"{1e3 * delays[-1]:.1f} ms")
        finally:
            self.daemon.terminate()
            self.daemon.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--atoms", type=int, default=300)
    parser.add_argument("--frames", type=int, default=20000)
    parser.add_argument("--build", default="build")
    options = parser.parse_args()
    if options.smoke:
        options.atoms, options.frames = 50, 300
    Bench(os.path.abspath(options.build), options.atoms, options.frames).run()


if __name__ == "__main__":
    main()
