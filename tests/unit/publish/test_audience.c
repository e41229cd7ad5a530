/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/audience.h"

#include "iw_test.h"

static iw_status
say(iw_audience *audience, int who, char first, const char *topic, iw_error *err)
{
    char word[64];
    word[0] = first;
    int size = snprintf(word + 1, sizeof word - 1, "%s", topic);
    assert_in_range(size, 0, sizeof word - 2);
    return iw_audience_hear(audience, who, word, (size_t)size + 1, err);
}

static void
topic_is_wanted_until_its_end_is_said(void **state)
{
    (void)state;
    iw_error err;
    iw_audience *audience = iw_audience_new();
    assert_non_null(audience);
    assert_ok(say(audience, 7, 1, "7f3c", &err), err);
    assert_true(iw_audience_wants(audience, "7f3c1a52"));
    assert_false(iw_audience_wants(audience, "7f3"));
    assert_false(iw_audience_wants(audience, "8f3c1a52"));
    assert_ok(say(audience, -1, 0, "7f3c", &err), err);
    assert_false(iw_audience_wants(audience, "7f3c1a52"));
    assert_ok(say(audience, -1, 0, "7f3c", &err), err); /* harmless */
    assert_ok(say(audience, 7, 1, "", &err), err);
    assert_true(iw_audience_wants(audience, "whatever"));
    iw_audience_clear(audience);
    assert_false(iw_audience_wants(audience, "whatever"));
    iw_audience_destroy(&audience);
}

static void
what_is_no_topic_is_refused(void **state)
{
    (void)state;
    iw_error err;
    iw_audience *audience = iw_audience_new();
    char topic[IW_AUDIENCE_TOPIC + 2] = "";
    memset(topic, 'x', IW_AUDIENCE_TOPIC);
    assert_non_null(audience);
    assert_ok(say(audience, 7, 1, topic, &err), err);
    topic[IW_AUDIENCE_TOPIC] = 'x';
    assert_int_equal(say(audience, 7, 1, topic, &err), IW_REFUSED);
    assert_int_equal(say(audience, 7, 2, "7f3c", &err), IW_REFUSED);
    assert_int_equal(iw_audience_hear(audience, 7, "", 0, &err), IW_REFUSED);
    assert_false(iw_audience_wants(audience, "7f3c1a52"));
    iw_audience_destroy(&audience);
}

static iw_status
say_number(iw_audience *audience, int who, int i, iw_error *err)
{
    char topic[16];
    (void)snprintf(topic, sizeof topic, "run%06d", i);
    return say(audience, who, 1, topic, err);
}

static void
topics_of_each_and_of_all_are_bounded(void **state)
{
    (void)state;
    iw_error err;
    iw_audience *audience = iw_audience_new();
    assert_non_null(audience);
    int n = 0;
    for (; n < IW_AUDIENCE_OWN; n++)
        assert_ok(say_number(audience, 7, n, &err), err);
    assert_int_equal(say_number(audience, 7, n, &err), IW_REFUSED);
    assert_ok(say_number(audience, 7, 0, &err), err); /* it has that one */
    for (; n < IW_AUDIENCE_TOPICS; n++)
        assert_ok(say_number(audience, 8 + n / IW_AUDIENCE_OWN, n, &err), err);
    assert_int_equal(say_number(audience, 99, n, &err), IW_FULL);
    assert_ok(say(audience, -1, 0, "run000000", &err), err);
    assert_ok(say_number(audience, 99, n, &err), err);
    assert_true(iw_audience_wants(audience, "run000001"));
    iw_audience_destroy(&audience);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topic_is_wanted_until_its_end_is_said),
        cmocka_unit_test(what_is_no_topic_is_refused),
        cmocka_unit_test(topics_of_each_and_of_all_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
