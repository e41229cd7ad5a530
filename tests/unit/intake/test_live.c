/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iw_test.h"

#include "curve.h"
#include "intake/live.h"

static iw_live *
add(iw_live_list *list, uint32_t number, const char *id, const char *name)
{
    const char *species[] = {"Li", "S", "Li"};
    iw_error err;
    iw_run_info *info = malloc(sizeof *info);
    assert_non_null(info);
    iw_run_info_init(info);
    assert_ok(iw_run_info_set_atoms(info, 3, species, &err), err);
    (void)snprintf(info->id, sizeof info->id, "%s", id);
    info->name = strdup(name);
    iw_live *run = iw_live_add(list, number, &info);
    assert_non_null(run);
    return run;
}

static void
run_is_found_by_id_name_or_prefix(void **state)
{
    (void)state;
    iw_live_list list = {0};
    iw_error err;
    iw_live *a = add(&list, 1, "aaaa1111-0000-4000-8000-000000000000", "lgps");
    iw_live *b = add(&list, 2, "aaaa2222-0000-4000-8000-000000000000", "lgps");
    iw_live *c = add(&list, 3, "cccc3333-0000-4000-8000-000000000000", "agi");
    assert_ptr_equal(iw_live_find(&list, a->info->id, &err), a);
    assert_ptr_equal(iw_live_find(&list, "agi", &err), c);
    assert_ptr_equal(iw_live_find(&list, "aaaa2", &err), b);
    assert_null(iw_live_find(&list, "lgps", &err));
    assert_int_equal(err.code, IW_INVALID);
    assert_non_null(strstr(err.text, "2 runs"));
    assert_null(iw_live_find(&list, "aaaa", &err));
    assert_int_equal(err.code, IW_INVALID);
    assert_null(iw_live_find(&list, "ccc", &err)); /* too short to be meant */
    assert_int_equal(err.code, IW_NOT_FOUND);
    iw_live_remove(&list, b);
    assert_ptr_equal(iw_live_find(&list, "lgps", &err), a);
    assert_ptr_equal(iw_live_by_number(&list, 3), c);
    assert_null(iw_live_by_number(&list, 2));
    iw_live_list_fini(&list);
}

static void
session_belongs_to_one_peer(void **state)
{
    (void)state;
    iw_live_list list = {0};
    iw_live *a = add(&list, 1, "aaaa1111-0000-4000-8000-000000000000", "a");
    iw_peer nobody = {0};
    iw_peer one = {.size = 5, .data = {0, 1, 2, 3, 4}};
    iw_peer other = {.size = 5, .data = {0, 1, 2, 3, 5}};
    assert_null(iw_live_by_peer(&list, &nobody));
    a->peer = one;
    assert_ptr_equal(iw_live_by_peer(&list, &one), a);
    assert_null(iw_live_by_peer(&list, &other));
    iw_live_list_fini(&list);
}

static void
hello_that_differs_is_refused_naming_what(void **state)
{
    (void)state;
    iw_live_list list = {0};
    iw_error err;
    iw_live *a = add(&list, 1, "aaaa1111-0000-4000-8000-000000000000", "a");
    iw_run_info hello;
    iw_run_info_init(&hello);
    assert_ok(iw_run_info_copy(&hello, a->info, &err), err);
    assert_ok(iw_live_match(a->info, &hello, &err), err);
    hello.mass_amu[2] = 7.1;
    assert_int_equal(iw_live_match(a->info, &hello, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "atom 3 (Li) weighs 6.94 amu, in this HELLO 7.1 amu"));
    hello.kind[1] = 0;
    assert_int_equal(iw_live_match(a->info, &hello, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "atom 2 is S, in this HELLO it is Li"));
    hello.n_atoms = 2;
    assert_int_equal(iw_live_match(a->info, &hello, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "has 3 atoms, this HELLO has 2"));
    iw_run_info_fini(&hello);
    iw_live_list_fini(&list);
}

static void
sequence_decides_what_happens_to_a_frame(void **state)
{
    (void)state;
    iw_live run = {.next_seq = 1};
    assert_int_equal(iw_live_frame(&run, 1, 100), IW_FRAME_TAKE);
    assert_int_equal(iw_live_frame(&run, 1, 100), IW_FRAME_REPEATED);
    assert_int_equal(iw_live_frame(&run, 5, 100), IW_FRAME_TAKE); /* 2..4 were dropped */
    assert_int_equal(iw_live_frame(&run, 3, 100), IW_FRAME_REPEATED);
    assert_int_equal(run.next_seq, 6);
}

static void
frames_stay_with_the_adapter_when_the_journal_is_far_behind(void **state)
{
    (void)state;
    iw_live run = {.next_seq = 1};
    uint64_t seq = 1;
    while (iw_live_frame(&run, seq, 1 << 20) == IW_FRAME_TAKE)
        seq++;
    assert_true(run.lagging);
    assert_int_equal(seq, 2 + IW_LIVE_IN_FLIGHT / ((1 << 20) + 1));
    run.durable_seq = seq - 1;
    assert_int_equal(iw_live_frame(&run, seq, 1 << 20), IW_FRAME_LEAVE); /* until it is asked for */
    run.lagging = false;
    assert_int_equal(iw_live_frame(&run, seq, 1 << 20), IW_FRAME_TAKE);
}

static void
state_says_what_holds_the_run_up(void **state)
{
    (void)state;
    iw_live run = {.next_seq = 1, .heard_s = 100, .why = "completed"};
    assert_string_equal(iw_live_state(&run, 101, 30), "stalled"); /* nobody said HELLO */
    run.peer.size = 5;
    assert_string_equal(iw_live_state(&run, 101, 30), "running");
    assert_string_equal(iw_live_state(&run, 131, 30), "stalled");
    run.waiting = true;
    assert_string_equal(iw_live_state(&run, 101, 30), "waiting for disk");
    run.ending = true;
    assert_string_equal(iw_live_state(&run, 101, 30), "ending");
    run.filed = true;
    assert_string_equal(iw_live_state(&run, 101, 30), "completed");
}

static void
endpoints_of_this_machine_are_known(void **state)
{
    (void)state;
    assert_true(iw_endpoint_is_local("ipc:///run/x"));
    assert_true(iw_endpoint_is_local("tcp://127.0.0.1:5000"));
    assert_true(iw_endpoint_is_local("tcp://localhost:*"));
    assert_true(iw_endpoint_is_local("tcp://[::1]:5000"));
    assert_false(iw_endpoint_is_local("tcp://*:5000"));
    assert_false(iw_endpoint_is_local("tcp://0.0.0.0:5000"));
    assert_false(iw_endpoint_is_local("tcp://localhost.example.org:5000"));
    assert_false(iw_endpoint_is_local("tcp://127.example.org:5000"));
    assert_false(iw_endpoint_is_local("tcp://eth0:5000"));
}

static void
text_is_cut_between_characters(void **state)
{
    (void)state;
    char text[6];
    iw_text_copy(text, sizeof text, "abcdef");
    assert_string_equal(text, "abcde");
    iw_text_copy(text, sizeof text, "ab\303\251\303\251"); /* the second one needs byte 6 */
    assert_string_equal(text, "ab\303\251");
    iw_text_copy(text, sizeof text, "a\303\251\303\251");
    assert_string_equal(text, "a\303\251\303\251");
    iw_text_copy(text, sizeof text, "");
    assert_string_equal(text, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_is_found_by_id_name_or_prefix),
        cmocka_unit_test(session_belongs_to_one_peer),
        cmocka_unit_test(hello_that_differs_is_refused_naming_what),
        cmocka_unit_test(sequence_decides_what_happens_to_a_frame),
        cmocka_unit_test(frames_stay_with_the_adapter_when_the_journal_is_far_behind),
        cmocka_unit_test(state_says_what_holds_the_run_up),
        cmocka_unit_test(endpoints_of_this_machine_are_known),
        cmocka_unit_test(text_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
