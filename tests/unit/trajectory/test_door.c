/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "constants.h"
#include "stream.h"
#include "trajectory/door.h"

/* Harmonic atoms at 10 THz and a temperature of 300 K, sampled every 2 fs; slips are factors on
 * what is sent. */
typedef struct {
    double positions, velocities, target_K;
    bool shuffled; /* velocities of another atom */
} slip;

/* after: frames before the slips begin. */
static stream
run_after(const slip *slips, int after, int frames)
{
    const slip none = {1.0, 1.0, slips->target_K, false};
    stream s;
    enum { N = 60 };
    stream_init(&s, N);
    s.run.temperature_K = slips->target_K;
    s.run.wrapped = false;
    stream_start(&s, IW_DRIFT_COM);
    s.frame.has_velocities = true;
    uint64_t seed = 5;
    double amplitude[3 * N], phase[3 * N];
    const double w = 6.283185307179586e-2; /* 10 THz in 1/fs */
    for (int i = 0; i < 3 * N; i++) {
        double vmax = sqrt(2.0 * 300.0 / IW_AMU_A2_FS2_K / s.run.mass_amu[i / 3]);
        amplitude[i] = vmax / w;
        phase[i] = 6.283185307179586 * iw_test_uniform(&seed);
    }
    for (int t = 0; t < frames; t++) {
        const slip *wrong = t < after ? &none : slips;
        for (int i = 0; i < 3 * N; i++) {
            int j = wrong->shuffled ? (i + 3) % (3 * N) : i;
            s.frame.pos_A[i] = wrong->positions * amplitude[i] * sin(w * 2.0 * t + phase[i]);
            s.frame.vel_A_fs[i] =
                wrong->velocities * w * amplitude[j] * cos(w * 2.0 * t + phase[j]);
        }
        assert_ok(stream_push(&s), s.err);
        s.mean_K += s.step.kinetic_K / 25.0;
    }
    return s;
}

static stream
run_with(const slip *wrong)
{
    return run_after(wrong, 0, 25);
}

static void
right_units_pass_in_silence(void **state)
{
    (void)state;
    const slip none = {1.0, 1.0, 300.0, false};
    stream s = run_with(&none);
    assert_int_equal(s.events.n, 0);
    assert_close(s.mean_K, 300.0, 0.1, 0);
    stream_fini(&s);
}

static void
unit_mistakes_are_named(void **state)
{
    (void)state;
    const struct {
        slip slip;
        const char *temperature, *velocity; /* NULL: no event of the kind */
    } cases[] = {
        {{1.0, 1000.0, 300.0, false}, "A/ps taken as A/fs", "A/ps taken as A/fs"},
        {{1.0, 1e-3, 300.0, false}, "A/fs taken as A/ps", "A/fs taken as A/ps"},
        {{1.0, 1.0 / 21.876912636, 300.0, false},
         "bohr per atomic time taken as A/fs",
         "bohr per atomic time taken as A/fs"},
        {{1.0, 1.0 / 21876.912636, 300.0, false},
         "bohr per atomic time taken as A/ps",
         "bohr per atomic time taken as A/ps"},
        {{1.0, 0.1, 300.0, false}, "nm/ps taken as A/ps", "nm/ps taken as A/ps"},
        {{0.1, 1.0, 300.0, false}, NULL, "times the rate of change"},
        {{1.0, 0.0, 300.0, false}, "nothing moves in the first", NULL},
        {{1.0, 1.0, 3000.0, false}, "is the run still heating up?", NULL},
        {{1.0, 1.0, NAN, false}, NULL, NULL},
        {{1.0, 1.0, 300.0, true}, NULL, "atoms in the same order"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        stream s = run_with(&cases[c].slip);
        const iw_event *t = stream_event(&s, IW_EVENT_temperature_mismatch);
        const iw_event *v = stream_event(&s, IW_EVENT_velocity_mismatch);
        if ((t != NULL) != (cases[c].temperature != NULL) ||
            (v != NULL) != (cases[c].velocity != NULL))
            fail_msg("case %zu: temperature \"%s\", velocity \"%s\"", c, t ? t->text : "",
                     v ? v->text : "");
        if (t && !strstr(t->text, cases[c].temperature))
            fail_msg("case %zu: %s", c, t->text);
        if (v && !strstr(v->text, cases[c].velocity))
            fail_msg("case %zu: %s", c, v->text);
        stream_fini(&s);
    }
}

static void
velocities_are_looked_at_again(void **state)
{
    (void)state;
    const slip shuffled = {1.0, 1.0, 300.0, true}, fast = {1.0, 2.0, 300.0, false},
               none = {1.0, 1.0, 300.0, false};
    /* Wrong from frame 500 on: nothing is said before the second look ends. */
    stream s = run_after(&shuffled, 500, IW_DOOR_EVERY + IW_DOOR_FRAMES - 1);
    assert_null(stream_event(&s, IW_EVENT_velocity_mismatch));
    stream_fini(&s);
    s = run_after(&shuffled, 500, IW_DOOR_EVERY + IW_DOOR_FRAMES);
    const iw_event *event = stream_event(&s, IW_EVENT_velocity_mismatch);
    assert_true(event && strstr(event->text, "atoms in the same order"));
    stream_fini(&s);
    s = run_after(&fast, 500, 4 * IW_DOOR_EVERY);
    event = stream_event(&s, IW_EVENT_velocity_mismatch);
    if (!event || !strstr(event->text, "velocities are 1.997 times"))
        fail_msg("%s", event ? event->text : "no event");
    assert_true(event && event->count == 3); /* looks */
    assert_null(stream_event(&s, IW_EVENT_temperature_mismatch));
    stream_fini(&s);
    s = run_after(&none, 0, 4 * IW_DOOR_EVERY);
    assert_int_equal(s.events.n, 0);
    stream_fini(&s);
}

static void
frames_too_far_apart_are_not_compared(void **state)
{
    (void)state;
    stream s;
    stream_init(&s, 20);
    s.run.wrapped = false;
    stream_start(&s, IW_DRIFT_COM);
    s.frame.has_velocities = true;
    uint64_t seed = 9;
    for (int t = 0; t < 25; t++) {
        for (int i = 0; i < 60; i++) {
            s.frame.pos_A[i] = iw_test_normal(&seed);
            s.frame.vel_A_fs[i] = iw_test_normal(&seed);
        }
        assert_ok(stream_push(&s), s.err);
    }
    assert_null(stream_event(&s, IW_EVENT_velocity_mismatch));
    stream_fini(&s);
}

static void
kinetic_temperature_leaves_out_the_centre_of_mass(void **state)
{
    (void)state;
    stream s;
    stream_init(&s, 2);
    stream_start(&s, IW_DRIFT_NONE);
    s.frame.has_velocities = true;
    const double m[2] = {6.94, 32.06}, v[2] = {0.05, 0.01};
    for (size_t i = 0; i < 2; i++)
        s.frame.vel_A_fs[3 * i] = v[i];
    assert_ok(stream_push(&s), s.err);
    double com = (m[0] * v[0] + m[1] * v[1]) / (m[0] + m[1]);
    double sum = m[0] * (v[0] - com) * (v[0] - com) + m[1] * (v[1] - com) * (v[1] - com);
    assert_close(s.step.kinetic_K, sum * IW_AMU_A2_FS2_K / 3.0, 1e-12, 0);
    stream_fini(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_units_pass_in_silence),
        cmocka_unit_test(unit_mistakes_are_named),
        cmocka_unit_test(velocities_are_looked_at_again),
        cmocka_unit_test(frames_too_far_apart_are_not_compared),
        cmocka_unit_test(kinetic_temperature_leaves_out_the_centre_of_mass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
