/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "client_case.h"

#include <dirent.h>
#include <unistd.h>

char client_folder[64];
char client_endpoint[128];
fake_daemon daemon_;

static void
remove_files(void)
{
    DIR *dir = opendir(client_folder);
    const struct dirent *entry;
    char path[512];
    while (dir && (entry = readdir(dir)) != NULL) {
        (void)snprintf(path, sizeof path, "%s/%s", client_folder, entry->d_name);
        if (entry->d_name[0] != '.')
            (void)unlink(path);
    }
    if (dir)
        (void)closedir(dir);
}

int
count_spools(void)
{
    DIR *dir = opendir(client_folder);
    const struct dirent *entry;
    int n = 0;
    while (dir && (entry = readdir(dir)) != NULL)
        n += strstr(entry->d_name, ".spool") != NULL;
    if (dir)
        (void)closedir(dir);
    return n;
}

int
set_up(void **state)
{
    (void)state;
    (void)snprintf(client_folder, sizeof client_folder, "/tmp/ionwatch-test-XXXXXX");
    if (!mkdtemp(client_folder))
        return -1;
    (void)snprintf(client_endpoint, sizeof client_endpoint, "ipc://%s/socket", client_folder);
    fake_init(&daemon_, client_endpoint);
    iw_client_timing_default = (iw_client_timing){.ping_ms = 100,
                                                  .dead_ms = 400,
                                                  .retry_ms = 10,
                                                  .retry_most_ms = 50,
                                                  .refused_most_ms = 50,
                                                  .persist_ms = 100000,
                                                  .doze_ms = 2,
                                                  .stop_check_ms = 20,
                                                  .sync_ms = 50};
    return 0;
}

int
tear_down(void **state)
{
    (void)state;
    fake_fini(&daemon_);
    remove_files();
    return rmdir(client_folder);
}

void
make_run(ionwatch_run *run)
{
    static const char *const species[ATOMS] = {"Li", "P", "Li", "S", "P"};
    static const char *const metadata[] = {"potential", "test", NULL};
    ionwatch_run_init(run);
    run->run_id = run_id;
    run->name = "test";
    run->code = "unit";
    run->n_atoms = ATOMS;
    run->species = species;
    run->length_A = 2.0;
    run->time_fs = 4.0;
    run->energy_eV = 0.5;
    run->timestep = 0.5;
    run->stride = 10;
    run->metadata = metadata;
    run->spool_dir = client_folder;
}

ionwatch *
open_handle(const ionwatch_run *run)
{
    ionwatch *w = ionwatch_open(client_endpoint, run);
    assert_non_null(w);
    assert_string_equal(ionwatch_error(w), "");
    return w;
}

ionwatch_status
send_step(ionwatch *w, int64_t step)
{
    double pos[3 * ATOMS];
    double vel[3 * ATOMS];
    static const double cell[9] = {5, 0, 0, 0, 5, 0, 0, 0, 5};
    ionwatch_frame frame;
    for (int i = 0; i < 3 * ATOMS; i++) {
        pos[i] = (double)step + 0.25 * i;
        vel[i] = 0.5 * i;
    }
    ionwatch_frame_init(&frame);
    frame.step = step;
    frame.cell = cell;
    frame.pos_f64 = pos;
    frame.vel_f64 = vel;
    frame.potential_energy = -2.0;
    return ionwatch_send(w, &frame);
}

void
send_steps(ionwatch *w, int64_t from, int64_t to)
{
    for (int64_t step = from; step <= to; step++)
        assert_int_equal(send_step(w, step), IW_OK);
}

void
assert_steps(int64_t from, int64_t to, uint64_t first_seq)
{
    pthread_mutex_lock(&daemon_.lock);
    assert_int_equal(daemon_.frames, to - from + 1);
    for (int i = 0; i < daemon_.frames; i++) {
        assert_int_equal(daemon_.step[i], from + i);
        assert_int_equal(daemon_.seq[i], first_seq + (uint64_t)i);
    }
    pthread_mutex_unlock(&daemon_.lock);
}
