/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/format.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOTES_MAX = 100, NOTE_LENGTH = 600, MOST_NAMES = 2000000 };

void
iw_notes_add(iw_notes *self, const char *format, ...)
{
    char text[NOTE_LENGTH];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (size_t i = 0; i < self->n; i++)
        if (strcmp(self->text[i], text) == 0)
            return;
    if (self->n == NOTES_MAX)
        return;
    /* A remark that finds no memory is given up: the frames matter more. */
    char **grown = realloc(self->text, (self->n + 1) * sizeof *grown);
    if (!grown)
        return;
    self->text = grown;
    grown[self->n] = strdup(text);
    if (grown[self->n])
        self->n++;
}

void
iw_notes_fini(iw_notes *self)
{
    for (size_t i = 0; i < self->n; i++)
        free(self->text[i]);
    free(self->text);
    memset(self, 0, sizeof *self);
}

/* "LI" is written as Li; what is no element in either spelling stays as it is. */
static void
usual_case(char *name)
{
    char usual[IW_SPECIES_LENGTH + 1] = "";
    size_t size = strlen(name);
    if (size != 2 || !isupper((unsigned char)name[0]) || !isupper((unsigned char)name[1]))
        return;
    usual[0] = name[0];
    usual[1] = (char)tolower((unsigned char)name[1]);
    if (isnan(iw_element_mass(name)) && !isnan(iw_element_mass(usual)))
        memcpy(name, usual, 2);
}

static iw_status
make_room(iw_names *self, iw_error *err)
{
    if (self->n < self->capacity)
        return IW_OK;
    size_t capacity = self->capacity ? 2 * self->capacity : 64;
    void *grown = realloc(self->name, capacity * sizeof *self->name);
    if (!grown) {
        (void)iw_fail(err, IW_NO_MEMORY, "no memory for the names of %zu atoms", capacity);
        return IW_NO_MEMORY;
    }
    self->name = grown;
    self->capacity = capacity;
    return IW_OK;
}

iw_status
iw_names_add(iw_names *self, const char *name, size_t size, iw_error *err)
{
    if (size == 0 || size > IW_SPECIES_LENGTH)
        return iw_fail(err, IW_INVALID, "the name of an atom has 1 to %d characters, not %zu",
                       IW_SPECIES_LENGTH, size);
    iw_status status = make_room(self, err);
    if (status != IW_OK)
        return status;
    char *to = self->name[self->n];
    memset(to, 0, sizeof *self->name);
    memcpy(to, name, size);
    usual_case(to);
    self->n++;
    return IW_OK;
}

iw_status
iw_names_parse(iw_names *self, const char *list, iw_error *err)
{
    for (const char *at = list;; at++) {
        size_t size = strcspn(at, ",*");
        size_t from = strspn(at, " ");
        if (from >= size)
            return iw_fail(err, IW_INVALID, "species '%.60s': an empty name", list);
        long times = 1;
        char *end = NULL;
        if (at[size] == '*') {
            times = strtol(at + size + 1, &end, 10);
            if (end == at + size + 1 || (*end && *end != ',') || times < 1)
                return iw_fail(err, IW_INVALID,
                               "species '%.60s': a number must follow '*', as in Ga*54", list);
        }
        if (times > MOST_NAMES || self->n + (size_t)times > MOST_NAMES)
            return iw_fail(err, IW_INVALID, "species '%.60s': more than %d atoms", list,
                           MOST_NAMES);
        size_t until = size;
        while (until > from && at[until - 1] == ' ')
            until--;
        iw_status status = iw_names_add(self, at + from, until - from, err);
        for (long i = 1; i < times && status == IW_OK; i++) {
            status = make_room(self, err);
            if (status == IW_OK)
                memcpy(self->name[self->n], self->name[self->n - 1], sizeof *self->name);
            self->n += status == IW_OK;
        }
        if (status != IW_OK) {
            (void)iw_prefix(err, "species '%.60s'", list);
            return status;
        }
        at = end ? end : at + size;
        if (!*at)
            return IW_OK;
    }
}

iw_status
iw_names_set_atoms(const iw_names *self, iw_run_info *run, iw_error *err)
{
    const char **pointers = malloc((self->n ? self->n : 1) * sizeof *pointers);
    if (!pointers)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu atoms", self->n);
    for (size_t i = 0; i < self->n; i++)
        pointers[i] = self->name[i];
    iw_status status = iw_run_info_set_atoms(run, self->n, pointers, err);
    free(pointers);
    return status;
}

iw_status
iw_names_override(iw_names *self, const char *list, iw_error *err)
{
    iw_names given = {0};
    iw_status status = iw_names_parse(&given, list, err);
    if (status == IW_OK && given.n != self->n && given.n != 1)
        status = iw_fail(err, IW_INVALID,
                         "species '%.60s' names %zu atoms, the file has %zu: name each of them, as "
                         "in Ga*54,N*54, or leave the option out",
                         list, given.n, self->n);
    for (size_t i = 0; status == IW_OK && given.name && i < self->n; i++)
        memcpy(self->name[i], given.name[given.n == 1 ? 0 : i], sizeof *self->name);
    iw_names_fini(&given);
    return status;
}

void
iw_names_fini(iw_names *self)
{
    free(self->name);
    memset(self, 0, sizeof *self);
}

double
iw_label_mass(const char *label)
{
    double mass = iw_element_mass(label);
    if (!isnan(mass))
        return mass;
    /* "Na1", "O_a": a kind of an element. */
    size_t letters = 0;
    while (isalpha((unsigned char)label[letters]))
        letters++;
    size_t digits = strspn(label + letters, "0123456789");
    char element[3] = "";
    if (letters == 0 || letters > 2 || (label[letters] != '_' && label[letters + digits]))
        return (double)NAN;
    memcpy(element, label, letters);
    usual_case(element);
    return iw_element_mass(element);
}

bool
iw_head_line(const iw_head *head, size_t n, iw_line *line)
{
    const char *at = head->data, *end = head->data + head->size;
    for (size_t i = 0;; i++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (!newline)
            return false;
        if (i == n) {
            *line = (iw_line){at, newline};
            return true;
        }
        at = newline + 1;
    }
}

const char *
iw_familiar(const char *data, size_t size)
{
#define MAGIC(text) text, sizeof(text) - 1
    static const struct {
        const char *magic;
        size_t size;
        const char *text;
    } known[] = {
        {MAGIC("<?xml"), "an XML file, but no vasprun.xml (<modeling>)"},
        {MAGIC("CDF"), "a NetCDF file: convert it to extended XYZ"},
        {MAGIC("\x89HDF"), "an HDF5 file: convert it to extended XYZ"},
        {MAGIC("T\0\0\0CORD"), "a DCD file: convert it to extended XYZ"},
        {MAGIC("{"), "a JSON file: convert it to extended XYZ"},
    };
#undef MAGIC
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (size >= known[i].size && memcmp(data, known[i].magic, known[i].size) == 0)
            return known[i].text;
    return NULL;
}
