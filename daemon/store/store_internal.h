/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_STORE_INTERNAL_H
#define IW_STORE_INTERNAL_H
/* store_internal.h - what the files share that speak SQL: schema.c makes tables, record.c writes
 * runs, materials.c the lines through runs of one material, copy.c takes runs from another
 * database, query.c reads. */
#include "backend.h"
#include "filing.h"

enum {
    IW_STORE_TABLES = 9, /* that a run, or its material, has rows in */
    IW_STORE_FILTERS = 3 /* members of iw_store_query */
};

struct iw_store {
    const iw_store_backend *backend;
    void *state;
    iw_store_options options;
    char label[512]; /* the URI without its password; of a file its path */
    char *find_run;  /* statements, made at the first filing, ... */
    char *insert_run;
    char *copy_insertions[IW_STORE_TABLES]; /* ... at a copy, */
    char *listings[1 << IW_STORE_FILTERS];  /* and at a question: by which filters are set */
    int found_version;                      /* of the schema, when it was opened */
    char trouble[IW_ERROR_TEXT];            /* why the view is of another program; "" */
    bool unready; /* opened again, or changed by others: its schema is to be looked at */
};

/* All rows of a statement, as a new reference; its parameters are texts (NULL: NULL). */
iw_status iw_store_select(iw_store *self, const iw_sql_statement *statement,
                          const char *const *texts, size_t n, json_t **rows, iw_error *err);
/* A statement without rows. */
iw_status iw_store_change(iw_store *self, const iw_sql_statement *statement,
                          const iw_sql_value *values, size_t n, iw_error *err);
/* Ends a transaction: commits if all went well, else rolls back and passes the status on. */
iw_status iw_store_end(iw_store *self, iw_status status, iw_error *err);

/* A text of schema.h in the words of a database; malloc'd, NULL: no memory. */
char *iw_schema_words(const iw_store_backend *backend, const char *text);
/* Brings the schema up to date; read-only, refuses another one. */
iw_status iw_schema_ready(iw_store *self, iw_error *err);
/* AGAIN: that is another version than the one that was made ready; others have changed it since. */
iw_status iw_schema_still(iw_store *self, int version, iw_error *err);

/* Id of the one run that the text names. */
iw_status iw_store_resolve(iw_store *self, const char *text, char id[IW_ID_LENGTH + 1],
                           iw_error *err);

/* INSERT of these columns; a row that has the same key (NULL: none may have) is replaced.  A run
 * keeps its number, which is returned.  malloc'd, NULL: no memory. */
char *iw_store_insertion(const char *table, const char *const *columns, size_t n, const char *key);

/* Begins a transaction that alone changes this run, under the schema of this program: AGAIN where
 * another one has migrated it meanwhile.  *material: that of the run, malloc'd; "" if it is not
 * there. */
iw_status iw_store_begin_change(iw_store *self, const char *id, char **material, iw_error *err);
/* Removes what belongs to the run of this number. */
iw_status iw_store_empty_run(iw_store *self, int64_t row, iw_error *err);
/* Adds "properties" to a record: what was imported for the run or its material. */
iw_status iw_store_attach_properties(iw_store *self, const char *id, json_t *record, iw_error *err);
/* name: runs of an older schema get their material.  refit: after a run came, changed or went, the
 * rows of "materials" for what it was and what it is now (NULL: nothing). */
iw_status iw_store_name_materials(iw_store *self, iw_error *err);
iw_status iw_store_refit(iw_store *self, const char *before, const char *now, iw_error *err);

#endif
