/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trajectory/slips.h"

#include <math.h>
#include <stdio.h>

#define BOHR_A          0.529177210903
#define HARTREE_TIME_FS 0.02418884326586
#define RYDBERG_TIME_FS (2.0 * HARTREE_TIME_FS)
#define ASE_TIME_FS     10.180505710774743
#define BOHR_A_FS       (BOHR_A / HARTREE_TIME_FS) /* bohr per atomic time */

/* Nearest neighbours differ by less than this from what is usual. */
#define LENGTH_WITHIN 1.4
#define TIME_WITHIN   1.4
/* From here on every n-th step explains more than heat does; above, nobody thins that much. */
#define LEAST_THINNING 1.5
#define MOST_THINNING  500.0

static const struct {
    double factor;
    const char *text;
} lengths[] = {
    {1.0 / BOHR_A, "bohr taken as A"},
    {BOHR_A, "A taken as bohr, or reduced (lj) units taken as A"},
    {10.0, "A taken as nm"},
    {0.1, "nm, or fractions of the cell, taken as A"},
    {0.27, "reduced (lj) units taken as A"},
    {1e10, "A taken as m (LAMMPS units real or metal as si)"},
    {1e-10, "m taken as A (LAMMPS units si as real or metal)"},
    {1e8, "A taken as cm (LAMMPS units real or metal as cgs)"},
    {1e-8, "cm taken as A (LAMMPS units cgs as real or metal)"},
    {1e4, "A taken as um"},
    {1e-4, "um taken as A"},
};

static const struct {
    double length, factor;
    const char *text;
} velocities[] = {
    {1.0, 1e3, "A/ps taken as A/fs (LAMMPS units metal as real)"},
    {1.0, 1e-3, "A/fs taken as A/ps (LAMMPS units real as metal)"},
    {1.0, 1e5, "m/s taken as A/fs"},
    {1.0, 100.0, "nm/ps taken as A/fs, or m/s as A/ps"},
    {1.0, 1e-2, "A/fs taken as nm/ps"},
    {1.0, 10.0, "A/ps taken as nm/ps, or A/ASE time as A/fs"},
    {1.0, 0.1, "nm/ps taken as A/ps"},
    {1.0, 1.0 / BOHR_A_FS, "bohr per atomic time taken as A/fs"},
    {1.0, BOHR_A_FS, "A/fs taken as bohr per atomic time"},
    {1.0, 1e-3 / BOHR_A_FS, "bohr per atomic time taken as A/ps"},
    {1.0, 1e-3 * ASE_TIME_FS, "A per ASE time unit taken as A/ps"},
    {1.0 / BOHR_A, 1.0 / BOHR_A_FS, "atomic units taken as A and A/fs"},
    {1.0 / BOHR_A, 1e-3 / BOHR_A_FS, "atomic units taken as A and A/ps"},
    {BOHR_A, BOHR_A_FS, "A and A/fs taken as atomic units"},
    {BOHR_A, 1e-3 * BOHR_A_FS, "A and A/ps taken as atomic units"},
    {0.1, 100.0, "nm and nm/ps taken as A and A/fs (LAMMPS units nano as metal)"},
    {0.1, 0.1, "nm and nm/ps taken as A and A/ps"},
    {10.0, 0.01, "A and A/fs taken as nm and nm/ps (LAMMPS units metal as nano)"},
    {10.0, 10.0, "A and A/ps taken as nm and nm/ps"},
};

/* One unit of length and of velocity in A and A/fs; electron's time is hbar / Hartree times
 * sqrt(amu / electron mass).  The usual ones first: of two pairs that are as far apart (micro as
 * metal, cgs as micro) the one with the more usual style is meant. */
static const struct {
    const char *name;
    double length_A, velocity_A_fs;
} styles[] = {
    {"metal", 1.0, 1e-3}, {"real", 1.0, 1.0},   {"si", 1e10, 1e-5},
    {"cgs", 1e8, 1e-7},   {"micro", 1e4, 1e-5}, {"electron", BOHR_A, BOHR_A / 1.032749873},
    {"nano", 10.0, 1e-5},
};
enum { STYLES = sizeof styles / sizeof *styles };

static const struct {
    double factor;
    const char *text;
} times[] = {
    {1e3, "ps taken as fs"},
    {1e-3, "fs taken as ps"},
    {1e15, "s taken as fs"},
    {1e-15, "fs taken as s"},
    {1.0 / RYDBERG_TIME_FS, "fs taken as Rydberg atomic units of time"},
    {1.0 / HARTREE_TIME_FS, "fs taken as Hartree atomic units of time"},
    {RYDBERG_TIME_FS, "Rydberg atomic units of time (0.0484 fs) taken as fs"},
    {HARTREE_TIME_FS, "Hartree atomic units of time (0.0242 fs) taken as fs"},
    {ASE_TIME_FS, "ASE's units of time (10.18 fs) taken as fs"},
    {1.0 / ASE_TIME_FS, "fs taken as ASE's units of time"},
};

bool
iw_slip_none(double factor, double within)
{
    return fabs(log(factor)) < log(within);
}

void
iw_slip_of_length(double factor, char text[IW_SLIP_TEXT])
{
    double nearest = log(LENGTH_WITHIN);
    text[0] = '\0';
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        double off = fabs(log(factor / lengths[i].factor));
        if (off < nearest) {
            nearest = off;
            (void)snprintf(text, IW_SLIP_TEXT, "%s", lengths[i].text);
        }
    }
}

/* How far a slip is from what was seen, or infinity. */
static double
distance(double length, double factor, double slip_length, double slip_factor, double within)
{
    double far = fabs(log(factor / slip_factor));
    bool fits = iw_slip_none(length / slip_length, LENGTH_WITHIN) && far < log(within);
    return fits ? far : (double)INFINITY;
}

void
iw_slip_of_velocity(double length, double factor, double within, char text[IW_SLIP_TEXT])
{
    double nearest = (double)INFINITY;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof velocities / sizeof *velocities; i++) {
        double far = distance(length, factor, velocities[i].length, velocities[i].factor, within);
        if (far < nearest) {
            nearest = far;
            (void)snprintf(text, IW_SLIP_TEXT, "%s", velocities[i].text);
        }
    }
    if (iw_slip_none(length, LENGTH_WITHIN))
        return;
    for (size_t usual = 0; usual < STYLES; usual++)
        for (size_t i = 2 * usual + 2; i < 2 * STYLES; i++) {
            size_t is = i % 2 ? usual : i / 2, said = i % 2 ? i / 2 : usual;
            double far = distance(length, factor, styles[said].length_A / styles[is].length_A,
                                  styles[said].velocity_A_fs / styles[is].velocity_A_fs, within);
            if (far < nearest - 1e-9) {
                nearest = far;
                (void)snprintf(text, IW_SLIP_TEXT, "LAMMPS units %s taken as %s", styles[is].name,
                               styles[said].name);
            }
        }
}

void
iw_slip_of_time(double factor, double said_fs, char text[IW_SLIP_TEXT])
{
    double nearest = log(TIME_WITHIN);
    const char *slip = NULL;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        double off = fabs(log(factor / times[i].factor));
        if (off < nearest) {
            nearest = off;
            slip = times[i].text;
        }
    }
    char thinned[IW_SLIP_TEXT - 60] = "";
    if (factor > LEAST_THINNING && factor < MOST_THINNING)
        (void)snprintf(thinned, sizeof thinned,
                       "%.4g fs is the spacing of steps, of which about one in %.2g was written "
                       "(NBLOCK, dump interval)",
                       said_fs, fmax(2.0, round(factor)));
    (void)snprintf(text, IW_SLIP_TEXT, "%s%s%s", thinned, *thinned && slip ? "; or " : "",
                   slip ? slip : "");
}
