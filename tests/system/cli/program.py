# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the command share: running it, and small trajectories with known answers."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

import numpy as np

BUILD = os.path.abspath(os.environ.get("IONWATCH_BUILD", "build"))
SOURCE = os.environ.get("IONWATCH_SOURCE", ".")
PROGRAM = os.path.join(BUILD, "ionwatch")
DAEMON = os.path.join(BUILD, "ionwatchd")

COMMANDS = ["analyze", "follow", "imd", "ls", "status", "show", "watch", "stop", "rm", "arrhenius", "plot", "landscape",
            "explain", "keygen", "unpack", "db ls", "db show", "db query", "db export", "db import", "db ingest", "db migrate",
            "db rm"]


def environment(folder, **more):
    """Nothing of the user's: state, endpoint and database are inside the folder."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("IONWATCH_", "XDG_"))}
    return {**keep, "HOME": folder, "XDG_STATE_HOME": folder, "XDG_RUNTIME_DIR": folder,
            "IONWATCH_SPOOL": folder, **more}


class Case(unittest.TestCase):
    """A test in an empty folder of its own."""

    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="iw-cli-")
        self.folder = self.temporary.name
        self.addCleanup(self.temporary.cleanup)  # the last of the clean-ups

    def path(self, name):
        return os.path.join(self.folder, name)

    def run_program(self, *words, timeout=60, input=None, **env):
        return subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=timeout,
                              input=input, cwd=self.folder, env=environment(self.folder, **env))

    def expect(self, code, *words, says=(), **env):
        """Runs it; the exit code and every phrase on stderr must be as expected."""
        done = self.run_program(*words, **env)
        self.assertEqual(done.returncode, code, f"{words}\n{done.stdout}\n{done.stderr}")
        for phrase in [says] if isinstance(says, str) else says:
            self.assertIn(phrase, done.stderr)
        return done

    def record(self, *words, **env):
        """What `analyze --json` prints; stdout must be JSON and nothing else."""
        return json.loads(self.expect(0, "analyze", "--json", *words, **env).stdout)


def write_extxyz(path, species, r, v=None, dt_fs=1.0, cell=None, mode="w", first=0):
    with open(path, mode) as file:
        for t in range(len(r)):
            lattice = 'Lattice="%s" ' % " ".join(map(repr, np.ravel(cell).tolist())) \
                if cell is not None else ""
            columns = "species:S:1:pos:R:3" + (":vel:R:3" if v is not None else "")
            file.write(f"{len(species)}\n{lattice}Properties={columns} "
                       f"Time={(first + t) * dt_fs!r}\n")
            for i, s in enumerate(species):
                numbers = [*r[t, i].tolist(), *(v[t, i].tolist() if v is not None else [])]
                file.write(" ".join([s, *map(repr, numbers)]) + "\n")


SPECIES = ["Li"] * 6 + ["S"] * 4
MASS = np.array([6.94] * 6 + [32.06] * 4)


def walk(frames, seed=1):
    """Lithium walks, sulfur shakes; unwrapped A, and velocities A/fs of no meaning."""
    rng = np.random.default_rng(seed)
    r = np.cumsum(rng.normal(0, 0.05, (frames, 10, 3)), axis=0)
    r[:, 6:] = rng.normal(0, 0.1, (frames, 4, 3))
    r += rng.uniform(0, 12, (10, 3))
    return r, rng.normal(0, 0.01, (frames, 10, 3))


def msd(r):
    """All origins, lags 0..T/2, one line for each atom: straight from the definition."""
    frames = len(r)
    out = np.zeros((frames // 2 + 1, r.shape[1]))
    for n in range(1, frames // 2 + 1):
        out[n] = ((r[n:] - r[:-n]) ** 2).sum(axis=2).mean(axis=0)
    return out


def vacf(v, lags):
    return np.array([(v[n:] * v[:len(v) - n]).sum(axis=2).mean(axis=0) for n in range(lags + 1)])


def einstein_cm2_s(curve, dt_fs):
    """Least squares over the lags ceil(M/2)..M, slope/6."""
    top = len(curve) - 1
    lags = np.arange(-(-top // 2), top + 1)
    return np.polyfit(lags * dt_fs, curve[lags], 1)[0] / 6 * 0.1


def main():
    if not os.path.exists(PROGRAM):
        sys.exit(f"{PROGRAM} is not built")
    unittest.main(verbosity=2)
