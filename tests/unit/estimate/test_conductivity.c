/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Conductivity from D, against published pairs and closed forms (docs/physics.md, "Collective
 * transport"). */
#include "estimate/conductivity.h"
#include "iw_test.h"

#include <jansson.h>

/* lgps_600K: 20 Li in 970.4137178985233 A^3 at 600 K. */
static const double lgps_A3 = 970.4137178985233, lgps_K = 600.0, lgps_li = 20.0;

/* The number under a key of the row of references.json that has a line number. */
static double
published(const json_t *rows, int line, const char *key)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const json_t *value = json_object_get(row, key);
        if (json_integer_value(json_object_get(row, "line")) == line && value)
            return json_number_value(value);
    }
    fail_msg("references.json has no %s of line %d", key, line);
    return NAN;
}

static void
conversion_agrees_with_published_pairs_of_d_and_conductivity(void **state)
{
    (void)state;
    const char *data = iw_shared_data();
    if (!data)
        skip();
    char path[4300];
    (void)snprintf(path, sizeof path, "%s/references.json", data);
    json_t *root = json_load_file(path, 0, NULL);
    const json_t *rows =
        json_object_get(json_array_get(json_object_get(root, "published"), 0), "values");
    double factor = lgps_li * iw_conductivity_factor(lgps_A3, lgps_K);
    /* the charge-weighted pair: to the digits that it has */
    assert_close(factor * published(rows, 80, "chg_D_cm2_s"),
                 published(rows, 78, "chg_conductivity_mS_cm"), 1e-10, 0);
    /* the others were made with older constants, 6.4e-8 apart */
    assert_close(factor * published(rows, 193, "D_cm2_s"),
                 published(rows, 192, "conductivity_mS_cm"), 1e-7, 0);
    assert_close(factor * published(rows, 208, "D_cm2_s"),
                 published(rows, 207, "conductivity_mS_cm"), 1e-7, 0);
    /* D of line 79 was printed elsewhere; the conductivity is that of this one */
    assert_close(factor * 1.1612930641107013e-06, published(rows, 77, "conductivity_mS_cm"), 1e-7,
                 0);
    iw_estimate self = {published(rows, 77, "conductivity_mS_cm"), 1, {70, 80}};
    iw_estimate collective = {published(rows, 78, "chg_conductivity_mS_cm"), 1, {200, 250}};
    assert_close(iw_estimate_ratio(&self, &collective).value, published(rows, 84, "haven_ratio"),
                 1e-6, 0);
    json_decref(root);
}

static void
conversion_is_made_of_the_constants(void **state)
{
    (void)state;
    /* 1e27 (1.602176634e-19)^2/1.380649e-23, both exact */
    assert_close(iw_conductivity_factor(1.0, 1.0), 1859248778317.7114, 1e-14, 0);
    assert_close(iw_conductivity_factor(500.0, 300.0), 1859248778317.7114 / 500.0 / 300.0, 1e-14,
                 0);
    assert_true(isnan(iw_conductivity_factor(NAN, 300.0)));
}

static void
sum_adds_errors_and_arms_in_squares(void **state)
{
    (void)state;
    const iw_estimate parts[] = {{10, 3, {5, 17}}, {20, 4, {12, 30}}};
    iw_estimate sum = iw_estimate_sum(parts, 2);
    assert_close(sum.value, 30, 1e-15, 0);
    assert_close(sum.error, 5, 1e-15, 0);
    assert_close(sum.ci95[0], 30 - sqrt(25 + 64), 1e-15, 0);
    assert_close(sum.ci95[1], 30 + sqrt(49 + 100), 1e-15, 0);
    sum = iw_estimate_sum(parts, 1); /* one part is itself, uneven arms and all */
    assert_close(sum.ci95[0], 5, 1e-15, 0);
    assert_close(sum.ci95[1], 17, 1e-15, 0);
    assert_true(isnan(iw_estimate_sum(parts, 0).value));
    const iw_estimate open[] = {{10, 3, {5, NAN}}, {20, 4, {12, 30}}};
    sum = iw_estimate_sum(open, 2);
    assert_true(isnan(sum.ci95[1]) && isfinite(sum.ci95[0]));
}

static void
ratio_adds_relative_errors_and_logarithmic_arms(void **state)
{
    (void)state;
    const iw_estimate above = {6, 1, {3, 12}}, below = {2, 0.5, {1, 8}};
    iw_estimate ratio = iw_estimate_ratio(&above, &below);
    assert_close(ratio.value, 3, 1e-15, 0);
    assert_close(ratio.error, 3 * sqrt(1.0 / 36 + 1.0 / 16), 1e-14, 0);
    assert_close(ratio.ci95[0], 3 * exp(-sqrt(log(2) * log(2) + log(4) * log(4))), 1e-14, 0);
    assert_close(ratio.ci95[1], 3 * exp(sqrt(2) * log(2)), 1e-14, 0);
    const iw_estimate near_zero = {6, 4, {0, 12}};
    ratio = iw_estimate_ratio(&near_zero, &below);
    assert_close(ratio.ci95[0], 0, 0, 0);
    assert_close(ratio.ci95[1], 3 * exp(sqrt(2) * log(2)), 1e-14, 0);
    const iw_estimate open = {6, 4, {3, NAN}};
    ratio = iw_estimate_ratio(&open, &below);
    assert_true(isnan(ratio.ci95[1]));
    assert_true(isfinite(ratio.ci95[0]));
}

static void
ratio_to_what_may_be_zero_has_a_lower_limit_alone(void **state)
{
    (void)state;
    const iw_estimate above = {6, 1, {3, 12}}, unknown = {NAN, NAN, {NAN, NAN}};
    const iw_estimate below[] = {{2, 1.5, {0, 8}}, {-1, 1.5, {0, 8}}};
    for (size_t i = 0; i < 2; i++) {
        iw_estimate ratio = iw_estimate_ratio(&above, &below[i]);
        assert_true(isnan(ratio.value) && isnan(ratio.error) && isnan(ratio.ci95[1]));
        assert_close(ratio.ci95[0], 3.0 / 8.0, 1e-15, 0);
    }
    assert_true(isnan(iw_estimate_ratio(&above, &unknown).ci95[0]));
    assert_true(isnan(iw_estimate_ratio(&unknown, &above).value));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversion_agrees_with_published_pairs_of_d_and_conductivity),
        cmocka_unit_test(conversion_is_made_of_the_constants),
        cmocka_unit_test(sum_adds_errors_and_arms_in_squares),
        cmocka_unit_test(ratio_adds_relative_errors_and_logarithmic_arms),
        cmocka_unit_test(ratio_to_what_may_be_zero_has_a_lower_limit_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
