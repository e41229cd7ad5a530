/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Disks that are full, out of inodes, over quota, or refuse to sync: a named state, no crash,
 * nothing that was acknowledged is missing, and when the disk takes bytes again the run goes on by
 * itself and is filed as it would have been.  Small file systems are mounted for it, which needs
 * root; what cannot be mounted is said and skipped.  limits_test.c and database_test.c have the
 * disk that is nearly full, and the database's.
 */
#include "filed.h"
#include "md.h"
#include "oplog.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ATOMS = 100, STEPS = 600 };

/* Of the same frames without a disturbance; made once. */
static char *rows;

static int
stream_undisturbed(void **state)
{
    (void)state;
    rows = md_undisturbed(ATOMS, STEPS, 0);
    return 0;
}

static int
forget_undisturbed(void **state)
{
    (void)state;
    free(rows);
    return 0;
}

/* A small file system on <folder>/small, which the data folder lies on. */
static void
begin_small(harness *daemon, const char *options)
{
    char small[128];
    (void)snprintf(small, sizeof small, "%s/small", daemon->folder);
    (void)snprintf(daemon->data, sizeof daemon->data, "%s/small/data", daemon->folder);
    assert_int_equal(mkdir(small, 0700), 0);
    if (mount("tmpfs", small, "tmpfs", 0, options) != 0) {
        print_message("a small file system cannot be mounted here: not tested\n");
        skip();
    }
}

static int
leave(void **state)
{
    harness *daemon = *state;
    char small[128];
    (void)snprintf(small, sizeof small, "%s/small", daemon->folder);
    if (daemon->pid > 0) {
        (void)kill(daemon->pid, SIGKILL);
        (void)waitpid(daemon->pid, NULL, 0);
        daemon->pid = 0;
    }
    (void)umount2(small, MNT_DETACH);
    return harness_end(state);
}

static void
ballast_path(const harness *daemon, char path[128])
{
    (void)snprintf(path, 128, "%s/small/ballast", daemon->folder);
}

/* To the last byte. */
static void
fill(const harness *daemon)
{
    static const char zeros[4096];
    char path[128];
    ballast_path(daemon, path);
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    assert_true(file >= 0);
    while (write(file, zeros, sizeof zeros) > 0 || write(file, zeros, 1) > 0)
        ;
    assert_int_equal(errno, ENOSPC);
    (void)close(file);
}

static void
empty(const harness *daemon)
{
    char path[128];
    ballast_path(daemon, path);
    assert_int_equal(unlink(path), 0);
}

/* Ends the run; its record is the undisturbed one. */
static void
finish(harness *daemon, md *code)
{
    char id[IW_ID_LENGTH + 1];
    memcpy(id, code->run.id, sizeof id);
    if (ionwatch_flush(code->handle, 30000) != IONWATCH_OK)
        fail_msg("flush: %s", ionwatch_error(code->handle));
    (void)ionwatch_finish(code->handle, "completed");
    md_close(code);
    assert_filed(daemon, id, rows);
}

static void
full_disk_of_the_daemon_is_waited_for(void **state)
{
    harness *daemon = *state;
    md code;
    begin_small(daemon, "size=4m,mode=0700");
    harness_start(daemon, NULL, 0);
    md_open(&code, daemon, ATOMS, NULL, NULL);
    md_send(&code, 1, 100);
    assert_int_equal(ionwatch_flush(code.handle, 10000), IONWATCH_OK);
    fill(daemon);
    md_send(&code, 101, 400);
    harness_wait_state(daemon, code.run.id, "waiting for disk");
    empty(daemon);
    assert_int_equal(ionwatch_flush(code.handle, 30000), IONWATCH_OK);
    fill(daemon);
    md_send(&code, 401, STEPS);
    harness_wait_state(daemon, code.run.id, "waiting for disk");
    harness_kill(daemon, SIGKILL);
    empty(daemon);
    harness_start(daemon, NULL, 0);
    finish(daemon, &code);
}

/* The run ends while database, journal and summary have no room: all of it comes later. */
static void
full_disk_at_the_end_of_a_run_delays_its_filing(void **state)
{
    harness *daemon = *state;
    char id[IW_ID_LENGTH + 1], now[64];
    md code;
    begin_small(daemon, "size=4m,mode=0700");
    harness_start(daemon, NULL, 0);
    md_open(&code, daemon, ATOMS, NULL, NULL);
    memcpy(id, code.run.id, sizeof id);
    md_send(&code, 1, STEPS);
    assert_int_equal(ionwatch_flush(code.handle, 10000), IONWATCH_OK);
    fill(daemon);
    (void)ionwatch_finish(code.handle, "completed");
    pause_ms(1000);
    harness_state(daemon, id, now);
    assert_string_not_equal(now, "completed");
    empty(daemon);
    md_close(&code);
    assert_filed(daemon, id, rows);
    harness_kill(daemon, SIGTERM);
    harness_start(daemon, NULL, 0);
    harness_wait_state(daemon, id, "completed");
}

static void
daemon_that_was_killed_on_a_full_disk_starts_there(void **state)
{
    harness *daemon = *state;
    md code;
    begin_small(daemon, "size=4m,mode=0700");
    harness_start(daemon, NULL, 0);
    md_open(&code, daemon, ATOMS, NULL, NULL);
    md_send(&code, 1, 300);
    assert_int_equal(ionwatch_flush(code.handle, 10000), IONWATCH_OK);
    fill(daemon);
    md_send(&code, 301, STEPS);
    harness_wait_state(daemon, code.run.id, "waiting for disk");
    harness_kill(daemon, SIGKILL);
    harness_start(daemon, NULL, 0); /* still full */
    json_decref(harness_show(daemon, code.run.id, 300));
    empty(daemon);
    finish(daemon, &code);
}

static void
log_on_a_full_disk_stops_nothing(void **state)
{
    harness *daemon = *state;
    char data[sizeof daemon->data];
    md code;
    memcpy(data, daemon->data, sizeof data);
    begin_small(daemon, "size=64k,mode=0700");
    memcpy(daemon->data, data, sizeof data);
    (void)snprintf(daemon->log, sizeof daemon->log, "%s/small/log", daemon->folder);
    fill(daemon);
    harness_start(daemon, NULL, 0);
    md_open(&code, daemon, ATOMS, NULL, NULL);
    md_send(&code, 1, STEPS);
    finish(daemon, &code);
    harness_kill(daemon, SIGTERM);
    struct stat info;
    assert_int_equal(stat(daemon->log, &info), 0);
    assert_int_equal(info.st_size, 0);
}

static void
use_up_inodes(const harness *daemon, bool up)
{
    char path[128];
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(path, sizeof path, "%s/small/file-%d", daemon->folder, i);
        if (!up && unlink(path) != 0)
            return;
        int file = up ? open(path, O_WRONLY | O_CREAT, 0600) : -1;
        if (up && file < 0) {
            assert_int_equal(errno, ENOSPC);
            return;
        }
        if (up)
            (void)close(file);
    }
    fail_msg("a thousand files fit");
}

static void
disk_without_inodes_is_waited_for(void **state)
{
    harness *daemon = *state;
    md code;
    begin_small(daemon, "size=16m,nr_inodes=32,mode=0700");
    harness_start(daemon, NULL, 0);
    use_up_inodes(daemon, true);
    md_open(&code, daemon, ATOMS, NULL, NULL);
    md_send(&code, 1, STEPS);
    harness_wait_state(daemon, code.run.id, "waiting for disk");
    use_up_inodes(daemon, false);
    finish(daemon, &code);
}

static void *
send_all(void *code)
{
    md_send(code, 1, STEPS);
    return NULL;
}

/* The MD code waits (policy "block") once queue and spool are full, and loses nothing. */
static void
full_disk_of_the_spool_makes_the_md_code_wait(void **state)
{
    harness *daemon = *state;
    char spool[128], data[sizeof daemon->data];
    ionwatch_stats before = {.size = sizeof before}, now = {.size = sizeof now};
    pthread_t sender;
    md code;
    memcpy(data, daemon->data, sizeof data);
    begin_small(daemon, "size=64k,mode=0700");
    memcpy(daemon->data, data, sizeof data);
    (void)snprintf(spool, sizeof spool, "%s/small", daemon->folder);
    md_open_small(&code, daemon, ATOMS, NULL, 65536, spool);
    assert_int_equal(pthread_create(&sender, NULL, send_all, &code), 0);
    for (int still = 0; still < 10;) {
        pause_ms(100);
        ionwatch_get_stats(code.handle, &now);
        still = now.spooled_bytes > 0 && now.frames_sent == before.frames_sent ? still + 1 : 0;
        before = now;
    }
    assert_in_range(now.frames_sent, 300, STEPS - 50); /* a mebibyte is gathered in memory */
    assert_int_equal(now.frames_dropped, 0);
    harness_start(daemon, NULL, 0);
    assert_int_equal(pthread_join(sender, NULL), 0);
    finish(daemon, &code);
}

/* Calls that fail, by the recorder inside the daemon. */
static oplog_control *
begin_refusals(harness *daemon, const char *environment[9])
{
    static char control[128], log[128];
    (void)snprintf(control, sizeof control, "%s/control", daemon->folder);
    (void)snprintf(log, sizeof log, "%s/oplog", daemon->folder);
    int fd = open(control, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, sizeof(oplog_control)), 0);
    oplog_control *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(shared != MAP_FAILED);
    (void)close(fd);
    atomic_store(&shared->every, 1);
    const char *set[] = {"LD_PRELOAD",
                         IONWATCH_RECORDER,
                         "IONWATCH_POWER_ROOT",
                         daemon->data,
                         "IONWATCH_POWER_LOG",
                         log,
                         "IONWATCH_POWER_CONTROL",
                         control,
                         NULL};
    memcpy(environment, set, sizeof set);
    daemon->environment = environment;
    return shared;
}

static void
refuse(harness *daemon, atomic_int *which, oplog_control *shared, int error)
{
    md code;
    harness_start(daemon, NULL, 0);
    md_open(&code, daemon, ATOMS, NULL, NULL);
    md_send(&code, 1, 200);
    assert_int_equal(ionwatch_flush(code.handle, 10000), IONWATCH_OK);
    atomic_store(which, error);
    md_send(&code, 201, STEPS);
    harness_wait_state(daemon, code.run.id, "waiting for disk");
    atomic_store(which, 0);
    finish(daemon, &code);
    assert_true(atomic_load(&shared->failed) > 0);
    harness_kill(daemon, SIGTERM);
    (void)munmap(shared, sizeof *shared);
    daemon->environment = NULL;
}

static void
quota_that_is_used_up_is_waited_for(void **state)
{
    const char *environment[9];
    oplog_control *shared = begin_refusals(*state, environment);
    refuse(*state, &shared->write_error, shared, EDQUOT);
}

static void
disk_that_refuses_to_sync_is_waited_for(void **state)
{
    const char *environment[9];
    oplog_control *shared = begin_refusals(*state, environment);
    refuse(*state, &shared->sync_error, shared, EIO);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, harness_begin, leave)
    const struct CMUnitTest tests[] = {
        CASE(full_disk_of_the_daemon_is_waited_for),
        CASE(full_disk_at_the_end_of_a_run_delays_its_filing),
        CASE(daemon_that_was_killed_on_a_full_disk_starts_there),
        CASE(log_on_a_full_disk_stops_nothing),
        CASE(disk_without_inodes_is_waited_for),
        CASE(full_disk_of_the_spool_makes_the_md_code_wait),
        CASE(quota_that_is_used_up_is_waited_for),
        CASE(disk_that_refuses_to_sync_is_waited_for),
    };
    return cmocka_run_group_tests(tests, stream_undisturbed, forget_undisturbed);
}
