# SPDX-License-Identifier: GPL-3.0-or-later
"""A real molecular dynamics of pw.x, followed: live, equal to `analyze`, stopped, gone on with."""

from abinitio import (ADAPTERS, analyze, daemon, filed, follow, frames, ionwatch, main, require,
                      same_numbers, show, started, until, workfolder)

INPUT = (ADAPTERS / "qe" / "examples" / "si.md.in").read_text()


def pwx(folder, name, text):
    (folder / f"{name}.in").write_text(text)
    return started(["pw.x", "-in", f"{name}.in"], folder, f"{name}.out")


def the_daemon_sees_the_run_live_and_gives_what_its_output_gives():
    with workfolder() as folder:
        endpoint = f"ipc://{folder}/iw.sock"
        with daemon(folder, endpoint), pwx(folder, "md", INPUT) as code, \
                follow(folder, endpoint, folder, "--idle", 5) as follower:
            until(lambda: frames(endpoint) > 3, 60, "frames arrive")
            assert code.poll() is None, "the run had ended before its first frames came"
            assert code.wait(120) == 0
            until(lambda: filed(endpoint), 60, "the run is filed")
            assert follower.wait(20) == 0, (folder / "follow.log").read_text()
            live = show(endpoint, "--series")
        assert live["run"]["frames"] == 26, live["run"]
        assert live["run"]["code"] == "Quantum ESPRESSO"
        same_numbers(live, analyze(folder / "md.out"))


def told_to_stop_pwx_ends_and_its_restart_is_the_same_run():
    with workfolder() as folder:
        endpoint = f"ipc://{folder}/iw.sock"
        with daemon(folder, endpoint):
            with pwx(folder, "md", INPUT.replace("nstep=25", "nstep=5000")) as code, \
                    follow(folder / "md.in", endpoint, folder) as follower:
                until(lambda: frames(endpoint) > 3, 60, "frames arrive")
                ionwatch("stop", "aimd", "--endpoint", endpoint)
                code.wait(60)
                assert follower.wait(30) == 0, (folder / "follow.log").read_text()
            output = (folder / "md.out").read_text()
            assert "Program stopped by user request" in output, output[-2000:]
            assert not (folder / "si.EXIT").exists()
            stopped = until(lambda: filed(endpoint), 30, "the run is filed")
            assert stopped["run"]["state"] == "stopped", stopped["run"]
            last = output.count("Entering Dynamics")
            assert stopped["run"]["frames"] == last + 1, (last, stopped["run"])
            # the restart begins where the first job ended
            again = INPUT.replace("nstep=25", "nstep=4, restart_mode='restart'")
            with pwx(folder, "more", again) as code, \
                    follow(folder / "md.out", endpoint, folder, "more.out", "--idle", 5) as follower:
                assert code.wait(60) == 0
                until(lambda: frames(endpoint) == last + 5, 60, "the frames of the restart")
                assert follower.wait(30) == 0, (folder / "follow.log").read_text()
            run = until(lambda: filed(endpoint), 30, "the run is filed again")
            assert run["run"]["segments"] == 1, run["run"]


require("pw.x")
main([
    the_daemon_sees_the_run_live_and_gives_what_its_output_gives,
    told_to_stop_pwx_ends_and_its_restart_is_the_same_run,
])
