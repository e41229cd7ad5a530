/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proves docs/physics.md, "Errors by epochs": each pair of frames belongs to one epoch. */
#include "correlate/epochs.h"
#include "synthetic.h"

enum { ATOMS = 5, SPECIES = 2, WINDOW = 90 };

typedef struct {
    synthetic data;
    iw_vacf *vacf;
    iw_epochs *epochs;
} case_of;

static case_of
start(size_t frames, size_t spacing)
{
    case_of c = {.data = synthetic_new(frames, ATOMS, SPECIES, 7)};
    iw_error err;
    iw_vacf_options options = {ATOMS, SPECIES, c.data.kind, WINDOW, 0};
    c.vacf = iw_vacf_new(&options, &err);
    c.epochs = iw_epochs_new(SPECIES, WINDOW, spacing, &err);
    assert_true(c.vacf && c.epochs);
    return c;
}

static void
finish(case_of *c)
{
    iw_vacf_destroy(&c->vacf);
    iw_epochs_destroy(&c->epochs);
    synthetic_free(&c->data);
}

static void
push(case_of *c, size_t t)
{
    iw_error err;
    if (t > 0 && c->data.segment[t] != c->data.segment[t - 1])
        assert_ok(iw_vacf_break(c->vacf, &err), err);
    assert_ok(iw_vacf_push(c->vacf, c->data.x + t * ATOMS * 3, &err), err);
    assert_ok(iw_epochs_follow(c->epochs, c->vacf, &err), err);
}

/* Sum over the pairs with lag n whose later frame is in [from, to), and their number. */
static double
direct(const case_of *c, size_t species, size_t from, size_t to, size_t n, double *pairs)
{
    double sum = 0.0;
    *pairs = 0.0;
    for (size_t t = from < n ? n : from; t < to; t++) {
        if (c->data.segment[t] != c->data.segment[t - n])
            continue;
        *pairs += 1.0;
        for (size_t i = 0; i < ATOMS * 3; i++)
            if (c->data.kind[i / 3] == species)
                sum += c->data.x[t * ATOMS * 3 + i] * c->data.x[(t - n) * ATOMS * 3 + i];
    }
    return sum;
}

static void
compare(const case_of *c, const iw_vacf_result *total, size_t spacing)
{
    size_t epochs = iw_epochs_count(c->epochs, total), n_lags = total->n_lags, begin = 0;
    double *sums = calloc(n_lags, sizeof *sums), *origins = calloc(n_lags, sizeof *origins);
    assert_true(epochs <= IW_EPOCHS_MOST);
    for (size_t e = 0; e < epochs; e++) {
        size_t frames = iw_epochs_frames(c->epochs, total, e);
        bool last = e + 1 == epochs;
        if (!last)
            assert_int_equal(frames % spacing, 0);
        else if (epochs > 1)
            assert_true(2 * frames >= spacing);
        iw_epochs_origins(c->epochs, total, e, origins);
        for (size_t s = 0; s < SPECIES; s++) {
            double weight[SPECIES] = {0};
            weight[s] = 0.25;
            iw_epochs_sums(c->epochs, total, e, weight, sums);
            for (size_t n = 0; n < n_lags; n++) {
                double pairs, want = 0.25 * direct(c, s, begin, begin + frames, n, &pairs);
                assert_close(origins[n], pairs, 0, 0);
                assert_close(sums[n], want, 1e-10, 1e-7);
            }
        }
        begin += frames;
    }
    assert_int_equal(begin, epochs ? total->frames : 0);
    free(sums);
    free(origins);
}

static void
run_case(size_t frames, size_t spacing, bool gaps)
{
    case_of c = start(frames, spacing);
    for (size_t t = 0; t < frames && gaps; t++)
        c.data.segment[t] = t < 50            ? 0u
                            : t < 51          ? 1u
                            : t < frames / 3  ? 2u
                            : t < frames - 40 ? 3u
                                              : 4u;
    iw_vacf_result total = {0};
    iw_error err;
    uint64_t seed = 5;
    size_t next = 1;
    for (size_t t = 0; t < frames; t++) {
        push(&c, t);
        if (t + 1 != next && t + 1 != frames)
            continue;
        assert_ok(iw_vacf_query(c.vacf, &total, &err), err);
        compare(&c, &total, spacing);
        next += 1 + (size_t)(iw_test_uniform(&seed) * (double)frames / 5.0);
    }
    iw_vacf_result_fini(&total);
    finish(&c);
}

static void
epochs_hold_the_pairs_that_end_in_them(void **state)
{
    (void)state;
    run_case(700, 64, false); /* ten marks */
    run_case(150, 64, false); /* marks before the window is full */
}

static void
no_pair_crosses_a_gap(void **state)
{
    (void)state;
    run_case(700, 64, true);
    run_case(700, 17, true); /* marks in the middle of blocks, and twice as far apart at last */
}

/* As many epochs as 16 to 32 for a run of any length, wherever it was looked at. */
static void
marks_thin_out_and_depend_on_frames_alone(void **state)
{
    (void)state;
    enum { T = 3000, SPACING = 8 };
    case_of watched = start(T, SPACING), alone = start(T, SPACING);
    iw_vacf_result a = {0}, b = {0};
    iw_error err;
    for (size_t t = 0; t < T; t++) {
        push(&watched, t);
        push(&alone, t);
        if (t % 37 == 0)
            assert_ok(iw_vacf_query(watched.vacf, &a, &err), err);
        if (t >= 16 * SPACING && t % 37 == 0) {
            size_t epochs = iw_epochs_count(watched.epochs, &a);
            assert_true(epochs >= 16 && epochs <= IW_EPOCHS_MOST);
        }
    }
    assert_ok(iw_vacf_query(watched.vacf, &a, &err), err);
    assert_ok(iw_vacf_query(alone.vacf, &b, &err), err);
    compare(&alone, &b, SPACING);
    size_t epochs = iw_epochs_count(watched.epochs, &a);
    assert_int_equal(iw_epochs_count(alone.epochs, &b), epochs);
    double one[WINDOW + 1], two[WINDOW + 1], weight[SPECIES] = {1, 2};
    for (size_t e = 0; e < epochs; e++) {
        iw_epochs_sums(watched.epochs, &a, e, weight, one);
        iw_epochs_sums(alone.epochs, &b, e, weight, two);
        assert_memory_equal(one, two, a.n_lags * sizeof *one);
    }
    size_t most = (IW_EPOCHS_MOST + 1) * (SPECIES + 1) * (WINDOW + 1) * sizeof(double);
    assert_true(iw_epochs_memory(alone.epochs) < most);
    iw_vacf_result_fini(&a);
    iw_vacf_result_fini(&b);
    finish(&watched);
    finish(&alone);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(epochs_hold_the_pairs_that_end_in_them),
        cmocka_unit_test(no_pair_crosses_a_gap),
        cmocka_unit_test(marks_thin_out_and_depend_on_frames_alone),
    };
    return cmocka_run_group_tests_name("epochs", tests, NULL, NULL);
}
