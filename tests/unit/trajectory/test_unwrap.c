/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iw_test.h"
#include "trajectory/unwrap.h"

enum { N = 7 };

static const double cubic[9] = {10, 0, 0, 0, 10, 0, 0, 0, 10};
static const double skewed[9] = {9.0, 0.0, 0.0, 3.1, 8.0, 0.0, -2.2, 1.7, 11.0};

static void
apply(const double s[3], const double cell[9], double r[3])
{
    for (int k = 0; k < 3; k++)
        r[k] = s[0] * cell[k] + s[1] * cell[3 + k] + s[2] * cell[6 + k];
}

/* Atoms drift steadily and jitter; positions are folded into the cell of the moment. */
typedef struct {
    uint64_t seed;
    double s[N][3], drift[N][3]; /* fractional */
} walkers;

static void
walkers_init(walkers *w)
{
    w->seed = 11;
    for (size_t i = 0; i < N; i++) {
        for (int k = 0; k < 3; k++) {
            w->s[i][k] = iw_test_uniform(&w->seed);
            w->drift[i][k] = 0.05 * (iw_test_uniform(&w->seed) - 0.5);
        }
    }
}

static void
walkers_move(walkers *w)
{
    for (size_t i = 0; i < N; i++) {
        for (int k = 0; k < 3; k++)
            w->s[i][k] += w->drift[i][k] + 0.05 * (iw_test_uniform(&w->seed) - 0.5);
    }
}

static void
walkers_show(const walkers *w, const double cell[9], bool folded, double pos[3 * N])
{
    for (size_t i = 0; i < N; i++) {
        double s[3];
        for (int k = 0; k < 3; k++)
            s[k] = folded ? w->s[i][k] - floor(w->s[i][k]) : w->s[i][k];
        apply(s, cell, pos + 3 * i);
    }
}

static void
follow(const double cell[9])
{
    iw_unwrap u;
    iw_error err;
    assert_ok(iw_unwrap_init(&u, N, true, &err), err);
    walkers w;
    walkers_init(&w);
    double pos[3 * N], first[3 * N], truth[3 * N], out[3 * N];
    walkers_show(&w, cell, false, first);
    walkers_show(&w, cell, true, pos);
    iw_unwrap_start(&u, pos, cell);
    for (int t = 1; t < 3000; t++) {
        walkers_move(&w);
        walkers_show(&w, cell, true, pos);
        walkers_show(&w, cell, false, truth);
        iw_jump jump;
        iw_unwrap_push(&u, pos, cell, out, &jump);
        assert_true(jump.fraction < 0.06);
        for (int i = 0; i < 3 * N; i++)
            assert_close(out[i], truth[i] - first[i], 1e-13, 1e-12);
    }
    iw_unwrap_fini(&u);
}

static void
atoms_are_followed_through_the_faces_of_a_cubic_cell(void **state)
{
    (void)state;
    follow(cubic);
}

static void
atoms_are_followed_through_the_faces_of_a_skewed_cell(void **state)
{
    (void)state;
    follow(skewed);
}

static void
breathe(const double cell[9], int t, double out[9])
{
    for (int k = 0; k < 9; k++)
        out[k] = cell[k] * (1.0 + 0.03 * sin(0.37 * t + k)) + (k == 3 ? 0.2 * cos(0.11 * t) : 0.0);
}

/* The scheme, written down once more in long double: fractions by Cramer's rule. */
static void
toroidal(const double w0[3], const double w1[3], const double cell[9], long double u[3])
{
    double inverse[9], volume;
    assert_true(iw_cell_invert(cell, inverse, &volume));
    for (int k = 0; k < 3; k++)
        u[k] += (long double)w1[k] - w0[k];
    for (int j = 0; j < 3; j++) {
        long double s = 0.0L;
        for (int k = 0; k < 3; k++)
            s += ((long double)w1[k] - w0[k]) * inverse[3 * k + j];
        for (int k = 0; k < 3; k++)
            u[k] -= floorl(s + 0.5L) * cell[3 * j + k];
    }
}

static void
a_changing_cell_follows_the_toroidal_scheme(void **state)
{
    (void)state;
    iw_unwrap wrapped, unwrapped;
    iw_error err;
    assert_ok(iw_unwrap_init(&wrapped, N, true, &err), err);
    assert_ok(iw_unwrap_init(&unwrapped, N, false, &err), err);
    walkers w;
    walkers_init(&w);
    double cell[9], pos[3 * N], free_pos[3 * N], last[3 * N], out[3 * N], same[3 * N];
    long double truth[3 * N] = {0};
    breathe(skewed, 0, cell);
    walkers_show(&w, cell, true, last);
    iw_unwrap_start(&wrapped, last, cell);
    iw_unwrap_start(&unwrapped, last, cell);
    for (int t = 1; t < 5000; t++) {
        walkers_move(&w);
        breathe(skewed, t / 3, cell); /* it stands still now and then */
        walkers_show(&w, cell, true, pos);
        walkers_show(&w, cell, false, free_pos);
        iw_jump jump;
        iw_unwrap_push(&wrapped, pos, cell, out, &jump);
        iw_unwrap_push(&unwrapped, free_pos, cell, same, &jump);
        for (size_t i = 0; i < N; i++)
            toroidal(last + 3 * i, pos + 3 * i, cell, truth + 3 * i);
        if (t >= 3) { /* until the cell changes, unwrapped input is taken as it is */
            for (int i = 0; i < 3 * N; i++) {
                assert_close(out[i], (double)truth[i], 1e-12, 1e-12);
                assert_close(same[i], (double)truth[i], 1e-11, 1e-10);
            }
        }
        memcpy(last, pos, sizeof last);
    }
    iw_unwrap_fini(&wrapped);
    iw_unwrap_fini(&unwrapped);
}

/* Whatever is said of the input: extended XYZ does not tell whether it is wrapped. */
static void
an_atom_at_rest_in_a_fluctuating_box_stays_where_it_is(void **state)
{
    (void)state;
    for (int said = 0; said < 2; said++) {
        iw_unwrap u;
        iw_error err;
        assert_ok(iw_unwrap_init(&u, 1, said == 1, &err), err);
        double cell[9], pos[3], out[3], largest = 0.0, lattice_view = 0.0;
        const double s[3] = {7.3, -4.2, 11.6}; /* it has travelled some boxes before */
        breathe(cubic, 0, cell);
        apply(s, cell, pos);
        iw_unwrap_start(&u, pos, cell);
        double origin = pos[2];
        for (int t = 1; t < 20000; t++) {
            breathe(cubic, t, cell);
            apply(s, cell, pos);
            iw_jump jump;
            iw_unwrap_push(&u, pos, cell, out, &jump);
            largest = fmax(largest, fmax(fabs(out[0]), fmax(fabs(out[1]), fabs(out[2]))));
            lattice_view = fmax(lattice_view, fabs(pos[2] - origin));
        }
        /* The box breathes by 6 % of 10 A; the lattice view multiplies that by the boxes travelled.
         */
        assert_true(largest < 1.0);
        assert_true(lattice_view > 3.0);
        iw_unwrap_fini(&u);
    }
}

static void
unwrapped_input_in_a_constant_cell_is_taken_as_it_is(void **state)
{
    (void)state;
    iw_unwrap u;
    iw_error err;
    assert_ok(iw_unwrap_init(&u, 1, false, &err), err);
    double pos[3] = {1, 2, 3}, out[3];
    iw_jump jump;
    iw_unwrap_start(&u, pos, cubic);
    pos[0] = 100.0;
    iw_unwrap_push(&u, pos, cubic, out, &jump);
    assert_close(out[0], 99.0, 0, 0);
    assert_close(jump.fraction, 0.0, 0, 0);
    pos[1] = -50.0;
    iw_unwrap_push(&u, pos, NULL, out, &jump);
    assert_close(out[1], -52.0, 0, 0);
    iw_unwrap_fini(&u);
}

static void
rounding_does_not_grow_with_the_number_of_frames(void **state)
{
    (void)state;
    iw_unwrap constant, changing;
    iw_error err;
    assert_ok(iw_unwrap_init(&constant, 1, true, &err), err);
    assert_ok(iw_unwrap_init(&changing, 1, true, &err), err);
    double cell[9], pos[3] = {0, 0, 0}, last[3] = {0, 0, 0}, out[3];
    iw_jump jump;
    iw_unwrap_start(&constant, pos, skewed);
    iw_unwrap_start(&changing, pos, skewed);
    long double truth[3] = {0};
    enum { FRAMES = 300000 };
    for (int t = 1; t <= FRAMES; t++) {
        double s[3] = {fmod(0.1 * t, 1.0), fmod(0.03 * t, 1.0), fmod(0.07 * t, 1.0)};
        apply(s, skewed, pos);
        iw_unwrap_push(&constant, pos, skewed, out, &jump);
        if (t == FRAMES) {
            double all[3] = {0.1 * t, 0.03 * t, 0.07 * t}, expected[3];
            apply(all, skewed, expected);
            for (int k = 0; k < 3; k++)
                assert_close(out[k], expected[k], 1e-14, 1e-10);
        }
        breathe(skewed, t, cell);
        apply(s, cell, pos);
        iw_unwrap_push(&changing, pos, cell, out, &jump);
        toroidal(last, pos, cell, truth);
        memcpy(last, pos, sizeof last);
    }
    for (int k = 0; k < 3; k++)
        assert_close(out[k], (double)truth[k], 1e-14, 1e-9);
    iw_unwrap_fini(&constant);
    iw_unwrap_fini(&changing);
}

static void
the_atom_that_jumped_is_named(void **state)
{
    (void)state;
    const double *cells[2] = {cubic, skewed};
    for (int c = 0; c < 2; c++) {
        iw_unwrap u;
        iw_error err;
        assert_ok(iw_unwrap_init(&u, N, true, &err), err);
        double pos[3 * N] = {0}, out[3 * N];
        iw_jump jump;
        iw_unwrap_start(&u, pos, cells[c]);
        double s[3] = {0.1, -0.47, 0.2};
        apply(s, cells[c], pos + 12);
        iw_unwrap_push(&u, pos, cells[c], out, &jump);
        assert_int_equal(jump.atom, 4);
        assert_close(jump.fraction, 0.47, 1e-12, 0);
        iw_unwrap_fini(&u);
    }
}

static void
flat_and_empty_cells_are_singular(void **state)
{
    (void)state;
    double inverse[9], volume;
    const double none[9] = {0}, flat[9] = {10, 0, 0, 0, 10, 0, 10, 10, 0},
                 thin[9] = {1e-3, 0, 0, 0, 500, 0, 0, 0, 500};
    assert_false(iw_cell_invert(none, inverse, &volume));
    assert_false(iw_cell_invert(flat, inverse, &volume));
    assert_close(volume, 0.0, 0, 1e-9);
    assert_true(iw_cell_invert(thin, inverse, &volume));
    assert_true(iw_cell_invert(skewed, inverse, &volume));
    assert_close(volume, 9.0 * 8.0 * 11.0, 1e-14, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(atoms_are_followed_through_the_faces_of_a_cubic_cell),
        cmocka_unit_test(atoms_are_followed_through_the_faces_of_a_skewed_cell),
        cmocka_unit_test(a_changing_cell_follows_the_toroidal_scheme),
        cmocka_unit_test(an_atom_at_rest_in_a_fluctuating_box_stays_where_it_is),
        cmocka_unit_test(unwrapped_input_in_a_constant_cell_is_taken_as_it_is),
        cmocka_unit_test(rounding_does_not_grow_with_the_number_of_frames),
        cmocka_unit_test(the_atom_that_jumped_is_named),
        cmocka_unit_test(flat_and_empty_cells_are_singular),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
