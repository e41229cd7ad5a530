/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * xyz.c - CP2K's PROJECT-pos-1.xyz with the files of the same run beside it: PROJECT-vel-1.xyz
 * (bohr per atomic unit of time), PROJECT-1.cell (Angstrom) and PROJECT-1.ener (hartree).  Inputs
 * and output beside them say what these do not: see project.h.
 *
 * Frames of the files are paired by the step number i of their comment lines (see
 * adapters/xyz.h, also for restarts).  Positions are in Angstrom and not wrapped.
 */
#include "adapters/xyz.h"
#include "adapters/cp2k/project.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HARTREE_EV 27.211386245988

typedef struct {
    iw_xyz_run xyz;
    double energy_Eh; /* of the last comment line of the positions; NAN if not there */
    iw_cp2k_project project;
    iw_rows cell, ener;
    bool has_cell, cell_varies;
    double last_cell_A[9];
} cp2k;

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

static const char *
read_comment(void *context, iw_line line, iw_xyz_comment *out)
{
    double step, *energy_Eh = context;
    if (!comment_value(line, "i", &step) || step != floor(step) || fabs(step) > 1e15)
        return "CP2K's comment 'i = STEP, time = FS, E = HARTREE'";
    out->step = (int64_t)step;
    if (!comment_value(line, "time", &out->time_fs))
        out->time_fs = (double)NAN;
    if (energy_Eh && !comment_value(line, "E", energy_Eh))
        *energy_Eh = (double)NAN;
    return NULL;
}

/* A row that is late is awaited, unless the run has gone on without it. */
static iw_status
find_row(cp2k *self, iw_rows *table, iw_when when, bool needed, iw_error *err)
{
    iw_status status = iw_rows_find(table, when, err);
    if (status == IW_AGAIN && !needed && iw_xyz_goes_on(&self->xyz))
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
        iw_notes_add(self->xyz.piece->notes,
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
    frame->potential_energy_eV = self->energy_Eh * HARTREE_EV;
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
    iw_when when = {0};
    iw_status status = iw_xyz_read(&self->xyz, &when, frame, err);
    if (status == IW_OK)
        status = add_cell(self, when, frame, err);
    if (status == IW_OK)
        status = add_energies(self, when, frame, err);
    if (status == IW_OK)
        iw_xyz_take(&self->xyz, when, frame);
    if (status == IW_AGAIN || status == IW_END)
        iw_xyz_back(&self->xyz);
    return status;
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
open_beside(const iw_piece *piece, const char *end, iw_text **text, iw_error *err)
{
    char path[IW_PATH_LENGTH];
    *text = NULL;
    if (!find_beside(piece->path, "-", end, path, sizeof path))
        return IW_OK;
    *text = iw_text_open(path, piece->follow, err);
    if (!*text)
        return err->code;
    iw_notes_add(piece->notes, "beside %s: %s", piece->path, path);
    return IW_OK;
}

static iw_status
cp2k_open(void *state, iw_piece *piece, iw_error *err)
{
    cp2k *self = state;
    char vel[IW_PATH_LENGTH];
    if (strstr(iw_path_base(piece->path), "-vel-"))
        return iw_fail(err, IW_INVALID,
                       "%s holds velocities: name the -pos- file, which finds it by itself",
                       piece->path);
    self->cell.n_columns = 10; /* time, nine of the cell */
    self->ener.n_columns = 4;
    self->xyz.pos.read_comment = self->xyz.vel.read_comment = read_comment;
    self->xyz.pos.context = &self->energy_Eh;
    iw_status status = iw_xyz_open(&self->xyz, piece, err);
    if (status == IW_OK && find_beside(piece->path, "-vel-", ".xyz", vel, sizeof vel))
        status = iw_xyz_open_velocities(&self->xyz, vel, err);
    if (status == IW_OK)
        status = open_beside(piece, ".cell", &self->cell.text, err);
    if (status == IW_OK)
        status = open_beside(piece, ".ener", &self->ener.text, err);
    return status;
}

/* The time of two steps from the energies, which are read a second time for it. */
static iw_status
spacing_from_energies(const cp2k *self, const iw_when when[2], double *spacing, iw_error *err)
{
    iw_rows table = {.n_columns = 1};
    iw_status status = open_beside(self->xyz.piece, ".ener", &table.text, err);
    double time[2] = {0};
    for (size_t i = 0; i < 2 && status == IW_OK; i++) {
        status = iw_rows_find(&table, when[i], err);
        time[i] = table.value[0];
    }
    if (status == IW_OK)
        *spacing = time[1] - time[0];
    iw_rows_close(&table);
    return status == IW_NOT_FOUND ? IW_OK : status;
}

static iw_status
describe_spacing(const cp2k *self, const iw_xyz_start *start, iw_run_info *run, iw_error *err)
{
    if (start->n < 2)
        return IW_OK;
    const iw_when *when = start->when;
    double spacing = start->time_fs[1] - start->time_fs[0];
    if (when[1].step > when[0].step && when[1].epoch == 0)
        run->stride = when[1].step - when[0].step;
    iw_status status = isnan(spacing) ? spacing_from_energies(self, when, &spacing, err) : IW_OK;
    run->timestep_fs = spacing / (double)run->stride;
    return status;
}

/* What the files of frames do not say. */
static iw_status
describe_project(cp2k *self, iw_run_info *run, iw_error *err)
{
    const iw_cp2k_project *project = &self->project;
    iw_notes *notes = self->xyz.piece->notes;
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
                     self->xyz.piece->path,
                     project->has_cell ? ", and the cell of this ensemble changes" : "");
    }
    size_t size = iw_cp2k_project_size(self->xyz.piece->path);
    int n = snprintf(self->xyz.piece->stop_file, sizeof self->xyz.piece->stop_file, "%.*s.EXIT",
                     (int)size, self->xyz.piece->path);
    if (size == 0 || n < 0 || (size_t)n >= sizeof self->xyz.piece->stop_file)
        self->xyz.piece->stop_file[0] = '\0';
    return project->ensemble[0] ? iw_run_info_set_metadata(run, "ensemble", project->ensemble, err)
                                : IW_OK;
}

static iw_status
cp2k_describe(void *state, iw_run_info *run, iw_error *err)
{
    cp2k *self = state;
    iw_xyz_start start;
    iw_status status = iw_xyz_describe(&self->xyz, &start, err);
    if (status == IW_OK)
        status = describe_spacing(self, &start, run, err);
    if (status == IW_OK)
        status = iw_cp2k_project_read(&self->project, self->xyz.piece->path, err);
    self->xyz.pos.factor = self->project.pos_A;
    self->xyz.vel.factor = self->project.vel_A_fs;
    if (status == IW_OK)
        status = describe_project(self, run, err);
    if (status == IW_OK)
        status = iw_xyz_set_atoms(&self->xyz, run, err);
    run->wrapped = false;
    if (status == IW_OK && !self->xyz.vel.text)
        iw_notes_add(self->xyz.piece->notes, "no velocities: there is no -vel- file beside %s",
                     self->xyz.piece->path);
    return status;
}

static void
cp2k_close(void *state)
{
    cp2k *self = state;
    iw_xyz_fini(&self->xyz);
    iw_rows_close(&self->cell);
    iw_rows_close(&self->ener);
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
    .text_at = offsetof(cp2k, xyz.pos.text),
};
