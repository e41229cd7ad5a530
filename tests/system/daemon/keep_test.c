/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What becomes of journals once their runs are filed: keep = trajectory and nothing.
 * IONWATCH_KILLS says how often the daemon is killed, IONWATCH_SEED when.
 */
#include "md.h"

#include <errno.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ATOMS = 400, HALF = 500, ALL = 800 }; /* 10 kB a frame */

static const char *const pack_at_once[] = {"--keep", "trajectory", "--keep-after-s", "0", NULL};
static const char *const pack_soon[] = {"--keep", "trajectory", "--keep-after-s", "2", NULL};
static const char *const drop_at_once[] = {"--keep", "nothing", "--keep-after-s", "0", NULL};

static void
path_of(const harness *daemon, const char *id, const char *file, char path[512])
{
    (void)snprintf(path, 512, "%s/runs/%s/%s", daemon->data, id, file);
}

static bool
is_there(const harness *daemon, const char *id, const char *file)
{
    char path[512];
    path_of(daemon, id, file, path);
    return access(path, F_OK) == 0;
}

static void
wait_for_file(const harness *daemon, const char *id, const char *file, bool wanted)
{
    for (int i = 0; i < 600 && is_there(daemon, id, file) != wanted; i++)
        pause_ms(50);
    if (is_there(daemon, id, file) != wanted)
        fail_msg("%s is %s after 30 s", file, wanted ? "not there" : "still there");
}

static void
wait_for_log(const harness *daemon, const char *text)
{
    for (int i = 0; i < 400; i++) {
        FILE *file = fopen(daemon->log, "r");
        char line[2048];
        bool found = false;
        while (file && !found && fgets(line, sizeof line, file))
            found = strstr(line, text) != NULL;
        if (file)
            (void)fclose(file);
        if (found)
            return;
        pause_ms(50);
    }
    fail_msg("\"%s\" is not in the log", text);
}

/* A job of the MD code; id "" is a new run, and filled. */
static void
stream_frames(harness *daemon, char id[IW_ID_LENGTH + 1], uint64_t first, uint64_t last)
{
    md code;
    md_open(&code, daemon, ATOMS, *id ? id : NULL, NULL);
    memcpy(id, code.run.id, IW_ID_LENGTH + 1);
    for (uint64_t next = first; next <= last; next += HALF) { /* each within the harness's time */
        uint64_t end = last - next < HALF ? last : next + HALF - 1;
        md_send(&code, next, end);
        json_t *record = harness_show(daemon, id, end);
        json_decref(record);
    }
    assert_int_equal(ionwatch_finish(code.handle, "completed"), IONWATCH_OK);
    md_close(&code);
}

static void
assert_all_there(harness *daemon, const char *id, const char *undisturbed)
{
    json_t *record = harness_show(daemon, id, ALL);
    json_decref(record);
    assert_filed_alike(daemon, id, undisturbed, ALL);
}

/* The same two jobs on a daemon that leaves the journal alone. */
static void
make_undisturbed(harness *daemon, char id[IW_ID_LENGTH + 1])
{
    *id = '\0';
    harness_start(daemon, NULL, 0);
    stream_frames(daemon, id, 1, HALF);
    stream_frames(daemon, id, HALF + 1, ALL);
    json_t *record = harness_show(daemon, id, ALL);
    json_decref(record);
    harness_kill(daemon, SIGTERM);
}

static void
journal_stays_until_its_time_and_is_then_packed(void **state)
{
    harness *daemon = *state;
    char id[IW_ID_LENGTH + 1] = "";
    char plain[512], packed[512];
    struct stat before, after;
    harness_start(daemon, pack_soon, 0);
    stream_frames(daemon, id, 1, HALF);
    path_of(daemon, id, "journal.iwlog", plain);
    path_of(daemon, id, "journal.iwpack", packed);
    harness_wait_state(daemon, id, "completed");
    pause_ms(500);
    assert_int_equal(stat(plain, &before), 0);
    wait_for_file(daemon, id, "journal.iwlog", false);
    assert_int_equal(stat(packed, &after), 0);
    assert_true(after.st_size > 0 && after.st_size < before.st_size);
    assert_int_equal(after.st_mode & 0777, 0600);
    json_t *record = harness_show(daemon, id, HALF);
    json_decref(record);
    harness_kill(daemon, SIGTERM);
    harness_start(daemon, NULL, 0); /* keep = all leaves what is packed as it is */
    harness_wait_state(daemon, id, "completed");
    record = harness_show(daemon, id, HALF);
    json_decref(record);
    assert_true(is_there(daemon, id, "journal.iwpack"));
}

static void
packed_run_goes_on_as_if_nothing_had_been(void **state)
{
    harness *daemon = *state;
    char id[IW_ID_LENGTH + 1] = "";
    char undisturbed[IW_ID_LENGTH + 1];
    make_undisturbed(daemon, undisturbed);
    harness_start(daemon, pack_at_once, 0);
    stream_frames(daemon, id, 1, HALF);
    wait_for_file(daemon, id, "journal.iwlog", false);
    stream_frames(daemon, id, HALF + 1, ALL);
    assert_all_there(daemon, id, undisturbed);
    assert_true(harness_log_has(daemon, "keeper.unpacked"));
    wait_for_file(daemon, id, "journal.iwlog", false); /* and is packed again */
    assert_true(is_there(daemon, id, "journal.iwpack"));
}

static void
runs_that_became_due_while_the_daemon_was_down_are_packed(void **state)
{
    harness *daemon = *state;
    char ids[3][IW_ID_LENGTH + 1] = {"", "", ""};
    harness_start(daemon, NULL, 0);
    for (int i = 0; i < 3; i++) {
        stream_frames(daemon, ids[i], 1, 50);
        harness_wait_state(daemon, ids[i], "completed");
    }
    harness_kill(daemon, SIGTERM);
    harness_start(daemon, pack_at_once, 0);
    for (int i = 0; i < 3; i++) {
        wait_for_file(daemon, ids[i], "journal.iwlog", false);
        assert_true(is_there(daemon, ids[i], "journal.iwpack"));
    }
}

/* Output of a command, for comparisons; the caller frees. */
static char *
output_of(const char *format, ...)
{
    char command[2048];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(command, sizeof command, format, args);
    va_end(args);
    FILE *pipe = popen(command, "r"); /* NOLINT(cert-env33-c): the shell sees our own words */
    assert_non_null(pipe);
    enum { ROOM = 1 << 22 };
    char *text = calloc(ROOM, 1);
    assert_non_null(text);
    size_t n = fread(text, 1, ROOM - 1, pipe);
    assert_true(n > 0 && n < ROOM - 1);
    assert_int_equal(pclose(pipe), 0);
    return text;
}

static void
packed_journal_is_analysed_like_the_plain_one_and_can_be_unpacked(void **state)
{
    harness *daemon = *state;
    char id[IW_ID_LENGTH + 1] = "";
    char plain[512], packed[512], copy[512];
    harness_start(daemon, NULL, 0);
    stream_frames(daemon, id, 1, HALF);
    harness_wait_state(daemon, id, "completed");
    harness_kill(daemon, SIGTERM);
    path_of(daemon, id, "journal.iwlog", plain);
    path_of(daemon, id, "journal.iwpack", packed);
    (void)snprintf(copy, sizeof copy, "%s/copy.iwlog", daemon->folder);
    char *sum = output_of("cp %s %s && cksum < %s", plain, copy, copy);
    harness_start(daemon, pack_at_once, 0);
    wait_for_file(daemon, id, "journal.iwlog", false);
    const char *analyze = IONWATCH_BUILD_DIR "/ionwatch analyze --name x --json --series --full";
    /* but for the id, which is made of the path, and the path itself */
    const char *mask =
        "sed -e 's/\"id\":\"[^\"]*\"//' -e 's#/[^\"]*/\\(copy\\|journal\\)[^\"]*##g'";
    char *expected = output_of("%s %s | %s", analyze, copy, mask);
    char *actual = output_of("%s %s | %s", analyze, packed, mask);
    assert_string_equal(actual, expected);
    char *again =
        output_of("rm %s && " IONWATCH_BUILD_DIR "/ionwatch unpack %s -o %s && cksum < %s", copy,
                  packed, copy, copy);
    assert_string_equal(again, sum);
    free(sum);
    free(expected);
    free(actual);
    free(again);
}

static void
run_without_frames_is_listed_shown_and_refused(void **state)
{
    harness *daemon = *state;
    char id[IW_ID_LENGTH + 1] = "";
    iw_message refused;
    harness_start(daemon, drop_at_once, 0);
    stream_frames(daemon, id, 1, HALF);
    for (int start = 0; start < 2; start++) { /* by this daemon, and by the next one */
        wait_for_file(daemon, id, "journal.iwlog", false);
        assert_true(is_there(daemon, id, "summary.json"));
        assert_false(is_there(daemon, id, "journal.iwpack"));
        harness_wait_state(daemon, id, "completed");
        json_t *record = harness_show(daemon, id, HALF);
        json_decref(record);
        iw_run_info run;
        synthetic_run(&run, ATOMS);
        memcpy(run.id, id, sizeof run.id);
        pause_ms(300);
        void *peer = peer_open(daemon);
        peer_hello(peer, &run, IW_PROTOCOL_VERSION, "33333333-3333-4333-8333-333333333333");
        peer_expect(peer, IW_MSG_REFUSED, &refused);
        assert_int_equal(refused.status, IW_REFUSED);
        assert_non_null(strstr(refused.text, "give the continuation another run id"));
        peer_close(daemon, &peer);
        iw_run_info_fini(&run);
        harness_wait_state(daemon, id, "completed");
        harness_kill(daemon, start == 0 ? SIGTERM : SIGKILL);
        harness_start(daemon, drop_at_once, 0);
    }
    iw_message answer;
    json_t *removed = harness_ask(daemon, "rm", id, false, &answer);
    json_decref(removed);
    assert_int_equal(answer.status, IW_OK);
    assert_false(is_there(daemon, id, ""));
    stream_frames(daemon, id, 1, 20); /* the id is free again */
    harness_wait_state(daemon, id, "completed");
}

static void
removed_while_it_is_packed_a_run_is_gone_and_its_id_is_free(void **state)
{
    harness *daemon = *state;
    harness_start(daemon, pack_at_once, 0);
    for (int round = 0; round < 6; round++) {
        char id[IW_ID_LENGTH + 1] = "";
        iw_message answer;
        stream_frames(daemon, id, 1, HALF);
        harness_wait_state(daemon, id, "completed");
        pause_ms(15L * round);
        json_t *removed = harness_ask(daemon, "rm", id, false, &answer);
        json_decref(removed);
        assert_int_equal(answer.status, IW_OK);
        assert_false(is_there(daemon, id, ""));
        stream_frames(daemon, id, 1, 20);
        json_t *record = harness_show(daemon, id, 20);
        json_decref(record);
        pause_ms(100);
        assert_true(is_there(daemon, id, "journal.iwlog") ||
                    is_there(daemon, id, "journal.iwpack"));
    }
}

enum { LONG = 2000 }; /* 20 MB, so that packing takes a while */

/* Kills the daemon at random moments of its start, while it packs; each time it begins with the
 * plain journal.  Returns how often it was seen packing. */
static long
kill_packing(harness *daemon, const char *id, long kills, uint64_t *seed)
{
    char plain[512], packed[512], copy[512];
    long seen = 0;
    path_of(daemon, id, "journal.iwlog", plain);
    path_of(daemon, id, "journal.iwpack", packed);
    (void)snprintf(copy, sizeof copy, "%s/copy.iwlog", daemon->folder);
    free(output_of("cp -p %s %s && cksum < %s", plain, copy, copy));
    for (long i = 0; i < kills; i++) {
        harness_start(daemon, pack_at_once, 0);
        pause_ms((long)(iw_test_uniform(seed) * 400));
        harness_kill(daemon, SIGKILL);
        seen += is_there(daemon, id, "journal.iwpack.new");
        if (is_there(daemon, id, "journal.iwlog")) {
            free(output_of("cmp %s %s && echo same", plain, copy));
        } else {
            assert_true(is_there(daemon, id, "journal.iwpack"));
            (void)unlink(plain);
            free(output_of(IONWATCH_BUILD_DIR "/ionwatch unpack %s -o %s && rm %s && cmp %s %s && "
                                              "touch -d '1 hour ago' %s && echo same",
                           packed, plain, packed, plain, copy, plain));
        }
    }
    return seen;
}

/* The same while the run wants to go on. */
static long
kill_unpacking(harness *daemon, const char *id, long kills, uint64_t *seed)
{
    long seen = 0;
    for (long i = 0; i < kills && !is_there(daemon, id, "journal.iwlog"); i++) {
        pause_ms((long)(iw_test_uniform(seed) * 150));
        harness_kill(daemon, SIGKILL);
        seen += is_there(daemon, id, "journal.iwlog.new");
        assert_true(is_there(daemon, id, "journal.iwlog") ||
                    is_there(daemon, id, "journal.iwpack"));
        harness_start(daemon, pack_at_once, 0);
        for (int k = 0; k < 400 && !is_there(daemon, id, "journal.iwlog.new") &&
                        !is_there(daemon, id, "journal.iwlog");
             k++)
            pause_ms(5); /* the adapter comes back */
    }
    return seen;
}

static void
daemon_killed_while_it_packs_or_unpacks_keeps_the_journal(void **state)
{
    harness *daemon = *state;
    const char *set = getenv("IONWATCH_KILLS");
    const char *when = getenv("IONWATCH_SEED");
    long kills = set ? strtol(set, NULL, 10) : 5;
    uint64_t seed = when ? strtoull(when, NULL, 10) : 20260131;
    long unpacking = 0;
    char id[IW_ID_LENGTH + 1] = "";
    char undisturbed[IW_ID_LENGTH + 1] = "";
    md code;
    harness_start(daemon, NULL, 0);
    stream_frames(daemon, undisturbed, 1, LONG);
    stream_frames(daemon, undisturbed, LONG + 1, LONG + 20);
    stream_frames(daemon, id, 1, LONG);
    harness_wait_state(daemon, id, "completed");
    harness_kill(daemon, SIGTERM);
    long packing = kill_packing(daemon, id, kills, &seed);
    harness_start(daemon, pack_at_once, 0);
    wait_for_file(daemon, id, "journal.iwlog", false);
    md_open(&code, daemon, ATOMS, id, NULL);
    md_send(&code, LONG + 1, LONG + 1);
    unpacking = kill_unpacking(daemon, id, kills, &seed);
    md_send(&code, LONG + 2, LONG + 20);
    char reached[64] = ""; /* what was on its way to a killed daemon is missed after 15 s */
    for (int i = 0; i < 3000 && strcmp(reached, "running") != 0; i++) {
        pause_ms(20);
        harness_state(daemon, id, reached);
    }
    assert_string_equal(reached, "running");
    assert_int_equal(ionwatch_finish(code.handle, "completed"), IONWATCH_OK);
    md_close(&code);
    json_t *record = harness_show(daemon, id, LONG + 20);
    json_decref(record);
    assert_filed_alike(daemon, id, undisturbed, LONG + 20);
    print_message("killed %ld times while packing and %ld times while unpacking, of %ld\n", packing,
                  unpacking, 2 * kills);
}

/* Fills the file system but for so many bytes. */
static void
fill_disk(const harness *daemon, off_t left)
{
    static const char block[4096];
    char path[512];
    (void)snprintf(path, sizeof path, "%s/ballast", daemon->data);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)setvbuf(file, NULL, _IONBF, 0);
    while (fwrite(block, sizeof block, 1, file) == 1)
        ;
    assert_int_equal(errno, ENOSPC);
    off_t size = ftello(file) - left;
    (void)fclose(file);
    assert_int_equal(truncate(path, size > 0 ? size : 0), 0);
}

static void
make_room(const harness *daemon)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/ballast", daemon->data);
    assert_int_equal(unlink(path), 0);
}

static void
full_disk_puts_off_packing_and_unpacking_and_costs_nothing(void **state)
{
    harness *daemon = *state;
    char id[IW_ID_LENGTH + 1] = "";
    char undisturbed[IW_ID_LENGTH + 1];
    md code;
    assert_int_equal(mkdir(daemon->data, 0700), 0);
    if (mount("tmpfs", daemon->data, "tmpfs", 0, "size=48m,mode=0700") != 0) {
        print_message("SKIPPED: cannot mount a tmpfs: %s\n", strerror(errno));
        return;
    }
    make_undisturbed(daemon, undisturbed);
    harness_start(daemon, pack_soon, 0);
    stream_frames(daemon, id, 1, HALF);
    harness_wait_state(daemon, id, "completed");
    fill_disk(daemon, 1 << 20);
    wait_for_log(daemon, "its journal stays, tried again later");
    assert_true(is_there(daemon, id, "journal.iwlog"));
    assert_false(is_there(daemon, id, "journal.iwpack"));
    make_room(daemon);
    wait_for_file(daemon, id, "journal.iwlog", false);
    wait_for_file(daemon, undisturbed, "journal.iwlog", false); /* which makes room as well */

    fill_disk(daemon, 1 << 20);
    md_open(&code, daemon, ATOMS, id, NULL);
    md_send(&code, HALF + 1, ALL);
    harness_wait_state(daemon, id, "waiting for disk");
    assert_true(is_there(daemon, id, "journal.iwpack"));
    make_room(daemon);
    assert_int_equal(ionwatch_finish(code.handle, "completed"), IONWATCH_OK);
    md_close(&code);
    assert_all_there(daemon, id, undisturbed);
    harness_kill(daemon, SIGTERM);
    assert_int_equal(umount2(daemon->data, MNT_DETACH), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, harness_begin, harness_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(journal_stays_until_its_time_and_is_then_packed),
        CASE(packed_run_goes_on_as_if_nothing_had_been),
        CASE(runs_that_became_due_while_the_daemon_was_down_are_packed),
        CASE(packed_journal_is_analysed_like_the_plain_one_and_can_be_unpacked),
        CASE(run_without_frames_is_listed_shown_and_refused),
        CASE(removed_while_it_is_packed_a_run_is_gone_and_its_id_is_free),
        CASE(daemon_killed_while_it_packs_or_unpacks_keeps_the_journal),
        CASE(full_disk_puts_off_packing_and_unpacking_and_costs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
