/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every allocation of the client fails once, in either of its threads: each call says so or is not
 * concerned, the handle works again afterwards, and every frame that was accepted arrives once (the
 * sanitizer build watches for leaks).  Memory that libzmq asks for is its own matter: it ends the
 * process without.
 */
#include "client_case.h"

#include "framelog.h"

#include <unistd.h>

enum { STEPS = 40 };

static atomic_long left = -1; /* allocations until one fails; negative: none does */
static atomic_bool failed;
static atomic_bool spared; /* the fake daemon's thread is known */

static bool
fails(void)
{
    if (atomic_load(&left) < 0)
        return false;
    if (atomic_load(&spared) && pthread_equal(pthread_self(), daemon_.thread))
        return false;
    bool now = atomic_fetch_sub(&left, 1) == 0;
    if (now)
        atomic_store(&failed, true);
    return now;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

void *
__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

char *
__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

/* What an MD code knows of its frames. */
typedef struct {
    bool accepted[STEPS + 1];
    ionwatch_status closed;
} code;

static ionwatch *
open_at(const char *endpoint)
{
    ionwatch_run run;
    make_run(&run);
    run.queue_bytes = 4000; /* the rest goes to the spool */
    return ionwatch_open(endpoint, &run);
}

/* Opens; without memory it must say so, and must succeed when it is tried again. */
static ionwatch *
open_in_the_end(const char *endpoint)
{
    ionwatch *w = open_at(endpoint);
    if (w && ionwatch_error(w)[0] == '\0')
        return w;
    assert_true(atomic_load(&failed));
    assert_int_equal(send_step(w, 1), IW_NO_MEMORY);
    assert_int_equal(ionwatch_flush(w, 0), IW_NO_MEMORY);
    assert_int_equal(ionwatch_finish(w, "completed"), IW_NO_MEMORY);
    assert_int_equal(ionwatch_should_stop(w, NULL), 0);
    assert_true(ionwatch_error(w)[0] != '\0');
    (void)ionwatch_close(&w, 1000);
    w = open_at(endpoint);
    assert_non_null(w);
    assert_string_equal(ionwatch_error(w), "");
    return w;
}

static void
send_some(ionwatch *w, code *md, int from, int to)
{
    for (int step = from; step <= to; step++) {
        ionwatch_status status = send_step(w, step);
        md->accepted[step] = status == IW_OK;
        if (status != IW_OK && (status != IW_NO_MEMORY || !atomic_load(&failed)))
            fail_msg("step %d: %d: %s", step, (int)status, ionwatch_error(w));
    }
}

/* What arrived is what was accepted, once and in order. */
static void
assert_arrived(const code *md)
{
    int n = 0;
    pthread_mutex_lock(&daemon_.lock);
    for (int step = 1; step <= STEPS; step++) {
        if (!md->accepted[step])
            continue;
        assert_true(n < daemon_.frames);
        assert_int_equal(daemon_.step[n++], step);
    }
    assert_int_equal(daemon_.frames, n);
    pthread_mutex_unlock(&daemon_.lock);
    assert_true(n >= STEPS - 1); /* one failure costs one frame at most */
}

static void
start_daemon(void)
{
    fake_start(&daemon_);
    atomic_store(&spared, true);
}

static void
stop_daemon(void)
{
    atomic_store(&spared, false);
    fake_stop(&daemon_);
}

/* A daemon that comes late: frames go through queue and spool. */
static void
stream_to_a_daemon(void)
{
    code md = {.closed = IW_OK};
    ionwatch *w = open_in_the_end(client_endpoint);
    send_some(w, &md, 1, 30);
    start_daemon();
    (void)ionwatch_flush(w, 5000);
    send_some(w, &md, 31, STEPS);
    (void)ionwatch_should_stop(w, NULL);
    assert_int_equal(ionwatch_flush(w, 5000), IW_OK);
    assert_int_equal(ionwatch_finish(w, "completed"), IW_OK);
    ionwatch_status closed = ionwatch_close(&w, 5000);
    if (closed != IW_OK)
        fail_msg("close: %d, frames %d", (int)closed, daemon_.frames);
    stop_daemon();
    assert_arrived(&md);
    assert_int_equal(daemon_.byes, 1);
    assert_int_equal(count_spools(), 0);
}

/* No daemon at all: what the spool takes another handle delivers. */
static void
stream_to_the_spool(void)
{
    code md = {.closed = IW_OK};
    ionwatch *w = open_in_the_end(client_endpoint);
    send_some(w, &md, 1, STEPS);
    assert_int_equal(ionwatch_finish(w, "completed"), IW_OK);
    md.closed = ionwatch_close(&w, 0);
    if (md.closed != IW_AGAIN) { /* it says that frames were lost */
        assert_true(atomic_load(&failed));
        assert_int_equal(md.closed, IW_NO_MEMORY);
    }
    start_daemon();
    w = open_in_the_end(client_endpoint);
    (void)ionwatch_flush(w, 5000);
    assert_int_equal(ionwatch_flush(w, 5000), IW_OK);
    assert_int_equal(ionwatch_close(&w, 5000), IW_OK);
    stop_daemon();
    if (md.closed == IW_AGAIN)
        assert_arrived(&md);
}

static void
assert_in_file(const char *path, const code *md)
{
    iw_error err;
    iw_framelog_record record;
    int n = 0, expected = 0;
    atomic_store(&left, -1); /* reading is not what is tested */
    iw_framelog_reader *reader = iw_framelog_reader_open(path, &err);
    assert_non_null(reader);
    while (iw_framelog_next(reader, &record, &err) == IW_OK)
        n += record.kind == IW_MSG_FRAME;
    iw_framelog_reader_close(&reader);
    for (int step = 1; step <= STEPS; step++)
        expected += md->accepted[step];
    assert_int_equal(n, expected);
    assert_true(expected >= STEPS - 1);
}

static void
stream_to_a_file(void)
{
    code md = {.closed = IW_OK};
    char endpoint[128];
    (void)snprintf(endpoint, sizeof endpoint, "file://%s/frames", client_folder);
    ionwatch *w = open_in_the_end(endpoint);
    send_some(w, &md, 1, STEPS);
    (void)ionwatch_flush(w, 5000);
    (void)ionwatch_should_stop(w, NULL);
    assert_int_equal(ionwatch_flush(w, 5000), IW_OK);
    assert_int_equal(ionwatch_finish(w, "completed"), IW_OK);
    assert_int_equal(ionwatch_close(&w, 5000), IW_OK);
    assert_in_file(endpoint + 7, &md);
}

static void
fail_each(const char *what, void (*stream)(void))
{
    long k = 0;
    void *state = NULL;
    do {
        assert_int_equal(set_up(&state), 0);
        atomic_store(&failed, false);
        atomic_store(&left, k++);
        stream();
        atomic_store(&left, -1);
        assert_int_equal(tear_down(&state), 0);
    } while (atomic_load(&failed));
    print_message("%s: %ld allocations failed, one at a time\n", what, k - 1);
    assert_true(k > 20);
}

static void
every_allocation_may_fail_with_a_daemon(void **state)
{
    (void)state;
    fail_each("with a daemon", stream_to_a_daemon);
}

static void
every_allocation_may_fail_with_the_spool_alone(void **state)
{
    (void)state;
    fail_each("with the spool alone", stream_to_the_spool);
}

static void
every_allocation_may_fail_with_a_file(void **state)
{
    (void)state;
    fail_each("with a file", stream_to_a_file);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail_with_a_daemon),

        cmocka_unit_test(every_allocation_may_fail_with_the_spool_alone),
        cmocka_unit_test(every_allocation_may_fail_with_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
