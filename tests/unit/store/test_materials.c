/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_materials.c - the table "materials": a line through the runs of each material, always that
 * of the runs that are there. */
#include "database.h"

#include "constants.h"
#include "store/schema.h"
#include "store/store_internal.h"

#include <sqlite3.h>
#include <unistd.h>

static double
law(double E_a_eV, double temperature_K)
{
    return 2e-3 * exp(-1000.0 * E_a_eV / (IW_BOLTZMANN_MEV_K * temperature_K));
}

/* Run number n of a material at a temperature; its D is known to 10 %. */
static json_t *
record_of(unsigned n, const char *material, double temperature_K, double D, bool diffusive)
{
    char id[40];
    (void)snprintf(id, sizeof id, "aaaaaaaa-0000-4000-8000-%012u", n);
    json_t *record = json_pack(
        "{s:{s:s, s:s, s:s, s:i, s:i, s:f, s:[s]}, s:{s:{s:i, s:{s:f, s:f, s:[f, f]}, s:b, s:s}}}",
        "run", "id", id, "name", "a run", "state", "completed", "frames", 1000, "atoms", 50,
        "temperature_K", temperature_K, "mobile", "Li", "groups", "mobile", "atoms", 20, "D_cm2_s",
        "value", D, "stderr", 0.1 * D, "ci95", 0.8 * D, 1.2 * D, "diffusive", (int)diffusive,
        "warning", "too short");
    assert_non_null(record);
    if (material)
        assert_int_equal(
            json_object_set_new(json_object_get(record, "run"), "material", json_string(material)),
            0);
    return record;
}

static void
file_run(iw_store *store, unsigned n, const char *material, double temperature_K, double D,
         bool diffusive)
{
    static const char *const species[] = {"Li", "Li", "S"};
    iw_error err = {0};
    iw_run_info run;
    iw_run_info_init(&run);
    assert_ok(iw_run_info_set_atoms(&run, 3, species, &err), err);
    json_t *record = record_of(n, material, temperature_K, D, diffusive);
    assert_ok(iw_store_file_record(store, record, &run, NULL, &err), err);
    json_decref(record);
    iw_run_info_fini(&run);
}

/* One number of the row of a material and group; NAN where it is NULL or there is no row. */
static double
value(const char *material, const char *column)
{
    char statement[256];
    (void)snprintf(statement, sizeof statement,
                   "SELECT %s FROM materials WHERE material = '%s' AND \"group\" = 'mobile'",
                   column, material);
    return database_number(statement);
}

static void
filing_makes_the_line_of_the_material(void **state)
{
    (void)state;
    iw_store *store = database_open();
    file_run(store, 1, "Li2S", 500, law(0.3, 500), true);
    assert_close(value("Li2S", "runs_used"), 1, 0, 0);
    assert_true(isnan(value("Li2S", "\"E_a_eV\"")));
    assert_close(
        value("Li2S", "CASE WHEN warnings LIKE '%runs at two temperatures or more%' THEN 1 END"), 1,
        0, 0);
    file_run(store, 2, "Li2S", 700, law(0.3, 700), true);
    file_run(store, 3, "Li2S", 1000, law(0.3, 1000), true);
    file_run(store, 4, "Li2S", 400, 3e-7, false);
    file_run(store, 5, "other", 700, 1e-5, true);
    iw_store_close(&store);
    assert_close(value("Li2S", "runs"), 4, 0, 0);
    assert_close(value("Li2S", "runs_used"), 3, 0, 0);
    assert_close(value("Li2S", "\"E_a_eV\""), 0.3, 1e-10, 0);
    assert_close(value("Li2S", "\"ln_D0\""), log(2e-3), 1e-10, 0);
    assert_close(value("Li2S", "\"D300_cm2_s\""), law(0.3, 300), 1e-9, 0);
    assert_close(value("Li2S", "\"T_min_K\""), 500, 0, 0);
    assert_close(value("Li2S", "\"T_max_K\""), 1000, 0, 0);
    assert_close(value("Li2S", "degrees_of_freedom"), 1, 0, 0);
    assert_close(value("Li2S", "p_value"), 1, 1e-6, 0);
    double stderr_eV = value("Li2S", "\"E_a_stderr_eV\"");
    assert_true(stderr_eV > 0.0);
    assert_close(value("Li2S", "\"E_a_ci95_hi_eV\""), 0.3 + 1.959963984540054 * stderr_eV, 1e-9, 0);
    assert_true(value("Li2S", "\"D300_ci95_lo_cm2_s\"") < law(0.3, 300));
    assert_true(value("Li2S", "\"D300_ci95_hi_cm2_s\"") > law(0.3, 300));
    assert_close(
        value("Li2S", "CASE WHEN warnings LIKE '%1 run colder than 500 K is left out%' THEN 1 END"),
        1, 0, 0);
    assert_close(value("other", "runs"), 1, 0, 0);
    assert_close(value("other", "(SELECT count(*) FROM descriptors_wide WHERE material = 'Li2S')"),
                 4, 0, 0);
}

static void
filing_again_and_removing_make_the_line_anew(void **state)
{
    (void)state;
    iw_error err = {0};
    iw_store *store = database_open();
    file_run(store, 1, "Li2S", 500, law(0.3, 500), true);
    file_run(store, 2, "Li2S", 700, law(0.4, 700), true);
    file_run(store, 2, "Li2S", 1000, law(0.3, 1000), true); /* the same run, gone on */
    assert_close(value("Li2S", "\"E_a_eV\""), 0.3, 1e-10, 0);
    assert_close(value("Li2S", "runs"), 2, 0, 0);
    file_run(store, 2, "renamed", 1000, law(0.3, 1000), true);
    assert_close(value("Li2S", "runs"), 1, 0, 0);
    assert_true(isnan(value("Li2S", "\"E_a_eV\"")));
    assert_close(value("renamed", "runs"), 1, 0, 0);
    assert_ok(iw_store_remove(store, "aaaaaaaa-0000-4000-8000-000000000002", &err), err);
    assert_true(isnan(value("renamed", "runs")));
    assert_close(value("Li2S", "runs"), 1, 0, 0);
    iw_store_close(&store);
}

static void
a_record_that_names_no_material_goes_by_its_formula(void **state)
{
    (void)state;
    iw_error err = {0};
    json_t *names = NULL, *runs = NULL;
    iw_store *store = database_open();
    file_run(store, 1, NULL, 500, law(0.3, 500), true);
    file_run(store, 2, "Li2S", 700, law(0.3, 700), true);
    assert_close(value("Li2S", "\"E_a_eV\""), 0.3, 1e-10, 0);
    assert_ok(iw_store_materials(store, &names, &err), err);
    assert_int_equal(json_array_size(names), 1);
    assert_string_equal(json_string_value(json_array_get(names, 0)), "Li2S");
    json_decref(names);
    assert_ok(iw_store_of_material(store, "Li2S", &runs, &err), err);
    assert_int_equal(json_array_size(runs), 2);
    json_t *first = json_array_get(runs, 0);
    assert_string_equal(json_string_value(json_object_get(first, "source")), "filed");
    assert_true(json_is_object(json_object_get(first, "record")));
    json_decref(runs);
    assert_ok(iw_store_of_material(store, "nothing", &runs, &err), err);
    assert_int_equal(json_array_size(runs), 0);
    json_decref(runs);
    iw_store_close(&store);
}

/* A database as the first schema left it: two runs, one of which told its material. */
static void
runs_of_the_first_schema_get_their_material(void **state)
{
    (void)state;
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(place.path, &db), SQLITE_OK);
    char *schema = iw_schema_words(&iw_store_sqlite, iw_schema_migrations[0]);
    assert_int_equal(sqlite3_exec(db, schema, NULL, NULL, NULL), SQLITE_OK);
    free(schema);
    for (unsigned n = 1; n <= 3; n++) {
        double T = 400.0 + 200.0 * n;
        json_t *record = record_of(n, NULL, T, law(0.25, T), true);
        char *text = json_dumps(record, JSON_COMPACT);
        char *sql = sqlite3_mprintf(
            "INSERT INTO runs VALUES (%u, 'aaaaaaaa-0000-4000-8000-%012u', 'old', 'completed', "
            "NULL, NULL, 10, 3, 1, 1, 1, %f, '[]', '2026-01-01T00:00:00Z', 'ionwatch 0', %Q);"
            "INSERT INTO species VALUES (%u, 'S', 0, 1, 32, 0), (%u, 'Li', 1, 2, 6.9, 0);"
            "INSERT INTO groups VALUES (%u, 'mobile', 0, 2);",
            n, n, T, text, n, n, n);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_free(sql);
        free(text);
        json_decref(record);
    }
    assert_int_equal(sqlite3_exec(db,
                                  "INSERT INTO metadata VALUES (3, 'material', ' Li2S, PBE ');"
                                  "PRAGMA user_version = 1; PRAGMA application_id = 1769432162",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    (void)sqlite3_close(db);

    iw_store *store = database_open();
    iw_store_close(&store);
    assert_close(value("Li2S", "runs"), 2, 0, 0);
    assert_close(value("Li2S", "\"E_a_eV\""), 0.25, 1e-9, 0);
    assert_close(value("Li2S, PBE", "runs"), 1, 0, 0);
}

int
main(void)
{
#define CASE(name)                                                                                 \
    {                                                                                              \
#name, name, NULL                                                                          \
    }
    static const database_case cases[] = {
        CASE(filing_makes_the_line_of_the_material),
        CASE(filing_again_and_removing_make_the_line_anew),
        CASE(a_record_that_names_no_material_goes_by_its_formula),
        {"runs_of_the_first_schema_get_their_material", runs_of_the_first_schema_get_their_material,
         database_sqlite},
    };
    return database_run(cases, sizeof cases / sizeof *cases);
}
