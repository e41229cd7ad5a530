/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_COPY_H
#define IW_COPY_H
/*
 * copy.h - coordinates from an MD code's arrays into a message, in one pass: the one loop that an
 * MD step waits for.  Source and target do not overlap, and neither need be aligned.
 */
#include <stdbool.h>
#include <stddef.h>

/* to[i] = from[i] * factor.  False if one of the results is not finite; all are written. */
bool iw_copy_scaled_f64(void *to, const void *from, size_t n, double factor);
bool iw_copy_scaled_f32(void *to, const void *from, size_t n, double factor);

#endif
