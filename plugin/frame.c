/* SPDX-License-Identifier: BSD-3-Clause */
#include "frame.h"

#include "cursor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void
iw_run_info_init(iw_run_info *run)
{
    memset(run, 0, sizeof *run);
    run->timestep_fs = (double)NAN;
    run->temperature_K = (double)NAN;
    run->stride = 1;
}

static void
free_atoms(iw_run_info *run)
{
    free(run->species);
    free(run->kind);
    free(run->mass_amu);
    free(run->charge_e);
    run->species = NULL;
    run->kind = NULL;
    run->mass_amu = NULL;
    run->charge_e = NULL;
    run->n_atoms = 0;
    run->n_species = 0;
}

void
iw_run_info_fini(iw_run_info *run)
{
    free_atoms(run);
    free(run->name);
    free(run->code);
    free(run->code_version);
    for (size_t i = 0; i < 2 * run->n_metadata; i++)
        free(run->metadata[i]);
    free(run->metadata);
    memset(run, 0, sizeof *run);
}

static iw_status
check_name(size_t atom, const char *name, iw_error *err)
{
    if (!name || !*name)
        return iw_fail(err, IW_INVALID, "atom %zu has no species name", atom);
    if (strlen(name) > IW_SPECIES_LENGTH)
        return iw_fail(err, IW_INVALID,
                       "atom %zu: species name '%.40s' is longer than %d characters", atom, name,
                       IW_SPECIES_LENGTH);
    if (!iw_utf8_printable(name))
        return iw_fail(err, IW_INVALID,
                       "atom %zu: its species name is not UTF-8 or has control characters", atom);
    return IW_OK;
}

/* The index of name, added when it is new; IW_MAX_SPECIES when there is no room for it. */
static size_t
find_or_add(iw_run_info *run, const char *name)
{
    size_t k = 0;
    while (k < run->n_species && strcmp(run->species[k], name) != 0)
        k++;
    if (k == run->n_species && k < IW_MAX_SPECIES) {
        memcpy(run->species[k], name, strlen(name) + 1);
        run->n_species++;
    }
    return k;
}

iw_status
iw_run_info_set_atoms(iw_run_info *run, size_t n_atoms, const char *const *species, iw_error *err)
{
    if (n_atoms == 0 || n_atoms > SIZE_MAX / 64)
        return iw_fail(err, IW_INVALID, "a run of %zu atoms is not possible", n_atoms);
    for (size_t i = 0; i < n_atoms; i++) {
        iw_status status = check_name(i, species[i], err);
        if (status != IW_OK)
            return status;
    }
    free_atoms(run);
    run->species = calloc(IW_MAX_SPECIES, sizeof *run->species);
    run->kind = malloc(n_atoms * sizeof *run->kind);
    run->mass_amu = malloc(n_atoms * sizeof *run->mass_amu);
    if (!run->species || !run->kind || !run->mass_amu) {
        free_atoms(run);
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu atoms", n_atoms);
    }
    size_t k = 0;
    for (size_t i = 0; i < n_atoms; i++) {
        /* Neighbours are mostly of one species: try the last one first. */
        if (i == 0 || strcmp(run->species[k], species[i]) != 0)
            k = find_or_add(run, species[i]);
        if (k == IW_MAX_SPECIES) {
            free_atoms(run);
            return iw_fail(err, IW_INVALID, "atom %zu: '%s' is species %d, at most %d are possible",
                           i, species[i], IW_MAX_SPECIES + 1, IW_MAX_SPECIES);
        }
        run->kind[i] = (uint16_t)k;
        run->mass_amu[i] = iw_element_mass(species[i]);
    }
    run->n_atoms = n_atoms;
    return IW_OK;
}

/* Copies size bytes; NULL stays NULL.  Says false when memory is exhausted. */
static bool
copy_block(void *to, const void *from, size_t size)
{
    void *copy = NULL;
    if (from) {
        copy = malloc(size ? size : 1);
        if (!copy)
            return false;
        memcpy(copy, from, size);
    }
    memcpy(to, &copy, sizeof copy);
    return true;
}

static bool
copy_text(char **to, const char *from)
{
    return copy_block(to, from, from ? strlen(from) + 1 : 0);
}

iw_status
iw_run_info_copy(iw_run_info *to, const iw_run_info *from, iw_error *err)
{
    iw_run_info copy = *from;
    copy.name = copy.code = copy.code_version = NULL;
    copy.species = NULL;
    copy.kind = NULL;
    copy.mass_amu = copy.charge_e = NULL;
    copy.n_metadata = 0;
    copy.metadata = NULL;

    size_t n = from->n_atoms;
    bool ok = copy_text(&copy.name, from->name) && copy_text(&copy.code, from->code) &&
              copy_text(&copy.code_version, from->code_version) &&
              copy_block(&copy.species, from->species, from->n_species * sizeof *from->species) &&
              copy_block(&copy.kind, from->kind, n * sizeof *from->kind) &&
              copy_block(&copy.mass_amu, from->mass_amu, n * sizeof *from->mass_amu) &&
              copy_block(&copy.charge_e, from->charge_e, n * sizeof *from->charge_e);
    for (size_t i = 0; ok && i < from->n_metadata; i++)
        ok = iw_run_info_set_metadata(&copy, from->metadata[2 * i], from->metadata[2 * i + 1],
                                      NULL) == IW_OK;
    if (!ok) {
        iw_run_info_fini(&copy);
        return iw_fail(err, IW_NO_MEMORY, "no memory to copy a run of %zu atoms", n);
    }
    iw_run_info_fini(to);
    *to = copy;
    return IW_OK;
}

const char *
iw_run_info_metadata(const iw_run_info *run, const char *key)
{
    for (size_t i = 0; i < run->n_metadata; i++)
        if (strcmp(run->metadata[2 * i], key) == 0)
            return run->metadata[2 * i + 1];
    return NULL;
}

iw_status
iw_run_info_set_metadata(iw_run_info *run, const char *key, const char *value, iw_error *err)
{
    char *text = NULL;
    char *name = NULL;
    if (!copy_text(&text, value ? value : ""))
        goto no_memory;
    for (size_t i = 0; i < run->n_metadata; i++) {
        if (strcmp(run->metadata[2 * i], key) == 0) {
            free(run->metadata[2 * i + 1]);
            run->metadata[2 * i + 1] = text;
            return IW_OK;
        }
    }
    if (!copy_text(&name, key))
        goto no_memory;
    char **grown = realloc(run->metadata, 2 * (run->n_metadata + 1) * sizeof *grown);
    if (!grown)
        goto no_memory;
    run->metadata = grown;
    grown[2 * run->n_metadata] = name;
    grown[2 * run->n_metadata + 1] = text;
    run->n_metadata++;
    return IW_OK;

no_memory:
    free(text);
    free(name);
    return iw_fail(err, IW_NO_MEMORY, "no memory for metadata '%s'", key);
}

iw_status
iw_frame_init(iw_frame *frame, size_t n_atoms, iw_error *err)
{
    memset(frame, 0, sizeof *frame);
    frame->potential_energy_eV = (double)NAN;
    frame->kinetic_energy_eV = (double)NAN;
    frame->temperature_K = (double)NAN;
    if (n_atoms > SIZE_MAX / (3 * sizeof(double)))
        return iw_fail(err, IW_INVALID, "a frame of %zu atoms is not possible", n_atoms);
    frame->pos_A = calloc(n_atoms ? 3 * n_atoms : 1, sizeof(double));
    frame->vel_A_fs = calloc(n_atoms ? 3 * n_atoms : 1, sizeof(double));
    if (!frame->pos_A || !frame->vel_A_fs) {
        iw_frame_fini(frame);
        return iw_fail(err, IW_NO_MEMORY, "no memory for a frame of %zu atoms", n_atoms);
    }
    frame->n_atoms = n_atoms;
    return IW_OK;
}

void
iw_frame_fini(iw_frame *frame)
{
    free(frame->pos_A);
    free(frame->vel_A_fs);
    memset(frame, 0, sizeof *frame);
}
