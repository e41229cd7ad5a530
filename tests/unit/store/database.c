/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "database.h"

#include <libpq-fe.h>
#include <sqlite3.h>
#include <unistd.h>

const char database_sqlite[] = "sqlite", database_postgres[] = "postgresql";
database place;

static char server[64]; /* folder; "" while there is none */

bool
database_server_start(void)
{
    char command[512];
    (void)snprintf(server, sizeof server, "/tmp/iw-postgres-XXXXXX");
    if (!mkdtemp(server))
        return false;
    (void)snprintf(command, sizeof command,
                   "bash " IONWATCH_SOURCE_DIR "/tests/postgres.sh start %s %ld >/dev/null", server,
                   (long)getpid());
    int code = system(command);
    if (code == 0)
        return true;
    (void)rmdir(server);
    server[0] = '\0';
    if (code == 77 << 8)
        print_message("SKIPPED over PostgreSQL: it is not installed\n");
    else
        print_error("PostgreSQL cannot be started\n");
    return false;
}

void
database_server_do(const char *word)
{
    char command[512];
    (void)snprintf(command, sizeof command, "bash " IONWATCH_SOURCE_DIR "/tests/postgres.sh %s %s",
                   word, server);
    assert_int_equal(system(command), 0);
}

void
database_server_stop(void)
{
    if (server[0])
        database_server_do("remove");
    server[0] = '\0';
}

/* ---- SQL that is not the store's ---- */

static void
add(char *answer, size_t size, size_t *used, const char *before, const char *text)
{
    if (*used < size)
        *used += (size_t)snprintf(answer + *used, size - *used, "%s%s", before, text);
}

static void
sqlite_sql(const char *path, const char *sql, char *answer, size_t size)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *rows = NULL;
    size_t used = 0;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 5000);
    (void)sqlite3_exec(db, "PRAGMA foreign_keys = ON", NULL, NULL, NULL);
    while (*sql) {
        const char *rest = "";
        if (sqlite3_prepare_v2(db, sql, -1, &rows, &rest))
            fail_msg("%s: %s", sql, sqlite3_errmsg(db));
        int code;
        while ((code = sqlite3_step(rows)) == SQLITE_ROW)
            for (int c = 0; c < sqlite3_column_count(rows); c++) {
                char number[32];
                const char *text = (const char *)sqlite3_column_text(rows, c);
                if (sqlite3_column_type(rows, c) == SQLITE_FLOAT) {
                    (void)snprintf(number, sizeof number, "%.15g", sqlite3_column_double(rows, c));
                    text = number;
                }
                add(answer, size, &used, c ? " " : used ? "," : "", text ? text : "null");
            }
        if (code != SQLITE_DONE)
            fail_msg("%s: %s", sql, sqlite3_errmsg(db));
        (void)sqlite3_finalize(rows);
        sql = rest + strspn(rest, "; ");
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
postgres_sql(const char *uri, const char *sql, char *answer, size_t size)
{
    enum { FLOAT8 = 701 };
    PGconn *link = PQconnectdb(uri);
    size_t used = 0;
    if (PQstatus(link) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(link));
    PGresult *rows = PQexec(link, sql);
    if (PQresultStatus(rows) != PGRES_TUPLES_OK && PQresultStatus(rows) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(link));
    for (int r = 0; r < PQntuples(rows); r++)
        for (int c = 0; c < PQnfields(rows); c++) {
            char number[32];
            const char *text = PQgetisnull(rows, r, c) ? "null" : PQgetvalue(rows, r, c);
            if (PQftype(rows, c) == FLOAT8 && !PQgetisnull(rows, r, c)) {
                (void)snprintf(number, sizeof number, "%.15g", strtod(text, NULL));
                text = number;
            }
            add(answer, size, &used, c ? " " : used ? "," : "", text);
        }
    PQclear(rows);
    PQfinish(link);
}

void
database_sql(const char *sql, char *answer, size_t size)
{
    answer[0] = '\0';
    if (place.kind == database_sqlite)
        sqlite_sql(place.path, sql, answer, size);
    else
        postgres_sql(place.uri, sql, answer, size);
}

void
database_do(const char *sql)
{
    char nothing[4096];
    database_sql(sql, nothing, sizeof nothing);
}

double
database_number(const char *sql)
{
    char answer[4096], *end;
    database_sql(sql, answer, sizeof answer);
    double value = strtod(answer, &end);
    return end == answer ? (double)NAN : value;
}

/* ---- a database for each case ---- */

int
database_set_up(void **state)
{
    static unsigned made;
    place = (database){.kind = *state};
    if (place.kind == database_sqlite) {
        (void)snprintf(place.folder, sizeof place.folder, "/tmp/iw-store-XXXXXX");
        if (!mkdtemp(place.folder))
            return -1;
        (void)snprintf(place.path, sizeof place.path, "%s/runs.db", place.folder);
        (void)snprintf(place.uri, sizeof place.uri, "sqlite://%s", place.path);
        return 0;
    }
    char sql[128], nothing[8] = "";
    (void)snprintf(place.folder, sizeof place.folder, "%s", server);
    (void)snprintf(place.uri, sizeof place.uri, "postgresql:///postgres?host=%s&user=ionwatch",
                   server);
    (void)snprintf(place.name, sizeof place.name, "case%u", ++made);
    (void)snprintf(sql, sizeof sql, "CREATE DATABASE %s", place.name);
    postgres_sql(place.uri, sql, nothing, sizeof nothing);
    (void)snprintf(place.uri, sizeof place.uri, "postgresql:///%s?host=%s&user=ionwatch",
                   place.name, server);
    return 0;
}

int
database_tear_down(void **state)
{
    static const char *const tails[] = {"", "-wal", "-shm", "-journal"};
    char name[160];
    (void)state;
    if (place.kind != database_sqlite)
        return 0; /* it goes with the server */
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        (void)snprintf(name, sizeof name, "%s%s", place.path, tails[i]);
        (void)unlink(name);
    }
    return rmdir(place.folder);
}

iw_store *
database_open(void)
{
    iw_error err = {0};
    iw_store *store = iw_store_open(place.uri, NULL, &err);
    if (!store)
        print_error("%s\n", err.text);
    assert_non_null(store);
    return store;
}

int
database_run(const database_case *cases, size_t n)
{
    enum { MOST = 64 };
    struct CMUnitTest tests[2 * MOST];
    char names[2 * MOST][128];
    const char *const kinds[2] = {database_sqlite, database_postgres};
    size_t used = 0, wanted = 1;
    for (size_t i = 0; i < n; i++)
        wanted += cases[i].only != database_sqlite;
    bool served = wanted > 1 && database_server_start();
    for (size_t k = 0; k < (served ? 2 : 1); k++)
        for (size_t i = 0; i < n && used < 2 * MOST; i++) {
            if (cases[i].only && cases[i].only != kinds[k])
                continue;
            (void)snprintf(names[used], sizeof names[used], "%s: %s", kinds[k], cases[i].name);
            tests[used] = (struct CMUnitTest){
                .name = names[used],
                .test_func = cases[i].body,
                .setup_func = database_set_up,
                .teardown_func = database_tear_down,
                .initial_state = (void *)(uintptr_t)kinds[k],
            };
            used++;
        }
    /* The library's macro counts an array; this one has room for more. */
    int failed = _cmocka_run_group_tests("store", tests, used, NULL, NULL);
    database_server_stop();
    return failed;
}
