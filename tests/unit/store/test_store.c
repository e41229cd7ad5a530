/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_store.c - filing and reading back, over both databases, against SQL that is not the store's.
 */
#include "database.h"

#include "publish/json.h"
#include "records.h"

#include <sqlite3.h>
#include <unistd.h>

/* ---- helpers ---- */

static json_t *
read_back(iw_store *store, const char *run, bool series)
{
    iw_error err = {0};
    json_t *record = NULL;
    assert_ok(iw_store_record(store, run, series, &record, &err), err);
    assert_non_null(record);
    return record;
}

static json_t *
descriptors(iw_store *store, const iw_store_query *query)
{
    iw_error err = {0};
    json_t *rows = json_array();
    assert_ok(iw_store_descriptors(store, query, iw_sql_keep, rows, &err), err);
    return rows;
}

/* ---- what is filed comes back ---- */

static void
a_filed_record_comes_back_whole(void **state)
{
    (void)state;
    iw_error err = {0};
    iw_store *store = database_open();
    assert_ok(file_run(store, ID_A, "lgps", 1.2e-5, NULL, &err), err);
    json_t *back = read_back(store, ID_A, true), *expected = record_of(ID_A, "lgps", 1.2e-5);
    assert_true(json_equal(back, expected));
    json_decref(back);

    back = read_back(store, "lgps", false);
    json_t *group = json_object_get(json_object_get(back, "groups"), "mobile");
    assert_null(json_object_get(group, "msd"));
    assert_non_null(json_object_get(group, "D_cm2_s"));
    json_decref(back);
    json_decref(expected);
    iw_store_close(&store);
}

static void
descriptors_have_units_errors_and_methods(void **state)
{
    (void)state;
    iw_error err = {0};
    iw_store *store = database_open();
    assert_ok(file_run(store, ID_A, "lgps", 1.2e-5, NULL, &err), err);
    iw_store_query query = {.run = "lgps", .group = "mobile", .descriptor = "D_cm2_s"};
    json_t *rows = descriptors(store, &query);
    assert_int_equal(json_array_size(rows), 1);
    json_t *row = json_array_get(rows, 0);
    assert_close(json_number_value(json_object_get(row, "value")), 1.2e-5, 0, 0);
    assert_close(json_number_value(json_object_get(row, "stderr")), 1.2e-6, 1e-15, 0);
    assert_close(json_number_value(json_object_get(row, "ci95_hi")), 1.44e-5, 1e-15, 0);
    assert_string_equal(json_string_value(json_object_get(row, "unit")), "cm2/s");
    assert_string_equal(json_string_value(json_object_get(row, "category")), "diffusive");
    assert_string_equal(json_string_value(json_object_get(row, "method")), "physical");
    json_decref(rows);
    iw_store_close(&store);
    assert_sql("SELECT value FROM descriptors WHERE descriptor = 'omega_mean_meV' AND method = "
               "'paper'",
               "32.88");
    assert_sql("SELECT value FROM descriptors WHERE descriptor = 'D_yy_cm2_s'", "2.4e-05");
}

static void
unknown_numbers_are_no_rows(void **state)
{
    (void)state;
    iw_error err = {0};
    iw_store *store = database_open();
    assert_ok(file_run(store, ID_A, "lgps", 1.2e-5, NULL, &err), err);
    iw_store_close(&store);
    assert_sql("SELECT count(*) FROM descriptors WHERE descriptor = 'D_green_kubo_cm2_s'", "0");
    assert_sql("SELECT count(*) FROM descriptors WHERE \"group\" = 'framework'", "0");
    assert_sql("SELECT name FROM groups ORDER BY ordinal", "mobile,framework");
}

/* The record of a run whose charges are known. */
static json_t *
charged_record(void)
{
    json_t *record = record_of(ID_A, "lgps", 1.2e-5);
    json_t *transport = json_pack(
        "{s:{s:f, s:f}, s:{s:f, s:f, s:[f, f]}, s:{s:n, s:n, s:[f, n]}, s:f, s:{s:[f, f, f], "
        "s:[f, f, f]}}",
        "charges_e", "Li", 1.0, "S", -2.0, "conductivity_mS_cm", "value", 230.0, "stderr", 25.0,
        "ci95", 190.0, 290.0, "haven_ratio", "value", "stderr", "ci95", 0.2, "volume_A3", 970.4,
        "charge_msd", "lag_ps", 0.0, 0.002, 0.004, "msd_e2A2", 0.0, 0.25, 0.5);
    assert_non_null(transport);
    json_t *history =
        json_pack("{s:{s:[f, f], s:[f, n]}, s:{s:[f], s:[f]}}", "diffusion", "time_ps", 1.0, 2.0,
                  "D_cm2_s", 1.1e-5, "health", "time_ps", 0.5, "volume_A3", 970.0);
    assert_non_null(history);
    assert_int_equal(json_object_set_new(record, "transport", transport), 0);
    assert_int_equal(json_object_set_new(record, "history", history), 0);
    assert_int_equal(json_object_set_new(json_object_get(record, "groups"), "all",
                                         json_pack("{s:i}", "atoms", 50)),
                     0);
    return record;
}

static void
what_is_of_the_whole_run_is_filed_under_the_group_of_all_atoms(void **state)
{
    (void)state;
    iw_error err = {0};
    iw_run_info run;
    iw_store *store = database_open();
    make_run(&run);
    json_t *record = charged_record(), *expected = charged_record();
    assert_ok(iw_store_file_record(store, record, &run, NULL, &err), err);
    json_t *back = read_back(store, ID_A, true); /* the series back in its place */
    assert_true(json_equal(back, expected));
    json_decref(back);
    json_decref(expected);
    json_decref(record);
    iw_run_info_fini(&run);
    iw_store_close(&store);
    assert_sql("SELECT \"group\", value, stderr, ci95_lo, ci95_hi, unit, category FROM descriptors "
               "WHERE descriptor = 'conductivity_mS_cm'",
               "all 230 25 190 290 mS/cm transport");
    assert_sql("SELECT count(*) FROM descriptors WHERE descriptor = 'haven_ratio'", "0");
    assert_sql("SELECT series || '.' || \"column\" FROM series WHERE \"group\" = 'all' ORDER BY "
               "ordinal",
               "charge_msd.lag_ps,charge_msd.msd_e2A2,history.health.time_ps,"
               "history.health.volume_A3");
    assert_sql("SELECT \"column\" FROM series WHERE \"group\" = 'mobile' AND series = "
               "'history.diffusion' ORDER BY \"column\"",
               "D_cm2_s,time_ps");
    assert_sql("SELECT record ->> 'history' FROM runs", "null");
    assert_sql("SELECT \"conductivity_mS_cm_stderr\" FROM descriptors_wide WHERE \"group\" = 'all'",
               "25");
}

static void
errors_beside_the_values_are_filed_with_them(void **state)
{
    (void)state;
    iw_error err = {0};
    iw_run_info run;
    iw_store *store = database_open();
    make_run(&run);
    json_t *record = record_of(ID_A, "lgps", 1.2e-5);
    json_t *mobile = json_object_get(json_object_get(record, "groups"), "mobile");
    json_t *errors =
        json_pack("{s:f, s:{s:f}, s:f, s:{s:f, s:f, s:[f, f]}, s:[f, n, f]}", "D_green_kubo_cm2_s",
                  2.0e-5, "stderr", "omega_mean_meV", 0.25, "D_green_kubo_stderr_cm2_s", 3.0e-6,
                  "D_green_kubo_plateau_cm2_s", "value", 1.5e-5, "stderr", 1.0e-6, "lag_fs", 400.0,
                  600.0, "D_axes_stderr_cm2_s", 1.0e-6, 3.0e-6);
    assert_non_null(errors);
    assert_int_equal(json_object_update(mobile, errors), 0);
    json_decref(errors);
    assert_ok(iw_store_file_record(store, record, &run, NULL, &err), err);
    json_decref(record);
    iw_run_info_fini(&run);
    iw_store_close(&store);
    assert_sql("SELECT descriptor, stderr FROM descriptors WHERE method = 'physical' AND stderr IS "
               "NOT NULL AND descriptor <> 'D_cm2_s' ORDER BY descriptor",
               "D_green_kubo_cm2_s 3e-06,D_green_kubo_plateau_cm2_s 1e-06,D_xx_cm2_s 1e-06,"
               "D_zz_cm2_s 3e-06,omega_mean_meV 0.25");
    assert_sql("SELECT count(*) FROM descriptors WHERE method = 'paper' AND stderr IS NOT NULL",
               "0");
}

static void
series_are_little_endian_doubles(void **state)
{
    (void)state;
    iw_error err = {0};
    iw_store *store = database_open();
    assert_ok(file_run(store, ID_A, "lgps", 1.2e-5, NULL, &err), err);
    iw_store_close(&store);
    /* 1/3 is 0x3FD5555555555555 */
    assert_sql(place.kind == database_sqlite
                   ? "SELECT hex(substr(data, 9, 8)) FROM series WHERE \"column\" = 'msd_A2'"
                   : "SELECT upper(encode(substr(data, 9, 8), 'hex')) FROM series WHERE \"column\" "
                     "= 'msd_A2'",
               "555555555555D53F");
}

static void
provenance_species_and_events_are_filed(void **state)
{
    (void)state;
    iw_error err = {0};
    iw_store *store = database_open();
    assert_ok(file_run(store, ID_A, "lgps", 1.2e-5, NULL, &err), err);
    iw_store_close(&store);
    assert_sql("SELECT value FROM metadata WHERE key = 'files'", "XDATCAR");
    assert_sql("SELECT event, frame, text FROM events", "gap 7 3 frames are missing");
    assert_sql("SELECT species, atoms, mass_amu, charge_e FROM species ORDER BY ordinal",
               "Li 2 6.94 null,S 1 32.06 null");
    assert_sql("SELECT writer FROM runs", "ionwatch " IONWATCH_VERSION);
}

static void
filing_again_replaces_and_keeps_the_database_id(void **state)
{
    (void)state;
    iw_error err = {0};
    char first[64], second[64], third[64];
    iw_store *store = database_open();
    assert_ok(file_run(store, ID_A, "lgps", 1.2e-5, first, &err), err);
    assert_ok(file_run(store, ID_B, "other", 3e-5, second, &err), err);
    assert_ok(file_run(store, ID_A, "renamed", 2.5e-5, third, &err), err);
    iw_store_close(&store);
    assert_string_equal(first, third);
    assert_string_not_equal(first, second);
    assert_sql("SELECT count(*) FROM runs", "2");
    assert_sql("SELECT count(*) FROM series", "6");
    assert_sql("SELECT value FROM descriptors d JOIN runs r ON r.run = d.run WHERE descriptor = "
               "'D_cm2_s' AND r.name = 'renamed'",
               "2.5e-05");
}

static void
the_wide_view_has_a_column_for_each_descriptor(void **state)
{
    (void)state;
    iw_error err = {0};
    iw_store *store = database_open();
    assert_ok(file_run(store, ID_A, "lgps", 1.2e-5, NULL, &err), err);
    iw_store_close(&store);
    assert_sql("SELECT name, \"D_cm2_s\", \"D_stderr_cm2_s\", \"omega_mean_meV\", "
               "\"paper_omega_mean_meV\" FROM descriptors_wide WHERE \"group\" = 'mobile'",
               "lgps 1.2e-05 1.2e-06 31.39 32.88");
    for (const iw_descriptor_row *row = iw_descriptor_catalogue; row->key; row++) {
        char statement[256];
        if (strstr(row->key, "_axes_"))
            continue;
        (void)snprintf(statement, sizeof statement,
                       "SELECT count(*) FROM descriptors_wide WHERE \"%s\" > -1e300", row->key);
        assert_true(database_number(statement) >= 0);
    }
}

static void
a_view_of_an_older_program_is_renewed(void **state)
{
    (void)state;
    iw_store *store = database_open();
    iw_store_close(&store);
    database_do("DROP VIEW descriptors_wide; CREATE VIEW descriptors_wide AS SELECT 1 AS old;"
                "UPDATE ionwatch_schema SET value = 'an older one' WHERE key = 'descriptors_wide'");
    store = database_open();
    iw_store_close(&store);
    assert_sql("SELECT count(\"D_cm2_s\") FROM descriptors_wide", "0");
}

/* ---- naming runs, removing them ---- */

static void
a_run_is_found_by_id_prefix_and_name(void **state)
{
    (void)state;
    iw_error err = {0};
    iw_store *store = database_open();
    assert_ok(file_run(store, ID_A, "one", 1e-5, NULL, &err), err);
    assert_ok(file_run(store, ID_B, "two", 2e-5, NULL, &err), err);
    json_decref(read_back(store, "aaaabbbb", false));
    json_decref(read_back(store, "AAAAAAAA-0000-4000-8000-000000000001", false));
    json_t *none = NULL;
    assert_int_equal(iw_store_record(store, "aaaa", false, &none, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "fits 2 runs"));
    assert_int_equal(iw_store_record(store, "three", false, &none, &err), IW_NOT_FOUND);
    assert_int_equal(iw_store_remove(store, "", &err), IW_NOT_FOUND);

    json_t *runs = json_array();
    assert_ok(iw_store_runs(store, NULL, iw_sql_keep, runs, &err), err);
    assert_int_equal(json_array_size(runs), 2);
    assert_close(json_number_value(json_object_get(json_array_get(runs, 1), "D_cm2_s")), 2e-5, 0,
                 0);
    json_decref(runs);
    iw_store_close(&store);
}

static void
removing_a_run_removes_all_that_belongs_to_it(void **state)
{
    (void)state;
    iw_error err = {0};
    iw_store *store = database_open();
    assert_ok(file_run(store, ID_A, "one", 1e-5, NULL, &err), err);
    assert_ok(iw_store_remove(store, "one", &err), err);
    assert_int_equal(iw_store_remove(store, "one", &err), IW_NOT_FOUND);
    iw_store_close(&store);
    static const char *const tables[] = {"runs",   "species", "groups",  "descriptors",
                                         "series", "events",  "metadata"};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        char statement[64];
        (void)snprintf(statement, sizeof statement, "SELECT count(*) FROM %s", tables[i]);
        assert_sql(statement, "0");
    }
}

/* ---- how the numbers were made ---- */

static void
how_the_numbers_were_made_stands_in_columns(void **state)
{
    (void)state;
    iw_error err = {0};
    iw_run_info run;
    make_run(&run);
    iw_store *store = database_open();
    json_t *record = record_of(ID_A, "lgps", 1.2e-5);
    json_t *more = json_pack(
        "{s:{s:s, s:s, s:s, s:s, s:f, s:f, s:f, s:n}, s:{s:s, s:f, s:s}, s:{s:s, s:s, s:s}, "
        "s:{s:s}}",
        "run", "velocity_source", "engine", "drift", "com", "taper", "parzen", "formula", "Li2S",
        "vacf_window_ps", 4.0, "cutoff_meV", 30.0, "msd_dt_fs", 10.0, "paper_spacing_fs",
        "equilibration", "rule", "auto", "skipped_ps", 1.5, "reason", "hot at first", "convergence",
        "state", "converged", "rule", "precision", "reason", "known to 10 %", "health", "state",
        "good");
    assert_non_null(more);
    assert_int_equal(json_object_update_recursive(record, more), 0);
    json_decref(more);
    assert_ok(iw_store_file_record(store, record, &run, NULL, &err), err);
    json_decref(record);
    iw_run_info_fini(&run);
    iw_store_close(&store);
    assert_sql("SELECT velocity_source, drift, taper, formula, vacf_window_ps, \"cutoff_meV\", "
               "msd_dt_fs, paper_spacing_fs FROM runs",
               "engine com parzen Li2S 4 30 10 null");
    assert_sql("SELECT skip_rule, skipped_ps, skip_reason, convergence, stop_rule, stop_reason, "
               "health FROM runs",
               "auto 1.5 hot at first converged precision known to 10 % good");
}

/* ---- SQL that people write ---- */

static void
sql_that_reads_is_run_and_no_other(void **state)
{
    (void)state;
    static const char *const others[] = {"DELETE FROM runs",
                                         "DROP TABLE runs",
                                         "SELECT 1; SELECT 2",
                                         "SELEC",
                                         "",
                                         "INSERT INTO metadata VALUES (1, 'a', 'b')"};
    iw_error err = {0};
    iw_store *store = database_open();
    assert_ok(file_run(store, ID_A, "one", 1e-5, NULL, &err), err);
    iw_store_close(&store);
    iw_store_options options = {.read_only = true};
    store = iw_store_open(place.uri, &options, &err);
    assert_non_null(store);
    json_t *rows = json_array();
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(iw_store_sql(store, others[i], iw_sql_keep, rows, &err), IW_INVALID);
        assert_int_equal(json_array_size(rows), 0);
    }
    assert_ok(iw_store_sql(store,
                           "SELECT name, frames, \"temperature_K\", code_version, frames > 5 AS "
                           "\"many\", mobile AS mobile_json, 0.5 * frames AS half FROM runs;",
                           iw_sql_keep, rows, &err),
              err);
    json_t *expected =
        json_pack("[{s:s, s:i, s:f, s:n, s:i, s:[s], s:f}]", "name", "one", "frames", 1000,
                  "temperature_K", 600.0, "code_version", "many", 1, "mobile", "Li", "half", 500.0);
    assert_true(json_equal(rows, expected));
    json_decref(expected);
    json_decref(rows);
    iw_store_close(&store);
    assert_sql("SELECT count(*) FROM runs", "1");
}

/* ---- from one database to another ---- */

static void
dump(iw_store *store, json_t **all)
{
    static const char *const tables[] = {
        "SELECT * FROM runs",
        "SELECT * FROM species ORDER BY ordinal",
        "SELECT * FROM groups ORDER BY ordinal",
        "SELECT * FROM descriptors ORDER BY \"group\", descriptor, method",
        "SELECT * FROM series ORDER BY ordinal",
        "SELECT * FROM events ORDER BY ordinal",
        "SELECT * FROM metadata ORDER BY key",
        "SELECT * FROM materials ORDER BY \"group\"",
        "SELECT * FROM descriptors_wide",
    };
    iw_error err = {0};
    *all = json_array();
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        assert_ok(iw_store_sql(store, tables[i], iw_sql_keep, *all, &err), err);
}

static void
a_run_is_copied_row_by_row(void **state)
{
    (void)state;
    iw_error err = {0};
    iw_run_info run;
    char path[160];
    (void)snprintf(path, sizeof path, "/tmp/iw-copy-%ld.db", (long)getpid());
    iw_store *from = iw_store_open(path, NULL, &err), *to = database_open();
    assert_non_null(from);
    json_t *record = charged_record(), *here, *there;
    make_run(&run);
    assert_ok(iw_store_file_record(from, record, &run, NULL, &err), err);
    json_decref(record);
    iw_run_info_fini(&run);
    assert_ok(file_run(to, ID_A, "an older one", 9e-5, NULL, &err), err);
    for (int twice = 0; twice < 2; twice++) {
        assert_ok(iw_store_copy(to, from, "lgps", &err), err);
        dump(from, &here);
        dump(to, &there);
        assert_true(json_equal(here, there));
        json_decref(here);
        json_decref(there);
    }
    assert_int_equal(iw_store_copy(to, from, "none", &err), IW_NOT_FOUND);
    assert_ok(iw_store_copy(to, from, ID_A, &err), err); /* goes on working */
    iw_store_close(&from);
    iw_store_close(&to);
    (void)unlink(path);
}

/* Columns are named in a statement by those that the other database has. */
static void
names_of_columns_are_no_sql(void **state)
{
    (void)state;
    iw_error err = {0};
    char path[160];
    sqlite3 *db = NULL;
    (void)snprintf(path, sizeof path, "/tmp/iw-odd-%ld.db", (long)getpid());
    iw_store *from = iw_store_open(path, NULL, &err), *to = database_open();
    assert_non_null(from);
    assert_ok(file_run(from, ID_A, "one", 1e-5, NULL, &err), err);
    iw_store_close(&from);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "ALTER TABLE species ADD COLUMN \"run\"\") SELECT 1; --\" TEXT",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    from = iw_store_open(path, NULL, &err);
    assert_int_not_equal(iw_store_copy(to, from, ID_A, &err), IW_OK);
    assert_non_null(strstr(err.text, "run\") SELECT 1; --"));
    iw_store_close(&from);
    iw_store_close(&to);
    assert_sql("SELECT count(*) FROM runs", "0");
    (void)unlink(path);
}

int
main(void)
{
#define CASE(name)                                                                                 \
    {                                                                                              \
#name, name, NULL                                                                          \
    }
#define SQLITE(name)                                                                               \
    {                                                                                              \
#name, name, database_sqlite                                                               \
    }
    static const database_case cases[] = {
        CASE(a_filed_record_comes_back_whole),
        CASE(descriptors_have_units_errors_and_methods),
        CASE(unknown_numbers_are_no_rows),
        CASE(errors_beside_the_values_are_filed_with_them),
        CASE(what_is_of_the_whole_run_is_filed_under_the_group_of_all_atoms),
        CASE(series_are_little_endian_doubles),
        CASE(provenance_species_and_events_are_filed),
        CASE(filing_again_replaces_and_keeps_the_database_id),
        CASE(the_wide_view_has_a_column_for_each_descriptor),
        CASE(a_view_of_an_older_program_is_renewed),
        CASE(a_run_is_found_by_id_prefix_and_name),
        CASE(removing_a_run_removes_all_that_belongs_to_it),
        CASE(how_the_numbers_were_made_stands_in_columns),
        CASE(sql_that_reads_is_run_and_no_other),
        CASE(a_run_is_copied_row_by_row),
        CASE(names_of_columns_are_no_sql),
    };
    return database_run(cases, sizeof cases / sizeof *cases);
}
