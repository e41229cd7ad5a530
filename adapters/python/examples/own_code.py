# SPDX-License-Identifier: BSD-3-Clause
"""A toy MD in Python that streams itself: ions that hop, in ps.  Then what the daemon makes of it.

    ionwatchd &
    python3 own_code.py
"""
import ionwatch
import numpy as np

rng = np.random.default_rng(1)
species = ["Li"] * 32 + ["Cl"] * 32
cell = np.eye(3) * 12.0
x = rng.uniform(0, 12, (64, 3))
mobile = np.arange(64)[:, None] < 32
settings = {"stop": "stop", "target": "0.1", "planned_ps": "100"}
with ionwatch.Stream(species, timestep=0.01, units="A ps eV", wrapped=False, name="toy", metadata=settings) as stream:
    for step in range(10000):
        x += mobile * rng.normal(0, 0.08, (64, 3))
        stream.send(step, x, cell=cell)
        reason = stream.should_stop()
        if reason:
            print(f"ends at step {step}: {reason}")
            break
