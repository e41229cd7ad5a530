/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_TEST_H
#define IW_TEST_H
/* iw_test.h - CMocka, with a comparison of doubles that compares doubles. */
/* CMocka needs the four standard headers before it, which the formatter would undo. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* |actual - expected| <= atol + rtol |expected|; NaN fails. */
#define assert_close(actual, expected, rtol, atol)                                                 \
    iw_assert_close((actual), (expected), (rtol), (atol), #actual, __FILE__, __LINE__)

static inline void
iw_assert_close(double actual, double expected, double rtol, double atol, const char *what,
                const char *file, int line)
{
    double error = fabs(actual - expected);
    double limit = atol + rtol * fabs(expected);
    if (error <= limit)
        return;
    print_error("%s = %.17g, expected %.17g (off by %.3g, allowed %.3g)\n", what, actual, expected,
                error, limit);
    _fail(file, line);
}

/* The status of a call that must succeed; prints the error text when it does not. */
#define assert_ok(call, err)                                                                       \
    do {                                                                                           \
        if ((call) != IW_OK) {                                                                     \
            print_error("%s: %s\n", #call, (err).text);                                            \
            _fail(__FILE__, __LINE__);                                                             \
        }                                                                                          \
    } while (0)

/* Folder of third-party reference data, or NULL (skip, saying so) where it is absent. */
static inline const char *
iw_shared_data(void)
{
    static char path[4096];
    const char *set = getenv("IONWATCH_SHARED");
    (void)snprintf(path, sizeof path, "%s/data", set ? set : IONWATCH_SOURCE_DIR "/../shared");
    char probe[4200];
    (void)snprintf(probe, sizeof probe, "%s/references.json", path);
    FILE *file = fopen(probe, "r");
    if (!file) {
        print_message("SKIPPED: no reference data at %s\n", path);
        return NULL;
    }
    (void)fclose(file);
    return path;
}

/* xorshift64*: the same numbers everywhere, for synthetic trajectories. */
static inline uint64_t
iw_test_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545F4914F6CDD1DULL;
}

static inline double
iw_test_uniform(uint64_t *state) /* [0, 1) */
{
    return (double)(iw_test_random(state) >> 11) * 0x1.0p-53;
}

static inline double
iw_test_normal(uint64_t *state)
{
    double u = 1.0 - iw_test_uniform(state);
    double v = iw_test_uniform(state);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

#endif
