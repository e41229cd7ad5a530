/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was told is known after a restart, also after one in the middle of a line. */
#include "iw_test.h"

#include "herald/book.h"

#include <sys/stat.h>
#include <unistd.h>

static const char first[] = "11111111-1111-4111-8111-111111111111";
static const char second[] = "22222222-2222-4222-8222-222222222222";

static char folder[64];

static int
make_folder(void **state)
{
    char path[400];
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/ionwatch-book-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "mkdir -p %s/runs/%s %s/runs/%s", folder, first, folder,
                   second);
    assert_int_equal(system(path), 0);
    return 0;
}

static int
remove_folder(void **state)
{
    char command[100];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static iw_book *
open_book(void)
{
    iw_error err = {.code = IW_OK};
    iw_book *book = iw_book_open(folder, &err);
    if (!book)
        fail_msg("%s", err.text);
    return book;
}

static uint64_t
number_of(iw_book *book, const char *run, iw_event_kind kind)
{
    const iw_book_entry *entry = iw_book_find(book, run, kind);
    assert_non_null(entry);
    return entry->number;
}

static void
append(const char *text)
{
    char path[100];
    (void)snprintf(path, sizeof path, "%s/told", folder);
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    (void)fclose(file);
}

static long
size_of_file(void)
{
    char path[100];
    struct stat about;
    (void)snprintf(path, sizeof path, "%s/told", folder);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    return (long)about.st_size;
}

static void
what_was_noted_is_known_after_a_restart(void **state)
{
    (void)state;
    iw_error err;
    iw_book *book = open_book();
    assert_int_equal(number_of(book, first, IW_EVENT_converged), 0);
    assert_ok(iw_book_note(book, first, IW_EVENT_converged, 1, true, &err), err);
    assert_ok(iw_book_note(book, first, IW_EVENT_stalled, 700, false, &err), err);
    assert_ok(iw_book_note(book, first, IW_EVENT_stalled, 900, true, &err), err);
    assert_ok(iw_book_note(book, second, IW_EVENT_stalled, 5, true, &err), err);
    iw_book_close(&book);
    assert_null(book);
    for (int again = 0; again < 2; again++) {
        book = open_book();
        assert_int_equal(number_of(book, first, IW_EVENT_converged), 1);
        assert_int_equal(number_of(book, first, IW_EVENT_stalled), 900);
        assert_int_equal(number_of(book, second, IW_EVENT_stalled), 5);
        assert_int_equal(number_of(book, second, IW_EVENT_converged), 0);
        iw_book_close(&book);
    }
}

static void
lines_that_are_torn_or_foreign_are_passed_over(void **state)
{
    (void)state;
    iw_book *book = open_book();
    iw_book_close(&book);
    append("nonsense\n");
    append("11111111-1111-4111-8111-111111111111 danced 3\n");
    append("11111111-1111-4111-8111-111111111111 gap 4\n");
    append("11111111-1111-4111-8111-111111111111 gap 99"); /* the power went here */
    book = open_book();
    assert_int_equal(number_of(book, first, IW_EVENT_gap), 4);
    iw_book_close(&book);
}

static void
a_start_drops_runs_that_are_gone_and_older_numbers(void **state)
{
    (void)state;
    iw_error err;
    char command[200];
    iw_book *book = open_book();
    for (uint64_t n = 1; n <= 100; n++) {
        assert_ok(iw_book_note(book, first, IW_EVENT_gap, n, false, &err), err);
        assert_ok(iw_book_note(book, second, IW_EVENT_gap, n, false, &err), err);
    }
    iw_book_close(&book);
    long before = size_of_file();
    (void)snprintf(command, sizeof command, "rmdir %s/runs/%s", folder, second);
    assert_int_equal(system(command), 0);
    book = open_book();
    assert_int_equal(number_of(book, first, IW_EVENT_gap), 100);
    assert_int_equal(number_of(book, second, IW_EVENT_gap), 0);
    iw_book_close(&book);
    assert_true(before > 8000 && size_of_file() < 60);
}

static void
a_run_that_was_removed_begins_anew(void **state)
{
    (void)state;
    iw_error err;
    iw_book *book = open_book();
    iw_book_find(book, first, IW_EVENT_gap)->number = 7;
    assert_ok(iw_book_note(book, first, IW_EVENT_gap, 7, true, &err), err);
    assert_ok(iw_book_note(book, second, IW_EVENT_gap, 7, true, &err), err);
    assert_ok(iw_book_forget(book, first, &err), err);
    assert_int_equal(number_of(book, first, IW_EVENT_gap), 0);
    assert_ok(iw_book_note(book, first, IW_EVENT_converged, 1, true, &err), err);
    iw_book_close(&book);
    for (int again = 0; again < 2; again++) {
        book = open_book();
        assert_int_equal(number_of(book, first, IW_EVENT_gap), 0);
        assert_int_equal(number_of(book, first, IW_EVENT_converged), 1);
        assert_int_equal(number_of(book, second, IW_EVENT_gap), 7);
        iw_book_close(&book);
    }
}

static void
a_folder_that_cannot_be_written_is_an_error(void **state)
{
    (void)state;
    iw_error err;
    assert_null(iw_book_open("/nonexistent/folder", &err));
    assert_int_equal(err.code, IW_IO);
    assert_non_null(strstr(err.text, "/nonexistent/folder/told"));
}

int
main(void)
{
    (void)umask(077);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_noted_is_known_after_a_restart, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(lines_that_are_torn_or_foreign_are_passed_over, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_start_drops_runs_that_are_gone_and_older_numbers,
                                        make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_run_that_was_removed_begins_anew, make_folder,
                                        remove_folder),
        cmocka_unit_test(a_folder_that_cannot_be_written_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
