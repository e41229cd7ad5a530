#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long after a code has written a step it is in what the daemon shows: follow's delay.

delay.py vasp|cp2k|pw.x|cp.x [STEPS] looks at the files of a run a thousand times a second, and asks the daemon until a step
that has just come is in its answer.  VASP is a stand-in that writes as VASP does, now and then; the others are the codes
themselves.  Prints median and worst; fails when the median is a second.
"""
import contextlib
import random
import statistics
import sys
import threading
import time

from abinitio import (ADAPTERS, HERE, cpx, cpx_stage, daemon, electrons, follow, frames, require,
                      started, until, workfolder)
from programs import CLI, DAEMON, require_built

sys.path.insert(0, str(HERE.parent / "vasp"))
import vasp  # noqa: E402


class Watch(threading.Thread):
    """Frames that stand whole in a file, and since when."""

    def __init__(self, path, count):
        super().__init__(daemon=True)
        self.path, self.count = path, count
        self.frames, self.since, self.ended = 0, 0.0, False

    def run(self):
        size = 0
        while not self.ended:
            time.sleep(0.001)
            now = self.path.stat().st_size if self.path.exists() else 0
            if now == size:
                continue
            size, came = now, time.monotonic()
            whole = self.count(self.path.read_bytes())
            if whole > self.frames:
                self.since, self.frames = came, whole


@contextlib.contextmanager
def vasp_run(folder):
    """A step now and then."""
    done = threading.Event()

    def write():
        x, job = vasp.motion(10000), vasp.Job(folder)
        for step in x:
            job.write_step(step)
            if done.wait(random.uniform(0.1, 0.5)):
                return

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield folder, folder / "vasprun.xml", lambda data: data.count(b"</calculation>")
    finally:
        done.set()
        thread.join()


@contextlib.contextmanager
def cp2k_run(folder):
    text = (ADAPTERS / "cp2k" / "examples" / "water.inp").read_text()
    (folder / "water.inp").write_text(text.replace("STEPS 60", "STEPS 100000"))
    with started(["cp2k.psmp", "-i", "water.inp", "-o", "water.out"], folder, "cp2k.log"):
        yield folder, folder / "water-pos-1.xyz", lambda data: data.count(b"\n") // 8


@contextlib.contextmanager
def pwx_run(folder):
    """A frame is whole once the next step is: the kinetic energy is printed a step late."""
    text = (ADAPTERS / "qe" / "examples" / "si.md.in").read_text()
    (folder / "md.in").write_text(text.replace("nstep=25", "nstep=10000"))
    with started(["pw.x", "-in", "md.in"], folder, "md.out"):
        yield folder / "md.in", folder / "md.out", lambda data: data.count(b"Ekin + Etot (const)")


@contextlib.contextmanager
def cpx_run(folder):
    electrons(folder)
    pos = folder / "out" / "sic.pos"
    before = pos.read_bytes().count(b"\n") // 9  # the atoms rest in them
    with cpx(folder, "cp1", cpx_stage("ions").replace("nstep=100", "nstep=100000")):
        yield folder, pos, lambda data: data.count(b"\n") // 9 - before


CODES = {"vasp": (vasp_run, None), "cp2k": (cp2k_run, "cp2k.psmp"), "pw.x": (pwx_run, "pw.x"),
         "cp.x": (cpx_run, "cp.x")}


def measure(run, steps):
    delays = []
    with workfolder() as folder:
        endpoint = f"ipc://{folder}/iw.sock"
        (folder / "run").mkdir()
        with daemon(folder, endpoint), run(folder / "run") as (operand, path, count), \
                follow(operand, endpoint, folder):
            watch = Watch(path, count)
            watch.start()
            until(lambda: frames(endpoint) > 2, 60, "frames arrive")
            while len(delays) < steps:
                seen = watch.frames
                until(lambda: watch.frames > seen, 60, "the next step is written")
                written, since = watch.frames, watch.since
                until(lambda: frames(endpoint) >= written, 20, "the step is shown")
                delays.append(time.monotonic() - since)
            watch.ended = True
            watch.join()
    return delays


if __name__ == "__main__":
    CODE = sys.argv[1] if len(sys.argv) > 1 else ""
    if CODE not in CODES:
        sys.exit(__doc__)
    run, program = CODES[CODE]
    require(program) if program else require_built(CLI, DAEMON)
    delays = measure(run, int(sys.argv[2]) if len(sys.argv) > 2 else 60)
    print(f"{CODE}: delay from write to snapshot: median {statistics.median(delays):.3f} s, "
          f"worst of {len(delays)} {max(delays):.3f} s")
    sys.exit(statistics.median(delays) >= 1.0)
