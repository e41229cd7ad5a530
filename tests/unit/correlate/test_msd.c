/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "correlate/msd.h"
#include "synthetic.h"

static iw_msd *
new_msd(const synthetic *s, size_t block)
{
    iw_error err = {0};
    iw_msd_options options = {s->n_atoms, s->n_species, s->kind, block};
    iw_msd *msd = iw_msd_new(&options, &err);
    if (!msd)
        fail_msg("%s", err.text);
    return msd;
}

static void
push_frame(iw_msd *msd, const synthetic *s, size_t t)
{
    iw_error err = {0};
    if (t > 0 && s->segment[t] != s->segment[t - 1])
        assert_ok(iw_msd_break(msd, &err), err);
    assert_ok(iw_msd_push(msd, s->x + t * s->n_atoms * 3, &err), err);
}

static void
compare(iw_msd *msd, const synthetic *s, size_t frames)
{
    iw_error err = {0};
    iw_msd_result result = {0};
    assert_ok(iw_msd_query(msd, &result, &err), err);
    assert_int_equal(result.frames, frames);
    assert_int_equal(result.n_species, s->n_species);
    assert_int_equal(result.n_lags, synthetic_longest(s, frames) / 2 + 1);
    for (size_t k = 0; k < s->n_species; k++) {
        for (size_t axis = 0; axis < 3; axis++) {
            for (size_t n = 0; n < result.n_lags; n++) {
                double origins;
                double expected = synthetic_sum(s, frames, k, axis, n, false, &origins);
                assert_true(result.origins[n] == origins);
                double actual = result.sum_A2[(k * 3 + axis) * result.n_lags + n];
                if (fabs(actual - expected) > 1e-10 * fabs(expected) + 1e-24)
                    print_error("T=%zu species %zu axis %zu lag %zu\n", frames, k, axis, n);
                assert_close(actual, expected, 1e-10, 1e-24);
            }
        }
    }
    iw_msd_result_fini(&result);
}

static void
msd_equals_brute_force_at_every_lag(void **state)
{
    (void)state;
    static const size_t frames[] = {1, 2, 3, 7, 8, 9, 16, 17, 40, 63, 64, 65, 100, 129, 250};
    static const size_t blocks[] = {0, 8, 16, 32, 64};
    static const size_t atoms[] = {1, 2, 5, 23};
    for (size_t a = 0; a < 4; a++) {
        for (size_t f = 0; f < sizeof frames / sizeof *frames; f++) {
            for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) {
                size_t species = atoms[a] < 4 ? atoms[a] : 4;
                synthetic s = synthetic_new(frames[f], atoms[a], species, 11 + a + f);
                iw_msd *msd = new_msd(&s, blocks[b]);
                for (size_t t = 0; t < frames[f]; t++)
                    push_frame(msd, &s, t);
                compare(msd, &s, frames[f]);
                iw_msd_destroy(&msd);
                synthetic_free(&s);
            }
        }
    }
}

static void
msd_equals_brute_force_at_every_instant(void **state)
{
    (void)state;
    synthetic s = synthetic_new(150, 6, 3, 5);
    iw_msd *msd = new_msd(&s, 8);
    for (size_t t = 0; t < s.frames; t++) {
        push_frame(msd, &s, t);
        compare(msd, &s, t + 1);
    }
    iw_msd_destroy(&msd);
    synthetic_free(&s);
}

static void
msd_pairs_never_cross_a_break(void **state)
{
    (void)state;
    static const size_t cuts[][4] = {{1, 2, 3, 200},
                                     {50, 51, 100, 200},
                                     {16, 32, 48, 64},
                                     {100, 110, 119, 200},
                                     {5, 10, 150, 151}};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        for (size_t block = 8; block <= 32; block *= 2) {
            synthetic s = synthetic_new(200, 4, 3, 77 + i);
            for (size_t t = 0; t < s.frames; t++)
                for (size_t c = 0; c < 4; c++)
                    s.segment[t] += t >= cuts[i][c];
            iw_msd *msd = new_msd(&s, block);
            for (size_t t = 0; t < s.frames; t++) {
                push_frame(msd, &s, t);
                if (t % 13 == 0 || t + 1 == s.frames)
                    compare(msd, &s, t + 1);
            }
            iw_msd_destroy(&msd);
            synthetic_free(&s);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(msd_equals_brute_force_at_every_lag),
        cmocka_unit_test(msd_equals_brute_force_at_every_instant),
        cmocka_unit_test(msd_pairs_never_cross_a_break),
    };
    return cmocka_run_group_tests_name("msd", tests, NULL, NULL);
}
