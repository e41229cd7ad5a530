/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "describe/structure.h"

#include "describe/lattice.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double AMU_A3_IN_G_CM3 = 1.66053906660; /* CODATA 2018 */
static const double ECON_REACH = 2;                  /* farther bonds have no weight: e^-30 */

/* sqrt of the sum of squared differences from the mean. */
static double
spread(const double x[3])
{
    double mean = (x[0] + x[1] + x[2]) / 3, sum = 0;
    for (size_t k = 0; k < 3; k++)
        sum += (x[k] - mean) * (x[k] - mean);
    return sqrt(sum);
}

static void
weigh(const iw_run_info *run, const bool *member, double volume_A3, iw_structure *out)
{
    double mass[2] = {0, 0};
    for (size_t i = 0; i < run->n_atoms; i++) {
        mass[member[i]] += run->mass_amu[i];
        out->mobile_atoms += member[i];
    }
    double n = (double)run->n_atoms, n_mobile = (double)out->mobile_atoms;
    out->volume_per_atom_A3 = volume_A3 / n;
    out->density_g_cm3 = AMU_A3_IN_G_CM3 * (mass[0] + mass[1]) / volume_A3;
    out->mean_mass_amu = (mass[0] + mass[1]) / n;
    out->mean_mass_mobile_amu = mass[1] / n_mobile;
    out->mean_mass_framework_amu = mass[0] / (n - n_mobile);
    out->mobile_fraction = n_mobile / n;
    out->mobile_concentration_A3 = n_mobile / volume_A3;
}

/* From the atoms of a kind to the nearest of others. */
static void
find_nearest(const iw_neighbours *others, const iw_frame *frame, const bool *from, double *mean_A,
             double *least_A)
{
    double sum = 0;
    size_t n = 0;
    *least_A = (double)NAN;
    for (size_t i = 0; i < frame->n_atoms; i++) {
        if (from && !from[i])
            continue;
        double d = iw_neighbours_nearest(others, frame->pos_A + 3 * i, i);
        sum += d;
        n++;
        if (!(*least_A <= d))
            *least_A = d;
    }
    *mean_A = sum / (double)n;
}

/* ---- Hoppe's effective coordination number ---- */

typedef struct {
    double *length_A;
    size_t n, room;
    bool full; /* no memory */
} bonds;

static void
add_bond(void *arg, double distance_A)
{
    bonds *self = arg;
    if (self->n == self->room) {
        size_t room = 2 * self->room + 64;
        double *grown = realloc(self->length_A, room * sizeof *grown);
        self->full = self->full || !grown;
        if (!grown)
            return;
        self->length_A = grown;
        self->room = room;
    }
    self->length_A[self->n++] = distance_A;
}

static double
weight(double length_A, double mean_A)
{
    return exp(1 - pow(length_A / mean_A, 6));
}

/* The mean length is weighted by the weights that it gives: found by iteration from the shortest.
 */
static double
effective_number(const bonds *of, double shortest_A)
{
    double mean = shortest_A, sum = 0;
    for (int step = 0; step < 200; step++) {
        double lengths = 0, before = mean;
        sum = 0;
        for (size_t b = 0; b < of->n; b++) {
            double w = weight(of->length_A[b], mean);
            sum += w;
            lengths += w * of->length_A[b];
        }
        mean = lengths / sum;
        if (fabs(mean - before) <= 1e-12 * mean)
            break;
    }
    return sum;
}

static iw_status
find_coordination(const iw_neighbours *framework, const iw_frame *frame, const bool *mobile,
                  iw_structure *out, iw_error *err)
{
    bonds of = {0};
    double sum = 0;
    for (size_t i = 0; i < frame->n_atoms; i++) {
        const double *r = frame->pos_A + 3 * i;
        if (!mobile[i])
            continue;
        double shortest = iw_neighbours_nearest(framework, r, i);
        of.n = 0;
        iw_neighbours_within(framework, r, i, ECON_REACH * shortest, add_bond, &of);
        sum += shortest > 0 ? effective_number(&of, shortest) : (double)NAN;
    }
    free(of.length_A);
    out->coordination = sum / (double)out->mobile_atoms;
    return of.full ? iw_fail(err, IW_NO_MEMORY, "no memory for the neighbours of an atom") : IW_OK;
}

/* ---- all together ---- */

static iw_status
find_distances(const iw_lattice *lattice, const iw_run_info *run, const iw_frame *frame,
               const bool *mobile, const bool *framework, iw_structure *out, iw_error *err)
{
    iw_neighbours all = {0}, ions = {0}, rest = {0};
    size_t n = run->n_atoms;
    iw_status status = iw_neighbours_init(&all, lattice, frame->pos_A, NULL, n, err);
    if (status == IW_OK)
        status = iw_neighbours_init(&ions, lattice, frame->pos_A, mobile, n, err);
    if (status == IW_OK)
        status = iw_neighbours_init(&rest, lattice, frame->pos_A, framework, n, err);
    if (status == IW_OK) {
        find_nearest(&all, frame, NULL, &out->nn_mean_A, &out->nn_min_A);
        find_nearest(&ions, frame, mobile, &out->nn_mobile_mean_A, &out->nn_mobile_min_A);
        find_nearest(&rest, frame, mobile, &out->nn_framework_mean_A, &out->nn_framework_min_A);
        status = find_coordination(&rest, frame, mobile, out, err);
    }
    iw_neighbours_fini(&all);
    iw_neighbours_fini(&ions);
    iw_neighbours_fini(&rest);
    return status;
}

/* The conventional cell is the same whatever supercell was given. */
static iw_status
find_symmetry(const iw_run_info *run, const iw_frame *frame, bool at_rest, iw_structure *out,
              iw_error *err)
{
    iw_error why = {0};
    iw_lattice conventional;
    out->lattice_anisotropy = (double)NAN;
    iw_status status = iw_symmetry_find(frame->cell_A, frame->pos_A, run->kind, run->n_atoms,
                                        &out->symmetry, &why);
    if (status == IW_NO_MEMORY)
        return iw_fail(err, status, "%s", why.text);
    if (status == IW_OK && out->symmetry.number == 1 && !at_rest) {
        status = iw_fail(&why, IW_NOT_FOUND,
                         "none is seen with a tolerance up to %g A; ions in "
                         "motion hide it, the perfect structure can be imported",
                         out->symmetry.symprec_A);
        out->symmetry = (iw_symmetry){0};
    }
    if (status == IW_OK)
        status = iw_lattice_init(&conventional, out->symmetry.lattice_A, &why);
    if (status == IW_OK)
        out->lattice_anisotropy =
            3 * spread(conventional.length_A) /
            (conventional.length_A[0] + conventional.length_A[1] + conventional.length_A[2]);
    else
        (void)snprintf(out->remark, sizeof out->remark, "%.199s", why.text);
    return IW_OK;
}

static iw_status
describe(const iw_run_info *run, const iw_frame *frame, const bool *mobile, const bool *framework,
         bool at_rest, iw_structure *out, iw_error *err)
{
    iw_lattice lattice;
    iw_status status = iw_lattice_init(&lattice, frame->cell_A, err);
    if (status)
        return status;
    weigh(run, mobile, lattice.volume_A3, out);
    out->lattice_anisotropy_A = spread(lattice.length_A);
    out->angle_anisotropy_deg = spread(lattice.angle_deg);
    status = find_distances(&lattice, run, frame, mobile, framework, out, err);
    return status ? status : find_symmetry(run, frame, at_rest, out, err);
}

iw_status
iw_structure_describe(const iw_run_info *run, const iw_frame *frame, const bool *mobile,
                      bool at_rest, iw_structure *out, iw_error *err)
{
    *out = (iw_structure){.atoms = run->n_atoms, .species = run->n_species};
    if (run->n_atoms == 0 || frame->n_atoms != run->n_atoms)
        return iw_fail(err, IW_INVALID, "a structure of %zu atoms, and a frame of %zu",
                       run->n_atoms, frame->n_atoms);
    if (!frame->has_cell)
        return iw_fail(err, IW_INVALID, "the structure has no cell");
    for (size_t i = 0; i < 3 * run->n_atoms; i++)
        if (!(fabs(frame->pos_A[i]) <= 1e9))
            return iw_fail(err, IW_INVALID, "atom %zu of the structure lies at %g A", i / 3 + 1,
                           frame->pos_A[i]);
    bool *member = calloc(2 * run->n_atoms, sizeof *member);
    if (!member)
        return iw_fail(err, IW_NO_MEMORY, "no memory for the structure of %zu atoms", run->n_atoms);
    for (size_t i = 0; i < run->n_atoms; i++) {
        member[i] = mobile[run->kind[i]];
        member[run->n_atoms + i] = !member[i];
    }
    iw_status status = describe(run, frame, member, member + run->n_atoms, at_rest, out, err);
    free(member);
    return status;
}

/* ---- by name ---- */

#define REAL(name, field)                                                                          \
    {                                                                                              \
        name, offsetof(iw_structure, field), false                                                 \
    }
#define WHOLE(name, field)                                                                         \
    {                                                                                              \
        name, offsetof(iw_structure, field), true                                                  \
    }

const char *
iw_structure_number(const iw_structure *self, size_t index, double *value)
{
    static const struct {
        const char *name;
        size_t offset;
        bool whole;
    } rows[] = {
        WHOLE("space_group_number", symmetry.number),
        WHOLE("symmetry_operations", symmetry.operations),
        WHOLE("point_group_operations", symmetry.point_operations),
        REAL("symmetry_tolerance_A", symmetry.symprec_A),
        REAL("volume_per_atom_A3", volume_per_atom_A3),
        REAL("density_g_cm3", density_g_cm3),
        REAL("lattice_anisotropy", lattice_anisotropy),
        REAL("lattice_anisotropy_A", lattice_anisotropy_A),
        REAL("angle_anisotropy_deg", angle_anisotropy_deg),
        REAL("mean_mass_amu", mean_mass_amu),
        REAL("mean_mass_mobile_amu", mean_mass_mobile_amu),
        REAL("mean_mass_framework_amu", mean_mass_framework_amu),
        REAL("mobile_fraction", mobile_fraction),
        REAL("mobile_concentration_per_A3", mobile_concentration_A3),
        REAL("nn_distance_A", nn_mean_A),
        REAL("nn_distance_min_A", nn_min_A),
        REAL("nn_mobile_mobile_A", nn_mobile_mean_A),
        REAL("nn_mobile_mobile_min_A", nn_mobile_min_A),
        REAL("nn_mobile_framework_A", nn_framework_mean_A),
        REAL("nn_mobile_framework_min_A", nn_framework_min_A),
        REAL("coordination_number", coordination),
    };
    if (index >= sizeof rows / sizeof *rows)
        return NULL;
    const void *at = (const char *)self + rows[index].offset;
    if (!rows[index].whole)
        *value = *(const double *)at;
    else /* of symmetry: 0 is not known */
        *value = *(const int *)at > 0 ? *(const int *)at : (double)NAN;
    if (self->symmetry.number == 0 && strncmp(rows[index].name, "symmetry_", 9) == 0)
        *value = (double)NAN;
    return rows[index].name;
}
