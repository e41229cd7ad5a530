/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trajectory/unwrap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Adding and subtracting it rounds to the nearest whole number, halves to even, without a call. */
#define ROUNDER 0x1.8p52

iw_status
iw_unwrap_init(iw_unwrap *self, size_t n_atoms, bool wrapped, iw_error *err)
{
    *self = (iw_unwrap){.n_atoms = n_atoms, .wrapped = wrapped};
    self->last = calloc(3 * n_atoms, sizeof(double));
    self->anchor = calloc(3 * n_atoms, sizeof(double));
    self->image = calloc(3 * n_atoms, sizeof(double));
    self->step = calloc(3 * n_atoms, sizeof(double));
    if (self->last && self->anchor && self->image && self->step)
        return IW_OK;
    iw_unwrap_fini(self);
    return iw_fail(err, IW_NO_MEMORY, "no memory to unwrap %zu atoms", n_atoms);
}

void
iw_unwrap_fini(iw_unwrap *self)
{
    free(self->last);
    free(self->anchor);
    free(self->image);
    free(self->step);
    *self = (iw_unwrap){0};
}

bool
iw_cell_invert(const double cell[9], double inverse[9], double *volume_A3)
{
    const double *a = cell, *b = cell + 3, *c = cell + 6;
    double bc[3] = {b[1] * c[2] - b[2] * c[1], b[2] * c[0] - b[0] * c[2],
                    b[0] * c[1] - b[1] * c[0]};
    double ca[3] = {c[1] * a[2] - c[2] * a[1], c[2] * a[0] - c[0] * a[2],
                    c[0] * a[1] - c[1] * a[0]};
    double ab[3] = {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2],
                    a[0] * b[1] - a[1] * b[0]};
    double det = a[0] * bc[0] + a[1] * bc[1] + a[2] * bc[2];
    double edges =
        sqrt((a[0] * a[0] + a[1] * a[1] + a[2] * a[2]) * (b[0] * b[0] + b[1] * b[1] + b[2] * b[2]) *
             (c[0] * c[0] + c[1] * c[1] + c[2] * c[2]));
    *volume_A3 = fabs(det);
    if (!(fabs(det) > 1e-6 * edges) || !isfinite(edges))
        return false;
    for (size_t i = 0; i < 3; i++) {
        inverse[3 * i] = bc[i] / det;
        inverse[3 * i + 1] = ca[i] / det;
        inverse[3 * i + 2] = ab[i] / det;
    }
    return true;
}

static void
set_cell(iw_unwrap *self, const double cell[9])
{
    double volume;
    memcpy(self->cell, cell, sizeof self->cell);
    (void)iw_cell_invert(cell, self->inverse, &volume);
    self->has_cell = true;
    self->orthogonal = cell[1] == 0.0 && cell[2] == 0.0 && cell[3] == 0.0 && cell[5] == 0.0 &&
                       cell[6] == 0.0 && cell[7] == 0.0;
}

static bool
same_cell(const double one[9], const double other[9])
{
    bool same = true;
    for (size_t k = 0; k < 9; k++)
        same = same && one[k] == other[k];
    return same;
}

/* Row vector times matrix. */
static inline void
times(const double v[3], const double m[9], double out[3])
{
    for (size_t k = 0; k < 3; k++)
        out[k] = v[0] * m[k] + v[1] * m[3 + k] + v[2] * m[6 + k];
}

/* What is said to be wrapped stays where it is unless it lies outside of any convention for that,
 * 0 to 1 or -1/2 to 1/2. */
static void
fold(const iw_unwrap *self, const double *pos, double *out)
{
    const double slack = self->wrapped ? 0.5 : 0.0;
    for (size_t i = 0; i < 3 * self->n_atoms; i += 3) {
        double s[3], shift[3];
        times(pos + i, self->inverse, s);
        for (size_t k = 0; k < 3; k++)
            s[k] = s[k] < -slack || s[k] >= 1.0 + slack ? floor(s[k]) : 0.0;
        times(s, self->cell, shift);
        for (size_t k = 0; k < 3; k++)
            out[i + k] = pos[i + k] - shift[k];
    }
}

void
iw_unwrap_start(iw_unwrap *self, const double *pos_A, const double *cell_A)
{
    size_t bytes = 3 * self->n_atoms * sizeof(double);
    memcpy(self->last, pos_A, bytes);
    memcpy(self->anchor, pos_A, bytes);
    memset(self->image, 0, bytes);
    memset(self->step, 0, bytes);
    self->changed = false;
    if (cell_A)
        set_cell(self, cell_A);
}

static void
push_as_is(iw_unwrap *self, const double *pos, double *out)
{
    for (size_t i = 0; i < 3 * self->n_atoms; i++) {
        self->step[i] = pos[i] - self->last[i];
        self->last[i] = pos[i];
        out[i] = pos[i] - self->anchor[i];
    }
}

static void
push_orthogonal(iw_unwrap *self, const double *pos, double *out, double largest[3])
{
    const double edge[3] = {self->cell[0], self->cell[4], self->cell[8]};
    const double per_edge[3] = {self->inverse[0], self->inverse[4], self->inverse[8]};
    for (size_t i = 0; i < 3 * self->n_atoms; i += 3) {
        for (size_t k = 0; k < 3; k++) {
            double d = pos[i + k] - self->last[i + k];
            double s = d * per_edge[k];
            double whole = (s + ROUNDER) - ROUNDER;
            double fraction = fabs(s - whole);
            largest[k] = fraction > largest[k] ? fraction : largest[k];
            self->image[i + k] -= whole;
            self->step[i + k] = d - whole * edge[k];
            self->last[i + k] = pos[i + k];
            out[i + k] = (pos[i + k] - self->anchor[i + k]) + self->image[i + k] * edge[k];
        }
    }
}

static void
push_triclinic(iw_unwrap *self, const double *pos, double *out, double largest[3])
{
    double cell[9], inverse[9]; /* copies: the arrays written to might alias the struct */
    memcpy(cell, self->cell, sizeof cell);
    memcpy(inverse, self->inverse, sizeof inverse);
    for (size_t i = 0; i < 3 * self->n_atoms; i += 3) {
        double d[3], s[3], whole[3], shift[3], images[3];
        for (size_t k = 0; k < 3; k++)
            d[k] = pos[i + k] - self->last[i + k];
        times(d, inverse, s);
        for (size_t k = 0; k < 3; k++) {
            whole[k] = (s[k] + ROUNDER) - ROUNDER;
            double fraction = fabs(s[k] - whole[k]);
            largest[k] = fraction > largest[k] ? fraction : largest[k];
            self->image[i + k] -= whole[k];
        }
        times(whole, cell, shift);
        times(self->image + i, cell, images);
        for (size_t k = 0; k < 3; k++) {
            self->step[i + k] = d[k] - shift[k];
            self->last[i + k] = pos[i + k];
            out[i + k] = (pos[i + k] - self->anchor[i + k]) + images[k];
        }
    }
}

/* From whole cell vectors to a running sum: image becomes the sum, anchor its carry. */
static void
begin_changing(iw_unwrap *self)
{
    for (size_t i = 0; i < 3 * self->n_atoms; i += 3) {
        double images[3];
        times(self->image + i, self->cell, images);
        for (size_t k = 0; k < 3; k++) {
            self->image[i + k] = (self->last[i + k] - self->anchor[i + k]) + images[k];
            self->anchor[i + k] = 0.0;
        }
    }
    fold(self, self->last, self->last);
    self->changed = true;
}

/* pos and out may be the same array. */
static void
push_changing(iw_unwrap *self, const double *pos, double *out, double largest[3])
{
    for (size_t i = 0; i < 3 * self->n_atoms; i += 3) {
        double d[3], s[3], whole[3], shift[3];
        for (size_t k = 0; k < 3; k++)
            d[k] = pos[i + k] - self->last[i + k];
        times(d, self->inverse, s);
        for (size_t k = 0; k < 3; k++) {
            whole[k] = (s[k] + ROUNDER) - ROUNDER;
            double fraction = fabs(s[k] - whole[k]);
            largest[k] = fraction > largest[k] ? fraction : largest[k];
        }
        times(whole, self->cell, shift);
        for (size_t k = 0; k < 3; k++) {
            self->step[i + k] = d[k] - shift[k];
            self->last[i + k] = pos[i + k];
            double add = self->step[i + k] - self->anchor[i + k];
            double sum = self->image[i + k] + add;
            self->anchor[i + k] = (sum - self->image[i + k]) - add;
            self->image[i + k] = sum;
            out[i + k] = sum;
        }
    }
}

/* Which atom made the largest displacement; only asked when it matters. */
static size_t
farthest(const iw_unwrap *self)
{
    double largest = 0.0;
    size_t atom = 0;
    for (size_t i = 0; i < self->n_atoms; i++) {
        double s[3];
        times(self->step + 3 * i, self->inverse, s);
        for (size_t k = 0; k < 3; k++) {
            if (fabs(s[k]) > largest) {
                largest = fabs(s[k]);
                atom = i;
            }
        }
    }
    return atom;
}

void
iw_unwrap_push(iw_unwrap *self, const double *pos_A, const double *cell_A, double *out_A,
               iw_jump *jump)
{
    if (cell_A && !self->has_cell) {
        set_cell(self, cell_A);
    } else if (cell_A && !same_cell(cell_A, self->cell)) {
        if (!self->changed)
            begin_changing(self);
        set_cell(self, cell_A);
    }
    double largest[3] = {0.0, 0.0, 0.0};
    if (self->changed) {
        fold(self, pos_A, out_A);
        push_changing(self, out_A, out_A, largest);
    } else if (!self->wrapped || !self->has_cell) {
        push_as_is(self, pos_A, out_A);
    } else if (self->orthogonal) {
        push_orthogonal(self, pos_A, out_A, largest);
    } else {
        push_triclinic(self, pos_A, out_A, largest);
    }
    jump->fraction = fmax(largest[0], fmax(largest[1], largest[2]));
    jump->atom = jump->fraction > IW_JUMP_FRACTION ? farthest(self) : 0;
}

/* The step is that of the next push. */
void
iw_unwrap_archive(iw_unwrap *self, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_unwrap, 192);
    iw_archive_tag(archive, "unwrap", 1);
    iw_archive_bool(archive, &self->has_cell);
    iw_archive_bool(archive, &self->orthogonal);
    iw_archive_bool(archive, &self->changed);
    iw_archive_doubles(archive, self->cell, 9);
    iw_archive_doubles(archive, self->inverse, 9);
    iw_archive_doubles(archive, self->last, 3 * self->n_atoms);
    iw_archive_doubles(archive, self->anchor, 3 * self->n_atoms);
    iw_archive_doubles(archive, self->image, 3 * self->n_atoms);
}
