/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The client and a daemon: delivery, restarts, the spool. */
#include "client_case.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void
frames_arrive_in_our_units_and_are_acknowledged(void **state)
{
    (void)state;
    ionwatch_run run;
    ionwatch_stats stats = {.size = sizeof stats};
    make_run(&run);
    fake_start(&daemon_);
    ionwatch *w = open_handle(&run);
    assert_string_equal(ionwatch_run_id(w), run_id);
    send_steps(w, 1, 200);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_get_stats(w, &stats);
    assert_int_equal(stats.frames_sent, 200);
    assert_int_equal(stats.frames_acknowledged, 200);
    assert_int_equal(stats.frames_dropped, 0);
    assert_int_equal(stats.queued_bytes, 0);
    assert_int_equal(stats.connected, 1);
    assert_int_equal(ionwatch_finish(w, "completed"), IW_OK);
    assert_int_equal(send_step(w, 201), IW_CLOSED);
    ionwatch_close(&w, 10000);
    assert_null(w);
    ionwatch_close(&w, 0);
    fake_stop(&daemon_);
    assert_steps(1, 200, 1);
    assert_close(daemon_.first_x_A[6], 14.0, 0, 0);
    assert_string_equal(daemon_.run.id, run_id);
    assert_close(daemon_.run.timestep_fs, 2.0, 0, 0);
    assert_close(daemon_.run.mass_amu[3], 32.06, 0, 0);
    assert_string_equal(iw_run_info_metadata(&daemon_.run, "potential"), "test");
    assert_int_equal(daemon_.byes, 1);
    assert_string_equal(daemon_.why, "completed");
    assert_int_equal(count_spools(), 0);
}

static void
floats_are_scaled_and_stay_floats(void **state)
{
    (void)state;
    ionwatch_run run;
    ionwatch_frame frame;
    const float pos[3 * ATOMS] = {1.5F};
    make_run(&run);
    fake_start(&daemon_);
    ionwatch *w = open_handle(&run);
    ionwatch_frame_init(&frame);
    frame.step = 1;
    frame.pos_f32 = pos;
    assert_int_equal(ionwatch_send(w, &frame), IW_OK);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
    assert_close(daemon_.first_x_A[0], 3.0, 0, 0);
}

static void
send_without_daemon_spools_and_the_next_handle_delivers(void **state)
{
    (void)state;
    ionwatch_run run;
    ionwatch_stats stats = {.size = sizeof stats};
    make_run(&run);
    ionwatch *w = open_handle(&run);
    send_steps(w, 1, 50);
    ionwatch_get_stats(w, &stats);
    assert_int_equal(stats.connected, 0);
    assert_int_equal(ionwatch_flush(w, 20), IW_TIMEOUT);
    ionwatch_close(&w, 20);
    assert_int_equal(count_spools(), 1);

    w = open_handle(&run); /* still no daemon */
    send_steps(w, 51, 60);
    ionwatch_close(&w, 0);

    fake_start(&daemon_);
    w = open_handle(&run);
    send_steps(w, 61, 70);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
    assert_steps(1, 70, 1);
    assert_int_equal(count_spools(), 0);
}

static void
a_restart_goes_on_where_the_daemon_is(void **state)
{
    (void)state;
    ionwatch_run run;
    make_run(&run);
    fake_start(&daemon_);
    ionwatch *w = open_handle(&run);
    send_steps(w, 1, 30);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);

    w = open_handle(&run); /* no daemon: these have no sequence number yet */
    send_steps(w, 31, 40);
    ionwatch_close(&w, 0);
    w = open_handle(&run);
    send_steps(w, 41, 50);
    fake_start(&daemon_);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
    assert_steps(1, 50, 1);
}

static void
a_daemon_that_dies_gets_what_it_missed(void **state)
{
    (void)state;
    ionwatch_run run;
    make_run(&run);
    fake_start(&daemon_);
    ionwatch *w = open_handle(&run);
    send_steps(w, 1, 30);
    assert_true(fake_wait_frames(&daemon_, 30));
    fake_stop(&daemon_);
    send_steps(w, 31, 60);
    fake_start(&daemon_);
    send_steps(w, 61, 90);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
    assert_true(daemon_.hellos >= 2);
    assert_steps(1, 90, 1);
}

static void
frames_in_flight_are_sent_again_after_welcome(void **state)
{
    (void)state;
    ionwatch_run run;
    make_run(&run);
    atomic_store(&daemon_.unacknowledged, 1);
    fake_start(&daemon_);
    ionwatch *w = open_handle(&run);
    send_steps(w, 1, 30);
    assert_true(fake_wait_frames(&daemon_, 30));
    fake_stop(&daemon_);
    daemon_.frames = 10; /* it had only ten of them on disk */
    daemon_.next_seq = 11;
    atomic_store(&daemon_.unacknowledged, 0);
    fake_start(&daemon_);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
    assert_steps(1, 30, 1);
}

static void
a_daemon_that_lags_asks_for_frames_again(void **state)
{
    (void)state;
    ionwatch_run run;
    make_run(&run);
    fake_start(&daemon_);
    ionwatch *w = open_handle(&run);
    send_steps(w, 1, 5);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    atomic_store(&daemon_.leave, 7);
    send_steps(w, 6, 12);
    assert_true(fake_wait_frames(&daemon_, 12));
    send_steps(w, 13, 20);
    assert_int_equal(ionwatch_finish(w, "completed"), IW_OK);
    ionwatch_close(&w, 10000);
    fake_stop(&daemon_);
    assert_steps(1, 20, 1);
    assert_int_equal(daemon_.byes, 1);
}

static void
a_silent_daemon_is_given_up_and_greeted_anew(void **state)
{
    (void)state;
    ionwatch_run run;
    make_run(&run);
    atomic_store(&daemon_.silent, 1);
    fake_start(&daemon_);
    ionwatch *w = open_handle(&run);
    send_steps(w, 1, 3);
    assert_true(fake_wait_hellos(&daemon_, 2));
    atomic_store(&daemon_.silent, 0);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
    assert_steps(1, 3, 1);
}

static void
an_idle_handle_keeps_its_session_alive(void **state)
{
    (void)state;
    ionwatch_run run;
    make_run(&run);
    fake_start(&daemon_);
    ionwatch *w = open_handle(&run);
    send_steps(w, 1, 1);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    (void)usleep(900000); /* more than twice the time after which silence ends a session */
    pthread_mutex_lock(&daemon_.lock);
    assert_int_equal(daemon_.hellos, 1);
    assert_true(daemon_.pings >= 4);
    pthread_mutex_unlock(&daemon_.lock);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
}

static void
a_queue_that_is_full_overflows_into_the_spool(void **state)
{
    (void)state;
    ionwatch_run run;
    ionwatch_stats stats = {.size = sizeof stats};
    make_run(&run);
    run.queue_bytes = 4000; /* about ten frames */
    ionwatch *w = open_handle(&run);
    send_steps(w, 1, 500);
    ionwatch_get_stats(w, &stats);
    assert_true(stats.queued_bytes <= 4000);
    assert_true(stats.spooled_bytes > 400 * 400);
    fake_start(&daemon_);
    send_steps(w, 501, 600);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    send_steps(w, 601, 610);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_get_stats(w, &stats);
    assert_int_equal(stats.spooled_bytes, 0);
    assert_int_equal(stats.frames_acknowledged, 610);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
    assert_steps(1, 610, 1);
    assert_int_equal(count_spools(), 0);
}

static void
what_is_in_memory_and_on_disk_survives_a_close(void **state)
{
    (void)state;
    ionwatch_run run;
    make_run(&run);
    run.queue_bytes = 4000;
    run.spool_bytes = 1 << 20; /* so that it is cut into several files */
    atomic_store(&daemon_.unacknowledged, 1);
    fake_start(&daemon_);
    ionwatch *w = open_handle(&run);
    send_steps(w, 1, 700);
    assert_true(fake_wait_frames(&daemon_, 5));
    ionwatch_close(&w, 0);
    fake_stop(&daemon_);
    assert_true(count_spools() > 2);
    daemon_.frames = 3;
    daemon_.next_seq = 4;
    atomic_store(&daemon_.unacknowledged, 0);
    fake_start(&daemon_);
    w = open_handle(&run);
    send_steps(w, 701, 720);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
    assert_steps(1, 720, 1);
    assert_int_equal(count_spools(), 0);
}

static void
a_killed_process_leaves_its_frames_in_the_spool(void **state)
{
    (void)state;
    ionwatch_run run;
    make_run(&run);
    iw_client_timing_default.persist_ms = 50;
    pid_t child = fork();
    if (child == 0) {
        ionwatch *w = ionwatch_open(client_endpoint, &run);
        for (int64_t step = 1; step <= 20; step++)
            if (send_step(w, step) != IW_OK)
                _exit(1);
        (void)usleep(300000);
        (void)kill(getpid(), SIGKILL);
    }
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFSIGNALED(result));
    fake_start(&daemon_);
    ionwatch *w = open_handle(&run);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
    assert_steps(1, 20, 1);
}

/* The frames were spooled before any daemon numbered them, and the handle that delivered some of
 * them is killed before it hears of it. */
static void
frames_sent_by_a_killed_handle_are_not_sent_again_as_others(void **state)
{
    (void)state;
    ionwatch_run run;
    make_run(&run);
    ionwatch *w = open_handle(&run);
    send_steps(w, 1, 20);
    ionwatch_close(&w, 0);
    pid_t child = fork();
    if (child == 0) {
        w = ionwatch_open(client_endpoint, &run);
        (void)sleep(30);
        _exit(1);
    }
    atomic_store(&daemon_.unacknowledged, 1);
    fake_start(&daemon_);
    bool came = fake_wait_frames(&daemon_, 20);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(came);
    assert_true(count_spools() > 0);
    atomic_store(&daemon_.unacknowledged, 0);
    w = open_handle(&run);
    send_steps(w, 21, 25);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
    assert_steps(1, 25, 1);
    assert_int_equal(count_spools(), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(frames_arrive_in_our_units_and_are_acknowledged),
        CASE(floats_are_scaled_and_stay_floats),
        CASE(send_without_daemon_spools_and_the_next_handle_delivers),
        CASE(a_restart_goes_on_where_the_daemon_is),
        CASE(a_daemon_that_dies_gets_what_it_missed),
        CASE(frames_in_flight_are_sent_again_after_welcome),
        CASE(a_daemon_that_lags_asks_for_frames_again),
        CASE(a_silent_daemon_is_given_up_and_greeted_anew),
        CASE(an_idle_handle_keeps_its_session_alive),
        CASE(a_queue_that_is_full_overflows_into_the_spool),
        CASE(what_is_in_memory_and_on_disk_survives_a_close),
        CASE(a_killed_process_leaves_its_frames_in_the_spool),
        CASE(frames_sent_by_a_killed_handle_are_not_sent_again_as_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
