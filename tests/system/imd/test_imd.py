#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""ionwatch imd against an engine of our own that speaks the documented bytes."""
import itertools
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
import engine
import program
from engine import KINDS, Engine, packets, trickle
from program import MASS, PROGRAM, SPECIES, Case, environment, write_extxyz
from test_daemon import Daemon

CELL = 12.0 * np.eye(3)
CELL[1, 0] = 3.0


def oscillators(frames, dt_fs=2.0, seed=3, kelvin=600.0):
    """Atoms on springs around sites that wander a little: x and v of one motion, A and A/fs."""
    rng = np.random.default_rng(seed)
    t = np.arange(frames)[:, None, None] * dt_fs
    omega = rng.uniform(0.02, 0.05, (10, 3))  # rad/fs
    speed = np.sqrt(kelvin * 8.31446e-7 / MASS)[:, None] * np.sqrt(2.0)
    phase = rng.uniform(0, 2 * np.pi, (10, 3))
    drift = rng.normal(0, 1e-4, (10, 3))
    x = rng.uniform(0, 12, (10, 3)) + speed / omega * np.sin(omega * t + phase) + drift * t
    return x, speed * np.cos(omega * t + phase) + drift


def wrap(x):
    s = x @ np.linalg.inv(CELL)
    return (s - np.floor(s)) @ CELL


def as_sent(values, scale=1.0):
    """The float32 that goes over the wire, back in the units of the file."""
    return (np.asarray(values) / scale).astype("f4").astype("f8") * scale


class Run:
    """Frames of a run as packets; time_fs: the engine's unit of time, in fs."""

    def __init__(self, frames, dt_fs=2.0, stride=2, time_fs=1000.0, order="<", first=0):
        self.x, self.v = oscillators(frames, dt_fs)
        self.x = wrap(self.x)
        self.dt_fs, self.stride, self.time_fs, self.order = dt_fs, stride, time_fs, order
        self.first = first

    def frame(self, i, kinds=KINDS, order_of_kinds=None):
        step = self.first + i * self.stride
        i %= len(self.x)
        all_kinds = packets(self.order, step, self.dt_fs / self.stride / self.time_fs,
                            step * self.dt_fs / self.stride / self.time_fs, CELL, self.x[i],
                            self.v[i] * self.time_fs)
        return b"".join(all_kinds[kind] for kind in (order_of_kinds or KINDS) if kind in kinds)

    def write(self, path, velocities=True):
        write_extxyz(path, SPECIES, as_sent(self.x), as_sent(self.v, 1 / self.time_fs)
                     if velocities else None, dt_fs=self.dt_fs, cell=as_sent(CELL))

    def visit(self, kinds=KINDS, wrapped=True, piece=None, frames=None, order_of_kinds=None):
        """The whole run to one client, which then is left."""
        def serve(self_, connection):
            self_.greet(connection, self.order, kinds, wrapped)
            data = b"".join(self.frame(i, kinds, order_of_kinds)
                            for i in (frames or range(len(self.x))))
            if piece:
                trickle(connection, data, piece)
            else:
                connection.sendall(data)
            connection.shutdown(1)
            self_.until_left(connection)
        return serve


class Imd(Case):
    """Streams into a file, which needs no daemon."""

    def setUp(self):
        super().setUp()
        self.engines = []
        write_extxyz(self.path("atoms.xyz"), SPECIES, np.zeros((1, 10, 3)))

    def engine(self, *visits):
        served = Engine(*visits)
        self.addCleanup(served.close)
        return served

    def words(self, served, *words):
        return ["imd", served.address, "--topology", self.path("atoms.xyz"), *words]

    def stream(self, served, *words, code=0, says=(), log="run.iwlog"):
        if os.path.exists(self.path(log)):
            os.remove(self.path(log))
        return self.expect(code, *self.words(served, "--once", "-e", "file://" + self.path(log)),
                           *words, says=says)

    def compare(self, log, reference, *words):
        options = ["--no-paper", "--msd-stride", "1", "--series", "--full", *words]
        live = self.record(self.path(log), *options)
        batch = self.record(self.path(reference), *options)
        self.assertEqual(live["run"]["frames"], batch["run"]["frames"])
        self.assertAlmostEqual(live["run"]["dt_fs"], batch["run"]["dt_fs"], delta=1e-9)
        for group in batch["groups"]:
            for series, column in [("msd", "msd_A2"), ("vacf", "c")]:
                a = np.array(live["groups"][group][series][column], float)
                b = np.array(batch["groups"][group][series][column], float)
                self.assertGreater(len(a), 10)
                np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6 * np.nanmax(np.abs(b)))
        return live

    def harmless(self, served, wait=()):
        """Go in time, then Disconnect, and nothing else."""
        expected = [(engine.GO, 0), *wait, (engine.DISCONNECT, 0)]
        until = time.monotonic() + 10
        while len(served.heard) < len(expected) and time.monotonic() < until:
            time.sleep(0.01)  # it hears us after we have gone
        self.assertEqual(served.failures, [])
        self.assertEqual(served.heard, expected * served.clients)
        self.assertLess(max(served.go_s, default=0.0), 1.0)


class Packets(Imd):
    def test_every_set_of_packets_in_both_byte_orders_gives_what_the_file_gives(self):
        run = Run(60)
        run.write(self.path("all.xyz"))
        run.write(self.path("positions.xyz"), velocities=False)
        sets = [set(kinds) | {"coordinates", "box"} for n in range(5)
                for kinds in itertools.combinations(["time", "energies", "velocities", "forces"], n)]
        for i, kinds in enumerate(sets):
            with self.subTest(kinds=sorted(kinds)):
                run.order = "<>"[i % 2]
                served = self.engine(run.visit(kinds))
                self.stream(served, *([] if "time" in kinds else ["--dt", "2"]))
                self.harmless(served)
                self.compare("run.iwlog", "all.xyz" if "velocities" in kinds else "positions.xyz")

    def test_both_byte_orders_give_the_same_bytes(self):
        records = []
        for order in "<>":
            served = self.engine(Run(40, order=order).visit())
            self.stream(served, "-T", "600")
            record = self.record(self.path("run.iwlog"), "--no-paper", "--series", "--full")
            records.append(record["groups"])
            self.harmless(served)
        self.assertEqual(records[0], records[1])

    def test_packets_of_a_frame_may_come_in_any_order(self):
        run = Run(40)
        run.write(self.path("all.xyz"))
        for kinds in (KINDS[::-1], KINDS[3:] + KINDS[:3]):
            self.stream(self.engine(run.visit(order_of_kinds=kinds)))
            self.compare("run.iwlog", "all.xyz")

    def test_bytes_may_trickle_in_pieces_of_any_size(self):
        run = Run(30, order=">")
        run.write(self.path("all.xyz"))
        for piece in ([1], [7], [8], [9, 1], [31, 2, 555], [1000]):
            served = self.engine(run.visit(piece=piece))
            self.stream(served)
            self.harmless(served)
            self.compare("run.iwlog", "all.xyz")

    def test_unwrapped_positions_are_taken_as_they_are(self):
        run = Run(40)
        run.write(self.path("all.xyz"))
        run.x = oscillators(40)[0]
        served = self.engine(run.visit(wrapped=False))
        self.stream(served)
        self.compare("run.iwlog", "all.xyz")

    def test_unwrapped_positions_need_no_box(self):
        run = Run(40)
        run.x = oscillators(40)[0]
        self.stream(self.engine(run.visit({"time", "coordinates", "velocities"}, wrapped=False)))
        self.assertEqual(self.record(self.path("run.iwlog"), "--no-paper")["run"]["frames"], 40)


class Units(Imd):
    def test_each_unit_style_gives_the_same_run(self):
        angstrom = {"metal": 1.0, "real": 1.0, "electron": 0.529177210903, "nano": 10.0,
                    "imd": 1.0, "gromacs": 1.0, "namd": 1.0, "si": 1e10}
        fs = {"metal": 1e3, "real": 1.0, "electron": 1.0, "nano": 1e6, "imd": 1e3, "gromacs": 1e3,
              "namd": 1e3, "si": 1e15}
        for style, length in angstrom.items():
            run = Run(40, time_fs=fs[style])
            run.write(self.path("all.xyz"))
            box = CELL / length
            run.x, run.v = run.x / length, run.v / length
            run.frame = lambda i, *_, run=run, box=box: b"".join(packets(
                "<", 2 * i, 1.0 / run.time_fs, 2 * i / run.time_fs, box, run.x[i],
                run.v[i] * run.time_fs).values())
            with self.subTest(style=style):
                self.stream(self.engine(run.visit()), "--units", style)
                self.compare("run.iwlog", "all.xyz")

    def test_bare_units_of_lammps_are_named(self):
        """fix imd of a run in `units real` looks 1000 times too slow, and velocities still fit."""
        v = Run(1).v[0]
        heat = f"{(MASS[:, None] * v ** 2).sum() / 3 / len(v) / 8.31446e-7:.3g} K"
        served = self.engine(Run(40, time_fs=1.0).visit())
        self.stream(served, code=1, says=["a timestep of 1 is 1000 fs in units imd",
                                          "LAMMPS", f"--units real (1 fs, {heat})"])
        self.harmless(served)
        served = self.engine(Run(40, dt_fs=1.0).visit())  # 0.0005 ps
        self.stream(served, "--units", "real", code=1,
                    says=["a timestep of 0.0005 is 0.0005 fs in units real",
                          "--units imd (0.5 fs, ", "--units metal (0.5 fs, "])
        self.harmless(served)
        served = self.engine(Run(40).visit())
        self.stream(served, "--units", "si", code=1, says="--units imd (1 fs")

    def test_units_that_are_none_are_refused_before_the_engine_hears_of_us(self):
        served = self.engine(Run(5).visit())
        self.stream(served, "--units", "furlong", code=1, says=["--units furlong", "metal, real"])
        self.assertEqual(served.clients, 0)

    def test_a_clock_that_contradicts_the_timestep_is_said(self):
        run = Run(40)
        run.frame = lambda i, *_: b"".join(packets("<", 2 * i, 0.001, i * 0.004, CELL, run.x[i],
                                                   run.v[i]).values())
        self.stream(self.engine(run.visit()), says=["2 steps of 1 fs took 4 fs", "--dt 4"])


class Refusals(Imd):
    def refused(self, visit, *says, heard=None):
        served = self.engine(visit)
        self.stream(served, code=1, says=says)
        if heard is None:
            self.harmless(served)
        served.close()
        self.assertEqual(served.failures, [])
        self.assertEqual(served.heard, [(engine.GO, 0), (engine.DISCONNECT, 0)]
                         if heard is None else heard)

    def test_other_versions_are_refused_and_not_harmed(self):
        for version, order in itertools.product((2, 1, 4, 255), "<>"):
            def visit(served, connection, version=version, order=order):
                served.greet(connection, order, version=version)
                served.until_left(connection)
            self.refused(visit, f"speaks IMD version {version}", "version 3")

    def test_another_number_of_atoms_is_refused(self):
        for count in (9, 11, 0, -1, 0x7fffffff):
            def visit(served, connection, count=count):
                served.greet(connection)
                frame = Run(1).frame(0)
                right = engine.header(engine.COORDINATES, 10)
                self.assertEqual(frame.count(right), 1)
                connection.sendall(frame.replace(right, engine.header(engine.COORDINATES, count)))
                served.until_left(connection)
            self.refused(visit, f"coordinates of {count % 2**32} atoms, but the topology has 10")

    def test_packets_that_cannot_be_are_refused(self):
        frame = Run(1).frame(0)
        time_packet, rest = frame[:32], frame[32:]
        cases = [
            (b"\xff" * 64, "packet 4294967295 of count 4294967295 within a frame"),
            (engine.header(engine.TIME, 2) + frame, "time with count 2, not 1"),
            (engine.header(engine.BOX, -1) + frame, "box with count 4294967295"),
            (time_packet + time_packet + rest, "time twice within a frame"),
            (engine.header(engine.SESSION, 7) + frame, "packet 10 of count 7 within a frame"),
        ]
        for data, says in cases:
            def visit(served, connection, data=data):
                served.greet(connection)
                connection.sendall(data)
                served.until_left(connection)
            self.refused(visit, says)

        def unannounced(served, connection):
            served.greet(connection, kinds=["time", "box", "coordinates"])
            connection.sendall(frame)
            served.until_left(connection)
        self.refused(unannounced, "energies, which the engine did not announce")

    def test_garbage_is_no_engine_and_hears_nothing(self):
        for data in (b"SSH-2.0-OpenSSH_9.2p1\r\n", b"\0" * 100, b"\0\0\0\x04\x11\x22\x33\x44" * 4):
            def visit(_, connection, data=data):
                connection.sendall(data)
                try:
                    self.assertEqual(connection.recv(8), b"")
                except ConnectionResetError:  # what is no engine may know that it was not read
                    pass
            self.refused(visit, "no IMD engine", heard=[])

    def test_a_session_that_is_none_is_refused(self):
        def visit(served, connection):
            connection.sendall(engine.handshake("<") + engine.header(engine.SESSION, 8) + b"\1" * 8)
            served.until_left(connection)
        self.refused(visit, "not session information")

    def test_what_is_needed_must_be_switched_on(self):
        for kinds, wrapped, says in [
                (["time", "box", "velocities"], True, "sends no coordinates"),
                (["time", "coordinates"], True, "a box that it does not send"),
                (["box", "coordinates"], True, "does not send the time"),
                ([], False, "without anything in them")]:
            def visit(served, connection, kinds=kinds, wrapped=wrapped):
                served.greet(connection, kinds=kinds, wrapped=wrapped)
                served.until_left(connection)
            self.refused(visit, says)

    def test_nobody_there_is_said(self):
        self.expect(1, "imd", "127.0.0.1:1", "--topology", self.path("atoms.xyz"), "--once", "-e",
                    "file://" + self.path("x.iwlog"), says="Connection refused")
        for address in ("localhost", "localhost:", "localhost:0", "localhost:70000", ":8888"):
            self.expect(1, "imd", address, "--topology", self.path("atoms.xyz"), "--once", "-e",
                        "file://" + self.path("x.iwlog"), says="HOST:PORT")

    def test_a_stop_file_needs_a_name_and_must_not_be_there(self):
        self.stream(self.engine(), "--stop-file", "auto", code=1, says="name the file")
        open(self.path("EXIT"), "w").close()
        served = self.engine(Run(5).visit())
        self.stream(served, "--stop-file", self.path("EXIT"), says="EXIT is there already")

    def test_a_topology_is_asked_for(self):
        self.expect(1, "imd", "localhost:1", says=["--topology FILE is missing", "data file"])
        self.expect(1, "imd", "localhost:1", "--topology", self.path("none"), says="no such file")


class Leaving(Imd):
    def start(self, served, *words):
        child = subprocess.Popen(
            [PROGRAM, *self.words(served, "-e", "file://" + self.path("run.iwlog")), *words],
            stderr=subprocess.PIPE, text=True, cwd=self.folder, env=environment(self.folder))
        self.addCleanup(child.stderr.close)
        self.addCleanup(child.kill)
        return child

    def endless(self, run, sleep_s=0.002):
        """Frames until the client leaves; failed writes are failures of the test."""
        def visit(served, connection):
            served.greet(connection)
            i = 0
            while served.pending(connection) is None:
                connection.sendall(run.frame(i))
                served.sent = i = i + 1
                time.sleep(sleep_s)
        return visit

    def wait_for(self, condition, what, timeout_s=20):
        until = time.monotonic() + timeout_s
        while not condition():
            self.assertLess(time.monotonic(), until, what)
            time.sleep(0.02)

    def left_in_peace(self, served, wait=()):
        self.wait_for(lambda: (engine.DISCONNECT, 0) in served.heard, "Disconnect")
        served.close()
        self.harmless(served, wait)

    def leaves(self, how, code, *words, wait=()):
        if os.path.exists(self.path("run.iwlog")):
            os.remove(self.path("run.iwlog"))
        served = self.engine(self.endless(Run(1000)))
        child = self.start(served, *words)
        self.wait_for(lambda: getattr(served, "sent", 0) > 50, "frames")
        child.send_signal(how)
        self.assertEqual(child.wait(timeout=20), code)
        self.left_in_peace(served, wait)

    def test_ctrl_c_takes_leave(self):
        self.leaves(signal.SIGINT, 130)
        self.leaves(signal.SIGTERM, 130)

    def test_a_killed_client_takes_leave_all_the_same(self):
        self.leaves(signal.SIGKILL, -9)

    def test_wait_is_said_only_when_asked_for(self):
        self.leaves(signal.SIGINT, 130, "--wait", "on", wait=[(engine.WAIT, 1)])
        self.leaves(signal.SIGINT, 130, "--wait", "off", wait=[(engine.WAIT, 0)])

    def test_a_client_killed_in_the_queue_still_says_go_when_it_is_its_turn(self):
        ready = []

        def busy(served, connection):
            while not ready:
                time.sleep(0.02)
            served.greet(connection)
            served.until_left(connection)
        served = self.engine(busy)
        child = self.start(served)
        self.wait_for(lambda: served.clients == 1, "the connection")
        time.sleep(0.2)
        child.kill()
        child.wait()
        ready.append(True)
        self.left_in_peace(served)

    def test_an_engine_that_stalls_is_waited_for(self):
        run = Run(40)

        def visit(served, connection):
            served.greet(connection)
            data = b"".join(run.frame(i) for i in range(40))
            connection.sendall(data[:1001])
            time.sleep(1.5)
            connection.sendall(data[1001:])
            connection.shutdown(1)
            served.until_left(connection)
        served = self.engine(visit)
        self.stream(served, "--timeout", "0.2", says="40 frames")
        self.harmless(served)

    def test_idle_ends_the_run_and_leaves_the_engine(self):
        run = Run(40)

        def visit(served, connection):
            served.greet(connection)
            connection.sendall(b"".join(run.frame(i) for i in range(40)))
            served.until_left(connection)
        served = self.engine(visit)
        done = self.expect(0, *self.words(served, "-e", "file://" + self.path("run.iwlog"),
                                          "--idle", "0.5"), says="40 frames")
        self.assertIn("completed", done.stderr)
        self.harmless(served)


class Daemons(Daemon):
    """With a daemon: engines that go away, and runs that are stopped."""

    def setUp(self):
        super().setUp()
        write_extxyz(self.path("atoms.xyz"), SPECIES, np.zeros((1, 10, 3)))

    def start(self, served, *words):
        child = subprocess.Popen(
            [PROGRAM, "imd", served.address, "--topology", self.path("atoms.xyz"), "--run", "live",
             *words], stderr=subprocess.PIPE, text=True, cwd=self.folder,
            env=environment(self.folder))
        self.addCleanup(child.stderr.close)
        self.addCleanup(child.kill)
        return child

    def frames(self):
        return [run["frames_durable"] for run in self.listing()]

    def end(self, child, code):
        _, said = child.communicate(timeout=30)
        self.assertEqual(child.returncode, code, said)
        return said

    def test_an_engine_that_dies_within_a_frame_and_comes_back_is_one_run(self):
        first, second = Run(200), Run(200, first=180)

        def dies(served, connection):
            served.greet(connection)
            data = b"".join(first.frame(i) for i in range(120))
            connection.sendall(data[:-100])
        second.x, second.v = first.x[90:].copy(), first.v[90:].copy()
        served = Engine(dies, second.visit())
        self.addCleanup(served.close)
        child = self.start(served)
        self.wait_for(lambda: served.clients >= 2 and self.frames() and self.frames()[0] >= 229,
                      "the second part")
        child.send_signal(signal.SIGINT)
        said = self.end(child, 130)
        self.assertIn("went away within a frame", said)
        self.assertIn("connected again; the run goes on as", said)
        self.assertEqual(served.failures, [])
        live = self.show("live", "--series")
        self.assertEqual((live["run"]["frames"], live["run"]["segments"]), (200, 1))
        first.write(self.path("all.xyz"))
        batch = self.record(self.path("all.xyz"), "--series", "--no-paper")
        a, b = (np.array(r["groups"]["Li"]["msd"]["msd_A2"], float) for r in (live, batch))
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6 * b.max())

    def test_coordinates_that_are_folded_only_later_are_refused(self):
        run, later = Run(60), Run(60, first=140)
        run.x = oscillators(60)[0]

        def first(served, connection):
            served.greet(connection, wrapped=False)
            connection.sendall(b"".join(run.frame(i) for i in range(60)))
        served = Engine(first, later.visit())
        self.addCleanup(served.close)
        said = self.end(self.start(served), 1)
        self.assertIn("folds coordinates into the box now", said)
        self.assertIn("60 frames at the daemon", said)

    def test_a_client_that_is_killed_goes_on_with_its_run(self):
        run, seen = Run(400), []

        def part(served, connection):
            served.greet(connection)
            while len(seen) < 400 and served.pending(connection) is None:
                connection.sendall(run.frame(len(seen)))
                seen.append(1)
                time.sleep(0.002)
            while len(seen) >= 400 and served.pending(connection) is None:
                time.sleep(0.01)
        served = Engine(part)
        self.addCleanup(served.close)
        child = self.start(served)
        self.wait_for(lambda: len(seen) > 150, "frames")
        child.kill()
        child.wait()
        identity = self.listing()[0]["id"]
        child = subprocess.Popen(
            [PROGRAM, "imd", served.address, "--topology", self.path("atoms.xyz"), "--run", "live"],
            stderr=subprocess.PIPE, text=True, cwd=self.folder,
            env=environment(self.folder, IONWATCH_RUN_ID=identity))
        self.addCleanup(child.stderr.close)
        self.wait_for(lambda: len(seen) >= 400 and time.sleep(0.5) is None, "the rest")
        child.send_signal(signal.SIGINT)
        self.end(child, 130)
        self.assertEqual(served.failures, [])
        self.assertEqual([run["id"] for run in self.listing()], [identity])
        record = self.show("live")["run"]
        # What the killed client had read and not yet handed on is a gap, and known as one.
        self.assertGreater(record["frames"], 300)
        self.assertEqual(record["segments"], 1 + (record["frames"] < 400))

    def stop(self, *words):
        run = Run(500)

        def visit(served, connection):
            served.greet(connection)
            i = 0
            while served.pending(connection) is None and \
                    not os.path.exists(self.path("EXIT")):
                connection.sendall(run.frame(i))
                i += 1
                time.sleep(0.005)
            connection.shutdown(1)
            if served.heard[-1][0] != engine.KILL:
                served.until_left(connection)
        served = Engine(visit)
        self.addCleanup(served.close)
        child = self.start(served, *words)
        self.wait_for(lambda: self.frames() and self.frames()[0] > 50, "frames")
        self.expect(0, "stop", "live")
        said = self.end(child, 0)
        self.assertIn("the daemon asks the run to stop", said)
        self.assertIn("(stopped)", said)
        self.assertEqual(served.failures, [])
        return served, said

    def test_a_stop_is_carried_out_through_the_stop_file(self):
        served, said = self.stop("--stop-file", self.path("EXIT"))
        self.assertIn("wrote", said)
        self.assertNotIn(engine.KILL, [kind for kind, _ in served.heard])

    def test_a_stop_is_carried_out_by_kill_only_when_asked_for(self):
        served, said = self.stop("--kill")
        self.assertIn("sent Kill", said)
        self.assertEqual([kind for kind, _ in served.heard][:2], [engine.GO, engine.KILL])

    def test_hot_velocities_are_an_event_of_the_run(self):
        run = Run(60)
        run.v *= 10.0
        served = Engine(run.visit())
        self.addCleanup(served.close)
        child = self.start(served, "--once", "-T", "600")
        self.end(child, 0)
        events = json.dumps(self.show("live")["events"])
        self.assertIn("velocity_mismatch", events)
        self.assertIn("temperature_mismatch", events)


del Daemon  # its own tests are elsewhere

if __name__ == "__main__":
    program.main()
