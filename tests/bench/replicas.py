#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""replicas.py [--seeds N] [--ps T] [--temperature K] [--jobs N] [--folder DIR] [--build FOLDER] [--smoke]

Do the errors that ionwatch claims for D hold on real dynamics?  The same system several times over:
independent seeds of adapters/lammps/examples/in.caf2 (CaF2, 324 atoms; about half a minute of one
processor for each 20 ps), and the consecutive segments of an ab-initio run of Li6PS5Cl where
the reference data are there.  Each replica goes through `ionwatch analyze` by itself.

Printed for each set: D of the mobile species, its standard error and interval; the weighted mean;
chi-square of the replicas about it with its p-value; the spread of D over the mean of the claimed
errors (1 where they are honest), and over those by blocks and by hops alone, and the same for the
vibrational descriptors and Green-Kubo D of mobile and framework ions; for how many replicas the 95 % interval holds the mean of the
others; and the gain, the ratio of the variance of D_einstein to that of D: how much longer a run
must be for D_einstein to reach the same error.  The range beside spread and gain is what chance
alone leaves open with so few replicas (95 %).

--folder keeps the frame logs, and does not run again what is there.
"""
import argparse
import concurrent.futures
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
STEPS_PER_PS = 500  # of 2 fs
EQUILIBRATION_PS = 5


def chi_square_tail(x, n):
    """Probability that chi-square with n degrees of freedom exceeds x."""
    half = x / 2
    term = math.exp(-half) if n % 2 == 0 else math.sqrt(half / math.pi) * 2 * math.exp(-half)
    tail, k = (0.0, 2) if n % 2 == 0 else (math.erfc(math.sqrt(half)), 3)
    while k <= n:
        tail += term
        term *= x / k
        k += 2
    return min(tail, 1.0)


def chi_square_quantile(p, n):
    low, high = 0.0, 100.0 + 10.0 * n
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if 1 - chi_square_tail(middle, n) < p else (low, middle)
    return low


def variance_ratio_range(n):
    """95 % range of the ratio of two variances from n degrees of freedom each, where the true one
    is 1: by integration over both."""
    steps = 400
    values = [chi_square_quantile((i + 0.5) / steps, n) for i in range(steps)]
    ratios = sorted(a / b for a in values for b in values)
    return ratios[len(ratios) // 40], ratios[-1 - len(ratios) // 40]


def run_seed(seed, options, folder):
    """The frame log of one seed."""
    log = os.path.join(folder, f"caf2-{options.temperature:g}K-{options.ps:g}ps-{seed}.iwlog")
    if os.path.exists(log):
        return log
    with open(os.path.join(SOURCE, "adapters/lammps/examples/in.caf2")) as file:
        start = file.read().split("\ninclude")[0]
    part = log + ".part"
    name = os.path.join(folder, f"in.{seed}")
    with open(name, "w") as file:
        file.write(f"{start}\ninclude {options.build}/lammps/ionwatch.lmp\n"
                   f"fix iw all ionwatch 2 species Ca F name CaF2-seed-{seed} set mobile F "
                   f"endpoint file://{part}\nrun ${{nrun}}\n")
    command = ["lmp", "-in", name, "-log", "none", "-screen", "none", "-v", "seed", str(seed),
               "-v", "T", f"{options.temperature:g}",
               "-v", "nequ", str(round(options.equilibration * STEPS_PER_PS)),
               "-v", "nrun", str(round(options.ps * STEPS_PER_PS))]
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
                   stdout=subprocess.DEVNULL)
    os.rename(part, log)
    return log


def analyze(options, path, *more):
    command = [os.path.join(options.build, "ionwatch"), "analyze", path, "--json", "--no-paper",
               *more]
    record = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL).stdout)
    return record["groups"]


def print_spread(estimates):
    """Spread of D over the mean error, for each kind of error that every replica has."""
    n = len(estimates) - 1
    spread = statistics.stdev(d["value"] for d in estimates)
    low, high = (math.sqrt(chi_square_quantile(p, n) / n) for p in (0.025, 0.975))
    for key, name in (("stderr", "claimed error"), ("stderr_blocks", "error by blocks"),
                      ("stderr_hops", "error by hops")):
        errors = [d.get(key) for d in estimates]
        if None not in errors:
            claimed = math.sqrt(statistics.fmean(e * e for e in errors))
            print(f"  {'spread of D over ' + name:<34} {spread / claimed:.2f}   "
                  f"(of honest errors: {low:.2f}..{high:.2f})")


def print_spectra(records):
    """The same for what is made from velocities, of mobile and framework ions."""
    for key in ("omega_mean_meV", "omega30_mean_meV", "e_vib_meV", "f_vib_meV", "s_vib_meV_K",
                "c_v_meV_K", "D_green_kubo_cm2_s"):
        ratios = []
        for name in ("mobile", "framework"):
            groups = [record[name] for record in records]
            values = [g[key] for g in groups]
            errors = [g["D_green_kubo_stderr_cm2_s"] if key.startswith("D_") else g["stderr"][key]
                      for g in groups]
            if None in values or None in errors or not all(errors):
                return
            claimed = math.sqrt(statistics.fmean(e * e for e in errors))
            ratios.append(f"{statistics.stdev(values) / claimed:.2f}")
        print(f"  {'spread of ' + key + ' over error':<44} mobile {ratios[0]}, framework {ratios[1]}")


def judge(title, records):
    groups = [record["mobile"] for record in records]
    print(f"\n{title}\n  {'replica':<8} {'D cm2/s':>10} {'stderr':>9} {'ci95 from':>10} {'to':>9} "
          f"{'D_einstein':>11} {'hops':>6}")
    known, warnings = [], {}
    for number, group in enumerate(groups, 1):
        d = group["D_cm2_s"]
        if not d["value"] or d["value"] <= 0 or d["stderr"] is None:
            print(f"  {number:<8} not known, or none")
            continue
        known.append(group)
        print(f"  {number:<8} {d['value']:10.3e} {d['stderr']:9.2e} {d['ci95'][0]:10.3e} "
              f"{d['ci95'][1]:9.3e} {group['D_einstein_cm2_s']:11.3e} "
              f"{group['effective_hops']:6.0f}")
        if group.get("warning"):
            warnings.setdefault(group["warning"].split(" (")[0], []).append(str(number))
    for text, numbers in warnings.items():
        print(f"  warning, {', '.join(numbers)}: {text}")
    n = len(known) - 1
    if n < 1:
        print("  too few to judge")
        return
    estimates = [group["D_cm2_s"] for group in known]
    values = [d["value"] for d in estimates]
    errors = [d["stderr"] for d in estimates]
    einstein = [group["D_einstein_cm2_s"] for group in known]
    # Weighted by the error relative to D: a replica that came out low by chance claims less.
    relative = [e / v for v, e in zip(values, errors)]
    weights = [1 / r ** 2 for r in relative]
    mean = sum(w * v for w, v in zip(weights, values)) / sum(weights)
    chi2 = sum(((v - mean) / (r * mean)) ** 2 for v, r in zip(values, relative))
    plain = sum(((v - mean) / e) ** 2 for v, e in zip(values, errors))
    inside = sum(d["ci95"][0] <= (sum(values) - d["value"]) / n <= d["ci95"][1] for d in estimates)
    print(f"  weighted mean D                    {mean:.3e} +- {mean / math.sqrt(sum(weights)):.1e} "
          f"cm2/s\n"
          f"  chi-square                         {chi2:.1f} of {n}, p = "
          f"{chi_square_tail(chi2, n):.3f} (errors relative to the mean); {plain:.1f}, p = "
          f"{chi_square_tail(plain, n):.3f} (as claimed)")
    print_spread(estimates)
    low, high = variance_ratio_range(n)
    gain = statistics.variance(einstein) / statistics.variance(values)
    print(f"  mean of the others in the interval {inside} of {len(known)}\n"
          f"  spread of D, of D_einstein         "
          f"{statistics.stdev(values) / statistics.fmean(values):.3f}, "
          f"{statistics.stdev(einstein) / statistics.fmean(einstein):.3f} of the mean\n"
          f"  gain in run length                 {gain:.1f}   (of equals: {low:.2f}..{high:.2f})")
    print_spectra(records)


def segments(options):
    shared = os.environ.get("IONWATCH_SHARED", os.path.join(SOURCE, "..", "shared"))
    folder = os.path.join(shared, "data", "li6ps5cl_50p_500K")
    paths = [os.path.join(folder, f"run{i}_XDATCAR.gz") for i in range(1, 6)]
    if not os.path.exists(paths[0]):
        print(f"\nLi6PS5Cl: SKIPPED, no reference data at {folder}")
        return
    judge("Li6PS5Cl, 500 K, 192 Li: consecutive segments of 14 ps (the last one 7 ps)",
          [analyze(options, path, "--dt", "100", "--temperature", "500") for path in paths])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--ps", type=float, default=20)
    parser.add_argument("--temperature", type=float, default=1600)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--folder")
    parser.add_argument("--build", default="build")
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    options.build = os.path.realpath(options.build)
    options.equilibration = EQUILIBRATION_PS
    if options.smoke:
        options.seeds, options.ps, options.equilibration = 3, 0.4, 0.02
    if not os.path.exists(f"{options.build}/lammps/ionwatch.lmp") or not shutil.which("lmp"):
        print(f"CaF2: SKIPPED, no LAMMPS fix in {options.build}")
        if options.smoke:
            sys.exit(77)
        segments(options)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = os.path.realpath(options.folder or temporary)
        os.makedirs(folder, exist_ok=True)
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            logs = list(pool.map(lambda seed: run_seed(seed, options, folder),
                                 range(1001, 1001 + options.seeds)))
        judge(f"CaF2, {options.temperature:g} K, 216 F: {options.seeds} seeds of {options.ps:g} ps",
              [analyze(options, log) for log in logs])
    if not options.smoke:
        segments(options)


if __name__ == "__main__":
    main()
