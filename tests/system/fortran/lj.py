# SPDX-License-Identifier: GPL-3.0-or-later
"""The example of adapters/fortran, as its users run it, against what it writes itself."""

import json
import os
import pathlib
import subprocess
import sys
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from programs import (BUILD, CLI, DAEMON, analyze, close, daemon, ionwatch, main,  # noqa: E402
                      require_built, until, workfolder)

LJ = BUILD / "tests" / "lj_fortran"
MISUSE = BUILD / "tests" / "misuse_fortran"


def lj(folder, endpoint, steps, wait=True, **more):
    env = dict(os.environ, IONWATCH_ENDPOINT=endpoint, IONWATCH_RUN_NAME="lj", **more)
    command = [str(LJ), str(steps)]
    if wait:
        return subprocess.run(command, cwd=folder, env=env, text=True, capture_output=True,
                              timeout=60, check=True).stdout
    return subprocess.Popen(command, cwd=folder, env=env, text=True, stdout=subprocess.PIPE)


def show(endpoint):
    return json.loads(ionwatch("show", "lj", "--json", "--series", "--endpoint", endpoint).stdout)


def in_state(endpoint, state):
    record = show(endpoint)
    return record if record["run"]["state"] == state else None


def same(record, batch):
    for key in ("frames", "segments", "time_ps", "dt_fs"):
        assert record["run"][key] == batch["run"][key], (key, record["run"], batch["run"])
    for name, group in batch["groups"].items():
        for key in ("D_einstein_cm2_s", "D_green_kubo_cm2_s", "omega_mean_meV", "f_vib_meV"):
            close(record["groups"][name][key], group[key], 1e-9, f"{key} of {name}")


def run_equals_what_the_code_wrote_itself():
    with workfolder() as folder:
        endpoint = f"ipc://{folder}/iw.sock"
        with daemon(folder, endpoint):
            output = lj(folder, endpoint, 2000)
            assert "step 2000, completed" in output, output
            record = until(lambda: in_state(endpoint, "completed"), 20, "the run is filed")
        batch = analyze(folder / "lj.xyz")
        assert batch["run"]["frames"] == 1001, batch["run"]
        assert record["run"]["velocity_source"] == "engine", record["run"]
        same(record, batch)
        assert 50 < record["run"]["temperature_measured_K"] < 200, record["run"]
        assert 1e-6 < record["groups"]["all"]["D_einstein_cm2_s"] < 1e-3, record["groups"]["all"]


def stopped_run_goes_on_under_its_id():
    with workfolder() as folder:
        endpoint = f"ipc://{folder}/iw.sock"
        with daemon(folder, endpoint):
            code = lj(folder, endpoint, 10_000_000, wait=False)
            until(lambda: json.loads(ionwatch("ls", "--json", "--endpoint", endpoint).stdout), 20,
                  "the run is there")
            until(lambda: show(endpoint)["run"]["frames"] > 100, 20, "a hundred frames are there")
            ionwatch("stop", "lj", "--endpoint", endpoint)
            output, _ = code.communicate(timeout=20)
            assert code.returncode == 0 and "a user asked for it" in output, output
            record = until(lambda: in_state(endpoint, "stopped"), 20, "the run is filed")
            reached = int(output.split()[1].strip(","))
            assert record["run"]["frames"] == reached // 2 + 1, (record["run"], output)
            output = lj(folder, endpoint, reached + 1000)
            assert f"step {reached + 1000}, completed" in output, output
            until(lambda: in_state(endpoint, "completed"), 20, "the run is filed again")
            record = until(lambda: show(endpoint), 20, "it is shown")
            runs = json.loads(ionwatch("ls", "--all", "--json", "--endpoint", endpoint).stdout)
            assert len(runs) == 1, runs
        batch = analyze(folder / "lj.xyz")
        assert batch["run"]["frames"] == reached // 2 + 501, batch["run"]
        same(record, batch)


def run_without_a_daemon_is_not_harmed():
    with workfolder() as folder:
        run = str(uuid.uuid4())
        output = lj(folder, f"ipc://{folder}/nobody", 200, IONWATCH_RUN_ID=run)
        assert "step 200, completed" in output and "ionwatch:" not in output, output
        assert list(folder.glob(f"*{run}*")), list(folder.iterdir())


def wrong_calls_are_refused_with_words():
    with workfolder() as folder:
        done = subprocess.run([str(MISUSE), str(folder / "run.iwlog")], cwd=folder, text=True,
                              capture_output=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        batch = analyze(folder / "run.iwlog")
        assert batch["run"]["frames"] == 3 and batch["run"]["material"] == "argyrodite A", batch


require_built(CLI, DAEMON, LJ, MISUSE)
main([run_equals_what_the_code_wrote_itself, stopped_run_goes_on_under_its_id,
      run_without_a_daemon_is_not_harmed, wrong_calls_are_refused_with_words])
