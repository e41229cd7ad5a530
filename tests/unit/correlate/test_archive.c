/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A correlator that was saved at any instant and loaded goes on bit for bit as the one that was
 * not; saving changes nothing; bytes that were not saved are refused or do no harm. */
#include "running.h"

enum { ATOMS = 23, SPECIES = 3 };

/* Segments of very different lengths; frames are those of the correlator. */
static synthetic
make_data(const running *r)
{
    synthetic s = synthetic_new(r->frames, ATOMS, SPECIES, 3);
    for (size_t t = 0; t < s.frames; t++)
        s.segment[t] = (size_t)(t >= 2 * s.frames / 3) + (t >= 2 * s.frames / 3 + 1) +
                       (t >= 2 * s.frames / 3 + 12);
    return s;
}

static void
push(const running *r, void *self, const synthetic *s, size_t t)
{
    iw_error err = {0};
    if (t > 0)
        for (size_t g = s->segment[t - 1]; g < s->segment[t]; g++)
            assert_ok(r->gap(self, &err), err);
    assert_ok(r->push(self, s->x + t * s->n_atoms * 3, &err), err);
}

static void *
make(const running *r, const synthetic *s)
{
    iw_error err = {0};
    void *self = r->make(s, &err);
    assert_non_null(self);
    return self;
}

static void
save(const running *r, void *self, iw_buffer *out)
{
    iw_error err = {0};
    iw_archive archive;
    iw_buffer_clear(out);
    iw_archive_to_buffer(&archive, out);
    r->archive(self, &archive);
    assert_ok(iw_archive_status(&archive, &err), err);
}

static iw_status
load(const running *r, void *self, const unsigned char *bytes, size_t size, iw_error *err)
{
    iw_archive archive;
    iw_archive_cursor cursor = {bytes, size, 0};
    iw_archive_from_memory(&archive, &cursor);
    r->archive(self, &archive);
    if (iw_archive_ok(&archive) && cursor.at != size)
        return iw_fail(err, IW_CORRUPT, "%zu bytes are left over", size - cursor.at);
    return iw_archive_status(&archive, err);
}

static void *
made_again(const running *r, const synthetic *s, const iw_buffer *saved)
{
    iw_error err = {0};
    void *self = make(r, s);
    assert_ok(load(r, self, saved->data, saved->size, &err), err);
    return self;
}

static void
assert_same(const iw_buffer *a, const iw_buffer *b)
{
    assert_int_equal(a->size, b->size);
    assert_memory_equal(a->data, b->data, a->size);
}

static void
query(const running *r, void *self, iw_buffer *out)
{
    iw_error err = {0};
    assert_ok(r->query(self, out, &err), err);
}

/* Loads what was saved after `frames` frames, and compares for some frames and at the end. */
static void
go_on(const running *r, const synthetic *s, size_t frames, const iw_buffer *saved,
      const iw_buffer *expected)
{
    iw_buffer again = {0}, result = {0};
    void *self = made_again(r, s, saved);
    save(r, self, &again);
    assert_same(&again, saved);
    if (frames > 0) {
        query(r, self, &result);
        assert_same(&result, &expected[frames]);
    }
    iw_buffer_clear(&result);
    for (size_t t = frames; t < s->frames; t++) {
        push(r, self, s, t);
        if (t < frames + 10 || t + 1 == s->frames) {
            query(r, self, &result);
            assert_same(&result, &expected[t + 1]);
        }
    }
    r->destroy(self);
    /* One that nobody asked on the way. */
    if (frames % 3 == 0) {
        self = made_again(r, s, saved);
        for (size_t t = frames; t < s->frames; t++)
            push(r, self, s, t);
        query(r, self, &result);
        assert_same(&result, &expected[s->frames]);
        r->destroy(self);
    }
    iw_buffer_fini(&again);
    iw_buffer_fini(&result);
}

static void
check_every_instant(const running *r, bool asked)
{
    synthetic s = make_data(r);
    iw_buffer *expected = calloc(s.frames + 1, sizeof *expected), saved = {0}, result = {0};
    assert_non_null(expected);
    void *undisturbed = make(r, &s), *disturbed = make(r, &s);
    for (size_t t = 0; t < s.frames; t++) {
        push(r, undisturbed, &s, t);
        query(r, undisturbed, &expected[t + 1]);
    }
    for (size_t t = 0; t <= s.frames; t++) {
        if (asked && t > 0)
            query(r, disturbed, &result);
        save(r, disturbed, &saved);
        go_on(r, &s, t, &saved, expected);
        if (t < s.frames)
            push(r, disturbed, &s, t);
    }
    query(r, disturbed, &result);
    assert_same(&result, &expected[s.frames]);
    for (size_t t = 0; t <= s.frames; t++)
        iw_buffer_fini(&expected[t]);
    free(expected);
    iw_buffer_fini(&saved);
    iw_buffer_fini(&result);
    r->destroy(undisturbed);
    r->destroy(disturbed);
    synthetic_free(&s);
}

static void
what_is_loaded_goes_on_bit_for_bit_at_every_instant(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CORRELATORS; i++)
        check_every_instant(&correlators[i], false);
}

static void
a_query_before_saving_changes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CORRELATORS; i++)
        check_every_instant(&correlators[i], true);
}

/* Right after a break, when the next segment has no frame yet. */
static void
a_break_that_nothing_follows_is_saved(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CORRELATORS; i++) {
        const running *r = &correlators[i];
        synthetic s = make_data(r);
        iw_buffer saved = {0}, a = {0}, b = {0};
        iw_error err = {0};
        void *one = make(r, &s);
        for (size_t t = 0; t < s.frames / 2; t++)
            assert_ok(r->push(one, s.x + t * ATOMS * 3, &err), err);
        assert_ok(r->gap(one, &err), err);
        save(r, one, &saved);
        void *other = made_again(r, &s, &saved);
        for (size_t t = s.frames / 2; t < s.frames; t++) {
            query(r, one, &a);
            query(r, other, &b);
            assert_same(&a, &b);
            assert_ok(r->push(one, s.x + t * ATOMS * 3, &err), err);
            assert_ok(r->push(other, s.x + t * ATOMS * 3, &err), err);
        }
        r->destroy(one);
        r->destroy(other);
        iw_buffer_fini(&saved);
        iw_buffer_fini(&a);
        iw_buffer_fini(&b);
        synthetic_free(&s);
    }
}

/* ---- hostile bytes ---- */

enum { HOSTILE_ATOMS = 3, HOSTILE_SPECIES = 2 };

static synthetic
hostile_data(const running *r)
{
    return synthetic_new(r->frames, HOSTILE_ATOMS, HOSTILE_SPECIES, 9);
}

/* Some frames with a break, saved: half a block is open, a round under way. */
static void
save_some(const running *r, const synthetic *s, iw_buffer *saved)
{
    iw_error err = {0};
    void *self = make(r, s);
    size_t frames = s->frames - 18; /* for the MSD: a multiple of its round and four frames */
    for (size_t t = 0; t < frames; t++) {
        assert_ok(r->push(self, s->x + t * HOSTILE_ATOMS * 3, &err), err);
        if (t == 20 || t == 31)
            assert_ok(r->gap(self, &err), err);
    }
    save(r, self, saved);
    r->destroy(self);
}

static void
every_truncation_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CORRELATORS; i++) {
        const running *r = &correlators[i];
        synthetic s = hostile_data(r);
        iw_buffer saved = {0};
        save_some(r, &s, &saved);
        for (size_t size = 0; size < saved.size; size += 1 + saved.size / 20000) {
            iw_error err = {0};
            void *self = make(r, &s);
            /* From memory of just that size: a byte beyond it is seen by the sanitizer. */
            unsigned char *bytes = malloc(size + 1);
            assert_non_null(bytes);
            memcpy(bytes, saved.data, size);
            assert_int_equal(load(r, self, bytes, size, &err), IW_CORRUPT);
            assert_true(err.text[0] != '\0');
            free(bytes);
            r->destroy(self);
        }
        iw_buffer_fini(&saved);
        synthetic_free(&s);
    }
}

static void
other_options_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CORRELATORS; i++) {
        const running *r = &correlators[i];
        synthetic s = hostile_data(r), more = synthetic_new(10, HOSTILE_ATOMS + 1, 2, 9);
        iw_buffer saved = {0};
        iw_error err = {0};
        save_some(r, &s, &saved);
        void *self = make(r, &more);
        assert_int_equal(load(r, self, saved.data, saved.size, &err), IW_CORRUPT);
        r->destroy(self);
        for (size_t a = 0; a < HOSTILE_ATOMS; a++) /* two of one species, one of the other */
            s.kind[a] = (unsigned short)!s.kind[a];
        self = make(r, &s);
        assert_int_equal(load(r, self, saved.data, saved.size, &err), IW_CORRUPT);
        r->destroy(self);
        iw_buffer_fini(&saved);
        synthetic_free(&s);
        synthetic_free(&more);
    }
}

/* Numbers that are not those that were saved: refused, or an object that can be used. */
static size_t
try_bytes(const running *r, const synthetic *s, const unsigned char *bytes, size_t size)
{
    iw_error err = {0};
    iw_buffer result = {0};
    void *self = make(r, s);
    bool loaded = load(r, self, bytes, size, &err) == IW_OK;
    if (loaded) {
        assert_ok(r->query(self, &result, &err), err);
        for (size_t t = 0; t < 40; t++)
            assert_ok(r->push(self, s->x + t * HOSTILE_ATOMS * 3, &err), err);
        assert_ok(r->query(self, &result, &err), err);
        assert_ok(r->gap(self, &err), err);
        assert_ok(r->push(self, s->x, &err), err);
    } else {
        assert_int_equal(err.code, IW_CORRUPT);
    }
    r->destroy(self);
    iw_buffer_fini(&result);
    return loaded;
}

static void
no_number_that_is_loaded_leads_astray(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {0, 1, 9, 1000, 1UL << 32, ~0UL, (1UL << 61) + 1};
    for (size_t i = 0; i < N_CORRELATORS; i++) {
        const running *r = &correlators[i];
        synthetic s = hostile_data(r);
        iw_buffer saved = {0};
        save_some(r, &s, &saved);
        size_t loaded = 0, tries = 0;
        /* Most of it are sums, which may be anything: counts are at the start, and here and there.
         */
        for (size_t at = 0; at + 8 <= saved.size; at += at < 500 ? 1 : 97) {
            for (size_t k = at < 500 ? 0 : 5; k < sizeof numbers / sizeof *numbers; k++) {
                unsigned char kept[8];
                memcpy(kept, saved.data + at, 8);
                memcpy(saved.data + at, &numbers[k], 8);
                loaded += try_bytes(r, &s, saved.data, saved.size);
                tries++;
                memcpy(saved.data + at, kept, 8);
            }
        }
        assert_true(loaded > 0 && loaded < tries);
        iw_buffer_fini(&saved);
        synthetic_free(&s);
    }
}

/* ---- what does not change is put once ---- */

enum { MOST_BULK = 4096 };

typedef struct {
    iw_buffer bytes;
    size_t at;
    size_t n, puts; /* kept; asked to keep */
    iw_archive_key keys[MOST_BULK];
    iw_buffer bulk[MOST_BULK];
} shelf;

static iw_status
shelf_write(void *self, const void *data, size_t size, iw_error *err)
{
    return iw_buffer_append(&((shelf *)self)->bytes, data, size, err);
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
    uint64_t left = it->bytes.size - it->at;
    for (size_t i = 0; i < it->n; i++)
        left += it->bulk[i].size;
    return left;
}

static iw_buffer *
shelf_find(shelf *it, iw_archive_key key)
{
    for (size_t i = 0; i < it->n; i++)
        if (it->keys[i].low == key.low && it->keys[i].high == key.high)
            return &it->bulk[i];
    return NULL;
}

static iw_status
shelf_put(void *self, iw_archive_key key, const void *data, size_t size, iw_error *err)
{
    shelf *it = self;
    iw_buffer *kept = shelf_find(it, key);
    it->puts++;
    if (kept) {
        assert_int_equal(kept->size, size);
        assert_memory_equal(kept->data, data, size);
        return IW_OK;
    }
    assert_true(it->n < MOST_BULK);
    it->keys[it->n] = key;
    return iw_buffer_append(&it->bulk[it->n++], data, size, err);
}

static iw_status
shelf_get(void *self, iw_archive_key key, void *data, size_t size, iw_error *err)
{
    const iw_buffer *kept = shelf_find(self, key);
    if (!kept || kept->size != size)
        return iw_fail(err, IW_CORRUPT, "not on the shelf");
    memcpy(data, kept->data, size);
    return IW_OK;
}

static void
spectra_of_closed_blocks_are_put_once(void **state)
{
    (void)state;
    const running *r = &correlators[0];
    synthetic s = make_data(r);
    size_t frames = 2 * s.frames / 3; /* one segment: 12 blocks and a half */
    shelf *it = calloc(1, sizeof *it);
    assert_non_null(it);
    iw_error err = {0};
    iw_archive archive;
    void *self = make(r, &s);
    for (size_t t = 0; t < frames; t++) {
        push(r, self, &s, t);
        it->bytes.size = 0;
        iw_archive_begin(&archive,
                         &(iw_archive_place){.self = it, .write = shelf_write, .put = shelf_put});
        r->archive(self, &archive);
        assert_ok(iw_archive_status(&archive, &err), err);
    }
    /* Squares and spectra of each closed block, but the last one is not transformed yet; many more
     * puts than that. */
    assert_int_equal(it->n, 2 * (frames / MSD_BLOCK) - 1);
    assert_true(it->puts > 10 * it->n);
    /* The rest of the file does not grow with the spectra. */
    assert_true(it->bytes.size < 3 * ATOMS * (frames + 20 * MSD_BLOCK) * sizeof(double));
    void *other = make(r, &s);
    iw_archive_begin(
        &archive,
        &(iw_archive_place){.self = it, .read = shelf_read, .left = shelf_left, .get = shelf_get});
    r->archive(other, &archive);
    assert_ok(iw_archive_status(&archive, &err), err);
    iw_buffer a = {0}, b = {0};
    for (size_t t = frames; t < s.frames; t++) {
        push(r, self, &s, t);
        push(r, other, &s, t);
        query(r, self, &a);
        query(r, other, &b);
        assert_same(&a, &b);
    }
    r->destroy(other);
    r->destroy(self);
    /* One that is missing is an error, not a wrong number. */
    it->at = 0;
    it->keys[3].low++;
    other = make(r, &s);
    iw_archive_begin(
        &archive,
        &(iw_archive_place){.self = it, .read = shelf_read, .left = shelf_left, .get = shelf_get});
    r->archive(other, &archive);
    assert_int_equal(iw_archive_status(&archive, &err), IW_CORRUPT);
    r->destroy(other);
    for (size_t i = 0; i < it->n; i++)
        iw_buffer_fini(&it->bulk[i]);
    iw_buffer_fini(&it->bytes);
    iw_buffer_fini(&a);
    iw_buffer_fini(&b);
    free(it);
    synthetic_free(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_loaded_goes_on_bit_for_bit_at_every_instant),
        cmocka_unit_test(a_query_before_saving_changes_nothing),
        cmocka_unit_test(a_break_that_nothing_follows_is_saved),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(other_options_are_refused),
        cmocka_unit_test(no_number_that_is_loaded_leads_astray),
        cmocka_unit_test(spectra_of_closed_blocks_are_put_once),
    };
    return cmocka_run_group_tests_name("correlate archive", tests, NULL, NULL);
}
