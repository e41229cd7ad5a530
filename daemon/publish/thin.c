/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/thin.h"

#include <math.h>

/* Where a spectrum may be cut without losing its shape, and the points kept beyond. */
#define SPECTRUM_WEIGHT 0.999
enum { BEYOND_POINTS = 20 };

/* Indices with ratio r between neighbours; returns how many it takes to reach n - 1, or the limit.
 */
static size_t
grow(size_t n, double ratio, size_t index[IW_THIN_POINTS])
{
    size_t at = 0, k = 0;
    while (k < IW_THIN_POINTS && at < n) {
        index[k++] = at;
        size_t next = (size_t)ceil((double)at * ratio);
        at = next > at ? next : at + 1;
    }
    return at < n ? IW_THIN_POINTS + 1 : k;
}

static size_t
keep_all(size_t n, size_t index[IW_THIN_POINTS])
{
    for (size_t k = 0; k < n; k++)
        index[k] = k;
    return n;
}

size_t
iw_thin_growing(size_t n, size_t index[IW_THIN_POINTS])
{
    if (n <= IW_THIN_POINTS)
        return keep_all(n, index);
    double low = 1.0, high = 2.0; /* 2^199 passes any n */
    for (int i = 0; i < 40; i++) {
        double middle = 0.5 * (low + high);
        if (grow(n, middle, index) > IW_THIN_POINTS)
            low = middle;
        else
            high = middle;
    }
    size_t kept = grow(n, high, index);
    index[kept - 1] = n - 1;
    return kept;
}

size_t
iw_thin_spectrum(const double *weight, size_t n, size_t index[IW_THIN_POINTS])
{
    if (n <= IW_THIN_POINTS)
        return keep_all(n, index);
    double whole = 0.0, sum = 0.0;
    for (size_t k = 0; k < n; k++)
        whole += fabs(weight[k]);
    size_t cut = 0;
    while (cut < n - 1 && sum < SPECTRUM_WEIGHT * whole)
        sum += fabs(weight[cut++]);
    size_t kept = 0, dense = IW_THIN_POINTS - BEYOND_POINTS;
    for (size_t k = 0; k < dense; k++) {
        size_t at = cut < dense ? k : k * cut / (dense - 1);
        if (at <= cut)
            index[kept++] = at;
    }
    size_t from = index[kept - 1];
    for (size_t k = 1; k <= BEYOND_POINTS; k++) {
        size_t at = from + k * (n - 1 - from) / BEYOND_POINTS;
        if (at > index[kept - 1])
            index[kept++] = at;
    }
    return kept;
}
