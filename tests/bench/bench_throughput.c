/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_throughput - frames per second from an MD code to the disk and through the analysis.
 *
 *     bench_throughput [--smoke] [--frames N] [--atoms N] [--rounds N]
 *
 * The same bytes (positions and velocities, double precision) four ways, in turns, medians: through
 * libionwatch and ionwatchd over ipc until durable, the same until analysed, raw ZeroMQ over ipc,
 * and write with fdatasync for each MiB, which is about what group commit gathers.  Wall time.
 */
#include "harness.h"

#include "ionwatch/ionwatch.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

enum { MAX_ROUNDS = 16, SYNC_BYTES = 1 << 20 };

typedef struct {
    size_t frames, atoms;
    double *pos, *vel; /* of one frame: what is in it does not matter to the wire */
    double cell[9];
} load;

static double
now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void
fill(load *self, uint64_t seq)
{
    for (size_t i = 0; i < 3 * self->atoms; i++) {
        double phase = 0.01 * (double)seq + 1.7 * (double)i;
        self->pos[i] = 6 + 3 * sin(phase);
        self->vel[i] = 0.03 * cos(phase);
    }
}

/* Seconds until durable, and until analysed. */
static void
through_daemon(load *self, double *durable_s, double *analysed_s)
{
    void *state = NULL;
    char species[2][3] = {"Li", "S"};
    const char **names = calloc(self->atoms, sizeof *names);
    double *mass = calloc(self->atoms, sizeof *mass);
    (void)harness_begin(&state);
    harness *daemon = state;
    const char *options[] = {"--publish-every-s", "1", NULL};
    harness_start(daemon, options, 0);
    for (size_t i = 0; i < self->atoms; i++) {
        names[i] = species[i % 2];
        mass[i] = i % 2 ? 32.06 : 6.94;
    }
    ionwatch_run run;
    ionwatch_run_init(&run);
    run.n_atoms = self->atoms;
    run.species = names;
    run.mass_amu = mass;
    run.timestep = 1;
    run.wrapped = 1;
    run.spool_dir = daemon->folder;
    ionwatch *w = ionwatch_open(daemon->endpoint, &run);
    char id[IW_ID_LENGTH + 1];
    (void)snprintf(id, sizeof id, "%s", ionwatch_run_id(w));
    double start = now_s();
    for (uint64_t seq = 1; seq <= self->frames; seq++) {
        ionwatch_frame frame;
        ionwatch_frame_init(&frame);
        fill(self, seq);
        frame.step = (int64_t)seq;
        frame.time = (double)seq;
        frame.cell = self->cell;
        frame.pos_f64 = self->pos;
        frame.vel_f64 = self->vel;
        if (ionwatch_send(w, &frame) != IONWATCH_OK)
            fail_msg("frame %llu: %s", (unsigned long long)seq, ionwatch_error(w));
    }
    if (ionwatch_flush(w, 120000) != IONWATCH_OK)
        fail_msg("flush: %s", ionwatch_error(w));
    *durable_s = now_s() - start;
    json_decref(harness_show(daemon, id, self->frames));
    *analysed_s = now_s() - start;
    ionwatch_close(&w, 1000);
    harness_kill(daemon, SIGKILL);
    (void)harness_end(&state);
    free(names);
    free(mass);
}

typedef struct {
    void *socket;
    size_t frames;
} receiver;

static void *
receive_all(void *arg)
{
    receiver *self = arg;
    for (size_t i = 0; i < self->frames; i++) {
        zmq_msg_t bytes;
        (void)zmq_msg_init(&bytes);
        (void)zmq_msg_recv(&bytes, self->socket, 0);
        (void)zmq_msg_close(&bytes);
    }
    return NULL;
}

static size_t
frame_bytes(const load *self)
{
    return 6 * self->atoms * sizeof(double) + 200;
}

static void
copy_frame(load *self, uint64_t seq, unsigned char *bytes)
{
    fill(self, seq);
    memcpy(bytes, self->pos, 3 * self->atoms * sizeof(double));
    memcpy(bytes + 3 * self->atoms * sizeof(double), self->vel, 3 * self->atoms * sizeof(double));
}

static double
raw_zeromq(load *self)
{
    char endpoint[64];
    pthread_t thread;
    void *context = zmq_ctx_new();
    void *out = zmq_socket(context, ZMQ_PUSH);
    receiver in = {.socket = zmq_socket(context, ZMQ_PULL), .frames = self->frames};
    (void)snprintf(endpoint, sizeof endpoint, "ipc:///tmp/iw-bench-%ld", (long)getpid());
    (void)zmq_bind(in.socket, endpoint);
    (void)zmq_connect(out, endpoint);
    double start = now_s();
    (void)pthread_create(&thread, NULL, receive_all, &in);
    for (uint64_t seq = 1; seq <= self->frames; seq++) {
        zmq_msg_t bytes;
        (void)zmq_msg_init_size(&bytes, frame_bytes(self));
        copy_frame(self, seq, zmq_msg_data(&bytes));
        (void)zmq_msg_send(&bytes, out, 0);
    }
    (void)pthread_join(thread, NULL);
    double seconds = now_s() - start;
    (void)zmq_close(out);
    (void)zmq_close(in.socket);
    (void)zmq_ctx_term(context);
    return seconds;
}

static double
write_and_sync(load *self)
{
    char path[] = "/tmp/iw-bench-XXXXXX";
    int file = mkstemp(path);
    size_t size = frame_bytes(self);
    unsigned char *bytes = calloc(1, size);
    size_t unsynced = 0;
    double start = now_s();
    for (uint64_t seq = 1; seq <= self->frames && file >= 0; seq++) {
        copy_frame(self, seq, bytes);
        if (write(file, bytes, size) != (ssize_t)size)
            fail_msg("cannot write %s", path);
        unsynced += size;
        if (unsynced >= SYNC_BYTES || seq == self->frames) {
            (void)fdatasync(file);
            unsynced = 0;
        }
    }
    double seconds = now_s() - start;
    (void)close(file);
    (void)unlink(path);
    free(bytes);
    return seconds;
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void
report(const char *what, double *seconds, int rounds, const load *self)
{
    qsort(seconds, (size_t)rounds, sizeof *seconds, by_value);
    double median = seconds[rounds / 2];
    printf("%-38s %9.0f frames/s %8.1f MB/s %8.1f us/frame\n", what, (double)self->frames / median,
           1e-6 * (double)frame_bytes(self) * (double)self->frames / median,
           1e6 * median / (double)self->frames);
}

int
main(int argc, char **argv)
{
    load self = {.frames = 20000, .atoms = 300};
    int rounds = 3;
    for (int i = 1; i < argc; i++) {
        bool value = i + 1 < argc;
        if (strcmp(argv[i], "--smoke") == 0) {
            self.frames = 500;
            rounds = 1;
        } else if (strcmp(argv[i], "--frames") == 0 && value) {
            self.frames = strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--atoms") == 0 && value) {
            self.atoms = strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--rounds") == 0 && value) {
            rounds = (int)strtol(argv[++i], NULL, 10);
        } else {
            (void)fprintf(stderr, "usage: bench_throughput [--smoke] [--frames N] [--atoms N] "
                                  "[--rounds N]\n");
            return 2;
        }
    }
    if (rounds < 1 || rounds > MAX_ROUNDS || self.frames < 1 || self.atoms < 2)
        return 2;
    self.pos = calloc(3 * self.atoms, sizeof(double));
    self.vel = calloc(3 * self.atoms, sizeof(double));
    if (!self.pos || !self.vel) {
        free(self.pos);
        free(self.vel);
        return 1;
    }
    self.cell[0] = self.cell[4] = self.cell[8] = 12;
    double durable[MAX_ROUNDS], analysed[MAX_ROUNDS], raw[MAX_ROUNDS], synced[MAX_ROUNDS];
    for (int i = 0; i < rounds; i++) {
        through_daemon(&self, &durable[i], &analysed[i]);
        raw[i] = raw_zeromq(&self);
        synced[i] = write_and_sync(&self);
    }
    printf("%zu frames of %zu atoms, %zu bytes each, %d round(s)\n", self.frames, self.atoms,
           frame_bytes(&self), rounds);
    report("ionwatchd, durable", durable, rounds, &self);
    report("ionwatchd, durable and analysed", analysed, rounds, &self);
    report("raw ZeroMQ, ipc", raw, rounds, &self);
    report("write, fdatasync each MiB", synced, rounds, &self);
    free(self.pos);
    free(self.vel);
    return 0;
}
