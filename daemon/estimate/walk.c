/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/walk.h"

#include <math.h>
#include <string.h>

/* sum_{u=1}^{k} u^p for p = 1, 2 */
static double
sum_1(double k)
{
    return k * (k + 1) / 2;
}

static double
sum_2(double k)
{
    return k * (k + 1) * (2 * k + 1) / 6;
}

/* and their sums over k = 1..l */
static double
sum_sum_1(double l)
{
    return l * (l + 1) * (l + 2) / 6;
}

static double
sum_sum_2(double l)
{
    return l * (l + 1) * (l + 1) * (l + 2) / 12;
}

static void
merge(iw_walk_segments *self, size_t i)
{
    double count = self->count[i] + self->count[i + 1];
    self->frames[i] = round(
        (self->frames[i] * self->count[i] + self->frames[i + 1] * self->count[i + 1]) / count);
    self->count[i] = count;
    self->n--;
    memmove(self->frames + i + 1, self->frames + i + 2, (self->n - i - 1) * sizeof(double));
    memmove(self->count + i + 1, self->count + i + 2, (self->n - i - 1) * sizeof(double));
}

/* Makes room for one more: joins the two lengths whose ratio is the least.  The longest stays as it
 * is: the longest lags fit in nothing else. */
static void
make_room(iw_walk_segments *self)
{
    size_t best = 0;
    for (size_t i = 1; i + 2 < self->n; i++)
        if (self->frames[i + 1] * self->frames[best] < self->frames[best + 1] * self->frames[i])
            best = i;
    merge(self, best);
}

void
iw_walk_segments_init(iw_walk_segments *segments, const size_t *frames, size_t n)
{
    *segments = (iw_walk_segments){0};
    for (size_t s = 0; s < n; s++) {
        double length = (double)frames[s];
        size_t at = 0;
        while (at < segments->n && segments->frames[at] < length)
            at++;
        if (at < segments->n && segments->frames[at] <= length) {
            segments->count[at]++;
            continue;
        }
        if (segments->n == IW_WALK_LENGTHS) {
            make_room(segments);
            for (at = 0; at < segments->n && segments->frames[at] < length;)
                at++;
        }
        memmove(segments->frames + at + 1, segments->frames + at,
                (segments->n - at) * sizeof(double));
        memmove(segments->count + at + 1, segments->count + at,
                (segments->n - at) * sizeof(double));
        segments->frames[at] = length;
        segments->count[at] = 1;
        segments->n++;
    }
}

/* Origins of a lag in a segment of so many frames. */
static double
origins_of(double frames, iw_walk_lag lag)
{
    double last = frames - 1 - (double)lag.frames;
    return last < 0 ? 0 : floor(last / (double)lag.stride) + 1;
}

double
iw_walk_origins(const iw_walk_segments *segments, iw_walk_lag lag)
{
    double sum = 0;
    for (size_t s = 0; s < segments->n; s++)
        sum += segments->count[s] * origins_of(segments->frames[s], lag);
    return sum;
}

/*
 * One segment of `length` frames, the shorter lag m with every frame an origin, the longer lag n
 * with every s-th.  Two displacements that start d frames apart (m after n) share `overlap` frames:
 *     d = u - m or n - u, 0 < u < m:  u
 *     0 <= d <= n - m:                m
 * Each origin k of n meets them all, but those before the first frame (u < m - k) and beyond the
 * last one (u <= m + n - length + k).
 */
static iw_walk_sums
sum_of(double length, double m, double n, double s)
{
    double origins = floor((length - 1 - n) / s) + 1, rest = length - m - n;
    double before = fmin(origins, ceil(m / s)), beyond = fmax(0, floor(rest / s) + 1);
    double missing_1 = 0, missing_2 = 0;
    if (s > 1) {
        for (size_t k = 0; k < (size_t)before; k++) {
            missing_1 += sum_1(m - 1 - (double)k * s);
            missing_2 += sum_2(m - 1 - (double)k * s);
        }
        for (size_t k = (size_t)beyond; k < (size_t)origins; k++) {
            missing_1 += sum_1((double)k * s - rest);
            missing_2 += sum_2((double)k * s - rest);
        }
    } else {
        double least = fmax(0, -rest - 1);
        missing_1 = 2 * (sum_sum_1(m - 1) - sum_sum_1(least));
        missing_2 = 2 * (sum_sum_2(m - 1) - sum_sum_2(least));
    }
    double flat = n - m + 1;
    double one_end = fmax(0, origins - ceil(m / s)) + fmax(0, floor((rest - 1) / s) + 1);
    return (iw_walk_sums){
        .step = origins * (2 * sum_2(m - 1) + flat * m * m) - missing_2,
        .cross = origins * 2 * m,
        .noise = origins * (m < n ? 2 : 4) + one_end,
        .jump = origins * (2 * sum_1(m - 1) + flat * m) - missing_1,
    };
}

/* Of the path only the frames that the finer lag sees matter: lags and length are counted in its
 * stride. */
iw_walk_sums
iw_walk_sum(const iw_walk_segments *segments, iw_walk_lag m, iw_walk_lag n)
{
    iw_walk_lag shorter = m.frames < n.frames ? m : n, longer = m.frames < n.frames ? n : m;
    double stride = (double)shorter.stride;
    iw_walk_sums out = {.stride = stride};
    for (size_t s = 0; s < segments->n; s++) {
        if (segments->frames[s] <= (double)longer.frames)
            continue;
        iw_walk_sums one =
            sum_of(floor((segments->frames[s] - 1) / stride) + 1, (double)shorter.frames / stride,
                   (double)longer.frames / stride, (double)longer.stride / stride);
        out.step += segments->count[s] * one.step;
        out.cross += segments->count[s] * one.cross;
        out.noise += segments->count[s] * one.noise;
        out.jump += segments->count[s] * one.jump;
    }
    double pairs = iw_walk_origins(segments, m) * iw_walk_origins(segments, n);
    out.step *= stride * stride / pairs;
    out.cross *= stride / pairs;
    out.noise /= pairs;
    out.jump *= stride / pairs;
    return out;
}

double
iw_walk_covariance(const iw_walk *walk, const iw_walk_sums *sums)
{
    double q = walk->q_A2, c = walk->c_A2, d = walk->axes;
    double cross = 1 + (walk->cross_frames - 1) / sums->stride;
    double noise = 1 + (walk->noise_frames - 1) / sums->stride;
    return (2 / d * q * (q * sums->step + c * cross * sums->cross) +
            c * c / (2 * d) * noise * sums->noise + q * walk->jump_A2 * sums->jump) /
           walk->atoms;
}
