/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iw_test.h"

#include "framelog.h"
#include "journal/folder.h"
#include "journal/reader.h"

#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    char folder[64], path[128];
    iw_run_info run;
    iw_framelog_writer *log;
} fixture;

static void
append(fixture *self, const iw_message *message, uint64_t seq)
{
    iw_error err;
    iw_buffer bytes = {0};
    assert_ok(iw_wire_encode(message, &bytes, &err), err);
    assert_ok(iw_framelog_append(self->log, message->type, seq, bytes.data, bytes.size, &err), err);
    assert_ok(iw_framelog_sync(self->log, &err), err);
    iw_buffer_fini(&bytes);
}

static void
append_hello(fixture *self)
{
    iw_message hello;
    iw_message_init(&hello, IW_MSG_HELLO);
    hello.run = &self->run;
    memcpy(hello.run_id, self->run.id, sizeof hello.run_id);
    append(self, &hello, 0);
}

static void
append_frame(fixture *self, uint64_t seq)
{
    double pos[6];
    iw_message message;
    iw_message_init(&message, IW_MSG_FRAME);
    for (size_t i = 0; i < 6; i++)
        pos[i] = (double)seq + 0.1 * (double)i;
    message.frame.seq = seq;
    message.frame.step = (int64_t)seq;
    message.frame.time_fs = (double)seq;
    message.frame.n_atoms = 2;
    message.frame.pos = pos;
    append(self, &message, seq);
}

static void
append_text(fixture *self, iw_msg_type type, const char *text)
{
    iw_message message;
    iw_message_init(&message, type);
    message.stop = type == IW_MSG_CONTROL;
    (void)snprintf(message.text, sizeof message.text, "%s", text);
    append(self, &message, 0);
}

static int
begin(void **state)
{
    const char *species[] = {"Li", "S"};
    iw_error err;
    fixture *self = calloc(1, sizeof *self);
    assert_non_null(self);
    (void)snprintf(self->folder, sizeof self->folder, "/tmp/iw-journal-XXXXXX");
    assert_non_null(mkdtemp(self->folder));
    (void)snprintf(self->path, sizeof self->path, "%s/journal.iwlog", self->folder);
    iw_run_info_init(&self->run);
    assert_ok(iw_uuid_new(self->run.id, &err), err);
    assert_ok(iw_run_info_set_atoms(&self->run, 2, species, &err), err);
    self->log = iw_framelog_writer_open(self->path, NULL, &err);
    assert_non_null(self->log);
    *state = self;
    return 0;
}

static int
end(void **state)
{
    fixture *self = *state;
    char path[160];
    (void)iw_framelog_writer_close(&self->log, NULL);
    iw_run_info_fini(&self->run);
    (void)snprintf(path, sizeof path, "%s/summary.json", self->folder);
    (void)unlink(path);
    (void)unlink(self->path);
    (void)rmdir(self->folder);
    free(self);
    return 0;
}

static void
reader_follows_a_growing_journal_up_to_what_is_durable(void **state)
{
    fixture *self = *state;
    iw_error err;
    iw_journal_item item;
    append_hello(self);
    append_frame(self, 1);
    iw_journal_reader *reader = iw_journal_reader_open(self->path, &err);
    assert_non_null(reader);
    assert_string_equal(iw_journal_reader_run(reader)->id, self->run.id);
    uint64_t durable = iw_framelog_size(self->log);
    append_frame(self, 2);
    assert_ok(iw_journal_reader_next(reader, durable, &item, &err), err);
    assert_int_equal(item.kind, IW_MSG_HELLO);
    assert_ok(iw_journal_reader_next(reader, durable, &item, &err), err);
    assert_int_equal(item.seq, 1);
    assert_non_null(item.frame);
    assert_close(item.frame->pos_A[5], 1.5, 1e-15, 0);
    assert_int_equal(item.end, durable);
    assert_int_equal(iw_journal_reader_next(reader, durable, &item, &err), IW_END);
    durable = iw_framelog_size(self->log);
    assert_ok(iw_journal_reader_next(reader, durable, &item, &err), err);
    assert_int_equal(item.seq, 2);
    append_text(self, IW_MSG_BYE, "walltime");
    assert_ok(iw_journal_reader_next(reader, iw_framelog_size(self->log), &item, &err), err);
    assert_int_equal(item.kind, IW_MSG_BYE);
    assert_string_equal(item.text, "walltime");
    iw_journal_reader_close(&reader);
}

static void
source_gives_the_frames_alone_and_again(void **state)
{
    fixture *self = *state;
    iw_error err;
    iw_frame frame;
    append_hello(self);
    append_frame(self, 1);
    append_hello(self);
    append_text(self, IW_MSG_CONTROL, "converged");
    append_frame(self, 2);
    assert_ok(iw_frame_init(&frame, 2, &err), err);
    iw_journal_reader *reader = iw_journal_reader_open(self->path, &err);
    iw_source source = iw_journal_reader_source(reader, iw_framelog_size(self->log));
    for (int round = 0; round < 2; round++) {
        for (uint64_t seq = 1; seq <= 2; seq++) {
            assert_ok(source.next(source.self, &frame, &err), err);
            assert_int_equal(frame.seq, seq);
            assert_close(frame.pos_A[0], (double)seq, 0, 0);
        }
        assert_int_equal(source.next(source.self, &frame, &err), IW_END);
        assert_ok(source.rewind(source.self, &err), err);
    }
    iw_journal_reader_close(&reader);
    iw_frame_fini(&frame);
}

static void
scan_tells_how_the_run_stands(void **state)
{
    fixture *self = *state;
    iw_error err;
    const struct {
        bool ended, filed, stop;
    } expected[] = {{false, false, false},
                    {false, false, true},
                    {true, false, true},
                    {true, true, true},
                    {false, false, false}};
    for (size_t i = 0; i < 5; i++) {
        iw_journal_scan scan;
        if (i == 0) {
            append_hello(self);
            append_frame(self, 1);
        } else if (i == 1) {
            append_text(self, IW_MSG_CONTROL, "converged");
        } else if (i == 2) {
            append_text(self, IW_MSG_BYE, "stopped");
        } else if (i == 3) {
            append_text(self, IW_MSG_FILED, "1");
        } else { /* the MD code was started again */
            append_hello(self);
            append_frame(self, 2);
        }
        assert_ok(iw_journal_scan_file(self->path, &scan, &err), err);
        assert_int_equal(scan.last_seq, i == 4 ? 2 : 1);
        assert_int_equal(scan.bytes, iw_framelog_size(self->log));
        assert_int_equal(scan.ended, expected[i].ended);
        assert_int_equal(scan.filed, expected[i].filed);
        assert_int_equal(scan.stop[0] != '\0', expected[i].stop);
        assert_int_equal(scan.info->n_atoms, 2);
        iw_run_info_fini(scan.info);
        free(scan.info);
    }
}

static void
damaged_record_costs_itself_alone(void **state)
{
    fixture *self = *state;
    iw_error err;
    iw_journal_scan scan;
    append_hello(self);
    append_frame(self, 1);
    uint64_t before = iw_framelog_size(self->log);
    append_frame(self, 2);
    append_frame(self, 3);
    FILE *file = fopen(self->path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)before + 60, SEEK_SET), 0);
    assert_int_equal(fputc('!', file), '!');
    assert_int_equal(fclose(file), 0);
    assert_ok(iw_journal_scan_file(self->path, &scan, &err), err);
    assert_int_equal(scan.last_seq, 3);
    assert_int_equal(scan.bytes, iw_framelog_size(self->log));
    iw_run_info_fini(scan.info);
    free(scan.info);
}

static void
journal_without_a_whole_record_holds_no_run(void **state)
{
    fixture *self = *state;
    iw_error err;
    iw_journal_scan scan;
    assert_int_equal(iw_journal_scan_file(self->path, &scan, &err), IW_NOT_FOUND);
    assert_null(scan.info);
    assert_null(iw_journal_reader_open(self->path, &err));
    assert_int_equal(err.code, IW_CORRUPT);
}

static void
summary_is_void_once_the_journal_has_grown(void **state)
{
    fixture *self = *state;
    iw_error err;
    char path[160];
    iw_summary summary, back;
    (void)snprintf(path, sizeof path, "%s/summary.json", self->folder);
    iw_summary_init(&summary);
    summary.frames = 400;
    summary.last_seq = 401;
    summary.D_cm2_s = 1.25e-5;
    (void)snprintf(summary.state, sizeof summary.state, "completed");
    assert_int_equal(iw_summary_load(path, 1234, &back), IW_NOT_FOUND);
    assert_ok(iw_summary_save(path, &summary, 1234, &err), err);
    assert_ok(iw_summary_load(path, 1234, &back), err);
    assert_int_equal(back.frames, 400);
    assert_int_equal(back.last_seq, 401);
    assert_close(back.D_cm2_s, 1.25e-5, 1e-15, 0);
    assert_true(isnan(back.time_ps));
    assert_string_equal(back.state, "completed");
    assert_int_equal(iw_summary_load(path, 1235, &back), IW_NOT_FOUND);
    assert_string_equal(back.state, "");
}

static void
summary_keeps_the_shape_of_a_history_and_nothing_that_is_none(void **state)
{
    fixture *self = *state;
    iw_error err;
    char path[160];
    iw_snapshot *snapshot = iw_snapshot_new();
    enum { POINTS = 100 };
    static const size_t lengths[] = {0, 1, 2, IW_SUMMARY_POINTS, IW_SUMMARY_POINTS + 1, POINTS};
    assert_non_null(snapshot);
    snapshot->history = calloc(POINTS, sizeof *snapshot->history);
    snapshot->events = calloc(3, sizeof *snapshot->events);
    snapshot->n_events = 3;
    snapshot->target = 0.1;
    static const iw_event_kind kinds[] = {IW_EVENT_gap, IW_EVENT_not_finite, IW_EVENT_ended};
    for (size_t e = 0; e < 3; e++) {
        snapshot->events[e].kind = kinds[e];
        (void)snprintf(snapshot->events[e].text, 20, "event %zu", e);
    }
    for (size_t i = 0; i < POINTS; i++)
        snapshot->history[i] =
            (iw_history_point){.time_ps = 0.1 * (double)i, .D_cm2_s = 1e-5 / (double)(i + 1)};
    (void)snprintf(path, sizeof path, "%s/summary.json", self->folder);
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        size_t n = lengths[l], kept = n < IW_SUMMARY_POINTS ? n : IW_SUMMARY_POINTS, before = 0;
        iw_summary made, back;
        snapshot->n_history = n;
        iw_summary_of(&made, snapshot);
        (void)snprintf(made.state, sizeof made.state, "completed");
        assert_ok(iw_summary_save(path, &made, 1, &err), err);
        assert_ok(iw_summary_load(path, 1, &back), err);
        assert_int_equal(back.n_points, kept);
        for (size_t k = 0; k < kept; k++) {
            size_t i = (size_t)lround(10.0 * (double)back.point_ps[k]);
            assert_true(k == 0 ? i == 0 : i > before);
            assert_close((double)back.point_D_cm2_s[k], snapshot->history[i].D_cm2_s, 1e-7, 0);
            before = i;
        }
        assert_true(kept == 0 || before == n - 1);
        assert_close(back.target, 0.1, 0, 0);
        assert_string_equal(back.health, "good");
        assert_int_equal(back.warnings, 2);
        assert_string_equal(back.warned, "event 1");
    }
    iw_snapshot_unref(&snapshot);
    /* As an older daemon wrote it, and as nobody did. */
    static const char *const others[] = {
        "{\"state\": \"completed\"}",
        "{\"state\": \"completed\", \"history\": {\"time_ps\": [1, 2], \"D_cm2_s\": [1]}}",
        "{\"state\": \"completed\", \"history\": 7, \"events\": [], \"health\": 1}"};
    for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
        iw_summary back;
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        (void)fputs(others[k], file);
        (void)fclose(file);
        assert_ok(iw_summary_load(path, 0, &back), err);
        assert_int_equal(back.n_points, 0);
        assert_int_equal(back.warnings, 0);
        assert_string_equal(back.health, "");
        assert_true(isnan(back.target));
    }
}

static void
data_folder_is_private_and_has_one_owner(void **state)
{
    fixture *self = *state;
    iw_error err;
    char data[128], path[160];
    struct stat info;
    (void)snprintf(data, sizeof data, "%s/new/data", self->folder);
    int lock = iw_folder_open(data, &err);
    assert_true(lock >= 0);
    assert_int_equal(stat(data, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    assert_int_equal(iw_folder_open(data, &err), -1);
    assert_int_equal(err.code, IW_EXISTS);
    assert_non_null(strstr(err.text, "--data"));
    (void)close(lock);
    lock = iw_folder_open(data, &err);
    assert_true(lock >= 0);
    assert_ok(iw_folder_make_run(data, self->run.id, &err), err);
    assert_ok(iw_folder_remove_run(data, self->run.id, &err), err);
    assert_ok(iw_folder_remove_run(data, self->run.id, &err), err); /* gone is gone */
    (void)close(lock);
    static const char *const made[] = {"new/data/lock", "new/data/runs", "new/data", "new"};
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", self->folder, made[i]);
        assert_int_equal(remove(path), 0);
    }
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(reader_follows_a_growing_journal_up_to_what_is_durable),
        CASE(source_gives_the_frames_alone_and_again),
        CASE(scan_tells_how_the_run_stands),
        CASE(damaged_record_costs_itself_alone),
        CASE(journal_without_a_whole_record_holds_no_run),
        CASE(summary_is_void_once_the_journal_has_grown),
        CASE(summary_keeps_the_shape_of_a_history_and_nothing_that_is_none),
        CASE(data_folder_is_private_and_has_one_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
