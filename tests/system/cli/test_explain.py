#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""ionwatch explain: six lines on a number, by its name in JSON or in a table."""
import json
import os
import pty
import re
import sqlite3
import subprocess

import numpy as np

import program
from program import PROGRAM, SOURCE, SPECIES, Case, environment, write_extxyz


class Explain(Case):
    def test_a_quantity_has_six_lines_of_79_columns(self):
        for name in ("alpha", "N_eff", "error(N)", "f_vib", "Gr.-Kubo", "haven_ratio", "E_a"):
            lines = self.expect(0, "explain", name).stdout.split("\n")
            self.assertEqual((len(lines), lines[6]), (7, ""), name)
            self.assertEqual([line.split(":")[0] for line in lines[:6]],
                             ["What", "How", "Usual", "Error", "Beware", "More"])
            self.assertLessEqual(max(map(len, lines)), 79)

    def test_the_list_has_names_units_and_headings(self):
        text = self.expect(0, "explain").stdout
        self.assertRegex(text, r"(?m)^effective_hops +1 +N_eff$")
        self.assertRegex(text, r"(?m)^D_cm2_s +cm2/s +D, D cm2/s$")

    def test_a_slip_names_the_nearest(self):
        self.expect(2, "explain", "alhpa", says='did you mean "alpha"?')
        self.expect(2, "explain", "effective_hop", says='did you mean "effective_hops"?')
        self.expect(2, "explain", "frobnication", says="`ionwatch explain` lists all names")
        self.expect(2, "explain", "alpha", "beta", says="too many arguments")

    def test_every_heading_of_the_tables_can_be_asked_for(self):
        r, v = program.walk(200)
        write_extxyz(self.path("a.extxyz"), SPECIES, r, v, cell=np.eye(3) * 20)
        table = self.expect(0, "analyze", self.path("a.extxyz"), "-T", "500", "--charges",
                            "Li=1,S=-1.5").stdout
        asked = {}
        for line in set(re.findall(r"(?m)^  group +(.*)$", table)):
            words = line.split()
            while words:  # a heading may be of several words: the longest that is known
                for n in range(min(4, len(words)), 0, -1):
                    name = " ".join(words[:n])
                    if name not in asked:
                        asked[name] = self.run_program("explain", name).returncode
                    if asked[name] == 0:
                        break
                self.assertEqual(asked[name], 0, f"no row of daemon/publish/explanations.c has the "
                                                 f"heading {words[0]} of: {line}")
                words = words[n:]
        self.assertGreater(len(asked), 15)

    def test_the_catalogue_has_every_column_of_the_wide_view(self):
        rows = json.loads(self.expect(0, "explain", "--catalogue", "--json").stdout)
        self.assertLessEqual({"key", "symbol", "unit", "category", "definition"}, set(rows[0]))
        text = self.expect(0, "explain", "--catalogue").stdout
        self.assertEqual([line.split()[0] for line in text.splitlines()], [row["key"] for row in rows])
        r, v = program.walk(60)
        write_extxyz(self.path("a.extxyz"), SPECIES, r, v)
        self.expect(0, "analyze", "a.extxyz", "--db", "a.db")
        with sqlite3.connect(self.path("a.db")) as db:
            wide = {row[1] for row in db.execute("PRAGMA table_info(descriptors_wide)")}
        for row in rows:
            axes = {row["key"].replace("_axes_", f"_{two}_") for two in ("xx", "yy", "zz")}
            self.assertLessEqual(axes, wide)
        self.expect(2, "explain", "--json", says="--catalogue")

    def test_the_page_of_the_documents_is_what_it_prints(self):
        with open(os.path.join(SOURCE, "docs/quantities.md")) as file:
            self.assertEqual(self.expect(0, "explain", "--markdown").stdout, file.read())

    def test_a_table_on_a_terminal_ends_with_the_way_to_it(self):
        r, v = program.walk(60)
        path = self.path("a.extxyz")
        write_extxyz(path, SPECIES, r, v)
        self.assertNotIn("ionwatch explain", self.expect(0, "analyze", path).stdout)
        master, slave = pty.openpty()
        process = subprocess.Popen([PROGRAM, "analyze", path], stdout=slave, cwd=self.folder,
                                   stderr=subprocess.DEVNULL, env=environment(self.folder))
        os.close(slave)
        text = b""
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:  # the other side is closed
                break
            if not part:
                break
            text += part
        os.close(master)
        self.assertEqual(process.wait(timeout=20), 0)
        self.assertTrue(text.rstrip().endswith(b"`ionwatch explain QUANTITY` tells what each "
                                               b"number means"), text[-200:])


if __name__ == "__main__":
    program.main()
