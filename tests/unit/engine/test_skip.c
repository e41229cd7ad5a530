/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is left out of the averages at the start: against runs that begin later, and to the last bit
 * between the ways that lead there.  docs/physics.md, "Equilibration". */
#include "averages.h"

enum { T = 2400, COLD = 500 };

/* A run whose velocities begin at a third of their size; a gap in the settled part. */
static void
cold_start(model *m)
{
    model_init(m, T, CELL_CUBIC, true, true, 5);
    for (size_t k = 0; k < 3 * MODEL_ATOMS * COLD; k++)
        m->vel[k] /= 3.0;
    m->begins[1900] = true;
}

static void
read_frame(const model *m, size_t t, iw_frame *frame)
{
    int64_t gap = t >= 1900 ? 5 : 0;
    frame->seq = t + 1 + (uint64_t)gap;
    frame->step = (int64_t)t + gap;
    frame->time_fs = 2.0 * (double)frame->step;
    frame->has_cell = true;
    memcpy(frame->cell_A, m->cell[t], sizeof frame->cell_A);
    memcpy(frame->pos_A, m->pos + 3 * MODEL_ATOMS * t, 3 * MODEL_ATOMS * sizeof(double));
    memcpy(frame->vel_A_fs, m->vel + 3 * MODEL_ATOMS * t, 3 * MODEL_ATOMS * sizeof(double));
    frame->has_velocities = m->velocities;
}

/* repeated > 0: those before `restart` come twice, as a restarted MD code sends them. */
typedef struct {
    const model *m;
    size_t from, at, to;
    size_t restart, repeated;
    size_t again; /* of them, so far */
} reading;

static iw_status
next_frame(void *state, iw_frame *frame, iw_error *err)
{
    reading *self = state;
    (void)err;
    if (self->at == self->to)
        return IW_END;
    if (self->at == self->restart && self->again < self->repeated)
        read_frame(self->m, self->restart - self->repeated + self->again++, frame);
    else
        read_frame(self->m, self->at++, frame);
    frame->seq = self->at + self->again;
    return IW_OK;
}

static iw_status
first_frame(void *state, iw_error *err)
{
    reading *self = state;
    (void)err;
    self->at = self->from;
    self->again = 0;
    return IW_OK;
}

static iw_source
source_of(reading *self)
{
    return (iw_source){
        .self = self, .run = &self->m->run, .next = next_frame, .rewind = first_frame};
}

static iw_engine *
engine_with(const model *m, const char *skip, iw_replay_when replay)
{
    iw_engine_options options;
    iw_error err;
    iw_engine_options_init(&options);
    options.msd_stride = 1;
    options.vacf_window_ps = 0.4;
    options.skip.replay = replay;
    assert_ok(iw_skip_parse(skip, &options.skip, &err), err);
    return model_engine(m, &options);
}

/* All frames, read again wherever the engine wants it, and the end. */
static size_t
send_all(const model *m, iw_engine *engine)
{
    iw_frame frame;
    iw_error err;
    size_t replays = 0;
    assert_ok(iw_frame_init(&frame, MODEL_ATOMS, &err), err);
    for (size_t t = 0; t <= m->frames; t++) {
        if (t < m->frames) {
            read_frame(m, t, &frame);
            assert_ok(iw_engine_push(engine, &frame, &err), err);
        } else {
            iw_engine_conclude(engine);
        }
        replays += iw_engine_wants_replay(engine);
        for (size_t again = 0; iw_engine_wants_replay(engine); again++) {
            read_frame(m, again, &frame);
            assert_ok(iw_engine_replay_push(engine, &frame, &err), err);
        }
    }
    iw_frame_fini(&frame);
    return replays;
}

static void
what_is_left_out_might_as_well_not_have_been_sent(void **state)
{
    (void)state;
    for (int velocities = 0; velocities < 2; velocities++) {
        model m;
        cold_start(&m);
        m.velocities = velocities;
        iw_engine *skipping = engine_with(&m, "1.0", IW_REPLAY_NEVER);
        iw_engine *later = engine_with(&m, "none", IW_REPLAY_NEVER);
        model_send(&m, skipping, 0, T);
        model_send(&m, later, 500, T); /* 1 ps is 500 frames of 2 fs */
        iw_snapshot *a = model_snapshot(skipping), *b = model_snapshot(later);
        assert_int_equal(a->equilibration.skipped_frames, 500);
        assert_close(a->equilibration.skipped_ps, 1.0, 1e-12, 0);
        assert_close(a->equilibration.averaged_ps, b->time_ps, 1e-12, 0);
        assert_int_equal(a->frames, T);
        assert_string_equal(a->equilibration.rule, "fixed");
        assert_non_null(snapshot_event(a, IW_EVENT_equilibration));
        assert_null(snapshot_event(b, IW_EVENT_equilibration));
        if (velocities)
            assert_close(a->temperature_measured_K, b->temperature_measured_K, 1e-12, 0);
        assert_int_equal(a->n_groups, b->n_groups);
        for (size_t g = 0; g < a->n_groups; g++) {
            const iw_group_snapshot *x = &a->groups[g], *y = &b->groups[g];
            assert_int_equal(x->msd.n, y->msd.n);
            assert_int_equal(x->vacf.n, y->vacf.n);
            for (size_t k = 0; k < x->msd.n; k++)
                assert_close(x->msd.y[k], y->msd.y[k], 1e-9, 1e-9);
            for (size_t k = 0; k < x->vacf.n; k++)
                assert_close(x->vacf.y[k], y->vacf.y[k], 1e-9, 1e-12);
            assert_int_equal(isnan(x->diffusion.D_cm2_s), isnan(y->diffusion.D_cm2_s));
            if (isfinite(x->diffusion.D_cm2_s))
                assert_close(x->diffusion.D_cm2_s, y->diffusion.D_cm2_s, 1e-6, 1e-15);
        }
        iw_snapshot_unref(&a);
        iw_snapshot_unref(&b);
        iw_engine_destroy(&skipping);
        iw_engine_destroy(&later);
        model_fini(&m);
    }
}

static void
a_cold_start_is_found_and_the_way_there_leaves_no_trace(void **state)
{
    (void)state;
    model m;
    cold_start(&m);
    iw_engine *live = engine_with(&m, "auto", IW_REPLAY_LIVE);
    iw_engine *file = engine_with(&m, "auto", IW_REPLAY_AT_END);
    assert_true(send_all(&m, live) >= 2); /* in the course of the run, and at its end */
    assert_int_equal(send_all(&m, file), 1);
    iw_snapshot *s = model_snapshot(live);
    const iw_equilibration_snapshot *e = &s->equilibration;
    assert_string_equal(e->rule, "auto");
    assert_string_equal(e->by, "temperature");
    assert_close((double)e->skipped_frames, COLD, 0.1, 0);
    assert_close(e->detected_ps, e->skipped_ps, 1e-12, 0);
    assert_close(e->averaged_ps, s->time_ps - e->skipped_ps, 1e-12, 0);
    const iw_event *event = snapshot_event(s, IW_EVENT_equilibration);
    assert_non_null(event);
    assert_non_null(strstr(event->text, "temperature: mean"));
    /* Frames that are read again tell their events once. */
    assert_non_null(snapshot_event(s, IW_EVENT_gap));
    assert_int_equal(snapshot_event(s, IW_EVENT_gap)->count, 1);
    assert_int_equal(s->frames, T);
    assert_int_equal(s->segments, 2);
    char fixed[40];
    (void)snprintf(fixed, sizeof fixed, "%.9g", e->skipped_ps);
    iw_engine *told = engine_with(&m, fixed, IW_REPLAY_NEVER);
    assert_int_equal(send_all(&m, told), 0);
    char *a = model_averages(live), *b = model_averages(file), *c = model_averages(told);
    assert_string_equal(a, b);
    assert_string_equal(a, c);
    free(a);
    free(b);
    free(c);
    iw_snapshot_unref(&s);
    iw_engine_destroy(&live);
    iw_engine_destroy(&file);
    iw_engine_destroy(&told);
    model_fini(&m);
}

static void
input_that_cannot_be_read_again_is_averaged_whole_and_says_so(void **state)
{
    (void)state;
    model m;
    cold_start(&m);
    iw_engine *pipe = engine_with(&m, "auto", IW_REPLAY_NEVER);
    iw_engine *none = engine_with(&m, "none", IW_REPLAY_LIVE);
    assert_int_equal(send_all(&m, pipe), 0);
    assert_int_equal(send_all(&m, none), 0);
    iw_snapshot *s = model_snapshot(pipe), *n = model_snapshot(none);
    assert_int_equal(s->equilibration.skipped_frames, 0);
    assert_close(s->equilibration.averaged_ps, s->time_ps, 0, 0);
    assert_true(s->equilibration.detected_ps > 0.5);
    assert_non_null(strstr(s->equilibration.reason, "cannot be read again"));
    assert_null(snapshot_event(s, IW_EVENT_equilibration));
    assert_string_equal(n->equilibration.rule, "none");
    assert_close(n->equilibration.detected_ps, s->equilibration.detected_ps, 0, 0);
    assert_null(strstr(n->equilibration.reason, "left out"));
    char *a = model_averages(pipe), *b = model_averages(none);
    assert_string_equal(a, b);
    free(a);
    free(b);
    iw_snapshot_unref(&s);
    iw_snapshot_unref(&n);
    iw_engine_destroy(&pipe);
    iw_engine_destroy(&none);
    model_fini(&m);
}

static void
method_paper_leaves_out_the_same_frames(void **state)
{
    (void)state;
    model m;
    iw_error err;
    cold_start(&m);
    m.begins[1900] = false;
    reading all = {.m = &m, .from = 0, .to = 1900}, late = {.m = &m, .from = 500, .to = 1900};
    iw_source of_all = source_of(&all), of_late = source_of(&late);
    iw_engine *skipping = engine_with(&m, "1", IW_REPLAY_NEVER);
    iw_engine *later = engine_with(&m, "none", IW_REPLAY_NEVER);
    model_send(&m, skipping, 0, 1900);
    model_send(&m, later, 500, 1900);
    for (size_t k = 0; k < 2; k++) { /* the second reading is as the first one */
        assert_ok(iw_engine_paper(skipping, &of_all, &err), err);
        all.restart = 520; /* and a restart across the first frame that counts changes nothing */
        all.repeated = 100;
    }
    assert_ok(iw_engine_paper(later, &of_late, &err), err);
    iw_snapshot *a = model_snapshot(skipping), *b = model_snapshot(later);
    for (size_t g = 0; g < a->n_groups; g++) {
        assert_true(a->groups[g].has_paper);
        assert_int_equal(a->groups[g].vdos_paper.n, b->groups[g].vdos_paper.n);
        assert_close(a->groups[g].paper.omega_mean_meV, b->groups[g].paper.omega_mean_meV, 1e-12,
                     0);
    }
    iw_snapshot_unref(&a);
    iw_snapshot_unref(&b);
    iw_engine_destroy(&skipping);
    iw_engine_destroy(&later);
    model_fini(&m);
}

static void
a_source_that_has_become_shorter_is_refused(void **state)
{
    (void)state;
    model m;
    iw_error err;
    cold_start(&m);
    reading shorter = {.m = &m, .to = 1000}, whole = {.m = &m, .to = T};
    iw_source of_shorter = source_of(&shorter), of_whole = source_of(&whole);
    iw_engine *engine = engine_with(&m, "auto", IW_REPLAY_AT_END);
    assert_ok(iw_engine_replay(engine, &of_whole, &err), err); /* nothing is wanted yet */
    model_send(&m, engine, 0, T);
    iw_engine_conclude(engine);
    assert_true(iw_engine_wants_replay(engine));
    assert_int_equal(iw_engine_replay(engine, &of_shorter, &err), IW_CORRUPT);
    assert_non_null(strstr(err.text, "1000 of its 2400 frames"));
    iw_engine_destroy(&engine);
    engine = engine_with(&m, "auto", IW_REPLAY_AT_END);
    model_send(&m, engine, 0, T);
    iw_engine_conclude(engine);
    assert_ok(iw_engine_replay(engine, &of_whole, &err), err);
    assert_false(iw_engine_wants_replay(engine));
    iw_engine_conclude(engine); /* the same frames say the same */
    assert_false(iw_engine_wants_replay(engine));
    iw_engine_destroy(&engine);
    model_fini(&m);
}

/* Everything is left out as long as the run is shorter; then it begins. */
static void
a_run_shorter_than_what_is_left_out_has_no_averages(void **state)
{
    (void)state;
    model m;
    cold_start(&m);
    iw_engine *engine = engine_with(&m, "2.4", IW_REPLAY_NEVER);
    model_send(&m, engine, 0, 1200);
    iw_snapshot *s = model_snapshot(engine);
    assert_int_equal(s->equilibration.skipped_frames, 1200);
    assert_close(s->equilibration.averaged_ps, 0.0, 0, 0);
    assert_true(isnan(s->groups[0].diffusion.D_cm2_s));
    assert_true(isnan(s->temperature_measured_K));
    iw_snapshot_unref(&s);
    model_send(&m, engine, 1200, T);
    s = model_snapshot(engine);
    assert_int_equal(s->equilibration.skipped_frames, 1200);
    assert_true(isfinite(s->groups[0].diffusion.D_cm2_s));
    iw_snapshot_unref(&s);
    iw_engine_destroy(&engine);
    model_fini(&m);
}

static void
words_and_times_are_read_and_others_refused(void **state)
{
    (void)state;
    iw_skip_options skip = {.replay = IW_REPLAY_LIVE};
    iw_error err;
    assert_ok(iw_skip_parse("2.5", &skip, &err), err);
    assert_int_equal(skip.rule, IW_SKIP_FIXED);
    assert_close(skip.fixed_ps, 2.5, 0, 0);
    assert_int_equal(skip.replay, IW_REPLAY_LIVE);
    assert_ok(iw_skip_parse("none", &skip, &err), err);
    assert_int_equal(skip.rule, IW_SKIP_NONE);
    assert_ok(iw_skip_parse("auto", &skip, &err), err);
    assert_int_equal(skip.rule, IW_SKIP_AUTO);
    static const char *const wrong[] = {"", "-1", "nan", "inf", "1ps", "automatic"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(iw_skip_parse(wrong[i], &skip, &err), IW_INVALID);
        assert_non_null(strstr(err.text, wrong[i]));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_out_might_as_well_not_have_been_sent),
        cmocka_unit_test(a_cold_start_is_found_and_the_way_there_leaves_no_trace),
        cmocka_unit_test(input_that_cannot_be_read_again_is_averaged_whole_and_says_so),
        cmocka_unit_test(method_paper_leaves_out_the_same_frames),
        cmocka_unit_test(a_source_that_has_become_shorter_is_refused),
        cmocka_unit_test(a_run_shorter_than_what_is_left_out_has_no_averages),
        cmocka_unit_test(words_and_times_are_read_and_others_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
