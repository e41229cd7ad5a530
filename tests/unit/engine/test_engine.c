/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "constants.h"
#include "model.h"
#include "publish/json.h"

static char *
full_record(iw_engine *engine)
{
    iw_snapshot *snapshot = model_snapshot(engine);
    json_t *json = iw_snapshot_json(snapshot, IW_JSON_FULL);
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    iw_snapshot_unref(&snapshot);
    return text;
}

static void
asking_changes_nothing_to_the_last_bit(void **state)
{
    (void)state;
    enum { T = 700 };
    model m;
    model_init(&m, T, CELL_CHANGING, true, true, 5);
    m.begins[333] = true;
    iw_engine_options options;
    iw_engine_options_init(&options);
    options.msd_stride = 1;
    options.convergence.mode[IW_RULE_PRECISION] = IW_STOP_ADVISE;
    iw_engine *quiet = model_engine(&m, &options), *asked = model_engine(&m, &options);
    model_send(&m, quiet, 0, T);
    uint64_t seed = 8;
    for (size_t at = 0; at < T;) {
        size_t next = at + 1 + (size_t)(iw_test_uniform(&seed) * 60.0);
        next = next > T ? T : next;
        model_send(&m, asked, at, next);
        iw_snapshot *snapshot = model_snapshot(asked);
        iw_snapshot_unref(&snapshot);
        at = next;
    }
    char *a = full_record(quiet), *b = full_record(asked);
    assert_string_equal(a, b);
    free(a);
    free(b);
    iw_engine_destroy(&quiet);
    iw_engine_destroy(&asked);
    model_fini(&m);
}

/* Every atom at one velocity: MSD = v^2 t^2 in the laboratory, nothing where the centre of mass is
 * held still. */
static void
ballistic_motion_is_not_diffusion(void **state)
{
    (void)state;
    enum { T = 400 };
    for (int drift = IW_DRIFT_COM; drift <= IW_DRIFT_NONE; drift++) {
        model m;
        model_init(&m, T, CELL_CUBIC, true, true, 5);
        for (size_t t = 0; t < T; t++) {
            for (size_t i = 0; i < 3 * MODEL_ATOMS; i++) {
                m.pos[3 * MODEL_ATOMS * t + i] = fmod((double)i * 0.3 + 0.02 * (double)t, 10.0);
                m.vel[3 * MODEL_ATOMS * t + i] = 0.01;
            }
            m.cell[t][4] = m.cell[t][8] = 10.0;
        }
        iw_engine_options options;
        iw_engine_options_init(&options);
        options.drift = (iw_drift)drift;
        options.msd_stride = 1;
        iw_engine *engine = model_engine(&m, &options);
        model_send(&m, engine, 0, T);
        iw_snapshot *s = model_snapshot(engine);
        for (size_t k = 0; k < s->groups[0].msd.n; k++) {
            double expected = drift == IW_DRIFT_NONE ? 3.0 * 0.02 * 0.02 * (double)(k * k) : 0.0;
            assert_close(s->groups[0].msd.y[k], expected, 1e-9, 1e-10);
        }
        if (drift == IW_DRIFT_NONE) {
            assert_close(s->groups[1].diffusion.alpha, 2.0, 0.02, 0);
            assert_non_null(snapshot_event(s, IW_EVENT_not_diffusive));
            assert_close(s->groups[0].vacf.y[7], 3e-4, 1e-9, 0);
        }
        iw_snapshot_unref(&s);
        iw_engine_destroy(&engine);
        model_fini(&m);
    }
}

static void
default_stride_is_ten_femtoseconds_and_the_window_four_picoseconds(void **state)
{
    (void)state;
    enum { T = 5000 };
    model m;
    model_init(&m, T, CELL_CUBIC, true, true, 5);
    iw_engine_options options;
    iw_engine_options_init(&options);
    iw_engine *engine = model_engine(&m, &options);
    model_send(&m, engine, 0, T);
    iw_snapshot *s = model_snapshot(engine);
    assert_close(s->msd_dt_fs, 10.0, 0, 0);
    assert_int_equal(s->groups[0].msd.n, 501);
    assert_int_equal(s->groups[0].vacf.n, 2001);
    assert_close(s->time_ps, 9.998, 1e-12, 0);
    assert_string_equal(s->mobile[0], "Li");
    /* F = E - T S for every group. */
    for (size_t g = 0; g < s->n_groups; g++) {
        const iw_vibration *v = &s->groups[g].vibration;
        assert_close(v->f_vib_meV, v->e_vib_meV - 600.0 * v->s_vib_meV_K, 1e-12, 0);
    }
    /* The trapezoid integral of the VACF, and D per axis that sums to three times D. */
    const iw_group_snapshot *li = iw_snapshot_group(s, "Li");
    double sum = 0.0;
    for (size_t k = 1; k < li->vacf.n; k++)
        sum += li->vacf.y[k - 1] + li->vacf.y[k];
    assert_close(li->D_green_kubo_cm2_s, sum / 3.0 * IW_A2_FS_CM2_S, 1e-12, 0);
    assert_memory_equal(&li->diffusion.D_cm2_s, &s->groups[1].diffusion.D_cm2_s, sizeof(double));
    assert_true(iw_engine_memory(engine) > 3 * MODEL_ATOMS * sizeof(double) * 1000);
    iw_snapshot_unref(&s);
    iw_engine_destroy(&engine);
    model_fini(&m);
}

static void
a_run_without_frames_has_a_snapshot(void **state)
{
    (void)state;
    model m;
    model_init(&m, 3, CELL_CUBIC, true, true, 5);
    iw_engine_options options;
    iw_engine_options_init(&options);
    iw_engine *engine = model_engine(&m, &options);
    for (size_t t = 0; t <= 3; t++) {
        model_send(&m, engine, t ? t - 1 : 0, t);
        iw_snapshot *s = model_snapshot(engine);
        assert_int_equal(s->frames, t);
        assert_true(isnan(s->groups[0].diffusion.D_cm2_s));
        assert_string_equal(s->convergence.state, "unknown");
        iw_snapshot_unref(&s);
    }
    iw_engine_destroy(&engine);
    model_fini(&m);
}

static void
a_run_without_a_mobile_species_says_so(void **state)
{
    (void)state;
    const char *const names[MODEL_ATOMS] = {"Al", "N", "N", "Al", "N", "N", "Al", "N", "Al"};
    model m;
    model_init(&m, 200, CELL_CUBIC, true, false, 5);
    iw_error err;
    assert_ok(iw_run_info_set_atoms(&m.run, MODEL_ATOMS, names, &err), err);
    if (!m.run.mass_amu)
        m.run.mass_amu = calloc(MODEL_ATOMS, sizeof(double));
    for (size_t i = 0; i < MODEL_ATOMS; i++)
        m.run.mass_amu[i] = iw_element_mass(names[i]);
    iw_engine_options options;
    iw_engine_options_init(&options);
    iw_engine *engine = model_engine(&m, &options);
    model_send(&m, engine, 0, 200);
    iw_snapshot *s = model_snapshot(engine);
    assert_non_null(snapshot_event(s, IW_EVENT_no_mobile));
    assert_int_equal(s->n_mobile, 0);
    assert_int_equal(s->n_groups, 3);
    assert_null(iw_snapshot_group(s, "mobile"));
    assert_non_null(iw_snapshot_group(s, "Al"));
    assert_string_equal(s->convergence.state, "unknown");
    iw_snapshot_unref(&s);
    iw_engine_destroy(&engine);
    model_fini(&m);
}

static void
a_choice_of_mobile_species_that_was_wrong_is_doubted(void **state)
{
    (void)state;
    const char *const sulfur[] = {"S"};
    model m;
    model_init(&m, 1500, CELL_CUBIC, true, true, 5);
    iw_engine_options options;
    iw_engine_options_init(&options);
    for (int wrong = 0; wrong < 2; wrong++) {
        options.mobile = wrong ? sulfur : NULL;
        options.n_mobile = wrong ? 1 : 0;
        iw_engine *engine = model_engine(&m, &options);
        model_send(&m, engine, 0, 1500);
        iw_snapshot *s = model_snapshot(engine);
        const iw_event *doubt = snapshot_event(s, IW_EVENT_mobile_doubt);
        assert_int_equal(doubt != NULL, wrong);
        if (doubt)
            assert_non_null(strstr(doubt->text, "the MSD of Li is"));
        iw_snapshot_unref(&s);
        iw_engine_destroy(&engine);
    }
    model_fini(&m);
}

static void
spectra_near_the_nyquist_energy_are_told(void **state)
{
    (void)state;
    enum { T = 600 };
    for (int fast = 0; fast < 2; fast++) {
        model m;
        model_init(&m, T, CELL_CUBIC, true, true, 5);
        double w = fast ? 2.9 : 0.4; /* radians a frame; pi is Nyquist */
        for (size_t t = 0; t < T; t++) {
            for (size_t i = 0; i < 3 * MODEL_ATOMS; i++)
                m.vel[3 * MODEL_ATOMS * t + i] = 0.01 * cos(w * (double)t + (double)i);
        }
        iw_engine_options options;
        iw_engine_options_init(&options);
        options.drift = IW_DRIFT_NONE;
        iw_engine *engine = model_engine(&m, &options);
        model_send(&m, engine, 0, T);
        iw_snapshot *s = model_snapshot(engine);
        assert_int_equal(snapshot_event(s, IW_EVENT_near_nyquist) != NULL, fast);
        iw_snapshot_unref(&s);
        iw_engine_destroy(&engine);
        model_fini(&m);
    }
}

static void
a_converged_run_asks_to_stop_once_and_for_good(void **state)
{
    (void)state;
    enum { T = 6000 };
    model m;
    model_init(&m, T, CELL_CUBIC, true, true, 5);
    iw_engine_options options;
    iw_engine_options_init(&options);
    options.convergence.mode[IW_RULE_PRECISION] = IW_STOP_STOP;
    options.convergence.target = 0.9;
    options.convergence.min_hops = 1.0;
    options.diffusion.alpha_tolerance = 0.9;
    options.diffusion.hop_length_A = 0.5;
    options.convergence.hold = 2;
    uint64_t stopped_at[2] = {0};
    for (int pass = 0; pass < 2; pass++) {
        iw_engine *engine = model_engine(&m, &options);
        const char *reason;
        for (size_t t = 0; t < T && !iw_engine_should_stop(engine, &reason); t += 25)
            model_send(&m, engine, t, t + 25);
        assert_true(iw_engine_should_stop(engine, &reason));
        assert_true(strlen(reason) > 0);
        stopped_at[pass] = iw_engine_frames(engine);
        iw_snapshot *s = model_snapshot(engine);
        assert_non_null(snapshot_event(s, IW_EVENT_converged));
        iw_snapshot_unref(&s);
        iw_engine_destroy(&engine);
    }
    assert_int_equal(stopped_at[0], stopped_at[1]);
    model_fini(&m);
}

static void
bad_options_and_runs_are_refused(void **state)
{
    (void)state;
    const char *const unknown[] = {"Na"}, *const every[] = {"Li", "S", "P"};
    model m;
    model_init(&m, 3, CELL_CUBIC, true, true, 5);
    iw_error err;
    for (int c = 0; c < 6; c++) {
        iw_engine_options o;
        iw_engine_options_init(&o);
        const char *said[] = {"Na is not in the run",
                              "VACF window of 0 ps",
                              "temperature of -1 K",
                              "cut-off of 0 meV",
                              "no atom belongs to the framework",
                              "differ in mass"};
        switch (c) {
        case 0:
            o.mobile = unknown;
            o.n_mobile = 1;
            break;
        case 1:
            o.vacf_window_ps = 0.0;
            break;
        case 2:
            o.temperature_K = -1.0;
            break;
        case 3:
            o.cutoff_meV = 0.0;
            break;
        case 4:
            o.drift = IW_DRIFT_FRAMEWORK;
            o.mobile = every;
            o.n_mobile = 3;
            break;
        default:
            m.run.mass_amu[3] = 7.016;
            break;
        }
        assert_null(iw_engine_new(&m.run, &o, &err));
        assert_int_equal(err.code, IW_INVALID);
        if (!strstr(err.text, said[c]))
            fail_msg("%s", err.text);
    }
    model_fini(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asking_changes_nothing_to_the_last_bit),
        cmocka_unit_test(ballistic_motion_is_not_diffusion),
        cmocka_unit_test(default_stride_is_ten_femtoseconds_and_the_window_four_picoseconds),
        cmocka_unit_test(a_run_without_frames_has_a_snapshot),
        cmocka_unit_test(a_run_without_a_mobile_species_says_so),
        cmocka_unit_test(a_choice_of_mobile_species_that_was_wrong_is_doubted),
        cmocka_unit_test(spectra_near_the_nyquist_energy_are_told),
        cmocka_unit_test(a_converged_run_asks_to_stop_once_and_for_good),
        cmocka_unit_test(bad_options_and_runs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
