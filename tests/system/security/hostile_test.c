/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hostile_test.c - random and mutated messages at every door of a live daemon, and random bytes
 * below ZeroMQ, while a good run streams: its record is that of an undisturbed one.
 * IONWATCH_HOSTILE_S: seconds (3); IONWATCH_HOSTILE_SEED.  Worth most against a daemon that was
 * built with sanitizers. */
#include "guarded.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGE_MOST = 4096, TEMPLATES = 9, TALKERS = 4, RUNS = 4, ROUND = 40 };

typedef struct {
    guarded g;
    victim v;
    uint64_t seed;
    iw_run_info runs[RUNS];
    iw_buffer templates[TEMPLATES];
    void *talkers[TALKERS]; /* DEALERs: open door, ipc, a key with stream, a key with all */
    void *mouth;            /* XSUB at the publisher */
    char pub[128];          /* unguarded */
    size_t messages, answers, connections;
} hostile;

static uint64_t
draw(hostile *self, uint64_t below)
{
    return iw_test_random(&self->seed) % below;
}

static void
encode(hostile *self, size_t at, const iw_message *message)
{
    iw_error err;
    iw_buffer_clear(&self->templates[at]);
    assert_ok(iw_wire_encode(message, &self->templates[at], &err), err);
}

/* Messages that mean something, of a run of one's own. */
static void
make_templates(hostile *self)
{
    static const char *const verbs[] = {"list", "show", "status", "stop", "rm"};
    iw_message message;
    iw_frame frame;
    iw_error err;
    const iw_run_info *run = &self->runs[draw(self, RUNS)];
    iw_message_init(&message, IW_MSG_HELLO);
    memcpy(message.run_id, run->id, sizeof message.run_id);
    if (draw(self, 2))
        memcpy(message.adapter, run->id, sizeof message.adapter);
    message.run = (iw_run_info *)(uintptr_t)run;
    encode(self, 0, &message);
    assert_ok(iw_frame_init(&frame, run->n_atoms, &err), err);
    synthetic_frame(run, 1 + draw(self, 20), &frame);
    iw_message_init(&message, IW_MSG_FRAME);
    iw_frame_view_of(&frame, &message.frame);
    encode(self, 1, &message);
    iw_frame_fini(&frame);
    iw_message_init(&message, IW_MSG_BYE);
    message.seq = draw(self, 20);
    encode(self, 2, &message);
    iw_message_init(&message, draw(self, 2) ? IW_MSG_PING : IW_MSG_PONG);
    encode(self, 3, &message);
    for (size_t i = 0; i < 5; i++) {
        iw_message_init(&message, IW_MSG_ASK);
        message.version = IW_PROTOCOL_VERSION;
        message.flag = draw(self, 2) == 1;
        (void)snprintf(message.verb, sizeof message.verb, "%s", verbs[i]);
        (void)snprintf(message.arg, sizeof message.arg, "%s", run->id);
        encode(self, 4 + i, &message);
    }
}

/* A message as it is, damaged, cut, or bytes that never were one. */
static size_t
mutate(hostile *self, unsigned char bytes[MESSAGE_MOST])
{
    const iw_buffer *from = &self->templates[draw(self, TEMPLATES)];
    size_t size = from->size < MESSAGE_MOST ? from->size : MESSAGE_MOST;
    memcpy(bytes, from->data, size);
    switch (draw(self, 5)) {
    case 0:
        break;
    case 1:
        size = draw(self, size + 1);
        break;
    case 2:
        size = draw(self, MESSAGE_MOST);
        for (size_t i = 0; i < size; i++)
            bytes[i] = (unsigned char)iw_test_random(&self->seed);
        break;
    default:
        for (uint64_t n = 1 + draw(self, 6); n > 0; n--)
            bytes[draw(self, size)] = (unsigned char)iw_test_random(&self->seed);
    }
    return size;
}

/* What comes back is a message each time. */
static void
hear(hostile *self, void *peer)
{
    zmq_msg_t bytes;
    iw_message message;
    iw_error err;
    (void)zmq_msg_init(&bytes);
    while (zmq_msg_recv(&bytes, peer, ZMQ_DONTWAIT) >= 0) {
        iw_message_init(&message, IW_MSG_PING);
        assert_ok(iw_wire_decode(zmq_msg_data(&bytes), zmq_msg_size(&bytes), &message, &err), err);
        self->answers++;
    }
    (void)zmq_msg_close(&bytes);
}

static void
talk(hostile *self)
{
    unsigned char bytes[MESSAGE_MOST];
    make_templates(self);
    for (int i = 0; i < ROUND; i++) {
        void *peer = self->talkers[draw(self, TALKERS)];
        for (uint64_t parts = draw(self, 20) ? 0 : draw(self, 3); parts > 0; parts--)
            (void)zmq_send(peer, bytes, draw(self, 64), ZMQ_SNDMORE | ZMQ_DONTWAIT);
        size_t size = mutate(self, bytes);
        self->messages += zmq_send(peer, bytes, size, ZMQ_DONTWAIT) >= 0;
        size = mutate(self, bytes);
        if (i % 4 == 0)
            self->messages += zmq_send(self->mouth, bytes, size, ZMQ_DONTWAIT) >= 0;
        hear(self, peer);
    }
}

/* ZMTP (ZeroMQ RFC 23): a greeting, READY, frames, each of them right or not. */
static size_t
make_stream(hostile *self, unsigned char *bytes, size_t room)
{
    static const unsigned char greeting[64] = {0xff, 0,    0, 0, 0,   0,   0,   0,
                                               0,    0x7f, 3, 0, 'N', 'U', 'L', 'L'};
    static const char ready[] = "\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06"
                                "DEALER";
    static const char *const commands[] = {"\x04PING\0\x01xx", "\x09SUBSCRIBE",
                                           "\x05"
                                           "ERROR\x03no!",
                                           "\x05READY",
                                           "\x06"
                                           "CANCEL"};
    static const unsigned char curve[] = {'C', 'U', 'R', 'V', 'E'};
    size_t used = sizeof greeting;
    memcpy(bytes, greeting, used);
    if (draw(self, 3) == 0)
        memcpy(bytes + 12, curve, sizeof curve);
    memcpy(bytes + used, ready, sizeof ready - 1);
    used += sizeof ready - 1;
    for (uint64_t n = draw(self, 12); n > 0 && used + MESSAGE_MOST + 16 < room; n--) {
        unsigned char body[MESSAGE_MOST];
        size_t size = mutate(self, body) % 256;
        unsigned char flags = (unsigned char)draw(self, 8);
        if (draw(self, 4) == 0) {
            const char *command = commands[draw(self, 5)];
            flags = 4;
            size = strlen(command);
            memcpy(body, command, size);
        }
        bytes[used++] = flags;
        if (flags & 2) { /* a long size: right, or anything */
            memset(bytes + used, draw(self, 6) ? 0 : (int)draw(self, 256), 8);
            bytes[used + 7] = (unsigned char)size;
            used += 8;
        } else {
            bytes[used++] = (unsigned char)size;
        }
        memcpy(bytes + used, body, size);
        used += size;
    }
    for (uint64_t n = draw(self, 2) ? 0 : 1 + draw(self, 8); n > 0; n--)
        bytes[draw(self, used)] = (unsigned char)iw_test_random(&self->seed);
    return used;
}

static void
connect_raw(hostile *self)
{
    static unsigned char bytes[1 << 16];
    const char *const doors[] = {self->g.tcp, self->g.open, self->g.pub, self->pub};
    int fd = guarded_tcp(doors[draw(self, 4)]);
    size_t size = make_stream(self, bytes, sizeof bytes), at = 0;
    while (at < size) { /* in pieces, as a network would */
        size_t piece = 1 + draw(self, size - at);
        if (send(fd, bytes + at, piece, MSG_NOSIGNAL) < 0)
            break;
        at += piece;
    }
    struct pollfd item = {.fd = fd, .events = POLLIN};
    if (poll(&item, 1, 2) > 0)
        (void)recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    (void)close(fd);
    self->connections++;
}

static void
begin(hostile *self, harness *daemon)
{
    const char *seed = getenv("IONWATCH_HOSTILE_SEED");
    iw_message answer;
    memset(self, 0, sizeof *self);
    self->seed = seed ? strtoull(seed, NULL, 10) : 1;
    guarded_begin(&self->g, daemon);
    guarded_allow(&self->g, (const char *[PEOPLE]){"stream", NULL, NULL, "stream,read,control"});
    guarded_start(&self->g);
    json_t *status = harness_ask(daemon, "status", "", false, &answer);
    const char *pub = json_string_value(json_array_get(json_object_get(status, "pubs"), 2));
    (void)snprintf(self->pub, sizeof self->pub, "tcp://127.0.0.1%s", strrchr(pub, ':'));
    json_decref(status);
    victim_begin(&self->v, daemon);
    for (size_t i = 0; i < RUNS; i++)
        synthetic_run(&self->runs[i], 2 + 2 * i);
    self->talkers[0] = plain_peer(&self->g, self->g.open);
    self->talkers[1] = peer_open(daemon);
    self->talkers[2] = guarded_peer(&self->g, ANNA, NULL);
    self->talkers[3] = guarded_peer(&self->g, MALLORY, NULL);
    self->mouth = zmq_socket(daemon->context, ZMQ_XSUB);
    int none = 0;
    (void)zmq_setsockopt(self->mouth, ZMQ_LINGER, &none, sizeof none);
    assert_int_equal(zmq_connect(self->mouth, self->pub), 0);
}

static double
clock_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void
noise_at_every_door_changes_nothing_in_a_good_run(void **state)
{
    static hostile h;
    harness *daemon = *state;
    const char *text = getenv("IONWATCH_HOSTILE_S");
    double until = clock_s() + (text ? strtod(text, NULL) : 3);
    begin(&h, daemon);
    while (clock_s() < until) {
        talk(&h);
        for (int i = 0; i < 4; i++)
            connect_raw(&h);
        victim_stream(&h.v, 5);
    }
    (void)zmq_close(h.mouth);
    victim_stream(&h.v, 50);
    print_message("%zu messages, %zu answers, %zu connections; the good run has %llu frames\n",
                  h.messages, h.answers, h.connections, (unsigned long long)h.v.sent);
    assert_true(h.messages > 100 && h.answers > 10 && h.connections > 10);
    victim_end(&h.v, daemon);
    assert_int_equal(log_lines(daemon, "Sanitizer"), 0);
    assert_int_equal(log_lines(daemon, "runtime error"), 0);
    for (size_t i = 0; i < RUNS; i++)
        iw_run_info_fini(&h.runs[i]);
    for (size_t i = 0; i < TEMPLATES; i++)
        iw_buffer_fini(&h.templates[i]);
    harness_kill(daemon, SIGTERM); /* in order, exit code 0 */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(noise_at_every_door_changes_nothing_in_a_good_run,
                                        harness_begin, harness_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
