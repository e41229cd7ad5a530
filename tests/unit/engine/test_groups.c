/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "groups.h"
#include "iw_test.h"

static void
make_run(iw_run_info *run, size_t n, const char *const *names)
{
    iw_error err;
    iw_run_info_init(run);
    assert_ok(iw_run_info_set_atoms(run, n, names, &err), err);
    free(run->mass_amu);
    run->mass_amu = calloc(n, sizeof(double));
    for (size_t i = 0; i < n; i++)
        run->mass_amu[i] = iw_element_mass(names[i]);
}

static void
families_are_tried_in_the_order_of_the_paper(void **state)
{
    (void)state;
    const struct {
        const char *names[4];
        const char *mobile[3];
    } cases[] = {
        {{"O", "Zr", "La", "Li"}, {"Li"}},      {{"O", "Na", "Zr", "P"}, {"Na"}},
        {{"I", "Ag", "Rb", "Br"}, {"Ag"}},      {{"Cl", "I", "Cs", "Pb"}, {"Cl"}},
        {{"Cs", "Br", "I", "Pb"}, {"Br", "I"}}, {{"Cs", "Pb", "Br", "F"}, {"Br"}},
        {{"Zr", "O", "Y", "Y"}, {"O"}},         {{"Al", "N", "Al", "N"}, {NULL}},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        iw_run_info run;
        iw_groups groups;
        iw_error err;
        make_run(&run, 4, cases[c].names);
        assert_ok(iw_groups_init(&groups, &run, NULL, 0, &err), err);
        size_t expected = 0;
        for (; cases[c].mobile[expected]; expected++) {
            bool found = false;
            for (size_t s = 0; s < run.n_species; s++)
                found = found ||
                        (groups.mobile[s] && !strcmp(run.species[s], cases[c].mobile[expected]));
            assert_true(found);
        }
        assert_int_equal(groups.n_mobile, expected);
        assert_int_equal(groups.n_groups, run.n_species + (expected ? 3 : 1));
        iw_groups_fini(&groups);
        iw_run_info_fini(&run);
    }
}

static void
groups_are_sums_of_species(void **state)
{
    (void)state;
    const char *const names[] = {"Li", "S", "Li", "P", "S", "S"};
    iw_run_info run;
    iw_groups groups;
    iw_error err;
    make_run(&run, 6, names);
    assert_ok(iw_groups_init(&groups, &run, NULL, 0, &err), err);
    const char *const order[] = {"all", "mobile", "framework", "Li", "S", "P"};
    const size_t atoms[] = {6, 2, 4, 2, 3, 1};
    for (size_t g = 0; g < 6; g++) {
        assert_string_equal(groups.groups[g].name, order[g]);
        assert_int_equal(groups.groups[g].atoms, atoms[g]);
    }
    assert_close(groups.mass_amu[1], iw_element_mass("S"), 0, 0);
    iw_groups_fini(&groups);
    iw_run_info_fini(&run);
}

static void
named_species_are_mobile_and_unknown_ones_refused(void **state)
{
    (void)state;
    const char *const names[] = {"Li", "S", "P"};
    const char *const both[] = {"S", "P"}, *const wrong[] = {"Na"},
                      *const every[] = {"Li", "S", "P"};
    iw_run_info run;
    iw_groups groups;
    iw_error err;
    make_run(&run, 3, names);
    assert_ok(iw_groups_init(&groups, &run, both, 2, &err), err);
    assert_false(groups.mobile[0]);
    assert_int_equal(groups.n_mobile, 2);
    iw_groups_fini(&groups);
    assert_ok(iw_groups_init(&groups, &run, every, 3, &err), err);
    assert_int_equal(groups.n_groups, 5); /* nothing is left for the framework */
    iw_groups_fini(&groups);
    assert_int_equal(iw_groups_init(&groups, &run, wrong, 1, &err), IW_INVALID);
    assert_string_equal(err.text, "mobile species Na is not in the run, which has Li, S, P");
    iw_run_info_fini(&run);
}

static void
isotopes_under_one_name_are_refused(void **state)
{
    (void)state;
    const char *const names[] = {"Li", "S", "Li"};
    iw_run_info run;
    iw_groups groups;
    iw_error err;
    make_run(&run, 3, names);
    run.mass_amu[2] = 6.015;
    assert_int_equal(iw_groups_init(&groups, &run, NULL, 0, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "atoms of species Li differ in mass (6.94 and 6.015 amu, "
                                     "atom 3)"));
    iw_run_info_fini(&run);
}

static void
a_species_with_the_name_of_a_group_is_refused(void **state)
{
    (void)state;
    static const char *const taken[] = {"all", "mobile", "framework"};
    for (size_t t = 0; t < 3; t++) {
        const char *const names[] = {"Li", taken[t]};
        iw_run_info run;
        iw_groups groups;
        iw_error err;
        make_run(&run, 2, names);
        run.mass_amu[1] = 12;
        assert_int_equal(iw_groups_init(&groups, &run, NULL, 0, &err), IW_INVALID);
        assert_non_null(strstr(err.text, taken[t]));
        iw_run_info_fini(&run);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families_are_tried_in_the_order_of_the_paper),
        cmocka_unit_test(groups_are_sums_of_species),
        cmocka_unit_test(named_species_are_mobile_and_unknown_ones_refused),
        cmocka_unit_test(isotopes_under_one_name_are_refused),
        cmocka_unit_test(a_species_with_the_name_of_a_group_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
