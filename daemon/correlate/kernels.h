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
/* even[j][t] = frame t of columns 2j and 2j+1 as one complex number, odd[j][t] the same turned by
 * turn[t]; a last column without partner has imaginary part 0.  Lanes are `pitch` doubles apart. */
void iw_kernel_pair(double *restrict even, double *restrict odd, size_t pitch,
                    const double *restrict rows, const double *restrict turn, size_t width,
                    size_t frames);
/* direct[i] += sum over pairs of a_i b_i, swapped[i] += the same with b's real and imaginary parts
 * exchanged, for n doubles of re, im pairs: what conj(a) b is made of.  swapped may be NULL. */
void iw_kernel_products(double *restrict direct, double *restrict swapped, double *const *earlier,
                        double *const *later, size_t pairs, size_t at, size_t n);
/* The n complex sums conj(a) b into re[n] and im[n] at sum, compensated: carry takes what rounding
 * took. */
void iw_kernel_fold(double *restrict sum, double *restrict carry, const double *restrict direct,
                    const double *restrict swapped, size_t n);
/* sums[0..2] = sum of x^2, (x - a)^2, (x - b)^2. */
void iw_kernel_squares(const double *restrict x, const double *restrict a, const double *restrict b,
                       size_t n, double sums[3]);
/* Sum of (x - y)^2. */
double iw_kernel_distance(const double *restrict x, const double *restrict y, size_t n);
/* Moments of d = x - y over n atoms (a multiple of 8), whose three axes are `pitch` doubles apart:
 * sums[0..2] = sum of d_axis^2, sums[3] = sum of |d|^4; atom[i] += |d|^2. */
void iw_kernel_moments(double *restrict atom, const double *restrict x, const double *restrict y,
                       size_t pitch, size_t n, double sums[4]);
/* sum[i] + carry[i] += part[i], compensated; part[i] = 0. */
void iw_kernel_settle(double *restrict sum, double *restrict carry, double *restrict part,
                      size_t n);
/* lanes[c][t] = rows[t][c] - origin[c] for up to 8 coordinates; rows are `pitch` doubles apart. */
void iw_kernel_transpose(double *restrict lanes, size_t lane_pitch, const double *restrict rows,
                         size_t pitch, const double *restrict origin, size_t width, size_t frames);
/* The n bins of a transform (re, im pairs) as re[n], im[n]. */
void iw_kernel_split(double *restrict out, const double *restrict pairs, size_t n);

#endif
