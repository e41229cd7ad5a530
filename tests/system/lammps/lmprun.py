# SPDX-License-Identifier: GPL-3.0-or-later
"""lmprun - runs LAMMPS with the fix, for the tests of this folder."""

import os
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from programs import (BUILD, CLI, DAEMON, analyze, close, daemon, ionwatch, main,  # noqa: E402,F401
                      require_built, skip, until, workfolder)

INCLUDE = BUILD / "lammps" / "ionwatch.lmp"


def require(*paths):
    require_built(*paths)
    if not shutil.which("lmp"):
        skip("lmp is not installed")


def lmp(script, folder, ranks=1, env=None, wait=True, timeout=120):
    """Runs a script; returns the finished process with its output as text, or the running one."""
    name = f"in.{time.monotonic_ns()}"
    (folder / name).write_text(script)
    command = ["lmp", "-in", name, "-log", "log.lammps"]
    settings = dict(os.environ, OMP_NUM_THREADS="1", **(env or {}))
    if ranks > 1:
        launcher = ["mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none",
                    "--mca", "mpi_yield_when_idle", "1"]
        command = launcher + ["-np", str(ranks)] + command
    if wait:
        return subprocess.run(
            command, cwd=folder, env=settings, timeout=timeout, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
    return subprocess.Popen(
        command, cwd=folder, env=settings, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
