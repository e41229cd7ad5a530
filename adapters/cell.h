/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_CELL_H
#define IW_CELL_H
/* cell.h - a cell from what files say of it. */
#include <stdbool.h>

/* Rows are the vectors: a along x, b in the xy plane.  False where there is no such cell. */
bool iw_cell_from_lengths(const double length_A[3], const double angle_deg[3], double cell_A[9]);

#endif
