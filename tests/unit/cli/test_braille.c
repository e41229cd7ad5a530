/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dots, lines and sparklines, against the numbering of the patterns and the line's own formula. */
#include "cli/braille.h"

#include "iw_test.h"

enum { COLUMNS = 30, ROWS = 10, WIDTH = 2 * COLUMNS, HEIGHT = 4 * ROWS };

/* Unicode numbers the dots 1 2 3 7 down the left and 4 5 6 8 down the right; dot n is bit n - 1. */
static bool
is_set(const iw_canvas *canvas, int x, int y)
{
    static const int number[4][2] = {{1, 4}, {2, 5}, {3, 6}, {7, 8}};
    wchar_t glyph = iw_canvas_glyph(canvas, x / 2, y / 4, true);
    return glyph && ((glyph - 0x2800) >> (number[y % 4][x % 2] - 1) & 1);
}

static iw_canvas
new_canvas(void)
{
    iw_canvas canvas;
    iw_error err;
    assert_ok(iw_canvas_init(&canvas, COLUMNS, ROWS, &err), err);
    return canvas;
}

static void
a_dot_sets_its_bit_and_no_other(void **state)
{
    (void)state;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x += 7) {
            iw_canvas canvas = new_canvas();
            iw_canvas_dot(&canvas, x, y, 3);
            int set = 0;
            for (int j = 0; j < HEIGHT; j++)
                for (int i = 0; i < WIDTH; i++)
                    set += is_set(&canvas, i, j);
            assert_int_equal(set, 1);
            assert_true(is_set(&canvas, x, y));
            assert_int_equal(canvas.pens[y / 4 * COLUMNS + x / 2], 3);
            iw_canvas_fini(&canvas);
        }
}

static void
dots_outside_are_left_out(void **state)
{
    (void)state;
    iw_canvas canvas = new_canvas();
    static const int places[][2] = {{-1, 0}, {0, -1}, {WIDTH, 0}, {0, HEIGHT}, {-1000000, 5}};
    for (size_t k = 0; k < 5; k++)
        iw_canvas_dot(&canvas, places[k][0], places[k][1], 1);
    for (int row = 0; row < ROWS; row++)
        for (int column = 0; column < COLUMNS; column++)
            assert_int_equal(iw_canvas_glyph(&canvas, column, row, true), 0);
    iw_canvas_fini(&canvas);
}

/* Along the direction in which it is longer, a line has a dot at each step, no further than half a
 * dot from where it truly is. */
static void
check_line(const double p[4])
{
    iw_canvas canvas = new_canvas();
    iw_canvas_line(&canvas, p[0], p[1], p[2], p[3], 1, 1);
    double dx = p[2] - p[0], dy = p[3] - p[1];
    bool flat = fabs(dx) >= fabs(dy);
    int across = flat ? WIDTH : HEIGHT, along_other = flat ? HEIGHT : WIDTH;
    double from = flat ? p[0] : p[1], to = flat ? p[2] : p[3];
    double slope = flat ? dy / dx : dx / dy, start = flat ? p[1] : p[0];
    for (int k = 0; k < across; k++) {
        double other = start + ((double)k - from) * slope;
        bool inside = (double)k > fmin(from, to) + 0.5 && (double)k < fmax(from, to) - 0.5 &&
                      other > 0.0 && other < (double)along_other - 1.0;
        int set = 0;
        for (int j = 0; j < along_other; j++)
            if (flat ? is_set(&canvas, k, j) : is_set(&canvas, j, k)) {
                assert_true(fabs((double)j - other) <= 1.0 + 1e-9);
                set++;
            }
        assert_true(!inside || set >= 1);
        assert_true(set <= 2);
    }
    iw_canvas_fini(&canvas);
}

static void
lines_follow_their_formula_also_where_they_leave_the_canvas(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int trial = 0; trial < 400; trial++) {
        double reach = trial % 2 ? 1.0 : 4.0, p[4];
        for (int k = 0; k < 4; k++) {
            double size = k % 2 ? HEIGHT : WIDTH;
            p[k] = size * (0.5 + reach * (iw_test_uniform(&seed) - 0.5));
        }
        if (hypot(p[2] - p[0], p[3] - p[1]) > 2.0)
            check_line(p);
    }
}

static void
a_line_far_outside_costs_nothing_and_draws_nothing(void **state)
{
    (void)state;
    iw_canvas canvas = new_canvas();
    iw_canvas_line(&canvas, 0, 1e12, 1e12, 2e12, 1, 1);
    iw_canvas_line(&canvas, NAN, 0, 5, 5, 1, 1);
    iw_canvas_line(&canvas, 0, 0, INFINITY, 5, 1, 1);
    for (int row = 0; row < ROWS; row++)
        for (int column = 0; column < COLUMNS; column++)
            assert_int_equal(iw_canvas_glyph(&canvas, column, row, true), 0);
    iw_canvas_line(&canvas, -1e12, 5, 1e12, 5, 1, 1);
    for (int x = 0; x < WIDTH; x++)
        assert_true(is_set(&canvas, x, 5));
    iw_canvas_fini(&canvas);
}

static void
of_a_dashed_line_every_so_many_th_dot_is_drawn(void **state)
{
    (void)state;
    iw_canvas canvas = new_canvas();
    iw_canvas_line(&canvas, 0, 8, WIDTH - 1, 8, 1, 3);
    for (int x = 0; x < WIDTH; x++)
        assert_int_equal(is_set(&canvas, x, 8), x % 3 == 0);
    iw_canvas_fini(&canvas);
}

static void
ascii_shows_where_in_a_character_the_dots_are(void **state)
{
    (void)state;
    static const struct {
        int dots[4][2]; /* x, y */
        int n;
        wchar_t glyph;
    } cases[] = {
        {{{0, 1}, {1, 1}}, 2, L'-'},
        {{{0, 2}, {1, 1}}, 2, L'-'},
        {{{0, 0}, {1, 0}}, 2, L'\''},
        {{{0, 3}, {1, 3}}, 2, L'_'},
        {{{0, 2}, {1, 3}}, 2, L'.'},
        {{{0, 3}, {0, 2}, {1, 1}, {1, 0}}, 4, L'/'},
        {{{0, 0}, {0, 1}, {1, 2}, {1, 3}}, 4, L'\\'},
        {{{0, 0}, {0, 3}}, 2, L':'},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        iw_canvas canvas = new_canvas();
        for (int d = 0; d < cases[c].n; d++)
            iw_canvas_dot(&canvas, cases[c].dots[d][0], cases[c].dots[d][1], 1);
        assert_int_equal(iw_canvas_glyph(&canvas, 0, 0, false), cases[c].glyph);
        assert_int_equal(iw_canvas_glyph(&canvas, 1, 0, false), 0);
        iw_canvas_fini(&canvas);
    }
    for (int dots = 1; dots < 256; dots++) { /* whatever is set, something printable is shown */
        iw_canvas canvas = new_canvas();
        canvas.cells[0] = (unsigned char)dots;
        wchar_t glyph = iw_canvas_glyph(&canvas, 0, 0, false);
        assert_true(glyph > 0x20 && glyph < 0x7f);
        iw_canvas_fini(&canvas);
    }
}

static void
a_ramp_is_a_sparkline_of_all_heights(void **state)
{
    (void)state;
    double ramp[16];
    wchar_t text[17] = {0};
    for (int k = 0; k < 16; k++)
        ramp[k] = (double)k;
    iw_sparkline(ramp, 8, 8, true, text);
    for (int k = 0; k < 8; k++)
        assert_int_equal(text[k], 0x2581 + k);
    iw_sparkline(ramp, 16, 8, true, text); /* two to a character */
    for (int k = 0; k < 8; k++)
        assert_int_equal(text[k], 0x2581 + k);
    iw_sparkline(ramp, 2, 8, true, text); /* a value for four */
    for (int k = 0; k < 8; k++)
        assert_int_equal(text[k], k < 4 ? 0x2581 : 0x2588);
    iw_sparkline(ramp, 8, 8, false, text);
    for (int k = 0; k < 8; k++)
        assert_true(text[k] > 0x20 && text[k] < 0x7f);
}

static void
a_sparkline_has_blanks_where_nothing_is_known(void **state)
{
    (void)state;
    static const double values[] = {1.0, NAN, 3.0}, same[] = {2.0, 2.0};
    wchar_t text[4] = {0};
    iw_sparkline(values, 3, 3, true, text);
    assert_int_equal(text[0], 0x2581);
    assert_int_equal(text[1], L' ');
    assert_int_equal(text[2], 0x2588);
    iw_sparkline(values, 0, 3, true, text);
    assert_int_equal(text[0], L' ');
    iw_sparkline(same, 2, 2, true, text); /* neither low nor high */
    assert_int_equal(text[0], 0x2584);
    assert_int_equal(text[1], 0x2584);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dot_sets_its_bit_and_no_other),
        cmocka_unit_test(dots_outside_are_left_out),
        cmocka_unit_test(lines_follow_their_formula_also_where_they_leave_the_canvas),
        cmocka_unit_test(a_line_far_outside_costs_nothing_and_draws_nothing),
        cmocka_unit_test(of_a_dashed_line_every_so_many_th_dot_is_drawn),
        cmocka_unit_test(ascii_shows_where_in_a_character_the_dots_are),
        cmocka_unit_test(a_ramp_is_a_sparkline_of_all_heights),
        cmocka_unit_test(a_sparkline_has_blanks_where_nothing_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
