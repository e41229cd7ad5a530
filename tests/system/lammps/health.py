# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that go wrong: a framework that melts, a temperature that runs away."""

import lmprun
from lmprun import HERE, analyze, daemon, ionwatch, lmp, main, until, workfolder

START = f"variable tilt index 0\ninclude {HERE}/caf2.lmp\ninclude {lmprun.INCLUDE}\n"


def fix(endpoint, every=5):
    return f"fix iw all ionwatch {every} species Ca F endpoint {endpoint} name wrong set mobile F\n"


def moments(record, kind):
    return [event["time_ps"] for event in record["events"] if event["id"] == kind]


def a_crystal_is_healthy_and_its_melt_is_broken():
    with workfolder() as folder:
        done = lmp(
            START + "timestep 0.001\nfix nvt all nvt temp 1600 1600 0.1\nrun 1000\n"
            + fix("file://melt.iwlog")
            + "run 3000\nunfix nvt\nfix nvt all nvt temp 4000 4000 0.1\nrun 5000\n", folder)
        assert done.returncode == 0, done.stdout[-1500:]
        health = analyze(folder / "melt.iwlog", "--temperature", 4000)
    # Crystal for the first 3 ps of the stream; then it heats up and melts within about 2 ps.
    melting = moments(health, "framework_melting")
    assert melting and 3.0 < melting[0] <= 8.0, health["events"]
    assert health["health"]["state"] == "broken", health["health"]
    assert "the framework melted" in health["health"]["reason"], health["health"]
    assert health["health"]["lindemann"] > 0.3, health["health"]
    # 1600 K are below half of the 4000 K that were named; nothing else is wrong.
    kinds = {event["id"] for event in health["events"] if event["severity"] == "warning"}
    assert kinds <= {"framework_melting", "temperature_runaway", "near_nyquist", "broken"}, kinds


def a_crystal_stays_healthy():
    with workfolder() as folder:
        done = lmp(
            START + "fix nvt all nvt temp 1600 1600 0.1\nrun 1000\n" + fix("file://solid.iwlog", 2)
            + "run 3000\n", folder)
        assert done.returncode == 0, done.stdout[-1500:]
        health = analyze(folder / "solid.iwlog", "--temperature", 1600)["health"]
    assert health["state"] == "good", health
    assert 0.05 < health["lindemann"] < 0.15, health
    assert health["com_drift_A_ps"] < 1e-6, health
    assert abs(health["volume_ratio"] - 1.0) < 1e-12, health


def show_says_that_a_run_heats_up():
    with workfolder() as folder:
        endpoint = f"ipc://{folder}/iw.sock"
        with daemon(folder, endpoint):
            # 1600 K are the target; then heat comes in at 100 eV/ps and nothing takes it out.
            lmp(START + "timestep 0.001\nfix nvt all nvt temp 1600 1600 0.1\nrun 1000\n"
                + fix(endpoint) + "run 1000\nunfix nvt\nfix nve all nve\n"
                + "fix hot all heat 1 100.0\nrun 1500\n", folder)

            def table():
                done = ionwatch("show", "wrong", "--endpoint", endpoint, ok=False)
                return done.stdout if "temperature_runaway" in done.stdout else None

            text = until(table, 20, "show names the runaway")
        health = text[text.index("\nHealth: "):]
        assert health.startswith(("\nHealth: warning: temperature ",
                                  "\nHealth: broken: temperature ")), health
        assert "times the target of 1600 K" in " ".join(health.split()), health


lmprun.require(lmprun.INCLUDE, lmprun.CLI, lmprun.DAEMON)
main([
    a_crystal_is_healthy_and_its_melt_is_broken,
    a_crystal_stays_healthy,
    show_says_that_a_run_heats_up,
])
