#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of one material at several temperatures: the line through them, filed and live."""
import json
import os
import sqlite3
import subprocess
import time

import numpy as np

import program
from program import DAEMON, Case, environment, write_extxyz

K_EV = 8.617333262145179e-5
SPECIES = ["Cl"] * 4 + ["Li"] * 24
D_HOT, E_A = 2e-4, 0.05  # cm2/s at infinite temperature, eV: fast, so that short runs will do


def write_walk(path, temperature_K, seed, frames=400, dt_fs=10.0):
    D_A2_fs = D_HOT * np.exp(-E_A / (K_EV * temperature_K)) * 10
    rng = np.random.default_rng(seed)
    r = rng.normal(0, 0.02, (frames, 28, 3))
    r[:, 4:] = np.cumsum(rng.normal(0, np.sqrt(2 * D_A2_fs * dt_fs), (frames, 24, 3)), axis=0)
    write_extxyz(path, SPECIES, r + rng.uniform(0, 20, (28, 3)), None, dt_fs)


def weighted_line(points):
    """E_a, its error and ln D at 300 K by polynomial regression: numpy, nothing of ours."""
    T = np.array([p["temperature_K"] for p in points])
    D = np.array([p["D_cm2_s"]["value"] for p in points])
    error = np.array([p["D_cm2_s"]["stderr"] for p in points])
    x = 1 / (K_EV * T)
    line, cov = np.polyfit(x, np.log(D), 1, w=D / error, cov="unscaled")
    return -line[0], np.sqrt(cov[0, 0]), np.polyval(line, 1 / (K_EV * 300))


class Filed(Case):
    def setUp(self):
        super().setUp()
        self.db = self.path("ions.db")

    def analyze(self, temperature_K, seed, *options):
        name = self.path(f"{temperature_K}-{seed}.extxyz")
        write_walk(name, temperature_K, seed)
        return self.record(name, "-T", str(temperature_K), "--db", self.db, "--no-paper",
                           "--hop-length", "0.5", "--drift", "none", *options)

    def arrhenius(self, *words):
        return json.loads(self.expect(0, "arrhenius", *words, "--db", self.db, "--json").stdout)

    def test_names_in_warnings_steer_no_terminal(self):
        values = {300: 1e-5, 800: 1.00e-4, 820: 1.15e-4, 840: 1.32e-4}  # the cold one has the say
        for seed, (T, D) in enumerate(values.items()):
            name = self.path(f"{T}.extxyz")
            write_walk(name, T, seed, frames=60)
            record = self.record(name, "-T", str(T), "--no-paper", "--series", "--full")
            record["run"]["name"] = "a\x1b[2Jb\n" + str(T)
            for group in record["groups"].values():
                group["D_cm2_s"].update(value=D, stderr=0.1 * D, ci95=[0.8 * D, 1.2 * D])
                group["diffusive"] = True
            record["health"]["state"] = "good"
            with open(self.path(f"{T}.json"), "w") as file:
                json.dump(record, file)
            self.expect(0, "db", "ingest", f"{T}.json", "--db", self.db)
        text = self.expect(0, "arrhenius", "Li6Cl", "--db", self.db).stdout
        self.assertIn("E_a hangs on one run: without a?[2Jb?", " ".join(text.split()))
        self.assertNotIn("\x1b", text)
        report = self.expect(0, "arrhenius", "Li6Cl", "--db", self.db, "--json").stdout
        with open(self.path("report.json"), "w") as file:
            file.write(report)
        said = self.expect(0, "plot", "report.json", "arrhenius", "-o", "x.csv").stderr
        self.assertIn("without a?[2Jb?", said)
        self.assertNotIn("\x1b", said)

    def test_runs_of_one_compound_find_each_other_and_give_the_line(self):
        for seed, T in enumerate([400, 550, 800, 1200]):
            record = self.analyze(T, seed)
            self.assertEqual((record["run"]["material"], record["run"]["material_source"],
                              record["run"]["formula"]), ("Li6Cl", "formula", "Li6Cl"))
        report = self.arrhenius("Li6Cl")
        self.assertEqual([p["temperature_K"] for p in report["points"]], [400, 550, 800, 1200])
        self.assertTrue(all(p["used"] for p in report["points"]), report)
        fit = report["fit"]
        E_a, error, ln_D = weighted_line(report["points"])
        widened = fit["errors_widened"]
        np.testing.assert_allclose(fit["E_a_eV"]["value"], E_a, rtol=1e-9)
        np.testing.assert_allclose(fit["E_a_eV"]["stderr"], error * widened, rtol=1e-9)
        np.testing.assert_allclose(fit["D_cm2_s"]["value"], np.exp(ln_D), rtol=1e-9)
        self.assertLess(abs(fit["E_a_eV"]["value"] - E_A), 4 * fit["E_a_eV"]["stderr"])
        with sqlite3.connect(self.db) as db:
            row = db.execute('SELECT runs, runs_used, E_a_eV, E_a_stderr_eV, D300_cm2_s FROM '
                             'materials WHERE material = ? AND "group" = ?',
                             ("Li6Cl", "mobile")).fetchone()
        self.assertEqual(row, (4, 4, fit["E_a_eV"]["value"], fit["E_a_eV"]["stderr"],
                               fit["D_cm2_s"]["value"]))
        text = self.expect(0, "arrhenius", "Li6Cl", "--db", self.db).stdout
        for words in ("filed, analysed", "E_a", "D(300 K)", "chi2", "when any one run is left out"):
            self.assertIn(words, text)
        self.assertLessEqual(max(map(len, text.split("\n"))), 100)
        at = self.arrhenius("Li6Cl", "--at", "500", "--group", "Li")["fit"]["D_cm2_s"]
        self.assertEqual(at["temperature_K"], 500)
        self.assertLess(abs(np.log(at["value"] / D_HOT) + E_A / (K_EV * 500)), 0.5)

    def test_a_named_material_keeps_its_runs_apart(self):
        self.assertEqual(self.analyze(500, 1, "--material", "glass")["run"]["material_source"],
                         "metadata")
        self.analyze(800, 2, "--material", "glass")
        self.analyze(900, 3)
        listed = self.arrhenius()
        self.assertEqual([(m["material"], len(m["points"])) for m in listed],
                         [("Li6Cl", 1), ("glass", 2)])
        self.assertIsNone(listed[0]["fit"])
        self.assertIn("two temperatures", listed[0]["reason"])
        self.assertIn("a third one would test it", " ".join(listed[1]["warnings"]))
        text = self.expect(0, "arrhenius", "--db", self.db).stdout
        self.assertRegex(text, r"(?m)^glass +2 +0 +500 .. 800 +0\.\d+ ± 0\.\d+ ")
        self.assertIn("no line:", self.expect(0, "arrhenius", "Li6Cl", "--db", self.db).stdout)

    def test_runs_that_do_not_diffuse_are_left_out_with_the_reason(self):
        for seed, T in enumerate([600, 900]):
            self.analyze(T, seed)
        self.analyze(300, 5, "--hop-length", "50")  # has not moved by half a hop
        report = self.arrhenius("Li6Cl")
        self.assertEqual([p["used"] for p in report["points"]], [False, True, True])
        self.assertIn("not diffusive", report["points"][0]["left_out"])
        self.assertIn("colder than 600 K", " ".join(report["warnings"]))
        self.assertIn("left out: ", self.expect(0, "arrhenius", "Li6Cl", "--db", self.db).stdout)

    def test_nothing_and_nobody(self):
        self.expect(1, "arrhenius", says=["no such database", "--db"])
        self.expect(1, "arrhenius", "--endpoint", "ipc:///nowhere/sock",
                    says=["no daemon answers", "no such database"])
        self.analyze(500, 1)
        self.expect(4, "arrhenius", "NaCl", "--db", self.db, says='no run of "NaCl"')
        self.expect(2, "arrhenius", "--at", "0", "--db", self.db, says="must be from 1")


class Live(Case):
    def setUp(self):
        super().setUp()
        log = open(self.path("daemon.log"), "w")
        self.addCleanup(log.close)
        self.daemon = subprocess.Popen([DAEMON, "--publish-every-s", "0.1"], stdout=log, stderr=log,
                                       env=environment(self.folder))
        self.addCleanup(self.end_daemon)
        until = time.monotonic() + 20
        while self.run_program("ls").returncode != 0:
            self.assertLess(time.monotonic(), until, "no daemon")
            time.sleep(0.05)

    def end_daemon(self):
        self.daemon.terminate()
        self.daemon.wait(timeout=20)

    def test_live_runs_and_filed_ones_are_on_one_line_each_once(self):
        options = ["--hop-length", "0.5", "--drift", "none"]
        for seed, T in enumerate([500, 700]):
            write_walk(self.path(f"{T}.extxyz"), T, seed)
            self.expect(0, "follow", "--once", self.path(f"{T}.extxyz"), "--run", str(T), "-T",
                        str(T), *options)
        write_walk(self.path("live.extxyz"), 1000, 3)
        follower = subprocess.Popen(
            [program.PROGRAM, "follow", self.path("live.extxyz"), "--run", "live", "-T", "1000",
             *options], stderr=subprocess.DEVNULL, cwd=self.folder, env=environment(self.folder))
        self.addCleanup(follower.wait)
        self.addCleanup(follower.terminate)
        until = time.monotonic() + 20
        while True:  # the two that have ended are filed, the third has all its frames
            report = self.run_program("arrhenius", "Li6Cl", "--json")
            points = json.loads(report.stdout)["points"] if report.returncode == 0 else []
            if [p["source"] for p in points] == ["filed", "filed", "live"] and points[2]["used"]:
                break
            self.assertLess(time.monotonic(), until, report.stdout + report.stderr)
            time.sleep(0.1)
        self.assertEqual([p["state"] for p in points], ["completed", "completed", "running"])
        self.assertEqual([p["name"] for p in points], ["500", "700", "live"])
        listing = json.loads(self.expect(0, "ls", "--json").stdout)
        self.assertEqual({run["material"] for run in listing}, {"Li6Cl"})
        self.assertIn("live, running", self.expect(0, "arrhenius", "Li6Cl").stdout)
        # without any database the daemon's runs are there all the same
        os.rename(self.path("ionwatch/ionwatch.db"), self.path("away.db"))
        report = json.loads(self.expect(0, "arrhenius", "Li6Cl", "--json").stdout)
        self.assertIn("live", [p["source"] for p in report["points"]])


if __name__ == "__main__":
    program.main()
