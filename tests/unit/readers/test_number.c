/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers in lines (adapters/number.c) against strtod. */
#include "adapters/text.h"
#include "iw_test.h"

static void
agrees_with_strtod(const char *text)
{
    double value = 0.0, expected = strtod(text, NULL);
    if (!iw_parse_real(text, &value))
        print_error("'%s' is not read\n", text);
    else if (value != expected)
        print_error("'%s': %.17g, not %.17g\n", text, value, expected);
    assert_true(iw_parse_real(text, &value));
    assert_memory_equal(&value, &expected, sizeof value);
}

static void
numbers_are_rounded_as_strtod_rounds_them(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252ULL;
    char text[400];
    for (int i = 0; i < 200000; i++) {
        double scale = pow(10.0, (double)(iw_test_random(&seed) % 40) - 20.0);
        double value = (iw_test_uniform(&seed) - 0.5) * scale;
        int digits = (int)(iw_test_random(&seed) % 21);
        if (i % 3 == 0)
            (void)snprintf(text, sizeof text, "%.*f", digits, value);
        else if (i % 3 == 1)
            (void)snprintf(text, sizeof text, "%.*e", digits, value);
        else
            (void)snprintf(text, sizeof text, "%.*g", digits, value);
        agrees_with_strtod(text);
    }
    for (int i = 0; i < 100000; i++) { /* any finite double */
        union {
            uint64_t bits;
            double value;
        } any = {.bits = iw_test_random(&seed)};
        if (isfinite(any.value)) {
            (void)snprintf(text, sizeof text, "%.17g", any.value);
            agrees_with_strtod(text);
        }
    }
}

static void
hard_numbers_are_rounded_right(void **state)
{
    (void)state;
    static const char *const hard[] = {"9007199254740993",
                                       "9007199254740992.5",
                                       "0.1",
                                       "1e22",
                                       "1e23",
                                       "8.5e22",
                                       "-0.0",
                                       "0",
                                       "4.9406564584124654e-324",
                                       "2.2250738585072011e-308",
                                       "2.2250738585072014e-308",
                                       "1.7976931348623157e308",
                                       "18446744073709551615",
                                       "18446744073709551616",
                                       "99999999999999999999",
                                       "1.000000000000000000000000000000001",
                                       "+7.25",
                                       ".5",
                                       "5.",
                                       "1e-400",
                                       "123456789012345678901234567890e-20",
                                       "1E5",
                                       "1e+05",
                                       "00000.00001"};
    for (size_t i = 0; i < sizeof hard / sizeof hard[0]; i++)
        agrees_with_strtod(hard[i]);
}

static void
fortran_exponents_are_read(void **state)
{
    (void)state;
    double value;
    assert_true(iw_parse_real("1.25D+02", &value));
    assert_close(value, 125.0, 0.0, 0.0);
    assert_true(iw_parse_real("-1.2345678901234567890123d-3", &value));
    assert_close(value, -1.2345678901234567890123e-3, 0.0, 0.0);
}

static void
what_is_no_finite_number_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",      "-",       ".",     "nan",  "inf",   "-Infinity",
                                      "1e",    "1e+",     "1.2.3", "0x10", "12*",   "********",
                                      "1e999", "1.0-0.5", "1,5",   "--1",  "1_000", "e5"};
    double value = 42.0;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (iw_parse_real(bad[i], &value))
            print_error("'%s' was read as %g\n", bad[i], value);
        assert_false(iw_parse_real(bad[i], &value));
    }
    char digits[1000];
    memset(digits, '1', sizeof digits - 1);
    digits[sizeof digits - 1] = '\0';
    assert_false(iw_parse_real(digits, &value));
}

static void
fields_are_taken_one_by_one(void **state)
{
    (void)state;
    const char *text = "  12\tabc  -3.5 \r";
    iw_line line = {text, text + strlen(text)};
    int64_t i;
    double x;
    const char *word;
    size_t size;
    assert_true(iw_field_int(&line, &i));
    assert_int_equal(i, 12);
    assert_false(iw_field_int(&line, &i));
    assert_false(iw_field_real(&line, &x));
    assert_true(iw_field_word(&line, &word, &size));
    assert_int_equal(size, 3);
    assert_false(iw_field_int(&line, &i));
    assert_true(iw_field_real(&line, &x));
    assert_close(x, -3.5, 0.0, 0.0);
    assert_true(iw_field_none(&line));
    assert_false(iw_field_word(&line, &word, &size));
    const char *large = "9223372036854775808";
    line = (iw_line){large, large + strlen(large)};
    assert_false(iw_field_int(&line, &i));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_rounded_as_strtod_rounds_them),
        cmocka_unit_test(hard_numbers_are_rounded_right),
        cmocka_unit_test(fortran_exponents_are_read),
        cmocka_unit_test(what_is_no_finite_number_is_refused),
        cmocka_unit_test(fields_are_taken_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
