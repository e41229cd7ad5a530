/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every allocation of the chain fails once: the answer is NO_MEMORY, and nothing is leaked or
 * touched after it was freed (the sanitizer build watches). */
#include "publish/json.h"
#include "story.h"

enum { COLD = 100 };

static long left = -1; /* allocations until one fails; negative: none does */
static bool failed;

static bool
fails(void)
{
    failed = failed || left == 0;
    return left >= 0 && left-- == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *
__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

/* All frames, then those that are wanted again: the start is cold, so that it is left out. */
static iw_status
push_frames(const model *m, iw_engine *engine, iw_frame *frame, iw_error *err)
{
    bool again = false;
    for (size_t t = 0; t < m->frames || again; t++) {
        frame->seq = t + 1;
        frame->step = (int64_t)(t + 3 * (t / 50)); /* gaps: events must fit */
        frame->time_fs = 2.0 * (double)frame->step;
        frame->has_cell = frame->has_velocities = true;
        memcpy(frame->cell_A, m->cell[t], sizeof frame->cell_A);
        memcpy(frame->pos_A, m->pos + 3 * MODEL_ATOMS * t, 3 * MODEL_ATOMS * sizeof(double));
        memcpy(frame->vel_A_fs, m->vel + 3 * MODEL_ATOMS * t, 3 * MODEL_ATOMS * sizeof(double));
        for (size_t k = 0; k < 3 * MODEL_ATOMS && t < COLD; k++)
            frame->vel_A_fs[k] /= 10.0;
        iw_status status =
            again ? iw_engine_replay_push(engine, frame, err) : iw_engine_push(engine, frame, err);
        if (status != IW_OK)
            return status;
        if (!again && t + 1 == m->frames) {
            iw_engine_conclude(engine);
            again = iw_engine_wants_replay(engine);
            t = again ? SIZE_MAX : t; /* the first one is next */
        } else if (again) {
            again = iw_engine_wants_replay(engine);
            t = again ? t : m->frames;
        }
    }
    return IW_OK;
}

/* One whole analysis. */
static iw_status
analyse(const model *m, iw_frame *frame)
{
    iw_engine_options options;
    iw_engine_options_init(&options);
    options.msd_stride = 1;
    options.vacf_window_ps = 0.04; /* blocks of 64 frames: there are epochs, and errors by them */
    options.skip.replay = IW_REPLAY_AT_END;
    iw_error err = {0};
    json_t *json = NULL;
    iw_snapshot *snapshot = NULL;
    iw_engine *engine = iw_engine_new(&m->run, &options, &err);
    iw_status status = engine ? push_frames(m, engine, frame, &err) : err.code;
    if (status == IW_OK) {
        snapshot = iw_engine_snapshot(engine, "analysed", &err);
        status = snapshot ? IW_OK : err.code;
    }
    if (snapshot) {
        assert_in_range(snapshot->equilibration.skipped_frames, COLD, COLD + 15);
        json = iw_snapshot_json(snapshot, IW_JSON_SERIES);
        status = json ? IW_OK : IW_NO_MEMORY;
    }
    left = -1;
    json_decref(json);
    iw_snapshot_unref(&snapshot);
    iw_engine_destroy(&engine);
    return status;
}

static void
every_allocation_may_fail(void **state)
{
    (void)state;
    model m;
    model_init(&m, 400, CELL_CHANGING, true, true, 5);
    m.run.charge_e = calloc(MODEL_ATOMS, sizeof(double));
    for (size_t i = 0; i < MODEL_ATOMS; i++)
        m.run.charge_e[i] = i % 2 ? -1.0 : 1.0; /* +1 in all: one event more */
    iw_frame frame;
    iw_error err;
    assert_ok(iw_frame_init(&frame, MODEL_ATOMS, &err), err);
    assert_int_equal(analyse(&m, &frame), IW_OK);
    long k = 0;
    do {
        left = k++;
        failed = false;
        iw_status status = analyse(&m, &frame);
        if (status != (failed ? IW_NO_MEMORY : IW_OK))
            fail_msg("allocation %ld %s: status %d", k, failed ? "failed" : "was the last",
                     (int)status);
    } while (failed);
    assert_true(k > 100);
    iw_frame_fini(&frame);
    model_fini(&m);
}

/* Into a new engine, whose own allocations are given. */
static iw_status
load(const story *s, const iw_buffer *state, long allocations)
{
    iw_archive archive;
    iw_archive_cursor cursor = {.data = state->data, .size = state->size};
    iw_engine *engine = story_engine(s);
    iw_archive_from_memory(&archive, &cursor);
    failed = false;
    left = allocations;
    iw_engine_archive(engine, &archive);
    left = -1;
    iw_engine_destroy(&engine);
    return iw_archive_status(&archive, NULL);
}

/* With closed blocks, marks of epochs, method paper; and with frames that wait. */
static void
every_allocation_of_a_load_may_fail(void **state)
{
    (void)state;
    for (int waiting = 0; waiting < 2; waiting++) {
        story s;
        iw_error err;
        iw_archive archive;
        iw_buffer bytes = {0};
        waiting ? story_of_stamps(&s) : story_of_gaps(&s);
        iw_engine *engine = story_engine(&s);
        for (size_t t = 0; t < (waiting ? 4 : s.n); t++)
            story_push(&s, engine, t);
        if (!waiting)
            story_paper(&s, engine, 70);
        iw_archive_to_buffer(&archive, &bytes);
        iw_engine_archive(engine, &archive);
        assert_ok(iw_archive_status(&archive, &err), err);
        iw_engine_destroy(&engine);
        long k = 0;
        do {
            iw_status status = load(&s, &bytes, k++);
            assert_int_equal(status, failed ? IW_NO_MEMORY : IW_OK);
        } while (failed);
        assert_true(k > (waiting ? 5 : 40));
        iw_buffer_fini(&bytes);
        story_fini(&s);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(every_allocation_of_a_load_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
