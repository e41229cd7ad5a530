/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proves docs/physics.md, "Vibrational descriptors". */
#include "constants.h"
#include "estimate/vibration.h"
#include "iw_test.h"
#include "reference.h"

static iw_vibration
of_mode(double omega_meV, double temperature_K)
{
    /* a spectrum of two neighbouring points: the trapezoid mean is the mode's own value */
    double energy[3] = {0, omega_meV * (1 - 1e-9), omega_meV * (1 + 1e-9)};
    double g[3] = {0, 1, 1};
    iw_vibration_options options = {.temperature_K = temperature_K, .cutoff_meV = 30};
    iw_vibration out;
    iw_vibration_compute(energy, g, 3, &options, &out);
    return out;
}

/* The table of one-mode values that goes with the paper's formulas. */
static void
one_mode_gives_the_tabulated_values(void **state)
{
    (void)state;
    const double table[][6] = {
        {300, 10, 26.173546, 0.08510683, -24.393330, 0.16855626},
        {300, 30, 28.690036, 0.07712081, 5.281647, 0.07802796},
        {300, 60, 36.532480, 0.05603978, 27.328307, 0.03068057},
        {400, 30, 36.618197, 0.08093370, -3.705710, 0.10080977},
        {600, 30, 53.146490, 0.08379588, -27.421181, 0.13427945},
        {900, 60, 81.386128, 0.08200099, -17.980658, 0.11040754},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        iw_vibration v = of_mode(table[i][1], table[i][0]);
        assert_close(v.omega_mean_meV, table[i][1], 1e-12, 0);
        assert_close(v.e_vib_meV, table[i][2], 0, 6e-7);
        assert_close(v.c_v_meV_K, table[i][3], 0, 6e-9);
        assert_close(v.f_vib_meV, table[i][4], 0, 6e-7);
        assert_close(v.s_vib_meV_K, table[i][5], 0, 6e-9);
    }
}

static void
one_mode_reaches_the_classical_and_the_frozen_limit(void **state)
{
    (void)state;
    double kT = IW_BOLTZMANN_MEV_K * 1000;
    iw_vibration soft = of_mode(1e-6, 1000);
    assert_close(soft.e_vib_meV, kT, 1e-12, 0);
    assert_close(soft.c_v_meV_K, IW_BOLTZMANN_MEV_K, 1e-12, 0);
    assert_close(soft.f_vib_meV, kT * log(1e-6 / kT), 1e-12, 0);
    assert_close(soft.s_vib_meV_K, IW_BOLTZMANN_MEV_K * (1 - log(1e-6 / kT)), 1e-12, 0);
    iw_vibration frozen = of_mode(400, 1);
    assert_close(frozen.e_vib_meV, 200, 1e-12, 0);
    assert_close(frozen.f_vib_meV, 200, 1e-12, 0);
    assert_close(frozen.s_vib_meV_K, 0, 0, 1e-300);
    assert_close(frozen.c_v_meV_K, 0, 0, 1e-300);
}

static void
free_energy_is_energy_less_temperature_times_entropy(void **state)
{
    (void)state;
    uint64_t seed = 5;
    enum { N = 500 };
    double energy[N], g[N];
    for (int trial = 0; trial < 200; trial++) {
        double step = pow(10, -4 + 5 * iw_test_uniform(&seed));
        double temperature = pow(10, 4 * iw_test_uniform(&seed));
        for (size_t k = 0; k < N; k++) {
            energy[k] = step * (double)k;
            g[k] = iw_test_uniform(&seed) - 0.1; /* tapers may dip below zero */
        }
        iw_vibration_options options = {.temperature_K = temperature, .cutoff_meV = 30};
        iw_vibration v;
        iw_vibration_compute(energy, g, N, &options, &v);
        double ts = temperature * v.s_vib_meV_K;
        assert_close(v.f_vib_meV, v.e_vib_meV - ts, 0, 1e-12 * (fabs(v.e_vib_meV) + fabs(ts)));
    }
}

static void
cut_off_follows_its_convention(void **state)
{
    (void)state;
    const double energy[] = {0, 10, 20, 30, 40}, g[] = {4, 1, 2, 3, 1};
    iw_vibration_options options = {.temperature_K = 300, .cutoff_meV = 30};
    iw_vibration v;
    iw_vibration_compute(energy, g, 5, &options, &v);
    /* trapezoids from the first point above zero, cut-off included */
    assert_close(v.omega_mean_meV, (5 * 10 + 10 * 40 + 10 * 90 + 5 * 40) / (5. + 20 + 30 + 5),
                 1e-14, 0);
    assert_close(v.omega30_mean_meV, (5 * 10 + 10 * 40 + 5 * 90) / (5. + 20 + 15), 1e-14, 0);
    options.paper_cut = true; /* w = 0 takes part, the last point below the cut-off does not */
    iw_vibration_compute(energy, g, 5, &options, &v);
    assert_close(v.omega_mean_meV,
                 (10 * 10 + 10 * 40 + 10 * 90 + 5 * 40) / (20. + 10 + 20 + 30 + 5), 1e-14, 0);
    assert_close(v.omega30_mean_meV, (10 * 10 + 5 * 40) / (20. + 10 + 10), 1e-14, 0);
}

static void
nothing_to_average_is_not_a_number(void **state)
{
    (void)state;
    const double energy[] = {0, 10, 20}, g[] = {1, 0, 0}, one[] = {0, 1, 1};
    iw_vibration_options options = {.temperature_K = 300, .cutoff_meV = 5};
    iw_vibration v;
    iw_vibration_compute(energy, g, 3, &options, &v);
    assert_true(isnan(v.omega_mean_meV) && isnan(v.e_vib_meV) && isnan(v.c_v_meV_K));
    iw_vibration_compute(NULL, NULL, 0, &options, &v);
    assert_true(isnan(v.omega_mean_meV) && isnan(v.f_vib_meV));
    iw_vibration_compute(energy, one, 3, &options, &v);
    assert_true(isnan(v.omega30_mean_meV) && !isnan(v.omega_mean_meV));
    options.temperature_K = NAN;
    iw_vibration_compute(energy, one, 3, &options, &v);
    assert_true(isnan(v.s_vib_meV_K) && !isnan(v.omega_mean_meV));
}

/* Silicon: DOS and thermodynamics as Quantum ESPRESSO's F_QHA printed them.  The tolerances are its
 * own integration: its norm of the DOS is 5.99905 for 6. */
static void
silicon_agrees_with_f_qha(void **state)
{
    (void)state;
    const char *data = iw_shared_data();
    if (!data)
        skip();
    const double meV_cm = 0.12398419843320026, meV_Ry = 13605.693122994;
    size_t n, m;
    double *dos = ref_numbers(data, "si_phdos_fqha/si.phdos.gz", &n);
    double *table = ref_numbers(data, "si_phdos_fqha/fqha.out.gz", &m);
    n /= 2;
    double *energy = calloc(n, sizeof *energy), *g = calloc(n, sizeof *g);
    for (size_t k = 0; k < n; k++) {
        energy[k] = dos[2 * k] * meV_cm;
        g[k] = dos[2 * k + 1];
    }
    assert_true(m >= 750 && m % 5 == 0);
    for (size_t row = 0; row < m / 5; row++) {
        const double *want = table + row * 5;
        iw_vibration_options options = {.temperature_K = want[0], .cutoff_meV = 30};
        iw_vibration v;
        iw_vibration_compute(energy, g, n, &options, &v);
        assert_close(6 * v.e_vib_meV / meV_Ry, want[1], 0, 1.2e-5);
        assert_close(6 * v.f_vib_meV / meV_Ry, want[2], 0, 1e-5);
        assert_close(6 * v.c_v_meV_K / IW_BOLTZMANN_MEV_K, want[3], 0, 1e-3);
        assert_close(6 * v.s_vib_meV_K / IW_BOLTZMANN_MEV_K, want[4], 0, 2e-3);
    }
    free(dos);
    free(table);
    free(energy);
    free(g);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_mode_gives_the_tabulated_values),
        cmocka_unit_test(one_mode_reaches_the_classical_and_the_frozen_limit),
        cmocka_unit_test(free_energy_is_energy_less_temperature_times_entropy),
        cmocka_unit_test(cut_off_follows_its_convention),
        cmocka_unit_test(nothing_to_average_is_not_a_number),
        cmocka_unit_test(silicon_agrees_with_f_qha),
    };
    return cmocka_run_group_tests_name("vibration", tests, NULL, NULL);
}
