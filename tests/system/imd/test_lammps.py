#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""ionwatch imd against the real `fix imd` of LAMMPS.

Releases before February 2025 speak version 2 only: the refusal must say so, and the run must go on
as if nobody had been there.  A release that knows version 3 streams, and the result is that of its
dump file.
"""
import os
import shutil
import socket
import subprocess
import sys
import time

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
import program
from program import PROGRAM, SOURCE, Case, environment

INPUT = os.path.join(SOURCE, "tests/system/lammps/caf2.lmp")
MAX_FRAMES = 400


class Lammps(Case):
    def setUp(self):
        super().setUp()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]

    def lammps(self, script):
        with open(self.path("in.lmp"), "w") as file:
            file.write(script)
        child = subprocess.Popen(["lmp", "-in", "in.lmp"], cwd=self.folder, text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 env=dict(environment(self.folder), OMP_NUM_THREADS="1"))
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.kill)
        return child

    def script(self, imd):
        return (f"variable tilt index 0\ninclude {INPUT}\nfix n all nve\n"
                "write_data atoms.data\n"
                f"fix im all imd {self.port} {imd}\n"
                "dump d all custom 2 run.lammpstrj id type x y z vx vy vz\n"
                "dump_modify d format float %.9g\n"
                f"run {2 * MAX_FRAMES}\nwrite_restart end.restart\n")

    def wait_for_atoms(self, child):
        """LAMMPS has written all of its data file, and goes on to the fix."""
        until = time.monotonic() + 30
        while not (os.path.exists(self.path("atoms.data"))
                   and "Velocities" in open(self.path("atoms.data")).read()):
            self.assertIsNone(child.poll())
            self.assertLess(time.monotonic(), until, "the data file")
            time.sleep(0.02)

    def knows_version_3(self):
        child = self.lammps("region r block 0 1 0 1 0 1\ncreate_box 1 r\n"
                            "create_atoms 1 single 0 0 0\n"
                            f"fix im all imd {self.port} version 3\n")
        out, _ = child.communicate(timeout=60)
        return "Unknown fix imd parameter" not in out

    def test_version_2_is_refused_and_the_run_goes_on(self):
        child = self.lammps(self.script("trate 2 unwrap off nowait on"))
        self.wait_for_atoms(child)
        done = self.run_program("imd", f"127.0.0.1:{self.port}", "--topology", self.path("atoms.data"),
                                "--species", "Ca,F", "-e", "file://" + self.path("x.iwlog"))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("speaks IMD version 2", done.stderr)
        self.assertIn("version 3", done.stderr)
        out, _ = child.communicate(timeout=100)
        self.assertEqual(child.returncode, 0, out)
        self.assertTrue(os.path.exists(self.path("end.restart")), out)
        self.assertIn("IMD client detached. LAMMPS run continues.", out)

    def test_version_3_gives_what_the_dump_gives(self):
        if not self.knows_version_3():
            self.skipTest("the fix imd of this LAMMPS knows version 2 only")
        child = self.lammps(self.script("trate 2 version 3 unwrap off nowait off forces off"))
        self.wait_for_atoms(child)
        done = self.run_program("imd", f"127.0.0.1:{self.port}", "--topology", self.path("atoms.data"),
                                "--species", "Ca,F", "--units", "metal", "--idle", "3",
                                "-e", "file://" + self.path("x.iwlog"))
        out, _ = child.communicate(timeout=100)
        self.assertEqual((child.returncode, done.returncode), (0, 0), out + done.stderr)
        options = ["--no-paper", "--series", "--full"]
        live = self.record(self.path("x.iwlog"), *options)
        batch = self.record(self.path("run.lammpstrj"), "--dt", "4", "--species", "Ca,F", *options)
        a, b = (np.array(r["groups"]["F"]["msd"]["msd_A2"], float) for r in (live, batch))
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * b.max())


if __name__ == "__main__":
    if not shutil.which("lmp"):
        print("SKIPPED: lmp is not installed")
        sys.exit(77)
    program.main()
