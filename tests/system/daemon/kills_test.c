/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kill -9 at random moments of one stream: the record that is filed at the end equals, bit for bit,
 * that of a run that nobody disturbed.  IONWATCH_KILLS says how often, IONWATCH_SEED when.
 */
#include "md.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* The first frames are cold, so that the averages are made again while the run goes on. */
enum { ATOMS = 20, STEPS = 4000, CHECKPOINT = 50, PIECE = 10, COLD = 700 };

static uint64_t seed = 20260131;

static int
kills(void)
{
    const char *set = getenv("IONWATCH_KILLS");
    return set ? (int)strtol(set, NULL, 10) : 4;
}

static long
random_ms(long most)
{
    return (long)(iw_test_uniform(&seed) * (double)most);
}

static void
assert_same_record(harness *daemon, const char *disturbed, const char *undisturbed)
{
    iw_message answer;
    assert_filed_alike(daemon, disturbed, undisturbed, STEPS);
    json_t *record = harness_ask(daemon, "show", disturbed, true, &answer);
    const json_t *left_out = json_object_get(record, "equilibration");
    assert_close((double)json_integer_value(json_object_get(left_out, "skipped_frames")), COLD, 0,
                 40);
    json_decref(record);
}

/* The same frames without a disturbance, by a handle of another run. */
static void
stream_undisturbed(harness *daemon, char id[IW_ID_LENGTH + 1])
{
    md code;
    md_open(&code, daemon, ATOMS, NULL, NULL);
    code.cold = COLD;
    memcpy(id, code.run.id, IW_ID_LENGTH + 1);
    md_send(&code, 1, STEPS);
    assert_int_equal(ionwatch_finish(code.handle, "completed"), IONWATCH_OK);
    md_close(&code);
}

static void
daemon_killed_at_random_moments_files_what_it_would_have(void **state)
{
    harness *daemon = *state;
    char disturbed[IW_ID_LENGTH + 1], undisturbed[IW_ID_LENGTH + 1];
    md code;
    int left = kills();
    int pieces_each = STEPS / PIECE / (left + 1);
    harness_start(daemon, NULL, 0);
    md_open(&code, daemon, ATOMS, NULL, NULL);
    code.cold = COLD;
    memcpy(disturbed, code.run.id, sizeof disturbed);
    for (int piece = 0; piece < STEPS / PIECE; piece++) {
        uint64_t first = (uint64_t)(piece * PIECE) + 1;
        md_send(&code, first, first + PIECE - 1);
        if (left > 0 && piece % pieces_each == pieces_each - 1) {
            pause_ms(random_ms(30));
            harness_kill(daemon, SIGKILL);
            harness_start(daemon, NULL, 0);
            left--;
        }
    }
    assert_int_equal(ionwatch_finish(code.handle, "completed"), IONWATCH_OK);
    md_close(&code);
    stream_undisturbed(daemon, undisturbed);
    assert_same_record(daemon, disturbed, undisturbed);
}

/* The MD code as a process of its own: goes on from its last checkpoint, up to the end. */
static int
be_md(char **argv)
{
    harness daemon = {.folder = ""};
    md code;
    (void)snprintf(daemon.endpoint, sizeof daemon.endpoint, "%s", argv[2]);
    (void)snprintf(daemon.folder, sizeof daemon.folder, "%s", argv[3]);
    char line[32];
    FILE *checkpoint = fopen(argv[5], "r+");
    if (!checkpoint || !fgets(line, sizeof line, checkpoint))
        return 1;
    unsigned long step = strtoul(line, NULL, 10);
    md_open(&code, &daemon, ATOMS, argv[4], NULL);
    code.cold = COLD;
    while (step < STEPS) {
        md_send(&code, step + 1, step + PIECE);
        step += PIECE;
        pause_ms(1);
        /* What lies before a checkpoint is not computed again, so it must have arrived. */
        if (step % CHECKPOINT == 0) {
            if (ionwatch_flush(code.handle, 20000) != IONWATCH_OK)
                return 2;
            rewind(checkpoint);
            if (fprintf(checkpoint, "%lu\n", step) < 0 || fflush(checkpoint) != 0)
                return 3;
        }
    }
    (void)ionwatch_finish(code.handle, "completed");
    md_close(&code);
    return fclose(checkpoint);
}

static pid_t
start_md(const harness *daemon, const char *id, const char *checkpoint)
{
    pid_t child = fork();
    if (child == 0) {
        (void)execl("/proc/self/exe", "kills_test", "md", daemon->endpoint, daemon->folder, id,
                    checkpoint, (char *)NULL);
        _exit(127);
    }
    return child;
}

static void
adapter_killed_at_random_moments_files_what_it_would_have(void **state)
{
    harness *daemon = *state;
    char disturbed[IW_ID_LENGTH + 1], undisturbed[IW_ID_LENGTH + 1], checkpoint[128];
    iw_error err;
    int result;
    harness_start(daemon, NULL, 0);
    assert_ok(iw_uuid_new(disturbed, &err), err);
    (void)snprintf(checkpoint, sizeof checkpoint, "%s/checkpoint", daemon->folder);
    FILE *file = fopen(checkpoint, "w");
    assert_non_null(file);
    (void)fputs("0\n", file);
    assert_int_equal(fclose(file), 0);
    for (int left = kills(); left > 0; left--) {
        pid_t child = start_md(daemon, disturbed, checkpoint);
        pause_ms(20 + random_ms(150));
        if (left % 2 == 0) { /* now and then both of them */
            harness_kill(daemon, SIGKILL);
            pause_ms(random_ms(50));
        }
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &result, 0), child);
        if (left % 2 == 0)
            harness_start(daemon, NULL, 0);
    }
    pid_t child = start_md(daemon, disturbed, checkpoint);
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    assert_int_equal(WEXITSTATUS(result), 0);
    stream_undisturbed(daemon, undisturbed);
    assert_same_record(daemon, disturbed, undisturbed);
}

int
main(int argc, char **argv)
{
    const char *set = getenv("IONWATCH_SEED");
    if (argc == 6 && strcmp(argv[1], "md") == 0)
        return be_md(argv);
    if (set)
        seed = strtoull(set, NULL, 10);
#define CASE(name) cmocka_unit_test_setup_teardown(name, harness_begin, harness_end)
    const struct CMUnitTest tests[] = {
        CASE(daemon_killed_at_random_moments_files_what_it_would_have),
        CASE(adapter_killed_at_random_moments_files_what_it_would_have),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
