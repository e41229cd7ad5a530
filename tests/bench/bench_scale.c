/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_scale - many runs at once on one daemon: 300 atoms, one frame a second each.
 *
 *     bench_scale [--runs N] [--seconds S] [--atoms N] [--no-velocities] [--kill S] [--late S]
 *                 [--report S] [--show N] [--ramp S]
 *
 * Prints, and exits 1 beyond the limits: how long after its due moment a frame is acknowledged, and
 * counted in what `ls` shows (looked at twice a second) - none later than --late, 2 s by default;
 * how long `show` takes; memory, descriptors, threads, processor time and bytes written by the
 * daemon.  --kill: kill -9 that many seconds in and start again; how long until all is caught up.
 * --ramp: runs begin within so many seconds, ten a second by default, so that not all of them have
 * their costly frames at once.  The sender runs on the same machine; its own processor time is
 * printed, too.
 */
#include "crowd.h"
#include "process.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

static const double LOOK_S = 0.5;
static const double QUIET_S = 3; /* without a frame behind: all is caught up */

typedef struct {
    crowd_options crowd;
    double kill_s, late_s, report_s;
    unsigned shows; /* a second */
} settings;

/* What /proc says of the daemon. */
typedef struct {
    double rss_mb, peak_mb, cpu_s, written_mb;
    size_t descriptors, threads;
} usage;

typedef struct {
    harness *daemon;
    crowd *crowd;
    const settings *set;
    void *reader; /* DEALER that never waits */
    uint64_t *counted;
    crowd_delays counts, shows;
    bool list_pending, show_pending;
    double list_asked_s, show_asked_s;
    size_t next_show;
    uint64_t behind;      /* frames due and not counted, at the last look */
    double disturbed_s;   /* > 0: killed then, and not caught up yet */
    double behind_s;      /* when any was seen last */
    double caught_up_s;   /* after the kill */
    uint64_t late_frames; /* outside of a disturbance */
} watch;

static double
cpu_of(pid_t pid)
{
    char path[64], text[1024] = "";
    unsigned long user = 0, system = 0;
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *stream = fopen(path, "r");
    if (stream && fgets(text, sizeof text, stream)) {
        const char *at = strrchr(text, ')');
        for (int field = 2; at && field < 13; field++)
            at = strchr(at + 1, ' ');
        char *end = NULL;
        if (at) {
            user = strtoul(at, &end, 10);
            system = strtoul(end, NULL, 10);
        }
    }
    if (stream)
        (void)fclose(stream);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static void
look_at(pid_t pid, usage *out)
{
    out->rss_mb = process_number(pid, "status", "VmRSS:") / 1024;
    out->peak_mb = process_number(pid, "status", "VmHWM:") / 1024;
    out->threads = (size_t)process_number(pid, "status", "Threads:");
    out->written_mb = process_number(pid, "io", "write_bytes:") * 1e-6;
    out->cpu_s = cpu_of(pid);
    out->descriptors = process_descriptors(pid);
}

static void
ask(watch *self, const char *verb, const char *arg, bool flag)
{
    iw_message message;
    iw_buffer bytes = {0};
    iw_error err;
    iw_message_init(&message, IW_MSG_ASK);
    (void)snprintf(message.verb, sizeof message.verb, "%s", verb);
    (void)snprintf(message.arg, sizeof message.arg, "%s", arg);
    message.flag = flag;
    assert_ok(iw_wire_encode(&message, &bytes, &err), err);
    (void)zmq_send(self->reader, bytes.data, bytes.size, ZMQ_DONTWAIT);
    iw_buffer_fini(&bytes);
}

/* Frames that the listing counts, run by run. */
static void
take_list(watch *self, const json_t *list, double now)
{
    size_t i;
    json_t *item;
    self->behind = 0;
    json_array_foreach(list, i, item)
    {
        size_t run = crowd_find(self->crowd, json_string_value(json_object_get(item, "name")));
        uint64_t frames = (uint64_t)json_integer_value(json_object_get(item, "frames"));
        if (run == SIZE_MAX)
            continue;
        for (; self->counted[run] < frames; self->counted[run]++) {
            double due = crowd_due_s(self->crowd, run, self->counted[run] + 1);
            if (self->disturbed_s > 0)
                continue;
            crowd_delay(&self->counts, 1e3 * (now - due));
            self->late_frames += now - due > self->set->late_s;
        }
        uint64_t due = crowd_due(self->crowd, run, self->list_asked_s - self->set->late_s);
        if (due > frames)
            self->behind += due - frames;
    }
    if (self->behind > 0 || json_array_size(list) < self->set->crowd.runs)
        self->behind_s = now;
    if (self->disturbed_s > 0 && now - self->behind_s > QUIET_S) {
        self->caught_up_s = self->behind_s - self->disturbed_s;
        self->disturbed_s = 0;
    }
}

static void
take_answers(watch *self)
{
    zmq_msg_t bytes;
    (void)zmq_msg_init(&bytes);
    while (zmq_msg_recv(&bytes, self->reader, ZMQ_DONTWAIT) >= 0) {
        iw_message message;
        iw_error err;
        double now = crowd_now_s();
        iw_message_init(&message, IW_MSG_ANSWER);
        assert_ok(iw_wire_decode(zmq_msg_data(&bytes), zmq_msg_size(&bytes), &message, &err), err);
        if (message.json_size > 0 && message.json[0] == '[') {
            json_t *list = json_loadb(message.json, message.json_size, 0, NULL);
            take_list(self, list, now);
            json_decref(list);
            self->list_pending = false;
        } else {
            if (message.status == IW_OK && self->disturbed_s == 0)
                crowd_delay(&self->shows, 1e3 * (now - self->show_asked_s));
            self->show_pending = false;
        }
    }
    (void)zmq_msg_close(&bytes);
}

static void
connect_reader(watch *self)
{
    int none = 0;
    if (self->reader)
        (void)zmq_close(self->reader);
    self->reader = zmq_socket(self->daemon->context, ZMQ_DEALER);
    assert_non_null(self->reader);
    (void)zmq_setsockopt(self->reader, ZMQ_LINGER, &none, sizeof none);
    assert_int_equal(zmq_connect(self->reader, self->daemon->endpoint), 0);
    self->list_pending = self->show_pending = false;
}

static void
ask_what_is_due(watch *self, double now)
{
    if (!self->list_pending && now - self->list_asked_s >= LOOK_S) {
        self->list_asked_s = now;
        self->list_pending = true;
        ask(self, "list", "", true);
    }
    if (self->set->shows > 0 && !self->show_pending &&
        now - self->show_asked_s >= 1.0 / self->set->shows) {
        self->next_show = (self->next_show + 37) % self->set->crowd.runs;
        self->show_asked_s = now;
        self->show_pending = true;
        ask(self, "show", crowd_id(self->crowd, self->next_show), false);
    }
}

static void
report(const watch *self, double at_s, usage *last)
{
    usage now;
    struct rusage own;
    look_at(self->daemon->pid, &now);
    (void)getrusage(RUSAGE_SELF, &own);
    const crowd_delays *acks = crowd_acks(self->crowd);
    printf("%5.0f s  %zu open, %llu acknowledged (median %.0f, 99%% %.0f, most %.0f ms), counted "
           "(median %.0f, 99%% %.0f, most %.0f ms), %llu behind; RSS %.0f MB, %.0f kB a run; %zu "
           "descriptors; %.2f cores; %.1f MB/s written; sender %.1f s\n",
           at_s, crowd_open(self->crowd), (unsigned long long)crowd_acknowledged(self->crowd),
           crowd_percentile(acks, 0.5), crowd_percentile(acks, 0.99), acks->most_ms,
           crowd_percentile(&self->counts, 0.5), crowd_percentile(&self->counts, 0.99),
           self->counts.most_ms, (unsigned long long)self->behind, now.rss_mb,
           1024 * now.rss_mb / (double)self->set->crowd.runs, now.descriptors,
           (now.cpu_s - last->cpu_s) / self->set->report_s,
           (now.written_mb - last->written_mb) / self->set->report_s,
           (double)own.ru_utime.tv_sec + 1e-6 * (double)own.ru_utime.tv_usec +
               (double)own.ru_stime.tv_sec + 1e-6 * (double)own.ru_stime.tv_usec);
    (void)fflush(stdout);
    *last = now;
}

static void
kill_and_start(watch *self, const char *const *options)
{
    double start = crowd_now_s();
    harness_kill(self->daemon, SIGKILL);
    self->disturbed_s = self->behind_s = start;
    harness_start(self->daemon, options, 0);
    printf("killed, and answers again after %.1f s\n", crowd_now_s() - start);
    connect_reader(self);
}

static uint64_t
count_all(const watch *self)
{
    uint64_t counted = 0;
    for (size_t i = 0; i < self->set->crowd.runs; i++)
        counted += self->counted[i];
    return counted;
}

/* Until all frames are counted, or nothing has come for a while. */
static void
stream(watch *self, const char *const *options)
{
    const settings *set = self->set;
    double start = crowd_now_s();
    double end = start + set->crowd.seconds + set->crowd.ramp_s;
    double next_report = start + set->report_s;
    uint64_t all = (uint64_t)set->crowd.runs * set->crowd.seconds;
    bool killed = set->kill_s <= 0;
    usage last = {0};
    for (;;) {
        double now = crowd_now_s();
        bool complete =
            crowd_complete(self->crowd) && count_all(self) == all && self->disturbed_s == 0;
        if (now > end + 60 || (now > end && complete))
            break;
        crowd_work(self->crowd, 0.02);
        ask_what_is_due(self, now);
        take_answers(self);
        if (!killed && now - start >= set->kill_s) {
            kill_and_start(self, options);
            memset(&last, 0, sizeof last);
            killed = true;
        }
        if (now >= next_report) {
            report(self, next_report - start, &last);
            next_report += set->report_s;
        }
    }
}

static int
verdict(const watch *self)
{
    const settings *set = self->set;
    const crowd_delays *acks = crowd_acks(self->crowd);
    uint64_t all = (uint64_t)set->crowd.runs * set->crowd.seconds;
    uint64_t counted = count_all(self);
    usage now;
    look_at(self->daemon->pid, &now);
    printf("\n%zu runs of %zu atoms%s, one frame a second each, %u s\n", set->crowd.runs,
           set->crowd.atoms, set->crowd.velocities ? " with velocities" : "", set->crowd.seconds);
    printf("frames      %llu due, %llu acknowledged, %llu counted; %llu later than %.1f s\n",
           (unsigned long long)all, (unsigned long long)crowd_acknowledged(self->crowd),
           (unsigned long long)counted, (unsigned long long)self->late_frames, set->late_s);
    printf("to ACK      median %.0f, 99%% %.0f, most %.0f ms\n", crowd_percentile(acks, 0.5),
           crowd_percentile(acks, 0.99), acks->most_ms);
    printf("to `ls`     median %.0f, 99%% %.0f, most %.0f ms\n",
           crowd_percentile(&self->counts, 0.5), crowd_percentile(&self->counts, 0.99),
           self->counts.most_ms);
    printf("`show`      median %.0f, 99%% %.0f, most %.0f ms\n",
           crowd_percentile(&self->shows, 0.5), crowd_percentile(&self->shows, 0.99),
           self->shows.most_ms);
    printf(
        "daemon      %.0f MB (most %.0f), %.0f kB a run, %zu descriptors, %zu threads, %.1f s of "
        "processor, %.0f MB written\n",
        now.rss_mb, now.peak_mb, 1024 * now.rss_mb / (double)set->crowd.runs, now.descriptors,
        now.threads, now.cpu_s, now.written_mb);
    if (set->kill_s > 0)
        printf("kill -9     all runs caught up after %.1f s\n", self->caught_up_s);
    if (*crowd_refusal(self->crowd))
        printf("refused     %s\n", crowd_refusal(self->crowd));
    bool good = crowd_complete(self->crowd) && counted == all && self->late_frames == 0 &&
                self->disturbed_s == 0 && !*crowd_refusal(self->crowd) &&
                now.descriptors <= 3 * set->crowd.runs + 100;
    printf("%s\n", good ? "within the limits" : "BEYOND THE LIMITS");
    return good ? 0 : 1;
}

static int
run_all(const settings *set)
{
    const char *options[] = {"--publish-every-s", "1", NULL};
    void *state = NULL;
    (void)harness_begin(&state);
    watch self = {.daemon = state, .set = set};
    self.counted = calloc(set->crowd.runs, sizeof *self.counted);
    assert_non_null(self.counted);
    harness_start(self.daemon, options, 0);
    connect_reader(&self);
    self.crowd = crowd_new(self.daemon, &set->crowd);
    stream(&self, options);
    int result = verdict(&self);
    (void)zmq_close(self.reader);
    crowd_destroy(&self.crowd);
    free(self.counted);
    harness_kill(self.daemon, SIGKILL);
    (void)harness_end(&state);
    return result;
}

static void
allow_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int
main(int argc, char **argv)
{
    settings set = {
        .crowd = {.runs = 1000, .atoms = 300, .seconds = 600, .velocities = true, .ramp_s = -1},
        .late_s = 2,
        .report_s = 60,
        .shows = 4};
    for (int i = 1; i < argc; i++) {
        bool value = i + 1 < argc;
        if (strcmp(argv[i], "--no-velocities") == 0)
            set.crowd.velocities = false;
        else if (strcmp(argv[i], "--runs") == 0 && value)
            set.crowd.runs = strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seconds") == 0 && value)
            set.crowd.seconds = (unsigned)strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--atoms") == 0 && value)
            set.crowd.atoms = strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--kill") == 0 && value)
            set.kill_s = strtod(argv[++i], NULL);
        else if (strcmp(argv[i], "--late") == 0 && value)
            set.late_s = strtod(argv[++i], NULL);
        else if (strcmp(argv[i], "--report") == 0 && value)
            set.report_s = strtod(argv[++i], NULL);
        else if (strcmp(argv[i], "--ramp") == 0 && value)
            set.crowd.ramp_s = strtod(argv[++i], NULL);
        else if (strcmp(argv[i], "--show") == 0 && value)
            set.shows = (unsigned)strtoul(argv[++i], NULL, 10);
        else {
            (void)fprintf(
                stderr,
                "usage: bench_scale [--runs N] [--seconds S] [--atoms N] "
                "[--no-velocities] [--kill S] [--late S] [--report S] [--show N] [--ramp S]\n");
            return 2;
        }
    }
    if (set.crowd.runs < 1 || set.crowd.seconds < 1 || set.crowd.atoms < 2 ||
        set.crowd.atoms > 1024 || set.report_s <= 0)
        return 2;
    if (set.crowd.ramp_s < 0)
        set.crowd.ramp_s = (double)set.crowd.runs / 10;
    allow_descriptors();
    return run_all(&set);
}
