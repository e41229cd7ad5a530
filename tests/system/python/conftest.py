# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the Python package share: a daemon in an empty folder, and nothing of the user's."""
import os
import pathlib
import subprocess
import sys
import time

# Before NumPy: on a busy machine threads wait for each other far longer than they work.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import numpy as np
import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("IONWATCH_BUILD", SOURCE / "build")).resolve()
PACKAGE = SOURCE / "adapters" / "python"
sys.path.insert(0, str(PACKAGE))
sys.dont_write_bytecode = True
os.environ["IONWATCH_LIBRARY"] = str(BUILD / "plugin" / "libionwatch.so.0")
os.environ["IONWATCH_PROGRAM"] = str(BUILD / "ionwatch")

import ionwatch  # noqa: E402
import ionwatch.database  # noqa: E402
import ionwatch.live  # noqa: E402
from ionwatch import program  # noqa: E402


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The test's own folder, to work in; endpoint, state, keys and spool are inside."""
    for key in list(os.environ):
        if key.startswith(("XDG_", "IONWATCH_")) and key not in ("IONWATCH_LIBRARY", "IONWATCH_PROGRAM"):
            monkeypatch.delenv(key)
    for key in ("HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "IONWATCH_SPOOL"):
        monkeypatch.setenv(key, str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", str(PACKAGE))  # of programs that a test starts
    monkeypatch.chdir(tmp_path)
    return tmp_path


def until(condition, what, seconds=30.0):
    """Waits for it and returns what it gave; a run that is not there yet is waited for, too."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            value = condition()
        except ionwatch.IonwatchError as error:
            if error.status != ionwatch.Status.NOT_FOUND:
                raise
            value = None
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


class Daemon:
    """An ionwatchd of the test's own."""

    def __init__(self, folder, *options, listen=None):
        self.folder = folder
        self.endpoint = listen or f"ipc://{folder}/iw.sock"
        self.db = f"sqlite://{folder}/ions.db"
        self.log = open(folder / "daemon.log", "a")
        self.process = subprocess.Popen(
            [str(BUILD / "ionwatchd"), "--listen", self.endpoint, "--data", str(folder / "data"),
             "--db", self.db, "--publish-every-s", "0.1", "--http", "off", *options],
            stdout=self.log, stderr=self.log)

    @property
    def runs(self):
        return ionwatch.live.Runs(self.endpoint)

    def answers(self):
        try:
            self.runs.list()
        except ionwatch.IonwatchError:
            return False
        return True

    def filed(self, name, frames=None):
        """The record of a run once it has been filed."""
        def record():
            with ionwatch.database.Database(self.db) as db:
                found = db.record(name)
            return found if frames in (None, found["run"]["frames"]) else None
        return until(record, f"{name} to be filed, {frames} frames")

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self.process.wait()
            self.log.close()


@pytest.fixture
def start(folder):
    """Starts daemons; their last words are shown where a test fails."""
    daemons = []

    def begin(*options, listen=None):
        daemon = Daemon(folder, *options, listen=listen)
        daemons.append(daemon)
        until(daemon.answers, "the daemon to answer")
        return daemon

    yield begin
    for daemon in daemons:
        daemon.end()
    for daemon in daemons:
        print((folder / "daemon.log").read_text()[-2000:])


@pytest.fixture
def daemon(start):
    return start()


def analyze(*words):
    """The record that `ionwatch analyze` makes of finished files, whole series."""
    from ionwatch.record import Record
    return Record(program.ask_json("analyze", *map(str, words), "--series", "--full"))


SPECIES = ["Li"] * 6 + ["S"] * 4
MASSES = [6.94] * 6 + [32.06] * 4


def walk(frames, seed=1):
    """Lithium walks, sulfur shakes: unwrapped A [frames][10][3], and velocities of no meaning."""
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.normal(0, 0.05, (frames, 10, 3)), axis=0)
    x[:, 6:] = rng.normal(0, 0.1, (frames, 4, 3))
    return x + rng.uniform(0, 12, (10, 3)), rng.normal(0, 0.01, (frames, 10, 3))


def same_series(one, other, rtol=1e-9):
    """Every group and series of two records: numbers within rtol of the largest of a column."""
    assert set(one["groups"]) == set(other["groups"])
    for name in other["groups"]:
        for series, column in (("msd", "msd_A2"), ("vacf", "c"), ("vdos", "g")):
            mine = np.array(one["groups"][name][series][column], float)
            theirs = np.array(other["groups"][name][series][column], float)
            np.testing.assert_allclose(mine, theirs, rtol=0, atol=rtol * np.abs(theirs).max(),
                                       err_msg=f"{series} of {name}")
