/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iw_test.h"

#include "intake/ledger.h"

static iw_peer
reader(unsigned char name)
{
    return (iw_peer){.size = 5, .data = {0, 1, 2, 3, name}};
}

/* An answer of so many bytes that nobody takes before it is closed. */
static void
put(iw_ledger *ledger, const iw_peer *peer, size_t size, zmq_msg_t *message)
{
    iw_buffer bytes = {0};
    iw_error err;
    assert_ok(iw_buffer_reserve(&bytes, size, &err), err);
    bytes.size = size;
    assert_int_equal(iw_ledger_message(ledger, peer, &bytes, message), IW_OK);
    assert_null(bytes.data);
    assert_int_equal(zmq_msg_size(message), size);
}

static void
questions_under_way_are_bounded_for_each_reader(void **state)
{
    (void)state;
    iw_error err;
    iw_ledger *ledger = iw_ledger_new(&err);
    iw_peer a = reader(1), b = reader(2);
    assert_non_null(ledger);
    for (int i = 0; i < IW_LEDGER_ASKS; i++) {
        assert_ok(iw_ledger_check(ledger, &a, &err), err);
        iw_ledger_asked(ledger, &a);
    }
    assert_int_equal(iw_ledger_check(ledger, &a, &err), IW_AGAIN);
    assert_non_null(strstr(err.text, "64 questions are under way"));
    assert_ok(iw_ledger_check(ledger, &b, &err), err);
    iw_ledger_answered(ledger, &a);
    assert_ok(iw_ledger_check(ledger, &a, &err), err);
    iw_ledger_destroy(&ledger);
    assert_null(ledger);
}

static void
reader_may_have_as_much_waiting_as_is_free(void **state)
{
    (void)state;
    enum { ANSWER = 8 << 20, MOST = IW_LEDGER_ROOM / ANSWER };
    iw_error err;
    iw_ledger *ledger = iw_ledger_new(&err);
    iw_peer a = reader(1), b = reader(2);
    zmq_msg_t answers[MOST], one;
    int n = 0;
    while (n < MOST && iw_ledger_check(ledger, &a, &err) == IW_OK)
        put(ledger, &a, ANSWER, &answers[n++]);
    assert_int_equal(n, MOST / 2);
    assert_non_null(strstr(err.text, "64 MiB of answers wait to be taken"));
    assert_ok(iw_ledger_check(ledger, &b, &err), err); /* there is room for others */
    put(ledger, &b, ANSWER, &one);
    assert_int_equal(iw_ledger_waiting(ledger), IW_LEDGER_ROOM / 2 + ANSWER);
    (void)zmq_msg_close(&one);
    while (n > 0)
        (void)zmq_msg_close(&answers[--n]);
    assert_int_equal(iw_ledger_waiting(ledger), 0);
    assert_ok(iw_ledger_check(ledger, &a, &err), err);
    iw_ledger_destroy(&ledger);
}

static void
readers_who_owe_nothing_make_place_for_others(void **state)
{
    (void)state;
    iw_error err;
    iw_ledger *ledger = iw_ledger_new(&err);
    iw_peer first = {.size = 2, .data = {0, 0}};
    zmq_msg_t answer;
    for (int i = 0; i < 3 * IW_LEDGER_READERS; i++) { /* each asks and takes */
        iw_peer peer = {.size = 2, .data = {(unsigned char)(i >> 8), (unsigned char)i}};
        assert_ok(iw_ledger_check(ledger, &peer, &err), err);
        iw_ledger_asked(ledger, &peer);
        iw_ledger_answered(ledger, &peer);
        put(ledger, &peer, 10, &answer);
        (void)zmq_msg_close(&answer);
    }
    for (int i = 0; i < IW_LEDGER_READERS; i++) { /* nobody takes */
        iw_peer peer = {.size = 2, .data = {(unsigned char)(i >> 8), (unsigned char)i}};
        assert_ok(iw_ledger_check(ledger, &peer, &err), err);
        iw_ledger_asked(ledger, &peer);
    }
    iw_peer late = {.size = 3, .data = {1, 2, 3}};
    assert_int_equal(iw_ledger_check(ledger, &late, &err), IW_AGAIN);
    assert_ok(iw_ledger_check(ledger, &first, &err), err);
    iw_ledger_answered(ledger, &first);
    assert_ok(iw_ledger_check(ledger, &late, &err), err);
    iw_ledger_destroy(&ledger);
}

static void
answer_on_its_way_outlives_the_ledger(void **state)
{
    (void)state;
    iw_error err;
    iw_ledger *ledger = iw_ledger_new(&err);
    iw_peer a = reader(1);
    zmq_msg_t answer;
    put(ledger, &a, 100, &answer);
    iw_ledger_destroy(&ledger);
    (void)zmq_msg_close(&answer); /* sanitizers see whether its account was still there */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions_under_way_are_bounded_for_each_reader),
        cmocka_unit_test(reader_may_have_as_much_waiting_as_is_free),
        cmocka_unit_test(readers_who_owe_nothing_make_place_for_others),
        cmocka_unit_test(answer_on_its_way_outlives_the_ledger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
