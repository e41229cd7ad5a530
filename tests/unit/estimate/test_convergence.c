/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proves docs/physics.md, "Convergence". */
#include "estimate/convergence.h"
#include "iw_test.h"

static iw_diffusion
answer(double relative_error, double hops, bool diffusive)
{
    return (iw_diffusion){.D_cm2_s = 1e-5,
                          .stderr_cm2_s = 1e-5 * relative_error,
                          .effective_hops = hops,
                          .diffusive = diffusive,
                          .warning = diffusive ? NULL : "the MSD does not grow in proportion",
                          .alpha = diffusive ? 1.02 : 0.5};
}

static void
converged_needs_consecutive_checks(void **state)
{
    (void)state;
    iw_convergence_options options;
    iw_convergence_options_init(&options);
    iw_convergence c = {0};
    iw_diffusion good = answer(0.1, 200, true), bad = answer(0.3, 200, true);
    const iw_diffusion *checks[] = {&good, &good, &bad, &good, &good, &good, &good, &bad};
    const unsigned held[] = {1, 2, 0, 1, 2, 3, 4, 0};
    for (size_t i = 0; i < sizeof held / sizeof *held; i++) {
        iw_convergence_check(&c, &options, checks[i], 10);
        assert_int_equal(c.held, held[i]);
        assert_string_equal(c.state, held[i] >= 3 ? "converged" : "converging");
    }
    assert_non_null(strstr(c.reason, "0.3"));
    assert_non_null(strstr(c.reason, "0.2"));
}

static void
each_condition_can_hold_it_back(void **state)
{
    (void)state;
    iw_convergence_options options;
    iw_convergence_options_init(&options);
    options.hold = 1;
    const struct {
        iw_diffusion d;
        double time_ps;
        const char *says;
    } cases[] = {
        {answer(0.1, 200, true), 10, NULL},
        {answer(0.21, 200, true), 10, "relative error"},
        {answer(0.1, 49, true), 10, "effective hops"},
        {answer(0.1, 200, false), 10, "does not grow in proportion (alpha 0.5)"},
        {answer(0.1, 200, true), 1.9, "ps of MD"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        iw_convergence c = {0};
        iw_convergence_check(&c, &options, &cases[i].d, cases[i].time_ps);
        assert_string_equal(c.state, cases[i].says ? "converging" : "converged");
        if (cases[i].says)
            assert_non_null(strstr(c.reason, cases[i].says));
    }
}

static void
time_to_go_follows_the_square_root_law(void **state)
{
    (void)state;
    iw_convergence_options options;
    iw_convergence_options_init(&options);
    iw_convergence c = {0};
    iw_diffusion d = answer(0.4, 200, true); /* twice the target: four times the length */
    iw_convergence_check(&c, &options, &d, 10);
    assert_close(c.relative_error, 0.4, 1e-12, 0);
    assert_close(c.predicted_ps_to_target, 30, 1e-12, 0);
    d = answer(0.1, 10, true); /* hops grow with time: five times the length */
    iw_convergence_check(&c, &options, &d, 10);
    assert_close(c.predicted_ps_to_target, 40, 1e-12, 0);
    d = answer(0.1, 200, true);
    iw_convergence_check(&c, &options, &d, 0.5);
    assert_close(c.predicted_ps_to_target, 1.5, 1e-12, 0);
    iw_convergence_check(&c, &options, &d, 10);
    assert_close(c.predicted_ps_to_target, 0, 0, 0);
}

static void
unknown_d_is_unknown(void **state)
{
    (void)state;
    iw_convergence_options options;
    iw_convergence_options_init(&options);
    iw_convergence c = {.held = 2};
    iw_diffusion d = answer(NAN, 0, false);
    d.D_cm2_s = NAN;
    iw_convergence_check(&c, &options, &d, 0.01);
    assert_string_equal(c.state, "unknown");
    assert_true(isnan(c.relative_error) && isnan(c.predicted_ps_to_target) && c.held == 0);
    d = answer(0.1, 10, true);
    d.D_cm2_s = -1e-7; /* the slope of a solid is noise */
    iw_convergence_check(&c, &options, &d, 10);
    assert_string_equal(c.state, "unknown");
    assert_non_null(strstr(c.reason, "does not grow"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(converged_needs_consecutive_checks),
        cmocka_unit_test(each_condition_can_hold_it_back),
        cmocka_unit_test(time_to_go_follows_the_square_root_law),
        cmocka_unit_test(unknown_d_is_unknown),
    };
    return cmocka_run_group_tests_name("convergence", tests, NULL, NULL);
}
