/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire.h"

#include <math.h>
#include <string.h>

/* Arrays in a message lie anywhere, so values are copied out before they are looked at.  The sum
 * of 0 * x is 0 for finite numbers and NaN otherwise, but adding in order keeps the compiler from
 * using vectors; testing exponent bits does not. */
static bool
all_finite_f32(const unsigned char *data, size_t n)
{
    uint32_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, data + i * sizeof bits, sizeof bits);
        bad |= (bits & 0x7f800000U) == 0x7f800000U;
    }
    return bad == 0;
}

static bool
all_finite_f64(const unsigned char *data, size_t n)
{
    uint64_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, data + i * sizeof bits, sizeof bits);
        /* The carry out of the exponent field is the sign bit: set when all its bits are set. */
        bad |= (bits & 0x7fffffffffffffffULL) + 0x0010000000000000ULL;
    }
    return bad >> 63 == 0;
}

static double
value_at(const void *data, bool is_f32, size_t i)
{
    if (is_f32) {
        float value;
        memcpy(&value, (const unsigned char *)data + i * sizeof value, sizeof value);
        return (double)value;
    }
    double value;
    memcpy(&value, (const unsigned char *)data + i * sizeof value, sizeof value);
    return value;
}

static iw_status
check_array(const void *data, bool is_f32, size_t n_atoms, const char *what, iw_error *err)
{
    size_t n = 3 * n_atoms;
    if (is_f32 ? all_finite_f32(data, n) : all_finite_f64(data, n))
        return IW_OK;
    size_t i = 0;
    while (i < n && isfinite(value_at(data, is_f32, i)))
        i++;
    return iw_fail(err, IW_INVALID, "%s of atom %zu is not finite: %c is %g", what, i / 3,
                   "xyz"[i % 3], value_at(data, is_f32, i));
}

static iw_status
check_cell(const double *h, iw_error *err)
{
    double edges = 1.0;
    for (int i = 0; i < 9; i++)
        if (!isfinite(h[i]))
            return iw_fail(err, IW_INVALID, "cell vector %c is not finite: %g %g %g", "abc"[i / 3],
                           h[i - i % 3], h[i - i % 3 + 1], h[i - i % 3 + 2]);
    for (int i = 0; i < 9; i += 3)
        edges *= sqrt(h[i] * h[i] + h[i + 1] * h[i + 1] + h[i + 2] * h[i + 2]);
    double volume = h[0] * (h[4] * h[8] - h[5] * h[7]) - h[1] * (h[3] * h[8] - h[5] * h[6]) +
                    h[2] * (h[3] * h[7] - h[4] * h[6]);
    /* Vectors that span less than a millionth of their box are parallel for our purposes. */
    if (!(fabs(volume) > 1e-6 * edges))
        return iw_fail(err, IW_INVALID, "cell is singular: volume %.3g A3 of edges that span %.3g",
                       volume, edges);
    return IW_OK;
}

iw_status
iw_frame_view_check_cell(const iw_frame_view *view, iw_error *err)
{
    return view->has_cell ? check_cell(view->cell_A, err) : IW_OK;
}

iw_status
iw_frame_view_check(const iw_frame_view *view, iw_error *err)
{
    iw_status status = iw_frame_view_check_cell(view, err);
    if (status == IW_OK)
        status = check_array(view->pos, view->pos_is_f32, view->n_atoms, "position", err);
    if (status == IW_OK && view->has_velocities)
        status = check_array(view->vel, view->vel_is_f32, view->n_atoms, "velocity", err);
    return status;
}

static void
load_array(double *to, const void *from, bool is_f32, size_t n)
{
    if (!is_f32) {
        memcpy(to, from, n * sizeof *to);
        return;
    }
    for (size_t i = 0; i < n; i++)
        to[i] = value_at(from, true, i);
}

iw_status
iw_frame_view_load(const iw_frame_view *view, iw_frame *frame, iw_error *err)
{
    if (view->n_atoms != frame->n_atoms)
        return iw_fail(err, IW_INVALID, "frame %llu has %zu atoms, the run has %zu",
                       (unsigned long long)view->seq, view->n_atoms, frame->n_atoms);
    frame->seq = view->seq;
    frame->step = view->step;
    frame->time_fs = view->time_fs;
    frame->has_cell = view->has_cell;
    memcpy(frame->cell_A, view->cell_A, sizeof frame->cell_A);
    load_array(frame->pos_A, view->pos, view->pos_is_f32, 3 * view->n_atoms);
    frame->has_velocities = view->has_velocities;
    if (view->has_velocities)
        load_array(frame->vel_A_fs, view->vel, view->vel_is_f32, 3 * view->n_atoms);
    frame->potential_energy_eV = view->potential_energy_eV;
    frame->kinetic_energy_eV = view->kinetic_energy_eV;
    frame->temperature_K = view->temperature_K;
    return IW_OK;
}

void
iw_frame_view_of(const iw_frame *frame, iw_frame_view *view)
{
    memset(view, 0, sizeof *view);
    view->seq = frame->seq;
    view->step = frame->step;
    view->time_fs = frame->time_fs;
    view->has_cell = frame->has_cell;
    memcpy(view->cell_A, frame->cell_A, sizeof view->cell_A);
    view->n_atoms = frame->n_atoms;
    view->pos = frame->pos_A;
    view->has_velocities = frame->has_velocities;
    view->vel = frame->has_velocities ? frame->vel_A_fs : NULL;
    view->potential_energy_eV = frame->potential_energy_eV;
    view->kinetic_energy_eV = frame->kinetic_energy_eV;
    view->temperature_K = frame->temperature_K;
}
