/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ionwatchd/log.h"
#include "ionwatchd/worker_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SLOTS = 2, GUESTS = 1 };

static const double PARK_AFTER_S = 15; /* some hundred runs are filed in that time */

/* Method `paper` needs every frame again. */
static void
add_paper(iw_worker *self, iw_job *run)
{
    iw_error err;
    iw_journal_reader *again = iw_worker_reader(self, run->id, &err);
    iw_status status = again ? IW_OK : err.code;
    if (again) {
        iw_source source = iw_journal_reader_source(again, run->read_bytes);
        status = iw_engine_paper(run->engine, &source, &err);
        iw_journal_reader_close(&again);
    }
    if (status != IW_OK)
        iw_log("worker.paper", "run %s: method paper: %s", run->id, err.text);
}

/* Where the frames lie that the record's fingerprint is of: "host:/data/folder". */
static iw_status
note_journal(const iw_worker *self, iw_run_info *run, iw_error *err)
{
    char host[256] = "", path[1024], place[1300];
    (void)gethostname(host, sizeof host - 1);
    iw_folder_path(self->config->data, run->id, "", path, sizeof path);
    (void)snprintf(place, sizeof place, "%s:%s", host, path);
    return iw_run_info_set_metadata(run, "journal", place, err);
}

/* What the structure is told from; NULL, and a word in the log, where it cannot be read. */
static iw_frame *
read_first(iw_worker *self, iw_job *run)
{
    iw_error err = {0};
    iw_journal_reader *again = iw_worker_reader(self, run->id, &err);
    iw_status status = again ? IW_OK : err.code;
    iw_frame *first = calloc(1, sizeof *first);
    if (status == IW_OK && !first)
        status = iw_fail(&err, IW_NO_MEMORY, "out of memory");
    if (status == IW_OK)
        status = iw_frame_init(first, run->info->n_atoms, &err);
    if (status == IW_OK) {
        iw_source source = iw_journal_reader_source(again, run->read_bytes);
        status = source.next(source.self, first, &err);
    }
    iw_journal_reader_close(&again);
    if (status == IW_OK)
        return first;
    iw_log("worker.structure", "run %s: no structure: %s", run->id,
           status == IW_END ? "it has no frame" : err.text);
    if (first)
        iw_frame_fini(first);
    free(first);
    return NULL;
}

void
iw_worker_leave_slot(iw_worker *self, iw_job *run)
{
    self->slots -= run->slot;
    self->guests -= run->guest;
    run->slot = run->guest = false;
}

static bool
take_slot(iw_worker *self, iw_job *run)
{
    if (!run->slot && self->slots == SLOTS)
        return false;
    self->slots += !run->slot;
    run->slot = true;
    return true;
}

/* What the journal has, too. */
static void
release(iw_job *run)
{
    iw_journal_reader_close(&run->reader);
    iw_journal_reader_close(&run->again);
    iw_engine_destroy(&run->engine);
    iw_saver_fini(&run->saver);
    run->parked = true;
    run->parked_bytes = run->durable_bytes;
    run->park_s = 0;
}

void
iw_worker_park(iw_worker *self, iw_job *run)
{
    iw_worker_leave_slot(self, run);
    if (iw_saver_worth(&run->saver))
        (void)iw_job_save(run);
    iw_saver_commit(&run->saver);
    release(run);
    iw_snapshot_unref(&run->held);
}

static void
revive(iw_worker *self, iw_job *run)
{
    run->read_bytes = 0;
    run->remarked = run->parked = run->filing = false;
    run->wished = run->changed = false;
    run->why[0] = '\0';
    run->revived = true;
    iw_worker_begin(self, run);
}

void
iw_worker_refused(iw_worker *self, iw_job *run)
{
    run->filing = false;
    run->refused_bytes = run->durable_bytes;
    iw_worker_park(self, run);
}

/* There will be no record, and front says so. */
static void
give_up(iw_worker *self, iw_job *run, const char *why)
{
    iw_log("worker.file", "run %s: %s: kept in the journal, not filed", run->id, why);
    iw_mail *mail = iw_mail_new(IW_MAIL_FILED, run->run);
    iw_worker_refused(self, run);
    if (!mail)
        return;
    mail->status = IW_INVALID;
    iw_text_copy(mail->text, sizeof mail->text, why);
    (void)iw_mail_send(self->front, &mail);
}

/* The run has ended and everything is read: the record for the database.  Readers get it, too,
 * until it is there, so that the analysis can go. */
static void
file_run(iw_worker *self, iw_job *run)
{
    iw_error err = {.text = "out of memory"};
    if (!run->engine || !run->reader) {
        give_up(self, run, "it was not analysed");
        return;
    }
    add_paper(self, run);
    iw_text_copy(run->state, sizeof run->state, run->why);
    iw_mail *mail = iw_mail_new(IW_MAIL_FILE, run->run);
    if (mail) {
        mail->snapshot = iw_engine_snapshot(run->engine, run->state, &err);
        mail->info = malloc(sizeof *mail->info);
        if (mail->info)
            iw_run_info_init(mail->info);
    }
    if (!mail || !mail->snapshot || !mail->info ||
        iw_run_info_copy(mail->info, run->info, &err) != IW_OK ||
        note_journal(self, mail->info, &err) != IW_OK) {
        iw_mail_destroy(&mail);
        give_up(self, run, err.text);
        return;
    }
    memcpy(mail->id, run->id, sizeof mail->id);
    mail->first = read_first(self, run);
    iw_worker_publish(self, run, mail->snapshot);
    run->held = iw_snapshot_ref(mail->snapshot);
    run->filing = true;
    release(run);
    (void)iw_mail_send(self->store, &mail);
}

static bool
is_due(const iw_job *run)
{
    return !run->filing && run->refused_bytes != run->durable_bytes;
}

/* A parked run goes on, or there is a place for its record. */
static bool
is_wanted(const iw_worker *self, const iw_job *run)
{
    return !run->filing &&
           (run->durable_bytes > run->parked_bytes || (is_due(run) && self->slots < SLOTS));
}

static void
answer_parked(iw_worker *self, iw_job *run)
{
    while (run->asks) {
        iw_mail *ask = run->asks;
        run->asks = ask->next;
        ask->next = NULL;
        if (run->held) {
            iw_worker_answer(self, run, ask);
            continue;
        }
        ask->kind = IW_MAIL_ANSWER;
        ask->status = IW_AGAIN;
        (void)snprintf(ask->text, sizeof ask->text,
                       "run %s has ended and waits for the database, as others do that are asked "
                       "for at the same time: ask again",
                       run->id);
        (void)iw_mail_send(self->front, &ask);
    }
}

static void
look_at_parked(iw_worker *self, iw_job *run)
{
    if (is_wanted(self, run)) {
        if (is_due(run) && run->durable_bytes == run->parked_bytes)
            (void)take_slot(self, run);
        revive(self, run);
    } else if (run->asks && !run->held && self->guests < GUESTS) {
        self->guests++;
        run->guest = true;
        revive(self, run);
    } else {
        answer_parked(self, run);
    }
}

void
iw_worker_file_due(iw_worker *self, iw_job *run)
{
    if (run->parked) {
        look_at_parked(self, run);
        return;
    }
    if (iw_job_has_more(run) || iw_job_reads_again(run))
        return;
    run->revived = false;
    if (!run->why[0]) {
        iw_worker_leave_slot(self, run);
        return;
    }
    double now = iw_now();
    if (is_due(run) && take_slot(self, run))
        file_run(self, run);
    else if (run->park_s == 0 || run->asks)
        run->park_s = now + PARK_AFTER_S;
    else if (now >= run->park_s)
        iw_worker_park(self, run);
}

double
iw_worker_file_at(const iw_worker *self, const iw_job *run)
{
    if (run->parked)
        return run->asks || is_wanted(self, run) ? 0 : (double)INFINITY;
    if (!run->why[0] || iw_job_has_more(run) || iw_job_reads_again(run))
        return (double)INFINITY;
    return is_due(run) && (run->slot || self->slots < SLOTS) ? 0 : run->park_s;
}
