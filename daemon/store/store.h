/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_STORE_H
#define IW_STORE_H
/*
 * store.h - finished runs in a database, SQLite or PostgreSQL, under one schema.
 *
 * Filing a run is one transaction and idempotent: the same run id is replaced as a whole when it is
 * filed again, never doubled; several programs on several machines may file at the same time.  One
 * thread at a time.  Statuses: OK; AGAIN (locked, not writable, gone), FULL (the disk), CLOSED and
 * TIMEOUT (the server is away, or does not answer), REFUSED (the server: rights), IO, CORRUPT,
 * NO_MEMORY: the database may be mended, see iw_store_may_pass(); anything else is a refusal of
 * this record that a retry will not change.
 */
#include "describe/structure.h"
#include "snapshot.h"
#include "sql.h"

typedef struct iw_store iw_store;

/* How a database is used; NULL for one of these: to write, without limits. */
typedef struct {
    bool read_only;
    double answer_s; /* longest silence of a server, s; 0: as long as it takes */
    /* Asked ten times a second while a server is waited for; true: give up.  May be NULL. */
    bool (*cancelled)(const void *arg);
    const void *arg;
} iw_store_options;

/* Which rows, for listing and export; NULL members do not restrict. */
typedef struct {
    const char *run;        /* id, unique prefix of an id, or name */
    const char *group;      /* "mobile", "Li", ... */
    const char *descriptor; /* "D_cm2_s", ... */
} iw_store_query;

/* sqlite:///absolute/path, sqlite:relative/path, or a plain path; postgresql://user@host/name with
 * all that libpq takes there.  UNSUPPORTED: unknown scheme, with the known ones, or a schema of a
 * newer program; IO: not a database, or no way to it; AGAIN: locked, or not writable; CLOSED,
 * TIMEOUT, REFUSED: as above; INVALID: a database of another program, or a URI that is none;
 * NOT_FOUND: read_only, and no file.  Creates and migrates the schema unless read_only. */
iw_store *iw_store_open(const char *uri, const iw_store_options *options, iw_error *err);
void iw_store_close(iw_store **self);

/* Of a store that was opened to write: the schema that it found, 0 for none, and has now. */
typedef struct {
    int found, now;
    const char *trouble; /* why the view is of another program still; "": it is of this one */
} iw_store_schema;
iw_store_schema iw_store_schema_of(const iw_store *self);

/* A URI without the password that may be in it. */
void iw_store_label(const char *uri, char *label, size_t size);

/* For a store that is open for long, before it is used again: follows a database that was replaced
 * or put back, a server that was restarted.  Not OK: it is not there now, and nothing else may be
 * called. */
iw_status iw_store_refresh(iw_store *self, iw_error *err);

/* Is it worth while to try again after this status? */
bool iw_store_may_pass(iw_status status);

/* Files the run: runs, descriptors with units and uncertainties, series, events, provenance (the
 * run's metadata and the record as JSON).  structure: iw_structure_of_run.  id (may be NULL, 64
 * bytes) gets the database id. */
iw_status iw_store_file(iw_store *self, const iw_snapshot *snapshot, const iw_run_info *run,
                        const iw_structure *structure, char *id, iw_error *err);
/* The same from a record (IW_JSON_SERIES | IW_JSON_FULL), whose series are taken out of it. */
iw_status iw_store_file_record(iw_store *self, json_t *record, const iw_run_info *run, char *id,
                               iw_error *err);
/* ---- what was not measured by a run ---- */

typedef struct {
    char descriptor[64];
    double value, standard_error; /* the second NAN where it is not known */
    const char *text;             /* "Fm-3m" of space_group_number; or NULL */
    const char *unit, *category;
} iw_store_property;

/* Of a material, or of a run (id, unique prefix of an id, or name); the other one is NULL. */
typedef struct {
    const char *material, *run;
    const char *method; /* "imported"; of a material also "perfect" and "elastic", which replace all
                           that it had by that method */
    iw_store_property *rows;
    size_t n;
} iw_store_properties;

/* Where it is from. */
typedef struct {
    const char *file, *hash;
} iw_store_origin;

/* All of it in one transaction; a number that is there is replaced.  A set that is there to the
 * last bit, from the same file, stays as it is, with the time when it came; *changed are the
 * others. "elastic" holds the elements of the tensor, iw_store_elastic_name(); what follows from
 * them is computed here, and again whenever something is imported for the material, as a density
 * may be.  NOT_FOUND: a run that is not there; INVALID: a tensor that is none. */
iw_status iw_store_import(iw_store *self, const iw_store_properties *sets, size_t n,
                          const iw_store_origin *origin, size_t *changed, iw_error *err);
/* "elastic_c12_GPa", of rows and columns from 0. */
void iw_store_elastic_name(size_t i, size_t j, char name[64]);

/* Copies a run (id, unique prefix of an id, or name) from another database, row by row. */
iw_status iw_store_copy(iw_store *self, iw_store *from, const char *run, iw_error *err);
/* Removes a run and all that belongs to it.  NOT_FOUND. */
iw_status iw_store_remove(iw_store *self, const char *run, iw_error *err);

/* The ids of so many runs at most, as the keys of an object: a new reference. */
iw_status iw_store_ids(iw_store *self, int64_t most, json_t **ids, iw_error *err);
/* Rows one by one, as objects; query may be NULL: everything.  runs: by the time of filing.
 * descriptors: {run, name, temperature_K, group, descriptor, value, stderr, ci95_lo, ci95_hi, unit,
 * method, category}.  sql: what one statement of SQL gives that only reads. */
iw_status iw_store_runs(iw_store *self, const iw_store_query *query, iw_sql_each each, void *arg,
                        iw_error *err);
iw_status iw_store_descriptors(iw_store *self, const iw_store_query *query, iw_sql_each each,
                               void *arg, iw_error *err);
iw_status iw_store_sql(iw_store *self, const char *sql, iw_sql_each each, void *arg, iw_error *err);

/* The full record of one run, as a new reference. */
iw_status iw_store_record(iw_store *self, const char *run, bool series, json_t **record,
                          iw_error *err);
/* Names of the materials in the database: array of strings. */
iw_status iw_store_materials(iw_store *self, json_t **names, iw_error *err);
/* The runs of one, as publish/arrhenius_report.h takes them: array of {source: "filed", record}. */
iw_status iw_store_of_material(iw_store *self, const char *material, json_t **runs, iw_error *err);

#endif
