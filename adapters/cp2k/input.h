/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_CP2K_INPUT_H
#define IW_CP2K_INPUT_H
/*
 * input.h - keywords of a CP2K input (or .restart, which is one): sections as a path, and values
 * with the units that may stand in brackets before them.
 *
 * Variables and @-directives are not carried out: a value that needs one is not there.
 */
#include "adapters/format.h"

/* One keyword: "MOTION/MD/TIMESTEP", in capitals, and what stands behind it. */
typedef void (*iw_cp2k_keyword)(void *context, const char *path, iw_line value);

/* OK for any text that can be read. */
iw_status iw_cp2k_input_read(const char *file, iw_cp2k_keyword keyword, void *context,
                             iw_error *err);

/* Up to n numbers in A, fs, K or degrees, after "[unit]" where there is one; how many there were
 * (0 where the unit is not known). */
size_t iw_cp2k_values(iw_line value, double *out, size_t n);

/* "angstrom", "bohr*au_t^-1": what one of it is in A, fs and their products; NAN if not known. */
double iw_cp2k_unit(const char *text, size_t size);

#endif
