/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proves docs/physics.md, "Health": each rule on its case, and silent just below its threshold. */
#include "health_run.h"

/* A run in which nothing moves: numbers are given, frame by frame. */
typedef struct {
    health_run run;
    iw_health_frame frame;
    double velocity_A_ps; /* of the centre of mass */
} still;

static void
still_init(still *s, size_t n, double dt_fs, double target_K)
{
    health_run_init(&s->run, n, dt_fs, target_K, 1);
    s->velocity_A_ps = 0.0;
    s->frame = (iw_health_frame){.pos_A = s->run.seen,
                                 .raw_A = s->run.raw,
                                 .volume_A3 = 1000.0,
                                 .kinetic_K = target_K,
                                 .energy_eV = NAN};
}

static void
still_frames(still *s, size_t frames)
{
    iw_error err;
    for (size_t t = 0; t < frames; t++) {
        uint64_t seq = ++s->run.seq;
        s->frame.new_segment = seq == 1;
        s->frame.seq = seq;
        s->frame.step = (int64_t)seq;
        s->frame.dt_fs = seq > 1 ? s->run.dt_fs : (double)NAN;
        s->frame.centre_A[1] = s->velocity_A_ps * (double)seq * s->run.dt_fs / 1000.0;
        assert_ok(iw_health_push(s->run.monitor, &s->frame, &err), err);
    }
}

static void
still_ps(still *s, double ps)
{
    still_frames(s, health_run_ps(&s->run, ps));
}

#define assert_state(run, expected)                                                                \
    do {                                                                                           \
        const iw_health *now_ = iw_health_now((run).monitor);                                      \
        if (now_->state != (expected))                                                             \
            fail_msg("line %d: %s (%s), expected %s", __LINE__, iw_health_state_name(now_->state), \
                     now_->reason, iw_health_state_name(expected));                                \
    } while (0)

static void
stationary_runs_raise_nothing(void **state)
{
    (void)state;
    static const size_t atoms[] = {20, 60, 120};
    static const double spacing_fs[] = {2.0, 10.0};
    for (size_t i = 0; i < 12; i++) {
        health_run r;
        health_run_init(&r, atoms[i % 3], spacing_fs[i % 2], i % 4 ? 600.0 : (double)NAN, 900 + i);
        health_run_frames(&r, 4000);
        for (size_t e = 0; e < r.events.n; e++)
            print_message("run %zu: %s\n", i, r.events.items[e].text);
        assert_int_equal(r.events.n, 0);
        assert_state(r, IW_HEALTH_GOOD);
        assert_string_equal(iw_health_now(r.monitor)->reason, "nothing wrong was seen");
        assert_close(iw_health_now(r.monitor)->temperature_mean_K, 600.0, 0.15, 0);
        health_run_fini(&r);
    }
}

static void
a_temperature_off_by_half_warns_and_three_times_breaks(void **state)
{
    (void)state;
    const struct {
        double T_K;
        iw_health_state state;
    } cases[] = {{899.0, IW_HEALTH_GOOD},     {901.0, IW_HEALTH_WARNING},
                 {1799.0, IW_HEALTH_WARNING}, {1801.0, IW_HEALTH_BROKEN},
                 {401.0, IW_HEALTH_GOOD},     {399.0, IW_HEALTH_WARNING},
                 {20.0, IW_HEALTH_WARNING}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        still s;
        still_init(&s, 300, 2.0, 600.0);
        still_ps(&s, 3.0);
        s.frame.kinetic_K = cases[c].T_K;
        still_ps(&s, 0.7);
        assert_state(s.run, cases[c].state);
        const iw_health *now = iw_health_now(s.run.monitor);
        assert_close(now->temperature_recent_K, cases[c].T_K, 1e-12, 0);
        assert_close(now->temperature_mean_K, (3.0 * 600.0 + 0.7 * cases[c].T_K) / 3.7, 1e-3, 0);
        const iw_event *event = health_run_event(&s.run, IW_EVENT_temperature_runaway);
        assert_int_equal(event != NULL, cases[c].state != IW_HEALTH_GOOD);
        /* A warning ends with its cause; what broke a run stays. */
        s.frame.kinetic_K = 600.0;
        still_ps(&s, 0.7);
        assert_state(s.run, cases[c].state == IW_HEALTH_BROKEN ? IW_HEALTH_BROKEN : IW_HEALTH_GOOD);
        health_run_fini(&s.run);
    }
}

static void
the_event_of_a_runaway_has_its_numbers(void **state)
{
    (void)state;
    still s;
    still_init(&s, 300, 2.0, 600.0);
    still_ps(&s, 2.0);
    s.frame.kinetic_K = 1800.6;
    still_ps(&s, 0.8);
    assert_string_equal(iw_health_now(s.run.monitor)->reason,
                        "temperature 1800.6 K over the last 0.5 ps, 3 times the target of 600 K");
    assert_int_equal(s.run.events.n, 2); /* the warning on the way, and the break */
    assert_string_equal(s.run.events.items[1].text, iw_health_now(s.run.monitor)->reason);
    assert_true(s.run.events.items[0].frame < s.run.events.items[1].frame);
    health_run_fini(&s.run);
}

static void
few_atoms_may_fluctuate_more(void **state)
{
    (void)state;
    /* 4 sqrt(2/9) = 1.886 of the target for 4 atoms: more than a half. */
    const struct {
        double T_K;
        iw_health_state state;
    } cases[] = {{1725.0, IW_HEALTH_GOOD}, {1740.0, IW_HEALTH_WARNING}};
    for (size_t c = 0; c < 2; c++) {
        still s;
        still_init(&s, 4, 2.0, 600.0);
        still_ps(&s, 3.0);
        s.frame.kinetic_K = cases[c].T_K;
        still_ps(&s, 0.7);
        assert_state(s.run, cases[c].state);
        health_run_fini(&s.run);
    }
}

static void
a_run_may_settle_but_not_blow_up(void **state)
{
    (void)state;
    still s;
    still_init(&s, 300, 2.0, 600.0);
    s.frame.kinetic_K = 1750.0; /* in its first picosecond */
    still_ps(&s, 0.9);
    s.frame.kinetic_K = 600.0;
    still_ps(&s, 3.0);
    assert_int_equal(s.run.events.n, 0);
    health_run_fini(&s.run);

    still_init(&s, 300, 2.0, 600.0);
    still_frames(&s, 10);
    s.frame.kinetic_K = 1801.0; /* one frame */
    still_frames(&s, 1);
    assert_state(s.run, IW_HEALTH_WARNING);
    assert_string_equal(iw_health_now(s.run.monitor)->reason,
                        "temperature 1801 K over the last 0.002 ps, 3 times the target of 600 K");
    s.frame.kinetic_K = 6060.0;
    still_frames(&s, 100); /* 0.1 ps */
    assert_state(s.run, IW_HEALTH_BROKEN);
    health_run_fini(&s.run);
}

static void
without_a_target_the_early_run_is_one(void **state)
{
    (void)state;
    still s;
    still_init(&s, 300, 10.0, NAN);
    s.frame.kinetic_K = 5000.0; /* settling */
    still_ps(&s, 1.0);
    s.frame.kinetic_K = 300.0;
    still_ps(&s, 1.3);
    s.frame.kinetic_K = 440.0; /* less than half of the blocks: not the median */
    still_ps(&s, 0.8);
    assert_state(s.run, IW_HEALTH_GOOD);
    s.frame.kinetic_K = 460.0;
    still_ps(&s, 0.7);
    assert_state(s.run, IW_HEALTH_WARNING);
    assert_non_null(strstr(iw_health_now(s.run.monitor)->reason,
                           "1.53 times the median of the early run of 300 K"));
    health_run_fini(&s.run);
}

static void
without_velocities_temperature_is_not_judged(void **state)
{
    (void)state;
    health_run r;
    health_run_init(&r, 30, 10.0, 300.0, 5); /* at 600 K */
    r.velocities = false;
    health_run_frames(&r, 600);
    assert_int_equal(r.events.n, 0);
    assert_true(isnan(iw_health_now(r.monitor)->temperature_recent_K));
    health_run_fini(&r);
}

static void
energy_ramp(double meV_atom_ps, double ps, iw_health *now, size_t *events)
{
    still s;
    still_init(&s, 300, 10.0, 600.0);
    size_t frames = health_run_ps(&s.run, ps);
    for (size_t t = 0; t < frames; t++) {
        s.frame.energy_eV = -900.0 + 0.3 * meV_atom_ps * s.run.dt_fs * (double)t / 1000.0;
        still_frames(&s, 1);
    }
    *now = *iw_health_now(s.run.monitor);
    *events = s.run.events.n;
    health_run_fini(&s.run);
}

static void
an_energy_that_drifts_beyond_a_heat_bath_warns(void **state)
{
    (void)state;
    /* 300 atoms at 600 K: 5 k T sqrt(3/N) = 25.9 meV per atom.  Half of the run is looked at. */
    const struct {
        double meV_atom_ps, ps;
        iw_health_state state;
    } cases[] = {
        {0.95, 100.0, IW_HEALTH_GOOD}, /* 1 meV per atom and ps */
        {1.05, 60.0, IW_HEALTH_WARNING}, {-1.05, 60.0, IW_HEALTH_WARNING},
        {1.05, 45.0, IW_HEALTH_GOOD}, /* 24 meV per atom so far */
        {40.0, 3.0, IW_HEALTH_GOOD},  /* 2 ps are the least */
        {40.0, 6.0, IW_HEALTH_WARNING},  {40.0, 48.0, IW_HEALTH_WARNING},
        {40.0, 60.0, IW_HEALTH_BROKEN}, /* 1.1 eV per atom */
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        iw_health now;
        size_t events;
        energy_ramp(cases[c].meV_atom_ps, cases[c].ps, &now, &events);
        if (now.state != cases[c].state)
            fail_msg("case %zu: %s (%s)", c, iw_health_state_name(now.state), now.reason);
        assert_close(now.energy_drift_meV_atom_ps, cases[c].meV_atom_ps, 1e-6, 0);
        assert_close(now.energy_drift_stderr_meV_atom_ps, 0.0, 0, 1e-6);
        assert_int_equal(events, (int)cases[c].state);
    }
}

static void
a_drift_in_a_heat_bath_is_found(void **state)
{
    (void)state;
    health_run r;
    health_run_init(&r, 120, 10.0, 600.0, 77);
    health_run_frames(&r, health_run_ps(&r, 20.0));
    assert_int_equal(r.events.n, 0);
    r.drift_eV_ps = 0.010;
    health_run_frames(&r, health_run_ps(&r, 25.0));
    const iw_health *now = iw_health_now(r.monitor);
    assert_state(r, IW_HEALTH_WARNING);
    assert_non_null(health_run_event(&r, IW_EVENT_energy_drift));
    double error = now->energy_drift_stderr_meV_atom_ps;
    assert_true(error > 0.02 && error < 2.0);
    assert_close(now->energy_drift_meV_atom_ps, 10.0, 0, 4.0 * error);
    health_run_fini(&r);
}

static void
a_cell_that_grows_by_half_warns_and_to_twice_breaks(void **state)
{
    (void)state;
    const struct {
        double ratio;
        size_t frames;
        iw_health_state state;
    } cases[] = {{1.49, 200, IW_HEALTH_GOOD},   {1.51, 9, IW_HEALTH_GOOD},
                 {1.51, 10, IW_HEALTH_WARNING}, {1.99, 200, IW_HEALTH_WARNING},
                 {2.01, 10, IW_HEALTH_BROKEN},  {0.68, 200, IW_HEALTH_GOOD},
                 {0.66, 10, IW_HEALTH_WARNING}, {0.49, 10, IW_HEALTH_BROKEN}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        still s;
        still_init(&s, 20, 2.0, 600.0);
        for (size_t t = 0; t < 10; t++) { /* 1000 A3 in the mean */
            s.frame.volume_A3 = t % 2 ? 1010.0 : 990.0;
            still_frames(&s, 1);
        }
        s.frame.volume_A3 = 1000.0 * cases[c].ratio;
        still_frames(&s, cases[c].frames);
        assert_state(s.run, cases[c].state);
        assert_close(iw_health_now(s.run.monitor)->volume_ratio, cases[c].ratio, 1e-12, 0);
        assert_int_equal(health_run_event(&s.run, IW_EVENT_exploding_cell) != NULL,
                         cases[c].state != IW_HEALTH_GOOD);
        health_run_fini(&s.run);
    }
}

static void
the_centre_of_mass_may_move_as_heat_lets_it(void **state)
{
    (void)state;
    const struct {
        size_t atoms;
        double T_K, thermal; /* speed in units of the limit, or 0: */
        double A_ps;         /* speed */
        bool drifts;
    } cases[] = {{30, 600.0, 0.98, 0, false},
                 {30, 600.0, 1.02, 0, true},
                 {300, 1.0, 0, 0.21, false}, /* 0.95 A in 4.5 ps: less than 1 A */
                 {300, 1.0, 0, 0.23, true}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        still s;
        still_init(&s, cases[c].atoms, 5.0, cases[c].T_K);
        double mass = 0.0;
        for (size_t i = 0; i < s.run.n; i++)
            mass += s.run.mass[i];
        double limit = 3.0 * 1000.0 * sqrt(3.0 * cases[c].T_K / (IW_AMU_A2_FS2_K * mass));
        s.velocity_A_ps = cases[c].thermal > 0.0 ? cases[c].thermal * limit : cases[c].A_ps;
        assert_true(s.velocity_A_ps > 0.97 * limit);
        still_ps(&s, 10.0);
        assert_close(iw_health_now(s.run.monitor)->com_drift_A_ps, s.velocity_A_ps, 1e-9, 0);
        assert_int_equal(health_run_event(&s.run, IW_EVENT_centre_of_mass_drift) != NULL,
                         cases[c].drifts);
        assert_state(s.run, cases[c].drifts ? IW_HEALTH_WARNING : IW_HEALTH_GOOD);
        health_run_fini(&s.run);
    }
}

static void
three_refused_frames_in_a_row_break_until_a_good_one_comes(void **state)
{
    (void)state;
    still s;
    iw_error err;
    still_init(&s, 20, 2.0, 600.0);
    still_frames(&s, 100);
    for (size_t k = 1; k <= 3; k++) {
        assert_ok(iw_health_refuse(s.run.monitor, 100 + k, 0, "position x is nan", &err), err);
        assert_state(s.run, k < 3 ? IW_HEALTH_WARNING : IW_HEALTH_BROKEN);
    }
    assert_string_equal(iw_health_now(s.run.monitor)->reason,
                        "3 frames in a row could not be used: position x is nan");
    assert_int_equal(iw_health_now(s.run.monitor)->refused_frames, 3);
    still_frames(&s, 1);
    assert_state(s.run, IW_HEALTH_WARNING);
    assert_string_equal(iw_health_now(s.run.monitor)->reason, "3 frames were refused");
    health_run_fini(&s.run);
}

static void
what_the_trajectory_noticed_is_a_warning(void **state)
{
    (void)state;
    const struct {
        iw_event_kind kind;
        unsigned times;
        bool matters;
    } cases[] = {{IW_EVENT_uneven_step, 1, true},
                 {IW_EVENT_velocity_mismatch, 1, true},
                 {IW_EVENT_time_mismatch, 1, true},
                 {IW_EVENT_temperature_mismatch, 1, true},
                 {IW_EVENT_half_cell_jump, 2, false},
                 {IW_EVENT_half_cell_jump, 3, true},
                 {IW_EVENT_gap, 5, false},
                 {IW_EVENT_restart, 1, false}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        still s;
        still_init(&s, 20, 2.0, 600.0);
        for (unsigned k = 0; k < cases[c].times; k++)
            assert_int_equal(iw_event_add(&s.run.events, cases[c].kind, true, 1, 1,
                                          "step 7 came 3 fs after step 6"),
                             IW_OK);
        still_frames(&s, 5);
        assert_state(s.run, cases[c].matters ? IW_HEALTH_WARNING : IW_HEALTH_GOOD);
        if (cases[c].matters)
            assert_non_null(strstr(iw_health_now(s.run.monitor)->reason, "step 7 came 3 fs"));
        health_run_fini(&s.run);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stationary_runs_raise_nothing),
        cmocka_unit_test(a_temperature_off_by_half_warns_and_three_times_breaks),
        cmocka_unit_test(the_event_of_a_runaway_has_its_numbers),
        cmocka_unit_test(few_atoms_may_fluctuate_more),
        cmocka_unit_test(a_run_may_settle_but_not_blow_up),
        cmocka_unit_test(without_a_target_the_early_run_is_one),
        cmocka_unit_test(without_velocities_temperature_is_not_judged),
        cmocka_unit_test(an_energy_that_drifts_beyond_a_heat_bath_warns),
        cmocka_unit_test(a_drift_in_a_heat_bath_is_found),
        cmocka_unit_test(a_cell_that_grows_by_half_warns_and_to_twice_breaks),
        cmocka_unit_test(the_centre_of_mass_may_move_as_heat_lets_it),
        cmocka_unit_test(three_refused_frames_in_a_row_break_until_a_good_one_comes),
        cmocka_unit_test(what_the_trajectory_noticed_is_a_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
