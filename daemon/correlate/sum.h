/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_SUM_H
#define IW_SUM_H
/* sum.h - a compensated running sum (Neumaier): value = hi + lo. */

typedef struct {
    double hi, lo;
} iw_sum;

static inline void
iw_sum_add(iw_sum *sum, double x)
{
    double t = sum->hi + x;
    double part = t - sum->hi;
    sum->lo += (sum->hi - (t - part)) + (x - part);
    sum->hi = t;
}

static inline void
iw_sum_merge(iw_sum *sum, const iw_sum *other)
{
    iw_sum_add(sum, other->hi);
    sum->lo += other->lo;
}

static inline double
iw_sum_value(const iw_sum *sum)
{
    return sum->hi + sum->lo;
}

#endif
