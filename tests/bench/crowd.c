/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crowd.h"

#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, PATIENCE_S = 5, IN_FLIGHT = 256 };

typedef struct {
    iw_run_info info;
    char adapter[IW_ID_LENGTH + 1];
    void *socket;
    double begin_s; /* frame 1 is due */
    double hello_s; /* when HELLO was said last */
    double heard_s; /* when the daemon was heard last */
    uint64_t sent, acknowledged;
    bool open;
} member;

struct crowd {
    harness *daemon;
    crowd_options options;
    iw_buffer *frames; /* [seconds] encoded; the same for every run */
    member *members;
    int epoll;
    crowd_delays acks;
    char refusal[IW_WIRE_TEXT];
};

double
crowd_now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void
crowd_delay(crowd_delays *self, double ms)
{
    double bin = ms > 0.01 ? log(ms / 0.01) / log(1.02) : 0;
    self->counts[bin < CROWD_BINS - 1 ? (size_t)bin : CROWD_BINS - 1]++;
    self->n++;
    if (ms > self->most_ms)
        self->most_ms = ms;
}

double
crowd_percentile(const crowd_delays *self, double share)
{
    double wanted = share * (double)self->n;
    uint64_t seen = 0;
    size_t bin = 0;
    for (; bin < CROWD_BINS - 1; bin++) {
        seen += self->counts[bin];
        if ((double)seen >= wanted)
            break;
    }
    double ms = 0.01 * pow(1.02, (double)bin + 1);
    return ms < self->most_ms ? ms : self->most_ms;
}

/* A solid with Li that hops: vibrations about sites, and a slow drift of every second atom. */
static void
fill(iw_frame *frame, uint64_t seq, bool velocities)
{
    frame->seq = seq;
    frame->step = (int64_t)seq;
    frame->time_fs = 10.0 * (double)seq;
    frame->has_cell = true;
    frame->has_velocities = velocities;
    frame->potential_energy_eV = frame->kinetic_energy_eV = frame->temperature_K = (double)NAN;
    for (size_t k = 0; k < 9; k++)
        frame->cell_A[k] = k % 4 == 0 ? 20.0 : 0.0;
    for (size_t i = 0; i < 3 * frame->n_atoms; i++) {
        double t = (double)seq;
        double phase = 1.7 * (double)i;
        double slow = (i / 3) % 2 ? 0 : 3;
        double x = (double)(i % 20) + slow * sin(0.011 * t + phase) +
                   0.2 * sin(0.37 * t + 2 * phase) + 0.05 * sin(1.9 * t + 3 * phase);
        frame->pos_A[i] = x - 20 * floor(x / 20);
        frame->vel_A_fs[i] =
            0.1 * (0.011 * slow * cos(0.011 * t + phase) + 0.074 * cos(0.37 * t + 2 * phase) +
                   0.095 * cos(1.9 * t + 3 * phase));
    }
}

static void
encode_frames(crowd *self)
{
    iw_frame frame;
    iw_error err;
    assert_ok(iw_frame_init(&frame, self->options.atoms, &err), err);
    self->frames = calloc(self->options.seconds, sizeof *self->frames);
    assert_non_null(self->frames);
    for (unsigned i = 0; i < self->options.seconds; i++) {
        iw_message message;
        iw_message_init(&message, IW_MSG_FRAME);
        fill(&frame, i + 1, self->options.velocities);
        iw_frame_view_of(&frame, &message.frame);
        assert_ok(iw_wire_encode(&message, &self->frames[i], &err), err);
    }
    iw_frame_fini(&frame);
}

static void
send_message(const member *run, const iw_message *message)
{
    iw_buffer bytes = {0};
    iw_error err;
    assert_ok(iw_wire_encode(message, &bytes, &err), err);
    (void)zmq_send(run->socket, bytes.data, bytes.size, ZMQ_DONTWAIT);
    iw_buffer_fini(&bytes);
}

static void
say_hello(member *run, double now)
{
    iw_message hello;
    iw_message_init(&hello, IW_MSG_HELLO);
    hello.run = &run->info;
    memcpy(hello.run_id, run->info.id, sizeof hello.run_id);
    memcpy(hello.adapter, run->adapter, sizeof hello.adapter);
    run->open = false;
    run->hello_s = now;
    send_message(run, &hello);
}

static void
begin_run(crowd *self, member *run)
{
    iw_error err;
    int none = 0;
    synthetic_run(&run->info, self->options.atoms);
    free(run->info.name);
    run->info.name = calloc(1, 24);
    assert_non_null(run->info.name);
    (void)snprintf(run->info.name, 24, "%zu", (size_t)(run - self->members));
    assert_ok(iw_uuid_new(run->adapter, &err), err);
    run->socket = zmq_socket(self->daemon->context, ZMQ_DEALER);
    assert_non_null(run->socket);
    (void)zmq_setsockopt(run->socket, ZMQ_LINGER, &none, sizeof none);
    assert_int_equal(zmq_connect(run->socket, self->daemon->endpoint), 0);
    int fd = -1;
    size_t room = sizeof fd;
    assert_int_equal(zmq_getsockopt(run->socket, ZMQ_FD, &fd, &room), 0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET,
                                .data.u64 = (uint64_t)(run - self->members)};
    assert_int_equal(epoll_ctl(self->epoll, EPOLL_CTL_ADD, fd, &event), 0);
}

crowd *
crowd_new(harness *daemon, const crowd_options *options)
{
    crowd *self = calloc(1, sizeof *self);
    assert_non_null(self);
    self->daemon = daemon;
    self->options = *options;
    self->epoll = epoll_create1(EPOLL_CLOEXEC);
    assert_true(self->epoll >= 0);
    (void)zmq_ctx_set(daemon->context, ZMQ_MAX_SOCKETS, (int)options->runs + 64);
    encode_frames(self);
    self->members = calloc(options->runs, sizeof *self->members);
    assert_non_null(self->members);
    for (size_t i = 0; i < options->runs; i++)
        begin_run(self, &self->members[i]);
    double start = crowd_now_s() + 0.1;
    for (size_t i = 0; i < options->runs; i++) {
        double golden = 0.6180339887498949 * (double)i;
        self->members[i].begin_s = start +
                                   floor(options->ramp_s * (double)i / (double)options->runs) +
                                   golden - floor(golden);
    }
    return self;
}

void
crowd_destroy(crowd **self_)
{
    crowd *self = *self_;
    for (size_t i = 0; i < self->options.runs; i++) {
        (void)zmq_close(self->members[i].socket);
        iw_run_info_fini(&self->members[i].info);
    }
    for (unsigned i = 0; i < self->options.seconds; i++)
        iw_buffer_fini(&self->frames[i]);
    (void)close(self->epoll);
    free(self->members);
    free(self->frames);
    free(self);
    *self_ = NULL;
}

static void
take(crowd *self, member *run, const iw_message *message, double now)
{
    switch (message->type) {
    case IW_MSG_WELCOME:
        run->open = true;
        run->sent = message->seq - 1;
        break;
    case IW_MSG_ACK:
        for (; run->acknowledged < message->seq; run->acknowledged++) {
            double due = run->begin_s + (double)run->acknowledged;
            crowd_delay(&self->acks, 1e3 * (now - due));
        }
        break;
    case IW_MSG_REFUSED:
        if (message->status != IW_CLOSED)
            memcpy(self->refusal, message->text, sizeof self->refusal);
        else if (run->open)
            say_hello(run, now);
        break;
    default:
        break;
    }
}

static void
receive(crowd *self, member *run, double now)
{
    zmq_msg_t bytes;
    (void)zmq_msg_init(&bytes);
    while (zmq_msg_recv(&bytes, run->socket, ZMQ_DONTWAIT) >= 0) {
        iw_message message;
        iw_error err;
        run->heard_s = now;
        iw_message_init(&message, IW_MSG_PING);
        assert_ok(iw_wire_decode(zmq_msg_data(&bytes), zmq_msg_size(&bytes), &message, &err), err);
        take(self, run, &message, now);
    }
    (void)zmq_msg_close(&bytes);
}

uint64_t
crowd_due(const crowd *self, size_t run, double now_s)
{
    double passed = now_s - self->members[run].begin_s;
    if (passed < 0)
        return 0;
    return passed < self->options.seconds ? (uint64_t)passed + 1 : self->options.seconds;
}

double
crowd_due_s(const crowd *self, size_t run, uint64_t seq)
{
    return self->members[run].begin_s + (double)(seq - 1);
}

static void
send_due(crowd *self, size_t i, double now)
{
    member *run = &self->members[i];
    uint64_t due = crowd_due(self, i, now);
    if (due == 0)
        return;
    bool waits = !run->open || run->sent > run->acknowledged;
    double quiet_since = run->hello_s > run->heard_s ? run->hello_s : run->heard_s;
    if (waits && now - quiet_since > PATIENCE_S)
        say_hello(run, now);
    bool any = false;
    while (run->open && run->sent < due && run->sent < run->acknowledged + IN_FLIGHT) {
        const iw_buffer *frame = &self->frames[run->sent];
        if (zmq_send(run->socket, frame->data, frame->size, ZMQ_DONTWAIT) < 0)
            break;
        run->sent++;
        any = true;
    }
    if (any || !run->open) /* an edge that came meanwhile is not told again */
        receive(self, run, now);
}

void
crowd_work(crowd *self, double seconds)
{
    double until = crowd_now_s() + seconds;
    for (;;) {
        struct epoll_event events[EVENTS];
        int n = epoll_wait(self->epoll, events, EVENTS, 2);
        double now = crowd_now_s();
        for (int i = 0; i < n; i++)
            receive(self, &self->members[events[i].data.u64], now);
        for (size_t i = 0; i < self->options.runs; i++)
            send_due(self, i, now);
        if (now >= until)
            return;
    }
}

const char *
crowd_id(const crowd *self, size_t run)
{
    return self->members[run].info.id;
}

size_t
crowd_find(const crowd *self, const char *name)
{
    size_t i = strtoul(name, NULL, 10);
    return i < self->options.runs ? i : SIZE_MAX;
}

size_t
crowd_open(const crowd *self)
{
    size_t open = 0;
    for (size_t i = 0; i < self->options.runs; i++)
        open += self->members[i].open;
    return open;
}

uint64_t
crowd_acknowledged(const crowd *self)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < self->options.runs; i++)
        sum += self->members[i].acknowledged;
    return sum;
}

bool
crowd_complete(const crowd *self)
{
    return crowd_acknowledged(self) == (uint64_t)self->options.runs * self->options.seconds;
}

const crowd_delays *
crowd_acks(const crowd *self)
{
    return &self->acks;
}

const char *
crowd_refusal(const crowd *self)
{
    return self->refusal;
}
