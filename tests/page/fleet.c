/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fleet.c - many small MD runs for a page to look at: fleet FRAMES NAME...
 *
 * Every run is a solid of 8 Cl with 16 Li that walk, each at its own temperature; of every tenth
 * run the Cl walk, too: it melts.  FRAMES frames each at first, then what lines of stdin say:
 * "step" (a frame of each), "step NAME" (a frame of one), "end NAME" (it is completed).  Each
 * answer is a line with the time in ms since 1970; a run that was asked to stop tells its name and
 * ends.
 */
#include <ionwatch/ionwatch.h>

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FRAMEWORK = 8, MOBILE = 16, ATOMS = FRAMEWORK + MOBILE };
static const double EDGE_A = 16.0, DT_FS = 10.0;

typedef struct {
    ionwatch *handle;
    const char *name;
    uint64_t random;
    int64_t step;
    double temperature_K;
    double walk_A, framework_walk_A; /* r.m.s. per frame and direction */
    double home_A[ATOMS][3], at_A[ATOMS][3];
} run;

static double
uniform(run *self)
{
    self->random ^= self->random << 13;
    self->random ^= self->random >> 7;
    self->random ^= self->random << 17;
    return ((double)(self->random >> 11) + 0.5) / 9007199254740992.0;
}

/* Of variance one; four terms are normal enough. */
static double
normal(run *self)
{
    double sum = uniform(self) + uniform(self) + uniform(self) + uniform(self) - 2.0;
    return sum * sqrt(3.0);
}

static long long
now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int
open_run(run *self, const char *name, size_t index)
{
    static const char *species[ATOMS];
    static double mass_amu[ATOMS], charge_e[ATOMS];
    ionwatch_run info;
    ionwatch_run_init(&info);
    for (size_t i = 0; i < ATOMS; i++) {
        species[i] = i < FRAMEWORK ? "Cl" : "Li";
        mass_amu[i] = i < FRAMEWORK ? 35.45 : 6.94;
        charge_e[i] = i < FRAMEWORK ? -2.0 : 1.0;
    }
    info.name = name;
    info.code = "walk";
    info.n_atoms = ATOMS;
    info.species = species;
    info.mass_amu = mass_amu;
    info.charge_e = charge_e;
    info.length_A = info.time_fs = info.energy_eV = 1;
    info.timestep = DT_FS;
    info.stride = 1;
    info.temperature_K = self->temperature_K = 400 + 50 * (double)(index % 8);
    info.wrapped = 0;
    self->name = name;
    self->random = 0x9e3779b97f4a7c15u * (index + 1);
    self->walk_A = 0.06 + 0.03 * (double)(index % 6);
    self->framework_walk_A = index % 10 == 9 ? 0.15 : 0;
    for (size_t i = 0; i < ATOMS; i++)
        for (size_t k = 0; k < 3; k++)
            self->home_A[i][k] = EDGE_A * uniform(self);
    self->handle = ionwatch_open(NULL, &info);
    return self->handle && !*ionwatch_error(self->handle);
}

/* 0 once the run has ended. */
static int
send_frame(run *self)
{
    double cell_A[9] = {EDGE_A, 0, 0, 0, EDGE_A, 0, 0, 0, EDGE_A};
    ionwatch_frame frame;
    const char *why;
    if (!self->handle)
        return 0;
    for (size_t i = 0; i < ATOMS; i++)
        for (size_t k = 0; k < 3; k++) {
            double walk_A = i < FRAMEWORK ? self->framework_walk_A : self->walk_A;
            self->home_A[i][k] += walk_A * normal(self);
            self->at_A[i][k] = self->home_A[i][k] + 0.08 * normal(self);
        }
    ionwatch_frame_init(&frame);
    frame.step = self->step++;
    frame.time = DT_FS * (double)frame.step;
    frame.cell = cell_A;
    frame.pos_f64 = &self->at_A[0][0];
    frame.potential_energy = -4.0 * ATOMS + 0.05 * normal(self);
    frame.temperature_K = self->temperature_K + 20 * normal(self);
    if (ionwatch_send(self->handle, &frame) != IONWATCH_OK) {
        (void)fprintf(stderr, "%s: %s\n", self->name, ionwatch_error(self->handle));
        return 0;
    }
    if (!ionwatch_should_stop(self->handle, &why))
        return 1;
    (void)printf("stopped %s\n", self->name);
    (void)ionwatch_finish(self->handle, "stopped");
    (void)ionwatch_close(&self->handle, 5000);
    return 0;
}

static void
obey(char *line, run *runs, size_t n)
{
    line[strcspn(line, "\n")] = '\0';
    const char *name = strchr(line, ' ') ? strchr(line, ' ') + 1 : "";
    for (size_t r = 0; r < n; r++) {
        if (*name && strcmp(runs[r].name, name) != 0)
            continue;
        if (strncmp(line, "end", 3) == 0 && runs[r].handle) {
            (void)ionwatch_finish(runs[r].handle, "completed");
            (void)ionwatch_close(&runs[r].handle, 5000);
        } else {
            (void)send_frame(&runs[r]);
        }
    }
    (void)printf("%lld %s\n", now_ms(), line);
}

int
main(int argc, char **argv)
{
    size_t n = argc > 2 ? (size_t)argc - 2 : 0;
    run *runs = calloc(n ? n : 1, sizeof *runs);
    char line[512];
    int failed = !runs || n == 0;
    if (failed)
        (void)fprintf(stderr, "usage: fleet FRAMES NAME...\n");
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t r = 0; r < n && !failed; r++) {
        failed = !open_run(&runs[r], argv[r + 2], r);
        for (long f = 0; f < strtol(argv[1], NULL, 10) && !failed; f++)
            failed = !send_frame(&runs[r]);
        if (!failed)
            (void)printf("%s %s\n", ionwatch_run_id(runs[r].handle), argv[r + 2]);
    }
    for (size_t r = 0; r < n && !failed; r++)
        (void)ionwatch_flush(runs[r].handle, 30000);
    if (!failed)
        (void)printf("%lld ready\n", now_ms());
    while (!failed && fgets(line, sizeof line, stdin))
        obey(line, runs, n);
    for (size_t r = 0; r < n && runs; r++)
        (void)ionwatch_close(&runs[r].handle, 1000);
    free(runs);
    return failed;
}
