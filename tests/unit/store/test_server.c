/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_server.c - a PostgreSQL server that many use and that fails in every way that one can:
 * nothing is filed by halves, nothing waits for ever, and every refusal says what to do. */
#include "database.h"
#include "records.h"

#include <errno.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void
pause_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

static double
now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- helpers that a child process may use: no assertions ---- */

static void
id_of(unsigned family, unsigned n, char id[37])
{
    (void)snprintf(id, 37, "%08x-0000-4000-8000-%012u", family, n);
}

/* A run with a series that takes more than one packet. */
static iw_status
file_large(iw_store *store, const char *id, double value, iw_error *err)
{
    enum { N = 20000 };
    json_t *record = record_of(id, "large", value);
    json_t *mobile = json_object_get(json_object_get(record, "groups"), "mobile");
    json_t *lags = json_array(), *values = json_array();
    for (int i = 0; i < N; i++) {
        (void)json_array_append_new(lags, json_real(0.001 * i));
        (void)json_array_append_new(values, json_real(value + 1.0 / (1 + i)));
    }
    (void)json_object_set_new(mobile, "vacf", json_pack("{s:o, s:o}", "lag_fs", lags, "c", values));
    iw_status status = iw_store_file_record(store, record, NULL, NULL, err);
    json_decref(record);
    return status;
}

/* Files with the patience of the daemon: what may pass is tried again. */
static bool
file_patiently(iw_store *store, const char *id, double value)
{
    for (int attempt = 0; attempt < 50; attempt++) {
        iw_error err = {0};
        iw_status status = iw_store_refresh(store, &err);
        if (status == IW_OK)
            status = file_large(store, id, value, &err);
        if (status == IW_OK)
            return true;
        if (!iw_store_may_pass(status)) {
            print_error("%s\n", err.text);
            return false;
        }
        pause_ms(50);
    }
    return false;
}

/* Every run is whole: what record_of() brings, and the two columns of file_large(). */
static void
assert_all_whole(void)
{
    assert_sql("SELECT count(*) FROM runs r WHERE (SELECT count(*) FROM groups g WHERE g.run = "
               "r.run) <> 2 OR (SELECT count(*) FROM descriptors d WHERE d.run = r.run) <> 8 OR "
               "(SELECT count(*) FROM series s WHERE s.run = r.run) <> 5 OR (SELECT count(*) FROM "
               "events e WHERE e.run = r.run) <> 1",
               "0");
    assert_sql("SELECT count(*) FROM (SELECT run FROM groups EXCEPT SELECT run FROM runs) x", "0");
    assert_sql(
        "SELECT count(*) FROM runs r JOIN materials m ON m.material = r.material WHERE "
        "m.\"group\" = 'mobile' AND m.runs <> (SELECT count(*) FROM runs o WHERE o.material = "
        "r.material)",
        "0");
}

static void
wait_children(const pid_t *children, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
}

/* ---- many at once ---- */

static void
many_programs_make_the_schema_at_once(void **state)
{
    enum { N = 6 };
    pid_t children[N];
    (void)state;
    for (size_t i = 0; i < N; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            iw_error err = {0};
            iw_store *store = iw_store_open(place.uri, NULL, &err);
            if (!store)
                print_error("%s\n", err.text);
            iw_store_close(&store);
            _exit(store || err.code ? EXIT_FAILURE : EXIT_SUCCESS);
        }
    }
    wait_children(children, N);
    iw_store *store = database_open();
    char row[64];
    iw_error err = {0};
    assert_ok(file_run(store, ID_A, "one", 1e-5, row, &err), err);
    iw_store_close(&store);
    assert_sql("SELECT count(*) FROM runs", "1");
}

static void
several_daemons_file_at_the_same_time(void **state)
{
    enum { N = 4, RUNS = 12 };
    pid_t children[N];
    (void)state;
    iw_store *store = database_open();
    iw_store_close(&store);
    for (unsigned i = 0; i < N; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] > 0)
            continue;
        iw_error err = {0};
        bool ok = true;
        store = iw_store_open(place.uri, NULL, &err);
        for (unsigned n = 0; store && ok && n < RUNS; n++) {
            char id[37]; /* every third run is filed by all of them */
            id_of(n % 3 == 0 ? 0xaaaa : 0xbbbb + i, n, id);
            ok = file_patiently(store, id, 1e-5);
        }
        _exit(store && ok ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    wait_children(children, N);
    assert_sql("SELECT count(*), count(DISTINCT id) FROM runs", "36 36");
    assert_all_whole();
}

/* ---- killed ---- */

static void
a_killed_client_leaves_nothing_by_halves(void **state)
{
    (void)state;
    iw_store *store = database_open();
    iw_store_close(&store);
    for (unsigned round = 0; round < 6; round++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            iw_error err = {0};
            store = iw_store_open(place.uri, NULL, &err);
            for (unsigned n = 0; store; n++) {
                char id[37];
                id_of(0xcccc, n % 5, id);
                if (!file_patiently(store, id, 1e-5 * (1 + n)))
                    break;
            }
            _exit(EXIT_FAILURE);
        }
        pause_ms(60 + 37 * (long)round);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
    }
    store = database_open();
    for (unsigned n = 0; n < 5; n++) {
        char id[37];
        id_of(0xcccc, n, id);
        assert_true(file_patiently(store, id, 2e-5));
    }
    iw_store_close(&store);
    assert_sql("SELECT count(*) FROM runs", "5");
    assert_all_whole();
}

static void
a_killed_server_loses_nothing_that_was_filed(void **state)
{
    (void)state;
    iw_store *store = database_open();
    iw_store_close(&store);
    volatile unsigned *filed =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(filed != MAP_FAILED);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        iw_error err = {0};
        store = iw_store_open(place.uri, NULL, &err);
        for (unsigned n = 0; store; n++) {
            char id[37];
            id_of(0xdddd, n, id);
            while (!file_patiently(store, id, 1e-5))
                ;
            *filed = n + 1;
        }
        _exit(EXIT_FAILURE);
    }
    for (int waits = 0; waits < 1000 && *filed < 3; waits++)
        pause_ms(10);
    unsigned before = *filed;
    assert_true(before > 0);
    database_server_do("kill");
    database_server_do("restart");
    assert_true(database_number("SELECT count(*) FROM runs") >= before);
    for (int waits = 0; waits < 1000 && *filed < before + 3; waits++)
        pause_ms(10); /* the client has found the server again */
    assert_true(*filed >= before + 3);
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    assert_all_whole();
    (void)munmap((void *)(uintptr_t)filed, 4096);
}

/* ---- connections ---- */

static void
a_restarted_server_is_found_again(void **state)
{
    (void)state;
    iw_error err = {0};
    char row[64];
    iw_store *store = database_open();
    assert_ok(file_run(store, ID_A, "one", 1e-5, row, &err), err);
    database_server_do("restart");
    assert_ok(iw_store_refresh(store, &err), err);
    assert_ok(file_run(store, ID_B, "two", 1e-5, row, &err), err);
    database_server_do("stop");
    assert_int_equal(iw_store_refresh(store, &err), IW_CLOSED);
    assert_non_null(strstr(err.text, "No such file or directory"));
    assert_int_equal(iw_store_refresh(store, &err), IW_CLOSED);
    database_server_do("restart");
    assert_ok(iw_store_refresh(store, &err), err);
    assert_ok(file_run(store, ID_A, "one", 1e-5, row, &err), err);
    iw_store_close(&store);
    assert_sql("SELECT name FROM runs ORDER BY run", "one,two");
}

/* Another session locks the table, until it is closed. */
static PGconn *
lock_runs(void)
{
    PGconn *link = PQconnectdb(place.uri);
    PGresult *locked = PQexec(link, "BEGIN; LOCK TABLE runs IN EXCLUSIVE MODE");
    assert_int_equal(PQresultStatus(locked), PGRES_COMMAND_OK);
    PQclear(locked);
    return link;
}

static void
a_connection_that_breaks_in_a_transaction_files_nothing(void **state)
{
    (void)state;
    iw_error err = {0};
    iw_store *store = database_open();
    assert_ok(file_large(store, ID_A, 1e-5, &err), err);
    PGconn *locked = lock_runs();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) { /* ends the filing as soon as it waits for the lock */
        while (
            database_number("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
                            "application_name = 'ionwatch' AND wait_event_type = 'Lock' AND "
                            "datname = current_database()") < 1)
            pause_ms(10);
        _exit(EXIT_SUCCESS);
    }
    assert_int_equal(file_large(store, ID_B, 1e-5, &err), IW_CLOSED);
    wait_children(&child, 1);
    PQfinish(locked);
    assert_sql("SELECT count(*) FROM runs", "1");
    assert_ok(iw_store_refresh(store, &err), err);
    assert_ok(file_large(store, ID_B, 1e-5, &err), err);
    iw_store_close(&store);
    assert_sql("SELECT count(*) FROM runs", "2");
    assert_all_whole();
}

static void
a_lock_of_another_program_asks_for_a_retry(void **state)
{
    (void)state;
    iw_error err = {0};
    iw_store *store = database_open();
    PGconn *locked = lock_runs();
    assert_int_equal(file_large(store, ID_B, 1e-5, &err), IW_AGAIN);
    assert_non_null(strstr(err.text, "locked by another program"));
    PQfinish(locked);
    assert_ok(iw_store_refresh(store, &err), err);
    assert_ok(file_large(store, ID_B, 1e-5, &err), err);
    iw_store_close(&store);
}

/* A migration takes as long as it takes: given up, it would never come to its end. */
static void
a_migration_is_not_given_up_for_being_slow(void **state)
{
    (void)state;
    iw_error err = {0};
    iw_store_options options = {.answer_s = 0.3};
    iw_store *store = database_open();
    iw_store_close(&store);
    database_do("UPDATE ionwatch_schema SET value = 'older' WHERE key = 'descriptors_wide'");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) { /* a reader whom it must wait for */
        database_do("BEGIN; LOCK TABLE descriptors_wide IN ACCESS SHARE MODE; SELECT pg_sleep(1)");
        _exit(EXIT_SUCCESS);
    }
    while (database_number("SELECT count(*) FROM pg_locks WHERE mode = 'AccessShareLock' AND "
                           "relation = CAST('descriptors_wide' AS regclass)") < 1)
        pause_ms(10);
    store = iw_store_open(place.uri, &options, &err);
    assert_ok(store ? IW_OK : err.code, err);
    iw_store_close(&store);
    wait_children(&child, 1);
    assert_sql("SELECT value LIKE 'CREATE VIEW%' FROM ionwatch_schema WHERE key = "
               "'descriptors_wide'",
               "t");
}

/* A network is mostly the way there and back: what a filing waits for is counted. */
static unsigned round_trips;
int __real_PQpipelineSync(PGconn *link);
int __wrap_PQpipelineSync(PGconn *link);

int
__wrap_PQpipelineSync(PGconn *link)
{
    round_trips++;
    return __real_PQpipelineSync(link);
}

static void
a_run_is_filed_in_four_round_trips(void **state)
{
    (void)state;
    iw_error err = {0};
    iw_store *store = database_open();
    const char *const ids[] = {ID_A, ID_B, ID_A}; /* new, another of its material, again */
    for (size_t i = 0; i < 3; i++) {
        round_trips = 0;
        assert_ok(file_run(store, ids[i], "one", 1e-5, NULL, &err), err);
        assert_int_equal(round_trips, 4);
    }
    iw_store_close(&store);
}

static bool given_up;

static bool
is_given_up(const void *arg)
{
    (void)arg;
    return given_up;
}

static void
a_server_that_hangs_is_given_up(void **state)
{
    (void)state;
    iw_error err = {0};
    iw_store_options options = {.answer_s = 0.5, .cancelled = is_given_up};
    iw_store *store = iw_store_open(place.uri, &options, &err);
    assert_non_null(store);
    for (int way = 0; way < 2; way++) {
        pid_t server = (pid_t)database_number(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'ionwatch' AND datname = "
            "current_database()");
        if (kill(server, SIGSTOP) != 0) {
            print_message("the server's processes cannot be stopped here: not tested\n");
            break;
        }
        given_up = way == 1;
        double start = now();
        assert_int_equal(file_large(store, ID_A, 1e-5, &err), IW_TIMEOUT);
        assert_true(now() - start < 20); /* and not for ever */
        assert_non_null(strstr(err.text, way ? "given up" : "does not answer in time"));
        given_up = false;
        assert_int_equal(kill(server, SIGCONT), 0);
        assert_ok(iw_store_refresh(store, &err), err);
    }
    assert_true(file_patiently(store, ID_A, 1e-5));
    iw_store_close(&store);
    assert_all_whole();
}

/* ---- refusals ---- */

static void
refuse_open(const char *uri, bool read_only, iw_status status, const char *words)
{
    iw_error err = {0};
    iw_store_options options = {.read_only = read_only};
    assert_null(iw_store_open(uri, &options, &err));
    if (err.code != status || !strstr(err.text, words))
        print_error("got %d: %s\n", (int)err.code, err.text);
    assert_int_equal(err.code, status);
    assert_non_null(strstr(err.text, words));
    assert_null(strstr(err.text, "secret"));
}

static void
what_is_wrong_with_a_uri_is_said_without_its_password(void **state)
{
    char uri[300];
    (void)state;
    refuse_open("postgresql://me:secret@host/db?nonsense=1", false, IW_INVALID,
                "invalid URI query parameter: \"nonsense\"");
    refuse_open("postgres://me:secret@[host/db", false, IW_INVALID, "postgres://me@[host/db: ");
    (void)snprintf(uri, sizeof uri, "postgresql://me:secret@/x?host=%s/none", place.folder);
    refuse_open(uri, false, IW_CLOSED, "No such file or directory");
    (void)snprintf(uri, sizeof uri, "postgresql:///nowhere?host=%s&user=ionwatch&password=secret",
                   place.folder);
    refuse_open(uri, false, IW_CLOSED, "database \"nowhere\" does not exist");
    refuse_open(place.uri, true, IW_INVALID, "is empty");
}

static void
a_password_is_in_no_label(void **state)
{
    static const char *const pairs[][2] = {
        {"postgresql://me:pw@host:5432/db?sslmode=require",
         "postgresql://me@host:5432/db?sslmode=require"},
        {"postgres://me:p:w@@h1,h2/db", "postgres://me@h1,h2/db"},
        {"postgresql:///db?password=pw&user=me", "postgresql:///db?user=me"},
        {"postgresql://host/db?user=me&sslpassword=pw", "postgresql://host/db?user=me&"},
        {"postgresql://host", "postgresql://host"},
        {"sqlite:///a:b@c/password=x.db", "sqlite:///a:b@c/password=x.db"},
        {"plain.db", "plain.db"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char label[128];
        iw_store_label(pairs[i][0], label, sizeof label);
        assert_string_equal(label, pairs[i][1]);
    }
}

static void
tables_of_another_program_are_left_alone(void **state)
{
    (void)state;
    database_do("CREATE TABLE runs (shoes text)");
    refuse_open(place.uri, false, IW_INVALID, "tables of another program");
    assert_sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", "1");
}

static void
another_encoding_is_refused(void **state)
{
    char uri[300];
    (void)state;
    database_do("CREATE DATABASE latin1 ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    (void)snprintf(uri, sizeof uri, "postgresql:///latin1?host=%s&user=ionwatch", place.folder);
    refuse_open(uri, false, IW_INVALID, "its encoding is LATIN1");
}

static void
rights_that_are_missing_are_named(void **state)
{
    iw_error err = {0};
    char uri[300], row[64];
    (void)state;
    database_do("CREATE ROLE guest LOGIN");
    (void)snprintf(uri, sizeof uri, "postgresql:///%s?host=%s&user=guest", place.name,
                   place.folder);
    refuse_open(uri, false, IW_REFUSED, "permission denied for schema public");
    iw_store *store = database_open();
    iw_store_close(&store);
    refuse_open(uri, true, IW_REFUSED, "permission denied for table ionwatch_schema");
    database_do("GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest");
    store = iw_store_open(uri, NULL, &err);
    assert_non_null(store);
    assert_int_equal(file_run(store, ID_A, "one", 1e-5, row, &err), IW_REFUSED);
    assert_non_null(strstr(err.text, "the owner of the tables has to grant it"));
    assert_true(iw_store_may_pass(IW_REFUSED));
    database_do("GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO guest");
    assert_ok(file_run(store, ID_A, "one", 1e-5, row, &err), err);
    iw_store_close(&store);
    /* A view that only its owner can renew keeps nobody from filing. */
    database_do("UPDATE ionwatch_schema SET value = 'older' WHERE key = 'descriptors_wide'");
    store = iw_store_open(uri, NULL, &err);
    assert_non_null(store);
    assert_ok(file_run(store, ID_B, "two", 1e-5, row, &err), err);
    iw_store_close(&store);
}

static void
a_server_that_takes_no_writes_is_waited_for(void **state)
{
    iw_error err = {0};
    char sql[128], row[64];
    (void)state;
    iw_store *store = database_open();
    iw_store_close(&store);
    (void)snprintf(sql, sizeof sql, "ALTER DATABASE %s SET default_transaction_read_only = on",
                   place.name);
    database_do(sql);
    store = iw_store_open(place.uri, NULL, &err);
    assert_non_null(store);
    assert_int_equal(file_run(store, ID_A, "one", 1e-5, row, &err), IW_AGAIN);
    assert_non_null(strstr(err.text, "it takes no writes now"));
    iw_store_close(&store);
}

/* Of all that is sent in one go. */
static void
the_statement_that_fails_is_named(void **state)
{
    iw_error err = {0};
    (void)state;
    iw_store *store = database_open();
    database_do("CREATE FUNCTION no() RETURNS trigger AS 'BEGIN RAISE EXCEPTION ''none today''; "
                "END' LANGUAGE plpgsql");
    database_do("CREATE TRIGGER no BEFORE INSERT ON events EXECUTE FUNCTION no()");
    assert_int_not_equal(file_run(store, ID_A, "one", 1e-5, NULL, &err), IW_OK);
    assert_non_null(strstr(err.text, ": filing an event: none today"));
    iw_store_close(&store);
    assert_sql("SELECT count(*) FROM runs", "0");
}

/* ---- a full disk ---- */

static void
fill(const char *path)
{
    static const char zeros[1 << 16];
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)setvbuf(file, NULL, _IONBF, 0);
    while (fwrite(zeros, 1, sizeof zeros, file) == sizeof zeros)
        ;
    (void)fclose(file);
}

static void
a_full_disk_of_the_server_files_nothing(void **state)
{
    iw_error err = {0};
    char small[96], ballast[128], sql[400];
    (void)state;
    const struct passwd *owner = getpwnam("postgres");
    (void)snprintf(small, sizeof small, "%s/small", place.folder);
    (void)snprintf(ballast, sizeof ballast, "%s/ballast", small);
    assert_int_equal(mkdir(small, 0700), 0);
    if (geteuid() != 0 || !owner || mount("tmpfs", small, "tmpfs", 0, "size=24m") != 0) {
        print_message("a small file system cannot be mounted here: not tested\n");
        (void)rmdir(small);
        return;
    }
    assert_int_equal(chown(small, owner->pw_uid, owner->pw_gid), 0);
    (void)snprintf(sql, sizeof sql, "CREATE TABLESPACE small LOCATION '%s'", small);
    database_do(sql);
    database_do("CREATE DATABASE small TABLESPACE small");
    (void)snprintf(place.uri, sizeof place.uri, "postgresql:///small?host=%s&user=ionwatch",
                   place.folder);
    iw_store *store = database_open();
    assert_ok(file_large(store, ID_A, 1e-5, &err), err);
    fill(ballast);
    assert_int_equal(file_large(store, ID_B, 1e-5, &err), IW_FULL);
    assert_non_null(strstr(err.text, "the server's disk is full"));
    assert_int_equal(unlink(ballast), 0);
    assert_sql("SELECT count(*) FROM runs", "1");
    assert_true(file_patiently(store, ID_B, 1e-5));
    iw_store_close(&store);
    assert_sql("SELECT count(*) FROM runs", "2");
    assert_all_whole();
    database_server_do("stop");
    (void)umount2(small, MNT_DETACH);
}

int
main(void)
{
#define CASE(name)                                                                                 \
    {                                                                                              \
#name, name, database_postgres                                                             \
    }
    static const database_case cases[] = {
        CASE(many_programs_make_the_schema_at_once),
        CASE(several_daemons_file_at_the_same_time),
        CASE(a_killed_client_leaves_nothing_by_halves),
        CASE(a_killed_server_loses_nothing_that_was_filed),
        CASE(a_restarted_server_is_found_again),
        CASE(a_connection_that_breaks_in_a_transaction_files_nothing),
        CASE(a_lock_of_another_program_asks_for_a_retry),
        CASE(a_server_that_hangs_is_given_up),
        CASE(a_migration_is_not_given_up_for_being_slow),
        CASE(a_run_is_filed_in_four_round_trips),
        CASE(what_is_wrong_with_a_uri_is_said_without_its_password),
        CASE(a_password_is_in_no_label),
        CASE(tables_of_another_program_are_left_alone),
        CASE(another_encoding_is_refused),
        CASE(rights_that_are_missing_are_named),
        CASE(a_server_that_takes_no_writes_is_waited_for),
        CASE(the_statement_that_fails_is_named),
        CASE(a_full_disk_of_the_server_files_nothing), /* the last: the server is gone then */
    };
    return database_run(cases, sizeof cases / sizeof *cases);
}
