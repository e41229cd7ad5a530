/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_VACF_H
#define IW_VACF_H
/*
 * vacf.h - running velocity autocorrelation: exact, all time origins, lags up to a fixed window.
 *
 * C(n) = 1/(N (T - n)) sum_i sum_j v_i(t_j + n) . v_i(t_j), kept as sums per species.
 * Block spectra as in msd.h, in blocks of a quarter of the window, of which the last few that a lag
 * can reach are kept: 2.3 windows of memory however long the run, and no more than the frames for
 * runs shorter than the window.  Two coordinates are transformed as one complex number: only the
 * sum of their correlations is wanted, and that is its real part.  Sums over blocks are
 * compensated, so the error does not grow with the run.  A frame costs 6 us for 300 atoms, nearly
 * all of it when a block closes (6 ms for a window of 4,000 frames), and a query transforms the
 * open block (the same again).  Pure; one thread at a time.
 */
#include "archive.h"

enum { IW_VACF_MOST_LAGS = 1 << 24 }; /* the longest window; a longer one is INVALID */

typedef struct iw_vacf iw_vacf;

typedef struct {
    size_t n_atoms;
    size_t n_species;
    const unsigned short *kind; /* [n_atoms]; copied */
    size_t max_lag;             /* W: lags 0..W are kept, >= 1 */
    size_t block;               /* frames, rounded up to a power of two; 0: chosen here */
} iw_vacf_options;

/* Owns its arrays; init with {0}; reused by the next query. */
typedef struct {
    size_t n_species;
    size_t n_lags;   /* min(W, floor(T/2) of the longest segment) + 1 */
    size_t frames;   /* T, all segments */
    double *sum;     /* [n_species][n_lags] sum over atoms and origins of v.v, (A/fs)^2 */
    double *origins; /* [n_lags] */
} iw_vacf_result;

iw_vacf *iw_vacf_new(const iw_vacf_options *options, iw_error *err);
void iw_vacf_destroy(iw_vacf **self);
/* vel_A_fs[n_atoms][3].  After NO_MEMORY (of any call) the object is as before it. */
iw_status iw_vacf_push(iw_vacf *self, const double *vel_A_fs, iw_error *err);
iw_status iw_vacf_break(iw_vacf *self, iw_error *err);
iw_status iw_vacf_query(iw_vacf *self, iw_vacf_result *out, iw_error *err);
/* The same sums for lags 0..n_lags-1, n_lags <= W + 1, into arrays of the caller,
 * [n_species][n_lags] and [n_lags]: zero where no pair has that lag yet.  No more than
 * back-transforms where a block has just closed. */
iw_status iw_vacf_sums(iw_vacf *self, size_t n_lags, double *sum, double *origins, iw_error *err);
/* See archive.h. */
void iw_vacf_archive(iw_vacf *self, iw_archive *archive);
size_t iw_vacf_frames(const iw_vacf *self);
size_t iw_vacf_block(const iw_vacf *self); /* frames */
/* Bytes held at most until the next frame has been taken, with what a query needs; by frames and
 * options alone. */
size_t iw_vacf_memory(const iw_vacf *self);
void iw_vacf_result_fini(iw_vacf_result *result);

#endif
