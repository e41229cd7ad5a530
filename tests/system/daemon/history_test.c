/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A data folder with many filed runs: what they cost at the start, in memory, and in listings.
 * IONWATCH_FILED says how many, 10000 for the figures of docs/operations.md. */
#include "harness.h"

#include "framelog.h"
#include "journal/folder.h"

#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ATOMS = 300 };

static double
now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void
append(iw_framelog_writer *log, const iw_message *message, uint64_t seq)
{
    iw_error err;
    iw_buffer bytes = {0};
    assert_ok(iw_wire_encode(message, &bytes, &err), err);
    assert_ok(iw_framelog_append(log, (uint32_t)message->type, seq, bytes.data, bytes.size, &err),
              err);
    iw_buffer_fini(&bytes);
}

/* The folder of one filed run, as a daemon leaves it. */
static void
make_filed(const harness *daemon, iw_run_info *run, iw_frame *frame)
{
    char path[300];
    const char *id = run->id;
    iw_error err;
    iw_message message;
    iw_summary summary;
    assert_ok(iw_folder_make_run(daemon->data, id, &err), err);
    iw_folder_path(daemon->data, id, "journal.iwlog", path, sizeof path);
    iw_framelog_writer *log = iw_framelog_writer_open(path, NULL, &err);
    assert_non_null(log);
    iw_message_init(&message, IW_MSG_HELLO);
    message.run = run;
    memcpy(message.run_id, run->id, sizeof message.run_id);
    append(log, &message, 0);
    iw_message_init(&message, IW_MSG_FRAME);
    iw_frame_view_of(frame, &message.frame);
    append(log, &message, 1);
    iw_message_init(&message, IW_MSG_BYE);
    message.seq = 1;
    (void)snprintf(message.text, sizeof message.text, "completed");
    append(log, &message, 1);
    iw_message_init(&message, IW_MSG_FILED);
    append(log, &message, 1);
    uint64_t bytes = iw_framelog_size(log);
    assert_ok(iw_framelog_writer_close(&log, &err), err);
    iw_summary_init(&summary);
    summary.frames = summary.last_seq = 1;
    summary.time_ps = 0.01;
    summary.n_points = IW_SUMMARY_POINTS;
    for (size_t k = 0; k < IW_SUMMARY_POINTS; k++) {
        summary.point_ps[k] = 0.1F * (float)(k + 1);
        summary.point_D_cm2_s[k] = 1e-5F / (float)(k + 1);
    }
    (void)snprintf(summary.state, sizeof summary.state, "completed");
    iw_folder_path(daemon->data, id, "summary.json", path, sizeof path);
    assert_ok(iw_summary_save(path, &summary, bytes, &err), err);
}

static void
filed_runs_cost_little(void **state)
{
    harness *daemon = *state;
    const char *wanted = getenv("IONWATCH_FILED");
    long n = wanted ? strtol(wanted, NULL, 10) : 300;
    iw_run_info run;
    iw_frame frame;
    iw_error err;
    iw_message answer;
    harness_start(daemon, NULL, 0);
    long empty_kib = harness_resident_kib(daemon);
    harness_kill(daemon, SIGTERM);
    synthetic_run(&run, ATOMS);
    assert_ok(iw_frame_init(&frame, ATOMS, &err), err);
    synthetic_frame(&run, 1, &frame);
    for (long i = 0; i < n; i++) {
        (void)snprintf(run.id, sizeof run.id, "%08x-0000-4000-8000-000000000000", (unsigned)i);
        make_filed(daemon, &run, &frame);
    }
    double start = now_s();
    harness_start(daemon, NULL, 0);
    double started = now_s();
    long kib = harness_resident_kib(daemon) - empty_kib;
    json_t *live = harness_ask(daemon, "list", "", false, &answer);
    double listed = now_s();
    json_t *all = harness_ask(daemon, "list", "", true, &answer);
    double listed_all = now_s();
    print_message("%ld filed runs of %d atoms: start %.2f s; %.1f kB each; ls %.3f s, all %.3f s\n",
                  n, ATOMS, started - start, (double)kib / (double)n, listed - started,
                  listed_all - listed);
    assert_int_equal(json_array_size(live), 0);
    assert_int_equal(json_array_size(all), n);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_true(kib < 4000 + 7 * n); /* the first is for threads that look at all of them */
#endif
    json_decref(live);
    json_decref(all);
    /* One of them goes on: its adapter and its atoms are checked as ever. */
    void *peer = peer_open(daemon);
    peer_hello(peer, &run, IW_PROTOCOL_VERSION, "");
    peer_expect(peer, IW_MSG_WELCOME, &answer);
    assert_int_equal(answer.seq, 2);
    peer_close(daemon, &peer);
    peer = peer_open(daemon);
    (void)snprintf(run.species[1], sizeof run.species[1], "Se");
    peer_hello(peer, &run, IW_PROTOCOL_VERSION, "");
    peer_expect(peer, IW_MSG_REFUSED, &answer);
    assert_int_equal(answer.status, IW_INVALID);
    iw_frame_fini(&frame);
    iw_run_info_fini(&run);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(filed_runs_cost_little, harness_begin, harness_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
