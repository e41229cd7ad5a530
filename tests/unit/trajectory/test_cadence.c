/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iw_test.h"
#include "trajectory/cadence.h"

static iw_tick
tick(iw_cadence *cadence, uint64_t seq, int64_t step, double time_fs)
{
    iw_frame frame = {.seq = seq, .step = step, .time_fs = time_fs};
    return iw_cadence_push(cadence, &frame);
}

static void
spacing_is_that_of_the_first_two_frames(void **state)
{
    (void)state;
    iw_cadence c;
    iw_cadence_init(&c, 0.5);
    assert_int_equal(tick(&c, 1, 100, NAN), IW_TICK_FIRST);
    assert_true(isnan(iw_cadence_dt_fs(&c)));
    assert_int_equal(tick(&c, 2, 110, NAN), IW_TICK_NEXT);
    assert_close(iw_cadence_dt_fs(&c), 5.0, 0, 0);
    assert_int_equal(tick(&c, 3, 120, NAN), IW_TICK_NEXT);
    assert_int_equal(tick(&c, 4, 125, NAN), IW_TICK_UNEVEN);
    assert_int_equal(tick(&c, 5, 135, NAN), IW_TICK_NEXT);
    assert_close(iw_cadence_dt_fs(&c), 5.0, 0, 0);
}

static void
missing_steps_or_sequence_numbers_are_gaps(void **state)
{
    (void)state;
    iw_cadence c;
    iw_cadence_init(&c, 1.0);
    (void)tick(&c, 1, 0, 0.0);
    (void)tick(&c, 2, 5, 5.0);
    assert_int_equal(tick(&c, 3, 20, 20.0), IW_TICK_GAP);
    assert_int_equal(tick(&c, 4, 25, 25.0), IW_TICK_NEXT);
    assert_int_equal(tick(&c, 6, 30, 30.0), IW_TICK_GAP);
    assert_int_equal(tick(&c, 7, 35, 35.0), IW_TICK_NEXT);
}

static void
a_gap_after_the_first_frame_does_not_set_the_spacing(void **state)
{
    (void)state;
    iw_cadence c;
    iw_cadence_init(&c, 1.0);
    (void)tick(&c, 1, 0, 0.0);
    assert_int_equal(tick(&c, 9, 40, 40.0), IW_TICK_GAP);
    assert_true(isnan(iw_cadence_dt_fs(&c)));
    assert_int_equal(tick(&c, 10, 45, 45.0), IW_TICK_NEXT);
    assert_close(iw_cadence_dt_fs(&c), 5.0, 0, 0);
}

static void
steps_that_went_back_repeat_until_they_are_new(void **state)
{
    (void)state;
    iw_cadence c;
    iw_cadence_init(&c, 1.0);
    for (int i = 0; i <= 931; i++)
        (void)tick(&c, (uint64_t)i + 1, i, i);
    for (int i = 901; i <= 931; i++)
        assert_int_equal(tick(&c, 933 + (uint64_t)(i - 901), i, i), IW_TICK_REPEAT);
    assert_int_equal(tick(&c, 964, 932, 932.0), IW_TICK_NEXT);
}

static void
time_stamps_of_four_decimals_of_a_picosecond_are_even(void **state)
{
    (void)state;
    iw_cadence c;
    iw_cadence_init(&c, NAN);
    for (int i = 0; i < 2000; i++) {
        double time_fs = round(1.4514 * i * 10.0) / 10.0;
        iw_tick t = tick(&c, (uint64_t)i + 1, 0, time_fs);
        assert_int_equal(t, i ? IW_TICK_NEXT : IW_TICK_FIRST);
    }
    assert_close(iw_cadence_dt_fs(&c), 1.4514, 1e-4, 0);
    assert_int_equal(tick(&c, 2001, 0, round(1.4514 * 2004 * 10.0) / 10.0), IW_TICK_GAP);
    assert_int_equal(tick(&c, 2002, 0, 1.4514 * 2004.5), IW_TICK_UNEVEN);
    assert_int_equal(tick(&c, 2003, 0, 1.4514 * 2000), IW_TICK_REPEAT);
}

static void
exact_time_stamps_give_the_exact_spacing(void **state)
{
    (void)state;
    iw_cadence c;
    iw_cadence_init(&c, NAN);
    for (int i = 0; i < 1000; i++)
        (void)tick(&c, (uint64_t)i + 1, 0, 0.1 * i);
    assert_close(iw_cadence_dt_fs(&c), 0.1, 0, 0);
}

static void
without_step_length_and_clock_the_spacing_is_unknown(void **state)
{
    (void)state;
    iw_cadence c;
    iw_cadence_init(&c, NAN);
    (void)tick(&c, 1, 0, 0.0);
    assert_int_equal(tick(&c, 2, 1, 0.0), IW_TICK_UNKNOWN);
    assert_true(isnan(iw_cadence_dt_fs(&c)));
}

static void
spacing_that_no_run_has_is_refused(void **state)
{
    (void)state;
    iw_cadence c;
    static const double none[] = {5e-324, 9e-7, 1.1e9, 1e308};
    for (size_t i = 0; i < 4; i++) {
        iw_cadence_init(&c, none[i]); /* as if there were no timestep */
        (void)tick(&c, 1, 0, 0.0);
        assert_int_equal(tick(&c, 2, 1, none[i]), IW_TICK_UNKNOWN);
        assert_true(isnan(iw_cadence_dt_fs(&c)));
        assert_int_equal(tick(&c, 3, 2, 2.0), IW_TICK_NEXT);
        assert_close(iw_cadence_dt_fs(&c), 2.0, 0, 0);
    }
    iw_cadence_init(&c, 1000.0);
    (void)tick(&c, 1, 0, NAN);
    assert_int_equal(tick(&c, 2, INT64_MAX / 2, NAN), IW_TICK_UNKNOWN);
    assert_int_equal(tick(&c, 3, 1, NAN), IW_TICK_NEXT);
    assert_close(iw_cadence_dt_fs(&c), 1000.0, 0, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spacing_is_that_of_the_first_two_frames),
        cmocka_unit_test(missing_steps_or_sequence_numbers_are_gaps),
        cmocka_unit_test(a_gap_after_the_first_frame_does_not_set_the_spacing),
        cmocka_unit_test(steps_that_went_back_repeat_until_they_are_new),
        cmocka_unit_test(time_stamps_of_four_decimals_of_a_picosecond_are_even),
        cmocka_unit_test(exact_time_stamps_give_the_exact_spacing),
        cmocka_unit_test(without_step_length_and_clock_the_spacing_is_unknown),
        cmocka_unit_test(spacing_that_no_run_has_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
