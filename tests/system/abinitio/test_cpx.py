# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Car-Parrinello dynamics of cp.x, followed: live, equal to `analyze`, stopped, gone on with."""

from abinitio import (analyze, close, cpx, cpx_stage, daemon, electrons, filed, follow, frames,
                      ionwatch, main, require, same_numbers, show, until, workfolder)

def last_step(folder):
    return int((folder / "out" / "sic.evp").read_text().splitlines()[-1].split()[0])


def the_daemon_sees_the_run_live_and_gives_what_its_files_give():
    with workfolder() as folder:
        endpoint = f"ipc://{folder}/iw.sock"
        electrons(folder)
        with daemon(folder, endpoint), cpx(folder, "cp1", cpx_stage("ions")) as code, \
                follow(folder / "cp1.in", endpoint, folder, "--idle", 5) as follower:
            until(lambda: frames(endpoint) > 3, 60, "frames arrive")
            assert code.poll() is None, "the run had ended before its first frames came"
            assert code.wait(120) == 0
            until(lambda: filed(endpoint), 60, "the run is filed")
            assert follower.wait(20) == 0, (folder / "follow.log").read_text()
            live = show(endpoint, "--series")
        assert live["run"]["frames"] == 20, live["run"]
        assert live["run"]["velocity_source"] == "engine", live["run"]
        close(live["run"]["dt_fs"], 25 * 0.024188843265857, 1e-12, "dt")
        same_numbers(live, analyze(folder / "out" / "sic.pos"))


def told_to_stop_cpx_ends_and_its_restart_is_the_same_run():
    with workfolder() as folder:
        endpoint = f"ipc://{folder}/iw.sock"
        electrons(folder)
        with daemon(folder, endpoint):
            with cpx(folder, "cp1", cpx_stage("ions").replace("nstep=100", "nstep=50000")) as code, \
                    follow(folder, endpoint, folder, "--idle", 5) as follower:
                until(lambda: frames(endpoint) > 5, 60, "frames arrive")
                ionwatch("stop", "aimd", "--endpoint", endpoint)
                code.wait(60)
                assert follower.wait(30) == 0, (folder / "follow.log").read_text()
            assert not (folder / "sic.EXIT").exists()
            last = last_step(folder)
            assert last < 50000
            stopped = until(lambda: filed(endpoint), 30, "the run is filed")
            assert stopped["run"]["state"] == "stopped", stopped["run"]
            first = stopped["run"]["frames"]
            again = cpx_stage("ions").replace("nstep=100", "nstep=40").replace(
                "ion_velocities='zero'", "").replace(", electron_velocities='zero'", "")
            with cpx(folder, "cp1", again) as code:
                assert code.wait(60) == 0, (folder / "cp1.out").read_text()[-2000:]
            assert last_step(folder) > last
            with follow(folder, endpoint, folder, "--idle", 2) as follower:
                assert follower.wait(30) == 0, (folder / "follow.log").read_text()
            run = until(lambda: filed(endpoint), 30, "the run is filed again")
            assert run["run"]["frames"] == first + (last_step(folder) - last) // 5, \
                (first, last, last_step(folder), run["run"])


require("cp.x")
main([
    the_daemon_sees_the_run_live_and_gives_what_its_files_give,
    told_to_stop_cpx_ends_and_its_restart_is_the_same_run,
])
