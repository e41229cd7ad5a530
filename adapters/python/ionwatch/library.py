# SPDX-License-Identifier: BSD-3-Clause
"""libionwatch through ctypes: where it is found, and <ionwatch/ionwatch.h> in ctypes' words.

Looked for in this order: $IONWATCH_LIBRARY, this folder, the libraries of the Python environment,
the build folder of a source tree that this package lies in, the system.
"""
from __future__ import annotations

import ctypes
import os
import pathlib
import sys
from ctypes import POINTER, c_char_p, c_double, c_int, c_int64, c_size_t, c_uint64, c_void_p
from typing import Any, Iterator, Optional

from .errors import IonwatchError, Status

NAME = "libionwatch.so.0"
HERE = pathlib.Path(__file__).resolve().parent


class Run(ctypes.Structure):
    """`ionwatch_run`."""

    _fields_ = [
        ("size", c_size_t),
        ("run_id", c_char_p),
        ("name", c_char_p),
        ("code", c_char_p),
        ("code_version", c_char_p),
        ("n_atoms", c_size_t),
        ("species", POINTER(c_char_p)),
        ("mass_amu", c_void_p),
        ("charge_e", c_void_p),
        ("length_A", c_double),
        ("time_fs", c_double),
        ("energy_eV", c_double),
        ("timestep", c_double),
        ("stride", c_int64),
        ("temperature_K", c_double),
        ("wrapped", c_int),
        ("metadata", POINTER(c_char_p)),
        ("spool_dir", c_char_p),
        ("queue_bytes", c_uint64),
        ("spool_bytes", c_uint64),
        ("policy", c_int),
    ]


class Frame(ctypes.Structure):
    """`ionwatch_frame`; pointers are addresses."""

    _fields_ = [
        ("size", c_size_t),
        ("step", c_int64),
        ("time", c_double),
        ("cell", c_void_p),
        ("pos_f32", c_void_p),
        ("pos_f64", c_void_p),
        ("vel_f32", c_void_p),
        ("vel_f64", c_void_p),
        ("potential_energy", c_double),
        ("kinetic_energy", c_double),
        ("temperature_K", c_double),
    ]


class Stats(ctypes.Structure):
    """`ionwatch_stats`."""

    _fields_ = [
        ("size", c_size_t),
        ("frames_sent", c_uint64),
        ("frames_acknowledged", c_uint64),
        ("frames_dropped", c_uint64),
        ("queued_bytes", c_uint64),
        ("spooled_bytes", c_uint64),
        ("connected", c_int),
    ]


# name, result, arguments
PROTOTYPES = [
    ("status_text", c_char_p, [c_int]),
    ("run_init", None, [POINTER(Run)]),
    ("frame_init", None, [POINTER(Frame)]),
    ("open", c_void_p, [c_char_p, POINTER(Run)]),
    ("send", c_int, [c_void_p, POINTER(Frame)]),
    ("should_stop", c_int, [c_void_p, POINTER(c_char_p)]),
    ("wanted_stride", c_int64, [c_void_p]),
    ("flush", c_int, [c_void_p, c_int]),
    ("finish", c_int, [c_void_p, c_char_p]),
    ("run_id", c_char_p, [c_void_p]),
    ("error", c_char_p, [c_void_p]),
    ("get_stats", None, [c_void_p, POINTER(Stats)]),
    ("close", c_int, [POINTER(c_void_p), c_int]),
    ("version", c_char_p, []),
]


def build_folder() -> Optional[pathlib.Path]:
    """The folder `build` of the source tree that this package is used from, if it is."""
    root = HERE.parents[2]
    return root / "build" if (root / "include" / "ionwatch" / "ionwatch.h").exists() else None


def candidates() -> Iterator[str]:
    """Where the library may be, best first."""
    named = os.environ.get("IONWATCH_LIBRARY")
    if named:
        yield named
        return
    folders = [HERE, pathlib.Path(sys.prefix) / "lib"]
    build = build_folder()
    if build:
        folders.append(build / "plugin")
    for folder in folders:
        if (folder / NAME).exists():
            yield str(folder / NAME)
    yield NAME


class Library:
    """The calls of libionwatch, without their prefix: `library.send(handle, frame)`."""

    def __init__(self) -> None:
        reasons = []
        loaded = None
        for path in candidates():
            try:
                loaded = ctypes.CDLL(path)
                break
            except OSError as error:
                reasons.append(str(error))
        if loaded is None:
            raise IonwatchError(
                Status.NOT_FOUND,
                f"libionwatch cannot be loaded ({'; '.join(reasons)}): install it, or name the file "
                "in $IONWATCH_LIBRARY",
            )
        for name, result, arguments in PROTOTYPES:
            function = getattr(loaded, f"ionwatch_{name}", None)
            if function is None:
                raise IonwatchError(
                    Status.UNSUPPORTED,
                    f"{loaded._name} has no ionwatch_{name}: take package and library of one release",
                )
            function.restype = result
            function.argtypes = arguments
            setattr(self, name, function)


_library: Optional[Library] = None


def load() -> Any:
    """The `Library`, loaded once; raises IonwatchError if there is none."""
    global _library
    if _library is None:
        _library = Library()
    return _library
