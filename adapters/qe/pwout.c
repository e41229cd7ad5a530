/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pwout.c - the output of a pw.x molecular dynamics (calculation 'md' or 'vc-md').
 *
 * Block N ("Entering Dynamics ... N") has the positions after move N, the kinetic energy of the
 * frame before, and is followed by the electrons at its positions.  So a frame is whole once the
 * next block is: one step late.  The last one is given when the output says that the job is done,
 * or ends.  Frame 0 are the positions of the header.
 *
 * Positions are in crystal coordinates, bohr, Angstrom or units of alat, and not wrapped; energies
 * in Rydberg; the time step in Rydberg atomic units.  There are no velocities.
 */
#include "adapters/qe/input.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define BOHR_A          0.529177210903
#define RYDBERG_EV      13.605693122994
#define RYDBERG_TIME_FS (2.0 * 0.024188843265857)

/* A frame, as far as it is known. */
typedef struct {
    bool any;
    int64_t step;
    double *pos_A; /* [n_atoms][3] */
    double cell_A[9];
    double energy_eV, kinetic_eV, temperature_K; /* of the frame before, in a block */
} block;

typedef struct {
    iw_piece *piece;
    iw_text *text;
    iw_qe_input input;
    size_t n_atoms, n_types;
    iw_names names;   /* of the atoms */
    iw_names labels;  /* of the types */
    double *mass_amu; /* [labels.n] */
    double alat_A, dt_fs;
    int64_t first_step; /* of the first block */
    char version[32], input_path[IW_PATH_LENGTH];
    block last, next; /* last: complete but for its energies */
} pwout;

/* Where text stands in a line, behind it; NULL if it does not. */
static const char *
behind(iw_line line, const char *text)
{
    const char *at = memmem(line.at, (size_t)(line.end - line.at), text, strlen(text));
    return at ? at + strlen(text) : NULL;
}

/* The number behind a text of the line. */
static bool
number_behind(iw_line line, const char *text, double *value)
{
    iw_line rest = {behind(line, text), line.end};
    return rest.at && iw_field_real(&rest, value);
}

static bool
three_behind(iw_line line, const char *text, double value[3])
{
    iw_line rest = {behind(line, text), line.end};
    return rest.at && iw_field_real(&rest, value) && iw_field_real(&rest, value + 1) &&
           iw_field_real(&rest, value + 2);
}

/* "Entering Dynamics:    iteration =     2", or, with a cell that changes, "...;  it =     2". */
static bool
enters_block(iw_line line, int64_t *step)
{
    iw_line rest = {behind(line, "Entering Dynamics"), line.end};
    if (!rest.at)
        return false;
    const char *equals = memchr(rest.at, '=', (size_t)(rest.end - rest.at));
    rest.at = equals ? equals + 1 : rest.end;
    return iw_field_int(&rest, step);
}

/* "ATOMIC_POSITIONS (alat)": the unit, A; 0 for crystal coordinates. */
static bool
unit_of_card(const pwout *self, iw_line line, double *unit_A)
{
    static const char *const names[] = {"crystal", "alat", "bohr", "angstrom"};
    const double values[] = {0.0, self->alat_A, BOHR_A, 1.0};
    for (size_t i = 0; i < 4; i++)
        if (behind(line, names[i])) {
            *unit_A = values[i];
            double alat;
            if (i == 1 && number_behind(line, "alat=", &alat) && alat > 0.0)
                *unit_A = alat * BOHR_A;
            return true;
        }
    return false;
}

/* Three rows of a cell, or a row for each atom with its name before the numbers. */
static iw_status
read_rows(const pwout *self, size_t n, bool named, double *to, double unit_A,
          const double cell_A[9], iw_error *err)
{
    for (size_t i = 0; i < n; i++) {
        iw_line line;
        const char *word;
        size_t size = 0;
        double r[3];
        iw_status status = iw_text_line(self->text, &line, err);
        if (status != IW_OK)
            return status;
        iw_line rest = line;
        if ((named && !iw_field_word(&rest, &word, &size)) || !iw_field_real(&rest, r) ||
            !iw_field_real(&rest, r + 1) || !iw_field_real(&rest, r + 2))
            return iw_text_unexpected(self->text, line,
                                      named ? "a name and three numbers" : "three numbers", err);
        if (named && (strlen(self->names.name[i]) != size ||
                      strncasecmp(word, self->names.name[i], size) != 0))
            return iw_text_fail(self->text, err, IW_INVALID,
                                "atom %zu is %.*s, but was %s: the atoms of a run do not change",
                                i + 1, (int)(size < 16 ? size : 16), word, self->names.name[i]);
        for (size_t x = 0; x < 3; x++)
            to[3 * i + x] = unit_A > 0.0
                                ? r[x] * unit_A
                                : r[0] * cell_A[x] + r[1] * cell_A[3 + x] + r[2] * cell_A[6 + x];
    }
    return IW_OK;
}

/* Reads up to the end of the next block.  END and AGAIN: there is none; *done: the job says that it
 * has ended before one. */
static iw_status
read_block(const pwout *self, block *out, bool *done, iw_error *err)
{
    bool entered = false, placed = false, moved = false;
    double number, unit_A = 0.0;
    *done = false;
    while (!(entered && placed && moved)) {
        iw_line line;
        int64_t step;
        iw_status status = iw_text_line(self->text, &line, err);
        if (status != IW_OK)
            return status;
        if (enters_block(line, &step)) {
            entered = true;
            placed = moved = false;
            out->step = step;
        } else if (behind(line, "JOB DONE.")) {
            *done = true;
            return IW_OK;
        } else if (line.at < line.end && *line.at == '!' &&
                   number_behind(line, "total energy              =", &number)) {
            out->energy_eV = number * RYDBERG_EV;
        } else if (entered && number_behind(line, "kinetic energy (Ekin) =", &number)) {
            out->kinetic_eV = number * RYDBERG_EV;
        } else if (entered && number_behind(line, "temperature           =", &number)) {
            out->temperature_K = number;
            moved = true;
        } else if (entered && number_behind(line, "Ekin =", &number)) {
            out->kinetic_eV = number * RYDBERG_EV; /* its T is an average, from 0 on */
            moved = true;
        } else if (entered && behind(line, "CELL_PARAMETERS")) {
            if (!unit_of_card(self, line, &unit_A) || unit_A == 0.0)
                return iw_text_unexpected(self->text, line,
                                          "CELL_PARAMETERS in alat, bohr or angstrom", err);
            status = read_rows(self, 3, false, out->cell_A, unit_A, out->cell_A, err);
        } else if (entered && behind(line, "ATOMIC_POSITIONS")) {
            if (!unit_of_card(self, line, &unit_A))
                return iw_text_unexpected(self->text, line, "ATOMIC_POSITIONS in a known unit",
                                          err);
            status = read_rows(self, self->n_atoms, true, out->pos_A, unit_A, out->cell_A, err);
            placed = true;
        }
        if (status != IW_OK)
            return status;
    }
    out->any = true;
    return IW_OK;
}

static void
give(const pwout *self, const block *energies, iw_frame *frame)
{
    const block *last = &self->last;
    frame->step = last->step;
    frame->has_cell = true;
    memcpy(frame->cell_A, last->cell_A, sizeof frame->cell_A);
    memcpy(frame->pos_A, last->pos_A, 3 * self->n_atoms * sizeof(double));
    frame->potential_energy_eV = energies->energy_eV;
    frame->kinetic_energy_eV = energies->kinetic_eV;
    frame->temperature_K = energies->temperature_K;
}

static void
swap_blocks(pwout *self)
{
    block was = self->last;
    self->last = self->next;
    self->next = was;
}

static iw_status
pwout_next(void *state, iw_frame *frame, iw_error *err)
{
    pwout *self = state;
    for (;;) {
        bool done, given = self->last.any;
        block *next = &self->next;
        memcpy(next->cell_A, self->last.cell_A, sizeof next->cell_A);
        next->any = false;
        next->energy_eV = self->last.energy_eV; /* frame 0: that of the header */
        next->kinetic_eV = next->temperature_K = (double)NAN;
        iw_text_mark(self->text);
        iw_status status = read_block(self, next, &done, err);
        if (status == IW_AGAIN)
            iw_text_back(self->text);
        if (status == IW_END && given) {
            /* What was read of a block that is cut off does not count. */
            next->kinetic_eV = next->temperature_K = (double)NAN;
            status = IW_OK;
            done = true;
        }
        if (status != IW_OK)
            return status;
        if (given)
            give(self, next, frame);
        self->last.any = false;
        self->piece->over = done;
        if (!done)
            swap_blocks(self);
        self->last.energy_eV = (double)NAN;
        if (given)
            return IW_OK;
    }
}

/* "Si   4.00   28.08550   Si( 1.00)" */
static iw_status
read_types(pwout *self, iw_error *err)
{
    self->mass_amu = calloc(self->n_types + 1, sizeof *self->mass_amu);
    if (!self->mass_amu)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu species", self->n_types);
    for (size_t i = 0; i < self->n_types; i++) {
        iw_line line, rest;
        const char *word;
        size_t size;
        double valence;
        iw_status status = iw_text_line(self->text, &line, err);
        if (status != IW_OK)
            return status;
        rest = line;
        if (!iw_field_word(&rest, &word, &size) || !iw_field_real(&rest, &valence) ||
            !iw_field_real(&rest, &self->mass_amu[i]))
            return iw_text_unexpected(self->text, line, "a species, its valence and its mass", err);
        status = iw_names_add(&self->labels, word, size, err);
        if (status != IW_OK)
            return status;
    }
    return IW_OK;
}

/* "1   Si  tau(   1) = (   0.0000000   0.0000000   0.0000000  )", in units of alat */
static iw_status
read_sites(pwout *self, iw_error *err)
{
    self->last.pos_A = calloc(self->n_atoms, 3 * sizeof(double));
    self->next.pos_A = calloc(self->n_atoms, 3 * sizeof(double));
    if (!self->last.pos_A || !self->next.pos_A)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu atoms", self->n_atoms);
    for (size_t i = 0; i < self->n_atoms; i++) {
        iw_line line, rest;
        const char *word;
        size_t size;
        int64_t site;
        iw_status status = iw_text_line(self->text, &line, err);
        if (status != IW_OK)
            return status;
        rest = line;
        double *r = self->last.pos_A + 3 * i;
        if (!iw_field_int(&rest, &site) || !iw_field_word(&rest, &word, &size) ||
            !three_behind(line, ") = (", r))
            return iw_text_unexpected(self->text, line, "a site, an atom and its position", err);
        for (size_t x = 0; x < 3; x++)
            r[x] *= self->alat_A;
        status = iw_names_add(&self->names, word, size, err);
        if (status != IW_OK)
            return status;
    }
    return IW_OK;
}

static void
copy_behind(iw_line line, const char *text, char *to, size_t room)
{
    iw_line rest = {behind(line, text), line.end};
    const char *word;
    size_t size;
    if (!rest.at || !iw_field_word(&rest, &word, &size) || size >= room)
        return;
    memcpy(to, word, size);
    to[size] = '\0';
}

/* One line of the header. */
static iw_status
read_header_line(pwout *self, iw_line line, iw_error *err)
{
    static const char *const axes[] = {"a(1) = (", "a(2) = (", "a(3) = ("};
    double number;
    copy_behind(line, "Program PWSCF v.", self->version, sizeof self->version);
    copy_behind(line, "Reading input from ", self->input_path, sizeof self->input_path);
    if (number_behind(line, "number of atoms/cell      =", &number) && number >= 1.0 &&
        number <= 1e6 && self->names.n == 0)
        self->n_atoms = (size_t)number;
    else if (number_behind(line, "number of atomic types    =", &number) && number >= 1.0 &&
             number <= IW_MAX_SPECIES && self->labels.n == 0)
        self->n_types = (size_t)number;
    else if (number_behind(line, "celldm(1)=", &number))
        self->alat_A = number * BOHR_A;
    else if (number_behind(line, "Time step             =", &number))
        self->dt_fs = number * RYDBERG_TIME_FS;
    else if (behind(line, "atomic species   valence    mass") && self->n_types > 0 &&
             self->labels.n == 0)
        return read_types(self, err);
    else if (behind(line, "positions (alat units)") && self->n_atoms > 0 && self->names.n == 0)
        return read_sites(self, err);
    else if (*line.at == '!' && number_behind(line, "total energy              =", &number))
        self->last.energy_eV = number * RYDBERG_EV;
    for (size_t i = 0; i < 3; i++)
        if (three_behind(line, axes[i], self->last.cell_A + 3 * i))
            for (size_t x = 0; x < 3; x++)
                self->last.cell_A[3 * i + x] *= self->alat_A;
    return IW_OK;
}

/* Up to the first block, whose first line is the next one again. */
static iw_status
read_header(pwout *self, iw_error *err)
{
    self->dt_fs = (double)NAN;
    self->last.energy_eV = (double)NAN;
    iw_text_mark(self->text);
    for (;;) {
        iw_line line;
        iw_status status = iw_text_line(self->text, &line, err);
        if (status == IW_OK && enters_block(line, &self->first_step))
            break;
        if (status == IW_OK && behind(line, "JOB DONE."))
            return iw_fail(err, IW_INVALID,
                           "%s: this pw.x did no molecular dynamics (calculation 'md' or 'vc-md')",
                           self->piece->path);
        if (status == IW_OK && line.at < line.end)
            status = read_header_line(self, line, err);
        if (status != IW_OK)
            return status;
    }
    iw_text_unread(self->text);
    if (self->names.n != self->n_atoms || self->n_atoms == 0 || !(self->alat_A > 0.0))
        return iw_fail(err, IW_INVALID, "%s: its header has no lattice, or not all of the atoms",
                       self->piece->path);
    return IW_OK;
}

/* The input that the output names, or the one of the same name. */
static bool
find_input(const pwout *self, char found[IW_PATH_LENGTH])
{
    static const char *const ends[] = {".in", ".pwi", ".inp"};
    const char *path = self->piece->path, *base = iw_path_base(path);
    if (*self->input_path && iw_path_beside(path, iw_path_base(self->input_path), found) &&
        access(found, R_OK) == 0)
        return true;
    const char *dot = strrchr(base, '.');
    for (size_t i = 0; dot && i < sizeof ends / sizeof *ends; i++) {
        int n = snprintf(found, IW_PATH_LENGTH, "%.*s%s", (int)(dot - path), path, ends[i]);
        if (n > 0 && n < IW_PATH_LENGTH && access(found, R_OK) == 0)
            return true;
    }
    return false;
}

static iw_status
describe_input(pwout *self, iw_run_info *run, iw_error *err)
{
    char path[IW_PATH_LENGTH];
    iw_notes *notes = self->piece->notes;
    if (!find_input(self, path)) {
        iw_notes_add(notes,
                     "no input beside %s: the temperature that is aimed at is not known, and "
                     "neither is the prefix of the stop file",
                     self->piece->path);
        return IW_OK;
    }
    iw_status status = iw_qe_input_read(&self->input, path, err);
    if (status != IW_OK)
        return status;
    double asked_fs = (isnan(self->input.dt) ? 20.0 : self->input.dt) * RYDBERG_TIME_FS;
    /* The output has two digits behind the point, or nothing about it. */
    if (isnan(self->dt_fs) || fabs(asked_fs - self->dt_fs) <= 0.0051 * RYDBERG_TIME_FS)
        self->dt_fs = asked_fs;
    char name[sizeof self->input.prefix + 8];
    (void)snprintf(name, sizeof name, "%s.EXIT",
                   *self->input.prefix ? self->input.prefix : "pwscf");
    if (!iw_path_beside(self->piece->path, name, self->piece->stop_file))
        self->piece->stop_file[0] = '\0';
    iw_notes_add(notes, "beside %s: %s", self->piece->path, path);
    return iw_qe_describe(&self->input, run, err);
}

static iw_status
pwout_describe(void *state, iw_run_info *run, iw_error *err)
{
    pwout *self = state;
    iw_status status = read_header(self, err);
    if (status != IW_OK)
        return status;
    self->last.any = self->first_step == 1;
    self->last.step = 0;
    if (self->piece->options->species)
        status = iw_names_override(&self->names, self->piece->options->species, err);
    if (status == IW_OK)
        status = iw_names_set_atoms(&self->names, run, err);
    for (size_t i = 0; status == IW_OK && i < run->n_atoms; i++)
        for (size_t k = 0; k < self->labels.n; k++)
            if (strcmp(self->labels.name[k], run->species[run->kind[i]]) == 0)
                run->mass_amu[i] = self->mass_amu[k];
    if (status == IW_OK)
        status = describe_input(self, run, err);
    if (status != IW_OK)
        return status;
    run->timestep_fs = self->dt_fs;
    run->wrapped = false;
    if (*self->version && !(run->code_version = strdup(self->version)))
        return iw_fail(err, IW_NO_MEMORY, "no memory for the version of the code");
    iw_notes_add(self->piece->notes, "no velocities: pw.x does not print them");
    return IW_OK;
}

static iw_status
pwout_open(void *state, iw_piece *piece, iw_error *err)
{
    pwout *self = state;
    self->piece = piece;
    self->text = iw_text_open(piece->path, piece->follow, err);
    return self->text ? IW_OK : err->code;
}

static void
pwout_close(void *state)
{
    pwout *self = state;
    iw_text_close(&self->text);
    iw_qe_input_fini(&self->input);
    iw_names_fini(&self->names);
    iw_names_fini(&self->labels);
    free(self->mass_amu);
    free(self->last.pos_A);
    free(self->next.pos_A);
}

static int
pwout_guess(const iw_head *head)
{
    iw_line all = {head->data, head->data + head->size};
    return head->size > 0 && behind(all, "Program PWSCF v.") ? 98 : 0;
}

/* Outputs are told by their header, whatever their names are; nstep is in those that move atoms. */
static bool
is_output(const char *path, iw_error *err)
{
    const char *data;
    size_t size;
    iw_text *text = iw_qe_is_input(path) ? NULL : iw_text_open(path, false, err);
    bool found = text && iw_text_peek(text, 1 << 14, &data, &size, err) == IW_OK && size > 0 &&
                 behind((iw_line){data, data + size}, "Program PWSCF v.") &&
                 behind((iw_line){data, data + size}, "nstep  ");
    iw_text_close(&text);
    return found;
}

static iw_status
pwout_find(const char *path, bool folder, char found[IW_PATH_LENGTH], iw_error *err)
{
    char place[IW_PATH_LENGTH];
    iw_folder files = {0};
    if (!folder && (!iw_qe_is_input(path) || !iw_path_beside(path, "", place)))
        return IW_NOT_FOUND;
    if (!folder) { /* md.in: md.out, or the only output beside it */
        iw_qe_input input;
        iw_status read = iw_qe_input_read(&input, path, err);
        bool dynamics = read == IW_OK && strstr(input.calculation, "md");
        iw_qe_input_fini(&input);
        if (!dynamics)
            return read == IW_OK ? IW_NOT_FOUND : read;
        int n = snprintf(found, IW_PATH_LENGTH, "%.*s.out", (int)(strrchr(path, '.') - path), path);
        if (n > 0 && n < IW_PATH_LENGTH && is_output(found, err))
            return IW_OK;
    }
    iw_status status = iw_folder_read(&files, folder ? path : *place ? place : ".", err);
    const char *first = NULL, *other = NULL;
    for (size_t i = 0; i < files.n && status == IW_OK && !other; i++)
        if (is_output(files.path[i], err))
            *(first ? &other : &first) = files.path[i];
    if (other)
        status = iw_fail(err, IW_INVALID,
                         "%s: there are the outputs %s and %s: name one of them, or several in "
                         "their order if they are pieces of one run",
                         path, iw_path_base(first), iw_path_base(other));
    else if (status == IW_OK && first)
        (void)snprintf(found, IW_PATH_LENGTH, "%s", first);
    else if (status == IW_OK)
        status = IW_NOT_FOUND;
    iw_folder_fini(&files);
    return status;
}

const iw_format iw_format_pwout = {
    .name = "pw.x",
    .text = "Quantum ESPRESSO, output of pw.x (md, vc-md), with its input beside it",
    .code = "Quantum ESPRESSO",
    .dt_advice = "the output of vc-md does not have the time step and the input is not beside it: "
                 "give --dt FS",
    .state_size = sizeof(pwout),
    .guess = pwout_guess,
    .find = pwout_find,
    .open = pwout_open,
    .describe = pwout_describe,
    .next = pwout_next,
    .close = pwout_close,
    .text_at = offsetof(pwout, text),
};
