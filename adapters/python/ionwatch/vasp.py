# SPDX-License-Identifier: BSD-3-Clause
"""The Python plugin of VASP (6.5 and later, PLUGINS/STRUCTURE): every ionic step is streamed.

Beside the INCAR, which says PLUGINS/STRUCTURE = T, a file vasp_plugin.py with the one line

    from ionwatch.vasp import structure

VASP calls structure() at the end of each ionic step.  It changes nothing in VASP and raises
nothing; what goes wrong is a warning.  VASP hands over no velocities: the daemon takes differences
of positions, at the full spacing of POTIM whatever NBLOCK is.

ionwatch.json in the run folder remembers run, step and positions, so that a job that begins where
the last one ended (POSCAR copied from CONTCAR) goes on with the same run.  A stop that the daemon
asks for is written to STOPCAR (LSTOP), which goes when VASP has ended.  The environment tells the rest: IONWATCH_ENDPOINT,
IONWATCH_RUN_NAME, IONWATCH_RUN_ID, IONWATCH_SPOOL, and IONWATCH_SET for settings of the analysis,
"mobile=Li;stop=stop;target=0.15".
"""
from __future__ import annotations

import atexit
import contextlib
import json
import os
import pathlib
import re
import uuid
from typing import Any, Optional, Union

import numpy as np

from .errors import tell
from .stream import Stream

Path = Union[str, "os.PathLike[str]"]
STATE = "ionwatch.json"
STOPCAR = "LSTOP = .TRUE.\n"
SAME = 1e-5  # fractional: the same positions, as POSCAR and CONTCAR round them
NEAR_A = 0.5  # no ion goes farther in one step
# What launchers call the rank; only the first process may stream.
RANKS = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "MV2_COMM_WORLD_RANK")

SYMBOLS = (
    "X H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se "
    "Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy "
    "Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm"
).split()


def read_incar(path: Path) -> dict[str, str]:
    """Tags and what they are set to, as text; the first one counts."""
    tags: dict[str, str] = {}
    text = pathlib.Path(path).read_text(errors="replace").replace("\\\n", " ")
    for line in text.splitlines():
        for part in re.split(r"[#!]", line, maxsplit=1)[0].split(";"):
            key, equals, value = part.partition("=")
            if equals and value.strip():
                tags.setdefault(key.strip().upper(), value.strip())
    return tags


def _number(tags: dict[str, str], key: str) -> Optional[float]:
    try:
        return float(tags[key].split()[0].lower().replace("d", "e"))
    except (KeyError, ValueError):
        return None


def kinds(constants: Any) -> np.ndarray:
    """[ions] type of each ion, from 0.  ion_types are indices from 0 or 1, or ions of each type."""
    types = np.asarray(constants.ion_types, dtype=int).ravel()
    ions, n_types = int(constants.number_ions), int(constants.number_ion_types)
    if len(types) == n_types and types.sum() == ions:
        return np.repeat(np.arange(n_types), types)
    if len(types) != ions:
        raise ValueError(f"{len(types)} ion_types for {ions} ions of {n_types} types")
    first = int(types.min())
    if first not in (0, 1) or types.max() - first >= n_types:
        raise ValueError(f"ion_types run from {first} to {types.max()} for {n_types} types")
    return types - first


def per_ion(values: Any, kind: np.ndarray, n_types: int) -> np.ndarray:
    """What is given for each type, or for each ion already."""
    values = np.asarray(values).ravel()
    return values[kind] if len(values) == n_types else values[: len(kind)]


class Plugin:
    """What lives from call to call; one for each folder that VASP runs in."""

    def __init__(self, folder: Path = "."):
        self.folder = pathlib.Path(folder).resolve()
        self.stream: Optional[Stream] = None
        self.run_id = ""
        self.step = 0
        self.key: list = []  # what has to be the same in a job that goes on
        self.first = np.empty((0, 3))  # fractional, of the run
        self.calls = 0
        self.steps_wanted: Optional[int] = None
        self.stop_reason: Optional[str] = None
        self.wrote_stopcar = False
        self.ended = False  # a frame that comes all the same opens the stream again

    def _earlier(self, key: list, positions: np.ndarray, lattice: np.ndarray) -> Optional[int]:
        """Step of the first frame if it continues the run that the folder remembers."""
        try:
            with open(self.folder / STATE, encoding="utf-8") as file:
                state = json.load(file)
            if state.get("wrote_stopcar"):
                self._remove_stopcar()
            last, first = np.array(state["last"], float), np.array(state["first"], float)
            same_run = state["key"] == key and last.shape == first.shape == positions.shape
            step, run_id = int(state["step"]), str(uuid.UUID(state["run_id"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if not same_run:
            return None
        named = os.environ.get("IONWATCH_RUN_ID")
        if named and named.lower() != run_id:
            return None
        moved = _moved(positions, last)
        begins_anew = np.abs(_moved(positions, first)).max() < SAME and step > 0
        if begins_anew or np.linalg.norm(moved @ lattice, axis=1).max() > NEAR_A:
            return None
        self.run_id, self.first = run_id, first
        return step if np.abs(moved).max() < SAME else step + 1

    def _open(self, constants: Any, positions: np.ndarray, lattice: np.ndarray) -> Stream:
        tags = read_incar(self.folder / "INCAR")
        timestep = _number(tags, "POTIM")
        if timestep is None:
            raise ValueError("the INCAR says no POTIM: an MD run needs it")
        kind = kinds(constants)
        n_types = int(constants.number_ion_types)
        numbers = per_ion(constants.atomic_numbers, kind, n_types).astype(int)
        species = [SYMBOLS[z] for z in numbers]
        temperature = _number(tags, "TEBEG")
        self.key = [species, timestep, temperature]
        if self.calls == 0:
            step = self._earlier(self.key, positions, lattice)
            if step is None:
                self.run_id = os.environ.get("IONWATCH_RUN_ID") or str(uuid.uuid4())
                self.step, self.first = 1, positions.copy()
            else:
                self.step = step
            steps = _number(tags, "NSW")
            self.steps_wanted = None if steps is None else int(steps)
        notes = {"adapter": "ionwatch.vasp"}
        if self.steps_wanted and self.calls == 0:
            notes["planned_ps"] = str((self.step - 1 + self.steps_wanted) * timestep / 1000)
        for part in filter(None, os.environ.get("IONWATCH_SET", "").split(";")):
            name, _, value = part.partition("=")
            notes[name.strip()] = value.strip()
        return Stream(
            species,
            per_ion(constants.POMASS, kind, n_types),
            timestep=timestep,
            temperature=temperature,
            run_id=self.run_id,
            name=os.environ.get("IONWATCH_RUN_NAME") or self.folder.name,
            code="vasp",
            metadata=notes,
            spool=os.environ.get("IONWATCH_SPOOL") or str(self.folder),
            errors="warn",
        )

    def _remember(self, positions: np.ndarray) -> None:
        state = {
            "run_id": self.run_id,
            "step": self.step,
            "key": self.key,
            "first": np.round(self.first, 8).tolist(),
            "last": np.round(positions, 8).tolist(),
            "wrote_stopcar": self.wrote_stopcar,
        }
        part = self.folder / (STATE + ".part")
        part.write_text(json.dumps(state), encoding="utf-8")
        os.replace(part, self.folder / STATE)

    def push(self, constants: Any) -> None:
        """One ionic step.  Positions are fractional, (ions, 3); lattice vectors are rows, A."""
        lattice = np.array(constants.lattice_vectors, dtype=float).reshape(3, 3)
        positions = np.array(constants.positions, dtype=float).reshape(-1, 3)
        if np.abs(positions).max() > 2.0:  # a mistake here would be a wrong D, not a crash
            raise ValueError(
                f"positions go up to {np.abs(positions).max():.3g}: fractional ones are expected"
            )
        positions -= np.floor(positions)
        if self.stream is None or self.ended:
            self.stream = self._open(constants, positions, lattice)
            self.ended = False
        self.stream.send(
            self.step,
            positions @ lattice,
            cell=lattice,
            potential_energy=float(constants.total_energy),
        )
        if self.stop_reason is None:
            self.stop_reason = self.stream.should_stop()
            if self.stop_reason is not None:
                self._write_stopcar(self.stop_reason)
        self._remember(positions)
        self.step += 1
        self.calls += 1
        if self.stop_reason or self.calls == self.steps_wanted:
            self.stream.finish("stopped" if self.stop_reason else "completed")
            self.ended = True

    def _write_stopcar(self, reason: str) -> None:
        try:
            with open(self.folder / "STOPCAR", "x", encoding="utf-8") as file:
                file.write(STOPCAR)
        except FileExistsError:  # whoever made it ends the run
            return
        self.wrote_stopcar = True
        atexit.register(self._remove_stopcar)
        print(f" ionwatch: the run is asked to end through STOPCAR: {reason}", flush=True)

    def _remove_stopcar(self) -> None:
        """Ours would end the next job at once."""
        path = self.folder / "STOPCAR"
        with contextlib.suppress(OSError):
            if path.read_text(encoding="utf-8", errors="replace") == STOPCAR:
                path.unlink()


def _moved(positions: np.ndarray, earlier: np.ndarray) -> np.ndarray:
    """Fractional displacements by the nearest image."""
    moved = positions - earlier
    return moved - np.round(moved)


_plugins: dict[str, Plugin] = {}


def structure(constants: Any, additions: Any) -> None:
    """What VASP calls at the end of each ionic step.  `additions` is left alone."""
    try:
        if any(os.environ.get(rank, "0") != "0" for rank in RANKS):
            return
        folder = os.getcwd()
        if folder not in _plugins:
            _plugins[folder] = Plugin(folder)
        _plugins[folder].push(constants)
    except Exception as error:  # VASP goes on whatever happens here
        tell(f"the ionic step was not streamed: {type(error).__name__}: {error}")
