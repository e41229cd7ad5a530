/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_VASP_BLOCKS_H
#define IW_VASP_BLOCKS_H
/* blocks.h - VASP's atoms: they stand in blocks, one for each POTCAR. */
#include "adapters/format.h"

typedef struct {
    int64_t count[IW_MAX_SPECIES];
    double mass_amu[IW_MAX_SPECIES]; /* NAN where the file has none */
    size_t n;
    size_t n_atoms;
    iw_names name; /* [n], or none */
} iw_vasp_blocks;

/* Another block; false: more than IW_MAX_SPECIES, or no number of atoms. */
bool iw_vasp_blocks_add(iw_vasp_blocks *self, int64_t count);
bool iw_vasp_blocks_equal(const iw_vasp_blocks *a, const iw_vasp_blocks *b);
/* Atoms, and masses where there are any; names from --species where given, one for each block or
 * one for each atom. */
iw_status iw_vasp_blocks_describe(const iw_vasp_blocks *self, const iw_piece *piece,
                                  iw_run_info *run, iw_error *err);
void iw_vasp_blocks_fini(iw_vasp_blocks *self); /* empties it */

#endif
