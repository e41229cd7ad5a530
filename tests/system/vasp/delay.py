#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long after VASP has written a step it is in what the daemon shows: follow's delay.

delay.py [STEPS] steps a job that writes a step now and then, and asks the daemon until the step is
in its answer.  Prints median and worst; fails from 1 s on.
"""
import os
import random
import statistics
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
import test_daemon  # noqa: E402
import vasp  # noqa: E402

STEPS = int(sys.argv.pop(1)) if len(sys.argv) > 1 else 60


class Delay(test_daemon.Daemon):
    options = ["--publish-every-s", "1"]  # the default

    def setUp(self):
        super().setUp()
        self.run_folder = self.path("delay")
        os.mkdir(self.run_folder)

    def test_a_written_step_is_shown_within_a_second(self):
        x = vasp.motion(STEPS + 6)
        job = vasp.Job(self.run_folder)
        for step in range(5):
            job.write_step(x[step])
        follower = self.start_follower(self.run_folder, "--run", "delay")
        self.addCleanup(follower.communicate)
        self.addCleanup(follower.terminate)
        self.wait_for(lambda: self.run_program("show", "delay").returncode == 0, "the run")
        delays = []
        for step in range(5, STEPS + 5):
            time.sleep(random.uniform(0.1, 0.5))
            job.write_step(x[step])
            written = time.monotonic()
            self.wait_for(lambda: self.show("delay")["run"]["frames"] == step + 1, "the step", 5)
            delays.append(time.monotonic() - written)
        job.end(x[STEPS + 5])
        print(f"delay from write to snapshot: median {statistics.median(delays):.3f} s, "
              f"worst of {STEPS} {max(delays):.3f} s")
        self.assertLess(max(delays), 1.0)


if __name__ == "__main__":
    unittest.main()
