/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/cp2k/input.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define RAD_DEG 57.29577951308232

static const struct {
    const char *name;
    double value; /* in A, fs, K, degrees */
} units[] = {
    {"angstrom", 1.0},
    {"bohr", 0.529177210903},
    {"nm", 10.0},
    {"pm", 0.01},
    {"m", 1e10},
    {"fs", 1.0},
    {"ps", 1e3},
    {"ns", 1e6},
    {"au_t", 0.024188843265857},
    {"s", 1e15},
    {"au_l", 0.529177210903},
    {"K", 1.0},
    {"K_temp", 1.0},
    {"deg", 1.0},
    {"rad", RAD_DEG},
};

double
iw_cp2k_unit(const char *text, size_t size)
{
    double product = 1.0;
    for (const char *at = text, *end = text + size; at < end;) {
        const char *star = memchr(at, '*', (size_t)(end - at));
        size_t part = (size_t)((star ? star : end) - at);
        const char *caret = memchr(at, '^', part);
        size_t name = caret ? (size_t)(caret - at) : part;
        bool inverse = caret && part - name == 3 && memcmp(caret, "^-1", 3) == 0;
        double value = (double)NAN;
        for (size_t i = 0; i < sizeof units / sizeof *units; i++)
            if (strlen(units[i].name) == name && strncasecmp(units[i].name, at, name) == 0)
                value = units[i].value;
        if (isnan(value) || (caret && !inverse))
            return (double)NAN;
        product *= inverse ? 1.0 / value : value;
        at += part + (star ? 1 : 0);
    }
    return size > 0 ? product : (double)NAN;
}

size_t
iw_cp2k_values(iw_line value, double *out, size_t n)
{
    const char *word;
    size_t size, found = 0;
    iw_line rest = value;
    double unit = 1.0;
    if (iw_field_word(&rest, &word, &size) && *word == '[') {
        if (size < 3 || word[size - 1] != ']' || isnan(unit = iw_cp2k_unit(word + 1, size - 2)))
            return 0;
        value = rest;
    }
    while (found < n && iw_field_real(&value, &out[found]))
        out[found++] *= unit;
    return found;
}

/* Where in the tree of sections the text is. */
typedef struct {
    char path[512];
    size_t size, too_deep;
} place;

static void
enter(place *self, const char *name, size_t size)
{
    if (self->too_deep > 0 || self->size + size + 2 > sizeof self->path) {
        self->too_deep++;
        return;
    }
    for (size_t i = 0; i < size; i++)
        self->path[self->size++] = (char)toupper((unsigned char)name[i]);
    self->path[self->size++] = '/';
    self->path[self->size] = '\0';
}

static void
leave(place *self)
{
    if (self->too_deep > 0) {
        self->too_deep--;
        return;
    }
    if (self->size > 0)
        self->size--; /* its slash */
    while (self->size > 0 && self->path[self->size - 1] != '/')
        self->size--;
    self->path[self->size] = '\0';
}

static void
read_line(place *self, iw_line line, iw_cp2k_keyword keyword, void *context)
{
    for (const char *at = line.at; at < line.end; at++)
        if (*at == '!' || *at == '#')
            line.end = at;
    const char *word;
    size_t size;
    if (!iw_field_word(&line, &word, &size) || *word == '@')
        return;
    if (*word == '&') {
        if (size >= 4 && strncasecmp(word, "&END", 4) == 0)
            leave(self);
        else
            enter(self, word + 1, size - 1);
        return;
    }
    char name[sizeof self->path + 64];
    if (self->too_deep > 0 || size > 63)
        return;
    memcpy(name, self->path, self->size);
    for (size_t i = 0; i < size; i++)
        name[self->size + i] = (char)toupper((unsigned char)word[i]);
    name[self->size + size] = '\0';
    keyword(context, name, line);
}

iw_status
iw_cp2k_input_read(const char *file, iw_cp2k_keyword keyword, void *context, iw_error *err)
{
    iw_text *text = iw_text_open(file, false, err);
    if (!text)
        return err->code;
    iw_text_trust_end(text);
    place where = {0};
    iw_line line;
    iw_status status;
    while ((status = iw_text_line(text, &line, err)) == IW_OK)
        read_line(&where, line, keyword, context);
    iw_text_close(&text);
    return status == IW_NO_MEMORY || status == IW_IO ? status : IW_OK;
}
