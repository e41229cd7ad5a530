# SPDX-License-Identifier: GPL-3.0-or-later
"""The campaign of docs/campaign: its script on one material, and what is kept of the real one."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
CAMPAIGN = HERE.parents[2] / "docs" / "campaign"
sys.path[:0] = [str(HERE.parent), str(CAMPAIGN)]

from programs import (BUILD, CLI, DAEMON, close, ionwatch, main, require_built, skip,  # noqa: E402
                      until, workfolder)

import campaign as script  # noqa: E402

SHORT = ("--planned", "0.8", "--shortest", "0.2", "--jobs", "3")


def words(folder, *more):
    return [sys.executable, str(CAMPAIGN / "campaign.py"), "--folder", str(folder),
            "--build", str(BUILD), *more]


def run(folder, *more, code=0):
    done = subprocess.run(words(folder, *more), text=True, capture_output=True, timeout=200)
    if done.returncode != code:
        raise AssertionError(f"{more}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def filed(folder):
    database = f"sqlite:///{folder}/runs.sqlite"
    done = ionwatch("db", "query", "SELECT name FROM runs ORDER BY name", "--json", "--db",
                    database)
    return [row["name"] for row in json.loads(done.stdout)]


def a_campaign_that_is_cut_off_goes_on_and_then_has_nothing_to_do():
    with workfolder() as folder:
        # The first run would go on for ever: it is never filed before the interrupt.
        begun = subprocess.Popen(
            words(folder, "alpha-AgI", "--planned", "1e6", "--budget", "1e6", "--target", "1e-4",
                  "--floor", "0", "--jobs", "1"),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        log = folder / "runs" / "alpha-AgI-500K" / "log.lammps"
        until(lambda: log.exists() and "fix iw" in log.read_text(), 60, "the first run streams")
        begun.send_signal(signal.SIGINT)
        _, told = begun.communicate(timeout=60)
        assert begun.returncode == 130 and "goes on with what is not filed" in told, told
        assert filed(folder) == [], filed(folder)

        first = run(folder, "alpha-AgI", *SHORT)
        assert "3 runs, 0 of them filed before" in first.stdout, first.stdout
        assert filed(folder) == [f"alpha-AgI-{T}K" for T in (500, 600, 700)]
        assert first.stdout.count("| alpha-AgI | Ag |") == 3, first.stdout
        again = run(folder, "alpha-AgI", *SHORT)
        assert "3 runs, 3 of them filed before" in again.stdout, again.stdout
        assert "filed after" not in again.stdout, again.stdout


def unknown_materials_and_a_missing_build_are_named():
    with workfolder() as folder:
        told = run(folder, "unobtainium", code=1).stderr
        assert "no unobtainium; known: Li7La3Zr2O12, Li2O" in told, told
        missing = run(folder, "--build", str(folder / "nowhere"), code=1).stderr
        assert "nowhere" in missing and "Traceback" not in missing, missing


def forces_of_every_pair_are_slopes_of_its_energy():
    for material in script.read_materials([]):
        for pair, terms in material.pairs.items():
            for r in (1.5, 2.4, 4.1):
                def energy(x):
                    return sum(script.term(x, *words)[0] for words in terms)

                force = sum(script.term(r, *words)[1] for words in terms)
                slope = (energy(r + 1e-5) - energy(r - 1e-5)) / 2e-5
                close(force, -slope, 1e-6, f"{material.name} {pair} at {r} A", atol=1e-7)


def the_vdos_has_the_phonons_of_the_potential():
    """Finite differences of forces against the filed run; anharmonicity adds some per cent."""
    done = subprocess.run([sys.executable, str(CAMPAIGN / "statics.py"), "NaCl"], text=True,
                          capture_output=True, timeout=200, check=True)
    edges, temperature, phonons, omega = done.stdout.splitlines()[-1].split("|")[2:6]
    close(float(edges.split(",")[0]), 5.62, 1e-3, "NaCl at 0 K")
    close(float(temperature), 500, 0, "the coldest run")
    assert 1 < float(omega) / float(phonons) < 1.1, done.stdout


def materials_of_ones_own_run_with_any_potential():
    with workfolder() as folder:
        (folder / "ar.lmp").write_text("mass 1 39.948\npair_style lj/cut 8.5\n"
                                       "pair_coeff 1 1 0.0103 3.4\n")
        (folder / "ar.data").write_text(
            "tilted argon\n\n1 atoms\n1 atom types\n\n0 3.72 xlo xhi\n0 3.22162 ylo yhi\n"
            "0 3.03737 zlo zhi\n1.86 1.86 1.07387 xy xz yz\n\nAtoms # charge\n\n1 1 0 0 0 0\n")
        table = """[argon]
lattice = "ar.data"
a_A = 3.31
cells = [5, 5, 6]
species = { Ar = [39.948, 0.0] }
mobile = "Ar"
timestep_fs = 4.0
frame_fs = 16.0
temperatures = [60]
potential = "ar.lmp"
source = "test"
"""
        (folder / "own.toml").write_text(table)
        own = ("--materials", str(folder / "own.toml"))
        shown = run(folder / "runs", *own, *SHORT).stdout
        assert "| argon | Ar | 60 |" in shown, shown
        (perfect,) = json.loads(ionwatch(
            "db", "query", "SELECT text FROM material_descriptors WHERE text IS NOT NULL", "--json",
            "--db", f"sqlite://{folder}/runs/runs.sqlite").stdout)
        assert perfect["text"] == "Fm-3m", perfect
        for slip, named in (("ar.data", "ar.dat"), ("temperatures", "temperature"),
                            ('potential = "ar.lmp"', ""), ("[argon]", "[argon")):
            (folder / "own.toml").write_text(table.replace(slip, named))
            told = run(folder / "runs", *own, code=1).stderr
            assert told.startswith("own.toml: ") and "Traceback" not in told, told


def every_crystal_is_neutral():
    for material in script.read_materials([]):
        if material.lattice in script.LATTICES:
            places = script.LATTICES[material.lattice]
            charge = sum(q * len(place) for (_, q), place in zip(material.species.values(), places))
            close(charge, 0, 0, material.name, atol=1e-12)


def the_kept_database_holds_what_the_page_says():
    with workfolder() as folder:
        shutil.copy(CAMPAIGN / "campaign.db", folder / "runs.sqlite")
        page = (CAMPAIGN / "README.md").read_text()
        shown = run(folder, "--table").stdout
        assert shown.count("\n") > 2 + 8 * 3, shown  # at least 8 materials at 3 temperatures
        assert shown in page, f"docs/campaign/README.md does not have this table:\n{shown}"
        database = f"sqlite:///{folder}/runs.sqlite"
        line = json.loads(ionwatch("arrhenius", "alpha-AgI", "--json", "--db", database).stdout)
        energy = line["fit"]["E_a_eV"]
        assert f"{energy['value']:.3f} ± {energy['stderr']:.3f}" in page, energy
        told = ionwatch("landscape", "correlate", "-T", "900", "--window", "200", "--db",
                        database).stdout
        assert "n = 15" in told and "strongest with D_cm2_s" in told, told
        grown = [float(line.split("|")[4]) for line in shown.splitlines()[2:]]
        assert max(map(abs, grown)) < 6, f"a box differs by more than a few per cent: {grown}"


if __name__ == "__main__":
    require_built(CLI, DAEMON, BUILD / "lammps" / "ionwatch.lmp")
    if not shutil.which("lmp"):
        skip("lmp is not installed")
    os.environ["OMP_NUM_THREADS"] = "1"
    main([a_campaign_that_is_cut_off_goes_on_and_then_has_nothing_to_do,
          unknown_materials_and_a_missing_build_are_named,
          forces_of_every_pair_are_slopes_of_its_energy,
          the_vdos_has_the_phonons_of_the_potential,
          materials_of_ones_own_run_with_any_potential,
          every_crystal_is_neutral,
          the_kept_database_holds_what_the_page_says])
