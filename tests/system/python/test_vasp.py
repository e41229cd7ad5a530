# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugin of VASP, called as VASP's documentation says: frozen constants, additions left alone."""
import json
import os
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass

import ionwatch
import ionwatch.vasp
import numpy as np
import pytest
from conftest import analyze, until, walk

LATTICE = np.array([[9.0, 0.0, 0.0], [1.0, 9.5, 0.0], [0.0, -0.5, 10.0]])
INCAR = """SYSTEM = test ; IBRION = 0
 potim = 2.0   ! fs
TEBEG = 600; TEEND = 600
NBLOCK = 10  # the plugin sees every step all the same
PLUGINS/STRUCTURE = T
"""


@dataclass(frozen=True)
class Constants:
    """ConstantsStructure of VASP's interface `structure`."""

    number_ions: int
    number_ion_types: int
    ion_types: np.ndarray
    atomic_numbers: np.ndarray
    lattice_vectors: np.ndarray
    positions: np.ndarray
    POMASS: np.ndarray
    total_energy: float
    forces: np.ndarray
    stress: np.ndarray
    shape_grid: np.ndarray
    charge_density: np.ndarray


@dataclass
class Additions:
    lattice_vectors: np.ndarray
    positions: np.ndarray


def constants(cartesian, **change):
    """One ionic step of 6 Li and 4 S at Cartesian positions, which may be unfolded."""
    values = dict(
        number_ions=10, number_ion_types=2, ion_types=np.array([0] * 6 + [1] * 4, np.int32),
        atomic_numbers=np.array([3, 16], np.int32), lattice_vectors=LATTICE,
        positions=(cartesian @ np.linalg.inv(LATTICE)) % 1.0, POMASS=np.array([6.94, 32.06]),
        total_energy=-42.5, forces=np.zeros((10, 3)), stress=np.zeros((3, 3)),
        shape_grid=np.array([8, 8, 8]), charge_density=np.zeros((8, 8, 8)))
    return Constants(**{**values, **change})


@pytest.fixture
def vasp(folder, monkeypatch):
    """VASP in the folder: each call of the fixture is a process of its own, with steps to make."""
    (folder / "INCAR").write_text(INCAR)
    monkeypatch.setenv("IONWATCH_SET", "mobile=Li; skip=none; msd_stride=1")

    def job(x, stop=lambda: False, **change):
        ionwatch.vasp._plugins.clear()
        spec = {}
        exec("from ionwatch.vasp import structure", spec)  # the vasp_plugin.py of a user
        made = 0
        for r in x:
            additions = Additions(np.zeros((3, 3)), np.zeros((10, 3)))
            assert spec["structure"](constants(r, **change), additions) is None
            assert not additions.positions.any() and not additions.lattice_vectors.any()
            made += 1
            if stop():
                break
        for plugin in ionwatch.vasp._plugins.values():
            if plugin.stream:
                plugin.stream.close()
        return made

    yield job
    ionwatch.vasp._plugins.clear()


def write_xdatcar(path, x):
    with open(path, "w") as file:
        file.write("test\n1.0\n" + "\n".join(" ".join(map(repr, row.tolist())) for row in LATTICE))
        file.write("\nLi S\n6 4\n")
        for t, r in enumerate(x, 1):
            file.write(f"Direct configuration= {t:5d}\n")
            for row in (r @ np.linalg.inv(LATTICE)) % 1.0:
                file.write(" ".join(f"{value:.16f}" for value in row) + "\n")


def test_every_step_is_streamed_and_equals_the_xdatcar_of_all_steps(folder, vasp, daemon, monkeypatch):
    monkeypatch.setenv("IONWATCH_ENDPOINT", daemon.endpoint)
    monkeypatch.setenv("IONWATCH_RUN_NAME", "plugin")
    with open("INCAR", "a") as file:
        file.write("NSW = 200\n")
    x, _ = walk(200)
    assert vasp(x) == 200
    filed = daemon.filed("plugin", 200)  # by itself: NSW steps were made
    run = filed["run"]
    assert (filed.state, run["code"], run["dt_fs"], run["temperature_K"], run["segments"], run["velocity_source"]) == \
        ("completed", "vasp", 2.0, 600.0, 1, "finite differences")
    (folder / "x").mkdir()
    write_xdatcar(folder / "x" / "XDATCAR", x)
    direct = analyze("x/XDATCAR", "--dt", "2", "--temperature", "600", "--mobile", "Li", "--skip", "none",
                     "--msd-stride", "1", "--masses", "Li=6.94,S=32.06")
    for name in direct["groups"]:
        for series, column in (("msd", "msd_A2"), ("vacf", "c")):
            theirs = np.array(direct["groups"][name][series][column])
            np.testing.assert_allclose(filed["groups"][name][series][column], theirs, rtol=0,
                                       atol=1e-9 * np.abs(theirs).max())
    assert filed["groups"]["Li"]["atoms"] == 6
    with ionwatch.database.Database(daemon.db) as db:
        notes = dict(db._rows("SELECT key, value FROM metadata"))
    assert float(notes["planned_ps"]) == 0.4


def test_a_job_that_begins_at_the_contcar_goes_on_with_the_run(folder, vasp, daemon, monkeypatch):
    monkeypatch.setenv("IONWATCH_ENDPOINT", daemon.endpoint)
    monkeypatch.setenv("IONWATCH_RUN_NAME", "chain")
    x, _ = walk(150)
    vasp(x[:60])  # the CONTCAR has step 60, counted from 0
    state = json.loads((folder / "ionwatch.json").read_text())
    assert state["step"] == 60
    with open("INCAR", "a") as file:
        file.write("NSW = 90\n")
    vasp(x[60:])
    filed = daemon.filed("chain", 150)
    assert (filed.id, filed["run"]["segments"]) == (state["run_id"], 1)


def test_a_job_that_repeats_the_last_step_after_a_crash_counts_it_once(folder, vasp, daemon, monkeypatch):
    monkeypatch.setenv("IONWATCH_ENDPOINT", daemon.endpoint)
    monkeypatch.setenv("IONWATCH_RUN_NAME", "crash")
    x, _ = walk(100)
    vasp(x[:60])
    with open("INCAR", "a") as file:
        file.write("NSW = 41\n")
    vasp(x[59:])
    assert daemon.filed("crash", 100)["run"]["segments"] == 1


@pytest.mark.parametrize("what", ["from the start", "elsewhere", "another temperature", "another composition"])
def test_what_does_not_continue_the_last_job_is_a_new_run(folder, vasp, monkeypatch, what):
    monkeypatch.setenv("IONWATCH_ENDPOINT", "file://" + str(folder / "a.iwlog"))
    x, _ = walk(40)
    vasp(x[:20])
    first = json.loads((folder / "ionwatch.json").read_text())
    monkeypatch.setenv("IONWATCH_ENDPOINT", "file://" + str(folder / "b.iwlog"))
    change = {}
    if what == "from the start":
        rest = x[:5]
    elif what == "elsewhere":
        rest = x[20:25] + np.linspace(0, 3, 10)[:, None]
    elif what == "another temperature":
        (folder / "INCAR").write_text(INCAR.replace("TEBEG = 600", "TEBEG = 700"))
        rest = x[20:25]
    else:
        change = {"atomic_numbers": np.array([11, 16], np.int32)}
        rest = x[20:25]
    vasp(rest, **change)
    second = json.loads((folder / "ionwatch.json").read_text())
    assert second["run_id"] != first["run_id"] and second["step"] == 5


def test_a_stop_is_written_to_stopcar_and_a_frame_after_it_counts_too(folder, vasp, daemon, monkeypatch, capfd):
    monkeypatch.setenv("IONWATCH_ENDPOINT", daemon.endpoint)
    monkeypatch.setenv("IONWATCH_RUN_NAME", "asked")
    x, _ = walk(500)
    asked = []

    def stop():
        time.sleep(0.02)
        if not asked:
            if daemon.runs.list():
                daemon.runs.stop("asked")
                asked.append(1)
            return False
        if (folder / "STOPCAR").exists():
            asked.append(1)
        return len(asked) == 4  # VASP notices it two steps later

    made = vasp(x, stop)
    assert made < 500
    assert (folder / "STOPCAR").read_text() == "LSTOP = .TRUE.\n"
    assert capfd.readouterr().out.count("asked to end through STOPCAR") == 1
    filed = daemon.filed("asked", made)
    assert filed.state == "stopped" and filed["run"]["segments"] == 1
    # Had VASP been killed before it could go, the next job would not end at once.
    vasp(x[made:made + 3])
    assert not (folder / "STOPCAR").exists()
    assert json.loads((folder / "ionwatch.json").read_text())["step"] == made + 3


def test_our_stopcar_goes_with_the_process_and_that_of_others_stays(folder, monkeypatch):
    monkeypatch.setenv("IONWATCH_ENDPOINT", "file://" + str(folder / "a.iwlog"))
    (folder / "INCAR").write_text(INCAR)
    (folder / "a.iwlog.stop").write_text("enough\n")
    script = (f"import os, sys, time\nsys.path[:0] = [{os.path.dirname(__file__)!r}]\n"
              "from test_vasp import constants, walk\nfrom ionwatch.vasp import structure\n"
              "for x in walk(100)[0]:\n    structure(constants(x), None)\n    time.sleep(0.05)\n"
              "    if os.path.exists('STOPCAR'): break\n"
              "print(open('STOPCAR').read())\n")
    run = [sys.executable, "-c", script]
    said = subprocess.run(run, capture_output=True, text=True, timeout=60)
    assert "LSTOP = .TRUE." in said.stdout, said.stderr
    assert "asked to end through STOPCAR: enough" in said.stdout
    assert not (folder / "STOPCAR").exists()
    (folder / "STOPCAR").write_text("LABORT = .TRUE.\n")
    subprocess.run(run, capture_output=True, timeout=60)
    assert (folder / "STOPCAR").read_text() == "LABORT = .TRUE.\n"


def test_types_of_ions_are_understood_in_every_way_they_are_given(folder):
    x = np.zeros((10, 3))
    expected = [0] * 6 + [1] * 4
    for types in ([0] * 6 + [1] * 4, [1] * 6 + [2] * 4, [6, 4]):
        assert list(ionwatch.vasp.kinds(constants(x, ion_types=np.array(types)))) == expected
    for types in ([0] * 6 + [2] * 4, [1, 2, 3], [5] * 10):
        with pytest.raises(ValueError, match="ion_types"):
            ionwatch.vasp.kinds(constants(x, ion_types=np.array(types)))
    kind = np.array(expected)
    assert list(ionwatch.vasp.per_ion([3, 16], kind, 2)) == [3] * 6 + [16] * 4
    assert list(ionwatch.vasp.per_ion([3] * 6 + [16] * 4, kind, 2)) == [3] * 6 + [16] * 4
    from ase.data import chemical_symbols
    assert ionwatch.vasp.SYMBOLS == chemical_symbols[:97]


@pytest.mark.parametrize("text, potim, kelvin", [
    ("POTIM=1.5\nTEBEG=300", "1.5", "300"),
    ("  Potim = 2 ; TEBEG = 400 # hot\n#POTIM = 9", "2", "400"),
    ("POTIM = 1\nPOTIM = 3\nTEBEG = \\\n 500", "1", "500"),
])
def test_the_incar_is_read_as_vasp_reads_it(folder, text, potim, kelvin):
    (folder / "INCAR").write_text(text)
    tags = ionwatch.vasp.read_incar("INCAR")
    assert (tags["POTIM"], tags["TEBEG"]) == (potim, kelvin)


def test_nothing_is_raised_into_vasp(folder, vasp, monkeypatch):
    x, _ = walk(5)
    monkeypatch.setenv("IONWATCH_ENDPOINT", "file:///proc/nowhere/a.iwlog")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert vasp(x) == 5
        assert caught
        (folder / "INCAR").unlink()
        assert vasp(x) == 5
        assert ionwatch.vasp.structure(None, None) is None
        assert ionwatch.vasp.structure(constants(x[0], ion_types=np.array([9])), None) is None
    assert all(issubclass(one.category, ionwatch.IonwatchWarning) for one in caught)
    (folder / "INCAR").write_text(INCAR)
    with pytest.warns(ionwatch.IonwatchWarning, match="fractional ones are expected"):
        vasp(x[:1], positions=x[0])
    (folder / "INCAR").write_text("IBRION = 0\n")
    with pytest.warns(ionwatch.IonwatchWarning, match="POTIM"):
        vasp(x[:1])


def test_other_ranks_than_the_first_are_silent(folder, vasp, monkeypatch):
    monkeypatch.setenv("IONWATCH_ENDPOINT", "file://" + str(folder / "a.iwlog"))
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", "1")
    vasp(walk(3)[0])
    assert not (folder / "ionwatch.json").exists() and not (folder / "a.iwlog").exists()


def test_a_process_that_is_killed_goes_on_without_a_gap(folder, daemon, monkeypatch):
    """kill -9 in mid-run: what was not acknowledged comes out of the restart, from the last CONTCAR."""
    monkeypatch.setenv("IONWATCH_ENDPOINT", daemon.endpoint)
    monkeypatch.setenv("IONWATCH_RUN_NAME", "killed")
    (folder / "INCAR").write_text(INCAR + "NSW = 60\n")
    x, _ = walk(60)
    np.save("x.npy", x)
    script = ("import os, sys, time, numpy as np\n"
              f"sys.path[:0] = [{os.path.dirname(__file__)!r}]\n"
              "from test_vasp import constants\nfrom ionwatch.vasp import structure\n"
              "x = np.load('x.npy')\n"
              "for t in range(int(sys.argv[1]), 60):\n"
              "    structure(constants(x[t]), None)\n    print(t, flush=True)\n    time.sleep(0.01)\n")
    first = subprocess.Popen([sys.executable, "-c", script, "0"], stdout=subprocess.PIPE, text=True)
    while int(first.stdout.readline()) < 30:
        pass
    first.kill()
    first.wait()
    state = json.loads((folder / "ionwatch.json").read_text())
    # POSCAR from the CONTCAR: one step after the last that the plugin saw.
    (folder / "INCAR").write_text(INCAR + f"NSW = {60 - state['step']}\n")
    done = subprocess.run([sys.executable, "-c", script, str(state["step"])], timeout=60)
    assert done.returncode == 0
    filed = until(lambda: ionwatch.database.Database(daemon.db)["killed"], "the record")
    # Frames that the killed process had only in memory are lost; the rest is one run.
    assert filed.id == state["run_id"] and filed["run"]["frames"] >= 58
