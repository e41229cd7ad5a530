/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ionwatchd/worker_internal.h"

#include "ionwatchd/log.h"
#include "ionwatchd/program.h"
#include "journal/folder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double TURN_S = 0.02;  /* one run's turn while others wait */
static const double PATIENCE_S = 5; /* a reader waits so long for the newest frames */
static const double STOP_S = 10;    /* for checkpoints at the end */

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
    self->settings = iw_config_analysis_hash(config);
    iw_program_name(self->program, sizeof self->program);
    self->inbox = iw_mailbox_bind(context, name, err);
    self->front = iw_mailbox_connect(context, "front", err);
    self->store = iw_mailbox_connect(context, "store", err);
    if (*config->on_event)
        self->herald = iw_mailbox_connect(context, "herald", err);
    if (!self->inbox || !self->front || !self->store || (*config->on_event && !self->herald))
        iw_worker_destroy(&self);
    return self;
}

static void
destroy_job(iw_job *self)
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
    iw_saver_fini(&self->saver);
    iw_doorbell_unref(&self->doorbell);
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
        iw_job *run = self->jobs;
        self->jobs = run->next;
        destroy_job(run);
    }
    iw_mailbox_close(&self->inbox);
    iw_mailbox_close(&self->front);
    iw_mailbox_close(&self->store);
    iw_mailbox_close(&self->herald);
    free(self);
    *worker = NULL;
}

static iw_job *
job_of(const iw_worker *self, uint32_t number)
{
    for (iw_job *run = self->jobs; run; run = run->next)
        if (run->run == number)
            return run;
    return NULL;
}

static void
remark(iw_job *self, iw_event_kind kind, const char *text)
{
    if (self->engine)
        (void)iw_event_add(iw_engine_events(self->engine), kind, false, self->about.scan.last_seq,
                           0, "%s", text);
}

/* The daemon's settings, then the run's own; a species that the run lacks is no reason to drop it.
 */
static void
start_engine(iw_worker *self, iw_job *run)
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
        if (!run->revived)
            iw_log("worker.options", "run %s: %s", run->id, text);
        remark(run, IW_EVENT_input, text);
    }
}

iw_journal_reader *
iw_worker_reader(const iw_worker *self, const char *id, iw_error *err)
{
    char path[1024];
    iw_folder_path(self->config->data, id, "journal.iwlog", path, sizeof path);
    return iw_journal_reader_open(path, err);
}

/* All that a restart found has been read. */
static void
note_recovered(iw_job *run)
{
    if (run->remarked || run->recovered_at == 0 || run->read_bytes < run->recovered_at)
        return;
    run->remarked = true;
    char text[100];
    uint64_t frames = run->about.scan.last_seq;
    if (run->saved_seq > 0)
        (void)snprintf(text, sizeof text, "checkpoint at frame %llu, %llu frames from the journal",
                       (unsigned long long)run->saved_seq,
                       (unsigned long long)(frames - run->saved_seq));
    else
        (void)snprintf(text, sizeof text, "the journal gave %llu frames back",
                       (unsigned long long)frames);
    if (run->cut[0])
        remark(run, IW_EVENT_torn_tail, run->cut);
    remark(run, IW_EVENT_recovered, text);
    if (!run->revived)
        iw_log("worker.recovered", "run %s: %s, in %.1f s", run->id, text, iw_now() - run->begun_s);
}

static const char *
ended_by(const char *why)
{
    return why[0] ? why : "ended";
}

/* Goes on where the analysis was saved. */
static void
take_up(iw_worker *self, iw_job *run)
{
    iw_status status = iw_saver_load(&run->saver, &run->about, run->reader, run->engine);
    if (status == IW_NOT_FOUND)
        return;
    if (status != IW_OK) {
        iw_engine_destroy(&run->engine);
        start_engine(self, run);
        return;
    }
    run->read_bytes = run->about.place.end;
    run->saved_seq = run->about.scan.last_seq;
    if (run->about.scan.ended && !run->about.scan.filed)
        iw_text_copy(run->why, sizeof run->why, ended_by(run->about.scan.why));
    run->remarked = run->revived && run->read_bytes >= run->recovered_at; /* it is in there */
    run->changed = true;
    note_recovered(run);
}

void
iw_worker_begin(iw_worker *self, iw_job *run)
{
    iw_error err;
    run->reader = iw_worker_reader(self, run->id, &err);
    if (!run->reader)
        iw_log("worker.journal", "run %s: %s", run->id, err.text);
    start_engine(self, run);
    run->about = (iw_checkpoint){.settings = self->settings};
    run->saved_seq = 0;
    run->begun_s = iw_now();
    iw_saver_init(&run->saver, self->config, run->id, self->program);
    if (run->reader && run->engine)
        take_up(self, run);
}

static void
learn(iw_job *run, uint64_t durable_bytes)
{
    if (durable_bytes > run->durable_bytes)
        run->durable_bytes = durable_bytes;
}

/* The journal has a new one for a run that it had given up and that goes on. */
static void
take_doorbell(iw_job *run, iw_mail *mail)
{
    iw_doorbell_unref(&run->doorbell);
    run->doorbell = mail->doorbell;
    mail->doorbell = NULL;
    learn(run, mail->offset);
}

static iw_job *
open_run(iw_worker *self, iw_mail *mail)
{
    iw_job *run = calloc(1, sizeof *run);
    if (!run) {
        iw_log("worker.memory", "run %s: out of memory: not analysed", mail->id);
        return NULL;
    }
    run->run = mail->run;
    memcpy(run->id, mail->id, sizeof run->id);
    run->info = mail->info;
    mail->info = NULL;
    run->durable_bytes = mail->offset;
    run->recovered_at = mail->flag ? mail->offset : 0;
    memcpy(run->cut, mail->text, sizeof run->cut);
    (void)snprintf(run->state, sizeof run->state, mail->flag ? "stalled" : "running");
    if (mail->status == IW_END)
        iw_worker_park(self, run);
    else
        iw_worker_begin(self, run);
    run->next = self->jobs;
    self->jobs = run;
    return run;
}

static void
end_analysis(iw_job *run, uint64_t seq, const iw_error *err)
{
    iw_log("worker.memory", "run %s: frame %llu: %s: the journal is kept, the analysis ends",
           run->id, (unsigned long long)seq, err->text);
    iw_engine_destroy(&run->engine);
}

static void
take_frame(iw_job *run, const iw_journal_item *item)
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
take_hello(iw_job *run, const iw_journal_item *item)
{
    run->why[0] = '\0';
    run->filing = false;
    bool again = run->read_bytes > 0;
    if (again && (!item->text[0] || strcmp(run->about.adapter, item->text) != 0))
        remark(run, IW_EVENT_restart, "the adapter said HELLO again");
    iw_text_copy(run->about.adapter, sizeof run->about.adapter, item->text);
}

static void
take_item(iw_job *run, const iw_journal_item *item)
{
    iw_journal_scan_take(&run->about.scan, item->kind, item->seq, item->text, item->stop);
    switch (item->kind) {
    case IW_MSG_FRAME:
        take_frame(run, item);
        break;
    case IW_MSG_HELLO:
        take_hello(run, item);
        break;
    case IW_MSG_CONTROL:
        if (!run->about.stop_asked)
            remark(run, IW_EVENT_stop_asked, item->text);
        run->about.stop_asked = true;
        break;
    case IW_MSG_BYE:
        iw_text_copy(run->why, sizeof run->why, ended_by(item->text));
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
    note_recovered(run);
}

static void
wish_stop(iw_worker *self, iw_job *run)
{
    const char *reason = NULL;
    if (run->wished || run->about.stop_asked || run->why[0] || !run->engine ||
        !iw_engine_should_stop(run->engine, &reason))
        return;
    run->wished = true;
    iw_mail *mail = iw_mail_new(IW_MAIL_STOP_WISH, run->run);
    if (!mail)
        return;
    iw_text_copy(mail->text, sizeof mail->text, reason ? reason : "converged");
    (void)iw_mail_send(self->front, &mail);
}

bool
iw_job_has_more(const iw_job *run)
{
    return run->reader && run->read_bytes < run->durable_bytes;
}

bool
iw_job_reads_again(const iw_job *run)
{
    return run->engine && iw_engine_wants_replay(run->engine);
}

/* One record of those that are read again; new frames wait in the journal. */
static void
read_again(iw_worker *self, iw_job *run)
{
    iw_error err = {0};
    iw_journal_item item = {.frame = NULL};
    iw_status status = IW_OK;
    if (!run->again) {
        run->held = iw_engine_snapshot(run->engine, run->state, &err);
        run->again = iw_worker_reader(self, run->id, &err);
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
    if (iw_job_reads_again(run))
        return;
    iw_journal_reader_close(&run->again);
    iw_snapshot_unref(&run->held);
    run->changed = true;
}

/* Reads and analyses for a turn. */
static void
advance(iw_worker *self, iw_job *run)
{
    double start = iw_now();
    double until = start + TURN_S;
    iw_error err;
    iw_journal_item item;
    while ((iw_job_has_more(run) || iw_job_reads_again(run)) && iw_now() < until) {
        if (iw_job_reads_again(run)) {
            read_again(self, run);
            continue;
        }
        iw_status status = iw_journal_reader_next(run->reader, run->durable_bytes, &item, &err);
        if (status == IW_OK) {
            take_item(run, &item);
            self->work.frames += item.kind == IW_MSG_FRAME;
        } else if (status == IW_END) {
            run->read_bytes = run->durable_bytes;
        } else {
            iw_log("worker.journal", "run %s: %s", run->id, err.text);
            remark(run, IW_EVENT_bad_frame, err.text);
            if (status != IW_CORRUPT) /* a damaged record is passed over by the reader */
                iw_journal_reader_close(&run->reader);
        }
    }
    double took_s = iw_now() - start;
    run->saver.busy_s += took_s;
    self->work.analysis_s += took_s;
    wish_stop(self, run);
}

static void
forget(iw_worker *self, uint32_t number)
{
    for (iw_job **at = &self->jobs; *at; at = &(*at)->next)
        if ((*at)->run == number) {
            iw_job *run = *at;
            *at = run->next;
            iw_worker_leave_slot(self, run);
            while (run->asks) {
                iw_mail *ask = run->asks;
                run->asks = ask->next;
                ask->next = NULL;
                iw_worker_answer(self, run, ask);
            }
            destroy_job(run);
            return;
        }
}

/* The front may know more of what is durable than the journal's mail has told yet. */
static void
take_ask(iw_worker *self, iw_job *run, iw_mail *mail)
{
    if (!run) {
        mail->next = self->strays;
        self->strays = mail;
        return;
    }
    learn(run, mail->offset);
    mail->until_s = iw_now() + PATIENCE_S;
    mail->next = run->asks;
    run->asks = mail;
}

/* With all mails read: a run that is still not known was filed while the question was on its way.
 */
static void
take_strays(iw_worker *self)
{
    while (self->strays) {
        iw_mail *mail = self->strays;
        self->strays = mail->next;
        mail->next = NULL;
        iw_job *run = job_of(self, mail->run);
        if (run)
            take_ask(self, run, mail);
        else
            (void)iw_mail_send(self->store, &mail);
    }
}

static void
take(iw_worker *self, iw_mail *mail)
{
    iw_job *run = job_of(self, mail->run);
    switch (mail->kind) {
    case IW_MAIL_OPEN:
        if (!run)
            run = open_run(self, mail);
        if (run)
            take_doorbell(run, mail);
        break;
    case IW_MAIL_DURABLE:
        if (run)
            learn(run, iw_doorbell_answer(run->doorbell));
        break;
    case IW_MAIL_STATE:
        if (run && !run->filing) {
            iw_text_copy(run->state, sizeof run->state, mail->text);
            run->changed = true;
        }
        break;
    case IW_MAIL_LISTEN:
        if (run) {
            run->listened = mail->flag;
            run->changed = true;
            run->next_snapshot_s = run->spared_until_s = 0;
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
    case IW_MAIL_FILED: /* no: a record that is taken is followed by FORGET */
        if (run)
            iw_worker_refused(self, run);
        break;
    case IW_MAIL_QUIT:
        self->terminated = true;
        break;
    default:
        break;
    }
    iw_mail_destroy(&mail);
}

bool
iw_job_save(iw_job *run)
{
    if (!run->engine || !run->reader || iw_job_reads_again(run))
        return false;
    iw_saver_write(&run->saver, &run->about, run->reader, run->engine);
    return true;
}

/* In order, what a restart would analyse again the longest first. */
static void
save_all(iw_worker *self)
{
    for (iw_job *run = self->jobs; run; run = run->next)
        iw_saver_commit(&run->saver);
    for (double until = iw_now() + STOP_S; iw_now() < until;) {
        iw_job *worst = NULL;
        for (iw_job *run = self->jobs; run; run = run->next)
            if (!worst || run->saver.busy_s > worst->saver.busy_s)
                worst = run;
        if (!worst || !iw_saver_worth(&worst->saver))
            return;
        if (iw_job_save(worst))
            iw_saver_commit(&worst->saver);
        else
            worst->saver.busy_s = 0; /* the next one */
    }
}

/* When something is to be done without a mail: now (0), later, or never (-1). */
static int
patience_ms(const iw_worker *self)
{
    double wait_s = -1;
    double now = iw_now();
    for (const iw_job *run = self->jobs; run; run = run->next) {
        if (iw_job_has_more(run) || iw_job_reads_again(run) || run->asks)
            return 0;
        double due = fmin(iw_worker_publish_at(self, run), iw_worker_file_at(self, run));
        due = fmin(due, run->saver.commit_at);
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
        take_strays(self);
        for (iw_job *run = self->jobs; run && !self->terminated; run = run->next) {
            advance(self, run);
            if (!run->parked)
                iw_worker_answer_due(self, run);
            if (iw_now() >= run->saver.commit_at)
                iw_saver_commit(&run->saver);
            if (iw_saver_due(&run->saver, run->read_bytes))
                (void)iw_job_save(run);
            iw_worker_file_due(self, run);
            iw_worker_count(self, run);
        }
        iw_worker_publish_due(self);
    }
    save_all(self);
    return NULL;
}
