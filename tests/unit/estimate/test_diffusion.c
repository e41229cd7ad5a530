/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proves docs/physics.md, "Diffusion coefficients" and "Error of D". */
#include "bench/motion.h"
#include "correlate/msd.h"
#include "estimate/diffusion.h"
#include "iw_test.h"

static const bool member[1] = {true};

/* Moments and exact curve of one group, from paths or from a formula. */
typedef struct {
    iw_displacements moments;
    iw_msd_curve curve;
    iw_moments_result sums;
    unsigned short *kind;
    double *numbers;
} sample;

static void
sample_free(sample *s)
{
    iw_displacements_fini(&s->moments);
    iw_moments_result_fini(&s->sums);
    free(s->kind);
    free(s->numbers);
}

/* path[frames][atoms][3] */
static sample
sample_of_path(const double *path, size_t frames, size_t atoms, double dt_fs)
{
    size_t n = frames / 2 + 1;
    sample s = {.kind = calloc(atoms, sizeof *s.kind), .numbers = calloc(2 * n, sizeof(double))};
    iw_moments_options options = {.n_atoms = atoms, .n_species = 1, .kind = s.kind};
    iw_error err;
    iw_moments *moments = iw_moments_new(&options, &err);
    for (size_t t = 0; t < frames; t++)
        assert_ok(iw_moments_push(moments, path + 3 * atoms * t, &err), err);
    assert_ok(iw_moments_query(moments, &s.sums, &err), err);
    iw_moments_destroy(&moments);
    assert_ok(iw_displacements_init(&s.moments, &s.sums, s.kind, member, dt_fs, &err), err);
    double *msd = s.numbers, *origins = s.numbers + n;
    iw_msd_options exact = {.n_atoms = atoms, .n_species = 1, .kind = s.kind, .block = 128};
    iw_msd_result curve = {0};
    iw_msd *all = iw_msd_new(&exact, &err);
    for (size_t t = 0; t < frames; t++)
        assert_ok(iw_msd_push(all, path + 3 * atoms * t, &err), err);
    assert_ok(iw_msd_query(all, &curve, &err), err);
    iw_msd_destroy(&all);
    for (size_t k = 0; k < n; k++) {
        origins[k] = curve.origins[k];
        for (size_t axis = 0; axis < 3; axis++)
            msd[k] += curve.sum_A2[axis * n + k] / ((double)atoms * origins[k]);
    }
    iw_msd_result_fini(&curve);
    s.curve = (iw_msd_curve){.n_lags = n,
                             .dt_fs = dt_fs,
                             .msd_A2 = msd,
                             .origins = origins,
                             .atoms = atoms,
                             .frames = frames};
    return s;
}

/* The MSD f(n), split over the axes as 1:2:3, of Gaussian displacements. */
static sample
sample_of(double (*f)(double, double), double parameter, size_t frames, size_t atoms, double dt_fs)
{
    double *rest = calloc(3 * frames * atoms, sizeof *rest);
    sample s = sample_of_path(rest, frames, atoms, dt_fs);
    free(rest);
    iw_displacements *m = &s.moments;
    for (size_t n = 0; n < s.curve.n_lags; n++)
        s.numbers[n] = f((double)n, parameter);
    for (size_t k = 0; k < m->n_lags; k++) {
        double y = f((double)m->lag[k], parameter), squares = 0;
        m->mean_A2[k] = y;
        for (size_t axis = 0; axis < 3; axis++) {
            double part = y * (double)(axis + 1) / 6;
            m->axis_A2[axis * m->n_lags + k] = part;
            squares += part * part;
        }
        m->mean_A4[k] = y * y + 2 * squares;
        for (size_t i = 0; i < m->atoms; i++)
            m->atom_A2[i * m->n_lags + k] = y;
        for (size_t e = 0; e < m->n_epochs; e++)
            m->epoch_sum_A2[e * m->n_lags + k] = y * m->epoch_origins[e * m->n_lags + k];
    }
    return s;
}

static double
straight(double n, double offset)
{
    return n > 0 ? offset + 0.6 * n : 0;
}

static double
power(double n, double alpha)
{
    return 0.01 * pow(n, alpha);
}

static double
caged(double n, double depth)
{
    return depth * (1 - exp(-n / 5) * cos(n));
}

/* What a resting species shows: its plateau, sinking a little by chance. */
static double
sinking(double n, double tilt)
{
    return n > 0 ? 0.3 - 2e-5 * n * (1 + tilt) : 0;
}

static iw_diffusion
estimate(const sample *s)
{
    iw_diffusion_options options;
    iw_diffusion_options_init(&options);
    iw_diffusion out = {0};
    iw_error err;
    assert_ok(iw_diffusion_estimate(&s->moments, &s->curve, &options, &out, &err), err);
    return out;
}

/* 0.6 A^2 a lag of 2 fs: 6 D = 0.3 A^2/fs, D = 0.05 A^2/fs = 0.005 cm^2/s. */
static void
straight_line_gives_its_slope_by_every_estimator(void **state)
{
    (void)state;
    const size_t frames[] = {4, 5, 6, 7, 9, 40, 1001};
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        sample s = sample_of(straight, 1.25, frames[i], 10, 2);
        iw_diffusion d = estimate(&s);
        assert_close(d.D_einstein_cm2_s, 0.005, 1e-12, 0);
        assert_close(d.D_cm2_s, 0.005, 1e-6, 0);
        assert_close(d.intercept_A2, 1.25, 1e-5, 0);
        for (int a = 0; a < 3; a++) {
            assert_close(d.D_axes_cm2_s[a], 0.005 * (a + 1) / 2, 1e-6, 0);
            assert_true(d.D_axes_stderr_cm2_s[a] > 0);
        }
        assert_true(d.stderr_cm2_s > 0);
        assert_true(d.ci95_cm2_s[0] <= d.D_cm2_s && d.D_cm2_s <= d.ci95_cm2_s[1]);
        assert_close(d.fit_ps[1], 2e-3 * (double)s.moments.lag[s.moments.n_lags - 1], 1e-12, 0);
        sample_free(&s);
    }
}

static double
scaled(double n, double factor)
{
    return factor * n;
}

static void
effective_hops_and_their_error_follow_he_and_mo(void **state)
{
    (void)state;
    /* 448 is the last lag up to half of 1000 frames; the value is the one that the method's authors
     * give */
    sample s = sample_of(scaled, 100.488 * 9 / 20 / 448, 1000, 20, 1);
    iw_diffusion d = estimate(&s);
    assert_close(d.effective_hops, 100.488, 1e-12, 0);
    assert_close(d.he_relative_error, 0.38217, 0, 5e-6);
    assert_close(d.stderr_hops_cm2_s, 0.38217 * d.D_cm2_s, 2e-5, 0);
    sample_free(&s);
}

static void
ballistic_motion_and_cages_are_not_diffusive(void **state)
{
    (void)state;
    sample s = sample_of(power, 2, 2000, 50, 1);
    iw_diffusion d = estimate(&s);
    assert_false(d.diffusive);
    assert_non_null(d.warning);
    assert_close(d.alpha, 2, 0.01, 0);
    sample_free(&s);
    s = sample_of(power, 0.5, 2000, 50, 1);
    d = estimate(&s);
    assert_false(d.diffusive);
    assert_close(d.alpha, 0.5, 0.02, 0);
    sample_free(&s);
    s = sample_of(caged, 0.3, 2000, 50, 1);
    d = estimate(&s);
    assert_false(d.diffusive);
    assert_non_null(d.warning);
    assert_true(d.ci95_cm2_s[0] == 0);
    sample_free(&s);
}

static void
a_sinking_msd_is_reported_as_zero_with_an_interval_that_rounding_does_not_move(void **state)
{
    (void)state;
    sample s = sample_of(sinking, 0, 2000, 50, 1);
    iw_diffusion d = estimate(&s);
    assert_true(d.D_cm2_s == 0 && d.ci95_cm2_s[0] == 0 && d.ci95_cm2_s[1] > 0);
    assert_true(d.D_einstein_cm2_s < 0);
    assert_true(d.ci95_cm2_s[1] > 1.9 * d.stderr_cm2_s);
    sample steep = sample_of(sinking, 20, 2000, 50, 1); /* beyond what chance explains */
    iw_diffusion e = estimate(&steep);
    assert_true(e.D_cm2_s == 0 && e.ci95_cm2_s[0] == 0 && e.ci95_cm2_s[1] > 1.9 * e.stderr_cm2_s);
    sample_free(&steep);
    sample moved = sample_of(sinking, 1e-12, 2000, 50, 1);
    assert_close(estimate(&moved).ci95_cm2_s[1], d.ci95_cm2_s[1], 1e-6, 0);
    sample_free(&moved);
    sample_free(&s);
}

static void
short_and_frozen_runs_are_answered_calmly(void **state)
{
    (void)state;
    sample s = sample_of(scaled, 0, 100, 10, 1);
    iw_diffusion_options options;
    iw_diffusion_options_init(&options);
    double error[51];
    iw_diffusion d = {.stderr_A2 = error};
    iw_error err = {0};
    assert_int_equal(iw_diffusion_estimate(&s.moments, &s.curve, &options, &d, &err), IW_OK);
    assert_true(d.D_einstein_cm2_s == 0 && !d.diffusive && d.warning);
    assert_true(d.effective_hops == 0);
    s.moments.n_lags = 1;
    s.curve.n_lags = 2;
    assert_int_equal(iw_diffusion_estimate(&s.moments, &s.curve, &options, &d, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "1 lags"));
    assert_true(isnan(d.D_cm2_s) && isnan(d.stderr_cm2_s) && isnan(d.D_einstein_cm2_s));
    assert_true(isnan(d.alpha) && isnan(d.ci95_cm2_s[1]) && isnan(error[1]) && !d.diffusive);
    sample_free(&s);
}

/* What many runs of one motion give. */
typedef struct {
    double mean, spread, plain_spread, claimed; /* relative to the true D */
    double covered[2];                          /* share of 68 and 95 % intervals with the truth */
    double diffusive, collective;               /* shares */
} trial;

static bool
within(const double ci[2], double truth)
{
    return ci[0] <= truth && !(ci[1] < truth);
}

static trial
repeat(const iw_motion_options *what, size_t frames, int runs, uint64_t seed)
{
    iw_motion motion;
    assert_int_equal(iw_motion_init(&motion, what), 0);
    double *path = calloc(3 * frames * what->atoms, sizeof *path);
    trial out = {0};
    double truth = what->q_A2 / 6 * 0.1, scale = truth > 0 ? truth : 1;
    for (int run = 0; run < runs; run++) {
        iw_motion_start(&motion, seed + (uint64_t)run);
        for (size_t t = 0; t < frames; t++)
            iw_motion_step(&motion, path + 3 * what->atoms * t);
        sample s = sample_of_path(path, frames, what->atoms, 1);
        iw_diffusion d = estimate(&s);
        out.mean += d.D_cm2_s / scale / runs;
        out.spread += pow((d.D_cm2_s - truth) / scale, 2) / runs;
        out.plain_spread += pow((d.D_einstein_cm2_s - truth) / scale, 2) / runs;
        out.claimed += d.stderr_cm2_s / scale / runs;
        out.covered[0] += within(d.ci68_cm2_s, truth) / (double)runs;
        out.covered[1] += within(d.ci95_cm2_s, truth) / (double)runs;
        out.diffusive += d.diffusive / (double)runs;
        out.collective += d.collective / (double)runs;
        sample_free(&s);
    }
    out.spread = sqrt(out.spread);
    out.plain_spread = sqrt(out.plain_spread);
    free(path);
    iw_motion_fini(&motion);
    print_message("%s: mean %.4f, spread %.4f (claimed %.4f; plain fit %.4f), covered %.3f %.3f, "
                  "diffusive %.2f, collective %.2f\n",
                  iw_motion_names[what->kind], out.mean, out.spread, out.claimed, out.plain_spread,
                  out.covered[0], out.covered[1], out.diffusive, out.collective);
    return out;
}

/* A small version of tests/bench/calibrate: the bounds are four standard errors of so few runs
 * wide. */
static void
independent_ions_are_covered_by_their_interval(void **state)
{
    (void)state;
    enum { RUNS = 150, FRAMES = 600, ATOMS = 20 };
    const iw_motion_kind kinds[] = {IW_MOTION_BROWNIAN, IW_MOTION_LATTICE, IW_MOTION_BACKJUMP,
                                    IW_MOTION_LANGEVIN};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        iw_motion_options what = {.kind = kinds[i], .atoms = ATOMS, .q_A2 = 0.3};
        trial t = repeat(&what, FRAMES, RUNS, 1000 * i);
        assert_close(t.mean, 1, 0, 0.01 + 4 * t.spread / sqrt(RUNS));
        assert_close(t.spread, t.claimed, 4 / sqrt(2.0 * RUNS), 0);
        assert_close(t.covered[0], 0.68, 0, 4 * sqrt(0.68 * 0.32 / RUNS));
        assert_close(t.covered[1], 0.95, 0, 4 * sqrt(0.95 * 0.05 / RUNS));
        assert_true(t.spread < 0.7 * t.plain_spread);
        assert_true(t.diffusive > 0.9 && t.collective < 0.05);
    }
}

static void
a_caged_species_has_an_interval_with_zero_and_no_diffusion(void **state)
{
    (void)state;
    iw_motion_options what = {.kind = IW_MOTION_CAGED, .atoms = 40};
    trial t = repeat(&what, 400, 100, 7);
    assert_true(t.covered[1] > 0.9);
    assert_true(t.diffusive < 0.05);
}

static void
ions_that_hop_together_are_found_out(void **state)
{
    (void)state;
    iw_motion_options what = {.kind = IW_MOTION_COLLECTIVE, .atoms = 60, .q_A2 = 0.3};
    trial t = repeat(&what, 1000, 60, 8);
    assert_true(t.collective > 0.8);
    assert_true(t.covered[1] > 0.8);
}

/* stderr_A2 is the spread of each MSD value. */
static void
error_of_the_msd_is_its_spread(void **state)
{
    (void)state;
    enum { FRAMES = 60, RUNS = 600, ATOMS = 10 };
    iw_motion_options what = {.kind = IW_MOTION_BROWNIAN, .atoms = ATOMS, .q_A2 = 0.5};
    double sum[FRAMES / 2 + 1] = {0}, square[FRAMES / 2 + 1] = {0}, claimed[FRAMES / 2 + 1] = {0};
    iw_diffusion_options options;
    iw_diffusion_options_init(&options);
    options.jump_length_A = 0;
    iw_motion motion;
    assert_int_equal(iw_motion_init(&motion, &what), 0);
    static double path[FRAMES][ATOMS][3];
    for (int run = 0; run < RUNS; run++) {
        iw_motion_start(&motion, (uint64_t)run);
        for (size_t t = 0; t < FRAMES; t++)
            iw_motion_step(&motion, &path[t][0][0]);
        sample s = sample_of_path(&path[0][0][0], FRAMES, ATOMS, 1);
        double error[FRAMES / 2 + 1];
        iw_diffusion d = {.stderr_A2 = error};
        assert_int_equal(iw_diffusion_estimate(&s.moments, &s.curve, &options, &d, NULL), IW_OK);
        for (size_t n = 0; n < s.curve.n_lags; n++) {
            sum[n] += s.curve.msd_A2[n] / RUNS;
            square[n] += s.curve.msd_A2[n] * s.curve.msd_A2[n] / RUNS;
            claimed[n] += error[n] / RUNS;
        }
        sample_free(&s);
    }
    iw_motion_fini(&motion);
    assert_close(claimed[0], 0, 0, 0);
    for (size_t n = 1; n <= FRAMES / 2; n++)
        assert_close(claimed[n], sqrt(square[n] - sum[n] * sum[n]), 0.15, 0);
}

/* Langevin velocities: D = kT/(m gamma), whatever the integration step. */
static void
green_kubo_integrates_an_exponential(void **state)
{
    (void)state;
    enum { N = 20001 };
    static double c[N];
    double gamma = 0.01, c0 = 3e-6; /* 1/fs, (A/fs)^2: <v.v> = 3 kT/m */
    for (size_t n = 0; n < N; n++)
        c[n] = c0 * exp(-gamma * 0.5 * (double)n);
    assert_close(iw_diffusion_green_kubo(c, N, 0.5), c0 / 3 / gamma * 0.1, 1e-5, 0);
    assert_close(iw_diffusion_green_kubo(c, 1, 0.5), 0, 0, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(straight_line_gives_its_slope_by_every_estimator),
        cmocka_unit_test(effective_hops_and_their_error_follow_he_and_mo),
        cmocka_unit_test(ballistic_motion_and_cages_are_not_diffusive),
        cmocka_unit_test(
            a_sinking_msd_is_reported_as_zero_with_an_interval_that_rounding_does_not_move),
        cmocka_unit_test(short_and_frozen_runs_are_answered_calmly),
        cmocka_unit_test(independent_ions_are_covered_by_their_interval),
        cmocka_unit_test(a_caged_species_has_an_interval_with_zero_and_no_diffusion),
        cmocka_unit_test(ions_that_hop_together_are_found_out),
        cmocka_unit_test(error_of_the_msd_is_its_spread),
        cmocka_unit_test(green_kubo_integrates_an_exponential),
    };
    return cmocka_run_group_tests_name("diffusion", tests, NULL, NULL);
}
