/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Batch means and the start of the settled part: against brute force, closed forms and drawn
 * series.  docs/physics.md, "Equilibration". */
#include "estimate/equilibration.h"
#include "iw_test.h"

static iw_equilibration *
watch(void)
{
    iw_error err;
    iw_equilibration *self = iw_equilibration_new(&err);
    assert_non_null(self);
    return self;
}

static void
push(iw_equilibration *self, double temperature, double energy)
{
    const double values[IW_SIGNS] = {temperature, energy, NAN, NAN};
    iw_equilibration_push(self, values);
}

/* Correlated noise of variance one: a step of x' = a x + sqrt(1 - a^2) noise. */
static double
noise(double *x, double correlation, uint64_t *seed)
{
    double a = correlation > 0.0 ? exp(-1.0 / correlation) : 0.0;
    *x = a * *x + sqrt(1.0 - a * a) * iw_test_normal(seed);
    return *x;
}

/* MSER-5 word for word: the start for which the squared standard error of the means of batches of
 * five is least, and whether it lies in the first half. */
static size_t
brute_force_start(const double *frames, size_t n_frames)
{
    size_t n = n_frames / 5, start = 0;
    double least = INFINITY;
    double *y = calloc(n, sizeof *y);
    for (size_t i = 0; i < 5 * n; i++)
        y[i / 5] += frames[i] / 5.0;
    size_t rest = n / 10 > 10 ? n / 10 : 10;
    for (size_t d = 0; d + rest <= n; d++) {
        double mean = 0.0, sum = 0.0;
        for (size_t i = d; i < n; i++)
            mean += y[i] / (double)(n - d);
        for (size_t i = d; i < n; i++)
            sum += (y[i] - mean) * (y[i] - mean);
        double error = sum / ((double)(n - d) * (double)(n - d));
        if (error < least) {
            least = error;
            start = d;
        }
    }
    free(y);
    return 5 * start;
}

/* A steep transient ends where MSER-5 says; longer batches have nothing to add to it. */
static void
the_start_is_that_of_mser_5_by_brute_force(void **state)
{
    (void)state;
    enum { T = 1000, RUNS = 200 };
    size_t same = 0;
    for (uint64_t run = 1; run <= RUNS; run++) {
        uint64_t seed = run;
        double frames[T], x = 0.0;
        iw_equilibration *self = watch();
        for (size_t t = 0; t < T; t++) {
            frames[t] = 600.0 + 10.0 * noise(&x, 0.0, &seed) - 300.0 * exp(-(double)t / 40.0);
            push(self, frames[t], NAN);
        }
        iw_equilibration_verdict v;
        iw_equilibration_judge(self, &v);
        assert_true(v.judged && v.sign[IW_SIGN_TEMPERATURE].judged);
        assert_false(v.sign[IW_SIGN_ENERGY].judged);
        assert_int_equal(v.by, IW_SIGN_TEMPERATURE);
        size_t expected = brute_force_start(frames, T);
        assert_true(v.frames >= expected); /* coarser batches may add to it */
        same += v.frames == expected;
        iw_equilibration_destroy(&self);
    }
    assert_true(same > RUNS / 2);
}

/* A level that jumps: everything before the jump and nothing else is left out, at any length. */
static void
a_jump_is_found_where_it_is(void **state)
{
    (void)state;
    for (size_t length = 1000; length <= 100000; length *= 10) {
        size_t jump = length * 3 / 10;
        uint64_t seed = 7;
        double x = 0.0;
        iw_equilibration *self = watch();
        for (size_t t = 0; t < length; t++)
            push(self, 300.0, (t < jump ? 4.0 : 0.0) - 5000.0 + noise(&x, 0.0, &seed));
        iw_equilibration_verdict v;
        iw_equilibration_judge(self, &v);
        assert_int_equal(v.by, IW_SIGN_ENERGY);
        assert_close((double)v.frames, (double)jump, 0.03, 0.02 * (double)length);
        const iw_sign_verdict *energy = &v.sign[IW_SIGN_ENERGY];
        assert_close(energy->before, -4996.0, 0, 0.4);
        assert_close(energy->after, -5000.0, 0, 0.4);
        assert_true(energy->deviations > 4.0);
        assert_int_equal(v.sign[IW_SIGN_TEMPERATURE].frames, 0);
        iw_equilibration_destroy(&self);
    }
}

/* Without noise: a line of 30 groups that then stays level settles exactly there. */
static void
a_ramp_without_noise_ends_at_its_corner(void **state)
{
    (void)state;
    iw_equilibration *self = watch();
    for (size_t t = 0; t < 500; t++)
        push(self, t < 150 ? 300.0 + floor((double)t / 5.0) : 330.0, NAN);
    iw_equilibration_verdict v;
    iw_equilibration_judge(self, &v);
    assert_int_equal(v.frames, 150);
    assert_close(v.sign[IW_SIGN_TEMPERATURE].before, 314.5, 1e-12, 0);
    assert_close(v.sign[IW_SIGN_TEMPERATURE].after, 330.0, 1e-12, 0);
    assert_true(isinf(v.sign[IW_SIGN_TEMPERATURE].deviations));
    iw_equilibration_destroy(&self);
}

static void
what_is_constant_but_for_rounding_says_nothing(void **state)
{
    (void)state;
    iw_equilibration *self = watch();
    for (size_t t = 0; t < 3000; t++) {
        const double values[IW_SIGNS] = {NAN, -812.5, t < 300 ? 1000.0000000001 : 1000.0, NAN};
        iw_equilibration_push(self, values);
    }
    iw_equilibration_verdict v;
    iw_equilibration_judge(self, &v);
    assert_false(v.judged);
    assert_int_equal(v.frames, 0);
    iw_equilibration_destroy(&self);
}

/* Runs with correlation times of 1, 10 and 50 frames, at lengths that fill the batches once and
 * again: hardly any loses its start. */
static void
a_settled_run_loses_nothing(void **state)
{
    (void)state;
    enum { RUNS = 400 };
    static const double correlations[] = {0.0, 1.0, 10.0, 50.0};
    static const size_t lengths[] = {500, 2000, 10000};
    for (size_t c = 0; c < 4; c++) {
        for (size_t l = 0; l < 3; l++) {
            size_t losses = 0, drifts = 0;
            double lost = 0.0;
            for (uint64_t run = 0; run < RUNS; run++) {
                uint64_t seed = 1 + run + 1000 * (3 * c + l);
                double x = iw_test_normal(&seed);
                iw_equilibration *self = watch();
                for (size_t t = 0; t < lengths[l]; t++)
                    push(self, 300.0 + noise(&x, correlations[c], &seed), NAN);
                iw_equilibration_verdict v;
                iw_equilibration_judge(self, &v);
                losses += v.frames > 0;
                lost += (double)v.frames / (double)lengths[l];
                drifts += v.sign[IW_SIGN_TEMPERATURE].drifting;
                iw_equilibration_destroy(&self);
            }
            print_message("correlation %2.0f, %5zu frames: %4.1f %% lose %.2f %% of the run in the "
                          "mean, %4.1f %% called drifting\n",
                          correlations[c], lengths[l], 100.0 * (double)losses / RUNS,
                          100.0 * lost / RUNS, 100.0 * (double)drifts / RUNS);
            assert_true((double)losses <= 0.02 * RUNS);
            assert_true((double)drifts <= 0.02 * RUNS);
        }
    }
}

/* Exponential relaxation under correlated noise: what remains of it in the mean of the rest is
 * below the error of that mean, or a few errors where it takes a tenth of the run, and no more is
 * left out than that takes. */
static void
a_relaxation_is_left_out_but_for_its_last_traces(void **state)
{
    (void)state;
    enum { RUNS = 100, T = 10000 };
    static const double heights[] = {5.0, 20.0, 30.0};
    static const double times[] = {100.0, 300.0, 1000.0};
    for (size_t h = 0; h < 3; h++) {
        for (size_t r = 0; r < 3; r++) {
            double starts = 0.0, bias = 0.0;
            size_t found = 0;
            for (uint64_t run = 0; run < RUNS; run++) {
                uint64_t seed = 1 + run;
                double x = iw_test_normal(&seed);
                iw_equilibration *self = watch();
                for (size_t t = 0; t < T; t++)
                    push(self, noise(&x, 10.0, &seed) + heights[h] * exp(-(double)t / times[r]),
                         NAN);
                iw_equilibration_verdict v;
                iw_equilibration_judge(self, &v);
                found += v.frames > 0;
                starts += (double)v.frames / RUNS;
                bias += heights[h] * times[r] * exp(-(double)v.frames / times[r]) /
                        (T - (double)v.frames) / RUNS;
                iw_equilibration_destroy(&self);
            }
            double error = sqrt(20.0 / T); /* of the mean of all frames: g = 2 x 10 */
            print_message("height %3.0f, time %4.0f: found in %3zu of %d, start %.2f times, left "
                          "in the mean %.2f of its error\n",
                          heights[h], times[r], found, RUNS, starts / times[r], bias / error);
            assert_true(found >= (heights[h] > 5.0 || times[r] > 100.0 ? 95 : 50));
            assert_true(bias < (times[r] > 300.0 ? 3.0 : 1.0) * error);
            assert_true(starts < 5.0 * times[r]);
        }
    }
}

static void
a_drift_that_does_not_end_is_said_and_nothing_left_out(void **state)
{
    (void)state;
    uint64_t seed = 3;
    double x = 0.0;
    iw_equilibration *self = watch();
    for (size_t t = 0; t < 5000; t++)
        push(self, 300.0 + noise(&x, 1.0, &seed), 0.004 * (double)t + noise(&x, 0.0, &seed));
    iw_equilibration_verdict v;
    iw_equilibration_judge(self, &v);
    assert_int_equal(v.frames, 0);
    assert_true(v.sign[IW_SIGN_ENERGY].drifting);
    assert_close(v.sign[IW_SIGN_ENERGY].after - v.sign[IW_SIGN_ENERGY].before, 10.0, 0.1, 0);
    assert_false(v.sign[IW_SIGN_TEMPERATURE].drifting);
    iw_equilibration_destroy(&self);
}

/* A sign that is known once in 100 frames is judged in groups that have one each. */
static void
rare_values_are_judged_in_longer_groups(void **state)
{
    (void)state;
    uint64_t seed = 4;
    iw_equilibration *self = watch();
    for (size_t t = 0; t < 20000; t++) {
        double values[IW_SIGNS] = {NAN, NAN, NAN, NAN};
        if (t % 100 == 99)
            values[IW_SIGN_CAGE] = (t < 5000 ? 0.5 : 1.0) + 0.05 * iw_test_normal(&seed);
        iw_equilibration_push(self, values);
    }
    iw_equilibration_verdict v;
    iw_equilibration_judge(self, &v);
    assert_int_equal(v.by, IW_SIGN_CAGE);
    assert_close((double)v.frames, 5000.0, 0, 512.0);
    assert_close(v.sign[IW_SIGN_CAGE].before, 0.5, 0.05, 0);
    assert_close(v.sign[IW_SIGN_CAGE].after, 1.0, 0.02, 0);
    iw_equilibration_destroy(&self);
}

static void
too_few_frames_are_not_judged(void **state)
{
    (void)state;
    iw_equilibration *self = watch();
    iw_equilibration_verdict v;
    for (size_t t = 0; t < 99; t++)
        push(self, 300.0 + (double)t, NAN);
    iw_equilibration_judge(self, &v);
    assert_false(v.judged);
    push(self, 300.0, NAN);
    iw_equilibration_judge(self, &v);
    assert_true(v.judged);
    iw_equilibration_destroy(&self);
    iw_equilibration_destroy(&self); /* NULL is harmless */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_start_is_that_of_mser_5_by_brute_force),
        cmocka_unit_test(a_jump_is_found_where_it_is),
        cmocka_unit_test(a_ramp_without_noise_ends_at_its_corner),
        cmocka_unit_test(what_is_constant_but_for_rounding_says_nothing),
        cmocka_unit_test(a_settled_run_loses_nothing),
        cmocka_unit_test(a_relaxation_is_left_out_but_for_its_last_traces),
        cmocka_unit_test(a_drift_that_does_not_end_is_said_and_nothing_left_out),
        cmocka_unit_test(rare_values_are_judged_in_longer_groups),
        cmocka_unit_test(too_few_frames_are_not_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
