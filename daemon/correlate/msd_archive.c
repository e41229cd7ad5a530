/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "msd_state.h"

#include <stdlib.h>

/* Of a block that has closed and is not transformed, the frames are saved instead of spectra, even
 * where some of its bundles have theirs: they are made again, the same, by the next pushes. */

static void
reserve(iw_archive *archive, iw_status status, const iw_error *err)
{
    if (status != IW_OK)
        iw_archive_fail(archive, status, "%s", err->text);
}

/* The numbers that everything else is counted by; what can be derived is. */
static void
archive_counts(iw_msd *self, bool *waiting, iw_archive *archive)
{
    size_t l = self->block, n = self->bundles.n_coords, groups = self->bundles.n_groups;
    iw_archive_size(archive, &self->frames);
    iw_archive_limited(archive, &self->longest, self->frames, "frames of a segment");
    iw_archive_limited(archive, &self->length, self->frames, "frames of a segment");
    if (iw_archive_loading(archive))
        self->fill = self->length % l;
    iw_archive_bool(archive, waiting);
    IW_ARCHIVE_CHECK(archive, !*waiting || (self->length >= l && self->fill < IW_MSD_NEAR));
    size_t closed = self->length / l, made = closed - *waiting, count = made;
    iw_archive_count(archive, &count, (n * 2 * l + groups * (l + 1)) * sizeof(double), "blocks");
    IW_ARCHIVE_CHECK(archive, count == made);
    iw_archive_limited(archive, &self->round_end, made, "blocks of a round");
    iw_archive_limited(archive, &self->summed, self->round_end, "blocks of a round");
    iw_archive_limited(archive, &self->round_bundles, self->bundles.n_bundles - 1, "bundles");
    /* Rounds are no longer than the arrays that list their blocks. */
    size_t start = closed / IW_MSD_ROUND * IW_MSD_ROUND;
    if (start == closed && start > 0 && self->fill < IW_MSD_NEAR)
        start -= IW_MSD_ROUND;
    IW_ARCHIVE_CHECK(archive,
                     self->round_end >= start && self->round_end - self->summed <= IW_MSD_ROUND);
    IW_ARCHIVE_CHECK(archive, self->summed < self->round_end || self->round_bundles == 0);
}

static void
archive_closed(iw_msd *self, size_t b, bool waiting, iw_archive *archive)
{
    size_t l = self->block, n = self->bundles.n_coords, groups = self->bundles.n_groups;
    iw_error err = {.code = IW_OK};
    if (iw_archive_loading(archive)) {
        self->n_blocks = b;
        reserve(archive, iw_msd_reserve_block(self, &err), &err);
        if (iw_archive_ok(archive))
            reserve(archive, iw_msd_reserve_spectra(self, &err), &err);
    }
    if (!iw_archive_ok(archive))
        return;
    iw_msd_block *block = &self->blocks[b];
    iw_archive_doubles(archive, block->origin, n);
    iw_archive_bulk(archive, block->squares, groups * (l + 1) * sizeof(double),
                    &block->squares_key);
    if (!waiting)
        iw_archive_bulk(archive, block->spectra, n * 2 * l * sizeof(double), &block->spectra_key);
    iw_archive_bytes(archive, self->before + (b + 1) * groups, groups * sizeof *self->before);
}

/* Frames 1..count of prefix sums; those of no frames are zero. */
static void
archive_prefix(const iw_msd *self, double *prefix, size_t count, iw_archive *archive)
{
    for (size_t g = 0; count > 0 && g < self->bundles.n_groups; g++)
        iw_archive_doubles(archive, prefix + g * (self->block + 1) + 1, count);
}

static void
archive_open(iw_msd *self, size_t closed, bool waiting, iw_archive *archive)
{
    size_t n = self->bundles.n_coords, groups = self->bundles.n_groups;
    size_t stored = waiting ? self->block : self->fill / IW_MSD_NEAR * IW_MSD_NEAR;
    iw_error err = {.code = IW_OK};
    iw_bundles_archive(&self->bundles, archive, &self->raw, &self->capacity, self->block, stored,
                       waiting ? stored : self->fill);
    if (iw_archive_loading(archive) && iw_archive_ok(archive)) {
        self->n_blocks = closed;
        self->untransformed = waiting ? self->bundles.n_bundles : 0;
        reserve(archive, iw_msd_reserve_block(self, &err), &err);
    }
    if (!iw_archive_ok(archive))
        return;
    if (self->fill > 0) {
        iw_archive_doubles(archive, self->blocks[closed].origin, n);
        archive_prefix(self, self->blocks[closed].squares, self->fill, archive);
    }
    archive_prefix(self, self->own[closed % 2], self->fill, archive);
    archive_prefix(self, self->previous, self->fill, archive);
    if (closed > 0)
        archive_prefix(self, self->own[(closed - 1) % 2], self->block, archive);
    iw_archive_bytes(archive, self->running, groups * 3 * sizeof *self->running);
    iw_archive_bytes(archive, self->near, groups * IW_MSD_NEAR * sizeof *self->near);
    if (self->length > 0)
        iw_archive_doubles(archive, self->zero, n);
    iw_archive_doubles(archive, self->ring,
                       (self->length < IW_MSD_NEAR ? self->length : IW_MSD_NEAR) * n);
}

/* What is summed over the closed blocks of this segment. */
static void
archive_sums(iw_msd *self, size_t closed, iw_archive *archive)
{
    size_t groups = self->bundles.n_groups;
    iw_error err = {.code = IW_OK};
    if (iw_archive_loading(archive) && iw_archive_ok(archive))
        reserve(archive, iw_msd_reserve_products(self, closed, &err), &err);
    for (size_t d = 0; iw_archive_ok(archive) && d < self->round_end; d++)
        iw_archive_doubles(archive, self->products[d], groups * iw_msd_stride(self));
    for (size_t i = 0; closed > 0 && i < 3; i++)
        iw_archive_doubles(archive, self->ends[i], groups * 2 * self->block);
}

static void
archive_finished(iw_msd *self, iw_archive *archive)
{
    size_t groups = self->bundles.n_groups, count = self->longest;
    iw_archive_count(archive, &count, (groups + 1) * sizeof(double), "lags");
    IW_ARCHIVE_CHECK(archive, count == self->longest);
    if (iw_archive_loading(archive) && iw_archive_ok(archive) && count > 0) {
        self->done = malloc(groups * count * sizeof *self->done);
        self->done_origins = malloc(count * sizeof *self->done_origins);
        if (!self->done || !self->done_origins)
            iw_archive_fail(archive, IW_NO_MEMORY, "no memory for %zu lags", count);
    }
    if (!iw_archive_ok(archive))
        return;
    iw_archive_doubles(archive, self->done, groups * count);
    iw_archive_doubles(archive, self->done_origins, count);
}

void
iw_msd_archive(iw_msd *self, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_msd, 400);
    IW_ARCHIVE_KNOWS(iw_msd_block, 56);
    bool waiting = self->untransformed > 0;
    iw_archive_tag(archive, "msd", 1);
    iw_archive_same(archive, self->block, "frames in a block");
    iw_archive_same(archive, self->bundles.n_groups, "groups");
    for (size_t g = 0; g < self->bundles.n_groups; g++)
        iw_archive_same(archive, self->bundles.group_first[g + 1], "places of atoms");
    archive_counts(self, &waiting, archive);
    size_t closed = self->length / self->block;
    for (size_t b = 0; iw_archive_ok(archive) && b < closed; b++)
        archive_closed(self, b, waiting && b + 1 == closed, archive);
    archive_open(self, closed, waiting, archive);
    archive_sums(self, closed, archive);
    archive_finished(self, archive);
}
