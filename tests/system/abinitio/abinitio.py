# SPDX-License-Identifier: GPL-3.0-or-later
"""abinitio - runs CP2K and Quantum ESPRESSO beside `ionwatch follow`, for the tests of this folder.

The programs are large (600 MB with their data), so the tests are skipped where they are absent:
    apt-get install --no-install-recommends cp2k quantum-espresso quantum-espresso-data
"""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ADAPTERS = HERE.parents[2] / "adapters"
sys.path.insert(0, str(HERE.parent))

from programs import (CLI, DAEMON, analyze, close, daemon, ionwatch, main,  # noqa: E402,F401
                      require_built, skip, until, workfolder)

RUN_ID = "5b1f7a52-6c1e-4d0f-9a3b-2f4f4a1c9e01"


def require(program):
    require_built(CLI, DAEMON)
    if not shutil.which(program):
        skip(f"{program} is not installed")


@contextlib.contextmanager
def started(command, folder, output=None, **env):
    """A program in a folder, ended with the test."""
    file = open(folder / output, "w") if output else subprocess.DEVNULL
    process = subprocess.Popen(list(map(str, command)), cwd=folder, stdout=file,
                               stderr=subprocess.STDOUT,
                               env=dict(os.environ, OMP_NUM_THREADS="1", **env))
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait()
        if output:
            file.close()


def follow(path, endpoint, folder, *more):
    return started([CLI, "follow", path, "--run", "aimd", "--endpoint", endpoint, "--stop-file",
                    "auto", *more], folder, "follow.log", IONWATCH_RUN_ID=RUN_ID,
                   IONWATCH_SPOOL=str(folder))


def show(endpoint, *words):
    done = ionwatch("show", "aimd", "--json", "--endpoint", endpoint, *words, ok=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


def frames(endpoint):
    run = show(endpoint)
    return run["run"]["frames"] if run else 0


def filed(endpoint):
    run = show(endpoint)
    return run if run and run["run"]["state"] in ("filed", "stopped", "completed") else None


def same_numbers(live, batch):
    """The daemon's record is that of `analyze` on the code's own files."""
    for key in ("frames", "atoms", "velocity_source", "segments"):
        assert live["run"][key] == batch["run"][key], (key, live["run"], batch["run"])
    close(live["run"]["dt_fs"], batch["run"]["dt_fs"], 1e-12, "dt")
    for name, group in batch["groups"].items():
        mine = live["groups"][name]
        whole = {round(lag, 9): value for lag, value in zip(group["msd"]["lag_ps"],
                                                            group["msd"]["msd_A2"])}
        assert len(mine["msd"]["lag_ps"]) > 1, mine["msd"]
        for lag, value in zip(mine["msd"]["lag_ps"], mine["msd"]["msd_A2"]):
            close(value, whole[round(lag, 9)], 1e-9, f"MSD of {name}", atol=1e-12)
        if group["omega_mean_meV"] is not None:
            close(mine["omega_mean_meV"], group["omega_mean_meV"], 1e-9, f"omega of {name}")


def cpx_stage(name):
    """The example with the lines of one stage in, those of the other out."""
    lines = []
    for line in (ADAPTERS / "qe" / "examples" / "sic.cp.in").read_text().splitlines():
        words = line.split()
        if words and words[-1] in ("electrons", "ions") and words[-2] == "!":
            if words[-1] != name:
                continue
            line = line.lstrip("! ").rsplit("!", 1)[0]
        lines.append(line)
    return "\n".join(lines) + "\n"


def cpx(folder, name, text):
    (folder / f"{name}.in").write_text(text)
    return started(["cp.x", "-in", f"{name}.in"], folder, f"{name}.out")


def electrons(folder):
    with cpx(folder, "cp0", cpx_stage("electrons")) as code:
        assert code.wait(120) == 0, (folder / "cp0.out").read_text()[-2000:]
