# SPDX-License-Identifier: GPL-3.0-or-later
"""A real molecular dynamics of CP2K, followed: live, equal to `analyze`, stopped, gone on with."""

import re

from abinitio import (ADAPTERS, analyze, close, daemon, filed, follow, frames, ionwatch, main,
                      require, same_numbers, show, started, until, workfolder)

INPUT = (ADAPTERS / "cp2k" / "examples" / "water.inp").read_text()


def cp2k(folder, text, name="water"):
    (folder / f"{name}.inp").write_text(text)
    return started(["cp2k.psmp", "-i", f"{name}.inp", "-o", "water.out"], folder, "cp2k.log")


def steps(folder):
    return [int(line.split()[0]) for line in (folder / "water-1.ener").read_text().splitlines()[1:]]


def the_daemon_sees_the_run_live_and_gives_what_its_files_give():
    with workfolder() as folder:
        endpoint = f"ipc://{folder}/iw.sock"
        with daemon(folder, endpoint), cp2k(folder, INPUT) as code, \
                follow(folder, endpoint, folder, "--idle", 5) as follower:
            until(lambda: frames(endpoint) > 3, 60, "frames arrive")
            assert code.poll() is None, "the run had ended before its first frames came"
            assert code.wait(120) == 0
            until(lambda: filed(endpoint), 60, "the run is filed")
            assert follower.wait(20) == 0, (folder / "follow.log").read_text()
            live = show(endpoint, "--series")
        assert live["run"]["frames"] == 61, live["run"]
        assert live["run"]["velocity_source"] == "engine", live["run"]
        close(live["run"]["temperature_K"], 400.0, 1e-9, "the temperature that is aimed at")
        close(live["run"]["dt_fs"], 0.5, 1e-12, "dt")
        same_numbers(live, analyze(folder / "water-pos-1.xyz"))


def told_to_stop_cp2k_ends_and_its_restart_is_the_same_run():
    with workfolder() as folder:
        endpoint = f"ipc://{folder}/iw.sock"
        with daemon(folder, endpoint):
            with cp2k(folder, INPUT.replace("STEPS 60", "STEPS 100000")) as code, \
                    follow(folder / "water.inp", endpoint, folder, "--idle", 5) as follower:
                until(lambda: frames(endpoint) > 12, 60, "frames arrive")
                ionwatch("stop", "aimd", "--endpoint", endpoint)
                code.wait(60)  # it looks for the file every 20 s
                assert follower.wait(30) == 0, (folder / "follow.log").read_text()
            output = (folder / "water.out").read_text()
            assert "MD run terminated by external request" in output, output[-2000:]
            stopped = until(lambda: filed(endpoint), 30, "the run is filed")
            assert stopped["run"]["state"] == "stopped", stopped["run"]
            last = steps(folder)[-1]
            assert stopped["run"]["frames"] == last + 1, (last, stopped["run"])
            # from the last restart file, which appends and repeats what came after it
            again = INPUT.replace("STEPS 60", "STEPS 25") + \
                "&EXT_RESTART\n  RESTART_FILE_NAME water-1.restart\n&END EXT_RESTART\n"
            start = int(re.search(r"STEP_START_VAL\s+(\d+)",
                                  (folder / "water-1.restart").read_text()).group(1))
            with cp2k(folder, again, "again") as code:
                assert code.wait(60) == 0
            done = steps(folder)
            assert done[-1] == start + 25, (start, done[-5:])
            with follow(folder, endpoint, folder, "--idle", 2) as follower:
                assert follower.wait(30) == 0, (folder / "follow.log").read_text()
            run = until(lambda: filed(endpoint), 30, "the run is filed again")
            assert run["run"]["frames"] == max(last, start + 25) + 1, (start, last, run["run"])
            assert run["run"]["segments"] == 1, run["run"]
            assert not list(folder.glob("*.EXIT*")), list(folder.glob("*"))


require("cp2k.psmp")
main([
    the_daemon_sees_the_run_live_and_gives_what_its_files_give,
    told_to_stop_cp2k_ends_and_its_restart_is_the_same_run,
])
