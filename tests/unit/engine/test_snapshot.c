/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iw_test.h"
#include "snapshot.h"

static void
a_snapshot_lives_until_its_last_reader_lets_go(void **state)
{
    (void)state;
    iw_snapshot *first = iw_snapshot_new();
    assert_non_null(first);
    first->name = strdup("run");
    iw_snapshot *second = iw_snapshot_ref(first);
    iw_snapshot_unref(&first);
    assert_null(first);
    assert_string_equal(second->name, "run");
    iw_snapshot_unref(&second);
    iw_snapshot_unref(&second); /* NULL is harmless */
    iw_snapshot_unref(NULL);
}

static void
what_is_not_known_is_not_a_number(void **state)
{
    (void)state;
    iw_snapshot *s = iw_snapshot_new();
    assert_true(isnan(s->dt_fs) && isnan(s->time_ps) && isnan(s->temperature_K));
    assert_true(isnan(s->convergence.relative_error));
    assert_null(iw_snapshot_group(s, "all"));
    iw_snapshot_unref(&s);
}

static void
events_are_counted_or_listed(void **state)
{
    (void)state;
    iw_event_list list = {0};
    for (uint64_t i = 1; i <= 20; i++) {
        assert_int_equal(iw_event_add(&list, IW_EVENT_gap, true, i, (int64_t)i, "gap %d", (int)i),
                         IW_OK);
        assert_int_equal(iw_event_add(&list, IW_EVENT_restart, false, i, 0, "%s", "again"), IW_OK);
    }
    assert_int_equal(list.n, 21);
    assert_int_equal(list.items[0].count, 20);
    assert_string_equal(list.items[0].text, "gap 1");
    assert_string_equal(iw_event_id(list.items[0].kind), "gap");
    assert_string_equal(iw_severity_name(iw_event_severity(IW_EVENT_not_finite)), "fault");
    iw_event_list_fini(&list);
}

static void
every_kind_of_event_has_a_meaning_of_its_own(void **state)
{
    (void)state;
    for (int a = 0; a < IW_EVENT_COUNT; a++) {
        for (int b = 0; b < a; b++)
            assert_string_not_equal(iw_event_meaning((iw_event_kind)a),
                                    iw_event_meaning((iw_event_kind)b));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_lives_until_its_last_reader_lets_go),
        cmocka_unit_test(what_is_not_known_is_not_a_number),
        cmocka_unit_test(events_are_counted_or_listed),
        cmocka_unit_test(every_kind_of_event_has_a_meaning_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
