/* SPDX-License-Identifier: GPL-3.0-or-later */
/* worker_publish.c - live snapshots, counts and answers of a worker's runs. */
#include "herald/notice.h"
#include "ionwatchd/log.h"
#include "ionwatchd/worker_internal.h"
#include "publish/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const double SNAPSHOT_SHARE = 0.1; /* of the time at most, for one run ... */
static const double IDLE_SHARE = 0.5;     /* ... that is watched, while no frames wait */
static const double SPARED = 5;     /* times publish_every_s: of others, and while frames wait */
static const double SLICE_S = 0.02; /* of snapshots, while frames wait */

static iw_status
write_json(iw_buffer *out, const iw_snapshot *snapshot, unsigned flags, iw_error *err)
{
    json_t *json = iw_snapshot_json(snapshot, flags);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    iw_status status = text ? iw_buffer_append(out, text, strlen(text), err)
                            : iw_fail(err, IW_NO_MEMORY, "out of memory");
    free(text);
    return status;
}

/* In a mail for front. */
static void
tell_work(iw_worker *self, iw_mail *mail)
{
    mail->work = self->work;
    self->work = (iw_work){0};
}

/* New events for the user's command.  Their number in the list is the same after a restart. */
static void
herald_events(const iw_worker *self, iw_job *run, const iw_snapshot *snapshot,
              const iw_summary *summary)
{
    unsigned short seen[IW_EVENT_COUNT] = {0};
    for (size_t e = 0; self->herald && e < snapshot->n_events; e++) {
        const iw_event *event = &snapshot->events[e];
        if (++seen[event->kind] <= run->heralded[event->kind])
            continue;
        run->heralded[event->kind] = seen[event->kind];
        iw_notice notice = {.kind = event->kind,
                            .number = seen[event->kind],
                            .run = run->info,
                            .text = event->text[0] ? event->text : iw_event_meaning(event->kind),
                            .time_ps = event->time_ps,
                            .frame = event->frame,
                            .summary = summary};
        iw_notice_send(self->herald, &notice);
    }
}

void
iw_worker_publish(iw_worker *self, iw_job *run, const iw_snapshot *snapshot)
{
    iw_mail *mail = iw_mail_new(IW_MAIL_PUBLISH, run->run);
    if (!mail)
        return;
    iw_error err;
    iw_summary_of(&mail->summary, snapshot);
    herald_events(self, run, snapshot, &mail->summary);
    if (run->listened && write_json(&mail->json, snapshot, IW_JSON_SERIES, &err) != IW_OK) {
        iw_mail_destroy(&mail);
        return;
    }
    tell_work(self, mail);
    (void)iw_mail_send(self->front, &mail);
}

/* Processor time of this thread: on a machine that is busy with MD codes a snapshot lasts much
 * longer than it works, and whoever watches should not wait for a multiple of that. */
static double
worked_s(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void
publish_now(iw_worker *self, iw_job *run)
{
    iw_error err;
    double start = iw_now(), work = worked_s();
    iw_snapshot *snapshot = iw_engine_snapshot(run->engine, run->state, &err);
    if (snapshot) {
        iw_worker_publish(self, run, snapshot);
        iw_snapshot_unref(&snapshot);
    } else {
        iw_log("worker.snapshot", "run %s: %s", run->id, err.text);
    }
    double took_s = iw_now() - start;
    self->work.snapshots++;
    self->work.snapshot_s += took_s;
    double every_s = self->config->publish_s;
    run->next_snapshot_s = iw_now() + fmax(every_s, (worked_s() - work) / IDLE_SHARE);
    run->spared_until_s = iw_now() + fmax(SPARED * every_s, took_s / SNAPSHOT_SHARE);
    run->changed = false;
}

static bool
wants_snapshot(const iw_job *run)
{
    return run->changed && run->engine && !run->why[0] && !run->revived && !iw_job_reads_again(run);
}

static double
snapshot_at(const iw_job *run, bool idle)
{
    return run->listened && idle ? run->next_snapshot_s
                                 : fmax(run->next_snapshot_s, run->spared_until_s);
}

static bool
is_idle(const iw_worker *self)
{
    for (const iw_job *run = self->jobs; run; run = run->next)
        if (iw_job_has_more(run) || iw_job_reads_again(run))
            return false;
    return true;
}

/* Of the snapshots that are due the one that waits longest. */
static iw_job *
next_snapshot(const iw_worker *self, double now, bool idle)
{
    iw_job *first = NULL;
    for (iw_job *run = self->jobs; run; run = run->next)
        if (wants_snapshot(run) && snapshot_at(run, idle) <= now &&
            (!first || snapshot_at(run, idle) < snapshot_at(first, idle)))
            first = run;
    return first;
}

/* Snapshots take at most half of the time, in short slices: frames of all runs come first, however
 * many runs there are. */
void
iw_worker_publish_due(iw_worker *self)
{
    double start = iw_now(), work = worked_s();
    double now = start;
    iw_job *run;
    if (start < self->next_slice_s)
        return;
    bool idle = is_idle(self);
    while (now < start + SLICE_S && (run = next_snapshot(self, now, idle))) {
        publish_now(self, run);
        now = iw_now();
    }
    self->next_slice_s = now + (idle ? worked_s() - work : now - start);
}

static bool
wants_count(const iw_job *run)
{
    return run->engine && !run->revived && iw_engine_frames(run->engine) != run->told_frames;
}

/* Listings count frames that no snapshot has yet. */
void
iw_worker_count(iw_worker *self, iw_job *run)
{
    double now = iw_now();
    iw_mail *mail = NULL;
    if (wants_count(run) && now >= run->next_count_s)
        mail = iw_mail_new(IW_MAIL_COUNT, run->run);
    if (!mail)
        return;
    mail->seq = run->told_frames = iw_engine_frames(run->engine);
    mail->summary.time_ps = iw_engine_time_ps(run->engine);
    tell_work(self, mail);
    run->next_count_s = now + SPARED * self->config->publish_s;
    (void)iw_mail_send(self->front, &mail);
}

double
iw_worker_publish_at(const iw_worker *self, const iw_job *run)
{
    double due = INFINITY;
    if (wants_snapshot(run))
        due = fmax(snapshot_at(run, true), self->next_slice_s); /* it waits because it is idle */
    if (wants_count(run))
        due = fmin(due, run->next_count_s);
    return due;
}

void
iw_worker_answer(iw_worker *self, iw_job *run, iw_mail *ask)
{
    iw_error err = {0};
    iw_snapshot *snapshot = run->held     ? iw_snapshot_ref(run->held)
                            : run->engine ? iw_engine_snapshot(run->engine, run->state, &err)
                                          : NULL;
    if (snapshot)
        ask->status = write_json(&ask->json, snapshot,
                                 ask->full   ? IW_JSON_FULL
                                 : ask->flag ? IW_JSON_SERIES
                                             : 0,
                                 &err);
    else
        ask->status = run->engine ? err.code : IW_NOT_FOUND;
    (void)snprintf(ask->text, sizeof ask->text, "%.390s",
                   ask->status == IW_OK ? ""
                   : run->engine        ? err.text
                                 : "this run is kept in the journal but not analysed; the log "
                                   "of the daemon says why");
    if (snapshot)
        iw_snapshot_unref(&snapshot);
    ask->kind = IW_MAIL_ANSWER;
    (void)iw_mail_send(self->front, &ask);
}

/* Readers get the frames that were durable when they asked, or what there is when that takes long.
 * All whose time has come get the same snapshot. */
void
iw_worker_answer_due(iw_worker *self, iw_job *run)
{
    iw_error err;
    bool held = run->held != NULL;
    for (iw_mail **at = &run->asks; *at;) {
        iw_mail *ask = *at;
        if (iw_job_has_more(run) && run->about.scan.last_seq < ask->seq &&
            iw_now() < ask->until_s) {
            at = &ask->next;
            continue;
        }
        *at = ask->next;
        ask->next = NULL;
        if (!run->held && run->engine && run->asks)
            run->held = iw_engine_snapshot(run->engine, run->state, &err);
        iw_worker_answer(self, run, ask);
    }
    if (!held)
        iw_snapshot_unref(&run->held);
}
