/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream.h"

static void
frames_that_follow_make_one_segment(void **state)
{
    (void)state;
    stream s;
    stream_init(&s, 2);
    stream_start(&s, IW_DRIFT_NONE);
    for (int t = 0; t < 30; t++) {
        for (int k = 0; k < 6; k++)
            s.frame.pos_A[k] = fmod(0.7 * t + k, 10.0);
        assert_ok(stream_push(&s), s.err);
        assert_int_equal(s.step.new_segment, t == 0);
        assert_int_equal(s.step.has_velocities, t > 0);
        for (int k = 0; k < 6; k++) {
            assert_close(s.step.pos_A[k], 0.7 * t, 1e-13, 1e-13);
            if (t > 0)
                assert_close(s.step.vel_A_fs[k], 0.35, 1e-12, 0);
        }
    }
    assert_int_equal(iw_trajectory_frames(s.trajectory), 30);
    assert_int_equal(iw_trajectory_segments(s.trajectory), 1);
    assert_close(iw_trajectory_dt_fs(s.trajectory), 2.0, 0, 0);
    assert_true(isnan(s.step.kinetic_K));
    assert_int_equal(s.events.n, 1);
    assert_non_null(stream_event(&s, IW_EVENT_no_velocities));
    stream_fini(&s);
}

/* Two atoms of unlike mass move apart while all drift: what stands still is told by the option. */
static void
drift_is_taken_from_positions_and_velocities_alike(void **state)
{
    (void)state;
    const double m[2] = {6.94, 32.06}, v[2] = {0.03, 0.01};
    const double com = (m[0] * v[0] + m[1] * v[1]) / (m[0] + m[1]);
    const struct {
        iw_drift drift;
        double still;
    } cases[] = {{IW_DRIFT_COM, com}, {IW_DRIFT_FRAMEWORK, 0.01}, {IW_DRIFT_NONE, 0.0}};
    for (size_t c = 0; c < 3; c++) {
        for (int engine = 0; engine < 2; engine++) {
            stream s;
            stream_init(&s, 2);
            stream_start(&s, cases[c].drift);
            s.frame.has_velocities = engine;
            for (int t = 0; t < 500; t++) {
                for (size_t i = 0; i < 2; i++) {
                    s.frame.pos_A[3 * i] = fmod(2.0 * v[i] * t, 10.0);
                    s.frame.vel_A_fs[3 * i] = v[i];
                }
                assert_ok(stream_push(&s), s.err);
                for (size_t i = 0; i < 2; i++) {
                    assert_close(s.step.pos_A[3 * i], 2.0 * (v[i] - cases[c].still) * t, 1e-12,
                                 1e-12);
                    if (s.step.has_velocities)
                        assert_close(s.step.vel_A_fs[3 * i], v[i] - cases[c].still, 1e-11, 1e-14);
                }
            }
            stream_fini(&s);
        }
    }
}

static void
a_gap_starts_a_segment_with_its_own_origin(void **state)
{
    (void)state;
    stream s;
    stream_init(&s, 2);
    stream_start(&s, IW_DRIFT_NONE);
    for (int t = 0; t < 10; t++) {
        s.frame.pos_A[0] = 0.3 * (double)s.frame.step;
        assert_ok(stream_push(&s), s.err);
        if (t == 4) {
            s.frame.seq += 3;
            s.frame.step += 3;
        }
        assert_int_equal(s.step.new_segment, t == 0 || t == 5);
        assert_int_equal(s.step.has_velocities, t != 0 && t != 5);
        assert_close(s.step.pos_A[0], 0.3 * (t < 5 ? t : t - 5), 1e-13, 1e-13);
    }
    assert_int_equal(iw_trajectory_segments(s.trajectory), 2);
    const iw_event *gap = stream_event(&s, IW_EVENT_gap);
    assert_non_null(gap);
    assert_int_equal(gap->frame, 9);
    assert_int_equal(gap->step, 8);
    assert_string_equal(gap->text, "frame 9 (step 8) came after frame 5 (step 4), 8 fs later");
    stream_fini(&s);
}

static void
another_spacing_starts_a_segment_each_time(void **state)
{
    (void)state;
    stream s;
    stream_init(&s, 2);
    s.frame.step = 0;
    stream_start(&s, IW_DRIFT_NONE);
    const int64_t steps[] = {0, 2, 4, 5, 6, 8, 10};
    const bool begins[] = {true, false, false, true, true, false, false};
    for (size_t i = 0; i < 7; i++) {
        s.frame.step = steps[i];
        assert_ok(stream_push(&s), s.err);
        assert_int_equal(s.step.new_segment, begins[i]);
    }
    assert_int_equal(stream_event(&s, IW_EVENT_uneven_step)->count, 2);
    assert_close(iw_trajectory_dt_fs(s.trajectory), 4.0, 0, 0);
    stream_fini(&s);
}

static void
overlapping_steps_of_a_restart_are_counted_once(void **state)
{
    (void)state;
    stream s;
    stream_init(&s, 2);
    stream_start(&s, IW_DRIFT_NONE);
    for (int pass = 0; pass < 2; pass++) {
        for (int t = pass ? 9 : 0; t < (pass ? 40 : 32); t++) {
            s.frame.step = t;
            s.frame.pos_A[0] = 0.1 * t;
            iw_status status = stream_push(&s);
            assert_int_equal(status, pass && t < 32 ? IW_AGAIN : IW_OK);
            if (status == IW_OK)
                assert_close(s.step.pos_A[0], 0.1 * t, 1e-12, 1e-12);
        }
    }
    assert_int_equal(iw_trajectory_frames(s.trajectory), 40);
    assert_int_equal(iw_trajectory_segments(s.trajectory), 1);
    const iw_event *back = stream_event(&s, IW_EVENT_step_back);
    assert_non_null(back);
    assert_int_equal(back->count, 1);
    assert_non_null(strstr(back->text, "step 9 (0.018 ps) came after step 31"));
    stream_fini(&s);
}

/* LAMMPS counts its time from zero after read_restart, its steps from where they were. */
static void
clock_that_starts_again_with_the_code_is_no_gap(void **state)
{
    (void)state;
    stream s;
    stream_init(&s, 2);
    stream_start(&s, IW_DRIFT_NONE);
    for (int pass = 0; pass < 2; pass++) {
        for (int t = pass ? 9 : 0; t < (pass ? 40 : 32); t++) {
            s.frame.step = t;
            s.started_fs = pass ? 18.0 : 0.0;
            assert_int_equal(stream_push(&s), pass && t < 32 ? IW_AGAIN : IW_OK);
        }
    }
    assert_int_equal(iw_trajectory_frames(s.trajectory), 40);
    assert_int_equal(iw_trajectory_segments(s.trajectory), 1);
    assert_null(stream_event(&s, IW_EVENT_uneven_step));
    s.started_fs = 20.0; /* but one that jumps on the way is */
    assert_ok(stream_push(&s), s.err);
    assert_int_equal(iw_trajectory_segments(s.trajectory), 2);
    assert_non_null(stream_event(&s, IW_EVENT_uneven_step));
    stream_fini(&s);
}

static void
numbering_that_starts_again_is_a_new_piece_unless_it_is_the_same_run(void **state)
{
    (void)state;
    for (int same = 0; same < 2; same++) {
        stream s;
        stream_init(&s, 2);
        stream_start(&s, IW_DRIFT_NONE);
        for (int pass = 0; pass < 2; pass++) {
            for (int t = 0; t < 20; t++) {
                s.frame.step = t;
                s.frame.pos_A[0] = fmod(9.9 + 0.1 * t + (pass && !same ? 2.0 : 0.0), 10.0);
                assert_int_equal(stream_push(&s), pass && same ? IW_AGAIN : IW_OK);
            }
        }
        assert_int_equal(iw_trajectory_frames(s.trajectory), same ? 20 : 40);
        assert_int_equal(iw_trajectory_segments(s.trajectory), same ? 1 : 2);
        assert_non_null(stream_event(&s, IW_EVENT_step_back));
        stream_fini(&s);
    }
}

static void
what_is_not_finite_is_refused_by_name(void **state)
{
    (void)state;
    stream s;
    stream_init(&s, 4);
    s.frame.has_velocities = true;
    stream_start(&s, IW_DRIFT_COM);
    double *places[] = {&s.frame.pos_A[7], &s.frame.vel_A_fs[2], &s.frame.cell_A[5]};
    const double bad[] = {NAN, INFINITY, -INFINITY};
    const char *const said[] = {"position y of atom 3 is", "velocity z of atom 1 is inf",
                                "component z of cell vector b is -inf"};
    assert_ok(stream_push(&s), s.err);
    for (size_t i = 0; i < 3; i++) {
        double kept = *places[i];
        *places[i] = bad[i];
        assert_int_equal(stream_push(&s), IW_INVALID);
        assert_non_null(strstr(s.err.text, said[i]));
        *places[i] = kept;
        assert_ok(stream_push(&s), s.err);
        assert_true(s.step.new_segment);
        assert_ok(stream_push(&s), s.err);
        assert_false(s.step.new_segment);
    }
    assert_int_equal(stream_event(&s, IW_EVENT_not_finite)->count, 3);
    assert_null(stream_event(&s, IW_EVENT_gap));
    assert_int_equal(iw_trajectory_frames(s.trajectory), 7);
    stream_fini(&s);
}

static void
singular_cells_and_wrong_atom_counts_are_refused(void **state)
{
    (void)state;
    stream s;
    stream_init(&s, 4);
    stream_start(&s, IW_DRIFT_COM);
    assert_ok(stream_push(&s), s.err);
    s.frame.cell_A[8] = 0.0;
    assert_int_equal(stream_push(&s), IW_INVALID);
    assert_string_equal(s.err.text, "step 1: cell is singular: volume 0.000 A3");
    s.frame.cell_A[8] = 10.0;
    s.frame.n_atoms = 3;
    assert_int_equal(stream_push(&s), IW_INVALID);
    assert_string_equal(s.err.text, "step 2 has 3 atoms, the run has 4");
    s.frame.n_atoms = 4;
    assert_ok(stream_push(&s), s.err);
    assert_true(s.step.new_segment);
    assert_non_null(stream_event(&s, IW_EVENT_singular_cell));
    assert_non_null(stream_event(&s, IW_EVENT_bad_frame));
    stream_fini(&s);
}

static void
a_jump_of_half_a_cell_is_told_with_atom_and_numbers(void **state)
{
    (void)state;
    stream s;
    stream_init(&s, 4);
    stream_start(&s, IW_DRIFT_NONE);
    assert_ok(stream_push(&s), s.err);
    s.frame.pos_A[3] = 4.6;
    assert_ok(stream_push(&s), s.err);
    const iw_event *jump = stream_event(&s, IW_EVENT_half_cell_jump);
    assert_non_null(jump);
    assert_string_equal(jump->text, "step 1: atom 2 (S) moved 0.460 of a cell vector (4.600 0.000 "
                                    "0.000 A) since the frame before");
    s.frame.pos_A[3] = 0.2; /* the same again, and counted */
    assert_ok(stream_push(&s), s.err);
    assert_int_equal(stream_event(&s, IW_EVENT_half_cell_jump)->count, 1);
    s.frame.pos_A[3] = 4.8;
    assert_ok(stream_push(&s), s.err);
    assert_int_equal(stream_event(&s, IW_EVENT_half_cell_jump)->count, 2);
    stream_fini(&s);
}

static void
the_first_frame_decides_where_velocities_come_from(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        stream s;
        stream_init(&s, 2);
        stream_start(&s, IW_DRIFT_NONE);
        for (int t = 0; t < 6; t++) {
            s.frame.has_velocities = t == 3 ? !first : first;
            s.frame.pos_A[0] = 0.2 * t;
            s.frame.vel_A_fs[0] = 0.1;
            assert_ok(stream_push(&s), s.err);
            assert_int_equal(s.step.has_velocities, first ? t != 3 : t != 0);
            assert_false(t > 0 && s.step.new_segment);
        }
        assert_int_equal(iw_trajectory_engine_velocities(s.trajectory), first);
        assert_int_equal(stream_event(&s, IW_EVENT_missing_velocities)->count, 1);
        stream_fini(&s);
    }
}

static void
time_stamps_against_step_numbers_are_told(void **state)
{
    (void)state;
    stream s;
    stream_init(&s, 2);
    s.dt_fs = 0.002; /* picoseconds for femtoseconds */
    stream_start(&s, IW_DRIFT_COM);
    for (int t = 0; t < 4; t++)
        assert_ok(stream_push(&s), s.err);
    assert_close(iw_trajectory_dt_fs(s.trajectory), 2.0, 0, 0);
    assert_int_equal(stream_event(&s, IW_EVENT_time_mismatch)->count, 1);
    stream_fini(&s);
}

static void
impossible_runs_are_refused(void **state)
{
    (void)state;
    stream s;
    stream_init(&s, 2);
    unsigned char nobody[2] = {0, 0};
    iw_trajectory_options options = {.drift = IW_DRIFT_FRAMEWORK, .framework = nobody};
    assert_null(iw_trajectory_new(&s.run, &options, &s.events, &s.err));
    assert_int_equal(s.err.code, IW_INVALID);
    options.drift = IW_DRIFT_COM;
    s.run.mass_amu[1] = 0.0;
    assert_null(iw_trajectory_new(&s.run, &options, &s.events, &s.err));
    assert_string_equal(s.err.text, "atom 2 (S) has a mass of 0 amu");
    stream_fini(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_that_follow_make_one_segment),
        cmocka_unit_test(drift_is_taken_from_positions_and_velocities_alike),
        cmocka_unit_test(a_gap_starts_a_segment_with_its_own_origin),
        cmocka_unit_test(another_spacing_starts_a_segment_each_time),
        cmocka_unit_test(overlapping_steps_of_a_restart_are_counted_once),
        cmocka_unit_test(clock_that_starts_again_with_the_code_is_no_gap),
        cmocka_unit_test(numbering_that_starts_again_is_a_new_piece_unless_it_is_the_same_run),
        cmocka_unit_test(what_is_not_finite_is_refused_by_name),
        cmocka_unit_test(singular_cells_and_wrong_atom_counts_are_refused),
        cmocka_unit_test(a_jump_of_half_a_cell_is_told_with_atom_and_numbers),
        cmocka_unit_test(the_first_frame_decides_where_velocities_come_from),
        cmocka_unit_test(time_stamps_against_step_numbers_are_told),
        cmocka_unit_test(impossible_runs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
