/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_FINGERPRINT_H
#define IW_FINGERPRINT_H
/*
 * fingerprint.h - what a run was analysed from, as one number: XXH3 (128 bits) of its species, the
 * species of each atom, and of every frame in order the cell, positions and velocities, as doubles.
 *
 * A source that passes frames on and hashes them meanwhile.  Step numbers that come again, after a
 * restart of the MD code, count once.  A file, a stream and its journal that hold the same frames
 * have the same fingerprint.
 */
#include "source.h"

enum { IW_FINGERPRINT = 48 }; /* "xxh3:" and 32 hexadecimal digits, with the NUL */

typedef struct iw_fingerprint iw_fingerprint;

/* NULL: NO_MEMORY. */
iw_fingerprint *iw_fingerprint_new(const iw_source *source, iw_error *err);
void iw_fingerprint_destroy(iw_fingerprint **self);
/* Borrows self and its source. */
iw_source iw_fingerprint_source(iw_fingerprint *self);
/* Of all frames; "" until they have been read to their end. */
const char *iw_fingerprint_text(const iw_fingerprint *self);

#endif
