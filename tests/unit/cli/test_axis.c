/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Axes of the terminal view: places by their formulas, ticks by counting all round numbers. */
#include "cli/axis.h"

#include "iw_test.h"

static iw_axis
axis_over(double low, double high, bool log)
{
    iw_axis axis;
    iw_axis_init(&axis, log);
    iw_axis_take(&axis, low);
    iw_axis_take(&axis, high);
    iw_axis_close(&axis);
    return axis;
}

static void
places_are_linear_or_logarithmic(void **state)
{
    (void)state;
    iw_axis linear = axis_over(10, 20, false), log = axis_over(0.01, 100, true);
    assert_close(iw_axis_at(&linear, 10), 0.0, 0, 1e-12);
    assert_close(iw_axis_at(&linear, 12.5), 0.25, 0, 1e-12);
    assert_close(iw_axis_at(&linear, 25), 1.5, 0, 1e-12);
    assert_close(iw_axis_at(&log, 0.01), 0.0, 0, 1e-12);
    assert_close(iw_axis_at(&log, 1.0), 0.5, 0, 1e-12);
    assert_close(iw_axis_at(&log, 10.0), 0.75, 0, 1e-12);
    assert_true(isnan(iw_axis_at(&log, 0.0)));
    assert_true(isnan(iw_axis_at(&log, -1.0)));
    assert_true(isnan(iw_axis_at(&linear, NAN)));
}

static void
what_cannot_be_drawn_makes_no_range(void **state)
{
    (void)state;
    iw_axis axis;
    iw_axis_init(&axis, true);
    static const double values[] = {NAN, INFINITY, -1.0, 0.0, 3.0, 7.0};
    for (size_t k = 0; k < 6; k++)
        iw_axis_take(&axis, values[k]);
    assert_close(axis.low, 3.0, 0, 0);
    assert_close(axis.high, 7.0, 0, 0);
}

static void
a_point_and_nothing_become_ranges(void **state)
{
    (void)state;
    static const double points[] = {0.0, 5.0, -3.0, 1e-30, 1e30};
    for (size_t k = 0; k < 5; k++) {
        iw_axis axis = axis_over(points[k], points[k], false);
        double at = iw_axis_at(&axis, points[k]);
        assert_true(axis.high > axis.low);
        assert_true(at >= 0.0 && at <= 1.0);
    }
    iw_axis log = axis_over(5.0, 5.0, true);
    assert_close(iw_axis_at(&log, 5.0), 0.5, 0, 1e-12);
    for (int kind = 0; kind < 2; kind++) {
        iw_axis none;
        iw_axis_init(&none, kind == 1);
        iw_axis_close(&none);
        assert_true(none.high > none.low);
    }
}

static void
a_linear_axis_begins_at_zero_where_that_is_near(void **state)
{
    (void)state;
    assert_close(axis_over(1, 10, false).low, 0.0, 0, 0);
    assert_close(axis_over(8, 10, false).low, 8.0, 0, 0);
    assert_close(axis_over(-10, -1, false).high, 0.0, 0, 0);
    assert_close(axis_over(-2, 5, false).low, -2.0, 0, 0);
}

static void
ticks_are_told_in_units_of_a_power_of_ten_where_plain_numbers_are_long(void **state)
{
    (void)state;
    iw_tick ticks[IW_AXIS_TICKS];
    iw_axis axis = axis_over(0, 2e-5, false);
    assert_int_equal(axis.exponent, -5);
    assert_int_equal(iw_axis_ticks(&axis, 5, ticks), 5);
    assert_string_equal(ticks[1].text, "0.5");
    assert_string_equal(ticks[4].text, "2.0");
    assert_int_equal(axis_over(0, 2e6, false).exponent, 6);
    assert_int_equal(axis_over(0, 500, false).exponent, 0);
}

/* How many multiples of step lie in the range. */
static size_t
multiples(const iw_axis *axis, double step)
{
    size_t n = 0;
    long first = (long)floor(axis->low / step) - 2, last = (long)ceil(axis->high / step) + 2;
    for (long k = first; k <= last; k++)
        n += (double)k * step >= axis->low - 1e-9 * step &&
             (double)k * step <= axis->high + 1e-9 * step;
    return n;
}

static bool
is_round(double step)
{
    double part = step / pow(10.0, floor(log10(step) + 1e-9));
    return fabs(part - 1.0) < 1e-6 || fabs(part - 2.0) < 1e-6 || fabs(part - 5.0) < 1e-6;
}

static double
next_smaller(double step)
{
    double part = step / pow(10.0, floor(log10(step) + 1e-9));
    return fabs(part - 5.0) < 1e-6 ? step * 0.4 : step * 0.5;
}

static void
linear_ticks_are_all_multiples_of_the_finest_round_step_that_fits(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int trial = 0; trial < 3000; trial++) {
        double size = pow(10.0, 12.0 * iw_test_uniform(&seed) - 6.0);
        double low = size * (2.0 * iw_test_uniform(&seed) - 1.0);
        iw_axis axis = axis_over(low, low + size * (0.05 + iw_test_uniform(&seed)), false);
        size_t most = 2 + (size_t)(iw_test_uniform(&seed) * 10.0);
        iw_tick ticks[IW_AXIS_TICKS];
        size_t n = iw_axis_ticks(&axis, most, ticks);
        assert_true(n <= most);
        if (n < 2)
            continue; /* a range between two multiples of a wide step */
        double step = ticks[1].value - ticks[0].value;
        assert_true(is_round(step));
        assert_int_equal(n, multiples(&axis, step));
        assert_true(multiples(&axis, next_smaller(step)) > most);
        for (size_t t = 0; t < n; t++)
            assert_close(strtod(ticks[t].text, NULL) * pow(10.0, axis.exponent), ticks[t].value,
                         1e-9, 1e-9 * step);
    }
}

static void
logarithmic_ticks_are_powers_of_ten_and_more_where_there_is_room(void **state)
{
    (void)state;
    iw_tick ticks[IW_AXIS_TICKS];
    iw_axis axis = axis_over(0.01, 10, true);
    assert_int_equal(iw_axis_ticks(&axis, 10, ticks), 10);
    static const char *const dense[] = {"0.01", "0.02", "0.05", "0.1", "0.2",
                                        "0.5",  "1",    "2",    "5",   "10"};
    for (size_t t = 0; t < 10; t++)
        assert_string_equal(ticks[t].text, dense[t]);
    assert_int_equal(iw_axis_ticks(&axis, 5, ticks), 4);
    assert_string_equal(ticks[3].text, "10");
    assert_int_equal(iw_axis_ticks(&axis, 2, ticks), 2);
    axis = axis_over(3e-8, 6e-6, true);
    assert_int_equal(iw_axis_ticks(&axis, 3, ticks), 2);
    assert_string_equal(ticks[0].text, "1e-7");
    assert_string_equal(ticks[1].text, "1e-6");
}

static void
logarithmic_ticks_lie_in_the_range_and_ascend_whatever_it_is(void **state)
{
    (void)state;
    uint64_t seed = 11;
    for (int trial = 0; trial < 3000; trial++) {
        double low = pow(10.0, 20.0 * iw_test_uniform(&seed) - 10.0);
        iw_axis axis = axis_over(low, low * pow(10.0, 15.0 * iw_test_uniform(&seed)), true);
        size_t most = 2 + (size_t)(iw_test_uniform(&seed) * 10.0);
        iw_tick ticks[IW_AXIS_TICKS];
        size_t n = iw_axis_ticks(&axis, most, ticks);
        assert_true(n >= 1 && n <= most);
        for (size_t t = 0; t < n; t++) {
            double at = iw_axis_at(&axis, ticks[t].value);
            assert_true(at > -1e-6 && at < 1.0 + 1e-6);
            assert_true(t == 0 || ticks[t].value > ticks[t - 1].value);
            assert_close(strtod(ticks[t].text, NULL), ticks[t].value, 1e-6, 0);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_linear_or_logarithmic),
        cmocka_unit_test(what_cannot_be_drawn_makes_no_range),
        cmocka_unit_test(a_point_and_nothing_become_ranges),
        cmocka_unit_test(a_linear_axis_begins_at_zero_where_that_is_near),
        cmocka_unit_test(ticks_are_told_in_units_of_a_power_of_ten_where_plain_numbers_are_long),
        cmocka_unit_test(linear_ticks_are_all_multiples_of_the_finest_round_step_that_fits),
        cmocka_unit_test(logarithmic_ticks_are_powers_of_ten_and_more_where_there_is_room),
        cmocka_unit_test(logarithmic_ticks_lie_in_the_range_and_ascend_whatever_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
