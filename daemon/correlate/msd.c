/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels.h"
#include "msd_state.h"

#include <stdlib.h>
#include <string.h>

enum { DEFAULT_BLOCK = 4096, SMALLEST_BLOCK = 8 };

/* Bytes of older spectra that one push may read (about 4 ms); the rest of a round waits for the
 * next pushes, and a query meanwhile sums what is missing for itself. */
enum { BYTES_PER_PUSH = 1 << 25 };

/* Grows *array to hold `count` items; what is new is zero. */
static iw_status
grow(void *array, size_t *room, size_t count, size_t size, iw_error *err)
{
    if (count <= *room)
        return IW_OK;
    size_t wanted = count < 2 * *room ? 2 * *room : count;
    void *bigger = realloc(*(void **)array, wanted * size);
    if (!bigger)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu block records", wanted);
    memset((char *)bigger + *room * size, 0, (wanted - *room) * size);
    *(void **)array = bigger;
    *room = wanted;
    return IW_OK;
}

static iw_status
fail_memory(const iw_msd *self, iw_error *err)
{
    return iw_fail(err, IW_NO_MEMORY,
                   "no memory for the mean square displacement after %zu frames (%zu bytes wanted)",
                   self->frames, iw_msd_memory(self));
}

static void
free_segment(iw_msd *self)
{
    for (size_t b = 0; b < self->block_room; b++) {
        iw_fft_free(self->blocks[b].spectra);
        iw_fft_free(self->blocks[b].origin);
        iw_fft_free(self->blocks[b].squares);
    }
    for (size_t d = 0; d < self->distance_room; d++)
        iw_fft_free(self->products[d]);
    if (self->blocks)
        memset(self->blocks, 0, self->block_room * sizeof *self->blocks);
    if (self->products)
        memset(self->products, 0, self->distance_room * sizeof *self->products);
    self->n_blocks = self->untransformed = 0;
    self->summed = self->round_end = self->round_bundles = 0;
}

static void
free_everything(iw_msd *self)
{
    free_segment(self);
    iw_bundles_fini(&self->bundles);
    iw_transform_fini(&self->transform);
    for (size_t i = 0; i < self->partial_room; i++)
        iw_fft_free(self->partial[i]);
    for (size_t i = 0; i < 3; i++)
        iw_fft_free(self->ends[i]);
    iw_fft_free(self->own[0]);
    iw_fft_free(self->own[1]);
    iw_fft_free(self->previous);
    iw_fft_free(self->box);
    iw_fft_free(self->zero);
    iw_fft_free(self->raw);
    iw_fft_free(self->ring);
    iw_fft_free(self->tiles);
    iw_fft_free(self->spare);
    free(self->near);
    free(self->blocks);
    free(self->running);
    free(self->before);
    free(self->products);
    free(self->partial);
    free(self->done);
    free(self->done_origins);
    free(self);
}

/* The transform of a block of ones, which moves a block's origin. */
static void
make_box(iw_msd *self)
{
    double zero = 0.0;
    double *ones = self->spare; /* as long as a block; used by nobody yet */
    for (size_t t = 0; t < self->block; t++)
        ones[t] = 1.0;
    iw_transform_rows(&self->transform, ones, self->block, 1, &zero, self->box);
}

iw_msd *
iw_msd_new(const iw_msd_options *options, iw_error *err)
{
    if (options->block > (size_t)1 << 24) {
        (void)iw_fail(err, IW_INVALID, "block of %zu frames is too long", options->block);
        return NULL;
    }
    iw_msd *self = calloc(1, sizeof *self);
    if (!self) {
        (void)iw_fail(err, IW_NO_MEMORY, "no memory for a mean square displacement");
        return NULL;
    }
    size_t wanted = options->block ? options->block : DEFAULT_BLOCK;
    self->block = SMALLEST_BLOCK;
    while (self->block < wanted)
        self->block *= 2;
    size_t l = self->block;
    self->tile = l < IW_MSD_TILE ? l : IW_MSD_TILE;
    self->n_species = options->n_species;
    self->bytes_per_push = BYTES_PER_PUSH;
    if (iw_bundles_init(&self->bundles, options->n_atoms, options->n_species, options->kind, 1,
                        err) != IW_OK ||
        iw_transform_init(&self->transform, l, self->tile, err) != IW_OK) {
        free_everything(self);
        return NULL;
    }
    size_t n = self->bundles.n_coords, groups = self->bundles.n_groups;
    self->capacity = iw_bundles_room(l, 0);
    self->box = iw_fft_alloc(2 * l * sizeof(double));
    self->zero = iw_fft_alloc(n * sizeof(double));
    self->raw = iw_fft_alloc(n * self->capacity * sizeof(double));
    self->ring = iw_fft_alloc(n * IW_MSD_NEAR * sizeof(double));
    self->tiles = iw_fft_alloc((IW_MSD_ROUND + 2) * IW_BUNDLE * 2 * self->tile * sizeof(double));
    self->spare = iw_fft_alloc(IW_BUNDLE * 2 * l * sizeof(double));
    self->own[0] = iw_fft_alloc(groups * (l + 1) * sizeof(double));
    self->own[1] = iw_fft_alloc(groups * (l + 1) * sizeof(double));
    self->previous = iw_fft_alloc(groups * (l + 1) * sizeof(double));
    for (size_t i = 0; i < 3; i++)
        self->ends[i] = iw_fft_alloc(groups * 2 * l * sizeof(double));
    self->near = calloc(groups * IW_MSD_NEAR, sizeof *self->near);
    self->running = calloc(groups * 3, sizeof *self->running);
    if (!self->box || !self->zero || !self->raw || !self->ring || !self->tiles || !self->spare ||
        !self->own[0] || !self->own[1] || !self->previous || !self->ends[0] || !self->ends[1] ||
        !self->ends[2] || !self->near || !self->running) {
        (void)fail_memory(self, err);
        free_everything(self);
        return NULL;
    }
    make_box(self);
    return self;
}

void
iw_msd_destroy(iw_msd **self)
{
    if (!self || !*self)
        return;
    free_everything(*self);
    *self = NULL;
}

/* ---- making room, before anything changes ---- */

iw_status
iw_msd_reserve_products(iw_msd *self, size_t count, iw_error *err)
{
    if (grow(&self->products, &self->distance_room, count, sizeof *self->products, err) != IW_OK)
        return IW_NO_MEMORY;
    size_t bytes = self->bundles.n_groups * iw_msd_stride(self) * sizeof(double);
    for (size_t d = 0; d < count; d++) {
        if (!self->products[d])
            self->products[d] = iw_fft_alloc(bytes);
        if (!self->products[d])
            return fail_memory(self, err);
    }
    return IW_OK;
}

iw_status
iw_msd_reserve_block(iw_msd *self, iw_error *err)
{
    size_t groups = self->bundles.n_groups, room = self->block_room;
    if (grow(&self->blocks, &room, self->n_blocks + 1, sizeof *self->blocks, err) != IW_OK)
        return IW_NO_MEMORY;
    if (room > self->block_room) {
        iw_sum *before = realloc(self->before, (room + 1) * groups * sizeof *before);
        if (!before) {
            /* The longer list of blocks is kept: its new entries are empty. */
            return fail_memory(self, err);
        }
        self->before = before;
        self->block_room = room;
    }
    if (self->n_blocks == 0)
        memset(self->before, 0, groups * sizeof *self->before);
    iw_msd_block *open = &self->blocks[self->n_blocks];
    if (!open->origin)
        open->origin = iw_fft_alloc(self->bundles.n_coords * sizeof(double));
    if (!open->squares)
        open->squares = iw_fft_alloc(groups * (self->block + 1) * sizeof(double));
    return open->origin && open->squares ? IW_OK : fail_memory(self, err);
}

iw_status
iw_msd_reserve_spectra(iw_msd *self, iw_error *err)
{
    iw_msd_block *open = &self->blocks[self->n_blocks];
    if (!open->spectra)
        open->spectra = iw_fft_alloc_raw(self->bundles.n_coords * 2 * self->block * sizeof(double));
    return open->spectra ? IW_OK : fail_memory(self, err);
}

static iw_status
reserve(iw_msd *self, iw_error *err)
{
    if (self->fill == 0 && iw_msd_reserve_block(self, err) != IW_OK)
        return IW_NO_MEMORY;
    if (self->fill == self->capacity &&
        !iw_bundles_grow(&self->bundles, &self->raw, &self->capacity, self->block))
        return fail_memory(self, err);
    if (self->fill + 1 == self->block &&
        (iw_msd_reserve_spectra(self, err) != IW_OK ||
         iw_msd_reserve_products(self, self->n_blocks + 1, err) != IW_OK))
        return IW_NO_MEMORY;
    return IW_OK;
}

/* ---- products of closed blocks ---- */

/* The two bins that are real share place 0 of the first tile. */
static void
add_real_bins(double *real, const double *later, const double *earlier, const double *shift,
              const double *box, size_t width, size_t tile)
{
    for (size_t c = 0; c < width; c++) {
        const double *a = later + c * 2 * tile, *b = earlier + c * 2 * tile;
        real[0] += a[0] * (b[0] + shift[c] * box[0]);
        real[1] += a[tile] * (b[tile] + shift[c] * box[tile]);
    }
}

/* One pair of blocks, one tile; `at` doubles into the spectra of a coordinate. */
static void
multiply_pair(iw_msd *self, const iw_bundle *bundle, const iw_msd_later *later,
              const double *shifted, const double *theirs, size_t p, size_t at)
{
    size_t tile = self->tile, width = bundle->width, first = bundle->first, d = later->q - p;
    double *sum = later->products[d] + later->offset;
    const double *mine = later->spectra + at * width;
    double shift[IW_BUNDLE] = {0.0};
    if (d == 0) {
        iw_kernel_power(sum + at, mine, width, tile);
        if (at == 0)
            add_real_bins(sum + 2 * self->block, mine, mine, shift, self->box, width, tile);
        return;
    }
    const double *origin = self->blocks[p].origin + first;
    if (d == 1) {
        /* Neighbours meet at the origin of the earlier one. */
        double *tiles = self->tiles + (IW_MSD_ROUND + 1) * IW_BUNDLE * 2 * tile;
        for (size_t c = 0; c < width; c++)
            shift[c] = later->origin[first + c] - origin[c];
        iw_kernel_shift(tiles, mine, shift, later->box + at, width, tile);
        memset(shift, 0, sizeof shift);
        shifted = tiles;
    } else {
        memcpy(shift, origin, width * sizeof *shift);
    }
    iw_kernel_cross(sum + at, shifted, theirs, shift, self->box + at, width, tile);
    if (at == 0)
        add_real_bins(sum + 2 * self->block, shifted, theirs, shift, self->box, width, tile);
}

void
iw_msd_multiply(iw_msd *self, const iw_bundle *bundle, const iw_msd_later *later, size_t n,
                size_t max_distance)
{
    size_t l = self->block, tile = self->tile, width = bundle->width;
    size_t skip = bundle->first * 2 * l, shifted = IW_BUNDLE * 2 * tile;
    size_t start = later[0].q > max_distance ? later[0].q - max_distance : 0;
    for (size_t at = 0; at < 2 * l; at += 2 * tile) {
        for (size_t i = 0; i < n; i++)
            iw_kernel_shift(self->tiles + i * shifted, later[i].spectra + at * width,
                            later[i].origin + bundle->first, later[i].box + at, width, tile);
        for (size_t p = start; p <= later[n - 1].q; p++) {
            /* An open block has no stored spectra, and meets only itself. */
            const double *theirs = self->blocks[p].spectra;
            theirs = theirs ? theirs + skip + at * width : NULL;
            for (size_t i = 0; i < n; i++)
                if (later[i].q == p || (theirs && later[i].q > p && later[i].q - p <= max_distance))
                    multiply_pair(self, bundle, &later[i], self->tiles + i * shifted, theirs, p,
                                  at);
        }
    }
}

/* Sums the round for at most this many more bundles. */
static void
continue_round(iw_msd *self, size_t bundles)
{
    size_t l = self->block;
    while (self->summed < self->round_end && bundles-- > 0) {
        const iw_bundle *bundle = &self->bundles.bundles[self->round_bundles];
        iw_msd_later later[IW_MSD_ROUND] = {{.q = self->summed}};
        size_t n = 0;
        for (size_t q = self->summed; q < self->round_end; q++)
            later[n++] = (iw_msd_later){.q = q,
                                        .spectra = self->blocks[q].spectra + bundle->first * 2 * l,
                                        .origin = self->blocks[q].origin,
                                        .box = self->box,
                                        .products = self->products,
                                        .offset = bundle->group * iw_msd_stride(self)};
        iw_msd_multiply(self, bundle, later, n, SIZE_MAX);
        if (++self->round_bundles == self->bundles.n_bundles) {
            self->summed = self->round_end;
            self->round_bundles = 0;
        }
    }
}

static void
start_round(iw_msd *self)
{
    continue_round(self, SIZE_MAX);
    self->round_end = self->n_blocks;
}

/* ---- frames ---- */

/* Some more spectra of the block that closed last; raw keeps its frames until iw_msd_store_rows
 * writes those of the next one. */
static void
transform_block(iw_msd *self, size_t bundles)
{
    size_t l = self->block;
    while (self->untransformed > 0 && bundles-- > 0) {
        const iw_bundle *bundle =
            &self->bundles.bundles[self->bundles.n_bundles - self->untransformed--];
        const iw_msd_block *block = &self->blocks[self->n_blocks - 1];
        iw_transform_rows(&self->transform, self->raw + bundle->first * self->capacity, l,
                          bundle->width, block->origin + bundle->first,
                          block->spectra + bundle->first * 2 * l);
    }
}

static void
close_block(iw_msd *self)
{
    size_t l = self->block, groups = self->bundles.n_groups, b = self->n_blocks;
    for (size_t g = 0; g < groups; g++) {
        double *const ends[3] = {self->ends[0] + g * 2 * l, self->ends[1] + g * 2 * l,
                                 self->ends[2] + g * 2 * l};
        iw_msd_add_ends(self, b, l, g, ends);
        iw_sum *next = &self->before[(b + 1) * groups + g];
        *next = self->before[b * groups + g];
        iw_sum_add(next, self->running[g * 3].hi);
        next->lo += self->running[g * 3].lo;
    }
    memset(self->running, 0, groups * 3 * sizeof *self->running);
    self->n_blocks++;
    self->fill = 0;
    self->untransformed = self->bundles.n_bundles;
}

/* Squares of this frame and its displacements from the last few, group by group. */
static void
add_scalars(iw_msd *self, const double *row)
{
    size_t l = self->block, n = self->bundles.n_coords, b = self->n_blocks;
    const iw_msd_block *open = &self->blocks[b];
    const double *last_origin = b ? self->blocks[b - 1].origin : open->origin;
    double *const prefix[3] = {open->squares, self->own[b % 2], self->previous};
    size_t lags = self->length < IW_MSD_NEAR ? self->length : IW_MSD_NEAR - 1;
    for (size_t g = 0; g < self->bundles.n_groups; g++) {
        size_t first = self->bundles.group_first[g];
        size_t count = self->bundles.group_first[g + 1] - first;
        double sums[3];
        iw_kernel_squares(row + first, open->origin + first, last_origin + first, count, sums);
        for (size_t m = 0; m < 3; m++) {
            iw_sum *sum = &self->running[g * 3 + m];
            iw_sum_add(sum, sums[m]);
            prefix[m][g * (l + 1) + self->fill + 1] = sum->hi + sum->lo;
        }
        for (size_t lag = 1; lag <= lags; lag++) {
            const double *earlier = self->ring + (self->length - lag) % IW_MSD_NEAR * n;
            iw_sum_add(&self->near[g * IW_MSD_NEAR + lag],
                       iw_kernel_distance(row + first, earlier + first, count));
        }
    }
}

void
iw_msd_store_rows(iw_msd *self)
{
    transform_block(self, SIZE_MAX);
    size_t count = self->fill % IW_MSD_NEAR;
    count = count == 0 && self->fill > 0 ? IW_MSD_NEAR : count;
    iw_bundles_store(&self->bundles, self->ring, count, self->raw, self->capacity,
                     self->fill - count);
}

iw_status
iw_msd_push(iw_msd *self, const double *pos_A, iw_error *err)
{
    if (reserve(self, err) != IW_OK)
        return IW_NO_MEMORY;
    const iw_bundles *bundles = &self->bundles;
    size_t n = bundles->n_coords;
    if (self->length == 0)
        for (size_t c = 0; c < n; c++)
            self->zero[c] = pos_A[bundles->source[c]];
    double *row = self->ring + self->length % IW_MSD_NEAR * n;
    for (size_t c = 0; c < n; c++)
        row[c] = pos_A[bundles->source[c]] - self->zero[c];
    if (self->fill == 0)
        memcpy(self->blocks[self->n_blocks].origin, row, n * sizeof *row);
    add_scalars(self, row);
    self->fill++;
    self->length++;
    self->frames++;
    /* The work of a closed block is done by the next pushes: none of them takes long.  A round
     * starts at the same frame whether a query had the spectra made before or not. */
    transform_block(self, self->bundles.n_bundles / IW_MSD_NEAR + 1);
    if (self->fill % IW_MSD_NEAR == 0)
        iw_msd_store_rows(self);
    if (self->fill == IW_MSD_NEAR && self->n_blocks > 0 && self->n_blocks % IW_MSD_ROUND == 0)
        start_round(self);
    if (self->fill == self->block)
        close_block(self);
    size_t bytes = (self->round_end + 1) * IW_BUNDLE * 2 * self->block * sizeof *row;
    continue_round(self, self->bytes_per_push / bytes + 1);
    return IW_OK;
}

iw_status
iw_msd_break(iw_msd *self, iw_error *err)
{
    size_t groups = self->bundles.n_groups, length = self->length;
    if (length == 0)
        return IW_OK;
    iw_msd_store_rows(self);
    start_round(self);
    continue_round(self, SIZE_MAX);
    size_t longest = self->longest > length ? self->longest : length;
    double *sum = calloc(groups * length, sizeof *sum);
    double *done = calloc(groups * longest, sizeof *done);
    double *origins = calloc(longest, sizeof *origins);
    iw_status status = IW_NO_MEMORY;
    if (sum && done && origins)
        status = iw_msd_evaluate(self, length, sum, err);
    else
        (void)fail_memory(self, err);
    if (status == IW_OK) {
        for (size_t g = 0; g < groups; g++) {
            for (size_t n = 0; n < self->longest; n++)
                done[g * longest + n] = self->done[g * self->longest + n];
            for (size_t n = 0; n < length; n++)
                done[g * longest + n] += sum[g * length + n];
        }
        for (size_t n = 0; n < longest; n++)
            origins[n] = (n < self->longest ? self->done_origins[n] : 0.0) +
                         (n < length ? (double)(length - n) : 0.0);
        free(self->done);
        free(self->done_origins);
        self->done = done;
        self->done_origins = origins;
        self->longest = longest;
        free_segment(self);
        for (size_t i = 0; i < 3; i++)
            memset(self->ends[i], 0, groups * 2 * self->block * sizeof(double));
        memset(self->near, 0, groups * IW_MSD_NEAR * sizeof *self->near);
        memset(self->running, 0, groups * 3 * sizeof *self->running);
        self->length = self->fill = 0;
    } else {
        free(done);
        free(origins);
    }
    free(sum);
    return status;
}

size_t
iw_msd_frames(const iw_msd *self)
{
    return self->frames;
}

size_t
iw_msd_memory(const iw_msd *self)
{
    size_t l = self->block, n = self->bundles.n_coords, groups = self->bundles.n_groups;
    size_t frames = self->length + 1, closed = frames / l;
    size_t longest = self->longest > frames ? self->longest : frames, blocks = longest / l + 1;
    size_t room = iw_bundles_room(l, longest < l ? longest : l);
    size_t doubles = n * (1 + room + IW_MSD_NEAR) /* frames */
                     + 2 * l +
                     IW_BUNDLE * 2 * (l + (IW_MSD_ROUND + 2) * self->tile) /* work space */
                     + 3 * groups * (l + 1) + 3 * groups * 2 * l           /* squares */
                     + closed * (n * 2 * l + groups * iw_msd_stride(self)) +
                     (closed + 1) * (n + groups * (l + 1)) /* blocks */
                     + self->longest * (groups + 1)        /* finished segments */
                     + (2 * groups + 3) * longest + (blocks + 1) * iw_msd_stride(self) +
                     9 * l; /* a query, or a break, and what the last query gave */
    return doubles * sizeof(double) + sizeof *self + iw_bundles_memory(&self->bundles) +
           iw_transform_memory(&self->transform) +
           groups * (IW_MSD_NEAR + 3 + 2 * blocks) * sizeof(iw_sum) +
           2 * blocks * (sizeof *self->blocks + 2 * sizeof(double *));
}

void
iw_msd_result_fini(iw_msd_result *result)
{
    free(result->sum_A2);
    free(result->origins);
    memset(result, 0, sizeof *result);
}
