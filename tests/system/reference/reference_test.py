#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`ionwatch analyze` against brute-force values of third-party trajectories.

    reference_test.py DATASET

The values are in ../shared/data/references.json (brute force, float64, no FFT), whole curves in
curves/.  Every file is read as it is where its conventions are the program's; where they are not,
a converted copy is written first, and the reason stands at the conversion.  Exit 77: no data.
"""
import csv
import gzip
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

BUILD = os.path.abspath(os.environ.get("IONWATCH_BUILD", "build"))
SOURCE = os.environ.get("IONWATCH_SOURCE", ".")
DATA = os.path.join(os.environ.get("IONWATCH_SHARED", os.path.join(SOURCE, "../shared")), "data")
KB_MEV = 8.617333262145179e-2
A2_FS2 = 1e-6  # one A2/ps2 in (A/fs)2
CM2_S = 1e-4   # one A2/ps in cm2/s

checked = 0
failures = []


def check(what, got, want, rtol, atol=0.0):
    """Arrays or numbers; remembers the first value that is off."""
    global checked
    got, want = np.atleast_1d(np.array(got, float)), np.atleast_1d(np.array(want, float))
    checked += want.size
    if got.shape != want.shape:
        failures.append(f"{what}: {got.shape} values, expected {want.shape}")
        return
    off = ~(np.abs(got - want) <= atol + rtol * np.abs(want))  # NaN is off
    if off.any():
        i = int(np.argmax(off))
        failures.append(f"{what}[{i}]: {got[i]!r}, expected {want[i]!r} (rtol {rtol}, atol {atol})")


def analyze(paths, *options):
    """The record that `ionwatch analyze --json --series --full` prints."""
    command = [os.path.join(BUILD, "ionwatch"), "analyze", "--json", "--series", "--full",
               "--msd-stride", "1", "--skip", "none", *options, "--", *paths]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nexit {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout)


def series(record, group, name, column):
    return np.array(record["groups"][group][name][column], float)


def curve(name, what):
    with gzip.open(os.path.join(DATA, "curves", f"{name}_{what}.csv.gz"), "rt") as file:
        rows = list(csv.reader(file))
    table = np.array(rows[1:], float)
    return {key: table[:, i] for i, key in enumerate(rows[0])}


def masses(meta):
    return ",".join(f"{s}={m!r}" for s, m in meta["masses"].items())


# ---- conversions ----

def read_extxyz(path):
    """Species, frames of columns after the symbol, cells."""
    with gzip.open(path, "rt") as file:
        lines = file.read().split("\n")
    n = int(lines[0])
    starts = range(0, len(lines) - n - 1, n + 2)
    species = [line.split()[0] for line in lines[2:2 + n]]
    data = np.array([[l.split()[1:] for l in lines[i + 2:i + 2 + n]] for i in starts], float)
    cells = np.array([lines[i + 1].split('"')[1].split() for i in starts], float).reshape(-1, 3, 3)
    return species, data, cells


def write_extxyz(path, species, r, v_A_ps, dt_fs):
    """Unwrapped positions without a cell, velocities in A/fs."""
    with open(path, "w") as file:
        for t in range(len(r)):
            file.write(f"{len(species)}\nProperties=species:S:1:pos:R:3:{VELOCITY_COLUMN}:R:3 "
                       f"Time={t * dt_fs!r}\n")
            for s, x, v in zip(species, r[t].tolist(), (v_A_ps[t] * VELOCITY_UNIT).tolist()):
                file.write(" ".join([s, *map(repr, x), *map(repr, v)]) + "\n")


VELOCITY_COLUMN, VELOCITY_UNIT = "vel", 1e-3


def unwrap_lattice_view(wrapped, cells):
    """Fractional coordinates unwrapped, times the cell of their own frame."""
    frac = np.einsum("tni,tij->tnj", wrapped, np.linalg.inv(cells))
    step = np.diff(frac, axis=0)
    step -= np.round(step)
    frac[1:] = frac[0] + np.cumsum(step, axis=0)
    return np.einsum("tni,tij->tnj", frac, cells)


def central_differences(r, dt_fs):
    """Positions and velocities (A/ps) of the frames 1..F-2."""
    return r[1:-1], (r[2:] - r[:-2]) / (2e-3 * dt_fs)


# ---- what is compared ----

def compare_msd(name, reference, records, rtol):
    whole = curve(name, "msd")
    kinds = ["all", *reference["species"]]
    for mode, record in records.items():
        for kind in kinds:
            values = reference["msd"][mode][kind]
            msd = series(record, kind, "msd", "msd_A2")
            # a solid's slope is noise: its error is that of the values over the fit window
            noise = rtol * msd.max() / (6 * reference["msd"]["fit_ps"][1]) * CM2_S * 4
            check(f"{mode} {kind} lag", series(record, kind, "msd", "lag_ps"), whole["t_ps"], 1e-6)
            check(f"{mode} {kind} MSD", msd, whole[f"{mode}_{kind}"], rtol, 1e-14)
            for lag, value in values["msd_A2_at_lag"].items():
                check(f"{mode} {kind} MSD({lag})", msd[int(lag)], value, rtol, 1e-14)
            check(f"{mode} {kind} D_einstein", record["groups"][kind]["D_einstein_cm2_s"],
                  values["D_A2_per_ps"] * CM2_S, rtol, noise)


def compare_vacf(name, reference, record, rtol):
    whole = curve(name, "vacf")
    for kind in ["all", *reference["species"]]:
        values = reference["vacf"][kind]
        c = series(record, kind, "vacf", "c") / A2_FS2
        scale = rtol * abs(c[0])
        check(f"{kind} VACF", c, whole[kind], rtol, scale)
        for lag, value in values["C_A2_per_ps2_at_lag"].items():
            check(f"{kind} VACF({lag})", c[int(lag)], value, rtol, scale)
        t_ps = whole["t_ps"]
        check(f"{kind} D_GK", record["groups"][kind]["D_green_kubo_cm2_s"],
              values["D_GK_A2_per_ps"] * CM2_S, rtol, scale * t_ps[-1] / 3 * CM2_S)


def trapezoid(y, x):
    return float(np.sum((y[1:] + y[:-1]) * np.diff(x)) / 2)


def mean(e, g, upper=np.inf):
    keep = e <= upper
    return trapezoid((e * g)[keep], e[keep]) / trapezoid(g[keep], e[keep])


def compare_vdos(name, reference, record, rtol):
    """Physical VDOS, taper hann: the whole curve of all atoms, <w> of every group, E, F, S, Cv."""
    want = reference["vdos"]["hann_mass"]
    whole = curve(name, "vdos_hann_mass")
    e, g = series(record, "all", "vdos", "energy_meV"), series(record, "all", "vdos", "g")
    three_n = 3 * reference["atoms"]
    top = np.abs(whole["g_3N_per_meV"]).max()
    check("VDOS energy", e, whole["E_meV"], 1e-9)
    check("VDOS", g * three_n, whole["g_3N_per_meV"], rtol, rtol * top)
    got = record["groups"]["all"]
    check("E", got["e_vib_meV"], want["E_meV"] / three_n, rtol)
    check("F", got["f_vib_meV"], want["F_meV"] / three_n, 0, rtol * want["E_meV"] / three_n)
    check("S", got["s_vib_meV_K"], want["S_meV_per_K"] / three_n, rtol)
    check("Cv", got["c_v_meV_K"], want["Cv_meV_per_K"] / three_n, rtol)
    check("S per atom", got["s_vib_kB_atom"], want["S_kB_per_atom"], rtol)
    check("Cv per atom", got["c_v_kB_atom"], want["Cv_kB_per_atom"], rtol)
    # The reference's <w> begins at E = 0, the program's at the first bin above: by its own curve.
    for kind in ["all", *reference["species"]]:
        e, g = series(record, kind, "vdos", "energy_meV"), series(record, kind, "vdos", "g")
        want = reference["vdos"]["hann_mass" if kind == "all" else f"hann_{kind}"]
        check(f"{kind} <w>", mean(e, g), want["w_meV"], rtol)
        check(f"{kind} <w> of the record", record["groups"][kind]["omega_mean_meV"],
              mean(e[1:], g[1:]), 1e-12)
        if want["w30_meV"] is not None:
            check(f"{kind} <w30>", mean(e, g, 30.0), want["w30_meV"], rtol)
            check(f"{kind} <w30> of the record", record["groups"][kind]["omega30_mean_meV"],
                  mean(e[1:], g[1:], 30.0), 1e-12)


def compare_paper(reference, record, rtol=1e-6):
    want, got = reference["vdos"]["db"], record["groups"]["all"]["paper"]
    for key, there in [("omega_mean_meV", "w_meV"), ("omega30_mean_meV", "w30_meV"),
                       ("e_vib_meV", "E_meV_per_mode"), ("f_vib_meV", "F_meV_per_mode"),
                       ("s_vib_meV_K", "S_meV_per_K_per_mode"),
                       ("c_v_meV_K", "Cv_meV_per_K_per_mode")]:
        check(f"paper {key}", got[key], want[there], rtol)


def identities(record):
    """F = E - T S, for every group and both methods."""
    t = record["run"]["temperature_K"]
    for name, group in record["groups"].items():
        for method in (group, group["paper"]):
            if method and method["e_vib_meV"] is not None:
                e, s = method["e_vib_meV"], method["s_vib_meV_K"]
                check(f"{name} F = E - T S", method["f_vib_meV"], e - t * s, 0, 1e-12 * (e + t * s))


# ---- the data sets ----

class Dataset:
    def __init__(self, name):
        self.name = name
        self.folder = os.path.join(DATA, name)
        with open(os.path.join(self.folder, "meta.json")) as file:
            self.meta = json.load(file)
        with open(os.path.join(DATA, "references.json")) as file:
            self.reference = json.load(file)["datasets"][name]
        # the window reaches every lag of the reference, half the run
        self.options = ["--dt", repr(self.meta["dt_fs"]), "--masses", masses(self.meta),
                        "--temperature", str(self.meta["temperature_K"]),
                        "--vacf-window", repr(self.reference["frames"] * self.meta["dt_fs"] / 1000)]

    def file(self, name):
        return os.path.join(self.folder, name)

    def files(self):
        return [self.file(name) for name in self.meta["files"]]


def both_drifts(paths, options):
    com = analyze(paths, *options, "--no-paper")
    raw = analyze(paths, *options, "--drift", "none", "--taper", "hann")
    return {"com": com, "raw": raw}


def own_velocities(data, paths, options, rtol):
    """The common case: the file has velocities and is read as it is."""
    records = both_drifts(paths, options)
    compare_msd(data.name, data.reference, records, rtol)
    compare_vacf(data.name, data.reference, records["raw"], rtol)
    if "vdos" in data.reference:
        compare_vdos(data.name, data.reference, records["raw"], 10 * rtol)
        compare_paper(data.reference, records["raw"])
    identities(records["raw"])
    return records


def li6ps5cl_50p_500K(data, folder):
    compare_msd(data.name, data.reference,
                both_drifts(data.files(), data.options), 1e-10)


def species_of_atoms(data):
    """A dump without types: names of atoms, "Ga*54,N*54"."""
    runs = []
    for s in data.meta["species"]:
        if runs and runs[-1][0] == s:
            runs[-1][1] += 1
        else:
            runs.append([s, 1])
    return ["--species", ",".join(f"{s}*{n}" for s, n in runs)]


def al31_vacancy_1200K(data, folder):
    compare_msd(data.name, data.reference,
                both_drifts(data.files(), data.options + species_of_atoms(data)), 1e-10)


def gan_2000K(data, folder):
    own_velocities(data, data.files(), data.options + species_of_atoms(data), 1e-9)


def thf01_gas(data, folder):
    own_velocities(data, data.files()[:1], data.options, 1e-9)


water32_300K = thf01_gas


def waterbox_spc(data, folder):
    """Constant pressure: the reference multiplies unwrapped fractions with the box of their frame
    (lattice view, MDANSE's), the program sums displacements (TOR, physics.md), which differ by
    0.1 %.  So the positions are unwrapped the reference's way first, and have no cell."""
    species, a, cells = read_extxyz(data.file("traj.extxyz.gz"))
    path = os.path.join(folder, "waterbox.extxyz")
    write_extxyz(path, species, unwrap_lattice_view(a[:, :, :3], cells), a[:, :, 3:],
                 data.meta["dt_fs"])
    # The text file rounds the single precision of the original in the seventh digit.
    own_velocities(data, [path], data.options, 2e-6)


def from_positions(data, folder, rtol):
    """Positions alone: MSD and method paper from the file; the reference's VACF and VDOS are of
    central differences, which the program does not use, so they come as velocities."""
    path = data.file("traj.extxyz.gz")
    records = both_drifts([path], data.options)
    compare_msd(data.name, data.reference, records, rtol)
    compare_paper(data.reference, records["raw"])
    identities(records["raw"])
    species, a, _ = read_extxyz(path)
    r, v = central_differences(a[:, :, :3], data.meta["dt_fs"])
    with_velocities = os.path.join(folder, "central.extxyz")
    write_extxyz(with_velocities, species, r, v, data.meta["dt_fs"])
    record = analyze([with_velocities], *data.options, "--drift", "none", "--taper", "hann",
                     "--no-paper")
    compare_vacf(data.name, data.reference, record, rtol)
    compare_vdos(data.name, data.reference, record, 10 * rtol)


def lgps_600K(data, folder):
    # ten decimals in the text file, more in the reference's JSON
    from_positions(data, folder, 1e-7)


def aln_300K_qe(data, folder):
    from_positions(data, folder, 1e-9)


# ---- independent witnesses ----

def witness_mdanse(folder):
    """MDANSE's stored MSD and VACF/3 of the first ten frames of waterbox_spc."""
    data = Dataset("waterbox_spc")
    species, a, cells = read_extxyz(data.file("traj.extxyz.gz"))
    path = os.path.join(folder, "ten.extxyz")
    write_extxyz(path, species, unwrap_lattice_view(a[:, :, :3], cells)[:10], a[:10, :, 3:],
                 data.meta["dt_fs"])
    record = analyze([path], *data.options, "--drift", "none", "--no-paper")
    with open(data.file("mdanse_ref_msd_vacf.csv")) as file:
        rows = list(csv.DictReader(file))
    for kind, there in [("O", "O"), ("H", "H"), ("all", "total")]:
        msd = [100 * float(row[f"msd_{there}_nm2"]) for row in rows[:6]]
        vacf = [300 * float(row[f"vacf_{there}_nm2_ps2"]) for row in rows[:6]]
        check(f"{kind} MSD", series(record, kind, "msd", "msd_A2"), msd, 2e-6, 1e-10)
        check(f"{kind} VACF", series(record, kind, "vacf", "c") / A2_FS2, vacf, 0, 2e-6 * vacf[0])


def read_dump(path):
    with gzip.open(path, "rt") as file:
        lines = file.read().split("\n")
    n = int(lines[3])
    starts = range(0, len(lines) - n - 8, n + 9)
    return [lines[i:i + n + 9] for i in starts]


def witness_lammps(folder):
    """LAMMPS' own numbers of the run gan_2000K: compute msd and vacf from one time origin, which
    are lag 1 of a file of two frames, and fix ave/correlate, all origins, of two atoms."""
    data = Dataset("gan_2000K")
    frames = read_dump(data.file("gan.dump.gz"))
    single = np.loadtxt(data.file("lammps_single_origin.txt"))
    for k in (1, 10, 300, 1200):
        path = os.path.join(folder, "two.dump")
        later = list(frames[k])
        later[1] = "5"  # the spacing does not matter to the numbers
        with open(path, "w") as file:
            file.write("\n".join(frames[0] + later) + "\n")
        options = data.options + species_of_atoms(data) + ["--format", "lammps", "--no-paper"]
        for drift, column in [("none", 1), ("com", 2)]:
            record = analyze([path], *options, "--drift", drift)
            check(f"msd {drift} at frame {k}", series(record, "all", "msd", "msd_A2")[1],
                  single[k, column], 0, 1e-6)
            check(f"vacf at frame {k}", series(record, "all", "vacf", "c")[1] / A2_FS2,
                  single[k, 3], 0, 3e-4)
    pair = os.path.join(folder, "pair.dump")
    with open(pair, "w") as file:
        for frame in frames:
            file.write("\n".join([*frame[:3], "2", *frame[4:9],
                                  *(line for line in frame[9:] if line.split()[0] in ("1", "60"))])
                       + "\n")
    record = analyze([pair], *data.options, "--species", "Ga,N", "--format", "lammps",
                     "--drift", "none", "--no-paper")
    table = np.loadtxt(data.file("lammps_correlate.txt"))
    for kind, first in [("Ga", 3), ("N", 6)]:
        want = table[:, first:first + 3].sum(axis=1)
        c = series(record, kind, "vacf", "c")[:len(want)] / A2_FS2
        check(f"fix ave/correlate {kind}", c, want[:len(c)], 0, 2e-5 * want[0])


def main():
    name = sys.argv[1]
    if not os.path.exists(os.path.join(DATA, "references.json")):
        print(f"SKIPPED: no reference data at {DATA}")
        return 77
    with tempfile.TemporaryDirectory(prefix="iw-reference-") as folder:
        if name.startswith("witness_"):
            globals()[name](folder)
        else:
            globals()[name](Dataset(name), folder)
    for failure in failures[:20]:
        print(failure)
    print(f"{name}: {checked} values compared, {len(failures)} groups of them off")
    return 1 if failures or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
