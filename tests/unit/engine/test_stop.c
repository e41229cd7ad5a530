/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The stop rules on whole runs.  Proves docs/physics.md, "Convergence and stop rules". */
#include "engine.h"
#include "iw_test.h"
#include "publish/json.h"

enum { IONS = 20, ATOMS = IONS + 1 }; /* Li that may hop, and one S that rests */
static const double dt_fs = 10, hop_A = 3;

/* Hops of 3 A along an axis, and a vibration of 0.3 A that is remembered for five frames. */
typedef struct {
    iw_run_info run;
    iw_frame frame;
    double rate_ps; /* hops of an ion in 1 ps */
    double site_A[IONS][3], vibration_A[IONS][3];
    uint64_t random;
} walk;

static void
walk_init(walk *self, double rate_ps, uint64_t seed)
{
    iw_error err;
    const char *names[ATOMS];
    *self = (walk){.rate_ps = rate_ps, .random = 88172645463325252ULL + 7919000003ULL * seed};
    for (size_t i = 0; i < IONS; i++)
        names[i] = "Li";
    names[IONS] = "S";
    iw_run_info_init(&self->run);
    assert_ok(iw_run_info_set_atoms(&self->run, ATOMS, names, &err), err);
    free(self->run.mass_amu);
    self->run.mass_amu = calloc(ATOMS, sizeof(double));
    for (size_t i = 0; i < ATOMS; i++)
        self->run.mass_amu[i] = iw_element_mass(names[i]);
    self->run.timestep_fs = dt_fs;
    assert_ok(iw_frame_init(&self->frame, ATOMS, &err), err);
}

static void
walk_fini(walk *self)
{
    iw_run_info_fini(&self->run);
    iw_frame_fini(&self->frame);
}

static void
walk_step(walk *self)
{
    const double memory = 0.8, width_A = 0.3 * sqrt(1 - memory * memory);
    for (size_t i = 0; i < IONS; i++) {
        if (iw_test_uniform(&self->random) < self->rate_ps * dt_fs / 1000) {
            size_t axis = (size_t)(3 * iw_test_uniform(&self->random));
            self->site_A[i][axis] += iw_test_uniform(&self->random) < 0.5 ? hop_A : -hop_A;
        }
        for (size_t k = 0; k < 3; k++) {
            double *v = &self->vibration_A[i][k];
            *v = memory * *v + width_A * iw_test_normal(&self->random);
            self->frame.pos_A[3 * i + k] = self->site_A[i][k] + *v;
        }
    }
    self->frame.seq++;
    self->frame.step++;
    self->frame.time_fs += dt_fs;
}

static double
true_D(const walk *self)
{
    return self->rate_ps * hop_A * hop_A / 6 * 1e-4; /* A^2/ps to cm^2/s */
}

static iw_engine *
new_engine(const walk *self, const iw_convergence_options *rules)
{
    iw_error err;
    iw_engine_options options;
    iw_engine_options_init(&options);
    options.drift = IW_DRIFT_NONE;
    options.skip.rule = IW_SKIP_NONE;
    options.msd_stride = 1;
    options.vacf_window_ps = 0.02;
    options.convergence = *rules;
    iw_engine *engine = iw_engine_new(&self->run, &options, &err);
    if (!engine)
        fail_msg("%s", err.text);
    return engine;
}

static void
push(walk *self, iw_engine *engine)
{
    iw_error err;
    walk_step(self);
    assert_ok(iw_engine_push(engine, &self->frame, &err), err);
}

static const iw_decision *
decision_of(const iw_convergence *c, iw_rule rule)
{
    for (size_t i = 0; i < c->n_decisions; i++) {
        if (c->decisions[i].rule == rule)
            return &c->decisions[i];
    }
    return NULL;
}

/* Until a rule stops the run. */
static void
run_on(walk *self, iw_engine *engine, double most_ps)
{
    while (!iw_engine_should_stop(engine, NULL) && self->frame.time_fs < 1000 * most_ps)
        push(self, engine);
}

static void
a_run_stops_when_its_d_is_known(void **state)
{
    (void)state;
    walk w;
    walk_init(&w, 0.2, 1);
    w.frame.time_fs = 7000; /* the MD code's clock; the run's time counts from the first frame */
    iw_convergence_options rules;
    iw_convergence_options_init(&rules);
    rules.mode[IW_RULE_PRECISION] = IW_STOP_STOP;
    rules.planned_ps = 200;
    iw_engine *engine = new_engine(&w, &rules);
    run_on(&w, engine, 200);
    const char *reason = NULL;
    assert_true(iw_engine_should_stop(engine, &reason));
    const iw_decision *made = decision_of(iw_engine_convergence(engine), IW_RULE_PRECISION);
    assert_non_null(made);
    assert_string_equal(reason, made->reason);
    assert_int_equal(made->action, IW_STOP_STOP);
    assert_int_equal(made->frame, w.frame.seq);
    assert_int_equal(made->step, w.frame.step);
    assert_close(made->time_ps, w.frame.time_fs / 1000 - 7.01, 1e-9, 0);
    assert_true(made->values.relative_error <= 0.2 && made->values.effective_hops >= 50);
    assert_true(fabs(made->values.D_cm2_s / true_D(&w) - 1) < 0.5);
    assert_close(made->saved_ps, 200 - made->time_ps, 1e-12, 0);
    /* the code goes on for a while: the record stays, once */
    for (int k = 0; k < 500; k++)
        push(&w, engine);
    iw_error err;
    iw_snapshot *snapshot = iw_engine_snapshot(engine, "stopped", &err);
    assert_non_null(snapshot);
    assert_int_equal(snapshot->convergence.n_decisions, 1);
    size_t told = 0;
    while (told < snapshot->n_events && snapshot->events[told].kind != IW_EVENT_converged)
        told++;
    assert_true(told < snapshot->n_events);
    assert_close(snapshot->events[told].time_ps, made->time_ps, 0, 0); /* one clock for both */
    json_t *json = iw_convergence_json(&snapshot->convergence);
    json_t *first = json_array_get(json_object_get(json, "decisions"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "rule")), "precision");
    assert_string_equal(json_string_value(json_object_get(first, "action")), "stop");
    json_t *values = json_object_get(first, "values");
    assert_close(json_real_value(json_object_get(values, "target")), 0.2, 0, 0);
    assert_close(json_real_value(json_object_get(values, "budget_ps")), 200, 0, 0);
    assert_true(json_is_null(json_object_get(values, "min_D_cm2_s")));
    json_decref(json);
    iw_snapshot_unref(&snapshot);
    iw_engine_destroy(&engine);
    walk_fini(&w);
}

/* Nothing hops: the run ends with an upper limit of D, not with a meaningless number. */
static void
a_caged_species_is_futile_with_a_bound(void **state)
{
    (void)state;
    for (int floor = 0; floor < 2; floor++) {
        walk w;
        walk_init(&w, 0, 2);
        iw_convergence_options rules;
        iw_convergence_options_init(&rules);
        rules.mode[IW_RULE_FUTILITY] = IW_STOP_STOP;
        rules.budget_ps = floor ? NAN : 100;
        rules.min_D_cm2_s = floor ? 5e-6 : 0;
        iw_engine *engine = new_engine(&w, &rules);
        run_on(&w, engine, 100);
        const char *reason = NULL;
        assert_true(iw_engine_should_stop(engine, &reason));
        if (!strstr(reason,
                    floor ? "no diffusion of interest: D < " : "no diffusion within budget"))
            fail_msg("%s", reason);
        const iw_decision *made = decision_of(iw_engine_convergence(engine), IW_RULE_FUTILITY);
        assert_non_null(made);
        double bound = made->values.ci95_cm2_s[1];
        assert_true(bound > 0 && bound < 1e-5);
        assert_close(made->values.ci95_cm2_s[0], 0, 0, 0);
        assert_true(made->time_ps < 50);
        if (floor)
            assert_true(bound < 5e-6 && isnan(made->saved_ps));
        else
            assert_close(made->saved_ps, 100 - made->time_ps, 1e-12, 0);
        iw_engine_destroy(&engine);
        walk_fini(&w);
    }
}

static void
a_broken_run_is_stopped_with_the_reason_of_its_health(void **state)
{
    (void)state;
    walk w;
    walk_init(&w, 0.2, 3);
    iw_convergence_options rules;
    iw_convergence_options_init(&rules);
    rules.mode[IW_RULE_BROKEN] = IW_STOP_STOP;
    rules.broken_hold = 30;
    iw_engine *engine = new_engine(&w, &rules);
    for (int k = 0; k < 300; k++)
        push(&w, engine);
    const char *reason = NULL;
    int refused = 0;
    for (; refused < 200 && !iw_engine_should_stop(engine, &reason); refused++) {
        iw_error err;
        walk_step(&w);
        w.frame.pos_A[7] = NAN;
        assert_int_equal(iw_engine_push(engine, &w.frame, &err), IW_INVALID);
    }
    assert_true(iw_engine_should_stop(engine, &reason));
    assert_true(refused >= 30 && refused < 60);
    if (!strstr(reason, "could not be used: step"))
        fail_msg("%s", reason);
    const iw_convergence *c = iw_engine_convergence(engine);
    assert_string_equal(c->state, "broken");
    const iw_decision *made = decision_of(c, IW_RULE_BROKEN);
    assert_int_equal(made->frame, w.frame.seq);
    assert_close(made->time_ps, 2.99, 1e-9, 0); /* of MD that could be used */
    iw_engine_destroy(&engine);
    walk_fini(&w);
}

static void
without_rules_nothing_is_decided(void **state)
{
    (void)state;
    walk w;
    walk_init(&w, 0.2, 1);
    iw_convergence_options rules;
    iw_convergence_options_init(&rules);
    for (iw_rule rule = 0; rule < IW_RULE_COUNT; rule++)
        rules.mode[rule] = IW_STOP_OFF;
    iw_engine *engine = new_engine(&w, &rules);
    for (int k = 0; k < 6000; k++)
        push(&w, engine);
    assert_int_equal(iw_engine_convergence(engine)->n_decisions, 0);
    assert_string_equal(iw_engine_convergence(engine)->state, "unknown");
    iw_error err;
    iw_snapshot *snapshot = iw_engine_snapshot(engine, "analysed", &err);
    assert_string_equal(snapshot->convergence.state, "converged"); /* judged by itself */
    assert_int_equal(snapshot->convergence.n_decisions, 0);
    iw_snapshot_unref(&snapshot);
    iw_engine_destroy(&engine);
    walk_fini(&w);
}

/* Every prediction of every run against what came. */
static void
predictions_hold_and_no_run_is_given_up_wrongly(void **state)
{
    (void)state;
    enum { RUNS = 40, CHECKS = 200 };
    const double budget_ps = 25;
    size_t predictions = 0, held = 0, in_budget = 0, futile = 0, wrong = 0;
    for (uint64_t seed = 0; seed < RUNS; seed++) {
        struct {
            double time_ps, low_ps, high_ps;
        } made[CHECKS];
        size_t n = 0;
        double reached_ps = NAN;
        walk w;
        walk_init(&w, 0.2, 100 + seed);
        iw_convergence_options rules;
        iw_convergence_options_init(&rules);
        rules.mode[IW_RULE_PRECISION] = IW_STOP_STOP;
        rules.budget_ps = budget_ps;
        iw_engine *engine = new_engine(&w, &rules);
        const iw_convergence *c = iw_engine_convergence(engine);
        while (!iw_engine_should_stop(engine, NULL) && w.frame.time_fs < 200000) {
            double before_ps = c->values.time_ps;
            push(&w, engine);
            if (!(c->values.time_ps > 0) || c->values.time_ps == before_ps)
                continue;
            if (c->held[IW_RULE_PRECISION] == 0)
                reached_ps = NAN;
            else if (isnan(reached_ps))
                reached_ps = c->values.time_ps;
            assert_true(n < CHECKS);
            made[n].time_ps = c->values.time_ps;
            made[n].low_ps = c->values.time_ps + c->predicted_ps_ci95[0];
            made[n++].high_ps = c->values.time_ps + c->predicted_ps_ci95[1];
        }
        for (size_t k = 0; k < n && made[k].time_ps < reached_ps; k++) {
            if (isnan(made[k].low_ps))
                continue;
            predictions++;
            held += made[k].low_ps <= reached_ps + 1e-9 && !(made[k].high_ps < reached_ps);
        }
        in_budget += reached_ps <= budget_ps;
        futile += decision_of(c, IW_RULE_FUTILITY) != NULL;
        wrong += decision_of(c, IW_RULE_FUTILITY) && reached_ps <= budget_ps;
        iw_engine_destroy(&engine);
        walk_fini(&w);
    }
    print_message("%zu predictions, %.1f %% hold; %zu of %d runs reach the target in time, %zu are "
                  "called futile, %zu wrongly\n",
                  predictions, 100 * (double)held / (double)predictions, in_budget, RUNS, futile,
                  wrong);
    assert_true(predictions > 10 * RUNS);
    assert_true(held > 0.85 * (double)predictions);
    assert_int_equal(wrong, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_stops_when_its_d_is_known),
        cmocka_unit_test(a_caged_species_is_futile_with_a_bound),
        cmocka_unit_test(a_broken_run_is_stopped_with_the_reason_of_its_health),
        cmocka_unit_test(without_rules_nothing_is_decided),
        cmocka_unit_test(predictions_hold_and_no_run_is_given_up_wrongly),
    };
    return cmocka_run_group_tests_name("stop", tests, NULL, NULL);
}
