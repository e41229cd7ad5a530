/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_MSD_STATE_H
#define IW_MSD_STATE_H
/*
 * msd_state.h - what msd.c keeps and msd_evaluate.c reads.
 *
 * Inside a segment, x is a position relative to the segment's first frame; block b is stored
 * relative to its own first frame c_b: y = x - c_b.  A pair of blocks (p, q = p + d) is summed
 * relative to c_p where d <= 1 and relative to the segment's first frame where d >= 2: near lags,
 * whose displacements are small, are differences of small numbers wherever the atoms have gone.
 * The shift is done on spectra: that of a constant is the constant times that of a box.
 * Lags below NEAR are summed directly.
 */
#include "bundles.h"
#include "msd.h"
#include "sum.h"

#include <stdbool.h>

enum {
    IW_MSD_NEAR = 8,  /* lags below this are summed directly */
    IW_MSD_ROUND = 4, /* blocks that are multiplied together: older ones are read once for all */
    IW_MSD_TILE = 128 /* bins: a bundle's tile is 32 KiB and stays in the first cache */
};

typedef struct {
    double *spectra; /* tiles of y, see bundles.h */
    double *origin;  /* c_b [n_coords] */
    double *squares; /* [n_groups][l + 1] sum of x^2 over the first t frames of the block */
    iw_archive_key spectra_key, squares_key; /* once the block is closed and was saved */
} iw_msd_block;

struct iw_msd {
    size_t n_species;
    size_t block; /* l, a power of two >= 8 */
    size_t tile;
    size_t bytes_per_push; /* of older spectra that a push may read for a round */
    iw_bundles bundles;
    iw_transform transform;
    double *box; /* [2l] tiles of the transform of l ones */

    size_t frames;   /* all segments */
    size_t length;   /* frames in this segment */
    size_t fill;     /* of those, in the open block; raw and stage together */
    double *zero;    /* [n_coords] the segment's first frame */
    double *raw;     /* [bundle][capacity][width] x of the open block; of the one before it while
                        some of its bundles are untransformed */
    size_t capacity; /* frames that raw has room for, up to l */
    double *ring;    /* [IW_MSD_NEAR][n_coords] the last frames */
    iw_sum *near;    /* [n_groups][IW_MSD_NEAR] direct sums of this segment */

    size_t n_blocks;      /* closed, in this segment */
    size_t untransformed; /* bundles of the last closed block whose spectra are not made yet */
    iw_msd_block *blocks; /* [block_room]; blocks[n_blocks] is the open one */
    size_t block_room;
    double *own[2];   /* block b in b % 2: as squares, of y */
    double *previous; /* open block: as squares, of x - c_{b-1} */
    iw_sum *running;  /* [3][n_groups] of the open block: own, squares, previous */
    iw_sum *before;   /* [block_room + 1][n_groups] sum of x^2 of the blocks before b */

    /* A closed block is young until its round has been summed: products of the blocks below
     * summed are in for all bundles, those below round_end for the first round_bundles. */
    size_t summed, round_end, round_bundles;
    double **products; /* [distance_room][n_groups][stride] tiles of sums of conj(p) q of blocks
                          that far apart, then the two real bins */
    size_t distance_room;
    double *ends[3]; /* sums of squares of pairs, by lag inside a pair of blocks:
                        [n_groups][2l] for distance 0, 1, 2; place l + m for difference m */

    size_t longest;       /* frames of the longest finished segment */
    double *done;         /* [n_groups][longest] finished segments */
    double *done_origins; /* [longest] */

    double *tiles;    /* [round + 2][16][2 tile] shifted tiles */
    double *spare;    /* [16][2l] spectra of a bundle of the open block */
    double **partial; /* [partial_room][stride] products of the open block */
    size_t partial_room;
};

static inline size_t
iw_msd_stride(const iw_msd *self) /* doubles of one accumulator */
{
    return 2 * self->block + 8;
}

/* A later block of pairs: one bundle of it, and where its products go. */
typedef struct {
    size_t q;
    const double *spectra;   /* of the bundle */
    const double *origin;    /* c_q [n_coords] */
    const double *box;       /* [2l] transform of a box as long as q has frames */
    double *const *products; /* [distance] accumulators; offset: where the bundle's group begins */
    size_t offset;
} iw_msd_later;
/* Multiplies the n later blocks, ascending, with themselves and all before them up to max_distance
 * blocks back. */
void iw_msd_multiply(iw_msd *self, const iw_bundle *bundle, const iw_msd_later *later, size_t n,
                     size_t max_distance);

/* Room for the records, origin and squares of block n_blocks; for its spectra; for products of
 * distances 0..count-1. */
iw_status iw_msd_reserve_block(iw_msd *self, iw_error *err);
iw_status iw_msd_reserve_spectra(iw_msd *self, iw_error *err);
iw_status iw_msd_reserve_products(iw_msd *self, size_t count, iw_error *err);

/* Brings raw up to the last frame, and the spectra up to the last closed block. */
void iw_msd_store_rows(iw_msd *self);
/* Adds sums for lags 0..n_lags-1 of this segment to sum[n_groups][n_lags]. */
iw_status iw_msd_evaluate(iw_msd *self, size_t n_lags, double *sum, iw_error *err);
/* Adds the squares of the pairs of block q, `frames` long, with itself, q-1 and q-2 to
 * ends[0..2][2l] of a group. */
void iw_msd_add_ends(const iw_msd *self, size_t q, size_t frames, size_t group,
                     double *const ends[3]);

#endif
