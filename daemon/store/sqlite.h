/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_STORE_SQLITE_H
#define IW_STORE_SQLITE_H
/* sqlite.h - what the files of the SQLite backend share: sqlite.c writes runs, sqlite_material.c
 * the lines through runs of one material, sqlite_query.c reads. */
#include "backend.h"

#include <sqlite3.h>
#include <sys/types.h>

enum {
    IW_SQLITE_RUN,
    IW_SQLITE_SPECIES,
    IW_SQLITE_GROUP,
    IW_SQLITE_DESCRIPTOR,
    IW_SQLITE_SERIES,
    IW_SQLITE_EVENT,
    IW_SQLITE_METADATA,
    IW_SQLITE_STATEMENTS
};

typedef struct {
    sqlite3 *db; /* NULL: the file is gone for now */
    char *path;
    dev_t device; /* of the file, with its inode; 0 before it was opened */
    ino_t inode;
    bool stale; /* a run could not be filed: what was opened may be of no use */
    sqlite3_stmt *statement[IW_SQLITE_STATEMENTS]; /* insertions, prepared at the first filing */
} iw_sqlite;

/* Turns a result code of SQLite into a status and a sentence: AGAIN for busy, locked, and what else
 * may pass; INVALID for a record that cannot be stored. */
iw_status iw_sqlite_fail(const iw_sqlite *self, int code, const char *doing, iw_error *err);
iw_status iw_sqlite_prepare(iw_sqlite *self, const char *sql, sqlite3_stmt **statement,
                            iw_error *err);

/* All rows of a statement as objects; its parameters ?1, ?2, ... are the texts (NULL binds NULL).
 * A column whose name ends in "_json" holds JSON. */
iw_status iw_sqlite_select(iw_sqlite *self, const char *sql, const char *const *texts, int n_texts,
                           json_t **out, iw_error *err);

/* Inside a transaction.  name: runs of an older schema get their material.  fit: the rows of
 * "materials" for one of them, from the runs that are there now. */
iw_status iw_sqlite_name_materials(iw_sqlite *self, iw_error *err);
iw_status iw_sqlite_fit_material(iw_sqlite *self, const char *material, iw_error *err);

void iw_sqlite_put_f64(unsigned char *to, double value); /* 8 bytes, little-endian */
double iw_sqlite_get_f64(const unsigned char *from);

iw_status iw_sqlite_record(void *state, const char *run_id, json_t **out, iw_error *err);
iw_status iw_sqlite_series(void *state, const char *run_id, json_t **out, iw_error *err);
iw_status iw_sqlite_resolve(void *state, const char *text, json_t **out, iw_error *err);
iw_status iw_sqlite_runs(void *state, const iw_store_query *query, json_t **out, iw_error *err);
iw_status iw_sqlite_materials(void *state, json_t **out, iw_error *err);
iw_status iw_sqlite_of_material(void *state, const char *material, json_t **out, iw_error *err);
iw_status iw_sqlite_descriptors(void *state, const iw_store_query *query, json_t **out,
                                iw_error *err);

#endif
