/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cpx.c - cp.x's PREFIX.pos (bohr) with the files beside it: PREFIX.vel (bohr per Hartree atomic
 * unit of time), PREFIX.cel (bohr, vectors as columns) and PREFIX.evp (temperature, energy).
 *
 * Blocks begin with a step and a time in ps, and are paired by step.  No file has names: atoms are
 * in the order of the input's ATOMIC_POSITIONS, which is looked for beside the files and in the
 * folder above.  A restart appends; of repeated steps the later ones count.  First blocks in which
 * nothing moves (electrons that are brought to rest) are left out.
 */
#include "adapters/qe/input.h"
#include "adapters/rows.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BOHR_A          0.529177210903
#define HARTREE_EV      27.211386245988
#define HARTREE_TIME_FS 0.024188843265857

enum { EVP_TEMPERATURE = 3, EVP_ENERGY = 4, EVP_COLUMNS = 5, MOST_ATOMS = 1000000 };

/* A file of blocks. */
typedef struct {
    iw_text *text; /* NULL: there is no such file */
    iw_steps steps;
    double time_fs;
    double *value; /* [rows][3] of the last block */
} blocks;

typedef struct {
    iw_piece *piece;
    size_t n_atoms;
    int64_t first_step; /* the steps before it do not move */
    blocks pos, vel, cel;
    iw_rows evp;
    iw_qe_input input;
} cpx;

/* "     165    0.01221537" */
static bool
is_head(iw_line line, int64_t *step, double *time_ps)
{
    return iw_field_int(&line, step) && iw_field_real(&line, time_ps) && iw_field_none(&line);
}

static iw_status
read_head(const blocks *self, iw_when *when, double *time_fs, iw_error *err)
{
    iw_line line;
    int64_t step;
    double time_ps;
    iw_status status = iw_text_line(self->text, &line, err);
    if (status != IW_OK)
        return status;
    if (!is_head(line, &step, &time_ps))
        return iw_text_unexpected(self->text, line, "a step and a time", err);
    *when = iw_steps_next(&self->steps, step);
    *time_fs = 1000.0 * time_ps;
    return IW_OK;
}

static iw_status
read_rows(const blocks *self, size_t n, double *to, iw_error *err)
{
    for (size_t i = 0; i < n; i++) {
        iw_line line, rest;
        iw_status status = iw_text_line(self->text, &line, err);
        if (status != IW_OK)
            return status;
        rest = line;
        if (!iw_field_real(&rest, &to[3 * i]) || !iw_field_real(&rest, &to[3 * i + 1]) ||
            !iw_field_real(&rest, &to[3 * i + 2]))
            return iw_text_unexpected(self->text, line, "three numbers", err);
    }
    return IW_OK;
}

/* Moves to the block of when.  NOT_FOUND: there is none.  AGAIN, END: not yet, no more. */
static iw_status
find_block(blocks *self, iw_when when, size_t rows, iw_error *err)
{
    while (iw_steps_behind(&self->steps, when)) {
        iw_when found = {0};
        iw_text_mark(self->text);
        iw_status status = read_head(self, &found, &self->time_fs, err);
        if (status == IW_OK)
            status = read_rows(self, rows, self->value, err);
        if (status == IW_AGAIN || status == IW_END)
            iw_text_back(self->text);
        if (status != IW_OK)
            return status;
        iw_steps_push(&self->steps, found);
    }
    return self->steps.when.step == when.step ? IW_OK : IW_NOT_FOUND;
}

static void
add_scaled(double *to, const double *from, size_t n, double factor)
{
    for (size_t i = 0; i < n; i++)
        to[i] = from[i] * factor;
}

static iw_status
add_beside(cpx *self, iw_when when, iw_frame *frame, iw_error *err)
{
    iw_status status = IW_OK;
    if (self->cel.text && (status = find_block(&self->cel, when, 3, err)) == IW_OK) {
        frame->has_cell = true;
        for (size_t i = 0; i < 9; i++)
            frame->cell_A[i] = self->cel.value[3 * (i % 3) + i / 3] * BOHR_A;
    }
    if (self->vel.text && (status == IW_OK || status == IW_NOT_FOUND) &&
        (status = find_block(&self->vel, when, self->n_atoms, err)) == IW_OK) {
        frame->has_velocities = true;
        add_scaled(frame->vel_A_fs, self->vel.value, 3 * self->n_atoms, BOHR_A / HARTREE_TIME_FS);
    }
    if (self->evp.text && (status == IW_OK || status == IW_NOT_FOUND) &&
        (status = iw_rows_find(&self->evp, when, err)) == IW_OK) {
        frame->temperature_K = self->evp.value[EVP_TEMPERATURE];
        frame->potential_energy_eV = self->evp.value[EVP_ENERGY] * HARTREE_EV;
    }
    if (status == IW_NOT_FOUND)
        iw_notes_add(self->piece->notes, "step %lld is not in every file beside %s",
                     (long long)when.step, self->piece->path);
    if (status == IW_END)
        iw_notes_add(self->piece->notes,
                     "a file beside %s ends before step %lld: frames from there on are left out",
                     self->piece->path, (long long)when.step);
    return status == IW_NOT_FOUND ? IW_OK : status;
}

static iw_status
cpx_next(void *state, iw_frame *frame, iw_error *err)
{
    cpx *self = state;
    blocks *pos = &self->pos;
    iw_when when = {0};
    bool passed;
    iw_status status;
    do {
        iw_text_mark(pos->text);
        status = read_head(pos, &when, &frame->time_fs, err);
        passed = status == IW_OK && ((when.epoch == 0 && when.step < self->first_step) ||
                                     iw_epochs_repeat(&pos->steps.epochs, when));
        if (passed)
            status = iw_text_skip(pos->text, self->n_atoms, err);
        if (passed && status == IW_OK)
            iw_steps_push(&pos->steps, when);
    } while (passed && status == IW_OK);
    if (status == IW_OK)
        status = read_rows(pos, self->n_atoms, pos->value, err);
    if (status == IW_END && iw_text_past_mark(pos->text))
        iw_notes_add(self->piece->notes, "%s: its last frame is cut short and left out",
                     self->piece->path);
    if (status == IW_OK)
        status = add_beside(self, when, frame, err);
    if (status == IW_AGAIN || status == IW_END)
        iw_text_back(pos->text);
    if (status != IW_OK)
        return status;
    add_scaled(frame->pos_A, pos->value, 3 * self->n_atoms, BOHR_A);
    iw_steps_push(&pos->steps, when);
    frame->step = when.step;
    return IW_OK;
}

/* PREFIX + end beside PREFIX.pos; .gz, .xz, .zst with it. */
static bool
find_beside(const char *path, const char *end, char found[IW_PATH_LENGTH])
{
    static const char *const packed[] = {"", ".gz", ".xz", ".zst"};
    const char *base = iw_path_base(path), *mark = NULL;
    for (const char *at = base; (at = strstr(at, ".pos")); at++)
        mark = at;
    for (size_t i = 0; mark && i < sizeof packed / sizeof *packed; i++) {
        int n =
            snprintf(found, IW_PATH_LENGTH, "%.*s%s%s", (int)(mark - path), path, end, packed[i]);
        if (n > 0 && n < IW_PATH_LENGTH && access(found, R_OK) == 0)
            return true;
    }
    return false;
}

static iw_status
open_beside(const cpx *self, const char *end, iw_text **text, iw_error *err)
{
    char path[IW_PATH_LENGTH];
    if (!find_beside(self->piece->path, end, path)) {
        iw_notes_add(self->piece->notes, "no %s file beside %s", end, self->piece->path);
        return IW_OK;
    }
    *text = iw_text_open(path, self->piece->follow, err);
    return *text ? IW_OK : err->code;
}

static iw_status
cpx_open(void *state, iw_piece *piece, iw_error *err)
{
    cpx *self = state;
    self->piece = piece;
    self->evp.n_columns = EVP_COLUMNS;
    self->pos.text = iw_text_open(piece->path, piece->follow, err);
    iw_status status = self->pos.text ? IW_OK : err->code;
    if (status == IW_OK)
        status = open_beside(self, ".vel", &self->vel.text, err);
    if (status == IW_OK)
        status = open_beside(self, ".cel", &self->cel.text, err);
    if (status == IW_OK)
        status = open_beside(self, ".evp", &self->evp.text, err);
    return status;
}

/* Rows up to the second head: the number of atoms.  A file of one block has its end there. */
static iw_status
count_atoms(cpx *self, iw_error *err)
{
    blocks *pos = &self->pos;
    iw_when when;
    iw_text_mark(pos->text);
    iw_status status = read_head(pos, &when, &pos->time_fs, err);
    self->piece->atoms_line = 1;
    while (status == IW_OK) {
        iw_line line;
        int64_t step;
        double time_ps;
        status = iw_text_line(pos->text, &line, err);
        if (status != IW_OK || is_head(line, &step, &time_ps))
            break;
        if (++self->n_atoms > MOST_ATOMS)
            return iw_text_fail(pos->text, err, IW_INVALID, "more than %d rows in a block",
                                MOST_ATOMS);
    }
    iw_text_back(pos->text);
    if (status == IW_END && self->n_atoms > 0)
        status = IW_OK;
    if (status == IW_OK && self->n_atoms == 0) {
        (void)iw_fail(err, IW_INVALID, "%s: its first block has no atoms", self->piece->path);
        return IW_INVALID;
    }
    if (status != IW_OK)
        return status;
    double **arrays[] = {&pos->value, &self->vel.value, &self->cel.value};
    for (size_t i = 0; i < 3; i++)
        if (!(*arrays[i] = calloc(self->n_atoms < 3 ? 3 : self->n_atoms, 3 * sizeof(double)))) {
            (void)iw_fail(err, IW_NO_MEMORY, "no memory for %zu atoms", self->n_atoms);
            return IW_NO_MEMORY;
        }
    return IW_OK;
}

/* The first block after which something moves, the spacing from there, and where restarts repeat
 * steps; blocks are passed over once for it. */
static iw_status
survey(cpx *self, iw_run_info *run, iw_error *err)
{
    blocks file = {.value = self->vel.value}; /* nothing is in it yet */
    double *was = self->pos.value, was_fs = 0.0;
    iw_when was_when = {0};
    size_t n = 0, fixed = 0;
    bool moves = false, spaced = false;
    file.text = iw_text_open(self->piece->path, self->piece->follow, err);
    iw_status status = file.text ? IW_OK : err->code;
    for (; status == IW_OK; n++) {
        iw_when when = {0};
        iw_text_mark(file.text);
        status = read_head(&file, &when, &file.time_fs, err);
        if (status == IW_OK)
            status = moves ? iw_text_skip(file.text, self->n_atoms, err)
                           : read_rows(&file, self->n_atoms, file.value, err);
        if (status == IW_OK)
            status = iw_epochs_add(&self->pos.steps.epochs, when, err);
        if (status != IW_OK)
            break;
        if (n > 0 && !moves && memcmp(file.value, was, 3 * self->n_atoms * sizeof *was) != 0) {
            moves = true;
            /* The time of the first block after a change of the time step is wrong. */
            fixed = n > 1 ? n : 0;
            self->first_step = n > 1 ? when.step : was_when.step;
        }
        if (moves && !spaced && was_when.step >= self->first_step && when.step > was_when.step) {
            spaced = true;
            run->stride = when.step - was_when.step;
            run->timestep_fs = (file.time_fs - was_fs) / (double)run->stride;
        }
        if (!moves)
            memcpy(was, file.value, 3 * self->n_atoms * sizeof *was);
        was_when = when;
        was_fs = file.time_fs;
        iw_steps_push(&file.steps, when);
    }
    iw_text_close(&file.text);
    if (fixed > 0)
        iw_notes_add(self->piece->notes,
                     "%s: its first %zu blocks are left out: the atoms do not move in them",
                     self->piece->path, fixed);
    if (self->pos.steps.epochs.n > 1)
        iw_notes_add(self->piece->notes,
                     "%s: restarts repeat steps (%zu times); the later ones are taken",
                     self->piece->path, self->pos.steps.epochs.n - 1);
    if (status == IW_NO_MEMORY || (status == IW_AGAIN && !spaced))
        return status;
    if (!moves && self->piece->first)
        return iw_fail(err, IW_INVALID, "%s: nothing moves in its %zu blocks: this is no dynamics",
                       self->piece->path, n);
    return IW_OK; /* what is wrong in a block is said when that block is read */
}

/* Where restarts repeat steps of a file beside the positions. */
static iw_status
find_repeats(const cpx *self, blocks *of, size_t rows, iw_error *err)
{
    if (!of->text)
        return IW_OK;
    blocks file = {.text = iw_text_open(iw_text_path(of->text), self->piece->follow, err)};
    iw_status status = file.text ? IW_OK : err->code;
    while (status == IW_OK) {
        iw_when when = {0};
        iw_text_mark(file.text);
        status = read_head(&file, &when, &file.time_fs, err);
        if (status == IW_OK)
            status = iw_text_skip(file.text, rows, err);
        if (status == IW_OK)
            status = iw_epochs_add(&of->steps.epochs, when, err);
        iw_steps_push(&file.steps, when);
    }
    iw_text_close(&file.text);
    return status == IW_NO_MEMORY ? status : IW_OK;
}

/* An input of the prefix that has the atoms, in one folder. */
static iw_status
look_for_input(cpx *self, const char *folder, const char *prefix, char found[IW_PATH_LENGTH],
               iw_error *err)
{
    iw_folder files;
    iw_status status = iw_folder_read(&files, folder, err);
    for (size_t i = 0; i < files.n && status == IW_OK; i++) {
        if (!iw_qe_is_input(files.path[i]))
            continue;
        iw_qe_input one;
        status = iw_qe_input_read(&one, files.path[i], err);
        const char *its = *one.prefix ? one.prefix : "cp";
        if (status == IW_OK && strcmp(its, prefix) == 0 && strstr(one.calculation, "cp") &&
            one.atoms.n == self->n_atoms) {
            iw_qe_input_fini(&self->input);
            self->input = one; /* of several the last by name: cp0.in, cp1.in */
            (void)snprintf(found, IW_PATH_LENGTH, "%s", files.path[i]);
        } else {
            iw_qe_input_fini(&one);
        }
    }
    iw_folder_fini(&files);
    return status;
}

static iw_status
find_input(cpx *self, char found[IW_PATH_LENGTH], iw_error *err)
{
    char place[IW_PATH_LENGTH], above[IW_PATH_LENGTH], prefix[256];
    const char *base = iw_path_base(self->piece->path);
    const char *end = strstr(base, ".pos");
    *found = '\0';
    if (!end || (size_t)(end - base) >= sizeof prefix ||
        !iw_path_beside(self->piece->path, "", place) ||
        !iw_path_beside(self->piece->path, "../", above))
        return IW_OK;
    memcpy(prefix, base, (size_t)(end - base));
    prefix[end - base] = '\0';
    iw_status status = look_for_input(self, *place ? place : ".", prefix, found, err);
    if (status == IW_OK && !*found)
        status = look_for_input(self, above, prefix, found, err);
    char name[sizeof prefix + 8];
    (void)snprintf(name, sizeof name, "%s.EXIT", prefix);
    if (*found && !iw_path_beside(found, name, self->piece->stop_file))
        self->piece->stop_file[0] = '\0';
    return status;
}

static iw_status
set_atoms(cpx *self, iw_run_info *run, const char *input, iw_error *err)
{
    const char *species = self->piece->options->species;
    iw_names names = {0};
    iw_status status = IW_OK;
    if (species)
        status = iw_names_parse(&names, species, err);
    const iw_names *used = species ? &names : &self->input.atoms;
    if (status == IW_OK && used->n != self->n_atoms)
        status = iw_fail(err, IW_INVALID,
                         "%s has %zu atoms and no names: %s; give the names with --species, as in "
                         "Si*4,C*4, or the input of prefix and positions beside it",
                         self->piece->path, self->n_atoms,
                         species ? "--species names another number of them"
                                 : "there is no input with these atoms in its folder or above it");
    if (status == IW_OK)
        status = iw_names_set_atoms(used, run, err);
    iw_names_fini(&names);
    if (status == IW_OK && *input && !species)
        iw_notes_add(self->piece->notes,
                     "names, in the order of its ATOMIC_POSITIONS, from %s (where an old cp.x "
                     "sorts atoms by species, give --species)",
                     input);
    return status;
}

static iw_status
cpx_describe(void *state, iw_run_info *run, iw_error *err)
{
    cpx *self = state;
    char input[IW_PATH_LENGTH] = "";
    iw_status status = count_atoms(self, err);
    if (status == IW_OK)
        status = survey(self, run, err);
    if (status == IW_OK)
        status = find_repeats(self, &self->vel, self->n_atoms, err);
    if (status == IW_OK)
        status = find_repeats(self, &self->cel, 3, err);
    if (status == IW_OK)
        status = find_input(self, input, err);
    if (status == IW_OK)
        status = set_atoms(self, run, input, err);
    if (status == IW_OK && *input)
        status = iw_qe_describe(&self->input, run, err);
    if (status != IW_OK)
        return status;
    /* Times in the files have eight digits behind the point, the input has them all. */
    double exact_fs = self->input.dt * HARTREE_TIME_FS;
    if (*input && fabs(exact_fs - run->timestep_fs) <= 2.1e-5)
        run->timestep_fs = exact_fs;
    run->wrapped = false;
    return IW_OK;
}

static void
cpx_close(void *state)
{
    cpx *self = state;
    blocks *files[] = {&self->pos, &self->vel, &self->cel};
    for (size_t i = 0; i < 3; i++) {
        iw_text_close(&files[i]->text);
        free(files[i]->value);
        iw_epochs_fini(&files[i]->steps.epochs);
    }
    iw_rows_close(&self->evp);
    iw_qe_input_fini(&self->input);
}

static int
cpx_guess(const iw_head *head)
{
    iw_line line;
    int64_t step;
    double value;
    if (!iw_head_line(head, 0, &line) || !is_head(line, &step, &value) ||
        !strstr(head->name, ".pos"))
        return 0;
    for (size_t i = 0; i < 3; i++)
        if (!iw_head_line(head, 1, &line) || !iw_field_real(&line, &value))
            return 0;
    return 90;
}

/* The .pos file that an input of cp.x makes. */
static iw_status
pos_of_input(const char *path, char found[IW_PATH_LENGTH], iw_error *err)
{
    iw_qe_input input;
    iw_status status = iw_qe_input_read(&input, path, err);
    if (status == IW_OK && !strstr(input.calculation, "cp"))
        status = IW_NOT_FOUND;
    char name[sizeof input.outdir + sizeof input.prefix + 8];
    (void)snprintf(name, sizeof name, "%s%s%s.pos", input.outdir, *input.outdir ? "/" : "",
                   *input.prefix ? input.prefix : "cp");
    if (status == IW_OK && *name == '/')
        (void)snprintf(found, IW_PATH_LENGTH, "%s", name);
    else if (status == IW_OK && !iw_path_beside(path, name, found))
        status = IW_NOT_FOUND;
    iw_qe_input_fini(&input);
    return status;
}

/* The .pos file that a file of a folder is or stands for. */
static bool
stands_for(const char *path, char found[IW_PATH_LENGTH], iw_error *err)
{
    char beside[IW_PATH_LENGTH];
    if (iw_qe_is_input(path))
        return pos_of_input(path, found, err) == IW_OK && access(found, R_OK) == 0;
    if (!iw_path_ends(path, ".pos") || !find_beside(path, ".evp", beside))
        return false;
    (void)snprintf(found, IW_PATH_LENGTH, "%s", path);
    return true;
}

/* PREFIX.pos with PREFIX.evp in a folder, or of an input in it, or beside another of the files. */
static iw_status
cpx_find(const char *path, bool folder, char found[IW_PATH_LENGTH], iw_error *err)
{
    static const char *const ends[] = {".evp", ".vel", ".cel"};
    for (size_t i = 0; !folder && i < sizeof ends / sizeof *ends; i++) {
        if (!iw_path_ends(path, ends[i]))
            continue;
        (void)snprintf(found, IW_PATH_LENGTH, "%.*s.pos", (int)(strlen(path) - 4), path);
        return access(found, R_OK) == 0 ? IW_OK : IW_NOT_FOUND;
    }
    if (!folder)
        return iw_qe_is_input(path) ? pos_of_input(path, found, err) : IW_NOT_FOUND;
    iw_folder files;
    char one[IW_PATH_LENGTH];
    size_t n = 0;
    iw_status status = iw_folder_read(&files, path, err);
    for (size_t i = 0; i < files.n && status == IW_OK; i++) {
        if (!stands_for(files.path[i], one, err) || (n > 0 && strcmp(one, found) == 0))
            continue;
        (void)snprintf(found, IW_PATH_LENGTH, "%s", one);
        n++;
    }
    iw_folder_fini(&files);
    if (n > 1)
        return iw_fail(err, IW_INVALID, "%s holds %zu runs of cp.x: name the .pos file of one",
                       path, n);
    return status == IW_OK && n == 0 ? IW_NOT_FOUND : status;
}

const iw_format iw_format_cpx = {
    .name = "cp.x",
    .text = "Quantum ESPRESSO, cp.x PREFIX.pos, with .vel, .cel, .evp and its input beside it",
    .code = "Quantum ESPRESSO",
    .dt_advice = "there is only one block: give --dt FS, the time from one block to the next",
    .state_size = sizeof(cpx),
    .guess = cpx_guess,
    .find = cpx_find,
    .open = cpx_open,
    .describe = cpx_describe,
    .next = cpx_next,
    .close = cpx_close,
    .text_at = offsetof(cpx, pos.text),
};
