/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cells and lines of tables, from texts of elsewhere. */
#include "iw_test.h"

#include "cli/runs.h"

#include <locale.h>

static void
a_long_text_is_cut_between_characters_and_says_so(void **state)
{
    (void)state;
    char text[3 * IW_TABLE_CELL], cell[IW_TABLE_CELL];
    for (size_t before = 0; before < 3; before++) {
        memset(text, 'a', before);
        for (size_t i = 0; i < IW_TABLE_CELL; i++)
            memcpy(text + before + 2 * i, "\xc3\xb6", 3);
        iw_cell_words(cell, text);
        size_t length = strlen(cell);
        assert_true(length >= IW_TABLE_CELL - 2);
        assert_int_equal(cell[length - 1], '~');
        assert_memory_equal(cell, text, length - 1);
        assert_int_equal((length - 1 - before) % 2, 0);
    }
    iw_cell_words(cell, "as\x1b[2J it\n\xc3\xb6");
    assert_string_equal(cell, "as?[2J it?\xc3\xb6");
    iw_cell_words(cell, NULL);
    assert_string_equal(cell, "-");
}

static void
reasons_steer_no_terminal_and_are_told_once(void **state)
{
    (void)state;
    char *said = NULL;
    size_t size;
    json_t *runs =
        json_loads("[{\"state_reason\": \"a\\u001b[2J\\nb\"}, {\"state\": \"stalled\", "
                   "\"state_reason\": \"silent\"}, {\"state\": \"running\"}, {\"state\": "
                   "\"stalled\", \"state_reason\": \"silent\"}]",
                   0, NULL);
    FILE *out = open_memstream(&said, &size);
    assert_non_null(runs);
    assert_non_null(out);
    iw_runs_reasons(runs, out);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(said, ": a?[2J?b (1 run)\nstalled: silent (2 runs)\n");
    free(said);
    json_decref(runs);
}

static void
columns_stand_below_each_other_in_any_script(void **state)
{
    (void)state;
    iw_table table = {0};
    iw_error err = {0};
    char *said = NULL;
    size_t size;
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
    assert_ok(iw_table_head(&table, "NAME|>N", &err), err);
    const char *const names[] = {"\xe9\x94\x82", "\xc3\xa4\xc3\xb6\xc3\xbc", "abcd"};
    for (size_t i = 0; i < 3; i++) {
        assert_ok(iw_table_row(&table, &err), err);
        iw_cell_words(iw_table_cell(&table, 0), names[i]);
        iw_cell_words(iw_table_cell(&table, 1), "7");
    }
    FILE *out = open_memstream(&said, &size);
    assert_non_null(out);
    iw_table_print(&table, out);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(said, "NAME  N\n"
                              "\xe9\x94\x82    7\n"
                              "\xc3\xa4\xc3\xb6\xc3\xbc   7\n"
                              "abcd  7\n");
    free(said);
    iw_table_fini(&table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_text_is_cut_between_characters_and_says_so),
        cmocka_unit_test(columns_stand_below_each_other_in_any_script),
        cmocka_unit_test(reasons_steer_no_terminal_and_are_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
