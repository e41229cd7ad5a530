/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_STRUCTURE_H
#define IW_STRUCTURE_H
/*
 * structure.h - what a crystal is before it is set in motion: symmetry, density, composition,
 * distances between neighbours.
 *
 * From one frame: of a run its first one, or a perfect structure that the user gives.  Definitions:
 * docs/physics.md, "Structure".  Pure but for the lock of symmetry.c; 0.1 s for 300 atoms, most of
 * it the symmetry's.
 */
#include "describe/symmetry.h"
#include "frame.h"

typedef struct {
    size_t atoms, species, mobile_atoms; /* atoms 0: nothing is known */
    double volume_per_atom_A3, density_g_cm3;
    double lattice_anisotropy_A; /* of the cell as given, by the paper's authors */
    double lattice_anisotropy;   /* of the conventional cell, over its mean length; no unit */
    double angle_anisotropy_deg; /* of the cell as given, by the paper's authors */
    double mean_mass_amu, mean_mass_mobile_amu, mean_mass_framework_amu;
    double mobile_fraction, mobile_concentration_A3; /* of atoms; per A3 */
    /* Distance of an atom to its nearest neighbour, mean and least over the atoms. */
    double nn_mean_A, nn_min_A;
    double nn_mobile_mean_A, nn_mobile_min_A;       /* mobile to mobile */
    double nn_framework_mean_A, nn_framework_min_A; /* mobile to framework */
    double coordination; /* of mobile atoms by the framework, Hoppe's effective number */
    iw_symmetry symmetry;
    char remark[200]; /* why there is no symmetry; "" */
} iw_structure;

/* mobile: [run->n_species], which species are; where none or all of them are, numbers that need
 * both kinds are NAN.  at_rest: ions are at their places, so that P1 is a space group; of a frame
 * in motion it says nothing, and the symmetry is then not known.  INVALID: no cell, a singular one;
 * NO_MEMORY. */
iw_status iw_structure_describe(const iw_run_info *run, const iw_frame *frame, const bool *mobile,
                                bool at_rest, iw_structure *out, iw_error *err);

/* A number of a structure under its name in the catalogue ("density_g_cm3"); NULL past the last. */
const char *iw_structure_number(const iw_structure *self, size_t index, double *value);

#endif
