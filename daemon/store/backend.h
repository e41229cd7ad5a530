/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_STORE_BACKEND_H
#define IW_STORE_BACKEND_H
/*
 * backend.h - what every database provides: a connection that runs statements.
 *
 * Statements are the same for all of them and stand in record.c, materials.c, query.c and schema.c;
 * a backend is one const table at the end of its file, and knows neither physics nor tables.  What
 * SQL dialects call differently, types for the most part, are its words.
 */
#include "sql.h"
#include "store.h"

typedef struct iw_store_backend {
    const char *const *schemes; /* of its URIs, the usual one first; ends with NULL */
    const char *form;           /* "sqlite:///path": for messages */
    /* {WORD} in a text that goes through iw_schema_words() is what stands beside WORD here; ends
     * with a NULL. */
    const char *const (*words)[2];

    /* label: the URI as people may see it (a path, no password).  Creates an empty database if it
     * can and need be, unless read_only. */
    iw_status (*open)(void **state, const char *uri, const char *label,
                      const iw_store_options *options, iw_error *err);
    void (*close)(void *state); /* NULL is harmless */
    /* Before it is used again after a while: opens it again if it must, where it was, and creates
     * nothing.  *anew: it did.  Nothing else is called after a failure but this. */
    iw_status (*refresh)(void *state, bool *anew, iw_error *err);

    /* One transaction at a time.  to_write: other writers may wait for its end. */
    iw_status (*begin)(void *state, bool to_write, iw_error *err);
    iw_status (*commit)(void *state, iw_error *err); /* durable when it returns OK */
    void (*rollback)(void *state);                   /* harmless where nothing was begun */
    /* Until the end of the transaction nobody else has a lock of this name. */
    iw_status (*lock)(void *state, const char *name, iw_error *err);

    /* A statement without rows.  What is wrong with it may be told by the next call only. */
    iw_status (*change)(void *state, const iw_sql_statement *statement, const iw_sql_value *values,
                        size_t n, iw_error *err);
    iw_status (*select)(void *state, const iw_sql_statement *statement, const iw_sql_value *values,
                        size_t n, iw_sql_each each, void *arg, iw_error *err);
    /* Several statements with semicolons, no parameters, no rows. */
    iw_status (*script)(void *state, const char *sql, const char *doing, iw_error *err);
    /* One statement that people wrote.  INVALID: it would change something, or cannot be run. */
    iw_status (*query)(void *state, const char *sql, iw_sql_each each, void *arg, iw_error *err);

    /* How many migrations it had; 0: it is empty.  INVALID: of another program. */
    iw_status (*version)(void *state, int *version, iw_error *err);
    iw_status (*set_version)(void *state, int version, iw_error *err);
} iw_store_backend;

extern const iw_store_backend iw_store_sqlite, iw_store_postgres;

#endif
