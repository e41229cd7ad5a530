/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "msd_state.h"

#include <stdlib.h>
#include <string.h>

/* Sum of x^2 of a group over the first t frames of the segment. */
static iw_sum
squares_before(const iw_msd *self, size_t group, size_t t)
{
    size_t l = self->block, b = t / l;
    iw_sum sum = self->before[b * self->bundles.n_groups + group];
    if (t % l)
        iw_sum_add(&sum, self->blocks[b].squares[group * (l + 1) + t % l]);
    return sum;
}

void
iw_msd_add_ends(const iw_msd *self, size_t q, size_t frames, size_t group, double *const ends[3])
{
    size_t l = self->block, u = frames, skip = group * (l + 1);
    const double *own = self->own[q % 2] + skip;
    for (size_t m = 0; m < u; m++)
        ends[0][l + m] += own[u - m] + (own[u] - own[m]);
    /* Place l + m holds the pairs (i, j = i + m); i in the earlier block, j in q below hi. */
    if (q >= 1) {
        const double *earlier = self->own[(q - 1) % 2] + skip;
        const double *later = self->previous + skip;
        for (size_t place = 1; place < 2 * l; place++) {
            size_t low = place > l ? place - l : 0;
            size_t high = u < place ? u : place;
            if (low < high)
                ends[1][place] += (later[high] - later[low]) +
                                  (earlier[high + l - place] - earlier[low + l - place]);
        }
    }
    if (q >= 2) {
        const double *earlier = self->blocks[q - 2].squares + skip;
        const double *later = self->blocks[q].squares + skip;
        for (size_t place = 1; place < l; place++) {
            size_t high = u < place ? u : place;
            if (high > 0)
                ends[2][place] += later[high] + (earlier[high + l - place] - earlier[l - place]);
        }
    }
}

/* Less twice the cross term of blocks d apart: `sum` is their accumulator. */
static void
subtract_cross(iw_transform *transform, const double *sum, size_t d, size_t n_lags, double *row)
{
    size_t l = transform->block;
    const double *series = iw_transform_back(transform, sum, sum + 2 * l);
    double scale = -2.0 / (double)(2 * l);
    for (size_t m = 0; m < l && d * l + m < n_lags; m++)
        row[d * l + m] += scale * series[m];
    for (size_t m = 1; d > 0 && m < l; m++)
        if (d * l - m < n_lags)
            row[d * l - m] += scale * series[2 * l - m];
}

/* A segment within its first block: transforms no longer than it needs. */
static iw_status
evaluate_short(iw_msd *self, size_t n_lags, double *sum, iw_error *err)
{
    size_t l = 8, skip = 2 * self->block;
    while (l < self->fill)
        l *= 2;
    size_t tile = l < self->tile ? l : self->tile;
    iw_transform transform;
    if (iw_transform_init(&transform, l, tile, err) != IW_OK)
        return IW_NO_MEMORY;
    double *product = iw_fft_alloc(iw_msd_stride(self) * sizeof *product);
    double *ends = iw_fft_alloc(skip * sizeof *ends);
    iw_status status = IW_NO_MEMORY;
    if (!product || !ends) {
        (void)iw_fail(err, status, "no memory to query %zu frames", self->fill);
        goto out;
    }
    const iw_bundle *bundle = self->bundles.bundles;
    for (size_t g = 0; g < self->bundles.n_groups; g++) {
        memset(product, 0, iw_msd_stride(self) * sizeof *product);
        memset(ends, 0, skip * sizeof *ends);
        for (; bundle < self->bundles.bundles + self->bundles.n_bundles && bundle->group == g;
             bundle++) {
            iw_transform_rows(&transform, self->raw + bundle->first * self->capacity, self->fill,
                              bundle->width, self->blocks[0].origin + bundle->first, self->spare);
            iw_bundle_power(product, self->spare, bundle->width, l, tile);
        }
        double *const all_ends[3] = {ends, ends, ends};
        iw_msd_add_ends(self, 0, self->fill, g, all_ends);
        for (size_t n = 0; n < n_lags; n++)
            sum[g * n_lags + n] += ends[self->block + n];
        subtract_cross(&transform, product, 0, n_lags, sum + g * n_lags);
    }
    status = IW_OK;
out:
    iw_fft_free(product);
    iw_fft_free(ends);
    iw_transform_fini(&transform);
    return status;
}

static iw_status
reserve_partial(iw_msd *self, size_t count, iw_error *err)
{
    if (count > self->partial_room) {
        double **bigger = realloc(self->partial, count * sizeof *bigger);
        if (!bigger)
            return iw_fail(err, IW_NO_MEMORY, "no memory for a query of %zu blocks", count);
        self->partial = bigger;
        while (self->partial_room < count) {
            double *sum = iw_fft_alloc_raw(iw_msd_stride(self) * sizeof *sum);
            if (!sum)
                return iw_fail(err, IW_NO_MEMORY, "no memory for a query of %zu blocks", count);
            self->partial[self->partial_room++] = sum;
        }
    }
    return IW_OK;
}

/* Products of young blocks and the open one, of one group, into partial[0..count-1]. */
static void
multiply_young(iw_msd *self, size_t group, const double *box, size_t count)
{
    size_t l = self->block, closed = self->n_blocks;
    for (size_t i = 0; i < self->bundles.n_bundles; i++) {
        const iw_bundle *bundle = &self->bundles.bundles[i];
        if (bundle->group != group)
            continue;
        iw_msd_later later[2 * IW_MSD_ROUND + 1];
        size_t n = 0;
        for (size_t q = i < self->round_bundles ? self->round_end : self->summed; q < closed; q++)
            later[n++] = (iw_msd_later){.q = q,
                                        .spectra = self->blocks[q].spectra + bundle->first * 2 * l,
                                        .origin = self->blocks[q].origin,
                                        .box = self->box,
                                        .products = self->partial};
        if (self->fill > 0) {
            const double *origin = self->blocks[closed].origin;
            iw_transform_rows(&self->transform, self->raw + bundle->first * self->capacity,
                              self->fill, bundle->width, origin + bundle->first, self->spare);
            later[n++] = (iw_msd_later){.q = closed,
                                        .spectra = self->spare,
                                        .origin = origin,
                                        .box = box,
                                        .products = self->partial};
        }
        for (size_t from = 0; from < n; from += IW_MSD_ROUND + 1)
            iw_msd_multiply(self, bundle, later + from,
                            n - from < IW_MSD_ROUND + 1 ? n - from : IW_MSD_ROUND + 1, count - 1);
    }
}

static void
add_squares(const iw_msd *self, size_t group, double *const ends[3], size_t n_lags, double *row)
{
    size_t l = self->block, n = 0;
    for (; n < l && n < n_lags; n++)
        row[n] = ends[0][l + n] + ends[1][n];
    for (; n < 2 * l && n < n_lags; n++)
        row[n] = ends[1][n] + ends[2][n - l];
    iw_sum all = squares_before(self, group, self->length);
    for (; n < n_lags; n++) {
        iw_sum head = squares_before(self, group, self->length - n);
        iw_sum skipped = squares_before(self, group, n);
        row[n] = (head.hi + (all.hi - skipped.hi)) + (head.lo + (all.lo - skipped.lo));
    }
}

static iw_status
evaluate_blocks(iw_msd *self, size_t n_lags, double *sum, iw_error *err)
{
    size_t l = self->block, closed = self->n_blocks, stride = iw_msd_stride(self);
    size_t reach = (n_lags - 1) / l + 2; /* distances 0..reach-1 have lags below n_lags */
    size_t total = reach < closed + 1 ? reach : closed + 1;
    if (reserve_partial(self, total, err) != IW_OK)
        return IW_NO_MEMORY;
    double *work = iw_fft_alloc_raw((3 * 2 * l + 3 * l + n_lags) * sizeof *work);
    if (!work)
        return iw_fail(err, IW_NO_MEMORY, "no memory to query %zu lags", n_lags);
    double *const ends[3] = {work, work + 2 * l, work + 4 * l};
    double *box = work + 6 * l, *ones = work + 8 * l, *row = work + 9 * l;
    double zero = 0.0;
    for (size_t t = 0; t < l; t++)
        ones[t] = 1.0;
    if (self->fill > 0)
        iw_transform_rows(&self->transform, ones, self->fill, 1, &zero, box);
    for (size_t g = 0; g < self->bundles.n_groups; g++) {
        for (size_t i = 0; i < 3; i++)
            memcpy(ends[i], self->ends[i] + g * 2 * l, 2 * l * sizeof *work);
        for (size_t d = 0; d < total; d++)
            memset(self->partial[d], 0, stride * sizeof *work);
        if (self->fill > 0)
            iw_msd_add_ends(self, closed, self->fill, g, ends);
        multiply_young(self, g, box, total);
        add_squares(self, g, ends, n_lags, row);
        for (size_t d = 0; d < total; d++) {
            double *partial = self->partial[d];
            if (d < self->round_end) {
                const double *whole = self->products[d] + g * stride;
                for (size_t k = 0; k < stride; k++)
                    partial[k] += whole[k];
            }
            subtract_cross(&self->transform, partial, d, n_lags, row);
        }
        for (size_t n = 0; n < n_lags; n++)
            sum[g * n_lags + n] += row[n];
    }
    iw_fft_free(work);
    return IW_OK;
}

iw_status
iw_msd_evaluate(iw_msd *self, size_t n_lags, double *sum, iw_error *err)
{
    iw_status status = self->n_blocks == 0 ? evaluate_short(self, n_lags, sum, err)
                                           : evaluate_blocks(self, n_lags, sum, err);
    if (status != IW_OK)
        return status;
    for (size_t g = 0; g < self->bundles.n_groups; g++) {
        sum[g * n_lags] = 0.0;
        for (size_t n = 1; n < IW_MSD_NEAR && n < n_lags; n++) {
            const iw_sum *near = &self->near[g * IW_MSD_NEAR + n];
            sum[g * n_lags + n] = near->hi + near->lo;
        }
    }
    return IW_OK;
}

iw_status
iw_msd_query(iw_msd *self, iw_msd_result *out, iw_error *err)
{
    size_t groups = self->bundles.n_groups;
    size_t longest = self->longest > self->length ? self->longest : self->length;
    size_t n_lags = longest / 2 + 1;
    size_t live = self->length < n_lags ? self->length : n_lags;
    iw_msd_store_rows(self);
    double *sum = calloc(groups * n_lags, sizeof *sum);
    double *origins = calloc(n_lags, sizeof *origins);
    double *part = calloc(groups * (live + 1), sizeof *part);
    iw_status status = IW_NO_MEMORY;
    if (!sum || !origins || !part) {
        (void)iw_fail(err, status, "no memory to query %zu lags", n_lags);
        goto fail;
    }
    if (live > 0) {
        status = iw_msd_evaluate(self, live, part, err);
        if (status != IW_OK)
            goto fail;
    }
    for (size_t g = 0; g < groups; g++) {
        for (size_t n = 0; n < n_lags && n < self->longest; n++)
            sum[g * n_lags + n] = self->done[g * self->longest + n];
        for (size_t n = 0; n < live; n++)
            sum[g * n_lags + n] += part[g * live + n];
    }
    for (size_t n = 0; n < n_lags; n++)
        origins[n] = (n < self->longest ? self->done_origins[n] : 0.0) +
                     (n < self->length ? (double)(self->length - n) : 0.0);
    free(part);
    iw_msd_result_fini(out);
    *out = (iw_msd_result){self->n_species, n_lags, self->frames, sum, origins};
    return IW_OK;
fail:
    free(sum);
    free(origins);
    free(part);
    return status;
}
