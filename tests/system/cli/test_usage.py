#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: help, mistakes and what is said about them."""
import os
import re
import subprocess

import program
from program import COMMANDS, SOURCE, Case


class Usage(Case):
    def test_version_is_one_line(self):
        done = self.expect(0, "--version")
        self.assertRegex(done.stdout, r"^ionwatch \d+\.\d+\.\d+\n$")

    def test_help_lists_every_command_and_exit_code(self):
        text = self.expect(0, "--help").stdout
        listed = re.findall(r"(?m)^  ((?:db )?[a-z]+) ", re.search(r"Commands:\n(.*?)\n\n", text, re.S)[1] + "\n")
        self.assertEqual(sorted(listed), sorted(COMMANDS))
        for code in (0, 1, 2, 3, 4, 130):
            self.assertRegex(text, rf"(?m)^  {code} ")
        self.assertEqual(self.expect(0, "help").stdout, text)
        self.assertLessEqual(max(map(len, text.split("\n"))), 100)

    def test_help_of_db_lists_what_db_has(self):
        text = self.expect(0, "db", "--help").stdout
        self.assertEqual(re.findall(r"(?m)^  (db [a-z]+) ", text), [c for c in COMMANDS if c.startswith("db ")])
        self.assertNotIn("analyze", text)
        for words in (("db", "help"), ("db", "-h"), ("help", "db")):
            self.assertEqual(self.expect(0, *words).stdout, text)
        self.assertEqual(self.expect(2, "db").stderr, text)

    def test_help_before_a_command_is_help_after_it(self):
        for command in COMMANDS:
            words = command.split()
            self.assertEqual(self.expect(0, "help", *words).stdout, self.expect(0, *words, "--help").stdout)
        self.expect(2, "help", "analyse", says="did you mean `ionwatch analyze`?")

    def test_help_and_manual_name_every_format(self):
        said = self.expect(1, "analyze", "x", "--format", "none").stderr
        formats = said.rpartition("known are ")[2].split(", ")
        self.assertGreater(len(formats), 8)
        with open(os.path.join(SOURCE, "docs/ionwatch.1")) as file:
            page = re.search(r"Fl -format(.*?)\n\.It", file.read(), re.S)[1]
        for command in ("analyze", "follow", "plot"):
            row = re.search(r"--format NAME(.*?)\[", self.expect(0, command, "--help").stdout, re.S)[1]
            for name in formats:
                self.assertIn(name.strip(), re.findall(r"[a-z][\w.]*[a-z]", row), command)
        for name in formats:
            self.assertRegex(page, rf"(?m)^\.(?:Cm|Ql|Sy|Ar) {re.escape(name.strip())}\b")

    def test_help_of_every_command_has_examples_and_no_line_too_long(self):
        for command in COMMANDS:
            text = self.expect(0, *command.split(), "--help").stdout
            self.assertIn("Examples:\n  ionwatch " + command, text)
            self.assertLessEqual(max(map(len, text.split("\n"))), 100, command)

    def test_no_two_options_have_the_same_help(self):
        for command in COMMANDS:
            text = self.expect(0, *command.split(), "--help").stdout
            rows = re.findall(r"(?m)^  .{4}--[a-z-]+(?: [A-Z]+)? +(.*)$", text)
            self.assertEqual(len(rows), len(set(rows)), command)

    def test_examples_use_options_that_exist(self):
        for command in COMMANDS:
            text = self.expect(0, *command.split(), "--help").stdout
            options, examples = text.split("Examples:\n")
            known = set(re.findall(r"(?m)^  .{4}--([a-z-]+)", options)) | {"help"}
            for option in re.findall(r"--([a-z-]+)", examples):
                self.assertIn(option, known, command)

    def test_the_manual_page_has_every_option_and_command(self):
        with open(os.path.join(SOURCE, "docs/ionwatch.1")) as file:
            page = file.read()
        for command in COMMANDS:
            self.assertIn(command.split()[-1], page)
            text = self.expect(0, *command.split(), "--help").stdout
            for option in re.findall(r"(?m)^  .{4}--([a-z-]+)", text):
                self.assertIn(f"Fl -{option}", page, f"{command} --{option}")

    def test_no_command_shows_the_help_and_fails(self):
        self.assertIn("Commands:", self.expect(2).stderr)

    def test_an_unknown_command_names_the_nearest(self):
        self.expect(2, "analyse", "x", says="did you mean `ionwatch analyze`?")
        self.expect(2, "db", "exprot", says="did you mean `ionwatch db export`?")
        self.expect(2, "frobnicate", says="there is no command \"frobnicate\"")

    def test_an_unknown_option_names_the_nearest(self):
        self.expect(2, "analyze", "x", "--temprature", "300", says="did you mean --temperature?")
        self.expect(2, "analyze", "x", "--msd-strid=3", says="did you mean --msd-stride?")
        self.expect(2, "ls", "--jsno", says="did you mean --json?")
        self.expect(2, "ls", "-x", says="unknown option -x")

    def test_values_are_checked_with_the_range(self):
        self.expect(2, "analyze", "x", "--dt", "soon", says="--dt soon: not a number")
        self.expect(2, "analyze", "x", "--dt", "-3", says=["--dt -3: must be from", "fs"])
        self.expect(2, "analyze", "x", "--dt", "nan", says="not a number")
        self.expect(2, "analyze", "x", "--msd-stride", "1.5", says="not a whole number")
        self.expect(2, "analyze", "x", "--drift", "up", says="one of com|framework|none")
        self.expect(2, "analyze", "x", "--drift", "com|none", says="one of com|framework|none")
        self.expect(2, "analyze", "x", "--dt", says="--dt needs a value: FS")
        self.expect(2, "analyze", "x", "--json=yes", says="--json takes no value")
        self.expect(2, "analyze", "x", "--mobile", "", says="the value is empty")

    def test_operands_are_counted(self):
        self.expect(2, "analyze", says="PATH... is missing")
        self.expect(2, "show", says="RUN is missing")
        self.expect(2, "show", "a", "b", says="too many arguments, beginning with b")
        self.expect(2, "plot", "a", "-o", "a.pdf", says="RUN... KIND: only a is given")

    def test_two_dashes_end_the_options(self):
        self.expect(1, "analyze", "--", "--dt", says="--dt: there is no such file")

    def test_a_full_disk_behind_stdout_is_a_failure(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([program.PROGRAM, "--help"], stdout=full, check=False,
                                  stderr=subprocess.DEVNULL)
            self.assertEqual(done.returncode, 1)
            done = subprocess.run([program.PROGRAM, "analyze", "--help"], stdout=full, check=False,
                                  stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot write the result", done.stderr)


if __name__ == "__main__":
    program.main()
