/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "intake/gate.h"

#include "intake/notices.h"
#include "ionwatchd/log.h"
#include "ionwatchd/mail.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { HANDSHAKE_MS = 10000, LOOK_MS = 500, PATH = 512 };

static const char *const domains[] = {[IW_DOOR_TALK] = "ionwatch", [IW_DOOR_LISTEN] = "pub"};

struct iw_gate {
    void *context;
    int silence_ms;     /* of a host, after which its connection is closed */
    void *zap;          /* REP: the gate's thread */
    void *ears, *mouth; /* PAIR: whatever comes ends the thread */
    void *monitor;      /* PAIR of the watched socket, NULL if none */
    iw_curve_pair server;
    char keys_path[PATH]; /* "" without guarded doors */
    struct stat seen;     /* of the file when it was last read */
    double looked_s;
    bool missing; /* the file is gone: said once */
    bool running;
    pthread_t thread;

    pthread_mutex_t lock; /* all below */
    iw_keys keys;
    bool readers_changed;
    uint64_t refusals;
    iw_notices notices;
};

iw_gate *
iw_gate_new(void *context, double silence_s, iw_error *err)
{
    iw_gate *self = calloc(1, sizeof *self);
    if (!self) {
        iw_fail(err, IW_NO_MEMORY, "the gate: out of memory");
        return NULL;
    }
    (void)pthread_mutex_init(&self->lock, NULL);
    self->context = context;
    self->silence_ms = (int)(1000 * silence_s);
    self->zap = zmq_socket(context, ZMQ_REP);
    self->ears = zmq_socket(context, ZMQ_PAIR);
    self->mouth = zmq_socket(context, ZMQ_PAIR);
    if (!self->zap || !self->ears || !self->mouth ||
        zmq_bind(self->zap, "inproc://zeromq.zap.01") != 0 ||
        zmq_bind(self->ears, "inproc://iw-gate") != 0 ||
        zmq_connect(self->mouth, "inproc://iw-gate") != 0) {
        iw_fail(err, IW_IO, "the gate: %s", zmq_strerror(zmq_errno()));
        iw_gate_destroy(&self);
    }
    return self;
}

/* The key that the daemon is known by. */
static iw_status
own_key(iw_gate *self, const char *data, iw_error *err)
{
    char path[PATH], public[PATH];
    (void)snprintf(path, sizeof path, "%s/server.key", data);
    (void)snprintf(public, sizeof public, "%s/server.pub", data);
    iw_status status = iw_curve_load(path, &self->server, err);
    if (status == IW_NOT_FOUND) {
        status = iw_curve_generate(&self->server, err);
        if (status == IW_OK)
            status = iw_key_write(path, "secret key of this ionwatchd: nobody else may have it",
                                  self->server.secret, 0600, false, err);
    }
    /* The public half is there for people: one that is missing or old is written anew. */
    if (status == IW_OK)
        status = iw_key_write(public, "public key of this ionwatchd: for IONWATCH_SERVER_KEY",
                              self->server.public, 0644, true, err);
    if (status == IW_OK)
        iw_log("intake.server_key", "%s (%s)", self->server.public, public);
    return status;
}

iw_status
iw_gate_arm(iw_gate *self, const char *data, const char *keys_path, iw_error *err)
{
    if (self->keys_path[0])
        return IW_OK;
    (void)stat(keys_path, &self->seen);
    iw_status status = iw_curve_check(err);
    if (status == IW_OK)
        status = iw_keys_load(&self->keys, keys_path, err);
    if (status == IW_NOT_FOUND || (status == IW_OK && self->keys.n == 0))
        return iw_fail(err, IW_REFUSED,
                       "no key is authorised: run `ionwatch keygen` where the runs are and put the "
                       "line that it prints into %s",
                       keys_path);
    if (status == IW_OK)
        status = own_key(self, data, err);
    if (status != IW_OK)
        return status;
    iw_text_copy(self->keys_path, sizeof self->keys_path, keys_path);
    iw_log("intake.keys", "%s: %zu keys", keys_path, self->keys.n);
    struct rlimit none = {0, 0}; /* a core file would hold the secret key */
    (void)setrlimit(RLIMIT_CORE, &none);
    return IW_OK;
}

iw_status
iw_gate_prepare(iw_gate *self, void *socket, iw_door door, const char *endpoint, bool guarded,
                iw_error *err)
{
    const int patience = HANDSHAKE_MS, server = guarded, dead = self->silence_ms;
    const int every = strncmp(endpoint, "tcp://", 6) == 0 ? dead / 2 : 0; /* a lost host */
    char domain[32];
    int size = snprintf(domain, sizeof domain, "%s%s", domains[door], guarded ? "" : "-open");
    /* libzmq lets everybody in when it finds no handler: ours is there before the first door and
     * after the last, and a message without its word in User-Id is nobody's. */
    bool good = zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, domain, (size_t)size) == 0 &&
                zmq_setsockopt(socket, ZMQ_HANDSHAKE_IVL, &patience, sizeof patience) == 0 &&
                zmq_setsockopt(socket, ZMQ_HEARTBEAT_IVL, &every, sizeof every) == 0 &&
                zmq_setsockopt(socket, ZMQ_HEARTBEAT_TIMEOUT, &dead, sizeof dead) == 0 &&
                (!guarded || zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, self->server.secret,
                                            IW_KEY_LENGTH + 1) == 0) &&
                (zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &server, sizeof server) == 0 || !guarded);
    return good ? IW_OK
                : iw_fail(err, IW_IO, "cannot guard %s: %s", endpoint, zmq_strerror(zmq_errno()));
}

void
iw_gate_watch(iw_gate *self, void *socket)
{
    const int none = 0; /* no bound: the sender, an I/O thread, must never wait for us */
    if (zmq_socket_monitor(socket, "inproc://iw-gate-monitor", iw_curve_events) != 0)
        return;
    self->monitor = zmq_socket(self->context, ZMQ_PAIR);
    if (!self->monitor) {
        (void)zmq_socket_monitor(socket, NULL, 0);
        return;
    }
    (void)zmq_setsockopt(self->monitor, ZMQ_RCVHWM, &none, sizeof none);
    (void)zmq_connect(self->monitor, "inproc://iw-gate-monitor");
}

/* ---- the file ---- */

static bool
lost_reader(const iw_keys *before, const iw_keys *now)
{
    for (size_t i = 0; i < before->n; i++) {
        const iw_authorised *still = iw_keys_find(now, before->items[i].key);
        if ((before->items[i].roles & IW_ROLE_READ) && !(still && (still->roles & IW_ROLE_READ)))
            return true;
    }
    return false;
}

static bool
is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mode == b->st_mode &&
           a->st_uid == b->st_uid && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* The gate's thread alone changes the table, so that it need not lock it to read it. */
static void
take_keys(iw_gate *self, iw_keys *fresh)
{
    bool lost = lost_reader(&self->keys, fresh);
    iw_keys old = self->keys;
    (void)pthread_mutex_lock(&self->lock);
    self->keys = *fresh;
    self->readers_changed = self->readers_changed || lost;
    (void)pthread_mutex_unlock(&self->lock);
    iw_keys_fini(&old);
    iw_log("intake.keys", "%s: %zu keys now", self->keys_path, self->keys.n);
}

/* Reads the file again if it has changed.  A wrong one changes nothing. */
static void
look_at_file(iw_gate *self)
{
    struct stat info;
    iw_error err;
    double now_s = iw_now();
    if (!self->keys_path[0] || now_s - self->looked_s < 1e-3 * LOOK_MS)
        return;
    self->looked_s = now_s;
    if (stat(self->keys_path, &info) != 0) {
        if (!self->missing)
            iw_log("intake.keys",
                   "%s is gone: the %zu keys from it stay valid; to let nobody in, make it empty",
                   self->keys_path, self->keys.n);
        self->missing = true;
        return;
    }
    if (is_same_file(&info, &self->seen) && !self->missing)
        return;
    self->missing = false;
    self->seen = info;
    iw_keys fresh;
    if (iw_keys_load(&fresh, self->keys_path, &err) == IW_OK)
        take_keys(self, &fresh);
    else
        iw_log("intake.keys", "%s: the %zu keys from before stay valid", err.text, self->keys.n);
}

bool
iw_gate_readers_changed(iw_gate *self)
{
    (void)pthread_mutex_lock(&self->lock);
    bool changed = self->readers_changed;
    self->readers_changed = false;
    (void)pthread_mutex_unlock(&self->lock);
    return changed;
}

/* ---- what came in ---- */

/* What a key may do now. */
static void
look_up(iw_gate *self, iw_who *who)
{
    (void)pthread_mutex_lock(&self->lock);
    const iw_authorised *entry = iw_keys_find(&self->keys, who->key);
    who->roles = entry ? entry->roles : 0;
    iw_text_copy(who->name, sizeof who->name, entry ? entry->name : "");
    (void)pthread_mutex_unlock(&self->lock);
}

void
iw_gate_who(iw_gate *self, zmq_msg_t *message, iw_who *who)
{
    const char *id = zmq_msg_gets(message, "User-Id");
    const char *address = zmq_msg_gets(message, "Peer-Address");
    memset(who, 0, sizeof *who);
    iw_text_copy(who->address, sizeof who->address, address && *address ? address : "local");
    if (id && strcmp(id, "open") == 0) {
        who->roles = IW_ROLE_STREAM | IW_ROLE_READ | IW_ROLE_CONTROL;
    } else if (id && iw_key_is_valid(id, strlen(id))) {
        memcpy(who->key, id, sizeof who->key);
        look_up(self, who);
    }
}

void
iw_gate_refused(iw_gate *self, const char *id, const char *who, const char *what, const char *text)
{
    (void)pthread_mutex_lock(&self->lock);
    self->refusals++;
    uint64_t silent = 0;
    if (iw_notice(&self->notices, who, what, iw_now(), &silent)) {
        if (silent > 0)
            iw_log(id, "%s: %s (%llu more were not logged)", who, text, (unsigned long long)silent);
        else
            iw_log(id, "%s: %s", who, text);
    }
    (void)pthread_mutex_unlock(&self->lock);
}

uint64_t
iw_gate_refusals(iw_gate *self)
{
    (void)pthread_mutex_lock(&self->lock);
    uint64_t n = self->refusals;
    (void)pthread_mutex_unlock(&self->lock);
    return n;
}

const char *
iw_gate_server_key(const iw_gate *self)
{
    return self->keys_path[0] ? self->server.public : "";
}

/* ---- the thread ---- */

/* The frames of a ZAP request. */
enum { VERSION, REQUEST, DOMAIN, ADDRESS, ROUTING, MECHANISM, CREDENTIAL, FRAMES };

typedef struct {
    size_t n, size[FRAMES];
    char frame[FRAMES][256];
} request;

static void
receive_request(void *socket, request *in)
{
    int more = 1;
    size_t room = sizeof more;
    memset(in, 0, sizeof *in);
    while (more) {
        char bytes[256];
        int size = zmq_recv(socket, bytes, sizeof bytes - 1, 0);
        if (size < 0 || zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &room) != 0)
            return;
        if (in->n < FRAMES) {
            in->size[in->n] = size < (int)sizeof bytes ? (size_t)size : sizeof bytes - 1;
            memcpy(in->frame[in->n], bytes, in->size[in->n]);
        }
        in->n++;
    }
}

static void
reply(void *socket, const request *in, bool welcome, const char *user)
{
    const char *status = welcome ? "200" : "400";
    const char *text = welcome ? "OK" : "not authorised";
    (void)zmq_send(socket, "1.0", 3, ZMQ_SNDMORE);
    (void)zmq_send(socket, in->frame[REQUEST], in->size[REQUEST], ZMQ_SNDMORE);
    (void)zmq_send(socket, status, 3, ZMQ_SNDMORE);
    (void)zmq_send(socket, text, strlen(text), ZMQ_SNDMORE);
    (void)zmq_send(socket, user, welcome ? strlen(user) : 0, ZMQ_SNDMORE);
    (void)zmq_send(socket, "", 0, 0);
}

/* A door that asks for a key: whose is it, and may he? */
static bool
is_let_in(iw_gate *self, const request *in, iw_who *who)
{
    char text[256];
    bool listens = strcmp(in->frame[DOMAIN], domains[IW_DOOR_LISTEN]) == 0;
    memset(who, 0, sizeof *who);
    if (strcmp(in->frame[MECHANISM], "CURVE") != 0 || in->size[CREDENTIAL] != 32 ||
        (!listens && strcmp(in->frame[DOMAIN], domains[IW_DOOR_TALK]) != 0) ||
        !zmq_z85_encode(who->key, (const uint8_t *)in->frame[CREDENTIAL], 32))
        return false;
    look_up(self, who);
    if (who->roles & (listens ? IW_ROLE_READ : ~0U))
        return true;
    (void)snprintf(text, sizeof text, "key %s%s%s %s", who->key, who->name[0] ? " " : "", who->name,
                   who->roles ? "may not read: no live snapshots" : "is not authorised");
    iw_gate_refused(self, "intake.refused", in->frame[ADDRESS], listens ? "subscribe" : "key",
                    text);
    return false;
}

static void
answer(iw_gate *self)
{
    request in;
    iw_who who;
    receive_request(self->zap, &in);
    const char *dash = strchr(in.frame[DOMAIN], '-');
    bool sound = in.n >= MECHANISM + 1 && strcmp(in.frame[VERSION], "1.0") == 0;
    if (sound && dash && strcmp(dash, "-open") == 0 && strcmp(in.frame[MECHANISM], "NULL") == 0)
        reply(self->zap, &in, true, "open");
    else if (sound && in.n == FRAMES && is_let_in(self, &in, &who))
        reply(self->zap, &in, true, who.key);
    else
        reply(self->zap, &in, false, "");
}

/* A handshake failed before there was a key to judge, or because of one. */
static void
hear(iw_gate *self)
{
    unsigned char event[6];
    char address[256] = "";
    uint16_t kind = 0;
    uint32_t value = 0;
    if (zmq_recv(self->monitor, event, sizeof event, 0) != (int)sizeof event)
        return;
    memcpy(&kind, event, sizeof kind);
    memcpy(&value, event + 2, sizeof value);
    int size = zmq_recv(self->monitor, address, sizeof address - 1, 0);
    address[size > 0 && size < (int)sizeof address ? size : 0] = '\0';
    if (kind == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
        iw_gate_refused(self, "intake.refused", address,
                        value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH ? "no key"
                                                                            : "handshake",
                        value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH
                            ? "a peer came without a key, or with one where none is asked for"
                            : "a peer failed in the handshake: a wrong server key, or no ionwatch");
    else if (kind == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)
        iw_gate_refused(self, "intake.refused", address, "broken off",
                        "a peer broke its handshake off");
}

static void *
run(void *gate)
{
    iw_gate *self = gate;
    for (;;) {
        zmq_pollitem_t items[] = {{self->ears, 0, ZMQ_POLLIN, 0},
                                  {self->zap, 0, ZMQ_POLLIN, 0},
                                  {self->monitor, 0, ZMQ_POLLIN, 0}};
        if (zmq_poll(items, self->monitor ? 3 : 2, LOOK_MS) < 0)
            continue;
        look_at_file(self);
        if (items[0].revents)
            return NULL;
        if (items[1].revents)
            answer(self);
        if (self->monitor && items[2].revents)
            hear(self);
    }
}

iw_status
iw_gate_start(iw_gate *self, iw_error *err)
{
    int failed = pthread_create(&self->thread, NULL, run, self);
    if (failed)
        return iw_fail(err, IW_IO, "the gate: no thread: %s", strerror(failed));
    self->running = true;
    return IW_OK;
}

void
iw_gate_destroy(iw_gate **gate)
{
    iw_gate *self = *gate;
    if (!self)
        return;
    if (self->running) {
        (void)zmq_send(self->mouth, "", 0, 0);
        (void)pthread_join(self->thread, NULL);
    }
    void *sockets[] = {self->zap, self->ears, self->mouth, self->monitor};
    for (size_t i = 0; i < 4; i++)
        if (sockets[i])
            (void)zmq_close(sockets[i]);
    iw_key_wipe(&self->server, sizeof self->server);
    iw_keys_fini(&self->keys);
    (void)pthread_mutex_destroy(&self->lock);
    free(self);
    *gate = NULL;
}
