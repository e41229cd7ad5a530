/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/xyz.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define STEP_MAX INT64_C(1000000000000000)

/* Count and comment; *when is that of the frame which begins here. */
static iw_status
read_head(const iw_xyz_run *self, iw_xyz_file *file, iw_when *when, size_t *n_atoms, iw_error *err)
{
    iw_line line, rest;
    int64_t count;
    iw_status status;
    do
        status = iw_text_line(file->text, &line, err);
    while (status == IW_OK && iw_field_none(&line));
    if (status != IW_OK)
        return status;
    rest = line;
    if (!iw_field_int(&rest, &count) || !iw_field_none(&rest) || count < 1 || count > INT32_MAX)
        return iw_text_unexpected(file->text, line, "the number of atoms", err);
    if (self->n_atoms > 0 && (uint64_t)count != self->n_atoms)
        return iw_text_fail(file->text, err, IW_INVALID,
                            "%lld atoms, but %zu before: the atoms of a run do not change",
                            (long long)count, self->n_atoms);
    if ((status = iw_text_line(file->text, &line, err)) != IW_OK)
        return status;
    iw_xyz_comment comment = {.time_fs = (double)NAN, .factor = file->factor};
    const char *expected = file->read_comment(file->context, line, &comment);
    if (!expected && (comment.step > STEP_MAX || comment.step < -STEP_MAX))
        expected = "a step number of at most 15 digits";
    if (expected)
        return iw_text_unexpected(file->text, line, expected, err);
    *when = iw_steps_next(&file->steps, comment.step);
    *n_atoms = (size_t)count;
    file->time_fs = comment.time_fs;
    file->factor = comment.factor;
    return IW_OK;
}

static iw_status
read_row(const iw_xyz_file *file, const char **name, size_t *size, double value[3], iw_error *err)
{
    iw_line line, rest;
    iw_status status = iw_text_line(file->text, &line, err);
    if (status != IW_OK)
        return status;
    rest = line;
    if (!iw_field_word(&rest, name, size) || *size > IW_SPECIES_LENGTH ||
        !iw_field_real(&rest, value) || !iw_field_real(&rest, value + 1) ||
        !iw_field_real(&rest, value + 2))
        return iw_text_unexpected(file->text, line, "an element and three numbers", err);
    return IW_OK;
}

/* The rows of a frame; atoms must be those of the first. */
static iw_status
read_rows(const iw_xyz_run *self, const iw_xyz_file *file, double *to, iw_error *err)
{
    for (size_t i = 0; i < self->n_atoms; i++) {
        const char *name;
        size_t size;
        double value[3] = {0};
        iw_status status = read_row(file, &name, &size, value, err);
        if (status != IW_OK)
            return status;
        const char *was = self->names.name[i];
        if (strlen(was) != size || strncasecmp(was, name, size) != 0)
            return iw_text_fail(file->text, err, IW_INVALID,
                                "atom %zu is %.*s, but was %s: the atoms of a run do not change",
                                i + 1, (int)size, name, was);
        for (size_t x = 0; x < 3; x++)
            to[3 * i + x] = value[x] * file->factor;
    }
    return IW_OK;
}

/* First rows: names grow with what is really there. */
static iw_status
read_names(iw_xyz_run *self, size_t n_atoms, iw_error *err)
{
    for (size_t i = 0; i < n_atoms; i++) {
        const char *name;
        size_t size;
        double value[3];
        iw_status status = read_row(&self->pos, &name, &size, value, err);
        if (status == IW_OK)
            status = iw_names_add(&self->names, name, size, err);
        if (status != IW_OK)
            return status;
    }
    self->n_atoms = n_atoms;
    return IW_OK;
}

iw_status
iw_xyz_open(iw_xyz_run *self, iw_piece *piece, iw_error *err)
{
    self->piece = piece;
    self->pos.text = iw_text_open(piece->path, piece->follow, err);
    return self->pos.text ? IW_OK : err->code;
}

iw_status
iw_xyz_open_velocities(iw_xyz_run *self, const char *path, iw_error *err)
{
    self->vel.text = iw_text_open(path, self->piece->follow, err);
    if (!self->vel.text)
        return err->code;
    iw_notes_add(self->piece->notes, "beside %s: %s", self->piece->path, path);
    return IW_OK;
}

void
iw_xyz_fini(iw_xyz_run *self)
{
    iw_text_close(&self->pos.text);
    iw_text_close(&self->vel.text);
    iw_names_fini(&self->names);
    iw_epochs_fini(&self->pos.steps.epochs);
    iw_epochs_fini(&self->vel.steps.epochs);
    free(self->vel_A_fs);
}

static iw_status
describe_positions(iw_xyz_run *self, iw_xyz_start *start, iw_error *err)
{
    iw_xyz_file *pos = &self->pos;
    size_t n_atoms = 0;
    *start = (iw_xyz_start){0};
    iw_text_mark(pos->text);
    iw_status status = IW_OK;
    while (start->n < 2 && status == IW_OK) {
        status = read_head(self, pos, &start->when[start->n], &n_atoms, err);
        if (start->n == 0)
            self->piece->atoms_line = iw_text_line_number(pos->text) - 1;
        if (status == IW_OK)
            status = start->n == 0 ? read_names(self, n_atoms, err)
                                   : iw_text_skip(pos->text, self->n_atoms, err);
        if (status == IW_OK) {
            iw_steps_push(&pos->steps, start->when[start->n]);
            start->time_fs[start->n++] = pos->time_fs;
        }
    }
    pos->steps = (iw_steps){0};
    if (start->n == 0 || (status == IW_AGAIN && self->piece->first) ||
        (status != IW_OK && status != IW_END && status != IW_AGAIN))
        return status;
    iw_text_back(pos->text);
    return IW_OK;
}

/* Whether the file of velocities has those of both first frames, perhaps among others. */
static iw_status
look_for_velocities(iw_xyz_run *self, const iw_xyz_start *start, iw_error *err)
{
    iw_xyz_file file = self->vel;
    file.text = iw_text_open(iw_text_path(self->vel.text), self->piece->follow, err);
    if (!file.text)
        return err->code;
    iw_status status = IW_OK;
    self->with_velocities = true;
    for (size_t i = 0; status == IW_OK && i < start->n && self->with_velocities; i++) {
        iw_when found = {0};
        size_t n_atoms;
        do {
            iw_text_mark(file.text);
            status = read_head(self, &file, &found, &n_atoms, err);
            if (status == IW_OK)
                status = iw_text_skip(file.text, self->n_atoms, err);
        } while (status == IW_OK && found.step < start->when[i].step);
        self->with_velocities =
            status == IW_END ? i > 0 : status != IW_OK || found.step == start->when[i].step;
    }
    iw_text_close(&file.text);
    return status == IW_END ? IW_OK : status;
}

static iw_status
describe_velocities(iw_xyz_run *self, const iw_xyz_start *start, iw_error *err)
{
    if (!self->vel.text)
        return IW_OK;
    iw_status status = look_for_velocities(self, start, err);
    if (status != IW_OK)
        return status;
    if (!self->with_velocities)
        iw_notes_add(self->piece->notes,
                     "%s does not have the velocities of the first frames: not used",
                     iw_text_path(self->vel.text));
    self->vel_A_fs = calloc(self->n_atoms, 3 * sizeof(double));
    if (!self->vel_A_fs)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu atoms", self->n_atoms);
    return IW_OK;
}

/* Where restarts repeat steps of a file; its frames are passed over once for it. */
static iw_status
find_repeats(const iw_xyz_run *self, iw_xyz_file *of, bool tell, iw_error *err)
{
    if (!of->text || !iw_bytes_seekable(iw_text_bytes(of->text)))
        return IW_OK;
    iw_xyz_file file = *of;
    file.text = iw_text_open(iw_text_path(of->text), self->piece->follow, err);
    iw_status status = file.text ? IW_OK : err->code;
    while (status == IW_OK) {
        iw_when when = {0}, was = file.steps.when;
        size_t n_atoms;
        iw_text_mark(file.text);
        status = read_head(self, &file, &when, &n_atoms, err);
        if (status == IW_OK)
            status = iw_text_skip(file.text, self->n_atoms, err);
        if (status == IW_OK)
            status = iw_epochs_add(&of->steps.epochs, when, err);
        if (status == IW_OK && tell && when.epoch > was.epoch)
            iw_notes_add(self->piece->notes,
                         "%s: a restart: after step %lld comes step %lld; of repeated steps the "
                         "later ones are taken",
                         self->piece->path, (long long)was.step, (long long)when.step);
        iw_steps_push(&file.steps, when);
    }
    iw_text_close(&file.text);
    /* What is wrong in a frame is said when that frame is read. */
    return status == IW_NO_MEMORY ? status : IW_OK;
}

iw_status
iw_xyz_describe(iw_xyz_run *self, iw_xyz_start *start, iw_error *err)
{
    iw_status status = describe_positions(self, start, err);
    if (status == IW_OK)
        status = describe_velocities(self, start, err);
    if (status == IW_OK)
        status = find_repeats(self, &self->pos, true, err);
    if (status == IW_OK && self->with_velocities)
        status = find_repeats(self, &self->vel, false, err);
    return status;
}

iw_status
iw_xyz_set_atoms(const iw_xyz_run *self, iw_run_info *run, iw_error *err)
{
    iw_names names = {0};
    iw_status status = IW_OK;
    for (size_t i = 0; status == IW_OK && i < self->n_atoms; i++)
        status = iw_names_add(&names, self->names.name[i], strlen(self->names.name[i]), err);
    if (status == IW_OK && self->piece->options->species)
        status = iw_names_override(&names, self->piece->options->species, err);
    if (status == IW_OK)
        status = iw_names_set_atoms(&names, run, err);
    iw_names_fini(&names);
    return status;
}

/* Moves the velocities to the frame of when.  NOT_FOUND: they have none for it. */
static iw_status
find_velocities(iw_xyz_run *self, iw_when when, iw_error *err)
{
    iw_xyz_file *vel = &self->vel;
    while (iw_steps_behind(&vel->steps, when)) {
        iw_when found = {0};
        size_t n_atoms;
        iw_text_mark(vel->text);
        iw_status status = read_head(self, vel, &found, &n_atoms, err);
        if (status == IW_OK)
            status = read_rows(self, vel, self->vel_A_fs, err);
        if (status == IW_AGAIN || status == IW_END)
            iw_text_back(vel->text);
        if (status != IW_OK)
            return status;
        iw_steps_push(&vel->steps, found);
    }
    return vel->steps.when.step == when.step ? IW_OK : IW_NOT_FOUND;
}

static iw_status
add_velocities(iw_xyz_run *self, iw_when when, iw_frame *frame, iw_error *err)
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

iw_status
iw_xyz_read(iw_xyz_run *self, iw_when *when, iw_frame *frame, iw_error *err)
{
    iw_xyz_file *pos = &self->pos;
    size_t n_atoms;
    iw_status status;
    do {
        iw_text_mark(pos->text);
        status = read_head(self, pos, when, &n_atoms, err);
        if (status != IW_OK || !iw_epochs_repeat(&pos->steps.epochs, *when))
            break;
        status = iw_text_skip(pos->text, self->n_atoms, err);
        if (status == IW_OK)
            iw_steps_push(&pos->steps, *when);
    } while (status == IW_OK);
    if (status == IW_OK)
        status = read_rows(self, pos, frame->pos_A, err);
    if (status == IW_END && iw_text_past_mark(pos->text))
        iw_notes_add(self->piece->notes, "%s: its last frame is cut short and left out",
                     self->piece->path);
    frame->time_fs = pos->time_fs;
    return status == IW_OK ? add_velocities(self, *when, frame, err) : status;
}

void
iw_xyz_take(iw_xyz_run *self, iw_when when, iw_frame *frame)
{
    iw_steps *steps = &self->pos.steps;
    if (when.epoch > 0 && (uint64_t)when.epoch >= steps->epochs.n && when.epoch > steps->when.epoch)
        iw_notes_add(self->piece->notes, "%s: a restart: after step %lld comes step %lld",
                     self->piece->path, (long long)steps->when.step, (long long)when.step);
    iw_steps_push(steps, when);
    frame->step = when.step;
}

void
iw_xyz_back(iw_xyz_run *self)
{
    iw_text_back(self->pos.text);
}

bool
iw_xyz_goes_on(const iw_xyz_run *self)
{
    iw_line line;
    if (iw_text_line(self->pos.text, &line, NULL) != IW_OK)
        return false;
    iw_text_unread(self->pos.text);
    return true;
}
