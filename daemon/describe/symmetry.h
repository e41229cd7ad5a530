/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_SYMMETRY_H
#define IW_SYMMETRY_H
/*
 * symmetry.h - the space group of a structure, by spglib; symmetry.c is the one file that knows it.
 *
 * A structure in motion has no symmetry at a tight tolerance: tolerances grow from 0.001 to 0.3 A,
 * and the first that gives more than the identity is taken.  Any thread: a lock keeps spglib's
 * callers apart.
 */
#include "error.h"

enum { IW_SYMMETRY_ATOMS = 1000 }; /* a second; the work grows with their square */

typedef struct {
    int number;           /* of the space group, 1 to 230; 0: not known */
    char symbol[12];      /* international, short: "Fm-3m" */
    int operations;       /* of the space group in its conventional cell: 192 for Fm-3m */
    int point_operations; /* of its point group: 48 */
    double symprec_A;     /* the tolerance that gave it; the widest one for P1 */
    double lattice_A[9];  /* vectors of the conventional cell by spglib, as rows */
} iw_symmetry;

/* cell_A: vectors as rows; pos_A: [n][3] Cartesian; kind: [n].  INVALID: no tolerance gives a
 * group, as where atoms lie on each other; UNSUPPORTED: more than IW_SYMMETRY_ATOMS; NO_MEMORY. */
iw_status iw_symmetry_find(const double cell_A[9], const double *pos_A, const uint16_t *kind,
                           size_t n, iw_symmetry *out, iw_error *err);

#endif
