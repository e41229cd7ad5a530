/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels.h"

#include <string.h>

/* One binary for all processors of the family; sanitizers do not get on with the resolver. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                             \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define DISPATCH __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define DISPATCH
#endif

enum { LANES = 8, AHEAD = 64 };

/* Eight lanes: the order of a sum is the same on every processor. */
typedef double eight __attribute__((vector_size(LANES * sizeof(double))));

#define LOAD(vector, from) memcpy(&(vector), (from), sizeof(vector))

DISPATCH void
iw_kernel_cross(double *restrict acc, const double *restrict new_tile,
                const double *restrict old_tile, const double *restrict shift,
                const double *restrict box, size_t width, size_t n)
{
    double *restrict acc_re = acc;
    double *restrict acc_im = acc + n;
    const double *restrict box_re = box;
    const double *restrict box_im = box + n;
    size_t c = 0;
    for (; c + 4 <= width; c += 4) {
        const double *restrict a0 = new_tile + c * 2 * n;
        const double *restrict b0 = old_tile + c * 2 * n;
        double s0 = shift[c], s1 = shift[c + 1], s2 = shift[c + 2], s3 = shift[c + 3];
        for (size_t k = 0; k < n; k++) {
            double wr = box_re[k], wi = box_im[k];
            double r0 = b0[k] + s0 * wr, i0 = b0[k + n] + s0 * wi;
            double r1 = b0[k + 2 * n] + s1 * wr, i1 = b0[k + 3 * n] + s1 * wi;
            double r2 = b0[k + 4 * n] + s2 * wr, i2 = b0[k + 5 * n] + s2 * wi;
            double r3 = b0[k + 6 * n] + s3 * wr, i3 = b0[k + 7 * n] + s3 * wi;
            double x0 = a0[k], y0 = a0[k + n];
            double x1 = a0[k + 2 * n], y1 = a0[k + 3 * n];
            double x2 = a0[k + 4 * n], y2 = a0[k + 5 * n];
            double x3 = a0[k + 6 * n], y3 = a0[k + 7 * n];
            acc_re[k] += ((r0 * x0 + i0 * y0) + (r1 * x1 + i1 * y1)) +
                         ((r2 * x2 + i2 * y2) + (r3 * x3 + i3 * y3));
            acc_im[k] += ((r0 * y0 - i0 * x0) + (r1 * y1 - i1 * x1)) +
                         ((r2 * y2 - i2 * x2) + (r3 * y3 - i3 * x3));
        }
    }
    for (; c < width; c++) {
        const double *restrict a = new_tile + c * 2 * n;
        const double *restrict b = old_tile + c * 2 * n;
        double s = shift[c];
        for (size_t k = 0; k < n; k++) {
            double re = b[k] + s * box_re[k], im = b[k + n] + s * box_im[k];
            acc_re[k] += re * a[k] + im * a[k + n];
            acc_im[k] += re * a[k + n] - im * a[k];
        }
    }
}

DISPATCH void
iw_kernel_power(double *restrict acc, const double *restrict tile, size_t width, size_t n)
{
    for (size_t c = 0; c < width; c++) {
        const double *restrict a = tile + c * 2 * n;
        for (size_t k = 0; k < n; k++)
            acc[k] += a[k] * a[k] + a[k + n] * a[k + n];
    }
}

DISPATCH void
iw_kernel_shift(double *restrict out, const double *restrict tile, const double *restrict shift,
                const double *restrict box, size_t width, size_t n)
{
    for (size_t c = 0; c < width; c++) {
        double *restrict to = out + c * 2 * n;
        const double *restrict from = tile + c * 2 * n;
        double s = shift[c];
        for (size_t k = 0; k < 2 * n; k++)
            to[k] = from[k] + s * box[k];
    }
}

DISPATCH void
iw_kernel_squares(const double *restrict x, const double *restrict a, const double *restrict b,
                  size_t n, double sums[3])
{
    eight s0 = {0.0}, s1 = {0.0}, s2 = {0.0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        eight u, v, w;
        LOAD(u, x + i);
        LOAD(v, a + i);
        LOAD(w, b + i);
        v = u - v;
        w = u - w;
        s0 += u * u;
        s1 += v * v;
        s2 += w * w;
    }
    for (size_t m = 0; m < 3; m++)
        sums[m] = 0.0;
    for (; i < n; i++) {
        sums[0] += x[i] * x[i];
        sums[1] += (x[i] - a[i]) * (x[i] - a[i]);
        sums[2] += (x[i] - b[i]) * (x[i] - b[i]);
    }
    for (size_t j = 0; j < LANES; j++) {
        sums[0] += s0[j];
        sums[1] += s1[j];
        sums[2] += s2[j];
    }
}

DISPATCH double
iw_kernel_distance(const double *restrict x, const double *restrict y, size_t n)
{
    eight s = {0.0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        eight u, v;
        LOAD(u, x + i);
        LOAD(v, y + i);
        u -= v;
        s += u * u;
    }
    double sum = 0.0;
    for (; i < n; i++)
        sum += (x[i] - y[i]) * (x[i] - y[i]);
    for (size_t j = 0; j < LANES; j++)
        sum += s[j];
    return sum;
}

DISPATCH void
iw_kernel_moments(double *restrict atom, const double *restrict x, const double *restrict y,
                  size_t pitch, size_t n, double sums[4])
{
    eight s0 = {0.0}, s1 = {0.0}, s2 = {0.0}, s3 = {0.0};
    for (size_t i = 0; i < n; i += LANES) {
        eight a, b, d0, d1, d2;
        LOAD(a, x + i);
        LOAD(b, y + i);
        d0 = (a - b) * (a - b);
        LOAD(a, x + pitch + i);
        LOAD(b, y + pitch + i);
        d1 = (a - b) * (a - b);
        LOAD(a, x + 2 * pitch + i);
        LOAD(b, y + 2 * pitch + i);
        d2 = (a - b) * (a - b);
        s0 += d0;
        s1 += d1;
        s2 += d2;
        d0 = (d0 + d1) + d2;
        s3 += d0 * d0;
        LOAD(a, atom + i);
        a += d0;
        memcpy(atom + i, &a, sizeof a);
    }
    for (size_t m = 0; m < 4; m++)
        sums[m] = 0.0;
    for (size_t j = 0; j < LANES; j++) {
        sums[0] += s0[j];
        sums[1] += s1[j];
        sums[2] += s2[j];
        sums[3] += s3[j];
    }
}

#define SHUFFLE __builtin_shufflevector

DISPATCH void
iw_kernel_transpose(double *restrict lanes, size_t lane_pitch, const double *restrict rows,
                    size_t pitch, const double *restrict origin, size_t width, size_t frames)
{
    size_t t = 0;
    if (width == LANES) {
        eight zero;
        LOAD(zero, origin);
        for (; t + LANES <= frames; t += LANES) {
            /* Three rounds of exchanges between rows 1, 2 and 4 apart. */
            eight a[LANES], b[LANES];
            for (size_t j = 0; j < LANES; j++) {
                LOAD(a[j], rows + (t + j) * pitch);
                a[j] -= zero;
            }
            for (size_t j = 0; j < LANES; j += 2) {
                b[j] = SHUFFLE(a[j], a[j + 1], 0, 8, 2, 10, 4, 12, 6, 14);
                b[j + 1] = SHUFFLE(a[j], a[j + 1], 1, 9, 3, 11, 5, 13, 7, 15);
            }
            for (size_t j = 0; j < LANES; j += j % 4 == 1 ? 3 : 1) {
                a[j] = SHUFFLE(b[j], b[j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
                a[j + 2] = SHUFFLE(b[j], b[j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
            }
            for (size_t j = 0; j < LANES / 2; j++) {
                b[j] = SHUFFLE(a[j], a[j + 4], 0, 1, 2, 3, 8, 9, 10, 11);
                b[j + 4] = SHUFFLE(a[j], a[j + 4], 4, 5, 6, 7, 12, 13, 14, 15);
            }
            for (size_t j = 0; j < LANES; j++)
                memcpy(lanes + j * lane_pitch + t, &b[j], sizeof b[j]);
        }
    }
    for (; t < frames; t++)
        for (size_t c = 0; c < width; c++)
            lanes[c * lane_pitch + t] = rows[t * pitch + c] - origin[c];
}

DISPATCH void
iw_kernel_split(double *restrict out, const double *restrict pairs, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        out[k] = pairs[2 * k];
        out[k + n] = pairs[2 * k + 1];
    }
}

typedef double two __attribute__((vector_size(2 * sizeof(double))));

DISPATCH void
iw_kernel_pair(double *restrict even, double *restrict odd, size_t pitch,
               const double *restrict rows, const double *restrict turn, size_t width,
               size_t frames)
{
    size_t whole = width / 2 * 2;
    for (size_t t = 0; t < frames; t++) {
        const double *row = rows + t * width;
        double *to = even + 2 * t, *turned = odd + 2 * t;
        two cosine = {turn[2 * t], turn[2 * t]}, sine = {-turn[2 * t + 1], turn[2 * t + 1]};
        for (size_t c = 0; c < whole; c += 2, to += pitch, turned += pitch) {
            two x;
            LOAD(x, row + c);
            memcpy(to, &x, sizeof x);
            x = x * cosine + SHUFFLE(x, x, 1, 0) * sine;
            memcpy(turned, &x, sizeof x);
        }
        if (whole < width) {
            to[0] = row[whole];
            to[1] = 0.0;
            turned[0] = row[whole] * turn[2 * t];
            turned[1] = row[whole] * turn[2 * t + 1];
        }
    }
}

DISPATCH void
iw_kernel_products(double *restrict direct, double *restrict swapped, double *const *earlier,
                   double *const *later, size_t pairs, size_t at, size_t n)
{
    for (size_t i = at; i < at + n; i += LANES) {
        eight s, x = {0.0};
        LOAD(s, direct + i);
        if (swapped)
            LOAD(x, swapped + i);
        for (size_t c = 0; c < pairs; c++) {
            eight a, b;
            /* As many streams as pairs are more than the processor looks ahead for by itself. */
            __builtin_prefetch(earlier[c] + i + AHEAD);
            LOAD(a, earlier[c] + i);
            LOAD(b, later[c] + i);
            s += a * b;
            x += a * SHUFFLE(b, b, 1, 0, 3, 2, 5, 4, 7, 6);
        }
        memcpy(direct + i, &s, sizeof s);
        if (swapped)
            memcpy(swapped + i, &x, sizeof x);
    }
}

static inline void
add_compensated(double *sum, double *carry, double x)
{
    double t = *sum + x, part = t - *sum;
    *carry += (*sum - (t - part)) + (x - part);
    *sum = t;
}

DISPATCH void
iw_kernel_fold(double *restrict sum, double *restrict carry, const double *restrict direct,
               const double *restrict swapped, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        add_compensated(sum + k, carry + k, direct[2 * k] + direct[2 * k + 1]);
        add_compensated(sum + n + k, carry + n + k, swapped[2 * k] - swapped[2 * k + 1]);
    }
}

DISPATCH void
iw_kernel_settle(double *restrict sum, double *restrict carry, double *restrict part, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        add_compensated(sum + i, carry + i, part[i]);
        part[i] = 0.0;
    }
}
