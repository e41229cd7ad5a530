/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The daemon and what can go wrong: peers by hand, so that they can do what the library does not.
 */
#include "hand.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void
frames_streamed_are_shown_as_the_engine_computes_them(void **state)
{
    harness *daemon = *state;
    hand s;
    harness_start(daemon, NULL, 0);
    hand_open(&s, daemon, 8);
    assert_int_equal(hand_hello(&s), 1);
    hand_send(&s, 1, 300);
    peer_expect_ack(s.peer, 300);
    json_t *record = harness_show(daemon, s.run.id, 300);
    json_t *expected = synthetic_record(&s.run, 300, "running");
    assert_same_physics(record, expected);
    json_decref(record);
    json_decref(expected);
    hand_send(&s, 301, 500);
    peer_expect_ack(s.peer, 500);
    peer_bye(s.peer, 500, "completed");
    iw_message filed;
    peer_expect(s.peer, IW_MSG_FILED, &filed);
    assert_true(filed.text[0] != '\0');
    record = harness_show(daemon, s.run.id, 500); /* now from the database */
    expected = synthetic_record(&s.run, 500, "completed");
    assert_same_physics(record, expected);
    assert_string_equal(json_string_value(json_object_get(json_object_get(record, "run"), "state")),
                        "completed");
    json_decref(record);
    json_decref(expected);
    hand_close(&s);
}

static void
killed_daemon_loses_no_acknowledged_frame(void **state)
{
    harness *daemon = *state;
    hand s;
    uint64_t next = 1;
    hand_open(&s, daemon, 8);
    for (int round = 0; round < 3; round++) {
        harness_start(daemon, NULL, 0);
        hand_again(&s, daemon);
        uint64_t wanted = hand_hello(&s);
        assert_true(wanted >= next);
        hand_send(&s, wanted, wanted + 199);
        peer_expect_ack(s.peer, wanted + 20); /* in the middle of it */
        next = wanted + 21;
        harness_kill(daemon, SIGKILL);
    }
    harness_start(daemon, NULL, 0);
    hand_again(&s, daemon);
    uint64_t wanted = hand_hello(&s);
    assert_true(wanted >= next);
    hand_send(&s, wanted, 700);
    json_t *record = harness_show(daemon, s.run.id, 700);
    json_t *expected = synthetic_record(&s.run, 700, "running");
    assert_same_physics(record, expected);
    assert_true(has_event(record, "recovered"));
    json_decref(record);
    json_decref(expected);
    hand_close(&s);
}

static void
terminated_daemon_acknowledges_what_it_took_and_goes_on(void **state)
{
    harness *daemon = *state;
    hand s;
    harness_start(daemon, NULL, 0);
    hand_open(&s, daemon, 8);
    (void)hand_hello(&s);
    hand_send(&s, 1, 400);
    harness_kill(daemon, SIGTERM);
    uint64_t acked = 0;
    for (;;) {
        char bytes[4096];
        iw_message message;
        int patience = 300;
        (void)zmq_setsockopt(s.peer, ZMQ_RCVTIMEO, &patience, sizeof patience);
        int size = zmq_recv(s.peer, bytes, sizeof bytes, 0);
        if (size < 0)
            break;
        iw_message_init(&message, IW_MSG_PING);
        assert_int_equal(iw_wire_decode(bytes, (size_t)size, &message, NULL), IW_OK);
        if (message.type == IW_MSG_ACK)
            acked = message.seq;
    }
    harness_start(daemon, NULL, 0);
    hand_again(&s, daemon);
    assert_int_equal(hand_hello(&s), acked + 1);
    hand_close(&s);
}

static void
another_protocol_version_is_refused_naming_both(void **state)
{
    harness *daemon = *state;
    hand s;
    iw_message refused;
    harness_start(daemon, NULL, 0);
    hand_open(&s, daemon, 4);
    peer_hello(s.peer, &s.run, 7, adapter_a);
    peer_expect(s.peer, IW_MSG_REFUSED, &refused);
    assert_int_equal(refused.status, IW_UNSUPPORTED);
    assert_non_null(strstr(refused.text, "version 1"));
    assert_non_null(strstr(refused.text, "version 7"));
    hand_close(&s);
}

static void
stranger_who_sends_frames_is_asked_to_say_hello(void **state)
{
    harness *daemon = *state;
    hand s;
    iw_message refused;
    harness_start(daemon, NULL, 0);
    hand_open(&s, daemon, 4);
    hand_send(&s, 1, 1);
    peer_expect(s.peer, IW_MSG_REFUSED, &refused);
    assert_int_equal(refused.status, IW_CLOSED);
    assert_int_equal(zmq_send(s.peer, "rubbish", 7, 0), 7);
    peer_expect(s.peer, IW_MSG_REFUSED, &refused);
    assert_int_equal(refused.status, IW_PROTOCOL);
    hand_close(&s);
}

static void
flood_of_hellos_is_one_session(void **state)
{
    harness *daemon = *state;
    hand s;
    iw_message welcome;
    char path[300];
    struct stat info;
    harness_start(daemon, NULL, 0);
    hand_open(&s, daemon, 4);
    for (int i = 0; i < 3000; i++)
        peer_hello(s.peer, &s.run, IW_PROTOCOL_VERSION, adapter_a);
    pause_ms(500); /* frames that come before the last WELCOME are not taken */
    peer_expect(s.peer, IW_MSG_WELCOME, &welcome);
    assert_int_equal(welcome.seq, 1);
    hand_send(&s, 1, 20);
    peer_expect_ack(s.peer, 20);
    (void)snprintf(path, sizeof path, "%s/runs/%s/journal.iwlog", daemon->data, s.run.id);
    assert_int_equal(stat(path, &info), 0);
    assert_true(info.st_size < 450000); /* 3,000 records would be 900,000 */
    json_t *record = harness_show(daemon, s.run.id, 20);
    assert_false(has_event(record, "restart"));
    json_decref(record);
    hand_close(&s);
}

static void
frame_with_nan_is_an_event_and_the_run_goes_on(void **state)
{
    harness *daemon = *state;
    hand s;
    harness_start(daemon, NULL, 0);
    hand_open(&s, daemon, 8);
    (void)hand_hello(&s);
    hand_send(&s, 1, 50);
    synthetic_frame(&s.run, 51, &s.frame);
    s.frame.pos_A[4] = (double)NAN;
    peer_frame(s.peer, &s.frame);
    hand_send(&s, 52, 100);
    peer_expect_ack(s.peer, 100);
    json_t *record = harness_show(daemon, s.run.id, 99);
    assert_true(has_event(record, "not_finite"));
    json_decref(record);
    hand_close(&s);
}

static void
dropped_frames_are_a_gap(void **state)
{
    harness *daemon = *state;
    hand s;
    harness_start(daemon, NULL, 0);
    hand_open(&s, daemon, 8);
    (void)hand_hello(&s);
    hand_send(&s, 1, 40);
    hand_send(&s, 61, 100);
    peer_expect_ack(s.peer, 100);
    json_t *record = harness_show(daemon, s.run.id, 80);
    assert_true(has_event(record, "gap"));
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(record, "run"), "segments")), 2);
    json_decref(record);
    hand_close(&s);
}

static void
repeated_frames_are_acknowledged_and_counted_once(void **state)
{
    harness *daemon = *state;
    hand s;
    harness_start(daemon, NULL, 0);
    hand_open(&s, daemon, 8);
    (void)hand_hello(&s);
    hand_send(&s, 1, 60);
    peer_expect_ack(s.peer, 60);
    hand_send(&s, 30, 90);
    peer_expect_ack(s.peer, 90);
    json_t *record = harness_show(daemon, s.run.id, 90);
    json_t *expected = synthetic_record(&s.run, 90, "running");
    assert_same_physics(record, expected);
    json_decref(record);
    json_decref(expected);
    hand_close(&s);
}

static void
changed_atom_count_ends_the_run_with_its_frames_kept(void **state)
{
    harness *daemon = *state;
    hand s, other;
    iw_message refused;
    harness_start(daemon, NULL, 0);
    hand_open(&s, daemon, 8);
    hand_open(&other, daemon, 6);
    (void)hand_hello(&s);
    hand_send(&s, 1, 50);
    synthetic_frame(&other.run, 51, &other.frame);
    peer_frame(s.peer, &other.frame);
    peer_expect(s.peer, IW_MSG_REFUSED, &refused);
    assert_int_equal(refused.status, IW_INVALID);
    assert_non_null(strstr(refused.text, "frame 51 has 6 atoms, the run has 8"));
    harness_wait_state(daemon, s.run.id, "refused");
    json_t *record = harness_show(daemon, s.run.id, 50);
    json_decref(record);
    hand_close(&s);
    hand_close(&other);
}

static void
run_that_comes_back_with_other_species_is_refused(void **state)
{
    harness *daemon = *state;
    hand s;
    iw_message refused;
    harness_start(daemon, NULL, 0);
    hand_open(&s, daemon, 8);
    (void)hand_hello(&s);
    hand_send(&s, 1, 10);
    peer_expect_ack(s.peer, 10);
    hand_again(&s, daemon);
    (void)snprintf(s.run.species[1], sizeof s.run.species[1], "Se");
    peer_hello(s.peer, &s.run, IW_PROTOCOL_VERSION, adapter_a);
    peer_expect(s.peer, IW_MSG_REFUSED, &refused);
    assert_non_null(strstr(refused.text, "atom 2 is S, in this HELLO it is Se"));
    hand_close(&s);
}

static void
second_adapter_is_refused_while_the_first_answers(void **state)
{
    harness *daemon = *state;
    hand s;
    iw_message message;
    harness_start(daemon, NULL, 0);
    hand_open(&s, daemon, 8);
    (void)hand_hello(&s);
    hand_send(&s, 1, 10);
    peer_expect_ack(s.peer, 10);
    void *rival = peer_open(daemon);
    peer_hello(rival, &s.run, IW_PROTOCOL_VERSION, adapter_b);
    peer_expect(s.peer, IW_MSG_PING, &message);
    hand_send(&s, 11, 11);
    peer_expect(rival, IW_MSG_REFUSED, &message);
    assert_int_equal(message.status, IW_EXISTS);
    /* the first falls silent, as after a crash of its machine */
    peer_hello(rival, &s.run, IW_PROTOCOL_VERSION, adapter_b);
    peer_expect(rival, IW_MSG_WELCOME, &message);
    assert_int_equal(message.seq, 12);
    hand_close(&s);
}

static void
silent_adapter_makes_the_run_stalled_then_lost_and_filed(void **state)
{
    harness *daemon = *state;
    hand s;
    iw_message welcome;
    const char *options[] = {"--heartbeat-s", "1", "--lost-after-s", "2", NULL};
    harness_start(daemon, options, 0);
    hand_open(&s, daemon, 8);
    (void)hand_hello(&s);
    hand_send(&s, 1, 30);
    peer_expect_ack(s.peer, 30);
    harness_wait_state(daemon, s.run.id, "running");
    harness_wait_state(daemon, s.run.id, "stalled");
    harness_wait_state(daemon, s.run.id, "lost");
    json_t *record = harness_show(daemon, s.run.id, 30);
    json_decref(record);
    /* it was only slow: the run goes on */
    hand_again(&s, daemon);
    assert_int_equal(hand_hello(&s), 31);
    hand_send(&s, 31, 60); /* the first opens the run again, and is asked for anew */
    peer_expect(s.peer, IW_MSG_WELCOME, &welcome);
    assert_int_equal(welcome.seq, 31);
    hand_send(&s, 31, 60);
    peer_expect_ack(s.peer, 60);
    record = harness_show(daemon, s.run.id, 60);
    json_decref(record);
    hand_close(&s);
}

static void
locked_database_delays_filing_and_nothing_else(void **state)
{
    harness *daemon = *state;
    hand s;
    iw_message filed;
    char path[256];
    sqlite3 *lock = NULL;
    harness_start(daemon, NULL, 0);
    (void)snprintf(path, sizeof path, "%s/ionwatch.db", daemon->data);
    assert_int_equal(sqlite3_open(path, &lock), SQLITE_OK);
    assert_int_equal(sqlite3_exec(lock, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    hand_open(&s, daemon, 8);
    (void)hand_hello(&s);
    hand_send(&s, 1, 30);
    peer_bye(s.peer, 30, "completed");
    harness_wait_state(daemon, s.run.id, "ending");
    harness_wait_log(daemon, "store.retry");
    harness_wait_state(daemon, s.run.id, "ending");
    assert_int_equal(sqlite3_exec(lock, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(lock);
    peer_expect(s.peer, IW_MSG_FILED, &filed);
    harness_wait_state(daemon, s.run.id, "completed");
    hand_close(&s);
}

static void
full_disk_makes_the_run_wait_and_costs_no_frame(void **state)
{
    harness *daemon = *state;
    hand s;
    harness_start(daemon, NULL, 512UL * 1024);
    hand_open(&s, daemon, 100);
    (void)hand_hello(&s);
    hand_send(&s, 1, 400); /* about 1 MB */
    harness_wait_state(daemon, s.run.id, "waiting for disk");
    struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
    assert_int_equal(prlimit(daemon->pid, RLIMIT_FSIZE, &none, NULL), 0);
    peer_expect_ack(s.peer, 400);
    json_t *record = harness_show(daemon, s.run.id, 400);
    json_t *expected = synthetic_record(&s.run, 400, "running");
    assert_same_physics(record, expected);
    json_decref(record);
    json_decref(expected);
    hand_close(&s);
}

static void
torn_journal_is_cut_and_said(void **state)
{
    harness *daemon = *state;
    hand s;
    char path[256];
    struct stat info;
    harness_start(daemon, NULL, 0);
    hand_open(&s, daemon, 8);
    (void)hand_hello(&s);
    hand_send(&s, 1, 30);
    peer_expect_ack(s.peer, 30);
    harness_kill(daemon, SIGKILL);
    (void)snprintf(path, sizeof path, "%s/runs/%s/journal.iwlog", daemon->data, s.run.id);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(truncate(path, info.st_size - 7), 0);
    harness_start(daemon, NULL, 0);
    json_t *record = harness_show(daemon, s.run.id, 29);
    assert_true(has_event(record, "torn_tail"));
    json_decref(record);
    hand_again(&s, daemon);
    assert_int_equal(hand_hello(&s), 30);
    hand_close(&s);
}

static void
stop_reaches_the_adapter_and_survives_a_restart(void **state)
{
    harness *daemon = *state;
    hand s;
    iw_message message;
    harness_start(daemon, NULL, 0);
    hand_open(&s, daemon, 8);
    (void)hand_hello(&s);
    hand_send(&s, 1, 10);
    peer_expect_ack(s.peer, 10);
    json_t *done = harness_ask(daemon, "stop", "synthetic", false, &message);
    assert_non_null(done);
    json_decref(done);
    peer_expect(s.peer, IW_MSG_CONTROL, &message);
    assert_true(message.stop);
    harness_wait_state(daemon, s.run.id, "running");
    bool seen = false; /* its record is no frame, which alone is waited for */
    for (int tenths = 0; tenths < 100 && !seen; tenths++) {
        json_t *record = harness_show(daemon, s.run.id, 10);
        seen = has_event(record, "stop_asked");
        json_decref(record);
        pause_ms(100);
    }
    assert_true(seen);
    harness_kill(daemon, SIGTERM);
    harness_start(daemon, NULL, 0);
    hand_again(&s, daemon);
    (void)hand_hello(&s);
    peer_expect(s.peer, IW_MSG_CONTROL, &message);
    assert_true(message.stop);
    hand_close(&s);
}

static void
rm_refuses_a_live_run_and_forgets_a_finished_one(void **state)
{
    harness *daemon = *state;
    hand s;
    iw_message message;
    char path[256];
    harness_start(daemon, NULL, 0);
    hand_open(&s, daemon, 8);
    (void)hand_hello(&s);
    hand_send(&s, 1, 30);
    peer_expect_ack(s.peer, 30);
    assert_null(harness_ask(daemon, "rm", s.run.id, false, &message));
    assert_int_equal(message.status, IW_REFUSED);
    peer_bye(s.peer, 30, "completed");
    peer_expect(s.peer, IW_MSG_FILED, &message);
    (void)harness_ask(daemon, "rm", s.run.id, false, &message);
    assert_int_equal(message.status, IW_OK);
    assert_null(harness_ask(daemon, "show", s.run.id, false, &message));
    assert_int_equal(message.status, IW_NOT_FOUND);
    (void)snprintf(path, sizeof path, "%s/runs/%s", daemon->data, s.run.id);
    assert_int_not_equal(access(path, F_OK), 0);
    hand_close(&s);
}

static void
finished_run_is_listed_after_a_restart_and_can_go_on(void **state)
{
    harness *daemon = *state;
    hand s;
    iw_message message;
    harness_start(daemon, NULL, 0);
    hand_open(&s, daemon, 8);
    (void)hand_hello(&s);
    hand_send(&s, 1, 100);
    peer_expect_ack(s.peer, 100);
    peer_bye(s.peer, 100, "walltime");
    peer_expect(s.peer, IW_MSG_FILED, &message);
    harness_kill(daemon, SIGTERM);
    harness_start(daemon, NULL, 0);
    harness_wait_state(daemon, s.run.id, "walltime");
    json_t *record = harness_show(daemon, s.run.id, 100);
    json_decref(record);
    hand_again(&s, daemon);
    assert_int_equal(hand_hello(&s), 101);
    harness_wait_state(daemon, s.run.id, "walltime"); /* until there is a new frame */
    hand_send(&s, 101, 200); /* the first opens the run again, and is asked for anew */
    peer_expect(s.peer, IW_MSG_WELCOME, &message);
    assert_int_equal(message.seq, 101);
    hand_send(&s, 101, 200);
    peer_expect_ack(s.peer, 200);
    record = harness_show(daemon, s.run.id, 200);
    json_t *expected = synthetic_record(&s.run, 200, "running");
    assert_same_physics(record, expected);
    json_decref(record);
    json_decref(expected);
    peer_bye(s.peer, 200, "completed");
    peer_expect(s.peer, IW_MSG_FILED, &message);
    harness_wait_state(daemon, s.run.id, "completed");
    hand_close(&s);
}

static void
subscribers_get_the_record_under_the_run_id(void **state)
{
    harness *daemon = *state;
    hand s;
    iw_message message;
    harness_start(daemon, NULL, 0);
    json_t *status = harness_ask(daemon, "status", "", false, &message);
    void *subscriber = zmq_socket(daemon->context, ZMQ_SUB);
    int patience = 10000;
    (void)zmq_setsockopt(subscriber, ZMQ_RCVTIMEO, &patience, sizeof patience);
    hand_open(&s, daemon, 8);
    (void)zmq_setsockopt(subscriber, ZMQ_SUBSCRIBE, s.run.id, IW_ID_LENGTH);
    assert_int_equal(zmq_connect(subscriber, json_string_value(json_object_get(status, "pub"))), 0);
    json_decref(status);
    (void)hand_hello(&s);
    bool seen = false;
    for (uint64_t seq = 1; seq <= 200 && !seen; seq += 20) {
        char topic[64] = "";
        zmq_msg_t bytes;
        hand_send(&s, seq, seq + 19);
        assert_true(zmq_recv(subscriber, topic, sizeof topic - 1, 0) == IW_ID_LENGTH);
        assert_string_equal(topic, s.run.id);
        (void)zmq_msg_init(&bytes);
        assert_true(zmq_msg_recv(&bytes, subscriber, 0) > 0);
        json_t *record = json_loadb(zmq_msg_data(&bytes), zmq_msg_size(&bytes), 0, NULL);
        assert_non_null(record);
        seen = json_integer_value(json_object_get(json_object_get(record, "run"), "frames")) > 0;
        json_decref(record);
        (void)zmq_msg_close(&bytes);
    }
    assert_true(seen);
    (void)zmq_close(subscriber);
    hand_close(&s);
}

static void
start_up_errors_say_what_to_do(void **state)
{
    harness *daemon = *state;
    const char *below_a_file[] = {"--data", "/dev/null/data", NULL};
    assert_int_equal(harness_fail(daemon, below_a_file), 1);
    assert_true(harness_log_has(daemon, "name a data folder that you may write with --data"));
    const char *open_tcp[] = {"--listen", "tcp://0.0.0.0:5999", NULL};
    assert_int_equal(harness_fail(daemon, open_tcp), 1);
    assert_true(harness_log_has(daemon, "--insecure-tcp"));
    const char *scheme[] = {"--db", "oracle://x", NULL};
    assert_int_equal(harness_fail(daemon, scheme), 1);
    const char *misspelt[] = {"--vacf-windw-ps", "3", NULL};
    assert_int_equal(harness_fail(daemon, misspelt), 2);
    assert_true(harness_log_has(daemon, "did you mean \"vacf_window_ps\""));
    harness_start(daemon, NULL, 0);
    pid_t first = daemon->pid;
    assert_int_equal(harness_fail(daemon, NULL), 1);
    assert_true(harness_log_has(daemon, "is in use by another ionwatchd"));
    char other[256];
    (void)snprintf(other, sizeof other, "%s/other", daemon->folder);
    const char *same_door[] = {"--data", other, NULL};
    assert_int_equal(harness_fail(daemon, same_door), 1);
    assert_true(harness_log_has(daemon, "another daemon answers there"));
    daemon->pid = first;
    harness_kill(daemon, SIGTERM);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, harness_begin, harness_end)
    const struct CMUnitTest tests[] = {
        CASE(frames_streamed_are_shown_as_the_engine_computes_them),
        CASE(killed_daemon_loses_no_acknowledged_frame),
        CASE(terminated_daemon_acknowledges_what_it_took_and_goes_on),
        CASE(another_protocol_version_is_refused_naming_both),
        CASE(stranger_who_sends_frames_is_asked_to_say_hello),
        CASE(flood_of_hellos_is_one_session),
        CASE(frame_with_nan_is_an_event_and_the_run_goes_on),
        CASE(dropped_frames_are_a_gap),
        CASE(repeated_frames_are_acknowledged_and_counted_once),
        CASE(changed_atom_count_ends_the_run_with_its_frames_kept),
        CASE(run_that_comes_back_with_other_species_is_refused),
        CASE(second_adapter_is_refused_while_the_first_answers),
        CASE(silent_adapter_makes_the_run_stalled_then_lost_and_filed),
        CASE(locked_database_delays_filing_and_nothing_else),
        CASE(full_disk_makes_the_run_wait_and_costs_no_frame),
        CASE(torn_journal_is_cut_and_said),
        CASE(stop_reaches_the_adapter_and_survives_a_restart),
        CASE(rm_refuses_a_live_run_and_forgets_a_finished_one),
        CASE(finished_run_is_listed_after_a_restart_and_can_go_on),
        CASE(subscribers_get_the_record_under_the_run_id),
        CASE(start_up_errors_say_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
