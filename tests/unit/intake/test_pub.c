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
    iw_pub_guard guard = {let_in, NULL};
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

static void *
subscriber(const stage *self, const char *topic, size_t size)
{
    int none = 0;
    void *socket = zmq_socket(self->context, ZMQ_SUB);
    (void)zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    (void)zmq_setsockopt(socket, ZMQ_SUBSCRIBE, topic, size);
    assert_int_equal(zmq_connect(socket, iw_pub_endpoint(self->pub, 0)), 0);
    return socket;
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

static void
topics_that_are_no_run_are_not_kept(void **state)
{
    stage *self = *state;
    char topic[600];
    memset(topic, '7', sizeof topic);
    void *hostile = subscriber(self, topic, sizeof topic);
    assert_int_equal(zmq_setsockopt(hostile, ZMQ_SUBSCRIBE, run_a, strlen(run_a)), 0);
    assert_true(becomes(self, run_a, true));
    assert_false(iw_pub_is_wanted(self->pub, run_b));
    (void)zmq_close(hostile);
    assert_true(becomes(self, run_a, false));
}

/* libzmq drops subscriptions beyond the high-water mark of the subscriber. */
static void *
subscriber_of_many(const stage *self, int topics)
{
    int none = 0;
    char topic[16];
    void *socket = zmq_socket(self->context, ZMQ_SUB);
    (void)zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    (void)zmq_setsockopt(socket, ZMQ_SNDHWM, &none, sizeof none);
    for (int i = 0; i < topics; i++) {
        (void)snprintf(topic, sizeof topic, "run%06d", i);
        assert_int_equal(zmq_setsockopt(socket, ZMQ_SUBSCRIBE, topic, strlen(topic)), 0);
    }
    assert_int_equal(zmq_connect(socket, iw_pub_endpoint(self->pub, 0)), 0);
    return socket;
}

static void
more_topics_than_are_noted_want_every_run(void **state)
{
    stage *self = *state;
    void *many = subscriber_of_many(self, 1024);
    assert_true(becomes(self, "run001023", true));
    assert_true(iw_pub_is_wanted(self->pub, "run000000"));
    assert_false(iw_pub_is_wanted(self->pub, run_a));
    assert_int_equal(zmq_setsockopt(many, ZMQ_SUBSCRIBE, "one more", 8), 0);
    assert_true(becomes(self, run_a, true));
    (void)zmq_close(many);
}

static void
flood_of_topics_is_heard_in_turns(void **state)
{
    stage *self = *state;
    void *many = subscriber_of_many(self, 900);
    assert_true(becomes(self, "run000000", true));
    (void)zmq_setsockopt(many, ZMQ_UNSUBSCRIBE, "run000000", 9);
    assert_true(becomes(self, "run000000", false)); /* what was said before has been heard */
    assert_true(iw_pub_is_wanted(self->pub, "run000899"));
    for (int i = 0; i < 600; i++) {
        assert_int_equal(zmq_setsockopt(many, ZMQ_SUBSCRIBE, "a", 1), 0);
        assert_int_equal(zmq_setsockopt(many, ZMQ_UNSUBSCRIBE, "a", 1), 0);
    }
    assert_int_equal(zmq_setsockopt(many, ZMQ_SUBSCRIBE, run_a, strlen(run_a)), 0);
    struct timespec time = {0, 300000000};
    (void)nanosleep(&time, NULL); /* it has arrived, behind 1,200 others */
    iw_pub_hear(self->pub);
    assert_false(iw_pub_is_wanted(self->pub, run_a));
    assert_true(becomes(self, run_a, true));
    (void)zmq_close(many);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(run_is_wanted_while_somebody_subscribes_to_it),
        CASE(who_subscribes_to_everything_wants_every_run),
        CASE(topics_that_are_no_run_are_not_kept),
        CASE(more_topics_than_are_noted_want_every_run),
        CASE(flood_of_topics_is_heard_in_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
