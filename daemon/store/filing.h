/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_STORE_FILING_H
#define IW_STORE_FILING_H
/* filing.h - from a record in the words of the JSON contract to rows of tables, and back. */
#include "store.h"

/* One number of one group. */
typedef struct {
    char descriptor[64]; /* "D_cm2_s" */
    const char *group;   /* borrowed from the record, as the texts below from the catalogue */
    const char *method;  /* "physical", "paper" or "structure" */
    const char *category;
    const char *unit;
    double value;
    double standard_error;   /* NAN if not known, as the two below */
    double ci95_lo, ci95_hi; /* ends of the 95 % interval */
} iw_store_row;

/* One column of one series; columns of one series have one length. */
typedef struct {
    const char *group;  /* borrowed from the series */
    char series[64];    /* "msd", "paper.vdos": where it stood in the group's object */
    const char *column; /* "lag_ps" */
    size_t n;
    double *values; /* [n]; null in JSON is NAN here */
} iw_store_column;

/* Everything that one run brings. */
typedef struct {
    const iw_run_info *run;
    const json_t *record; /* without series */
    char *record_text;    /* the same, compact */
    iw_store_row *rows;
    size_t n_rows;
    iw_store_column *columns;
    size_t n_columns;
} iw_store_filing;

/* The record is consumed: its series are taken out of it. */
iw_status iw_store_filing_init(iw_store_filing *filing, json_t *record, const iw_run_info *run,
                               iw_error *err);
void iw_store_filing_fini(iw_store_filing *filing);
/* Puts series, an array of {group, series, column, values}, where they stood. */
iw_status iw_store_attach_series(json_t *record, const json_t *series, iw_error *err);

/* Names of the columns of the view descriptors_wide, from the catalogue: calls each() with the
 * name of a column, and the descriptor, method and category that fill it. */
typedef iw_status (*iw_store_wide_column)(void *arg, const char *column, const char *descriptor,
                                          const char *method, const char *category, bool is_error);
iw_status iw_store_wide_columns(iw_store_wide_column each, void *arg);

#endif
