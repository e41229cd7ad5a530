# SPDX-License-Identifier: BSD-3-Clause
"""A run that is streamed: `Stream` hands arrays to libionwatch and says how that went."""
from __future__ import annotations

import ctypes
import math
import weakref
from types import TracebackType
from typing import Any, Mapping, NamedTuple, Optional, Sequence, Type, Union

import numpy as np

from . import library
from .errors import IonwatchError, Status, tell

Numbers = Union[Sequence[float], np.ndarray]
LINGER_MS = 5000  # for acknowledgements at the end; what is left then waits in the spool


class Units(NamedTuple):
    """What one of the MD code's units is; velocities are its length by its time."""

    length_A: float = 1.0
    time_fs: float = 1.0
    energy_eV: float = 1.0


# ASE's unit of time is A sqrt(amu/eV), here as its default (CODATA 2014) has it.
UNITS = {
    "A fs eV": Units(),
    "A ps eV": Units(time_fs=1000.0),
    "ase": Units(time_fs=10.180505671156725),
    "atomic": Units(0.529177210903, 0.02418884326586, 27.211386245988),
}


class Stats(NamedTuple):
    """What a stream has done so far."""

    frames_sent: int
    frames_acknowledged: int
    frames_dropped: int
    queued_bytes: int
    spooled_bytes: int
    connected: bool


def _texts(words: Sequence[str]) -> Any:
    return (ctypes.c_char_p * (len(words) + 1))(*[str(word).encode() for word in words], None)


def _bytes(text: Optional[str]) -> Optional[bytes]:
    return None if text is None else str(text).encode()


def _close(lib: Any, holder: Any, linger_ms: int) -> int:
    return lib.close(ctypes.byref(holder), linger_ms)


class Stream:
    """A run on its way to the daemon; a context manager.

    with ionwatch.Stream(["Li", "Cl"], timestep=2.0, name="demo") as stream:
        for step in range(1000):
            ...
            stream.send(step, positions, velocities, cell)
            if stream.should_stop():
                break

    A block that ends by itself ends the run (`finish`); one that an exception ends leaves it open,
    so that a restart with the same `run_id` goes on with it.

    species     n names, element symbols where there are any
    masses      n numbers in amu; None: the standard ones of the elements
    charges     n numbers in elementary charges, for conductivity and Haven ratio, or None
    timestep    of the integrator, in MD time units
    units       "A fs eV" (default), "A ps eV", "ase", "atomic", or a `Units` of your own
    stride      MD steps from one frame that is sent to the next
    temperature target of the thermostat in K, or None
    wrapped     True: positions are folded into the cell; False: they are not
    run_id      UUID of the run; None: $IONWATCH_RUN_ID, else a new one
    name        for people; None: $IONWATCH_RUN_NAME, else the folder
    endpoint    "ipc://path", "tcp://host:port" or "file://path"; None: $IONWATCH_ENDPOINT, else
                this user's daemon
    metadata    settings of the analysis ("mobile": "Li", "stop": "stop", "target": "0.15",
                "planned_ps": "100") and notes
    spool       folder for frames that do not fit in memory; None: $IONWATCH_SPOOL, else here
    policy      when queue and spool are full: "block" waits, "drop" loses the frame and says so
    errors      "raise": IonwatchError; "warn": an IonwatchWarning, once for each text, and the MD
                run is not disturbed whatever happens
    """

    def __init__(
        self,
        species: Sequence[str],
        masses: Optional[Numbers] = None,
        *,
        timestep: float,
        charges: Optional[Numbers] = None,
        units: Union[str, Units] = "A fs eV",
        stride: int = 1,
        temperature: Optional[float] = None,
        wrapped: bool = True,
        run_id: Optional[str] = None,
        name: Optional[str] = None,
        code: str = "python",
        code_version: Optional[str] = None,
        endpoint: Optional[str] = None,
        metadata: Optional[Mapping[str, Any]] = None,
        spool: Optional[str] = None,
        queue_bytes: Optional[int] = None,
        spool_bytes: Optional[int] = None,
        policy: str = "block",
        errors: str = "raise",
    ):
        if errors not in ("raise", "warn"):
            raise ValueError(f"errors is {errors!r}, neither 'raise' nor 'warn'")
        self._warns = errors == "warn"
        self._told: set[str] = set()
        self._stop_seen = False
        self._holder: Any = ctypes.c_void_p()
        self._finalizer: Any = None
        self.name = name
        self.run_id = ""  # UUID of the run; "" where the stream could not be opened
        given = dict(locals())
        try:
            self._open(given)
        except (IonwatchError, TypeError, ValueError, OverflowError) as error:
            self._fail(error)

    def _open(self, given: Mapping[str, Any]) -> None:
        self._lib = library.load()
        run = library.Run()
        self._lib.run_init(ctypes.byref(run))
        species = [str(one) for one in given["species"]]
        self.n_atoms = len(species)
        units = given["units"]
        if isinstance(units, str) and units not in UNITS:
            raise IonwatchError(
                Status.INVALID, f"units {units!r} are not known: one of {', '.join(UNITS)}, or Units()"
            )
        units = Units(*(UNITS[units] if isinstance(units, str) else units))
        if given["policy"] not in ("block", "drop"):
            raise IonwatchError(Status.INVALID, f"policy {given['policy']!r} is neither block nor drop")
        # What the structure points to has to live until open() returns.
        names = _texts(species)
        masses = self._per_atom(given["masses"], "masses")
        charges = self._per_atom(given["charges"], "charges")
        notes = _texts([word for pair in (given["metadata"] or {}).items() for word in pair])
        run.run_id = _bytes(given["run_id"])
        run.name = _bytes(given["name"])
        run.code = _bytes(given["code"])
        run.code_version = _bytes(given["code_version"])
        run.n_atoms = self.n_atoms
        run.species = names
        run.mass_amu = None if masses is None else masses.ctypes.data
        run.charge_e = None if charges is None else charges.ctypes.data
        run.length_A, run.time_fs, run.energy_eV = units
        run.timestep = self._timestep = float(given["timestep"])
        run.stride = int(given["stride"])
        if given["temperature"] is not None:
            run.temperature_K = float(given["temperature"])
        run.wrapped = int(bool(given["wrapped"]))
        run.metadata = notes
        run.spool_dir = _bytes(given["spool"])
        for limit in ("queue_bytes", "spool_bytes"):
            if given[limit] is not None:
                setattr(run, limit, int(given[limit]))
        run.policy = int(given["policy"] == "drop")
        self._frame = library.Frame()
        self._holder.value = self._lib.open(_bytes(given["endpoint"]), ctypes.byref(run))
        # Also at the exit of the interpreter: what is not acknowledged has to reach the spool.
        self._finalizer = weakref.finalize(self, _close, self._lib, self._holder, LINGER_MS)
        text = self._lib.error(self._holder).decode(errors="replace")
        if text:
            status = Status.INVALID if self.is_open else Status.NO_MEMORY
            self._finalizer.detach()
            _close(self._lib, self._holder, 0)
            raise IonwatchError(status, text)
        self.run_id = self._lib.run_id(self._holder).decode()

    def _per_atom(self, values: Optional[Numbers], what: str) -> Optional[np.ndarray]:
        if values is None:
            return None
        array = np.ascontiguousarray(values, dtype=np.float64)
        if array.shape != (self.n_atoms,):
            raise IonwatchError(
                Status.INVALID, f"{what} have the shape {array.shape}, not ({self.n_atoms},)"
            )
        return array

    def _fail(self, error: Exception) -> Status:
        """Raises, or warns once for each text; returns the status."""
        if not isinstance(error, IonwatchError):
            error = IonwatchError(Status.INVALID, f"{type(error).__name__}: {error}")
        if not self._warns:
            raise error
        text = str(error)
        if text not in self._told and len(self._told) < 20:
            self._told.add(text)
            tell(text)
        return error.status

    def _closed(self) -> Status:
        """What a closed stream answers; one that could not be opened has said why already."""
        if self._warns and self._told:
            return Status.CLOSED
        return self._fail(IonwatchError(Status.CLOSED, "the stream is not open"))

    def _checked(self, status: int) -> Status:
        if status in (Status.OK, Status.DROPPED):
            return Status(status)
        text = self._lib.error(self._holder).decode(errors="replace")
        text = text or self._lib.status_text(status).decode()
        return self._fail(IonwatchError(Status(status), text))

    def _array(self, values: Any, what: str) -> np.ndarray:
        """[n][3] in float64 or float32: as it is where it is contiguous, else a copy."""
        array = np.asarray(values)
        if array.dtype != np.float64 and array.dtype != np.float32:
            array = array.astype(np.float64)
        if array.shape != (self.n_atoms, 3):
            raise IonwatchError(
                Status.INVALID, f"{what} have the shape {array.shape}, not ({self.n_atoms}, 3)"
            )
        return np.ascontiguousarray(array)

    def send(
        self,
        step: int,
        positions: Any,
        velocities: Any = None,
        cell: Any = None,
        *,
        time: Optional[float] = None,
        potential_energy: Optional[float] = None,
        kinetic_energy: Optional[float] = None,
        temperature: Optional[float] = None,
    ) -> Status:
        """Copies a frame into the queue; takes microseconds and waits for no network.

        positions         (n, 3), MD length; float64 or float32, contiguous: read in place
        velocities        (n, 3), MD length / MD time, of the full step; or None
        cell              (3, 3), rows are the vectors, MD length; or None
        time              MD time; None: step * timestep
        potential_energy  MD energy of the whole cell; or None
        kinetic_energy    the same
        temperature       instantaneous, K; or None

        Returns Status.OK, or DROPPED by the policy "drop"; with errors="warn" any other, too.
        """
        if not self.is_open:
            return self._closed()
        try:
            frame = self._frame
            self._lib.frame_init(ctypes.byref(frame))
            frame.step = int(step)
            frame.time = step * self._timestep if time is None else float(time)
            x = self._array(positions, "positions")
            if x.dtype == np.float64:
                frame.pos_f64 = x.ctypes.data
            else:
                frame.pos_f32 = x.ctypes.data
            if velocities is not None:
                v = self._array(velocities, "velocities")
                if v.dtype == np.float64:
                    frame.vel_f64 = v.ctypes.data
                else:
                    frame.vel_f32 = v.ctypes.data
            if cell is not None:
                c = np.ascontiguousarray(cell, dtype=np.float64)
                if c.shape != (3, 3):
                    raise IonwatchError(Status.INVALID, f"cell has the shape {c.shape}, not (3, 3)")
                frame.cell = c.ctypes.data
            for key, value in (
                ("potential_energy", potential_energy),
                ("kinetic_energy", kinetic_energy),
                ("temperature_K", temperature),
            ):
                if value is not None:
                    setattr(frame, key, float(value))
            return self._checked(self._lib.send(self._holder, ctypes.byref(frame)))
        except (IonwatchError, TypeError, ValueError, OverflowError, ctypes.ArgumentError) as error:
            return self._fail(error)

    def should_stop(self) -> Optional[str]:
        """Why the daemon asks the run to end, or None while it does not."""
        if not self.is_open:
            return None
        reason = ctypes.c_char_p()
        if not self._lib.should_stop(self._holder, ctypes.byref(reason)):
            return None
        self._stop_seen = True
        return (reason.value or b"").decode(errors="replace") or "no reason given"

    def flush(self, timeout: Optional[float] = None) -> Status:
        """Waits until all frames are durable at the daemon, at most `timeout` seconds."""
        if not self.is_open:
            return self._closed()
        return self._checked(
            self._lib.flush(self._holder, -1 if timeout is None else math.ceil(timeout * 1000))
        )

    def finish(self, why: Optional[str] = None) -> None:
        """Ends the run and closes the stream, so that the daemon files the run.

        why: "completed", "stopped", "walltime", ...; None: "stopped" if the daemon asked for it and
        should_stop() said so, else "completed".
        """
        if self.is_open:
            reason = why or ("stopped" if self._stop_seen else "completed")
            self._checked(self._lib.finish(self._holder, reason.encode()))
        self.close()

    def close(self, linger: float = LINGER_MS / 1000) -> Status:
        """Closes without ending the run; a stream with the same run_id goes on with it.

        Waits at most `linger` seconds for acknowledgements.  Status.AGAIN: frames wait in the
        spool, and the next stream of the run sends them.
        """
        if not self.is_open:
            return Status.OK
        self._finalizer.detach()
        status = Status(_close(self._lib, self._holder, math.ceil(linger * 1000)))
        if status in (Status.OK, Status.AGAIN):
            return status
        text = self._lib.status_text(status).decode()
        return self._fail(
            IonwatchError(status, f"frames are lost, the spool cannot be written: {text}")
        )

    @property
    def is_open(self) -> bool:
        return bool(self._holder)

    @property
    def wanted_stride(self) -> int:
        """MD steps between frames that the daemon would like; 0 while it has no wish."""
        return self._lib.wanted_stride(self._holder) if self.is_open else 0

    @property
    def stats(self) -> Stats:
        now = library.Stats(size=ctypes.sizeof(library.Stats))
        if self.is_open:
            self._lib.get_stats(self._holder, ctypes.byref(now))
        return Stats(
            now.frames_sent,
            now.frames_acknowledged,
            now.frames_dropped,
            now.queued_bytes,
            now.spooled_bytes,
            bool(now.connected),
        )

    def __enter__(self) -> "Stream":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        if kind is None:
            self.finish()
            return
        self._warns = True  # the exception that ended the block is the one to be seen
        self.close()

    def __repr__(self) -> str:
        state = "closed"
        if self.is_open:
            now = self.stats
            state = f"{now.frames_sent} frames, {'connected' if now.connected else 'no daemon'}"
        return f"<ionwatch.Stream {self.name or self.run_id} {state}>"
