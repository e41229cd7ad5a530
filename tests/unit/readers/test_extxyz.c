/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Extended and plain XYZ (adapters/extxyz). */
#include "reader_test.h"

#define LATTICE "Lattice=\"4 0 0 1 5 0 0 0 6\" "

static trajectory
read_with(const char *text, double dt_fs, const char *units)
{
    iw_reader_options options;
    iw_reader_options_init(&options);
    options.dt_fs = dt_fs;
    options.units = units;
    return read_file(write_text("t.xyz", text), &options);
}

static void
columns_are_those_of_properties(void **state)
{
    (void)state;
    trajectory t =
        read_with("2\n" LATTICE "Properties=id:I:1:vel:R:3:species:S:1:masses:R:1:pos:R:3:charge:"
                  "R:1:forces:R:3 energy=-3.5 pbc=\"T T T\" Time=10 step=100\n"
                  "1 0.1 0.2 0.3 Li 7 1 2 3 0.5 9 9 9\n2 0 0 0 LI 6 4 5 6 -0.5 9 9 9\n"
                  "2\n" LATTICE "Properties=species:S:1:pos:R:3:vel:R:3 Time=14 step=104\n"
                  "Li 1 2 3.5 0.5 0 0\nLI 0 0 0 0 0 0\n",
                  (double)NAN, "real");
    assert_read(t, 2);
    assert_int_equal(t.run.n_species, 1);
    assert_close(t.run.mass_amu[1], 6.0, 0.0, 0.0);
    assert_close(t.run.charge_e[1], -0.5, 0.0, 0.0);
    assert_int_equal(t.run.stride, 4);
    assert_close(t.run.timestep_fs, 1.0, 1e-15, 0.0);
    assert_noted(&t, "Time in");
    assert_triple(t.frame[0].pos_A, 1.0, 2.0, 3.0, 0.0);
    assert_triple(t.frame[0].vel_A_fs, 0.1, 0.2, 0.3, 0.0);
    assert_triple(t.frame[0].cell_A + 3, 1.0, 5.0, 0.0, 0.0);
    assert_close(t.frame[0].potential_energy_eV, -3.5, 0.0, 0.0);
    assert_int_equal(t.frame[1].step, 104);
    assert_close(t.frame[1].time_fs, 14.0, 0.0, 0.0);
    assert_triple(t.frame[1].pos_A, 1.0, 2.0, 3.5, 0.0);
    assert_close(t.frame[1].vel_A_fs[0], 0.5, 0.0, 0.0);
    free_trajectory(&t);
}

static void
velocities_have_the_unit_that_is_asked_for(void **state)
{
    (void)state;
    const char *text = "1\nProperties=species:S:1:pos:R:3:velo:R:3\nLi 0 0 0 3 4 12\n";
    static const struct {
        const char *units;
        double factor;
    } cases[] = {{NULL, 1.0},     {"real", 1.0},  {"A/fs", 1.0},
                 {"metal", 1e-3}, {"A/ps", 1e-3}, {"ase", 1.0 / 10.180505710759414}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        trajectory t = read_with(text, 1.0, cases[i].units);
        assert_read(t, 1);
        double f = cases[i].factor;
        assert_triple(t.frame[0].vel_A_fs, 3.0 * f, 4.0 * f, 12.0 * f, 1e-14);
        /* m v^2 / 3k: 6.94 amu x 169 A2/fs2; 1 amu A2/fs2 is 1.2027236e6 K */
        if (i == 0)
            assert_noted(&t, "4.7e+08 K");
        free_trajectory(&t);
    }
    trajectory t = read_with(text, 1.0, "furlong");
    REFUSED(t, IW_INVALID, "furlong", "A/ps (or metal)");
    /* ASE's momenta, sqrt(eV amu): v = p / m */
    t = read_with("1\nProperties=species:S:1:pos:R:3:momenta:R:3\nLi 0 0 0 6.94 0 -13.88\n", 1.0,
                  NULL);
    assert_read(t, 1);
    double ase = 1e5 * sqrt(1.602176634e-19 / 1.66053906660e-27) * 1e-10; /* A/fs */
    assert_triple(t.frame[0].vel_A_fs, ase, 0.0, -2.0 * ase, 1e-3);
    free_trajectory(&t);
}

static void
plain_xyz_is_read_without_a_cell(void **state)
{
    (void)state;
    const char *text = "2\nanything at all\nO 0 0 0 7 7\nH 1 1 1 7 7\n2\n\nO 0 0 0\nH 1 1 2\n\n";
    trajectory t = read_with(text, 2.0, NULL);
    assert_read(t, 2);
    assert_false(t.frame[0].has_cell || t.frame[0].has_velocities || t.run.wrapped);
    assert_noted(&t, "columns behind the positions");
    assert_close(t.frame[1].pos_A[5], 2.0, 0.0, 0.0);
    assert_close(t.frame[1].time_fs, 2.0, 0.0, 0.0);
    free_trajectory(&t);
    t = read_with(text, (double)NAN, NULL);
    REFUSED(t, IW_INVALID, "time between frames", "--dt FS", "Time=FS");
    t = read_with("1\n" LATTICE "pbc=\"F F F\" Properties=species:S:1:pos:R:3\nO 0 0 0\n", 1.0,
                  NULL);
    assert_read(t, 1);
    assert_false(t.frame[0].has_cell);
    free_trajectory(&t);
}

static void
what_is_wrong_is_refused_with_its_line(void **state)
{
    (void)state;
    const char *head = "1\n" LATTICE "Properties=species:S:1:pos:R:3\nO 0 0 0\n";
    char text[1024];
    static const struct {
        const char *more, *line, *what;
    } cases[] = {
        {"2\n" LATTICE "\nO 0 0 0\nO 0 0 0\n", "line 4", "2 atoms, but 1 before"},
        {"1\n" LATTICE "\nH 0 0 0\n", "line 6", "atom 1 is H, but was O"},
        {"1\nno cell\nO 0 0 0\n", "line 5", "no periodic Lattice"},
        {"1\n" LATTICE "Properties=species:S:1:pos:R:3:vel:R:3\nO 0 0 0 0 0 0\n", "line 5",
         "velocities are not in all frames"},
        {"1\n" LATTICE "\nO 0 inf 0\n", "line 6", "finite number in column 3"},
        {"1\nLattice=\"1 2 3\"\nO 0 0 0\n", "line 5", "nine numbers"},
        {"1\n" LATTICE "Properties=pos:R:3\nO 0 0 0\n", "line 5", "species:S:1"},
        {"1\n" LATTICE "Properties=species:S:one\nO 0 0 0\n", "line 5", "Properties"},
        {"one\n" LATTICE "\nO 0 0 0\n", "line 4", "number of atoms"},
        {"-1\n" LATTICE "\nO 0 0 0\n", "line 4", "number of atoms"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)snprintf(text, sizeof text, "%s%s", head, cases[i].more);
        trajectory t = read_with(text, 1.0, NULL);
        assert_int_equal(t.n, 1);
        REFUSED(t, IW_INVALID, "t.xyz", cases[i].line, cases[i].what);
    }
    trajectory t = read_with("1\nx\nUnobtainium115xx 0 0 0\n", 1.0, NULL);
    REFUSED(t, IW_INVALID, "line 3", "1 to 15 characters");
    t = read_with("1\nx\nUuo 0 0 0\n", 1.0, NULL);
    REFUSED(t, IW_INVALID, "'Uuo'", "no element", "--masses Uuo=NUMBER");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_those_of_properties),
        cmocka_unit_test(velocities_have_the_unit_that_is_asked_for),
        cmocka_unit_test(plain_xyz_is_read_without_a_cell),
        cmocka_unit_test(what_is_wrong_is_refused_with_its_line),
    };
    return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
