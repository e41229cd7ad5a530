#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""follow, ls, show, watch, stop and rm against a real daemon, and without one."""
import json
import os
import signal
import subprocess
import time

import numpy as np

import program
from program import DAEMON, PROGRAM, SPECIES, Case, environment, write_extxyz


class NoDaemon(Case):
    def test_every_question_ends_with_exit_code_3(self):
        for words in (["ls"], ["show", "x"], ["watch"], ["stop", "x"], ["rm", "x"]):
            self.expect(3, *words, says=["no daemon answers at", "ionwatchd", "--endpoint"])

    def test_a_silent_port_and_a_socket_left_behind_end_at_the_timeout(self):
        open(self.path("left.sock"), "w").close()
        for endpoint in ("tcp://127.0.0.1:9", "ipc://" + self.path("left.sock")):
            began = time.monotonic()
            self.expect(3, "ls", "-e", endpoint, "--timeout", "0.3", says=endpoint)
            self.assertLess(time.monotonic() - began, 5)

    def test_an_endpoint_that_is_none_is_refused(self):
        self.expect(1, "ls", "-e", "head:5555", says=["head:5555", "ipc://path or tcp://host:port"])

    def test_follow_once_has_no_use_without_a_daemon(self):
        r, v = program.walk(5)
        write_extxyz(self.path("a.extxyz"), SPECIES, r, v)
        self.expect(3, "follow", "--once", self.path("a.extxyz"), says="no daemon answers")

    def test_frames_followed_into_a_file_are_analysed_later(self):
        r, v = program.walk(60)
        write_extxyz(self.path("a.extxyz"), SPECIES, r, v)
        log = self.path("a.iwlog")
        self.expect(0, "follow", "--once", self.path("a.extxyz"), "-e", "file://" + log,
                    "--run", "later")
        options = ["--no-paper", "--msd-stride", "1", "--series", "--full"]
        direct = self.record(self.path("a.extxyz"), *options)
        later = self.record(log, *options)
        self.assertEqual(later["groups"], direct["groups"])


class ClosedDescriptors(Case):
    """Who starts a program without standard input, output and error gets no message into a file."""

    def closed(self, *words):
        return subprocess.Popen(["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *words],
                                cwd=self.folder, env=environment(self.folder))

    def test_the_log_of_the_daemon_goes_into_no_file(self):
        socket = self.path("s.sock")
        daemon = self.closed(DAEMON, "--listen", "ipc://" + socket, "--data", self.path("data"),
                             "--db", self.path("a.db"), "--http", "off")
        for _ in range(300):
            if os.path.exists(socket):
                break
            time.sleep(0.1)
        targets = [os.readlink(f"/proc/{daemon.pid}/fd/{number}") for number in range(3)]
        daemon.send_signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(timeout=30), 0)
        self.assertEqual(targets, ["/dev/null"] * 3)
        for folder, _, files in os.walk(self.path("data")):
            for name in files:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(b"main.start", file.read(), name)

    def test_a_result_that_nobody_gets_is_an_error(self):
        self.assertEqual(self.closed(PROGRAM, "explain").wait(timeout=30), 1)


class FilesOfOthers(Case):
    def test_a_file_where_a_socket_should_be_is_left_as_it_is(self):
        words = ["--data", self.path("data"), "--db", self.path("a.db")]
        for name in ("traj.xyz", "s.sock.pub"):
            with open(self.path(name), "w") as file:
                file.write("precious")
        for socket in ("traj.xyz", "s.sock"):
            done = subprocess.run([DAEMON, "--listen", "ipc://" + self.path(socket), "--http", "off",
                                   *words], capture_output=True, text=True, timeout=30,
                                  env=environment(self.folder))
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("is there and is no socket", done.stderr)
        page = "unix:" + self.path("traj.xyz")
        daemon = subprocess.Popen([DAEMON, "--listen", "ipc://" + self.path("t.sock"), "--http", page,
                                   *words], stderr=subprocess.PIPE, text=True,
                                  env=environment(self.folder))
        try:
            said = next(line for line in daemon.stderr if line.startswith("http."))
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.communicate(timeout=30)
        self.assertIn("is there and is no socket", said)
        for name in ("traj.xyz", "s.sock.pub"):
            with open(self.path(name)) as file:
                self.assertEqual(file.read(), "precious")


class Daemon(Case):
    options = []

    def setUp(self):
        super().setUp()
        self.endpoint = "ipc://" + self.path("ionwatch.sock")
        self.db = self.path("ions.db")
        self.start_daemon()
        self.addCleanup(self.stop_daemon)

    def start_daemon(self):
        self.log = open(self.path("daemon.log"), "a")
        self.daemon = subprocess.Popen(
            [DAEMON, "--listen", self.endpoint, "--data", self.path("data"), "--db", self.db,
             "--publish-every-s", "0.1", "--http", "off", *self.options],
            stderr=self.log, stdout=self.log, env=environment(self.folder))
        self.wait_for(lambda: self.run_program("ls").returncode == 0, "the daemon to answer")

    def stop_daemon(self):
        self.daemon.send_signal(signal.SIGTERM)
        try:
            self.daemon.wait(timeout=20)
        finally:
            self.daemon.kill()
            self.daemon.wait()
            self.log.close()

    def said(self):
        with open(self.path("daemon.log")) as file:
            return file.read()

    def wait_for(self, condition, what, timeout_s=20):
        until = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > until:
                with open(self.path("daemon.log")) as file:
                    self.fail(f"waited {timeout_s} s for {what}\n{file.read()[-2000:]}")
            time.sleep(0.05)

    def listing(self):
        return json.loads(self.expect(0, "ls", "--json", "--all").stdout)

    def show(self, run, *options):
        return json.loads(self.expect(0, "show", run, "--json", *options).stdout)

    def start_follower(self, *words):
        return subprocess.Popen([PROGRAM, "follow", *words], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, cwd=self.folder,
                                env=environment(self.folder))


class WithDaemon(Daemon):
    def test_a_finished_file_streamed_equals_the_file_analysed(self):
        r, v = program.walk(600)
        write_extxyz(self.path("a.extxyz"), SPECIES, r, v)
        options = ["-T", "600", "--msd-stride", "1", "--drift", "none", "--taper", "hann",
                   "--vacf-window", "0.05", "--mobile", "S"]
        self.expect(0, "follow", "--once", self.path("a.extxyz"), "--run", "streamed", *options,
                    says="600 frames at the daemon")
        self.wait_for(lambda: self.run_program("db", "show", "streamed", "--db",
                                               self.db).returncode == 0, "the run to be filed")
        filed = json.loads(self.expect(0, "db", "show", "streamed", "--json", "--series",
                                       "--full", "--db", self.db).stdout)
        thinned = self.show("streamed", "--series")["groups"]["Li"]["msd"]["msd_A2"]
        direct = self.record(self.path("a.extxyz"), *options, "--series")
        np.testing.assert_allclose(np.array(thinned, float), np.array(
            direct["groups"]["Li"]["msd"]["msd_A2"], float), rtol=1e-9)
        self.assertLessEqual(len(thinned), 200)
        self.assertLess(len(thinned), len(filed["groups"]["Li"]["msd"]["msd_A2"]))
        whole = self.show("streamed", "--full")["groups"]["Li"]
        for series in ("msd", "vacf", "vdos"):
            self.assertEqual(whole[series], filed["groups"]["Li"][series])
        direct = self.record(self.path("a.extxyz"), *options, "--series", "--full")
        self.assertEqual(filed["run"]["mobile"], ["S"])
        self.assertEqual(filed["run"]["taper"], "hann")
        self.assertEqual(filed["run"]["drift"], "none")
        for group in direct["groups"]:
            for series, column in [("msd", "msd_A2"), ("vacf", "c"), ("vdos", "g")]:
                np.testing.assert_allclose(
                    np.array(filed["groups"][group][series][column], float),
                    np.array(direct["groups"][group][series][column], float), rtol=1e-9, atol=1e-12)
        self.assertGreater(len(direct["history"]["diffusion"]["D_cm2_s"]), 4)
        self.assertEqual(len(direct["history"]["health"]["temperature_K"]), 150)  # 4 frames each
        self.assertEqual(filed["history"], direct["history"])

    def test_a_row_of_the_listing_has_the_shape_of_the_history_and_keeps_it(self):
        r, v = program.walk(6000)
        write_extxyz(self.path("a.extxyz"), SPECIES, r, v)
        self.expect(0, "follow", "--once", self.path("a.extxyz"), "--run", "listed",
                    "--mobile", "S")
        self.wait_for(lambda: self.run_program("db", "show", "listed", "--db",
                                               self.db).returncode == 0, "the run to be filed")
        record = json.loads(self.expect(0, "db", "show", "listed", "--json", "--series", "--db",
                                        self.db).stdout)
        self.wait_for(lambda: self.listing()[0]["state"] == "completed", "the run to be done")
        row, history = self.listing()[0], record["history"]["diffusion"]
        warned = [event["text"] for event in record["events"] if event["severity"] != "note"]
        self.assertGreater(len(history["time_ps"]), 32)
        for key in ("time_ps", "D_cm2_s"):
            shape = np.array(row["history"][key])
            self.assertEqual(len(shape), 32)
            np.testing.assert_allclose(shape[[0, -1]], np.array(history[key])[[0, -1]], rtol=1e-6)
            self.assertTrue(np.isclose(shape[:, None], np.array(history[key]),
                                       rtol=1e-6).any(axis=1).all())
        self.assertEqual(row["target"], record["convergence"]["target"])
        self.assertEqual(row["health"], record["health"]["state"])
        self.assertEqual(row["events"]["warnings"], len(warned))
        self.assertEqual(row["events"]["last"], warned[-1][:159] if warned else None)
        self.stop_daemon()
        self.start_daemon()
        self.assertEqual(self.listing()[0], {**row, "adapter": None})

    def test_a_cold_start_is_left_out_of_file_and_stream_alike(self):
        r, v = program.walk(1500)
        v[:400] /= 3
        write_extxyz(self.path("a.extxyz"), SPECIES, r, v)
        options = ["--msd-stride", "1", "--vacf-window", "0.05"]
        self.expect(0, "follow", "--once", self.path("a.extxyz"), "--run", "cold", *options)
        self.wait_for(lambda: self.run_program("db", "show", "cold", "--db",
                                               self.db).returncode == 0, "the run to be filed")
        filed = json.loads(self.expect(0, "db", "show", "cold", "--json", "--series", "--full",
                                       "--db", self.db).stdout)
        direct = self.record(self.path("a.extxyz"), *options, "--series", "--full")
        start = direct["equilibration"]
        self.assertEqual(start["rule"], "auto")
        self.assertEqual(start["by"], "temperature")
        self.assertAlmostEqual(start["skipped_frames"], 400, delta=40)
        self.assertAlmostEqual(start["averaged_ps"], 1.499 - start["skipped_ps"])
        self.assertEqual(direct["run"]["frames"], 1500)
        self.assertEqual(filed["equilibration"], start)
        self.assertEqual(filed["history"], direct["history"])
        self.assertGreater(min(direct["history"]["diffusion"]["time_ps"]), start["skipped_ps"])
        for group in direct["groups"]:
            np.testing.assert_allclose(
                np.array(filed["groups"][group]["msd"]["msd_A2"], float),
                np.array(direct["groups"][group]["msd"]["msd_A2"], float), rtol=1e-9, atol=1e-12)
        whole = self.record(self.path("a.extxyz"), *options, "--skip", "none")
        self.assertEqual(whole["equilibration"]["skipped_frames"], 0)
        self.assertEqual(whole["equilibration"]["detected_ps"], start["detected_ps"])
        self.expect(0, "follow", "--once", self.path("a.extxyz"), "--run", "told", "--skip", "0.5",
                    *options)
        self.wait_for(lambda: self.run_program("db", "show", "told", "--db",
                                               self.db).returncode == 0, "the run to be filed")
        told = json.loads(self.expect(0, "db", "show", "told", "--json", "--db", self.db).stdout)
        self.assertEqual(told["equilibration"]["rule"], "fixed")
        self.assertEqual(told["equilibration"]["skipped_frames"], 500)

    def test_a_growing_file_is_followed_with_its_half_written_frames(self):
        r, v = program.walk(60)
        path = self.path("grow.extxyz")
        write_extxyz(self.path("all.extxyz"), SPECIES, r, v)
        with open(self.path("all.extxyz")) as file:
            text = file.read()
        follower = self.start_follower(path, "--run", "grow", "-T", "300")
        time.sleep(0.3)  # the file is not there yet: it is waited for
        with open(path, "w") as file:
            for part in range(7):
                piece = len(text) // 7 + 1
                file.write(text[part * piece:(part + 1) * piece])
                file.flush()
                time.sleep(0.15)
        self.wait_for(lambda: any(run["name"] == "grow" and run["frames_durable"] == 60
                                  for run in self.listing()), "60 frames")
        self.wait_for(lambda: self.show("grow")["run"]["frames"] == 60, "a snapshot of 60 frames")
        self.assertEqual(self.show("grow")["run"]["state"], "running")
        self.assertIn("msd", self.show("grow", "--series")["groups"]["Li"])
        self.assertIn("grow", self.expect(0, "ls").stdout)
        watched = self.expect(0, "watch", "grow", "--count", "2", "--interval", "0.1").stdout
        self.assertEqual(len(watched.split("\n")), 3)
        self.assertIn("grow running", watched)
        self.assertIn("grow running", self.expect(0, "watch", "--count", "1").stdout)

        follower.send_signal(signal.SIGINT)
        _, said = follower.communicate(timeout=30)
        self.assertEqual(follower.returncode, 130, said)
        self.assertIn("60 frames at the daemon", said)
        self.wait_for(lambda: self.run_program("db", "show", "grow", "--db",
                                               self.db).returncode == 0, "the run to be filed")
        # a watched run that has ended ends the watching
        self.expect(0, "watch", "grow", "--interval", "0.1")

    def test_a_follower_that_was_killed_goes_on_with_its_run(self):
        r, v = program.walk(80)
        path = self.path("a.extxyz")
        write_extxyz(path, SPECIES, r[:50], v[:50])
        run_id = "12345678-1234-4234-8234-123456789abc"
        env = environment(self.folder, IONWATCH_RUN_ID=run_id)
        options = ["-T", "300", "--msd-stride", "1"]
        follower = subprocess.Popen([PROGRAM, "follow", path, "--run", "kept", *options],
                                    stderr=subprocess.DEVNULL, cwd=self.folder, env=env)
        self.wait_for(lambda: any(run["id"] == run_id and run["frames_durable"] == 50
                                  for run in self.listing()), "50 frames")
        follower.kill()
        follower.wait()
        write_extxyz(path, SPECIES, r[50:], v[50:], mode="a", first=50)
        self.expect(0, "follow", "--once", path, "--run", "kept", *options, IONWATCH_RUN_ID=run_id)
        self.wait_for(lambda: self.run_program("db", "show", run_id, "--db",
                                               self.db).returncode == 0, "the run to be filed")
        filed = self.show("kept")
        direct = self.record(path, *options)
        self.assertEqual(filed["run"]["frames"], 80)
        np.testing.assert_allclose(filed["groups"]["all"]["D_einstein_cm2_s"],
                                   direct["groups"]["all"]["D_einstein_cm2_s"], rtol=1e-9)

    def test_a_run_that_is_stopped_says_why_and_makes_the_stop_file(self):
        r, v = program.walk(30)
        write_extxyz(self.path("a.extxyz"), SPECIES, r, v)
        stop_file = self.path("STOPCAR")
        follower = self.start_follower(self.path("a.extxyz"), "--run", "tostop", "--stop-file",
                                       stop_file, "--idle", "2")
        self.wait_for(lambda: any(run["name"] == "tostop" for run in self.listing()), "the run")
        done = self.expect(0, "stop", "tostop")
        self.assertIn("asked to stop", done.stdout)
        self.wait_for(lambda: os.path.exists(stop_file), "the stop file")
        _, said = follower.communicate(timeout=30)
        self.assertEqual(follower.returncode, 0, said)
        self.assertIn("the daemon asks the run to stop", said)
        self.wait_for(lambda: self.run_program("db", "show", "tostop", "--db",
                                               self.db).returncode == 0, "the run to be filed")
        self.assertEqual(self.show("tostop")["run"]["state"], "stopped")
        self.expect(1, "stop", "tostop", says="has ended")
        self.wait_for(lambda: any(run["name"] == "tostop" and run["state"] == "stopped"
                                  for run in self.listing()), "the front door to know of it")
        self.expect(0, "rm", "tostop")
        self.assertEqual([run for run in self.listing() if run["name"] == "tostop"], [])
        self.expect(4, "show", "tostop", says="tostop")

    def test_a_folder_of_i_pi_is_followed_and_its_run_is_ended_by_exit(self):
        r, v = program.walk(40)
        folder = self.path("ipi")
        os.mkdir(folder)
        with open(os.path.join(folder, "input.xml"), "w") as file:
            file.write("<simulation><output prefix='w'/><system><motion><dynamics mode='nvt'>"
                       "<timestep units='femtosecond'> 1 </timestep></dynamics></motion>"
                       "</system></simulation>\n")
        files = {"pos_0": (r, "positions{angstrom}", 1.0), "vel_0": (v, "velocities{m/s}", 1e5)}

        def write(frames):
            for name, (values, quantity, factor) in files.items():
                with open(os.path.join(folder, f"w.{name}.xyz"), "a") as file:
                    for step in frames:
                        file.write(f"{len(SPECIES)}\n# CELL(abcABC): " + "  12.00000" * 3 +
                                   "  90.00000" * 3 + f"  Step:  {step:10d}  Bead:       0 "
                                   f"{quantity}  cell{{angstrom}}\n")
                        for label, row in zip(SPECIES, values[step] * factor):
                            file.write("%8s %12.5e %12.5e %12.5e\n" % (label, *row))

        options = ["-T", "300", "--msd-stride", "1"]
        write(range(20))
        follower = self.start_follower(folder, "--run", "ipi", "--stop-file", "auto", "--idle",
                                       "3", *options)
        self.wait_for(lambda: any(run["name"] == "ipi" and run["frames_durable"] == 20
                                  for run in self.listing()), "20 frames")
        self.expect(0, "stop", "ipi")
        self.wait_for(lambda: os.path.exists(os.path.join(folder, "EXIT")), "EXIT")
        write(range(20, 40))  # what i-PI writes until it looks
        _, said = follower.communicate(timeout=30)
        self.assertEqual(follower.returncode, 0, said)
        self.wait_for(lambda: self.run_program("db", "show", "ipi", "--db",
                                               self.db).returncode == 0, "the run to be filed")
        filed, direct = self.show("ipi"), self.record(folder, *options)
        self.assertEqual(filed["run"]["frames"], 40)
        self.assertEqual(filed["run"]["code"], "i-PI")
        self.assertEqual(filed["run"]["velocity_source"], direct["run"]["velocity_source"])
        np.testing.assert_allclose(filed["groups"]["all"]["D_einstein_cm2_s"],
                                   direct["groups"]["all"]["D_einstein_cm2_s"], rtol=1e-9)

    def test_unknown_runs_have_their_own_exit_code(self):
        for words in (["show", "nobody"], ["stop", "nobody"], ["watch", "nobody"]):
            self.expect(4, *words, says="nobody")

    def test_damage_in_the_file_ends_the_run_with_what_came_before(self):
        r, v = program.walk(40)
        write_extxyz(self.path("all.extxyz"), SPECIES, r, v)
        with open(self.path("all.extxyz")) as file:
            lines = file.read().split("\n")
        lines[12 * 30 + 5] = "Li 1.0 broken 2.0 0 0 0"
        with open(self.path("bad.extxyz"), "w") as file:
            file.write("\n".join(lines))
        self.expect(0, "follow", "--once", self.path("bad.extxyz"), "--run", "bad",
                    says=["broken", "366", "30 frames at the daemon"])

    def test_bad_input_is_refused_before_anything_is_sent(self):
        self.expect(1, "follow", "--once", self.path("none"), says="there is no such file")
        r, v = program.walk(5)
        write_extxyz(self.path("a.extxyz"), SPECIES, r, v)
        self.expect(1, "follow", "--once", self.path("a.extxyz"), "--masses", "Na=23",
                    says="no species Na")
        self.assertEqual(self.listing(), [])


class Charges(Daemon):
    options = ["--charges", "Li=1,S=-1.5,Na=1"]

    def follow(self, name, *options):
        self.expect(0, "follow", "--once", self.path("a.extxyz"), "--run", name, "-T", "600",
                    *options)
        self.wait_for(lambda: self.run_program("db", "show", name, "--db",
                                               self.db).returncode == 0, "the run to be filed")
        return json.loads(self.expect(0, "db", "show", name, "--json", "--series", "--full", "--db",
                                      self.db).stdout)

    def test_charges_come_from_the_run_or_else_from_the_daemon(self):
        r, v = program.walk(200)
        write_extxyz(self.path("a.extxyz"), SPECIES, r, v, cell=12.0 * np.eye(3))
        of_daemon, own = self.follow("plain"), self.follow("own", "--charges", "Li=0.8,S=-1.2")
        self.assertEqual(of_daemon["transport"]["charges_e"], {"Li": 1.0, "S": -1.5})
        self.assertEqual(own["transport"]["charges_e"], {"Li": 0.8, "S": -1.2})
        direct = self.record(self.path("a.extxyz"), "-T", "600", "--charges", "Li=0.8,S=-1.2",
                             "--series", "--full")
        np.testing.assert_allclose(own["transport"]["charge_msd"]["msd_e2A2"],
                                   direct["transport"]["charge_msd"]["msd_e2A2"], rtol=1e-9,
                                   atol=1e-12)
        rows = json.loads(self.expect(0, "db", "export", "--json", "--run", "own", "--descriptor",
                                      "conductivity_mS_cm", "--db", self.db).stdout)
        self.assertEqual([(row["group"], row["unit"], row["value"]) for row in rows],
                         [("all", "mS/cm", own["transport"]["conductivity_mS_cm"]["value"])])


class Removal(Daemon):
    options = ["--heartbeat-s", "1"]

    def test_a_removed_run_does_not_come_back_with_its_old_follower(self):
        r, v = program.walk(60)
        path = self.path("a.extxyz")
        write_extxyz(path, SPECIES, r[:30], v[:30])
        follower = self.start_follower(path, "--run", "gone")
        self.wait_for(lambda: [run["frames_durable"] for run in self.listing()] == [30], "frames")
        follower.send_signal(signal.SIGSTOP)
        self.wait_for(lambda: self.listing()[0]["state"] == "stalled", "silence")
        self.expect(0, "rm", "gone")
        follower.send_signal(signal.SIGCONT)
        write_extxyz(path, SPECIES, r[30:], v[30:], mode="a", first=30)
        self.wait_for(lambda: "was removed at the daemon" in self.said(), "the refusal")
        self.assertEqual(self.listing(), [])
        follower.send_signal(signal.SIGINT)
        _, said = follower.communicate(timeout=30)
        self.assertIn("was removed at the daemon", said)
        self.expect(0, "follow", "--once", path, "--run", "gone", says="60 frames at the daemon")


if __name__ == "__main__":
    program.main()
