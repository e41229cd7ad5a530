/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_explain.c - every number that is shown has its six lines. */
#include "model.h"
#include "publish/explain.h"
#include "publish/json.h"

/* A number is told by its own key; value, stderr and ci95 also by the object around them, species
 * by charges_e. */
static void
check_number(const char *key, const char *parent)
{
    bool generic =
        strcmp(key, "value") == 0 || strcmp(key, "stderr") == 0 || strcmp(key, "ci95") == 0;
    if (strcmp(parent, "charges_e") == 0)
        return;
    if (!iw_explain_find(key) || (generic && !iw_explain_find(parent)))
        fail_msg("no six lines on \"%s\" in \"%s\": add a row to daemon/publish/explanations.c and "
                 "make docs/quantities.md again",
                 key, parent);
}

static void
walk(const json_t *object, const char *parent, size_t *seen)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        const json_t *first = json_array_get(value, 0);
        if (json_is_object(value)) {
            walk(value, key, seen);
        } else if (json_is_object(first)) {
            for (size_t i = 0; i < json_array_size(value); i++)
                walk(json_array_get(value, i), key, seen);
        } else if (json_is_number(value) || json_is_number(first)) {
            check_number(key, parent);
            *seen += 1;
        }
    }
}

/* Every number of the model's run, method paper and series and all. */
static void
every_number_of_a_record_has_six_lines(void **state)
{
    (void)state;
    enum { T = 2500 };
    model m;
    model_init(&m, T, CELL_SKEWED, true, true, 21);
    m.run.charge_e = calloc(MODEL_ATOMS, sizeof(double));
    assert_non_null(m.run.charge_e);
    for (size_t i = 0; i < MODEL_ATOMS; i++)
        m.run.charge_e[i] = m.run.kind[i] == 0 ? 1.0 : -0.5;
    iw_engine_options options;
    iw_engine_options_init(&options);
    iw_engine *engine = model_engine(&m, &options);
    model_send(&m, engine, 0, T);
    iw_snapshot *snapshot = model_snapshot(engine);
    json_t *record = iw_snapshot_json(snapshot, IW_JSON_SERIES);
    assert_non_null(record);
    size_t seen = 0;
    walk(record, "", &seen);
    assert_true(seen > 100);
    json_decref(record);
    iw_snapshot_unref(&snapshot);
    iw_engine_destroy(&engine);
    model_fini(&m);
}

/* Of those that a short run may not have. */
static void
numbers_that_are_often_missing_have_six_lines(void **state)
{
    (void)state;
    static const char *const keys[] = {"D_green_kubo_stderr_cm2_s",
                                       "D_axes_stderr_cm2_s",
                                       "stderr_blocks",
                                       "stderr_hops",
                                       "non_gaussian",
                                       "conductivity_mS_cm",
                                       "conductivity_nernst_einstein_mS_cm",
                                       "haven_ratio",
                                       "charge_msd",
                                       "skipped_ps",
                                       "detected_ps",
                                       "predicted_ps_to_target",
                                       "predicted_ps_ci95",
                                       "saved_ps",
                                       "paper_spacing_fs",
                                       "E_a_eV",
                                       "ln_D0",
                                       "p_value"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        check_number(keys[i], "");
    for (const iw_descriptor_row *row = iw_descriptor_catalogue; row->key; row++)
        check_number(row->key, "");
}

static void
headings_of_tables_are_names_too(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"N_eff", "effective_hops"},
                                           {"error(N)", "he_relative_error"},
                                           {"Gr.-Kubo", "D_green_kubo_cm2_s"},
                                           {"einstein", "D_einstein_cm2_s"},
                                           {"D", "D_cm2_s"},
                                           {"d_X", "D_axes_cm2_s"},
                                           {"F_vib", "f_vib_meV"},
                                           {"<w30>", "omega30_mean_meV"},
                                           {"fit range, ps", "fit_window_ps"},
                                           {"MORE ps", "predicted_ps_to_target"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const iw_explanation *row = iw_explain_find(pairs[i][0]);
        assert_non_null(row);
        assert_ptr_equal(row, iw_explain_find(pairs[i][1]));
    }
    assert_null(iw_explain_find("N_ef"));
    assert_null(iw_explain_find(""));
}

static void
each_explanation_is_six_lines_of_79_columns(void **state)
{
    (void)state;
    for (const iw_explanation *row = iw_explanations; row->keys; row++) {
        char *text = NULL;
        size_t size = 0, lines = 0;
        FILE *out = open_memstream(&text, &size);
        iw_explain_print(row, out);
        (void)fclose(out);
        for (const char *line = text; *line; lines++) {
            size_t n = strcspn(line, "\n");
            if (n > IW_EXPLAIN_WIDTH || n < 10)
                fail_msg("%zu columns: %.*s", n, (int)n, line);
            line += n + 1;
        }
        if (lines != IW_EXPLAIN_LINES)
            fail_msg("%zu lines on %s", lines, row->keys);
        free(text);
    }
}

static void
no_name_has_two_rows_and_no_two_rows_begin_alike(void **state)
{
    (void)state;
    for (const iw_explanation *row = iw_explanations; row->keys; row++) {
        char keys[256], *rest = keys, *key;
        (void)snprintf(keys, sizeof keys, "%s", row->keys);
        while ((key = strsep(&rest, " ")) != NULL)
            if (iw_explain_find(key) != row)
                fail_msg("\"%s\" has two rows", key);
        for (const iw_explanation *other = iw_explanations; other != row; other++)
            assert_string_not_equal(row->what, other->what);
    }
}

/* The last line sends the reader to a heading that begins so. */
static void
sections_of_the_physics_page_exist(void **state)
{
    (void)state;
    static char page[400000];
    FILE *file = fopen(IONWATCH_SOURCE_DIR "/docs/physics.md", "r");
    assert_non_null(file);
    size_t size = fread(page, 1, sizeof page - 1, file);
    assert_true(size < sizeof page - 1);
    page[size] = '\0';
    (void)fclose(file);
    for (const iw_explanation *row = iw_explanations; row->keys; row++) {
        char heading[120];
        (void)snprintf(heading, sizeof heading, "# %s", row->section);
        if (!strstr(page, heading))
            fail_msg("%s: docs/physics.md has no section \"%s\"", row->keys, row->section);
    }
}

static void
the_page_of_the_documents_is_made_by_the_table(void **state)
{
    (void)state;
    char *made = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&made, &size);
    iw_explain_page(out);
    (void)fclose(out);
    FILE *file = fopen(IONWATCH_SOURCE_DIR "/docs/quantities.md", "r");
    assert_non_null(file);
    char *kept = calloc(1, size + 2);
    size_t read = fread(kept, 1, size + 1, file);
    (void)fclose(file);
    if (read != size || strcmp(kept, made) != 0)
        fail_msg("docs/quantities.md differs: build/ionwatch explain --markdown > "
                 "docs/quantities.md");
    free(kept);
    free(made);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_of_a_record_has_six_lines),
        cmocka_unit_test(numbers_that_are_often_missing_have_six_lines),
        cmocka_unit_test(headings_of_tables_are_names_too),
        cmocka_unit_test(each_explanation_is_six_lines_of_79_columns),
        cmocka_unit_test(no_name_has_two_rows_and_no_two_rows_begin_alike),
        cmocka_unit_test(sections_of_the_physics_page_exist),
        cmocka_unit_test(the_page_of_the_documents_is_made_by_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
