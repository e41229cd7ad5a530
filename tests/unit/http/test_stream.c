/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What pages get, and that a slow one costs nobody. */
#include "iw_test.h"

#include "publish/http/body.h"
#include "publish/http/csv.h"
#include "publish/http/rows.h"
#include "publish/http/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define ID_A "aaaaaaaa-0000-4000-8000-000000000001"
#define ID_B "bbbbbbbb-0000-4000-8000-000000000002"

static iw_error err;

static void
count_wake(void *context)
{
    ++*(int *)context;
}

static void
listing(iw_hub *hub, const char *json, double now_s)
{
    assert_int_equal(iw_hub_listing(hub, json, strlen(json), now_s, &err), IW_OK);
}

/* All that there is now, as text. */
static char *
take(iw_hub *hub, iw_client *client, size_t piece)
{
    static char text[1 << 16];
    size_t used = 0, got;
    while ((got = iw_client_read(hub, client, text + used, piece)) > 0)
        used += got;
    text[used] = '\0';
    return text;
}

static void
changed_rows_alone_are_told(void **state)
{
    (void)state;
    iw_rows *rows = iw_rows_new();
    iw_buffer out = {0};
    const char *first =
        "{\"runs\":[{\"id\":\"" ID_A "\",\"n\":1,\"silent_s\":1},{\"id\":\"" ID_B "\",\"n\":1}]}";
    const char *second =
        "{\"runs\":[{\"id\":\"" ID_A "\",\"n\":1,\"silent_s\":2},{\"id\":\"" ID_B "\",\"n\":2}]}";
    const char *third = "{\"runs\":[{\"id\":\"" ID_B "\",\"n\":2}]}";
    assert_int_equal(iw_rows_update(rows, first, strlen(first), &err), IW_OK);
    uint64_t one = iw_rows_version(rows);
    assert_int_equal(iw_rows_update(rows, second, strlen(second), &err), IW_OK);
    uint64_t two = iw_rows_version(rows);
    assert_int_equal(iw_rows_changes(rows, one, &out, &err), IW_OK);
    assert_int_equal(iw_buffer_append(&out, "", 1, &err), IW_OK);
    assert_string_equal((char *)out.data,
                        "{\"runs\":[{\"id\":\"" ID_B "\",\"n\":2}],\"removed\":[]}");
    assert_int_equal(iw_rows_update(rows, third, strlen(third), &err), IW_OK);
    iw_buffer_clear(&out);
    assert_int_equal(iw_rows_changes(rows, two, &out, &err), IW_OK);
    assert_int_equal(iw_buffer_append(&out, "", 1, &err), IW_OK);
    assert_string_equal((char *)out.data, "{\"runs\":[],\"removed\":[\"" ID_A "\"]}");
    iw_buffer_clear(&out);
    assert_int_equal(iw_rows_changes(rows, 0, &out, &err), IW_OK);
    assert_int_equal(iw_buffer_append(&out, "", 1, &err), IW_OK);
    assert_string_equal((char *)out.data,
                        "{\"all\":true,\"runs\":[{\"id\":\"" ID_B "\",\"n\":2}],\"removed\":[]}");
    assert_int_equal(iw_rows_update(rows, "[]", 2, &err), IW_PROTOCOL);
    assert_int_equal(iw_rows_update(rows, "{", 1, &err), IW_PROTOCOL);
    iw_buffer_fini(&out);
    iw_rows_destroy(&rows);
}

static void
a_page_that_was_away_for_many_removals_begins_anew(void **state)
{
    (void)state;
    iw_rows *rows = iw_rows_new();
    iw_buffer out = {0};
    char json[100];
    (void)iw_rows_update(rows, "{\"runs\":[]}", 11, &err);
    uint64_t seen = iw_rows_version(rows), late = 0;
    for (int i = 0; i < 600; i++) {
        (void)snprintf(json, sizeof json, "{\"runs\":[{\"id\":\"%036d\"}]}", i);
        assert_int_equal(iw_rows_update(rows, json, strlen(json), &err), IW_OK);
        late = i == 590 ? iw_rows_version(rows) : late;
    }
    assert_int_equal(iw_rows_changes(rows, seen, &out, &err), IW_OK);
    assert_memory_equal(out.data, "{\"all\":true,", 12);
    iw_buffer_clear(&out);
    assert_int_equal(iw_rows_changes(rows, late, &out, &err), IW_OK);
    assert_memory_equal(out.data, "{\"runs\":[", 9);
    iw_buffer_fini(&out);
    iw_rows_destroy(&rows);
}

static void
a_slow_page_gets_the_newest_and_no_backlog(void **state)
{
    (void)state;
    int woken = 0;
    iw_hub *hub = iw_hub_new();
    iw_client *page = iw_hub_join(hub, ID_A, false, count_wake, &woken);
    assert_non_null(strstr(take(hub, page, 7 + 10), "retry: 1000"));
    for (int i = 1; i <= 100; i++) { /* it reads none of it */
        char json[200];
        (void)snprintf(json, sizeof json, "{\"runs\":[{\"id\":\"" ID_A "\",\"n\":%d}]}", i);
        listing(hub, json, i);
        (void)snprintf(json, sizeof json, "{\"record\":%d}", i);
        iw_hub_record(hub, ID_A, json, strlen(json));
        iw_hub_beat(hub, i);
    }
    assert_int_equal(woken, 1);
    assert_string_equal(take(hub, page, 11),
                        "event: runs\ndata: {\"all\":true,\"runs\":[{\"id\":\"" ID_A
                        "\",\"n\":100}],\"removed\":[]}\n\n"
                        "event: run\ndata: {\"record\":100}\n\n"
                        "event: beat\ndata: {\"time\":100.000}\n\n");
    iw_hub_record(hub, ID_B, "{}", 2); /* a run that nobody shows */
    assert_int_equal(woken, 1);
    assert_string_equal(take(hub, page, 64), "");
    iw_hub_beat(hub, 101);
    assert_int_equal(woken, 2);
    iw_hub_leave(hub, &page);
    assert_null(page);
    assert_int_equal(iw_hub_clients(hub), 0);
    iw_hub_destroy(&hub);
}

static void
packed_pages_get_the_same_however_they_join(void **state)
{
    (void)state;
    int woken = 0;
    unsigned char packed[1 << 15];
    char plain[1 << 16];
    size_t used = 0, got;
    iw_hub *hub = iw_hub_new();
    iw_client *early = iw_hub_join(hub, ID_A, true, count_wake, &woken);
    iw_hub_record(hub, ID_A, "{\"x\":\"0123456789012345678901234567890123456789\"}", 48);
    listing(hub, "{\"runs\":[]}", 1);
    iw_client *page =
        iw_hub_join(hub, ID_A, true, count_wake, &woken); /* shares parts made before */
    for (int i = 0; i < 3; i++) {
        while ((got = iw_client_read(hub, page, (char *)packed + used, 100)) > 0)
            used += got;
        (void)take(hub, early, 4096);
        iw_hub_record(hub, ID_A, "{\"x\":\"0123456789012345678901234567890123456789\"}", 48);
        iw_hub_beat(hub, i);
    }
    z_stream z = {.next_in = packed,
                  .avail_in = (uInt)used,
                  .next_out = (unsigned char *)plain,
                  .avail_out = sizeof plain};
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_SYNC_FLUSH), Z_OK);
    plain[sizeof plain - z.avail_out] = '\0';
    (void)inflateEnd(&z);
    size_t records = 0;
    for (const char *at = plain; (at = strstr(at, "event: run\ndata: {\"x\"")); at++)
        records++;
    assert_int_equal(records, 3);
    assert_non_null(strstr(plain, "event: beat\ndata: {\"time\":1.000}\n\n"));
    iw_hub_leave(hub, &page);
    iw_hub_leave(hub, &early);
    iw_hub_destroy(&hub);
}

static void
a_run_whose_record_stays_away_is_asked_for_once(void **state)
{
    (void)state;
    int woken = 0;
    iw_hub *hub = iw_hub_new();
    iw_client *page = iw_hub_join(hub, ID_A, false, count_wake, &woken);
    listing(hub, "{\"runs\":[{\"id\":\"" ID_A "\",\"state\":\"running\"}]}", 10);
    assert_null(iw_hub_overdue(hub, 10.5));
    iw_hub_record(hub, ID_A, "{}", 2);
    assert_null(iw_hub_overdue(hub, 20));
    listing(hub, "{\"runs\":[{\"id\":\"" ID_A "\",\"state\":\"completed\"}]}", 30);
    assert_null(iw_hub_overdue(hub, 30.9));
    assert_string_equal(iw_hub_overdue(hub, 31), ID_A);
    assert_null(iw_hub_overdue(hub, 40));
    assert_true(iw_hub_shows(hub, ID_A) && !iw_hub_shows(hub, ID_B));
    iw_hub_leave(hub, &page);
    assert_false(iw_hub_shows(hub, ID_A));
    iw_hub_destroy(&hub);
}

static void
a_body_is_packed_once_and_tagged_by_what_it_says(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    iw_body *a = iw_body_text("text/plain", text), *b = iw_body_text("text/plain", text);
    assert_string_equal(a->etag, b->etag);
    assert_true(iw_body_pack(a) && a->packed.size < 100);
    const unsigned char *before = a->packed.data;
    assert_true(iw_body_pack(a) && a->packed.data == before);
    iw_body *shared = iw_body_ref(a);
    iw_body_unref(&a);
    assert_null(a);
    assert_int_equal(shared->plain.size, sizeof text - 1);
    text[0] = 'y';
    iw_body *c = iw_body_text("text/plain", text), *tiny = iw_body_text("text/plain", "x");
    assert_string_not_equal(b->etag, c->etag);
    assert_false(iw_body_pack(tiny));
    iw_body_unref(&shared);
    iw_body_unref(&b);
    iw_body_unref(&c);
    iw_body_unref(&tiny);
}

static void
a_series_is_a_table_with_names_and_empty_cells(void **state)
{
    (void)state;
    json_t *record =
        json_loads("{\"groups\":{\"Li\":{\"msd\":{\"lag_ps\":[0,0.1,0.30000000000000004],"
                   "\"msd_A2\":[0,null,1e-5],\"stderr_A2\":[]},\"paper\":null}},"
                   "\"history\":{\"diffusion\":{\"time_ps\":[1],\"D_cm2_s\":[2.5e-6]}}}",
                   0, NULL);
    iw_buffer out = {0};
    assert_int_equal(iw_csv_series(record, "msd", "Li", &out, &err), IW_OK);
    assert_int_equal(iw_buffer_append(&out, "", 1, &err), IW_OK);
    assert_string_equal((char *)out.data,
                        "lag_ps,msd_A2,stderr_A2\n0,0,\n0.1,,\n0.30000000000000004,1e-05,\n");
    iw_buffer_clear(&out);
    assert_int_equal(iw_csv_series(record, "history", "", &out, &err), IW_OK);
    assert_int_equal(iw_buffer_append(&out, "", 1, &err), IW_OK);
    assert_string_equal((char *)out.data, "time_ps,D_cm2_s\n1,2.5e-06\n");
    assert_int_equal(iw_csv_series(record, "msd", "S", &out, &err), IW_NOT_FOUND);
    assert_int_equal(iw_csv_series(record, "vdos_paper", "Li", &out, &err), IW_NOT_FOUND);
    assert_int_equal(iw_csv_series(record, "health", "", &out, &err), IW_NOT_FOUND);
    assert_false(iw_csv_is_kind("x") || iw_csv_is_kind(NULL));
    assert_true(iw_csv_is_kind("vdos_paper"));
    iw_buffer_fini(&out);
    json_decref(record);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changed_rows_alone_are_told),
        cmocka_unit_test(a_page_that_was_away_for_many_removals_begins_anew),
        cmocka_unit_test(a_slow_page_gets_the_newest_and_no_backlog),
        cmocka_unit_test(packed_pages_get_the_same_however_they_join),
        cmocka_unit_test(a_run_whose_record_stays_away_is_asked_for_once),
        cmocka_unit_test(a_body_is_packed_once_and_tagged_by_what_it_says),
        cmocka_unit_test(a_series_is_a_table_with_names_and_empty_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
