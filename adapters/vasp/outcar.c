/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * outcar.c - VASP's OUTCAR: for runs of which nothing else is left.  Positions have five decimals
 * and come every NBLOCK steps; energies and temperature of the step stand behind them.
 */
#include "adapters/vasp/blocks.h"
#include "adapters/vasp/folder.h"
#include "adapters/vasp/settings.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Where the three components of a lattice vector stand; without blanks between negative ones. */
enum { VECTOR_AT = 3, VECTOR_WIDTH = 13 };

typedef struct {
    iw_piece *piece;
    iw_text *text;
    iw_vasp_settings settings;
    iw_vasp_blocks blocks;
    double cell_A[9]; /* the last one before the positions */
    bool has_cell;
    int64_t stride, given;
    char version[16];
} outcar;

static const char *
find(iw_line line, const char *word)
{
    return memmem(line.at, (size_t)(line.end - line.at), word, strlen(word));
}

/* Steps of a learned force field have no iterations. */
static bool
begins_step(iw_line line)
{
    return find(line, "Iteration ") || find(line, "Ionic step ");
}

/* The number behind a word that ends in '='. */
static bool
number_behind(iw_line line, const char *word, double *value)
{
    const char *at = find(line, word);
    iw_line rest = {at ? at + strlen(word) : line.end, line.end};
    return iw_field_real(&rest, value);
}

static iw_status
unexpected(const outcar *self, iw_line line, const char *what, iw_error *err)
{
    char excerpt[48];
    return iw_text_fail(self->text, err, IW_INVALID, "expected %s, found '%s'", what,
                        iw_line_excerpt(line, excerpt));
}

static iw_status
read_cell(outcar *self, iw_error *err)
{
    iw_line line;
    double cell[9];
    for (size_t i = 0; i < 3; i++) {
        iw_status status = iw_text_line(self->text, &line, err);
        if (status != IW_OK)
            return status;
        for (size_t k = 0; k < 3; k++) {
            char text[VECTOR_WIDTH + 1] = "";
            const char *at = line.at + VECTOR_AT + k * VECTOR_WIDTH;
            if (at + VECTOR_WIDTH <= line.end)
                memcpy(text, at, VECTOR_WIDTH);
            iw_line field = {text, text + strlen(text)};
            if (!iw_field_real(&field, &cell[3 * i + k]) || !iw_field_none(&field))
                return unexpected(self, line, "a vector of the cell", err);
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
    if (self->blocks.name.n < IW_MAX_SPECIES && iw_field_word(&rest, &word, &size))
        return iw_names_add(&self->blocks.name, word, size, err);
    return IW_OK;
}

/* POMASS = 7.01 30.97: those that the run works with, to two decimals. */
static void
read_masses(outcar *self, iw_line rest, const double *potential, size_t n_potential)
{
    iw_vasp_blocks *blocks = &self->blocks;
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
    while ((status = iw_text_line(self->text, &line, err)) == IW_OK && !begins_step(line)) {
        const char *at;
        int64_t count;
        (void)iw_vasp_settings_assign(&self->settings, line);
        if ((at = find(line, "VRHFIN =")) != NULL)
            status = read_name(self, (iw_line){at + strlen("VRHFIN ="), line.end}, err);
        else if ((at = find(line, "ions per type =")) != NULL && self->blocks.n == 0) {
            rest = (iw_line){at + strlen("ions per type ="), line.end};
            while (iw_field_int(&rest, &count) && iw_vasp_blocks_add(&self->blocks, count))
                ;
            self->piece->atoms_line = iw_text_line_number(self->text);
        } else if ((at = find(line, "POMASS =")) != NULL) {
            const char *stop = memchr(at, ';', (size_t)(line.end - at));
            rest = (iw_line){at + strlen("POMASS ="), stop ? stop : line.end};
            if (self->blocks.n > 0)
                read_masses(self, rest, potential, n_potential);
            else if (n_potential < IW_MAX_SPECIES && iw_field_real(&rest, &mass))
                potential[n_potential++] = mass;
        } else if (find(line, "direct lattice vectors"))
            status = read_cell(self, err);
        if (status != IW_OK)
            return status;
        iw_text_mark(self->text);
    }
    if (status == IW_OK && (self->blocks.n == 0 || !self->has_cell))
        status = unexpected(self, line, "'ions per type' and 'direct lattice vectors' before", err);
    if (status == IW_OK && self->blocks.name.n != self->blocks.n)
        iw_names_fini(&self->blocks.name);
    return status;
}

/* Moves to the first row of positions. */
static iw_status
find_positions(outcar *self, iw_error *err)
{
    iw_line line;
    for (;;) {
        iw_text_mark(self->text);
        iw_status status = iw_text_line(self->text, &line, err);
        if (status == IW_OK && find(line, "direct lattice vectors"))
            status = read_cell(self, err);
        if (status != IW_OK) {
            if (status == IW_AGAIN || status == IW_END)
                iw_text_back(self->text);
            return status;
        }
        if (find(line, "TOTAL-FORCE") && find(line, "POSITION"))
            return iw_text_skip(self->text, 1, err); /* a rule */
        self->piece->over = self->piece->over || find(line, "Voluntary context switches:");
    }
}

static iw_status
read_rows(outcar *self, double *rows, size_t n, iw_error *err)
{
    iw_line line;
    for (size_t i = 0; i < n; i++) {
        double row[3];
        iw_status status = iw_text_line(self->text, &line, err);
        if (status != IW_OK)
            return status;
        iw_line rest = line;
        if (!iw_field_real(&rest, row) || !iw_field_real(&rest, row + 1) ||
            !iw_field_real(&rest, row + 2))
            return unexpected(self, line, "position and force of an atom", err);
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
    while ((status = iw_text_line(self->text, &line, err)) == IW_OK) {
        (void)number_behind(line, "free  energy   TOTEN  =", &frame->potential_energy_eV);
        (void)number_behind(line, "free  energy ML TOTEN  =", &frame->potential_energy_eV);
        (void)number_behind(line, "kinetic energy EKIN   =", &frame->kinetic_energy_eV);
        (void)number_behind(line, "(temperature", &frame->temperature_K);
        if (find(line, "ETOTAL =") || find(line, "LOOP+:"))
            return IW_OK;
        if (begins_step(line)) {
            iw_text_unread(self->text);
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
    if (status == IW_END && begun)
        iw_notes_add(self->piece->notes, "%s: its last step is cut short and left out",
                     self->piece->path);
    if (status == IW_AGAIN || status == IW_END)
        iw_text_back(self->text);
    if (status != IW_OK)
        return status;
    memcpy(frame->cell_A, self->cell_A, sizeof self->cell_A);
    frame->has_cell = true;
    frame->step = self->given++ * self->stride;
    frame->time_fs = (double)frame->step * self->settings.potim_fs;
    return IW_OK;
}

static iw_status
outcar_open(void *state, iw_piece *piece, iw_error *err)
{
    outcar *self = state;
    self->piece = piece;
    (void)iw_vasp_stop_file(piece->path, piece->stop_file);
    iw_vasp_settings_init(&self->settings);
    (void)snprintf(self->settings.path, sizeof self->settings.path, "%s", piece->path);
    self->text = iw_text_open(piece->path, piece->follow, err);
    return self->text ? IW_OK : err->code;
}

static iw_status
outcar_describe(void *state, iw_run_info *run, iw_error *err)
{
    outcar *self = state;
    iw_line line;
    const char *word;
    size_t size;
    iw_status status = iw_text_line(self->text, &line, err);
    if (status != IW_OK)
        return status;
    if (iw_field_word(&line, &word, &size) && size > 5 && strncmp(word, "vasp.", 5) == 0)
        (void)snprintf(self->version, sizeof self->version, "%.*s", (int)size - 5, word + 5);
    status = read_head(self, err);
    if (status == IW_OK)
        status = find_positions(self, err);
    if (status == IW_OK) /* the rows are there before memory is taken for them */
        status = read_rows(self, NULL, self->blocks.n_atoms, err);
    if (status != IW_OK)
        return status;
    iw_text_back(self->text);
    if ((status = iw_vasp_blocks_describe(&self->blocks, self->piece, run, err)) != IW_OK)
        return status;
    run->wrapped = true;
    run->code_version = self->version[0] ? strdup(self->version) : NULL;
    self->stride = iw_vasp_settings_block(&self->settings);
    iw_notes_add(self->piece->notes,
                 "%s has positions to five decimals; vasprun.xml and XDATCAR have more",
                 self->piece->path);
    return iw_vasp_settings_describe(&self->settings, self->stride, self->piece, run, err);
}

static void
outcar_close(void *state)
{
    outcar *self = state;
    iw_text_close(&self->text);
    iw_vasp_blocks_fini(&self->blocks);
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
    .text_at = offsetof(outcar, text),
};
