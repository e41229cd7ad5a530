/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proves docs/physics.md, "Health": the slope of the energy and its error. */
#include "estimate/trend.h"
#include "iw_test.h"

static void
a_straight_line_gives_its_slope_at_every_length(void **state)
{
    (void)state;
    iw_trend trend = {0};
    for (size_t i = 0; i < 100000; i++) {
        double t = 0.01 * (double)i;
        iw_trend_push(&trend, t, -4711.0 + 0.25 * t);
        if (i % 977 != 0 && i != 11 && i != 10)
            continue;
        iw_trend_line line;
        iw_trend_fit(&trend, 0.5 * t, &line);
        if (line.blocks < IW_TREND_LEAST) {
            assert_true(isnan(line.slope) && isnan(line.standard_error));
            continue;
        }
        assert_close(line.slope, 0.25, 1e-6, 0);
        assert_close(line.standard_error, 0.0, 0, 1e-7);
        assert_true(line.span <= 0.5 * t + 1e-9 && line.span > 0.3 * t);
    }
    iw_trend_line whole;
    iw_trend_fit(&trend, 0.0, &whole);
    assert_true(whole.blocks >= IW_TREND_BLOCKS / 2 && whole.blocks < IW_TREND_BLOCKS);
}

/* The least squares through block means, done again from the samples. */
static void
blocks_are_means_and_the_slope_is_that_of_least_squares(void **state)
{
    (void)state;
    enum { N = 2000 };
    double y[N], t[N];
    uint64_t seed = 3;
    iw_trend trend = {0};
    for (size_t i = 0; i < N; i++) {
        t[i] = (double)i;
        y[i] = 5.0 + 0.01 * t[i] + iw_test_normal(&seed);
        iw_trend_push(&trend, t[i], y[i]);
    }
    size_t size = 1;
    while (N / size >= IW_TREND_BLOCKS)
        size *= 2;
    size_t n = N / size;
    double st = 0, sy = 0, tt = 0, ty = 0;
    for (size_t b = 0; b < n; b++) {
        double bt = 0, by = 0;
        for (size_t i = b * size; i < (b + 1) * size; i++) {
            bt += t[i] / (double)size;
            by += y[i] / (double)size;
        }
        st += bt;
        sy += by;
        tt += bt * bt;
        ty += bt * by;
    }
    double slope = ((double)n * ty - st * sy) / ((double)n * tt - st * st);
    iw_trend_line line;
    iw_trend_fit(&trend, 0.0, &line);
    assert_int_equal(line.blocks, n);
    assert_close(line.slope, slope, 1e-9, 0);
}

/* The stated error beside the spread of the slope over many series. */
static void
the_error_is_the_spread_of_the_slope(void **state)
{
    (void)state;
    static const double memory[] = {0.0, 0.5, 0.9}; /* of one sample for the one before */
    for (size_t c = 0; c < 3; c++) {
        enum { SERIES = 600, N = 1500 };
        uint64_t seed = 7 + c;
        double square = 0.0, error = 0.0;
        for (size_t s = 0; s < SERIES; s++) {
            iw_trend trend = {0};
            double y = iw_test_normal(&seed) / sqrt(1.0 - memory[c] * memory[c]);
            for (size_t i = 0; i < N; i++) {
                y = memory[c] * y + iw_test_normal(&seed);
                iw_trend_push(&trend, (double)i, y);
            }
            iw_trend_line line;
            iw_trend_fit(&trend, 0.0, &line);
            square += line.slope * line.slope / SERIES;
            error += line.standard_error * line.standard_error / SERIES;
        }
        double ratio = sqrt(error / square);
        if (!(ratio > 0.9 && ratio < 1.4))
            fail_msg("memory %.1f: stated error %.3g of the spread", memory[c], ratio);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_straight_line_gives_its_slope_at_every_length),
        cmocka_unit_test(blocks_are_means_and_the_slope_is_that_of_least_squares),
        cmocka_unit_test(the_error_is_the_spread_of_the_slope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
