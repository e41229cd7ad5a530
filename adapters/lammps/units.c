/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/lammps/units.h"

#include <stddef.h>
#include <string.h>

/* CODATA 2018, SI. */
#define CHARGE   1.602176634e-19
#define AVOGADRO 6.02214076e23
#define KB       1.380649e-23
#define AMU      1.66053906660e-27
#define BOHR_A   0.529177210903
#define HARTREE  27.211386245988 /* eV */
/* sqrt(amu A^2 / eV) in fs */
#define TAU_FS 10.180505710759414

static const iw_lammps_units styles[] = {
    /* name, A, fs, eV, amu, e, K */
    {"metal", 1.0, 1.0e3, 1.0, 1.0, 1.0, 1.0},
    {"real", 1.0, 1.0, 4184.0 / (AVOGADRO * CHARGE), 1.0, 1.0, 1.0},
    {"si", 1.0e10, 1.0e15, 1.0 / CHARGE, 1.0 / AMU, 1.0 / CHARGE, 1.0},
    {"cgs", 1.0e8, 1.0e15, 1.0e-7 / CHARGE, 1.0e-3 / AMU, 3.3356409519815204e-10 / CHARGE, 1.0},
    {"electron", BOHR_A, 1.0, HARTREE, 1.0, 1.0, 1.0},
    {"micro", 1.0e4, 1.0e9, 1.0e-15 / CHARGE, 1.0e-15 / AMU, 1.0e-12 / CHARGE, 1.0},
    {"nano", 10.0, 1.0e6, 1.0e-21 / CHARGE, 1.0e-21 / AMU, 1.0, 1.0},
    {"lj", 1.0, TAU_FS, 1.0, 1.0, 1.0, CHARGE / KB},
};

const iw_lammps_units *
iw_lammps_units_find(const char *name)
{
    for (size_t i = 0; name && i < sizeof styles / sizeof styles[0]; i++)
        if (strcmp(styles[i].name, name) == 0)
            return &styles[i];
    return NULL;
}

const char *
iw_lammps_units_names(void)
{
    return "metal, real, si, cgs, electron, micro, nano, lj";
}
