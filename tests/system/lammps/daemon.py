# SPDX-License-Identifier: GPL-3.0-or-later
"""The fix and a daemon: live results, stop, a daemon that is killed, and one that comes late."""

import json
import re
import signal
import time

import lmprun
from lmprun import HERE, analyze, close, daemon, ionwatch, lmp, main, until, workfolder

START = (
    f"variable tilt index 0\ninclude {HERE}/caf2.lmp\ninclude {lmprun.INCLUDE}\n"
    "fix nvt all nvt temp 2000 2000 0.1\n"
)


def fix(endpoint, more=""):
    return f"fix iw all ionwatch 2 species Ca F endpoint {endpoint} name hot {more}\n"


def show(endpoint, *words):
    done = ionwatch("show", "hot", "--json", "--endpoint", endpoint, *words, ok=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


def filed(endpoint, frames=None):
    run = show(endpoint)
    if not run or run["run"]["state"] not in ("filed", "finished", "completed", "stopped"):
        return None
    return run if frames is None or run["run"]["frames"] == frames else None


def same_numbers(live, batch):
    for name, group in batch["groups"].items():
        a, b = live["groups"][name]["msd"], group["msd"]
        # The daemon thins its series to a readable length.
        whole = {round(lag, 9): value for lag, value in zip(b["lag_ps"], b["msd_A2"])}
        assert len(a["lag_ps"]) > 20, a["lag_ps"]
        for lag, mine in zip(a["lag_ps"], a["msd_A2"]):
            close(mine, whole[round(lag, 9)], 0.0, f"MSD of {name}", atol=1e-9 * max(b["msd_A2"]))
        for key in ("D_einstein_cm2_s", "omega_mean_meV", "f_vib_meV"):
            close(live["groups"][name][key], group[key], 1e-8, f"{key} of {name}")


def the_daemon_gives_what_the_dump_gives_with_one_and_two_ranks():
    dump = (
        "dump d all custom 2 run.lammpstrj id type element x y z vx vy vz mass q\n"
        "dump_modify d element Ca F format float %20.15g\n"
    )
    for ranks in (1, 2):
        with workfolder() as folder:
            endpoint = f"ipc://{folder}/iw.sock"
            with daemon(folder, endpoint):
                done = lmp(START + fix(endpoint) + dump + "run 400\n", folder, ranks)
                assert done.returncode == 0, done.stdout
                until(lambda: filed(endpoint, 201), 20, "the run is filed")
                live = show(endpoint, "--series")
            same_numbers(live, analyze(folder / "run.lammpstrj", "--dt", 4, "--temperature", 2000))


def told_to_stop_lammps_ends_and_writes_its_restart():
    for ranks in (1, 2):
        with workfolder() as folder:
            endpoint = f"ipc://{folder}/iw.sock"
            with daemon(folder, endpoint):
                process = lmp(
                    START + fix(endpoint) + "run 1000000\nwrite_restart end.restart\n",
                    folder, ranks, wait=False)
                try:
                    until(lambda: (show(endpoint) or {"run": {"frames": 0}})["run"]["frames"] > 50,
                          30, "frames arrive")
                    ionwatch("stop", "hot", "--endpoint", endpoint)
                    output, _ = process.communicate(timeout=30)
                finally:
                    process.kill()
                assert process.returncode == 0, output
                assert output.count("ionwatch: the run ends at step") == 1, output
                assert (folder / "end.restart").exists()
                run = until(lambda: filed(endpoint), 20, "the run is filed")
                last = int(re.search(r"the run ends at step (\d+)", output).group(1))
                assert run["run"]["frames"] == last // 2 + 1, (last, run["run"])


def the_wanted_precision_ends_the_run():
    with workfolder() as folder:
        endpoint = f"ipc://{folder}/iw.sock"
        with daemon(folder, endpoint):
            done = lmp(START + "velocity all scale 3500\nunfix nvt\nfix n all nvt temp 3500 3500 0.1\n"
                       + fix(endpoint, "stop precision 0.5 set mobile F")
                       + "run 60000\nwrite_restart end.restart\n", folder)
            assert done.returncode == 0, done.stdout
            assert "ionwatch: the run ends at step" in done.stdout, done.stdout[-1500:]
            assert (folder / "end.restart").exists()
            run = until(lambda: filed(endpoint), 20, "the run is filed")
            assert run["convergence"]["relative_error"] <= 0.5, run["convergence"]


def a_killed_daemon_costs_no_frame():
    with workfolder() as folder:
        endpoint = f"ipc://{folder}/iw.sock"
        with daemon(folder, endpoint) as first:
            process = lmp(START + fix(endpoint) + "run 4000\nwrite_restart end.restart\n",
                          folder, wait=False)
            until(lambda: (show(endpoint) or {"run": {"frames": 0}})["run"]["frames"] > 50,
                  30, "frames arrive")
            first.send_signal(signal.SIGKILL)
            first.wait()
        with daemon(folder, endpoint):
            output, _ = process.communicate(timeout=60)
            assert process.returncode == 0, output
            assert (folder / "end.restart").exists()
            run = until(lambda: filed(endpoint), 30, "the run is filed")
            assert run["run"]["frames"] == 2001, run["run"]
            assert run["run"]["segments"] == 1, run


def a_daemon_that_comes_late_gets_every_frame():
    with workfolder() as folder:
        endpoint = f"ipc://{folder}/iw.sock"
        process = lmp(START + fix(endpoint) + "run 9000\n", folder, wait=False)
        until(lambda: (folder / "log.lammps").exists(), 30, "LAMMPS starts")
        time.sleep(1.0)  # of the two seconds or more that the run takes; its log comes too late to ask
        with daemon(folder, endpoint):
            output, _ = process.communicate(timeout=60)
            assert process.returncode == 0, output
            run = until(lambda: filed(endpoint), 30, "the run is filed")
            assert run["run"]["frames"] == 4501, run["run"]


lmprun.require(lmprun.INCLUDE, lmprun.CLI, lmprun.DAEMON)
main([
    the_daemon_gives_what_the_dump_gives_with_one_and_two_ranks,
    told_to_stop_lammps_ends_and_writes_its_restart,
    the_wanted_precision_ends_the_run,
    a_killed_daemon_costs_no_frame,
    a_daemon_that_comes_late_gets_every_frame,
])
