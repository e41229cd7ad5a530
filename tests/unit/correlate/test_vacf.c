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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vacf_equals_brute_force_at_every_lag),
        cmocka_unit_test(vacf_equals_brute_force_at_every_instant_across_breaks),
    };
    return cmocka_run_group_tests_name("vacf", tests, NULL, NULL);
}
