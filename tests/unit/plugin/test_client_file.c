/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file:// endpoint: a run written to a frame log. */
#include "iw_test.h"

#include "client.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ATOMS = 2 };

static const char run_id[] = "7f3c1a52-90ab-4cde-8f01-23456789abcd";
static char folder[64];
static char path[100];
static char endpoint[128];

/* A disk that fails one fdatasync() has dropped what was written since the last one, and says
 * nothing of it at the next. */
static atomic_int syncs_that_fail;
static off_t synced_size;

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

int
__wrap_fdatasync(int fd)
{
    static const char zeros[4096];
    off_t size = lseek(fd, 0, SEEK_END);
    if (atomic_load(&syncs_that_fail) == 0 || size == synced_size) {
        synced_size = size;
        return __real_fdatasync(fd);
    }
    (void)atomic_fetch_sub(&syncs_that_fail, 1);
    for (off_t at = synced_size; at < size; at += (off_t)sizeof zeros)
        if (pwrite(fd, zeros,
                   (size_t)(size - at) < sizeof zeros ? (size_t)(size - at) : sizeof zeros, at) < 0)
            abort();
    errno = EIO;
    return -1;
}

static int
set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/ionwatch-test-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(path, sizeof path, "%s/run.iwlog", folder);
    (void)snprintf(endpoint, sizeof endpoint, "file://%s", path);
    iw_client_timing_default.stop_check_ms = 20;
    iw_client_timing_default.sync_ms = 50;
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    char other[200];
    (void)unlink(path);
    (void)snprintf(other, sizeof other, "%s.stop", path);
    (void)unlink(other);
    (void)snprintf(other, sizeof other, "%s/ionwatch-%s.spool", folder, run_id);
    (void)unlink(other);
    return rmdir(folder);
}

static void
make_run(ionwatch_run *run)
{
    static const char *const species[ATOMS] = {"Na", "Cl"};
    ionwatch_run_init(run);
    run->run_id = run_id;
    run->n_atoms = ATOMS;
    run->species = species;
    run->timestep = 1.0;
    run->spool_dir = folder;
}

static ionwatch_status
send_step(ionwatch *w, int64_t step)
{
    double pos[3 * ATOMS] = {0};
    ionwatch_frame frame;
    pos[0] = (double)step;
    ionwatch_frame_init(&frame);
    frame.step = step;
    frame.pos_f64 = pos;
    return ionwatch_send(w, &frame);
}

static void
send_steps(ionwatch *w, int64_t from, int64_t to)
{
    for (int64_t step = from; step <= to; step++)
        assert_int_equal(send_step(w, step), IW_OK);
}

/* Counts the records of a kind; FRAMEs must be numbered 1, 2, 3, ... with steps that equal them. */
static int
count(iw_msg_type kind, char *text)
{
    iw_error err;
    iw_framelog_record record;
    iw_framelog_reader *reader = iw_framelog_reader_open(path, &err);
    int n = 0;
    uint64_t seq = 0;
    assert_non_null(reader);
    while (iw_framelog_next(reader, &record, &err) == IW_OK) {
        iw_message message;
        iw_message_init(&message, IW_MSG_PING);
        assert_ok(iw_wire_decode(record.data, record.size, &message, &err), err);
        assert_int_equal(message.type, record.kind);
        if (message.type == IW_MSG_FRAME) {
            assert_int_equal(message.frame.seq, ++seq);
            assert_int_equal(message.frame.step, seq);
            assert_int_equal(record.seq, seq);
        }
        if (message.type == kind && text)
            memcpy(text, message.text, sizeof message.text);
        n += message.type == kind;
    }
    iw_framelog_reader_close(&reader);
    return n;
}

static void
a_run_in_a_file_begins_with_hello_and_ends_with_bye(void **state)
{
    (void)state;
    char why[IW_WIRE_TEXT] = "";
    ionwatch_run run;
    ionwatch_stats stats = {.size = sizeof stats};
    make_run(&run);
    ionwatch *w = ionwatch_open(endpoint, &run);
    assert_string_equal(ionwatch_error(w), "");
    send_steps(w, 1, 100);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    assert_int_equal(count(IW_MSG_FRAME, NULL), 100);
    ionwatch_get_stats(w, &stats);
    assert_int_equal(stats.frames_acknowledged, 100);
    send_steps(w, 101, 110);
    assert_int_equal(ionwatch_finish(w, "stopped"), IW_OK);
    ionwatch_close(&w, 10000);
    assert_int_equal(count(IW_MSG_HELLO, NULL), 1);
    assert_int_equal(count(IW_MSG_FRAME, NULL), 110);
    assert_int_equal(count(IW_MSG_BYE, why), 1);
    assert_string_equal(why, "stopped");
}

static void
a_restart_goes_on_in_the_same_file(void **state)
{
    (void)state;
    ionwatch_run run;
    make_run(&run);
    ionwatch *w = ionwatch_open(endpoint, &run);
    send_steps(w, 1, 7);
    ionwatch_close(&w, 10000);
    w = ionwatch_open(endpoint, &run);
    assert_string_equal(ionwatch_error(w), "");
    send_steps(w, 8, 20);
    ionwatch_close(&w, 10000);
    assert_int_equal(count(IW_MSG_HELLO, NULL), 1);
    assert_int_equal(count(IW_MSG_FRAME, NULL), 20);
}

static void
the_file_of_another_run_is_not_touched(void **state)
{
    (void)state;
    static const char *const three[3] = {"Na", "Cl", "Na"};
    ionwatch_run run;
    make_run(&run);
    ionwatch *w = ionwatch_open(endpoint, &run);
    send_steps(w, 1, 3);
    ionwatch_close(&w, 10000);
    run.run_id = "00000000-90ab-4cde-8f01-23456789abcd";
    w = ionwatch_open(endpoint, &run);
    assert_non_null(strstr(ionwatch_error(w), "holds run 7f3c1a52"));
    assert_int_equal(send_step(w, 4), IW_EXISTS);
    ionwatch_close(&w, 0);
    make_run(&run);
    run.n_atoms = 3;
    run.species = three;
    w = ionwatch_open(endpoint, &run);
    assert_non_null(strstr(ionwatch_error(w), "frames of 2 atoms"));
    ionwatch_close(&w, 0);
    assert_int_equal(count(IW_MSG_FRAME, NULL), 3);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs("a text that somebody needs", file);
    assert_int_equal(fclose(file), 0);
    make_run(&run);
    w = ionwatch_open(endpoint, &run);
    assert_non_null(strstr(ionwatch_error(w), "is not a frame log"));
    ionwatch_close(&w, 0);
}

static void
a_stop_file_asks_the_run_to_end(void **state)
{
    (void)state;
    ionwatch_run run;
    char stop_path[200];
    const char *reason;
    make_run(&run);
    ionwatch *w = ionwatch_open(endpoint, &run);
    send_steps(w, 1, 1);
    assert_int_equal(ionwatch_should_stop(w, NULL), 0);
    (void)snprintf(stop_path, sizeof stop_path, "%s.stop", path);
    FILE *file = fopen(stop_path, "w");
    assert_non_null(file);
    (void)fputs("D is known to 3 %\nsecond line\n", file);
    assert_int_equal(fclose(file), 0);
    for (int i = 0; i < 1000 && !ionwatch_should_stop(w, NULL); i++)
        (void)usleep(5000);
    assert_int_equal(ionwatch_should_stop(w, &reason), 1);
    assert_string_equal(reason, "D is known to 3 %");
    ionwatch_close(&w, 1000);
}

/* In a child: files may not grow beyond 30,000 bytes, as on a full disk. */
static int
write_on_a_full_disk(void)
{
    struct rlimit limit = {30000, RLIM_INFINITY};
    ionwatch_run run;
    make_run(&run);
    run.queue_bytes = 1 << 20;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 1;
    ionwatch *w = ionwatch_open(endpoint, &run);
    for (int64_t step = 1; step <= 300; step++)
        if (send_step(w, step) != IW_OK)
            return 2;
    if (ionwatch_flush(w, 200) != IW_TIMEOUT)
        return 3;
    limit.rlim_cur = RLIM_INFINITY; /* somebody made room */
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 4;
    if (ionwatch_flush(w, 10000) != IW_OK)
        return 5;
    ionwatch_close(&w, 1000);
    return 0;
}

/* In a child: neither the file nor the spool can take what is sent. */
static int
close_on_a_full_disk(void)
{
    struct rlimit limit = {30000, RLIM_INFINITY};
    ionwatch_run run;
    make_run(&run);
    run.queue_bytes = 1 << 20;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 1;
    ionwatch *w = ionwatch_open(endpoint, &run);
    for (int64_t step = 1; step <= 300; step++)
        if (send_step(w, step) != IW_OK)
            return 2;
    ionwatch_status closed = ionwatch_close(&w, 200);
    return closed == IONWATCH_OK || closed == IONWATCH_AGAIN ? 3 : 0;
}

static void
closing_says_when_frames_are_lost(void **state)
{
    (void)state;
    int result;
    pid_t child = fork();
    if (child == 0)
        _exit(close_on_a_full_disk());
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    assert_int_equal(WEXITSTATUS(result), 0);
}

static void
a_full_disk_delays_frames_and_loses_none(void **state)
{
    (void)state;
    int result;
    pid_t child = fork();
    if (child == 0)
        _exit(write_on_a_full_disk());
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    assert_int_equal(WEXITSTATUS(result), 0);
    assert_int_equal(count(IW_MSG_FRAME, NULL), 300);
}

static void
frames_that_a_disk_dropped_are_written_again(void **state)
{
    (void)state;
    ionwatch_run run;
    make_run(&run);
    ionwatch *w = ionwatch_open(endpoint, &run);
    send_steps(w, 1, 50);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    atomic_store(&syncs_that_fail, 1);
    send_steps(w, 51, 100);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    assert_int_equal(atomic_load(&syncs_that_fail), 0);
    assert_int_equal(count(IW_MSG_FRAME, NULL), 100);
    atomic_store(&syncs_that_fail, 1);
    assert_int_equal(ionwatch_finish(w, "completed"), IW_OK);
    ionwatch_close(&w, 10000);
    assert_int_equal(count(IW_MSG_BYE, NULL), 1);
    assert_int_equal(count(IW_MSG_FRAME, NULL), 100);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_run_in_a_file_begins_with_hello_and_ends_with_bye),
        CASE(a_restart_goes_on_in_the_same_file),
        CASE(the_file_of_another_run_is_not_touched),
        CASE(a_stop_file_asks_the_run_to_end),
        CASE(a_full_disk_delays_frames_and_loses_none),
        CASE(closing_says_when_frames_are_lost),
        CASE(frames_that_a_disk_dropped_are_written_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
