# SPDX-License-Identifier: GPL-3.0-or-later
"""A wrong fix command ends LAMMPS with a word on what to write; anything else lets the run go on."""

import lmprun
from lmprun import HERE, lmp, main, workfolder

START = f"variable tilt index 0\ninclude {HERE}/caf2.lmp\ninclude {lmprun.INCLUDE}\nfix nve all nve\n"


def refused(command, *words):
    with workfolder() as folder:
        done = lmp(START + command + "\nrun 1\n", folder)
        assert done.returncode != 0, done.stdout
        for word in words:
            assert word in done.stdout, (word, done.stdout[-800:])


def wrong_commands_are_refused_with_what_to_write():
    refused("fix iw all ionwatch", "fix ionwatch", "species A B")
    refused("fix iw all ionwatch 0 species Ca F", "at least 1")
    refused("fix iw all ionwatch 1", "'species' is missing", "2 atom types")
    refused("fix iw all ionwatch 1 species Ca", "each of the 2 atom types")
    refused("fix iw all ionwatch 1 species Ca F endpont x", "unknown keyword 'endpont'", "endpoint")
    refused("fix iw all ionwatch 1 species Ca F endpoint", "'endpoint' needs 1 value")
    refused("fix iw all ionwatch 1 species Ca F stop soon 1", "stop precision")
    refused("fix iw all ionwatch 1 species Ca F stop precision -1", "stop precision")
    refused("fix iw all ionwatch 1 species Ca F precision half", "single or double")
    refused("fix iw all ionwatch 1 species Ca F unwrapped maybe", "yes or no")
    refused("fix iw all ionwatch 1 species Ca F full up", "wait or drop")
    refused("fix iw all ionwatch 1 species Ca F lj 1 0 1", "sigma")


def goes_on(command, *words, steps=20):
    with workfolder() as folder:
        done = lmp(START + command + f"\nrun {steps}\nwrite_restart end.restart\n", folder)
        assert done.returncode == 0, done.stdout
        assert (folder / "end.restart").exists()
        for word in words:
            assert done.stdout.count(word) == 1, (word, done.stdout[-1500:])


def an_endpoint_that_is_none_costs_a_warning():
    goes_on("fix iw all ionwatch 1 species Ca F endpoint nonsense", "WARNING: ionwatch", "unwatched")


def a_file_that_cannot_be_written_costs_a_warning():
    goes_on("fix iw all ionwatch 1 species Ca F endpoint file:///nowhere/run.iw", "WARNING: ionwatch")


def no_daemon_costs_a_warning():
    goes_on(
        "fix iw all ionwatch 1 species Ca F endpoint ipc://nobody.sock",
        "WARNING: ionwatch: no daemon answers at ipc://nobody.sock",
    )


def lost_atoms_end_the_stream_and_not_the_run():
    goes_on(
        "fix iw all ionwatch 1 species Ca F endpoint file://run.iw\nrun 5\n"
        "group gone id 7\ndelete_atoms group gone compress no",
        "atoms came or went",
    )


def minimisation_is_not_streamed():
    with workfolder() as folder:
        done = lmp(
            START + "fix iw all ionwatch 1 species Ca F endpoint file://run.iw\n"
            "min_style cg\nminimize 0 0 5 5\nrun 10\n", folder)
        assert done.returncode == 0, done.stdout
        if lmprun.CLI.exists():
            run = lmprun.analyze(folder / "run.iw", "--temperature", 1000)["run"]
            assert run["frames"] == 11, run


lmprun.require(lmprun.INCLUDE)
main([
    wrong_commands_are_refused_with_what_to_write,
    an_endpoint_that_is_none_costs_a_warning,
    a_file_that_cannot_be_written_costs_a_warning,
    no_daemon_costs_a_warning,
    lost_atoms_end_the_stream_and_not_the_run,
    minimisation_is_not_streamed,
])
