/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Live equals batch: a snapshot at any instant against sums over all origins, lag by lag, of
 * coordinates that are unwrapped, freed of drift and differenced here once more. */
#include "model.h"

#define N MODEL_ATOMS

/* Prepared coordinates of the first T frames. */
typedef struct {
    double *u, *v; /* [T][N][3] */
    bool *has_v;   /* [T] */
} prepared;

static void
solve(const double m[9], const double d[3], double s[3])
{
    /* Rows are the vectors: d = s m, by Cramer's rule on the transpose. */
    double det = m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) +
                 m[2] * (m[3] * m[7] - m[4] * m[6]);
    for (size_t row = 0; row < 3; row++) {
        double c[9];
        memcpy(c, m, sizeof c);
        memcpy(c + 3 * row, d, 3 * sizeof *d);
        s[row] = (c[0] * (c[4] * c[8] - c[5] * c[7]) - c[1] * (c[3] * c[8] - c[5] * c[6]) +
                  c[2] * (c[3] * c[7] - c[4] * c[6])) /
                 det;
    }
}

static void
fold(const double *r, const double cell[9], double out[3])
{
    double s[3];
    solve(cell, r, s);
    for (int k = 0; k < 3; k++)
        out[k] =
            r[k] - floor(s[0]) * cell[k] - floor(s[1]) * cell[3 + k] - floor(s[2]) * cell[6 + k];
}

static void
unwrap(const model *m, model_cell kind, size_t t, size_t i, double *u)
{
    size_t now = 3 * (N * t + i), before = 3 * (N * (t - 1) + i);
    const double *w1 = m->pos + now, *w0 = m->pos + before;
    double folded1[3], folded0[3], d[3], s[3];
    bool images = m->run.wrapped && kind != CELL_NONE;
    if (kind == CELL_CHANGING && !m->run.wrapped) {
        fold(w1, m->cell[t], folded1);
        fold(w0, m->cell[t - 1], folded0);
        w1 = folded1;
        w0 = folded0;
        images = true;
    }
    for (int k = 0; k < 3; k++)
        d[k] = w1[k] - w0[k];
    if (images) {
        solve(m->cell[t], d, s);
        for (size_t row = 0; row < 3; row++) {
            for (size_t k = 0; k < 3; k++)
                d[k] -= floor(s[row] + 0.5) * m->cell[t][3 * row + k];
        }
    }
    for (int k = 0; k < 3; k++)
        u[now + (size_t)k] = u[before + (size_t)k] + d[k];
}

static void
hold(const model *m, iw_drift drift, double *x)
{
    double sum[3] = {0}, mass = 0.0;
    for (size_t i = 0; i < N && drift != IW_DRIFT_NONE; i++) {
        bool counts = drift == IW_DRIFT_COM || m->run.kind[i] != 0; /* 0 is Li */
        mass += counts ? m->run.mass_amu[i] : 0.0;
        for (size_t k = 0; k < 3 && counts; k++)
            sum[k] += m->run.mass_amu[i] * x[3 * i + k];
    }
    for (size_t i = 0; i < 3 * N && drift != IW_DRIFT_NONE; i++)
        x[i] -= sum[i % 3] / mass;
}

static prepared
prepare(const model *m, model_cell kind, iw_drift drift, size_t T)
{
    prepared p = {calloc(3 * N * T, sizeof(double)), calloc(3 * N * T, sizeof(double)),
                  calloc(T, sizeof(bool))};
    for (size_t t = 0; t < T; t++) {
        for (size_t i = 0; i < N && !m->begins[t]; i++)
            unwrap(m, kind, t, i, p.u);
    }
    for (size_t t = 0; t < T; t++) {
        p.has_v[t] = m->velocities || !m->begins[t];
        for (size_t k = 3 * N * t; k < 3 * N * (t + 1) && p.has_v[t]; k++)
            p.v[k] = m->velocities ? m->vel[k] : (p.u[k] - p.u[k - 3 * N]) / 2.0;
    }
    for (size_t t = 0; t < T; t++) {
        hold(m, drift, p.u + 3 * N * t);
        hold(m, drift, p.v + 3 * N * t);
    }
    return p;
}

static void
release(prepared *p)
{
    free(p->u);
    free(p->v);
    free(p->has_v);
}

static bool
member(const model *m, const char *group, size_t i)
{
    const char *species = m->run.species[m->run.kind[i]];
    bool mobile = strcmp(species, "Li") == 0;
    return strcmp(group, "all") == 0 || (strcmp(group, "mobile") == 0 && mobile) ||
           (strcmp(group, "framework") == 0 && !mobile) || strcmp(group, species) == 0;
}

/* Mean over atoms of a group and origins, of |x(t + lag) - x(t)|^2 or x(t + lag).x(t); pairs stay
 * in their segment.  every: only frames that far apart, from the segment's start, exist. */
static double
correlate(const model *m, const char *group, const double *x, const bool *has, size_t T,
          size_t every, size_t lag, bool displacement)
{
    double sum = 0.0;
    size_t pairs = 0, atoms = 0, start = 0;
    for (size_t i = 0; i < N; i++)
        atoms += member(m, group, i);
    for (size_t t = 0; t < T; t++) {
        if (m->begins[t])
            start = t;
        size_t later = t + lag * every;
        if (later >= T || (t - start) % every != 0 || (has && !has[t]))
            continue;
        bool same = true;
        for (size_t k = t + 1; k <= later; k++)
            same = same && !m->begins[k];
        if (!same)
            continue;
        pairs++;
        for (size_t i = 0; i < N; i++) {
            for (size_t k = 0; k < 3 && member(m, group, i); k++) {
                double a = x[3 * (N * t + i) + k], b = x[3 * (N * later + i) + k];
                sum += displacement ? (b - a) * (b - a) : a * b;
            }
        }
    }
    return sum / (double)(pairs * atoms);
}

/* |P(t + lag) - P(t)|^2 over origins: the same sum with one pseudo-atom whose place is sum q r. */
static double
charge_msd(const model *m, const double *u, size_t T, size_t every, size_t lag)
{
    double sum = 0.0;
    size_t pairs = 0, start = 0;
    for (size_t t = 0; t < T; t++) {
        start = m->begins[t] ? t : start;
        size_t later = t + lag * every;
        bool same = later < T && (t - start) % every == 0;
        for (size_t k = t + 1; k <= later && same; k++)
            same = !m->begins[k];
        if (!same)
            continue;
        pairs++;
        double moved[3] = {0};
        for (size_t i = 0; i < N; i++)
            for (size_t k = 0; k < 3; k++)
                moved[k] +=
                    m->run.charge_e[i] * (u[3 * (N * later + i) + k] - u[3 * (N * t + i) + k]);
        for (size_t k = 0; k < 3; k++)
            sum += moved[k] * moved[k];
    }
    return sum / (double)pairs;
}

static void
compare_transport(const model *m, model_cell kind, const double *u, size_t every,
                  const iw_transport *transport, size_t T)
{
    double volume = 0.0;
    assert_int_equal(transport->n_species, 3);
    for (size_t lag = 0; lag < transport->charge_msd.n; lag++) {
        double expected = charge_msd(m, u, T, every, lag);
        assert_close(transport->charge_msd.y[lag], expected, 1e-10, 1e-10);
        assert_close(transport->charge_msd.x[lag], 2e-3 * (double)(every * lag), 1e-14, 0);
    }
    for (size_t t = 0; t < T; t++) /* lower triangular cells */
        volume += m->cell[t][0] * m->cell[t][4] * m->cell[t][8] / (double)T;
    if (kind == CELL_NONE)
        assert_true(isnan(transport->volume_A3));
    else
        assert_close(transport->volume_A3, volume, 1e-12, 0);
}

static void
compare(const model *m, model_cell kind, const iw_engine_options *options,
        const iw_snapshot *snapshot, size_t T)
{
    prepared p = prepare(m, kind, options->drift, T);
    for (size_t g = 0; g < snapshot->n_groups; g++) {
        const iw_group_snapshot *group = &snapshot->groups[g];
        for (size_t lag = 0; lag < group->msd.n; lag++) {
            double expected =
                correlate(m, group->name, p.u, NULL, T, options->msd_stride, lag, true);
            assert_close(group->msd.y[lag], expected, 1e-10, 1e-10);
            assert_close(group->msd.x[lag], 2e-3 * (double)(options->msd_stride * lag), 1e-14, 0);
        }
        for (size_t lag = 0; lag < group->vacf.n; lag++) {
            double expected = correlate(m, group->name, p.v, p.has_v, T, 1, lag, false);
            assert_close(group->vacf.y[lag], expected, 1e-10, 1e-13);
        }
    }
    compare_transport(m, kind, p.u, options->msd_stride, &snapshot->transport, T);
    release(&p);
}

/* Lags that a snapshot must have: floor(T/2) of the longest segment, in frames of the stride. */
static size_t
longest(const model *m, size_t T, size_t every)
{
    size_t best = 0, start = 0;
    for (size_t t = 0; t < T; t++) {
        start = m->begins[t] ? t : start;
        size_t length = (t - start) / every + 1;
        best = length > best ? length : best;
    }
    return best;
}

static void
run_case(model_cell kind, bool wrapped, bool velocities, iw_drift drift, size_t stride, bool gaps)
{
    enum { T = 260 };
    model m;
    model_init(&m, T, kind, wrapped, velocities, 100 + (uint64_t)kind);
    uint64_t charges = 77;
    m.run.charge_e = calloc(N, sizeof(double));
    for (size_t i = 0; i < N; i++)
        m.run.charge_e[i] = 3.0 * iw_test_normal(&charges);
    if (gaps)
        m.begins[1] = m.begins[70] = m.begins[71] = m.begins[160] = true;
    iw_engine_options options;
    iw_engine_options_init(&options);
    options.drift = drift;
    options.msd_stride = stride;
    options.vacf_window_ps = 0.06; /* 30 lags */
    iw_engine *engine = model_engine(&m, &options);
    uint64_t seed = 3;
    size_t at = 0;
    while (at < T) {
        size_t next = at + 1 + (size_t)(iw_test_uniform(&seed) * 90.0);
        next = next > T ? T : next;
        model_send(&m, engine, at, next);
        at = next;
        iw_snapshot *snapshot = model_snapshot(engine);
        assert_int_equal(snapshot->frames, at);
        assert_int_equal(snapshot->n_groups, 6);
        if (at >= 4 && isfinite(snapshot->dt_fs)) {
            assert_int_equal(snapshot->groups[0].msd.n, longest(&m, at, stride) / 2 + 1);
            size_t lags = (longest(&m, at, 1) - (velocities ? 0 : 1)) / 2;
            assert_int_equal(snapshot->groups[0].vacf.n, (lags < 30 ? lags : 30) + 1);
        }
        compare(&m, kind, &options, snapshot, at);
        iw_snapshot_unref(&snapshot);
    }
    iw_engine_destroy(&engine);
    model_fini(&m);
}

static void
cubic_wrapped_with_engine_velocities(void **state)
{
    (void)state;
    run_case(CELL_CUBIC, true, true, IW_DRIFT_COM, 1, false);
}

static void
skewed_wrapped_with_differences(void **state)
{
    (void)state;
    run_case(CELL_SKEWED, true, false, IW_DRIFT_COM, 1, false);
}

static void
changing_cell_wrapped_and_not(void **state)
{
    (void)state;
    run_case(CELL_CHANGING, true, true, IW_DRIFT_COM, 1, false);
    run_case(CELL_CHANGING, false, false, IW_DRIFT_NONE, 1, false);
}

static void
unwrapped_input_with_a_cell_and_without(void **state)
{
    (void)state;
    run_case(CELL_SKEWED, false, true, IW_DRIFT_COM, 1, false);
    run_case(CELL_NONE, false, true, IW_DRIFT_NONE, 1, false);
}

static void
framework_at_rest(void **state)
{
    (void)state;
    run_case(CELL_CUBIC, true, false, IW_DRIFT_FRAMEWORK, 1, false);
}

static void
thinned_for_the_msd(void **state)
{
    (void)state;
    run_case(CELL_CUBIC, true, true, IW_DRIFT_COM, 3, false);
}

static void
segments_that_no_pair_crosses(void **state)
{
    (void)state;
    run_case(CELL_CUBIC, true, true, IW_DRIFT_COM, 1, true);
    run_case(CELL_CHANGING, true, false, IW_DRIFT_COM, 1, true);
    run_case(CELL_SKEWED, true, false, IW_DRIFT_COM, 4, true);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cubic_wrapped_with_engine_velocities),
        cmocka_unit_test(skewed_wrapped_with_differences),
        cmocka_unit_test(changing_cell_wrapped_and_not),
        cmocka_unit_test(unwrapped_input_with_a_cell_and_without),
        cmocka_unit_test(framework_at_rest),
        cmocka_unit_test(thinned_for_the_msd),
        cmocka_unit_test(segments_that_no_pair_crosses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
