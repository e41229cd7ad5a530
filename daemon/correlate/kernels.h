/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_KERNELS_H
#define IW_KERNELS_H
/*
 * kernels.h - the hot loops of the correlators, compiled for several processors and chosen at load.
 *
 * A tile is the same n frequency bins of a bundle of w coordinates: [w][2][n], real parts before
 * imaginary ones, so that every loop runs over contiguous doubles.  n is a multiple of 8.
 */
#include <stddef.h>

/* acc[2][n] += sum over c of conj(old_c + shift[c] box) * new_c. */
void iw_kernel_cross(double *restrict acc, const double *restrict new_tile,
                     const double *restrict old_tile, const double *restrict shift,
                     const double *restrict box, size_t width, size_t n);
/* acc[n] += sum over c of |tile_c|^2. */
void iw_kernel_power(double *restrict acc, const double *restrict tile, size_t width, size_t n);
/* out = tile + shift[c] box. */
void iw_kernel_shift(double *restrict out, const double *restrict tile,
                     const double *restrict shift, const double *restrict box, size_t width,
                     size_t n);
/* acc[2][n] += conj(prev) * (prev + sign * next): all lags of the frames of prev with both. */
void iw_kernel_window(double *restrict acc, const double *restrict prev,
                      const double *restrict next, size_t n);
/* sums[0..2] = sum of x^2, (x - a)^2, (x - b)^2. */
void iw_kernel_squares(const double *restrict x, const double *restrict a, const double *restrict b,
                       size_t n, double sums[3]);
/* Sum of (x - y)^2. */
double iw_kernel_distance(const double *restrict x, const double *restrict y, size_t n);
/* lanes[c][t] = rows[t][c] - origin[c] for up to 8 coordinates; rows are `pitch` doubles apart. */
void iw_kernel_transpose(double *restrict lanes, size_t lane_pitch, const double *restrict rows,
                         size_t pitch, const double *restrict origin, size_t width, size_t frames);
/* The n bins of a transform (re, im pairs) as re[n], im[n]. */
void iw_kernel_split(double *restrict out, const double *restrict pairs, size_t n);

#endif
