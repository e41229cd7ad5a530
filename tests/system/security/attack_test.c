/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What somebody without a key, or with bad intentions, can do to the others: nothing. */
#include "guarded.h"
#include "process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HALF_OPEN = 1000, CHUNK = 1 << 20 };

static void
begin(guarded *self, void **state)
{
    guarded_begin(self, *state);
    guarded_allow(self, (const char *[PEOPLE]){"stream", NULL, NULL, NULL});
    guarded_start(self);
}

/* True once the other side has closed; what it says is thrown away. */
static bool
is_closed_within(int fd, int ms)
{
    char bytes[4096];
    struct pollfd item = {.fd = fd, .events = POLLIN};
    struct timespec start, now;
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    for (;;) {
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        long left = ms - (now.tv_sec - start.tv_sec) * 1000;
        if (left <= 0 || poll(&item, 1, (int)left) <= 0)
            return false;
        if (recv(fd, bytes, sizeof bytes, 0) <= 0)
            return true;
    }
}

static void
put(int fd, const void *bytes, size_t size)
{
    assert_true(send(fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size);
}

/* ZMTP 3.0 (ZeroMQ RFC 23). */
static void
greet(int fd, const char *mechanism)
{
    unsigned char greeting[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0};
    for (size_t i = 0; mechanism[i]; i++)
        greeting[12 + i] = (unsigned char)mechanism[i];
    put(fd, greeting, sizeof greeting);
}

static void
say_ready(int fd)
{
    static const char ready[] = "\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06"
                                "DEALER";
    put(fd, ready, sizeof ready - 1);
}

/* How many bytes of a frame of this size are taken before the other side closes. */
static size_t
push_frame(int fd, unsigned char flags, uint64_t size)
{
    static char chunk[CHUNK];
    unsigned char head[9] = {flags};
    size_t taken = 0;
    for (int i = 0; i < 8; i++)
        head[1 + i] = (unsigned char)(size >> (56 - 8 * i));
    put(fd, head, sizeof head);
    while (taken < size) {
        ssize_t sent = send(fd, chunk, sizeof chunk, MSG_NOSIGNAL);
        if (sent <= 0)
            break;
        taken += (size_t)sent;
    }
    return taken;
}

static void
two_gibibytes_are_cut_off_before_they_are_taken(void **state)
{
    guarded g;
    victim v;
    begin(&g, state);
    victim_begin(&v, g.daemon);
    victim_stream(&v, 100);
    const uint64_t size = UINT64_C(2) << 30;
    double before = process_number(g.daemon->pid, "status", "VmHWM:");
    int open = guarded_tcp(g.open); /* somebody on this machine, past the handshake */
    greet(open, "NULL");
    say_ready(open);
    size_t taken = push_frame(open, 2, size);
    assert_true(taken < 64 << 20);
    int stranger = guarded_tcp(g.tcp); /* somebody without a key, in the midst of it */
    greet(stranger, "CURVE");
    size_t taken_too = push_frame(stranger, 6, size);
    assert_true(taken_too < 64 << 20);
    victim_stream(&v, 100);
    double after = process_number(g.daemon->pid, "status", "VmHWM:");
    print_message("2 GiB: %zu and %zu KiB were taken, memory grew by %.0f KiB\n", taken >> 10,
                  taken_too >> 10, after - before);
    assert_true(after - before < 64 << 10);
    (void)close(open);
    (void)close(stranger);
    victim_end(&v, g.daemon);
}

static void
run_whose_frames_exceed_the_limit_is_refused_in_words(void **state)
{
    harness *daemon = *state;
    iw_run_info run;
    iw_error err;
    static const char *names[30000];
    harness_start(daemon, (const char *[]){"--message-limit-mib", "1", NULL}, 0);
    for (size_t i = 0; i < 30000; i++)
        names[i] = "Li";
    iw_run_info_init(&run);
    assert_ok(iw_uuid_new(run.id, &err), err);
    assert_ok(iw_run_info_set_atoms(&run, 30000, names, &err), err);
    void *peer = peer_open(daemon);
    peer_hello(peer, &run, IW_PROTOCOL_VERSION, "");
    expect_refused(peer, IW_INVALID,
                   "a frame of 30000 atoms takes up to 2 MiB, this daemon takes 1");
    iw_run_info_fini(&run);
}

static void
garbage_is_shown_the_door(void **state)
{
    guarded g;
    victim v;
    uint64_t seed = 7;
    begin(&g, state);
    victim_begin(&v, g.daemon);
    victim_stream(&v, 100);
    const char *const doors[] = {g.tcp, g.open};
    for (int i = 0; i < 40; i++) {
        unsigned char bytes[512];
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (unsigned char)iw_test_random(&seed);
        if (i % 4 == 0)
            (void)snprintf((char *)bytes, sizeof bytes, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        int fd = guarded_tcp(doors[i % 2]);
        if (i % 4 >= 2)
            greet(fd, i % 2 ? "NULL" : "CURVE");
        (void)send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);
        (void)shutdown(fd, SHUT_WR);
        assert_true(is_closed_within(fd, 12000));
        (void)close(fd);
    }
    victim_stream(&v, 100);
    assert_true(log_lines(g.daemon, "intake.refused") <= 6);
    victim_end(&v, g.daemon);
}

static void
half_open_connections_are_closed_and_disturb_nobody(void **state)
{
    static int fds[HALF_OPEN];
    guarded g;
    victim v;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlim_t most = limit.rlim_max;
    limit.rlim_cur = most;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (most < HALF_OPEN + 200) {
        print_message("SKIPPED: at most %lu descriptors\n", (unsigned long)most);
        skip();
    }
    begin(&g, state);
    victim_begin(&v, g.daemon);
    victim_stream(&v, 100);
    size_t before = process_descriptors(g.daemon->pid);
    for (size_t i = 0; i < HALF_OPEN; i++) {
        fds[i] = guarded_tcp(g.tcp);
        if (i % 2)
            greet(fds[i], "CURVE"); /* half of them begin, and stop there */
        if (i % 100 == 0)
            victim_stream(&v, 10);
    }
    size_t during = process_descriptors(g.daemon->pid);
    victim_stream(&v, 100);
    size_t after = during;
    for (int tries = 0; tries < 60 && after > before + 4; tries++) {
        pause_ms(250);
        after = process_descriptors(g.daemon->pid);
    }
    print_message("descriptors: %zu, with %d half-open connections %zu, then %zu\n", before,
                  HALF_OPEN, during, after);
    assert_true(after <= before + 4);
    for (size_t i = 0; i < HALF_OPEN; i++)
        (void)close(fds[i]);
    assert_true(log_lines(g.daemon, "broke its handshake off") <= 1);
    victim_stream(&v, 100);
    victim_end(&v, g.daemon);
}

static void
old_messages_sent_again_count_once(void **state)
{
    guarded g;
    iw_message message;
    iw_run_info run;
    iw_frame frame;
    iw_error err;
    begin(&g, state);
    synthetic_run(&run, 8);
    assert_ok(iw_frame_init(&frame, 8, &err), err);
    for (int round = 0; round < 3; round++) { /* HELLO and all, word for word */
        void *anna = guarded_peer(&g, ANNA, NULL);
        peer_hello(anna, &run, IW_PROTOCOL_VERSION, run.id);
        peer_expect(anna, IW_MSG_WELCOME, &message);
        for (uint64_t seq = 1; seq <= 200; seq++) {
            synthetic_frame(&run, seq, &frame);
            peer_frame(anna, &frame);
        }
        peer_expect_ack(anna, 200);
        peer_close(g.daemon, &anna);
    }
    json_t *record = harness_show(g.daemon, run.id, 200);
    json_t *expected = synthetic_record(&run, 200, "running");
    assert_same_physics(record, expected);
    json_decref(record);
    json_decref(expected);
    iw_frame_fini(&frame);
    iw_run_info_fini(&run);
}

static bool
has_answer(void *socket)
{
    zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN, 0};
    return zmq_poll(&item, 1, 0) == 1;
}

/* Bytes that one peer sent are nothing at the door of another: a recorded CURVE session does not
 * open again. */
static void
recorded_session_does_not_open_again(void **state)
{
    guarded g;
    unsigned char taped[65536];
    char proxy[64];
    begin(&g, state);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t room = sizeof at;
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &room), 0);
    (void)snprintf(proxy, sizeof proxy, "tcp://127.0.0.1:%u", ntohs(at.sin_port));
    guarded through = g;
    (void)snprintf(through.tcp, sizeof through.tcp, "%s", proxy);
    void *anna = guarded_peer(&through, ANNA, NULL);
    ask(anna, "list", "");
    struct pollfd sides[2] = {{.fd = accept(listener, NULL, NULL), .events = POLLIN},
                              {.fd = guarded_tcp(g.tcp), .events = POLLIN}};
    size_t used = 0;
    int silences = 0;
    while (poll(sides, 2, 100) > 0 || (!has_answer(anna) && silences++ < 300))
        for (int i = 0; i < 2; i++) {
            unsigned char bytes[4096];
            if (!(sides[i].revents & POLLIN))
                continue;
            ssize_t size = recv(sides[i].fd, bytes, sizeof bytes, 0);
            assert_true(size > 0 && used + (size_t)size < sizeof taped);
            if (i == 0) {
                memcpy(taped + used, bytes, (size_t)size);
                used += (size_t)size;
            }
            put(sides[1 - i].fd, bytes, (size_t)size);
        }
    expect_refused(anna, IW_REFUSED, "lacks the role read"); /* it was understood */
    assert_int_equal(log_lines(g.daemon, "may not read"), 1);
    int replay = guarded_tcp(g.tcp);
    put(replay, taped, used);
    assert_true(is_closed_within(replay, 12000));
    iw_message answer;
    json_t *status = harness_ask(g.daemon, "status", "", false, &answer);
    assert_int_equal(json_integer_value(json_object_get(status, "runs")), 0);
    json_decref(status);
    (void)close(replay);
    (void)close(sides[0].fd);
    (void)close(sides[1].fd);
    (void)close(listener);
}

/* Another key under the name that somebody's end of the connection had. */
static void
session_is_not_taken_over_by_the_name_of_a_connection(void **state)
{
    guarded g;
    iw_message message;
    iw_run_info run;
    iw_frame frame;
    iw_error err;
    guarded_begin(&g, *state);
    guarded_allow(&g, (const char *[PEOPLE]){"stream", NULL, NULL, "stream"});
    guarded_start(&g);
    synthetic_run(&run, 8);
    assert_ok(iw_frame_init(&frame, 8, &err), err);
    void *anna = guarded_peer_called(&g, ANNA, "desk");
    peer_hello(anna, &run, IW_PROTOCOL_VERSION, run.id);
    peer_expect(anna, IW_MSG_WELCOME, &message);
    synthetic_frame(&run, 1, &frame);
    peer_frame(anna, &frame);
    peer_expect_ack(anna, 1);
    peer_close(g.daemon, &anna);
    pause_ms(300);
    void *mallory = guarded_peer_called(&g, MALLORY, "desk");
    synthetic_frame(&run, 2, &frame);
    peer_frame(mallory, &frame);
    expect_refused(mallory, IW_CLOSED, "say HELLO first");
    peer_bye(mallory, 1, "completed");
    expect_refused(mallory, IW_CLOSED, "say HELLO first");
    peer_hello(mallory, &run, IW_PROTOCOL_VERSION, run.id);
    expect_refused(mallory, IW_REFUSED, "was opened by somebody else");
    json_decref(harness_show(g.daemon, run.id, 1));
    peer_close(g.daemon, &mallory);
    pause_ms(300);
    anna = guarded_peer_called(&g, ANNA, "desk"); /* hers still */
    peer_frame(anna, &frame);
    peer_expect_ack(anna, 2);
    iw_frame_fini(&frame);
    iw_run_info_fini(&run);
}

/* The daemon's word on who sends cannot be taken over by a property of the handshake. */
static void
forged_user_id_is_not_believed(void **state)
{
    guarded g;
    begin(&g, state);
    static const char ready[] = "\x04\x2c\x05READY\x0bSocket-Type\0\0\0\x06"
                                "DEALER\x07User-Id\0\0\0\x04open";
    int fd = guarded_tcp(g.tcp);
    greet(fd, "NULL");
    put(fd, ready, sizeof ready - 1);
    assert_true(is_closed_within(fd, 12000));
    (void)close(fd);
    wait_log(g.daemon, "came without a key");
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, harness_begin, harness_end)
    const struct CMUnitTest tests[] = {
        CASE(two_gibibytes_are_cut_off_before_they_are_taken),
        CASE(run_whose_frames_exceed_the_limit_is_refused_in_words),
        CASE(garbage_is_shown_the_door),
        CASE(half_open_connections_are_closed_and_disturb_nobody),
        CASE(old_messages_sent_again_count_once),
        CASE(recorded_session_does_not_open_again),
        CASE(session_is_not_taken_over_by_the_name_of_a_connection),
        CASE(forged_user_id_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
