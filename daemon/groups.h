/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_GROUPS_H
#define IW_GROUPS_H
/*
 * groups.h - the sets of atoms that are analysed together, as sums of species: all, mobile,
 * framework, and every species in order.
 *
 * Mobile is what the user names; else the first of Li, Na, Ag, Cu, Cl, I, Br, F, O that is present,
 * I and Br together where both are (the paper's families).  Framework is the rest.
 */
#include "frame.h"

typedef struct {
    char name[24];
    size_t atoms;
    bool *member; /* [n_species] */
} iw_group;

typedef struct {
    size_t n_species;
    size_t *atoms;    /* [n_species] atoms of each */
    double *mass_amu; /* [n_species] */
    bool *mobile;     /* [n_species] */
    size_t n_mobile;  /* species that are mobile; 0: none is known */
    size_t n_groups;
    iw_group *groups;
} iw_groups;

/* INVALID: a mobile species that is not in the run; atoms of one species that differ in mass; a
 * species called all, mobile or framework.  NO_MEMORY.  fini is harmless on zeroed state. */
iw_status iw_groups_init(iw_groups *self, const iw_run_info *run, const char *const *mobile,
                         size_t n_mobile, iw_error *err);
void iw_groups_fini(iw_groups *self);

#endif
