/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The history of a run: each point against the analysis of the first frames alone, traces against
 * the frames.  docs/physics.md, "History". */
#include "averages.h"

enum { T = 3000, GAP = 1301 };

static void
made_run(model *m)
{
    model_init(m, T, CELL_CHANGING, true, true, 17);
    m->begins[GAP] = true;
}

static iw_engine *
engine_of(const model *m, iw_stop_mode rules)
{
    iw_engine_options options;
    iw_engine_options_init(&options);
    options.msd_stride = 1;
    options.vacf_window_ps = 0.1;
    for (iw_rule rule = 0; rule < IW_RULE_COUNT; rule++)
        options.convergence.mode[rule] = rules;
    return model_engine(m, &options);
}

/* NAN equals NAN. */
static void
assert_same(double actual, double expected)
{
    if (isnan(actual) || isnan(expected))
        assert_true(isnan(actual) && isnan(expected));
    else
        assert_close(actual, expected, 0, 0);
}

/* The number of frames at check k, by the words of docs/physics.md. */
static size_t
check(size_t k)
{
    size_t frames = 100;
    while (k-- > 0)
        frames += frames < 2000 ? 100 : (size_t)(0.05 * (double)frames);
    return frames;
}

static void
each_point_is_what_the_first_frames_alone_say(void **state)
{
    (void)state;
    model m;
    made_run(&m);
    iw_engine *whole = engine_of(&m, IW_STOP_ADVISE);
    model_send(&m, whole, 0, T);
    iw_snapshot *all = model_snapshot(whole);
    size_t known = 0, n_checks = 0;
    for (size_t n; (n = check(n_checks)) <= T; n_checks++) {
        iw_engine *part = engine_of(&m, IW_STOP_ADVISE);
        model_send(&m, part, 0, n);
        iw_snapshot *now = model_snapshot(part);
        const iw_diffusion *D = &iw_snapshot_group(now, "mobile")->diffusion;
        if (isfinite(D->D_cm2_s)) {
            assert_true(known < all->n_history);
            const iw_history_point *point = &all->history[known++];
            assert_close(point->time_ps, now->time_ps, 0, 0);
            assert_close(point->D_cm2_s, D->D_cm2_s, 0, 0);
            assert_same(point->stderr_cm2_s, D->stderr_cm2_s);
            assert_same(point->lower_cm2_s, D->ci95_cm2_s[0]);
            assert_same(point->upper_cm2_s, D->ci95_cm2_s[1]);
            assert_same(point->relative_error, now->convergence.relative_error);
        }
        iw_snapshot_unref(&now);
        iw_engine_destroy(&part);
    }
    assert_true(known > 20);
    assert_int_equal(known, all->n_history);
    iw_snapshot_unref(&all);
    iw_engine_destroy(&whole);
    model_fini(&m);
}

static void
points_are_the_same_without_rules_and_whoever_looks(void **state)
{
    (void)state;
    model m;
    made_run(&m);
    iw_engine *ruled = engine_of(&m, IW_STOP_ADVISE), *unruled = engine_of(&m, IW_STOP_OFF);
    model_send(&m, ruled, 0, T);
    for (size_t t = 0; t < T; t += 37) {
        model_send(&m, unruled, t, t + 37 < T ? t + 37 : T);
        iw_snapshot *look = model_snapshot(unruled);
        iw_snapshot_unref(&look);
    }
    iw_snapshot *a = model_snapshot(ruled), *b = model_snapshot(unruled);
    assert_true(a->n_history > 20);
    assert_int_equal(a->n_history, b->n_history);
    assert_memory_equal(a->history, b->history, a->n_history * sizeof *a->history);
    assert_close(a->target, 0.20, 0, 0);
    assert_close(b->target, 0.20, 0, 0); /* predictions are for it in any case */
    iw_snapshot_unref(&a);
    iw_snapshot_unref(&b);
    iw_engine_destroy(&ruled);
    iw_engine_destroy(&unruled);
    model_fini(&m);
}

static void
where_nothing_is_mobile_there_is_no_history_of_it(void **state)
{
    (void)state;
    model m;
    model_init(&m, 500, CELL_CUBIC, true, true, 3);
    memcpy(m.run.species[0], "Rb", 3); /* not one of those that are mobile unasked */
    iw_engine *engine = engine_of(&m, IW_STOP_ADVISE);
    model_send(&m, engine, 0, 500);
    iw_snapshot *s = model_snapshot(engine);
    assert_null(iw_snapshot_group(s, "mobile"));
    assert_int_equal(s->n_history, 0);
    assert_int_equal(s->n_traces, 250);
    iw_snapshot_unref(&s);
    iw_engine_destroy(&engine);
    model_fini(&m);
}

static double
volume_of(const double c[9])
{
    return fabs(c[0] * (c[4] * c[8] - c[5] * c[7]) - c[1] * (c[3] * c[8] - c[5] * c[6]) +
                c[2] * (c[3] * c[7] - c[4] * c[6]));
}

/* Volumes of the frames as they were sent, in bins of the width that T frames come to. */
static void
traces_are_means_over_the_frames_as_they_came(void **state)
{
    (void)state;
    enum { WIDTH = 16 }; /* 2999 - 1 intervals: 256 bins of 8 are 2048 */
    model m;
    made_run(&m);
    iw_engine *engine = engine_of(&m, IW_STOP_ADVISE);
    model_send(&m, engine, 0, T);
    iw_snapshot *s = model_snapshot(engine);
    double volume[T / WIDTH + 1] = {0}, time_ps[T / WIDTH + 1] = {0};
    size_t frames[T / WIDTH + 1] = {0}, bins = 0;
    for (size_t t = 0; t < T; t++) {
        size_t intervals = t < GAP ? t : t - 1;
        bins = intervals / WIDTH + 1;
        volume[bins - 1] += volume_of(m.cell[t]);
        time_ps[bins - 1] += 0.002 * (double)intervals;
        frames[bins - 1]++;
    }
    assert_int_equal(s->n_traces, bins);
    double sum_K = 0.0;
    for (size_t k = 0; k < bins; k++) {
        double n = (double)frames[k];
        assert_close(s->traces[k].time_ps, time_ps[k] / n, 1e-12, 0);
        assert_close(s->traces[k].value[IW_TRACE_VOLUME], volume[k] / n, 1e-10, 0);
        assert_true(isnan(s->traces[k].value[IW_TRACE_ENERGY])); /* none was sent */
        sum_K += n * s->traces[k].value[IW_TRACE_TEMPERATURE];
    }
    assert_close(sum_K / T, s->temperature_measured_K, 1e-9, 0);
    assert_close(s->traces[bins - 1].value[IW_TRACE_FRAMEWORK], s->health.framework_msd_A2, 0.5, 0);
    iw_snapshot_unref(&s);
    iw_engine_destroy(&engine);
    model_fini(&m);
}

static void
the_record_has_it_with_the_series_and_leaves_out_what_was_never_known(void **state)
{
    (void)state;
    static const char *const columns[] = {"time_ps",     "D_cm2_s",     "stderr_cm2_s",
                                          "lower_cm2_s", "upper_cm2_s", "relative_error"};
    model m;
    made_run(&m);
    iw_engine *engine = engine_of(&m, IW_STOP_ADVISE);
    model_send(&m, engine, 0, T);
    iw_snapshot *s = model_snapshot(engine);
    json_t *plain = iw_snapshot_json(s, 0), *thin = iw_snapshot_json(s, IW_JSON_SERIES);
    json_t *full = iw_snapshot_json(s, IW_JSON_FULL);
    assert_null(json_object_get(plain, "history"));
    assert_close(json_real_value(json_object_get(json_object_get(plain, "convergence"), "target")),
                 0.20, 0, 0);
    const json_t *history = json_object_get(thin, "history");
    assert_true(json_equal(history, json_object_get(full, "history")));
    const json_t *diffusion = json_object_get(history, "diffusion");
    assert_int_equal(json_object_size(diffusion), sizeof columns / sizeof *columns);
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
        const json_t *column = json_object_get(diffusion, columns[c]);
        assert_int_equal(json_array_size(column), s->n_history);
        const double *row = &s->history[s->n_history - 1].time_ps;
        assert_close(json_real_value(json_array_get(column, s->n_history - 1)), row[c], 0, 0);
    }
    const json_t *health = json_object_get(history, "health");
    assert_int_equal(json_array_size(json_object_get(health, "temperature_K")), s->n_traces);
    assert_int_equal(json_array_size(json_object_get(health, "volume_A3")), s->n_traces);
    assert_int_equal(json_array_size(json_object_get(health, "framework_msd_A2")), s->n_traces);
    assert_null(json_object_get(health, "energy_meV_atom"));
    json_decref(plain);
    json_decref(thin);
    json_decref(full);
    iw_snapshot_unref(&s);
    iw_engine_destroy(&engine);
    model_fini(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_point_is_what_the_first_frames_alone_say),
        cmocka_unit_test(points_are_the_same_without_rules_and_whoever_looks),
        cmocka_unit_test(where_nothing_is_mobile_there_is_no_history_of_it),
        cmocka_unit_test(traces_are_means_over_the_frames_as_they_came),
        cmocka_unit_test(the_record_has_it_with_the_series_and_leaves_out_what_was_never_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
