/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * main.c - ionwatchd: starts the threads, waits for a signal, stops them in order.
 */
#include "herald/herald.h"
#include "intake/front.h"
#include "ionwatchd/config.h"
#include "ionwatchd/keeper.h"
#include "ionwatchd/log.h"
#include "ionwatchd/storer.h"
#include "ionwatchd/worker.h"
#include "journal/journal.h"
#include "journal/refile.h"
#include "publish/http/web.h"
#include "publish/metrics.h"
#include "standard.h"
#include "store/store.h"

#include <gsl/gsl_errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_WORKERS = 256, EXIT_USAGE = 2, DESCRIPTORS_OF_RUN = 3, OTHER_DESCRIPTORS = 256 };

typedef struct {
    char db_label[IW_CONFIG_TEXT]; /* the database, without a password */
    void *context;
    void *to_front, *to_keeper, *to_store, *to_web;
    void *to_herald; /* NULL, as herald: nobody wants to be told */
    iw_herald *herald;
    iw_front *front;
    iw_journal *journal;
    iw_keeper *keeper;
    iw_storer *storer;
    iw_web *web;
    unsigned n_workers;
    iw_worker *workers[MAX_WORKERS];
    pthread_t front_thread, journal_thread, keeper_thread, store_thread, web_thread, herald_thread,
        worker_threads[MAX_WORKERS];
} parts;

static void
herald_options(const iw_config *config, iw_herald_options *options)
{
    *options = (iw_herald_options){.data = config->data,
                                   .command = config->on_event,
                                   .kinds = config->on_event_kinds,
                                   .endpoint = config->listen.items[0],
                                   .timeout_s = config->on_event_timeout_s,
                                   .pause_s = config->on_event_pause_s,
                                   .at_once = config->on_event_at_once};
}

static double
stalled_s(const iw_config *config)
{
    return !*config->on_event                                 ? 0
           : config->on_event_stalled_s < config->heartbeat_s ? config->heartbeat_s
                                                              : config->on_event_stalled_s;
}

/* A database that was lost, and begun anew, is told of. */
static void
hint_at_lost_database(const parts *self, const char *data)
{
    json_t *one = NULL;
    iw_refile_account account = {0};
    iw_error ignored;
    if (iw_storer_ids(self->storer, false, &one, &ignored) == IW_OK && json_object_size(one) == 0)
        (void)iw_refile(data, one, true, &account, &ignored);
    json_decref(one);
    if (account.again > 0)
        iw_log("main.refile",
               "the database is empty, and %zu runs in the data folder were filed: "
               "--refile missing files them again",
               account.again);
}

/* Runs whose records are wanted again. */
static iw_status
refile(const parts *self, const iw_config *config, iw_error *err)
{
    enum { NO, MISSING }; /* the choices of the option; else all */
    json_t *ids = NULL;
    iw_refile_account account = {0};
    if (config->refile == NO) {
        hint_at_lost_database(self, config->data);
        return IW_OK;
    }
    iw_status status = iw_storer_ids(self->storer, true, &ids, err);
    if (status == IW_OK && config->refile != MISSING)
        (void)json_object_clear(ids);
    if (status == IW_OK)
        status = iw_refile(config->data, ids, false, &account, err);
    json_decref(ids);
    if (status)
        return iw_prefix(err, "refile");
    iw_log("main.refile",
           "%zu filed runs are filed again; of %zu the frames are not kept, %zu failed",
           account.again, account.lost, account.failed);
    return IW_OK;
}

static iw_status
make_parts(parts *self, const iw_config *config, iw_error *err)
{
    const char *listen[IW_CONFIG_LISTEN];
    for (size_t i = 0; i < config->listen.n; i++)
        listen[i] = config->listen.items[i];
    iw_store_label(config->db, self->db_label, sizeof self->db_label);
    iw_front_options options = {.listen = listen,
                                .n_listen = config->listen.n,
                                .insecure_tcp = config->insecure_tcp,
                                .require_keys = config->require_keys,
                                .authorised_keys = config->authorised_keys,
                                .message_limit_mib = config->message_limit_mib,
                                .queue_mib = config->queue_mib,
                                .max_runs = config->max_runs,
                                .max_atoms = config->max_atoms,
                                .max_run_mib = config->max_run_mib,
                                .heartbeat_s = config->heartbeat_s,
                                .lost_after_s = config->lost_after_s,
                                .data = config->data,
                                .db = self->db_label,
                                .min_free_mib = config->min_free_mib,
                                .stalled_s = stalled_s(config)};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    self->n_workers = config->workers ? config->workers : cores < 1 ? 1 : (unsigned)cores;
    if (self->n_workers > MAX_WORKERS)
        self->n_workers = MAX_WORKERS;
    self->context = zmq_ctx_new();
    if (!self->context)
        return iw_fail(err, IW_NO_MEMORY, "out of memory");
    /* The folder's lock first: a second daemon must not touch the first one's database or door. */
    iw_journal_options journal = {config->data, self->n_workers, config->min_free_mib};
    self->journal = iw_journal_new(self->context, &journal, err);
    if (!self->journal)
        return iw_prefix(err, "data folder");
    if (*config->on_event) {
        iw_herald_options herald;
        herald_options(config, &herald);
        self->herald = iw_herald_new(self->context, &herald, err);
        self->to_herald = self->herald ? iw_mailbox_connect(self->context, "herald", err) : NULL;
        if (!self->to_herald)
            return err->code;
    }
    self->storer = iw_storer_new(self->context, config->db, err);
    if (!self->storer)
        return iw_prefix(err, "database");
    if (refile(self, config, err) != IW_OK)
        return err->code;
    for (unsigned i = 0; i < self->n_workers; i++) {
        self->workers[i] = iw_worker_new(self->context, i, config, err);
        if (!self->workers[i])
            return err->code;
    }
    self->keeper = iw_keeper_new(self->context, config, err);
    if (!self->keeper)
        return err->code;
    self->web = iw_web_new(self->context, config, err);
    if (!self->web)
        return err->code;
    options.workers = self->n_workers;
    self->front = iw_front_new(self->context, &options, err);
    self->to_front = self->front ? iw_mailbox_connect(self->context, "front", err) : NULL;
    self->to_keeper = self->front ? iw_mailbox_connect(self->context, "keeper", err) : NULL;
    self->to_store = self->front ? iw_mailbox_connect(self->context, "store", err) : NULL;
    self->to_web = self->front ? iw_mailbox_connect(self->context, "web", err) : NULL;
    return self->to_front && self->to_keeper && self->to_store && self->to_web ? IW_OK : err->code;
}

static void
destroy_parts(parts *self)
{
    iw_front_destroy(&self->front);
    iw_journal_destroy(&self->journal);
    for (unsigned i = 0; i < self->n_workers; i++)
        iw_worker_destroy(&self->workers[i]);
    iw_keeper_destroy(&self->keeper);
    iw_storer_destroy(&self->storer);
    iw_web_destroy(&self->web);
    iw_herald_destroy(&self->herald);
    iw_mailbox_close(&self->to_herald);
    iw_mailbox_close(&self->to_front);
    iw_mailbox_close(&self->to_keeper);
    iw_mailbox_close(&self->to_store);
    iw_mailbox_close(&self->to_web);
    if (self->context)
        (void)zmq_ctx_term(self->context);
}

static void
must_start(pthread_t *thread, const char *name, void *(*body)(void *), void *self)
{
    int failed = pthread_create(thread, NULL, body, self);
    if (failed) {
        iw_log("main.thread", "cannot start a thread: %s", strerror(failed));
        _exit(EXIT_FAILURE); /* nothing was taken yet */
    }
    (void)pthread_setname_np(*thread, name); /* for `top -H` */
}

static void
start(parts *self)
{
    if (self->herald)
        must_start(&self->herald_thread, "herald", iw_herald_run, self->herald);
    must_start(&self->store_thread, "store", iw_storer_run, self->storer);
    for (unsigned i = 0; i < self->n_workers; i++)
        must_start(&self->worker_threads[i], "worker", iw_worker_run, self->workers[i]);
    must_start(&self->keeper_thread, "keeper", iw_keeper_run, self->keeper);
    must_start(&self->journal_thread, "journal", iw_journal_run, self->journal);
    must_start(&self->front_thread, "front", iw_front_run, self->front);
    must_start(&self->web_thread, "web", iw_web_run, self->web);
}

/*
 * 1. The page ends: who waits for an answer is told so.
 * 2. The front takes nothing more and tells the journal.
 * 3. The journal makes durable what was taken, tells front and workers, and ends.
 * 4. The front acknowledges that, and ends.
 * 5. The workers end after the frame at hand: the journal has everything that they know.  They save
 * what would take long to read again, for 10 s at most.
 * 6. The keeper gives up what it is packing: the journal is as it was.
 * 7. The store ends after the transaction at hand, which a server has 5 s for; what is not filed
 * yet is filed at the next start.
 * 8. The herald tells what it has, for 5 s at most.
 * 9. Sockets, files and the lock are closed.
 */
static void
stop(parts *self)
{
    iw_storer_end(self->storer);
    iw_mail *quit = iw_mail_new(IW_MAIL_QUIT, 0);
    if (quit)
        (void)iw_mail_send(self->to_web, &quit);
    (void)pthread_join(self->web_thread, NULL);
    quit = iw_mail_new(IW_MAIL_QUIT, 0);
    if (quit)
        (void)iw_mail_send(self->to_front, &quit);
    (void)pthread_join(self->journal_thread, NULL);
    (void)pthread_join(self->front_thread, NULL);
    for (unsigned i = 0; i < self->n_workers; i++)
        (void)pthread_join(self->worker_threads[i], NULL);
    quit = iw_mail_new(IW_MAIL_QUIT, 0);
    if (quit)
        (void)iw_mail_send(self->to_keeper, &quit);
    (void)pthread_join(self->keeper_thread, NULL);
    quit = iw_mail_new(IW_MAIL_QUIT, 0);
    if (quit)
        (void)iw_mail_send(self->to_store, &quit);
    (void)pthread_join(self->store_thread, NULL);
    if (!self->herald)
        return;
    quit = iw_mail_new(IW_MAIL_QUIT, 0);
    if (quit)
        (void)iw_mail_send(self->to_herald, &quit);
    (void)pthread_join(self->herald_thread, NULL);
}

static void
wait_for_signal(int signals)
{
    struct signalfd_siginfo info;
    while (read(signals, &info, sizeof info) != (ssize_t)sizeof info)
        ;
    iw_log("main.stop", "signal %u: stopping in order", info.ssi_signo);
}

/* A run needs three descriptors: its journal, written and read, and its adapter's connection.  More
 * runs than there are descriptors for are refused at the door, where their adapters hear why. */
static unsigned
runs_for_descriptors(unsigned max_runs, unsigned pages)
{
    struct rlimit limit;
    rlim_t others = OTHER_DESCRIPTORS + (rlim_t)pages;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return max_runs;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur == RLIM_INFINITY ||
        limit.rlim_cur >= others + (rlim_t)DESCRIPTORS_OF_RUN * max_runs)
        return max_runs;
    rlim_t left = limit.rlim_cur > others ? limit.rlim_cur - others : 0;
    unsigned runs = (unsigned)(left / DESCRIPTORS_OF_RUN);
    iw_log("main.descriptors",
           "%llu descriptors are enough for %u runs at once, max_runs is %u: raise the limit "
           "(LimitNOFILE of the unit, ulimit -Hn)",
           (unsigned long long)limit.rlim_cur, runs, max_runs);
    return runs ? runs : 1;
}

static int
serve(iw_config *config)
{
    bool page = strcmp(config->http, "off") != 0;
    config->max_runs = runs_for_descriptors(config->max_runs, page ? config->http_connections : 0);
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL); /* before any thread, so that all inherit it */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGCHLD, SIG_DFL); /* else nobody could wait for a command */
    (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error, not an end */
    int signals = signalfd(-1, &set, SFD_CLOEXEC);
    parts *self = calloc(1, sizeof *self);
    iw_error err = {0};
    int result = EXIT_FAILURE;
    if (!self || signals < 0) {
        iw_log("main.start", "out of memory or descriptors");
    } else if (make_parts(self, config, &err) != IW_OK) {
        iw_log("main.start", "%s", err.text);
    } else {
        iw_log("main.start", "ionwatchd %s, data %s, database %s, %u workers", IONWATCH_VERSION,
               config->data, self->db_label, self->n_workers);
        start(self);
        wait_for_signal(signals);
        stop(self);
        iw_log("main.stopped", "everything taken is on disk");
        result = EXIT_SUCCESS;
    }
    if (self)
        destroy_parts(self);
    free(self);
    if (signals >= 0)
        (void)close(signals);
    return result;
}

static int
test_notice(const iw_config *config)
{
    iw_error err;
    iw_herald_options options;
    herald_options(config, &options);
    if (iw_herald_test(&options, stdout, &err) == IW_OK)
        return EXIT_SUCCESS;
    (void)fprintf(stderr, "ionwatchd: on_event: %s\n", err.text);
    return err.code == IW_INVALID ? EXIT_USAGE : EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
    iw_config config;
    iw_config_action action = IW_CONFIG_RUN;
    iw_error err = {0};
    iw_standard_fill();
    (void)gsl_set_error_handler_off();        /* GSL aborts by default */
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 17); /* fixed: large blocks go back at once */
    (void)umask(077);
    iw_config_init(&config);
    iw_status status = iw_config_arguments(&config, argc, argv, &action, &err);
    if (status == IW_OK && (action == IW_CONFIG_RUN || action == IW_CONFIG_TEST_NOTICE))
        status = iw_config_complete(&config, &err);
    if (status != IW_OK) {
        (void)fprintf(stderr, "ionwatchd: %s\n", err.text);
        return EXIT_USAGE;
    }
    switch (action) {
    case IW_CONFIG_HELP:
        iw_config_help(stdout);
        return EXIT_SUCCESS;
    case IW_CONFIG_VERSION:
        (void)puts("ionwatchd " IONWATCH_VERSION);
        return EXIT_SUCCESS;
    case IW_CONFIG_PRINT:
        iw_config_sample(stdout);
        return EXIT_SUCCESS;
    case IW_CONFIG_METRICS:
        iw_metrics_page(stdout);
        return EXIT_SUCCESS;
    case IW_CONFIG_TEST_NOTICE:
        return test_notice(&config);
    case IW_CONFIG_RUN:
        break;
    }
    return serve(&config);
}
