/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_SYMMETRY_H
#define IW_SYMMETRY_H
/*
 * symmetry.h - the space group of a structure, by spglib; symmetry.c is the one file that knows it.
 *
 * Tolerances grow from 0.001 to 0.2 A, and the tightest is taken whose group is more than the
 * identity and is the same at the next.  The first that shows anything would not do: where ions lie
 * off their places by as much as the tolerance, some operation or other fits by accident.  Any
 * thread: a lock keeps spglib's callers apart.
 */
#include "error.h"

enum { IW_SYMMETRY_ATOMS = 1000 }; /* some seconds where they are in motion, 0.2 at rest */

typedef struct {
    int number;           /* of the space group, 1 to 230; 0: not known */
    char symbol[12];      /* international, short: "Fm-3m" */
    int operations;       /* of the space group in its conventional cell: 192 for Fm-3m */
    int point_operations; /* of its point group: 48 */
    double symprec_A;     /* the tolerance that gave it; the widest that shows no more than P1 */
    double lattice_A[9];  /* vectors of the conventional cell by spglib, as rows */
} iw_symmetry;

/* cell_A: vectors as rows; pos_A: [n][3] Cartesian; kind: [n].  P1: no other group is found.
 * INVALID: no tolerance gives a group, as where atoms lie on each other; UNSUPPORTED: more than
 * IW_SYMMETRY_ATOMS; NO_MEMORY. */
iw_status iw_symmetry_find(const double cell_A[9], const double *pos_A, const uint16_t *kind,
                           size_t n, iw_symmetry *out, iw_error *err);

#endif
