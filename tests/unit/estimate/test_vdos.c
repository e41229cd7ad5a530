/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proves docs/physics.md, "VDOS, method physical". */
#include "constants.h"
#include "estimate/vdos.h"
#include "iw_test.h"

static const double pi = 3.14159265358979323846;

typedef struct {
    size_t n;
    double dt_fs, *c, *origins;
} signal;

/* Lags 0..m of a run of `frames`. */
static signal
signal_new(size_t m, double dt_fs, size_t frames)
{
    signal s = {m + 1, dt_fs, calloc(m + 1, sizeof(double)), calloc(m + 1, sizeof(double))};
    assert_true(s.c && s.origins);
    for (size_t n = 0; n <= m; n++)
        s.origins[n] = (double)(frames - n);
    return s;
}

static void
signal_free(signal *s)
{
    free(s->c);
    free(s->origins);
}

static iw_vdos
spectrum(const signal *s, iw_taper taper, bool finite_difference)
{
    iw_vdos_input input = {s->n, s->dt_fs, s->c, s->origins, taper, finite_difference};
    iw_vdos out = {0};
    iw_error err;
    assert_ok(iw_vdos_compute(&input, &out, &err), err);
    return out;
}

static double
integral(const iw_vdos *v)
{
    double sum = 0;
    for (size_t k = 1; k + 1 < v->n; k++)
        sum += (v->energy_meV[k + 1] - v->energy_meV[k]) / 2 * (v->g[k] + v->g[k + 1]);
    return sum;
}

static double
parzen(double u)
{
    return u <= 0.5 ? 1 - 6 * u * u + 6 * u * u * u : 2 * pow(1 - u, 3);
}

static void
vdos_equals_the_cosine_sum_for_every_taper(void **state)
{
    (void)state;
    uint64_t seed = 11;
    const size_t lengths[] = {2, 3, 7, 60, 97};
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        size_t m = lengths[l];
        signal s = signal_new(m, 1.5, 4 * m);
        for (size_t n = 0; n <= m; n++)
            s.c[n] = exp(-(double)n / (double)m) + 0.05 * iw_test_normal(&seed);
        for (int taper = IW_TAPER_PARZEN; taper <= IW_TAPER_NONE; taper++) {
            iw_vdos v = spectrum(&s, (iw_taper)taper, false);
            assert_int_equal(v.n, m + 1);
            double scale = NAN;
            for (size_t k = 0; k <= m; k++) {
                double sum = 0;
                for (size_t n = 0; n <= m; n++) {
                    double u = (double)n / (double)m;
                    double w = taper == IW_TAPER_PARZEN ? parzen(u) * s.origins[n] / s.origins[0]
                               : taper == IW_TAPER_HANN ? pow(cos(pi * u / 2), 2)
                                                        : 1;
                    double ends = n == 0 || n == m ? 1 : 2;
                    sum += ends * w * s.c[n] * cos(pi * (double)k * u);
                }
                if (k == 0)
                    scale = v.g[0] / sum;
                assert_close(v.g[k], sum * scale, 1e-11, 1e-13 * fabs(v.g[0]));
                assert_close(v.energy_meV[k], 4135.667696923859 * (double)k / (2 * (double)m * 1.5),
                             1e-14, 0);
            }
            assert_close(integral(&v), 1, 1e-12, 0);
            iw_vdos_fini(&v);
        }
        signal_free(&s);
    }
}

static void
oscillator_peaks_at_its_energy(void **state)
{
    (void)state;
    double energy = 40, dt = 1;
    signal s = signal_new(4000, dt, 20000);
    for (size_t n = 0; n < s.n; n++)
        s.c[n] = cos(2 * pi * energy / IW_PLANCK_MEV_FS * dt * (double)n);
    for (int taper = IW_TAPER_PARZEN; taper <= IW_TAPER_NONE; taper++) {
        iw_vdos v = spectrum(&s, (iw_taper)taper, false);
        size_t peak = 0;
        for (size_t k = 0; k < v.n; k++)
            peak = v.g[k] > v.g[peak] ? k : peak;
        assert_close(v.energy_meV[peak], energy, 0, v.energy_meV[1]);
        iw_vdos_fini(&v);
    }
    signal_free(&s);
}

static void
resolution_is_the_width_of_a_sharp_line(void **state)
{
    (void)state;
    /* zero-padded, the transform of the taper itself is drawn finely around a line */
    double energy = 50, dt = 2;
    size_t m = 200, fine = 64 * m;
    for (int taper = IW_TAPER_PARZEN; taper <= IW_TAPER_NONE; taper++) {
        signal line = signal_new(m, dt, 1000000000);
        line.c[0] = 1;
        for (size_t n = 1; n <= m; n++)
            line.c[n] = cos(2 * pi * energy / IW_PLANCK_MEV_FS * dt * (double)n);
        iw_vdos coarse = spectrum(&line, (iw_taper)taper, false);
        signal padded = signal_new(fine, dt, 1000000000);
        for (size_t n = 0; n <= m; n++) {
            double u = (double)n / (double)m;
            double w = taper == IW_TAPER_PARZEN ? parzen(u)
                       : taper == IW_TAPER_HANN ? pow(cos(pi * u / 2), 2)
                                                : 1;
            padded.c[n] = line.c[n] * w;
        }
        iw_vdos v = spectrum(&padded, IW_TAPER_NONE, false);
        size_t peak = 0;
        for (size_t k = 0; k < v.n; k++)
            peak = v.g[k] > v.g[peak] ? k : peak;
        size_t low = peak, high = peak;
        while (v.g[low] > v.g[peak] / 2)
            low--;
        while (v.g[high] > v.g[peak] / 2)
            high++;
        double left = v.energy_meV[low] +
                      v.energy_meV[1] * (v.g[peak] / 2 - v.g[low]) / (v.g[low + 1] - v.g[low]);
        double right = v.energy_meV[high - 1] + v.energy_meV[1] * (v.g[high - 1] - v.g[peak] / 2) /
                                                    (v.g[high - 1] - v.g[high]);
        assert_close(coarse.resolution_meV, right - left, 0.02, 0);
        iw_vdos_fini(&coarse);
        iw_vdos_fini(&v);
        signal_free(&line);
        signal_free(&padded);
    }
}

/* Langevin velocities: C = exp(-gamma t), spectrum gamma/(gamma^2 + w^2) up to the window's width.
 */
static void
ornstein_uhlenbeck_gives_a_lorentzian(void **state)
{
    (void)state;
    double gamma = 0.01, dt = 1; /* 1/fs */
    signal s = signal_new(4000, dt, 1000000000);
    for (size_t n = 0; n < s.n; n++)
        s.c[n] = exp(-gamma * dt * (double)n);
    iw_vdos v = spectrum(&s, IW_TAPER_NONE, false);
    double total = 0, sum = 0;
    for (size_t k = 0; k < v.n; k++) {
        double w = 2 * pi * v.energy_meV[k] / IW_PLANCK_MEV_FS;
        /* transform of the sampled exponential: a Lorentzian folded at the Nyquist energy */
        double a = exp(-gamma * dt);
        double want = (1 - a * a) / (1 - 2 * a * cos(w * dt) + a * a);
        if (k == 20) {
            double lorentz = 2 * gamma / (gamma * gamma + w * w);
            assert_close(want * dt, lorentz, 1e-4, 0);
            total = want;
            sum = v.g[k];
        }
    }
    for (size_t k = 0; k < v.n; k += 7) {
        double w = 2 * pi * v.energy_meV[k] / IW_PLANCK_MEV_FS, a = exp(-gamma * dt);
        double want = (1 - a * a) / (1 - 2 * a * cos(w * dt) + a * a);
        assert_close(v.g[k] / sum, want / total, 1e-9, 0);
    }
    iw_vdos_fini(&v);
    signal_free(&s);
}

/* sinc^2 of the finite difference, to the four digits of the published table. */
static void
difference_factor_gives_the_tabulated_values(void **state)
{
    (void)state;
    const double table[][5] = {
        {1, 0.9998, 0.9993, 0.9981, 2067.8}, {2, 0.9993, 0.9972, 0.9923, 1033.9},
        {5, 0.9957, 0.9828, 0.9528, 413.6},  {10, 0.9828, 0.9326, 0.8219, 206.8},
        {15, 0.9617, 0.8536, 0.6356, 137.9}, {20, 0.9326, 0.7520, 0.4321, 103.4},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        double dt = table[i][0];
        assert_close(iw_vdos_difference_factor(30, dt), table[i][1], 0, 6e-5);
        assert_close(iw_vdos_difference_factor(60, dt), table[i][2], 0, 6e-5);
        assert_close(iw_vdos_difference_factor(100, dt), table[i][3], 0, 6e-5);
        assert_close(IW_PLANCK_MEV_FS / (2 * dt), table[i][4], 0, 0.06);
        assert_close(iw_vdos_difference_factor(IW_PLANCK_MEV_FS / (2 * dt), dt), 4 / (pi * pi),
                     1e-12, 0);
    }
    assert_close(iw_vdos_difference_factor(0, 1), 1, 0, 0);
}

/* Modes of 20 and 80 meV with equal weight: differences over 10 fs damp the second by sinc^2, and
 * the correction gives the weights back. */
static void
correction_restores_the_weights_of_two_modes(void **state)
{
    (void)state;
    double dt = 10, e1 = 20, e2 = 80;
    signal s = signal_new(2000, dt, 1000000000);
    for (size_t n = 0; n < s.n; n++) {
        double t = dt * (double)n * 2 * pi / IW_PLANCK_MEV_FS;
        s.c[n] = iw_vdos_difference_factor(e1, dt) * cos(e1 * t) +
                 iw_vdos_difference_factor(e2, dt) * cos(e2 * t);
    }
    for (int corrected = 0; corrected <= 1; corrected++) {
        iw_vdos v = spectrum(&s, IW_TAPER_PARZEN, corrected);
        double below = 0, above = 0;
        for (size_t k = 1; k < v.n; k++)
            *(v.energy_meV[k] < 50 ? &below : &above) += v.g[k];
        double want =
            corrected ? 1 : iw_vdos_difference_factor(e2, dt) / iw_vdos_difference_factor(e1, dt);
        assert_close(above / below, want, 1e-3, 0);
        iw_vdos_fini(&v);
    }
    signal_free(&s);
}

/* The VACF of any finite run, biased, under the Parzen taper: never negative. */
static void
parzen_spectrum_is_never_negative(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int trial = 0; trial < 30; trial++) {
        enum { T = 90, M = 44 };
        double v[T];
        for (size_t t = 0; t < T; t++)
            v[t] = iw_test_normal(&seed) + sin(0.4 * (double)t);
        signal s = signal_new(M, 1, T);
        for (size_t n = 0; n <= M; n++) {
            for (size_t t = 0; t + n < T; t++)
                s.c[n] += v[t] * v[t + n];
            s.c[n] /= s.origins[n];
        }
        iw_vdos g = spectrum(&s, IW_TAPER_PARZEN, false);
        for (size_t k = 0; k < g.n; k++)
            assert_true(g.g[k] >= -1e-15);
        iw_vdos_fini(&g);
        signal_free(&s);
    }
}

static void
spectrum_without_weight_is_refused(void **state)
{
    (void)state;
    iw_error err = {0};
    iw_vdos out = {0};
    double zero[5] = {0}, origins[5] = {9, 8, 7, 6, 5};
    iw_vdos_input input = {5, 1, zero, origins, IW_TAPER_HANN, false};
    assert_int_equal(iw_vdos_compute(&input, &out, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "no weight"));
    assert_true(out.n == 0 && !out.g && !out.energy_meV);
    input.n_lags = 2;
    assert_int_equal(iw_vdos_compute(&input, &out, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "2 lags"));
    input.n_lags = 5;
    input.dt_fs = NAN;
    assert_int_equal(iw_vdos_compute(&input, &out, NULL), IW_INVALID);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vdos_equals_the_cosine_sum_for_every_taper),
        cmocka_unit_test(oscillator_peaks_at_its_energy),
        cmocka_unit_test(resolution_is_the_width_of_a_sharp_line),
        cmocka_unit_test(ornstein_uhlenbeck_gives_a_lorentzian),
        cmocka_unit_test(difference_factor_gives_the_tabulated_values),
        cmocka_unit_test(correction_restores_the_weights_of_two_modes),
        cmocka_unit_test(parzen_spectrum_is_never_negative),
        cmocka_unit_test(spectrum_without_weight_is_refused),
    };
    return cmocka_run_group_tests_name("vdos", tests, NULL, NULL);
}
