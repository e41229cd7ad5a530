/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proves docs/physics.md, "Convergence and stop rules". */
#include "estimate/convergence.h"
#include "iw_test.h"

static const double normal_95 = 1.959963984540054;

/* D = 1e-5 cm2/s with that relative error. */
static iw_diffusion
answer(double relative_error, double hops, bool diffusive)
{
    double half = normal_95 * relative_error * 1e-5;
    return (iw_diffusion){.D_cm2_s = 1e-5,
                          .stderr_cm2_s = 1e-5 * relative_error,
                          .ci95_cm2_s = {fmax(0, 1e-5 - half), 1e-5 + half},
                          .effective_hops = hops,
                          .diffusive = diffusive,
                          .warning = diffusive ? NULL : "the MSD does not grow in proportion",
                          .alpha = diffusive ? 1.02 : 0.5};
}

/* Nothing moved: D = 0, and this bounds it. */
static iw_diffusion
resting(double high_cm2_s)
{
    return (iw_diffusion){.ci95_cm2_s = {0, high_cm2_s},
                          .stderr_cm2_s = high_cm2_s / 4,
                          .warning = "the growth of the MSD is within its error"};
}

static void
check(iw_convergence *c, const iw_convergence_options *options, const iw_diffusion *d,
      double time_ps)
{
    iw_observation seen = {.frame = (uint64_t)(100 * time_ps),
                           .step = (int64_t)(500 * time_ps),
                           .time_ps = time_ps,
                           .averaged_ps = time_ps,
                           .mobile = d};
    iw_convergence_check(c, options, &seen);
}

static const iw_decision *
decide(iw_convergence *c, const iw_convergence_options *options, double time_ps)
{
    iw_observation seen = {
        .frame = (uint64_t)(100 * time_ps), .step = (int64_t)(500 * time_ps), .time_ps = time_ps};
    return iw_convergence_decide(c, options, &seen);
}

/* ---- precision ---- */

static void
converged_needs_consecutive_checks(void **state)
{
    (void)state;
    iw_convergence_options options;
    iw_convergence_options_init(&options);
    iw_convergence c;
    iw_convergence_init(&c, "too few frames");
    iw_diffusion good = answer(0.1, 200, true), bad = answer(0.3, 200, true);
    const iw_diffusion *checks[] = {&good, &good, &bad, &good, &good, &good, &good, &bad};
    const unsigned held[] = {1, 2, 0, 1, 2, 3, 4, 0};
    for (size_t i = 0; i < sizeof held / sizeof *held; i++) {
        check(&c, &options, checks[i], 10);
        assert_int_equal(c.held[IW_RULE_PRECISION], held[i]);
        assert_string_equal(c.state, held[i] >= 3 ? "converged" : "converging");
        assert_int_equal(c.rule, held[i] >= 3 ? IW_RULE_PRECISION : IW_RULE_COUNT);
    }
    assert_non_null(strstr(c.reason, "0.3"));
    assert_non_null(strstr(c.reason, "0.2"));
}

static void
each_condition_can_hold_it_back(void **state)
{
    (void)state;
    static const double level[] = {1.0e-5, 0.9e-5, 1.1e-5, 1.0e-5};
    static const double falling[] = {1.6e-5, 1.2e-5, 0.8e-5, 0.4e-5};
    iw_convergence_options options;
    iw_convergence_options_init(&options);
    options.hold = 1;
    iw_diffusion open = answer(0.1, 200, true);
    open.ci95_cm2_s[1] = NAN;
    const struct {
        iw_diffusion d;
        double time_ps;
        const double *blocks;
        const char *unequilibrated, *says;
    } cases[] = {
        {answer(0.1, 200, true), 10, level, NULL, NULL},
        {answer(0.2, 50, true), 2, level, NULL, NULL},
        {answer(0.2001, 200, true), 10, level, NULL, "relative error"},
        {answer(0.1, 49.9, true), 10, level, NULL, "effective hops"},
        {answer(0.1, 200, false), 10, level, NULL, "does not grow in proportion (alpha 0.5)"},
        {answer(0.1, 200, true), 1.99, level, NULL, "ps of MD"},
        {answer(0.1, 200, true), 10, falling, NULL, "drifts from 1.6e-05 to 4e-06"},
        {answer(0.1, 200, true), 10, level, "the volume falls", "the volume falls"},
        {open, 10, level, NULL, "nothing bounds D"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        iw_convergence c;
        iw_convergence_init(&c, "too few frames");
        iw_observation seen = {.time_ps = cases[i].time_ps,
                               .averaged_ps = cases[i].time_ps,
                               .mobile = &cases[i].d,
                               .n_blocks = 4,
                               .block_D_cm2_s = cases[i].blocks,
                               .unequilibrated = cases[i].unequilibrated};
        iw_convergence_check(&c, &options, &seen);
        assert_string_equal(c.state, cases[i].says ? "converging" : "converged");
        if (cases[i].says && !strstr(c.reason, cases[i].says))
            fail_msg("%s", c.reason);
    }
}

/* Two halves of one run, each with sqrt(2) times its error: they differ by twice the error of the
 * whole (one sigma), or the run is not level. */
static void
a_trend_is_two_sigma_between_the_halves(void **state)
{
    (void)state;
    iw_convergence_options options;
    iw_convergence_options_init(&options);
    options.hold = 1;
    iw_diffusion d = answer(0.1, 200, true);
    for (int above = 0; above < 2; above++) {
        double apart = 2 * 2 * d.stderr_cm2_s * (above ? 1.001 : 0.999);
        double halves[] = {1e-5 + apart / 2, 1e-5 - apart / 2};
        iw_observation seen = {
            .time_ps = 10, .averaged_ps = 10, .mobile = &d, .n_blocks = 2, .block_D_cm2_s = halves};
        iw_convergence c;
        iw_convergence_init(&c, "too few frames");
        iw_convergence_check(&c, &options, &seen);
        assert_string_equal(c.state, above ? "converging" : "converged");
        halves[1] = NAN; /* not known: no judgement */
        iw_convergence_check(&c, &options, &seen);
        assert_string_equal(c.state, "converged");
    }
}

/* Level runs are held back about as often as two sigma say. */
static void
chance_alone_is_rarely_called_a_trend(void **state)
{
    (void)state;
    enum { RUNS = 4000 };
    iw_convergence_options options;
    iw_convergence_options_init(&options);
    options.hold = 1;
    iw_diffusion d = answer(0.1, 200, true);
    uint64_t random = 11;
    for (size_t n = 2; n <= 8; n += 2) {
        int vetoes = 0;
        for (int run = 0; run < RUNS; run++) {
            double blocks[8];
            for (size_t b = 0; b < n; b++)
                blocks[b] = 1e-5 * (1 + 0.1 * sqrt((double)n) * iw_test_normal(&random));
            iw_observation seen = {.time_ps = 10,
                                   .averaged_ps = 10,
                                   .mobile = &d,
                                   .n_blocks = n,
                                   .block_D_cm2_s = blocks};
            iw_convergence c;
            iw_convergence_init(&c, "too few frames");
            iw_convergence_check(&c, &options, &seen);
            vetoes += strcmp(c.state, "converged") != 0;
        }
        assert_in_range(vetoes, RUNS / 50, RUNS / 18); /* 4.6 % less what the scatter explains */
    }
}

/* What is left out of the averages (here 30 of 40 ps) does not help the error. */
static void
what_is_left_out_is_not_counted_in_the_prediction(void **state)
{
    (void)state;
    iw_convergence_options options;
    iw_convergence_options_init(&options);
    iw_convergence c;
    iw_convergence_init(&c, "too few frames");
    iw_diffusion d = answer(0.4, 200, true); /* twice the target: four times the 10 ps */
    iw_observation seen = {.time_ps = 40, .averaged_ps = 10, .mobile = &d};
    iw_convergence_check(&c, &options, &seen);
    assert_close(c.predicted_ps_to_target, 30, 1e-12, 0);
    seen.time_ps = seen.averaged_ps = 40;
    iw_convergence_check(&c, &options, &seen);
    assert_close(c.predicted_ps_to_target, 120, 1e-12, 0);
}

static void
unknown_d_is_unknown(void **state)
{
    (void)state;
    iw_convergence_options options;
    iw_convergence_options_init(&options);
    iw_convergence c;
    iw_convergence_init(&c, "too few frames");
    assert_string_equal(c.state, "unknown");
    c.held[IW_RULE_PRECISION] = 2;
    iw_diffusion d = answer(NAN, 0, false);
    d.D_cm2_s = NAN;
    check(&c, &options, &d, 0.01);
    assert_string_equal(c.state, "unknown");
    assert_true(isnan(c.relative_error) && isnan(c.predicted_ps_to_target));
    assert_int_equal(c.held[IW_RULE_PRECISION], 0);
    d = answer(0.1, 10, true);
    d.D_cm2_s = -1e-7; /* the slope of a solid is noise */
    check(&c, &options, &d, 10);
    assert_string_equal(c.state, "unknown");
    assert_non_null(strstr(c.reason, "does not grow"));
}

/* ---- futility ---- */

static void
a_floor_ends_a_run_that_cannot_reach_it(void **state)
{
    (void)state;
    iw_convergence_options options;
    iw_convergence_options_init(&options);
    options.min_D_cm2_s = 1e-7;
    iw_convergence c;
    iw_convergence_init(&c, "too few frames");
    /* the interval is stretched by half before it is compared */
    iw_diffusion above = resting(0.667e-7), below = resting(0.666e-7);
    const iw_diffusion *checks[] = {&below, &below, &above, &below, &below, &below};
    for (size_t i = 0; i < 6; i++) {
        check(&c, &options, checks[i], 10 + (double)i);
        assert_string_equal(c.state, i < 5 ? "unknown" : "futile");
        const iw_decision *decision = decide(&c, &options, 10 + (double)i);
        assert_int_equal(decision != NULL, i == 5);
    }
    assert_non_null(strstr(c.reason, "D < 6.7e-08 cm2/s (95 %)"));
    assert_non_null(strstr(c.reason, "1e-07"));
    options.min_D_cm2_s = 0; /* the default: every D is of interest */
    iw_convergence_init(&c, "too few frames");
    for (size_t i = 0; i < 5; i++)
        check(&c, &options, &below, 10 + (double)i);
    assert_string_equal(c.state, "unknown");
}

static void
a_budget_ends_a_run_that_would_exceed_it(void **state)
{
    (void)state;
    iw_convergence_options options;
    iw_convergence_options_init(&options);
    iw_diffusion still = resting(1e-6), slow = answer(0.2, 100, true);
    iw_diffusion nearly = answer(0.052, 5000, true), known = answer(0.048, 5000, true);
    /* Nothing moved for 10 ps.  At the upper limit of D the error would be 1/1.96: 65 ps at least;
     * stretched, the limit is the same. */
    const struct {
        const iw_diffusion *d;
        double time_ps, budget_ps;
        bool futile;
        const char *says;
    } cases[] = {
        {&still, 10, 64, true, "no diffusion within budget: D < 1e-06 cm2/s (95 %)"},
        {&still, 10, 66, false, NULL},
        {&still, 1.9, 12, false, NULL},        /* below min_time_ps */
        {&slow, 10, 50, true, "out of reach"}, /* to 0.05: 160 ps (80 to 320), 57 when stretched */
        {&slow, 10, 70, false, NULL},
        {&nearly, 10, 11, false, NULL}, /* to 0.05: 10.8 ps, and surely no more than 11 */
        {&nearly, 11, 11, true, "budget spent: 11 ps of 11 ps"},
        {&known, 12, 11, false, NULL}, /* the target is met */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        options.budget_ps = cases[i].budget_ps;
        options.target = cases[i].d == &still ? 0.2 : 0.05;
        iw_convergence c;
        iw_convergence_init(&c, "too few frames");
        for (int k = 0; k < 3; k++) {
            assert_string_not_equal(c.state, "futile");
            check(&c, &options, cases[i].d, cases[i].time_ps);
        }
        assert_int_equal(strcmp(c.state, "futile") == 0, cases[i].futile);
        if (cases[i].futile && !strstr(c.reason, cases[i].says))
            fail_msg("%s", c.reason);
    }
    /* no earlier than a tenth of the budget */
    options.budget_ps = 1000;
    for (int late = 0; late < 2; late++) {
        iw_convergence c;
        iw_convergence_init(&c, "too few frames");
        iw_diffusion d = answer(4, 0.1, false);
        d.ci95_cm2_s[0] = 1e-6;
        d.ci95_cm2_s[1] = 1.001e-5; /* as if D were known to be small: never below 10,000 ps */
        d.stderr_cm2_s = 1e-5 * 40;
        for (int k = 0; k < 3; k++)
            check(&c, &options, &d, late ? 101 : 99);
        assert_string_equal(c.state, late ? "futile" : "converging");
    }
}

/* Without a budget what the run is planned for is one, except that nothing ends where it is over;
 * without either, time is free. */
static void
the_planned_length_is_a_budget(void **state)
{
    (void)state;
    iw_convergence_options options;
    iw_convergence_options_init(&options);
    iw_diffusion still = resting(1e-6);
    for (int known = 0; known < 2; known++) {
        options.planned_ps = known ? 30 : NAN;
        iw_convergence c;
        iw_convergence_init(&c, "too few frames");
        for (int k = 0; k < 4; k++)
            check(&c, &options, &still, 10);
        assert_string_equal(c.state, known ? "futile" : "unknown");
    }
    iw_convergence c;
    iw_convergence_init(&c, "too few frames");
    iw_diffusion nearly = answer(0.052, 5000, true);
    options.planned_ps = 10;
    options.target = 0.05;
    for (int k = 0; k < 4; k++)
        check(&c, &options, &nearly, 10.5);
    assert_string_equal(c.state, "converging");
}

static void
what_is_converged_is_not_futile(void **state)
{
    (void)state;
    iw_convergence_options options;
    iw_convergence_options_init(&options);
    options.budget_ps = 10;
    options.min_D_cm2_s = 1e-3;
    iw_convergence c;
    iw_convergence_init(&c, "too few frames");
    iw_diffusion d = answer(0.1, 200, true);
    for (int k = 0; k < 4; k++)
        check(&c, &options, &d, 20);
    assert_string_equal(c.state, "converged");
    assert_int_equal(c.held[IW_RULE_FUTILITY], 0);
}

/* ---- broken ---- */

static void
broken_is_told_after_checks_in_a_row_and_before_all_else(void **state)
{
    (void)state;
    iw_convergence_options options;
    iw_convergence_options_init(&options);
    options.broken_hold = 3;
    iw_convergence c;
    iw_convergence_init(&c, "too few frames");
    iw_diffusion d = answer(0.1, 200, true);
    for (int k = 0; k < 3; k++)
        check(&c, &options, &d, 20);
    assert_string_equal(c.state, "converged");
    const char *const said[] = {"hot", "hot", NULL, "hot", "hot", "600 K asked, 9000 K measured"};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        iw_convergence_check_health(&c, &options, said[i]);
        assert_string_equal(c.state, i == 5 ? "broken" : "converged");
    }
    assert_string_equal(c.reason, "600 K asked, 9000 K measured");
    iw_convergence_check_health(&c, &options, NULL);
    assert_string_equal(c.state, "converged");
}

/* ---- decisions ---- */

static void
each_rule_decides_once_and_the_record_stays(void **state)
{
    (void)state;
    iw_convergence_options options;
    iw_convergence_options_init(&options);
    options.mode[IW_RULE_BROKEN] = IW_STOP_STOP;
    options.hold = 2;
    options.broken_hold = 1;
    options.planned_ps = 50;
    iw_convergence c;
    iw_convergence_init(&c, "too few frames");
    iw_diffusion good = answer(0.1, 200, true), bad = answer(0.3, 200, true);
    check(&c, &options, &good, 10);
    assert_null(decide(&c, &options, 10));
    check(&c, &options, &good, 11);
    const iw_decision *first = decide(&c, &options, 11);
    assert_non_null(first);
    assert_int_equal(first->rule, IW_RULE_PRECISION);
    assert_int_equal(first->action, IW_STOP_ADVISE);
    assert_int_equal(first->frame, 1100);
    assert_int_equal(first->step, 5500);
    assert_close(first->time_ps, 11, 0, 0);
    assert_close(first->saved_ps, 39, 0, 0);
    assert_close(first->values.relative_error, 0.1, 1e-12, 0);
    assert_close(first->values.D_cm2_s, 1e-5, 0, 0);
    assert_close(first->values.ci95_cm2_s[1], good.ci95_cm2_s[1], 0, 0);
    assert_close(first->values.effective_hops, 200, 0, 0);
    assert_close(first->values.alpha, 1.02, 0, 0);
    assert_non_null(strstr(first->reason, "relative error of D is 0.1 (target 0.2)"));
    assert_null(decide(&c, &options, 11));
    /* what no longer holds is said; what was decided stays; it is not decided again */
    check(&c, &options, &bad, 12);
    assert_string_equal(c.state, "converging");
    assert_null(decide(&c, &options, 12));
    check(&c, &options, &good, 13);
    check(&c, &options, &good, 14);
    assert_null(decide(&c, &options, 14));
    iw_convergence_check_health(&c, &options, "NaN");
    const iw_decision *second = decide(&c, &options, 60);
    assert_int_equal(second->rule, IW_RULE_BROKEN);
    assert_int_equal(second->action, IW_STOP_STOP);
    assert_string_equal(second->reason, "NaN");
    assert_close(second->values.time_ps, 14, 0, 0);
    assert_close(second->saved_ps, 0, 0, 0); /* longer than planned: nothing was saved */
    assert_int_equal(c.n_decisions, 2);
}

static void
a_rule_that_is_off_decides_nothing(void **state)
{
    (void)state;
    iw_convergence_options options;
    iw_convergence_options_init(&options);
    for (iw_rule rule = 0; rule < IW_RULE_COUNT; rule++)
        options.mode[rule] = IW_STOP_OFF;
    options.budget_ps = 10;
    options.hold = options.broken_hold = 1;
    iw_convergence c;
    iw_convergence_init(&c, "too few frames");
    iw_diffusion good = answer(0.1, 200, true), still = resting(1e-6);
    check(&c, &options, &still, 10);
    assert_string_equal(c.state, "unknown");
    iw_convergence_check_health(&c, &options, "NaN");
    assert_string_equal(c.state, "unknown");
    check(&c, &options, &good, 10);
    assert_string_equal(c.state, "converged"); /* said, not acted upon */
    assert_null(decide(&c, &options, 10));
    assert_int_equal(c.n_decisions, 0);
}

static void
a_look_between_checks_counts_only_against(void **state)
{
    (void)state;
    iw_convergence_options options;
    iw_convergence_options_init(&options);
    iw_convergence c;
    iw_convergence_init(&c, "too few frames");
    iw_diffusion good = answer(0.1, 200, true), bad = answer(0.3, 200, true);
    check(&c, &options, &good, 10);
    iw_observation seen = {.time_ps = 10.5, .averaged_ps = 10.5, .mobile = &good};
    for (int k = 0; k < 5; k++)
        iw_convergence_look(&c, &options, &seen);
    assert_int_equal(c.held[IW_RULE_PRECISION], 1);
    assert_int_equal(c.history.n, 1);
    seen.mobile = &bad;
    iw_convergence_look(&c, &options, &seen);
    assert_int_equal(c.held[IW_RULE_PRECISION], 0);
    assert_close(c.relative_error, 0.3, 1e-12, 0);
}

static void
options_that_cannot_be_are_refused(void **state)
{
    (void)state;
    iw_convergence_options options;
    iw_error err;
    iw_convergence_options_init(&options);
    assert_int_equal(iw_convergence_options_check(&options, &err), IW_OK);
    options.target = 0;
    assert_int_equal(iw_convergence_options_check(&options, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "target of 0"));
    iw_convergence_options_init(&options);
    options.budget_ps = -1;
    assert_int_equal(iw_convergence_options_check(&options, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "budget of -1 ps"));
}

static void
rules_and_modes_have_names(void **state)
{
    (void)state;
    const char *const rules[] = {"precision", "futility", "broken"};
    for (iw_rule rule = 0; rule < IW_RULE_COUNT; rule++)
        assert_string_equal(iw_rule_name(rule), rules[rule]);
    assert_string_equal(iw_stop_mode_name(IW_STOP_OFF), "off");
    assert_string_equal(iw_stop_mode_name(IW_STOP_ADVISE), "advise");
    assert_string_equal(iw_stop_mode_name(IW_STOP_STOP), "stop");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(converged_needs_consecutive_checks),
        cmocka_unit_test(each_condition_can_hold_it_back),
        cmocka_unit_test(a_trend_is_two_sigma_between_the_halves),
        cmocka_unit_test(chance_alone_is_rarely_called_a_trend),
        cmocka_unit_test(what_is_left_out_is_not_counted_in_the_prediction),
        cmocka_unit_test(unknown_d_is_unknown),
        cmocka_unit_test(a_floor_ends_a_run_that_cannot_reach_it),
        cmocka_unit_test(a_budget_ends_a_run_that_would_exceed_it),
        cmocka_unit_test(the_planned_length_is_a_budget),
        cmocka_unit_test(what_is_converged_is_not_futile),
        cmocka_unit_test(broken_is_told_after_checks_in_a_row_and_before_all_else),
        cmocka_unit_test(each_rule_decides_once_and_the_record_stays),
        cmocka_unit_test(a_rule_that_is_off_decides_nothing),
        cmocka_unit_test(a_look_between_checks_counts_only_against),
        cmocka_unit_test(options_that_cannot_be_are_refused),
        cmocka_unit_test(rules_and_modes_have_names),
    };
    return cmocka_run_group_tests_name("convergence", tests, NULL, NULL);
}
