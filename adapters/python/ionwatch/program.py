# SPDX-License-Identifier: BSD-3-Clause
"""The program `ionwatch`, asked for JSON.

What reads from the daemon goes through the program: it knows protocol, endpoints and keys, and
asking it costs 5 to 40 ms, which is nothing for people and their notebooks.
"""
from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
from typing import Any, Optional

from .errors import IonwatchError, Status
from .library import HERE, build_folder

# Exit codes of ionwatch(1).
STATUS = {2: Status.INVALID, 3: Status.TIMEOUT, 4: Status.NOT_FOUND}


def find() -> str:
    """$IONWATCH_PROGRAM, else beside this package, in the environment, the source tree, the PATH."""
    named = os.environ.get("IONWATCH_PROGRAM")
    if named:
        return named
    folders = [HERE, pathlib.Path(sys.prefix) / "bin", build_folder()]
    for folder in folders:
        if folder and os.access(folder / "ionwatch", os.X_OK) and (folder / "ionwatch").is_file():
            return str(folder / "ionwatch")
    found = shutil.which("ionwatch")
    if not found:
        raise IonwatchError(
            Status.NOT_FOUND,
            "the program ionwatch is not there: install it, or name it in $IONWATCH_PROGRAM",
        )
    return found


def ask(*words: str, timeout: Optional[float] = None) -> str:
    """What the program prints; IonwatchError with its own sentence if it fails."""
    try:
        done = subprocess.run(
            [find(), *words], capture_output=True, text=True, timeout=timeout, check=False
        )
    except OSError as error:
        raise IonwatchError(Status.IO, f"the program ionwatch does not start: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise IonwatchError(Status.TIMEOUT, f"no answer within {timeout} s") from error
    if done.returncode:
        said = done.stderr.strip() or f"exit code {done.returncode}"
        raise IonwatchError(STATUS.get(done.returncode, Status.IO), said)
    return done.stdout


def ask_json(*words: str, timeout: Optional[float] = None) -> Any:
    """The same, from JSON."""
    command, *others = words
    return json.loads(ask(command, "--json", *others, timeout=timeout))
