/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "groups.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Masses of one species may differ by this much (amu): rounding of printed masses. */
#define MASS_TOLERANCE_AMU 1e-3

static const char *const families[] = {"Li", "Na", "Ag", "Cu", "Cl", "I", "Br", "F", "O"};

/* Index of a species, or n_species. */
static size_t
find(const iw_run_info *run, const char *name)
{
    for (size_t s = 0; s < run->n_species; s++) {
        if (strcmp(run->species[s], name) == 0)
            return s;
    }
    return run->n_species;
}

static iw_status
weigh(iw_groups *self, const iw_run_info *run, iw_error *err)
{
    for (size_t i = 0; i < run->n_atoms; i++) {
        size_t s = run->kind[i];
        if (self->atoms[s]++ == 0)
            self->mass_amu[s] = run->mass_amu[i];
        else if (!(fabs(run->mass_amu[i] - self->mass_amu[s]) <= MASS_TOLERANCE_AMU))
            return iw_fail(err, IW_INVALID,
                           "atoms of species %s differ in mass (%.6g and %.6g amu, atom %zu): give "
                           "isotopes names of their own",
                           run->species[s], self->mass_amu[s], run->mass_amu[i], i + 1);
    }
    return IW_OK;
}

static iw_status
name_mobile(iw_groups *self, const iw_run_info *run, const char *const *mobile, size_t n_mobile,
            iw_error *err)
{
    for (size_t m = 0; m < n_mobile; m++) {
        size_t s = find(run, mobile[m]);
        if (s == run->n_species) {
            char known[200] = "";
            for (size_t k = 0; k < run->n_species; k++) {
                size_t used = strlen(known);
                (void)snprintf(known + used, sizeof known - used, "%s%s", k ? ", " : "",
                               run->species[k]);
            }
            return iw_fail(err, IW_INVALID, "mobile species %s is not in the run, which has %s",
                           mobile[m], known);
        }
        self->n_mobile += !self->mobile[s];
        self->mobile[s] = true;
    }
    return IW_OK;
}

static void
choose_mobile(iw_groups *self, const iw_run_info *run)
{
    for (size_t f = 0; f < sizeof families / sizeof *families && self->n_mobile == 0; f++) {
        size_t s = find(run, families[f]);
        if (s == run->n_species)
            continue;
        self->mobile[s] = true;
        self->n_mobile = 1;
        size_t bromine = find(run, "Br");
        if (strcmp(families[f], "I") == 0 && bromine < run->n_species) {
            self->mobile[bromine] = true;
            self->n_mobile = 2;
        }
    }
}

enum { MEMBER_ALL, MEMBER_MOBILE, MEMBER_FRAMEWORK, MEMBER_ONE };

static iw_status
add_group(iw_groups *self, const char *name, int who, size_t one, iw_error *err)
{
    iw_group *group = &self->groups[self->n_groups];
    group->member = calloc(self->n_species, sizeof *group->member);
    if (!group->member)
        return iw_fail(err, IW_NO_MEMORY, "no memory for group %s", name);
    (void)snprintf(group->name, sizeof group->name, "%s", name);
    for (size_t s = 0; s < self->n_species; s++) {
        group->member[s] = who == MEMBER_ALL || (who == MEMBER_MOBILE && self->mobile[s]) ||
                           (who == MEMBER_FRAMEWORK && !self->mobile[s]) ||
                           (who == MEMBER_ONE && s == one);
        group->atoms += group->member[s] ? self->atoms[s] : 0;
    }
    self->n_groups++;
    return IW_OK;
}

/* Groups are known by their names: a species of the same name would take the place of its sum. */
static iw_status
check_names(const iw_run_info *run, iw_error *err)
{
    static const char *const taken[] = {"all", "mobile", "framework"};
    for (size_t t = 0; t < sizeof taken / sizeof *taken; t++)
        if (find(run, taken[t]) < run->n_species)
            return iw_fail(err, IW_INVALID,
                           "a species is called '%s', as a group of atoms: name it otherwise",
                           taken[t]);
    return IW_OK;
}

static iw_status
make_groups(iw_groups *self, const iw_run_info *run, iw_error *err)
{
    iw_status status = add_group(self, "all", MEMBER_ALL, 0, err);
    if (status == IW_OK && self->n_mobile > 0)
        status = add_group(self, "mobile", MEMBER_MOBILE, 0, err);
    if (status == IW_OK && self->n_mobile > 0 && self->n_mobile < self->n_species)
        status = add_group(self, "framework", MEMBER_FRAMEWORK, 0, err);
    for (size_t s = 0; s < self->n_species && status == IW_OK; s++)
        status = add_group(self, run->species[s], MEMBER_ONE, s, err);
    return status;
}

iw_status
iw_groups_init(iw_groups *self, const iw_run_info *run, const char *const *mobile, size_t n_mobile,
               iw_error *err)
{
    *self = (iw_groups){.n_species = run->n_species};
    if (run->n_atoms == 0 || run->n_species == 0)
        return iw_fail(err, IW_INVALID, "the run has no atoms");
    self->atoms = calloc(run->n_species, sizeof *self->atoms);
    self->mass_amu = calloc(run->n_species, sizeof *self->mass_amu);
    self->mobile = calloc(run->n_species, sizeof *self->mobile);
    self->groups = calloc(run->n_species + 3, sizeof *self->groups);
    if (!self->atoms || !self->mass_amu || !self->mobile || !self->groups) {
        iw_groups_fini(self);
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu species", run->n_species);
    }
    iw_status status = check_names(run, err);
    if (status == IW_OK)
        status = weigh(self, run, err);
    if (status == IW_OK && n_mobile > 0)
        status = name_mobile(self, run, mobile, n_mobile, err);
    else if (status == IW_OK)
        choose_mobile(self, run);
    if (status == IW_OK)
        status = make_groups(self, run, err);
    if (status != IW_OK)
        iw_groups_fini(self);
    return status;
}

void
iw_groups_fini(iw_groups *self)
{
    for (size_t g = 0; self->groups && g < self->n_groups; g++)
        free(self->groups[g].member);
    free(self->groups);
    free(self->atoms);
    free(self->mass_amu);
    free(self->mobile);
    *self = (iw_groups){0};
}
