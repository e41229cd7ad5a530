/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trajectory/closeness.h"
#include "trajectory/unwrap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Distances that one look may take, and atoms at most. */
enum { MOST_DISTANCES = 20000000, MOST_ATOMS = 200, IMAGES = 27 };

static const struct {
    char name[3];
    unsigned char radius_pm; /* 0: a noble gas */
} elements[] = {
    {"H", 31},   {"D", 31},   {"He", 0},   {"Li", 128}, {"Be", 96},  {"B", 84},   {"C", 76},
    {"N", 71},   {"O", 66},   {"F", 57},   {"Ne", 0},   {"Na", 166}, {"Mg", 141}, {"Al", 121},
    {"Si", 111}, {"P", 107},  {"S", 105},  {"Cl", 102}, {"Ar", 0},   {"K", 203},  {"Ca", 176},
    {"Sc", 170}, {"Ti", 160}, {"V", 153},  {"Cr", 139}, {"Mn", 139}, {"Fe", 132}, {"Co", 126},
    {"Ni", 124}, {"Cu", 132}, {"Zn", 122}, {"Ga", 122}, {"Ge", 120}, {"As", 119}, {"Se", 120},
    {"Br", 120}, {"Kr", 0},   {"Rb", 220}, {"Sr", 195}, {"Y", 190},  {"Zr", 175}, {"Nb", 164},
    {"Mo", 154}, {"Ru", 146}, {"Rh", 142}, {"Pd", 139}, {"Ag", 145}, {"Cd", 144}, {"In", 142},
    {"Sn", 139}, {"Sb", 139}, {"Te", 138}, {"I", 139},  {"Xe", 0},   {"Cs", 244}, {"Ba", 215},
    {"La", 207}, {"Ce", 204}, {"Pr", 203}, {"Nd", 201}, {"Sm", 198}, {"Eu", 198}, {"Gd", 196},
    {"Tb", 194}, {"Dy", 192}, {"Ho", 192}, {"Er", 189}, {"Tm", 190}, {"Yb", 187}, {"Lu", 187},
    {"Hf", 175}, {"Ta", 170}, {"W", 162},  {"Re", 151}, {"Os", 144}, {"Ir", 141}, {"Pt", 136},
    {"Au", 136}, {"Hg", 132}, {"Tl", 145}, {"Pb", 146}, {"Bi", 148}, {"Th", 206}, {"U", 196},
};

/* In A; NAN where there is none.  "Li1" is Li. */
static double
radius(const char *species)
{
    size_t letters = strspn(species, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        if (strlen(elements[i].name) == letters && strncmp(elements[i].name, species, letters) == 0)
            return elements[i].radius_pm ? elements[i].radius_pm / 100.0 : (double)NAN;
    return (double)NAN;
}

/* Squared length of the shortest image; near vectors of skewed cells are looked through. */
static double
nearest_image(const double cell[9], const double inverse[9], double d[3], bool self)
{
    double whole[3], least = (double)INFINITY;
    for (size_t k = 0; k < 3; k++)
        whole[k] = round(d[0] * inverse[k] + d[1] * inverse[3 + k] + d[2] * inverse[6 + k]);
    for (size_t k = 0; k < 3; k++)
        d[k] -= whole[0] * cell[k] + whole[1] * cell[3 + k] + whole[2] * cell[6 + k];
    for (int image = 0; image < IMAGES; image++) {
        int a = image % 3 - 1, b = image / 3 % 3 - 1, c = image / 9 - 1;
        double sum = 0.0;
        for (size_t k = 0; k < 3; k++) {
            double x = d[k] + a * cell[k] + b * cell[3 + k] + c * cell[6 + k];
            sum += x * x;
        }
        if (sum < least && !(self && a == 0 && b == 0 && c == 0))
            least = sum;
    }
    return least;
}

/* The least of distance over radii from atom i. */
static double
closest(const iw_run_info *run, const iw_frame *frame, const double *radii, const double *inverse,
        size_t i)
{
    double least = (double)INFINITY, own = radii[run->kind[i]];
    for (size_t j = 0; j < run->n_atoms; j++) {
        double d[3], sum = own + radii[run->kind[j]];
        if (isnan(sum) || (i == j && !inverse))
            continue;
        for (size_t k = 0; k < 3; k++)
            d[k] = frame->pos_A[3 * j + k] - frame->pos_A[3 * i + k];
        double square = inverse ? nearest_image(frame->cell_A, inverse, d, i == j)
                                : d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
        if (square < least * least * sum * sum)
            least = sqrt(square) / sum;
    }
    return least;
}

static int
ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double
iw_closeness(const iw_run_info *run, const iw_frame *frame)
{
    double radii[IW_MAX_SPECIES], inverse[9], volume_A3, found[MOST_ATOMS];
    for (size_t k = 0; k < run->n_species; k++)
        radii[k] = radius(run->species[k]);
    bool periodic = frame->has_cell && iw_cell_invert(frame->cell_A, inverse, &volume_A3);
    size_t n = run->n_atoms, looks = MOST_DISTANCES / IMAGES / n, got = 0, known = 0;
    looks = looks < 8 ? 8 : looks > MOST_ATOMS ? MOST_ATOMS : looks;
    size_t stride = n / looks + 1;
    for (size_t i = 0; i < n && got < MOST_ATOMS; i += stride) {
        if (isnan(radii[run->kind[i]]))
            continue;
        known++;
        double least = closest(run, frame, radii, periodic ? inverse : NULL, i);
        if (isfinite(least))
            found[got++] = least;
    }
    if (got == 0 || 2 * known * stride < n)
        return (double)NAN;
    qsort(found, got, sizeof *found, ascending);
    return found[got / 2];
}
