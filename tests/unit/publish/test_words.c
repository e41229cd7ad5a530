/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers and texts on their way out. */
#include "iw_test.h"

#include "publish/words.h"

static void
an_exact_number_reads_back_and_has_no_digit_too_many(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } known[] = {{0.1, "0.1"},
                 {1.0 / 3.0, "0.3333333333333333"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {100000, "100000"},
                 {123456789012345, "123456789012345"},
                 {-2.5e-17, "-2.5e-17"},
                 {5e-324, "4.94065645841247e-324"},
                 {0, "0"}};
    char cell[IW_CELL];
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_string_equal(iw_cell_exact(cell, known[i].value), known[i].text);
    uint64_t bits = 1;
    for (int i = 0; i < 20000; i++) {
        double value;
        bits = bits * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value))
            assert_close(strtod(iw_cell_exact(cell, value), NULL), value, 0, 0);
    }
}

static void
text_that_is_not_utf8_costs_only_itself(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"\xc3\x85", "\xc3\x85"}, {"\xe9", "(not UTF-8)"}, {"", ""}, {NULL, ""}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *value = iw_json_text(texts[i][0]);
        assert_string_equal(json_string_value(value), texts[i][1]);
        json_decref(value);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exact_number_reads_back_and_has_no_digit_too_many),
        cmocka_unit_test(text_that_is_not_utf8_costs_only_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
