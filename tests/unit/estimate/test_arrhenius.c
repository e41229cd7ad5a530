/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_arrhenius.c - the line through D at several temperatures (docs/physics.md, "Arrhenius"). */
#include "iw_test.h"

#include "constants.h"
#include "estimate/arrhenius.h"

enum { MOST = 16 };
#define K_EV (IW_BOLTZMANN_MEV_K / 1000.0)

static double
law(double D0, double E_a_eV, double temperature_K)
{
    return D0 * exp(-E_a_eV / (K_EV * temperature_K));
}

static iw_arrhenius
fitted(const iw_arrhenius_point *points, size_t n, iw_arrhenius_mark *marks)
{
    iw_arrhenius out;
    iw_arrhenius_mark own[MOST];
    iw_error err = {0};
    assert_ok(iw_arrhenius_fit(points, n, 300.0, &out, marks ? marks : own, &err), err);
    return out;
}

static void
points_on_a_line_give_the_line(void **state)
{
    (void)state;
    static const double T[] = {450, 500, 600, 800, 800, 1100};
    iw_arrhenius_point points[6];
    iw_arrhenius_mark marks[6];
    for (size_t i = 0; i < 6; i++) {
        double D = law(3.2e-3, 0.271, T[i]);
        points[i] = (iw_arrhenius_point){T[i], D, D * (0.05 + 0.04 * (double)i), NULL};
    }
    iw_arrhenius out = fitted(points, 6, marks);
    assert_int_equal(out.n_used, 6);
    assert_int_equal(out.n_temperatures, 5);
    assert_int_equal(out.dof, 4);
    assert_close(out.E_a_eV, 0.271, 1e-12, 0);
    assert_close(out.ln_D0, log(3.2e-3), 1e-11, 0);
    assert_close(out.D_cm2_s, law(3.2e-3, 0.271, 300.0), 1e-11, 0);
    assert_close(out.chi2, 0.0, 0, 1e-18);
    assert_close(out.p_value, 1.0, 1e-12, 0);
    assert_close(out.widened, 1.0, 0, 0);
    assert_close(out.without_one_eV[0], 0.271, 1e-11, 0);
    assert_close(out.without_one_eV[1], 0.271, 1e-11, 0);
    assert_close(out.T_min_K, 450.0, 0, 0);
    assert_close(out.T_max_K, 1100.0, 0, 0);
    assert_close(out.reach, (1 / 300.0 - 1 / 450.0) / (1 / 450.0 - 1 / 1100.0), 1e-12, 0);
    for (size_t i = 0; i < 6; i++)
        assert_null(marks[i].left_out);
}

/* 1/(k_B T) = 10, 20, 30 per eV, ln D = -1, -4, -6, relative errors 0.1, 0.2, 0.1.  By hand:
 * weights 100, 25, 100; centre (20, -800/225); slope -5000/20000; residuals 5/9, -20/9, 5/9. */
static void
make_example(iw_arrhenius_point points[3])
{
    static const double x[] = {10, 20, 30}, y[] = {-1, -4, -6}, relative[] = {0.1, 0.2, 0.1};
    for (size_t i = 0; i < 3; i++)
        points[i] =
            (iw_arrhenius_point){1.0 / (K_EV * x[i]), exp(y[i]), relative[i] * exp(y[i]), NULL};
}

static void
a_small_example_agrees_with_the_sums_done_by_hand(void **state)
{
    (void)state;
    iw_arrhenius_point points[3];
    iw_arrhenius_mark marks[3];
    make_example(points);
    iw_arrhenius out = fitted(points, 3, marks);
    assert_close(out.E_a_eV, 0.25, 1e-12, 0);
    assert_close(marks[0].residual_sigma, 5.0 / 9.0, 1e-10, 0);
    assert_close(marks[1].residual_sigma, -20.0 / 9.0, 1e-10, 0);
    assert_close(marks[2].residual_sigma, 5.0 / 9.0, 1e-10, 0);
    assert_close(out.chi2, 450.0 / 81.0, 1e-10, 0);
    assert_int_equal(out.dof, 1);
    assert_close(out.p_value, erfc(sqrt(450.0 / 81.0 / 2.0)), 1e-10, 0); /* one degree of freedom */
    assert_close(marks[0].E_a_without_eV, 0.2, 1e-12, 0);
    assert_close(marks[1].E_a_without_eV, 0.25, 1e-12, 0);
    assert_close(marks[2].E_a_without_eV, 0.3, 1e-12, 0);
    assert_close(out.without_one_eV[0], 0.2, 1e-12, 0);
    assert_close(out.without_one_eV[1], 0.3, 1e-12, 0);
}

/* p = 0.018: the errors are widened by sqrt(450/81), the quantile is Student's with one degree of
 * freedom, tan(0.475 pi). */
static void
points_off_the_line_widen_every_error(void **state)
{
    (void)state;
    iw_arrhenius_point points[3];
    make_example(points);
    iw_arrhenius out = fitted(points, 3, NULL);
    double widened = sqrt(450.0 / 81.0), t = tan(0.475 * 3.14159265358979324);
    assert_close(out.widened, widened, 1e-10, 0);
    assert_close(out.E_a_stderr_eV, widened / sqrt(20000.0), 1e-10, 0);
    assert_close(out.E_a_ci95_eV[1] - out.E_a_eV, t * widened / sqrt(20000.0), 1e-9, 0);
    assert_close(out.ln_D0_stderr, widened * sqrt(1.0 / 225.0 + 400.0 / 20000.0), 1e-10, 0);
    double dx = 1.0 / (K_EV * 300.0) - 20.0;
    double error = widened * sqrt(1.0 / 225.0 + dx * dx / 20000.0);
    double D = exp(-800.0 / 225.0 - 0.25 * dx);
    assert_close(out.D_cm2_s, D, 1e-10, 0);
    assert_close(out.D_stderr_cm2_s, D * error, 1e-9, 0);
    assert_close(out.D_ci95_cm2_s[0], D * exp(-t * error), 1e-8, 0);
    assert_close(out.D_ci95_cm2_s[1], D * exp(t * error), 1e-8, 0);
}

static void
two_runs_give_a_line_that_cannot_be_tested(void **state)
{
    (void)state;
    iw_arrhenius_point points[2] = {{500, law(1e-3, 0.3, 500), 0.1 * law(1e-3, 0.3, 500), NULL},
                                    {1000, law(1e-3, 0.3, 1000), 0.2 * law(1e-3, 0.3, 1000), NULL}};
    iw_arrhenius out = fitted(points, 2, NULL);
    double span = (1 / 500.0 - 1 / 1000.0) / K_EV;
    assert_close(out.E_a_eV, 0.3, 1e-12, 0);
    assert_close(out.E_a_stderr_eV, sqrt(0.1 * 0.1 + 0.2 * 0.2) / span, 1e-12, 0);
    assert_close(out.E_a_ci95_eV[1], 0.3 + 1.959963984540054 * out.E_a_stderr_eV, 1e-12, 0);
    assert_true(isnan(out.chi2) && isnan(out.p_value) && isnan(out.without_one_eV[0]));
    assert_int_equal(out.dof, 0);
    assert_close(out.widened, 1.0, 0, 0);
}

static void
what_cannot_be_used_is_left_out_with_the_reason(void **state)
{
    (void)state;
    iw_arrhenius_point points[] = {{500, 1e-6, 1e-7, NULL}, {NAN, 1e-6, 1e-7, NULL},
                                   {600, NAN, NAN, NULL},   {600, -1e-6, 1e-7, NULL},
                                   {600, 0.0, 1e-7, NULL},  {600, 1e-6, NAN, NULL},
                                   {600, 1e-6, 0.0, NULL},  {700, 4e-6, 1e-7, "not diffusive"},
                                   {-3, 1e-6, 1e-7, NULL},  {900, 1e-5, 1e-6, NULL}};
    static const char *const why[] = {NULL,
                                      "its temperature is not known",
                                      "D is not known",
                                      "D is not above zero",
                                      "D is not above zero",
                                      "D has no error",
                                      "D has no error",
                                      "not diffusive",
                                      "its temperature is not known",
                                      NULL};
    enum { N = sizeof points / sizeof *points };
    iw_arrhenius_mark marks[N];
    iw_arrhenius out = fitted(points, N, marks);
    assert_int_equal(out.n_used, 2);
    for (size_t i = 0; i < N; i++) {
        if (why[i])
            assert_string_equal(marks[i].left_out, why[i]);
        else
            assert_null(marks[i].left_out);
        assert_true(!why[i] || isnan(marks[i].residual_sigma));
    }
    iw_arrhenius_point kept[] = {points[0], points[9]};
    iw_arrhenius alone = fitted(kept, 2, NULL);
    assert_close(out.E_a_eV, alone.E_a_eV, 0, 0);
    assert_close(out.D_stderr_cm2_s, alone.D_stderr_cm2_s, 0, 0);
}

static void
one_temperature_is_refused_with_the_counts(void **state)
{
    (void)state;
    iw_arrhenius_point points[] = {
        {600, 1e-6, 1e-7, NULL}, {600.3, 2e-6, 1e-7, NULL}, {900, 0.0, 1e-7, NULL}};
    iw_arrhenius out;
    iw_arrhenius_mark marks[3];
    iw_error err = {0};
    assert_int_equal(iw_arrhenius_fit(points, 3, 300.0, &out, marks, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "2 of 3 runs can be used, at 1 temperature"));
    assert_true(isnan(out.E_a_eV) && isnan(out.D_cm2_s) && isnan(out.ln_D0));
    assert_int_equal(out.n_used, 2);
    assert_close(out.T_max_K, 600.3, 0, 0);
    assert_int_equal(iw_arrhenius_fit(NULL, 0, 300.0, &out, NULL, &err), IW_INVALID);
    assert_int_equal(iw_arrhenius_fit(points, 3, 0.0, &out, marks, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "temperature of 0 K"));
}

/* Fits of D itself, not of its logarithm, have published E_a = -0.049 eV, 9.07 eV and D0 = -9.9e20.
 * Here no set can: E_a lies between the slopes of the pairs, and D0 and D are exponentials. */
static void
the_energy_lies_between_those_of_the_pairs_and_D0_is_positive(void **state)
{
    (void)state;
    uint64_t seed = 42;
    for (int set = 0; set < 2000; set++) {
        iw_arrhenius_point points[6];
        for (size_t i = 0; i < 6; i++) {
            double T = 400.0 + 150.0 * (double)i;
            double D = law(1e-3, 0.35, T) * exp(1.5 * iw_test_normal(&seed));
            points[i] = (iw_arrhenius_point){T, D, D * (0.02 + iw_test_uniform(&seed)), NULL};
        }
        double least = INFINITY, most = -INFINITY;
        for (size_t i = 0; i < 6; i++)
            for (size_t j = 0; j < i; j++) {
                double E_a = -K_EV * log(points[i].D_cm2_s / points[j].D_cm2_s) /
                             (1 / points[i].temperature_K - 1 / points[j].temperature_K);
                least = fmin(least, E_a);
                most = fmax(most, E_a);
            }
        iw_arrhenius out = fitted(points, 6, NULL);
        assert_true(out.E_a_eV >= least && out.E_a_eV <= most);
        assert_true(out.without_one_eV[0] >= least && out.without_one_eV[1] <= most);
        assert_true(exp(out.ln_D0) > 0.0 && isfinite(out.ln_D0));
        assert_true(out.D_cm2_s > 0.0 && out.D_ci95_cm2_s[0] > 0.0);
        assert_true(out.D_ci95_cm2_s[0] <= out.D_cm2_s && out.D_cm2_s <= out.D_ci95_cm2_s[1]);
    }
}

/* One set: n runs at evenly spread temperatures, D drawn with its relative error, and an error that
 * is told in proportion to the D that was drawn, as a run tells it; understated: how many times the
 * true error is larger than the told one. */
static void
draw(iw_arrhenius_point *points, size_t n, double relative, double understated, uint64_t *seed)
{
    for (size_t i = 0; i < n; i++) {
        double T = 500.0 + 500.0 * (double)i / (double)(n - 1);
        double true_error = relative * (double)(1 + i % 2) * understated;
        double D = law(2e-3, 0.25, T) * fmax(0.01, 1.0 + true_error * iw_test_normal(seed));
        points[i] = (iw_arrhenius_point){T, D, D * true_error / understated, NULL};
    }
}

static void
covered(size_t n, double relative, double understated, double *E_a, double *D)
{
    enum { SETS = 2000 };
    uint64_t seed = 7 * n + (uint64_t)(1000.0 * relative);
    size_t right_E_a = 0, right_D = 0;
    for (int set = 0; set < SETS; set++) {
        iw_arrhenius_point points[MOST];
        draw(points, n, relative, understated, &seed);
        iw_arrhenius out = fitted(points, n, NULL);
        double D300 = law(2e-3, 0.25, 300.0);
        right_E_a += out.E_a_ci95_eV[0] <= 0.25 && 0.25 <= out.E_a_ci95_eV[1];
        right_D += out.D_ci95_cm2_s[0] <= D300 && D300 <= out.D_ci95_cm2_s[1];
    }
    *E_a = (double)right_E_a / SETS;
    *D = (double)right_D / SETS;
    print_message(
        "%2zu runs, errors of %.0f to %.0f %%, understated %g times: E_a covered %.1f %%, "
        "D(300 K) %.1f %%\n",
        n, 100.0 * relative, 200.0 * relative, understated, 100.0 * *E_a, 100.0 * *D);
}

static void
intervals_cover_as_often_as_they_say(void **state)
{
    (void)state;
    static const size_t runs[] = {2, 3, 4, 6, 10};
    static const double relative[] = {0.02, 0.05, 0.1};
    for (size_t r = 0; r < sizeof runs / sizeof *runs; r++)
        for (size_t e = 0; e < sizeof relative / sizeof *relative; e++) {
            double E_a, D;
            covered(runs[r], relative[e], 1.0, &E_a, &D);
            assert_close(E_a, 0.95, 0, 0.03);
            assert_close(D, 0.95, 0, 0.03);
        }
}

/* ln D of a D known to a third is skewed: the linear error of the logarithm is then a little short.
 */
static void
errors_of_a_third_cost_a_few_points_of_coverage(void **state)
{
    (void)state;
    double E_a, D;
    for (size_t n = 2; n <= 10; n += 4) {
        covered(n, 0.2, 1.0, &E_a, &D);
        assert_close(E_a, 0.95, 0, 0.05);
        assert_close(D, 0.95, 0, 0.05);
    }
}

/* Runs whose errors are told four times too small: chi^2 sees it, the widened intervals hold. */
static void
understated_errors_are_found_and_mended(void **state)
{
    (void)state;
    static const size_t runs[] = {6, 10};
    for (size_t r = 0; r < sizeof runs / sizeof *runs; r++) {
        double E_a, D;
        covered(runs[r], 0.02, 4.0, &E_a, &D);
        assert_close(E_a, 0.95, 0, 0.03);
        assert_close(D, 0.95, 0, 0.03);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_on_a_line_give_the_line),
        cmocka_unit_test(a_small_example_agrees_with_the_sums_done_by_hand),
        cmocka_unit_test(points_off_the_line_widen_every_error),
        cmocka_unit_test(two_runs_give_a_line_that_cannot_be_tested),
        cmocka_unit_test(what_cannot_be_used_is_left_out_with_the_reason),
        cmocka_unit_test(one_temperature_is_refused_with_the_counts),
        cmocka_unit_test(the_energy_lies_between_those_of_the_pairs_and_D0_is_positive),
        cmocka_unit_test(intervals_cover_as_often_as_they_say),
        cmocka_unit_test(errors_of_a_third_cost_a_few_points_of_coverage),
        cmocka_unit_test(understated_errors_are_found_and_mended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
