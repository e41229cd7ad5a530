/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text on a screen: cut at its width, inert, whatever it is made of. */
#include "cli/chart.h"

#include "iw_test.h"

#include <locale.h>

static iw_screen
new_screen(int rows, int columns, bool utf8)
{
    iw_screen screen = {.utf8 = utf8};
    iw_error err;
    assert_ok(iw_screen_clear(&screen, rows, columns, &err), err);
    return screen;
}

static wchar_t
glyph_at(const iw_screen *screen, int row, int column)
{
    return screen->cells[row * screen->columns + column].glyph;
}

static void
assert_row(const iw_screen *screen, int row, const wchar_t *expected)
{
    for (int c = 0; c < screen->columns; c++)
        if (glyph_at(screen, row, c) != expected[c]) {
            print_error("column %d: %#x, expected %#x\n", c, (unsigned)glyph_at(screen, row, c),
                        (unsigned)expected[c]);
            _fail(__FILE__, __LINE__);
        }
}

static void
text_is_cut_at_its_width_on_the_screen(void **state)
{
    (void)state;
    iw_screen screen = new_screen(4, 8, true);
    assert_int_equal(iw_screen_text(&screen, 0, 1, 5, IW_STYLE_PLAIN, "abc"), 3);
    assert_row(&screen, 0, L" abc    ");
    assert_int_equal(iw_screen_text(&screen, 1, 1, 5, IW_STYLE_PLAIN, "abcdefgh"), 5);
    assert_row(&screen, 1, L" abcd~  ");
    assert_int_equal(iw_screen_text(&screen, 2, 1, 5, IW_STYLE_PLAIN, "abcde"), 5);
    assert_row(&screen, 2, L" abcde  ");
    assert_int_equal(iw_screen_text(&screen, 3, 0, 0, IW_STYLE_PLAIN, "abcde"), 0);
    assert_row(&screen, 3, L"        ");
    iw_screen_fini(&screen);
}

static void
wide_characters_take_two_columns_and_are_not_halved(void **state)
{
    (void)state;
    static const wchar_t whole[] = {0x9502, 0, 0x79bb, 0, 0x5b50, 0, ' '};
    static const wchar_t cut[] = {0x9502, 0, 0x79bb, 0, '~', ' ', ' '};
    static const wchar_t shorter[] = {0x9502, 0, '~', ' ', ' ', ' ', ' '};
    const char *ions = "\351\224\202\347\246\273\345\255\220";
    iw_screen screen = new_screen(3, 7, true);
    assert_int_equal(iw_screen_width(&screen, ions), 6);
    assert_int_equal(iw_screen_text(&screen, 0, 0, 6, IW_STYLE_PLAIN, ions), 6);
    assert_row(&screen, 0, whole);
    assert_int_equal(iw_screen_text(&screen, 1, 0, 5, IW_STYLE_PLAIN, ions), 5);
    assert_row(&screen, 1, cut);
    assert_int_equal(iw_screen_text(&screen, 2, 0, 4, IW_STYLE_PLAIN, ions), 3);
    assert_row(&screen, 2, shorter);
    iw_screen_fini(&screen);
}

static void
what_steers_a_terminal_is_shown_as_a_question_mark(void **state)
{
    (void)state;
    static const char *const texts[] = {"\033[2Jx",         "\r\n\tx",   "\302\233x",
                                        "\342\200\256x",    "\377\376x", "\355\240\200x",
                                        "\364\220\200\200x"};
    for (int utf8 = 0; utf8 < 2; utf8++)
        for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
            iw_screen screen = new_screen(1, 12, utf8);
            (void)iw_screen_text(&screen, 0, 0, 12, IW_STYLE_PLAIN, texts[t]);
            for (int c = 0; c < 12; c++) {
                wchar_t glyph = glyph_at(&screen, 0, c);
                assert_true(glyph >= 0x20 && glyph != 0x7f && !(glyph >= 0x80 && glyph < 0xa0));
                assert_true(glyph != 0x202e);
            }
            iw_screen_fini(&screen);
        }
}

static void
without_utf8_all_is_ascii(void **state)
{
    (void)state;
    iw_screen screen = new_screen(2, 12, false);
    (void)iw_screen_text(&screen, 0, 0, 12, IW_STYLE_PLAIN, "1 \302\261 2 \303\205");
    assert_row(&screen, 0, L"1 +- 2 A    ");
    (void)iw_screen_text(&screen, 1, 0, 12, IW_STYLE_PLAIN, "\351\224\202x\303\251");
    assert_row(&screen, 1, L"?x?         ");
    iw_screen_fini(&screen);
}

static void
combining_marks_do_not_shift_what_follows(void **state)
{
    (void)state;
    iw_screen screen = new_screen(1, 4, true);
    assert_int_equal(iw_screen_text(&screen, 0, 0, 4, IW_STYLE_PLAIN, "e\314\201x"), 2);
    assert_row(&screen, 0, L"ex  ");
    iw_screen_fini(&screen);
}

static void
outside_the_screen_nothing_is_written(void **state)
{
    (void)state;
    iw_screen screen = new_screen(2, 3, true);
    static const int places[][2] = {{-1, 0}, {2, 0}, {0, -5}, {0, 3}, {1000, 1000}};
    for (size_t k = 0; k < 5; k++)
        (void)iw_screen_text(&screen, places[k][0], places[k][1], 4, IW_STYLE_PLAIN, "x");
    assert_row(&screen, 0, L"   ");
    assert_row(&screen, 1, L"   ");
    iw_screen_fini(&screen);
}

static void
a_paragraph_breaks_between_words_and_ends_with_its_rows(void **state)
{
    (void)state;
    iw_screen screen = new_screen(4, 10, true);
    iw_rect place = {0, 0, 4, 10};
    assert_int_equal(iw_screen_paragraph(&screen, place, 2, IW_STYLE_PLAIN, "one two three four"),
                     3);
    assert_row(&screen, 0, L"one two   ");
    assert_row(&screen, 1, L"  three   ");
    assert_row(&screen, 2, L"  four    ");
    place.rows = 2;
    assert_int_equal(iw_screen_paragraph(&screen, place, 0, IW_STYLE_PLAIN, "a b c d e f g h i j"),
                     2);
    iw_screen_fini(&screen);
}

/* Row of a mark of the axis whose number is text; -1: none. */
static int
row_of_tick(const iw_screen *screen, const wchar_t *text)
{
    size_t n = wcslen(text);
    for (int row = 0; row < screen->rows; row++)
        for (int c = 0; c + (int)n < screen->columns; c++) {
            bool same = c == 0 || glyph_at(screen, row, c - 1) == L' ';
            for (size_t k = 0; same && k < n; k++)
                same = glyph_at(screen, row, c + (int)k) == text[k];
            if (same && glyph_at(screen, row, c + (int)n) == 0x2524)
                return row;
        }
    return -1;
}

static void
a_curve_lies_at_the_ticks_of_its_values(void **state)
{
    (void)state;
    static const double x[] = {0, 1, 2, 3}, steps[] = {0, 20, 20, 100};
    static const double decades[] = {1, 100, 100, 10000};
    for (int log = 0; log < 2; log++) {
        iw_screen screen = new_screen(24, 60, true);
        iw_error err;
        iw_chart chart = {.title = "T", .note = "", .x_unit = "ps", .y_unit = "A2", .log_y = log};
        chart.lines[0] = (iw_chart_line){x, log ? decades : steps, 4, IW_STYLE_CURVE, 1, 0};
        chart.n_lines = 1;
        assert_ok(iw_chart_draw(&chart, &screen, (iw_rect){0, 0, 24, 60}, &err), err);
        int row = row_of_tick(&screen, log ? L"100" : L"20"), flat = 0;
        assert_true(row > 0);
        for (int c = 0; c < 60; c++) /* from 1 to 2 of 3: a third of the width is level */
            flat += screen.cells[row * 60 + c].style == IW_STYLE_CURVE;
        assert_in_range(flat, 15, 30);
        assert_true(row_of_tick(&screen, log ? L"10000" : L"100") == 1);
        iw_screen_fini(&screen);
    }
}

/* Column where the number begins that stands alone in that row; -1: nowhere. */
static int
column_of(const iw_screen *screen, int row, const wchar_t *text)
{
    int n = (int)wcslen(text);
    for (int c = 1; c + n < screen->columns; c++) {
        bool same = glyph_at(screen, row, c - 1) == L' ' && glyph_at(screen, row, c + n) == L' ';
        for (int k = 0; same && k < n; k++)
            same = glyph_at(screen, row, c + k) == text[k];
        if (same)
            return c;
    }
    return -1;
}

static void
another_unit_stands_below_at_the_same_values_where_there_is_room(void **state)
{
    (void)state;
    static const double x[] = {0, 100}, y[] = {0, 1};
    iw_chart chart = {.title = "T", .note = "", .x_unit = "a", .y_unit = "", .n_lines = 1};
    chart.other_unit = "b";
    chart.other_factor = 0.5;
    chart.lines[0] = (iw_chart_line){x, y, 2, IW_STYLE_CURVE, 1, 0};
    for (int rows = 11; rows < 13; rows++) {
        iw_screen screen = new_screen(rows, 60, true);
        iw_error err;
        assert_ok(iw_chart_draw(&chart, &screen, (iw_rect){0, 0, rows, 60}, &err), err);
        int last = rows - 1;
        assert_int_equal(glyph_at(&screen, last, 59), rows < 12 ? L'a' : L'b');
        if (rows == 12) {
            assert_true(column_of(&screen, last, L"20") > 0);
            assert_int_equal(column_of(&screen, last, L"20"), column_of(&screen, last - 1, L"40"));
            assert_int_equal(column_of(&screen, last, L"40"), column_of(&screen, last - 1, L"80"));
        }
        iw_screen_fini(&screen);
    }
}

static void
a_chart_fits_into_any_place_with_anything(void **state)
{
    (void)state;
    static const double x[] = {0, 1, NAN, 3, 1e300}, y[] = {-1e300, NAN, 0, INFINITY, 1e300};
    for (int size = 0; size < 40; size++)
        for (int kind = 0; kind < 8; kind++) {
            iw_screen screen = new_screen(size % 13, size, kind & 1);
            iw_error err;
            iw_chart chart = {.title = "title", .note = "note", .x_unit = "ps", .y_unit = "A2"};
            chart.other_unit = "THz";
            chart.other_factor = 0.24;
            chart.log_x = kind & 2;
            chart.log_y = kind & 4;
            chart.lines[0] = (iw_chart_line){x, y, 5, IW_STYLE_CURVE, 1, 0};
            chart.n_lines = 1;
            assert_ok(iw_chart_draw(&chart, &screen, (iw_rect){0, 0, size % 13, size}, &err), err);
            iw_screen_fini(&screen);
        }
}

int
main(void)
{
    if (!setlocale(LC_CTYPE, "C.UTF-8")) {
        print_message("SKIPPED: no locale C.UTF-8\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_cut_at_its_width_on_the_screen),
        cmocka_unit_test(wide_characters_take_two_columns_and_are_not_halved),
        cmocka_unit_test(what_steers_a_terminal_is_shown_as_a_question_mark),
        cmocka_unit_test(without_utf8_all_is_ascii),
        cmocka_unit_test(combining_marks_do_not_shift_what_follows),
        cmocka_unit_test(outside_the_screen_nothing_is_written),
        cmocka_unit_test(a_paragraph_breaks_between_words_and_ends_with_its_rows),
        cmocka_unit_test(a_curve_lies_at_the_ticks_of_its_values),
        cmocka_unit_test(another_unit_stands_below_at_the_same_values_where_there_is_room),
        cmocka_unit_test(a_chart_fits_into_any_place_with_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
