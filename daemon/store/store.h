/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_STORE_H
#define IW_STORE_H
/*
 * store.h - finished runs in a database.
 *
 * A backend is one file that ends in a const iw_store_ops table.  Filing a run is one transaction
 * and idempotent: the same run id is replaced as a whole when it is filed again, never doubled.
 * One thread at a time.  Statuses: OK; AGAIN (locked, not writable, gone), FULL (the disk), IO,
 * CORRUPT, NO_MEMORY: the database may be mended, see iw_store_may_pass(); anything else is a
 * refusal of this record that a retry will not change.
 */
#include "snapshot.h"

typedef struct iw_store iw_store;

/* Which rows, for listing and export; NULL members do not restrict. */
typedef struct {
    const char *run;        /* id, unique prefix of an id, or name */
    const char *group;      /* "mobile", "Li", ... */
    const char *descriptor; /* "D_cm2_s", ... */
} iw_store_query;

/* sqlite:///absolute/path, sqlite:relative/path, or a plain path.  UNSUPPORTED: unknown scheme,
 * with the known ones, or a schema of a newer program; IO: not a database, or no way to it; AGAIN:
 * locked, or not writable;
 * INVALID: a database of another program; NOT_FOUND: read_only, and no file.  Creates and migrates
 * the schema unless read_only. */
iw_store *iw_store_open(const char *uri, bool read_only, iw_error *err);
void iw_store_close(iw_store **self);

/* For a store that is open for long, before it is used again: follows a database that was replaced
 * or put back.  AGAIN: it is not there now, and nothing else may be called. */
iw_status iw_store_refresh(iw_store *self, iw_error *err);

/* Is it worth while to try again after this status? */
bool iw_store_may_pass(iw_status status);

/* Files the run: runs, descriptors with units and uncertainties, series, events, provenance (the
 * run's metadata and the record as JSON).  id (may be NULL, 64 bytes) gets the database id. */
iw_status iw_store_file(iw_store *self, const iw_snapshot *snapshot, const iw_run_info *run,
                        char *id, iw_error *err);
/* Removes a run and all that belongs to it.  NOT_FOUND. */
iw_status iw_store_remove(iw_store *self, const char *run, iw_error *err);

/* Results as JSON text (malloc'd; freed by the caller). runs: array of run objects; record: the
 * full record of one run; descriptors: array of rows {run, name, temperature_K, group, descriptor,
 * value, stderr, ci95_lo, ci95_hi, unit, method, category}.  query may be NULL: everything. */
iw_status iw_store_runs(iw_store *self, const iw_store_query *query, char **json, iw_error *err);
iw_status iw_store_record(iw_store *self, const char *run, bool series, char **json, iw_error *err);
iw_status iw_store_descriptors(iw_store *self, const iw_store_query *query, char **json,
                               iw_error *err);

/* Names of the materials in the database: JSON array of strings. */
iw_status iw_store_materials(iw_store *self, char **json, iw_error *err);
/* The runs of one, as publish/arrhenius_report.h takes them: array of {source: "filed", record}. */
iw_status iw_store_of_material(iw_store *self, const char *material, char **json, iw_error *err);

#endif
