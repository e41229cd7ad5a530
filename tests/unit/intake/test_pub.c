/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/pub.h"

#include "iw_test.h"

#include <time.h>
#include <unistd.h>
#include <zmq.h>

static const char run_a[] = "7f3c1a52-90ab-4cde-8f01-23456789abcd";
static const char run_b[] = "8a3c1a52-90ab-4cde-8f01-23456789abcd";

typedef struct {
    char folder[64], listen[128];
    void *context;
    iw_pub *pub;
    int refused;
} stage;

static iw_status
let_in(void *self, void *socket, const char *endpoint, iw_error *err)
{
    (void)self;
    (void)socket;
    (void)endpoint;
    (void)err;
    return IW_OK;
}

static void
refuse(void *self, const char *who, const char *why)
{
    stage *at = self;
    assert_true(*who && *why);
    at->refused++;
}

static int
begin(void **state)
{
    stage *self = calloc(1, sizeof *self);
    iw_error err;
    assert_non_null(self);
    (void)snprintf(self->folder, sizeof self->folder, "/tmp/iw-pub-XXXXXX");
    assert_non_null(mkdtemp(self->folder));
    (void)snprintf(self->listen, sizeof self->listen, "ipc://%s/s", self->folder);
    self->context = zmq_ctx_new();
    const char *listen[] = {self->listen};
    iw_pub_guard guard = {let_in, refuse, self};
    self->pub = iw_pub_open(self->context, listen, 1, &guard, &err);
    assert_non_null(self->pub);
    *state = self;
    return 0;
}

static int
end(void **state)
{
    stage *self = *state;
    iw_pub_close(&self->pub);
    (void)zmq_ctx_term(self->context);
    (void)rmdir(self->folder);
    free(self);
    return 0;
}

/* keeps: messages that it takes before they are read. */
static void *
subscriber_that_keeps(const stage *self, int keeps, const char *topic, size_t size)
{
    int none = 0;
    void *socket = zmq_socket(self->context, ZMQ_SUB);
    (void)zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    (void)zmq_setsockopt(socket, ZMQ_RCVHWM, &keeps, sizeof keeps);
    (void)zmq_setsockopt(socket, ZMQ_SUBSCRIBE, topic, size);
    assert_int_equal(zmq_connect(socket, iw_pub_endpoint(self->pub, 0)), 0);
    return socket;
}

static void *
subscriber(const stage *self, const char *topic, size_t size)
{
    return subscriber_that_keeps(self, 1000, topic, size);
}

/* What is heard within 5 s. */
static bool
becomes(const stage *self, const char *topic, bool wanted)
{
    struct timespec time = {0, 5000000};
    for (int i = 0; i < 1000; i++) {
        iw_pub_hear(self->pub);
        if (iw_pub_is_wanted(self->pub, topic) == wanted)
            return true;
        (void)nanosleep(&time, NULL);
    }
    return false;
}

static void
run_is_wanted_while_somebody_subscribes_to_it(void **state)
{
    stage *self = *state;
    assert_false(iw_pub_is_wanted(self->pub, run_a));
    void *first = subscriber(self, run_a, strlen(run_a));
    void *second = subscriber(self, run_a, strlen(run_a));
    assert_true(becomes(self, run_a, true));
    assert_false(iw_pub_is_wanted(self->pub, run_b));
    (void)zmq_close(first);
    void *other = subscriber(self, run_b, 4); /* how an id begins */
    assert_true(becomes(self, run_b, true));
    assert_true(iw_pub_is_wanted(self->pub, run_a));
    (void)zmq_close(second);
    assert_true(becomes(self, run_a, false));
    assert_true(iw_pub_is_wanted(self->pub, run_b));
    (void)zmq_close(other);
    assert_true(becomes(self, run_b, false));
}

static void
who_subscribes_to_everything_wants_every_run(void **state)
{
    stage *self = *state;
    void *all = subscriber(self, "", 0);
    assert_true(becomes(self, run_a, true));
    assert_true(iw_pub_is_wanted(self->pub, run_b));
    (void)zmq_close(all);
    assert_true(becomes(self, run_a, false));
}

static bool
is_refused(stage *self)
{
    struct timespec time = {0, 5000000};
    for (int i = 0; i < 1000 && self->refused == 0; i++) {
        iw_pub_hear(self->pub);
        (void)nanosleep(&time, NULL);
    }
    return self->refused > 0;
}

/* libzmq drops subscriptions beyond the high-water mark of the subscriber. */
static void *
subscriber_of_many(const stage *self, const char *name, int topics)
{
    int none = 0;
    char topic[16];
    void *socket = zmq_socket(self->context, ZMQ_SUB);
    (void)zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    (void)zmq_setsockopt(socket, ZMQ_SNDHWM, &none, sizeof none);
    for (int i = 0; i < topics; i++) {
        (void)snprintf(topic, sizeof topic, "%s%06d", name, i);
        assert_int_equal(zmq_setsockopt(socket, ZMQ_SUBSCRIBE, topic, strlen(topic)), 0);
    }
    assert_int_equal(zmq_connect(socket, iw_pub_endpoint(self->pub, 0)), 0);
    return socket;
}

static void
who_asks_for_what_is_no_run_is_sent_away_and_no_other(void **state)
{
    stage *self = *state;
    char topic[300];
    memset(topic, '7', sizeof topic);
    void *sound = subscriber(self, run_a, strlen(run_a));
    assert_true(becomes(self, run_a, true));
    void *hostile = subscriber(self, topic, sizeof topic);
    assert_true(is_refused(self));
    (void)zmq_close(hostile);
    iw_pub_hear(self->pub);
    assert_false(iw_pub_is_shut(self->pub));
    iw_pub_send(self->pub, run_a, "{}", 2);
    char got[64];
    assert_int_equal(zmq_recv(sound, got, sizeof got, 0), strlen(run_a));
    assert_int_equal(zmq_recv(sound, got, sizeof got, 0), 2);
    (void)zmq_close(sound);
}

static void
who_asks_for_too_many_topics_is_sent_away_and_forgotten(void **state)
{
    stage *self = *state;
    void *many = subscriber_of_many(self, "run", 1025);
    assert_true(is_refused(self));
    (void)zmq_close(many);
    assert_true(becomes(self, "run000000", false));
    assert_true(becomes(self, "run001023", false));
    assert_false(iw_pub_is_shut(self->pub));
}

static void
publisher_with_too_many_topics_is_shut_and_comes_back(void **state)
{
    stage *self = *state;
    void *many[5];
    char name[2] = "a";
    for (int i = 0; i < 5; i++, name[0]++)
        many[i] = subscriber_of_many(self, name, 1000);
    assert_true(is_refused(self));
    assert_true(iw_pub_is_shut(self->pub));
    assert_false(iw_pub_is_wanted(self->pub, run_a));
    for (int i = 0; i < 5; i++)
        (void)zmq_close(many[i]);
    iw_error err = {0};
    struct timespec time = {0, 20000000};
    for (int i = 0; i < 250 && iw_pub_reopen(self->pub, &err) != IW_OK; i++)
        (void)nanosleep(&time, NULL);
    assert_false(iw_pub_is_shut(self->pub));
    void *sound = subscriber(self, run_a, strlen(run_a));
    assert_true(becomes(self, run_a, true));
    (void)zmq_close(sound);
}

static void
what_waits_for_those_who_do_not_read_is_bounded(void **state)
{
    stage *self = *state;
    enum { SIZE = 1 << 20, EACH = 300 };
    char *json = calloc(1, SIZE);
    assert_non_null(json);
    void *still = subscriber_that_keeps(self, 1, "", 0);
    assert_true(becomes(self, run_a, true));
    for (int i = 0; i < EACH && !iw_pub_is_shut(self->pub); i++)
        iw_pub_send(self->pub, run_a, json, SIZE);
    assert_true(iw_pub_is_shut(self->pub));
    assert_int_equal(self->refused, 1);
    (void)zmq_close(still);
    free(json);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(run_is_wanted_while_somebody_subscribes_to_it),
        CASE(who_subscribes_to_everything_wants_every_run),
        CASE(who_asks_for_what_is_no_run_is_sent_away_and_no_other),
        CASE(who_asks_for_too_many_topics_is_sent_away_and_forgotten),
        CASE(publisher_with_too_many_topics_is_shut_and_comes_back),
        CASE(what_waits_for_those_who_do_not_read_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
