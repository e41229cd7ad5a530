/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proves docs/physics.md, "Error of D": the covariance of overlapping squared displacements. */
#include "estimate/walk.h"
#include "iw_test.h"

enum { MAX = 256 };

static size_t
overlap(size_t j, size_t m, size_t k, size_t n)
{
    size_t low = j > k ? j : k, high = j + m < k + n ? j + m : k + n;
    return high > low ? high - low : 0;
}

/* The sums of walk.h straight from their definition, one segment of `length` frames. */
static iw_walk_sums
brute(size_t length, iw_walk_lag m, iw_walk_lag n)
{
    iw_walk_sums sums = {0};
    for (size_t j = 0; j + m.frames < length; j += m.stride)
        for (size_t k = 0; k + n.frames < length; k += n.stride) {
            double shared = (double)overlap(j, m.frames, k, n.frames);
            double ends = (j == k) + (j + m.frames == k + n.frames) - (j + m.frames == k) -
                          (j == k + n.frames);
            sums.step += shared * shared;
            sums.cross += shared * ends;
            sums.noise += ends * ends;
            sums.jump += shared;
        }
    return sums;
}

/* Every pair of lags whose strides double at `fine`, 2 fine, 4 fine, ... frames; 0: all are 1. */
static void
compare(const size_t *lengths, size_t n_segments, size_t top, size_t fine)
{
    iw_walk_segments segments;
    iw_walk_segments_init(&segments, lengths, n_segments);
    iw_walk_lag lag[MAX];
    size_t n_lags = 0;
    for (size_t n = 1; n <= top; n++) {
        size_t stride = 1;
        while (fine > 0 && stride * fine <= n)
            stride *= 2;
        if (n % stride == 0)
            lag[n_lags++] = (iw_walk_lag){.frames = n, .stride = stride};
    }
    for (size_t i = 0; i < n_lags; i++)
        for (size_t j = 0; j < n_lags; j++) {
            iw_walk_sums want = {0}, have = iw_walk_sum(&segments, lag[i], lag[j]);
            double pairs = 1, origins[2] = {0, 0};
            for (size_t s = 0; s < n_segments; s++) {
                iw_walk_sums one = brute(lengths[s], lag[i], lag[j]);
                want.step += one.step;
                want.cross += one.cross;
                want.noise += one.noise;
                want.jump += one.jump;
                for (size_t k = 0; k + lag[i].frames < lengths[s]; k += lag[i].stride)
                    origins[0]++;
                for (size_t k = 0; k + lag[j].frames < lengths[s]; k += lag[j].stride)
                    origins[1]++;
            }
            pairs = origins[0] * origins[1];
            assert_close(iw_walk_origins(&segments, lag[i]), origins[0], 0, 0);
            assert_close(have.step, want.step / pairs, 1e-12, 0);
            assert_close(have.cross, want.cross / pairs, 1e-12, 0);
            assert_close(have.noise, want.noise / pairs, 1e-12, 0);
            assert_close(have.jump, want.jump / pairs, 1e-12, 0);
            assert_close(have.stride, (double)lag[i < j ? i : j].stride, 0, 0);
        }
}

static void
sums_equal_brute_force_at_every_pair_of_lags(void **state)
{
    (void)state;
    const size_t lengths[] = {4, 5, 20, 41, 64};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        compare(&lengths[i], 1, lengths[i] / 2, 0);
        compare(&lengths[i], 1, lengths[i] - 1, 0); /* and beyond half the length */
    }
}

static void
sums_equal_brute_force_where_origins_are_thinned(void **state)
{
    (void)state;
    const size_t lengths[] = {20, 41, 64, 97, 200};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        compare(&lengths[i], 1, lengths[i] / 2, 16);
        compare(&lengths[i], 1, lengths[i] - 1, 8);
        compare(&lengths[i], 1, lengths[i] - 1, 4);
    }
}

static void
segments_of_any_length_add_up(void **state)
{
    (void)state;
    const size_t lengths[] = {30, 7, 30, 61, 1, 18, 30, 7, 62};
    compare(lengths, 3, 15, 0);
    compare(lengths, sizeof lengths / sizeof *lengths, 30, 8);
}

/* 30 lengths are joined to 12; what they give together stays near the truth. */
static void
many_lengths_are_joined(void **state)
{
    (void)state;
    size_t lengths[30];
    iw_walk_segments segments;
    double frames = 0, want = 0, origins[2] = {0, 0};
    iw_walk_lag m = {6, 1}, n = {20, 2};
    for (size_t s = 0; s < 30; s++) {
        lengths[s] = 25 + 37 * s % 30 * 5;
        want += brute(lengths[s], m, n).step;
        origins[0] += (double)(lengths[s] - 6);
        size_t thinned = (lengths[s] - 21) / 2 + 1;
        origins[1] += (double)thinned;
    }
    iw_walk_segments_init(&segments, lengths, 30);
    assert_int_equal(segments.n, IW_WALK_LENGTHS);
    double count = 0;
    for (size_t s = 0; s < segments.n; s++) {
        count += segments.count[s];
        frames += segments.count[s] * segments.frames[s];
    }
    assert_close(count, 30, 0, 0);
    assert_close(frames, 30 * (25 + 14.5 * 5), 0.01, 0);
    assert_close(iw_walk_sum(&segments, m, n).step, want / (origins[0] * origins[1]), 0.02, 0);
}

/* Joined to many others it would have no room for lags of half its length. */
static void
the_longest_length_is_never_joined(void **state)
{
    (void)state;
    size_t lengths[40], n = 0, longest = 372008;
    iw_walk_segments segments;
    for (size_t length = 1; length < longest / 2; length *= 3)
        lengths[n++] = length;
    for (size_t more = 0; more < 20; more++)
        lengths[n++] = lengths[11];
    lengths[n++] = longest; /* closer to the one before than any other */
    lengths[n++] = 4;
    iw_walk_segments_init(&segments, lengths, n);
    assert_int_equal(segments.n, IW_WALK_LENGTHS);
    assert_close(segments.frames[segments.n - 1], (double)longest, 0, 0);
    iw_walk_lag half = {longest / 2, 1};
    size_t origins = longest - half.frames;
    assert_close(iw_walk_origins(&segments, half), (double)origins, 0, 0);
}

/* 3-D walks with noise, drawn many times: the spread of their MSD is the model's. */
static void
covariance_equals_the_spread_of_drawn_walks(void **state)
{
    (void)state;
    enum { T = 24, TOP = 12, RUNS = 20000 };
    const size_t length = T;
    double sum[TOP + 1] = {0}, product[TOP + 1][TOP + 1] = {{0}};
    iw_walk_segments segments;
    iw_walk_segments_init(&segments, &length, 1);
    iw_walk walk = {
        .q_A2 = 0.9, .c_A2 = 0.6, .axes = 3, .cross_frames = 1, .noise_frames = 1, .atoms = 1};
    uint64_t seed = 20;
    for (int run = 0; run < RUNS; run++) {
        double msd[TOP + 1] = {0};
        for (int axis = 0; axis < 3; axis++) {
            double x[T], at = 0;
            for (size_t t = 0; t < T; t++) {
                at += sqrt(walk.q_A2 / 3) * iw_test_normal(&seed);
                x[t] = at + sqrt(walk.c_A2 / 6) * iw_test_normal(&seed);
            }
            for (size_t n = 1; n <= TOP; n++)
                for (size_t t = 0; t + n < T; t++)
                    msd[n] += (x[t + n] - x[t]) * (x[t + n] - x[t]) / (double)(T - n);
        }
        for (size_t m = 1; m <= TOP; m++) {
            sum[m] += msd[m] / RUNS;
            for (size_t n = 1; n <= TOP; n++)
                product[m][n] += msd[m] * msd[n] / RUNS;
        }
    }
    for (size_t m = 1; m <= TOP; m++) {
        assert_close(sum[m], walk.c_A2 + walk.q_A2 * (double)m, 0.02, 0);
        for (size_t n = 1; n <= TOP; n++) {
            iw_walk_sums sums = iw_walk_sum(&segments, (iw_walk_lag){m, 1}, (iw_walk_lag){n, 1});
            assert_close(product[m][n] - sum[m] * sum[n], iw_walk_covariance(&walk, &sums), 0.06,
                         0);
        }
    }
}

/* Jumps of one length at random times along random axes: their number fluctuates. */
static void
covariance_holds_for_rare_jumps(void **state)
{
    (void)state;
    enum { T = 40, TOP = 8, RUNS = 40000 };
    const size_t length = T;
    double sum[TOP + 1] = {0}, square[TOP + 1] = {0};
    iw_walk_segments segments;
    iw_walk_segments_init(&segments, &length, 1);
    double jump = 3, rate = 0.02;
    iw_walk walk = {.q_A2 = rate * jump * jump,
                    .jump_A2 = jump * jump,
                    .axes = 3,
                    .cross_frames = 1,
                    .noise_frames = 1,
                    .atoms = 1};
    uint64_t seed = 21;
    for (int run = 0; run < RUNS; run++) {
        double x[T][3] = {{0}};
        for (size_t t = 1; t < T; t++) {
            memcpy(x[t], x[t - 1], sizeof x[t]);
            if (iw_test_uniform(&seed) < rate)
                x[t][(size_t)(3 * iw_test_uniform(&seed))] +=
                    iw_test_uniform(&seed) < 0.5 ? jump : -jump;
        }
        for (size_t n = 1; n <= TOP; n++) {
            double msd = 0;
            for (size_t t = 0; t + n < T; t++)
                for (size_t a = 0; a < 3; a++)
                    msd += (x[t + n][a] - x[t][a]) * (x[t + n][a] - x[t][a]) / (double)(T - n);
            sum[n] += msd / RUNS;
            square[n] += msd * msd / RUNS;
        }
    }
    for (size_t n = 1; n <= TOP; n++) {
        iw_walk_sums sums = iw_walk_sum(&segments, (iw_walk_lag){n, 1}, (iw_walk_lag){n, 1});
        /* at most one jump a frame is a little less than a Poisson process: rate^2 terms */
        assert_close(square[n] - sum[n] * sum[n], iw_walk_covariance(&walk, &sums), 0.06, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_equal_brute_force_at_every_pair_of_lags),
        cmocka_unit_test(sums_equal_brute_force_where_origins_are_thinned),
        cmocka_unit_test(segments_of_any_length_add_up),
        cmocka_unit_test(many_lengths_are_joined),
        cmocka_unit_test(the_longest_length_is_never_joined),
        cmocka_unit_test(covariance_equals_the_spread_of_drawn_walks),
        cmocka_unit_test(covariance_holds_for_rare_jumps),
    };
    return cmocka_run_group_tests_name("walk", tests, NULL, NULL);
}
