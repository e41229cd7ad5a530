/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guarded.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const names[PEOPLE] = {"anna", "bob", "carol", "mallory"};

void
guarded_begin(guarded *self, harness *daemon)
{
    iw_error err;
    memset(self, 0, sizeof *self);
    self->daemon = daemon;
    (void)snprintf(self->keys, sizeof self->keys, "%s/authorised_keys", daemon->folder);
    for (int i = 0; i < PEOPLE; i++)
        assert_ok(iw_curve_generate(&self->pairs[i], &err), err);
}

void
guarded_write(const guarded *self, const char *text)
{
    char fresh[160];
    (void)snprintf(fresh, sizeof fresh, "%s.new", self->keys);
    FILE *file = fopen(fresh, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0 && fclose(file) == 0);
    assert_int_equal(rename(fresh, self->keys), 0);
}

void
guarded_allow(const guarded *self, const char *const roles[PEOPLE])
{
    char text[1024] = "# people\n";
    size_t used = strlen(text);
    for (int i = 0; i < PEOPLE; i++)
        if (roles[i])
            used += (size_t)snprintf(text + used, sizeof text - used, "%s %s %s\n",
                                     self->pairs[i].public, roles[i], names[i]);
    guarded_write(self, text);
}

static const char *
text_at(const json_t *list, size_t i)
{
    return json_string_value(json_array_get(list, i));
}

/* As a client of this machine connects to it. */
static void
reachable(char to[128], const char *bound)
{
    (void)snprintf(to, 128, "tcp://127.0.0.1%s", strrchr(bound, ':'));
}

void
guarded_start(guarded *self)
{
    const char *options[] = {
        "--listen",          "tcp://0.0.0.0:*", "--listen", "tcp://127.0.0.1:*",
        "--authorised-keys", self->keys,        NULL};
    iw_message answer;
    harness_start(self->daemon, options, 0);
    json_t *status = harness_ask(self->daemon, "status", "", false, &answer);
    const json_t *listen = json_object_get(status, "listen");
    reachable(self->tcp, text_at(listen, 1));
    reachable(self->open, text_at(listen, 2));
    reachable(self->pub, text_at(json_object_get(status, "pubs"), 1));
    (void)snprintf(self->server, sizeof self->server, "%s",
                   json_string_value(json_object_get(status, "server_key")));
    assert_int_equal(strlen(self->server), IW_KEY_LENGTH);
    json_decref(status);
}

void
guarded_wait_reload(void)
{
    pause_ms(1300);
}

static void *
connect_to(guarded *self, int type, const char *endpoint, person who, const char *server,
           const char *name)
{
    harness *daemon = self->daemon;
    void *socket = zmq_socket(daemon->context, type);
    int none = 0;
    size_t i = 0;
    (void)zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    if (name)
        (void)zmq_setsockopt(socket, ZMQ_ROUTING_ID, name, strlen(name));
    if (type == ZMQ_SUB)
        (void)zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
    if (server) {
        const iw_curve_pair *pair = &self->pairs[who];
        (void)zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server, IW_KEY_LENGTH + 1);
        (void)zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, pair->public, IW_KEY_LENGTH + 1);
        (void)zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, pair->secret, IW_KEY_LENGTH + 1);
    }
    assert_int_equal(zmq_connect(socket, endpoint), 0);
    while (i < 16 && daemon->peers[i])
        i++;
    assert_true(i < 16);
    return daemon->peers[i] = socket;
}

void *
guarded_peer(guarded *self, person who, const char *server)
{
    return connect_to(self, ZMQ_DEALER, self->tcp, who, server ? server : self->server, NULL);
}

void *
guarded_peer_called(guarded *self, person who, const char *name)
{
    return connect_to(self, ZMQ_DEALER, self->tcp, who, self->server, name);
}

void *
plain_peer(guarded *self, const char *endpoint)
{
    return connect_to(self, ZMQ_DEALER, endpoint, ANNA, NULL, NULL);
}

void *
guarded_subscriber(guarded *self, person who)
{
    return connect_to(self, ZMQ_SUB, self->pub, who, self->server, NULL);
}

static bool
receive(void *peer, int patience, iw_message *message)
{
    zmq_msg_t bytes;
    iw_error err;
    (void)zmq_setsockopt(peer, ZMQ_RCVTIMEO, &patience, sizeof patience);
    (void)zmq_msg_init(&bytes);
    bool came = zmq_msg_recv(&bytes, peer, 0) >= 0;
    iw_message_init(message, IW_MSG_PING);
    if (came)
        assert_ok(iw_wire_decode(zmq_msg_data(&bytes), zmq_msg_size(&bytes), message, &err), err);
    message->json = NULL;
    (void)zmq_msg_close(&bytes);
    return came;
}

void
expect_refused(void *peer, iw_status status, const char *text)
{
    iw_message message;
    while (receive(peer, 5000, &message)) {
        bool answer = message.type == IW_MSG_ANSWER && message.status != IW_OK;
        if (message.type != IW_MSG_REFUSED && !answer)
            continue;
        assert_int_equal(message.status, status);
        if (!strstr(message.text, text))
            fail_msg("\"%s\" is not in \"%s\"", text, message.text);
        return;
    }
    fail_msg("nothing was refused; \"%s\" is missing", text);
}

void
expect_silence(void *peer, int ms)
{
    iw_message message;
    if (receive(peer, ms, &message))
        fail_msg("a message of type %d came: %s", (int)message.type, message.text);
}

void
ask(void *peer, const char *verb, const char *arg)
{
    iw_message message;
    iw_buffer bytes = {0};
    iw_error err;
    iw_message_init(&message, IW_MSG_ASK);
    (void)snprintf(message.verb, sizeof message.verb, "%s", verb);
    (void)snprintf(message.arg, sizeof message.arg, "%s", arg);
    assert_ok(iw_wire_encode(&message, &bytes, &err), err);
    assert_true(zmq_send(peer, bytes.data, bytes.size, 0) >= 0);
    iw_buffer_fini(&bytes);
}

void
expect_answer(void *peer, iw_status status)
{
    iw_message message;
    assert_true(receive(peer, 5000, &message));
    assert_int_equal(message.type, IW_MSG_ANSWER);
    if (message.status != status)
        fail_msg("status %d, not %d: %s", message.status, status, message.text);
}

int
log_lines(const harness *daemon, const char *text)
{
    FILE *file = fopen(daemon->log, "r");
    char line[2048];
    int n = 0;
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        n += strstr(line, text) != NULL;
    (void)fclose(file);
    return n;
}

void
wait_log(const harness *daemon, const char *text)
{
    for (int tries = 0; tries < 200; tries++, pause_ms(50))
        if (log_lines(daemon, text) > 0)
            return;
    fail_msg("\"%s\" is not in %s", text, daemon->log);
}

void
victim_begin(victim *self, harness *daemon)
{
    iw_error err;
    iw_message welcome;
    synthetic_run(&self->run, 8);
    assert_ok(iw_frame_init(&self->frame, 8, &err), err);
    self->peer = peer_open(daemon);
    self->sent = 0;
    peer_hello(self->peer, &self->run, IW_PROTOCOL_VERSION, "");
    peer_expect(self->peer, IW_MSG_WELCOME, &welcome);
}

void
victim_stream(victim *self, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        synthetic_frame(&self->run, ++self->sent, &self->frame);
        peer_frame(self->peer, &self->frame);
    }
    peer_expect_ack(self->peer, self->sent);
}

void
victim_end(victim *self, harness *daemon)
{
    json_t *record = harness_show(daemon, self->run.id, self->sent);
    json_t *expected = synthetic_record(&self->run, self->sent, "running");
    assert_same_physics(record, expected);
    json_decref(record);
    json_decref(expected);
    iw_frame_fini(&self->frame);
    iw_run_info_fini(&self->run);
}

int
guarded_tcp(const char *endpoint)
{
    long port = strtol(strrchr(endpoint, ':') + 1, NULL, 10);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    return fd;
}
