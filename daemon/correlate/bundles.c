/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bundles.h"

#include "kernels.h"

#include <stdlib.h>
#include <string.h>

enum { LANES = 8 };

iw_status
iw_bundles_init(iw_bundles *self, size_t n_atoms, size_t n_species, const unsigned short *kind,
                int by_axis, iw_error *err)
{
    memset(self, 0, sizeof *self);
    if (n_atoms == 0 || n_species == 0 || n_atoms > SIZE_MAX / 1024)
        return iw_fail(err, IW_INVALID, "nothing to correlate: %zu atoms of %zu species", n_atoms,
                       n_species);
    for (size_t i = 0; i < n_atoms; i++)
        if (kind[i] >= n_species)
            return iw_fail(err, IW_INVALID, "atom %zu has species %u of %zu", i, kind[i],
                           n_species);
    size_t axes = by_axis ? 3 : 1;
    self->n_coords = 3 * n_atoms;
    self->n_groups = axes * n_species;
    self->source = malloc(self->n_coords * sizeof *self->source);
    self->group_first = malloc((self->n_groups + 1) * sizeof *self->group_first);
    self->bundles = malloc((self->n_coords / IW_BUNDLE + self->n_groups) * sizeof *self->bundles);
    if (!self->source || !self->group_first || !self->bundles) {
        iw_bundles_fini(self);
        return iw_fail(err, IW_NO_MEMORY, "no memory to sort %zu atoms", n_atoms);
    }
    size_t c = 0;
    for (size_t g = 0; g < self->n_groups; g++) {
        self->group_first[g] = c;
        for (size_t i = 0; i < n_atoms; i++) {
            if (kind[i] != g / axes)
                continue;
            if (by_axis) {
                self->source[c++] = 3 * i + g % 3;
            } else {
                for (size_t axis = 0; axis < 3; axis++)
                    self->source[c++] = 3 * i + axis;
            }
        }
        for (size_t first = self->group_first[g]; first < c; first += IW_BUNDLE) {
            size_t width = c - first < IW_BUNDLE ? c - first : IW_BUNDLE;
            self->bundles[self->n_bundles++] = (iw_bundle){g, first, width};
        }
    }
    self->group_first[self->n_groups] = c;
    return IW_OK;
}

void
iw_bundles_fini(iw_bundles *self)
{
    free(self->source);
    free(self->group_first);
    free(self->bundles);
    memset(self, 0, sizeof *self);
}

size_t
iw_bundles_memory(const iw_bundles *self)
{
    return self->n_coords * sizeof *self->source +
           (self->n_groups + 1) * sizeof *self->group_first +
           self->n_bundles * sizeof *self->bundles;
}

void
iw_bundles_store(const iw_bundles *self, const double *rows, size_t count, double *raw,
                 size_t capacity, size_t start)
{
    for (size_t i = 0; i < self->n_bundles; i++) {
        const iw_bundle *bundle = &self->bundles[i];
        double *to = raw + bundle->first * capacity + start * bundle->width;
        for (size_t t = 0; t < count; t++)
            memcpy(to + t * bundle->width, rows + t * self->n_coords + bundle->first,
                   bundle->width * sizeof *to);
    }
}

size_t
iw_bundles_room(size_t block, size_t frames)
{
    size_t room = block < IW_FIRST_FRAMES ? block : IW_FIRST_FRAMES;
    while (room < frames && room < block)
        room = 4 * room < block ? 2 * room : block;
    return room;
}

bool
iw_bundles_grow(const iw_bundles *self, double **raw, size_t *capacity, size_t block)
{
    size_t bigger = iw_bundles_room(block, *capacity + 1);
    double *grown = iw_fft_alloc_raw(self->n_coords * bigger * sizeof *grown);
    if (!grown)
        return false;
    for (size_t i = 0; i < self->n_bundles; i++) {
        const iw_bundle *bundle = &self->bundles[i];
        memcpy(grown + bundle->first * bigger, *raw + bundle->first * *capacity,
               bundle->width * *capacity * sizeof *grown);
    }
    iw_fft_free(*raw);
    *raw = grown;
    *capacity = bigger;
    return true;
}

void
iw_bundles_archive(const iw_bundles *self, iw_archive *archive, double **raw, size_t *capacity,
                   size_t block, size_t rows, size_t frames)
{
    size_t count = rows;
    iw_archive_count(archive, &count, self->n_coords * sizeof **raw, "frames of the open block");
    IW_ARCHIVE_CHECK(archive, count == rows);
    while (iw_archive_loading(archive) && iw_archive_ok(archive) && frames > *capacity)
        if (!iw_bundles_grow(self, raw, capacity, block))
            iw_archive_fail(archive, IW_NO_MEMORY, "no memory for %zu frames", frames);
    for (size_t i = 0; iw_archive_ok(archive) && i < self->n_bundles; i++) {
        const iw_bundle *bundle = &self->bundles[i];
        iw_archive_doubles(archive, *raw + bundle->first * *capacity, rows * bundle->width);
    }
}

iw_status
iw_transform_init(iw_transform *self, size_t block, size_t tile, iw_error *err)
{
    memset(self, 0, sizeof *self);
    self->block = block;
    self->tile = tile;
    /* Not a power of two: the lanes would fall on the same cache sets. */
    self->lane_pitch = 2 * block + LANES;
    self->plan = iw_fft_get(2 * block, err);
    if (!self->plan)
        return IW_NO_MEMORY;
    self->lanes = iw_fft_alloc(LANES * self->lane_pitch * sizeof *self->lanes);
    self->bins = iw_fft_alloc((block + 1) * sizeof *self->bins);
    self->series = iw_fft_alloc(2 * block * sizeof *self->series);
    if (!self->lanes || !self->bins || !self->series) {
        iw_transform_fini(self);
        return iw_fail(err, IW_NO_MEMORY, "no memory to transform blocks of %zu frames", block);
    }
    return IW_OK;
}

void
iw_transform_fini(iw_transform *self)
{
    iw_fft_release(&self->plan);
    iw_fft_free(self->lanes);
    iw_fft_free(self->bins);
    iw_fft_free(self->series);
    memset(self, 0, sizeof *self);
}

size_t
iw_transform_memory(const iw_transform *self)
{
    return LANES * self->lane_pitch * sizeof *self->lanes + (self->block + 1) * sizeof *self->bins +
           2 * self->block * sizeof *self->series;
}

void
iw_transform_rows(iw_transform *self, const double *rows, size_t frames, size_t width,
                  const double *origin, double *out)
{
    size_t n = self->block, tile = self->tile;
    for (size_t first = 0; first < width; first += LANES) {
        size_t lanes = width - first < LANES ? width - first : LANES;
        iw_kernel_transpose(self->lanes, self->lane_pitch, rows + first, width, origin + first,
                            lanes, frames);
        for (size_t c = 0; c < lanes; c++) {
            double *lane = self->lanes + c * self->lane_pitch;
            memset(lane + frames, 0, (n - frames) * sizeof *lane);
            iw_fft_forward(self->plan, lane, self->bins);
            const double *pairs = (const double *)self->bins;
            double *to = out + (first + c) * 2 * tile;
            for (size_t k = 0; k < n; k += tile)
                iw_kernel_split(to + k * 2 * width, pairs + 2 * k, tile);
            to[tile] = pairs[2 * n];
        }
    }
}

void
iw_bundle_power(double *accumulator, const double *spectra, size_t width, size_t block, size_t tile)
{
    for (size_t k = 0; k < block; k += tile)
        iw_kernel_power(accumulator + 2 * k, spectra + 2 * k * width, width, tile);
    for (size_t c = 0; c < width; c++) {
        double first = spectra[c * 2 * tile], last = spectra[c * 2 * tile + tile];
        accumulator[2 * block] += first * first;
        accumulator[2 * block + 1] += last * last;
    }
}

const double *
iw_transform_back(iw_transform *self, const double *tiles, const double real[2])
{
    size_t n = self->block, tile = self->tile;
    double *pairs = (double *)self->bins;
    for (size_t first = 0; first < n; first += tile) {
        const double *from = tiles + 2 * first;
        for (size_t k = 0; k < tile; k++) {
            pairs[2 * (first + k)] = from[k];
            pairs[2 * (first + k) + 1] = from[k + tile];
        }
    }
    pairs[0] = real[0];
    pairs[1] = 0.0;
    pairs[2 * n] = real[1];
    pairs[2 * n + 1] = 0.0;
    iw_fft_backward(self->plan, self->bins, self->series);
    return self->series;
}
