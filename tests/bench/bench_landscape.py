#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""bench_landscape.py MATERIALS [FOLDER]: how long each analysis of so many synthetic materials takes, three
runs of each, and the whole report; database and report stay in FOLDER."""
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("IONWATCH_BUILD", SOURCE / "build")).resolve()
sys.path[:0] = [str(SOURCE / "adapters/python"), str(SOURCE / "tests/system/python")]
os.environ["IONWATCH_PROGRAM"] = str(BUILD / "ionwatch")

import landscapes  # noqa: E402

STRUCTURAL = ("symmetry_operations", "volume_per_atom_A3", "density_g_cm3", "lattice_anisotropy", "mean_mass_amu", "mean_mass_mobile_amu",
              "mobile_fraction", "mobile_concentration_per_A3", "nn_distance_A", "nn_mobile_mobile_A", "nn_mobile_framework_A",
              "coordination_number")  # fmt: skip


def main():
    materials = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else temporary)
        folder.mkdir(exist_ok=True)
        path = landscapes.empty(folder)
        landscapes.write(path, landscapes.planted(materials, structural=STRUCTURAL)[0])
        print(f"{materials} materials, {3 * materials} runs in {path}, {path.stat().st_size / 2**20:.0f} MiB")
        report = ["report", "--models", "kernel-ridge,forest", "-o", str(folder / "report")]
        for words in (["select"], ["correlate"], ["components"], ["clusters"], ["regress", "--models", "kernel-ridge"], report):
            began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([str(BUILD / "ionwatch"), "landscape", *words, "-T", "500", "--db", str(path)], check=True, stdout=subprocess.DEVNULL)
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
            print(f"{words[0]:12} {time.monotonic() - began:6.1f} s, {cpu:5.1f} s of processor time")


if __name__ == "__main__":
    main()
