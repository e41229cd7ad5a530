/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_state [--stride N] FRAMES... - what a checkpoint of an analysis holds and takes, beside
 * reading its frames again: 300 atoms, frames 2 fs apart, the options of the daemon.
 *
 * "inline" is all in one piece; "rest" is what is left where bulk, which never changes again, is
 * kept elsewhere.  Each is saved twice, and the second time is told: bulk is there already then.
 */
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ATOMS = 300 };

static double
now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static _Noreturn void
die(const char *what)
{
    (void)fprintf(stderr, "bench_state: %s\n", what);
    exit(1);
}

/* ---- the run ---- */

static double
uniform(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (double)((*state * 0x2545F4914F6CDD1DULL) >> 11) * 0x1.0p-53 - 0.5;
}

static void
set_run(iw_run_info *run)
{
    static const char *const kinds[] = {"Li", "P", "S"};
    const char *names[ATOMS];
    iw_error err;
    for (size_t i = 0; i < ATOMS; i++)
        names[i] = kinds[i % 3];
    iw_run_info_init(run);
    if (iw_run_info_set_atoms(run, ATOMS, names, &err) != IW_OK)
        die(err.text);
    run->timestep_fs = 2.0;
    run->wrapped = true;
    run->temperature_K = 600.0;
}

/* Li walks at random, the others stay near their places. */
static void
move(iw_frame *frame, uint64_t *random)
{
    frame->seq++;
    frame->step++;
    frame->time_fs += 2.0;
    for (size_t c = 0; c < 3 * (size_t)ATOMS; c++) {
        double step_A = 0.04 * uniform(random);
        if (c / 3 % 3 != 0)
            step_A -= 0.01 * (frame->pos_A[c] - (double)(c * 7 % 24));
        frame->pos_A[c] += step_A;
        frame->vel_A_fs[c] = 0.5 * step_A;
    }
}

static iw_engine *
new_engine(const iw_run_info *run, size_t stride)
{
    iw_engine_options options;
    iw_error err;
    iw_engine_options_init(&options);
    options.msd_stride = stride;
    options.skip.rule = IW_SKIP_NONE;
    iw_engine *engine = iw_engine_new(run, &options, &err);
    if (!engine)
        die(err.text);
    return engine;
}

/* ---- a place with room of its own for bulk ---- */

typedef struct {
    iw_buffer rest, bulk;
    size_t rest_at, bulk_at;
    bool kept; /* all bulk is there */
} keeper;

static iw_status
keep(void *self, const void *data, size_t size, iw_error *err)
{
    return iw_buffer_append(&((keeper *)self)->rest, data, size, err);
}

static iw_status
put(void *self, iw_archive_key key, const void *data, size_t size, iw_error *err)
{
    keeper *k = self;
    (void)key;
    return k->kept ? IW_OK : iw_buffer_append(&k->bulk, data, size, err);
}

static iw_status
take(const iw_buffer *from, size_t *at, void *data, size_t size, iw_error *err)
{
    if (size > from->size - *at)
        return iw_fail(err, IW_CORRUPT, "too short");
    memcpy(data, from->data + *at, size);
    *at += size;
    return IW_OK;
}

static iw_status
give(void *self, void *data, size_t size, iw_error *err)
{
    keeper *k = self;
    return take(&k->rest, &k->rest_at, data, size, err);
}

static iw_status
get(void *self, iw_archive_key key, void *data, size_t size, iw_error *err)
{
    keeper *k = self;
    (void)key;
    return take(&k->bulk, &k->bulk_at, data, size, err);
}

static uint64_t
left(const void *self)
{
    const keeper *k = self;
    return k->rest.size - k->rest_at + k->bulk.size - k->bulk_at;
}

/* ms that one way takes. */
static double
archive(iw_engine *engine, const iw_archive_place *place)
{
    iw_archive self;
    iw_error err;
    double start = now_ms();
    iw_archive_begin(&self, place);
    iw_engine_archive(engine, &self);
    if (iw_archive_status(&self, &err) != IW_OK)
        die(err.text);
    return now_ms() - start;
}

static void
measure(const iw_run_info *run, size_t stride, bool apart, iw_engine *engine)
{
    keeper k = {.rest_at = 0};
    iw_archive_place out = {.self = &k, .write = keep}, in = {.self = &k, .read = give};
    double save_ms = 0.0, load_ms = 0.0;
    in.left = left;
    if (apart) {
        out.put = put;
        in.get = get;
    }
    for (int turn = 0; turn < 2; turn++) {
        iw_buffer_clear(&k.rest);
        save_ms = archive(engine, &out);
        k.kept = true;
    }
    for (int turn = 0; turn < 2; turn++) {
        iw_engine *other = new_engine(run, stride);
        k.rest_at = k.bulk_at = 0;
        load_ms = archive(other, &in);
        iw_engine_destroy(&other);
    }
    (void)printf("  %-7s %9.3f MB, bulk %9.3f MB, save %8.2f ms, load %8.2f ms\n",
                 apart ? "rest" : "inline", 1e-6 * (double)k.rest.size, 1e-6 * (double)k.bulk.size,
                 save_ms, load_ms);
    iw_buffer_fini(&k.rest);
    iw_buffer_fini(&k.bulk);
}

static void
bench(const iw_run_info *run, size_t stride, size_t frames)
{
    iw_frame frame;
    iw_error err;
    uint64_t random = 88172645463325252ULL;
    iw_engine *engine = new_engine(run, stride);
    if (iw_frame_init(&frame, ATOMS, &err) != IW_OK)
        die(err.text);
    frame.has_cell = frame.has_velocities = true;
    for (size_t k = 0; k < 9; k++)
        frame.cell_A[k] = k % 4 == 0 ? 24.0 : 0.0;
    for (size_t c = 0; c < 3 * (size_t)ATOMS; c++)
        frame.pos_A[c] = (double)(c * 7 % 24);
    double replay_ms = 0.0;
    for (size_t t = 0; t < frames; t++) {
        move(&frame, &random);
        double start = now_ms();
        if (iw_engine_push(engine, &frame, &err) != IW_OK)
            die(err.text);
        replay_ms += now_ms() - start;
    }
    (void)printf("%zu frames of %d atoms: raw %.1f MB, analysed again in %.0f ms\n", frames, ATOMS,
                 1e-6 * (double)frames * 6 * ATOMS * sizeof(double), replay_ms);
    measure(run, stride, false, engine);
    measure(run, stride, true, engine);
    iw_frame_fini(&frame);
    iw_engine_destroy(&engine);
}

int
main(int argc, char **argv)
{
    iw_run_info run;
    size_t stride = 0;
    int first = 1;
    if (argc > 2 && strcmp(argv[1], "--stride") == 0) {
        stride = strtoul(argv[2], NULL, 10);
        first = 3;
    }
    if (first >= argc)
        die("usage: bench_state [--stride N] FRAMES...");
    set_run(&run);
    for (int i = first; i < argc; i++)
        bench(&run, stride, strtoul(argv[i], NULL, 10));
    iw_run_info_fini(&run);
    return 0;
}
