/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_MSD_H
#define IW_MSD_H
/*
 * msd.h - running mean square displacement: exact, all time origins, all lags up to half the run.
 *
 * MSD(n) = 1/(N (T - n)) sum_i sum_j |r_i(t_j + n) - r_i(t_j)|^2 is split (Fast Correlation
 * Algorithm) into sums of squares, kept as prefix sums, and an autocorrelation, kept as products of
 * block spectra summed over the atoms of a species, one accumulator for each block distance,
 * species and axis.  At any instant a query equals brute force on the frames so far (1e-10, in
 * practice 1e-12), and depends on nothing but the frames: not on when queries were made.
 *
 * The error does not grow with the run, nor with how far the atoms went: lags below 8 are summed
 * directly; longer ones from differences to the first frame of a block where the pair is no more
 * than one block apart, to the first frame of the segment where it is farther; running sums are
 * compensated (Neumaier), and the spectra of a million frames are a few hundred blocks.
 *
 * Cost for 300 atoms: memory twice the raw positions; 10 to 20 us a frame on average, most of it
 * after a block closed: its transforms, spread over eight pushes, and every fourth time the
 * products with all older blocks, of which one push reads at most 32 MiB (4 ms). A query
 * transforms the accumulators back and multiplies the frames that are in none of them: 10 ms at
 * 65,536 frames where that is nothing, 100 ms at other instants (it reads half the spectra).  A
 * break finishes all pairs of its segment and frees the spectra.
 * Pure: no files, no sockets, no clock.  One thread at a time.
 */
#include "archive.h"

typedef struct iw_msd iw_msd;

typedef struct {
    size_t n_atoms;
    size_t n_species;
    const unsigned short *kind; /* [n_atoms] species of each atom; copied */
    size_t block; /* frames in a block, rounded up to a power of two; 0: 4,096.  Longer is cheaper
                     in all and dearer for a query */
} iw_msd_options;

/* What a query gives.  Owns its arrays; init with {0}; reused by the next query. */
typedef struct {
    size_t n_species;
    size_t n_lags;   /* M + 1; lags 0..M; M = floor(T/2) of the longest segment */
    size_t frames;   /* T, all segments */
    double *sum_A2;  /* [n_species][3][n_lags] sum over atoms and origins of squared displacement */
    double *origins; /* [n_lags] number of origins, summed over segments: T - n for one segment */
} iw_msd_result;

/* NULL: NO_MEMORY or INVALID, *err filled. */
iw_msd *iw_msd_new(const iw_msd_options *options, iw_error *err);
void iw_msd_destroy(iw_msd **self);

/* One frame: pos_A[n_atoms][3], unwrapped, drift removed, best given relative to the first frame.
 */
iw_status iw_msd_push(iw_msd *self, const double *pos_A, iw_error *err);
/* The next frame does not follow on the last: pairs never cross this point.  After NO_MEMORY (of
 * any call) the object is as before it, and the call may be made again. */
iw_status iw_msd_break(iw_msd *self, iw_error *err);
/* Exact sums for the frames so far.  Changes no state that a caller can see. */
iw_status iw_msd_query(iw_msd *self, iw_msd_result *out, iw_error *err);

/* See archive.h. */
void iw_msd_archive(iw_msd *self, iw_archive *archive);

size_t iw_msd_frames(const iw_msd *self);
/* Bytes held at most until the next frame has been taken, with what a query or a break needs; by
 * frames and options alone. */
size_t iw_msd_memory(const iw_msd *self);
void iw_msd_result_fini(iw_msd_result *result);

#endif
