/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_send [ATOMS [FRAMES]] - what ionwatch_send() costs the MD code: microseconds a frame of
 * f64 positions and velocities, beside a memcpy of the same bytes.  Frames come every 100 us, to a
 * receiver over ipc that acknowledges at once; then without any receiver.
 */
#include "ionwatch/ionwatch.h"
#include "wire.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

static char endpoint[100];
static atomic_int ending;

static double
now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static void
answer(void *router, const char *peer, int peer_size, iw_msg_type type, uint64_t seq)
{
    iw_buffer bytes = {0};
    iw_message message;
    iw_message_init(&message, type);
    message.seq = seq;
    if (iw_wire_encode(&message, &bytes, NULL) == IW_OK) {
        (void)zmq_send(router, peer, (size_t)peer_size, ZMQ_SNDMORE);
        (void)zmq_send(router, bytes.data, bytes.size, 0);
    }
    iw_buffer_fini(&bytes);
}

static void *
receiver(void *argument)
{
    const int tick_ms = 10;
    const int zero = 0;
    void *context = zmq_ctx_new();
    void *router = zmq_socket(context, ZMQ_ROUTER);
    (void)argument;
    (void)zmq_setsockopt(router, ZMQ_RCVTIMEO, &tick_ms, sizeof tick_ms);
    (void)zmq_setsockopt(router, ZMQ_LINGER, &zero, sizeof zero);
    if (zmq_bind(router, endpoint) != 0)
        abort();
    while (!atomic_load(&ending)) {
        char peer[64];
        zmq_msg_t bytes;
        iw_message message;
        int size = zmq_recv(router, peer, sizeof peer, 0);
        if (size < 0)
            continue;
        (void)zmq_msg_init(&bytes);
        (void)zmq_msg_recv(&bytes, router, 0);
        iw_message_init(&message, IW_MSG_PING);
        if (iw_wire_decode(zmq_msg_data(&bytes), zmq_msg_size(&bytes), &message, NULL) == IW_OK) {
            if (message.type == IW_MSG_HELLO)
                answer(router, peer, size, IW_MSG_WELCOME, 1);
            else if (message.type == IW_MSG_FRAME)
                answer(router, peer, size, IW_MSG_ACK, message.frame.seq);
        }
        (void)zmq_msg_close(&bytes);
    }
    (void)zmq_close(router);
    (void)zmq_ctx_term(context);
    return NULL;
}

static int
ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void
report(const char *what, double *us, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += us[i];
    qsort(us, n, sizeof *us, ascending);
    (void)printf("%-22s median %6.2f us   mean %6.2f us   99 %% %7.2f us\n", what, us[n / 2],
                 sum / (double)n, us[n * 99 / 100]);
}

/* One MD step of 100 us in between, as an MD code computes: the processor is not given away. */
static void
compute(void)
{
    double until = now_us() + 100.0;
    while (now_us() < until)
        ;
}

static void
measure(const char *what, size_t atoms, size_t frames, double *us)
{
    char folder[] = "/tmp/ionwatch-bench-XXXXXX";
    const char **species = calloc(atoms, sizeof *species);
    double *pos = calloc(3 * atoms, sizeof *pos);
    double *vel = calloc(3 * atoms, sizeof *vel);
    ionwatch_run run;
    ionwatch_frame frame;
    if (!species || !pos || !vel || !mkdtemp(folder))
        abort();
    for (size_t i = 0; i < atoms; i++)
        species[i] = i % 2 ? "Li" : "S";
    for (size_t i = 0; i < 3 * atoms; i++)
        pos[i] = vel[i] = 0.001 * (double)i;
    ionwatch_run_init(&run);
    run.n_atoms = atoms;
    run.species = species;
    run.time_fs = 1000.0; /* ps: velocities are converted */
    run.timestep = 0.001;
    run.spool_dir = folder;
    ionwatch *w = ionwatch_open(endpoint, &run);
    for (size_t i = 0; w && i < frames; i++) {
        ionwatch_frame_init(&frame);
        frame.step = (int64_t)i;
        frame.pos_f64 = pos;
        frame.vel_f64 = vel;
        compute();
        double start = now_us();
        if (ionwatch_send(w, &frame) != IONWATCH_OK)
            (void)fprintf(stderr, "%s\n", ionwatch_error(w));
        us[i] = now_us() - start;
    }
    report(what, us, frames);
    ionwatch_close(&w, atomic_load(&ending) ? 0 : 10000);
    char command[100];
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    if (system(command) != 0)
        (void)fprintf(stderr, "%s is left behind\n", folder);
    free(species);
    free(pos);
    free(vel);
}

int
main(int argc, char **argv)
{
    size_t atoms = argc > 1 ? strtoul(argv[1], NULL, 10) : 300;
    size_t frames = argc > 2 ? strtoul(argv[2], NULL, 10) : 10000;
    size_t size = atoms * 48;
    double *us = calloc(frames ? frames : 1, sizeof *us);
    char *from = calloc(1, size + 1);
    char *to = calloc(1, size + 1);
    pthread_t thread;
    int result = 2;
    if (!us || !from || !to || atoms == 0 || frames == 0)
        goto done;
    (void)snprintf(endpoint, sizeof endpoint, "ipc:///tmp/ionwatch-bench-%d.sock", (int)getpid());
    (void)printf("%zu atoms, f64 positions and velocities, %zu frames, one every 100 us\n", atoms,
                 frames);
    for (size_t i = 0; i < frames; i++) {
        compute();
        from[i % size]++;
        double start = now_us();
        memcpy(to, from, size);
        us[i] = now_us() - start;
        from[0] = (char)(from[0] + to[i % size]);
    }
    report("memcpy of the bytes", us, frames);
    if (pthread_create(&thread, NULL, receiver, NULL) != 0)
        goto done;
    measure("send, receiver on ipc", atoms, frames, us);
    atomic_store(&ending, 1);
    (void)pthread_join(thread, NULL);
    measure("send, no receiver", atoms, frames, us);
    result = 0;

done:
    free(us);
    free(from);
    free(to);
    return result;
}
