/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_material.c - the name by which runs of one compound find each other. */
#include "iw_test.h"

#include "material.h"

static void
assert_formula(const char *const *species, const size_t *atoms, size_t n, const char *expected)
{
    char text[IW_MATERIAL_SIZE];
    iw_formula(species, atoms, n, text);
    assert_string_equal(text, expected);
}

static void
formulas_are_reduced_and_in_the_accustomed_order(void **state)
{
    (void)state;
    static const char *const argyrodite[] = {"Cl", "S", "P", "Li"};
    assert_formula(argyrodite, (const size_t[]){4, 20, 4, 24}, 4, "Li6PS5Cl");
    assert_formula(argyrodite, (const size_t[]){4, 20, 4, 23}, 4, "Li23P4S20Cl4");
    static const char *const garnet[] = {"O", "La", "Li", "Zr"};
    assert_formula(garnet, (const size_t[]){96, 24, 56, 16}, 4, "Li7La3Zr2O12");
    static const char *const lgps[] = {"Ge", "Li", "P", "S"};
    assert_formula(lgps, (const size_t[]){2, 20, 4, 24}, 4, "Li10GeP2S12");
    static const char *const fluorite[] = {"F", "Ca"};
    assert_formula(fluorite, (const size_t[]){216, 108}, 2, "CaF2");
    static const char *const silver[] = {"I", "Ag"};
    assert_formula(silver, (const size_t[]){54, 54}, 2, "AgI");
    static const char *const one[] = {"Si"};
    assert_formula(one, (const size_t[]){64}, 1, "Si");
}

static void
labels_that_are_no_elements_come_last_by_the_alphabet(void **state)
{
    (void)state;
    static const char *const labels[] = {"X2", "Li", "A1", "O"};
    assert_formula(labels, (const size_t[]){2, 4, 2, 8}, 4, "Li2O4A1X2");
    assert_formula(labels, NULL, 0, "");
}

static void
a_formula_that_is_too_long_is_cut_between_species(void **state)
{
    (void)state;
    enum { N = 100 };
    static char names[N][8];
    const char *species[N];
    size_t atoms[N];
    for (size_t s = 0; s < N; s++) {
        (void)snprintf(names[s], sizeof names[s], "T%03zu", s);
        species[s] = names[s];
        atoms[s] = 1;
    }
    char text[IW_MATERIAL_SIZE];
    iw_formula(species, atoms, N, text);
    assert_int_equal(strlen(text) % 4, 0);
    assert_int_equal(strlen(text), 196);
}

static void
make_run(iw_run_info *run, const char *material)
{
    static const char *const species[] = {"F", "Ca", "F"};
    iw_error err = {0};
    iw_run_info_init(run);
    assert_ok(iw_run_info_set_atoms(run, 3, species, &err), err);
    if (material)
        assert_ok(iw_run_info_set_metadata(run, "material", material, &err), err);
}

static void
the_metadata_name_the_material_else_the_formula_does(void **state)
{
    (void)state;
    static const char *const given[] = {NULL, "fluorite, PBE", "  padded \t", " ", ""};
    static const char *const name[] = {"CaF2", "fluorite, PBE", "padded", "CaF2", "CaF2"};
    for (size_t i = 0; i < 5; i++) {
        iw_run_info run;
        iw_material material;
        make_run(&run, given[i]);
        iw_material_of(&run, &material);
        assert_string_equal(material.name, name[i]);
        assert_string_equal(material.formula, "CaF2");
        assert_int_equal(material.named, i == 1 || i == 2);
        iw_run_info_fini(&run);
    }
}

static void
a_name_that_is_too_long_is_cut_between_characters(void **state)
{
    (void)state;
    char given[400] = "x";
    for (size_t i = 1; i < 300; i += 2)
        memcpy(given + i, "\303\251", 3); /* e with an acute accent, two bytes */
    iw_run_info run;
    iw_material material;
    make_run(&run, given);
    iw_material_of(&run, &material);
    assert_int_equal(strlen(material.name), 199);
    assert_memory_equal(material.name + 197, "\303\251", 2);
    iw_run_info_fini(&run);
    make_run(&run, given + 1);
    iw_material_of(&run, &material);
    assert_int_equal(strlen(material.name), 198);
    iw_run_info_fini(&run);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formulas_are_reduced_and_in_the_accustomed_order),
        cmocka_unit_test(labels_that_are_no_elements_come_last_by_the_alphabet),
        cmocka_unit_test(a_formula_that_is_too_long_is_cut_between_species),
        cmocka_unit_test(the_metadata_name_the_material_else_the_formula_does),
        cmocka_unit_test(a_name_that_is_too_long_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
