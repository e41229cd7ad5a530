#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The database through the command: filing, listing, exporting, and a database in trouble."""
import csv
import json
import os
import sqlite3
import stat
import subprocess

import program
from program import SPECIES, Case, write_extxyz


class Database(Case):
    def setUp(self):
        super().setUp()
        r, v = program.walk(120)
        write_extxyz(self.path("one.extxyz"), SPECIES, r, v)
        r, v = program.walk(120, seed=2)
        write_extxyz(self.path("two.extxyz"), SPECIES, r, v)
        self.db = self.path("ions.db")

    def file_run(self, name, *options, **env):
        return self.expect(0, "analyze", self.path(name), "--json", "--db", "sqlite://" + self.db,
                           "-T", "600", *options, says="filed as number", **env)

    def test_a_run_goes_in_and_comes_out(self):
        record = json.loads(self.file_run("one.extxyz", "--name", "first").stdout)
        run = json.loads(self.expect(0, "db", "ls", "--json", "--db", self.db).stdout)[0]
        self.assertEqual((run["id"], run["name"]), (record["run"]["id"], "first"))
        back = self.expect(0, "db", "show", "first", "--json", "--db", self.db).stdout
        self.assertEqual(json.loads(back), record)
        with_series = json.loads(
            self.expect(0, "db", "show", "first", "--json", "--series", "--db", self.db).stdout)
        self.assertEqual(with_series["groups"]["Li"]["msd"]["lag_ps"][0], 0)
        table = self.expect(0, "db", "show", run["id"][:8], "--db", self.db).stdout
        self.assertIn("first", table)
        self.assertIn("first", self.expect(0, "db", "ls", "--db", self.db).stdout)

    def test_the_same_files_are_one_run_and_others_are_not(self):
        self.file_run("one.extxyz", "--name", "a")
        self.file_run("one.extxyz", "--name", "b", "--drift", "none")
        self.file_run("two.extxyz", "--name", "c")
        runs = json.loads(self.expect(0, "db", "ls", "--json", "--db", self.db).stdout)
        self.assertEqual([r["name"] for r in runs], ["b", "c"])

    def test_query_filters(self):
        self.file_run("one.extxyz", "--name", "first")
        self.file_run("two.extxyz", "--name", "second")
        rows = json.loads(self.expect(0, "db", "query", "--json", "--group", "mobile",
                                      "--descriptor", "D_cm2_s", IONWATCH_DB=self.db).stdout)
        self.assertEqual([r["name"] for r in rows], ["first", "second"])
        self.assertEqual({r["unit"] for r in rows}, {"cm2/s"})
        self.assertTrue(all(r["ci95_lo"] < r["value"] < r["ci95_hi"] for r in rows))
        text = self.expect(0, "db", "query", "--run", "first", "--db", self.db).stdout
        self.assertIn("omega_mean_meV", text)
        self.assertNotIn("second", text)

    def test_csv_and_json_exports_agree(self):
        self.file_run("one.extxyz", "--name", 'with "quotes", commas')
        target = self.path("all.csv")
        self.expect(0, "db", "export", "--csv", "-o", target, "--db", self.db, says="descriptors in")
        with open(target, newline="") as file:
            rows = list(csv.DictReader(file))
        objects = json.loads(self.expect(0, "db", "export", "--json", "--db", self.db).stdout)
        self.assertEqual(len(rows), len(objects))
        for row, entry in zip(rows, objects):
            self.assertEqual(row["name"], 'with "quotes", commas')
            self.assertEqual(float(row["value"]), entry["value"])
            self.assertEqual(row["descriptor"], entry["descriptor"])
        self.expect(2, "db", "export", "--csv", "--json", "--db", self.db, says="exclude each other")
        self.expect(1, "db", "export", "-o", self.path("no/where.csv"), "--db", self.db,
                    says="cannot write")

    def test_an_export_into_a_pipe_or_a_device_goes_there(self):
        self.file_run("one.extxyz")
        rows = self.expect(0, "db", "export", "--db", self.db).stdout
        self.assertEqual(self.expect(0, "db", "export", "-o", "/dev/stdout", "--db", self.db).stdout, rows)
        pipe = self.path("pipe.csv")
        os.mkfifo(pipe)
        with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE, text=True) as reader:
            self.expect(0, "db", "export", "-o", pipe, "--db", self.db, says="descriptors in")
            self.assertEqual(reader.communicate(timeout=30)[0], rows)
        self.assertTrue(stat.S_ISFIFO(os.stat(pipe).st_mode))
        self.expect(1, "db", "export", "-o", self.folder, "--db", self.db, says="Is a directory")

    def test_a_run_and_its_journal_have_one_fingerprint(self):
        self.expect(0, "follow", "--once", self.path("one.extxyz"), "-e", "file://" + self.path("one.iwlog"),
                    "--run", "streamed")
        prints = {}
        for name in ("one.extxyz", "one.iwlog", "two.extxyz"):
            self.file_run(name, "--name", name)
            prints[name] = self.record(self.path(name))["run"]["input_hash"]
            filed = self.expect(0, "db", "query", f"SELECT input_hash FROM runs WHERE name = '{name}'", "--csv",
                                "--db", self.db).stdout
            self.assertEqual(filed.split(), ["input_hash", prints[name]])
        self.assertRegex(prints["one.extxyz"], "^xxh3:[0-9a-f]{32}$")
        self.assertEqual(prints["one.extxyz"], prints["one.iwlog"])
        self.assertNotEqual(prints["one.extxyz"], prints["two.extxyz"])
        self.assertIsNone(self.record(self.path("one.extxyz"), "--no-paper")["run"]["input_hash"])

    def test_the_wide_view_is_there_for_sql(self):
        self.file_run("one.extxyz", "--name", "first")
        with sqlite3.connect(self.db) as db:
            row = db.execute('SELECT name, D_cm2_s, paper_omega_mean_meV FROM descriptors_wide '
                             'WHERE "group" = \'mobile\'').fetchone()
        self.assertEqual(row[0], "first")
        self.assertIsNotNone(row[1])
        self.assertIsNotNone(row[2])

    def test_removing(self):
        self.file_run("one.extxyz", "--name", "first")
        self.expect(4, "db", "rm", "nobody", "--db", self.db, says='no run "nobody"')
        self.expect(0, "db", "rm", "first", "--db", self.db)
        self.assertEqual(json.loads(self.expect(0, "db", "ls", "--json", "--db", self.db).stdout), [])
        self.expect(4, "db", "show", "first", "--db", self.db, says='no run "first"')

    def test_an_older_schema_is_brought_up_to_date_by_those_who_write(self):
        self.expect(0, "db", "migrate", "--db", self.db, says="")
        self.file_run("one.extxyz", "--name", "first")
        before = self.expect(0, "db", "query", "SELECT * FROM descriptors_wide", "--json", "--db", self.db).stdout
        self.assertIn("schema version 4, as it was", self.expect(0, "db", "migrate", "--db", self.db).stdout)
        old = sqlite3.connect(self.db)  # as version 3 had it
        old.executescript("DROP VIEW descriptors_wide; ALTER TABLE runs DROP COLUMN space_group; "
                          "DROP TABLE material_descriptors; DROP TABLE run_descriptors; "
                          "DELETE FROM ionwatch_schema; DELETE FROM descriptors WHERE method = 'structure'; "
                          "PRAGMA user_version = 3")
        old.close()
        for words in (["ls"], ["show", "first"], ["export"], ["query", "SELECT 1"]):
            self.expect(1, "db", *words, "--db", self.db,
                        says=["has schema version 3, this program reads 4", "`ionwatch db migrate`"])
        self.assertIn("schema version 4, was 3", self.expect(0, "db", "migrate", "--db", self.db).stdout)
        after = self.expect(0, "db", "query", "SELECT * FROM descriptors_wide", "--json", "--db", self.db).stdout
        (before, after) = ([{k: v for k, v in row.items() if k.startswith(("D_", "omega", "name"))}
                            for row in json.loads(text)] for text in (before, after))
        self.assertEqual(before, after)

    def test_a_missing_database_says_what_to_do(self):
        self.expect(1, "db", "ls", says=["ionwatch.db", "no such database", "--db"])
        self.expect(1, "db", "rm", "x", "--db", self.path("none.db"), says="no such database")

    def test_an_empty_file_and_a_folder_are_named_as_such(self):
        open(self.path("empty.db"), "w").close()
        self.expect(1, "db", "ls", "--db", self.path("empty.db"), says="empty.db is empty")
        self.expect(1, "db", "ls", "--db", self.folder, says="is a folder")

    def test_an_unwritable_place_is_told_before_the_work(self):
        done = self.expect(1, "analyze", self.path("one.extxyz"), "--db",
                           "sqlite:///proc/nowhere/ions.db", says="cannot open it")
        self.assertEqual(done.stdout, "")
        self.expect(1, "analyze", self.path("one.extxyz"), "--db", "mysql://host/x",
                    says="known: sqlite:///path")
        self.expect(1, "analyze", self.path("one.extxyz"), "--db", self.path("one.extxyz"),
                    says="is not a database")

    def test_a_locked_database_is_waited_for(self):
        self.file_run("one.extxyz")
        holder = sqlite3.connect(self.db, isolation_level=None, check_same_thread=False)
        holder.execute("BEGIN IMMEDIATE")
        process = subprocess.Popen(
            [program.PROGRAM, "analyze", self.path("two.extxyz"), "--db", self.db],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=program.environment(self.folder))
        line = process.stderr.readline()
        self.assertIn("locked by another program", line)
        holder.execute("COMMIT")
        _, said = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0, said)
        holder.execute("BEGIN IMMEDIATE")
        self.expect(1, "analyze", self.path("two.extxyz"), "--db", self.db,
                    says="locked by another program")
        holder.close()


if __name__ == "__main__":
    program.main()
