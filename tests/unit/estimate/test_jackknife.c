/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proves docs/physics.md, "Errors by epochs": what is claimed for one run is what independent runs
 * spread by.  Velocities are drawn from processes with known autocorrelations. */
#include "constants.h"
#include "correlate/epochs.h"
#include "estimate/diffusion.h"
#include "estimate/jackknife.h"
#include "iw_test.h"

enum { COORDS = 12, ATOMS = COORDS / 3, MOST_RUNS = 300, QUANTITIES = 10 };

/* Each coordinate a rotating, damped number in the plane, seen from the side:
 * C(n) = exp(-n/decay) cos(omega n), in the mean over coordinates. */
typedef struct {
    size_t frames, window;
    double decay;                /* frames */
    double fastest, slowest;     /* periods in frames, spread evenly over coordinates; 0: none */
    double wave;                 /* amplitude of a slow common change of all velocities */
    double x[COORDS], y[COORDS]; /* where the numbers are */
} process;

static double
omega(const process *p, size_t i)
{
    double share = ((double)i + 0.5) / COORDS;
    double period = p->fastest + (p->slowest - p->fastest) * share;
    return period > 0 ? 6.283185307179586 / period : 0;
}

static void
advance(process *p, size_t t, uint64_t *seed, double *v)
{
    double keep = t > 0 ? exp(-1 / p->decay) : 0, noise = sqrt(1 - keep * keep);
    for (size_t i = 0; i < COORDS; i++) {
        double c = cos(omega(p, i)), s = sin(omega(p, i)), x = p->x[i], y = p->y[i];
        p->x[i] = keep * (c * x - s * y) + noise * iw_test_normal(seed);
        p->y[i] = keep * (s * x + c * y) + noise * iw_test_normal(seed);
        v[i] = p->x[i] * (1 + p->wave * sin(6.283185307179586 * (double)t / 1500.0));
    }
}

/* (1/3) integral of C by trapezoids over the window, in the process's mean. */
static double
expected_D(const process *p)
{
    double sum = 0;
    for (size_t i = 0; i < COORDS; i++)
        for (size_t n = 0; n <= p->window; n++)
            sum += (n == 0 || n == p->window ? 0.5 : 1.0) * exp(-(double)n / p->decay) *
                   cos(omega(p, i) * (double)n);
    return sum / COORDS * IW_A2_FS_CM2_S; /* three axes, a third */
}

/* Values and claimed errors of one run: D, plateau, the six descriptors, C(10), g at one energy. */
typedef struct {
    double value[QUANTITIES], error[QUANTITIES];
    size_t epochs;
    double plateau_fs;
} outcome;

typedef struct {
    size_t n_epochs, n_lags;
    double *frames, *origins, *velocity, *weighted;
} stored;

static stored
store(const iw_epochs *epochs, const iw_vacf_result *total)
{
    size_t n = iw_epochs_count(epochs, total), n_lags = total->n_lags;
    stored s = {n,
                n_lags,
                calloc(n + 1, sizeof(double)),
                calloc(n * n_lags + 1, sizeof(double)),
                calloc(n * n_lags + 1, sizeof(double)),
                calloc(n * n_lags + 1, sizeof(double))};
    const double one = 1.0 / ATOMS, mass = 7.0;
    for (size_t e = 0; e < n; e++) {
        s.frames[e] = (double)iw_epochs_frames(epochs, total, e);
        iw_epochs_origins(epochs, total, e, s.origins + e * n_lags);
        iw_epochs_sums(epochs, total, e, &one, s.velocity + e * n_lags);
        iw_epochs_sums(epochs, total, e, &mass, s.weighted + e * n_lags);
    }
    return s;
}

static void
judge(const stored *s, const double *origins, const double *c, outcome *out)
{
    iw_error err;
    size_t n = s->n_lags;
    double *vacf = calloc(n, sizeof *vacf), *vdos = calloc(n, sizeof *vdos);
    iw_mode *modes = calloc(n, sizeof *modes);
    iw_vdos_input input = {n, 1.0, c, origins, IW_TAPER_PARZEN, false};
    iw_vdos g = {0};
    assert_ok(iw_vdos_compute(&input, &g, &err), err);
    iw_vibration_modes(g.energy_meV, n, 300, modes);
    iw_spectrum_maker maker = {iw_vdos_shape_new(&input, &err),
                               g.energy_meV,
                               {.temperature_K = 300, .cutoff_meV = 30, .modes = modes}};
    iw_epoch_sums sums = {s->n_epochs, n, 1.0, s->frames, s->origins, s->velocity, s->weighted};
    iw_spectrum_errors errors = {.vacf = vacf, .vdos = vdos};
    assert_ok(iw_jackknife(&sums, &maker, &errors, &err), err);
    iw_vibration v;
    iw_vibration_compute(g.energy_meV, g.g, n, &maker.vibration, &v);
    const iw_vibration *e = &errors.vibration;
    size_t at = n / 40;
    *out = (outcome){.value = {iw_diffusion_green_kubo(c, n, 1.0), errors.plateau.D_cm2_s,
                               v.omega_mean_meV, v.omega30_mean_meV, v.e_vib_meV, v.f_vib_meV,
                               v.s_vib_meV_K, v.c_v_meV_K, c[10], g.g[at]},
                     .error = {errors.D_green_kubo_cm2_s, errors.plateau.stderr_cm2_s,
                               e->omega_mean_meV, e->omega30_mean_meV, e->e_vib_meV, e->f_vib_meV,
                               e->s_vib_meV_K, e->c_v_meV_K, vacf[10], vdos[at]},
                     .epochs = errors.epochs,
                     .plateau_fs = errors.plateau.lag_fs[0]};
    iw_vdos_shape_destroy(&maker.shape);
    iw_vdos_fini(&g);
    free(modes);
    free(vacf);
    free(vdos);
}

static outcome
run(const process *model, uint64_t *seed)
{
    process p = *model;
    unsigned short kind[ATOMS] = {0};
    iw_error err;
    iw_vacf_options options = {ATOMS, 1, kind, p.window, 0};
    iw_vacf *vacf = iw_vacf_new(&options, &err);
    iw_epochs *epochs = iw_epochs_new(1, p.window, iw_vacf_block(vacf), &err);
    for (size_t t = 0; t < p.frames; t++) {
        double v[COORDS];
        advance(&p, t, seed, v);
        assert_ok(iw_vacf_push(vacf, v, &err), err);
        assert_ok(iw_epochs_follow(epochs, vacf, &err), err);
    }
    iw_vacf_result total = {0};
    assert_ok(iw_vacf_query(vacf, &total, &err), err);
    double *c = calloc(total.n_lags, sizeof *c);
    for (size_t n = 0; n < total.n_lags; n++)
        c[n] = total.sum[n] / (total.origins[n] * ATOMS);
    stored s = store(epochs, &total);
    outcome out;
    judge(&s, total.origins, c, &out);
    free(c);
    free(s.frames);
    free(s.origins);
    free(s.velocity);
    free(s.weighted);
    iw_vacf_result_fini(&total);
    iw_vacf_destroy(&vacf);
    iw_epochs_destroy(&epochs);
    return out;
}

typedef struct {
    size_t n;
    double mean, spread, claimed, within68, within95; /* claimed: r.m.s. of the errors */
} summary;

/* Of quantity q over the runs where it is known; about `truth`, or the mean over runs. */
static summary
summarise(const outcome *runs, size_t n_runs, size_t q, double truth)
{
    summary s = {0};
    for (size_t r = 0; r < n_runs; r++) {
        if (!isfinite(runs[r].error[q]))
            continue;
        s.n++;
        s.mean += runs[r].value[q];
        s.claimed += runs[r].error[q] * runs[r].error[q];
    }
    s.mean /= (double)s.n;
    s.claimed = sqrt(s.claimed / (double)s.n);
    double about = isfinite(truth) ? truth : s.mean;
    for (size_t r = 0; r < n_runs; r++) {
        if (!isfinite(runs[r].error[q]))
            continue;
        double off = fabs(runs[r].value[q] - about) / runs[r].error[q];
        s.spread += pow(runs[r].value[q] - s.mean, 2);
        s.within68 += (off <= 1) / (double)s.n;
        s.within95 += (off <= 1.96) / (double)s.n;
    }
    s.spread = sqrt(s.spread / (double)(s.n - 1));
    return s;
}

static const char *const names[QUANTITIES] = {"D_GK",  "plateau", "<w>", "<w30>", "E_vib",
                                              "F_vib", "S_vib",   "C_V", "C(10)", "g"};

static void
show(const char *process_name, size_t q, const summary *s)
{
    print_message(
        "%-22s %-8s %3zu runs: spread %.3g, claimed %.3g (%.2f), covered %.0f / %.0f %%\n",
        process_name, names[q], s->n, s->spread, s->claimed, s->claimed / s->spread,
        100 * s->within68, 100 * s->within95);
}

/* Langevin particles, C = exp(-t/decay): D and its plateau against the closed form. */
static void
green_kubo_of_langevin_particles_holds_its_error(void **state)
{
    (void)state;
    static outcome runs[MOST_RUNS];
    process p = {.frames = 8192, .window = 500, .decay = 20};
    uint64_t seed = 31;
    for (size_t r = 0; r < MOST_RUNS; r++)
        runs[r] = run(&p, &seed);
    summary whole = summarise(runs, MOST_RUNS, 0, expected_D(&p));
    summary plateau = summarise(runs, MOST_RUNS, 1, expected_D(&p));
    show("Langevin", 0, &whole);
    show("Langevin", 1, &plateau);
    assert_close(whole.claimed / whole.spread, 1, 0, 0.15);
    assert_close(plateau.claimed / plateau.spread, 1, 0, 0.15);
    assert_close(whole.within68, 0.68, 0, 0.07);
    assert_close(plateau.within68, 0.68, 0, 0.07);
    assert_true(whole.within95 > 0.90 && plateau.within95 > 0.90);
    assert_close(plateau.mean, expected_D(&p), 0.02, 0);
    assert_true(plateau.n > 9 * MOST_RUNS / 10);
    assert_true(plateau.spread < 0.8 * whole.spread); /* what the plateau is for */
}

/* Damped oscillators between two frequencies: every descriptor. */
static void
errors_of_descriptors_are_their_spread(void **state)
{
    (void)state;
    enum { RUNS = 200 };
    static outcome runs[RUNS];
    static const process models[] = {
        {.frames = 6000, .window = 256, .decay = 30, .fastest = 40, .slowest = 240},
        {.frames = 9000, .window = 256, .decay = 60, .fastest = 100, .slowest = 100},
    };
    static const char *const of[] = {"oscillators, a band", "oscillators, one line"};
    uint64_t seed = 77;
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        for (size_t r = 0; r < RUNS; r++)
            runs[r] = run(&models[m], &seed);
        for (size_t q = 0; q < QUANTITIES; q++) {
            summary s = summarise(runs, RUNS, q, NAN);
            show(of[m], q, &s);
            if (q == 1)
                continue; /* mostly no plateau within so short a window */
            /* so few runs tell the spread itself to 5 % */
            assert_close(s.claimed / s.spread, 1, 0, 0.15);
            assert_true(s.within95 > 0.88);
        }
    }
}

/* All velocities swell and fade over many epochs: neighbours are alike and are combined. */
static void
epochs_that_are_alike_are_combined(void **state)
{
    (void)state;
    process calm = {.frames = 6000, .window = 64, .decay = 5}, slow = calm;
    slow.wave = 0.5;
    uint64_t seed = 3;
    outcome a = run(&calm, &seed), b = run(&slow, &seed);
    assert_true(a.epochs >= 16);
    assert_true(b.epochs < a.epochs);
}

static void
fewer_than_four_epochs_say_nothing(void **state)
{
    (void)state;
    process p = {.frames = 200, .window = 250, .decay = 5}; /* blocks of 64 */
    uint64_t seed = 9;
    outcome few = run(&p, &seed);
    p.frames = 300;
    outcome enough = run(&p, &seed);
    for (size_t q = 0; q < QUANTITIES; q++) {
        assert_true(isnan(few.error[q]));
        if (q != 1)
            assert_true(enough.error[q] > 0);
    }
    assert_int_equal(few.epochs, 0);
}

/* A VACF that is still far from zero at the end of the window has no plateau. */
static void
no_plateau_where_the_window_is_too_short(void **state)
{
    (void)state;
    process p = {.frames = 20000, .window = 64, .decay = 100};
    uint64_t seed = 21;
    outcome o = run(&p, &seed);
    assert_true(isnan(o.value[1]) && isnan(o.plateau_fs));
    assert_true(o.error[0] > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(green_kubo_of_langevin_particles_holds_its_error),
        cmocka_unit_test(errors_of_descriptors_are_their_spread),
        cmocka_unit_test(epochs_that_are_alike_are_combined),
        cmocka_unit_test(fewer_than_four_epochs_say_nothing),
        cmocka_unit_test(no_plateau_where_the_window_is_too_short),
    };
    return cmocka_run_group_tests_name("jackknife", tests, NULL, NULL);
}
