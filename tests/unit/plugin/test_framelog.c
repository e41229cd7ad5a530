/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iw_test.h"

#include "framelog.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/ionwatch-test-XXXXXX";
static char path[64];

static int
make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(path, sizeof path, "%s/log", folder);
    return 0;
}

static int
remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static int
remove_log(void **state)
{
    (void)state;
    (void)unlink(path);
    return 0;
}

static void
append(iw_framelog_writer *w, uint64_t seq, size_t size)
{
    iw_error err;
    unsigned char *data = malloc(size ? size : 1);
    assert_non_null(data);
    memset(data, (int)(seq & 0xff), size);
    assert_ok(iw_framelog_append(w, IW_MSG_FRAME, seq, data, size, &err), err);
    free(data);
}

/* A log of n records of 10, 11, 12, ... bytes; returns its size. */
static uint64_t
make_log(uint64_t n)
{
    iw_error err;
    (void)unlink(path);
    iw_framelog_writer *w = iw_framelog_writer_open(path, NULL, &err);
    assert_non_null(w);
    for (uint64_t seq = 1; seq <= n; seq++)
        append(w, seq, 9 + seq);
    uint64_t size = iw_framelog_size(w);
    assert_ok(iw_framelog_sync(w, &err), err);
    assert_ok(iw_framelog_writer_close(&w, &err), err);
    return size;
}

/* Reads to the end; checks each payload and that numbers grow; returns how many came. */
static uint64_t
read_all(iw_framelog_reader *r, iw_status *last, uint64_t *damaged)
{
    iw_framelog_record record;
    iw_error err;
    uint64_t n = 0;
    uint64_t before = 0;
    *damaged = 0;
    for (;;) {
        *last = iw_framelog_next(r, &record, &err);
        if (*last == IW_CORRUPT) {
            ++*damaged;
            continue;
        }
        if (*last != IW_OK)
            return n;
        assert_true(record.seq > before);
        before = record.seq;
        const unsigned char *data = record.data;
        for (size_t i = 0; i < record.size; i++)
            assert_int_equal(data[i], record.seq & 0xff);
        n++;
    }
}

static uint64_t
count_records(iw_status *last, uint64_t *damaged)
{
    iw_error err;
    iw_framelog_reader *r = iw_framelog_reader_open(path, &err);
    assert_non_null(r);
    uint64_t n = read_all(r, last, damaged);
    iw_framelog_reader_close(&r);
    assert_null(r);
    return n;
}

static void
write_byte(uint64_t offset, int value)
{
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
    assert_int_equal(fputc(value, file), value);
    assert_int_equal(fclose(file), 0);
}

static void
records_come_back_in_order(void **state)
{
    (void)state;
    iw_status last;
    uint64_t damaged;
    (void)make_log(100);
    assert_int_equal(count_records(&last, &damaged), 100);
    assert_int_equal(last, IW_END);
    assert_int_equal(damaged, 0);
}

static void
records_larger_than_the_buffer_keep_their_place(void **state)
{
    (void)state;
    iw_error err;
    iw_status last;
    uint64_t damaged;
    iw_framelog_writer *w = iw_framelog_writer_open(path, NULL, &err);
    assert_non_null(w);
    append(w, 1, 10);
    append(w, 2, 3 << 20);
    append(w, 3, 0);
    append(w, 4, (1 << 20) - 24);
    append(w, 5, 100);
    assert_ok(iw_framelog_writer_close(&w, &err), err);
    assert_null(w);
    assert_int_equal(count_records(&last, &damaged), 5);
    assert_int_equal(last, IW_END);
}

static void
a_torn_tail_is_seen_and_cut_at_every_byte(void **state)
{
    (void)state;
    iw_error err;
    uint64_t whole = make_log(3);
    uint64_t third = 24 + 12;
    for (uint64_t size = whole - third + 1; size < whole; size++) {
        uint64_t cut_bytes;
        uint64_t damaged;
        iw_status last;
        assert_true(make_log(3) == whole);
        assert_int_equal(truncate(path, (off_t)size), 0);
        assert_int_equal(count_records(&last, &damaged), 2);
        assert_int_equal(last, IW_AGAIN);
        iw_framelog_writer *w = iw_framelog_writer_open(path, &cut_bytes, &err);
        assert_non_null(w);
        assert_int_equal(cut_bytes, size - (whole - third));
        append(w, 3, 12);
        assert_ok(iw_framelog_writer_close(&w, &err), err);
        assert_int_equal(count_records(&last, &damaged), 3);
        assert_int_equal(last, IW_END);
    }
}

static void
a_torn_file_header_is_written_anew(void **state)
{
    (void)state;
    iw_error err;
    for (int size = 1; size < 8; size++) {
        uint64_t cut_bytes;
        (void)make_log(1);
        assert_int_equal(truncate(path, size), 0);
        assert_null(iw_framelog_reader_open(path, &err));
        assert_int_equal(err.code, IW_AGAIN);
        iw_framelog_writer *w = iw_framelog_writer_open(path, &cut_bytes, &err);
        assert_non_null(w);
        assert_int_equal(cut_bytes, size);
        assert_int_equal(iw_framelog_size(w), 8);
        assert_ok(iw_framelog_writer_close(&w, &err), err);
    }
}

static void
a_changed_byte_costs_one_record_wherever_it_is(void **state)
{
    (void)state;
    uint64_t size = make_log(4);
    for (uint64_t at = 8; at < size; at++) {
        iw_status last;
        uint64_t damaged;
        (void)make_log(4);
        write_byte(at, 0xee);
        uint64_t n = count_records(&last, &damaged);
        assert_int_equal(n, 3);
        /* A wrong size of the last record looks like one that is not all there. */
        assert_int_equal(damaged + (last == IW_AGAIN), 1);
    }
}

static void
damage_in_durable_bytes_keeps_what_follows_when_reopened(void **state)
{
    (void)state;
    iw_error err;
    iw_status last;
    uint64_t damaged;
    uint64_t cut_bytes;
    (void)make_log(3);
    iw_framelog_writer *w = iw_framelog_writer_open(path, NULL, &err);
    assert_non_null(w);
    append(w, 4, 13); /* all before it was durable, and it says so */
    assert_ok(iw_framelog_writer_close(&w, &err), err);
    write_byte(8 + 24 + 10, 0xee); /* size of the second record */
    w = iw_framelog_writer_open(path, &cut_bytes, &err);
    assert_non_null(w);
    assert_int_equal(cut_bytes, 0);
    append(w, 5, 14);
    assert_ok(iw_framelog_writer_close(&w, &err), err);
    assert_int_equal(count_records(&last, &damaged), 4);
    assert_int_equal(damaged, 1);
}

/* The sectors of what was not synced reach the disk in any order: a record that is missing between
 * two others was promised to nobody, nor was what is behind it. */
static void
damage_after_the_last_sync_cuts_the_log_there(void **state)
{
    (void)state;
    iw_error err;
    iw_status last;
    uint64_t damaged;
    uint64_t cut_bytes;
    for (uint64_t lost = 4; lost <= 6; lost++) {
        uint64_t durable = make_log(3);
        iw_framelog_writer *w = iw_framelog_writer_open(path, NULL, &err);
        assert_non_null(w);
        for (uint64_t seq = 4; seq <= 6; seq++)
            append(w, seq, 100);
        uint64_t whole = iw_framelog_size(w);
        assert_ok(iw_framelog_writer_close(&w, &err), err);
        uint64_t at = durable + (lost - 4) * 124;
        for (uint64_t i = 0; i < 124; i++) /* a sector that never came reads as zeros */
            write_byte(at + i, 0);
        w = iw_framelog_writer_open(path, &cut_bytes, &err);
        assert_non_null(w);
        assert_int_equal(iw_framelog_size(w), at);
        assert_int_equal(cut_bytes, whole - at);
        assert_ok(iw_framelog_writer_close(&w, &err), err);
        assert_int_equal(count_records(&last, &damaged), lost - 1);
        assert_int_equal(damaged, 0);
    }
}

static void
a_file_of_zeros_is_begun_anew(void **state)
{
    (void)state;
    iw_error err;
    iw_status last;
    uint64_t damaged;
    for (uint64_t kept = 0; kept < 7; kept++) { /* bytes of the header that came */
        uint64_t cut_bytes;
        uint64_t size = make_log(2);
        for (uint64_t at = kept; at < size; at++)
            write_byte(at, 0);
        iw_framelog_writer *w = iw_framelog_writer_open(path, &cut_bytes, &err);
        assert_non_null(w);
        assert_int_equal(cut_bytes, size);
        append(w, 1, 10);
        assert_ok(iw_framelog_writer_close(&w, &err), err);
        assert_int_equal(count_records(&last, &damaged), 1);
    }
}

static void
other_files_are_refused(void **state)
{
    (void)state;
    iw_error err;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs("HELLO, I am a text file\n", file);
    assert_int_equal(fclose(file), 0);
    assert_null(iw_framelog_reader_open(path, &err));
    assert_int_equal(err.code, IW_CORRUPT);
    assert_null(iw_framelog_writer_open(path, NULL, &err));
    assert_int_equal(err.code, IW_CORRUPT);
    (void)make_log(1);
    write_byte(6, 9);
    assert_null(iw_framelog_reader_open(path, &err));
    assert_int_equal(err.code, IW_UNSUPPORTED);
    assert_null(iw_framelog_reader_open("/nonexistent/log", &err));
    assert_int_equal(err.code, IW_NOT_FOUND);
    assert_null(iw_framelog_writer_open("/nonexistent/log", NULL, &err));
    assert_int_equal(err.code, IW_IO);
}

static void
a_second_writer_is_refused(void **state)
{
    (void)state;
    iw_error err;
    iw_framelog_writer *first = iw_framelog_writer_open(path, NULL, &err);
    assert_non_null(first);
    assert_null(iw_framelog_writer_open(path, NULL, &err));
    assert_int_equal(err.code, IW_EXISTS);
    assert_ok(iw_framelog_writer_close(&first, &err), err);
}

static void
a_reader_follows_a_growing_log(void **state)
{
    (void)state;
    iw_error err;
    iw_framelog_record record;
    iw_framelog_writer *w = iw_framelog_writer_open(path, NULL, &err);
    iw_framelog_reader *r = iw_framelog_reader_open(path, &err);
    assert_non_null(w);
    assert_non_null(r);
    assert_int_equal(iw_framelog_next(r, &record, &err), IW_END);
    append(w, 1, 100);
    assert_int_equal(iw_framelog_next(r, &record, &err), IW_END);
    assert_ok(iw_framelog_flush(w, &err), err);
    assert_ok(iw_framelog_next(r, &record, &err), err);
    assert_int_equal(record.offset, 8);
    uint64_t here = iw_framelog_tell(r);
    append(w, 2, 50);
    assert_ok(iw_framelog_flush(w, &err), err);
    assert_int_equal(iw_framelog_file_size(r), iw_framelog_size(w));
    assert_ok(iw_framelog_next(r, &record, &err), err);
    assert_ok(iw_framelog_seek(r, here, &err), err);
    assert_ok(iw_framelog_next(r, &record, &err), err);
    assert_int_equal(record.seq, 2);
    iw_framelog_rewind(r);
    assert_ok(iw_framelog_next(r, &record, &err), err);
    assert_int_equal(record.seq, 1);
    assert_int_equal(iw_framelog_seek(r, 1 << 20, &err), IW_INVALID);
    iw_framelog_reader_close(&r);
    assert_ok(iw_framelog_writer_close(&w, &err), err);
}

static void
impossible_records_are_refused(void **state)
{
    (void)state;
    iw_error err;
    iw_framelog_writer *w = iw_framelog_writer_open(path, NULL, &err);
    assert_non_null(w);
    assert_int_equal(iw_framelog_append(w, 0, 1, "x", 1, &err), IW_INVALID);
    assert_int_equal(iw_framelog_append(w, 256, 1, "x", 1, &err), IW_INVALID);
    assert_int_equal(iw_framelog_append(w, 1, 1, "x", ((size_t)1 << 30) + 1, &err), IW_INVALID);
    assert_int_equal(iw_framelog_size(w), 8);
    assert_ok(iw_framelog_writer_close(&w, &err), err);
}

/* In a child: the file may not grow beyond 100,000 bytes.  Exit code 0 if all is as promised. */
static int
fill_the_disk(void)
{
    struct rlimit limit = {100000, 100000};
    iw_error err;
    char data[1000] = {0};
    iw_framelog_writer *w = iw_framelog_writer_open(path, NULL, &err);
    if (!w || setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 1;
    for (uint64_t seq = 1; seq <= 200; seq++)
        if (iw_framelog_append(w, IW_MSG_FRAME, seq, data, sizeof data, &err) != IW_OK)
            return 2;
    if (iw_framelog_flush(w, &err) != IW_IO || err.sys_errno == 0)
        return 3;
    struct stat info;
    if (stat(path, &info) != 0 || (info.st_size - 8) % 1024 != 0 || info.st_size < 99000)
        return 4;
    /* Room again (the rest is on another "disk"): nothing that was taken is lost. */
    if (iw_framelog_size(w) != 8 + 200 * 1024)
        return 5;
    return 0;
}

static void
a_full_disk_leaves_whole_records_and_raises_no_signal(void **state)
{
    (void)state;
    int result;
    pid_t child = fork();
    if (child == 0)
        _exit(fill_the_disk());
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    assert_int_equal(WEXITSTATUS(result), 0);
    iw_framelog_record record;
    iw_error err;
    iw_framelog_reader *r = iw_framelog_reader_open(path, &err);
    assert_non_null(r);
    uint64_t n = 0;
    while (iw_framelog_next(r, &record, &err) == IW_OK)
        n++;
    assert_int_equal(n, 97);
    assert_int_equal(iw_framelog_next(r, &record, &err), IW_END);
    iw_framelog_reader_close(&r);
}

static void
records_before_a_known_offset_are_not_read_again(void **state)
{
    (void)state;
    iw_error err;
    uint64_t whole = make_log(4);
    uint64_t known = whole - (24 + 13) - (24 + 12); /* behind the second record */
    for (int torn = 0; torn < 2; torn++) {
        uint64_t cut_bytes;
        (void)make_log(4);
        write_byte(8 + 24, 0xee); /* damage that a check of the whole file would find */
        if (torn)
            assert_int_equal(truncate(path, (off_t)whole - 5), 0);
        iw_framelog_writer *w = iw_framelog_writer_open_from(path, known, &cut_bytes, &err);
        assert_non_null(w);
        assert_int_equal(iw_framelog_size(w), torn ? whole - (24 + 13) : whole);
        assert_int_equal(cut_bytes, torn ? 24 + 13 - 5 : 0);
        assert_ok(iw_framelog_writer_close(&w, &err), err);
    }
    (void)make_log(4);
    assert_int_equal(truncate(path, (off_t)known - 1), 0); /* it ends before: checked as a whole */
    iw_framelog_writer *w = iw_framelog_writer_open_from(path, known, NULL, &err);
    assert_non_null(w);
    assert_int_equal(iw_framelog_size(w), known - (24 + 11));
    assert_ok(iw_framelog_writer_close(&w, &err), err);
}

static void
a_place_is_found_again_in_its_own_log_alone(void **state)
{
    (void)state;
    iw_error err;
    iw_framelog_record record;
    iw_framelog_place place;
    uint64_t whole = make_log(4);
    iw_framelog_reader *r = iw_framelog_reader_open(path, &err);
    assert_int_equal(iw_framelog_stand(r, &place, &err), IW_INVALID); /* nothing was read */
    assert_ok(iw_framelog_next(r, &record, &err), err);
    assert_ok(iw_framelog_next(r, &record, &err), err);
    assert_ok(iw_framelog_stand(r, &place, &err), err);
    assert_int_equal(place.end, iw_framelog_tell(r));
    iw_framelog_rewind(r);
    assert_ok(iw_framelog_resume(r, &place, &err), err);
    assert_ok(iw_framelog_next(r, &record, &err), err);
    assert_int_equal(record.seq, 3);
    iw_framelog_reader_close(&r);
    for (uint64_t at = 8; at < whole;
         at++) { /* every byte of first head and second record counts */
        bool matters = (at >= 8 + 16 && at < 8 + 24) || (at >= place.record && at < place.end);
        (void)make_log(4);
        write_byte(at, 0xee);
        r = iw_framelog_reader_open(path, &err);
        iw_status status = iw_framelog_resume(r, &place, &err);
        assert_int_equal(status, matters ? IW_CORRUPT : IW_OK);
        iw_framelog_reader_close(&r);
    }
    for (uint64_t size = 8; size < place.end; size++) {
        (void)make_log(4);
        assert_int_equal(truncate(path, (off_t)size), 0);
        r = iw_framelog_reader_open(path, &err);
        assert_int_equal(iw_framelog_resume(r, &place, &err), IW_CORRUPT);
        iw_framelog_reader_close(&r);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(records_come_back_in_order, remove_log),
        cmocka_unit_test_teardown(records_larger_than_the_buffer_keep_their_place, remove_log),
        cmocka_unit_test_teardown(a_torn_tail_is_seen_and_cut_at_every_byte, remove_log),
        cmocka_unit_test_teardown(a_torn_file_header_is_written_anew, remove_log),
        cmocka_unit_test_teardown(a_changed_byte_costs_one_record_wherever_it_is, remove_log),
        cmocka_unit_test_teardown(damage_in_durable_bytes_keeps_what_follows_when_reopened,
                                  remove_log),
        cmocka_unit_test_teardown(damage_after_the_last_sync_cuts_the_log_there, remove_log),
        cmocka_unit_test_teardown(a_file_of_zeros_is_begun_anew, remove_log),
        cmocka_unit_test_teardown(records_before_a_known_offset_are_not_read_again, remove_log),
        cmocka_unit_test_teardown(a_place_is_found_again_in_its_own_log_alone, remove_log),
        cmocka_unit_test_teardown(other_files_are_refused, remove_log),
        cmocka_unit_test_teardown(a_second_writer_is_refused, remove_log),
        cmocka_unit_test_teardown(a_reader_follows_a_growing_log, remove_log),
        cmocka_unit_test_teardown(impossible_records_are_refused, remove_log),
        cmocka_unit_test_teardown(a_full_disk_leaves_whole_records_and_raises_no_signal,
                                  remove_log),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
