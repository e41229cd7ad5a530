/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_MATERIAL_H
#define IW_MATERIAL_H
/*
 * material.h - what a run is made of: the name by which runs at several temperatures find each
 * other.  The run's metadata `material`, else its chemical formula.  Pure.
 */
#include "frame.h"

enum { IW_MATERIAL_SIZE = 200 }; /* bytes with the NUL; longer names are cut */

typedef struct {
    char name[IW_MATERIAL_SIZE];
    char formula[IW_MATERIAL_SIZE];
    bool named; /* the name is that of the metadata */
} iw_material;

void iw_material_of(const iw_run_info *run, iw_material *out);

/* Counts over their greatest common divisor, from the least to the most electronegative element
 * (Pauling), then what is no element: "Li6PS5Cl", whatever the order and the size of the cell. */
void iw_formula(const char *const *species, const size_t *atoms, size_t n,
                char text[IW_MATERIAL_SIZE]);

#endif
