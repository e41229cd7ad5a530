/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proves docs/physics.md, "Method paper". */
#include "constants.h"
#include "estimate/paper.h"
#include "iw_test.h"
#include "reference.h"

/* Frames in memory as a source. */
typedef struct {
    iw_source source;
    iw_run_info run;
    size_t frames, next;
    const double *pos;   /* [frames][atoms][3] */
    const int64_t *step; /* [frames]; NULL: 0, 1, 2, ... */
    const double *cell;  /* 9 numbers, or NULL */
    size_t passes;
} memory;

static iw_status
memory_next(void *self, iw_frame *frame, iw_error *err)
{
    memory *m = self;
    (void)err;
    if (m->next == m->frames)
        return IW_END;
    frame->seq = m->next + 1;
    frame->step = m->step ? m->step[m->next] : (int64_t)m->next;
    frame->time_fs = (double)frame->step * m->run.timestep_fs;
    frame->has_cell = m->cell != NULL;
    if (m->cell)
        memcpy(frame->cell_A, m->cell, sizeof frame->cell_A);
    size_t row = 3 * m->run.n_atoms;
    memcpy(frame->pos_A, m->pos + m->next * row, row * sizeof(double));
    m->next++;
    return IW_OK;
}

static iw_status
memory_rewind(void *self, iw_error *err)
{
    memory *m = self;
    (void)err;
    m->next = 0;
    m->passes++;
    return IW_OK;
}

static void
memory_init(memory *m, const double *pos, size_t frames, size_t atoms, double dt_fs)
{
    *m = (memory){.frames = frames, .pos = pos};
    iw_run_info_init(&m->run);
    m->run.n_atoms = atoms;
    m->run.timestep_fs = dt_fs;
    m->source = (iw_source){m, &m->run, memory_next, memory_rewind};
}

static double
random_step(uint64_t *seed)
{
    return 0.1 * iw_test_normal(seed);
}

/* Random walks with a rattle, unwrapped. */
static double *
rattle(size_t frames, size_t atoms, uint64_t seed)
{
    double *pos = calloc(frames * atoms * 3, sizeof *pos);
    double *site = calloc(atoms * 3, sizeof *site);
    for (size_t t = 0; t < frames; t++)
        for (size_t i = 0; i < 3 * atoms; i++) {
            site[i] += random_step(&seed);
            pos[t * atoms * 3 + i] =
                site[i] + 0.2 * sin((0.3 + 0.01 * (double)i) * (double)t + (double)i);
        }
    free(site);
    return pos;
}

/* The procedure word for word: full two-sided VACF, less its mean, modulus of the transform. */
static void
brute(const double *pos, size_t frames, size_t atoms, const unsigned char *member, double dt_fs,
      double *energy, double *g)
{
    size_t n = frames - 1, points = 2 * n - 1;
    double *full = calloc(points, sizeof *full), mean = 0;
    for (size_t m = 0; m < n; m++) {
        double sum = 0;
        for (size_t t = 0; t + m < n; t++)
            for (size_t i = 0; i < 3 * atoms; i++) {
                const double *a = pos + t * 3 * atoms + i, *b = a + m * 3 * atoms;
                if (member[i / 3])
                    sum += (a[3 * atoms] - *a) * (b[3 * atoms] - *b);
            }
        full[n - 1 + m] = full[n - 1 - m] = sum;
    }
    double c0 = full[n - 1];
    for (size_t j = 0; j < points; j++)
        mean += full[j] / c0 / (double)points;
    for (size_t k = 0; k < n; k++) {
        double re = 0, im = 0;
        for (size_t j = 0; j < points; j++) {
            double phase = 2 * 3.14159265358979323846 * (double)(k * j % points) / (double)points;
            re += (full[j] / c0 - mean) * cos(phase);
            im += (full[j] / c0 - mean) * sin(phase);
        }
        g[k] = hypot(re, im);
        energy[k] = 4135.667696923859 * (double)k / ((double)points * dt_fs);
    }
    free(full);
}

static const unsigned char everyone[8] = {1, 1, 1, 1, 1, 1, 1, 1};
static const unsigned char first_three[8] = {1, 1, 1, 0, 0, 0, 0, 0};
static const unsigned char the_others[8] = {0, 0, 0, 1, 1, 1, 1, 1};
static const unsigned char *const three_groups[3] = {everyone, first_three, the_others};

static iw_paper_options
options_for(double dt_fs)
{
    return (iw_paper_options){.dt_fs = dt_fs,
                              .spacing_fs = NAN,
                              .temperature_K = 500,
                              .cutoff_meV = 30,
                              .n_groups = 3,
                              .member = three_groups};
}

static void
groups_free(iw_paper_group *out, size_t n)
{
    for (size_t g = 0; g < n; g++)
        iw_vdos_fini(&out[g].vdos);
}

static void
spectra_equal_brute_force_for_every_group(void **state)
{
    (void)state;
    const size_t lengths[] = {4, 5, 61, 300}; /* 300: more than one tile of displacements */
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        size_t frames = lengths[l], n = frames - 1;
        double *pos = rattle(frames, 8, 1), *energy = calloc(n, sizeof *energy);
        double *g = calloc(n, sizeof *g);
        memory m;
        memory_init(&m, pos, frames, 8, 2);
        iw_paper_options options = options_for(2);
        iw_paper_group out[3] = {0};
        iw_error err;
        double spacing = 0;
        assert_ok(iw_paper_compute(&m.source, &options, out, &spacing, &err), err);
        assert_close(spacing, 2, 0, 0);
        for (size_t k = 0; k < 3; k++) {
            brute(pos, frames, 8, three_groups[k], 2, energy, g);
            double area = 0, top = 0;
            for (size_t i = 1; i + 1 < n; i++)
                area += (energy[i + 1] - energy[i]) / 2 * (g[i] + g[i + 1]);
            for (size_t i = 0; i < n; i++)
                top = fmax(top, g[i] / area);
            assert_int_equal(out[k].vdos.n, n);
            for (size_t i = 0; i < n; i++) {
                assert_close(out[k].vdos.energy_meV[i], energy[i], 1e-14, 0);
                assert_close(out[k].vdos.g[i], g[i] / area, 0, 1e-12 * top);
            }
        }
        groups_free(out, 3);
        free(pos);
        free(energy);
        free(g);
    }
}

static void
same(const iw_paper_group *a, const iw_paper_group *b, double rtol)
{
    for (size_t k = 0; k < 3; k++) {
        assert_int_equal(a[k].vdos.n, b[k].vdos.n);
        assert_close(a[k].vibration.omega_mean_meV, b[k].vibration.omega_mean_meV, rtol, 0);
        assert_close(a[k].vibration.omega30_mean_meV, b[k].vibration.omega30_mean_meV, rtol, 0);
        assert_close(a[k].vibration.f_vib_meV, b[k].vibration.f_vib_meV, rtol, 0);
        assert_close(a[k].vibration.c_v_meV_K, b[k].vibration.c_v_meV_K, rtol, 0);
    }
}

static void
little_memory_means_more_passes_and_the_same_answer(void **state)
{
    (void)state;
    double *pos = rattle(700, 8, 2);
    memory m;
    memory_init(&m, pos, 700, 8, 2);
    iw_paper_options options = options_for(2);
    iw_paper_group whole[3] = {0}, pieces[3] = {0};
    iw_error err;
    assert_ok(iw_paper_compute(&m.source, &options, whole, NULL, &err), err);
    assert_int_equal(m.passes, 1);
    options.memory_bytes = (uint64_t)3 * 3 * 256 * 8 * 3; /* of 134,208 bytes that all would take */
    m.passes = 0;
    assert_ok(iw_paper_compute(&m.source, &options, pieces, NULL, &err), err);
    assert_true(m.passes > 2);
    same(whole, pieces, 1e-13);
    groups_free(whole, 3);
    groups_free(pieces, 3);
    free(pos);
}

static void
wrapped_skewed_cell_gives_what_unwrapped_positions_give(void **state)
{
    (void)state;
    const double cell[9] = {9, 0, 0, -3, 8, 0, 1, 2, 10};
    size_t frames = 200;
    double *pos = rattle(frames, 8, 3), *folded = calloc(frames * 24, sizeof *folded);
    for (size_t i = 0; i < frames * 24; i += 3) {
        double c = pos[i + 2] / cell[8], b = (pos[i + 1] - c * cell[7]) / cell[4];
        double a = (pos[i] - b * cell[3] - c * cell[6]) / cell[0];
        a -= floor(a), b -= floor(b), c -= floor(c);
        folded[i] = a * cell[0] + b * cell[3] + c * cell[6];
        folded[i + 1] = b * cell[4] + c * cell[7];
        folded[i + 2] = c * cell[8];
    }
    memory m;
    iw_paper_options options = options_for(2);
    iw_paper_group plain[3] = {0}, wrapped[3] = {0};
    iw_error err;
    memory_init(&m, pos, frames, 8, 2);
    assert_ok(iw_paper_compute(&m.source, &options, plain, NULL, &err), err);
    memory_init(&m, folded, frames, 8, 2);
    m.cell = cell;
    m.run.wrapped = true;
    assert_ok(iw_paper_compute(&m.source, &options, wrapped, NULL, &err), err);
    same(plain, wrapped, 1e-11);
    groups_free(plain, 3);
    groups_free(wrapped, 3);
    free(pos);
    free(folded);
}

static void
wider_spacing_equals_thinned_frames(void **state)
{
    (void)state;
    size_t frames = 301, kept = 101;
    double *pos = rattle(frames, 8, 4), *thin = calloc(kept * 24, sizeof *thin);
    for (size_t t = 0; t < kept; t++)
        memcpy(thin + t * 24, pos + 3 * t * 24, 24 * sizeof(double));
    memory m;
    iw_paper_options options = options_for(5);
    iw_paper_group wide[3] = {0}, thinned[3] = {0};
    iw_error err;
    double spacing = 0;
    options.spacing_fs = 15;
    memory_init(&m, pos, frames, 8, 5);
    assert_ok(iw_paper_compute(&m.source, &options, wide, &spacing, &err), err);
    assert_close(spacing, 15, 0, 0);
    options.spacing_fs = NAN;
    options.dt_fs = 15;
    memory_init(&m, thin, kept, 8, 15);
    assert_ok(iw_paper_compute(&m.source, &options, thinned, NULL, &err), err);
    same(wide, thinned, 1e-12);
    groups_free(wide, 3);
    groups_free(thinned, 3);
    options.dt_fs = 5;
    options.spacing_fs = 12;
    assert_int_equal(iw_paper_compute(&m.source, &options, wide, NULL, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "12 fs is no multiple of the frame spacing of 5 fs"));
    free(pos);
    free(thin);
}

static void
repeated_steps_of_a_restart_are_left_out(void **state)
{
    (void)state;
    enum { FRAMES = 120, AGAIN = 15 };
    double *pos = rattle(FRAMES, 8, 5),
           *twice = calloc((size_t)(FRAMES + AGAIN) * 24, sizeof *twice);
    int64_t step[FRAMES + AGAIN];
    for (size_t t = 0; t < FRAMES + AGAIN; t++) {
        size_t from = t < 60 ? t : t - AGAIN; /* after step 59 the code went back to step 45 */
        step[t] = 10 * (int64_t)from;
        memcpy(twice + t * 24, pos + from * 24, 24 * sizeof(double));
    }
    memory m;
    iw_paper_options options = options_for(20);
    iw_paper_group once[3] = {0}, again[3] = {0};
    iw_error err;
    memory_init(&m, pos, FRAMES, 8, 20);
    assert_ok(iw_paper_compute(&m.source, &options, once, NULL, &err), err);
    memory_init(&m, twice, FRAMES + AGAIN, 8, 2);
    m.step = step;
    assert_ok(iw_paper_compute(&m.source, &options, again, NULL, &err), err);
    same(once, again, 0);
    groups_free(once, 3);
    groups_free(again, 3);
    free(pos);
    free(twice);
}

static void
uneven_and_broken_runs_are_refused_with_where(void **state)
{
    (void)state;
    enum { FRAMES = 40 };
    double *pos = rattle(FRAMES, 8, 6);
    int64_t step[FRAMES];
    for (size_t t = 0; t < FRAMES; t++)
        step[t] = (int64_t)t + (t >= 25);
    memory m;
    memory_init(&m, pos, FRAMES, 8, 2);
    m.step = step;
    iw_paper_options options = options_for(2);
    iw_paper_group out[3] = {0};
    iw_error err = {0};
    assert_int_equal(iw_paper_compute(&m.source, &options, out, NULL, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "frame 26 (step 26)"));
    for (size_t t = 25; t < FRAMES; t++)
        step[t] = (int64_t)t - 25; /* numbered from zero again, at other positions */
    assert_int_equal(iw_paper_compute(&m.source, &options, out, NULL, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "frame 26 (step 0): the numbering of steps began again"));
    m.step = NULL;
    m.frames = 3;
    assert_int_equal(iw_paper_compute(&m.source, &options, out, NULL, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "3 frames"));
    m.frames = FRAMES;
    pos[7 * 24 + 4] = NAN;
    assert_int_equal(iw_paper_compute(&m.source, &options, out, NULL, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "frame 8: a coordinate of atom 2 is not finite"));
    const double flat[9] = {1, 0, 0, 0, 1, 0, 1, 1, 0};
    m.cell = flat;
    assert_int_equal(iw_paper_compute(&m.source, &options, out, NULL, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "cell is singular"));
    for (size_t g = 0; g < 3; g++)
        assert_true(out[g].vdos.n == 0 && !out[g].vdos.g);
    free(pos);
}

static void
a_group_that_rests_has_no_spectrum(void **state)
{
    (void)state;
    enum { FRAMES = 50 };
    double *pos = rattle(FRAMES, 8, 7);
    for (size_t t = 0; t < FRAMES; t++)
        for (size_t i = 0; i < 9; i++)
            pos[t * 24 + i] = (double)i;
    memory m;
    memory_init(&m, pos, FRAMES, 8, 2);
    iw_paper_options options = options_for(2);
    iw_paper_group out[3] = {0};
    iw_error err;
    assert_ok(iw_paper_compute(&m.source, &options, out, NULL, &err), err);
    assert_int_equal(out[1].vdos.n, 0);
    assert_true(isnan(out[1].vibration.omega_mean_meV) && isnan(out[1].vibration.e_vib_meV));
    assert_close(out[0].vibration.omega_mean_meV, out[2].vibration.omega_mean_meV, 1e-12, 0);
    groups_free(out, 3);
    free(pos);
}

/* The authors' numbers for a real run, 1e-6 asked, rounding reached. */
static void
check_reference(const json_t *datasets, const char *set, const ref_trajectory *r, double dt_fs)
{
    unsigned char *all = malloc(r->atoms);
    memset(all, 1, r->atoms);
    const unsigned char *member = all;
    char path[80];
#define EXPECT(key)                                                                                \
    ((void)snprintf(path, sizeof path, "%s/vdos/db/%s", set, key), ref_value(datasets, path))
    memory m;
    memory_init(&m, r->pos, r->frames, r->atoms, dt_fs);
    iw_paper_options options = {.dt_fs = dt_fs,
                                .spacing_fs = NAN,
                                .temperature_K = EXPECT("T_K"),
                                .cutoff_meV = 30,
                                .n_groups = 1,
                                .member = &member};
    iw_paper_group out = {0};
    iw_error err;
    assert_ok(iw_paper_compute(&m.source, &options, &out, NULL, &err), err);
    assert_close(out.vibration.omega_mean_meV, EXPECT("w_meV"), 1e-9, 0);
    assert_close(out.vibration.omega30_mean_meV, EXPECT("w30_meV"), 1e-9, 0);
    assert_close(out.vibration.e_vib_meV, EXPECT("E_meV_per_mode"), 1e-9, 0);
    assert_close(out.vibration.f_vib_meV, EXPECT("F_meV_per_mode"), 1e-9, 0);
    assert_close(out.vibration.s_vib_meV_K, EXPECT("S_meV_per_K_per_mode"), 1e-9, 0);
    assert_close(out.vibration.c_v_meV_K, EXPECT("Cv_meV_per_K_per_mode"), 1e-9, 0);
    iw_vdos_fini(&out.vdos);
    free(all);
}

static void
real_runs_give_the_published_procedures_values(void **state)
{
    (void)state;
    const char *data = iw_shared_data();
    if (!data)
        skip();
    json_t *datasets = ref_datasets(data);
    ref_trajectory r = ref_extxyz(data, "lgps_600K/traj.extxyz.gz");
    check_reference(datasets, "lgps_600K", &r, 2);
    ref_trajectory_free(&r);
    r = ref_dump(data, "gan_2000K/gan.dump.gz");
    check_reference(datasets, "gan_2000K", &r, 5);
    ref_trajectory_free(&r);
    r = ref_extxyz(data, "aln_300K_qe/traj.extxyz.gz");
    check_reference(datasets, "aln_300K_qe", &r, 7.2566529797571);
    ref_trajectory_free(&r);
    json_decref(datasets);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spectra_equal_brute_force_for_every_group),
        cmocka_unit_test(little_memory_means_more_passes_and_the_same_answer),
        cmocka_unit_test(wrapped_skewed_cell_gives_what_unwrapped_positions_give),
        cmocka_unit_test(wider_spacing_equals_thinned_frames),
        cmocka_unit_test(repeated_steps_of_a_restart_are_left_out),
        cmocka_unit_test(uneven_and_broken_runs_are_refused_with_where),
        cmocka_unit_test(a_group_that_rests_has_no_spectrum),
        cmocka_unit_test(real_runs_give_the_published_procedures_values),
    };
    return cmocka_run_group_tests_name("paper", tests, NULL, NULL);
}
