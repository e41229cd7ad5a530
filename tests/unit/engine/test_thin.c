/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iw_test.h"
#include "publish/thin.h"

static void
check(const size_t *index, size_t kept, size_t n)
{
    assert_true(kept <= IW_THIN_POINTS && kept <= n);
    if (n == 0)
        return;
    assert_int_equal(index[0], 0);
    assert_int_equal(index[kept - 1], n - 1);
    for (size_t k = 1; k < kept; k++)
        assert_true(index[k] > index[k - 1]);
}

static void
both_ends_are_kept_and_indices_rise(void **state)
{
    (void)state;
    size_t index[IW_THIN_POINTS];
    for (size_t n = 0; n < 200000; n = n < 2000 ? n + 1 : n * 2 + 17) {
        size_t kept = iw_thin_growing(n, index);
        check(index, kept, n);
        if (n > IW_THIN_POINTS)
            assert_true(kept > 150);
        double *g = calloc(n + 1, sizeof *g);
        for (size_t k = 0; k < n; k++)
            g[k] = k > n / 20 && k < n / 10 ? 1.0 : 0.0;
        check(index, iw_thin_spectrum(g, n, index), n);
        free(g);
    }
}

static void
lags_are_dense_at_the_start(void **state)
{
    (void)state;
    size_t index[IW_THIN_POINTS];
    (void)iw_thin_growing(32769, index);
    for (size_t k = 0; k < 20; k++)
        assert_int_equal(index[k], k);
}

static void
a_spectrum_is_dense_where_its_weight_is(void **state)
{
    (void)state;
    enum { BINS = 4001 };
    static double g[BINS];
    for (int k = 0; k < BINS; k++)
        g[k] = k < 400 ? 1.0 : 0.0;
    size_t index[IW_THIN_POINTS];
    size_t kept = iw_thin_spectrum(g, BINS, index), inside = 0;
    for (size_t k = 0; k < kept; k++)
        inside += index[k] < 400;
    assert_true(inside > 170);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends_are_kept_and_indices_rise),
        cmocka_unit_test(lags_are_dense_at_the_start),
        cmocka_unit_test(a_spectrum_is_dense_where_its_weight_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
