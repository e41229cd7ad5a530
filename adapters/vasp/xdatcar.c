/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * xdatcar.c - VASP's XDATCAR: a header (title, scale, cell, species, counts) and fractional
 * positions for each frame; the header comes again with every frame when the cell changes.
 *
 * A frame begins with "Direct configuration=  n", or in the oldest form with a blank line.  The
 * numbers n tell gaps only: frames are NBLOCK steps apart.  A POSCAR or CONTCAR is a file of one
 * frame, which begins with "Direct" or "Cartesian", maybe after "Selective dynamics".
 */
#include "adapters/vasp/file.h"
#include "adapters/vasp/folder.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { GAP_MAX = 1000000 }; /* frames; a larger difference is no gap but nonsense */

typedef struct {
    iw_vasp_file file;
    size_t n_atoms; /* of the first header */
    double cell_A[9];
    double factor;             /* from the cell as it is written to A, of the last header */
    bool cartesian;            /* the frame: positions in the unit of the cell */
    int64_t position;          /* of the last frame, those counted that are missing */
    int64_t number, increment; /* of the last one, -1 if none; from one to the next, 0 if unknown */
} xdatcar;

static bool
three_reals(iw_line *line, double *to)
{
    return iw_field_real(line, to) && iw_field_real(line, to + 1) && iw_field_real(line, to + 2);
}

static iw_status
scale_cell(xdatcar *self, double cell[9], double scale, iw_error *err)
{
    double volume = cell[0] * (cell[4] * cell[8] - cell[5] * cell[7]) -
                    cell[1] * (cell[3] * cell[8] - cell[5] * cell[6]) +
                    cell[2] * (cell[3] * cell[7] - cell[4] * cell[6]);
    if (scale == 0.0 || volume == 0.0)
        return iw_text_fail(self->file.text, err, IW_INVALID,
                            "the cell is singular: scale %g, volume %g A3", scale, volume);
    /* A negative scale is the volume of the cell. */
    self->factor = scale > 0.0 ? scale : cbrt(-scale / fabs(volume));
    for (size_t i = 0; i < 9; i++)
        cell[i] *= self->factor;
    return IW_OK;
}

/* "Li_sv", "Li/0a1b2c": what follows the element names the potential. */
static iw_status
read_names(xdatcar *self, iw_line line, iw_error *err)
{
    const char *word;
    size_t size;
    while (iw_field_word(&line, &word, &size)) {
        size_t element = 0;
        while (element < size && word[element] != '_' && word[element] != '/')
            element++;
        iw_status status = iw_names_add(&self->file.blocks.name, word, element, err);
        if (status != IW_OK) {
            (void)iw_prefix(err, "%s line %llu", self->file.piece->path,
                            (unsigned long long)iw_text_line_number(self->file.text));
            return status;
        }
    }
    return IW_OK;
}

static iw_status
read_counts(xdatcar *self, iw_line line, iw_error *err)
{
    iw_line rest = line;
    int64_t count;
    iw_vasp_blocks *blocks = &self->file.blocks;
    while (iw_field_int(&rest, &count) && iw_vasp_blocks_add(blocks, count))
        ;
    if (blocks->n == 0 || !iw_field_none(&rest))
        return iw_text_unexpected(self->file.text, line, "the number of atoms of each species",
                                  err);
    if (blocks->name.n > 0 && blocks->name.n != blocks->n)
        return iw_text_fail(self->file.text, err, IW_INVALID,
                            "%zu numbers of atoms for %zu species", blocks->n, blocks->name.n);
    if (self->n_atoms > 0 && self->n_atoms != blocks->n_atoms)
        return iw_text_fail(self->file.text, err, IW_INVALID,
                            "%zu atoms, but %zu before: the atoms of a run do not change",
                            blocks->n_atoms, self->n_atoms);
    self->n_atoms = blocks->n_atoms;
    self->file.piece->atoms_line = iw_text_line_number(self->file.text);
    return IW_OK;
}

/* The header behind its title line, which is the current one. */
static iw_status
read_header(xdatcar *self, double cell[9], iw_error *err)
{
    iw_line line, rest;
    double scale;
    iw_status status = iw_text_line(self->file.text, &line, err);
    if (status != IW_OK)
        return status;
    rest = line;
    if (!iw_field_real(&rest, &scale) || !iw_field_none(&rest))
        return iw_text_unexpected(self->file.text, line, "the scale of the cell", err);
    for (size_t row = 0; row < 3; row++) {
        if ((status = iw_text_line(self->file.text, &line, err)) != IW_OK)
            return status;
        rest = line;
        if (!three_reals(&rest, cell + 3 * row) || !iw_field_none(&rest))
            return iw_text_unexpected(self->file.text, line,
                                      row == 1
                                          ? "the second vector of the cell (VASP 4.6's form, which "
                                            "has no cell, is not read)"
                                          : "a vector of the cell (three numbers)",
                                      err);
    }
    if ((status = scale_cell(self, cell, scale, err)) != IW_OK ||
        (status = iw_text_line(self->file.text, &line, err)) != IW_OK)
        return status;
    int64_t count;
    rest = line;
    if (!iw_field_int(&rest, &count)) {
        if ((status = read_names(self, line, err)) != IW_OK ||
            (status = iw_text_line(self->file.text, &line, err)) != IW_OK)
            return status;
    }
    return read_counts(self, line, err);
}

static bool
starts_with(iw_line line, const char *word)
{
    size_t size = strlen(word);
    while (line.at < line.end && *line.at == ' ')
        line.at++;
    return (size_t)(line.end - line.at) >= size && strncasecmp(line.at, word, size) == 0;
}

/* The line that names a frame; *number stays -1 where it has none ("******" after 999999). */
static bool
read_frame_line(iw_line line, int64_t *number)
{
    if (!starts_with(line, "Direct") && !starts_with(line, "Konfig"))
        return false;
    const char *equals = memchr(line.at, '=', (size_t)(line.end - line.at));
    iw_line rest = {equals ? equals + 1 : line.end, line.end};
    if (!iw_field_int(&rest, number))
        *number = -1;
    return true;
}

/* The header came again: the species must be the same, the cell may not be. */
static iw_status
read_header_again(xdatcar *self, double cell[9], int64_t *number, iw_error *err)
{
    iw_vasp_blocks before = self->file.blocks;
    memset(&self->file.blocks, 0, sizeof self->file.blocks);
    iw_status status = read_header(self, cell, err);
    bool same = iw_vasp_blocks_equal(&before, &self->file.blocks);
    if (status == IW_OK && !same)
        status = iw_text_fail(self->file.text, err, IW_INVALID,
                              "the species are not those of the first header: the atoms of a run "
                              "do not change");
    iw_vasp_blocks_fini(&self->file.blocks);
    self->file.blocks = before;
    iw_line line;
    if (status != IW_OK || (status = iw_text_line(self->file.text, &line, err)) != IW_OK)
        return status;
    if (!read_frame_line(line, number))
        return iw_text_unexpected(self->file.text, line,
                                  "'Direct configuration= n' after the header", err);
    return IW_OK;
}

/* VASP looks at the first letter; an XDATCAR's line of a frame has an equals sign. */
static bool
is_cartesian(iw_line line)
{
    return (starts_with(line, "C") || starts_with(line, "K")) &&
           !memchr(line.at, '=', (size_t)(line.end - line.at));
}

/* Moves to the first row of positions. */
static iw_status
read_frame_start(xdatcar *self, double cell[9], int64_t *number, iw_error *err)
{
    bool blank = false;
    iw_line line, rest;
    double row[3];
    *number = -1;
    self->cartesian = false;
    for (;;) {
        iw_status status = iw_text_line(self->file.text, &line, err);
        if (status != IW_OK)
            return status;
        if (self->file.given == 0 && starts_with(line, "S"))
            continue; /* what may move stands behind the positions */
        if (!iw_field_none(&line))
            break;
        blank = true; /* begins a frame in the oldest form; ends a file, or is an empty title */
    }
    if (read_frame_line(line, number))
        return IW_OK;
    self->cartesian = self->file.given == 0 && is_cartesian(line);
    if (self->cartesian)
        return IW_OK;
    if (starts_with(line, "Cartesian"))
        return iw_text_unexpected(self->file.text, line,
                                  "fractional positions ('Direct configuration= 1')", err);
    rest = line;
    bool one_number = iw_field_real(&rest, row) && iw_field_none(&rest);
    rest = line;
    if (blank && (one_number || three_reals(&rest, row)))
        iw_text_unread(self->file.text);
    if (blank && !one_number && three_reals(&line, row))
        return IW_OK;
    if (self->file.given == 0)
        return iw_text_unexpected(self->file.text, line, "'Direct configuration= 1'", err);
    return read_header_again(self, cell, number, err);
}

static iw_status
read_row(xdatcar *self, const double cell[9], double *pos, iw_error *err)
{
    iw_line line, rest;
    double f[3];
    iw_status status = iw_text_line(self->file.text, &line, err);
    if (status != IW_OK)
        return status;
    rest = line;
    if (!three_reals(&rest, f))
        return iw_text_unexpected(
            self->file.text, line,
            self->cartesian ? "three coordinates" : "three fractional coordinates", err);
    for (size_t x = 0; x < 3; x++)
        pos[x] = self->cartesian ? f[x] * self->factor
                                 : f[0] * cell[x] + f[1] * cell[3 + x] + f[2] * cell[6 + x];
    return IW_OK;
}

/* How many frames this one stands behind the one before. */
static int64_t
frames_ahead(xdatcar *self, int64_t number)
{
    int64_t difference = number - self->number;
    if (number < 0 || self->number < 0 || difference <= 0)
        return 1;
    if (self->increment == 0)
        self->increment = difference;
    int64_t ahead = difference / self->increment;
    if (ahead == 1 || difference % self->increment != 0 || ahead > GAP_MAX)
        return 1;
    iw_notes_add(self->file.piece->notes,
                 "%s line %llu: configurations are missing between %lld and %lld",
                 self->file.piece->path,
                 (unsigned long long)(iw_text_line_number(self->file.text) - self->n_atoms),
                 (long long)self->number, (long long)number);
    return ahead;
}

static iw_status
xdatcar_next(void *state, iw_frame *frame, iw_error *err)
{
    xdatcar *self = state;
    double cell[9];
    int64_t number;
    memcpy(cell, self->cell_A, sizeof cell);
    iw_text_mark(self->file.text);
    iw_status status = read_frame_start(self, cell, &number, err);
    for (size_t i = 0; status == IW_OK && i < self->n_atoms; i++)
        status = read_row(self, cell, frame->pos_A + 3 * i, err);
    bool begun = status == IW_END && iw_text_past_mark(self->file.text);
    if ((status = iw_vasp_file_end(&self->file, status, begun)) != IW_OK)
        return status;
    if (self->file.given > 0)
        self->position += frames_ahead(self, number);
    self->number = number;
    memcpy(self->cell_A, cell, sizeof cell);
    memcpy(frame->cell_A, cell, sizeof cell);
    iw_vasp_file_count(&self->file, self->position * self->file.stride, frame);
    return IW_OK;
}

static iw_status
xdatcar_open(void *state, iw_piece *piece, iw_error *err)
{
    xdatcar *self = state;
    self->number = -1;
    iw_status status = iw_vasp_file_open(&self->file, piece, err);
    return status == IW_OK
               ? iw_vasp_settings_find(&self->file.settings, piece->path, "XDATCAR", err)
               : status;
}

static iw_status
xdatcar_describe(void *state, iw_run_info *run, iw_error *err)
{
    xdatcar *self = state;
    iw_line title;
    int64_t number;
    iw_status status = iw_text_line(self->file.text, &title, err);
    if (status == IW_OK)
        status = read_header(self, self->cell_A, err);
    if (status != IW_OK)
        return status;
    iw_text_mark(self->file.text);
    status = read_frame_start(self, self->cell_A, &number, err);
    if (status == IW_OK) /* that the rows are there is known before memory is taken for them */
        status = iw_text_skip(self->file.text, self->n_atoms, err);
    if (status != IW_OK)
        return status;
    iw_text_back(self->file.text);
    return iw_vasp_file_describe(&self->file, iw_vasp_settings_block(&self->file.settings), run,
                                 err);
}

static void
xdatcar_close(void *state)
{
    iw_vasp_file_close(&((xdatcar *)state)->file);
}

static int
xdatcar_guess(const iw_head *head)
{
    iw_line line;
    double x[3];
    if (!iw_head_line(head, 1, &line) || !iw_field_real(&line, x) || !iw_field_none(&line))
        return strstr(head->name, "XDATCAR") && head->size > 0 ? 20 : 0;
    for (size_t row = 2; row < 5; row++)
        if (!iw_head_line(head, row, &line) || !three_reals(&line, x) || !iw_field_none(&line))
            return strstr(head->name, "XDATCAR") ? 20 : 0;
    return 90;
}

static iw_status
xdatcar_pieces(const char *folder, iw_folder *found, iw_error *err)
{
    return iw_vasp_folder(folder, "XDATCAR", found, err);
}

const iw_format iw_format_xdatcar = {
    .name = "xdatcar",
    .text = "VASP XDATCAR, with the vasprun.xml, OUTCAR or INCAR beside it",
    .code = "VASP",
    .dt_advice = "put the run's INCAR (POTIM, NBLOCK) beside it, or give --dt FS, which is POTIM x "
                 "NBLOCK",
    .state_size = sizeof(xdatcar),
    .guess = xdatcar_guess,
    .pieces = xdatcar_pieces,
    .open = xdatcar_open,
    .describe = xdatcar_describe,
    .next = xdatcar_next,
    .close = xdatcar_close,
    .text_at = offsetof(xdatcar, file.text),
};
