/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vacf.h"

#include "bundles.h"
#include "kernels.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    SMALLEST_BLOCK = 64,
    ROWS = 8,
    PAIRS = IW_BUNDLE / 2,
    REACH = 4,   /* blocks in a window, where the block is chosen here */
    TILE = 1024, /* doubles of a spectrum that are multiplied with all older ones at a time */
    SKEW = 24    /* doubles between spectra, so that they do not fight for cache sets */
};

/* Complex transforms of l frames padded to 2l: the even bins are a transform of the frames, the odd
 * bins one of the frames turned by exp(-i pi t / l). */
typedef struct {
    size_t length; /* l */
    const iw_fft *plan;
    double *turn;  /* [l] re, im */
    double *lanes; /* [2][PAIRS] frames, frames turned */
} padded;

/*
 * With X_b the padded transform of block b, conj(X_b) X_{b+d} holds lags (d-1)l..(d+1)l of the
 * pairs between the two.  Sums of those over all blocks and a species are kept for every d that the
 * window reaches, and the spectra of the blocks that the next one still meets.  All spectra are
 * even bins, then odd bins.
 */
struct iw_vacf {
    size_t n_species;
    size_t max_lag;
    size_t block; /* l, a power of two */
    size_t reach; /* most blocks between the two frames of a lag */
    size_t n_pairs;
    iw_bundles bundles;

    size_t frames;  /* all segments */
    size_t longest; /* frames of the longest finished segment */
    size_t length;  /* frames in this segment */
    size_t fill;    /* of those, in the open block */
    size_t closed;  /* blocks of this segment */
    double *raw;    /* [bundle][capacity][width] open block */
    size_t capacity;
    double *rows; /* [ROWS][n_coords] the last frames; they go to raw together */

    /* From the first closed block on. */
    padded transform;
    double *products; /* [n_species][reach + 1][re, im][2l] of closed blocks */
    double *carry;    /* what rounding took from products: compensated sums */
    double *partial;  /* [reach + 1][direct, swapped][4l] see kernels.h */
    double *folded;   /* [2][re, im][2l] */
    double **pools;   /* [reach + 1] memory of the spectra: the last for one bundle */
    double **spectra; /* [reach][n_pairs] block b in b % reach; places change hands with open */
    double *open[PAIRS];

    double *done;    /* [n_species][W + 1] finished segments */
    double *origins; /* [W + 1] of finished segments */
};

static void
padded_fini(padded *self)
{
    iw_fft_release(&self->plan);
    iw_fft_free(self->turn);
    iw_fft_free(self->lanes);
    memset(self, 0, sizeof *self);
}

static size_t
lane_pitch(const padded *self)
{
    return 2 * self->length + SKEW;
}

static size_t
pitch(size_t l) /* doubles from one spectrum to the next */
{
    return 4 * l + SKEW;
}

static iw_status
padded_init(padded *self, size_t l, iw_error *err)
{
    const double pi = 3.14159265358979323846;
    memset(self, 0, sizeof *self);
    self->length = l;
    self->plan = iw_fft_get(l, err);
    if (!self->plan)
        return IW_NO_MEMORY;
    self->turn = iw_fft_alloc_raw(2 * l * sizeof *self->turn);
    self->lanes = iw_fft_alloc_raw(2 * PAIRS * lane_pitch(self) * sizeof *self->lanes);
    if (!self->turn || !self->lanes) {
        padded_fini(self);
        return iw_fail(err, IW_NO_MEMORY, "no memory to transform blocks of %zu frames", l);
    }
    for (size_t t = 0; t < l; t++) {
        double angle = -pi * (double)t / (double)l;
        self->turn[2 * t] = cos(angle);
        self->turn[2 * t + 1] = sin(angle);
    }
    return IW_OK;
}

/* Spectra of rows[frames][width], two columns in each. */
static void
padded_rows(padded *self, const double *rows, size_t frames, size_t width, double *const *out)
{
    size_t l = self->length, step = lane_pitch(self);
    double *even = self->lanes, *odd = self->lanes + PAIRS * step;
    iw_kernel_pair(even, odd, step, rows, self->turn, width, frames);
    for (size_t c = 0; c < (width + 1) / 2; c++, even += step, odd += step) {
        memset(even + 2 * frames, 0, 2 * (l - frames) * sizeof *even);
        memset(odd + 2 * frames, 0, 2 * (l - frames) * sizeof *odd);
        iw_fft_complex(self->plan, (double complex *)even, (double complex *)out[c]);
        iw_fft_complex(self->plan, (double complex *)odd, (double complex *)(out[c] + 2 * l));
    }
}

/* Adds the sums of blocks d apart, bins[re, im][2l], to the lags that they hold. */
static void
padded_back(padded *self, const double *bins, size_t d, size_t n_lags, double *sum)
{
    size_t l = self->length;
    double *in = self->lanes, *even = self->lanes + 2 * lane_pitch(self);
    double *odd = even + 2 * lane_pitch(self), scale = 1.0 / (double)(2 * l);
    for (size_t half = 0; half < 2; half++) {
        for (size_t k = 0; k < l; k++) {
            in[2 * k] = bins[half * l + k];
            in[2 * k + 1] = -bins[2 * l + half * l + k];
        }
        iw_fft_complex(self->plan, (double complex *)in, (double complex *)(half ? odd : even));
    }
    for (size_t m = 0; m < l; m++) {
        double x = even[2 * m];
        double y = self->turn[2 * m] * odd[2 * m] - self->turn[2 * m + 1] * odd[2 * m + 1];
        if (d * l + m < n_lags)
            sum[d * l + m] += (x + y) * scale;
        if (d > 0 && (d - 1) * l + m < n_lags)
            sum[(d - 1) * l + m] += (x - y) * scale;
    }
}

static iw_status
fail_memory(const iw_vacf *self, iw_error *err)
{
    return iw_fail(err, IW_NO_MEMORY,
                   "no memory for the velocity autocorrelation after %zu frames (%zu bytes wanted)",
                   self->frames, iw_vacf_memory(self));
}

iw_vacf *
iw_vacf_new(const iw_vacf_options *options, iw_error *err)
{
    size_t limit = IW_VACF_MOST_LAGS;
    if (options->max_lag == 0 || options->max_lag > limit || options->block > limit) {
        (void)iw_fail(err, IW_INVALID, "a window of %zu lags (block %zu) cannot be kept",
                      options->max_lag, options->block);
        return NULL;
    }
    iw_vacf *self = calloc(1, sizeof *self);
    if (!self) {
        (void)iw_fail(err, IW_NO_MEMORY, "no memory for a velocity autocorrelation");
        return NULL;
    }
    size_t wanted = options->block ? options->block : (options->max_lag + REACH - 1) / REACH;
    self->block = SMALLEST_BLOCK;
    while (self->block < wanted)
        self->block *= 2;
    self->max_lag = options->max_lag;
    self->reach = (self->max_lag + self->block - 1) / self->block;
    self->n_species = options->n_species;
    if (iw_bundles_init(&self->bundles, options->n_atoms, options->n_species, options->kind, 0,
                        err) != IW_OK) {
        iw_vacf_destroy(&self);
        return NULL;
    }
    for (size_t i = 0; i < self->bundles.n_bundles; i++)
        self->n_pairs += (self->bundles.bundles[i].width + 1) / 2;
    size_t lags = self->max_lag + 1;
    self->capacity = iw_bundles_room(self->block, 0);
    self->raw = iw_fft_alloc_raw(self->bundles.n_coords * self->capacity * sizeof(double));
    self->rows = iw_fft_alloc_raw(ROWS * self->bundles.n_coords * sizeof(double));
    /* Long windows of short runs: pages that are never touched cost nothing. */
    self->done = calloc(self->n_species * lags, sizeof(double));
    self->origins = calloc(lags, sizeof(double));
    if (!self->raw || !self->rows || !self->done || !self->origins) {
        (void)fail_memory(self, err);
        iw_vacf_destroy(&self);
    }
    return self;
}

void
iw_vacf_destroy(iw_vacf **self_p)
{
    if (!self_p || !*self_p)
        return;
    iw_vacf *self = *self_p;
    for (size_t i = 0; self->pools && i <= self->reach; i++)
        iw_fft_free(self->pools[i]);
    iw_bundles_fini(&self->bundles);
    padded_fini(&self->transform);
    iw_fft_free(self->raw);
    iw_fft_free(self->rows);
    iw_fft_free(self->products);
    iw_fft_free(self->carry);
    iw_fft_free(self->partial);
    iw_fft_free(self->folded);
    free(self->pools);
    free(self->spectra);
    free(self->done);
    free(self->origins);
    free(self);
    *self_p = NULL;
}

/* ---- making room, before anything changes ---- */

static size_t
sums_size(const iw_vacf *self) /* doubles of products */
{
    return self->n_species * (self->reach + 1) * 4 * self->block;
}

/* Allocates *array once. */
static bool
have(double **array, size_t doubles, bool zeroed)
{
    if (!*array)
        *array = zeroed ? iw_fft_alloc(doubles * sizeof **array)
                        : iw_fft_alloc_raw(doubles * sizeof **array);
    return *array != NULL;
}

/* For a block that closes. */
static iw_status
reserve_spectra(iw_vacf *self, size_t closing, iw_error *err)
{
    size_t l = self->block, slot = closing % self->reach;
    if (!self->transform.plan && padded_init(&self->transform, l, err) != IW_OK)
        return IW_NO_MEMORY;
    if (!self->pools)
        self->pools = calloc(self->reach + 1, sizeof *self->pools);
    if (!self->spectra)
        self->spectra = calloc(self->reach * self->n_pairs, sizeof *self->spectra);
    if (!self->pools || !self->spectra || !have(&self->products, sums_size(self), true) ||
        !have(&self->carry, sums_size(self), true) ||
        !have(&self->partial, (self->reach + 1) * 8 * l, true) || !have(&self->folded, 8 * l, true))
        return fail_memory(self, err);
    if (!self->pools[self->reach]) {
        if (!have(&self->pools[self->reach], PAIRS * pitch(l), false))
            return fail_memory(self, err);
        for (size_t c = 0; c < PAIRS; c++)
            self->open[c] = self->pools[self->reach] + c * pitch(l);
    }
    if (!self->pools[slot]) {
        if (!have(&self->pools[slot], self->n_pairs * pitch(l), false))
            return fail_memory(self, err);
        for (size_t c = 0; c < self->n_pairs; c++)
            self->spectra[slot * self->n_pairs + c] = self->pools[slot] + c * pitch(l);
    }
    return IW_OK;
}

/* ---- products ---- */

/* Products of a bundle of the open block, in open, with itself and the closed blocks in reach. */
static void
multiply(iw_vacf *self, size_t first_pair, size_t pairs)
{
    size_t size = 4 * self->block, tile = size < TILE ? size : TILE;
    size_t most = self->closed < self->reach ? self->closed : self->reach;
    for (size_t at = 0; at < size; at += tile) {
        iw_kernel_products(self->partial, NULL, self->open, self->open, pairs, at, tile);
        for (size_t d = 1; d <= most; d++) {
            size_t slot = (self->closed - d) % self->reach;
            double *direct = self->partial + d * 2 * size;
            iw_kernel_products(direct, direct + size,
                               self->spectra + slot * self->n_pairs + first_pair, self->open, pairs,
                               at, tile);
        }
    }
}

/* All products of the open block, species `s`, into partial; keep: its spectra stay. */
static void
multiply_species(iw_vacf *self, size_t s, bool keep)
{
    size_t pair = 0;
    memset(self->partial, 0, (self->reach + 1) * 8 * self->block * sizeof *self->partial);
    for (size_t i = 0; i < self->bundles.n_bundles; i++) {
        const iw_bundle *bundle = &self->bundles.bundles[i];
        size_t pairs = (bundle->width + 1) / 2;
        if (bundle->group == s) {
            padded_rows(&self->transform, self->raw + bundle->first * self->capacity, self->fill,
                        bundle->width, self->open);
            multiply(self, pair, pairs);
            double **kept = self->spectra + self->closed % self->reach * self->n_pairs + pair;
            for (size_t c = 0; keep && c < pairs; c++) {
                double *old = kept[c];
                kept[c] = self->open[c];
                self->open[c] = old;
            }
        }
        pair += pairs;
    }
}

static void
close_block(iw_vacf *self)
{
    size_t size = 4 * self->block;
    for (size_t s = 0; s < self->n_species; s++) {
        multiply_species(self, s, true);
        for (size_t d = 0; d <= self->reach && d <= self->closed; d++) {
            size_t at = (s * (self->reach + 1) + d) * size;
            const double *direct = self->partial + d * 2 * size;
            iw_kernel_fold(self->products + at, self->carry + at, direct, direct + size, size / 2);
        }
    }
    self->closed++;
    self->fill = 0;
}

static void
store_rows(iw_vacf *self, size_t count)
{
    iw_bundles_store(&self->bundles, self->rows, count, self->raw, self->capacity,
                     self->fill - count);
}

iw_status
iw_vacf_push(iw_vacf *self, const double *vel_A_fs, iw_error *err)
{
    if (self->fill == self->capacity &&
        !iw_bundles_grow(&self->bundles, &self->raw, &self->capacity, self->block))
        return fail_memory(self, err);
    if (self->fill + 1 == self->block && reserve_spectra(self, self->closed, err) != IW_OK)
        return IW_NO_MEMORY;
    const size_t *source = self->bundles.source;
    double *row = self->rows + self->fill % ROWS * self->bundles.n_coords;
    for (size_t c = 0; c < self->bundles.n_coords; c++)
        row[c] = vel_A_fs[source[c]];
    self->fill++;
    self->length++;
    self->frames++;
    if (self->fill % ROWS == 0)
        store_rows(self, ROWS);
    if (self->fill == self->block)
        close_block(self);
    return IW_OK;
}

/* ---- results ---- */

/* A segment within its first block: transforms no longer than it needs. */
static iw_status
evaluate_short(iw_vacf *self, size_t n_lags, size_t step, double *sum, iw_error *err)
{
    size_t l = SMALLEST_BLOCK, i = 0;
    while (l < self->fill)
        l *= 2;
    padded transform;
    if (padded_init(&transform, l, err) != IW_OK)
        return IW_NO_MEMORY;
    /* One bundle's spectra, then sums as in partial and folded. */
    double *work = iw_fft_alloc_raw((PAIRS * pitch(l) + 16 * l) * sizeof *work);
    if (!work) {
        padded_fini(&transform);
        return fail_memory(self, err);
    }
    double *open[PAIRS], *direct = work + PAIRS * pitch(l), *bins = direct + 8 * l;
    for (size_t c = 0; c < PAIRS; c++)
        open[c] = work + c * pitch(l);
    for (size_t s = 0; s < self->n_species; s++) {
        memset(direct, 0, 16 * l * sizeof *direct);
        for (; i < self->bundles.n_bundles && self->bundles.bundles[i].group == s; i++) {
            const iw_bundle *bundle = &self->bundles.bundles[i];
            padded_rows(&transform, self->raw + bundle->first * self->capacity, self->fill,
                        bundle->width, open);
            iw_kernel_products(direct, NULL, open, open, (bundle->width + 1) / 2, 0, 4 * l);
        }
        iw_kernel_fold(bins, bins + 4 * l, direct, direct + 4 * l, 2 * l);
        padded_back(&transform, bins, 0, n_lags, sum + s * step);
    }
    iw_fft_free(work);
    padded_fini(&transform);
    return IW_OK;
}

/* Adds the sums of this segment for lags 0..n_lags-1 to sum[s * step]. */
static iw_status
evaluate(iw_vacf *self, size_t n_lags, size_t step, double *sum, iw_error *err)
{
    store_rows(self, self->fill % ROWS);
    if (self->closed == 0)
        return evaluate_short(self, n_lags, step, sum, err);
    size_t size = 4 * self->block;
    double *bins = self->folded, *rest = self->folded + size;
    for (size_t s = 0; s < self->n_species; s++) {
        if (self->fill > 0)
            multiply_species(self, s, false);
        for (size_t d = 0; d <= self->reach && d <= self->closed; d++) {
            size_t at = (s * (self->reach + 1) + d) * size;
            memcpy(bins, self->products + at, size * sizeof *bins);
            memcpy(rest, self->carry + at, size * sizeof *rest);
            const double *direct = self->partial + d * 2 * size;
            if (self->fill > 0)
                iw_kernel_fold(bins, rest, direct, direct + size, size / 2);
            for (size_t k = 0; k < size; k++)
                bins[k] += rest[k];
            padded_back(&self->transform, bins, d, n_lags, sum + s * step);
        }
    }
    return IW_OK;
}

static size_t
min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

iw_status
iw_vacf_break(iw_vacf *self, iw_error *err)
{
    if (self->length == 0)
        return IW_OK;
    size_t lags = self->max_lag + 1, live = min_size(lags, self->length);
    if (evaluate(self, live, lags, self->done, err) != IW_OK)
        return IW_NO_MEMORY;
    for (size_t n = 0; n < live; n++)
        self->origins[n] += (double)(self->length - n);
    if (self->longest < self->length)
        self->longest = self->length;
    if (self->products) {
        memset(self->products, 0, sums_size(self) * sizeof *self->products);
        memset(self->carry, 0, sums_size(self) * sizeof *self->carry);
    }
    self->length = self->fill = self->closed = 0;
    return IW_OK;
}

iw_status
iw_vacf_sums(iw_vacf *self, size_t n_lags, double *sum, double *origins, iw_error *err)
{
    for (size_t s = 0; s < self->n_species; s++)
        memcpy(sum + s * n_lags, self->done + s * (self->max_lag + 1), n_lags * sizeof *sum);
    for (size_t n = 0; n < n_lags; n++)
        origins[n] = self->origins[n] + (n < self->length ? (double)(self->length - n) : 0.0);
    if (self->length == 0)
        return IW_OK;
    return evaluate(self, min_size(n_lags, self->length), n_lags, sum, err);
}

iw_status
iw_vacf_query(iw_vacf *self, iw_vacf_result *out, iw_error *err)
{
    size_t longest = self->longest > self->length ? self->longest : self->length;
    size_t n_lags = min_size(self->max_lag, longest / 2) + 1;
    double *sum = malloc(self->n_species * n_lags * sizeof *sum);
    double *origins = malloc(n_lags * sizeof *origins);
    iw_status status = IW_NO_MEMORY;
    if (!sum || !origins)
        (void)iw_fail(err, status, "no memory to query %zu lags", n_lags);
    else
        status = iw_vacf_sums(self, n_lags, sum, origins, err);
    if (status != IW_OK) {
        free(sum);
        free(origins);
        return status;
    }
    iw_vacf_result_fini(out);
    *out = (iw_vacf_result){self->n_species, n_lags, self->frames, sum, origins};
    return IW_OK;
}

/* ---- checkpoints ---- */

/* Sums over the closed blocks of this segment, and the spectra of those that the next one meets. */
static void
archive_blocks(iw_vacf *self, iw_archive *archive)
{
    size_t size = 4 * self->block, in_reach = min_size(self->closed, self->reach);
    size_t distances = min_size(self->closed, self->reach + 1), count = in_reach;
    iw_archive_count(archive, &count, self->n_pairs * size * sizeof(double), "blocks in reach");
    IW_ARCHIVE_CHECK(archive, count == in_reach);
    for (size_t b = self->closed - in_reach; iw_archive_ok(archive) && b < self->closed; b++) {
        iw_error err = {.code = IW_OK};
        if (iw_archive_loading(archive) && reserve_spectra(self, b, &err) != IW_OK)
            iw_archive_fail(archive, err.code, "%s", err.text);
        double **spectra =
            iw_archive_ok(archive) ? self->spectra + b % self->reach * self->n_pairs : NULL;
        for (size_t c = 0; spectra && c < self->n_pairs; c++) {
            iw_archive_key key = {0, 0};
            iw_archive_bulk(archive, spectra[c], size * sizeof(double), &key);
        }
    }
    for (size_t s = 0; iw_archive_ok(archive) && distances > 0 && s < self->n_species; s++) {
        size_t at = s * (self->reach + 1) * size;
        iw_archive_doubles(archive, self->products + at, distances * size);
        iw_archive_doubles(archive, self->carry + at, distances * size);
    }
}

void
iw_vacf_archive(iw_vacf *self, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_vacf, 312);
    size_t lags = self->max_lag + 1;
    iw_archive_tag(archive, "vacf", 1);
    iw_archive_same(archive, self->max_lag, "longest lag");
    iw_archive_same(archive, self->block, "frames in a block");
    iw_archive_same(archive, self->n_species, "species");
    for (size_t s = 0; s < self->n_species; s++)
        iw_archive_same(archive, self->bundles.group_first[s + 1], "places of atoms");
    iw_archive_size(archive, &self->frames);
    iw_archive_limited(archive, &self->longest, self->frames, "frames of a segment");
    iw_archive_limited(archive, &self->length, self->frames, "frames of a segment");
    if (iw_archive_loading(archive)) {
        self->closed = self->length / self->block;
        self->fill = self->length % self->block;
    }
    archive_blocks(self, archive);
    size_t rest = self->fill % ROWS;
    iw_bundles_archive(&self->bundles, archive, &self->raw, &self->capacity, self->block,
                       self->fill - rest, self->fill);
    iw_archive_doubles(archive, self->rows, rest * self->bundles.n_coords);
    size_t live = min_size(lags, self->longest);
    for (size_t s = 0; s < self->n_species; s++)
        iw_archive_doubles(archive, self->done + s * lags, live);
    iw_archive_doubles(archive, self->origins, live);
}

size_t
iw_vacf_block(const iw_vacf *self)
{
    return self->block;
}

size_t
iw_vacf_frames(const iw_vacf *self)
{
    return self->frames;
}

size_t
iw_vacf_memory(const iw_vacf *self)
{
    size_t l = self->block, next = self->length + 1;
    size_t longest = self->longest > next ? self->longest : next, closed = longest / l;
    size_t lags = min_size(longest, self->max_lag + 1), room = iw_bundles_room(l, longest);
    size_t doubles = self->bundles.n_coords * (room + ROWS) +
                     3 * (self->n_species + 1) * lags; /* two of them a query's */
    if (closed > 0)
        doubles += 2 * l + 2 * PAIRS * (2 * l + SKEW) + 8 * l + 2 * sums_size(self) +
                   (self->reach + 1) * 8 * l + PAIRS * pitch(l) +
                   min_size(closed, self->reach) * self->n_pairs * pitch(l);
    size_t query = SMALLEST_BLOCK; /* a transform of its own, within the first block */
    while (query < min_size(longest, l))
        query *= 2;
    doubles += PAIRS * pitch(query) + 16 * query + 2 * query + 2 * PAIRS * (2 * query + SKEW);
    size_t pointers = closed > 0 ? self->reach * (self->n_pairs + 1) + 1 : 0;
    return doubles * sizeof(double) + sizeof *self + iw_bundles_memory(&self->bundles) +
           pointers * sizeof(double *);
}

void
iw_vacf_result_fini(iw_vacf_result *result)
{
    free(result->sum);
    free(result->origins);
    memset(result, 0, sizeof *result);
}
