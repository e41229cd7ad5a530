/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_SLIPS_H
#define IW_SLIPS_H
/*
 * slips.h - which mistaken unit explains lengths, velocities or times that are off by a factor.
 *
 * A factor is what was read over what is true: bohr taken as Angstrom makes lengths 1.89 times too
 * large.  Texts say nothing where no slip is near.
 */
#include <stdbool.h>
#include <stddef.h>

enum { IW_SLIP_TEXT = 240 };

/* Is the factor 1 within a factor of `within`? */
bool iw_slip_none(double factor, double within);

void iw_slip_of_length(double factor, char text[IW_SLIP_TEXT]);
/* Velocities, whose lengths are off by a factor of their own (1: they are right); within: how well
 * the factor is known. */
void iw_slip_of_velocity(double length, double factor, double within, char text[IW_SLIP_TEXT]);
/* Frames are further apart in time than said by the factor; also a spacing of steps in the place of
 * frames. */
void iw_slip_of_time(double factor, double said_fs, char text[IW_SLIP_TEXT]);

#endif
