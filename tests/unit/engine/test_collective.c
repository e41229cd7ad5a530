/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Charges as a current (docs/physics.md, "Collective transport"): independent ions, ions that move
 * as one and neutral pairs, whose conductivities are known in closed form. */
#include "engine.h"
#include "iw_test.h"

/* e^2/k_B in mS/cm A^3 K for 1 e^2 cm^2/s: 1e27 (1.602176634e-19)^2/1.380649e-23 */
#define FACTOR (1e27 * 1.602176634e-19 * 1.602176634e-19 / 1.380649e-23)
#define EDGE_A 20.0
#define T_K    500.0
/* Variance along an axis of one step of 10 fs; D = 0.02 A^2/20 fs = 1e-4 cm^2/s. */
#define STEP_A2 0.02
#define D_CM2_S 1e-4

enum { MOST = 24 };

typedef enum { FREE, LOCKED, PAIRS } motion;

/* Of how many atoms of each sort, with which charge: "Li" moves, "Cl" moves where it has a partner
 * (PAIRS), "O" stays. */
typedef struct {
    motion how;
    size_t n_li, n_cl, n_o;
    double q_li, q_cl, q_o;
    double noise_A; /* vibration of each moving ion along each axis */
    double memory;  /* correlation of the vibration from one frame to the next */
    size_t frames;
    bool cell;
    const char *mobile[2]; /* NULL: by the rule */
} matter;

static void
start_run(const matter *what, iw_run_info *run)
{
    const char *names[MOST];
    size_t n = 0;
    iw_error err;
    for (size_t i = 0; i < what->n_li; i++)
        names[n++] = "Li";
    for (size_t i = 0; i < what->n_cl; i++)
        names[n++] = "Cl";
    for (size_t i = 0; i < what->n_o; i++)
        names[n++] = "O";
    iw_run_info_init(run);
    assert_ok(iw_run_info_set_atoms(run, n, names, &err), err);
    run->charge_e = calloc(n, sizeof(double));
    for (size_t i = 0; i < n; i++)
        run->charge_e[i] = names[i][0] == 'L'   ? what->q_li
                           : names[i][0] == 'C' ? what->q_cl
                                                : what->q_o;
    run->timestep_fs = 10.0;
    run->temperature_K = T_K;
}

static void
move(const matter *what, size_t n, double (*at)[3], uint64_t *seed)
{
    for (size_t k = 0; k < 3; k++) {
        double together = sqrt(STEP_A2) * iw_test_normal(seed);
        for (size_t i = 0; i < n - what->n_o; i++) {
            bool follows = what->how == PAIRS && i >= what->n_li;
            at[i][k] = follows               ? at[i - what->n_li][k]
                       : what->how == LOCKED ? at[i][k] + together
                                             : at[i][k] + sqrt(STEP_A2) * iw_test_normal(seed);
        }
    }
}

/* temperature_K NAN: not known. */
static iw_snapshot *
simulate_at(const matter *what, double temperature_K, uint64_t seed)
{
    iw_run_info run;
    iw_engine_options options;
    iw_error err;
    iw_frame frame;
    double at[MOST][3] = {{0}}, shake[MOST][3] = {{0}};
    start_run(what, &run);
    run.temperature_K = temperature_K;
    size_t n = run.n_atoms;
    iw_engine_options_init(&options);
    options.drift = IW_DRIFT_NONE;
    options.msd_stride = 1;
    options.diffusion.jump_length_A = 0;
    for (size_t rule = 0; rule < IW_RULE_COUNT; rule++)
        options.convergence.mode[rule] = IW_STOP_OFF;
    options.mobile = what->mobile;
    options.n_mobile = what->mobile[0] ? 2 : 0;
    iw_engine *engine = iw_engine_new(&run, &options, &err);
    if (!engine)
        fail_msg("%s", err.text);
    assert_ok(iw_frame_init(&frame, n, &err), err);
    frame.has_cell = what->cell;
    for (size_t k = 0; k < 9; k++)
        frame.cell_A[k] = k % 4 ? 0.0 : EDGE_A;
    for (size_t t = 0; t < what->frames; t++) {
        frame.seq = t + 1;
        frame.step = (int64_t)t;
        frame.time_fs = 10.0 * (double)t;
        move(what, n, at, &seed);
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < 3; k++) {
                if (i < n - what->n_o && what->noise_A > 0)
                    shake[i][k] = what->memory * shake[i][k] +
                                  what->noise_A * sqrt(1 - what->memory * what->memory) *
                                      iw_test_normal(&seed);
                frame.pos_A[3 * i + k] = at[i][k] + shake[i][k];
            }
        assert_ok(iw_engine_push(engine, &frame, &err), err);
    }
    iw_snapshot *snapshot = iw_engine_snapshot(engine, "analysed", &err);
    if (!snapshot)
        fail_msg("%s", err.text);
    iw_frame_fini(&frame);
    iw_engine_destroy(&engine);
    iw_run_info_fini(&run);
    return snapshot;
}

static iw_snapshot *
simulate(const matter *what, uint64_t seed)
{
    return simulate_at(what, T_K, seed);
}

/* What n ions of charge q with the D of one give together, mS/cm. */
static double
conductivity(double n, double q)
{
    return FACTOR * n * q * q * D_CM2_S / (EDGE_A * EDGE_A * EDGE_A * T_K);
}

static const iw_event *
event_of(const iw_snapshot *snapshot, iw_event_kind kind)
{
    for (size_t i = 0; i < snapshot->n_events; i++)
        if (snapshot->events[i].kind == kind)
            return &snapshot->events[i];
    return NULL;
}

static bool
holds(const iw_estimate *estimate, double truth)
{
    return estimate->ci95[0] <= truth && (isnan(estimate->ci95[1]) || truth <= estimate->ci95[1]);
}

typedef struct {
    double mean, spread, error, covered; /* sigma in units of the true one */
    double self_mean, self_covered;      /* Nernst-Einstein */
    double haven_mean, haven_covered;    /* in units of the true ratio */
    double group_mean, group_covered;    /* D_collective of the mobile group */
} tally;

static tally
repeat(const matter *what, size_t runs, double sigma, double sigma_self, double D_group)
{
    tally sum = {0};
    double share = 1.0 / (double)runs, haven = sigma_self / sigma;
    for (size_t r = 0; r < runs; r++) {
        iw_snapshot *s = simulate(what, 1000 + 77 * r);
        const iw_transport *t = &s->transport;
        const iw_estimate *whole = &iw_snapshot_group(s, "mobile")->D_collective;
        sum.mean += share * t->collective.value / sigma;
        sum.spread += share * pow(t->collective.value / sigma - 1, 2);
        sum.error += share * t->collective.error / sigma;
        sum.covered += share * holds(&t->collective, sigma);
        sum.self_mean += share * t->nernst_einstein.value / sigma_self;
        sum.self_covered += share * holds(&t->nernst_einstein, sigma_self);
        sum.haven_mean += share * t->haven_ratio.value / haven;
        sum.haven_covered += share * holds(&t->haven_ratio, haven);
        sum.group_mean += share * whole->value / D_group;
        sum.group_covered += share * holds(whole, D_group);
        iw_snapshot_unref(&s);
    }
    sum.spread = sqrt(sum.spread);
    print_message("sigma %.3f spread %.3f error %.3f covered %.1f %%; NE %.3f, %.1f %%; H_R %.3f, "
                  "%.1f %%; D_collective %.3f, %.1f %%\n",
                  sum.mean, sum.spread, sum.error, 100 * sum.covered, sum.self_mean,
                  100 * sum.self_covered, sum.haven_mean, 100 * sum.haven_covered, sum.group_mean,
                  100 * sum.group_covered);
    return sum;
}

/* 95 % intervals, of so many runs: the coverage itself is known to 1.5 points (standard error). */
enum { RUNS = 200 };

static void
check(const tally *got)
{
    assert_close(got->mean, 1, 0, 0.05);
    assert_close(got->error, got->spread, 0.3, 0);
    assert_true(got->covered >= 0.91);
    assert_close(got->self_mean, 1, 0, 0.02);
    assert_true(got->self_covered >= 0.91);
    assert_close(got->haven_mean, 1, 0, 0.06);
    assert_true(got->haven_covered >= 0.91);
    assert_close(got->group_mean, 1, 0, 0.05);
    assert_true(got->group_covered >= 0.91);
}

static void
independent_ions_have_a_haven_ratio_of_one(void **state)
{
    (void)state;
    matter what = {FREE, 8, 0, 4, 1, 0, -2, 0, 0, 400, true, {NULL}};
    double sigma = conductivity(8, 1);
    tally walk = repeat(&what, RUNS, sigma, sigma, D_CM2_S);
    check(&walk);
    what.noise_A = 0.3;
    tally noisy = repeat(&what, RUNS, sigma, sigma, D_CM2_S);
    check(&noisy);
}

/* Slow vibration: the charge MSD bends for fifty frames, which one walker cannot tell from chance,
 * but sixteen ions can. */
static void
window_of_the_ions_bounds_that_of_their_sum(void **state)
{
    (void)state;
    matter what = {FREE, 16, 0, 8, 1, 0, -2, 0.7, 0.9, 600, true, {NULL}};
    double sigma = conductivity(16, 1);
    tally slow = repeat(&what, RUNS, sigma, sigma, D_CM2_S);
    assert_true(slow.covered >= 0.9); /* 6.5 % without that bound, and five times sigma */
}

static void
charges_enter_as_squares(void **state)
{
    (void)state;
    matter what = {FREE, 4, 4, 2, 2, -1, -2, 0, 0, 600, true, {NULL}};
    double sigma = conductivity(4, 2) + conductivity(4, 1), sum = 0, self = 0;
    for (size_t r = 0; r < 30; r++) {
        iw_snapshot *s = simulate(&what, 5 + r);
        sum += s->transport.collective.value / sigma / 30;
        self += s->transport.nernst_einstein.value / sigma / 30;
        /* Cl is not among the mobile species, but it diffuses; O stays */
        assert_true(s->transport.species[0].carrier && s->transport.species[1].carrier);
        assert_false(s->transport.species[2].carrier);
        iw_snapshot_unref(&s);
    }
    assert_close(sum, 1, 0, 0.07);
    assert_close(self, 1, 0, 0.03);
}

static void
ions_locked_together_have_one_over_their_number(void **state)
{
    (void)state;
    matter what = {LOCKED, 8, 0, 4, 1, 0, -2, 0, 0, 400, true, {NULL}};
    iw_snapshot *s = simulate(&what, 3);
    const iw_series *one = &iw_snapshot_group(s, "Li")->msd, *all = &s->transport.charge_msd;
    assert_int_equal(one->n, all->n);
    for (size_t k = 0; k < one->n; k++)
        assert_close(all->y[k], 64 * one->y[k], 1e-10, 1e-10);
    assert_null(event_of(s, IW_EVENT_not_neutral));
    iw_snapshot_unref(&s);
    /* Their D has an error that is too small, for they are one walker: only the values count. */
    tally got = repeat(&what, RUNS, 8 * conductivity(8, 1), conductivity(8, 1), 8 * D_CM2_S);
    assert_close(got.mean, 1, 0, 0.15);
    assert_true(got.covered >= 0.91);
    assert_close(got.self_mean / got.mean, 1, 0, 0.15);
    assert_close(got.group_mean, 1, 0, 0.15);
}

static void
neutral_pairs_carry_no_current(void **state)
{
    (void)state;
    matter what = {PAIRS, 8, 8, 2, 1, -1, 0, 0.1, 0, 600, true, {NULL}};
    double self = conductivity(16, 1);
    size_t covered = 0, bounded = 0, low = 0;
    double self_mean = 0;
    for (size_t r = 0; r < RUNS; r++) {
        iw_snapshot *s = simulate(&what, 99 + r);
        const iw_transport *t = &s->transport;
        self_mean += t->nernst_einstein.value / self / RUNS;
        assert_close(t->collective.value, 0, 0, 0.01 * self);
        bounded += isfinite(t->collective.ci95[1]);
        low += t->collective.ci95[1] < 0.02 * self && t->haven_ratio.ci95[0] > 20;
        assert_true(isnan(t->haven_ratio.value) == !(t->collective.ci95[0] > 0));
        covered += holds(&t->collective, 0);
        iw_snapshot_unref(&s);
    }
    assert_close(self_mean, 1, 0, 0.05);
    assert_true((double)covered >= 0.91 * RUNS);
    /* far below what independent ions carry, where there is an upper limit at all */
    assert_true(bounded >= RUNS / 5);
    assert_true((double)low >= 0.9 * (double)bounded);

    what.noise_A = 0.0; /* P does not move but for rounding */
    iw_snapshot *s = simulate(&what, 4);
    for (size_t k = 0; k < s->transport.charge_msd.n; k++)
        assert_close(s->transport.charge_msd.y[k], 0, 0, 1e-20);
    assert_false(fabs(s->transport.collective.value) > 1e-15 * self);
    assert_false(s->transport.charge.diffusive);
    iw_snapshot_unref(&s);
}

static void
several_mobile_species_move_as_one_and_each_by_itself(void **state)
{
    (void)state;
    matter what = {PAIRS, 8, 8, 2, 1, -1, 0, 0, 0, 300, true, {"Li", "Cl"}};
    double pairs = 0, li = 0, cl = 0;
    iw_snapshot *s = NULL;
    for (size_t r = 0; r < 60; r++) {
        iw_snapshot_unref(&s);
        s = simulate(&what, 8 + r);
        pairs += iw_snapshot_group(s, "mobile")->D_collective.value / 60;
        li += iw_snapshot_group(s, "Li")->D_collective.value / 60;
        cl += iw_snapshot_group(s, "Cl")->D_collective.value / 60;
    }
    assert_close(pairs, 2 * D_CM2_S, 0.1, 0); /* |2 x|^2/(2 N) against |x|^2/N */
    assert_close(li, D_CM2_S, 0.1, 0);
    assert_close(cl, li, 1e-9, 0);
    assert_false(iw_snapshot_group(s, "O")->has_collective);
    assert_false(iw_snapshot_group(s, "all")->has_collective);
    iw_snapshot_unref(&s);
    what.n_o = 0; /* nothing is left that they could move against */
    s = simulate(&what, 8);
    assert_false(iw_snapshot_group(s, "mobile")->has_collective);
    assert_false(iw_snapshot_group(s, "Li")->has_collective);
    iw_snapshot_unref(&s);
}

static void
charges_that_do_not_add_up_are_an_event_with_their_sum(void **state)
{
    (void)state;
    matter what = {FREE, 5, 0, 2, 1, 0, -2, 0, 0, 50, true, {NULL}};
    iw_snapshot *s = simulate(&what, 6);
    const iw_event *event = event_of(s, IW_EVENT_not_neutral);
    assert_true(event && strstr(event->text, "+1 e, of 9 e"));
    assert_close(s->transport.total_charge_e, 1, 0, 1e-12);
    iw_snapshot_unref(&s);
}

static void
what_is_not_known_is_left_out(void **state)
{
    (void)state;
    matter what = {FREE, 4, 0, 2, 1, 0, -2, 0, 0, 200, false, {NULL}};
    iw_snapshot *s = simulate(&what, 7); /* no cell, no volume */
    assert_true(isnan(s->transport.volume_A3) && isnan(s->transport.collective.value));
    assert_true(isfinite(s->transport.haven_ratio.value));
    iw_snapshot_unref(&s);
    what.cell = true;
    s = simulate_at(&what, NAN, 7);
    assert_true(isnan(s->transport.nernst_einstein.value));
    assert_close(s->transport.volume_A3, 8000, 1e-12, 0);
    assert_true(isfinite(s->transport.haven_ratio.value));
    iw_snapshot_unref(&s);
    for (size_t frames = 1; frames < 4; frames++) { /* too few for a slope */
        what.frames = frames;
        s = simulate(&what, 7);
        assert_int_equal(s->transport.n_species, 2);
        assert_true(isnan(s->transport.collective.value));
        iw_snapshot_unref(&s);
    }
    what.frames = 200;
    what.q_li = what.q_o = 0; /* a code that carries charges whose model has none */
    s = simulate(&what, 7);
    assert_int_equal(s->transport.n_species, 0);
    assert_true(iw_snapshot_group(s, "mobile")->has_collective); /* needs no charges */
    iw_snapshot_unref(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(independent_ions_have_a_haven_ratio_of_one),
        cmocka_unit_test(window_of_the_ions_bounds_that_of_their_sum),
        cmocka_unit_test(charges_enter_as_squares),
        cmocka_unit_test(ions_locked_together_have_one_over_their_number),
        cmocka_unit_test(neutral_pairs_carry_no_current),
        cmocka_unit_test(several_mobile_species_move_as_one_and_each_by_itself),
        cmocka_unit_test(charges_that_do_not_add_up_are_an_event_with_their_sum),
        cmocka_unit_test(what_is_not_known_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
