/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proves docs/physics.md, "Convergence and stop rules" (trend). */
#include "constants.h"
#include "estimate/blocks.h"
#include "iw_test.h"

enum { ATOMS = 6, FRAMES = 1100 };
static const unsigned short kind[ATOMS] = {0, 1, 0, 0, 1, 0};
static const bool member[2] = {true, false};
static const double dt_fs = 20;

typedef struct {
    double x[FRAMES][ATOMS][3];
    iw_moments *moments;
    iw_moments_result sums;
} walk;

/* Steps of 0.1 A along each axis, `factor` times as long in the second half. */
static void
walk_init(walk *self, double factor, uint64_t random)
{
    iw_error err;
    iw_moments_options options = {.n_atoms = ATOMS, .n_species = 2, .kind = kind};
    self->moments = iw_moments_new(&options, &err);
    assert_non_null(self->moments);
    double at[ATOMS][3] = {{0}};
    for (size_t t = 0; t < FRAMES; t++) {
        for (size_t i = 0; i < ATOMS; i++)
            for (size_t k = 0; k < 3; k++)
                at[i][k] += 0.1 * (t > FRAMES / 2 ? factor : 1) * iw_test_normal(&random);
        memcpy(self->x[t], at, sizeof at);
        assert_ok(iw_moments_push(self->moments, &at[0][0], &err), err);
    }
    self->sums = (iw_moments_result){0};
    assert_ok(iw_moments_query(self->moments, &self->sums, &err), err);
}

static void
walk_fini(walk *self)
{
    iw_moments_result_fini(&self->sums);
    iw_moments_destroy(&self->moments);
    free(self);
}

static iw_diffusion
fitted(double from_frames)
{
    return (iw_diffusion){.D_cm2_s = 1e-4, .fit_ps = {from_frames * dt_fs / 1000, 10}};
}

/* Mean over species 0 of squared displacements over n frames that end in frames first..last-1. */
static double
direct(const walk *self, size_t n, size_t stride, size_t first, size_t last)
{
    double sum = 0, pairs = 0;
    for (size_t t = 0; t + n < last; t += stride) {
        if (t + n < first)
            continue;
        pairs++;
        for (size_t i = 0; i < ATOMS; i++)
            for (size_t k = 0; k < 3; k++) {
                double d = self->x[t + n][i][k] - self->x[t][i][k];
                sum += kind[i] == 0 ? d * d : 0;
            }
    }
    return sum / (4 * pairs);
}

static void
d_of_each_part_equals_brute_force(void **state)
{
    (void)state;
    walk *self = calloc(1, sizeof *self);
    walk_init(self, 1, 3);
    size_t length = self->sums.epoch_frames, epochs = FRAMES / length;
    static const size_t lags[] = {1, 7, 20};
    for (size_t l = 0; l < 3; l++) {
        size_t n = lags[l], stride = n < 16 ? 1 : 2;
        iw_diffusion mobile = fitted((double)n);
        double D[IW_BLOCKS], scale = IW_A2_FS_CM2_S / (6 * (double)n * dt_fs);
        assert_int_equal(iw_blocks_D(&self->sums, member, 4, dt_fs, &mobile, D), 8);
        double whole = direct(self, n, stride, 0, epochs * length);
        for (size_t b = 0; b < 8; b++) {
            double part =
                direct(self, n, stride, b * epochs / 8 * length, (b + 1) * epochs / 8 * length);
            assert_close(D[b], 1e-4 + (part - whole) * scale, 1e-9, 0);
        }
    }
    walk_fini(self);
}

static void
a_run_that_speeds_up_is_seen(void **state)
{
    (void)state;
    walk *self = calloc(1, sizeof *self);
    walk_init(self, 2, 4);
    iw_diffusion mobile = fitted(1);
    double D[IW_BLOCKS], early = 0, late = 0;
    assert_int_equal(iw_blocks_D(&self->sums, member, 4, dt_fs, &mobile, D), 8);
    for (size_t b = 0; b < 4; b++) {
        early += D[b] / 4;
        late += D[b + 4] / 4;
    }
    /* 3 x 0.01 A2 a step, then four times that */
    assert_close(late - early, 3 * 0.03 / (6 * dt_fs) * IW_A2_FS_CM2_S, 0.05, 0);
    walk_fini(self);
}

static void
parts_are_fewer_where_the_window_starts_late(void **state)
{
    (void)state;
    walk *self = calloc(1, sizeof *self);
    walk_init(self, 1, 5);
    double D[IW_BLOCKS];
    static const struct {
        double from;
        size_t parts;
    } cases[] = {{32, 8}, {40, 4}, {64, 4}, {80, 2}, {128, 2}, {160, 0}, {100000, 0}, {NAN, 0}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        iw_diffusion mobile = fitted(cases[c].from);
        assert_int_equal(iw_blocks_D(&self->sums, member, 4, dt_fs, &mobile, D), cases[c].parts);
    }
    iw_diffusion unknown = fitted(1);
    unknown.D_cm2_s = NAN;
    assert_int_equal(iw_blocks_D(&self->sums, member, 4, dt_fs, &unknown, D), 0);
    walk_fini(self);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(d_of_each_part_equals_brute_force),
        cmocka_unit_test(a_run_that_speeds_up_is_seen),
        cmocka_unit_test(parts_are_fewer_where_the_window_starts_late),
    };
    return cmocka_run_group_tests_name("blocks", tests, NULL, NULL);
}
