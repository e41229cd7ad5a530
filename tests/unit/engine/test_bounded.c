/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The memory of an analysis stays within its limit, by an MSD of fewer frames; what comes out is to
 * the last bit what a run gives that was told that stride from the start. */
#include "averages.h"

/* Two blocks of the MSD are more than the limit. */
enum { T = 16000, LIMIT = 11 };

typedef struct {
    size_t limit_mib, stride;
    double window_ps;
    const char *skip;
    iw_replay_when replay;
} settings;

static iw_engine *
engine_with(const model *m, const settings *s)
{
    iw_engine_options options;
    iw_error err;
    iw_engine_options_init(&options);
    options.msd_stride = s->stride;
    options.memory_mib = s->limit_mib;
    options.vacf_window_ps = s->window_ps;
    assert_ok(iw_skip_parse(s->skip, &options.skip, &err), err);
    options.skip.replay = s->replay;
    return model_engine(m, &options);
}

static void
read_frame(const model *m, size_t t, iw_frame *frame)
{
    int64_t gap = t >= 3000 ? 5 : 0;
    frame->seq = t + 1 + (uint64_t)gap;
    frame->step = (int64_t)t + gap;
    frame->time_fs = 2.0 * (double)frame->step;
    frame->has_cell = true;
    memcpy(frame->cell_A, m->cell[t], sizeof frame->cell_A);
    memcpy(frame->pos_A, m->pos + 3 * MODEL_ATOMS * t, 3 * MODEL_ATOMS * sizeof(double));
    memcpy(frame->vel_A_fs, m->vel + 3 * MODEL_ATOMS * t, 3 * MODEL_ATOMS * sizeof(double));
    frame->has_velocities = m->velocities;
}

static void
replay(const model *m, iw_engine *engine, iw_frame *frame)
{
    iw_error err;
    for (size_t again = 0; iw_engine_wants_replay(engine); again++) {
        read_frame(m, again, frame);
        assert_ok(iw_engine_replay_push(engine, frame, &err), err);
    }
}

typedef struct {
    size_t n;
    size_t at[16]; /* frames after which the frames were read again */
    size_t most;   /* bytes that were to be held at most */
} replays;

/* All frames, read again wherever the engine wants it, and the end.  every > 0: with a snapshot
 * every so many frames. */
static replays
send_all(const model *m, iw_engine *engine, size_t every)
{
    replays found = {0};
    iw_frame frame;
    iw_error err;
    assert_ok(iw_frame_init(&frame, MODEL_ATOMS, &err), err);
    for (size_t t = 0; t < m->frames; t++) {
        read_frame(m, t, &frame);
        assert_ok(iw_engine_push(engine, &frame, &err), err);
        if (every > 0 && t % every == 0) {
            iw_snapshot *snapshot = model_snapshot(engine);
            iw_snapshot_unref(&snapshot);
        }
        if (iw_engine_wants_replay(engine)) {
            assert_in_range(found.n, 0, 15);
            found.at[found.n++] = t;
            replay(m, engine, &frame);
        }
        size_t held = iw_engine_memory(engine);
        found.most = held > found.most ? held : found.most;
    }
    iw_engine_conclude(engine);
    replay(m, engine, &frame);
    iw_frame_fini(&frame);
    return found;
}

static void
assert_same_averages(iw_engine *a, iw_engine *b)
{
    char *one = model_averages(a), *other = model_averages(b);
    assert_string_equal(one, other);
    free(one);
    free(other);
}

static void
a_thinned_run_is_one_of_that_stride_from_the_start(void **state)
{
    (void)state;
    for (int velocities = 0; velocities < 2; velocities++) {
        model m;
        model_init(&m, T, CELL_SKEWED, true, velocities, 3);
        const settings bounded = {LIMIT, 1, 0.4, "none",
                                  velocities ? IW_REPLAY_LIVE : IW_REPLAY_AT_END};
        iw_engine *engine = engine_with(&m, &bounded);
        replays found = send_all(&m, engine, 0);
        assert_int_equal(found.n, 2);
        assert_true(found.most <= (size_t)LIMIT << 20);
        assert_true(2 * found.most > (size_t)LIMIT << 20);
        const settings told = {0, 4, 0.4, "none", IW_REPLAY_LIVE};
        iw_engine *other = engine_with(&m, &told);
        assert_int_equal(send_all(&m, other, 0).n, 0);
        assert_same_averages(engine, other);
        iw_snapshot *snapshot = model_snapshot(engine);
        assert_close(snapshot->msd_dt_fs, 8.0, 1e-12, 0);
        const iw_event *event = snapshot_event(snapshot, IW_EVENT_thinned);
        assert_non_null(event);
        assert_int_equal(event->frame, found.at[0] + 1 + 5);
        assert_non_null(strstr(event->text, "limit of 11 MiB: one in 2 enters"));
        assert_null(snapshot_event(snapshot, IW_EVENT_memory));
        iw_snapshot_unref(&snapshot);
        iw_engine_destroy(&engine);
        iw_engine_destroy(&other);
        model_fini(&m);
    }
}

static void
the_moment_depends_on_the_frames_alone(void **state)
{
    (void)state;
    model m;
    model_init(&m, T, CELL_CUBIC, true, true, 4);
    const settings bounded = {LIMIT, 1, 0.4, "none", IW_REPLAY_LIVE};
    iw_engine *silent = engine_with(&m, &bounded), *asked = engine_with(&m, &bounded);
    replays a = send_all(&m, silent, 0), b = send_all(&m, asked, 371);
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.at, b.at, sizeof a.at);
    assert_int_equal(a.most, b.most);
    assert_same_averages(silent, asked);
    iw_engine_destroy(&silent);
    iw_engine_destroy(&asked);
    model_fini(&m);
}

/* A cold start that is left out, and a limit that is come to: in whatever order. */
static void
a_start_left_out_and_a_thinner_msd_go_together(void **state)
{
    (void)state;
    model m;
    model_init(&m, T, CELL_CUBIC, true, true, 5);
    for (size_t k = 0; k < 3 * MODEL_ATOMS * 1500; k++)
        m.vel[k] /= 3.0;
    const settings bounded = {LIMIT, 1, 0.4, "auto", IW_REPLAY_LIVE};
    iw_engine *engine = engine_with(&m, &bounded);
    assert_true(send_all(&m, engine, 0).n >= 3);
    iw_snapshot *snapshot = model_snapshot(engine);
    char fixed[40];
    (void)snprintf(fixed, sizeof fixed, "%.9g", snapshot->equilibration.skipped_ps);
    assert_close(snapshot->equilibration.skipped_ps, 3.0, 0.1, 0);
    size_t stride = (size_t)lround(snapshot->msd_dt_fs / 2.0);
    assert_true(stride == 2 || stride == 4);
    const settings told = {0, stride, 0.4, fixed, IW_REPLAY_NEVER};
    iw_engine *other = engine_with(&m, &told);
    (void)send_all(&m, other, 0);
    assert_same_averages(engine, other);
    iw_snapshot_unref(&snapshot);
    iw_engine_destroy(&engine);
    iw_engine_destroy(&other);
    model_fini(&m);
}

static void
assert_limit_told_once(const model *m, const settings *bounded, const char *words)
{
    settings free_of_it = *bounded;
    free_of_it.limit_mib = 0;
    iw_engine *engine = engine_with(m, bounded), *other = engine_with(m, &free_of_it);
    assert_int_equal(send_all(m, engine, 0).n, 0);
    (void)send_all(m, other, 0);
    iw_snapshot *snapshot = model_snapshot(engine);
    const iw_event *event = snapshot_event(snapshot, IW_EVENT_memory);
    assert_non_null(event);
    assert_int_equal(event->count, 1);
    if (!strstr(event->text, words))
        fail_msg("\"%s\" does not say \"%s\"", event->text, words);
    assert_same_averages(engine, other);
    iw_snapshot_unref(&snapshot);
    iw_engine_destroy(&engine);
    iw_engine_destroy(&other);
}

static void
a_limit_that_cannot_be_kept_is_told_once_and_the_run_goes_on(void **state)
{
    (void)state;
    model m;
    model_init(&m, 7900, CELL_CUBIC, true, true, 6);
    const settings pipe = {8, 1, 0.4, "none", IW_REPLAY_NEVER};
    assert_limit_told_once(&m, &pipe, "the input cannot be read again");
    const settings lags = {15, 2, 16.0, "none", IW_REPLAY_LIVE};
    assert_limit_told_once(&m, &lags, "lags of the VACF cost most");
    const settings few = {7, 4, 0.4, "none", IW_REPLAY_LIVE};
    assert_limit_told_once(&m, &few, "too few frames to be thinned");
    model_fini(&m);
}

/* What is saved is the wish, and what was made of it. */
static void
a_saved_engine_thins_as_the_one_that_was_not(void **state)
{
    (void)state;
    model m;
    model_init(&m, T, CELL_CUBIC, true, true, 7);
    const settings bounded = {LIMIT, 1, 0.4, "none", IW_REPLAY_LIVE};
    iw_engine *undisturbed = engine_with(&m, &bounded);
    replays found = send_all(&m, undisturbed, 0);
    const size_t instants[] = {found.at[0] - 1, found.at[0], found.at[0] + 1, found.at[1],
                               found.at[1] + 700};
    iw_frame frame;
    iw_error err;
    assert_ok(iw_frame_init(&frame, MODEL_ATOMS, &err), err);
    for (size_t i = 0; i < sizeof instants / sizeof *instants; i++) {
        iw_engine *engine = engine_with(&m, &bounded);
        iw_buffer saved = {0};
        for (size_t t = 0; t < T; t++) {
            read_frame(&m, t, &frame);
            assert_ok(iw_engine_push(engine, &frame, &err), err);
            if (t == instants[i]) {
                iw_archive archive;
                iw_archive_to_buffer(&archive, &saved);
                iw_engine_archive(engine, &archive);
                assert_ok(iw_archive_status(&archive, &err), err);
                iw_engine_destroy(&engine);
                engine = engine_with(&m, &bounded);
                iw_archive_cursor cursor = {saved.data, saved.size, 0};
                iw_archive_from_memory(&archive, &cursor);
                iw_engine_archive(engine, &archive);
                assert_ok(iw_archive_status(&archive, &err), err);
            }
            assert_int_equal(iw_engine_wants_replay(engine), t == found.at[0] || t == found.at[1]);
            replay(&m, engine, &frame);
        }
        assert_same_averages(engine, undisturbed);
        iw_engine_destroy(&engine);
        iw_buffer_fini(&saved);
    }
    iw_frame_fini(&frame);
    iw_engine_destroy(&undisturbed);
    model_fini(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thinned_run_is_one_of_that_stride_from_the_start),
        cmocka_unit_test(the_moment_depends_on_the_frames_alone),
        cmocka_unit_test(a_start_left_out_and_a_thinner_msd_go_together),
        cmocka_unit_test(a_limit_that_cannot_be_kept_is_told_once_and_the_run_goes_on),
        cmocka_unit_test(a_saved_engine_thins_as_the_one_that_was_not),
    };
    return cmocka_run_group_tests_name("bounded memory", tests, NULL, NULL);
}
