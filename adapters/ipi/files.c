/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/ipi/files.h"
#include "adapters/cell.h"

#include <stdio.h>
#include <string.h>

enum { HEAD = 4096 };

/* Moves behind the first text in the line. */
static bool
skip_past(iw_line *line, const char *text)
{
    const char *at = memmem(line->at, (size_t)(line->end - line->at), text, strlen(text));
    if (at)
        line->at = at + strlen(text);
    return at != NULL;
}

/* "CELL(abcABC): ..." in any brackets; lengths and angles, or the vectors as columns (H) or rows
 * (GENH). */
static bool
read_cell(iw_line line, double cell[9])
{
    const char *word;
    size_t size;
    double value[9];
    if (!skip_past(&line, "CELL") || line.at == line.end || !strchr("([{", *line.at) ||
        !iw_field_word(&line, &word, &size) || size < 4 || word[size - 1] != ':' ||
        !strchr(")]}", word[size - 2]))
        return false;
    bool lengths = size == 9 && memcmp(word + 1, "abcABC", 6) == 0;
    bool columns = size == 4 && word[1] == 'H';
    if (!lengths && !columns && !(size == 7 && memcmp(word + 1, "GENH", 4) == 0))
        return false;
    for (size_t i = 0; i < (lengths ? 6 : 9); i++)
        if (!iw_field_real(&line, &value[i]))
            return false;
    if (lengths)
        return iw_cell_from_lengths(value, value + 3, cell);
    for (size_t i = 0; i < 9; i++)
        cell[i] = columns ? value[3 * (i % 3) + i / 3] : value[i];
    return true;
}

static void
read_quantity(iw_line word, iw_ipi_comment *out)
{
    static const struct {
        const char *name;
        iw_ipi_quantity quantity;
    } known[] = {{"positions", IW_IPI_POSITIONS},
                 {"x_centroid", IW_IPI_X_CENTROID},
                 {"velocities", IW_IPI_VELOCITIES},
                 {"v_centroid", IW_IPI_V_CENTROID}};
    const char *brace = memchr(word.at, '{', (size_t)(word.end - word.at));
    size_t size = (size_t)((brace ? brace : word.end) - word.at);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].name) == size && memcmp(known[i].name, word.at, size) == 0)
            out->quantity = known[i].quantity;
    const char *close = brace ? memchr(brace, '}', (size_t)(word.end - brace)) : NULL;
    if (close)
        out->unit = (iw_line){brace + 1, close};
}

bool
iw_ipi_comment_read(iw_line line, iw_ipi_comment *out)
{
    static const char none[] = "";
    *out =
        (iw_ipi_comment){.quantity = IW_IPI_OTHER, .unit = {none, none}, .cell_unit = {none, none}};
    iw_line rest = line;
    if (!read_cell(line, out->cell) || !skip_past(&rest, "Step:") ||
        !iw_field_int(&rest, &out->step))
        return false;
    rest = line;
    if (skip_past(&rest, "Bead:"))
        (void)iw_field_int(&rest, &out->bead);
    /* QUANTITY{unit}, where older releases say "Traj: QUANTITY{unit}" or "Traj: QUANTITY" */
    bool after_traj = false;
    iw_line word;
    size_t size;
    for (rest = line; iw_field_word(&rest, &word.at, &size);) {
        word.end = word.at + size;
        if (size > 5 && memcmp(word.at, "cell{", 5) == 0 && word.end[-1] == '}') {
            out->cell_unit = (iw_line){word.at + 5, word.end - 1};
            out->tells_cell_unit = true;
        } else if (after_traj || (memchr(word.at, '{', size) && memcmp(word.at, "CELL", 4) != 0)) {
            read_quantity(word, out);
        }
        after_traj = size == 5 && memcmp(word.at, "Traj:", 5) == 0;
    }
    return true;
}

/* Without ".xyz", compressed or not; 0: this is no such name. */
static size_t
stem_size(const char *path)
{
    static const char *const ends[] = {".xyz", ".xyz.gz", ".xyz.xz", ".xyz.zst"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (iw_path_ends(path, ends[i]))
            return strlen(path) - strlen(ends[i]);
    return 0;
}

void
iw_ipi_prefix(const char *path, char prefix[IW_IPI_PREFIX])
{
    const char *base = iw_path_base(path), *end = path + stem_size(path);
    const char *dot = end > base ? memrchr(base, '.', (size_t)(end - base)) : NULL;
    (void)snprintf(prefix, IW_IPI_PREFIX, "%.*s", dot ? (int)(dot - base) : 0, base);
}

/* The first comment of a file.  NOT_FOUND: it is none of i-PI's; AGAIN: it is not written yet. */
static iw_status
peek(const char *path, iw_ipi_comment *out, char data[HEAD], iw_error *err)
{
    iw_text *text = iw_text_open(path, false, err);
    if (!text)
        return err->code == IW_NO_MEMORY ? IW_NO_MEMORY : IW_NOT_FOUND;
    iw_head head = {iw_path_base(path), NULL, 0};
    iw_status status = iw_text_peek(text, HEAD, &head.data, &head.size, err);
    if (status == IW_OK)
        head.data = memcpy(data, head.data, head.size); /* the comment points into it */
    iw_line line;
    if (status == IW_OK && !iw_head_line(&head, 1, &line))
        status = head.size < HEAD ? IW_AGAIN : IW_NOT_FOUND;
    else if (status == IW_OK && !iw_ipi_comment_read(line, out))
        status = IW_NOT_FOUND;
    iw_text_close(&text);
    return status == IW_OK || status == IW_AGAIN || status == IW_NO_MEMORY ? status : IW_NOT_FOUND;
}

static bool
is_velocity_name(const char *path)
{
    static const char *const names[] = {".vel", ".vc", ".v_centroid"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strstr(iw_path_base(path), names[i]))
            return true;
    return false;
}

static iw_status
look_at(iw_ipi_beside *self, const char *path, const iw_ipi_comment *own, iw_error *err)
{
    char data[HEAD];
    iw_ipi_comment its;
    iw_status status = peek(path, &its, data, err);
    if (status == IW_AGAIN)
        self->awaited = self->awaited || is_velocity_name(path);
    if (status != IW_OK)
        return status == IW_NO_MEMORY ? status : IW_OK;
    bool centroid = own->quantity == IW_IPI_X_CENTROID;
    if (own->quantity == IW_IPI_POSITIONS && its.quantity == IW_IPI_POSITIONS &&
        its.bead != own->bead)
        self->beads = true;
    if (centroid ? its.quantity == IW_IPI_V_CENTROID
                 : its.quantity == IW_IPI_VELOCITIES && its.bead == own->bead) {
        self->several = self->velocities[0] != '\0';
        (void)snprintf(self->velocities, sizeof self->velocities, "%s", path);
    }
    return IW_OK;
}

/* The files in the folder of path. */
static iw_status
read_beside(iw_folder *folder, const char *path, iw_error *err)
{
    char place[IW_PATH_LENGTH];
    *folder = (iw_folder){0};
    if (!iw_path_beside(path, "", place))
        return IW_OK;
    return iw_folder_read(folder, *place ? place : ".", err);
}

iw_status
iw_ipi_look_beside(iw_ipi_beside *self, const char *path, const iw_ipi_comment *own, iw_error *err)
{
    *self = (iw_ipi_beside){.several = false};
    iw_folder folder;
    char prefix[IW_IPI_PREFIX], its[IW_IPI_PREFIX];
    iw_ipi_prefix(path, prefix);
    iw_status status = read_beside(&folder, path, err);
    for (size_t i = 0; i < folder.n && status == IW_OK; i++) {
        const char *other = folder.path[i];
        iw_ipi_prefix(other, its);
        if (stem_size(other) > 0 && strcmp(its, prefix) == 0 &&
            strcmp(iw_path_base(other), iw_path_base(path)) != 0)
            status = look_at(self, other, own, err);
    }
    iw_folder_fini(&folder);
    return status;
}

/* Of a folder: the files that may be meant. */
typedef struct {
    const char *centroid, *bead, *other_bead, *other;
} candidates;

/* Of one run are files of one prefix. */
static void
add_candidate(candidates *self, const char *path, const iw_ipi_comment *its)
{
    char first[IW_IPI_PREFIX], second[IW_IPI_PREFIX];
    const char **place = its->quantity == IW_IPI_X_CENTROID ? &self->centroid : &self->bead;
    const char *known = self->centroid ? self->centroid : self->bead;
    iw_ipi_prefix(known ? known : path, first);
    iw_ipi_prefix(path, second);
    if (strcmp(first, second) != 0 || (*place && its->quantity == IW_IPI_X_CENTROID))
        self->other = path;
    else if (*place)
        self->other_bead = path;
    else
        *place = path;
}

/* prefix: only files of it, or NULL. */
static iw_status
choose(const char *where, const iw_folder *folder, const char *prefix, char found[IW_PATH_LENGTH],
       iw_error *err)
{
    candidates files = {NULL, NULL, NULL, NULL};
    char data[HEAD], its[IW_IPI_PREFIX];
    for (size_t i = 0; i < folder->n; i++) {
        iw_ipi_comment comment;
        iw_ipi_prefix(folder->path[i], its);
        if (stem_size(folder->path[i]) == 0 || (prefix && strcmp(its, prefix) != 0))
            continue;
        iw_status status = peek(folder->path[i], &comment, data, err);
        if (status == IW_NO_MEMORY)
            return status;
        if (status == IW_OK &&
            (comment.quantity == IW_IPI_POSITIONS || comment.quantity == IW_IPI_X_CENTROID))
            add_candidate(&files, folder->path[i], &comment);
    }
    const char *one = files.centroid ? files.centroid : files.bead;
    if (files.other)
        return iw_fail(err, IW_INVALID,
                       "%s holds %s and %s: name one of them, or several in their order if they "
                       "are pieces of one run",
                       where, iw_path_base(one), iw_path_base(files.other));
    if (!files.centroid && files.other_bead)
        return iw_fail(err, IW_INVALID,
                       "%s holds the beads of a path (%s, %s) and no centroid: let i-PI write "
                       "x_centroid, and v_centroid, which are what diffuses",
                       where, iw_path_base(one), iw_path_base(files.other_bead));
    if (one)
        (void)snprintf(found, IW_PATH_LENGTH, "%s", one);
    return one ? IW_OK : IW_NOT_FOUND;
}

iw_status
iw_ipi_find(const char *path, bool folder, char found[IW_PATH_LENGTH], iw_error *err)
{
    char prefix[IW_IPI_PREFIX];
    iw_folder files = {0};
    iw_status status = folder ? IW_OK : iw_ipi_input_prefix(path, prefix, err);
    if (status == IW_OK)
        status = folder ? iw_folder_read(&files, path, err) : read_beside(&files, path, err);
    if (status == IW_OK)
        status = choose(path, &files, folder ? NULL : iw_path_base(prefix), found, err);
    iw_folder_fini(&files);
    return status;
}
