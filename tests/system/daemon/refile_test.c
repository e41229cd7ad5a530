/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A database that was lost is made again from the journals, to the last bit, however often the
 * daemon is killed meanwhile; one that is there is renewed and has no run twice. */
#include "filed.h"
#include "md.h"

#include <signal.h>
#include <sqlite3.h>
#include <unistd.h>

enum { RUNS = 5, ATOMS = 8, FRAMES = 200 };

typedef struct {
    harness *daemon;
    char path[192]; /* of the database */
    char id[RUNS][IW_ID_LENGTH + 1];
    char *rows[RUNS]; /* what was filed at first */
} place;

static const char *const missing[] = {"--refile", "missing", NULL};
static const char *const all[] = {"--refile", "all", NULL};

/* Runs that are filed, under a daemon with these options, which has then ended. */
static void
begin(place *self, harness *daemon, int runs, const char *const *options)
{
    memset(self, 0, sizeof *self);
    self->daemon = daemon;
    (void)snprintf(self->path, sizeof self->path, "%s/ionwatch.db", daemon->data);
    harness_start(daemon, options, 0);
    for (int i = 0; i < runs; i++) {
        md m;
        md_open(&m, daemon, ATOMS, NULL, NULL);
        (void)snprintf(self->id[i], sizeof self->id[i], "%s", m.run.id);
        md_send(&m, 1, FRAMES + 10 * (uint64_t)i);
        assert_int_equal(ionwatch_finish(m.handle, i == 1 ? "walltime" : "completed"), IONWATCH_OK);
        md_close(&m);
        harness_wait_state(daemon, self->id[i], i == 1 ? "walltime" : "completed");
        self->rows[i] = filed_rows(self->path, self->id[i]);
        assert_non_null(self->rows[i]);
    }
}

static void
lose_database(const place *self)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    for (int i = 0; i < 3; i++) {
        char part[200];
        (void)snprintf(part, sizeof part, "%s%s", self->path, parts[i]);
        assert_true(unlink(part) == 0 || i > 0);
    }
}

static void
assert_as_before(place *self, int runs)
{
    for (int i = 0; i < runs; i++) {
        harness_wait_state(self->daemon, self->id[i], i == 1 ? "walltime" : "completed");
        char *rows = filed_rows(self->path, self->id[i]);
        assert_non_null(rows);
        assert_string_equal(rows, self->rows[i]);
        free(rows);
    }
}

static void
end(place *self)
{
    for (int i = 0; i < RUNS; i++)
        free(self->rows[i]);
}

static int
number(const place *self, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    assert_int_equal(sqlite3_open(self->path, &db), SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 10000);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    int value = sqlite3_column_int(row, 0);
    (void)sqlite3_finalize(row);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return value;
}

static void
change(const place *self, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(self->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
a_lost_database_is_made_again_from_the_journals(void **state)
{
    place p;
    begin(&p, *state, RUNS, NULL);
    harness_kill(p.daemon, SIGTERM);
    lose_database(&p);
    harness_start(p.daemon, NULL, 0); /* says what can be done, and does nothing */
    assert_true(harness_log_has(p.daemon, "the database is empty, and 5 runs in the data folder"));
    assert_int_equal(number(&p, "SELECT count(*) FROM runs"), 0);
    harness_kill(p.daemon, SIGTERM);
    harness_start(p.daemon, missing, 0);
    assert_true(harness_log_has(p.daemon, "5 filed runs are filed again; of 0 the frames"));
    harness_kill(p.daemon, SIGKILL);
    harness_start(p.daemon, NULL, 0); /* it goes on, asked or not */
    assert_as_before(&p, RUNS);
    harness_kill(p.daemon, SIGTERM);
    harness_start(p.daemon, missing, 0); /* nothing is missing */
    assert_true(harness_log_has(p.daemon, " 0 filed runs are filed again"));
    assert_as_before(&p, RUNS);
    assert_int_equal(number(&p, "SELECT count(*) FROM runs"), RUNS);
    end(&p);
}

static void
all_runs_are_filed_anew_and_none_twice(void **state)
{
    place p;
    begin(&p, *state, 2, NULL);
    assert_int_equal(number(&p, "SELECT run FROM runs WHERE state = 'walltime'"), 2);
    harness_kill(p.daemon, SIGTERM);
    change(&p, "UPDATE runs SET writer = 'another', record = '{}'; DELETE FROM series");
    harness_start(p.daemon, all, 0);
    assert_as_before(&p, 2);
    assert_int_equal(number(&p, "SELECT count(*) FROM runs WHERE writer = 'another'"), 0);
    assert_int_equal(number(&p, "SELECT run FROM runs WHERE state = 'walltime'"), 2);
    assert_int_equal(number(&p, "SELECT count(*) FROM runs"), 2);
    /* And it can still go on. */
    md m;
    md_open(&m, p.daemon, ATOMS, p.id[0], NULL);
    md_send(&m, FRAMES + 1, FRAMES + 50);
    assert_int_equal(ionwatch_finish(m.handle, "completed"), IONWATCH_OK);
    md_close(&m);
    harness_wait_state(p.daemon, p.id[0], "completed");
    assert_int_equal(number(&p, "SELECT max(frames) FROM runs WHERE run = 1"), FRAMES + 50);
    end(&p);
}

static void
wait_for_file(const place *self, int i, const char *name)
{
    char path[400];
    (void)snprintf(path, sizeof path, "%s/runs/%s/%s", self->daemon->data, self->id[i], name);
    for (int tenths = 0; tenths < 300 && access(path, F_OK) != 0; tenths++)
        pause_ms(100);
    assert_int_equal(access(path, F_OK), 0);
}

static void
a_packed_journal_is_unpacked_for_it_and_one_that_is_gone_is_named(void **state)
{
    static const char *const pack[] = {"--keep", "trajectory", "--keep-after-s", "0", NULL};
    static const char *const drop[] = {"--keep", "nothing", "--keep-after-s", "0", NULL};
    place p;
    begin(&p, *state, 2, pack);
    wait_for_file(&p, 0, "journal.iwpack");
    wait_for_file(&p, 1, "journal.iwpack");
    harness_kill(p.daemon, SIGTERM);
    lose_database(&p);
    harness_start(p.daemon, missing, 0);
    assert_as_before(&p, 2);
    harness_kill(p.daemon, SIGTERM);
    harness_start(p.daemon, drop, 0);
    wait_for_file(&p, 0, "run.iwlog");
    wait_for_file(&p, 1, "run.iwlog");
    harness_kill(p.daemon, SIGTERM);
    lose_database(&p);
    harness_start(p.daemon, missing, 0);
    assert_true(harness_log_has(p.daemon, "its frames are not kept: it cannot be filed again"));
    assert_true(harness_log_has(p.daemon, " 0 filed runs are filed again; of 2 the frames"));
    harness_wait_state(p.daemon, p.id[0], "completed"); /* the listing knows it still */
    end(&p);
}

static void
without_the_database_nothing_is_begun(void **state)
{
    static const char *const away[] = {"--refile", "missing", "--db",
                                       "postgresql:///x?host=/nowhere/at/all", NULL};
    place p;
    begin(&p, *state, 1, NULL);
    harness_kill(p.daemon, SIGTERM);
    assert_int_equal(harness_fail(p.daemon, away), EXIT_FAILURE);
    assert_true(harness_log_has(p.daemon, "refile: postgresql:///x?host=/nowhere/at/all: "));
    harness_start(p.daemon, NULL, 0);
    assert_as_before(&p, 1);
    end(&p);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, harness_begin, harness_end)
    const struct CMUnitTest tests[] = {
        CASE(a_lost_database_is_made_again_from_the_journals),
        CASE(all_runs_are_filed_anew_and_none_twice),
        CASE(a_packed_journal_is_unpacked_for_it_and_one_that_is_gone_is_named),
        CASE(without_the_database_nothing_is_begun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
