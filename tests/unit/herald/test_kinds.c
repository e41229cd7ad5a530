/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a command is cut into words, and which events a list names. */
#include "iw_test.h"

#include "herald/argv.h"
#include "herald/kinds.h"

static void
expect_words(const char *line, size_t n, const char *const *words)
{
    iw_argv argv;
    iw_error err;
    assert_ok(iw_argv_split(line, &argv, &err), err);
    assert_int_equal(argv.n, n);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(argv.words[i], words[i]);
    assert_null(argv.words[n]);
}

static void
words_are_separated_by_blanks_and_kept_together_by_quotes(void **state)
{
    (void)state;
    expect_words("", 0, NULL);
    expect_words(" \t ", 0, NULL);
    expect_words("mail", 1, (const char *[]){"mail"});
    expect_words("  mail\t-s  x ", 3, (const char *[]){"mail", "-s", "x"});
    expect_words("mail -s 'a run' me@here", 4, (const char *[]){"mail", "-s", "a run", "me@here"});
    expect_words("a \"b c\" d", 3, (const char *[]){"a", "b c", "d"});
    expect_words("a '' \"\"", 3, (const char *[]){"a", "", ""});
    expect_words("a'b c'd\"e f\"", 1, (const char *[]){"ab cde f"});
    expect_words("/o/my\\ tool \\'x\\'", 2, (const char *[]){"/o/my tool", "'x'"});
    expect_words("a \"\\\"b\\\\ \\n\"", 2, (const char *[]){"a", "\"b\\ \\n"});
    expect_words("a 'b\\' c", 3, (const char *[]){"a", "b\\", "c"});
}

/* No shell: these characters are what they are. */
static void
nothing_is_expanded(void **state)
{
    (void)state;
    expect_words(
        "a $HOME `id` $(id) * ~ > x | y && z", 12,
        (const char *[]){"a", "$HOME", "`id`", "$(id)", "*", "~", ">", "x", "|", "y", "&&", "z"});
}

static void
expect_refused(const char *line, const char *says)
{
    iw_argv argv;
    iw_error err;
    assert_int_equal(iw_argv_split(line, &argv, &err), IW_INVALID);
    assert_non_null(strstr(err.text, says));
}

static void
lines_that_are_no_command_are_refused(void **state)
{
    (void)state;
    char most[IW_ARGV_TEXT + 1], many[3 * IW_ARGV_WORDS];
    expect_refused("mail -s 'x", "not ended");
    expect_refused("mail \"x", "not ended");
    expect_refused("mail \\", "not ended");
    expect_refused("'' x", "begins with a program");
    memset(most, 'x', IW_ARGV_TEXT);
    most[IW_ARGV_TEXT] = '\0';
    expect_refused(most, "at most 255 characters");
    most[IW_ARGV_TEXT - 1] = '\0';
    expect_words(most, 1, (const char *[]){most});
    memset(many, 0, sizeof many);
    for (size_t i = 0; i < 2 * (IW_ARGV_WORDS + 1); i++)
        many[i] = "x "[i % 2];
    expect_refused(many, "at most 32 words");
}

static void
names_and_groups_choose_events(void **state)
{
    (void)state;
    iw_kinds kinds;
    iw_error err;
    assert_ok(iw_kinds_parse("", &kinds, &err), err);
    for (int k = 0; k < IW_EVENT_COUNT; k++)
        assert_false(kinds.chosen[k]);
    assert_ok(iw_kinds_parse("converged, stalled\tgap,", &kinds, &err), err);
    for (int k = 0; k < IW_EVENT_COUNT; k++)
        assert_int_equal(kinds.chosen[k],
                         k == IW_EVENT_converged || k == IW_EVENT_stalled || k == IW_EVENT_gap);
    assert_ok(iw_kinds_parse("all", &kinds, &err), err);
    for (int k = 0; k < IW_EVENT_COUNT; k++)
        assert_true(kinds.chosen[k]);
    assert_ok(iw_kinds_parse("health faults", &kinds, &err), err);
    assert_true(kinds.chosen[IW_EVENT_framework_melting] && kinds.chosen[IW_EVENT_energy_drift]);
    assert_true(kinds.chosen[IW_EVENT_broken] && kinds.chosen[IW_EVENT_unfiled]);
    assert_false(kinds.chosen[IW_EVENT_gap] || kinds.chosen[IW_EVENT_converged]);
    assert_ok(iw_kinds_parse("warnings", &kinds, &err), err);
    assert_true(kinds.chosen[IW_EVENT_gap] && kinds.chosen[IW_EVENT_futile]);
    assert_false(kinds.chosen[IW_EVENT_broken] || kinds.chosen[IW_EVENT_restart]);
}

static void
an_unknown_event_names_the_nearest(void **state)
{
    (void)state;
    iw_kinds kinds;
    iw_error err;
    assert_int_equal(iw_kinds_parse("converged,stoled", &kinds, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "did you mean \"stalled\"?"));
    assert_int_equal(iw_kinds_parse("helth", &kinds, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "did you mean \"health\"?"));
    assert_int_equal(iw_kinds_parse("xyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzy", &kinds, &err),
                     IW_INVALID);
    assert_non_null(strstr(err.text, "no event is called"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_separated_by_blanks_and_kept_together_by_quotes),
        cmocka_unit_test(nothing_is_expanded),
        cmocka_unit_test(lines_that_are_no_command_are_refused),
        cmocka_unit_test(names_and_groups_choose_events),
        cmocka_unit_test(an_unknown_event_names_the_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
