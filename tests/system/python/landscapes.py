# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases of materials with a known structure, in the real schema.

The schema is made by the program, which files a run and removes it again; the rows are written
here, since thousands of runs are.
"""
import json
import sqlite3
import subprocess
import uuid

import numpy as np

from ionwatch import program

GROUPS = ("all", "mobile", "framework")
# Of a group, and how its number follows the three factors of a material: f1, f2, f3.
VIBRATIONAL = {
    "omega_mean_meV": (30.0, 3.0, 0.0, 0.3), "omega30_mean_meV": (15.0, 0.2, 1.5, 0.2),
    "e_vib_meV": (60.0, 2.0, 0.5, 0.5), "f_vib_meV": (-20.0, 6.0, 0.0, 0.5),
    "s_vib_meV_K": (0.25, -0.02, 0.004, 0.002), "c_v_meV_K": (0.08, -0.002, 0.001, 0.0005),
}  # fmt: skip
FAMILIES = [["Li"]] * 46 + [["F"]] * 12 + [["Cl"]] * 11 + [["Na"]] * 15 + [["O"]] * 8 + [["Ag"]] * 8


def empty(folder):
    """Path of a database without a run."""
    trajectory, path = folder / "one.extxyz", folder / "ions.db"
    with open(trajectory, "w") as file:
        rng = np.random.default_rng(1)
        x = rng.uniform(0, 9, (4, 3))
        for t in range(20):
            x = x + rng.normal(0, 0.05, (4, 3))
            file.write(f'4\nLattice="9 0 0 0 9 0 0 0 9" Properties=species:S:1:pos:R:3 Time={t}\n')
            for species, r in zip(("Li", "Li", "S", "S"), x):
                file.write(f"{species} {r[0]} {r[1]} {r[2]}\n")
    for words in (["analyze", trajectory, "--dt", "2", "--name", "one", "--db", path], ["db", "rm", "one", "--db", path]):
        done = subprocess.run([program.find(), *map(str, words)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return path


def write(path, runs):
    """runs: dicts with material, mobile, temperature_K, and numbers {group: {descriptor: value, or value and
    95 % interval}}; optionally name, state, time_ps, paper and structure (numbers too), and what columns of runs
    there are more."""
    with sqlite3.connect(path) as db:
        first = db.execute("SELECT coalesce(max(run), 0) FROM runs").fetchone()[0] + 1
        for number, run in enumerate(runs, first):
            one = dict(run)
            numbers = {"physical": one.pop("numbers"), "paper": one.pop("paper", {}), "structure": one.pop("structure", {})}
            row = {"run": number, "id": str(uuid.UUID(int=number)), "name": f"run{number}", "state": "completed",
                   "frames": 1000, "atoms": 100, "time_ps": 100.0, "filed_at": "2024-01-01T00:00:00Z", "writer": "test",
                   "record": "{}", **one, "mobile": json.dumps(one["mobile"])}  # fmt: skip
            db.execute(f"INSERT INTO runs ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
            db.executemany('INSERT INTO "groups" (run, name, ordinal, atoms) VALUES (?, ?, ?, 50)',
                           [(number, group, i) for i, group in enumerate(GROUPS)])
            rows = [(number, group, key, method, *(value if isinstance(value, tuple) else (float(value), None, None)), "1",
                     "structural" if method == "structure" else "diffusive" if key.startswith("D_") else "vibrational")
                    for method, of in numbers.items() for group, values in of.items() for key, value in values.items()]  # fmt: skip
            db.executemany('INSERT INTO descriptors (run, "group", descriptor, method, value, ci95_lo, ci95_hi, unit, category) '
                           "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def give(path, material, method, category, **values):
    """What is known of a material, whatever its runs: method "imported", "elastic" or "perfect"."""
    with sqlite3.connect(path) as db:
        db.executemany("INSERT INTO material_descriptors (material, descriptor, method, value, unit, category, file, hash, "
                       "imported_at) VALUES (?, ?, ?, ?, '1', ?, 'test', '0', '2024-01-01T00:00:00Z')",
                       [(material, key, method, value, category) for key, value in values.items()])  # fmt: skip


def planted(materials, temperatures=(400, 500, 600), seed=1, noise=0.05, structural=()):
    """Runs of materials in three clusters of the factors (f1, f2), which f1 separates most; D falls with
    f1, and does not know f3; structural descriptors know nothing.  Also the factors [materials][3] and the clusters [materials]."""
    rng = np.random.default_rng(seed)
    centres = np.array([(-2.0, -1.0), (0.0, 1.5), (2.0, -1.0)])
    cluster = np.arange(materials) % 3
    f = np.c_[centres[cluster] + rng.normal(0, 0.25, (materials, 2)), rng.normal(0, 1, materials)]
    order = rng.permutation(len(FAMILIES))
    mobile = [FAMILIES[order[i % len(order)]] for i in range(materials)]
    runs = []
    for i in range(materials):
        structure = {"all": {key: rng.normal(10, 1) for key in structural}}
        for T in temperatures:
            numbers = {}
            for group in GROUPS:
                own = {"all": 1.0, "framework": 0.9, "mobile": 0.3}[group]
                numbers[group] = {
                    key: base * (1 + 1e-4 * (T - 500)) + own * np.dot(by, f[i]) + noise * np.abs(by).max() * rng.normal()
                    for key, (base, *by) in VIBRATIONAL.items()}  # fmt: skip
            D = np.exp(-11 - 0.9 * f[i, 0] + 0.1 * rng.normal() + 0.004 * (T - 500))
            numbers["mobile"]["D_cm2_s"] = D
            runs.append({"material": f"M{i:05d}", "mobile": mobile[i], "temperature_K": float(T), "time_ps": 100.0 + rng.uniform(0, 10),
                         "numbers": numbers, "structure": structure})  # fmt: skip
    return runs, f, cluster
