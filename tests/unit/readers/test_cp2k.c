/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CP2K's four files of a run (adapters/cp2k). */
#include "reader_test.h"

#include <sys/stat.h>

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
of_the_steps_that_a_restart_repeats_the_later_count(void **state)
{
    (void)state;
    trajectory t = read_file(data_path("cp2k/na3ps4cl-pos-1.xyz.xz"), NULL);
    assert_read(t, 45); /* 896 to 931 and 901 to 940 are there */
    assert_int_equal(t.run.n_atoms, 31);
    assert_int_equal(t.run.n_species, 4);
    assert_close(t.run.timestep_fs, 2.0, 1e-12, 0.0);
    for (size_t f = 0; f < t.n; f++)
        assert_int_equal(t.frame[f].step, 896 + (int64_t)f);
    /* atom 3 of step 901 as the second part has it, and its velocity */
    assert_triple(t.frame[5].pos_A + 6, 3.7987192373, 3.9384086666, -0.0502614602, 0.0);
    assert_noted(&t, "after step 931 comes step 901");
    for (size_t f = 0; f < t.n; f++) {
        assert_true(t.frame[f].has_velocities && t.frame[f].has_cell);
        assert_close(t.frame[f].cell_A[0], 13.993, 0.0, 0.0);
        assert_close(t.frame[f].time_fs, 2.0 * (double)t.frame[f].step, 1e-12, 0.0);
    }
    /* v is what x does: central differences over 4 fs */
    double difference = 0.0, all = 0.0;
    for (size_t f = 6; f < 44; f++) {
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
        kinetic += 0.5 * t.run.mass_amu[i / 3] * t.frame[9].vel_A_fs[i] * t.frame[9].vel_A_fs[i];
    assert_close(kinetic * 103.642696562, t.frame[9].kinetic_energy_eV, 2e-4, 0.0);
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

/* What inputs and output of a project tell. */
#define INPUT                                                                                      \
    "&GLOBAL\n PROJECT p ! its name\n&END GLOBAL\n"                                                \
    "&MOTION\n &MD\n  ENSEMBLE NVT\n  TIMESTEP [ps] 5.00001E-4\n  TEMPERATURE 650\n"               \
    "  &THERMOSTAT\n   REGION GLOBAL\n  &END\n &END MD\n&END MOTION\n"                             \
    "&FORCE_EVAL\n &SUBSYS\n  &CELL\n"
#define INPUT_ENDS "  &END CELL\n &END SUBSYS\n&END FORCE_EVAL\n"
#define OUTPUT(dt, kelvin, c)                                                                      \
    " GLOBAL| Project name                 p\n CELL| Volume [angstrom^3]:   1320.0\n"              \
    " CELL| Vector a [angstrom]:      10.000     0.000     0.000   |a| =    10.000000\n"           \
    " CELL| Vector b [angstrom]:       1.000    11.000     0.000   |b| =    11.045361\n"           \
    " CELL| Vector c [angstrom]:       0.000     2.000    " c "   |c| =    12.165525\n"            \
    " MD_PAR| Ensemble type        NVT\n MD_PAR| Time step [fs]      " dt "\n"                     \
    " MD_PAR| Temperature [K]      " kelvin "\n"                                                   \
    " MD| Temperature [K]        412.345678   401.000000\n"

static trajectory
read_project(const char *restart, const char *input, const char *output)
{
    const char *const names[] = {"p-1.restart", "run.inp", "run.out"};
    const char *const texts[] = {restart, input, output};
    for (int i = 0; i < 3; i++) {
        if (texts[i])
            write_text(names[i], texts[i]);
        else
            (void)unlink(test_path(names[i]));
    }
    return read_file(write_text("p-pos-1.xyz", POS), NULL);
}

static void
an_input_tells_cell_timestep_and_temperature(void **state)
{
    (void)state;
    trajectory t = read_project(
        NULL, INPUT "   ABC 3 4 [ignored] 5\n   ABC [bohr] 20.0 10.0 30.0\n" INPUT_ENDS, NULL);
    assert_read(t, 2);
    assert_close(t.run.timestep_fs, 0.500001, 1e-12, 0.0); /* the files give 0.5 */
    assert_close(t.run.temperature_K, 650.0, 0.0, 0.0);
    assert_string_equal(iw_run_info_metadata(&t.run, "ensemble"), "NVT");
    assert_close(t.frame[1].cell_A[0], 20.0 * 0.529177210903, 1e-14, 0.0);
    assert_close(t.frame[1].cell_A[8], 30.0 * 0.529177210903, 1e-14, 0.0);
    assert_noted(&t, "the cell is that of");
    free_trajectory(&t);
    /* lengths and angles: volume and metric are those asked for */
    t = read_project(NULL, INPUT "   ABC 3 4 5\n   ALPHA_BETA_GAMMA 70 80 100\n" INPUT_ENDS, NULL);
    assert_read(t, 2);
    const double *c = t.frame[0].cell_A, rad = acos(-1.0) / 180.0;
    assert_triple(c, 3.0, 0.0, 0.0, 0.0);
    assert_close(c[3] * c[3] + c[4] * c[4] + c[5] * c[5], 16.0, 1e-14, 0.0);
    assert_close(c[6] * c[6] + c[7] * c[7] + c[8] * c[8], 25.0, 1e-14, 0.0);
    assert_close(c[0] * c[3], 12.0 * cos(100.0 * rad), 1e-13, 0.0);
    assert_close(c[0] * c[6], 15.0 * cos(80.0 * rad), 1e-13, 0.0);
    assert_close(c[3] * c[6] + c[4] * c[7], 20.0 * cos(70.0 * rad), 1e-13, 0.0);
    free_trajectory(&t);
    /* a thermostat's temperature only, and the cell of a restart file before that of the input */
    t = read_project("&GLOBAL\nPROJECT_NAME p\n&END\n&FORCE_EVAL\n&SUBSYS\n&CELL\n"
                     "A 9 0 0\nB 0 8 0\nC 0 0 7\nMULTIPLE_UNIT_CELL 1 1 1\n&END\n",
                     "&GLOBAL\nPROJECT p\n&END\n&MOTION\n&MD\nENSEMBLE NVE\nTEMPERATURE 300\n&END\n"
                     "&END\n&FORCE_EVAL\n&SUBSYS\n&CELL\nABC 5 5 5\n&END\n",
                     NULL);
    assert_read(t, 2);
    assert_true(isnan(t.run.temperature_K));
    assert_triple(t.frame[0].cell_A + 6, 0.0, 0.0, 7.0, 0.0);
    free_trajectory(&t);
    /* no cell from a value that is not carried out, from a cell that changes, from another's */
    static const char *const none[] = {
        INPUT "   ABC $A $A $A\n" INPUT_ENDS, INPUT "   ABC 3 4 5\n  MULTIPLE_UNIT_CELL 2 1 1\n",
        "&GLOBAL\nPROJECT q\n&END\n&FORCE_EVAL\n&SUBSYS\n&CELL\nABC 5 5 5\n",
        "&GLOBAL\nPROJECT p\n&END\n&MOTION\n&MD\nENSEMBLE NPT_F\n&END\n&END\n&FORCE_EVAL\n&SUBSYS\n"
        "&CELL\nABC 5 5 5\n"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        t = read_project(NULL, none[i], NULL);
        assert_read(t, 2);
        assert_false(t.frame[0].has_cell);
        assert_noted(&t, "no .cell file");
        free_trajectory(&t);
    }
}

static void
the_last_header_of_the_output_overrules_an_input_that_was_changed(void **state)
{
    (void)state;
    const char *input = INPUT "   A 10 0 0\n   B 1 11 0\n   C 0 2 12.0004\n" INPUT_ENDS;
    trajectory t = read_project(NULL, input, OUTPUT("0.500001", "650.0", "12.000"));
    assert_read(t, 2);
    assert_close(t.frame[0].cell_A[8], 12.0004, 0.0, 0.0); /* the digits of the input */
    assert_close(t.run.temperature_K, 650.0, 0.0, 0.0);
    free_trajectory(&t);
    t = read_project(NULL, input,
                     OUTPUT("0.250000", "650.0", "13.000") OUTPUT("0.499900", "700.0", "12.500"));
    assert_read(t, 2);
    assert_close(t.frame[0].cell_A[8], 12.5, 0.0, 0.0);
    assert_close(t.run.temperature_K, 700.0, 0.0, 0.0);
    assert_close(t.run.timestep_fs, 0.4999, 1e-12, 0.0);
    free_trajectory(&t);
}

static void
units_of_the_trajectory_are_those_of_the_input(void **state)
{
    (void)state;
    const char *head = "&GLOBAL\nPROJECT p\n&END\n&MOTION\n&PRINT\n&TRAJECTORY\nUNIT nm\n&END\n"
                       "&VELOCITIES\nUNIT ";
    char input[400];
    write_text("p-vel-1.xyz", VEL);
    (void)snprintf(input, sizeof input, "%sangstrom*ps^-1\n&END\n&END\n&END\n", head);
    trajectory t = read_project(NULL, input, NULL);
    assert_read(t, 2);
    assert_triple(t.frame[1].pos_A, 15.0, 20.0, 30.0, 1e-15);
    assert_triple(t.frame[1].vel_A_fs, 2e-3, 0.0, -1e-3, 1e-15);
    free_trajectory(&t);
    (void)snprintf(input, sizeof input, "%sfurlong*fortnight^-1\n", head);
    t = read_project(NULL, input, NULL);
    REFUSED(t, IW_INVALID, "UNIT of the trajectory", "bohr");
    (void)unlink(test_path("p-vel-1.xyz"));
}

static void
a_run_is_found_from_its_folder_input_or_output(void **state)
{
    (void)state;
    char folder[256], name[300];
    (void)snprintf(folder, sizeof folder, "%s", test_folder);
    static const char *const files[] = {"one-pos-1.xyz", "run.inp", "run.out", "one-1.ener"};
    const char *const texts[] = {POS, "&GLOBAL\nPROJECT one\n&END\n",
                                 " GLOBAL| Project name    one\n", ENER};
    (void)snprintf(test_folder, sizeof test_folder, "%.50s/sub", folder);
    assert_int_equal(mkdir(test_folder, 0700), 0);
    for (int i = 0; i < 4; i++)
        write_text(files[i], texts[i]);
    for (int i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof name, "%s%s%s", test_folder, i == 0 ? "" : "/",
                       i == 0 ? "" : files[i]);
        trajectory t = read_file(name, NULL);
        assert_read(t, 2);
        assert_string_equal(t.run.name, "one");
        free_trajectory(&t);
    }
    write_text("one-pos-2.xyz", POS); /* another replica of the same project */
    trajectory t = read_file(test_folder, NULL);
    assert_read(t, 2);
    free_trajectory(&t);
    write_text("two-pos-1.xyz", POS);
    t = read_file(test_folder, NULL);
    REFUSED(t, IW_INVALID, "one-pos-1.xyz", "two-pos-1.xyz", "name one");
    void *none = NULL;
    assert_int_equal(remove_test_folder(&none), 0);
    (void)snprintf(test_folder, sizeof test_folder, "%.60s", folder);
}

/* A run that is followed from its first byte gives what was given once, however the bytes come. */
static void
files_that_grow_byte_by_byte_give_the_same_frames(void **state)
{
    (void)state;
    static const char *const names[] = {"g-pos-1.xyz", "g-vel-1.xyz", "g-1.ener"};
    static const char *const texts[] = {POS, VEL, ENER};
    assert_grows(names, texts, 3, "g.EXIT");
}

/* Two jobs, the second from a restart file of step 25 where the first was killed in step 37: what
 * each wrote of a step is told apart by its numbers. */
enum { KILLED = 37, RESTART = 25, LAST = 60 };

static double
value_of(int64_t step, int job)
{
    return 10.0 + (double)step + 0.25 * job;
}

/* A job's part of one file: frames of positions or velocities, or rows. */
static void
write_job(const char *name, int job, int each, const char *mode)
{
    FILE *file = fopen(test_path(name), mode);
    assert_non_null(file);
    for (int step = job ? RESTART + 1 : 0; step <= (job ? LAST : KILLED); step++) {
        double value = value_of(step, job);
        if (step % each != 0)
            continue;
        if (strstr(name, ".xyz"))
            (void)fprintf(file, "1\n i = %d, time = %d.0, E = 0\nLi %.2f 0 0\n", step, step, value);
        else if (strstr(name, ".cell"))
            (void)fprintf(file, "%d %d %.2f 0 0 0 9 0 0 0 9 0\n", step, step, value);
        else
            (void)fprintf(file, "%d %d 0 %.2f 0 0 0\n", step, step, value);
    }
    assert_int_equal(fclose(file), 0);
}

static const char *const of_job[] = {"e-pos-1.xyz", "e-vel-1.xyz", "e-1.cell", "e-1.ener"};

/* What stands beside the positions is of their step and job, or the file does not have it.  A file
 * that is slower than the positions is read on, beyond a restart, while it is waited for. */
static void
assert_of_job(const iw_frame *frame, const int each[4], int job, bool slower)
{
    double value = value_of(frame->step, job);
    assert_close(frame->pos_A[0], value, 1e-14, 0.0);
    assert_true(frame->has_velocities);
    assert_close(frame->vel_A_fs[0] / 21.8769126, value, 1e-8, 0.0);
    if (frame->step % each[2] == 0 && (slower || each[2] <= each[0]))
        assert_close(frame->cell_A[0], value, 1e-14, 0.0);
    if (frame->step % each[3] == 0 && (slower || each[3] <= each[0]))
        assert_close(frame->temperature_K, value, 1e-14, 0.0);
}

static const int steps_between[][4] = {
    {1, 1, 1, 1},  {10, 10, 1, 1}, {10, 10, 10, 10}, {10, 1, 1, 1}, {10, 5, 2, 1},
    {1, 1, 10, 5}, {2, 1, 20, 3},  {7, 7, 1, 10},    {15, 3, 5, 1}, {20, 10, 1, 4}};
enum { SPACINGS = sizeof steps_between / sizeof *steps_between };

static void
files_with_other_spacings_are_paired_beyond_a_restart(void **state)
{
    (void)state;
    for (size_t s = 0; s < SPACINGS; s++) {
        const int *each = steps_between[s];
        for (int f = 0; f < 4; f++)
            for (int job = 0; job < 2; job++)
                write_job(of_job[f], job, each[f], job ? "a" : "w");
        trajectory t = read_file(test_path(of_job[0]), NULL);
        assert_read(t, (size_t)(LAST / each[0]) + 1);
        for (size_t i = 0; i < t.n; i++) {
            assert_int_equal(t.frame[i].step, (int64_t)i * each[0]);
            assert_of_job(&t.frame[i], each, t.frame[i].step > RESTART, true);
        }
        free_trajectory(&t);
    }
}

static void
files_with_other_spacings_are_paired_when_a_restart_comes_while_they_are_followed(void **state)
{
    (void)state;
    iw_reader_options options;
    iw_reader_options_init(&options);
    options.follow = true;
    for (size_t s = 0; s < SPACINGS; s++) {
        const int *each = steps_between[s];
        for (int f = 0; f < 4; f++)
            write_job(of_job[f], 0, each[f], "w");
        const char *path = test_path(of_job[0]);
        iw_error err = {0};
        trajectory t = {0};
        iw_reader *reader = iw_reader_open(&path, 1, &options, &err);
        assert_non_null(reader);
        read_on(&t, reader);
        for (int f = 0; f < 4; f++)
            write_job(of_job[f], 1, each[f], "a");
        read_on(&t, reader);
        iw_reader_close(&reader);
        assert_int_equal(t.status, IW_AGAIN);
        size_t first = (size_t)(KILLED / each[0]) + 1;
        size_t all = first + (size_t)(LAST / each[0]) - (size_t)(RESTART / each[0]);
        assert_true(t.n == all || t.n + 1 == all); /* rows of the last step may still come */
        for (size_t i = 0; i < t.n; i++)
            assert_of_job(&t.frame[i], each, i >= first, false);
        free_trajectory(&t);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_files_of_a_run_are_put_together_by_step),
        cmocka_unit_test(files_that_are_absent_are_done_without_and_named),
        cmocka_unit_test(velocities_that_end_early_end_the_run),
        cmocka_unit_test(of_the_steps_that_a_restart_repeats_the_later_count),
        cmocka_unit_test(files_with_other_spacings_are_paired_beyond_a_restart),
        cmocka_unit_test(
            files_with_other_spacings_are_paired_when_a_restart_comes_while_they_are_followed),
        cmocka_unit_test(what_is_wrong_is_refused_with_file_and_line),
        cmocka_unit_test(rows_of_slower_files_are_not_awaited_for_ever),
        cmocka_unit_test(an_input_tells_cell_timestep_and_temperature),
        cmocka_unit_test(the_last_header_of_the_output_overrules_an_input_that_was_changed),
        cmocka_unit_test(units_of_the_trajectory_are_those_of_the_input),
        cmocka_unit_test(a_run_is_found_from_its_folder_input_or_output),
        cmocka_unit_test(files_that_grow_byte_by_byte_give_the_same_frames),
    };
    return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
