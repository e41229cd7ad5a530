#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""bench_python.py [--build FOLDER] [--smoke] - what a step costs an MD code that the Python package streams.

The call alone is timed, on the thread of the MD code: the median and the 90 % quantile of many calls, in us.
Beside it a step of the cheapest MD there is in ASE: copper by EMT.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

HERE = pathlib.Path(__file__).resolve()
parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--build", default=os.environ.get("IONWATCH_BUILD", "build"))
parser.add_argument("--smoke", action="store_true", help="a few calls, to see that it works")
options = parser.parse_args()
build = pathlib.Path(options.build).resolve()
os.environ["IONWATCH_LIBRARY"] = str(build / "plugin" / "libionwatch.so.0")
os.environ["IONWATCH_PROGRAM"] = str(build / "ionwatch")
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(HERE.parents[2] / "adapters" / "python"))
sys.dont_write_bytecode = True

import ionwatch  # noqa: E402
import ionwatch.live  # noqa: E402
import ionwatch.vasp  # noqa: E402

try:
    import ase.build
    import ionwatch.ase
    from ase import units
    from ase.calculators.emt import EMT
    from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
    from ase.md.verlet import VelocityVerlet
except ImportError:
    print("SKIPPED: python3-ase is not installed")
    sys.exit(77)

CALLS = 20 if options.smoke else 2000
SIZES = (32,) if options.smoke else (32, 256, 864)


def row(what, atoms, times):
    times = sorted(times)
    print(f"{what:44s} {atoms:6d} {statistics.median(times) * 1e6:10.1f} {times[int(0.9 * len(times))] * 1e6:10.1f}",
          flush=True)


def timed(call, calls=CALLS, before=lambda t: None):
    """Seconds of each call; before(t) is not counted."""
    times = []
    for t in range(calls):
        before(t)
        start = time.perf_counter()
        call(t)
        times.append(time.perf_counter() - start)
    return times


def copper(atoms):
    repeats = {32: 2, 108: 3, 256: 4, 864: 6}[atoms]
    crystal = ase.build.bulk("Cu", cubic=True) * repeats
    crystal.calc = EMT()
    MaxwellBoltzmannDistribution(crystal, temperature_K=900, rng=np.random.RandomState(1))
    return crystal


def bench_stream(atoms, endpoint, kind, what):
    rng = np.random.default_rng(1)
    x, v = rng.random((atoms, 3)).astype(kind), rng.random((atoms, 3)).astype(kind)
    cell = np.eye(3) * 20.0
    stream = ionwatch.Stream(["Cu"] * atoms, timestep=2.0, endpoint=endpoint)
    row(what, atoms, timed(lambda t: stream.send(t, x, v, cell, potential_energy=1.0)))
    stream.close(0)  # the rest goes with the folder


def bench_observer(atoms, endpoint):
    crystal = copper(atoms)
    dyn = VelocityVerlet(crystal, 2 * units.fs)
    watch = ionwatch.ase.Observer(dyn, endpoint=endpoint)
    crystal.get_forces()

    def step(t):
        dyn.nsteps = t
        watch._stamp()

    row("ionwatch.ase.Observer, to a daemon", atoms, timed(lambda t: watch(), before=step))
    watch.close()
    row("a step of ASE: EMT, VelocityVerlet", atoms, timed(lambda t: dyn.run(1), 3))


@dataclass(frozen=True)
class Constants:
    number_ions: int
    number_ion_types: int
    ion_types: Any
    atomic_numbers: Any
    lattice_vectors: Any
    positions: Any
    POMASS: Any
    total_energy: float


def bench_vasp(atoms, endpoint, folder):
    (folder / "INCAR").write_text("POTIM = 2\nTEBEG = 600\n")
    os.environ["IONWATCH_ENDPOINT"] = endpoint
    os.chdir(folder)
    ionwatch.vasp._plugins.clear()
    rng = np.random.default_rng(1)
    x = rng.random((atoms, 3))
    constants = Constants(atoms, 1, np.zeros(atoms, int), np.array([29]), np.eye(3) * 20.0, x, np.array([63.546]), -1.0)
    row("ionwatch.vasp.structure, with its state file", atoms,
        timed(lambda t: ionwatch.vasp.structure(constants, None), CALLS // 10))
    ionwatch.vasp._plugins[os.getcwd()].stream.close()


def main():
    with tempfile.TemporaryDirectory(prefix="iw-bench-") as name:
        folder = pathlib.Path(name)
        os.environ["IONWATCH_SPOOL"] = name
        endpoint = f"ipc://{folder}/iw.sock"
        daemon = subprocess.Popen(
            [str(build / "ionwatchd"), "--listen", endpoint, "--data", str(folder / "data"),
             "--db", f"sqlite://{folder}/runs.sqlite", "--http", "off"], stderr=subprocess.DEVNULL)
        try:
            while True:
                try:
                    ionwatch.live.Runs(endpoint).list()
                    break
                except ionwatch.IonwatchError:
                    if daemon.poll() is not None:
                        raise
                    time.sleep(0.1)
            print(f"{'us a call, on the thread of the MD code':44s} {'atoms':>6s} {'median':>10s} {'90 %':>10s}")
            for atoms in SIZES:
                bench_stream(atoms, endpoint, np.float64, "Stream.send, f64, velocities, to a daemon")
                bench_stream(atoms, endpoint, np.float32, "Stream.send, f32, velocities, to a daemon")
                bench_stream(atoms, f"ipc://{folder}/nobody.sock", np.float64, "Stream.send, f64, velocities, no daemon")
                bench_observer(atoms, endpoint)
                bench_vasp(atoms, endpoint, folder)
        finally:
            daemon.terminate()
            daemon.wait(30)


main()
