/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_TRACES_H
#define IW_TRACES_H
/*
 * traces.h - what the health of a run looked like over its whole length, in constant memory.
 *
 * Means over equal bins of MD time.  When all bins are full, neighbours are joined and bins become
 * twice as wide; docs/physics.md, "History".  A bin adds at most as many frames as its width, and
 * is joined with others by one addition: the rounding of its mean does not grow with the run beyond
 * that.  Pure; a push costs a few additions and allocates nothing.
 */
#include "archive.h"

enum { IW_TRACE_BINS = 256 };

typedef enum {
    IW_TRACE_TEMPERATURE, /* kinetic, K */
    IW_TRACE_ENERGY,      /* potential and kinetic, meV per atom */
    IW_TRACE_FRAMEWORK,   /* MSD, A^2 */
    IW_TRACE_VOLUME,      /* A^3 */
    IW_TRACES
} iw_trace;

typedef struct {
    uint64_t frames, intervals; /* in it, and the sum of their numbers */
    uint64_t known[IW_TRACES];  /* frames that had a value */
    double sum[IW_TRACES];
} iw_trace_bin;

typedef struct {
    uint64_t width; /* intervals of one bin */
    size_t n;       /* bins begun */
    iw_trace_bin bins[IW_TRACE_BINS];
} iw_traces;

/* The mean of a bin; NAN where no frame had a value. */
typedef struct {
    double time_ps; /* of its frames */
    double value[IW_TRACES];
} iw_trace_point;

void iw_traces_init(iw_traces *self);
/* A frame that lies so many intervals after the first one: each as many as the one before, or one
 * more.  A value may be NAN. */
void iw_traces_push(iw_traces *self, uint64_t intervals, const double values[IW_TRACES]);
iw_trace_point iw_traces_point(const iw_traces *self, size_t bin, double dt_fs);
void iw_traces_archive(iw_traces *self, iw_archive *archive);

#endif
