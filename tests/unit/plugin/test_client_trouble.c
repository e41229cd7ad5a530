/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The client when something is wrong: refusals, full queues, bad frames, bad set-up. */
#include "client_case.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void
drop_marks_the_gap_when_everything_is_full(void **state)
{
    (void)state;
    ionwatch_run run;
    ionwatch_stats stats = {.size = sizeof stats};
    make_run(&run);
    run.queue_bytes = 4000;
    run.spool_bytes = 0;
    run.policy = IONWATCH_DROP;
    ionwatch *w = open_handle(&run);
    int kept = 0;
    while (send_step(w, kept + 1) == IW_OK)
        kept++;
    assert_int_equal(send_step(w, 1000), IW_DROPPED);
    ionwatch_get_stats(w, &stats);
    assert_int_equal(stats.frames_dropped, 2);
    fake_start(&daemon_);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    assert_int_equal(send_step(w, 2000), IW_OK);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
    assert_int_equal(daemon_.frames, kept + 1);
    assert_int_equal(daemon_.seq[kept - 1], kept);
    assert_int_equal(daemon_.seq[kept], kept + 3);
    assert_int_equal(daemon_.step[kept], 2000);
}

static void *
start_daemon_later(void *argument)
{
    (void)usleep(200000);
    fake_start(argument);
    return NULL;
}

static void
block_waits_until_the_daemon_takes_frames(void **state)
{
    (void)state;
    ionwatch_run run;
    pthread_t helper;
    make_run(&run);
    run.queue_bytes = 4000;
    run.spool_bytes = 0;
    ionwatch *w = open_handle(&run);
    assert_int_equal(pthread_create(&helper, NULL, start_daemon_later, &daemon_), 0);
    send_steps(w, 1, 40);
    assert_int_equal(pthread_join(helper, NULL), 0);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
    assert_steps(1, 40, 1);
}

static void
a_refused_run_goes_on_and_keeps_its_frames(void **state)
{
    (void)state;
    ionwatch_run run;
    make_run(&run);
    run.queue_bytes = 4000;
    run.spool_bytes = 100000;
    atomic_store(&daemon_.refuse, IW_UNSUPPORTED);
    fake_start(&daemon_);
    ionwatch *w = open_handle(&run);
    assert_int_equal(send_step(w, 1), IW_OK);
    assert_true(fake_wait_hellos(&daemon_, 2));
    assert_int_equal(send_step(w, 2), IW_REFUSED);
    assert_non_null(strstr(ionwatch_error(w), "not today"));
    assert_int_equal(ionwatch_flush(w, 10000), IW_REFUSED);
    for (int64_t step = 3; step <= 600; step++) /* queue and spool full: it must not block */
        assert_int_equal(send_step(w, step), IW_REFUSED);
    atomic_store(&daemon_.refuse, 0);
    assert_true(fake_wait_frames(&daemon_, 100));
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    assert_int_equal(send_step(w, 601), IW_OK);
    ionwatch_close(&w, 10000);
    fake_stop(&daemon_);
    assert_int_equal(daemon_.step[1], 2);
    assert_int_equal(daemon_.step[daemon_.frames - 1], 601);
    assert_int_equal(daemon_.seq[daemon_.frames - 1], 601);
}

static void
a_run_refused_for_good_is_not_asked_for_again(void **state)
{
    (void)state;
    ionwatch_run run;
    make_run(&run);
    atomic_store(&daemon_.refuse, IW_INVALID);
    fake_start(&daemon_);
    ionwatch *w = open_handle(&run);
    assert_true(fake_wait_hellos(&daemon_, 1));
    while (ionwatch_flush(w, 50) == IW_OK && send_step(w, 1) == IW_OK)
        ;
    assert_int_equal(send_step(w, 2), IW_REFUSED);
    assert_non_null(strstr(ionwatch_error(w), "not today"));
    atomic_store(&daemon_.refuse, 0);
    assert_int_equal(usleep(500000), 0); /* ten times the longest pause after a refusal */
    pthread_mutex_lock(&daemon_.lock);
    assert_int_equal(daemon_.hellos, 1);
    pthread_mutex_unlock(&daemon_.lock);
    int64_t start_ms = iw_now_ms();
    assert_int_equal(ionwatch_close(&w, 10000), IW_AGAIN); /* at once: there is no use in waiting */
    assert_true(iw_now_ms() - start_ms < 5000);
    w = open_handle(&run); /* what it left is another handle's */
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
    assert_true(daemon_.frames >= 2);
}

static void
a_forgotten_session_is_opened_again(void **state)
{
    (void)state;
    ionwatch_run run;
    make_run(&run);
    fake_start(&daemon_);
    ionwatch *w = open_handle(&run);
    send_steps(w, 1, 3);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    fake_stop(&daemon_);
    atomic_store(&daemon_.forgetful, 1);
    fake_start(&daemon_);
    send_steps(w, 4, 6);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
    assert_steps(1, 6, 1);
}

static void
a_stop_request_reaches_the_run_with_its_reason(void **state)
{
    (void)state;
    ionwatch_run run;
    const char *reason;
    make_run(&run);
    atomic_store(&daemon_.stop, 1);
    fake_start(&daemon_);
    ionwatch *w = open_handle(&run);
    assert_int_equal(ionwatch_should_stop(w, &reason), 0);
    assert_string_equal(reason, "");
    assert_int_equal(ionwatch_wanted_stride(w), 0);
    send_steps(w, 1, 1);
    for (int i = 0; i < 1000 && !ionwatch_should_stop(w, NULL); i++)
        (void)usleep(5000);
    assert_int_equal(ionwatch_should_stop(w, &reason), 1);
    assert_string_equal(reason, "converged");
    assert_int_equal(ionwatch_wanted_stride(w), 20);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
}

static void
an_undelivered_bye_is_said_by_a_handle_that_adds_nothing(void **state)
{
    (void)state;
    ionwatch_run run;
    make_run(&run);
    ionwatch *w = open_handle(&run);
    send_steps(w, 1, 4);
    assert_int_equal(ionwatch_finish(w, "walltime"), IW_OK);
    assert_int_equal(ionwatch_close(&w, 0), IW_AGAIN); /* in the spool */
    fake_start(&daemon_);
    w = open_handle(&run);
    ionwatch_close(&w, 10000);
    fake_stop(&daemon_);
    assert_steps(1, 4, 1);
    assert_int_equal(daemon_.byes, 1);
    assert_string_equal(daemon_.why, "walltime");
    assert_int_equal(count_spools(), 0);
}

static void
a_run_that_goes_on_takes_back_an_undelivered_bye(void **state)
{
    (void)state;
    ionwatch_run run;
    make_run(&run);
    ionwatch *w = open_handle(&run);
    send_steps(w, 1, 4);
    assert_int_equal(ionwatch_finish(w, "walltime"), IW_OK);
    assert_int_equal(ionwatch_close(&w, 0), IW_AGAIN); /* in the spool */
    fake_start(&daemon_);
    w = open_handle(&run);
    send_steps(w, 5, 6);
    ionwatch_close(&w, 10000);
    fake_stop(&daemon_);
    assert_steps(1, 6, 1);
    assert_int_equal(daemon_.byes, 0);
    assert_int_equal(count_spools(), 0);
}

static void
a_bad_frame_is_refused_by_atom_and_leaves_a_gap(void **state)
{
    (void)state;
    ionwatch_run run;
    ionwatch_frame frame;
    double pos[3 * ATOMS] = {0};
    double flat[9] = {5, 0, 0, 0, 5, 0, 5, 5, 0};
    make_run(&run);
    fake_start(&daemon_);
    ionwatch *w = open_handle(&run);
    send_steps(w, 1, 1);
    ionwatch_frame_init(&frame);
    frame.step = 2;
    frame.pos_f64 = pos;
    pos[10] = (double)NAN;
    assert_int_equal(ionwatch_send(w, &frame), IW_INVALID);
    assert_string_equal(ionwatch_error(w), "step 2: position of atom 3 is not finite: y is nan");
    pos[10] = 0.0;
    frame.cell = flat;
    assert_int_equal(ionwatch_send(w, &frame), IW_INVALID);
    assert_non_null(strstr(ionwatch_error(w), "cell is singular"));
    frame.cell = NULL;
    frame.pos_f64 = NULL;
    assert_int_equal(ionwatch_send(w, &frame), IW_INVALID);
    frame.pos_f64 = pos;
    frame.size = 3;
    assert_int_equal(ionwatch_send(w, &frame), IW_INVALID);
    send_steps(w, 3, 3);
    assert_string_equal(ionwatch_error(w), "");
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
    assert_int_equal(daemon_.frames, 2);
    assert_int_equal(daemon_.seq[1], 6);
}

static void
a_handle_that_cannot_be_made_ready_says_why(void **state)
{
    (void)state;
    static const char *const species[ATOMS] = {"Li", "Li", "Xx", "Li", "Li"};
    const struct {
        const char *endpoint, *id, *text;
        double length_A;
    } cases[] = {
        {"http://host", run_id, "none of tcp://", 1.0},
        {"tcp://nowhere", run_id, "cannot use endpoint", 1.0},
        {"file:///nonexistent/folder/log", run_id, "/nonexistent/folder/log", 1.0},
        {NULL, "7f3c", "is not a UUID", 1.0},
        {NULL, run_id, "unit length_A is 0", 0.0},
        {NULL, run_id, "atom 2 (Xx) has mass nan", 2.0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ionwatch_run run;
        make_run(&run);
        run.run_id = cases[i].id;
        run.length_A = cases[i].length_A;
        if (cases[i].length_A > 1.5)
            run.species = species;
        ionwatch *w = ionwatch_open(cases[i].endpoint ? cases[i].endpoint : client_endpoint, &run);
        assert_non_null(w);
        assert_non_null(strstr(ionwatch_error(w), cases[i].text));
        assert_int_not_equal(send_step(w, 1), IW_OK);
        assert_non_null(strstr(ionwatch_error(w), cases[i].text));
        assert_int_equal(ionwatch_should_stop(w, NULL), 0);
        assert_int_not_equal(ionwatch_flush(w, 10), IW_OK);
        assert_int_not_equal(ionwatch_finish(w, NULL), IW_OK);
        ionwatch_close(&w, 1000);
    }
    ionwatch *w = ionwatch_open(client_endpoint, NULL);
    assert_non_null(strstr(ionwatch_error(w), "ionwatch_run_init"));
    ionwatch_close(&w, 0);
}

static void
a_spool_of_other_atoms_is_not_mixed_in(void **state)
{
    (void)state;
    static const char *const others[ATOMS] = {"Na", "P", "Na", "S", "P"};
    ionwatch_run run;
    make_run(&run);
    ionwatch *w = open_handle(&run);
    send_steps(w, 1, 2);
    ionwatch_close(&w, 0);
    run.species = others;
    w = ionwatch_open(client_endpoint, &run);
    assert_non_null(strstr(ionwatch_error(w), "other atoms"));
    assert_int_equal(send_step(w, 3), IW_INVALID);
    ionwatch_close(&w, 0);
    assert_int_equal(count_spools(), 1);
}

static void
a_spool_folder_that_is_not_there_costs_frames_not_the_run(void **state)
{
    (void)state;
    ionwatch_run run;
    make_run(&run);
    run.queue_bytes = 4000;
    run.spool_dir = "/nonexistent";
    ionwatch *w = open_handle(&run);
    iw_status status = IW_OK;
    for (int64_t step = 1; status == IW_OK; step++)
        status = send_step(w, step);
    assert_int_equal(status, IW_IO);
    assert_non_null(strstr(ionwatch_error(w), "/nonexistent"));
    ionwatch_close(&w, 0);
}

static void
a_child_of_fork_leaves_the_handle_alone(void **state)
{
    (void)state;
    ionwatch_run run;
    make_run(&run);
    fake_start(&daemon_);
    ionwatch *w = open_handle(&run);
    send_steps(w, 1, 5);
    pid_t child = fork();
    if (child == 0) {
        iw_status status = send_step(w, 99);
        ionwatch_close(&w, -1);
        _exit(status == IW_CLOSED ? 0 : 1);
    }
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result) && WEXITSTATUS(result) == 0);
    send_steps(w, 6, 9);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
    assert_steps(1, 9, 1);
}

/* In a child: with so few descriptors left the handle works or says why not. */
static int
open_with_descriptors(int n)
{
    ionwatch_run run;
    make_run(&run);
    int next = dup(0);
    struct rlimit limit = {(rlim_t)next + (rlim_t)n, (rlim_t)next + (rlim_t)n};
    (void)close(next);
    if (next < 0 || setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1;
    ionwatch *w = ionwatch_open(client_endpoint, &run);
    if (!w)
        return 2;
    bool refuses = *ionwatch_error(w) != '\0';
    if ((send_step(w, 1) == IW_OK) == refuses)
        return 3;
    (void)ionwatch_flush(w, 20);
    ionwatch_close(&w, 0);
    return 0;
}

static void
a_process_without_descriptors_goes_on(void **state)
{
    (void)state;
    for (int n = 0; n <= 24; n++) {
        int result;
        pid_t child = fork();
        if (child == 0)
            _exit(open_with_descriptors(n));
        assert_int_equal(waitpid(child, &result, 0), child);
        assert_true(WIFEXITED(result));
        assert_int_equal(WEXITSTATUS(result), 0);
    }
}

static void
a_handle_that_memory_did_not_suffice_for_is_harmless(void **state)
{
    (void)state;
    ionwatch *w = NULL;
    const char *reason;
    ionwatch_stats stats = {.size = sizeof stats};
    assert_int_equal(send_step(w, 1), IW_NO_MEMORY);
    assert_int_equal(ionwatch_flush(w, 10), IW_NO_MEMORY);
    assert_int_equal(ionwatch_finish(w, "completed"), IW_NO_MEMORY);
    assert_int_equal(ionwatch_should_stop(w, &reason), 0);
    assert_string_equal(reason, "");
    assert_int_equal(ionwatch_wanted_stride(w), 0);
    assert_string_equal(ionwatch_run_id(w), "");
    assert_string_equal(ionwatch_error(w), "out of memory");
    ionwatch_get_stats(w, &stats);
    assert_int_equal(stats.frames_sent, 0);
    ionwatch_close(&w, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(drop_marks_the_gap_when_everything_is_full),
        CASE(block_waits_until_the_daemon_takes_frames),
        CASE(a_refused_run_goes_on_and_keeps_its_frames),
        CASE(a_run_refused_for_good_is_not_asked_for_again),
        CASE(a_forgotten_session_is_opened_again),
        CASE(a_stop_request_reaches_the_run_with_its_reason),
        CASE(an_undelivered_bye_is_said_by_a_handle_that_adds_nothing),
        CASE(a_run_that_goes_on_takes_back_an_undelivered_bye),
        CASE(a_bad_frame_is_refused_by_atom_and_leaves_a_gap),
        CASE(a_handle_that_cannot_be_made_ready_says_why),
        CASE(a_spool_of_other_atoms_is_not_mixed_in),
        CASE(a_spool_folder_that_is_not_there_costs_frames_not_the_run),
        CASE(a_child_of_fork_leaves_the_handle_alone),
        CASE(a_process_without_descriptors_goes_on),
        CASE(a_handle_that_memory_did_not_suffice_for_is_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
