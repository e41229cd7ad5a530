/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kill -9 at random moments of the whole life of a run, start-up, recovery, filing and what follows
 * BYE included: of the daemon, of the MD code (which starts again from its checkpoint), and of
 * both. What is filed at the end equals, bit for bit, what is filed of a run that nobody disturbed.
 * IONWATCH_KILLS says how often in each case, IONWATCH_SEED when; IONWATCH_SLOWNESS stretches the
 * time between kills, for a daemon that runs in valgrind.
 */
#include "filed.h"
#include "md.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The first frames are cold, so that the averages are made again while the run goes on. */
enum { ATOMS = 20, STEPS = 4000, CHECKPOINT = 50, PIECE = 10, COLD = 700 };

/* Kills in the life of one run; after that another run begins. */
enum { KILLS_OF_A_RUN = 20 };

/* Checkpoints all the time, except of the undisturbed run: most restarts go on from one. */
static const char *const often[] = {"--checkpoint-mib", "0.02", NULL};

static uint64_t seed = 20260131;
static char *rows; /* of the undisturbed run */

/* Where a kill found the daemon. */
enum { DOWN, STARTING, REPLAY, INTAKE, ENDING, FILED, PLACES };

static const char *const place_names[PLACES] = {
    [DOWN] = "before it could say a word", [STARTING] = "starting and recovering",
    [REPLAY] = "ready, no new frame yet",  [INTAKE] = "taking frames",
    [ENDING] = "after BYE, filing",        [FILED] = "after filing"};

/* One run and who is killed. */
typedef struct {
    harness *daemon;
    char id[IW_ID_LENGTH + 1], checkpoint[128];
    pid_t md;
    int pause; /* the MD code's, in ms for each piece */
    long log_from;
    off_t journal_from;
    unsigned found[PLACES], daemon_kills, md_kills, runs;
} life;

static int
kills(void)
{
    const char *set = getenv("IONWATCH_KILLS");
    return set ? (int)strtol(set, NULL, 10) : 6;
}

static long
random_ms(long most)
{
    return (long)(iw_test_uniform(&seed) * (double)most);
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
    long pause = strtol(argv[6], NULL, 10);
    md_open(&code, &daemon, ATOMS, argv[4], NULL);
    code.cold = COLD;
    while (step < STEPS) {
        md_send(&code, step + 1, step + PIECE);
        step += PIECE;
        pause_ms(pause);
        /* What lies before a checkpoint is not computed again, so it must have arrived. */
        if (step % CHECKPOINT == 0) {
            if (md_flush(&code) != IONWATCH_OK) {
                print_error("step %lu: %s\n", step, ionwatch_error(code.handle));
                return 2;
            }
            rewind(checkpoint);
            if (fprintf(checkpoint, "%lu\n", step) < 0 || fflush(checkpoint) != 0)
                return 3;
        }
    }
    (void)ionwatch_finish(code.handle, "completed");
    ionwatch_status closed = ionwatch_close(&code.handle, 60000);
    md_close(&code);
    (void)fclose(checkpoint);
    return closed == IONWATCH_OK ? 0 : 4;
}

static void
start_md(life *self)
{
    char pause[16];
    (void)snprintf(pause, sizeof pause, "%d", self->pause);
    self->md = fork();
    if (self->md == 0) {
        (void)execl("/proc/self/exe", "kills_test", "md", self->daemon->endpoint,
                    self->daemon->folder, self->id, self->checkpoint, pause, (char *)NULL);
        _exit(127);
    }
    assert_true(self->md > 0);
}

/* True once it has ended, in order. */
static bool
md_has_ended(life *self, int options)
{
    int result;
    if (self->md == 0)
        return true;
    if (waitpid(self->md, &result, options) != self->md)
        return false;
    self->md = 0;
    if (!WIFEXITED(result) || WEXITSTATUS(result) != 0)
        fail_msg("the MD code ended with status %d", result);
    return true;
}

static off_t
journal_size(const life *self)
{
    char path[256];
    struct stat info;
    (void)snprintf(path, sizeof path, "%s/runs/%s/journal.iwlog", self->daemon->data, self->id);
    return stat(path, &info) == 0 ? info.st_size : 0;
}

static void
start_daemon(life *self)
{
    FILE *log = fopen(self->daemon->log, "r");
    self->log_from = 0;
    if (log && fseek(log, 0, SEEK_END) == 0)
        self->log_from = ftell(log);
    if (log)
        (void)fclose(log);
    self->journal_from = journal_size(self);
    harness_launch(self->daemon, often, 0);
}

/* By what it has said since it was started. */
static int
place_of_daemon(const life *self)
{
    int place = DOWN;
    char line[2048];
    FILE *log = fopen(self->daemon->log, "r");
    if (!log || fseek(log, self->log_from, SEEK_SET) != 0)
        return place;
    while (fgets(line, sizeof line, log)) {
        if (strncmp(line, "main.start ", 11) == 0)
            place = STARTING;
        else if (strncmp(line, "intake.ready ", 13) == 0)
            place = REPLAY;
        else if (strncmp(line, "intake.ended ", 13) == 0)
            place = ENDING;
        else if (strncmp(line, "store.filed ", 12) == 0)
            place = FILED;
    }
    (void)fclose(log);
    return place == REPLAY && journal_size(self) > self->journal_from ? INTAKE : place;
}

static void
kill_daemon(life *self)
{
    self->found[place_of_daemon(self)]++;
    self->daemon_kills++;
    harness_kill(self->daemon, SIGKILL);
}

static void
kill_md(life *self)
{
    if (self->md == 0)
        return;
    (void)kill(self->md, SIGKILL);
    (void)waitpid(self->md, NULL, 0);
    self->md = 0;
    self->md_kills++;
}

/* Half of the moments are soon after a start. */
static void
wait_a_moment(void)
{
    const char *slow = getenv("IONWATCH_SLOWNESS");
    pause_ms((slow ? strtol(slow, NULL, 10) : 1) *
             (iw_test_uniform(&seed) < 0.5 ? random_ms(80) : random_ms(400)));
}

static void
begin_life(life *self)
{
    iw_error err;
    assert_ok(iw_uuid_new(self->id, &err), err);
    (void)snprintf(self->checkpoint, sizeof self->checkpoint, "%s/checkpoint",
                   self->daemon->folder);
    FILE *file = fopen(self->checkpoint, "w");
    assert_non_null(file);
    (void)fputs("0\n", file);
    assert_int_equal(fclose(file), 0);
    self->pause = (int)random_ms(5);
    self->runs++;
    start_daemon(self);
    start_md(self);
}

/* The MD code comes to its end, which is when the run is filed: the daemon is killed meanwhile.
 * Then nobody is disturbed any more, and the record is the undisturbed one. */
static void
end_life(life *self, bool restarts, bool kills_daemon)
{
    if (self->md == 0 && restarts)
        start_md(self);
    (void)md_has_ended(self, 0);
    for (int i = 0; i < 3 && kills_daemon; i++) {
        pause_ms(random_ms(25));
        kill_daemon(self);
        start_daemon(self);
    }
    harness_kill(self->daemon, SIGKILL);
    harness_start(self->daemon, often, 0);
    assert_filed(self->daemon, self->id, rows);
    harness_kill(self->daemon, SIGTERM);
}

static unsigned
restarts_from_checkpoints(const harness *daemon)
{
    char line[1024];
    unsigned n = 0;
    FILE *file = fopen(daemon->log, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        n += strncmp(line, "worker.recovered", 16) == 0 && strstr(line, "checkpoint at frame");
    (void)fclose(file);
    return n;
}

static void
print_figures(const life *self, const char *who)
{
    unsigned taken_up = restarts_from_checkpoints(self->daemon);
    print_message(
        "%s: %u kills of the daemon, %u of the MD code, %u runs of %d frames, all records "
        "equal%s\n",
        who, self->daemon_kills, self->md_kills, self->runs, STEPS,
        self->daemon_kills > 0 ? "; the daemon was" : "");
    for (int i = 0; self->daemon_kills > 0 && i < PLACES; i++)
        print_message("  %4u %s\n", self->found[i], place_names[i]);
    if (self->daemon_kills > 0) {
        print_message("  %4u restarts went on from a checkpoint\n", taken_up);
        assert_true(taken_up > 0 || self->daemon_kills < 50);
    }
}

static void
daemon_killed_at_random_moments_files_what_it_would_have(void **state)
{
    life self = {.daemon = *state};
    for (int left = kills(); left > 0;) {
        begin_life(&self);
        for (int i = 0; i < KILLS_OF_A_RUN && left > 0; i++, left--) {
            wait_a_moment();
            kill_daemon(&self);
            start_daemon(&self);
            (void)md_has_ended(&self, WNOHANG);
        }
        end_life(&self, false, true);
    }
    print_figures(&self, "daemon");
}

static void
md_code_killed_at_random_moments_files_what_it_would_have(void **state)
{
    life self = {.daemon = *state};
    for (int left = kills(); left > 0;) {
        begin_life(&self);
        bool ended = false;
        for (int i = 0; i < KILLS_OF_A_RUN && left > 0 && !ended; i++, left--) {
            wait_a_moment();
            ended = md_has_ended(&self, WNOHANG);
            kill_md(&self);
            if (!ended)
                start_md(&self);
        }
        end_life(&self, !ended, false);
    }
    print_figures(&self, "MD code");
}

static void
both_killed_at_random_moments_file_what_they_would_have(void **state)
{
    life self = {.daemon = *state};
    for (int left = kills(); left > 0;) {
        begin_life(&self);
        bool ended = false;
        for (int i = 0; i < KILLS_OF_A_RUN && left > 0; i++, left--) {
            wait_a_moment();
            ended = ended || md_has_ended(&self, WNOHANG);
            if (iw_test_uniform(&seed) < 0.5) {
                kill_daemon(&self);
                kill_md(&self);
            } else {
                kill_md(&self);
                pause_ms(random_ms(30));
                kill_daemon(&self);
            }
            start_daemon(&self);
            if (!ended)
                start_md(&self);
        }
        end_life(&self, !ended, true);
    }
    print_figures(&self, "both");
}

static int
stream_undisturbed(void **state)
{
    (void)state;
    rows = md_undisturbed(ATOMS, STEPS, COLD);
    return 0;
}

static int
forget_undisturbed(void **state)
{
    (void)state;
    free(rows);
    return 0;
}

int
main(int argc, char **argv)
{
    const char *set = getenv("IONWATCH_SEED");
    if (argc == 7 && strcmp(argv[1], "md") == 0)
        return be_md(argv);
    if (set)
        seed = strtoull(set, NULL, 10);
#define CASE(name) cmocka_unit_test_setup_teardown(name, harness_begin, harness_end)
    const struct CMUnitTest tests[] = {
        CASE(daemon_killed_at_random_moments_files_what_it_would_have),
        CASE(md_code_killed_at_random_moments_files_what_it_would_have),
        CASE(both_killed_at_random_moments_file_what_they_would_have),
    };
    return cmocka_run_group_tests(tests, stream_undisturbed, forget_undisturbed);
}
