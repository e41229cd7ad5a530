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
    iw_live_list list = {.room = 1 << 20};
    iw_live run = {.next_seq = 1};
    assert_int_equal(iw_live_frame(&list, &run, 1, 100), IW_FRAME_TAKE);
    assert_int_equal(iw_live_frame(&list, &run, 1, 100), IW_FRAME_REPEATED);
    assert_int_equal(iw_live_frame(&list, &run, 5, 100), IW_FRAME_TAKE); /* 2..4 were dropped */
    assert_int_equal(iw_live_frame(&list, &run, 3, 100), IW_FRAME_REPEATED);
    assert_int_equal(run.next_seq, 6);
}

/* 4 to 9 are on the way when 3 is left; the adapter is asked when 3 to 6 have come. */
static void
frames_sent_before_the_adapter_was_asked_again_are_no_gap(void **state)
{
    (void)state;
    iw_live_list list = {.room = 1 << 20};
    iw_live run = {.next_seq = 3, .lagging = true};
    for (uint64_t seq = 3; seq <= 6; seq++)
        assert_int_equal(iw_live_frame(&list, &run, seq, 100), IW_FRAME_LEAVE);
    iw_live_ask(&run);
    for (uint64_t seq = 7; seq <= 9; seq++)
        assert_int_equal(iw_live_frame(&list, &run, seq, 100), IW_FRAME_LEAVE);
    for (uint64_t seq = 3; seq <= 12; seq++)
        assert_int_equal(iw_live_frame(&list, &run, seq, 100), IW_FRAME_TAKE);
    assert_int_equal(iw_live_frame(&list, &run, 14, 100), IW_FRAME_TAKE); /* 13 was dropped */
}

/* It was asked when all that it had sent had come: what comes next is the answer. */
static void
asked_adapter_may_have_dropped_the_frame_that_is_wanted(void **state)
{
    (void)state;
    iw_live_list list = {.room = 1 << 20};
    iw_live run = {.next_seq = 3};
    iw_live_leave(&run, 3);
    iw_live_leave(&run, 4);
    iw_live_ask(&run);
    assert_int_equal(iw_live_frame(&list, &run, 4, 100), IW_FRAME_TAKE);
    assert_int_equal(run.next_seq, 5);
}

static void
filed_run_that_goes_on_is_reopening_until_its_journal_is_ready(void **state)
{
    (void)state;
    iw_live run = {.filed = true, .why = "completed"};
    assert_string_equal(iw_live_state(&run, 0, 30), "completed");
    run.opening = true;
    assert_string_equal(iw_live_state(&run, 0, 30), "reopening");
    run.waiting = true;
    assert_string_equal(iw_live_state(&run, 0, 30), "waiting for disk");
}

enum { MIB = 1 << 20, ROOM = 240 * MIB };

static const char *const ids[] = {
    "aaaa1111-0000-4000-8000-000000000000", "bbbb2222-0000-4000-8000-000000000000",
    "cccc3333-0000-4000-8000-000000000000", "dddd4444-0000-4000-8000-000000000000"};

/* Sends frames of 1 MiB until one is left. */
static uint64_t
fill(iw_live_list *list, iw_live *run)
{
    uint64_t taken = 0;
    while (iw_live_frame(list, run, run->next_seq, MIB) == IW_FRAME_TAKE)
        taken++;
    assert_true(run->lagging);
    return taken;
}

static void
one_run_may_fill_half_of_the_room(void **state)
{
    (void)state;
    iw_live_list list = {.room = ROOM};
    iw_live *run = add(&list, 1, ids[0], "a");
    assert_int_equal(fill(&list, run), 120);
    iw_live_landed(&list, run, run->in_flight);
    assert_int_equal(list.in_flight, 0);
    /* until it is asked for */
    assert_int_equal(iw_live_frame(&list, run, run->next_seq, MIB), IW_FRAME_LEAVE);
    run->lagging = false;
    assert_int_equal(iw_live_frame(&list, run, run->next_seq, MIB), IW_FRAME_TAKE);
    iw_live_list_fini(&list);
}

static void
runs_that_want_too_much_share_the_room_and_leave_some(void **state)
{
    (void)state;
    iw_live_list list = {.room = ROOM};
    iw_live *runs[3];
    for (uint32_t i = 0; i < 3; i++)
        runs[i] = add(&list, i + 1, ids[i], "greedy");
    for (bool any = true; any;) { /* by turns, as messages come */
        any = false;
        for (int i = 0; i < 3; i++)
            any |= iw_live_frame(&list, runs[i], runs[i]->next_seq, MIB) == IW_FRAME_TAKE;
    }
    for (int i = 0; i < 3; i++)
        assert_true(runs[i]->in_flight >= 59 * (uint64_t)MIB &&
                    runs[i]->in_flight <= 60 * (uint64_t)MIB);
    iw_live *modest = add(&list, 4, ids[3], "modest");
    for (uint64_t seq = 1; seq <= 16; seq++)
        assert_int_equal(iw_live_frame(&list, modest, seq, MIB), IW_FRAME_TAKE);
    assert_true(list.in_flight <= list.room);
    iw_live_remove(&list, runs[0]); /* what it had in flight is free */
    assert_true(list.in_flight <= 136 * (uint64_t)MIB);
    iw_live_list_fini(&list);
}

static void
every_run_goes_on_when_there_is_no_room(void **state)
{
    (void)state;
    iw_live_list list = {.room = ROOM, .in_flight = ROOM};
    iw_live *run = add(&list, 1, ids[0], "a");
    assert_int_equal(iw_live_frame(&list, run, 1, 300 * MIB), IW_FRAME_TAKE);
    assert_int_equal(iw_live_frame(&list, run, 2, 1), IW_FRAME_LEAVE);
    iw_live_landed(&list, run, UINT64_MAX); /* no more than it had */
    assert_int_equal(list.in_flight, ROOM);
    run->lagging = false;
    assert_int_equal(iw_live_frame(&list, run, 2, 1), IW_FRAME_TAKE);
    iw_live_list_fini(&list);
}

static void
runs_that_left_frames_are_asked_by_turns_as_far_as_there_is_room(void **state)
{
    (void)state;
    iw_live_list list = {.room = 64 * MIB};
    iw_live *runs[4];
    uint64_t promised = 0;
    for (uint32_t i = 0; i < 4; i++)
        runs[i] = add(&list, i + 1, ids[i], "lagging");
    for (int i = 0; i < 4; i++)
        runs[i]->lagging = i != 1;
    runs[2]->waiting = true; /* for the disk: there is no use in asking */
    list.in_flight = 40 * MIB;
    assert_ptr_equal(iw_live_next_lagging(&list, &promised), runs[0]);
    runs[0]->lagging = false;
    assert_null(iw_live_next_lagging(&list, &promised)); /* 24 MiB are for one window of 16 */
    promised = 0;
    runs[0]->lagging = true;
    assert_ptr_equal(iw_live_next_lagging(&list, &promised), runs[3]);
    promised = 0;
    list.in_flight = 49 * MIB;
    assert_null(iw_live_next_lagging(&list, &promised));
    list.in_flight = 0;
    assert_ptr_equal(iw_live_next_lagging(&list, &promised), runs[0]);
    runs[0]->lagging = runs[3]->lagging = false;
    assert_null(iw_live_next_lagging(&list, &promised));
    iw_live_list_fini(&list);
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
        cmocka_unit_test(frames_sent_before_the_adapter_was_asked_again_are_no_gap),
        cmocka_unit_test(asked_adapter_may_have_dropped_the_frame_that_is_wanted),
        cmocka_unit_test(filed_run_that_goes_on_is_reopening_until_its_journal_is_ready),
        cmocka_unit_test(one_run_may_fill_half_of_the_room),
        cmocka_unit_test(runs_that_want_too_much_share_the_room_and_leave_some),
        cmocka_unit_test(every_run_goes_on_when_there_is_no_room),
        cmocka_unit_test(runs_that_left_frames_are_asked_by_turns_as_far_as_there_is_room),
        cmocka_unit_test(state_says_what_holds_the_run_up),
        cmocka_unit_test(endpoints_of_this_machine_are_known),
        cmocka_unit_test(text_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
