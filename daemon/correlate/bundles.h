/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_BUNDLES_H
#define IW_BUNDLES_H
/*
 * bundles.h - coordinates sorted by group and bundled, for memory that is read in order.
 *
 * A group is what one accumulator sums over: a species and an axis (MSD) or a species (VACF).  Its
 * coordinates are cut in bundles of at most 16.  Frames are kept as [bundle][frame][width], the
 * padded spectra of a block as [bundle][tile][width][re, im][bins of a tile]: what one product
 * reads is one contiguous piece.  The bins of a block of n frames are 0..n of a transform of
 * length 2n; the real bins 0 and n share place 0.
 */
#include "archive.h"
#include "fft.h"

#include <stdbool.h>

enum { IW_BUNDLE = 16, IW_FIRST_FRAMES = 64 };

typedef struct {
    size_t group;
    size_t first; /* sorted index of its first coordinate */
    size_t width; /* 1..IW_BUNDLE coordinates */
} iw_bundle;

typedef struct {
    size_t n_coords;
    size_t n_groups;
    size_t n_bundles;
    size_t *source;      /* [n_coords] place in a frame of each sorted coordinate */
    size_t *group_first; /* [n_groups + 1] sorted index of the first coordinate of each group */
    iw_bundle *bundles;
} iw_bundles;

/* by_axis: groups are species * 3 + axis, else species.  Safe to fini after failure. */
iw_status iw_bundles_init(iw_bundles *self, size_t n_atoms, size_t n_species,
                          const unsigned short *kind, int by_axis, iw_error *err);
void iw_bundles_fini(iw_bundles *self);
size_t iw_bundles_memory(const iw_bundles *self);

/* Copies rows[count][n_coords] to the frames from start of raw, [bundle][capacity][width]. */
void iw_bundles_store(const iw_bundles *self, const double *rows, size_t count, double *raw,
                      size_t capacity, size_t start);

/* The room for frames of a block that growth arrives at: IW_FIRST_FRAMES, then twice as many, all
 * of them at the end. */
size_t iw_bundles_room(size_t block, size_t frames);
/* Makes room in raw for one frame more than capacity.  false without memory; raw and capacity are
 * then as before. */
bool iw_bundles_grow(const iw_bundles *self, double **raw, size_t *capacity, size_t block);

/* The first `rows` frames of raw, which then has room for `frames`, rows <= frames <= block. */
void iw_bundles_archive(const iw_bundles *self, iw_archive *archive, double **raw, size_t *capacity,
                        size_t block, size_t rows, size_t frames);

/* Frames by coordinate, 8 lanes of 2n doubles, and one spectrum: work space of a transform. */
typedef struct {
    size_t block;       /* n */
    size_t tile;        /* bins in a tile */
    const iw_fft *plan; /* of length 2n */
    double *lanes;      /* [8][lane_pitch], zero from frame n on */
    size_t lane_pitch;
    double complex *bins; /* [n + 1] */
    double *series;       /* [2n] what came back */
} iw_transform;

iw_status iw_transform_init(iw_transform *self, size_t block, size_t tile, iw_error *err);
void iw_transform_fini(iw_transform *self);
size_t iw_transform_memory(const iw_transform *self);

/* Spectra of rows[frames][width] - origin[width], zero-padded, as tiles into out. */
void iw_transform_rows(iw_transform *self, const double *rows, size_t frames, size_t width,
                       const double *origin, double *out);
/* accumulator[2n + 2] += |spectra|^2 summed over a bundle: tiles, then the two real bins. */
void iw_bundle_power(double *accumulator, const double *spectra, size_t width, size_t block,
                     size_t tile);
/* The time series of a tiled spectrum of one coordinate (width 1); real[0], real[1] are the real
 * bins 0 and n.  Not divided by 2n.  Valid until the next call. */
const double *iw_transform_back(iw_transform *self, const double *tiles, const double real[2]);

#endif
