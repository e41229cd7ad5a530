/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every unit that can be mistaken, on frames of real runs: a name for each, and silence for all
 * that is right. */
#include "adapters/reader.h"
#include "iw_test.h"
#include "trajectory/trajectory.h"

#include <math.h>

#define BOHR_A       0.529177210903
#define BOHR_A_FS    21.876912636 /* bohr per atomic time */
#define RYDBERG_FS   0.0483776865
#define HARTREE_FS   0.0241888433
#define ELECTRON_AFS 0.51239631 /* velocity of LAMMPS's electron units: bohr / 1.03275 fs */

enum { FRAMES = 24 };

/* Factors on what is sent; 1 is right. */
typedef struct {
    double length, velocity, spacing;
    const char *says[3]; /* each in one of the events, or nothing at all */
} mistake;

typedef struct {
    const char *path;
    double spacing_fs, temperature_K;
    const char *species;
} source;

/* The texts of all events that speak of units, one a line. */
static void
stream_with(const source *from, const mistake *m, bool velocities, char *said, size_t size)
{
    iw_error err = {0};
    iw_reader_options options;
    iw_reader_options_init(&options);
    options.dt_fs = from->spacing_fs;
    options.temperature_K = from->temperature_K;
    options.species = from->species;
    iw_reader *reader = iw_reader_open(&from->path, 1, &options, &err);
    if (!reader)
        fail_msg("%s", err.text);
    iw_run_info run;
    iw_frame frame;
    iw_event_list events = {0};
    iw_step step;
    iw_run_info_init(&run);
    assert_ok(iw_run_info_copy(&run, iw_reader_run(reader), &err), err);
    assert_ok(iw_frame_init(&frame, run.n_atoms, &err), err);
    run.timestep_fs *= m->spacing * (double)run.stride;
    run.stride = 1;
    iw_trajectory_options how = {.drift = IW_DRIFT_COM};
    iw_trajectory *trajectory = iw_trajectory_new(&run, &how, &events, &err);
    assert_non_null(trajectory);
    for (int t = 0; t < FRAMES && iw_reader_next(reader, &frame, &err) == IW_OK; t++) {
        for (size_t i = 0; i < 3 * run.n_atoms; i++) {
            frame.pos_A[i] *= m->length;
            frame.vel_A_fs[i] *= m->velocity;
        }
        for (size_t i = 0; i < 9; i++)
            frame.cell_A[i] *= m->length;
        frame.has_velocities = frame.has_velocities && velocities;
        frame.step = t;
        frame.time_fs = t * run.timestep_fs;
        assert_ok(iw_trajectory_push(trajectory, &frame, &step, &err), err);
    }
    said[0] = '\0';
    for (size_t i = 0; i < events.n; i++) {
        const iw_event *event = &events.items[i];
        size_t used = strlen(said);
        if (event->kind == IW_EVENT_length_mismatch ||
            event->kind == IW_EVENT_temperature_mismatch ||
            event->kind == IW_EVENT_velocity_mismatch || event->kind == IW_EVENT_time_mismatch)
            (void)snprintf(said + used, size - used, "%s\n", event->text);
    }
    iw_trajectory_destroy(&trajectory);
    iw_event_list_fini(&events);
    iw_frame_fini(&frame);
    iw_run_info_fini(&run);
    iw_reader_close(&reader);
}

static void
assert_says(const source *from, const mistake *m, bool velocities)
{
    char said[2000];
    stream_with(from, m, velocities, said, sizeof said);
    if (!m->says[0] && *said)
        fail_msg("%s: false alarm: %s", from->path, said);
    for (size_t i = 0; i < 3 && m->says[i]; i++)
        if (!strstr(said, m->says[i]))
            fail_msg("%s, length %g, velocity %g, spacing %g: no \"%s\" in: %s", from->path,
                     m->length, m->velocity, m->spacing, m->says[i], said);
}

/* Of our AIMD run of Na11P4S15Cl, and of GaN where it is. */
static void
assert_all_say(const mistake *m, bool velocities)
{
    const char *own = IONWATCH_SOURCE_DIR "/tests/data/cp2k/na3ps4cl-pos-1.xyz.xz";
    const char *folder = iw_shared_data();
    char path[8192];
    (void)snprintf(path, sizeof path, "%s/gan_2000K/gan.dump.gz", folder ? folder : "");
    const source na3ps4cl = {own, (double)NAN, 1000.0, NULL};
    const source gan = {path, 5.0, 2000.0, "Ga*54,N*54"};
    assert_says(&na3ps4cl, m, velocities);
    /* Frames 5 fs apart that are called 100 fs apart: atoms of a stiff solid would move as little.
     */
    if (folder && (velocities || m->spacing < 10.0))
        assert_says(&gan, m, velocities);
}

static void
mistakes_of_velocities_and_lengths_are_named(void **state)
{
    (void)state;
    static const mistake mistakes[] = {
        {1, 1, 1, {NULL}},
        {1, 1e3, 1, {"A/ps taken as A/fs (LAMMPS units metal as real)"}},
        {1, 1e-3, 1, {"A/fs taken as A/ps (LAMMPS units real as metal)"}},
        {1, 100, 1, {"nm/ps taken as A/fs"}},
        {1, 1 / BOHR_A_FS, 1, {"bohr per atomic time taken as A/fs"}},
        {1, BOHR_A_FS, 1, {"A/fs taken as bohr per atomic time"}},
        {1, 1e-3 / BOHR_A_FS, 1, {"bohr per atomic time taken as A/ps"}},
        {1 / BOHR_A, 1, 1, {"bohr taken as A", "velocities fit the temperature"}},
        {BOHR_A, 1, 1, {"A taken as bohr", "velocities fit the temperature"}},
        {0.1, 1, 1, {"nm, or fractions of the cell, taken as A"}},
        {10, 1, 1, {"A taken as nm"}},
        {1 / BOHR_A, 1 / BOHR_A_FS, 1, {"bohr taken as A", "atomic units taken as A and A/fs"}},
        {0.1, 100, 1, {"nm and nm/ps taken as A and A/fs"}},
        /* LAMMPS: true style, taken as */
        {1e-10, 100, 1, {"m taken as A", "LAMMPS units si taken as metal"}},
        {1e-10, 1e5, 1, {"m taken as A", "LAMMPS units si taken as real"}},
        {1e10, 1e-2, 1, {"A taken as m", "LAMMPS units metal taken as si"}},
        {1e10, 1e-5, 1, {"A taken as m", "LAMMPS units real taken as si"}},
        {1 / BOHR_A, 1e-3 / ELECTRON_AFS, 1, {"bohr", "LAMMPS units electron taken as metal"}},
        {1 / BOHR_A, 1 / ELECTRON_AFS, 1, {"bohr taken as A"}},
        {BOHR_A,
         ELECTRON_AFS / 1e-3,
         1,
         {"A taken as bohr", "LAMMPS units metal taken as electron"}},
        {BOHR_A, ELECTRON_AFS, 1, {"A taken as bohr"}},
        {1 / 3.4, 1, 1, {"reduced (lj) units taken as A"}},
        {1 / 2.4, 1, 1, {"reduced (lj) units taken as A"}},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        assert_all_say(&mistakes[i], true);
    }
}

static void
mistakes_of_time_are_named_with_velocities_and_without(void **state)
{
    (void)state;
    static const mistake mistakes[] = {
        {1, 1, 1, {NULL}},
        {1, 1, 0.1, {"of which about one in 1", "was written (NBLOCK, dump interval)"}},
        {1, 1, 0.5, {"of which about one in 2 was written (NBLOCK, dump interval)"}},
        {1, 1, 1e-3, {"ps taken as fs"}},
        {1, 1, 1e3, {"fs taken as ps"}},
        {1, 1, 1 / RYDBERG_FS, {"Rydberg atomic units of time (0.0484 fs) taken as fs"}},
        {1, 1, 1 / HARTREE_FS, {"Hartree atomic units of time (0.0242 fs) taken as fs"}},
        {1, 1, RYDBERG_FS, {"fs taken as Rydberg atomic units of time"}},
        {1, 1, HARTREE_FS, {"fs taken as Hartree atomic units of time"}},
        {1, 1, 1 / 10.1805, {"ASE's units of time (10.18 fs) taken as fs"}},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
        for (int velocities = 0; velocities < 2; velocities++) {
            assert_all_say(&mistakes[i], velocities);
        }
}

static void
lengths_are_named_without_velocities(void **state)
{
    (void)state;
    static const mistake mistakes[] = {
        {1 / BOHR_A, 1, 1, {"bohr taken as A"}},
        {BOHR_A, 1, 1, {"A taken as bohr"}},
        {0.1, 1, 1, {"nm, or fractions of the cell, taken as A"}},
        {10, 1, 1, {"A taken as nm"}},
        {1e10, 1, 1, {"A taken as m"}},
        {1e-10, 1, 1, {"m taken as A"}},
        {1e8, 1, 1, {"A taken as cm"}},
        {1e-8, 1, 1, {"cm taken as A"}},
        {1e4, 1, 1, {"A taken as um"}},
        {1e-4, 1, 1, {"um taken as A"}},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
        assert_all_say(&mistakes[i], false);
}

/* LAMMPS's own definitions of its units of length and time. */
static const struct {
    const char *name, *length;
    double length_m, time_s;
} styles[] = {{"metal", "A", 1e-10, 1e-12}, {"real", "A", 1e-10, 1e-15},
              {"si", "m", 1.0, 1.0},        {"cgs", "cm", 1e-2, 1.0},
              {"micro", "um", 1e-6, 1e-6},  {"nano", "nm, or fractions of the cell,", 1e-9, 1e-9}};

static void
each_style_of_lammps_taken_for_metal_or_real_is_named_and_the_other_way_round(void **state)
{
    (void)state;
    for (size_t usual = 0; usual < 2; usual++)
        for (size_t other = 2; other < sizeof styles / sizeof *styles; other++)
            for (int turned = 0; turned < 2; turned++) {
                size_t is = turned ? usual : other, said = turned ? other : usual;
                char length[64], pair[64];
                mistake m = {styles[said].length_m / styles[is].length_m, 1, 1, {NULL}};
                m.velocity = m.length * styles[is].time_s / styles[said].time_s;
                /* nm in ns as A in ps is as far off as nm in ps as A in fs */
                bool brief = usual == 0 && strcmp(styles[other].name, "nano") == 0;
                (void)snprintf(length, sizeof length, "%s taken as",
                               m.length > 1.0 ? "A" : styles[other].length);
                (void)snprintf(pair, sizeof pair, "LAMMPS units %s %s %s", styles[is].name,
                               brief ? "as" : "taken as", styles[said].name);
                m.says[0] = length;
                m.says[1] = pair;
                assert_all_say(&m, true);
            }
}

static void
runs_of_others_raise_no_false_alarm(void **state)
{
    (void)state;
    const char *folder = iw_shared_data();
    if (!folder)
        skip();
    static const source runs[] = {
        {"al31_vacancy_1200K/Al31-1200K-1ps.lammpstrj.gz", 1000, 1200, "Al"},
        {"aln_300K_qe/traj.extxyz.gz", (double)NAN, 300, NULL},
        {"gan_2000K/gan.dump.gz", 5, 2000, "Ga*54,N*54"},
        {"lgps_600K/traj.extxyz.gz", (double)NAN, 600, NULL},
        {"thf01_gas/md-pos-1.xyz.gz", (double)NAN, 300, NULL},
        {"water32_300K/md-pos-1.xyz.gz", (double)NAN, 300, NULL},
        {"li6ps5cl_50p_500K/run1_XDATCAR.gz", 100, 500, NULL},
        {"vasp_samples/vasprun.md.xml.gz", (double)NAN, (double)NAN, NULL},
        {"vasp_samples/vasprun.ml_md.xml.gz", (double)NAN, (double)NAN, NULL},
        {"vasp_samples/OUTCAR.npt.gz", (double)NAN, (double)NAN, NULL},
        {"vasp_samples/OUTCAR.nvt.gz", (double)NAN, (double)NAN, NULL},
        {"vasp_samples/OUTCAR.wh_aimd.gz", (double)NAN, (double)NAN, NULL},
    };
    const mistake none = {1, 1, 1, {NULL}};
    /* NBLOCK of this one was 10: an XDATCAR whose POTIM was taken for the spacing of frames */
    const mistake forgotten = {1, 1, 0.1, {"about one in 1", "NBLOCK"}};
    char path[8192];
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        source run = runs[i];
        (void)snprintf(path, sizeof path, "%s/%s", folder, run.path);
        run.path = path;
        assert_says(&run, &none, true);
        assert_says(&run, &none, false);
        if (strstr(path, "ml_md"))
            assert_says(&run, &forgotten, false);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_of_velocities_and_lengths_are_named),
        cmocka_unit_test(mistakes_of_time_are_named_with_velocities_and_without),
        cmocka_unit_test(lengths_are_named_without_velocities),
        cmocka_unit_test(
            each_style_of_lammps_taken_for_metal_or_real_is_named_and_the_other_way_round),
        cmocka_unit_test(runs_of_others_raise_no_false_alarm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
