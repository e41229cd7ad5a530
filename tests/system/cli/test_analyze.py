#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`ionwatch analyze` on small files with known answers, and on bad ones."""
import gzip
import json
import os
import signal
import subprocess
import threading
import time

import numpy as np

import program
from program import MASS, PROGRAM, SPECIES, Case, environment, write_extxyz


class Numbers(Case):
    """docs/physics.md: MSD, D_einstein, VACF, Green-Kubo, drift."""

    def close(self, got, want, rtol=1e-10, atol=0.0):
        np.testing.assert_allclose(np.array(got, float), want, rtol=rtol, atol=atol)

    def compare(self, record, r, v, dt_fs):
        groups = {"all": slice(0, 10), "mobile": slice(0, 6), "framework": slice(6, 10),
                  "Li": slice(0, 6), "S": slice(6, 10)}
        m, c = program.msd(r), program.vacf(v, len(v) // 2)
        for name, atoms in groups.items():
            group = record["groups"][name]
            curve = m[:, atoms].mean(axis=1)
            self.close(group["msd"]["msd_A2"], curve, atol=1e-12)
            self.close(group["msd"]["lag_ps"], np.arange(len(curve)) * dt_fs / 1000)
            self.close(group["D_einstein_cm2_s"], program.einstein_cm2_s(curve, dt_fs), 1e-9, 1e-15)
            velocity = c[:, atoms].mean(axis=1)
            self.close(group["vacf"]["c"], velocity, atol=1e-12 * velocity[0])
            integral = ((velocity[1:] + velocity[:-1]) / 2).sum() * dt_fs / 3 * 0.1
            self.close(group["D_green_kubo_cm2_s"], integral, 1e-9, 1e-15)

    def test_analyze_equals_brute_force(self):
        r, v = program.walk(157)
        write_extxyz(self.path("a.extxyz"), SPECIES, r, v, dt_fs=2.0)
        options = ["--msd-stride", "1", "--vacf-window", "10", "--series", "--full", "-T", "600"]
        raw = self.record(self.path("a.extxyz"), "--drift", "none", *options)
        self.compare(raw, r, v, 2.0)
        weight = (MASS / MASS.sum())[None, :, None]
        com = self.record(self.path("a.extxyz"), *options)
        self.compare(com, r - (r * weight).sum(axis=1, keepdims=True),
                     v - (v * weight).sum(axis=1, keepdims=True), 2.0)
        self.assertEqual(com["run"]["mobile"], ["Li"])
        self.assertEqual(com["run"]["state"], "analysed")

    def test_wrapped_positions_in_a_triclinic_cell_give_the_same(self):
        r, v = program.walk(60)
        cell = np.array([[11.0, 0, 0], [3.0, 12.0, 0], [-2.0, 1.0, 13.0]])
        fraction = r @ np.linalg.inv(cell)
        write_extxyz(self.path("w.extxyz"), SPECIES, (fraction - np.floor(fraction)) @ cell, v,
                     cell=cell)
        record = self.record(self.path("w.extxyz"), "--drift", "none", "--msd-stride", "1",
                             "--series", "--full")
        self.compare(record, r, v, 1.0)

    def test_pieces_equal_the_whole(self):
        r, v = program.walk(90)
        write_extxyz(self.path("whole.extxyz"), SPECIES, r, v)
        write_extxyz(self.path("1.extxyz"), SPECIES, r[:40], v[:40])
        write_extxyz(self.path("2.extxyz"), SPECIES, r[40:], v[40:], first=40)
        options = ["--msd-stride", "1", "--series", "--full"]
        whole = self.record(self.path("whole.extxyz"), *options)
        parts = self.record(self.path("1.extxyz"), self.path("2.extxyz"), *options)
        self.assertEqual(whole["groups"], parts["groups"])
        self.assertEqual(parts["run"]["segments"], 1)

    def test_a_compressed_file_gives_the_same(self):
        r, v = program.walk(50)
        write_extxyz(self.path("a.extxyz"), SPECIES, r, v)
        with open(self.path("a.extxyz"), "rb") as plain, \
                gzip.open(self.path("b.extxyz.gz"), "wb") as packed:
            packed.write(plain.read())
        a, b = (self.record(self.path(n))["groups"] for n in ("a.extxyz", "b.extxyz.gz"))
        self.assertEqual(a, b)

    def test_the_reason_of_a_warning_is_told_to_its_end(self):
        r, _ = program.walk(300)
        write_extxyz(self.path("far.extxyz"), SPECIES, 3 * r, dt_fs=10)
        record = self.record(self.path("far.extxyz"), "-T", "600")
        told = {event["id"]: event["text"] for event in record["events"]}
        self.assertGreater(len(told["temperature_mismatch"]), 150)
        self.assertEqual(record["health"]["reason"],
                         "temperature_mismatch: " + told["temperature_mismatch"])

    def test_masses_can_be_given(self):
        r, v = program.walk(60)
        write_extxyz(self.path("a.extxyz"), SPECIES, r, v)
        record = self.record(self.path("a.extxyz"), "--masses", "Li=7.016,S=32.06",
                             "--msd-stride", "1", "--series", "--full")
        weight = np.array([7.016] * 6 + [32.06] * 4)
        weight = (weight / weight.sum())[None, :, None]
        self.compare(record, r - (r * weight).sum(axis=1, keepdims=True),
                     v - (v * weight).sum(axis=1, keepdims=True), 1.0)

    def test_charges_give_the_charge_msd_and_conductivities(self):
        r, v = program.walk(80)
        write_extxyz(self.path("a.extxyz"), SPECIES, r, v, cell=np.diag([12.0, 13.0, 14.0]))
        record = self.record(self.path("a.extxyz"), "--charges", "Li=1,S=-1.5", "-T", "600",
                             "--drift", "none", "--msd-stride", "1", "--series", "--full")
        transport = record["transport"]
        charge = np.array([1.0] * 6 + [-1.5] * 4)
        polarisation = (r * charge[None, :, None]).sum(axis=1, keepdims=True)
        curve = program.msd(polarisation)[:, 0]
        self.close(transport["charge_msd"]["msd_e2A2"], curve, atol=1e-11)
        self.close(transport["charge_msd"]["lag_ps"], np.arange(len(curve)) / 1000)
        self.assertEqual(transport["charges_e"], {"Li": 1.0, "S": -1.5})
        self.close(transport["volume_A3"], 12 * 13 * 14)
        # e^2/(V k_B T), A^3 and cm^2/s to mS/cm
        factor = 1e27 * 1.602176634e-19 ** 2 / 1.380649e-23 / (12 * 13 * 14 * 600)
        self.assertEqual(transport["carriers"], ["Li"])
        self.close(transport["conductivity_nernst_einstein_mS_cm"]["value"],
                   factor * 6 * record["groups"]["Li"]["D_cm2_s"]["value"])
        shown = self.expect(0, "analyze", self.path("a.extxyz"), "--charges", "Li=1,S=-1.5", "-T",
                            "600").stdout
        self.assertIn("Transport, charges Li 1 S -1.5 e; volume 2184 A3", shown)
        self.assertIsNone(self.record(self.path("a.extxyz"))["transport"])

    def test_method_paper_is_left_out_on_request(self):
        r, v = program.walk(60)
        write_extxyz(self.path("a.extxyz"), SPECIES, r, v)
        self.assertIsNotNone(self.record(self.path("a.extxyz"), "-T", "300")["groups"]["all"]["paper"])
        self.assertIsNone(self.record(self.path("a.extxyz"), "--no-paper")["groups"]["all"]["paper"])

    def test_judge_says_where_the_run_could_have_ended(self):
        random = np.random.default_rng(7)
        r = np.cumsum(random.normal(0, 0.2, (4000, 10, 3)) * (MASS < 20)[None, :, None], axis=0)
        write_extxyz(self.path("a.extxyz"), SPECIES, r, None, dt_fs=10.0)
        options = ["--no-paper", "--skip", "none", "--drift", "none", "--target", "0.5"]
        plain = self.record(self.path("a.extxyz"), *options)["convergence"]
        self.assertEqual((plain["state"], plain["decisions"]), ("converged", []))
        db = "sqlite:///" + self.path("ions.db")
        record = self.record(self.path("a.extxyz"), *options, "--judge", "--db", db)
        decision, = record["convergence"]["decisions"]
        self.assertEqual((decision["rule"], decision["action"]), ("precision", "advise"))
        self.assertLess(decision["time_ps"], record["run"]["time_ps"])
        self.assertAlmostEqual(decision["time_ps"], (decision["frame"] - 1) * 0.01, places=6)
        self.assertLessEqual(decision["values"]["relative_error"], 0.5)
        self.assertIsNone(decision["saved_ps"])  # nobody said how long it was to be
        filed = json.loads(self.expect(0, "db", "show", record["run"]["id"], "--json", "--db",
                                       db).stdout)
        self.assertEqual(filed["convergence"]["decisions"], [decision])
        table = self.expect(0, "db", "show", record["run"]["id"], "--db", db).stdout
        self.assertIn("advised to stop at %.6g ps" % decision["time_ps"], table)

    def test_a_start_that_has_not_settled_is_left_out(self):
        r, v = program.walk(1500)
        v[:400] /= 3
        write_extxyz(self.path("a.extxyz"), SPECIES, r, v)
        options = ["--no-paper", "--msd-stride", "1", "--series", "--full"]
        record = self.record(self.path("a.extxyz"), *options)
        skipped = record["equilibration"]["skipped_frames"]
        self.assertAlmostEqual(skipped, 400, delta=40)
        write_extxyz(self.path("b.extxyz"), SPECIES, r[skipped:], v[skipped:])
        later = self.record(self.path("b.extxyz"), *options, "--skip", "none")
        self.assertAlmostEqual(record["run"]["temperature_measured_K"],
                               later["run"]["temperature_measured_K"], places=6)
        for group in later["groups"]:
            np.testing.assert_allclose(
                np.array(record["groups"][group]["msd"]["msd_A2"], float),
                np.array(later["groups"][group]["msd"]["msd_A2"], float), rtol=1e-9, atol=1e-9)
        judged = self.record(self.path("a.extxyz"), *options, "--judge")  # left out on the way
        self.assertEqual(judged["equilibration"], record["equilibration"])
        self.assertEqual(judged["run"]["frames"], 1500)
        self.assertEqual(judged["groups"], record["groups"])
        table = self.expect(0, "analyze", self.path("a.extxyz"), "--no-paper").stdout
        self.assertIn(f"({skipped} frames)", table)
        self.assertIn("left out at the start", table)
        self.expect(1, "analyze", self.path("a.extxyz"), "--skip", "soon",
                    says='skip "soon": "auto", "none" or a time in ps is wanted')

    def test_a_pipe_is_averaged_whole(self):
        r, v = program.walk(1500)
        v[:400] /= 3
        write_extxyz(self.path("a.extxyz"), SPECIES, r, v)
        os.mkfifo(self.path("pipe.extxyz"))
        with subprocess.Popen(["cp", self.path("a.extxyz"), self.path("pipe.extxyz")]):
            record = self.record(self.path("pipe.extxyz"), "--format", "extxyz", "--no-paper")
        self.assertEqual(record["equilibration"]["skipped_frames"], 0)
        self.assertIn("cannot be read again", record["equilibration"]["reason"])
        self.assertGreater(record["equilibration"]["detected_ps"], 0.3)

    def test_series_are_thinned_unless_full(self):
        r, v = program.walk(3000)
        write_extxyz(self.path("a.extxyz"), SPECIES, r, v)
        options = [self.path("a.extxyz"), "--msd-stride", "1", "--no-paper"]
        none = self.record(*options)["groups"]["Li"]
        thin = self.record(*options, "--series")["groups"]["Li"]["msd"]["lag_ps"]
        full = self.record(*options, "--series", "--full")["groups"]["Li"]["msd"]["lag_ps"]
        self.assertNotIn("msd", none)
        self.assertEqual(len(full), 1501)
        self.assertLess(len(thin), 700)
        self.assertEqual((thin[0], thin[-1]), (full[0], full[-1]))

    def test_the_table_names_every_group_and_its_units(self):
        r, v = program.walk(100)
        write_extxyz(self.path("a.extxyz"), SPECIES, r, v)
        done = self.expect(0, "analyze", self.path("a.extxyz"), "-T", "300")
        for words in ("cm2/s", "meV", "mobile", "framework", "Li", "Convergence"):
            self.assertIn(words, done.stdout)


class BadInput(Case):
    def setUp(self):
        super().setUp()
        self.r, self.v = program.walk(40)
        self.good = self.path("good.extxyz")
        write_extxyz(self.good, SPECIES, self.r, self.v)

    def test_a_missing_file(self):
        self.expect(1, "analyze", self.path("none"), says=["none", "there is no such file"])

    def test_a_folder(self):
        self.expect(1, "analyze", self.folder, says=self.folder)

    def test_an_empty_file(self):
        open(self.path("empty.extxyz"), "w").close()
        done = self.expect(1, "analyze", self.path("empty.extxyz"), says="empty.extxyz")
        self.assertEqual(done.stdout, "")

    def test_a_file_of_another_format(self):
        with open(self.path("picture"), "wb") as file:
            file.write(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
        self.expect(1, "analyze", self.path("picture"), says="picture")
        self.expect(1, "analyze", self.good, "--format", "lammps", says="good.extxyz")
        self.expect(1, "analyze", self.good, "--format", "gromacs", says=["gromacs", "extxyz"])

    def test_a_truncated_file_gives_what_is_whole(self):
        with open(self.good) as file:
            text = file.read()
        with open(self.path("cut.extxyz"), "w") as file:
            file.write(text[:int(0.8 * len(text))])
        done = self.expect(0, "analyze", "--json", self.path("cut.extxyz"), says="cut.extxyz")
        record = json.loads(done.stdout)
        self.assertGreater(record["run"]["frames"], 25)
        self.assertLess(record["run"]["frames"], 35)
        self.assertTrue(any("cut" in e["text"] for e in record["events"]), record["events"])

    def test_a_truncated_gzip_gives_what_is_whole(self):
        r, v = program.walk(4000)
        write_extxyz(self.path("long.extxyz"), SPECIES, r, v)
        with open(self.path("long.extxyz"), "rb") as file:
            packed = gzip.compress(file.read())
        with open(self.path("cut.extxyz.gz"), "wb") as file:
            file.write(packed[:len(packed) // 2])
        done = self.expect(0, "analyze", "--json", self.path("cut.extxyz.gz"), says="cut.extxyz.gz")
        self.assertGreater(json.loads(done.stdout)["run"]["frames"], 1000)

    def test_a_damaged_line_gives_the_frames_before_it(self):
        with open(self.good) as file:
            lines = file.read().split("\n")
        lines[12 * 30 + 5] = "Li 1.0 broken 2.0 0 0 0"
        with open(self.path("bad.extxyz"), "w") as file:
            file.write("\n".join(lines))
        done = self.expect(0, "analyze", "--json", self.path("bad.extxyz"),
                           says=["warning", "bad.extxyz", "366"])
        record = json.loads(done.stdout)
        self.assertEqual(record["run"]["frames"], 30)
        self.assertIn(("input_damaged", "warning"),
                      [(event["id"], event["severity"]) for event in record["events"]])

    def test_a_changed_atom_count_gives_the_frames_before_it(self):
        write_extxyz(self.path("grown.extxyz"), SPECIES, self.r, self.v)
        write_extxyz(self.path("grown.extxyz"), SPECIES[:9], self.r[:5, :9], self.v[:5, :9],
                     mode="a", first=40)
        done = self.expect(0, "analyze", "--json", self.path("grown.extxyz"),
                           says=["warning", "grown.extxyz"])
        self.assertEqual(json.loads(done.stdout)["run"]["frames"], 40)

    def test_frames_that_are_missing_or_spaced_otherwise_are_named(self):
        r, v = self.r, self.v
        for name, later_fs in (("gap", 110.0), ("uneven", 81.0)):
            path = self.path(name + ".extxyz")
            write_extxyz(path, SPECIES, r[:20], v[:20], dt_fs=2.0)
            write_extxyz(path, SPECIES, r[20:], v[20:], dt_fs=2.0, mode="a", first=later_fs / 2)
            record = self.record(path, "--no-paper")
            self.assertEqual(record["run"]["segments"], 2, name)
            self.assertIn("uneven_step", [event["id"] for event in record["events"]], name)

    def test_a_run_that_was_appended_goes_on_where_its_positions_do(self):
        r, v = self.r, self.v
        elsewhere = r[20:] + 2.0 * (np.arange(r.shape[1]) % 2)[:, None]
        for segments, later in ((1, r[20:]), (2, elsewhere)):
            path = self.path(f"{segments}.extxyz")
            write_extxyz(path, SPECIES, r[:20], v[:20], dt_fs=2.0)
            write_extxyz(path, SPECIES, later, v[20:], dt_fs=2.0, mode="a", first=0)
            run = self.record(path, "--no-paper")["run"]
            self.assertEqual((run["segments"], run["frames"]), (segments, len(r)))

    def test_a_window_longer_than_any_run_is_as_long_as_the_run(self):
        window = ["--no-paper", "--series", "--full", "--vacf-window"]
        far = self.record(self.good, *window, "1e6")
        self.assertEqual(far["groups"], self.record(self.good, *window, "1")["groups"])

    def test_control_characters_of_a_name_do_not_reach_the_terminal(self):
        path = self.path("a.extxyz")
        write_extxyz(path, SPECIES, self.r, self.v)
        done = self.expect(0, "analyze", path, "--no-paper", "--name", "a\033[31m\u0085\a\nb\u00fc")
        self.assertTrue(done.stdout.startswith("a?[31m????b\u00fc  analysed"), done.stdout[:40])

    def test_the_table_fits_80_columns(self):
        path = self.path("a.extxyz")
        write_extxyz(path, SPECIES, self.r, self.v)
        write_extxyz(self.path("x.extxyz"), SPECIES, self.r)
        for words in ([path, "-T", "600"], [self.path("x.extxyz")]):
            done = self.expect(0, "analyze", *words)
            self.assertLessEqual(max(map(len, done.stdout.split("\n"))), 80, done.stdout)

    def test_nothing_but_a_broken_first_frame(self):
        with open(self.path("bad.extxyz"), "w") as file:
            file.write('3\nProperties=species:S:1:pos:R:3 Time=0\nLi 0 0 0\nLi x y z\nLi 0 0 0\n')
        done = self.expect(1, "analyze", self.path("bad.extxyz"), says="bad.extxyz")
        self.assertEqual(done.stdout, "")

    def test_an_unknown_mobile_species_names_the_known_ones(self):
        self.expect(1, "analyze", self.good, "--mobile", "Na", says=["Na", "Li", "S"])
        self.expect(1, "analyze", self.good, "--mobile", ",", says="names no species")

    def test_masses_are_checked(self):
        self.expect(1, "analyze", self.good, "--masses", "Na=23", says="no species Na")
        self.expect(1, "analyze", self.good, "--masses", "Li", says="is not NAME=NUMBER")
        self.expect(1, "analyze", self.good, "--masses", "Li=-1", says="above zero")
        with open(self.good) as file, open(self.path("label.extxyz"), "w") as to:
            to.write(file.read().replace("\nS ", "\nQx "))
        self.expect(1, "analyze", self.path("label.extxyz"), says="--masses Qx=NUMBER")
        groups = self.record(self.path("label.extxyz"), "--masses", "Qx=32.06")["groups"]
        self.assertEqual(groups["all"], self.record(self.good)["groups"]["all"])

    def test_charges_are_checked(self):
        for charges, says in [("Li=1,S=-1,Na=1", "no species Na in the run, which has Li, S"),
                              ("Li=1", "S has none"), ("Li=1,S", "'S' is not NAME=NUMBER"),
                              ("Li=one,S=1", "'Li=one' is not NAME=NUMBER"),
                              ("Li=1,S=-1,Li=2", "Li is given twice, as 1 and as 2 e")]:
            self.expect(1, "analyze", self.good, "--charges", charges, says=["charges", says])
        record = self.record(self.good, "--charges", "Li=1,S=-1")
        self.assertEqual([e["text"] for e in record["events"] if e["id"] == "not_neutral"],
                         ["the charges add up to +2 e, of 10 e without their signs: the collective "
                          "conductivity depends on what is held still"])

    def test_a_missing_time_step_says_what_to_do(self):
        with open(self.path("XDATCAR"), "w") as file:
            file.write("Li S\n1.0\n12 0 0\n0 12 0\n0 0 12\nLi S\n6 4\n")
            for t in range(20):
                file.write(f"Direct configuration= {t + 1:5d}\n")
                for x in self.r[t] / 12 % 1:
                    file.write("%.8f %.8f %.8f\n" % tuple(x))
        self.expect(1, "analyze", self.path("XDATCAR"), says=["--dt", "INCAR"])
        record = self.record(self.path("XDATCAR"), "--dt", "1", "--msd-stride", "1")
        self.assertEqual(record["run"]["frames"], 20)

    def test_no_mobile_species_says_so_and_reports_every_species(self):
        write_extxyz(self.path("si.extxyz"), ["Si"] * 6 + ["C"] * 4, self.r, self.v)
        record = self.record(self.path("si.extxyz"))
        self.assertIn("no_mobile", [e["id"] for e in record["events"]])
        self.assertIn("Si", record["groups"])
        self.assertIn("C", record["groups"])
        self.assertNotIn("mobile", record["groups"])

    def test_json_stays_clean_when_there_is_something_to_say(self):
        done = self.expect(0, "analyze", "--json", self.good, "--no-paper")
        self.assertLessEqual({"run", "groups", "convergence", "events"},
                             set(json.loads(done.stdout)))


class Interrupt(Case):
    def test_ctrl_c_prints_what_is_known(self):
        r, v = program.walk(100)
        write_extxyz(self.path("all.extxyz"), SPECIES, r, v)
        with open(self.path("all.extxyz")) as file:
            lines = file.read().split("\n")
        frames = ["\n".join(lines[i:i + 12]) + "\n" for i in range(0, 1200, 12)]
        pipe = self.path("pipe.extxyz")
        os.mkfifo(pipe)
        process = subprocess.Popen([PROGRAM, "analyze", "--format", "extxyz", "--json", pipe],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=environment(self.folder), cwd=self.folder)

        def feed():
            try:
                with open(pipe, "w") as file:
                    for frame in frames[:60]:
                        file.write(frame)
                    file.flush()
                    time.sleep(0.3)
                    process.send_signal(signal.SIGINT)
                    for frame in frames[60:]:
                        file.write(frame)
                        file.flush()
                        time.sleep(0.02)
            except BrokenPipeError:
                pass  # it has ended, as it should

        feeder = threading.Thread(target=feed)
        feeder.start()
        out, said = process.communicate(timeout=30)
        feeder.join()
        self.assertEqual(process.returncode, 130, said)
        record = json.loads(out)
        self.assertIn("interrupted after", said)
        self.assertGreaterEqual(record["run"]["frames"], 59)
        self.assertLess(record["run"]["frames"], 80)

    def test_ctrl_c_ends_the_wait_for_a_stalled_pipe(self):
        r, v = program.walk(100)
        pipe = self.path("pipe.extxyz")
        os.mkfifo(pipe)
        process = subprocess.Popen([PROGRAM, "analyze", "--format", "extxyz", "--json", pipe],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=environment(self.folder), cwd=self.folder)
        self.addCleanup(process.kill)
        write_extxyz(self.path("all.extxyz"), SPECIES, r, v)
        with open(pipe, "w") as file, open(self.path("all.extxyz")) as whole:
            file.write(whole.read())
            file.flush()
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            out, said = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 130, said)
        self.assertGreaterEqual(json.loads(out)["run"]["frames"], 98)


if __name__ == "__main__":
    program.main()
