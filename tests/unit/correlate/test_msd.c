/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "correlate/msd_state.h"
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

/* The results of two runs of the same frames, one of them asked on the way. */
static void
compare_asked_with_silent(size_t block, size_t atoms)
{
    synthetic s = synthetic_new(700, atoms, 3, 21);
    for (size_t t = 0; t < s.frames; t++)
        s.segment[t] = t >= 450;
    iw_msd *asked = new_msd(&s, block), *silent = new_msd(&s, block);
    iw_error err = {0};
    iw_msd_result a = {0}, b = {0};
    for (size_t t = 0; t < s.frames; t++) {
        push_frame(asked, &s, t);
        push_frame(silent, &s, t);
        if (t % 7 < 3)
            assert_ok(iw_msd_query(asked, &a, &err), err);
    }
    assert_ok(iw_msd_query(asked, &a, &err), err);
    assert_ok(iw_msd_query(asked, &a, &err), err);
    assert_ok(iw_msd_query(silent, &b, &err), err);
    assert_int_equal(a.n_lags, b.n_lags);
    assert_memory_equal(a.sum_A2, b.sum_A2, 9 * a.n_lags * sizeof(double));
    assert_memory_equal(a.origins, b.origins, a.n_lags * sizeof(double));
    iw_msd_result_fini(&a);
    iw_msd_result_fini(&b);
    iw_msd_destroy(&asked);
    iw_msd_destroy(&silent);
    synthetic_free(&s);
}

static void
msd_query_leaves_later_results_bit_equal(void **state)
{
    (void)state;
    compare_asked_with_silent(8, 40);
    compare_asked_with_silent(16, 7);
    compare_asked_with_silent(64, 300);
}

/* A round that takes many pushes: queries find it half done. */
static void
msd_is_exact_while_a_round_is_spread_over_pushes(void **state)
{
    (void)state;
    synthetic s = synthetic_new(400, 40, 3, 8);
    iw_msd *slow = new_msd(&s, 16), *fast = new_msd(&s, 16);
    slow->bytes_per_push = 1;
    iw_error err = {0};
    for (size_t t = 0; t < s.frames; t++) {
        push_frame(slow, &s, t);
        push_frame(fast, &s, t);
        if (t % 64 < 12 && t > 250)
            compare(slow, &s, t + 1);
    }
    iw_msd_result a = {0}, b = {0};
    assert_ok(iw_msd_query(slow, &a, &err), err);
    assert_ok(iw_msd_query(fast, &b, &err), err);
    assert_memory_equal(a.sum_A2, b.sum_A2, 9 * a.n_lags * sizeof(double));
    iw_msd_result_fini(&a);
    iw_msd_result_fini(&b);
    iw_msd_destroy(&slow);
    iw_msd_destroy(&fast);
    synthetic_free(&s);
}

/* Vibration of 0.1 A at 1 fs on top of what is far away and drifts: near lags are tiny differences
 * of large numbers for a method that keeps one origin. */
static void
msd_keeps_its_precision_when_a_framework_drifts_100_angstrom(void **state)
{
    (void)state;
    enum { FRAMES = 20000, ATOMS = 3 };
    synthetic s = synthetic_new(FRAMES, ATOMS, 2, 4);
    for (size_t t = 0; t < FRAMES; t++) {
        for (size_t c = 0; c < ATOMS * 3; c++) {
            double vibration = 0.1 * sin(0.02 * (double)t + (double)c);
            double jump = c == 0 && t > FRAMES / 3 ? 100.0 : 0.0;
            s.x[t * ATOMS * 3 + c] = 1000.0 + 100.0 * (double)t / FRAMES + vibration + jump;
        }
    }
    iw_msd *msd = new_msd(&s, 0);
    for (size_t t = 0; t < FRAMES; t++)
        push_frame(msd, &s, t);
    iw_error err = {0};
    iw_msd_result result = {0};
    assert_ok(iw_msd_query(msd, &result, &err), err);
    for (size_t k = 0; k < 2; k++) {
        for (size_t axis = 0; axis < 3; axis++) {
            for (size_t n = 1; n < result.n_lags; n += n < 64 ? 1 : n / 3) {
                double origins;
                double expected = synthetic_sum(&s, FRAMES, k, axis, n, false, &origins);
                assert_close(result.sum_A2[(k * 3 + axis) * result.n_lags + n], expected, 1e-10,
                             0.0);
            }
        }
    }
    iw_msd_result_fini(&result);
    iw_msd_destroy(&msd);
    synthetic_free(&s);
}

/* A million frames of one atom that vibrates: the error of a near and a far lag against direct
 * sums is that of the first 20,000 frames. */
static void
msd_error_does_not_grow_with_the_run(void **state)
{
    (void)state;
    enum { FRAMES = 1000000, EARLY = 20000 };
    static const size_t lags[] = {1, 5, 9, 100, 4096, 9000};
    synthetic s = synthetic_new(FRAMES, 1, 1, 6);
    iw_msd *msd = new_msd(&s, 0);
    iw_error err = {0};
    iw_msd_result result = {0};
    for (size_t t = 0; t < FRAMES; t++) {
        push_frame(msd, &s, t);
        if (t + 1 != EARLY && t + 1 != FRAMES)
            continue;
        assert_ok(iw_msd_query(msd, &result, &err), err);
        for (size_t i = 0; i < sizeof lags / sizeof *lags; i++) {
            double origins;
            double expected = synthetic_sum(&s, t + 1, 0, 0, lags[i], false, &origins);
            assert_close(result.sum_A2[lags[i]], expected, 2e-13, 0.0);
        }
    }
    iw_msd_result_fini(&result);
    iw_msd_destroy(&msd);
    synthetic_free(&s);
}

/* Steps of +-s along each axis: MSD(n) = n s^2 an axis; 60 atoms x 4,000 frames, lags small enough
 * that 5 standard errors are a few per cent. */
static void
msd_of_a_random_walk_grows_by_the_square_of_its_step(void **state)
{
    (void)state;
    enum { FRAMES = 4000, ATOMS = 60 };
    synthetic s = synthetic_new(FRAMES, ATOMS, 1, 2);
    uint64_t seed = 31;
    for (size_t t = 1; t < FRAMES; t++)
        for (size_t c = 0; c < ATOMS * 3; c++)
            s.x[t * ATOMS * 3 + c] =
                s.x[(t - 1) * ATOMS * 3 + c] + (iw_test_uniform(&seed) < 0.5 ? -0.3 : 0.3);
    iw_msd *msd = new_msd(&s, 256);
    for (size_t t = 0; t < FRAMES; t++)
        push_frame(msd, &s, t);
    iw_error err = {0};
    iw_msd_result result = {0};
    assert_ok(iw_msd_query(msd, &result, &err), err);
    assert_close(result.sum_A2[1] / (ATOMS * result.origins[1]), 0.09, 1e-12, 0.0);
    for (size_t n = 2; n <= 20; n++)
        assert_close(result.sum_A2[n] / (ATOMS * result.origins[n]), 0.09 * (double)n, 0.06, 0.0);
    iw_msd_result_fini(&result);
    iw_msd_destroy(&msd);
    synthetic_free(&s);
}

static void
msd_refuses_what_it_cannot_correlate(void **state)
{
    (void)state;
    unsigned short kind[2] = {0, 3};
    iw_error err = {0};
    iw_msd_options options = {2, 2, kind, 0};
    assert_null(iw_msd_new(&options, &err));
    assert_int_equal(err.code, IW_INVALID);
    assert_non_null(strstr(err.text, "species 3 of 2"));
    options = (iw_msd_options){0, 1, kind, 0};
    assert_null(iw_msd_new(&options, &err));
    options = (iw_msd_options){1, 1, kind, SIZE_MAX};
    assert_null(iw_msd_new(&options, &err));
}

static void
msd_without_frames_has_one_empty_lag(void **state)
{
    (void)state;
    synthetic s = synthetic_new(1, 2, 1, 1);
    iw_msd *msd = new_msd(&s, 0);
    iw_error err = {0};
    assert_ok(iw_msd_break(msd, &err), err);
    iw_msd_result result = {0};
    assert_ok(iw_msd_query(msd, &result, &err), err);
    assert_int_equal(result.n_lags, 1);
    assert_true(result.origins[0] == 0.0 && result.sum_A2[0] == 0.0);
    iw_msd_result_fini(&result);
    iw_msd_destroy(&msd);
    iw_msd_destroy(&msd);
    synthetic_free(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(msd_equals_brute_force_at_every_lag),
        cmocka_unit_test(msd_equals_brute_force_at_every_instant),
        cmocka_unit_test(msd_pairs_never_cross_a_break),
        cmocka_unit_test(msd_query_leaves_later_results_bit_equal),
        cmocka_unit_test(msd_is_exact_while_a_round_is_spread_over_pushes),
        cmocka_unit_test(msd_keeps_its_precision_when_a_framework_drifts_100_angstrom),
        cmocka_unit_test(msd_error_does_not_grow_with_the_run),
        cmocka_unit_test(msd_of_a_random_walk_grows_by_the_square_of_its_step),
        cmocka_unit_test(msd_refuses_what_it_cannot_correlate),
        cmocka_unit_test(msd_without_frames_has_one_empty_lag),
    };
    return cmocka_run_group_tests_name("msd", tests, NULL, NULL);
}
