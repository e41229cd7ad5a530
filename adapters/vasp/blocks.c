/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/vasp/blocks.h"

#include <math.h>
#include <string.h>

bool
iw_vasp_blocks_add(iw_vasp_blocks *self, int64_t count)
{
    if (self->n == IW_MAX_SPECIES || count <= 0 || count >= INT32_MAX)
        return false;
    self->mass_amu[self->n] = (double)NAN;
    self->count[self->n++] = count;
    self->n_atoms += (size_t)count;
    return true;
}

bool
iw_vasp_blocks_equal(const iw_vasp_blocks *a, const iw_vasp_blocks *b)
{
    bool same = a->n == b->n && a->name.n == b->name.n &&
                memcmp(a->count, b->count, a->n * sizeof *a->count) == 0;
    for (size_t i = 0; same && i < a->name.n; i++)
        same = strcmp(a->name.name[i], b->name.name[i]) == 0;
    return same;
}

static void
set_masses(const iw_vasp_blocks *self, iw_run_info *run)
{
    size_t atom = 0;
    for (size_t b = 0; b < self->n; b++)
        for (int64_t i = 0; i < self->count[b]; i++, atom++)
            if (self->mass_amu[b] > 0.0)
                run->mass_amu[atom] = self->mass_amu[b];
}

iw_status
iw_vasp_blocks_describe(const iw_vasp_blocks *self, const iw_piece *piece, iw_run_info *run,
                        iw_error *err)
{
    const char *given = piece->options->species;
    iw_names names = {0}, atoms = {0};
    iw_status status = IW_OK;
    if (given)
        status = iw_names_parse(&names, given, err);
    else if (self->name.n == 0)
        status = iw_fail(err, IW_INVALID,
                         "%s line %llu: numbers of atoms without names (VASP 4): name the %zu "
                         "species with --species, as in --species Li,O",
                         piece->path, (unsigned long long)piece->atoms_line, self->n);
    bool by_block = !given || names.n == self->n;
    const iw_names *from = given ? &names : &self->name;
    if (status == IW_OK && !by_block && names.n != self->n_atoms)
        status = iw_fail(err, IW_INVALID,
                         "species '%.60s' has %zu names, %s has %zu species and %zu atoms", given,
                         names.n, piece->path, self->n, self->n_atoms);
    for (size_t b = 0; status == IW_OK && by_block && b < self->n; b++)
        for (int64_t i = 0; status == IW_OK && i < self->count[b]; i++)
            status = iw_names_add(&atoms, from->name[b], strlen(from->name[b]), err);
    if (status == IW_OK)
        status = iw_names_set_atoms(by_block ? &atoms : from, run, err);
    if (status == IW_OK)
        set_masses(self, run);
    iw_names_fini(&names);
    iw_names_fini(&atoms);
    return status;
}

void
iw_vasp_blocks_fini(iw_vasp_blocks *self)
{
    iw_names_fini(&self->name);
    self->n = self->n_atoms = 0;
}
