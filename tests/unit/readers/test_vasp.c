/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VASP's run folder: vasprun.xml, OUTCAR and XDATCAR (adapters/vasp). */
#include "reader_test.h"
#include "vasp_run.h"

#include <sys/stat.h>

static const vasp_run nine = {.last = 9, .nblock = 3, .ended = true};

typedef char *(*writer)(const vasp_run *run);

static const char *
put(const char *name, writer write, const vasp_run *run)
{
    char *text = write(run);
    assert_true(strlen(text) + 1 < VASP_TEXT);
    const char *path = write_text(name, text);
    free(text);
    return path;
}

/* The frame is that step of the run; step_number is what the reader calls it. */
static void
assert_step(const iw_frame *frame, int step, int64_t step_number, double tolerance_A)
{
    double cell[9];
    vasp_cell(step, cell);
    assert_int_equal(frame->step, step_number);
    assert_close(frame->time_fs, 1.5 * (double)step_number, 1e-14, 0.0);
    for (int i = 0; i < 9; i++)
        assert_close(frame->cell_A[i], cell[i], 0.0, tolerance_A > 0.0 ? 1e-9 : 1e-14);
    for (int i = 0; i < VASP_ATOMS; i++) {
        double f[3];
        for (int x = 0; x < 3; x++)
            f[x] = vasp_fraction(step, i, x);
        for (int x = 0; x < 3; x++)
            assert_close(frame->pos_A[3 * i + x],
                         f[0] * cell[x] + f[1] * cell[3 + x] + f[2] * cell[6 + x], 0.0,
                         tolerance_A > 0.0 ? tolerance_A : 1e-13);
    }
}

static void
assert_run(const iw_run_info *run, int64_t stride)
{
    assert_string_equal(run->code, "VASP");
    assert_int_equal(run->n_atoms, 3);
    assert_string_equal(run->species[run->kind[1]], "Li");
    assert_string_equal(run->species[run->kind[2]], "S");
    assert_true(run->wrapped);
    assert_close(run->timestep_fs, 1.5, 0.0, 0.0);
    assert_int_equal(run->stride, stride);
    assert_close(run->temperature_K, 600.0, 0.0, 0.0);
    assert_string_equal(iw_run_info_metadata(run, "MDALGO"), "2");
}

static void
vasprun_has_every_step_with_its_energies(void **state)
{
    (void)state;
    for (int learned = 0; learned < 3; learned++) {
        vasp_run run = nine;
        run.learned = learned; /* none, all, every other step of a learned force field */
        trajectory t = read_file(put("vasprun.xml", vasp_vasprun, &run), NULL);
        assert_read(t, 9);
        assert_run(&t.run, 1);
        assert_string_equal(t.run.code_version, "6.3.2");
        assert_close(t.run.mass_amu[0], 7.016, 0.0, 0.0); /* that of the run, not of the POTCAR */
        for (int step = 0; step < 9; step++) {
            assert_step(&t.frame[step], step, step, 0.0);
            assert_close(t.frame[step].potential_energy_eV, vasp_energy(step), 1e-15, 0.0);
            assert_close(t.frame[step].kinetic_energy_eV, vasp_kinetic(step), 1e-15, 0.0);
            assert_true(isnan(t.frame[step].temperature_K));
            assert_false(t.frame[step].has_velocities);
        }
        free_trajectory(&t);
    }
}

static void
xdatcar_and_vasprun_agree_at_their_common_steps(void **state)
{
    (void)state;
    trajectory xml = read_file(put("vasprun.xml", vasp_vasprun, &nine), NULL);
    assert_read(xml, 9);
    /* POTIM and NBLOCK of the XDATCAR from the head of vasprun.xml, as there is nothing else. */
    trajectory t = read_file(put("XDATCAR", vasp_xdatcar, &nine), NULL);
    assert_read(t, 3);
    assert_run(&t.run, 3);
    assert_noted(&t, "4.5 fs apart: POTIM 1.5 x NBLOCK 3");
    for (int i = 0; i < 3; i++) {
        const iw_frame *same = &xml.frame[3 * i];
        assert_step(&t.frame[i], 3 * i, 3 * i, 0.0);
        assert_memory_equal(t.frame[i].pos_A, same->pos_A, 9 * sizeof(double));
        assert_memory_equal(t.frame[i].cell_A, same->cell_A, 9 * sizeof(double));
        assert_close(t.frame[i].time_fs, same->time_fs, 1e-15, 0.0);
    }
    free_trajectory(&t);
    free_trajectory(&xml);
    clear_test_folder();
}

static void
outcar_has_every_nblock_th_step_with_energies_and_temperature(void **state)
{
    (void)state;
    trajectory t = read_file(put("OUTCAR", vasp_outcar, &nine), NULL);
    assert_read(t, 3);
    assert_run(&t.run, 3);
    assert_string_equal(t.run.code_version, "5.4.1");
    assert_close(t.run.mass_amu[0], 7.02, 0.0, 0.0);   /* changed in the INCAR */
    assert_close(t.run.mass_amu[2], 32.066, 0.0, 0.0); /* the POTCAR's has more digits */
    assert_noted(&t, "five decimals");
    for (int i = 0; i < 3; i++) {
        assert_step(&t.frame[i], 3 * i, 3 * i, 0.6e-5);
        assert_close(t.frame[i].potential_energy_eV, vasp_energy(3 * i), 1e-15, 0.0);
        assert_close(t.frame[i].kinetic_energy_eV, vasp_kinetic(3 * i), 0.0, 0.6e-6);
        assert_close(t.frame[i].temperature_K, 600.0 + 3 * i, 0.0, 0.006);
    }
    free_trajectory(&t);
    clear_test_folder();
}

/* Reads what there is of a file again whenever a byte has come. */
static void
grow(const char *name, writer write, size_t frames)
{
    iw_reader_options options;
    iw_reader_options_init(&options);
    char *text = write(&nine);
    size_t length = strlen(text), before = 0;
    trajectory whole = read_file(write_text(name, text), &options), grown = {0};
    assert_read(whole, frames);
    options.follow = true;
    iw_reader *reader = NULL;
    const char *path = write_text(name, "");
    for (size_t i = 0; i < length; i++) {
        write_bytes(name, text + i, 1, "ab");
        if (!reader)
            reader = iw_reader_open(&path, 1, &options, &grown.err);
        if (reader)
            read_on(&grown, reader);
        else
            grown.status = grown.err.code;
        if (grown.status != IW_AGAIN)
            print_error("%s byte %zu: %s\n", name, i, grown.err.text);
        assert_int_equal(grown.status, IW_AGAIN);
    }
    assert_int_equal(grown.n, frames);
    iw_reader_close(&reader);
    options.follow = false;
    for (size_t size = 0; size < length; size++) {
        write_bytes(name, text, size, "wb");
        trajectory part = read_file(path, &options);
        if (part.status != IW_END)
            assert_true(before == 0 &&
                        (part.status == IW_INVALID || part.status == IW_UNSUPPORTED));
        assert_true(part.n == before || part.n == before + 1);
        before = part.n;
        for (size_t f = 0; f < part.n; f++)
            assert_same_frame(&part.frame[f], &whole.frame[f]);
        free_trajectory(&part);
    }
    assert_int_equal(before, frames);
    for (size_t f = 0; f < frames; f++)
        assert_same_frame(&grown.frame[f], &whole.frame[f]);
    free_trajectory(&grown);
    free_trajectory(&whole);
    free(text);
    clear_test_folder();
}

static void
files_that_grow_or_are_cut_anywhere_give_their_whole_steps(void **state)
{
    (void)state;
    grow("vasprun.xml", vasp_vasprun, 9);
    grow("OUTCAR", vasp_outcar, 3);
}

static void
output_that_a_learned_field_thins_is_spaced_by_its_own_block(void **state)
{
    (void)state;
    const struct {
        const char *version, *mode;
        int64_t vasprun;
    } cases[] = {{"6.4.2", "run", 1}, {"6.4.3", "RUN", 20}, {"6.10.1", "predict", 20}};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        char learned[200];
        (void)snprintf(learned, sizeof learned,
                       "  <i type=\"string\" name=\"ML_MODE\">%s</i>\n"
                       "  <i type=\"int\" name=\"ML_OUTBLOCK\">     20</i>\n",
                       cases[c].mode);
        vasp_run run = {.last = 4, .nblock = 1, .extra = learned, .version = cases[c].version};
        trajectory t = read_file(put("vasprun.xml", vasp_vasprun, &run), NULL);
        assert_read(t, 4);
        assert_run(&t.run, cases[c].vasprun);
        free_trajectory(&t);
        t = read_file(put("XDATCAR", vasp_xdatcar, &run), NULL);
        assert_read(t, 4);
        assert_run(&t.run, 20);
        assert_noted(&t, "ML_OUTBLOCK 20");
        free_trajectory(&t);
    }
    clear_test_folder();
}

static void
what_is_damaged_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        writer write;
        const char *name, *old, *new;
        const char *says[3];
        bool head; /* nothing can be read */
    } cases[] = {
        {vasp_vasprun, "vasprun.xml", "\"atomtypes\"", "\"atomtypos\"", {"atomtypes"}, true},
        {vasp_vasprun,
         "vasprun.xml",
         "<rc><c>   2</c>",
         "<rc><c>  -2</c>",
         {"number, element and mass", "-2"},
         true},
        {vasp_vasprun, "vasprun.xml", "<structure>", "<xtructure>", {NULL}, false},
        {vasp_outcar, "OUTCAR", "ions per type", "ions pro type", {"ions per type"}, true},
        {vasp_outcar, "OUTCAR", "  6.000000000", "  6.0000 0000", {"vector of the cell"}, true},
        {vasp_outcar, "OUTCAR", "    0.125000 ", "  **********", {NULL}, false},
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        char *text = cases[c].write(&nine);
        char *at = strstr(text, cases[c].old);
        assert_non_null(at);
        memcpy(at, cases[c].new, strlen(cases[c].new));
        trajectory t = read_file(write_text(cases[c].name, text), NULL);
        free(text);
        if (cases[c].head)
            assert_refused(&t, IW_INVALID, cases[c].says);
        else
            assert_int_equal(t.status, IW_END);
        free_trajectory(&t);
    }
    /* numbers that VASP could not print, in the second step */
    char *text = vasp_vasprun(&nine);
    char *second = strstr(strstr(text, "</calculation>"), "\"positions\"");
    char *row = strstr(second, "<v>");
    memset(row + 4, '*', 16);
    trajectory t = read_file(write_text("vasprun.xml", text), NULL);
    free(text);
    assert_int_equal(t.n, 1);
    REFUSED(t, IW_INVALID, "vasprun.xml line", "<v> ****");
    t = read_file(write_text("other.xml", "<?xml version=\"1.0\"?>\n<svg>\n</svg>\n"), NULL);
    REFUSED(t, IW_UNSUPPORTED, "no vasprun.xml");
    clear_test_folder();
}

/* ---- folders ---- */

static trajectory
read_folder(void)
{
    return read_file(test_folder, NULL);
}

static void
a_folder_is_read_from_the_file_that_has_most(void **state)
{
    (void)state;
    put("OUTCAR", vasp_outcar, &nine);
    trajectory t = read_folder();
    assert_read(t, 3);
    assert_string_equal(iw_run_info_metadata(&t.run, "format"), "outcar");
    free_trajectory(&t);
    put("XDATCAR", vasp_xdatcar, &nine);
    t = read_folder();
    assert_read(t, 3);
    assert_string_equal(iw_run_info_metadata(&t.run, "format"), "xdatcar");
    assert_run(&t.run, 3); /* from the OUTCAR */
    free_trajectory(&t);
    put("vasprun.xml", vasp_vasprun, &nine);
    t = read_folder();
    assert_read(t, 9);
    assert_string_equal(iw_run_info_metadata(&t.run, "format"), "vasprun");
    assert_string_equal(t.run.name, strrchr(test_folder, '/') + 1);
    assert_noted(&t, "vasprun.xml");
    free_trajectory(&t);
    iw_reader_options options;
    iw_reader_options_init(&options);
    options.format = "xdatcar";
    t = read_file(test_folder, &options);
    assert_read(t, 3);
    free_trajectory(&t);
    clear_test_folder();
}

/* Steps 0 to 8, cut into jobs that went on from a CONTCAR each. */
static const vasp_run jobs[] = {{.first = 0, .last = 3, .nblock = 1, .ended = true},
                                {.first = 3, .last = 5, .nblock = 1, .ended = true},
                                {.first = 5, .last = 9, .nblock = 1}};

static void
jobs_that_went_on_from_a_contcar_are_one_run(void **state)
{
    (void)state;
    static const char *const ways[][3] = {
        {"vasprun.xml.run1", "vasprun.xml.run2", "vasprun.xml"},
        {"run_9_vasprun.xml", "run_10_vasprun.xml", "vasprun.xml"},
        {"run.9/vasprun.xml", "run.10/vasprun.xml", "run.11/vasprun.xml"},
        {"md01/vasprun.xml", "md02/vasprun.xml", "vasprun.xml"},
    };
    for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
        for (size_t j = 0; j < 3; j++) {
            char folder[32];
            (void)snprintf(folder, sizeof folder, "%s", ways[w][j]);
            char *slash = strchr(folder, '/');
            if (slash) {
                *slash = '\0';
                assert_int_equal(mkdir(test_path(folder), 0700), 0);
            }
            put(ways[w][j], vasp_vasprun, &jobs[j]);
        }
        trajectory t = read_folder();
        assert_read(t, 9);
        for (int step = 0; step < 9; step++)
            assert_step(&t.frame[step], step, step, 0.0);
        assert_string_equal(t.run.name, strrchr(test_folder, '/') + 1);
        free_trajectory(&t);
        clear_test_folder();
    }
}

static void
folders_that_are_several_runs_are_not_joined(void **state)
{
    (void)state;
    static const char *const names[][2] = {{"run.300", "run.600"}, {"run.1", "md.2"}};
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < 2; k++) {
            char path[64];
            assert_int_equal(mkdir(test_path(names[i][k]), 0700), 0);
            (void)snprintf(path, sizeof path, "%s/vasprun.xml", names[i][k]);
            put(path, vasp_vasprun, &jobs[k]);
        }
        trajectory t = read_folder();
        REFUSED(t, IW_INVALID, "does not follow on", "name the folders");
        clear_test_folder();
    }
    assert_int_equal(mkdir(test_path("01"), 0700), 0); /* an image of a NEB */
    put("01/vasprun.xml", vasp_vasprun, &jobs[0]);
    trajectory t = read_folder();
    REFUSED(t, IW_INVALID, "no run that is known");
    clear_test_folder();
}

static void
a_job_that_began_somewhere_else_leaves_a_gap(void **state)
{
    (void)state;
    put("vasprun.xml.1", vasp_vasprun, &nine);
    put("vasprun.xml", vasp_vasprun, &nine); /* from the POSCAR once more */
    trajectory t = read_folder();
    assert_read(t, 18);
    assert_step(&t.frame[8], 8, 8, 0.0);
    assert_int_equal(t.frame[9].step, 10);
    assert_int_equal(t.frame[10].step, 11);
    assert_noted(&t, "with a gap");
    free_trajectory(&t);
    clear_test_folder();
}

/* ---- following ---- */

static iw_reader *
follow_folder(trajectory *out)
{
    iw_reader_options options;
    iw_reader_options_init(&options);
    options.follow = true;
    const char *path = test_folder;
    return iw_reader_open(&path, 1, &options, &out->err);
}

/* Often enough for a folder to be looked into again. */
static void
read_much(trajectory *out, iw_reader *reader)
{
    for (int i = 0; i < 12; i++) {
        read_on(out, reader);
        if (out->status != IW_AGAIN)
            fail_msg("%s", out->err.text);
    }
}

static void
assert_nine_steps(trajectory *t, iw_reader **reader)
{
    assert_int_equal(t->n, 9);
    for (int step = 0; step < 9; step++)
        assert_step(&t->frame[step], step, step, 0.0);
    iw_reader_close(reader);
    free_trajectory(t);
    clear_test_folder();
}

static void
a_followed_folder_waits_for_its_first_step(void **state)
{
    (void)state;
    trajectory t = {0};
    assert_null(follow_folder(&t));
    assert_int_equal(t.err.code, IW_AGAIN);
    write_text("OUTCAR", "");
    write_text("XDATCAR", "");
    write_text("vasprun.xml", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n");
    assert_null(follow_folder(&t));
    assert_int_equal(t.err.code, IW_AGAIN);
    vasp_run none = {.nblock = 1};
    put("vasprun.xml", vasp_vasprun, &none);
    assert_null(follow_folder(&t));
    assert_int_equal(t.err.code, IW_AGAIN);
    put("vasprun.xml", vasp_vasprun, &nine);
    iw_reader *reader = follow_folder(&t);
    assert_non_null(reader);
    assert_string_equal(strrchr(iw_reader_stop_file(reader), '/'), "/STOPCAR");
    read_much(&t, reader);
    assert_true(iw_reader_over(reader));
    assert_nine_steps(&t, &reader);
}

static void
a_job_that_overwrites_the_files_goes_on_with_the_run(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        trajectory t = {0};
        put("vasprun.xml", vasp_vasprun, &jobs[0]);
        iw_reader *reader = follow_folder(&t);
        assert_non_null(reader);
        read_much(&t, reader);
        assert_int_equal(t.n, 3);
        for (int j = 1; j < 3; j++) {
            char name[32];
            (void)snprintf(name, sizeof name, "run%d_vasprun.xml", j);
            if (way == 1) /* kept under another name */
                assert_int_equal(rename(test_path("vasprun.xml"), test_path(name)), 0);
            else if (way == 2) /* removed */
                assert_int_equal(unlink(test_path("vasprun.xml")), 0);
            read_much(&t, reader);
            write_text("vasprun.xml", "<?xml version=\"1.0\"?>\n");
            read_much(&t, reader);
            put("vasprun.xml", vasp_vasprun, &jobs[j]);
            read_much(&t, reader);
        }
        assert_false(iw_reader_over(reader));
        assert_nine_steps(&t, &reader);
    }
}

/* Both jobs between two looks: the file was never seen shorter than it was. */
static void
a_job_that_has_written_more_than_the_last_one_before_it_is_seen_goes_on_with_the_run(void **state)
{
    (void)state;
    static const vasp_run rest = {.first = 3, .last = 9, .nblock = 1};
    trajectory t = {0};
    put("vasprun.xml", vasp_vasprun, &jobs[0]);
    iw_reader *reader = follow_folder(&t);
    assert_non_null(reader);
    read_much(&t, reader);
    assert_int_equal(t.n, 3);
    put("vasprun.xml", vasp_vasprun, &rest);
    read_much(&t, reader);
    assert_nine_steps(&t, &reader);
}

static void
a_job_in_the_next_folder_goes_on_with_the_run(void **state)
{
    (void)state;
    trajectory t = {0};
    iw_reader *reader = NULL;
    for (int j = 0; j < 3; j++) {
        char name[32];
        (void)snprintf(name, sizeof name, "run.%d", j);
        assert_int_equal(mkdir(test_path(name), 0700), 0);
        if (reader)
            read_much(&t, reader);
        (void)snprintf(name, sizeof name, "run.%d/vasprun.xml", j);
        put(name, vasp_vasprun, &jobs[j]);
        if (!reader)
            reader = follow_folder(&t);
        assert_non_null(reader);
        read_much(&t, reader);
    }
    assert_nine_steps(&t, &reader);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vasprun_has_every_step_with_its_energies),
        cmocka_unit_test(xdatcar_and_vasprun_agree_at_their_common_steps),
        cmocka_unit_test(outcar_has_every_nblock_th_step_with_energies_and_temperature),
        cmocka_unit_test(files_that_grow_or_are_cut_anywhere_give_their_whole_steps),
        cmocka_unit_test(output_that_a_learned_field_thins_is_spaced_by_its_own_block),
        cmocka_unit_test(what_is_damaged_is_refused_with_its_line),
        cmocka_unit_test(a_folder_is_read_from_the_file_that_has_most),
        cmocka_unit_test(jobs_that_went_on_from_a_contcar_are_one_run),
        cmocka_unit_test(folders_that_are_several_runs_are_not_joined),
        cmocka_unit_test(a_job_that_began_somewhere_else_leaves_a_gap),
        cmocka_unit_test(a_followed_folder_waits_for_its_first_step),
        cmocka_unit_test(a_job_that_overwrites_the_files_goes_on_with_the_run),
        cmocka_unit_test(
            a_job_that_has_written_more_than_the_last_one_before_it_is_seen_goes_on_with_the_run),
        cmocka_unit_test(a_job_in_the_next_folder_goes_on_with_the_run),
    };
    return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
