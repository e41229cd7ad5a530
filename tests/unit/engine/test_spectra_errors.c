/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Errors in snapshots of a live run against a jackknife that sums over pairs of frames here once
 * more, epoch by epoch.  Proves docs/physics.md, "Errors by epochs". */
#include "estimate/jackknife.h"
#include "model.h"

#define N MODEL_ATOMS
enum { LAGS = 31, EPOCH = 64, MOST = 40 };

/* Sums over the pairs that end in each epoch, for one group. */
typedef struct {
    size_t epochs;
    double frames[MOST], pairs[MOST][LAGS], plain[MOST][LAGS], massive[MOST][LAGS];
} blocks;

typedef struct {
    double vacf[LAGS], vdos[LAGS], D;
    iw_vibration v;
} results;

static bool
member(const model *m, const char *group, size_t i)
{
    const char *species = m->run.species[m->run.kind[i]];
    bool mobile = strcmp(species, "Li") == 0;
    return strcmp(group, "all") == 0 || (strcmp(group, "mobile") == 0 && mobile) ||
           (strcmp(group, "framework") == 0 && !mobile) || strcmp(group, species) == 0;
}

static blocks
sum_pairs(const model *m, const char *group, size_t T, size_t n_lags)
{
    blocks b = {.epochs = T / EPOCH + (T % EPOCH >= EPOCH / 2 ? 1 : 0)};
    double atoms = 0;
    for (size_t i = 0; i < N; i++)
        atoms += member(m, group, i);
    for (size_t t = 0; t < T; t++) {
        size_t e = t / EPOCH < b.epochs ? t / EPOCH : b.epochs - 1;
        b.frames[e] += 1;
        for (size_t n = 0; n < n_lags && n <= t; n++) {
            if (n > 0 && m->begins[t - n + 1])
                break;
            b.pairs[e][n] += 1;
            for (size_t k = 0; k < 3 * N; k++) {
                double product = m->vel[3 * N * t + k] * m->vel[3 * N * (t - n) + k];
                if (!member(m, group, k / 3))
                    continue;
                b.plain[e][n] += product / atoms;
                b.massive[e][n] += product * m->run.mass_amu[k / 3];
            }
        }
    }
    return b;
}

/* Neighbours `per` by `per`; what is left over joins the last. */
static blocks
combine(const blocks *b, size_t per)
{
    blocks c = {.epochs = b->epochs / per};
    for (size_t e = 0; e < b->epochs; e++) {
        size_t to = e / per < c.epochs ? e / per : c.epochs - 1;
        c.frames[to] += b->frames[e];
        for (size_t n = 0; n < LAGS; n++) {
            c.pairs[to][n] += b->pairs[e][n];
            c.plain[to][n] += b->plain[e][n];
            c.massive[to][n] += b->massive[e][n];
        }
    }
    return c;
}

/* All that is made of the pairs outside epoch `out` (epochs: of all of them). */
static results
without(const blocks *b, size_t out, size_t n_lags, double temperature_K)
{
    results r = {.D = 0};
    double pairs[LAGS] = {0}, every[LAGS] = {0}, massive[LAGS] = {0};
    for (size_t n = 0; n < n_lags; n++) {
        for (size_t e = 0; e < b->epochs; e++) {
            every[n] += b->pairs[e][n];
            if (e == out)
                continue;
            pairs[n] += b->pairs[e][n];
            r.vacf[n] += b->plain[e][n];
            massive[n] += b->massive[e][n];
        }
        r.vacf[n] /= pairs[n];
        massive[n] /= pairs[n];
        r.D += 0.1 / 3 * 2.0 * r.vacf[n] * (n == 0 || n + 1 == n_lags ? 0.5 : 1.0);
    }
    iw_vdos_input input = {n_lags, 2.0, massive, every, IW_TAPER_PARZEN, false};
    iw_vdos g = {0};
    iw_error err;
    assert_ok(iw_vdos_compute(&input, &g, &err), err);
    memcpy(r.vdos, g.g, n_lags * sizeof *g.g);
    iw_vibration_options options = {.temperature_K = temperature_K, .cutoff_meV = 200};
    iw_vibration_compute(g.energy_meV, g.g, g.n, &options, &r.v);
    iw_vdos_fini(&g);
    return r;
}

/* Correlation of what neighbouring epochs add, over all lags; spectrum: to the tapered, normalised
 * mass-weighted VACF. */
static double
likeness(const blocks *b, size_t n_lags, bool spectrum)
{
    double squares = 0, products = 0, count = (double)b->epochs;
    double total[LAGS] = {0}, pairs[LAGS] = {0}, before[LAGS] = {0};
    for (size_t e = 0; e < b->epochs; e++) {
        for (size_t n = 0; n < n_lags; n++) {
            total[n] += spectrum ? b->massive[e][n] : b->plain[e][n];
            pairs[n] += b->pairs[e][n];
        }
    }
    for (size_t e = 0; e < b->epochs; e++) {
        for (size_t n = 0; n < n_lags; n++) {
            double u = (double)n / (double)(n_lags - 1);
            double taper = u <= 0.5 ? 1 - 6 * u * u + 6 * u * u * u : 2 * pow(1 - u, 3);
            double excess =
                spectrum ? taper * (b->massive[e][n] - b->massive[e][0] * total[n] / total[0])
                         : b->plain[e][n] - b->pairs[e][n] * total[n] / pairs[n];
            squares += excess * excess;
            products += e > 0 ? excess * before[n] : 0;
            before[n] = excess;
        }
    }
    return products / squares * count / (count - 1) + 1 / count;
}

/* What the errors are made of: epochs long enough, and the factor on variances. */
static blocks
independent(const blocks *b, size_t n_lags, bool spectrum, double *widen)
{
    for (size_t per = 1;; per *= 2) {
        blocks c = combine(b, per);
        double alike = likeness(&c, n_lags, spectrum);
        *widen = alike > 0.1 ? 1 + 2 * alike : 1;
        if (alike <= 0.1 || c.epochs / 2 < 8)
            return c;
    }
}

static void
compare(const model *m, const iw_group_snapshot *group, size_t T, size_t n_lags)
{
    blocks all = sum_pairs(m, group->name, T, n_lags);
    if (all.epochs < 4) {
        assert_true(isnan(group->D_green_kubo_stderr_cm2_s) && isnan(group->vacf.e[0]));
        assert_true(isnan(group->vibration_stderr.f_vib_meV));
        return;
    }
    double widen, sum[LAGS] = {0}, counted[LAGS] = {0}, D = 0;
    blocks b = independent(&all, n_lags, false, &widen);
    results whole = without(&b, b.epochs, n_lags, 600), r;
    assert_int_equal(group->stderr_epochs, b.epochs);
    for (size_t e = 0; e < b.epochs; e++) {
        double own = 0, rest = 0;
        r = without(&b, e, n_lags, 600);
        for (size_t n = 0; n < n_lags; n++) {
            double here = b.pairs[e][n], others = 0;
            for (size_t k = 0; k < b.epochs; k++)
                others += k == e ? 0 : b.pairs[k][n];
            own += here;
            rest += others;
            if (here <= 0 || others <= 0)
                continue;
            sum[n] += others / here * pow(r.vacf[n] - whole.vacf[n], 2);
            counted[n] += 1;
        }
        D += rest / own * pow(r.D - whole.D, 2) / (double)b.epochs;
    }
    for (size_t n = 0; n < n_lags; n++)
        assert_close(group->vacf.e[n], sqrt(widen * sum[n] / counted[n]), 1e-7, 1e-14);
    assert_close(group->D_green_kubo_stderr_cm2_s, sqrt(widen * D), 1e-7, 0);

    b = independent(&all, n_lags, true, &widen);
    whole = without(&b, b.epochs, n_lags, 600);
    double g[LAGS] = {0}, F = 0, S = 0, w = 0, w30 = 0;
    for (size_t e = 0; e < b.epochs; e++) {
        double weight = widen * ((double)T - b.frames[e]) / b.frames[e] / (double)b.epochs;
        r = without(&b, e, n_lags, 600);
        for (size_t k = 0; k < n_lags; k++)
            g[k] += weight * pow(r.vdos[k] - whole.vdos[k], 2);
        F += weight * pow(r.v.f_vib_meV - whole.v.f_vib_meV, 2);
        S += weight * pow(r.v.s_vib_meV_K - whole.v.s_vib_meV_K, 2);
        w += weight * pow(r.v.omega_mean_meV - whole.v.omega_mean_meV, 2);
        w30 += weight * pow(r.v.omega30_mean_meV - whole.v.omega30_mean_meV, 2);
    }
    for (size_t k = 0; k < n_lags; k++)
        assert_close(group->vdos.e[k], sqrt(g[k]), 1e-7, 1e-13);
    assert_close(group->vibration_stderr.f_vib_meV, sqrt(F), 1e-7, 0);
    assert_close(group->vibration_stderr.s_vib_meV_K, sqrt(S), 1e-7, 0);
    assert_close(group->vibration_stderr.omega_mean_meV, sqrt(w), 1e-7, 0);
    assert_close(group->vibration_stderr.omega30_mean_meV, sqrt(w30), 1e-7, 0);
}

static void
run_case(bool gaps)
{
    enum { T = 1000 };
    model m;
    model_init(&m, T, CELL_CUBIC, true, true, 11);
    if (gaps)
        m.begins[1] = m.begins[90] = m.begins[91] = m.begins[400] = true;
    iw_engine_options options;
    iw_engine_options_init(&options);
    options.drift = IW_DRIFT_NONE;
    options.cutoff_meV = 200;
    options.vacf_window_ps = 0.06; /* 30 lags, blocks of 64 frames */
    iw_engine *engine = model_engine(&m, &options);
    uint64_t seed = 8;
    for (size_t at = 0, next = 100; at < T; next += 1 + (size_t)(200 * iw_test_uniform(&seed))) {
        next = next > T ? T : next;
        model_send(&m, engine, at, next);
        at = next;
        iw_snapshot *snapshot = model_snapshot(engine);
        for (size_t g = 0; g < snapshot->n_groups; g++) {
            assert_int_equal(snapshot->groups[g].vacf.n, LAGS);
            compare(&m, &snapshot->groups[g], at, LAGS);
        }
        iw_snapshot_unref(&snapshot);
    }
    iw_engine_destroy(&engine);
    model_fini(&m);
}

static void
errors_equal_a_jackknife_over_pairs(void **state)
{
    (void)state;
    run_case(false);
}

static void
and_where_there_are_gaps(void **state)
{
    (void)state;
    run_case(true);
}

/* F = E - T S binds the values; each error comes from its own spread, and they are consistent. */
static void
error_of_F_lies_between_what_E_and_S_allow(void **state)
{
    (void)state;
    model m;
    model_init(&m, 2000, CELL_CUBIC, true, true, 4);
    iw_engine_options options;
    iw_engine_options_init(&options);
    options.vacf_window_ps = 0.06;
    iw_engine *engine = model_engine(&m, &options);
    model_send(&m, engine, 0, 2000);
    iw_snapshot *snapshot = model_snapshot(engine);
    for (size_t g = 0; g < snapshot->n_groups; g++) {
        const iw_vibration *e = &snapshot->groups[g].vibration_stderr;
        double TS = 600 * e->s_vib_meV_K;
        assert_true(e->f_vib_meV <= TS + e->e_vib_meV + 1e-12);
        assert_true(e->f_vib_meV >= fabs(TS - e->e_vib_meV) - 1e-12);
    }
    iw_snapshot_unref(&snapshot);
    iw_engine_destroy(&engine);
    model_fini(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_equal_a_jackknife_over_pairs),
        cmocka_unit_test(and_where_there_are_gaps),
        cmocka_unit_test(error_of_F_lies_between_what_E_and_S_allow),
    };
    return cmocka_run_group_tests_name("spectra errors", tests, NULL, NULL);
}
