/* SPDX-License-Identifier: BSD-3-Clause */
#include "charges.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longest word that a message quotes. */
enum { QUOTED = 60 };

typedef struct {
    char name[IW_SPECIES_LENGTH + 1];
    double value;
} entry;

/* The entry that begins at *at, which moves to the next one.  False at the end of the list. */
static bool
next_word(const char **at, const char **word, size_t *size)
{
    *at += strspn(*at, ", ");
    *word = *at;
    *size = strcspn(*at, ", ");
    *at += *size;
    return *size > 0;
}

static iw_status
parse(const char *word, size_t size, entry *out, iw_error *err)
{
    char text[QUOTED + 1] = "", *end = NULL;
    *out = (entry){.name = ""};
    if (size <= QUOTED)
        memcpy(text, word, size);
    char *equals = strchr(text, '=');
    double value = equals ? strtod(equals + 1, &end) : 0.0;
    if (!equals || equals == text || end == equals + 1 || *end || !isfinite(value))
        return iw_fail(err, IW_INVALID, "'%.*s' is not NAME=NUMBER, as in Li=1",
                       (int)(size < QUOTED ? size : QUOTED), word);
    *equals = '\0';
    if (strlen(text) > IW_SPECIES_LENGTH)
        return iw_fail(err, IW_INVALID, "'%s' is longer than the %d characters of a species", text,
                       IW_SPECIES_LENGTH);
    memcpy(out->name, text, strlen(text) + 1);
    out->value = value;
    return IW_OK;
}

static iw_status
check(const char *list, const char *unit, iw_error *err)
{
    const char *word;
    size_t size;
    entry one, other;
    for (const char *at = list; next_word(&at, &word, &size);) {
        iw_status status = parse(word, size, &one, err);
        if (status != IW_OK)
            return status;
        const char *first;
        size_t length;
        for (const char *before = list; next_word(&before, &first, &length) && first < word;) {
            (void)parse(first, length, &other, NULL); /* was parsed before */
            if (strcmp(other.name, one.name) == 0)
                return iw_fail(err, IW_INVALID, "%s is given twice, as %g and as %g %s", one.name,
                               other.value, one.value, unit);
        }
    }
    return IW_OK;
}

iw_status
iw_charges_check(const char *list, iw_error *err)
{
    return check(list, "e", err);
}

/* The entry of a species.  The list has been checked. */
static bool
find(const char *list, const char *name, double *value)
{
    const char *word;
    size_t size;
    entry one;
    while (next_word(&list, &word, &size)) {
        (void)parse(word, size, &one, NULL);
        if (strcmp(one.name, name) == 0) {
            *value = one.value;
            return true;
        }
    }
    return false;
}

/* Every name of the list must be one of the run's. */
static iw_status
check_names(const iw_run_info *run, const char *list, iw_error *err)
{
    const char *word;
    size_t size;
    entry one;
    while (next_word(&list, &word, &size)) {
        size_t k = 0;
        (void)parse(word, size, &one, NULL);
        while (k < run->n_species && strcmp(run->species[k], one.name) != 0)
            k++;
        if (k < run->n_species)
            continue;
        char known[200] = "";
        for (k = 0; k < run->n_species; k++) {
            size_t used = strlen(known);
            (void)snprintf(known + used, sizeof known - used, "%s%s", k ? ", " : "",
                           run->species[k]);
        }
        return iw_fail(err, IW_INVALID, "there is no species %s in the run, which has %s", one.name,
                       known);
    }
    return IW_OK;
}

/* [n_atoms] those of the species that the list names. */
static void
apply(const iw_run_info *run, const char *list, double *values)
{
    for (size_t k = 0; k < run->n_species; k++) {
        double value;
        if (!find(list, run->species[k], &value))
            continue;
        for (size_t i = 0; i < run->n_atoms; i++)
            if (run->kind[i] == k)
                values[i] = value;
    }
}

iw_status
iw_charges_apply(iw_run_info *run, const char *list, iw_charges_kind kind, iw_error *err)
{
    iw_status status = iw_charges_check(list, err);
    if (status == IW_OK && kind == IW_CHARGES_EXACT)
        status = check_names(run, list, err);
    double charge_e = 0.0;
    for (size_t k = 0; k < run->n_species && status == IW_OK; k++) {
        if (!run->charge_e && !find(list, run->species[k], &charge_e))
            status =
                iw_fail(err, IW_INVALID, "%s has none; give every species one", run->species[k]);
    }
    if (status != IW_OK)
        return status;
    if (!run->charge_e && !(run->charge_e = calloc(run->n_atoms + 1, sizeof(double))))
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu charges", run->n_atoms);
    apply(run, list, run->charge_e);
    return IW_OK;
}

iw_status
iw_masses_apply(iw_run_info *run, const char *list, iw_error *err)
{
    double mass_amu = 0.0;
    iw_status status = check(list, "amu", err);
    if (status == IW_OK)
        status = check_names(run, list, err);
    for (size_t k = 0; k < run->n_species && status == IW_OK; k++)
        if (find(list, run->species[k], &mass_amu) && !(mass_amu > 0.0))
            status = iw_fail(err, IW_INVALID, "%s has %g amu, not above zero", run->species[k],
                             mass_amu);
    if (status == IW_OK)
        apply(run, list, run->mass_amu);
    return status;
}
