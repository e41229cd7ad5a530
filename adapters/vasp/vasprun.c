/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vasprun.c - VASP's vasprun.xml: cell, positions and energies of every ionic step, also where
 * NBLOCK thins the XDATCAR.
 *
 * Read line by line, as VASP writes it: an element a line, titles that are no XML, and no end until
 * the run has one.  A parser would refuse what is of use here.
 *
 * A step is a <structure> without a name (initialpos and finalpos have one), within <calculation>
 * or, where a learned force field did the step, beside it; the energies behind it make it complete.
 * finalpos is where the next job begins.
 */
#include "adapters/vasp/file.h"
#include "adapters/vasp/folder.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    iw_vasp_file file;
    size_t n_effective; /* masses that the run works with; those of the POTCARs are in blocks */
    double effective_amu[IW_MAX_SPECIES];
} vasprun;

/* Does the line begin with "<tag>" or "<tag "? */
static bool
opens(iw_line line, const char *tag)
{
    size_t size = strlen(tag);
    while (line.at < line.end && (*line.at == ' ' || *line.at == '\t'))
        line.at++;
    return (size_t)(line.end - line.at) > size && strncmp(line.at, tag, size) == 0 &&
           (line.at[size] == '>' || line.at[size] == ' ');
}

static bool
is_step(iw_line line)
{
    return opens(line, "<structure") && !iw_vasp_word(line, "name=");
}

static bool
is_array(iw_line line, const char *name)
{
    iw_line content;
    return iw_vasp_element(line, "varray", name, &content);
}

/* What stands between the first '>' and the '<' behind it. */
static bool
inside(iw_line *line, iw_line *content)
{
    const char *from = memchr(line->at, '>', (size_t)(line->end - line->at));
    const char *to = from ? memchr(from, '<', (size_t)(line->end - from)) : NULL;
    if (!to)
        return false;
    *content = (iw_line){from + 1, to};
    return true;
}

/* <v> 0.1 0.2 0.3 </v> */
static iw_status
read_row(vasprun *self, double row[3], iw_error *err)
{
    iw_line line, content;
    iw_status status = iw_text_line(self->file.text, &line, err);
    if (status != IW_OK)
        return status;
    if (!opens(line, "<v") || !inside(&line, &content) || !iw_field_real(&content, row) ||
        !iw_field_real(&content, row + 1) || !iw_field_real(&content, row + 2) ||
        !iw_field_none(&content))
        return iw_text_unexpected(self->file.text, line, "three numbers, <v> x y z </v>", err);
    return IW_OK;
}

static iw_status
read_rows(vasprun *self, double *rows, size_t n, iw_error *err)
{
    iw_status status = IW_OK;
    for (size_t i = 0; status == IW_OK && i < n; i++)
        status = read_row(self, rows + 3 * i, err);
    return status;
}

/* <rc><c> 64</c><c>Si</c><c> 28.085</c>...: a row of the types of atoms. */
static iw_status
read_type(vasprun *self, iw_line line, iw_error *err)
{
    iw_vasp_blocks *blocks = &self->file.blocks;
    iw_line cell[3], rest = line;
    const char *word;
    size_t size;
    int64_t count;
    for (size_t i = 0; i < 3; i++) {
        const char *from = memmem(rest.at, (size_t)(rest.end - rest.at), "<c>", 3);
        rest.at = from ? from : rest.end;
        if (!inside(&rest, &cell[i]))
            return iw_text_unexpected(self->file.text, line,
                                      "number, element and mass of a type of atoms", err);
        rest.at = cell[i].end;
    }
    if (!iw_field_int(&cell[0], &count) || !iw_vasp_blocks_add(blocks, count) ||
        !iw_field_word(&cell[1], &word, &size) ||
        !iw_field_real(&cell[2], &blocks->mass_amu[blocks->n - 1]))
        return iw_text_unexpected(self->file.text, line,
                                  "number, element and mass of a type of atoms", err);
    self->file.piece->atoms_line = iw_text_line_number(self->file.text);
    return iw_names_add(&blocks->name, word, size, err);
}

/* The table behind <array name="atomtypes" >. */
static iw_status
read_types(vasprun *self, iw_error *err)
{
    iw_line line;
    iw_status status;
    while ((status = iw_text_line(self->file.text, &line, err)) == IW_OK && !opens(line, "</array"))
        if (opens(line, "<rc") && (status = read_type(self, line, err)) != IW_OK)
            break;
    return status;
}

static void
read_masses(vasprun *self, iw_line content)
{
    self->n_effective = 0;
    while (self->n_effective < IW_MAX_SPECIES &&
           iw_field_real(&content, &self->effective_amu[self->n_effective]))
        self->n_effective++;
}

/* Everything before the first step, which is left for the next call. */
static iw_status
read_head(vasprun *self, iw_error *err)
{
    iw_line line, content;
    const char *word;
    size_t size;
    for (;;) {
        iw_text_mark(self->file.text);
        iw_status status = iw_text_line(self->file.text, &line, err);
        if (status != IW_OK)
            return status;
        if (is_step(line) || opens(line, "<calculation") || opens(line, "</modeling"))
            break;
        iw_vasp_settings_element(&self->file.settings, line);
        if (iw_vasp_element(line, "i", "version", &content) &&
            iw_field_word(&content, &word, &size))
            (void)snprintf(self->file.version, sizeof self->file.version, "%.*s", (int)size, word);
        else if (iw_vasp_element(line, "v", "POMASS", &content))
            read_masses(self, content);
        else if (iw_vasp_element(line, "array", "atomtypes", &content) &&
                 self->file.blocks.n == 0 && (status = read_types(self, err)) != IW_OK)
            return status;
    }
    iw_text_unread(self->file.text);
    if (self->file.blocks.n == 0)
        return iw_text_fail(self->file.text, err, IW_INVALID,
                            "no <array name=\"atomtypes\" > before the first step");
    return IW_OK;
}

static iw_status
read_structure(vasprun *self, iw_frame *frame, iw_error *err)
{
    iw_line line;
    bool cell = false, positions = false;
    iw_status status;
    while ((status = iw_text_line(self->file.text, &line, err)) == IW_OK) {
        if (is_array(line, "basis")) {
            status = read_rows(self, frame->cell_A, 3, err);
            cell = true;
        } else if (is_array(line, "positions")) {
            status = read_rows(self, frame->pos_A, frame->n_atoms, err);
            positions = true;
        } else if (opens(line, "</structure")) {
            break;
        }
        if (status != IW_OK)
            return status;
    }
    if (status == IW_OK && !(cell && positions))
        status =
            iw_text_unexpected(self->file.text, line, "basis and positions in the structure", err);
    return status;
}

/* The end of the step: of its energies, or of anything that can stand in their place. */
static iw_status
read_energies(vasprun *self, iw_frame *frame, iw_error *err)
{
    iw_line line, content;
    iw_status status;
    while ((status = iw_text_line(self->file.text, &line, err)) == IW_OK) {
        if (iw_vasp_element(line, "i", "e_fr_energy", &content))
            (void)iw_field_real(&content, &frame->potential_energy_eV);
        else if (iw_vasp_element(line, "i", "kinetic", &content))
            (void)iw_field_real(&content, &frame->kinetic_energy_eV);
        else if (opens(line, "</energy") || opens(line, "</calculation"))
            return IW_OK;
        else if (opens(line, "<structure") || opens(line, "<calculation") ||
                 opens(line, "</modeling")) {
            iw_text_unread(self->file.text);
            return IW_OK;
        }
    }
    return status;
}

/* Moves to the inside of the next step. */
static iw_status
find_step(vasprun *self, iw_error *err)
{
    iw_line line;
    for (;;) {
        iw_text_mark(self->file.text);
        iw_status status = iw_text_line(self->file.text, &line, err);
        if (status != IW_OK)
            iw_text_back(self->file.text);
        if (status != IW_OK || is_step(line))
            return status;
        self->file.piece->over = self->file.piece->over || opens(line, "</modeling");
    }
}

static iw_status
vasprun_next(void *state, iw_frame *frame, iw_error *err)
{
    vasprun *self = state;
    iw_status status = find_step(self, err);
    if (status != IW_OK)
        return status;
    status = read_structure(self, frame, err);
    if (status == IW_OK)
        status = read_energies(self, frame, err);
    if ((status = iw_vasp_file_end(&self->file, status, true)) != IW_OK)
        return status;
    for (size_t i = 0; i < 3 * frame->n_atoms; i += 3) {
        const double *cell = frame->cell_A;
        double *x = frame->pos_A + i, f[3] = {x[0], x[1], x[2]};
        for (size_t k = 0; k < 3; k++)
            x[k] = f[0] * cell[k] + f[1] * cell[3 + k] + f[2] * cell[6 + k];
    }
    iw_vasp_file_count(&self->file, self->file.given * self->file.stride, frame);
    return IW_OK;
}

static iw_status
vasprun_open(void *state, iw_piece *piece, iw_error *err)
{
    return iw_vasp_file_open(&((vasprun *)state)->file, piece, err);
}

/* ML_OUTBLOCK thins vasprun.xml from 6.4.3 on. */
static int64_t
thinned(const vasprun *self)
{
    unsigned long part[3] = {0};
    const char *at = self->file.version;
    for (size_t i = 0; i < 3 && *at; i++) {
        char *end;
        part[i] = strtoul(at, &end, 10);
        at = *end == '.' ? end + 1 : "";
    }
    bool thins = self->file.settings.learned_only &&
                 (part[0] > 6 || (part[0] == 6 && (part[1] > 4 || (part[1] == 4 && part[2] >= 3))));
    return thins ? self->file.settings.outblock : 1;
}

/* That the rows of the first step are there is known before memory is taken for them. */
static iw_status
look_at_first(vasprun *self, iw_error *err)
{
    iw_line line;
    iw_status status = find_step(self, err);
    while (status == IW_OK && (status = iw_text_line(self->file.text, &line, err)) == IW_OK &&
           !is_array(line, "positions"))
        ;
    double row[3];
    for (size_t i = 0; status == IW_OK && i < self->file.blocks.n_atoms; i++)
        status = read_row(self, row, err);
    if (status == IW_OK)
        iw_text_back(self->file.text);
    return status;
}

static iw_status
vasprun_describe(void *state, iw_run_info *run, iw_error *err)
{
    vasprun *self = state;
    iw_vasp_blocks *blocks = &self->file.blocks;
    iw_status status = read_head(self, err);
    if (status == IW_OK)
        status = look_at_first(self, err);
    if (status != IW_OK)
        return status;
    for (size_t b = 0; self->n_effective == blocks->n && b < blocks->n; b++)
        blocks->mass_amu[b] = self->effective_amu[b];
    return iw_vasp_file_describe(&self->file, thinned(self), run, err);
}

static void
vasprun_close(void *state)
{
    iw_vasp_file_close(&((vasprun *)state)->file);
}

static int
vasprun_guess(const iw_head *head)
{
    iw_line line;
    for (size_t i = 0; i < 3 && iw_head_line(head, i, &line); i++)
        if (opens(line, "<modeling"))
            return 100;
    return 0;
}

static iw_status
vasprun_pieces(const char *folder, iw_folder *found, iw_error *err)
{
    return iw_vasp_folder(folder, "vasprun.xml", found, err);
}

const iw_format iw_format_vasprun = {
    .name = "vasprun",
    .text = "VASP vasprun.xml",
    .code = "VASP",
    .dt_advice = "its head has no POTIM: give --dt FS",
    .state_size = sizeof(vasprun),
    .guess = vasprun_guess,
    .pieces = vasprun_pieces,
    .open = vasprun_open,
    .describe = vasprun_describe,
    .next = vasprun_next,
    .close = vasprun_close,
    .text_at = offsetof(vasprun, file.text),
};
