/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/pieces.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Displacements from one frame to the next differ by less than this factor in a run that goes on;
 * one that began anew from older positions is farther away. */
#define SEAM_FACTOR 4.0

/* The format that finds the most pieces in the folder; none: *best stays empty. */
static iw_status
most_pieces(const char *folder, const iw_format *const *formats, const char *asked, iw_folder *best,
            const iw_format **format, iw_error *err)
{
    iw_status status = IW_OK;
    for (size_t i = 0; status == IW_OK && formats[i]; i++) {
        iw_folder found = {0};
        if (!formats[i]->pieces || (asked && strcmp(formats[i]->name, asked) != 0))
            continue;
        status = formats[i]->pieces(folder, &found, err);
        if (status == IW_OK && found.n > best->n) {
            iw_folder worse = *best;
            *best = found;
            found = worse;
            *format = formats[i];
        }
        iw_folder_fini(&found);
    }
    return status;
}

/* The one file that a folder, or a file of a run that has no frames, stands for. */
static iw_status
find_one(const char *path, bool folder, const iw_format *const *formats,
         const iw_reader_options *options, char found[IW_PATH_LENGTH], iw_error *err)
{
    iw_status status = IW_NOT_FOUND;
    for (size_t i = 0; formats[i] && status == IW_NOT_FOUND; i++)
        if (formats[i]->find &&
            (!options->format || strcmp(formats[i]->name, options->format) == 0))
            status = formats[i]->find(path, folder, found, err);
    if (status == IW_NOT_FOUND && folder)
        return iw_fail(err, options->follow ? IW_AGAIN : IW_INVALID,
                       "%s is a folder, and no run %s%s is in it; name the file with the frames",
                       path, options->format ? "of the format " : "that is known",
                       options->format ? options->format : "");
    return status;
}

static iw_status
add_operand(iw_pieces *self, const char *path, bool last, const iw_format *const *formats,
            const iw_reader_options *options, iw_notes *notes, iw_error *err)
{
    struct stat info;
    if (stat(path, &info) != 0 || !(S_ISDIR(info.st_mode) || S_ISREG(info.st_mode)))
        return iw_folder_add(&self->files, path, err); /* opening it says why */
    const bool folder = S_ISDIR(info.st_mode);
    iw_folder pieces = {0};
    char found[IW_PATH_LENGTH];
    iw_status status = IW_OK;
    const char *asked = self->format ? self->format->name : options->format;
    if (folder)
        status = most_pieces(path, formats, asked, &pieces, &self->format, err);
    for (size_t i = 0; status == IW_OK && i < pieces.n; i++) {
        iw_notes_add(notes, "%s: read from %s", path, pieces.path[i]);
        status = iw_folder_add(&self->files, pieces.path[i], err);
    }
    if (status == IW_OK && pieces.n > 0 && last && !(self->folder = strdup(path)))
        status = iw_fail(err, IW_NO_MEMORY, "no memory for the name of a folder");
    if (status == IW_OK && pieces.n == 0) {
        status = find_one(path, folder, formats, options, found, err);
        if (status == IW_OK)
            iw_notes_add(notes, "%s: read from %s", path, found);
        if (status == IW_OK || status == IW_NOT_FOUND)
            status = iw_folder_add(&self->files, status == IW_OK ? found : path, err);
    }
    iw_folder_fini(&pieces);
    return status;
}

iw_status
iw_pieces_find(iw_pieces *self, const char *const *operands, size_t n_operands,
               const iw_format *const *formats, const iw_reader_options *options, iw_notes *notes,
               iw_error *err)
{
    iw_status status = IW_OK;
    for (size_t i = 0; status == IW_OK && i < n_operands; i++)
        status = add_operand(self, operands[i], i + 1 == n_operands, formats, options, notes, err);
    return status;
}

iw_status
iw_pieces_check(const iw_pieces *self, const char *format, iw_error *err)
{
    for (size_t i = 0; i < self->files.n; i++) {
        struct stat a, b;
        if (stat(self->files.path[i], &a) != 0)
            continue; /* opening it says why */
        /* A pipe can be opened and read only once. */
        if (S_ISFIFO(a.st_mode) && (self->files.n > 1 || !format))
            return iw_fail(err, IW_UNSUPPORTED, "%s is a pipe: %s", self->files.path[i],
                           self->files.n > 1 ? "it cannot be one of several pieces"
                                             : "say with --format what comes through it");
        for (size_t j = 0; j < i; j++)
            if (stat(self->files.path[j], &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
                return iw_fail(err, IW_INVALID, "%s and %s are the same file: name each piece once",
                               self->files.path[j], self->files.path[i]);
    }
    return IW_OK;
}

void
iw_pieces_fini(iw_pieces *self)
{
    iw_folder_fini(&self->files);
    free(self->folder);
    *self = (iw_pieces){0};
}

iw_status
iw_pieces_look_again(iw_pieces *self, const char *behind, iw_error *err)
{
    iw_folder now = {0};
    iw_status status = self->format->pieces(self->folder, &now, err);
    bool passed = false;
    for (size_t i = 0; status == IW_OK && i < now.n; i++) {
        if (passed)
            status = iw_folder_add(&self->files, now.path[i], err);
        passed = passed || strcmp(now.path[i], behind) == 0;
    }
    iw_folder_fini(&now);
    return status;
}

iw_status
iw_seam_init(iw_seam *self, size_t n_atoms, iw_error *err)
{
    *self = (iw_seam){.n = n_atoms, .rms_A = (double)NAN};
    self->last_A = calloc(n_atoms, 3 * sizeof(double));
    return self->last_A ? IW_OK : iw_fail(err, IW_NO_MEMORY, "no memory for %zu atoms", n_atoms);
}

void
iw_seam_fini(iw_seam *self)
{
    free(self->last_A);
    *self = (iw_seam){0};
}

/* Columns of the inverse of the cell's rows: d . column k is the fraction along vector k. */
static bool
invert(const double cell[9], double inverse[9])
{
    double volume = 0.0;
    for (size_t k = 0; k < 3; k++) {
        const double *b = cell + 3 * ((k + 1) % 3), *c = cell + 3 * ((k + 2) % 3);
        for (size_t x = 0; x < 3; x++)
            inverse[3 * k + x] = b[(x + 1) % 3] * c[(x + 2) % 3] - b[(x + 2) % 3] * c[(x + 1) % 3];
    }
    for (size_t x = 0; x < 3; x++)
        volume += cell[x] * inverse[x];
    for (size_t i = 0; volume != 0.0 && i < 9; i++)
        inverse[i] /= volume;
    return volume != 0.0;
}

/* Root mean square displacement since the last frame, by the nearest images. */
static double
displacement(const iw_seam *self, const iw_frame *frame)
{
    double inverse[9], sum = 0.0;
    const double *cell = frame->cell_A;
    bool periodic = frame->has_cell && invert(cell, inverse);
    for (size_t i = 0; i < 3 * self->n; i += 3) {
        double d[3], whole[3];
        for (size_t k = 0; k < 3; k++)
            d[k] = frame->pos_A[i + k] - self->last_A[i + k];
        for (size_t k = 0; k < 3; k++)
            whole[k] = periodic ? round(d[0] * inverse[3 * k] + d[1] * inverse[3 * k + 1] +
                                        d[2] * inverse[3 * k + 2])
                                : 0.0;
        for (size_t k = 0; periodic && k < 3; k++)
            d[k] -= whole[0] * cell[k] + whole[1] * cell[3 + k] + whole[2] * cell[6 + k];
        sum += d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
    }
    return sqrt(sum / (double)self->n);
}

void
iw_seam_push(iw_seam *self, const iw_frame *frame)
{
    if (self->has_last)
        self->rms_A = displacement(self, frame);
    memcpy(self->last_A, frame->pos_A, 3 * self->n * sizeof(double));
    self->has_last = true;
}

iw_seam_kind
iw_seam_judge(const iw_seam *self, const iw_frame *frame)
{
    if (memcmp(frame->pos_A, self->last_A, 3 * self->n * sizeof(double)) == 0)
        return IW_SEAM_REPEATS;
    return self->rms_A > 0.0 && displacement(self, frame) > SEAM_FACTOR * self->rms_A
               ? IW_SEAM_APART
               : IW_SEAM_GOES_ON;
}
