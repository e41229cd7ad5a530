/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LAMMPS dumps (adapters/lammps/dump.c, units.c). */
#include "adapters/lammps/units.h"
#include "reader_test.h"

/* A dump of one atom, two frames ten steps apart. */
static const char *
one_atom(const char *style)
{
    static char text[1024];
    static const char frame[] = "ITEM: TIME\n%g\nITEM: TIMESTEP\n%d\nITEM: NUMBER OF ATOMS\n1\n"
                                "ITEM: BOX BOUNDS pp pp pp\n0 8\n0 8\n0 8\n"
                                "ITEM: ATOMS id type mass q x y z vx vy vz\n"
                                "1 1 2 -1 1 2 4 -1 0.5 0.25\n";
    int n = snprintf(text, sizeof text, "ITEM: UNITS\n%s\n", style);
    n += snprintf(text + n, sizeof text - (size_t)n, frame, 0.0, 0);
    (void)snprintf(text + n, sizeof text - (size_t)n, frame, 0.5, 10);
    return write_text("one.dump", text);
}

static void
every_unit_style_is_converted(void **state)
{
    (void)state;
    /* CODATA 2018; a velocity is length over time. */
    const double amu_kg = 1.66053906660e-27, e_C = 1.602176634e-19, bohr = 0.529177210903;
    const struct {
        const char *style;
        double A, fs, amu, e;
    } cases[] = {
        {"metal", 1.0, 1000.0, 1.0, 1.0},
        {"real", 1.0, 1.0, 1.0, 1.0},
        {"si", 1e10, 1e15, 1.0 / amu_kg, 1.0 / e_C},
        {"cgs", 1e8, 1e15, 1e-3 / amu_kg, 3.3356409519815204e-10 / e_C},
        {"electron", bohr, 1.0, 1.0, 1.0},
        {"micro", 1e4, 1e9, 1e-15 / amu_kg, 1e-12 / e_C},
        {"nano", 10.0, 1e6, 1e-21 / amu_kg, 1.0},
        {"lj", 1.0, 1e15 * sqrt(amu_kg * 1e-20 / e_C), 1.0, 1.0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        iw_reader_options options;
        iw_reader_options_init(&options);
        options.species = "X";
        trajectory t = read_file(one_atom(cases[i].style), &options);
        assert_read(t, 2);
        double A = cases[i].A, v = A / cases[i].fs;
        assert_triple(t.frame[0].pos_A, A, 2.0 * A, 4.0 * A, 1e-12);
        assert_triple(t.frame[1].vel_A_fs, -v, 0.5 * v, 0.25 * v, 1e-12);
        assert_close(t.frame[0].cell_A[0], 8.0 * A, 1e-12, 0.0);
        assert_close(t.frame[1].time_fs, 0.5 * cases[i].fs, 1e-12, 0.0);
        assert_close(t.run.timestep_fs, 0.05 * cases[i].fs, 1e-12, 0.0);
        assert_int_equal(t.run.stride, 10);
        assert_close(t.run.mass_amu[0], 2.0 * cases[i].amu, 1e-9, 0.0);
        assert_close(t.run.charge_e[0], -cases[i].e, 1e-9, 0.0);
        free_trajectory(&t);
    }
    /* kcal/mol, erg and the rest: LAMMPS manual, units command */
    assert_close(iw_lammps_units_find("real")->energy_eV, 0.0433641042, 1e-8, 0.0);
    assert_close(iw_lammps_units_find("electron")->energy_eV, 27.211386246, 1e-10, 0.0);
    assert_close(iw_lammps_units_find("cgs")->energy_eV, 6.241509074e11, 1e-9, 0.0);
    assert_close(iw_lammps_units_find("lj")->temperature_K, 11604.518, 1e-7, 0.0);
    trajectory t = read_file(one_atom("furlong"), NULL);
    REFUSED(t, IW_INVALID, "one.dump", "furlong", "metal, real");
}

static void
lammps_own_run_is_the_same_in_five_unit_styles(void **state)
{
    (void)state;
    static const char *const styles[] = {"metal", "real", "si", "electron", "lj"};
    iw_reader_options options;
    iw_reader_options_init(&options);
    options.species = "Ar";
    trajectory metal = {0};
    for (size_t i = 0; i < 5; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "lammps/units-%s.dump", styles[i]);
        trajectory t = read_file(data_path(name), &options);
        assert_read(t, 7);
        assert_close(t.run.mass_amu[0], 39.948, 1e-8, 0.0);
        assert_close(t.run.timestep_fs, 2.0, 1e-9, 0.0);
        assert_int_equal(t.run.stride, 20);
        for (size_t f = 0; i > 0 && f < t.n; f++) {
            assert_close(t.frame[f].time_fs, metal.frame[f].time_fs, 1e-9, 1e-9);
            for (size_t c = 0; c < 9; c++)
                assert_close(t.frame[f].cell_A[c], metal.frame[f].cell_A[c], 1e-9, 1e-9);
            for (size_t c = 0; c < 3 * t.run.n_atoms; c++) {
                assert_close(t.frame[f].pos_A[c], metal.frame[f].pos_A[c], 0.0, 2e-8);
                assert_close(t.frame[f].vel_A_fs[c], metal.frame[f].vel_A_fs[c], 1e-6, 1e-10);
            }
        }
        if (i == 0)
            metal = t;
        else
            free_trajectory(&t);
    }
    free_trajectory(&metal);
}

/* Whether the difference is a sum of whole cell vectors, for a lower triangular cell. */
static void
assert_same_place(const double *a, const double *b, const double *cell)
{
    double d[3] = {a[0] - b[0], a[1] - b[1], a[2] - b[2]};
    for (size_t row = 3; row-- > 0;) {
        double times = round(d[row] / cell[4 * row]);
        for (size_t x = 0; x < 3; x++)
            d[x] -= times * cell[3 * row + x];
    }
    for (int x = 0; x < 3; x++)
        assert_close(d[x], 0.0, 0.0, 1e-9);
}

static void
wrapped_scaled_and_unwrapped_positions_are_the_same_places(void **state)
{
    (void)state;
    iw_reader_options options;
    iw_reader_options_init(&options);
    options.dt_fs = 40.0;
    trajectory x = read_file(data_path("lammps/kinds-x.dump"), &options);
    trajectory xs = read_file(data_path("lammps/kinds-xs.dump"), &options);
    trajectory xu = read_file(data_path("lammps/kinds-xu.dump"), &options);
    trajectory xsu = read_file(data_path("lammps/kinds-xsu.dump"), &options);
    assert_read(x, 7);
    assert_read(xs, 7);
    assert_read(xu, 7);
    assert_read(xsu, 7);
    assert_true(x.run.wrapped && xs.run.wrapped);
    assert_false(xu.run.wrapped || xsu.run.wrapped);
    assert_noted(&x, "--units");
    for (size_t f = 0; f < 7; f++) {
        assert_close(x.frame[f].cell_A[0], 10.0 * (1.0 + 1e-4 * x.frame[f].time_fs), 1e-9, 0.0);
        assert_triple(x.frame[f].cell_A + 3, -2.0, 10.0, 0.0, 1e-9);
        assert_triple(x.frame[f].cell_A + 6, -2.0, -2.0, 10.0, 1e-9);
        for (size_t i = 0; i < x.run.n_atoms; i++) {
            const double *p = x.frame[f].pos_A + 3 * i, *u = xu.frame[f].pos_A + 3 * i;
            for (size_t c = 0; c < 3; c++) {
                assert_close(xs.frame[f].pos_A[3 * i + c], p[c], 0.0, 1e-9);
                assert_close(xsu.frame[f].pos_A[3 * i + c], u[c], 0.0, 1e-9);
                assert_close(xs.frame[f].vel_A_fs[3 * i + c], x.frame[f].vel_A_fs[3 * i + c], 1e-9,
                             1e-12);
            }
            assert_same_place(u, p, x.frame[f].cell_A);
        }
    }
    free_trajectory(&x);
    free_trajectory(&xs);
    free_trajectory(&xu);
    free_trajectory(&xsu);
}

static void
bounds_of_a_triclinic_box_lose_their_tilts(void **state)
{
    (void)state;
    /* a = (4 0 0), b = (1 5 0), c = (-2 1 6), origin (10 20 30): x from 10 + min(0, 1, -2, -1) to
     * 14 + max(0, 1, -2, -1); y from 20 + 0 to 25 + 1 */
    static const char text[] =
        "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n1\nITEM: BOX BOUNDS xy xz yz pp pp pp\n"
        "8 15 1\n20 26 -2\n30 36 1\nITEM: ATOMS id element xs ys zs\n7 Li 0.5 0.25 0.75\n";
    iw_reader_options options;
    iw_reader_options_init(&options);
    options.dt_fs = 1.0;
    trajectory t = read_file(write_text("tilt.dump", text), &options);
    assert_read(t, 1);
    assert_triple(t.frame[0].cell_A, 4.0, 0.0, 0.0, 1e-15);
    assert_triple(t.frame[0].cell_A + 3, 1.0, 5.0, 0.0, 1e-15);
    assert_triple(t.frame[0].cell_A + 6, -2.0, 1.0, 6.0, 1e-15);
    assert_triple(t.frame[0].pos_A, 10.0 + 2.0 + 0.25 - 1.5, 20.0 + 1.25 + 0.75, 30.0 + 4.5, 1e-15);
    free_trajectory(&t);
    static const char general[] =
        "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n1\nITEM: BOX BOUNDS abc origin pp pp pp\n"
        "0 4 0 10\n5 1 0 20\n1 -2 6 30\nITEM: ATOMS id element xs ys zs\n7 Li 0.5 0.25 0.75\n";
    t = read_file(write_text("general.dump", general), &options);
    assert_read(t, 1);
    assert_triple(t.frame[0].cell_A + 6, 1.0, -2.0, 6.0, 1e-15);
    assert_triple(t.frame[0].pos_A, 12.0, 20.75, 34.5, 1e-15);
    free_trajectory(&t);
}

#define BOX "ITEM: BOX BOUNDS pp pp pp\n0 9\n0 9\n0 9\n"
#define TWO "ITEM: TIMESTEP\n%d\nITEM: NUMBER OF ATOMS\n2\n" BOX "ITEM: ATOMS %s\n%s\n%s\n"

/* Two frames of two atoms. */
static const char *
two_atoms(const char *columns, const char *a, const char *b, const char *columns_2, const char *c,
          const char *d)
{
    char text[2048];
    int n = snprintf(text, sizeof text, TWO, 100, columns, a, b);
    (void)snprintf(text + n, sizeof text - (size_t)n, TWO, 105, columns_2, c, d);
    return write_text("two.dump", text);
}

static trajectory
read_two(const char *columns, const char *a, const char *b, const char *columns_2, const char *c,
         const char *d, const char *species)
{
    iw_reader_options options;
    iw_reader_options_init(&options);
    options.dt_fs = 10.0;
    options.species = species;
    return read_file(two_atoms(columns, a, b, columns_2, c, d), &options);
}

static void
atoms_are_ordered_by_ids_with_gaps(void **state)
{
    (void)state;
    static const char *const ids[][2] = {{"3", "11"}, {"3", "900000000000"}};
    for (size_t i = 0; i < 2; i++) {
        char a[64], b[64], c[64], d[64];
        (void)snprintf(a, sizeof a, "Li 1 0 0 %s", ids[i][0]);
        (void)snprintf(b, sizeof b, "S 2 0 0 %s", ids[i][1]);
        (void)snprintf(c, sizeof c, "S 3 0 0 %s", ids[i][1]);
        (void)snprintf(d, sizeof d, "Li 4 0 0 %s", ids[i][0]);
        trajectory t = read_two("element x y z id", a, b, "element x y z id", c, d, NULL);
        assert_read(t, 2);
        assert_string_equal(t.run.species[t.run.kind[0]], "Li");
        assert_close(t.frame[0].pos_A[0], 1.0, 0.0, 0.0);
        assert_close(t.frame[1].pos_A[0], 4.0, 0.0, 0.0);
        assert_close(t.frame[1].pos_A[3], 3.0, 0.0, 0.0);
        assert_int_equal(t.frame[1].step, 105);
        assert_int_equal(t.run.stride, 5);
        assert_close(t.run.timestep_fs, 2.0, 1e-15, 0.0);
        assert_close(t.frame[1].time_fs, 210.0, 1e-15, 0.0);
        free_trajectory(&t);
    }
}

static void
atoms_that_change_are_refused(void **state)
{
    (void)state;
    const char *c = "id type element x y z";
    const char *a = "1 1 Li 0 0 0", *b = "2 2 S 1 1 1";
    trajectory t = read_two(c, a, b, c, a, "3 2 S 1 1 1", NULL);
    assert_int_equal(t.n, 1); /* frames already read stay */
    REFUSED(t, IW_INVALID, "two.dump line 22", "id 3", "not there before");
    t = read_two(c, a, b, c, a, "1 1 Li 1 1 1", NULL);
    REFUSED(t, IW_INVALID, "line 22", "id 1 comes twice");
    t = read_two(c, a, b, c, a, "2 1 Li 1 1 1", NULL);
    REFUSED(t, IW_INVALID, "line 22", "id 2 was S (type 2) and is now Li (type 1)");
    t = read_two(c, a, "1 2 S 1 1 1", c, a, b, NULL);
    REFUSED(t, IW_INVALID, "line 11", "id 1 comes twice");
    t = read_two(c, a, b, "id type element xu yu zu", a, b, NULL);
    REFUSED(t, IW_INVALID, "line 20", "columns");
    t = read_two(c, a, b, c, a, "2 2 S 1 nan 1", NULL);
    REFUSED(t, IW_INVALID, "line 22", "finite number in column 5", "2 2 S 1 nan 1");
    t = read_two(c, a, b, c, a, "2 2 S 1 1", NULL);
    REFUSED(t, IW_INVALID, "line 22", "column 6");
    t = read_two(c, a, b, c, a, "2 2 S 1 1 1\n3 2 S 0 0 0", NULL);
    assert_int_equal(t.n, 2);
    REFUSED(t, IW_INVALID, "line 23", "one more or fewer");
    t = read_two("type element x y z", "1 Li 0 0 0", "2 S 0 0 0", "", "", "", NULL);
    REFUSED(t, IW_INVALID, "line 9", "'id'");
    t = read_two("id type vx vy vz", "1 1 0 0 0", "2 2 0 0 0", "", "", "", NULL);
    REFUSED(t, IW_INVALID, "line 9", "x y z");
}

static void
types_are_named_by_the_user(void **state)
{
    (void)state;
    const char *c = "id type x y z", *a = "1 2 0 0 0", *b = "2 1 1 1 1";
    trajectory t = read_two(c, a, b, c, a, b, NULL);
    REFUSED(t, IW_INVALID, "types but no names", "--species Li,S");
    t = read_two(c, a, b, c, a, b, "Li");
    REFUSED(t, IW_INVALID, "id 1 has type 2", "1 types");
    t = read_two(c, a, b, c, a, b, "Li,S");
    assert_read(t, 2);
    assert_string_equal(t.run.species[t.run.kind[0]], "S");
    free_trajectory(&t);
    t = read_two(c, "1 1 0 0 0", b, c, "1 1 0 0 0", b, "Li,S"); /* a name for each atom */
    assert_read(t, 2);
    assert_string_equal(t.run.species[t.run.kind[1]], "S");
    free_trajectory(&t);
    t = read_two(c, "1 3 0 0 0", b, c, a, b, "Li,P,S");
    assert_int_equal(t.n, 1);
    assert_string_equal(t.run.species[t.run.kind[0]], "S");
    assert_string_equal(t.run.species[t.run.kind[1]], "Li");
    free_trajectory(&t);
    t = read_two(c, "1 4 0 0 0", b, c, a, b, "Li,P,S");
    REFUSED(t, IW_INVALID, "id 1 has type 4", "3 types");
    t = read_two(c, a, b, c, a, b, "Li,,S");
    REFUSED(t, IW_INVALID, "empty name");
    t = read_two("id x y z", "1 0 0 0", "2 0 0 0", "id x y z", "1 0 0 0", "2 0 0 0", NULL);
    REFUSED(t, IW_INVALID, "neither types nor names", "Ga*54,N*54");
    t = read_two("id x y z", "1 0 0 0", "2 0 0 0", "id x y z", "1 0 0 0", "2 0 0 0",
                 "Ga*1500000,N*1500000");
    REFUSED(t, IW_INVALID, "more than 2000000 atoms", "Ga*1500000");
    t = read_two("id x y z", "1 0 0 0", "2 0 0 0", "id x y z", "1 0 0 0", "2 0 0 0", "Ga*2");
    assert_read(t, 2);
    free_trajectory(&t);
    c = "id type element x y z";
    t = read_two(c, "1 1 C 0 0 0", "2 2 C 1 1 1", c, "1 1 C 0 0 0", "2 2 C 1 1 1", NULL);
    assert_read(t, 2);
    assert_noted(&t, "every type is called C");
    free_trajectory(&t);
    t = read_two(c, "1 1 Xx 0 0 0", "2 2 C 1 1 1", c, "1 1 C 0 0 0", "2 2 C 1 1 1", NULL);
    REFUSED(t, IW_INVALID, "'Xx'", "no element", "--masses Xx=NUMBER");
}

static void
a_dump_without_times_needs_dt(void **state)
{
    (void)state;
    const char *c = "id element x y z", *a = "1 Li 0 0 0", *b = "2 S 1 1 1";
    trajectory t = read_file(two_atoms(c, a, b, c, a, b), NULL);
    REFUSED(t, IW_INVALID, "two.dump", "time between frames is not known", "--dt FS");
}

static void
a_box_that_is_not_periodic_is_no_cell(void **state)
{
    (void)state;
    static const char text[] =
        "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n1\nITEM: BOX BOUNDS %s\n0 9\n0 9\n0 9\n"
        "ITEM: ATOMS id element x y z\n1 Li 1 2 3\n";
    static const char *const flags[] = {"ff ss fm", "pp pp ff", "pp pp pp", ""};
    static const bool cell[] = {false, true, true, true};
    for (int i = 0; i < 4; i++) {
        char file[512];
        (void)snprintf(file, sizeof file, text, flags[i]);
        iw_reader_options options;
        iw_reader_options_init(&options);
        options.dt_fs = 1.0;
        trajectory t = read_file(write_text("flags.dump", file), &options);
        assert_read(t, 1);
        assert_int_equal(t.frame[0].has_cell, cell[i]);
        if (i < 2)
            assert_noted(&t, "periodic");
        free_trajectory(&t);
    }
}

static void
runs_of_our_own_are_read(void **state)
{
    (void)state;
    iw_reader_options options;
    iw_reader_options_init(&options);
    options.dt_fs = 20.0;
    trajectory t = read_file(data_path("lammps/agi.lammpstrj.zst"), &options);
    assert_read(t, 5);
    assert_int_equal(t.run.n_atoms, 216);
    assert_string_equal(t.run.species[t.run.kind[215]], "Ag");
    assert_false(t.run.wrapped);
    /* the first rows of the file: ids 5 and 8 */
    assert_triple(t.frame[0].pos_A + 12, 1.586, 2.001, 1.481, 1e-15);
    assert_triple(t.frame[0].vel_A_fs + 21, -1.3504e-3, -1.1567e-3, -0.72e-3, 1e-14);
    /* neighbouring frames are 20 fs apart: x moves as v says */
    for (size_t i = 0; i < 3 * t.run.n_atoms; i++) {
        double v = 0.5 * (t.frame[1].vel_A_fs[i] + t.frame[2].vel_A_fs[i]);
        assert_close(t.frame[2].pos_A[i] - t.frame[1].pos_A[i], 20.0 * v, 0.0, 0.004);
    }
    free_trajectory(&t);
    options.dt_fs = 4.0;
    t = read_file(data_path("lammps/caf2.lammpstrj.gz"), &options);
    assert_read(t, 5);
    assert_int_equal(t.run.n_atoms, 324);
    assert_true(t.run.wrapped);
    assert_triple(t.frame[0].pos_A, 16.686, 16.805, 0.101, 1e-15);
    assert_close(t.run.timestep_fs, 2.0, 1e-15, 0.0);
    free_trajectory(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_unit_style_is_converted),
        cmocka_unit_test(lammps_own_run_is_the_same_in_five_unit_styles),
        cmocka_unit_test(wrapped_scaled_and_unwrapped_positions_are_the_same_places),
        cmocka_unit_test(bounds_of_a_triclinic_box_lose_their_tilts),
        cmocka_unit_test(atoms_are_ordered_by_ids_with_gaps),
        cmocka_unit_test(atoms_that_change_are_refused),
        cmocka_unit_test(types_are_named_by_the_user),
        cmocka_unit_test(a_dump_without_times_needs_dt),
        cmocka_unit_test(a_box_that_is_not_periodic_is_no_cell),
        cmocka_unit_test(runs_of_our_own_are_read),
    };
    return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
