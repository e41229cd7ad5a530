/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "epochs.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    size_t n_lags;
    double *sum; /* [n_species][n_lags], then [n_lags] origins, of all frames up to the mark */
} mark;

struct iw_epochs {
    size_t n_species;
    size_t max_lag;
    size_t spacing; /* frames */
    size_t n_marks;
    mark marks[IW_EPOCHS_MOST]; /* number i at (i + 1) spacing */
};

iw_epochs *
iw_epochs_new(size_t n_species, size_t max_lag, size_t spacing, iw_error *err)
{
    iw_epochs *self = calloc(1, sizeof *self);
    if (!self) {
        (void)iw_fail(err, IW_NO_MEMORY, "no memory for the epochs of a run");
        return NULL;
    }
    self->n_species = n_species;
    self->max_lag = max_lag;
    self->spacing = spacing;
    return self;
}

void
iw_epochs_destroy(iw_epochs **self)
{
    if (!self || !*self)
        return;
    for (size_t i = 0; i < (*self)->n_marks; i++)
        free((*self)->marks[i].sum);
    free(*self);
    *self = NULL;
}

static void
drop_every_second(iw_epochs *self)
{
    for (size_t i = 0; i < self->n_marks; i++) {
        if (i % 2 == 1)
            self->marks[i / 2] = self->marks[i];
        else
            free(self->marks[i].sum);
    }
    self->n_marks /= 2;
    self->spacing *= 2;
}

iw_status
iw_epochs_follow(iw_epochs *self, iw_vacf *vacf, iw_error *err)
{
    size_t frames = iw_vacf_frames(vacf);
    if (frames != (self->n_marks + 1) * self->spacing)
        return IW_OK;
    size_t n_lags = frames < self->max_lag + 1 ? frames : self->max_lag + 1;
    double *sum = malloc((self->n_species + 1) * n_lags * sizeof *sum);
    if (!sum)
        return iw_fail(err, IW_NO_MEMORY, "no memory to mark %zu lags after %zu frames", n_lags,
                       frames);
    iw_status status = iw_vacf_sums(vacf, n_lags, sum, sum + self->n_species * n_lags, err);
    if (status != IW_OK) {
        free(sum);
        return status;
    }
    self->marks[self->n_marks++] = (mark){n_lags, sum};
    if (self->n_marks == IW_EPOCHS_MOST)
        drop_every_second(self);
    return IW_OK;
}

size_t
iw_epochs_count(const iw_epochs *self, const iw_vacf_result *total)
{
    size_t rest = total->frames - self->n_marks * self->spacing;
    return self->n_marks + (2 * rest >= self->spacing ? 1 : 0);
}

/* Row r (a species, or the origins behind the last one) at the end of an epoch: the mark there, or
 * all there is. */
static const double *
row_at(const iw_epochs *self, const iw_vacf_result *total, size_t epoch, size_t r, size_t *n_lags)
{
    *n_lags = total->n_lags;
    if (epoch + 1 == iw_epochs_count(self, total))
        return r < self->n_species ? total->sum + r * total->n_lags : total->origins;
    const mark *at = &self->marks[epoch];
    if (*n_lags > at->n_lags)
        *n_lags = at->n_lags; /* no pair had a longer lag */
    return at->sum + r * at->n_lags;
}

/* Adds weight times the row's growth over an epoch. */
static void
add_row(const iw_epochs *self, const iw_vacf_result *total, size_t epoch, size_t r, double weight,
        double *out)
{
    size_t later = 0, earlier = 0;
    const double *end = row_at(self, total, epoch, r, &later);
    const double *begin = epoch > 0 ? row_at(self, total, epoch - 1, r, &earlier) : NULL;
    for (size_t n = 0; n < later; n++)
        out[n] += weight * (n < earlier ? end[n] - begin[n] : end[n]);
}

size_t
iw_epochs_frames(const iw_epochs *self, const iw_vacf_result *total, size_t epoch)
{
    if (epoch + 1 < iw_epochs_count(self, total))
        return self->spacing;
    return total->frames - epoch * self->spacing;
}

void
iw_epochs_origins(const iw_epochs *self, const iw_vacf_result *total, size_t epoch, double *out)
{
    memset(out, 0, total->n_lags * sizeof *out);
    add_row(self, total, epoch, self->n_species, 1.0, out);
}

void
iw_epochs_sums(const iw_epochs *self, const iw_vacf_result *total, size_t epoch,
               const double *weight, double *out)
{
    memset(out, 0, total->n_lags * sizeof *out);
    for (size_t s = 0; s < self->n_species; s++)
        if (weight[s] != 0.0)
            add_row(self, total, epoch, s, weight[s], out);
}

/* Whether a spacing is what dropping makes of the first one, and its marks can be counted. */
static bool
is_spacing(size_t first, size_t spacing)
{
    while (first < spacing && first <= SIZE_MAX / 2)
        first *= 2;
    return first == spacing && spacing <= SIZE_MAX / IW_EPOCHS_MOST;
}

static void
archive_mark(iw_epochs *self, size_t i, iw_archive *archive)
{
    size_t frames = (i + 1) * self->spacing, rows = self->n_species + 1;
    mark *it = &self->marks[i];
    iw_archive_count(archive, &it->n_lags, rows * sizeof *it->sum, "lags of a mark");
    IW_ARCHIVE_CHECK(archive, it->n_lags == (frames <= self->max_lag ? frames : self->max_lag + 1));
    if (iw_archive_loading(archive) && iw_archive_ok(archive)) {
        it->sum = malloc(rows * it->n_lags * sizeof *it->sum);
        if (!it->sum)
            iw_archive_fail(archive, IW_NO_MEMORY, "no memory to mark %zu lags", it->n_lags);
    }
    if (iw_archive_ok(archive))
        iw_archive_doubles(archive, it->sum, rows * it->n_lags);
}

void
iw_epochs_archive(iw_epochs *self, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_epochs, 544);
    IW_ARCHIVE_KNOWS(mark, 16);
    size_t first = self->spacing;
    iw_archive_tag(archive, "epochs", 1);
    iw_archive_same(archive, self->n_species, "species");
    iw_archive_same(archive, self->max_lag, "longest lag");
    iw_archive_size(archive, &self->spacing);
    IW_ARCHIVE_CHECK(archive, is_spacing(first, self->spacing));
    iw_archive_limited(archive, &self->n_marks, IW_EPOCHS_MOST - 1, "marks");
    for (size_t i = 0; iw_archive_ok(archive) && i < self->n_marks; i++)
        archive_mark(self, i, archive);
}

size_t
iw_epochs_memory(const iw_epochs *self)
{
    size_t held = sizeof *self;
    for (size_t i = 0; i <= self->n_marks; i++) {
        size_t frames = (i + 1) * self->spacing;
        size_t n_lags = frames < self->max_lag + 1 ? frames : self->max_lag + 1;
        held += (self->n_species + 1) * n_lags * sizeof(double);
    }
    return held;
}
