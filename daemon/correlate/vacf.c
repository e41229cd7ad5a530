/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vacf.h"

#include "bundles.h"
#include "kernels.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SMALLEST_BLOCK = 64, FIRST_CAPACITY = 64, ROWS = 8 };

/*
 * The block is at least as long as the window.  With X_b the padded transform of block b, that of
 * two blocks in a row is Z = X_b + (-1)^k X_{b+1}, and conj(X_b) Z holds every lag 0..l of the
 * origins in block b: one product a block, and only the spectra of one block are kept.
 */
struct iw_vacf {
    size_t n_species;
    size_t max_lag;
    size_t block; /* l */
    iw_bundles bundles;
    iw_transform transform;

    size_t frames;  /* all segments */
    size_t longest; /* frames of the longest finished segment */
    size_t length;  /* frames in this segment */
    size_t fill;    /* of those, in the open block */
    bool have_last; /* this segment has a closed block: its spectra are in last */
    double *raw;    /* [bundle][capacity][width] open block */
    size_t capacity;
    double *rows;     /* [ROWS][n_coords] the last frames; they go to raw together */
    double *last;     /* [coordinate][2l]; from the first closed block on */
    double *products; /* [n_species][stride] origins in blocks that lie two or more back */
    double *carry;    /* [n_species][stride] what rounding took from products: compensated sums */
    double *partial;  /* [stride] */
    double *spare;    /* [16][2l] */
    double *zero;     /* [16] */
    double *done;     /* [n_species][W + 1] finished segments */
    double *origins;  /* [W + 1] of finished segments */
};

static size_t
stride(const iw_vacf *self) /* doubles of one accumulator: tiles, then the two real bins */
{
    return 2 * self->block + 8;
}

static iw_status
fail_memory(const iw_vacf *self, iw_error *err)
{
    return iw_fail(err, IW_NO_MEMORY,
                   "no memory for the velocity autocorrelation after %zu frames (%zu bytes held)",
                   self->frames, iw_vacf_memory(self));
}

iw_vacf *
iw_vacf_new(const iw_vacf_options *options, iw_error *err)
{
    size_t wanted = options->block > options->max_lag ? options->block : options->max_lag;
    if (options->max_lag == 0 || wanted > (size_t)1 << 24) {
        (void)iw_fail(err, IW_INVALID, "a window of %zu lags (block %zu) cannot be kept",
                      options->max_lag, options->block);
        return NULL;
    }
    iw_vacf *self = calloc(1, sizeof *self);
    if (!self) {
        (void)iw_fail(err, IW_NO_MEMORY, "no memory for a velocity autocorrelation");
        return NULL;
    }
    /* Powers of two and halfway between: lengths that transform fast. */
    size_t l = SMALLEST_BLOCK;
    while (l < wanted)
        l *= 2;
    if (l > SMALLEST_BLOCK && l / 4 * 3 >= wanted)
        l = l / 4 * 3;
    self->block = l;
    self->max_lag = options->max_lag;
    self->n_species = options->n_species;
    if (iw_bundles_init(&self->bundles, options->n_atoms, options->n_species, options->kind, 0,
                        err) != IW_OK ||
        iw_transform_init(&self->transform, l, l, err) != IW_OK) {
        iw_vacf_destroy(&self);
        return NULL;
    }
    size_t lags = self->max_lag + 1;
    self->capacity = FIRST_CAPACITY;
    self->raw = iw_fft_alloc(self->bundles.n_coords * self->capacity * sizeof(double));
    self->rows = iw_fft_alloc(ROWS * self->bundles.n_coords * sizeof(double));
    self->products = iw_fft_alloc(self->n_species * stride(self) * sizeof(double));
    self->carry = iw_fft_alloc(self->n_species * stride(self) * sizeof(double));
    self->partial = iw_fft_alloc(stride(self) * sizeof(double));
    self->spare = iw_fft_alloc(IW_BUNDLE * 2 * l * sizeof(double));
    self->zero = iw_fft_alloc(IW_BUNDLE * sizeof(double));
    self->done = iw_fft_alloc(self->n_species * lags * sizeof(double));
    self->origins = iw_fft_alloc(lags * sizeof(double));
    if (!self->raw || !self->rows || !self->products || !self->carry || !self->partial ||
        !self->spare || !self->zero || !self->done || !self->origins) {
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
    iw_bundles_fini(&self->bundles);
    iw_transform_fini(&self->transform);
    iw_fft_free(self->raw);
    iw_fft_free(self->rows);
    iw_fft_free(self->last);
    iw_fft_free(self->products);
    iw_fft_free(self->carry);
    iw_fft_free(self->partial);
    iw_fft_free(self->spare);
    iw_fft_free(self->zero);
    iw_fft_free(self->done);
    iw_fft_free(self->origins);
    free(self);
    *self_p = NULL;
}

/* Room for one more frame and, when it fills the block, for its spectra. */
static iw_status
reserve(iw_vacf *self, iw_error *err)
{
    size_t n = self->bundles.n_coords, l = self->block;
    if (self->fill == self->capacity) {
        size_t bigger = 4 * self->capacity < l ? 2 * self->capacity : l;
        double *raw = iw_fft_alloc_raw(n * bigger * sizeof *raw);
        if (!raw)
            return fail_memory(self, err);
        for (size_t i = 0; i < self->bundles.n_bundles; i++) {
            const iw_bundle *bundle = &self->bundles.bundles[i];
            memcpy(raw + bundle->first * bigger, self->raw + bundle->first * self->capacity,
                   bundle->width * self->capacity * sizeof *raw);
        }
        iw_fft_free(self->raw);
        self->raw = raw;
        self->capacity = bigger;
    }
    if (self->fill + 1 == l && !self->last) {
        self->last = iw_fft_alloc_raw(n * 2 * l * sizeof *self->last);
        if (!self->last)
            return fail_memory(self, err);
    }
    return IW_OK;
}

static void
store_rows(iw_vacf *self, size_t count)
{
    iw_bundles_store(&self->bundles, self->rows, count, self->raw, self->capacity,
                     self->fill - count);
}

/* Adds the window of the last block, with the open one if it has frames, to partial. */
static void
add_window(iw_vacf *self, const iw_bundle *bundle, const double *next)
{
    size_t l = self->block;
    double *real = self->partial + 2 * l;
    const double *last = self->last + bundle->first * 2 * l;
    if (!next) {
        iw_bundle_power(self->partial, last, bundle->width, l, l);
        return;
    }
    for (size_t c = 0; c < bundle->width; c++) {
        const double *a = last + c * 2 * l, *b = next + c * 2 * l;
        iw_kernel_window(self->partial, a, b, l);
        real[0] += a[0] * (a[0] + b[0]);
        real[1] += a[l] * (a[l] + b[l]);
    }
}

static void
transform_open(iw_vacf *self, const iw_bundle *bundle)
{
    iw_transform_rows(&self->transform, self->raw + bundle->first * self->capacity, self->fill,
                      bundle->width, self->zero, self->spare);
}

static void
close_block(iw_vacf *self)
{
    size_t l = self->block, i = 0;
    for (size_t s = 0; s < self->n_species; s++) {
        memset(self->partial, 0, stride(self) * sizeof *self->partial);
        for (; i < self->bundles.n_bundles && self->bundles.bundles[i].group == s; i++) {
            const iw_bundle *bundle = &self->bundles.bundles[i];
            transform_open(self, bundle);
            if (self->have_last)
                add_window(self, bundle, self->spare);
            memcpy(self->last + bundle->first * 2 * l, self->spare,
                   bundle->width * 2 * l * sizeof *self->last);
        }
        double *sum = self->products + s * stride(self), *carry = self->carry + s * stride(self);
        for (size_t k = 0; k < stride(self); k++) {
            double x = self->partial[k], t = sum[k] + x, part = t - sum[k];
            carry[k] += (sum[k] - (t - part)) + (x - part);
            sum[k] = t;
        }
    }
    self->have_last = true;
    self->fill = 0;
}

iw_status
iw_vacf_push(iw_vacf *self, const double *vel_A_fs, iw_error *err)
{
    if (reserve(self, err) != IW_OK)
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

/* Adds the sums of this segment for lags 0..n_lags-1 to sum[s * pitch]. */
static void
evaluate(iw_vacf *self, size_t n_lags, size_t pitch, double *sum)
{
    size_t l = self->block, i = 0;
    store_rows(self, self->fill % ROWS);
    for (size_t s = 0; s < self->n_species; s++) {
        memset(self->partial, 0, stride(self) * sizeof *self->partial);
        for (; i < self->bundles.n_bundles && self->bundles.bundles[i].group == s; i++) {
            const iw_bundle *bundle = &self->bundles.bundles[i];
            if (self->fill > 0) {
                transform_open(self, bundle);
                iw_bundle_power(self->partial, self->spare, bundle->width, l, l);
            }
            if (self->have_last)
                add_window(self, bundle, self->fill > 0 ? self->spare : NULL);
        }
        const double *whole = self->products + s * stride(self);
        const double *carry = self->carry + s * stride(self);
        for (size_t k = 0; k < stride(self); k++)
            self->partial[k] = whole[k] + (carry[k] + self->partial[k]);
        const double *series =
            iw_transform_back(&self->transform, self->partial, self->partial + 2 * l);
        for (size_t n = 0; n < n_lags; n++)
            sum[s * pitch + n] += series[n] / (double)(2 * l);
    }
}

static size_t
min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

iw_status
iw_vacf_break(iw_vacf *self, iw_error *err)
{
    (void)err;
    if (self->length == 0)
        return IW_OK;
    size_t lags = self->max_lag + 1, live = min_size(lags, self->length);
    evaluate(self, live, lags, self->done);
    for (size_t n = 0; n < live; n++)
        self->origins[n] += (double)(self->length - n);
    if (self->longest < self->length)
        self->longest = self->length;
    memset(self->products, 0, self->n_species * stride(self) * sizeof(double));
    memset(self->carry, 0, self->n_species * stride(self) * sizeof(double));
    self->length = self->fill = 0;
    self->have_last = false;
    return IW_OK;
}

iw_status
iw_vacf_query(iw_vacf *self, iw_vacf_result *out, iw_error *err)
{
    size_t longest = self->longest > self->length ? self->longest : self->length;
    size_t n_lags = min_size(self->max_lag, longest / 2) + 1;
    double *sum = malloc(self->n_species * n_lags * sizeof *sum);
    double *origins = malloc(n_lags * sizeof *origins);
    if (!sum || !origins) {
        free(sum);
        free(origins);
        return iw_fail(err, IW_NO_MEMORY, "no memory to query %zu lags", n_lags);
    }
    for (size_t s = 0; s < self->n_species; s++)
        memcpy(sum + s * n_lags, self->done + s * (self->max_lag + 1), n_lags * sizeof *sum);
    if (self->length > 0)
        evaluate(self, min_size(n_lags, self->length), n_lags, sum);
    for (size_t n = 0; n < n_lags; n++)
        origins[n] = self->origins[n] + (n < self->length ? (double)(self->length - n) : 0.0);
    iw_vacf_result_fini(out);
    *out = (iw_vacf_result){self->n_species, n_lags, self->frames, sum, origins};
    return IW_OK;
}

size_t
iw_vacf_frames(const iw_vacf *self)
{
    return self->frames;
}

size_t
iw_vacf_memory(const iw_vacf *self)
{
    size_t n = self->bundles.n_coords, l = self->block;
    size_t doubles = n * (self->capacity + ROWS) + (self->last ? n * 2 * l : 0) +
                     (2 * self->n_species + 1) * stride(self) + IW_BUNDLE * (2 * l + 1) +
                     (self->n_species + 1) * (self->max_lag + 1);
    return doubles * sizeof(double) + sizeof *self + iw_bundles_memory(&self->bundles) +
           iw_transform_memory(&self->transform);
}

void
iw_vacf_result_fini(iw_vacf_result *result)
{
    free(result->sum);
    free(result->origins);
    memset(result, 0, sizeof *result);
}
