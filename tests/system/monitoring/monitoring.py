# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of metrics and notices share."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
import program  # noqa: E402
import test_daemon  # noqa: E402


def known_metrics():
    """Names of docs/metrics.md, which a unit test keeps equal to the table."""
    with open(os.path.join(program.SOURCE, "docs/metrics.md")) as file:
        return set(re.findall(r"(?m)^\| `(\w+)`", file.read()))


class Daemon(test_daemon.Daemon):
    def start_walk(self, name, frames=400, *options):
        """A live run that stands still after its last frame: its adapter waits for more."""
        path = self.path(f"walk{len(os.listdir(self.folder))}.extxyz")
        program.write_extxyz(path, program.SPECIES, program.walk(frames)[0], dt_fs=10)
        follower = self.start_follower(path, "--run", name, "-T", "600", *options)
        self.addCleanup(follower.stdout.close)
        self.addCleanup(follower.stderr.close)
        self.addCleanup(follower.wait)
        self.addCleanup(follower.kill)
        self.wait_for(lambda: self.has_settled(name, frames), "the frames of the run")
        return follower

    def has_settled(self, name, frames):
        """All frames are analysed, and the listing has the D that comes of them."""
        rows = [row for row in self.listing() if row["name"] == name and row["frames"] == frames]
        if not rows:
            return False
        record = self.show(rows[0]["id"])
        value = record["groups"]["mobile"]["D_cm2_s"]["value"]
        return record["run"]["frames"] == frames and value and value == rows[0]["D_cm2_s"]

    def row(self, name):
        return next(row for row in self.listing() if row["name"] == name)
