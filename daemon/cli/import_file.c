/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "import_file.h"

#include "adapters/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { LARGEST = 64 << 20 };

/* Twice the room, with a place for the NUL. */
static iw_status
grow(iw_import_file *self, size_t *room, iw_error *err)
{
    size_t wanted = *room ? 2 * *room : 1 << 16;
    char *grown = wanted > LARGEST ? NULL : realloc(self->text, wanted + 1);
    if (!grown)
        return iw_fail(err, IW_NO_MEMORY, "%d MiB or more, or no memory for it", LARGEST >> 20);
    self->text = grown;
    *room = wanted;
    return IW_OK;
}

static iw_status
read_all(FILE *file, bool text, iw_import_file *out, iw_error *err)
{
    XXH3_state_t state;
    size_t room = 0, got = 1;
    iw_status status = IW_OK;
    (void)XXH3_128bits_reset(&state);
    while (status == IW_OK && got > 0) {
        if (out->size == room && (status = grow(out, &room, err)) != IW_OK)
            break;
        got = fread(out->text + out->size, 1, room - out->size, file);
        (void)XXH3_128bits_update(&state, out->text + out->size, got);
        out->size += text ? got : 0; /* else the next piece goes to the same place */
    }
    if (status == IW_OK && ferror(file))
        status = iw_fail_errno(err, "it cannot be read");
    XXH128_hash_t hash = XXH3_128bits_digest(&state);
    (void)snprintf(out->hash, sizeof out->hash, "xxh3:%016llx%016llx",
                   (unsigned long long)hash.high64, (unsigned long long)hash.low64);
    return status;
}

iw_status
iw_import_read(const char *path, bool text, iw_import_file *out, iw_error *err)
{
    *out = (iw_import_file){0};
    FILE *file = fopen(path, "rb");
    if (!file)
        return errno == ENOENT ? iw_fail(err, IW_IO, "%s: there is no such file", path)
                               : iw_fail_errno(err, "%s cannot be read", path);
    struct stat about;
    bool twice = !text && (fstat(fileno(file), &about) != 0 || !S_ISREG(about.st_mode));
    iw_status status =
        twice ? iw_fail(err, IW_INVALID, "no regular file, and it is read twice: once for its hash")
              : read_all(file, text, out, err);
    (void)fclose(file);
    if (status == IW_OK && text) {
        out->text[out->size] = '\0';
        return IW_OK;
    }
    free(out->text);
    out->text = NULL;
    return status ? iw_prefix(err, "%s", path) : IW_OK;
}

void
iw_import_fini(iw_import_file *self)
{
    free(self->text);
    *self = (iw_import_file){0};
}

/* ---- elastic tensors ---- */

static const char outcar_heading[] = "TOTAL ELASTIC MODULI (kBar)";

/* Rows of one half: 6, 5, ... 1 numbers, or 1, 2, ... 6. */
static iw_status
mirror(double rows[6][6], const size_t n[6], double c[36], iw_error *err)
{
    bool upper = true, lower = true, whole = true;
    for (size_t i = 0; i < 6; i++) {
        whole = whole && n[i] == 6;
        upper = upper && n[i] == 6 - i;
        lower = lower && n[i] == i + 1;
    }
    if (!whole && !upper && !lower)
        return iw_fail(
            err, IW_INVALID,
            "the tensor has rows of %zu, %zu, %zu, %zu, %zu and %zu numbers: 6 rows of 6 "
            "are expected, or one half of them",
            n[0], n[1], n[2], n[3], n[4], n[5]);
    for (size_t i = 0; i < 6; i++)
        for (size_t k = 0; k < n[i]; k++) {
            size_t j = upper && !whole ? i + k : k;
            c[6 * i + j] = rows[i][k];
            if (!whole)
                c[6 * j + i] = rows[i][k];
        }
    return IW_OK;
}

static iw_status
tensor_of_json(const json_t *value, double c[36], iw_error *err)
{
    /* As the Materials Project nests them, now and formerly. */
    static const char *const keys[] = {"elasticity", "elastic_tensor", "ieee_format", "raw",
                                       "c_GPa"};
    double rows[6][6] = {{0}};
    size_t n[6];
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        if (json_object_get(value, keys[k]))
            value = json_object_get(value, keys[k]);
    if (json_array_size(value) != 6)
        return iw_fail(err, IW_INVALID,
                       "no tensor in it: an array of 6 rows, or an object with one in "
                       "\"elastic_tensor\" or \"c_GPa\", is expected");
    for (size_t i = 0; i < 6; i++) {
        const json_t *row = json_array_get(value, i);
        n[i] = json_array_size(row);
        for (size_t k = 0; k < n[i] && k < 6; k++) {
            if (!json_is_number(json_array_get(row, k)))
                return iw_fail(err, IW_INVALID, "element %zu,%zu of the tensor is no number", i + 1,
                               k + 1);
            rows[i][k] = json_number_value(json_array_get(row, k));
        }
        n[i] = n[i] > 6 ? 7 : n[i];
    }
    return mirror(rows, n, c, err);
}

/* One line of numbers; *n is 0 where there are none. */
static iw_status
tensor_line(char *line, size_t number, double row[6], size_t *n, iw_error *err)
{
    char *rest = line, *word;
    *n = 0;
    line[strcspn(line, "#")] = '\0';
    while ((word = strsep(&rest, " \t\r,;")) != NULL) {
        double value;
        if (!*word)
            continue;
        if (!iw_parse_real(word, &value))
            return iw_fail(err, IW_INVALID, "line %zu: \"%.40s\" is no number", number, word);
        if (*n == 6)
            return iw_fail(err, IW_INVALID, "line %zu: more than 6 numbers", number);
        row[(*n)++] = value;
    }
    return IW_OK;
}

static iw_status
tensor_of_text(char *text, double c[36], iw_error *err)
{
    double rows[6][6] = {{0}}, row[6];
    size_t n[6] = {0}, found = 0, count, number = 0;
    char *line;
    while ((line = strsep(&text, "\n")) != NULL) {
        iw_status status = tensor_line(line, ++number, row, &count, err);
        if (status)
            return status;
        if (count == 0)
            continue;
        if (found == 6)
            return iw_fail(err, IW_INVALID, "line %zu: a seventh row of numbers", number);
        memcpy(rows[found], row, count * sizeof *row);
        n[found++] = count;
    }
    return mirror(rows, n, c, err);
}

/* What VASP writes below its heading: names of columns, a rule, and six rows that begin with
 * theirs. */
static iw_status
tensor_of_outcar(char *text, size_t number, double c[36], iw_error *err)
{
    static const char *const names[] = {"XX", "YY", "ZZ", "XY", "YZ", "ZX"};
    size_t found = 0, count;
    char *line;
    while (found < 6 && (line = strsep(&text, "\n")) != NULL) {
        double row[6];
        line += strspn(line, " \t");
        number++;
        if (strncmp(line, "Direction", 9) == 0 || *line == '-' || *line == '\0' || *line == '\r')
            continue;
        if (strncmp(line, names[found], 2) != 0)
            break;
        iw_status status = tensor_line(line + 2, number, row, &count, err);
        if (status)
            return status;
        if (count < 6)
            return iw_fail(err, IW_INVALID, "line %zu: %zu numbers, and 6 are expected", number,
                           count);
        memcpy(&c[6 * found++], row, sizeof row);
    }
    return found == 6 ? IW_OK
                      : iw_fail(err, IW_INVALID, "line %zu: row %s of \"%s\" is expected", number,
                                names[found], outcar_heading);
}

static iw_status
tensor_of_lines(char *text, iw_import_tensor *out, iw_error *err)
{
    char *last = NULL, *next = text;
    while ((next = strstr(next, outcar_heading)) != NULL)
        last = next++;
    if (!last)
        return tensor_of_text(text, out->c, err);
    size_t number = 1;
    for (const char *at = text; at < last; at++)
        number += *at == '\n';
    out->outcar = true;
    return tensor_of_outcar(last + strcspn(last, "\n"), number - 1, out->c, err);
}

iw_status
iw_import_tensor_parse(const char *text, size_t size, iw_import_tensor *out, iw_error *err)
{
    json_error_t where;
    size_t blank = strspn(text, " \t\r\n");
    *out = (iw_import_tensor){.outcar = false};
    if (text[blank] == '[' || text[blank] == '{') {
        json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
        if (!value)
            return iw_fail(err, IW_INVALID, "line %d: %s", where.line, where.text);
        iw_status status = tensor_of_json(value, out->c, err);
        json_decref(value);
        return status;
    }
    char *copy = strndup(text, size);
    if (!copy)
        return iw_fail(err, IW_NO_MEMORY, "no memory for a tensor");
    iw_status status = tensor_of_lines(copy, out, err);
    free(copy);
    return status;
}
