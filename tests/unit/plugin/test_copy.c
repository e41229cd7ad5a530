/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iw_test.h"

#include "copy.h"

#include <math.h>
#include <string.h>

/* Odd and even counts, whole vectors and rests. */
enum { MOST = 21 };

static void
copy_multiplies_every_value_wherever_it_lies(void **state)
{
    unsigned char from[MOST * 8 + 8];
    unsigned char to[MOST * 8 + 8];
    (void)state;
    for (size_t n = 0; n <= MOST; n++) {
        for (size_t shift = 0; shift < 8; shift++) {
            for (size_t i = 0; i < n; i++) {
                double value = 0.37 * (double)i - 2.0;
                memcpy(from + shift + i * sizeof value, &value, sizeof value);
            }
            to[shift / 2 + n * 8] = 0xa5;
            assert_true(iw_copy_scaled_f64(to + shift / 2, from + shift, n, 0.001));
            for (size_t i = 0; i < n; i++) {
                double value;
                memcpy(&value, to + shift / 2 + i * sizeof value, sizeof value);
                assert_close(value, (0.37 * (double)i - 2.0) * 0.001, 0, 0);
            }
            assert_int_equal(to[shift / 2 + n * 8], 0xa5);
        }
    }
}

static void
copy_of_singles_rounds_once(void **state)
{
    float from[MOST];
    float to[MOST];
    (void)state;
    for (size_t i = 0; i < MOST; i++)
        from[i] = 1.1f * (float)i;
    assert_true(iw_copy_scaled_f32(to, from, MOST, 0.529177210903));
    for (size_t i = 0; i < MOST; i++)
        assert_close((double)to[i], (double)(float)((double)from[i] * 0.529177210903), 0, 0);
}

static void
copy_tells_of_a_number_that_is_not_finite_at_any_place(void **state)
{
    const double bad[] = {(double)NAN, (double)-NAN, (double)INFINITY, (double)-INFINITY};
    double from[MOST];
    double to[MOST];
    float from_single[MOST];
    float to_single[MOST];
    (void)state;
    for (size_t i = 0; i < MOST; i++)
        from_single[i] = (float)(from[i] = i % 2 ? 1.5e30 : -1.5e30);
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        for (size_t i = 0; i < MOST; i++) {
            double good = from[i];
            from[i] = bad[k];
            from_single[i] = (float)bad[k];
            assert_false(iw_copy_scaled_f64(to, from, MOST, 1.0));
            assert_false(iw_copy_scaled_f32(to_single, from_single, MOST, 1.0));
            from[i] = good;
            from_single[i] = (float)good;
        }
    }
    assert_true(iw_copy_scaled_f64(to, from, MOST, 1.0));
    assert_true(iw_copy_scaled_f32(to_single, from_single, MOST, 1.0));
    /* What leaves the range on the way counts as well. */
    assert_false(iw_copy_scaled_f64(to, from, MOST, 1e300));
    assert_false(iw_copy_scaled_f32(to_single, from_single, MOST, 1e10));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copy_multiplies_every_value_wherever_it_lies),
        cmocka_unit_test(copy_of_singles_rounds_once),
        cmocka_unit_test(copy_tells_of_a_number_that_is_not_finite_at_any_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
