#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""ionwatch follow and analyze on the folder of a VASP run."""
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
import test_daemon  # noqa: E402
import vasp  # noqa: E402

OPTIONS = ["--msd-stride", "1", "--no-paper"]


class Folder(test_daemon.Daemon):
    def setUp(self):
        super().setUp()
        self.run_folder = self.path("Li2S-600")
        os.mkdir(self.run_folder)

    def frames_of(self, run):
        return max([r["frames_durable"] for r in self.listing() if r["name"] == run], default=0)

    def test_a_run_of_three_jobs_streams_and_equals_its_files_analysed(self):
        x = vasp.motion(300)
        follower = self.start_follower(self.run_folder, "--msd-stride", "1", "--idle", "3")
        ends = [0, 120, 200, 300]
        for j in range(3):
            if j == 1:  # kept under another name; the third job overwrites the second's
                os.rename(os.path.join(self.run_folder, "vasprun.xml"),
                          os.path.join(self.run_folder, "vasprun.xml.run1"))
            if j == 2:
                with open(os.path.join(self.run_folder, "vasprun.xml")) as file:
                    second = file.read()
            job = vasp.Job(self.run_folder, nblock=10)
            for step in range(ends[j], ends[j + 1]):
                job.write_step(x[step])
                time.sleep(0.002)
            self.wait_for(lambda: self.frames_of("Li2S-600") == ends[j + 1], "the job's frames")
            job.end(x[ends[j + 1] % 300])
        _, said = follower.communicate(timeout=60)
        self.assertEqual(follower.returncode, 0, said)
        self.assertIn("300 frames at the daemon", said)
        self.wait_for(lambda: self.run_program("db", "show", "Li2S-600", "--db",
                                               self.db).returncode == 0, "the run to be filed")
        filed = self.show("Li2S-600", "--series")
        with open(os.path.join(self.run_folder, "vasprun.xml.run2"), "w") as file:
            file.write(second)
        direct = self.record(self.run_folder, *OPTIONS, "--series")
        self.assertEqual(direct["run"]["frames"], 300)
        self.assertEqual(filed["run"]["segments"], 1)
        for key in ("code", "code_version", "dt_fs", "temperature_K", "frames", "segments",
                    "velocity_source", "mobile"):
            self.assertEqual(filed["run"][key], direct["run"][key], key)
        for group in direct["groups"]:
            for key in ("D_einstein_cm2_s", "D_green_kubo_cm2_s", "msd", "vacf", "vdos"):
                self.assertEqual(filed["groups"][group][key], direct["groups"][group][key],
                                 (group, key))

    def test_asked_to_stop_it_writes_a_stopcar_and_takes_it_away_again(self):
        x = vasp.motion(60)
        stopcar = os.path.join(self.run_folder, "STOPCAR")
        job = vasp.Job(self.run_folder)
        job.write_step(x[0])
        follower = self.start_follower(self.run_folder, "--run", "vasp", "--stop-file", "auto")
        self.wait_for(lambda: self.frames_of("vasp") == 1, "the first frame")
        self.assertFalse(os.path.exists(stopcar))
        self.expect(0, "stop", "vasp")
        step = 1
        while not os.path.exists(stopcar):
            job.write_step(x[step])
            step += 1
            self.assertLess(step, 60)
            time.sleep(0.1)
        time.sleep(0.05)
        with open(stopcar) as file:
            self.assertEqual(file.readline(), "LSTOP = .TRUE.\n")
        job.write_step(x[step])  # VASP ends behind the step that it is in
        job.end(x[step + 1])
        _, said = follower.communicate(timeout=30)  # without Ctrl-C and --idle
        self.assertEqual(follower.returncode, 0, said)
        self.assertIn("as the MD code has ended", said)
        self.assertFalse(os.path.exists(stopcar))
        self.wait_for(lambda: self.show("vasp")["run"]["state"] == "stopped", "the run to end")
        self.assertEqual(self.show("vasp")["run"]["frames"], step + 1)

    def test_a_stopcar_of_somebody_else_is_left_alone(self):
        x = vasp.motion(3)
        stopcar = os.path.join(self.run_folder, "STOPCAR")
        job = vasp.Job(self.run_folder)
        job.write_step(x[0])
        with open(stopcar, "w") as file:
            file.write("LSTOP = .TRUE.\n")  # as custodian does
        follower = self.start_follower(self.run_folder, "--run", "kept", "--stop-file", "auto")
        self.wait_for(lambda: self.frames_of("kept") == 1, "the first frame")
        self.expect(0, "stop", "kept")
        time.sleep(0.5)
        job.write_step(x[1])
        job.end(x[2])
        _, said = follower.communicate(timeout=30)
        self.assertIn("STOPCAR is there: it may end the MD code", said)
        self.assertIn("STOPCAR is there already: it is left as it is", said)
        with open(stopcar) as file:
            self.assertEqual(file.read(), "LSTOP = .TRUE.\n")

    def test_a_stopcar_that_an_earlier_follow_left_is_removed(self):
        x = vasp.motion(3)
        stopcar = os.path.join(self.run_folder, "STOPCAR")
        job = vasp.Job(self.run_folder)
        job.write_step(x[0])
        with open(stopcar, "w") as file:
            file.write("LSTOP = .TRUE.\n# made by ionwatch follow\n")
        follower = self.start_follower(self.run_folder, "--stop-file", "auto", "--idle", "0.5")
        _, said = follower.communicate(timeout=30)
        job.end(x[1])
        self.assertIn("which an earlier follow had left", said)
        self.assertFalse(os.path.exists(stopcar))


if __name__ == "__main__":
    unittest.main()
