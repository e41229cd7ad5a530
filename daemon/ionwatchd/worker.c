/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ionwatchd/worker.h"

#include "ionwatchd/log.h"
#include "journal/folder.h"
#include "journal/reader.h"
#include "publish/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double TURN_S = 0.02;        /* one run's turn while others wait */
static const double PATIENCE_S = 5;       /* a reader waits so long for the newest frames */
static const double SNAPSHOT_SHARE = 0.1; /* of the time at most, for one run */

/* One run. */
typedef struct job {
    uint32_t run;
    char id[IW_ID_LENGTH + 1];
    iw_run_info *info;
    iw_journal_reader *reader;
    iw_journal_reader *again; /* the frames are read again, see iw_engine_wants_replay */
    iw_snapshot *held;        /* what readers get meanwhile; NULL: no memory for it */
    iw_engine *engine;        /* NULL: it cannot be analysed, said once in the log */
    uint64_t durable_bytes, read_bytes;
    uint64_t recovered_bytes; /* > 0: a restart's remark is due there */
    uint64_t seq;
    char cut[IW_WIRE_TEXT]; /* of a torn tail */
    char adapter[IW_ID_LENGTH + 1];
    char state[24];
    char why[IW_WIRE_TEXT]; /* the run has ended; "" while it has not */
    bool filing;            /* its record was sent to the store */
    bool wished;            /* STOP_WISH was sent */
    bool stop_asked;        /* a CONTROL record was read */
    bool changed;           /* since the last snapshot */
    double next_snapshot_s;
    uint64_t told_frames; /* what listings count */
    double next_count_s;
    iw_mail *asks; /* readers that wait for frames */
    struct job *next;
} job;

struct iw_worker {
    const iw_config *config;
    void *inbox, *front, *store;
    job *jobs;
    double next_slice_s; /* when snapshots may be made again */
    bool terminated;
};

iw_worker *
iw_worker_new(void *context, unsigned index, const iw_config *config, iw_error *err)
{
    iw_worker *self = calloc(1, sizeof *self);
    if (!self) {
        iw_fail(err, IW_NO_MEMORY, "worker: out of memory");
        return NULL;
    }
    char name[32];
    (void)snprintf(name, sizeof name, "worker-%u", index);
    self->config = config;
    self->inbox = iw_mailbox_bind(context, name, err);
    self->front = iw_mailbox_connect(context, "front", err);
    self->store = iw_mailbox_connect(context, "store", err);
    if (!self->inbox || !self->front || !self->store)
        iw_worker_destroy(&self);
    return self;
}

static void
destroy_job(job *self)
{
    while (self->asks) {
        iw_mail *ask = self->asks;
        self->asks = ask->next;
        iw_mail_destroy(&ask);
    }
    iw_journal_reader_close(&self->reader);
    iw_journal_reader_close(&self->again);
    iw_snapshot_unref(&self->held);
    iw_engine_destroy(&self->engine);
    iw_run_info_fini(self->info);
    free(self->info);
    free(self);
}

void
iw_worker_destroy(iw_worker **worker)
{
    iw_worker *self = *worker;
    if (!self)
        return;
    while (self->jobs) {
        job *run = self->jobs;
        self->jobs = run->next;
        destroy_job(run);
    }
    iw_mailbox_close(&self->inbox);
    iw_mailbox_close(&self->front);
    iw_mailbox_close(&self->store);
    free(self);
    *worker = NULL;
}

static job *
job_of(const iw_worker *self, uint32_t number)
{
    for (job *run = self->jobs; run; run = run->next)
        if (run->run == number)
            return run;
    return NULL;
}

static void
remark(job *self, iw_event_kind kind, const char *text)
{
    if (self->engine)
        (void)iw_event_add(iw_engine_events(self->engine), kind, false, self->seq, 0, NAN, "%s",
                           text);
}

/* The daemon's settings, then the run's own; a species that the run lacks is no reason to drop it.
 */
static void
start_engine(iw_worker *self, job *run)
{
    iw_config config = *self->config;
    const char *mobile[IW_CONFIG_MOBILE];
    iw_engine_options options;
    iw_error err;
    char text[IW_ERROR_TEXT] = "";
    if (iw_config_of_run(&config, run->info, &err) != IW_OK)
        (void)snprintf(text, sizeof text, "%.400s: the daemon's own setting is used", err.text);
    if (iw_config_charges(&config, run->info, &err) != IW_OK && !text[0])
        (void)snprintf(text, sizeof text, "%.400s: no conductivity", err.text);
    iw_config_engine(&config, mobile, &options);
    options.skip.replay = IW_REPLAY_LIVE;
    run->engine = iw_engine_new(run->info, &options, &err);
    if (!run->engine && options.n_mobile > 0) {
        (void)snprintf(text, sizeof text,
                       "%.400s: the mobile species is chosen by the rule instead", err.text);
        options.n_mobile = 0;
        run->engine = iw_engine_new(run->info, &options, &err);
    }
    if (!run->engine)
        iw_log("worker.engine", "run %s: %s: kept in the journal, not analysed", run->id, err.text);
    if (text[0]) {
        iw_log("worker.options", "run %s: %s", run->id, text);
        remark(run, IW_EVENT_input, text);
    }
}

static iw_journal_reader *
open_reader(const iw_worker *self, const char *id, iw_error *err)
{
    char path[1024];
    iw_folder_path(self->config->data, id, "journal.iwlog", path, sizeof path);
    return iw_journal_reader_open(path, err);
}

static void
open_run(iw_worker *self, iw_mail *mail)
{
    job *run = calloc(1, sizeof *run);
    if (!run) {
        iw_log("worker.memory", "run %s: out of memory: not analysed", mail->id);
        return;
    }
    run->run = mail->run;
    memcpy(run->id, mail->id, sizeof run->id);
    run->info = mail->info;
    mail->info = NULL;
    run->durable_bytes = mail->offset;
    run->recovered_bytes = mail->flag ? mail->offset : 0;
    memcpy(run->cut, mail->text, sizeof run->cut);
    (void)snprintf(run->state, sizeof run->state, mail->flag ? "stalled" : "running");
    iw_error err;
    run->reader = open_reader(self, run->id, &err);
    if (!run->reader)
        iw_log("worker.journal", "run %s: %s", run->id, err.text);
    start_engine(self, run);
    run->next = self->jobs;
    self->jobs = run;
}

static void
end_analysis(job *run, uint64_t seq, const iw_error *err)
{
    iw_log("worker.memory", "run %s: frame %llu: %s: the journal is kept, the analysis ends",
           run->id, (unsigned long long)seq, err->text);
    iw_engine_destroy(&run->engine);
    run->engine = NULL;
}

static void
take_frame(job *run, const iw_journal_item *item)
{
    if (!run->engine)
        return;
    iw_error err = {0};
    iw_status status = IW_OK;
    if (item->frame)
        status = iw_engine_push(run->engine, item->frame, &err);
    else
        remark(run, IW_EVENT_bad_frame, item->text);
    if (status == IW_NO_MEMORY)
        end_analysis(run, item->seq, &err);
    run->changed = true;
}

static void
take_hello(job *run, const iw_journal_item *item)
{
    run->why[0] = '\0';
    run->filing = false;
    bool again = run->read_bytes > 0;
    if (again && (!item->text[0] || strcmp(run->adapter, item->text) != 0))
        remark(run, IW_EVENT_restart, "the adapter said HELLO again");
    memcpy(run->adapter, item->text, sizeof run->adapter);
}

static void
take_item(job *run, const iw_journal_item *item)
{
    switch (item->kind) {
    case IW_MSG_FRAME:
        run->seq = item->seq;
        take_frame(run, item);
        break;
    case IW_MSG_HELLO:
        take_hello(run, item);
        break;
    case IW_MSG_CONTROL:
        if (!run->stop_asked)
            remark(run, IW_EVENT_stop_asked, item->text);
        run->stop_asked = true;
        break;
    case IW_MSG_BYE:
        iw_text_copy(run->why, sizeof run->why, item->text[0] ? item->text : "ended");
        remark(run, IW_EVENT_ended, run->why);
        if (run->engine)
            iw_engine_conclude(run->engine);
        break;
    case IW_MSG_FILED:
        run->why[0] = '\0';
        break;
    default:
        break;
    }
    run->read_bytes = item->end;
    if (run->recovered_bytes > 0 && run->read_bytes >= run->recovered_bytes) {
        run->recovered_bytes = 0;
        char text[100];
        (void)snprintf(text, sizeof text, "the journal gave %llu frames back",
                       (unsigned long long)run->seq);
        if (run->cut[0])
            remark(run, IW_EVENT_torn_tail, run->cut);
        remark(run, IW_EVENT_recovered, text);
    }
}

static void
wish_stop(iw_worker *self, job *run)
{
    const char *reason = NULL;
    if (run->wished || run->stop_asked || run->why[0] || !run->engine ||
        !iw_engine_should_stop(run->engine, &reason))
        return;
    run->wished = true;
    iw_mail *mail = iw_mail_new(IW_MAIL_STOP_WISH, run->run);
    if (!mail)
        return;
    iw_text_copy(mail->text, sizeof mail->text, reason ? reason : "converged");
    (void)iw_mail_send(self->front, &mail);
}

static bool
has_more(const job *run)
{
    return run->reader && run->read_bytes < run->durable_bytes;
}

static bool
reads_again(const job *run)
{
    return run->engine && iw_engine_wants_replay(run->engine);
}

/* One record of those that are read again; new frames wait in the journal. */
static void
read_again(iw_worker *self, job *run)
{
    iw_error err = {0};
    iw_journal_item item = {.frame = NULL};
    iw_status status = IW_OK;
    if (!run->again) {
        run->held = iw_engine_snapshot(run->engine, run->state, &err);
        run->again = open_reader(self, run->id, &err);
        status = run->again ? IW_OK : err.code;
    }
    if (status == IW_OK)
        status = iw_journal_reader_next(run->again, run->read_bytes, &item, &err);
    if (status == IW_END)
        (void)iw_fail(&err, status, "the journal ended before its last frame");
    if (status == IW_CORRUPT) /* passed over as it was the first time */
        status = IW_OK;
    else if (status == IW_OK && item.kind == IW_MSG_FRAME && item.frame)
        status = iw_engine_replay_push(run->engine, item.frame, &err);
    if (status != IW_OK)
        end_analysis(run, item.seq, &err);
    if (reads_again(run))
        return;
    iw_journal_reader_close(&run->again);
    iw_snapshot_unref(&run->held);
    run->changed = true;
}

/* Reads and analyses for a turn. */
static void
advance(iw_worker *self, job *run)
{
    double until = iw_now() + TURN_S;
    iw_error err;
    iw_journal_item item;
    while ((has_more(run) || reads_again(run)) && iw_now() < until) {
        if (reads_again(run)) {
            read_again(self, run);
            continue;
        }
        iw_status status = iw_journal_reader_next(run->reader, run->durable_bytes, &item, &err);
        if (status == IW_OK) {
            take_item(run, &item);
        } else if (status == IW_END) {
            run->read_bytes = run->durable_bytes;
        } else {
            iw_log("worker.journal", "run %s: %s", run->id, err.text);
            remark(run, IW_EVENT_bad_frame, err.text);
            if (status != IW_CORRUPT) /* a damaged record is passed over by the reader */
                iw_journal_reader_close(&run->reader);
        }
    }
    wish_stop(self, run);
}

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

static void
publish(iw_worker *self, job *run, const iw_snapshot *snapshot)
{
    iw_mail *mail = iw_mail_new(IW_MAIL_PUBLISH, run->run);
    if (!mail)
        return;
    iw_error err;
    iw_summary_of(&mail->summary, snapshot);
    if (write_json(&mail->json, snapshot, IW_JSON_SERIES, &err) == IW_OK)
        (void)iw_mail_send(self->front, &mail);
    else
        iw_mail_destroy(&mail);
}

static void
publish_now(iw_worker *self, job *run)
{
    iw_error err;
    double start = iw_now();
    iw_snapshot *snapshot = iw_engine_snapshot(run->engine, run->state, &err);
    if (snapshot) {
        publish(self, run, snapshot);
        iw_snapshot_unref(&snapshot);
    } else {
        iw_log("worker.snapshot", "run %s: %s", run->id, err.text);
    }
    double pause = (iw_now() - start) / SNAPSHOT_SHARE;
    run->next_snapshot_s =
        iw_now() + (pause > self->config->publish_s ? pause : self->config->publish_s);
    run->changed = false;
}

static bool
wants_snapshot(const job *run)
{
    return run->changed && run->engine && !run->why[0] && !run->filing && !reads_again(run);
}

/* Of the snapshots that are due the one that waits longest. */
static job *
next_snapshot(const iw_worker *self, double now)
{
    job *first = NULL;
    for (job *run = self->jobs; run; run = run->next)
        if (wants_snapshot(run) && run->next_snapshot_s <= now &&
            (!first || run->next_snapshot_s < first->next_snapshot_s))
            first = run;
    return first;
}

/* Snapshots take at most half of the time, in short slices: frames of all runs come first, however
 * many runs there are. */
static void
publish_due(iw_worker *self)
{
    double start = iw_now();
    double now = start;
    job *run;
    if (start < self->next_slice_s)
        return;
    for (; now < start + TURN_S && (run = next_snapshot(self, now)); now = iw_now())
        publish_now(self, run);
    self->next_slice_s = now + (now - start);
}

static bool
wants_count(const job *run)
{
    return run->engine && !run->filing && iw_engine_frames(run->engine) != run->told_frames;
}

/* Listings count frames that no snapshot has yet. */
static void
count(iw_worker *self, job *run)
{
    double now = iw_now();
    iw_mail *mail = NULL;
    if (wants_count(run) && now >= run->next_count_s)
        mail = iw_mail_new(IW_MAIL_COUNT, run->run);
    if (!mail)
        return;
    mail->seq = run->told_frames = iw_engine_frames(run->engine);
    mail->summary.time_ps = iw_engine_time_ps(run->engine);
    run->next_count_s = now + self->config->publish_s;
    (void)iw_mail_send(self->front, &mail);
}

static void
answer(iw_worker *self, job *run, iw_mail *ask)
{
    iw_error err = {0};
    iw_snapshot *snapshot = run->held     ? iw_snapshot_ref(run->held)
                            : run->engine ? iw_engine_snapshot(run->engine, run->state, &err)
                                          : NULL;
    if (snapshot)
        ask->status = write_json(&ask->json, snapshot, ask->flag ? IW_JSON_SERIES : 0, &err);
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
 */
static void
answer_due(iw_worker *self, job *run)
{
    for (iw_mail **at = &run->asks; *at;) {
        iw_mail *ask = *at;
        if (has_more(run) && run->seq < ask->seq && iw_now() < ask->until_s) {
            at = &ask->next;
            continue;
        }
        *at = ask->next;
        ask->next = NULL;
        answer(self, run, ask);
    }
}

/* Method `paper` needs every frame again. */
static void
add_paper(iw_worker *self, job *run)
{
    iw_error err;
    iw_journal_reader *again = open_reader(self, run->id, &err);
    iw_status status = again ? IW_OK : err.code;
    if (again) {
        iw_source source = iw_journal_reader_source(again, run->read_bytes);
        status = iw_engine_paper(run->engine, &source, &err);
        iw_journal_reader_close(&again);
    }
    if (status != IW_OK)
        iw_log("worker.paper", "run %s: method paper: %s", run->id, err.text);
}

/* The run has ended and everything is read: the record for the database. */
static void
file_run(iw_worker *self, job *run)
{
    run->filing = true;
    iw_error err = {0};
    iw_mail *mail = iw_mail_new(IW_MAIL_FILE, run->run);
    if (!mail || !run->engine || !run->reader) {
        iw_log("worker.file", "run %s: it was not analysed: nothing to file", run->id);
        iw_mail_destroy(&mail);
        return;
    }
    add_paper(self, run);
    iw_text_copy(run->state, sizeof run->state, run->why);
    mail->snapshot = iw_engine_snapshot(run->engine, run->state, &err);
    mail->info = malloc(sizeof *mail->info);
    if (mail->info)
        iw_run_info_init(mail->info);
    if (!mail->snapshot || !mail->info || iw_run_info_copy(mail->info, run->info, &err) != IW_OK) {
        iw_log("worker.file", "run %s: %s: filed at the next start", run->id, err.text);
        iw_mail_destroy(&mail);
        return;
    }
    memcpy(mail->id, run->id, sizeof mail->id);
    publish(self, run, mail->snapshot);
    (void)iw_mail_send(self->store, &mail);
}

static void
forget(iw_worker *self, uint32_t number)
{
    for (job **at = &self->jobs; *at; at = &(*at)->next)
        if ((*at)->run == number) {
            job *run = *at;
            *at = run->next;
            while (run->asks) {
                iw_mail *ask = run->asks;
                run->asks = ask->next;
                ask->next = NULL;
                answer(self, run, ask);
            }
            destroy_job(run);
            return;
        }
}

static void
take_ask(iw_worker *self, job *run, iw_mail *mail)
{
    if (!run) { /* filed while the question was on its way */
        (void)iw_mail_send(self->store, &mail);
        return;
    }
    mail->until_s = iw_now() + PATIENCE_S;
    mail->next = run->asks;
    run->asks = mail;
}

static void
take(iw_worker *self, iw_mail *mail)
{
    job *run = job_of(self, mail->run);
    switch (mail->kind) {
    case IW_MAIL_OPEN:
        if (!run)
            open_run(self, mail);
        break;
    case IW_MAIL_DURABLE:
        if (run)
            run->durable_bytes = mail->offset;
        break;
    case IW_MAIL_STATE:
        if (run && !run->filing) {
            iw_text_copy(run->state, sizeof run->state, mail->text);
            run->changed = true;
        }
        break;
    case IW_MAIL_SHOW:
        take_ask(self, run, mail);
        return;
    case IW_MAIL_REMOVE:
        forget(self, mail->run);
        (void)iw_mail_send(self->store, &mail);
        return;
    case IW_MAIL_FORGET:
        forget(self, mail->run);
        break;
    case IW_MAIL_QUIT:
        self->terminated = true;
        break;
    default:
        break;
    }
    iw_mail_destroy(&mail);
}

/* When something is to be done without a mail: now (0), later, or never (-1). */
static int
patience_ms(const iw_worker *self)
{
    double wait_s = -1;
    double now = iw_now();
    for (const job *run = self->jobs; run; run = run->next) {
        if (has_more(run) || reads_again(run) || run->asks || (run->why[0] && !run->filing))
            return 0;
        double due = INFINITY;
        if (wants_snapshot(run))
            due = fmax(run->next_snapshot_s, self->next_slice_s);
        if (wants_count(run))
            due = fmin(due, run->next_count_s);
        double left = fmax(due - now, 0);
        if (isfinite(due) && (wait_s < 0 || left < wait_s))
            wait_s = left;
    }
    return wait_s < 0 ? -1 : (int)(1000 * wait_s) + (wait_s > 0 ? 1 : 0);
}

void *
iw_worker_run(void *worker)
{
    iw_worker *self = worker;
    while (!self->terminated) {
        zmq_pollitem_t item = {self->inbox, 0, ZMQ_POLLIN, 0};
        (void)zmq_poll(&item, 1, patience_ms(self));
        for (iw_mail *mail; !self->terminated && (mail = iw_mail_receive(self->inbox, false));)
            take(self, mail);
        for (job *run = self->jobs; run && !self->terminated; run = run->next) {
            advance(self, run);
            answer_due(self, run);
            if (run->why[0] && !run->filing && !has_more(run) && !reads_again(run))
                file_run(self, run);
            count(self, run);
        }
        publish_due(self);
    }
    return NULL;
}
