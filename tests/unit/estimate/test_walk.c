/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proves docs/physics.md, "Error of D": the covariance of overlapping squared displacements. */
#include "estimate/walk.h"
#include "iw_test.h"

enum { MAX = 64 };

static size_t
overlap(size_t j, size_t m, size_t k, size_t n)
{
    size_t low = j > k ? j : k, high = j + m < k + n ? j + m : k + n;
    return high > low ? high - low : 0;
}

/* The sums of walk.h straight from their definition, one segment of `length` frames. */
static iw_walk_sums
brute(size_t length, size_t m, size_t n)
{
    iw_walk_sums sums = {0};
    for (size_t j = 0; j + m < length; j++)
        for (size_t k = 0; k + n < length; k++) {
            double shared = (double)overlap(j, m, k, n);
            double ends = (j == k) + (j + m == k + n) - (j + m == k) - (j == k + n);
            sums.step += shared * shared;
            sums.cross += shared * ends;
            sums.noise += ends * ends;
            sums.jump += shared;
        }
    return sums;
}

static iw_msd_curve
curve_of(const size_t *lengths, size_t n_segments, double *origins, size_t n_lags)
{
    for (size_t n = 0; n < n_lags; n++) {
        origins[n] = 0;
        for (size_t s = 0; s < n_segments; s++)
            origins[n] += lengths[s] > n ? (double)(lengths[s] - n) : 0;
    }
    return (iw_msd_curve){.n_lags = n_lags, .dt_fs = 1, .origins = origins, .atoms = 1};
}

static void
compare(const size_t *lengths, size_t n_segments, size_t top)
{
    double origins[MAX];
    iw_msd_curve curve = curve_of(lengths, n_segments, origins, top + 1);
    for (size_t m = 1; m <= top; m++)
        for (size_t n = 1; n <= top; n++) {
            iw_walk_sums want = {0}, have = iw_walk_sum(&curve, m, n);
            for (size_t s = 0; s < n_segments; s++) {
                iw_walk_sums one = brute(lengths[s], m, n);
                want.step += one.step;
                want.cross += one.cross;
                want.noise += one.noise;
                want.jump += one.jump;
            }
            double pairs = origins[m] * origins[n];
            assert_close(have.step, want.step / pairs, 1e-12, 0);
            assert_close(have.cross, want.cross / pairs, 1e-12, 0);
            assert_close(have.noise, want.noise / pairs, 1e-12, 0);
            assert_close(have.jump, want.jump / pairs, 1e-12, 0);
        }
}

static void
sums_equal_brute_force_at_every_pair_of_lags(void **state)
{
    (void)state;
    const size_t lengths[] = {4, 5, 20, 41};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        compare(&lengths[i], 1, lengths[i] / 2);
        compare(&lengths[i], 1, lengths[i] - 2); /* and beyond half the length */
    }
}

static void
equal_segments_add_up(void **state)
{
    (void)state;
    const size_t lengths[] = {30, 30, 30};
    compare(lengths, 3, 15);
}

/* 3-D walks with noise, drawn many times: the spread of their MSD is the model's. */
static void
covariance_equals_the_spread_of_drawn_walks(void **state)
{
    (void)state;
    enum { T = 24, TOP = 12, RUNS = 20000 };
    const size_t length = T;
    double origins[MAX], sum[TOP + 1] = {0}, product[TOP + 1][TOP + 1] = {{0}};
    iw_msd_curve curve = curve_of(&length, 1, origins, TOP + 1);
    iw_walk walk = {.q_A2 = 0.9, .c_A2 = 0.6, .cross_frames = 1, .noise_frames = 1, .atoms = 1};
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
                    msd[n] += (x[t + n] - x[t]) * (x[t + n] - x[t]) / origins[n];
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
            iw_walk_sums sums = iw_walk_sum(&curve, m, n);
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
    double origins[MAX], sum[TOP + 1] = {0}, square[TOP + 1] = {0};
    iw_msd_curve curve = curve_of(&length, 1, origins, TOP + 1);
    double jump = 3, rate = 0.02;
    iw_walk walk = {.q_A2 = rate * jump * jump,
                    .jump_A2 = jump * jump,
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
                    msd += (x[t + n][a] - x[t][a]) * (x[t + n][a] - x[t][a]) / origins[n];
            sum[n] += msd / RUNS;
            square[n] += msd * msd / RUNS;
        }
    }
    for (size_t n = 1; n <= TOP; n++) {
        iw_walk_sums sums = iw_walk_sum(&curve, n, n);
        /* at most one jump a frame is a little less than a Poisson process: rate^2 terms */
        assert_close(square[n] - sum[n] * sum[n], iw_walk_covariance(&walk, &sums), 0.06, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_equal_brute_force_at_every_pair_of_lags),
        cmocka_unit_test(equal_segments_add_up),
        cmocka_unit_test(covariance_equals_the_spread_of_drawn_walks),
        cmocka_unit_test(covariance_holds_for_rare_jumps),
    };
    return cmocka_run_group_tests_name("walk", tests, NULL, NULL);
}
