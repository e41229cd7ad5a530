/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_answer.c - the command `ionwatch` against a hostile daemon: ls, show, watch, stop and status
 * get any answers (the first byte chooses the command, the second how the rest is said), and print
 * them.  Sockets are replaced; what is printed goes nowhere, and holds no control characters but
 * those of our own tables. */
#include "cli/cli.h"
#include "fuzz_input.h"
#include "fuzz_target.h"
#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <zmq.h>

static struct {
    iw_buffer reply;
    unsigned replies; /* left to give */
} world;

static char dealer, pair, context;
static char printed[1 << 16];

void *__wrap_zmq_ctx_new(void);
int __wrap_zmq_ctx_term(void *it);
void *__wrap_zmq_socket(void *it, int type);
int __wrap_zmq_close(void *socket);
int __wrap_zmq_send(void *socket, const void *data, size_t size, int flags);
int __wrap_zmq_recv(void *socket, void *data, size_t size, int flags);
int __wrap_zmq_msg_recv(zmq_msg_t *message, void *socket, int flags);
int __wrap_zmq_poll(zmq_pollitem_t *items, int n, long timeout);
int __wrap_isatty(int fd);

int
__wrap_isatty(int fd)
{
    (void)fd;
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
    return it == &context ? 0 : -1;
}

void *
__wrap_zmq_socket(void *it, int type)
{
    (void)it;
    return type == ZMQ_DEALER ? &dealer : &pair;
}

int
__wrap_zmq_close(void *socket)
{
    (void)socket;
    return 0;
}

int
__wrap_zmq_send(void *socket, const void *data, size_t size, int flags)
{
    iw_message message;
    (void)flags;
    iw_message_init(&message, IW_MSG_PING);
    if (socket != &dealer || iw_wire_decode(data, size, &message, NULL) != IW_OK ||
        message.type != IW_MSG_ASK)
        abort();
    return (int)size;
}

int
__wrap_zmq_recv(void *socket, void *data, size_t size, int flags)
{
    (void)socket;
    (void)data;
    (void)size;
    (void)flags;
    errno = EAGAIN;
    return -1;
}

/* One answer, then the connection is as good as gone. */
int
__wrap_zmq_poll(zmq_pollitem_t *items, int n, long timeout)
{
    (void)n;
    (void)timeout;
    if (world.replies == 0) {
        errno = EBADF;
        return -1;
    }
    world.replies--;
    items[0].revents = ZMQ_POLLIN;
    return 1;
}

int
__wrap_zmq_msg_recv(zmq_msg_t *message, void *socket, int flags)
{
    (void)socket;
    (void)flags;
    if (zmq_msg_init_size(message, world.reply.size) != 0)
        abort();
    if (world.reply.size > 0)
        memcpy(zmq_msg_data(message), world.reply.data, world.reply.size);
    return (int)world.reply.size;
}

/* As JSON in an ANSWER, as a refusal in words, or as it is. */
static void
make_reply(fuzz_input *in)
{
    uint8_t how = fuzz_byte(in);
    iw_message message;
    iw_message_init(&message, IW_MSG_ANSWER);
    iw_buffer_clear(&world.reply);
    if (how < 200) {
        message.json = (const char *)in->at;
        message.json_size = in->left;
        (void)iw_wire_encode(&message, &world.reply, NULL);
    } else if (how < 230) {
        message.status = (iw_status)(how % 20);
        (void)fuzz_text(in, message.text, sizeof message.text);
        (void)iw_wire_encode(&message, &world.reply, NULL);
    } else if (in->left > 0) {
        (void)iw_buffer_append(&world.reply, in->at, in->left, NULL);
    }
}

static void
check_printed(size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (((unsigned char)printed[i] < 0x20 && printed[i] != '\n') || printed[i] == 0x7f ||
            ((unsigned char)printed[i] == 0xc2 && ((unsigned char)printed[i + 1] & 0xe0) == 0x80))
            abort();
}

bool
iw_interrupted(void)
{
    return false;
}

void
iw_pause(double seconds)
{
    (void)seconds;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const run[] = {"demo"};
    static iw_exit (*const commands[])(const iw_settings *) = {iw_command_show,  iw_command_ls,
                                                               iw_command_watch, iw_command_stop,
                                                               iw_command_show,  iw_command_show};
    fuzz_input in = {data, size};
    uint8_t choice = fuzz_byte(&in);
    iw_settings settings;
    make_reply(&in);
    world.replies = 2;
    iw_settings_init(&settings);
    settings.command = "fuzz";
    settings.endpoint = "tcp://127.0.0.1:1";
    settings.operands = run;
    settings.n_operands = choice % 6 == 1 || choice & 64 ? 0 : 1;
    if (choice % 6 != 1 && choice % 6 != 2)
        settings.n_operands = 1;
    settings.json = choice % 6 == 4;
    settings.series = (choice & 128) != 0;
    settings.count = 1;
    FILE *out = stdout, *err = stderr;
    memset(printed, 0, sizeof printed);
    FILE *sink = fmemopen(printed, sizeof printed - 1, "w");
    if (!sink)
        abort();
    stdout = stderr = sink;
    (void)commands[choice % 6](&settings);
    stdout = out;
    stderr = err;
    (void)fflush(sink);
    long length = ftell(sink);
    (void)fclose(sink);
    if (length > 0 && !settings.json) /* JSON says what was said */
        check_printed((size_t)length < sizeof printed ? (size_t)length : sizeof printed);
    iw_buffer_fini(&world.reply);
    return 0;
}
