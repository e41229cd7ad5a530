/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_memory - what the analysis of a run holds, against its limit.
 *
 *     bench_memory [--smoke] [--frames N] [--atoms N] [--limit MIB]
 *
 * Frames 10 fs apart through the whole engine, every one an MSD frame until it thins, with a
 * snapshot a hundred times; a line wherever the frames are read again, with the peak of the
 * process, and the time that takes.  Fails where the peak is beyond the limit and what the process
 * needs beside the analysis.
 */
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BESIDE_MIB = 32 }; /* the program, its libraries, one frame */

typedef struct {
    iw_frame frame;
    uint64_t state;
} md;

static double
seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double
peak_mib(void)
{
    char line[256];
    double kib = 0.0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtod(line + 6, NULL);
    if (file)
        (void)fclose(file);
    return kib / 1024.0;
}

static void
rewind_md(md *self)
{
    self->frame.seq = 0;
    self->frame.step = 0;
    self->frame.time_fs = 0.0;
    self->state = 4711;
    for (size_t c = 0; c < 3 * self->frame.n_atoms; c++)
        self->frame.pos_A[c] = (double)(c * 7919 % 1500) / 100.0;
}

static void
advance(md *self)
{
    self->frame.seq++;
    self->frame.step++;
    self->frame.time_fs += 10.0;
    for (size_t c = 0; c < 3 * self->frame.n_atoms; c++) {
        self->state ^= self->state >> 12;
        self->state ^= self->state << 25;
        self->state ^= self->state >> 27;
        uint64_t random = self->state * 0x2545F4914F6CDD1DULL;
        self->frame.pos_A[c] += 0.1 * ((double)(random >> 11) * 0x1.0p-53 - 0.5);
    }
}

static iw_engine *
make_engine(size_t atoms, size_t limit_mib, iw_error *err)
{
    static const char *const names[] = {"Li", "S", "P"};
    const char **name = calloc(atoms, sizeof *name);
    iw_engine *engine = NULL;
    iw_run_info run;
    iw_run_info_init(&run);
    for (size_t i = 0; name && i < atoms; i++)
        name[i] = names[i % 3];
    if (name && iw_run_info_set_atoms(&run, atoms, name, err) == IW_OK) {
        iw_engine_options options;
        iw_engine_options_init(&options);
        run.timestep_fs = 10.0;
        run.temperature_K = 600.0;
        options.msd_stride = 1;
        options.memory_mib = limit_mib;
        options.skip.rule = IW_SKIP_NONE;
        options.skip.replay = IW_REPLAY_LIVE;
        engine = iw_engine_new(&run, &options, err);
    }
    iw_run_info_fini(&run);
    free(name);
    return engine;
}

static iw_status
look(iw_engine *engine, const char *what, double took_s, iw_error *err)
{
    iw_snapshot *snapshot = iw_engine_snapshot(engine, "running", err);
    if (!snapshot)
        return err->code;
    if (what)
        (void)printf("%10llu %-12s %12.0f %12.1f %12.1f %10.1f\n",
                     (unsigned long long)snapshot->frames, what, snapshot->msd_dt_fs,
                     (double)iw_engine_memory(engine) / 1048576.0, peak_mib(), took_s);
    iw_snapshot_unref(&snapshot);
    return IW_OK;
}

static iw_status
run(iw_engine *engine, md *code, size_t frames, iw_error *err)
{
    double start = seconds();
    iw_status status = IW_OK;
    (void)printf("%10s %-12s %12s %12s %12s %10s\n", "frames", "", "MSD fs", "held MiB", "peak MiB",
                 "s");
    for (size_t t = 1; t <= frames && status == IW_OK; t++) {
        advance(code);
        status = iw_engine_push(engine, &code->frame, err);
        if (status == IW_OK && t % (frames / 100 + 1) == 0)
            status = look(engine, NULL, 0.0, err);
        if (status != IW_OK || !iw_engine_wants_replay(engine))
            continue;
        double before = seconds();
        status = look(engine, "limit", before - start, err);
        rewind_md(code);
        while (status == IW_OK && iw_engine_wants_replay(engine)) {
            advance(code);
            status = iw_engine_replay_push(engine, &code->frame, err);
        }
        if (status == IW_OK)
            status = look(engine, "read again", seconds() - before, err);
    }
    return status == IW_OK ? look(engine, "end", seconds() - start, err) : status;
}

int
main(int argc, char **argv)
{
    size_t frames = 100000, atoms = 300, limit = 1024;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--smoke") == 0) {
            frames = 10000;
            atoms = 60;
            limit = 40;
        } else if (i + 1 < argc && strcmp(argv[i], "--frames") == 0) {
            frames = strtoul(argv[++i], NULL, 10);
        } else if (i + 1 < argc && strcmp(argv[i], "--atoms") == 0) {
            atoms = strtoul(argv[++i], NULL, 10);
        } else if (i + 1 < argc && strcmp(argv[i], "--limit") == 0) {
            limit = strtoul(argv[++i], NULL, 10);
        } else {
            (void)fprintf(stderr,
                          "usage: bench_memory [--smoke] [--frames N] [--atoms N] [--limit MIB]\n");
            return 2;
        }
    }
    iw_error err = {0};
    md code = {.state = 0};
    iw_engine *engine = make_engine(atoms, limit, &err);
    bool ok = engine && iw_frame_init(&code.frame, atoms, &err) == IW_OK;
    if (ok) {
        rewind_md(&code);
        ok = run(engine, &code, frames, &err) == IW_OK;
    }
    if (!ok)
        (void)fprintf(stderr, "bench_memory: %s\n", err.text);
    else
        (void)printf("%zu atoms, limit %zu MiB, peak of the process %.1f MiB\n", atoms, limit,
                     peak_mib());
    ok = ok && (limit == 0 || peak_mib() <= (double)(limit + BESIDE_MIB));
    iw_frame_fini(&code.frame);
    iw_engine_destroy(&engine);
    return ok ? 0 : 1;
}
