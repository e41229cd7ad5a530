/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * outcar.c - VASP's OUTCAR: for runs of which nothing else is left.  Positions have five decimals
 * and come every NBLOCK steps; energies and temperature of the step stand behind them.
 */
#include "adapters/vasp/file.h"
#include "adapters/vasp/folder.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Where the three components of a lattice vector stand; without blanks between negative ones. */
enum { VECTOR_AT = 3, VECTOR_WIDTH = 13 };

typedef struct {
    iw_vasp_file file;
    double cell_A[9]; /* the last one before the positions */
    bool has_cell;
} outcar;

/* Steps of a learned force field have no iterations. */
static bool
begins_step(iw_line line)
{
    return iw_vasp_word(line, "Iteration ") || iw_vasp_word(line, "Ionic step ");
}

/* The number behind a word that ends in '='. */
static bool
number_behind(iw_line line, const char *word, double *value)
{
    const char *at = iw_vasp_word(line, word);
    iw_line rest = {at ? at + strlen(word) : line.end, line.end};
    return iw_field_real(&rest, value);
}

static iw_status
read_cell(outcar *self, iw_error *err)
{
    iw_line line;
    double cell[9];
    for (size_t i = 0; i < 3; i++) {
        iw_status status = iw_text_line(self->file.text, &line, err);
        if (status != IW_OK)
            return status;
        for (size_t k = 0; k < 3; k++) {
            char text[VECTOR_WIDTH + 1] = "";
            const char *at = line.at + VECTOR_AT + k * VECTOR_WIDTH;
            if (at + VECTOR_WIDTH <= line.end)
                memcpy(text, at, VECTOR_WIDTH);
            iw_line field = {text, text + strlen(text)};
            if (!iw_field_real(&field, &cell[3 * i + k]) || !iw_field_none(&field))
                return iw_text_unexpected(self->file.text, line, "a vector of the cell", err);
        }
    }
    memcpy(self->cell_A, cell, sizeof cell);
    self->has_cell = true;
    return IW_OK;
}

/* VRHFIN =Li: s1p0 */
static iw_status
read_name(outcar *self, iw_line rest, iw_error *err)
{
    const char *colon = memchr(rest.at, ':', (size_t)(rest.end - rest.at));
    const char *word;
    size_t size;
    rest.end = colon ? colon : rest.end;
    if (self->file.blocks.name.n < IW_MAX_SPECIES && iw_field_word(&rest, &word, &size))
        return iw_names_add(&self->file.blocks.name, word, size, err);
    return IW_OK;
}

/* POMASS = 7.01 30.97: those that the run works with, to two decimals. */
static void
read_masses(outcar *self, iw_line rest, const double *potential, size_t n_potential)
{
    iw_vasp_blocks *blocks = &self->file.blocks;
    double mass;
    for (size_t b = 0; b < blocks->n && iw_field_real(&rest, &mass); b++) {
        bool same = b < n_potential && fabs(potential[b] - mass) < 0.0051;
        blocks->mass_amu[b] = same ? potential[b] : mass;
    }
}

/* Everything before the first step. */
static iw_status
read_head(outcar *self, iw_error *err)
{
    iw_line line, rest;
    iw_status status;
    double potential[IW_MAX_SPECIES], mass;
    size_t n_potential = 0;
    while ((status = iw_text_line(self->file.text, &line, err)) == IW_OK && !begins_step(line)) {
        const char *at;
        int64_t count;
        (void)iw_vasp_settings_assign(&self->file.settings, line);
        if ((at = iw_vasp_word(line, "VRHFIN =")) != NULL)
            status = read_name(self, (iw_line){at + strlen("VRHFIN ="), line.end}, err);
        else if ((at = iw_vasp_word(line, "ions per type =")) != NULL && self->file.blocks.n == 0) {
            rest = (iw_line){at + strlen("ions per type ="), line.end};
            while (iw_field_int(&rest, &count) && iw_vasp_blocks_add(&self->file.blocks, count))
                ;
            self->file.piece->atoms_line = iw_text_line_number(self->file.text);
        } else if ((at = iw_vasp_word(line, "POMASS =")) != NULL) {
            const char *stop = memchr(at, ';', (size_t)(line.end - at));
            rest = (iw_line){at + strlen("POMASS ="), stop ? stop : line.end};
            if (self->file.blocks.n > 0)
                read_masses(self, rest, potential, n_potential);
            else if (n_potential < IW_MAX_SPECIES && iw_field_real(&rest, &mass))
                potential[n_potential++] = mass;
        } else if (iw_vasp_word(line, "direct lattice vectors"))
            status = read_cell(self, err);
        if (status != IW_OK)
            return status;
        iw_text_mark(self->file.text);
    }
    if (status == IW_OK && (self->file.blocks.n == 0 || !self->has_cell))
        status = iw_text_unexpected(self->file.text, line,
                                    "'ions per type' and 'direct lattice vectors' before", err);
    if (status == IW_OK && self->file.blocks.name.n != self->file.blocks.n)
        iw_names_fini(&self->file.blocks.name);
    return status;
}

/* Moves to the first row of positions. */
static iw_status
find_positions(outcar *self, iw_error *err)
{
    iw_line line;
    for (;;) {
        iw_text_mark(self->file.text);
        iw_status status = iw_text_line(self->file.text, &line, err);
        if (status == IW_OK && iw_vasp_word(line, "direct lattice vectors"))
            status = read_cell(self, err);
        if (status != IW_OK) {
            if (status == IW_AGAIN || status == IW_END)
                iw_text_back(self->file.text);
            return status;
        }
        if (iw_vasp_word(line, "TOTAL-FORCE") && iw_vasp_word(line, "POSITION"))
            return iw_text_skip(self->file.text, 1, err); /* a rule */
        self->file.piece->over =
            self->file.piece->over || iw_vasp_word(line, "Voluntary context switches:");
    }
}

static iw_status
read_rows(outcar *self, double *rows, size_t n, iw_error *err)
{
    iw_line line;
    for (size_t i = 0; i < n; i++) {
        double row[3];
        iw_status status = iw_text_line(self->file.text, &line, err);
        if (status != IW_OK)
            return status;
        iw_line rest = line;
        if (!iw_field_real(&rest, row) || !iw_field_real(&rest, row + 1) ||
            !iw_field_real(&rest, row + 2))
            return iw_text_unexpected(self->file.text, line, "position and force of an atom", err);
        if (rows)
            memcpy(rows + 3 * i, row, sizeof row);
    }
    return IW_OK;
}

/* What stands behind the positions, up to the end of the step. */
static iw_status
read_energies(outcar *self, iw_frame *frame, iw_error *err)
{
    iw_line line;
    iw_status status;
    while ((status = iw_text_line(self->file.text, &line, err)) == IW_OK) {
        (void)number_behind(line, "free  energy   TOTEN  =", &frame->potential_energy_eV);
        (void)number_behind(line, "free  energy ML TOTEN  =", &frame->potential_energy_eV);
        (void)number_behind(line, "kinetic energy EKIN   =", &frame->kinetic_energy_eV);
        (void)number_behind(line, "(temperature", &frame->temperature_K);
        if (iw_vasp_word(line, "ETOTAL =") || iw_vasp_word(line, "LOOP+:"))
            return IW_OK;
        if (begins_step(line)) {
            iw_text_unread(self->file.text);
            return IW_OK;
        }
    }
    return status;
}

static iw_status
outcar_next(void *state, iw_frame *frame, iw_error *err)
{
    outcar *self = state;
    iw_status status = find_positions(self, err);
    bool begun = status == IW_OK;
    if (begun)
        status = read_rows(self, frame->pos_A, frame->n_atoms, err);
    if (status == IW_OK)
        status = read_energies(self, frame, err);
    if ((status = iw_vasp_file_end(&self->file, status, begun)) != IW_OK)
        return status;
    memcpy(frame->cell_A, self->cell_A, sizeof self->cell_A);
    iw_vasp_file_count(&self->file, self->file.given * self->file.stride, frame);
    return IW_OK;
}

static iw_status
outcar_open(void *state, iw_piece *piece, iw_error *err)
{
    return iw_vasp_file_open(&((outcar *)state)->file, piece, err);
}

static iw_status
outcar_describe(void *state, iw_run_info *run, iw_error *err)
{
    outcar *self = state;
    iw_line line;
    const char *word;
    size_t size;
    iw_status status = iw_text_line(self->file.text, &line, err);
    if (status != IW_OK)
        return status;
    if (iw_field_word(&line, &word, &size) && size > 5 && strncmp(word, "vasp.", 5) == 0)
        (void)snprintf(self->file.version, sizeof self->file.version, "%.*s", (int)size - 5,
                       word + 5);
    status = read_head(self, err);
    if (status == IW_OK)
        status = find_positions(self, err);
    if (status == IW_OK) /* the rows are there before memory is taken for them */
        status = read_rows(self, NULL, self->file.blocks.n_atoms, err);
    if (status != IW_OK)
        return status;
    iw_text_back(self->file.text);
    iw_notes_add(self->file.piece->notes,
                 "%s has positions to five decimals; vasprun.xml and XDATCAR have more",
                 self->file.piece->path);
    return iw_vasp_file_describe(&self->file, iw_vasp_settings_block(&self->file.settings), run,
                                 err);
}

static void
outcar_close(void *state)
{
    iw_vasp_file_close(&((outcar *)state)->file);
}

static int
outcar_guess(const iw_head *head)
{
    iw_line line;
    return iw_head_line(head, 0, &line) && line.end - line.at > 6 &&
                   strncmp(line.at, " vasp.", 6) == 0
               ? 100
               : 0;
}

static iw_status
outcar_pieces(const char *folder, iw_folder *found, iw_error *err)
{
    return iw_vasp_folder(folder, "OUTCAR", found, err);
}

const iw_format iw_format_outcar = {
    .name = "outcar",
    .text = "VASP OUTCAR",
    .code = "VASP",
    .dt_advice = "its head has no POTIM: give --dt FS",
    .state_size = sizeof(outcar),
    .guess = outcar_guess,
    .pieces = outcar_pieces,
    .open = outcar_open,
    .describe = outcar_describe,
    .next = outcar_next,
    .close = outcar_close,
    .text_at = offsetof(outcar, file.text),
};
