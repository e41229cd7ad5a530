/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CP2K's four files of a run (adapters/cp2k). */
#include "reader_test.h"

#define POS                                                                                        \
    "2\n i = 4, time = 2.000, E = -1.5\nLI 1 2 3\nCl -1 0.5 0.25\n"                                \
    "2\n i = 8, time = 4.000, E = -2.5\nLI 1.5 2 3\nCl -1 0.5 0.25\n"
#define VEL                                                                                        \
    "2\n i = 4, time = 2.000, E = -1.5\nLI 1 0 -1\nCl 0 0.5 0\n"                                   \
    "2\n i = 8, time = 4.000, E = -2.5\nLI 2 0 -1\nCl 0 0.5 0\n"
#define CELL                                                                                       \
    "# Step Time Ax Ay Az Bx By Bz Cx Cy Cz Volume\n"                                              \
    " 4 2.0 10 0 0 1 11 0 0 2 12 1320\n 8 4.0 10.5 0 0 1 11 0 0 2 12 1386\n"
#define ENER                                                                                       \
    "# Step Time Kin Temp Pot Cons Used\n 4 2.0 0.01 300.5 -1.5 -1.49 0.1\n"                       \
    " 8 4.0 0.02 310.5 -2.5 -2.48 0.1\n"

static trajectory
read_run(const char *pos, const char *vel, const char *cell, const char *ener)
{
    const char *const names[] = {"w-vel-1.xyz", "w-1.cell", "w-1.ener"};
    const char *const texts[] = {vel, cell, ener};
    for (int i = 0; i < 3; i++) {
        if (texts[i])
            write_text(names[i], texts[i]);
        else
            (void)unlink(test_path(names[i]));
    }
    return read_file(write_text("w-pos-1.xyz", pos), NULL);
}

static void
the_files_of_a_run_are_put_together_by_step(void **state)
{
    (void)state;
    const double bohr = 0.529177210903, hartree = 27.211386245988, atomic_fs = 0.024188843265857;
    trajectory t = read_run(POS, VEL, CELL, ENER);
    assert_read(t, 2);
    assert_string_equal(t.run.code, "CP2K");
    assert_string_equal(t.run.name, "w");
    assert_string_equal(t.run.species[0], "Li");
    assert_string_equal(t.run.species[1], "Cl");
    assert_false(t.run.wrapped);
    assert_int_equal(t.run.stride, 4);
    assert_close(t.run.timestep_fs, 0.5, 1e-15, 0.0);
    assert_int_equal(t.frame[1].step, 8);
    assert_close(t.frame[1].time_fs, 4.0, 0.0, 0.0);
    assert_triple(t.frame[1].pos_A, 1.5, 2.0, 3.0, 0.0);
    double unit = bohr / atomic_fs; /* 21876.9126 A/ps (CP2K's documentation) */
    assert_close(unit, 21.8769126, 1e-8, 0.0);
    assert_triple(t.frame[1].vel_A_fs, 2.0 * unit, 0.0, -unit, 1e-14);
    assert_triple(t.frame[1].cell_A, 10.5, 0.0, 0.0, 0.0);
    assert_triple(t.frame[0].cell_A + 3, 1.0, 11.0, 0.0, 0.0);
    assert_close(t.frame[0].potential_energy_eV, -1.5 * hartree, 1e-14, 0.0);
    assert_close(t.frame[0].kinetic_energy_eV, 0.01 * hartree, 1e-14, 0.0);
    assert_close(t.frame[1].temperature_K, 310.5, 0.0, 0.0);
    free_trajectory(&t);
}

static void
files_that_are_absent_are_done_without_and_named(void **state)
{
    (void)state;
    trajectory t = read_run(POS, NULL, NULL, NULL);
    assert_read(t, 2);
    assert_false(t.frame[0].has_velocities || t.frame[0].has_cell);
    assert_close(t.frame[0].potential_energy_eV, -1.5 * 27.211386245988, 1e-14, 0.0);
    assert_true(isnan(t.frame[0].temperature_K));
    assert_noted(&t, "no -vel- file");
    assert_noted(&t, "no .cell file");
    free_trajectory(&t);
    /* an older form has no times: they come from the energies */
    const char *untimed = "1\n i = 4, E = -1.5\nLi 1 2 3\n1\n i = 8, E = -1.5\nLi 1 2 3\n";
    t = read_run(untimed, NULL, NULL, ENER);
    assert_read(t, 2);
    assert_close(t.run.timestep_fs, 0.5, 1e-15, 0.0);
    assert_close(t.frame[1].time_fs, 4.0, 1e-15, 0.0);
    free_trajectory(&t);
    t = read_run(untimed, NULL, NULL, NULL);
    REFUSED(t, IW_INVALID, "time between frames is not known", ".ener", "--dt FS");
}

static void
velocities_that_end_early_end_the_run(void **state)
{
    (void)state;
    trajectory t =
        read_run(POS, "2\n i = 4, time = 2, E = 0\nLI 1 0 -1\nCl 0 0.5 0\n2\n i = 8", CELL, ENER);
    assert_read(t, 1);
    assert_noted(&t, "w-vel-1.xyz ends before step 8");
    free_trajectory(&t);
    t = read_run(POS, "2\n i = 2, time = 1, E = 0\nLI 1 0 -1\nCl 0 0.5 0\n", CELL, ENER);
    assert_read(t, 2);
    assert_false(t.frame[0].has_velocities);
    assert_noted(&t, "not used");
    free_trajectory(&t);
}

static void
a_restart_is_given_as_it_stands(void **state)
{
    (void)state;
    trajectory t = read_file(data_path("cp2k/na3ps4cl-pos-1.xyz.xz"), NULL);
    assert_read(t, 76);
    assert_int_equal(t.run.n_atoms, 31);
    assert_int_equal(t.run.n_species, 4);
    assert_close(t.run.timestep_fs, 2.0, 1e-12, 0.0);
    assert_int_equal(t.frame[0].step, 896);
    assert_int_equal(t.frame[35].step, 931);
    assert_int_equal(t.frame[36].step, 901);
    assert_int_equal(t.frame[75].step, 940);
    assert_noted(&t, "after step 931 comes step 901");
    for (size_t f = 0; f < t.n; f++) {
        assert_true(t.frame[f].has_velocities && t.frame[f].has_cell);
        assert_close(t.frame[f].cell_A[0], 13.993, 0.0, 0.0);
        assert_close(t.frame[f].time_fs, 2.0 * (double)t.frame[f].step, 1e-12, 0.0);
    }
    /* v is what x does: central differences over 4 fs */
    double difference = 0.0, all = 0.0;
    for (size_t f = 38; f < 75; f++) {
        for (size_t i = 0; i < 93; i++) {
            double v = t.frame[f].vel_A_fs[i];
            double d = (t.frame[f + 1].pos_A[i] - t.frame[f - 1].pos_A[i]) / 4.0;
            difference += (v - d) * (v - d);
            all += v * v;
        }
    }
    assert_true(sqrt(difference / all) < 0.01);
    /* kinetic energy of velocities and masses is the code's own: K = 3/2 (N - 1) kT there */
    double kinetic = 0.0;
    for (size_t i = 0; i < 93; i++)
        kinetic += 0.5 * t.run.mass_amu[i / 3] * t.frame[40].vel_A_fs[i] * t.frame[40].vel_A_fs[i];
    assert_close(kinetic * 103.642696562, t.frame[40].kinetic_energy_eV, 2e-4, 0.0);
    free_trajectory(&t);
}

static void
what_is_wrong_is_refused_with_file_and_line(void **state)
{
    (void)state;
    trajectory t =
        read_run(POS "2\n i = 12, time = 6, E = 0\nLI 0 0 0\nBr 0 0 0\n", NULL, NULL, NULL);
    assert_int_equal(t.n, 2);
    REFUSED(t, IW_INVALID, "w-pos-1.xyz line 12", "atom 2 is Br, but was Cl");
    t = read_run(POS "1\n i = 12, time = 6, E = 0\nLI 0 0 0\n", NULL, NULL, NULL);
    REFUSED(t, IW_INVALID, "line 9", "1 atoms, but 2 before");
    t = read_run(POS "2\n i = 12, time = 6, E = 0\nLI 0 0 ****\nCl 0 0 0\n", NULL, NULL, NULL);
    REFUSED(t, IW_INVALID, "line 11", "three numbers", "****");
    t = read_run(POS "2\nhello\nLI 0 0 0\nCl 0 0 0\n", NULL, NULL, NULL);
    REFUSED(t, IW_INVALID, "line 10", "i = STEP", "hello");
    t = read_run(POS, VEL, "1 2 3\n4 x\n", ENER);
    REFUSED(t, IW_INVALID, "w-1.cell line 1", "10 numbers");
    t = read_file(write_text("w-vel-1.xyz", VEL), NULL);
    REFUSED(t, IW_INVALID, "holds velocities", "-pos-");
}

static void
rows_of_slower_files_are_not_awaited_for_ever(void **state)
{
    (void)state;
    iw_reader_options options;
    iw_reader_options_init(&options);
    options.follow = true;
    (void)unlink(test_path("s-vel-1.xyz"));
    write_text("s-1.cell", "# Step\n 4 2.0 10 0 0 0 10 0 0 0 10 1000\n");
    const char *path = write_text("s-pos-1.xyz", POS);
    iw_error err = {0};
    trajectory t = {0};
    iw_reader *reader = iw_reader_open(&path, 1, &options, &err);
    assert_non_null(reader);
    read_on(&t, reader);
    assert_int_equal(t.status, IW_AGAIN);
    assert_int_equal(t.n, 1); /* the row of step 8 may still come */
    write_bytes("s-pos-1.xyz", "2\n i = 12, time", 15, "ab");
    read_on(&t, reader);
    assert_int_equal(t.n, 2); /* the run went on without it: the cell stays */
    assert_true(t.frame[1].has_cell);
    iw_reader_close(&reader);
    free_trajectory(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_files_of_a_run_are_put_together_by_step),
        cmocka_unit_test(files_that_are_absent_are_done_without_and_named),
        cmocka_unit_test(velocities_that_end_early_end_the_run),
        cmocka_unit_test(a_restart_is_given_as_it_stands),
        cmocka_unit_test(what_is_wrong_is_refused_with_file_and_line),
        cmocka_unit_test(rows_of_slower_files_are_not_awaited_for_ever),
    };
    return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
