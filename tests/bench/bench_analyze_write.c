/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_analyze_write PREFIX ATOMS FRAMES - the trajectory of bench_analyze.py: PREFIX.iwlog,
 * written through a file endpoint of libionwatch as an MD code would, and PREFIX.raw, the same
 * positions as plain little-endian doubles [frame][atom][3] for NumPy and MDAnalysis.
 */
#include "ionwatch/ionwatch.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double
uniform(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return (double)((x * 0x2545F4914F6CDD1DULL) >> 11) * 0x1.0p-53;
}

static int
fail(const char *what)
{
    (void)fprintf(stderr, "bench_analyze_write: %s\n", what);
    return 1;
}

/* A third of the atoms walk at random, the others stay near their places. */
static void
move(double *position, size_t atoms, uint64_t *state)
{
    for (size_t c = 0; c < 3 * atoms; c++) {
        double home = (double)(c * 7 % 24);
        position[c] += 0.04 * (uniform(state) - 0.5);
        if (c / 3 % 3 != 0)
            position[c] -= 0.01 * (position[c] - home);
    }
}

int
main(int argc, char **argv)
{
    static const char *const names[] = {"Li", "P", "S"};
    static const double masses[] = {6.94, 30.974, 32.06};
    static const double cell[9] = {24.0, 0.0, 0.0, 0.0, 24.0, 0.0, 0.0, 0.0, 24.0};
    char path[1000];
    if (argc != 4)
        return fail("usage: bench_analyze_write PREFIX ATOMS FRAMES");
    size_t atoms = strtoul(argv[2], NULL, 10), frames = strtoul(argv[3], NULL, 10);
    if (atoms == 0 || atoms > 100000 || frames == 0 || strlen(argv[1]) > sizeof path - 20)
        return fail("too many atoms, or too few");
    const char **species = calloc(atoms, sizeof *species);
    double *mass = calloc(atoms, sizeof *mass);
    double *position = calloc(3 * atoms, sizeof *position);
    FILE *raw = NULL;
    ionwatch *w = NULL;
    int result = 0;
    if (!species || !mass || !position) {
        result = fail("no memory");
        goto done;
    }
    for (size_t i = 0; i < atoms; i++) {
        species[i] = names[i % 3];
        mass[i] = masses[i % 3];
    }
    for (size_t c = 0; c < 3 * atoms; c++)
        position[c] = (double)(c * 7 % 24);
    ionwatch_run run;
    ionwatch_run_init(&run);
    run.code = "bench";
    run.n_atoms = atoms;
    run.species = species;
    run.mass_amu = mass;
    run.length_A = run.time_fs = run.energy_eV = run.timestep = 1.0;
    run.stride = 1;
    run.wrapped = 0;
    (void)snprintf(path, sizeof path, "%s.raw", argv[1]);
    raw = fopen(path, "wb");
    (void)snprintf(path, sizeof path, "file://%s.iwlog", argv[1]);
    w = ionwatch_open(path, &run);
    uint64_t state = 2023;
    for (size_t t = 0; t < frames && result == 0; t++) {
        ionwatch_frame frame;
        ionwatch_frame_init(&frame);
        frame.step = (int64_t)t;
        frame.time = (double)t;
        frame.cell = cell;
        frame.pos_f64 = position;
        move(position, atoms, &state);
        if (!raw || fwrite(position, sizeof *position, 3 * atoms, raw) != 3 * atoms)
            result = fail("cannot write the raw positions");
        else if (!w || ionwatch_send(w, &frame) != IONWATCH_OK)
            result = fail(w ? ionwatch_error(w) : "no memory");
    }
    if (result == 0 && ionwatch_finish(w, "completed") != IONWATCH_OK)
        result = fail(ionwatch_error(w));
done:
    ionwatch_close(&w, -1);
    if (raw && fclose(raw) != 0)
        result = fail("cannot write the raw positions");
    free(species);
    free(mass);
    free(position);
    return result;
}
