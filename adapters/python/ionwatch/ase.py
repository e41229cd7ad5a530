# SPDX-License-Identifier: BSD-3-Clause
"""Dynamics of ASE: an observer that streams the run, and ends it when the answer is known.

    dyn = Langevin(atoms, 2 * units.fs, temperature_K=900, friction=0.01, trajectory="md.traj")
    with ionwatch.ase.Observer(dyn, name="Cu-900K") as watch:
        dyn.attach(watch, interval=2)
        dyn.run(100000)
"""
from __future__ import annotations

import os
import uuid
from types import TracebackType
from typing import Any, Mapping, Optional, Type

import ase
import ase.parallel
from ase import units

from .errors import IonwatchStop, tell
from .stream import Stream, Units

RUN_KEY = "ionwatch_run"  # in atoms.info, and so in trajectories
STEP_KEY = "ionwatch_step"

# Where a thermostat keeps its target, and what one K is in its unit.
THERMOSTATS = {
    "Langevin": ("temp", units.kB),
    "Andersen": ("temp", units.kB),
    "NVTBerendsen": ("temperature", 1.0),
    "NPT": ("temperature", units.kB),
    "Bussi": ("temp", units.kB),
}


def target_temperature(dyn: Any) -> Optional[float]:
    """Target of the thermostat in K; None where there is none, or where it is not known."""
    for kind in type(dyn).__mro__:
        if kind.__name__ in THERMOSTATS:
            attribute, kelvin = THERMOSTATS[kind.__name__]
            value = getattr(dyn, attribute, None)
            return None if value is None else float(value) / kelvin
    return None


class Observer:
    """Attach it to dynamics: `dyn.attach(observer, interval=n)`.

    dyn         the dynamics; or the atoms alone: then `timestep` and `interval` have to be given,
                and what stops a run is `stop_reason` or stop="raise"
    timestep    ASE units; None: that of the dynamics
    interval    steps from call to call; None: that of `dyn.attach`
    restart     True: go on with the run that the atoms come from, if they were read from a
                trajectory of a run that was streamed (`atoms.info` names run and step); else, and
                where they name none, it is a new run.  Safe to leave in a script that is submitted
                again and again.
    stop        what is done when the daemon asks: "run" lets `dyn.run` return after this step,
                "raise" raises IonwatchStop, "no" goes on; `stop_reason` says why in each case
    temperature target in K; None: that of the thermostat
    velocities  False: leave them out
    errors      "warn": no failure disturbs the run; "raise"
    options     everything else that `ionwatch.Stream` takes: name, charges, endpoint, metadata, ...

    What is sent: positions as they are (ASE does not fold them), velocities of the full step, cell
    where it is periodic in all directions, potential energy as the calculator has it, kinetic
    energy, temperature.  No energy or force is ever computed for it.  With more than one process the first
    sends.  As a context manager it ends the run as `ionwatch.Stream` does; without, call `finish`.
    """

    def __init__(
        self,
        dyn: Any,
        *,
        timestep: Optional[float] = None,
        interval: Optional[int] = None,
        restart: bool = False,
        run_id: Optional[str] = None,
        stop: str = "run",
        temperature: Optional[float] = None,
        velocities: bool = True,
        metadata: Optional[Mapping[str, Any]] = None,
        errors: str = "warn",
        world: Any = None,
        **options: Any,
    ):
        self.dyn = None if isinstance(dyn, ase.Atoms) else dyn
        self.atoms = dyn if self.dyn is None else dyn.atoms
        if stop not in ("run", "raise", "no"):
            raise ValueError(f"stop is {stop!r}, none of 'run', 'raise' and 'no'")
        if self.dyn is None and (timestep is None or interval is None):
            raise ValueError("with atoms alone the observer needs timestep and interval")
        if timestep is None:
            timestep = getattr(self.dyn, "dt", None)
        if timestep is None:
            raise ValueError(f"{type(dyn).__name__} has no timestep: it is no molecular dynamics")
        self.stop = stop
        self.stop_reason: Optional[str] = None
        self.stream: Optional[Stream] = None
        self._interval = interval
        self._velocities = velocities
        self._world = ase.parallel.world if world is None else world
        self._first_step = 0
        self._calls = 0
        self._warns = errors == "warn"
        self.run_id = run_id or os.environ.get("IONWATCH_RUN_ID") or ""
        earlier = self.atoms.info.get(RUN_KEY)
        if restart and not self.run_id and earlier:
            self.run_id = str(earlier)
        if earlier and self.run_id == str(earlier):
            self._first_step = int(self.atoms.info.get(STEP_KEY, 0))
        self.run_id = self.run_id or str(uuid.uuid4())
        self._options = {
            "masses": self.atoms.get_masses(),
            "timestep": timestep,
            "temperature": temperature if self.dyn is None or temperature is not None
            else target_temperature(self.dyn),
            "units": Units(time_fs=1.0 / units.fs),
            "wrapped": False,
            "code": "ase",
            "code_version": ase.__version__,
            "metadata": {**self._notes(), **(metadata or {})},
            "errors": errors,
            **options,
        }
        if self.dyn is not None:  # ahead of the trajectory that the dynamics has already
            self.dyn.insert_observer(self._stamp, 0, 1)

    def _notes(self) -> dict[str, str]:
        notes = {"adapter": "ionwatch.ase"}
        if self.dyn is not None:
            notes["dynamics"] = type(self.dyn).__name__
        if self.atoms.calc is not None:
            notes["calculator"] = type(self.atoms.calc).__name__
        return notes

    def _stamp(self) -> None:
        """What a trajectory keeps of the run with each frame, for a restart."""
        steps = self._calls * (self._interval or 1) if self.dyn is None else self.dyn.nsteps
        self.atoms.info[RUN_KEY] = self.run_id
        self.atoms.info[STEP_KEY] = self._first_step + steps

    def _attached_interval(self) -> int:
        """Of `dyn.attach`, which does not tell the observer."""
        if self._interval is None:
            for entry in getattr(self.dyn, "observers", ()):
                if entry[0] is self and entry[1] > 0:
                    return int(entry[1])
        return self._interval or 1

    def _open(self) -> Stream:
        return Stream(
            self.atoms.get_chemical_symbols(),
            stride=self._attached_interval(),
            run_id=self.run_id,
            **self._options,
        )

    def _send(self) -> None:
        if self.stream is None:
            self.stream = self._open()
        atoms = self.atoms
        results = getattr(atoms.calc, "results", None) or {}
        kinetic = atoms.get_kinetic_energy()
        self.stream.send(
            atoms.info[STEP_KEY],
            atoms.arrays["positions"],
            atoms.get_velocities() if self._velocities else None,
            atoms.cell.array if atoms.pbc.all() else None,
            potential_energy=results.get("energy"),
            kinetic_energy=kinetic,
            temperature=self._temperature(kinetic),
        )

    def _temperature(self, kinetic: float) -> float:
        """As atoms.get_temperature(), without summing up the kinetic energy again."""
        atoms = self.atoms
        removed = sum(one.get_removed_dof(atoms) for one in atoms.constraints)
        return 2.0 * kinetic / (max(3 * len(atoms) - removed, 1) * units.kB)

    def __call__(self) -> None:
        """Sends the frame of this moment, and does what the daemon asks for."""
        if self.dyn is None:
            self._stamp()
            self._calls += 1
        if self._world.rank == 0:
            try:
                self._send()
            except Exception as error:
                if not self._warns:
                    raise
                tell(f"the frame of step {self.atoms.info.get(STEP_KEY)} was not sent: {error!r}")
        wanted = self.stream.should_stop() if self.stream is not None else None
        if self._world.size > 1:  # all processes have to do the same
            wanted = ase.parallel.broadcast(wanted, 0, self._world)
        if wanted is None:
            return
        self.stop_reason = wanted
        if self.stop == "raise":
            raise IonwatchStop(wanted)
        if self.stop == "run" and self.dyn is not None:
            self.dyn.max_steps = 0

    def finish(self, why: Optional[str] = None) -> None:
        """Ends the run, so that the daemon files it; see `ionwatch.Stream.finish`."""
        if self.stream is not None:
            self.stream.finish(why or ("completed" if self.stop == "no" else None))

    def close(self) -> None:
        """Closes without ending the run: a later job goes on with it."""
        if self.stream is not None:
            self.stream.close()

    def __enter__(self) -> "Observer":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> bool:
        stopped = kind is not None and issubclass(kind, IonwatchStop)
        if kind is None or stopped:
            self.finish()
        else:
            self.close()
        return stopped

    def __repr__(self) -> str:
        return f"<ionwatch.ase.Observer {self.stream or self.run_id}>"
