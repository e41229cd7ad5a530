/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the daemon does at its limits: it says no in words, or leaves frames with their adapters. */
#include "hand.h"
#include "md.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Of what is said here about memory; a sanitizer keeps what was freed. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { MOST_MIB = 2000 };
#else
enum { MOST_MIB = 250 };
#endif

/* A run by hand, as far as its HELLO. */
static void *
knock(harness *daemon, size_t atoms, iw_run_info *run)
{
    synthetic_run(run, atoms);
    void *peer = peer_open(daemon);
    peer_hello(peer, run, IW_PROTOCOL_VERSION, adapter_a);
    return peer;
}

static void
expect_refusal(void *peer, iw_status status, const char *words)
{
    iw_message refused;
    peer_expect(peer, IW_MSG_REFUSED, &refused);
    assert_int_equal(refused.status, status);
    if (!strstr(refused.text, words))
        fail_msg("\"%s\" does not say \"%s\"", refused.text, words);
}

/* Without asking for records, each of which costs as much as many frames. */
static void
wait_analysed(harness *daemon, const char *id, uint64_t frames)
{
    json_int_t seen = 0;
    for (int tenths = 0; tenths < 600 && seen < (json_int_t)frames; tenths++) {
        iw_message answer;
        json_t *list = harness_ask(daemon, "list", "", true, &answer);
        size_t i;
        json_t *run;
        json_array_foreach(list, i, run)
        {
            if (strcmp(json_string_value(json_object_get(run, "id")), id) == 0)
                seen = json_integer_value(json_object_get(run, "frames"));
        }
        json_decref(list);
        pause_ms(100);
    }
    assert_int_equal(seen, frames);
}

static void
assert_record_is_undisturbed(harness *daemon, const iw_run_info *run, uint64_t frames)
{
    wait_analysed(daemon, run->id, frames);
    json_t *record = harness_show(daemon, run->id, frames);
    json_t *expected = synthetic_record(run, frames, "running");
    assert_same_physics(record, expected);
    json_decref(record);
    json_decref(expected);
}

/* What the listing says beside the state; "" if nothing. */
static void
reason_of(harness *daemon, const char *id, char reason[256])
{
    iw_message answer;
    json_t *list = harness_ask(daemon, "list", "", true, &answer);
    size_t i;
    json_t *run;
    reason[0] = '\0';
    json_array_foreach(list, i, run)
    {
        if (strcmp(json_string_value(json_object_get(run, "id")), id) == 0)
            (void)snprintf(reason, 256, "%s",
                           json_string_value(json_object_get(run, "state_reason")));
    }
    json_decref(list);
}

static long
resident_mib(const harness *daemon)
{
    char path[64], line[256];
    long kib = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)daemon->pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    (void)fclose(file);
    assert_true(kib > 0);
    return kib / 1024;
}

static void
one_run_more_than_max_runs_waits_until_another_has_ended(void **state)
{
    harness *daemon = *state;
    const char *options[] = {"--max-runs", "2", NULL};
    iw_run_info a, b, c;
    iw_message message;
    harness_start(daemon, options, 0);
    void *first = knock(daemon, 4, &a);
    void *second = knock(daemon, 4, &b);
    peer_expect(first, IW_MSG_WELCOME, &message);
    peer_expect(second, IW_MSG_WELCOME, &message);
    void *third = knock(daemon, 4, &c);
    expect_refusal(third, IW_FULL, "max_runs");
    peer_bye(first, 0, "completed");
    harness_wait_state(daemon, a.id, "completed");
    peer_hello(third, &c, IW_PROTOCOL_VERSION, adapter_a);
    peer_expect(third, IW_MSG_WELCOME, &message);
    peer_hello(first, &a, IW_PROTOCOL_VERSION, adapter_a); /* a run that has ended is no other */
    expect_refusal(first, IW_FULL, "max_runs");
    peer_hello(second, &b, IW_PROTOCOL_VERSION, adapter_a); /* one that goes on counts once */
    peer_expect(second, IW_MSG_WELCOME, &message);
    iw_run_info_fini(&a);
    iw_run_info_fini(&b);
    iw_run_info_fini(&c);
}

static void
run_with_too_many_atoms_is_refused_for_good(void **state)
{
    harness *daemon = *state;
    const char *options[] = {"--max-atoms", "6", NULL};
    iw_run_info run;
    harness_start(daemon, options, 0);
    expect_refusal(knock(daemon, 8, &run), IW_INVALID, "has 8 atoms, this daemon takes 6");
    iw_run_info_fini(&run);
}

static void
run_at_max_run_mib_is_filed_and_refused(void **state)
{
    harness *daemon = *state;
    const char *options[] = {"--max-run-mib", "1", NULL};
    iw_run_info run;
    iw_frame frame;
    iw_message message;
    iw_error err;
    harness_start(daemon, options, 0);
    void *peer = knock(daemon, 100, &run);
    peer_expect(peer, IW_MSG_WELCOME, &message);
    assert_ok(iw_frame_init(&frame, 100, &err), err);
    for (uint64_t seq = 1; seq <= 800; seq++) { /* 2 MB */
        synthetic_frame(&run, seq, &frame);
        peer_frame(peer, &frame);
    }
    expect_refusal(peer, IW_INVALID, "max_run_mib = 1");
    harness_wait_state(daemon, run.id, "max_run_mib");
    json_t *record = harness_ask(daemon, "show", run.id, false, &message);
    assert_true(json_integer_value(json_object_get(json_object_get(record, "run"), "frames")) >=
                400);
    json_decref(record);
    harness_kill(daemon, SIGKILL);
    harness_start(daemon, options, 0);
    peer_close(daemon, &peer);
    peer = peer_open(daemon);
    peer_hello(peer, &run, IW_PROTOCOL_VERSION, adapter_a);
    expect_refusal(peer, IW_INVALID, "max_run_mib = 1");
    iw_frame_fini(&frame);
    iw_run_info_fini(&run);
}

/* Runs that nobody can write do not take the memory of the others, nor their turn. */
static void
frames_that_find_no_room_stay_with_their_adapters(void **state)
{
    harness *daemon = *state;
    enum { MDS = 3, ATOMS = 1000, FRAMES = 1000 }; /* 24 MB each */
    const char *options[] = {"--queue-mib", "32", NULL};
    static md big[MDS];
    md small;
    char reason[256];
    harness_start(daemon, options, 1UL << 20); /* of each file */
    for (int i = 0; i < MDS; i++)
        md_open(&big[i], daemon, ATOMS, NULL, NULL);
    for (int i = 0; i < MDS; i++)
        md_send(&big[i], 1, FRAMES);
    for (int i = 0; i < MDS; i++)
        harness_wait_state(daemon, big[i].run.id, "waiting for disk");
    reason_of(daemon, big[0].run.id, reason);
    assert_non_null(strstr(reason, "File too large"));
    md_open(&small, daemon, 8, NULL, NULL);
    md_send(&small, 1, 200);
    assert_int_equal(ionwatch_flush(small.handle, 10000), IONWATCH_OK);
    assert_record_is_undisturbed(daemon, &small.run, 200);
    long mib = resident_mib(daemon);
    print_message("%d runs with %d MB each that cannot be written: the daemon holds %ld MiB\n", MDS,
                  ATOMS * 24 * FRAMES / 1000000, mib);
    assert_true(mib < MOST_MIB);
    struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
    assert_int_equal(prlimit(daemon->pid, RLIMIT_FSIZE, &none, NULL), 0);
    for (int i = 0; i < MDS; i++)
        assert_int_equal(ionwatch_flush(big[i].handle, 60000), IONWATCH_OK);
    assert_record_is_undisturbed(daemon, &big[MDS - 1].run, FRAMES);
    for (int i = 0; i < MDS; i++)
        md_close(&big[i]);
    md_close(&small);
}

/* Asks so often and never takes an answer.  Short high-water marks make it the daemon's problem. */
static void *
greedy_reader(harness *daemon, const char *verb, const char *arg, int times)
{
    void *socket = peer_open(daemon);
    for (int i = 0; i < times; i++) {
        iw_message ask;
        iw_buffer bytes = {0};
        iw_error err;
        iw_message_init(&ask, IW_MSG_ASK);
        (void)snprintf(ask.verb, sizeof ask.verb, "%s", verb);
        (void)snprintf(ask.arg, sizeof ask.arg, "%s", arg);
        ask.flag = true;
        assert_ok(iw_wire_encode(&ask, &bytes, &err), err);
        assert_true(zmq_send(socket, bytes.data, bytes.size, 0) >= 0);
        iw_buffer_fini(&bytes);
        if (i % 20 == 19)
            pause_ms(20);
    }
    return socket;
}

static int
subscribe(harness *daemon, void **subscriber)
{
    iw_message answer;
    int few = 1;
    int small = 4096;
    json_t *status = harness_ask(daemon, "status", "", false, &answer);
    *subscriber = zmq_socket(daemon->context, ZMQ_SUB);
    (void)zmq_setsockopt(*subscriber, ZMQ_SUBSCRIBE, "", 0);
    (void)zmq_setsockopt(*subscriber, ZMQ_RCVHWM, &few, sizeof few);
    (void)zmq_setsockopt(*subscriber, ZMQ_RCVBUF, &small, sizeof small);
    int connected = zmq_connect(*subscriber, json_string_value(json_object_get(status, "pub")));
    json_decref(status);
    return connected;
}

/* Readers that ask a thousand times and take nothing, and a subscriber that takes nothing. */
static void
readers_who_take_nothing_cost_bounded_memory_and_nobody_time(void **state)
{
    harness *daemon = *state;
    enum { ASKS = 3000, GREEDY = 3 };
    md m;
    void *subscriber = NULL;
    void *greedy[GREEDY];
    harness_start(daemon, NULL, 0);
    md_open(&m, daemon, 60, NULL, NULL);
    md_send(&m, 1, 2000);
    assert_int_equal(ionwatch_flush(m.handle, 20000), IONWATCH_OK);
    wait_analysed(daemon, m.run.id, 2000);
    long before = resident_mib(daemon);
    assert_int_equal(subscribe(daemon, &subscriber), 0);
    for (int i = 0; i < GREEDY; i++)
        greedy[i] = greedy_reader(daemon, "show", m.run.id, ASKS);
    for (uint64_t seq = 2001; seq <= 2400; seq += 20) {
        md_send(&m, seq, seq + 19);
        assert_int_equal(ionwatch_flush(m.handle, 10000), IONWATCH_OK);
        pause_ms(20);
    }
    assert_record_is_undisturbed(daemon, &m.run, 2400);
    long after = resident_mib(daemon);
    iw_message answer;
    json_t *status = harness_ask(daemon, "status", "", false, &answer);
    print_message(
        "%d readers with %d questions each and a subscriber take nothing: %ld MiB, before "
        "%ld MiB; %.1f MiB of answers wait\n",
        GREEDY, ASKS, after, before,
        json_number_value(json_object_get(status, "answers_waiting")) / (1 << 20));
    json_decref(status);
    for (int i = 0; i < GREEDY; i++)
        peer_close(daemon, &greedy[i]);
    (void)zmq_close(subscriber);
    assert_true(after < before + MOST_MIB);
    pause_ms(500); /* what waited for them goes with them */
    status = harness_ask(daemon, "status", "", false, &answer);
    assert_true(json_integer_value(json_object_get(status, "answers_waiting")) < 1 << 20);
    json_decref(status);
    md_close(&m);
}

static void
fill(const char *path, size_t mib)
{
    static const char zeros[1 << 20];
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(file >= 0);
    for (size_t i = 0; i < mib; i++)
        assert_int_equal(write(file, zeros, sizeof zeros), sizeof zeros);
    (void)close(file);
}

static double
now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* A disk that stands still for seconds: nothing is acknowledged, and everybody is answered. */
static void
slow_disk_holds_up_acknowledgements_and_nothing_else(void **state)
{
    harness *daemon = *state;
    char sign[128];
    iw_message answer;
    md m;
    (void)snprintf(sign, sizeof sign, "%s/slow", daemon->folder);
    const char *environment[] = {"LD_PRELOAD", IONWATCH_SLOW_DISK, "IONWATCH_SLOW_DISK",
                                 sign,         "ASAN_OPTIONS",     "verify_asan_link_order=0",
                                 NULL};
    daemon->environment = environment;
    harness_start(daemon, NULL, 0);
    md_open(&m, daemon, 20, NULL, NULL);
    md_send(&m, 1, 300);
    assert_int_equal(ionwatch_flush(m.handle, 20000), IONWATCH_OK);
    wait_analysed(daemon, m.run.id, 300);
    int file = open(sign, O_WRONLY | O_CREAT, 0600);
    assert_true(file >= 0);
    (void)close(file);
    md_send(&m, 301, 400);
    assert_int_equal(ionwatch_flush(m.handle, 500), IONWATCH_TIMEOUT);
    double slowest = 0;
    for (int i = 0; i < 10; i++) {
        double start = now_s();
        json_t *record = harness_ask(daemon, "show", m.run.id, true, &answer);
        json_t *list = harness_ask(daemon, "list", "", true, &answer);
        double took = now_s() - start;
        assert_int_equal(
            json_integer_value(json_object_get(json_object_get(record, "run"), "frames")), 300);
        assert_int_equal(json_array_size(list), 1);
        json_decref(record);
        json_decref(list);
        slowest = took > slowest ? took : slowest;
        pause_ms(100);
    }
    print_message("with a disk that stands still show and ls take %.3f s at most\n", slowest);
    assert_true(slowest < 2); /* the disk would take for ever */
    assert_int_equal(ionwatch_flush(m.handle, 0), IONWATCH_TIMEOUT);
    assert_int_equal(unlink(sign), 0);
    assert_int_equal(ionwatch_flush(m.handle, 10000), IONWATCH_OK);
    assert_record_is_undisturbed(daemon, &m.run, 400);
    md_close(&m);
}

static void
disk_below_min_free_takes_no_run_and_no_frame_and_still_files(void **state)
{
    harness *daemon = *state;
    const char *options[] = {"--min-free-mib", "32", NULL};
    char ballast[160], reason[256];
    iw_run_info other;
    iw_message message;
    md going, ending;
    assert_int_equal(mkdir(daemon->data, 0700), 0);
    if (mount("tmpfs", daemon->data, "tmpfs", 0, "size=64m,mode=0700") != 0) {
        print_message("a file system of 64 MiB cannot be mounted here: not tested\n");
        skip();
    }
    (void)snprintf(ballast, sizeof ballast, "%s/ballast", daemon->data);
    harness_start(daemon, options, 0);
    md_open(&going, daemon, 8, NULL, NULL);
    md_open(&ending, daemon, 8, NULL, NULL);
    md_send(&going, 1, 100);
    md_send(&ending, 1, 100);
    assert_int_equal(ionwatch_flush(going.handle, 10000), IONWATCH_OK);
    assert_int_equal(ionwatch_flush(ending.handle, 10000), IONWATCH_OK);
    fill(ballast, 40);
    pause_ms(600); /* it is looked at twice a second */
    md_send(&going, 101, 300);
    harness_wait_state(daemon, going.run.id, "waiting for disk");
    reason_of(daemon, going.run.id, reason);
    assert_non_null(strstr(reason, "min_free_mib is 32"));
    expect_refusal(knock(daemon, 4, &other), IW_FULL, "min_free_mib is 32");
    harness_state(daemon, other.id, reason);
    assert_string_equal(reason, ""); /* it left nothing behind */
    (void)snprintf(reason, sizeof reason, "%s", ending.run.id);
    assert_int_equal(ionwatch_finish(ending.handle, "completed"), IONWATCH_OK);
    md_close(&ending);
    harness_wait_state(daemon, reason, "completed");
    assert_int_equal(unlink(ballast), 0);
    assert_int_equal(ionwatch_flush(going.handle, 30000), IONWATCH_OK);
    assert_record_is_undisturbed(daemon, &going.run, 300);
    void *peer = peer_open(daemon);
    peer_hello(peer, &other, IW_PROTOCOL_VERSION, adapter_a);
    peer_expect(peer, IW_MSG_WELCOME, &message);
    md_close(&going);
    iw_run_info_fini(&other);
    harness_kill(daemon, SIGTERM);
    (void)umount2(daemon->data, MNT_DETACH);
}

/* 256 for the daemon itself and its readers, three for each run. */
static void
more_runs_than_descriptors_are_refused(void **state)
{
    harness *daemon = *state;
    struct rlimit few = {256 + 2 * 3 + 1, 256 + 2 * 3 + 1};
    struct rlimit before;
    iw_run_info runs[3];
    iw_message message;
    void *peers[3];
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    if (prlimit(0, RLIMIT_NOFILE, &few, NULL) != 0)
        skip();
    harness_start(daemon, NULL, 0);
    (void)prlimit(0, RLIMIT_NOFILE, &before, NULL); /* as far as this user may */
    assert_true(harness_log_has(daemon, "263 descriptors are enough for 2 runs at once"));
    for (int i = 0; i < 3; i++) {
        peers[i] = knock(daemon, 4, &runs[i]);
        if (i < 2)
            peer_expect(peers[i], IW_MSG_WELCOME, &message);
    }
    expect_refusal(peers[2], IW_FULL, "2 runs are going on");
    for (int i = 0; i < 3; i++)
        iw_run_info_fini(&runs[i]);
}

static int
leave(void **state)
{
    harness *daemon = *state;
    (void)umount2(daemon->data, MNT_DETACH); /* of a case that failed */
    return harness_end(state);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, harness_begin, leave)
    const struct CMUnitTest tests[] = {
        CASE(one_run_more_than_max_runs_waits_until_another_has_ended),
        CASE(run_with_too_many_atoms_is_refused_for_good),
        CASE(run_at_max_run_mib_is_filed_and_refused),
        CASE(frames_that_find_no_room_stay_with_their_adapters),
        CASE(readers_who_take_nothing_cost_bounded_memory_and_nobody_time),
        CASE(slow_disk_holds_up_acknowledgements_and_nothing_else),
        CASE(disk_below_min_free_takes_no_run_and_no_frame_and_still_files),
        CASE(more_runs_than_descriptors_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
