#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""plot: records from files, database and daemon into figures; and how the program becomes Python."""
import csv
import importlib.util
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from xml.dom import minidom

import numpy as np

import program
from program import DAEMON, PROGRAM, SPECIES, Case, environment, walk, write_extxyz

PYTHON = "/usr/bin/python3"
BOLTZMANN_EV_K = 8.617333262e-5


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def column(rows, name, **where):
    return [float(row[name]) for row in rows
            if row[name] and all(row[key] == value for key, value in where.items())]


# Matplotlib's list of fonts, which takes longer to make than all that is drawn here.
FONTS = tempfile.TemporaryDirectory(prefix="iw-fonts-")
os.environ["MPLCONFIGDIR"] = FONTS.name


class Plots(Case):
    made = {}  # files that all tests begin with, by name

    def setUp(self):
        super().setUp()
        if not self.made:
            r, v = walk(300)
            write_extxyz(self.path("a.extxyz"), SPECIES, r, v, dt_fs=10)
            text = self.expect(0, "analyze", "a.extxyz", "--json", "--series", "--full", "--name", "walk", "-T",
                               "600", "--db", "sqlite:///" + self.path("ions.db")).stdout
            self.keep("a.json", json.loads(text))
            self.made.update({name: self.read(name, "rb") for name in ("a.extxyz", "a.json", "ions.db")})
        for name, data in self.made.items():
            with open(self.path(name), "wb") as file:
                file.write(data)
        self.record = json.loads(self.made["a.json"])

    def keep(self, file_name, record, **run):
        with open(self.path(file_name), "w") as file:
            json.dump({**record, "run": {**record["run"], **run}}, file)

    def read(self, name, mode="r"):
        with open(self.path(name), mode) as file:
            return file.read()

    def plot(self, *words, **more):
        return self.expect(0, "plot", *words, **more)

    def table(self, *words, **more):
        self.plot(*words, "-o", "table.csv", **more)
        return self.read("table.csv")

    def comments(self, node):
        """Text in an SVG is drawn as outlines; what they say is in comments."""
        for child in node.childNodes:
            if child.nodeType == child.COMMENT_NODE:
                yield child.data.strip()
            yield from self.comments(child)


class Figures(Plots):
    def test_every_kind_becomes_every_format_the_same_each_time_and_nothing_is_left_beside(self):
        begins = {"one.png": b"\x89PNG", "one.svg": b"<?xml", "one.pdf": b"%PDF", "two.svg": b"<?xml", "two.pdf": b"%PDF"}
        before = set(os.listdir(self.folder))
        for name, magic in begins.items():  # takes seconds, so that a date would not be the same
            self.plot("a.json", "msd", "-o", name)
            self.assertTrue(self.read(name, "rb").startswith(magic), name)
        self.assertEqual(set(os.listdir(self.folder)) - before, set(begins))
        self.assertEqual(os.stat(self.path("one.png")).st_mode & 0o777, 0o666 & ~self.umask())
        for ending in ("svg", "pdf"):
            self.assertEqual(self.read("one." + ending, "rb"), self.read("two." + ending, "rb"))
        # Fonts are inside, as TrueType.
        self.assertIn(b"/FontFile2", self.read("one.pdf", "rb"))
        self.assertNotIn(b"/Type3", self.read("one.pdf", "rb"))
        self.assertEqual(self.width("one.png"), int(86 / 25.4 * 300))
        for kind in ("d", "vacf", "vdos"):
            self.plot("a.json", kind, "-o", "x.png", "--width", "178", "--dpi", "100", "--title", "Wide")
            self.assertEqual(self.width("x.png"), int(17800 / 25.4))

    def width(self, name):
        return int.from_bytes(self.read(name, "rb")[16:20], "big")

    @staticmethod
    def umask():
        mask = os.umask(0)
        os.umask(mask)
        return mask

    def test_the_table_of_a_figure_has_the_numbers_of_the_record(self):
        mobile = self.record["groups"]["mobile"]
        rows = rows_of(self.table("a.json", "msd", "--groups", "mobile,S"))
        msd = mobile["msd"]
        for name in ("lag_ps", "msd_A2"):
            self.assertEqual(column(rows, name, group="mobile", part="msd"), msd[name][1:])
        upper = np.array(msd["msd_A2"]) + 1.959964 * np.array(msd["stderr_A2"], float)
        np.testing.assert_allclose(column(rows, "upper_A2", group="mobile"), upper[1:], rtol=1e-12)
        tau, fit = (np.array(column(rows, name, group="mobile", part="fit")) for name in ("lag_ps", "msd_A2"))
        np.testing.assert_allclose([tau[0], tau[-1]], mobile["fit_window_ps"], rtol=1e-12)
        line = 6e4 * mobile["D_cm2_s"]["value"] * tau + mobile["msd_intercept_A2"]
        np.testing.assert_allclose(fit, line, rtol=1e-12)
        self.assertEqual({row["group"] for row in rows}, {"mobile", "S"})
        self.assertEqual({row["run"] for row in rows}, {"walk"})

        history = self.record["history"]["diffusion"]
        rows = rows_of(self.table("a.json", "d"))
        for name in ("time_ps", "D_cm2_s", "lower_cm2_s", "upper_cm2_s"):
            self.assertEqual(column(rows, name), history[name])
        rows = rows_of(self.table("a.json", "vacf", "-g", "Li"))
        self.assertEqual(column(rows, "vacf_A2_fs2"), self.record["groups"]["Li"]["vacf"]["c"])
        rows = rows_of(self.table("a.json", "vdos"))
        for group in ("mobile", "framework"):
            of = self.record["groups"][group]
            self.assertEqual(column(rows, "g_per_meV", group=group, part="physical"), of["vdos"]["g"])
            self.assertEqual(column(rows, "g_per_meV", group=group, part="paper"), of["paper"]["vdos"]["g"])
        rows = rows_of(self.table("a.json", "vdos", "--method", "paper"))
        self.assertEqual({row["part"] for row in rows}, {"paper"})

    def test_file_trajectory_standard_input_and_database_draw_the_same(self):
        wanted = self.table("a.json", "vdos")
        self.assertEqual(self.table("-", "vdos", input=self.read("a.json")), wanted)
        self.assertEqual(self.table("walk", "vdos", "--db", "sqlite:///" + self.path("ions.db")), wanted)
        self.assertEqual(self.table("./a.extxyz", "vdos", "-T", "600"), wanted.replace("walk,", "a,"))

    def test_names_are_inert(self):
        names = ["_hidden", "a$b$c", "$\\frac$", "<script>alert(1)</script>", "-->x<!--", "x" * 300, "a\nb\x1b[31m",
                 "\\input{/etc/passwd}", "; touch evil", "", "--help"]
        files = []
        for i, name in enumerate(names):
            self.keep(f"{i}.json", self.record, name=name, id=f"{i:08d}-0000")
            files.append(f"{i}.json")
        self.plot(*files, "d", "-o", "x.svg", "--title", "$(touch evil) $x")
        page = minidom.parse(self.path("x.svg"))
        self.assertFalse(page.getElementsByTagName("script"))
        said = "\n".join(self.comments(page))
        for wanted in ("_hidden", "a$b$c", "$\\frac$", "a?b?[31m", "\\input{/etc/passwd}", "$(touch evil) $x"):
            self.assertIn(wanted, said)
        self.assertFalse(os.path.exists(self.path("evil")))
        os.rename(self.path("10.json"), self.path("--help"))
        self.plot("-o", "x.png", "--", "--help", "d")

    def test_runs_of_one_name_are_told_apart(self):
        self.keep("b.json", self.record, id="ffffffff-1")
        runs = {row["run"] for row in rows_of(self.table("a.json", "b.json", "d"))}
        self.assertEqual(runs, {f"walk ({self.record['run']['id'][:8]})", "walk (ffffffff)"})

    def test_a_style_is_a_file_or_a_name_and_cannot_run_tex(self):
        with open(self.path("wide.mplstyle"), "w") as file:
            file.write("figure.figsize: 5, 2\ntext.usetex: True\nlines.linewidth: 7\n")
        self.plot("a.json", "msd", "-o", "x.svg", "--style", "wide.mplstyle")
        self.assertIn("stroke-width: 7", self.read("x.svg"))
        for style in ("nowhere.mplstyle", "http://127.0.0.1:9/x.mplstyle"):
            self.expect(1, "plot", "a.json", "msd", "-o", "x.svg", "--style", style, says=f"no style {style}")


class Lines(Plots):
    def runs(self, points):
        for T, D, error in points:
            record = json.loads(json.dumps(self.record))
            record["health"] = {"state": "good"}
            record["groups"]["mobile"].update(diffusive=True, warning=None,
                                              D_cm2_s={"value": D, "stderr": error, "ci95": [D / 2, D * 2]})
            self.keep(f"{T}.json", record, id=f"{T:08d}-0000", temperature_K=T, material="Li3S2", name=f"w{T}")
        return [f"{T}.json" for T, _, _ in points]

    def test_line_and_band_are_those_of_a_weighted_fit(self):
        points = [(500, 1.0e-6, 1e-7), (600, 4.2e-6, 3e-7), (700, 8.8e-6, 8e-7), (900, 2.9e-5, 2e-6)]
        files = self.runs(points)
        rows = rows_of(self.table(*files, "arrhenius", "--at", "300"))
        T, D, error = np.array(points).T
        self.assertEqual(column(rows, "D_cm2_s", part="runs"), list(D))
        np.testing.assert_allclose(column(rows, "upper_cm2_s", part="runs"), D * np.exp(1.959964 * error / D))
        x = 1 / (BOLTZMANN_EV_K * T)
        (slope, level), cov = np.polyfit(x, np.log(D), 1, w=D / error, cov="unscaled")
        chi2 = (((slope * x + level - np.log(D)) * D / error) ** 2).sum()
        self.assertLess(chi2, 5.9)  # else the errors are widened
        for part, first, last in (("line", 900, 500), ("further", 500, 300)):
            at = np.array(column(rows, "temperature_K", part=part))
            self.assertAlmostEqual(at[0], first)
            self.assertAlmostEqual(at[-1], last)
            beta = 1 / (BOLTZMANN_EV_K * at)
            value = slope * beta + level
            sigma = np.sqrt(cov[0, 0] * beta**2 + 2 * cov[0, 1] * beta + cov[1, 1])
            np.testing.assert_allclose(column(rows, "D_cm2_s", part=part), np.exp(value), rtol=1e-5)
            np.testing.assert_allclose(column(rows, "lower_cm2_s", part=part), np.exp(value - 1.959964 * sigma),
                                       rtol=1e-5)
        np.testing.assert_allclose(column(rows, "thousand_over_K"), 1000 / np.array(column(rows, "temperature_K")))
        self.plot(*files, "arrhenius", "-o", "x.svg", "--at", "300")
        said = list(self.comments(minidom.parse(self.path("x.svg"))))
        self.assertIn(f"Eₐ = {-slope:.3f} ± {np.sqrt(cov[0, 0]):.3f} eV", said)
        self.assertTrue(any(words.startswith("D(300 K) = ") for words in said))

    def test_what_a_line_hides_is_said(self):
        self.keep("broken.json", {**self.record, "health": {"state": "broken"}}, id="b", name="melted", temperature_K=700,
                  material="Li3S2")
        done = self.plot("broken.json", *self.runs([(600, 4e-6, 3e-7)]), "arrhenius", "-o", "x.png")
        self.assertIn("melted (700 K) is left out: the run is broken", done.stderr)
        self.assertIn("no line: a line needs runs at two temperatures", done.stderr)
        done = self.plot(*self.runs([(600, 4e-6, 3e-7), (800, 9e-6, 3e-7)]), "arrhenius", "-o", "x.png")
        self.assertIn("two temperatures are on a line whatever they are", done.stderr)
        self.assertNotIn("300 K", done.stderr)  # not in this figure

    def test_a_material_in_the_database_and_a_report_in_a_file_make_the_same_line(self):
        db = "sqlite:///" + self.path("two.db")
        for seed, T in ((1, 600), (2, 700), (3, 800)):
            r, v = walk(400, seed)
            write_extxyz(self.path(f"{T}.extxyz"), SPECIES, r * T / 600, v, dt_fs=10)
            self.expect(0, "analyze", f"{T}.extxyz", "-T", str(T), "--name", f"run{T}", "--db", db)
        with open(self.path("report.json"), "w") as file:
            file.write(self.expect(0, "arrhenius", "Li3S2", "--db", db, "--json").stdout)
        wanted = self.table("report.json", "arrhenius")
        self.assertEqual(len(column(rows_of(wanted), "D_cm2_s", part="runs"))
                         + len(column(rows_of(wanted), "D_cm2_s", part="left out")), 3)
        self.assertEqual(self.table("Li3S2", "arrhenius", "--db", db), wanted)
        self.assertEqual(self.table("run700", "arrhenius", "--db", db), wanted)
        self.expect(4, "plot", "Na3PS4", "arrhenius", "--db", db, "-o", "x.png", says="Na3PS4")


class Refusals(Plots):
    def test_words_that_mean_nothing_are_refused_before_the_work(self):
        for says, words in (
            ("did you mean \"vdos\"", ["a.json", "vdso", "-o", "x.png"]),
            ("comes last: `ionwatch plot RUN msd -o FILE`", ["msd", "a.json", "-o", "x.png"]),
            ("-o FILE is missing", ["a.json", "msd"]),
            ("a file ends in .png, .svg, .pdf or .csv", ["a.json", "msd", "-o", "x.jpg"]),
            ("a file ends in .png, .svg, .pdf or .csv", ["a.json", "msd", "-o", "x.png/y"]),
            ("--log with msd: not together", ["a.json", "msd", "-o", "x.png", "--log", "--linear"]),
            ("--groups with d", ["a.json", "d", "-o", "x.png", "--groups", "S"]),
            ("--method with msd", ["a.json", "msd", "-o", "x.png", "--method", "paper"]),
            ("--at with msd", ["a.json", "msd", "-o", "x.png", "--at", "300"]),
            ("--linear with arrhenius", ["a.json", "arrhenius", "-o", "x.png", "--linear"]),
            ("--width 5: must be from 30 to 1000 mm", ["a.json", "msd", "-o", "x.png", "--width", "5"]),
            ("RUN... KIND: only msd is given", ["msd", "-o", "x.png"]),
            ("the list of groups is empty", ["a.json", "msd", "-o", "x.png", "--groups", ","]),
        ):
            self.expect(2, "plot", *words, says=says)
        for kind in ("msd", "arrhenius"):  # no group is left out in silence
            self.expect(1, "plot", "a.json", kind, "-o", "x.png", "--groups", b"mobile,\xe9",
                        says="a name is not UTF-8")
        self.assertFalse(os.path.exists(self.path("x.png")))

    def test_what_cannot_be_drawn_is_named(self):
        self.keep("short.json", {**self.record, "history": None, "groups": {"mobile": {}, "Li": {"paper": None}}})
        write_extxyz(self.path("three.extxyz"), SPECIES, *(part[:3] for part in walk(10)), dt_fs=10)
        with open(self.path("list.json"), "w") as file:
            file.write("[1]")
        with open(self.path("other.json"), "w") as file:
            file.write('{"a": 1}')
        with open(self.path("broken.json"), "w") as file:
            file.write('{"a": ')
        for says, words in (
            ("has no group 'Na': it has all, mobile, framework, Li, S", ["a.json", "msd", "-g", "Na"]),
            ("has no msd of mobile", ["short.json", "msd"]),
            ("has no history of D", ["short.json", "d"]),
            ("no two points", ["three.extxyz", "msd"]),
            ("no run has a D above zero", ["three.extxyz", "arrhenius"]),
            ("has no vdos of Li by method paper", ["short.json", "vdos", "-g", "Li", "--method", "paper"]),
            ("not the record of a run", ["list.json", "msd"]),
            ("not the record of a run", ["other.json", "msd"]),
            ("not the record of a run", ["other.json", "arrhenius"]),
            ("not JSON", ["broken.json", "msd"]),
            ("./none.json: No such file", ["./none.json", "msd"]),
        ):
            self.expect(1, "plot", *words, "-o", "x.png", says=says)
        self.expect(3, "plot", "none", "msd", "-o", "x.png", says=["no file \"none\" here", "no daemon answers"])
        self.expect(4, "plot", "none", "msd", "-o", "x.png", "--db", "sqlite:///" + self.path("ions.db"), says="none")
        self.expect(1, "plot", "none", "msd", "-o", "x.png", "--db", "sqlite:///" + self.path("no.db"), says="no.db")

    def test_a_run_in_which_nothing_moves_is_drawn(self):
        r, v = walk(1)
        write_extxyz(self.path("still.extxyz"), SPECIES, np.repeat(r, 60, axis=0), np.zeros((60, 10, 3)), dt_fs=10)
        for kind, scale in (("msd", "--log"), ("vacf", "--linear")):
            done = self.plot("still.extxyz", kind, scale, "-o", "x.png")
            self.assertNotIn("Traceback", done.stderr)

    def test_a_folder_that_is_not_there_or_not_ours_is_said_and_an_old_file_survives(self):
        self.expect(1, "plot", "a.json", "msd", "-o", "no/x.png", says="cannot write into the folder no: No such file")
        if os.geteuid() != 0:
            os.mkdir(self.path("locked"), 0o500)
            self.expect(1, "plot", "a.json", "msd", "-o", "locked/x.png", says="Permission denied")
        os.mkdir(self.path("x.png"))
        self.expect(1, "plot", "a.json", "msd", "-o", "x.png", says="cannot write x.png: Is a directory")
        self.plot("a.json", "msd", "-o", "y.png")
        old = self.read("y.png", "rb")
        self.expect(1, "plot", "a.json", "msd", "-o", "y.png", "--style", "none", says="no style none")
        self.assertEqual(self.read("y.png", "rb"), old)
        self.assertFalse([name for name in os.listdir(self.folder) if name.endswith(".part")])


class Handover(Plots):
    def site(self, code):
        """A folder for PYTHONPATH whose code runs as Python starts."""
        os.makedirs(self.path("site"), exist_ok=True)
        with open(self.path("site/sitecustomize.py"), "w") as file:
            file.write(code)
        return self.path("site")

    def executable(self, name, text):
        os.makedirs(self.path("bin"), exist_ok=True)
        with open(self.path("bin/" + name), "w") as file:
            file.write("#!/bin/sh\n" + text)
        os.chmod(self.path("bin/" + name), 0o755)
        return self.path("bin")

    def test_what_is_missing_is_named_with_the_command_that_installs_it(self):
        words = ["plot", "a.json", "msd", "-o", "x.png"]
        path = self.site("import sys\nsys.modules['matplotlib'] = None\n")
        self.expect(1, *words, IONWATCH_PYTHON=PYTHON, PYTHONPATH=path,
                    says=[PYTHON, "has no matplotlib", "`sudo apt-get install python3-matplotlib`", "$IONWATCH_PYTHON"])
        path = self.site("import sys\nsys.modules['matplotlib'] = sys.modules['numpy'] = None\n")
        self.expect(1, *words, PYTHONPATH=path, says="apt-get install python3-numpy python3-matplotlib`")
        self.expect(1, *words, IONWATCH_PYTHON="/no/python", says=["$IONWATCH_PYTHON, /no/python, does not start"])
        self.assertFalse(os.path.exists(self.path("x.png")))

    def test_a_python_that_lacks_a_module_gives_way_to_that_of_the_system(self):
        folder = self.executable("python3", f'exec {PYTHON} -S "$@"\n')  # without Debian's packages
        path = folder + ":" + os.environ["PATH"]
        self.expect(0, "plot", "a.json", "msd", "-o", "x.png", PATH=path)
        self.expect(1, "plot", "a.json", "msd", "-o", "x.png", IONWATCH_PYTHON=folder + "/python3",
                    says="has no numpy")
        self.expect(0, "plot", "a.json", "msd", "-o", "x.png", PATH="/nowhere")

    def test_files_of_the_current_folder_are_not_taken_for_modules(self):
        os.makedirs(self.path("numpy"))
        os.makedirs(self.path("ionwatch"))
        for name in ("json.py", "csv.py", "matplotlib.py", "ase.py", "numpy/__init__.py", "ionwatch/__init__.py"):
            with open(self.path(name), "w") as file:
                file.write("raise SystemExit(77)\n")
        self.plot("a.json", "msd", "-o", "x.png")

    def test_a_program_without_its_package_says_so_before_the_work(self):
        shutil.copy(PROGRAM, self.path("alone"))
        done = subprocess.run([self.path("alone"), "plot", "a.json", "msd", "-o", "x.png"], capture_output=True,
                              text=True, cwd=self.folder, env=environment(self.folder))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("the Python package of ionwatch is not where it belongs", done.stderr)

    def interrupted(self, words, ready, **env):
        run = subprocess.Popen([PROGRAM, "plot", *words], cwd=self.folder, stdin=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, env=environment(self.folder, **env))
        until = time.monotonic() + 30
        while not ready(run) and run.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        run.send_signal(signal.SIGINT)
        error = run.communicate(timeout=30)[1]
        self.assertEqual(run.returncode, 130, error)
        self.assertNotIn("Traceback", error)
        self.assertFalse([name for name in os.listdir(self.folder) if name.startswith("x.png")])

    def test_ctrl_c_ends_it_in_either_language(self):
        code = ("import sys, time\nclass Slow:\n    def find_spec(self, name, path=None, target=None):\n"
                "        if name == 'ionwatch.figures':\n            open('ready', 'w').close()\n"
                "            time.sleep(60)\nsys.meta_path.insert(0, Slow())\n")
        self.interrupted(["a.json", "msd", "-o", "x.png"], lambda run: os.path.exists(self.path("ready")),
                         PYTHONPATH=self.site(code))

        def reads(run):
            with open(f"/proc/{run.pid}/wchan") as file:
                return "pipe" in file.read() or time.sleep(0.5) is None
        self.interrupted(["-", "msd", "-o", "x.png"], reads)


class AtTheDaemon(Plots):
    def test_a_run_at_the_daemon_is_drawn_by_name_and_by_id(self):
        endpoint = "ipc://" + self.path("iw.sock")
        log = open(self.path("log"), "w")
        self.addCleanup(log.close)
        daemon = subprocess.Popen([DAEMON, "--listen", endpoint, "--data", self.path("data"), "--db",
                                   "sqlite:///" + self.path("live.db")], stdout=log, stderr=log,
                                  env=environment(self.folder))
        try:
            until = time.monotonic() + 20
            while self.run_program("ls", "-e", endpoint).returncode and time.monotonic() < until:
                time.sleep(0.05)
            self.expect(0, "follow", "a.extxyz", "--once", "--run", "live one", "-T", "600", "-e", endpoint)
            while self.run_program("db", "show", "live one", "--db", "sqlite:///" + self.path("live.db")).returncode \
                    and time.monotonic() < until:
                time.sleep(0.05)
            record = json.loads(self.expect(0, "db", "show", "live one", "--json", "--series", "--full", "--db",
                                            "sqlite:///" + self.path("live.db")).stdout)
            table = self.table("live one", "msd", IONWATCH_ENDPOINT=endpoint)
            wanted = record["groups"]["mobile"]["msd"]["msd_A2"]
            self.assertEqual(column(rows_of(table), "msd_A2", part="msd"), wanted[1:])
            self.assertEqual(self.table(record["run"]["id"][:8], "msd", "-e", endpoint), table)
            self.expect(4, "plot", "other", "msd", "-o", "x.png", "-e", endpoint, says="other")
        finally:
            daemon.terminate()
            daemon.wait(20)


if __name__ == "__main__":
    if not importlib.util.find_spec("matplotlib"):
        print("SKIPPED: python3-matplotlib is not installed")
        sys.exit(77)
    program.main()
