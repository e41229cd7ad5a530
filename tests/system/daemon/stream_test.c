/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The daemon with the client library: what an MD code sees. */
#include "md.h"

#include <signal.h>

static void
daemon_that_is_killed_twice_costs_the_run_nothing(void **state)
{
    harness *daemon = *state;
    md code;
    harness_start(daemon, NULL, 0);
    md_open(&code, daemon, 20, NULL, NULL);
    md_send(&code, 1, 1000);
    harness_kill(daemon, SIGKILL);
    md_send(&code, 1001, 2000);
    harness_start(daemon, NULL, 0);
    md_send(&code, 2001, 2500);
    pause_ms(100);
    md_send(&code, 2501, 3000);
    harness_kill(daemon, SIGKILL);
    harness_start(daemon, NULL, 0);
    assert_int_equal(ionwatch_flush(code.handle, 20000), IONWATCH_OK);
    json_t *record = harness_show(daemon, code.run.id, 3000);
    json_t *expected = synthetic_record(&code.run, 3000, "running");
    assert_same_physics(record, expected);
    assert_false(has_event(record, "gap"));
    json_decref(record);
    json_decref(expected);
    assert_int_equal(ionwatch_finish(code.handle, "completed"), IONWATCH_OK);
    harness_wait_state(daemon, code.run.id, "completed");
    md_close(&code);
}

static void
run_without_a_daemon_is_complete_once_there_is_one(void **state)
{
    harness *daemon = *state;
    md code;
    md_open(&code, daemon, 20, NULL, NULL);
    md_send(&code, 1, 500);
    harness_start(daemon, NULL, 0);
    assert_int_equal(ionwatch_flush(code.handle, 20000), IONWATCH_OK);
    json_t *record = harness_show(daemon, code.run.id, 500);
    json_decref(record);
    md_close(&code);
}

static void
reason_that_is_cut_harms_no_listing(void **state)
{
    harness *daemon = *state;
    md code;
    harness_start(daemon, NULL, 0);
    md_open(&code, daemon, 20, NULL, NULL);
    md_send(&code, 1, 100);
    assert_int_equal(ionwatch_finish(code.handle,
                                     "\303\251\303\251\303\251\303\251\303\251\303\251"
                                     "\303\251\303\251\303\251\303\251\303\251\303\251"),
                     IONWATCH_OK);
    harness_wait_state(daemon, code.run.id,
                       "\303\251\303\251\303\251\303\251\303\251\303\251"
                       "\303\251\303\251\303\251\303\251\303\251");
    md_close(&code);
}

static void
second_handle_with_the_same_run_id_is_told_why(void **state)
{
    harness *daemon = *state;
    md code, rival;
    harness_start(daemon, NULL, 0);
    md_open(&code, daemon, 20, NULL, NULL);
    md_send(&code, 1, 100);
    assert_int_equal(ionwatch_flush(code.handle, 10000), IONWATCH_OK);
    char other[80];
    (void)snprintf(other, sizeof other, "%s/rival", daemon->folder);
    md_open(&rival, daemon, 20, code.run.id, NULL);
    bool refused = false;
    for (uint64_t seq = 1; seq < 200 && !refused; seq++) {
        ionwatch_frame frame;
        synthetic_frame(&rival.run, seq, &rival.frame);
        ionwatch_frame_init(&frame);
        frame.step = (int64_t)seq;
        frame.time = rival.frame.time_fs;
        frame.pos_f64 = rival.frame.pos_A;
        frame.cell = rival.frame.cell_A;
        refused = ionwatch_send(rival.handle, &frame) != IONWATCH_OK;
        pause_ms(50);
    }
    assert_true(refused);
    json_t *record = harness_show(daemon, code.run.id, 100);
    json_decref(record);
    ionwatch_close(&rival.handle, 0);
    iw_frame_fini(&rival.frame);
    iw_run_info_fini(&rival.run);
    md_close(&code);
}

static void
run_asks_for_its_own_analysis_in_its_metadata(void **state)
{
    harness *daemon = *state;
    md code;
    const char *metadata[] = {"mobile", "S", "drift", "sideways", "project", "x", NULL};
    harness_start(daemon, NULL, 0);
    md_open(&code, daemon, 20, NULL, metadata);
    md_send(&code, 1, 100);
    assert_int_equal(ionwatch_flush(code.handle, 10000), IONWATCH_OK);
    json_t *record = harness_show(daemon, code.run.id, 100);
    json_t *mobile = json_object_get(json_object_get(record, "run"), "mobile");
    assert_string_equal(json_string_value(json_array_get(mobile, 0)), "S");
    assert_true(has_event(record, "input")); /* there is no such drift */
    json_decref(record);
    md_close(&code);
}

static void
stop_asked_by_a_user_reaches_the_md_code(void **state)
{
    harness *daemon = *state;
    md code;
    iw_message answer;
    const char *reason = NULL;
    harness_start(daemon, NULL, 0);
    md_open(&code, daemon, 20, NULL, NULL);
    md_send(&code, 1, 10);
    assert_int_equal(ionwatch_flush(code.handle, 10000), IONWATCH_OK);
    assert_false(ionwatch_should_stop(code.handle, NULL));
    json_decref(harness_ask(daemon, "stop", code.run.id, false, &answer));
    assert_int_equal(answer.status, IW_OK);
    for (int i = 0; i < 200 && !ionwatch_should_stop(code.handle, &reason); i++)
        pause_ms(20);
    assert_true(ionwatch_should_stop(code.handle, &reason));
    assert_non_null(strstr(reason, "user"));
    md_close(&code);
}

/* Free random walkers: D is known to a few per cent after some hundred frames. */
static void
converged_run_is_asked_to_stop_with_the_reason(void **state)
{
    harness *daemon = *state;
    md code;
    const char *reason = NULL;
    const char *metadata[] = {"stop",        "stop", "target", "0.5", "min_hops", "1",
                              "min_time_ps", "1",    "hold",   "1",   NULL};
    uint64_t random = 42;
    harness_start(daemon, NULL, 0);
    md_open(&code, daemon, 64, NULL, metadata);
    synthetic_frame(&code.run, 1, &code.frame);
    for (int64_t step = 1; step <= 3000 && !ionwatch_should_stop(code.handle, NULL); step++) {
        ionwatch_frame frame;
        ionwatch_frame_init(&frame);
        for (size_t i = 0; i < 3 * code.run.n_atoms; i++) {
            double x = code.frame.pos_A[i] + 0.2 * iw_test_normal(&random);
            code.frame.pos_A[i] = x - 12 * floor(x / 12);
        }
        frame.step = step;
        frame.time = 10.0 * (double)step;
        frame.cell = code.frame.cell_A;
        frame.pos_f64 = code.frame.pos_A;
        assert_int_equal(ionwatch_send(code.handle, &frame), IONWATCH_OK);
        if (step % 100 == 0)
            pause_ms(20);
    }
    assert_true(ionwatch_should_stop(code.handle, &reason));
    assert_true(strlen(reason) > 10);
    assert_int_equal(ionwatch_finish(code.handle, "stopped"), IONWATCH_OK);
    harness_wait_state(daemon, code.run.id, "stopped");
    iw_message answer;
    json_t *record = harness_ask(daemon, "show", code.run.id, false, &answer);
    assert_true(has_event(record, "stop_asked"));
    json_decref(record);
    md_close(&code);
}

static void
two_runs_at_once_are_each_complete(void **state)
{
    harness *daemon = *state;
    md a, b;
    harness_start(daemon, NULL, 0);
    md_open(&a, daemon, 20, NULL, NULL);
    md_open(&b, daemon, 30, NULL, NULL);
    for (uint64_t seq = 1; seq <= 400; seq++) {
        md_send(&a, seq, seq);
        md_send(&b, seq, seq);
    }
    assert_int_equal(ionwatch_flush(a.handle, 10000), IONWATCH_OK);
    assert_int_equal(ionwatch_flush(b.handle, 10000), IONWATCH_OK);
    md *both[] = {&a, &b};
    for (size_t i = 0; i < 2; i++) {
        json_t *record = harness_show(daemon, both[i]->run.id, 400);
        json_t *expected = synthetic_record(&both[i]->run, 400, "running");
        assert_same_physics(record, expected);
        json_decref(record);
        json_decref(expected);
        md_close(both[i]);
    }
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, harness_begin, harness_end)
    const struct CMUnitTest tests[] = {
        CASE(daemon_that_is_killed_twice_costs_the_run_nothing),
        CASE(run_without_a_daemon_is_complete_once_there_is_one),
        CASE(reason_that_is_cut_harms_no_listing),
        CASE(second_handle_with_the_same_run_id_is_told_why),
        CASE(run_asks_for_its_own_analysis_in_its_metadata),
        CASE(stop_asked_by_a_user_reaches_the_md_code),
        CASE(converged_run_is_asked_to_stop_with_the_reason),
        CASE(two_runs_at_once_are_each_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
