/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "records.h"

json_t *
record_of(const char *id, const char *name, double D)
{
    json_error_t where;
    json_t *record = json_pack_ex(
        &where, 0,
        "{s:{s:s, s:s, s:s, s:s, s:i, s:i, s:f, s:f, s:f, s:i, s:[s]},"
        " s:{s:{s:i, s:{s:f, s:f, s:[f, f]}, s:[f, f, f], s:f, s:n, s:f, s:f, s:{s:f, s:n},"
        "       s:{s:[f, f, f], s:[f, f, f], s:[n, f, f]}},"
        "    s:{s:i, s:{s:n, s:n, s:[n, n]}}},"
        " s:{s:s}, s:[{s:s, s:s, s:i, s:s}]}",
        "run", "id", id, "name", name, "state", "completed", "code", "vasp", "frames", 1000,
        "atoms", 50, "dt_fs", 2.0, "time_ps", 1.998, "temperature_K", 600.0, "segments", 1,
        "mobile", "Li", "groups", "mobile", "atoms", 20, "D_cm2_s", "value", D, "stderr", 0.1 * D,
        "ci95", 0.8 * D, 1.2 * D, "D_axes_cm2_s", D, 2 * D, 3 * D, "D_einstein_cm2_s", 1.1 * D,
        "D_green_kubo_cm2_s", "alpha", 0.97, "omega_mean_meV", 31.39, "paper", "omega_mean_meV",
        32.88, "e_vib_meV", "msd", "lag_ps", 0.0, 0.002, 0.004, "msd_A2", 0.0, 1.0 / 3.0, 0.5,
        "stderr_A2", 0.01, 0.02, "framework", "atoms", 30, "D_cm2_s", "value", "stderr", "ci95",
        "convergence", "state", "converged", "events", "id", "gap", "severity", "warning", "frame",
        7, "text", "3 frames are missing");
    if (!record)
        print_error("record: %s\n", where.text);
    assert_non_null(record);
    return record;
}

void
make_run(iw_run_info *run)
{
    static const char *const species[] = {"Li", "Li", "S"};
    iw_error err = {0};
    iw_run_info_init(run);
    assert_ok(iw_run_info_set_atoms(run, 3, species, &err), err);
    assert_ok(iw_run_info_set_metadata(run, "files", "XDATCAR", &err), err);
}

iw_status
file_run(iw_store *store, const char *id, const char *name, double D, char *row, iw_error *err)
{
    iw_run_info run;
    make_run(&run);
    json_t *record = record_of(id, name, D);
    iw_status status = iw_store_file_record(store, record, &run, row, err);
    json_decref(record);
    iw_run_info_fini(&run);
    return status;
}
