/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_STORE_BACKEND_H
#define IW_STORE_BACKEND_H
/*
 * backend.h - what every database provides; one const table at the end of its file.
 *
 * store.c turns a snapshot into a filing: the record without its series, and the rows that go into
 * tables.  A backend writes and reads those; it knows no physics and no names of quantities.
 */
#include "store.h"

#include <jansson.h>

/* One number of one group. */
typedef struct {
    char descriptor[64]; /* "D_cm2_s" */
    const char *group;   /* borrowed from the record, as the texts below from the catalogue */
    const char *method;  /* "physical" or "paper" */
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

/* Everything that one run brings.  Made by store.c, borrowed by the backend. */
typedef struct {
    const iw_run_info *run;
    const json_t *record; /* without series */
    char *record_text;    /* the same, compact */
    iw_store_row *rows;
    size_t n_rows;
    iw_store_column *columns;
    size_t n_columns;
} iw_store_filing;

struct iw_store_ops {
    const char *scheme; /* "sqlite" */
    /* location: what stands behind the scheme.  Creates and migrates unless read_only. */
    iw_status (*open)(void **state, const char *location, bool read_only, iw_error *err);
    void (*close)(void *state); /* NULL is harmless */
    /* The database may have been moved or replaced since: opens it again where it was, and creates
     * nothing.  AGAIN: it is not there.  Nothing else is called after a failure but this. */
    iw_status (*refresh)(void *state, iw_error *err);
    /* One transaction; replaces a run of the same id.  id gets the database id (64 bytes). */
    iw_status (*file)(void *state, const iw_store_filing *filing, char *id, iw_error *err);
    /* The three below take the id of a run as resolve() gave it. */
    iw_status (*remove)(void *state, const char *run_id, iw_error *err);
    /* New references in *out. */
    iw_status (*record)(void *state, const char *run_id, json_t **out, iw_error *err);
    /* Array of {group, series, column, values}, in the order of filing. */
    iw_status (*series)(void *state, const char *run_id, json_t **out, iw_error *err);
    /* Array of {id, name} whose id begins with, or whose name is, the text. */
    iw_status (*resolve)(void *state, const char *text, json_t **out, iw_error *err);
    iw_status (*runs)(void *state, const iw_store_query *query, json_t **out, iw_error *err);
    iw_status (*materials)(void *state, json_t **out, iw_error *err); /* names, by the alphabet */
    /* Array of {source: "filed", record} of the runs of a material. */
    iw_status (*of_material)(void *state, const char *material, json_t **out, iw_error *err);
    iw_status (*descriptors)(void *state, const iw_store_query *query, json_t **out, iw_error *err);
};
typedef struct iw_store_ops iw_store_ops;

extern const iw_store_ops iw_store_sqlite;

/* filing.c.  The record is consumed: its series are taken out of it. */
iw_status iw_store_filing_init(iw_store_filing *filing, json_t *record, const iw_run_info *run,
                               iw_error *err);
void iw_store_filing_fini(iw_store_filing *filing);
/* Puts what ops->series gave back where it stood. */
iw_status iw_store_attach_series(json_t *record, const json_t *series, iw_error *err);

/* iw_store_file from a record (IW_JSON_SERIES | IW_JSON_FULL), whose series are taken out of it. */
iw_status iw_store_file_record(iw_store *self, json_t *record, const iw_run_info *run, char *id,
                               iw_error *err);

/* Names of the columns of the view descriptors_wide, from the catalogue: calls each() with the
 * name of a column, and the descriptor and method that fill it. */
typedef iw_status (*iw_store_wide_column)(void *arg, const char *column, const char *descriptor,
                                          const char *method, bool is_error);
iw_status iw_store_wide_columns(iw_store_wide_column each, void *arg);

#endif
