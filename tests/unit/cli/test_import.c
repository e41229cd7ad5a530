/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables and tensors as people have them, and as they should not. */
#include "iw_test.h"

#include "cli/import_file.h"
#include "publish/units.h"

#include <unistd.h>

static iw_import_table
parse(const char *text)
{
    iw_import_table table;
    iw_error err = {0};
    assert_ok(iw_import_table_parse(text, strlen(text), false, &table, &err), err);
    return table;
}

static void
refuse(const char *text, const char *word)
{
    iw_import_table table;
    iw_error err = {0};
    assert_int_equal(iw_import_table_parse(text, strlen(text), false, &table, &err), IW_INVALID);
    if (!strstr(err.text, word))
        fail_msg("\"%s\" says nothing of \"%s\"", err.text, word);
}

static void
a_table_in_csv_and_in_json_is_the_same(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "\xef\xbb\xbfmaterial,band_gap_eV,band_gap_stderr_eV,melting_temperature_K\r\n"
        "\"Li, \"\"x\"\"\" ,\"3.5\"\t,0.1,\r\n\r\n NaCl , 8.5 ,NaN,1074\r\n",
        "[{\"material\": \"Li, \\\"x\\\"\", \"band_gap_eV\": {\"value\": 3.5, \"stderr\": 0.1}},\n"
        " {\"material\": \"NaCl\", \"band_gap_eV\": 8.5, \"melting_temperature_K\": 1074}]"};
    for (size_t i = 0; i < 2; i++) {
        iw_import_table t = parse(texts[i]);
        assert_int_equal(t.n, 2);
        assert_int_equal(t.numbers, 3);
        assert_string_equal(t.sets[0].material, "Li, \"x\"");
        assert_null(t.sets[0].run);
        assert_int_equal(t.sets[0].n, 1);
        assert_close(t.sets[0].rows[0].value, 3.5, 0, 0);
        assert_close(t.sets[0].rows[0].standard_error, 0.1, 0, 0);
        assert_string_equal(t.sets[1].material, "NaCl");
        assert_string_equal(t.sets[1].rows[0].descriptor, "band_gap_eV");
        assert_string_equal(t.sets[1].rows[0].unit, "eV");
        assert_close(t.sets[1].rows[1].value, 1074, 0, 0);
        iw_import_table_fini(&t);
    }
}

static void
units_are_converted_to_those_of_the_catalogue(void **state)
{
    (void)state;
    static const struct {
        const char *name, *descriptor;
        double factor;
    } of[] = {{"band_gap_eV", "band_gap_eV", 1},
              {"band_gap_meV", "band_gap_eV", 1e-3},
              {"band_gap_Ry", "band_gap_eV", 13.605693122994},
              {"gamma_phonon_THz", "gamma_phonon_meV", 4.135667696},
              {"gamma_phonon_per_cm", "gamma_phonon_meV", 0.1239841984},
              {"youngs_modulus_kbar", "youngs_modulus_GPa", 0.1},
              {"polarizability_bohr3", "polarizability_A3",
               0.529177210903 * 0.529177210903 * 0.529177210903},
              {"density_kg_m3", "density_g_cm3", 1e-3},
              {"transverse_velocity_m_s", "transverse_velocity_km_s", 1e-3},
              {"formation_energy_meV_atom", "formation_energy_eV_atom", 1e-3},
              {"migration_barrier_kJ_mol", "migration_barrier_eV", 1000 / 96485.33212},
              {"mobile_concentration_per_cm3", "mobile_concentration_per_A3", 1e-24},
              {"dielectric_constant", "dielectric_constant", 1}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        iw_column column;
        iw_error err = {0};
        assert_ok(iw_column_find(of[i].name, false, &column, &err), err);
        assert_string_equal(column.descriptor, of[i].descriptor);
        assert_close(column.factor, of[i].factor, 1e-9, 0);
        assert_false(column.is_error);
    }
}

static void
names_of_nothing_are_refused_with_the_nearest_one(void **state)
{
    (void)state;
    static const char *const of[][2] = {
        {"band_gip_eV", "did you mean \"band_gap_eV\"?"},
        {"band_gap", "ends in its unit, one of eV, meV, Ry"},
        {"band_gap_GPa", "a column of band_gap ends in its unit, one of eV"},
        {"bandgap", "did you mean \"band_gap_eV\"?"},
        {"dielectric_constant_eV", "pure number"},
        {"D_cm2_s", "measured by runs"},
        {"omega_mean_meV", "measured by runs"},
        {"colour", "--as-is"},
        {"2nd_gap_eV", "cannot be the name"},
        {"gap'; DROP TABLE runs", "cannot be the name"},
        {"a234567890123456789012345678901234567890123456789012345678901234_eV", "up to 63"},
    };
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        iw_column column;
        iw_error err = {0};
        assert_int_equal(iw_column_find(of[i][0], false, &column, &err), IW_INVALID);
        if (!strstr(err.text, of[i][1]))
            fail_msg("%s: \"%s\" says nothing of \"%s\"", of[i][0], err.text, of[i][1]);
    }
    iw_column column;
    iw_error err = {0};
    assert_ok(iw_column_find("spin_gap_meV", true, &column, &err), err);
    assert_string_equal(column.descriptor, "spin_gap_meV");
    assert_string_equal(column.unit, "meV");
    assert_close(column.factor, 1, 0, 0);
    assert_ok(iw_column_find("colour_stderr", true, &column, &err), err);
    assert_string_equal(column.descriptor, "colour");
    assert_true(column.is_error);
    assert_int_equal(iw_column_find("D_cm2_s", true, &column, &err), IW_INVALID);
}

static void
tables_that_are_none_are_refused_with_the_place(void **state)
{
    (void)state;
    refuse("material,band_gap_eV\nLiCl,9.4,1\n", "line 2: 3 fields");
    refuse("material,band_gap_eV\nLiCl,wide\n", "row 1: LiCl: band_gap_eV: \"wide\" is no number");
    refuse("material,band_gap_eV,band_gap_eV\nLiCl,1,1\n", "two columns");
    refuse("material,band_gap_eV\nLiCl,1\nLiCl,2\n", "two values, 1 and 2 eV");
    refuse("material,band_gap_eV,band_gap_meV\nLiCl,1,2000\n", "two values, 1 and 2 eV");
    refuse("material,band_gap_stderr_eV\nLiCl,1\n", "standard error and no value");
    refuse("material,band_gap_eV,band_gap_stderr_eV\nLiCl,1,-1\n", "standard error of -1");
    refuse("name,band_gap_eV\nLiCl,1\n", "no \"material\"");
    refuse("material,run,band_gap_eV\nLiCl,a,1\n", "by one of them");
    refuse("material,band_gap_eV\n,1\n", "no \"material\"");
    refuse("material,band_gap_eV\n\"LiCl,1\n", "line 2: a quote");
    refuse("material,band_gap_eV\n\"Li\"Cl,1\n", "line 2: more after a closing quote");
    refuse("material,band_gap_eV\n\"Li\" \"Cl\",1\n", "a quote within quotes is doubled");
    refuse("material,band_gap_eV\nLi\xff,1\n", "line 2 is not UTF-8");
    refuse("material,band_gap_eV\nLiCl,\n", "no number in it");
    refuse("material\nLiCl\n", "no number in it");
    refuse("", "no number in it");
    refuse("[{\"material\": \"LiCl\", \"band_gap_eV\": [1]}]", "neither a number");
    refuse("[{\"material\": \"LiCl\", \"band_gap_eV\": {\"value\": 1, \"sterr\": 1}}]",
           "band_gap_eV: only");
    refuse("[{\"material\": \"LiCl\", \"band_gap_eV\": {\"value\": 1, \"unit\": \"Ry\"}}]",
           "only \"value\"");
    refuse("[{\"material\": \"LiCl\", \"band_gap_eV\": 1}", "line 1");
    refuse("{\"LiCl\": 1}", "array of objects");
    refuse("[1]", "entry 1");
}

static void
a_zero_byte_is_refused_wherever_it_stands(void **state)
{
    (void)state;
    static const char *const of[] = {
        "material,band_gap_eV\nLi@Cl,1\n", "material,band_gap_eV\nLiCl@,1\n",
        "material,band_gap_eV\n\"LiCl@\",1\n", "material,band_gap_eV\n\"LiCl\"@,1\n"};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        iw_import_table table;
        iw_error err = {0};
        char text[64];
        size_t size = strlen(of[i]);
        memcpy(text, of[i], size + 1);
        *strchr(text, '@') = '\0';
        assert_int_equal(iw_import_table_parse(text, size, false, &table, &err), IW_INVALID);
        assert_non_null(strstr(err.text, "line 2: "));
    }
}

static void
the_same_number_twice_is_one(void **state)
{
    (void)state;
    iw_import_table t = parse("run,band_gap_eV,vacancy_energy_eV\na,2,\na,2,0.5\nb,3,1\n");
    assert_int_equal(t.n, 2);
    assert_int_equal(t.numbers, 4);
    assert_string_equal(t.sets[0].run, "a");
    iw_import_table_fini(&t);
}

/* ---- tensors ---- */

static const char whole[] = "# GPa\n6 1 2 3 4 5\n1, 7, 6, 7, 8, 9\n2\t6\t8 1 2 3 # zz\n\n"
                            "3 7 1 9 4 5\r\n4 8 2 4 10 6\n5 9 3 5 6 11\n";

static const char nested[] = "{\"elastic_tensor\": {\"ieee_format\": "
                             "[[6,1,2,3,4,5],[7,6,7,8,9],[8,1,2,3],[9,4,5],[10,6],[11]]}}";

static const char former[] = "{\"elasticity\": {\"G_VRH\": 1, \"elastic_tensor\": "
                             "[[6,1,2,3,4,5],[7,6,7,8,9],[8,1,2,3],[9,4,5],[10,6],[11]]}}";

static void
tensors_in_all_their_forms_are_one(void **state)
{
    (void)state;
    static const char *const of[] = {
        whole,
        "6 1 2 3 4 5\n7 6 7 8 9\n8 1 2 3\n9 4 5\n10 6\n11\n",
        "6\n1 7\n2 6 8\n3 7 1 9\n4 8 2 4 10\n5 9 3 5 6 11",
        "[[6,1,2,3,4,5],[1,7,6,7,8,9],[2,6,8,1,2,3],[3,7,1,9,4,5],[4,8,2,4,10,6],[5,9,3,5,6,11]]",
        nested,
        former};
    iw_import_tensor first, next;
    iw_error err = {0};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        assert_ok(iw_import_tensor_parse(of[i], strlen(of[i]), i ? &next : &first, &err), err);
        for (size_t k = 0; i > 0 && k < 36; k++)
            assert_close(next.c[k], first.c[k], 0, 0);
    }
    assert_close(first.c[7 * 4], 10, 0, 0);
    assert_close(first.c[6 * 5 + 1], 9, 0, 0);
    assert_false(first.outcar);
}

/* As VASP writes it, after what it wrote of the ions that do not move. */
static void
the_total_tensor_of_an_outcar_is_found_and_said_to_be_one(void **state)
{
    (void)state;
#define RULE " ------------------------------------------------\n"
#define HEAD " Direction    XX     YY     ZZ     XY     YZ     ZX\n" RULE
    static const char text[] =
        " vasp.6.4.2\n SYMMETRIZED ELASTIC MODULI (kBar)\n" HEAD " XX  1 2 3 4 5 6\n\n"
        " TOTAL ELASTIC MODULI (kBar)\n" HEAD " XX    2560.0000 1750.0000 2140.0000 0 0 0\n"
        " YY    1750.0000   2560.0000   2140.0000      0.0000      0.0000      0.0000\n"
        " ZZ    2140.0000   2140.0000   3720.0000     -0.0000      0.0000      0.0000\n"
        " XY       0.0000      0.0000      0.0000   1160.0000      0.0000      0.0000\n"
        " YZ       0.0000      0.0000      0.0000      0.0000    735.0000      0.0000\n"
        " ZX       0.0000      0.0000      0.0000      0.0000      0.0000    735.0000\n" RULE
        " EATOM and more\n";
    iw_import_tensor t;
    iw_error err = {0};
    assert_ok(iw_import_tensor_parse(text, strlen(text), &t, &err), err);
    assert_true(t.outcar);
    assert_close(t.c[2], 2140, 0, 0);
    assert_close(t.c[21], 1160, 0, 0);
    assert_close(t.c[35], 735, 0, 0);
}

static void
tensors_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const of[][2] = {
        {"", "rows of 0"},
        {"1 2 3 4 5 6\n", "rows of 6, 0"},
        {"1 2 3 4 5 6 7\n", "line 1: more than 6"},
        {"1 2 x\n", "line 1: \"x\" is no number"},
        {"1\n1\n1\n1\n1\n1\n1\n", "line 7: a seventh"},
        {"[[1]]", "array of 6 rows"},
        {"[[1,2,3,4,5,6,7],[],[],[],[],[]]", "rows of 7"},
        {"[[\"a\"],[],[],[],[],[]]", "element 1,1"},
        {"{\"a\": 1}", "no tensor in it"},
        {"[[", "line 1"},
        {"{\"c_GPa\": [], \"c_GPa\": []}", "duplicate"},
        {"x\nTOTAL ELASTIC MODULI (kBar)\n", "line 3: row XX"},
        {"TOTAL ELASTIC MODULI (kBar)\n XX 1 2 3 4 5\n", "line 2: 5 numbers"},
        {"TOTAL ELASTIC MODULI (kBar)\n XX 1 2 3 4 5 6\n ZZ 1 2 3 4 5 6\n", "line 3: row YY"},
        {"TOTAL ELASTIC MODULI (kBar)\n XX 1 2 3 4 5-6 7\n", "line 2: \"5-6\""},
    };
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        iw_import_tensor tensor;
        iw_error err = {0};
        assert_int_equal(iw_import_tensor_parse(of[i][0], strlen(of[i][0]), &tensor, &err),
                         IW_INVALID);
        if (!strstr(err.text, of[i][1]))
            fail_msg("\"%s\": \"%s\" says nothing of \"%s\"", of[i][0], err.text, of[i][1]);
    }
}

/* Twice as large as the limit, and more, without taking room on the disk. */
static void
a_file_that_is_too_large_is_refused(void **state)
{
    (void)state;
    char path[] = "/tmp/ionwatch-import-XXXXXX";
    iw_import_file file, hash;
    iw_error err = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 200 << 20), 0);
    assert_int_equal(iw_import_read(path, true, &file, &err), IW_NO_MEMORY);
    assert_non_null(strstr(err.text, "64 MiB or more"));
    assert_null(file.text);
    assert_ok(iw_import_read(path, false, &hash, &err), err); /* of any size, in little memory */
    assert_null(hash.text);
    assert_int_equal(ftruncate(fd, 100000), 0);
    assert_int_equal(pwrite(fd, "salt", 4, 99000), 4);
    assert_ok(iw_import_read(path, true, &file, &err), err);
    assert_int_equal(file.size, 100000);
    assert_string_not_equal(file.hash, hash.hash);
    assert_ok(iw_import_read(path, false, &hash, &err), err);
    assert_string_equal(file.hash, hash.hash);
    iw_import_fini(&file);
    assert_int_equal(iw_import_read("/dev/null", false, &hash, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "read twice"));
    (void)close(fd);
    (void)unlink(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_in_csv_and_in_json_is_the_same),
        cmocka_unit_test(units_are_converted_to_those_of_the_catalogue),
        cmocka_unit_test(names_of_nothing_are_refused_with_the_nearest_one),
        cmocka_unit_test(tables_that_are_none_are_refused_with_the_place),
        cmocka_unit_test(a_zero_byte_is_refused_wherever_it_stands),
        cmocka_unit_test(the_same_number_twice_is_one),
        cmocka_unit_test(tensors_in_all_their_forms_are_one),
        cmocka_unit_test(the_total_tensor_of_an_outcar_is_found_and_said_to_be_one),
        cmocka_unit_test(tensors_that_are_none_are_refused),
        cmocka_unit_test(a_file_that_is_too_large_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
