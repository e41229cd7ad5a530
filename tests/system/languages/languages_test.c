/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs in other languages stream one and the same run, of which every number is known. */
#include "iw_test.h"

#include "framelog.h"

#include <sys/wait.h>
#include <unistd.h>

enum { ATOMS = 3, FRAMES = 100 };

static const double BOHR_A = 0.529177210903, ATOMIC_TIME_FS = 0.02418884326586,
                    HARTREE_EV = 27.211386245988;

static char folder[64];
static char path[100];

static int
set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/iw-languages-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(path, sizeof path, "%s/run.iwlog", folder);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static void
run_program(const char *program)
{
    char endpoint[128];
    int result;
    (void)snprintf(endpoint, sizeof endpoint, "file://%s", path);
    pid_t child = fork();
    if (child == 0) {
        if (chdir(folder) == 0)
            (void)execl(program, program, endpoint, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    assert_int_equal(WEXITSTATUS(result), 0);
}

static void
check_hello(const iw_framelog_record *record)
{
    static const char *const species[ATOMS] = {"Li", "S", "Li"};
    static const double mass_amu[ATOMS] = {6.94, 32.06, 6.94};
    iw_run_info run;
    iw_message message;
    iw_error err;
    iw_run_info_init(&run);
    iw_message_init(&message, IW_MSG_HELLO);
    message.run = &run;
    assert_ok(iw_wire_decode(record->data, record->size, &message, &err), err);
    assert_string_equal(run.code, "stream");
    assert_string_equal(run.name, "languages");
    assert_int_equal(run.n_atoms, ATOMS);
    for (size_t i = 0; i < ATOMS; i++) {
        assert_string_equal(run.species[run.kind[i]], species[i]);
        assert_close(run.mass_amu[i], mass_amu[i], 0, 0);
    }
    assert_null(run.charge_e);
    assert_close(run.timestep_fs, 40.0 * ATOMIC_TIME_FS, 1e-15, 0);
    assert_int_equal(run.stride, 10);
    assert_close(run.temperature_K, 600.0, 0, 0);
    assert_true(run.wrapped);
    iw_run_info_fini(&run);
}

static void
check_frame(const iw_framelog_record *record, uint64_t number)
{
    static const double cell[9] = {20, 0, 0, 1, 21, 0, 0, 2, 22};
    iw_message message;
    iw_frame frame;
    iw_error err;
    iw_message_init(&message, IW_MSG_FRAME);
    assert_ok(iw_wire_decode(record->data, record->size, &message, &err), err);
    assert_ok(iw_frame_init(&frame, ATOMS, &err), err);
    assert_ok(iw_frame_view_load(&message.frame, &frame, &err), err);
    double step = 10.0 * (double)(number - 1);
    assert_int_equal(frame.seq, number);
    assert_int_equal(frame.step, (int64_t)step);
    assert_close(frame.time_fs, 40.0 * step * ATOMIC_TIME_FS, 1e-15, 0);
    assert_true(frame.has_cell && frame.has_velocities);
    for (int i = 0; i < 9; i++)
        assert_close(frame.cell_A[i], cell[i] * BOHR_A, 1e-15, 0);
    for (int i = 0; i < 3 * ATOMS; i++) {
        int number_of_atom = i / 3 + 1;
        double atom = number_of_atom;
        double axis = i % 3 + 1;
        assert_close(frame.pos_A[i], (atom + 0.01 * step * axis) * BOHR_A, 1e-15, 0);
        assert_close(frame.vel_A_fs[i], 0.001 * atom * axis * BOHR_A / ATOMIC_TIME_FS, 1e-15, 0);
    }
    assert_close(frame.potential_energy_eV, -0.5 * HARTREE_EV, 1e-15, 0);
    assert_true(isnan(frame.kinetic_energy_eV) && isnan(frame.temperature_K));
    iw_frame_fini(&frame);
}

static void
check_file(void)
{
    iw_error err;
    iw_framelog_record record;
    uint64_t frames = 0;
    int hellos = 0;
    int byes = 0;
    iw_framelog_reader *log = iw_framelog_reader_open(path, &err);
    assert_non_null(log);
    while (iw_framelog_next(log, &record, &err) == IW_OK) {
        if (record.kind == IW_MSG_HELLO)
            check_hello(&record);
        else if (record.kind == IW_MSG_FRAME)
            check_frame(&record, ++frames);
        hellos += record.kind == IW_MSG_HELLO;
        byes += record.kind == IW_MSG_BYE;
    }
    iw_framelog_reader_close(&log);
    assert_int_equal(hellos, 1);
    assert_int_equal(frames, FRAMES);
    assert_int_equal(byes, 1);
}

static void
program_in_cpp_streams_what_it_says(void **state)
{
    (void)state;
    run_program(STREAM_CPP);
    check_file();
}

static void
program_in_fortran_streams_what_it_says(void **state)
{
    (void)state;
    if (access(STREAM_FORTRAN, X_OK) != 0) {
        print_message("SKIPPED: gfortran was not installed when this was built\n");
        skip();
    }
    run_program(STREAM_FORTRAN);
    check_file();
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(program_in_cpp_streams_what_it_says),
        CASE(program_in_fortran_streams_what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
