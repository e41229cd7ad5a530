/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of the terminal view, drawn from JSON on a screen without a terminal. */
#include "cli/watch.h"

#include "iw_test.h"

#include <locale.h>

static const char *const listing_text =
    "[{\"id\":\"aaaaaaaa-1\",\"name\":\"beta\",\"state\":\"running\",\"frames\":100,\"atoms\":10,"
    "\"time_ps\":12.5,\"temperature_K\":600.0,\"D_cm2_s\":1.234e-5,\"stderr_cm2_s\":2.1e-6,"
    "\"relative_error\":0.17,\"target\":0.2,\"convergence\":\"converging\","
    "\"predicted_ps_to_target\":33.0,\"health\":\"warning\",\"material\":\"Li3S2\","
    "\"history\":{\"time_ps\":[1,2,3,4],\"D_cm2_s\":[null,1e-5,2e-5,3e-5]},"
    "\"events\":{\"warnings\":2,\"last\":\"the total energy drifts\"}},"
    "{\"id\":\"bbbbbbbb-2\",\"name\":\"alpha\\u001b[2J\",\"state\":\"completed\",\"D_cm2_s\":null,"
    "\"state_reason\":\"\"},"
    "{\"id\":\"cccccccc-3\",\"name\":\"\\u9502\\u79bb\\u5b50\",\"state\":\"stalled\","
    "\"D_cm2_s\":5e-5,\"stderr_cm2_s\":1e-6,\"time_ps\":3,\"material\":\"LGPS\"}]";

static json_t *
parse(const char *text)
{
    json_error_t where;
    json_t *json = json_loads(text, 0, &where);
    if (!json)
        print_error("%s\n", where.text);
    assert_non_null(json);
    return json;
}

static void
print_screen(const iw_screen *screen)
{
    for (int row = 0; row < screen->rows; row++) {
        for (int c = 0; c < screen->columns; c++)
            if (screen->cells[row * screen->columns + c].glyph)
                print_error("%lc", (wint_t)screen->cells[row * screen->columns + c].glyph);
        print_error("\n");
    }
}

static int find_row(const iw_screen *screen, const char *text);

/* The text (of ASCII) must stand in this row, or (-1) nowhere. */
#define assert_row(screen, text, row)                                                              \
    do {                                                                                           \
        if (find_row(screen, text) != (row)) {                                                     \
            print_screen(screen);                                                                  \
            print_error("\"%s\" in row %d, expected %d\n", text, find_row(screen, text), row);     \
            _fail(__FILE__, __LINE__);                                                             \
        }                                                                                          \
    } while (0)

/* The row that holds the text (of ASCII), -1: none. */
static int
find_row(const iw_screen *screen, const char *text)
{
    int n = (int)strlen(text);
    for (int row = 0; row < screen->rows; row++)
        for (int c = 0; c + n <= screen->columns; c++) {
            int k = 0;
            while (k < n && screen->cells[row * screen->columns + c + k].glyph == text[k])
                k++;
            if (k == n)
                return row;
        }
    return -1;
}

static void
draw_list(iw_watch_list *list, iw_screen *screen, int rows, int columns, bool utf8)
{
    iw_error err;
    screen->utf8 = utf8;
    assert_ok(iw_screen_clear(screen, rows, columns, &err), err);
    iw_watch_list_draw(list, screen, (iw_rect){0, 0, rows, columns});
}

static void
take(iw_watch_list *list, const json_t *runs)
{
    iw_error err;
    assert_ok(iw_watch_list_take(list, runs, &err), err);
}

static void
press(iw_watch_list *list, const json_t *runs, int key)
{
    assert_true(iw_watch_list_key(list, key));
    take(list, runs);
}

static void
a_row_shows_what_the_daemon_says_of_a_run(void **state)
{
    (void)state;
    json_t *runs = parse(listing_text);
    iw_watch_list list;
    iw_screen screen = {0};
    iw_watch_list_init(&list);
    take(&list, runs);
    draw_list(&list, &screen, 20, 200, true);
    int row = find_row(&screen, "beta");
    static const char *const cells[] = {"running",    "12.5",     "1.234e-05",
                                        "17.0/20 %",  "33",       "warning",
                                        "converging", "aaaaaaa~", "the total energy drifts"};
    for (size_t k = 0; k < sizeof cells / sizeof *cells; k++)
        assert_row(&screen, cells[k], row);
    bool low = false, high = false;
    for (int c = 0; c < 200; c++) {
        low |= screen.cells[row * 200 + c].glyph == 0x2581;
        high |= screen.cells[row * 200 + c].glyph == 0x2588;
    }
    assert_true(low && high);
    assert_true(find_row(&screen, "10 atoms at 600 K, 100 frames") > row);
    assert_row(&screen, "alpha?[2J", row + 1);
    draw_list(&list, &screen, 20, 80, false);
    assert_row(&screen, "1.234e-05 +- 2.1e-06", row);
    iw_screen_fini(&screen);
    iw_watch_list_fini(&list);
    json_decref(runs);
}

/* Presses > until the column is the one that rows are sorted by. */
static void
sort_by(iw_watch_list *list, const json_t *runs, iw_screen *screen, const char *heading)
{
    for (int k = 0; k < 20; k++) {
        press(list, runs, '>');
        draw_list(list, screen, 20, 200, true);
        if (find_row(screen, heading) == 0)
            return;
    }
    fail_msg("no column %s", heading);
}

static void
rows_are_sorted_and_what_is_not_known_comes_last_both_ways(void **state)
{
    (void)state;
    json_t *runs = parse(listing_text);
    iw_watch_list list;
    iw_screen screen = {0};
    iw_watch_list_init(&list);
    take(&list, runs);
    sort_by(&list, runs, &screen, "D cm2/s+");
    assert_row(&screen, "beta", 1);
    assert_row(&screen, "stalled", 2);
    assert_row(&screen, "alpha", 3);
    press(&list, runs, 'r');
    draw_list(&list, &screen, 20, 200, true);
    assert_row(&screen, "stalled", 1);
    assert_row(&screen, "beta", 2);
    assert_row(&screen, "alpha", 3);
    press(&list, runs, 'r');
    sort_by(&list, runs, &screen, "NAME+");
    assert_row(&screen, "alpha", 1);
    assert_row(&screen, "beta", 2);
    iw_screen_fini(&screen);
    iw_watch_list_fini(&list);
    json_decref(runs);
}

static void
a_filter_keeps_the_runs_that_have_its_letters(void **state)
{
    (void)state;
    json_t *runs = parse(listing_text);
    iw_watch_list list;
    iw_watch_list_init(&list);
    take(&list, runs);
    press(&list, runs, '/');
    for (const char *key = "lgqs"; *key; key++)
        press(&list, runs, *key);
    assert_int_equal(list.n_rows, 0);
    assert_null(iw_watch_list_selected(&list));
    press(&list, runs, IW_KEY_BACKSPACE);
    press(&list, runs, IW_KEY_BACKSPACE);
    press(&list, runs, 'p');
    assert_int_equal(list.n_rows, 1); /* its material, whatever the case */
    press(&list, runs, IW_KEY_ENTER);
    assert_false(list.typing);
    press(&list, runs, IW_KEY_ESCAPE);
    assert_int_equal(list.n_rows, 3);
    press(&list, runs, '/');
    press(&list, runs, 0x9502); /* typed as it is called */
    assert_int_equal(list.n_rows, 1);
    press(&list, runs, IW_KEY_BACKSPACE);
    assert_int_equal(list.n_rows, 3);
    iw_watch_list_fini(&list);
    json_decref(runs);
}

static void
the_cursor_stays_with_its_run(void **state)
{
    (void)state;
    json_t *runs = parse(listing_text);
    iw_watch_list list;
    iw_watch_list_init(&list);
    take(&list, runs);
    press(&list, runs, 'j');
    assert_string_equal(list.selected, "bbbbbbbb-2");
    assert_int_equal(json_array_insert_new(runs, 0, parse("{\"id\":\"new\",\"name\":\"a\"}")), 0);
    take(&list, runs);
    assert_string_equal(list.selected, "bbbbbbbb-2");
    press(&list, runs, IW_KEY_UP);
    press(&list, runs, IW_KEY_UP);
    press(&list, runs, 'k');
    assert_string_equal(list.selected, "new");
    press(&list, runs, 'G');
    assert_string_equal(list.selected, "cccccccc-3");
    assert_int_equal(json_array_remove(runs, 3), 0); /* ionwatch rm */
    take(&list, runs);
    assert_string_equal(list.selected, "new");
    iw_watch_list_fini(&list);
    json_decref(runs);
}

static void
the_row_under_the_cursor_is_on_the_screen_of_many(void **state)
{
    (void)state;
    json_t *runs = json_array();
    iw_watch_list list;
    iw_screen screen = {0};
    iw_watch_list_init(&list);
    for (int k = 0; k < 300; k++) {
        char name[16];
        (void)snprintf(name, sizeof name, "run%03d", k);
        json_array_append_new(runs, json_pack("{ssss}", "id", name, "name", name));
    }
    take(&list, runs);
    for (int k = 0; k < 299; k++) {
        draw_list(&list, &screen, 12, 60, true);
        char name[16];
        (void)snprintf(name, sizeof name, "run%03d", k);
        assert_in_range(find_row(&screen, name), 1, 8);
        press(&list, runs, k % 40 == 39 ? IW_KEY_PAGE_DOWN : 'j');
        if (k % 40 == 39)
            press(&list, runs, IW_KEY_PAGE_UP), press(&list, runs, 'j');
    }
    iw_screen_fini(&screen);
    iw_watch_list_fini(&list);
    json_decref(runs);
}

static const char *const record_text =
    "{\"run\":{\"id\":\"aaaaaaaa-1\",\"name\":\"beta\",\"state\":\"running\",\"frames\":100,"
    "\"atoms\":10,\"time_ps\":12.5,\"temperature_K\":600,\"material\":\"Li3S2\",\"mobile\":[\"Li\"]"
    "},"
    "\"groups\":{\"all\":{\"atoms\":10,\"D_cm2_s\":{\"value\":1e-6,\"stderr\":1e-7,"
    "\"ci95\":[8e-7,1.2e-6]}},\"mobile\":{\"atoms\":6,\"D_cm2_s\":{\"value\":1e-4,"
    "\"stderr\":2e-5,\"ci95\":[7e-5,1.5e-4]},\"fit_window_ps\":[2,10],\"msd_intercept_A2\":1,"
    "\"msd\":{\"lag_ps\":[0,1,2,3,4,5,6,7,8,9,10],\"msd_A2\":[0,7,13,19,25,31,37,43,49,55,61],"
    "\"stderr_A2\":[0,1,1,1,1,1,1,1,1,1,null]},"
    "\"vacf\":{\"lag_fs\":[0,1,2],\"c\":[2e-6,-1e-6,0],\"stderr\":[]},"
    "\"vdos\":{\"energy_meV\":[0,10,20,30],\"g\":[0,0.1,0.05,0],\"stderr\":[]}}},"
    "\"convergence\":{\"state\":\"converging\",\"reason\":\"why so\",\"relative_error\":0.2,"
    "\"predicted_ps_to_target\":33,\"decisions\":[]},"
    "\"health\":{\"state\":\"good\",\"reason\":\"\"},"
    "\"history\":{\"diffusion\":{\"time_ps\":[1,2,4,8],\"D_cm2_s\":[5e-4,3e-4,1e-4,1e-4],"
    "\"stderr_cm2_s\":[1,1,1,1],\"lower_cm2_s\":[0,null,5e-5,8e-5],"
    "\"upper_cm2_s\":[1,4e-4,2e-4,1.5e-4],\"relative_error\":[1,1,1,1]},"
    "\"health\":{\"time_ps\":[1,2,3],\"temperature_K\":[590,610,600],\"volume_A3\":[9,9,9]}},"
    "\"events\":[{\"id\":\"gap\",\"severity\":\"warning\",\"time_ps\":1.5,\"count\":3,"
    "\"text\":\"frames 5 to 7 are missing\"},{\"id\":\"no_velocities\",\"severity\":\"note\","
    "\"time_ps\":null,\"count\":1,\"text\":\"velocities are forward differences\"}]}";

static void
draw_run(iw_watch_run *view, iw_screen *screen, int rows, int columns, const json_t *record)
{
    iw_error err;
    assert_ok(iw_screen_clear(screen, rows, columns, &err), err);
    assert_ok(iw_watch_run_draw(view, screen, (iw_rect){0, 0, rows, columns}, record, NULL, &err),
              err);
}

static void
a_run_shows_D_with_error_and_each_panel(void **state)
{
    (void)state;
    static const char *const panels[][2] = {{"MSD of mobile", "fit of D 2 .. 10 ps"},
                                            {"D of mobile against time", "1e-4 cm2/s"},
                                            {"VDOS of mobile", "meV"},
                                            {"VACF of mobile", "C(t)/C(0)"},
                                            {"temperature, K", "volume, A3"},
                                            {"Diffusion, cm2/s", "converging"},
                                            {"gap (3 times, first)", "forward differences"}};
    json_t *record = parse(record_text);
    iw_watch_run view = {0};
    iw_screen screen = {.utf8 = true};
    for (int p = 0; p < IW_PANEL_COUNT; p++) {
        assert_true(iw_watch_run_key(&view, '1' + p, record));
        draw_run(&view, &screen, 40, 90, record);
        assert_row(&screen, "D 1.000e-04", 0);
        assert_row(&screen, "95 % 7.00e-05 .. 1.50e-04", 0);
        for (int k = 0; k < 2; k++)
            if (find_row(&screen, panels[p][k]) < 2) {
                print_screen(&screen);
                fail_msg("no \"%s\"", panels[p][k]);
            }
    }
    iw_screen_fini(&screen);
    json_decref(record);
}

/* MSD = 1 + 6 tau is the line of D = 1e-4 cm2/s: the fit covers the curve in its window. */
static void
the_fit_lies_on_the_curve_that_it_fits(void **state)
{
    (void)state;
    json_t *record = parse(record_text);
    iw_watch_run view = {.panel = IW_PANEL_MSD, .linear = true};
    iw_screen screen = {.utf8 = true};
    draw_run(&view, &screen, 40, 90, record);
    int fitted = 0, alone = 0;
    for (int c = 0; c < 40 * 90; c++) {
        fitted += screen.cells[c].style == IW_STYLE_FIT;
        alone += screen.cells[c].style == IW_STYLE_CURVE;
    }
    assert_in_range(alone, 14, 30);   /* lags 0 to 2 of 10 */
    assert_in_range(fitted, 55, 100); /* the rest */
    iw_screen_fini(&screen);
    json_decref(record);
}

static void
groups_follow_each_other_by_a_key(void **state)
{
    (void)state;
    json_t *record = parse(record_text);
    iw_watch_run view = {0};
    assert_string_equal(iw_watch_run_group(&view, record), "mobile");
    assert_true(iw_watch_run_key(&view, 'g', record));
    assert_string_equal(iw_watch_run_group(&view, record), "all");
    assert_true(iw_watch_run_key(&view, 'g', record));
    assert_string_equal(iw_watch_run_group(&view, record), "mobile");
    json_decref(record);
}

static void
large_screens_show_all_plots(void **state)
{
    (void)state;
    json_t *record = parse(record_text);
    iw_watch_run view = {0};
    iw_screen screen = {.utf8 = true};
    draw_run(&view, &screen, 30, 110, record);
    assert_true(find_row(&screen, "MSD of mobile") > 0);
    assert_row(&screen, "D of mobile", find_row(&screen, "MSD of mobile"));
    assert_row(&screen, "VACF of mobile", find_row(&screen, "VDOS of mobile"));
    assert_row(&screen, "temperature, K", -1);
    draw_run(&view, &screen, 30, 160, record);
    assert_row(&screen, "temperature, K", find_row(&screen, "MSD of mobile"));
    assert_true(iw_watch_run_key(&view, '2', record));
    draw_run(&view, &screen, 30, 160, record);
    assert_row(&screen, "MSD of mobile", -1);
    iw_screen_fini(&screen);
    json_decref(record);
}

/* Values of other kinds and absent ones in place of each value, in turn. */
static void
damage(json_t *value, int kind)
{
    static const char *const others[] = {"null", "-1", "\"\\u001b]0;x\\u0007\"",
                                         "[]",   "{}", "1e308"};
    const char *key;
    json_t *part;
    size_t i;
    void *next;
    json_object_foreach_safe(value, next, key, part)
    {
        if (json_is_object(part) || (json_is_array(part) && kind % 2))
            damage(part, kind);
        else
            json_object_set_new(value, key, json_loads(others[kind], JSON_DECODE_ANY, NULL));
    }
    json_array_foreach(value, i, part)
    {
        if (i % 2)
            json_array_set_new(value, i, json_loads(others[kind], JSON_DECODE_ANY, NULL));
    }
}

static void
any_json_is_drawn_at_any_size(void **state)
{
    (void)state;
    for (int kind = -2; kind < 6; kind++) {
        json_t *record = kind == -2 ? json_object() : parse(record_text);
        json_t *runs = kind == -2 ? json_object() : parse(listing_text);
        if (kind >= 0) {
            damage(record, kind);
            json_t *run;
            size_t i;
            json_array_foreach(runs, i, run)
            {
                damage(run, kind);
            }
        }
        iw_watch_run view = {0};
        iw_watch_list list;
        iw_screen screen = {.utf8 = kind % 2 == 0};
        iw_watch_list_init(&list);
        take(&list, runs);
        for (int columns = 1; columns < 180; columns += columns < 45 ? 3 : 34)
            for (int rows = 1; rows < 60; rows += rows < 15 ? 2 : 14) {
                draw_list(&list, &screen, rows, columns, screen.utf8);
                for (int p = 0; p < IW_PANEL_COUNT; p++) {
                    (void)iw_watch_run_key(&view, p ? IW_KEY_TAB : 't', record);
                    draw_run(&view, &screen, rows, columns, record);
                    for (int c = 0; c < rows * columns; c++)
                        assert_true(screen.cells[c].glyph == 0 || screen.cells[c].glyph >= 0x20);
                }
            }
        iw_screen_fini(&screen);
        iw_watch_list_fini(&list);
        json_decref(runs);
        json_decref(record);
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
        cmocka_unit_test(a_row_shows_what_the_daemon_says_of_a_run),
        cmocka_unit_test(rows_are_sorted_and_what_is_not_known_comes_last_both_ways),
        cmocka_unit_test(a_filter_keeps_the_runs_that_have_its_letters),
        cmocka_unit_test(the_cursor_stays_with_its_run),
        cmocka_unit_test(the_row_under_the_cursor_is_on_the_screen_of_many),
        cmocka_unit_test(a_run_shows_D_with_error_and_each_panel),
        cmocka_unit_test(the_fit_lies_on_the_curve_that_it_fits),
        cmocka_unit_test(groups_follow_each_other_by_a_key),
        cmocka_unit_test(large_screens_show_all_plots),
        cmocka_unit_test(any_json_is_drawn_at_any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
