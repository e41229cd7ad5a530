/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/vasp/incar.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const char *const compressed[] = {"", ".gz", ".xz", ".zst"};
enum { N_COMPRESSED = sizeof compressed / sizeof compressed[0] };

/* One assignment; keys that say nothing about time are passed over. */
static bool
assign(iw_incar *self, const char *key, size_t key_size, iw_line value)
{
    static const char *const keys[] = {"POTIM", "NBLOCK", "TEBEG", "TEEND", "IBRION"};
    size_t k = 0;
    while (k < 5 && !(strlen(keys[k]) == key_size && strncasecmp(keys[k], key, key_size) == 0))
        k++;
    switch (k) {
    case 0:
        return iw_field_real(&value, &self->potim_fs);
    case 1:
        return iw_field_int(&value, &self->nblock) && self->nblock >= 1 &&
               self->nblock <= 1000000000;
    case 2:
        return iw_field_real(&value, &self->begin_K);
    case 3:
        return iw_field_real(&value, &self->end_K);
    case 4:
        return iw_field_int(&value, &self->ibrion);
    default:
        return true;
    }
}

/* "KEY = value", several to a line when ';' stands between them; '#' and '!' begin a comment. */
static iw_status
read_line(iw_incar *self, const iw_text *text, iw_line line, iw_error *err)
{
    for (const char *at = line.at; at < line.end; at++)
        if (*at == '#' || *at == '!')
            line.end = at;
    while (line.at < line.end) {
        const char *stop = memchr(line.at, ';', (size_t)(line.end - line.at));
        iw_line part = {line.at, stop ? stop : line.end};
        const char *equals = memchr(part.at, '=', (size_t)(part.end - part.at));
        const char *key;
        size_t size;
        if (equals) {
            iw_line before = {part.at, equals}, value = {equals + 1, part.end};
            char excerpt[48];
            if (iw_field_word(&before, &key, &size) && !assign(self, key, size, value))
                return iw_text_fail(text, err, IW_INVALID, "'%s' is not a number that fits here",
                                    iw_line_excerpt(part, excerpt));
        }
        line.at = stop ? stop + 1 : line.end;
    }
    return IW_OK;
}

/* Sets self->path to the first of stem, stem.gz, ... that can be read. */
static bool
find(iw_incar *self, const char *folder, int folder_size, const char *name, int name_size,
     const char *tail)
{
    for (size_t i = 0; i < N_COMPRESSED; i++) {
        int size = snprintf(self->path, sizeof self->path, "%.*s%.*sINCAR%s%s", folder_size, folder,
                            name_size, name, tail, compressed[i]);
        if (size > 0 && (size_t)size < sizeof self->path && access(self->path, R_OK) == 0)
            return true;
    }
    self->path[0] = '\0';
    return false;
}

iw_status
iw_incar_find(iw_incar *self, const char *xdatcar, iw_error *err)
{
    *self = (iw_incar){.potim_fs = (double)NAN,
                       .nblock = 1,
                       .begin_K = (double)NAN,
                       .end_K = (double)NAN,
                       .ibrion = -1};
    const char *slash = strrchr(xdatcar, '/');
    const char *base = slash ? slash + 1 : xdatcar;
    const char *name = strstr(base, "XDATCAR");
    bool found = false;
    if (name) {
        char tail[256];
        (void)snprintf(tail, sizeof tail, "%s", name + strlen("XDATCAR"));
        for (size_t i = 1; i < N_COMPRESSED; i++) {
            size_t size = strlen(tail), end = strlen(compressed[i]);
            if (size >= end && strcmp(tail + size - end, compressed[i]) == 0)
                tail[size - end] = '\0';
        }
        found = find(self, xdatcar, (int)(base - xdatcar), base, (int)(name - base), tail);
    }
    if (!found && !find(self, xdatcar, (int)(base - xdatcar), "", 0, ""))
        return IW_OK;
    iw_text *text = iw_text_open(self->path, false, err);
    if (!text)
        return IW_INVALID;
    iw_text_trust_end(text);
    iw_line line;
    iw_status status;
    do {
        iw_text_mark(text);
        status = iw_text_line(text, &line, err);
        if (status == IW_OK)
            status = read_line(self, text, line, err);
    } while (status == IW_OK);
    iw_text_close(&text);
    return status == IW_END ? IW_OK : status;
}
