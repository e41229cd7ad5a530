/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "correlate/vacf.h"
#include "synthetic.h"

static iw_vacf *
new_vacf(const synthetic *s, size_t max_lag, size_t block)
{
    iw_error err = {0};
    iw_vacf_options options = {s->n_atoms, s->n_species, s->kind, max_lag, block};
    iw_vacf *vacf = iw_vacf_new(&options, &err);
    if (!vacf)
        fail_msg("%s", err.text);
    return vacf;
}

static void
push_frame(iw_vacf *vacf, const synthetic *s, size_t t)
{
    iw_error err = {0};
    if (t > 0 && s->segment[t] != s->segment[t - 1])
        assert_ok(iw_vacf_break(vacf, &err), err);
    assert_ok(iw_vacf_push(vacf, s->x + t * s->n_atoms * 3, &err), err);
}

static void
compare(iw_vacf *vacf, const synthetic *s, size_t frames, size_t max_lag)
{
    iw_error err = {0};
    iw_vacf_result result = {0};
    assert_ok(iw_vacf_query(vacf, &result, &err), err);
    size_t half = synthetic_longest(s, frames) / 2;
    assert_int_equal(result.frames, frames);
    assert_int_equal(result.n_lags, (half < max_lag ? half : max_lag) + 1);
    for (size_t k = 0; k < s->n_species; k++) {
        double scale = 0.0;
        for (size_t n = 0; n < result.n_lags; n++) {
            double expected = 0.0, origins = 0.0;
            for (size_t axis = 0; axis < 3; axis++)
                expected += synthetic_sum(s, frames, k, axis, n, true, &origins);
            assert_true(result.origins[n] == origins);
            scale = n == 0 ? fabs(expected) : scale;
            assert_close(result.sum[k * result.n_lags + n], expected, 0.0, 1e-13 * scale);
        }
    }
    iw_vacf_result_fini(&result);
}

static void
vacf_equals_brute_force_at_every_lag(void **state)
{
    (void)state;
    static const size_t frames[] = {1, 2, 3, 63, 64, 65, 128, 129, 200, 400};
    static const size_t windows[] = {1, 3, 40, 64, 70, 100};
    static const size_t atoms[] = {1, 2, 7, 20};
    for (size_t a = 0; a < 4; a++) {
        for (size_t f = 0; f < sizeof frames / sizeof *frames; f++) {
            for (size_t w = 0; w < sizeof windows / sizeof *windows; w++) {
                size_t species = atoms[a] < 3 ? atoms[a] : 3;
                synthetic s = synthetic_new(frames[f], atoms[a], species, 3 + a + f);
                iw_vacf *vacf = new_vacf(&s, windows[w], w % 2 ? 80 : 0);
                for (size_t t = 0; t < frames[f]; t++)
                    push_frame(vacf, &s, t);
                compare(vacf, &s, frames[f], windows[w]);
                iw_vacf_destroy(&vacf);
                synthetic_free(&s);
            }
        }
    }
}

static void
vacf_equals_brute_force_at_every_instant_across_breaks(void **state)
{
    (void)state;
    synthetic s = synthetic_new(330, 3, 2, 9);
    for (size_t t = 0; t < s.frames; t++)
        s.segment[t] = (size_t)(t >= 7) + (size_t)(t >= 140) + (size_t)(t >= 268);
    iw_vacf *vacf = new_vacf(&s, 50, 0);
    for (size_t t = 0; t < s.frames; t++) {
        push_frame(vacf, &s, t);
        compare(vacf, &s, t + 1, 50);
    }
    iw_vacf_destroy(&vacf);
    synthetic_free(&s);
}

static void
vacf_query_leaves_later_results_bit_equal(void **state)
{
    (void)state;
    synthetic s = synthetic_new(500, 5, 2, 12);
    iw_vacf *asked = new_vacf(&s, 64, 0), *silent = new_vacf(&s, 64, 0);
    iw_error err = {0};
    iw_vacf_result a = {0}, b = {0};
    for (size_t t = 0; t < s.frames; t++) {
        push_frame(asked, &s, t);
        push_frame(silent, &s, t);
        assert_ok(iw_vacf_query(asked, &a, &err), err);
    }
    assert_ok(iw_vacf_query(silent, &b, &err), err);
    assert_memory_equal(a.sum, b.sum, 2 * a.n_lags * sizeof(double));
    iw_vacf_result_fini(&a);
    iw_vacf_result_fini(&b);
    iw_vacf_destroy(&asked);
    iw_vacf_destroy(&silent);
    synthetic_free(&s);
}

/* v(t + 1) = a v(t) + sqrt(1 - a^2) g: C(n) = a^n per axis.  40 atoms, 20,000 frames: about 48,000
 * independent values, so 0.03 is more than six standard errors. */
static void
vacf_of_an_ornstein_uhlenbeck_process_decays_exponentially(void **state)
{
    (void)state;
    enum { FRAMES = 20000, ATOMS = 40 };
    const double a = 0.95;
    synthetic s = synthetic_new(FRAMES, ATOMS, 1, 2);
    uint64_t seed = 77;
    for (size_t c = 0; c < ATOMS * 3; c++)
        s.x[c] = iw_test_normal(&seed);
    for (size_t t = 1; t < FRAMES; t++)
        for (size_t c = 0; c < ATOMS * 3; c++)
            s.x[t * ATOMS * 3 + c] =
                a * s.x[(t - 1) * ATOMS * 3 + c] + sqrt(1.0 - a * a) * iw_test_normal(&seed);
    iw_vacf *vacf = new_vacf(&s, 300, 0);
    for (size_t t = 0; t < FRAMES; t++)
        push_frame(vacf, &s, t);
    iw_error err = {0};
    iw_vacf_result result = {0};
    assert_ok(iw_vacf_query(vacf, &result, &err), err);
    for (size_t n = 0; n < 60; n++)
        assert_close(result.sum[n] / (3.0 * ATOMS * result.origins[n]), pow(a, (double)n), 0.0,
                     0.03);
    iw_vacf_result_fini(&result);
    iw_vacf_destroy(&vacf);
    synthetic_free(&s);
}

/* Half a million frames of a shivering atom: compensated sums over many short blocks. */
static void
vacf_error_does_not_grow_with_the_run(void **state)
{
    (void)state;
    enum { FRAMES = 500000 };
    static const size_t lags[] = {0, 1, 17, 60};
    synthetic s = synthetic_new(FRAMES, 1, 1, 6);
    iw_vacf *vacf = new_vacf(&s, 60, 0);
    for (size_t t = 0; t < FRAMES; t++)
        push_frame(vacf, &s, t);
    iw_error err = {0};
    iw_vacf_result result = {0};
    assert_ok(iw_vacf_query(vacf, &result, &err), err);
    for (size_t i = 0; i < sizeof lags / sizeof *lags; i++) {
        double expected = 0.0, origins;
        for (size_t axis = 0; axis < 3; axis++)
            expected += synthetic_sum(&s, FRAMES, 0, axis, lags[i], true, &origins);
        assert_close(result.sum[lags[i]], expected, 1e-14, 0.0);
    }
    iw_vacf_result_fini(&result);
    iw_vacf_destroy(&vacf);
    synthetic_free(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vacf_equals_brute_force_at_every_lag),
        cmocka_unit_test(vacf_equals_brute_force_at_every_instant_across_breaks),
        cmocka_unit_test(vacf_query_leaves_later_results_bit_equal),
        cmocka_unit_test(vacf_of_an_ornstein_uhlenbeck_process_decays_exponentially),
        cmocka_unit_test(vacf_error_does_not_grow_with_the_run),
    };
    return cmocka_run_group_tests_name("vacf", tests, NULL, NULL);
}
