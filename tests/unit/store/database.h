/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DATABASE_H
#define DATABASE_H
/*
 * database.h - an empty database for each case, in SQLite or on a PostgreSQL server of the test's
 * own, and SQL to look into it that is not the store's.
 *
 * One table of cases runs over both: the kind is the initial state of a case, database_set_up makes
 * the database and database_tear_down removes it.
 */
#include "iw_test.h"

#include "store/store.h"

extern const char database_sqlite[], database_postgres[]; /* the kinds */

typedef struct {
    const char *kind;
    char folder[64]; /* of the file; of the server's socket */
    char path[128];  /* the file; "" on a server */
    char name[32];   /* on a server */
    char uri[256];
} database;

extern database place; /* that of the case */

/* Starts the server.  False where PostgreSQL is not installed, after saying so. */
bool database_server_start(void);
void database_server_stop(void);
/* restart, stop, kill: see tests/postgres.sh. */
void database_server_do(const char *word);

int database_set_up(void **state);
int database_tear_down(void **state);

/* What SQL gives: columns with a blank between them, rows with a comma; NULL is "null". */
void database_sql(const char *sql, char *answer, size_t size);
#define assert_sql(statement, expected)                                                            \
    do {                                                                                           \
        char sql_answer[4096];                                                                     \
        database_sql(statement, sql_answer, sizeof sql_answer);                                    \
        assert_string_equal(sql_answer, expected);                                                 \
    } while (0)
/* The first number that SQL gives; NAN where it is NULL or there is no row. */
double database_number(const char *sql);
/* Statements without rows; a failure fails the case. */
void database_do(const char *sql);

iw_store *database_open(void); /* to write */

/* Runs the cases over SQLite and, where it is installed, over PostgreSQL. */
typedef struct {
    const char *name;
    CMUnitTestFunction body;
    const char *only; /* a kind; NULL: both */
} database_case;
int database_run(const database_case *cases, size_t n);

#endif
