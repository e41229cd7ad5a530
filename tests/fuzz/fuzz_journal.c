/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_journal.c - a start of the daemon on a data folder with anything in it: the journal thread
 * recovers the run, a worker analyses and files it, then the run goes on for two frames and ends.
 * Sockets, clock, locks on the disk and the log are replaced; the input is summary.json (its length
 * in the first two bytes), then the choices of fuzz_log.h.  What must hold: the run that is told to
 * front and worker is the one in the file, and what is appended is found again. */
#include "framelog.h"
#include "fuzz_log.h"
#include "fuzz_target.h"
#include "ionwatchd/log.h"
#include "ionwatchd/worker.h"
#include "journal/crew.h"
#include "journal/folder.h"
#include "journal/journal.h"

#include <gsl/gsl_errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAILS = 64, TURNS = 4000 };

static struct {
    double now_s;
    iw_mail *to_journal[MAILS], *to_worker[MAILS];
    size_t n_journal, n_worker;
    unsigned polls;
    bool recovered, filed, answered;
    uint64_t seq, durable; /* of the run; as the journal told */
} world;

static char folder[40], journal_path[160], summary_path[160];
static char journal_box, front_box, worker_box, store_box;
static iw_config config;

double __wrap_iw_now(void);
void __wrap_iw_log(const char *id, const char *format, ...) __attribute__((format(printf, 2, 3)));
void *__wrap_iw_mailbox_bind(void *context, const char *name, iw_error *err);
void *__wrap_iw_mailbox_connect(void *context, const char *name, iw_error *err);
void __wrap_iw_mailbox_close(void **socket);
bool __wrap_iw_mail_send(void *socket, iw_mail **mail);
iw_mail *__wrap_iw_mail_receive(void *socket, bool wait);
int __wrap_zmq_poll(zmq_pollitem_t *items, int n, long timeout);
int __wrap_fdatasync(int fd);
int __wrap_fsync(int fd);
iw_crew *__wrap_iw_crew_new(unsigned threads, iw_error *err);
void __wrap_iw_crew_destroy(iw_crew **crew);
void __wrap_iw_crew_run(iw_crew *self, void (*work)(void *item), void *items, size_t n,
                        size_t size);

double
__wrap_iw_now(void)
{
    return world.now_s += 1e-4;
}

void
__wrap_iw_log(const char *id, const char *format, ...)
{
    static char line[2048];
    va_list args;
    va_start(args, format);
    if (!*id || vsnprintf(line, sizeof line, format, args) < 0)
        abort();
    va_end(args);
}

int
__wrap_fdatasync(int fd)
{
    return fd < 0 ? -1 : 0;
}

int
__wrap_fsync(int fd)
{
    return fd < 0 ? -1 : 0;
}

iw_crew *
__wrap_iw_crew_new(unsigned threads, iw_error *err)
{
    (void)threads;
    (void)err;
    return (iw_crew *)&world;
}

void
__wrap_iw_crew_destroy(iw_crew **crew)
{
    *crew = NULL;
}

void
__wrap_iw_crew_run(iw_crew *self, void (*work)(void *item), void *items, size_t n, size_t size)
{
    (void)self;
    for (size_t i = 0; i < n; i++)
        work((char *)items + i * size);
}

static void *
box(const char *name)
{
    return strcmp(name, "journal") == 0 ? &journal_box
           : strcmp(name, "front") == 0 ? &front_box
           : strcmp(name, "store") == 0 ? &store_box
                                        : &worker_box;
}

void *
__wrap_iw_mailbox_bind(void *context, const char *name, iw_error *err)
{
    (void)context;
    (void)err;
    return box(name);
}

void *
__wrap_iw_mailbox_connect(void *context, const char *name, iw_error *err)
{
    (void)context;
    (void)err;
    return box(name);
}

void
__wrap_iw_mailbox_close(void **socket)
{
    *socket = NULL;
}

static void
to_journal(iw_mail *mail)
{
    if (!mail || world.n_journal == MAILS)
        abort();
    world.to_journal[world.n_journal++] = mail;
}

static iw_mail *
record(iw_mail_kind kind, uint64_t seq, const iw_message *message)
{
    iw_mail *mail = iw_mail_new(kind, 1);
    iw_buffer bytes = {0};
    if (!mail || iw_wire_encode(message, &bytes, NULL) != IW_OK)
        abort();
    (void)zmq_msg_close(&mail->message);
    if (zmq_msg_init_size(&mail->message, bytes.size) != 0)
        abort();
    memcpy(zmq_msg_data(&mail->message), bytes.data, bytes.size);
    memcpy(mail->id, FUZZ_RUN_ID, sizeof mail->id);
    mail->seq = seq;
    iw_buffer_fini(&bytes);
    return mail;
}

/* The adapter comes back, sends two frames and ends the run. */
static void
go_on(const iw_run_info *info, uint64_t last)
{
    iw_message message;
    iw_frame frame;
    iw_message_init(&message, IW_MSG_HELLO);
    iw_mail *hello = NULL;
    message.run = malloc(sizeof *message.run);
    if (!message.run)
        abort();
    iw_run_info_init(message.run);
    if (iw_run_info_copy(message.run, info, NULL) != IW_OK)
        abort();
    memcpy(message.run_id, info->id, sizeof message.run_id);
    hello = record(IW_MAIL_HELLO, 0, &message);
    hello->info = message.run;
    to_journal(hello);
    if (iw_frame_init(&frame, info->n_atoms, NULL) != IW_OK)
        abort();
    frame.potential_energy_eV = frame.kinetic_energy_eV = frame.temperature_K = (double)NAN;
    for (uint64_t seq = last + 1; seq <= last + 2; seq++) {
        iw_message_init(&message, IW_MSG_FRAME);
        frame.seq = seq;
        frame.step = (int64_t)(seq % 1000);
        iw_frame_view_of(&frame, &message.frame);
        to_journal(record(IW_MAIL_FRAME, seq, &message));
    }
    iw_frame_fini(&frame);
    iw_message_init(&message, IW_MSG_BYE);
    (void)snprintf(message.text, sizeof message.text, "completed");
    to_journal(record(IW_MAIL_BYE, last + 2, &message));
    world.seq = last + 2;
}

static void
hear_front(const iw_mail *mail)
{
    switch (mail->kind) {
    case IW_MAIL_RECOVERED:
        if (!mail->info || mail->info->n_atoms == 0 || mail->run != 1)
            abort();
        world.recovered = true;
        if (mail->seq < IW_SEQ_MAX - 2)
            go_on(mail->info, mail->seq);
        break;
    case IW_MAIL_DURABLE:
        if (mail->seq < world.durable)
            abort();
        world.durable = mail->seq;
        break;
    case IW_MAIL_ANSWER:
        world.answered = true;
        break;
    default:
        break;
    }
}

bool
__wrap_iw_mail_send(void *socket, iw_mail **mail)
{
    iw_mail *taken = *mail;
    *mail = NULL;
    if (socket == &worker_box && taken->kind != IW_MAIL_QUIT && world.n_worker < MAILS) {
        world.to_worker[world.n_worker++] = taken;
        return true;
    }
    if (socket == &front_box)
        hear_front(taken);
    else if (socket == &store_box && taken->kind == IW_MAIL_FILE) {
        if (!taken->snapshot || !taken->info)
            abort();
        world.filed = true;
    }
    iw_mail_destroy(&taken);
    return true;
}

static iw_mail *
first(iw_mail **mails, size_t *n)
{
    if (*n == 0)
        return NULL;
    iw_mail *mail = mails[0];
    memmove(mails, mails + 1, --*n * sizeof(iw_mail *));
    return mail;
}

iw_mail *
__wrap_iw_mail_receive(void *socket, bool wait)
{
    if (wait)
        abort();
    return socket == &journal_box ? first(world.to_journal, &world.n_journal)
                                  : first(world.to_worker, &world.n_worker);
}

/* Whoever has nothing left to do is told to end. */
int
__wrap_zmq_poll(zmq_pollitem_t *items, int n, long timeout)
{
    iw_mail *mail;
    if (n != 1 || ++world.polls > TURNS)
        abort();
    if (items[0].socket == &journal_box && world.n_journal == 0) {
        to_journal(iw_mail_new(IW_MAIL_QUIT, 0));
    } else if (items[0].socket == &worker_box && world.n_worker == 0 && timeout != 0) {
        if (!world.answered) { /* a reader asks, then the end */
            mail = iw_mail_new(IW_MAIL_SHOW, 1);
            world.answered = true;
        } else {
            mail = iw_mail_new(IW_MAIL_QUIT, 0);
        }
        world.to_worker[world.n_worker++] = mail;
    }
    if (timeout > 0)
        world.now_s += 1e-3 * (double)timeout;
    return 1;
}

static void
put(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0)
        abort();
}

static void
clear(void)
{
    (void)unlink(journal_path);
    (void)unlink(summary_path);
}

static void
leave(void)
{
    static const char run[] = "/runs/" FUZZ_RUN_ID;
    char path[120];
    clear();
    static const char *const parts[] = {run, "/runs", "/lock", ""};
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(path, sizeof path, "%s%s", folder, parts[i]);
        (void)remove(path);
    }
}

static void
prepare(void)
{
    char path[120];
    if (folder[0])
        return;
    (void)gsl_set_error_handler_off();
    (void)snprintf(folder, sizeof folder, "/dev/shm/ionwatch-fuzz-XXXXXX");
    if (!mkdtemp(folder) || atexit(leave) != 0)
        abort();
    iw_folder_path(folder, FUZZ_RUN_ID, "journal.iwlog", journal_path, sizeof journal_path);
    iw_folder_path(folder, FUZZ_RUN_ID, "summary.json", summary_path, sizeof summary_path);
    iw_config_init(&config);
    (void)snprintf(config.data, sizeof config.data, "%s", folder);
    (void)snprintf(path, sizeof path, "%s/runs", folder);
    if (mkdir(path, 0700) != 0)
        abort();
    iw_folder_path(folder, FUZZ_RUN_ID, "", path, sizeof path);
    if (mkdir(path, 0700) != 0)
        abort();
}

static void
work(void)
{
    iw_error err;
    iw_worker *worker = iw_worker_new(NULL, 0, &config, &err);
    if (!worker)
        abort();
    (void)iw_worker_run(worker);
    while (world.n_worker > 0)
        iw_mail_destroy(&world.to_worker[--world.n_worker]);
    iw_worker_destroy(&worker);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, size};
    iw_buffer log = {0};
    iw_error err;
    prepare();
    memset(&world, 0, sizeof world);
    size_t n_summary = fuzz_byte(&in) + 256U * (fuzz_byte(&in) % 4U);
    const uint8_t *summary = fuzz_take(&in, n_summary, &n_summary);
    fuzz_log(&in, &log);
    put(journal_path, log.data, log.size);
    if (n_summary > 0)
        put(summary_path, summary, n_summary);
    iw_buffer_fini(&log);
    const iw_journal_options options = {.data = folder, .workers = 1};
    iw_journal *journal = iw_journal_new(NULL, &options, &err);
    if (!journal)
        abort();
    (void)iw_journal_run(journal);
    iw_journal_destroy(&journal);
    if (world.recovered && world.seq > 0) {
        iw_journal_scan scan;
        if (iw_journal_scan_file(journal_path, &scan, &err) != IW_OK || !scan.ended ||
            scan.last_seq != world.seq || world.durable != world.seq)
            abort();
        iw_run_info_fini(scan.info);
        free(scan.info);
    }
    work();
    while (world.n_journal > 0)
        iw_mail_destroy(&world.to_journal[--world.n_journal]);
    clear();
    return 0;
}
