/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_EQUILIBRATION_H
#define IW_EQUILIBRATION_H
/*
 * equilibration.h - where does the settled part of a run begin?
 *
 * Four signs are watched, one number each for every frame, and kept as at most IW_SIGN_BATCHES
 * means of equally many frames: when they are full, neighbours are joined.  The start of the
 * settled part is where the squared standard error of the mean of the rest is least (MSER-5: White
 * 1997), looked for again in coarser and coarser batches, and taken only where the part before
 * differs from the rest beyond its error, correlation in time counted: a settled run loses nothing.
 *
 * What is found depends on the frames alone.  Pure; 64 kB for each run; a push costs four
 * additions, a judgement about a millisecond.  One thread at a time.
 */
#include "archive.h"

#include <stdbool.h>

/* id, key, unit */
#define IW_SIGN_MAP(X)                                                                             \
    X(TEMPERATURE, "temperature", "K")                                                             \
    X(ENERGY, "potential energy", "eV")                                                            \
    X(VOLUME, "volume", "A3")                                                                      \
    X(CAGE, "cage size", "A2")

typedef enum {
#define IW_SIGN_ENUM(id, key, unit) IW_SIGN_##id,
    IW_SIGN_MAP(IW_SIGN_ENUM)
#undef IW_SIGN_ENUM
        IW_SIGNS
} iw_sign;

enum { IW_SIGN_BATCHES = 1024 };

typedef struct iw_equilibration iw_equilibration;

/* What one sign says. */
typedef struct {
    bool judged;     /* enough was seen of it, and it is no constant */
    bool drifting;   /* the second half still has a slope */
    uint64_t frames; /* before the settled part, at most half of all; 0: settled from the start */
    double before, after; /* its mean before and in the settled part, or, of a drift, in the halves
                             of the run; NAN otherwise */
    double deviations;    /* their distance in standard errors */
} iw_sign_verdict;

typedef struct {
    bool judged;     /* one sign at least was */
    uint64_t frames; /* before the settled part: the most of any sign */
    iw_sign by;      /* whose they are; meaningful if frames > 0 */
    iw_sign_verdict sign[IW_SIGNS];
} iw_equilibration_verdict;

const char *iw_sign_name(iw_sign sign);
const char *iw_sign_unit(iw_sign sign);

iw_equilibration *iw_equilibration_new(iw_error *err); /* NULL: NO_MEMORY */
void iw_equilibration_destroy(iw_equilibration **self);

/* The signs of the next frame; NAN where one is not known at this frame. */
void iw_equilibration_push(iw_equilibration *self, const double values[IW_SIGNS]);

void iw_equilibration_archive(iw_equilibration *self, iw_archive *archive);

size_t iw_equilibration_memory(const iw_equilibration *self); /* bytes */

/* Changes nothing. */
void iw_equilibration_judge(const iw_equilibration *self, iw_equilibration_verdict *out);

#endif
