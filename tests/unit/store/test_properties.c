/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_properties.c - what runs do not measure, over both databases. */
#include "database.h"

#include "publish/json.h"
#include "records.h"

static const iw_store_origin from_a = {"a.csv", "xxh3:0a"}, from_b = {"b.csv", "xxh3:0b"};

static iw_store_property
property(const char *name, double value)
{
    const iw_descriptor_row *about = iw_descriptor_find(name);
    iw_store_property row = {.value = value,
                             .standard_error = (double)NAN,
                             .unit = about ? about->unit : "GPa",
                             .category = about ? about->category : "mechanical"};
    (void)snprintf(row.descriptor, sizeof row.descriptor, "%s", name);
    return row;
}

/* How many sets it changed. */
static size_t
put(iw_store *store, const char *material, const char *run, const char *method, const char *name,
    double value, const iw_store_origin *origin)
{
    iw_error err = {0};
    size_t changed;
    iw_store_property row = property(name, value);
    iw_store_properties set = {material, run, method, &row, 1};
    if (strcmp(name, "space_group_number") == 0)
        row.text = "Fm-3m";
    assert_ok(iw_store_import(store, &set, 1, origin, &changed, &err), err);
    return changed;
}

/* A run of Li2S (records.h) with what its first frame said. */
static void
file_with_structure(iw_store *store, const char *id, const char *name)
{
    iw_error err = {0};
    iw_run_info run;
    make_run(&run);
    json_t *record = record_of(id, name, 1e-5), *groups = json_object_get(record, "groups");
    (void)json_object_set_new(groups, "all", json_pack("{s:i}", "atoms", 50));
    (void)json_object_set_new(record, "structure",
                              json_pack("{s:s, s:s, s:f, s:f, s:n}", "source", "first frame",
                                        "space_group", "P1", "density_g_cm3", 1.5,
                                        "space_group_number", 1.0, "coordination_number"));
    assert_ok(iw_store_file_record(store, record, &run, NULL, &err), err);
    json_decref(record);
    iw_run_info_fini(&run);
}

#define WIDE(column) "SELECT " column " FROM descriptors_wide WHERE \"group\" = 'all' ORDER BY name"

static void
a_structure_is_filed_with_its_run_under_all_atoms(void **state)
{
    (void)state;
    iw_store *store = database_open();
    file_with_structure(store, ID_A, "one");
    iw_store_close(&store);
    assert_sql("SELECT \"group\", descriptor, value, unit, category FROM descriptors WHERE method "
               "= 'structure' ORDER BY descriptor",
               "all density_g_cm3 1.5 g/cm3 structural,all space_group_number 1 1 structural");
    assert_sql("SELECT space_group FROM runs", "P1");
    assert_sql(WIDE("density_g_cm3, space_group, coordination_number"), "1.5 P1 null");
    assert_sql("SELECT density_g_cm3 FROM descriptors_wide WHERE \"group\" = 'mobile'", "null");
}

static void
a_perfect_structure_goes_before_that_of_the_run(void **state)
{
    (void)state;
    iw_store *store = database_open();
    file_with_structure(store, ID_A, "one");
    put(store, "Li2S", NULL, "imported", "density_g_cm3", 1.7, &from_a);
    assert_sql(WIDE("density_g_cm3, space_group"), "1.5 P1");
    put(store, "Li2S", NULL, "perfect", "space_group_number", 225, &from_a);
    assert_sql(WIDE("density_g_cm3, space_group, space_group_number"), "1.5 Fm-3m 225");
    put(store, "Li2S", NULL, "perfect", "density_g_cm3", 1.66, &from_b);
    /* By the same method all is replaced. */
    assert_sql(WIDE("density_g_cm3, space_group, space_group_number"), "1.66 P1 1");
    put(store, NULL, "one", "imported", "density_g_cm3", 1.9, &from_b);
    assert_sql(WIDE("density_g_cm3"), "1.9");
    iw_store_close(&store);
}

static void
what_is_imported_is_there_for_each_run_of_the_material(void **state)
{
    (void)state;
    iw_error err = {0};
    iw_store *store = database_open();
    file_with_structure(store, ID_A, "one");
    file_with_structure(store, ID_B, "two");
    put(store, "Li2S", NULL, "imported", "band_gap_eV", 3.4, &from_a);
    put(store, "Li2S", NULL, "imported", "band_gap_eV", 3.4, &from_b); /* once more */
    put(store, NULL, "two", "imported", "vacancy_energy_eV", 0.8, &from_b);
    assert_sql(WIDE("name, \"band_gap_eV\", \"vacancy_energy_eV\""), "one 3.4 null,two 3.4 0.8");
    assert_sql("SELECT count(*) FROM material_descriptors", "1");
    assert_sql("SELECT file, hash, length(imported_at) FROM material_descriptors",
               "b.csv xxh3:0b 20");
    iw_store_query query = {.run = "two", .group = "all", .descriptor = "vacancy_energy_eV"};
    json_t *rows = json_array();
    assert_ok(iw_store_descriptors(store, &query, iw_sql_keep, rows, &err), err);
    assert_int_equal(json_array_size(rows), 1);
    const json_t *row = json_array_get(rows, 0);
    assert_string_equal(json_string_value(json_object_get(row, "method")), "imported");
    assert_null(json_object_get(row, "run_number"));
    json_decref(rows);
    json_t *record = NULL;
    assert_ok(iw_store_record(store, "two", false, &record, &err), err);
    const json_t *list = json_object_get(record, "properties");
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "of")), "run");
    json_decref(record);
    iw_store_close(&store);
}

static void
a_run_that_is_filed_again_keeps_what_was_imported_and_one_that_goes_takes_it_along(void **state)
{
    (void)state;
    iw_error err = {0};
    iw_store *store = database_open();
    file_with_structure(store, ID_A, "one");
    put(store, NULL, "one", "imported", "band_gap_eV", 3.4, &from_a);
    file_with_structure(store, ID_A, "again");
    assert_sql(WIDE("name, \"band_gap_eV\""), "again 3.4");
    assert_ok(iw_store_remove(store, "again", &err), err);
    iw_store_close(&store);
    assert_sql("SELECT count(*) FROM run_descriptors", "0");
}

static void
an_import_is_whole_or_nothing(void **state)
{
    (void)state;
    iw_error err = {0};
    size_t changed;
    iw_store *store = database_open();
    file_with_structure(store, ID_A, "one");
    iw_store_property row = property("band_gap_eV", 3.4);
    iw_store_properties sets[] = {{NULL, "one", "imported", &row, 1},
                                  {NULL, "nobody", "imported", &row, 1}};
    assert_int_equal(iw_store_import(store, sets, 2, &from_a, &changed, &err), IW_NOT_FOUND);
    assert_non_null(strstr(err.text, "nobody"));
    assert_sql("SELECT count(*) FROM run_descriptors", "0");
    row.value = (double)NAN; /* NULL, which the table refuses */
    assert_int_not_equal(iw_store_import(store, sets, 1, &from_a, &changed, &err), IW_OK);
    iw_store_close(&store);
}

static size_t
put_tensor(iw_store *store, double c11, double c12, double c44)
{
    iw_error err = {0};
    size_t changed;
    iw_store_property rows[21];
    iw_store_properties set = {"Li2S", NULL, "elastic", rows, 0};
    for (size_t i = 0; i < 6; i++)
        for (size_t j = i; j < 6; j++) {
            char name[64];
            iw_store_elastic_name(i, j, name);
            rows[set.n++] = property(name, i == j ? (i < 3 ? c11 : c44) : j < 3 ? c12 : 0);
        }
    assert_ok(iw_store_import(store, &set, 1, &from_a, &changed, &err), err);
    return changed;
}

/* Whatever comes first, tensor or density. */
static void
moduli_follow_from_the_tensor_and_velocities_from_the_density(void **state)
{
    (void)state;
    iw_store *store = database_open();
    file_with_structure(store, ID_A, "one");
    put_tensor(store, 90, 30, 30); /* isotropic: B 50, G 30 GPa */
    assert_close(database_number(WIDE("\"bulk_modulus_GPa\"")), 50, 1e-12, 0);
    assert_close(database_number(WIDE("\"youngs_modulus_reuss_GPa\"")), 75, 1e-12, 0);
    assert_sql(WIDE("transverse_velocity_km_s"), "null"); /* the run's density is not taken */
    put(store, "Li2S", NULL, "imported", "density_g_cm3", 1.2, &from_b);
    assert_close(database_number(WIDE("transverse_velocity_km_s")), 5, 1e-12, 0);
    put(store, "Li2S", NULL, "perfect", "density_g_cm3", 30, &from_b);
    assert_close(database_number(WIDE("transverse_velocity_km_s")), 1, 1e-12, 0);
    put_tensor(store, 180, 60, 60);
    assert_close(database_number(WIDE("\"bulk_modulus_GPa\"")), 100, 1e-12, 0);
    assert_sql("SELECT count(*) FROM material_descriptors WHERE method = 'elastic'", "40");
    iw_store_close(&store);
}

/* An element that a table names as it stands is no part of the tensor. */
static void
a_number_called_like_an_element_leaves_the_tensor_alone(void **state)
{
    (void)state;
    iw_store *store = database_open();
    file_with_structure(store, ID_A, "one");
    put(store, "Li2S", NULL, "imported", "elastic_c11_GPa", 1, &from_b);
    put_tensor(store, 90, 30, 30);
    put(store, "Li2S", NULL, "imported", "elastic_c12_GPa", 1e3, &from_b);
    assert_close(database_number(WIDE("\"bulk_modulus_GPa\"")), 50, 1e-12, 0);
    iw_store_close(&store);
}

#define LONG_AGO "2001-01-01T00:00:00Z"

static void
what_comes_again_unchanged_keeps_the_time_when_it_came(void **state)
{
    (void)state;
    iw_store *store = database_open();
    file_with_structure(store, ID_A, "one");
    for (int i = 0; i < 2; i++) {
        size_t expected = i == 0;
        assert_int_equal(put_tensor(store, 90, 30, 30), expected);
        assert_int_equal(put(store, "Li2S", NULL, "perfect", "space_group_number", 225, &from_a),
                         expected);
        assert_int_equal(put(store, "Li2S", NULL, "imported", "band_gap_eV", 3.4, &from_a),
                         expected);
        assert_int_equal(put(store, NULL, "one", "imported", "vacancy_energy_eV", 0.8, &from_a),
                         expected);
        if (i == 0) {
            database_do("UPDATE material_descriptors SET imported_at = '" LONG_AGO "'");
            database_do("UPDATE run_descriptors SET imported_at = '" LONG_AGO "'");
        }
    }
    assert_sql("SELECT count(*), min(imported_at), max(imported_at) FROM material_descriptors",
               "39 " LONG_AGO " " LONG_AGO);
    assert_sql("SELECT imported_at FROM run_descriptors", LONG_AGO);
    /* Another value, another file, or fewer by a method that replaces all: it came anew. */
    assert_int_equal(put(store, "Li2S", NULL, "imported", "band_gap_eV", 3.5, &from_a), 1);
    assert_int_equal(put(store, NULL, "one", "imported", "vacancy_energy_eV", 0.8, &from_b), 1);
    assert_int_equal(put_tensor(store, 90, 30, 31), 1);
    assert_int_equal(put(store, "Li2S", NULL, "perfect", "density_g_cm3", 2, &from_a), 1);
    assert_sql("SELECT count(*) FROM material_descriptors WHERE imported_at = '" LONG_AGO "'", "0");
    assert_sql("SELECT count(*) FROM run_descriptors WHERE imported_at = '" LONG_AGO "'", "0");
    iw_store_close(&store);
}

static void
a_copy_brings_what_was_imported(void **state)
{
    (void)state;
    iw_error err = {0};
    char path[] = "/tmp/iw_properties_XXXXXX", uri[64];
    assert_non_null(mkdtemp(path));
    (void)snprintf(uri, sizeof uri, "sqlite://%s/from.db", path);
    iw_store *from = iw_store_open(uri, NULL, &err), *to = database_open();
    assert_non_null(from);
    file_with_structure(from, ID_A, "one");
    put(from, "Li2S", NULL, "imported", "band_gap_eV", 3.4, &from_a);
    put(from, NULL, "one", "imported", "vacancy_energy_eV", 0.8, &from_a);
    put(to, "Li2S", NULL, "imported", "band_gap_eV", 3.1, &from_b);
    for (int i = 0; i < 2; i++)
        assert_ok(iw_store_copy(to, from, "one", &err), err);
    iw_store_close(&from);
    iw_store_close(&to);
    assert_sql(WIDE("density_g_cm3, \"band_gap_eV\", \"vacancy_energy_eV\""), "1.5 3.4 0.8");
    char command[128];
    (void)snprintf(command, sizeof command, "rm -r %s", path);
    assert_int_equal(system(command), 0);
}

int
main(void)
{
    static const database_case cases[] = {
#define CASE(name) {#name, name, NULL}
        CASE(a_structure_is_filed_with_its_run_under_all_atoms),
        CASE(a_perfect_structure_goes_before_that_of_the_run),
        CASE(what_is_imported_is_there_for_each_run_of_the_material),
        CASE(a_run_that_is_filed_again_keeps_what_was_imported_and_one_that_goes_takes_it_along),
        CASE(an_import_is_whole_or_nothing),
        CASE(moduli_follow_from_the_tensor_and_velocities_from_the_density),
        CASE(a_number_called_like_an_element_leaves_the_tensor_alone),
        CASE(what_comes_again_unchanged_keeps_the_time_when_it_came),
        CASE(a_copy_brings_what_was_imported),
    };
    return database_run(cases, sizeof cases / sizeof *cases);
}
