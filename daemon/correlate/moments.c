/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "moments.h"

#include "fft.h"
#include "kernels.h"
#include "sum.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/*
 * Level k keeps every 2^k-th frame of the segment, the last 16 of them, and compares each with
 * those 8, 10, 12 and 14 entries back; level 0 also with those 1..7 back.  It starts when its first
 * pair is due, frame 8 * 2^k, with every second entry of the level below, which then holds frames 0
 * to 15 * 2^(k-1).
 */
enum {
    RING = 16,
    LANES = 8,          /* atoms of a species are padded to whole vectors with atoms at rest */
    SETTLE = 64,        /* plain additions in a row to the sum of an atom */
    FIRST_EPOCH = 4,    /* frames */
    MAX_LEVELS = 48,    /* for MOST_FRAMES */
    NEAR = 7,           /* lags of level 0 alone */
    N_MULTIPLES = 7 + 4 /* lags of level 0 */
};

static const size_t MOST_FRAMES = SIZE_MAX >> 13;
static const unsigned char multiples[N_MULTIPLES] = {1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14};

typedef struct {
    const unsigned char *multiple; /* [n_lags] in entries of this level */
    size_t n_lags;
    size_t stride;    /* frames from one entry to the next: 2^k */
    size_t unsettled; /* entries since the sums of the atoms were settled */
    double *memory;   /* holds all that follows */
    double *ring;     /* [RING][3][pitch] entry e of the segment is at e % RING */
    double *part;     /* [n_lags][pitch] sums of an atom since they were settled */
    double *settled;  /* [n_lags][pitch] before that, */
    double *carry;    /* [n_lags][pitch] and what rounding took from them */
    iw_sum *fourth;   /* [n_lags][n_species] */
    iw_sum *second;   /* [EPOCHS][n_lags][n_species][3] */
    double *origins;  /* [EPOCHS][n_lags] */
} level;

struct iw_moments {
    size_t n_atoms;
    size_t n_species;
    size_t pitch;  /* sum of the padded species */
    size_t *place; /* [n_atoms] of an atom among the padded ones */
    size_t *first; /* [n_species + 1] place of the first atom of each species */

    size_t frames;   /* all segments */
    size_t length;   /* frames in this segment */
    size_t longest;  /* frames in the longest segment before this one */
    size_t *segment; /* [segment_room] lengths of the segments that are over */
    size_t n_segments;
    size_t segment_room;

    size_t epoch_frames;
    size_t n_levels; /* that have memory */
    size_t active;   /* that this segment has reached */
    level levels[MAX_LEVELS];
};

static iw_status
fail_memory(const iw_moments *self, iw_error *err)
{
    return iw_fail(err, IW_NO_MEMORY, "no memory for moments after %zu frames of %zu atoms",
                   self->frames, self->n_atoms);
}

static size_t
level_doubles(const iw_moments *self, size_t n_lags)
{
    size_t sums = n_lags * self->n_species * (1 + IW_MOMENTS_EPOCHS * 3);
    return (RING * 3 + n_lags * 3) * self->pitch + 2 * sums + IW_MOMENTS_EPOCHS * n_lags;
}

/* The next level, empty. */
static iw_status
add_level(iw_moments *self, iw_error *err)
{
    size_t skip = self->n_levels == 0 ? 0 : NEAR, n = N_MULTIPLES - skip, pitch = self->pitch;
    double *memory = iw_fft_alloc(level_doubles(self, n) * sizeof *memory);
    if (!memory)
        return fail_memory(self, err);
    level *l = &self->levels[self->n_levels++];
    *l = (level){.multiple = multiples + skip,
                 .n_lags = n,
                 .stride = (size_t)1 << (self->n_levels - 1),
                 .memory = memory,
                 .ring = memory};
    l->part = l->ring + RING * 3 * pitch;
    l->settled = l->part + n * pitch;
    l->carry = l->settled + n * pitch;
    l->fourth = (iw_sum *)(l->carry + n * pitch);
    l->second = l->fourth + n * self->n_species;
    l->origins = (double *)(l->second + IW_MOMENTS_EPOCHS * n * self->n_species * 3);
    return IW_OK;
}

static iw_status
place_atoms(iw_moments *self, const iw_moments_options *options, iw_error *err)
{
    self->place = malloc(self->n_atoms * sizeof *self->place);
    self->first = malloc((self->n_species + 1) * sizeof *self->first);
    if (!self->place || !self->first)
        return fail_memory(self, err);
    size_t place = 0;
    for (size_t s = 0; s < self->n_species; s++) {
        self->first[s] = place;
        for (size_t i = 0; i < self->n_atoms; i++)
            if (options->kind[i] == s)
                self->place[i] = place++;
        place = (place + LANES - 1) / LANES * LANES;
    }
    self->first[self->n_species] = self->pitch = place;
    return IW_OK;
}

iw_moments *
iw_moments_new(const iw_moments_options *options, iw_error *err)
{
    size_t n_atoms = options->n_atoms, n_species = options->n_species;
    if (n_atoms == 0 || n_atoms > SIZE_MAX / 1024 || n_species == 0 || n_species > USHRT_MAX + 1U) {
        (void)iw_fail(err, IW_INVALID, "nothing to correlate: %zu atoms of %zu species", n_atoms,
                      n_species);
        return NULL;
    }
    for (size_t i = 0; i < n_atoms; i++) {
        if (options->kind[i] >= n_species) {
            (void)iw_fail(err, IW_INVALID, "atom %zu has species %u of %zu", i, options->kind[i],
                          n_species);
            return NULL;
        }
    }
    iw_moments *self = calloc(1, sizeof *self);
    if (!self) {
        (void)iw_fail(err, IW_NO_MEMORY, "no memory for moments");
        return NULL;
    }
    self->n_atoms = n_atoms;
    self->n_species = n_species;
    self->epoch_frames = FIRST_EPOCH;
    if (place_atoms(self, options, err) != IW_OK || add_level(self, err) != IW_OK)
        iw_moments_destroy(&self);
    return self;
}

void
iw_moments_destroy(iw_moments **self)
{
    if (!self || !*self)
        return;
    iw_moments *m = *self;
    for (size_t k = 0; k < m->n_levels; k++)
        iw_fft_free(m->levels[k].memory);
    free(m->place);
    free(m->first);
    free(m->segment);
    free(m);
    *self = NULL;
}

/* ---- frames ---- */

static void
merge_epochs(level *l, size_t n_species)
{
    size_t sums = l->n_lags * n_species * 3, half = IW_MOMENTS_EPOCHS / 2;
    for (size_t e = 0; e < half; e++) {
        memmove(l->second + e * sums, l->second + 2 * e * sums, sums * sizeof *l->second);
        memmove(l->origins + e * l->n_lags, l->origins + 2 * e * l->n_lags,
                l->n_lags * sizeof *l->origins);
        for (size_t i = 0; i < sums; i++)
            iw_sum_merge(&l->second[e * sums + i], &l->second[(2 * e + 1) * sums + i]);
        for (size_t j = 0; j < l->n_lags; j++)
            l->origins[e * l->n_lags + j] += l->origins[(2 * e + 1) * l->n_lags + j];
    }
    memset(l->second + half * sums, 0, half * sums * sizeof *l->second);
    memset(l->origins + half * l->n_lags, 0, half * l->n_lags * sizeof *l->origins);
}

/* The epoch of the frame that comes now. */
static size_t
open_epoch(iw_moments *self)
{
    if (self->frames / self->epoch_frames == IW_MOMENTS_EPOCHS) {
        for (size_t k = 0; k < self->n_levels; k++)
            merge_epochs(&self->levels[k], self->n_species);
        self->epoch_frames *= 2;
    }
    return self->frames / self->epoch_frames;
}

static void
start_level(iw_moments *self)
{
    size_t row = 3 * self->pitch;
    const double *below = self->levels[self->active - 1].ring;
    double *ring = self->levels[self->active++].ring;
    for (size_t e = 0; e < RING / 2; e++)
        memcpy(ring + e * row, below + 2 * e * row, row * sizeof *ring);
}

/* Pairs that end in entry e of the segment, which is in the ring. */
static void
add_pairs(iw_moments *self, level *l, size_t e, size_t epoch)
{
    size_t pitch = self->pitch, species = self->n_species;
    const double *now = l->ring + e % RING * 3 * pitch;
    for (size_t j = 0; j < l->n_lags && l->multiple[j] <= e; j++) {
        const double *then = l->ring + (e - l->multiple[j]) % RING * 3 * pitch;
        iw_sum *second = l->second + (epoch * l->n_lags + j) * species * 3;
        l->origins[epoch * l->n_lags + j] += 1.0;
        for (size_t s = 0; s < species; s++) {
            size_t first = self->first[s];
            double sums[4];
            iw_kernel_moments(l->part + j * pitch + first, now + first, then + first, pitch,
                              self->first[s + 1] - first, sums);
            for (size_t axis = 0; axis < 3; axis++)
                iw_sum_add(&second[s * 3 + axis], sums[axis]);
            iw_sum_add(&l->fourth[j * species + s], sums[3]);
        }
    }
    if (++l->unsettled == SETTLE) {
        iw_kernel_settle(l->settled, l->carry, l->part, l->n_lags * pitch);
        l->unsettled = 0;
    }
}

iw_status
iw_moments_push(iw_moments *self, const double *pos_A, iw_error *err)
{
    size_t t = self->length, pitch = self->pitch;
    bool starts = self->active > 0 && self->active < MAX_LEVELS && t == (size_t)8 << self->active;
    if (starts && self->active == self->n_levels && add_level(self, err) != IW_OK)
        return IW_NO_MEMORY;
    if (starts)
        start_level(self);
    if (t == 0)
        self->active = 1;
    double *row = self->levels[0].ring + t % RING * 3 * pitch;
    for (size_t i = 0; i < self->n_atoms; i++)
        for (size_t axis = 0; axis < 3; axis++)
            row[axis * pitch + self->place[i]] = pos_A[3 * i + axis];
    size_t epoch = open_epoch(self);
    for (size_t k = 0; k < self->active && t % self->levels[k].stride == 0; k++) {
        level *l = &self->levels[k];
        size_t e = t / l->stride;
        if (k > 0)
            memcpy(l->ring + e % RING * 3 * pitch, row, 3 * pitch * sizeof *row);
        add_pairs(self, l, e, epoch);
    }
    self->length++;
    self->frames++;
    return IW_OK;
}

iw_status
iw_moments_break(iw_moments *self, iw_error *err)
{
    if (self->length == 0)
        return IW_OK;
    if (self->n_segments == self->segment_room) {
        size_t room = self->segment_room ? 2 * self->segment_room : 8;
        size_t *segment = realloc(self->segment, room * sizeof *segment);
        if (!segment)
            return fail_memory(self, err);
        self->segment = segment;
        self->segment_room = room;
    }
    self->segment[self->n_segments++] = self->length;
    self->longest = self->length > self->longest ? self->length : self->longest;
    self->length = self->active = 0;
    return IW_OK;
}

/* ---- results ---- */

/* Lags up to half the longest segment. */
static size_t
count_lags(const iw_moments *self)
{
    size_t longest = self->length > self->longest ? self->length : self->longest, n = 0;
    for (size_t k = 0; k < self->n_levels; k++)
        for (size_t j = 0; j < self->levels[k].n_lags; j++)
            n += self->levels[k].multiple[j] * self->levels[k].stride <= longest / 2;
    return n;
}

/* Sets the sizes of *out and makes room for its arrays. */
static iw_status
make_room(const iw_moments *self, iw_moments_result *out, iw_error *err)
{
    size_t lags = count_lags(self), species = self->n_species;
    size_t segments = self->n_segments + (self->length > 0);
    size_t epochs = (self->frames + self->epoch_frames - 1) / self->epoch_frames;
    size_t doubles = lags * (1 + 4 * species + self->n_atoms + epochs * (1 + 3 * species));
    size_t bytes = doubles * sizeof(double) + (segments + 2 * lags) * sizeof(size_t);
    if (bytes > out->room || !out->memory) {
        void *memory = malloc(bytes + 1);
        if (!memory)
            return fail_memory(self, err);
        free(out->memory);
        out->memory = memory;
        out->room = bytes;
    }
    out->n_atoms = self->n_atoms;
    out->n_species = species;
    out->frames = self->frames;
    out->n_segments = segments;
    out->n_lags = lags;
    out->n_epochs = epochs;
    out->epoch_frames = self->epoch_frames;
    out->last_frames = epochs ? self->frames - (epochs - 1) * self->epoch_frames : 0;
    out->origins = out->memory;
    out->sum_A2 = out->origins + lags;
    out->sum_A4 = out->sum_A2 + 3 * species * lags;
    out->atom_sum_A2 = out->sum_A4 + species * lags;
    out->epoch_origins = out->atom_sum_A2 + self->n_atoms * lags;
    out->epoch_sum_A2 = out->epoch_origins + epochs * lags;
    out->lag = (void *)(out->epoch_sum_A2 + epochs * 3 * species * lags);
    out->stride = out->lag + lags;
    out->segment_frames = out->stride + lags;
    return IW_OK;
}

/* Sums over the atoms of a species at lag n. */
static void
read_species(const iw_moments *self, const level *l, size_t j, size_t n, iw_moments_result *out)
{
    size_t lags = out->n_lags, species = self->n_species;
    for (size_t s = 0; s < species; s++) {
        const iw_sum *fourth = &l->fourth[j * species + s];
        out->sum_A4[s * lags + n] = fourth->hi + fourth->lo;
        for (size_t axis = 0; axis < 3; axis++) {
            iw_sum total = {0.0, 0.0};
            for (size_t e = 0; e < out->n_epochs; e++) {
                const iw_sum *sum = &l->second[((e * l->n_lags + j) * species + s) * 3 + axis];
                iw_sum_merge(&total, sum);
                out->epoch_sum_A2[((e * species + s) * 3 + axis) * lags + n] = sum->hi + sum->lo;
            }
            out->sum_A2[(s * 3 + axis) * lags + n] = total.hi + total.lo;
        }
    }
}

/* Lag n of the result, which is lag j of a level. */
static void
read_lag(const iw_moments *self, const level *l, size_t j, size_t n, iw_moments_result *out)
{
    size_t lags = out->n_lags;
    out->lag[n] = l->multiple[j] * l->stride;
    out->stride[n] = l->stride;
    out->origins[n] = 0.0;
    for (size_t e = 0; e < out->n_epochs; e++) {
        double origins = l->origins[e * l->n_lags + j];
        out->epoch_origins[e * lags + n] = origins;
        out->origins[n] += origins;
    }
    read_species(self, l, j, n, out);
    for (size_t i = 0; i < self->n_atoms; i++) {
        size_t at = j * self->pitch + self->place[i];
        out->atom_sum_A2[i * lags + n] = l->settled[at] + (l->carry[at] + l->part[at]);
    }
}

iw_status
iw_moments_query(const iw_moments *self, iw_moments_result *out, iw_error *err)
{
    if (make_room(self, out, err) != IW_OK)
        return IW_NO_MEMORY;
    for (size_t k = 0, n = 0; n < out->n_lags; k++)
        for (size_t j = 0; j < self->levels[k].n_lags && n < out->n_lags; j++)
            read_lag(self, &self->levels[k], j, n++, out);
    for (size_t s = 0; s < out->n_segments; s++)
        out->segment_frames[s] = s < self->n_segments ? self->segment[s] : self->length;
    return IW_OK;
}

/* ---- checkpoints ---- */

/* What follows from the numbers of frames: no more than they can say is loaded. */
static size_t
levels_of(size_t frames)
{
    size_t n = frames > 0 ? 1 : 0;
    while (n > 0 && n < MAX_LEVELS && frames > (size_t)8 << n)
        n++;
    return n;
}

static void
archive_segments(iw_moments *self, iw_archive *archive)
{
    size_t frames = 0;
    iw_archive_count(archive, &self->n_segments, sizeof *self->segment, "segments");
    if (iw_archive_loading(archive) && iw_archive_ok(archive) && self->n_segments > 0) {
        self->segment = malloc(self->n_segments * sizeof *self->segment);
        self->segment_room = self->n_segments;
        if (!self->segment)
            iw_archive_fail(archive, IW_NO_MEMORY, "no memory for %zu segments", self->n_segments);
    }
    for (size_t i = 0; iw_archive_ok(archive) && self->segment && i < self->n_segments; i++) {
        iw_archive_limited(archive, &self->segment[i], MOST_FRAMES - frames, "frames");
        frames += self->segment[i];
        if (self->segment[i] > self->longest)
            self->longest = self->segment[i];
    }
    iw_archive_limited(archive, &self->length, MOST_FRAMES - frames, "frames");
    self->frames = frames + self->length;
}

/* After the lengths of the segments: everything that follows from them, levels still empty. */
static void
derive(iw_moments *self, iw_archive *archive)
{
    size_t longest = self->length > self->longest ? self->length : self->longest;
    size_t n = levels_of(longest), levels = n > 0 ? n : 1;
    size_t rows = (RING + N_MULTIPLES - NEAR) * 3;
    size_t found = levels;
    iw_archive_count(archive, &found, rows * self->pitch * sizeof(double), "levels");
    IW_ARCHIVE_CHECK(archive, found == levels);
    if (!iw_archive_loading(archive) || !iw_archive_ok(archive))
        return;
    iw_error err = {.code = IW_OK};
    while (self->n_levels < levels && iw_archive_ok(archive))
        if (add_level(self, &err) != IW_OK)
            iw_archive_fail(archive, err.code, "%s", err.text);
    self->active = levels_of(self->length);
    while (self->frames > 0 && (self->frames - 1) / self->epoch_frames >= IW_MOMENTS_EPOCHS)
        self->epoch_frames *= 2;
}

static void
archive_level(const iw_moments *self, level *l, iw_archive *archive)
{
    size_t sums = l->n_lags * self->n_species;
    size_t epochs = (self->frames + self->epoch_frames - 1) / self->epoch_frames;
    iw_archive_limited(archive, &l->unsettled, SETTLE - 1, "sums that wait");
    iw_archive_doubles(archive, l->ring, (RING + l->n_lags) * 3 * self->pitch);
    iw_archive_bytes(archive, l->fourth, sums * sizeof *l->fourth);
    iw_archive_bytes(archive, l->second, epochs * sums * 3 * sizeof *l->second);
    iw_archive_doubles(archive, l->origins, epochs * l->n_lags);
}

void
iw_moments_archive(iw_moments *self, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_moments, 4720);
    IW_ARCHIVE_KNOWS(level, 96);
    iw_archive_tag(archive, "moments", 1);
    iw_archive_same(archive, self->n_atoms, "atoms");
    iw_archive_same(archive, self->n_species, "species");
    for (size_t i = 0; i < self->n_atoms; i++)
        iw_archive_same(archive, self->place[i], "places of atoms");
    archive_segments(self, archive);
    derive(self, archive);
    for (size_t k = 0; iw_archive_ok(archive) && k < self->n_levels; k++)
        archive_level(self, &self->levels[k], archive);
}

size_t
iw_moments_frames(const iw_moments *self)
{
    return self->frames;
}

size_t
iw_moments_memory(const iw_moments *self)
{
    size_t next = self->length + 1, longest = self->longest > next ? self->longest : next;
    size_t levels = levels_of(longest), lags = N_MULTIPLES + (levels - 1) * (N_MULTIPLES - NEAR);
    size_t result = lags * (3 + 4 * self->n_species + self->n_atoms +
                            IW_MOMENTS_EPOCHS * (1 + 3 * self->n_species)) +
                    self->n_segments + 1;
    size_t doubles = level_doubles(self, N_MULTIPLES) +
                     (levels - 1) * level_doubles(self, N_MULTIPLES - NEAR) + result;
    return sizeof *self + self->n_atoms * sizeof *self->place +
           (self->n_species + 1) * sizeof *self->first +
           (2 * self->n_segments + 8) * sizeof *self->segment + doubles * sizeof(double);
}

void
iw_moments_result_fini(iw_moments_result *result)
{
    free(result->memory);
    memset(result, 0, sizeof *result);
}
