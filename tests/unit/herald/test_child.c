/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A command runs by itself, knows nothing of our descriptors, and ends in time. */
#include "iw_test.h"

#include "herald/child.h"
#include "ionwatchd/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static char *const bare[] = {(char[]){"PATH=/usr/bin:/bin"}, (char[]){"WORD=two words"}, NULL};

static iw_status
start(iw_child *child, const char *script, const char *input, double seconds)
{
    iw_error err;
    char *const argv[] = {(char[]){"sh"}, (char[]){"-c"}, strdup(script), NULL};
    iw_status status =
        iw_child_start(child, argv, bare, input, strlen(input), iw_now() + seconds, &err);
    free(argv[2]);
    return status;
}

/* Until it has ended; how long that took. */
static double
finish(iw_child *child, iw_status *status, iw_error *err)
{
    double begun_s = iw_now();
    while (!iw_child_tend(child, iw_now(), status, err)) {
        struct timespec pause = {.tv_nsec = 5000000};
        (void)nanosleep(&pause, NULL);
    }
    assert_int_equal(child->pid, 0);
    return iw_now() - begun_s;
}

static void
expect(const char *script, const char *input, iw_status expected, const char *says)
{
    iw_child child;
    iw_status status;
    iw_error err = {.text = ""};
    assert_int_equal(start(&child, script, input, 20), IW_OK);
    (void)finish(&child, &status, &err);
    if (status != expected || !strstr(err.text, says))
        fail_msg("%s: status %d, %s", script, (int)status, err.text);
}

static void
exit_codes_signals_and_first_words_are_told(void **state)
{
    (void)state;
    expect("exit 0", "", IW_OK, "");
    expect("echo all is well", "", IW_OK, "");
    expect("echo no such box >&2; echo more; exit 3", "", IW_IO, "exit code 3: no such box");
    expect("exit 7", "", IW_IO, "exit code 7");
    expect("kill -KILL $$", "", IW_IO, "signal 9 ended it");
}

static void
input_and_environment_arrive(void **state)
{
    (void)state;
    expect("read -r line; [ \"$line\" = '{\"a\": \"b c\"}' ] || exit 1; read -r more && exit 2; "
           "[ \"$WORD\" = 'two words' ] && [ -z \"$HOME\" ] || exit 4",
           "{\"a\": \"b c\"}\n", IW_OK, "");
}

/* Descriptors that are open in this process, on purpose without FD_CLOEXEC. */
static void
no_descriptor_of_ours_is_open_in_it(void **state)
{
    (void)state;
    int leaks[20];
    for (int i = 0; i < 20; i++) {
        leaks[i] = open("/dev/null", O_RDWR);
        assert_true(leaks[i] >= 0);
    }
    expect("for fd in /proc/self/fd/*; do n=${fd##*/}; [ -e /proc/$$/fd/$n ] && [ $n -gt 2 ] && "
           "[ \"$(readlink /proc/$$/fd/$n)\" = /dev/null ] && exit 1; done; exit 0",
           "", IW_OK, "");
    for (int i = 0; i < 20; i++)
        (void)close(leaks[i]);
}

/* This process blocks and ignores what a command must be able to get.  The C library keeps two
 * signals of its own, 32 and 33, ignored. */
static void
signals_are_as_a_program_expects_them(void **state)
{
    (void)state;
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_BLOCK, &all, &before);
    (void)signal(SIGPIPE, SIG_IGN);
    /* exec: a shell that waits for a child may block signals itself */
    expect("exec grep -q 'SigBlk:.0000000000000000' /proc/self/status", "", IW_OK, "");
    expect("exec grep -q 'SigIgn:.0000000[01][08]0000000' /proc/self/status", "", IW_OK, "");
    (void)signal(SIGPIPE, SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
}

static bool
lives(pid_t pid)
{
    char path[64], state = 'X';
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    int n = fscanf(file, "%*d (%*[^)]) %c", &state);
    (void)fclose(file);
    return n == 1 && state != 'Z' && state != 'X';
}

/* It hangs, has a child of its own that hangs, and neither hears SIGTERM. */
static void
one_that_hangs_is_ended_with_its_children(void **state)
{
    (void)state;
    iw_child child;
    iw_status status;
    iw_error err;
    char name[] = "/tmp/ionwatch-child-XXXXXX", script[200];
    int file = mkstemp(name);
    assert_true(file >= 0);
    (void)snprintf(script, sizeof script,
                   "trap '' TERM; sh -c \"trap '' TERM; echo \\$\\$ > %s; sleep 600\" & sleep 600",
                   name);
    assert_int_equal(start(&child, script, "", 0.5), IW_OK);
    double took_s = finish(&child, &status, &err);
    assert_int_equal(status, IW_TIMEOUT);
    assert_non_null(strstr(err.text, "took too long"));
    assert_true(took_s >= 2); /* first SIGTERM, then SIGKILL */
    char text[32] = "";
    assert_true(pread(file, text, sizeof text - 1, 0) > 0);
    pid_t grandchild = (pid_t)strtol(text, NULL, 10);
    assert_true(grandchild > 1);
    for (int i = 0; i < 400 && lives(grandchild); i++) {
        struct timespec pause = {.tv_nsec = 10000000};
        (void)nanosleep(&pause, NULL);
    }
    assert_false(lives(grandchild));
    (void)close(file);
    (void)unlink(name);
}

static void
one_that_minds_sigterm_ends_in_order(void **state)
{
    (void)state;
    iw_child child;
    iw_status status;
    iw_error err;
    assert_int_equal(start(&child, "trap 'echo bye; exit 0' TERM; sleep 600 & wait", "", 0.3),
                     IW_OK);
    (void)finish(&child, &status, &err);
    assert_int_equal(status, IW_TIMEOUT);
    assert_non_null(strstr(err.text, "ended: bye"));
}

/* Far more than a pipe holds: it must not wait for a reader, nor cost memory here. */
static void
one_that_talks_without_end_is_heard_but_not_kept(void **state)
{
    (void)state;
    iw_child child;
    iw_status status;
    iw_error err;
    assert_int_equal(start(&child, "head -c 3000000 /dev/zero | tr '\\0' 'x'; exit 5", "", 20),
                     IW_OK);
    (void)finish(&child, &status, &err);
    assert_int_equal(status, IW_IO);
    assert_int_equal(strspn(strchr(err.text, 'x') + 1, "x"), 0); /* of "exit" */
    assert_int_equal(strlen(err.text), strlen("exit code 5: ") + IW_CHILD_SAID - 1);
}

static void
programs_that_cannot_be_run_are_told_apart(void **state)
{
    (void)state;
    iw_child child;
    iw_error err;
    char *const none[] = {(char[]){"no-such-program-here"}, NULL};
    char *const folder[] = {(char[]){"/tmp"}, NULL};
    assert_int_equal(iw_child_start(&child, none, bare, "", 0, 0, &err), IW_NOT_FOUND);
    assert_non_null(strstr(err.text, "cannot run no-such-program-here"));
    assert_int_equal(child.pid, 0);
    assert_int_equal(iw_child_start(&child, folder, bare, "", 0, 0, &err), IW_REFUSED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_codes_signals_and_first_words_are_told),
        cmocka_unit_test(input_and_environment_arrive),
        cmocka_unit_test(no_descriptor_of_ours_is_open_in_it),
        cmocka_unit_test(signals_are_as_a_program_expects_them),
        cmocka_unit_test(one_that_hangs_is_ended_with_its_children),
        cmocka_unit_test(one_that_minds_sigterm_ends_in_order),
        cmocka_unit_test(one_that_talks_without_end_is_heard_but_not_kept),
        cmocka_unit_test(programs_that_cannot_be_run_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
