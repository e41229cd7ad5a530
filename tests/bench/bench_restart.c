/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_restart - what a restart of the daemon costs, with checkpoints and without.
 *
 *     bench_restart [--smoke] [--runs N] [--frames N] [--atoms N] [--mib X]
 *
 * Journals of unfinished runs (positions in double precision, every frame an MSD frame) are laid
 * into a data folder.  First one run is analysed in this process as a worker does it, saved when
 * the daemon would: how many checkpoints, their bytes beside those of the journal, and how long
 * the longest took.  Then the time from the start of a daemon until every run is analysed: from the
 * journals alone, and after a kill -9 of a daemon that made checkpoints (every --mib MiB, 16).
 */
#include "harness.h"

#include "framelog.h"
#include "ionwatchd/log.h"
#include "ionwatchd/saver.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    size_t runs, frames, atoms;
    double mib;
} plan;

static double
now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void
append(iw_framelog_writer *log, iw_message *message, uint64_t seq, iw_buffer *bytes)
{
    iw_error err;
    iw_buffer_clear(bytes);
    assert_ok(iw_wire_encode(message, bytes, &err), err);
    assert_ok(iw_framelog_append(log, message->type, seq, bytes->data, bytes->size, &err), err);
}

/* An unfinished run as a daemon that was killed leaves it; its bytes. */
static uint64_t
leave_run(const harness *daemon, const plan *p, char id[IW_ID_LENGTH + 1])
{
    iw_run_info run;
    iw_frame frame;
    iw_error err;
    iw_message message;
    iw_buffer bytes = {0};
    char path[300];
    synthetic_run(&run, p->atoms);
    memcpy(id, run.id, IW_ID_LENGTH + 1);
    assert_ok(iw_frame_init(&frame, p->atoms, &err), err);
    assert_ok(iw_folder_make_run(daemon->data, run.id, &err), err);
    iw_folder_path(daemon->data, run.id, "journal.iwlog", path, sizeof path);
    iw_framelog_writer *log = iw_framelog_writer_open(path, NULL, &err);
    assert_non_null(log);
    iw_message_init(&message, IW_MSG_HELLO);
    message.run = &run;
    memcpy(message.run_id, run.id, sizeof message.run_id);
    append(log, &message, 0, &bytes);
    for (uint64_t seq = 1; seq <= p->frames; seq++) {
        synthetic_frame(&run, seq, &frame);
        iw_message_init(&message, IW_MSG_FRAME);
        iw_frame_view_of(&frame, &message.frame);
        append(log, &message, seq, &bytes);
    }
    uint64_t size = iw_framelog_size(log);
    assert_ok(iw_framelog_writer_close(&log, &err), err);
    iw_buffer_fini(&bytes);
    iw_frame_fini(&frame);
    iw_run_info_fini(&run);
    return size;
}

/* One run as a worker has it. */
static void
analyse_here(const harness *daemon, const plan *p, const char *id)
{
    iw_config config;
    iw_engine_options options;
    const char *mobile[IW_CONFIG_MOBILE];
    iw_error err;
    iw_journal_item item;
    iw_saver saver;
    iw_checkpoint about = {.settings = 1};
    char path[300];
    iw_config_init(&config);
    config.checkpoint_mib = p->mib;
    (void)snprintf(config.data, sizeof config.data, "%s", daemon->data);
    iw_folder_path(daemon->data, id, "journal.iwlog", path, sizeof path);
    iw_journal_reader *reader = iw_journal_reader_open(path, &err);
    assert_non_null(reader);
    iw_config_engine(&config, mobile, &options);
    iw_engine *engine = iw_engine_new(iw_journal_reader_run(reader), &options, &err);
    assert_non_null(engine);
    iw_saver_init(&saver, &config, id, "bench");
    double begun = now_s(), saving_s = 0, longest_s = 0, states = 0, blocks = 0;
    size_t saves = 0;
    while (iw_journal_reader_next(reader, UINT64_MAX, &item, &err) == IW_OK) {
        double start = now_s();
        if (item.frame)
            assert_ok(iw_engine_push(engine, item.frame, &err), err);
        saver.busy_s += now_s() - start;
        start = now_s(); /* as the worker does it */
        if (iw_now() >= saver.commit_at)
            iw_saver_commit(&saver);
        if (iw_saver_due(&saver, item.end)) {
            iw_saver_write(&saver, &about, reader, engine);
            saves++;
            states += (double)saver.wrote.state;
            blocks += (double)saver.wrote.blocks;
        }
        assert_false(saver.failing);
        saving_s += now_s() - start;
        longest_s = fmax(longest_s, now_s() - start);
    }
    double took_s = now_s() - begun;
    double journal = (double)item.end;
    (void)printf(
        "one run in this process: %.2f s, of which %zu checkpoints %.2f s, the longest pause "
        "%.3f s; states are %.2f, blocks %.2f of the journal's %.0f MB; memory %.0f MB\n",
        took_s, saves, saving_s, longest_s, states / journal, blocks / journal, journal / 1e6,
        (double)iw_engine_memory(engine) / 1e6);
    iw_saver_fini(&saver);
    iw_engine_destroy(&engine);
    iw_journal_reader_close(&reader);
    assert_ok(iw_checkpoint_remove(daemon->data, id, &err), err);
}

static size_t
count_lines(const harness *daemon, const char *text)
{
    char line[1024];
    size_t n = 0;
    FILE *file = fopen(daemon->log, "r");
    while (file && fgets(line, sizeof line, file))
        n += strncmp(line, text, strlen(text)) == 0;
    if (file)
        (void)fclose(file);
    return n;
}

/* Seconds from the start of the daemon until all runs are analysed. */
static double
start_daemon(harness *daemon, const plan *p, double mib)
{
    char text[40];
    const char *options[] = {"--checkpoint-mib", text, "--publish-every-s", "1", NULL};
    (void)snprintf(text, sizeof text, "%g", mib);
    (void)remove(daemon->log);
    double start = now_s();
    harness_start(daemon, options, 0);
    while (count_lines(daemon, "worker.recovered") < p->runs)
        pause_ms(5);
    return now_s() - start;
}

static void
bench(const plan *p)
{
    void *state;
    char id[IW_ID_LENGTH + 1];
    double journals = 0;
    (void)harness_begin(&state);
    harness *daemon = state;
    iw_error err;
    int lock = iw_folder_open(daemon->data, &err);
    assert_true(lock >= 0);
    (void)close(lock);
    for (size_t i = 0; i < p->runs; i++)
        journals += (double)leave_run(daemon, p, id);
    (void)printf("%zu runs of %zu frames and %zu atoms: journals of %.0f MB\n", p->runs, p->frames,
                 p->atoms, journals / 1e6);
    analyse_here(daemon, p, id);
    double without_s = start_daemon(daemon, p, 0);
    harness_kill(daemon, SIGKILL);
    double making_s = start_daemon(daemon, p, p->mib);
    pause_ms(200);
    harness_kill(daemon, SIGKILL);
    double killed_s = start_daemon(daemon, p, p->mib);
    harness_kill(daemon, SIGTERM);
    double stopped_s = start_daemon(daemon, p, p->mib);
    (void)printf("start until all is analysed: %.2f s from the journals, %.2f s while checkpoints "
                 "are made, %.2f s after kill -9, %.2f s after SIGTERM\n",
                 without_s, making_s, killed_s, stopped_s);
    (void)harness_end(&state);
}

int
main(int argc, char **argv)
{
    plan p = {.runs = 1, .frames = 50000, .atoms = 300, .mib = 16};
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--smoke") == 0) {
            p = (plan){.runs = 3, .frames = 800, .atoms = 12, .mib = 0.05};
        } else if (more && strcmp(argv[i], "--runs") == 0) {
            p.runs = strtoul(argv[++i], NULL, 10);
        } else if (more && strcmp(argv[i], "--frames") == 0) {
            p.frames = strtoul(argv[++i], NULL, 10);
        } else if (more && strcmp(argv[i], "--atoms") == 0) {
            p.atoms = strtoul(argv[++i], NULL, 10);
        } else if (more && strcmp(argv[i], "--mib") == 0) {
            p.mib = strtod(argv[++i], NULL);
        } else {
            (void)fprintf(stderr, "usage: bench_restart [--smoke] [--runs N] [--frames N] "
                                  "[--atoms N] [--mib X]\n");
            return 2;
        }
    }
    bench(&p);
    return 0;
}
