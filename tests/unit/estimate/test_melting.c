/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proves docs/physics.md, "Health": the framework. */
#include "health_run.h"

#include "estimate/melting.h"

static void
neighbours_are_the_nearest_images_of_framework_atoms(void **state)
{
    (void)state;
    /* Two framework atoms across the border of a skewed cell, and a mobile one in between. */
    const double cell[9] = {10, 0, 0, 3, 9, 0, 0, 0, 8}, mass[3] = {1, 1, 1};
    const double raw[9] = {0.5, 0.5, 0.5, 9.5 + 3, 8.5, 7.5, 0.4, 0.4, 0.4};
    const uint16_t kind[3] = {0, 0, 1};
    const unsigned char framework[3] = {1, 1, 0};
    iw_melting melting;
    iw_error err;
    assert_ok(iw_melting_init(&melting, 3, mass, kind, framework, &err), err);
    iw_melting_measure(&melting, raw, cell);
    assert_close(melting.neighbour_A, sqrt(3.0), 1e-12, 0);
    iw_melting_measure(&melting, raw, NULL);
    assert_close(melting.neighbour_A, sqrt(12.0 * 12.0 + 8.0 * 8.0 + 7.0 * 7.0), 1e-12, 0);
    iw_melting_fini(&melting);
    /* One atom: its own image. */
    const unsigned char one[3] = {1, 0, 0};
    assert_ok(iw_melting_init(&melting, 3, mass, kind, one, &err), err);
    iw_melting_measure(&melting, raw, cell);
    assert_close(melting.neighbour_A, 8.0, 1e-12, 0);
    iw_melting_measure(&melting, raw, NULL);
    assert_true(isnan(melting.neighbour_A));
    iw_melting_fini(&melting);
}

/* Every number of a view from the positions themselves. */
static void
a_view_equals_brute_force(void **state)
{
    (void)state;
    enum { N = 12, W = 7, F = 20 };
    static double r[W * F][3 * N];
    double mass[N], mean[W][3 * N] = {{0}};
    uint16_t kind[N];
    unsigned char framework[N];
    uint64_t seed = 11;
    size_t n = 0;
    double total = 0.0;
    for (size_t i = 0; i < N; i++) {
        framework[i] = i % 4 != 0;
        kind[i] = (uint16_t)(i % 4);
        mass[i] = 10.0 + (double)i;
        n += framework[i];
        total += framework[i] ? mass[i] : 0.0;
    }
    for (size_t t = 0; t < W * F; t++)
        for (size_t k = 0; k < 3 * N; k++)
            r[t][k] = (t > 0 ? r[t - 1][k] : 0.0) + 0.1 * iw_test_normal(&seed) + 0.05;
    iw_melting melting;
    iw_melting_view view = {0};
    iw_error err;
    assert_ok(iw_melting_init(&melting, N, mass, kind, framework, &err), err);
    melting.neighbour_A = 2.5;
    for (size_t t = 0; t < W * F; t++) {
        iw_melting_push(&melting, r[t]);
        if (t % F == F - 1)
            assert_int_equal(iw_melting_close(&melting, &view), t / F >= IW_MELTING_LAG);
    }
    for (size_t t = 0; t < W * F; t++) { /* relative to the framework's centre of mass */
        double centre[3] = {0};
        for (size_t i = 0; i < 3 * N; i++)
            centre[i % 3] += framework[i / 3] ? mass[i / 3] * r[t][i] / total : 0.0;
        for (size_t i = 0; i < 3 * N; i++) {
            r[t][i] -= centre[i % 3];
            mean[t / F][i] += r[t][i] / F;
        }
    }
    double square = 0.0, lag[3] = {0}, displaced = 0.0;
    static const size_t back[3] = {1, 2, 4};
    for (size_t i = 0; i < 3 * N; i++) {
        if (!framework[i / 3])
            continue;
        double all = 0.0;
        for (size_t t = 0; t < W * F; t++)
            all += r[t][i] / (W * F);
        for (size_t t = 0; t < W * F; t++)
            square += (r[t][i] - all) * (r[t][i] - all) / (W * F);
        for (size_t k = 0; k < 3; k++) {
            double d = mean[W - 1][i] - mean[W - 1 - back[k]][i];
            lag[k] += d * d;
        }
        displaced += (mean[W - 1][i] - mean[0][i]) * (mean[W - 1][i] - mean[0][i]);
    }
    double atoms = (double)n;
    assert_int_equal(view.windows, W);
    assert_close(view.mean_square_A2, square / atoms, 1e-10, 0);
    assert_close(view.ratio, sqrt(square / atoms) / 2.5, 1e-10, 0);
    assert_close(view.displaced_A2, displaced / atoms, 1e-10, 0);
    for (size_t k = 0; k < 3; k++)
        assert_close(view.lag_A2[k], lag[k] / atoms, 1e-10, 0);
    assert_close(view.D_A2_window, (lag[2] - lag[0]) / atoms / 18.0, 1e-10, 0);
    iw_melting_fini(&melting);
}

static void
the_lindemann_ratio_of_oscillators_is_that_of_equipartition(void **state)
{
    (void)state;
    health_run r;
    health_run_init(&r, 300, 4.0, 600.0, 4);
    health_run_frames(&r, health_run_ps(&r, 12.0));
    double square = 0.0, n = 0.0;
    for (size_t i = 0; i < r.n; i++) {
        if (!r.framework[i])
            continue;
        square += 3.0 * 600.0 / (IW_AMU_A2_FS2_K * r.mass[i] * HEALTH_W * HEALTH_W);
        n += 1.0;
    }
    assert_close(iw_health_now(r.monitor)->lindemann, sqrt(square / n) / HEALTH_A, 0.05, 0);
    assert_true(iw_health_now(r.monitor)->framework_msd_A2 < 0.1 * square / n);
    health_run_fini(&r);
}

static void
a_melt_is_seen_within_picoseconds(void **state)
{
    (void)state;
    health_run r;
    health_run_init(&r, 150, 5.0, 600.0, 21);
    health_run_frames(&r, health_run_ps(&r, 20.0));
    assert_int_equal(r.events.n, 0);
    r.spring = 0.0;
    size_t waited = 0;
    while (iw_health_now(r.monitor)->state != IW_HEALTH_BROKEN && waited++ < 100)
        health_run_frames(&r, health_run_ps(&r, 0.1));
    assert_true(waited <= 40); /* 4 ps */
    const iw_health *now = iw_health_now(r.monitor);
    assert_non_null(strstr(now->reason, "the framework melted"));
    assert_true(now->lindemann > 0.15);
    assert_true(now->framework_msd_A2 > 0.3 * 0.3 * HEALTH_A * HEALTH_A);
    assert_non_null(health_run_event(&r, IW_EVENT_framework_melting));
    health_run_frames(&r, health_run_ps(&r, 5.0));
    assert_int_equal(iw_health_now(r.monitor)->state, IW_HEALTH_BROKEN);
    health_run_fini(&r);
}

static void
a_hot_solid_is_no_melt(void **state)
{
    (void)state;
    health_run r;
    health_run_init(&r, 150, 5.0, NAN, 22);
    r.velocities = false; /* the temperature is not the point */
    r.T_K = 3000.0;
    health_run_frames(&r, health_run_ps(&r, 40.0));
    assert_true(iw_health_now(r.monitor)->lindemann > 0.19);
    assert_null(health_run_event(&r, IW_EVENT_framework_melting));
    health_run_fini(&r);
}

static void
atoms_that_take_a_new_place_once_are_no_melt(void **state)
{
    (void)state;
    health_run r;
    health_run_init(&r, 150, 5.0, 600.0, 23);
    health_run_frames(&r, health_run_ps(&r, 10.0));
    /* Each framework atom moves by 1.5 A at once; springs follow, as if lattice had changed. */
    double *shift = calloc(3 * r.n, sizeof *shift);
    for (size_t i = 0; i < 3 * r.n; i++)
        shift[i] =
            r.framework[i / 3] ? 1.5 / sqrt(3.0) * (iw_test_random(&r.seed) & 1 ? 1 : -1) : 0;
    r.offset = shift;
    health_run_frames(&r, health_run_ps(&r, 10.0));
    assert_true(iw_health_now(r.monitor)->framework_msd_A2 > 2.0);
    assert_int_equal(r.events.n, 0);
    r.offset = NULL;
    free(shift);
    health_run_fini(&r);
}

static void
one_species_alone_that_wanders_warns_but_is_no_melt(void **state)
{
    (void)state;
    health_run r;
    health_run_init(&r, 150, 5.0, 600.0, 24);
    health_run_frames(&r, health_run_ps(&r, 10.0));
    r.loose = 1; /* its springs are cut */
    health_run_frames(&r, health_run_ps(&r, 15.0));
    assert_int_equal(iw_health_now(r.monitor)->state, IW_HEALTH_WARNING);
    const iw_event *event = health_run_event(&r, IW_EVENT_framework_melting);
    assert_true(event && strstr(event->text, "the framework moves: Lindemann ratio"));
    health_run_fini(&r);
}

static void
a_few_atoms_that_leave_are_no_melt(void **state)
{
    (void)state;
    health_run r;
    health_run_init(&r, 150, 5.0, 600.0, 25);
    double *shift = calloc(3 * r.n, sizeof *shift);
    r.offset = shift;
    for (size_t hop = 0; hop < 12; hop++) { /* a defect wanders: one atom at a time by 3 A */
        health_run_frames(&r, health_run_ps(&r, 1.0));
        shift[3 * (3 * hop + 1)] = 3.0;
    }
    assert_int_equal(r.events.n, 0);
    r.offset = NULL;
    free(shift);
    health_run_fini(&r);
}

static void
a_new_segment_begins_anew(void **state)
{
    (void)state;
    health_run r;
    health_run_init(&r, 60, 5.0, 600.0, 26);
    double *shift = calloc(3 * r.n, sizeof *shift);
    r.offset = shift;
    for (size_t part = 0; part < 6; part++) {
        health_run_frames(&r, health_run_ps(&r, 3.0));
        for (size_t i = 0; i < 3 * r.n; i++)
            shift[i] = 5.0 * iw_test_normal(&r.seed);
        r.new_segment = true;
    }
    assert_int_equal(r.events.n, 0);
    r.offset = NULL;
    free(shift);
    health_run_fini(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_are_the_nearest_images_of_framework_atoms),
        cmocka_unit_test(a_view_equals_brute_force),
        cmocka_unit_test(the_lindemann_ratio_of_oscillators_is_that_of_equipartition),
        cmocka_unit_test(a_melt_is_seen_within_picoseconds),
        cmocka_unit_test(a_hot_solid_is_no_melt),
        cmocka_unit_test(atoms_that_take_a_new_place_once_are_no_melt),
        cmocka_unit_test(one_species_alone_that_wanders_warns_but_is_no_melt),
        cmocka_unit_test(a_few_atoms_that_leave_are_no_melt),
        cmocka_unit_test(a_new_segment_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
