/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A database that is away, in every way that one can be: runs that end wait for it, what goes on is
 * not disturbed, and in the end each is filed once. */
#include "md.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MOST = 16 };

typedef struct {
    harness *daemon;
    char path[192]; /* of the database */
    char id[MOST][IW_ID_LENGTH + 1];
    iw_run_info run; /* of the last one */
} place;

/* Runs of so many atoms and frames, to their end; nothing waits for the database. */
static void
finish_runs(place *self, int first, int last, size_t atoms, uint64_t frames)
{
    for (int i = first; i < last; i++) {
        md m;
        md_open(&m, self->daemon, atoms, NULL, NULL);
        (void)snprintf(self->id[i], sizeof self->id[i], "%s", m.run.id);
        md_send(&m, 1, frames);
        assert_int_equal(ionwatch_finish(m.handle, "completed"), IONWATCH_OK);
        assert_int_equal(ionwatch_close(&m.handle, 20000), IONWATCH_OK);
        iw_frame_fini(&m.frame);
        iw_run_info_fini(&m.run);
    }
}

static void
find(harness *daemon, const char *id, char state[64], char reason[256])
{
    iw_message answer;
    json_t *list = harness_ask(daemon, "list", "", true, &answer);
    size_t i;
    json_t *run;
    state[0] = reason[0] = '\0';
    json_array_foreach(list, i, run)
    {
        if (strcmp(json_string_value(json_object_get(run, "id")), id) != 0)
            continue;
        (void)snprintf(state, 64, "%s", json_string_value(json_object_get(run, "state")));
        (void)snprintf(reason, 256, "%s", json_string_value(json_object_get(run, "state_reason")));
    }
    json_decref(list);
}

static void
wait_reason(place *self, int i, const char *words)
{
    char state[64], reason[256];
    for (int tenths = 0; tenths < 200; tenths++) {
        find(self->daemon, self->id[i], state, reason);
        if (strcmp(state, "ending") == 0 && strstr(reason, "waits for the database: ") &&
            strstr(reason, words))
            return;
        pause_ms(100);
    }
    fail_msg("run %d is \"%s\", \"%s\", not held up by \"%s\"", i, state, reason, words);
}

/* The database has these runs, each once and whole. */
static void
wait_filed(place *self, int n, int frames)
{
    char want[64], got[64] = "";
    for (int i = 0; i < n; i++) { /* it is tried again every 15 s in the end */
        char state[64] = "", reason[256];
        for (int tenths = 0; tenths < 600 && strcmp(state, "completed") != 0; tenths++) {
            find(self->daemon, self->id[i], state, reason);
            pause_ms(tenths > 0 ? 100 : 0);
        }
        if (strcmp(state, "completed") != 0)
            fail_msg("run %d is \"%s\": %s", i, state, reason);
    }
    sqlite3 *db = NULL;
    sqlite3_stmt *rows = NULL;
    assert_int_equal(sqlite3_open_v2(self->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT count(*) || ' of ' || count(DISTINCT id) || ', ' "
                                        "|| min(frames) || ' to ' || max(frames) FROM runs",
                                        -1, &rows, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(rows), SQLITE_ROW);
    (void)snprintf(got, sizeof got, "%s", (const char *)sqlite3_column_text(rows, 0));
    (void)snprintf(want, sizeof want, "%d of %d, %d to %d", n, n, frames, frames);
    assert_string_equal(got, want);
    (void)sqlite3_finalize(rows);
    (void)sqlite3_close(db);
}

static int
count_in_log(const harness *daemon, const char *text)
{
    char line[2048];
    int n = 0;
    FILE *file = fopen(daemon->log, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        n += strncmp(line, text, strlen(text)) == 0;
    (void)fclose(file);
    return n;
}

static sqlite3 *
lock(const char *path)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 10000);
    assert_int_equal(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    return db;
}

static void
begin(place *self, harness *daemon)
{
    memset(self, 0, sizeof *self);
    self->daemon = daemon;
    (void)snprintf(self->path, sizeof self->path, "%s/ionwatch.db", daemon->data);
}

/* More runs than may be in memory at once; in between the daemon is killed, and started again
 * while the database is still locked. */
static void
runs_that_wait_for_the_database_wait_on_disk(void **state)
{
    enum { RUNS = 12, ATOMS = 100, FRAMES = 3000 };
    place p;
    begin(&p, *state);
    harness_start(p.daemon, NULL, 0);
    sqlite3 *other = lock(p.path);
    finish_runs(&p, 0, RUNS, ATOMS, FRAMES);
    for (int i = 0; i < RUNS; i++)
        wait_reason(&p, i, "locked by another program");
    long before = harness_resident_kib(p.daemon) / 1024;
    pause_ms(16000); /* they give their memory back after 15 s */
    for (int i = 0; i < RUNS; i++)
        wait_reason(&p, i, "locked by another program");
    long after = harness_resident_kib(p.daemon) / 1024;
    print_message("%d runs of %d x %d atoms wait for the database: %ld MiB, later %ld MiB\n", RUNS,
                  FRAMES, ATOMS, before, after);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* keep what was freed */
    assert_true(after < before / 2);
#endif
    json_t *record = harness_show(p.daemon, p.id[0], FRAMES); /* it is read again for that */
    json_decref(record);
    assert_int_equal(count_in_log(p.daemon, "store.retry"), 1);
    harness_kill(p.daemon, SIGKILL);
    harness_start(p.daemon, NULL, 0);
    for (int i = 0; i < RUNS; i++)
        wait_reason(&p, i, "locked by another program");
    record = harness_show(p.daemon, p.id[RUNS - 1], FRAMES);
    json_decref(record);
    md live; /* goes on as if nothing were */
    md_open(&live, p.daemon, 8, NULL, NULL);
    md_send(&live, 1, 100);
    assert_int_equal(ionwatch_flush(live.handle, 10000), IONWATCH_OK);
    record = harness_show(p.daemon, live.run.id, 100);
    json_t *expected = synthetic_record(&live.run, 100, "running");
    assert_same_physics(record, expected);
    json_decref(record);
    json_decref(expected);
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(other);
    wait_filed(&p, RUNS, FRAMES);
    assert_int_equal(count_in_log(p.daemon, "store.resumed"), 1);
    synthetic_run(&p.run, ATOMS);
    record = harness_show(p.daemon, p.id[RUNS / 2], FRAMES);
    expected = synthetic_record(&p.run, FRAMES, "completed");
    assert_same_physics(record, expected);
    json_decref(record);
    json_decref(expected);
    iw_run_info_fini(&p.run);
    md_close(&live);
}

static void
database_that_was_moved_away_is_waited_for_and_found_again(void **state)
{
    place p;
    char elsewhere[256];
    begin(&p, *state);
    harness_start(p.daemon, NULL, 0);
    finish_runs(&p, 0, 1, 8, 60);
    wait_filed(&p, 1, 60);
    (void)snprintf(elsewhere, sizeof elsewhere, "%s.away", p.path);
    assert_int_equal(rename(p.path, elsewhere), 0);
    finish_runs(&p, 1, 8, 8, 60);
    for (int i = 1; i < 8; i++)
        wait_reason(&p, i, "is gone");
    iw_message answer;
    assert_null(harness_ask(p.daemon, "show", p.id[0], false, &answer));
    assert_int_equal(answer.status, IW_AGAIN);
    assert_int_not_equal(access(p.path, F_OK), 0); /* no other one was begun */
    assert_int_equal(rename(elsewhere, p.path), 0);
    wait_filed(&p, 8, 60);
    json_t *record = harness_show(p.daemon, p.id[0], 60);
    json_decref(record);
}

static void
database_on_a_full_disk_is_waited_for(void **state)
{
    static const char zeros[1 << 16];
    place p;
    char folder[128], ballast[160];
    begin(&p, *state);
    (void)snprintf(folder, sizeof folder, "%s/small", p.daemon->folder);
    (void)snprintf(ballast, sizeof ballast, "%s/ballast", folder);
    (void)snprintf(p.path, sizeof p.path, "%s/ionwatch.db", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    if (mount("tmpfs", folder, "tmpfs", 0, "size=8m,mode=0700") != 0) {
        print_message("a small file system cannot be mounted here: not tested\n");
        skip();
    }
    const char *options[] = {"--db", p.path, NULL};
    harness_start(p.daemon, options, 0);
    int file = open(ballast, O_WRONLY | O_CREAT, 0600);
    assert_true(file >= 0);
    while (write(file, zeros, sizeof zeros) > 0)
        ;
    (void)close(file);
    finish_runs(&p, 0, 8, 8, 60);
    for (int i = 0; i < 8; i++)
        wait_reason(&p, i, "full");
    assert_int_equal(unlink(ballast), 0);
    wait_filed(&p, 8, 60);
    harness_kill(p.daemon, SIGTERM);
    (void)umount2(folder, MNT_DETACH);
}

/* Root may write whatever the mode of a file says, unless it gives that up. */
static bool
obey_modes(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (geteuid() != 0)
        return true;
    if (prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0) != 0 ||
        syscall(SYS_capget, &header, data) != 0)
        return false;
    uint32_t keep = ~(UINT32_C(1) << CAP_DAC_OVERRIDE);
    data[0].effective &= keep;
    data[0].permitted &= keep;
    data[0].inheritable &= keep;
    return syscall(SYS_capset, &header, data) == 0;
}

/* The last case: the process obeys modes from here on. */
static void
database_that_cannot_be_written_is_waited_for_from_the_start(void **state)
{
    place p;
    begin(&p, *state);
    if (!obey_modes()) {
        print_message("this process may write everything: not tested\n");
        skip();
    }
    harness_start(p.daemon, NULL, 0);
    finish_runs(&p, 0, 1, 8, 60);
    wait_filed(&p, 1, 60);
    harness_kill(p.daemon, SIGTERM);
    assert_int_equal(chmod(p.path, 0400), 0);
    harness_start(p.daemon, NULL, 0);
    finish_runs(&p, 1, 8, 8, 60);
    for (int i = 1; i < 8; i++)
        wait_reason(&p, i, "not writable");
    harness_kill(p.daemon, SIGKILL);
    harness_start(p.daemon, NULL, 0);
    for (int i = 1; i < 8; i++)
        wait_reason(&p, i, "not writable");
    static const char *const parts[] = {"", "-wal", "-shm"}; /* SQLite makes these as the first */
    for (int i = 0; i < 3; i++) {
        char part[200];
        (void)snprintf(part, sizeof part, "%s%s", p.path, parts[i]);
        assert_true(chmod(part, 0600) == 0 || i > 0);
    }
    wait_filed(&p, 8, 60);
}

static int
leave(void **state)
{
    harness *daemon = *state;
    char folder[128];
    (void)snprintf(folder, sizeof folder, "%s/small", daemon->folder);
    (void)umount2(folder, MNT_DETACH); /* of a case that failed */
    return harness_end(state);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, harness_begin, leave)
    const struct CMUnitTest tests[] = {
        CASE(runs_that_wait_for_the_database_wait_on_disk),
        CASE(database_that_was_moved_away_is_waited_for_and_found_again),
        CASE(database_on_a_full_disk_is_waited_for),
        CASE(database_that_cannot_be_written_is_waited_for_from_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
