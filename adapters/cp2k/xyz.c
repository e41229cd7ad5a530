/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * xyz.c - CP2K's PROJECT-pos-1.xyz with the files of the same run beside it: PROJECT-vel-1.xyz
 * (bohr per atomic unit of time), PROJECT-1.cell (Angstrom) and PROJECT-1.ener (hartree).  Inputs
 * and output beside them say what these do not: see project.h.
 *
 * Frames of the files are paired by the step number i of their comment lines.  Positions are in
 * Angstrom and not wrapped.  A restart appends to the same files and repeats the steps since the
 * last restart file: of a repeated step only the later copy is given.  Frames that were given
 * before the restart came (a run that is followed) stay, and their repeats are given too.
 */
#include "adapters/cp2k/project.h"
#include "adapters/rows.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define HARTREE_EV 27.211386245988

/* One of the two xyz files. */
typedef struct {
    iw_text *text;
    bool any;                  /* a frame was read */
    iw_when when;              /* of the last frame */
    double time_fs, energy_Eh; /* of the comment line; NAN if not there */
} xyz;

typedef struct {
    iw_piece *piece;
    size_t n_atoms;
    iw_names names;
    xyz pos, vel;
    iw_epochs epochs; /* of the positions, as far as they were written when the file was opened */
    iw_cp2k_project project;
    bool with_velocities;
    double *vel_A_fs; /* [n_atoms][3] of the last frame of vel */
    iw_rows cell, ener;
    bool has_cell, cell_varies;
    double last_cell_A[9];
} cp2k;

static iw_status
unexpected(const iw_text *text, iw_line line, const char *what, iw_error *err)
{
    char excerpt[48];
    return iw_text_fail(text, err, IW_INVALID, "expected %s, found '%s'", what,
                        iw_line_excerpt(line, excerpt));
}

/* The number behind "key =" in a comment line; keys stand at its start or behind a comma. */
static bool
comment_value(iw_line line, const char *key, double *value)
{
    size_t size = strlen(key);
    while (line.at < line.end) {
        const char *comma = memchr(line.at, ',', (size_t)(line.end - line.at));
        iw_line part = {line.at, comma ? comma : line.end};
        while (part.at < part.end && *part.at == ' ')
            part.at++;
        if ((size_t)(part.end - part.at) > size && memcmp(part.at, key, size) == 0) {
            part.at += size;
            while (part.at < part.end && *part.at == ' ')
                part.at++;
            if (part.at < part.end && *part.at == '=') {
                part.at++;
                return iw_field_real(&part, value);
            }
        }
        line.at = comma ? comma + 1 : line.end;
    }
    return false;
}

/* Count and comment; *when is that of the frame which begins here. */
static iw_status
read_head(const cp2k *self, xyz *file, iw_when *when, int64_t *count, iw_error *err)
{
    iw_line line, rest;
    iw_status status;
    do
        status = iw_text_line(file->text, &line, err);
    while (status == IW_OK && iw_field_none(&line));
    if (status != IW_OK)
        return status;
    rest = line;
    if (!iw_field_int(&rest, count) || !iw_field_none(&rest) || *count < 1 || *count > INT32_MAX)
        return unexpected(file->text, line, "the number of atoms", err);
    if (self->n_atoms > 0 && (uint64_t)*count != self->n_atoms)
        return iw_text_fail(file->text, err, IW_INVALID,
                            "%lld atoms, but %zu before: the atoms of a run do not change",
                            (long long)*count, self->n_atoms);
    if ((status = iw_text_line(file->text, &line, err)) != IW_OK)
        return status;
    double step;
    if (!comment_value(line, "i", &step) || step != floor(step) || fabs(step) > 1e15)
        return unexpected(file->text, line, "CP2K's comment 'i = STEP, time = FS, E = HARTREE'",
                          err);
    *when = iw_when_after(file->when, (int64_t)step, file->any);
    if (!comment_value(line, "time", &file->time_fs))
        file->time_fs = (double)NAN;
    if (!comment_value(line, "E", &file->energy_Eh))
        file->energy_Eh = (double)NAN;
    return IW_OK;
}

static iw_status
read_row(const xyz *file, iw_line line, const char **name, size_t *size, double value[3],
         iw_error *err)
{
    iw_line rest = line;
    if (!iw_field_word(&rest, name, size) || *size > IW_SPECIES_LENGTH ||
        !iw_field_real(&rest, value) || !iw_field_real(&rest, value + 1) ||
        !iw_field_real(&rest, value + 2))
        return unexpected(file->text, line, "an element and three numbers", err);
    return IW_OK;
}

/* The rows of a frame; atoms must be those of the first. */
static iw_status
read_rows(const cp2k *self, xyz *file, double *to, double factor, iw_error *err)
{
    for (size_t i = 0; i < self->n_atoms; i++) {
        iw_line line;
        const char *name;
        size_t size;
        double value[3] = {0};
        iw_status status = iw_text_line(file->text, &line, err);
        if (status == IW_OK)
            status = read_row(file, line, &name, &size, value, err);
        if (status != IW_OK)
            return status;
        const char *was = self->names.name[i];
        if (strlen(was) != size || strncasecmp(was, name, size) != 0)
            return iw_text_fail(file->text, err, IW_INVALID,
                                "atom %zu is %.*s, but was %s: the atoms of a run do not change",
                                i + 1, (int)size, name, was);
        for (size_t x = 0; x < 3; x++)
            to[3 * i + x] = value[x] * factor;
    }
    return IW_OK;
}

/* Whether the file of positions goes on: what belongs to the frame before has been written. */
static bool
positions_go_on(const cp2k *self)
{
    iw_line line;
    if (iw_text_line(self->pos.text, &line, NULL) != IW_OK)
        return false;
    iw_text_unread(self->pos.text);
    return true;
}

/* Moves the velocities to the frame of when.  NOT_FOUND: they have none for it. */
static iw_status
find_velocities(cp2k *self, iw_when when, iw_error *err)
{
    xyz *vel = &self->vel;
    while (!vel->any || iw_when_compare(vel->when, when) < 0) {
        iw_when found;
        int64_t count;
        iw_text_mark(vel->text);
        iw_status status = read_head(self, vel, &found, &count, err);
        if (status == IW_OK)
            status = read_rows(self, vel, self->vel_A_fs, self->project.vel_A_fs, err);
        if (status == IW_AGAIN || status == IW_END)
            iw_text_back(vel->text);
        if (status != IW_OK)
            return status;
        vel->when = found;
        vel->any = true;
    }
    return iw_when_compare(vel->when, when) == 0 ? IW_OK : IW_NOT_FOUND;
}

static iw_status
add_velocities(cp2k *self, iw_when when, iw_frame *frame, iw_error *err)
{
    if (!self->with_velocities)
        return IW_OK;
    iw_status status = find_velocities(self, when, err);
    if (status == IW_OK) {
        frame->has_velocities = true;
        memcpy(frame->vel_A_fs, self->vel_A_fs, 3 * self->n_atoms * sizeof(double));
    } else if (status == IW_NOT_FOUND) {
        iw_notes_add(self->piece->notes, "%s has no velocities for step %lld",
                     iw_text_path(self->vel.text), (long long)when.step);
        status = IW_OK;
    } else if (status == IW_END) {
        iw_notes_add(
            self->piece->notes,
            "%s ends before step %lld: frames from there on are left out; to use positions "
            "alone, move it away",
            iw_text_path(self->vel.text), (long long)when.step);
    }
    return status;
}

/* A row that is late is awaited, unless the run has gone on without it. */
static iw_status
find_row(cp2k *self, iw_rows *table, iw_when when, bool needed, iw_error *err)
{
    iw_status status = iw_rows_find(table, when, err);
    if (status == IW_AGAIN && !needed && positions_go_on(self))
        status = IW_NOT_FOUND;
    return status;
}

static iw_status
add_cell(cp2k *self, iw_when when, iw_frame *frame, iw_error *err)
{
    iw_status status = find_row(self, &self->cell, when, self->cell_varies, err);
    if (status == IW_OK) {
        const double *cell = self->cell.value + 1; /* behind the time */
        for (size_t i = 0; i < 9; i++)
            self->cell_varies =
                self->cell_varies || (self->has_cell && cell[i] != self->last_cell_A[i]);
        memcpy(self->last_cell_A, cell, sizeof self->last_cell_A);
        self->has_cell = true;
    } else if (status == IW_NOT_FOUND && self->cell_varies) {
        iw_notes_add(self->piece->notes,
                     "%s has no row for step %lld: the cell of the row before is used",
                     iw_text_path(self->cell.text), (long long)when.step);
    }
    frame->has_cell = self->has_cell;
    memcpy(frame->cell_A, self->last_cell_A, sizeof self->last_cell_A);
    return status == IW_NOT_FOUND ? IW_OK : status;
}

static iw_status
add_energies(cp2k *self, iw_when when, iw_frame *frame, iw_error *err)
{
    frame->potential_energy_eV = self->pos.energy_Eh * HARTREE_EV;
    iw_status status = find_row(self, &self->ener, when, false, err);
    if (status == IW_NOT_FOUND)
        return IW_OK;
    if (status != IW_OK)
        return status;
    const double *value = self->ener.value; /* time, kinetic, temperature, potential */
    if (isnan(frame->time_fs))
        frame->time_fs = value[0];
    frame->kinetic_energy_eV = value[1] * HARTREE_EV;
    frame->temperature_K = value[2];
    frame->potential_energy_eV = value[3] * HARTREE_EV;
    return IW_OK;
}

static iw_status
cp2k_next(void *state, iw_frame *frame, iw_error *err)
{
    cp2k *self = state;
    xyz *pos = &self->pos;
    iw_when when;
    int64_t count;
    iw_status status;
    do {
        iw_text_mark(pos->text);
        status = read_head(self, pos, &when, &count, err);
        if (status != IW_OK || !iw_epochs_repeat(&self->epochs, when))
            break;
        status = iw_text_skip(pos->text, self->n_atoms, err);
        pos->when = when;
        pos->any = true;
    } while (status == IW_OK);
    if (status == IW_OK)
        status = read_rows(self, pos, frame->pos_A, self->project.pos_A, err);
    if (status == IW_END && iw_text_past_mark(pos->text))
        iw_notes_add(self->piece->notes, "%s: its last frame is cut short and left out",
                     self->piece->path);
    frame->time_fs = pos->time_fs;
    if (status == IW_OK)
        status = add_velocities(self, when, frame, err);
    if (status == IW_OK)
        status = add_cell(self, when, frame, err);
    if (status == IW_OK)
        status = add_energies(self, when, frame, err);
    if (status == IW_AGAIN || status == IW_END)
        iw_text_back(pos->text);
    if (status != IW_OK)
        return status;
    if (when.epoch > 0 && (uint64_t)when.epoch >= self->epochs.n && when.epoch > pos->when.epoch)
        iw_notes_add(self->piece->notes, "%s: a restart: after step %lld comes step %lld",
                     self->piece->path, (long long)pos->when.step, (long long)when.step);
    pos->when = when;
    pos->any = true;
    frame->step = when.step;
    return IW_OK;
}

/* Finds PREFIX + infix + N + end, compressed or not, beside PREFIX-pos-N.xyz. */
static bool
find_beside(const char *path, const char *infix, const char *end, char *found, size_t size)
{
    static const char *const packed[] = {"", ".gz", ".xz", ".zst"};
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    const char *mark = NULL;
    for (const char *at = base; (at = strstr(at, "-pos-")); at++)
        mark = at;
    const char *number = mark ? mark + 5 : NULL;
    const char *dot = number ? strstr(number, ".xyz") : NULL;
    if (!dot)
        return false;
    for (size_t i = 0; i < sizeof packed / sizeof packed[0]; i++) {
        int n = snprintf(found, size, "%.*s%s%.*s%s%s", (int)(mark - path), path, infix,
                         (int)(dot - number), number, end, packed[i]);
        if (n > 0 && (size_t)n < size && access(found, R_OK) == 0)
            return true;
    }
    return false;
}

/* Opens the file beside the positions if there is one. */
static iw_status
open_beside(const cp2k *self, const char *infix, const char *end, iw_text **text, iw_error *err)
{
    char path[4096];
    *text = NULL;
    if (!find_beside(self->piece->path, infix, end, path, sizeof path))
        return IW_OK;
    *text = iw_text_open(path, self->piece->follow, err);
    if (!*text)
        return err->code;
    iw_notes_add(self->piece->notes, "beside %s: %s", self->piece->path, path);
    return IW_OK;
}

static iw_status
cp2k_open(void *state, iw_piece *piece, iw_error *err)
{
    cp2k *self = state;
    self->piece = piece;
    const char *slash = strrchr(piece->path, '/');
    if (strstr(slash ? slash : piece->path, "-vel-"))
        return iw_fail(err, IW_INVALID,
                       "%s holds velocities: name the -pos- file, which finds it by itself",
                       piece->path);
    self->cell.n_columns = 10; /* time, nine of the cell */
    self->ener.n_columns = 4;
    self->pos.text = iw_text_open(piece->path, piece->follow, err);
    iw_status status = self->pos.text ? IW_OK : err->code;
    if (status == IW_OK)
        status = open_beside(self, "-vel-", ".xyz", &self->vel.text, err);
    if (status == IW_OK)
        status = open_beside(self, "-", ".cell", &self->cell.text, err);
    if (status == IW_OK)
        status = open_beside(self, "-", ".ener", &self->ener.text, err);
    return status;
}

/* First rows: names grow with what is really there. */
static iw_status
read_names(cp2k *self, int64_t count, iw_error *err)
{
    for (int64_t i = 0; i < count; i++) {
        iw_line line;
        const char *name;
        size_t size;
        double value[3];
        iw_status status = iw_text_line(self->pos.text, &line, err);
        if (status == IW_OK)
            status = read_row(&self->pos, line, &name, &size, value, err);
        if (status == IW_OK)
            status = iw_names_add(&self->names, name, size, err);
        if (status != IW_OK)
            return status;
    }
    self->n_atoms = (size_t)count;
    return IW_OK;
}

/* The time of two steps from the energies, which are read a second time for it. */
static iw_status
spacing_from_energies(cp2k *self, const iw_when when[2], double *spacing, iw_error *err)
{
    iw_rows table = {.n_columns = 1};
    iw_status status = open_beside(self, "-", ".ener", &table.text, err);
    double time[2] = {0};
    for (size_t i = 0; i < 2 && status == IW_OK; i++) {
        status = iw_rows_find(&table, when[i], err);
        time[i] = table.value[0];
    }
    if (status == IW_OK)
        *spacing = time[1] - time[0];
    iw_text_close(&table.text);
    return status == IW_NOT_FOUND ? IW_OK : status;
}

/* Velocities are used where both first frames have them. */
static iw_status
describe_velocities(cp2k *self, const iw_when when[2], size_t n, iw_error *err)
{
    if (!self->vel.text)
        return IW_OK;
    iw_text_mark(self->vel.text);
    self->with_velocities = true;
    for (size_t i = 0; i < n && self->with_velocities; i++) {
        iw_when found;
        int64_t count;
        iw_status status = read_head(self, &self->vel, &found, &count, err);
        if (status == IW_OK)
            status = iw_text_skip(self->vel.text, self->n_atoms, err);
        if (status == IW_END) {
            self->with_velocities = i > 0;
            break;
        }
        if (status != IW_OK)
            return status;
        self->with_velocities = found.step == when[i].step;
        self->vel.any = true;
        self->vel.when = found;
    }
    self->vel.any = false;
    self->vel.when = (iw_when){0};
    iw_text_back(self->vel.text);
    if (!self->with_velocities)
        iw_notes_add(self->piece->notes,
                     "%s does not have the velocities of the first frames: not used",
                     iw_text_path(self->vel.text));
    self->vel_A_fs = calloc(self->n_atoms, 3 * sizeof(double));
    if (!self->vel_A_fs)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu atoms", self->n_atoms);
    return IW_OK;
}

static iw_status
describe_frames(cp2k *self, iw_run_info *run, iw_error *err)
{
    xyz *pos = &self->pos;
    iw_when when[2];
    double time[2] = {0};
    int64_t count;
    size_t n = 0;
    iw_text_mark(pos->text);
    iw_status status = IW_OK;
    while (n < 2 && status == IW_OK) {
        status = read_head(self, pos, &when[n], &count, err);
        if (n == 0)
            self->piece->atoms_line = iw_text_line_number(pos->text) - 1;
        if (status == IW_OK)
            status =
                n == 0 ? read_names(self, count, err) : iw_text_skip(pos->text, self->n_atoms, err);
        if (status == IW_OK) {
            pos->when = when[n];
            pos->any = true;
            time[n++] = pos->time_fs;
        }
    }
    pos->any = false;
    pos->when = (iw_when){0};
    if (n == 0 || (status == IW_AGAIN && self->piece->first) ||
        (status != IW_OK && status != IW_END && status != IW_AGAIN))
        return status;
    if (n == 2) {
        double spacing = time[1] - time[0];
        if (when[1].step > when[0].step && when[1].epoch == 0)
            run->stride = when[1].step - when[0].step;
        status = isnan(spacing) ? spacing_from_energies(self, when, &spacing, err) : IW_OK;
        if (status != IW_OK)
            return status;
        run->timestep_fs = spacing / (double)run->stride;
    }
    iw_text_back(pos->text);
    return describe_velocities(self, when, n, err);
}

/* Where restarts repeat steps; the frames are passed over once for it. */
static iw_status
find_repeats(cp2k *self, iw_error *err)
{
    if (!iw_bytes_seekable(iw_text_bytes(self->pos.text)))
        return IW_OK;
    xyz file = {.text = iw_text_open(self->piece->path, self->piece->follow, err)};
    iw_status status = file.text ? IW_OK : err->code;
    while (status == IW_OK) {
        iw_when when;
        int64_t count;
        iw_text_mark(file.text);
        status = read_head(self, &file, &when, &count, err);
        if (status == IW_OK)
            status = iw_text_skip(file.text, self->n_atoms, err);
        if (status == IW_OK)
            status = iw_epochs_add(&self->epochs, when, err);
        if (status == IW_OK && when.epoch > file.when.epoch)
            iw_notes_add(self->piece->notes,
                         "%s: a restart: after step %lld comes step %lld; of repeated steps the "
                         "later ones are taken",
                         self->piece->path, (long long)file.when.step, (long long)when.step);
        file.when = when;
        file.any = true;
    }
    iw_text_close(&file.text);
    /* What is wrong in a frame is said when that frame is read. */
    return status == IW_NO_MEMORY ? status : IW_OK;
}

/* What the files of frames do not say. */
static iw_status
describe_project(cp2k *self, iw_run_info *run, iw_error *err)
{
    const iw_cp2k_project *project = &self->project;
    iw_notes *notes = self->piece->notes;
    double spacing_fs = run->timestep_fs * (double)run->stride;
    double exact_fs = project->timestep_fs * (double)run->stride;
    /* Times in the files have three digits behind the point. */
    if (isnan(spacing_fs) || fabs(exact_fs - spacing_fs) <= 1.1e-3)
        run->timestep_fs = isnan(exact_fs) ? run->timestep_fs : project->timestep_fs;
    if (iw_cp2k_thermostat(project))
        run->temperature_K = project->temperature_K;
    if (!self->cell.text && project->has_cell && !iw_cp2k_cell_varies(project)) {
        self->has_cell = true;
        memcpy(self->last_cell_A, project->cell_A, sizeof self->last_cell_A);
        iw_notes_add(notes, "the cell is that of %s", project->cell_from);
    } else if (!self->cell.text) {
        iw_notes_add(notes,
                     "no cell: there is no .cell file beside %s (CP2K writes it with the print key "
                     "CELL of MOTION)%s",
                     self->piece->path,
                     project->has_cell ? ", and the cell of this ensemble changes" : "");
    }
    size_t size = iw_cp2k_project_size(self->piece->path);
    int n = snprintf(self->piece->stop_file, sizeof self->piece->stop_file, "%.*s.EXIT_MD",
                     (int)size, self->piece->path);
    if (size == 0 || n < 0 || (size_t)n >= sizeof self->piece->stop_file)
        self->piece->stop_file[0] = '\0';
    return project->ensemble[0] ? iw_run_info_set_metadata(run, "ensemble", project->ensemble, err)
                                : IW_OK;
}

static iw_status
cp2k_describe(void *state, iw_run_info *run, iw_error *err)
{
    cp2k *self = state;
    iw_status status = describe_frames(self, run, err);
    if (status == IW_OK)
        status = iw_cp2k_project_read(&self->project, self->piece->path, err);
    if (status == IW_OK)
        status = find_repeats(self, err);
    if (status == IW_OK)
        status = describe_project(self, run, err);
    if (status != IW_OK)
        return status;
    iw_names names = {0};
    for (size_t i = 0; status == IW_OK && i < self->n_atoms; i++)
        status = iw_names_add(&names, self->names.name[i], strlen(self->names.name[i]), err);
    if (status == IW_OK && self->piece->options->species)
        status = iw_names_override(&names, self->piece->options->species, err);
    if (status == IW_OK)
        status = iw_names_set_atoms(&names, run, err);
    iw_names_fini(&names);
    run->wrapped = false;
    iw_notes *notes = self->piece->notes;
    if (!self->vel.text)
        iw_notes_add(notes, "no velocities: there is no -vel- file beside %s", self->piece->path);
    return status;
}

static void
cp2k_close(void *state)
{
    cp2k *self = state;
    iw_text_close(&self->pos.text);
    iw_text_close(&self->vel.text);
    iw_text_close(&self->cell.text);
    iw_text_close(&self->ener.text);
    iw_names_fini(&self->names);
    iw_epochs_fini(&self->epochs);
    free(self->vel_A_fs);
}

static int
cp2k_guess(const iw_head *head)
{
    iw_line count, comment;
    int64_t n;
    double value;
    if (!iw_head_line(head, 0, &count) || !iw_field_int(&count, &n) || !iw_field_none(&count) ||
        !iw_head_line(head, 1, &comment))
        return 0;
    return comment_value(comment, "i", &value) &&
                   (comment_value(comment, "E", &value) || comment_value(comment, "time", &value))
               ? 95
               : 0;
}

const iw_format iw_format_cp2k = {
    .name = "cp2k",
    .text = "CP2K -pos-1.xyz, with -vel-1.xyz, -1.cell and -1.ener beside it",
    .code = "CP2K",
    .dt_advice = "the comment lines have no 'time =' and there is no .ener file: give --dt FS, the "
                 "time from one frame to the next",
    .state_size = sizeof(cp2k),
    .guess = cp2k_guess,
    .find = iw_cp2k_find,
    .open = cp2k_open,
    .describe = cp2k_describe,
    .next = cp2k_next,
    .close = cp2k_close,
    .text_at = offsetof(cp2k, pos.text),
};
