/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "archive.h"
#include "iw_test.h"

typedef enum { RED, GREEN, BLUE } colour;

/* One of everything, in the order in which everything() names it. */
typedef struct {
    unsigned char bytes[5];
    double doubles[3];
    double one;
    uint64_t u64;
    int64_t i64;
    size_t size;
    uint32_t u32;
    bool yes, no;
    char text[12];
    size_t limited, count;
    colour colour;
    double bulk[4];
    iw_archive_key key;
} sample;

enum { MOST = 10, SAME = 77 };

static void
everything(sample *s, iw_archive *archive)
{
    iw_archive_tag(archive, "sample", 3);
    iw_archive_bytes(archive, s->bytes, sizeof s->bytes);
    iw_archive_doubles(archive, s->doubles, 3);
    iw_archive_double(archive, &s->one);
    iw_archive_u64(archive, &s->u64);
    iw_archive_i64(archive, &s->i64);
    iw_archive_size(archive, &s->size);
    iw_archive_u32(archive, &s->u32);
    iw_archive_bool(archive, &s->yes);
    iw_archive_bool(archive, &s->no);
    iw_archive_text(archive, s->text, sizeof s->text);
    iw_archive_limited(archive, &s->limited, MOST, "the limited one");
    iw_archive_same(archive, SAME, "what both know");
    IW_ARCHIVE_ENUM(archive, &s->colour, BLUE, "colour");
    iw_archive_count(archive, &s->count, 2 * sizeof(double), "pairs");
    iw_archive_bulk(archive, s->bulk, sizeof s->bulk, &s->key);
    IW_ARCHIVE_CHECK(archive, s->yes && !s->no);
}

static const sample original = {
    .bytes = {0, 255, 7, 0, 1},
    .doubles = {-0.0, 1e308, 5e-324},
    .one = -2.5,
    .u64 = UINT64_MAX,
    .i64 = INT64_MIN,
    .size = SIZE_MAX - 1,
    .u32 = UINT32_MAX,
    .yes = true,
    .text = "eleven long",
    .limited = MOST,
    .count = 2,
    .colour = BLUE,
    .bulk = {1.0, 2.0, 3.0, 4.0},
};

static void
assert_equal(const sample *a, const sample *b)
{
    assert_memory_equal(a->bytes, b->bytes, sizeof a->bytes);
    assert_memory_equal(a->doubles, b->doubles, sizeof a->doubles);
    assert_memory_equal(&a->one, &b->one, sizeof a->one);
    assert_true(a->u64 == b->u64 && a->i64 == b->i64 && a->size == b->size && a->u32 == b->u32);
    assert_true(a->yes == b->yes && a->no == b->no);
    assert_memory_equal(a->text, b->text, sizeof a->text);
    assert_true(a->limited == b->limited && a->count == b->count && a->colour == b->colour);
    assert_memory_equal(a->bulk, b->bulk, sizeof a->bulk);
}

/* A save of the original; its size is what the primitives add up to. */
static iw_buffer
saved_sample(void)
{
    sample s = original;
    iw_buffer buffer = {0};
    iw_archive archive;
    iw_archive_to_buffer(&archive, &buffer);
    assert_false(iw_archive_loading(&archive));
    everything(&s, &archive);
    assert_true(iw_archive_ok(&archive));
    assert_equal(&s, &original);
    assert_true(s.key.low == 0 && s.key.high == 0); /* nobody asked for it */
    return buffer;
}

static iw_status
load(sample *s, const void *data, size_t size, iw_error *err)
{
    iw_archive archive;
    iw_archive_cursor cursor = {data, size, 0};
    iw_archive_from_memory(&archive, &cursor);
    assert_true(iw_archive_loading(&archive));
    everything(s, &archive);
    if (iw_archive_ok(&archive))
        assert_int_equal(cursor.at, size);
    return iw_archive_status(&archive, err);
}

static void
every_primitive_comes_back_as_it_was(void **state)
{
    (void)state;
    iw_buffer buffer = saved_sample();
    sample s;
    iw_error err = {0};
    memset(&s, 0x5a, sizeof s);
    assert_ok(load(&s, buffer.data, buffer.size, &err), err);
    assert_equal(&s, &original);
    iw_buffer_fini(&buffer);
}

static void
every_truncation_is_refused_and_gives_zeros(void **state)
{
    (void)state;
    iw_buffer buffer = saved_sample();
    for (size_t size = 0; size < buffer.size; size++) {
        sample s;
        iw_error err = {0};
        unsigned char *bytes = malloc(size + 1); /* no more than that: a sanitizer sees it */
        assert_non_null(bytes);
        memcpy(bytes, buffer.data, size);
        memset(&s, 0x5a, sizeof s);
        assert_int_equal(load(&s, bytes, size, &err), IW_CORRUPT);
        assert_true(err.text[0] != '\0');
        for (size_t i = 0; i < 4; i++)
            assert_true(s.bulk[i] == 0.0);
        free(bytes);
    }
    iw_buffer_fini(&buffer);
}

/* Loads one number that was saved without any check. */
static iw_archive
holding(iw_archive_cursor *cursor, const void *data, size_t size)
{
    iw_archive archive;
    *cursor = (iw_archive_cursor){data, size, 0};
    iw_archive_from_memory(&archive, cursor);
    return archive;
}

static void
assert_refused(const iw_archive *archive, const char *words)
{
    iw_error err = {0};
    assert_int_equal(iw_archive_status(archive, &err), IW_CORRUPT);
    if (!strstr(err.text, words))
        fail_msg("\"%s\" does not say \"%s\"", err.text, words);
}

static void
a_count_beyond_what_is_left_is_refused(void **state)
{
    (void)state;
    static const size_t item[] = {1, 8, 3000, SIZE_MAX};
    for (size_t i = 0; i < 4; i++) {
        for (size_t left = 0; left < 20; left++) {
            const size_t most = left / item[i];
            const size_t counts[] = {most + 1, SIZE_MAX, SIZE_MAX / item[i] + 1};
            unsigned char bytes[sizeof(size_t) + 20] = {0};
            for (size_t k = 0; k < 3; k++) {
                iw_archive_cursor cursor;
                size_t n = counts[k] > most ? counts[k] : most + 1;
                memcpy(bytes, &n, sizeof n);
                iw_archive archive = holding(&cursor, bytes, sizeof n + left);
                iw_archive_count(&archive, &n, item[i], "things");
                assert_refused(&archive, "things");
                assert_int_equal(n, 0);
            }
            iw_archive_cursor cursor;
            size_t n = most;
            memcpy(bytes, &n, sizeof n);
            iw_archive archive = holding(&cursor, bytes, sizeof n + left);
            iw_archive_count(&archive, &n, item[i], "things");
            assert_true(iw_archive_ok(&archive));
            assert_int_equal(n, most);
        }
    }
}

static void
a_number_beyond_its_limit_is_refused(void **state)
{
    (void)state;
    static const size_t beyond[] = {MOST + 1, SIZE_MAX, (size_t)1 << 32};
    for (size_t i = 0; i < 3; i++) {
        iw_archive_cursor cursor;
        size_t value = 5;
        iw_archive archive = holding(&cursor, &beyond[i], sizeof beyond[i]);
        iw_archive_limited(&archive, &value, MOST, "steps");
        assert_refused(&archive, "steps");
        assert_int_equal(value, 0);
        colour c = RED;
        archive = holding(&cursor, &beyond[i], sizeof beyond[i]);
        IW_ARCHIVE_ENUM(&archive, &c, BLUE, "colour");
        assert_refused(&archive, "colour");
        assert_int_equal(c, RED);
    }
}

static void
what_differs_from_the_options_is_refused(void **state)
{
    (void)state;
    uint64_t other = SAME + 1;
    iw_archive_cursor cursor;
    iw_archive archive = holding(&cursor, &other, sizeof other);
    iw_archive_same(&archive, SAME, "atoms");
    assert_refused(&archive, "atoms: 78 was saved, 77 is wanted");
}

static void
another_name_or_version_is_refused(void **state)
{
    (void)state;
    iw_buffer buffer = {0};
    iw_archive archive;
    iw_archive_cursor cursor;
    iw_archive_to_buffer(&archive, &buffer);
    iw_archive_tag(&archive, "msd", 1);
    archive = holding(&cursor, buffer.data, buffer.size);
    iw_archive_tag(&archive, "msd", 1);
    assert_true(iw_archive_ok(&archive));
    archive = holding(&cursor, buffer.data, buffer.size);
    iw_archive_tag(&archive, "msd", 2);
    assert_refused(&archive, "msd 2");
    archive = holding(&cursor, buffer.data, buffer.size);
    iw_archive_tag(&archive, "msds", 1);
    assert_refused(&archive, "msds 1");
    iw_buffer_fini(&buffer);
}

static void
neither_yes_nor_no_is_refused(void **state)
{
    (void)state;
    for (unsigned value = 0; value < 256; value++) {
        unsigned char byte = (unsigned char)value;
        bool answer = true;
        iw_archive_cursor cursor;
        iw_archive archive = holding(&cursor, &byte, 1);
        iw_archive_bool(&archive, &answer);
        assert_int_equal(iw_archive_ok(&archive), value < 2);
        assert_int_equal(answer, value == 1);
    }
}

static void
a_text_without_end_is_refused_and_ended(void **state)
{
    (void)state;
    char text[4];
    iw_archive_cursor cursor;
    iw_archive archive = holding(&cursor, "abcd", 4);
    iw_archive_text(&archive, text, sizeof text);
    assert_refused(&archive, "has no end");
    assert_string_equal(text, "abc");
}

static void
the_first_failure_stays(void **state)
{
    (void)state;
    iw_archive_cursor cursor;
    iw_archive archive = holding(&cursor, "12345678", 8);
    iw_archive_fail(&archive, IW_IO, "the disk said %d", 5);
    iw_archive_fail(&archive, IW_CORRUPT, "later");
    double value = 3.0;
    size_t n = 4;
    iw_archive_double(&archive, &value);
    iw_archive_count(&archive, &n, 1, "things");
    iw_archive_same(&archive, 9, "atoms");
    iw_archive_tag(&archive, "msd", 1);
    IW_ARCHIVE_CHECK(&archive, value > 1.0);
    iw_error err = {0};
    assert_int_equal(iw_archive_status(&archive, &err), IW_IO);
    assert_string_equal(err.text, "the disk said 5");
    assert_true(value == 0.0 && n == 0);
    assert_int_equal(cursor.at, 0);
}

static void
a_check_holds_loads_to_it_and_not_saves(void **state)
{
    (void)state;
    iw_buffer buffer = {0};
    iw_archive archive;
    iw_archive_cursor cursor;
    int wheels = 3;
    iw_archive_to_buffer(&archive, &buffer);
    IW_ARCHIVE_CHECK(&archive, wheels == 4);
    assert_true(iw_archive_ok(&archive));
    archive = holding(&cursor, "", 0);
    IW_ARCHIVE_CHECK(&archive, wheels == 3);
    assert_true(iw_archive_ok(&archive));
    IW_ARCHIVE_CHECK(&archive, wheels == 4);
    assert_refused(&archive, "wheels == 4");
    iw_buffer_fini(&buffer);
}

/* ---- a place of its own ---- */

typedef struct {
    iw_buffer bytes;
    size_t at;
    iw_archive_key keys[4];
    unsigned char bulk[4][64];
    size_t n, puts;
    iw_status answer; /* of every call; without filling *err */
} shelf;

static iw_status
shelf_write(void *self, const void *data, size_t size, iw_error *err)
{
    shelf *it = self;
    return it->answer ? it->answer : iw_buffer_append(&it->bytes, data, size, err);
}

static iw_status
shelf_read(void *self, void *data, size_t size, iw_error *err)
{
    shelf *it = self;
    if (size > it->bytes.size - it->at)
        return iw_fail(err, IW_CORRUPT, "too short");
    memcpy(data, it->bytes.data + it->at, size);
    it->at += size;
    return IW_OK;
}

static uint64_t
shelf_left(const void *self)
{
    const shelf *it = self;
    return it->bytes.size - it->at;
}

static iw_status
shelf_put(void *self, iw_archive_key key, const void *data, size_t size, iw_error *err)
{
    shelf *it = self;
    it->puts++;
    for (size_t i = 0; i < it->n; i++)
        if (it->keys[i].low == key.low && it->keys[i].high == key.high)
            return IW_OK;
    if (it->n == 4 || size > sizeof *it->bulk)
        return iw_fail(err, IW_FULL, "the shelf is full");
    it->keys[it->n] = key;
    memcpy(it->bulk[it->n++], data, size);
    return IW_OK;
}

static iw_status
shelf_get(void *self, iw_archive_key key, void *data, size_t size, iw_error *err)
{
    shelf *it = self;
    for (size_t i = 0; i < it->n; i++) {
        if (it->keys[i].low == key.low && it->keys[i].high == key.high) {
            memcpy(data, it->bulk[i], size);
            return IW_OK;
        }
    }
    return iw_fail(err, IW_CORRUPT, "not on the shelf");
}

static iw_archive
onto(shelf *it)
{
    iw_archive archive;
    iw_archive_begin(&archive,
                     &(iw_archive_place){.self = it, .write = shelf_write, .put = shelf_put});
    return archive;
}

static iw_archive
from(shelf *it)
{
    iw_archive archive;
    iw_archive_begin(
        &archive,
        &(iw_archive_place){.self = it, .read = shelf_read, .left = shelf_left, .get = shelf_get});
    it->at = 0;
    return archive;
}

static void
bulk_is_kept_by_its_hash(void **state)
{
    (void)state;
    shelf it = {0};
    double a[3] = {1.0, 2.0, 3.0}, b[3] = {1.0, 2.0, 4.0}, same[3] = {1.0, 2.0, 3.0};
    iw_archive_key keys[3] = {{0, 0}};
    iw_archive archive = onto(&it);
    iw_archive_bulk(&archive, a, sizeof a, &keys[0]);
    iw_archive_bulk(&archive, b, sizeof b, &keys[1]);
    iw_archive_bulk(&archive, same, sizeof same, &keys[2]);
    assert_true(iw_archive_ok(&archive));
    assert_int_equal(it.puts, 3);
    assert_int_equal(it.n, 2);
    assert_int_equal(it.bytes.size, 3 * sizeof *keys);
    assert_memory_equal(&keys[0], &keys[2], sizeof *keys);
    assert_memory_not_equal(&keys[0], &keys[1], sizeof *keys);

    double loaded[3][3];
    iw_archive_key found[3] = {{0, 0}};
    archive = from(&it);
    for (size_t i = 0; i < 3; i++)
        iw_archive_bulk(&archive, loaded[i], sizeof loaded[i], &found[i]);
    assert_true(iw_archive_ok(&archive));
    assert_memory_equal(loaded[0], a, sizeof a);
    assert_memory_equal(loaded[1], b, sizeof b);
    assert_memory_equal(loaded[2], a, sizeof a);
    assert_memory_equal(found, keys, sizeof keys);

    it.keys[1].high++;
    archive = from(&it);
    for (size_t i = 0; i < 3; i++)
        iw_archive_bulk(&archive, loaded[i], sizeof loaded[i], &found[i]);
    assert_refused(&archive, "not on the shelf");
    for (size_t i = 0; i < 3; i++)
        assert_true(loaded[0][i] == a[i] && loaded[1][i] == 0.0 && loaded[2][i] == 0.0);
    iw_buffer_fini(&it.bytes);
}

static void
bulk_is_hashed_once(void **state)
{
    (void)state;
    shelf it = {0};
    double a[3] = {1.0, 2.0, 3.0};
    iw_archive_key key = {4, 5}; /* known: not computed from the data */
    iw_archive archive = onto(&it);
    iw_archive_bulk(&archive, a, sizeof a, &key);
    assert_true(key.low == 4 && key.high == 5 && it.keys[0].low == 4 && it.keys[0].high == 5);
    iw_buffer_fini(&it.bytes);
}

static void
a_place_that_fails_without_a_word_is_a_failure(void **state)
{
    (void)state;
    shelf it = {.answer = IW_IO};
    iw_archive archive = onto(&it);
    double value = 1.0;
    iw_archive_double(&archive, &value);
    assert_int_equal(iw_archive_status(&archive, NULL), IW_IO);
    it.answer = IW_OK;
    iw_archive_double(&archive, &value);
    assert_int_equal(it.bytes.size, 0);
    assert_true(value == 1.0); /* saving changes nothing, even when it fails */
}

static void
a_full_shelf_ends_the_archive(void **state)
{
    (void)state;
    shelf it = {0};
    iw_archive archive = onto(&it);
    iw_error err = {0};
    for (size_t i = 0; i < 6; i++) {
        double value = (double)i;
        iw_archive_key key = {0, 0};
        iw_archive_bulk(&archive, &value, sizeof value, &key);
        assert_true(value == (double)i);
    }
    assert_int_equal(iw_archive_status(&archive, &err), IW_FULL);
    assert_int_equal(it.puts, 5);
    iw_buffer_fini(&it.bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_primitive_comes_back_as_it_was),
        cmocka_unit_test(every_truncation_is_refused_and_gives_zeros),
        cmocka_unit_test(a_count_beyond_what_is_left_is_refused),
        cmocka_unit_test(a_number_beyond_its_limit_is_refused),
        cmocka_unit_test(what_differs_from_the_options_is_refused),
        cmocka_unit_test(another_name_or_version_is_refused),
        cmocka_unit_test(neither_yes_nor_no_is_refused),
        cmocka_unit_test(a_text_without_end_is_refused_and_ended),
        cmocka_unit_test(the_first_failure_stays),
        cmocka_unit_test(a_check_holds_loads_to_it_and_not_saves),
        cmocka_unit_test(bulk_is_kept_by_its_hash),
        cmocka_unit_test(bulk_is_hashed_once),
        cmocka_unit_test(a_place_that_fails_without_a_word_is_a_failure),
        cmocka_unit_test(a_full_shelf_ends_the_archive),
    };
    return cmocka_run_group_tests_name("archive", tests, NULL, NULL);
}
