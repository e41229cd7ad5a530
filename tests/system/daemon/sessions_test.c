/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sessions: a run outlives its adapters and its daemons, and each of its steps counts once. */
#include "hand.h"
#include "md.h"

#include <signal.h>
#include <sqlite3.h>
#include <unistd.h>

static json_t *
assert_undisturbed(harness *daemon, const iw_run_info *run, uint64_t frames, const char *state)
{
    json_t *record = harness_show(daemon, run->id, frames);
    json_t *expected = synthetic_record(run, frames, state);
    assert_same_physics(record, expected);
    json_decref(expected);
    return record;
}

static json_int_t
segments_of(const json_t *record)
{
    return json_integer_value(json_object_get(json_object_get(record, "run"), "segments"));
}

static void
steps_that_a_restarted_md_repeats_count_once(void **state)
{
    harness *daemon = *state;
    char id[IW_ID_LENGTH + 1];
    md m;
    harness_start(daemon, NULL, 0);
    md_open(&m, daemon, 8, NULL, NULL);
    (void)snprintf(id, sizeof id, "%s", m.run.id);
    md_send(&m, 1, 200);
    assert_int_equal(ionwatch_flush(m.handle, 10000), IONWATCH_OK);
    md_close(&m); /* without a word, as when the job is killed */
    md_open(&m, daemon, 8, id, NULL);
    md_send(&m, 150, 300); /* from its own restart file */
    md_close(&m);
    md_open(&m, daemon, 8, id, NULL);
    md_send(&m, 101, 500); /* once more, from an older one */
    assert_int_equal(ionwatch_flush(m.handle, 10000), IONWATCH_OK);
    json_t *record = assert_undisturbed(daemon, &m.run, 500, "running");
    assert_int_equal(segments_of(record), 1);
    json_decref(record);
    md_close(&m);
}

static void
steps_that_a_restarted_md_lacks_begin_a_new_segment(void **state)
{
    harness *daemon = *state;
    char id[IW_ID_LENGTH + 1];
    md m;
    harness_start(daemon, NULL, 0);
    md_open(&m, daemon, 8, NULL, NULL);
    (void)snprintf(id, sizeof id, "%s", m.run.id);
    md_send(&m, 1, 100);
    md_close(&m);
    md_open(&m, daemon, 8, id, NULL);
    md_send(&m, 131, 260);
    assert_int_equal(ionwatch_flush(m.handle, 10000), IONWATCH_OK);
    json_t *record = harness_show(daemon, id, 230);
    assert_int_equal(segments_of(record), 2);
    assert_true(has_event(record, "gap"));
    json_decref(record);
    md_close(&m);
}

static void
second_adapter_takes_the_run_of_one_that_is_gone_at_once(void **state)
{
    harness *daemon = *state;
    hand h;
    iw_message message;
    harness_start(daemon, NULL, 0);
    hand_open(&h, daemon, 8);
    assert_int_equal(hand_hello(&h), 1);
    hand_send(&h, 1, 20);
    peer_expect_ack(h.peer, 20);
    peer_close(daemon, &h.peer);
    pause_ms(200); /* its connection is closed, which the daemon hears */
    h.peer = peer_open(daemon);
    peer_hello(h.peer, &h.run, IW_PROTOCOL_VERSION, adapter_b);
    int patience = 1500; /* of the 3 s that a silent one would have to answer */
    (void)zmq_setsockopt(h.peer, ZMQ_RCVTIMEO, &patience, sizeof patience);
    char bytes[256];
    int size = zmq_recv(h.peer, bytes, sizeof bytes, 0);
    assert_true(size > 0);
    iw_message_init(&message, IW_MSG_PING);
    assert_int_equal(iw_wire_decode(bytes, (size_t)size, &message, NULL), IW_OK);
    assert_int_equal(message.type, IW_MSG_WELCOME);
    assert_int_equal(message.seq, 21);
    hand_send(&h, 21, 60);
    peer_expect_ack(h.peer, 60);
    json_decref(assert_undisturbed(daemon, &h.run, 60, "running"));
    hand_close(&h);
}

/* The library is told that another adapter lives, keeps its frames, and asks until that has gone.
 */
static void
refused_rival_delivers_when_the_other_has_gone(void **state)
{
    harness *daemon = *state;
    hand h;
    md rival;
    iw_message message;
    harness_start(daemon, NULL, 0);
    hand_open(&h, daemon, 8);
    assert_int_equal(hand_hello(&h), 1);
    hand_send(&h, 1, 50);
    peer_expect_ack(h.peer, 50);
    md_open(&rival, daemon, 8, h.run.id, NULL);
    peer_expect(h.peer, IW_MSG_PING, &message);
    hand_send(&h, 51, 60); /* it lives */
    peer_expect_ack(h.peer, 60);
    while (ionwatch_flush(rival.handle, 100) == IONWATCH_OK) {
        ionwatch_frame frame;
        ionwatch_frame_init(&frame);
        synthetic_frame(&rival.run, 60, &rival.frame); /* a step that is there */
        frame.step = 60;
        frame.time = rival.frame.time_fs;
        frame.cell = rival.frame.cell_A;
        frame.pos_f64 = rival.frame.pos_A;
        (void)ionwatch_send(rival.handle, &frame);
    }
    for (int tenths = 0; tenths < 100 && ionwatch_flush(rival.handle, 0) != IONWATCH_REFUSED;
         tenths++) {
        hand_send(&h, 60, 60);
        peer_expect_ack(h.peer, 60);
        pause_ms(100);
    }
    assert_int_equal(ionwatch_flush(rival.handle, 0), IONWATCH_REFUSED);
    assert_non_null(strstr(ionwatch_error(rival.handle), "is being streamed by another adapter"));
    peer_close(daemon, &h.peer);
    ionwatch_status status = IONWATCH_REFUSED;
    for (int tenths = 0; tenths < 200 && status != IONWATCH_OK; tenths++) {
        pause_ms(100);
        status = ionwatch_flush(rival.handle, 1000);
    }
    assert_int_equal(status, IONWATCH_OK);
    md_send(&rival, 61, 120);
    assert_int_equal(ionwatch_flush(rival.handle, 10000), IONWATCH_OK);
    json_decref(assert_undisturbed(daemon, &h.run, 120, "running"));
    md_close(&rival);
    hand_close(&h);
}

static void
clock_of_a_silent_run_starts_anew_with_the_daemon(void **state)
{
    harness *daemon = *state;
    const char *options[] = {"--heartbeat-s", "1", "--lost-after-s", "6", NULL};
    char now[64];
    hand h;
    harness_start(daemon, options, 0);
    hand_open(&h, daemon, 8);
    assert_int_equal(hand_hello(&h), 1);
    hand_send(&h, 1, 30);
    peer_expect_ack(h.peer, 30);
    pause_ms(4000);
    harness_wait_state(daemon, h.run.id, "stalled");
    harness_kill(daemon, SIGKILL);
    harness_start(daemon, options, 0);
    pause_ms(4000); /* 8 s since the last word, 4 s that this daemon knows of */
    harness_state(daemon, h.run.id, now);
    assert_string_equal(now, "stalled");
    harness_wait_state(daemon, h.run.id, "lost");
    json_decref(assert_undisturbed(daemon, &h.run, 30, "lost"));
    hand_close(&h);
}

static int
rows_of(const harness *daemon)
{
    char path[192];
    sqlite3 *db = NULL;
    sqlite3_stmt *rows = NULL;
    (void)snprintf(path, sizeof path, "%s/ionwatch.db", daemon->data);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM runs", -1, &rows, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(rows), SQLITE_ROW);
    int n = sqlite3_column_int(rows, 0);
    (void)sqlite3_finalize(rows);
    (void)sqlite3_close(db);
    return n;
}

static void
goodbye_said_again_changes_nothing(void **state)
{
    harness *daemon = *state;
    hand h;
    iw_message message;
    harness_start(daemon, NULL, 0);
    hand_open(&h, daemon, 8);
    assert_int_equal(hand_hello(&h), 1);
    hand_send(&h, 1, 40);
    peer_expect_ack(h.peer, 40);
    for (int i = 0; i < 5; i++)
        peer_bye(h.peer, 40, i ? "stopped" : "completed");
    peer_expect(h.peer, IW_MSG_FILED, &message);
    for (int i = 0; i < 3; i++) {
        peer_bye(h.peer, 40, "stopped");
        peer_expect(h.peer, IW_MSG_FILED, &message);
    }
    harness_kill(daemon, SIGKILL);
    harness_start(daemon, NULL, 0);
    peer_close(daemon, &h.peer);
    h.peer = peer_open(daemon);
    peer_hello(h.peer, &h.run, IW_PROTOCOL_VERSION, adapter_a);
    peer_expect(h.peer, IW_MSG_WELCOME, &message);
    assert_int_equal(message.seq, 41);
    peer_bye(h.peer, 40, "stopped"); /* its FILED was lost on the way */
    peer_expect(h.peer, IW_MSG_FILED, &message);
    harness_wait_state(daemon, h.run.id, "completed");
    json_decref(assert_undisturbed(daemon, &h.run, 40, "completed"));
    assert_int_equal(rows_of(daemon), 1);
    hand_close(&h);
}

static void
first_hello_says_what_the_run_is(void **state)
{
    harness *daemon = *state;
    const char *first[] = {"project", "solid electrolytes", NULL};
    const char *second[] = {"project", "something else", "note", "restarted", NULL};
    char id[IW_ID_LENGTH + 1];
    md m;
    harness_start(daemon, NULL, 0);
    md_open(&m, daemon, 8, NULL, first);
    (void)snprintf(id, sizeof id, "%s", m.run.id);
    md_send(&m, 1, 30);
    md_close(&m);
    md_open(&m, daemon, 8, id, second);
    md_send(&m, 31, 60);
    assert_int_equal(ionwatch_finish(m.handle, "completed"), IONWATCH_OK);
    md_close(&m);
    harness_wait_state(daemon, id, "completed");
    char path[192], text[256] = "";
    sqlite3 *db = NULL;
    sqlite3_stmt *rows = NULL;
    (void)snprintf(path, sizeof path, "%s/ionwatch.db", daemon->data);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT group_concat(key || '=' || value) FROM metadata",
                                        -1, &rows, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(rows), SQLITE_ROW);
    (void)snprintf(text, sizeof text, "%s", (const char *)sqlite3_column_text(rows, 0));
    (void)sqlite3_finalize(rows);
    (void)sqlite3_close(db);
    assert_non_null(strstr(text, "project=solid electrolytes"));
    assert_null(strstr(text, "restarted"));
}

static void
handle_that_says_nothing_outlives_three_daemons(void **state)
{
    harness *daemon = *state;
    md m;
    harness_start(daemon, NULL, 0);
    md_open(&m, daemon, 8, NULL, NULL);
    md_send(&m, 1, 50);
    assert_int_equal(ionwatch_flush(m.handle, 10000), IONWATCH_OK);
    for (int i = 0; i < 3; i++) {
        harness_kill(daemon, i == 1 ? SIGTERM : SIGKILL);
        pause_ms(300);
        harness_start(daemon, NULL, 0);
        harness_wait_state(daemon, m.run.id, "running"); /* it is there by itself */
    }
    md_send(&m, 51, 100);
    assert_int_equal(ionwatch_flush(m.handle, 10000), IONWATCH_OK);
    json_t *record = assert_undisturbed(daemon, &m.run, 100, "running");
    assert_false(has_event(record, "restart"));
    json_decref(record);
    md_close(&m);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, harness_begin, harness_end)
    const struct CMUnitTest tests[] = {
        CASE(steps_that_a_restarted_md_repeats_count_once),
        CASE(steps_that_a_restarted_md_lacks_begin_a_new_segment),
        CASE(second_adapter_takes_the_run_of_one_that_is_gone_at_once),
        CASE(refused_rival_delivers_when_the_other_has_gone),
        CASE(clock_of_a_silent_run_starts_anew_with_the_daemon),
        CASE(goodbye_said_again_changes_nothing),
        CASE(first_hello_says_what_the_run_is),
        CASE(handle_that_says_nothing_outlives_three_daemons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
