/* SPDX-License-Identifier: GPL-3.0-or-later */
/* i-PI's trajectories (adapters/ipi); the files are made as its documentation describes them. */
#include "reader_test.h"

#include <sys/stat.h>

#define BOHR_A    0.529177210903
#define ATOMIC_FS 0.024188843265857
#define BOX                                                                                        \
    "# CELL(abcABC):   10.00000    11.00000    12.00000    90.00000    90.00000    90.00000  "
#define HEAD(step, bead, what)                                                                     \
    "2\n" BOX "Step:  " step "  Bead:   " bead " " what "  cell{angstrom}\n"
#define ROWS(a, b)                                                                                 \
    "      Li " a " 2.00000e+00 -3.00000e+00\n       S " b " 5.00000e-01 2.50000e-01\n"
#define POS                                                                                        \
    HEAD("         0", "    0", "positions{angstrom}")                                             \
    ROWS("1.00000e+00", "7.00000e+00")                                                             \
    HEAD("         4", "    0", "positions{angstrom}") ROWS("1.50000e+00", "7.25000e+00")
#define VEL                                                                                        \
    HEAD("         0", "    0", "velocities{atomic_unit}")                                         \
    ROWS("1.00000e-04", "0.00000e+00")                                                             \
    HEAD("         4", "    0", "velocities{atomic_unit}") ROWS("2.00000e-04", "-3.00000e-04")
#define INPUT(prefix, beads, body)                                                                 \
    "<?xml version='1.0'?>\n<simulation verbosity='high'>\n <!-- <timestep> 7 </timestep> -->\n"   \
    " <output prefix='" prefix "'> <trajectory filename='pos' stride='4' cell_units='angstrom'> "  \
    "positions{angstrom} </trajectory> </output>\n <system>\n  <initialize nbeads=\"" beads        \
    "\"> <velocities mode='thermal' units='kelvin'> 77 </velocities> </initialize>\n" body         \
    " </system>\n</simulation>\n"
#define MOTION(mode, timestep, temperature)                                                        \
    "  <ensemble> <temperature " temperature " </temperature> </ensemble>\n"                       \
    "  <motion mode='dynamics'>\n   <dynamics mode='" mode "'>\n"                                  \
    "    <timestep " timestep " </timestep>\n    <thermostat mode='langevin'>\n"                   \
    "     <tau units='femtosecond'> 100 </tau>\n    </thermostat>\n   </dynamics>\n  </motion>\n"
#define NVT INPUT("i-pi", "1", MOTION("nvt", "units='femtosecond'> 0.5", "units='kelvin'> 600"))

static const char *
put(const char *name, const char *text)
{
    if (text)
        return write_text(name, text);
    (void)unlink(test_path(name));
    return test_path(name);
}

/* A folder with nothing else in it. */
static trajectory
read_run(const char *pos, const char *vel, const char *input)
{
    clear_test_folder();
    put("i-pi.vel_0.xyz", vel);
    put("input.xml", input);
    return read_file(put("i-pi.pos_0.xyz", pos), NULL);
}

static void
positions_velocities_and_input_make_a_run(void **state)
{
    (void)state;
    trajectory t = read_run(POS, VEL, NVT);
    assert_read(t, 2);
    assert_string_equal(t.run.code, "i-PI");
    assert_string_equal(t.run.name, "i-pi");
    assert_string_equal(t.run.species[t.run.kind[0]], "Li");
    assert_string_equal(t.run.species[t.run.kind[1]], "S");
    assert_false(t.run.wrapped);
    assert_int_equal(t.run.stride, 4);
    assert_close(t.run.timestep_fs, 0.5, 1e-14, 0.0);
    assert_close(t.run.temperature_K, 600.0, 0.0, 0.0);
    assert_string_equal(iw_run_info_metadata(&t.run, "ensemble"), "nvt");
    assert_int_equal(t.frame[1].step, 4);
    assert_close(t.frame[1].time_fs, 2.0, 1e-14, 0.0);
    assert_triple(t.frame[0].pos_A, 1.0, 2.0, -3.0, 0.0);
    assert_triple(t.frame[1].pos_A + 3, 7.25, 0.5, 0.25, 0.0);
    assert_true(t.frame[1].has_velocities && t.frame[1].has_cell);
    double unit = BOHR_A / ATOMIC_FS; /* 2.18769126364e6 m/s (CODATA) */
    assert_close(unit, 21.8769126364, 1e-11, 0.0);
    assert_triple(t.frame[1].vel_A_fs, 2e-4 * unit, 2.0 * unit, -3.0 * unit, 1e-14);
    assert_triple(t.frame[1].cell_A, 10.0, 0.0, 0.0, 0.0);
    assert_close(t.frame[1].cell_A[4], 11.0, 0.0, 0.0);
    assert_close(t.frame[1].cell_A[8], 12.0, 0.0, 0.0);
    assert_noted(&t, "i-pi.vel_0.xyz");
    free_trajectory(&t);
}

static void
every_unit_is_what_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *pos, *vel;
        double pos_A, vel_A_fs;
    } cases[] = {{"{angstrom}", "{m/s}", 1.0, 1e-5},
                 {"{nanometer}", "{kilom/s}", 10.0, 1e-2},
                 {"{picometer}", "{automatic}", 1e-2, BOHR_A / ATOMIC_FS},
                 {"{meter}", "{atomic_unit}", 1e10, BOHR_A / ATOMIC_FS},
                 {"{atomic_unit}", "{}", BOHR_A, BOHR_A / ATOMIC_FS},
                 {"{ase}", "{}", 1.0, BOHR_A / ATOMIC_FS},
                 {"{}", "{M/S}", BOHR_A, 1e-5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char pos[400], vel[400];
#define FORM "2\n" BOX "Step: 0  Bead: 0 %s  cell%s\n" ROWS("1.0", "7.0")
        char what[40];
        (void)snprintf(what, sizeof what, "positions%s", cases[i].pos);
        (void)snprintf(pos, sizeof pos, FORM, what, cases[i].pos);
        (void)snprintf(what, sizeof what, "velocities%s", cases[i].vel);
        (void)snprintf(vel, sizeof vel, FORM, what, "{angstrom}");
        trajectory t = read_run(pos, vel, NVT);
        assert_read(t, 1);
        double a = cases[i].pos_A, v = cases[i].vel_A_fs;
        assert_triple(t.frame[0].pos_A, a, 2.0 * a, -3.0 * a, 1e-14);
        assert_triple(t.frame[0].vel_A_fs, v, 2.0 * v, -3.0 * v, 1e-14);
        assert_close(t.frame[0].cell_A[4], 11.0 * a, 1e-14, 0.0);
        free_trajectory(&t);
    }
    trajectory t = read_run(HEAD("0", "0", "positions{furlong}") ROWS("1", "2"), NULL, NVT);
    REFUSED(t, IW_INVALID, "line 2", "furlong", "angstrom");
    t = read_run("2\n" BOX "Step: 0 Bead: 0 positions{angstrom} cell{kelvin}\n" ROWS("1", "2"),
                 NULL, NVT);
    REFUSED(t, IW_INVALID, "line 2", "kelvin", "angstrom");
    t = read_run(POS, HEAD("0", "0", "velocities{angstrom}") ROWS("1", "2"), NVT);
    REFUSED(t, IW_INVALID, "vel_0.xyz line 2", "'angstrom'", "m/s");
}

static void
older_forms_are_read_as_i_pi_reads_them(void **state)
{
    (void)state;
    /* unit of the cell not told, quantity behind "Traj:" with and without a unit */
    trajectory t = read_run("2\n" BOX "Traj: positions{angstrom} Step:  8  Bead:   0 \n" ROWS(
                                "1", "7") "2\n" BOX "cell{angstrom}  Traj: positions Step:  9  "
                                          "Bead:   0 \n" ROWS("1", "7"),
                            NULL, NVT);
    assert_read(t, 2);
    assert_triple(t.frame[0].pos_A, 1.0, 2.0, -3.0, 0.0);
    assert_close(t.frame[0].cell_A[0], 10.0 * BOHR_A, 1e-14, 0.0);
    assert_triple(t.frame[1].pos_A, BOHR_A, 2.0 * BOHR_A, -3.0 * BOHR_A, 1e-14);
    assert_close(t.frame[1].cell_A[0], 10.0, 0.0, 0.0);
    assert_noted(&t, "no velocities");
    free_trajectory(&t);
    t = read_run("2\n" BOX "Traj: positions{angstrom} Step:  8  Bead:   0 \n" ROWS("1", "7"), NULL,
                 NVT);
    assert_read(t, 1);
    assert_noted(&t, "no cell{...}");
    free_trajectory(&t);
}

static void
cells_are_lengths_and_angles_columns_or_rows(void **state)
{
    (void)state;
    const char *rest = "Step: 1 Bead: 0 positions{angstrom} cell{angstrom}\n" ROWS("1", "2");
    char text[400];
    (void)snprintf(text, sizeof text, "2\n# CELL[H]: 10 1 2 0 9 -1 0 0 11 %s", rest);
    trajectory t = read_run(text, NULL, NVT);
    assert_read(t, 1);
    assert_triple(t.frame[0].cell_A, 10.0, 0.0, 0.0, 0.0); /* vectors are the columns of h */
    assert_triple(t.frame[0].cell_A + 3, 1.0, 9.0, 0.0, 0.0);
    assert_triple(t.frame[0].cell_A + 6, 2.0, -1.0, 11.0, 0.0);
    free_trajectory(&t);
    (void)snprintf(text, sizeof text, "2\n# CELL{GENH}: 10 1 2 0 9 -1 3 0 11 %s", rest);
    t = read_run(text, NULL, NVT);
    assert_read(t, 1);
    assert_triple(t.frame[0].cell_A, 10.0, 1.0, 2.0, 0.0);
    assert_triple(t.frame[0].cell_A + 6, 3.0, 0.0, 11.0, 0.0);
    free_trajectory(&t);
    (void)snprintf(text, sizeof text, "2\n# CELL(abcABC): 3 4 5 70 80 100 %s", rest);
    t = read_run(text, NULL, NVT);
    assert_read(t, 1);
    const double *c = t.frame[0].cell_A, rad = acos(-1.0) / 180.0;
    assert_close(c[3] * c[3] + c[4] * c[4] + c[5] * c[5], 16.0, 1e-14, 0.0);
    assert_close(c[6] * c[6] + c[7] * c[7] + c[8] * c[8], 25.0, 1e-14, 0.0);
    assert_close(c[0] * c[3], 12.0 * cos(100.0 * rad), 1e-13, 0.0);
    assert_close(c[0] * c[6], 15.0 * cos(80.0 * rad), 1e-13, 0.0);
    assert_close(c[3] * c[6] + c[4] * c[7], 20.0 * cos(70.0 * rad), 1e-13, 0.0);
    free_trajectory(&t);
    (void)snprintf(text, sizeof text, "2\n# CELL(abcABC): 3 4 5 10 80 170 %s", rest);
    iw_reader_options options;
    iw_reader_options_init(&options);
    options.format = "ipi";
    t = read_file(put("i-pi.pos_0.xyz", text), &options);
    REFUSED(t, IW_INVALID, "line 2", "CELL(abcABC)"); /* no cell has such angles */
}

static void
inputs_tell_timestep_and_temperature(void **state)
{
    (void)state;
    static const struct {
        const char *input, *restart;
        double timestep_fs, temperature_K; /* NAN: not told */
    } cases[] = {
        {INPUT("i-pi", "1", MOTION("npt", "units=\"picosecond\"> 1e-3", "units = 'kelvin' > 300")),
         NULL, 1.0, 300.0},
        /* atomic units: i-PI's documentation has 2.4188843e-17 s and 315774.66 K */
        {INPUT("i-pi", "1", MOTION("nvt-cc", "> 20", "> 0.001")), NULL, 0.48377686, 315.77466},
        {INPUT("i-pi", "1", MOTION("nve", "units='femtosecond'> 2", "units='kelvin'> 300")), NULL,
         2.0, (double)NAN},
        /* release 1 has the time step in the ensemble */
        {INPUT("./i-pi", "1",
               "<ensemble mode='nvt'> <timestep units='femtosecond'> 2 </timestep> <temperature "
               "units='kelvin'> 90 </temperature> </ensemble>"),
         NULL, 2.0, 90.0},
        {NULL, NVT, 0.5, 600.0},
        {INPUT("i-pi", "1", ""), NVT, 0.5, 600.0},
        /* two systems that differ */
        {INPUT("i-pi", "1",
               MOTION("nvt", "units='femtosecond'> 0.5", "units='kelvin'> 600")
                   MOTION("nvt", "units='femtosecond'> 0.5", "units='kelvin'> 700")),
         NULL, 0.5, (double)NAN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        clear_test_folder();
        put("a.xml", cases[i].input);
        put("RESTART", cases[i].restart);
        put("z.xml", "<modeling><dynamics><timestep>3</timestep></dynamics></modeling>");
        trajectory t = read_file(put("i-pi.pos_0.xyz", POS), NULL);
        assert_read(t, 2);
        assert_close(t.run.timestep_fs, cases[i].timestep_fs, 1e-7, 0.0);
        if (isnan(cases[i].temperature_K))
            assert_true(isnan(t.run.temperature_K));
        else
            assert_close(t.run.temperature_K, cases[i].temperature_K, 2e-6, 0.0);
        free_trajectory(&t);
    }
    /* of another prefix, none, and two that differ */
    trajectory t = read_run(
        POS, NULL, INPUT("other", "1", MOTION("nvt", "units='femtosecond'> 2", "> 0.001")));
    REFUSED(t, IW_INVALID, "time between frames", "input.xml", "--dt FS");
    t = read_run(POS, NULL, NULL);
    REFUSED(t, IW_INVALID, "time between frames", "--dt FS");
    clear_test_folder();
    put("one.xml", NVT);
    put("two.xml", INPUT("i-pi", "1", MOTION("nvt", "> 20", "units='kelvin'> 600")));
    t = read_file(put("i-pi.pos_0.xyz", POS), NULL);
    REFUSED(t, IW_INVALID, "several that differ", "--dt FS");
    t = read_run(POS, NULL, INPUT("i-pi", "1", MOTION("nvt", "units='fs'> 2", "> 0.001")));
    REFUSED(t, IW_INVALID, "input.xml line", "'fs'", "timestep", "second");
}

#define XC                                                                                         \
    HEAD("0", "0", "x_centroid{angstrom}")                                                         \
    ROWS("1.5", "7.5") HEAD("4", "0", "x_centroid{angstrom}") ROWS("1.75", "7.5")
#define VC                                                                                         \
    HEAD("0", "0", "v_centroid{m/s}")                                                              \
    ROWS("100", "0") HEAD("4", "0", "v_centroid{m/s}") ROWS("200", "0")
#define BEADS INPUT("i-pi", "8", MOTION("nvt", "units='femtosecond'> 0.5", "units='kelvin'> 600"))

static void
of_a_path_the_centroid_is_read(void **state)
{
    (void)state;
    trajectory t = read_run(POS, VEL, BEADS);
    REFUSED(t, IW_INVALID, "i-pi.pos_0.xyz", "bead 0", "x_centroid", "v_centroid");
    clear_test_folder();
    put("i-pi.pos_1.xyz", HEAD("0", "1", "positions{angstrom}") ROWS("1", "2"));
    t = read_file(put("i-pi.pos_0.xyz", POS), NULL);
    REFUSED(t, IW_INVALID, "bead 0", "x_centroid");
    t = read_file(test_path("i-pi.pos_1.xyz"), NULL);
    REFUSED(t, IW_INVALID, "bead 1", "x_centroid");
    t = read_file(test_folder, NULL);
    REFUSED(t, IW_INVALID, "pos_0.xyz, i-pi.pos_1.xyz", "no centroid", "x_centroid");
    put("i-pi.vel_0.xyz", VEL);
    put("i-pi.xc.xyz", XC);
    put("i-pi.vc.xyz", VC);
    put("i-pi.for_0.xyz", HEAD("0", "0", "forces{atomic_unit}") ROWS("1", "2"));
    const char *input = put("in.xml", BEADS), *const places[] = {test_folder, input};
    for (size_t i = 0; i < 2; i++) {
        t = read_file(places[i], NULL);
        assert_read(t, 2);
        assert_close(t.frame[1].pos_A[0], 1.75, 0.0, 0.0);
        assert_close(t.frame[1].vel_A_fs[0], 2e-3, 1e-14, 0.0);
        assert_noted(&t, "i-pi.xc.xyz");
        assert_noted(&t, "i-pi.vc.xyz");
        free_trajectory(&t);
    }
    put("i-pi.again.xyz", VC);
    t = read_file(test_path("i-pi.xc.xyz"), NULL);
    assert_read(t, 2);
    assert_false(t.frame[0].has_velocities);
    assert_noted(&t, "several files");
    free_trajectory(&t);
    put("two.xc.xyz", XC);
    t = read_file(test_folder, NULL);
    REFUSED(t, IW_INVALID, "i-pi.xc.xyz and two.xc.xyz", "name one");
}

static void
what_is_wrong_is_refused_with_file_and_line(void **state)
{
    (void)state;
    trajectory t =
        read_run(POS HEAD("8", "0", "positions{angstrom}") " Li 1 2 3\n Na 1 2 3\n", NULL, NVT);
    assert_int_equal(t.n, 2);
    REFUSED(t, IW_INVALID, "pos_0.xyz line 12", "atom 2 is Na, but was S");
    t = read_run(POS HEAD("8", "3", "positions{angstrom}") ROWS("1", "2"), NULL, NVT);
    REFUSED(t, IW_INVALID, "line 10", "bead of the frames before");
    t = read_run(POS HEAD("8", "0", "velocities{m/s}") ROWS("1", "2"), NULL, NVT);
    REFUSED(t, IW_INVALID, "line 10", "positions or x_centroid");
    t = read_run(POS "2\nhello\n" ROWS("1", "2"), NULL, NVT);
    REFUSED(t, IW_INVALID, "line 10", "CELL(abcABC)", "hello");
    t = read_run(POS "1\n", NULL, NVT);
    REFUSED(t, IW_INVALID, "line 9", "1 atoms, but 2 before");
    t = read_run(POS HEAD("8", "0", "positions{angstrom}") ROWS("nan", "2"), NULL, NVT);
    REFUSED(t, IW_INVALID, "line 11", "three numbers", "nan");
    clear_test_folder();
    t = read_file(put("i-pi.vel_0.xyz", VEL), NULL);
    REFUSED(t, IW_INVALID, "vel_0.xyz line 2", "positions or x_centroid");
    t = read_file(put("i-pi.pos_0.xyz", "2\n" BOX "Step: 1 Bead: 0"), NULL);
    assert_int_equal(t.n, 0);
    assert_int_not_equal(t.status, IW_OK);
    free_trajectory(&t);
}

/* i-PI appends after a restart; a checkpoint may be older than the last frame. */
static void
of_the_steps_that_a_restart_repeats_the_later_count(void **state)
{
    (void)state;
    trajectory t = read_run(POS HEAD("8", "0", "positions{angstrom}") ROWS("9", "9")
                                HEAD("4", "0", "positions{angstrom}") ROWS("2.5", "7")
                                    HEAD("8", "0", "positions{angstrom}") ROWS("3.5", "7"),
                            VEL HEAD("8", "0", "velocities{m/s}") ROWS("9", "9")
                                HEAD("4", "0", "velocities{m/s}") ROWS("250", "0")
                                    HEAD("8", "0", "velocities{m/s}") ROWS("350", "0"),
                            NVT);
    assert_read(t, 3);
    const double x[] = {1.0, 2.5, 3.5}, v[] = {1e-4 * BOHR_A / ATOMIC_FS, 2.5e-3, 3.5e-3};
    for (size_t f = 0; f < 3; f++) {
        assert_int_equal(t.frame[f].step, 4 * (int64_t)f);
        assert_close(t.frame[f].pos_A[0], x[f], 0.0, 0.0);
        assert_close(t.frame[f].vel_A_fs[0], v[f], 1e-13, 0.0);
    }
    assert_noted(&t, "after step 8 comes step 4");
    free_trajectory(&t);
}

/* A run that is followed from its first byte gives what was given once, however the bytes come. */
static void
files_that_grow_byte_by_byte_give_the_same_frames(void **state)
{
    (void)state;
    static const char *const names[] = {"i-pi.pos_0.xyz", "i-pi.vel_0.xyz"};
    static const char *const texts[] = {POS, VEL};
    trajectory whole = read_run(POS, VEL, NVT);
    assert_read(whole, 2);
    free_trajectory(&whole);
    assert_grows(names, texts, 2, "EXIT");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_velocities_and_input_make_a_run),
        cmocka_unit_test(every_unit_is_what_it_is),
        cmocka_unit_test(older_forms_are_read_as_i_pi_reads_them),
        cmocka_unit_test(cells_are_lengths_and_angles_columns_or_rows),
        cmocka_unit_test(inputs_tell_timestep_and_temperature),
        cmocka_unit_test(of_a_path_the_centroid_is_read),
        cmocka_unit_test(what_is_wrong_is_refused_with_file_and_line),
        cmocka_unit_test(of_the_steps_that_a_restart_repeats_the_later_count),
        cmocka_unit_test(files_that_grow_byte_by_byte_give_the_same_frames),
    };
    return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
