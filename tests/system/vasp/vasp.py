# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for a VASP job: writes the files of a run as VASP writes them, step by step."""
import os

import numpy as np

SPECIES = ["Li"] * 8 + ["S"] * 4
CELL = np.array([[7.0, 0.0, 0.0], [-1.25, 6.5, 0.0], [0.5, -1.25, 8.0]])
POTIM = 2.0


def motion(steps, seed=3, temperature_K=600.0):
    """Fractions (steps, atoms, 3): atoms that shake about their sites, and lithium that drifts."""
    rng = np.random.default_rng(seed)
    mass = np.where(np.array(SPECIES) == "Li", 6.94, 32.06)
    n = len(SPECIES)
    omega = rng.uniform(0.03, 0.06, (n, 3))  # 1/fs
    speed = np.sqrt(2 * 8.314462618e-7 * temperature_K / mass)[:, None]  # A/fs
    phase = rng.uniform(0, 2 * np.pi, (n, 3))
    t = POTIM * np.arange(steps)[:, None, None]
    r = speed / omega * np.sin(omega * t + phase)
    walk = np.cumsum(rng.normal(0, 0.004, (steps, n, 3)), axis=0)
    walk[:, np.array(SPECIES) == "S"] = 0.0
    return (rng.uniform(0, 1, (n, 3)) + (r + walk) @ np.linalg.inv(CELL)) % 1.0


def rows(values, indent):
    return "".join(indent + "<v> %16.8f %16.8f %16.8f </v>\n" % tuple(row) for row in values)


def structure(fractions, name=""):
    named = f' name="{name}" ' if name else ""
    return (f"  <structure{named}>\n   <crystal>\n    <varray name=\"basis\" >\n{rows(CELL, '     ')}"
            "    </varray>\n   </crystal>\n   <varray name=\"positions\" >\n"
            f"{rows(fractions, '    ')}   </varray>\n  </structure>\n")


class Job:
    """One job, which overwrites the files that are there."""

    def __init__(self, folder, nblock=1, files=("vasprun.xml", "XDATCAR", "OUTCAR")):
        self.nblock = nblock
        self.step = 0
        self.file = {name: open(os.path.join(folder, name), "w") for name in files}
        self.write("OUTCAR", self.outcar_head())
        self.write("vasprun.xml", self.vasprun_head())

    def write(self, name, text):
        """As Fortran does: in pieces that end anywhere."""
        if name in self.file:
            for at in range(0, len(text), 4096):
                self.file[name].write(text[at:at + 4096])
                self.file[name].flush()

    def outcar_head(self):
        return (" vasp.6.3.2 27Jun22 (build) gamma-only\n   VRHFIN =Li: s1p0\n"
                "   POMASS =    6.940; ZVAL   =    1.000\n   VRHFIN =S : s2p4\n"
                "   POMASS =   32.060; ZVAL   =    6.000\n"
                "   ions per type =               8   4\n"
                f"   NBLOCK = {self.nblock:6d};   KBLOCK =      1    inner block\n"
                "   IBRION =      0    ionic relax\n"
                f"   POTIM  = {POTIM:.4f}    time-step for ionic-motion\n"
                "   TEBEG  =  600.0;   TEEND  = 600.0 temperature during run\n"
                "   POMASS =   6.94 32.06\n                MDALGO =   2\n"
                "      direct lattice vectors                 reciprocal lattice vectors\n"
                + "".join("   " + "%13.9f" * 3 % tuple(v) + "  0.1 0.1 0.1\n" for v in CELL))

    def vasprun_head(self):
        return ("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<modeling>\n <generator>\n"
                "  <i name=\"version\" type=\"string\">6.3.2  </i>\n </generator>\n <parameters>\n"
                f"  <i name=\"POTIM\"> {POTIM:.8f}</i>\n  <i type=\"int\" name=\"NBLOCK\"> {self.nblock}</i>\n"
                "  <i name=\"TEBEG\">    600.0</i>\n  <i name=\"TEEND\">    600.0</i>\n"
                "  <i type=\"int\" name=\"MDALGO\">     2</i>\n </parameters>\n <atominfo>\n"
                "  <array name=\"atomtypes\" >\n   <set>\n"
                "    <rc><c>   8</c><c>Li</c><c>      6.94000000</c></rc>\n"
                "    <rc><c>   4</c><c>S </c><c>     32.06000000</c></rc>\n   </set>\n  </array>\n"
                " </atominfo>\n")

    def write_step(self, fractions):
        energy, kinetic = -12.5 + 0.001 * self.step, 0.8
        if self.step % self.nblock == 0:
            if self.step == 0:
                self.write("XDATCAR", "LiS\n 1\n" + "".join("%13.8f %13.8f %13.8f\n" % tuple(v)
                                                           for v in CELL) + " Li S\n 8 4\n")
            self.write("XDATCAR", f"Direct configuration={self.step // self.nblock + 1:6d}\n" +
                       "".join("  %11.8f %11.8f %11.8f\n" % tuple(f) for f in fractions))
            self.write("OUTCAR", f"--- Iteration {self.step + 1:6d}(   1) ---\n"
                       " POSITION                       TOTAL-FORCE (eV/Angst)\n ----\n" + "".join(
                           " %12.5f %12.5f %12.5f  0.1 0.1 0.1\n" % tuple(r)
                           for r in fractions @ CELL))
        self.write("OUTCAR", f"  free  energy   TOTEN  = {energy:14.8f} eV\n"
                   f"  kinetic energy EKIN   = {kinetic:14.6f}\n"
                   f"  total energy   ETOTAL = {energy + kinetic:14.6f} eV\n")
        self.write("vasprun.xml", " <calculation>\n" + structure(fractions) + "  <energy>\n"
                   f"   <i name=\"e_fr_energy\"> {energy:16.8f} </i>\n"
                   f"   <i name=\"kinetic\"> {kinetic:16.8f} </i>\n  </energy>\n </calculation>\n")
        self.step += 1

    def end(self, last):
        """last: where the next job begins."""
        self.write("vasprun.xml", structure(last, "finalpos") + "</modeling>\n")
        for file in self.file.values():
            file.close()
