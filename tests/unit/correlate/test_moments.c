/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "correlate/moments.h"
#include "synthetic.h"

static iw_moments *
new_moments(const synthetic *s)
{
    iw_error err = {0};
    iw_moments_options options = {s->n_atoms, s->n_species, s->kind};
    iw_moments *moments = iw_moments_new(&options, &err);
    if (!moments)
        fail_msg("%s", err.text);
    return moments;
}

static void
push_frame(iw_moments *moments, const synthetic *s, size_t t)
{
    iw_error err = {0};
    if (t > 0 && s->segment[t] != s->segment[t - 1])
        assert_ok(iw_moments_break(moments, &err), err);
    assert_ok(iw_moments_push(moments, s->x + t * s->n_atoms * 3, &err), err);
}

/* The series of lags as it is documented. */
static size_t
next_lag(size_t lag)
{
    size_t octave = 1;
    while (2 * octave <= lag)
        octave *= 2;
    return lag < 8 ? lag + 1 : lag + octave / 4;
}

static size_t
stride_of(size_t lag)
{
    size_t stride = 1;
    while (16 * stride <= lag)
        stride *= 2;
    return stride;
}

static size_t
epoch_length(size_t frames)
{
    size_t length = 4;
    while (64 * length < frames)
        length *= 2;
    return length;
}

typedef struct {
    size_t n_epochs;
    long double *second; /* [n_epochs][n_atoms][3] */
    long double *fourth; /* [n_species] */
    double *origins;     /* [n_epochs] */
} direct;

/* All pairs of one lag, one by one. */
static direct
direct_sums(const synthetic *s, size_t frames, size_t lag)
{
    size_t n = s->n_atoms, length = epoch_length(frames), start = 0;
    direct d = {.n_epochs = (frames + length - 1) / length};
    d.second = calloc(d.n_epochs * n * 3, sizeof *d.second);
    d.fourth = calloc(s->n_species, sizeof *d.fourth);
    d.origins = calloc(d.n_epochs, sizeof *d.origins);
    for (size_t t = 0; t + lag < frames; t++) {
        if (t > 0 && s->segment[t] != s->segment[t - 1])
            start = t;
        if (s->segment[t] != s->segment[t + lag] || (t - start) % stride_of(lag) != 0)
            continue;
        size_t e = (t + lag) / length;
        d.origins[e] += 1.0;
        for (size_t i = 0; i < n; i++) {
            long double square = 0.0L;
            for (size_t axis = 0; axis < 3; axis++) {
                long double x = (long double)s->x[((t + lag) * n + i) * 3 + axis] -
                                s->x[(t * n + i) * 3 + axis];
                d.second[(e * n + i) * 3 + axis] += x * x;
                square += x * x;
            }
            d.fourth[s->kind[i]] += square * square;
        }
    }
    return d;
}

static void
direct_free(direct *d)
{
    free(d->second);
    free(d->fourth);
    free(d->origins);
}

static long double
direct_atom(const direct *d, const synthetic *s, size_t i)
{
    long double sum = 0.0L;
    for (size_t e = 0; e < d->n_epochs; e++)
        for (size_t axis = 0; axis < 3; axis++)
            sum += d->second[(e * s->n_atoms + i) * 3 + axis];
    return sum;
}

static long double
direct_axis(const direct *d, const synthetic *s, size_t e, size_t species, size_t axis)
{
    long double sum = 0.0L;
    for (size_t i = 0; i < s->n_atoms; i++)
        if (s->kind[i] == species)
            sum += d->second[(e * s->n_atoms + i) * 3 + axis];
    return sum;
}

static void
compare_lag(const iw_moments_result *result, const synthetic *s, size_t n, double rtol)
{
    direct d = direct_sums(s, result->frames, result->lag[n]);
    size_t lags = result->n_lags, species = s->n_species;
    double origins = 0.0;
    assert_int_equal(result->n_epochs, d.n_epochs);
    for (size_t e = 0; e < d.n_epochs; e++) {
        origins += d.origins[e];
        assert_true(result->epoch_origins[e * lags + n] == d.origins[e]);
        for (size_t k = 0; k < species; k++)
            for (size_t axis = 0; axis < 3; axis++)
                assert_close(result->epoch_sum_A2[((e * species + k) * 3 + axis) * lags + n],
                             (double)direct_axis(&d, s, e, k, axis), rtol, 1e-26);
    }
    assert_true(result->origins[n] == origins);
    for (size_t k = 0; k < species; k++) {
        assert_close(result->sum_A4[k * lags + n], (double)d.fourth[k], rtol, 1e-26);
        for (size_t axis = 0; axis < 3; axis++) {
            long double sum = 0.0L;
            for (size_t e = 0; e < d.n_epochs; e++)
                sum += direct_axis(&d, s, e, k, axis);
            assert_close(result->sum_A2[(k * 3 + axis) * lags + n], (double)sum, rtol, 1e-26);
        }
    }
    for (size_t i = 0; i < s->n_atoms; i++)
        assert_close(result->atom_sum_A2[i * lags + n], (double)direct_atom(&d, s, i), rtol, 1e-26);
    direct_free(&d);
}

static void
compare(const iw_moments *moments, const synthetic *s, size_t frames)
{
    iw_error err = {0};
    iw_moments_result result = {0};
    assert_ok(iw_moments_query(moments, &result, &err), err);
    assert_int_equal(result.frames, frames);
    assert_int_equal(result.n_atoms, s->n_atoms);
    assert_int_equal(result.n_species, s->n_species);
    size_t lag = 1, n = 0, length = epoch_length(frames);
    for (; lag <= synthetic_longest(s, frames) / 2; lag = next_lag(lag), n++) {
        assert_true(n < result.n_lags);
        assert_int_equal(result.lag[n], lag);
        assert_int_equal(result.stride[n], stride_of(lag));
        assert_int_equal(lag % stride_of(lag), 0);
        compare_lag(&result, s, n, 1e-13);
    }
    assert_int_equal(result.n_lags, n);
    assert_int_equal(result.epoch_frames, length);
    assert_int_equal(result.last_frames, (frames - 1) % length + 1);
    assert_true(result.n_epochs <= IW_MOMENTS_EPOCHS);
    size_t segment = 0, start = 0;
    for (size_t t = 1; t <= frames; t++) {
        if (t < frames && s->segment[t] == s->segment[t - 1])
            continue;
        assert_true(segment < result.n_segments);
        assert_int_equal(result.segment_frames[segment++], t - start);
        start = t;
    }
    assert_int_equal(result.n_segments, segment);
    iw_moments_result_fini(&result);
}

static void
lags_are_dense_to_8_then_four_to_the_octave(void **state)
{
    (void)state;
    static const size_t lags[] = {1,  2,  3,  4,  5,  6,  7,  8,  10, 12, 14,
                                  16, 20, 24, 28, 32, 40, 48, 56, 64, 80};
    static const size_t strides[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 8, 8};
    synthetic s = synthetic_new(160, 1, 1, 1);
    iw_moments *moments = new_moments(&s);
    for (size_t t = 0; t < s.frames; t++)
        push_frame(moments, &s, t);
    iw_error err = {0};
    iw_moments_result result = {0};
    assert_ok(iw_moments_query(moments, &result, &err), err);
    assert_int_equal(result.n_lags, sizeof lags / sizeof *lags);
    assert_memory_equal(result.lag, lags, sizeof lags);
    assert_memory_equal(result.stride, strides, sizeof strides);
    iw_moments_result_fini(&result);
    iw_moments_destroy(&moments);
    synthetic_free(&s);
}

static void
moments_equal_brute_force_at_every_instant(void **state)
{
    (void)state;
    static const size_t atoms[] = {1, 8, 13};
    for (size_t a = 0; a < 3; a++) {
        synthetic s = synthetic_new(280, atoms[a], atoms[a] < 4 ? 1 : 4, 5 + a);
        iw_moments *moments = new_moments(&s);
        for (size_t t = 0; t < s.frames; t++) {
            push_frame(moments, &s, t);
            if (t < 70 || t % 17 == 0 || (t >= 250 && t < 260))
                compare(moments, &s, t + 1);
        }
        iw_moments_destroy(&moments);
        synthetic_free(&s);
    }
}

static void
moments_of_pairs_never_cross_a_break(void **state)
{
    (void)state;
    static const size_t cuts[][4] = {{1, 2, 3, 600},
                                     {50, 51, 100, 200},
                                     {16, 32, 48, 64},
                                     {400, 410, 450, 451},
                                     {16, 145, 290, 599}};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        synthetic s = synthetic_new(600, 5, 3, 77 + i);
        for (size_t t = 0; t < s.frames; t++)
            for (size_t c = 0; c < 4; c++)
                s.segment[t] += t >= cuts[i][c];
        iw_moments *moments = new_moments(&s);
        for (size_t t = 0; t < s.frames; t++) {
            push_frame(moments, &s, t);
            if (t % 83 == 0 || t + 1 == s.frames)
                compare(moments, &s, t + 1);
        }
        iw_moments_destroy(&moments);
        synthetic_free(&s);
    }
}

/* A break before the first frame, and two in a row, are one break or none. */
static void
empty_segments_do_not_count(void **state)
{
    (void)state;
    synthetic s = synthetic_new(40, 2, 2, 9);
    for (size_t t = 15; t < s.frames; t++)
        s.segment[t] = 1;
    iw_moments *moments = new_moments(&s);
    iw_error err = {0};
    assert_ok(iw_moments_break(moments, &err), err);
    for (size_t t = 0; t < s.frames; t++) {
        if (t == 15)
            assert_ok(iw_moments_break(moments, &err), err);
        push_frame(moments, &s, t);
    }
    assert_int_equal(iw_moments_frames(moments), 40);
    compare(moments, &s, s.frames);
    assert_ok(iw_moments_break(moments, &err), err);
    compare(moments, &s, s.frames);
    iw_moments_destroy(&moments);
    synthetic_free(&s);
}

/* 64 epochs of 4 and the frame that makes them 32 of 8, and so on. */
static void
merging_epochs_changes_no_total(void **state)
{
    (void)state;
    synthetic s = synthetic_new(2100, 3, 2, 31);
    iw_moments *moments = new_moments(&s);
    iw_error err = {0};
    iw_moments_result before = {0}, after = {0};
    size_t merges = 0;
    for (size_t t = 0; t < s.frames; t++) {
        bool merges_now = t == 256 || t == 512 || t == 1024 || t == 2048;
        if (merges_now) {
            compare(moments, &s, t);
            assert_ok(iw_moments_query(moments, &before, &err), err);
            assert_int_equal(before.n_epochs, 64);
            assert_int_equal(before.last_frames, before.epoch_frames);
        }
        push_frame(moments, &s, t);
        if (!merges_now)
            continue;
        merges++;
        compare(moments, &s, t + 1);
        assert_ok(iw_moments_query(moments, &after, &err), err);
        assert_int_equal(after.n_epochs, 33);
        assert_int_equal(after.last_frames, 1);
        assert_int_equal(after.epoch_frames, 2 * before.epoch_frames);
        size_t lags = before.n_lags, blocks = before.n_species * 3;
        assert_int_equal(after.n_lags, lags);
        for (size_t e = 0; e < 32; e++)
            for (size_t c = 0; c < blocks * lags; c++) {
                const double *pair = before.epoch_sum_A2 + 2 * e * blocks * lags + c;
                assert_close(after.epoch_sum_A2[e * blocks * lags + c],
                             pair[0] + pair[blocks * lags], 1e-15, 0.0);
            }
    }
    assert_int_equal(merges, 4);
    iw_moments_result_fini(&before);
    iw_moments_result_fini(&after);
    iw_moments_destroy(&moments);
    synthetic_free(&s);
}

/* Atoms 1e4 A from where they began, which still move by 0.02 A a frame: what is summed are
 * differences of positions, so that nothing but the rounding of the positions is lost; 40,000
 * frames of it. */
static void
sums_stay_accurate_far_from_the_origin_and_over_a_long_run(void **state)
{
    (void)state;
    synthetic s = synthetic_new(40000, 2, 1, 3);
    uint64_t noise = 8;
    for (size_t t = 0; t < s.frames; t++)
        for (size_t c = 0; c < 6; c++)
            s.x[6 * t + c] = 0.25 * (double)t + 0.02 * iw_test_normal(&noise);
    iw_moments *moments = new_moments(&s);
    for (size_t t = 0; t < s.frames; t++)
        push_frame(moments, &s, t);
    iw_error err = {0};
    iw_moments_result result = {0};
    assert_ok(iw_moments_query(moments, &result, &err), err);
    static const size_t places[] = {0, 7, 11, 20, 40};
    for (size_t k = 0; k < sizeof places / sizeof *places; k++)
        compare_lag(&result, &s, places[k], 2e-15);
    compare_lag(&result, &s, result.n_lags - 1, 2e-15);
    iw_moments_result_fini(&result);
    iw_moments_destroy(&moments);
    synthetic_free(&s);
}

/* A hundred million frames would be needed to see plain sums fail by chance; steps that round the
 * same way every time show it at once: 0.1^2 added 200,000 times. */
static void
a_systematic_rounding_does_not_add_up(void **state)
{
    (void)state;
    enum { FRAMES = 200001 };
    unsigned short kind = 0;
    iw_error err = {0};
    iw_moments_options options = {1, 1, &kind};
    iw_moments *moments = iw_moments_new(&options, &err);
    assert_non_null(moments);
    for (size_t t = 0; t < FRAMES; t++) {
        double pos_A[3] = {t % 2 ? 0.1 : 0.0, 0.0, 0.0};
        assert_ok(iw_moments_push(moments, pos_A, &err), err);
    }
    double plain = 0.0, square = 0.1 * 0.1;
    for (size_t t = 1; t < FRAMES; t++)
        plain += square;
    double expected = (double)((long double)(FRAMES - 1) * square);
    assert_true(fabs(plain / expected - 1.0) > 1e-13);
    iw_moments_result result = {0};
    assert_ok(iw_moments_query(moments, &result, &err), err);
    assert_close(result.sum_A2[0], expected, 2e-16, 0.0);
    assert_close(result.atom_sum_A2[0], expected, 64.0 * 0x1p-53, 0.0);
    assert_close(result.sum_A4[0], expected * square, 4e-16, 0.0);
    iw_moments_result_fini(&result);
    iw_moments_destroy(&moments);
}

static void
assert_same(const iw_moments_result *a, const iw_moments_result *b)
{
    size_t lags = a->n_lags, species = a->n_species;
    assert_int_equal(a->frames, b->frames);
    assert_int_equal(a->n_lags, b->n_lags);
    assert_int_equal(a->n_epochs, b->n_epochs);
    assert_int_equal(a->n_segments, b->n_segments);
    size_t bytes =
        (lags * (1 + 4 * species + a->n_atoms + a->n_epochs * (1 + 3 * species))) * sizeof(double) +
        (a->n_segments + 2 * lags) * sizeof(size_t);
    assert_memory_equal(a->memory, b->memory, bytes);
}

static void
results_do_not_depend_on_earlier_queries(void **state)
{
    (void)state;
    synthetic s = synthetic_new(900, 7, 3, 21);
    for (size_t t = 0; t < s.frames; t++)
        s.segment[t] = t >= 450;
    iw_moments *asked = new_moments(&s), *silent = new_moments(&s);
    iw_error err = {0};
    iw_moments_result a = {0}, b = {0};
    for (size_t t = 0; t < s.frames; t++) {
        push_frame(asked, &s, t);
        push_frame(silent, &s, t);
        if (t % 7 < 3)
            assert_ok(iw_moments_query(asked, &a, &err), err);
    }
    assert_ok(iw_moments_query(asked, &a, &err), err);
    assert_ok(iw_moments_query(silent, &b, &err), err);
    assert_same(&a, &b);
    iw_moments_result_fini(&a);
    iw_moments_result_fini(&b);
    iw_moments_destroy(&asked);
    iw_moments_destroy(&silent);
    synthetic_free(&s);
}

/* A permutation of the atoms is a permutation of the answer. */
static void
atoms_keep_their_order(void **state)
{
    (void)state;
    static const unsigned short kind[4] = {2, 0, 2, 1};
    iw_error err = {0};
    iw_moments_options options = {4, 3, kind};
    iw_moments *moments = iw_moments_new(&options, &err);
    assert_non_null(moments);
    for (size_t t = 0; t < 40; t++) {
        double pos_A[12] = {0.0};
        for (size_t i = 0; i < 4; i++)
            pos_A[3 * i + i % 3] = (double)t * (double)(i + 1);
        assert_ok(iw_moments_push(moments, pos_A, &err), err);
    }
    iw_moments_result result = {0};
    assert_ok(iw_moments_query(moments, &result, &err), err);
    for (size_t n = 0; n < result.n_lags; n++)
        for (size_t i = 0; i < 4; i++) {
            double d = (double)(result.lag[n] * (i + 1));
            assert_true(result.atom_sum_A2[i * result.n_lags + n] == result.origins[n] * d * d);
        }
    /* species 2: atom 0 along x, atom 2 along z */
    assert_true(result.sum_A2[(2 * 3 + 0) * result.n_lags] == 39.0);
    assert_true(result.sum_A2[(2 * 3 + 1) * result.n_lags] == 0.0);
    assert_true(result.sum_A2[(2 * 3 + 2) * result.n_lags] == 39.0 * 9.0);
    assert_true(result.sum_A4[2 * result.n_lags] == 39.0 * (1.0 + 81.0));
    iw_moments_result_fini(&result);
    iw_moments_destroy(&moments);
}

static void
a_run_of_no_or_one_frame_has_no_lags(void **state)
{
    (void)state;
    synthetic s = synthetic_new(1, 2, 1, 3);
    iw_moments *moments = new_moments(&s);
    iw_error err = {0};
    iw_moments_result result = {0};
    assert_ok(iw_moments_query(moments, &result, &err), err);
    assert_int_equal(result.frames, 0);
    assert_int_equal(result.n_lags, 0);
    assert_int_equal(result.n_epochs, 0);
    assert_int_equal(result.n_segments, 0);
    push_frame(moments, &s, 0);
    assert_ok(iw_moments_query(moments, &result, &err), err);
    assert_int_equal(result.n_lags, 0);
    assert_int_equal(result.n_epochs, 1);
    assert_int_equal(result.last_frames, 1);
    assert_int_equal(result.segment_frames[0], 1);
    iw_moments_result_fini(&result);
    iw_moments_destroy(&moments);
    iw_moments_destroy(&moments);
    synthetic_free(&s);
}

/* 300 atoms: 0.4 MB at a thousand frames, 1.5 MB at a hundred times as many. */
static void
memory_grows_with_the_logarithm_of_the_run(void **state)
{
    (void)state;
    enum { ATOMS = 300 };
    static double pos_A[ATOMS * 3];
    static unsigned short kind[ATOMS];
    iw_error err = {0};
    iw_moments_options options = {ATOMS, 1, kind};
    iw_moments *moments = iw_moments_new(&options, &err);
    assert_non_null(moments);
    size_t held[17] = {0};
    for (size_t t = 0, octave = 0; t < 100000; t++) {
        assert_ok(iw_moments_push(moments, pos_A, &err), err);
        if (t + 1 == (size_t)1 << octave)
            held[octave++] = iw_moments_memory(moments);
    }
    assert_in_range(held[16], 1, 4U << 20);
    for (size_t octave = 6; octave < 16; octave++)
        assert_in_range(held[octave + 1] - held[octave], 1, ATOMS * 700);
    iw_moments_destroy(&moments);
}

static void
moments_refuse_what_cannot_be(void **state)
{
    (void)state;
    static const unsigned short kind[] = {0, 3};
    const iw_moments_options wrong[] = {
        {0, 1, kind}, {SIZE_MAX / 8, 1, kind}, {2, 3, kind}, {2, 0, kind}, {2, 70000, kind}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        iw_error err = {0};
        assert_null(iw_moments_new(&wrong[i], &err));
        assert_int_equal(err.code, IW_INVALID);
        assert_true(err.text[0] != '\0');
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lags_are_dense_to_8_then_four_to_the_octave),
        cmocka_unit_test(moments_equal_brute_force_at_every_instant),
        cmocka_unit_test(moments_of_pairs_never_cross_a_break),
        cmocka_unit_test(empty_segments_do_not_count),
        cmocka_unit_test(merging_epochs_changes_no_total),
        cmocka_unit_test(sums_stay_accurate_far_from_the_origin_and_over_a_long_run),
        cmocka_unit_test(a_systematic_rounding_does_not_add_up),
        cmocka_unit_test(results_do_not_depend_on_earlier_queries),
        cmocka_unit_test(atoms_keep_their_order),
        cmocka_unit_test(a_run_of_no_or_one_frame_has_no_lags),
        cmocka_unit_test(memory_grows_with_the_logarithm_of_the_run),
        cmocka_unit_test(moments_refuse_what_cannot_be),
    };
    return cmocka_run_group_tests_name("moments", tests, NULL, NULL);
}
