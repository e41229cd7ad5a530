/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/imd/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define KJ_MOL_EV (1000.0 / (6.02214076e23 * 1.602176634e-19))
/* amu (A/fs)^2 / k_B in K */
#define KINETIC_K (1.66053906660e-27 * 1e10 / 1.380649e-23)

/* No MD code has timesteps beyond the first two (coarse grains: 40 fs); ion conductors are usual
 * within the second two, and at these temperatures. */
#define POSSIBLE_LEAST_FS 1e-3
#define POSSIBLE_MOST_FS  200.0
#define USUAL_LEAST_FS    0.05
#define USUAL_MOST_FS     20.0
#define USUAL_LEAST_K     10.0
#define USUAL_MOST_K      2e4

static const char *const styles[] = {"imd", "gromacs", "namd", "metal", "real", "electron",
                                     "si",  "cgs",     "nano", "micro", "lj"};
enum { N_STYLES = sizeof styles / sizeof *styles, OF_SPECIFICATION = 3 };

const iw_lammps_units *
iw_imd_units(const char *name, iw_error *err)
{
    static const iw_lammps_units specified = {"imd", 1.0, 1000.0, KJ_MOL_EV, 1.0, 1.0, 1.0};
    for (size_t i = 0; i < OF_SPECIFICATION; i++)
        if (strcmp(name, styles[i]) == 0)
            return &specified;
    const iw_lammps_units *style = iw_lammps_units_find(name);
    if (!style)
        (void)iw_fail(err, IW_INVALID,
                      "--units %.40s: must be imd (also gromacs, namd: A, ps, kJ/mol, as the "
                      "protocol has it), or what the `units` of LAMMPS says: %s",
                      name, iw_lammps_units_names());
    return style;
}

double
iw_imd_kinetic_K(const iw_run_info *run, const iw_lammps_units *units, const float *velocities)
{
    double sum = 0.0, factor = units->length_A / units->time_fs;
    for (size_t i = 0; velocities && i < 3 * run->n_atoms; i++) {
        double v = factor * (double)velocities[i];
        sum += run->mass_amu[i / 3] * v * v;
    }
    return sum > 0.0 ? KINETIC_K * sum / (3.0 * (double)run->n_atoms) : (double)NAN;
}

/* "--units real (1 fs, 613 K)" for each style in which it would be a run. */
static size_t
fitting_styles(const iw_run_info *run, double dt, const float *velocities, char *text, size_t size)
{
    size_t n = 0, used = 0;
    *text = '\0';
    for (size_t i = 0; i < N_STYLES; i++) {
        if (i > 0 && i < OF_SPECIFICATION) /* other names of the first */
            continue;
        const iw_lammps_units *units = iw_imd_units(styles[i], NULL);
        double fs = dt * units->time_fs, kelvin = iw_imd_kinetic_K(run, units, velocities);
        bool moves = !isnan(kelvin);
        if (fs < USUAL_LEAST_FS || fs > USUAL_MOST_FS ||
            (moves && (kelvin < USUAL_LEAST_K || kelvin > USUAL_MOST_K)))
            continue;
        char heat[40] = "";
        if (moves)
            (void)snprintf(heat, sizeof heat, ", %.3g K", kelvin);
        int more = snprintf(text + used, size - used, "%s--units %s (%.4g fs%s)", n ? ", " : "",
                            styles[i], fs, heat);
        used += more > 0 && used + (size_t)more < size ? (size_t)more : 0;
        n++;
    }
    return n;
}

iw_status
iw_imd_check_units(const iw_run_info *run, const char *name, double dt, const float *velocities,
                   iw_error *err)
{
    const iw_lammps_units *units = iw_imd_units(name, err);
    if (!units)
        return IW_INVALID;
    double fs = dt * units->time_fs;
    if (isnan(dt) || (fs >= POSSIBLE_LEAST_FS && fs <= POSSIBLE_MOST_FS))
        return IW_OK;
    char fits[300];
    if (fitting_styles(run, dt, velocities, fits, sizeof fits))
        return iw_fail(err, IW_INVALID,
                       "a timestep of %g is %g fs in units %s, which no MD run has; LAMMPS sends "
                       "the bare numbers of its own `units`: %s would fit",
                       dt, fs, name, fits);
    return iw_fail(err, IW_INVALID,
                   "a timestep of %g is %g fs in units %s, which no MD run has; which units does "
                   "the engine count in (--units)?",
                   dt, fs, name);
}
