/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_fingerprint.c - the hash of what a run was analysed from, against one hash over its bytes in
 * a row. */
#include "iw_test.h"

#include "fingerprint.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { ATOMS = 3, FRAMES = 5 };

typedef struct {
    iw_run_info run;
    int64_t steps[2 * FRAMES];
    size_t n, at;
    bool velocities, cell;
} story;

static double
number(size_t frame, size_t i)
{
    return 0.25 + (double)frame + 0.125 * (double)i;
}

/* A step that comes again has other numbers: a restarted code computes it anew. */
static iw_status
next(void *state, iw_frame *frame, iw_error *err)
{
    story *self = state;
    if (self->at == self->n)
        return iw_fail(err, IW_END, "no more");
    frame->step = self->steps[self->at];
    frame->has_cell = self->cell;
    frame->has_velocities = self->velocities;
    for (size_t i = 0; i < 9; i++)
        frame->cell_A[i] = i % 4 == 0 ? 12.0 : 0;
    for (size_t i = 0; i < 3 * (size_t)ATOMS; i++) {
        frame->pos_A[i] = number(self->at, i);
        frame->vel_A_fs[i] = -number(self->at, i);
    }
    self->at++;
    return IW_OK;
}

static iw_status
rewind_story(void *state, iw_error *err)
{
    (void)err;
    ((story *)state)->at = 0;
    return IW_OK;
}

static void
begin(story *self, bool cell, bool velocities)
{
    static const char *const species[] = {"Li", "Li", "S"};
    iw_error err = {0};
    *self = (story){.n = FRAMES, .cell = cell, .velocities = velocities};
    iw_run_info_init(&self->run);
    assert_ok(iw_run_info_set_atoms(&self->run, ATOMS, species, &err), err);
    for (size_t t = 0; t < FRAMES; t++)
        self->steps[t] = 10 * (int64_t)t;
}

/* Species, kinds, and these frames, in a row. */
static void
expect(const story *of, const size_t *frames, size_t n, char text[IW_FINGERPRINT])
{
    static unsigned char bytes[1 << 14];
    size_t used = 0;
    double values[3 * ATOMS], cell[9] = {12.0, 0, 0, 0, 12.0, 0, 0, 0, 12.0};
#define ADD(from, size) (memcpy(bytes + used, from, size), used += (size))
    ADD(of->run.species, of->run.n_species * sizeof *of->run.species);
    ADD(of->run.kind, ATOMS * sizeof *of->run.kind);
    for (size_t k = 0; k < n; k++) {
        if (of->cell)
            ADD(cell, sizeof cell);
        for (int sign = 1; sign >= (of->velocities ? -1 : 1); sign -= 2) {
            for (size_t i = 0; i < 3 * (size_t)ATOMS; i++)
                values[i] = sign * number(frames[k], i);
            ADD(values, sizeof values);
        }
    }
    XXH128_hash_t sum = XXH3_128bits(bytes, used);
    (void)snprintf(text, IW_FINGERPRINT, "xxh3:%016llx%016llx", (unsigned long long)sum.high64,
                   (unsigned long long)sum.low64);
}

static void
read_all(iw_source *source)
{
    iw_error err = {0};
    iw_frame frame;
    assert_ok(iw_frame_init(&frame, ATOMS, &err), err);
    while (source->next(source->self, &frame, &err) == IW_OK)
        ;
    iw_frame_fini(&frame);
}

static void
it_is_the_hash_of_all_frames_in_a_row(void **state)
{
    static const size_t all[FRAMES] = {0, 1, 2, 3, 4};
    (void)state;
    for (int way = 0; way < 4; way++) {
        story s;
        char text[IW_FINGERPRINT];
        iw_error err = {0};
        begin(&s, way & 1, way & 2);
        iw_source plain = {&s, &s.run, next, rewind_story};
        iw_fingerprint *hash = iw_fingerprint_new(&plain, &err);
        assert_non_null(hash);
        iw_source source = iw_fingerprint_source(hash);
        assert_string_equal(iw_fingerprint_text(hash), "");
        expect(&s, all, FRAMES, text);
        for (int twice = 0; twice < 2; twice++) {
            read_all(&source);
            assert_string_equal(iw_fingerprint_text(hash), text);
            assert_ok(source.rewind(source.self, &err), err);
            assert_string_equal(iw_fingerprint_text(hash), "");
        }
        iw_fingerprint_destroy(&hash);
        assert_null(hash);
        iw_run_info_fini(&s.run);
    }
}

static void
steps_that_come_again_count_once(void **state)
{
    static const size_t counted[FRAMES] = {0, 1, 2, 5, 6};
    static const int64_t steps[] = {0, 10, 20, 10, 20, 30, 40};
    story s;
    char text[IW_FINGERPRINT];
    iw_error err = {0};
    (void)state;
    begin(&s, true, true);
    s.n = sizeof steps / sizeof *steps;
    memcpy(s.steps, steps, sizeof steps);
    iw_source plain = {&s, &s.run, next, rewind_story};
    iw_fingerprint *hash = iw_fingerprint_new(&plain, &err);
    assert_non_null(hash);
    iw_source source = iw_fingerprint_source(hash);
    read_all(&source);
    expect(&s, counted, FRAMES, text);
    assert_string_equal(iw_fingerprint_text(hash), text);
    iw_fingerprint_destroy(&hash);
    iw_run_info_fini(&s.run);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_hash_of_all_frames_in_a_row),
        cmocka_unit_test(steps_that_come_again_count_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
