/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_SUMMARY_H
#define IW_SUMMARY_H
/*
 * summary.h - what listings say about a run without asking its worker.
 *
 * It travels in every mail, so it is of fixed size, without pointers.  A listing and summary.json
 * tell of it in the same words: those of docs/protocol.md, "list".
 */
#include "snapshot.h"

#include <jansson.h>

enum { IW_SUMMARY_POINTS = 32 };

/* NAN where not known. */
typedef struct {
    uint64_t frames;
    uint64_t last_seq; /* highest frame in the journal; with summary.json only */
    bool unfiled;      /* likewise: its record is to be made again, see journal/refile.h */
    double time_ps, temperature_K, D_cm2_s, stderr_cm2_s, relative_error, predicted_ps;
    double target;                                            /* relative error that is asked for */
    double temperature_recent_K, lindemann, framework_msd_A2; /* see iw_health */
    char convergence[24];                                     /* "" before the first snapshot */
    char state[24];    /* why the run ended; "" while it has not */
    char updated[32];  /* UTC */
    char health[8];    /* "" before the first snapshot */
    uint32_t warnings; /* events that are warnings or faults */
    uint32_t n_points;
    float point_ps[IW_SUMMARY_POINTS], point_D_cm2_s[IW_SUMMARY_POINTS]; /* history of D, thinned */
    char warned[160]; /* text of the last of them; "" */
} iw_summary;

void iw_summary_init(iw_summary *summary);
/* From a snapshot: D of the mobile group, else of all. */
void iw_summary_of(iw_summary *summary, const iw_snapshot *snapshot);

/* Its numbers, health, events and history into an object, and out of one that may lack any of them.
 * False: no memory. */
bool iw_summary_put(const iw_summary *summary, json_t *object);
void iw_summary_take(iw_summary *summary, const json_t *object);

#endif
