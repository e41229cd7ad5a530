/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Output of pw.x and files of cp.x (adapters/qe). */
#include "reader_test.h"

#include <math.h>

static const double bohr = 0.529177210903, rydberg = 13.605693122994,
                    hartree_time_fs = 0.024188843265857;

#define HEADER                                                                                     \
    "\n     Program PWSCF v.6.7MaX starts on 22Nov2026 at 14:50:54\n"                              \
    "     Reading input from g.in\n"                                                               \
    "     number of atoms/cell      =            2\n"                                              \
    "     number of atomic types    =            2\n"                                              \
    "     nstep                     =            9\n"                                              \
    "     celldm(1)=  10.000000  celldm(2)=   0.000000  celldm(3)=   0.000000\n"                   \
    "     crystal axes: (cart. coord. in units of alat)\n"                                         \
    "               a(1) = (   1.000000   0.000000   0.000000 )\n"                                 \
    "               a(2) = (   0.500000   2.000000   0.000000 )\n"                                 \
    "               a(3) = (   0.000000   0.000000   3.000000 )\n"                                 \
    "     atomic species   valence    mass     pseudopotential\n"                                  \
    "        Li1            1.00     7.01600     Li( 1.00)\n"                                      \
    "        F              7.00    18.99800     F ( 1.00)\n"                                      \
    "     site n.     atom                  positions (alat units)\n"                              \
    "         1           Li1 tau(   1) = (   0.1000000   0.2000000  -0.3000000  )\n"              \
    "         2           F   tau(   2) = (   0.0000000   0.5000000   1.0000000  )\n"              \
    "!    total energy              =     -20.00000000 Ry\n"                                       \
    "     Time step             =    20.67 a.u.,  1.0000 femto-seconds\n"
#define BLOCK(n, unit, x, ekin, kelvin, etot)                                                      \
    "     Entering Dynamics:    iteration =     " n "\n"                                           \
    "                           time      =   0.0015 pico-seconds\n\n\n"                           \
    "ATOMIC_POSITIONS (" unit ")\n"                                                                \
    "Li1           " x "        0.2000000000       -0.3000000000\n"                                \
    "F             0.0000000000        0.5000000000        1.0000000000   0   0   1\n\n\n"         \
    "     kinetic energy (Ekin) =           " ekin " Ry\n"                                         \
    "     temperature           =        " kelvin " K \n"                                          \
    "     Ekin + Etot (const)   =         -9.0 Ry\n\n"                                             \
    "     total cpu time spent up to now is        4.8 secs\n"                                     \
    "!    total energy              =     " etot " Ry\n"
#define INPUT                                                                                      \
    "&control\n calculation = 'md' , prefix='li!f', dt = 20.6706d0 ! one fs\n/\n&system\n"         \
    " nat=2\n/\n&ions\n ion_temperature='svr', tempw=450\n/\nATOMIC_SPECIES\nLi1 7.016 Li.UPF\n"   \
    "F 18.998 F.UPF\nATOMIC_POSITIONS {alat}\nLi1 .1 .2 -.3\nF 0 .5 1\nK_POINTS gamma\n"
#define THREE_BLOCKS                                                                               \
    BLOCK("1", "alat", "0.2000000000", "0.5", "100.0", "-21.0")                                    \
    BLOCK("2", "alat", "0.3000000000", "0.6", "120.0", "-22.0")                                    \
    BLOCK("3", "alat", "0.4000000000", "0.7", "140.0", "-23.0")

static void
an_output_and_its_input_give_the_run(void **state)
{
    (void)state;
    write_text("g.in", INPUT);
    trajectory t = read_file(write_text("g.out", HEADER THREE_BLOCKS), NULL);
    assert_read(t, 4); /* frame 0 is the header's */
    assert_string_equal(t.run.code, "Quantum ESPRESSO");
    assert_string_equal(t.run.code_version, "6.7MaX");
    assert_string_equal(t.run.name, "g");
    assert_string_equal(iw_run_info_metadata(&t.run, "ensemble"), "NVT");
    assert_close(t.run.mass_amu[0], 7.016, 0.0, 0.0);
    assert_close(t.run.temperature_K, 450.0, 0.0, 0.0);
    assert_close(t.run.timestep_fs, 20.6706 * 2.0 * hartree_time_fs, 1e-14, 0.0);
    double alat = 10.0 * bohr;
    for (int f = 0; f < 4; f++) {
        assert_int_equal(t.frame[f].step, f);
        assert_triple(t.frame[f].pos_A, (0.1 + 0.1 * f) * alat, 0.2 * alat, -0.3 * alat, 1e-14);
        assert_triple(t.frame[f].cell_A + 3, 0.5 * alat, 2.0 * alat, 0.0, 1e-14);
        assert_close(t.frame[f].potential_energy_eV, (-20.0 - f) * rydberg, 1e-14, 0.0);
        assert_false(t.frame[f].has_velocities);
    }
    /* what block 3 says of motion belongs to frame 2; nothing says it of frame 3 */
    assert_close(t.frame[2].kinetic_energy_eV, 0.7 * rydberg, 1e-14, 0.0);
    assert_close(t.frame[2].temperature_K, 140.0, 0.0, 0.0);
    assert_true(isnan(t.frame[3].temperature_K));
    free_trajectory(&t);
    /* without the input: two digits of the time step, no target */
    (void)unlink(test_path("g.in"));
    t = read_file(test_path("g.out"), NULL);
    assert_read(t, 4);
    assert_close(t.run.timestep_fs, 20.67 * 2.0 * hartree_time_fs, 1e-14, 0.0);
    assert_true(isnan(t.run.temperature_K));
    assert_noted(&t, "no input beside");
    free_trajectory(&t);
}

static void
positions_come_in_four_units(void **state)
{
    (void)state;
    double alat = 10.0 * bohr;
    trajectory t =
        read_file(write_text("u.out", HEADER BLOCK("1", "crystal", "0.4", "0", "0", "0")
                                          BLOCK("2", "bohr", "0.4", "0", "0", "0")
                                              BLOCK("3", "angstrom", "0.4", "0", "0", "0")
                                                  BLOCK("4", "alat", "0.4", "0", "0", "0")),
                  NULL);
    assert_read(t, 5);
    assert_triple(t.frame[1].pos_A, (0.4 + 0.2 * 0.5) * alat, 0.2 * 2.0 * alat, -0.9 * alat, 1e-14);
    assert_triple(t.frame[2].pos_A, 0.4 * bohr, 0.2 * bohr, -0.3 * bohr, 1e-14);
    assert_triple(t.frame[3].pos_A, 0.4, 0.2, -0.3, 1e-14);
    assert_triple(t.frame[4].pos_A, 0.4 * alat, 0.2 * alat, -0.3 * alat, 1e-14);
    free_trajectory(&t);
    t = read_file(write_text("u.out", HEADER BLOCK("1", "furlong", "0.4", "0", "0", "0")), NULL);
    REFUSED(t, IW_INVALID, "u.out line", "known unit", "furlong");
    t = read_file(write_text("u.out", HEADER "\n   JOB DONE.\n"), NULL);
    REFUSED(t, IW_INVALID, "no molecular dynamics");
    t = read_file(write_text("u.out", HEADER BLOCK("1", "alat", "0.4 x", "0", "0", "0")), NULL);
    REFUSED(t, IW_INVALID, "three numbers");
}

/* Kinetic and potential energy of each frame add up to what the output calls their sum. */
static void
real_output_keeps_its_conserved_energy(void **state)
{
    (void)state;
    static const double sum_Ry[] = {-62.20521204, -62.20520590, -62.20518057,
                                    -62.20513531, -62.20507931, -62.20502324};
    trajectory t = read_file(data_path("qe/si.out.xz"), NULL);
    assert_read(t, 7);
    for (int f = 0; f < 6; f++) {
        const iw_frame *frame = &t.frame[f];
        assert_close((frame->potential_energy_eV + frame->kinetic_energy_eV) / rydberg, sum_Ry[f],
                     0.0, 2e-8);
    }
    /* and the kinetic energy is that of the motion: central differences over two steps */
    double kinetic = 0.0, dt = t.run.timestep_fs;
    for (size_t i = 0; i < 24; i++) {
        double v = (t.frame[4].pos_A[i] - t.frame[2].pos_A[i]) / (2.0 * dt);
        kinetic += 0.5 * 28.0855 * v * v;
    }
    assert_close(kinetic * 103.642696562, t.frame[3].kinetic_energy_eV, 2e-3, 0.0);
    assert_close(dt, 40.0 * 2.0 * hartree_time_fs, 1e-14, 0.0);
    free_trajectory(&t);
}

/* Crystal coordinates and the cell of the moment against the Cartesian ones printed beside them. */
static void
a_cell_that_changes_is_read_with_its_positions(void **state)
{
    (void)state;
    trajectory t = read_file(data_path("qe/vc.out.xz"), NULL);
    assert_read(t, 5);
    const double alat = 10.2 * bohr;
    assert_close(t.run.timestep_fs, 60.0 * 2.0 * hartree_time_fs, 1e-14, 0.0);
    assert_string_equal(iw_run_info_metadata(&t.run, "ensemble"), "NPE");
    assert_triple(t.frame[1].pos_A + 3, 0.514019325 * alat, 0.494115806 * alat, 0.002465394 * alat,
                  2e-7);
    assert_triple(t.frame[3].pos_A + 9, 0.010632708 * alat, 0.506361935 * alat, 0.505530377 * alat,
                  1e-6);
    assert_triple(t.frame[2].cell_A + 3, 0.299855085 * bohr, 10.099712155 * bohr,
                  -0.000074690 * bohr, 1e-14);
    assert_close(t.frame[1].kinetic_energy_eV, 0.03922036 * rydberg, 1e-14, 0.0);
    free_trajectory(&t);
}

static void
an_output_that_grows_gives_a_frame_once_the_next_block_is_whole(void **state)
{
    (void)state;
    static const char text[] = HEADER THREE_BLOCKS "\n   JOB DONE.\n";
    static const char *const name = "b.out", *const whole_text = text;
    (void)unlink(test_path("b.in"));
    assert_grows(&name, &whole_text, 1, NULL);
    /* cut at any byte it never gives half a frame */
    trajectory t, whole = read_file(write_text("b.out", text), NULL);
    assert_read(whole, 4);
    for (size_t cut = 0; cut < sizeof text - 1; cut += 7) {
        t = read_file(write_bytes("b.out", text, cut, "wb"), NULL);
        assert_true(t.n <= 4);
        for (size_t f = 0; f < t.n; f++)
            assert_same_frame(&t.frame[f], &whole.frame[f]);
        free_trajectory(&t);
    }
    free_trajectory(&whole);
}

static void
the_stop_file_has_the_prefix_of_the_input(void **state)
{
    (void)state;
    write_text("g.in", INPUT);
    const char *path = write_text("g.out", HEADER THREE_BLOCKS);
    iw_reader_options options;
    iw_reader_options_init(&options);
    iw_error err = {0};
    iw_reader *reader = iw_reader_open(&path, 1, &options, &err);
    assert_non_null(reader);
    assert_string_equal(iw_reader_stop_file(reader), test_path("li!f.EXIT"));
    iw_reader_close(&reader);
}

static void
the_files_of_cpx_are_put_together(void **state)
{
    (void)state;
    trajectory t = read_file(data_path("qe/mix.pos.xz"), NULL);
    assert_read(t, 12); /* the six blocks of electrons alone are left out */
    assert_noted(&t, "its first 6 blocks are left out");
    assert_int_equal(t.frame[0].step, 65);
    assert_int_equal(t.frame[11].step, 120);
    assert_int_equal(t.run.stride, 5);
    assert_close(t.run.timestep_fs, 5.0 * hartree_time_fs, 1e-14, 0.0);
    /* names as in the input, which is not sorted by species */
    assert_string_equal(t.run.species[t.run.kind[0]], "C");
    assert_string_equal(t.run.species[t.run.kind[1]], "Si");
    /* near where the input puts them, by the cell that the input gives */
    assert_triple(t.frame[0].cell_A + 3, 0.3 * bohr, 8.2 * bohr, 0.0, 1e-14);
    assert_triple(t.frame[0].cell_A + 6, 0.1 * bohr, 0.2 * bohr, 8.4 * bohr, 1e-14);
    assert_close(t.frame[0].pos_A[0], (0.26 * 8.237 + 0.25 * 0.3 + 0.25 * 0.1) * bohr, 1e-3, 0.0);
    /* v is what x does: central differences over ten steps */
    double difference = 0.0, all = 0.0, span = 10.0 * t.run.timestep_fs, kinetic = 0.0;
    for (size_t f = 1; f < 11; f++)
        for (size_t i = 0; i < 24; i++) {
            double v = t.frame[f].vel_A_fs[i];
            double d = (t.frame[f + 1].pos_A[i] - t.frame[f - 1].pos_A[i]) / span;
            difference += (v - d) * (v - d);
            all += v * v;
        }
    assert_true(sqrt(difference / all) < 0.01);
    /* temperature of the code: 3/2 N kT, all atoms counted */
    for (size_t i = 0; i < 24; i++)
        kinetic += 0.5 * t.run.mass_amu[i / 3] * t.frame[11].vel_A_fs[i] * t.frame[11].vel_A_fs[i];
    assert_close(kinetic * 103.642696562 / (1.5 * 8.0 * 8.617333262e-5), t.frame[11].temperature_K,
                 0.02, 0.0);
    assert_close(t.frame[11].potential_energy_eV, -37.60532514 * 2.0 * rydberg, 1e-10, 0.0);
    free_trajectory(&t);
}

#define POS                                                                                        \
    "  10  0.0010\n 1 2 3\n 4 5 6\n  20  0.0020\n 1.5 2 3\n 4 5 6\n  30  0.0030\n 2 2 3\n 4 5 6\n"
#define EVP                                                                                        \
    "# nfi time(ps) ekinc T_cell(K) Tion(K) etot enthal\n 10 1.0E-3 0 0 300 -1 -1\n"               \
    " 20 2.0E-3 0 0 310 -2 -2\n 30 3.0E-3 0 0 320 -3 -3\n"
#define CP_INPUT                                                                                   \
    "&control\n calculation='cp', prefix='c', dt=4.134\n/\nATOMIC_SPECIES\nNa 23 Na\nCl 35 Cl\n"   \
    "ATOMIC_POSITIONS bohr\nNa 1 2 3\nCl 4 5 6\n"

static void
cpx_without_names_or_motion_is_refused_and_restarts_repeat_steps(void **state)
{
    (void)state;
    iw_reader_options options;
    iw_reader_options_init(&options);
    write_text("c.evp", EVP);
    trajectory t = read_file(write_text("c.pos", POS), NULL);
    REFUSED(t, IW_INVALID, "2 atoms and no names", "--species");
    options.species = "Na,Cl";
    t = read_file(test_path("c.pos"), &options);
    assert_read(t, 3);
    assert_close(t.frame[1].temperature_K, 310.0, 0.0, 0.0);
    free_trajectory(&t);
    write_text("c.in", CP_INPUT);
    t = read_file(
        write_text("c.pos", POS "  20 0.0020\n 9 2 3\n 4 5 6\n  30 0.0030\n 8 2 3\n 4 5 6\n"),
        NULL);
    assert_read(t, 3); /* 10, and the later 20 and 30 */
    assert_triple(t.frame[1].pos_A, 9.0 * bohr, 2.0 * bohr, 3.0 * bohr, 1e-15);
    assert_int_equal(t.frame[2].step, 30);
    assert_noted(&t, "the later ones are taken");
    free_trajectory(&t);
    t = read_file(
        write_text("c.pos", "  10  0.0010\n 1 2 3\n 4 5 6\n  20  0.0020\n 1 2 3\n 4 5 6\n"), NULL);
    REFUSED(t, IW_INVALID, "nothing moves");
    t = read_file(write_text("c.pos", POS "  40 0.0040\n 9 2\n 4 5 6\n"), NULL);
    REFUSED(t, IW_INVALID, "c.pos line 11", "three numbers");
}

static void
files_of_cpx_that_grow_give_the_same_frames(void **state)
{
    (void)state;
    static const char *const names[] = {"c.pos", "c.evp"}, *const texts[] = {POS, EVP};
    write_text("c.in", CP_INPUT);
    assert_grows(names, texts, 2, "c.EXIT");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_output_and_its_input_give_the_run),
        cmocka_unit_test(positions_come_in_four_units),
        cmocka_unit_test(real_output_keeps_its_conserved_energy),
        cmocka_unit_test(a_cell_that_changes_is_read_with_its_positions),
        cmocka_unit_test(an_output_that_grows_gives_a_frame_once_the_next_block_is_whole),
        cmocka_unit_test(the_stop_file_has_the_prefix_of_the_input),
        cmocka_unit_test(the_files_of_cpx_are_put_together),
        cmocka_unit_test(cpx_without_names_or_motion_is_refused_and_restarts_repeat_steps),
        cmocka_unit_test(files_of_cpx_that_grow_give_the_same_frames),
    };
    return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
