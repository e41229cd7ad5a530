/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_MOMENTS_H
#define IW_MOMENTS_H
/*
 * moments.h - running second and fourth moments of displacement at log-spaced lags, by atom and by
 * stretch of the run: what the error of D is made of.
 *
 * Beside msd.h, which has every lag and origin of the whole run: here each sum is cut in epochs
 * (stretches of equal length) and in atoms, and a query takes less than a millisecond.
 *
 * Lags, in frames: 1..8, then four to the octave: 10, 12, 14, 16, 20, 24, 28, 32, 40, ...  Origins
 * of lag n are the frames 0, s, 2s, ... of each segment with stride s = max(1, 2^floor(log2 n) /
 * 8): every frame up to lag 14, every second one for 16..28, every fourth for 32..56.  Each lag is
 * a multiple of its stride.  Sums are exact: at any instant they equal brute force over all pairs
 * (origin, origin + n) of the frames so far, and depend on nothing but the frames.
 *
 * Epochs are at most 64 and count the frames of all segments together: epoch e is the frames
 * e L <= f < (e + 1) L.  A pair belongs to the epoch in which it ends.  When a 65th would start,
 * neighbours merge and L doubles (L = 4, 8, 16, ...).  The last epoch of a result may be
 * unfinished.
 *
 * The error does not grow with the run: displacements are differences of positions (never of
 * squares), sums over a frame are added with compensation (Neumaier), sums over the origins of an
 * atom in pieces of at most 64 terms that are added likewise.
 *
 * Memory O(N log T): 0.5 kB an atom and octave of the run's length.  A push compares the frame with
 * 15 earlier ones on average, and allocates only where a segment grows past 16, 32, 64, ... frames
 * for the first time.
 * Pure: no files, no sockets, no clock.  One thread at a time.
 */
#include "archive.h"

typedef struct iw_moments iw_moments;

enum { IW_MOMENTS_EPOCHS = 64 };

typedef struct {
    size_t n_atoms;
    size_t n_species;
    const unsigned short *kind; /* [n_atoms] species of each atom; copied */
} iw_moments_options;

/* What a query gives.  Owns its arrays; init with {0}; reused by the next query.  d is the vector
 * of displacement of an atom from an origin to origin + lag. */
typedef struct {
    size_t n_atoms;
    size_t n_species;
    size_t frames;     /* T, all segments */
    size_t n_segments; /* that have frames; the last one still grows */
    size_t n_lags;     /* all lags of the series up to half the longest segment; may be 0 */
    size_t n_epochs;
    size_t epoch_frames;    /* L */
    size_t last_frames;     /* frames in the last epoch, 1..L: below L it is unfinished */
    size_t *segment_frames; /* [n_segments] */
    size_t *lag;            /* [n_lags] in frames, rising */
    size_t *stride;         /* [n_lags] frames from one origin to the next */
    double *origins;        /* [n_lags] number of origins */
    double *sum_A2;         /* [n_species][3][n_lags] sum over atoms and origins of d_axis^2 */
    double *sum_A4;         /* [n_species][n_lags] sum over atoms and origins of |d|^4 */
    double *atom_sum_A2;    /* [n_atoms][n_lags] sum over origins of |d|^2 */
    double *epoch_origins;  /* [n_epochs][n_lags] number of pairs that end in the epoch */
    double *epoch_sum_A2;   /* [n_epochs][n_species][3][n_lags] their sum over atoms of d_axis^2 */
    void *memory;           /* holds all of these arrays */
    size_t room;            /* bytes of it */
} iw_moments_result;

/* NULL: NO_MEMORY or INVALID, *err filled. */
iw_moments *iw_moments_new(const iw_moments_options *options, iw_error *err);
void iw_moments_destroy(iw_moments **self);

/* One frame: pos_A[n_atoms][3], unwrapped, drift removed.  After NO_MEMORY (of any call) the object
 * is as before it, and the call may be made again. */
iw_status iw_moments_push(iw_moments *self, const double *pos_A, iw_error *err);
/* The next frame does not follow on the last: pairs never cross this point. */
iw_status iw_moments_break(iw_moments *self, iw_error *err);
iw_status iw_moments_query(const iw_moments *self, iw_moments_result *out, iw_error *err);

/* See archive.h. */
void iw_moments_archive(iw_moments *self, iw_archive *archive);

size_t iw_moments_frames(const iw_moments *self);
/* Bytes held at most until the next frame has been taken, with the result of a query; by frames and
 * options alone. */
size_t iw_moments_memory(const iw_moments *self);
void iw_moments_result_fini(iw_moments_result *result);

#endif
