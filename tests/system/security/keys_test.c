/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who has which key may do what, and nothing else. */
#include "guarded.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

static const char anybody[] = "33333333-3333-4333-8333-333333333333";

static void
begin(guarded *self, void **state, const char *const roles[PEOPLE])
{
    guarded_begin(self, *state);
    guarded_allow(self, roles);
    guarded_start(self);
}

static void
hello(void *peer, iw_run_info *run)
{
    peer_hello(peer, run, IW_PROTOCOL_VERSION, anybody);
}

static void
door_beyond_this_machine_does_not_open_without_keys(void **state)
{
    harness *daemon = *state;
    guarded g;
    const char *options[] = {"--listen", "tcp://0.0.0.0:*", "--authorised-keys", g.keys, NULL};
    const char *insecure[] = {"--listen", "tcp://0.0.0.0:*", "--insecure-tcp", NULL};
    guarded_begin(&g, daemon);
    assert_int_equal(harness_fail(daemon, options), 1);
    assert_true(harness_log_has(daemon, "no key is authorised: run `ionwatch keygen`"));
    assert_true(harness_log_has(daemon, "--insecure-tcp"));
    guarded_write(&g, "# nobody yet\n");
    assert_int_equal(harness_fail(daemon, options), 1);
    guarded_write(&g, "nonsense\n");
    assert_int_equal(harness_fail(daemon, options), 1);
    assert_true(harness_log_has(daemon, "authorised_keys:1: "));
    guarded_allow(&g, (const char *[PEOPLE]){"read", NULL, NULL, NULL});
    assert_int_equal(chmod(g.keys, 0666), 0);
    assert_int_equal(harness_fail(daemon, options), 1);
    assert_true(harness_log_has(daemon, "can be written by others"));
    harness_start(daemon, insecure, 0);
    harness_kill(daemon, SIGTERM);
}

static void
key_opens_the_door_and_the_stream_is_bit_equal(void **state)
{
    guarded g;
    victim v;
    iw_message message;
    begin(&g, state, (const char *[PEOPLE]){"stream", "read", NULL, NULL});
    victim_begin(&v, g.daemon);
    peer_close(g.daemon, &v.peer); /* its run goes over the guarded door instead */
    iw_run_info_fini(&v.run);
    synthetic_run(&v.run, 8);
    v.peer = guarded_peer(&g, ANNA, NULL);
    hello(v.peer, &v.run);
    peer_expect(v.peer, IW_MSG_WELCOME, &message);
    victim_stream(&v, 300);
    void *reader = guarded_peer(&g, BOB, NULL);
    ask(reader, "show", v.run.id);
    expect_answer(reader, IW_OK);
    victim_end(&v, g.daemon);
}

static void
stranger_gets_no_word_and_is_logged_once(void **state)
{
    guarded g;
    victim v;
    begin(&g, state, (const char *[PEOPLE]){"stream,read,control", NULL, NULL, NULL});
    victim_begin(&v, g.daemon);
    victim_stream(&v, 100);
    void *plain = plain_peer(&g, g.tcp);
    void *wrong = guarded_peer(&g, MALLORY, NULL);
    void *elsewhere = guarded_peer(&g, ANNA, g.pairs[BOB].public);
    ask(plain, "list", "");
    ask(wrong, "list", "");
    ask(elsewhere, "list", "");
    victim_stream(&v, 100);
    expect_silence(plain, 1500); /* each tries again ten times a second */
    expect_silence(wrong, 100);
    expect_silence(elsewhere, 100);
    wait_log(g.daemon, g.pairs[MALLORY].public);
    wait_log(g.daemon, "a wrong server key");
    /* Who hangs up first, on finding that the other has no key, is chance. */
    int plain_lines = log_lines(g.daemon, "came without a key");
    int cut_lines = log_lines(g.daemon, "broke its handshake off");
    assert_true(plain_lines <= 1 && cut_lines <= 1 && plain_lines + cut_lines >= 1);
    assert_int_equal(log_lines(g.daemon, g.pairs[MALLORY].public), 1);
    assert_int_equal(log_lines(g.daemon, "a wrong server key"), 1);
    assert_int_equal(log_lines(g.daemon, g.pairs[ANNA].secret), 0);
    iw_message answer;
    json_t *status = harness_ask(g.daemon, "status", "", false, &answer);
    assert_true(json_integer_value(json_object_get(status, "refused")) >= 3);
    json_decref(status);
    victim_stream(&v, 100);
    victim_end(&v, g.daemon);
}

/* What each role is for, and every other message. */
static void
each_message_needs_its_role(void **state)
{
    guarded g;
    iw_run_info run;
    iw_frame frame;
    iw_error err;
    begin(&g, state, (const char *[PEOPLE]){"stream", "read", "control", NULL});
    synthetic_run(&run, 8);
    assert_ok(iw_frame_init(&frame, 8, &err), err);
    synthetic_frame(&run, 1, &frame);
    void *reader = guarded_peer(&g, BOB, NULL);
    void *boss = guarded_peer(&g, CAROL, NULL);
    void *streamer = guarded_peer(&g, ANNA, NULL);
    void *others[] = {reader, boss};
    for (size_t i = 0; i < 2; i++) {
        hello(others[i], &run);
        expect_refused(others[i], IW_REFUSED, "lacks the role stream");
        peer_frame(others[i], &frame);
        expect_refused(others[i], IW_REFUSED, "lacks the role stream");
        peer_bye(others[i], 1, "completed");
        expect_refused(others[i], IW_REFUSED, "lacks the role stream");
    }
    static const char *const reading[] = {"list", "show", "status"};
    static const char *const changing[] = {"stop", "rm"};
    for (size_t i = 0; i < 3; i++) {
        ask(streamer, reading[i], "x");
        expect_refused(streamer, IW_REFUSED, "lacks the role read");
        ask(boss, reading[i], "x");
        expect_refused(boss, IW_REFUSED, "lacks the role read");
    }
    for (size_t i = 0; i < 2; i++) {
        ask(streamer, changing[i], "x");
        expect_refused(streamer, IW_REFUSED, "lacks the role control");
        ask(reader, changing[i], "x");
        expect_refused(reader, IW_REFUSED, "lacks the role control");
        ask(boss, changing[i], "no-such-run");
        expect_answer(boss, IW_NOT_FOUND);
    }
    ask(reader, "list", "");
    expect_answer(reader, IW_OK);
    assert_int_equal(log_lines(g.daemon, "bob at 127.0.0.1: the key of bob may not send runs"), 1);
    assert_int_equal(log_lines(g.daemon, "the key of bob may not stop or remove runs"), 1);
    iw_frame_fini(&frame);
    iw_run_info_fini(&run);
}

static void
revoked_key_is_cut_off_while_it_streams_and_can_come_back(void **state)
{
    guarded g;
    victim v;
    iw_message message;
    static const char *const all[PEOPLE] = {"stream", "stream,read", NULL, NULL};
    begin(&g, state, all);
    victim_begin(&v, g.daemon);
    victim_stream(&v, 50);
    iw_run_info run;
    iw_frame frame;
    iw_error err;
    synthetic_run(&run, 8);
    assert_ok(iw_frame_init(&frame, 8, &err), err);
    void *anna = guarded_peer(&g, ANNA, NULL);
    hello(anna, &run);
    peer_expect(anna, IW_MSG_WELCOME, &message);
    synthetic_frame(&run, 1, &frame);
    peer_frame(anna, &frame);
    peer_expect_ack(anna, 1);
    guarded_allow(&g, (const char *[PEOPLE]){NULL, "stream,read", NULL, NULL});
    guarded_wait_reload();
    synthetic_frame(&run, 2, &frame);
    peer_frame(anna, &frame);
    expect_refused(anna, IW_REFUSED, "is not authorised");
    ask(anna, "list", "");
    expect_refused(anna, IW_REFUSED, "is not authorised");
    void *again = guarded_peer(&g, ANNA, NULL); /* nor over a new connection */
    hello(again, &run);
    expect_silence(again, 500);
    victim_stream(&v, 50);
    guarded_allow(&g, all);
    guarded_wait_reload();
    hello(anna, &run);
    peer_expect(anna, IW_MSG_WELCOME, &message);
    assert_int_equal(message.seq, 2);
    peer_frame(anna, &frame);
    peer_expect_ack(anna, 2);
    victim_end(&v, g.daemon);
    iw_frame_fini(&frame);
    iw_run_info_fini(&run);
}

static void
wrong_line_leaves_the_keys_as_they_are_and_is_said_once(void **state)
{
    guarded g;
    begin(&g, state, (const char *[PEOPLE]){NULL, "read", NULL, NULL});
    void *bob = guarded_peer(&g, BOB, NULL);
    ask(bob, "list", "");
    expect_answer(bob, IW_OK);
    guarded_write(&g, "# a slip\nnonsense\n");
    guarded_wait_reload();
    for (int i = 0; i < 3; i++) {
        pause_ms(600);
        ask(bob, "list", "");
        expect_answer(bob, IW_OK);
    }
    assert_int_equal(log_lines(g.daemon, "authorised_keys:2: "), 1);
    assert_int_equal(log_lines(g.daemon, "the 1 keys from before stay valid"), 1);
    (void)unlink(g.keys);
    guarded_wait_reload();
    ask(bob, "list", "");
    expect_answer(bob, IW_OK);
    assert_int_equal(log_lines(g.daemon, "is gone"), 1);
    guarded_write(&g, "");
    guarded_wait_reload();
    ask(bob, "list", "");
    expect_refused(bob, IW_REFUSED, "is not authorised");
}

static void
run_belongs_to_the_name_that_opened_it(void **state)
{
    guarded g;
    iw_run_info run;
    iw_message message;
    iw_error err;
    static const char *const roles[PEOPLE] = {"stream", "stream,read", "stream,control", NULL};
    begin(&g, state, roles);
    synthetic_run(&run, 8);
    /* what a sender says of himself does not count */
    assert_ok(iw_run_info_set_metadata(&run, "opened_by", "bob", &err), err);
    void *anna = guarded_peer(&g, ANNA, NULL);
    hello(anna, &run);
    peer_expect(anna, IW_MSG_WELCOME, &message);
    for (int round = 0; round < 2; round++) {
        void *bob = guarded_peer(&g, BOB, NULL);
        hello(bob, &run);
        expect_refused(bob, IW_REFUSED, "was opened by somebody else");
        peer_close(g.daemon, &bob);
        harness_kill(g.daemon, SIGKILL); /* and after a restart, too */
        guarded_start(&g);
    }
    void *carol = guarded_peer(&g, CAROL, NULL);
    hello(carol, &run);
    peer_expect(carol, IW_MSG_WELCOME, &message);
    peer_close(g.daemon, &carol);
    char line[128]; /* anna has a new key */
    (void)snprintf(line, sizeof line, "%s stream anna\n", g.pairs[MALLORY].public);
    guarded_write(&g, line);
    guarded_wait_reload();
    void *new_key = guarded_peer(&g, MALLORY, NULL);
    hello(new_key, &run);
    peer_expect(new_key, IW_MSG_WELCOME, &message);
    void *here = plain_peer(&g, g.open);
    hello(here, &run);
    peer_expect(here, IW_MSG_WELCOME, &message);
    iw_run_info_fini(&run);
}

static bool
hears(void *subscriber, int ms)
{
    char bytes[64];
    (void)zmq_setsockopt(subscriber, ZMQ_RCVTIMEO, &ms, sizeof ms);
    bool heard = false;
    while (zmq_recv(subscriber, bytes, sizeof bytes, heard ? ZMQ_DONTWAIT : 0) >= 0)
        heard = true; /* what is queued counts once */
    return heard;
}

static void
live_snapshots_need_the_role_read_and_end_with_it(void **state)
{
    guarded g;
    victim v;
    begin(&g, state, (const char *[PEOPLE]){"read", "read", "stream,control", NULL});
    victim_begin(&v, g.daemon);
    void *anna = guarded_subscriber(&g, ANNA);
    void *bob = guarded_subscriber(&g, BOB);
    void *carol = guarded_subscriber(&g, CAROL);
    pause_ms(500);
    victim_stream(&v, 100);
    assert_true(hears(anna, 3000) && hears(bob, 3000));
    assert_false(hears(carol, 200));
    wait_log(g.daemon, "carol may not read");
    assert_int_equal(log_lines(g.daemon, "carol may not read"), 1);
    guarded_allow(&g, (const char *[PEOPLE]){"read", NULL, NULL, NULL});
    pause_ms(3000); /* the file is read, subscribers are sent away, and come back */
    (void)hears(anna, 0);
    (void)hears(bob, 0);
    victim_stream(&v, 100);
    assert_true(hears(anna, 5000));
    assert_false(hears(bob, 500));
    victim_end(&v, g.daemon);
}

static void
data_folder_is_closed_to_others(void **state)
{
    harness *daemon = *state;
    struct stat info;
    char path[256];
    guarded g;
    static const struct {
        const char *file;
        mode_t mode;
    } files[] = {{"", 0700},
                 {"/lock", 0600},
                 {"/runs", 0700},
                 {"/ionwatch.db", 0600},
                 {"/server.key", 0600},
                 {"/server.pub", 0644}};
    begin(&g, state, (const char *[PEOPLE]){"read", NULL, NULL, NULL});
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)snprintf(path, sizeof path, "%s%s", daemon->data, files[i].file);
        assert_int_equal(stat(path, &info), 0);
        if ((info.st_mode & 0777) != files[i].mode)
            fail_msg("%s has mode %04o", path, (unsigned)info.st_mode & 0777);
    }
    assert_int_equal(stat(daemon->endpoint + 6, &info), 0);
    assert_int_equal(info.st_mode & 077, 0);
    harness_kill(daemon, SIGTERM);
    assert_int_equal(chmod(daemon->data, 0750), 0);
    harness_start(daemon, NULL, 0);
    assert_true(
        harness_log_has(daemon, "can be looked into by others (mode 0750): run `chmod 700"));
    harness_kill(daemon, SIGTERM);
    assert_int_equal(chmod(daemon->data, 0770), 0);
    assert_int_equal(harness_fail(daemon, NULL), 1);
    assert_true(harness_log_has(daemon, "can be written by others (mode 0770)"));
    assert_int_equal(chmod(daemon->data, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/server.key", daemon->data);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(
        harness_fail(daemon, (const char *[]){"--listen", "tcp://127.0.0.1:*", "--require-keys",
                                              "--authorised-keys", g.keys, NULL}),
        1);
    assert_true(harness_log_has(daemon, "server.key can be read by others"));
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, harness_begin, harness_end)
    const struct CMUnitTest tests[] = {
        CASE(door_beyond_this_machine_does_not_open_without_keys),
        CASE(key_opens_the_door_and_the_stream_is_bit_equal),
        CASE(stranger_gets_no_word_and_is_logged_once),
        CASE(each_message_needs_its_role),
        CASE(revoked_key_is_cut_off_while_it_streams_and_can_come_back),
        CASE(wrong_line_leaves_the_keys_as_they_are_and_is_said_once),
        CASE(run_belongs_to_the_name_that_opened_it),
        CASE(live_snapshots_need_the_role_read_and_end_with_it),
        CASE(data_folder_is_closed_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
