/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Networks that fail, between a daemon with keys on one host and an adapter on another: whatever
 * happens on the way, the record that is filed equals, bit for bit, that of a run that nobody
 * disturbed.  IONWATCH_CUT_S: how long a line is cut; below 15 s the adapter's patience is made
 * shorter.  Needs root.
 */
#include "cable.h"

#include "../daemon/md.h"
#include "../daemon/process.h"
#include "../security/guarded.h"
#include "client.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ATOMS = 20, PORT = 5555, HEARTBEAT_S = 2, SEND_MS = 1000, MEMORY_KB = 256 << 10 };

typedef struct {
    harness *daemon;
    guarded door;
    cable *cable;
    char key[128], endpoint[64], result[128];
    pid_t adapter;
    char id[IW_ID_LENGTH + 1];
    uint64_t frames;
    double most_daemon_kb;
} network;

static double
cut_s(void)
{
    const char *set = getenv("IONWATCH_CUT_S");
    return set ? strtod(set, NULL) : 4;
}

static double
now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e3 * (double)now.tv_sec + 1e-6 * (double)now.tv_nsec;
}

/* ---- the adapter, a process of its own ---- */

static void
send_frames(ionwatch *handle, const iw_run_info *run, uint64_t frames, long pace_ms, double *most)
{
    iw_frame frame;
    iw_error err;
    assert_ok(iw_frame_init(&frame, ATOMS, &err), err);
    for (uint64_t seq = 1; seq <= frames; seq++) {
        ionwatch_frame out;
        synthetic_frame(run, seq, &frame);
        ionwatch_frame_init(&out);
        out.step = (int64_t)seq;
        out.time = frame.time_fs;
        out.cell = frame.cell_A;
        out.pos_f64 = frame.pos_A;
        double start = now_ms();
        if (ionwatch_send(handle, &out) != IONWATCH_OK)
            fail_msg("frame %llu: %s", (unsigned long long)seq, ionwatch_error(handle));
        if (now_ms() - start > *most)
            *most = now_ms() - start;
        pause_ms(pace_ms);
    }
    iw_frame_fini(&frame);
}

/* md ENDPOINT FOLDER ID FRAMES PACE_MS RESULT */
static int
be_adapter(char **argv)
{
    iw_run_info run;
    const char *species[ATOMS];
    ionwatch_run to;
    double most = 0;
    if (cut_s() < 15) {
        iw_client_timing_default.ping_ms = 500;
        iw_client_timing_default.dead_ms = 2000;
        iw_client_timing_default.persist_ms = 500;
        iw_client_timing_default.retry_most_ms = 1000;
    }
    synthetic_run(&run, ATOMS);
    for (size_t i = 0; i < ATOMS; i++)
        species[i] = run.species[run.kind[i]];
    ionwatch_run_init(&to);
    to.run_id = argv[4];
    to.name = "synthetic";
    to.code = "test";
    to.n_atoms = ATOMS;
    to.species = species;
    to.mass_amu = run.mass_amu;
    to.timestep = run.timestep_fs;
    to.temperature_K = 600;
    to.spool_dir = argv[3];
    to.queue_bytes = 64 << 10; /* what waits longer goes through the spool */
    ionwatch *handle = ionwatch_open(argv[2], &to);
    send_frames(handle, &run, strtoul(argv[5], NULL, 10), strtol(argv[6], NULL, 10), &most);
    (void)ionwatch_finish(handle, "completed");
    ionwatch_status left = ionwatch_close(&handle, 60000);
    FILE *result = fopen(argv[7], "w");
    if (result)
        (void)fprintf(result, "%.1f %.0f\n", most, process_number(getpid(), "status", "VmHWM:"));
    iw_run_info_fini(&run);
    return result && fclose(result) == 0 && left == IONWATCH_OK ? 0 : 1;
}

static void
start_adapter(network *self, uint64_t frames, long pace_ms)
{
    char count[24], pace[24];
    iw_error err;
    assert_ok(iw_uuid_new(self->id, &err), err);
    self->frames = frames;
    (void)snprintf(count, sizeof count, "%llu", (unsigned long long)frames);
    (void)snprintf(pace, sizeof pace, "%ld", pace_ms);
    (void)snprintf(self->result, sizeof self->result, "%s/result", self->daemon->folder);
    cable_enter(self->cable, CABLE_ADAPTER);
    self->adapter = fork();
    if (self->adapter == 0) {
        (void)setenv("IONWATCH_KEY", self->key, 1);
        (void)setenv("IONWATCH_SERVER_KEY", self->door.server, 1);
        (void)execl("/proc/self/exe", "network_test", "md", self->endpoint, self->daemon->folder,
                    self->id, count, pace, self->result, (char *)NULL);
        _exit(127);
    }
    cable_leave(self->cable);
    assert_true(self->adapter > 0);
}

/* ---- the daemon ---- */

static void
start_daemon(network *self)
{
    char listen[64], heartbeat[16];
    (void)snprintf(listen, sizeof listen, "tcp://" CABLE_DAEMON_ADDRESS ":%d", PORT);
    (void)snprintf(heartbeat, sizeof heartbeat, "%d", HEARTBEAT_S);
    const char *options[] = {
        "--listen", listen, "--authorised-keys", self->door.keys, "--heartbeat-s", heartbeat, NULL};
    cable_enter(self->cable, CABLE_DAEMON);
    harness_start(self->daemon, options, 0);
    cable_leave(self->cable);
}

static void
note_memory(network *self)
{
    double kb = process_number(self->daemon->pid, "status", "VmHWM:");
    if (kb > self->most_daemon_kb)
        self->most_daemon_kb = kb;
}

static void
restart_daemon(network *self)
{
    note_memory(self);
    harness_kill(self->daemon, SIGKILL);
    start_daemon(self);
}

static int
begin(void **state)
{
    static const char *const roles[PEOPLE] = {[ANNA] = "stream"};
    char why[200];
    iw_message answer;
    iw_error err;
    void *daemon = NULL;
    network *self = calloc(1, sizeof *self);
    assert_non_null(self);
    *state = self;
    self->cable = cable_open(why);
    if (!self->cable) {
        print_message("SKIPPED: two hosts on this machine cannot be had: %s\n", why);
        return 0;
    }
    (void)harness_begin(&daemon);
    self->daemon = daemon;
    guarded_begin(&self->door, self->daemon);
    guarded_allow(&self->door, roles);
    (void)snprintf(self->key, sizeof self->key, "%s/key", self->daemon->folder);
    assert_ok(iw_key_write(self->key, "of a test", self->door.pairs[ANNA].secret, 0600, true, &err),
              err);
    (void)snprintf(self->endpoint, sizeof self->endpoint, "tcp://" CABLE_DAEMON_ADDRESS ":%d",
                   PORT);
    start_daemon(self);
    json_t *status = harness_ask(self->daemon, "status", "", false, &answer);
    (void)snprintf(self->door.server, sizeof self->door.server, "%s",
                   json_string_value(json_object_get(status, "server_key")));
    json_decref(status);
    assert_int_equal(strlen(self->door.server), IW_KEY_LENGTH);
    return 0;
}

static int
end(void **state)
{
    network *self = *state;
    if (self->adapter > 0) {
        (void)kill(self->adapter, SIGKILL);
        (void)waitpid(self->adapter, NULL, 0);
    }
    void *daemon = self->daemon;
    if (daemon)
        (void)harness_end(&daemon);
    cable_close(&self->cable);
    free(self);
    return 0;
}

#define SKIP_WITHOUT_CABLE(self)                                                                   \
    do {                                                                                           \
        if (!(self)->cable)                                                                        \
            skip();                                                                                \
    } while (0)

/* ---- what is proven ---- */

static void
wait_frames(network *self, uint64_t frames)
{
    iw_message answer;
    for (int tries = 0; tries < 1500; tries++, pause_ms(20)) {
        json_t *record = harness_ask(self->daemon, "show", self->id, false, &answer);
        json_int_t seen =
            json_integer_value(json_object_get(json_object_get(record, "run"), "frames"));
        json_decref(record);
        if (seen >= (json_int_t)frames)
            return;
    }
    fail_msg("frame %llu does not come", (unsigned long long)frames);
}

/* The adapter has ended in order; what it streamed is there once, and no step of it waited. */
static void
assert_undisturbed(network *self, const char *what)
{
    int result = -1;
    double most_ms, adapter_kb;
    md code;
    char id[IW_ID_LENGTH + 1];
    assert_int_equal(waitpid(self->adapter, &result, 0), self->adapter);
    self->adapter = 0;
    assert_true(WIFEXITED(result));
    assert_int_equal(WEXITSTATUS(result), 0);
    FILE *file = fopen(self->result, "r");
    assert_non_null(file);
    char text[64], *rest = NULL;
    assert_non_null(fgets(text, sizeof text, file));
    (void)fclose(file);
    most_ms = strtod(text, &rest);
    adapter_kb = strtod(rest, NULL);
    note_memory(self);
    cable_counts counts = cable_count(self->cable);
    print_message("%s: a send took %.1f ms at most; most memory: adapter %.1f MB, daemon %.1f MB; "
                  "%llu packets passed, %llu overtaken, %llu lost\n",
                  what, most_ms, adapter_kb / 1024, self->most_daemon_kb / 1024,
                  (unsigned long long)counts.passed, (unsigned long long)counts.overtaken,
                  (unsigned long long)counts.lost);
    md_open(&code, self->daemon, ATOMS, NULL, NULL);
    memcpy(id, code.run.id, sizeof id);
    md_send(&code, 1, self->frames);
    assert_int_equal(ionwatch_finish(code.handle, "completed"), IONWATCH_OK);
    md_close(&code);
    assert_filed_alike(self->daemon, self->id, id, self->frames);
    assert_true(most_ms < SEND_MS);
    assert_true(adapter_kb < MEMORY_KB);
    assert_true(self->most_daemon_kb < MEMORY_KB);
}

static void
wait_s(double seconds)
{
    pause_ms((long)(1e3 * seconds));
}

static void
delay_loss_and_reordering_lose_no_frame(void **state)
{
    network *self = *state;
    SKIP_WITHOUT_CABLE(self);
    cable_set(self->cable, &(cable_quality){.delay_ms = 50, .jitter_ms = 20, .loss = 0.05});
    start_adapter(self, 1000, 5);
    assert_undisturbed(self, "50 ms, 5 % loss, reordering");
    assert_true(cable_count(self->cable).overtaken > 0);
    assert_true(cable_count(self->cable).lost > 0);
}

static void
cut_in_the_middle_loses_no_frame(void **state)
{
    network *self = *state;
    SKIP_WITHOUT_CABLE(self);
    start_adapter(self, 400 + (uint64_t)(200 * cut_s()), 5);
    wait_frames(self, 100);
    cable_set(self->cable, &(cable_quality){.cut = {true, true}});
    wait_s(cut_s());
    harness_wait_state(self->daemon, self->id, "stalled");
    cable_set(self->cable, &(cable_quality){.delay_ms = 1});
    assert_undisturbed(self, "cut");
}

static void
answers_that_do_not_arrive_lose_no_frame(void **state)
{
    network *self = *state;
    SKIP_WITHOUT_CABLE(self);
    start_adapter(self, 400 + (uint64_t)(200 * cut_s()), 5);
    wait_frames(self, 100);
    cable_set(self->cable, &(cable_quality){.cut = {[CABLE_DAEMON] = true}});
    wait_s(cut_s());
    cable_set(self->cable, &(cable_quality){.delay_ms = 1});
    assert_undisturbed(self, "half open, nothing comes back");
}

static void
daemon_whose_host_dies_and_comes_back_has_every_frame(void **state)
{
    network *self = *state;
    SKIP_WITHOUT_CABLE(self);
    start_adapter(self, 400 + (uint64_t)(200 * cut_s()), 5);
    wait_frames(self, 100);
    cable_set(self->cable, &(cable_quality){.cut = {[CABLE_ADAPTER] = true}});
    wait_s(0.5);
    cable_set(self->cable, &(cable_quality){.cut = {true, true}});
    restart_daemon(self); /* its host says nothing of it to the adapter's */
    wait_s(cut_s());
    cable_set(self->cable, &(cable_quality){.delay_ms = 1});
    assert_undisturbed(self, "half open, daemon restarted while the line was down");
}

static void
adapter_whose_host_dies_is_stalled_and_its_connection_freed(void **state)
{
    network *self = *state;
    SKIP_WITHOUT_CABLE(self);
    size_t before = process_descriptors(self->daemon->pid);
    start_adapter(self, 100000, 5);
    wait_frames(self, 100);
    size_t connected = process_descriptors(self->daemon->pid);
    assert_true(connected > before);
    cable_set(self->cable, &(cable_quality){.cut = {true, true}});
    double start = now_ms();
    (void)kill(self->adapter, SIGKILL);
    (void)waitpid(self->adapter, NULL, 0);
    self->adapter = 0;
    harness_wait_state(self->daemon, self->id, "stalled");
    double stalled_s = 1e-3 * (now_ms() - start);
    while (process_descriptors(self->daemon->pid) >= connected && now_ms() - start < 60e3)
        pause_ms(50);
    double freed_s = 1e-3 * (now_ms() - start);
    print_message("host of the adapter gone: stalled after %.1f s, connection freed after %.1f s\n",
                  stalled_s, freed_s);
    assert_true(stalled_s < HEARTBEAT_S + 2);
    assert_true(freed_s < 5 * HEARTBEAT_S);
}

int
main(int argc, char **argv)
{
    if (argc == 8 && strcmp(argv[1], "md") == 0)
        return be_adapter(argv);
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(delay_loss_and_reordering_lose_no_frame),
        CASE(cut_in_the_middle_loses_no_frame),
        CASE(answers_that_do_not_arrive_lose_no_frame),
        CASE(daemon_whose_host_dies_and_comes_back_has_every_frame),
        CASE(adapter_whose_host_dies_is_stalled_and_its_connection_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
