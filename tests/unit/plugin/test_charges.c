/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "charges.h"
#include "iw_test.h"

static void
make(iw_run_info *run)
{
    static const char *const names[] = {"Li", "P", "S", "S", "Li"};
    iw_error err;
    iw_run_info_init(run);
    assert_ok(iw_run_info_set_atoms(run, 5, names, &err), err);
}

static void
every_atom_gets_the_charge_of_its_species(void **state)
{
    (void)state;
    const double expected[] = {0.8, 5, -1.5e0, -1.5, 0.8};
    const char *const lists[] = {"Li=0.8,P=5,S=-1.5", "S=-15e-1, P=+5,,Li=.8 "};
    for (size_t l = 0; l < 2; l++) {
        iw_run_info run;
        iw_error err;
        make(&run);
        assert_ok(iw_charges_apply(&run, lists[l], IW_CHARGES_EXACT, &err), err);
        for (size_t i = 0; i < 5; i++)
            assert_close(run.charge_e[i], expected[i], 0, 0);
        /* now that all have one, a list may name a few */
        assert_ok(iw_charges_apply(&run, "P=4.5", IW_CHARGES_EXACT, &err), err);
        assert_close(run.charge_e[1], 4.5, 0, 0);
        assert_close(run.charge_e[2], -1.5, 0, 0);
        iw_run_info_fini(&run);
    }
}

static void
a_table_for_many_runs_may_name_other_species(void **state)
{
    (void)state;
    iw_run_info run;
    iw_error err;
    make(&run);
    const char *table = "Na=1,Li=1,Cl=-1,P=5,S=-2";
    assert_int_equal(iw_charges_apply(&run, table, IW_CHARGES_EXACT, &err), IW_INVALID);
    assert_string_equal(err.text, "there is no species Na in the run, which has Li, P, S");
    assert_null(run.charge_e);
    assert_ok(iw_charges_apply(&run, table, IW_CHARGES_TABLE, &err), err);
    assert_close(run.charge_e[3], -2, 0, 0);
    iw_run_info_fini(&run);
}

static void
a_mass_is_of_every_atom_of_its_species(void **state)
{
    (void)state;
    iw_run_info run;
    iw_error err;
    make(&run);
    const double expected[] = {7.016, iw_element_mass("P"), 32.06, 32.06, 7.016};
    assert_ok(iw_masses_apply(&run, "S=32.06,Li=7.016", &err), err);
    for (size_t i = 0; i < 5; i++)
        assert_close(run.mass_amu[i], expected[i], 0, 0);
    static const char *const refused[][2] = {
        {"Li=6,Na=23", "there is no species Na in the run, which has Li, P, S"},
        {"Li=6,P=0", "P has 0 amu, not above zero"},
        {"Li=6,P", "'P' is not NAME=NUMBER, as in Li=1"},
        {"Li=6,Li=7", "Li is given twice, as 6 and as 7 amu"}};
    for (size_t c = 0; c < sizeof refused / sizeof *refused; c++) {
        assert_int_equal(iw_masses_apply(&run, refused[c][0], &err), IW_INVALID);
        assert_string_equal(err.text, refused[c][1]);
        assert_close(run.mass_amu[0], 7.016, 0, 0);
    }
    iw_run_info_fini(&run);
}

static void
refusals_say_what_is_wrong_and_change_nothing(void **state)
{
    (void)state;
    const struct {
        const char *list, *text;
    } cases[] = {
        {"Li=1,P=5", "S has none; give every species one"},
        {"Li=1,P=5,S", "'S' is not NAME=NUMBER, as in Li=1"},
        {"Li=1,P=five,S=-2", "'P=five' is not NAME=NUMBER, as in Li=1"},
        {"Li=1,P=5e,S=-2", "'P=5e' is not NAME=NUMBER, as in Li=1"},
        {"Li=,P=5,S=-2", "'Li=' is not NAME=NUMBER, as in Li=1"},
        {"=1,P=5,S=-2", "'=1' is not NAME=NUMBER, as in Li=1"},
        {"Li=inf,P=5,S=-2", "'Li=inf' is not NAME=NUMBER, as in Li=1"},
        {"Li=nan,P=5,S=-2", "'Li=nan' is not NAME=NUMBER, as in Li=1"},
        {"Li=1,P=5,S=-2,Li=2", "Li is given twice, as 1 and as 2 e"},
        {"Abcdefghijklmnop=1", "'Abcdefghijklmnop' is longer than the 15 characters of a species"},
        {"", "Li has none; give every species one"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        iw_run_info run;
        iw_error err;
        make(&run);
        assert_int_equal(iw_charges_apply(&run, cases[c].list, IW_CHARGES_EXACT, &err), IW_INVALID);
        assert_string_equal(err.text, cases[c].text);
        assert_null(run.charge_e);
        iw_run_info_fini(&run);
    }
    iw_error err;
    char endless[300];
    memset(endless, 'x', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    assert_int_equal(iw_charges_check(endless, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "is not NAME=NUMBER"));
    assert_int_equal(iw_charges_check("Li=1,Li=1", NULL), IW_INVALID);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_atom_gets_the_charge_of_its_species),
        cmocka_unit_test(a_table_for_many_runs_may_name_other_species),
        cmocka_unit_test(a_mass_is_of_every_atom_of_its_species),
        cmocka_unit_test(refusals_say_what_is_wrong_and_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
