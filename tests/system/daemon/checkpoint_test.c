/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A daemon that is restarted goes on from its checkpoints, with the same numbers bit for bit, and
 * from the journal where a checkpoint cannot be believed. */
#include "md.h"

#include "framelog.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ATOMS = 20, FRAMES = 1500, FEW = 10 /* before the first checkpoint */ };

static const char *const often[] = {"--checkpoint-mib", "0.02", NULL};
static const char not_used[] = "its checkpoint is not used, the journal is read from its start: ";

/* A run of FRAMES frames that are analysed, its daemon, and what that showed. */
typedef struct {
    md code;
    json_t *shown;
    char state[300], journal[300];
} streamed;

static void
stream(harness *daemon, streamed *self, const char *const *options)
{
    harness_start(daemon, options, 0);
    md_open(&self->code, daemon, ATOMS, NULL, NULL);
    md_send(&self->code, 1, FRAMES);
    assert_int_equal(ionwatch_flush(self->code.handle, 20000), IONWATCH_OK);
    self->shown = harness_show(daemon, self->code.run.id, FRAMES);
    (void)snprintf(self->state, sizeof self->state, "%s/runs/%s/state.iwck", daemon->data,
                   self->code.run.id);
    (void)snprintf(self->journal, sizeof self->journal, "%s/runs/%s/journal.iwlog", daemon->data,
                   self->code.run.id);
}

static void
end_stream(streamed *self)
{
    json_decref(self->shown);
    md_close(&self->code);
}

/* Waits until the analysis has been saved up to its rule: the file stands still. */
static void
wait_for_checkpoint(const streamed *self)
{
    for (int i = 0; i < 200 && access(self->state, F_OK) != 0; i++)
        pause_ms(20);
    assert_int_equal(access(self->state, F_OK), 0);
}

/* The line of the log that has the text, soon; valid until the next call. */
static const char *
said(const harness *daemon, const char *text)
{
    static char line[2048];
    for (int i = 0; i < 500; i++) {
        FILE *file = fopen(daemon->log, "r");
        assert_non_null(file);
        bool found = false;
        while (!found && fgets(line, sizeof line, file))
            found = strstr(line, text) != NULL;
        (void)fclose(file);
        if (found)
            return line;
        pause_ms(20);
    }
    fail_msg("\"%s\" is not in the log", text);
    return "";
}

static void
assert_same_groups(const json_t *actual, const json_t *expected)
{
    const char *name;
    json_t *group;
    assert_true(json_object_size(json_object_get(expected, "groups")) >= 3);
    json_object_foreach(
        json_object_get(expected, "groups"), name,
        group) if (!json_equal(json_object_get(json_object_get(actual, "groups"), name), group))
        fail_msg("group %s differs", name);
}

/* After a restart the run shows what it showed before. */
static json_t *
assert_shown_again(harness *daemon, const streamed *self)
{
    json_t *again = harness_show(daemon, self->code.run.id, FRAMES);
    assert_same_groups(again, self->shown);
    return again;
}

static void
killed_daemon_goes_on_from_a_checkpoint_with_the_same_numbers(void **state)
{
    harness *daemon = *state;
    streamed s;
    stream(daemon, &s, often);
    wait_for_checkpoint(&s);
    harness_kill(daemon, SIGKILL);
    harness_start(daemon, often, 0);
    json_t *again = assert_shown_again(daemon, &s);
    static const char before[] = "checkpoint at frame ", between[] = ", ";
    char *end = NULL;
    const char *number = strstr(said(daemon, before), before) + strlen(before);
    unsigned long long at = strtoull(number, &end, 10);
    assert_memory_equal(end, between, strlen(between));
    unsigned long long read = strtoull(end + strlen(between), &end, 10);
    assert_true(at > 0);
    assert_int_equal(at + read, FRAMES);
    json_decref(again);
    end_stream(&s);
}

static void
daemon_that_is_stopped_in_order_saves_what_took_long(void **state)
{
    harness *daemon = *state;
    md code;
    const char *const rarely[] = {"--checkpoint-mib", "1000", NULL};
    enum { MANY = 400, LONG = 5000 };
    char line[100];
    harness_start(daemon, rarely, 0);
    md_open(&code, daemon, MANY, NULL, NULL);
    md_send(&code, 1, LONG);
    assert_int_equal(ionwatch_flush(code.handle, 60000), IONWATCH_OK);
    json_t *shown = harness_show(daemon, code.run.id, LONG);
    harness_kill(daemon, SIGTERM);
    harness_start(daemon, rarely, 0);
    json_t *again = harness_show(daemon, code.run.id, LONG);
    assert_same_groups(again, shown);
    (void)snprintf(line, sizeof line, "checkpoint at frame %d, 0 frames from the journal", LONG);
    (void)said(daemon, line);
    json_decref(shown);
    json_decref(again);
    md_close(&code);
}

static void
other_options_do_not_use_the_checkpoint(void **state)
{
    harness *daemon = *state;
    streamed s;
    const char *const other[] = {"--checkpoint-mib", "0.02", "--vacf-window-ps", "2", NULL};
    stream(daemon, &s, often);
    wait_for_checkpoint(&s);
    harness_kill(daemon, SIGKILL);
    harness_start(daemon, other, 0);
    json_t *again = harness_show(daemon, s.code.run.id, FRAMES);
    const json_t *groups = json_object_get(again, "groups");
    const json_t *vacf = json_object_get(json_object_get(groups, "all"), "vacf");
    const json_t *lags = json_object_get(vacf, "lag_fs");
    assert_close(json_number_value(json_array_get(lags, json_array_size(lags) - 1)), 2000, 0, 11);
    (void)said(daemon, not_used);
    (void)said(daemon, "the options of the analysis were others");
    json_decref(again);
    end_stream(&s);
}

static void
damaged_checkpoint_is_said_and_the_journal_read_instead(void **state)
{
    harness *daemon = *state;
    streamed s;
    struct stat info;
    stream(daemon, &s, often);
    for (int i = 0; i < 3; i++) {
        wait_for_checkpoint(&s);
        harness_kill(daemon, SIGKILL);
        assert_int_equal(stat(s.state, &info), 0);
        FILE *file = fopen(s.state, "r+");
        assert_non_null(file);
        /* in the head, in the state, or cut off */
        assert_int_equal(fseek(file, i == 0 ? 100 : (long)info.st_size / 2, SEEK_SET), 0);
        assert_int_equal(fputc('!', file), '!');
        assert_int_equal(fclose(file), 0);
        if (i == 2)
            assert_int_equal(truncate(s.state, info.st_size / 2), 0);
        assert_int_equal(truncate(daemon->log, 0), 0);
        harness_start(daemon, often, 0);
        json_t *again = assert_shown_again(daemon, &s);
        (void)said(daemon, not_used);
        (void)said(daemon, "the journal gave 1500 frames back");
        json_decref(again);
    }
    end_stream(&s);
}

static void
checkpoint_beyond_the_journal_is_not_used(void **state)
{
    harness *daemon = *state;
    streamed s;
    stream(daemon, &s, often);
    ionwatch_close(&s.code.handle, 0); /* or it would send the frames again */
    wait_for_checkpoint(&s);
    harness_kill(daemon, SIGKILL);
    iw_error err;
    iw_framelog_record record;
    iw_framelog_reader *log = iw_framelog_reader_open(s.journal, &err);
    assert_non_null(log);
    while (iw_framelog_next(log, &record, &err) == IW_OK && record.seq < FEW)
        ;
    assert_int_equal(truncate(s.journal, (off_t)iw_framelog_tell(log)), 0);
    iw_framelog_reader_close(&log);
    harness_start(daemon, often, 0);
    json_t *again = harness_show(daemon, s.code.run.id, FEW);
    (void)said(daemon, not_used);
    (void)said(daemon, "has no record at offset");
    json_decref(again);
    end_stream(&s);
}

static void
disk_without_room_for_a_checkpoint_costs_nothing_else(void **state)
{
    harness *daemon = *state;
    md code;
    char path[300];
    const struct rlimit small = {100UL * 1024, RLIM_INFINITY};
    harness_start(daemon, often, 0);
    assert_int_equal(prlimit(daemon->pid, RLIMIT_FSIZE, &small, NULL), 0);
    md_open(&code, daemon, 8, NULL, NULL);
    md_send(&code, 1, 200); /* the journal of 70 kB fits, the state does not */
    assert_int_equal(ionwatch_flush(code.handle, 20000), IONWATCH_OK);
    json_t *shown = harness_show(daemon, code.run.id, 200);
    json_t *expected = synthetic_record(&code.run, 200, "running");
    assert_same_physics(shown, expected);
    (void)said(daemon, "File too large: a restart reads more of the journal");
    (void)snprintf(path, sizeof path, "%s/runs/%s/state.iwck.new", daemon->data, code.run.id);
    assert_int_not_equal(access(path, F_OK), 0);
    json_decref(shown);
    json_decref(expected);
    md_close(&code);
}

static void
checkpoints_go_when_the_run_is_filed(void **state)
{
    harness *daemon = *state;
    streamed s;
    static const char *const files[] = {"state.iwck", "state.iwck.new", "blocks-a.iwck",
                                        "blocks-b.iwck"};
    char path[300];
    stream(daemon, &s, often);
    wait_for_checkpoint(&s);
    assert_int_equal(ionwatch_finish(s.code.handle, "completed"), IONWATCH_OK);
    harness_wait_state(daemon, s.code.run.id, "completed");
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(path, sizeof path, "%s/runs/%s/%s", daemon->data, s.code.run.id, files[i]);
        assert_int_not_equal(access(path, F_OK), 0);
    }
    end_stream(&s);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, harness_begin, harness_end)
    const struct CMUnitTest tests[] = {
        CASE(killed_daemon_goes_on_from_a_checkpoint_with_the_same_numbers),
        CASE(daemon_that_is_stopped_in_order_saves_what_took_long),
        CASE(other_options_do_not_use_the_checkpoint),
        CASE(damaged_checkpoint_is_said_and_the_journal_read_instead),
        CASE(checkpoint_beyond_the_journal_is_not_used),
        CASE(disk_without_room_for_a_checkpoint_costs_nothing_else),
        CASE(checkpoints_go_when_the_run_is_filed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
