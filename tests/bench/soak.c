/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * soak - daemons, adapters and readers for hours: does anything grow?
 *
 *     soak [--seconds S] [--runs N] [--report S] [--seed N]
 *
 * Two daemons of this build, with its sanitizers if it has any: one lives all the time, the other
 * is restarted every minute, in order or by kill -9.  Half of the N adapters stream to each: runs
 * begin, end, break off and go on; an adapter is killed every few seconds, the first one never.
 * Readers and subscribers come, go, or do not listen.  Ended runs are removed, so that what stays
 * is constant.  Prints memory, descriptors and threads of the daemon and of the adapter that live
 * all the time; exits 1 when they grow beyond noise after a quarter of the time, when a process
 * does not end in order, or when a sanitizer has said anything.
 */
#include "soak.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_PEERS = 64, KEPT_RUNS = 10, RESTART_S = 60, KILL_S = 7, READERS = 2 };

typedef struct {
    pid_t pid;
    bool reader;
    int daemon; /* which one it talks to */
} peer;

typedef struct {
    double seconds, report_s;
    int adapters;
    uint64_t seed;
    harness *daemons[2]; /* the one that lives, and the one that is restarted */
    peer peers[MOST_PEERS];
    int n_peers;
    unsigned restarts, kills, removed;
    bool in_order; /* every process that was asked to has ended so */
} soak;

static volatile sig_atomic_t interrupted;

static void
note(int number)
{
    (void)number;
    interrupted = 1;
}

static double
now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void
launch(soak *self, peer *one)
{
    const harness *daemon = self->daemons[one->daemon];
    char seed[24];
    (void)snprintf(seed, sizeof seed, "%llu", (unsigned long long)iw_test_random(&self->seed));
    one->pid = fork();
    assert_true(one->pid >= 0);
    if (one->pid > 0)
        return;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)execl("/proc/self/exe", "soak", one->reader ? "reader" : "adapter", daemon->endpoint,
                daemon->folder, seed, (char *)NULL);
    _exit(127);
}

static void
start_daemon(harness *daemon)
{
    const char *options[] = {
        "--publish-every-s", "0.5", "--heartbeat-s", "5", "--lost-after-s", "15", NULL};
    harness_start(daemon, options, 0);
}

static void
begin(soak *self)
{
    for (int i = 0; i < 2; i++) {
        void *daemon = NULL;
        (void)harness_begin(&daemon);
        self->daemons[i] = daemon;
        start_daemon(self->daemons[i]);
    }
    self->n_peers = self->adapters + 2 * READERS;
    for (int i = 0; i < self->n_peers; i++) {
        self->peers[i] = (peer){.reader = i >= self->adapters, .daemon = i % 2};
        launch(self, &self->peers[i]);
    }
}

/* Adapters but the first are killed by turns, and others take their place. */
static void
kill_one(soak *self)
{
    int i = 1 + (int)(iw_test_random(&self->seed) % (uint64_t)(self->n_peers - 1));
    (void)kill(self->peers[i].pid, SIGKILL);
    (void)waitpid(self->peers[i].pid, NULL, 0);
    launch(self, &self->peers[i]);
    self->kills++;
}

static void
restart_daemon(soak *self)
{
    harness *daemon = self->daemons[1];
    harness_kill(daemon,
                 self->restarts % 2 ? SIGKILL : SIGTERM); /* SIGTERM must give exit code 0 */
    start_daemon(daemon);
    self->restarts++;
}

static bool
has_ended(const json_t *run)
{
    static const char *const live[] = {"running", "stalled", "waiting for disk", "ending"};
    const char *state = json_string_value(json_object_get(run, "state"));
    for (size_t i = 0; state && i < sizeof live / sizeof live[0]; i++)
        if (strcmp(state, live[i]) == 0)
            return false;
    return true;
}

/* Leaves the last ended runs of a daemon, and removes the others. */
static void
remove_ended(soak *self, harness *daemon)
{
    iw_message message;
    size_t ended = 0;
    json_t *list = harness_ask(daemon, "list", "", true, &message);
    for (size_t i = json_array_size(list); i > 0; i--) {
        const json_t *run = json_array_get(list, i - 1);
        if (!has_ended(run) || ++ended <= KEPT_RUNS)
            continue;
        json_decref(harness_ask(daemon, "rm", json_string_value(json_object_get(run, "id")), false,
                                &message));
        self->removed++;
    }
    json_decref(list);
}

static void
work(soak *self, soak_watched *daemon, soak_watched *adapter)
{
    double start = now_s();
    double next_report = start + self->report_s;
    double next_restart = start + RESTART_S;
    double next_kill = start + KILL_S;
    while (!interrupted) {
        pause_ms(200);
        double now = now_s();
        if (now >= start + self->seconds)
            break;
        if (now >= next_kill) {
            kill_one(self);
            next_kill += KILL_S;
        }
        if (now >= next_restart) {
            restart_daemon(self);
            next_restart += RESTART_S;
        }
        if (now >= next_report) {
            for (int i = 0; i < 2; i++)
                remove_ended(self, self->daemons[i]);
            soak_sample(daemon, now - start);
            soak_sample(adapter, now - start);
            (void)fflush(stdout);
            next_report += self->report_s;
        }
    }
}

static void
end(soak *self)
{
    int result = 0;
    for (int i = 0; i < self->n_peers; i++)
        (void)kill(self->peers[i].pid, SIGTERM);
    for (int i = 0; i < self->n_peers; i++) {
        (void)waitpid(self->peers[i].pid, &result, 0);
        if (!WIFEXITED(result) || WEXITSTATUS(result) != 0) {
            printf("%s %d did not end in order\n", self->peers[i].reader ? "reader" : "adapter", i);
            self->in_order = false;
        }
    }
    for (int i = 0; i < 2; i++)
        harness_kill(self->daemons[i], SIGTERM); /* fails unless the exit code is 0 */
}

/* Sanitizers write to the log of their daemon. */
static bool
complains(const harness *daemon)
{
    static const char *const words[] = {"Sanitizer", "runtime error"};
    char line[2048];
    bool found = false;
    FILE *log = fopen(daemon->log, "r");
    while (log && fgets(line, sizeof line, log)) {
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
            found |= strstr(line, words[i]) != NULL;
        if (found)
            printf("%s", line);
    }
    if (log)
        (void)fclose(log);
    return found;
}

static int
run(soak *self)
{
    struct sigaction action = {.sa_handler = note};
    soak_watched daemon = {.name = "daemon"};
    soak_watched adapter = {.name = "adapter"};
    /* What a sanitizer keeps of freed memory would look like growth for an hour. */
    (void)setenv("ASAN_OPTIONS", "quarantine_size_mb=8:malloc_context_size=8", 0);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    begin(self);
    daemon.pid = self->daemons[0]->pid;
    adapter.pid = self->peers[0].pid;
    work(self, &daemon, &adapter);
    end(self);
    printf("%u restarts of the other daemon, %u processes killed, %u runs removed\n",
           self->restarts, self->kills, self->removed);
    bool grows = soak_grows(&daemon, self->seconds / 4);
    grows |= soak_grows(&adapter, self->seconds / 4);
    bool bad = grows || !self->in_order;
    for (int i = 0; i < 2; i++) {
        void *state = self->daemons[i];
        bad |= complains(self->daemons[i]);
        (void)harness_end(&state);
    }
    soak_forget(&daemon);
    soak_forget(&adapter);
    printf("%s\n", bad ? "NOT SOUND" : "sound");
    return bad ? 1 : 0;
}

int
main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "adapter") == 0)
        return soak_be_adapter(argv[2], argv[3], strtoull(argv[4], NULL, 10));
    if (argc == 5 && strcmp(argv[1], "reader") == 0)
        return soak_be_reader(argv[2], strtoull(argv[4], NULL, 10));
    soak self = {
        .seconds = 3600, .report_s = 30, .adapters = 12, .seed = 20261122, .in_order = true};
    for (int i = 1; i < argc; i++) {
        bool value = i + 1 < argc;
        if (strcmp(argv[i], "--seconds") == 0 && value)
            self.seconds = strtod(argv[++i], NULL);
        else if (strcmp(argv[i], "--report") == 0 && value)
            self.report_s = strtod(argv[++i], NULL);
        else if (strcmp(argv[i], "--runs") == 0 && value)
            self.adapters = (int)strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0 && value)
            self.seed = strtoull(argv[++i], NULL, 10);
        else {
            (void)fprintf(stderr, "usage: soak [--seconds S] [--runs N] [--report S] [--seed N]\n");
            return 2;
        }
    }
    if (self.adapters < 1 || self.adapters > MOST_PEERS - 2 * READERS || self.seed == 0)
        return 2;
    return run(&self);
}
