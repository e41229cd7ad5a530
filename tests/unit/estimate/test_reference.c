/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proves docs/physics.md against real trajectories: curves and values computed by brute force, and
 * the stored answer of another program. */
#include "constants.h"
#include "estimate/diffusion.h"
#include "estimate/vdos.h"
#include "estimate/vibration.h"
#include "iw_test.h"
#include "reference.h"

static const char *data;
static json_t *datasets;

static double
value(const char *set, const char *rest)
{
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", set, rest);
    return ref_value(datasets, path);
}

static void
d_einstein_equals_the_reference_slope(void **state)
{
    (void)state;
    if (!data)
        skip();
    const char *const sets[][4] = {
        {"li6ps5cl_50p_500K", "Li", "S", "all"},   {"lgps_600K", "Li", "S", "all"},
        {"al31_vacancy_1200K", "Al", "Al", "all"}, {"waterbox_spc", "O", "H", "all"},
        {"water32_300K", "O", "H", "all"},         {"thf01_gas", "H", "C", "all"},
        {"gan_2000K", "N", "Ga", "all"},           {"aln_300K_qe", "N", "Al", "all"},
    };
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "curves/%s_msd.csv.gz", sets[i][0]);
        ref_table table = ref_csv(data, name);
        double *msd = calloc(table.rows, sizeof *msd);
        double dt_ps = value(sets[i][0], "dt_ps");
        for (int k = 1; k <= 3; k++) {
            char column[40], path[80];
            (void)snprintf(column, sizeof column, "com_%s", sets[i][k]);
            (void)snprintf(path, sizeof path, "msd/com/%s/D_A2_per_ps", sets[i][k]);
            ref_column(&table, column, msd);
            double have = iw_diffusion_einstein(msd, table.rows, dt_ps * 1000, 3);
            double want = value(sets[i][0], path) * 1e-4;
            assert_close(have, want, 1e-10, 1e-15);
        }
        free(msd);
        ref_table_free(&table);
    }
}

static double
mean_with_zero(const iw_vdos *v, double cut)
{
    double weight = 0, sum = 0;
    for (size_t k = 0; k + 1 < v->n && v->energy_meV[k + 1] <= cut; k++) {
        weight += v->g[k] + v->g[k + 1];
        sum += v->energy_meV[k] * v->g[k] + v->energy_meV[k + 1] * v->g[k + 1];
    }
    return sum / weight;
}

/* The reference's <w> has the point at zero energy in it, the thermal ones do not. */
static void
check_vdos(const char *set, const char *form, const ref_table *vacf, const char *column,
           iw_taper taper)
{
    double *c = calloc(vacf->rows, sizeof *c), *origins = calloc(vacf->rows, sizeof *origins);
    ref_column(vacf, column, c);
    for (size_t n = 0; n < vacf->rows; n++)
        origins[n] = value(set, "vacf/Nv") - (double)n;
    iw_vdos_input input = {vacf->rows, value(set, "dt_ps") * 1000, c, origins, taper, false};
    iw_vdos v = {0};
    iw_error err;
    assert_ok(iw_vdos_compute(&input, &v, &err), err);

    char path[80];
#define EXPECT(key) ((void)snprintf(path, sizeof path, "vdos/%s/%s", form, key), value(set, path))
    assert_close(mean_with_zero(&v, INFINITY), EXPECT("w_meV"), 1e-10, 0);
    assert_close(mean_with_zero(&v, 30), EXPECT("w30_meV"), 1e-9, 0);
    if (strcmp(column, "mass") == 0 || strcmp(column, "all") == 0) {
        iw_vibration_options options = {.temperature_K = EXPECT("T_K"), .cutoff_meV = 30};
        iw_vibration got;
        iw_vibration_compute(v.energy_meV, v.g, v.n, &options, &got);
        assert_close(v.energy_meV[1], EXPECT("dE_meV"), 1e-13, 0);
        assert_close(3 * got.e_vib_meV, EXPECT("E_meV_per_atom"), 1e-10, 0);
        assert_close(3 * got.f_vib_meV, EXPECT("F_meV_per_atom"), 1e-9, 0);
        assert_close(3 * got.s_vib_meV_K, EXPECT("S_meV_per_K_per_atom"), 1e-10, 0);
        assert_close(3 * got.c_v_meV_K, EXPECT("Cv_meV_per_K_per_atom"), 1e-10, 0);
        char name[96];
        (void)snprintf(name, sizeof name, "curves/%s_vdos_%s.csv.gz", set, form);
        ref_table curve = ref_csv(data, name);
        double *g = calloc(curve.rows, sizeof *g), top = 0;
        ref_column(&curve, "g_3N_per_meV", g);
        assert_int_equal(curve.rows, v.n);
        for (size_t k = 0; k < v.n; k++)
            top = fmax(top, g[k]);
        double modes = 3 * value(set, "atoms");
        for (size_t k = 0; k < v.n; k++)
            assert_close(v.g[k] * modes, g[k], 0, 1e-10 * top);
        free(g);
        ref_table_free(&curve);
    }
    iw_vdos_fini(&v);
    free(c);
    free(origins);
}

static void
hann_and_plain_spectra_equal_the_reference(void **state)
{
    (void)state;
    if (!data)
        skip();
    const char *const sets[][3] = {{"gan_2000K", "Ga", "N"},
                                   {"thf01_gas", "C", "H"},
                                   {"waterbox_spc", "O", "H"},
                                   {"lgps_600K", "Li", "S"},
                                   {"aln_300K_qe", "Al", "N"}};
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "curves/%s_vacf.csv.gz", sets[i][0]);
        ref_table vacf = ref_csv(data, name);
        check_vdos(sets[i][0], "hann_mass", &vacf, "mass", IW_TAPER_HANN);
        check_vdos(sets[i][0], "rect_mass", &vacf, "mass", IW_TAPER_NONE);
        check_vdos(sets[i][0], "hann_plain", &vacf, "all", IW_TAPER_HANN);
        check_vdos(sets[i][0], "rect_plain", &vacf, "all", IW_TAPER_NONE);
        double *c = calloc(vacf.rows, sizeof *c);
        for (int k = 1; k <= 2; k++) {
            char form[40], path[64];
            (void)snprintf(form, sizeof form, "hann_%s", sets[i][k]);
            check_vdos(sets[i][0], form, &vacf, sets[i][k], IW_TAPER_HANN);
            /* Green-Kubo: A^2/ps^2 and ps come out as A^2/ps where A^2/fs is meant */
            (void)snprintf(path, sizeof path, "vacf/%s/D_GK_A2_per_ps", sets[i][k]);
            ref_column(&vacf, sets[i][k], c);
            double have = iw_diffusion_green_kubo(c, vacf.rows, value(sets[i][0], "dt_ps"));
            assert_close(have, value(sets[i][0], path) * 0.1, 1e-10, 1e-12 * c[0]);
        }
        free(c);
        ref_table_free(&vacf);
    }
}

/* Full-length biased VACF of every atom by its definition, lags 0..frames-1. */
static void
add_vacf(const double *v, size_t frames, size_t atoms, size_t atom, double weight, double *c)
{
    for (size_t n = 0; n < frames; n++)
        for (size_t t = 0; t + n < frames; t++)
            for (size_t a = 0; a < 3; a++)
                c[n] +=
                    weight * v[(t * atoms + atom) * 3 + a] * v[((t + n) * atoms + atom) * 3 + a];
}

/* pwtools' stored phonon DOS of AlN: central differences with both end values repeated, times a
 * Welch window, zero-padded to 2N-1 points, mass-weighted.  Its frequencies are every second point
 * of the spectrum of the biased VACF with N zeros after it. */
static void
aln_spectrum_equals_that_of_pwtools(void **state)
{
    (void)state;
    if (!data)
        skip();
    ref_trajectory r = ref_extxyz(data, "aln_300K_qe/traj.extxyz.gz");
    size_t n = r.frames, row = 3 * r.atoms;
    double *v = calloc(n * row, sizeof *v), *c = calloc(2 * n, sizeof *c);
    double *origins = calloc(2 * n, sizeof *origins);
    for (size_t t = 0; t < n; t++) {
        size_t at = t < 1 ? 1 : t > n - 2 ? n - 2 : t;
        double half = (double)(n - 1) / 2, u = ((double)t - half) / half;
        for (size_t i = 0; i < row; i++)
            v[t * row + i] = (r.pos[(at + 1) * row + i] - r.pos[(at - 1) * row + i]) * (1 - u * u);
    }
    for (size_t i = 0; i < r.atoms; i++)
        add_vacf(v, n, r.atoms, i, strcmp(r.species[i], "Al") == 0 ? 26.981538 : 14.00674, c);
    iw_vdos_input input = {2 * n, 7.2566529797571, c, origins, IW_TAPER_NONE, false};
    iw_vdos out = {0};
    iw_error err;
    assert_ok(iw_vdos_compute(&input, &out, &err), err);

    ref_table table = ref_csv(data, "aln_300K_qe/pwtools_ref_pdos.csv");
    double *f = calloc(table.rows, sizeof *f), *g = calloc(table.rows, sizeof *g);
    ref_column(&table, "f_per_fs", f);
    ref_column(&table, "direct_pdos_fs", g);
    assert_int_equal(table.rows, n - 1);
    double area = 0, top = 0;
    for (size_t k = 0; k + 1 < table.rows; k++)
        area += (f[k + 1] - f[k]) / 2 * (out.g[2 * k] + out.g[2 * k + 2]);
    for (size_t k = 0; k < table.rows; k++)
        top = fmax(top, g[k]);
    for (size_t k = 0; k < table.rows; k++) {
        assert_close(out.energy_meV[2 * k], f[k] * IW_PLANCK_MEV_FS, 1e-6, 0);
        assert_close(out.g[2 * k] / area, g[k], 0, 1e-6 * top);
    }
    iw_vdos_fini(&out);
    ref_table_free(&table);
    ref_trajectory_free(&r);
    free(v);
    free(c);
    free(origins);
    free(f);
    free(g);
}

int
main(void)
{
    data = iw_shared_data();
    datasets = data ? ref_datasets(data) : NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(d_einstein_equals_the_reference_slope),
        cmocka_unit_test(hann_and_plain_spectra_equal_the_reference),
        cmocka_unit_test(aln_spectrum_equals_that_of_pwtools),
    };
    int failed = cmocka_run_group_tests_name("estimate_reference", tests, NULL, NULL);
    json_decref(datasets);
    return failed;
}
