/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_THIN_H
#define IW_THIN_H
/* thin.h - which points of a long series a reader needs to see its shape.  Pure. */
#include <stddef.h>

enum { IW_THIN_POINTS = 200 };

/* Indices in rising order, 0 and n - 1 among them, at most IW_THIN_POINTS; returns how many.
 * growing: every point at first, then spaced in proportion to the index (for lags). */
size_t iw_thin_growing(size_t n, size_t index[IW_THIN_POINTS]);
/* spectrum: evenly where the weight is, sparsely beyond it. */
size_t iw_thin_spectrum(const double *weight, size_t n, size_t index[IW_THIN_POINTS]);

#endif
