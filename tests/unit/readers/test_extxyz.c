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
    assert_noted(&t, "no cell: there is no Lattice=");
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

/* dump.xyz as GPUMD's documentation describes it: Time in fs, vel in A/fs, eight digits. */
#define GPUMD(time, x, v)                                                                          \
    "2\nTime=" time " pbc=\"T T T\" Lattice=\"8.00000000 0.00000000 0.00000000 0.00000000 "        \
    "9.00000000 0.00000000 1.00000000 0.00000000 10.00000000\" energy=-7.25000000 virial=\"1.0 "   \
    "0.0 "                                                                                         \
    "0.0 0.0 1.0 0.0 0.0 0.0 1.0\" stress=\"0.1 0.0 0.0 0.0 0.1 0.0 0.0 0.0 0.1\" "                \
    "Properties=species:S:1:pos:R:3:mass:R:1:vel:R:3:forces:R:3:energy_atom:R:1\n"                 \
    "Li " x " 2.00000000 3.00000000 6.94000000 " v " 0.00000000 -0.00100000 9.0 9.0 9.0 -3.0\n"    \
    "Cl 0.10000000 0.20000000 0.30000000 35.45000000 0.00000000 0.00000000 0.00000000 9.0 9.0 "    \
    "9.0 -4.25\n"

static void
dumps_of_gpumd_are_read_without_options(void **state)
{
    (void)state;
    trajectory t = read_with(GPUMD("10.00000000", "1.00000000", "0.00500000")
                                 GPUMD("20.00000000", "1.05000000", "0.00500000"),
                             (double)NAN, NULL);
    assert_read(t, 2);
    assert_close(t.run.timestep_fs, 10.0, 1e-14, 0.0);
    assert_int_equal(t.run.stride, 1);
    assert_true(t.run.wrapped);
    assert_close(t.run.mass_amu[1], 35.45, 0.0, 0.0);
    assert_close(t.frame[1].time_fs, 20.0, 0.0, 0.0);
    assert_triple(t.frame[1].pos_A, 1.05, 2.0, 3.0, 0.0);
    assert_triple(t.frame[1].vel_A_fs, 0.005, 0.0, -0.001, 1e-15);
    assert_triple(t.frame[1].cell_A + 6, 1.0, 0.0, 10.0, 0.0);
    assert_close(t.frame[1].potential_energy_eV, -7.25, 0.0, 0.0);
    free_trajectory(&t);
}

static void
a_run_that_was_appended_goes_on_or_is_a_gap(void **state)
{
    (void)state;
    /* GPUMD's Time starts anew: the second run goes on, the third begins where the first began */
    const char *text = GPUMD("10.0", "1.00", "0.005") GPUMD("20.0", "1.05", "0.005")
        GPUMD("30.0", "1.10", "0.005") GPUMD("10.0", "1.15", "0.005") GPUMD("20.0", "1.20", "0.005")
            GPUMD("10.0", "7.00", "0.005") GPUMD("20.0", "7.05", "0.005");
    const int64_t steps[] = {0, 1, 2, 3, 4, 6, 7};
    trajectory t = read_with(text, (double)NAN, NULL);
    assert_read(t, 7);
    for (size_t f = 0; f < 7; f++) {
        assert_int_equal(t.frame[f].step, steps[f]);
        assert_close(t.frame[f].time_fs, 10.0 + 10.0 * (double)steps[f], 1e-14, 0.0);
    }
    assert_noted(&t, "step 0 becomes step 3\n");
    assert_noted(&t, "step 0 becomes step 6, with a gap");
    free_trajectory(&t);
    /* step numbers, where there are any, tell it alone; Time that stands still is not asked */
#define STEP(n, x) "1\n" LATTICE "Time=1 step=" n "\nO " x " 0 0\n"
    t = read_with(STEP("5", "0") STEP("7", "0.1") STEP("9", "0.2") STEP("5", "0.3"), 2.0, NULL);
    assert_read(t, 4);
    assert_int_equal(t.frame[2].step, 9);
    assert_int_equal(t.frame[3].step, 11);
    free_trajectory(&t);
}

static void
an_appended_run_is_told_while_the_file_grows(void **state)
{
    (void)state;
    const char *first = GPUMD("10.0", "1.00", "0.005") GPUMD("20.0", "1.05", "0.005");
    const char *more = GPUMD("10.0", "1.10", "0.005") GPUMD("20.0", "1.15", "0.005");
    iw_reader_options options;
    iw_reader_options_init(&options);
    options.follow = true;
    trajectory t = {0};
    const char *path = write_text("g.xyz", first);
    iw_reader *reader = iw_reader_open(&path, 1, &options, &t.err);
    assert_non_null(reader);
    for (size_t i = 0; more[i]; i++) {
        read_on(&t, reader);
        assert_int_equal(t.status, IW_AGAIN);
        (void)write_bytes("g.xyz", more + i, 1, "ab");
    }
    read_on(&t, reader);
    assert_int_equal(t.n, 4);
    for (size_t f = 0; f < 4; f++)
        assert_int_equal(t.frame[f].step, f);
    iw_reader_close(&reader);
    free_trajectory(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_those_of_properties),
        cmocka_unit_test(velocities_have_the_unit_that_is_asked_for),
        cmocka_unit_test(plain_xyz_is_read_without_a_cell),
        cmocka_unit_test(what_is_wrong_is_refused_with_its_line),
        cmocka_unit_test(dumps_of_gpumd_are_read_without_options),
        cmocka_unit_test(a_run_that_was_appended_goes_on_or_is_a_gap),
        cmocka_unit_test(an_appended_run_is_told_while_the_file_grows),
    };
    return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
