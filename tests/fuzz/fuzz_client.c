/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_client.c - libionwatch against a hostile daemon: any messages in any order, while the MD
 * code sends, time passes, the socket is full and connections break.  Sockets, clock and threads
 * are replaced; the sender's thread runs here.  What must hold whatever the daemon says: no frame
 * is sent before a WELCOME, what is sent is a message, memory and spool stay within their limits,
 * and closing ends in time with every frame acknowledged or in the spool. */
#include "client.h"
#include "fuzz_input.h"
#include "fuzz_target.h"
#include "ionwatch/ionwatch.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum { ATOMS = 2, QUEUE = 2000, SPOOL = 6000, TEXT = 450, LINGER_MS = 1000 };

static struct {
    fuzz_input in;
    ionwatch *w;
    int64_t now_ms;
    bool running;    /* the link's thread is at work */
    bool full;       /* the socket takes nothing */
    bool welcomed;   /* in this session */
    iw_buffer reply; /* the daemon's next message */
    bool has_reply;
    unsigned events; /* that the monitor will tell */
    uint16_t event;
    uint32_t value;
    int64_t step;
    int sockets;
} world;

static char folder[64];
static char dealer, pair, context;

int __wrap_clock_gettime(clockid_t id, struct timespec *now);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*body)(void *),
                          void *argument);
int __wrap_pthread_join(pthread_t thread, void **result);
void *__wrap_zmq_ctx_new(void);
int __wrap_zmq_ctx_term(void *it);
void *__wrap_zmq_socket(void *it, int type);
int __wrap_zmq_close(void *socket);
int __wrap_zmq_send(void *socket, const void *data, size_t size, int flags);
int __wrap_zmq_recv(void *socket, void *data, size_t size, int flags);
int __wrap_zmq_msg_recv(zmq_msg_t *message, void *socket, int flags);
int __wrap_zmq_poll(zmq_pollitem_t *items, int n, long timeout);

int
__wrap_clock_gettime(clockid_t id, struct timespec *now)
{
    (void)id;
    now->tv_sec = (time_t)(world.now_ms / 1000);
    now->tv_nsec = world.now_ms % 1000 * 1000000;
    return 0;
}

int
__wrap_pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*body)(void *),
                      void *argument)
{
    (void)how;
    (void)body;
    (void)argument;
    memset(thread, 0, sizeof *thread);
    return 0;
}

/* Joining the link's thread is running it. */
int
__wrap_pthread_join(pthread_t thread, void **result)
{
    (void)thread;
    (void)result;
    if (world.w && !world.running) {
        world.running = true;
        iw_link_zmq_run(world.w);
    }
    return 0;
}

void *
__wrap_zmq_ctx_new(void)
{
    return &context;
}

int
__wrap_zmq_ctx_term(void *it)
{
    if (it != &context || world.sockets != 0)
        abort();
    return 0;
}

void *
__wrap_zmq_socket(void *it, int type)
{
    if (it != &context)
        abort();
    world.sockets++;
    world.welcomed = false;
    world.has_reply = false;
    return type == ZMQ_DEALER ? &dealer : &pair;
}

int
__wrap_zmq_close(void *socket)
{
    (void)socket;
    world.sockets--;
    return 0;
}

int
__wrap_zmq_send(void *socket, const void *data, size_t size, int flags)
{
    iw_message message;
    iw_message_init(&message, IW_MSG_PING);
    if (socket != &dealer || flags != ZMQ_DONTWAIT ||
        iw_wire_decode(data, size, &message, NULL) != IW_OK)
        abort();
    if (world.full) {
        errno = EAGAIN;
        return -1;
    }
    if (message.type == IW_MSG_FRAME && !world.welcomed)
        abort();
    return (int)size;
}

int
__wrap_zmq_recv(void *socket, void *data, size_t size, int flags)
{
    if (socket != &pair || flags != ZMQ_DONTWAIT || size < 6)
        abort();
    if (world.events == 0)
        return -1;
    world.events--;
    memcpy(data, &world.event, 2);
    memcpy((char *)data + 2, &world.value, 4);
    return 6;
}

/* ---- what the daemon says ---- */

static void
make_reply(fuzz_input *in)
{
    iw_message message;
    size_t got;
    uint8_t what = fuzz_byte(in), seq;
    iw_buffer_clear(&world.reply);
    world.has_reply = true;
    if (what >= 220) {
        const uint8_t *bytes = fuzz_take(in, fuzz_byte(in), &got);
        if (got > 0)
            (void)iw_buffer_append(&world.reply, bytes, got, NULL);
        return;
    }
    static const iw_msg_type types[] = {IW_MSG_WELCOME, IW_MSG_ACK,   IW_MSG_CONTROL, IW_MSG_FILED,
                                        IW_MSG_REFUSED, IW_MSG_PING,  IW_MSG_PONG,    IW_MSG_ACK,
                                        IW_MSG_WELCOME, IW_MSG_ANSWER};
    iw_message_init(&message, types[what % 10]);
    seq = fuzz_byte(in);
    message.seq = seq < 240 ? 1U + seq % 32U : fuzz_u64(in) % IW_SEQ_MAX + 1;
    message.version = seq == 239 ? 7 : IW_PROTOCOL_VERSION;
    message.status = (iw_status)(seq % 16);
    message.stop = (seq & 1) != 0;
    message.stride = seq & 2 ? seq : 0;
    if (what & 64)
        (void)fuzz_text(in, message.text, sizeof message.text);
    (void)iw_wire_encode(&message, &world.reply, NULL);
}

int
__wrap_zmq_msg_recv(zmq_msg_t *message, void *socket, int flags)
{
    if (socket != &dealer || flags != ZMQ_DONTWAIT)
        abort();
    if (!world.has_reply) {
        errno = EAGAIN;
        return -1;
    }
    world.has_reply = false;
    if (zmq_msg_init_size(message, world.reply.size) != 0)
        abort();
    if (world.reply.size > 0)
        memcpy(zmq_msg_data(message), world.reply.data, world.reply.size);
    iw_message said;
    iw_message_init(&said, IW_MSG_PING);
    if (iw_wire_decode(world.reply.data, world.reply.size, &said, NULL) == IW_OK)
        world.welcomed |= said.type == IW_MSG_WELCOME;
    return (int)world.reply.size;
}

static void
send_frame(void)
{
    static const double pos[3 * ATOMS] = {0, 1, 2, 3, 4, 5};
    ionwatch_frame frame;
    ionwatch_frame_init(&frame);
    frame.step = world.step++;
    frame.pos_f64 = pos;
    (void)ionwatch_send(world.w, &frame);
    ionwatch_stats stats = {.size = sizeof stats};
    ionwatch_get_stats(world.w, &stats);
    if (stats.queued_bytes > QUEUE + 1000 || stats.spooled_bytes > SPOOL + 4 * QUEUE)
        abort();
}

int
__wrap_zmq_poll(zmq_pollitem_t *items, int n, long timeout)
{
    fuzz_input *in = &world.in;
    const char *reason;
    (void)items;
    (void)n;
    if (timeout < 0)
        abort();
    if (in->left == 0 && !world.w->closing) {
        world.w->closing = true;
        world.w->deadline_ms = world.now_ms + LINGER_MS;
    }
    uint8_t op = in->left > 0 ? fuzz_byte(in) : 255;
    world.now_ms += 1;
    if (op < 130)
        make_reply(in);
    else if (op < 200)
        send_frame();
    else if (op < 210)
        world.full = !world.full;
    else if (op < 220)
        (void)ionwatch_finish(world.w, "completed");
    else if (op < 225) {
        (void)ionwatch_should_stop(world.w, &reason);
        if (strnlen(reason, IW_WIRE_TEXT) == IW_WIRE_TEXT)
            abort();
    } else if (op < 240) {
        world.event = (uint16_t)(1U << op % 16U);
        world.value = op & 1 ? 1 : 400;
        world.events = 2; /* a number, an address */
    } else {
        world.now_ms += timeout + (op < 250 ? 1 : 5000);
    }
    return 0;
}

static void
empty_folder(void)
{
    DIR *dir = opendir(folder);
    char path[400];
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            (void)unlink(path);
    }
    if (dir)
        (void)closedir(dir);
}

static void
remove_folder(void)
{
    empty_folder();
    (void)rmdir(folder);
}

static void
run_handle(void)
{
    static const char *const species[ATOMS] = {"Li", "S"};
    ionwatch_run run;
    ionwatch_run_init(&run);
    run.run_id = "7f3c1a52-90ab-4cde-8f01-2345678901cd";
    run.name = "fuzz";
    run.n_atoms = ATOMS;
    run.species = species;
    run.timestep = 1;
    run.spool_dir = folder;
    run.queue_bytes = QUEUE;
    run.spool_bytes = SPOOL;
    run.policy = IONWATCH_DROP;
    world.w = NULL;
    ionwatch *w = ionwatch_open("tcp://127.0.0.1:1", &run);
    if (!w)
        abort();
    if (ionwatch_error(w)[0] == '\0') { /* else its spool cannot be read: no handle */
        world.w = w;
        world.running = true;
        iw_link_zmq_run(w);
    }
    (void)ionwatch_close(&w, LINGER_MS);
    world.running = false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!folder[0]) {
        (void)snprintf(folder, sizeof folder, "/dev/shm/ionwatch-fuzz-XXXXXX");
        if (!mkdtemp(folder) || atexit(remove_folder) != 0)
            abort();
    }
    iw_buffer reply = world.reply;
    memset(&world, 0, sizeof world);
    world.reply = reply;
    world.in = (fuzz_input){data, size};
    world.now_ms = 1000;
    size_t half = size / 2;
    world.in.left = half; /* the second half is for the handle that takes its spool over */
    run_handle();
    world.in.left = size - (size_t)(world.in.at - data);
    world.full = world.has_reply = false;
    run_handle();
    empty_folder();
    return 0;
}
