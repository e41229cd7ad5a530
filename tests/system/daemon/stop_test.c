/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each stop rule through the daemon: asked for in the run's metadata, told to the MD code, kept in
 * the record of the database. */
#include "md.h"

#include <signal.h>

enum { ATOMS = 64, MOST_FRAMES = 6000 };

typedef struct {
    double step_A;         /* random walk of every atom */
    double vibration_A;    /* around where it is */
    double hot_from_ps;    /* from then on the thermostat fails */
    const char **metadata; /* of the run */
} motion;

/* Streams frames 10 fs apart until the daemon asks for the end; *reason is a copy. */
static void
stream(harness *daemon, md *code, const motion *what, char reason[400])
{
    const char *text = NULL;
    double at_A[3 * ATOMS];
    uint64_t random = 42;
    md_open(code, daemon, ATOMS, NULL, what->metadata);
    synthetic_frame(&code->run, 1, &code->frame);
    memcpy(at_A, code->frame.pos_A, sizeof at_A);
    int64_t step = 1;
    for (; step <= MOST_FRAMES && !ionwatch_should_stop(code->handle, NULL); step++) {
        ionwatch_frame frame;
        ionwatch_frame_init(&frame);
        for (size_t i = 0; i < 3 * ATOMS; i++) {
            at_A[i] += what->step_A * iw_test_normal(&random);
            double x = at_A[i] + what->vibration_A * iw_test_normal(&random);
            code->frame.pos_A[i] = x - 12 * floor(x / 12);
        }
        frame.step = step;
        frame.time = 10.0 * (double)step;
        frame.cell = code->frame.cell_A;
        frame.pos_f64 = code->frame.pos_A;
        frame.temperature_K = frame.time < 1000 * what->hot_from_ps ? 600 : 9000;
        assert_int_equal(ionwatch_send(code->handle, &frame), IONWATCH_OK);
        if (step % 50 == 0)
            pause_ms(20);
    }
    if (!ionwatch_should_stop(code->handle, &text))
        fail_msg("not asked to stop in %d frames", MOST_FRAMES);
    (void)snprintf(reason, 400, "%s", text);
    assert_int_equal(ionwatch_finish(code->handle, "stopped"), IONWATCH_OK);
    harness_wait_state(daemon, code->run.id, "stopped");
}

/* The decision of that rule in the record of the filed run; borrowed from *record. */
static json_t *
filed_decision(harness *daemon, const md *code, const char *rule, json_t **record)
{
    iw_message answer;
    *record = harness_ask(daemon, "show", code->run.id, false, &answer);
    assert_non_null(*record);
    json_t *decisions = json_object_get(json_object_get(*record, "convergence"), "decisions");
    size_t i;
    json_t *decision;
    json_array_foreach(decisions, i, decision)
    {
        if (strcmp(json_string_value(json_object_get(decision, "rule")), rule) == 0)
            return decision;
    }
    fail_msg("no decision by the rule %s in the record", rule);
    return NULL;
}

static void
check_decision(json_t *decision, const char *reason)
{
    assert_string_equal(json_string_value(json_object_get(decision, "action")), "stop");
    assert_non_null(strstr(reason, json_string_value(json_object_get(decision, "reason"))));
    assert_true(json_integer_value(json_object_get(decision, "frame")) > 0);
    assert_true(json_integer_value(json_object_get(decision, "step")) > 0);
    assert_true(json_number_value(json_object_get(decision, "time_ps")) > 0);
}

static void
precision_stops_a_run_whose_d_is_known(void **state)
{
    harness *daemon = *state;
    md code;
    char reason[400];
    const char *metadata[] = {"stop", "stop",        "target",     "0.5",  "min_hops",
                              "1",    "min_time_ps", "1",          "hold", "1",
                              "skip", "none",        "planned_ps", "500",  NULL};
    motion walk = {.step_A = 0.2, .hot_from_ps = 1e9, .metadata = metadata};
    json_t *record;
    harness_start(daemon, NULL, 0);
    stream(daemon, &code, &walk, reason);
    json_t *decision = filed_decision(daemon, &code, "precision", &record);
    check_decision(decision, reason);
    double saved_ps = json_number_value(json_object_get(decision, "saved_ps"));
    assert_close(saved_ps, 500 - json_number_value(json_object_get(decision, "time_ps")), 1e-9, 0);
    json_t *values = json_object_get(decision, "values");
    assert_true(json_number_value(json_object_get(values, "relative_error")) <= 0.5);
    assert_close(json_number_value(json_object_get(values, "target")), 0.5, 0, 0);
    assert_true(has_event(record, "converged"));
    json_decref(record);
    md_close(&code);
}

static void
futility_stops_a_run_that_gets_nowhere_with_a_bound(void **state)
{
    harness *daemon = *state;
    md code;
    char reason[400];
    const char *metadata[] = {"futility", "stop", "budget_ps", "40", "skip", "none", NULL};
    motion cage = {.vibration_A = 0.1, .hot_from_ps = 1e9, .metadata = metadata};
    json_t *record;
    harness_start(daemon, NULL, 0);
    stream(daemon, &code, &cage, reason);
    assert_non_null(strstr(reason, "no diffusion within budget: D < "));
    json_t *decision = filed_decision(daemon, &code, "futility", &record);
    check_decision(decision, reason);
    json_t *ci95 = json_object_get(json_object_get(decision, "values"), "ci95_cm2_s");
    assert_close(json_number_value(json_array_get(ci95, 0)), 0, 0, 0);
    double bound = json_number_value(json_array_get(ci95, 1));
    assert_true(bound > 0 && bound < 1e-5);
    assert_true(has_event(record, "futile"));
    json_decref(record);
    md_close(&code);
}

static void
broken_stops_a_run_whose_thermostat_fails(void **state)
{
    harness *daemon = *state;
    md code;
    char reason[400];
    const char *metadata[] = {"broken", "stop", "broken_hold", "20", "skip", "none", NULL};
    motion hot = {.vibration_A = 0.05, .hot_from_ps = 10, .metadata = metadata};
    json_t *record;
    harness_start(daemon, NULL, 0);
    stream(daemon, &code, &hot, reason);
    json_t *decision = filed_decision(daemon, &code, "broken", &record);
    check_decision(decision, reason);
    assert_true(json_number_value(json_object_get(decision, "time_ps")) > 10);
    assert_true(has_event(record, "broken"));
    json_t *convergence = json_object_get(record, "convergence");
    assert_string_equal(json_string_value(json_object_get(convergence, "state")), "broken");
    assert_string_equal(json_string_value(json_object_get(convergence, "rule")), "broken");
    json_decref(record);
    md_close(&code);
}

/* The decision follows from the journal alone. */
static void
a_killed_daemon_decides_the_same_again(void **state)
{
    harness *daemon = *state;
    md code;
    const char *metadata[] = {"stop", "advise", "target", "0.5",  "min_hops", "1", "min_time_ps",
                              "1",    "hold",   "1",      "skip", "none",     NULL};
    harness_start(daemon, NULL, 0);
    md_open(&code, daemon, 20, NULL, metadata);
    md_send(&code, 1, 3000);
    assert_int_equal(ionwatch_flush(code.handle, 20000), IONWATCH_OK);
    json_t *before = harness_show(daemon, code.run.id, 3000);
    harness_kill(daemon, SIGKILL);
    harness_start(daemon, NULL, 0);
    json_t *after = harness_show(daemon, code.run.id, 3000);
    json_t *decisions = json_object_get(json_object_get(before, "convergence"), "decisions");
    assert_int_equal(json_array_size(decisions), 1);
    assert_true(
        json_equal(json_object_get(before, "convergence"), json_object_get(after, "convergence")));
    json_decref(before);
    json_decref(after);
    md_close(&code);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, harness_begin, harness_end)
    const struct CMUnitTest tests[] = {
        CASE(precision_stops_a_run_whose_d_is_known),
        CASE(futility_stops_a_run_that_gets_nowhere_with_a_bound),
        CASE(broken_stops_a_run_whose_thermostat_fails),
        CASE(a_killed_daemon_decides_the_same_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
