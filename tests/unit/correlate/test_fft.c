/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The plans that all correlators and spectra share. */
#include "correlate/fft.h"
#include "iw_test.h"

#include <malloc.h>

static void
transforms_are_those_of_the_definition(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 2, 7, 16, 45, 101};
    const double two_pi = 6.283185307179586;
    uint64_t seed = 5;
    for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++) {
        size_t n = lengths[k];
        const iw_fft *plan = iw_fft_get(n, NULL);
        double *x = iw_fft_alloc(n * sizeof *x);
        double *back = iw_fft_alloc(n * sizeof *back);
        double complex *bins = iw_fft_alloc((n / 2 + 1) * sizeof *bins);
        double complex *in = iw_fft_alloc(n * sizeof *in);
        double complex *out = iw_fft_alloc(n * sizeof *out);
        for (size_t t = 0; t < n; t++) {
            x[t] = iw_test_uniform(&seed) - 0.5;
            in[t] = x[t] + I * (iw_test_uniform(&seed) - 0.5);
        }
        iw_fft_forward(plan, x, bins);
        iw_fft_complex(plan, in, out);
        for (size_t f = 0; f < n; f++) {
            double complex real = 0, whole = 0;
            for (size_t t = 0; t < n; t++) {
                double angle = two_pi * (double)(f * t % n) / (double)n;
                double complex turn = cos(angle) - I * sin(angle);
                real += x[t] * turn;
                whole += in[t] * turn;
            }
            if (f <= n / 2)
                assert_true(cabs(bins[f] - real) < 1e-12 * (double)n);
            assert_true(cabs(out[f] - whole) < 1e-12 * (double)n);
        }
        iw_fft_backward(plan, bins, back);
        for (size_t t = 0; t < n; t++)
            assert_close(back[t], (double)n * x[t], 0, 1e-12 * (double)n);
        iw_fft_free(x);
        iw_fft_free(back);
        iw_fft_free(bins);
        iw_fft_free(in);
        iw_fft_free(out);
        iw_fft_release(&plan);
        assert_null(plan);
    }
}

static void
users_of_a_length_share_its_plan(void **state)
{
    (void)state;
    const iw_fft *first = iw_fft_get(48, NULL), *second = iw_fft_get(48, NULL);
    assert_ptr_equal(first, second);
    iw_fft_release(&first);
    for (size_t n = 1000; n < 1200; n++) { /* others come and go */
        const iw_fft *other = iw_fft_get(n, NULL);
        iw_fft_release(&other);
    }
    first = iw_fft_get(48, NULL);
    assert_ptr_equal(first, second);
    iw_fft_release(&first);
    iw_fft_release(&second);
    iw_fft_release(&second); /* nothing */
}

/* A daemon sees runs of any length, for months. */
static void
plans_of_many_lengths_take_no_more_memory(void **state)
{
    (void)state;
    size_t before = 0;
    for (size_t n = 2001; n < 8001; n += 6) {
        const iw_fft *plan = iw_fft_get(n, NULL);
        assert_non_null(plan);
        iw_fft_release(&plan);
        struct mallinfo2 now = mallinfo2(); /* zeros under a sanitizer */
        if (n == 3999)
            before = now.uordblks + now.hblkhd;
        if (n == 7995)
            assert_true(now.uordblks + now.hblkhd < before + (8U << 20));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transforms_are_those_of_the_definition),
        cmocka_unit_test(users_of_a_length_share_its_plan),
        cmocka_unit_test(plans_of_many_lengths_take_no_more_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
