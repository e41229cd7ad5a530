/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proves docs/physics.md, "Diffusion coefficients" and "Error of D". */
#include "estimate/diffusion.h"
#include "iw_test.h"

typedef struct {
    iw_msd_curve curve;
    double *msd, *axis[3], *origins;
} sample;

static sample
sample_new(size_t frames, size_t atoms, double dt_fs)
{
    size_t n = frames / 2 + 1;
    sample s = {.msd = calloc(n, sizeof(double)), .origins = calloc(n, sizeof(double))};
    for (size_t a = 0; a < 3; a++)
        s.axis[a] = calloc(n, sizeof(double));
    for (size_t k = 0; k < n; k++)
        s.origins[k] = (double)(frames - k);
    s.curve = (iw_msd_curve){n,         dt_fs, s.msd, {s.axis[0], s.axis[1], s.axis[2]},
                             s.origins, atoms, frames};
    return s;
}

static void
sample_free(sample *s)
{
    free(s->msd);
    free(s->origins);
    for (size_t a = 0; a < 3; a++)
        free(s->axis[a]);
}

/* Adds one atom's path x[axis][frame] by its definition. */
static void
add_path(sample *s, size_t axis, const double *x)
{
    size_t frames = s->curve.frames;
    double atoms = (double)s->curve.atoms;
    for (size_t n = 1; n < s->curve.n_lags; n++) {
        double sum = 0;
        for (size_t t = 0; t + n < frames; t++)
            sum += (x[t + n] - x[t]) * (x[t + n] - x[t]);
        sum /= atoms * (double)(frames - n);
        s->axis[axis][n] += sum;
        s->msd[n] += sum;
    }
}

/* The MSD f(n) split over the axes as 1:2:3. */
static void
set_curve(sample *s, double (*f)(double, double), double parameter)
{
    for (size_t n = 0; n < s->curve.n_lags; n++) {
        s->msd[n] = f((double)n, parameter);
        for (size_t a = 0; a < 3; a++)
            s->axis[a][n] = s->msd[n] * (double)(a + 1) / 6;
    }
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
    assert_ok(iw_diffusion_estimate(&s->curve, &options, &out, &err), err);
    return out;
}

/* 0.6 A^2 a lag of 2 fs: 6 D = 0.3 A^2/fs, D = 0.05 A^2/fs = 0.005 cm^2/s. */
static void
straight_line_gives_its_slope_by_every_estimator(void **state)
{
    (void)state;
    const size_t frames[] = {4, 5, 6, 7, 9, 40, 1001};
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        sample s = sample_new(frames[i], 10, 2);
        set_curve(&s, straight, 1.25);
        iw_diffusion d = estimate(&s);
        assert_close(d.D_einstein_cm2_s, 0.005, 1e-12, 0);
        assert_close(d.D_cm2_s, 0.005, 1e-6, 0);
        assert_close(d.intercept_A2, 1.25, 1e-5, 0);
        for (int a = 0; a < 3; a++)
            assert_close(d.D_axes_cm2_s[a], 0.005 * (a + 1) / 2, 1e-12, 0);
        assert_true(d.stderr_cm2_s > 0);
        assert_true(d.ci95_cm2_s[0] <= d.D_cm2_s && d.D_cm2_s <= d.ci95_cm2_s[1]);
        assert_close(d.fit_ps[1], 2e-3 * (double)(s.curve.n_lags - 1), 1e-12, 0);
        sample_free(&s);
    }
}

static void
effective_hops_and_their_error_follow_he_and_mo(void **state)
{
    (void)state;
    sample s = sample_new(1000, 20, 1);
    set_curve(&s, straight, 0);
    for (size_t n = 0; n < s.curve.n_lags; n++)
        s.msd[n] *= 100.488 * 9 / 20 / 300; /* the value for which the method's authors give one */
    iw_diffusion d = estimate(&s);
    assert_close(d.effective_hops, 100.488, 1e-12, 0);
    assert_close(d.he_relative_error, 0.38217, 0, 5e-6);
    sample_free(&s);
}

static void
ballistic_motion_and_cages_are_not_diffusive(void **state)
{
    (void)state;
    sample s = sample_new(2000, 50, 1);
    set_curve(&s, power, 2);
    iw_diffusion d = estimate(&s);
    assert_false(d.diffusive);
    assert_non_null(d.warning);
    assert_close(d.alpha, 2, 0.01, 0);
    set_curve(&s, power, 0.5);
    d = estimate(&s);
    assert_false(d.diffusive);
    assert_close(d.alpha, 0.5, 0.02, 0);
    set_curve(&s, caged, 0.3);
    d = estimate(&s);
    assert_false(d.diffusive);
    assert_non_null(d.warning);
    assert_true(d.ci95_cm2_s[0] == 0);
    sample_free(&s);
}

static void
a_sinking_msd_has_an_interval_from_zero_that_rounding_does_not_move(void **state)
{
    (void)state;
    sample s = sample_new(2000, 50, 1);
    set_curve(&s, sinking, 0);
    iw_diffusion d = estimate(&s);
    assert_true(d.D_cm2_s < 0 && d.ci95_cm2_s[0] == 0 && d.ci95_cm2_s[1] > 0);
    assert_true(d.ci95_cm2_s[1] > 1.9 * d.stderr_cm2_s);
    set_curve(&s, sinking, 20); /* beyond what chance explains: still no D is called zero */
    iw_diffusion steep = estimate(&s);
    assert_true(steep.D_cm2_s < 0 && steep.ci95_cm2_s[0] == 0);
    assert_true(steep.ci95_cm2_s[1] > 1.9 * steep.stderr_cm2_s);
    set_curve(&s, sinking, 1e-12);
    assert_close(estimate(&s).ci95_cm2_s[1], d.ci95_cm2_s[1], 1e-6, 0);
    sample_free(&s);
}

static void
short_and_frozen_runs_are_answered_calmly(void **state)
{
    (void)state;
    sample s = sample_new(100, 10, 1);
    iw_diffusion_options options;
    iw_diffusion_options_init(&options);
    double error[51];
    iw_diffusion d = {.stderr_A2 = error};
    iw_error err = {0};
    assert_int_equal(iw_diffusion_estimate(&s.curve, &options, &d, &err), IW_OK); /* MSD = 0 */
    assert_true(d.D_einstein_cm2_s == 0 && !d.diffusive && d.warning);
    assert_true(d.effective_hops == 0);
    s.curve.n_lags = 2;
    assert_int_equal(iw_diffusion_estimate(&s.curve, &options, &d, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "2 lags"));
    assert_true(isnan(d.D_cm2_s) && isnan(d.stderr_cm2_s) && isnan(d.D_einstein_cm2_s));
    assert_true(isnan(d.alpha) && isnan(d.ci95_cm2_s[1]) && isnan(error[1]) && !d.diffusive);
    sample_free(&s);
}

/* What many runs of one walk give. */
typedef struct {
    double mean, spread, plain_spread, claimed; /* relative to the true D */
    double covered;                             /* share of 95 % intervals that hold the truth */
} trial;

typedef struct {
    size_t atoms, frames;
    double q_A2, noise_A; /* growth of the MSD in a frame; noise of a frame along an axis */
    double jump_A;        /* 0: Gaussian steps; else jumps of this length along the axes */
    double period, decay; /* of the vibration, frames; 0: white noise */
} walk;

static void
draw(const walk *w, double *x[3], uint64_t *seed)
{
    double p = w->jump_A > 0 ? w->q_A2 / (w->jump_A * w->jump_A) : 0;
    double site[3] = {0, 0, 0};
    for (size_t t = 0; t < w->frames; t++) {
        if (p > 0 && iw_test_uniform(seed) < p)
            site[(size_t)(3 * iw_test_uniform(seed))] +=
                iw_test_uniform(seed) < 0.5 ? w->jump_A : -w->jump_A;
        for (size_t a = 0; a < 3; a++) {
            if (p <= 0)
                site[a] += sqrt(w->q_A2 / 3) * iw_test_normal(seed);
            x[a][t] = site[a];
        }
    }
    /* an oscillator that forgets: two-term autoregression of unit variance, started afar */
    double e = w->decay > 0 ? exp(-1 / w->decay) : 0;
    double c1 = w->period > 0 ? 2 * e * cos(6.283185307179586 / w->period) : 0, c2 = -e * e;
    double variance = (1 - c2) / ((1 + c2) * ((1 - c2) * (1 - c2) - c1 * c1));
    size_t before = (size_t)(8 * w->decay);
    for (size_t a = 0; a < 3; a++) {
        double last[2] = {0, 0};
        for (size_t t = 0; t < w->frames + before; t++) {
            double now = c1 * last[0] + c2 * last[1] + iw_test_normal(seed) / sqrt(variance);
            last[1] = last[0];
            last[0] = now;
            if (t >= before)
                x[a][t - before] += w->noise_A * now;
        }
    }
}

static trial
repeat(const walk *w, int runs, uint64_t seed)
{
    double *x[3];
    for (size_t a = 0; a < 3; a++)
        x[a] = calloc(w->frames, sizeof(double));
    trial out = {0};
    iw_diffusion_options options;
    iw_diffusion_options_init(&options);
    options.jump_length_A = w->jump_A;
    double truth = w->q_A2 / 6 * 0.1;
    for (int run = 0; run < runs; run++) {
        sample s = sample_new(w->frames, w->atoms, 1);
        for (size_t i = 0; i < w->atoms; i++) {
            draw(w, x, &seed);
            for (size_t a = 0; a < 3; a++)
                add_path(&s, a, x[a]);
        }
        iw_diffusion d = {0};
        iw_error err;
        assert_ok(iw_diffusion_estimate(&s.curve, &options, &d, &err), err);
        out.mean += d.D_cm2_s / truth / runs;
        out.spread += pow(d.D_cm2_s / truth - 1, 2) / runs;
        out.plain_spread += pow(d.D_einstein_cm2_s / truth - 1, 2) / runs;
        out.claimed += d.stderr_cm2_s / truth / runs;
        out.covered += (d.ci95_cm2_s[0] <= truth && truth <= d.ci95_cm2_s[1]) / (double)runs;
        sample_free(&s);
    }
    out.spread = sqrt(out.spread);
    out.plain_spread = sqrt(out.plain_spread);
    for (size_t a = 0; a < 3; a++)
        free(x[a]);
    print_message("mean %.4f, spread %.4f (claimed %.4f; plain fit %.4f), covered %.3f\n", out.mean,
                  out.spread, out.claimed, out.plain_spread, out.covered);
    return out;
}

/* The bounds are five standard errors of the trial wide. */
static void
brownian_walks_are_covered_by_their_interval(void **state)
{
    (void)state;
    walk w = {.atoms = 20, .frames = 300, .q_A2 = 0.5, .noise_A = 0.3};
    trial t = repeat(&w, 300, 1);
    assert_close(t.mean, 1, 0.01, 0);
    assert_close(t.spread, t.claimed, 0.2, 0);
    assert_true(t.spread < 0.25 * t.plain_spread);
    assert_close(t.covered, 0.95, 0, 0.05);
}

static void
hopping_with_vibration_is_covered_by_its_interval(void **state)
{
    (void)state;
    walk w = {.atoms = 20,
              .frames = 600,
              .q_A2 = 0.1,
              .noise_A = 0.15,
              .jump_A = 3,
              .period = 20,
              .decay = 15};
    trial t = repeat(&w, 150, 2);
    assert_close(t.mean, 1, 0.06, 0);
    assert_close(t.spread, t.claimed, 0.3, 0);
    assert_close(t.covered, 0.95, 0, 0.07);
}

/* stderr_A2 is the spread of each MSD value. */
static void
error_of_the_msd_is_its_spread(void **state)
{
    (void)state;
    enum { FRAMES = 60, RUNS = 600 };
    walk w = {.atoms = 10, .frames = FRAMES, .q_A2 = 0.5, .noise_A = 0.2};
    double buffer[3][FRAMES], *x[3] = {buffer[0], buffer[1], buffer[2]};
    double sum[FRAMES / 2 + 1] = {0}, square[FRAMES / 2 + 1] = {0}, claimed[FRAMES / 2 + 1] = {0};
    uint64_t seed = 4;
    iw_diffusion_options options;
    iw_diffusion_options_init(&options);
    options.jump_length_A = 0;
    for (int run = 0; run < RUNS; run++) {
        sample s = sample_new(FRAMES, w.atoms, 1);
        for (size_t i = 0; i < w.atoms; i++) {
            draw(&w, x, &seed);
            for (size_t a = 0; a < 3; a++)
                add_path(&s, a, x[a]);
        }
        double error[FRAMES / 2 + 1];
        iw_diffusion d = {.stderr_A2 = error};
        assert_int_equal(iw_diffusion_estimate(&s.curve, &options, &d, NULL), IW_OK);
        for (size_t n = 0; n < s.curve.n_lags; n++) {
            sum[n] += s.msd[n] / RUNS;
            square[n] += s.msd[n] * s.msd[n] / RUNS;
            claimed[n] += error[n] / RUNS;
        }
        sample_free(&s);
    }
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
        cmocka_unit_test(a_sinking_msd_has_an_interval_from_zero_that_rounding_does_not_move),
        cmocka_unit_test(short_and_frozen_runs_are_answered_calmly),
        cmocka_unit_test(brownian_walks_are_covered_by_their_interval),
        cmocka_unit_test(hopping_with_vibration_is_covered_by_its_interval),
        cmocka_unit_test(error_of_the_msd_is_its_spread),
        cmocka_unit_test(green_kubo_integrates_an_exponential),
    };
    return cmocka_run_group_tests_name("diffusion", tests, NULL, NULL);
}
