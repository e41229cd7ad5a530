/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Health through the whole engine: what it is fed, and that asking changes nothing. */
#include "constants.h"
#include "model.h"

static const iw_health *
health_of(const iw_engine *engine)
{
    return iw_engine_health(engine);
}

static void
push(const model *m, iw_engine *engine, iw_frame *frame, size_t t, iw_status expected)
{
    iw_error err;
    frame->seq = t + 1;
    frame->step = (int64_t)t;
    frame->time_fs = 2.0 * (double)t;
    frame->has_cell = frame->has_velocities = true;
    memcpy(frame->cell_A, m->cell[t], sizeof frame->cell_A);
    memcpy(frame->pos_A, m->pos + 3 * MODEL_ATOMS * t, 3 * MODEL_ATOMS * sizeof(double));
    memcpy(frame->vel_A_fs, m->vel + 3 * MODEL_ATOMS * t, 3 * MODEL_ATOMS * sizeof(double));
    if (expected == IW_INVALID)
        frame->pos_A[4] = NAN;
    assert_int_equal(iw_engine_push(engine, frame, &err), expected);
}

static void
frames_that_are_not_finite_break_a_run_after_three(void **state)
{
    (void)state;
    model m;
    model_init(&m, 60, CELL_CUBIC, true, true, 3);
    m.run.temperature_K = NAN; /* the model has none */
    iw_engine_options options;
    iw_engine_options_init(&options);
    iw_engine *engine = model_engine(&m, &options);
    iw_frame frame;
    iw_error err;
    assert_ok(iw_frame_init(&frame, MODEL_ATOMS, &err), err);
    for (size_t t = 0; t < 50; t++)
        push(&m, engine, &frame, t, IW_OK);
    assert_int_equal(health_of(engine)->state, IW_HEALTH_GOOD);
    for (size_t t = 50; t < 53; t++)
        push(&m, engine, &frame, t, IW_INVALID);
    assert_int_equal(health_of(engine)->state, IW_HEALTH_BROKEN);
    assert_int_equal(health_of(engine)->refused_frames, 3);
    assert_non_null(strstr(health_of(engine)->reason, "3 frames in a row could not be used: step "
                                                      "52: position y of atom 2 is "));
    iw_snapshot *snapshot = model_snapshot(engine);
    assert_int_equal(snapshot->health.state, IW_HEALTH_BROKEN);
    iw_snapshot_unref(&snapshot);
    push(&m, engine, &frame, 53, IW_OK);
    assert_int_equal(health_of(engine)->state, IW_HEALTH_WARNING);
    iw_frame_fini(&frame);
    iw_engine_destroy(&engine);
    model_fini(&m);
}

/* The model's cell breathes, its atoms drift, and Li wander. */
static void
what_is_fed_is_what_frames_hold(void **state)
{
    (void)state;
    enum { T = 400 };
    model m;
    model_init(&m, T, CELL_CHANGING, false, true, 5);
    iw_engine_options options;
    iw_engine_options_init(&options);
    iw_engine *engine = model_engine(&m, &options);
    model_send(&m, engine, 0, T);
    const iw_health *now = health_of(engine);
    iw_snapshot *snapshot = model_snapshot(engine);
    /* All frames but the first, whose spacing is not known yet. */
    assert_close(now->temperature_mean_K, snapshot->temperature_measured_K, 0.05, 0);
    double first = 0.0, last = 0.0;
    for (size_t t = 0; t < T; t++) {
        const double *c = m.cell[t];
        double volume =
            fabs(c[0] * (c[4] * c[8] - c[5] * c[7]) - c[1] * (c[3] * c[8] - c[5] * c[6]) +
                 c[2] * (c[3] * c[7] - c[4] * c[6]));
        first += t < 10 ? volume / 10.0 : 0.0;
        last = volume;
    }
    assert_close(now->volume_ratio, last / first, 1e-12, 0);
    iw_snapshot_unref(&snapshot);
    iw_engine_destroy(&engine);
    model_fini(&m);
}

static void
drift_of_the_centre_is_the_same_whatever_is_held(void **state)
{
    (void)state;
    enum { T = 600 };
    model m;
    model_init(&m, T, CELL_CUBIC, false, true, 6);
    double drift[3], ratio[3];
    for (int d = 0; d < 3; d++) {
        iw_engine_options options;
        iw_engine_options_init(&options);
        options.drift = (iw_drift)d;
        iw_engine *engine = model_engine(&m, &options);
        model_send(&m, engine, 0, T);
        drift[d] = health_of(engine)->com_drift_A_ps;
        ratio[d] = health_of(engine)->neighbour_A;
        iw_engine_destroy(&engine);
    }
    /* From the first frame to the end of the second window of 0.5 ps. */
    double square = 0.0, total = 0.0;
    for (size_t i = 0; i < MODEL_ATOMS; i++)
        total += m.run.mass_amu[i];
    for (size_t k = 0; k < 3; k++) {
        double moved = 0.0;
        for (size_t i = 0; i < MODEL_ATOMS; i++)
            moved += m.run.mass_amu[i] / total *
                     (m.pos[3 * (500 * MODEL_ATOMS + i) + k] - m.pos[3 * i + k]);
        square += moved * moved;
    }
    assert_close(drift[0], sqrt(square), 1e-9, 0);
    for (int d = 1; d < 3; d++) {
        assert_close(drift[d], drift[0], 1e-9, 0);
        assert_close(ratio[d], ratio[0], 1e-12, 0);
    }
    model_fini(&m);
}

static void
asking_changes_nothing(void **state)
{
    (void)state;
    enum { T = 3000 };
    model m;
    model_init(&m, T, CELL_SKEWED, true, true, 8);
    iw_engine_options options;
    iw_engine_options_init(&options);
    iw_engine *asked = model_engine(&m, &options), *left = model_engine(&m, &options);
    for (size_t t = 0; t < T; t += 100) {
        model_send(&m, asked, t, t + 100);
        iw_snapshot *snapshot = model_snapshot(asked);
        iw_snapshot_unref(&snapshot);
    }
    model_send(&m, left, 0, T);
    const iw_health *a = health_of(asked), *b = health_of(left);
    assert_int_equal(a->state, b->state);
    assert_string_equal(a->reason, b->reason);
    const double *x[2][6] = {{&a->temperature_mean_K, &a->temperature_recent_K, &a->volume_ratio,
                              &a->lindemann, &a->framework_msd_A2, &a->com_drift_A_ps},
                             {&b->temperature_mean_K, &b->temperature_recent_K, &b->volume_ratio,
                              &b->lindemann, &b->framework_msd_A2, &b->com_drift_A_ps}};
    for (size_t k = 0; k < 6; k++) {
        assert_true(isfinite(*x[0][k]));
        assert_memory_equal(x[0][k], x[1][k], sizeof(double));
    }
    assert_int_equal(iw_engine_events(asked)->n, iw_engine_events(left)->n);
    iw_engine_destroy(&asked);
    iw_engine_destroy(&left);
    model_fini(&m);
}

/* Energies that the MD code sends, kinetic ones or not. */
static void
total_energy_is_potential_and_kinetic(void **state)
{
    (void)state;
    enum { T = 5000 };
    model m;
    model_init(&m, 1, CELL_CUBIC, true, false, 9);
    m.run.temperature_K = NAN;
    for (int sent = 0; sent < 2; sent++) {
        iw_engine_options options;
        iw_engine_options_init(&options);
        iw_engine *engine = model_engine(&m, &options);
        iw_frame frame;
        iw_error err;
        assert_ok(iw_frame_init(&frame, MODEL_ATOMS, &err), err);
        memcpy(frame.pos_A, m.pos, 3 * MODEL_ATOMS * sizeof(double));
        frame.has_cell = true;
        memcpy(frame.cell_A, m.cell[0], sizeof frame.cell_A);
        for (size_t t = 0; t < T; t++) {
            double ps = 0.002 * (double)t;
            double kinetic_eV = 0.9 + 0.004 * ps;
            frame.seq = t + 1;
            frame.step = (int64_t)t;
            frame.time_fs = 1000.0 * ps;
            frame.potential_energy_eV = -40.0 + 0.014 * ps;
            frame.kinetic_energy_eV = sent ? kinetic_eV : (double)NAN;
            frame.temperature_K =
                sent ? (double)NAN : 2000.0 * kinetic_eV / (24.0 * IW_BOLTZMANN_MEV_K);
            assert_ok(iw_engine_push(engine, &frame, &err), err);
        }
        assert_close(health_of(engine)->energy_drift_meV_atom_ps, 18.0 / MODEL_ATOMS, 1e-6, 0);
        assert_close(health_of(engine)->temperature_mean_K,
                     2000.0 * 0.92 / (24.0 * IW_BOLTZMANN_MEV_K), 1e-3, 0);
        iw_frame_fini(&frame);
        iw_engine_destroy(&engine);
    }
    model_fini(&m);
}

/* Ten Li and twenty S on a lattice of 4 A that wander and rattle, frames 0.1 ps apart. */
static iw_health
walk(double D_A2_ps, size_t frames)
{
    enum { N = 30 };
    const char *names[N];
    iw_run_info run;
    iw_frame frame;
    iw_error err;
    uint64_t seed = 31;
    double site[3 * N], walked[3 * N] = {0};
    for (size_t i = 0; i < N; i++) {
        names[i] = i % 3 ? "Rb" : "Na"; /* as big as their distance of 4 A asks for */
        for (size_t k = 0; k < 3; k++)
            site[3 * i + k] = 4.0 * (double)(k == 0 ? i % 4 : k == 1 ? i / 4 % 4 : i / 16);
    }
    iw_run_info_init(&run);
    assert_ok(iw_run_info_set_atoms(&run, N, names, &err), err);
    run.timestep_fs = 100.0;
    iw_engine_options options;
    iw_engine_options_init(&options);
    iw_engine *engine = iw_engine_new(&run, &options, &err);
    assert_non_null(engine);
    assert_ok(iw_frame_init(&frame, N, &err), err);
    for (size_t t = 0; t < frames; t++) {
        frame.seq = t + 1;
        frame.step = (int64_t)t;
        frame.time_fs = 100.0 * (double)t;
        for (size_t i = 0; i < 3 * N; i++) {
            walked[i] += sqrt(0.2 * D_A2_ps) * iw_test_normal(&seed);
            frame.pos_A[i] = site[i] + walked[i] + 0.1 * iw_test_normal(&seed);
        }
        assert_ok(iw_engine_push(engine, &frame, &err), err);
    }
    assert_int_equal(iw_engine_health(engine)->state, IW_HEALTH_GOOD); /* too slow for it */
    iw_snapshot *snapshot = model_snapshot(engine);
    iw_health health = snapshot->health;
    iw_snapshot_unref(&snapshot);
    iw_engine_destroy(&engine);
    iw_frame_fini(&frame);
    iw_run_info_fini(&run);
    return health;
}

static void
a_framework_that_diffuses_slowly_is_seen_in_its_D(void **state)
{
    (void)state;
    iw_health health = walk(0.01, 4000);
    assert_int_equal(health.state, IW_HEALTH_WARNING);
    if (!strstr(health.reason, "the framework diffuses: D "))
        fail_msg("%s", health.reason);
    assert_true(health.lindemann < 0.15);
    assert_close(health.neighbour_A, 4.0, 0.15, 0); /* rattling atoms come nearer */
    health = walk(0.0, 4000);
    assert_int_equal(health.state, IW_HEALTH_GOOD);
    assert_string_equal(health.reason, "nothing wrong was seen");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_that_are_not_finite_break_a_run_after_three),
        cmocka_unit_test(what_is_fed_is_what_frames_hold),
        cmocka_unit_test(drift_of_the_centre_is_the_same_whatever_is_held),
        cmocka_unit_test(asking_changes_nothing),
        cmocka_unit_test(total_energy_is_potential_and_kinetic),
        cmocka_unit_test(a_framework_that_diffuses_slowly_is_seen_in_its_D),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
