/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_TREND_H
#define IW_TREND_H
/*
 * trend.h - the slope of a noisy, correlated series against time, in constant memory.
 *
 * Samples are averaged in blocks; when IW_TREND_BLOCKS are full, neighbours are merged and blocks
 * become twice as long.  The slope is that of a straight line by least squares through the blocks
 * of a range; its error allows for the correlation of the residuals as that of an autoregression of
 * first order.  Pure; a push costs a few additions.
 */
#include "archive.h"

enum { IW_TREND_BLOCKS = 64, IW_TREND_LEAST = 12 };

typedef struct {
    size_t n; /* whole blocks */
    double t[IW_TREND_BLOCKS], y[IW_TREND_BLOCKS];
    uint64_t size, held; /* samples of a block, and of the open one so far */
    double sum_t, sum_y; /* of the open one; y relative to the first sample */
    double first_y;
    bool any;
} iw_trend;

typedef struct {
    double slope, standard_error; /* NAN below IW_TREND_LEAST blocks */
    double span;                  /* of time between the first and the last block */
    size_t blocks;
} iw_trend_line;

/* Times must not decrease. */
void iw_trend_push(iw_trend *self, double t, double y); /* *self starts zeroed */
/* Over whole blocks whose mean time is at or after from. */
void iw_trend_fit(const iw_trend *self, double from, iw_trend_line *line);
void iw_trend_archive(iw_trend *self, iw_archive *archive);

#endif
