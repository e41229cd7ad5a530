/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/cell.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define DEG_RAD 0.017453292519943295

bool
iw_cell_from_lengths(const double length_A[3], const double angle_deg[3], double cell_A[9])
{
    const double *l = length_A, right = 90.0;
    double cosine[3];
    for (size_t i = 0; i < 3; i++)
        cosine[i] = angle_deg[i] == right ? 0.0 : cos(angle_deg[i] * DEG_RAD);
    double sine = sqrt(1.0 - cosine[2] * cosine[2]);
    double x = cosine[1], y = (cosine[0] - cosine[1] * cosine[2]) / sine;
    double z = sqrt(1.0 - x * x - y * y);
    const double cell[9] = {l[0], 0.0,      0.0,      l[1] * cosine[2], l[1] * sine,
                            0.0,  l[2] * x, l[2] * y, l[2] * z};
    memcpy(cell_A, cell, sizeof cell);
    return isfinite(cell[4]) && isfinite(cell[8]);
}
