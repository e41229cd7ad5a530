/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VASP's XDATCAR and the INCAR beside it (adapters/vasp). */
#include "reader_test.h"

#define CELL   "4 0 0\n0 5 0\n0 0 10\n"
#define HEADER "title\n1.0\n" CELL "Li S\n1 2\n"
#define ROWS   "0.25 0.5 0.75\n0 0.1 0.2\n-0.5 1.5 0.125\n"

static trajectory
read_with(const char *xdatcar, const char *incar, double dt_fs, const char *species)
{
    iw_reader_options options;
    iw_reader_options_init(&options);
    options.dt_fs = dt_fs;
    options.species = species;
    if (incar)
        write_text("INCAR", incar);
    else
        (void)unlink(test_path("INCAR"));
    return read_file(write_text("XDATCAR", xdatcar), &options);
}

static trajectory
read_text(const char *xdatcar)
{
    return read_with(xdatcar, NULL, 2.0, NULL);
}

static void
fractions_are_multiplied_by_the_cell(void **state)
{
    (void)state;
    trajectory t =
        read_text(HEADER "Direct configuration=     1\n" ROWS "Direct configuration=     2\n" ROWS);
    assert_read(t, 2);
    assert_string_equal(t.run.code, "VASP");
    assert_true(t.run.wrapped);
    assert_int_equal(t.run.n_atoms, 3);
    assert_string_equal(t.run.species[t.run.kind[2]], "S");
    assert_close(t.run.mass_amu[0], 6.94, 1e-3, 0.0);
    assert_triple(t.frame[0].pos_A, 1.0, 2.5, 7.5, 0.0);
    assert_triple(t.frame[1].pos_A + 6, -2.0, 7.5, 1.25, 0.0);
    assert_triple(t.frame[0].cell_A + 3, 0.0, 5.0, 0.0, 0.0);
    assert_int_equal(t.frame[1].step, 1);
    assert_close(t.frame[1].time_fs, 2.0, 0.0, 0.0);
    free_trajectory(&t);

    t = read_text("skewed\n2.0\n1 1 0\n0 2 -1\n1 0 3\nLi\n1\nDirect configuration= 1\n"
                  "0.5 0.25 0.125\n");
    assert_read(t, 1);
    assert_triple(t.frame[0].pos_A, 2.0 * (0.5 + 0.125), 2.0 * (0.5 + 0.5), 2.0 * (-0.25 + 0.375),
                  0.0);
    free_trajectory(&t);
}

static void
a_negative_scale_is_the_volume(void **state)
{
    (void)state;
    trajectory t = read_text("t\n-1600\n" CELL "Li\n1\nDirect configuration= 1\n0.5 0 0\n");
    assert_read(t, 1);
    assert_close(t.frame[0].cell_A[8], 20.0, 1e-14, 0.0);
    assert_close(t.frame[0].pos_A[0], 4.0, 1e-14, 0.0);
    free_trajectory(&t);
}

static void
a_changing_cell_comes_with_every_frame(void **state)
{
    (void)state;
    trajectory t = read_text(
        HEADER "Direct configuration= 1\n" ROWS
               "title\n1.0\n8 0 0\n0 5 0\n0 0 10\nLi S\n1 2\nDirect configuration= 2\n" ROWS
               "\n2.0\n" CELL "Li S\n1 2\nDirect configuration= 3\n" ROWS);
    assert_read(t, 3);
    assert_close(t.frame[0].pos_A[0], 1.0, 0.0, 0.0);
    assert_close(t.frame[1].pos_A[0], 2.0, 0.0, 0.0);
    assert_close(t.frame[1].cell_A[0], 8.0, 0.0, 0.0);
    assert_close(t.frame[2].pos_A[1], 5.0, 0.0, 0.0);
    free_trajectory(&t);
}

static void
the_oldest_form_has_blank_lines_and_perhaps_no_names(void **state)
{
    (void)state;
    trajectory t = read_text(HEADER " \n" ROWS "\n" ROWS "\n" ROWS "\n");
    assert_read(t, 3);
    assert_int_equal(t.frame[2].step, 2);
    free_trajectory(&t);
    t = read_text("t\n1.0\n" CELL "1 2\n\n" ROWS);
    REFUSED(t, IW_INVALID, "XDATCAR line 6", "VASP 4", "--species");
    t = read_with("t\n1.0\n" CELL "1 2\n\n" ROWS, NULL, 2.0, "Na,Cl");
    assert_read(t, 1);
    assert_string_equal(t.run.species[t.run.kind[1]], "Cl");
    free_trajectory(&t);
    t = read_with("t\n1.0\n" CELL "1 2\n\n" ROWS, NULL, 2.0, "Na,Cl,Br,I");
    REFUSED(t, IW_INVALID, "4 names", "2 species and 3 atoms");
}

static void
what_stands_behind_names_and_rows_is_passed_over(void **state)
{
    (void)state;
    trajectory t = read_text("t\r\n1.0\r\n4 0 0\r\n0 5 0\r\n0 0 10\r\nLi_sv S/0a1b2c3d\r\n1 2\r\n"
                             "Direct configuration=******\r\n0.25 0.5 0.75 Li\r\n0 0.1 0.2 S\r\n"
                             "-0.5 1.5 0.125 S\r\n");
    assert_read(t, 1);
    assert_string_equal(t.run.species[0], "Li");
    assert_string_equal(t.run.species[1], "S");
    assert_close(t.frame[0].pos_A[8], 1.25, 0.0, 0.0);
    free_trajectory(&t);
}

static void
time_and_temperature_come_from_the_incar(void **state)
{
    (void)state;
    const char *text = HEADER "Direct configuration= 1\n" ROWS "Direct configuration= 2\n" ROWS;
    trajectory t = read_with(text,
                             "SYSTEM = a title with 2.50\n potim=1.5 ; NBLOCK = 10 ! ten\n"
                             "#POTIM = 7\nTEBEG = 600\nIBRION = 0",
                             (double)NAN, NULL);
    assert_read(t, 2);
    assert_int_equal(t.run.stride, 10);
    assert_close(t.run.timestep_fs, 1.5, 0.0, 0.0);
    assert_close(t.run.temperature_K, 600.0, 0.0, 0.0);
    assert_int_equal(t.frame[1].step, 10);
    assert_close(t.frame[1].time_fs, 15.0, 1e-15, 0.0);
    assert_noted(&t, "15 fs apart: POTIM 1.5 x NBLOCK 10");
    free_trajectory(&t);

    t = read_with(text, "TEBEG = 300 ; TEEND = 900\nNBLOCK = 5\nPOTIM = 2", 20.0, NULL);
    assert_read(t, 2);
    assert_true(isnan(t.run.temperature_K));
    assert_close(t.run.timestep_fs * (double)t.run.stride, 20.0, 1e-15, 0.0);
    assert_noted(&t, "from 300 to 900 K");
    assert_noted(&t, "20 fs apart as asked for; the files say 10 fs");
    free_trajectory(&t);

    t = read_with(text, "POTIM = fast\n", 1.0, NULL);
    REFUSED(t, IW_INVALID, "INCAR line 1", "POTIM = fast");
    t = read_with(text, "NBLOCK = 2\n", (double)NAN, NULL);
    REFUSED(t, IW_INVALID, "XDATCAR", "POTIM", "--dt FS");
    t = read_with(text, NULL, -1.0, NULL);
    REFUSED(t, IW_INVALID, "--dt -1");
}

static void
missing_configurations_leave_a_gap_in_the_steps(void **state)
{
    (void)state;
    trajectory t =
        read_text(HEADER "Direct configuration= 10\n" ROWS "Direct configuration= 20\n" ROWS
                         "Direct configuration= 50\n" ROWS "Direct configuration= 10\n" ROWS);
    assert_read(t, 4);
    assert_int_equal(t.frame[1].step, 1);
    assert_int_equal(t.frame[2].step, 4);
    assert_int_equal(t.frame[3].step, 5); /* a restart counts anew */
    assert_noted(&t, "missing between 20 and 50");
    free_trajectory(&t);
}

/* The same two atoms in every form of a POSCAR; the cell is 2 x 4 x 8 A. */
static void
a_poscar_is_one_frame(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "t\n2.0\n1 0 0\n0 2 0\n0 0 4\nLi S\n1 1\nDirect\n.5 .5 .5\n.25 0 .75\n",
        "t\n-64\n1 0 0\n0 2 0\n0 0 4\nLi S\n1 1\nSelective dynamics\nDirect\n"
        ".5 .5 .5 T T F\n.25 0 .75 F F F\n\n0 0 0\n0 0 0\n",
        "t\n2.0\n1 0 0\n0 2 0\n0 0 4\nLi S\n1 1\nCartesian\n.5 1 2\n.25 0 3\n",
        "t\n2.0\n1 0 0\n0 2 0\n0 0 4\nLi S\n1 1\nSelective\ncart\n.5 1 2 T T T\n.25 0 3 T T T\n",
    };
    static const double expected[6] = {1, 2, 4, .5, 0, 6};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        trajectory t = read_text(forms[i]);
        assert_true(t.n >= 1);
        for (size_t k = 0; k < 6; k++)
            assert_close(t.frame[0].pos_A[k], expected[k], 1e-12, 0);
        free_trajectory(&t);
    }
}

static void
what_does_not_follow_the_form_is_refused_with_its_line(void **state)
{
    (void)state;
    trajectory t = read_text(HEADER "Direct configuration= 1\n0.25 0.5 0.75\n0 0.1-0.2 3\n1 1 1\n");
    REFUSED(t, IW_INVALID, "XDATCAR line 10", "three fractional coordinates", "0 0.1-0.2 3");
    t = read_text("t\n1.0\n4 0 0\n8 0 0\n0 0 1\nLi\n1\nDirect configuration= 1\n0 0 0\n");
    REFUSED(t, IW_INVALID, "line 5", "singular");
    t = read_text("t\n1.0\n" CELL "Li S\n1\nDirect configuration= 1\n0 0 0\n");
    REFUSED(t, IW_INVALID, "line 7", "1 numbers of atoms for 2 species");
    t = read_text("t\n1.0\n" CELL "Li\n1\nCartesian configuration= 1\n0 0 0\n");
    REFUSED(t, IW_INVALID, "line 8", "fractional");
    t = read_text(HEADER "Direct configuration= 1\n" ROWS "title\n1.0\n" CELL
                         "Li P\n1 2\nDirect configuration= 2\n" ROWS);
    assert_int_equal(t.n, 1);
    REFUSED(t, IW_INVALID, "line 18", "do not change");
    t = read_text(HEADER "Direct configuration= 1\n" ROWS "0.5 0.5 0.5\nDirect configuration= 2\n");
    assert_int_equal(t.n, 1);
    REFUSED(t, IW_INVALID, "line 13", "scale of the cell");
    t = read_text("64 64 1\n0.1E+02 0.5E-09 0.5E-09 0.5E-09 0.1E-14\n300\n  CAR\ntitle\n\n0 0 0\n");
    REFUSED(t, IW_INVALID, "line 2", "scale");
    t = read_text("t\n1.0\n" CELL "Li\n99999999999\nDirect configuration= 1\n0 0 0\n");
    REFUSED(t, IW_INVALID, "line 7", "number of atoms");
    t = read_text("t\n1.0\n" CELL "Li\n2000000000\nDirect configuration= 1\n0 0 0\n");
    REFUSED(t, IW_INVALID, "ends within its first frame");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fractions_are_multiplied_by_the_cell),
        cmocka_unit_test(a_negative_scale_is_the_volume),
        cmocka_unit_test(a_changing_cell_comes_with_every_frame),
        cmocka_unit_test(the_oldest_form_has_blank_lines_and_perhaps_no_names),
        cmocka_unit_test(what_stands_behind_names_and_rows_is_passed_over),
        cmocka_unit_test(time_and_temperature_come_from_the_incar),
        cmocka_unit_test(missing_configurations_leave_a_gap_in_the_steps),
        cmocka_unit_test(a_poscar_is_one_frame),
        cmocka_unit_test(what_does_not_follow_the_form_is_refused_with_its_line),
    };
    return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
