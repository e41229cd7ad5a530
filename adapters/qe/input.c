/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/qe/input.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool
is(const char *word, size_t size, const char *name)
{
    return strlen(name) == size && strncasecmp(word, name, size) == 0;
}

static void
set_word(char *to, size_t room, iw_line value)
{
    if (value.at < value.end && (*value.at == '\'' || *value.at == '"')) {
        const char *quote = memchr(value.at + 1, *value.at, (size_t)(value.end - value.at - 1));
        value = (iw_line){value.at + 1, quote ? quote : value.end};
    }
    size_t size = (size_t)(value.end - value.at);
    if (size >= room)
        return;
    memcpy(to, value.at, size);
    to[size] = '\0';
}

/* One "key = value" of a namelist, without blanks around either. */
static void
assign(iw_qe_input *self, const char *key, size_t size, iw_line value)
{
    if (is(key, size, "prefix"))
        set_word(self->prefix, sizeof self->prefix, value);
    else if (is(key, size, "outdir"))
        set_word(self->outdir, sizeof self->outdir, value);
    else if (is(key, size, "calculation"))
        set_word(self->calculation, sizeof self->calculation, value);
    else if (is(key, size, "ion_temperature"))
        set_word(self->ion_temperature, sizeof self->ion_temperature, value);
    else if (is(key, size, "ion_dynamics"))
        set_word(self->ion_dynamics, sizeof self->ion_dynamics, value);
    else if (is(key, size, "dt"))
        (void)iw_field_real(&value, &self->dt);
    else if (is(key, size, "tempw"))
        (void)iw_field_real(&value, &self->tempw_K);
}

static iw_line
trimmed(iw_line line)
{
    while (line.at < line.end && strchr(" \t", *line.at))
        line.at++;
    while (line.at < line.end && strchr(" \t\r", line.end[-1]))
        line.end--;
    return line;
}

/* The end of a part that a comma ends, or a comment; both may stand within quotes. */
static const char *
part_end(iw_line line)
{
    char quote = '\0';
    const char *at = line.at;
    for (; at < line.end; at++) {
        if (quote)
            quote = *at == quote ? '\0' : quote;
        else if (*at == '\'' || *at == '"')
            quote = *at;
        else if (*at == ',' || *at == '!')
            break;
    }
    return at;
}

static void
read_assignments(iw_qe_input *self, iw_line line)
{
    while (line.at < line.end) {
        const char *end = part_end(line);
        const char *equals = memchr(line.at, '=', (size_t)(end - line.at));
        if (equals) {
            iw_line key = trimmed((iw_line){line.at, equals});
            assign(self, key.at, (size_t)(key.end - key.at), trimmed((iw_line){equals + 1, end}));
        }
        if (end == line.end || *end == '!')
            return;
        line.at = end + 1;
    }
}

/* "Si 28.0855 Si.UPF" */
static iw_status
add_species(iw_qe_input *self, iw_line line, iw_error *err)
{
    const char *word;
    size_t size;
    double mass;
    if (!iw_field_word(&line, &word, &size) || size > IW_SPECIES_LENGTH ||
        !iw_field_real(&line, &mass))
        return IW_OK;
    double *grown = realloc(self->mass_amu, (self->species.n + 1) * sizeof *grown);
    if (!grown)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu species", self->species.n + 1);
    self->mass_amu = grown;
    self->mass_amu[self->species.n] = mass;
    return iw_names_add(&self->species, word, size, err);
}

static iw_status
add_atom(iw_qe_input *self, iw_line line, iw_error *err)
{
    const char *word;
    size_t size;
    double x;
    if (!iw_field_word(&line, &word, &size) || size > IW_SPECIES_LENGTH ||
        !iw_field_real(&line, &x))
        return IW_OK;
    return iw_names_add(&self->atoms, word, size, err);
}

iw_status
iw_qe_input_read(iw_qe_input *self, const char *path, iw_error *err)
{
    enum { NOWHERE, NAMELIST, SPECIES, POSITIONS } where = NOWHERE;
    *self = (iw_qe_input){.dt = (double)NAN, .tempw_K = (double)NAN};
    iw_text *text = iw_text_open(path, false, err);
    if (!text)
        return err->code;
    iw_text_trust_end(text);
    iw_line line, rest;
    iw_status status;
    while ((status = iw_text_line(text, &line, err)) == IW_OK) {
        const char *word;
        size_t size;
        rest = line = trimmed(line);
        if (!iw_field_word(&rest, &word, &size) || *word == '!' || *word == '#')
            continue;
        /* ATOMIC_SPECIES, ATOMIC_POSITIONS, K_POINTS, CELL_PARAMETERS, ... */
        bool card = where != NAMELIST && size > 6 && memchr(word, '_', size);
        bool species = card && is(word, size, "ATOMIC_SPECIES");
        bool positions = card && size >= 16 && strncasecmp(word, "ATOMIC_POSITIONS", 16) == 0;
        if (*word == '&')
            where = NAMELIST;
        else if (*word == '/' || card)
            where = species ? SPECIES : positions ? POSITIONS : NOWHERE;
        else if (where == NAMELIST)
            read_assignments(self, line);
        else if (where == SPECIES)
            status = add_species(self, line, err);
        else if (where == POSITIONS)
            status = add_atom(self, line, err);
        if (status != IW_OK)
            break;
    }
    iw_text_close(&text);
    return status == IW_NO_MEMORY || status == IW_IO ? status : IW_OK;
}

void
iw_qe_input_fini(iw_qe_input *self)
{
    iw_names_fini(&self->species);
    iw_names_fini(&self->atoms);
    free(self->mass_amu);
    memset(self, 0, sizeof *self);
}

double
iw_qe_target_K(const iw_qe_input *self)
{
    static const char *const kinds[] = {"rescaling", "rescale-v", "rescale-T", "berendsen",
                                        "andersen",  "svr",       "nose"};
    bool thermostat = strncasecmp(self->ion_dynamics, "langevin", 8) == 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        thermostat = thermostat || strcasecmp(self->ion_temperature, kinds[i]) == 0;
    double asked = isnan(self->tempw_K) ? 300.0 : self->tempw_K; /* the codes' default */
    return thermostat ? asked : (double)NAN;
}

/* The mass of a label of ATOMIC_SPECIES; NAN for none. */
static double
mass_of(const iw_qe_input *self, const char *label)
{
    for (size_t i = 0; i < self->species.n; i++)
        if (strcmp(self->species.name[i], label) == 0)
            return self->mass_amu[i];
    return (double)NAN;
}

/* By calculation and thermostat. */
static const char *
ensemble_of(const iw_qe_input *self)
{
    bool thermostat = !isnan(iw_qe_target_K(self));
    if (strncasecmp(self->calculation, "vc-", 3) == 0)
        return thermostat ? "NPT" : "NPE";
    return thermostat ? "NVT" : "NVE";
}

iw_status
iw_qe_describe(const iw_qe_input *self, iw_run_info *run, iw_error *err)
{
    for (size_t i = 0; i < run->n_atoms; i++) {
        double mass = mass_of(self, run->species[run->kind[i]]);
        if (mass > 0.0)
            run->mass_amu[i] = mass;
    }
    run->temperature_K = iw_qe_target_K(self);
    return iw_run_info_set_metadata(run, "ensemble", ensemble_of(self), err);
}

bool
iw_qe_is_input(const char *path)
{
    return iw_path_ends(path, ".in") || iw_path_ends(path, ".pwi") || iw_path_ends(path, ".cpi") ||
           iw_path_ends(path, ".inp");
}
