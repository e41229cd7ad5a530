# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fix streams is what LAMMPS' own dump of the same run holds, to the dump's precision.

One run feeds both; `ionwatch analyze` reads the stream (a file:// endpoint) and the dump.  The dump
has 15 digits, so that every number agrees to 1e-9 of its series' largest.
"""

import lmprun
from lmprun import HERE, analyze, close, lmp, main, workfolder

START = f"variable tilt index 0\ninclude {HERE}/caf2.lmp\ninclude {lmprun.INCLUDE}\n"
DUMP = (
    "dump d {group} custom 2 run.lammpstrj id type element x y z vx vy vz mass q\n"
    "dump_modify d element Ca F format float %20.15g {more}\n"
)


def numbers(value, path=""):
    """Every number of a JSON tree as (path, list of numbers)."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from numbers(part, f"{path}.{key}")
    elif isinstance(value, list) and value and all(isinstance(x, (int, float)) for x in value):
        yield path, value
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield path, [value]


def compare(stream, dump):
    for key in ("atoms", "frames", "dt_fs", "mobile", "segments"):
        assert stream["run"][key] == dump["run"][key], (key, stream["run"], dump["run"])
    assert stream["run"]["velocity_source"] == dump["run"]["velocity_source"]
    ours, theirs = dict(numbers(stream["groups"])), dict(numbers(dump["groups"]))
    assert set(ours) == set(theirs), set(ours) ^ set(theirs)
    assert len(ours) > 40, sorted(ours)
    for path, values in ours.items():
        scale = max(abs(x) for x in theirs[path])
        assert len(values) == len(theirs[path]), path
        for mine, its in zip(values, theirs[path]):
            close(mine, its, 0.0, path, atol=1e-9 * scale + 1e-300)


def check(script, ranks, frames, words=("--temperature", 2000), group="all", more=""):
    with workfolder() as folder:
        text = START + script.replace("DUMP", DUMP.format(group=group, more=more))
        done = lmp(text, folder, ranks)
        assert done.returncode == 0, done.stdout
        stream = analyze(folder / "run.iw", *words)
        assert stream["run"]["frames"] == frames, stream["run"]
        assert stream["run"]["code"] == "lammps"
        compare(stream, analyze(folder / "run.lammpstrj", "--dt", 4, *words))


FIX = "fix iw {} ionwatch 2 species Ca F endpoint file://run.iw {}\n"
NVT = "fix nvt all nvt temp 2000 2000 0.1\nrun 100\nreset_timestep 0\n"


def one_rank_gives_what_the_dump_gives():
    check(NVT + FIX.format("all", "") + "DUMP" + "run 600\n", 1, 301)


def two_ranks_give_what_the_dump_gives():
    check(NVT + FIX.format("all", "") + "DUMP" + "run 600\n", 2, 301)


def a_triclinic_cell_at_constant_pressure_gives_what_the_dump_gives():
    check(
        "variable tilt delete\n"
        "change_box all triclinic xy final 1.5 remap units box\n"
        "fix npt all npt temp 2000 2000 0.1 tri 0 0 1.0\n"
        + FIX.format("all", "") + "DUMP" + "run 400\n", 2, 201,
    )


def several_run_commands_are_one_stream():
    check(NVT + FIX.format("all", "") + "DUMP" + "run 100\nrun 0\nrun 201\nrun 99\n", 1, 201)


def a_group_with_gaps_between_its_ids_gives_what_the_dump_gives():
    check(
        "group gone id 7 30:33\ndelete_atoms group gone compress no\ngroup part id 5:80\n"
        + NVT + FIX.format("part", "") + "DUMP" + "run 200\n", 2, 101, group="part",
    )


def unwrapped_positions_give_the_same():
    check(NVT + FIX.format("all", "unwrapped yes") + "DUMP" + "run 200\n", 2, 101)


def single_precision_is_close():
    with workfolder() as folder:
        both = FIX.format("all", "") + FIX.format("all", "precision single").replace(
            "iw all", "single all").replace("run.iw", "single.iw")
        done = lmp(START + NVT + both + "run 200\n", folder)
        assert done.returncode == 0, done.stdout
        words = ("--temperature", 2000)
        full, half = analyze(folder / "run.iw", *words), analyze(folder / "single.iw", *words)
        f, h = (run["groups"]["F"]["msd"]["msd_A2"] for run in (full, half))
        for a, b in zip(f, h):
            close(b, a, 1e-5, "MSD of F from single precision", atol=1e-9)
        size = [(folder / name).stat().st_size for name in ("run.iw", "single.iw")]
        assert size[1] < 0.55 * size[0], size


lmprun.require(lmprun.INCLUDE, lmprun.CLI)
main([
    one_rank_gives_what_the_dump_gives,
    two_ranks_give_what_the_dump_gives,
    a_triclinic_cell_at_constant_pressure_gives_what_the_dump_gives,
    several_run_commands_are_one_stream,
    a_group_with_gaps_between_its_ids_gives_what_the_dump_gives,
    unwrapped_positions_give_the_same,
    single_precision_is_close,
])
