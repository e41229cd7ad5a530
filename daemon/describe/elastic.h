/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_ELASTIC_H
#define IW_ELASTIC_H
/*
 * elastic.h - what an elastic tensor says of a material: moduli of the polycrystal by Voigt, Reuss
 * and Hill, and what follows from them.
 *
 * The tensor is the 6x6 matrix of stiffnesses C in GPa, for engineering strains, rows and columns
 * xx yy zz yz xz xy.  Definitions and sources: docs/physics.md, "Elastic tensor".  Pure; no state.
 */
#include "error.h"

/* Order of rows and columns: Voigt's xx yy zz yz xz xy, or VASP's xx yy zz xy yz zx. */
typedef enum { IW_ELASTIC_VOIGT, IW_ELASTIC_VASP } iw_elastic_order;

typedef struct {
    double bulk_GPa, shear_GPa, young_GPa, poisson;
} iw_moduli;

typedef struct {
    double c_GPa[6][6];        /* symmetric, in Voigt's order */
    double eigenvalues_GPa[6]; /* of the tensor in Kelvin's notation, ascending: any axes */
    iw_moduli voigt, reuss, hill;
    /* Of Hill's averages: */
    double pugh_ratio;          /* shear over bulk modulus */
    double cauchy_pressure_GPa; /* mean of C23 - C44, C13 - C55, C12 - C66, that is
                                   (C_iijj - C_ijij)/6: any axes; cubic: C12 - C44 */
    double universal_anisotropy;
    double hardness_chen_GPa, hardness_tian_GPa; /* Vickers */
    double velocity_ratio;                       /* longitudinal over transverse */
    /* NAN unless the density is known; the last one, unless the volume of an atom is as well. */
    double longitudinal_km_s, transverse_km_s, mean_velocity_km_s;
    double debye_K;
} iw_elastic;

/* From 6x6 numbers, rows after rows.  INVALID, with the numbers: one that is not finite; C_ij and
 * C_ji that differ by more than 1 % of the largest element (below, their mean is taken); elements
 * beyond 1e5 GPa; a tensor that is not positive definite (Born's criteria), with its least
 * eigenvalue.
 * density_g_cm3, volume_per_atom_A3: NAN: not known. */
iw_status iw_elastic_describe(const double c_GPa[36], iw_elastic_order order, double density_g_cm3,
                              double volume_per_atom_A3, iw_elastic *out, iw_error *err);

/* What looks like another unit or order of a tensor that is taken all the same; NULL: nothing. */
const char *iw_elastic_doubt(const iw_elastic *self);

/* A number under its name in the catalogue ("bulk_modulus_GPa"); NULL past the
 * last one. */
const char *iw_elastic_number(const iw_elastic *self, size_t index, double *value);

#endif
