/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_trouble.c - databases that are locked, full, damaged, of others or of other versions, and
 * places that are none: what is said, and that nothing is filed by halves. */
#include "database.h"
#include "records.h"

#include <errno.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a disk that can be full: SQLite writes through this pwrite64 ---- */

static bool disk_is_full;
__attribute__((visibility("default"))) ssize_t pwrite64(int fd, const void *buf, size_t n,
                                                        off64_t offset);

ssize_t
pwrite64(int fd, const void *buf, size_t n, off64_t offset)
{
    if (disk_is_full) {
        errno = ENOSPC;
        return -1;
    }
    if (lseek64(fd, offset, SEEK_SET) < 0)
        return -1;
    return write(fd, buf, n);
}

static void
a_locked_database_asks_for_a_retry(void **state)
{
    (void)state;
    iw_error err = {0};
    sqlite3 *other = NULL;
    iw_store *store = database_open();
    assert_int_equal(sqlite3_open(place.path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(file_run(store, ID_A, "one", 1e-5, NULL, &err), IW_AGAIN);
    assert_non_null(strstr(err.text, "locked by another program"));
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(other);
    assert_ok(file_run(store, ID_A, "one", 1e-5, NULL, &err), err);
    iw_store_close(&store);
}

static void
a_full_disk_files_nothing_and_can_be_retried(void **state)
{
    (void)state;
    iw_error err = {0};
    iw_store *store = database_open();
    assert_ok(file_run(store, ID_A, "one", 1e-5, NULL, &err), err);
    disk_is_full = true;
    assert_int_equal(file_run(store, ID_B, "two", 2e-5, NULL, &err), IW_FULL);
    assert_non_null(strstr(err.text, "the disk is full"));
    disk_is_full = false;
    assert_sql("SELECT name FROM runs", "one");
    assert_ok(file_run(store, ID_B, "two", 2e-5, NULL, &err), err);
    iw_store_close(&store);
    assert_sql("SELECT count(*) FROM runs", "2");
    assert_sql("PRAGMA integrity_check", "ok");
}

static void
refuse_open(const char *where, bool read_only, iw_status status, const char *words)
{
    iw_error err = {0};
    iw_store_options options = {.read_only = read_only};
    assert_null(iw_store_open(where, &options, &err));
    if (err.code != status || !strstr(err.text, words))
        print_error("got %d: %s\n", (int)err.code, err.text);
    assert_int_equal(err.code, status);
    assert_non_null(strstr(err.text, words));
}

/* Of a colleague, in a folder of hers: exit code of one who may only look. */
static int
look_as_another(void)
{
    iw_error err = {0};
    iw_store_options options = {.read_only = true};
    json_t *runs = json_array();
    if (geteuid() == 0 && setuid(65534) != 0)
        return 77;
    if (access(place.folder, W_OK) == 0)
        return 77;
    iw_store *store = iw_store_open(place.uri, &options, &err);
    if (!store || iw_store_runs(store, NULL, iw_sql_keep, runs, &err)) {
        print_error("%s\n", err.text);
        return 1;
    }
    iw_store_close(&store);
    size_t n = json_array_size(runs);
    json_decref(runs);
    return n == 1 && !iw_store_open(place.uri, NULL, &err) && err.code == IW_AGAIN ? 0 : 2;
}

static void
a_file_that_nobody_has_open_can_be_read_in_a_folder_of_others(void **state)
{
    (void)state;
    iw_error err = {0};
    int code = -1;
    iw_store *store = database_open();
    assert_ok(file_run(store, ID_A, "one", 1e-5, NULL, &err), err);
    iw_store_close(&store);
    assert_int_equal(chmod(place.path, 0444), 0);
    assert_int_equal(chmod(place.folder, 0555), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(look_as_another());
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(chmod(place.folder, 0700), 0);
    if (code == 77 << 8)
        print_message("this process may write everything: not tested\n");
    else
        assert_int_equal(code, 0);
}

static void
a_text_file_is_not_a_database(void **state)
{
    (void)state;
    FILE *file = fopen(place.path, "w");
    assert_non_null(file);
    for (int i = 0; i < 100; i++)
        (void)fprintf(file, "this is line %d of something else\n", i);
    (void)fclose(file);
    refuse_open(place.uri, false, IW_IO, "is not a database");
    refuse_open(place.uri, true, IW_IO, "is not a database");
}

static void
a_database_of_another_program_is_left_alone(void **state)
{
    (void)state;
    database_do("CREATE TABLE recipes (name TEXT)");
    refuse_open(place.uri, false, IW_INVALID, "another program");
    assert_sql("SELECT name FROM sqlite_schema", "recipes");
}

static void
set_version(int version)
{
    char sql[96];
    (void)snprintf(sql, sizeof sql,
                   place.kind == database_sqlite
                       ? "PRAGMA user_version = %d"
                       : "UPDATE ionwatch_schema SET value = '%d' WHERE key = 'version'",
                   version);
    database_do(sql);
}

static void
a_newer_schema_is_refused(void **state)
{
    (void)state;
    iw_store *store = database_open();
    iw_store_close(&store);
    set_version(99);
    refuse_open(place.uri, false, IW_UNSUPPORTED, "schema version 99");
    refuse_open(place.uri, true, IW_UNSUPPORTED, "use a newer ionwatch");
}

/* A daemon is connected for months; the others are updated before it is. */
static void
a_schema_that_is_migrated_meanwhile_is_left_alone(void **state)
{
    (void)state;
    iw_error err = {0};
    char version[16];
    iw_store *store = database_open();
    assert_ok(file_run(store, ID_A, "one", 1e-5, NULL, &err), err);
    database_sql(place.kind == database_sqlite
                     ? "PRAGMA user_version"
                     : "SELECT value FROM ionwatch_schema WHERE key = 'version'",
                 version, sizeof version);
    set_version(99);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(file_run(store, ID_A, "two", 1e-5, NULL, &err), IW_AGAIN);
        assert_non_null(strstr(err.text, "schema version 99 now"));
        assert_int_equal(iw_store_remove(store, ID_A, &err), IW_AGAIN);
        assert_int_equal(iw_store_refresh(store, &err), IW_UNSUPPORTED);
        assert_non_null(strstr(err.text, "use a newer ionwatch"));
    }
    assert_sql("SELECT name FROM runs", "one");
    set_version((int)strtol(version, NULL, 10)); /* as it was */
    assert_ok(iw_store_refresh(store, &err), err);
    assert_ok(file_run(store, ID_A, "two", 1e-5, NULL, &err), err);
    iw_store_close(&store);
    assert_sql("SELECT name FROM runs", "two");
}

static void
bad_places_are_refused_with_what_and_where(void **state)
{
    (void)state;
    char below[300];
    iw_store *store = database_open();
    iw_store_close(&store);
    (void)snprintf(below, sizeof below, "%s/below.db", place.uri); /* a file is not a folder */
    refuse_open(below, false, IW_IO, "cannot open it");
    refuse_open("mysql://host/runs", false, IW_UNSUPPORTED, "known: sqlite:///path, postgresql://");
    refuse_open("sqlite://", false, IW_INVALID, "names no file");
    refuse_open("host=head dbname=ions password=secret", false, IW_INVALID,
                "\"host=...\" is how libpq names a database; here it is a URI");
    refuse_open("/nowhere/at/all.db", true, IW_NOT_FOUND, "there is no such database");
    refuse_open(place.folder, false, IW_IO, "is a folder: name the file in it");
}

static void
a_record_without_groups_is_refused(void **state)
{
    (void)state;
    iw_error err = {0};
    iw_run_info run;
    make_run(&run);
    iw_store *store = database_open();
    json_t *record = json_pack("{s:{s:s}}", "run", "id", ID_A);
    assert_int_equal(iw_store_file_record(store, record, &run, NULL, &err), IW_INVALID);
    json_decref(record);
    iw_run_info_fini(&run);
    iw_store_close(&store);
    assert_sql("SELECT count(*) FROM runs", "0");
}

int
main(void)
{
#define CASE(name)                                                                                 \
    {                                                                                              \
#name, name, NULL                                                                          \
    }
#define SQLITE(name)                                                                               \
    {                                                                                              \
#name, name, database_sqlite                                                               \
    }
    static const database_case cases[] = {
        SQLITE(a_locked_database_asks_for_a_retry),
        SQLITE(a_full_disk_files_nothing_and_can_be_retried),
        SQLITE(a_file_that_nobody_has_open_can_be_read_in_a_folder_of_others),
        SQLITE(a_text_file_is_not_a_database),
        SQLITE(a_database_of_another_program_is_left_alone),
        CASE(a_newer_schema_is_refused),
        CASE(a_schema_that_is_migrated_meanwhile_is_left_alone),
        SQLITE(bad_places_are_refused_with_what_and_where),
        CASE(a_record_without_groups_is_refused),
    };
    return database_run(cases, sizeof cases / sizeof *cases);
}
