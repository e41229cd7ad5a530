/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What holds for every format (adapters/reader.c): files that grow, pieces, formats told from
 * content, options. */
#include "reader_test.h"

#include <sys/stat.h>

/* Small files of every text format, with each form of a frame that there is. */
static const struct {
    const char *name, *text;
    size_t frames;
} samples[] = {
    {"XDATCAR",
     "title of it\n1.0\n4 0 0\n0 5 0\n0 0 6\nLi S\n1 1\nDirect configuration=     1\n"
     "  0.125  0.500  0.250\n -0.125  0.000  0.750\nDirect configuration=     2\n"
     "  0.125  0.625  0.250\n -0.125  0.000  0.875\nDirect configuration=     3\n"
     "  0.125  0.625  0.250\n -0.125  0.500  0.875\n",
     3},
    {"XDATCAR_cell",
     "title of it\n1.0\n4.5 0.0 0.0\n0.0 5.5 0.0\n0.0 0.0 6.5\nLi S\n1 1\n"
     "Direct configuration=     1\n  0.125  0.500  0.250\n -0.125  0.000  0.750\n"
     "title of it\n1.0\n4.6 0.0 0.0\n0.0 5.6 0.0\n0.0 0.0 6.6\nLi S\n1 1\n"
     "Direct configuration=     2\n  0.125  0.500  0.250\n -0.125  0.000  0.750\n"
     "title of it\n1.0\n4.7 0.0 0.0\n0.0 5.7 0.0\n0.0 0.0 6.7\nLi S\n1 1\n"
     "Direct configuration=     3\n  0.125  0.500  0.250\n -0.125  0.000  0.750\n",
     3},
    {"XDATCAR_4",
     "title of it\n1.0\n4 0 0\n0 5 0\n0 0 6\nLi S\n1 1\n \n  0.125  0.500  0.250\n"
     " -0.125  0.000  0.750\n \n  0.125  0.625  0.250\n -0.125  0.000  0.875\n",
     2},
    {"w-pos-1.xyz",
     "       2\n i =        4, time =        2.000, E =      -198.25\n"
     " Li         1.0000000000        3.4982500000        3.4982500000\n"
     " S          1.0000000000        3.4982500000        3.4982500000\n"
     "       2\n i =        6, time =        3.000, E =      -198.75\n"
     " Li         1.5000000000        3.4982500000        3.4982500000\n"
     " S          1.0000000000        3.4982500000        3.4982500000\n"
     "       2\n i =        8, time =        4.000, E =      -197.25\n"
     " Li         2.5000000000        3.4982500000        3.4982500000\n"
     " S          1.0000000000        3.4982500000        3.4982500000\n",
     3},
    {"run.lammpstrj",
     "ITEM: UNITS\nreal\nITEM: TIME\n0\nITEM: TIMESTEP\n1200\nITEM: NUMBER OF ATOMS\n12\n"
     "ITEM: BOX BOUNDS xy xz yz pp pp pp\n0.0 9.5 0.5\n0.0 9.5 0.0\n0.0 9.5 0.25\n"
     "ITEM: ATOMS id element xs ys zs vx vy vz\n"
     "1 Li 0.1 0.2 0.3 1.5 0 0\n2 S 0.2 0.3 0.4 1 2 3\n3 S 0.25 0.35 0.45 1 2 3\n"
     "4 S 0.2 0.3 0.4 1 2 3\n5 S 0.2 0.3 0.4 1 2 3\n6 S 0.2 0.3 0.4 1 2 3\n"
     "7 S 0.2 0.3 0.4 1 2 3\n8 S 0.2 0.3 0.4 1 2 3\n9 S 0.2 0.3 0.4 1 2 3\n"
     "10 S 0.2 0.3 0.4 1 2 3\n11 S 0.2 0.3 0.4 1 2 3\n12 S 0.2 0.3 0.4 1 2 3\n"
     "ITEM: TIME\n10\nITEM: TIMESTEP\n1210\nITEM: NUMBER OF ATOMS\n12\n"
     "ITEM: BOX BOUNDS xy xz yz pp pp pp\n0.0 9.6 0.5\n0.0 9.5 0.0\n0.0 9.5 0.25\n"
     "ITEM: ATOMS id element xs ys zs vx vy vz\n"
     "12 S 0.2 0.3 0.4 1 2 3\n2 S 0.2 0.3 0.4 1 2 3\n3 S 0.25 0.35 0.45 1 2 3\n"
     "4 S 0.2 0.3 0.4 1 2 3\n5 S 0.2 0.3 0.4 1 2 3\n6 S 0.2 0.3 0.4 1 2 3\n"
     "7 S 0.2 0.3 0.4 1 2 3\n8 S 0.2 0.3 0.4 1 2 3\n9 S 0.2 0.3 0.4 1 2 3\n"
     "10 S 0.2 0.3 0.4 1 2 3\n11 S 0.2 0.3 0.4 1 2 3\n1 Li 0.1 0.2 0.3 1.5 0 0\n",
     2},
    {"traj.extxyz",
     "2\nLattice=\"4.0 0.0 0.0 0.0 5.0 0.0 0.0 0.0 6.0\" Properties=species:S:1:pos:R:3:vel:R:3 "
     "Time=0.0\nLi 1.0 2.0 3.0 0.1 0.2 0.3\nS 1.5 2.5 3.5 0.1 0.2 0.3\n"
     "2\nLattice=\"4.1 0.0 0.0 0.0 5.0 0.0 0.0 0.0 6.0\" Properties=species:S:1:pos:R:3:vel:R:3 "
     "Time=2.0\nLi 1.0 2.0 3.0 0.1 0.2 0.3\nS 1.5 2.5 3.5 0.1 0.2 0.3\n"
     "2\nLattice=\"4.2 0.0 0.0 0.0 5.0 0.0 0.0 0.0 6.0\" Properties=species:S:1:pos:R:3:vel:R:3 "
     "Time=4.0\nLi 1.0 2.0 3.0 0.1 0.2 0.3\nS 1.5 2.5 3.5 0.1 0.2 0.3\n",
     3},
};
enum { SAMPLES = sizeof samples / sizeof samples[0] };

/* Puts new where old stands first; they are equally long. */
static void
overwrite(char *text, const char *old, const char *new)
{
    char *at = strstr(text, old);
    assert_non_null(at);
    assert_int_equal(strlen(old), strlen(new));
    for (size_t i = 0; new[i]; i++)
        at[i] = new[i];
}

static iw_reader_options
sample_options(size_t sample, bool follow)
{
    iw_reader_options options;
    iw_reader_options_init(&options);
    if (strstr(samples[sample].name, "XDATCAR"))
        options.dt_fs = 2.0;
    options.follow = follow;
    return options;
}

/* The frames of one half-open range are those of the whole file. */
static void
assert_same_frames(const trajectory *part, const trajectory *whole)
{
    assert_true(part->n <= whole->n);
    for (size_t f = 0; f < part->n; f++)
        assert_same_frame(&part->frame[f], &whole->frame[f]);
}

static void
a_file_that_grows_byte_by_byte_gives_its_frames_and_no_error(void **state)
{
    (void)state;
    for (size_t s = 0; s < SAMPLES; s++) {
        const char *text = samples[s].text;
        iw_reader_options options = sample_options(s, false);
        trajectory whole = read_file(write_text(samples[s].name, text), &options);
        assert_read(whole, samples[s].frames);
        options.follow = true;
        const char *path = write_text(samples[s].name, "");
        iw_reader *reader = NULL;
        trajectory grown = {0};
        for (size_t i = 0; text[i]; i++) {
            write_bytes(samples[s].name, text + i, 1, "ab");
            if (!reader)
                reader = iw_reader_open(&path, 1, &options, &grown.err);
            if (reader)
                read_on(&grown, reader);
            else
                grown.status = grown.err.code;
            if (grown.status != IW_AGAIN)
                print_error("%s byte %zu: %s\n", samples[s].name, i, grown.err.text);
            assert_int_equal(grown.status, IW_AGAIN);
        }
        assert_int_equal(grown.n, whole.n);
        assert_same_frames(&grown, &whole);
        assert_close(iw_reader_progress(reader), 1.0, 1e-15, 0.0);
        iw_reader_close(&reader);
        free_trajectory(&grown);
        free_trajectory(&whole);
    }
}

static void
a_finished_file_that_was_cut_off_anywhere_gives_its_whole_frames(void **state)
{
    (void)state;
    for (size_t s = 0; s < SAMPLES; s++) {
        const char *text = samples[s].text;
        iw_reader_options options = sample_options(s, false);
        trajectory whole = read_file(write_text(samples[s].name, text), &options);
        size_t length = strlen(text), most = 0;
        for (size_t size = 0; size < length; size++) {
            write_bytes(samples[s].name, text, size, "wb");
            trajectory part = read_file(test_path(samples[s].name), &options);
            /* Short of the first frames nothing can be read, and that is said. */
            if (part.n == 0 && most == 0 && part.status != IW_END) {
                assert_true(part.status == IW_INVALID || part.status == IW_UNSUPPORTED);
            } else {
                if (part.status != IW_END)
                    print_error("%s cut to %zu: %s\n", samples[s].name, size, part.err.text);
                assert_int_equal(part.status, IW_END);
                /* A single frame does not tell the spacing; steps and places are right. */
                for (size_t f = 0; f < part.n; f++) {
                    assert_int_equal(part.frame[f].step, whole.frame[f].step);
                    assert_memory_equal(part.frame[f].pos_A, whole.frame[f].pos_A,
                                        3 * whole.run.n_atoms * sizeof(double));
                }
                assert_true(part.n >= most);
                most = part.n;
            }
            free_trajectory(&part);
        }
        assert_true(most >= whole.n - 1);
        free_trajectory(&whole);
    }
}

static void
a_frame_that_is_cut_off_is_left_out_with_a_note(void **state)
{
    (void)state;
    for (size_t s = 0; s < SAMPLES; s++) {
        iw_reader_options options = sample_options(s, false);
        options.dt_fs = 2.0;
        write_bytes(samples[s].name, samples[s].text, strlen(samples[s].text) - 12, "wb");
        trajectory t = read_file(test_path(samples[s].name), &options);
        assert_read(t, samples[s].frames - 1);
        assert_noted(&t, "last frame is cut short and left out");
        free_trajectory(&t);
    }
}

static void
pieces_make_one_run_with_steps_that_go_on(void **state)
{
    (void)state;
    iw_reader_options options = sample_options(0, false);
    char two[1024];
    (void)snprintf(two, sizeof two, "%s", samples[0].text);
    overwrite(two, "  0.125", "  0.375");
    const char *paths[3] = {write_text("XDATCAR.1", samples[0].text), write_text("XDATCAR.2", two),
                            write_text("XDATCAR.3", two)};
    trajectory t = read_pieces(paths, 3, &options);
    assert_read(t, 9);
    for (size_t f = 0; f < 9; f++) {
        assert_int_equal(t.frame[f].seq, f + 1);
        assert_int_equal(t.frame[f].step, f);
        assert_close(t.frame[f].time_fs, 2.0 * (double)f, 1e-14, 0.0);
    }
    assert_noted(&t, "XDATCAR.2 counts its steps anew: step 0 becomes step 3");
    assert_string_equal(iw_run_info_metadata(&t.run, "format"), "xdatcar");
    assert_non_null(strstr(iw_run_info_metadata(&t.run, "files"), "XDATCAR.3"));
    free_trajectory(&t);

    /* a piece that begins with the frame that ended the one before repeats its step */
    (void)snprintf(two, sizeof two, "%s", samples[0].text);
    overwrite(two, "  0.500", "  0.625");
    overwrite(two, "  0.000", "  0.500");
    overwrite(two, "  0.750", "  0.875");
    paths[1] = write_text("XDATCAR.2", two);
    t = read_pieces(paths, 2, &options);
    assert_read(t, 6);
    assert_int_equal(t.frame[3].step, 2);
    assert_int_equal(t.frame[5].step, 4);
    free_trajectory(&t);

    /* steps that the code counts on are left as they are */
    options.dt_fs = (double)NAN;
    const char *dump = samples[4].text;
    char later[4096];
    (void)snprintf(later, sizeof later, "%s", dump);
    overwrite(later, "1200", "1220");
    overwrite(later, "1210", "1230");
    const char *dumps[] = {write_text("a.dump", dump), write_text("b.dump", later)};
    t = read_pieces(dumps, 2, &options);
    assert_read(t, 4);
    assert_int_equal(t.frame[2].step, 1220);
    assert_int_equal(t.frame[3].step, 1230);
    free_trajectory(&t);
}

static void
pieces_with_other_atoms_are_refused_with_file_and_line(void **state)
{
    (void)state;
    iw_reader_options options = sample_options(0, false);
    const char *one = write_text("XDATCAR", samples[0].text);
    char text[1024];
    (void)snprintf(text, sizeof text, "%s", samples[0].text);
    overwrite(text, "Li S", "Li P");
    const char *paths[] = {one, write_text("other", text)};
    trajectory t = read_pieces(paths, 2, &options);
    REFUSED(t, IW_INVALID, "other line 7", "atom 2 is P", "it is S", "by itself");
    paths[1] =
        write_text("other", "t\n1\n4 0 0\n0 4 0\n0 0 4\nLi\n1\nDirect configuration= 1\n0 0 0\n");
    t = read_pieces(paths, 2, &options);
    REFUSED(t, IW_INVALID, "other line 7", "1 atoms", "XDATCAR has 2");
    paths[1] = one;
    t = read_pieces(paths, 2, &options);
    REFUSED(t, IW_INVALID, "the same file");
    paths[1] = test_path("absent");
    t = read_pieces(paths, 2, &options);
    REFUSED(t, IW_NOT_FOUND, "absent");
}

static void
only_the_last_piece_grows(void **state)
{
    (void)state;
    iw_reader_options options = sample_options(0, true);
    const char *paths[] = {write_text("XDATCAR.1", samples[0].text), write_text("XDATCAR.2", "")};
    trajectory t = {0};
    iw_reader *reader = iw_reader_open(paths, 2, &options, &t.err);
    assert_non_null(reader);
    read_on(&t, reader);
    assert_int_equal(t.n, 3);
    assert_int_equal(t.status, IW_AGAIN);
    write_text("XDATCAR.2", samples[2].text);
    read_on(&t, reader);
    assert_int_equal(t.status, IW_AGAIN);
    assert_int_equal(t.n, 5);
    assert_int_equal(t.frame[4].step, 4);
    iw_reader_close(&reader);
    free_trajectory(&t);
}

static void
what_is_no_trajectory_is_refused_in_words(void **state)
{
    (void)state;
    trajectory t = read_file(write_text("empty", ""), NULL);
    REFUSED(t, IW_INVALID, "empty is empty");
    t = read_file(write_bytes("junk", "\x01\x02\xff\x00\x7f junk\n", 11, "wb"), NULL);
    REFUSED(t, IW_UNSUPPORTED, "junk line 1", "vasprun, xdatcar, outcar, cp2k", "--format");
    t = read_file(write_text("poem", "Shall I compare thee\nto a summer's day\n"), NULL);
    REFUSED(t, IW_UNSUPPORTED, "poem line 1: 'Shall I compare thee'");
    t = read_file(write_text("vasprun.xml", "<?xml version=\"1.0\"?>\n"), NULL);
    REFUSED(t, IW_UNSUPPORTED, "no vasprun.xml");
    t = read_file(write_bytes("movie.dcd", "T\0\0\0CORD", 8, "wb"), NULL);
    REFUSED(t, IW_UNSUPPORTED, "DCD");
    t = read_file(test_path("absent"), NULL);
    REFUSED(t, IW_NOT_FOUND, "absent");
    assert_int_equal(mkdir(test_path("no-run"), 0700), 0);
    t = read_file(test_path("no-run"), NULL);
    REFUSED(t, IW_INVALID, "is a folder", "no run that is known is in it");
    iw_reader_options options;
    iw_reader_options_init(&options);
    options.format = "cp2k";
    t = read_file(test_path("no-run"), &options);
    REFUSED(t, IW_INVALID, "no run of the format cp2k is in it");
    options.format = "gromacs";
    t = read_file(test_path("no-run"), &options);
    REFUSED(t, IW_UNSUPPORTED, "'gromacs' is not known", "xdatcar");
    assert_int_equal(rmdir(test_path("no-run")), 0);
    assert_int_equal(mkfifo(test_path("fifo"), 0600), 0);
    t = read_file(test_path("fifo"), NULL);
    REFUSED(t, IW_UNSUPPORTED, "pipe", "--format");
    t = read_file(write_text("a", "b"), &options);
    REFUSED(t, IW_UNSUPPORTED, "'gromacs' is not known", "xdatcar");
    /* what is followed may become a trajectory yet: it is waited for, and said what is there */
    iw_reader_options_init(&options);
    options.follow = true;
    t = read_file(write_text("poem", "Shall I"), &options);
    REFUSED(t, IW_AGAIN, "poem: its first frame is not written yet");
    t = read_file(write_text("poem", "Shall I compare thee\n"), &options);
    REFUSED(t, IW_AGAIN, "not written yet", "'Shall I compare thee'", "none of the known formats");
    /* every format, given the files of the others */
    for (size_t s = 0; s < SAMPLES; s++) {
        const char *name, *text;
        for (size_t f = 0; iw_reader_format(f, &name, &text); f++) {
            options = sample_options(s, false);
            options.dt_fs = 1.0;
            trajectory own = read_file(write_text(samples[s].name, samples[s].text), &options);
            assert_read(own, samples[s].frames);
            options.format = name;
            t = read_file(test_path(samples[s].name), &options);
            bool right = strcmp(name, iw_run_info_metadata(&own.run, "format")) == 0;
            if (right || (s == 3 && strcmp(name, "extxyz") == 0)) /* CP2K's is plain XYZ, too */
                assert_read(t, samples[s].frames);
            else
                assert_true(t.n == 0 && (t.status == IW_INVALID || t.status == IW_CORRUPT) &&
                            strstr(t.err.text, samples[s].name));
            free_trajectory(&t);
            free_trajectory(&own);
        }
    }
}

static void
options_overrule_the_file(void **state)
{
    (void)state;
    iw_reader_options options = sample_options(5, false);
    options.dt_fs = 0.5;
    options.temperature_K = 650.0;
    options.charges = "Li=1,S=-2.5";
    options.masses = "Li=7.016";
    options.name = "my run";
    trajectory t = read_file(write_text(samples[5].name, samples[5].text), &options);
    assert_read(t, 3);
    assert_close(t.run.timestep_fs, 0.5, 0.0, 0.0);
    assert_close(t.frame[2].time_fs, 1.0, 0.0, 0.0);
    assert_close(t.run.temperature_K, 650.0, 0.0, 0.0);
    assert_close(t.run.mass_amu[0], 7.016, 0.0, 0.0);
    assert_close(t.run.mass_amu[1], 32.06, 1e-3, 0.0);
    assert_close(t.run.charge_e[1], -2.5, 0.0, 0.0);
    assert_string_equal(t.run.name, "my run");
    assert_true(iw_uuid_valid(t.run.id));
    free_trajectory(&t);
    options.species = "Na,Cl";
    options.masses = options.charges = NULL;
    t = read_file(test_path(samples[5].name), &options);
    assert_read(t, 3);
    assert_string_equal(t.run.species[1], "Cl");
    free_trajectory(&t);
    options.species = NULL;
    options.charges = "Li=1";
    t = read_file(test_path(samples[5].name), &options);
    REFUSED(t, IW_INVALID, "charges", "S has none");
    options.charges = "Li:1";
    t = read_file(test_path(samples[5].name), &options);
    REFUSED(t, IW_INVALID, "charges", "'Li:1'", "NAME=NUMBER");
    options.charges = "Li=1,S=-2,Cl=-1";
    t = read_file(test_path(samples[5].name), &options);
    REFUSED(t, IW_INVALID, "charges", "no species Cl", "Li, S");
    options.charges = NULL;
    options.units = "metal";
    t = read_file(write_text(samples[0].name, samples[0].text), &options);
    assert_read(t, samples[0].frames);
    assert_noted(&t, "--units metal is not used: the format xdatcar");
    free_trajectory(&t);
    options.units = NULL;
    options.masses = "Li=-1";
    t = read_file(test_path(samples[5].name), &options);
    REFUSED(t, IW_INVALID, "masses", "Li has -1 amu");
}

static void
rewinding_gives_the_same_frames_again(void **state)
{
    (void)state;
    for (size_t s = 0; s < SAMPLES; s++) {
        iw_reader_options options = sample_options(s, false);
        const char *path = write_text(samples[s].name, samples[s].text);
        trajectory first = {0}, again = {0};
        iw_reader *reader = iw_reader_open(&path, 1, &options, &first.err);
        assert_non_null(reader);
        assert_close(iw_reader_progress(reader), 0.0, 0.0, 1.0);
        read_on(&first, reader);
        assert_ok(iw_reader_rewind(reader, &first.err), first.err);
        read_on(&again, reader);
        assert_int_equal(again.n, samples[s].frames);
        first.run.n_atoms = iw_reader_run(reader)->n_atoms;
        assert_same_frames(&first, &again);
        iw_reader_close(&reader);
        first.run.n_atoms = 0;
        free_trajectory(&first);
        free_trajectory(&again);
    }
}

static void
an_error_stays_and_frames_before_it_are_valid(void **state)
{
    (void)state;
    char text[1024];
    (void)snprintf(text, sizeof text, "%sDirect configuration= 4\nx\n", samples[0].text);
    iw_reader_options options = sample_options(0, false);
    const char *path = write_text("XDATCAR", text);
    trajectory t = {0};
    iw_reader *reader = iw_reader_open(&path, 1, &options, &t.err);
    read_on(&t, reader);
    assert_int_equal(t.n, 3);
    assert_int_equal(t.status, IW_INVALID);
    read_on(&t, reader);
    assert_int_equal(t.status, IW_INVALID);
    assert_non_null(strstr(t.err.text, "XDATCAR line 18"));
    iw_reader_close(&reader);
    free_trajectory(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_grows_byte_by_byte_gives_its_frames_and_no_error),
        cmocka_unit_test(a_finished_file_that_was_cut_off_anywhere_gives_its_whole_frames),
        cmocka_unit_test(a_frame_that_is_cut_off_is_left_out_with_a_note),
        cmocka_unit_test(pieces_make_one_run_with_steps_that_go_on),
        cmocka_unit_test(pieces_with_other_atoms_are_refused_with_file_and_line),
        cmocka_unit_test(only_the_last_piece_grows),
        cmocka_unit_test(what_is_no_trajectory_is_refused_in_words),
        cmocka_unit_test(options_overrule_the_file),
        cmocka_unit_test(rewinding_gives_the_same_frames_again),
        cmocka_unit_test(an_error_stays_and_frames_before_it_are_valid),
    };
    return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
