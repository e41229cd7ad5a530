#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""bench_analyze.py [--smoke] [--frames N] [--atoms N] [--rounds N] [--build FOLDER]

`ionwatch analyze` of a finished file (MSD of every frame and all lags to half the run, VACF, VDOS,
D with its error) beside programs that compute the MSD alone: NumPy's rfft (float64, 20 atoms at a
time, all lags to half the run) and MDAnalysis' EinsteinMSD with tidynamics, where it is installed.
CPU seconds (user and system) and wall seconds, turns taken, medians; all from files in the page cache, the others from raw doubles,
which are read faster than any trajectory format.  Every result is compared with the first.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

try:
    import numpy
except ImportError:
    print("SKIPPED: no python3-numpy")
    sys.exit(77)

ATOMS_AT_A_TIME = 20


def fast_length(n):
    """The least 2^a, 3 2^a or 5 2^a that is not below n."""
    best = None
    for length in (1, 3, 5):
        while length < n:
            length *= 2
        best = length if best is None else min(best, length)
    return best


def numpy_msd(x):
    """MSD over all atoms of x[frames][atoms][3], lags 0..frames/2, all origins; drift removed."""
    frames, atoms = x.shape[:2]
    lags = frames // 2 + 1
    size = fast_length(frames + lags)
    power = numpy.zeros(size // 2 + 1)
    squares = numpy.zeros(frames)
    for first in range(0, atoms, ATOMS_AT_A_TIME):
        part = numpy.ascontiguousarray(
            x[:, first:first + ATOMS_AT_A_TIME].reshape(frames, -1).T)
        part -= part[:, :1]
        squares += (part * part).sum(axis=0)
        spectrum = numpy.fft.rfft(part, size, axis=1)
        power += (spectrum.real ** 2 + spectrum.imag ** 2).sum(axis=0)
    cross = numpy.fft.irfft(power, size)[:lags]
    prefix = numpy.concatenate(([0.0], squares.cumsum()))
    n = numpy.arange(lags)
    ends = prefix[frames - n] + prefix[frames] - prefix[n]
    return (ends - 2 * cross) / (atoms * (frames - n))


def mdanalysis_msd(x):
    import MDAnalysis
    from MDAnalysis.analysis.msd import EinsteinMSD
    universe = MDAnalysis.Universe.empty(x.shape[1], trajectory=True)
    universe.load_new(x, order="fac")
    return EinsteinMSD(universe, select="all", msd_type="xyz", fft=True).run().results.timeseries


def has_mdanalysis():
    try:
        import MDAnalysis.analysis.msd  # noqa: F401
        import tidynamics  # noqa: F401
    except ImportError:
        return False
    return True


def cpu_seconds():
    """User and system, of this process and the children that it has waited for."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in usage)


def seconds(function, *arguments):
    """CPU and wall seconds, and what the function returned."""
    start, before = time.perf_counter(), cpu_seconds()
    result = function(*arguments)
    return (cpu_seconds() - before, time.perf_counter() - start), result


def median(pairs):
    return [statistics.median(values) for values in zip(*pairs)]


def analyze(build, path, *options):
    command = [os.path.join(build, "ionwatch"), "analyze", path + ".iwlog", "--drift", "none",
               "--no-paper", *options]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout


def analyzed_msd(build, path):
    record = json.loads(analyze(build, path, "--msd-stride", "1", "--json", "--full"))
    return numpy.array(record["groups"]["all"]["msd"]["msd_A2"])


def check(name, msd, expected):
    lags = min(len(msd), len(expected))
    worst = numpy.abs(msd[1:lags] / expected[1:lags] - 1).max()
    if worst > 1e-5:
        sys.exit(f"{name} differs from NumPy by {worst:.1e}")
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--frames", type=int, default=100000)
    parser.add_argument("--atoms", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--build", default="build")
    options = parser.parse_args()
    if options.smoke:
        options.frames, options.atoms, options.rounds = 2000, 12, 1
    rows = {"analyze": [], "default": [], "read": [], "numpy": [], "mdanalysis": []}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "run")
        subprocess.run([os.path.join(options.build, "tests/bench/bench_analyze_write"), path,
                        str(options.atoms), str(options.frames)], check=True)
        shape = (options.frames, options.atoms, 3)
        for _ in range(options.rounds):
            rows["analyze"].append(seconds(analyze, options.build, path, "--msd-stride", "1")[0])
            rows["default"].append(seconds(analyze, options.build, path)[0])
            read, x = seconds(numpy.fromfile, path + ".raw")
            x = x.reshape(shape)
            taken, expected = seconds(numpy_msd, x)
            rows["read"].append(read)
            rows["numpy"].append(taken)
            if has_mdanalysis():
                taken, theirs = seconds(mdanalysis_msd, x)
                rows["mdanalysis"].append(taken)
                check("MDAnalysis", theirs, expected)
            del x
        error = check("ionwatch analyze", analyzed_msd(options.build, path), expected)
    own = median(rows["analyze"])
    print(f"{options.atoms} atoms x {options.frames} frames, medians of {options.rounds}; "
          f"MSD differs by at most {error:.0e}")
    print(f"{'seconds':<40} {'CPU':>8} {'wall':>8}   ionwatch over it: CPU, wall")
    print(f"{'ionwatch analyze, MSD of every frame':<40} {own[0]:8.2f} {own[1]:8.2f}")

    def row(name, value):
        print(f"{name:<40} {value[0]:8.2f} {value[1]:8.2f}   "
              f"{own[0] / max(value[0], 1e-6):5.2f} {own[1] / value[1]:5.2f}")

    row("the same, MSD every 10 fs (default)", median(rows["default"]))
    batch, read = median(rows["numpy"]), median(rows["read"])
    row("NumPy rfft, MSD alone", batch)
    row("NumPy rfft, MSD alone, with reading", [a + b for a, b in zip(batch, read)])
    if rows["mdanalysis"]:
        row("MDAnalysis EinsteinMSD, fft", median(rows["mdanalysis"]))
    else:
        print("MDAnalysis EinsteinMSD, fft              skipped: python3-mdanalysis or tidynamics "
              "is not installed")


if __name__ == "__main__":
    main()
