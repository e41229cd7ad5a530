#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""statics.py - what the potentials of materials.toml say without MD: to check them, and the VDOS.

Of each material the lattice constants at 0 K; of a cubic one also the mean phonon energy, by finite
differences of forces in the box of its coldest filed run, beside the omega_mean of that run.
"""

import argparse
import os
import pathlib
import subprocess
import tempfile

import campaign
import numpy as np

MOVE_A = 1e-3
MEV_OF_ROOT = 6.582119569e-13 * 9.6485332e27**0.5  # hbar omega, meV, of the root of eV/(A2 amu)
BEGIN = """units metal
atom_style charge
read_data structure.data
replicate {0} {1} {2}
include potential.lmp
kspace_modify mesh 32 32 32
"""
RELAX = """fix relax all box/relax x 0 y 0 z 0 vmax 0.001 couple {couple}
minimize 0 1e-6 2000 20000
print "edges $(lx) $(lz)"
"""
PLACES = """change_box all x final 0 {edge} y final 0 {edge} z final 0 {edge} remap units box
minimize 0 1e-8 300 1000
write_dump all custom places id x y z mass modify sort id format float %.12g
"""
FORCES = """group one id {atom}
displace_atoms one move {move} units box
run 0 post no
write_dump all custom forces.{atom}.{axis}.{sign} id fx fy fz modify sort id format float %.12g
displace_atoms one move {back} units box
"""


def lammps(material, folder, commands):
    """Standard output of LAMMPS, which runs the commands on the crystal of the campaign."""
    (folder / "structure.data").write_text(material.structure())
    (folder / "potential.lmp").write_text(material.commands())
    (folder / "energies.table").write_text(material.energies())
    (folder / "in.statics").write_text(BEGIN.format(*material.cells) + commands)
    return subprocess.run(["lmp", "-in", "in.statics", "-log", "none"], cwd=folder, text=True,
                          capture_output=True, check=True,
                          env=os.environ | {"OMP_NUM_THREADS": "1"}).stdout


def lattice_constants(material, folder):
    """a and c at 0 K, A."""
    said = lammps(material, folder, RELAX.format(couple=material.couple()))
    edges = next(line for line in said.splitlines() if line.startswith("edges")).split()[1:]
    return float(edges[0]) / material.cells[0], float(edges[1]) / material.cells[2]


def mean_energy(material, folder, edge):
    """Mean phonon energy of the perfect crystal in a cubic box, meV."""
    atoms = sum(map(len, campaign.LATTICES[material.lattice]))  # LAMMPS repeats them in this order
    steps = [(atom, axis, sign) for atom in range(1, atoms + 1) for axis in range(3)
             for sign in (1, -1)]

    def along(axis, far):
        return " ".join(str(far if k == axis else 0) for k in range(3))

    lammps(material, folder, PLACES.format(edge=edge) + "group one delete\n".join(
        FORCES.format(atom=atom, axis=axis, sign=sign, move=along(axis, sign * MOVE_A),
                      back=along(axis, -sign * MOVE_A)) for atom, axis, sign in steps))
    read = {name: np.loadtxt(folder / name, skiprows=9)[:, 1:] for name in
            ["places", *(f"forces.{a}.{k}.{s}" for a, k, s in steps)]}
    places, mass = read["places"][:, :3], read["places"][:, 3]
    n = len(mass)
    matrix = np.zeros((n, 3, n, 3))
    for shift in np.ndindex(*material.cells):
        # which atom each one becomes when the crystal is moved by whole cells
        moved = places + np.array(shift) * edge / np.array(material.cells)
        apart = (moved[:, None, :] - places[None]) / edge
        image = np.argmin(((apart - np.rint(apart)) ** 2).sum(axis=2), axis=1)
        for atom in range(atoms):
            for axis in range(3):
                there, back = (read[f"forces.{atom + 1}.{axis}.{sign}"] for sign in (1, -1))
                matrix[image[atom], axis, image] = (back - there) / (2 * MOVE_A)
    matrix = matrix.reshape(3 * n, 3 * n) / np.sqrt(np.outer(*2 * [np.repeat(mass, 3)]))
    values = np.linalg.eigvalsh((matrix + matrix.T) / 2)
    if values[3] <= 0:
        raise ValueError(f"{material.name} is not stable in a box of {edge:.3f} A")
    return MEV_OF_ROOT * np.sqrt(values[3:]).mean()


def coldest(runs, material):
    """Edge of the box (A), temperature and omega_mean of the coldest run of a material."""
    own = [r for r in runs.records() if r["run"]["material"] == material.name]
    record = min(own, key=lambda r: r["run"]["temperature_K"])
    volume = record["structure"]["volume_per_atom_A3"] * record["run"]["atoms"]
    return (volume ** (1 / 3), record["run"]["temperature_K"],
            record["groups"]["all"]["omega_mean_meV"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("only", nargs="*", metavar="MATERIAL")
    parser.add_argument("--db", default=f"sqlite://{campaign.HERE}/campaign.db")
    own = parser.parse_args()
    runs = campaign.Campaign(campaign.parse(["--db", own.db]))
    print("| Material | a, c at 0 K, A | T, K | phonons, meV | omega_mean of the run, meV |")
    print("|---|---|---|---|---|")
    for material in campaign.read_materials(own.only):
        if material.lattice == "alpha-AgI":  # no crystal at 0 K
            continue
        with tempfile.TemporaryDirectory() as folder:
            a, c = lattice_constants(material, pathlib.Path(folder))
            row = f"| {material.name} | {a:.3f}, {c:.3f} |"
            if material.lattice in campaign.LATTICES and not material.c_A:
                edge, temperature, omega = coldest(runs, material)
                try:
                    harmonic = f"{mean_energy(material, pathlib.Path(folder), edge):.2f}"
                except ValueError:
                    harmonic = "unstable"
                row += f" {temperature:.0f} | {harmonic} | {omega:.2f} |"
            else:
                row += " | | |"
            print(row, flush=True)


if __name__ == "__main__":
    main()
