/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The power goes.  Two runs stream to a daemon that is killed once in between, while everything
 * that reaches the disk is written down; then the disk is made as a power cut at a random moment
 * may leave it, everything starts again on that, and the records that are filed in the end equal
 * those of runs that nobody disturbed, bit for bit.
 *
 * By turns the adapters' machine goes on, and has every frame that was not acknowledged; or it is
 * the same machine, and the MD codes start again from their checkpoints on what is left of their
 * spools.  In a second case the disk also refuses every eighth sync for a while, and keeps of the
 * bytes what it likes.  IONWATCH_CUTS says how often the power goes, IONWATCH_SEED when.
 */
#include "disk.h"
#include "filed.h"
#include "md.h"

#include "framelog.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ATOMS = 8,
    STEPS = 600,
    PIECE = 10,
    CHECKPOINT = 100,
    OFFLINE = 200,
    QUEUE = 4096,
    RUNS = 2
};

static uint64_t seed = 20260131;

/* The scene: where things lie, and what is known of the undisturbed runs. */
typedef struct {
    harness *daemon;
    char root[128], log[128], state[128], control[128];
    oplog_control *refusals; /* of the disk; NULL: none */
    char id[RUNS][IW_ID_LENGTH + 1];
    char *rows; /* of both: they have the same frames */
    unsigned same_machine, other_machine, complete, torn;
    uint64_t acknowledged; /* in all states */
} scene;

/* The MD code as a process of its own.  It begins with frames that find no daemon, and are left in
 * the spool. */
static int
be_md(char **argv)
{
    harness nobody = {.folder = ""}, daemon = {.folder = ""};
    const char *spool = argv[3];
    const char *id = argv[4];
    unsigned long step = strtoul(argv[5], NULL, 10);
    unsigned long offline = strtoul(argv[6], NULL, 10);
    md code;
    (void)snprintf(daemon.endpoint, sizeof daemon.endpoint, "%s", argv[2]);
    (void)snprintf(nobody.endpoint, sizeof nobody.endpoint, "%.100s-nobody", argv[2]);
    if (step < offline) {
        md_open_small(&code, &nobody, ATOMS, id, QUEUE, spool);
        md_send(&code, step + 1, offline);
        if (ionwatch_close(&code.handle, 0) != IONWATCH_AGAIN)
            return 2;
        md_close(&code);
        step = offline;
        if (oplog_mark)
            oplog_mark(OP_CHECKPOINT, id, step);
    }
    md_open_small(&code, &daemon, ATOMS, id, QUEUE, spool);
    for (; step < STEPS; step += PIECE) {
        if (step % CHECKPOINT == 0 && step > 0) {
            if (md_flush(&code) != IONWATCH_OK)
                return 3;
            if (oplog_mark)
                oplog_mark(OP_CHECKPOINT, id, step);
        }
        md_send(&code, step + 1, step + PIECE);
        pause_ms(1);
    }
    (void)ionwatch_finish(code.handle, "completed");
    if (ionwatch_close(&code.handle, 30000) != IONWATCH_OK)
        return 4;
    if (oplog_mark) /* it will not be started again */
        oplog_mark(OP_CHECKPOINT, id, STEPS + 1);
    md_close(&code);
    return 0;
}

static pid_t
start_md(const scene *self, const char *spool, int run, uint64_t step, bool recorded)
{
    char from[32], offline[32];
    (void)snprintf(from, sizeof from, "%llu", (unsigned long long)step);
    (void)snprintf(offline, sizeof offline, "%d", run == 1 ? OFFLINE : 0);
    pid_t child = fork();
    if (child != 0)
        return child;
    for (const char *const *set = self->daemon->environment; recorded && set[0]; set += 2)
        (void)setenv(set[0], set[1], 1);
    (void)unsetenv("IONWATCH_POWER_CONTROL"); /* its disk is another one, and sound */
    (void)execl("/proc/self/exe", "power_test", "md", self->daemon->endpoint, spool, self->id[run],
                from, offline, (char *)NULL);
    _exit(127);
}

static void
wait_md(pid_t child)
{
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    if (WEXITSTATUS(result) != 0)
        fail_msg("the MD code ended with %d", WEXITSTATUS(result));
}

static int
remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void
use_data(scene *self, const char *folder)
{
    (void)snprintf(self->daemon->data, sizeof self->daemon->data, "%.100s/data", folder);
}

/* The same frames to a daemon that nobody disturbs: what the records should be. */
static void
stream_undisturbed(scene *self)
{
    char calm[128], path[256];
    (void)snprintf(calm, sizeof calm, "%s/calm", self->daemon->folder);
    assert_int_equal(mkdir(calm, 0700), 0);
    use_data(self, calm);
    harness_start(self->daemon, NULL, 0);
    for (int run = 0; run < RUNS; run++) {
        iw_error err;
        assert_ok(iw_uuid_new(self->id[run], &err), err);
    }
    wait_md(start_md(self, calm, 0, 0, false));
    harness_wait_state(self->daemon, self->id[0], "completed");
    (void)snprintf(path, sizeof path, "%s/ionwatch.db", self->daemon->data);
    self->rows = filed_rows(path, self->id[0]);
    assert_non_null(self->rows);
    harness_kill(self->daemon, SIGTERM);
}

/* What is to be cut: both runs, recorded. */
static void
record(scene *self)
{
    const char *environment[] = {"LD_PRELOAD",
                                 IONWATCH_RECORDER,
                                 "IONWATCH_POWER_ROOT",
                                 self->root,
                                 "IONWATCH_POWER_LOG",
                                 self->log,
                                 self->refusals ? "IONWATCH_POWER_CONTROL" : NULL,
                                 self->control,
                                 NULL};
    pid_t child[RUNS];
    assert_int_equal(mkdir(self->root, 0700), 0);
    use_data(self, self->root);
    self->daemon->environment = environment;
    harness_start(self->daemon, NULL, 0);
    for (int run = 0; run < RUNS; run++)
        child[run] = start_md(self, self->root, run, 0, true);
    pause_ms(100);
    if (self->refusals)
        atomic_store(&self->refusals->sync_error, EIO);
    pause_ms(self->refusals ? 600 : 50);
    if (self->refusals)
        atomic_store(&self->refusals->sync_error, 0);
    /* Not between a call and its entry: the log would lack what the restarted daemon finds. */
    int log = open(self->log, O_RDONLY | O_CLOEXEC);
    assert_true(log >= 0 && flock(log, LOCK_EX) == 0);
    harness_kill(self->daemon, SIGKILL);
    (void)close(log);
    harness_start(self->daemon, NULL, 0);
    for (int run = 0; run < RUNS; run++)
        wait_md(child[run]);
    for (int run = 0; run < RUNS; run++)
        assert_filed(self->daemon, self->id[run], self->rows);
    harness_kill(self->daemon, SIGTERM);
    self->daemon->environment = NULL;
}

/* Every frame that was acknowledged is in the journal as it is found. */
static void
check_journal(scene *self, const char *id, uint64_t acknowledged)
{
    char path[512];
    bool *seen = calloc(STEPS + 1, sizeof *seen);
    iw_framelog_record found;
    iw_error err;
    (void)snprintf(path, sizeof path, "%s/runs/%s/journal.iwlog", self->daemon->data, id);
    iw_framelog_reader *log = iw_framelog_reader_open(path, &err);
    iw_status status = log ? IW_OK : IW_END;
    bool torn = false;
    while (status == IW_OK || status == IW_CORRUPT) {
        status = iw_framelog_next(log, &found, &err);
        torn |= status == IW_CORRUPT;
        if (status == IW_OK && found.kind == IW_MSG_FRAME && found.seq <= STEPS)
            seen[found.seq] = true;
    }
    self->torn += log && (torn || status == IW_AGAIN);
    if (log)
        iw_framelog_reader_close(&log);
    for (uint64_t seq = 1; seq <= acknowledged && seq <= STEPS; seq++)
        if (!seen[seq])
            fail_msg("frame %llu of %llu acknowledged ones is not in %s", (unsigned long long)seq,
                     (unsigned long long)acknowledged, path);
    free(seen);
    self->acknowledged += acknowledged;
}

/* The adapter on another machine has every frame that was not acknowledged. */
static void
go_on_by_hand(scene *self, const char *id, uint64_t acknowledged)
{
    iw_run_info run;
    iw_frame frame;
    iw_error err;
    iw_message message;
    synthetic_run(&run, ATOMS);
    (void)snprintf(run.id, sizeof run.id, "%s", id);
    assert_ok(iw_frame_init(&frame, ATOMS, &err), err);
    void *peer = peer_open(self->daemon);
    peer_hello(peer, &run, IW_PROTOCOL_VERSION, "11111111-1111-4111-8111-111111111111");
    peer_expect(peer, IW_MSG_WELCOME, &message);
    if (message.seq <= acknowledged)
        fail_msg("the daemon wants frame %llu again, which it acknowledged: it is gone",
                 (unsigned long long)message.seq);
    uint64_t next = message.seq;
    for (uint64_t seq = next; seq <= STEPS; seq++) {
        synthetic_frame(&run, seq, &frame);
        peer_frame(peer, &frame);
    }
    if (next <= STEPS)
        peer_expect_ack(peer, STEPS);
    peer_bye(peer, STEPS, "completed");
    peer_expect(peer, IW_MSG_FILED, &message);
    peer_close(self->daemon, &peer);
    iw_frame_fini(&frame);
    iw_run_info_fini(&run);
}

/* One power cut: what is there, and what comes of it. */
static void
cut(scene *self, const disk *recorded, size_t at, bool same_machine)
{
    pid_t child[RUNS] = {0};
    uint64_t chosen = seed;
    if (!disk_make(recorded, at, &seed, self->state))
        fail_msg("the state of cut %zu cannot be made in %s", at, self->state);
    use_data(self, self->state);
    print_message("cut %zu, seed %llu, %s machine\n", at, (unsigned long long)chosen,
                  same_machine ? "the same" : "another");
    for (int run = 0; run < RUNS; run++)
        check_journal(self, self->id[run], disk_promised(recorded, at, OP_ACK, self->id[run]));
    harness_start(self->daemon, NULL, 0);
    for (int run = 0; run < RUNS; run++) {
        uint64_t step = disk_promised(recorded, at, OP_CHECKPOINT, self->id[run]);
        bool filed = disk_promised(recorded, at, OP_FILED, self->id[run]) > 0;
        self->complete += filed || (same_machine && step > STEPS);
        if (filed || (same_machine && step > STEPS))
            continue;
        if (same_machine)
            child[run] = start_md(self, self->state, run, step, false);
        else
            go_on_by_hand(self, self->id[run], disk_promised(recorded, at, OP_ACK, self->id[run]));
    }
    for (int run = 0; run < RUNS; run++) {
        if (child[run] > 0)
            wait_md(child[run]);
        assert_filed(self->daemon, self->id[run], self->rows);
    }
    harness_kill(self->daemon, SIGTERM);
    (void)nftw(self->state, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
print_figures(const scene *self, const disk *recorded, size_t cuts)
{
    static const char *const words[] = {[OP_CREATE] = "files made",
                                        [OP_WRITE] = "writes",
                                        [OP_TRUNCATE] = "truncations",
                                        [OP_SYNC] = "syncs",
                                        [OP_SYNC_FOLDER] = "syncs of folders",
                                        [OP_RENAME] = "renames",
                                        [OP_UNLINK] = "removals",
                                        [OP_ACK] = "acknowledgements"};
    size_t count[sizeof words / sizeof words[0]] = {0};
    for (size_t i = 0; i < disk_size(recorded); i++)
        if ((size_t)disk_op(recorded, i) < sizeof words / sizeof words[0])
            count[disk_op(recorded, i)]++;
    print_message("recorded %zu operations:", disk_size(recorded));
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i])
            print_message(" %zu %s,", count[i], words[i]);
    print_message("\npower cuts %zu: %u with the adapters on the same machine, %u on another; runs "
                  "that had ended %u; torn journals %u; frames that had been acknowledged %llu, "
                  "lost 0; all records equal\n",
                  cuts, self->same_machine, self->other_machine, self->complete, self->torn,
                  (unsigned long long)self->acknowledged);
    assert_true(count[OP_ACK] > 20); /* else nothing was proven */
    assert_true(count[OP_SYNC] > 20);
}

static void
make_control(scene *self)
{
    (void)snprintf(self->control, sizeof self->control, "%s/control", self->daemon->folder);
    int fd = open(self->control, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, sizeof *self->refusals), 0);
    self->refusals = mmap(NULL, sizeof *self->refusals, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(self->refusals != MAP_FAILED);
    (void)close(fd);
    atomic_store(&self->refusals->every, 8);
}

static void
cut_again_and_again(harness *daemon, bool refusing)
{
    scene self = {.daemon = daemon};
    const char *set = getenv("IONWATCH_CUTS");
    size_t cuts = set ? strtoul(set, NULL, 10) : 10;
    (void)snprintf(self.root, sizeof self.root, "%s/watched", self.daemon->folder);
    (void)snprintf(self.state, sizeof self.state, "%s/state", self.daemon->folder);
    (void)snprintf(self.log, sizeof self.log, "%s/oplog", self.daemon->folder);
    if (refusing)
        make_control(&self);
    stream_undisturbed(&self);
    record(&self);
    disk *recorded = disk_load(self.log, self.root);
    assert_non_null(recorded);
    assert_true(disk_size(recorded) > 100);
    for (int run = 0; run < RUNS; run++)
        assert_true(disk_names_first(recorded, self.id[run]));
    for (size_t i = 0; i < cuts; i++) {
        size_t at = (size_t)(iw_test_uniform(&seed) * (double)(disk_size(recorded) + 1));
        bool same_machine = i % 2 == 1;
        *(same_machine ? &self.same_machine : &self.other_machine) += 1;
        cut(&self, recorded, at, same_machine);
    }
    print_figures(&self, recorded, cuts);
    if (refusing) {
        print_message("syncs refused: %d\n", atomic_load(&self.refusals->failed));
        assert_true(atomic_load(&self.refusals->failed) > 0);
        (void)munmap(self.refusals, sizeof *self.refusals);
    }
    disk_destroy(&recorded);
    free(self.rows);
}

static void
what_is_left_by_a_power_cut_becomes_the_undisturbed_record(void **state)
{
    cut_again_and_again(*state, false);
}

static void
what_is_left_after_refused_syncs_becomes_the_undisturbed_record(void **state)
{
    cut_again_and_again(*state, true);
}

int
main(int argc, char **argv)
{
    const char *set = getenv("IONWATCH_SEED");
    if (argc == 7 && strcmp(argv[1], "md") == 0)
        return be_md(argv);
    if (set)
        seed = strtoull(set, NULL, 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_left_by_a_power_cut_becomes_the_undisturbed_record,
                                        harness_begin, harness_end),
        cmocka_unit_test_setup_teardown(
            what_is_left_after_refused_syncs_becomes_the_undisturbed_record, harness_begin,
            harness_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
