/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_pages - what open pages cost the intake, and how soon a page knows.
 *
 *     bench_pages [--smoke] [--pages N] [--seconds S] [--rounds N] [--atoms N]
 *
 * First frames come now and then to a run of 20,000, and the time from ionwatch_send() to the
 * record that has the frame is taken; then at the steady paces of MD codes, for each frame to the
 * first record that has it, with the processor time of the thread that analyses.  Then the run is
 * streamed as fast as it is taken.  In turns nobody looks, N pages have the overview open, and N
 * pages have the run open, packed as browsers ask for it; the frames that became durable in each
 * turn are counted, and the processor time of the thread that serves pages, which other work on the
 * machine does not change.  Ratios are of medians within the one run.
 */
#include "harness.h"

#include "ionwatch/ionwatch.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_PAGES = 500, MAX_ROUNDS = 32, PIECE = 1 << 20, LATE = 40, PACE_FRAMES = 1000 };

typedef enum { NOBODY, OVERVIEW, RUN, TURNS } turn;

static const double paces_s[] = {0.01, 0.1, 1};
static const char *const turn_names[TURNS] = {"nobody looks", "the overview", "the run"};

typedef struct {
    harness *daemon;
    ionwatch *out;
    uint64_t seq;
    size_t atoms;
    double *pos, cell[9];
    int port;
    char id[IW_ID_LENGTH + 1];
} stage;

typedef struct {
    int sockets[MAX_PAGES];
    size_t n;
    atomic_bool stop;
    uint64_t bytes;
    pthread_t thread;
} readers;

static double
now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void
send_frame(stage *self)
{
    ionwatch_frame frame;
    ionwatch_frame_init(&frame);
    self->seq++;
    for (size_t i = 0; i < 3 * self->atoms; i++)
        self->pos[i] = 6 + 3 * sin(0.01 * (double)self->seq + 1.7 * (double)i);
    frame.step = (int64_t)self->seq;
    frame.time = (double)self->seq;
    frame.cell = self->cell;
    frame.pos_f64 = self->pos;
    if (ionwatch_send(self->out, &frame) != IONWATCH_OK)
        fail_msg("frame %llu: %s", (unsigned long long)self->seq, ionwatch_error(self->out));
}

static uint64_t
acknowledged(const stage *self)
{
    ionwatch_stats stats = {.size = sizeof stats};
    ionwatch_get_stats(self->out, &stats);
    return stats.frames_acknowledged;
}

/* ---- pages ---- */

static int
open_stream(const stage *self, const char *run, bool packed)
{
    char request[512];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)self->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int size = snprintf(request, sizeof request,
                        "GET /api/v1/stream%s%s HTTP/1.1\r\nHost: localhost\r\n"
                        "Accept-Encoding: %s\r\n\r\n",
                        *run ? "?run=" : "", run, packed ? "gzip" : "identity");
    if (s < 0 || connect(s, (struct sockaddr *)&address, sizeof address) != 0 ||
        send(s, request, (size_t)size, 0) != size)
        fail_msg("a page cannot connect");
    return s;
}

/* Takes what comes and looks at none of it: MSG_TRUNC spares the copy. */
static void *
read_all(void *arg)
{
    readers *self = arg;
    struct pollfd fds[MAX_PAGES];
    for (size_t i = 0; i < self->n; i++)
        fds[i] = (struct pollfd){self->sockets[i], POLLIN, 0};
    while (!atomic_load(&self->stop)) {
        if (poll(fds, self->n, 20) <= 0)
            continue;
        for (size_t i = 0; i < self->n; i++)
            if (fds[i].revents) {
                ssize_t got = recv(fds[i].fd, NULL, PIECE, MSG_TRUNC | MSG_DONTWAIT);
                self->bytes += got > 0 ? (uint64_t)got : 0;
            }
    }
    return NULL;
}

static void
open_pages(readers *self, const stage *at, turn which, size_t pages)
{
    *self = (readers){.n = which == NOBODY ? 0 : pages};
    for (size_t i = 0; i < self->n; i++)
        self->sockets[i] = open_stream(at, which == RUN ? at->id : "", true);
    (void)pthread_create(&self->thread, NULL, read_all, self);
}

static void
close_pages(readers *self)
{
    atomic_store(&self->stop, true);
    (void)pthread_join(self->thread, NULL);
    for (size_t i = 0; i < self->n; i++)
        (void)close(self->sockets[i]);
}

/* ---- the turns ---- */

/* Processor time of one thread of the daemon. */
static double
thread_busy_s(const stage *self, const char *task, const char *name)
{
    char path[300], line[1024] = "", named[64];
    (void)snprintf(path, sizeof path, "/proc/%ld/task/%.200s/stat", (long)self->daemon->pid, task);
    FILE *file = fopen(path, "re");
    if (file && !fgets(line, sizeof line, file))
        line[0] = '\0';
    if (file)
        (void)fclose(file);
    (void)snprintf(named, sizeof named, "(%s) ", name);
    char *at = strstr(line, named);
    if (!at)
        return 0;
    at += strlen(named);
    for (int skipped = 0; skipped < 11 && *at; skipped++) { /* from the state to cmajflt */
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
    unsigned long user = strtoul(at, &at, 10), system = strtoul(at, NULL, 10);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* ... of all of that name. */
static double
busy_s(const stage *self, const char *name)
{
    char path[64];
    double sum = 0;
    (void)snprintf(path, sizeof path, "/proc/%ld/task", (long)self->daemon->pid);
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        if (entry->d_name[0] != '.')
            sum += thread_busy_s(self, entry->d_name, name);
    if (folder)
        (void)closedir(folder);
    return sum;
}

/* Frames per second that became durable, and the part of a processor that the thread `web` took. */
static double
one_turn(stage *self, turn which, size_t pages, double seconds, double *share, uint64_t *bytes)
{
    static readers looking;
    open_pages(&looking, self, which, pages);
    for (double until = now_s() + 0.3; now_s() < until;) /* until all are served */
        send_frame(self);
    uint64_t before = acknowledged(self);
    double start = now_s(), busy = busy_s(self, "web");
    while (now_s() < start + seconds)
        send_frame(self);
    double frames = (double)(acknowledged(self) - before);
    double rate = frames / (now_s() - start);
    *share = (busy_s(self, "web") - busy) / (now_s() - start);
    close_pages(&looking);
    *bytes += looking.bytes;
    return rate;
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double
median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, by_value);
    return values[n / 2];
}

static void
take_turns(stage *self, size_t pages, double seconds, int rounds)
{
    static double rates[TURNS][MAX_ROUNDS], shares[TURNS][MAX_ROUNDS];
    uint64_t bytes[TURNS] = {0};
    for (int r = 0; r < rounds; r++)
        for (int t = 0; t < TURNS; t++) {
            turn which = (turn)((t + r) % TURNS);
            rates[which][r] =
                one_turn(self, which, pages, seconds, &shares[which][r], &bytes[which]);
        }
    printf("%zu pages, %d turns of %.1f s each, %zu atoms\n", pages, rounds, seconds, self->atoms);
    double alone = median(rates[NOBODY], rounds);
    for (int t = 0; t < TURNS; t++) {
        double rate = median(rates[t], rounds);
        printf(
            "%-14s %8.0f frames/s, ratio %.3f, thread web %5.2f %% of a processor, %6.2f MB/s to "
            "pages\n",
            turn_names[t], rate, rate / alone, 100 * median(shares[t], rounds),
            1e-6 * (double)bytes[t] / (rounds * (seconds + 0.3)));
    }
}

/* ---- how soon ---- */

/* Waits for the record with that many frames; seconds since start. */
static double
wait_record(int s, uint64_t frames, double start, char *text, size_t room)
{
    char wanted[64];
    size_t used = 0;
    (void)snprintf(wanted, sizeof wanted, "\"frames\":%llu,\"atoms\"", (unsigned long long)frames);
    while (now_s() < start + 20) {
        ssize_t got = recv(s, text + used, room - used - 1, 0);
        if (got <= 0)
            break;
        used += (size_t)got;
        text[used] = '\0';
        char *found = strstr(text, wanted);
        if (found && strstr(text, "event: run\n") && strstr(found, "\n\n"))
            return now_s() - start;
        if (used > room / 2) { /* the end may hold the beginning of what is wanted */
            memmove(text, text + used - room / 4, room / 4);
            used = room / 4;
        }
    }
    return 20;
}

/* Mean time of a snapshot so far. */
static double
snapshot_s(harness *daemon)
{
    iw_message answer;
    json_t *status = harness_ask(daemon, "status", "", false, &answer);
    const json_t *counted = json_object_get(status, "counted");
    double n = json_number_value(json_object_get(counted, "snapshots"));
    double mean = n > 0 ? json_number_value(json_object_get(counted, "snapshot_s")) / n : 0;
    json_decref(status);
    return mean;
}

static void
take_latency(stage *self, uint64_t length, int n)
{
    static double late[LATE];
    size_t room = (size_t)16 << 20;
    char *text = malloc(room);
    while (self->seq < length)
        send_frame(self);
    if (!text || ionwatch_flush(self->out, 60000) != IONWATCH_OK)
        fail_msg("not all frames arrive");
    json_decref(harness_show(self->daemon, self->id, self->seq));
    int s = open_stream(self, self->id, false);
    (void)wait_record(s, self->seq, now_s(), text, room);
    for (int i = 0; i < n; i++) {
        pause_ms(300 + (i * 137) % 400); /* anywhere between two snapshots */
        send_frame(self);                /* one that waits for its snapshot ... */
        pause_ms(20);
        double start = now_s();
        send_frame(self); /* ... and one right behind it, which is late for that */
        late[i] = wait_record(s, self->seq, start, text, room);
    }
    (void)close(s);
    free(text);
    qsort(late, (size_t)n, sizeof *late, by_value);
    printf(
        "from frame to page, run of %llu frames: median %.0f ms, worst of %d: %.0f ms; a snapshot "
        "took %.0f ms\n",
        (unsigned long long)length, 1e3 * late[n / 2], n, 1e3 * late[n - 1],
        1e3 * snapshot_s(self->daemon));
}

/* ---- how soon at a steady pace ---- */

typedef struct {
    int s;
    char text[PIECE];
    size_t used;
    uint64_t seen;            /* frames of the newest record */
    double sent[PACE_FRAMES]; /* when; of the frames from first on */
    double late[PACE_FRAMES];
    uint64_t first;
} pace;

/* All frames up to that are on the page now. */
static void
note_record(pace *self, uint64_t frames)
{
    for (; self->seen < frames; self->seen++)
        if (self->seen + 1 >= self->first && self->seen + 1 < self->first + PACE_FRAMES)
            self->late[self->seen + 1 - self->first] =
                now_s() - self->sent[self->seen + 1 - self->first];
}

/* Takes what has come, for that long at most. */
static void
read_records(pace *self, double seconds)
{
    struct pollfd fd = {self->s, POLLIN, 0};
    if (poll(&fd, 1, (int)(1e3 * fmax(seconds, 0))) <= 0)
        return;
    ssize_t got = recv(self->s, self->text + self->used, sizeof self->text - self->used - 1, 0);
    self->used += got > 0 ? (size_t)got : 0;
    self->text[self->used] = '\0';
    char *event = self->text;
    for (char *end; (end = strstr(event, "\n\n")); event = end + 2) {
        char *run = strstr(event, "event: run\n"); /* behind the head of a chunk */
        char *frames = run && run < end ? strstr(run, "\"frames\":") : NULL;
        if (frames && frames < end)
            note_record(self, strtoull(frames + 9, NULL, 10));
    }
    self->used -= (size_t)(event - self->text);
    memmove(self->text, event, self->used);
    if (self->used == sizeof self->text - 1)
        fail_msg("an event is longer than %d bytes", PIECE);
}

static void
take_pace(stage *self, double every_s, size_t n)
{
    static pace at;
    at = (pace){.s = open_stream(self, self->id, false), .seen = self->seq, .first = self->seq + 1};
    double start = now_s(), busy = busy_s(self, "worker");
    for (size_t i = 0; i < n; i++) {
        for (double until = start + (double)i * every_s; now_s() < until;)
            read_records(&at, until - now_s());
        at.sent[i] = now_s();
        send_frame(self);
    }
    double lasted = now_s() - start;
    double share = (busy_s(self, "worker") - busy) / lasted;
    while (at.seen < self->seq && now_s() < start + lasted + 20)
        read_records(&at, 1);
    (void)close(at.s);
    if (at.seen < self->seq)
        fail_msg("frame %llu never comes", (unsigned long long)self->seq);
    qsort(at.late, n, sizeof *at.late, by_value);
    printf("a frame each %.0f ms: on the page after %.0f ms in the median, 95 %% within %.0f ms, "
           "worst of %zu: %.0f ms; threads worker %.0f %% of a processor\n",
           1e3 * every_s, 1e3 * at.late[n / 2], 1e3 * at.late[n * 95 / 100], n,
           1e3 * at.late[n - 1], 100 * share);
}

/* ---- setting ---- */

static void
begin_run(stage *self, const char *const *species, const double *mass)
{
    ionwatch_run run;
    ionwatch_run_init(&run);
    run.n_atoms = self->atoms;
    run.species = (const char **)(uintptr_t)species;
    run.mass_amu = mass;
    run.timestep = 1;
    run.wrapped = 1;
    run.spool_dir = self->daemon->folder;
    self->out = ionwatch_open(self->daemon->endpoint, &run);
    (void)snprintf(self->id, sizeof self->id, "%s", ionwatch_run_id(self->out));
    for (int i = 0; i < 500; i++)
        send_frame(self);
    json_decref(harness_show(self->daemon, self->id, self->seq));
}

static int
port_of(harness *daemon)
{
    iw_message answer;
    json_t *status = harness_ask(daemon, "status", "", false, &answer);
    const char *url = json_string_value(json_object_get(status, "http"));
    const char *colon = url ? strrchr(url, ':') : NULL;
    int port = colon ? (int)strtol(colon + 1, NULL, 10) : 0;
    json_decref(status);
    if (port == 0)
        fail_msg("there is no page");
    return port;
}

int
main(int argc, char **argv)
{
    stage self = {.atoms = 300};
    size_t pages = 50;
    double seconds = 3;
    int rounds = 7, late = LATE;
    uint64_t length = 20000;
    for (int i = 1; i < argc; i++) {
        bool value = i + 1 < argc;
        if (strcmp(argv[i], "--smoke") == 0) {
            pages = 5;
            seconds = 0.2;
            rounds = 1;
            late = 2;
            length = 1000;
        } else if (strcmp(argv[i], "--pages") == 0 && value) {
            pages = strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--seconds") == 0 && value) {
            seconds = strtod(argv[++i], NULL);
        } else if (strcmp(argv[i], "--rounds") == 0 && value) {
            rounds = (int)strtol(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--atoms") == 0 && value) {
            self.atoms = strtoul(argv[++i], NULL, 10);
        } else {
            (void)fprintf(stderr, "usage: bench_pages [--smoke] [--pages N] [--seconds S] "
                                  "[--rounds N] [--atoms N]\n");
            return 2;
        }
    }
    if (rounds < 1 || rounds > MAX_ROUNDS || pages > MAX_PAGES || self.atoms < 2)
        return 2;
    void *state = NULL;
    (void)harness_begin(&state);
    self.daemon = state;
    const char *options[] = {
        "--http", "127.0.0.1:0", "--publish-every-s", "0.2", "--http-connections", "1000", NULL};
    harness_start(self.daemon, options, 0);
    self.port = port_of(self.daemon);
    const char **species = calloc(self.atoms, sizeof *species);
    double *mass = calloc(self.atoms, sizeof *mass);
    self.pos = calloc(3 * self.atoms, sizeof(double));
    for (size_t i = 0; i < self.atoms; i++) {
        species[i] = i % 2 ? "S" : "Li";
        mass[i] = i % 2 ? 32.06 : 6.94;
    }
    self.cell[0] = self.cell[4] = self.cell[8] = 12;
    begin_run(&self, species, mass);
    take_latency(&self, length, late);
    for (size_t i = 0; i < sizeof paces_s / sizeof paces_s[0]; i++)
        take_pace(&self, paces_s[i], late == LATE ? (size_t)fmin(15 / paces_s[i], PACE_FRAMES) : 3);
    take_turns(&self, pages, seconds, rounds);
    ionwatch_close(&self.out, 1000);
    harness_kill(self.daemon, SIGKILL);
    (void)harness_end(&state);
    free(species);
    free(mass);
    free(self.pos);
    return 0;
}
