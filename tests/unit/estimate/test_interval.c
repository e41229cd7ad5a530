/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The interval of D where ions rest, or hardly hop.  Proves docs/physics.md, "Error of D". */
#include "bench/motion.h"
#include "estimate/diffusion.h"
#include "estimate/interval.h"
#include "iw_test.h"

#include <gsl/gsl_cdf.h>

static const double normal_95 = 1.959963984540054;

static double
variance(iw_law law, double q_A2)
{
    double x = q_A2 / law.unit;
    return law.v[0] + law.v[1] * x + law.v[2] * x * x;
}

static void
the_interval_holds_what_lies_within_z_sigma_of_the_slope(void **state)
{
    (void)state;
    const iw_law law = {.unit = 2e-3, .v = {4e-6, 3e-6, 1e-7}};
    const double slopes[] = {-1e-3, 0, 1e-3, 5e-3, 0.1};
    for (size_t i = 0; i < sizeof slopes / sizeof *slopes; i++) {
        double ci[2], slope = fmax(0, slopes[i]);
        iw_law_interval(law, slopes[i], 2, ci);
        assert_close(ci[1] - slope, 2 * sqrt(variance(law, ci[1])), 1e-9, 0);
        if (ci[0] > 0)
            assert_close(slope - ci[0], 2 * sqrt(variance(law, ci[0])), 1e-9, 0);
        else
            assert_true(slope <= 2 * sqrt(variance(law, 0)) * (1 + 1e-12));
    }
    double ci[2];
    iw_law_interval((iw_law){.unit = 1, .v = {1, 1, 1}}, 1, 1.1, ci); /* sigma(q) > q for every q */
    assert_true(isnan(ci[1]));
}

static void
an_excess_is_the_motions_as_far_as_the_variance_is(void **state)
{
    (void)state;
    const double noise[] = {0, 1e-6, 1e-3};
    for (size_t i = 0; i < 3; i++) {
        const iw_law law = {.unit = 1e-3, .v = {noise[i], 1e-6, 1e-6}};
        iw_law wide = iw_law_widen(law, 1e-3, 3, 5);
        assert_close(variance(wide, 1e-3), 5 * (variance(law, 1e-3) + 2 * noise[i]), 1e-12, 0);
        double hops = (variance(wide, 1) - wide.v[0]) / (variance(law, 1) - law.v[0]);
        if (i == 0)
            assert_close(hops, 5, 1e-12, 0); /* nothing but motion */
        if (i == 2)
            assert_close(hops, 1, 0, 0.01); /* nothing but noise */
    }
}

/* Garwood, Biometrika 28, 437 (1936): the mean of a count n is above chi^2(2n)/2. */
static void
few_hops_have_the_limits_of_a_count(void **state)
{
    (void)state;
    const double hop = 0.01, chance = 0.025;
    const iw_law law = {.unit = 1, .v = {0, hop, 0}}; /* variance hop q: q/hop is a count */
    for (int n = 1; n < 60; n++) {
        double ci[2];
        iw_law_interval(law, n * hop, normal_95, ci);
        iw_law_count_hops(law, n * hop, hop, chance, ci);
        assert_close(ci[0] / hop, gsl_cdf_chisq_Pinv(chance, 2 * n) / 2, 0, 0.02);
        assert_true(ci[1] / hop > gsl_cdf_chisq_Qinv(chance, 2 * n + 2) / 2 * 0.98);
    }
    double none[2] = {0.001, 0.002};
    iw_law_count_hops(law, 0.99 * hop, hop, chance, none);
    assert_close(none[0], 0, 0, 0);
    assert_close(none[1], -log(chance) * hop, 1e-12, 0);
    double unbounded[2] = {0, NAN};
    iw_law_count_hops(law, 0, hop, chance, unbounded);
    assert_true(isnan(unbounded[1]));
}

/* ---- solids ---- */

/* MSD, A^2, and non-Gaussian parameter at the lags of the moments; frames 12 fs apart.  Perfect
 * crystals of docs/campaign, in which nothing hops. */
enum { MOST_LAGS = 32 };
typedef struct {
    const char *what;
    size_t atoms, frames, n;
    double msd_A2[MOST_LAGS], non_gaussian[MOST_LAGS];
} solid;

static const solid solids[] = {
    {"Li in LiF at 500 K",
     108,
     938,
     31,
     {0.02393, 0.07774, 0.13076, 0.17119, 0.20148, 0.21877, 0.21752, 0.20275,
      0.17454, 0.16013, 0.16392, 0.17898, 0.19364, 0.18590, 0.19502, 0.19094,
      0.18029, 0.16483, 0.17597, 0.17720, 0.18000, 0.17093, 0.17996, 0.17824,
      0.18289, 0.17610, 0.17659, 0.17669, 0.17592, 0.18055, 0.19039},
     {0.000, 0.001, 0.004, 0.008, 0.008, 0.005,  0.004, 0.009, 0.013, 0.007, 0.003,
      0.003, 0.001, 0.000, 0.000, -.004, 0.009,  0.007, 0.008, 0.003, -.002, 0.002,
      0.011, 0.024, 0.017, 0.010, 0.035, -0.009, 0.018, 0.002, 0.002}},
    {"Cl in NaCl at 900 K",
     108,
     1140,
     32,
     {0.00902, 0.03518, 0.07602, 0.12796, 0.18693, 0.24888, 0.31021, 0.36798,
      0.46484, 0.52993, 0.56205, 0.56578, 0.52237, 0.46703, 0.43140, 0.41965,
      0.43712, 0.42538, 0.38260, 0.37597, 0.43204, 0.47174, 0.39955, 0.38464,
      0.45162, 0.39701, 0.46068, 0.41096, 0.41112, 0.41526, 0.43927, 0.46284},
     {0.002, 0.002, 0.003, 0.003, 0.004, 0.006, 0.008, 0.010, 0.015, 0.020, 0.026,
      0.032, 0.041, 0.039, 0.035, 0.027, 0.018, 0.029, 0.029, 0.030, 0.011, 0.019,
      0.014, 0.036, 0.005, 0.030, 0.021, 0.042, 0.009, 0.036, 0.011, 0.030}},
    {"O in TiO2 at 500 K",
     144,
     939,
     31,
     {0.01003, 0.02757, 0.03640, 0.03818, 0.03977, 0.04081, 0.03974, 0.03740,
      0.03264, 0.03318, 0.02796, 0.02693, 0.03343, 0.02670, 0.03661, 0.02893,
      0.03321, 0.03079, 0.02964, 0.03459, 0.03055, 0.03112, 0.03081, 0.02945,
      0.02869, 0.03132, 0.03188, 0.03440, 0.03110, 0.03302, 0.03079},
     {-.002, 0.016, 0.085, 0.150, 0.127, 0.075, 0.042, 0.024, 0.034, 0.043, 0.037,
      0.036, 0.105, 0.028, 0.072, 0.044, 0.062, 0.054, 0.066, 0.057, 0.034, 0.025,
      0.065, 0.028, 0.093, 0.087, 0.030, 0.033, 0.041, 0.057, 0.023}},
};

typedef struct {
    iw_moments *moments;
    iw_moments_result sums;
    iw_displacements displacements;
    unsigned short *kind;
} sample;

static void
sample_init(sample *s, size_t atoms)
{
    iw_error err;
    *s = (sample){.kind = calloc(atoms, sizeof *s->kind)};
    iw_moments_options options = {.n_atoms = atoms, .n_species = 1, .kind = s->kind};
    s->moments = iw_moments_new(&options, &err);
    assert_non_null(s->moments);
}

static void
sample_finish(sample *s, double dt_fs)
{
    static const bool member[1] = {true};
    iw_error err;
    assert_ok(iw_moments_query(s->moments, &s->sums, &err), err);
    assert_ok(iw_displacements_init(&s->displacements, &s->sums, s->kind, member, dt_fs, &err),
              err);
}

static void
sample_fini(sample *s)
{
    iw_displacements_fini(&s->displacements);
    iw_moments_result_fini(&s->sums);
    iw_moments_destroy(&s->moments);
    free(s->kind);
}

static iw_diffusion
estimate(const sample *s)
{
    iw_diffusion_options options;
    iw_diffusion_options_init(&options);
    iw_diffusion out = {0};
    iw_error err;
    assert_ok(iw_diffusion_estimate(&s->displacements, NULL, &options, &out, &err), err);
    return out;
}

/* What one hop of 3 A makes of D. */
static double
one_hop(size_t atoms, size_t frames, double dt_fs)
{
    return 9 / (6 * (double)atoms * (double)(frames - 1) * dt_fs) * 0.1;
}

static void
crystals_in_which_nothing_hops_have_an_interval_from_zero_to_a_few_hops(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof solids / sizeof *solids; i++) {
        const solid *of = &solids[i];
        sample s;
        sample_init(&s, of->atoms);
        double *rest = calloc(3 * of->atoms, sizeof *rest);
        iw_error err;
        for (size_t t = 0; t < of->frames; t++)
            assert_ok(iw_moments_push(s.moments, rest, &err), err);
        free(rest);
        sample_finish(&s, 12);
        iw_displacements *d = &s.displacements;
        assert_int_equal(d->n_lags, of->n);
        for (size_t k = 0; k < of->n; k++) {
            double y = of->msd_A2[k];
            d->mean_A2[k] = y;
            d->mean_A4[k] = 5.0 / 3 * (1 + of->non_gaussian[k]) * y * y;
            for (size_t axis = 0; axis < 3; axis++)
                d->axis_A2[axis * of->n + k] = y / 3;
            for (size_t atom = 0; atom < of->atoms; atom++)
                d->atom_A2[atom * of->n + k] = y;
            for (size_t e = 0; e < d->n_epochs; e++)
                d->epoch_sum_A2[e * of->n + k] = y * d->epoch_origins[e * of->n + k];
        }
        iw_diffusion out = estimate(&s);
        double hop = one_hop(of->atoms, of->frames, 12);
        print_message("%s: D %.3g +- %.3g, %.3g to %.3g cm2/s: %.1f hops\n", of->what, out.D_cm2_s,
                      out.stderr_cm2_s, out.ci95_cm2_s[0], out.ci95_cm2_s[1],
                      out.ci95_cm2_s[1] / hop);
        assert_true(out.ci95_cm2_s[0] == 0 && !out.diffusive);
        assert_true(out.ci95_cm2_s[1] >= -0.9999 * log(0.025) * hop &&
                    out.ci95_cm2_s[1] < 15 * hop);
        sample_fini(&s);
    }
}

typedef struct {
    double below, above, finite, upper_hops; /* shares of the runs; the mean upper end */
} trial;

static trial
repeat(iw_motion_kind kind, size_t atoms, size_t frames, double hops, int runs)
{
    iw_motion motion;
    iw_motion_options what = {
        .kind = kind, .atoms = atoms, .q_A2 = hops * 9 / ((double)atoms * (double)(frames - 1))};
    assert_int_equal(iw_motion_init(&motion, &what), 0);
    double *pos_A = calloc(3 * atoms, sizeof *pos_A);
    double hop = one_hop(atoms, frames, 1), truth = hops * hop;
    trial out = {0};
    for (int run = 0; run < runs; run++) {
        sample s;
        sample_init(&s, atoms);
        iw_motion_start(&motion, 500 + (uint64_t)run);
        for (size_t t = 0; t < frames; t++) {
            iw_error err;
            iw_motion_step(&motion, pos_A);
            assert_ok(iw_moments_push(s.moments, pos_A, &err), err);
        }
        sample_finish(&s, 1);
        iw_diffusion d = estimate(&s);
        out.below += (d.ci95_cm2_s[0] > truth) / (double)runs;
        out.above += (d.ci95_cm2_s[1] < truth) / (double)runs;
        out.finite += isfinite(d.ci95_cm2_s[1]) / (double)runs;
        out.upper_hops += d.ci95_cm2_s[1] / hop / runs;
        sample_fini(&s);
    }
    free(pos_A);
    iw_motion_fini(&motion);
    print_message("%s, %g hops: below %.3f, above %.3f, upper end %.1f hops\n",
                  iw_motion_names[kind], hops, out.below, out.above, out.upper_hops);
    return out;
}

/* A small version of tests/bench/calibrate.  The waves of a harmonic crystal outlast the window. */
static void
a_harmonic_crystal_does_not_diffuse(void **state)
{
    (void)state;
    for (size_t side = 3; side <= 4; side++) {
        trial t = repeat(IW_MOTION_CRYSTAL, side * side * side, 600, 0, 60);
        assert_true(t.below <= 0.025 + 4 * sqrt(0.025 * 0.975 / 60));
        assert_true(t.finite > 0.999 && t.upper_hops < 60);
    }
}

/* None to ten hops in the whole run: the upper end must not miss what was not seen by chance. */
static void
slow_conductors_are_not_called_slower(void **state)
{
    (void)state;
    enum { RUNS = 100 };
    const double hops[] = {1, 3, 10}, most = 0.025 + 4 * sqrt(0.025 * 0.975 / RUNS);
    for (size_t i = 0; i < 3; i++) {
        trial t = repeat(IW_MOTION_LATTICE, 30, 600, hops[i], RUNS);
        assert_true(t.above <= most && t.below <= most);
        assert_true(t.finite > 0.95);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_interval_holds_what_lies_within_z_sigma_of_the_slope),
        cmocka_unit_test(an_excess_is_the_motions_as_far_as_the_variance_is),
        cmocka_unit_test(few_hops_have_the_limits_of_a_count),
        cmocka_unit_test(crystals_in_which_nothing_hops_have_an_interval_from_zero_to_a_few_hops),
        cmocka_unit_test(a_harmonic_crystal_does_not_diffuse),
        cmocka_unit_test(slow_conductors_are_not_called_slower),
    };
    return cmocka_run_group_tests_name("interval", tests, NULL, NULL);
}
