/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_front.c - the daemon's front door as a state machine: several peers say anything in any
 * order, while journal, worker and store answer sooner or later, and time passes.  Sockets, clock
 * and gate are replaced.  What must hold whatever comes: frames reach the journal in order and
 * once, none between the end of a run and its next HELLO, nothing is acknowledged that is not
 * durable, and all that is said is a message. */
#include "fuzz_input.h"
#include "fuzz_target.h"
#include "intake/front_internal.h"
#include "ionwatchd/log.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

enum { RUNS = 3, PEERS = 4, MAILS = 256, KNOWN = 64, TEXT = 300 };

static const char *const ids[] = {
    "7f3c1a52-90ab-4cde-8f01-234567890100", "7f3c1a52-90ab-4cde-8f01-234567890101",
    "8f3c1a52-90ab-4cde-8f01-234567890102", "0b0e7a52-1111-4222-8333-444444444444",
    "0b0e7a52-1111-4222-8333-555555555555"};

/* A run as the journal knows it. */
typedef struct {
    uint32_t number;
    char id[IW_ID_LENGTH + 1];
    uint64_t taken, durable; /* highest frame that came; of it, on disk */
    uint64_t bytes;
    bool ended;   /* BYE is in it, and no HELLO since */
    bool to_file; /* BYE is durable, the store is to answer */
    bool removed;
} journalled;

static struct {
    fuzz_input in;
    iw_front *front;
    double now_s;
    iw_mail *inbox[MAILS], *queue[MAILS]; /* for the front; for the journal, not yet on disk */
    size_t n_inbox, n_queue;
    journalled runs[KNOWN];
    size_t n_runs;
    iw_buffer message; /* on its way to the front */
    unsigned parts;    /* of it; 0: none is on its way */
    uint8_t peer, part;
    iw_who who;
    iw_peer to; /* whom the front is about to answer */
} world;

static char router, inbox, journal, keeper, store, other; /* what their addresses stand for */

double __wrap_iw_now(void);
void __wrap_iw_log(const char *id, const char *format, ...) __attribute__((format(printf, 2, 3)));
void __wrap_iw_gate_who(iw_gate *self, zmq_msg_t *message, iw_who *who);
bool __wrap_iw_mail_send(void *socket, iw_mail **mail);
iw_mail *__wrap_iw_mail_receive(void *socket, bool wait);
int __wrap_zmq_poll(zmq_pollitem_t *items, int n, long timeout);
int __wrap_zmq_recv(void *socket, void *data, size_t size, int flags);
int __wrap_zmq_msg_recv(zmq_msg_t *message, void *socket, int flags);
int __wrap_zmq_msg_more(const zmq_msg_t *message);
int __wrap_zmq_getsockopt(void *socket, int option, void *value, size_t *size);
int __wrap_zmq_send(void *socket, const void *data, size_t size, int flags);
int __wrap_zmq_msg_send(zmq_msg_t *message, void *socket, int flags);
void *__wrap_zmq_socket(void *context, int type);
int __wrap_zmq_bind(void *socket, const char *endpoint);
void *__wrap_iw_mailbox_bind(void *context, const char *name, iw_error *err);
void *__wrap_iw_mailbox_connect(void *context, const char *name, iw_error *err);

double
__wrap_iw_now(void)
{
    return world.now_s;
}

void
__wrap_iw_log(const char *id, const char *format, ...)
{
    static char line[2048]; /* written, so that a sanitizer sees what is read for it */
    va_list args;
    va_start(args, format);
    if (!*id || vsnprintf(line, sizeof line, format, args) < 0)
        abort();
    va_end(args);
}

void
__wrap_iw_gate_who(iw_gate *self, zmq_msg_t *message, iw_who *who)
{
    (void)self;
    (void)message;
    *who = world.who;
}

/* ---- sockets ---- */

void *
__wrap_zmq_socket(void *context, int type)
{
    (void)context;
    return type == ZMQ_ROUTER ? &router : &other;
}

int
__wrap_zmq_bind(void *socket, const char *endpoint)
{
    return socket == &router && *endpoint ? 0 : -1;
}

static void *
box(const char *name)
{
    return strcmp(name, "front") == 0    ? &inbox
           : strcmp(name, "store") == 0  ? &store
           : strcmp(name, "keeper") == 0 ? &keeper
                                         : &journal;
}

void *
__wrap_iw_mailbox_bind(void *context, const char *name, iw_error *err)
{
    (void)context;
    (void)err;
    return box(name);
}

void *
__wrap_iw_mailbox_connect(void *context, const char *name, iw_error *err)
{
    (void)context;
    (void)err;
    return box(name);
}

/* ---- journal and store ---- */

static journalled *
run_of(const iw_mail *mail)
{
    for (size_t i = 0; i < world.n_runs; i++)
        if (world.runs[i].number == mail->run && !world.runs[i].removed)
            return &world.runs[i];
    if (mail->run == 0 || world.n_runs == KNOWN)
        return NULL;
    journalled *run = &world.runs[world.n_runs++];
    memset(run, 0, sizeof *run);
    run->number = mail->run;
    memcpy(run->id, mail->id, sizeof run->id);
    return run;
}

static void
to_front(iw_mail_kind kind, const journalled *run, uint64_t seq, iw_status status, const char *text)
{
    iw_mail *mail = iw_mail_new(kind, run ? run->number : 0);
    if (!mail || world.n_inbox == MAILS)
        abort();
    mail->seq = seq;
    mail->offset = run ? run->bytes : 0;
    mail->status = status;
    iw_text_copy(mail->text, sizeof mail->text, text);
    if (run)
        memcpy(mail->id, run->id, sizeof mail->id);
    world.inbox[world.n_inbox++] = mail;
}

/* What the front hands on must be in order. */
static void
check_record(journalled *run, const iw_mail *mail)
{
    switch (mail->kind) {
    case IW_MAIL_HELLO:
        if (!mail->info || strcmp(mail->info->id, mail->id) != 0)
            abort();
        run->ended = false;
        break;
    case IW_MAIL_FRAME:
        if (run->ended || mail->seq <= run->taken || mail->seq > IW_SEQ_MAX)
            abort();
        run->taken = mail->seq;
        break;
    case IW_MAIL_BYE:
        if (run->ended)
            abort();
        run->ended = true;
        break;
    default:
        break;
    }
}

bool
__wrap_iw_mail_send(void *socket, iw_mail **mail)
{
    static const char series[6000] = "{}";
    iw_mail *taken = *mail;
    *mail = NULL;
    if (socket == &store || taken->kind == IW_MAIL_SHOW) { /* answered at once, in all shapes */
        taken->kind = IW_MAIL_ANSWER;
        taken->status = world.now_s > 50 ? IW_NOT_FOUND : IW_OK;
        if (taken->flag) /* with series: a long one */
            (void)iw_buffer_append(&taken->json, series, sizeof series, NULL);
        if (world.n_inbox == MAILS)
            abort();
        world.inbox[world.n_inbox++] = taken;
        return true;
    }
    if (socket == &keeper && taken->kind == IW_MAIL_KEEP) {
        iw_mail_destroy(&taken);
        return true;
    }
    /* The keeper passes on what goes through it. */
    bool through = taken->kind == IW_MAIL_HELLO || taken->kind == IW_MAIL_REMOVE;
    if ((socket != &journal && !(socket == &keeper && through)) || world.n_queue == MAILS)
        abort();
    journalled *run = run_of(taken);
    if (run)
        check_record(run, taken);
    world.queue[world.n_queue++] = taken;
    return true;
}

iw_mail *
__wrap_iw_mail_receive(void *socket, bool wait)
{
    if (socket != &inbox || wait)
        abort();
    if (world.n_inbox == 0)
        return NULL;
    iw_mail *mail = world.inbox[0];
    memmove(world.inbox, world.inbox + 1, --world.n_inbox * sizeof(iw_mail *));
    return mail;
}

/* The journal makes one mail durable. */
static void
commit(iw_status status)
{
    if (world.n_queue == 0)
        return;
    iw_mail *mail = world.queue[0];
    memmove(world.queue, world.queue + 1, --world.n_queue * sizeof(iw_mail *));
    journalled *run = run_of(mail);
    switch (mail->kind) {
    case IW_MAIL_HELLO:
        if (status == IW_OK)
            to_front(IW_MAIL_OPENED, run, run->durable, IW_OK, "");
        else
            to_front(IW_MAIL_OPENED, run, 0, status, "no");
        break;
    case IW_MAIL_FRAME:
        run->durable = mail->seq;
        run->bytes += zmq_msg_size(&mail->message) << (mail->seq % 16); /* some are long */
        to_front(IW_MAIL_DURABLE, run, run->durable, IW_OK, "");
        break;
    case IW_MAIL_BYE:
        run->to_file = true;
        to_front(IW_MAIL_DURABLE, run, run->durable, IW_OK, "ended");
        break;
    case IW_MAIL_REMOVE:
        if (run)
            run->removed = true;
        mail->kind = IW_MAIL_ANSWER;
        world.inbox[world.n_inbox++] = mail;
        return;
    case IW_MAIL_QUIT:
        to_front(IW_MAIL_DONE, NULL, 0, IW_OK, "");
        break;
    default:
        break;
    }
    iw_mail_destroy(&mail);
}

static void
commit_all(iw_status status)
{
    while (world.n_queue > 0 && world.n_inbox < MAILS - 2)
        commit(status);
}

/* Store, or worker, about one of the runs. */
static void
news(fuzz_input *in, uint8_t what)
{
    char text[TEXT];
    if (world.n_runs == 0 || world.n_inbox > MAILS / 2)
        return;
    journalled *run = &world.runs[fuzz_byte(in) % world.n_runs];
    switch (what) {
    case 0:
        if (run->to_file)
            to_front(IW_MAIL_FILED, run, 0, IW_OK, "42");
        run->to_file = false;
        break;
    case 1:
        if (run->to_file)
            to_front(IW_MAIL_FILED, run, 0, IW_REFUSED, "no");
        run->to_file = false;
        break;
    case 2:
        to_front(IW_MAIL_STOP_WISH, run, 0, IW_OK, fuzz_text(in, text, sizeof text));
        break;
    case 3:
        to_front(IW_MAIL_WAITING, run, 0, IW_IO, "the disk is full");
        break;
    case 4:
        to_front(IW_MAIL_GONE, run, 0, IW_OK, "");
        break;
    default:
        to_front(IW_MAIL_PUBLISH, run, 0, IW_OK, "");
    }
}

/* ---- what peers say ---- */

static void
make_run(fuzz_input *in, iw_run_info *run, uint8_t choice)
{
    static const char *const atoms[] = {"Li", "S", "Li", "S"};
    char key[24], value[TEXT];
    iw_run_info_init(run);
    memcpy(run->id, ids[choice % RUNS], sizeof run->id);
    size_t n = 2 + (choice & 64 ? 1 : 0);
    if (iw_run_info_set_atoms(run, n, choice & 32 ? atoms + 1 : atoms, NULL) != IW_OK)
        abort();
    run->timestep_fs = 1;
    if (choice & 128) {
        (void)fuzz_text(in, key, sizeof key);
        (void)iw_run_info_set_metadata(run, key, fuzz_text(in, value, sizeof value), NULL);
        (void)iw_run_info_set_metadata(run, "opened_by", "bob", NULL);
    }
}

static void
make_frame(fuzz_input *in, iw_message *message)
{
    static double pos[9] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
    uint8_t seq = fuzz_byte(in);
    iw_frame_view *frame = &message->frame;
    memset(frame, 0, sizeof *frame);
    frame->seq = seq < 250 ? 1U + seq % 16U : fuzz_u64(in) % IW_SEQ_MAX + 1;
    frame->time_fs = 1;
    frame->n_atoms = 2 + (seq & 64 ? 1 : 0);
    frame->pos = pos;
    frame->potential_energy_eV = frame->kinetic_energy_eV = frame->temperature_K = (double)NAN;
}

static void
make_ask(fuzz_input *in, iw_message *message)
{
    static const char *const verbs[] = {"list", "show", "status", "stop", "rm", "sing"};
    uint8_t choice = fuzz_byte(in);
    message->version = IW_PROTOCOL_VERSION;
    (void)snprintf(message->verb, sizeof message->verb, "%s", verbs[choice % 6]);
    message->flag = (choice & 128) != 0;
    if (choice & 64)
        (void)fuzz_text(in, message->arg, sizeof message->arg);
    else
        (void)snprintf(message->arg, sizeof message->arg, "%s", ids[choice / 8 % RUNS]);
}

/* A message of some kind, or bytes that are none. */
static void
make_message(fuzz_input *in, uint8_t what)
{
    iw_message message;
    iw_run_info run;
    size_t got;
    iw_run_info_init(&run);
    iw_message_init(&message, (iw_msg_type)(1 + what % IW_MSG_ANSWER));
    iw_buffer_clear(&world.message);
    if (what >= 200) {
        const uint8_t *bytes = fuzz_take(in, fuzz_byte(in), &got);
        if (got > 0)
            (void)iw_buffer_append(&world.message, bytes, got, NULL);
        return;
    }
    switch (message.type) {
    case IW_MSG_HELLO: {
        uint8_t choice = fuzz_byte(in), handle = fuzz_byte(in);
        make_run(in, &run, choice);
        message.run = &run;
        memcpy(message.run_id, run.id, sizeof message.run_id);
        if (handle % 3)
            memcpy(message.adapter, ids[RUNS + handle % 2], sizeof message.adapter);
        break;
    }
    case IW_MSG_FRAME:
        make_frame(in, &message);
        break;
    case IW_MSG_ASK:
        make_ask(in, &message);
        break;
    case IW_MSG_BYE:
    case IW_MSG_CONTROL:
    case IW_MSG_REFUSED:
        message.seq = fuzz_byte(in);
        (void)fuzz_text(in, message.text, sizeof message.text);
        break;
    default:
        message.seq = 1 + fuzz_byte(in);
    }
    (void)iw_wire_encode(&message, &world.message, NULL);
    iw_run_info_fini(&run);
}

/* Peer 0 comes through an open door; 1 and 2 have keys; 3 calls itself 1, with the key of 2. */
static void
say(fuzz_input *in, uint8_t op)
{
    static const char *const names[] = {"", "anna", "bob", "bob"};
    uint8_t right = fuzz_byte(in);
    uint8_t peer = op % PEERS;
    memset(&world.who, 0, sizeof world.who);
    world.who.roles = peer == 0 || right < 200 ? 7 : right % 8;
    if (peer > 0)
        memset(world.who.key, peer == 1 ? 'a' : 'b', IW_KEY_LENGTH);
    (void)snprintf(world.who.name, sizeof world.who.name, "%s", names[peer]);
    (void)snprintf(world.who.address, sizeof world.who.address, "127.0.0.1");
    world.peer = peer == 3 ? 1 : peer;
    world.parts = op & 64 && right % 8 == 7 ? right % 3 : 1;
    world.part = 0;
    make_message(in, fuzz_byte(in));
    if (world.parts != 1)
        world.parts += 100; /* told apart from none */
}

int
__wrap_zmq_poll(zmq_pollitem_t *items, int n, long timeout)
{
    (void)items;
    (void)n;
    if (timeout < 0)
        abort();
    fuzz_input *in = &world.in;
    if (in->left == 0) {
        if (!world.front->quitting)
            to_front(IW_MAIL_QUIT, NULL, 0, IW_OK, "");
        commit_all(IW_OK);
        return 1;
    }
    uint8_t op = fuzz_byte(in);
    world.now_s += 0.01;
    if (world.n_queue > MAILS / 2)
        commit_all(IW_OK);
    if (op < 128)
        say(in, op);
    else if (op < 200)
        commit_all(op < 195 ? IW_OK : IW_CORRUPT);
    else if (op < 210)
        commit(IW_OK);
    else if (op < 240)
        news(in, op % 6);
    else
        world.now_s += op < 245 ? 1 : op < 250 ? 20 : 4000;
    return 1;
}

int
__wrap_zmq_recv(void *socket, void *data, size_t size, int flags)
{
    if (socket != &router || size < 255 || flags != ZMQ_DONTWAIT)
        abort();
    if (world.parts == 0)
        return -1;
    memset(data, 'p' + world.peer, 5);
    return 5;
}

static int
more(void)
{
    unsigned parts = world.parts > 100 ? world.parts - 100 : world.parts == 100 ? 0 : 1;
    bool left = world.part < parts;
    if (!left)
        world.parts = 0;
    return left;
}

int
__wrap_zmq_getsockopt(void *socket, int option, void *value, size_t *size)
{
    if (option == ZMQ_LAST_ENDPOINT) {
        *size = (size_t)snprintf(value, *size, "tcp://127.0.0.1:1") + 1;
        return 0;
    }
    if (socket != &router || option != ZMQ_RCVMORE || *size != sizeof(int))
        abort();
    int answer = more();
    memcpy(value, &answer, sizeof answer);
    return 0;
}

int
__wrap_zmq_msg_recv(zmq_msg_t *message, void *socket, int flags)
{
    if (socket != &router || flags != ZMQ_DONTWAIT)
        abort();
    (void)zmq_msg_close(message);
    if (zmq_msg_init_size(message, world.message.size) != 0)
        abort();
    if (world.message.size > 0)
        memcpy(zmq_msg_data(message), world.message.data, world.message.size);
    world.part++;
    return (int)world.message.size;
}

int
__wrap_zmq_msg_more(const zmq_msg_t *message)
{
    (void)message;
    return more();
}

/* What is said is a message, and acknowledges nothing but what is durable. */
static void
check_said(const iw_peer *to, const void *data, size_t size)
{
    iw_message message;
    iw_message_init(&message, IW_MSG_PING);
    if (iw_wire_decode(data, size, &message, NULL) != IW_OK)
        abort();
    bool known = message.type != IW_MSG_ACK;
    for (size_t i = 0; i < world.front->runs.n && !known; i++) {
        const iw_live *run = world.front->runs.items[i];
        for (size_t k = 0; k < world.n_runs && iw_peer_equal(&run->peer, to); k++)
            known |= world.runs[k].number == run->number && message.seq <= world.runs[k].durable;
    }
    if (!known)
        abort();
}

int
__wrap_zmq_send(void *socket, const void *data, size_t size, int flags)
{
    if (socket != &router || size > 100000)
        abort();
    if (flags & ZMQ_SNDMORE) {
        world.to.size = (unsigned char)size;
        memcpy(world.to.data, data, size);
    } else {
        check_said(&world.to, data, size);
    }
    return (int)size;
}

int
__wrap_zmq_msg_send(zmq_msg_t *message, void *socket, int flags)
{
    if (socket != &router || (flags & ZMQ_SNDMORE))
        abort();
    int size = (int)zmq_msg_size(message);
    check_said(&world.to, zmq_msg_data(message), zmq_msg_size(message));
    (void)zmq_msg_close(message);
    (void)zmq_msg_init(message);
    return size;
}

/* What a start finds in the data folder. */
static void
recover(fuzz_input *in)
{
    uint8_t n = fuzz_byte(in) % 3;
    for (uint32_t i = 1; i <= n; i++) {
        uint8_t how = fuzz_byte(in);
        iw_mail *mail = iw_mail_new(IW_MAIL_RECOVERED, i);
        if (!mail)
            abort();
        memcpy(mail->id, ids[i - 1], sizeof mail->id);
        mail->info = malloc(sizeof *mail->info);
        if (!mail->info)
            abort();
        make_run(in, mail->info, (uint8_t)((how & 0xe0) | (i - 1)));
        journalled *run = run_of(mail);
        run->taken = run->durable = mail->seq = how % 16;
        mail->flag = (how & 16) != 0;
        run->ended = mail->flag || how % 4 == 0;
        run->to_file = run->ended && !mail->flag;
        iw_text_copy(mail->summary.state, sizeof mail->summary.state,
                     run->ended ? "completed" : "");
        iw_text_copy(mail->text, sizeof mail->text, how % 3 ? "" : "asked to stop");
        world.inbox[world.n_inbox++] = mail;
    }
    to_front(IW_MAIL_READY, NULL, 0, IW_OK, "");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    memset(&world, 0, sizeof world);
    world.in = (fuzz_input){data, size};
    static const char *const listen[] = {"tcp://127.0.0.1:1"};
    static const iw_front_options options = {.listen = listen,
                                             .n_listen = 1,
                                             .authorised_keys = "",
                                             .message_limit_mib = 1,
                                             .queue_mib = 1,
                                             .max_runs = 2,
                                             .max_atoms = 3,
                                             .max_run_mib = 1,
                                             .heartbeat_s = 30,
                                             .lost_after_s = 3600,
                                             .data = "data",
                                             .db = "db"};
    iw_error err;
    iw_front *front = iw_front_new(NULL, &options, &err);
    if (!front)
        abort();
    world.front = front;
    front->runs.room = 600; /* a few frames */
    recover(&world.in);
    (void)iw_front_run(front);
    while (world.n_inbox > 0)
        iw_mail_destroy(&world.inbox[--world.n_inbox]);
    while (world.n_queue > 0)
        iw_mail_destroy(&world.queue[--world.n_queue]);
    iw_front_destroy(&front);
    iw_buffer_fini(&world.message);
    return 0;
}
