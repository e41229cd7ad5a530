/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iw_test.h"

#include "client.h"
#include "fake_daemon.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ATOMS = 5 };

static const char run_id[] = "7f3c1a52-90ab-4cde-8f01-23456789abcd";
static char folder[64];
static char endpoint[128];
static fake_daemon daemon_;

static void
remove_files(void)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    char path[512];
    while (dir && (entry = readdir(dir)) != NULL) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            (void)unlink(path);
    }
    if (dir)
        (void)closedir(dir);
}

static int
count_spools(void)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    int n = 0;
    while (dir && (entry = readdir(dir)) != NULL)
        n += strstr(entry->d_name, ".spool") != NULL;
    if (dir)
        (void)closedir(dir);
    return n;
}

static int
set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/ionwatch-test-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(endpoint, sizeof endpoint, "ipc://%s/socket", folder);
    fake_init(&daemon_, endpoint);
    iw_client_timing_default = (iw_client_timing){.ping_ms = 100,
                                                  .dead_ms = 400,
                                                  .retry_ms = 10,
                                                  .retry_most_ms = 50,
                                                  .refused_most_ms = 50,
                                                  .persist_ms = 100000,
                                                  .doze_ms = 2,
                                                  .stop_check_ms = 20,
                                                  .sync_ms = 50};
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    fake_fini(&daemon_);
    remove_files();
    return rmdir(folder);
}

/* Five atoms in LJ-like units that are easy to check: 2 A, 4 fs, 0.5 eV. */
static void
make_run(ionwatch_run *run)
{
    static const char *const species[ATOMS] = {"Li", "P", "Li", "S", "P"};
    static const char *const metadata[] = {"potential", "test", NULL};
    ionwatch_run_init(run);
    run->run_id = run_id;
    run->name = "test";
    run->code = "unit";
    run->n_atoms = ATOMS;
    run->species = species;
    run->length_A = 2.0;
    run->time_fs = 4.0;
    run->energy_eV = 0.5;
    run->timestep = 0.5;
    run->stride = 10;
    run->metadata = metadata;
    run->spool_dir = folder;
}

static ionwatch *
open_handle(const ionwatch_run *run)
{
    ionwatch *w = ionwatch_open(endpoint, run);
    assert_non_null(w);
    assert_string_equal(ionwatch_error(w), "");
    return w;
}

static ionwatch_status
send_step(ionwatch *w, int64_t step)
{
    double pos[3 * ATOMS];
    double vel[3 * ATOMS];
    static const double cell[9] = {5, 0, 0, 0, 5, 0, 0, 0, 5};
    ionwatch_frame frame;
    for (int i = 0; i < 3 * ATOMS; i++) {
        pos[i] = (double)step + 0.25 * i;
        vel[i] = 0.5 * i;
    }
    ionwatch_frame_init(&frame);
    frame.step = step;
    frame.cell = cell;
    frame.pos_f64 = pos;
    frame.vel_f64 = vel;
    frame.potential_energy = -2.0;
    return ionwatch_send(w, &frame);
}

static void
send_steps(ionwatch *w, int64_t from, int64_t to)
{
    for (int64_t step = from; step <= to; step++)
        assert_int_equal(send_step(w, step), IW_OK);
}

/* The daemon has exactly the steps from..to, numbered without a hole from first_seq. */
static void
assert_steps(int64_t from, int64_t to, uint64_t first_seq)
{
    pthread_mutex_lock(&daemon_.lock);
    assert_int_equal(daemon_.frames, to - from + 1);
    for (int i = 0; i < daemon_.frames; i++) {
        assert_int_equal(daemon_.step[i], from + i);
        assert_int_equal(daemon_.seq[i], first_seq + (uint64_t)i);
    }
    pthread_mutex_unlock(&daemon_.lock);
}

static void
frames_arrive_in_our_units_and_are_acknowledged(void **state)
{
    (void)state;
    ionwatch_run run;
    ionwatch_stats stats = {.size = sizeof stats};
    make_run(&run);
    fake_start(&daemon_);
    ionwatch *w = open_handle(&run);
    assert_string_equal(ionwatch_run_id(w), run_id);
    send_steps(w, 1, 200);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_get_stats(w, &stats);
    assert_int_equal(stats.frames_sent, 200);
    assert_int_equal(stats.frames_acknowledged, 200);
    assert_int_equal(stats.frames_dropped, 0);
    assert_int_equal(stats.queued_bytes, 0);
    assert_int_equal(stats.connected, 1);
    assert_int_equal(ionwatch_finish(w, "completed"), IW_OK);
    assert_int_equal(send_step(w, 201), IW_CLOSED);
    ionwatch_close(&w, 10000);
    assert_null(w);
    ionwatch_close(&w, 0);
    fake_stop(&daemon_);
    assert_steps(1, 200, 1);
    assert_close(daemon_.first_x_A[6], 14.0, 0, 0);
    assert_string_equal(daemon_.run.id, run_id);
    assert_close(daemon_.run.timestep_fs, 2.0, 0, 0);
    assert_close(daemon_.run.mass_amu[3], 32.06, 0, 0);
    assert_string_equal(iw_run_info_metadata(&daemon_.run, "potential"), "test");
    assert_int_equal(daemon_.byes, 1);
    assert_string_equal(daemon_.why, "completed");
    assert_int_equal(count_spools(), 0);
}

static void
floats_are_scaled_and_stay_floats(void **state)
{
    (void)state;
    ionwatch_run run;
    ionwatch_frame frame;
    const float pos[3 * ATOMS] = {1.5F};
    make_run(&run);
    fake_start(&daemon_);
    ionwatch *w = open_handle(&run);
    ionwatch_frame_init(&frame);
    frame.step = 1;
    frame.pos_f32 = pos;
    assert_int_equal(ionwatch_send(w, &frame), IW_OK);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
    assert_close(daemon_.first_x_A[0], 3.0, 0, 0);
}

static void
send_without_daemon_spools_and_the_next_handle_delivers(void **state)
{
    (void)state;
    ionwatch_run run;
    ionwatch_stats stats = {.size = sizeof stats};
    make_run(&run);
    ionwatch *w = open_handle(&run);
    send_steps(w, 1, 50);
    ionwatch_get_stats(w, &stats);
    assert_int_equal(stats.connected, 0);
    assert_int_equal(ionwatch_flush(w, 20), IW_TIMEOUT);
    ionwatch_close(&w, 20);
    assert_int_equal(count_spools(), 1);

    w = open_handle(&run); /* still no daemon */
    send_steps(w, 51, 60);
    ionwatch_close(&w, 0);

    fake_start(&daemon_);
    w = open_handle(&run);
    send_steps(w, 61, 70);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
    assert_steps(1, 70, 1);
    assert_int_equal(count_spools(), 0);
}

static void
a_restart_goes_on_where_the_daemon_is(void **state)
{
    (void)state;
    ionwatch_run run;
    make_run(&run);
    fake_start(&daemon_);
    ionwatch *w = open_handle(&run);
    send_steps(w, 1, 30);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);

    w = open_handle(&run); /* no daemon: these have no sequence number yet */
    send_steps(w, 31, 40);
    ionwatch_close(&w, 0);
    w = open_handle(&run);
    send_steps(w, 41, 50);
    fake_start(&daemon_);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
    assert_steps(1, 50, 1);
}

static void
a_daemon_that_dies_gets_what_it_missed(void **state)
{
    (void)state;
    ionwatch_run run;
    make_run(&run);
    fake_start(&daemon_);
    ionwatch *w = open_handle(&run);
    send_steps(w, 1, 30);
    assert_true(fake_wait_frames(&daemon_, 30));
    fake_stop(&daemon_);
    send_steps(w, 31, 60);
    fake_start(&daemon_);
    send_steps(w, 61, 90);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
    assert_true(daemon_.hellos >= 2);
    assert_steps(1, 90, 1);
}

static void
frames_in_flight_are_sent_again_after_welcome(void **state)
{
    (void)state;
    ionwatch_run run;
    make_run(&run);
    atomic_store(&daemon_.unacknowledged, 1);
    fake_start(&daemon_);
    ionwatch *w = open_handle(&run);
    send_steps(w, 1, 30);
    assert_true(fake_wait_frames(&daemon_, 30));
    fake_stop(&daemon_);
    daemon_.frames = 10; /* it had only ten of them on disk */
    daemon_.next_seq = 11;
    atomic_store(&daemon_.unacknowledged, 0);
    fake_start(&daemon_);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
    assert_steps(1, 30, 1);
}

static void
a_daemon_that_lags_asks_for_frames_again(void **state)
{
    (void)state;
    ionwatch_run run;
    make_run(&run);
    fake_start(&daemon_);
    ionwatch *w = open_handle(&run);
    send_steps(w, 1, 5);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    atomic_store(&daemon_.leave, 7);
    send_steps(w, 6, 12);
    assert_true(fake_wait_frames(&daemon_, 12));
    send_steps(w, 13, 20);
    assert_int_equal(ionwatch_finish(w, "completed"), IW_OK);
    ionwatch_close(&w, 10000);
    fake_stop(&daemon_);
    assert_steps(1, 20, 1);
    assert_int_equal(daemon_.byes, 1);
}

static void
a_silent_daemon_is_given_up_and_greeted_anew(void **state)
{
    (void)state;
    ionwatch_run run;
    make_run(&run);
    atomic_store(&daemon_.silent, 1);
    fake_start(&daemon_);
    ionwatch *w = open_handle(&run);
    send_steps(w, 1, 3);
    assert_true(fake_wait_hellos(&daemon_, 2));
    atomic_store(&daemon_.silent, 0);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
    assert_steps(1, 3, 1);
}

static void
an_idle_handle_keeps_its_session_alive(void **state)
{
    (void)state;
    ionwatch_run run;
    make_run(&run);
    fake_start(&daemon_);
    ionwatch *w = open_handle(&run);
    send_steps(w, 1, 1);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    (void)usleep(900000); /* more than twice the time after which silence ends a session */
    pthread_mutex_lock(&daemon_.lock);
    assert_int_equal(daemon_.hellos, 1);
    assert_true(daemon_.pings >= 4);
    pthread_mutex_unlock(&daemon_.lock);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
}

static void
a_queue_that_is_full_overflows_into_the_spool(void **state)
{
    (void)state;
    ionwatch_run run;
    ionwatch_stats stats = {.size = sizeof stats};
    make_run(&run);
    run.queue_bytes = 4000; /* about ten frames */
    ionwatch *w = open_handle(&run);
    send_steps(w, 1, 500);
    ionwatch_get_stats(w, &stats);
    assert_true(stats.queued_bytes <= 4000);
    assert_true(stats.spooled_bytes > 400 * 400);
    fake_start(&daemon_);
    send_steps(w, 501, 600);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    send_steps(w, 601, 610);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_get_stats(w, &stats);
    assert_int_equal(stats.spooled_bytes, 0);
    assert_int_equal(stats.frames_acknowledged, 610);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
    assert_steps(1, 610, 1);
    assert_int_equal(count_spools(), 0);
}

static void
what_is_in_memory_and_on_disk_survives_a_close(void **state)
{
    (void)state;
    ionwatch_run run;
    make_run(&run);
    run.queue_bytes = 4000;
    run.spool_bytes = 1 << 20; /* so that it is cut into several files */
    atomic_store(&daemon_.unacknowledged, 1);
    fake_start(&daemon_);
    ionwatch *w = open_handle(&run);
    send_steps(w, 1, 700);
    assert_true(fake_wait_frames(&daemon_, 5));
    ionwatch_close(&w, 0);
    fake_stop(&daemon_);
    assert_true(count_spools() > 2);
    daemon_.frames = 3;
    daemon_.next_seq = 4;
    atomic_store(&daemon_.unacknowledged, 0);
    fake_start(&daemon_);
    w = open_handle(&run);
    send_steps(w, 701, 720);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
    assert_steps(1, 720, 1);
    assert_int_equal(count_spools(), 0);
}

static void
a_killed_process_leaves_its_frames_in_the_spool(void **state)
{
    (void)state;
    ionwatch_run run;
    make_run(&run);
    iw_client_timing_default.persist_ms = 50;
    pid_t child = fork();
    if (child == 0) {
        ionwatch *w = ionwatch_open(endpoint, &run);
        for (int64_t step = 1; step <= 20; step++)
            if (send_step(w, step) != IW_OK)
                _exit(1);
        (void)usleep(300000);
        (void)kill(getpid(), SIGKILL);
    }
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFSIGNALED(result));
    fake_start(&daemon_);
    ionwatch *w = open_handle(&run);
    assert_int_equal(ionwatch_flush(w, 10000), IW_OK);
    ionwatch_close(&w, 1000);
    fake_stop(&daemon_);
    assert_steps(1, 20, 1);
}

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
    ionwatch_close(&w, 0);
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
    ionwatch_close(&w, 0);
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
        ionwatch *w = ionwatch_open(cases[i].endpoint ? cases[i].endpoint : endpoint, &run);
        assert_non_null(w);
        assert_non_null(strstr(ionwatch_error(w), cases[i].text));
        assert_int_not_equal(send_step(w, 1), IW_OK);
        assert_non_null(strstr(ionwatch_error(w), cases[i].text));
        assert_int_equal(ionwatch_should_stop(w, NULL), 0);
        assert_int_not_equal(ionwatch_flush(w, 10), IW_OK);
        assert_int_not_equal(ionwatch_finish(w, NULL), IW_OK);
        ionwatch_close(&w, 1000);
    }
    ionwatch *w = ionwatch_open(endpoint, NULL);
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
    w = ionwatch_open(endpoint, &run);
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

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(frames_arrive_in_our_units_and_are_acknowledged),
        CASE(floats_are_scaled_and_stay_floats),
        CASE(send_without_daemon_spools_and_the_next_handle_delivers),
        CASE(a_restart_goes_on_where_the_daemon_is),
        CASE(a_daemon_that_dies_gets_what_it_missed),
        CASE(frames_in_flight_are_sent_again_after_welcome),
        CASE(a_daemon_that_lags_asks_for_frames_again),
        CASE(a_silent_daemon_is_given_up_and_greeted_anew),
        CASE(an_idle_handle_keeps_its_session_alive),
        CASE(a_queue_that_is_full_overflows_into_the_spool),
        CASE(what_is_in_memory_and_on_disk_survives_a_close),
        CASE(a_killed_process_leaves_its_frames_in_the_spool),
        CASE(drop_marks_the_gap_when_everything_is_full),
        CASE(block_waits_until_the_daemon_takes_frames),
        CASE(a_refused_run_goes_on_and_keeps_its_frames),
        CASE(a_forgotten_session_is_opened_again),
        CASE(a_stop_request_reaches_the_run_with_its_reason),
        CASE(an_undelivered_bye_is_said_by_a_handle_that_adds_nothing),
        CASE(a_run_that_goes_on_takes_back_an_undelivered_bye),
        CASE(a_bad_frame_is_refused_by_atom_and_leaves_a_gap),
        CASE(a_handle_that_cannot_be_made_ready_says_why),
        CASE(a_spool_of_other_atoms_is_not_mixed_in),
        CASE(a_spool_folder_that_is_not_there_costs_frames_not_the_run),
        CASE(a_child_of_fork_leaves_the_handle_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
