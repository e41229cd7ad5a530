# SPDX-License-Identifier: GPL-3.0-or-later
"""LAMMPS and the daemon killed at random moments; LAMMPS goes on from its last restart file.

The run that is filed has every frame once, in one segment, and what the daemon computed of it is
what `ionwatch analyze` computes of its journal.  IONWATCH_KILLS says how often, IONWATCH_SEED when.
"""

import json
import os
import random
import signal
import time
import uuid

import lmprun
from lmprun import HERE, analyze, close, daemon, ionwatch, lmp, main, until, workfolder

KILLS = int(os.environ.get("IONWATCH_KILLS", "2"))
SEED = int(os.environ.get("IONWATCH_SEED", "1"))
STEPS = 10000
FRAMES = STEPS // 2 + 1
FIX = (
    "fix nvt all nvt temp 2000 2000 0.1\n"
    "fix iw all ionwatch 2 species Ca F endpoint {endpoint} name hot run {run}\n"
    "restart 500 a.restart b.restart\n"
    f"run {STEPS} upto\n"
)
START = f"variable tilt index 0\ninclude {HERE}/caf2.lmp\ninclude {lmprun.INCLUDE}\n"


def force_field():
    """What the start of caf2.lmp says after the atoms: a restart file does not hold it."""
    words = ("pair_style", "pair_coeff", "kspace_style", "neighbor", "neigh_modify", "timestep",
             "thermo")
    lines = (HERE / "caf2.lmp").read_text().splitlines()
    return "".join(line + "\n" for line in lines if line.split() and line.split()[0] in words)


def newest(folder):
    files = sorted(folder.glob("?.restart"), key=lambda path: path.stat().st_mtime)
    return files[-1] if files else None


def script(folder, endpoint, run):
    fix = FIX.format(endpoint=endpoint, run=run)
    if not newest(folder):
        return START + fix
    return f"read_restart {newest(folder)}\n{force_field()}include {lmprun.INCLUDE}\n{fix}"


def show(endpoint):
    done = ionwatch("show", "hot", "--json", "--series", "--endpoint", endpoint, ok=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


def filed(endpoint):
    run = show(endpoint)
    return run if run and run["run"]["state"] == "completed" else None


def lammps_killed_and_restarted_gives_every_frame_once():
    chance = random.Random(SEED)
    run = str(uuid.uuid4())
    killed = daemons = 0
    with workfolder() as folder:
        endpoint = f"ipc://{folder}/iw.sock"
        while True:
            with daemon(folder, endpoint) as watching:
                process = lmp(script(folder, endpoint, run), folder, wait=False)
                if killed == KILLS:
                    output, _ = process.communicate(timeout=120)
                    assert process.returncode == 0, output
                    record = until(lambda: filed(endpoint), 30, "the run is filed")
                    break
                time.sleep(chance.uniform(0.1, 1.5))
                if process.poll() is None:
                    killed += 1
                process.kill()
                output, _ = process.communicate()
                if "ERROR" in output and newest(folder):  # the newest restart file was being written at a kill
                    newest(folder).unlink()
                if chance.random() < 0.5:
                    daemons += 1
                    watching.send_signal(signal.SIGKILL)
                    watching.wait()
        batch = analyze(folder / "data" / "runs" / run / "journal.iwlog")
    for what in (record, batch):
        assert what["run"]["frames"] == FRAMES, what["run"]
        assert what["run"]["segments"] == 1, what["run"]
        assert not [e for e in what["events"] if "gap" in str(e)], what["events"]
    for name, group in batch["groups"].items():
        live = record["groups"][name]
        for key in ("D_einstein_cm2_s", "omega_mean_meV", "f_vib_meV"):
            close(live[key], group[key], 1e-12, f"{key} of {name}")
    print(f"LAMMPS was killed {killed} times, the daemon {daemons} times: {FRAMES} frames, none "
          "missing, none counted twice")


lmprun.require(lmprun.INCLUDE, lmprun.CLI, lmprun.DAEMON)
main([lammps_killed_and_restarted_gives_every_frame_once])
