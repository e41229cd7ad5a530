/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_METRICS_H
#define IW_METRICS_H
/*
 * metrics.h - what Prometheus reads.
 *
 * One row in one table for each metric: the answer to a scrape and docs/metrics.md come from it.
 * Pure: made from what the front door answers to `status` and `list`.  A value that is not known is
 * left out.  Runs have their series while they live; what is filed is in the database.
 */
#include "buffer.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

typedef enum {
    IW_METRIC_COUNTER,
    IW_METRIC_GAUGE,
    IW_METRIC_INFO,   /* 1, what it tells is in its labels */
    IW_METRIC_STATES, /* 1 for the state that holds, 0 for the others */
    IW_METRIC_COUNTS  /* live runs in each state */
} iw_metric_type;

typedef struct {
    const char *name;
    iw_metric_type type;
    const char *unit;   /* "1" for a pure number */
    bool run;           /* of each live run, with its id as the label "run"; else of the daemon */
    const char *from;   /* where its value stands: keys of `status` or of a row of `list`, by "." */
    const char *label;  /* STATES, COUNTS: the label; INFO: labels and their keys, by blanks */
    const char *values; /* STATES, COUNTS: of the label, by "|" */
    double over;        /* the value is divided by this: to base units */
    const char *help;
} iw_metric;

extern const iw_metric iw_metrics[]; /* ends with a NULL name */

typedef enum {
    IW_METRICS_TEXT,       /* Prometheus text format 0.0.4 */
    IW_METRICS_OPENMETRICS /* OpenMetrics 1.0 */
} iw_metrics_format;

/* What an Accept header asks for; NULL where there is none. */
iw_metrics_format iw_metrics_accepted(const char *accept);
const char *iw_metrics_content_type(iw_metrics_format format);

/* Appends the whole page to *out.  status, runs: the answers to `status` and `list`.  INVALID: they
 * are not; NO_MEMORY. */
iw_status iw_metrics_write(const json_t *status, const json_t *runs, iw_metrics_format format,
                           iw_buffer *out, iw_error *err);

/* The page docs/metrics.md. */
void iw_metrics_page(FILE *out);

#endif
