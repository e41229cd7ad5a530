/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CLI_AXIS_H
#define IW_CLI_AXIS_H
/*
 * axis.h - the range of a plot's axis, linear or logarithmic, and round numbers along it.
 *
 * Pure: values in, places between 0 and 1 out.
 */
#include <stdbool.h>
#include <stddef.h>

typedef struct {
    double low, high;
    bool log;
    int exponent; /* ticks of a linear axis are in units of 10^exponent */
} iw_axis;

void iw_axis_init(iw_axis *self, bool log);
/* Widens the range to hold the value; what cannot be drawn on the axis is passed over. */
void iw_axis_take(iw_axis *self, double value);
/* After the last value: makes a range of a point or of nothing, chooses the exponent.  A linear
 * axis whose values are of one sign and come near zero begins there. */
void iw_axis_close(iw_axis *self);

/* 0 at the low end, 1 at the high end, beyond outside; NAN for what cannot be drawn. */
double iw_axis_at(const iw_axis *self, double value);

enum { IW_AXIS_TICKS = 12, IW_TICK_TEXT = 16 };

typedef struct {
    double value;
    char text[IW_TICK_TEXT]; /* in units of 10^exponent */
} iw_tick;

/* At most so many ticks (2 to IW_AXIS_TICKS), in ascending order, at 1, 2 or 5 times a power of ten
 * apart; on a logarithmic axis at powers of ten, with their double and fivefold where there are
 * few. Returns their number. */
size_t iw_axis_ticks(const iw_axis *self, size_t most, iw_tick ticks[IW_AXIS_TICKS]);

#endif
