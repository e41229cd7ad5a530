/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/vasp/settings.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { LONGEST_BLOCK = 1000000000 };

static const char *const compressed[] = {"", ".gz", ".xz", ".zst"};
enum { N_COMPRESSED = sizeof compressed / sizeof compressed[0] };

void
iw_vasp_settings_init(iw_vasp_settings *self)
{
    *self = (iw_vasp_settings){.potim_fs = (double)NAN,
                               .nblock = 1,
                               .outblock = 1,
                               .begin_K = (double)NAN,
                               .end_K = (double)NAN,
                               .ibrion = -1,
                               .mdalgo = -1};
}

typedef enum { REAL, INTEGER, BLOCK, MODE, START } kind;

static const struct {
    const char *name;
    kind kind;
    size_t offset;
} keys[] = {
    {"POTIM", REAL, offsetof(iw_vasp_settings, potim_fs)},
    {"TEBEG", REAL, offsetof(iw_vasp_settings, begin_K)},
    {"TEEND", REAL, offsetof(iw_vasp_settings, end_K)},
    {"NBLOCK", BLOCK, offsetof(iw_vasp_settings, nblock)},
    {"ML_OUTBLOCK", BLOCK, offsetof(iw_vasp_settings, outblock)},
    {"IBRION", INTEGER, offsetof(iw_vasp_settings, ibrion)},
    {"MDALGO", INTEGER, offsetof(iw_vasp_settings, mdalgo)},
    {"ML_MODE", MODE, offsetof(iw_vasp_settings, learned_only)},
    {"ML_ISTART", START, offsetof(iw_vasp_settings, learned_only)},
};

/* One assignment; keys that say nothing about time are passed over. */
static bool
assign(iw_vasp_settings *self, const char *key, size_t key_size, iw_line value)
{
    size_t k = 0, n = sizeof keys / sizeof keys[0], size;
    while (k < n &&
           !(strlen(keys[k].name) == key_size && strncasecmp(keys[k].name, key, key_size) == 0))
        k++;
    if (k == n)
        return true;
    void *to = (char *)self + keys[k].offset;
    const char *word;
    double real;
    int64_t whole;
    switch (keys[k].kind) {
    case REAL:
        if (!iw_field_real(&value, &real))
            return false;
        *(double *)to = real;
        return true;
    case MODE:
        *(bool *)to = iw_field_word(&value, &word, &size) &&
                      ((size >= 3 && strncasecmp(word, "run", 3) == 0) ||
                       (size >= 4 && strncasecmp(word, "pred", 4) == 0));
        return true;
    case INTEGER:
    case BLOCK:
    case START:
        break;
    }
    if (!iw_field_int(&value, &whole))
        return false;
    if (keys[k].kind == START) {
        *(bool *)to = whole == 2;
        return true;
    }
    if (keys[k].kind == BLOCK && (whole < 1 || whole > LONGEST_BLOCK))
        return false;
    *(int64_t *)to = whole;
    return true;
}

bool
iw_vasp_settings_assign(iw_vasp_settings *self, iw_line line)
{
    bool fits = true;
    for (const char *at = line.at; at < line.end; at++)
        if (*at == '#' || *at == '!')
            line.end = at;
    while (fits && line.at < line.end) {
        const char *stop = memchr(line.at, ';', (size_t)(line.end - line.at));
        iw_line part = {line.at, stop ? stop : line.end};
        const char *equals = memchr(part.at, '=', (size_t)(part.end - part.at));
        const char *key;
        size_t size;
        if (equals) {
            iw_line before = {part.at, equals}, value = {equals + 1, part.end};
            fits = !iw_field_word(&before, &key, &size) || assign(self, key, size, value);
        }
        line.at = stop ? stop + 1 : line.end;
    }
    return fits;
}

/* The value of an attribute within the opening tag, which ends at close. */
static bool
attribute(iw_line line, const char *close, const char *name, iw_line *value)
{
    size_t size = strlen(name);
    for (const char *at = line.at; at + size + 2 < close; at++)
        if (at[0] == ' ' && strncmp(at + 1, name, size) == 0 && at[size + 1] == '=' &&
            at[size + 2] == '"') {
            const char *from = at + size + 3;
            const char *quote = memchr(from, '"', (size_t)(close - from));
            *value = (iw_line){from, quote};
            return quote != NULL;
        }
    return false;
}

/* <i ... name="KEY" ...>content</i>: the key and the content. */
static bool
element(iw_line line, const char *tag, iw_line *key, iw_line *content)
{
    size_t size = strlen(tag);
    while (line.at < line.end && (*line.at == ' ' || *line.at == '\t'))
        line.at++;
    if ((size_t)(line.end - line.at) < size + 2 || line.at[0] != '<' ||
        strncmp(line.at + 1, tag, size) != 0 || line.at[size + 1] != ' ')
        return false;
    const char *close = memchr(line.at, '>', (size_t)(line.end - line.at));
    if (!close || !attribute(line, close, "name", key))
        return false;
    const char *end = memchr(close, '<', (size_t)(line.end - close));
    *content = (iw_line){close + 1, end ? end : line.end};
    return true;
}

bool
iw_vasp_element(iw_line line, const char *tag, const char *name, iw_line *content)
{
    iw_line key;
    size_t size = strlen(name);
    return element(line, tag, &key, content) && (size_t)(key.end - key.at) == size &&
           strncmp(key.at, name, size) == 0;
}

void
iw_vasp_settings_element(iw_vasp_settings *self, iw_line line)
{
    iw_line key, content;
    if (element(line, "i", &key, &content))
        (void)assign(self, key.at, (size_t)(key.end - key.at), content);
}

const char *
iw_vasp_word(iw_line line, const char *word)
{
    return memmem(line.at, (size_t)(line.end - line.at), word, strlen(word));
}

/* Reads the file, or its head: VASP says in it what it works with before the first step. */
static iw_status
read_settings(iw_vasp_settings *self, const char *kind_of_file, iw_error *err)
{
    iw_text *text = iw_text_open(self->path, false, err);
    if (!text)
        return IW_INVALID;
    iw_text_trust_end(text);
    bool incar = strcmp(kind_of_file, "INCAR") == 0, xml = strcmp(kind_of_file, "OUTCAR") != 0;
    iw_line line;
    iw_status status;
    char excerpt[48];
    for (;;) {
        iw_text_mark(text);
        status = iw_text_line(text, &line, err);
        if (status != IW_OK ||
            (!incar && (iw_vasp_word(line, "Iteration ") || iw_vasp_word(line, "Ionic step ") ||
                        iw_vasp_word(line, "<calculation"))))
            break;
        if (xml && !incar)
            iw_vasp_settings_element(self, line);
        else if (!iw_vasp_settings_assign(self, line) && incar) {
            status = iw_text_fail(text, err, IW_INVALID, "'%s' is not a number that fits here",
                                  iw_line_excerpt(line, excerpt));
            break;
        }
    }
    iw_text_close(&text);
    if (!incar) /* a damaged one has nothing to say */
        return IW_OK;
    return status == IW_END ? IW_OK : status;
}

/* Sets self->path to the first of stem, stem.gz, ... that can be read. */
static bool
find(iw_vasp_settings *self, iw_line folder, iw_line before, const char *name, const char *tail)
{
    for (size_t i = 0; i < N_COMPRESSED; i++) {
        int size = snprintf(self->path, sizeof self->path, "%.*s%.*s%s%s%s",
                            (int)(folder.end - folder.at), folder.at, (int)(before.end - before.at),
                            before.at, name, tail, compressed[i]);
        if (size > 0 && (size_t)size < sizeof self->path && access(self->path, R_OK) == 0)
            return true;
    }
    self->path[0] = '\0';
    return false;
}

iw_status
iw_vasp_settings_find(iw_vasp_settings *self, const char *path, const char *word, iw_error *err)
{
    static const char *const names[] = {"vasprun.xml", "OUTCAR", "INCAR"};
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    const char *at = strstr(base, word);
    iw_line folder = {path, base}, before = {base, at ? at : base}, none = {base, base};
    char tail[256];
    (void)snprintf(tail, sizeof tail, "%s", at ? at + strlen(word) : "");
    for (size_t i = 1; i < N_COMPRESSED; i++) {
        size_t size = strlen(tail), end = strlen(compressed[i]);
        if (size >= end && strcmp(tail + size - end, compressed[i]) == 0)
            tail[size - end] = '\0';
    }
    iw_status status = IW_OK;
    iw_vasp_settings_init(self);
    for (size_t i = 0; status == IW_OK && i < 3 && isnan(self->potim_fs); i++) {
        iw_vasp_settings found;
        iw_vasp_settings_init(&found);
        if ((at && find(&found, folder, before, names[i], tail)) ||
            find(&found, folder, none, names[i], ""))
            status = read_settings(&found, names[i], err);
        if (found.path[0])
            *self = found;
    }
    return status;
}

int64_t
iw_vasp_settings_block(const iw_vasp_settings *self)
{
    return self->learned_only && self->outblock > self->nblock ? self->outblock : self->nblock;
}

iw_status
iw_vasp_settings_describe(const iw_vasp_settings *self, int64_t stride, const iw_piece *piece,
                          iw_run_info *run, iw_error *err)
{
    iw_notes *notes = piece->notes;
    run->stride = stride;
    run->timestep_fs = self->potim_fs;
    if (!self->path[0])
        return IW_OK;
    if (!isnan(self->potim_fs) && stride == 1)
        iw_notes_add(notes, "frames are %g fs apart: POTIM in %s", self->potim_fs, self->path);
    else if (!isnan(self->potim_fs))
        iw_notes_add(notes, "frames are %g fs apart: POTIM %g x %s %lld in %s",
                     self->potim_fs * (double)stride, self->potim_fs,
                     stride == self->nblock ? "NBLOCK" : "ML_OUTBLOCK", (long long)stride,
                     self->path);
    if (self->ibrion > 0)
        iw_notes_add(notes, "%s has IBRION = %lld, which is no molecular dynamics", self->path,
                     (long long)self->ibrion);
    if (isnan(self->end_K) || self->begin_K == self->end_K)
        run->temperature_K = self->begin_K;
    else if (isnan(piece->options->temperature_K))
        iw_notes_add(notes,
                     "%s takes the temperature from %g to %g K: there is no target temperature; "
                     "--temperature sets one",
                     self->path, isnan(self->begin_K) ? 0.0 : self->begin_K, self->end_K);
    char number[24];
    (void)snprintf(number, sizeof number, "%lld", (long long)self->mdalgo);
    return self->mdalgo < 0 ? IW_OK : iw_run_info_set_metadata(run, "MDALGO", number, err);
}
