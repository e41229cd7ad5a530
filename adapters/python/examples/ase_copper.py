# SPDX-License-Identifier: BSD-3-Clause
"""Liquid copper by ASE and EMT; submit it again and again: it goes on where it was.

    ionwatchd &
    python3 ase_copper.py [steps]
"""
import os
import sys

import ionwatch.ase
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import read
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
if os.path.exists("copper.traj"):
    atoms = read("copper.traj")
else:
    atoms = bulk("Cu", a=4.2, cubic=True) * 2
    atoms.rattle(0.3, seed=1)
    MaxwellBoltzmannDistribution(atoms, temperature_K=6000)
atoms.calc = EMT()
dyn = Langevin(atoms, 4 * units.fs, temperature_K=6000, friction=0.02, trajectory="copper.traj",
               append_trajectory=True)
settings = {"mobile": "Cu", "stop": "stop", "target": "0.2"}
with ionwatch.ase.Observer(dyn, name="copper", restart=True, metadata=settings) as watch:
    dyn.attach(watch)
    dyn.run(steps)
print(f"{dyn.nsteps} steps, run {watch.run_id}: {watch.stop_reason or 'not stopped'}")
