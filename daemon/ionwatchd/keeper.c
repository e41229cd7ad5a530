/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ionwatchd/keeper.h"

#include "ionwatchd/log.h"
#include "journal/keeping.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { KEEP_ALL, KEEP_TRAJECTORY, KEEP_NOTHING }; /* the choices of the option */
enum { PATH_SIZE = 1024, LOWEST_NICE = 19 };

static const double FIRST_PAUSE_S = 0.5; /* after a failure, doubled each time */
static const double PATIENT_PAUSE_S = 600, WAITED_FOR_PAUSE_S = 15;

typedef enum { PACK, DROP, UNPACK } job_kind;

/* A run whose journal is to be changed, or is waited for. */
typedef struct item {
    uint32_t run;
    char id[IW_ID_LENGTH + 1];
    double due_s; /* of PACK or DROP; INFINITY: never */
    double retry_s, pause_s;
    bool busy;           /* the job is on it */
    bool told;           /* that it cannot be done now */
    iw_mail_queue mails; /* HELLO and REMOVE */
    struct item *next;
} item;

/* The work of one thread.  Both sides read; only stop changes while it runs. */
typedef struct {
    job_kind kind;
    const char *data;
    uint32_t run;
    char id[IW_ID_LENGTH + 1];
    atomic_bool stop;
    void *keeper;  /* mailbox, for DONE */
    iw_mail *done; /* made before, so that it can always be said */
    pthread_t thread;
} job;

struct iw_keeper {
    const iw_config *config;
    void *inbox, *front, *journal;
    void *done; /* of the job at hand */
    item *items;
    bool working;
    job job;
    bool terminated;
};

iw_keeper *
iw_keeper_new(void *context, const iw_config *config, iw_error *err)
{
    iw_keeper *self = calloc(1, sizeof *self);
    if (!self) {
        (void)iw_fail(err, IW_NO_MEMORY, "keeper: out of memory");
        return NULL;
    }
    self->config = config;
    self->inbox = iw_mailbox_bind(context, "keeper", err);
    self->front = iw_mailbox_connect(context, "front", err);
    self->journal = iw_mailbox_connect(context, "journal", err);
    self->done = iw_mailbox_connect(context, "keeper", err);
    if (!self->inbox || !self->front || !self->journal || !self->done)
        iw_keeper_destroy(&self);
    return self;
}

static void
destroy_item(item *run)
{
    iw_mail_queue_fini(&run->mails);
    free(run);
}

void
iw_keeper_destroy(iw_keeper **keeper)
{
    iw_keeper *self = *keeper;
    if (!self)
        return;
    while (self->items) {
        item *run = self->items;
        self->items = run->next;
        destroy_item(run);
    }
    iw_mailbox_close(&self->inbox);
    iw_mailbox_close(&self->front);
    iw_mailbox_close(&self->journal);
    iw_mailbox_close(&self->done);
    free(self);
    *keeper = NULL;
}

/* ---- on the thread of a job ---- */

static bool
is_stopped(void *job_at_hand)
{
    return atomic_load(&((job *)job_at_hand)->stop);
}

/* Both where they are allowed; everybody else goes first. */
static void
step_back(void)
{
    enum { WHO_PROCESS = 1, CLASS_IDLE = 3, CLASS_SHIFT = 13 };
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), LOWEST_NICE);
    (void)syscall(SYS_ioprio_set, WHO_PROCESS, 0, CLASS_IDLE << CLASS_SHIFT);
}

static void *
run_job(void *job_at_hand)
{
    job *self = job_at_hand;
    iw_packlog_watch watch = {is_stopped, self};
    iw_error err = {0};
    uint64_t lost = 0;
    iw_status status;
    if (self->kind != UNPACK)
        step_back();
    if (self->kind == PACK)
        status = iw_keeping_pack(self->data, self->id, &watch, &err);
    else if (self->kind == DROP)
        status = iw_keeping_drop(self->data, self->id, &err);
    else
        status = iw_keeping_unpack(self->data, self->id, &watch, &lost, &err);
    self->done->status = status;
    self->done->offset = lost;
    iw_text_copy(self->done->text, sizeof self->done->text, status == IW_OK ? "" : err.text);
    (void)iw_mail_send(self->keeper, &self->done);
    return NULL;
}

/* ---- on the keeper's thread ---- */

static item *
item_of(const iw_keeper *self, const char *id)
{
    for (item *run = self->items; run; run = run->next)
        if (strcmp(run->id, id) == 0)
            return run;
    return NULL;
}

static item *
add_item(iw_keeper *self, const iw_mail *about)
{
    item *run = item_of(self, about->id);
    if (!run) {
        run = calloc(1, sizeof *run);
        if (!run)
            return NULL;
        memcpy(run->id, about->id, sizeof run->id);
        run->due_s = INFINITY;
        run->next = self->items;
        self->items = run;
    }
    run->run = about->run;
    return run;
}

static void
start_job(iw_keeper *self, item *run, job_kind kind)
{
    self->job.kind = kind;
    self->job.data = self->config->data;
    self->job.run = run->run;
    memcpy(self->job.id, run->id, sizeof self->job.id);
    self->job.keeper = self->done;
    self->job.done = iw_mail_new(IW_MAIL_DONE, run->run);
    atomic_store(&self->job.stop, false);
    if (self->job.done && pthread_create(&self->job.thread, NULL, run_job, &self->job) == 0) {
        self->working = run->busy = true;
        return;
    }
    iw_mail_destroy(&self->job.done);
    run->retry_s = iw_now() + FIRST_PAUSE_S;
}

static void
tell_front(iw_keeper *self, iw_mail_kind kind, const item *run, iw_status status, const char *text)
{
    iw_mail *mail = iw_mail_new(kind, run->run);
    if (!mail)
        return;
    memcpy(mail->id, run->id, sizeof mail->id);
    mail->status = status;
    iw_text_copy(mail->text, sizeof mail->text, text);
    (void)iw_mail_send(self->front, &mail);
}

/* The HELLO at the head of the queue cannot be: the run stays as it was filed. */
static void
refuse(iw_keeper *self, item *run, iw_status status, const char *text)
{
    iw_mail *hello = iw_mail_queue_take(&run->mails);
    tell_front(self, IW_MAIL_OPENED, run, status, text);
    iw_mail_destroy(&hello);
}

static void
hand_back(iw_keeper *self, item *run)
{
    iw_error err;
    if (iw_keeping_tidy(self->config->data, run->id, &err) != IW_OK)
        iw_log("keeper.tidy", "run %s: %s", run->id, err.text);
    iw_mail *mail = iw_mail_queue_take(&run->mails);
    run->due_s = INFINITY;
    (void)iw_mail_send(self->journal, &mail);
}

/* What waits for a run that nobody works on.  True: it waits for its journal to be unpacked. */
static bool
serve(iw_keeper *self, item *run)
{
    char path[PATH_SIZE];
    while (run->mails.first && !run->busy) {
        if (run->mails.first->kind == IW_MAIL_REMOVE) {
            hand_back(self, run);
            continue;
        }
        switch (iw_keeping_look(self->config->data, run->id, path, sizeof path)) {
        case IW_KEPT_PLAIN:
            hand_back(self, run);
            break;
        case IW_KEPT_PACKED:
            return true;
        case IW_KEPT_RUN:
        case IW_KEPT_NOTHING:
            refuse(self, run, IW_REFUSED,
                   "the run was filed and its frames are not kept: give the continuation another "
                   "run id");
            break;
        }
    }
    return false;
}

static void
take_kept(iw_keeper *self, const iw_mail *mail)
{
    char path[PATH_SIZE];
    struct stat info;
    iw_error err;
    if (iw_keeping_tidy(self->config->data, mail->id, &err) != IW_OK)
        iw_log("keeper.tidy", "run %s: %s", mail->id, err.text);
    iw_kept kept = iw_keeping_look(self->config->data, mail->id, path, sizeof path);
    if (kept == IW_KEPT_RUN) {
        const item gone = {.run = mail->run};
        tell_front(self, IW_MAIL_GONE, &gone, IW_OK, "");
    }
    bool due = (kept == IW_KEPT_PLAIN && self->config->keep != KEEP_ALL) ||
               (kept == IW_KEPT_PACKED && self->config->keep == KEEP_NOTHING);
    if (!due || stat(path, &info) != 0)
        return;
    item *run = add_item(self, mail);
    double age_s = difftime(time(NULL), info.st_mtime);
    if (run)
        run->due_s = iw_now() + fmax(0, self->config->keep_after_s - fmax(0, age_s));
}

static void
take(iw_keeper *self, iw_mail *mail)
{
    item *run;
    switch (mail->kind) {
    case IW_MAIL_KEEP:
        take_kept(self, mail);
        break;
    case IW_MAIL_HELLO:
    case IW_MAIL_REMOVE:
        run = add_item(self, mail);
        if (!run) { /* as if it had not come: its sender asks again */
            iw_log("keeper.memory", "run %s: out of memory", mail->id);
            break;
        }
        iw_mail_queue_put(&run->mails, mail);
        return;
    case IW_MAIL_QUIT:
        self->terminated = true;
        break;
    default:
        break;
    }
    iw_mail_destroy(&mail);
}

static void
put_off(item *run, double longest_s)
{
    run->pause_s = run->pause_s == 0 ? FIRST_PAUSE_S : fmin(2 * run->pause_s, longest_s);
    run->retry_s = iw_now() + run->pause_s;
}

static void
conclude_unpack(iw_keeper *self, item *run, const iw_mail *done)
{
    if (done->status == IW_OK && done->offset > 0)
        iw_log("keeper.damaged", "run %s: %llu bytes of its packed journal are lost", run->id,
               (unsigned long long)done->offset);
    if (done->status == IW_OK) {
        iw_log("keeper.unpacked", "run %s", run->id);
    } else if (done->status == IW_IO || done->status == IW_NO_MEMORY) {
        if (!run->told)
            iw_log("keeper.waiting", "run %s: %s: it goes on when this is mended", run->id,
                   done->text);
        run->told = true;
        tell_front(self, IW_MAIL_WAITING, run, done->status, done->text);
        put_off(run, WAITED_FOR_PAUSE_S);
    } else if (done->status != IW_CLOSED && run->mails.first) {
        iw_log("keeper.failed", "run %s: %s", run->id, done->text);
        refuse(self, run, done->status, done->text);
    }
}

static void
conclude_keep(iw_keeper *self, item *run, const iw_mail *done)
{
    if (done->status == IW_OK) {
        run->due_s = INFINITY;
        if (self->job.kind == DROP) {
            iw_log("keeper.dropped", "run %s: its journal is removed", run->id);
            tell_front(self, IW_MAIL_GONE, run, IW_OK, "");
        } else {
            iw_log("keeper.packed", "run %s: its journal is packed", run->id);
        }
    } else if (done->status == IW_IO || done->status == IW_NO_MEMORY) {
        if (!run->told)
            iw_log("keeper.waiting", "run %s: %s: its journal stays, tried again later", run->id,
                   done->text);
        run->told = true;
        put_off(run, PATIENT_PAUSE_S);
    } else if (done->status != IW_CLOSED) {
        run->due_s = INFINITY;
        iw_log("keeper.failed", "run %s: %s: its journal stays", run->id, done->text);
    }
}

static void
end_job(iw_keeper *self, const iw_mail *done)
{
    item *run = item_of(self, self->job.id);
    (void)pthread_join(self->job.thread, NULL);
    self->working = false;
    if (!run)
        return;
    run->busy = false;
    if (done->status == IW_OK) {
        run->told = false;
        run->pause_s = 0;
    }
    if (self->job.kind == UNPACK)
        conclude_unpack(self, run, done);
    else
        conclude_keep(self, run, done);
}

/* Starts what is due, first what is waited for.  Seconds until something will be; INFINITY: only
 * after a mail. */
static double
advance(iw_keeper *self)
{
    double now = iw_now();
    double wake_s = INFINITY;
    item *wanted = NULL;
    item *oldest = NULL;
    for (item **at = &self->items; *at;) {
        item *run = *at;
        bool waits = serve(self, run);
        bool urgent = waits || run->mails.first;
        if (run->mails.first && run->busy && self->job.kind != UNPACK)
            atomic_store(&self->job.stop, true);
        if (!run->mails.first && !run->busy && isinf(run->due_s)) {
            *at = run->next;
            destroy_item(run);
            continue;
        }
        double due_s = urgent ? run->retry_s : fmax(run->due_s, run->retry_s);
        if (!run->busy && due_s > now)
            wake_s = fmin(wake_s, due_s - now);
        else if (!run->busy && waits)
            wanted = run;
        else if (!run->busy && !urgent && (!oldest || run->due_s < oldest->due_s))
            oldest = run;
        at = &run->next;
    }
    if (self->working && wanted && self->job.kind != UNPACK)
        atomic_store(&self->job.stop, true);
    if (self->working)
        return wake_s;
    if (wanted)
        start_job(self, wanted, UNPACK);
    else if (oldest)
        start_job(self, oldest, self->config->keep == KEEP_TRAJECTORY ? PACK : DROP);
    return (wanted || oldest) && !self->working ? FIRST_PAUSE_S : wake_s;
}

void *
iw_keeper_run(void *keeper)
{
    iw_keeper *self = keeper;
    while (!self->terminated) {
        double wait_s = advance(self);
        zmq_pollitem_t inbox = {self->inbox, 0, ZMQ_POLLIN, 0};
        (void)zmq_poll(&inbox, 1, wait_s > 86400 ? -1 : (long)(1000 * wait_s) + 1);
        for (iw_mail *mail; !self->terminated && (mail = iw_mail_receive(self->inbox, false));)
            if (mail->kind == IW_MAIL_DONE) {
                end_job(self, mail);
                iw_mail_destroy(&mail);
            } else {
                take(self, mail);
            }
    }
    if (self->working) {
        atomic_store(&self->job.stop, true);
        (void)pthread_join(self->job.thread, NULL);
    }
    return NULL;
}
