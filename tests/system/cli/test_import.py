#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""db import: what runs do not measure, beside what they do; structures of runs, by file and daemon."""
import csv
import io
import json
import os
import signal
import subprocess
import time

import numpy as np

import program
from program import DAEMON, Case, environment, write_extxyz

A = 5.64
ROCK_SALT = np.array([[0, 0, 0], [0, .5, .5], [.5, 0, .5], [.5, .5, 0],
                      [.5, .5, .5], [.5, 0, 0], [0, .5, 0], [0, 0, .5]]) * A
NAMES = ["Na"] * 4 + ["Cl"] * 4
POSCAR = """NaCl
5.64
0 .5 .5
.5 0 .5
.5 .5 0
Na Cl
1 1
Direct
0 0 0
.5 .5 .5
"""
TENSOR = "48.7 12.4 12.4 0 0 0\n48.7 12.4 0 0 0\n48.7 0 0 0\n12.6 0 0\n12.6 0\n12.6\n"


class Import(Case):
    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(5)
        self.r = ROCK_SALT + np.concatenate([np.zeros((1, 8, 3)), rng.normal(0, .05, (79, 8, 3))])
        write_extxyz(self.path("salt.extxyz"), NAMES, self.r, cell=A * np.eye(3))
        for name, text in (("POSCAR", POSCAR), ("C.txt", TENSOR)):
            with open(self.path(name), "w") as file:
                file.write(text)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)

    def file_run(self):
        self.expect(0, "analyze", "salt.extxyz", "--db", "a.db", "--name", "salt", "--material",
                    "NaCl", "-T", "300")

    def wide(self, column):
        sql = f"SELECT {column} FROM descriptors_wide WHERE \"group\" = 'all'"
        text = self.expect(0, "db", "query", sql, "--db", "a.db", "--json").stdout
        return list(json.loads(text)[0].values())

    def test_the_first_frame_says_what_the_structure_is(self):
        record = self.record("salt.extxyz")
        structure = record["structure"]
        self.assertEqual((structure["space_group"], structure["symmetry_operations"]), ("Fm-3m", 192))
        self.assertAlmostEqual(structure["nn_distance_A"], A / 2, 9)
        self.file_run()
        self.assertEqual(self.wide("space_group, symmetry_operations"), ["Fm-3m", 192])
        self.assertIn("space group Fm-3m", self.expect(0, "db", "show", "salt", "--db", "a.db").stdout)

    def test_structure_tensor_and_table_come_together(self):
        self.file_run()
        self.write("t.csv", "material,band_gap_meV\nNaCl,8500\n")
        for again in range(2):  # once more is the same, and says so
            done = self.expect(0, "db", "import", "t.csv", "--structure", "POSCAR", "--elastic",
                               "C.txt", "--material", "NaCl", "--db", "a.db")
            lines = done.stdout.splitlines()
            self.assertEqual(len(lines), 3)
            for line in lines:
                self.assertEqual(line.endswith("nothing that was not there already"), again == 1)
            self.assertIn("Fm-3m, 192 operations", done.stdout)
            gap, bulk, debye = self.wide('"band_gap_eV", "bulk_modulus_GPa", "debye_temperature_K"')
            self.assertEqual(gap, 8.5)
            self.assertAlmostEqual(bulk, (48.7 + 2 * 12.4) / 3, 9)
            self.assertAlmostEqual(debye, 306, delta=6)
        rows = self.expect(0, "db", "export", "--csv", "--descriptor", "band_gap_eV", "--db", "a.db")
        self.assertEqual([(row["method"], float(row["value"]), row["unit"])
                          for row in csv.DictReader(io.StringIO(rows.stdout))], [("imported", 8.5, "eV")])
        table = self.expect(0, "db", "show", "salt", "--db", "a.db").stdout
        for word in ("Of the material, imported", "youngs_modulus_GPa", "Fm-3m, perfect, POSCAR"):
            self.assertIn(word, table)

    def test_an_outcar_brings_its_unit_and_order(self):
        """Zircon (Bass 1995), C66 is 116 GPa; the same numbers by hand need both options."""
        rows = [[2560, 1750, 2140, 0, 0, 0], [1750, 2560, 2140, 0, 0, 0], [2140, 2140, 3720, 0, 0, 0],
                [0, 0, 0, 1160, 0, 0], [0, 0, 0, 0, 735, 0], [0, 0, 0, 0, 0, 735]]
        lines = ["".join(f"{x:12.4f}" for x in row) for row in rows]
        self.write("OUTCAR", " TOTAL ELASTIC MODULI (kBar)\n Direction    XX YY ZZ XY YZ ZX\n ---\n" + "".join(
            f" {name}{line}\n" for name, line in zip(["XX", "YY", "ZZ", "XY", "YZ", "ZX"], lines)))
        self.write("rows", "\n".join(lines))
        of = ("--material", "ZrSiO4", "--db", "a.db")
        sql = "SELECT value FROM material_descriptors WHERE descriptor = 'elastic_c66_GPa'"
        for words in (("OUTCAR",), ("rows", "--order", "vasp", "--elastic-units", "kbar")):
            done = self.expect(0, "db", "import", "--elastic", *words, *of)
            self.assertIn("bulk 223.9, shear 66.61", done.stdout)
            self.assertNotIn("note: " + words[0], done.stderr)
            text = self.expect(0, "db", "query", sql, "--db", "a.db", "--json").stdout
            self.assertEqual(json.loads(text), [{"value": 116}])
        self.expect(0, "db", "import", "--elastic", "rows", *of, says=["diamond", "--elastic-units"])
        self.expect(0, "db", "import", "--elastic", "rows", "--elastic-units", "kbar", *of,
                    says=["C44 = C55 is expected", "--order"])
        self.expect(1, "db", "import", "--elastic", "OUTCAR", "--order", "voigt", *of, says="order of VASP")

    def test_a_mistake_in_the_last_file_files_nothing(self):
        self.file_run()
        self.write("good.csv", "run,vacancy_energy_eV\nsalt,1.9\n")
        self.write("bad.csv", "run,vacancy_enrgy_eV\nsalt,1.9\n")
        self.expect(1, "db", "import", "good.csv", "bad.csv", "--db", "a.db",
                    says=['bad.csv: row 1', 'did you mean "vacancy_energy_eV"?'])
        self.assertEqual(self.wide('"vacancy_energy_eV"'), [None])
        self.write("bad.csv", "run,vacancy_energy_eV\nsalt,1.9\nsugar,2\n")
        self.expect(4, "db", "import", "bad.csv", "--db", "a.db", says='no run "sugar"')
        self.assertEqual(self.wide('"vacancy_energy_eV"'), [None])
        self.expect(0, "db", "import", "good.csv", "--db", "a.db")
        self.assertEqual(self.wide('"vacancy_energy_eV"'), [1.9])

    def test_a_table_comes_through_a_pipe(self):
        self.file_run()
        self.expect(0, "db", "import", "/dev/stdin", "--db", "a.db",
                    input="run,vacancy_energy_eV\nsalt,1.9\n")
        self.assertEqual(self.wide('"vacancy_energy_eV"'), [1.9])

    def test_hints_at_slips_do_not_flood_the_terminal(self):
        self.file_run()
        rows = "".join(f"M{i},{i}\n" for i in range(3000))
        self.write("many.csv", "material,band_gap_eV\nNaCl,8.5\n" + rows)
        said = self.expect(0, "db", "import", "many.csv", "--db", "a.db").stderr.splitlines()
        self.assertEqual(len(said), 6)
        self.assertIn("2995 more", said[-1])

    def test_what_makes_no_sense_is_refused(self):
        self.write("t.csv", "material,band_gap_eV\nNaCI,8.5\n")
        self.expect(2, "db", "import", "--db", "a.db", says="nothing to import")
        self.expect(2, "db", "import", "--elastic", "C.txt", "--db", "a.db", says="--material NAME")
        self.expect(2, "db", "import", "t.csv", "--material", "NaCl", says="in a column")
        self.expect(2, "db", "import", "t.csv", "--order", "vasp", says="--elastic")
        for name in ("a\nb", b"a\xff"):
            self.expect(2, "db", "import", "--elastic", "C.txt", "--material", name, says="is UTF-8")
        self.expect(1, "db", "import", "none.csv", "--db", "a.db", says="no such file")
        self.write("german.csv", "material;band_gap_eV\nNaCl;8,5\n")
        self.expect(1, "db", "import", "german.csv", "--db", "a.db", says="separated by commas")
        self.write("C.txt", "1 2 2 0 0 0\n1 2 0 0 0\n1 0 0 0\n1 0 0\n1 0\n1\n")
        self.expect(1, "db", "import", "--elastic", "C.txt", "--material", "NaCl", "--db", "a.db",
                    says=["C.txt", "least eigenvalue", "-1 GPa"])
        self.assertFalse(os.path.exists(self.path("a.db")))
        self.file_run()
        self.expect(0, "db", "import", "t.csv", "--db", "a.db", says='did you mean "NaCl"?')

    def test_a_daemon_files_the_structure_as_analyze_does(self):
        endpoint = "ipc://" + self.path("s.sock")
        daemon = subprocess.Popen([DAEMON, "--listen", endpoint, "--data", self.path("data"), "--db",
                                   self.path("d.db")], stderr=subprocess.PIPE, text=True,
                                  env=environment(self.folder))
        try:
            daemon.stderr.readline()
            options = ["salt.extxyz", "--material", "NaCl", "-T", "300"]
            for _ in range(100):
                if os.path.exists(self.path("s.sock")):
                    break
                time.sleep(0.1)
            self.expect(0, "follow", "--once", "--run", "salt", "-e", endpoint, *options)
            for _ in range(300):
                done = self.run_program("db", "show", "salt", "--json", "--db", "d.db")
                if done.returncode == 0:
                    break
                time.sleep(0.1)
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.communicate(timeout=30)
        self.assertEqual(json.loads(done.stdout)["structure"], self.record(*options)["structure"])


if __name__ == "__main__":
    program.main()
