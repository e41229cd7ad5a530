/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Third-party trajectories, read where they lie (skipped where they are absent). */
#include "reader_test.h"

static const char *
shared(const char *name)
{
    static char paths[8][5000];
    static int next;
    char *path = paths[next++ % 8];
    const char *folder = iw_shared_data();
    if (!folder)
        skip();
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static iw_reader_options
options_with(double dt_fs, const char *species)
{
    iw_reader_options options;
    iw_reader_options_init(&options);
    options.dt_fs = dt_fs;
    options.species = species;
    return options;
}

static void
vasp_files_of_many_shapes_are_read_right_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t atoms, frames;
        double x, y, z; /* of the first atom of the first frame: fractions times cell, by hand */
    } good[] = {
        {"XDATCAR.MD.gz", 80, 5, 8.0500211775, 4.1886668799, 3.6800131152},
        {"XDATCAR_4", 3, 4, -1.1525, -1.1525, -1.1525},
        {"XDATCAR_5", 3, 4, -1.1525, -1.1525, -1.1525},
        {"XDATCAR_6", 7, 4, 1.0475, 3.1425, -3.1425},
        {"XDATCAR_monatomic.gz", 4, 10, -0.0146096, -0.002346, -0.0140484},
        {"XDATCAR_traj_combine_test_1.gz", 76, 100, 5.285602551855, 4.491927421104, 0.235339496421},
        {"XDATCAR_traj_combine_test_2.gz", 36, 100, 5.285602551855, 4.491927421104, 0.235339496421},
        {"XDATCAR_traj_combine_test_full.gz", 76, 200, 5.320580923218, 4.589363310687,
         0.900901074228},
        {"vasprun.md.xml.gz", 64, 10, 0.0, 0.0, 0.0},
        {"vasprun.ml_md.xml.gz", 80, 100, 5.21971267296, 0.46781372781, 17.6244},
        {"OUTCAR.npt.gz", 84, 10, 4.92862, 5.45562, 8.32325},
        {"OUTCAR.nvt.gz", 84, 10, 4.92862, 5.45562, 8.32325},
        {"OUTCAR.wh_aimd.gz", 391, 3, 1.61852, 1.55752, 1.58416},
    };
    iw_reader_options options = options_with(1.0, NULL);
    char name[256];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        (void)snprintf(name, sizeof name, "vasp_samples/%s", good[i].name);
        trajectory t = read_file(shared(name), &options);
        assert_read(t, good[i].frames);
        assert_int_equal(t.run.n_atoms, good[i].atoms);
        assert_triple(t.frame[0].pos_A, good[i].x, good[i].y, good[i].z, 1e-9);
        assert_int_equal(t.frame[t.n - 1].step, good[i].frames - 1);
        free_trajectory(&t);
    }
    trajectory t = read_file(shared("vasp_samples/XDATCAR_6"), &options);
    assert_close(t.frame[3].cell_A[1], 2.329322, 1e-12, 0.0); /* the cell changes */
    free_trajectory(&t);
    t = read_file(shared("vasp_samples/XDATCAR.bad_fmt.gz"), &options);
    assert_int_equal(t.n, 1);
    REFUSED(t, IW_INVALID, "XDATCAR.bad_fmt.gz line 17", "-0.63265286-0.11227753");
    const char *pieces[] = {shared("vasp_samples/XDATCAR_traj_combine_test_1.gz"),
                            shared("vasp_samples/XDATCAR_traj_combine_test_2.gz")};
    t = read_pieces(pieces, 2, &options);
    REFUSED(t, IW_INVALID, "combine_test_2.gz line 7", "36 atoms");
    static const char *const others[] = {"INCAR.npt", "README.md"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        (void)snprintf(name, sizeof name, "vasp_samples/%s", others[i]);
        t = read_file(shared(name), NULL);
        REFUSED(t, IW_UNSUPPORTED, others[i]);
    }
}

static void
five_pieces_of_a_vasp_run_are_one(void **state)
{
    (void)state;
    const char *paths[5];
    for (int i = 0; i < 5; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "li6ps5cl_50p_500K/run%d_XDATCAR.gz", i + 1);
        paths[i] = shared(name);
    }
    iw_reader_options options = options_with(100.0, NULL);
    trajectory t = read_pieces(paths, 5, &options);
    assert_read(t, 630);
    assert_int_equal(t.run.n_atoms, 416);
    assert_string_equal(t.run.species[1], "Cl");
    for (size_t f = 0; f < t.n; f++)
        assert_close(t.frame[f].time_fs, 100.0 * (double)f, 1e-12, 0.0);
    free_trajectory(&t);
}

static void
cp2k_runs_without_times_have_them_from_the_energies(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t atoms, frames;
        double dt_fs, mean_v2_A2_ps2;
    } runs[] = {{"thf01_gas/md-pos-1.xyz.gz", 13, 1001, 5.0, 273.7034},
                {"water32_300K/md-pos-1.xyz.gz", 96, 201, 100.0, 0.0}};
    for (size_t r = 0; r < 2; r++) {
        trajectory t = read_file(shared(runs[r].name), NULL);
        assert_read(t, runs[r].frames);
        assert_int_equal(t.run.n_atoms, runs[r].atoms);
        assert_close(t.run.timestep_fs * (double)t.run.stride, runs[r].dt_fs, 1e-9, 0.0);
        double sum = 0.0;
        for (size_t f = 0; f < t.n; f++)
            for (size_t i = 0; i < 3 * t.run.n_atoms; i++)
                sum += t.frame[f].vel_A_fs[i] * t.frame[f].vel_A_fs[i];
        /* C(0), references.md */
        if (runs[r].mean_v2_A2_ps2 > 0.0)
            assert_close(sum / (double)(t.n * t.run.n_atoms) * 1e6, runs[r].mean_v2_A2_ps2, 1e-6,
                         0.0);
        free_trajectory(&t);
    }
}

static void
dumps_and_extended_xyz_have_the_velocities_of_the_references(void **state)
{
    (void)state;
    static const struct {
        const char *name, *species, *units;
        double dt_fs, mean_v2_A2_ps2;
        size_t atoms, frames;
    } runs[] = {
        {"gan_2000K/gan.dump.gz", "Ga*54,N*54", "metal", 5.0, 209.9580, 108, 1201},
        {"waterbox_spc/traj.extxyz.gz", NULL, "metal", 10.0, 271.3936, 768, 100},
        {"al31_vacancy_1200K/Al31-1200K-1ps.lammpstrj.gz", "Al", "metal", 1000.0, 0.0, 31, 501},
        {"lgps_600K/traj.extxyz.gz", NULL, NULL, 2.0, 0.0, 50, 1000},
        {"aln_300K_qe/traj.extxyz.gz", NULL, NULL, (double)NAN, 0.0, 108, 120},
    };
    for (size_t r = 0; r < sizeof runs / sizeof runs[0]; r++) {
        iw_reader_options options = options_with(runs[r].dt_fs, runs[r].species);
        options.units = runs[r].units;
        trajectory t = read_file(shared(runs[r].name), &options);
        assert_read(t, runs[r].frames);
        assert_int_equal(t.run.n_atoms, runs[r].atoms);
        double sum = 0.0;
        for (size_t f = 0; f < t.n && t.frame[f].has_velocities; f++)
            for (size_t i = 0; i < 3 * t.run.n_atoms; i++)
                sum += t.frame[f].vel_A_fs[i] * t.frame[f].vel_A_fs[i];
        assert_close(sum / (double)(t.n * t.run.n_atoms) * 1e6, runs[r].mean_v2_A2_ps2, 1e-6, 0.0);
        free_trajectory(&t);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vasp_files_of_many_shapes_are_read_right_or_refused),
        cmocka_unit_test(five_pieces_of_a_vasp_run_are_one),
        cmocka_unit_test(cp2k_runs_without_times_have_them_from_the_energies),
        cmocka_unit_test(dumps_and_extended_xyz_have_the_velocities_of_the_references),
    };
    return iw_shared_data() ? cmocka_run_group_tests(tests, make_test_folder, remove_test_folder)
                            : 77;
}
