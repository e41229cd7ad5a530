/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frame logs as trajectories (adapters/iwlog). */
#include "framelog.h"
#include "reader_test.h"

#include <sys/stat.h>

enum { ATOMS = 3, FRAMES = 4 };

static void
append(iw_framelog_writer *log, const iw_message *message, uint64_t seq)
{
    iw_error err = {0};
    iw_buffer buffer = {0};
    assert_ok(iw_wire_encode(message, &buffer, &err), err);
    assert_ok(iw_framelog_append(log, message->type, seq, buffer.data, buffer.size, &err), err);
    iw_buffer_fini(&buffer);
}

static void
append_hello(iw_framelog_writer *log, const char *last)
{
    iw_error err = {0};
    iw_run_info run;
    iw_run_info_init(&run);
    const char *const species[ATOMS] = {"Li", "Li", last};
    assert_ok(iw_run_info_set_atoms(&run, ATOMS, species, &err), err);
    char name[] = "streamed", code[] = "LAMMPS";
    run.name = name;
    run.code = code;
    run.timestep_fs = 0.5;
    run.stride = 2;
    run.wrapped = true;
    (void)snprintf(run.id, sizeof run.id, "01234567-89ab-4cde-8f01-23456789abcd");
    iw_message message;
    iw_message_init(&message, IW_MSG_HELLO);
    (void)snprintf(message.run_id, sizeof message.run_id, "%s", run.id);
    message.run = &run;
    append(log, &message, 0);
    run.name = run.code = NULL; /* not its own */
    iw_run_info_fini(&run);
}

static void
append_frame(iw_framelog_writer *log, uint64_t seq)
{
    iw_error err = {0};
    iw_frame frame;
    assert_ok(iw_frame_init(&frame, ATOMS, &err), err);
    frame.seq = seq;
    frame.step = (int64_t)(2 * seq);
    frame.time_fs = (double)seq;
    frame.has_cell = true;
    frame.cell_A[0] = frame.cell_A[4] = frame.cell_A[8] = 10.0;
    frame.has_velocities = true;
    for (size_t i = 0; i < (size_t)3 * ATOMS; i++) {
        frame.pos_A[i] = (double)(seq * 100 + i);
        frame.vel_A_fs[i] = 0.25 * (double)i;
    }
    iw_message message;
    iw_message_init(&message, IW_MSG_FRAME);
    iw_frame_view_of(&frame, &message.frame);
    append(log, &message, seq);
    iw_frame_fini(&frame);
}

static void
append_bye(iw_framelog_writer *log)
{
    iw_message message;
    iw_message_init(&message, IW_MSG_BYE);
    message.seq = FRAMES;
    (void)snprintf(message.text, sizeof message.text, "completed");
    append(log, &message, FRAMES);
}

static const char *
write_log(bool bye)
{
    iw_error err = {0};
    const char *path = test_path("run.iwlog");
    (void)unlink(path);
    iw_framelog_writer *log = iw_framelog_writer_open(path, NULL, &err);
    assert_non_null(log);
    append_hello(log, "S");
    for (uint64_t seq = 1; seq <= FRAMES; seq++)
        append_frame(log, seq);
    if (bye)
        append_bye(log);
    assert_ok(iw_framelog_writer_close(&log, &err), err);
    return path;
}

static void
a_log_gives_run_and_frames_as_they_were_sent(void **state)
{
    (void)state;
    trajectory t = read_file(write_log(true), NULL);
    assert_read(t, FRAMES);
    assert_string_equal(t.run.id, "01234567-89ab-4cde-8f01-23456789abcd");
    assert_string_equal(t.run.name, "streamed");
    assert_string_equal(t.run.code, "LAMMPS");
    assert_string_equal(t.run.species[1], "S");
    assert_close(t.run.timestep_fs, 0.5, 0.0, 0.0);
    assert_int_equal(t.run.stride, 2);
    assert_true(t.run.wrapped);
    assert_int_equal(t.frame[2].seq, 3);
    assert_int_equal(t.frame[2].step, 6);
    assert_close(t.frame[2].pos_A[4], 304.0, 0.0, 0.0);
    assert_close(t.frame[2].vel_A_fs[4], 1.0, 0.0, 0.0);
    assert_close(t.frame[2].cell_A[8], 10.0, 0.0, 0.0);
    free_trajectory(&t);
}

static void
a_torn_tail_is_left_out_with_a_note_or_awaited(void **state)
{
    (void)state;
    const char *path = write_log(false);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    char *bytes = malloc((size_t)info.st_size);
    assert_non_null(bytes);
    FILE *file = fopen(path, "rb");
    assert_int_equal(fread(bytes, 1, (size_t)info.st_size, file), info.st_size);
    assert_int_equal(fclose(file), 0);

    size_t size = (size_t)info.st_size;
    trajectory t = read_file(write_bytes("torn.iwlog", bytes, size - 5, "wb"), NULL);
    assert_read(t, FRAMES - 1);
    assert_noted(&t, "last record is cut short");
    free_trajectory(&t);

    iw_reader_options options;
    iw_reader_options_init(&options);
    options.follow = true;
    iw_reader *reader = NULL;
    write_text("grown.iwlog", "");
    for (size_t i = 0; i < size; i++) {
        path = write_bytes("grown.iwlog", bytes + i, 1, "ab");
        if (!reader)
            reader = iw_reader_open(&path, 1, &options, &t.err);
        if (reader)
            read_on(&t, reader);
        else
            t.status = t.err.code;
        if (t.status != IW_AGAIN)
            print_error("byte %zu: %s\n", i, t.err.text);
        assert_int_equal(t.status, IW_AGAIN);
    }
    assert_int_equal(t.n, FRAMES);
    iw_reader_close(&reader);
    free_trajectory(&t);
    free(bytes);
}

static void
a_bye_ends_what_is_followed(void **state)
{
    (void)state;
    iw_reader_options options;
    iw_reader_options_init(&options);
    options.follow = true;
    trajectory t = read_file(write_log(true), &options);
    assert_read(t, FRAMES);
    free_trajectory(&t);
}

static void
a_restart_with_other_atoms_is_refused(void **state)
{
    (void)state;
    iw_error err = {0};
    const char *path = write_log(true);
    for (int i = 0; i < 2; i++) {
        iw_framelog_writer *log = iw_framelog_writer_open(path, NULL, &err);
        append_hello(log, i ? "P" : "S");
        append_frame(log, FRAMES + 1);
        assert_ok(iw_framelog_writer_close(&log, &err), err);
        trajectory t = read_file(path, NULL);
        if (i == 0) {
            assert_read(t, FRAMES + 1);
            free_trajectory(&t);
        } else {
            assert_int_equal(t.n, FRAMES + 1);
            REFUSED(t, IW_INVALID, "run.iwlog byte", "other atoms");
        }
    }
}

static void
a_log_that_does_not_begin_with_hello_is_refused(void **state)
{
    (void)state;
    iw_error err = {0};
    const char *path = test_path("late.iwlog");
    iw_framelog_writer *log = iw_framelog_writer_open(path, NULL, &err);
    append_frame(log, 1);
    assert_ok(iw_framelog_writer_close(&log, &err), err);
    trajectory t = read_file(path, NULL);
    REFUSED(t, IW_CORRUPT, "late.iwlog byte 8", "before any HELLO");
    t = read_file(write_bytes("short.iwlog", "IWLOG\0", 6, "wb"), NULL);
    REFUSED(t, IW_INVALID, "short.iwlog", "header");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_gives_run_and_frames_as_they_were_sent),
        cmocka_unit_test(a_torn_tail_is_left_out_with_a_note_or_awaited),
        cmocka_unit_test(a_bye_ends_what_is_followed),
        cmocka_unit_test(a_restart_with_other_atoms_is_refused),
        cmocka_unit_test(a_log_that_does_not_begin_with_hello_is_refused),
    };
    return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
