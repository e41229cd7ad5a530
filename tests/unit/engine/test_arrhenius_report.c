/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_arrhenius_report.c - records of one material into a line, its warnings and its JSON. */
#include "iw_test.h"

#include "constants.h"
#include "publish/arrhenius_report.h"

#include <errno.h>

/* ---- allocations that fail: ours by the linker's --wrap, those of jansson by its hooks ---- */

static long left = -1; /* allocations that still work, none after them; -1: all */

static bool
works(void)
{
    if (left == 0) {
        errno = ENOMEM;
        return false;
    }
    left -= left > 0;
    return true;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);

void *
__wrap_malloc(size_t n)
{
    return works() ? __real_malloc(n) : NULL;
}

void *
__wrap_calloc(size_t n, size_t size)
{
    return works() ? __real_calloc(n, size) : NULL;
}

static double
law(double E_a_eV, double temperature_K)
{
    return 1e-3 * exp(-1000.0 * E_a_eV / (IW_BOLTZMANN_MEV_K * temperature_K));
}

/* diffusive: as the record says; health NULL: a record without it. */
static void
add(json_t *runs, const char *source, const char *id, double temperature_K, double D,
    bool diffusive, const char *health)
{
    json_t *record = json_pack("{s:{s:s, s:s, s:s, s:f}, s:{s:{s:{s:f, s:f}, s:b, s:s}}}", "run",
                               "id", id, "name", id, "state", "completed", "temperature_K",
                               temperature_K, "groups", "mobile", "D_cm2_s", "value", D, "stderr",
                               0.05 * D, "diffusive", (int)diffusive, "warning", "no line fits");
    assert_non_null(record);
    if (health)
        assert_int_equal(json_object_set_new(record, "health", json_pack("{s:s}", "state", health)),
                         0);
    assert_int_equal(
        json_array_append_new(runs, json_pack("{s:s, s:o}", "source", source, "record", record)),
        0);
}

static json_t *
report_of(json_t *runs, const char *group, double at_K)
{
    json_t *report = NULL;
    iw_error err = {0};
    assert_ok(iw_arrhenius_report("Li2S", group, runs, at_K, &report, &err), err);
    return report;
}

static double
number(const json_t *object, const char *key, const char *member)
{
    const json_t *value = json_object_get(object, key);
    return json_number_value(member ? json_object_get(value, member) : value);
}

static bool
warns(const json_t *report, const char *words)
{
    const json_t *warnings = json_object_get(report, "warnings");
    for (size_t i = 0; i < json_array_size(warnings); i++)
        if (strstr(json_string_value(json_array_get(warnings, i)), words))
            return true;
    return false;
}

static void
runs_are_sorted_from_cold_to_hot_and_counted_once(void **state)
{
    (void)state;
    json_t *runs = json_array();
    add(runs, "live", "b", 800, law(0.3, 800), true, NULL);
    add(runs, "filed", "a", 1000, law(0.3, 1000), true, "good");
    add(runs, "filed", "b", 700, law(0.5, 700), true,
        NULL); /* the live one, as it was filed once */
    add(runs, "filed", "c", 600, law(0.3, 600), true, "warning");
    json_t *report = report_of(runs, "mobile", 300), *points = json_object_get(report, "points");
    assert_int_equal(json_array_size(points), 3);
    static const char *const order[] = {"c", "b", "a"};
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(json_string_value(json_object_get(json_array_get(points, i), "run")),
                            order[i]);
    assert_string_equal(json_string_value(json_object_get(json_array_get(points, 1), "source")),
                        "live");
    const json_t *fit = json_object_get(report, "fit");
    assert_close(number(fit, "E_a_eV", "value"), 0.3, 1e-10, 0);
    assert_close(number(fit, "D_cm2_s", "value"), law(0.3, 300), 1e-9, 0);
    assert_close(number(fit, "D_cm2_s", "temperature_K"), 300, 0, 0);
    assert_close(number(fit, "D0_cm2_s", NULL), 1e-3, 1e-9, 0);
    assert_close(number(fit, "runs", NULL), 3, 0, 0);
    assert_close(number(fit, "errors_widened", NULL), 1, 0, 0);
    assert_true(json_is_null(json_object_get(report, "reason")));
    assert_true(warns(report, "outside the runs (600 to 1000 K)"));
    json_decref(report);
    json_decref(runs);
}

static void
runs_that_are_broken_or_still_are_left_out_by_name(void **state)
{
    (void)state;
    json_t *runs = json_array();
    add(runs, "filed", "a", 1000, law(0.3, 1000), true, NULL);
    add(runs, "filed", "b", 900, law(0.3, 900), true, "broken");
    add(runs, "filed", "c", 500, law(0.3, 500), false, NULL);
    json_t *report = report_of(runs, "mobile", 300), *points = json_object_get(report, "points");
    assert_true(json_is_null(json_object_get(report, "fit")));
    assert_non_null(strstr(json_string_value(json_object_get(report, "reason")),
                           "1 of 3 runs can be used, at 1 temperature"));
    assert_string_equal(json_string_value(json_object_get(json_array_get(points, 0), "left_out")),
                        "not diffusive: no line fits");
    assert_string_equal(json_string_value(json_object_get(json_array_get(points, 1), "left_out")),
                        "the run is broken");
    assert_true(json_is_true(json_object_get(json_array_get(points, 2), "used")));
    json_decref(report);
    add(runs, "filed", "d", 700, law(0.3, 700), true, NULL);
    report = report_of(runs, "mobile", 300);
    assert_true(warns(report, "1 run colder than 700 K is left out"));
    assert_true(warns(report, "two temperatures"));
    json_decref(report);
    report = report_of(runs, "S", 300);
    assert_string_equal(json_string_value(json_object_get(
                            json_array_get(json_object_get(report, "points"), 0), "left_out")),
                        "it has no group S");
    json_decref(report);
    json_decref(runs);
}

static void
what_speaks_against_the_line_is_said_with_numbers(void **state)
{
    (void)state;
    json_t *runs = json_array();
    add(runs, "filed", "a", 1000, law(0.3, 1000), true, NULL);
    add(runs, "filed", "b", 800, law(0.3, 800), true, NULL);
    add(runs, "filed", "c", 700, law(0.3, 700), true, NULL);
    add(runs, "filed", "off", 600, 3.0 * law(0.3, 600), true, NULL);
    json_t *report = report_of(runs, "mobile", 600);
    assert_true(warns(report, "not on one line (chi2 "));
    assert_true(warns(report, "for 2 degrees of freedom"));
    assert_true(number(json_object_get(report, "fit"), "errors_widened", NULL) > 3.0);
    assert_false(warns(report, "outside the runs"));
    json_decref(report);
    json_decref(runs);

    runs = json_array();
    add(runs, "filed", "a", 1000, 1e-5, true, NULL);
    add(runs, "filed", "b", 500, 1.01e-5, true, NULL);
    report = report_of(runs, "mobile", 300);
    assert_true(warns(report, "E_a is not above zero within its interval"));
    json_decref(report);
    json_decref(runs);
}

/* Half a letter would not be JSON, and the report would be lost. */
static void
a_long_name_in_a_warning_stays_whole(void **state)
{
    (void)state;
    static const char name[] =
        "a-cold-run-with-a-very-long-name-in-Orl\303\251ans, the second of them";
    json_t *runs = json_array();
    add(runs, "filed", "a", 1000, law(0.3, 1000), true, NULL);
    add(runs, "filed", "b", 990, 1.08 * law(0.3, 990), true, NULL);
    add(runs, "filed", name, 500, law(0.3, 500), true, NULL);
    json_t *report = report_of(runs, "mobile", 300);
    assert_true(warns(report, "E_a hangs on one run"));
    assert_true(warns(report, name));
    json_decref(report);
    json_decref(runs);
}

static void
no_runs_and_no_temperature_are_told_apart(void **state)
{
    (void)state;
    iw_error err = {0};
    json_t *runs = json_array(), *report = report_of(runs, "mobile", 300);
    assert_int_equal(json_array_size(json_object_get(report, "points")), 0);
    assert_non_null(strstr(json_string_value(json_object_get(report, "reason")), "0 of 0 runs"));
    json_decref(report);
    assert_int_equal(iw_arrhenius_report("Li2S", "mobile", runs, NAN, &report, &err), IW_INVALID);
    assert_null(report);
    assert_non_null(strstr(err.text, "must be above zero"));
    json_decref(runs);
}

static void
every_allocation_may_fail_once(void **state)
{
    (void)state;
    json_t *runs = json_array();
    add(runs, "filed", "a", 1000, law(0.3, 1000), true, NULL);
    add(runs, "filed", "b", 800, law(0.3, 800), true, NULL);
    add(runs, "filed", "c", 700, 2.0 * law(0.3, 700), false, NULL);
    iw_status status = IW_NO_MEMORY;
    long n = 0;
    for (; status != IW_OK && n < 2000; n++) {
        json_t *report = NULL;
        iw_error err = {0};
        left = n;
        status = iw_arrhenius_report("Li2S", "mobile", runs, 300, &report, &err);
        left = -1;
        assert_true(status == IW_OK || status == IW_NO_MEMORY);
        assert_int_equal(status == IW_OK, report != NULL);
        json_decref(report);
    }
    assert_int_equal(status, IW_OK);
    assert_true(n > 50);
    json_decref(runs);
}

int
main(void)
{
    json_set_alloc_funcs(__wrap_malloc, free);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_are_sorted_from_cold_to_hot_and_counted_once),
        cmocka_unit_test(runs_that_are_broken_or_still_are_left_out_by_name),
        cmocka_unit_test(what_speaks_against_the_line_is_said_with_numbers),
        cmocka_unit_test(a_long_name_in_a_warning_stays_whole),
        cmocka_unit_test(no_runs_and_no_temperature_are_told_apart),
        cmocka_unit_test(every_allocation_may_fail_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
