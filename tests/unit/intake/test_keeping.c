/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The forms of a filed run's journal, and what a crash leaves of them: the process ends before each
 * operation on the disk in turn, and one whole copy must be there.
 */
#include "iw_test.h"

#include "framelog.h"
#include "journal/folder.h"
#include "journal/keeping.h"

#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char id[] = "7f3c1a52-90ab-4cde-8f01-23456789abcd";
static char data[] = "/tmp/ionwatch-test-XXXXXX";
static iw_buffer original; /* of the journal */

/* Operations on the disk until the process ends, or fails; 0: never. */
static int left;
static bool fails;

int __real_rename(const char *from, const char *to);
int __real_unlink(const char *path);
int __real_fsync(int fd);
int __real_fdatasync(int fd);
ssize_t __real_write(int fd, const void *bytes, size_t size);
ssize_t __real_pwrite(int fd, const void *bytes, size_t size, off_t offset);
int __wrap_rename(const char *from, const char *to);
int __wrap_unlink(const char *path);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset);

static bool
strikes(void)
{
    if (left == 0 || --left > 0)
        return false;
    if (!fails)
        _exit(9);
    errno = ENOSPC;
    return true;
}

int
__wrap_rename(const char *from, const char *to)
{
    return strikes() ? -1 : __real_rename(from, to);
}

int
__wrap_unlink(const char *path)
{
    return !fails && strikes() ? -1 : __real_unlink(path); /* no disk is too full for it */
}

int
__wrap_fsync(int fd)
{
    return strikes() ? -1 : __real_fsync(fd);
}

int
__wrap_fdatasync(int fd)
{
    return strikes() ? -1 : __real_fdatasync(fd);
}

ssize_t
__wrap_write(int fd, const void *bytes, size_t size)
{
    return strikes() ? -1 : __real_write(fd, bytes, size);
}

ssize_t
__wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    return strikes() ? -1 : __real_pwrite(fd, bytes, size, offset);
}

static void
path_of(const char *file, char path[256])
{
    iw_folder_path(data, id, file, path, 256);
}

static void
read_file(const char *path, iw_buffer *bytes)
{
    char chunk[4096];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    iw_buffer_clear(bytes);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, file)) > 0;)
        assert_int_equal(iw_buffer_append(bytes, chunk, n, NULL), IW_OK);
    (void)fclose(file);
}

static void
append_message(iw_framelog_writer *log, const iw_message *message)
{
    iw_error err;
    iw_buffer bytes = {0};
    assert_ok(iw_wire_encode(message, &bytes, &err), err);
    assert_ok(iw_framelog_append(log, message->type, message->seq, bytes.data, bytes.size, &err),
              err);
    iw_buffer_fini(&bytes);
}

static void
append_hello(iw_framelog_writer *log)
{
    static const char *const names[] = {"Li", "S"};
    iw_error err;
    iw_run_info run;
    iw_run_info_init(&run);
    memcpy(run.id, id, sizeof id);
    assert_ok(iw_run_info_set_atoms(&run, 2, names, &err), err);
    iw_message hello;
    iw_message_init(&hello, IW_MSG_HELLO);
    memcpy(hello.run_id, id, sizeof id);
    hello.version = IW_PROTOCOL_VERSION;
    hello.run = &run;
    append_message(log, &hello);
    iw_run_info_fini(&run);
}

/* A filed run with its journal and its summary. */
static void
make_run(void)
{
    char path[256], summary_path[256];
    iw_error err;
    iw_summary summary;
    assert_ok(iw_folder_remove_run(data, id, &err), err);
    assert_ok(iw_folder_make_run(data, id, &err), err);
    path_of("journal.iwlog", path);
    path_of("summary.json", summary_path);
    iw_framelog_writer *log = iw_framelog_writer_open(path, NULL, &err);
    assert_non_null(log);
    append_hello(log);
    for (uint64_t i = 1; i <= 40; i++) {
        iw_message message;
        iw_message_init(&message, i < 40 ? IW_MSG_ACK : IW_MSG_BYE);
        message.seq = i;
        append_message(log, &message);
    }
    uint64_t size = iw_framelog_size(log);
    assert_ok(iw_framelog_writer_close(&log, &err), err);
    read_file(path, &original);
    assert_int_equal(original.size, size);
    iw_summary_init(&summary);
    summary.frames = 39;
    (void)snprintf(summary.state, sizeof summary.state, "completed");
    assert_ok(iw_summary_save(summary_path, &summary, size, &err), err);
}

static int
begin(void **state)
{
    char runs[256];
    (void)state;
    if (!mkdtemp(data))
        return -1;
    (void)snprintf(runs, sizeof runs, "%s/runs", data);
    return mkdir(runs, 0700);
}

static int
remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

static int
end(void **state)
{
    (void)state;
    iw_buffer_fini(&original);
    return nftw(data, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

typedef enum { PACK, UNPACK, DROP_PLAIN, DROP_PACKED, STEPS } step;

static iw_status
carry_out(step at, iw_error *err)
{
    uint64_t lost;
    return at == PACK     ? iw_keeping_pack(data, id, NULL, err)
           : at == UNPACK ? iw_keeping_unpack(data, id, NULL, &lost, err)
                          : iw_keeping_drop(data, id, err);
}

static void
prepare(step at)
{
    iw_error err;
    make_run();
    if (at == UNPACK || at == DROP_PACKED)
        assert_ok(iw_keeping_pack(data, id, NULL, &err), err);
}

static size_t
count_files(void)
{
    static const char *const names[] = {"journal.iwlog",     "journal.iwpack",     "run.iwlog",
                                        "journal.iwlog.new", "journal.iwpack.new", "run.iwlog.new"};
    size_t n = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[256];
        path_of(names[i], path);
        n += access(path, F_OK) == 0;
    }
    return n;
}

/* One form is there, and the whole journal in it, unless it was to be dropped and is. */
static void
assert_whole(step at)
{
    char path[256], copy[256];
    iw_error err = {0};
    uint64_t lost = 0;
    iw_buffer bytes = {0};
    assert_ok(iw_keeping_tidy(data, id, &err), err);
    assert_int_equal(count_files(), 1);
    switch (iw_keeping_look(data, id, path, sizeof path)) {
    case IW_KEPT_PLAIN:
        read_file(path, &bytes);
        break;
    case IW_KEPT_PACKED:
        path_of("copy", copy);
        assert_ok(iw_packlog_unpack(path, copy, NULL, &lost, &err), err);
        read_file(copy, &bytes);
        assert_int_equal(unlink(copy), 0);
        break;
    case IW_KEPT_RUN:
        assert_true(at == DROP_PLAIN || at == DROP_PACKED);
        return;
    case IW_KEPT_NOTHING:
        fail_msg("nothing is left");
    }
    assert_int_equal(bytes.size, original.size);
    assert_memory_equal(bytes.data, original.data, bytes.size);
    iw_buffer_fini(&bytes);
}

static void
crash_at_any_operation_leaves_one_whole_copy(void **state)
{
    (void)state;
    for (step at = PACK; at < STEPS; at++) {
        int crashes = 0;
        for (bool done = false; !done; crashes += !done) {
            int status = 0;
            prepare(at);
            pid_t child = fork();
            assert_true(child >= 0);
            if (child == 0) {
                left = crashes + 1;
                _exit(carry_out(at, NULL) == IW_OK ? 0 : 1);
            }
            assert_int_equal(waitpid(child, &status, 0), child);
            assert_true(WIFEXITED(status));
            done = WEXITSTATUS(status) == 0;
            if (!done)
                assert_int_equal(WEXITSTATUS(status), 9);
            assert_whole(at);
        }
        assert_in_range(crashes, 5, 40);
    }
}

static void
full_disk_at_any_operation_leaves_one_whole_copy(void **state)
{
    (void)state;
    for (step at = PACK; at < STEPS; at++)
        for (int failures = 1;; failures++) {
            iw_error err = {0};
            prepare(at);
            fails = true;
            left = failures;
            iw_status status = carry_out(at, &err);
            bool reached = left == 0;
            fails = false;
            left = 0;
            assert_whole(at);
            if (!reached)
                break;
            if (status != IW_OK) {
                assert_int_equal(status, IW_IO);
                assert_true(err.text[0] != '\0');
            }
        }
}

static void
journal_without_its_summary_stays(void **state)
{
    (void)state;
    char path[256];
    iw_error err;
    for (int i = 0; i < 2; i++) {
        make_run();
        path_of("summary.json", path);
        if (i == 0) {
            assert_int_equal(unlink(path), 0);
        } else { /* it is of another length: the run went on */
            path_of("journal.iwlog", path);
            FILE *file = fopen(path, "ab");
            assert_non_null(file);
            assert_int_equal(fputc('x', file), 'x');
            assert_int_equal(fclose(file), 0);
            read_file(path, &original);
        }
        assert_int_equal(iw_keeping_pack(data, id, NULL, &err), IW_INVALID);
        assert_whole(PACK);
        assert_int_equal(iw_keeping_drop(data, id, &err), IW_INVALID);
        assert_whole(PACK);
    }
}

static void
what_is_not_there_is_not_found(void **state)
{
    (void)state;
    uint64_t lost;
    char path[256];
    iw_error err;
    make_run();
    assert_int_equal(iw_keeping_unpack(data, id, NULL, &lost, &err), IW_NOT_FOUND);
    assert_ok(iw_keeping_drop(data, id, &err), err);
    assert_int_equal(iw_keeping_look(data, id, path, sizeof path), IW_KEPT_RUN);
    assert_int_equal(iw_keeping_pack(data, id, NULL, &err), IW_NOT_FOUND);
    assert_int_equal(iw_keeping_drop(data, id, &err), IW_NOT_FOUND);
    assert_int_equal(iw_keeping_unpack(data, id, NULL, &lost, &err), IW_NOT_FOUND);
    assert_ok(iw_folder_remove_run(data, id, &err), err);
    assert_int_equal(iw_keeping_look(data, id, path, sizeof path), IW_KEPT_NOTHING);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crash_at_any_operation_leaves_one_whole_copy),
        cmocka_unit_test(full_disk_at_any_operation_leaves_one_whole_copy),
        cmocka_unit_test(journal_without_its_summary_stays),
        cmocka_unit_test(what_is_not_there_is_not_found),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
