/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_STORE_POSTGRES_H
#define IW_STORE_POSTGRES_H
/*
 * postgres.h - what the files of the PostgreSQL backend share: postgres_link.c connects, sends and
 * waits, postgres.c is the backend.
 *
 * Nothing here waits without an end: libpq's own calls that block are not used (but for the look-up
 * of a host's name), and a server that does not answer in time costs the connection.  Statements
 * are pipelined: those without rows are sent on and their results read with the next that has some,
 * so that a run of a hundred rows takes a few round trips.
 */
#include "backend.h"

#include <libpq-fe.h>

enum {
    IW_POSTGRES_STATEMENTS = 64,
    IW_POSTGRES_AHEAD = 256 /* statements whose results nobody has read: what the server says
                               meanwhile must find room on its way here */
};

typedef struct {
    PGconn *link; /* NULL: not connected */
    char *uri;
    const char *label; /* borrowed */
    iw_store_options options;
    size_t sent; /* statements whose results were not read, and what they are for: */
    const char *doings[2 * IW_POSTGRES_AHEAD + 8]; /* each may be prepared before */
    const char *doing;                             /* the one at hand */
    bool patient;     /* what the server does now may take as long as it takes */
    bool transaction; /* begun, not ended */
    struct {
        const char *sql; /* its address is what it is known by */
        unsigned name;
    } prepared[IW_POSTGRES_STATEMENTS];
    size_t n_prepared;
    unsigned names; /* used so far on this connection */
} iw_postgres;

/* CLOSED, TIMEOUT, AGAIN: as in store.h; not connected then. */
iw_status iw_postgres_connect(iw_postgres *self, iw_error *err);
void iw_postgres_disconnect(iw_postgres *self);

/* Sends a statement; prepared ones are known by the address of their text. */
iw_status iw_postgres_send(iw_postgres *self, const iw_sql_statement *statement, bool prepared,
                           const iw_sql_value *values, size_t n, iw_error *err);
/* Waits for all that was sent.  Rows of the last statement go to each (may be NULL). */
iw_status iw_postgres_collect(iw_postgres *self, iw_sql_each each, void *arg, iw_error *err);
/* Several statements at once, without parameters; waits for them. */
iw_status iw_postgres_script(iw_postgres *self, const char *sql, const char *doing, iw_error *err);
/* Is a connection there that the server has not closed meanwhile? */
bool iw_postgres_alive(iw_postgres *self);

#endif
