/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proves docs/physics.md, "Prediction". */
#include "estimate/prediction.h"
#include "iw_test.h"

static const double normal_95 = 1.959963984540054;

/* D from n hops of N atoms, as counting gives it: D = n, error sqrt(n), the interval of all q with
 * |n - q| <= z sqrt(q).  effective_hops is large: it does not matter. */
static iw_diffusion
counted(double n)
{
    double z2 = normal_95 * normal_95, root = sqrt(z2 * n + z2 * z2 / 4);
    return (iw_diffusion){.D_cm2_s = n,
                          .stderr_cm2_s = sqrt(n),
                          .ci95_cm2_s = {n + z2 / 2 - root, n + z2 / 2 + root},
                          .effective_hops = 1e9,
                          .alpha = 1,
                          .diffusive = true};
}

static void
the_error_falls_with_the_square_root_of_time(void **state)
{
    (void)state;
    iw_prediction_history none = {0};
    iw_diffusion d = counted(4); /* error 1/2 */
    iw_prediction p = iw_prediction_make(&none, &d, 10, 0.25, 1);
    assert_close(p.total_ps, 40, 1e-12, 0);
    p = iw_prediction_make(&none, &d, 10, 0.5, 1);
    assert_close(p.total_ps, 10, 1e-12, 0);
    d.effective_hops = 20; /* hops grow with time */
    p = iw_prediction_make(&none, &d, 10, 0.5, 100);
    assert_close(p.total_ps, 50, 1e-12, 0);
}

static void
the_ends_of_d_give_the_ends_of_the_time(void **state)
{
    (void)state;
    iw_prediction_history none = {0};
    iw_diffusion d = counted(25);
    /* 25 hops in 10 ps; 100 are wanted: 40 ps, were D at the end of its interval 40 ps 25/D.  What
     * the run does from now on adds 10 % sqrt(1 - 10/40). */
    iw_prediction p = iw_prediction_make(&none, &d, 10, 0.1, 1);
    assert_close(p.total_ps, 40, 1e-12, 0);
    double down = log(d.ci95_cm2_s[1] / 25) / normal_95, up = log(25 / d.ci95_cm2_s[0]) / normal_95;
    double ahead = 0.01 * 0.75;
    assert_close(p.ci95_ps[0], 40 * exp(-normal_95 * sqrt(down * down + ahead)), 1e-9, 0);
    assert_close(p.ci95_ps[1], 40 * exp(normal_95 * sqrt(up * up + ahead)), 1e-9, 0);
}

static void
what_is_not_known_is_not_predicted(void **state)
{
    (void)state;
    iw_prediction_history none = {0};
    /* Nothing hopped: up to z^2 hops are likely, with an error of 1/z then. */
    iw_diffusion d = counted(0);
    iw_prediction p = iw_prediction_make(&none, &d, 10, 0.2, 1);
    assert_true(isnan(p.total_ps) && isnan(p.ci95_ps[1]));
    assert_close(p.ci95_ps[0], 10 * 25 / (normal_95 * normal_95), 1e-9, 0);
    d.ci95_cm2_s[1] = NAN;
    p = iw_prediction_make(&none, &d, 10, 0.2, 1);
    assert_true(isnan(p.total_ps) && isnan(p.ci95_ps[0]) && isnan(p.ci95_ps[1]));
    d = counted(2);
    d.ci95_cm2_s[0] = 0; /* D may be zero: were it at its upper end, this would be its error */
    double end = d.ci95_cm2_s[1], error = (end - 2) / (normal_95 * end);
    p = iw_prediction_make(&none, &d, 10, 0.2, 1);
    assert_true(isnan(p.total_ps) && isnan(p.ci95_ps[1]));
    assert_close(p.ci95_ps[0], 10 * pow(error / 0.2, 2), 1e-12, 0);
}

static void
an_unsteady_past_widens_the_interval(void **state)
{
    (void)state;
    iw_diffusion d = counted(25);
    iw_prediction_history steady = {0}, unsteady = {0};
    for (int k = 0; k < 100; k++) { /* more than are kept */
        double t = 10 * (1 + 0.01 * k), law = 0.2 * sqrt(20 / t);
        iw_prediction_note(&steady, t, law, 5 * t);
        iw_prediction_note(&unsteady, t, k % 2 ? law * 1.5 : law / 1.5, 5 * t);
    }
    iw_prediction none = iw_prediction_make(&(iw_prediction_history){0}, &d, 20, 0.1, 1);
    iw_prediction a = iw_prediction_make(&steady, &d, 20, 0.1, 1);
    iw_prediction b = iw_prediction_make(&unsteady, &d, 20, 0.1, 1);
    assert_close(a.ci95_ps[0], none.ci95_ps[0], 1e-6, 0);
    assert_close(a.ci95_ps[1], none.ci95_ps[1], 1e-6, 0);
    assert_true(b.ci95_ps[0] < 0.8 * a.ci95_ps[0] && b.ci95_ps[1] > 1.2 * a.ci95_ps[1]);
    /* what is not known does not count; an earlier time starts anew */
    size_t n = steady.n;
    iw_prediction_note(&steady, 30, NAN, 10);
    assert_int_equal(steady.n, n);
    iw_prediction_note(&steady, 1, 0.5, 10);
    assert_int_equal(steady.n, 1);
}

static void
subdiffusion_puts_the_end_further_off(void **state)
{
    (void)state;
    iw_prediction_history none = {0};
    iw_diffusion d = counted(25);
    iw_prediction a = iw_prediction_make(&none, &d, 10, 0.1, 1);
    d.alpha = 0.5;
    iw_prediction b = iw_prediction_make(&none, &d, 10, 0.1, 1);
    assert_close(b.ci95_ps[0], a.ci95_ps[0], 1e-12, 0);
    assert_close(b.ci95_ps[1], a.ci95_ps[1] * a.ci95_ps[1] / 10, 1e-9, 0);
}

/* Hops that are counted as they come, one in a unit of time in the mean; looked at ever 5 %. */
static void
the_interval_holds_the_moment_when_the_target_is_reached(void **state)
{
    (void)state;
    enum { RUNS = 1000, CHECKS = 200 };
    const double target = 0.1;
    uint64_t random = 5;
    size_t predicted = 0, held = 0, low = 0;
    for (int run = 0; run < RUNS; run++) {
        iw_prediction_history history = {0};
        iw_prediction made[CHECKS];
        size_t checks = 0;
        double next_hop = -log(1 - iw_test_uniform(&random)), hops = 0, t = 3;
        while (true) {
            while (next_hop < t) {
                next_hop -= log(1 - iw_test_uniform(&random));
                hops++;
            }
            iw_diffusion d = counted(hops / t);
            /* D is in hops for each unit of time: rescale what counted() says of the number */
            iw_diffusion n = counted(hops);
            d.stderr_cm2_s = n.stderr_cm2_s / t;
            d.ci95_cm2_s[0] = n.ci95_cm2_s[0] / t;
            d.ci95_cm2_s[1] = n.ci95_cm2_s[1] / t;
            iw_prediction_note(&history, t, 1 / sqrt(hops), hops);
            if (hops > 0 && 1 / sqrt(hops) <= target)
                break;
            made[checks++] = iw_prediction_make(&history, &d, t, target, 1);
            assert_true(checks < CHECKS);
            t *= 1.05;
        }
        for (size_t k = 0; k < checks; k++) {
            if (isnan(made[k].total_ps))
                continue;
            predicted++;
            low += made[k].ci95_ps[0] > t;
            held += made[k].ci95_ps[0] <= t && !(made[k].ci95_ps[1] < t);
        }
    }
    print_message("%zu predictions, %.1f %% hold, %.1f %% begin too late\n", predicted,
                  100 * (double)held / (double)predicted, 100 * (double)low / (double)predicted);
    assert_true(held > 0.93 * (double)predicted);
    assert_true(low < 0.025 * (double)predicted);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_error_falls_with_the_square_root_of_time),
        cmocka_unit_test(the_ends_of_d_give_the_ends_of_the_time),
        cmocka_unit_test(what_is_not_known_is_not_predicted),
        cmocka_unit_test(an_unsteady_past_widens_the_interval),
        cmocka_unit_test(subdiffusion_puts_the_end_further_off),
        cmocka_unit_test(the_interval_holds_the_moment_when_the_target_is_reached),
    };
    return cmocka_run_group_tests_name("prediction", tests, NULL, NULL);
}
